/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "callbacks/sng-grad-scaler-state-callback.h"

#include "callbacks/sng-state-callback-private.h"

/**
 * SngGradScalerStateCallback:
 *
 * Records the state of the loss scale: the metric `GradScalerState`. It shows which
 * steps were preceded by skipped ones, since their number is a part of it.
 *
 * A training without a [class@Sng.GradScaler] does not have this metric.
 *
 * Since: 1.0
 */
struct _SngGradScalerStateCallback
{
  SngStateCallback parent_instance;
};

G_DEFINE_FINAL_TYPE (SngGradScalerStateCallback, sng_grad_scaler_state_callback, SNG_TYPE_STATE_CALLBACK)

static gboolean
sng_grad_scaler_state_callback_record (SngStateCallback *callback,
                                       SngTrainer *trainer,
                                       guint64 step,
                                       GError **error)
{
  return sng_state_callback_record_part (callback, sng_trainer_get_grad_scaler (trainer), NULL, step, error);
}

static SngMetricFlags
sng_grad_scaler_state_callback_get_flags (SngCallback *callback, SngTrainer *trainer, GError **error)
{
  return sng_trainer_get_grad_scaler (trainer) != NULL ? SNG_METRIC_EXPECT_CHANGE : SNG_METRIC_NOT_APPLICABLE;
}

static void
sng_grad_scaler_state_callback_class_init (SngGradScalerStateCallbackClass *klass)
{
  SNG_CALLBACK_CLASS (klass)->get_flags = sng_grad_scaler_state_callback_get_flags;
  SNG_STATE_CALLBACK_CLASS (klass)->record = sng_grad_scaler_state_callback_record;
}

static void
sng_grad_scaler_state_callback_init (SngGradScalerStateCallback *self)
{
}

/**
 * sng_grad_scaler_state_callback_new:
 *
 * Makes a callback that records the state of the loss scale.
 *
 * Returns: (transfer full): a new callback
 *
 * Since: 1.0
 */
SngCallback *
sng_grad_scaler_state_callback_new (void)
{
  return g_object_new (SNG_TYPE_GRAD_SCALER_STATE_CALLBACK, NULL);
}
