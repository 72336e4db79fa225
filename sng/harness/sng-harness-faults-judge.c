/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Whether a fault that was planted was found: by this harness, and by the rule of the original. */

#include "harness/sng-harness-faults-private.h"

#include <string.h>

#include "compare/sng-diagnose.h"
#include "compare/sng-report-private.h"
#include "record/sng-run-store-private.h"
#include "sng-error.h"

/* What the original compared, and within what: |a - b| <= ATOL + RTOL |b|. */
#define ORIGINAL_ATOL 1e-4
#define ORIGINAL_OUTPUT_ATOL 1e-3
#define ORIGINAL_RTOL 1e-4

static const char *const original_metrics[] = {
  "LearningRate", "GlobalStepState", "ConsumedSamples", "OptimizerState", "TrainInput", "TrainOutput",
  "TrainLoss",    "ValidInput",      "ValidOutput",     "ValidLoss",      NULL,
};

gboolean
sng_harness_is_original_metric (const char *metric)
{
  return g_strv_contains (original_metrics, metric);
}

static SngTolerance *
create_original_tolerance (const char *metric)
{
  return sng_tolerance_new (sng_harness_is_output_metric (metric) ? ORIGINAL_OUTPUT_ATOL : ORIGINAL_ATOL,
                            ORIGINAL_RTOL);
}

/* The runs before it, and the run. */
static gboolean
open_runs (SngHarness *self, GPtrArray *before, SngRun *run, SngJudgedRuns *runs, GError **error)
{
  g_autoptr (GPtrArray) all = g_ptr_array_new ();

  for (guint i = 0; i < before->len; i++)
    g_ptr_array_add (all, g_ptr_array_index (before, i));
  g_ptr_array_add (all, run);

  return sng_judged_runs_open (runs, self, all, 0, error);
}

/* Where the last of them began. */
static guint64
get_restored_step (SngJudgedRuns *runs)
{
  SngRunStore *store = g_ptr_array_index (runs->segments, runs->segments->len - 1);
  guint64 step = 0;

  sng_harness_lookup_info (store, "restored-step", &step);

  return step;
}

/* As a stop-and-go would judge it, up to where the run was left. The segments before it are those of the control. */
static SngReport *
judge_as_harness (SngHarness *self, SngJudgedRuns *runs, SngRun *run, guint64 restored, GError **error)
{
  SngRunStore *store = g_ptr_array_index (runs->segments, runs->segments->len - 1);
  g_autoptr (SngComparison) comparison = sng_harness_create_comparison (self, runs, error);
  SngReport *report;

  if (comparison == NULL)
    return NULL;

  sng_comparison_add_segment (comparison, SNG_MODE_RESUME, store);
  sng_comparison_set_range (comparison, restored, run->last_step);
  report = sng_comparison_run (comparison, error);

  if (report != NULL)
    {
      sng_harness_check_start (report, store, restored);
      sng_harness_take_result (report, sng_harness_judge_init_consumed_samples (runs));
      sng_harness_take_result (report, sng_harness_judge_validation_batches (runs, run->last_step));
    }

  return report;
}

static gboolean
judge_as_original (SngJudgedRuns *runs, SngRun *run, guint64 restored, gboolean *found, GError **error)
{
  g_autoptr (SngComparison) comparison = sng_comparison_new (runs->continuous);
  g_autoptr (SngReport) report = NULL;

  for (guint i = 0; original_metrics[i] != NULL; i++)
    {
      g_autoptr (SngTolerance) tolerance = create_original_tolerance (original_metrics[i]);

      sng_comparison_set_tolerance (comparison, original_metrics[i], tolerance);
    }

  sng_comparison_add_segment (comparison, SNG_MODE_RESUME,
                              g_ptr_array_index (runs->segments, runs->segments->len - 1));
  sng_comparison_set_range (comparison, restored, run->last_step);
  report = sng_comparison_run (comparison, error);

  *found = FALSE;
  for (guint i = 0; report != NULL && original_metrics[i] != NULL; i++)
    {
      SngMetricResult *result = sng_report_lookup_metric (report, original_metrics[i]);

      *found |= result != NULL && sng_metric_result_get_n_different (result) > 0;
    }

  return report != NULL;
}

static void
diagnose (SngJudgedRuns *runs, SngReport *report, SngFaultResult *result)
{
  g_autoptr (SngDiagnosis) diagnosis = sng_diagnose_report (report, runs->continuous, runs->segments);

  if (diagnosis != NULL)
    sng_fault_result_set_diagnosis (result, sng_diagnosis_get_cause (diagnosis),
                                    sng_diagnosis_get_sentence (diagnosis));
}

/* A run that failed after the restore was found out by that, where nothing else did. What CONTINUOUS and REPEAT differ by finds
 * nothing. */
