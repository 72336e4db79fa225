/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "fault-fixture.h"

#include <string.h>

/* A harness that checks itself. */

static SngReport *
run_faults (SngHarness *harness, const char *const *ids)
{
  g_autoptr (GError) error = NULL;
  SngReport *report = sng_harness_run_faults (harness, ids, NULL, &error);
  g_autofree char *text = report != NULL ? sng_report_to_text (report) : NULL;

  g_assert_no_error (error);
  g_test_message ("%s", text);

  return report;
}

static SngFaultResult *
lookup (SngReport *report, const char *id)
{
  GListModel *results = sng_report_get_faults (report);

  for (guint i = 0; i < g_list_model_get_n_items (results); i++)
    {
      g_autoptr (SngFaultResult) result = g_list_model_get_item (results, i);

      if (g_str_equal (sng_fault_result_get_id (result), id))
        return result; /* which the list holds */
    }

  g_error ("%s is not in the report", id);
}

/* Where the training was stopped for the fault. */
static guint64
get_stop (SngFault *fault)
{
  switch (sng_fault_get_stop (fault))
    {
    case SNG_FAULT_AT_EPOCH_END:
      return (STOP_STEP / EPOCH_STEPS + 1) * EPOCH_STEPS;

    case SNG_FAULT_AT_SECOND_STOP:
      return STOP_STEP + 1;

    default:
      return STOP_STEP;
    }
}

static guint64
get_expected_step (SngFault *fault)
{
  switch (sng_fault_get_expected_place (fault))
    {
    case SNG_FAULT_PLACE_NEXT_STEP:
      return get_stop (fault) + 1;

    case SNG_FAULT_PLACE_NEXT_VALIDATION:
      return (get_stop (fault) / VAL_INTERVAL + 1) * VAL_INTERVAL;

    default:
      return get_stop (fault);
    }
}

static void
print_results (SngReport *report)
{
  GListModel *results = sng_report_get_faults (report);

  for (guint i = 0; i < g_list_model_get_n_items (results); i++)
    {
      g_autoptr (SngFaultResult) result = g_list_model_get_item (results, i);

      g_test_message ("%s: %s at step %" G_GINT64_FORMAT "%s, expected %s, found %s: %s",
                      sng_fault_result_get_id (result), sng_fault_result_get_metric (result),
                      sng_fault_result_get_step (result),
                      sng_fault_result_get_found_by_original (result) ? ", also by the original" : "",
                      sng_cause_to_string (sng_fault_result_get_expected_cause (result)),
                      sng_cause_to_string (sng_fault_result_get_cause (result)),
                      sng_fault_result_get_diagnosis (result) != NULL
                          ? sng_fault_result_get_diagnosis (result)
                          : sng_fault_result_get_reason (result));
    }
}

static void
check_catalogue (SngReport *report)
{
  g_autoptr (GListModel) catalogue = sng_fault_list ();

  for (guint i = 0; i < g_list_model_get_n_items (catalogue); i++)
    {
      g_autoptr (SngFault) fault = g_list_model_get_item (catalogue, i);
      const char *const *metrics = sng_fault_get_expected_metrics (fault);
      SngFaultResult *result = lookup (report, sng_fault_get_id (fault));

      if (g_strcmp0 (sng_fault_get_needs (fault), "two ranks") == 0)
        {
          g_assert_false (sng_fault_result_get_planted (result));
          g_assert_cmpstr (sng_fault_result_get_reason (result), ==,
                           "the training has one rank (it needs two ranks)");
          continue;
        }

      g_assert_true (sng_fault_result_get_planted (result));
      g_assert_true (sng_fault_result_get_detected (result));

      if (metrics[0] == NULL)
        {
          g_assert_null (sng_fault_result_get_metric (result));
          continue;
        }

      g_assert_true (g_strv_contains (metrics, sng_fault_result_get_metric (result)));
      g_assert_cmpint (sng_fault_result_get_step (result), ==, (gint64) get_expected_step (fault));
    }
}

