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
 * Pointers are device addresses of contiguous row-major arrays. A table of kernels has two element types:
 *   real     f32 or f64: parameters, their gradients, the residual stream, statistics, every sum
 *   operand  what goes into a matrix product: the real type itself or, in mixed precision, bf16 or f16
 * Fields hold reals unless "operand" or another type is written. A real becomes an operand by rounding to the nearest,
 * ties to even; products of operands are summed in the real type.
 *
 * A row is a token. Gradients of activations are overwritten, gradients of parameters are added to. Results do not depend
 * on the number of threads. Nothing here allocates per call, nothing can fail: who calls has checked shapes and ids. */

/* The tokens of a batch without its padding: the sequences lie behind each other, each from its first token to its last
 * visible one. */
typedef struct
{
  gsize         n_sequences;
  gsize         n_rows;     /* of all sequences */
  gsize         max_tokens; /* of the longest sequence */
  const gint64 *first_rows; /* [n_sequences + 1]; the last is n_rows */
  const gint64 *sequences;  /* [n_rows] each row's sequence */
  const gint64 *tokens;     /* [n_rows] and its place in it */
} SngRows;

/* Inverted dropout: an element is zero with probability rate, else multiplied by 1 / (1 - rate). The decision is a pure
 * function of (key, ordinal of the sequence in the stream, operation, token, column), so that neither the batch nor the
 * padding matters, and backward can repeat it. Philox's counter is (column / 32 * 8 + column % 8, token, ordinal's low half,
 * 2^31 + ordinal's high half * 2^20 + operation), its output word column / 8 % 4, so that eight counters side by side yield 32
 * columns in their order; the top bit keeps these draws apart from those of sng_rng_stream_uniform(). */
typedef struct
{
  double  rate; /* in [0, 1); 0: nothing is dropped */
  guint64 key;
  const guint64 *first_ordinal; /* where that of sequence 0 is; the others follow; below 2^43 */
  guint32 operation;            /* below 2^20 */
} SngDropout;

typedef enum
{
  SNG_GELU_ERF, /* x * (1 + erf (x / sqrt 2)) / 2 */
  SNG_GELU_TANH /* x * (1 + tanh (sqrt (2 / pi) * (x + 0.044715 x^3))) / 2 */
} SngGeluKind;

/* sum = input weight^T + bias; with transposed, weight is [n_inputs, n_outputs] and sum = input weight + bias. What becomes
 * of the sum, in the same pass:
 *   output   the sum itself, an operand, or a real with real_output
 *   gelu     GELU (Hendrycks, Gimpel, 2016) of the stored output, of output's type
 *   stream   residual + dropout (sum), a real
 * Backward goes from d_output, which is already the gradient of the sum, to d_input: an operand, or a real with
 * real_d_input. Where the input is gelu (before_gelu), d_input is the gradient of before_gelu instead.
 *
 * A backend may round more than once on the way to an operand: the bias, as the weight is, and the gradient of gelu. */
typedef struct
{
  SngRows       rows;
  gsize         n_inputs;
  gsize         n_outputs;
  gboolean      transposed;
  gconstpointer input;  /* operand [n_rows, n_inputs] */
  gconstpointer weight; /* operand [n_outputs, n_inputs] */
  gconstpointer bias;   /* [n_outputs], nullable */

  gpointer      output; /* [n_rows, n_outputs], nullable */
  gboolean      real_output;
  gpointer      gelu; /* [n_rows, n_outputs], nullable */
  SngGeluKind   gelu_kind; /* of gelu and of before_gelu */
  gpointer      stream; /* [n_rows, n_outputs], nullable; may be residual */
  gconstpointer residual; /* [n_rows, n_outputs], with stream */
  SngDropout    dropout;  /* with stream */

  gconstpointer d_output; /* operand [n_rows, n_outputs] */
  gpointer      d_input;  /* [n_rows, n_inputs], nullable; may be before_gelu */
  gboolean      real_d_input;
  gconstpointer before_gelu; /* operand [n_rows, n_inputs], nullable */
  gpointer      d_weight;    /* [n_outputs, n_inputs] or as transposed says */
  gpointer      d_bias;      /* nullable */
} SngLinear;

/* d_input = d_output * gelu' (input), for a GELU whose output is no operand. */
typedef struct
{
  gsize         n_elements;
  SngGeluKind   kind;
  gconstpointer input;
  gconstpointer d_output;
  gpointer      d_input; /* operand; may be d_output where both are one type */
} SngGelu;

/* output = (input - mean) / sqrt (variance + epsilon) * weight + bias over each row (Ba, Kiros, Hinton: Layer
 * normalization, 2016). Where the input is a residual stream that a branch has just joined, d_branch = dropout (d_input) is
 * the gradient of that branch. */
typedef struct
{
  SngRows       rows;
  gsize         n_columns;
  double        epsilon;
  gconstpointer input;  /* [n_rows, n_columns] */
  gconstpointer weight; /* [n_columns] */
  gconstpointer bias;
  gpointer      output; /* operand [n_rows, n_columns] */
  gpointer      mean;   /* [n_rows], kept for backward */
  gpointer      rstd;   /* [n_rows], kept for backward */
  gconstpointer d_output;
  gpointer      d_input; /* not d_output */
  gboolean      add_to_d_input;
  gpointer      d_branch; /* operand [n_rows, n_columns], nullable; neither d_output nor d_input */
  SngDropout    dropout;  /* with d_branch: that of the branch */
  gpointer      d_weight;
  gpointer      d_bias;
} SngLayerNorm;

