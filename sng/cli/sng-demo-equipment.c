/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sng-demo-equipment.h"

#define EMA_DECAY 0.9
#define COUNTER "validation-counter"

/* Longer than any demo, and no validation after the first one is good enough: so it waits, and ends nothing. */
#define PATIENCE 1000000
#define MIN_DELTA 1e6

gboolean
sng_demo_equip_optimizer (SngOptimizer *optimizer, GError **error)
{
  SngGroupedOptimizer *grouped = SNG_GROUPED_OPTIMIZER (optimizer);

  return sng_grouped_optimizer_add_group (grouped, "biases", "*.bias", 0.0, 1.0, error)
         && sng_grouped_optimizer_add_group (grouped, "norms", "*ayer*orm*", 0.1, 1.0, error);
}

static void
count_cb (SngTrainer *trainer, SngRngStream *counter)
{
  sng_rng_stream_advance (counter, 1);
}

/* What a model with running statistics has. A stream counts, and is a stateful. */
static gboolean
add_counter (SngTrainer *trainer, GError **error)
{
  g_autoptr (SngRngStream) counter = sng_rng_stream_new (0, COUNTER, 0);

  g_signal_connect_data (trainer, "validation-end", G_CALLBACK (count_cb), g_object_ref (counter),
                         (GClosureNotify) (void (*) (void)) g_object_unref, 0);

  return sng_state_registry_add (sng_trainer_get_state_registry (trainer), COUNTER, SNG_STATEFUL (counter),
                                 error);
}

gboolean
sng_demo_equip_trainer (SngTrainer *trainer, GError **error)
{
  if (sng_trainer_get_exponential_moving_average (trainer) == NULL)
    {
      g_autoptr (SngExponentialMovingAverage) average =
          g_object_new (SNG_TYPE_EXPONENTIAL_MOVING_AVERAGE, "decay", EMA_DECAY, "warm-up", TRUE, NULL);

      g_object_set (trainer, "exponential-moving-average", average, NULL);
    }

  if (sng_trainer_get_early_stopping (trainer) == NULL)
    {
      g_autoptr (SngEarlyStopping) early_stopping =
          g_object_new (SNG_TYPE_EARLY_STOPPING, "patience", PATIENCE, "min-delta", MIN_DELTA, NULL);

      g_object_set (trainer, "early-stopping", early_stopping, NULL);
    }

  return add_counter (trainer, error);
}
