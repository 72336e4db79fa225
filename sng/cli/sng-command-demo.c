/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sng-cli-private.h"
#include "sng-demo-options.h"
#include "sng-progress-bar.h"

#include <glib-unix.h>
#include <signal.h>

/* One run, from its start to its exit code. */
typedef struct
{
  const SngDemoOptions *options;
  GMainLoop *loop;
  GCancellable *cancellable;
  SngProgressBar *bar;
  guint n_running; /* runs side by side */
  int signal;
  SngReport *report;
  GError *error;
} Demo;

/* Of one run its own steps, of several those of all. */
static void
show_progress (Demo *demo, SngHarness *harness, SngMode mode, guint64 step, guint64 n_steps)
{
  const char *name = sng_mode_to_string (mode);
  g_autofree char *activity = NULL;
  guint64 done, total;

  sng_harness_get_work (harness, &done, &total);

  if (demo->n_running > 1)
    activity = g_strdup_printf (_ ("%s, %u at a time: %" PRIu64 " of %" PRIu64 " steps in all"), name,
                                demo->n_running, done, total);
  else if (n_steps > 0)
    activity = g_strdup_printf (_ ("%s: step %" PRIu64 " of %" PRIu64), name, step, n_steps);
  else
    activity = g_strdup_printf (_ ("%s starts"), name);

  sng_progress_bar_update (demo->bar, activity, done, total);
}

static void
mode_started_cb (SngHarness *harness, SngMode mode, Demo *demo)
{
  demo->n_running++;
  show_progress (demo, harness, mode, 0, 0);
}

static void
progress_cb (SngHarness *harness, SngMode mode, guint64 step, guint64 n_steps, Demo *demo)
{
  show_progress (demo, harness, mode, step, n_steps);
}

static void
mode_finished_cb (SngHarness *harness, SngMode mode, gboolean success, Demo *demo)
{
  demo->n_running--;
}

static void
start (Demo *demo, SngHarness *harness, GAsyncReadyCallback callback)
{
  switch (demo->options->task)
    {
    case SNG_DEMO_SWEEP:
      sng_harness_run_sweep_async (harness, demo->cancellable, callback, demo);
      break;
    case SNG_DEMO_FAULTS:
      sng_harness_run_faults_async (harness, (const char *const *) demo->options->faults, demo->cancellable,
                                    callback, demo);
      break;
    case SNG_DEMO_ACCUMULATION:
      sng_harness_run_accumulation_async (harness, (const char *const *) demo->options->plans,
                                          demo->cancellable, callback, demo);
      break;
    case SNG_DEMO_STOP_AND_GO:
    default:
      sng_harness_run_stop_and_go_async (harness, demo->cancellable, callback, demo);
    }
}

static SngReport *
finish (Demo *demo, SngHarness *harness, GAsyncResult *result)
{
  switch (demo->options->task)
    {
    case SNG_DEMO_SWEEP:
      return sng_harness_run_sweep_finish (harness, result, &demo->error);
    case SNG_DEMO_FAULTS:
      return sng_harness_run_faults_finish (harness, result, &demo->error);
    case SNG_DEMO_ACCUMULATION:
      return sng_harness_run_accumulation_finish (harness, result, &demo->error);
    case SNG_DEMO_STOP_AND_GO:
    default:
      return sng_harness_run_stop_and_go_finish (harness, result, &demo->error);
    }
}

static void
finished_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Demo *demo = user_data;

  demo->report = finish (demo, SNG_HARNESS (source), result);
  g_main_loop_quit (demo->loop);
}

/* One of the system's signals that end a command. */
typedef struct
{
  Demo *demo;
  int number;
  guint source;
} Watch;

