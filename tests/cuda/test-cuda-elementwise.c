/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <string.h>
#include "repeat-fixture.h"

/* The gradient of GELU, and rotary positions, which are equal to the bit. */

static const gsize lengths[] = { 17, 1, 20, 3 };

#define N_ROWS 41

typedef struct
{
  guint table;
  gsize n_columns; /* or elements, or the size of a head */
  gsize shift;     /* of each array, in elements: where nothing begins at 16 bytes */
  gboolean in_place;
  gboolean inverse;
  SngGeluKind kind;
  TwinRows *rows;
  Twin in[3];
  Twin out;
} Fixture;

static gpointer
place (const Fixture *f, SngDevice *device, const Twin *twin)
{
  return (guint8 *) (device == twin_cpu () ? twin->host : twin->device)
         + f->shift * sng_dtype_get_size (twin->dtype);
}

static void
fixture_clear (Fixture *f)
{
  g_clear_pointer (&f->rows, twin_rows_free);
  for (guint i = 0; i < G_N_ELEMENTS (f->in); i++)
    twin_clear (&f->in[i]);
  twin_clear (&f->out);
}

/* In place, the first input is the output as well. */
static void
check (Fixture *f, RepeatFunc func, double tolerance)
{
  const Twin *out = f->in_place ? &f->in[0] : &f->out;
  Twin *const twins[] = { &f->in[0], &f->in[1], &f->in[2], &f->out, NULL };

  func (twin_cpu_kernels (f->table), twin_cpu (), f);
  repeat_on_cuda (f->table, func, f, twins);
  if (tolerance > 0)
    twin_check (out, tolerance, "output");
  else
    twin_check_equal (out, "output");
  fixture_clear (f);
}

static gboolean
can_be_in_place (guint table)
{
  return twin_cpu_kernels (table)->operand == SNG_DTYPE_F32;
}

static void
gelu (const SngKernels *kernels, SngDevice *device, gpointer data)
{
  const Fixture *f = data;
  SngGelu op = {
    .n_elements = f->n_columns,
    .kind = f->kind,
    .d_output = place (f, device, &f->in[0]),
    .input = place (f, device, &f->in[1]),
    .d_input = place (f, device, f->in_place ? &f->in[0] : &f->out),
  };

  kernels->gelu_backward (device, &op);
}

static void
check_gelu (guint table, SngGeluKind kind, gsize n, gsize shift, gboolean in_place)
{
  SngDtype operand = twin_cpu_kernels (table)->operand;
  Fixture f = {
    .table = table,
    .n_columns = n,
    .shift = shift,
    .kind = kind,
    .in_place = in_place,
    .rows = twin_rows_new (NULL, 0),
    .in = { twin_random (SNG_DTYPE_F32, n + shift, 1), twin_random (SNG_DTYPE_F32, n + shift, 2),
            twin_new (SNG_DTYPE_F32, 0) },
    .out = twin_random (operand, n + shift, 3),
  };

  /* wide enough for both ends */
  for (gsize i = 0; i < n; i++)
    twin_set (&f.in[1], i, 4 * twin_get (&f.in[1], i));
  twin_upload (&f.in[1]);
  check (&f, gelu, twin_tolerance (twin_cpu_kernels (table)));
}

static void
test_gelu (void)
{
  static const gsize sizes[] = { 0, 1, 7, 1024, 4097 };

  for (guint table = 0; table < TWIN_N_TABLES; table++)
    for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
      for (gsize shift = 0; shift < 2; shift++)
        for (guint kind = SNG_GELU_ERF; kind <= SNG_GELU_TANH; kind++)
          {
            check_gelu (table, kind, sizes[i], shift, FALSE);
            if (can_be_in_place (table))
              check_gelu (table, kind, sizes[i], shift, TRUE);
          }
}

#define N_HEADS 3

static void
rotary (const SngKernels *kernels, SngDevice *device, gpointer data)
{
  const Fixture *f = data;
  SngRotary op = {
    .rows = device == twin_cpu () ? f->rows->host : f->rows->device,
    .n_heads = N_HEADS,
    .head_size = f->n_columns,
    .query_scale = 0.3,
    .cosine = place (f, device, &f->in[1]),
    .sine = place (f, device, &f->in[2]),
    .qkv = place (f, device, &f->in[0]),
    .inverse = f->inverse,
  };

  kernels->rotary (device, &op);
}

static void
test_rotary (void)
{
  /* the last has more quads than a block has threads */
  static const gsize sizes[] = { 2, 6, 8, 18, 64, 256 };

  for (guint table = 0; table < TWIN_N_TABLES; table++)
    for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
      for (gsize shift = 0; shift < 2; shift++)
        for (gboolean inverse = FALSE; inverse <= TRUE; inverse++)
          {
            gsize n_angles = 20 * sizes[i] / 2 + shift;
            Fixture f = {
              .table = table,
              .n_columns = sizes[i],
              .shift = shift,
              .in_place = TRUE,
              .inverse = inverse,
              .rows = twin_rows_new (lengths, G_N_ELEMENTS (lengths)),
              .in = { twin_random (twin_cpu_kernels (table)->operand, N_ROWS * 3 * N_HEADS * sizes[i] + shift,
                                   1),
                      twin_random (SNG_DTYPE_F32, n_angles, 2), twin_random (SNG_DTYPE_F32, n_angles, 3) },
              .out = twin_new (SNG_DTYPE_F32, 0),
            };

            check (&f, rotary, 0);
          }
}

/* Of no rows nothing is launched. */
static void
test_empty (void)
{
  for (guint table = 0; table < TWIN_N_TABLES; table++)
    {
      const SngKernels *kernels = twin_cuda_kernels (table);
      g_autoptr (GError) error = NULL;
      SngRotary rotary = { .n_heads = 2, .head_size = 8 };

      kernels->rotary (twin_cuda (), &rotary);
      g_assert_true (SNG_DEVICE_GET_CLASS (twin_cuda ())->check (twin_cuda (), &error));
      g_assert_no_error (error);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/cuda/elementwise/gelu", test_gelu);
  g_test_add_func ("/sng/cuda/elementwise/rotary", test_rotary);
  g_test_add_func ("/sng/cuda/elementwise/empty", test_empty);

  return g_test_run ();
}
