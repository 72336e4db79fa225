/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "twin-fixture.h"

/* The optimizers, clipping and the moving average on the device: the CPU's bits, whatever the list is cut into. */

#define N_SPANS 6
#define N_STEPS 3

static const gsize span_sizes[N_SPANS] = { 1, 255, 256, 257, 4097, 9001 };

enum
{
  GRADIENT,
  PARAMETER,
  FIRST_BUFFER,
  SECOND_BUFFER,
  N_ARRAYS
};

static const char *const array_names[N_ARRAYS] = { "gradient", "parameter", "first buffer", "second buffer" };

/* Large and small numbers, and zeros of both signs. */
static void
fill (const Twin *twin, guint32 seed)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (seed);

  for (gsize i = 0; i < twin->n; i++)
    {
      double value = g_rand_double_range (random, -2, 2);

      twin_set (twin, i,
                i % 11 == 3   ? value * 1e-39
                : i % 11 == 5 ? value * 1e9
                : i % 13 == 7 ? value * 0
                              : value);
    }
  twin_upload (twin);
}

static gsize
count_elements (void)
{
  gsize n = 0;

  for (guint i = 0; i < N_SPANS; i++)
    n += span_sizes[i];
  return n;
}

/* Of the host's side or the device's; without buffers, as SGD without momentum has them, those are NULL. */
static void
describe_spans (SngSpan spans[N_SPANS], const Twin twins[N_ARRAYS], gboolean device, gboolean has_buffers)
{
  gsize first = 0;

  for (guint i = 0; i < N_SPANS; i++)
    {
      float *arrays[N_ARRAYS];

      for (guint array = 0; array < N_ARRAYS; array++)
        arrays[array] = (float *) (device ? twins[array].device : twins[array].host) + first;
      spans[i] = (SngSpan){
        .n_elements = span_sizes[i],
        .learning_rate_factor = 1.0 / (i + 1),
        .weight_decay = i % 2 == 0 ? 0.1 : 0,
        .gradient = arrays[GRADIENT],
        .parameter = arrays[PARAMETER],
        .buffers = { has_buffers ? arrays[FIRST_BUFFER] : NULL, has_buffers ? arrays[SECOND_BUFFER] : NULL },
      };
      first += span_sizes[i];
    }
}

static void
check_arrays (const Twin twins[N_ARRAYS])
{
  for (guint array = 0; array < N_ARRAYS; array++)
    twin_check_equal (&twins[array], array_names[array]);
}

static void
make_arrays (Twin twins[N_ARRAYS])
{
  for (guint array = 0; array < N_ARRAYS; array++)
    twins[array] = twin_new (SNG_DTYPE_F32, count_elements ());
  fill (&twins[PARAMETER], 1);
}

static void
clear_arrays (Twin twins[N_ARRAYS])
{
  for (guint array = 0; array < N_ARRAYS; array++)
    twin_clear (&twins[array]);
}

static void
test_adamw (gconstpointer data)
{
  guint table = GPOINTER_TO_UINT (data);
  SngSpan host[N_SPANS], device[N_SPANS];
  Twin twins[N_ARRAYS];

  make_arrays (twins);
  describe_spans (host, twins, FALSE, TRUE);
  describe_spans (device, twins, TRUE, TRUE);
  for (guint step = 1; step <= N_STEPS; step++)
    {
      SngAdamwUpdate op = { { step, 0.01 / step, N_SPANS, host }, step == 2 ? 0.4 : 0.9, 0.98, 1e-8 };

      fill (&twins[GRADIENT], 100 + step);
      twin_cpu_kernels (table)->adamw (twin_cpu (), &op);
      op.update.spans = device;
      twin_cuda_kernels (table)->adamw (twin_cuda (), &op);
      check_arrays (twins);
    }
  clear_arrays (twins);
}

static void
test_sgd (gconstpointer data)
{
  static const struct
  {
    double momentum;
    double dampening;
    gboolean nesterov;
  } kinds[] = { { 0, 0, FALSE }, { 0.9, 0.25, FALSE }, { 0.9, 0, TRUE } };
  guint table = GPOINTER_TO_UINT (data);

  for (guint kind = 0; kind < G_N_ELEMENTS (kinds); kind++)
    {
      SngSpan host[N_SPANS], device[N_SPANS];
      Twin twins[N_ARRAYS];

      make_arrays (twins);
      describe_spans (host, twins, FALSE, kinds[kind].momentum != 0);
      describe_spans (device, twins, TRUE, kinds[kind].momentum != 0);
      for (guint step = 1; step <= N_STEPS; step++)
        {
          SngSgdUpdate op = { { step, 0.01 / step, N_SPANS, host },
                              kinds[kind].momentum,
                              kinds[kind].dampening,
                              kinds[kind].nesterov };

          fill (&twins[GRADIENT], 100 + step);
          twin_cpu_kernels (table)->sgd (twin_cpu (), &op);
          op.update.spans = device;
          twin_cuda_kernels (table)->sgd (twin_cuda (), &op);
          check_arrays (twins);
        }
      clear_arrays (twins);
    }
}

/* Lists of arrays: an empty one, such as the kernels' blocks end in the midst of, and such as are cut. */
#define N_LISTED 7

static const gsize listed_sizes[N_LISTED] = { 3, 0, 8, 129, 4096, 5001, SNG_SPAN_ELEMENTS + 1001 };