static gboolean
signal_cb (gpointer user_data)
{
  Watch *watch = user_data;

  watch->demo->signal = watch->number;
  g_cancellable_cancel (watch->demo->cancellable);

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

static char *
format_report (SngReport *report, SngReportFormat format)
{
  switch (format)
    {
    case SNG_REPORT_FORMAT_JSON:
      return sng_report_to_json (report);
    case SNG_REPORT_FORMAT_TAP:
      return sng_report_to_tap (report);
    default:
      return sng_report_to_text (report);
    }
}

static gboolean
save_report (SngReport *report, const char *path, SngReportFormat format)
{
  g_autoptr (GError) error = NULL;

  if (path == NULL || sng_report_save (report, path, format, &error))
    return TRUE;

  sng_cli_fail ("%s", error->message);

  return FALSE;
}

static int
print_report (SngReport *report, const SngDemoOptions *options)
{
  g_autofree char *text = format_report (report, options->format);

  g_print ("%s%s", text, g_str_has_suffix (text, "\n") ? "" : "\n");

  if (!save_report (report, options->html, SNG_REPORT_FORMAT_HTML)
      || !save_report (report, options->junit, SNG_REPORT_FORMAT_JUNIT))
    return SNG_EXIT_ERROR;

  switch (sng_report_get_verdict (report))
    {
    case SNG_VERDICT_PASS:
      return SNG_EXIT_PASS;
    case SNG_VERDICT_DIVERGED:
      return SNG_EXIT_DIFFERENT;
    case SNG_VERDICT_NONDETERMINISTIC:
    case SNG_VERDICT_INCONCLUSIVE:
    default:
      return SNG_EXIT_INCONCLUSIVE;
    }
}

/* Runs on the main context, where the signals of the system arrive. A child does not come back from the start of it,
 * and leaves the signals to its parent. */
static void
wait_for_report (Demo *demo, SngHarness *harness)
{
  Watch watches[] = { { demo, SIGINT, 0 }, { demo, SIGTERM, 0 }, { demo, SIGHUP, 0 } };

  g_signal_connect (harness, "mode-started", G_CALLBACK (mode_started_cb), demo);
  g_signal_connect (harness, "mode-finished", G_CALLBACK (mode_finished_cb), demo);
  g_signal_connect (harness, "progress", G_CALLBACK (progress_cb), demo);

  for (guint i = 0; i < G_N_ELEMENTS (watches); i++)
    {
      if (!sng_harness_is_child () && !is_ignored (watches[i].number))
        watches[i].source = g_unix_signal_add (watches[i].number, signal_cb, &watches[i]);
    }

  start (demo, harness, finished_cb);
  g_main_loop_run (demo->loop);

  for (guint i = 0; i < G_N_ELEMENTS (watches); i++)
    g_clear_handle_id (&watches[i].source, g_source_remove);
}

/* Takes the harness, whose temporary directory is gone before anything is printed: the reader may be gone, too. */
static int
run_demo (SngHarness *harness, const SngDemoOptions *options)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (SngProgressBar) bar = sng_progress_bar_new ();
  g_autoptr (SngReport) report = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) warnings = NULL;
  Demo demo = { .options = options, .loop = loop, .cancellable = cancellable, .bar = bar };

  wait_for_report (&demo, harness);
  report = demo.report;
  error = demo.error;
  warnings = sng_harness_dup_warnings (harness);
  g_object_unref (harness);

  sng_progress_bar_clear (bar);
  print_warnings (warnings);

  if (report != NULL)
    return print_report (report, options);

  if (demo.signal != 0)
    {
      sng_cli_fail (_ ("interrupted"));
      return 128 + demo.signal;
    }

  return sng_cli_fail ("%s", error->message);
}

int
sng_command_demo (int argc, char **argv)
{
  g_auto (SngDemoOptions) options = { 0 };
  g_autoptr (SngHarness) harness = NULL;
  g_autoptr (SngDataModule) data = NULL;
  g_autoptr (GError) error = NULL;

  if (!sng_demo_options_parse (&options, argc, argv))
    return SNG_EXIT_ERROR;

  harness = sng_demo_options_create_harness (&options);

  /* A file that cannot be used is better told now than by a child. */
  if (!sng_harness_is_child ())
    {
      data = sng_demo_harness_create_data (SNG_DEMO_HARNESS (harness), &error);
      if (data == NULL)
        return sng_cli_fail ("%s", error->message);
      g_clear_object (&data);
    }

  return run_demo (g_steal_pointer (&harness), &options);
}
