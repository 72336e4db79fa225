/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "report-fixture.h"

#include <string.h>

#include "compare/sng-report-writer-private.h"

static void
test_text_of_a_sweep (void)
{
  g_autoptr (SngReport) report = report_make_sweep (SNG_VERDICT_DIVERGED);
  g_autofree char *text = sng_report_to_text (report);

  g_assert_cmpstr (text, ==,
                   "part               metrics   entries  verdict\n"
                   "stop after step 1        2        13  PASS\n"
                   "stop after step 2        2        13  DIVERGED          A at step 5, train\n"
                   "stop after step 3        2        13  PASS\n"
                   "\n"
                   "First divergence: A at step 5, train (resume), stop after step 2\n"
                   "  expected  1\n"
                   "  found     2\n"
                   "  elements  2 of 3 elements differ, first [1]: 2 (0x40000000) and 2.5 "
                   "(0x40200000), 2097152 ULP "
                   "apart; difference 0.5; distances 1e6-1e7: 1, NaN: 1\n"
                   "\n"
                   "3 stop points cost 2.1 times the continuous run\n"
                   "\n"
                   "DIVERGED: 1 of 3 parts; first stop after step 2: DIVERGED: 1 of 2 metrics; first A at "
                   "step 5, train (resume)\n");
}

static void
test_text_of_faults (void)
{
  g_autoptr (SngReport) report = report_make_faults ();
  g_autofree char *text = sng_report_to_text (report);

  g_assert_cmpstr (
      text, ==,
      "metric         entries  verdict\n"
      "LearningRate        12  PASS\n"
      "TrainLoss           20  PASS\n"
      "\n"
      "fault       state         result       found by        at step  original  diagnosis\n"
      "lr-reset    lr_scheduler  found        LearningRate          8  found     schedule: step 8 has the "
      "learning "
      "rate of step 1\n"
      "opt-bf16    optimizer     found        OptimizerState        7  missed    rng (not optimizer)\n"
      "torn-mixed                found        the restore              missed    unknown\n"
      "ema-reset   ema           MISSED                                missed    the average starts over\n"
      "reshard                   not planted                                     there is one rank only\n"
      "\n"
      "INCONCLUSIVE: 1 of 4 planted faults was missed\n");
}

static void
test_kills (void)
{
  g_autoptr (SngReport) report = report_make_kills ();
  g_autofree char *text = sng_report_to_text (report);
  g_autofree char *tap = sng_report_to_tap (report);
  g_autofree char *junit = sng_report_to_junit (report);
  g_autofree char *json = sng_report_to_json (report);

  g_assert_cmpstr (text, ==,
                   "killed before  operation  file        outcome\n"
                   "            1  open       a.tmp       PASS\n"
                   "            2  write      a.tmp       LOST WORK          2 steps were made once more\n"
                   "           10  rename     a.tmp to a  HARD FAIL          EOFError\n"
                   "           11  write      b           SILENT DIVERGENCE  TrainLoss at step 5\n"
                   "\n"
                   "DIVERGED: 4 kills before a file operation (1 PASS, 1 LOST WORK, 1 HARD FAIL, "
                   "1 SILENT DIVERGENCE); first SILENT DIVERGENCE before 11 write b\n");

  g_assert_nonnull (strstr (tap, "\nok 1 - stop-and-go, kills: killed before 1 open a.tmp\n"
                                 "ok 2 - stop-and-go, kills: killed before 2 write a.tmp (LOST WORK)\n"
                                 "not ok 3 - stop-and-go, kills: killed before 10 rename a.tmp to a\n"
                                 "  ---\n"
                                 "  verdict: \"DIVERGED\"\n"
                                 "  message: \"HARD FAIL: EOFError\"\n"));
  g_assert_nonnull (strstr (junit, "name=\"killed before 11 write b\">\n"
                                   "      <failure message=\"SILENT DIVERGENCE: TrainLoss at step 5\""));
  g_assert_nonnull (strstr (junit, "name=\"killed before 2 write a.tmp (LOST WORK)\"/>"));
  g_assert_nonnull (strstr (json, "\"operation\" : \"rename\""));
  g_assert_nonnull (strstr (json, "\"other_path\" : \"a\""));
  g_assert_nonnull (strstr (json, "\"outcome\" : \"SILENT DIVERGENCE\""));
}

