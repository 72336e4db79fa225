/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sng-demo-options.h"

#include "sng-cli-private.h"
#include "sng-demo-arguments.h"

#define DEFAULT_STEPS 10
/* Of the built-in proteins: the stop, after step 7, is within an epoch, and off the cadence of the validations; there is an end of
 * an epoch and a validation behind it. */
#define DEFAULT_FAULTS_STEPS 12
#define DEFAULT_FAULTS_PRECISION "16-mixed"
#define MAX_THREADS 1024
#define MAX_JOBS 1024
#define VAL_CHECK_INTERVAL 4

static gboolean
is_given (gint64 number)
{
  return number != SNG_NOT_GIVEN;
}

static gint64
get_given (gint64 number, gint64 otherwise)
{
  return is_given (number) ? number : otherwise;
}

static gboolean
check_numbers (SngDemoOptions *self, SngDemoArguments *arguments)
{
  if (!sng_cli_check_range ("steps", arguments->steps, 2, G_MAXINT))
    return FALSE;

  if (!sng_cli_check_given ("stop-at", arguments->stop_at, 1, arguments->steps - 1)
      || !sng_cli_check_range ("seed", arguments->seed, 0, G_MAXINT64)
      || !sng_cli_check_given ("threads", arguments->threads, 1, MAX_THREADS)
      || !sng_cli_check_given ("horizon", arguments->horizon, 1, arguments->steps)
      || !sng_cli_check_given ("jobs", arguments->jobs, 1, MAX_JOBS))
    return FALSE;

  self->steps = (guint) arguments->steps;
  self->stop_at = (guint) get_given (arguments->stop_at, self->stop_at);
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

/* A noise is measured by a repeat, and so is how far apart two devices are. */
static gboolean
find_tolerance (SngDemoOptions *self, const char *text)
{
  if (text != NULL || self->resume_device != NULL)
    self->noise_tolerance = self->repeat = TRUE;

  return sng_cli_check_tolerance (text);
}

static gboolean
check_faults (char **ids)
{
  for (guint i = 0; ids != NULL && ids[i] != NULL; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (SngFault) fault = sng_fault_lookup (ids[i], &error);

      if (fault == NULL)
        {
          sng_cli_fail ("--fault: %s", error->message);
          return FALSE;
        }
    }

  return TRUE;
}

static SngDemoTask
choose_task (const SngDemoOptions *self, const SngDemoArguments *arguments)
{
  if (arguments->every_step)
    return SNG_DEMO_SWEEP;
  if (arguments->faults || self->faults != NULL)
    return SNG_DEMO_FAULTS;

  return arguments->accumulation != NULL ? SNG_DEMO_ACCUMULATION : SNG_DEMO_STOP_AND_GO;
}

/* What was not said is as the task needs it. */
static void
choose_defaults (SngDemoOptions *self, SngDemoArguments *arguments)
{
  gboolean plants = self->task == SNG_DEMO_FAULTS;

  arguments->steps = get_given (arguments->steps, plants ? DEFAULT_FAULTS_STEPS : DEFAULT_STEPS);
  self->stop_at = (guint) MAX (arguments->steps * (plants ? 6 : 7) / 10, 1);
  if (plants && self->precision == NULL)
    self->precision = g_strdup (DEFAULT_FAULTS_PRECISION);
  if (arguments->accumulation != NULL)
    self->plans = g_strsplit (arguments->accumulation, ",", 0);
}

gboolean
sng_demo_options_parse (SngDemoOptions *self, int argc, char **argv)
{
  g_auto (SngDemoArguments) arguments = { 0 };

  if (!sng_demo_arguments_read (&arguments, self, argc, argv))
    return FALSE;

  self->task = choose_task (self, &arguments);
  choose_defaults (self, &arguments);

  return check_numbers (self, &arguments) && sng_cli_check_stops (self->stops)
         && check_precision (self->precision) && check_faults (self->faults)
         && sng_report_options_check (&self->report) && find_optimizer (arguments.optimizer, &self->optimizer)
         && find_ema_decay (arguments.ema, &self->ema_decay) && find_stress (arguments.stress, &self->stress)
         && find_tolerance (self, arguments.tolerance);
}

void
sng_demo_options_clear (SngDemoOptions *self)
{
  g_free (self->fasta);
  g_free (self->text);
  g_free (self->precision);
  g_free (self->stops);
  g_free (self->device);
  g_free (self->resume_device);
  sng_report_options_clear (&self->report);
  g_strfreev (self->faults);
  g_strfreev (self->plans);
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

  if (self->task == SNG_DEMO_FAULTS)
    sng_demo_harness_prepare_faults (SNG_DEMO_HARNESS (harness));

  if (self->precision != NULL)
    g_object_set (harness, "precision", self->precision, NULL);

  if (self->device != NULL)
    g_object_set (harness, "device", self->device, NULL);

  if (self->resume_device != NULL)
    g_object_set (harness, "resume-device", self->resume_device, NULL);

  if (self->ema_decay >= 0.0)
    sng_demo_harness_set_ema_decay (SNG_DEMO_HARNESS (harness), self->ema_decay);

  sng_report_options_apply (&self->report, harness);

  return harness;
}
