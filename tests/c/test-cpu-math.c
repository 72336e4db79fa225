/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>

#include <math.h>
#include <string.h>
#include "cpu/sng-cpu-math-private.h"
#include "tensor/sng-philox-private.h"

/* Each kernel is a case: its forward and its backward over buffers of any dtype. A case is judged three ways: the gradients
 * in f64 against central differences, f32 against f64, and f32 for AVX2 against f32 for any processor, bit by bit. */

#define MAX_INPUTS 3
#define N_SAMPLES 60 /* elements of an input whose gradient is checked */
#define STEP 1e-5
#define F64_TOLERANCE 1e-6
#define F32_TOLERANCE 2e-6

typedef struct
{
  gpointer in[MAX_INPUTS];
  gpointer gradient[MAX_INPUTS];
  gpointer out;
  gpointer d_out;
  gpointer saved[2];
  gsize size; /* of an element */
} Buffers;

typedef void (*KernelFunc) (const SngKernels *kernels, SngDevice *device, const Buffers *b);

typedef struct
{
  const char *name;
  gsize n_in[MAX_INPUTS];
  gsize n_out;
  gsize n_saved;
  KernelFunc forward;
  KernelFunc backward;
} Case;

/* the cases */

#define N_ROWS 131
#define N_INPUTS 11
#define N_OUTPUTS 70

static SngLinear
linear (const Buffers *b)
{
  return (SngLinear){
    .n_rows = N_ROWS,
    .n_inputs = N_INPUTS,
    .n_outputs = N_OUTPUTS,
    .input = b->in[0],
    .weight = b->in[1],
    .bias = b->in[2],
    .output = b->out,
    .d_output = b->d_out,
    .d_input = b->gradient[0],
    .d_weight = b->gradient[1],
    .d_bias = b->gradient[2],
  };
}

static void
linear_forward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  SngLinear op = linear (b);

  kernels->linear_forward (device, &op);
}

static void
linear_backward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  SngLinear op = linear (b);

  kernels->linear_backward (device, &op);
}

static void
transposed_forward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  SngLinear op = linear (b);

  op.transposed = TRUE;
  op.bias = op.d_bias = NULL;
  kernels->linear_forward (device, &op);
}

static void
transposed_backward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  SngLinear op = linear (b);

  op.transposed = TRUE;
  op.bias = op.d_bias = NULL;
  kernels->linear_backward (device, &op);
}

#define N_COLUMNS 77

static SngLayerNorm
layer_norm (const Buffers *b)
{
  return (SngLayerNorm){
    .n_rows = N_ROWS,
    .n_columns = N_COLUMNS,
    .epsilon = 1e-5,
    .input = b->in[0],
    .weight = b->in[1],
    .bias = b->in[2],
    .output = b->out,
    .mean = b->saved[0],
    .rstd = b->saved[1],
    .d_output = b->d_out,
    .d_input = b->gradient[0],
    .add_to_d_input = TRUE,
    .d_weight = b->gradient[1],
    .d_bias = b->gradient[2],
  };
}

static void
layer_norm_forward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  SngLayerNorm op = layer_norm (b);

  kernels->layer_norm_forward (device, &op);
}

static void
layer_norm_backward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  SngLayerNorm op = layer_norm (b);

  kernels->layer_norm_backward (device, &op);
}

#define N_ELEMENTS (SNG_CPU_ELEMENTS_PER_CHUNK + 13)

static SngGelu
gelu (const Buffers *b, SngGeluKind kind)
{
  return (SngGelu){ .n_elements = N_ELEMENTS,
                    .kind = kind,
                    .input = b->in[0],
                    .output = b->out,
                    .d_output = b->d_out,
                    .d_input = b->gradient[0] };
}

static void
gelu_erf_forward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  SngGelu op = gelu (b, SNG_GELU_ERF);

  kernels->gelu_forward (device, &op);
}

static void
gelu_erf_backward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  SngGelu op = gelu (b, SNG_GELU_ERF);

  kernels->gelu_backward (device, &op);
}

static void
gelu_tanh_forward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  SngGelu op = gelu (b, SNG_GELU_TANH);

  kernels->gelu_forward (device, &op);
}

static void
gelu_tanh_backward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  SngGelu op = gelu (b, SNG_GELU_TANH);

  kernels->gelu_backward (device, &op);
}

#define N_WORDS 9
#define N_TOKENS 70
#define N_SEQUENCES 2

static gint64 ids[N_SEQUENCES * N_TOKENS];
static gint64 labels[N_SEQUENCES * N_TOKENS];
static gint64 mask[N_SEQUENCES * N_TOKENS];
static const gint64 n_keys[N_SEQUENCES] = { N_TOKENS, N_TOKENS - 21 };

