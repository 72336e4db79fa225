/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cpu-math-cases.h"

#include <math.h>
#include <string.h>

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

const Case cpu_math_cases[] = {
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

const guint n_cpu_math_cases = G_N_ELEMENTS (cpu_math_cases);

void
cpu_math_cases_init (void)
{
  for (gint64 i = 0; i < N_SEQUENCES * N_TOKENS; i++)
    {
      ids[i] = i * 7 % N_WORDS;
      labels[i] = i % 4 == 0 ? -100 : i * 5 % 33;
      mask[i] = i % 5 != 2 && i != N_TOKENS;
    }
}
