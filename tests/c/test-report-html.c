/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What the page of a report has of it. How it looks, and that its script runs, tests/html looks at in a browser. */

#include "report-fixture.h"

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

#include "record/sng-metadata-private.h"

static guint
count (const char *text, const char *part)
{
  guint n = 0;

  for (text = strstr (text, part); text != NULL; text = strstr (text + 1, part))
    n++;

  return n;
}

static void
assert_contains (const char *page, const char *part)
{
  if (strstr (page, part) == NULL)
    g_error ("\"%s\" is not in the page", part);
}

/* What the page's script reads. */
static JsonNode *
get_data (const char *page)
{
  const char *start = strstr (page, "<script type=\"application/json\" id=\"data\">");
  const char *end = start != NULL ? strstr (start, "</script>") : NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  JsonNode *data;

  g_assert_nonnull (end);
  start = strchr (start, '>') + 1;
  text = g_strndup (start, (gsize) (end - start));
  g_assert_null (strchr (text, '<'));

  data = json_from_string (text, &error);
  g_assert_no_error (error);

  return data;
}

/* Each kill with its operation and its files, and how many there are of each outcome. */
static void
test_kills (void)
{
  g_autoptr (SngReport) report = report_make_kills ();
  g_autoptr (SngReport) none = report_make_faults ();
  g_autofree char *page = sng_report_to_html (report);
  g_autofree char *other = sng_report_to_html (none);

  assert_contains (page, "1 passed, 1 lost work, 1 could not go on, 1 diverged silently.");
  assert_contains (page, "<tr class=\"missed\"><td class=\"number\">10</td><th scope=\"row\">rename "
                         "<code>a.tmp</code> to <code>a</code></th>");
  assert_contains (page, "</span> SILENT DIVERGENCE</td><td>TrainLoss at step 5</td>");
  assert_contains (page, "<tr class=\"not-planted\"><td class=\"number\">2</td>");
  g_assert_cmpuint (count (page, "id=\"kills\""), ==, 1);
  g_assert_cmpuint (count (other, "id=\"kills\""), ==, 0);
}

static void
test_kinds (void)
{
  for (guint i = 0; report_kinds[i].name != NULL; i++)
    {
      g_autoptr (SngReport) report = report_kinds[i].make ();
      g_autofree char *page = sng_report_to_html (report);
      g_autofree char *verdict =
          g_strdup_printf ("<strong>%s</strong>", sng_verdict_to_string (report_kinds[i].verdict));
      g_autoptr (JsonNode) data = get_data (page);

      g_test_message ("%s", report_kinds[i].name);
      g_assert_true (g_utf8_validate (page, -1, NULL));
      g_assert_true (g_str_has_prefix (page, "<!DOCTYPE html>\n"));
      g_assert_true (g_str_has_suffix (page, "</html>\n"));
      assert_contains (page, verdict);
      g_assert_true (JSON_NODE_HOLDS_OBJECT (data));
      /* the data, Chart.js and ours */
      g_assert_cmpuint (count (page, "<script"), ==, 3);
      g_assert_cmpuint (count (page, "</script>"), ==, 3);
    }
}

static void
test_divergence (void)
{
  g_autoptr (SngReport) report = report_make_diverged ();
  g_autofree char *page = sng_report_to_html (report);

  assert_contains (page, "<td>TrainLoss</td>");
  assert_contains (page, "step 6, train, micro-batch 1, rank 2 of <code>resume</code>");
  assert_contains (page, "<code>nan (0x7ff8000000000000)</code>");
  assert_contains (page, "&quot;quoted&quot; \\ \n");
}

static void
test_hostile (void)
{
  g_autoptr (SngReport) report = report_make_hostile ();
  g_autofree char *page = sng_report_to_html (report);

  g_assert_null (strstr (page, "<a href"));
  assert_contains (page, "&lt;a href=&quot;x&quot;&gt;&amp;amp; ]]&gt; &apos;q&apos;");
}

