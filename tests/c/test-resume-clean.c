/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "fault-fixture.h"

/* Without a fault nothing is found. */

static void
check_passes (SngHarness *harness)
{
  g_autoptr (SngReport) report = fault_harness_run (harness);
  g_autofree char *summary = sng_report_get_summary (report);

  if (sng_report_get_verdict (report) != SNG_VERDICT_PASS)
    g_error ("%s", summary);
  g_assert_null (sng_report_get_diagnosis (report));
}

/* Wherever the stop is: at an epoch's end as well as right before, at and after a validation and a checkpoint. */
static void
test_clean (gconstpointer data)
{
  g_autoptr (SngHarness) harness = fault_harness_new (NULL, GPOINTER_TO_UINT (data));

  check_passes (harness);
}

static void
test_clean_sgd (void)
{
  g_autoptr (SngHarness) harness = fault_harness_new (NULL, STOP_STEP);

  FAULT_HARNESS (harness)->with_sgd = TRUE;
  check_passes (harness);
}

/* A training that ends before its last step: by itself after the stop, at it, and not when the best score is lost. */
static void
test_stopped_early (void)
{
  const guint stops[] = { 7, 8, 7 };

  for (guint i = 0; i < G_N_ELEMENTS (stops); i++)
    {
      g_autoptr (SngHarness) harness = fault_harness_new (i == 2 ? "early-stop-reset" : NULL, stops[i]);
      g_autoptr (SngReport) report = NULL;
      g_autofree char *summary = NULL;

      FAULT_HARNESS (harness)->patience = 1;
      report = fault_harness_run (harness);
      summary = sng_report_get_summary (report);
      g_test_message ("%s", summary);
      g_assert_cmpint (sng_report_get_verdict (report), ==, i == 2 ? SNG_VERDICT_DIVERGED : SNG_VERDICT_PASS);
    }
}

/* One that ends itself before the stop cannot be stopped there, and that is no divergence. */
static void
test_stopped_too_early (void)
{
  g_autoptr (SngHarness) harness = fault_harness_new (NULL, 9);
  g_autoptr (SngReport) report = NULL;
  SngMetricResult *stops;

  FAULT_HARNESS (harness)->patience = 1;
  report = fault_harness_run (harness);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_INCONCLUSIVE);
  stops = sng_report_lookup_metric (report, "Stops");
  g_assert_cmpstr (sng_metric_result_get_reason (stops), ==,
                   "the interrupt 9 never fired: the training ended at step 8");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_data_func ("/resume-clean", GUINT_TO_POINTER (STOP_STEP), test_clean);
  g_test_add_data_func ("/resume-clean/epoch-end", GUINT_TO_POINTER (6), test_clean);
  g_test_add_data_func ("/resume-clean/validation", GUINT_TO_POINTER (8), test_clean);
  g_test_add_data_func ("/resume-clean/after-validation", GUINT_TO_POINTER (9), test_clean);
  g_test_add_func ("/resume-clean/sgd", test_clean_sgd);
  g_test_add_func ("/resume-clean/stopped-early", test_stopped_early);
  g_test_add_func ("/resume-clean/stopped-too-early", test_stopped_too_early);

  return g_test_run ();
}
