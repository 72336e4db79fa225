/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "compare/sng-report-private.h"

G_BEGIN_DECLS

/* Names and values are anything that a training may have recorded. What a writer must not print as it is: */

/* In one line for people: what cannot be seen is written like \n, \x1b or \u202e, and a byte that is no UTF-8 like \xff.
 * @special: further characters to be written so, or NULL. */
char      *sng_report_escape_line (const char *text,
                                   const char *special);
/* For XML's and HTML's text and attributes: U+FFFD stands for what XML cannot hold and for a byte that is no UTF-8. */
char      *sng_report_escape_xml  (const char *text);

/* One thing that was checked, as test runners have them. */
typedef struct
{
  char          *name;
  SngVerdict     verdict;
  gboolean       skipped;    /* then the verdict is PASS, and the message says why */
  char          *message;    /* what makes the verdict; may be empty */
  SngDivergence *divergence; /* or NULL */
  char          *cause;      /* of the first divergence, with a sentence, or NULL */
} SngReportCase;

/* The cases of a report without its parts. */
typedef struct
{
  char      *name;
  double     seconds; /* of its runs; 0: not known */
  GPtrArray *cases;   /* of SngReportCase; not empty */
} SngReportSuite;

/* Returns: (transfer full): of SngReportSuite: the report's own metrics, its parts, its faults. Where the verdict is not
 * PASS, there is a case that is not: one named "verdict" where no metric and no fault is. */
GPtrArray *sng_report_list_suites (SngReport *self);

G_END_DECLS
