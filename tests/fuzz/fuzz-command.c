/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The command with its output thrown away. */

#include "fuzz.h"

#include <string.h>

#include "cli/sng-cli-private.h"

static GString *complaint;

static void
print_cb (const char *text)
{
}

static void
printerr_cb (const char *text)
{
  g_string_append (complaint, text);
}

static int
run (int (*command) (int, char **), char **arguments)
{
  GPrintFunc print, printerr;
  int status;

  complaint = g_string_new (NULL);
  print = g_set_print_handler (print_cb);
  printerr = g_set_printerr_handler (printerr_cb);
  status = command ((int) g_strv_length (arguments), arguments);
  g_set_print_handler (print);
  g_set_printerr_handler (printerr);

  /* "sng: " and a newline are there whatever the message is. */
  if (status == SNG_EXIT_ERROR)
    g_assert_cmpuint (complaint->len, >, strlen ("sng: \n"));
  else
    {
      g_assert_cmpuint (complaint->len, ==, 0);
      g_assert_true (status == SNG_EXIT_PASS || status == SNG_EXIT_DIFFERENT);
    }
  g_string_free (complaint, TRUE);

  return status;
}

gboolean
fuzz_run_show (const char *path)
{
  char *arguments[] = { (char *) "show", (char *) path, NULL };

  return run (sng_command_show, arguments) != SNG_EXIT_ERROR;
}

gboolean
fuzz_run_diff (const char *first, const char *second)
{
  char *arguments[] = { (char *) "diff", (char *) first, (char *) second, NULL };

  return run (sng_command_diff, arguments) != SNG_EXIT_ERROR;
}

gboolean
fuzz_run_verify (const char *path)
{
  char *arguments[] = { (char *) "verify", (char *) path, NULL };

  return run (sng_command_verify, arguments) == SNG_EXIT_PASS;
}
