/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sng-check-options.h"

#include "sng-cli-private.h"

#define MAX_TIMEOUT (G_MAXINT / 1000)

/* What stands on the command line and becomes something else. */
typedef struct
{
  char *stop_command;
  char *resume_command;
  char *tolerance;
  gboolean every_step;
  gint64 steps;
  gint64 stop_at;
  gint64 timeout;
  gint64 kill_every;
} Arguments;

static void
arguments_clear (Arguments *self)
{
  g_free (self->stop_command);
  g_free (self->resume_command);
  g_free (self->tolerance);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Arguments, arguments_clear)

static gboolean
read_line (SngCheckOptions *self, Arguments *arguments, int argc, char **argv)
{
  g_autofree GOptionEntry *report_entries = sng_report_options_get_entries (&self->report);
  GOptionEntry entries[] = {
    { "steps", 0, 0, G_OPTION_ARG_INT64, &arguments->steps,
      N_ ("how many steps the training must have (as many as it makes)"), N_ ("N") },
    { "stop-at", 0, 0, G_OPTION_ARG_INT64, &arguments->stop_at,
      N_ ("the step after which it is stopped (the one in the middle)"), N_ ("K") },
    { "stops", 0, 0, G_OPTION_ARG_STRING, &self->stops,
      N_ ("any number of stops: 7, or 4:kill,7:preempt, or random:SEED:N"), N_ ("PLAN") },
    { "every-step", 0, 0, G_OPTION_ARG_NONE, &arguments->every_step,
      N_ ("stop after every step, one after the other"), NULL },
    { "checkpoint-dir", 0, 0, G_OPTION_ARG_FILENAME, &self->checkpoint_dir,
      N_ ("where COMMAND always writes; new or empty (a directory that it is told)"), N_ ("DIR") },
    { "stop-command", 0, 0, G_OPTION_ARG_STRING, &arguments->stop_command,
      N_ ("what is run to be stopped, if COMMAND records nothing; it ends by itself"), N_ ("LINE") },
    { "resume-command", 0, 0, G_OPTION_ARG_STRING, &arguments->resume_command,
      N_ ("what is run to resume, in place of COMMAND"), N_ ("LINE") },
    { "compare", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &self->compare,
      N_ ("compare these result files as well; again for more"), N_ ("GLOB") },
    { "kill-file-ops", 0, 0, G_OPTION_ARG_FILENAME, &self->kill_dir,
      N_ ("kill it before each file operation below DIR, and resume it each time"), N_ ("DIR") },
    { "kill-every", 0, 0, G_OPTION_ARG_INT64, &arguments->kill_every,
      N_ ("only before one in N of these, and the last one (1)"), N_ ("N") },
    { "timeout", 0, 0, G_OPTION_ARG_INT64, &arguments->timeout,
      N_ ("how many seconds each run may take (any number)"), N_ ("S") },
    { "repeat", 0, 0, G_OPTION_ARG_NONE, &self->repeat,
      N_ ("train twice without a stop in any case, not only where something differs"), NULL },
    { "tolerance", 0, 0, G_OPTION_ARG_STRING, &arguments->tolerance,
      N_ ("noise: a resumed training may differ by what two without a stop do"), N_ ("T") },
    { NULL },
  };

  return sng_cli_parse (
      "check", _ ("-- COMMAND [ARGUMENT…]"),
      _ ("Runs COMMAND, a training in any language, once without a stop, once up to a stop, and once\n"
         "more to resume it, and compares everything that it records. COMMAND sees in its\n"
         "environment what to do (SNG_MODE, SNG_CHECKPOINT_DIR and others), and calls the step function\n"
         "of a recorder after each step. In an ARGUMENT {checkpoint-dir} stands for the directory that\n"
         "lasts from the stop to the resume."),
      _ ("Exit codes: 0 PASS, 1 DIVERGED, 2 NONDETERMINISTIC or INCONCLUSIVE, 3 the check could\n"
         "not be made, 4 COMMAND took too long, 5 it failed, 6 it recorded nothing, 7 it did not\n"
         "make the steps that it was to make, 8 it did not resume, 129, 130 or 143 ended by\n"
         "SIGHUP, Ctrl-C or SIGTERM."),
      entries, report_entries, 0, &argc, &argv);
}

static guint
get_given (gint64 number, guint otherwise)
{
  return number != SNG_NOT_GIVEN ? (guint) number : otherwise;
}

