/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The runs of one call, batch after batch. */

#include "harness/sng-program-private.h"

#include <string.h>

#include "harness/sng-child-private.h"
#include "sng-error.h"

typedef struct
{
  const SngProgram *program;
  gpointer data;
  GDestroyNotify data_free;

  GPtrArray *runs;  /* all of them; the others borrow */
  GPtrArray *done;  /* those of the batches before */
  GPtrArray *batch; /* at work */
  guint next;       /* of the batch */
  guint n_running;

  GCancellable *given;       /* the caller's */
  gulong given_handler;      /* that passes it on */
  GCancellable *cancellable; /* ends the runs: for the caller, or when one of them has failed */
  GError *error;             /* the first one */
  gboolean is_set_up;
} Call;

/* One run of a call, while it is at work. */
typedef struct
{
  GTask *task;
  SngRun *run;
  guint64 last_progress;
} Work;

static void start_runs (GTask *task);

static void
call_free (gpointer data)
{
  Call *call = data;

  g_cancellable_disconnect (call->given, call->given_handler);
  g_clear_object (&call->given);
  g_object_unref (call->cancellable);
  g_ptr_array_unref (call->batch);
  g_ptr_array_unref (call->done);
  g_ptr_array_unref (call->runs);
  g_clear_error (&call->error);
  if (call->data_free != NULL)
    call->data_free (call->data);
  g_free (call);
}

static void
work_free (Work *work)
{
  g_object_unref (work->task);
  g_free (work);
}

/* ---- The end of a call ---- */

/* With an error, or with what it was asked for. A failed call leaves nothing behind that nobody asked to keep. */
static void
finish_call (GTask *task, GError *error)
{
  SngHarness *self = g_task_get_source_object (task);
  SngHarnessPrivate *priv = sng_harness_get_private (self);
  Call *call = g_task_get_task_data (task);

  if (call->is_set_up)
    sng_harness_teardown (self, error == NULL ? &error : NULL);

  priv->running = FALSE;

  if (error != NULL)
    {
      if (call->program->judge != NULL)
        g_clear_object (&priv->report);
      sng_harness_remove_run_directory (self);
      g_task_return_error (task, error);
    }
  else if (call->program->judge != NULL)
    g_task_return_pointer (task, g_object_ref (priv->report), g_object_unref);
  else
    g_task_return_boolean (task, TRUE);
}

static void
emit_divergences (SngHarness *self, SngReport *report)
{
  g_autoptr (GListModel) metrics = g_object_ref (sng_report_get_metrics (report));

  for (guint i = 0; i < g_list_model_get_n_items (metrics); i++)
    {
      g_autoptr (SngMetricResult) result = g_list_model_get_item (metrics, i);
      SngDivergence *divergence = sng_metric_result_get_first_divergence (result);

      if (divergence != NULL)
        sng_harness_emit_divergence (self, divergence);
    }
}

static void
judge (GTask *task)
{
  SngHarness *self = g_task_get_source_object (task);
  SngHarnessPrivate *priv = sng_harness_get_private (self);
  Call *call = g_task_get_task_data (task);
  GError *error = NULL;

  priv->report = call->program->judge (self, call->done, call->data, &error);

  if (priv->report != NULL)
    sng_harness_add_seconds (priv->report, call->done);
  if (priv->report != NULL && sng_harness_save_report (self, priv->report, &error))
    emit_divergences (self, priv->report);

  finish_call (task, error);
}

/* ---- One run ---- */

/* Step by step forward, whatever a trainer or a pipe delivers. */
static void
progress_cb (guint64 step, guint64 n_steps, gpointer user_data)
{
  Work *work = user_data;
  SngHarness *self = g_task_get_source_object (work->task);

  if (step > work->last_progress)
    {
      work->last_progress = step;
      work->run->n_steps++;
      sng_harness_get_private (self)->work_done++;
      sng_harness_emit_progress (self, work->run->mode, step, n_steps);
    }
}

/* A run whose name says more than its mode is told by it. */
static const char *
get_place (SngHarness *self, const SngRun *run)
{
  SngStopPlan *plan = sng_harness_get_private (self)->plan;
  gboolean is_one_of_several =
      run->mode == SNG_MODE_RESUME && plan != NULL && sng_stop_plan_get_n_interrupts (plan) > 1;

  return is_one_of_several || strchr (run->name, '/') != NULL ? run->name : sng_mode_to_string (run->mode);
}

