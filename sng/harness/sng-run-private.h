/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "sng-types.h"

G_BEGIN_DECLS

/* What one process is to do: a training from its start or from a checkpoint, to an interrupt, a step or its end. All paths are
 * relative to the run directory of the harness. */
typedef struct
{
  SngMode mode;
  char    *name;       /* its directory: "continuous", "stop-000007", "sweep/resume-000003" */
  char    *source;     /* the directory of checkpoints that it begins with; NULL: it starts anew */
  guint64  source_step; /* which of these; 0: the newest that is undamaged, of a copy that the run goes on with */
  gboolean may_start_anew; /* where there is no checkpoint: the run before ended in the midst of a step */
  char    *interrupt;  /* what ends it, as sng_interrupt_to_string() has it; NULL: nothing does */
  gboolean is_left;    /* after last_step, which may be the one that it begins with */
  guint64  last_step;
  gboolean saves_steps; /* a checkpoint of each step in "steps", beside those of the trainer */
  char    *fault;      /* the id of the fault that is planted at its restore; NULL: none */
  char    *capture;    /* the metric of a tensor that is captured whole, beside those under a tolerance; NULL: none */
  char    *capture_path; /* which of that metric ... */
  guint64  capture_step; /* ... and at which step */
  gboolean captures_original; /* the metrics that the original compared are captured whole as well */
  gboolean counts_operations; /* of a command: its file operations ... */
  guint64  kill_at;    /* ... right before which of them it is killed; 0: none */
  gboolean may_fail;   /* what becomes of it is for the program to judge */
  guint    n_threads;  /* in place of the harness's; 0: that; so the next two */
  guint    micro_batch_size;
  guint    accumulate_grad_batches;
  SngStress stress;

  /* What came of it. */
  char    *failure;        /* why a run with a fault failed, which may be what the fault came to; NULL: it did not */
  gboolean is_interrupted; /* its interrupt fired */
  guint64  n_steps;        /* that it made */
  guint64  first_step;     /* that a command recorded; 0: none */
  double   start_seconds;  /* from its start until the harness was reached in it; of a run in this process 0 */
  double   seconds;        /* from there to its end */
  double   start_processor_seconds; /* of its process, until the model and its trainer were there */
  double   processor_seconds;       /* of the training */
} SngRun;

SngRun *sng_run_new       (SngMode       mode,
                           const char   *name);
void    sng_run_free      (SngRun       *self);
/* The part that says what is to be done, as text, for a child. */
char   *sng_run_to_text   (const SngRun *self);
SngRun *sng_run_from_text (const char   *text,
                           GError      **error);

/* Of SngRun, the first of the name; NULL: there is none. */
const SngRun *sng_run_find (GPtrArray  *runs,
                            const char *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SngRun, sng_run_free)

G_END_DECLS
