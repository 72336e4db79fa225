/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "harness/sng-harness-private.h"
#include "harness/sng-run-private.h"

G_BEGIN_DECLS

/* What one call of a harness does: which runs it makes, and what it says about them. */
typedef struct
{
  /* Appends the runs that come next, given those that are done; none where there are no more. The runs of one batch do not need
   * one another, and may run side by side. */
  gboolean   (*next)        (SngHarness  *self,
                             GPtrArray   *done,
                             GPtrArray   *batch,
                             gpointer     data,
                             GError     **error);
  /* NULL: the call has no report */
  SngReport *(*judge)       (SngHarness  *self,
                             GPtrArray   *done,
                             gpointer     data,
                             GError     **error);
  /* How many steps all of its runs will make, about: what a progress bar is drawn for. */
  guint64    (*count_steps) (SngHarness  *self,
                             gpointer     data);
  /* Where it stops the training, for people; NULL: where the settings say, which must then make sense. */
  const char  *stops;
  /* What a call of it keeps; NULL: what it is started with. */
  gpointer   (*create_data) (void);
  GDestroyNotify free_data;
} SngProgram;

/* Owns @data from now on; NULL for a program that makes its own. The result is the report of a program that judges, else a boolean. */
void       sng_program_start   (const SngProgram    *program,
                                SngHarness          *self,
                                gpointer             data,
                                GDestroyNotify       data_free,
                                gpointer             source_tag,
                                GCancellable        *cancellable,
                                GAsyncReadyCallback  callback,
                                gpointer             user_data);
/* The same, waited for. */
SngReport *sng_program_run     (const SngProgram    *program,
                                SngHarness          *self,
                                gpointer             data,
                                GDestroyNotify       data_free,
                                GCancellable        *cancellable,
                                GError             **error);
gboolean   sng_program_perform (const SngProgram    *program,
                                SngHarness          *self,
                                gpointer             data,
                                GDestroyNotify       data_free,
                                GCancellable        *cancellable,
                                GError             **error);

/* What makes the runs of a harness that is no trainer's: sng-command-harness.c. */
typedef struct _SngRunner
{
  const SngProgram *stop_and_go; /* the programs that it can make */
  const SngProgram *kills;
  const char *const *settings; /* the properties that make its runs what they are; NULL at the end */
  gboolean (*check_settings) (SngHarness           *self,
                              GError              **error);
  /* A run, as sng_child_run_async() has it; the result is a boolean. */
  void     (*make_run_async) (SngHarness           *self,
                              SngRun               *run,
                              SngProgressFunc       progress,
                              gpointer              progress_data,
                              GCancellable         *cancellable,
                              GAsyncReadyCallback   callback,
                              gpointer              user_data);
} SngRunner;

/* The program of a stop-and-go of this harness. */
const SngProgram *sng_harness_get_stop_and_go    (SngHarness  *self);

/* sng-harness-stop-and-go.c */
extern const SngProgram sng_program_stop_and_go;
extern const SngProgram sng_program_continuous;
extern const SngProgram sng_program_stop;
extern const SngProgram sng_program_resume;

/* The runs of a stop-and-go, as the first part of another program: appends the next one, or none. */
gboolean   sng_harness_next_of_stop_and_go (SngHarness  *self,
                                            GPtrArray   *done,
                                            GPtrArray   *batch,
                                            GError     **error);
guint64    sng_harness_count_stop_and_go   (SngHarness  *self);
/* Makes it as hard for a run that resumes as the harness says. */
void       sng_harness_stress_run          (SngHarness  *self,
                                            SngRun      *run);

/* sng-harness-drill.c: a closer look at the first divergence, where it is one of a tensor. The runs that it takes follow those of
 * the stop-and-go. */
typedef struct _SngDrill SngDrill;

gpointer   sng_drill_new      (void);
void       sng_drill_free     (gpointer      data);
gboolean   sng_drill_is_begun (SngDrill     *self);
/* Judges the runs of the stop-and-go, and appends what is to be run once more. */
gboolean   sng_drill_next     (SngDrill     *self,
                               SngHarness   *harness,
                               GPtrArray    *done,
                               GPtrArray    *batch,
                               GError      **error);
