/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#define _GNU_SOURCE /* dladdr () */

#include "harness/sng-shim-file-private.h"

#include <dlfcn.h>

#include "harness/sng-build-info-private.h"
#include "sng-error.h"

#define NAME "libsng-shim.so"

/* Beside the file that this code is in: where it is installed, and where it is built. */
static char *
find_beside (void)
{
  static const char *const folders[] = { "sng", "shim" };
  Dl_info info;
  g_autofree char *directory = NULL;

  if (dladdr ((gpointer) sng_shim_find_file, &info) == 0 || info.dli_fname == NULL)
    return g_strdup (SNG_BUILD_SHIM);

  directory = g_path_get_dirname (info.dli_fname);
  for (guint i = 0; i < G_N_ELEMENTS (folders); i++)
    {
      g_autofree char *relative = g_build_filename (directory, folders[i], NAME, NULL);
      g_autofree char *path = g_canonicalize_filename (relative, NULL);

      if (g_file_test (path, G_FILE_TEST_IS_REGULAR))
        return g_steal_pointer (&path);
    }

  return g_strdup (SNG_BUILD_SHIM);
}

char *
sng_shim_find_file (GError **error)
{
  const char *chosen = g_getenv ("SNG_SHIM");
  g_autofree char *path = chosen != NULL ? g_canonicalize_filename (chosen, NULL) : find_beside ();

  if (g_file_test (path, G_FILE_TEST_IS_REGULAR))
    return g_steal_pointer (&path);

  g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_FOUND,
               "[shim] %s, which counts file operations, is not there: install libsng with it, or "
               "set SNG_SHIM to the "
               "file " NAME,
               path);

  return NULL;
}