/* The counts of the steps, and which of them are in a row. */
static void
test_steps (void)
{
  g_autoptr (SngReport) report = sng_report_new ();
  g_autoptr (SngDivergence) first = sng_divergence_new (SNG_MODE_RESUME, "TrainLoss", SNG_STAGE_TRAIN, 3, -1,
                                                        0, "", 7, "1", "2", "differ by 1");
  g_autoptr (SngMetricResult) result =
      sng_metric_result_new ("TrainLoss", SNG_VERDICT_DIVERGED, 10, 3, first, NULL);
  const SngMetricStep steps[] = { { 1, 2, 0 }, { 2, 2, 0 }, { 3, 2, 1 }, { 5, 2, 0 }, { 6, 2, 2 } };
  g_autoptr (GArray) array = g_array_new (FALSE, FALSE, sizeof (SngMetricStep));
  g_autofree char *page = NULL;

  g_array_append_vals (array, steps, G_N_ELEMENTS (steps));
  sng_metric_result_set_steps (result, array);
  sng_report_add_result (report, result);
  page = sng_report_to_html (report);

  /* steps 1 to 6, each a sixth */
  assert_contains (page,
                   "<rect x=\"0%\" width=\"16.667%\" class=\"equal\"><title>step 1: 2 compared, 0 differ");
  assert_contains (page, "<rect x=\"16.667%\" width=\"16.667%\" class=\"equal\"><title>step 2: 2 compared");
  assert_contains (
      page, "<rect x=\"33.333%\" width=\"16.667%\" class=\"different\"><title>step 3: 2 compared, 1 differ");
  assert_contains (page, "<rect x=\"66.667%\" width=\"16.667%\" class=\"equal\"><title>step 5");
  assert_contains (
      page, "<rect x=\"83.333%\" width=\"16.667%\" class=\"different\"><title>step 6: 2 compared, 2 differ");
  g_assert_null (strstr (page, "<title>step 4"));
}

/* A run as it is in a store. */
static SngReportRun *
make_run (const char *directory, const char *name, double last_loss)
{
  g_autofree char *path = g_build_filename (directory, name, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (SngRunStore) store = sng_run_store_create (path, &error);
  SngReportRun *run = sng_report_run_new (SNG_MODE_CONTINUOUS, name);
  const double losses[] = { 2.5, 1.5, last_loss };

  g_assert_no_error (error);
  sng_run_store_declare_metric (store, "TrainLoss", SNG_METRIC_NONE, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (losses); i++)
    {
      g_autoptr (SngMetadata) entry =
          sng_metadata_alloc ("TrainLoss", SNG_STAGE_TRAIN, 1 + i / 2, i % 2, 0, "");

      entry->value = g_variant_ref_sink (g_variant_new_double (losses[i]));
      sng_run_store_append (store, entry, &error);
      g_assert_no_error (error);
    }
  sng_run_store_flush (store, &error);
  g_assert_no_error (error);
  sng_report_run_read (run, store, &error);
  g_assert_no_error (error);
  sng_report_run_set_entries (run, 3, 1, 2);
  sng_run_store_close (store, &error);
  g_assert_no_error (error);
  g_unlink (path);

  return run;
}

/* The runs of parts are on the page, each once; and a loss that is no number is not lost. */
static void
test_curves (void)
{
  g_autofree char *directory = g_dir_make_tmp ("sng-report-html-XXXXXX", NULL);
  g_autoptr (SngReport) report = sng_report_new ();
  g_autoptr (SngReport) part = sng_report_new ();
  g_autoptr (SngReportRun) first = make_run (directory, "first", NAN);
  g_autoptr (SngReportRun) again = make_run (directory, "first", NAN);
  g_autoptr (SngReportRun) second = make_run (directory, "second", 0.25);
  g_autofree char *page = NULL;
  g_autofree char *json = NULL;
  g_autoptr (JsonNode) data = NULL;

  sng_report_add_run (report, first);
  sng_report_add_run (part, again);
  sng_report_add_run (part, second);
  sng_report_add_part (report, part);
  page = sng_report_to_html (report);
  data = get_data (page);
  json = json_to_string (data, FALSE);

  assert_contains (json,
                   "{\"name\":\"TrainLoss\",\"runs\":["
                   "{\"name\":\"first\",\"mode\":\"continuous\",\"steps\":[1,2],\"values\":[2.0,\"nan\"]},"
                   "{\"name\":\"second\",\"mode\":\"continuous\",\"steps\":[1,2],\"values\":[2.0,0.25]}]");
  assert_contains (json, "{\"name\":\"GradientNorm\",\"runs\":[]");
  assert_contains (page, "<canvas data-chart=\"TrainLoss\"");
  assert_contains (page, "first from 2 at step 1 to nan at step 2");
  g_assert_null (strstr (page, "<canvas data-chart=\"GradientNorm\""));
  g_rmdir (directory);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/report-html/kills", test_kills);
  g_test_add_func ("/sng/report-html/kinds", test_kinds);
  g_test_add_func ("/sng/report-html/divergence", test_divergence);
  g_test_add_func ("/sng/report-html/hostile", test_hostile);
  g_test_add_func ("/sng/report-html/steps", test_steps);
  g_test_add_func ("/sng/report-html/curves", test_curves);

  return g_test_run ();
}
