/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The settings of SngHarness, described. */

#include "harness/sng-harness-private.h"

#include "sng-enum-types.h"

#define FLAGS (G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS)

static void
add_schedule_specs (GParamSpec **properties)
{
  /**
   * SngHarness:num-steps:
   *
   * How many steps the whole training has.
   *
   * Since: 1.0
   */
  properties[SNG_HARNESS_PROP_NUM_STEPS] =
      g_param_spec_uint ("num-steps", NULL, NULL, 0, G_MAXUINT, 10, FLAGS);

  /**
   * SngHarness:val-check-interval:
   *
   * After how many steps there is a validation and, after it, a checkpoint;
   * counted from the start of the training. 0: never, neither.
   *
   * Since: 1.0
   */
  properties[SNG_HARNESS_PROP_VAL_CHECK_INTERVAL] =
      g_param_spec_uint ("val-check-interval", NULL, NULL, 0, G_MAXUINT, 4, FLAGS);

  /**
   * SngHarness:limit-val-batches:
   *
   * How many micro-batches a validation has at most; 0: all there are.
   *
   * Since: 1.0
   */
  properties[SNG_HARNESS_PROP_LIMIT_VAL_BATCHES] =
      g_param_spec_uint ("limit-val-batches", NULL, NULL, 0, G_MAXUINT, 2, FLAGS);

  /**
   * SngHarness:lr:
   *
   * The learning rate, for [vfunc@Sng.Harness.setup_model] to use.
   *
   * Since: 1.0
   */
  properties[SNG_HARNESS_PROP_LR] = g_param_spec_double ("lr", NULL, NULL, 0.0, G_MAXDOUBLE, 1e-4, FLAGS);

  /**
   * SngHarness:precision:
   *
   * The precision of the training: "32", "bf16-mixed" or "16-mixed", see
   * [enum@Sng.Precision]. Where it is another name, or the model does not know it, a run
   * fails when it begins.
   *
   * Since: 1.0
   */
  properties[SNG_HARNESS_PROP_PRECISION] = g_param_spec_string ("precision", NULL, NULL, "32", FLAGS);
}

static void
add_training_specs (GParamSpec **properties)
{
  /**
   * SngHarness:seed:
   *
   * The seed of everything random.
   *
   * Since: 1.0
   */
  properties[SNG_HARNESS_PROP_SEED] = g_param_spec_uint64 ("seed", NULL, NULL, 0, G_MAXINT64, 0, FLAGS);

  /**
   * SngHarness:micro-batch-size:
   *
   * How many samples a micro-batch has.
   *
   * Since: 1.0
   */
  properties[SNG_HARNESS_PROP_MICRO_BATCH_SIZE] =
      g_param_spec_uint ("micro-batch-size", NULL, NULL, 1, G_MAXINT, 2, FLAGS);

  /**
   * SngHarness:accumulate-grad-batches:
   *
   * How many micro-batches a step has.
   *
   * Since: 1.0
   */
  properties[SNG_HARNESS_PROP_ACCUMULATE_GRAD_BATCHES] =
      g_param_spec_uint ("accumulate-grad-batches", NULL, NULL, 1, G_MAXINT, 1, FLAGS);

  /**
   * SngHarness:gradient-clip-norm:
   *
   * The global norm that gradients are clipped to; 0: they are not.
   *
   * Since: 1.0
   */
  properties[SNG_HARNESS_PROP_GRADIENT_CLIP_NORM] =
      g_param_spec_double ("gradient-clip-norm", NULL, NULL, 0.0, G_MAXDOUBLE, 0.0, FLAGS);

  /**
   * SngHarness:n-threads:
   *
   * How many threads the processor computes with, for
   * [method@Sng.Harness.create_device]; 0: one for each processor.
   *
   * Since: 1.0
   */
  properties[SNG_HARNESS_PROP_N_THREADS] =
      g_param_spec_uint ("n-threads", NULL, NULL, 0, G_MAXUINT, 0, FLAGS);
}

