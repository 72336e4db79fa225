/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>

#include <math.h>
#include <string.h>
#include "cpu/sng-cpu-math-private.h"
#include "cuda/sng-cuda-formulas.h"

/* The formulas that kernels are written in, one element at a time, against the kernels of the CPU for f32. Both round at each
 * operation, and differ in their exponentials: by 3e-7 of what is compared, and where terms cancel, of the largest of them.
 * Each test plants a formula that is almost right, and sees it refused. */

#define TOLERANCE 1e-6

#define N_ROWS 23
#define N_COLUMNS 77
#define N_ELEMENTS (N_ROWS * N_COLUMNS)

static gboolean
is_close (float found, float expected, double largest)
{
  if (isnan (expected) || isinf (expected))
    return isnan (expected) ? isnan (found) : found == expected;
  return fabs ((double) found - (double) expected) <= TOLERANCE * fmax (largest, fabs ((double) expected));
}

static gboolean
has_same_bits (float a, float b)
{
  return memcmp (&a, &b, sizeof a) == 0;
}

static float *
random_values (gsize n, guint32 seed, double scale)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  float *values = g_new (float, n);

  for (gsize i = 0; i < n; i++)
    values[i] = (float) (scale * g_rand_double_range (rand, -1, 1));
  return values;
}

/* From -40 to 40, and what lies at the edges of f32. */
static GArray *
inputs_of_gelu (void)
{
  static const float edges[] = {
    0.0f, 1e-45f, 1e-39f, 1.1754944e-38f, 1e-20f,  1e-7f,    5.3f, 9.3f,
    1e3f, 1e6f,   1e12f,  1e30f,          3.4e38f, INFINITY, NAN,
  };
  GArray *inputs = g_array_new (FALSE, FALSE, sizeof (float));

  for (int i = -40000; i <= 40000; i += 7)
    g_array_append_vals (inputs, (const float[]){ (float) i * 1e-3f }, 1);
  for (gsize i = 0; i < G_N_ELEMENTS (edges); i++)
    g_array_append_vals (inputs, (const float[]){ edges[i], -edges[i] }, 2);
  return inputs;
}

/* How often the formula for one kind is not what the CPU's kernels have for another. */
static guint
count_wrong_gelu (SngGeluKind formula, SngGeluKind kind)
{
  const SngKernels *kernels = sng_cpu_math_get ()->f32;
  g_autoptr (SngDevice) device = sng_device_new_cpu (2);
  g_autoptr (GArray) inputs = inputs_of_gelu ();
  const float *x = (const float *) (gpointer) inputs->data;
  g_autofree float *copies = g_new (float, inputs->len);
  g_autofree float *outputs = g_new (float, inputs->len);
  g_autofree float *slopes = g_new (float, inputs->len);
  const float one = 1;
  SngLinear linear = { .rows.n_rows = inputs->len,
                       .n_inputs = 1,
                       .n_outputs = 1,
                       .input = x,
                       .weight = &one,
                       .output = copies,
                       .gelu = outputs,
                       .gelu_kind = kind };
  SngGelu backward = {
    .n_elements = inputs->len, .kind = kind, .input = x, .d_output = slopes, .d_input = slopes
  };
  guint n_wrong = 0;

  for (guint i = 0; i < inputs->len; i++)
    slopes[i] = 1;
  kernels->linear_forward (device, &linear);
  kernels->gelu_backward (device, &backward);
  for (guint i = 0; i < inputs->len; i++)
    {
      n_wrong += !is_close (sng_cuda_gelu (formula, x[i]), outputs[i], fmin (fabs ((double) x[i]), 1));
      n_wrong += !is_close (sng_cuda_gelu_slope (formula, x[i]), slopes[i], 1);
    }
  return n_wrong;
}

static void
test_gelu (void)
{
  g_assert_cmpuint (count_wrong_gelu (SNG_GELU_ERF, SNG_GELU_ERF), ==, 0);
  g_assert_cmpuint (count_wrong_gelu (SNG_GELU_TANH, SNG_GELU_TANH), ==, 0);
  /* they differ by 5e-4 at most */
  g_assert_cmpuint (count_wrong_gelu (SNG_GELU_ERF, SNG_GELU_TANH), >, 500);
  g_assert_cmpuint (count_wrong_gelu (SNG_GELU_TANH, SNG_GELU_ERF), >, 500);
}

