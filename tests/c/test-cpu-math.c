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
run_threads (const Case *c, const SngKernels *kernels, gsize size, guint n_threads)
{
  g_autoptr (SngDevice) device = sng_device_new_cpu (n_threads);
  Buffers *b = buffers_new (c, size);

  c->forward (kernels, device, b);
  c->backward (kernels, device, b);
  return b;
}

static Buffers *
run (const Case *c, const SngKernels *kernels, gsize size)
{
  return run_threads (c, kernels, size, 2);
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

static gboolean
same_bits (const Case *c, const Buffers *a, const Buffers *b)
{
  gboolean same = memcmp (a->out, b->out, c->n_out * a->size) == 0;

  for (guint i = 0; i < MAX_INPUTS && c->n_in[i] > 0; i++)
    same &= memcmp (a->gradient[i], b->gradient[i], c->n_in[i] * a->size) == 0;
  return same;
}

/* One bit anywhere is a difference. */
static void
assert_same_bits (const Case *c, const Buffers *a, Buffers *b)
{
  g_assert_true (same_bits (c, a, b));
  ((guint8 *) b->out)[c->n_out * b->size - 1] ^= 1;
  g_assert_false (same_bits (c, a, b));
  ((guint8 *) b->out)[c->n_out * b->size - 1] ^= 1;
  ((guint8 *) b->gradient[0])[0] ^= 1;
  g_assert_false (same_bits (c, a, b));
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
  assert_same_bits (c, any, best);
}

/* Any number of threads yields the same bits. */
static void
test_threads (gconstpointer data)
{
  const Case *c = data;
  g_autoptr (Buffers) f32 = run_threads (c, sng_cpu_math_get ()->f32, sizeof (float), 1);
  g_autoptr (Buffers) f64 = run_threads (c, sng_cpu_math_get ()->f64, sizeof (double), 1);

  for (guint n_threads = 2; n_threads <= 8; n_threads += 3)
    {
      g_autoptr (Buffers) f32_again = run_threads (c, sng_cpu_math_get ()->f32, sizeof (float), n_threads);
      g_autoptr (Buffers) f64_again = run_threads (c, sng_cpu_math_get ()->f64, sizeof (double), n_threads);

      assert_same_bits (c, f32, f32_again);
      assert_same_bits (c, f64, f64_again);
    }
}

static gboolean
all_zero (const float *values, gsize n)
{
  for (gsize i = 0; i < n; i++)
    if (values[i] != 0 || signbit (values[i]))
      return FALSE;
  return TRUE;
}

/* The queries of a sequence that has no key, or only masked ones, yield zeros, and get no gradient, whatever was in the
 * memory before. */
static void
test_no_keys (void)
{
  enum
  {
    TOKENS = 5,
    HEADS = 3,
    SIZE = 7,
    WIDTH = HEADS * SIZE
  };
  static const gint64 nobody[TOKENS] = { 0 };
  g_autoptr (SngDevice) device = sng_device_new_cpu (1);
  const SngKernels *const kernels[] = { &sng_cpu_kernels_f32, sng_cpu_math_get ()->f32 };

  for (guint i = 0; i < 8; i++)
    {
      const gint64 n_keys = i & 2 ? 0 : TOKENS;
      float qkv[TOKENS * 3 * WIDTH], d_qkv[TOKENS * 3 * WIDTH];
      float output[TOKENS * WIDTH], d_output[TOKENS * WIDTH], log_sum_exp[HEADS * TOKENS];
      SngAttention op = { .n_sequences = 1,
                          .n_tokens = TOKENS,
                          .n_heads = HEADS,
                          .head_size = SIZE,
                          .scale = 1,
                          .causal = i & 1,
                          .n_keys = &n_keys,
                          .mask = i & 2 ? NULL : nobody,
                          .qkv = qkv,
                          .output = output,
                          .log_sum_exp = log_sum_exp,
                          .d_output = d_output,
                          .d_qkv = d_qkv };

      for (gsize k = 0; k < G_N_ELEMENTS (qkv); k++)
        {
          qkv[k] = (float) k - 9;
          d_qkv[k] = NAN;
        }
      for (gsize k = 0; k < G_N_ELEMENTS (output); k++)
        {
          output[k] = NAN;
          d_output[k] = 1;
        }
      kernels[i / 4]->attention_forward (device, &op);
      g_assert_true (all_zero (output, G_N_ELEMENTS (output)));
      kernels[i / 4]->attention_backward (device, &op);
      for (gsize k = 0; k < G_N_ELEMENTS (d_qkv); k++)
        g_assert_cmpfloat (d_qkv[k], ==, 0);
      output[3] = -0.0f;
      g_assert_false (all_zero (output, G_N_ELEMENTS (output)));
    }
}

/* A matrix product with nothing to sum up. */
static void
test_empty_product (void)
{
  float c[] = { NAN, 2, 3, NAN, 5, 6 };

  sng_cpu_gemm_f32 ('N', 'N', 2, 1, 0, 1, c, 1, c, 1, 0, c, 3);
  g_assert_cmpfloat (c[0], ==, 0);
  g_assert_cmpfloat (c[3], ==, 0);
  sng_cpu_gemm_f32 ('T', 'N', 2, 3, 0, 1, c, 2, c, 3, 1, c, 3);
  sng_cpu_gemm_f32 ('N', 'N', 0, 3, 2, 1, c, 2, c, 3, 0, c, 3);
  g_assert_cmpfloat (c[1], ==, 2);
  g_assert_cmpfloat (c[5], ==, 6);
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
      g_autofree char *same_bits_path =
          g_strdup_printf ("/sng/cpu-math/%s/same-bits", cpu_math_cases[i].name);
      g_autofree char *threads = g_strdup_printf ("/sng/cpu-math/%s/threads", cpu_math_cases[i].name);

      g_test_add_data_func (gradient, &cpu_math_cases[i], test_gradient);
      g_test_add_data_func (f32, &cpu_math_cases[i], test_f32);
      g_test_add_data_func (same_bits_path, &cpu_math_cases[i], test_same_bits);
      g_test_add_data_func (threads, &cpu_math_cases[i], test_threads);
    }
  g_test_add_func ("/sng/cpu-math/no-keys", test_no_keys);
  g_test_add_func ("/sng/cpu-math/empty-product", test_empty_product);
  g_test_add_func ("/sng/cpu-math/dropout", test_dropout);
  return g_test_run ();
}
