/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "callbacks/sng-train-output-callback.h"

#include "callbacks/sng-batch-private.h"

/**
 * SngTrainOutputCallback:
 *
 * Records every tensor that the model puts out for each training micro-batch: the
 * metric `TrainOutput`.
 *
 * Since: 1.0
 */
struct _SngTrainOutputCallback
{
  SngCallback parent_instance;
};

G_DEFINE_FINAL_TYPE (SngTrainOutputCallback, sng_train_output_callback, SNG_TYPE_CALLBACK)

static gboolean
sng_train_output_callback_micro_batch_end (SngCallback *callback,
                                           SngTrainer *trainer,
                                           SngStage stage,
                                           guint micro_batch,
                                           SngStateDict *batch,
                                           SngStateDict *outputs,
                                           GError **error)
{
  return stage != SNG_STAGE_TRAIN
         || sng_batch_record_tensors (callback, trainer, stage, micro_batch, outputs, error);
}

static void
sng_train_output_callback_class_init (SngTrainOutputCallbackClass *klass)
{
  SNG_CALLBACK_CLASS (klass)->micro_batch_end = sng_train_output_callback_micro_batch_end;
}

static void
sng_train_output_callback_init (SngTrainOutputCallback *self)
{
}

/**
 * sng_train_output_callback_new:
 *
 * Makes a callback that records the outputs of training.
 *
 * Returns: (transfer full): a new callback
 *
 * Since: 1.0
 */
SngCallback *
sng_train_output_callback_new (void)
{
  return g_object_new (SNG_TYPE_TRAIN_OUTPUT_CALLBACK, NULL);
}
