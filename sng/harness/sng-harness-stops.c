/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Where the training is stopped. */

#include "harness/sng-harness-private.h"

#include "harness/sng-interrupt-private.h"
#include "sng-error.h"

/* The plan as it is set, which may be a name. */
static SngStopPlan *
parse_plan (SngHarness *self, GError **error)
{
  const char *text = sng_harness_get_private (self)->stop_plan;

  return sng_stop_plan_from_string (text != NULL ? text : "default", error);
}

static SngRunStore *
open_continuous (SngHarness *self)
{
  g_autofree char *path = sng_harness_dup_run_store_path (self, sng_mode_to_string (SNG_MODE_CONTINUOUS));

  return sng_run_store_open (path, NULL);
}

gboolean
sng_harness_check_kills (SngHarness *self, SngStopPlan *plan, GError **error)
{
  if (sng_harness_get_private (self)->isolation != SNG_ISOLATION_NONE)
    return TRUE;

  for (guint i = 0; i < sng_stop_plan_get_n_interrupts (plan); i++)
    {
      SngInterrupt *interrupt = sng_stop_plan_get_interrupt (plan, i);
      g_autofree char *text = sng_interrupt_to_string (interrupt);

      if (sng_interrupt_kills (interrupt))
        {
          g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                       "[harness][settings] stop-plan: %s kills the process, which without isolation is the "
                       "one that the harness runs in",
                       text);
          return FALSE;
        }
    }

  return TRUE;
}

gboolean
sng_harness_resolve_stops (SngHarness *self, GError **error)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);
  g_autoptr (SngStopPlan) plan = parse_plan (self, error);
  g_autoptr (SngRunStore) continuous = open_continuous (self);

  if (plan == NULL)
    return FALSE;

  g_clear_object (&priv->plan);
  priv->plan =
      sng_stop_plan_resolve (plan, continuous, priv->num_steps, sng_harness_get_effective_stop (self), error);

  return priv->plan != NULL && sng_harness_check_kills (self, priv->plan, error);
}

/* Also in a process that has not yet had to know the plan. */
static guint64
get_stop_step (SngHarness *self, guint position)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);

  if (priv->plan == NULL)
    sng_harness_resolve_stops (self, NULL);

  return priv->plan != NULL ? sng_interrupt_get_step (sng_stop_plan_get_interrupt (priv->plan, position))
                            : sng_harness_get_effective_stop (self);
}

char *
sng_harness_dup_segment_name (SngHarness *self, guint segment)
{
  guint position = segment == 0 ? 0 : segment - 1;
  guint64 step = get_stop_step (self, position);
  guint n_before = 0;

  if (segment == 0)
    return g_strdup_printf ("stop-%06" G_GUINT64_FORMAT, step);

  for (guint i = 0; i < position; i++)
    n_before += get_stop_step (self, i) == step;

  if (n_before > 0)
    return g_strdup_printf ("resume-%06" G_GUINT64_FORMAT "-%u", step, n_before + 1);

  return g_strdup_printf ("resume-%06" G_GUINT64_FORMAT, step);
}
