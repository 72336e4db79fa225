/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cuda/sng-cuda-device-private.h"

/* The tables of kernels, assembled from what each family of them has. */

static SngKernels f32 = { .real = SNG_DTYPE_F32, .operand = SNG_DTYPE_F32 };
static SngKernels bf16 = { .real = SNG_DTYPE_F32, .operand = SNG_DTYPE_BF16 };
static SngKernels f16 = { .real = SNG_DTYPE_F32, .operand = SNG_DTYPE_F16 };

static const SngDeviceMath math = { .f32 = &f32, .bf16 = &bf16, .f16 = &f16 };

static void
add_families (void)
{
  sng_cuda_add_layer_norm (&f32, &bf16, &f16);
  sng_cuda_add_elementwise (&f32, &bf16, &f16);
  sng_cuda_add_embedding (&f32, &bf16, &f16);
  sng_cuda_add_cross_entropy (&f32, &bf16, &f16);
  sng_cuda_add_linear (&f32, &bf16, &f16);
  sng_cuda_add_attention (&f32, &bf16, &f16);
  sng_cuda_add_optimizer (&f32, &bf16, &f16);
}

const SngDeviceMath *
sng_cuda_math_get (void)
{
  static gsize filled = 0;

  if (g_once_init_enter (&filled))
    {
      add_families ();
      g_once_init_leave (&filled, 1);
    }

  return &math;
}
