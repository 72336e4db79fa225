/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "sng-report-options.h"

G_BEGIN_DECLS

/* What "sng check" is asked for, checked. */
typedef struct
{
  char **command;
  char **stop_command;   /* NULL: the same; so the next */
  char **resume_command;
  char *checkpoint_dir;  /* NULL: one that the command is told */
  char **compare;        /* patterns; NULL: none */
  char *stops;           /* NULL: one, after stop_at */
  guint steps;           /* 0: as many as the command makes */
  guint stop_at;         /* 0: in the middle */
  guint timeout;         /* in seconds; 0: none */
  char *kill_dir;        /* whose file operations it is killed before; NULL: it is stopped */
  guint kill_every;
  gboolean repeat;
  gboolean noise_tolerance;
  SngReportOptions report;
} SngCheckOptions;

/* FALSE where they are wrong, which is printed. */
gboolean    sng_check_options_parse          (SngCheckOptions        *self,
                                              int                     argc,
                                              char                  **argv);
void        sng_check_options_clear          (SngCheckOptions        *self);
/* One that does what they say. */
SngHarness *sng_check_options_create_harness (const SngCheckOptions  *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SngCheckOptions, sng_check_options_clear)

G_END_DECLS
