/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "report-fixture.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include <glib/gstdio.h>

static void
test_text (void)
{
  g_autoptr (SngReport) report = report_make_diverged ();
  g_autofree char *text = sng_report_to_text (report);

  g_assert_cmpstr (
      text, ==,
      "metric         entries  verdict\n"
      "LearningRate        12  PASS\n"
      "ModelWeights       340  DIVERGED          28 differ\n"
      "TrainLoss           20  DIVERGED          1 differs\n"
      "ValidLoss            0  INCONCLUSIVE      nothing was recorded\n"
      "\n"
      "First divergence: TrainLoss at step 6, train, micro-batch 1, rank 2 (resume)\n"
      "  expected  nan (0x7ff8000000000000)\n"
      "  found     \"quoted\" \\ \\n\n"
      "\n"
      "DIVERGED: 2 of 4 metrics; first TrainLoss at step 6, train, micro-batch 1, rank 2 (resume)\n");
}

static void
test_json (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngReport) report = report_make_diverged ();
  g_autofree char *json = sng_report_to_json (report);
  g_autofree char *summary = sng_report_get_summary (report);
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonObject *root, *metric, *first, *run;
  JsonArray *metrics, *runs;

  g_assert_true (g_str_has_suffix (json, "}\n"));
  json_parser_load_from_data (parser, json, -1, &error);
  g_assert_no_error (error);

  root = json_node_get_object (json_parser_get_root (parser));
  g_assert_cmpstr (json_object_get_string_member (root, "verdict"), ==, "DIVERGED");
  g_assert_cmpstr (json_object_get_string_member (root, "summary"), ==, summary);
  metrics = json_object_get_array_member (root, "metrics");
  g_assert_cmpuint (json_array_get_length (metrics), ==, 4);

  metric = json_array_get_object_element (metrics, 0);
  g_assert_cmpstr (json_object_get_string_member (metric, "name"), ==, "LearningRate");
  g_assert_cmpstr (json_object_get_string_member (metric, "verdict"), ==, "PASS");
  g_assert_cmpint (json_object_get_int_member (metric, "compared"), ==, 12);
  g_assert_cmpint (json_object_get_int_member (metric, "different"), ==, 0);
  g_assert_true (json_object_get_null_member (metric, "reason"));
  g_assert_true (json_object_get_null_member (metric, "first_divergence"));

  metric = json_array_get_object_element (metrics, 3);
  g_assert_cmpstr (json_object_get_string_member (metric, "reason"), ==, "nothing was recorded");

  first = json_object_get_object_member (root, "first_divergence");
  g_assert_cmpstr (json_object_get_string_member (first, "metric"), ==, "TrainLoss");
  g_assert_cmpstr (json_object_get_string_member (first, "stage"), ==, "train");
  g_assert_cmpint (json_object_get_int_member (first, "step"), ==, 6);
  g_assert_cmpint (json_object_get_int_member (first, "micro_batch"), ==, 1);
  g_assert_cmpint (json_object_get_int_member (first, "rank"), ==, 2);
  g_assert_cmpstr (json_object_get_string_member (first, "path"), ==, "");
  g_assert_cmpstr (json_object_get_string_member (first, "run"), ==, "resume");
  g_assert_cmpstr (json_object_get_string_member (first, "expected"), ==, "nan (0x7ff8000000000000)");
  g_assert_cmpstr (json_object_get_string_member (first, "actual"), ==, "\"quoted\" \\ \n");

  runs = json_object_get_array_member (root, "runs");
  g_assert_cmpuint (json_array_get_length (runs), ==, 2);
  run = json_array_get_object_element (runs, 0);
  g_assert_cmpstr (json_object_get_string_member (run, "mode"), ==, "continuous");
  g_assert_cmpint (json_object_get_int_member (run, "last_step"), ==, 10);
  g_assert_false (json_object_has_member (json_array_get_object_element (runs, 1), "last_step"));
}

