/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

/* For the .cu files only, which include it first. What kernels need beyond the language of CUDA: the launch, operands,
 * sums over a warp and a block, and the instructions that have no name in C++. Everything else is written in terms of these, so
 * that a kernel compiles with nvcc and, in the tests, as C++ for the emulator (SNG_CUDA_EMULATOR). */

#include <glib-object.h>
#include <cuda_runtime.h>

#include "tensor/sng-device-math-private.h"

#ifdef SNG_CUDA_EMULATOR
# include "tensor/sng-half-private.h"
#else
# include <cuda_bf16.h>
# include <cuda_fp16.h>
#endif

#define SNG_CUDA_WARP 32
#define SNG_CUDA_FULL_MASK 0xffffffffu

/* ---- launch ----
 * sng_cuda_launch (kernel, grid, block, n_shared_bytes, stream, arguments…) puts the kernel on the stream. Dynamic shared
 * memory above 48 KiB is asked for here. Parameters have 4096 bytes; with more a kernel needs a newer toolkit and driver. */

static inline cudaError_t
sng_cuda_allow_shared (const void *kernel,
                       size_t      n_bytes)
{
  return n_bytes <= 48 * 1024
             ? cudaSuccess
             : cudaFuncSetAttribute (kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, (int) n_bytes);
}

#ifdef SNG_CUDA_EMULATOR

template <typename... Parameters, typename... Arguments>
static inline cudaError_t
sng_cuda_launch_named (const char *name,
                       void (*kernel) (Parameters...),
                       dim3 grid,
                       dim3 block,
                       size_t n_shared_bytes,
                       cudaStream_t stream,
                       Arguments... arguments)
{
  cudaError_t status = sng_cuda_allow_shared ((const void *) kernel, n_shared_bytes);

  return status != cudaSuccess ? status
                               : sng_simt_launch (name, kernel, grid, block, n_shared_bytes, stream, arguments...);
}

/* The name is for the messages of the emulator. */
# define sng_cuda_launch(...) sng_cuda_launch_named (#__VA_ARGS__, __VA_ARGS__)

#else

template <typename... Parameters, typename... Arguments>
static inline cudaError_t
sng_cuda_launch (void (*kernel) (Parameters...),
                 dim3 grid,
                 dim3 block,
                 size_t n_shared_bytes,
                 cudaStream_t stream,
                 Arguments... arguments)
{
  static_assert (sizeof...(Parameters) == sizeof...(Arguments), "a kernel gets as many arguments as it has parameters");
  static_assert ((sizeof (Parameters) + ... + 0) <= 4096, "a kernel's parameters have 4096 bytes");
  cudaError_t        status = sng_cuda_allow_shared ((const void *) kernel, n_shared_bytes);
  cudaLaunchConfig_t config = {};

  if (status != cudaSuccess)
    return status;
  config.gridDim = grid;
  config.blockDim = block;
  config.dynamicSmemBytes = n_shared_bytes;
  config.stream = stream;
  return cudaLaunchKernelEx (&config, kernel, (Parameters) arguments...);
}

#endif

/* ---- shared memory ---- */

/* The launch's dynamic shared memory, aligned to 16 bytes. */
template <typename T>
static __device__ __forceinline__ T *
sng_cuda_shared ()
{
#ifdef SNG_CUDA_EMULATOR
  return sng_simt_dynamic_shared<T> ();
#else
  extern __shared__ uint4 sng_cuda_dynamic_shared[];

  return reinterpret_cast<T *> (sng_cuda_dynamic_shared);
#endif
}

/* ---- operands ----
 * What goes into a matrix product: float, or one of these. Narrowing rounds to the nearest, ties to even. */

struct SngBf16
{
  guint16 bits;
};

struct SngF16
{
  guint16 bits;
};

static __device__ __forceinline__ float
sng_to_real (float value)
{
  return value;
}

static __device__ __forceinline__ float
sng_to_real (SngBf16 value)
{
  return __uint_as_float ((unsigned) value.bits << 16);
}

static __device__ __forceinline__ float
sng_to_real (SngF16 value)
{
#ifdef SNG_CUDA_EMULATOR
  return sng_f16_to_float (value.bits);
#else
  return __half2float (__ushort_as_half (value.bits));
#endif
}

template <typename T>
static __device__ __forceinline__ T sng_from_real (float value);

template <>
__device__ __forceinline__ float
sng_from_real<float> (float value)
{
  return value;
}

template <>
__device__ __forceinline__ SngBf16
sng_from_real<SngBf16> (float value)
{
#ifdef SNG_CUDA_EMULATOR
  return SngBf16 { sng_bf16_from_float (value) };
#else
  return SngBf16 { __bfloat16_as_ushort (__float2bfloat16_rn (value)) };
#endif
}

template <>
__device__ __forceinline__ SngF16
sng_from_real<SngF16> (float value)
{
#ifdef SNG_CUDA_EMULATOR
  return SngF16 { sng_f16_from_float (value) };
#else
  return SngF16 { __half_as_ushort (__float2half_rn (value)) };
#endif
}

/* ---- sums ----
 * Every lane gets the result. The order is always the same: that of a butterfly by 16, 8, 4, 2, 1. */

template <typename T>
static __device__ __forceinline__ T
sng_warp_sum (T value)
{
  for (int bits = SNG_CUDA_WARP / 2; bits > 0; bits /= 2)
    value += __shfl_xor_sync (SNG_CUDA_FULL_MASK, value, bits);
  return value;
}

