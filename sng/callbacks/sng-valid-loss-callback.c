/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "callbacks/sng-valid-loss-callback.h"

#include "callbacks/sng-batch-private.h"

/**
 * SngValidLossCallback:
 *
 * Records the loss of each validation micro-batch: the metric `ValidLoss`.
 *
 * Since: 1.0
 */
struct _SngValidLossCallback
{
  SngCallback parent_instance;
};

G_DEFINE_FINAL_TYPE (SngValidLossCallback, sng_valid_loss_callback, SNG_TYPE_CALLBACK)

static gboolean
sng_valid_loss_callback_micro_batch_end (SngCallback *callback,
                                         SngTrainer *trainer,
                                         SngStage stage,
                                         guint micro_batch,
                                         SngStateDict *batch,
                                         SngStateDict *outputs,
                                         GError **error)
{
  return stage != SNG_STAGE_VALIDATE
         || sng_batch_record_loss (callback, trainer, stage, micro_batch, outputs, error);
}

static void
sng_valid_loss_callback_class_init (SngValidLossCallbackClass *klass)
{
  SNG_CALLBACK_CLASS (klass)->micro_batch_end = sng_valid_loss_callback_micro_batch_end;
}

static void
sng_valid_loss_callback_init (SngValidLossCallback *self)
{
}

/**
 * sng_valid_loss_callback_new:
 *
 * Makes a callback that records the validation loss.
 *
 * Returns: (transfer full): a new callback
 *
 * Since: 1.0
 */
SngCallback *
sng_valid_loss_callback_new (void)
{
  return g_object_new (SNG_TYPE_VALID_LOSS_CALLBACK, NULL);
}
