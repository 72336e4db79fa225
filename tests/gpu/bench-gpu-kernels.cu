/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cuda/sng-cuda-kernel.h"

#include "bench-gpu-kernels.h"

/* The plainest kernel that reads every byte: 16 bytes a thread and load, four loads in flight, a word a block as the result, so
 * that nothing is left out. */

#define N_THREADS 256
#define N_WARPS (N_THREADS / SNG_CUDA_WARP)
#define UNROLL 4

static __global__ void
read_kernel (const uint4 *values, size_t n, unsigned *sink)
{
  __shared__ unsigned sums[N_WARPS];
  size_t stride = (size_t) gridDim.x * N_THREADS;
  unsigned sum = 0;

  for (size_t i = (size_t) blockIdx.x * N_THREADS + threadIdx.x; i < n; i += UNROLL * stride)
    {
      uint4 loaded[UNROLL];

#pragma unroll
      for (int k = 0; k < UNROLL; k++)
        loaded[k] = i + k * stride < n ? values[i + k * stride] : make_uint4 (0, 0, 0, 0);
#pragma unroll
      for (int k = 0; k < UNROLL; k++)
        sum ^= loaded[k].x ^ loaded[k].y ^ loaded[k].z ^ loaded[k].w;
    }
  for (int lane = 16; lane > 0; lane /= 2)
    sum ^= __shfl_xor_sync (0xffffffff, sum, lane);
  if (threadIdx.x % SNG_CUDA_WARP == 0)
    sums[threadIdx.x / SNG_CUDA_WARP] = sum;
  __syncthreads ();
  if (threadIdx.x != 0)
    return;
  for (int warp = 1; warp < N_WARPS; warp++)
    sum ^= sums[warp];
  sink[blockIdx.x] = sum;
}

extern "C" cudaError_t
bench_gpu_read (cudaStream_t stream, const void *values, size_t n_bytes, int n_blocks, unsigned *sink)
{
  return sng_cuda_launch (read_kernel, dim3 (n_blocks), dim3 (N_THREADS), 0, stream,
                          static_cast<const uint4 *> (values), n_bytes / sizeof (uint4), sink);
}