static void
test_tap (void)
{
  g_autoptr (SngReport) report = report_make_diverged ();
  g_autofree char *text = sng_report_to_tap (report);

  g_assert_cmpstr (
      text, ==,
      "TAP version 13\n"
      "1..4\n"
      "ok 1 - stop-and-go: LearningRate\n"
      "not ok 2 - stop-and-go: ModelWeights\n"
      "  ---\n"
      "  verdict: \"DIVERGED\"\n"
      "  place: \"step 6, train, \\\"layer.weight\\\"\"\n"
      "  run: \"resume\"\n"
      "  expected: \"F32 [2, 3] fingerprint 00\"\n"
      "  found: \"F32 [2, 3] fingerprint 01\"\n"
      "  detail: \"mean 0.5 and 0.25\"\n"
      "  ...\n"
      "not ok 3 - stop-and-go: TrainLoss\n"
      "  ---\n"
      "  verdict: \"DIVERGED\"\n"
      "  place: \"step 6, train, micro-batch 1, rank 2\"\n"
      "  run: \"resume\"\n"
      "  expected: \"nan (0x7ff8000000000000)\"\n"
      "  found: \"\\\"quoted\\\" \\\\ \\\\n\"\n"
      "  detail: \"\"\n"
      "  ...\n"
      "not ok 4 - stop-and-go: ValidLoss\n"
      "  ---\n"
      "  verdict: \"INCONCLUSIVE\"\n"
      "  message: \"nothing was recorded\"\n"
      "  ...\n"
      "# DIVERGED: 2 of 4 metrics; first TrainLoss at step 6, train, micro-batch 1, rank 2 (resume)\n");
}

static void
test_junit (void)
{
  g_autoptr (SngReport) report = report_make_sweep (SNG_VERDICT_DIVERGED);
  g_autoptr (SngReport) part = g_list_model_get_item (sng_report_get_parts (report), 1);
  g_autoptr (SngReportRun) run = sng_report_run_new (SNG_MODE_RESUME, NULL);
  g_autofree char *text = NULL;

  sng_report_run_set_seconds (run, 1.5);
  sng_report_add_run (part, run);
  text = sng_report_to_junit (report);

  g_assert_cmpstr (
      text, ==,
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<testsuites name=\"sweep\" tests=\"6\" failures=\"1\" errors=\"0\" skipped=\"0\" time=\"1.500\">\n"
      "  <testsuite name=\"sweep, stop after step 1\" tests=\"2\" failures=\"0\" errors=\"0\" "
      "skipped=\"0\">\n"
      "    <testcase classname=\"sweep, stop after step 1\" name=\"A\"/>\n"
      "    <testcase classname=\"sweep, stop after step 1\" name=\"B\"/>\n"
      "  </testsuite>\n"
      "  <testsuite name=\"sweep, stop after step 2\" tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"0\" "
      "time=\"1.500\">\n"
      "    <testcase classname=\"sweep, stop after step 2\" name=\"A\">\n"
      "      <failure message=\"A at step 5, train (resume): expected 1, found 2\" "
      "type=\"DIVERGED\">DIVERGED\n"
      "place     step 5, train\n"
      "run       resume\n"
      "expected  1\n"
      "found     2</failure>\n"
      "    </testcase>\n"
      "    <testcase classname=\"sweep, stop after step 2\" name=\"B\"/>\n"
      "  </testsuite>\n"
      "  <testsuite name=\"sweep, stop after step 3\" tests=\"2\" failures=\"0\" errors=\"0\" "
      "skipped=\"0\">\n"
      "    <testcase classname=\"sweep, stop after step 3\" name=\"A\"/>\n"
      "    <testcase classname=\"sweep, stop after step 3\" name=\"B\"/>\n"
      "  </testsuite>\n"
      "</testsuites>\n");
}

