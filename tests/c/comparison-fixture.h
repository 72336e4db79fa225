/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <sng.h>

G_BEGIN_DECLS

#define N_STEPS 6
#define STOP_AT 3

/* A store and a recorder for each mode, and what is to be compared how. */
typedef struct
{
  char *directory;
  SngRunStore *stores[SNG_MODE_REPEAT + 1];
  SngRecorder *recorders[SNG_MODE_REPEAT + 1];
  GPtrArray *earlier; /* stores of the RESUME segments before the one that is written */
  gboolean has_repeat;
  gboolean is_captured; /* "Weights"; so it is in any case where there is a tolerance */
  gboolean accepts_noise;
  double atol; /* for "Loss" and "Weights" */
  double rtol;
} Fixture;

/* What a planted fault changes. The hook is asked before each entry of a run and may record something else. */
typedef gboolean (*Fault) (Fixture *fixture,
                           SngMode mode,
                           const char *metric,
                           SngStage stage,
                           guint64 step,
                           gint64 micro_batch);

void fixture_set_up (Fixture *fixture, gconstpointer data);
void fixture_tear_down (Fixture *fixture, gconstpointer data);

/* A directory with all that is in it. */
void remove_all (const char *directory);

void record (Fixture *fixture,
             SngMode mode,
             const char *metric,
             SngStage stage,
             guint64 step,
             gint64 micro_batch,
             const char *path,
             GVariant *value);
SngTensor *make_tensor (SngDtype dtype, gint64 rows, gint64 columns, double seed);
void record_tensor (Fixture *fixture, SngMode mode, guint64 step, SngTensor *tensor);
/* A run as the callbacks record it, with the fault, if any. */
void record_run (Fixture *fixture, SngMode mode, guint64 first_step, guint64 last_step, Fault fault);
/* Puts a new store in the place of RESUME's, which is compared before it. */
void next_resume (Fixture *fixture);
SngReport *compare (Fixture *fixture);
/* All runs, and what the comparison says of them. */
SngReport *record_and_compare (Fixture *fixture, Fault fault);
SngDivergence *assert_diverged (SngReport *report,
                                const char *metric,
                                guint64 step,
                                gint64 micro_batch,
                                SngMode mode);
void assert_inconclusive (SngReport *report, const char *metric, const char *reason);

G_END_DECLS
