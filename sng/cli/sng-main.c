/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sng-cli-private.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <unistd.h>

static const struct
{
  const char *name;
  int (*run) (int argc, char **argv);
  const char *summary;
} commands[] = {
  { "check", sng_command_check, N_ ("run, stop and resume a training of yours, and compare") },
  { "demo", sng_command_demo, N_ ("train, stop, resume and compare a small model on real data") },
  { "diff", sng_command_diff, N_ ("tell where two runs, checkpoints or .safetensors files first differ") },
  { "faults", sng_command_faults, N_ ("list what can go wrong with a resume, and be planted") },
  { "show", sng_command_show, N_ ("print what a run, a checkpoint or a .safetensors file holds") },
  { "verify", sng_command_verify, N_ ("tell whether checkpoints and runs are damaged") },
};

static void
print_help (void)
{
  g_print ("%s\n\n%s\n\n%s\n", _ ("Usage: sng COMMAND [ARGUMENT…]"),
           _ ("Checks that a training which was stopped and resumed is the same as one that never stopped."),
           _ ("Commands:"));

  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    g_print ("  %-8s%s\n", commands[i].name, _ (commands[i].summary));

  g_print ("\n%s\n  %-11s%s\n  %-11s%s\n\n%s\n", _ ("Options:"), "--help", _ ("show this help"), "--version",
           _ ("show the version"), _ ("\"sng COMMAND --help\" explains a command."));
}

/* A file must not be opened under the number of a standard stream that is closed: what is printed would go into it.
 * Writing to the standard output fails nevertheless. */
static void
occupy_standard_streams (void)
{
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    {
      if (fcntl (fd, F_GETFD) < 0 && errno == EBADF && open ("/dev/null", O_RDONLY) < 0)
        return;
    }
}

/* What was not printed in full is no success. */
static int
finish (int code)
{
  errno = 0;
  if (fflush (stdout) == 0 && !ferror (stdout))
    return code;

  return sng_cli_fail (_ ("the standard output cannot be written%s%s"), errno != 0 ? ": " : "",
                       errno != 0 ? g_strerror (errno) : "");
}

int
main (int argc, char **argv)
{
  occupy_standard_streams ();
  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, SNG_LOCALE_DIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);

  if (argc < 2)
    return sng_cli_fail (_ ("which command? See sng --help"));

  if (g_str_equal (argv[1], "--help") || g_str_equal (argv[1], "-h") || g_str_equal (argv[1], "help"))
    {
      print_help ();
      return finish (SNG_EXIT_PASS);
    }

  if (g_str_equal (argv[1], "--version"))
    {
      g_print ("sng %s\n", SNG_VERSION_S);
      return finish (SNG_EXIT_PASS);
    }

  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    {
      if (g_str_equal (argv[1], commands[i].name))
        return finish (commands[i].run (argc - 1, argv + 1));
    }

  return sng_cli_fail (_ ("there is no command \"%s\"; see sng --help"), argv[1]);
}
