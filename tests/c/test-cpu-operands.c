/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>

#include <math.h>
#include <string.h>
#include "cpu-math-fixture.h"

/* Operands of 16 bits: every kernel that stores them rounds to the nearest, ties to even, whatever the processor has; and
 * products of them are sums of exact products. */

#define N_ROWS 3

typedef struct
{
  const SngKernels *kernels;
  const char *name;
} Table;

/* Those for any processor and those of this one, which may be the same. */
static Table
table (guint i)
{
  const SngDeviceMath *math = sng_cpu_math_get ();
  const Table tables[] = {
    { &sng_cpu_kernels_bf16, "bf16, any processor" },
    { math->bf16, "bf16, this processor" },
    { &sng_cpu_kernels_f16, "f16, any processor" },
    { math->f16, "f16, this processor" },
    { NULL, NULL },
  };

  g_assert_cmpuint (i, <, G_N_ELEMENTS (tables));
  return tables[i];
}

/* What rounding to the nearest, ties to even, makes of a value: the C library rounds a multiple of the unit in the last
 * place. The formats have 8 and 11 significant bits, and their exponents begin at -126 and -14. */
static double
rounded (SngDtype dtype, double value)
{
  int precision = dtype == SNG_DTYPE_BF16 ? 8 : 11;
  int least = dtype == SNG_DTYPE_BF16 ? -126 : -14;
  double largest = dtype == SNG_DTYPE_BF16 ? ldexp (255, 120) : 65504;
  int exponent;
  double result;

  if (isnan (value) || isinf (value))
    return value;
  frexp (value, &exponent);
  exponent = MAX (exponent - 1, least) - precision + 1;
  result = ldexp (nearbyint (ldexp (value, -exponent)), exponent);
  return fabs (result) > largest ? copysign (INFINITY, value) : result;
}

/* The fault that the judge must find: what does not fit is cut off. */
static double
truncated (SngDtype dtype, double value)
{
  double result = rounded (dtype, value);
  g_auto (Values) one = values_new (dtype, 1);

  values_set (&one, 0, result);
  if (fabs (result) > fabs (value))
    ((guint16 *) one.data)[0]--;
  return values_get (&one, 0);
}

/* Values between two neighbours of the format, among them those just in the middle and those beside it, of both signs
 * and over the whole range; with_ends, also what overflows and what is no number. They are reals. */
static Values
new_awkward_values (SngDtype dtype, gboolean with_ends)
{
  static const double places[] = { 0, 0.25, 0.5 - 1.0 / 1024, 0.5, 0.5 + 1.0 / 1024, 0.75 };
  const double ends[] = { INFINITY, -INFINITY, NAN, 65519, 65520, 0x1.fefffep127, 0x1.ffp127 };
  const guint last = dtype == SNG_DTYPE_BF16 ? 0x7f7e : 0x7bfe;
  g_auto (Values) neighbours = values_new (dtype, 2);
  Values values = values_new (SNG_DTYPE_F32, (last / 37 + 1) * G_N_ELEMENTS (places) + G_N_ELEMENTS (ends));
  gsize n = 0;

  for (guint bits = 0; bits <= last; bits += 37)
    for (gsize i = 0; i < G_N_ELEMENTS (places); i++)
      {
        double low, high;

        ((guint16 *) neighbours.data)[0] = (guint16) bits;
        ((guint16 *) neighbours.data)[1] = (guint16) (bits + 1);
        low = values_get (&neighbours, 0);
        high = values_get (&neighbours, 1);
        values_set (&values, n, (n & 1 ? -1 : 1) * (low + places[i] * (high - low)));
        n++;
      }
  for (gsize i = 0; with_ends && i < G_N_ELEMENTS (ends); i++)
    values_set (&values, n++, ends[i]);
  values.n = n;
  return values;
}

