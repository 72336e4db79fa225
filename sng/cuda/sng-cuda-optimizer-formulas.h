/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <math.h>

#include "tensor/sng-device-func-private.h"
#include "tensor/sng-device-math-private.h"

/* The arithmetic of the optimizers and of what else goes over lists of arrays, in C that nvcc and the C compiler share. It is
 * that of the CPU backend, operation for operation: each is rounded by itself, so equal gradients leave equal parameters on
 * both, bit by bit. Only the bits of a NaN may differ. */

/* Lists are cut into pieces of as many elements as a span has at most, and as the CPU's chunks have. */
#define SNG_CUDA_PIECE_ELEMENTS SNG_SPAN_ELEMENTS
#define SNG_CUDA_SQUARES_LANES 8
#define SNG_CUDA_SQUARES_AT_ONCE 64

G_BEGIN_DECLS

/* What a kernel reads of a piece; which of the fields it has depends on the kernel. */
typedef struct
{
  const float *source; /* gradient, values */
  float *target;       /* parameter, average */
  float *buffers[SNG_SPAN_BUFFERS];
  guint32 n_elements; /* at most SNG_CUDA_PIECE_ELEMENTS */
  float factors[2];   /* decay and step size; weight and 1 - weight */
} SngCudaPiece;

/* What is the same for all pieces. */
typedef struct
{
  float beta1;
  float beta2;
  float one_minus_beta1;
  float one_minus_beta2;
  float sqrt_correction2;
  float epsilon;
} SngCudaAdamw;

typedef struct
{
  gboolean has_momentum;
  gboolean first;
  gboolean nesterov;
  float momentum;
  float one_minus_dampening;
} SngCudaSgd;

/* Whatever arguments nvcc gets, it fuses none of these; the C compilers are told so by theirs. */
static inline SNG_DEVICE_FUNC float
sng_cuda_multiply (float a, float b)
{
#ifdef __CUDA_ARCH__
  return __fmul_rn (a, b);
#else
  return a * b;
#endif
}

static inline SNG_DEVICE_FUNC float
sng_cuda_add (float a, float b)
{
#ifdef __CUDA_ARCH__
  return __fadd_rn (a, b);
#else
  return a + b;
#endif
}

static inline SNG_DEVICE_FUNC float
sng_cuda_divide (float a, float b)
{
#ifdef __CUDA_ARCH__
  return __fdiv_rn (a, b);
#else
  return a / b;
#endif
}

static inline SNG_DEVICE_FUNC float
sng_cuda_square_root (float a)
{
#ifdef __CUDA_ARCH__
  return __fsqrt_rn (a);
#else
  return sqrtf (a);
#endif
}

/* a + weight * (b - a), from the nearer end; complement is 1 - weight. */
static inline SNG_DEVICE_FUNC float
sng_cuda_lerp (float a, float b, float weight, float complement)
{
  float difference = sng_cuda_add (b, -a);

  return weight < 0.5f ? sng_cuda_add (a, sng_cuda_multiply (difference, weight))
                       : sng_cuda_add (b, -sng_cuda_multiply (difference, complement));
}

static inline SNG_DEVICE_FUNC void
sng_cuda_adamw_element (const SngCudaAdamw *adamw,
                        const float factors[2],
                        float gradient,
                        float *parameter,
                        float *exp_avg,
                        float *exp_avg_sq)
{
  float m = sng_cuda_lerp (*exp_avg, gradient, adamw->one_minus_beta1, adamw->beta1);
  float squared = sng_cuda_multiply (sng_cuda_multiply (gradient, adamw->one_minus_beta2), gradient);
  float v = sng_cuda_add (sng_cuda_multiply (*exp_avg_sq, adamw->beta2), squared);
  float denominator =
      sng_cuda_add (sng_cuda_divide (sng_cuda_square_root (v), adamw->sqrt_correction2), adamw->epsilon);
  float change = sng_cuda_divide (sng_cuda_multiply (m, factors[1]), denominator);

  *parameter = sng_cuda_add (sng_cuda_multiply (*parameter, factors[0]), -change);
  *exp_avg = m;
  *exp_avg_sq = v;
}

/* Without momentum the buffer is left alone. */
static inline SNG_DEVICE_FUNC void
sng_cuda_sgd_element (const SngCudaSgd *sgd,
                      const float factors[2],
                      float gradient,
                      float *parameter,
                      float *buffer)
{
  float direction = gradient;

  if (factors[0] > 0)
    direction = sng_cuda_add (direction, sng_cuda_multiply (*parameter, factors[0]));
  if (sgd->has_momentum)
    {
      if (sgd->first)
        *buffer = direction;
      else
        *buffer = sng_cuda_add (sng_cuda_multiply (*buffer, sgd->momentum),
                                sng_cuda_multiply (direction, sgd->one_minus_dampening));
      if (sgd->nesterov)
        direction = sng_cuda_add (direction, sng_cuda_multiply (*buffer, sgd->momentum));
      else
        direction = *buffer;
    }
  *parameter = sng_cuda_add (*parameter, -sng_cuda_multiply (direction, factors[1]));
}

