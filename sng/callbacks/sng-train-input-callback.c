/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "callbacks/sng-train-input-callback.h"

#include "callbacks/sng-batch-private.h"

/**
 * SngTrainInputCallback:
 *
 * Records every tensor of each training micro-batch: the metric `TrainInput`.
 *
 * It shows whether a resumed training sees the same samples in the same order, and
 * masks them in the same way.
 *
 * Since: 1.0
 */
struct _SngTrainInputCallback
{
  SngCallback parent_instance;
};

G_DEFINE_FINAL_TYPE (SngTrainInputCallback, sng_train_input_callback, SNG_TYPE_CALLBACK)

static gboolean
sng_train_input_callback_micro_batch_end (SngCallback *callback,
                                          SngTrainer *trainer,
                                          SngStage stage,
                                          guint micro_batch,
                                          SngStateDict *batch,
                                          SngStateDict *outputs,
                                          GError **error)
{
  return stage != SNG_STAGE_TRAIN
         || sng_batch_record_tensors (callback, trainer, stage, micro_batch, batch, error);
}

static void
sng_train_input_callback_class_init (SngTrainInputCallbackClass *klass)
{
  SNG_CALLBACK_CLASS (klass)->micro_batch_end = sng_train_input_callback_micro_batch_end;
}

static void
sng_train_input_callback_init (SngTrainInputCallback *self)
{
}

/**
 * sng_train_input_callback_new:
 *
 * Makes a callback that records the inputs of training.
 *
 * Returns: (transfer full): a new callback
 *
 * Since: 1.0
 */
SngCallback *
sng_train_input_callback_new (void)
{
  return g_object_new (SNG_TYPE_TRAIN_INPUT_CALLBACK, NULL);
}