static void
add_device_specs (GParamSpec **properties)
{
  /**
   * SngHarness:device:
   *
   * The name of the device that is trained on, as [ctor@Sng.Device.new] takes it, for [method@Sng.Harness.create_device]; %NULL: `cpu`.
   * Where there is no such device, a run fails when it begins.
   *
   * Since: 1.0
   */
  properties[SNG_HARNESS_PROP_DEVICE] = g_param_spec_string ("device", NULL, NULL, "cpu", FLAGS);

  /**
   * SngHarness:resume-device:
   *
   * The name of the device that RESUME trains on, for [method@Sng.Harness.create_device]; %NULL: the same,
   * [property@Sng.Harness:device].
   *
   * So a checkpoint that was made on one device is resumed on another one. Two kinds of devices round in different ways, so what
   * is compared cannot be equal bit by bit. How far apart it may be is measured: REPEAT, the second uninterrupted training, is
   * made on this device as well, and RESUME may differ by ten times what REPEAT does, and by a few units in the last place. That
   * is [property@Sng.Harness:noise-tolerance], which has to be set; see [method@Sng.Comparison.set_noise_tolerance].
   *
   * Since: 1.0
   */
  properties[SNG_HARNESS_PROP_RESUME_DEVICE] = g_param_spec_string ("resume-device", NULL, NULL, NULL, FLAGS);
}

static void
add_place_specs (GParamSpec **properties)
{
  /**
   * SngHarness:train-val-output-atol:
   *
   * By how much outputs and losses, of training and of validation, may differ.
   * 0: by not a bit.
   *
   * Since: 1.0
   */
  properties[SNG_HARNESS_PROP_TRAIN_VAL_OUTPUT_ATOL] =
      g_param_spec_double ("train-val-output-atol", NULL, NULL, 0.0, G_MAXDOUBLE, 0.0, FLAGS);

  /**
   * SngHarness:other-output-atol:
   *
   * By how much every other metric may differ. 0: by not a bit.
   *
   * Since: 1.0
   */
  properties[SNG_HARNESS_PROP_OTHER_OUTPUT_ATOL] =
      g_param_spec_double ("other-output-atol", NULL, NULL, 0.0, G_MAXDOUBLE, 0.0, FLAGS);

  /**
   * SngHarness:exp-name:
   *
   * The name of the check: that of its run directory, and what a child process finds
   * its harness by. By default made of the name of the type.
   *
   * Since: 1.0
   */
  properties[SNG_HARNESS_PROP_EXP_NAME] = g_param_spec_string ("exp-name", NULL, NULL, NULL, FLAGS);

  /**
   * SngHarness:root-dir:
   *
   * Where the run directory is made, under [property@Sng.Harness:exp-name]; it stays
   * there. A call that makes a report removes the runs of earlier calls from it, so that all that are there are those
   * of the report. %NULL: in a temporary directory, which is removed with the harness.
   *
   * Since: 1.0
   */
  properties[SNG_HARNESS_PROP_ROOT_DIR] = g_param_spec_string ("root-dir", NULL, NULL, NULL, FLAGS);

  /**
   * SngHarness:metadata-dir:
   *
   * Where the run stores are written, under [property@Sng.Harness:exp-name], one directory for each run; %NULL: in the
   * run directory.
   *
   * Since: 1.0
   */
  properties[SNG_HARNESS_PROP_METADATA_DIR] = g_param_spec_string ("metadata-dir", NULL, NULL, NULL, FLAGS);
}

static void
add_running_specs (GParamSpec **properties)
{
  /**
   * SngHarness:stop-step:
   *
   * The step after which STOP ends: from 1 to the last but one. 0: the first one
   * that saves a checkpoint.
   *
   * Since: 1.0
   */
  properties[SNG_HARNESS_PROP_STOP_STEP] =
      g_param_spec_uint ("stop-step", NULL, NULL, 0, G_MAXUINT, 0, FLAGS);

  /**
   * SngHarness:isolation:
   *
   * Whether each mode runs in a fresh process.
   *
   * Since: 1.0
   */
  properties[SNG_HARNESS_PROP_ISOLATION] =
      g_param_spec_enum ("isolation", NULL, NULL, SNG_TYPE_ISOLATION, SNG_ISOLATION_PROCESS, FLAGS);

  /**
   * SngHarness:repeat:
   *
   * Whether the continuous training runs twice. Where those two differ, the training
   * itself is not deterministic, and the resume is not blamed.
   *
   * Since: 1.0
   */
  properties[SNG_HARNESS_PROP_REPEAT] = g_param_spec_boolean ("repeat", NULL, NULL, FALSE, FLAGS);

  /**
   * SngHarness:keep-runs:
   *
   * Whether a temporary run directory stays.
   *
   * Since: 1.0
   */
  properties[SNG_HARNESS_PROP_KEEP_RUNS] = g_param_spec_boolean ("keep-runs", NULL, NULL, FALSE, FLAGS);

  /**
   * SngHarness:command:
   *
   * The command that starts the program once more, program first; %NULL: the one that
   * this process was started with.
   *
   * Since: 1.0
   */
  properties[SNG_HARNESS_PROP_COMMAND] = g_param_spec_boxed ("command", NULL, NULL, G_TYPE_STRV, FLAGS);
}

