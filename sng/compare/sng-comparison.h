/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "compare/sng-report.h"
#include "compare/sng-tolerance.h"
#include "record/sng-run-store.h"

G_BEGIN_DECLS

#define SNG_TYPE_COMPARISON (sng_comparison_get_type ())

SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngComparison, sng_comparison, SNG, COMPARISON, GObject)

SNG_AVAILABLE_IN_1_0
SngComparison *sng_comparison_new                 (SngRunStore   *continuous);
SNG_AVAILABLE_IN_1_0
void           sng_comparison_add_segment         (SngComparison *self,
                                                   SngMode        mode,
                                                   SngRunStore   *store);
SNG_AVAILABLE_IN_1_0
void           sng_comparison_clear_segments       (SngComparison *self);
SNG_AVAILABLE_IN_1_0
void           sng_comparison_set_repeat          (SngComparison *self,
                                                   SngRunStore   *repeat);
SNG_AVAILABLE_IN_1_0
void           sng_comparison_set_tolerance       (SngComparison *self,
                                                   const char    *metric,
                                                   SngTolerance  *tolerance);
SNG_AVAILABLE_IN_1_0
void           sng_comparison_set_noise_tolerance  (SngComparison *self,
                                                   gboolean       noise_tolerance);
SNG_AVAILABLE_IN_1_0
void           sng_comparison_set_range            (SngComparison *self,
                                                   guint64        first_step,
                                                   guint64        last_step);
SNG_AVAILABLE_IN_1_0
SngReport     *sng_comparison_run                 (SngComparison *self,
                                                   GError       **error);

G_END_DECLS