static gboolean
judge_planted (SngHarness *self, GPtrArray *before, SngRun *run, SngFaultResult *result, GError **error)
{
  g_auto (SngJudgedRuns) runs = { 0 };
  g_autoptr (SngReport) report = NULL;
  SngDivergence *first;
  guint64 step;
  gboolean found_by_original;

  if (!open_runs (self, before, run, &runs, error))
    return FALSE;

  step = get_restored_step (&runs);
  report = judge_as_harness (self, &runs, run, step, error);
  if (report == NULL || !judge_as_original (&runs, run, step, &found_by_original, error))
    return FALSE;

  first = sng_report_find_divergence (report, SNG_VERDICT_DIVERGED);

  if (first != NULL)
    {
      sng_fault_result_set_detected (result, sng_divergence_get_metric (first),
                                     (gint64) sng_divergence_get_step (first));
      diagnose (&runs, report, result);
    }
  else if (run->failure != NULL)
    sng_fault_result_set_failed (result, "the failure");

  if (run->failure != NULL && sng_fault_result_get_cause (result) == SNG_CAUSE_UNKNOWN)
    sng_fault_result_set_diagnosis (result, SNG_CAUSE_UNKNOWN, run->failure);

  sng_fault_result_set_found_by_original (result, found_by_original || run->failure != NULL);

  return TRUE;
}

/* What the run itself says about its fault. */
static gboolean
read_outcome (SngHarness *self, SngRun *run, SngFaultOutcome *outcome, char **reason, GError **error)
{
  g_autofree char *path = sng_harness_dup_run_store_path (self, run->name);
  g_autoptr (SngRunStore) store = sng_run_store_open (path, error);
  g_autoptr (GVariant) name = NULL;
  g_autoptr (GVariant) text = NULL;

  if (store == NULL)
    {
      g_prefix_error (error, "%s: ", run->failure != NULL ? run->failure : run->name);
      return FALSE;
    }

  name = sng_run_store_get_typed_info (store, SNG_FAULT_OUTCOME_INFO, G_VARIANT_TYPE_STRING);
  text = sng_run_store_get_typed_info (store, SNG_FAULT_REASON_INFO, G_VARIANT_TYPE_STRING);

  if (name == NULL || text == NULL
      || !sng_fault_outcome_from_string (g_variant_get_string (name, NULL), outcome))
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_FAILED, "[harness][%s] %s", run->name,
                   run->failure != NULL ? run->failure : "the run does not tell what came of its fault");
      return FALSE;
    }

  *reason = g_variant_dup_string (text, NULL);

  return TRUE;
}

static char *
describe_needs (SngFault *fault, const char *reason)
{
  const char *needs = sng_fault_get_needs (fault);

  return needs != NULL ? g_strdup_printf ("%s (it needs %s)", reason, needs) : g_strdup (reason);
}

/* A refusal names the state that it refuses. */
static SngCause
get_cause_of_refusal (const char *reason)
{
  static const char place[] = "[registry][restore] ";
  const char *state = strstr (reason, place);
  SngCause cause = state != NULL ? sng_fault_get_cause_of_state (state + strlen (place)) : SNG_CAUSE_UNKNOWN;

  return cause != SNG_CAUSE_UNKNOWN ? cause : SNG_CAUSE_CHECKPOINT;
}

SngFaultResult *
sng_harness_judge_fault (SngHarness *self,
                         GPtrArray *before,
                         SngRun *run,
                         SngFault *fault,
                         SngFaultOutcome *outcome,
                         GError **error)
{
  g_autoptr (SngFaultResult) result = NULL;
  g_autofree char *reason = NULL;
  g_autofree char *text = NULL;

  if (!read_outcome (self, run, outcome, &reason, error))
    return NULL;

  result = sng_fault_result_new (sng_fault_get_id (fault), sng_fault_get_title (fault),
                                 sng_fault_get_target (fault), sng_fault_get_cause (fault));

  switch (*outcome)
    {
    case SNG_FAULT_PLANTED:
      if (!judge_planted (self, before, run, result, error))
        return NULL;
      break;

    case SNG_FAULT_NOT_PLANTED:
      sng_fault_result_set_not_planted (result, reason);
      break;

    case SNG_FAULT_NOT_APPLICABLE:
      text = describe_needs (fault, reason);
      sng_fault_result_set_not_planted (result, text);
      break;

    case SNG_FAULT_REFUSED:
      sng_fault_result_set_failed (result, "the restore");
      sng_fault_result_set_found_by_original (result, TRUE);
      sng_fault_result_set_diagnosis (result, get_cause_of_refusal (reason), reason);
      break;
    }

  return g_steal_pointer (&result);
}

SngReport *
sng_harness_judge_control (SngHarness *self, GPtrArray *before, SngRun *run, GError **error)
{
  g_auto (SngJudgedRuns) runs = { 0 };
  SngReport *report;

  if (!open_runs (self, before, run, &runs, error))
    return NULL;

  report = judge_as_harness (self, &runs, run, get_restored_step (&runs), error);
  if (report != NULL)
    sng_harness_diagnose (report, runs.continuous, runs.segments);

  return report;
}