static void
assert_summary (SngReport *report, SngVerdict verdict, const char *expected)
{
  g_autofree char *summary = sng_report_get_summary (report);

  g_assert_cmpint (sng_report_get_verdict (report), ==, verdict);
  g_assert_cmpstr (summary, ==, expected);
}

/* The whole verdict is the worst one, in the documented order. */
static void
test_verdict (void)
{
  g_autoptr (SngReport) report = sng_report_new ();
  g_autoptr (SngDivergence) resume =
      sng_divergence_new (SNG_MODE_RESUME, "B", SNG_STAGE_TRAIN, 3, 0, 0, "p", 0, "1", "2", "differ by 1");
  g_autoptr (SngDivergence) repeat =
      sng_divergence_new (SNG_MODE_REPEAT, "C", SNG_STAGE_VALIDATE, 9, 0, 0, "", 0, "1", "2", "differ by 1");

  assert_summary (report, SNG_VERDICT_INCONCLUSIVE, "INCONCLUSIVE: no metric was recorded");
  g_assert_null (sng_report_get_first_divergence (report));

  report_add (report, "A", SNG_VERDICT_PASS, 1, 0, NULL, NULL);
  assert_summary (report, SNG_VERDICT_PASS, "PASS: 1 metric, 1 entry compared, none differs");

  report_add (report, "Z", SNG_VERDICT_INCONCLUSIVE, 4, 0, NULL, "it slept");
  assert_summary (report, SNG_VERDICT_INCONCLUSIVE, "INCONCLUSIVE: 1 of 2 metrics; first Z: it slept");

  report_add (report, "B", SNG_VERDICT_DIVERGED, 5, 1, resume, NULL);
  assert_summary (report, SNG_VERDICT_DIVERGED,
                  "DIVERGED: 1 of 3 metrics; first B at step 3, train, micro-batch 0, \"p\" (resume)");
  g_assert_true (sng_report_get_first_divergence (report) == resume);

  /* what happened to the resume is not the point when training itself is not deterministic */
  report_add (report, "C", SNG_VERDICT_NONDETERMINISTIC, 5, 1, repeat, NULL);
  assert_summary (report, SNG_VERDICT_NONDETERMINISTIC,
                  "NONDETERMINISTIC: 1 of 4 metrics differs between two uninterrupted runs; "
                  "first C at step 9, validate, micro-batch 0 (repeat)");
  g_assert_true (sng_report_get_first_divergence (report) == repeat);
}

static SngReport *
make_part (const char *title, SngVerdict verdict, guint64 step)
{
  g_autoptr (SngDivergence) first =
      sng_divergence_new (SNG_MODE_RESUME, "A", SNG_STAGE_TRAIN, step, -1, 0, "", 0, "1", "2", "");
  SngReport *part = sng_report_new ();

  sng_report_set_title (part, title);
  if (verdict == SNG_VERDICT_DIVERGED)
    report_add (part, "A", verdict, 3, 1, first, NULL);
  else
    report_add (part, "A", verdict, 3, 0, NULL, verdict == SNG_VERDICT_INCONCLUSIVE ? "it slept" : NULL);

  return part;
}

