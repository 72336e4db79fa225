/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "fault-fixture.h"

/* Faults of random numbers, of the order and the place of the data, and of the schedules that count steps. */

static gboolean
reseed_rng (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  set_count (checkpoint, "rng/dropout", "position", 0);
  return TRUE;
}

static gboolean
reseed_masking (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  set_count (checkpoint, "rng/masking", "position", 0);
  return TRUE;
}

static gboolean
draw_once_more (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  shift_count (checkpoint, "rng/masking", "position", 1);
  return TRUE;
}

static gboolean
restart_data (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  set_count (checkpoint, "sampler", "position", 0);
  return TRUE;
}

static gboolean
skip_data (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  shift_count (checkpoint, "sampler", "position", MICRO_BATCH);
  return TRUE;
}

static gboolean
repeat_data (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  shift_count (checkpoint, "sampler", "position", -MICRO_BATCH);
  return TRUE;
}

static gboolean
shuffle_as_epoch_0 (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  set_count (checkpoint, "sampler", "epoch", 0);
  return TRUE;
}

static gboolean
drop_rest_of_data (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  shift_count (checkpoint, "sampler", "epoch", 1);
  set_count (checkpoint, "sampler", "position", 0);
  return TRUE;
}

static gboolean
reset_schedule (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  set_count (checkpoint, "scheduler", "count", 0);
  return TRUE;
}

static gboolean
delay_schedule (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  shift_count (checkpoint, "scheduler", "count", -1);
  return TRUE;
}

static gboolean
forward_schedule_twice (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  shift_count (checkpoint, "scheduler", "count", STOP_STEP);
  return TRUE;
}

/* validates 4 steps after the resume */
static void
validate_from_resume (SngHarness *harness, SngTrainer *trainer)
{
  g_object_set (trainer, "val-check-interval", (guint64) STOP_STEP + 4, NULL);
}

static void
forget_accumulation (SngHarness *harness, SngTrainer *trainer)
{
  g_object_set (trainer, "accumulate-grad-batches", 1, NULL);
}

static void
cut_windows_differently (SngHarness *harness, SngTrainer *trainer)
{
  g_object_set (trainer, "accumulate-grad-batches", 1, "micro-batch-size", 2 * MICRO_BATCH, NULL);
}

static const Fault faults[] = {
  { "rng-reseeded", "RngState", STOP_STEP, SNG_STAGE_TRAIN, reseed_rng, NULL },
  { "rng-reseeded-masking", "RngState", STOP_STEP, SNG_STAGE_TRAIN, reseed_masking, NULL },
  { "rng-extra-draw", "RngState", STOP_STEP, SNG_STAGE_TRAIN, draw_once_more, NULL },
  { "data-restart", "SampleIds", STOP_STEP + 1, SNG_STAGE_TRAIN, restart_data, NULL },
  { "data-skip", "SampleIds", STOP_STEP + 1, SNG_STAGE_TRAIN, skip_data, NULL },
  { "data-repeat", "SampleIds", STOP_STEP + 1, SNG_STAGE_TRAIN, repeat_data, NULL },
  { "data-wrong-permutation", "SampleIds", STOP_STEP + 1, SNG_STAGE_TRAIN, shuffle_as_epoch_0, NULL },
  { "data-rest-dropped", "SampleIds", STOP_STEP + 1, SNG_STAGE_TRAIN, drop_rest_of_data, NULL },
  { "lr-reset", "SchedulerState", STOP_STEP, SNG_STAGE_TRAIN, reset_schedule, NULL },
  { "lr-off-by-one", "SchedulerState", STOP_STEP, SNG_STAGE_TRAIN, delay_schedule, NULL },
  { "lr-double-forward", "SchedulerState", STOP_STEP, SNG_STAGE_TRAIN, forward_schedule_twice, NULL },
  { "val-shifted", "ValidationBatches", 8, SNG_STAGE_VALIDATE, NULL, validate_from_resume },
  { "accum-forgotten", "SampleIds", STOP_STEP + 1, SNG_STAGE_TRAIN, NULL, forget_accumulation },
  { "accum-cut", "SampleIds", STOP_STEP + 1, SNG_STAGE_TRAIN, NULL, cut_windows_differently },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  fault_add_tests (faults, G_N_ELEMENTS (faults));

  return g_test_run ();
}
