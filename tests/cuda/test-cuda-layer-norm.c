/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "repeat-fixture.h"

/* The inputs have a mean of 100, of which the last digit is that much of their deviation. */
#define MEAN 100
#define TOLERANCE 3e-5

/* Layer normalisation of rows of many lengths: from one column, over the edges of what a warp, two and more of them have in
 * their registers, to those that no block has room for. Rows are more than one part of a sum, and the last part is not full. */

typedef struct
{
  gsize n_rows;
  gsize n_columns;
  gsize shift; /* of each array, in elements: where no row begins at 16 bytes */
} Size;

static const Size sizes[] = {
  { 0, 8, 0 },    { 1, 1, 0 },    { 3, 3, 0 },    { 67, 33, 0 },  { 19, 128, 0 }, { 19, 128, 1 },
  { 9, 129, 0 },  { 17, 320, 0 }, { 17, 320, 3 }, { 11, 511, 0 }, { 9, 516, 0 },  { 9, 1027, 0 },
  { 9, 2048, 0 }, { 9, 2052, 0 }, { 2, 4099, 0 }, { 2, 8192, 0 }, { 9, 8193, 0 }, { 2, 8196, 1 },
};

/* What backward is asked for. */
typedef struct
{
  gboolean add;
  gboolean branch;
  double rate;
  gsize shift; /* of d_branch, beside that of all arrays */
} Variant;

static const Variant variants[] = {
  { .add = FALSE, .branch = FALSE },
  { .add = TRUE, .branch = TRUE, .rate = 0 },
  { .add = TRUE, .branch = TRUE, .rate = 0.3 },
  { .add = FALSE, .branch = TRUE, .rate = 0.3, .shift = 1 },
};

typedef struct
{
  const Size *size;
  const Variant *variant;
  guint table;
  TwinRows *rows;
  Twin first_ordinal;
  Twin input;
  Twin weight;
  Twin bias;
  Twin output;
  Twin mean;
  Twin rstd;
  Twin d_output;
  Twin d_input;
  Twin d_branch;
  Twin d_weight;
  Twin d_bias;
} Fixture;

static Fixture *
fixture_new (const Size *size, guint table, const Variant *variant)
{
  /* the next sequence has another high half */
  const gint64 first_ordinal = (G_GINT64_CONSTANT (5) << 32) - 1;
  const gsize lengths[] = { size->n_rows / 3, size->n_rows / 2,
                            size->n_rows - size->n_rows / 3 - size->n_rows / 2 };
  gsize n = size->n_rows * size->n_columns + size->shift, n_columns = size->n_columns + size->shift;
  Fixture *f = g_new0 (Fixture, 1);

  f->size = size;
  f->variant = variant;
  f->table = table;
  f->rows = twin_rows_new (lengths, G_N_ELEMENTS (lengths));
  f->first_ordinal = twin_from (SNG_DTYPE_I64, 1, &first_ordinal);
  f->input = twin_random (SNG_DTYPE_F32, n, 1);
  f->weight = twin_random (SNG_DTYPE_F32, n_columns, 2);
  f->bias = twin_random (SNG_DTYPE_F32, n_columns, 3);
  f->output = twin_new (twin_cpu_kernels (table)->operand, n);
  f->mean = twin_new (SNG_DTYPE_F32, size->n_rows);
  f->rstd = twin_new (SNG_DTYPE_F32, size->n_rows);
  f->d_output = twin_random (SNG_DTYPE_F32, n, 4);
  f->d_input = twin_random (SNG_DTYPE_F32, n, 5);
  f->d_branch = twin_random (twin_cpu_kernels (table)->operand, n + variant->shift, 8);
  f->d_weight = twin_random (SNG_DTYPE_F32, n_columns, 6);
  f->d_bias = twin_random (SNG_DTYPE_F32, n_columns, 7);
  /* a variance that the difference of two sums of squares would lose */
  for (gsize i = 0; i < n; i++)
    twin_set (&f->input, i, twin_get (&f->input, i) + MEAN);
  twin_upload (&f->input);
  return f;
}

static void
fixture_free (Fixture *f)
{
  Twin *const twins[] = {
    &f->first_ordinal, &f->input,    &f->weight,  &f->bias,     &f->output,   &f->mean,
    &f->rstd,          &f->d_output, &f->d_input, &f->d_branch, &f->d_weight, &f->d_bias
  };

  twin_rows_free (f->rows);
  for (guint i = 0; i < G_N_ELEMENTS (twins); i++)
    twin_clear (twins[i]);
  g_free (f);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fixture, fixture_free)

static gpointer
place (const Fixture *f, SngDevice *device, const Twin *twin)
{
  return (guint8 *) (device == twin_cpu () ? twin->host : twin->device)
         + f->size->shift * sng_dtype_get_size (twin->dtype);
}

