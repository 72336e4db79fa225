/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "callbacks/sng-gradient-norm-callback.h"

/**
 * SngGradientNormCallback:
 *
 * Records the global norm of the gradients of each step, before they are clipped: the
 * metric `GradientNorm`.
 *
 * Since: 1.0
 */
struct _SngGradientNormCallback
{
  SngCallback parent_instance;
};

G_DEFINE_FINAL_TYPE (SngGradientNormCallback, sng_gradient_norm_callback, SNG_TYPE_CALLBACK)

static gboolean
sng_gradient_norm_callback_step_end (SngCallback *callback, SngTrainer *trainer, GError **error)
{
  return sng_callback_record_value (callback, SNG_STAGE_TRAIN, sng_trainer_get_global_step (trainer), -1, "",
                                    g_variant_new_double (sng_trainer_get_gradient_norm (trainer)), error);
}

static void
sng_gradient_norm_callback_class_init (SngGradientNormCallbackClass *klass)
{
  SNG_CALLBACK_CLASS (klass)->step_end = sng_gradient_norm_callback_step_end;
}

static void
sng_gradient_norm_callback_init (SngGradientNormCallback *self)
{
}

/**
 * sng_gradient_norm_callback_new:
 *
 * Makes a callback that records the norm of the gradients.
 *
 * Returns: (transfer full): a new callback
 *
 * Since: 1.0
 */
SngCallback *
sng_gradient_norm_callback_new (void)
{
  return g_object_new (SNG_TYPE_GRADIENT_NORM_CALLBACK, NULL);
}