/* Takes the work and the error. */
static void
finish_run (Work *work, GError *error)
{
  g_autoptr (GTask) task = g_object_ref (work->task);
  SngHarness *self = g_task_get_source_object (task);
  Call *call = g_task_get_task_data (task);

  sng_harness_emit_mode_finished (self, work->run->mode, error == NULL);
  call->n_running--;

  /* What a fault does to a run, or a kill to the next one, is for the program to judge. */
  if (error != NULL && (work->run->fault != NULL || work->run->may_fail)
      && !g_cancellable_is_cancelled (call->cancellable))
    {
      work->run->failure = g_strdup (error->message);
      g_clear_error (&error);
    }

  if (error != NULL)
    {
      g_prefix_error (&error, "[harness][%s] ", get_place (self, work->run));
      if (call->error == NULL)
        call->error = error;
      else
        g_error_free (error);
    }

  work_free (work);
  start_runs (task);
}

static void
child_finished_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;

  g_task_propagate_boolean (G_TASK (result), &error);
  finish_run (user_data, error);
}

static gboolean
run_in_process_cb (gpointer user_data)
{
  Work *work = user_data;
  SngHarness *self = g_task_get_source_object (work->task);
  Call *call = g_task_get_task_data (work->task);
  gint64 start = g_get_monotonic_time ();
  GError *error = NULL;

  if (!call->is_set_up && sng_harness_setup (self, &error))
    call->is_set_up = TRUE;

  if (error == NULL)
    sng_harness_run_mode (self, work->run, progress_cb, NULL, work, call->cancellable, &error);
  work->run->seconds = (double) (g_get_monotonic_time () - start) / G_USEC_PER_SEC;
  finish_run (work, error);

  return G_SOURCE_REMOVE;
}

/* FALSE, with an error, where it cannot begin. */
static gboolean
start_run (GTask *task, SngRun *run, GError **error)
{
  SngHarness *self = g_task_get_source_object (task);
  SngHarnessPrivate *priv = sng_harness_get_private (self);
  Call *call = g_task_get_task_data (task);
  g_autoptr (GSource) source = NULL;
  Work *work;

  if (!sng_harness_prepare_run (self, run, error))
    {
      g_prefix_error (error, "[harness][%s] ", get_place (self, run));
      return FALSE;
    }

  work = g_new0 (Work, 1);
  work->task = g_object_ref (task);
  work->run = run;
  call->n_running++;
  g_clear_pointer (&priv->callbacks[run->mode], g_ptr_array_unref);
  sng_harness_emit_mode_started (self, run->mode);

  if (priv->runner != NULL)
    {
      priv->runner->make_run_async (self, run, progress_cb, work, call->cancellable, child_finished_cb, work);
      return TRUE;
    }

  if (priv->isolation == SNG_ISOLATION_PROCESS)
    {
      sng_child_run_async (self, run, progress_cb, work, call->cancellable, child_finished_cb, work);
      return TRUE;
    }

  source = g_idle_source_new ();
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, run_in_process_cb, work, NULL);
  g_source_attach (source, g_task_get_context (task));

  return TRUE;
}

/* ---- A call ---- */

static guint
get_n_jobs (SngHarness *self)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);

  if (priv->isolation == SNG_ISOLATION_NONE || priv->runner != NULL)
    return 1;

  return priv->jobs != 0 ? priv->jobs : g_get_num_processors ();
}

/* FALSE where there is none, or with an error. */
static gboolean
take_next_batch (GTask *task, GError **error)
{
  SngHarness *self = g_task_get_source_object (task);
  Call *call = g_task_get_task_data (task);

  for (guint i = 0; i < call->batch->len; i++)
    g_ptr_array_add (call->done, g_ptr_array_index (call->batch, i));
  g_ptr_array_set_size (call->batch, 0);
  call->next = 0;

  if (!call->program->next (self, call->done, call->batch, call->data, error))
    return FALSE;

  for (guint i = 0; i < call->batch->len; i++)
    g_ptr_array_add (call->runs, g_ptr_array_index (call->batch, i));

  return call->batch->len > 0;
}

static void
note_cancelled (Call *call)
{
  if (call->error == NULL && g_cancellable_is_cancelled (call->given))
    g_set_error_literal (&call->error, SNG_ERROR, SNG_ERROR_CANCELLED, "[harness] cancelled");
}

static void
start_runs (GTask *task)
{
  SngHarness *self = g_task_get_source_object (task);
  Call *call = g_task_get_task_data (task);

  note_cancelled (call);

  if (call->error == NULL && call->n_running == 0 && call->next == call->batch->len
      && !take_next_batch (task, &call->error) && call->error == NULL)
    {
      if (call->program->judge != NULL)
        judge (task);
      else
        finish_call (task, NULL);
      return;
    }

  /* Whoever is told of the start of one may cancel: no other one starts then. */
  while (call->error == NULL && call->next < call->batch->len && call->n_running < get_n_jobs (self))
    {
      start_run (task, g_ptr_array_index (call->batch, call->next++), &call->error);
      note_cancelled (call);
    }

  /* Nobody waits for those at work any more. */
  if (call->error != NULL)
    g_cancellable_cancel (call->cancellable);

  if (call->error != NULL && call->n_running == 0)
    finish_call (task, g_steal_pointer (&call->error));
}

