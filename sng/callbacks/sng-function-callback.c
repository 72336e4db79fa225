/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "callbacks/sng-function-callback.h"

#include "state/sng-vfunc-private.h"

/**
 * SngFunctionCallback:
 *
 * Records what a function returns after each step: a metric without a class of its own.
 *
 * Since: 1.0
 */
struct _SngFunctionCallback
{
  SngCallback parent_instance;

  SngMetricFunc func;
  gpointer user_data;
  GDestroyNotify user_data_free;
};

G_DEFINE_FINAL_TYPE (SngFunctionCallback, sng_function_callback, SNG_TYPE_CALLBACK)

static gboolean
sng_function_callback_step_end (SngCallback *callback, SngTrainer *trainer, GError **error)
{
  SngFunctionCallback *self = SNG_FUNCTION_CALLBACK (callback);
  g_autoptr (GVariant) value = self->func (trainer, self->user_data, error);

  if (!sng_vfunc_check_result (callback, sng_callback_get_metric (callback), value != NULL, error))
    return FALSE;

  /* a function in C may well return a floating reference */
  if (g_variant_is_floating (value))
    g_variant_ref_sink (value);

  return sng_callback_record_value (callback, SNG_STAGE_TRAIN, sng_trainer_get_global_step (trainer), -1, "",
                                    value, error);
}

static void
sng_function_callback_finalize (GObject *object)
{
  SngFunctionCallback *self = SNG_FUNCTION_CALLBACK (object);

  if (self->user_data_free != NULL)
    self->user_data_free (self->user_data);

  G_OBJECT_CLASS (sng_function_callback_parent_class)->finalize (object);
}

static void
sng_function_callback_class_init (SngFunctionCallbackClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sng_function_callback_finalize;
  SNG_CALLBACK_CLASS (klass)->step_end = sng_function_callback_step_end;
}

static void
sng_function_callback_init (SngFunctionCallback *self)
{
}

/**
 * sng_function_callback_new:
 * @metric: the metric's name, not empty
 * @func: (scope notified) (closure user_data) (destroy user_data_free): the function
 * @user_data: data for @func
 * @user_data_free: what frees @user_data
 *
 * Makes a callback of a function.
 *
 * Returns: (transfer full): a new callback
 *
 * Since: 1.0
 */
SngCallback *
sng_function_callback_new (const char *metric,
                           SngMetricFunc func,
                           gpointer user_data,
                           GDestroyNotify user_data_free)
{
  SngFunctionCallback *self;

  g_return_val_if_fail (metric != NULL && *metric != '\0', NULL);
  g_return_val_if_fail (func != NULL, NULL);

  self = g_object_new (SNG_TYPE_FUNCTION_CALLBACK, "metric", metric, NULL);
  self->func = func;
  self->user_data = user_data;
  self->user_data_free = user_data_free;

  return SNG_CALLBACK (self);
}
