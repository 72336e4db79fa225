/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <sng.h>

G_BEGIN_DECLS

/* What becomes of the runs and of the report of a check, as the command line has it. */
typedef struct
{
  char *output; /* the directory that the runs are kept in; NULL: none */
  gboolean json; /* what is printed, in place of text */
  gboolean tap;
  char *html; /* files for the report; NULL: none */
  char *junit;
} SngReportOptions;

/* The options, for sng_cli_parse(). */
GOptionEntry *sng_report_options_get_entries (SngReportOptions       *self);
/* FALSE where they cannot be met, which is printed: a report that cannot be written is better told of before a long run. */
gboolean      sng_report_options_check       (const SngReportOptions *self);
/* Lets the harness keep its runs where they say. */
void          sng_report_options_apply       (const SngReportOptions *self,
                                              SngHarness             *harness);
/* Prints and writes the report. Returns: the exit code */
int           sng_report_options_print       (const SngReportOptions *self,
                                              SngReport              *report);
void          sng_report_options_clear       (SngReportOptions       *self);

G_END_DECLS
