/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sng-demo-options.h"

#include <unistd.h>

#include "sng-cli-private.h"

#define DEFAULT_STEPS 10
#define MAX_THREADS 1024
#define MAX_JOBS 1024
#define NOT_GIVEN G_MININT64
#define VAL_CHECK_INTERVAL 4

/* As GOption reads them; NOT_GIVEN is a number that was not. */
typedef struct
{
  char *optimizer;
  char *ema;
  char *stress;
  char *tolerance;
  gboolean every_step;
  gint64 steps;
  gint64 stop_at;
  gint64 horizon;
  gint64 jobs;
  gint64 seed;
  gint64 threads;
} Arguments;

static void
arguments_clear (Arguments *arguments)
{
  g_free (arguments->optimizer);
  g_free (arguments->ema);
  g_free (arguments->stress);
  g_free (arguments->tolerance);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Arguments, arguments_clear)

static gboolean
read_arguments (SngDemoOptions *self, Arguments *arguments, int argc, char **argv)
{
  GOptionEntry entries[] = {
    { "fasta", 0, 0, G_OPTION_ARG_FILENAME, &self->fasta,
      N_ ("train an ESM-2 on these proteins (plain or .gz)"), N_ ("FILE") },
    { "text", 0, 0, G_OPTION_ARG_FILENAME, &self->text, N_ ("train a GPT on the bytes of this text instead"),
      N_ ("FILE") },
    { "optimizer", 0, 0, G_OPTION_ARG_STRING, &arguments->optimizer,
      N_ ("what updates the weights: adamw, or sgd with momentum (adamw)"), N_ ("NAME") },
    { "precision", 0, 0, G_OPTION_ARG_STRING, &self->precision,
      N_ ("what the model computes in: 32, bf16-mixed or 16-mixed (32)"), N_ ("P") },
    { "ema", 0, 0, G_OPTION_ARG_STRING, &arguments->ema,
      N_ ("average the weights, and validate with the average"), N_ ("DECAY") },
    { "steps", 0, 0, G_OPTION_ARG_INT64, &arguments->steps, N_ ("how many steps the training has (10)"),
      N_ ("N") },
    { "stop-at", 0, 0, G_OPTION_ARG_INT64, &arguments->stop_at,
      N_ ("the step after which it is stopped (7 of 10 steps)"), N_ ("K") },
    { "stops", 0, 0, G_OPTION_ARG_STRING, &self->stops,
      N_ ("any number of stops: 7, or 4:kill,7, or boundaries, or random:SEED:N"), N_ ("PLAN") },
    { "every-step", 0, 0, G_OPTION_ARG_NONE, &arguments->every_step,
      N_ ("stop after every step, for about the price of one run more"), NULL },
    { "horizon", 0, 0, G_OPTION_ARG_INT64, &arguments->horizon,
      N_ ("with --every-step: how many steps are made after each stop (1)"), N_ ("H") },
    { "jobs", 0, 0, G_OPTION_ARG_INT64, &arguments->jobs,
      N_ ("how many runs go side by side where they can (one a processor)"), N_ ("J") },
    { "stress", 0, 0, G_OPTION_ARG_STRING, &arguments->stress,
      N_ ("make it harder to resume: threads, jitter, slow-disk"), N_ ("LIST") },
    { "seed", 0, 0, G_OPTION_ARG_INT64, &arguments->seed, N_ ("the seed of everything random (0)"),
      N_ ("S") },
    { "threads", 0, 0, G_OPTION_ARG_INT64, &arguments->threads,
      N_ ("how many threads compute (all processors)"), N_ ("T") },
    { "output", 0, 0, G_OPTION_ARG_FILENAME, &self->output,
      N_ ("keep the runs in this new or empty directory"), N_ ("DIR") },
    { "json", 0, 0, G_OPTION_ARG_NONE, &self->json, N_ ("print only the report, as JSON"), NULL },
    { "repeat", 0, 0, G_OPTION_ARG_NONE, &self->repeat,
      N_ ("train twice without a stop, to tell whether training is deterministic"), NULL },
    { "tolerance", 0, 0, G_OPTION_ARG_STRING, &arguments->tolerance,
      N_ ("noise: a resumed training may differ by what two without a stop do"), N_ ("T") },
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
is_given (gint64 number)
{
  return number != NOT_GIVEN;
}

static gint64
get_given (gint64 number, gint64 otherwise)
{
  return is_given (number) ? number : otherwise;
}

static gboolean
check_given (const char *name, gint64 value, gint64 minimum, gint64 maximum)
{
  return !is_given (value) || check_range (name, value, minimum, maximum);
}

static gboolean
check_numbers (SngDemoOptions *self, Arguments *arguments)
{
  if (!check_range ("steps", arguments->steps, 2, G_MAXINT))
    return FALSE;

  if (!check_given ("stop-at", arguments->stop_at, 1, arguments->steps - 1)
      || !check_range ("seed", arguments->seed, 0, G_MAXINT64)
      || !check_given ("threads", arguments->threads, 1, MAX_THREADS)
      || !check_given ("horizon", arguments->horizon, 1, arguments->steps)
      || !check_given ("jobs", arguments->jobs, 1, MAX_JOBS))
    return FALSE;

  self->steps = (guint) arguments->steps;
  self->stop_at = (guint) get_given (arguments->stop_at, MAX (arguments->steps * 7 / 10, 1));
  self->seed = (guint64) arguments->seed;
  self->threads = (guint) get_given (arguments->threads, 0);
  self->horizon = (guint) get_given (arguments->horizon, 1);
  self->jobs = (guint) get_given (arguments->jobs, 0);

  return TRUE;
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

/* Returns: whether there is no decay, or one that an average takes. */
static gboolean
find_ema_decay (const char *text, double *decay)
{
  char *end = NULL;

  *decay = -1.0;
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

/* A list of what SngStress has. */
static gboolean
find_stress (const char *text, SngStress *stress)
{
  g_autoptr (GFlagsClass) klass = g_type_class_ref (SNG_TYPE_STRESS);
  g_auto (GStrv) names = g_strsplit (text != NULL ? text : "", ",", 0);

  for (guint i = 0; names[i] != NULL; i++)
    {
      const GFlagsValue *value = g_flags_get_value_by_nick (klass, names[i]);

      if (value == NULL || value->value == SNG_STRESS_NONE)
        {
          sng_cli_fail (_ ("--stress %s: there are threads, jitter and slow-disk, with commas in between"),
                        text);
          return FALSE;
        }

      *stress |= value->value;
    }

  if (text == NULL || names[0] != NULL)
    return TRUE;

  sng_cli_fail (_ ("--stress: the list is empty"));

  return FALSE;
}

/* A noise is measured by a repeat. */
static gboolean
find_tolerance (SngDemoOptions *self, const char *text)
{
  if (text == NULL)
    return TRUE;

  self->noise_tolerance = self->repeat = TRUE;
  if (g_str_equal (text, "noise"))
    return TRUE;

  sng_cli_fail (_ ("--tolerance %s: there is noise"), text);

  return FALSE;
}

static gboolean
check_stops (const char *stops)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngStopPlan) plan = stops != NULL ? sng_stop_plan_from_string (stops, &error) : NULL;

  if (error == NULL)
    return TRUE;

  sng_cli_fail ("--stops: %s", error->message);

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

/* ---- What goes together ---- */

/* An option, and whether it was given. */
typedef struct
{
  const char *name;
  gboolean is_given;
} Given;

static gboolean
check_exclusive (const Given *options, guint n_options)
{
  const char *first = NULL;

  for (guint i = 0; i < n_options; i++)
    {
      if (!options[i].is_given)
        continue;

      if (first != NULL)
        {
          sng_cli_fail (_ ("%s and %s: only one of them can be had"), first, options[i].name);
          return FALSE;
        }
      first = options[i].name;
    }

  return TRUE;
}

/* One that means something with others only. */
static gboolean
check_needs (Given option, const char *others, gboolean has_others)
{
  if (!option.is_given || has_others)
    return TRUE;

  sng_cli_fail (_ ("%s means nothing without %s"), option.name, others);

  return FALSE;
}

static gboolean
check_combination (const SngDemoOptions *self, const Arguments *arguments)
{
  const Given data[] = { { "--fasta", self->fasta != NULL }, { "--text", self->text != NULL } };
  const Given stops[] = { { "--stop-at", is_given (arguments->stop_at) },
                          { "--stops", self->stops != NULL },
                          { "--every-step", arguments->every_step } };

  return check_exclusive (data, G_N_ELEMENTS (data)) && check_exclusive (stops, G_N_ELEMENTS (stops))
         && check_needs ((Given){ "--horizon", is_given (arguments->horizon) }, "--every-step",
                         arguments->every_step)
         && check_needs ((Given){ "--jobs", is_given (arguments->jobs) }, "--every-step",
                         arguments->every_step);
}

gboolean
sng_demo_options_parse (SngDemoOptions *self, int argc, char **argv)
{
  g_auto (Arguments) arguments = { .steps = DEFAULT_STEPS,
                                   .stop_at = NOT_GIVEN,
                                   .threads = NOT_GIVEN,
                                   .horizon = NOT_GIVEN,
                                   .jobs = NOT_GIVEN };

  if (!read_arguments (self, &arguments, argc, argv) || !check_combination (self, &arguments)
      || !check_numbers (self, &arguments) || !check_stops (self->stops) || !check_precision (self->precision)
      || !check_output (self->output) || !find_optimizer (arguments.optimizer, &self->optimizer)
      || !find_ema_decay (arguments.ema, &self->ema_decay) || !find_stress (arguments.stress, &self->stress)
      || !find_tolerance (self, arguments.tolerance))
    return FALSE;

  self->task = arguments.every_step ? SNG_DEMO_SWEEP : SNG_DEMO_STOP_AND_GO;

  return TRUE;
}

void
sng_demo_options_clear (SngDemoOptions *self)
{
  g_free (self->fasta);
  g_free (self->text);
  g_free (self->precision);
  g_free (self->output);
  g_free (self->stops);
}

SngHarness *
sng_demo_options_create_harness (const SngDemoOptions *self)
{
  SngHarness *harness = sng_demo_harness_new (self->fasta, self->text, self->optimizer);

  /* A short training validates more often: each validation is compared with another one at least. */
  g_object_set (harness, "num-steps", self->steps, "stop-step", self->stop_at, "val-check-interval",
                CLAMP (self->steps / 2, 1, VAL_CHECK_INTERVAL), "seed", self->seed, "n-threads",
                self->threads, "repeat", self->repeat, "noise-tolerance", self->noise_tolerance, "stop-plan",
                self->stops, "horizon", self->horizon, "jobs", self->jobs, "stress", self->stress, NULL);

  if (self->precision != NULL)
    g_object_set (harness, "precision", self->precision, NULL);

  if (self->ema_decay >= 0.0)
    sng_demo_harness_set_ema_decay (SNG_DEMO_HARNESS (harness), self->ema_decay);

  /* The run directory is DIR itself. */
  if (self->output != NULL)
    {
      g_autofree char *path = g_canonicalize_filename (self->output, NULL);
      g_autofree char *parent = g_path_get_dirname (path);
      g_autofree char *name = g_path_get_basename (path);

      g_object_set (harness, "root-dir", parent, "exp-name", name, NULL);
    }

  return harness;
}
