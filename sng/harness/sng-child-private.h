/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "harness/sng-harness-private.h"

G_BEGIN_DECLS

/* A mode in a fresh process. The parent starts the program once more with these in its environment:
 *   SNG_CHILD_RUN          the run that it is to make, as sng_run_to_text() has it
 *   SNG_CHILD_HARNESS      the exp-name of the harness that is to run it
 *   SNG_CHILD_RUN_DIR      the run directory, with the plan in it
 *   SNG_CHILD_PROGRESS_FD  where it writes a line for each step, "STEP N_STEPS", and "!" before its interrupt acts
 * The child leaves its outcome in outcome.json of the run's directory and exits with 0 or 1, unless it is killed on purpose. */

/* What this process was started for; NULL in one that is no such child. */
typedef struct
{
  SngRun *run;
  char   *exp_name;
  char   *run_directory;
  int     progress_fd;
} SngChildRequest;

const SngChildRequest *sng_child_get_request (void);
/* Makes the run that was asked for and ends the process. Returns, with an error, only where another harness was asked for. */
void                   sng_child_serve       (SngHarness           *self,
                                              GError              **error);

/* The command that this process was started with. */
char                 **sng_child_dup_command (GError              **error);
/* The result of its task is a boolean. */
void                   sng_child_run_async   (SngHarness           *self,
                                              SngRun               *run,
                                              SngProgressFunc       progress,
                                              gpointer              progress_data,
                                              GCancellable         *cancellable,
                                              GAsyncReadyCallback   callback,
                                              gpointer              user_data);
/* The file with all that a run printed, and the end of it as a paragraph below an error; "" where it printed nothing. */
char                  *sng_child_dup_output_path (const char           *directory);
char                  *sng_child_dup_output_tail (const char           *directory);
/* Adds that end to the message. */
void                   sng_child_add_output_tail (const char           *directory,
                                                  GError               *error);

/* Takes a source out of its context and forgets it; there may be none. */
void                   sng_child_destroy_source  (GSource             **source);

/* outcome.json */
gboolean               sng_outcome_save      (const char           *path,
                                              GPtrArray            *warnings,
                                              const SngRun         *run,
                                              const GError         *outcome,
                                              GError              **error);
/* Adds the warnings, and fails with the error of the child where it had one. *found tells whether there was an outcome. */
gboolean               sng_outcome_load      (const char           *path,
                                              SngHarness           *self,
                                              SngRun               *run,
                                              gboolean             *found,
                                              GError              **error);

G_END_DECLS
