/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Accumulation parity: the same samples of a step, cut into micro-batches in other ways. */

#include "harness/sng-program-private.h"

#include "callbacks/sng-accumulation-callback-private.h"
#include "compare/sng-parity-private.h"
#include "compare/sng-report-private.h"
#include "sng-error.h"

/* By how much sums in another order may differ, relative to their norm. Those of the reference engine do by some 1e-7 in every
 * precision (tests/c/test-accumulation.c). An engine that multiplies the loss before it rounds to 16 bits has other roundings in
 * every element. */
#define TOLERANCE_32 1e-5
#define TOLERANCE_MIXED 1e-2

typedef struct
{
  char *name;
  guint micro_batch_size;
  guint n_micro_batches;
} Plan;

static void
plan_free (gpointer data)
{
  Plan *plan = data;

  g_free (plan->name);
  g_free (plan);
}

/* A number that makes up the whole text. */
static gboolean
parse_count (const char *text, guint *count)
{
  guint64 number;

  if (text == NULL || !g_ascii_string_to_unsigned (text, 10, 1, G_MAXINT, &number, NULL))
    return FALSE;

  *count = (guint) number;

  return TRUE;
}

static Plan *
parse_plan (const char *text, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (text, "x", 2);
  guint size = 0, n = 1;

  if (!parse_count (parts[0], &size) || (parts[1] != NULL && !parse_count (parts[1], &n)))
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "[accumulation][plans] \"%s\" is no plan: expected is the size of a micro-batch, and how "
                   "many of them "
                   "make a step, such as \"4x2\"; \"8\" is \"8x1\"",
                   text);
      return NULL;
    }

  return g_memdup2 (
      &(Plan){ .name = g_strdup_printf ("%ux%u", size, n), .micro_batch_size = size, .n_micro_batches = n },
      sizeof (Plan));
}

/* GPtrArray of Plan: at least two, different ones, with as many samples a step. */
static GPtrArray *
parse_plans (const char *const *texts, GError **error)
{
  g_autoptr (GPtrArray) plans = g_ptr_array_new_with_free_func (plan_free);

  for (guint i = 0; texts != NULL && texts[i] != NULL; i++)
    {
      Plan *plan = parse_plan (texts[i], error);
      Plan *first = plans->len > 0 ? plans->pdata[0] : plan;

      if (plan == NULL)
        return NULL;

      g_ptr_array_add (plans, plan);
      if ((guint64) plan->micro_batch_size * plan->n_micro_batches
          != (guint64) first->micro_batch_size * first->n_micro_batches)
        {
          g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                       "[accumulation][plans] %s has %" G_GUINT64_FORMAT
                       " samples a step, %s has %" G_GUINT64_FORMAT ": they must be as many",
                       first->name, (guint64) first->micro_batch_size * first->n_micro_batches, plan->name,
                       (guint64) plan->micro_batch_size * plan->n_micro_batches);
          return NULL;
        }

      for (guint j = 0; j + 1 < plans->len; j++)
        if (g_str_equal (((Plan *) plans->pdata[j])->name, plan->name))
          {
            g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                         "[accumulation][plans] %s is there twice", plan->name);
            return NULL;
          }
    }

  if (plans->len < 2)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "[accumulation][plans] there are %u plans: at least 2 can be compared", plans->len);
      return NULL;
    }

  return g_steal_pointer (&plans);
}

static guint64
get_last_step (SngHarness *self)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);

  return MIN (priv->horizon, priv->num_steps);
}

static gboolean
accumulation_next (SngHarness *self, GPtrArray *done, GPtrArray *batch, gpointer data, GError **error)
{
  GPtrArray *plans = data;

  for (guint i = 0; done->len == 0 && i < plans->len; i++)
    {
      Plan *plan = g_ptr_array_index (plans, i);
      g_autofree char *name = g_strconcat ("accumulation/", plan->name, NULL);
      SngRun *run = sng_run_new (SNG_MODE_CONTINUOUS, name);

      run->micro_batch_size = plan->micro_batch_size;
      run->accumulate_grad_batches = plan->n_micro_batches;
      run->is_left = TRUE;
      run->last_step = get_last_step (self);
      run->capture = g_strdup (SNG_ACCUMULATION_METRIC);
      g_ptr_array_add (batch, run);
    }

  return TRUE;
}

static guint64
accumulation_count_steps (SngHarness *self, gpointer data)
{
  return get_last_step (self) * ((GPtrArray *) data)->len;
}

static gboolean
open_plan (SngHarness *self, SngRun *run, Plan *plan, SngParityPlan *opened, GError **error)
{
  g_autofree char *path = sng_harness_dup_run_store_path (self, run->name);

  opened->name = plan->name;
  opened->n_micro_batches = plan->n_micro_batches;
  g_clear_object (&opened->store);
  opened->store = sng_run_store_open (path, error);

  return opened->store != NULL;
}

