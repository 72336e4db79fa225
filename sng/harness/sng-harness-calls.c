/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "harness/sng-program-private.h"

/**
 * sng_harness_stop:
 * @self: a harness
 * @cancellable: (nullable): ends the run
 * @error: return location for a #GError
 *
 * Trains until the first stop of [property@Sng.Harness:stop-plan] and interrupts the training there. A plan that depends on what
 * CONTINUOUS does needs [method@Sng.Harness.continuous] before.
 *
 * Blocks; the signals are emitted in the calling thread. See
 * [method@Sng.Harness.run_stop_and_go] for all modes and their comparison.
 *
 * Returns: whether the mode ended as it should
 *
 * Since: 1.0
 */
gboolean
sng_harness_stop (SngHarness *self, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (SNG_IS_HARNESS (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return sng_program_perform (&sng_program_stop, self, NULL, NULL, cancellable, error);
}

/**
 * sng_harness_stop_async:
 * @self: a harness
 * @cancellable: (nullable): ends the run
 * @callback: (scope async) (closure user_data): called when the mode has ended
 * @user_data: data for @callback
 *
 * Starts what [method@Sng.Harness.stop] does. With %SNG_ISOLATION_NONE the mode itself runs in the
 * calling thread's main context, and holds it up.
 *
 * Since: 1.0
 */
void
sng_harness_stop_async (SngHarness *self,
                        GCancellable *cancellable,
                        GAsyncReadyCallback callback,
                        gpointer user_data)
{
  g_return_if_fail (SNG_IS_HARNESS (self));

  sng_program_start (&sng_program_stop, self, NULL, NULL, sng_harness_stop_async, cancellable, callback,
                     user_data);
}

/**
 * sng_harness_stop_finish:
 * @self: a harness
 * @result: what the callback was given
 * @error: return location for a #GError
 *
 * Ends what [method@Sng.Harness.stop_async] started.
 *
 * Returns: whether the mode ended as it should
 *
 * Since: 1.0
 */
gboolean
sng_harness_stop_finish (SngHarness *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, sng_harness_stop_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * sng_harness_resume:
 * @self: a harness
 * @cancellable: (nullable): ends the run
 * @error: return location for a #GError
 *
 * Goes on from the newest undamaged checkpoint of [method@Sng.Harness.stop] to the last step.
 *
 * Blocks; the signals are emitted in the calling thread. See
 * [method@Sng.Harness.run_stop_and_go] for all modes and their comparison.
 *
 * Returns: whether the mode ended as it should
 *
 * Since: 1.0
 */
gboolean
sng_harness_resume (SngHarness *self, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (SNG_IS_HARNESS (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return sng_program_perform (&sng_program_resume, self, NULL, NULL, cancellable, error);
}

/**
 * sng_harness_resume_async:
 * @self: a harness
 * @cancellable: (nullable): ends the run
 * @callback: (scope async) (closure user_data): called when the mode has ended
 * @user_data: data for @callback
 *
 * Starts what [method@Sng.Harness.resume] does. With %SNG_ISOLATION_NONE the mode itself runs in the
 * calling thread's main context, and holds it up.
 *
 * Since: 1.0
 */
void
sng_harness_resume_async (SngHarness *self,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_return_if_fail (SNG_IS_HARNESS (self));

  sng_program_start (&sng_program_resume, self, NULL, NULL, sng_harness_resume_async, cancellable, callback,
                     user_data);
}

/**
 * sng_harness_resume_finish:
 * @self: a harness
 * @result: what the callback was given
 * @error: return location for a #GError
 *
 * Ends what [method@Sng.Harness.resume_async] started.
 *
 * Returns: whether the mode ended as it should
 *
 * Since: 1.0
 */
gboolean
sng_harness_resume_finish (SngHarness *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, sng_harness_resume_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * sng_harness_continuous:
 * @self: a harness
 * @cancellable: (nullable): ends the run
 * @error: return location for a #GError
 *
 * Trains from the first step to the last without a stop.
 *
 * Blocks; the signals are emitted in the calling thread. See
 * [method@Sng.Harness.run_stop_and_go] for all modes and their comparison.
 *
 * Returns: whether the mode ended as it should
 *
 * Since: 1.0
 */
gboolean
sng_harness_continuous (SngHarness *self, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (SNG_IS_HARNESS (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return sng_program_perform (&sng_program_continuous, self, NULL, NULL, cancellable, error);
}

/**
 * sng_harness_continuous_async:
 * @self: a harness
 * @cancellable: (nullable): ends the run
 * @callback: (scope async) (closure user_data): called when the mode has ended
 * @user_data: data for @callback
 *
 * Starts what [method@Sng.Harness.continuous] does. With %SNG_ISOLATION_NONE the mode itself runs in the
 * calling thread's main context, and holds it up.
 *
 * Since: 1.0
 */
void
sng_harness_continuous_async (SngHarness *self,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data)
{
  g_return_if_fail (SNG_IS_HARNESS (self));

  sng_program_start (&sng_program_continuous, self, NULL, NULL, sng_harness_continuous_async, cancellable,
                     callback, user_data);
}

/**
 * sng_harness_continuous_finish:
 * @self: a harness
 * @result: what the callback was given
 * @error: return location for a #GError
 *
 * Ends what [method@Sng.Harness.continuous_async] started.
 *
 * Returns: whether the mode ended as it should
 *
 * Since: 1.0
 */
gboolean
sng_harness_continuous_finish (SngHarness *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, sng_harness_continuous_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * sng_harness_run_stop_and_go:
 * @self: a harness
 * @cancellable: (nullable): ends the run
 * @error: return location for a #GError
 *
 * Runs CONTINUOUS, with [property@Sng.Harness:repeat] once more, then STOP and a RESUME for each stop of
 * [property@Sng.Harness:stop-plan], and compares them. Where they differ, the report has a diagnosis
 * ([method@Sng.Report.get_diagnosis]), and, with [property@Sng.Harness:drill-down], a tensor that differs is looked at
 * element by element.
 *
 * That they differ is no error: the report says so. An error means that the check could not be made, and
 * begins with the mode that failed. Blocks; the signals are emitted in the calling thread.
 *
 * In a child process (see [class@Sng.Harness]) this runs one mode and does not return.
 *
 * Returns: (transfer full): the report
 *
 * Since: 1.0
 */
SngReport *
sng_harness_run_stop_and_go (SngHarness *self, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (SNG_IS_HARNESS (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return sng_program_run (sng_harness_get_stop_and_go (self), self, NULL, NULL, cancellable, error);
}

/**
 * sng_harness_run_stop_and_go_async:
 * @self: a harness
 * @cancellable: (nullable): ends the run
 * @callback: (scope async) (closure user_data): called when the report is there
 * @user_data: data for @callback
 *
 * Starts what [method@Sng.Harness.run_stop_and_go] does. With %SNG_ISOLATION_NONE each mode runs in the
 * calling thread's main context, and holds it up.
 *
 * Since: 1.0
 */
void
sng_harness_run_stop_and_go_async (SngHarness *self,
                                   GCancellable *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data)
{
  g_return_if_fail (SNG_IS_HARNESS (self));

  sng_program_start (sng_harness_get_stop_and_go (self), self, NULL, NULL, sng_harness_run_stop_and_go_async,
                     cancellable, callback, user_data);
}

/**
 * sng_harness_run_stop_and_go_finish:
 * @self: a harness
 * @result: what the callback was given
 * @error: return location for a #GError
 *
 * Ends what [method@Sng.Harness.run_stop_and_go_async] started.
 *
 * Returns: (transfer full): the report
 *
 * Since: 1.0
 */
SngReport *
sng_harness_run_stop_and_go_finish (SngHarness *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, sng_harness_run_stop_and_go_async), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
