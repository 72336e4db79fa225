/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A program outside the tree: it is compiled against the installed files, and
 * succeeds when the version in its headers is the one of the command line. */

#include <sng.h>

int
main (int argc, char *argv[])
{
  g_autoptr (GError) error = NULL;

  g_set_error_literal (&error, SNG_ERROR, SNG_ERROR_FAILED, "linked");

  if (!SNG_CHECK_VERSION (0, 1, 0) || SNG_CHECK_VERSION (SNG_MAJOR_VERSION + 1, 0, 0))
    return 2;

  return argc == 2 && g_strcmp0 (argv[1], SNG_VERSION_S) == 0 ? 0 : 1;
}