static gboolean
take_numbers (SngCheckOptions *self, const Arguments *arguments)
{
  if (!sng_cli_check_given ("steps", arguments->steps, 2, G_MAXINT)
      || !sng_cli_check_given ("stop-at", arguments->stop_at, 1, get_given (arguments->steps, G_MAXINT) - 1)
      || !sng_cli_check_given ("timeout", arguments->timeout, 1, MAX_TIMEOUT)
      || !sng_cli_check_given ("kill-every", arguments->kill_every, 1, G_MAXINT))
    return FALSE;

  self->steps = get_given (arguments->steps, 0);
  self->stop_at = get_given (arguments->stop_at, 0);
  self->timeout = get_given (arguments->timeout, 0);
  self->kill_every = get_given (arguments->kill_every, 1);

  return TRUE;
}

static gboolean
take_stops (SngCheckOptions *self, const Arguments *arguments)
{
  guint n_given = (self->stops != NULL) + (arguments->stop_at != SNG_NOT_GIVEN) + arguments->every_step;

  if (n_given > 1)
    {
      sng_cli_fail (_ ("--stop-at, --stops and --every-step: only one of them can be had"));
      return FALSE;
    }

  if (self->kill_dir != NULL && n_given > 0)
    {
      sng_cli_fail (
          _ ("--kill-file-ops: where it is killed by file operations, it is not stopped after steps"));
      return FALSE;
    }

  if (arguments->every_step)
    self->stops = g_strdup ("every");

  return sng_cli_check_stops (self->stops);
}

static gboolean
take_command (const char *option, const char *line, char ***command)
{
  g_autoptr (GError) error = NULL;

  if (line == NULL || g_shell_parse_argv (line, NULL, command, &error))
    return TRUE;

  sng_cli_fail ("--%s: %s", option, error->message);

  return FALSE;
}

/* A noise is measured by a repeat. */
static gboolean
take_tolerance (SngCheckOptions *self, const char *text)
{
  if (text == NULL)
    return TRUE;

  self->noise_tolerance = self->repeat = TRUE;

  return sng_cli_check_tolerance (text);
}

/* What is behind the first "--" is the command's, whatever it looks like. */
static int
find_command (int argc, char **argv)
{
  for (int i = 1; i < argc; i++)
    if (g_str_equal (argv[i], "--"))
      return i;

  return argc;
}

gboolean
sng_check_options_parse (SngCheckOptions *self, int argc, char **argv)
{
  g_auto (Arguments) arguments = {
    .steps = SNG_NOT_GIVEN, .stop_at = SNG_NOT_GIVEN, .timeout = SNG_NOT_GIVEN, .kill_every = SNG_NOT_GIVEN
  };
  int n_own = find_command (argc, argv);
  g_autofree char **own = g_memdup2 (argv, (gsize) (n_own + 1) * sizeof (char *));

  own[n_own] = NULL;
  if (!read_line (self, &arguments, n_own, own))
    return FALSE;

  if (n_own + 1 >= argc)
    {
      sng_cli_fail (_ ("there is no command: it follows behind --, as in sng check -- python3 train.py"));
      return FALSE;
    }

  self->command = g_strdupv (argv + n_own + 1);

  return take_numbers (self, &arguments) && take_stops (self, &arguments)
         && take_command ("stop-command", arguments.stop_command, &self->stop_command)
         && take_command ("resume-command", arguments.resume_command, &self->resume_command)
         && take_tolerance (self, arguments.tolerance) && sng_report_options_check (&self->report);
}

SngHarness *
sng_check_options_create_harness (const SngCheckOptions *self)
{
  SngHarness *harness = sng_command_harness_new ((const char *const *) self->command);

  g_object_set (harness, "num-steps", self->steps, "stop-step", self->stop_at, "stop-plan", self->stops,
                "stop-command", self->stop_command, "resume-command", self->resume_command, "checkpoint-dir",
                self->checkpoint_dir, "compare", self->compare, "timeout", self->timeout, "repeat",
                self->repeat, "noise-tolerance", self->noise_tolerance, NULL);
  g_object_set (harness, "kill-dir", self->kill_dir, "kill-every", self->kill_every, NULL);
  /* It is where the command saves, unless that is said otherwise. */
  if (self->kill_dir != NULL && self->checkpoint_dir == NULL && self->compare == NULL
      && !g_str_has_prefix (self->kill_dir, "{checkpoint-dir}"))
    g_object_set (harness, "checkpoint-dir", self->kill_dir, NULL);
  sng_report_options_apply (&self->report, harness);

  return harness;
}

void
sng_check_options_clear (SngCheckOptions *self)
{
  g_strfreev (self->command);
  g_strfreev (self->stop_command);
  g_strfreev (self->resume_command);
  g_free (self->checkpoint_dir);
  g_strfreev (self->compare);
  g_free (self->kill_dir);
  g_free (self->stops);
  sng_report_options_clear (&self->report);
}
