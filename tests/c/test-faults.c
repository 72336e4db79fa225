/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "fault-fixture.h"

#include <math.h>
#include <string.h>

/* No fault; and faults of the life of a training: its steps, its checkpoints, and what only a validation changes. */

static gboolean
reset_buffer (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  set_count (checkpoint, BUFFER, "position", 0);

  return TRUE;
}

/* as one that is made anew */
static gboolean
restart_early_stopping (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  g_autoptr (SngStateDict) state = copy_state (checkpoint, "early-stopping");
  double best_score;

  g_assert_true (sng_state_dict_get_double (state, "best_score", &best_score, NULL));
  g_assert_true (isfinite (best_score));
  sng_state_dict_set_double (state, "best_score", INFINITY);
  sng_checkpoint_set_state (checkpoint, "early-stopping", state);

  return TRUE;
}

static gboolean
reset_wait_count (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  set_count (checkpoint, "early-stopping", "wait_count", 0);
  return TRUE;
}

/* as one that keeps no list: what it saved before is never removed */
static gboolean
forget_best (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  g_autoptr (SngStateDict) state = copy_state (checkpoint, "model-checkpoint");

  g_assert_cmpuint (g_variant_n_children (sng_state_dict_lookup_value (state, "best")), >, 0);
  sng_state_dict_set_value (state, "best", g_variant_new ("a(td)", NULL));
  sng_checkpoint_set_state (checkpoint, "model-checkpoint", state);

  return TRUE;
}

/* as from a trainer that does not keep it */
static gboolean
forget_valid_loss (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  g_autoptr (SngStateDict) state = copy_state (checkpoint, "trainer");

  sng_state_dict_set_double (state, "valid_loss", NAN);
  sng_checkpoint_set_state (checkpoint, "trainer", state);

  return TRUE;
}

static gboolean
shift_global_step (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  shift_count (checkpoint, "trainer", "global_step", 1);
  return TRUE;
}

static gboolean
ignore_checkpoint (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  return FALSE;
}

static void
name_older_checkpoint (SngHarness *harness, SngTrainer *trainer)
{
  g_autofree char *directory = sng_harness_dup_mode_directory (harness, SNG_MODE_RESUME);
  g_autofree char *path = g_build_filename (directory, "checkpoints", "latest", NULL);
  g_autofree char *latest = NULL;
  char *digit;

  g_assert_true (g_file_get_contents (path, &latest, NULL, NULL));
  digit = strrchr (latest, '7');
  g_assert_nonnull (digit);
  *digit = '4';
  g_assert_true (g_file_set_contents (path, latest, -1, NULL));
}

static const Fault faults[] = {
  { "early-stop-reset", "RegisteredState", STOP_STEP, SNG_STAGE_TRAIN, restart_early_stopping, NULL },
  { "best-checkpoints-lost", "RegisteredState", STOP_STEP, SNG_STAGE_TRAIN, forget_best, NULL },
  { "valid-loss-lost", "RegisteredState", STOP_STEP, SNG_STAGE_TRAIN, forget_valid_loss, NULL },
  { "buffer-reset", "RegisteredState", STOP_STEP, SNG_STAGE_TRAIN, reset_buffer, NULL },
  { "counter-off", "GlobalStepState", STOP_STEP, SNG_STAGE_TRAIN, shift_global_step, NULL },
  { "silent-scratch", "GlobalStepState", STOP_STEP, SNG_STAGE_TRAIN, ignore_checkpoint, NULL },
  { "stale-latest", "GlobalStepState", STOP_STEP, SNG_STAGE_TRAIN, NULL, name_older_checkpoint },
};

static void
check_passes (SngHarness *harness)
{
  g_autoptr (SngReport) report = fault_harness_run (harness);
  g_autofree char *summary = sng_report_get_summary (report);

  if (sng_report_get_verdict (report) != SNG_VERDICT_PASS)
    g_error ("%s", summary);
}

/* Without a fault nothing is found, wherever the stop is: at an epoch's end as well as right before, at and after a
 * validation and a checkpoint. */
static void
test_clean (gconstpointer data)
{
  g_autoptr (SngHarness) harness = fault_harness_new (NULL);

  g_object_set (harness, "stop-step", GPOINTER_TO_UINT (data), NULL);
  check_passes (harness);
}

static void
test_clean_sgd (void)
{
  g_autoptr (SngHarness) harness = fault_harness_new (NULL);

  FAULT_HARNESS (harness)->with_sgd = TRUE;
  check_passes (harness);
}

/* Of all that wait, only the count of the waits is lost. */
static void
test_wait_count (void)
{
  static const Fault fault = { .name = "early-stop-reset", .plant = reset_wait_count };
  g_autoptr (SngHarness) harness = fault_harness_new (&fault);
  g_autoptr (SngReport) report = NULL;
  SngDivergence *first;

  g_object_set (harness, "stop-step", 9, NULL);
  report = fault_harness_run (harness);
  first = sng_report_get_first_divergence (report);
  g_assert_nonnull (first);
  g_assert_cmpstr (sng_divergence_get_metric (first), ==, "RegisteredState");
  g_assert_cmpstr (sng_divergence_get_path (first), ==, "early-stopping/wait_count");
  g_assert_cmpuint (sng_divergence_get_step (first), ==, 9);
}

/* A training that ends before its last step: by itself after the stop, at it, and not when the best score is lost. */
static void
test_stopped_early (void)
{
  static const Fault reset = { .name = "early-stop-reset", .plant = restart_early_stopping };
  const guint stops[] = { 7, 8, 7 };

  for (guint i = 0; i < G_N_ELEMENTS (stops); i++)
    {
      g_autoptr (SngHarness) harness = fault_harness_new (i == 2 ? &reset : NULL);
      g_autoptr (SngReport) report = NULL;
      g_autofree char *summary = NULL;

      g_object_set (harness, "stop-step", stops[i], NULL);
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
  g_autoptr (SngHarness) harness = fault_harness_new (NULL);
  g_autoptr (SngReport) report = NULL;
  SngMetricResult *stops;

  g_object_set (harness, "stop-step", 9, NULL);
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

  g_test_add_data_func ("/faults/none", GUINT_TO_POINTER (STOP_STEP), test_clean);
  g_test_add_data_func ("/faults/none/epoch-end", GUINT_TO_POINTER (6), test_clean);
  g_test_add_data_func ("/faults/none/validation", GUINT_TO_POINTER (8), test_clean);
  g_test_add_data_func ("/faults/none/after-validation", GUINT_TO_POINTER (9), test_clean);
  g_test_add_func ("/faults/none/sgd", test_clean_sgd);
  fault_add_tests (faults, G_N_ELEMENTS (faults));
  g_test_add_func ("/faults/early-stop-reset/wait-count", test_wait_count);
  g_test_add_func ("/faults/none/stopped-early", test_stopped_early);
  g_test_add_func ("/faults/none/stopped-too-early", test_stopped_too_early);

  return g_test_run ();
}
