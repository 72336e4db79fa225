/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sng-cli-call.h"
#include "sng-cli-private.h"
#include "sng-demo-options.h"

static void
start (SngHarness *harness,
       GCancellable *cancellable,
       GAsyncReadyCallback callback,
       gpointer user_data,
       gpointer data)
{
  const SngDemoOptions *options = data;

  switch (options->task)
    {
    case SNG_DEMO_SWEEP:
      sng_harness_run_sweep_async (harness, cancellable, callback, user_data);
      break;
    case SNG_DEMO_FAULTS:
      sng_harness_run_faults_async (harness, (const char *const *) options->faults, cancellable, callback,
                                    user_data);
      break;
    case SNG_DEMO_ACCUMULATION:
      sng_harness_run_accumulation_async (harness, (const char *const *) options->plans, cancellable,
                                          callback, user_data);
      break;
    case SNG_DEMO_STOP_AND_GO:
    default:
      sng_harness_run_stop_and_go_async (harness, cancellable, callback, user_data);
    }
}

static SngReport *
finish (SngHarness *harness, GAsyncResult *result, gpointer data, GError **error)
{
  const SngDemoOptions *options = data;

  switch (options->task)
    {
    case SNG_DEMO_SWEEP:
      return sng_harness_run_sweep_finish (harness, result, error);
    case SNG_DEMO_FAULTS:
      return sng_harness_run_faults_finish (harness, result, error);
    case SNG_DEMO_ACCUMULATION:
      return sng_harness_run_accumulation_finish (harness, result, error);
    case SNG_DEMO_STOP_AND_GO:
    default:
      return sng_harness_run_stop_and_go_finish (harness, result, error);
    }
}

int
sng_command_demo (int argc, char **argv)
{
  g_auto (SngDemoOptions) options = { 0 };
  const SngCliCall call = { start, finish, &options, &options.report, FALSE };
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

  return sng_cli_call (g_steal_pointer (&harness), &call);
}