/* One row of the gradient, from its definition; its means are summed in double. */
static guint
count_wrong_d_inputs (const SngLayerNorm *op, gsize row, double gx_factor)
{
  const float *input = (const float *) op->input + row * N_COLUMNS;
  const float *d_output = (const float *) op->d_output + row * N_COLUMNS;
  const float *d_input = (const float *) op->d_input + row * N_COLUMNS;
  const float *weight = op->weight;
  float mean = ((const float *) op->mean)[row], rstd = ((const float *) op->rstd)[row];
  double g_sum = 0, gx_sum = 0;
  guint n_wrong = 0;

  for (gsize i = 0; i < N_COLUMNS; i++)
    {
      float g = d_output[i] * weight[i];

      g_sum += g;
      gx_sum += g * sng_cuda_layer_norm_x (input[i], mean, rstd);
    }
  for (gsize i = 0; i < N_COLUMNS; i++)
    {
      float found = sng_cuda_layer_norm_d_input (sng_cuda_layer_norm_x (input[i], mean, rstd),
                                                 d_output[i] * weight[i], (float) (g_sum / N_COLUMNS),
                                                 (float) (gx_factor * gx_sum / N_COLUMNS), rstd);

      n_wrong += !is_close (found, d_input[i], 4 * (double) rstd);
    }
  return n_wrong;
}

static void
test_layer_norm (void)
{
  const SngKernels *kernels = sng_cpu_math_get ()->f32;
  g_autoptr (SngDevice) device = sng_device_new_cpu (2);
  g_autofree float *input = random_values (N_ELEMENTS, 1, 3);
  g_autofree float *d_output = random_values (N_ELEMENTS, 2, 2);
  g_autofree float *weight = random_values (N_COLUMNS, 3, 1);
  g_autofree float *bias = random_values (N_COLUMNS, 4, 1);
  g_autofree float *output = g_new (float, N_ELEMENTS);
  g_autofree float *d_input = g_new (float, N_ELEMENTS);
  float mean[N_ROWS], rstd[N_ROWS], d_weight[N_COLUMNS] = { 0 }, d_bias[N_COLUMNS] = { 0 };
  SngLayerNorm op = { .rows.n_rows = N_ROWS,
                      .n_columns = N_COLUMNS,
                      .epsilon = 1e-5,
                      .input = input,
                      .weight = weight,
                      .bias = bias,
                      .output = output,
                      .mean = mean,
                      .rstd = rstd,
                      .d_output = d_output,
                      .d_input = d_input,
                      .d_weight = d_weight,
                      .d_bias = d_bias };

  /* a row of one value, whose variance is 0; and one of large numbers */
  for (gsize i = 0; i < N_COLUMNS; i++)
    {
      input[i] = 2;
      input[N_COLUMNS + i] *= 1e15f;
    }
  kernels->layer_norm_forward (device, &op);
  kernels->layer_norm_backward (device, &op);

  for (gsize i = 0; i < N_ELEMENTS; i++)
    {
      gsize row = i / N_COLUMNS, column = i % N_COLUMNS;
      float x = sng_cuda_layer_norm_x (input[i], mean[row], rstd[row]);

      g_assert_true (has_same_bits (output[i], sng_cuda_layer_norm_output (x, weight[column], bias[column])));
    }
  for (gsize row = 0; row < N_ROWS; row++)
    {
      double variance = 0;

      for (gsize i = 0; i < N_COLUMNS; i++)
        variance += pow ((double) input[row * N_COLUMNS + i] - (double) mean[row], 2) / N_COLUMNS;
      g_assert_true (is_close (sng_cuda_layer_norm_rstd ((float) variance, 1e-5f), rstd[row], 0));
      g_assert_false (
          is_close (sng_cuda_layer_norm_rstd ((float) (variance * 1.00001), 1.00002e-5f), rstd[row], 0));
      g_assert_cmpuint (count_wrong_d_inputs (&op, row, 1), ==, 0);
      g_assert_cmpuint (count_wrong_d_inputs (&op, row, 1.01) > 0, ==, row != 0);
    }
}

