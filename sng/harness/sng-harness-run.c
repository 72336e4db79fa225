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

void
sng_harness_start_plan (SngHarness *self,
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
