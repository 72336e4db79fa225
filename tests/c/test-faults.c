/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "fault-fixture.h"

#include <string.h>

/* Each fault of the catalogue is found, and found first where it first shows. Beside them, what is no damage to a state: other
 * settings. */

typedef struct
{
  const char *id;
  const char *metric;
  guint64 stop;
  gboolean with_sgd;
} Case;

static guint64
get_expected_step (SngFault *fault)
{
  switch (sng_fault_get_expected_place (fault))
    {
    case SNG_FAULT_PLACE_NEXT_STEP:
      return STOP_STEP + 1;

    case SNG_FAULT_PLACE_NEXT_VALIDATION:
      return (STOP_STEP / VAL_INTERVAL + 1) * VAL_INTERVAL;

    default:
      return STOP_STEP;
    }
}

/* What needs another stop than the one of the reference harness has a test of its own. */
static gboolean
needs_other_stop (SngFault *fault)
{
  return sng_fault_get_stop (fault) != SNG_FAULT_AT_ANY_STOP;
}

static void
test_catalogue (gconstpointer data)
{
  g_autoptr (SngHarness) harness = fault_harness_new (data, STOP_STEP);
  FaultHarness *self = FAULT_HARNESS (harness);
  g_autoptr (SngReport) report = fault_harness_run (harness);

  if (self->outcome == SNG_FAULT_PLANTED)
    {
      fault_check_first (report, sng_fault_get_expected_metrics (self->fault),
                         get_expected_step (self->fault));
      fault_check_cause (report, self->fault);
    }
  else if (g_strcmp0 (sng_fault_get_needs (self->fault), "two ranks") == 0)
    g_assert_cmpint (self->outcome, ==, SNG_FAULT_NOT_APPLICABLE);
  else
    g_error ("%s is %s: %s", (const char *) data, sng_fault_outcome_to_string (self->outcome), self->reason);
}

/* The groups' settings are in the checkpoint, so that the restore itself refuses those of another group. */
static void
test_groups (void)
{
  g_autoptr (SngHarness) harness = fault_harness_new ("opt-groups", STOP_STEP);
  g_autoptr (SngReport) report = fault_harness_run (harness);

  g_assert_nonnull (report);
  g_assert_cmpint (FAULT_HARNESS (harness)->outcome, ==, SNG_FAULT_REFUSED);
  g_assert_nonnull (strstr (FAULT_HARNESS (harness)->reason, ".weight_decay: the checkpoint has "));
}

static void
test_groups_in_other_order (void)
{
  g_autoptr (SngHarness) harness = fault_harness_new (NULL, STOP_STEP);
  g_autoptr (SngReport) report = NULL;
  g_autoptr (GError) error = NULL;

  FAULT_HARNESS (harness)->swaps_groups = TRUE;
  report = sng_harness_run_stop_and_go (harness, NULL, &error);

  g_assert_null (report);
  g_assert_error (error, SNG_ERROR, SNG_ERROR_MISMATCH);
  g_assert_nonnull (strstr (error->message, ".position: the checkpoint has "));
}

static void
test_exhausted (void)
{
  const guint stop = 2 * EPOCH_STEPS;
  g_autoptr (SngHarness) harness = fault_harness_new ("data-exhausted", stop);
  g_autoptr (SngReport) report = fault_harness_run (harness);

  g_assert_cmpint (FAULT_HARNESS (harness)->outcome, ==, SNG_FAULT_PLANTED);
  fault_check_first (report, sng_fault_get_expected_metrics (FAULT_HARNESS (harness)->fault), stop + 1);
  fault_check_cause (report, FAULT_HARNESS (harness)->fault);
}

/* The first stop of the epoch is where a checkpoint of it was saved before. */
static void
test_second_resume (void)
{
  const guint stop = VAL_INTERVAL + 1;
  g_autoptr (SngHarness) harness = fault_harness_new ("data-second-resume", stop);
  g_autoptr (SngReport) report = fault_harness_run (harness);

  g_assert_cmpint (FAULT_HARNESS (harness)->outcome, ==, SNG_FAULT_PLANTED);
  fault_check_first (report, sng_fault_get_expected_metrics (FAULT_HARNESS (harness)->fault), stop + 1);
  fault_check_cause (report, FAULT_HARNESS (harness)->fault);
}

/* A fault of no catalogue, or one of the catalogue in another training. */
static void
test_case (gconstpointer data)
{
  const Case *test = data;
  const char *const metrics[] = { test->metric, NULL };
  g_autoptr (SngHarness) harness = fault_harness_new (test->id, test->stop);
  g_autoptr (SngReport) report = NULL;

  FAULT_HARNESS (harness)->with_sgd = test->with_sgd;
  report = fault_harness_run (harness);

  if (FAULT_HARNESS (harness)->outcome != SNG_FAULT_PLANTED)
    g_error ("%s is %s: %s", test->id, sng_fault_outcome_to_string (FAULT_HARNESS (harness)->outcome),
             FAULT_HARNESS (harness)->reason);
  fault_check_first (report, metrics, test->stop);
  fault_check_cause (report, FAULT_HARNESS (harness)->fault);
}

