/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "compare/sng-report.h"

G_BEGIN_DECLS

SngReport *sng_report_new        (void);
/* Appends a line. */
void       sng_report_add_result (SngReport       *self,
                                  SngMetricResult *result);
/* Puts it in the place of the line of the same name, which is there. */
void       sng_report_replace_result (SngReport       *self,
                                      SngMetricResult *result);
/* Notes a run that was compared; the steps do not count where it has no entries. */
void       sng_report_add_run    (SngReport       *self,
                                  SngMode          mode,
                                  guint64          n_entries,
                                  guint64          first_step,
                                  guint64          last_step);
/* How many metrics have the whole verdict. */
guint      sng_report_count      (SngReport       *self,
                                  SngVerdict       verdict);

typedef struct
{
  SngMode mode;
  guint64 n_entries;
  guint64 first_step;
  guint64 last_step;
} SngReportRun;

/* Of SngReportRun, in the order of sng_report_add_run(). */
GArray    *sng_report_get_runs   (SngReport       *self);

G_END_DECLS
