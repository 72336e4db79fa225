/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "sng-types.h"

G_BEGIN_DECLS

#define SNG_TYPE_REPORT_RUN (sng_report_run_get_type ())

SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngReportRun, sng_report_run, SNG, REPORT_RUN, GObject)

SNG_AVAILABLE_IN_1_0
const char    *sng_report_run_get_name          (SngReportRun *self);
SNG_AVAILABLE_IN_1_0
SngMode        sng_report_run_get_mode          (SngReportRun *self);
SNG_AVAILABLE_IN_1_0
guint64        sng_report_run_get_n_entries     (SngReportRun *self);
SNG_AVAILABLE_IN_1_0
guint64        sng_report_run_get_first_step    (SngReportRun *self);
SNG_AVAILABLE_IN_1_0
guint64        sng_report_run_get_last_step     (SngReportRun *self);
SNG_AVAILABLE_IN_1_0
gint64         sng_report_run_get_restored_step (SngReportRun *self);
SNG_AVAILABLE_IN_1_0
const char    *sng_report_run_get_interrupt     (SngReportRun *self);
SNG_AVAILABLE_IN_1_0
const guint64 *sng_report_run_get_checkpoints   (SngReportRun *self,
                                                 gsize        *n_checkpoints);
SNG_AVAILABLE_IN_1_0
const guint64 *sng_report_run_get_validations   (SngReportRun *self,
                                                 gsize        *n_validations);
SNG_AVAILABLE_IN_1_0
GVariant      *sng_report_run_get_environment   (SngReportRun *self);
SNG_AVAILABLE_IN_1_0
double         sng_report_run_get_seconds       (SngReportRun *self);

G_END_DECLS
