/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>

#include <string.h>

#include "cuda/sng-cuda-optimizer-formulas.h"

/* The formulas that the CUDA kernels share with the C compiler, against the CPU backend: bit by bit. */

#define N_SPANS 6
#define N_ELEMENTS (1 + 7 + 8 + 9 + 1001 + SNG_SPAN_ELEMENTS)
#define N_STEPS 3

static const gsize span_sizes[N_SPANS] = { 1, 7, 8, 9, 1001, SNG_SPAN_ELEMENTS };

/* What one side has. */
typedef struct
{
  float parameter[N_ELEMENTS];
  float buffers[SNG_SPAN_BUFFERS][N_ELEMENTS];
  SngSpan spans[N_SPANS];
} Side;

static const SngKernels *
cpu_kernels (void)
{
  return sng_device_get_kernels (sng_device_get_default (), SNG_DTYPE_F32);
}

/* From the smallest that a float holds to large ones, and zeros of both signs. */
static void
fill (float *to, gsize n, guint32 seed)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (seed);

  for (gsize i = 0; i < n; i++)
    {
      float value = (float) g_rand_double_range (random, -2, 2);

      to[i] = i % 11 == 3 ? value * 1e-39f : i % 11 == 5 ? value * 1e9f : i % 13 == 7 ? value * 0 : value;
    }
}

static Side *
side_new (const float *gradient)
{
  Side *side = g_new0 (Side, 1);
  gsize first = 0;

  fill (side->parameter, N_ELEMENTS, 1);
  for (guint i = 0; i < N_SPANS; i++)
    {
      side->spans[i] = (SngSpan){
        .n_elements = span_sizes[i],
        .learning_rate_factor = 1.0 / (i + 1),
        .weight_decay = i % 2 == 0 ? 0.1 : 0,
        .gradient = gradient + first,
        .parameter = side->parameter + first,
        .buffers = { side->buffers[0] + first, side->buffers[1] + first },
      };
      first += span_sizes[i];
    }
  return side;
}

static void
assert_equal (const Side *ours, const Side *cpu)
{
  g_assert_cmpmem (ours->parameter, sizeof ours->parameter, cpu->parameter, sizeof cpu->parameter);
  g_assert_cmpmem (ours->buffers, sizeof ours->buffers, cpu->buffers, sizeof cpu->buffers);
}

static void
test_adamw (void)
{
  g_autofree float *gradient = g_new (float, N_ELEMENTS);
  g_autofree Side *ours = side_new (gradient);
  g_autofree Side *cpu = side_new (gradient);

  for (guint step = 1; step <= N_STEPS; step++)
    {
      SngAdamwUpdate op = { { step, 0.01 / step, N_SPANS, cpu->spans }, 0.9, 0.98, 1e-8 };
      SngCudaAdamw all;

      /* Below 0.5 as well: there the mean is taken from the other end. */
      if (step == 2)
        op.beta1 = 0.4;
      all = sng_cuda_adamw_prepare (&op);
      fill (gradient, N_ELEMENTS, 100 + step);
      cpu_kernels ()->adamw (sng_device_get_default (), &op);

      for (guint i = 0; i < N_SPANS; i++)
        {
          SngCudaPiece piece =
              sng_cuda_adamw_prepare_span (&op, sng_cuda_adamw_correction1 (&op), &ours->spans[i]);

          for (guint j = 0; j < piece.n_elements; j++)
            sng_cuda_adamw_element (&all, piece.factors, piece.source[j], &piece.target[j],
                                    &piece.buffers[0][j], &piece.buffers[1][j]);
        }
      assert_equal (ours, cpu);
    }
}

static void
test_sgd (void)
{
  static const struct
  {
    double momentum;
    double dampening;
    gboolean nesterov;
  } kinds[] = { { 0, 0, FALSE }, { 0.9, 0, FALSE }, { 0.9, 0.25, FALSE }, { 0.9, 0, TRUE } };

  for (guint kind = 0; kind < G_N_ELEMENTS (kinds); kind++)
    {
      g_autofree float *gradient = g_new (float, N_ELEMENTS);
      g_autofree Side *ours = side_new (gradient);
      g_autofree Side *cpu = side_new (gradient);

      for (guint step = 1; step <= N_STEPS; step++)
        {
          SngSgdUpdate op = { { step, 0.01 / step, N_SPANS, cpu->spans },
                              kinds[kind].momentum,
                              kinds[kind].dampening,
                              kinds[kind].nesterov };
          SngCudaSgd all = sng_cuda_sgd_prepare (&op);

          fill (gradient, N_ELEMENTS, 100 + step);
          cpu_kernels ()->sgd (sng_device_get_default (), &op);

          for (guint i = 0; i < N_SPANS; i++)
            {
              SngCudaPiece piece = sng_cuda_sgd_prepare_span (&op, &ours->spans[i]);

              for (guint j = 0; j < piece.n_elements; j++)
                sng_cuda_sgd_element (&all, piece.factors, piece.source[j], &piece.target[j],
                                      &piece.buffers[0][j]);
            }
          assert_equal (ours, cpu);
        }
    }
}

static void
test_average (void)
{
  static const double weights[] = { 0.001, 0.4, 0.75, 1 };
  g_autofree float *value = g_new (float, N_ELEMENTS);
  g_autofree float *ours = g_new (float, N_ELEMENTS);
  g_autofree float *cpu = g_new (float, N_ELEMENTS);

  fill (value, N_ELEMENTS, 1);
  for (guint i = 0; i < G_N_ELEMENTS (weights); i++)
    {
      SngAverage op = { N_ELEMENTS, weights[i], value, cpu };

      fill (ours, N_ELEMENTS, 2);
      fill (cpu, N_ELEMENTS, 2);
      cpu_kernels ()->average (sng_device_get_default (), 1, &op);
      for (gsize j = 0; j < N_ELEMENTS; j++)
        ours[j] = sng_cuda_lerp (ours[j], value[j], (float) weights[i], (float) (1.0 - weights[i]));
      g_assert_cmpmem (ours, N_ELEMENTS * sizeof *ours, cpu, N_ELEMENTS * sizeof *cpu);
    }
}

/* The lanes of each piece in pairs, the pieces in their order. */
static void
test_squares (void)
{
  g_autofree float *values = g_new (float, N_ELEMENTS);
  SngArray array = { N_ELEMENTS, values };
  double expected, sum = 0;

  fill (values, N_ELEMENTS, 3);
  cpu_kernels ()->sum_of_squares (sng_device_get_default (), 1, &array, &expected);

  for (gsize first = 0; first < N_ELEMENTS; first += SNG_CUDA_PIECE_ELEMENTS)
    {
      SngCudaPiece piece = { .source = values + first,
                             .n_elements = (guint32) MIN (N_ELEMENTS - first, SNG_CUDA_PIECE_ELEMENTS) };
      double s[SNG_CUDA_SQUARES_LANES];

      for (guint lane = 0; lane < SNG_CUDA_SQUARES_LANES; lane++)
        s[lane] = sng_cuda_squares_lane (&piece, lane);
      sum += ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
    }
  g_assert_cmpmem (&sum, sizeof sum, &expected, sizeof expected);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/cuda-optimizer-formulas/adamw", test_adamw);
  g_test_add_func ("/sng/cuda-optimizer-formulas/sgd", test_sgd);
  g_test_add_func ("/sng/cuda-optimizer-formulas/average", test_average);
  g_test_add_func ("/sng/cuda-optimizer-formulas/sum-of-squares", test_squares);

  return g_test_run ();
}
