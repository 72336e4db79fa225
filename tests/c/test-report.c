/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>

#include <json-glib/json-glib.h>
#include <string.h>

#include <glib/gstdio.h>

#include "compare/sng-divergence-private.h"
#include "compare/sng-metric-result-private.h"
#include "compare/sng-report-private.h"

static void
add (SngReport *report,
     const char *name,
     SngVerdict verdict,
     guint64 compared,
     guint64 n_different,
     SngDivergence *first,
     const char *reason)
{
  g_autoptr (SngMetricResult) result =
      sng_metric_result_new (name, verdict, compared, n_different, first, reason);

  sng_report_add_result (report, result);
}

/* Two metrics diverge at the same step; the second was recorded first there. */
static SngReport *
make_report (void)
{
  g_autoptr (SngDivergence) late =
      sng_divergence_new (SNG_MODE_RESUME, "ModelWeights", SNG_STAGE_TRAIN, 6, -1, 0, "layer.weight", 40,
                          "F32 [2, 3] fingerprint 00", "F32 [2, 3] fingerprint 01", "mean 0.5 and 0.25");
  g_autoptr (SngDivergence) early =
      sng_divergence_new (SNG_MODE_RESUME, "TrainLoss", SNG_STAGE_TRAIN, 6, 1, 2, "", 7,
                          "nan (0x7ff8000000000000)", "\"quoted\" \\ \n", "");
  SngReport *report = sng_report_new ();

  add (report, "LearningRate", SNG_VERDICT_PASS, 12, 0, NULL, NULL);
  add (report, "ModelWeights", SNG_VERDICT_DIVERGED, 340, 28, late, NULL);
  add (report, "TrainLoss", SNG_VERDICT_DIVERGED, 20, 1, early, NULL);
  add (report, "ValidLoss", SNG_VERDICT_INCONCLUSIVE, 0, 0, NULL, "nothing was recorded");
  sng_report_add_run (report, SNG_MODE_CONTINUOUS, 380, 0, 10);
  sng_report_add_run (report, SNG_MODE_RESUME, 0, 0, 0);

  return report;
}

static void
test_text (void)
{
  g_autoptr (SngReport) report = make_report ();
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
      "  found     \"quoted\" \\ \n\n"
      "\n"
      "DIVERGED: 2 of 4 metrics; first TrainLoss at step 6, train, micro-batch 1, rank 2 (resume)\n");
}

static void
test_json (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngReport) report = make_report ();
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

  add (report, "A", SNG_VERDICT_PASS, 1, 0, NULL, NULL);
  assert_summary (report, SNG_VERDICT_PASS, "PASS: 1 metric, 1 entry compared, none differs");

  add (report, "Z", SNG_VERDICT_INCONCLUSIVE, 4, 0, NULL, "it slept");
  assert_summary (report, SNG_VERDICT_INCONCLUSIVE, "INCONCLUSIVE: 1 of 2 metrics; first Z: it slept");

  add (report, "B", SNG_VERDICT_DIVERGED, 5, 1, resume, NULL);
  assert_summary (report, SNG_VERDICT_DIVERGED,
                  "DIVERGED: 1 of 3 metrics; first B at step 3, train, micro-batch 0, \"p\" (resume)");
  g_assert_true (sng_report_get_first_divergence (report) == resume);

  /* what happened to the resume is not the point when training itself is not deterministic */
  add (report, "C", SNG_VERDICT_NONDETERMINISTIC, 5, 1, repeat, NULL);
  assert_summary (report, SNG_VERDICT_NONDETERMINISTIC,
                  "NONDETERMINISTIC: 1 of 4 metrics differs between two uninterrupted runs; "
                  "first C at step 9, validate, micro-batch 0 (repeat)");
  g_assert_true (sng_report_get_first_divergence (report) == repeat);
}

static void
test_properties (void)
{
  g_autoptr (SngReport) report = make_report ();
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
  g_autoptr (SngReport) report = make_report ();
  g_autofree char *directory = g_dir_make_tmp ("sng-report-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (directory, "report.json", NULL);
  g_autofree char *nowhere = g_build_filename (directory, "nowhere", "report.json", NULL);
  g_autofree char *json = sng_report_to_json (report);
  g_autofree char *contents = NULL;

  g_assert_true (sng_report_save (report, path, &error));
  g_assert_no_error (error);
  g_assert_true (g_file_get_contents (path, &contents, NULL, NULL));
  g_assert_cmpstr (contents, ==, json);

  g_assert_false (sng_report_save (report, nowhere, &error));
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
  g_test_add_func ("/sng/report/properties", test_properties);
  g_test_add_func ("/sng/report/save", test_save);

  return g_test_run ();
}
