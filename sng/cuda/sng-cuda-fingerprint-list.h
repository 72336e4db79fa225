/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

/* The tensors of a fingerprint as the kernel gets them, which lane has what of them, and how it is loaded. For
 * sng-cuda-fingerprint.cu. */

#include "cuda/sng-cuda-kernel.h"
#include "cuda/sng-cuda-fingerprint-formulas.h"
#include "cuda/sng-cuda-view.h"
#include "tensor/sng-fingerprint-private.h"

namespace
{

constexpr unsigned WARPS = 8; /* of a thread block */
constexpr unsigned THREADS = WARPS * SNG_CUDA_WARP;
constexpr unsigned QUADS = SNG_CUDA_WARP / SNG_HASH_LANES; /* of a warp */

static_assert (WARPS * QUADS == SNG_FINGERPRINT_GROUP_BLOCKS, "a thread block has a group of blocks");

typedef struct
{
  const char *data;
  guint64 n_bytes;
  guint32 first_group; /* of all groups of tensors that have several */
  guint32 first_warp;  /* of the launch; a multiple of WARPS where there are several groups */
  guint32 dims;        /* bytes from here to its dimensions */
  guint8 n_dims;       /* 0: contiguous */
  guint8 unit;         /* bytes */
  guint8 dtype;
  guint8 direct; /* 16 bytes can be loaded at once */
} Tensor;

/* The list: all tensors that have elements, and behind them the dimensions of those that have gaps. A parameter of the kernel where
 * it fits into one, which saves an upload; all parameters have 4096 bytes. */
typedef struct
{
  const Tensor *uploaded; /* NULL: it is here */
  unsigned n_tensors;
  alignas (16) char bytes[126 * sizeof (Tensor)];
} List;

static inline SNG_DEVICE_FUNC unsigned
count_warps (const Tensor *tensor)
{
  return (unsigned) ((tensor->n_bytes + QUADS * SNG_FINGERPRINT_BLOCK_SIZE - 1) / (QUADS * SNG_FINGERPRINT_BLOCK_SIZE));
}

static inline SNG_DEVICE_FUNC unsigned
count_groups (const Tensor *tensor)
{
  return (count_warps (tensor) + WARPS - 1) / WARPS;
}

/* Where the lanes of a quad are. */
typedef struct
{
  const Tensor *tensor;
  guint64 block;
  const char *data; /* of the block, where 16 bytes can be loaded at once; NULL: they are gathered */
  unsigned n_bytes; /* of the block; 0 behind the end of the tensor */
  unsigned lane;    /* of the quad */
} Place;

/* Which tensor the warp belongs to: the last one that begins before or with it. */
static __device__ __forceinline__ unsigned
find_tensor (const Tensor *tensors, unsigned n, unsigned warp)
{
  unsigned begin = 0, end = n;

  while (end - begin > 1)
    {
      unsigned middle = begin + (end - begin) / 2;

      if (tensors[middle].first_warp <= warp)
        begin = middle;
      else
        end = middle;
    }
  return begin;
}

static __device__ __forceinline__ Place
get_place (const Tensor *tensor, unsigned warp_of_tensor)
{
  unsigned lane = threadIdx.x % SNG_CUDA_WARP;
  Place place = { tensor, 0, nullptr, 0, lane % SNG_HASH_LANES };
  guint64 begin;

  place.block = (guint64) warp_of_tensor * QUADS + lane / SNG_HASH_LANES;
  begin = place.block * SNG_FINGERPRINT_BLOCK_SIZE;
  if (begin < tensor->n_bytes)
    place.n_bytes = tensor->n_bytes - begin < SNG_FINGERPRINT_BLOCK_SIZE ? (unsigned) (tensor->n_bytes - begin)
                                                                         : SNG_FINGERPRINT_BLOCK_SIZE;
  if (tensor->direct)
    place.data = tensor->data + begin;
  return place;
}

/* ---- loads ---- */

template <typename Unit>
static __device__ uint4
gather_units (const Tensor *tensor, guint64 begin)
{
  constexpr unsigned n = 16 / sizeof (Unit);
  const SngCudaDim *dims = reinterpret_cast<const SngCudaDim *> (reinterpret_cast<const char *> (tensor) + tensor->dims);
  guint64 first = begin / sizeof (Unit), n_units = tensor->n_bytes / sizeof (Unit);
  Unit units[n];
  uint4 words;

  for (unsigned i = 0; i < n; i++)
    {
      guint64 index = first + i;
      gint64 offset = tensor->n_dims == 0 ? (gint64) (index * sizeof (Unit))
                                          : sng_cuda_view_offset (dims, tensor->n_dims, index);

      units[i] = index < n_units ? *reinterpret_cast<const Unit *> (tensor->data + offset) : Unit ();
    }
  memcpy (&words, units, sizeof words);
  return words;
}

/* 16 bytes of the tensor in row-major order, zeros behind its end. It stands once in the code, not in each of the loads of each
 * dtype. */
static __device__ __attribute__ ((noinline)) uint4
gather (const Tensor *tensor, guint64 begin)
{
  switch (tensor->unit)
    {
    case 1:
      return gather_units<guint8> (tensor, begin);
    case 2:
      return gather_units<guint16> (tensor, begin);
    case 4:
      return gather_units<guint32> (tensor, begin);
    default:
      return gather_units<guint64> (tensor, begin);
    }
}

/* The lane's bytes of some stripes: all loads are under way at a time, but for what is gathered, such as the end of the last block. */
template <unsigned AT_ONCE>
static __device__ __forceinline__ void
load (const Place &place, unsigned stripe, uint4 words[AT_ONCE])
{
  unsigned begin = stripe * 64 + place.lane * 16;

  if (place.data != nullptr && begin + (AT_ONCE - 1) * 64 + 16 <= place.n_bytes)
    {
      const uint4 *data = reinterpret_cast<const uint4 *> (place.data + begin);

#pragma unroll
      for (unsigned i = 0; i < AT_ONCE; i++)
        words[i] = data[i * 4];
      return;
    }

#pragma unroll
  for (unsigned i = 0; i < AT_ONCE; i++)
    {
      words[i] = make_uint4 (0, 0, 0, 0);
      if (begin + i * 64 < place.n_bytes)
        words[i] = gather (place.tensor, place.block * SNG_FINGERPRINT_BLOCK_SIZE + begin + i * 64);
    }
}

} // namespace
