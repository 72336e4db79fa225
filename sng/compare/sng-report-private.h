/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "compare/sng-fault-result-private.h"
#include "compare/sng-kill-result-private.h"
#include "compare/sng-report-run-private.h"
#include "compare/sng-report.h"

G_BEGIN_DECLS

SngReport *sng_report_new        (void);
void       sng_report_set_title  (SngReport       *self,
                                  const char      *title);
/* Appends a line. */
void       sng_report_add_result (SngReport       *self,
                                  SngMetricResult *result);
/* Puts it in the place of the line of the same name, which is there. */
void       sng_report_replace_result (SngReport       *self,
                                      SngMetricResult *result);
void       sng_report_add_part   (SngReport       *self,
                                  SngReport       *part);
void       sng_report_add_run    (SngReport       *self,
                                  SngReportRun    *run);
void       sng_report_add_fault  (SngReport       *self,
                                  SngFaultResult  *fault);
void       sng_report_add_kill   (SngReport       *self,
                                  SngKillResult   *kill);
void       sng_report_add_note   (SngReport       *self,
                                  const char      *note);
/* Whether differences up to a tolerance were accepted. */
void       sng_report_set_tolerant (SngReport     *self,
                                    gboolean       is_tolerant);
gboolean   sng_report_is_tolerant  (SngReport     *self);
void       sng_report_set_diagnosis (SngReport    *self,
                                     SngDiagnosis *diagnosis);
void       sng_report_set_elements (SngReport     *self,
                                    SngTensorDiff *elements);

/* Of the choices in the environments of the runs those that the warnings tell. */
GHashTable *sng_report_collect_choices (SngReport *self);

/* The verdict on the metrics and the parts, whatever became of the faults. */
SngVerdict sng_report_get_control_verdict (SngReport *self);
/* How many metrics of its own, and how many parts, have the verdict. */
guint      sng_report_count        (SngReport  *self,
                                    SngVerdict  verdict);
guint      sng_report_count_parts  (SngReport  *self,
                                    SngVerdict  verdict);
void       sng_report_count_faults (SngReport  *self,
                                    guint      *n_planted,
                                    guint      *n_missed);
guint      sng_report_count_kills  (SngReport      *self,
                                    SngKillOutcome  outcome);
/* The first one that has it, or NULL. */
SngKillResult *sng_report_find_kill (SngReport      *self,
                                     SngKillOutcome  outcome);
/* Adds those of the report and of all its parts. */
void       sng_report_count_compared (SngReport *self,
                                      guint     *n_metrics,
                                      guint64   *n_compared);
/* The first part that has the verdict, or NULL. */
SngReport *sng_report_find_part    (SngReport  *self,
                                    SngVerdict  verdict);
/* The report itself or the part, down to the last one, whose metrics have the first divergence; NULL: there is none. */
SngReport *sng_report_find_first_source (SngReport *self);
/* The first divergence of the report's own metrics that have the verdict, or NULL. */
SngDivergence *sng_report_find_divergence (SngReport  *self,
                                           SngVerdict  verdict);

G_END_DECLS