/* Pairs of which the first half is turned; each row is the token of its number. */
static guint
count_wrong_pairs (const float *before,
                   const float *after,
                   const float *cosine,
                   const float *sine,
                   float scale,
                   float direction)
{
  gsize half = N_COLUMNS / 2;
  guint n_wrong = 0;

  for (gsize row = 0; row < N_ROWS; row++)
    for (gsize i = 0; i < half; i++)
      {
        gsize place = row * 3 * 2 * half + i;
        float a = before[place], b = before[place + half];

        sng_cuda_rotate (&a, &b, cosine[row * half + i], direction * sine[row * half + i], scale);
        n_wrong += !has_same_bits (a, after[place]) || !has_same_bits (b, after[place + half]);
      }
  return n_wrong;
}

static void
test_rotary (void)
{
  const SngKernels *kernels = sng_cpu_math_get ()->f32;
  g_autoptr (SngDevice) device = sng_device_new_cpu (2);
  gsize head_size = N_COLUMNS / 2 * 2;
  g_autofree float *before = random_values (N_ROWS * 3 * head_size, 1, 3);
  g_autofree float *cosine = random_values (N_ELEMENTS, 2, 1);
  g_autofree float *sine = random_values (N_ELEMENTS, 3, 1);
  gint64 tokens[N_ROWS];

  for (gsize i = 0; i < N_ROWS; i++)
    tokens[i] = (gint64) i;
  for (guint inverse = 0; inverse < 2; inverse++)
    {
      g_autofree float *after = g_memdup2 (before, N_ROWS * 3 * head_size * sizeof (float));
      SngRotary op = { .rows = { .n_rows = N_ROWS, .tokens = tokens },
                       .n_heads = 1,
                       .head_size = head_size,
                       .query_scale = 0.3,
                       .cosine = cosine,
                       .sine = sine,
                       .qkv = after,
                       .inverse = inverse != 0 };
      float direction = inverse != 0 ? -1 : 1;

      kernels->rotary (device, &op);
      g_assert_cmpuint (count_wrong_pairs (before, after, cosine, sine, 0.3f, direction), ==, 0);
      g_assert_cmpuint (count_wrong_pairs (before, after, cosine, sine, 0.3f, -direction), >, N_ROWS);
      g_assert_cmpuint (count_wrong_pairs (before + head_size, after + head_size, cosine, sine, 1, direction),
                        ==, 0);
    }
}

static void
test_cross_entropy (void)
{
  const SngKernels *kernels = sng_cpu_math_get ()->f32;
  g_autoptr (SngDevice) device = sng_device_new_cpu (2);
  g_autofree float *logits = random_values (N_ELEMENTS, 1, 20);
  g_autofree float *d_logits = g_new (float, N_ELEMENTS);
  gint64 labels[N_ROWS];
  double losses[N_ROWS];
  float log_sum_exp[N_ROWS];
  const double d_loss = 0.7;
  SngCrossEntropy op = { .n_rows = N_ROWS,
                         .n_classes = N_COLUMNS,
                         .labels = labels,
                         .logits = logits,
                         .losses = losses,
                         .log_sum_exp = log_sum_exp,
                         .d_loss = &d_loss,
                         .d_logits = d_logits };
  guint n_planted = 0;

  for (gsize i = 0; i < N_ROWS; i++)
    labels[i] = (gint64) (i * 5 % N_COLUMNS);
  logits[3] = -INFINITY;
  logits[N_COLUMNS + 3] = 1e30f;
  logits[2 * N_COLUMNS + 3] = NAN;
  kernels->cross_entropy_forward (device, &op);
  kernels->cross_entropy_backward (device, &op);
  for (gsize i = 0; i < N_ELEMENTS; i++)
    {
      gsize row = i / N_COLUMNS;
      gboolean is_label = i % N_COLUMNS == (gsize) labels[row];

      g_assert_true (is_close (sng_cuda_cross_entropy_d_logit (logits[i], log_sum_exp[row], 0.7f, is_label),
                               d_logits[i], 1));
      n_planted += !is_close (sng_cuda_cross_entropy_d_logit (logits[i], log_sum_exp[row], 0.7f, !is_label),
                              d_logits[i], 1);
    }
  g_assert_cmpuint (n_planted, >=, N_ELEMENTS - 3 * N_COLUMNS);
}

typedef struct
{
  const char *name;
  double rate;
  guint64 first_ordinal;
} DropoutCase;

static const DropoutCase dropout_cases[] = {
  { "none", 0, 3 },
  { "next-to-none", 1e-9, 3 },
  { "some", 0.1, 3 },
  { "far", 0.4, (1ull << 42) + 0xfffffff0u },
  { "nearly-all", 0.999, 0xfffffff9u },
};