static const Case cases[] = {
  { "opt-dropped", "OptimizerState", STOP_STEP, TRUE },
  { "opt-step-reset", "OptimizerState", STOP_STEP, TRUE },
  { "opt-step-off", "OptimizerState", STOP_STEP, TRUE },
  { "opt-bf16", "OptimizerState", STOP_STEP, TRUE },
  { "opt-swapped", "OptimizerState", STOP_STEP, TRUE },
  { "reseed:rng/masking", "RngState", STOP_STEP },
  { "drop:grad-scaler/growth_tracker", "GradScalerState", STOP_STEP },
  { "drop:early-stopping/wait_count", "RegisteredState", 9 },
  { "drop:model-checkpoint/best", "RegisteredState", STOP_STEP },
  { "drop:trainer/valid_loss", "RegisteredState", STOP_STEP },
  { "stale:optimizer", "OptimizerState", STOP_STEP },
  { "off-by-one:scheduler", "SchedulerState", STOP_STEP },
  { "swap:model", "ModelWeights", STOP_STEP },
  { "zero:ema", "EmaState", STOP_STEP },
  { "round-to-bf16:ema", "EmaState", STOP_STEP },
  { "flip-bit:model", "ModelWeights", STOP_STEP },
};

/* Windows that are cut in another way are no fault of the restore, but of the settings. */
static void
test_other_windows (gconstpointer data)
{
  const char *const metrics[] = { "SampleIds", "TrainInput", NULL };
  g_autoptr (SngHarness) harness = fault_harness_new (NULL, STOP_STEP);
  g_autoptr (SngReport) report = NULL;

  FAULT_HARNESS (harness)->resume_micro_batch = GPOINTER_TO_UINT (data);
  report = fault_harness_run (harness);
  fault_check_first (report, metrics, STOP_STEP + 1);
}

static SngVerdict
get_verdict (SngReport *report, const char *metric)
{
  return sng_metric_result_get_verdict (sng_report_lookup_metric (report, metric));
}

/* What is lost of the average never reaches the training. */
static void
test_ema_in_validation (void)
{
  g_autoptr (SngHarness) harness = fault_harness_new ("ema-reset", STOP_STEP);
  g_autoptr (SngReport) report = fault_harness_run (harness);

  g_assert_cmpint (get_verdict (report, "EmaState"), ==, SNG_VERDICT_DIVERGED);
  g_assert_cmpint (get_verdict (report, "ValidOutput"), ==, SNG_VERDICT_DIVERGED);
  g_assert_cmpint (get_verdict (report, "ValidLoss"), ==, SNG_VERDICT_DIVERGED);
  g_assert_cmpint (get_verdict (report, "TrainLoss"), ==, SNG_VERDICT_PASS);
  g_assert_cmpint (get_verdict (report, "ModelWeights"), ==, SNG_VERDICT_PASS);
}

/* Where it is when its fault is planted, a step and a resume later, and so on: the first loss after the resume is the same. */
static void
test_late_loss (gconstpointer data)
{
  g_autoptr (SngHarness) harness = fault_harness_new (data, STOP_STEP);
  g_autoptr (SngReport) report = fault_harness_run (harness);
  SngMetricResult *loss = sng_report_lookup_metric (report, "TrainLoss");

  g_assert_cmpint (sng_metric_result_get_verdict (loss), ==, SNG_VERDICT_DIVERGED);
  g_assert_cmpuint (sng_divergence_get_step (sng_metric_result_get_first_divergence (loss)), ==,
                    STOP_STEP + 2);
}

static void
add_catalogue (void)
{
  g_autoptr (GListModel) faults = sng_fault_list ();

  for (guint i = 0; i < g_list_model_get_n_items (faults); i++)
    {
      g_autoptr (SngFault) fault = g_list_model_get_item (faults, i);
      const char *id = sng_fault_get_id (fault);
      g_autofree char *path = g_strconcat ("/faults/", id, NULL);

      if (!needs_other_stop (fault) && !g_str_equal (id, "opt-groups"))
        g_test_add_data_func_full (path, g_strdup (id), test_catalogue, g_free);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  add_catalogue ();
  g_test_add_func ("/faults/opt-groups", test_groups);
  g_test_add_func ("/faults/opt-groups/order", test_groups_in_other_order);
  g_test_add_func ("/faults/data-exhausted", test_exhausted);
  g_test_add_func ("/faults/data-second-resume", test_second_resume);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path =
          g_strconcat (cases[i].with_sgd ? "/faults/sgd/" : "/faults/generic/", cases[i].id, NULL);

      g_test_add_data_func (path, &cases[i], test_case);
    }

  g_test_add_data_func ("/faults/accum-forgotten", GUINT_TO_POINTER (MICRO_BATCH), test_other_windows);
  g_test_add_data_func ("/faults/accum-cut", GUINT_TO_POINTER (2 * MICRO_BATCH), test_other_windows);
  g_test_add_func ("/faults/ema-reset/validation", test_ema_in_validation);
  g_test_add_data_func ("/faults/accum-lost/loss", "accum-lost", test_late_loss);
  g_test_add_data_func ("/faults/master-stale/loss", "master-stale", test_late_loss);

  return g_test_run ();
}
