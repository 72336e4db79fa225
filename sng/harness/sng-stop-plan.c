/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "harness/sng-stop-plan-private.h"

#include "harness/sng-interrupt-private.h"
#include "sng-error.h"

#define PLAN_DEFAULT "default"
#define PLAN_BOUNDARIES "boundaries"
#define PLAN_EVERY "every"
#define PLAN_RANDOM "random:"

/**
 * SngStopPlan:
 *
 * Where and how a training is stopped, once or several times: a list of interrupts, or the name of one.
 *
 * After each interrupt the training is resumed, and ended by the next one.
 *
 * A plan has a form as text: interrupts as [func@Sng.Interrupt.from_string] reads them, with commas
 * in between, such as `3:kill@backward,5,7:preempt`, or one of these names, which
 * [method@Sng.StopPlan.resolve] turns into interrupts:
 *
 * - `default`: one %SNG_INTERRUPT_RAISE where the harness stops by default;
 * - `boundaries`: a %SNG_INTERRUPT_RAISE after each step that is the last one of an epoch, and one step before and one step after
 *   each validation, each step from which on the learning rate rises, falls or stands still, and each growth of the loss scale, as
 *   the uninterrupted training has recorded them (`SampleIds`, `ConsumedSamples`, `LearningRate`, `GradScalerState`);
 * - `every`: a %SNG_INTERRUPT_RAISE after each step that the uninterrupted training has recorded, but the last;
 * - `random:SEED:N`: N interrupts of any kind at any place, each in another step, drawn by the seed.
 *
 * Since: 1.0
 */
struct _SngStopPlan
{
  GObject parent_instance;

  char *name; /* NULL: the interrupts are the plan */
  GPtrArray *interrupts;
};

G_DEFINE_FINAL_TYPE (SngStopPlan, sng_stop_plan, G_TYPE_OBJECT)

static void
sng_stop_plan_finalize (GObject *object)
{
  SngStopPlan *self = SNG_STOP_PLAN (object);

  g_free (self->name);
  g_ptr_array_unref (self->interrupts);

  G_OBJECT_CLASS (sng_stop_plan_parent_class)->finalize (object);
}

static void
sng_stop_plan_class_init (SngStopPlanClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sng_stop_plan_finalize;
}

static void
sng_stop_plan_init (SngStopPlan *self)
{
  self->interrupts = g_ptr_array_new_with_free_func (g_object_unref);
}

/**
 * sng_stop_plan_new:
 *
 * Creates a plan without interrupts.
 *
 * Returns: (transfer full): a new plan
 *
 * Since: 1.0
 */
SngStopPlan *
sng_stop_plan_new (void)
{
  return g_object_new (SNG_TYPE_STOP_PLAN, NULL);
}

/* The seed and the number of random:SEED:N. */
static gboolean
parse_random (const char *name, guint64 *seed, guint64 *n, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (name, ":", -1);

  if (g_strv_length (parts) == 3 && g_ascii_string_to_unsigned (parts[1], 10, 0, G_MAXUINT64, seed, NULL)
      && g_ascii_string_to_unsigned (parts[2], 10, 1, G_MAXUINT, n, NULL))
    return TRUE;

  g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
               "a random plan is random:SEED:N, with a number from 0 and one from 1");

  return FALSE;
}

static gboolean
parse_interrupts (SngStopPlan *self, const char *text, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (text, ",", -1);

  if (parts[0] == NULL)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "there is no interrupt in it, nor is it " PLAN_DEFAULT ", " PLAN_BOUNDARIES ", " PLAN_EVERY
                   " or random:SEED:N");
      return FALSE;
    }

  for (guint i = 0; parts[i] != NULL; i++)
    {
      SngInterrupt *interrupt = sng_interrupt_from_string (g_strstrip (parts[i]), error);

      if (interrupt == NULL && g_ascii_isalpha (text[0]))
        g_prefix_error (error, "it is none of the plans " PLAN_DEFAULT ", " PLAN_BOUNDARIES ", " PLAN_EVERY
                               " and random:SEED:N, and ");
      if (interrupt == NULL)
        return FALSE;
      g_ptr_array_add (self->interrupts, interrupt);
    }

  return TRUE;
}