/* What is drawn is uniform to 24 bits, and dropped where it is below the rate. */
static void
test_threshold (void)
{
  const SngDropout quarter = { .rate = 0.25 };
  SngCudaDropout plan = sng_cuda_dropout (&quarter);

  g_assert_true (sng_cuda_dropout_drops (&plan, 0x3fffffff));
  g_assert_false (sng_cuda_dropout_drops (&plan, 0x40000000));
  g_assert_cmpfloat (sng_cuda_dropout_factor (&plan, 0x40000000), ==, (float) (1 / 0.75));
}

static float
dropout_factor_at (const SngCudaDropout *dropout,
                   guint64 ordinal,
                   guint32 token,
                   guint32 operation,
                   gsize column)
{
  guint32 words[4];

  sng_cuda_dropout_draw (dropout, ordinal, token, operation, sng_cuda_dropout_counter (column), words);
  return sng_cuda_dropout_factor (dropout, words[column / 8 % 4]);
}

/* How many factors are not those by which the CPU's embedding drops its ones. */
static guint
count_wrong_factors (const SngDropout *dropout, const float *factors, gsize shift, guint32 operation)
{
  SngCudaDropout plan = sng_cuda_dropout (dropout);
  guint n_wrong = 0;

  for (gsize i = 0; i < N_ELEMENTS; i++)
    {
      gsize row = i / N_COLUMNS, column = i % N_COLUMNS;
      float found = plan.is_on ? dropout_factor_at (&plan, *plan.first_ordinal + row / 5, (guint32) (row % 5),
                                                    operation, column + shift)
                               : 1.0f;

      n_wrong += !has_same_bits (found, factors[i]);
    }
  return n_wrong;
}

static void
test_dropout (gconstpointer data)
{
  const DropoutCase *c = data;
  const SngKernels *kernels = sng_cpu_math_get ()->f32;
  g_autoptr (SngDevice) device = sng_device_new_cpu (2);
  g_autofree float *factors = g_new (float, N_ELEMENTS);
  gint64 sequences[N_ROWS], tokens[N_ROWS], ids[N_ROWS] = { 0 };
  float ones[N_COLUMNS];
  SngEmbedding op = { .rows = { .n_rows = N_ROWS, .sequences = sequences, .tokens = tokens },
                      .n_columns = N_COLUMNS,
                      .ids = ids,
                      .weight = ones,
                      .dropout = { .rate = c->rate,
                                   .key = 0x123456789abcdef0u,
                                   .first_ordinal = &c->first_ordinal,
                                   .operation = 0xfffff },
                      .output = factors };

  for (gsize i = 0; i < N_ROWS; i++)
    {
      sequences[i] = (gint64) (i / 5);
      tokens[i] = (gint64) (i % 5);
    }
  for (gsize i = 0; i < N_COLUMNS; i++)
    ones[i] = 1;
  kernels->embedding_forward (device, &op);

  g_assert_cmpuint (count_wrong_factors (&op.dropout, factors, 0, 0xfffff), ==, 0);
  /* neighbours of one word, of one counter, and of another operation */
  if (c->rate > 0.01 && c->rate < 0.99)
    {
      g_assert_cmpuint (count_wrong_factors (&op.dropout, factors, 1, 0xfffff), >, N_ELEMENTS / 10);
      g_assert_cmpuint (count_wrong_factors (&op.dropout, factors, 8, 0xfffff), >, N_ELEMENTS / 10);
      g_assert_cmpuint (count_wrong_factors (&op.dropout, factors, 0, 0xffffe), >, N_ELEMENTS / 10);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/cuda/formulas/gelu", test_gelu);
  g_test_add_func ("/sng/cuda/formulas/layer-norm", test_layer_norm);
  g_test_add_func ("/sng/cuda/formulas/rotary", test_rotary);
  g_test_add_func ("/sng/cuda/formulas/cross-entropy", test_cross_entropy);
  g_test_add_func ("/sng/cuda/formulas/threshold", test_threshold);
  for (gsize i = 0; i < G_N_ELEMENTS (dropout_cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/sng/cuda/formulas/dropout/%s", dropout_cases[i].name);

      g_test_add_data_func (path, &dropout_cases[i], test_dropout);
    }

  return g_test_run ();
}