static SngLayerNorm
layer_norm (const Fixture *f, SngDevice *device)
{
  gboolean on_cpu = device == twin_cpu ();
  guint8 *d_branch = place (f, device, &f->d_branch);

  return (SngLayerNorm){
    .rows = on_cpu ? f->rows->host : f->rows->device,
    .n_columns = f->size->n_columns,
    .epsilon = 1e-3,
    .input = place (f, device, &f->input),
    .weight = place (f, device, &f->weight),
    .bias = place (f, device, &f->bias),
    .output = place (f, device, &f->output),
    .mean = on_cpu ? f->mean.host : f->mean.device,
    .rstd = on_cpu ? f->rstd.host : f->rstd.device,
    .d_output = place (f, device, &f->d_output),
    .d_input = place (f, device, &f->d_input),
    .add_to_d_input = f->variant->add,
    .d_branch =
        f->variant->branch ? d_branch + f->variant->shift * sng_dtype_get_size (f->d_branch.dtype) : NULL,
    .dropout = { .rate = f->variant->rate,
                 .key = 77,
                 .first_ordinal = on_cpu ? f->first_ordinal.host : f->first_ordinal.device,
                 .operation = 9 },
    .d_weight = place (f, device, &f->d_weight),
    .d_bias = place (f, device, &f->d_bias),
  };
}

static void
forward (const SngKernels *kernels, SngDevice *device, gpointer data)
{
  SngLayerNorm op = layer_norm (data, device);

  kernels->layer_norm_forward (device, &op);
}

static void
backward (const SngKernels *kernels, SngDevice *device, gpointer data)
{
  SngLayerNorm op = layer_norm (data, device);

  kernels->layer_norm_backward (device, &op);
}

/* The GPU's d_branch is, bit by bit, what the processor makes of the GPU's d_input: with a rstd of 0 its own is what was
 * there. */
static void
check_branch (Fixture *f)
{
  g_autoptr (GBytes) d_input = twin_dup_device_bytes (&f->d_input);
  g_autofree float *zeros = g_new0 (float, MAX (f->size->n_rows, 1));
  SngLayerNorm op = layer_norm (f, twin_cpu ());

  if (f->d_input.n > 0)
    memcpy (f->d_input.host, g_bytes_get_data (d_input, NULL), g_bytes_get_size (d_input));
  op.rstd = zeros;
  op.add_to_d_input = TRUE;
  twin_cpu_kernels (f->table)->layer_norm_backward (twin_cpu (), &op);
  twin_check_equal (&f->d_input, "d_input of the processor's repetition");
  twin_check_equal (&f->d_branch, "d_branch");
}

static void
check_backward (const Size *size, guint table, const Variant *variant)
{
  g_autoptr (Fixture) f = fixture_new (size, table, variant);
  Twin *const gradients[] = { &f->d_input, &f->d_branch, &f->d_weight, &f->d_bias, NULL };

  forward (twin_cpu_kernels (table), twin_cpu (), f);
  twin_upload (&f->mean);
  twin_upload (&f->rstd);
  backward (twin_cpu_kernels (table), twin_cpu (), f);
  repeat_on_cuda (table, backward, f, gradients);
  twin_check (&f->d_input, TOLERANCE, "d_input");
  twin_check (&f->d_weight, TOLERANCE, "d_weight");
  twin_check (&f->d_bias, TOLERANCE, "d_bias");
  check_branch (f);
}

static void
test_size (gconstpointer data)
{
  for (guint table = 0; table < TWIN_N_TABLES; table++)
    {
      g_autoptr (Fixture) f = fixture_new (data, table, &variants[0]);
      Twin *const outputs[] = { &f->output, &f->mean, &f->rstd, NULL };

      forward (twin_cpu_kernels (table), twin_cpu (), f);
      repeat_on_cuda (table, forward, f, outputs);
      twin_check (&f->output, MAX (twin_tolerance (twin_cpu_kernels (table)), TOLERANCE), "output");
      twin_check (&f->mean, 1e-6, "mean");
      twin_check (&f->rstd, 2e-6, "rstd");

      for (guint i = 0; i < G_N_ELEMENTS (variants); i++)
        check_backward (data, table, &variants[i]);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autofree char *path =
          g_strdup_printf ("/sng/cuda/layer-norm/%" G_GSIZE_FORMAT "x%" G_GSIZE_FORMAT "+%" G_GSIZE_FORMAT,
                           sizes[i].n_rows, sizes[i].n_columns, sizes[i].shift);

      g_test_add_data_func (path, &sizes[i], test_size);
    }

  return g_test_run ();
}
