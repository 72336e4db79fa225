/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "harness/sng-harness.h"
#include "harness/sng-run-private.h"

G_BEGIN_DECLS

#define SNG_N_MODES 4

/* The results that the harness itself adds to the report. */
#define SNG_INIT_CONSUMED_SAMPLES "InitConsumedSamples"
#define SNG_VALIDATION_BATCHES "ValidationBatches"
#define SNG_STOPS "Stops"

/* What the files of SngHarness share: sng-harness.c is the type, -properties.c and -property-specs.c are its settings, -vfuncs.c calls what subclasses
 * implement, -plan.c writes plan.json and reads it back, -directory.c knows where the runs are, -mode.c is what happens inside one
 * run, -run.c makes the runs of a call (sng-program-private.h). Each call is a program: -stop-and-go.c with the single modes,
 * -sweep.c, -faults.c, -accumulation.c. -judge.c compares the runs, -judge-checks.c knows how they must fit together. */
typedef struct
{
  /* Settings: the properties. */
  guint num_steps;
  guint val_check_interval;
  guint limit_val_batches;
  guint stop_step;
  guint micro_batch_size;
  guint accumulate_grad_batches;
  guint n_threads;
  guint64 seed;
  double lr;
  double gradient_clip_norm;
  double train_val_output_atol;
  double other_output_atol;
  char *precision;
  char *device;
  char *resume_device; /* NULL: the same */
  GVariant *environment; /* that was added; NULL: nothing */
  char *exp_name;
  char *root_dir;
  char *metadata_dir;
  char **command;
  SngIsolation isolation;
  gboolean repeat;
  gboolean keep_runs;
  char *stop_plan; /* NULL: one RAISE after stop_step */
  guint jobs;
  guint horizon;
  SngStress stress;
  SngCoveragePolicy coverage_policy;
  gboolean noise_tolerance;
  gboolean drill_down;

  const struct _SngRunner *runner; /* what makes the runs; NULL: a trainer */
  guint64 recorded_steps;          /* that CONTINUOUS of a command has made; 0: that is not known yet */

  /* Extra metrics, in the order in which they were added; SngExtraMetric. */
  GPtrArray *extra_metrics;

  /* The runs. */
  char *run_directory;
  gboolean run_directory_is_temporary;
  gboolean running;
  guint64 work_done;  /* steps of this call */
  guint64 work_total;
  const SngRun *run; /* the one that this process is at; NULL: none */
  SngStopPlan *plan; /* the interrupts of the training that is stopped; NULL: not known before CONTINUOUS */
  GPtrArray *callbacks[SNG_N_MODES]; /* those that a mode used in this process */
  GPtrArray *known_callbacks;        /* detached ones, which tell the metrics' names */
  GPtrArray *warnings;
  SngReport *report;
} SngHarnessPrivate;

typedef struct
{
  char *name;
  SngMetricFunc func;
  gpointer user_data;
  GDestroyNotify user_data_free;
} SngExtraMetric;

typedef void (*SngProgressFunc) (guint64  step,
                                 guint64  n_steps,
                                 gpointer user_data);

/* The interrupt of the run is about to act, and may end the process with it. */
typedef void (*SngInterruptedFunc) (gpointer user_data);

SngHarnessPrivate *sng_harness_get_private           (SngHarness       *self);

void               sng_harness_set_default_vfuncs    (SngHarnessClass  *klass);
void               sng_harness_emit_mode_started     (SngHarness       *self,
                                                      SngMode           mode);
void               sng_harness_emit_mode_finished    (SngHarness       *self,
                                                      SngMode           mode,
                                                      gboolean          success);
void               sng_harness_emit_progress         (SngHarness       *self,
                                                      SngMode           mode,
                                                      guint64           step,
                                                      guint64           n_steps);
void               sng_harness_emit_divergence       (SngHarness       *self,
                                                      SngDivergence    *divergence);

enum
{
  SNG_HARNESS_PROP_0,
  SNG_HARNESS_PROP_NUM_STEPS,
  SNG_HARNESS_PROP_VAL_CHECK_INTERVAL,
  SNG_HARNESS_PROP_LIMIT_VAL_BATCHES,
  SNG_HARNESS_PROP_LR,
  SNG_HARNESS_PROP_PRECISION,
  SNG_HARNESS_PROP_TRAIN_VAL_OUTPUT_ATOL,
  SNG_HARNESS_PROP_OTHER_OUTPUT_ATOL,
  SNG_HARNESS_PROP_EXP_NAME,
  SNG_HARNESS_PROP_ROOT_DIR,
  SNG_HARNESS_PROP_METADATA_DIR,
  SNG_HARNESS_PROP_STOP_STEP,
  SNG_HARNESS_PROP_SEED,
  SNG_HARNESS_PROP_ISOLATION,
  SNG_HARNESS_PROP_REPEAT,
  SNG_HARNESS_PROP_KEEP_RUNS,
  SNG_HARNESS_PROP_MICRO_BATCH_SIZE,
  SNG_HARNESS_PROP_ACCUMULATE_GRAD_BATCHES,
  SNG_HARNESS_PROP_GRADIENT_CLIP_NORM,
  SNG_HARNESS_PROP_N_THREADS,
  SNG_HARNESS_PROP_DEVICE,
  SNG_HARNESS_PROP_RESUME_DEVICE,
  SNG_HARNESS_PROP_COMMAND,
  SNG_HARNESS_PROP_STOP_PLAN,
  SNG_HARNESS_PROP_JOBS,
  SNG_HARNESS_PROP_HORIZON,
  SNG_HARNESS_PROP_STRESS,
  SNG_HARNESS_PROP_COVERAGE_POLICY,
  SNG_HARNESS_PROP_NOISE_TOLERANCE,
  SNG_HARNESS_PROP_DRILL_DOWN,
  SNG_HARNESS_N_PROPS
};

