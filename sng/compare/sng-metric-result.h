/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "compare/sng-divergence.h"

G_BEGIN_DECLS

#define SNG_TYPE_METRIC_RESULT (sng_metric_result_get_type ())

SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngMetricResult, sng_metric_result, SNG, METRIC_RESULT, GObject)

SNG_AVAILABLE_IN_1_0
const char    *sng_metric_result_get_name             (SngMetricResult *self);
SNG_AVAILABLE_IN_1_0
SngVerdict     sng_metric_result_get_verdict          (SngMetricResult *self);
SNG_AVAILABLE_IN_1_0
guint64        sng_metric_result_get_compared         (SngMetricResult *self);
SNG_AVAILABLE_IN_1_0
guint64        sng_metric_result_get_n_different      (SngMetricResult *self);
SNG_AVAILABLE_IN_1_0
SngDivergence *sng_metric_result_get_first_divergence (SngMetricResult *self);
SNG_AVAILABLE_IN_1_0
const char    *sng_metric_result_get_reason           (SngMetricResult *self);

G_END_DECLS
