/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "compare/sng-report-run.h"
#include "record/sng-run-store.h"

G_BEGIN_DECLS

/* A recorded number over the steps of a run; of several micro-batches their mean. */
typedef struct
{
  guint64 step;
  double  value;
} SngReportPoint;

/* @name: NULL for that of the mode. */
SngReportRun *sng_report_run_new         (SngMode        mode,
                                          const char    *name);
/* What was recorded: the steps do not count where there are no entries. */
void          sng_report_run_set_entries (SngReportRun  *self,
                                          guint64        n_entries,
                                          guint64        first_step,
                                          guint64        last_step);
/* Takes everything else from what the run recorded. */
gboolean      sng_report_run_read        (SngReportRun  *self,
                                          SngRunStore   *store,
                                          GError       **error);
/* From the start of its process to its end. */
/* Of a run that could not note it itself. */
void          sng_report_run_set_restored_step (SngReportRun *self,
                                          guint64        step);
void          sng_report_run_set_seconds (SngReportRun  *self,
                                          double         seconds);
/* The metrics that are one number a step, or a micro-batch, in the order of declaration. */
const char *const *sng_report_run_list_curves (SngReportRun *self);
/* Of SngReportPoint, in order of the steps. NULL: there is none of that name. */
GArray       *sng_report_run_get_curve   (SngReportRun  *self,
                                          const char    *metric);

G_END_DECLS