/* All that there is: every fault is found, and the catalogue's where they are said to show first. */
static void
test_all (void)
{
  g_autoptr (SngHarness) harness = fault_harness_new (NULL, STOP_STEP);
  g_autoptr (SngReport) report = run_faults (harness, NULL);

  print_results (report);
  check_catalogue (report);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_PASS);
}

/* What is asked for is reported, whatever comes of it, once and in its order. */
static void
test_given (void)
{
  const char *const ids[] = {
    "swap:scheduler", "lr-reset", "stale:buffer", "lr-reset", "drop:nothing", NULL
  };
  const char *const reasons[] = { "\"scheduler\" has no two tensors of one kind and one shape that differ "
                                  "(it needs two tensors of one kind and one shape)",
                                  NULL, "nothing was lost: the state is what it would be anyway",
                                  "there is no state \"nothing\" (it needs a state that has changed)" };
  g_autoptr (SngHarness) harness = fault_harness_new (NULL, STOP_STEP);
  g_autoptr (SngReport) report = run_faults (harness, ids);
  GListModel *results = sng_report_get_faults (report);

  g_assert_cmpuint (g_list_model_get_n_items (results), ==, G_N_ELEMENTS (reasons));

  for (guint i = 0; i < G_N_ELEMENTS (reasons); i++)
    {
      g_autoptr (SngFaultResult) result = g_list_model_get_item (results, i);

      g_assert_cmpstr (sng_fault_result_get_reason (result), ==, reasons[i]);
      g_assert_cmpint (sng_fault_result_get_planted (result), ==, reasons[i] == NULL);
      g_assert_cmpint (sng_fault_result_get_detected (result), ==, reasons[i] == NULL);
    }

  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_PASS);
}

static void
test_unknown (void)
{
  const char *const ids[] = { "lr-reset", "lr-rest", NULL };
  g_autoptr (SngHarness) harness = fault_harness_new (NULL, STOP_STEP);
  g_autoptr (GError) error = NULL;

  g_assert_null (sng_harness_run_faults (harness, ids, NULL, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "\"lr-rest\" is neither in the catalogue nor"));
}

/* One that looks at losses only misses what never reaches them. */
static void
test_missed (void)
{
  const char *const ids[] = { "early-stop-reset", "data-restart", "drop:model-checkpoint", NULL };
  const gboolean detected[] = { FALSE, TRUE, FALSE };
  g_autoptr (SngHarness) harness = fault_harness_new (NULL, STOP_STEP);
  g_autoptr (SngReport) report = NULL;
  g_autofree char *summary = NULL;

  FAULT_HARNESS (harness)->looks_at_losses_only = TRUE;
  report = run_faults (harness, ids);

  for (guint i = 0; i < G_N_ELEMENTS (detected); i++)
    {
      SngFaultResult *result = lookup (report, ids[i]);

      g_assert_true (sng_fault_result_get_planted (result));
      g_assert_cmpint (sng_fault_result_get_detected (result), ==, detected[i]);
    }

  summary = sng_report_get_summary (report);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_INCONCLUSIVE);
  g_assert_nonnull (strstr (summary, "2 of 3 planted faults were missed"));
}

/* What a sum of products hides under a tolerance: the same values, and another verdict. */
static void
test_original (void)
{
  const char *const ids[] = { "flip-bit:model", "early-stop-reset", "scaler-reset",
                              "data-restart",   "lr-reset",         NULL };
  const gboolean found[] = { FALSE, FALSE, FALSE, TRUE, TRUE };
  g_autoptr (SngHarness) harness = fault_harness_new (NULL, STOP_STEP);
  g_autoptr (SngReport) report = run_faults (harness, ids);

  for (guint i = 0; i < G_N_ELEMENTS (found); i++)
    {
      SngFaultResult *result = lookup (report, ids[i]);

      g_assert_true (sng_fault_result_get_detected (result));
      g_assert_cmpint (sng_fault_result_get_found_by_original (result), ==, found[i]);
    }
}

