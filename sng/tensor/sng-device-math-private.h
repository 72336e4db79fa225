/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tensor/sng-device-private.h"

G_BEGIN_DECLS

/* The arithmetic of the reference engine: what a backend computes for a model. Each layer is one description, which
 * its forward and its backward share; forward reads and writes the plain fields, backward also the gradients (d_…).
 *
 * Pointers are device addresses of contiguous row-major arrays of the kernels' dtype, unless another type is written.
 * A row is a token: row = sequence * n_tokens + token. Gradients of activations are overwritten, gradients of
 * parameters are added to. Results do not depend on the number of threads. Nothing here allocates per call, nothing
 * can fail: who calls has checked shapes and ids. */

/* Inverted dropout: an element is zero with probability rate, else multiplied by 1 / (1 - rate). The decision is a pure
 * function of (key, ordinal of the sequence in the stream, operation, token, column), so that neither the batch nor the
 * padding matters, and backward can repeat it. Philox's counter is (column / 32 * 8 + column % 8, token, ordinal's low half,
 * 2^31 + ordinal's high half * 2^20 + operation), its output word column / 8 % 4, so that eight counters side by side yield 32
 * columns in their order; the top bit keeps these draws apart from those of sng_rng_stream_uniform(). */
typedef struct
{
  double  rate; /* in [0, 1); 0: nothing is dropped */
  guint64 key;
  guint64 first_ordinal; /* of sequence 0; the others follow; below 2^43 */
  guint32 operation;     /* below 2^20 */
} SngDropout;

/* output = input weight^T + bias; with transposed, weight is [n_inputs, n_outputs] and output = input weight + bias. */
typedef struct
{
  gsize         n_rows;
  gsize         n_inputs;
  gsize         n_outputs;
  gboolean      transposed;
  gconstpointer input;  /* [n_rows, n_inputs] */
  gconstpointer weight; /* [n_outputs, n_inputs] */
  gconstpointer bias;   /* [n_outputs], nullable */
  gpointer      output; /* [n_rows, n_outputs] */
  gconstpointer d_output;
  gpointer      d_input; /* nullable */
  gpointer      d_weight;
  gpointer      d_bias; /* nullable */
} SngLinear;

/* output = (input - mean) / sqrt (variance + epsilon) * weight + bias over each row (Ba, Kiros, Hinton: Layer
 * normalization, 2016). */
typedef struct
{
  gsize         n_rows;
  gsize         n_columns;
  double        epsilon;
  gconstpointer input;  /* [n_rows, n_columns] */
  gconstpointer weight; /* [n_columns] */
  gconstpointer bias;
  gpointer      output;
  gpointer      mean; /* [n_rows], kept for backward */
  gpointer      rstd; /* [n_rows], kept for backward */
  gconstpointer d_output;
  gpointer      d_input; /* not d_output */
  gboolean      add_to_d_input;
  gpointer      d_weight;
  gpointer      d_bias;
} SngLayerNorm;

typedef enum
{
  SNG_GELU_ERF, /* x * (1 + erf (x / sqrt 2)) / 2 */
  SNG_GELU_TANH /* x * (1 + tanh (sqrt (2 / pi) * (x + 0.044715 x^3))) / 2 */
} SngGeluKind;

/* Gaussian error linear units (Hendrycks, Gimpel, 2016). */
typedef struct
{
  gsize         n_elements;
  SngGeluKind   kind;
  gconstpointer input;
  gpointer      output;
  gconstpointer d_output;
  gpointer      d_input; /* may be d_output */
} SngGelu;

/* output = weight[id] * row_scale + positions[token] */
typedef struct
{
  gsize          n_rows;
  gsize          n_tokens; /* of a sequence */
  gsize          n_columns;
  const gint64  *ids;       /* [n_rows] */
  gconstpointer  weight;    /* [vocabulary, n_columns] */
  gconstpointer  row_scale; /* [n_rows], nullable */
  gconstpointer  positions; /* [n_tokens or more, n_columns], nullable */
  gpointer       output;    /* [n_rows, n_columns] */
  gconstpointer  d_output;
  gpointer       d_weight;
  gpointer       d_positions;
  gint64         frozen_id; /* gets no gradient here; -1: none */
} SngEmbedding;

/* Rotates the pairs (j, j + head_size / 2) of every head of query and key by the token's angles, and multiplies query by
 * query_scale (Su and others: RoFormer, 2021). In place; inverse is the backward of it, for the gradient in the same place. */
typedef struct
{
  gsize         n_rows;
  gsize         n_tokens;
  gsize         n_heads;
  gsize         head_size;
  double        query_scale;
  gconstpointer cosine; /* [n_tokens or more, head_size / 2] */
  gconstpointer sine;
  gpointer      qkv; /* [n_rows, 3, n_heads, head_size] */
  gboolean      inverse;
} SngRotary;

/* output = dropout (softmax (scale * query key^T)) value in each head. Scores exist only for a block of queries at a time;
 * backward computes them anew from the kept log_sum_exp (Dao and others: FlashAttention, 2022). A query sees the first
 * n_keys keys of its sequence where mask (if any) is not 0, and with causal none after itself; one that sees no key
 * yields zeros. */
typedef struct
{
  gsize         n_sequences;
  gsize         n_tokens;
  gsize         n_heads;
  gsize         head_size;
  double        scale;
  gboolean      causal;
  const gint64 *n_keys; /* [n_sequences] */
  const gint64 *mask;   /* [n_sequences, n_tokens], nullable */
  SngDropout    dropout; /* of the probabilities; each head is an operation: operation + head */
  gconstpointer qkv;    /* [n_sequences, n_tokens, 3, n_heads, head_size] */
  gpointer      output; /* [n_sequences, n_tokens, n_heads, head_size] */
  gpointer      log_sum_exp; /* [n_sequences, n_heads, n_tokens], kept for backward */
  gconstpointer d_output;
  gpointer      d_qkv;
} SngAttention;