static __device__ __forceinline__ float
sng_warp_max (float value)
{
  for (int bits = SNG_CUDA_WARP / 2; bits > 0; bits /= 2)
    value = fmaxf (value, __shfl_xor_sync (SNG_CUDA_FULL_MASK, value, bits));
  return value;
}

/* All threads of a block with whole warps and one dimension call it, and all get the result: the sum of each warp, then
 * of these in the same butterfly. */
template <typename T>
static __device__ __forceinline__ T
sng_block_sum (T value)
{
  __shared__ T sums[SNG_CUDA_WARP];
  unsigned     lane = threadIdx.x % SNG_CUDA_WARP, warp = threadIdx.x / SNG_CUDA_WARP;

  value = sng_warp_sum (value);
  /* Somebody may still read what the last call has left. */
  __syncthreads ();
  if (lane == 0)
    sums[warp] = value;
  __syncthreads ();
  return sng_warp_sum (lane < blockDim.x / SNG_CUDA_WARP ? sums[lane] : (T) 0);
}

/* ---- matrix fragments ----
 * As the PTX manual has them for mma.sync.aligned.m16n8k16.row.col.f32.T.T.f32, where lane = 4 group + pair:
 *   a[0..3]  rows group, group + 8, group, group + 8; columns 2 pair, + 1 (0, 1) and 2 pair + 8, + 9 (2, 3)
 *   b[0..1]  column group; rows 2 pair, + 1 and 2 pair + 8, + 9
 *   d[0..3]  row group (0, 1) and group + 8 (2, 3); columns 2 pair, + 1
 * The lower half of a register is the lower index. All lanes of the warp call these. */

#ifdef SNG_CUDA_EMULATOR

/* d += a b */
template <typename T>
static inline void
sng_mma_m16n8k16 (float          d[4],
                  const unsigned a[4],
                  const unsigned b[2],
                  SNG_SIMT_PLACE)
{
  static_assert (std::is_same<T, SngBf16>::value || std::is_same<T, SngF16>::value, "mma takes 16-bit operands");
  sng_simt_mma_m16n8k16 ({ "mma", file, line }, std::is_same<T, SngBf16>::value, d, a, b);
}

/* Four matrices of 8 x 8 16-bit elements: lane 8 m + i has the address of row i of matrix m (16 bytes, so aligned, in
 * shared memory), and gets its two elements of matrix m in r[m]: row lane / 4, columns lane % 4 * 2 and + 1. */
static inline void
sng_ldmatrix_x4 (unsigned    r[4],
                 const void *shared_row,
                 SNG_SIMT_PLACE)
{
  sng_simt_ldmatrix_x4 ({ "ldmatrix", file, line }, false, r, shared_row);
}

/* The same of the transposed matrices. */
static inline void
sng_ldmatrix_x4_trans (unsigned    r[4],
                       const void *shared_row,
                       SNG_SIMT_PLACE)
{
  sng_simt_ldmatrix_x4 ({ "ldmatrix.trans", file, line }, true, r, shared_row);
}

#else

template <typename T>
static __device__ __forceinline__ void sng_mma_m16n8k16 (float          d[4],
                                                         const unsigned a[4],
                                                         const unsigned b[2]);

# define SNG_CUDA_MMA(T, type) \
  template <> \
  __device__ __forceinline__ void \
  sng_mma_m16n8k16<T> (float d[4], const unsigned a[4], const unsigned b[2]) \
  { \
    asm volatile ("mma.sync.aligned.m16n8k16.row.col.f32." type "." type ".f32 " \
                  "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};" \
                  : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) \
                  : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1])); \
  }

SNG_CUDA_MMA (SngBf16, "bf16")
SNG_CUDA_MMA (SngF16, "f16")

# undef SNG_CUDA_MMA

static __device__ __forceinline__ void
sng_ldmatrix_x4 (unsigned    r[4],
                 const void *shared_row)
{
  asm volatile ("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                : "r"((unsigned) __cvta_generic_to_shared (shared_row))
                : "memory");
}

static __device__ __forceinline__ void
sng_ldmatrix_x4_trans (unsigned    r[4],
                       const void *shared_row)
{
  asm volatile ("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                : "r"((unsigned) __cvta_generic_to_shared (shared_row))
                : "memory");
}

#endif

/* ---- asynchronous copies ----
 * 16 bytes from global to shared memory, both so aligned. What a thread has asked for since its last commit is a group;
 * sng_cp_async_wait<N> () waits for all of its groups but the last N. Other threads see the bytes after a barrier. */

static __device__ __forceinline__ void
sng_cp_async_16 (void       *shared,
                 const void *global)
{
#ifdef SNG_CUDA_EMULATOR
  sng_simt_cp_async_16 (shared, global);
#else
  asm volatile ("cp.async.cg.shared.global [%0], [%1], 16;"
                :
                : "r"((unsigned) __cvta_generic_to_shared (shared)), "l"(__cvta_generic_to_global (global))
                : "memory");
#endif
}

static __device__ __forceinline__ void
sng_cp_async_commit ()
{
#ifdef SNG_CUDA_EMULATOR
  sng_simt_cp_async_commit ();
#else
  asm volatile ("cp.async.commit_group;" ::: "memory");
#endif
}

template <int n_pending>
static __device__ __forceinline__ void
sng_cp_async_wait ()
{
#ifdef SNG_CUDA_EMULATOR
  sng_simt_cp_async_wait (n_pending);
#else
  asm volatile ("cp.async.wait_group %0;" ::"n"(n_pending) : "memory");
#endif
}
