/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "harness/sng-program-private.h"

#include "compare/sng-coverage.h"
#include "compare/sng-diagnose.h"
#include "compare/sng-metric-result-private.h"
#include "compare/sng-report-private.h"
#include "sng-error.h"

void
sng_judged_runs_clear (SngJudgedRuns *self)
{
  g_clear_object (&self->continuous);
  g_clear_object (&self->repeat);
  g_clear_pointer (&self->segments, g_ptr_array_unref);
  g_clear_pointer (&self->runs, g_ptr_array_unref);
}

gboolean
sng_judged_runs_open (SngJudgedRuns *self, SngHarness *harness, GPtrArray *done, guint rank, GError **error)
{
  self->segments = g_ptr_array_new_with_free_func (g_object_unref);
  self->runs = g_ptr_array_new ();

  for (guint i = 0; i < done->len; i++)
    {
      SngRun *run = g_ptr_array_index (done, i);
      g_autofree char *path = sng_harness_dup_rank_store_path (harness, run->name, rank);
      g_autoptr (SngRunStore) store = sng_run_store_open (path, error);

      if (store == NULL)
        return FALSE;

      if (run->mode == SNG_MODE_CONTINUOUS)
        g_set_object (&self->continuous, store);
      else if (run->mode == SNG_MODE_REPEAT)
        g_set_object (&self->repeat, store);
      else
        {
          g_ptr_array_add (self->segments, g_steal_pointer (&store));
          g_ptr_array_add (self->runs, run);
        }
    }

  return TRUE;
}

gboolean
sng_harness_is_output_metric (const char *metric)
{
  const char *const outputs[] = { "TrainOutput", "TrainLoss", "ValidOutput", "ValidLoss", NULL };

  return g_strv_contains (outputs, metric);
}

void
sng_harness_take_result (SngReport *report, SngMetricResult *result)
{
  sng_report_add_result (report, result);
  g_object_unref (result);
}

/* As the original has it: outputs and losses under one tolerance, everything else under the other. */
SngTolerance *
sng_harness_dup_tolerance (SngHarness *self, const char *metric)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);
  return sng_tolerance_new (
      sng_harness_is_output_metric (metric) ? priv->train_val_output_atol : priv->other_output_atol, 0.0);
}

SngComparison *
sng_harness_create_comparison (SngHarness *self, SngJudgedRuns *runs, GError **error)
{
  g_autoptr (SngComparison) comparison = sng_comparison_new (runs->continuous);
  g_auto (GStrv) metrics = sng_run_store_list_metrics (runs->continuous, error);

  if (metrics == NULL)
    return NULL;

  sng_comparison_set_repeat (comparison, runs->repeat);
  sng_comparison_set_noise_tolerance (comparison, sng_harness_get_private (self)->noise_tolerance);

  for (guint i = 0; metrics[i] != NULL; i++)
    {
      g_autoptr (SngTolerance) tolerance = sng_harness_dup_tolerance (self, metrics[i]);

      if (!sng_tolerance_is_exact (tolerance))
        sng_comparison_set_tolerance (comparison, metrics[i], tolerance);
    }

  return g_steal_pointer (&comparison);
}

gboolean
sng_harness_add_coverage (SngHarness *self, SngJudgedRuns *runs, SngReport *report, GError **error)
{
  g_autoptr (SngCoverage) coverage = sng_coverage_new (sng_harness_get_private (self)->coverage_policy);
  g_autoptr (SngMetricResult) result = NULL;
  g_autoptr (GError) local_error = NULL;

  sng_coverage_add_segment (coverage, SNG_MODE_CONTINUOUS, runs->continuous);
  for (guint i = 0; i < runs->segments->len; i++)
    {
      SngRun *run = g_ptr_array_index (runs->runs, i);

      if (run->n_steps > 0)
        sng_coverage_add_segment (coverage, run->mode, g_ptr_array_index (runs->segments, i));
    }

  result = sng_coverage_audit (coverage, &local_error);
  if (result != NULL)
    sng_report_add_result (report, result);
  if (local_error != NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));

  return result != NULL || local_error == NULL;
}

void
sng_harness_diagnose (SngReport *report, SngRunStore *continuous, GPtrArray *segments)
{
  g_autoptr (SngDiagnosis) diagnosis = sng_diagnose_report (report, continuous, segments);

  sng_report_set_diagnosis (report, diagnosis);
}

void
sng_harness_add_seconds (SngReport *report, GPtrArray *done)
{
  GListModel *runs = sng_report_get_runs (report);
  GListModel *parts = sng_report_get_parts (report);

  for (guint i = 0; i < g_list_model_get_n_items (runs); i++)
    {
      g_autoptr (SngReportRun) reported = g_list_model_get_item (runs, i);
      const SngRun *run = sng_run_find (done, sng_report_run_get_name (reported));

      if (run != NULL)
        sng_report_run_set_seconds (reported, run->start_seconds + run->seconds);
    }

  for (guint i = 0; i < g_list_model_get_n_items (parts); i++)
    {
      g_autoptr (SngReport) part = g_list_model_get_item (parts, i);

      sng_harness_add_seconds (part, done);
    }
}

void
sng_harness_note_stops (SngHarness *self, SngReport *report)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);
  g_autofree char *stops = priv->plan != NULL ? sng_stop_plan_to_string (priv->plan) : NULL;
  g_autofree char *note = NULL;

  if (stops == NULL || priv->stop_plan == NULL || !g_ascii_isalpha (priv->stop_plan[0]))
    return;

  note = g_strdup_printf ("stopped at %s", stops);
  sng_report_add_note (report, note);
}

SngReport *
sng_harness_judge (SngHarness *self, GPtrArray *done, GError **error)
{
  g_auto (SngJudgedRuns) runs = { 0 };
  g_autoptr (SngComparison) comparison = NULL;
  g_autoptr (SngReport) report = NULL;

  if (!sng_judged_runs_open (&runs, self, done, 0, error)
      || (comparison = sng_harness_create_comparison (self, &runs, error)) == NULL)
    return NULL;

  for (guint i = 0; i < runs.segments->len; i++)
    sng_comparison_add_segment (comparison, i == 0 ? SNG_MODE_STOP : SNG_MODE_RESUME,
                                g_ptr_array_index (runs.segments, i));

  report = sng_comparison_run (comparison, error);
  if (report == NULL)
    return NULL;

  sng_harness_check_starts (&runs, report);
  sng_harness_take_result (report, sng_harness_judge_init_consumed_samples (&runs));
  sng_harness_take_result (
      report, sng_harness_judge_validation_batches (&runs, sng_harness_get_private (self)->num_steps));
  if (!sng_harness_add_coverage (self, &runs, report, error))
    return NULL;
  sng_harness_take_result (report, sng_harness_judge_stops (&runs));
  sng_harness_note_stops (self, report);
  sng_harness_diagnose (report, runs.continuous, runs.segments);

  return g_steal_pointer (&report);
}
