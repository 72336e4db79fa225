/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A report for people and for programs. */

#include "compare/sng-report-private.h"

#include <json-glib/json-glib.h>

#include "compare/sng-divergence-private.h"

static void
add_string (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  if (value != NULL)
    json_builder_add_string_value (builder, value);
  else
    json_builder_add_null_value (builder);
}

static void
add_int (JsonBuilder *builder, const char *name, gint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, value);
}

static void
add_divergence (JsonBuilder *builder, SngDivergence *divergence)
{
  json_builder_set_member_name (builder, "first_divergence");
  if (divergence == NULL)
    {
      json_builder_add_null_value (builder);
      return;
    }

  json_builder_begin_object (builder);
  add_string (builder, "metric", sng_divergence_get_metric (divergence));
  add_string (builder, "stage", sng_stage_to_string (sng_divergence_get_stage (divergence)));
  add_int (builder, "step", (gint64) sng_divergence_get_step (divergence));
  add_int (builder, "micro_batch", sng_divergence_get_micro_batch (divergence));
  add_int (builder, "rank", sng_divergence_get_rank (divergence));
  add_string (builder, "path", sng_divergence_get_path (divergence));
  add_string (builder, "run", sng_mode_to_string (sng_divergence_get_mode (divergence)));
  add_string (builder, "expected", sng_divergence_get_expected (divergence));
  add_string (builder, "actual", sng_divergence_get_actual (divergence));
  add_string (builder, "detail", sng_divergence_get_detail (divergence));
  json_builder_end_object (builder);
}

static void
add_metric (JsonBuilder *builder, SngMetricResult *result)
{
  json_builder_begin_object (builder);
  add_string (builder, "name", sng_metric_result_get_name (result));
  add_string (builder, "verdict", sng_verdict_to_string (sng_metric_result_get_verdict (result)));
  add_int (builder, "compared", (gint64) sng_metric_result_get_compared (result));
  add_int (builder, "different", (gint64) sng_metric_result_get_n_different (result));
  add_string (builder, "reason", sng_metric_result_get_reason (result));
  add_divergence (builder, sng_metric_result_get_first_divergence (result));
  json_builder_end_object (builder);
}

static void
add_run (JsonBuilder *builder, SngReportRun *run)
{
  json_builder_begin_object (builder);
  add_string (builder, "mode", sng_mode_to_string (sng_report_run_get_mode (run)));
  add_int (builder, "entries", (gint64) sng_report_run_get_n_entries (run));
  if (sng_report_run_get_n_entries (run) > 0)
    {
      add_int (builder, "first_step", (gint64) sng_report_run_get_first_step (run));
      add_int (builder, "last_step", (gint64) sng_report_run_get_last_step (run));
    }
  json_builder_end_object (builder);
}

/**
 * sng_report_to_json:
 * @self: a report
 *
 * Writes the report for programs: a JSON object of `verdict`, `summary`,
 * `first_divergence`, `metrics` and `runs`.
 *
 * Each of `metrics` has `name`, `verdict`, `compared`, `different`, `reason` and
 * `first_divergence`, which is `null` or an object of `metric`, `stage`,
 * `step`, `micro_batch` (-1 for none), `rank`, `path`, `run`, `expected`, `actual`
 * and `detail`. Recorded values are strings, so one that is not a number does no harm.
 *
 * Returns: (transfer full): the JSON text, with a line feed at its end
 *
 * Since: 1.0
 */
char *
sng_report_to_json (SngReport *self)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;
  g_autofree char *summary = NULL;
  g_autofree char *text = NULL;
  GListModel *metrics, *runs;

  g_return_val_if_fail (SNG_IS_REPORT (self), NULL);

  metrics = sng_report_get_metrics (self);
  runs = sng_report_get_runs (self);
  summary = sng_report_get_summary (self);

  json_builder_begin_object (builder);
  add_string (builder, "verdict", sng_verdict_to_string (sng_report_get_verdict (self)));
  add_string (builder, "summary", summary);
  add_divergence (builder, sng_report_get_first_divergence (self));

  json_builder_set_member_name (builder, "metrics");
  json_builder_begin_array (builder);
  for (guint i = 0; i < g_list_model_get_n_items (metrics); i++)
    {
      g_autoptr (SngMetricResult) result = g_list_model_get_item (metrics, i);

      add_metric (builder, result);
    }
  json_builder_end_array (builder);

  json_builder_set_member_name (builder, "runs");
  json_builder_begin_array (builder);
  for (guint i = 0; i < g_list_model_get_n_items (runs); i++)
    {
      g_autoptr (SngReportRun) run = g_list_model_get_item (runs, i);

      add_run (builder, run);
    }
  json_builder_end_array (builder);
  json_builder_end_object (builder);

  root = json_builder_get_root (builder);
  text = json_to_string (root, TRUE);

  return g_strconcat (text, "\n", NULL);
}

