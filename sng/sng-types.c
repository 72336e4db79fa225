/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sng-types.h"

#include "sng-error.h"

/* By SngPrecision. */
static const char *const precision_names[] = { "32", "bf16-mixed", "16-mixed", NULL };

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
 * SngPhase:
 * @SNG_PHASE_STEP_START: before anything of a step
 * @SNG_PHASE_FORWARD: after the forward pass of a micro-batch of the training
 * @SNG_PHASE_BACKWARD: after its backward pass
 * @SNG_PHASE_OPTIMIZER: after the optimizer's step, before the schedule's
 * @SNG_PHASE_SCHEDULER: after the schedule's step, before the global step moves on
 * @SNG_PHASE_STEP_FINISHED: after all of a step, its validation and its checkpoint
 *   among it
 * @SNG_PHASE_VALIDATION: after a micro-batch of a validation
 * @SNG_PHASE_SAVE: within the save of a checkpoint, before one of the operations that
 *   change the file system
 *
 * A place within a step of a training.
 *
 * Since: 1.0
 */

/**
 * SngPrecision:
 * @SNG_PRECISION_32: all numbers are binary32
 * @SNG_PRECISION_BF16_MIXED: the operands of products are rounded to bfloat16
 * @SNG_PRECISION_16_MIXED: the operands of products are rounded to binary16;
 *   gradients need a loss scale, since its smallest number is 6e-8 and its
 *   largest one 65504
 *
 * What a model computes in. Rounding is to the nearest number, and to the even
 * one of two that are equally near. In every precision the sums of products,
 * parameters, gradients and moments are binary32.
 *
 * The names are `32`, `bf16-mixed` and `16-mixed`, see
 * [func@Sng.Precision.to_string].
 *
 * Since: 1.0
 */

/**
 * SngMonitorMode:
 * @SNG_MONITOR_MODE_MIN: less is better, as of a loss
 * @SNG_MONITOR_MODE_MAX: more is better, as of an accuracy
 *
 * Which of two monitored values is the better one.
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
 * SngCause:
 * @SNG_CAUSE_UNKNOWN: none that could be told
 * @SNG_CAUSE_RNG: the random numbers of the training are others
 * @SNG_CAUSE_DATA: other samples, or the same ones in another order or in other
 *   windows
 * @SNG_CAUSE_SCHEDULE: the learning rate is that of another step
 * @SNG_CAUSE_OPTIMIZER: the optimizer's moments, steps or groups were lost or
 *   changed
 * @SNG_CAUSE_WEIGHTS: the model's parameters were changed
 * @SNG_CAUSE_SCALER: the loss scale was lost
 * @SNG_CAUSE_AVERAGES: what averages over the training, such as a moving average
 *   of the weights or running statistics, was lost
 * @SNG_CAUSE_COUNTERS: what counts or keeps score of the training was lost: its
 *   steps, its validations, the best of them
 * @SNG_CAUSE_CHECKPOINT: the checkpoint as a whole is not the one that it should
 *   be
 * @SNG_CAUSE_NONDETERMINISM: nothing was lost; the training is no function of
 *   its state
 * @SNG_CAUSE_ENVIRONMENT: the runs had other hardware, drivers, libraries or
 *   settings, so they cannot be compared
 *
 * The class of what went wrong in a resume.
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
 * @SNG_METRIC_OPTIONAL: only the training itself shows whether there is anything to record; where
 *   no run recorded any of it, there is no such metric
 *
 * How a metric is judged.
 *
 * Since: 1.0
 */

/**
 * SngStress:
 * @SNG_STRESS_NONE: nothing is made harder
 * @SNG_STRESS_THREADS: with another number of threads
 * @SNG_STRESS_JITTER: with threads that are held up at random
 * @SNG_STRESS_SLOW_DISK: with checkpoints that are written slowly
 *
 * What makes a run harder without changing its results.
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
 * sng_phase_to_string:
 * @phase: a phase
 *
 * Names a phase in lower-case words with hyphens in between, such as `step-finished`.
 *
 * Returns: (transfer none): the name
 *
 * Since: 1.0
 */
const char *
sng_phase_to_string (SngPhase phase)
{
  static const char *const names[] = { "step-start", "forward",       "backward",   "optimizer",
                                       "scheduler",  "step-finished", "validation", "save" };

  g_return_val_if_fail ((guint) phase < G_N_ELEMENTS (names), NULL);

  return names[phase];
}

/**
 * sng_precision_to_string:
 * @precision: a precision
 *
 * Names a precision: `32`, `bf16-mixed` or `16-mixed`.
 *
 * Returns: (transfer none): the name
 *
 * Since: 1.0
 */
const char *
sng_precision_to_string (SngPrecision precision)
{
  g_return_val_if_fail ((guint) precision < G_N_ELEMENTS (precision_names) - 1, NULL);

  return precision_names[precision];
}

/**
 * sng_precision_from_string:
 * @name: a name, as [func@Sng.Precision.to_string] gives it
 * @precision: (out) (optional): where to put the precision; left alone when there
 *   is none of that name
 * @error: return location for a #GError
 *
 * Looks up a precision by its name. Where there is none, the error is
 * %SNG_ERROR_INVALID_ARGUMENT and lists those that there are.
 *
 * Returns: whether there is one; otherwise @error is set
 *
 * Since: 1.0
 */
gboolean
sng_precision_from_string (const char *name, SngPrecision *precision, GError **error)
{
  g_autofree char *names = NULL;

  g_return_val_if_fail (name != NULL, FALSE);

  for (guint i = 0; precision_names[i] != NULL; i++)
    if (g_str_equal (precision_names[i], name))
      {
        if (precision != NULL)
          *precision = (SngPrecision) i;
        return TRUE;
      }

  names = g_strjoinv (", ", (char **) precision_names);
  g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT, "[precision] there is no \"%s\", there are %s",
               name, names);

  return FALSE;
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

/**
 * sng_cause_to_string:
 * @cause: a cause
 *
 * Names a cause in one lower-case word, such as `schedule`, which is its nick as
 * well.
 *
 * Returns: (transfer none): the name
 *
 * Since: 1.0
 */
const char *
sng_cause_to_string (SngCause cause)
{
  static const char *const names[] = { "unknown",   "rng",        "data",           "schedule",
                                       "optimizer", "weights",    "scaler",         "averages",
                                       "counters",  "checkpoint", "nondeterminism", "environment" };

  g_return_val_if_fail ((guint) cause < G_N_ELEMENTS (names), NULL);

  return names[cause];
}
