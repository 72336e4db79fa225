/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "callbacks/sng-learning-rate-callback.h"

/**
 * SngLearningRateCallback:
 *
 * Records the learning rate that the next step is going to be made with: the metric
 * `LearningRate`.
 *
 * It is expected to change where there is a schedule that is not constant.
 *
 * Since: 1.0
 */
struct _SngLearningRateCallback
{
  SngStateCallback parent_instance;
};

G_DEFINE_FINAL_TYPE (SngLearningRateCallback, sng_learning_rate_callback, SNG_TYPE_STATE_CALLBACK)

static gboolean
sng_learning_rate_callback_record (SngStateCallback *callback,
                                   SngTrainer *trainer,
                                   guint64 step,
                                   GError **error)
{
  return sng_callback_record_value (
      SNG_CALLBACK (callback), SNG_STAGE_TRAIN, step, -1, "",
      g_variant_new_double (sng_optimizer_get_learning_rate (sng_trainer_get_optimizer (trainer))), error);
}

static SngMetricFlags
sng_learning_rate_callback_get_flags (SngCallback *callback, SngTrainer *trainer, GError **error)
{
  SngLrScheduler *scheduler = sng_trainer_get_lr_scheduler (trainer);

  return scheduler == NULL || sng_lr_scheduler_is_constant (scheduler, error) ? SNG_METRIC_NONE
                                                                              : SNG_METRIC_EXPECT_CHANGE;
}

static void
sng_learning_rate_callback_class_init (SngLearningRateCallbackClass *klass)
{
  SNG_CALLBACK_CLASS (klass)->get_flags = sng_learning_rate_callback_get_flags;
  SNG_STATE_CALLBACK_CLASS (klass)->record = sng_learning_rate_callback_record;
}

static void
sng_learning_rate_callback_init (SngLearningRateCallback *self)
{
}

/**
 * sng_learning_rate_callback_new:
 *
 * Makes a callback that records the learning rate.
 *
 * Returns: (transfer full): a new callback
 *
 * Since: 1.0
 */
SngCallback *
sng_learning_rate_callback_new (void)
{
  return g_object_new (SNG_TYPE_LEARNING_RATE_CALLBACK, NULL);
}
