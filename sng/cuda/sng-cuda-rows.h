/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

/* For the .cu files only: what kernels over rows of columns share. A thread has four neighbours of a row at a time, a quad,
 * and a warp has a tile of 128 columns. */

#include "cuda/sng-cuda-kernel.h"

#include "cuda/sng-cuda-formulas.h"
#include "cuda/sng-cuda-private.h"

/* Before a loop over what a thread has in registers. */
#ifdef __CUDACC__
# define SNG_CUDA_UNROLL _Pragma ("unroll")
#else
# define SNG_CUDA_UNROLL
#endif

#define SNG_CUDA_TILE (4u * SNG_CUDA_WARP)
#define SNG_CUDA_TILES_PER_BLOCK 4u

template <typename T>
struct alignas (4 * sizeof (T)) SngCudaQuad
{
  T values[4];
};

/* Whether rows of n columns from here on can be read and written by quads. */
template <typename T>
static inline bool
sng_cuda_is_aligned (gsize n,
                     const T *rows)
{
  return n % 4 == 0 && (guintptr) rows % alignof (SngCudaQuad<T>) == 0;
}

/* Of the n columns that a row has, how many are left from this one on. */
static __device__ __forceinline__ unsigned
sng_cuda_n_left (unsigned column,
                 unsigned n)
{
  return column < n ? n - column : 0;
}

/* Beyond what is left there are zeros. */
template <typename T>
static __device__ __forceinline__ void
sng_cuda_load_quad (float    values[4],
                    const T *from,
                    unsigned n_left,
                    bool     aligned)
{
  if (aligned && n_left >= 4)
    {
      SngCudaQuad<T> quad = *reinterpret_cast<const SngCudaQuad<T> *> (from);

      SNG_CUDA_UNROLL
      for (unsigned i = 0; i < 4; i++)
        values[i] = sng_to_real (quad.values[i]);
    }
  else
    SNG_CUDA_UNROLL
    for (unsigned i = 0; i < 4; i++)
      values[i] = i < n_left ? sng_to_real (from[i]) : 0.0f;
}

/* Beyond what is left nothing is written. */
template <typename T>
static __device__ __forceinline__ void
sng_cuda_store_quad (T          *to,
                     const float values[4],
                     unsigned    n_left,
                     bool        aligned)
{
  if (aligned && n_left >= 4)
    {
      SngCudaQuad<T> quad;

      SNG_CUDA_UNROLL
      for (unsigned i = 0; i < 4; i++)
        quad.values[i] = sng_from_real<T> (values[i]);
      *reinterpret_cast<SngCudaQuad<T> *> (to) = quad;
    }
  else
    SNG_CUDA_UNROLL
    for (unsigned i = 0; i < 4; i++)
      if (i < n_left)
        to[i] = sng_from_real<T> (values[i]);
}

/* The place of a warp in kernels in which each has one tile of one row. */
struct SngCudaTile
{
  gsize    row;
  unsigned first;  /* column of the tile */
  unsigned column; /* of the thread's quad */
};

static __device__ __forceinline__ SngCudaTile
sng_cuda_tile (unsigned n_columns)
{
  unsigned    n_tiles = (n_columns + SNG_CUDA_TILE - 1) / SNG_CUDA_TILE;
  unsigned    warp = blockIdx.x * SNG_CUDA_TILES_PER_BLOCK + threadIdx.x / SNG_CUDA_WARP;
  SngCudaTile tile;

  tile.row = warp / n_tiles;
  tile.first = warp % n_tiles * SNG_CUDA_TILE;
  tile.column = tile.first + 4 * (threadIdx.x % SNG_CUDA_WARP);
  return tile;
}

/* How such a kernel is launched; some warps of the last block are behind the last row. */
static inline dim3
sng_cuda_tile_grid (gsize n_rows,
                    gsize n_columns)
{
  gsize n_tiles = n_rows * ((n_columns + SNG_CUDA_TILE - 1) / SNG_CUDA_TILE);

  return dim3 ((unsigned) ((n_tiles + SNG_CUDA_TILES_PER_BLOCK - 1) / SNG_CUDA_TILES_PER_BLOCK));
}

static inline dim3
sng_cuda_tile_block ()
{
  return dim3 (SNG_CUDA_TILES_PER_BLOCK * SNG_CUDA_WARP);
}

/* The factors by which a quad is dropped. All lanes of the warp call it for a tile that begins at column first: each draws one
 * counter, whose four columns lie eight apart, and gets the decisions on its own four columns from four lanes. */
static __device__ __forceinline__ void
sng_cuda_dropout_quad (float                 factors[4],
                       const SngCudaDropout &dropout,
                       guint64               ordinal,
                       guint32               token,
                       unsigned              first)
{
  unsigned lane = threadIdx.x % SNG_CUDA_WARP;
  unsigned drops = 0;
  guint32  words[4];

  sng_cuda_dropout_draw (&dropout, ordinal, token, dropout.operation, first / 4 + lane, words);
  SNG_CUDA_UNROLL
  for (unsigned word = 0; word < 4; word++)
    {
      unsigned votes = __ballot_sync (SNG_CUDA_FULL_MASK, sng_cuda_dropout_drops (&dropout, words[word]));

      if (word == lane % 8 / 2)
        drops = votes;
    }
  drops >>= lane / 8 * 8 + lane % 2 * 4;
  for (unsigned i = 0; i < 4; i++)
    factors[i] = (drops >> i & 1u) != 0 ? 0.0f : dropout.kept;
}

/* The same for a row of a stream. */
static __device__ __forceinline__ void
sng_cuda_drop_quad (float                 values[4],
                    const SngCudaDropout &dropout,
                    const SngRows        &rows,
                    const SngCudaTile    &tile)
{
  float factors[4];

  sng_cuda_dropout_quad (factors, dropout, *dropout.first_ordinal + (guint64) rows.sequences[tile.row],
                         (guint32) rows.tokens[tile.row], tile.first);
  for (unsigned i = 0; i < 4; i++)
    values[i] *= factors[i];
}