static void
add_check_specs (GParamSpec **properties)
{
  /**
   * SngHarness:stop-plan:
   *
   * Where the training is stopped, as [func@Sng.StopPlan.from_string] takes it: a list such as
   * `4:kill,7`, or the name of a plan. %NULL: once, after [property@Sng.Harness:stop-step].
   *
   * Since: 1.0
   */
  properties[SNG_HARNESS_PROP_STOP_PLAN] = g_param_spec_string ("stop-plan", NULL, NULL, NULL, FLAGS);

  /**
   * SngHarness:jobs:
   *
   * How many processes run side by side, where runs do not need one another; 0: one for each processor.
   *
   * Since: 1.0
   */
  properties[SNG_HARNESS_PROP_JOBS] = g_param_spec_uint ("jobs", NULL, NULL, 0, G_MAXUINT, 0, FLAGS);

  /**
   * SngHarness:horizon:
   *
   * How many steps a sweep goes on after each stop. One finds whatever registered state lacks, more find
   * what is not registered and shows later. Also how many steps [method@Sng.Harness.run_accumulation] compares.
   *
   * Since: 1.0
   */
  properties[SNG_HARNESS_PROP_HORIZON] = g_param_spec_uint ("horizon", NULL, NULL, 1, G_MAXUINT, 1, FLAGS);

  /**
   * SngHarness:stress:
   *
   * What is made harder for the runs that resume. A verdict does not depend on it.
   *
   * Since: 1.0
   */
  properties[SNG_HARNESS_PROP_STRESS] =
      g_param_spec_flags ("stress", NULL, NULL, SNG_TYPE_STRESS, SNG_STRESS_NONE, FLAGS);

  /**
   * SngHarness:coverage-policy:
   *
   * How often an epoch takes each of its samples, see [class@Sng.Coverage].
   *
   * Since: 1.0
   */
  properties[SNG_HARNESS_PROP_COVERAGE_POLICY] = g_param_spec_enum (
      "coverage-policy", NULL, NULL, SNG_TYPE_COVERAGE_POLICY, SNG_COVERAGE_POLICY_EXACTLY_ONCE, FLAGS);

  /**
   * SngHarness:noise-tolerance:
   *
   * Whether a resumed run may differ by the noise between two uninterrupted ones, as
   * [method@Sng.Comparison.set_noise_tolerance] has it. It needs [property@Sng.Harness:repeat], and every run keeps
   * all tensors that it records as files.
   *
   * Since: 1.0
   */
  properties[SNG_HARNESS_PROP_NOISE_TOLERANCE] =
      g_param_spec_boolean ("noise-tolerance", NULL, NULL, FALSE, FLAGS);

  /**
   * SngHarness:drill-down:
   *
   * Whether a stop-and-go makes the step at which the runs differ first once more, on both sides and with the
   * tensor that differs captured whole, to tell which of its elements differ and by how much
   * ([method@Sng.Report.get_elements]).
   *
   * The continuous run begins with its newest checkpoint before the step that leads back to what it had recorded, else anew. Values
   * that are no tensors are in the report as they are, and what a tolerance has captured already is not run again.
   *
   * Since: 1.0
   */
  properties[SNG_HARNESS_PROP_DRILL_DOWN] = g_param_spec_boolean ("drill-down", NULL, NULL, TRUE, FLAGS);
}

void
sng_harness_add_property_specs (GParamSpec *properties[SNG_HARNESS_N_PROPS])
{
  add_schedule_specs (properties);
  add_training_specs (properties);
  add_device_specs (properties);
  add_place_specs (properties);
  add_running_specs (properties);
  add_check_specs (properties);
}
