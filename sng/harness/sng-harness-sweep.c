/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The sweep: every stop of a training, for about the price of one run. */

#include "harness/sng-program-private.h"

#include "compare/sng-metric-result-private.h"
#include "compare/sng-report-private.h"

#define STEPS "continuous/steps"

/* ---- The runs ---- */

static guint64
get_last_step (const SngRun *continuous)
{
  return continuous->n_steps;
}

static SngRun *
create_resume (SngHarness *self, guint64 step, guint64 last_step)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);
  g_autofree char *name = g_strdup_printf ("sweep/resume-%06" G_GUINT64_FORMAT, step);
  SngRun *run = sng_run_new (SNG_MODE_RESUME, name);

  run->source = g_strdup (STEPS);
  run->source_step = step;
  run->is_left = TRUE;
  run->last_step = MIN (step + priv->horizon, last_step);
  sng_harness_stress_run (self, run);

  return run;
}

static gboolean
sweep_next (SngHarness *self, GPtrArray *done, GPtrArray *batch, gpointer data, GError **error)
{
  SngRun *continuous = done->len > 0 ? g_ptr_array_index (done, 0) : NULL;
  guint n_uninterrupted = sng_harness_get_private (self)->repeat ? 2 : 1;

  if (continuous == NULL)
    {
      continuous = sng_run_new (SNG_MODE_CONTINUOUS, sng_mode_to_string (SNG_MODE_CONTINUOUS));
      continuous->saves_steps = TRUE;
      g_ptr_array_add (batch, continuous);
    }
  else if (done->len < n_uninterrupted)
    {
      g_ptr_array_add (batch, sng_run_new (SNG_MODE_REPEAT, sng_mode_to_string (SNG_MODE_REPEAT)));
    }
  else if (done->len == n_uninterrupted)
    {
      guint64 last_step = get_last_step (continuous);

      for (guint64 step = 1; step < last_step; step++)
        g_ptr_array_add (batch, create_resume (self, step, last_step));
    }

  return TRUE;
}

static guint64
sweep_count_steps (SngHarness *self, gpointer data)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);
  guint64 n_steps = priv->num_steps;

  return n_steps * (priv->repeat ? 2 : 1) + (n_steps - 1) * priv->horizon;
}

/* ---- The verdict ---- */

/* What one stop shows. CONTINUOUS and REPEAT are compared within its steps as well. */
static SngReport *
judge_stop (SngComparison *comparison, SngJudgedRuns *runs, guint position, GError **error)
{
  SngRun *run = g_ptr_array_index (runs->runs, position);
  SngRunStore *store = g_ptr_array_index (runs->segments, position);
  g_autofree char *title = g_strdup_printf ("stop after step %" G_GUINT64_FORMAT, run->source_step);
  g_autoptr (GPtrArray) segments = g_ptr_array_new ();
  SngReport *report;

  g_ptr_array_add (segments, store);
  sng_comparison_clear_segments (comparison);
  sng_comparison_add_segment (comparison, SNG_MODE_RESUME, store);
  sng_comparison_set_range (comparison, run->source_step, run->last_step);
  report = sng_comparison_run (comparison, error);

  if (report != NULL)
    {
      sng_report_set_title (report, title);
      sng_harness_check_start (report, store, run->source_step);
      sng_harness_diagnose (report, runs->continuous, segments);
    }

  return report;
}

static gboolean
is_judged (SngReport *report, const char *metric)
{
  GListModel *parts = sng_report_get_parts (report);

  for (guint i = 0; i < g_list_model_get_n_items (parts); i++)
    {
      g_autoptr (SngReport) part = g_list_model_get_item (parts, i);

      if (sng_report_lookup_metric (part, metric) != NULL)
        return TRUE;
    }

  return FALSE;
}

/* What CONTINUOUS recorded, but at no step that a resume got to. */
static gboolean
add_unjudged (SngReport *report, SngRunStore *continuous, GError **error)
{
  g_auto (GStrv) metrics = sng_run_store_list_metrics (continuous, error);

  if (metrics == NULL)
    return FALSE;

  for (guint i = 0; metrics[i] != NULL; i++)
    {
      SngMetricFlags flags = sng_run_store_get_metric_flags (continuous, metrics[i]);
      g_autoptr (SngMetricResult) result = NULL;

      if ((flags & (SNG_METRIC_PER_RUN | SNG_METRIC_NOT_APPLICABLE)) != 0 || is_judged (report, metrics[i]))
        continue;

      result = sng_metric_result_new (metrics[i], SNG_VERDICT_INCONCLUSIVE, 0, 0, NULL,
                                      "no resumed training recorded it within the horizon");
      sng_report_add_result (report, result);
    }

  return TRUE;
}

