/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "crash-fixture.h"
#include "crash-judge.h"

G_BEGIN_DECLS

/* A save, or with a salt of 0 the removal, of a step; nothing with a step of 0. */
typedef struct
{
  guint64 step;
  gint64 salt;
  guint n_ranks; /* that save it, each with a store of its own; 0: one process alone */
} CrashChange;

/* How the first change ends: as it should; in a kill, without a word to the caller; by a call that fails, alone or with all
 * syncs of names that come after it. */
typedef enum
{
  CRASH_END_RETURN,
  CRASH_END_KILL,
  CRASH_END_FAILURE,
  CRASH_END_NO_SYNC
} CrashEnd;

typedef struct
{
  const char *name;
  CrashChange before[3];           /* all durable */
  CrashChange changes[2];
  const CrashOutcome *outcomes[3]; /* before, and after each change that returns */
  gboolean plain;                  /* on a file system that cannot swap two names */
  gboolean is_file;                /* not of a store but of a single file */
  CrashEnd end;
  gboolean in_commit;              /* of the first change, when all ranks have saved their parts */
  gboolean next_fails;             /* the second change, at the first sync of the store's directory */
  void (*damage) (Fixture *fixture);
} CrashScenario;

/* The calls of a scenario, and what was said of the states that a crash can leave of it. */
typedef struct
{
  const CrashScenario *scenario;
  CrashRecord *record;
  guint first;           /* the first op after the end of the first change, where that is a kill or a failure */
  gboolean ended;        /* the first change has come to that end */
  GHashTable *verdicts;  /* what was said of each state; "": all is well */
  const char *complaint; /* what ended the last crash_run_judge () */
  gboolean is_real;      /* these are the calls of the writer as it is: they count, and saves after the crash are tried */
} CrashRun;

typedef struct
{
  guint n_states; /* of the writer as it is: those of one point in time and one choice of what is lost */
  guint n_judged; /* those that differ in what is on the disk or in what was promised by then */
  guint n_trees;  /* those that differ in what is on the disk */
  guint n_next_saves;
  guint n_mutant_states;
} CrashCounts;

extern CrashCounts crash_counts;
extern const CrashScenario crash_scenarios[]; /* to a name of NULL */
extern const CrashScenario crash_stopped[];

/* Makes the calls. Those of a first change that does not return end at call number n_calls. */
CrashRun *crash_run_new    (const CrashScenario *scenario,
                            guint                n_calls);
void      crash_run_free   (CrashRun            *self);
/* Looks at all states of these ops after the first so many. FALSE where one is wrong. */
gboolean  crash_run_judge  (CrashRun            *self,
                            GPtrArray           *ops,
                            guint                from);
/* Before anything else. Has all that is made for a while on a file system that is fast, where there is one. */
void      crash_set_up     (void);
void      crash_tear_down  (void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CrashRun, crash_run_free)

G_END_DECLS
