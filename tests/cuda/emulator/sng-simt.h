/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

/* What a kernel sees of the emulator: the words, built-in variables, types and functions of CUDA that the kernels of
 * sng/cuda use, and the launch. A thread of a block is a fiber. It runs until it waits for its warp or its block, so the
 * variables below belong to the fiber that runs. Kernels run in one OS thread at a time, under the emulator's lock. */

#include "cuda_runtime_api.h"

#include <math.h>
#include <string.h>
#include <memory>
#include <tuple>
#include <type_traits>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__ ((always_inline))
#define __launch_bounds__(...)
#define __grid_constant__
#define __constant__
#define __align__(n) __attribute__ ((aligned (n)))
/* The thread-local memory of a module holds nothing else, so that it can be spoiled before each block: a module with kernels
 * has no other such variables. (A section of its own would need no such rule, but gcc forgets it in templates.) */
#define __shared__ static thread_local

#define SNG_SIMT_WARP 32
#define SNG_SIMT_SLOT 64 /* bytes that a lane can hand to its warp */

/* ---- vector types ---- */

#define SNG_SIMT_VECTOR_2(name, T, alignment) \
  struct alignas (alignment) name \
  { \
    T x, y; \
  }; \
  static inline name make_##name (T x, T y) \
  { \
    return name { x, y }; \
  }
#define SNG_SIMT_VECTOR_4(name, T) \
  struct alignas (16) name \
  { \
    T x, y, z, w; \
  }; \
  static inline name make_##name (T x, T y, T z, T w) \
  { \
    return name { x, y, z, w }; \
  }

SNG_SIMT_VECTOR_2 (int2, int, 8)
SNG_SIMT_VECTOR_2 (uint2, unsigned int, 8)
SNG_SIMT_VECTOR_2 (float2, float, 8)
SNG_SIMT_VECTOR_2 (double2, double, 16)
SNG_SIMT_VECTOR_2 (longlong2, long long, 16)
SNG_SIMT_VECTOR_2 (ulonglong2, unsigned long long, 16)
SNG_SIMT_VECTOR_4 (int4, int)
SNG_SIMT_VECTOR_4 (uint4, unsigned int)
SNG_SIMT_VECTOR_4 (float4, float)

#undef SNG_SIMT_VECTOR_2
#undef SNG_SIMT_VECTOR_4

struct uint3
{
  unsigned int x, y, z;
};

struct dim3
{
  unsigned int x, y, z;

  constexpr dim3 (unsigned int x_ = 1, unsigned int y_ = 1, unsigned int z_ = 1)
      : x (x_), y (y_), z (z_)
  {
  }
};

/* ---- built-in variables ---- */

struct SngSimtPosition
{
  uint3    block;
  dim3     block_dim;
  dim3     grid_dim;
  char    *dynamic_shared;
  uint3    thread;
  unsigned lane;
};

extern "C" SNG_EMULATOR_API SngSimtPosition sng_simt_position;

#define threadIdx (sng_simt_position.thread)
#define blockIdx (sng_simt_position.block)
#define blockDim (sng_simt_position.block_dim)
#define gridDim (sng_simt_position.grid_dim)

template <typename T>
static inline T *
sng_simt_dynamic_shared ()
{
  return reinterpret_cast<T *> (sng_simt_position.dynamic_shared);
}

/* ---- barriers and exchange ----
 * Who waits says where in the source, since threads that wait at different places have diverged. */

struct SngSimtPlace
{
  const char *what;
  const char *file;
  int         line;
};

#define SNG_SIMT_PLACE const char *file = __builtin_FILE (), int line = __builtin_LINE ()

struct SngSimtSlots
{
  unsigned lanes; /* whose slots are filled */
  alignas (16) char slots[SNG_SIMT_WARP][SNG_SIMT_SLOT];
};

