/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A report for programs. docs/report.schema.json describes it. */

#include "compare/sng-report-writer-private.h"

#include <json-glib/json-glib.h>
#include <math.h>

#include "record/sng-environment-private.h"

static void
add_string (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  if (value != NULL)
    {
      g_autofree char *valid = g_utf8_make_valid (value, -1);

      json_builder_add_string_value (builder, valid);
    }
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
add_boolean (JsonBuilder *builder, const char *name, gboolean value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_boolean_value (builder, value);
}

static void
add_step (JsonBuilder *builder, const char *name, gint64 step)
{
  if (step >= 0)
    add_int (builder, name, step);
  else
    add_string (builder, name, NULL);
}

/* The distance to something that is not a number is none. */
static void
add_distance (JsonBuilder *builder, const char *name, guint64 distance)
{
  if (distance <= G_MAXINT64)
    add_int (builder, name, (gint64) distance);
  else
    add_string (builder, name, NULL);
}

static void
add_counts (JsonBuilder *builder, const char *name, const guint64 *values, gsize n_values)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_array (builder);
  for (gsize i = 0; i < n_values; i++)
    json_builder_add_int_value (builder, (gint64) values[i]);
  json_builder_end_array (builder);
}

static void
add_strings (JsonBuilder *builder, const char *name, const char *const *values)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_array (builder);
  for (guint i = 0; values[i] != NULL; i++)
    {
      g_autofree char *valid = g_utf8_make_valid (values[i], -1);

      json_builder_add_string_value (builder, valid);
    }
  json_builder_end_array (builder);
}