/* Where the verdict is another one than PASS, at least one case is. */
static void
test_cases (void)
{
  for (guint i = 0; report_kinds[i].name != NULL; i++)
    {
      g_autoptr (SngReport) report = report_kinds[i].make ();
      g_autoptr (GPtrArray) suites = sng_report_list_suites (report);
      gboolean all_pass = TRUE;

      g_assert_cmpint (sng_report_get_verdict (report), ==, report_kinds[i].verdict);
      for (guint k = 0; k < suites->len; k++)
        {
          SngReportSuite *suite = g_ptr_array_index (suites, k);

          g_assert_cmpuint (suite->cases->len, >, 0);
          for (guint c = 0; c < suite->cases->len; c++)
            all_pass &= ((SngReportCase *) g_ptr_array_index (suite->cases, c))->verdict == SNG_VERDICT_PASS;
        }
      g_assert_cmpint (all_pass, ==, report_kinds[i].verdict == SNG_VERDICT_PASS);
    }
}

static void
test_escape (void)
{
  const struct
  {
    const char *text;
    const char *line;
    const char *xml;
  } cases[] = {
    { "", "", "" },
    { "naïve 訓練", "naïve 訓練", "naïve 訓練" },
    { "a\nb\r\tc", "a\\nb\\r\\tc", "a&#10;b&#13;&#9;c" },
    { "\x1b[31m\x7f", "\\x1b[31m\\x7f", "\xef\xbf\xbd[31m\x7f" },
    { "\xff\xc3", "\\xff\\xc3", "\xef\xbf\xbd\xef\xbf\xbd" },
    { "\xe2\x80\xae\xe2\x80\xa8\xc2\x85", "\\u202e\\u2028\\u0085", "\xe2\x80\xae\xe2\x80\xa8\xc2\x85" },
    { "<&>\"']]>", "<&>\"']]>", "&lt;&amp;&gt;&quot;&#39;]]&gt;" },
    { "\xef\xbf\xbf\xef\xbf\xbe", "\\uffff\\ufffe", "\xef\xbf\xbd\xef\xbf\xbd" },
  };
  g_autofree char *special = sng_report_escape_line ("a # b \\", "#");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *line = sng_report_escape_line (cases[i].text, NULL);
      g_autofree char *xml = sng_report_escape_xml (cases[i].text);

      g_assert_cmpstr (line, ==, cases[i].line);
      g_assert_cmpstr (xml, ==, cases[i].xml);
    }
  g_assert_cmpstr (special, ==, "a \\x23 b \\");
}

/* Lines are lines, whatever a name is, and all is UTF-8. */
static void
test_hostile (void)
{
  g_autoptr (SngReport) report = report_make_hostile ();
  g_autofree char *text = sng_report_to_text (report);
  g_autofree char *tap = sng_report_to_tap (report);
  g_autofree char *junit = sng_report_to_junit (report);
  g_autofree char *json = sng_report_to_json (report);
  g_autofree char *summary = sng_report_get_summary (report);
  const char *const texts[] = { text, tap, junit, json, summary };
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_assert_true (g_utf8_validate (texts[i], -1, NULL));
      g_assert_null (strchr (texts[i], '\x1b'));
      g_assert_null (strchr (texts[i], '\x01'));
      g_assert_null (strchr (texts[i], '\r'));
    }
  /* four of metrics, two of parts, three of faults, four of the divergence, a note, a summary, and what parts them */
  g_assert_cmpuint (g_strv_length (lines), ==, 4 + 1 + 2 + 1 + 3 + 1 + 4 + 1 + 1 + 1 + 1 + 1);
  g_assert_null (strchr (summary, '\n'));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/report-writers/text-of-a-sweep", test_text_of_a_sweep);
  g_test_add_func ("/sng/report-writers/text-of-faults", test_text_of_faults);
  g_test_add_func ("/sng/report-writers/kills", test_kills);
  g_test_add_func ("/sng/report-writers/tap", test_tap);
  g_test_add_func ("/sng/report-writers/junit", test_junit);
  g_test_add_func ("/sng/report-writers/cases", test_cases);
  g_test_add_func ("/sng/report-writers/escape", test_escape);
  g_test_add_func ("/sng/report-writers/hostile", test_hostile);

  return g_test_run ();
}