SNG_EMULATOR_API void sng_simt_barrier (SngSimtPlace place);
/* Valid until the warp's next exchange but one. */
SNG_EMULATOR_API const SngSimtSlots *sng_simt_exchange (SngSimtPlace place, unsigned mask, const void *value,
                                                        size_t n_bytes);
SNG_EMULATOR_API void sng_simt_mma_m16n8k16 (SngSimtPlace place, bool bf16, float d[4], const unsigned a[4],
                                             const unsigned b[2]);
SNG_EMULATOR_API void sng_simt_ldmatrix_x4 (SngSimtPlace place, bool transposed, unsigned r[4],
                                            const void *shared_row);
SNG_EMULATOR_API void sng_simt_cp_async_16 (void *shared, const void *global);
SNG_EMULATOR_API void sng_simt_cp_async_commit ();
SNG_EMULATOR_API void sng_simt_cp_async_wait (unsigned n_pending);

static inline void
__syncthreads (SNG_SIMT_PLACE)
{
  sng_simt_barrier ({ "__syncthreads", file, line });
}

static inline void
__syncwarp (unsigned mask = 0xffffffffu, SNG_SIMT_PLACE)
{
  sng_simt_exchange ({ "__syncwarp", file, line }, mask, nullptr, 0);
}

static inline void
__threadfence ()
{
  __sync_synchronize ();
}

/* The value of a lane that takes no part is undefined: it is spoiled here. */
template <typename T>
static inline T
sng_simt_take (const SngSimtSlots *slots, unsigned lane)
{
  T value;

  if ((slots->lanes >> lane & 1u) != 0)
    memcpy (&value, slots->slots[lane], sizeof value);
  else
    memset (&value, 0xff, sizeof value);
  return value;
}

template <typename T>
static inline const SngSimtSlots *
sng_simt_give (SngSimtPlace place, unsigned mask, T value)
{
  static_assert (std::is_arithmetic<T>::value && (sizeof (T) == 4 || sizeof (T) == 8), "shuffles move 4 or 8 bytes");
  return sng_simt_exchange (place, mask, &value, sizeof value);
}

template <typename T>
static inline T
__shfl_sync (unsigned mask, T value, int source, SNG_SIMT_PLACE)
{
  const SngSimtSlots *slots = sng_simt_give ({ "__shfl_sync", file, line }, mask, value);

  return sng_simt_take<T> (slots, (unsigned) source % SNG_SIMT_WARP);
}

template <typename T>
static inline T
__shfl_xor_sync (unsigned mask, T value, int bits, SNG_SIMT_PLACE)
{
  const SngSimtSlots *slots = sng_simt_give ({ "__shfl_xor_sync", file, line }, mask, value);

  return sng_simt_take<T> (slots, (sng_simt_position.lane ^ (unsigned) bits) % SNG_SIMT_WARP);
}

template <typename T>
static inline T
__shfl_down_sync (unsigned mask, T value, unsigned delta, SNG_SIMT_PLACE)
{
  const SngSimtSlots *slots = sng_simt_give ({ "__shfl_down_sync", file, line }, mask, value);
  unsigned            source = sng_simt_position.lane + delta;

  return source < SNG_SIMT_WARP ? sng_simt_take<T> (slots, source) : value;
}

template <typename T>
static inline T
__shfl_up_sync (unsigned mask, T value, unsigned delta, SNG_SIMT_PLACE)
{
  const SngSimtSlots *slots = sng_simt_give ({ "__shfl_up_sync", file, line }, mask, value);

  return sng_simt_position.lane >= delta ? sng_simt_take<T> (slots, sng_simt_position.lane - delta) : value;
}

static inline unsigned
__ballot_sync (unsigned mask, int predicate, SNG_SIMT_PLACE)
{
  const SngSimtSlots *slots = sng_simt_give ({ "a vote", file, line }, mask, predicate);
  unsigned            votes = 0;

  for (unsigned lane = 0; lane < SNG_SIMT_WARP; lane++)
    if ((slots->lanes >> lane & 1u) != 0 && sng_simt_take<int> (slots, lane) != 0)
      votes |= 1u << lane;
  return votes;
}

