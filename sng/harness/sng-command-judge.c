/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The report over what the runs of a command have recorded, rank by rank, and over the files that they have left. */

#include "harness/sng-command-harness-private.h"

#include "compare/sng-diagnose-private.h"
#include "compare/sng-metric-result-private.h"
#include "compare/sng-report-private.h"
#include "record/sng-recorder-private.h"
#include "record/sng-run-store-private.h"
#include "sng-error.h"

/* The line that says whether there was anything to compare beside the number of the step. */
#define SNG_RECORDS "Records"

/* ---- One rank ---- */

/* Why the stops prove nothing; NULL where they do. */
static char *
find_weak_stop (SngCommandHarness *self, const SngJudgedRuns *runs)
{
  for (guint segment = 0; segment < runs->segments->len; segment++)
    {
      const SngRun *run = g_ptr_array_index (runs->runs, segment);
      guint64 last_step = 0;

      sng_run_store_get_step_range (g_ptr_array_index (runs->segments, segment), NULL, NULL, &last_step,
                                    NULL);
      if (run->is_interrupted && last_step >= self->last_step)
        return g_strdup_printf ("the training was stopped after its last step %" G_GUINT64_FORMAT
                                ": nothing was left to resume",
                                self->last_step);
    }

  return NULL;
}

static SngMetricResult *
judge_stops (SngCommandHarness *self, const SngJudgedRuns *runs)
{
  g_autofree char *reason = find_weak_stop (self, runs);

  return sng_metric_result_new (SNG_STOPS, reason != NULL ? SNG_VERDICT_INCONCLUSIVE : SNG_VERDICT_PASS,
                                runs->segments->len - 1, 0, NULL, reason);
}

/* Whether what the metric had in one step is other than what it had in another. */
static gboolean
differs (SngRunStore *store, const char *metric, guint64 first_step, guint64 last_step)
{
  g_autoptr (GPtrArray) before = sng_run_store_query (store, metric, first_step, first_step, NULL);
  g_autoptr (GPtrArray) after = sng_run_store_query (store, metric, last_step, last_step, NULL);

  if (before == NULL || after == NULL || before->len != after->len)
    return TRUE;

  for (guint i = 0; i < before->len; i++)
    if (!sng_metadata_equal (g_ptr_array_index (before, i), g_ptr_array_index (after, i)))
      return TRUE;

  return FALSE;
}

static gboolean
records_change (SngCommandHarness *self, SngRunStore *continuous)
{
  g_auto (GStrv) metrics = sng_run_store_list_metrics (continuous, NULL);

  for (guint i = 0; metrics != NULL && metrics[i] != NULL; i++)
    if (!g_str_equal (metrics[i], SNG_GLOBAL_STEP_METRIC)
        && differs (continuous, metrics[i], self->first_step, self->last_step))
      return TRUE;

  return FALSE;
}

/* A resume that gets all but the count of the steps wrong would pass. */
static void
judge_records (SngCommandHarness *self, SngRunStore *continuous, SngReport *report)
{
  if (self->compare != NULL || records_change (self, continuous))
    return;

  sng_harness_take_result (
      report, sng_metric_result_new (
                  SNG_RECORDS, SNG_VERDICT_INCONCLUSIVE, 0, 0, NULL,
                  "nothing that was recorded changes from the first step to the last, so a wrong "
                  "resume would pass: record the loss, the weights and the state of the optimizer"));
}

/* The step that CONTINUOUS recorded before this one; 0: none. */
static guint64
find_step_before (SngRunStore *continuous, guint64 step)
{
  guint64 found = 0, next = 0;

  while (sng_run_store_find_step (continuous, next + 1, &next, NULL) && next < step)
    found = next;

  return found;
}

/* A recorder does not know what was restored, but its first step tells. One that began anew restored nothing. */
static void
note_restored_steps (SngCommandHarness *self, const SngJudgedRuns *runs, SngReport *report)
{
  GListModel *reported = sng_report_get_runs (report);

  for (guint i = 0; i < g_list_model_get_n_items (reported); i++)
    {
      g_autoptr (SngReportRun) run = g_list_model_get_item (reported, i);
      const SngRun *made = sng_run_find (runs->runs, sng_report_run_get_name (run));

      if (made != NULL && made->mode == SNG_MODE_RESUME && made->first_step > self->first_step)
        sng_report_run_set_restored_step (run, find_step_before (runs->continuous, made->first_step));
    }
}

