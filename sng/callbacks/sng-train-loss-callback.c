/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "callbacks/sng-train-loss-callback.h"

#include "callbacks/sng-batch-private.h"

/**
 * SngTrainLossCallback:
 *
 * Records the loss of each training micro-batch: the metric `TrainLoss`.
 *
 * Since: 1.0
 */
struct _SngTrainLossCallback
{
  SngCallback parent_instance;
};

G_DEFINE_FINAL_TYPE (SngTrainLossCallback, sng_train_loss_callback, SNG_TYPE_CALLBACK)

static gboolean
sng_train_loss_callback_micro_batch_end (SngCallback *callback,
                                         SngTrainer *trainer,
                                         SngStage stage,
                                         guint micro_batch,
                                         SngStateDict *batch,
                                         SngStateDict *outputs,
                                         GError **error)
{
  return stage != SNG_STAGE_TRAIN
         || sng_batch_record_loss (callback, trainer, stage, micro_batch, outputs, error);
}

static void
sng_train_loss_callback_class_init (SngTrainLossCallbackClass *klass)
{
  SNG_CALLBACK_CLASS (klass)->micro_batch_end = sng_train_loss_callback_micro_batch_end;
}

static void
sng_train_loss_callback_init (SngTrainLossCallback *self)
{
}

/**
 * sng_train_loss_callback_new:
 *
 * Makes a callback that records the training loss.
 *
 * Returns: (transfer full): a new callback
 *
 * Since: 1.0
 */
SngCallback *
sng_train_loss_callback_new (void)
{
  return g_object_new (SNG_TYPE_TRAIN_LOSS_CALLBACK, NULL);
}
