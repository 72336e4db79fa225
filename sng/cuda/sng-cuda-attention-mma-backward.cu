/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cuda/sng-cuda-attention-mma.h"

#include <type_traits>

/* Attention backward on the tensor cores. Probabilities are computed again, 32 keys or queries at a time. */

namespace
{

/* How many blocks a multiprocessor shall hold: as many as do without spilling more than a few registers. */
constexpr int
count_blocks (int size, bool drops)
{
  return size <= 16 && !drops ? 3 : 2;
}

/* ---- the gradient of queries: a block has queries, and keys pass ---- */

template <typename T, int SIZE> struct Queries
{
  static constexpr int M = SIZE <= 32 ? 2 : 1;
  static constexpr int WARP_QUERIES = 16 * M;
  static constexpr int QUERIES = SNG_ATTENTION_WARPS * WARP_QUERIES;
  static constexpr int KEYS = SIZE <= 64 ? 64 : 32;
  static constexpr int WORDS = KEYS / 32;
  static constexpr int TILE = KEYS * SNG_ATTENTION_STRIDE (SIZE);
  static constexpr int QUERY_TILE = QUERIES * SNG_ATTENTION_STRIDE (SIZE);
  static constexpr int SHARED =
      (2 * QUERY_TILE + 4 * TILE) * (int) sizeof (T) + 2 * WORDS * (int) sizeof (unsigned);
  static_assert (SHARED <= SNG_ATTENTION_MAX_SHARED, "a block fits every GPU");

  /* what there are registers for */
  using Left = typename std::
      conditional<SIZE <= 64, SngAttentionKept<T, SIZE, M>, SngAttentionShared<T, SIZE, M> >::type;

  Left query;
  Left d_output;
  float log_sum_exp[M][2];
  float total[M][2];
  float missed[M][2];             /* by how much the row does not add up to 0, the thread's part */
  float sums[2 * M][SIZE / 8][4]; /* d score * key, and behind them p * key */
};

/* The thread's part of output * d_output. */
template <typename T, int SIZE>
__device__ float
multiply_output (const SngAttentionArguments &op, const T *output, const T *d_output)
{
  float sum = 0;

  for (unsigned column = 8 * SNG_ATTENTION_PAIR; column < SIZE; column += 32)
    {
      uint4 eights[2] = { sng_attention_load_eight (op, output, column),
                          sng_attention_load_eight (op, d_output, column) };
      T operands[2][8];

      memcpy (operands, eights, sizeof operands);
#pragma unroll
      for (int i = 0; i < 8; i++)
        sum = fmaf (sng_to_real (operands[0][i]), sng_to_real (operands[1][i]), sum);
    }
  return sum;
}

template <typename T, int SIZE>
__device__ void
begin_queries (const SngAttentionArguments &op,
               const SngAttentionHead &head,
               Queries<T, SIZE> &self,
               unsigned query)
{
#pragma unroll
  for (int m = 0; m < Queries<T, SIZE>::M; m++)
#pragma unroll
    for (int half = 0; half < 2; half++)
      {
        unsigned token = query + 16 * m + 8 * half + SNG_ATTENTION_GROUP;
        gsize row = head.output + token * head.width;
        float total = 0;

        self.log_sum_exp[m][half] = 0;
        if (token < head.n_tokens)
          {
            self.log_sum_exp[m][half] = op.log_sum_exp[head.numbers + token];
            total = multiply_output<T, SIZE> (op, (const T *) op.output + row, (const T *) op.d_output + row);
          }
        self.total[m][half] = sng_attention_sum (total, 4);
      }
}

/* d score = p * (d p - total), where d p is factor * d (dropped p), or 0 where it was dropped. */
template <bool DROPS>
__device__ float
subtract_total (const SngAttentionArguments &op, float d, float total, guint32 word)
{
  if (!DROPS)
    return d - total;
  return sng_cuda_dropout_drops (&op.dropout, word) ? -total : fmaf (d, op.dropout.kept, -total);
}

/* 32 keys, from key on and in their tile from row on, for the warp's queries, from query on. */
template <typename T, int SIZE, bool DROPS>
__device__ void
pass_keys (const SngAttentionArguments &op,
           const SngAttentionHead &head,
           Queries<T, SIZE> &self,
           const T *keys,
           const T *values,
           int row,
           unsigned visible,
           unsigned query,
           unsigned key)
{
  constexpr int M = Queries<T, SIZE>::M;
  SngAttentionSight sight = sng_attention_sight (op, visible, query, key);
  bool sees_all = sng_attention_sees_all (op, visible, query, key);
  float reals[2 * M][4][4]; /* d score, and behind it p */
  unsigned operands[2 * M][2][4];

  if (query >= head.n_tokens || visible == 0 || (op.causal && key > query + 16 * M - 1))
    return;

  sng_attention_multiply_rows<T, SIZE, M, 4> (reals, self.d_output, values, row);
  sng_attention_multiply_rows<T, SIZE, M, 4> (reals + M, self.query, keys, row);
#pragma unroll
  for (int m = 0; m < M; m++)
#pragma unroll
    for (int i = 0; i < 4; i++)
      {
        guint32 words[4];
        float total = self.total[m][i / 2], log_sum_exp = self.log_sum_exp[m][i / 2];

        if (DROPS)
          sng_attention_draw (op, head, query + 16 * m + i / 2 * 8 + SNG_ATTENTION_GROUP,
                              key + 2 * SNG_ATTENTION_PAIR + i % 2, words);
#pragma unroll
        for (int n = 0; n < 4; n++)
          {
            float p = sng_attention_exp2 (fmaf (reals[M + m][n][i], op.scale_log2, -log_sum_exp));

            if (!sees_all && !sight.sees (n, i, m))
              p = 0;
            reals[M + m][n][i] = p;
            reals[m][n][i] = p * subtract_total<DROPS> (op, reals[m][n][i], total, words[n]);
            self.missed[m][i / 2] += reals[m][n][i];
          }
      }
  sng_attention_narrow<T, 2 * M, 4> (operands, reals);
  sng_attention_multiply<T, SIZE, 2 * M, 4> (self.sums, operands, keys, row);
}

template <typename T, int SIZE>
__device__ void
store_queries (const SngAttentionArguments &op,
               const SngAttentionHead &head,
               Queries<T, SIZE> &self,
               unsigned query)
{
  constexpr int M = Queries<T, SIZE>::M;

#pragma unroll
  for (int m = 0; m < M; m++)
#pragma unroll
    for (int half = 0; half < 2; half++)
      {
        unsigned token = query + 16 * m + 8 * half + SNG_ATTENTION_GROUP;
        float missed = sng_attention_sum (self.missed[m][half], 4);

#pragma unroll
        for (int n = 0; n < SIZE / 8; n++)
#pragma unroll
          for (int i = 2 * half; i < 2 * half + 2; i++)
            self.sums[m][n][i] = fmaf (-missed, self.sums[M + m][n][i], self.sums[m][n][i]);
        if (token >= head.n_tokens)
          continue;
        if (SNG_ATTENTION_PAIR == 0)
          op.totals[head.numbers + token] = self.total[m][half] + missed;
        sng_attention_store_row<T, SIZE> (op, (T *) op.d_qkv + head.qkv + token * head.stride, self.sums[m],
                                          half, op.scale);
      }
}

template <typename T, int SIZE, bool DROPS>
__global__ void
__launch_bounds__ (SNG_ATTENTION_THREADS, count_blocks (SIZE, DROPS))
    attention_backward_queries (SngAttentionArguments op)
{
  using Q = Queries<T, SIZE>;
  T *queries = sng_cuda_shared<T> (), *d_outputs = queries + Q::QUERY_TILE;
  T *keys = d_outputs + Q::QUERY_TILE, *values = keys + 2 * Q::TILE;
  unsigned *visible = (unsigned *) (values + 2 * Q::TILE);
  const SngAttentionHead head = sng_attention_head (op);
  const T *qkv = (const T *) op.qkv + head.qkv;
  unsigned first = (op.n_tiles - 1 - head.tile) * Q::QUERIES; /* with causal the longest go first */
  unsigned query = first + threadIdx.x / 32 * Q::WARP_QUERIES;
  unsigned n_keys;
  SngAttentionVisible<Q::KEYS> next;
  Q self = {};

  if (first >= head.n_tokens)
    return;
  n_keys = sng_attention_n_keys (op, head, first + Q::QUERIES);

  sng_attention_load_tile<T, SIZE, Q::QUERIES> (op, head, queries, qkv, head.stride, first);
  sng_attention_load_tile<T, SIZE, Q::QUERIES> (op, head, d_outputs, (const T *) op.d_output + head.output,
                                                head.width, first);
  sng_attention_load_tile<T, SIZE, Q::KEYS> (op, head, keys, qkv + head.width, head.stride, 0);
  sng_attention_load_tile<T, SIZE, Q::KEYS> (op, head, values, qkv + 2 * head.width, head.stride, 0);
  sng_cp_async_commit ();
  next.ask (op, head, 0);
  next.tell (visible);
  begin_queries<T, SIZE> (op, head, self, query);
  for (unsigned key = 0, buffer = 0; key < n_keys; key += Q::KEYS, buffer ^= 1)
    {
      unsigned after = key + Q::KEYS;

      sng_cp_async_wait<0> ();
      __syncthreads ();
      if (after < n_keys)
        {
          sng_attention_load_tile<T, SIZE, Q::KEYS> (op, head, keys + (buffer ^ 1) * Q::TILE,
                                                     qkv + head.width, head.stride, after);
          sng_attention_load_tile<T, SIZE, Q::KEYS> (op, head, values + (buffer ^ 1) * Q::TILE,
                                                     qkv + 2 * head.width, head.stride, after);
          sng_cp_async_commit ();
          next.ask (op, head, after);
        }
      if (key == 0)
        {
          self.query.read ({ queries, (int) (query - first) });
          self.d_output.read ({ d_outputs, (int) (query - first) });
        }
      for (int word = 0; word < Q::WORDS; word++)
        pass_keys<T, SIZE, DROPS> (op, head, self, keys + buffer * Q::TILE, values + buffer * Q::TILE,
                                   32 * word, visible[buffer * Q::WORDS + word], query, key + 32 * word);
      if (after < n_keys)
        next.tell (visible + (buffer ^ 1) * Q::WORDS);
    }
  store_queries<T, SIZE> (op, head, self, query);
}

/* ---- the gradients of keys and values: a block has keys, and queries pass ---- */

template <typename T, int SIZE> struct Keys
{
  static constexpr int M = SIZE <= 64 ? 2 : 1; /* with 2 each draw of dropout serves four keys of a thread */
  static constexpr int WARP_KEYS = 16 * M;
  static constexpr int KEYS = SNG_ATTENTION_WARPS * WARP_KEYS;
  static constexpr int QUERIES = SIZE <= 32 ? 64 : 32;
  static constexpr int TILE = QUERIES * SNG_ATTENTION_STRIDE (SIZE);
  static constexpr int KEY_TILE = KEYS * SNG_ATTENTION_STRIDE (SIZE);
  static constexpr int SHARED =
      (2 * KEY_TILE + 4 * TILE) * (int) sizeof (T) + 4 * QUERIES * (int) sizeof (float);
  static_assert (SHARED <= SNG_ATTENTION_MAX_SHARED, "a block fits every GPU");

  SngAttentionShared<T, SIZE, M> key;
  SngAttentionShared<T, SIZE, M> value;
  float d_key[M][SIZE / 8][4];
  float d_value[M][SIZE / 8][4];
};

/* What queries have kept, a number a thread, asked for early and told late like SngAttentionVisible. No key has a
 * probability for a query behind the end. */
template <int N> struct Numbers
{
  float log_sum_exp;
  float total;

  __device__ void
  ask (const SngAttentionArguments &op, const SngAttentionHead &head, unsigned first)
  {
    unsigned token = first + threadIdx.x;
    bool has = threadIdx.x < N && token < head.n_tokens;

    log_sum_exp = has ? op.log_sum_exp[head.numbers + token] : INFINITY;
    total = has ? op.totals[head.numbers + token] : 0;
  }

  __device__ void
  tell (float *numbers) const
  {
    if (threadIdx.x >= N)
      return;
    numbers[threadIdx.x] = log_sum_exp;
    numbers[N + threadIdx.x] = total;
  }
};

/* 32 queries, from query on and in their tile from row on, for the warp's keys, from key on. */
template <typename T, int SIZE, bool DROPS>
__device__ void
pass_queries (const SngAttentionArguments &op,
              const SngAttentionHead &head,
              Keys<T, SIZE> &self,
              const T *queries,
              const T *d_outputs,
              const float *numbers,
              int row,
              unsigned query,
              unsigned key)
{
  using K = Keys<T, SIZE>;
  bool sees_all = !op.causal || key + K::WARP_KEYS - 1 <= query;
  int behind = (int) (key + SNG_ATTENTION_GROUP - query); /* from the first query on */
  float p[K::M][4][4], d[K::M][4][4];
  unsigned operands[K::M][2][4];

  if (key >= head.n_tokens || query >= head.n_tokens || (op.causal && query + 31 < key))
    return;

  sng_attention_multiply_rows<T, SIZE, K::M, 4> (p, self.key, queries, row);
  sng_attention_multiply_rows<T, SIZE, K::M, 4> (d, self.value, d_outputs, row);
#pragma unroll
  for (int n = 0; n < 4; n++)
#pragma unroll
    for (int j = 0; j < 2; j++)
      {
        int column = 8 * n + 2 * (int) SNG_ATTENTION_PAIR + j;
        float log_sum_exp = numbers[row + column], total = numbers[K::QUERIES + row + column];
        guint32 words[4];

        if (DROPS)
          sng_attention_draw (op, head, query + column, key / 32 * 32 + SNG_ATTENTION_GROUP, words);
#pragma unroll
        for (int m = 0; m < K::M; m++)
#pragma unroll
          for (int half = 0; half < 2; half++)
            {
              int i = 2 * half + j;
              guint32 word = K::M == 1 && key % 32 != 0 ? words[2 + half] : words[2 * m + half];
              float x = sng_attention_exp2 (fmaf (p[m][n][i], op.scale_log2, -log_sum_exp));

              if (!sees_all && behind + 16 * m + 8 * half > column)
                x = 0;
              d[m][n][i] = x * subtract_total<DROPS> (op, d[m][n][i], total, word);
              p[m][n][i] = DROPS && sng_cuda_dropout_drops (&op.dropout, word) ? 0 : x;
            }
      }
  sng_attention_narrow<T, K::M, 4> (operands, p);
  sng_attention_multiply<T, SIZE, K::M, 4> (self.d_value, operands, d_outputs, row);
  sng_attention_narrow<T, K::M, 4> (operands, d);
  sng_attention_multiply<T, SIZE, K::M, 4> (self.d_key, operands, queries, row);
}

/* A key that the mask hides had any scores, so that its sums may be infinite, but gets zeros. */
template <typename T, int SIZE, bool DROPS>
__device__ void
store_keys (const SngAttentionArguments &op,
            const SngAttentionHead &head,
            const Keys<T, SIZE> &self,
            unsigned key)
{
#pragma unroll
  for (int m = 0; m < Keys<T, SIZE>::M; m++)
#pragma unroll
    for (int half = 0; half < 2; half++)
      {
        unsigned token = key + 16 * m + 8 * half + SNG_ATTENTION_GROUP;
        T *d_key = (T *) op.d_qkv + head.qkv + token * head.stride + head.width;
        bool seen = sng_attention_has_key (op, head, token);

        if (token >= head.n_tokens)
          continue;
        sng_attention_store_row<T, SIZE> (op, d_key, self.d_key[m], half, seen ? op.scale : 0);
        sng_attention_store_row<T, SIZE> (op, d_key + head.width, self.d_value[m], half,
                                          !seen   ? 0
                                          : DROPS ? op.dropout.kept
                                                  : 1);
      }
}

template <typename T, int SIZE, bool DROPS>
__global__ void
__launch_bounds__ (SNG_ATTENTION_THREADS, count_blocks (SIZE, DROPS))
    attention_backward_keys (SngAttentionArguments op)
{
  using K = Keys<T, SIZE>;
  T *keys = sng_cuda_shared<T> (), *values = keys + K::KEY_TILE;
  T *queries = values + K::KEY_TILE, *d_outputs = queries + 2 * K::TILE;
  float *numbers = (float *) (d_outputs + 2 * K::TILE);
  const SngAttentionHead head = sng_attention_head (op);
  const T *qkv = (const T *) op.qkv + head.qkv, *d_output = (const T *) op.d_output + head.output;
  unsigned first = head.tile * K::KEYS;
  unsigned key = first + threadIdx.x / 32 * K::WARP_KEYS;
  unsigned begin = op.causal ? first : 0; /* the first query that sees any of the keys */
  Numbers<K::QUERIES> next;
  K self = {};

  if (first >= head.n_tokens)
    return;

  self.key = { keys, (int) (key - first) };
  self.value = { values, (int) (key - first) };
  sng_attention_load_tile<T, SIZE, K::KEYS> (op, head, keys, qkv + head.width, head.stride, first);
  sng_attention_load_tile<T, SIZE, K::KEYS> (op, head, values, qkv + 2 * head.width, head.stride, first);
  sng_attention_load_tile<T, SIZE, K::QUERIES> (op, head, queries, qkv, head.stride, begin);
  sng_attention_load_tile<T, SIZE, K::QUERIES> (op, head, d_outputs, d_output, head.width, begin);
  sng_cp_async_commit ();
  next.ask (op, head, begin);
  next.tell (numbers);
  for (unsigned query = begin, buffer = 0; query < head.n_tokens; query += K::QUERIES, buffer ^= 1)
    {
      unsigned after = query + K::QUERIES;

      sng_cp_async_wait<0> ();
      __syncthreads ();
      if (after < head.n_tokens)
        {
          sng_attention_load_tile<T, SIZE, K::QUERIES> (op, head, queries + (buffer ^ 1) * K::TILE, qkv,
                                                        head.stride, after);
          sng_attention_load_tile<T, SIZE, K::QUERIES> (op, head, d_outputs + (buffer ^ 1) * K::TILE,
                                                        d_output, head.width, after);
          sng_cp_async_commit ();
          next.ask (op, head, after);
        }
      for (int row = 0; row < K::QUERIES; row += 32)
        pass_queries<T, SIZE, DROPS> (op, head, self, queries + buffer * K::TILE,
                                      d_outputs + buffer * K::TILE, numbers + buffer * 2 * K::QUERIES, row,
                                      query + row, key);
      if (after < head.n_tokens)
        next.tell (numbers + (buffer ^ 1) * 2 * K::QUERIES);
    }
  store_keys<T, SIZE, DROPS> (op, head, self, key);
}

/* ---- launch ---- */

template <typename T, int SIZE>
struct Launch
{
  static void
  run (SngDevice *device, const SngAttentionArguments &arguments, const SngAttention *op)
  {
    using Q = Queries<T, SIZE>;
    using K = Keys<T, SIZE>;
    bool drops = arguments.dropout.is_on;

    sng_attention_launch (
        device, drops ? attention_backward_queries<T, SIZE, true> : attention_backward_queries<T, SIZE, false>,
        arguments, op, (op->rows.max_tokens + Q::QUERIES - 1) / Q::QUERIES, Q::SHARED);
    sng_attention_launch (
        device, drops ? attention_backward_keys<T, SIZE, true> : attention_backward_keys<T, SIZE, false>,
        arguments, op, (op->rows.max_tokens + K::KEYS - 1) / K::KEYS, K::SHARED);
  }
};

} // namespace

void
sng_attention_mma_backward (SngDevice *device,
                            const SngAttentionArguments &arguments,
                            const SngAttention *op,
                            bool bf16)
{
  sng_attention_choose<Launch> (device, arguments, op, bf16);
}
