/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>

#include <math.h>
#include <string.h>
#include "cpu-math-cases.h"
#include "tensor/sng-philox-private.h"

/* Judges each kernel (see cpu-math-cases.c) three ways: the gradients in f64 against central
 * differences, f32 against f64, and f32 for AVX2 against f32 for any processor, bit by bit. */

#define N_SAMPLES 60 /* elements of an input whose gradient is checked */
#define STEP 1e-5
#define F64_TOLERANCE 1e-6
#define F32_TOLERANCE 2e-6

static gpointer
new_values (gsize n, gsize size, guint32 seed, gboolean zero)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  gpointer values = g_malloc0 (MAX (n, 1) * size);

  for (gsize i = 0; i < n && !zero; i++)
    {
      float value = (float) g_rand_double_range (rand, -2, 2);

      if (size == sizeof (float))
        ((float *) values)[i] = value;
      else
        ((double *) values)[i] = value;
    }
  return values;
}

static double
value_at (gconstpointer values, gsize size, gsize i)
{
  return size == sizeof (float) ? ((const float *) values)[i] : ((const double *) values)[i];
}

static Buffers *
buffers_new (const Case *c, gsize size)
{
  Buffers *b = g_new0 (Buffers, 1);

  b->size = size;
  for (guint i = 0; i < MAX_INPUTS && c->n_in[i] > 0; i++)
    {
      b->in[i] = new_values (c->n_in[i], size, 10 + i, FALSE);
      b->gradient[i] = new_values (c->n_in[i], size, 0, TRUE);
    }
  b->out = new_values (c->n_out, size, 0, TRUE);
  b->d_out = new_values (c->n_out, size, 20, FALSE);
  b->saved[0] = new_values (c->n_saved, size, 0, TRUE);
  b->saved[1] = new_values (c->n_saved, size, 0, TRUE);
  return b;
}

static void
buffers_free (Buffers *b)
{
  for (guint i = 0; i < MAX_INPUTS; i++)
    {
      g_free (b->in[i]);
      g_free (b->gradient[i]);
    }
  g_free (b->out);
  g_free (b->d_out);
  g_free (b->saved[0]);
  g_free (b->saved[1]);
  g_free (b);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Buffers, buffers_free)

static Buffers *
run (const Case *c, const SngKernels *kernels, gsize size)
{
  g_autoptr (SngDevice) device = sng_device_new_cpu (2);
  Buffers *b = buffers_new (c, size);

  c->forward (kernels, device, b);
  c->backward (kernels, device, b);
  return b;
}

static double
product (const Case *c, const SngKernels *kernels, SngDevice *device, Buffers *b)
{
  double total = 0;

  c->forward (kernels, device, b);
  for (gsize i = 0; i < c->n_out; i++)
    total += ((double *) b->out)[i] * ((double *) b->d_out)[i];
  return total;
}

/* How far the gradient of an input is from central differences, as a share of its norm. */
static double
gradient_error (const Case *c, Buffers *b, guint input)
{
  const SngKernels *kernels = sng_cpu_math_get ()->f64;
  g_autoptr (SngDevice) device = sng_device_new_cpu (1);
  g_autoptr (GRand) rand = g_rand_new_with_seed (99);
  double *values = b->in[input];
  double difference = 0, norm = 0;

  for (guint sample = 0; sample < N_SAMPLES; sample++)
    {
      gsize i = (gsize) g_rand_int_range (rand, 0, (gint32) c->n_in[input]);
      double before = values[i];
      double above, below, numeric, analytic = ((double *) b->gradient[input])[i];

      values[i] = before + STEP;
      above = product (c, kernels, device, b);
      values[i] = before - STEP;
      below = product (c, kernels, device, b);
      values[i] = before;
      numeric = (above - below) / (2 * STEP);
      difference += (numeric - analytic) * (numeric - analytic);
      norm += numeric * numeric;
    }
  return sqrt (difference / norm);
}

/* The wrong gradients that the judge must refuse: of the wrong sign, a little too long, and one of another place. */
static void
test_gradient (gconstpointer data)
{
  const Case *c = data;
  g_autoptr (Buffers) b = run (c, sng_cpu_math_get ()->f64, sizeof (double));

  for (guint input = 0; input < MAX_INPUTS && c->n_in[input] > 0; input++)
    {
      double *gradient = b->gradient[input];
      double error = gradient_error (c, b, input);
      gsize n = c->n_in[input];

      g_test_message ("input %u: %.1e", input, error);
      g_assert_cmpfloat (error, <, F64_TOLERANCE);

      for (gsize i = 0; i < n; i++)
        gradient[i] = -gradient[i];
      g_assert_cmpfloat (gradient_error (c, b, input), >, F64_TOLERANCE);
      for (gsize i = 0; i < n; i++)
        gradient[i] *= -(1 + 1e-5);
      g_assert_cmpfloat (gradient_error (c, b, input), >, F64_TOLERANCE);
      for (gsize i = 0; i + 1 < n; i++)
        gradient[i] = gradient[i + 1];
      g_assert_cmpfloat (gradient_error (c, b, input), >, F64_TOLERANCE);
    }
}

static double
relative_difference (gconstpointer a, gsize a_size, gconstpointer b, gsize b_size, gsize n)
{
  double difference = 0, norm = 0;

  for (gsize i = 0; i < n; i++)
    {
      double x = value_at (a, a_size, i), y = value_at (b, b_size, i);

      difference += (x - y) * (x - y);
      norm += y * y;
    }
  return sqrt (difference / norm);
}

