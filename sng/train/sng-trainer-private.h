/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "train/sng-rng-stream.h"
#include "train/sng-sampler.h"
#include "train/sng-trainer.h"

G_BEGIN_DECLS

#define SNG_TYPE_TRAINING_PROGRESS (sng_training_progress_get_type ())

/* The stateful "trainer": an object of its own, since the registry that holds it belongs to the trainer. */
G_DECLARE_FINAL_TYPE (SngTrainingProgress, sng_training_progress, SNG, TRAINING_PROGRESS, GObject)

struct _SngTrainingProgress
{
  GObject parent_instance;

  guint64 global_step;
  guint64 consumed_samples[2]; /* by SngStage */
  double  valid_loss;          /* of the newest validation; NaN: none */

  SngPrecision precision; /* a setting, which a checkpoint must share */
};

typedef struct
{
  guint64             max_steps;
  guint               micro_batch_size;
  guint               accumulate_grad_batches;
  guint64             val_check_interval;
  guint64             limit_val_batches;
  double              gradient_clip_norm;
  guint64             seed;
  SngModelCheckpoint *model_checkpoint;
  SngGradScaler      *grad_scaler; /* in SNG_PRECISION_16_MIXED there is one from attach on */

  SngExponentialMovingAverage *average;        /* nullable */
  SngEarlyStopping            *early_stopping; /* nullable */

  SngStateRegistry    *registry;
  SngTrainingProgress *progress;

  /* what is attached: all set or, but for the optional scheduler, none */
  SngModel       *model;
  SngDataModule  *data_module;
  SngOptimizer   *optimizer;
  SngLrScheduler *scheduler;
  SngSampler     *sampler;
  SngRngStream   *masking;
  GPtrArray      *parameters; /* the model's */

  GPtrArray *window; /* the micro-batches of the step at work */
  guint      n_skipped; /* its attempts that were skipped */
  double     loss;
  double     gradient_norm;
  guint64    last_checkpoint_step;
  guint64    pending_step; /* that is being saved in the background; 0: none, as there is no save before a step */

  GError  *end_error; /* atomic: set once from any thread, taken when fit ends */
  gboolean is_fitting;
  gboolean is_within_step;    /* or failed within one: the state is that of no step */
  gboolean is_validation_due; /* the step is made, but not yet its validation */
  gboolean is_checkpoint_due; /* the step is made, and the plan has not heard of it yet */
} SngTrainerPrivate;

enum
{
  SNG_TRAINER_FIT_START,
  SNG_TRAINER_STEP_START,
  SNG_TRAINER_PHASE_END,
  SNG_TRAINER_MICRO_BATCH_END,
  SNG_TRAINER_STEP_SKIPPED,
  SNG_TRAINER_STEP_END,
  SNG_TRAINER_VALIDATION_START,
  SNG_TRAINER_VALIDATION_END,
  SNG_TRAINER_CHECKPOINT_SAVED,
  SNG_TRAINER_CHECKPOINT_FAILED,
  SNG_TRAINER_STEP_FINISHED,
  SNG_TRAINER_FIT_END,
  SNG_TRAINER_INTERRUPTED,
  SNG_TRAINER_N_SIGNALS
};

extern guint sng_trainer_signals[SNG_TRAINER_N_SIGNALS];

SngTrainerPrivate *sng_trainer_get_private  (SngTrainer     *self);
/* sng-trainer-properties.c */
void               sng_trainer_install_properties (GObjectClass *object_class);
/* sng-trainer-save.c */
/* Whether the state is that of a step as a whole, so that a training can go on from it. @place begins the error's message. */
gboolean           sng_trainer_check_whole  (SngTrainer     *self,
                                             const char     *place,
                                             GError        **error);
gboolean           sng_trainer_maybe_save_checkpoint
                                            (SngTrainer     *self,
                                             GError        **error);
/* Waits for what is being saved in the background, and tells of it. */
gboolean           sng_trainer_settle_checkpoint
                                            (SngTrainer     *self,
                                             GError        **error);
/* Unless this step has a checkpoint, saves one. */
gboolean           sng_trainer_ensure_checkpoint
                                            (SngTrainer     *self,
                                             GError        **error);
/* sng-trainer-step.c */
/* The next step, but for the signals around it; a validation that follows is due then. */
gboolean           sng_trainer_make_step    (SngTrainer     *self,
                                             GError        **error);
/* Forward of one micro-batch. Where it has targets, its loss is finite. */
SngStateDict      *sng_trainer_run_forward  (SngTrainer     *self,
                                             SngStateDict   *batch,
                                             SngStage        stage,
                                             double         *loss,
                                             GError        **error);
gint64             sng_trainer_get_n_targets (SngStateDict  *batch);
/* The signal, and whether the training may go on; so the next. */
gboolean           sng_trainer_emit_phase_end
                                            (SngTrainer     *self,
                                             SngPhase        phase,
                                             guint           micro_batch,
                                             GError        **error);
gboolean           sng_trainer_emit_micro_batch_end
                                            (SngTrainer     *self,
                                             SngStage        stage,
                                             guint           micro_batch,
                                             SngStateDict   *batch,
                                             SngStateDict   *outputs,
                                             GError        **error);
/* sng-trainer-validate.c */
/* Always the same samples with the same random numbers; the only training state that it touches is the count of its samples
 * and the loss. */
gboolean           sng_trainer_validate     (SngTrainer     *self,
                                             GError        **error);
/* sng-trainer-monitor.c */
/* Whether there will be what is monitored. */
gboolean           sng_trainer_check_monitors
                                            (SngTrainer     *self,
                                             GError        **error);
/* After a validation. */
gboolean           sng_trainer_ask_early_stopping
                                            (SngTrainer     *self,
                                             GError        **error);
/* Whether the step that was just made was the last one. */
gboolean           sng_trainer_is_done      (SngTrainer     *self);
/* the default implementations of the vfuncs */
gboolean           sng_trainer_real_fit     (SngTrainer     *self,
                                             GError        **error);
gboolean           sng_trainer_real_restore (SngTrainer     *self,
                                             SngCheckpoint  *checkpoint,
                                             GError        **error);

G_END_DECLS