static gboolean
parse (SngStopPlan *self, const char *text, GError **error)
{
  guint64 seed, n;

  if (g_str_has_prefix (text, PLAN_RANDOM))
    {
      if (!parse_random (text, &seed, &n, error))
        return FALSE;
    }
  else if (!g_str_equal (text, PLAN_DEFAULT) && !g_str_equal (text, PLAN_BOUNDARIES)
           && !g_str_equal (text, PLAN_EVERY))
    {
      return parse_interrupts (self, text, error);
    }

  self->name = g_strdup (text);

  return TRUE;
}

/**
 * sng_stop_plan_from_string:
 * @text: the text
 * @error: return location for a #GError
 *
 * Reads a plan from its text: interrupts with commas in between, or a name.
 *
 * Where it is neither, the error is %SNG_ERROR_INVALID_ARGUMENT; it quotes the text and says what is wrong.
 *
 * Returns: (transfer full): the plan, or %NULL with @error set
 *
 * Since: 1.0
 */
SngStopPlan *
sng_stop_plan_from_string (const char *text, GError **error)
{
  g_autoptr (SngStopPlan) self = NULL;

  g_return_val_if_fail (text != NULL, NULL);

  self = sng_stop_plan_new ();

  if (!parse (self, text, error))
    {
      g_prefix_error (error, "[stop-plan] \"%s\": ", text);
      return NULL;
    }

  return g_steal_pointer (&self);
}

/**
 * sng_stop_plan_to_string:
 * @self: a plan
 *
 * Writes a plan in the form that [func@Sng.StopPlan.from_string] reads: its name where it has one.
 *
 * Returns: (transfer full): the text, empty for a plan without interrupts
 *
 * Since: 1.0
 */
char *
sng_stop_plan_to_string (SngStopPlan *self)
{
  g_autoptr (GString) text = NULL;

  g_return_val_if_fail (SNG_IS_STOP_PLAN (self), NULL);

  text = g_string_new (self->name);

  for (guint i = 0; i < self->interrupts->len; i++)
    {
      g_autofree char *part = sng_interrupt_to_string (g_ptr_array_index (self->interrupts, i));

      g_string_append_printf (text, "%s%s", i > 0 ? "," : "", part);
    }

  return g_string_free (g_steal_pointer (&text), FALSE);
}

/**
 * sng_stop_plan_add:
 * @self: a plan without a name
 * @interrupt: an interrupt
 *
 * Adds an interrupt at the end.
 *
 * Since: 1.0
 */
void
sng_stop_plan_add (SngStopPlan *self, SngInterrupt *interrupt)
{
  g_return_if_fail (SNG_IS_STOP_PLAN (self));
  g_return_if_fail (SNG_IS_INTERRUPT (interrupt));
  g_return_if_fail (self->name == NULL);

  g_ptr_array_add (self->interrupts, g_object_ref (interrupt));
}

/**
 * sng_stop_plan_get_n_interrupts:
 * @self: a plan
 *
 * Counts the interrupts.
 *
 * Returns: their number; 0 for a plan with a name, which has none before it is resolved
 *
 * Since: 1.0
 */
guint
sng_stop_plan_get_n_interrupts (SngStopPlan *self)
{
  g_return_val_if_fail (SNG_IS_STOP_PLAN (self), 0);

  return self->interrupts->len;
}

/**
 * sng_stop_plan_get_interrupt:
 * @self: a plan
 * @position: which one, from 0
 *
 * Gets an interrupt.
 *
 * Returns: (transfer none) (nullable): the interrupt, or %NULL behind the last one
 *
 * Since: 1.0
 */
SngInterrupt *
sng_stop_plan_get_interrupt (SngStopPlan *self, guint position)
{
  g_return_val_if_fail (SNG_IS_STOP_PLAN (self), NULL);

  return position < self->interrupts->len ? g_ptr_array_index (self->interrupts, position) : NULL;
}

