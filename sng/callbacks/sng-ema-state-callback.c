/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "callbacks/sng-ema-state-callback.h"

#include "callbacks/sng-state-callback-private.h"

/**
 * SngEmaStateCallback:
 *
 * Records the state of the exponential moving average of the parameters: the metric `EmaState`.
 *
 * A training without such an average does not have this metric.
 *
 * Since: 1.0
 */
struct _SngEmaStateCallback
{
  SngStateCallback parent_instance;
};

G_DEFINE_FINAL_TYPE (SngEmaStateCallback, sng_ema_state_callback, SNG_TYPE_STATE_CALLBACK)

static gboolean
sng_ema_state_callback_record (SngStateCallback *callback, SngTrainer *trainer, guint64 step, GError **error)
{
  return sng_state_callback_record_part (callback, sng_trainer_get_exponential_moving_average (trainer), NULL,
                                         step, error);
}

static SngMetricFlags
sng_ema_state_callback_get_flags (SngCallback *callback, SngTrainer *trainer, GError **error)
{
  return sng_trainer_get_exponential_moving_average (trainer) != NULL ? SNG_METRIC_EXPECT_CHANGE
                                                                      : SNG_METRIC_NOT_APPLICABLE;
}

static void
sng_ema_state_callback_class_init (SngEmaStateCallbackClass *klass)
{
  SNG_CALLBACK_CLASS (klass)->get_flags = sng_ema_state_callback_get_flags;
  SNG_STATE_CALLBACK_CLASS (klass)->record = sng_ema_state_callback_record;
}

static void
sng_ema_state_callback_init (SngEmaStateCallback *self)
{
}

/**
 * sng_ema_state_callback_new:
 *
 * Makes a callback that records the state of the average.
 *
 * Returns: (transfer full): a new callback
 *
 * Since: 1.0
 */
SngCallback *
sng_ema_state_callback_new (void)
{
  return g_object_new (SNG_TYPE_EMA_STATE_CALLBACK, NULL);
}