/* What two uninterrupted runs differ by finds no fault. */
static void
test_nondeterministic (void)
{
  const char *const ids[] = { "lr-reset", "flip-bit:model", NULL };
  g_autoptr (SngHarness) harness = fault_harness_new (NULL, STOP_STEP);
  g_autoptr (SngReport) report = NULL;

  FAULT_HARNESS (harness)->cuts_repeat_otherwise = TRUE;
  g_object_set (harness, "repeat", TRUE, NULL);
  report = run_faults (harness, ids);

  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_INCONCLUSIVE);
  g_assert_cmpstr (sng_fault_result_get_metric (lookup (report, ids[0])), ==, "SchedulerState");
  g_assert_cmpint (sng_fault_result_get_step (lookup (report, ids[0])), ==, STOP_STEP);
  g_assert_true (sng_fault_result_get_planted (lookup (report, ids[1])));
  g_assert_false (sng_fault_result_get_detected (lookup (report, ids[1])));
}

/* A state that its owner does not take. */
static void
test_refused (void)
{
  const char *const ids[] = { "zero:grad-scaler", NULL };
  g_autoptr (SngHarness) harness = fault_harness_new (NULL, STOP_STEP);
  g_autoptr (SngReport) report = run_faults (harness, ids);
  SngFaultResult *result = lookup (report, ids[0]);

  g_assert_true (sng_fault_result_get_detected (result));
  g_assert_null (sng_fault_result_get_metric (result));
  g_assert_cmpstr (sng_fault_result_get_found_by (result), ==, "the restore");
  g_assert_nonnull (strstr (sng_fault_result_get_diagnosis (result), "scale: the checkpoint has 0"));
  g_assert_cmpint (sng_fault_result_get_cause (result), ==, SNG_CAUSE_SCALER);
}

/* A training that a fault makes fail: the others are planted all the same. */
static void
test_failing (void)
{
  const char *const ids[] = { "buffer-reset", "data-restart", NULL };
  g_autoptr (SngHarness) harness = fault_harness_new (NULL, STOP_STEP);
  g_autoptr (SngReport) report = NULL;

  FAULT_HARNESS (harness)->looks_at_losses_only = TRUE;
  FAULT_HARNESS (harness)->needs_buffer = TRUE;
  report = run_faults (harness, ids);

  for (guint i = 0; ids[i] != NULL; i++)
    g_assert_true (sng_fault_result_get_detected (lookup (report, ids[i])));
  g_assert_true (sng_fault_result_get_found_by_original (lookup (report, ids[0])));
  g_assert_nonnull (
      strstr (sng_fault_result_get_diagnosis (lookup (report, ids[0])), "a validation was forgotten"));
}