/* Operand i % reals->n is real i % reals->n, times factor, rounded; and truncation would not do. */
static void
assert_rounded (const char *what,
                const Table *kernels,
                const Values *operands,
                const Values *reals,
                double factor)
{
  SngDtype dtype = operands->dtype;
  gsize n_truncated = 0;

  for (gsize i = 0; i < operands->n; i++)
    {
      double real = values_get (reals, i % reals->n) * factor, result = values_get (operands, i);
      double expected = rounded (dtype, real);

      if (isnan (expected) ? !isnan (result) : result != expected)
        g_error ("%s of %s: %a became %a instead of %a", what, kernels->name, real, result, expected);
      n_truncated += isfinite (expected) && truncated (dtype, real) != expected;
    }
  g_test_message ("%s of %s: %" G_GSIZE_FORMAT " differ from truncation", what, kernels->name, n_truncated);
  g_assert_cmpuint (n_truncated, >, operands->n / 20);
}

static void
test_narrow (void)
{
  g_autoptr (SngDevice) device = sng_device_new_cpu (2);

  for (guint t = 0; table (t).kernels != NULL; t++)
    {
      Table kernels = table (t);
      g_auto (Values) reals = new_awkward_values (kernels.kernels->operand, TRUE);

      /* with every number of elements behind the last whole vector */
      for (gsize skipped = 0; skipped < 9; skipped++)
        {
          Values some = { reals.dtype, reals.n - skipped, (float *) reals.data + skipped };
          g_auto (Values) operands = values_new (kernels.kernels->operand, some.n + 1);

          values_set (&operands, some.n, 7);
          kernels.kernels->narrow (device, some.n, some.data, operands.data);
          g_assert_cmpfloat (values_get (&operands, some.n), ==, 7);
          operands.n--;
          assert_rounded ("narrow", &kernels, &operands, &some, 1);
          for (gsize i = 0; i < some.n; i++)
            g_assert_true (!signbit (values_get (&operands, i)) == !signbit (values_get (&some, i)));
        }
    }
}

/* A bias of awkward values is the sum where the input is zero; GELU takes what was stored. */
static void
test_linear_forward (void)
{
  const gsize length = N_ROWS;
  g_autoptr (SngRows) rows = rows_new (&length, 1);
  g_autoptr (SngDevice) device = sng_device_new_cpu (2);

  for (guint t = 0; table (t).kernels != NULL; t++)
    {
      Table kernels = table (t);
      SngDtype dtype = kernels.kernels->operand;
      g_auto (Values) bias = new_awkward_values (dtype, TRUE);
      g_auto (Values) input = values_new (dtype, N_ROWS);
      g_auto (Values) weight = values_random (dtype, bias.n, 1);
      g_auto (Values) output = values_new (dtype, N_ROWS * bias.n);
      g_auto (Values) gelu = values_new (dtype, N_ROWS * bias.n);
      g_auto (Values) stored = values_new (SNG_DTYPE_F32, bias.n);
      g_auto (Values) real_output = values_new (SNG_DTYPE_F32, N_ROWS * bias.n);
      g_auto (Values) real_gelu = values_new (SNG_DTYPE_F32, N_ROWS * bias.n);
      SngLinear op = { .rows = *rows,
                       .n_inputs = 1,
                       .n_outputs = bias.n,
                       .input = input.data,
                       .weight = weight.data,
                       .bias = bias.data,
                       .output = output.data,
                       .gelu = gelu.data };

      kernels.kernels->linear_forward (device, &op);
      assert_rounded ("linear_forward", &kernels, &output, &bias, 1);

      for (gsize i = 0; i < bias.n; i++)
        values_set (&stored, i, values_get (&output, i));
      op.bias = stored.data;
      op.output = real_output.data;
      op.gelu = real_gelu.data;
      op.real_output = TRUE;
      kernels.kernels->linear_forward (device, &op);
      assert_rounded ("gelu", &kernels, &gelu, &real_gelu, 1);
    }
}

