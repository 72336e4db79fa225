/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "callbacks/sng-rng-state-callback.h"

#include <string.h>

#include "callbacks/sng-state-callback-private.h"

#define RNG_PREFIX "rng/"

/**
 * SngRngStateCallback:
 *
 * Records the state of every stream of random numbers that is registered with the trainer
 * under a name that begins with `rng/`: the metric `RngState`.
 *
 * A training without such a stream does not have this metric.
 *
 * Since: 1.0
 */
struct _SngRngStateCallback
{
  SngStateCallback parent_instance;
};

G_DEFINE_FINAL_TYPE (SngRngStateCallback, sng_rng_state_callback, SNG_TYPE_STATE_CALLBACK)

static gboolean
sng_rng_state_callback_record (SngStateCallback *callback, SngTrainer *trainer, guint64 step, GError **error)
{
  SngStateRegistry *registry = sng_trainer_get_state_registry (trainer);
  g_auto (GStrv) names = sng_state_registry_dup_names (registry);

  for (guint i = 0; names[i] != NULL; i++)
    if (g_str_has_prefix (names[i], RNG_PREFIX)
        && !sng_state_callback_record_part (callback, sng_state_registry_lookup (registry, names[i]),
                                            names[i] + strlen (RNG_PREFIX), step, error))
      return FALSE;

  return TRUE;
}

static SngMetricFlags
sng_rng_state_callback_get_flags (SngCallback *callback, SngTrainer *trainer, GError **error)
{
  g_auto (GStrv) names = sng_state_registry_dup_names (sng_trainer_get_state_registry (trainer));

  for (guint i = 0; names[i] != NULL; i++)
    if (g_str_has_prefix (names[i], RNG_PREFIX))
      return SNG_METRIC_EXPECT_CHANGE;

  return SNG_METRIC_NOT_APPLICABLE;
}

static void
sng_rng_state_callback_class_init (SngRngStateCallbackClass *klass)
{
  SNG_CALLBACK_CLASS (klass)->get_flags = sng_rng_state_callback_get_flags;
  SNG_STATE_CALLBACK_CLASS (klass)->record = sng_rng_state_callback_record;
}

static void
sng_rng_state_callback_init (SngRngStateCallback *self)
{
}

/**
 * sng_rng_state_callback_new:
 *
 * Makes a callback that records the state of the streams of random numbers.
 *
 * Returns: (transfer full): a new callback
 *
 * Since: 1.0
 */
SngCallback *
sng_rng_state_callback_new (void)
{
  return g_object_new (SNG_TYPE_RNG_STATE_CALLBACK, NULL);
}