/* A training that is resumed wrongly at the stop of some faults only: that finds none of them, and the others are found. */
static void
check_bad_stop (guint64 step, const char *id, const char *title)
{
  const char *const ids[] = { "lr-reset", id, "data-restart", NULL };
  g_autoptr (SngHarness) harness = fault_harness_new (NULL, STOP_STEP);
  g_autofree char *reason = g_strdup_printf (
      "the resume at this stop diverges without a fault as well: RegisteredState at step %" G_GUINT64_FORMAT
      ", train, \"buffer/position\"",
      step);
  g_autoptr (SngReport) report = NULL;
  g_autoptr (SngReport) part = NULL;
  g_autofree char *summary = NULL;

  FAULT_HARNESS (harness)->restores_badly_at = step;
  report = run_faults (harness, ids);
  summary = sng_report_get_summary (report);
  part = g_list_model_get_item (sng_report_get_parts (report), 0);

  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_INCONCLUSIVE);
  g_assert_nonnull (strstr (summary, "DIVERGED without a fault"));
  g_assert_nonnull (strstr (summary, title));
  g_assert_cmpuint (g_list_model_get_n_items (sng_report_get_parts (report)), ==, 1);
  g_assert_cmpstr (sng_report_get_title (part), ==, title);
  g_assert_cmpint (sng_report_get_verdict (part), ==, SNG_VERDICT_DIVERGED);
  g_assert_cmpuint (sng_divergence_get_step (sng_report_get_first_divergence (report)), ==, step);

  g_assert_cmpuint (g_list_model_get_n_items (sng_report_get_faults (report)), ==, 3);
  g_assert_false (sng_fault_result_get_planted (lookup (report, id)));
  g_assert_false (sng_fault_result_get_detected (lookup (report, id)));
  g_assert_cmpstr (sng_fault_result_get_reason (lookup (report, id)), ==, reason);
  g_assert_true (sng_fault_result_get_detected (lookup (report, ids[0])));
  g_assert_true (sng_fault_result_get_detected (lookup (report, ids[2])));
}

static void
test_controls (void)
{
  check_bad_stop ((STOP_STEP / EPOCH_STEPS + 1) * EPOCH_STEPS, "data-exhausted",
                  "resume at the end of an epoch");
  check_bad_stop (STOP_STEP + 1, "data-second-resume", "resume at a second stop in an epoch");
}

static void
ids_of_state (GPtrArray *ids, const char *state)
{
  const char *const kinds[] = { "drop", "off-by-one", "flip-bit" };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    g_ptr_array_add (ids, g_strdup_printf ("%s:%s", kinds[i], state));
}

/* Side by side, each in a process of its own. */
static void
test_processes (void)
{
  g_autoptr (GPtrArray) ids = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (SngHarness) harness = fault_harness_new (NULL, STOP_STEP);
  g_autoptr (SngReport) report = NULL;

  ids_of_state (ids, "scheduler");
  ids_of_state (ids, "trainer");
  g_ptr_array_add (ids, g_strdup ("data-exhausted"));
  g_ptr_array_add (ids, g_strdup ("data-second-resume"));
  g_ptr_array_add (ids, NULL);
  g_object_set (harness, "isolation", SNG_ISOLATION_PROCESS, "jobs", 3, NULL);
  report = run_faults (harness, (const char *const *) ids->pdata);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_PASS);
  g_assert_cmpuint (g_list_model_get_n_items (sng_report_get_faults (report)), ==, ids->len - 1);

  for (guint i = 0; i + 1 < ids->len; i++)
    g_assert_true (sng_fault_result_get_detected (lookup (report, ids->pdata[i])));
}

/* What a process is that the harness has started. */
static int
run_child (void)
{
  g_autoptr (SngHarness) harness = fault_harness_new (NULL, STOP_STEP);
  g_autoptr (GError) error = NULL;
  g_autoptr (SngReport) report = sng_harness_run_faults (harness, NULL, NULL, &error);

  return report != NULL ? 0 : 1;
}

int
main (int argc, char **argv)
{
  if (g_getenv ("SNG_CHILD_HARNESS") != NULL)
    return run_child ();

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sng/harness-faults/all", test_all);
  g_test_add_func ("/sng/harness-faults/given", test_given);
  g_test_add_func ("/sng/harness-faults/unknown", test_unknown);
  g_test_add_func ("/sng/harness-faults/missed", test_missed);
  g_test_add_func ("/sng/harness-faults/original", test_original);
  g_test_add_func ("/sng/harness-faults/nondeterministic", test_nondeterministic);
  g_test_add_func ("/sng/harness-faults/refused", test_refused);
  g_test_add_func ("/sng/harness-faults/failing", test_failing);
  g_test_add_func ("/sng/harness-faults/controls", test_controls);
  g_test_add_func ("/sng/harness-faults/processes", test_processes);

  return g_test_run ();
}
