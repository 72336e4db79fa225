/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "harness/sng-harness-private.h"

#include "harness/sng-child-private.h"
#include "sng-error.h"

/* The modes of one call, one after the other. */
typedef struct
{
  SngMode modes[SNG_N_MODES];
  guint n_modes;
  guint next;
  gboolean judge; /* compare them, and return the report */
  gboolean is_set_up;
} Plan;

static void run_next_mode (GTask *task);

/* ---- One call ---- */

/* Ends the call: with an error, or with what it was asked for. A failed call leaves nothing behind that nobody asked to
 * keep. */
static void
finish_plan (GTask *task, GError *error)
{
  SngHarness *self = g_task_get_source_object (task);
  SngHarnessPrivate *priv = sng_harness_get_private (self);
  Plan *plan = g_task_get_task_data (task);

  if (plan->is_set_up)
    sng_harness_teardown (self, error == NULL ? &error : NULL);

  priv->running = FALSE;

  if (error != NULL)
    {
      if (plan->judge)
        g_clear_object (&priv->report);
      sng_harness_remove_run_directory (self);
      g_task_return_error (task, error);
    }
  else if (plan->judge)
    g_task_return_pointer (task, g_object_ref (priv->report), g_object_unref);
  else
    g_task_return_boolean (task, TRUE);
}

static void
judge (GTask *task)
{
  SngHarness *self = g_task_get_source_object (task);
  SngHarnessPrivate *priv = sng_harness_get_private (self);
  g_autofree char *path = g_build_filename (priv->run_directory, "report.json", NULL);
  g_autoptr (GListModel) metrics = NULL;
  GError *error = NULL;

  priv->report = sng_harness_judge (self, &error);

  if (priv->report == NULL || !sng_report_save (priv->report, path, &error))
    {
      finish_plan (task, error);
      return;
    }

  metrics = g_object_ref (sng_report_get_metrics (priv->report));
  for (guint i = 0; i < g_list_model_get_n_items (metrics); i++)
    {
      g_autoptr (SngMetricResult) result = g_list_model_get_item (metrics, i);
      SngDivergence *divergence = sng_metric_result_get_first_divergence (result);

      if (divergence != NULL)
        sng_harness_emit_divergence (self, divergence);
    }

  finish_plan (task, NULL);
}

/* Step by step forward, whatever a trainer or a pipe delivers. */
static void
progress_cb (guint64 step, guint64 n_steps, gpointer user_data)
{
  GTask *task = user_data;
  SngHarness *self = g_task_get_source_object (task);
  SngHarnessPrivate *priv = sng_harness_get_private (self);
  Plan *plan = g_task_get_task_data (task);

  if (step > priv->last_progress)
    {
      priv->last_progress = step;
      sng_harness_emit_progress (self, plan->modes[plan->next], step, n_steps);
    }
}

static void
finish_mode (GTask *task, GError *error)
{
  SngHarness *self = g_task_get_source_object (task);
  Plan *plan = g_task_get_task_data (task);
  SngMode mode = plan->modes[plan->next];

  sng_harness_emit_mode_finished (self, mode, error == NULL);

  if (error != NULL)
    {
      g_prefix_error (&error, "[harness][%s] ", sng_mode_to_string (mode));
      finish_plan (task, error);
      return;
    }

  plan->next++;
  run_next_mode (task);
}

static void
child_finished_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  sng_child_run_finish (result, &error);
  finish_mode (task, error);
}

static gboolean
run_in_process_cb (gpointer user_data)
{
  GTask *task = user_data;
  SngHarness *self = g_task_get_source_object (task);
  Plan *plan = g_task_get_task_data (task);
  GError *error = NULL;

  if (!plan->is_set_up && sng_harness_setup (self, &error))
    plan->is_set_up = TRUE;

  if (error == NULL)
    sng_harness_run_mode (self, plan->modes[plan->next], progress_cb, task, g_task_get_cancellable (task),
                          &error);
  finish_mode (task, error);

  return G_SOURCE_REMOVE;
}