/* The whole is as bad as its worst part, wherever that is, and begins with the first part of that kind. */
static void
test_parts (void)
{
  const struct
  {
    SngVerdict verdict;
    const char *summary;
  } cases[] = {
    { SNG_VERDICT_PASS, "PASS: 3 parts, 3 metrics, 9 entries compared, none differs" },
    { SNG_VERDICT_INCONCLUSIVE,
      "INCONCLUSIVE: 1 of 3 parts; first stop 2: INCONCLUSIVE: 1 of 1 metrics; first A: it slept" },
    { SNG_VERDICT_DIVERGED,
      "DIVERGED: 1 of 3 parts; first stop 2: DIVERGED: 1 of 1 metrics; first A at step 5, train (resume)" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (SngReport) report = sng_report_new ();

      for (guint k = 1; k <= 3; k++)
        {
          g_autofree char *title = g_strdup_printf ("stop %u", k);
          g_autoptr (SngReport) part = make_part (title, k == 2 ? cases[i].verdict : SNG_VERDICT_PASS, 5);

          sng_report_add_part (report, part);
        }

      assert_summary (report, cases[i].verdict, cases[i].summary);
      g_assert_cmpuint (g_list_model_get_n_items (sng_report_get_parts (report)), ==, 3);
      if (cases[i].verdict == SNG_VERDICT_DIVERGED)
        g_assert_cmpuint (sng_divergence_get_step (sng_report_get_first_divergence (report)), ==, 5);
      else
        g_assert_null (sng_report_get_first_divergence (report));
    }
}

/* The verdict on the whole is the worst of the report's own metrics and its parts. */
static void
test_parts_and_metrics (void)
{
  g_autoptr (SngReport) report = sng_report_new ();
  g_autoptr (SngReport) diverged = make_part ("stop 1", SNG_VERDICT_DIVERGED, 2);
  g_autoptr (SngReport) empty = sng_report_new ();

  report_add (report, "A", SNG_VERDICT_PASS, 1, 0, NULL, NULL);
  sng_report_add_part (report, empty);
  assert_summary (report, SNG_VERDICT_INCONCLUSIVE,
                  "INCONCLUSIVE: 1 of 1 parts; first INCONCLUSIVE: no metric was recorded");

  sng_report_add_part (report, diverged);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_DIVERGED);

  /* training itself is not deterministic: then the parts are not the point */
  report_add (report, "N", SNG_VERDICT_NONDETERMINISTIC, 1, 1, NULL, NULL);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_NONDETERMINISTIC);
}

static SngFaultResult *
add_fault (SngReport *report, const char *id)
{
  g_autoptr (SngFaultResult) fault = sng_fault_result_new (id, "a title", "optimizer", SNG_CAUSE_OPTIMIZER);

  sng_report_add_fault (report, fault);

  /* the report keeps it alive */
  return fault;
}

static void
test_faults (void)
{
  g_autoptr (SngReport) report = sng_report_new ();
  SngFaultResult *fault;

  report_add (report, "A", SNG_VERDICT_PASS, 7, 0, NULL, NULL);

  fault = add_fault (report, "nothing-lost");
  sng_fault_result_set_not_planted (fault, "it equals its default");
  g_assert_false (sng_fault_result_get_planted (fault));
  g_assert_cmpstr (sng_fault_result_get_reason (fault), ==, "it equals its default");
  assert_summary (report, SNG_VERDICT_INCONCLUSIVE, "INCONCLUSIVE: none of 1 fault could be planted");

  fault = add_fault (report, "found");
  sng_fault_result_set_detected (fault, "OptimizerState", 7);
  sng_fault_result_set_diagnosis (fault, SNG_CAUSE_SCHEDULE, "it starts over");
  sng_fault_result_set_found_by_original (fault, TRUE);
  g_assert_cmpstr (sng_fault_result_get_metric (fault), ==, "OptimizerState");
  g_assert_cmpint (sng_fault_result_get_step (fault), ==, 7);
  g_assert_cmpint (sng_fault_result_get_cause (fault), ==, SNG_CAUSE_SCHEDULE);
  g_assert_cmpint (sng_fault_result_get_expected_cause (fault), ==, SNG_CAUSE_OPTIMIZER);
  g_assert_cmpstr (sng_fault_result_get_diagnosis (fault), ==, "it starts over");
  g_assert_true (sng_fault_result_get_found_by_original (fault));
  assert_summary (
      report, SNG_VERDICT_PASS,
      "PASS: 1 planted fault, all found; without one: 1 metric, 7 entries compared, none differs");

  fault = add_fault (report, "missed");
  g_assert_true (sng_fault_result_get_planted (fault));
  g_assert_false (sng_fault_result_get_detected (fault));
  g_assert_null (sng_fault_result_get_metric (fault));
  g_assert_cmpint (sng_fault_result_get_step (fault), ==, -1);
  assert_summary (report, SNG_VERDICT_INCONCLUSIVE, "INCONCLUSIVE: 1 of 2 planted faults was missed");

  add_fault (report, "missed-too");
  assert_summary (report, SNG_VERDICT_INCONCLUSIVE, "INCONCLUSIVE: 2 of 3 planted faults were missed");

  /* a check that finds faults where there are none shows nothing by finding those that there are */
  report_add (report, "B", SNG_VERDICT_INCONCLUSIVE, 7, 0, NULL, "it slept");
  assert_summary (report, SNG_VERDICT_INCONCLUSIVE,
                  "INCONCLUSIVE: INCONCLUSIVE without a fault: 1 of 2 metrics; first B: it slept");
}

