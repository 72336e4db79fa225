/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "callbacks/sng-consumed-samples-callback.h"

/**
 * SngConsumedSamplesCallback:
 *
 * Records how many samples have gone into the training, and into validations: the
 * metric `ConsumedSamples`.
 *
 * The former is recorded with the state of each step, under the path `train`, the latter at the
 * end of each validation, under the path `validate`.
 *
 * Since: 1.0
 */
struct _SngConsumedSamplesCallback
{
  SngStateCallback parent_instance;
};

G_DEFINE_FINAL_TYPE (SngConsumedSamplesCallback, sng_consumed_samples_callback, SNG_TYPE_STATE_CALLBACK)

static gboolean
sng_consumed_samples_callback_record (SngStateCallback *callback,
                                      SngTrainer *trainer,
                                      guint64 step,
                                      GError **error)
{
  return sng_callback_record_value (
      SNG_CALLBACK (callback), SNG_STAGE_TRAIN, step, -1, "train",
      g_variant_new_uint64 (sng_trainer_get_consumed_samples (trainer, SNG_STAGE_TRAIN)), error);
}

static gboolean
sng_consumed_samples_callback_validation_end (SngCallback *callback, SngTrainer *trainer, GError **error)
{
  guint64 n_samples = sng_trainer_get_consumed_samples (trainer, SNG_STAGE_VALIDATE);

  return sng_callback_record_value (callback, SNG_STAGE_VALIDATE, sng_trainer_get_global_step (trainer), -1,
                                    "validate", g_variant_new_uint64 (n_samples), error);
}

static void
sng_consumed_samples_callback_class_init (SngConsumedSamplesCallbackClass *klass)
{
  SNG_CALLBACK_CLASS (klass)->validation_end = sng_consumed_samples_callback_validation_end;
  SNG_STATE_CALLBACK_CLASS (klass)->record = sng_consumed_samples_callback_record;
}

static void
sng_consumed_samples_callback_init (SngConsumedSamplesCallback *self)
{
}

/**
 * sng_consumed_samples_callback_new:
 *
 * Makes a callback that records how many samples have been used.
 *
 * Returns: (transfer full): a new callback
 *
 * Since: 1.0
 */
SngCallback *
sng_consumed_samples_callback_new (void)
{
  return g_object_new (SNG_TYPE_CONSUMED_SAMPLES_CALLBACK, NULL);
}