static inline int
__any_sync (unsigned mask, int predicate, SNG_SIMT_PLACE)
{
  return __ballot_sync (mask, predicate, file, line) != 0;
}

static inline int
__all_sync (unsigned mask, int predicate, SNG_SIMT_PLACE)
{
  return __ballot_sync (mask, !predicate, file, line) == 0;
}

/* ---- arithmetic ---- */

static inline unsigned
atomicAdd (unsigned *counter, unsigned n)
{
  unsigned before = *counter;

  *counter += n;
  return before;
}

template <typename T>
static inline T
__ldg (const T *pointer)
{
  return *pointer;
}

template <typename To, typename From>
static inline To
sng_simt_bits (From value)
{
  To bits;

  static_assert (sizeof bits == sizeof value, "bits of one size");
  memcpy (&bits, &value, sizeof bits);
  return bits;
}

static inline unsigned
__float_as_uint (float value)
{
  return sng_simt_bits<unsigned> (value);
}

static inline float
__uint_as_float (unsigned bits)
{
  return sng_simt_bits<float> (bits);
}

static inline long long
__double_as_longlong (double value)
{
  return sng_simt_bits<long long> (value);
}

static inline double
__longlong_as_double (long long bits)
{
  return sng_simt_bits<double> (bits);
}

static inline unsigned
__umulhi (unsigned a, unsigned b)
{
  return (unsigned) ((unsigned long long) a * b >> 32);
}

static inline unsigned long long
__umul64hi (unsigned long long a, unsigned long long b)
{
  return (unsigned long long) ((unsigned __int128) a * b >> 64);
}

static inline float
rsqrtf (float x)
{
  return 1.0f / sqrtf (x);
}

static inline double
rsqrt (double x)
{
  return 1.0 / sqrt (x);
}

/* ---- launch ---- */

struct SngSimtLaunch
{
  const char *name; /* begins with the kernel's */
  const void *function;
  dim3        grid;
  dim3        block;
  size_t      n_shared_bytes;
  const char *(*find_statics) (); /* something in the static shared memory of the kernel's module */
  void (*invoke) (const void *function, const void *arguments);
  std::shared_ptr<const void> arguments;
};

SNG_EMULATOR_API cudaError_t sng_simt_queue (const SngSimtLaunch &launch, cudaStream_t stream);

static inline const char *
sng_simt_find_statics ()
{
  static thread_local char something;

  return &something;
}

template <typename... Parameters>
static void
sng_simt_invoke (const void *function, const void *arguments)
{
  auto kernel = reinterpret_cast<void (*) (Parameters...)> (const_cast<void *> (function));

  std::apply (kernel, *static_cast<const std::tuple<std::decay_t<Parameters>...> *> (arguments));
}

template <typename... Parameters, typename... Arguments>
static inline cudaError_t
sng_simt_launch (const char *name, void (*kernel) (Parameters...), dim3 grid, dim3 block,
                 size_t n_shared_bytes, cudaStream_t stream, Arguments... arguments)
{
  static_assert (sizeof...(Parameters) == sizeof...(Arguments), "a kernel gets as many arguments as it has parameters");
  static_assert ((sizeof (Parameters) + ... + 0) <= 4096, "a kernel's parameters have 4096 bytes");
  SngSimtLaunch launch = {};

  launch.name = name;
  launch.function = reinterpret_cast<const void *> (kernel);
  launch.grid = grid;
  launch.block = block;
  launch.n_shared_bytes = n_shared_bytes;
  launch.find_statics = sng_simt_find_statics;
  launch.invoke = sng_simt_invoke<Parameters...>;
  launch.arguments = std::make_shared<std::tuple<std::decay_t<Parameters>...>> (arguments...);
  return sng_simt_queue (launch, stream);
}
