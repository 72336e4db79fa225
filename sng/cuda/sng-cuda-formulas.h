/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <math.h>

#include "tensor/sng-device-func-private.h"
#include "tensor/sng-device-math-private.h"
#include "tensor/sng-philox-private.h"

G_BEGIN_DECLS

/* The arithmetic of single elements, which the kernels and the tests of it share. The CPU backend has the same formulas in
 * vectors, with polynomials of its own where these call the device's functions; so values agree to rounding, and decisions
 * of dropout to the bit. */

#define SNG_CUDA_NORMAL_DENSITY 0.398942280f /* 1 / sqrt (2 pi) */
#define SNG_CUDA_LOG2_E 1.44269504f

/* GELU: x times how much of the normal distribution lies below x. Its tanh form is x s (2 u) with the logistic function s,
 * since (1 + tanh u) / 2 = s (2 u), where u = sqrt (2 / pi) (x + 0.044715 x^3). */

#define SNG_CUDA_GELU_U2 1.59576912f      /* 2 sqrt (2 / pi) */
#define SNG_CUDA_GELU_U2_LOG2 2.30220820f /* the same times log2 (e) */
#define SNG_CUDA_GELU_CUBE 0.044715f

/* The density of the normal distribution, times sqrt (2 pi), and how much of it lies below @x, both to 3e-7: what lies beyond
 * |x| is the density times a function that falls slowly (Mills's ratio), the same polynomial in 1 / (1 + 0.28 |x|) that the
 * CPU backend has. It costs a third of erfcf and has the density as well; no digits are lost where little lies below. */
static inline SNG_DEVICE_FUNC float
sng_cuda_normal_below (float  x,
                       float *density)
{
  float e = exp2f (x * x * (-0.5f * SNG_CUDA_LOG2_E));
  float t = 1.0f / fmaf (fabsf (x), 0.28f, 1.0f);
  float p = -0.107001833f;
  float beyond;

  p = fmaf (p, t, 0.3948128756f);
  p = fmaf (p, t, -0.2451161233f);
  p = fmaf (p, t, 0.2755453416f);
  p = fmaf (p, t, 0.06480542788f);
  p = fmaf (p, t, 0.1169543452f);
  beyond = p * t * e;
  *density = e;
  return x < 0.0f ? beyond : 1.0f - beyond;
}

/* s (2 u); the power stays where 2^power is finite, so that -infinity does not become 0 * infinity */
static inline SNG_DEVICE_FUNC float
sng_cuda_gelu_logistic (float x)
{
  float power = (x + x * x * x * SNG_CUDA_GELU_CUBE) * -SNG_CUDA_GELU_U2_LOG2;

  return 1.0f / (exp2f (power > 126.0f ? 126.0f : power) + 1.0f);
}

static inline SNG_DEVICE_FUNC float
sng_cuda_gelu (SngGeluKind kind,
               float       x)
{
  float density;

  return x * (kind == SNG_GELU_ERF ? sng_cuda_normal_below (x, &density) : sng_cuda_gelu_logistic (x));
}

/* the derivative of sng_cuda_gelu() */
static inline SNG_DEVICE_FUNC float
sng_cuda_gelu_slope (SngGeluKind kind,
                     float       x)
{
  float s;

  if (kind == SNG_GELU_ERF)
    {
      float density, below = sng_cuda_normal_below (x, &density);

      return fmaf (x, density * SNG_CUDA_NORMAL_DENSITY, below);
    }

  s = sng_cuda_gelu_logistic (x);
  return s + x * s * (1.0f - s) * ((x * x * (3.0f * SNG_CUDA_GELU_CUBE) + 1.0f) * SNG_CUDA_GELU_U2);
}

/* Layer normalisation: 1 / sqrt (variance + epsilon), the normalised input, the output. */

static inline SNG_DEVICE_FUNC float
sng_cuda_layer_norm_rstd (float variance,
                          float epsilon)
{
  return 1.0f / sqrtf (variance + epsilon);
}