/* The same in its parts, for who makes the runs in a way of its own. The run of @done that differs from CONTINUOUS in a tensor whose elements are
 * to be seen; NULL where there is nothing to look at. */
const SngRun *sng_drill_look  (SngDrill     *self,
                               SngHarness   *harness,
                               SngReport    *report,
                               GPtrArray    *done);
/* A run up to the place that was found, which captures it. */
SngRun    *sng_drill_create_run (SngDrill   *self,
                               SngMode       mode,
                               const char   *like);
/* The two that capture it for the report. */
void       sng_drill_set_runs (SngDrill     *self,
                               const SngRun *continuous,
                               const SngRun *other);
/* The report, with the elements that differ. */
SngReport *sng_drill_finish   (SngDrill     *self,
                               SngHarness   *harness);

/* sng-harness-judge.c: the stores of runs that are done, opened. */
typedef struct
{
  SngRunStore *continuous;
  SngRunStore *repeat;    /* NULL: none */
  GPtrArray   *segments;  /* SngRunStore: of STOP and each RESUME, in order */
  GPtrArray   *runs;      /* SngRun of each of these; borrowed */
} SngJudgedRuns;

gboolean   sng_judged_runs_open  (SngJudgedRuns *self,
                                  SngHarness    *harness,
                                  GPtrArray     *done,
                                  guint          rank,
                                  GError       **error);
void       sng_judged_runs_clear (SngJudgedRuns *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SngJudgedRuns, sng_judged_runs_clear)

/* Outputs and losses, which the original judges by a tolerance of their own. */
gboolean   sng_harness_is_output_metric (const char      *metric);
/* A plan that is a name does not say by itself what it came to. */
void       sng_harness_note_stops        (SngHarness      *self,
                                          SngReport       *report);
/* Adds the line, and takes it. */
void       sng_harness_take_result      (SngReport       *report,
                                         SngMetricResult *result);

/* A comparison of CONTINUOUS and REPEAT, with the harness's tolerances, as yet without segments. */
SngComparison *sng_harness_create_comparison (SngHarness     *self,
                                              SngJudgedRuns  *runs,
                                              GError        **error);
/* Adds what the trainings consumed, each by itself, where the ids of samples were recorded: what is wrong with both of them in the same
 * way shows in no comparison. */
gboolean       sng_harness_add_coverage      (SngHarness      *self,
                                              SngJudgedRuns   *runs,
                                              SngReport       *report,
                                              GError         **error);
/* Says why they differ, where they do. */
void           sng_harness_diagnose          (SngReport      *report,
                                              SngRunStore    *continuous,
                                              GPtrArray      *segments);
/* The report over the runs that a stop-and-go has left. */
SngReport     *sng_harness_judge             (SngHarness     *self,
                                              GPtrArray      *done,
                                              GError        **error);
/* How long each of its runs took. */
void           sng_harness_add_seconds       (SngReport      *report,
                                              GPtrArray      *done);

/* sng-harness-judge-checks.c: what the harness itself knows about how the runs must fit together. */
/* A count that a run noted; FALSE: it did not. */
gboolean         sng_harness_lookup_info                 (SngRunStore    *store,
                                                          const char     *key,
                                                          guint64        *count);
/* That a run begins with the step that it must begin with; else the line of GlobalStepState diverges. */
void             sng_harness_check_start                 (SngReport      *report,
                                                          SngRunStore    *store,
                                                          guint64         expected);
void             sng_harness_check_starts                (SngJudgedRuns  *runs,
                                                          SngReport      *report);
SngMetricResult *sng_harness_judge_init_consumed_samples (SngJudgedRuns  *runs);
SngMetricResult *sng_harness_judge_validation_batches    (SngJudgedRuns  *runs,
                                                          guint           num_steps);
SngMetricResult *sng_harness_judge_stops                 (SngJudgedRuns  *runs);

G_END_DECLS