/* A line of the table, without spaces at its end. */
static void
append_line (GString *text,
             int width,
             const char *name,
             const char *compared,
             const char *verdict,
             const char *note)
{
  int missing = width - (int) g_utf8_strlen (name, -1);

  g_string_append_printf (text, "%s%*s  %8s  %s", name, MAX (missing, 0), "", compared, verdict);
  if (note != NULL)
    g_string_append_printf (text, "%*s  %s", MAX (0, 16 - (int) strlen (verdict)), "", note);
  g_string_append_c (text, '\n');
}

static void
append_metric (GString *text, int width, SngMetricResult *result)
{
  guint64 n_different = sng_metric_result_get_n_different (result);
  g_autofree char *compared = g_strdup_printf ("%" G_GUINT64_FORMAT, sng_metric_result_get_compared (result));
  g_autofree char *note = g_strdup (sng_metric_result_get_reason (result));

  if (note == NULL && n_different > 0)
    note = g_strdup_printf ("%" G_GUINT64_FORMAT " %s", n_different, n_different == 1 ? "differs" : "differ");

  append_line (text, width, sng_metric_result_get_name (result), compared,
               sng_verdict_to_string (sng_metric_result_get_verdict (result)), note);
}

static void
append_reason (GString *text, SngReport *self)
{
  SngDiagnosis *diagnosis = sng_report_get_diagnosis (self);
  SngTensorDiff *elements = sng_report_get_elements (self);

  if (elements != NULL)
    {
      g_autofree char *difference = sng_tensor_diff_to_string (elements);

      g_string_append_printf (text, "  elements  %s\n", difference);
    }
  if (diagnosis != NULL)
    g_string_append_printf (text, "  cause     %s: %s\n",
                            sng_cause_to_string (sng_diagnosis_get_cause (diagnosis)),
                            sng_diagnosis_get_sentence (diagnosis));
}

/**
 * sng_report_to_text:
 * @self: a report
 *
 * Writes the report for people: a table of metric, number of entries compared and
 * verdict, where the runs differ first, and the summary in the last line.
 *
 * Returns: (transfer full): the text, with a line feed at its end
 *
 * Since: 1.0
 */
char *
sng_report_to_text (SngReport *self)
{
  g_autoptr (GString) text = NULL;
  g_autofree char *summary = NULL;
  SngDivergence *first;
  GListModel *metrics;
  int width = strlen ("metric");
  guint n;

  g_return_val_if_fail (SNG_IS_REPORT (self), NULL);

  metrics = sng_report_get_metrics (self);
  n = g_list_model_get_n_items (metrics);
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (SngMetricResult) result = g_list_model_get_item (metrics, i);

      width = MAX (width, (int) g_utf8_strlen (sng_metric_result_get_name (result), -1));
    }

  text = g_string_new (NULL);
  append_line (text, width, "metric", "entries", "verdict", NULL);
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (SngMetricResult) result = g_list_model_get_item (metrics, i);

      append_metric (text, width, result);
    }

  first = sng_report_get_first_divergence (self);
  if (first != NULL)
    {
      g_autofree char *place = sng_divergence_dup_place (first);

      g_string_append_printf (text, "\nFirst divergence: %s at %s (%s)\n", sng_divergence_get_metric (first),
                              place, sng_mode_to_string (sng_divergence_get_mode (first)));
      g_string_append_printf (text, "  expected  %s\n  found     %s\n", sng_divergence_get_expected (first),
                              sng_divergence_get_actual (first));
      if (*sng_divergence_get_detail (first) != '\0')
        g_string_append_printf (text, "  detail    %s\n", sng_divergence_get_detail (first));
      append_reason (text, self);
    }

  summary = sng_report_get_summary (self);
  g_string_append_printf (text, "\n%s\n", summary);

  return g_strdup (text->str);
}