static inline SNG_DEVICE_FUNC float
sng_cuda_layer_norm_x (float input,
                       float mean,
                       float rstd)
{
  return (input - mean) * rstd;
}

static inline SNG_DEVICE_FUNC float
sng_cuda_layer_norm_output (float x,
                            float weight,
                            float bias)
{
  return x * weight + bias;
}

/* With g = d_output * weight, and the means over the row of g and of g * x. */
static inline SNG_DEVICE_FUNC float
sng_cuda_layer_norm_d_input (float x,
                             float g,
                             float g_mean,
                             float gx_mean,
                             float rstd)
{
  return rstd * (g - g_mean - x * gx_mean);
}

/* Rotary positions: (a, b) -> scale * (a cos - b sin, b cos + a sin). The inverse has the sine's sign changed. */
static inline SNG_DEVICE_FUNC void
sng_cuda_rotate (float *a,
                 float *b,
                 float  cosine,
                 float  sine,
                 float  scale)
{
  float first = *a * scale, second = *b * scale;

  *a = first * cosine - second * sine;
  *b = second * cosine + first * sine;
}

/* d (loss of the row) / d (logit) * d_loss. */
static inline SNG_DEVICE_FUNC float
sng_cuda_cross_entropy_d_logit (float    logit,
                                float    log_sum_exp,
                                float    d_loss,
                                gboolean is_label)
{
  float d = expf (logit - log_sum_exp) * d_loss;

  return is_label ? d - d_loss : d;
}

/* Dropout as a kernel gets it, by value. */
typedef struct
{
  guint64        key;
  const guint64 *first_ordinal; /* in device memory */
  guint32        operation;
  guint32        threshold; /* an element is dropped where the upper 24 bits of its word are below */
  float          kept;      /* what the others are multiplied with: 1 / (1 - rate) */
  gboolean       is_on;     /* if not, all elements stay as they are and nothing need be drawn */
} SngCudaDropout;

#define SNG_CUDA_DROPOUT_GROUP 32 /* columns, of eight counters with four words each */

static inline SngCudaDropout
sng_cuda_dropout (const SngDropout *dropout)
{
  SngCudaDropout self;

  self.key = dropout->key;
  self.first_ordinal = dropout->first_ordinal;
  self.operation = dropout->operation;
  self.threshold = (guint32) (dropout->rate * 16777216.0);
  self.kept = (float) (1.0 / (1.0 - dropout->rate));
  self.is_on = dropout->rate > 0;
  return self;
}

/* Where a column's decision is: number @column / 32 * 8 + @column % 8 of the counters of its row, and in it word @column / 8 % 4.
 * So a counter decides on columns c, c + 8, c + 16 and c + 24. */
static inline SNG_DEVICE_FUNC guint32
sng_cuda_dropout_counter (gsize column)
{
  return (guint32) (column / SNG_CUDA_DROPOUT_GROUP * 8 + column % 8);
}

/* The four words of a counter. @ordinal is *first_ordinal plus the sequence; @operation is that of @self, or for the
 * probabilities of a head, plus the head. */
static inline SNG_DEVICE_FUNC void
sng_cuda_dropout_draw (const SngCudaDropout *self,
                       guint64               ordinal,
                       guint32               token,
                       guint32               operation,
                       guint32               counter,
                       guint32               words[4])
{
  guint32 place[4];

  place[0] = counter;
  place[1] = token;
  place[2] = (guint32) ordinal;
  place[3] = 0x80000000u | ((guint32) (ordinal >> 32) << 20) | operation;
  sng_philox4x32 (self->key, place, words);
}

static inline SNG_DEVICE_FUNC gboolean
sng_cuda_dropout_drops (const SngCudaDropout *self,
                        guint32               word)
{
  return (word >> 8) < self->threshold;
}

/* 0 or kept */
static inline SNG_DEVICE_FUNC float
sng_cuda_dropout_factor (const SngCudaDropout *self,
                         guint32               word)
{
  return sng_cuda_dropout_drops (self, word) ? 0.0f : self->kept;
}

G_END_DECLS