/* Each sum is of two operands, the first with all its bits and the second half a unit in its last place. */
static void
test_linear_backward (void)
{
  const gsize length = N_ROWS;
  g_autoptr (SngRows) rows = rows_new (&length, 1);
  g_autoptr (SngDevice) device = sng_device_new_cpu (2);

  for (guint t = 0; table (t).kernels != NULL; t++)
    {
      Table kernels = table (t);
      SngDtype dtype = kernels.kernels->operand;
      const gsize n = SNG_CPU_COLUMNS_PER_TILE + 37;
      g_auto (Values) d_output = values_new (dtype, N_ROWS * 2);
      g_auto (Values) weight = values_new (dtype, 2 * n);
      g_auto (Values) sums = values_new (SNG_DTYPE_F32, n);
      g_auto (Values) input = values_new (dtype, N_ROWS * n);
      g_auto (Values) d_input = values_new (dtype, N_ROWS * n);
      g_auto (Values) d_weight = values_new (SNG_DTYPE_F32, 2 * n);
      SngLinear op = { .rows = *rows,
                       .n_inputs = n,
                       .n_outputs = 2,
                       .input = input.data,
                       .weight = weight.data,
                       .d_output = d_output.data,
                       .d_input = d_input.data,
                       .d_weight = d_weight.data };

      for (gsize i = 0; i < N_ROWS * 2; i++)
        values_set (&d_output, i, 1);
      for (gsize i = 0; i < N_ROWS * n; i++)
        values_set (&input, i, 20);
      for (gsize i = 0; i < n; i++)
        {
          double half = dtype == SNG_DTYPE_BF16 ? 0x1p-8 : 0x1p-11;
          double exact = (1 + 2 * half * (double) (i % 128)) * (i & 1 ? -0.25 : 64);

          half *= i & 1 ? -0.25 : 64;
          values_set (&weight, i, exact);
          values_set (&weight, n + i, half);
          values_set (&sums, i, exact + half);
          g_assert_cmpfloat (values_get (&weight, i) + values_get (&weight, n + i), ==, exact + half);
        }
      kernels.kernels->linear_backward (device, &op);
      assert_rounded ("linear_backward", &kernels, &d_input, &sums, 1);

      /* so far from 0 the slope of GELU is 1 */
      op.before_gelu = input.data;
      op.d_input = input.data;
      kernels.kernels->linear_backward (device, &op);
      assert_rounded ("linear_backward into what was before GELU", &kernels, &input, &sums, 1);
    }
}

static void
test_layer_norm (void)
{
  g_autoptr (SngDevice) device = sng_device_new_cpu (2);

  for (guint t = 0; table (t).kernels != NULL; t++)
    {
      Table kernels = table (t);
      g_auto (Values) bias = new_awkward_values (kernels.kernels->operand, TRUE);
      g_auto (Values) weight = values_new (SNG_DTYPE_F32, bias.n);
      g_auto (Values) input = values_random (SNG_DTYPE_F32, N_ROWS * bias.n, 1);
      g_auto (Values) output = values_new (kernels.kernels->operand, N_ROWS * bias.n);
      float mean[N_ROWS], rstd[N_ROWS];
      SngLayerNorm op = { .rows.n_rows = N_ROWS,
                          .n_columns = bias.n,
                          .epsilon = 1e-5,
                          .input = input.data,
                          .weight = weight.data,
                          .bias = bias.data,
                          .output = output.data,
                          .mean = mean,
                          .rstd = rstd };

      kernels.kernels->layer_norm_forward (device, &op);
      assert_rounded ("layer_norm_forward", &kernels, &output, &bias, 1);
    }
}

/* Of d_input as backward leaves it: with a rstd of 0 that is what was there, else a sum. Dropout multiplies by 0 or 2, and what
 * it leaves is rounded. */