static void
test_f32 (gconstpointer data)
{
  const Case *c = data;
  g_autoptr (Buffers) f64 = run (c, sng_cpu_math_get ()->f64, sizeof (double));
  g_autoptr (Buffers) f32 = run (c, sng_cpu_math_get ()->f32, sizeof (float));
  double error = relative_difference (f32->out, sizeof (float), f64->out, sizeof (double), c->n_out);

  g_test_message ("output: %.1e", error);
  g_assert_cmpfloat (error, <, F32_TOLERANCE);
  for (guint i = 0; i < MAX_INPUTS && c->n_in[i] > 0; i++)
    {
      error = relative_difference (f32->gradient[i], sizeof (float), f64->gradient[i], sizeof (double),
                                   c->n_in[i]);
      g_test_message ("gradient of input %u: %.1e", i, error);
      g_assert_cmpfloat (error, <, F32_TOLERANCE);
      for (gsize j = 0; j < c->n_in[i]; j++)
        ((float *) f32->gradient[i])[j] *= 1.0001f;
      error = relative_difference (f32->gradient[i], sizeof (float), f64->gradient[i], sizeof (double),
                                   c->n_in[i]);
      g_assert_cmpfloat (error, >, F32_TOLERANCE);
    }
}

static void
test_same_bits (gconstpointer data)
{
  const Case *c = data;
  g_autoptr (Buffers) any = NULL;
  g_autoptr (Buffers) best = NULL;

  if (sng_cpu_math_get ()->f32 == &sng_cpu_kernels_f32)
    {
      g_test_skip ("needs a processor with AVX2");
      return;
    }
  any = run (c, &sng_cpu_kernels_f32, sizeof (float));
  best = run (c, sng_cpu_math_get ()->f32, sizeof (float));
  g_assert_cmpmem (any->out, c->n_out * sizeof (float), best->out, c->n_out * sizeof (float));
  for (guint i = 0; i < MAX_INPUTS && c->n_in[i] > 0; i++)
    g_assert_cmpmem (any->gradient[i], c->n_in[i] * sizeof (float), best->gradient[i],
                     c->n_in[i] * sizeof (float));
  ((float *) any->out)[0] = nextafterf (((float *) any->out)[0], INFINITY);
  g_assert_cmpint (memcmp (any->out, best->out, c->n_out * sizeof (float)), !=, 0);
}

#define N_SEQUENCES 2
#define N_TOKENS 70
#define N_COLUMNS 77
#define N_STREAM (N_SEQUENCES * N_TOKENS * N_COLUMNS)

/* The mask of dropout element by element, as SngDropout defines it. */
static void
test_dropout (void)
{
  g_autoptr (SngDevice) device = sng_device_new_cpu (2);
  g_autofree float *input = g_new (float, N_STREAM);
  g_autofree float *output = g_new (float, N_STREAM);
  SngResidual op = { .n_rows = N_SEQUENCES * N_TOKENS,
                     .n_tokens = N_TOKENS,
                     .n_columns = N_COLUMNS,
                     .dropout = { .rate = 0.4, .key = 1, .operation = 3 },
                     .input = input,
                     .output = output };
  guint n_zero = 0, n_wrong = 0;

  op.dropout.first_ordinal = (1ull << 33) + 7;
  for (gsize i = 0; i < N_STREAM; i++)
    input[i] = 1;
  sng_cpu_math_get ()->f32->residual (device, &op);
  for (gsize i = 0; i < N_STREAM; i++)
    {
      guint32 column = i % N_COLUMNS, token = i / N_COLUMNS % N_TOKENS, sequence = i / N_COLUMNS / N_TOKENS;
      const guint32 counter[] = { column / 32 * 8 + column % 8, token, 7 + sequence,
                                  0x80000000u | 2 << 20 | 3 };
      guint32 words[4];
      float expected;

      sng_philox4x32 (op.dropout.key, counter, words);
      expected = sng_philox_uniform (words[column / 8 % 4]) < 0.4f ? 0 : (float) (1 / (1 - op.dropout.rate));
      n_zero += expected == 0;
      n_wrong += sng_philox_uniform (words[column % 4]) < 0.4f ? output[i] != 0 : output[i] == 0;
      g_assert_cmpfloat (output[i], ==, expected);
    }
  g_assert_cmpfloat_with_epsilon ((double) n_zero / N_STREAM, 0.4, 0.02);
  g_assert_cmpuint (n_wrong, >, N_STREAM / 4);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  cpu_math_cases_init ();

  for (guint i = 0; i < n_cpu_math_cases; i++)
    {
      g_autofree char *gradient = g_strdup_printf ("/sng/cpu-math/%s/gradient", cpu_math_cases[i].name);
      g_autofree char *f32 = g_strdup_printf ("/sng/cpu-math/%s/f32", cpu_math_cases[i].name);
      g_autofree char *same_bits = g_strdup_printf ("/sng/cpu-math/%s/same-bits", cpu_math_cases[i].name);

      g_test_add_data_func (gradient, &cpu_math_cases[i], test_gradient);
      g_test_add_data_func (f32, &cpu_math_cases[i], test_f32);
      g_test_add_data_func (same_bits, &cpu_math_cases[i], test_same_bits);
    }
  g_test_add_func ("/sng/cpu-math/dropout", test_dropout);
  return g_test_run ();
}
