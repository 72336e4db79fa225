/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "compare/sng-fault-result-private.h"

/**
 * SngFaultResult:
 *
 * What became of one fault that was planted on purpose: a line of the table of
 * a [class@Sng.Report] on faults.
 *
 * A fault is *found* when the check did not pass with it, and *missed* when it
 * did. It is *not planted* when nothing was lost by it, since what it damages
 * equals its default at that point, or when the training has nothing that it
 * could damage; then it counts for nothing.
 *
 * Since: 1.0
 */
struct _SngFaultResult
{
  GObject parent_instance;

  char *id;
  char *title;
  char *state;
  SngCause expected_cause;
  gboolean planted;
  gboolean detected;
  gboolean found_by_original;
  char *reason;
  char *found_by;
  char *metric;
  gint64 step;
  SngCause cause;
  char *diagnosis;
};

G_DEFINE_FINAL_TYPE (SngFaultResult, sng_fault_result, G_TYPE_OBJECT)

static void
sng_fault_result_finalize (GObject *object)
{
  SngFaultResult *self = SNG_FAULT_RESULT (object);

  g_free (self->id);
  g_free (self->title);
  g_free (self->state);
  g_free (self->reason);
  g_free (self->found_by);
  g_free (self->metric);
  g_free (self->diagnosis);

  G_OBJECT_CLASS (sng_fault_result_parent_class)->finalize (object);
}

static void
sng_fault_result_class_init (SngFaultResultClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sng_fault_result_finalize;
}

static void
sng_fault_result_init (SngFaultResult *self)
{
  self->planted = TRUE;
  self->step = -1;
  self->cause = SNG_CAUSE_UNKNOWN;
}

SngFaultResult *
sng_fault_result_new (const char *id, const char *title, const char *state, SngCause expected_cause)
{
  SngFaultResult *self = g_object_new (SNG_TYPE_FAULT_RESULT, NULL);

  self->id = g_strdup (id);
  self->title = g_strdup (title);
  self->state = g_strdup (state);
  self->expected_cause = expected_cause;

  return self;
}

static void
set_string (char **string, const char *value)
{
  char *copy = g_strdup (value);

  g_free (*string);
  *string = copy;
}

void
sng_fault_result_set_not_planted (SngFaultResult *self, const char *reason)
{
  self->planted = FALSE;
  set_string (&self->reason, reason);
}

void
sng_fault_result_set_detected (SngFaultResult *self, const char *metric, gint64 step)
{
  self->detected = TRUE;
  set_string (&self->found_by, metric);
  set_string (&self->metric, metric);
  self->step = step;
}

void
sng_fault_result_set_failed (SngFaultResult *self, const char *found_by)
{
  self->detected = TRUE;
  set_string (&self->found_by, found_by);
}

void
sng_fault_result_set_diagnosis (SngFaultResult *self, SngCause cause, const char *sentence)
{
  self->cause = cause;
  set_string (&self->diagnosis, sentence);
}

void
sng_fault_result_set_found_by_original (SngFaultResult *self, gboolean found_by_original)
{
  self->found_by_original = found_by_original;
}

/**
 * sng_fault_result_get_id:
 * @self: a fault's result
 *
 * Gets the id of the fault.
 *
 * Returns: (transfer none): the id, such as `lr-reset` or `drop:optimizer`
 *
 * Since: 1.0
 */
const char *
sng_fault_result_get_id (SngFaultResult *self)
{
  g_return_val_if_fail (SNG_IS_FAULT_RESULT (self), NULL);

  return self->id;
}

/**
 * sng_fault_result_get_title:
 * @self: a fault's result
 *
 * Gets what the fault is.
 *
 * Returns: (transfer none) (nullable): a sentence, or %NULL
 *
 * Since: 1.0
 */
const char *
sng_fault_result_get_title (SngFaultResult *self)
{
  g_return_val_if_fail (SNG_IS_FAULT_RESULT (self), NULL);

  return self->title;
}

/**
 * sng_fault_result_get_state:
 * @self: a fault's result
 *
 * Gets what the fault damages.
 *
 * Returns: (transfer none) (nullable): the name of a piece of the training's state, such as
 *   `optimizer`, or %NULL for a fault of something else
 *
 * Since: 1.0
 */
const char *
sng_fault_result_get_state (SngFaultResult *self)
{
  g_return_val_if_fail (SNG_IS_FAULT_RESULT (self), NULL);

  return self->state;
}

/**
 * sng_fault_result_get_expected_cause:
 * @self: a fault's result
 *
 * Gets which diagnosis would be the right one.
 *
 * Returns: the class of cause
 *
 * Since: 1.0
 */
