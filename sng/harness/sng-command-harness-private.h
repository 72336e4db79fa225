/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "harness/sng-command-harness.h"
#include "harness/sng-program-private.h"

G_BEGIN_DECLS

/* What stands for the checkpoint directory in arguments and patterns. */
#define SNG_CHECKPOINT_DIR_PLACE "{checkpoint-dir}"

/* What its files share: sng-command-harness.c is the type, -run.c starts a command and says what its end means, -stop-and-go.c names the
 * runs, -files.c records the files that a training leaves, -judge.c compares
 * what the runs have recorded. */
struct _SngCommandHarness
{
  SngHarness parent_instance;

  /* Settings: the properties. */
  char **stop_command;
  char **resume_command;
  char  *checkpoint_dir;
  char **compare;
  guint  timeout;
  char  *kill_dir;
  guint  kill_every;

  /* Of the call at work. */
  char   *directory;  /* of the checkpoints, where that is not one in the run directory; NULL: it is */
  guint64 first_step; /* that CONTINUOUS recorded, and the last one; 0: it recorded none */
  guint64 last_step;
};

/* Where the command keeps its checkpoints and its results, an absolute path. */
char    *sng_command_harness_dup_checkpoint_path (SngCommandHarness    *self);

/* sng-command-run.c */
void     sng_command_run_async                   (SngHarness           *harness,
                                                  SngRun               *run,
                                                  SngProgressFunc       progress,
                                                  gpointer              progress_data,
                                                  GCancellable         *cancellable,
                                                  GAsyncReadyCallback   callback,
                                                  gpointer              user_data);

/* sng-command-stop-and-go.c */
extern const SngProgram sng_command_stop_and_go;

/* sng-command-kills.c */
extern const SngProgram sng_command_kills;

/* sng-command-files.c: where the checkpoints are, and what a training has left below the checkpoint directory, once it is over. */
gboolean sng_command_find_checkpoints            (SngCommandHarness    *self,
                                                  GError              **error);
gboolean sng_command_clear_checkpoints           (SngCommandHarness    *self,
                                                  GError              **error);
/* Records the files that are to be compared as they are right after STOP. */
gboolean sng_command_note_stop                   (SngCommandHarness    *self,
                                                  const SngRun         *run,
                                                  GError              **error);
/* Records them when a training is over, and moves everything out of the way of the next training. */
gboolean sng_command_take_results                (SngCommandHarness    *self,
                                                  const SngRun         *run,
                                                  GError              **error);
/* Holds those of the interrupted training, and those of REPEAT, against those of CONTINUOUS. NULL without an error: none are to be
 * compared. */
SngReport *sng_command_judge_files               (SngCommandHarness    *self,
                                                  GPtrArray            *done,
                                                  GError              **error);

/* sng-command-judge.c: the report over the runs that are done, those of all ranks. */
SngReport *sng_command_judge                     (SngHarness           *harness,
                                                  GPtrArray            *done,
                                                  GError              **error);

G_END_DECLS
