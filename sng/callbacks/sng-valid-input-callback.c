/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "callbacks/sng-valid-input-callback.h"

#include "callbacks/sng-batch-private.h"

/**
 * SngValidInputCallback:
 *
 * Records every tensor of each validation micro-batch: the metric `ValidInput`.
 *
 * Since: 1.0
 */
struct _SngValidInputCallback
{
  SngCallback parent_instance;
};

G_DEFINE_FINAL_TYPE (SngValidInputCallback, sng_valid_input_callback, SNG_TYPE_CALLBACK)

static gboolean
sng_valid_input_callback_micro_batch_end (SngCallback *callback,
                                          SngTrainer *trainer,
                                          SngStage stage,
                                          guint micro_batch,
                                          SngStateDict *batch,
                                          SngStateDict *outputs,
                                          GError **error)
{
  return stage != SNG_STAGE_VALIDATE
         || sng_batch_record_tensors (callback, trainer, stage, micro_batch, batch, error);
}

/* Each validation sees the same samples, masked in the same way. */
static SngMetricFlags
sng_valid_input_callback_get_flags (SngCallback *callback, SngTrainer *trainer, GError **error)
{
  return SNG_METRIC_NONE;
}

static void
sng_valid_input_callback_class_init (SngValidInputCallbackClass *klass)
{
  SngCallbackClass *callback_class = SNG_CALLBACK_CLASS (klass);

  callback_class->get_flags = sng_valid_input_callback_get_flags;
  callback_class->micro_batch_end = sng_valid_input_callback_micro_batch_end;
}

static void
sng_valid_input_callback_init (SngValidInputCallback *self)
{
}

/**
 * sng_valid_input_callback_new:
 *
 * Makes a callback that records the inputs of validation.
 *
 * Returns: (transfer full): a new callback
 *
 * Since: 1.0
 */
SngCallback *
sng_valid_input_callback_new (void)
{
  return g_object_new (SNG_TYPE_VALID_INPUT_CALLBACK, NULL);
}