/* Every SNG_CUDA_SQUARES_LANES-th element from first on; zeros behind the last, which change no sum of squares. There the last
 * one is loaded in vain, so that no load depends on another one. */
static inline SNG_DEVICE_FUNC void
sng_cuda_squares_load (float loaded[SNG_CUDA_SQUARES_AT_ONCE], const SngCudaPiece *piece, guint first)
{
#ifdef __CUDACC__
# pragma unroll
#endif
  for (guint j = 0; j < SNG_CUDA_SQUARES_AT_ONCE; j++)
    {
      guint i = first + j * SNG_CUDA_SQUARES_LANES;
      float value = piece->source[MIN (i, piece->n_elements - 1)];

      loaded[j] = i < piece->n_elements ? value : 0.0f;
    }
}

/* One of the running sums of a piece. The square of a float is exact in double, so it may be fused with the sum. Elements
 * are added one by one; meanwhile the next ones are on their way, so many that the memory is not waited for. */
static inline SNG_DEVICE_FUNC double
sng_cuda_squares_lane (const SngCudaPiece *piece, guint lane)
{
  float loaded[SNG_CUDA_SQUARES_AT_ONCE], next[SNG_CUDA_SQUARES_AT_ONCE];
  double sum = 0;

  if (lane >= piece->n_elements)
    return 0;

  sng_cuda_squares_load (next, piece, lane);
  for (guint i = lane; i < piece->n_elements;)
    {
#ifdef __CUDACC__
# pragma unroll
#endif
      for (guint j = 0; j < SNG_CUDA_SQUARES_AT_ONCE; j++)
        loaded[j] = next[j];
      i += SNG_CUDA_SQUARES_AT_ONCE * SNG_CUDA_SQUARES_LANES;
      sng_cuda_squares_load (next, piece, i);
#ifdef __CUDACC__
# pragma unroll
#endif
      for (guint j = 0; j < SNG_CUDA_SQUARES_AT_ONCE; j++)
        sum = fma ((double) loaded[j], (double) loaded[j], sum);
    }
  return sum;
}

/* On the host: what the kernels get. */
static inline SngCudaAdamw
sng_cuda_adamw_prepare (const SngAdamwUpdate *op)
{
  SngCudaAdamw adamw;

  adamw.beta1 = (float) op->beta1;
  adamw.beta2 = (float) op->beta2;
  adamw.one_minus_beta1 = (float) (1.0 - op->beta1);
  adamw.one_minus_beta2 = (float) (1.0 - op->beta2);
  adamw.sqrt_correction2 = (float) sqrt (1.0 - pow (op->beta2, (double) op->update.step));
  adamw.epsilon = (float) op->epsilon;
  return adamw;
}

static inline SngCudaSgd
sng_cuda_sgd_prepare (const SngSgdUpdate *op)
{
  SngCudaSgd sgd;

  sgd.has_momentum = op->momentum != 0;
  sgd.first = op->update.step == 1;
  sgd.nesterov = op->nesterov;
  sgd.momentum = (float) op->momentum;
  sgd.one_minus_dampening = (float) (1.0 - op->dampening);
  return sgd;
}

static inline SngCudaPiece
sng_cuda_span_prepare (const SngSpan *span, double decay, double step_size)
{
  SngCudaPiece piece;

  piece.source = (const float *) span->gradient;
  piece.target = (float *) span->parameter;
  for (guint i = 0; i < SNG_SPAN_BUFFERS; i++)
    piece.buffers[i] = (float *) span->buffers[i];
  piece.n_elements = (guint32) span->n_elements;
  piece.factors[0] = (float) decay;
  piece.factors[1] = (float) step_size;
  return piece;
}

/* The same for all spans: a large model has thousands, and the GPU waits for their list. */
static inline double
sng_cuda_adamw_correction1 (const SngAdamwUpdate *op)
{
  return 1.0 - pow (op->beta1, (double) op->update.step);
}

static inline SngCudaPiece
sng_cuda_adamw_prepare_span (const SngAdamwUpdate *op, double correction1, const SngSpan *span)
{
  double learning_rate = op->update.learning_rate * span->learning_rate_factor;

  return sng_cuda_span_prepare (span, 1.0 - learning_rate * span->weight_decay, learning_rate / correction1);
}

static inline SngCudaPiece
sng_cuda_sgd_prepare_span (const SngSgdUpdate *op, const SngSpan *span)
{
  return sng_cuda_span_prepare (span, span->weight_decay,
                                op->update.learning_rate * span->learning_rate_factor);
}

G_END_DECLS