static void
check_branch (const Table *kernels, SngDevice *device, const SngRows *rows, float rstd)
{
  static const guint64 first_ordinal = 0;
  SngDtype dtype = kernels->kernels->operand;
  g_auto (Values) reals = new_awkward_values (dtype, FALSE);
  g_auto (Values) ones = values_new (SNG_DTYPE_F32, reals.n);
  g_auto (Values) input = values_random (SNG_DTYPE_F32, N_ROWS * reals.n, 1);
  g_auto (Values) d_output = values_random (SNG_DTYPE_F32, N_ROWS * reals.n, 2);
  g_auto (Values) d_input = values_new (SNG_DTYPE_F32, N_ROWS * reals.n);
  g_auto (Values) d_branch = values_new (dtype, N_ROWS * reals.n);
  g_auto (Values) d_weight = values_new (SNG_DTYPE_F32, reals.n);
  g_auto (Values) d_bias = values_new (SNG_DTYPE_F32, reals.n);
  float mean[N_ROWS] = { 0 }, rstds[N_ROWS] = { rstd, rstd, rstd };
  gsize n_dropped = 0, n_changed = 0;
  SngLayerNorm op = { .rows = *rows,
                      .n_columns = reals.n,
                      .input = input.data,
                      .weight = ones.data,
                      .mean = mean,
                      .rstd = rstds,
                      .d_output = d_output.data,
                      .d_input = d_input.data,
                      .add_to_d_input = TRUE,
                      .d_branch = d_branch.data,
                      .dropout = { .key = 1 },
                      .d_weight = d_weight.data,
                      .d_bias = d_bias.data };

  for (gsize i = 0; i < reals.n; i++)
    values_set (&ones, i, 1);
  for (gsize i = 0; i < d_input.n; i++)
    values_set (&d_input, i, values_get (&reals, i % reals.n));
  kernels->kernels->layer_norm_backward (device, &op);
  for (gsize i = 0; i < d_input.n; i++)
    n_changed += values_get (&d_input, i) != values_get (&reals, i % reals.n);
  g_assert_true (rstd == 0 ? n_changed == 0 : n_changed > d_input.n / 4);
  assert_rounded ("d_branch of layer_norm_backward", kernels, &d_branch, &d_input, 1);

  op.dropout.rate = 0.5;
  op.dropout.first_ordinal = &first_ordinal;
  kernels->kernels->layer_norm_backward (device, &op);
  for (gsize i = 0; i < d_branch.n; i++)
    if (values_get (&d_branch, i) == 0)
      {
        n_dropped++;
        values_set (&d_branch, i, rounded (dtype, 2 * values_get (&d_input, i)));
      }
  g_assert_cmpfloat_with_epsilon ((double) n_dropped / (double) d_branch.n, 0.5, 0.02);
  assert_rounded ("d_branch with dropout", kernels, &d_branch, &d_input, 2);
}

static void
test_layer_norm_backward (void)
{
  const gsize length = N_ROWS;
  g_autoptr (SngRows) rows = rows_new (&length, 1);
  g_autoptr (SngDevice) device = sng_device_new_cpu (2);

  for (guint t = 0; table (t).kernels != NULL; t++)
    {
      Table kernels = table (t);

      check_branch (&kernels, device, rows, 0);
      check_branch (&kernels, device, rows, 1);
    }
}

static void
test_gelu_backward (void)
{
  g_autoptr (SngDevice) device = sng_device_new_cpu (2);

  for (guint t = 0; table (t).kernels != NULL; t++)
    {
      Table kernels = table (t);
      g_auto (Values) d_output = new_awkward_values (kernels.kernels->operand, TRUE);
      g_auto (Values) input = values_new (SNG_DTYPE_F32, d_output.n);
      g_auto (Values) d_input = values_new (kernels.kernels->operand, d_output.n);
      SngGelu op = {
        .n_elements = d_output.n, .input = input.data, .d_output = d_output.data, .d_input = d_input.data
      };

      for (gsize i = 0; i < input.n; i++)
        values_set (&input, i, 20);
      kernels.kernels->gelu_backward (device, &op);
      assert_rounded ("gelu_backward", &kernels, &d_input, &d_output, 1);
    }
}

/* Multiples of 1/64 in (-2, 2) */
static Values
new_fractions (SngDtype dtype, gsize n, guint32 seed)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  Values values = values_new (dtype, n);

  for (gsize i = 0; i < n; i++)
    values_set (&values, i, g_rand_int_range (rand, -127, 128) / 64.0);
  return values;
}

/* Sums of products that f32 holds exactly, so that their order does not matter: in every transposition, over more than the
 * operands that are widened at once, and added to what is there. */
