/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "repeat-fixture.h"

#define ORDER "SNG_EMULATOR_SEED"

static GPtrArray *
read_all (Twin *const *twins)
{
  GPtrArray *contents = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);

  for (; *twins != NULL; twins++)
    g_ptr_array_add (contents, twin_dup_device_bytes (*twins));
  return contents;
}

static void
write_all (Twin *const *twins, const GPtrArray *contents)
{
  for (guint i = 0; i < contents->len; i++)
    {
      g_autoptr (GError) error = NULL;
      gsize n_bytes;
      gconstpointer bytes = g_bytes_get_data (contents->pdata[i], &n_bytes);

      SNG_DEVICE_GET_CLASS (twin_cuda ())->upload (twin_cuda (), twins[i]->device, bytes, n_bytes, &error);
      g_assert_no_error (error);
    }
}

void
repeat_on_cuda (guint table, RepeatFunc func, gpointer data, Twin *const *twins)
{
  static const char *const orders[] = { "1", "2", "12345" };
  g_autoptr (GPtrArray) before = read_all (twins);
  g_autoptr (GPtrArray) first = NULL;

  func (twin_cuda_kernels (table), twin_cuda (), data);
  first = read_all (twins);
  for (guint order = 0; order < G_N_ELEMENTS (orders); order++)
    {
      g_autoptr (GPtrArray) again = NULL;

      g_setenv (ORDER, orders[order], TRUE);
      write_all (twins, before);
      func (twin_cuda_kernels (table), twin_cuda (), data);
      again = read_all (twins);
      for (guint i = 0; i < first->len; i++)
        if (!g_bytes_equal (first->pdata[i], again->pdata[i]))
          g_error ("array %u has other bits with " ORDER "=%s", i, orders[order]);
    }
  g_unsetenv (ORDER);
}
