/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

/* What is kept of blocks, of groups of them and of tensors, and how it is added up: hashes in any order, the sums of summaries in that
 * of the blocks. For sng-cuda-fingerprint.cu. */

#include "cuda/sng-cuda-kernel.h"
#include "cuda/sng-cuda-summary.h"
#include "tensor/sng-fingerprint-private.h"

namespace
{

typedef struct
{
  guint64 low;
  guint64 high;
} Hash;

/* What the host gets of a tensor, and what is kept of a group. */
template <bool summarize>
struct Kept
{
  Hash hash;
};

template <>
struct Kept<true>
{
  Hash hash;
  SngSummary summary;
};

static __device__ __forceinline__ void
add_hash (Hash *hash, Hash more)
{
  sng_fingerprint_add (&hash->low, &hash->high, more.low, more.high);
}

/* Over the lanes that differ in these bits and higher ones. */
static __device__ __forceinline__ Hash
sum_hashes (Hash hash, int first_bit)
{
  for (int bits = first_bit; bits < SNG_CUDA_WARP; bits *= 2)
    {
      Hash other = { sng_quad_xor (hash.low, bits), sng_quad_xor (hash.high, bits) };

      add_hash (&hash, other);
    }
  return hash;
}

static __device__ __forceinline__ SngSummary
get_empty_summary ()
{
  return SngSummary { INFINITY, -INFINITY, 0, 0 };
}

/* A warp adds up to 32 summaries, one a lane, to what it has. The order of the sums is that of the lanes. */
static __device__ void
add_summaries (SngSummary *all, const SngSummary &more, unsigned n)
{
  double low = more.minimum, high = more.maximum;
  guint64 n_non_finite = more.n_non_finite;

  for (unsigned i = 0; i < n; i++)
    all->sum += __shfl_sync (SNG_CUDA_FULL_MASK, more.sum, (int) i);
  for (int bits = 1; bits < SNG_CUDA_WARP; bits *= 2)
    {
      low = fmin (low, sng_quad_xor (low, bits));
      high = fmax (high, sng_quad_xor (high, bits));
      n_non_finite += sng_quad_xor (n_non_finite, bits);
    }
  all->minimum = fmin (all->minimum, low);
  all->maximum = fmax (all->maximum, high);
  all->n_non_finite += n_non_finite;
}

/* Reads what other multiprocessors have written. */
template <typename T>
static __device__ __forceinline__ T
read_fresh (const T *source)
{
  constexpr unsigned n = sizeof (T) / sizeof (guint64);
  guint64 words[n];
  T value;

  static_assert (sizeof (T) % sizeof (guint64) == 0, "what is kept is read and written word by word");
  for (unsigned i = 0; i < n; i++)
    words[i] = reinterpret_cast<const volatile guint64 *> (source)[i];
  memcpy (&value, words, sizeof value);
  return value;
}

/* One warp, all lanes of which have the value: a word a lane, so that it goes to the host in one piece. */
template <typename T>
static __device__ __forceinline__ void
write_result (T *result, const T &value)
{
  constexpr unsigned n = sizeof (T) / sizeof (guint64);
  unsigned lane = threadIdx.x % SNG_CUDA_WARP;
  guint64 words[n], word = 0;

  memcpy (words, &value, sizeof value);
#pragma unroll
  for (unsigned i = 0; i < n; i++)
    word = lane == i ? words[i] : word;
  if (lane < n)
    reinterpret_cast<guint64 *> (result)[lane] = word;
}

/* That of group i, nothing behind the last. */
template <bool summarize>
static __device__ __forceinline__ Kept<summarize>
read_group (const Kept<summarize> *groups, unsigned i, unsigned n_groups)
{
  Kept<summarize> kept = {};

  if constexpr (summarize)
    kept.summary = get_empty_summary ();
  return i < n_groups ? read_fresh (groups + i) : kept;
}

/* One warp, for all groups of a tensor. The next ones are on their way while some are added up. */
template <bool summarize>
static __device__ Kept<summarize>
combine_tensor (const Kept<summarize> *groups, unsigned n_groups)
{
  unsigned lane = threadIdx.x % SNG_CUDA_WARP;
  Kept<summarize> next = read_group (groups, lane, n_groups), kept = {};

  if constexpr (summarize)
    kept.summary = get_empty_summary ();
  for (unsigned first = 0; first < n_groups; first += SNG_CUDA_WARP)
    {
      unsigned n = n_groups - first < SNG_CUDA_WARP ? n_groups - first : SNG_CUDA_WARP;
      Kept<summarize> more = next;

      next = read_group (groups, first + SNG_CUDA_WARP + lane, n_groups);
      add_hash (&kept.hash, more.hash);
      if constexpr (summarize)
        add_summaries (&kept.summary, more.summary, n);
    }
  kept.hash = sum_hashes (kept.hash, 1);
  return kept;
}

} // namespace