static void
test_kills (void)
{
  g_autoptr (SngReport) report = sng_report_new ();
  SngKillResult *kill;

  report_add_kill (report, 1, "open", "a", NULL, SNG_KILL_OUTCOME_PASS, NULL);
  assert_summary (report, SNG_VERDICT_PASS, "PASS: 1 kill before a file operation (1 PASS)");
  report_add_kill (report, 2, "rename", "b", "c", SNG_KILL_OUTCOME_LOST_WORK, "it began anew");
  assert_summary (report, SNG_VERDICT_PASS, "PASS: 2 kills before a file operation (1 PASS, 1 LOST WORK)");

  kill = g_list_model_get_item (sng_report_get_kills (report), 1);
  g_assert_cmpuint (sng_kill_result_get_number (kill), ==, 2);
  g_assert_cmpstr (sng_kill_result_get_operation (kill), ==, "rename");
  g_assert_cmpstr (sng_kill_result_get_path (kill), ==, "b");
  g_assert_cmpstr (sng_kill_result_get_other_path (kill), ==, "c");
  g_assert_cmpint (sng_kill_result_get_outcome (kill), ==, SNG_KILL_OUTCOME_LOST_WORK);
  g_assert_cmpstr (sng_kill_result_get_detail (kill), ==, "it began anew");
  g_object_unref (kill);

  report_add_kill (report, 3, "write", "c", NULL, SNG_KILL_OUTCOME_HARD_FAIL, NULL);
  assert_summary (
      report, SNG_VERDICT_DIVERGED,
      "DIVERGED: 3 kills before a file operation (1 PASS, 1 LOST WORK, 1 HARD FAIL); first HARD FAIL "
      "before 3 write c");

  /* What differs without a kill says nothing about kills. */
  report_add (report, "A", SNG_VERDICT_PASS, 7, 0, NULL, NULL);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_DIVERGED);
  report_add (report, "B", SNG_VERDICT_NONDETERMINISTIC, 7, 1, NULL, NULL);
  assert_summary (report, SNG_VERDICT_NONDETERMINISTIC,
                  "NONDETERMINISTIC: without a kill: 1 of 2 metrics differs between two uninterrupted runs");
}

static void
append_value (SngRunStore *store, const char *metric, guint64 step, gint64 micro_batch, GVariant *value)
{
  g_autoptr (GError) error = NULL;
  GVariantDict dict;
  g_autoptr (SngMetadata) entry = NULL;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "metric", "s", metric);
  g_variant_dict_insert (&dict, "stage", "s", g_str_equal (metric, "ValidLoss") ? "validate" : "train");
  g_variant_dict_insert (&dict, "step", "t", step);
  g_variant_dict_insert (&dict, "micro-batch", "x", micro_batch);
  g_variant_dict_insert (&dict, "rank", "u", 0);
  g_variant_dict_insert (&dict, "path", "s", "");
  g_variant_dict_insert_value (&dict, "value", value);
  entry = sng_metadata_new (g_variant_dict_end (&dict), &error);
  g_assert_no_error (error);
  sng_run_store_append (store, entry, &error);
  g_assert_no_error (error);
}

static void
append (SngRunStore *store, const char *metric, guint64 step, gint64 micro_batch, double value)
{
  append_value (store, metric, step, micro_batch, g_variant_new_double (value));
}

