/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <stdlib.h>
#include <sys/resource.h>

#include <sng.h>

#include "../../sng/cli/sng-demo-harness.h"
#include "bench-training.h"

/* What it costs to stop a training after every step: bench-sweep [STEPS [ROUNDS]].
 *
 * The 3 x 128 ESM-2 of "sng demo". All in processor time of the processes that the harness starts, so it also tells something on a
 * busy machine. The sweep's own note leaves out what a process takes before it reaches the harness; what it takes once behind that is in
 * there: a quarter of a stop is oneDNN, which generates its kernels at the first product. The ratio here has all in it. */

#define GOAL 2.5
#define N_STEPS 20
#define N_ROUNDS 3

/* Of all processes that were waited for. */
static double
get_processor_seconds (void)
{
  struct rusage usage;

  if (getrusage (RUSAGE_CHILDREN, &usage) != 0)
    g_error ("getrusage failed");

  return (double) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
         + (double) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static SngHarness *
create_harness (guint n_steps)
{
  SngHarness *harness = sng_demo_harness_new (NULL, NULL, SNG_DEMO_ADAMW);

  g_object_set (harness, "num-steps", n_steps, NULL);

  return harness;
}

static double
measure_run (guint n_steps)
{
  g_autoptr (SngHarness) harness = create_harness (n_steps);
  g_autoptr (GError) error = NULL;
  double before = get_processor_seconds ();

  if (!sng_harness_continuous (harness, NULL, &error))
    g_error ("%s", error->message);

  return get_processor_seconds () - before;
}

/* With its own CONTINUOUS left out. */
static double
measure_stops (guint n_steps, double run)
{
  g_autoptr (SngHarness) harness = create_harness (n_steps);
  g_autoptr (GError) error = NULL;
  double before = get_processor_seconds ();
  g_autoptr (SngReport) report = sng_harness_run_sweep (harness, NULL, &error);
  const char *const *notes;

  if (report == NULL)
    g_error ("%s", error->message);
  if (sng_report_get_verdict (report) != SNG_VERDICT_PASS)
    g_error ("the sweep did not pass");

  notes = sng_report_get_notes (report);
  for (guint i = 0; notes[i] != NULL; i++)
    g_print ("  %s\n", notes[i]);

  return get_processor_seconds () - before - run;
}

int
main (int argc, char *argv[])
{
  guint n_steps = argc > 1 ? (guint) atoi (argv[1]) : N_STEPS;
  guint n_rounds = argc > 2 ? (guint) atoi (argv[2]) : N_ROUNDS;
  g_autoptr (GArray) ratios = g_array_new (FALSE, FALSE, sizeof (double));

  for (guint i = 0; i < n_rounds; i++)
    {
      double run = measure_run (n_steps);
      double ratio = measure_stops (n_steps, run) / run;

      g_array_append_val (ratios, ratio);
      g_print ("%u stops: %.2f times one run of %u steps (%.2f s), the starts of the processes included\n",
               n_steps - 1, ratio, n_steps, run);
    }

  g_print ("median %.2f (goal, without the starts: <= %.1f)\n", bench_median (ratios), GOAL);

  return 0;
}