/* Whether the ids of samples were recorded as an audit takes them. A metric of the same name may be anything else. */
static gboolean
has_sample_ids (SngCommandHarness *self, SngRunStore *continuous)
{
  g_autoptr (GPtrArray) entries =
      sng_run_store_query (continuous, METRIC_SAMPLE_IDS, self->first_step, self->first_step, NULL);
  GVariant *value =
      entries != NULL && entries->len > 0 ? sng_metadata_get_value (g_ptr_array_index (entries, 0)) : NULL;

  return value != NULL && g_variant_is_of_type (value, G_VARIANT_TYPE ("(tax)"));
}

static SngReport *
judge_rank (SngCommandHarness *self, GPtrArray *done, guint rank, GError **error)
{
  SngHarness *harness = SNG_HARNESS (self);
  g_auto (SngJudgedRuns) runs = { 0 };
  g_autoptr (SngComparison) comparison = NULL;
  g_autoptr (SngReport) report = NULL;

  if (!sng_judged_runs_open (&runs, harness, done, rank, error)
      || (comparison = sng_harness_create_comparison (harness, &runs, error)) == NULL)
    return NULL;

  for (guint i = 0; i < runs.segments->len; i++)
    sng_comparison_add_segment (comparison, i == 0 ? SNG_MODE_STOP : SNG_MODE_RESUME,
                                g_ptr_array_index (runs.segments, i));

  report = sng_comparison_run (comparison, error);
  if (report == NULL)
    return NULL;

  note_restored_steps (self, &runs, report);
  judge_records (self, runs.continuous, report);
  if (has_sample_ids (self, runs.continuous) && !sng_harness_add_coverage (harness, &runs, report, error))
    return NULL;
  sng_harness_take_result (report, judge_stops (self, &runs));
  sng_harness_diagnose (report, runs.continuous, runs.segments);

  return g_steal_pointer (&report);
}

/* ---- All of them ---- */

static guint
count_ranks (SngHarness *harness, const SngRun *run)
{
  guint n = 0;

  while (TRUE)
    {
      g_autofree char *path = sng_harness_dup_rank_store_path (harness, run->name, n);

      if (!g_file_test (path, G_FILE_TEST_EXISTS))
        return n;
      n++;
    }
}

/* A training in which a process stays away is another one. */
static gboolean
check_ranks (SngHarness *harness, GPtrArray *done, guint n_ranks, GError **error)
{
  for (guint i = 0; i < done->len; i++)
    {
      const SngRun *run = g_ptr_array_index (done, i);
      guint n = count_ranks (harness, run);

      if (n == n_ranks)
        continue;

      g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_RECORDED,
                   "[command][judge] %u processes of %s have recorded something, and %u of CONTINUOUS", n,
                   run->name, n_ranks);
      return FALSE;
    }

  return TRUE;
}

static SngReport *
judge_ranks (SngCommandHarness *self, GPtrArray *done, guint n_ranks, GError **error)
{
  g_autoptr (SngReport) report = NULL;

  if (n_ranks == 1)
    return judge_rank (self, done, 0, error);

  report = sng_report_new ();
  sng_report_set_title (report, "check");
  for (guint rank = 0; rank < n_ranks; rank++)
    {
      g_autoptr (SngReport) part = judge_rank (self, done, rank, error);
      g_autofree char *title = g_strdup_printf ("rank %u", rank);

      if (part == NULL)
        return NULL;
      sng_report_set_title (part, title);
      sng_report_add_part (report, part);
    }

  return g_steal_pointer (&report);
}

static void
add_results (SngReport *report, SngReport *files)
{
  GListModel *metrics = sng_report_get_metrics (files);

  for (guint i = 0; i < g_list_model_get_n_items (metrics); i++)
    sng_harness_take_result (report, g_list_model_get_item (metrics, i));

  if (sng_report_get_elements (files) != NULL && sng_report_get_elements (report) == NULL)
    sng_report_set_elements (report, sng_report_get_elements (files));
}

SngReport *
sng_command_judge (SngHarness *harness, GPtrArray *done, GError **error)
{
  SngCommandHarness *self = SNG_COMMAND_HARNESS (harness);
  guint n_ranks = count_ranks (harness, g_ptr_array_index (done, 0));
  g_autoptr (SngReport) report = NULL;
  g_autoptr (SngReport) files = NULL;
  g_autoptr (GError) local_error = NULL;

  files = sng_command_judge_files (self, done, &local_error);
  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return NULL;
    }

  if (n_ranks == 0)
    return g_steal_pointer (&files);

  if (!check_ranks (harness, done, n_ranks, error))
    return NULL;

  report = judge_ranks (self, done, n_ranks, error);
  if (report == NULL)
    return NULL;

  if (files != NULL)
    add_results (report, files);
  sng_harness_note_stops (harness, report);

  return g_steal_pointer (&report);
}
