/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sng-cli-private.h"
#include "sng-demo-harness.h"
#include "sng-progress-bar.h"

#include <glib-unix.h>
#include <signal.h>
#include <unistd.h>

#define DEFAULT_STEPS 10
#define MAX_THREADS 1024
#define VAL_CHECK_INTERVAL 4

typedef struct
{
  char *fasta;
  char *text;
  char *optimizer;
  char *ema;
  char *precision;
  char *output;
  gint64 steps;
  gint64 stop_at;
  gint64 seed;
  gint64 threads;
  gboolean json;
  gboolean repeat;
} Options;

/* One run, from its start to its exit code. */
typedef struct
{
  const Options *options;
  GMainLoop *loop;
  GCancellable *cancellable;
  SngProgressBar *bar;
  guint64 done; /* steps of the modes before this one */
  guint64 mode_start;
  guint64 mode_end;
  int signal;
  SngReport *report;
  GError *error;
} Demo;

static void
options_clear (Options *options)
{
  g_free (options->fasta);
  g_free (options->text);
  g_free (options->optimizer);
  g_free (options->ema);
  g_free (options->precision);
  g_free (options->output);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

static gboolean
parse_options (int argc, char **argv, Options *options)
{
  GOptionEntry entries[] = {
    { "fasta", 0, 0, G_OPTION_ARG_FILENAME, &options->fasta,
      N_ ("train an ESM-2 on these proteins (plain or .gz)"), N_ ("FILE") },
    { "text", 0, 0, G_OPTION_ARG_FILENAME, &options->text,
      N_ ("train a GPT on the bytes of this text instead"), N_ ("FILE") },
    { "optimizer", 0, 0, G_OPTION_ARG_STRING, &options->optimizer,
      N_ ("what updates the weights: adamw, or sgd with momentum (adamw)"), N_ ("NAME") },
    { "precision", 0, 0, G_OPTION_ARG_STRING, &options->precision,
      N_ ("what the model computes in: 32, bf16-mixed or 16-mixed (32)"), N_ ("P") },
    { "ema", 0, 0, G_OPTION_ARG_STRING, &options->ema,
      N_ ("average the weights, and validate with the average"), N_ ("DECAY") },
    { "steps", 0, 0, G_OPTION_ARG_INT64, &options->steps, N_ ("how many steps the training has (10)"),
      N_ ("N") },
    { "stop-at", 0, 0, G_OPTION_ARG_INT64, &options->stop_at,
      N_ ("the step after which it is stopped (7 of 10 steps)"), N_ ("K") },
    { "seed", 0, 0, G_OPTION_ARG_INT64, &options->seed, N_ ("the seed of everything random (0)"), N_ ("S") },
    { "threads", 0, 0, G_OPTION_ARG_INT64, &options->threads,
      N_ ("how many threads compute (all processors)"), N_ ("T") },
    { "output", 0, 0, G_OPTION_ARG_FILENAME, &options->output,
      N_ ("keep the runs in this new or empty directory"), N_ ("DIR") },
    { "json", 0, 0, G_OPTION_ARG_NONE, &options->json, N_ ("print only the report, as JSON"), NULL },
    { "repeat", 0, 0, G_OPTION_ARG_NONE, &options->repeat,
      N_ ("train twice without a stop, to tell whether training is deterministic"), NULL },
    { NULL },
  };

  return sng_cli_parse (
      "demo", "",
      _ ("Trains a small model, stops it, resumes it, trains it again without a stop, and compares\n"
         "everything, each in a process of its own. Without a file, the data are 16 proteins\n"
         "that come with the program."),
      _ ("Exit codes: 0 PASS, 1 DIVERGED, 2 NONDETERMINISTIC or INCONCLUSIVE, 3 the check could\n"
         "not be made, 129, 130 or 143 ended by SIGHUP, Ctrl-C or SIGTERM."),
      entries, 0, &argc, &argv);
}

static gboolean
check_range (const char *name, gint64 value, gint64 minimum, gint64 maximum)
{
  if (value >= minimum && value <= maximum)
    return TRUE;

  sng_cli_fail (
      _ ("--%s is %" G_GINT64_FORMAT ", but must be from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT), name,
      value, minimum, maximum);

  return FALSE;
}

static gboolean
find_optimizer (const char *name, SngDemoOptimizer *optimizer)
{
  if (name == NULL || g_str_equal (name, "adamw"))
    *optimizer = SNG_DEMO_ADAMW;
  else if (g_str_equal (name, "sgd"))
    *optimizer = SNG_DEMO_SGD;
  else
    {
      sng_cli_fail (_ ("--optimizer %s: there are adamw and sgd"), name);
      return FALSE;
    }

  return TRUE;
}

static gboolean
check_precision (const char *name)
{
  g_autoptr (GError) error = NULL;

  if (name == NULL || sng_precision_from_string (name, NULL, &error))
    return TRUE;

  sng_cli_fail ("--precision: %s", error->message);

  return FALSE;
}

/* GLib takes a relative path for one below / where the current directory was removed. */
static gboolean
is_nowhere (const char *path)
{
  g_autofree char *current = getcwd (NULL, 0);

  return current == NULL && !g_path_is_absolute (path);
}

/* A child finds the directory as the parent has made it. */
static gboolean
check_output (const char *output)
{
  g_autoptr (GDir) dir = NULL;
  g_autoptr (GError) error = NULL;

  if (output != NULL && *output == '\0')
    {
      sng_cli_fail (_ ("--output: the name of the directory is empty"));
      return FALSE;
    }

  if (output != NULL && is_nowhere (output))
    {
      sng_cli_fail (_ ("--output %s: the current directory does not exist any more"), output);
      return FALSE;
    }

  if (output == NULL || sng_harness_is_child () || !g_file_test (output, G_FILE_TEST_EXISTS))
    return TRUE;

  dir = g_dir_open (output, 0, &error);
  if (dir == NULL)
    {
      sng_cli_fail ("--output: %s", error->message);
      return FALSE;
    }

  if (g_dir_read_name (dir) != NULL)
    {
      sng_cli_fail (_ ("--output: the directory %s is not empty"), output);
      return FALSE;
    }

  return TRUE;
}

static gboolean
check_options (Options *options)
{
  if (options->fasta != NULL && options->text != NULL)
    {
      sng_cli_fail (_ ("--fasta %s and --text %s: only one of them can be trained on"), options->fasta,
                    options->text);
      return FALSE;
    }

  if (!check_range ("steps", options->steps, 2, G_MAXINT))
    return FALSE;

  if (options->stop_at == G_MININT64)
    options->stop_at = MAX (options->steps * 7 / 10, 1);

  return check_range ("stop-at", options->stop_at, 1, options->steps - 1)
         && check_range ("seed", options->seed, 0, G_MAXINT64)
         && (options->threads == G_MININT64 || check_range ("threads", options->threads, 1, MAX_THREADS))
         && check_precision (options->precision) && check_output (options->output);
}

/* Returns: whether there is no decay, or one that an average takes. */
static gboolean
find_ema_decay (const char *text, double *decay)
{
  char *end = NULL;

  if (text == NULL)
    return TRUE;

  *decay = g_ascii_strtod (text, &end);

  if (end == text || *end != '\0' || !(*decay >= 0.0 && *decay < 1.0))
    {
      sng_cli_fail (_ ("--ema %s: the decay must be a number from 0 to below 1"), text);
      return FALSE;
    }

  return TRUE;
}

static SngHarness *
create_harness (const Options *options, SngDemoOptimizer optimizer)
{
  SngHarness *harness = sng_demo_harness_new (options->fasta, options->text, optimizer);

  /* A short training validates more often: each validation is compared with another one at least. */
  g_object_set (harness, "num-steps", (guint) options->steps, "stop-step", (guint) options->stop_at,
                "val-check-interval", (guint) CLAMP (options->steps / 2, 1, VAL_CHECK_INTERVAL), "seed",
                (guint64) options->seed, "n-threads",
                options->threads == G_MININT64 ? 0 : (guint) options->threads, "repeat", options->repeat,
                NULL);

  if (options->precision != NULL)
    g_object_set (harness, "precision", options->precision, NULL);

  /* The run directory is DIR itself. */
  if (options->output != NULL)
    {
      g_autofree char *path = g_canonicalize_filename (options->output, NULL);
      g_autofree char *parent = g_path_get_dirname (path);
      g_autofree char *name = g_path_get_basename (path);

      g_object_set (harness, "root-dir", parent, "exp-name", name, NULL);
    }

  return harness;
}

static void
mode_started_cb (SngHarness *harness, SngMode mode, Demo *demo)
{
  demo->mode_start = mode == SNG_MODE_RESUME ? (guint64) demo->options->stop_at : 0;
  demo->mode_end = (guint64) (mode == SNG_MODE_STOP ? demo->options->stop_at : demo->options->steps);
  sng_progress_bar_update (demo->bar, sng_mode_to_string (mode), demo->done, demo->mode_start,
                           demo->mode_end);
}

static void
progress_cb (SngHarness *harness, SngMode mode, guint64 step, guint64 n_steps, Demo *demo)
{
  sng_progress_bar_update (demo->bar, sng_mode_to_string (mode),
                           demo->done + step - MIN (step, demo->mode_start), step, n_steps);
}

static void
mode_finished_cb (SngHarness *harness, SngMode mode, gboolean success, Demo *demo)
{
  demo->done += demo->mode_end - demo->mode_start;
}

static void
finished_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Demo *demo = user_data;

  demo->report = sng_harness_run_stop_and_go_finish (SNG_HARNESS (source), result, &demo->error);
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

static int
print_report (SngReport *report, gboolean json)
{
  g_autofree char *text = json ? sng_report_to_json (report) : sng_report_to_text (report);

  g_print ("%s%s", text, g_str_has_suffix (text, "\n") ? "" : "\n");

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

  sng_harness_run_stop_and_go_async (harness, demo->cancellable, finished_cb, demo);
  g_main_loop_run (demo->loop);

  for (guint i = 0; i < G_N_ELEMENTS (watches); i++)
    g_clear_handle_id (&watches[i].source, g_source_remove);
}

/* Takes the harness, whose temporary directory is gone before anything is printed: the reader may be gone, too. */
static int
run_demo (SngHarness *harness, const Options *options)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  guint64 n_steps = (guint64) options->steps * (options->repeat ? 3 : 2);
  g_autoptr (SngProgressBar) bar = sng_progress_bar_new (n_steps);
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
    return print_report (report, options->json);

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
  g_auto (Options) options = { .steps = DEFAULT_STEPS, .stop_at = G_MININT64, .threads = G_MININT64 };
  g_autoptr (SngHarness) harness = NULL;
  g_autoptr (SngDataModule) data = NULL;
  g_autoptr (GError) error = NULL;
  SngDemoOptimizer optimizer;
  double ema_decay = 0.0;

  if (!parse_options (argc, argv, &options) || !check_options (&options)
      || !find_optimizer (options.optimizer, &optimizer) || !find_ema_decay (options.ema, &ema_decay))
    return SNG_EXIT_ERROR;

  harness = create_harness (&options, optimizer);
  if (options.ema != NULL)
    sng_demo_harness_set_ema_decay (SNG_DEMO_HARNESS (harness), ema_decay);

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