static void
append_text (SngRunStore *store, const char *metric, guint64 step, const char *value)
{
  append_value (store, metric, step, -1, g_variant_new_string (value));
}

static void
set_infos (SngRunStore *store)
{
  const guint64 checkpoints[] = { 3, 7 };
  GVariantBuilder environment;

  g_variant_builder_init (&environment, G_VARIANT_TYPE ("a{ss}"));
  g_variant_builder_add (&environment, "{ss}", "processor", "abacus");
  sng_run_store_set_info (store, "name", g_variant_new_string ("resume-000003"), NULL);
  sng_run_store_set_info (store, "interrupt", g_variant_new_string ("7:kill"), NULL);
  sng_run_store_set_info (store, "restored-step", g_variant_new_uint64 (3), NULL);
  sng_run_store_set_info (
      store, "checkpoints",
      g_variant_new_fixed_array (G_VARIANT_TYPE_UINT64, checkpoints, 2, sizeof checkpoints[0]), NULL);
  sng_run_store_set_info (store, "environment", g_variant_builder_end (&environment), NULL);
}

static void
assert_recorded_run (SngReportRun *run)
{
  const guint64 *steps;
  const char *processor = NULL;
  g_autofree char *names = NULL;
  GArray *curve;
  gsize n = 0;

  g_assert_cmpstr (sng_report_run_get_name (run), ==, "resume-000003");
  g_assert_cmpstr (sng_report_run_get_interrupt (run), ==, "7:kill");
  g_assert_cmpint (sng_report_run_get_restored_step (run), ==, 3);
  steps = sng_report_run_get_checkpoints (run, &n);
  g_assert_cmpuint (n, ==, 2);
  g_assert_cmpuint (steps[1], ==, 7);
  steps = sng_report_run_get_validations (run, &n);
  g_assert_cmpuint (n, ==, 2);
  g_assert_cmpuint (steps[1], ==, 8);
  g_variant_lookup (sng_report_run_get_environment (run), "processor", "&s", &processor);
  g_assert_cmpstr (processor, ==, "abacus");

  curve = sng_report_run_get_curve (run, "TrainLoss");
  g_assert_cmpuint (curve->len, ==, 2);
  g_assert_cmpuint (g_array_index (curve, SngReportPoint, 0).step, ==, 4);
  g_assert_cmpfloat (g_array_index (curve, SngReportPoint, 0).value, ==, 2.0);
  g_assert_cmpfloat (g_array_index (curve, SngReportPoint, 1).value, ==, 0.5);
  g_assert_null (sng_report_run_get_curve (run, "LearningRate"));
  g_assert_null (sng_report_run_get_curve (run, "Nobody"));
  g_assert_null (sng_report_run_get_curve (run, "Note"));
  names = g_strjoinv (" ", (char **) sng_report_run_list_curves (run));
  g_assert_cmpstr (names, ==, "TrainLoss ValidLoss Accuracy");
}