static void
make_list (Twin twins[N_LISTED], SngArray host[N_LISTED], SngArray device[N_LISTED], guint32 seed)
{
  for (guint i = 0; i < N_LISTED; i++)
    {
      twins[i] = twin_new (SNG_DTYPE_F32, listed_sizes[i]);
      fill (&twins[i], seed + i);
      host[i] = (SngArray){ listed_sizes[i], twins[i].host };
      device[i] = (SngArray){ listed_sizes[i], twins[i].device };
    }
}

static void
clear_list (Twin twins[N_LISTED])
{
  for (guint i = 0; i < N_LISTED; i++)
    twin_clear (&twins[i]);
}

static void
test_sum_of_squares (gconstpointer data)
{
  guint table = GPOINTER_TO_UINT (data);
  SngArray host[N_LISTED], device[N_LISTED];
  double expected[N_LISTED], sums[N_LISTED];
  Twin twins[N_LISTED];

  make_list (twins, host, device, 1);
  twin_cpu_kernels (table)->sum_of_squares (twin_cpu (), N_LISTED, host, expected);
  twin_cuda_kernels (table)->sum_of_squares (twin_cuda (), N_LISTED, device, sums);
  for (guint i = 0; i < N_LISTED; i++)
    g_assert_cmpmem (&sums[i], sizeof sums[i], &expected[i], sizeof expected[i]);
  g_assert_cmpfloat (sums[1], ==, 0);
  g_assert_cmpfloat (sums[0], >, 0);

  twin_cuda_kernels (table)->sum_of_squares (twin_cuda (), 0, NULL, NULL);
  sums[0] = 7;
  twin_cuda_kernels (table)->sum_of_squares (twin_cuda (), 1, &device[1], sums);
  g_assert_cmpfloat (sums[0], ==, 0);
  clear_list (twins);
}

static void
test_scale (gconstpointer data)
{
  guint table = GPOINTER_TO_UINT (data);
  SngArray host[N_LISTED], device[N_LISTED];
  Twin twins[N_LISTED];

  make_list (twins, host, device, 1);
  twin_cpu_kernels (table)->scale (twin_cpu (), N_LISTED, host, 1.0 / 3);
  twin_cuda_kernels (table)->scale (twin_cuda (), N_LISTED, device, 1.0 / 3);
  for (guint i = 0; i < N_LISTED; i++)
    twin_check_equal (&twins[i], "scaled");
  clear_list (twins);
}

static void
test_average (gconstpointer data)
{
  static const double weights[N_LISTED] = { 1, 1, 0.001, 0.4, 0.75, 0.3, 0.6 };
  guint table = GPOINTER_TO_UINT (data);
  SngArray host_values[N_LISTED], device_values[N_LISTED], host_means[N_LISTED], device_means[N_LISTED];
  SngAverage host[N_LISTED], device[N_LISTED];
  Twin values[N_LISTED], means[N_LISTED];

  make_list (values, host_values, device_values, 1);
  make_list (means, host_means, device_means, 100);
  for (guint i = 0; i < N_LISTED; i++)
    {
      host[i] = (SngAverage){ listed_sizes[i], weights[i], host_values[i].values, host_means[i].values };
      device[i] =
          (SngAverage){ listed_sizes[i], weights[i], device_values[i].values, device_means[i].values };
    }
  twin_cpu_kernels (table)->average (twin_cpu (), N_LISTED, host);
  twin_cuda_kernels (table)->average (twin_cuda (), N_LISTED, device);
  for (guint i = 0; i < N_LISTED; i++)
    twin_check_equal (&means[i], "average");
  clear_list (values);
  clear_list (means);
}

/* Also of bits that are no number. */
static void
test_exchange (gconstpointer data)
{
  guint table = GPOINTER_TO_UINT (data);
  const gsize n = 9001;
  g_auto (Twin) first = twin_new (SNG_DTYPE_F32, n);
  g_auto (Twin) second = twin_new (SNG_DTYPE_F32, n);

  for (gsize i = 0; i < n; i++)
    {
      ((guint32 *) first.host)[i] = 0x7f800001u + (guint32) i;
      ((guint32 *) second.host)[i] = 0xff900001u + (guint32) i;
    }
  twin_upload (&first);
  twin_upload (&second);
  twin_cpu_kernels (table)->exchange (twin_cpu (), n - 1, first.host, second.host);
  twin_cuda_kernels (table)->exchange (twin_cuda (), n - 1, first.device, second.device);
  twin_check_equal (&first, "first");
  twin_check_equal (&second, "second");
  g_assert_cmphex (((guint32 *) first.host)[1], ==, 0xff900002u);
  twin_cuda_kernels (table)->exchange (twin_cuda (), 0, NULL, NULL);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    GTestDataFunc func;
  } tests[] = {
    { "adamw", test_adamw }, { "sgd", test_sgd },         { "sum-of-squares", test_sum_of_squares },
    { "scale", test_scale }, { "average", test_average }, { "exchange", test_exchange },
  };
  static const char *const tables[TWIN_N_TABLES] = { "f32", "bf16", "f16" };

  g_test_init (&argc, &argv, NULL);
  twin_cuda ();

  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    for (guint table = 0; table < TWIN_N_TABLES; table++)
      {
        g_autofree char *path = g_strdup_printf ("/sng/cuda-optimizer/%s/%s", tests[i].name, tables[table]);

        g_test_add_data_func (path, GUINT_TO_POINTER (table), tests[i].func);
      }

  return g_test_run ();
}
