/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cuda/sng-cuda-attention.h"

/* Attention without tensor cores, in f32 throughout: for operands of f32, and for those of 16 bits where
 * sng_attention_has_mma() has nothing for them.
 *
 * A block has 32 queries or 32 keys, and of their head as many columns as its registers hold sums for; a longer head is
 * several blocks, which compute the same scores. Of a tile of 32 queries and 32 keys, the scores, a thread has those of
 * queries row and row + 1 with keys column, column + 8, column + 16 and column + 24: as many as a draw of dropout decides.
 * Eight threads side by side have a row. */

#define TILE 32
#define STEP 32 /* columns of the head that are multiplied at a time */
#define ROW (2 * (threadIdx.x / 8))
#define COLUMN (threadIdx.x % 8)
#define STRIDE (TILE + 1)

namespace
{

/* C is how many columns of the head a block has. */
template <int C> struct Shared
{
  alignas (16) float left[TILE][STEP + 4];
  alignas (16) float right[TILE][STEP + 4];
  alignas (16) float tile[TILE][C];
  float probabilities[TILE][STRIDE];
  float d_scores[TILE][STRIDE];
};

/* What a block works on. */
struct Place
{
  SngAttentionHead head;
  unsigned first_column;
  unsigned n_columns;
};

template <int C>
__device__ Place
find_place (const SngAttentionArguments &op)
{
  Place self = { sng_attention_head (op), 0, 0 };
  unsigned n_parts = (op.head_size + C - 1) / C;

  self.first_column = self.head.tile % n_parts * C;
  self.n_columns = op.head_size - self.first_column < C ? op.head_size - self.first_column : C;
  self.head.tile /= n_parts;
  return self;
}

/* TILE tokens, from first on, and N_COLUMNS of their columns; zeros for those that are not there. */
template <int N_COLUMNS, int N, typename T>
__device__ void
load_tile (float tile[TILE][N],
           const T *tokens,
           gsize stride,
           unsigned first,
           unsigned n_tokens,
           unsigned n_columns)
{
  for (unsigned i = threadIdx.x; i < TILE * N_COLUMNS; i += SNG_ATTENTION_THREADS)
    {
      unsigned row = i / N_COLUMNS, column = i % N_COLUMNS;
      bool has = first + row < n_tokens && column < n_columns;

      tile[row][column] = has ? sng_to_real (tokens[(first + row) * stride + column]) : 0;
    }
}

/* The products of 32 tokens of left and of right, over the whole head. */
template <int C, typename T>
__device__ void
multiply_rows (const SngAttentionArguments &op,
               const Place &place,
               Shared<C> &shared,
               float sums[2][4],
               const T *left,
               gsize left_stride,
               unsigned first_left,
               const T *right,
               gsize right_stride,
               unsigned first_right)
{
  for (int i = 0; i < 8; i++)
    sums[i / 4][i % 4] = 0;
  for (unsigned first = 0; first < op.head_size; first += STEP)
    {
      __syncthreads ();
      load_tile<STEP> (shared.left, left + first, left_stride, first_left, place.head.n_tokens,
                       op.head_size - first);
      load_tile<STEP> (shared.right, right + first, right_stride, first_right, place.head.n_tokens,
                       op.head_size - first);
      __syncthreads ();
#pragma unroll
      for (int k = 0; k < STEP; k += 4)
#pragma unroll
        for (int i = 0; i < 8; i++)
          {
            float4 a = *(const float4 *) &shared.left[ROW + i / 4][k];
            float4 b = *(const float4 *) &shared.right[COLUMN + 8 * (i % 4)][k];
            float sum = sums[i / 4][i % 4];

            sum = fmaf (a.x, b.x, sum);
            sum = fmaf (a.y, b.y, sum);
            sum = fmaf (a.z, b.z, sum);
            sums[i / 4][i % 4] = fmaf (a.w, b.w, sum);
          }
    }
}

/* The block's columns of 32 tokens, for the products to come. */
template <int C, typename T>
__device__ void
load_columns (const Place &place, Shared<C> &shared, const T *tokens, gsize stride, unsigned first)
{
  __syncthreads ();
  load_tile<C> (shared.tile, tokens + place.first_column, stride, first, place.head.n_tokens,
                place.n_columns);
  __syncthreads ();
}

/* sums += factors * the loaded columns. A thread's columns are 4 * COLUMN to 4 * COLUMN + 3 of each 32. The factor of row r
 * and token k is at r * row_stride + k * token_stride. */
template <int C>
__device__ void
multiply_columns (const Shared<C> &shared,
                  float sums[2][C / 8],
                  const float *factors,
                  unsigned row_stride,
                  unsigned token_stride)
{
  for (unsigned k = 0; k < TILE; k++)
#pragma unroll
    for (int row = 0; row < 2; row++)
      {
        float factor = factors[(ROW + row) * row_stride + k * token_stride];

#pragma unroll
        for (int i = 0; i < C / 8; i += 4)
          {
            float4 x = *(const float4 *) &shared.tile[k][4 * COLUMN + 8 * i];

            sums[row][i] = fmaf (factor, x.x, sums[row][i]);
            sums[row][i + 1] = fmaf (factor, x.y, sums[row][i + 1]);
            sums[row][i + 2] = fmaf (factor, x.z, sums[row][i + 2]);
            sums[row][i + 3] = fmaf (factor, x.w, sums[row][i + 3]);
          }
      }
}

/* A factor of 0 yields zeros, whatever the sums. */
template <int C, typename T>
__device__ void
store_row (const Place &place, T *row, const float sums[C / 8], float factor)
{
#pragma unroll
  for (int i = 0; i < C / 8; i++)
    {
      unsigned column = 4 * COLUMN + 8 * (i / 4 * 4) + i % 4;

      if (column < place.n_columns)
        row[place.first_column + column] = sng_from_real<T> (factor == 0 ? 0 : sums[i] * factor);
    }
}

/* Which of the thread's scores the queries see, a bit each. */
__device__ unsigned
find_visible (const SngAttentionArguments &op, const SngAttentionHead &head, unsigned query, unsigned key)
{
  unsigned visible = 0;

  for (int i = 0; i < 4; i++)
    if (sng_attention_has_key (op, head, key + COLUMN + 8 * i))
      for (int row = 0; row < 2; row++)
        if (query + ROW + row < head.n_tokens && (!op.causal || key + COLUMN + 8 * i <= query + ROW + row))
          visible |= 1u << (4 * row + i);
  return visible;
}

/* What dropout multiplies the thread's probabilities with. */
__device__ void
find_factors (const SngAttentionArguments &op,
              const SngAttentionHead &head,
              float factors[2][4],
              unsigned query,
              unsigned key)
{
  for (int row = 0; row < 2; row++)
    {
      guint32 words[4] = { 0 };

      if (op.dropout.is_on)
        sng_attention_draw (op, head, query + ROW + row, key + COLUMN, words);
      for (int i = 0; i < 4; i++)
        factors[row][i] = op.dropout.is_on ? sng_cuda_dropout_factor (&op.dropout, words[i]) : 1;
    }
}

/* What the products get of a probability or its gradient. */
template <typename T>
__device__ float
narrow (float x)
{
  return sng_to_real (sng_from_real<T> (x));
}

/* ---- forward ---- */

/* Scores become probabilities in shared memory, and what was summed before gets the same reference. */
template <int C, typename T>
__device__ void
exponentiate (const SngAttentionArguments &op,
              const Place &place,
              Shared<C> &shared,
              SngAttentionRow rows[2],
              float scores[2][4],
              float sums[2][C / 8],
              unsigned query,
              unsigned key)
{
  unsigned visible = find_visible (op, place.head, query, key);
  float factors[2][4];

  find_factors (op, place.head, factors, query, key);
  for (int row = 0; row < 2; row++)
    {
      float most = -INFINITY, reference, correction;

      for (int i = 0; i < 4; i++)
        {
          scores[row][i] = (visible >> (4 * row + i) & 1u) != 0 ? scores[row][i] * op.scale_log2 : -INFINITY;
          most = fmaxf (most, scores[row][i]);
        }
      correction = sng_attention_raise (&rows[row], sng_attention_max (most, 8), 1, &reference);
      for (int i = 0; i < C / 8; i++)
        sums[row][i] *= correction;
      for (int i = 0; i < 4; i++)
        {
          float p = sng_attention_exp2 (scores[row][i] - reference);

          rows[row].sum += p;
          shared.probabilities[ROW + row][COLUMN + 8 * i] = narrow<T> (p * factors[row][i]);
        }
    }
}

template <typename T, int C>
__global__ void
__launch_bounds__ (SNG_ATTENTION_THREADS, 2) attention_forward (SngAttentionArguments op)
{
  __shared__ Shared<C> shared;
  const Place place = find_place<C> (op);
  const T *qkv = (const T *) op.qkv + place.head.qkv;
  const unsigned query = place.head.tile * TILE;
  SngAttentionRow rows[2] = { { -INFINITY, 0 }, { -INFINITY, 0 } };
  float sums[2][C / 8] = {};

  if (query >= place.head.n_tokens)
    return;
  for (unsigned key = 0; key < sng_attention_n_keys (op, place.head, query + TILE); key += TILE)
    {
      float scores[2][4];

      multiply_rows (op, place, shared, scores, qkv, place.head.stride, query, qkv + place.head.width,
                     place.head.stride, key);
      exponentiate<C, T> (op, place, shared, rows, scores, sums, query, key);
      load_columns (place, shared, qkv + 2 * place.head.width, place.head.stride, key);
      multiply_columns (shared, sums, &shared.probabilities[0][0], STRIDE, 1);
    }
  for (int row = 0; row < 2; row++)
    {
      unsigned token = query + ROW + row;
      float factor, log_sum_exp;

      rows[row].sum = sng_attention_sum (rows[row].sum, 8);
      factor = sng_attention_finish (rows[row], 1, &log_sum_exp);
      if (token >= place.head.n_tokens)
        continue;
      if (COLUMN == 0 && place.first_column == 0)
        op.log_sum_exp[place.head.numbers + token] = log_sum_exp;
      store_row<C> (place, (T *) op.output + place.head.output + token * place.head.width, sums[row], factor);
    }
}

/* ---- backward ---- */

/* Scores to probabilities p, and the gradients of dropped probabilities to those of scores. */
__device__ void
differentiate (const SngAttentionArguments &op,
               const SngAttentionHead &head,
               float p[2][4],
               float d[2][4],
               const float factors[2][4],
               const float log_sum_exp[2],
               const float total[2],
               unsigned query,
               unsigned key)
{
  unsigned visible = find_visible (op, head, query, key);

  for (int row = 0; row < 2; row++)
    for (int i = 0; i < 4; i++)
      {
        bool sees = (visible >> (4 * row + i) & 1u) != 0;
        float power = p[row][i] * op.scale_log2 - log_sum_exp[row];

        p[row][i] = sees ? sng_attention_exp2 (power) : 0;
        d[row][i] = sees ? p[row][i] * (d[row][i] * factors[row][i] - total[row]) : 0;
      }
}

/* The sum of output * d_output over the head. */
template <typename T>
__device__ float
multiply_output (const SngAttentionArguments &op, const SngAttentionHead &head, unsigned token)
{
  gsize row = head.output + token * head.width;
  float sum = 0;

  if (token < head.n_tokens)
    for (unsigned column = COLUMN; column < op.head_size; column += 8)
      sum = fmaf (sng_to_real (((const T *) op.output)[row + column]),
                  sng_to_real (((const T *) op.d_output)[row + column]), sum);
  return sng_attention_sum (sum, 8);
}

template <typename T, int C>
__global__ void
__launch_bounds__ (SNG_ATTENTION_THREADS, 2) attention_backward_queries (SngAttentionArguments op)
{
  __shared__ Shared<C> shared;
  const Place place = find_place<C> (op);
  const SngAttentionHead head = place.head;
  const T *qkv = (const T *) op.qkv + head.qkv, *d_output = (const T *) op.d_output + head.output;
  const unsigned query = head.tile * TILE;
  float log_sum_exp[2], total[2], missed[2] = { 0, 0 };
  float sums[2][C / 8] = {}, weighted[2][C / 8] = {};

  if (query >= head.n_tokens)
    return;
  for (int row = 0; row < 2; row++)
    {
      unsigned token = query + ROW + row;

      total[row] = multiply_output<T> (op, head, token);
      log_sum_exp[row] = token < head.n_tokens ? op.log_sum_exp[head.numbers + token] : 0;
    }
  for (unsigned key = 0; key < sng_attention_n_keys (op, head, query + TILE); key += TILE)
    {
      float p[2][4], d[2][4], factors[2][4];

      multiply_rows (op, place, shared, p, qkv, head.stride, query, qkv + head.width, head.stride, key);
      multiply_rows (op, place, shared, d, d_output, head.width, query, qkv + 2 * head.width, head.stride,
                     key);
      find_factors (op, head, factors, query, key);
      differentiate (op, head, p, d, factors, log_sum_exp, total, query, key);
      for (int i = 0; i < 8; i++)
        {
          missed[i / 4] += d[i / 4][i % 4];
          shared.d_scores[ROW + i / 4][COLUMN + 8 * (i % 4)] = narrow<T> (d[i / 4][i % 4]);
          shared.probabilities[ROW + i / 4][COLUMN + 8 * (i % 4)] = narrow<T> (p[i / 4][i % 4]);
        }
      load_columns (place, shared, qkv + head.width, head.stride, key);
      multiply_columns (shared, sums, &shared.d_scores[0][0], STRIDE, 1);
      multiply_columns (shared, weighted, &shared.probabilities[0][0], STRIDE, 1);
    }
  for (int row = 0; row < 2; row++)
    {
      unsigned token = query + ROW + row;

      missed[row] = sng_attention_sum (missed[row], 8);
      for (int i = 0; i < C / 8; i++)
        sums[row][i] = fmaf (-missed[row], weighted[row][i], sums[row][i]);
      if (token >= head.n_tokens)
        continue;
      if (COLUMN == 0 && place.first_column == 0)
        op.totals[head.numbers + token] = total[row] + missed[row];
      store_row<C> (place, (T *) op.d_qkv + head.qkv + token * head.stride, sums[row], op.scale);
    }
}

template <typename T, int C>
__global__ void
__launch_bounds__ (SNG_ATTENTION_THREADS, 2) attention_backward_keys (SngAttentionArguments op)
{
  __shared__ Shared<C> shared;
  const Place place = find_place<C> (op);
  const SngAttentionHead head = place.head;
  const T *qkv = (const T *) op.qkv + head.qkv, *d_output = (const T *) op.d_output + head.output;
  const unsigned key = head.tile * TILE;
  float d_key[2][C / 8] = {}, d_value[2][C / 8] = {};

  if (key >= head.n_tokens)
    return;
  for (unsigned query = op.causal ? key : 0; query < head.n_tokens; query += TILE)
    {
      float p[2][4], d[2][4], factors[2][4], log_sum_exp[2], total[2];

      multiply_rows (op, place, shared, p, qkv, head.stride, query, qkv + head.width, head.stride, key);
      multiply_rows (op, place, shared, d, d_output, head.width, query, qkv + 2 * head.width, head.stride,
                     key);
      for (int row = 0; row < 2; row++)
        {
          unsigned token = query + ROW + row;

          log_sum_exp[row] = token < head.n_tokens ? op.log_sum_exp[head.numbers + token] : 0;
          total[row] = token < head.n_tokens ? op.totals[head.numbers + token] : 0;
        }
      find_factors (op, head, factors, query, key);
      differentiate (op, head, p, d, factors, log_sum_exp, total, query, key);
      for (int i = 0; i < 8; i++)
        {
          float dropped = p[i / 4][i % 4] * factors[i / 4][i % 4];

          shared.probabilities[ROW + i / 4][COLUMN + 8 * (i % 4)] = narrow<T> (dropped);
          shared.d_scores[ROW + i / 4][COLUMN + 8 * (i % 4)] = narrow<T> (d[i / 4][i % 4]);
        }
      load_columns (place, shared, d_output, head.width, query);
      multiply_columns (shared, d_value, &shared.probabilities[0][0], 1, STRIDE);
      load_columns (place, shared, qkv, head.stride, query);
      multiply_columns (shared, d_key, &shared.d_scores[0][0], 1, STRIDE);
    }
  for (int row = 0; row < 2; row++)
    {
      unsigned token = key + ROW + row;
      T *to = (T *) op.d_qkv + head.qkv + token * head.stride + head.width;

      if (token >= head.n_tokens)
        continue;
      store_row<C> (place, to, d_key[row], op.scale);
      store_row<C> (place, to + head.width, d_value[row], 1);
    }
}

/* ---- launch ---- */

template <typename T, int C>
void
launch (SngDevice *device, const SngAttentionArguments &arguments, const SngAttention *op, bool backward)
{
  gsize n_tiles = (op->rows.max_tokens + TILE - 1) / TILE * ((op->head_size + C - 1) / C);

  if (!backward)
    {
      sng_attention_launch (device, attention_forward<T, C>, arguments, op, n_tiles, 0);
      return;
    }
  sng_attention_launch (device, attention_backward_queries<T, C>, arguments, op, n_tiles, 0);
  sng_attention_launch (device, attention_backward_keys<T, C>, arguments, op, n_tiles, 0);
}

template <typename T>
void
launch_size (SngDevice *device, const SngAttentionArguments &arguments, const SngAttention *op, bool backward)
{
  if (op->head_size <= 32)
    launch<T, 32> (device, arguments, op, backward);
  else if (op->head_size <= 64)
    launch<T, 64> (device, arguments, op, backward);
  else
    launch<T, 128> (device, arguments, op, backward);
}

bool
is_aligned (const SngAttention *op, unsigned n_operands)
{
  guintptr addresses =
      (guintptr) op->qkv | (guintptr) op->output | (guintptr) op->d_output | (guintptr) op->d_qkv;

  return op->head_size % n_operands == 0 && addresses % (n_operands * sizeof (guint16)) == 0;
}

SngAttentionArguments
get_arguments (const SngAttention *op)
{
  SngAttentionArguments self = {};

  self.first_rows = op->rows.first_rows;
  self.mask = op->mask;
  self.n_rows = op->rows.n_rows;
  self.n_heads = (unsigned) op->n_heads;
  self.head_size = (unsigned) op->head_size;
  self.causal = op->causal;
  self.aligned = is_aligned (op, 8);
  self.paired = is_aligned (op, 2);
  self.scale = (float) op->scale;
  self.scale_log2 = (float) (op->scale * 1.4426950408889634);
  self.dropout = sng_cuda_dropout (&op->dropout);
  self.qkv = op->qkv;
  self.output = op->output;
  self.log_sum_exp = (float *) op->log_sum_exp;
  self.d_output = op->d_output;
  self.d_qkv = op->d_qkv;
  return self;
}

template <typename T>
void
attention_forward_op (SngDevice *device, const SngAttention *op)
{
  launch_size<T> (device, get_arguments (op), op, false);
}

template <typename T, bool BF16>
void
attention_forward_16 (SngDevice *device, const SngAttention *op)
{
  if (sng_attention_has_mma (op))
    sng_attention_mma_forward (device, get_arguments (op), op, BF16);
  else
    attention_forward_op<T> (device, op);
}

template <typename T, bool BF16>
void
attention_backward_op (SngDevice *device, const SngAttention *op)
{
  SngAttentionArguments arguments = get_arguments (op);

  arguments.totals = (float *) sng_cuda_device_scratch (device, SNG_CUDA_SCRATCH_KERNEL,
                                                        op->n_heads * op->rows.n_rows * sizeof (float));
  if (arguments.totals == NULL)
    return;
  if (sizeof (T) == 2 && sng_attention_has_mma (op))
    sng_attention_mma_backward (device, arguments, op, BF16);
  else
    launch_size<T> (device, arguments, op, true);
}

} // namespace

extern "C" void
sng_cuda_add_attention (SngKernels *f32, SngKernels *bf16, SngKernels *f16)
{
  f32->attention_forward = attention_forward_op<float>;
  f32->attention_backward = attention_backward_op<float, false>;
  bf16->attention_forward = attention_forward_16<SngBf16, true>;
  bf16->attention_backward = attention_backward_op<SngBf16, true>;
  f16->attention_forward = attention_forward_16<SngF16, false>;
  f16->attention_backward = attention_backward_op<SngF16, false>;
}
