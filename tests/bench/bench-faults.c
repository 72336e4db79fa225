/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sys/resource.h>

#include <sng.h>

#include "../../sng/cli/sng-demo-harness.h"

/* How long "sng demo --faults" takes: all of the catalogue, and the generic faults of every state. */

#define GOAL 300.0 /* seconds, on two cores */

static double
get_processor_seconds (void)
{
  struct rusage usage;

  if (getrusage (RUSAGE_CHILDREN, &usage) != 0)
    g_error ("getrusage failed");

  return (double) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
         + (double) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

int
main (int argc, char *argv[])
{
  g_autoptr (SngHarness) harness = sng_demo_harness_new (NULL, NULL, SNG_DEMO_ADAMW);
  g_autoptr (SngReport) report = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *summary = NULL;
  gint64 start = g_get_monotonic_time ();

  sng_demo_harness_prepare_faults (SNG_DEMO_HARNESS (harness));
  g_object_set (harness, "num-steps", 12, "stop-step", 7, "precision", "16-mixed", NULL);
  report = sng_harness_run_faults (harness, NULL, NULL, &error);
  if (report == NULL)
    g_error ("%s", error->message);

  summary = sng_report_get_summary (report);
  g_print ("%s\n%u faults: %.1f s (goal on two cores: <= %.0f), %.1f s of processor time\n", summary,
           g_list_model_get_n_items (sng_report_get_faults (report)),
           (double) (g_get_monotonic_time () - start) / G_USEC_PER_SEC, GOAL, get_processor_seconds ());

  return 0;
}