static void
add_divergence (JsonBuilder *builder, SngDivergence *divergence)
{
  if (divergence == NULL)
    {
      add_string (builder, "first_divergence", NULL);
      return;
    }

  json_builder_set_member_name (builder, "first_divergence");
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
add_elements (JsonBuilder *builder, SngTensorDiff *elements)
{
  const guint64 *histogram;
  const gint64 *index;
  guint n_decades = 0, n_dims = 0;

  if (elements == NULL)
    {
      add_string (builder, "elements", NULL);
      return;
    }

  json_builder_set_member_name (builder, "elements");
  json_builder_begin_object (builder);
  add_string (builder, "name", sng_tensor_diff_get_name (elements));
  add_int (builder, "elements", (gint64) sng_tensor_diff_get_n_elements (elements));
  add_int (builder, "different", (gint64) sng_tensor_diff_get_n_different (elements));

  json_builder_set_member_name (builder, "first_index");
  json_builder_begin_array (builder);
  index = sng_tensor_diff_get_first_index (elements, &n_dims);
  for (guint i = 0; i < n_dims; i++)
    json_builder_add_int_value (builder, index[i]);
  json_builder_end_array (builder);

  add_string (builder, "expected", sng_tensor_diff_get_first (elements));
  add_string (builder, "actual", sng_tensor_diff_get_second (elements));
  add_string (builder, "expected_bits", sng_tensor_diff_get_first_bits (elements));
  add_string (builder, "actual_bits", sng_tensor_diff_get_second_bits (elements));
  add_distance (builder, "first_distance", sng_tensor_diff_get_first_distance (elements));
  add_distance (builder, "max_distance", sng_tensor_diff_get_max_distance (elements));
  if (isfinite (sng_tensor_diff_get_max_difference (elements)))
    {
      json_builder_set_member_name (builder, "max_difference");
      json_builder_add_double_value (builder, sng_tensor_diff_get_max_difference (elements));
    }
  else
    add_string (builder, "max_difference", NULL);
  histogram = sng_tensor_diff_get_histogram (elements, &n_decades);
  add_counts (builder, "histogram", histogram, n_decades);
  add_int (builder, "unordered", (gint64) sng_tensor_diff_get_n_unordered (elements));
  json_builder_end_object (builder);
}

static void
add_diagnosis (JsonBuilder *builder, SngDiagnosis *diagnosis)
{
  if (diagnosis == NULL)
    {
      add_string (builder, "diagnosis", NULL);
      return;
    }

  json_builder_set_member_name (builder, "diagnosis");
  json_builder_begin_object (builder);
  add_string (builder, "cause", sng_cause_to_string (sng_diagnosis_get_cause (diagnosis)));
  add_string (builder, "sentence", sng_diagnosis_get_sentence (diagnosis));
  add_strings (builder, "evidence", sng_diagnosis_get_evidence (diagnosis));
  json_builder_end_object (builder);
}

static void
add_metric (JsonBuilder *builder, gpointer item)
{
  SngMetricResult *result = item;

  json_builder_begin_object (builder);
  add_string (builder, "name", sng_metric_result_get_name (result));
  add_string (builder, "verdict", sng_verdict_to_string (sng_metric_result_get_verdict (result)));
  add_int (builder, "compared", (gint64) sng_metric_result_get_compared (result));
  add_int (builder, "different", (gint64) sng_metric_result_get_n_different (result));
  add_string (builder, "reason", sng_metric_result_get_reason (result));
  add_divergence (builder, sng_metric_result_get_first_divergence (result));
  json_builder_end_object (builder);
}

/* A long training makes thousands of choices, which its store has. */
static void
add_environment (JsonBuilder *builder, GVariant *environment, GHashTable *choices)
{
  GVariantIter iter;
  const char *key, *value;

  if (environment == NULL)
    {
      add_string (builder, "environment", NULL);
      return;
    }

  json_builder_set_member_name (builder, "environment");
  json_builder_begin_object (builder);
  g_variant_iter_init (&iter, environment);
  while (g_variant_iter_next (&iter, "{&s&s}", &key, &value))
    if (!sng_environment_is_choice (key) || g_hash_table_contains (choices, key))
      add_string (builder, key, value);
  json_builder_end_object (builder);
}

static void
add_run (JsonBuilder *builder, SngReportRun *run, GHashTable *choices)
{
  const guint64 *checkpoints, *validations;
  gsize n_checkpoints, n_validations;

  json_builder_begin_object (builder);
  add_string (builder, "name", sng_report_run_get_name (run));
  add_string (builder, "mode", sng_mode_to_string (sng_report_run_get_mode (run)));
  add_int (builder, "entries", (gint64) sng_report_run_get_n_entries (run));
  if (sng_report_run_get_n_entries (run) > 0)
    {
      add_int (builder, "first_step", (gint64) sng_report_run_get_first_step (run));
      add_int (builder, "last_step", (gint64) sng_report_run_get_last_step (run));
    }
  add_step (builder, "restored_step", sng_report_run_get_restored_step (run));
  add_string (builder, "interrupt", sng_report_run_get_interrupt (run));
  checkpoints = sng_report_run_get_checkpoints (run, &n_checkpoints);
  add_counts (builder, "checkpoints", checkpoints, n_checkpoints);
  validations = sng_report_run_get_validations (run, &n_validations);
  add_counts (builder, "validations", validations, n_validations);
  add_environment (builder, sng_report_run_get_environment (run), choices);
  json_builder_end_object (builder);
}

static void
add_runs (JsonBuilder *builder, SngReport *report)
{
  GListModel *runs = sng_report_get_runs (report);
  g_autoptr (GHashTable) choices = sng_report_collect_choices (report);

  json_builder_set_member_name (builder, "runs");
  json_builder_begin_array (builder);
  for (guint i = 0; i < g_list_model_get_n_items (runs); i++)
    {
      g_autoptr (SngReportRun) run = g_list_model_get_item (runs, i);

      add_run (builder, run, choices);
    }
  json_builder_end_array (builder);
}

static void
add_fault (JsonBuilder *builder, gpointer item)
{
  SngFaultResult *fault = item;
  gboolean detected = sng_fault_result_get_detected (fault);

  json_builder_begin_object (builder);
  add_string (builder, "id", sng_fault_result_get_id (fault));
  add_string (builder, "title", sng_fault_result_get_title (fault));
  add_string (builder, "state", sng_fault_result_get_state (fault));
  add_boolean (builder, "planted", sng_fault_result_get_planted (fault));
  add_string (builder, "reason", sng_fault_result_get_reason (fault));
  add_boolean (builder, "detected", detected);
  add_string (builder, "found_by", sng_fault_result_get_found_by (fault));
  add_string (builder, "metric", sng_fault_result_get_metric (fault));
  add_step (builder, "step", sng_fault_result_get_step (fault));
  add_string (builder, "cause", detected ? sng_cause_to_string (sng_fault_result_get_cause (fault)) : NULL);
  add_string (builder, "expected_cause", sng_cause_to_string (sng_fault_result_get_expected_cause (fault)));
  add_string (builder, "diagnosis", sng_fault_result_get_diagnosis (fault));
  add_boolean (builder, "found_by_original", sng_fault_result_get_found_by_original (fault));
  json_builder_end_object (builder);
}

static void
add_kill (JsonBuilder *builder, gpointer item)
{
  SngKillResult *kill = item;

  json_builder_begin_object (builder);
  add_int (builder, "number", (gint64) sng_kill_result_get_number (kill));
  add_string (builder, "operation", sng_kill_result_get_operation (kill));
  add_string (builder, "path", sng_kill_result_get_path (kill));
  add_string (builder, "other_path", sng_kill_result_get_other_path (kill));
  add_string (builder, "outcome", sng_kill_outcome_to_string (sng_kill_result_get_outcome (kill)));
  add_string (builder, "detail", sng_kill_result_get_detail (kill));
  json_builder_end_object (builder);
}

static void
add_list (JsonBuilder *builder, const char *name, GListModel *list, void (*add) (JsonBuilder *, gpointer))
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_array (builder);
  for (guint i = 0; i < g_list_model_get_n_items (list); i++)
    {
      g_autoptr (GObject) item = g_list_model_get_item (list, i);

      add (builder, item);
    }
  json_builder_end_array (builder);
}

