/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "state-fixture.h"

#include <glib/gstdio.h>

SngTensor *
state_new_tensor (SngDevice *device, gint64 n, float salt)
{
  g_autofree float *numbers = g_new (float, MAX (n, 1));
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (SngTensor) tensor = sng_tensor_new (SNG_DTYPE_F32, &n, 1, device, &error);

  g_assert_no_error (error);
  for (gint64 i = 0; i < n; i++)
    numbers[i] = (float) i + salt;
  bytes = g_bytes_new (numbers, (gsize) n * sizeof (float));
  g_assert_true (sng_tensor_set_bytes (tensor, bytes, &error));
  g_assert_no_error (error);

  return g_steal_pointer (&tensor);
}

void
state_synchronize (SngTensor *tensor)
{
  sng_tensor_get_value (tensor, 0);
}

char *
state_make_directory (void)
{
  g_autoptr (GError) error = NULL;
  char *directory = g_dir_make_tmp ("sng-cuda-XXXXXX", &error);

  g_assert_no_error (error);

  return directory;
}

static void
remove_tree (const char *path)
{
  g_autoptr (GDir) directory = NULL;
  const char *name;

  if (!g_file_test (path, G_FILE_TEST_IS_SYMLINK))
    directory = g_dir_open (path, 0, NULL);
  while (directory != NULL && (name = g_dir_read_name (directory)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      remove_tree (child);
    }
  g_assert_cmpint (g_remove (path), ==, 0);
}

void
state_remove_directory (char *directory)
{
  remove_tree (directory);
  g_free (directory);
}