static int
compare_interrupts (gconstpointer a, gconstpointer b)
{
  return sng_interrupt_compare (*(SngInterrupt *const *) a, *(SngInterrupt *const *) b);
}

/* In the order of the training, and each once. */
static void
sort (SngStopPlan *self)
{
  g_ptr_array_sort (self->interrupts, compare_interrupts);

  for (guint i = self->interrupts->len; i > 1; i--)
    if (sng_interrupt_compare (g_ptr_array_index (self->interrupts, i - 2),
                               g_ptr_array_index (self->interrupts, i - 1))
        == 0)
      g_ptr_array_remove_index (self->interrupts, i - 1);
}

/* Fills a plan with what a name that needs the uninterrupted training stands for. */
static gboolean
add_recorded (SngStopPlan *self, const char *name, SngRunStore *continuous, guint64 n_steps, GError **error)
{
  guint64 seed, n, last_step;
  g_autoptr (GError) local_error = NULL;

  if (continuous == NULL || !sng_run_store_get_step_range (continuous, NULL, NULL, &last_step, &local_error))
    {
      if (local_error != NULL)
        g_propagate_error (error, g_steal_pointer (&local_error));
      else
        g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                     "the plan follows from an uninterrupted training, and nothing is recorded of one");
      return FALSE;
    }

  /* It may have ended before its time. */
  last_step = MIN (last_step, n_steps);

  if (g_str_equal (name, PLAN_BOUNDARIES))
    return sng_stop_plan_add_boundaries (self, continuous, last_step, error);
  if (g_str_equal (name, PLAN_EVERY))
    return sng_stop_plan_add_every (self, continuous, last_step, error);

  return parse_random (name, &seed, &n, error)
         && sng_stop_plan_add_random (self, continuous, last_step, seed, n, error);
}

/**
 * sng_stop_plan_resolve:
 * @self: a plan
 * @continuous: (nullable): what the uninterrupted training has recorded, which `boundaries`, `every` and `random` follow from
 * @n_steps: the steps of the training
 * @default_stop: the step after which it is stopped by default
 * @error: return location for a #GError
 *
 * Makes a plan that has interrupts only, in the order in which a training comes to them, and each once. The same records give the
 * same plan.
 *
 * What follows from a name is a stop before the last step of the training, however early that came. A list is the caller's own:
 * nothing of it is left out.
 *
 * Fails with %SNG_ERROR_INVALID_ARGUMENT where a name needs @continuous and nothing is recorded there, where there is no
 * boundary, or where the training has fewer steps than a random plan has stops.
 *
 * Returns: (transfer full): the plan, or %NULL with @error set
 *
 * Since: 1.0
 */
SngStopPlan *
sng_stop_plan_resolve (SngStopPlan *self,
                       SngRunStore *continuous,
                       guint64 n_steps,
                       guint64 default_stop,
                       GError **error)
{
  g_autoptr (SngStopPlan) plan = NULL;

  g_return_val_if_fail (SNG_IS_STOP_PLAN (self), NULL);
  g_return_val_if_fail (continuous == NULL || SNG_IS_RUN_STORE (continuous), NULL);

  plan = sng_stop_plan_new ();

  if (self->name == NULL)
    {
      for (guint i = 0; i < self->interrupts->len; i++)
        sng_stop_plan_add (plan, g_ptr_array_index (self->interrupts, i));
    }
  else if (g_str_equal (self->name, PLAN_DEFAULT))
    {
      g_ptr_array_add (plan->interrupts, sng_interrupt_new (SNG_INTERRUPT_RAISE, default_stop));
    }
  else if (!add_recorded (plan, self->name, continuous, n_steps, error))
    {
      g_prefix_error (error, "[stop-plan] \"%s\": ", self->name);
      return NULL;
    }

  sort (plan);

  return g_steal_pointer (&plan);
}