/* What the sweep took, beside the one run that it is about. */
static void
add_cost (SngReport *report, GPtrArray *done)
{
  SngRun *continuous = g_ptr_array_index (done, 0);
  double processor_seconds = 0.0, start_seconds = 0.0;
  guint n_stops = 0;
  g_autofree char *note = NULL;

  for (guint i = 1; i < done->len; i++)
    {
      SngRun *run = g_ptr_array_index (done, i);

      if (run->mode != SNG_MODE_RESUME)
        continue;

      n_stops++;
      processor_seconds += run->processor_seconds;
      start_seconds += run->start_processor_seconds;
    }

  if (n_stops == 0 || !(continuous->processor_seconds > 0.0))
    return;

  note = g_strdup_printf (
      "%u stops took %.2f times the processor time of one continuous run of %" G_GUINT64_FORMAT
      " steps (%.2f s beside %.2f s), and the start of a process with its model each (%.3f s on average)",
      n_stops, processor_seconds / continuous->processor_seconds, get_last_step (continuous),
      processor_seconds, continuous->processor_seconds, start_seconds / n_stops);
  sng_report_add_note (report, note);
}

static SngReport *
sweep_judge (SngHarness *self, GPtrArray *done, gpointer data, GError **error)
{
  g_auto (SngJudgedRuns) runs = { 0 };
  g_autoptr (SngComparison) comparison = NULL;
  g_autoptr (SngReport) report = sng_report_new ();

  sng_report_set_title (report, "sweep");
  if (!sng_judged_runs_open (&runs, self, done, 0, error)
      || (comparison = sng_harness_create_comparison (self, &runs, error)) == NULL)
    return NULL;

  for (guint i = 0; i < runs.segments->len; i++)
    {
      g_autoptr (SngReport) part = judge_stop (comparison, &runs, i, error);

      if (part == NULL)
        return NULL;
      sng_report_add_part (report, part);
    }

  if (!add_unjudged (report, runs.continuous, error))
    return NULL;
  add_cost (report, done);

  return g_steal_pointer (&report);
}

static const SngProgram sweep = { sweep_next, sweep_judge, sweep_count_steps, "after every step" };

/**
 * sng_harness_run_sweep:
 * @self: a harness
 * @cancellable: (nullable): ends the runs
 * @error: return location for a #GError
 *
 * Stops the training after every step but the last, and resumes it each time.
 *
 * CONTINUOUS runs once and saves each step. Then, for each of these checkpoints, a fresh process restores it and makes
 * [property@Sng.Harness:horizon] steps, up to [property@Sng.Harness:jobs] of them side by side. Where all that is
 * recorded, with the whole state in it, equals CONTINUOUS's after the first step, it does so after every later one: a step is
 * a function of the state. So all stops cost about as much as one more training.
 *
 * [property@Sng.Harness:stop-step] and [property@Sng.Harness:stop-plan] play no part. Otherwise this is like
 * [method@Sng.Harness.run_stop_and_go].
 *
 * Returns: (transfer full): a report with a part for each stop ([method@Sng.Report.get_parts])
 *
 * Since: 1.0
 */
SngReport *
sng_harness_run_sweep (SngHarness *self, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (SNG_IS_HARNESS (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return sng_program_run (&sweep, self, NULL, NULL, cancellable, error);
}

/**
 * sng_harness_run_sweep_async:
 * @self: a harness
 * @cancellable: (nullable): ends the runs
 * @callback: (scope async) (closure user_data): called when the report is there
 * @user_data: data for @callback
 *
 * Starts what [method@Sng.Harness.run_sweep] does.
 *
 * Since: 1.0
 */
void
sng_harness_run_sweep_async (SngHarness *self,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_return_if_fail (SNG_IS_HARNESS (self));

  sng_program_start (&sweep, self, NULL, NULL, sng_harness_run_sweep_async, cancellable, callback, user_data);
}

/**
 * sng_harness_run_sweep_finish:
 * @self: a harness
 * @result: what the callback was given
 * @error: return location for a #GError
 *
 * Ends what [method@Sng.Harness.run_sweep_async] started.
 *
 * Returns: (transfer full): the report
 *
 * Since: 1.0
 */
SngReport *
sng_harness_run_sweep_finish (SngHarness *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, sng_harness_run_sweep_async), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
