/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cuda/sng-cuda-rows.h"

/* The gradient of GELU, and rotary positions: each element, or pair, by itself. */

#define BLOCK 256
#define ROTARY_BLOCK 128

template <typename T>
static __global__ void
gelu_backward_kernel (SngGelu op, bool aligned)
{
  gsize first = 4 * ((gsize) blockIdx.x * BLOCK + threadIdx.x);
  const float *input = static_cast<const float *> (op.input) + first;
  const float *d_output = static_cast<const float *> (op.d_output) + first;
  float x[4], d[4];
  unsigned n_left;

  if (first >= op.n_elements)
    return;
  n_left = op.n_elements - first < 4 ? (unsigned) (op.n_elements - first) : 4;
  sng_cuda_load_quad (x, input, n_left, aligned);
  sng_cuda_load_quad (d, d_output, n_left, aligned);
  for (int i = 0; i < 4; i++)
    d[i] *= sng_cuda_gelu_slope (op.kind, x[i]);
  sng_cuda_store_quad (static_cast<T *> (op.d_input) + first, d, n_left, aligned);
}

template <typename T>
static void
gelu_backward (SngDevice *device, const SngGelu *op)
{
  cudaStream_t stream;
  gsize n_blocks = (op->n_elements + 4 * BLOCK - 1) / (4 * BLOCK);
  bool aligned = sng_cuda_is_aligned (0, static_cast<const float *> (op->input))
                 && sng_cuda_is_aligned (0, static_cast<const float *> (op->d_output))
                 && sng_cuda_is_aligned (0, static_cast<const T *> (op->d_input));

  if (op->n_elements == 0)
    return;
  stream = sng_cuda_device_enter (device);
  sng_cuda_device_check (device,
                         sng_cuda_launch (gelu_backward_kernel<T>, dim3 ((unsigned) n_blocks), dim3 (BLOCK),
                                          0, stream, *op, aligned),
                         "[cuda][gelu]");
}

/* A block has the query and the key of a row; a thread, four neighbouring pairs at a time. */
template <typename T>
static __global__ void
rotary_kernel (SngRotary op, bool aligned)
{
  gsize row = blockIdx.x;
  unsigned half = (unsigned) op.head_size / 2, n_heads = (unsigned) op.n_heads;
  unsigned n_quads = (half + 3) / 4;
  const float *cosines = static_cast<const float *> (op.cosine) + (gsize) op.rows.tokens[row] * half;
  const float *sines = static_cast<const float *> (op.sine) + (gsize) op.rows.tokens[row] * half;
  T *qkv = static_cast<T *> (op.qkv) + row * 3 * n_heads * op.head_size;
  float direction = op.inverse ? -1.0f : 1.0f;

  /* the heads of the key lie behind those of the query */
  for (unsigned place = threadIdx.x; place < 2 * n_heads * n_quads; place += ROTARY_BLOCK)
    {
      unsigned head = place / n_quads, first = place % n_quads * 4;
      unsigned n_left = half - first;
      float scale = head < n_heads ? (float) op.query_scale : 1.0f;
      T *from = qkv + head * (unsigned) op.head_size + first;
      float a[4], b[4], cosine[4], sine[4];

      sng_cuda_load_quad (a, from, n_left, aligned);
      sng_cuda_load_quad (b, from + half, n_left, aligned);
      sng_cuda_load_quad (cosine, cosines + first, n_left, aligned);
      sng_cuda_load_quad (sine, sines + first, n_left, aligned);
      for (int i = 0; i < 4; i++)
        sng_cuda_rotate (&a[i], &b[i], cosine[i], sine[i] * direction, scale);
      sng_cuda_store_quad (from, a, n_left, aligned);
      sng_cuda_store_quad (from + half, b, n_left, aligned);
    }
}

template <typename T>
static void
rotary (SngDevice *device, const SngRotary *op)
{
  cudaStream_t stream;
  gsize half = op->head_size / 2;
  bool aligned = op->head_size % 2 == 0 && sng_cuda_is_aligned (half, static_cast<const T *> (op->qkv))
                 && sng_cuda_is_aligned (half, static_cast<const float *> (op->cosine))
                 && sng_cuda_is_aligned (half, static_cast<const float *> (op->sine));

  if (op->rows.n_rows == 0 || half == 0)
    return;
  stream = sng_cuda_device_enter (device);
  sng_cuda_device_check (device,
                         sng_cuda_launch (rotary_kernel<T>, dim3 ((unsigned) op->rows.n_rows),
                                          dim3 (ROTARY_BLOCK), 0, stream, *op, aligned),
                         "[cuda][rotary]");
}

template <typename T>
static void
add_elementwise (SngKernels *kernels)
{
  kernels->gelu_backward = gelu_backward<T>;
  kernels->rotary = rotary<T>;
}

extern "C" void
sng_cuda_add_elementwise (SngKernels *f32, SngKernels *bf16, SngKernels *f16)
{
  add_elementwise<float> (f32);
  add_elementwise<SngBf16> (bf16);
  add_elementwise<SngF16> (f16);
}
