/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "callbacks/sng-optimizer-state-callback.h"

#include "callbacks/sng-state-callback-private.h"

/**
 * SngOptimizerStateCallback:
 *
 * Records everything that the optimizer keeps from step to step, such as moments: the
 * metric `OptimizerState`.
 *
 * Since: 1.0
 */
struct _SngOptimizerStateCallback
{
  SngStateCallback parent_instance;
};

G_DEFINE_FINAL_TYPE (SngOptimizerStateCallback, sng_optimizer_state_callback, SNG_TYPE_STATE_CALLBACK)

static gboolean
sng_optimizer_state_callback_record (SngStateCallback *callback,
                                     SngTrainer *trainer,
                                     guint64 step,
                                     GError **error)
{
  return sng_state_callback_record_part (callback, sng_trainer_get_optimizer (trainer), NULL, step, error);
}

static void
sng_optimizer_state_callback_class_init (SngOptimizerStateCallbackClass *klass)
{
  SNG_STATE_CALLBACK_CLASS (klass)->record = sng_optimizer_state_callback_record;
}

static void
sng_optimizer_state_callback_init (SngOptimizerStateCallback *self)
{
}

/**
 * sng_optimizer_state_callback_new:
 *
 * Makes a callback that records the state of the optimizer.
 *
 * Returns: (transfer full): a new callback
 *
 * Since: 1.0
 */
SngCallback *
sng_optimizer_state_callback_new (void)
{
  return g_object_new (SNG_TYPE_OPTIMIZER_STATE_CALLBACK, NULL);
}
