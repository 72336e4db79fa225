/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "compare/sng-metric-result.h"

G_BEGIN_DECLS

/* How much of a metric was compared at one step. What one side lacks differs, and is not compared. */
typedef struct
{
  guint64 step;
  guint64 n_compared;
  guint64 n_different;
} SngMetricStep;

SngMetricResult *sng_metric_result_new (const char    *name,
                                        SngVerdict     verdict,
                                        guint64        compared,
                                        guint64        n_different,
                                        SngDivergence *first_divergence,
                                        const char    *reason);
/* Of SngMetricStep, in ascending order. Without it the result has no steps. */
void             sng_metric_result_set_steps (SngMetricResult *self,
                                              GArray          *steps);
GArray          *sng_metric_result_get_steps (SngMetricResult *self);

G_END_DECLS
