/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "callbacks/sng-model-weights-callback.h"

#include "callbacks/sng-state-callback-private.h"

/**
 * SngModelWeightsCallback:
 *
 * Records every parameter of the model: the metric `ModelWeights`.
 *
 * Since: 1.0
 */
struct _SngModelWeightsCallback
{
  SngStateCallback parent_instance;
};

G_DEFINE_FINAL_TYPE (SngModelWeightsCallback, sng_model_weights_callback, SNG_TYPE_STATE_CALLBACK)

static gboolean
sng_model_weights_callback_record (SngStateCallback *callback,
                                   SngTrainer *trainer,
                                   guint64 step,
                                   GError **error)
{
  return sng_state_callback_record_part (callback, sng_trainer_get_model (trainer), NULL, step, error);
}

static void
sng_model_weights_callback_class_init (SngModelWeightsCallbackClass *klass)
{
  SNG_STATE_CALLBACK_CLASS (klass)->record = sng_model_weights_callback_record;
}

static void
sng_model_weights_callback_init (SngModelWeightsCallback *self)
{
}

/**
 * sng_model_weights_callback_new:
 *
 * Makes a callback that records the parameters of the model.
 *
 * Returns: (transfer full): a new callback
 *
 * Since: 1.0
 */
SngCallback *
sng_model_weights_callback_new (void)
{
  return g_object_new (SNG_TYPE_MODEL_WEIGHTS_CALLBACK, NULL);
}
