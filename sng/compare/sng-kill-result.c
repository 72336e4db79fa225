/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "compare/sng-kill-result-private.h"

/**
 * SngKillOutcome:
 * @SNG_KILL_OUTCOME_PASS: the training went on where it had been, and came to the same result
 * @SNG_KILL_OUTCOME_LOST_WORK: it came to the same result, and did something once more that it had done already: it went
 *   on from an older complete checkpoint, or began anew
 * @SNG_KILL_OUTCOME_HARD_FAIL: it could not go on
 * @SNG_KILL_OUTCOME_SILENT_DIVERGENCE: it went on, ended well, and came to another result
 *
 * What a training makes of a kill in the midst of a save.
 *
 * Since: 1.0
 */

/**
 * SngKillResult:
 *
 * What became of a training that was killed right before one of its file operations, and resumed: a line
 * of the table of a [class@Sng.Report] on kills.
 *
 * Since: 1.0
 */
struct _SngKillResult
{
  GObject parent_instance;

  guint64 number;
  char *operation;
  char *path;
  char *other_path;
  SngKillOutcome outcome;
  char *detail;
};

G_DEFINE_FINAL_TYPE (SngKillResult, sng_kill_result, G_TYPE_OBJECT)

static void
sng_kill_result_finalize (GObject *object)
{
  SngKillResult *self = SNG_KILL_RESULT (object);

  g_free (self->operation);
  g_free (self->path);
  g_free (self->other_path);
  g_free (self->detail);

  G_OBJECT_CLASS (sng_kill_result_parent_class)->finalize (object);
}

static void
sng_kill_result_class_init (SngKillResultClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sng_kill_result_finalize;
}

static void
sng_kill_result_init (SngKillResult *self)
{
}

SngKillResult *
sng_kill_result_new (guint64 number, const char *operation, const char *path, const char *other)
{
  SngKillResult *self = g_object_new (SNG_TYPE_KILL_RESULT, NULL);

  self->number = number;
  self->operation = g_strdup (operation);
  self->path = g_strdup (path);
  self->other_path = g_strdup (other);

  return self;
}

void
sng_kill_result_set_outcome (SngKillResult *self, SngKillOutcome outcome, const char *detail)
{
  char *copy = g_strdup (detail);

  self->outcome = outcome;
  g_free (self->detail);
  self->detail = copy;
}

char *
sng_kill_result_dup_place (SngKillResult *self)
{
  return g_strdup_printf ("%" G_GUINT64_FORMAT " %s %s%s%s", self->number, self->operation, self->path,
                          self->other_path != NULL ? " to " : "",
                          self->other_path != NULL ? self->other_path : "");
}

SngVerdict
sng_kill_result_get_verdict (SngKillResult *self)
{
  return self->outcome <= SNG_KILL_OUTCOME_LOST_WORK ? SNG_VERDICT_PASS : SNG_VERDICT_DIVERGED;
}

/**
 * sng_kill_outcome_to_string:
 * @outcome: an outcome
 *
 * Gets the name of an outcome.
 *
 * Returns: (transfer none): `PASS`, `LOST WORK`, `HARD FAIL` or `SILENT DIVERGENCE`
 *
 * Since: 1.0
 */
const char *
sng_kill_outcome_to_string (SngKillOutcome outcome)
{
  static const char *const names[] = { "PASS", "LOST WORK", "HARD FAIL", "SILENT DIVERGENCE" };

  g_return_val_if_fail ((guint) outcome < G_N_ELEMENTS (names), NULL);

  return names[outcome];
}

/**
 * sng_kill_result_get_number:
 * @self: a kill's result
 *
 * Gets before which file operation of the training it was killed.
 *
 * Returns: the number of the operation, from 1
 *
 * Since: 1.0
 */
guint64
sng_kill_result_get_number (SngKillResult *self)
{
  g_return_val_if_fail (SNG_IS_KILL_RESULT (self), 0);

  return self->number;
}

/**
 * sng_kill_result_get_operation:
 * @self: a kill's result
 *
 * Gets what the training was about to do.
 *
 * Returns: (transfer none): the name of the call, such as `rename` or `fsync`
 *
 * Since: 1.0
 */
const char *
sng_kill_result_get_operation (SngKillResult *self)
{
  g_return_val_if_fail (SNG_IS_KILL_RESULT (self), NULL);

  return self->operation;
}

/**
 * sng_kill_result_get_path:
 * @self: a kill's result
 *
 * Gets the file that the operation is about, or the first of two.
 *
 * Returns: (transfer none): the path, relative to the directory whose operations were counted
 *
 * Since: 1.0
 */
const char *
sng_kill_result_get_path (SngKillResult *self)
{
  g_return_val_if_fail (SNG_IS_KILL_RESULT (self), NULL);

  return self->path;
}

/**
 * sng_kill_result_get_other_path:
 * @self: a kill's result
 *
 * Gets the second file of an operation on two, such as a rename.
 *
 * Returns: (transfer none) (nullable): the path, as that of [method@Sng.KillResult.get_path], or %NULL
 *
 * Since: 1.0
 */
const char *
sng_kill_result_get_other_path (SngKillResult *self)
{
  g_return_val_if_fail (SNG_IS_KILL_RESULT (self), NULL);

  return self->other_path;
}

/**
 * sng_kill_result_get_outcome:
 * @self: a kill's result
 *
 * Gets what the training made of the kill.
 *
 * Returns: the outcome
 *
 * Since: 1.0
 */
SngKillOutcome
sng_kill_result_get_outcome (SngKillResult *self)
{
  g_return_val_if_fail (SNG_IS_KILL_RESULT (self), SNG_KILL_OUTCOME_PASS);

  return self->outcome;
}

/**
 * sng_kill_result_get_detail:
 * @self: a kill's result
 *
 * Gets what the outcome is known by.
 *
 * Returns: (transfer none) (nullable): how much was done once more, why the training could not go on, or where it differs first;
 *   %NULL where there is nothing to say
 *
 * Since: 1.0
 */
const char *
sng_kill_result_get_detail (SngKillResult *self)
{
  g_return_val_if_fail (SNG_IS_KILL_RESULT (self), NULL);

  return self->detail;
}
