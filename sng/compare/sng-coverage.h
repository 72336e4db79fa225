/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "compare/sng-metric-result.h"
#include "record/sng-run-store.h"

G_BEGIN_DECLS

typedef enum
{
  SNG_COVERAGE_POLICY_EXACTLY_ONCE,
  SNG_COVERAGE_POLICY_AT_LEAST_ONCE,
  SNG_COVERAGE_POLICY_NO_OVERLAP
} SngCoveragePolicy;

#define SNG_TYPE_COVERAGE (sng_coverage_get_type ())

SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngCoverage, sng_coverage, SNG, COVERAGE, GObject)

SNG_AVAILABLE_IN_1_0
SngCoverage     *sng_coverage_new           (SngCoveragePolicy policy);
SNG_AVAILABLE_IN_1_0
void             sng_coverage_set_n_samples (SngCoverage      *self,
                                             guint64           n_samples);
SNG_AVAILABLE_IN_1_0
void             sng_coverage_set_padding   (SngCoverage      *self,
                                             guint64           padding);
SNG_AVAILABLE_IN_1_0
void             sng_coverage_add_segment   (SngCoverage      *self,
                                             SngMode           mode,
                                             SngRunStore      *store);
SNG_AVAILABLE_IN_1_0
void             sng_coverage_add_rank      (SngCoverage      *self,
                                             SngRunStore      *store);
SNG_AVAILABLE_IN_1_0
SngMetricResult *sng_coverage_audit         (SngCoverage      *self,
                                             GError          **error);

G_END_DECLS
