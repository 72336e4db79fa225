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

/* The file that this code is in. */
static char *
find_beside (void)
{
  Dl_info info;
  g_autofree char *directory = NULL;
  g_autofree char *path = NULL;

  if (dladdr ((gpointer) sng_shim_find_file, &info) == 0 || info.dli_fname == NULL)
    return NULL;

  directory = g_path_get_dirname (info.dli_fname);
  path = g_build_filename (directory, "sng", NAME, NULL);
  if (g_path_is_absolute (path))
    return g_steal_pointer (&path);

  return g_canonicalize_filename (path, NULL);
}

char *
sng_shim_find_file (GError **error)
{
  const char *chosen = g_getenv ("SNG_SHIM");
  g_autofree char *path = chosen != NULL ? g_canonicalize_filename (chosen, NULL) : find_beside ();

  if (chosen == NULL && (path == NULL || !g_file_test (path, G_FILE_TEST_IS_REGULAR)))
    {
      g_free (path);
      path = g_strdup (SNG_BUILD_SHIM);
    }
  if (g_file_test (path, G_FILE_TEST_IS_REGULAR))
    return g_steal_pointer (&path);

  g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_FOUND,
               "[harness][kills] %s, which counts file operations, is not there: install libsng with it, or "
               "set SNG_SHIM to the "
               "file " NAME,
               path);

  return NULL;
}
