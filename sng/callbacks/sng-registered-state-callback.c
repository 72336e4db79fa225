/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "callbacks/sng-registered-state-callback.h"

#include "callbacks/sng-state-callback-private.h"

/**
 * SngRegisteredStateCallback:
 *
 * Records what is registered with the trainer, and the state of that which no other metric is about, such as the
 * buffers of a model, an early stopping or what a user has registered: the metric `RegisteredState`.
 *
 * Model, optimizer, scheduler, loss scale, average and streams of random numbers have metrics of
 * their own, and the place in the data shows in the inputs: of these it records the names only.
 *
 * Unlike other state, it is recorded when all of a step is over: it may be what a validation or a checkpoint
 * changes. It may stay the same all through a training.
 *
 * Since: 1.0
 */
struct _SngRegisteredStateCallback
{
  SngStateCallback parent_instance;
};

G_DEFINE_FINAL_TYPE (SngRegisteredStateCallback, sng_registered_state_callback, SNG_TYPE_STATE_CALLBACK)

static gboolean
has_other_metric (const char *name)
{
  const char *const names[] = { "model", "optimizer", "scheduler", "grad-scaler", "sampler", "ema", NULL };

  return g_strv_contains (names, name) || g_str_has_prefix (name, "rng/");
}

static gboolean
sng_registered_state_callback_record (SngStateCallback *callback,
                                      SngTrainer *trainer,
                                      guint64 step,
                                      GError **error)
{
  SngStateRegistry *registry = sng_trainer_get_state_registry (trainer);
  g_auto (GStrv) names = sng_state_registry_dup_names (registry);
  g_autofree char *all = g_strjoinv (" ", names);

  if (!sng_callback_record_value (SNG_CALLBACK (callback), SNG_STAGE_TRAIN, step, -1, "",
                                  g_variant_new_string (all), error))
    return FALSE;

  for (guint i = 0; names[i] != NULL; i++)
    if (!has_other_metric (names[i])
        && !sng_state_callback_record_part (callback, sng_state_registry_lookup (registry, names[i]),
                                            names[i], step, error))
      return FALSE;

  return TRUE;
}

static SngMetricFlags
sng_registered_state_callback_get_flags (SngCallback *callback, SngTrainer *trainer, GError **error)
{
  return SNG_METRIC_NONE;
}

static void
sng_registered_state_callback_class_init (SngRegisteredStateCallbackClass *klass)
{
  SngCallbackClass *callback_class = SNG_CALLBACK_CLASS (klass);

  callback_class->get_flags = sng_registered_state_callback_get_flags;
  callback_class->step_finished = callback_class->step_end;
  callback_class->step_end = NULL;
  SNG_STATE_CALLBACK_CLASS (klass)->record = sng_registered_state_callback_record;
}

static void
sng_registered_state_callback_init (SngRegisteredStateCallback *self)
{
}

/**
 * sng_registered_state_callback_new:
 *
 * Makes a callback that records what is registered, and the state of what has no other metric.
 *
 * Returns: (transfer full): a new callback
 *
 * Since: 1.0
 */
SngCallback *
sng_registered_state_callback_new (void)
{
  return g_object_new (SNG_TYPE_REGISTERED_STATE_CALLBACK, NULL);
}
