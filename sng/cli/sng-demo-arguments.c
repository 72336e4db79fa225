/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sng-demo-arguments.h"

#include "sng-cli-private.h"

static gboolean
read_line (SngDemoArguments *self, SngDemoOptions *options, int argc, char **argv)
{
  g_autofree GOptionEntry *report_entries = sng_report_options_get_entries (&options->report);
  GOptionEntry entries[] = {
    { "fasta", 0, 0, G_OPTION_ARG_FILENAME, &options->fasta,
      N_ ("train an ESM-2 on these proteins (plain or .gz)"), N_ ("FILE") },
    { "text", 0, 0, G_OPTION_ARG_FILENAME, &options->text,
      N_ ("train a GPT on the bytes of this text instead"), N_ ("FILE") },
    { "optimizer", 0, 0, G_OPTION_ARG_STRING, &self->optimizer,
      N_ ("what updates the weights: adamw, or sgd with momentum (adamw)"), N_ ("NAME") },
    { "precision", 0, 0, G_OPTION_ARG_STRING, &options->precision,
      N_ ("what the model computes in: 32, bf16-mixed or 16-mixed (32)"), N_ ("P") },
    { "ema", 0, 0, G_OPTION_ARG_STRING, &self->ema, N_ ("average the weights, and validate with the average"),
      N_ ("DECAY") },
    { "steps", 0, 0, G_OPTION_ARG_INT64, &self->steps,
      N_ ("how many steps the training has (10, for faults 12)"), N_ ("N") },
    { "stop-at", 0, 0, G_OPTION_ARG_INT64, &self->stop_at, N_ ("the step after which it is stopped (7)"),
      N_ ("K") },
    { "stops", 0, 0, G_OPTION_ARG_STRING, &options->stops,
      N_ ("any number of stops: 7, or 4:kill,7, or boundaries, or random:SEED:N"), N_ ("PLAN") },
    { "every-step", 0, 0, G_OPTION_ARG_NONE, &self->every_step,
      N_ ("stop after every step, for the price of a few runs"), NULL },
    { "horizon", 0, 0, G_OPTION_ARG_INT64, &self->horizon,
      N_ ("how many steps are made after each stop, or with each plan (1)"), N_ ("H") },
    { "fault", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->faults,
      N_ ("plant a fault in the resume, and see whether it is found; again for more"), N_ ("ID") },
    { "faults", 0, 0, G_OPTION_ARG_NONE, &self->faults,
      N_ ("plant every fault that \"sng faults\" lists, one after the other"), NULL },
    { "accumulation", 0, 0, G_OPTION_ARG_STRING, &self->accumulation,
      N_ ("compare updates of one batch under these plans of micro-batches: 8,4x2,2x4"), N_ ("PLANS") },
    { "jobs", 0, 0, G_OPTION_ARG_INT64, &self->jobs,
      N_ ("how many runs go side by side where they can (one a processor)"), N_ ("J") },
    { "stress", 0, 0, G_OPTION_ARG_STRING, &self->stress,
      N_ ("make it harder to resume: threads, jitter, slow-disk"), N_ ("LIST") },
    { "seed", 0, 0, G_OPTION_ARG_INT64, &self->seed, N_ ("the seed of everything random (0)"), N_ ("S") },
    { "threads", 0, 0, G_OPTION_ARG_INT64, &self->threads, N_ ("how many threads compute (all processors)"),
      N_ ("T") },
    { "device", 0, 0, G_OPTION_ARG_STRING, &options->device,
      N_ ("what computes: cpu, cuda, or cuda:1 for a second GPU (cpu)"), N_ ("NAME") },
    { "resume-device", 0, 0, G_OPTION_ARG_STRING, &options->resume_device,
      N_ ("what computes after the stop; equal but for how the two devices round"), N_ ("NAME") },
    { "repeat", 0, 0, G_OPTION_ARG_NONE, &options->repeat,
      N_ ("train twice without a stop, to tell whether training is deterministic"), NULL },
    { "tolerance", 0, 0, G_OPTION_ARG_STRING, &self->tolerance,
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
      entries, report_entries, 0, &argc, &argv);
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
check_combination (const SngDemoArguments *self, const SngDemoOptions *options)
{
  const Given fasta = { "--fasta", options->fasta != NULL };
  const Given text = { "--text", options->text != NULL };
  const Given stop_at = { "--stop-at", self->stop_at != SNG_NOT_GIVEN };
  const Given stops = { "--stops", options->stops != NULL };
  const Given every_step = { "--every-step", self->every_step };
  const Given fault = { "--fault", options->faults != NULL };
  const Given faults = { "--faults", self->faults };
  const Given accumulation = { "--accumulation", self->accumulation != NULL };
  const Given stress = { "--stress", self->stress != NULL };
  const Given repeat = { "--repeat", options->repeat };
  const Given tolerance = { "--tolerance", self->tolerance != NULL };
  const Given resume_device = { "--resume-device", options->resume_device != NULL };
  const Given horizon = { "--horizon", self->horizon != SNG_NOT_GIVEN };
  const Given jobs = { "--jobs", self->jobs != SNG_NOT_GIVEN };
  const Given exclusive[][4] = {
    { fasta, text },
    { every_step, fault, faults, accumulation },
    { stop_at, stops },
    { stop_at, every_step },
    { stops, every_step },
    { stop_at, accumulation },
    { stops, accumulation },
    { stress, accumulation },
    { repeat, accumulation },
    { tolerance, accumulation },
    { every_step, fault, faults, resume_device },
    { resume_device, accumulation },
  };
  gboolean has_steps = every_step.is_given || accumulation.is_given;

  for (guint i = 0; i < G_N_ELEMENTS (exclusive); i++)
    if (!check_exclusive (exclusive[i], G_N_ELEMENTS (exclusive[i])))
      return FALSE;

  return check_needs (horizon, _ ("--every-step or --accumulation"), has_steps)
         && check_needs (jobs, _ ("--every-step, --fault, --faults or --accumulation"),
                         has_steps || fault.is_given || faults.is_given);
}

gboolean
sng_demo_arguments_read (SngDemoArguments *self, SngDemoOptions *options, int argc, char **argv)
{
  *self = (SngDemoArguments){ .steps = SNG_NOT_GIVEN,
                              .stop_at = SNG_NOT_GIVEN,
                              .threads = SNG_NOT_GIVEN,
                              .horizon = SNG_NOT_GIVEN,
                              .jobs = SNG_NOT_GIVEN };

  return read_line (self, options, argc, argv) && check_combination (self, options);
}

void
sng_demo_arguments_clear (SngDemoArguments *self)
{
  g_free (self->optimizer);
  g_free (self->ema);
  g_free (self->stress);
  g_free (self->tolerance);
  g_free (self->accumulation);
}
