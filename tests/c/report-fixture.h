/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Reports of every kind. */

#pragma once

#include <sng.h>

#include "compare/sng-divergence-private.h"
#include "compare/sng-metric-result-private.h"
#include "compare/sng-report-private.h"

/* A name with everything in it that a writer could stumble over. */
#define HOSTILE "<a href=\"x\">&amp; ]]> 'q' # SKIP \\ \n\r\t\x1b[31m\x01\xff\xef\xbf\xbf\xe2\x80\xae end"

typedef struct
{
  const char *name;
  SngVerdict verdict;
  SngReport *(*make) (void);
} ReportKind;

/* Ends with one without a name. */
extern const ReportKind report_kinds[];

/* Appends a line. */
void report_add (SngReport *report,
                 const char *name,
                 SngVerdict verdict,
                 guint64 compared,
                 guint64 n_different,
                 SngDivergence *first,
                 const char *reason);
void report_add_run (SngReport *report,
                     SngMode mode,
                     guint64 n_entries,
                     guint64 first_step,
                     guint64 last_step);
/* Two metrics diverge at the same step; the second was recorded first there. */
SngReport *report_make_diverged (void);
/* Stop points 1 to 3, of which the second one has the verdict and the others pass. */
SngReport *report_make_sweep (SngVerdict verdict);
/* Found, missed and not planted. */
SngReport *report_make_faults (void);
/* Of each outcome one, without a control. */
SngReport *report_make_kills (void);
void report_add_kill (SngReport *report,
                      guint64 number,
                      const char *operation,
                      const char *path,
                      const char *other,
                      SngKillOutcome outcome,
                      const char *detail);
SngReport *report_make_hostile (void);