static void
parity_plan_clear (SngParityPlan *plan)
{
  g_clear_object (&plan->store);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SngParityPlan, parity_plan_clear)

static SngReport *
accumulation_judge (SngHarness *self, GPtrArray *done, gpointer data, GError **error)
{
  GPtrArray *plans = data;
  gboolean is_mixed = !g_str_equal (sng_harness_get_private (self)->precision, "32");
  g_autoptr (SngReport) report = sng_report_new ();
  g_auto (SngParityPlan) expected = { 0 };
  g_auto (SngParityPlan) actual = { 0 };

  if (!open_plan (self, done->pdata[0], plans->pdata[0], &expected, error))
    return NULL;

  for (guint i = 1; i < plans->len; i++)
    {
      g_autoptr (SngReport) part = NULL;

      if (!open_plan (self, done->pdata[i], plans->pdata[i], &actual, error))
        return NULL;

      part = sng_parity_compare (&expected, &actual, is_mixed ? TOLERANCE_MIXED : TOLERANCE_32, error);
      if (part == NULL)
        return NULL;

      sng_report_add_part (report, part);
    }

  return g_steal_pointer (&report);
}

static const SngProgram accumulation = { accumulation_next, accumulation_judge, accumulation_count_steps,
                                         "nowhere" };

/**
 * sng_harness_run_accumulation:
 * @self: a harness
 * @plans: (array zero-terminated=1): at least two plans of micro-batches: the size of one and how many make
 *   a step, such as `8x1`, `4x2` and `2x4`; `8` is `8x1`. All have as many samples a step
 * @cancellable: (nullable): ends the runs
 * @error: return location for a #GError
 *
 * Trains on the same samples under several plans of micro-batches, from the start, and tells whether they make the same
 * steps: how a step is cut is a matter of memory, and must be none of what is learned.
 *
 * Each plan but the first is compared with the first, phase by phase: `Samples`, `LossDenominator`, `Gradients`, `Schedule`,
 * `OptimizerState` and `Weights`. The sums of gradients are in another order, so they are rounded in another way; what goes
 * beyond that is a fault. A wrong denominator is told by what the micro-batches would have to weigh to make the gradient of the first plan: the mean of
 * the micro-batches' means in place of the mean over all targets, a loss that is not divided, or a factor. So
 * let the first plan be the one that has one micro-batch, in which little can go wrong.
 *
 * [property@Sng.Harness:horizon] steps are made, by default one. Where an epoch ends in the midst of a step the plans go
 * on with other windows, since a micro-batch does not reach over the end of an epoch; from there on nothing is compared.
 *
 * Returns: (transfer full): a report with a part for each plan but the first ([method@Sng.Report.get_parts])
 *
 * Since: 1.0
 */
SngReport *
sng_harness_run_accumulation (SngHarness *self,
                              const char *const *plans,
                              GCancellable *cancellable,
                              GError **error)
{
  GPtrArray *parsed;

  g_return_val_if_fail (SNG_IS_HARNESS (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  parsed = parse_plans (plans, error);
  if (parsed == NULL)
    return NULL;

  return sng_program_run (&accumulation, self, parsed, (GDestroyNotify) g_ptr_array_unref, cancellable,
                          error);
}

/**
 * sng_harness_run_accumulation_async:
 * @self: a harness
 * @plans: (array zero-terminated=1): see [method@Sng.Harness.run_accumulation]
 * @cancellable: (nullable): ends the runs
 * @callback: (scope async) (closure user_data): called when the report is there
 * @user_data: data for @callback
 *
 * Starts what [method@Sng.Harness.run_accumulation] does.
 *
 * Since: 1.0
 */
void
sng_harness_run_accumulation_async (SngHarness *self,
                                    const char *const *plans,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data)
{
  GError *error = NULL;
  GPtrArray *parsed;

  g_return_if_fail (SNG_IS_HARNESS (self));

  parsed = parse_plans (plans, &error);
  if (parsed == NULL)
    g_task_report_error (self, callback, user_data, sng_harness_run_accumulation_async, error);
  else
    sng_program_start (&accumulation, self, parsed, (GDestroyNotify) g_ptr_array_unref,
                       sng_harness_run_accumulation_async, cancellable, callback, user_data);
}

/**
 * sng_harness_run_accumulation_finish:
 * @self: a harness
 * @result: what the callback was given
 * @error: return location for a #GError
 *
 * Ends what [method@Sng.Harness.run_accumulation_async] started.
 *
 * Returns: (transfer full): the report
 *
 * Since: 1.0
 */
SngReport *
sng_harness_run_accumulation_finish (SngHarness *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, sng_harness_run_accumulation_async), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
