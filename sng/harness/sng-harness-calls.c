/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "harness/sng-harness-private.h"

/* ---- Waiting ---- */

typedef struct
{
  GMainContext *context;
  GAsyncResult *result;
} Waiting;

static void
waiting_begin (Waiting *waiting)
{
  waiting->context = g_main_context_new ();
  waiting->result = NULL;
  g_main_context_push_thread_default (waiting->context);
}

static void
waiting_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Waiting *waiting = user_data;

  waiting->result = g_object_ref (result);
}

static void
waiting_run (Waiting *waiting)
{
  while (waiting->result == NULL)
    g_main_context_iteration (waiting->context, TRUE);
}

static void
waiting_end (Waiting *waiting)
{
  g_main_context_pop_thread_default (waiting->context);
  g_clear_object (&waiting->result);
  g_main_context_unref (waiting->context);
}

static gboolean
run_one_mode_and_wait (SngHarness *self,
                       SngMode mode,
                       gpointer source_tag,
                       GCancellable *cancellable,
                       GError **error)
{
  Waiting waiting;
  gboolean succeeded;

  waiting_begin (&waiting);
  sng_harness_start_plan (self, &mode, 1, FALSE, source_tag, cancellable, waiting_cb, &waiting);
  waiting_run (&waiting);
  succeeded = g_task_propagate_boolean (G_TASK (waiting.result), error);
  waiting_end (&waiting);

  return succeeded;
}

/**
 * sng_harness_stop:
 * @self: a harness
 * @cancellable: (nullable): ends the run
 * @error: return location for a #GError
 *
 * Trains until [property@Sng.Harness:stop-step] and interrupts the training there, with a checkpoint.
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

  return run_one_mode_and_wait (self, SNG_MODE_STOP, sng_harness_stop, cancellable, error);
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
  const SngMode mode = SNG_MODE_STOP;

  g_return_if_fail (SNG_IS_HARNESS (self));

  sng_harness_start_plan (self, &mode, 1, FALSE, sng_harness_stop_async, cancellable, callback, user_data);
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

  return run_one_mode_and_wait (self, SNG_MODE_RESUME, sng_harness_resume, cancellable, error);
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
  const SngMode mode = SNG_MODE_RESUME;

  g_return_if_fail (SNG_IS_HARNESS (self));

  sng_harness_start_plan (self, &mode, 1, FALSE, sng_harness_resume_async, cancellable, callback, user_data);
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

  return run_one_mode_and_wait (self, SNG_MODE_CONTINUOUS, sng_harness_continuous, cancellable, error);
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
  const SngMode mode = SNG_MODE_CONTINUOUS;

  g_return_if_fail (SNG_IS_HARNESS (self));

  sng_harness_start_plan (self, &mode, 1, FALSE, sng_harness_continuous_async, cancellable, callback,
                          user_data);
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

/* A stop or a resume that cannot work shows soonest in this order. */
static guint
list_modes (SngHarness *self, SngMode modes[SNG_N_MODES])
{
  guint n = 0;

  modes[n++] = SNG_MODE_STOP;
  modes[n++] = SNG_MODE_RESUME;
  modes[n++] = SNG_MODE_CONTINUOUS;
  if (sng_harness_get_private (self)->repeat)
    modes[n++] = SNG_MODE_REPEAT;

  return n;
}

/**
 * sng_harness_run_stop_and_go:
 * @self: a harness
 * @cancellable: (nullable): ends the run
 * @error: return location for a #GError
 *
 * Runs STOP, RESUME, CONTINUOUS and, with [property@Sng.Harness:repeat], CONTINUOUS once more, and
 * compares them.
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
  SngMode modes[SNG_N_MODES];
  guint n_modes;
  Waiting waiting;
  SngReport *report;

  g_return_val_if_fail (SNG_IS_HARNESS (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  n_modes = list_modes (self, modes);
  waiting_begin (&waiting);
  sng_harness_start_plan (self, modes, n_modes, TRUE, sng_harness_run_stop_and_go, cancellable, waiting_cb,
                          &waiting);
  waiting_run (&waiting);
  report = g_task_propagate_pointer (G_TASK (waiting.result), error);
  waiting_end (&waiting);

  return report;
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
  SngMode modes[SNG_N_MODES];
  guint n_modes;

  g_return_if_fail (SNG_IS_HARNESS (self));

  n_modes = list_modes (self, modes);
  sng_harness_start_plan (self, modes, n_modes, TRUE, sng_harness_run_stop_and_go_async, cancellable,
                          callback, user_data);
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