static void
add_report (JsonBuilder *builder, gpointer item)
{
  SngReport *report = item;
  g_autofree char *summary = sng_report_get_summary (report);
  g_auto (GStrv) warnings = sng_report_list_warnings (report);

  json_builder_begin_object (builder);
  if (sng_report_get_title (report) != NULL)
    add_string (builder, "title", sng_report_get_title (report));
  add_string (builder, "verdict", sng_verdict_to_string (sng_report_get_verdict (report)));
  add_string (builder, "summary", summary);
  add_strings (builder, "warnings", (const char *const *) warnings);
  add_divergence (builder, sng_report_get_first_divergence (report));
  add_list (builder, "metrics", sng_report_get_metrics (report), add_metric);
  add_diagnosis (builder, sng_report_get_diagnosis (report));
  add_elements (builder, sng_report_get_elements (report));
  add_list (builder, "parts", sng_report_get_parts (report), add_report);
  add_list (builder, "faults", sng_report_get_faults (report), add_fault);
  add_list (builder, "kills", sng_report_get_kills (report), add_kill);
  add_runs (builder, report);

  add_strings (builder, "notes", sng_report_get_notes (report));
  json_builder_end_object (builder);
}

/**
 * sng_report_to_json:
 * @self: a report
 *
 * Writes the report for programs: a JSON object of `verdict`, `summary`, `warnings`,
 * `first_divergence`, `metrics`, `diagnosis`, `elements`, `parts`, `faults`, `kills`, `runs` and `notes`.
 *
 * The JSON Schema `report.schema.json`, which is installed with the documentation, tells what is in
 * each of them. Recorded values are strings, so one that is not a number does no harm.
 *
 * Nothing in it depends on the time but `notes`.
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
  g_autofree char *text = NULL;

  g_return_val_if_fail (SNG_IS_REPORT (self), NULL);

  add_report (builder, self);
  root = json_builder_get_root (builder);
  text = json_to_string (root, TRUE);

  return g_strconcat (text, "\n", NULL);
}
