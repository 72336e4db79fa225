/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sng-cli-call.h"

#include <glib-unix.h>
#include <signal.h>

#include "sng-cli-private.h"
#include "sng-progress-bar.h"

/* One call, from its start to its exit code. */
typedef struct
{
  const SngCliCall *call;
  GMainLoop *loop;
  GCancellable *cancellable;
  SngProgressBar *bar;
  guint n_running; /* runs side by side */
  int signal;
  SngReport *report;
  GError *error;
} Work;

/* Of one run its own steps, of several those of all. */
static void
show_progress (Work *work, SngHarness *harness, SngMode mode, guint64 step, guint64 n_steps)
{
  const char *name = sng_mode_to_string (mode);
  g_autofree char *activity = NULL;
  guint64 done, total;

  sng_harness_get_work (harness, &done, &total);

  if (work->n_running > 1)
    activity = g_strdup_printf (_ ("%s, %u at a time: %" PRIu64 " of %" PRIu64 " steps in all"), name,
                                work->n_running, done, total);
  else if (n_steps > 0)
    activity = g_strdup_printf (_ ("%s: step %" PRIu64 " of %" PRIu64), name, step, n_steps);
  else
    activity = g_strdup_printf (_ ("%s starts"), name);

  sng_progress_bar_update (work->bar, activity, done, total);
}

static void
mode_started_cb (SngHarness *harness, SngMode mode, Work *work)
{
  work->n_running++;
  show_progress (work, harness, mode, 0, 0);
}

static void
progress_cb (SngHarness *harness, SngMode mode, guint64 step, guint64 n_steps, Work *work)
{
  show_progress (work, harness, mode, step, n_steps);
}

static void
mode_finished_cb (SngHarness *harness, SngMode mode, gboolean success, Work *work)
{
  work->n_running--;
}

static void
finished_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Work *work = user_data;

  work->report = work->call->finish (SNG_HARNESS (source), result, work->call->data, &work->error);
  g_main_loop_quit (work->loop);
}

/* One of the system's signals that end a command. */
typedef struct
{
  Work *work;
  int number;
  guint source;
} Watch;

static gboolean
signal_cb (gpointer user_data)
{
  Watch *watch = user_data;

  watch->work->signal = watch->number;
  g_cancellable_cancel (watch->work->cancellable);

  return G_SOURCE_CONTINUE;
}

/* One that is ignored from the start stays so, as nohup has it. */
static gboolean
is_ignored (int number)
{
  struct sigaction action;

  return sigaction (number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

static void
print_warnings (char **warnings)
{
  for (guint i = 0; warnings[i] != NULL; i++)
    g_printerr (_ ("sng: warning: %s\n"), warnings[i]);
}

/* Runs on the main context, where the signals of the system arrive. A child does not come back from the start of it,
 * and leaves the signals to its parent. */
static void
wait_for_report (Work *work, SngHarness *harness)
{
  Watch watches[] = { { work, SIGINT, 0 }, { work, SIGTERM, 0 }, { work, SIGHUP, 0 } };

  g_signal_connect (harness, "mode-started", G_CALLBACK (mode_started_cb), work);
  g_signal_connect (harness, "mode-finished", G_CALLBACK (mode_finished_cb), work);
  g_signal_connect (harness, "progress", G_CALLBACK (progress_cb), work);

  for (guint i = 0; i < G_N_ELEMENTS (watches); i++)
    {
      if (!sng_harness_is_child () && !is_ignored (watches[i].number))
        watches[i].source = g_unix_signal_add (watches[i].number, signal_cb, &watches[i]);
    }

  work->call->start (harness, work->cancellable, finished_cb, work, work->call->data);
  g_main_loop_run (work->loop);

  for (guint i = 0; i < G_N_ELEMENTS (watches); i++)
    g_clear_handle_id (&watches[i].source, g_source_remove);
}

/* Which of the things that can go wrong with a command this was. */
static int
get_error_code (const GError *error)
{
  if (error->domain != SNG_ERROR)
    return SNG_EXIT_ERROR;

  switch (error->code)
    {
    case SNG_ERROR_TIMED_OUT:
      return SNG_EXIT_TIMED_OUT;
    case SNG_ERROR_NOT_RECORDED:
      return SNG_EXIT_NOT_RECORDED;
    case SNG_ERROR_OTHER_STEPS:
      return SNG_EXIT_OTHER_STEPS;
    case SNG_ERROR_NOT_RESUMED:
      return SNG_EXIT_NOT_RESUMED;
    case SNG_ERROR_CHILD_FAILED:
      return SNG_EXIT_CHILD_FAILED;
    default:
      return SNG_EXIT_ERROR;
    }
}

/* Takes the harness, whose temporary directory is gone before anything is printed: the reader may be gone, too. */
int
sng_cli_call (SngHarness *harness, const SngCliCall *call)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (SngProgressBar) bar = sng_progress_bar_new ();
  g_autoptr (SngReport) report = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) warnings = NULL;
  Work work = { .call = call, .loop = loop, .cancellable = cancellable, .bar = bar };

  wait_for_report (&work, harness);
  report = work.report;
  error = work.error;
  warnings = sng_harness_dup_warnings (harness);
  g_object_unref (harness);

  sng_progress_bar_clear (bar);
  print_warnings (warnings);

  if (report != NULL)
    return sng_report_options_print (call->options, report);

  if (work.signal != 0)
    {
      sng_cli_fail (_ ("interrupted"));
      return 128 + work.signal;
    }

  sng_cli_fail ("%s", error->message);

  return call->has_codes ? get_error_code (error) : SNG_EXIT_ERROR;
}