SngCause
sng_fault_result_get_expected_cause (SngFaultResult *self)
{
  g_return_val_if_fail (SNG_IS_FAULT_RESULT (self), SNG_CAUSE_UNKNOWN);

  return self->expected_cause;
}

/**
 * sng_fault_result_get_planted:
 * @self: a fault's result
 *
 * Gets whether something was lost by the fault.
 *
 * Returns: %TRUE, or %FALSE with a [method@Sng.FaultResult.get_reason]
 *
 * Since: 1.0
 */
gboolean
sng_fault_result_get_planted (SngFaultResult *self)
{
  g_return_val_if_fail (SNG_IS_FAULT_RESULT (self), FALSE);

  return self->planted;
}

/**
 * sng_fault_result_get_detected:
 * @self: a fault's result
 *
 * Gets whether the check noticed the fault.
 *
 * Returns: %TRUE for a fault that was planted and found
 *
 * Since: 1.0
 */
gboolean
sng_fault_result_get_detected (SngFaultResult *self)
{
  g_return_val_if_fail (SNG_IS_FAULT_RESULT (self), FALSE);

  return self->detected;
}

/**
 * sng_fault_result_get_reason:
 * @self: a fault's result
 *
 * Gets why the fault was not planted.
 *
 * Returns: (transfer none) (nullable): a string in one line, or %NULL for one that was planted
 *
 * Since: 1.0
 */
const char *
sng_fault_result_get_reason (SngFaultResult *self)
{
  g_return_val_if_fail (SNG_IS_FAULT_RESULT (self), NULL);

  return self->reason;
}

/**
 * sng_fault_result_get_found_by:
 * @self: a fault's result
 *
 * Gets what noticed the fault first, for people to read.
 *
 * Returns: (transfer none) (nullable): the name of a metric, `the restore` that refused the
 *   damaged state, or `the failure` of the training; %NULL for a fault that was not found
 *
 * Since: 1.0
 */
const char *
sng_fault_result_get_found_by (SngFaultResult *self)
{
  g_return_val_if_fail (SNG_IS_FAULT_RESULT (self), NULL);

  return self->found_by;
}

/**
 * sng_fault_result_get_metric:
 * @self: a fault's result
 *
 * Gets the metric that noticed the fault first.
 *
 * Returns: (transfer none) (nullable): the name of the metric; %NULL for a fault that was not
 *   found, or that made the restore or the training fail
 *
 * Since: 1.0
 */
const char *
sng_fault_result_get_metric (SngFaultResult *self)
{
  g_return_val_if_fail (SNG_IS_FAULT_RESULT (self), NULL);

  return self->metric;
}

/**
 * sng_fault_result_get_step:
 * @self: a fault's result
 *
 * Gets the global step at which the fault was noticed first.
 *
 * Returns: the step, or -1 where there is no metric
 *
 * Since: 1.0
 */
gint64
sng_fault_result_get_step (SngFaultResult *self)
{
  g_return_val_if_fail (SNG_IS_FAULT_RESULT (self), -1);

  return self->step;
}

/**
 * sng_fault_result_get_cause:
 * @self: a fault's result
 *
 * Gets what the fault was taken for.
 *
 * Returns: the class of cause; %SNG_CAUSE_UNKNOWN for a fault that was not found
 *
 * Since: 1.0
 */
SngCause
sng_fault_result_get_cause (SngFaultResult *self)
{
  g_return_val_if_fail (SNG_IS_FAULT_RESULT (self), SNG_CAUSE_UNKNOWN);

  return self->cause;
}

/**
 * sng_fault_result_get_diagnosis:
 * @self: a fault's result
 *
 * Gets what the fault was taken for, in words.
 *
 * Returns: (transfer none) (nullable): a sentence with the evidence, or %NULL for a fault that was
 *   not found
 *
 * Since: 1.0
 */
const char *
sng_fault_result_get_diagnosis (SngFaultResult *self)
{
  g_return_val_if_fail (SNG_IS_FAULT_RESULT (self), NULL);

  return self->diagnosis;
}

/**
 * sng_fault_result_get_found_by_original:
 * @self: a fault's result
 *
 * Gets whether the rule of the original would have noticed the fault in what was
 * recorded here: an absolute tolerance of 1e-4 and a relative one of 1e-4, for
 * outputs and losses 1e-3, in the metrics that it compares.
 *
 * Returns: whether the original's rule tells the two trainings apart
 *
 * Since: 1.0
 */
gboolean
sng_fault_result_get_found_by_original (SngFaultResult *self)
{
  g_return_val_if_fail (SNG_IS_FAULT_RESULT (self), FALSE);

  return self->found_by_original;
}
