/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "state/sng-state-registry.h"
#include "train/sng-data-module.h"
#include "train/sng-early-stopping.h"
#include "train/sng-exponential-moving-average.h"
#include "train/sng-grad-scaler.h"
#include "train/sng-lr-scheduler.h"
#include "train/sng-model-checkpoint.h"
#include "train/sng-model.h"
#include "train/sng-optimizer.h"

G_BEGIN_DECLS

#define SNG_TYPE_TRAINER (sng_trainer_get_type ())

/* Properties (construct or before fit): max-steps, micro-batch-size, accumulate-grad-batches, val-check-interval (0: never),
 * limit-val-batches (0: all), gradient-clip-norm (0: off), model-checkpoint (nullable); before attach: seed, precision,
 * grad-scaler (nullable), exponential-moving-average (nullable), early-stopping (nullable).
 * Signals, all in the thread that called fit, in this order within a step:
 *   fit-start, { step-start, { micro-batch-end* (stage train), step-skipped }*, micro-batch-end* (stage train), step-end,
 *     [ validation-start, micro-batch-end* (stage validate), validation-end ], [ checkpoint-saved ], step-finished }*, fit-end | interrupted
 * Arguments: micro-batch-end (SngStage, guint micro_batch, SngStateDict *batch, SngStateDict *outputs), step-skipped (guint n_skipped),
 *   checkpoint-saved (const char *path), interrupted (GError *), the others none. */
SNG_AVAILABLE_IN_1_0
G_DECLARE_DERIVABLE_TYPE (SngTrainer, sng_trainer, SNG, TRAINER, GObject)

struct _SngTrainerClass
{
  GObjectClass parent_class;

  /* trains from the current global step to max-steps and emits the signals */
  gboolean (*fit)     (SngTrainer     *self,
                       GError        **error);
  /* puts everything registered back */
  gboolean (*restore) (SngTrainer     *self,
                       SngCheckpoint  *checkpoint,
                       GError        **error);

  gpointer _reserved[8];
};

SNG_AVAILABLE_IN_1_0
SngTrainer          *sng_trainer_new                      (void);
SNG_AVAILABLE_IN_1_0
gboolean             sng_trainer_attach                   (SngTrainer      *self,
                                                           SngModel        *model,
                                                           SngDataModule   *data_module,
                                                           SngOptimizer    *optimizer,
                                                           SngLrScheduler  *scheduler,
                                                           GError         **error);
SNG_AVAILABLE_IN_1_0
gboolean             sng_trainer_fit                      (SngTrainer      *self,
                                                           GError         **error);
SNG_AVAILABLE_IN_1_0
gboolean             sng_trainer_restore                  (SngTrainer      *self,
                                                           SngCheckpoint   *checkpoint,
                                                           GError         **error);
SNG_AVAILABLE_IN_1_0
char                *sng_trainer_save_checkpoint          (SngTrainer      *self,
                                                           GError         **error);
SNG_AVAILABLE_IN_1_0
void                 sng_trainer_end_with_error           (SngTrainer      *self,
                                                           GError          *error);
SNG_AVAILABLE_IN_1_0
gboolean             sng_trainer_check_end                (SngTrainer      *self,
                                                           GError         **error);
SNG_AVAILABLE_IN_1_0
SngModel            *sng_trainer_get_model                (SngTrainer      *self);
SNG_AVAILABLE_IN_1_0
SngDataModule       *sng_trainer_get_data_module          (SngTrainer      *self);
SNG_AVAILABLE_IN_1_0
SngOptimizer        *sng_trainer_get_optimizer            (SngTrainer      *self);
SNG_AVAILABLE_IN_1_0
SngLrScheduler      *sng_trainer_get_lr_scheduler         (SngTrainer      *self);
SNG_AVAILABLE_IN_1_0
SngGradScaler       *sng_trainer_get_grad_scaler          (SngTrainer      *self);
SNG_AVAILABLE_IN_1_0
SngStateRegistry    *sng_trainer_get_state_registry       (SngTrainer      *self);
SNG_AVAILABLE_IN_1_0
SngModelCheckpoint  *sng_trainer_get_model_checkpoint     (SngTrainer      *self);
SNG_AVAILABLE_IN_1_0
SngCheckpointStore  *sng_trainer_get_checkpoint_store     (SngTrainer      *self);
SNG_AVAILABLE_IN_1_0
SngExponentialMovingAverage *
                     sng_trainer_get_exponential_moving_average
                                                          (SngTrainer      *self);
SNG_AVAILABLE_IN_1_0
SngEarlyStopping    *sng_trainer_get_early_stopping       (SngTrainer      *self);
SNG_AVAILABLE_IN_1_0
guint64              sng_trainer_get_global_step          (SngTrainer      *self);
SNG_AVAILABLE_IN_1_0
guint64              sng_trainer_get_max_steps            (SngTrainer      *self);
SNG_AVAILABLE_IN_1_0
SngPrecision         sng_trainer_get_precision            (SngTrainer      *self);
SNG_AVAILABLE_IN_1_0
guint64              sng_trainer_get_consumed_samples     (SngTrainer      *self,
                                                           SngStage         stage);
SNG_AVAILABLE_IN_1_0
guint64              sng_trainer_get_epoch                (SngTrainer      *self);
SNG_AVAILABLE_IN_1_0
double               sng_trainer_get_loss                 (SngTrainer      *self);
SNG_AVAILABLE_IN_1_0
double               sng_trainer_get_valid_loss           (SngTrainer      *self);
SNG_AVAILABLE_IN_1_0
gboolean             sng_trainer_get_monitored            (SngTrainer      *self,
                                                           const char      *name,
                                                           double          *value,
                                                           GError         **error);
SNG_AVAILABLE_IN_1_0
double               sng_trainer_get_gradient_norm        (SngTrainer      *self);
SNG_AVAILABLE_IN_1_0
guint64              sng_trainer_get_last_checkpoint_step (SngTrainer      *self);

G_END_DECLS
