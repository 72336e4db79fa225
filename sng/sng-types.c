/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sng-types.h"

/**
 * SngMode:
 * @SNG_MODE_STOP: the run that is interrupted
 * @SNG_MODE_RESUME: the run that goes on from the checkpoint of the interrupted
 *   one
 * @SNG_MODE_CONTINUOUS: the run that is never interrupted, which the others are
 *   compared with
 * @SNG_MODE_REPEAT: the uninterrupted run once more, the control that shows
 *   whether training is deterministic at all
 *
 * The part that a run plays in a stop-and-go check.
 *
 * Since: 1.0
 */

/**
 * SngStage:
 * @SNG_STAGE_TRAIN: training
 * @SNG_STAGE_VALIDATE: validation
 *
 * What the model is used for.
 *
 * Since: 1.0
 */

/**
 * SngVerdict:
 * @SNG_VERDICT_PASS: everything that was recorded is equal, and could have been
 *   different
 * @SNG_VERDICT_DIVERGED: the interrupted training is not the same as the
 *   uninterrupted one
 * @SNG_VERDICT_NONDETERMINISTIC: two uninterrupted runs differ already, so the
 *   resume cannot be judged
 * @SNG_VERDICT_INCONCLUSIVE: nothing differs, but the check could not have
 *   failed
 *
 * The outcome of a comparison.
 *
 * Since: 1.0
 */

/**
 * SngIsolation:
 * @SNG_ISOLATION_PROCESS: each mode runs in a fresh process, so only what was
 *   saved survives
 * @SNG_ISOLATION_NONE: all modes run in the calling process
 *
 * How the modes of a stop-and-go check are kept apart.
 *
 * Since: 1.0
 */

/**
 * SngMetricFlags:
 * @SNG_METRIC_NONE: the metric may keep one value throughout
 * @SNG_METRIC_EXPECT_CHANGE: the metric changes in the course of a training; a
 *   comparison in which it never does is inconclusive
 * @SNG_METRIC_PER_RUN: the metric describes the run that recorded it, and is
 *   not compared entry by entry
 * @SNG_METRIC_NOT_APPLICABLE: the training has nothing that the metric could
 *   record; it is not declared
 *
 * How a metric is judged.
 *
 * Since: 1.0
 */

/**
 * sng_mode_to_string:
 * @mode: a mode
 *
 * Names a mode in one lower-case word, the one that run directories and reports
 * use, such as `resume`.
 *
 * Returns: (transfer none): the name
 *
 * Since: 1.0
 */
const char *
sng_mode_to_string (SngMode mode)
{
  static const char *const names[] = { "stop", "resume", "continuous", "repeat" };

  g_return_val_if_fail ((guint) mode < G_N_ELEMENTS (names), NULL);

  return names[mode];
}

/**
 * sng_stage_to_string:
 * @stage: a stage
 *
 * Names a stage: `train` or `validate`.
 *
 * Returns: (transfer none): the name
 *
 * Since: 1.0
 */
const char *
sng_stage_to_string (SngStage stage)
{
  static const char *const names[] = { "train", "validate" };

  g_return_val_if_fail ((guint) stage < G_N_ELEMENTS (names), NULL);

  return names[stage];
}

/**
 * sng_verdict_to_string:
 * @verdict: a verdict
 *
 * Names a verdict in capital letters, such as `PASS`.
 *
 * Returns: (transfer none): the name
 *
 * Since: 1.0
 */
const char *
sng_verdict_to_string (SngVerdict verdict)
{
  static const char *const names[] = { "PASS", "DIVERGED", "NONDETERMINISTIC", "INCONCLUSIVE" };

  g_return_val_if_fail ((guint) verdict < G_N_ELEMENTS (names), NULL);

  return names[verdict];
}
