/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cuda/sng-cuda-attention-mma.h"

/* Attention forward on the tensor cores (Dao: FlashAttention-2, 2023): the warps of a block have 16 or 32 queries each, whose
 * sums they keep in registers while tiles of keys and values pass, the next on its way as one is worked on. */

namespace
{

template <typename T, int SIZE> struct Forward
{
  static constexpr int M = SIZE <= 64 ? 2 : 1;
  static constexpr int WARP_QUERIES = 16 * M;
  static constexpr int QUERIES = SNG_ATTENTION_WARPS * WARP_QUERIES;
  static constexpr int KEYS = 64;
  static constexpr int N = KEYS / 8;
  static constexpr int WORDS = KEYS / 32;
  static constexpr int TILE = KEYS * SNG_ATTENTION_STRIDE (SIZE);
  static constexpr int QUERY_TILE = QUERIES * SNG_ATTENTION_STRIDE (SIZE);
  static constexpr int SHARED =
      (QUERY_TILE + 4 * TILE) * (int) sizeof (T) + 2 * WORDS * (int) sizeof (unsigned);

  static_assert (SHARED <= SNG_ATTENTION_MAX_SHARED, "a block fits every GPU");

  SngAttentionKept<T, SIZE, M> query;
  SngAttentionRow rows[M][2];
  float sums[M][SIZE / 8][4];

  /* How many blocks a multiprocessor shall hold: as many as do without spilling registers. */
  static constexpr int
  count_blocks (bool drops)
  {
    return SIZE <= 16 ? (drops ? 3 : 4) : SIZE <= 32 && !drops ? 3 : 2;
  }
};

/* Scores to exponentials, and what was summed before to the same reference. */
template <typename T, int SIZE>
__device__ void
exponentiate (const SngAttentionArguments &op, Forward<T, SIZE> &self, float scores[][Forward<T, SIZE>::N][4])
{
  using F = Forward<T, SIZE>;

#pragma unroll
  for (int m = 0; m < F::M; m++)
#pragma unroll
    for (int half = 0; half < 2; half++)
      {
        float most = -INFINITY, reference, correction;

#pragma unroll
        for (int n = 0; n < F::N; n++)
          most = fmaxf (most, fmaxf (scores[m][n][2 * half], scores[m][n][2 * half + 1]));
        correction =
            sng_attention_raise (&self.rows[m][half], sng_attention_max (most, 4), op.scale_log2, &reference);
#pragma unroll
        for (int n = 0; n < F::N; n++)
#pragma unroll
          for (int i = 2 * half; i < 2 * half + 2; i++)
            {
              scores[m][n][i] = sng_attention_exp2 (fmaf (scores[m][n][i], op.scale_log2, -reference));
              self.rows[m][half].sum += scores[m][n][i];
            }
#pragma unroll
        for (int n = 0; n < SIZE / 8; n++)
          {
            self.sums[m][n][2 * half] *= correction;
            self.sums[m][n][2 * half + 1] *= correction;
          }
      }
}

/* Zeros for what dropout drops; what it keeps is scaled in the end. */
template <int M, int N>
__device__ void
drop (const SngAttentionArguments &op,
      const SngAttentionHead &head,
      float probabilities[M][N][4],
      unsigned query,
      unsigned key)
{
#pragma unroll
  for (int m = 0; m < M; m++)
#pragma unroll
    for (int n = 0; n < N; n += 4)
#pragma unroll
      for (int i = 0; i < 4; i++)
        {
          guint32 words[4];

          sng_attention_draw (op, head, query + 16 * m + i / 2 * 8 + SNG_ATTENTION_GROUP,
                              key + 8 * n + 2 * SNG_ATTENTION_PAIR + i % 2, words);
#pragma unroll
          for (int word = 0; word < 4; word++)
            if (sng_cuda_dropout_drops (&op.dropout, words[word]))
              probabilities[m][n + word][i] = 0;
        }
}

/* A tile of keys, from key on, for the warp's queries, from query on. */
template <typename T, int SIZE, bool DROPS>
__device__ void
pass_keys (const SngAttentionArguments &op,
           const SngAttentionHead &head,
           Forward<T, SIZE> &self,
           const T *keys,
           const T *values,
           const unsigned *visible,
           unsigned query,
           unsigned key)
{
  using F = Forward<T, SIZE>;
  float scores[F::M][F::N][4];
  unsigned operands[F::M][F::N / 2][4];

  if (query >= head.n_tokens || (op.causal && key > query + F::WARP_QUERIES - 1))
    return;

  sng_attention_multiply_rows<T, SIZE, F::M, F::N> (scores, self.query, keys, 0);
#pragma unroll
  for (int word = 0; word < F::WORDS; word++)
    if (!sng_attention_sees_all (op, visible[word], query, key + 32 * word))
      {
        SngAttentionSight sight = sng_attention_sight (op, visible[word], query, key + 32 * word);

#pragma unroll
        for (int m = 0; m < F::M; m++)
#pragma unroll
          for (int n = 0; n < 4; n++)
#pragma unroll
            for (int i = 0; i < 4; i++)
              if (!sight.sees (n, i, m))
                scores[m][4 * word + n][i] = -INFINITY;
      }
  exponentiate<T, SIZE> (op, self, scores);
  if (DROPS)
    drop<F::M, F::N> (op, head, scores, query, key);
  sng_attention_narrow<T, F::M, F::N> (operands, scores);
  sng_attention_multiply<T, SIZE, F::M, F::N> (self.sums, operands, values, 0);
}

template <typename T, int SIZE, bool DROPS>
__device__ void
store (const SngAttentionArguments &op,
       const SngAttentionHead &head,
       const Forward<T, SIZE> &self,
       unsigned query)
{
#pragma unroll
  for (int m = 0; m < Forward<T, SIZE>::M; m++)
#pragma unroll
    for (int half = 0; half < 2; half++)
      {
        unsigned token = query + 16 * m + 8 * half + SNG_ATTENTION_GROUP;
        SngAttentionRow row = self.rows[m][half];
        float factor, log_sum_exp;

        row.sum = sng_attention_sum (row.sum, 4);
        factor = sng_attention_finish (row, op.scale_log2, &log_sum_exp);
        if (token >= head.n_tokens)
          continue;
        if (SNG_ATTENTION_PAIR == 0)
          op.log_sum_exp[head.numbers + token] = log_sum_exp;
        sng_attention_store_row<T, SIZE> (op, (T *) op.output + head.output + token * head.width,
                                          self.sums[m], half, DROPS ? factor * op.dropout.kept : factor);
      }
}

template <typename T, int SIZE, bool DROPS>
__global__ void
__launch_bounds__ (SNG_ATTENTION_THREADS, Forward<T, SIZE>::count_blocks (DROPS))
    attention_forward (SngAttentionArguments op)
{
  using F = Forward<T, SIZE>;
  T *queries = sng_cuda_shared<T> ();
  T *keys = queries + F::QUERY_TILE, *values = keys + 2 * F::TILE;
  unsigned *visible = (unsigned *) (values + 2 * F::TILE);
  const SngAttentionHead head = sng_attention_head (op);
  const T *qkv = (const T *) op.qkv + head.qkv;
  unsigned first = (op.n_tiles - 1 - head.tile) * F::QUERIES; /* with causal the longest go first */
  unsigned query = first + threadIdx.x / 32 * F::WARP_QUERIES;
  unsigned n_keys;
  SngAttentionVisible<F::KEYS> next;
  F self = {};

  if (first >= head.n_tokens)
    return;
  for (auto &rows : self.rows)
    rows[0].most = rows[1].most = -INFINITY;
  n_keys = sng_attention_n_keys (op, head, first + F::QUERIES);

  sng_attention_load_tile<T, SIZE, F::QUERIES> (op, head, queries, qkv, head.stride, first);
  sng_attention_load_tile<T, SIZE, F::KEYS> (op, head, keys, qkv + head.width, head.stride, 0);
  sng_attention_load_tile<T, SIZE, F::KEYS> (op, head, values, qkv + 2 * head.width, head.stride, 0);
  sng_cp_async_commit ();
  next.ask (op, head, 0);
  next.tell (visible);
  for (unsigned key = 0, buffer = 0; key < n_keys; key += F::KEYS, buffer ^= 1)
    {
      unsigned after = key + F::KEYS;

      sng_cp_async_wait<0> ();
      __syncthreads ();
      if (after < n_keys)
        {
          sng_attention_load_tile<T, SIZE, F::KEYS> (op, head, keys + (buffer ^ 1) * F::TILE,
                                                     qkv + head.width, head.stride, after);
          sng_attention_load_tile<T, SIZE, F::KEYS> (op, head, values + (buffer ^ 1) * F::TILE,
                                                     qkv + 2 * head.width, head.stride, after);
          sng_cp_async_commit ();
          next.ask (op, head, after);
        }
      if (key == 0)
        self.query.read ({ queries, (int) (query - first) });
      pass_keys<T, SIZE, DROPS> (op, head, self, keys + buffer * F::TILE, values + buffer * F::TILE,
                                 visible + buffer * F::WORDS, query, key);
      if (after < n_keys)
        next.tell (visible + (buffer ^ 1) * F::WORDS);
    }
  store<T, SIZE, DROPS> (op, head, self, query);
}

template <typename T, int SIZE>
struct Launch
{
  static void
  run (SngDevice *device, const SngAttentionArguments &arguments, const SngAttention *op)
  {
    using F = Forward<T, SIZE>;
    gsize n_tiles = (op->rows.max_tokens + F::QUERIES - 1) / F::QUERIES;

    sng_attention_launch (
        device, arguments.dropout.is_on ? attention_forward<T, SIZE, true> : attention_forward<T, SIZE, false>,
        arguments, op, n_tiles, F::SHARED);
  }
};

} // namespace

void
sng_attention_mma_forward (SngDevice *device,
                           const SngAttentionArguments &arguments,
                           const SngAttention *op,
                           bool bf16)
{
  sng_attention_choose<Launch> (device, arguments, op, bf16);
}
