/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "twin-fixture.h"

#include <string.h>

/* Elements of any layout to a block and back, as the CPU does it. */

typedef struct
{
  const char *name;
  guint n_dims;
  gint64 shape[5];
  gint64 strides[5];
  gint64 origin; /* element of the array that is the layout's first */
  gsize n;       /* elements of the array */
} Case;

static const Case cases[] = {
  { "scalar", 0, { 0 }, { 0 }, 3, 5 },
  { "whole", 2, { 37, 64 }, { 64, 1 }, 0, 37 * 64 },
  { "not aligned", 2, { 37, 64 }, { 64, 1 }, 1, 37 * 64 + 1 },
  { "columns", 2, { 29, 16 }, { 48, 1 }, 16, 29 * 48 },
  { "odd columns", 2, { 29, 15 }, { 49, 1 }, 17, 29 * 49 },
  { "every third", 1, { 700 }, { 3 }, 2, 2102 },
  { "transposed", 2, { 40, 33 }, { 1, 40 }, 0, 40 * 33 },
  { "backwards", 2, { 31, 17 }, { -17, -1 }, 31 * 17 - 1, 31 * 17 },
  { "permuted", 5, { 3, 4, 1, 5, 6 }, { 4, 1, 99, 72, 12 }, 0, 3 * 4 * 5 * 6 },
};

/* One of each size of an element. */
static const SngDtype dtypes[] = { SNG_DTYPE_U8, SNG_DTYPE_BF16, SNG_DTYPE_F32, SNG_DTYPE_C64 };

static const SngDeviceClass *
ops (SngDevice *device)
{
  return SNG_DEVICE_GET_CLASS (device);
}

static gint64
count (const Case *c)
{
  gint64 n = 1;

  for (guint i = 0; i < c->n_dims; i++)
    n *= c->shape[i];
  return n;
}

static Twin
new_bytes (SngDtype dtype, gsize n, guint8 first)
{
  Twin twin = twin_new (dtype, n);

  for (gsize i = 0; i < n * sng_dtype_get_size (dtype); i++)
    ((guint8 *) twin.host)[i] = (guint8) (first + (i * 7 + (i >> 8) * 13) % 251);
  twin_upload (&twin);
  return twin;
}

/* A range of the layout's elements to a block at some element of it. */
static void
check_gather (const Case *c, SngDtype dtype, gint64 first, gint64 n, gsize at)
{
  gsize size = sng_dtype_get_size (dtype);
  SngLayout layout = { dtype, c->n_dims, c->shape, c->strides, count (c), FALSE };
  g_auto (Twin) source = new_bytes (dtype, c->n, 3);
  g_auto (Twin) block = new_bytes (dtype, (gsize) n + at + 2, 90);
  gsize from = (gsize) c->origin * size, to = at * size;

  ops (twin_cpu ())
      ->gather (twin_cpu (), (char *) block.host + to, (char *) source.host + from, &layout, first, n);
  ops (twin_cuda ())
      ->gather (twin_cuda (), (char *) block.device + to, (char *) source.device + from, &layout, first, n);
  twin_check_equal (&block, c->name);
}

static void
check_scatter (const Case *c, SngDtype dtype, gint64 first, gint64 n, gsize at)
{
  gsize size = sng_dtype_get_size (dtype);
  SngLayout layout = { dtype, c->n_dims, c->shape, c->strides, count (c), FALSE };
  g_auto (Twin) target = new_bytes (dtype, c->n, 3);
  g_auto (Twin) block = new_bytes (dtype, (gsize) n + at, 90);
  gsize from = at * size, to = (gsize) c->origin * size;

  ops (twin_cpu ())
      ->scatter (twin_cpu (), (char *) target.host + to, &layout, (char *) block.host + from, first, n);
  ops (twin_cuda ())
      ->scatter (twin_cuda (), (char *) target.device + to, &layout, (char *) block.device + from, first, n);
  twin_check_equal (&target, c->name);
}

static void
for_each_case (void (*check) (const Case *c, SngDtype dtype, gint64 first, gint64 n, gsize at))
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    for (guint j = 0; j < G_N_ELEMENTS (dtypes); j++)
      {
        gint64 n = count (&cases[i]);

        check (&cases[i], dtypes[j], 0, n, 0);
        check (&cases[i], dtypes[j], 0, n, 1);
        check (&cases[i], dtypes[j], n / 3, n - n / 3, 0);
        check (&cases[i], dtypes[j], n / 2, n / 4, 5);
      }
}

static void
test_gather (void)
{
  for_each_case (check_gather);
}

static void
test_scatter (void)
{
  for_each_case (check_scatter);
}

/* Elements that are broadcast can only be read. */
static void
test_broadcast (void)
{
  static const Case one = { "one", 2, { 50, 60 }, { 0, 0 }, 7, 9 };
  static const Case row = { "row", 2, { 50, 64 }, { 0, 1 }, 0, 64 };
  static const Case column = { "column", 2, { 50, 64 }, { 1, 0 }, 0, 50 };

  for (guint j = 0; j < G_N_ELEMENTS (dtypes); j++)
    {
      check_gather (&one, dtypes[j], 0, 3000, 0);
      check_gather (&row, dtypes[j], 0, 3200, 0);
      check_gather (&column, dtypes[j], 0, 3200, 0);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  twin_cuda ();

  g_test_add_func ("/sng/cuda-strided/gather", test_gather);
  g_test_add_func ("/sng/cuda-strided/scatter", test_scatter);
  g_test_add_func ("/sng/cuda-strided/broadcast", test_broadcast);

  return g_test_run ();
}
