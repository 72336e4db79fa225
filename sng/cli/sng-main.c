/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sng-cli-private.h"

#include <locale.h>
#include <string.h>

static const struct
{
  const char *name;
  int (*run) (int argc, char **argv);
  const char *summary;
} commands[] = {
  { "demo", sng_command_demo, N_ ("train, stop, resume and compare a small model on real data") },
  { "diff", sng_command_diff, N_ ("tell where two runs, checkpoints or .safetensors files first differ") },
  { "show", sng_command_show, N_ ("print what a run, a checkpoint or a .safetensors file holds") },
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

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, SNG_LOCALE_DIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);

  if (argc < 2)
    return sng_cli_fail (_ ("which command? See sng --help"));

  if (g_str_equal (argv[1], "--help") || g_str_equal (argv[1], "-h") || g_str_equal (argv[1], "help"))
    {
      print_help ();
      return SNG_EXIT_PASS;
    }

  if (g_str_equal (argv[1], "--version"))
    {
      g_print ("sng %s\n", SNG_VERSION_S);
      return SNG_EXIT_PASS;
    }

  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    {
      if (g_str_equal (argv[1], commands[i].name))
        return commands[i].run (argc - 1, argv + 1);
    }

  return sng_cli_fail (_ ("there is no command \"%s\"; see sng --help"), argv[1]);
}