/* output = residual + dropout (input). Without a residual, output = dropout (input): that is also the backward. */
typedef struct
{
  gsize         n_rows;
  gsize         n_tokens;
  gsize         n_columns;
  SngDropout    dropout;
  gconstpointer input;
  gconstpointer residual; /* nullable */
  gpointer      output;   /* may be input or residual */
} SngResidual;

/* The loss of a row is log (sum exp logits) - logits[label], and 0 where the label is negative. */
typedef struct
{
  gsize         n_rows;
  gsize         n_classes;
  const gint64 *labels; /* [n_rows] */
  gconstpointer logits; /* [n_rows, n_classes] */
  double       *losses; /* [n_rows] f64 */
  gpointer      log_sum_exp; /* [n_rows], kept for backward */
  double        d_loss; /* the same for every row */
  gpointer      d_logits;
} SngCrossEntropy;

/* A part of a parameter, with what an optimizer has for it. Spans do not overlap, so a backend may work on all of them at
 * once; cut this small they are even enough to be handed to threads as they are. */
#define SNG_SPAN_ELEMENTS 32768
#define SNG_SPAN_BUFFERS 2

typedef struct
{
  gsize         n_elements; /* at most SNG_SPAN_ELEMENTS */
  double        learning_rate_factor;
  double        weight_decay;
  gconstpointer gradient;
  gpointer      parameter;
  gpointer      buffers[SNG_SPAN_BUFFERS];
} SngSpan;

/* One step of an optimizer over all its parameters. */
typedef struct
{
  guint64        step; /* this one's number, from 1 */
  double         learning_rate;
  gsize          n_spans;
  const SngSpan *spans;
} SngUpdate;

/* AdamW (Loshchilov, Hutter: Decoupled weight decay regularization, 2019), with the bias correction of Adam (Kingma, Ba,
 * 2015), in the order of operations that torch.optim.AdamW has. The buffers are both moments. */
typedef struct
{
  SngUpdate update;
  double    beta1;
  double    beta2;
  double    epsilon;
} SngAdamwUpdate;

/* Stochastic gradient descent with momentum (Sutskever and others: On the importance of initialization and momentum in deep
 * learning, 2013), in the order of operations that torch.optim.SGD has. The first buffer is the momentum, which the first
 * step sets to the gradient; without momentum there is none. */
typedef struct
{
  SngUpdate update;
  double    momentum;
  double    dampening;
  gboolean  nesterov;
} SngSgdUpdate;

/* One step of an exponential moving average: average = average + weight * (value - average), as torch.lerp has it, so that
 * a weight of 1 yields the value itself. */
typedef struct
{
  gsize         n_elements;
  double        weight; /* in (0, 1] */
  gconstpointer value;
  gpointer      average;
} SngAverage;

typedef struct
{
  void (*linear_forward)         (SngDevice             *device,
                                  const SngLinear       *linear);
  void (*linear_backward)        (SngDevice             *device,
                                  const SngLinear       *linear);
  void (*layer_norm_forward)     (SngDevice             *device,
                                  const SngLayerNorm    *norm);
  void (*layer_norm_backward)    (SngDevice             *device,
                                  const SngLayerNorm    *norm);
  void (*gelu_forward)           (SngDevice             *device,
                                  const SngGelu         *gelu);
  void (*gelu_backward)          (SngDevice             *device,
                                  const SngGelu         *gelu);
  void (*embedding_forward)      (SngDevice             *device,
                                  const SngEmbedding    *embedding);
  void (*embedding_backward)     (SngDevice             *device,
                                  const SngEmbedding    *embedding);
  void (*rotary)                 (SngDevice             *device,
                                  const SngRotary       *rotary);
  void (*attention_forward)      (SngDevice             *device,
                                  const SngAttention    *attention);
  void (*attention_backward)     (SngDevice             *device,
                                  const SngAttention    *attention);
  void (*residual)               (SngDevice             *device,
                                  const SngResidual     *residual);
  void (*cross_entropy_forward)  (SngDevice             *device,
                                  const SngCrossEntropy *cross_entropy);
  void (*cross_entropy_backward) (SngDevice             *device,
                                  const SngCrossEntropy *cross_entropy);
  void (*adamw)                  (SngDevice             *device,
                                  const SngAdamwUpdate  *adamw);
  void (*sgd)                    (SngDevice             *device,
                                  const SngSgdUpdate    *sgd);
  /* in double, whatever the dtype */
  double (*sum_of_squares)       (SngDevice             *device,
                                  gsize                  n_elements,
                                  gconstpointer          values);
  void (*scale)                  (SngDevice             *device,
                                  gsize                  n_elements,
                                  double                 factor,
                                  gpointer               values);
  void (*average)                (SngDevice             *device,
                                  const SngAverage      *average);
  /* the elements of two arrays that do not overlap */
  void (*exchange)               (SngDevice             *device,
                                  gsize                  n_elements,
                                  gpointer               first,
                                  gpointer               second);
} SngKernels;

/* The kernels by dtype; NULL where a backend has none. */
struct _SngDeviceMath
{
  const SngKernels *f32;
  const SngKernels *f64; /* for numeric checks of gradients: exact before fast */
};

static inline const SngKernels *
sng_device_get_kernels (SngDevice *device,
                        SngDtype   dtype)
{
  const SngDeviceMath *math = SNG_DEVICE_GET_CLASS (device)->math;

  if (math == NULL)
    return NULL;
  return dtype == SNG_DTYPE_F32 ? math->f32 : dtype == SNG_DTYPE_F64 ? math->f64 : NULL;
}

G_END_DECLS
