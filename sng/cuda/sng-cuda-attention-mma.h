/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "cuda/sng-cuda-attention.h"

/* Tiles of operands in shared memory, and products of them by the tensor cores. SIZE is the head size rounded up to 16, 32, 64
 * or 128; the columns behind the head size are zeros. A row of a tile is 16 bytes longer than its columns, so that eight rows
 * of one column lie in different banks.
 *
 * A warp has M * 16 rows of a tile on its own side. Sums are M x n fragments of 16 rows and 8 columns: in each, a thread
 * has columns 2 * pair and the next of row group ([0] and [1]), and of row group + 8 ([2] and [3]), where lane is
 * 4 * group + pair. Two such fragments side by side are, as operands, one of the left side of the next product. */

#define SNG_ATTENTION_STRIDE(size) ((size) + 8)

#define SNG_ATTENTION_LANE (threadIdx.x % 32)
#define SNG_ATTENTION_GROUP (SNG_ATTENTION_LANE / 4)
#define SNG_ATTENTION_PAIR (SNG_ATTENTION_LANE % 4)

/* Two reals to two operands, the first in the lower half. */
template <typename T> static inline __device__ unsigned sng_attention_pack (float first, float second);

#ifdef SNG_CUDA_EMULATOR
template <typename T>
static inline __device__ unsigned
sng_attention_pack (float first, float second)
{
  T        operands[2] = { sng_from_real<T> (first), sng_from_real<T> (second) };
  unsigned pair;

  memcpy (&pair, operands, sizeof pair);
  return pair;
}
#else
template <>
inline __device__ unsigned
sng_attention_pack<SngBf16> (float first, float second)
{
  unsigned pair;

  asm ("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(second), "f"(first));
  return pair;
}

template <>
inline __device__ unsigned
sng_attention_pack<SngF16> (float first, float second)
{
  unsigned pair;

  asm ("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(second), "f"(first));
  return pair;
}
#endif

/* Eight operands of a row, from column on; zeros behind the head size. */
template <typename T>
static inline __device__ uint4
sng_attention_load_eight (const SngAttentionArguments &op, const T *row, unsigned column)
{
  unsigned words[4] = { 0, 0, 0, 0 };

  if (op.aligned)
    return column < op.head_size ? *(const uint4 *) (row + column) : make_uint4 (0, 0, 0, 0);
  for (unsigned i = 0; i < 8; i++)
    if (column + i < op.head_size)
      words[i / 2] |= (unsigned) ((const guint16 *) row)[column + i] << (i % 2 * 16);
  return make_uint4 (words[0], words[1], words[2], words[3]);
}

/* The tokens first to first + N_ROWS - 1 of an array, to be waited for as a part of the next group of copies; zeros for those
 * behind the last. */
template <typename T, int SIZE, int N_ROWS>
static inline __device__ void
sng_attention_load_tile (const SngAttentionArguments &op,
                         const SngAttentionHead      &head,
                         T                           *tile,
                         const T                     *tokens,
                         gsize                        stride,
                         unsigned                     first)
{
  constexpr unsigned EIGHTS = SIZE / 8;

  for (unsigned i = threadIdx.x; i < N_ROWS * EIGHTS; i += SNG_ATTENTION_THREADS)
    {
      unsigned row = i / EIGHTS, column = i % EIGHTS * 8, token = first + row;
      T       *to = tile + row * SNG_ATTENTION_STRIDE (SIZE) + column;

      if (op.aligned && token < head.n_tokens && column < op.head_size)
        sng_cp_async_16 (to, tokens + token * stride + column);
      else
        *(uint4 *) to = token < head.n_tokens ? sng_attention_load_eight (op, tokens + token * stride, column)
                                              : make_uint4 (0, 0, 0, 0);
    }
}

/* 16 x 16 operands of the left side; where lanes point is also how the right side is read by columns. */
template <typename T, int SIZE>
static inline __device__ const T *
sng_attention_square (const T *tile, int row, int column)
{
  return tile + (row + (int) SNG_ATTENTION_LANE % 16) * SNG_ATTENTION_STRIDE (SIZE) + column
         + (int) SNG_ATTENTION_LANE / 16 * 8;
}

/* The left side of a product from a tile in shared memory, read again for each product … */
template <typename T, int SIZE, int M>
struct SngAttentionShared
{
  const T *tile;
  int      row;

  __device__ void
  read (const SngAttentionShared &from)
  {
    *this = from;
  }

  __device__ void
  get (unsigned a[M][4], int column) const
  {
#pragma unroll
    for (int m = 0; m < M; m++)
      sng_ldmatrix_x4 (a[m], sng_attention_square<T, SIZE> (tile, row + 16 * m, column));
  }
};

/* … or kept in registers. */
template <typename T, int SIZE, int M>
struct SngAttentionKept
{
  unsigned fragments[SIZE / 16][M][4];

  __device__ void
  read (const SngAttentionShared<T, SIZE, M> &from)
  {
#pragma unroll
    for (int k = 0; k < SIZE / 16; k++)
      from.get (fragments[k], 16 * k);
  }

  __device__ void
  get (unsigned a[M][4], int column) const
  {
#pragma unroll
    for (int m = 0; m < M; m++)
#pragma unroll
      for (int i = 0; i < 4; i++)
        a[m][i] = fragments[column / 16][m][i];
  }
};

/* sums = left * the rows of the right tile from row on, transposed: each of the N * 8 columns is one of its rows. */
template <typename T, int SIZE, int M, int N, typename Left>
static inline __device__ void
sng_attention_multiply_rows (float sums[M][N][4], const Left &left, const T *right, int row)
{
  const int lane = (int) SNG_ATTENTION_LANE;

#pragma unroll
  for (int m = 0; m < M; m++)
#pragma unroll
    for (int n = 0; n < N; n++)
#pragma unroll
      for (int i = 0; i < 4; i++)
        sums[m][n][i] = 0;
#pragma unroll
  for (int k = 0; k < SIZE; k += 16)
    {
      unsigned a[M][4], b[4];

      left.get (a, k);
#pragma unroll
      for (int n = 0; n < N; n += 2)
        {
          sng_ldmatrix_x4 (b, right + (row + 8 * n + lane % 8 + lane / 16 * 8) * SNG_ATTENTION_STRIDE (SIZE) + k
                                  + lane / 8 % 2 * 8);
#pragma unroll
          for (int m = 0; m < M; m++)
            {
              sng_mma_m16n8k16<T> (sums[m][n], a[m], b);
              sng_mma_m16n8k16<T> (sums[m][n + 1], a[m], b + 2);
            }
        }
    }
}

/* N columns of fragments to operands of the left side. */
template <typename T, int M, int N>
static inline __device__ void
sng_attention_narrow (unsigned operands[M][N / 2][4], const float reals[M][N][4])
{
#pragma unroll
  for (int m = 0; m < M; m++)
#pragma unroll
    for (int n = 0; n < N; n++)
#pragma unroll
      for (int half = 0; half < 2; half++)
        operands[m][n / 2][n % 2 * 2 + half]
            = sng_attention_pack<T> (reals[m][n][2 * half], reals[m][n][2 * half + 1]);
}

/* sums += left * the N * 8 rows of the right tile from row on. */
template <typename T, int SIZE, int M, int N>
static inline __device__ void
sng_attention_multiply (float          sums[M][SIZE / 8][4],
                        const unsigned left[M][N / 2][4],
                        const T       *right,
                        int            row)
{
#pragma unroll
  for (int k = 0; k < N / 2; k++)
#pragma unroll
    for (int n = 0; n < SIZE / 8; n += 2)
      {
        unsigned b[4];

        sng_ldmatrix_x4_trans (b, sng_attention_square<T, SIZE> (right, row + 16 * k, 8 * n));
#pragma unroll
        for (int m = 0; m < M; m++)
          {
            sng_mma_m16n8k16<T> (sums[m][n], left[m][k], b);
            sng_mma_m16n8k16<T> (sums[m][n + 1], left[m][k], b + 2);
          }
      }
}

/* The thread's part of one row of sums, times factor, to a row of operands. A factor of 0 yields zeros, whatever the sums. */
template <typename T, int SIZE>
static inline __device__ void
sng_attention_store_row (const SngAttentionArguments &op,
                         T                           *row,
                         const float                  sums[SIZE / 8][4],
                         int                          half,
                         float                        factor)
{
#pragma unroll
  for (int n = 0; n < SIZE / 8; n++)
    {
      unsigned column = 8 * n + 2 * SNG_ATTENTION_PAIR;
      float    first = factor == 0 ? 0 : sums[n][2 * half] * factor;
      float    second = factor == 0 ? 0 : sums[n][2 * half + 1] * factor;

      if (op.paired && column < op.head_size)
        *(unsigned *) (row + column) = sng_attention_pack<T> (first, second);
      if (!op.paired && column < op.head_size)
        row[column] = sng_from_real<T> (first);
      if (!op.paired && column + 1 < op.head_size)
        row[column + 1] = sng_from_real<T> (second);
    }
}

/* Which of N keys can be seen, a bit each, for a tile that other threads will read behind the next barrier. The mask is
 * asked for early and used late, so that nobody waits for the memory. */
template <int N>
struct SngAttentionVisible
{
  bool mine;

  __device__ void
  ask (const SngAttentionArguments &op, const SngAttentionHead &head, unsigned first)
  {
    mine = threadIdx.x < N && sng_attention_has_key (op, head, first + threadIdx.x);
  }

  __device__ void
  tell (unsigned *words) const
  {
    unsigned votes;

    if (threadIdx.x >= N)
      return;
    votes = __ballot_sync (0xffffffffu, mine);
    if (SNG_ATTENTION_LANE == 0)
      words[threadIdx.x / 32] = votes;
  }
};

/* Which of 32 keys a thread's queries see: of those that can be seen, with causal none behind the query. */
struct SngAttentionSight
{
  unsigned words; /* from the thread's first column on */
  int      last;  /* the last column that query group of the warp sees, from the thread's first on */

  __device__ bool
  sees (int n, int i, int m) const
  {
    return (words >> (8 * n + i % 2) & 1u) != 0 && 8 * n + i % 2 <= last + 16 * m + i / 2 * 8;
  }
};

/* of the keys from key on, and the warp's queries from query on */
static inline __device__ SngAttentionSight
sng_attention_sight (const SngAttentionArguments &op, unsigned words, unsigned query, unsigned key)
{
  int first = 2 * (int) SNG_ATTENTION_PAIR;

  return { words >> first, op.causal ? (int) (query + SNG_ATTENTION_GROUP - key) - first : 1 << 30 };
}

/* Whether all of these queries see all of 32 keys from key on. */
static inline __device__ bool
sng_attention_sees_all (const SngAttentionArguments &op, unsigned words, unsigned query, unsigned key)
{
  return words == 0xffffffffu && (!op.causal || key + 31 <= query);
}

/* ---- the choice among the instances ---- */

/* Runs that of the operands and of the size which the head size is rounded up to. */
template <template <typename, int> class Launch, typename T>
static inline void
sng_attention_choose_size (SngDevice *device, const SngAttentionArguments &arguments, const SngAttention *op)
{
  if (op->head_size <= 16)
    Launch<T, 16>::run (device, arguments, op);
  else if (op->head_size <= 32)
    Launch<T, 32>::run (device, arguments, op);
  else if (op->head_size <= 64)
    Launch<T, 64>::run (device, arguments, op);
  else
    Launch<T, 128>::run (device, arguments, op);
}

template <template <typename, int> class Launch>
static inline void
sng_attention_choose (SngDevice *device, const SngAttentionArguments &arguments, const SngAttention *op, bool bf16)
{
  if (bf16)
    sng_attention_choose_size<Launch, SngBf16> (device, arguments, op);
  else
    sng_attention_choose_size<Launch, SngF16> (device, arguments, op);
}