/* sng-harness-property-specs.c */
void               sng_harness_add_property_specs    (GParamSpec       *properties[SNG_HARNESS_N_PROPS]);
/* sng-harness-properties.c */
void               sng_harness_install_properties    (GObjectClass     *object_class);

/* sng-harness-vfuncs.c: the vfuncs, with every way in which an implementation can fail turned into an error. */
gboolean           sng_harness_setup                 (SngHarness       *self,
                                                      GError          **error);
gboolean           sng_harness_teardown              (SngHarness       *self,
                                                      GError          **error);
SngSetup          *sng_harness_setup_model           (SngHarness       *self,
                                                      SngMode           mode,
                                                      GError          **error);
SngTrainer        *sng_harness_setup_trainer         (SngHarness       *self,
                                                      SngMode           mode,
                                                      GError          **error);
gboolean           sng_harness_restore               (SngHarness       *self,
                                                      SngTrainer       *trainer,
                                                      SngCheckpoint    *checkpoint,
                                                      GError          **error);
/* The default callbacks and the extra metrics, with distinct metrics; fresh ones each time. */
GPtrArray         *sng_harness_create_callbacks      (SngHarness       *self,
                                                      GError          **error);
/* The same, created once, to look types and names up. */
GPtrArray         *sng_harness_get_known_callbacks   (SngHarness       *self,
                                                      GError          **error);

/* sng-harness-plan.c: what is to be done. */
guint              sng_harness_get_effective_stop    (SngHarness       *self);
gboolean           sng_harness_check_settings        (SngHarness       *self,
                                                      gboolean          stops,
                                                      GError          **error);
/* @stops: where the training is stopped; NULL: where the settings say. */
gboolean           sng_harness_write_plan            (SngHarness       *self,
                                                      const char       *stops,
                                                      GError          **error);
/* A child takes every setting from the plan of the process that started it. */
gboolean           sng_harness_read_plan             (SngHarness       *self,
                                                      GError          **error);

/* sng-harness-stops.c: where the training is stopped. */
/* Nobody comes back from a kill in a process that is the harness's own. */
gboolean           sng_harness_check_kills           (SngHarness       *self,
                                                      SngStopPlan      *plan,
                                                      GError          **error);
/* Finds priv->plan: of a named one with the help of what CONTINUOUS has recorded. */
gboolean           sng_harness_resolve_stops         (SngHarness       *self,
                                                      GError          **error);
/* The name of the run of STOP (0) and of each RESUME (from 1). */
char              *sng_harness_dup_segment_name      (SngHarness       *self,
                                                      guint             segment);

/* sng-harness-directory.c: where the runs are. */
char              *sng_harness_dup_run_path          (SngHarness       *self,
                                                      const char       *name);
char              *sng_harness_dup_rank_store_path   (SngHarness       *self,
                                                      const char       *name,
                                                      guint             rank);
char              *sng_harness_dup_run_store_path    (SngHarness       *self,
                                                      const char       *name);
/* Of the first run of the mode. */
char              *sng_harness_dup_store_path        (SngHarness       *self,
                                                      SngMode           mode);
gboolean           sng_harness_make_run_directory    (SngHarness       *self,
                                                      GError          **error);
/* All runs that earlier calls have left in it. */
gboolean           sng_harness_remove_runs           (SngHarness       *self,
                                                      GError          **error);
/* In each format that is read from a file. */
gboolean           sng_harness_save_report           (SngHarness       *self,
                                                      SngReport        *report,
                                                      GError          **error);
/* An empty directory for the run, whatever an earlier one has left there, but for the checkpoints that it begins with. */
gboolean           sng_harness_prepare_run           (SngHarness       *self,
                                                      const SngRun     *run,
                                                      GError          **error);
void               sng_harness_remove_run_directory  (SngHarness       *self);

/* sng-harness-mode.c: one run, in this process and thread. */
gboolean           sng_harness_run_mode              (SngHarness       *self,
                                                      SngRun           *run,
                                                      SngProgressFunc   progress,
                                                      SngInterruptedFunc interrupted,
                                                      gpointer          user_data,
                                                      GCancellable     *cancellable,
                                                      GError          **error);
void               sng_harness_add_warning           (SngHarness       *self,
                                                      const char       *warning);

/* sng-harness-environment.c */
/* The name of the device that a mode trains on, the same for all names of it. */
char              *sng_harness_dup_device_name       (SngHarness       *self,
                                                      SngMode           mode);
/* What the runs of this process run in, as a{ss}, sorted. @device: what a run computes on; NULL: no run has made one. */
GVariant          *sng_harness_describe_environment  (SngHarness       *self,
                                                      SngDevice        *device);

/* sng-harness-judge.c */
SngTolerance      *sng_harness_dup_tolerance         (SngHarness       *self,
                                                      const char       *metric);

/* sng-harness-properties.c: puts the value into the field, and tells whether it is another one. */
gboolean           sng_harness_update_uint           (guint            *field,
                                                      const GValue     *value);
gboolean           sng_harness_update_string         (char            **field,
                                                      const GValue     *value);
gboolean           sng_harness_update_strv           (char           ***field,
                                                      const GValue     *value);

/* sng-harness-faults-judge.c */
/* Whether the original compared it. */
gboolean           sng_harness_is_original_metric    (const char       *metric);

G_END_DECLS