static void
test_run (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *directory = g_dir_make_tmp ("sng-report-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (directory, "metrics.sqlite", NULL);
  g_autoptr (SngRunStore) store = sng_run_store_create (path, &error);
  g_autoptr (SngReportRun) run = sng_report_run_new (SNG_MODE_RESUME, NULL);
  gsize n = 1;

  g_assert_no_error (error);
  g_assert_true (sng_report_run_read (run, store, &error));
  g_assert_cmpstr (sng_report_run_get_name (run), ==, "resume");
  g_assert_cmpint (sng_report_run_get_restored_step (run), ==, -1);
  g_assert_null (sng_report_run_get_interrupt (run));
  g_assert_null (sng_report_run_get_environment (run));
  sng_report_run_get_checkpoints (run, &n);
  g_assert_cmpuint (n, ==, 0);
  g_assert_cmpfloat (sng_report_run_get_seconds (run), ==, 0.0);

  set_infos (store);
  for (gint64 micro_batch = 0; micro_batch < 3; micro_batch++)
    append (store, "TrainLoss", 4, micro_batch, (double) micro_batch + 1.0);
  append (store, "TrainLoss", 5, 0, 0.5);
  append (store, "ValidLoss", 4, 0, 1.0);
  append (store, "ValidLoss", 4, 1, 1.0);
  append (store, "ValidLoss", 8, 0, 1.0);
  append (store, "Accuracy", 5, -1, 0.75);
  append_text (store, "Note", 5, "no number");
  g_assert_true (sng_report_run_read (run, store, &error));
  assert_recorded_run (run);

  sng_run_store_close (store, NULL);
  g_assert_false (sng_report_run_read (run, store, &error));
  g_assert_nonnull (error);
  g_unlink (path);
  g_rmdir (directory);
}

static void
test_properties (void)
{
  g_autoptr (SngReport) report = report_make_diverged ();
  SngMetricResult *result = sng_report_lookup_metric (report, "ModelWeights");
  g_autoptr (SngDivergence) first = NULL;
  g_autofree char *name = NULL;
  g_autofree char *path = NULL;
  g_autofree char *detail = NULL;
  g_autofree char *text = NULL;
  SngVerdict verdict;
  SngMode mode;
  guint64 n_different, step;
  gint64 micro_batch;

  g_object_get (result, "name", &name, "verdict", &verdict, "n-different", &n_different, "first-divergence",
                &first, NULL);
  g_assert_cmpstr (name, ==, "ModelWeights");
  g_assert_cmpint (verdict, ==, SNG_VERDICT_DIVERGED);
  g_assert_cmpuint (n_different, ==, 28);

  g_object_get (first, "path", &path, "mode", &mode, "step", &step, "micro-batch", &micro_batch, "detail",
                &detail, NULL);
  g_assert_cmpstr (path, ==, "layer.weight");
  g_assert_cmpint (mode, ==, SNG_MODE_RESUME);
  g_assert_cmpuint (step, ==, 6);
  g_assert_cmpint (micro_batch, ==, -1);
  g_assert_cmpstr (detail, ==, "mean 0.5 and 0.25");

  text = sng_divergence_to_string (first);
  g_assert_cmpstr (
      text, ==,
      "ModelWeights at step 6, train, \"layer.weight\" (resume): expected F32 [2, 3] fingerprint 00, "
      "found F32 [2, 3] fingerprint 01; mean 0.5 and 0.25");
  g_assert_null (sng_report_lookup_metric (report, "Nobody"));
}

static void
test_save (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngReport) report = report_make_diverged ();
  g_autofree char *directory = g_dir_make_tmp ("sng-report-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (directory, "report.json", NULL);
  g_autofree char *nowhere = g_build_filename (directory, "nowhere", "report.json", NULL);
  g_autofree char *json = sng_report_to_json (report);
  g_autofree char *contents = NULL;

  g_assert_true (sng_report_save (report, path, SNG_REPORT_FORMAT_JSON, &error));
  g_assert_no_error (error);
  g_assert_true (g_file_get_contents (path, &contents, NULL, NULL));
  g_assert_cmpstr (contents, ==, json);

  g_assert_false (sng_report_save (report, nowhere, SNG_REPORT_FORMAT_JSON, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_IO);
  g_assert_nonnull (strstr (error->message, nowhere));

  g_unlink (path);
  g_rmdir (directory);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/report/text", test_text);
  g_test_add_func ("/sng/report/json", test_json);
  g_test_add_func ("/sng/report/verdict", test_verdict);
  g_test_add_func ("/sng/report/parts", test_parts);
  g_test_add_func ("/sng/report/parts-and-metrics", test_parts_and_metrics);
  g_test_add_func ("/sng/report/faults", test_faults);
  g_test_add_func ("/sng/report/kills", test_kills);
  g_test_add_func ("/sng/report/run", test_run);
  g_test_add_func ("/sng/report/properties", test_properties);
  g_test_add_func ("/sng/report/save", test_save);

  return g_test_run ();
}
