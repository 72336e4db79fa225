/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>

#include <string.h>

#include <glib/gstdio.h>

#include "harness/sng-shim-file-private.h"

static void
test_chosen (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *directory = g_dir_make_tmp ("sng-shim-XXXXXX", NULL);
  g_autofree char *file = g_build_filename (directory, "libsng-shim.so", NULL);
  g_autofree char *found = NULL;

  g_setenv ("SNG_SHIM", file, TRUE);
  g_assert_null (sng_shim_find_file (&error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_NOT_FOUND);
  g_assert_true (g_str_has_prefix (error->message, "[shim] "));
  g_assert_nonnull (strstr (error->message, file));
  g_assert_nonnull (strstr (error->message, "set SNG_SHIM"));
  g_clear_error (&error);

  g_assert_true (g_file_set_contents (file, "", 0, NULL));
  found = sng_shim_find_file (&error);
  g_assert_no_error (error);
  g_assert_cmpstr (found, ==, file);

  g_unlink (file);
  g_rmdir (directory);
  g_unsetenv ("SNG_SHIM");
}

/* Beside the file that libsng is in: here, the test. */
static void
test_beside (void)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *directory = g_path_get_dirname (program);
  g_autofree char *folder = g_build_filename (directory, "sng", NULL);
  g_autofree char *file = g_build_filename (folder, "libsng-shim.so", NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *found = NULL;

  g_unsetenv ("SNG_SHIM");
  g_assert_cmpint (g_mkdir (folder, 0755), ==, 0);
  g_assert_true (g_file_set_contents (file, "", 0, NULL));
  found = sng_shim_find_file (&error);
  g_unlink (file);
  g_rmdir (folder);

  g_assert_no_error (error);
  g_assert_cmpstr (found, ==, file);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/shim-file/chosen", test_chosen);
  g_test_add_func ("/sng/shim-file/beside", test_beside);

  return g_test_run ();
}
