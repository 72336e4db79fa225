/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "compare/sng-diagnosis.h"
#include "compare/sng-fault-result.h"
#include "compare/sng-kill-result.h"
#include "compare/sng-metric-result.h"
#include "compare/sng-report-run.h"
#include "compare/sng-tensor-diff.h"
#include <gio/gio.h>

G_BEGIN_DECLS

typedef enum
{
  SNG_REPORT_FORMAT_TEXT,
  SNG_REPORT_FORMAT_JSON,
  SNG_REPORT_FORMAT_JUNIT,
  SNG_REPORT_FORMAT_TAP,
  SNG_REPORT_FORMAT_HTML
} SngReportFormat;

#define SNG_TYPE_REPORT (sng_report_get_type ())

SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngReport, sng_report, SNG, REPORT, GObject)

SNG_AVAILABLE_IN_1_0
const char      *sng_report_get_title            (SngReport   *self);
SNG_AVAILABLE_IN_1_0
SngVerdict       sng_report_get_verdict          (SngReport   *self);
SNG_AVAILABLE_IN_1_0
GListModel      *sng_report_get_metrics          (SngReport   *self);
SNG_AVAILABLE_IN_1_0
SngMetricResult *sng_report_lookup_metric        (SngReport   *self,
                                                  const char  *name);
SNG_AVAILABLE_IN_1_0
SngDivergence   *sng_report_get_first_divergence (SngReport   *self);
SNG_AVAILABLE_IN_1_0
GListModel      *sng_report_get_parts            (SngReport   *self);
SNG_AVAILABLE_IN_1_0
GListModel      *sng_report_get_runs             (SngReport   *self);
SNG_AVAILABLE_IN_1_0
GListModel      *sng_report_get_faults           (SngReport   *self);
SNG_AVAILABLE_IN_1_0
GListModel      *sng_report_get_kills            (SngReport   *self);
SNG_AVAILABLE_IN_1_0
const char *const *sng_report_get_notes          (SngReport   *self);
SNG_AVAILABLE_IN_1_0
char           **sng_report_list_warnings        (SngReport   *self);
SNG_AVAILABLE_IN_1_0
SngDiagnosis    *sng_report_get_diagnosis        (SngReport   *self);
SNG_AVAILABLE_IN_1_0
SngTensorDiff   *sng_report_get_elements         (SngReport   *self);
SNG_AVAILABLE_IN_1_0
char            *sng_report_get_summary          (SngReport   *self);
SNG_AVAILABLE_IN_1_0
char            *sng_report_to_text              (SngReport   *self);
SNG_AVAILABLE_IN_1_0
char            *sng_report_to_json              (SngReport   *self);
SNG_AVAILABLE_IN_1_0
char            *sng_report_to_junit             (SngReport   *self);
SNG_AVAILABLE_IN_1_0
char            *sng_report_to_tap               (SngReport   *self);
SNG_AVAILABLE_IN_1_0
char            *sng_report_to_html              (SngReport   *self);
SNG_AVAILABLE_IN_1_0
gboolean         sng_report_save                 (SngReport       *self,
                                                  const char      *path,
                                                  SngReportFormat  format,
                                                  GError         **error);

G_END_DECLS