/* Of a command nobody knows how to restore what it has saved, and there is nothing to plant a fault into. */
static gboolean
check_runner (SngHarness *self, const SngProgram *program, GError **error)
{
  const SngRunner *runner = sng_harness_get_private (self)->runner;

  if (runner == NULL)
    return TRUE;

  if (program == runner->stop_and_go || program == runner->kills)
    return runner->check_settings (self, error);

  g_set_error (
      error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED,
      "[harness] %s can be stopped and resumed, and nothing else: a training in a loop of its own has no "
      "single modes, no sweep, no faults and no plans of micro-batches",
      G_OBJECT_TYPE_NAME (self));

  return FALSE;
}

static gboolean
begin_call (SngHarness *self, const SngProgram *program, gpointer data, GError **error)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);

  if (priv->running)
    {
      g_set_error_literal (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                           "[harness] a run is under way: a harness has one at a time");
      return FALSE;
    }

  if (program->judge != NULL)
    g_clear_object (&priv->report);

  if (priv->runner == NULL && sng_child_get_request () != NULL)
    {
      sng_child_serve (self, error);
      return FALSE;
    }

  if (!check_runner (self, program, error)
      || !sng_harness_check_settings (self, program->stops == NULL && priv->runner == NULL, error))
    return FALSE;

  g_clear_object (&priv->plan);

  /* A call that judges makes all the runs that it speaks of. */
  if (!sng_harness_make_run_directory (self, error)
      || (program->judge != NULL && !sng_harness_remove_runs (self, error))
      || !sng_harness_write_plan (self, program->stops, error))
    {
      sng_harness_remove_run_directory (self);
      return FALSE;
    }

  priv->running = TRUE;
  priv->work_done = 0;
  priv->work_total = program->count_steps (self, data);
  g_ptr_array_set_size (priv->warnings, 0);

  return TRUE;
}

static void
given_cancelled_cb (GCancellable *given, GCancellable *cancellable)
{
  g_cancellable_cancel (cancellable);
}

void
sng_program_start (const SngProgram *program,
                   SngHarness *self,
                   gpointer data,
                   GDestroyNotify data_free,
                   gpointer source_tag,
                   GCancellable *cancellable,
                   GAsyncReadyCallback callback,
                   gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  Call *call = g_new0 (Call, 1);
  GError *error = NULL;

  call->program = program;
  call->data = program->create_data != NULL ? program->create_data () : data;
  call->data_free = program->create_data != NULL ? program->free_data : data_free;
  call->runs = g_ptr_array_new_with_free_func ((GDestroyNotify) sng_run_free);
  call->done = g_ptr_array_new ();
  call->batch = g_ptr_array_new ();
  call->cancellable = g_cancellable_new ();
  g_set_object (&call->given, cancellable);
  g_task_set_source_tag (task, source_tag);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, call, call_free);

  if (!begin_call (self, program, call->data, &error))
    {
      g_task_return_error (task, error);
      return;
    }

  if (cancellable != NULL)
    call->given_handler = g_cancellable_connect (cancellable, G_CALLBACK (given_cancelled_cb),
                                                 g_object_ref (call->cancellable), g_object_unref);

  start_runs (task);
}

/* ---- Waiting ---- */

static void
waited_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GAsyncResult **waited = user_data;

  *waited = g_object_ref (result);
}

static GTask *
start_and_wait (const SngProgram *program,
                SngHarness *self,
                gpointer data,
                GDestroyNotify data_free,
                GCancellable *cancellable)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  GAsyncResult *result = NULL;

  g_main_context_push_thread_default (context);
  sng_program_start (program, self, data, data_free, sng_program_run, cancellable, waited_cb, &result);
  while (result == NULL)
    g_main_context_iteration (context, TRUE);
  g_main_context_pop_thread_default (context);

  return G_TASK (result);
}

SngReport *
sng_program_run (const SngProgram *program,
                 SngHarness *self,
                 gpointer data,
                 GDestroyNotify data_free,
                 GCancellable *cancellable,
                 GError **error)
{
  g_autoptr (GTask) task = start_and_wait (program, self, data, data_free, cancellable);

  return g_task_propagate_pointer (task, error);
}

gboolean
sng_program_perform (const SngProgram *program,
                     SngHarness *self,
                     gpointer data,
                     GDestroyNotify data_free,
                     GCancellable *cancellable,
                     GError **error)
{
  g_autoptr (GTask) task = start_and_wait (program, self, data, data_free, cancellable);

  return g_task_propagate_boolean (task, error);
}
