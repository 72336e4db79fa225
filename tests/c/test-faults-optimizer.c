/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "fault-fixture.h"

#include <string.h>

/* Faults of what a training has learned: the optimizer, the loss scale, the weights and their average. */

static gboolean
drop_optimizer (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  change_tensors (checkpoint, "optimizer", "", make_zero);
  set_count (checkpoint, "optimizer", "step", 0);
  return TRUE;
}

static gboolean
drop_second_moment (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  change_tensors (checkpoint, "optimizer", ".exp_avg_sq", make_zero);
  return TRUE;
}

static gboolean
shift_optimizer_step (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  shift_count (checkpoint, "optimizer", "step", 1);
  return TRUE;
}

static gboolean
reset_scaler (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  g_autoptr (SngStateDict) state = copy_state (checkpoint, "grad-scaler");
  double scale = 0.0;

  g_assert_true (sng_state_dict_get_double (state, "scale", &scale, NULL));
  g_assert_cmpfloat (scale, !=, INITIAL_SCALE);
  sng_state_dict_set_double (state, "scale", INITIAL_SCALE);
  sng_checkpoint_set_state (checkpoint, "grad-scaler", state);

  return TRUE;
}

static gboolean
reset_growth (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  set_count (checkpoint, "grad-scaler", "growth_tracker", 0);
  return TRUE;
}

static gboolean
round_optimizer (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  change_tensors (checkpoint, "optimizer", "", make_bf16);
  return TRUE;
}

static gboolean
swap_moments (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  swap_tensors (checkpoint, "optimizer", "esm.encoder.layer.0.attention.self.query.weight.exp_avg",
                "esm.encoder.layer.0.attention.self.key.weight.exp_avg");
  return TRUE;
}

static gboolean
drop_momentum (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  change_tensors (checkpoint, "optimizer", ".momentum_buffer", make_zero);
  return TRUE;
}

static gboolean
forget_optimizer_steps (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  set_count (checkpoint, "optimizer", "step", 0);
  return TRUE;
}

static gboolean
swap_momentum (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  swap_tensors (checkpoint, "optimizer", "esm.encoder.layer.0.attention.self.query.weight.momentum_buffer",
                "esm.encoder.layer.0.attention.self.key.weight.momentum_buffer");
  return TRUE;
}

static gboolean
round_weights (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  change_tensors (checkpoint, "model", "", make_bf16);
  return TRUE;
}

/* as one that is made anew from the restored model */
static gboolean
restart_ema (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  copy_tensors (checkpoint, "model", "ema");
  set_count (checkpoint, "ema", "n_updates", 0);
  return TRUE;
}

static gboolean
reset_ema_counter (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  set_count (checkpoint, "ema", "n_updates", 0);
  return TRUE;
}

static gboolean
take_ema_for_weights (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  copy_tensors (checkpoint, "ema", "model");
  return TRUE;
}

static const Fault faults[] = {
  { "opt-dropped", "OptimizerState", STOP_STEP, SNG_STAGE_TRAIN, drop_optimizer, NULL },
  { "opt-second-moment", "OptimizerState", STOP_STEP, SNG_STAGE_TRAIN, drop_second_moment, NULL },
  { "opt-step-off", "OptimizerState", STOP_STEP, SNG_STAGE_TRAIN, shift_optimizer_step, NULL },
  { "opt-bf16", "OptimizerState", STOP_STEP, SNG_STAGE_TRAIN, round_optimizer, NULL },
  { "opt-swapped", "OptimizerState", STOP_STEP, SNG_STAGE_TRAIN, swap_moments, NULL },
  { "sgd-momentum-dropped", "OptimizerState", STOP_STEP, SNG_STAGE_TRAIN, drop_momentum, NULL, TRUE },
  { "sgd-step-off", "OptimizerState", STOP_STEP, SNG_STAGE_TRAIN, shift_optimizer_step, NULL, TRUE },
  { "sgd-step-dropped", "OptimizerState", STOP_STEP, SNG_STAGE_TRAIN, forget_optimizer_steps, NULL, TRUE },
  { "sgd-bf16", "OptimizerState", STOP_STEP, SNG_STAGE_TRAIN, round_optimizer, NULL, TRUE },
  { "sgd-swapped", "OptimizerState", STOP_STEP, SNG_STAGE_TRAIN, swap_momentum, NULL, TRUE },
  { "scaler-reset", "GradScalerState", STOP_STEP, SNG_STAGE_TRAIN, reset_scaler, NULL },
  { "scaler-growth", "GradScalerState", STOP_STEP, SNG_STAGE_TRAIN, reset_growth, NULL },
  { "weights-bf16", "ModelWeights", STOP_STEP, SNG_STAGE_TRAIN, round_weights, NULL },
  { "ema-reset", "EmaState", STOP_STEP, SNG_STAGE_TRAIN, restart_ema, NULL },
  { "ema-counter", "EmaState", STOP_STEP, SNG_STAGE_TRAIN, reset_ema_counter, NULL },
  { "ema-as-weights", "ModelWeights", STOP_STEP, SNG_STAGE_TRAIN, take_ema_for_weights, NULL },
};

static SngVerdict
get_verdict (SngReport *report, const char *metric)
{
  return sng_metric_result_get_verdict (sng_report_lookup_metric (report, metric));
}

/* What is lost of the average never reaches the training. */
static void
test_ema_in_validation (void)
{
  static const Fault fault = { .name = "ema-reset", .plant = restart_ema };
  g_autoptr (SngHarness) harness = fault_harness_new (&fault);
  g_autoptr (SngReport) report = fault_harness_run (harness);

  g_assert_cmpint (get_verdict (report, "EmaState"), ==, SNG_VERDICT_DIVERGED);
  g_assert_cmpint (get_verdict (report, "ValidOutput"), ==, SNG_VERDICT_DIVERGED);
  g_assert_cmpint (get_verdict (report, "ValidLoss"), ==, SNG_VERDICT_DIVERGED);
  g_assert_cmpint (get_verdict (report, "TrainLoss"), ==, SNG_VERDICT_PASS);
  g_assert_cmpint (get_verdict (report, "ModelWeights"), ==, SNG_VERDICT_PASS);
}

/* One that matches two patterns would change its group with the order of the groups. */
static void
test_swapped_groups (void)
{
  g_autoptr (SngHarness) harness = fault_harness_new (NULL);
  g_autoptr (SngReport) report = NULL;
  g_autoptr (GError) error = NULL;

  FAULT_HARNESS (harness)->swaps_groups = TRUE;
  report = sng_harness_run_stop_and_go (harness, NULL, &error);

  g_assert_null (report);
  g_assert_error (error, SNG_ERROR, SNG_ERROR_MISMATCH);
  g_assert_nonnull (strstr (error->message, ".position: the checkpoint has "));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  fault_add_tests (faults, G_N_ELEMENTS (faults));
  g_test_add_func ("/faults/ema-reset/validation", test_ema_in_validation);
  g_test_add_func ("/faults/opt-groups", test_swapped_groups);

  return g_test_run ();
}
