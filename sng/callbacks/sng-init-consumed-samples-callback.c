/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "callbacks/sng-init-consumed-samples-callback.h"

/**
 * SngInitConsumedSamplesCallback:
 *
 * Records how many samples had been used when the training began or was resumed: the metric
 * `InitConsumedSamples`, under the paths `train` and `validate`.
 *
 * Each run has its own, so it is not compared entry by entry.
 *
 * Since: 1.0
 */
struct _SngInitConsumedSamplesCallback
{
  SngCallback parent_instance;
};

G_DEFINE_FINAL_TYPE (SngInitConsumedSamplesCallback, sng_init_consumed_samples_callback, SNG_TYPE_CALLBACK)

static gboolean
record_stage (SngCallback *callback, SngTrainer *trainer, SngStage stage, GError **error)
{
  return sng_callback_record_value (
      callback, SNG_STAGE_TRAIN, sng_trainer_get_global_step (trainer), -1, sng_stage_to_string (stage),
      g_variant_new_uint64 (sng_trainer_get_consumed_samples (trainer, stage)), error);
}

static gboolean
sng_init_consumed_samples_callback_fit_start (SngCallback *callback, SngTrainer *trainer, GError **error)
{
  return record_stage (callback, trainer, SNG_STAGE_TRAIN, error)
         && record_stage (callback, trainer, SNG_STAGE_VALIDATE, error);
}

static SngMetricFlags
sng_init_consumed_samples_callback_get_flags (SngCallback *callback, SngTrainer *trainer, GError **error)
{
  return SNG_METRIC_PER_RUN;
}

static void
sng_init_consumed_samples_callback_class_init (SngInitConsumedSamplesCallbackClass *klass)
{
  SngCallbackClass *callback_class = SNG_CALLBACK_CLASS (klass);

  callback_class->get_flags = sng_init_consumed_samples_callback_get_flags;
  callback_class->fit_start = sng_init_consumed_samples_callback_fit_start;
}

static void
sng_init_consumed_samples_callback_init (SngInitConsumedSamplesCallback *self)
{
}

/**
 * sng_init_consumed_samples_callback_new:
 *
 * Makes a callback that records where a run begins.
 *
 * Returns: (transfer full): a new callback
 *
 * Since: 1.0
 */
SngCallback *
sng_init_consumed_samples_callback_new (void)
{
  return g_object_new (SNG_TYPE_INIT_CONSUMED_SAMPLES_CALLBACK, NULL);
}
