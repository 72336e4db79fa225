/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sng-check-options.h"
#include "sng-cli-call.h"
#include "sng-cli-private.h"

static void
start (SngHarness *harness,
       GCancellable *cancellable,
       GAsyncReadyCallback callback,
       gpointer user_data,
       gpointer data)
{
  sng_harness_run_stop_and_go_async (harness, cancellable, callback, user_data);
}

static SngReport *
finish (SngHarness *harness, GAsyncResult *result, gpointer data, GError **error)
{
  return sng_harness_run_stop_and_go_finish (harness, result, error);
}

static void
start_kills (SngHarness *harness,
             GCancellable *cancellable,
             GAsyncReadyCallback callback,
             gpointer user_data,
             gpointer data)
{
  sng_command_harness_run_kills_async (SNG_COMMAND_HARNESS (harness), cancellable, callback, user_data);
}

static SngReport *
finish_kills (SngHarness *harness, GAsyncResult *result, gpointer data, GError **error)
{
  return sng_command_harness_run_kills_finish (SNG_COMMAND_HARNESS (harness), result, error);
}

int
sng_command_check (int argc, char **argv)
{
  g_auto (SngCheckOptions) options = { 0 };
  SngCliCall call = { start, finish, &options, &options.report, TRUE };

  if (!sng_check_options_parse (&options, argc, argv))
    return SNG_EXIT_ERROR;

  if (options.kill_dir != NULL)
    {
      call.start = start_kills;
      call.finish = finish_kills;
    }

  return sng_cli_call (sng_check_options_create_harness (&options), &call);
}