/* output = dropout (weight[id] * row_scale + positions[token]). Backward drops d_output in place. */
typedef struct
{
  SngRows        rows;
  gsize          n_columns;
  const gint64  *ids;       /* [n_rows] */
  gconstpointer  weight;    /* [vocabulary, n_columns] */
  gconstpointer  row_scale; /* [n_rows], nullable */
  gconstpointer  positions; /* [max_tokens or more, n_columns], nullable */
  SngDropout     dropout;
  gpointer       output;    /* [n_rows, n_columns] */
  gpointer       d_output;
  gpointer       d_weight;
  gpointer       d_positions;
  gint64         frozen_id; /* gets no gradient here; -1: none */
} SngEmbedding;

/* Rotates the pairs (j, j + head_size / 2) of every head of query and key by the token's angles, and multiplies query by
 * query_scale (Su and others: RoFormer, 2021). In place; inverse is the backward of it, for the gradient in the same place. */
typedef struct
{
  SngRows       rows;
  gsize         n_heads;
  gsize         head_size;
  double        query_scale;
  gconstpointer cosine; /* [max_tokens or more, head_size / 2] */
  gconstpointer sine;
  gpointer      qkv; /* operand [n_rows, 3, n_heads, head_size] */
  gboolean      inverse;
} SngRotary;

/* output = dropout (softmax (scale * query key^T)) value in each head. Scores exist only for a block of queries at a time;
 * backward computes them anew from the kept log_sum_exp (Dao and others: FlashAttention, 2022). A query sees the
 * keys of its sequence where mask (if any) is not 0, and with causal none after itself; one that sees no key
 * yields zeros. Probabilities and their gradients are rounded to operands for the products. */
typedef struct
{
  SngRows       rows;
  gsize         n_heads;
  gsize         head_size;
  double        scale;
  gboolean      causal;
  const gint64 *mask;    /* [n_rows], nullable */
  SngDropout    dropout; /* of the probabilities; each head is an operation: operation + head */
  gconstpointer qkv;     /* operand [n_rows, 3, n_heads, head_size] */
  gpointer      output;  /* operand [n_rows, n_heads, head_size] */
  gpointer      log_sum_exp; /* [n_heads, n_rows], to base 2, kept for backward */
  gconstpointer d_output; /* operand */
  gpointer      d_qkv;    /* operand */
} SngAttention;

/* The loss of a row is log (sum exp logits) - logits[label], and 0 where the label is negative. */
typedef struct
{
  gsize         n_rows;
  gsize         n_classes;
  const gint64 *labels; /* [n_rows] */
  gconstpointer logits; /* [n_rows, n_classes] */
  const gint64 *logit_rows; /* [n_rows] where backward finds a row's logits, nullable: where forward did */
  double       *losses; /* [n_rows] f64 */
  gpointer      log_sum_exp; /* [n_rows], kept for backward */
  const double *d_loss; /* where it is, the same for every row; f64 */
  gpointer      d_logits; /* operand [n_rows, n_classes] */
} SngCrossEntropy;

/* Moves row i to row targets[i] >= i, in place, and fills the rows between with zeros; targets ascend. */
typedef struct
{
  gsize         n_rows;
  gsize         n_target_rows;
  gsize         n_columns;
  const gint64 *targets; /* [n_rows] */
  gpointer      values;  /* [n_target_rows, n_columns] */
} SngSpread;

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

/* Elements one behind the other. */
typedef struct
{
  gsize    n_elements;
  gpointer values;
} SngArray;

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
  SngDtype real;
  SngDtype operand;

  void (*linear_forward)         (SngDevice             *device,
                                  const SngLinear       *linear);
  void (*linear_backward)        (SngDevice             *device,
                                  const SngLinear       *linear);
  void (*layer_norm_forward)     (SngDevice             *device,
                                  const SngLayerNorm    *norm);
  void (*layer_norm_backward)    (SngDevice             *device,
                                  const SngLayerNorm    *norm);
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
  void (*cross_entropy_forward)  (SngDevice             *device,
                                  const SngCrossEntropy *cross_entropy);
  void (*cross_entropy_backward) (SngDevice             *device,
                                  const SngCrossEntropy *cross_entropy);
  void (*spread)                 (SngDevice             *device,
                                  const SngSpread       *spread);
  /* reals to operands; only where the two types differ */
  void (*narrow)                 (SngDevice             *device,
                                  gsize                  n_elements,
                                  gconstpointer          reals,
                                  gpointer               operands);
  void (*adamw)                  (SngDevice             *device,
                                  const SngAdamwUpdate  *adamw);
  void (*sgd)                    (SngDevice             *device,
                                  const SngSgdUpdate    *sgd);
  /* of each array, in double, whatever the dtype; sums are on the host */
  void (*sum_of_squares)         (SngDevice             *device,
                                  gsize                  n_arrays,
                                  const SngArray        *arrays,
                                  double                *sums);
  void (*scale)                  (SngDevice             *device,
                                  gsize                  n_arrays,
                                  const SngArray        *arrays,
                                  double                 factor);
  void (*average)                (SngDevice             *device,
                                  gsize                  n_averages,
                                  const SngAverage      *averages);
  /* the elements of two arrays that do not overlap */
  void (*exchange)               (SngDevice             *device,
                                  gsize                  n_elements,
                                  gpointer               first,
                                  gpointer               second);
} SngKernels;

/* The tables of a backend; NULL where it has none. */
struct _SngDeviceMath
{
  const SngKernels *f32;
  const SngKernels *bf16; /* f32 with operands in bf16 */
  const SngKernels *f16;  /* f32 with operands in f16 */
  const SngKernels *f64;  /* for numeric checks of gradients: exact before fast */
};

/* For arithmetic without matrix products: the table whose reals have @dtype. */
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
