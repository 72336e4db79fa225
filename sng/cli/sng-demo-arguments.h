/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "sng-demo-options.h"

G_BEGIN_DECLS

/* What stands on the command line of "sng demo" beside the strings that are options as they are; a number that was not given is
 * SNG_NOT_GIVEN. */
typedef struct
{
  char *optimizer;
  char *ema;
  char *stress;
  char *tolerance;
  char *accumulation;
  gboolean every_step;
  gboolean faults;
  gint64 steps;
  gint64 stop_at;
  gint64 horizon;
  gint64 jobs;
  gint64 seed;
  gint64 threads;
} SngDemoArguments;

/* FALSE where they cannot be read, or do not go together, which is printed. */
gboolean sng_demo_arguments_read  (SngDemoArguments  *self,
                                   SngDemoOptions    *options,
                                   int                argc,
                                   char             **argv);
void     sng_demo_arguments_clear (SngDemoArguments  *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SngDemoArguments, sng_demo_arguments_clear)

G_END_DECLS