static void
test_product (void)
{
  const gsize n_rows = 600, n_inputs = 37, n_outputs = 21;
  g_autoptr (SngRows) rows = rows_new (&n_rows, 1);
  g_autoptr (SngDevice) device = sng_device_new_cpu (2);

  for (guint t = 0; table (t).kernels != NULL; t++)
    for (guint transposed = 0; transposed < 2; transposed++)
      {
        Table kernels = table (t);
        SngDtype dtype = kernels.kernels->operand;
        g_auto (Values) input = new_fractions (dtype, n_rows * n_inputs, 1);
        g_auto (Values) weight = new_fractions (dtype, n_inputs * n_outputs, 2);
        g_auto (Values) d_output = new_fractions (dtype, n_rows * n_outputs, 3);
        g_auto (Values) output = values_new (SNG_DTYPE_F32, n_rows * n_outputs);
        g_auto (Values) d_input = values_new (SNG_DTYPE_F32, n_rows * n_inputs);
        g_auto (Values) d_weight = new_fractions (SNG_DTYPE_F32, n_inputs * n_outputs, 4);
        g_auto (Values) before = new_fractions (SNG_DTYPE_F32, n_inputs * n_outputs, 4);
        SngLinear op = { .rows = *rows,
                         .n_inputs = n_inputs,
                         .n_outputs = n_outputs,
                         .transposed = (gboolean) transposed,
                         .input = input.data,
                         .weight = weight.data,
                         .output = output.data,
                         .real_output = TRUE,
                         .d_output = d_output.data,
                         .d_input = d_input.data,
                         .real_d_input = TRUE,
                         .d_weight = d_weight.data };

        kernels.kernels->linear_forward (device, &op);
        kernels.kernels->linear_backward (device, &op);
        for (gsize i = 0; i < n_inputs; i++)
          for (gsize j = 0; j < n_outputs; j++)
            {
              gsize place = transposed ? i * n_outputs + j : j * n_inputs + i;
              double total = values_get (&before, place);

              for (gsize row = 0; row < n_rows; row++)
                total +=
                    values_get (&input, row * n_inputs + i) * values_get (&d_output, row * n_outputs + j);
              g_assert_cmpfloat (values_get (&d_weight, place), ==, total);
            }
        for (gsize row = 0; row < n_rows; row++)
          {
            for (gsize j = 0; j < n_outputs; j++)
              {
                double total = 0;

                for (gsize i = 0; i < n_inputs; i++)
                  total += values_get (&input, row * n_inputs + i)
                           * values_get (&weight, transposed ? i * n_outputs + j : j * n_inputs + i);
                g_assert_cmpfloat (values_get (&output, row * n_outputs + j), ==, total);
              }
            for (gsize i = 0; i < n_inputs; i++)
              {
                double total = 0;

                for (gsize j = 0; j < n_outputs; j++)
                  total += values_get (&d_output, row * n_outputs + j)
                           * values_get (&weight, transposed ? i * n_outputs + j : j * n_inputs + i);
                g_assert_cmpfloat (values_get (&d_input, row * n_inputs + i), ==, total);
              }
          }
      }
}

/* A matrix product with nothing to sum up. */
static void
test_empty_product (void)
{
  const guint16 nothing = 0;
  float c[] = { NAN, 2, 3, NAN, 5, 6 };

  sng_cpu_gemm_f32 ('N', 'N', 2, 1, 0, 1, c, 1, c, 1, 0, c, 3);
  g_assert_cmpfloat (c[0], ==, 0);
  g_assert_cmpfloat (c[3], ==, 0);
  sng_cpu_gemm_f32 ('T', 'N', 2, 3, 0, 1, c, 2, c, 3, 1, c, 3);
  sng_cpu_gemm_f32 ('N', 'N', 0, 3, 2, 1, c, 2, c, 3, 0, c, 3);
  g_assert_cmpfloat (c[1], ==, 2);
  g_assert_cmpfloat (c[5], ==, 6);

  c[0] = NAN;
  if (sng_cpu_gemm_bf16 ('N', 'N', 1, 1, 0, 1, &nothing, 1, &nothing, 1, 0, c, 3))
    g_assert_cmpfloat (c[0], ==, 0);
  else
    g_test_skip ("the processor has no products of bf16");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sng/cpu-operands/narrow", test_narrow);
  g_test_add_func ("/sng/cpu-operands/linear-forward", test_linear_forward);
  g_test_add_func ("/sng/cpu-operands/linear-backward", test_linear_backward);
  g_test_add_func ("/sng/cpu-operands/layer-norm", test_layer_norm);
  g_test_add_func ("/sng/cpu-operands/layer-norm-backward", test_layer_norm_backward);
  g_test_add_func ("/sng/cpu-operands/gelu-backward", test_gelu_backward);
  g_test_add_func ("/sng/cpu-operands/product", test_product);
  g_test_add_func ("/sng/cpu-operands/empty-product", test_empty_product);
  return g_test_run ();
}
