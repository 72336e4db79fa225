/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "compare/sng-divergence.h"

G_BEGIN_DECLS

/* @order is the place within the step, by which the first of several divergences is told: twice the position among
 * CONTINUOUS's entries of the step, plus one for an entry that CONTINUOUS lacks there. */
SngDivergence *sng_divergence_new     (SngMode        mode,
                                       const char    *metric,
                                       SngStage       stage,
                                       guint64        step,
                                       gint64         micro_batch,
                                       guint          rank,
                                       const char    *path,
                                       guint64        order,
                                       const char    *expected,
                                       const char    *actual,
                                       const char    *detail);
/* Negative, 0 or positive, as a is before, beside or after b. */
int            sng_divergence_compare (SngDivergence *a,
                                       SngDivergence *b);

G_END_DECLS