/* The factors on the rows have no gradient, so they are no input. */
static gconstpointer
row_scale (const Buffers *b)
{
  static double f64[N_SEQUENCES * N_TOKENS];
  static float f32[N_SEQUENCES * N_TOKENS];

  for (gsize i = 0; i < G_N_ELEMENTS (f64); i++)
    f32[i] = (float) (f64[i] = 0.5 * (double) (i % 3));
  return b->size == sizeof (float) ? (gconstpointer) f32 : f64;
}

static SngEmbedding
embedding (const Buffers *b)
{
  return (SngEmbedding){
    .n_rows = N_SEQUENCES * N_TOKENS,
    .n_tokens = N_TOKENS,
    .n_columns = N_COLUMNS,
    .ids = ids,
    .weight = b->in[0],
    .row_scale = row_scale (b),
    .positions = b->in[1],
    .output = b->out,
    .d_output = b->d_out,
    .d_weight = b->gradient[0],
    .d_positions = b->gradient[1],
    .frozen_id = -1,
  };
}

static void
embedding_forward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  SngEmbedding op = embedding (b);

  kernels->embedding_forward (device, &op);
}

static void
embedding_backward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  SngEmbedding op = embedding (b);

  kernels->embedding_backward (device, &op);
}

#define N_HEADS 2
#define HEAD_SIZE 6
#define N_QKV (N_SEQUENCES * N_TOKENS * 3 * N_HEADS * HEAD_SIZE)

static SngRotary
rotary (const Buffers *b, gpointer qkv)
{
  static double f64[2][N_TOKENS * HEAD_SIZE / 2];
  static float f32[2][N_TOKENS * HEAD_SIZE / 2];
  gboolean is_f32 = b->size == sizeof (float);

  for (gsize i = 0; i < G_N_ELEMENTS (f64[0]); i++)
    {
      f32[0][i] = (float) (f64[0][i] = cos ((double) i));
      f32[1][i] = (float) (f64[1][i] = sin ((double) i));
    }
  return (SngRotary){
    .n_rows = N_SEQUENCES * N_TOKENS,
    .n_tokens = N_TOKENS,
    .n_heads = N_HEADS,
    .head_size = HEAD_SIZE,
    .query_scale = 0.4,
    .cosine = is_f32 ? (gconstpointer) f32[0] : f64[0],
    .sine = is_f32 ? (gconstpointer) f32[1] : f64[1],
    .qkv = qkv,
  };
}

static void
rotary_forward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  SngRotary op = rotary (b, b->out);

  memcpy (b->out, b->in[0], N_QKV * b->size);
  kernels->rotary (device, &op);
}

static void
rotary_backward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  SngRotary op = rotary (b, b->gradient[0]);

  op.inverse = TRUE;
  memcpy (b->gradient[0], b->d_out, N_QKV * b->size);
  kernels->rotary (device, &op);
}

static SngAttention
attention (const Buffers *b, gboolean causal)
{
  return (SngAttention){
    .n_sequences = N_SEQUENCES,
    .n_tokens = N_TOKENS,
    .n_heads = N_HEADS,
    .head_size = HEAD_SIZE,
    .scale = 0.7,
    .causal = causal,
    .n_keys = n_keys,
    .mask = causal ? mask : NULL,
    .dropout = { .rate = causal ? 0.3 : 0, .key = 5, .first_ordinal = 4, .operation = 9 },
    .qkv = b->in[0],
    .output = b->out,
    .log_sum_exp = b->saved[0],
    .d_output = b->d_out,
    .d_qkv = b->gradient[0],
  };
}

static void
attention_forward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  SngAttention op = attention (b, FALSE);

  kernels->attention_forward (device, &op);
}

static void
attention_backward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  SngAttention op = attention (b, FALSE);

  kernels->attention_backward (device, &op);
}

static void
causal_attention_forward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  SngAttention op = attention (b, TRUE);

  kernels->attention_forward (device, &op);
}

static void
causal_attention_backward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  SngAttention op = attention (b, TRUE);

  kernels->attention_backward (device, &op);
}

static SngResidual
residual (gconstpointer input, gconstpointer stream, gpointer output)
{
  return (SngResidual){
    .n_rows = N_SEQUENCES * N_TOKENS,
    .n_tokens = N_TOKENS,
    .n_columns = N_COLUMNS,
    .dropout = { .rate = 0.4, .key = 1, .first_ordinal = 2, .operation = 3 },
    .input = input,
    .residual = stream,
    .output = output,
  };
}

static void
residual_forward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  SngResidual op = residual (b->in[0], b->in[1], b->out);

  kernels->residual (device, &op);
}

static void
residual_backward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  SngResidual op = residual (b->d_out, NULL, b->gradient[0]);

  kernels->residual (device, &op);
  memcpy (b->gradient[1], b->d_out, N_SEQUENCES * N_TOKENS * N_COLUMNS * b->size);
}