static void
start_mode (GTask *task, SngMode mode)
{
  SngHarness *self = g_task_get_source_object (task);
  SngHarnessPrivate *priv = sng_harness_get_private (self);
  g_autoptr (GSource) source = NULL;
  GError *error = NULL;

  priv->last_progress = 0;
  g_clear_pointer (&priv->callbacks[mode], g_ptr_array_unref);
  sng_harness_emit_mode_started (self, mode);

  if (!sng_harness_clear_mode_directory (self, mode, &error))
    finish_mode (task, error);
  else if (priv->isolation == SNG_ISOLATION_PROCESS)
    sng_child_run_async (self, mode, progress_cb, task, g_task_get_cancellable (task), child_finished_cb,
                         g_object_ref (task));
  else
    {
      source = g_idle_source_new ();
      g_source_set_priority (source, G_PRIORITY_DEFAULT);
      g_task_attach_source (task, source, run_in_process_cb);
    }
}

static void
run_next_mode (GTask *task)
{
  Plan *plan = g_task_get_task_data (task);
  GError *error = NULL;

  if (g_cancellable_is_cancelled (g_task_get_cancellable (task)))
    {
      g_set_error_literal (&error, SNG_ERROR, SNG_ERROR_CANCELLED, "[harness] cancelled");
      finish_plan (task, error);
    }
  else if (plan->next < plan->n_modes)
    start_mode (task, plan->modes[plan->next]);
  else if (plan->judge)
    judge (task);
  else
    finish_plan (task, NULL);
}

static gboolean
begin_plan (SngHarness *self, GError **error)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);

  if (priv->running)
    {
      g_set_error_literal (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                           "[harness] a run is under way: a harness has one at a time");
      return FALSE;
    }

  if (sng_child_get_request () != NULL)
    {
      sng_child_serve (self, error);
      return FALSE;
    }

  if (!sng_harness_check_settings (self, error) || !sng_harness_make_run_directory (self, error))
    return FALSE;

  if (!sng_harness_write_plan (self, error))
    {
      sng_harness_remove_run_directory (self);
      return FALSE;
    }

  priv->running = TRUE;
  g_ptr_array_set_size (priv->warnings, 0);

  return TRUE;
}

static void
start_plan (SngHarness *self,
            const SngMode *modes,
            guint n_modes,
            gboolean is_judged,
            gpointer source_tag,
            GCancellable *cancellable,
            GAsyncReadyCallback callback,
            gpointer user_data)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  Plan *plan = g_new0 (Plan, 1);
  GError *error = NULL;

  g_task_set_source_tag (task, source_tag);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, plan, g_free);
  plan->n_modes = n_modes;
  plan->judge = is_judged;
  for (guint i = 0; i < n_modes; i++)
    plan->modes[i] = modes[i];

  if (is_judged && !priv->running)
    g_clear_object (&priv->report);

  if (!begin_plan (self, &error))
    {
      g_task_return_error (task, error);
      return;
    }

  run_next_mode (task);
}

/* ---- The same, waited for ---- */

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
  start_plan (self, &mode, 1, FALSE, source_tag, cancellable, waiting_cb, &waiting);
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

  start_plan (self, &mode, 1, FALSE, sng_harness_stop_async, cancellable, callback, user_data);
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

  start_plan (self, &mode, 1, FALSE, sng_harness_resume_async, cancellable, callback, user_data);
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

  start_plan (self, &mode, 1, FALSE, sng_harness_continuous_async, cancellable, callback, user_data);
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
  start_plan (self, modes, n_modes, TRUE, sng_harness_run_stop_and_go, cancellable, waiting_cb, &waiting);
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
  start_plan (self, modes, n_modes, TRUE, sng_harness_run_stop_and_go_async, cancellable, callback,
              user_data);
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
