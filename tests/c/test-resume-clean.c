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

/* A training that ends before its last step: by itself after the stop, at it, which leaves nothing to resume, and not when the best
 * score is lost. */
static void
test_stopped_early (void)
{
  const guint stops[] = { 7, 8, 7 };
  const SngVerdict verdicts[] = { SNG_VERDICT_PASS, SNG_VERDICT_INCONCLUSIVE, SNG_VERDICT_DIVERGED };

  for (guint i = 0; i < G_N_ELEMENTS (stops); i++)
    {
      g_autoptr (SngHarness) harness = fault_harness_new (i == 2 ? "early-stop-reset" : NULL, stops[i]);
      g_autoptr (SngReport) report = NULL;
      g_autofree char *summary = NULL;

      FAULT_HARNESS (harness)->patience = 1;
      report = fault_harness_run (harness);
      summary = sng_report_get_summary (report);
      g_test_message ("%s", summary);
      g_assert_cmpint (sng_report_get_verdict (report), ==, verdicts[i]);
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

/* ---- Any training, stopped anywhere ---- */

#define N_CLEAN 50
#define N_CLEAN_SLOW 1000

/* After the step, as asked by a signal, or in the midst of it, which loses it: so the first end is none of those. */
static void
append_stop (GString *plan, GRand *rand, guint step)
{
  const char *const ends[] = {
    "",          "",           ":preempt",  ":preempt=usr1@backward", "@step-start", "@forward.1",
    "@backward", "@optimizer", "@scheduler"
  };
  gint32 n_ends = plan->len > 0 ? G_N_ELEMENTS (ends) : 4;

  g_string_append_printf (plan, "%s%u%s", plan->len > 0 ? "," : "", step,
                          ends[g_rand_int_range (rand, 0, n_ends)]);
}

static char *
choose_plan (GRand *rand)
{
  guint n_stops = (guint) g_rand_int_range (rand, 1, 4);
  GString *plan = g_string_new (NULL);
  guint step = 0;

  for (guint i = 0; i < n_stops; i++)
    {
      step += (guint) g_rand_int_range (rand, 1, 5);
      if (step < NUM_STEPS)
        append_stop (plan, rand, step);
    }

  return g_string_free (plan, FALSE);
}

static char *
describe (SngHarness *harness, guint number)
{
  g_autofree char *plan = NULL;
  g_autofree char *precision = NULL;
  guint64 seed;
  guint interval;

  g_object_get (harness, "stop-plan", &plan, "precision", &precision, "seed", &seed, "val-check-interval",
                &interval, NULL);

  return g_strdup_printf (
      "training %u: %s, seed %" G_GUINT64_FORMAT ", precision %s, validations every %u, %s", number, plan,
      seed, precision, interval, FAULT_HARNESS (harness)->with_sgd ? "SGD" : "AdamW");
}

/* Each number gives another training, and the same one each time. */
static SngHarness *
choose_training (guint number)
{
  const char *const precisions[] = { "32", "bf16-mixed", "16-mixed" };
  g_autoptr (GRand) rand = g_rand_new_with_seed (number);
  g_autofree char *plan = choose_plan (rand);
  SngHarness *harness = fault_harness_new (NULL, STOP_STEP);

  FAULT_HARNESS (harness)->with_sgd = g_rand_boolean (rand);
  g_object_set (harness, "stop-plan", plan, "seed", (guint64) g_rand_int (rand), "precision",
                precisions[g_rand_int_range (rand, 0, G_N_ELEMENTS (precisions))], "val-check-interval",
                (guint) (g_rand_boolean (rand) ? VAL_INTERVAL : VAL_INTERVAL / 2), "gradient-clip-norm",
                g_rand_boolean (rand) ? 1.0 : 0.0, NULL);

  return harness;
}

/* No false alarm. */
static void
test_any (void)
{
  guint n = g_test_slow () ? N_CLEAN_SLOW : N_CLEAN;

  for (guint number = 1; number <= n; number++)
    {
      g_autoptr (SngHarness) harness = choose_training (number);
      g_autofree char *description = describe (harness, number);
      g_autoptr (SngReport) report = fault_harness_run (harness);
      g_autofree char *text = sng_report_to_text (report);

      if (sng_report_get_verdict (report) != SNG_VERDICT_PASS)
        g_error ("%s\n%s", description, text);
    }
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
  g_test_add_func ("/resume-clean/any", test_any);

  return g_test_run ();
}
