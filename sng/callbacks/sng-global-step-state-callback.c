/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "callbacks/sng-global-step-state-callback.h"

/**
 * SngGlobalStepStateCallback:
 *
 * Records how many steps the trainer has counted: the metric `GlobalStepState`.
 *
 * Since: 1.0
 */
struct _SngGlobalStepStateCallback
{
  SngStateCallback parent_instance;
};

G_DEFINE_FINAL_TYPE (SngGlobalStepStateCallback, sng_global_step_state_callback, SNG_TYPE_STATE_CALLBACK)

static gboolean
sng_global_step_state_callback_record (SngStateCallback *callback,
                                       SngTrainer *trainer,
                                       guint64 step,
                                       GError **error)
{
  return sng_callback_record_value (SNG_CALLBACK (callback), SNG_STAGE_TRAIN, step, -1, "",
                                    g_variant_new_uint64 (sng_trainer_get_global_step (trainer)), error);
}

static void
sng_global_step_state_callback_class_init (SngGlobalStepStateCallbackClass *klass)
{
  SNG_STATE_CALLBACK_CLASS (klass)->record = sng_global_step_state_callback_record;
}

static void
sng_global_step_state_callback_init (SngGlobalStepStateCallback *self)
{
}

/**
 * sng_global_step_state_callback_new:
 *
 * Makes a callback that records the global step.
 *
 * Returns: (transfer full): a new callback
 *
 * Since: 1.0
 */
SngCallback *
sng_global_step_state_callback_new (void)
{
  return g_object_new (SNG_TYPE_GLOBAL_STEP_STATE_CALLBACK, NULL);
}