/* The losses are f64 in either dtype; the output is their sum, and so there is one. */
static SngCrossEntropy
cross_entropy (const Buffers *b, double *losses)
{
  return (SngCrossEntropy){
    .n_rows = N_SEQUENCES * N_TOKENS,
    .n_classes = 33,
    .labels = labels,
    .logits = b->in[0],
    .losses = losses,
    .log_sum_exp = b->saved[0],
    .d_loss = b->size == sizeof (float) ? *(float *) b->d_out : *(double *) b->d_out,
    .d_logits = b->gradient[0],
  };
}

static void
cross_entropy_forward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  double losses[N_SEQUENCES * N_TOKENS];
  SngCrossEntropy op = cross_entropy (b, losses);
  double total = 0;

  kernels->cross_entropy_forward (device, &op);
  for (gsize i = 0; i < G_N_ELEMENTS (losses); i++)
    total += losses[i];
  if (b->size == sizeof (float))
    *(float *) b->out = (float) total;
  else
    *(double *) b->out = total;
}

static void
cross_entropy_backward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  SngCrossEntropy op = cross_entropy (b, NULL);

  kernels->cross_entropy_backward (device, &op);
}

#define N_STREAM (N_SEQUENCES * N_TOKENS * N_COLUMNS)

static const Case cases[] = {
  { "linear",
    { N_ROWS * N_INPUTS, N_OUTPUTS *N_INPUTS, N_OUTPUTS },
    N_ROWS *N_OUTPUTS,
    0,
    linear_forward,
    linear_backward },
  { "linear-transposed",
    { N_ROWS * N_INPUTS, N_OUTPUTS *N_INPUTS },
    N_ROWS *N_OUTPUTS,
    0,
    transposed_forward,
    transposed_backward },
  { "layer-norm",
    { N_ROWS * N_COLUMNS, N_COLUMNS, N_COLUMNS },
    N_ROWS *N_COLUMNS,
    N_ROWS,
    layer_norm_forward,
    layer_norm_backward },
  { "gelu-erf", { N_ELEMENTS }, N_ELEMENTS, 0, gelu_erf_forward, gelu_erf_backward },
  { "gelu-tanh", { N_ELEMENTS }, N_ELEMENTS, 0, gelu_tanh_forward, gelu_tanh_backward },
  { "embedding",
    { N_WORDS * N_COLUMNS, N_TOKENS *N_COLUMNS },
    N_STREAM,
    0,
    embedding_forward,
    embedding_backward },
  { "rotary", { N_QKV }, N_QKV, 0, rotary_forward, rotary_backward },
  { "attention",
    { N_QKV },
    N_QKV / 3,
    N_SEQUENCES *N_HEADS *N_TOKENS,
    attention_forward,
    attention_backward },
  { "attention-causal",
    { N_QKV },
    N_QKV / 3,
    N_SEQUENCES *N_HEADS *N_TOKENS,
    causal_attention_forward,
    causal_attention_backward },
  { "residual", { N_STREAM, N_STREAM }, N_STREAM, 0, residual_forward, residual_backward },
  { "cross-entropy",
    { N_SEQUENCES * N_TOKENS * 33 },
    1,
    N_SEQUENCES *N_TOKENS,
    cross_entropy_forward,
    cross_entropy_backward },
};

/* the judges */

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

/* The mask of dropout element by element, as SngDropout defines it. */
static void
test_dropout (void)
{
  g_autoptr (SngDevice) device = sng_device_new_cpu (2);
  g_autofree float *input = g_new (float, N_STREAM);
  g_autofree float *output = g_new (float, N_STREAM);
  SngResidual op = residual (input, NULL, output);
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

static void
fill_indices (void)
{
  for (gint64 i = 0; i < N_SEQUENCES * N_TOKENS; i++)
    {
      ids[i] = i * 7 % N_WORDS;
      labels[i] = i % 4 == 0 ? -100 : i * 5 % 33;
      mask[i] = i % 5 != 2 && i != N_TOKENS;
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  fill_indices ();

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *gradient = g_strdup_printf ("/sng/cpu-math/%s/gradient", cases[i].name);
      g_autofree char *f32 = g_strdup_printf ("/sng/cpu-math/%s/f32", cases[i].name);
      g_autofree char *same_bits = g_strdup_printf ("/sng/cpu-math/%s/same-bits", cases[i].name);

      g_test_add_data_func (gradient, &cases[i], test_gradient);
      g_test_add_data_func (f32, &cases[i], test_f32);
      g_test_add_data_func (same_bits, &cases[i], test_same_bits);
    }
  g_test_add_func ("/sng/cpu-math/dropout", test_dropout);
  return g_test_run ();
}
