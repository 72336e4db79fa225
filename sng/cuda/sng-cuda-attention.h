/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "cuda/sng-cuda-kernel.h"

#include "cuda/sng-cuda-formulas.h"
#include "cuda/sng-cuda-private.h"

/* What the kernels of attention have in common, whether they multiply with the tensor cores (sng-cuda-attention-mma-*.cu) or
 * not (sng-cuda-attention.cu).
 *
 * A block has one tile of one head of one sequence, and goes through the tiles of the other side in their order: queries that
 * go through the keys, or keys that go through the queries. So each sum has one owner and one order, and no result depends on
 * what else runs. Scores are times log2 (e), and 2^x serves as their exponential.
 *
 * Backward is two kernels. The first has the queries. What it subtracts from the gradients of the probabilities, sum of
 * p * d p over the keys, equals the product of the output with its gradient, but not where the output was rounded to
 * operands: the row would no longer add up to 0, and what all keys have in common would reach the gradient of the query. So
 * it begins with that product, finds by how much a row misses 0, and takes so much of sum p * key out of the gradient again.
 * The second kernel, of the keys, gets the corrected sum. */

#define SNG_ATTENTION_THREADS 128 /* of every block */
#define SNG_ATTENTION_WARPS (SNG_ATTENTION_THREADS / 32)
#define SNG_ATTENTION_MAX_SHARED (99 * 1024) /* bytes of shared memory that every GPU has for a block */

/* SngAttention as the kernels get it. */
struct SngAttentionArguments
{
  const gint64  *first_rows;
  const gint64  *mask; /* nullable */
  gsize          n_rows;
  unsigned       n_heads;
  unsigned       head_size;
  unsigned       n_tiles; /* of the longest sequence, times what else divides the work of a head */
  gboolean       causal;
  gboolean       aligned; /* all heads of all rows begin at a multiple of 16 bytes */
  gboolean       paired;  /* … of two operands */
  float          scale;
  float          scale_log2;
  SngCudaDropout dropout;
  const void    *qkv;
  void          *output;
  float         *log_sum_exp;
  const void    *d_output;
  void          *d_qkv;
  float         *totals; /* [n_heads, n_rows] sum of p * d p of each query */
};

/* One head of one sequence, and which tile of it the block has. */
struct SngAttentionHead
{
  unsigned tile;
  unsigned head;
  unsigned n_tokens;
  gsize    first_row;
  gsize    width;   /* of a token in output: n_heads * head_size */
  gsize    stride;  /* of a token in qkv: 3 * width */
  gsize    qkv;     /* where the first token's query is in qkv; the key is width behind it, the value another */
  gsize    output;  /* where its output is */
  gsize    numbers; /* where its log_sum_exp is */
  guint64  ordinal; /* of the sequence, with dropout */
};

static inline __device__ SngAttentionHead
sng_attention_head (const SngAttentionArguments &op)
{
  SngAttentionHead self;
  unsigned         chunk = blockIdx.x / op.n_tiles, sequence = chunk / op.n_heads;

  self.tile = blockIdx.x % op.n_tiles;
  self.head = chunk % op.n_heads;
  self.first_row = (gsize) op.first_rows[sequence];
  self.n_tokens = (unsigned) ((gsize) op.first_rows[sequence + 1] - self.first_row);
  self.width = (gsize) op.n_heads * op.head_size;
  self.stride = 3 * self.width;
  self.output = self.first_row * self.width + (gsize) self.head * op.head_size;
  self.qkv = self.first_row * self.stride + (gsize) self.head * op.head_size;
  self.numbers = self.head * op.n_rows + self.first_row;
  self.ordinal = op.dropout.is_on ? *op.dropout.first_ordinal + sequence : 0;
  return self;
}

/* Whether there is such a key, and the mask lets it be seen. */
static inline __device__ bool
sng_attention_has_key (const SngAttentionArguments &op, const SngAttentionHead &head, unsigned key)
{
  return key < head.n_tokens && (op.mask == NULL || op.mask[head.first_row + key] != 0);
}

/* How many keys some query before last sees. */
static inline __device__ unsigned
sng_attention_n_keys (const SngAttentionArguments &op, const SngAttentionHead &head, unsigned last)
{
  return op.causal && last < head.n_tokens ? last : head.n_tokens;
}

/* The words that decide on keys first, first + 8, first + 16 and first + 24 of a query; first % 32 is below 8. */
static inline __device__ void
sng_attention_draw (const SngAttentionArguments &op,
                    const SngAttentionHead      &head,
                    unsigned                     query,
                    unsigned                     first,
                    guint32                      words[4])
{
  sng_cuda_dropout_draw (&op.dropout, head.ordinal, query, op.dropout.operation + head.head,
                         sng_cuda_dropout_counter (first), words);
}

/* What is too small for a normal number becomes 0: nobody sees it beside a probability that is not. */
static inline __device__ float
sng_attention_exp2 (float x)
{
#ifdef SNG_CUDA_EMULATOR
  return exp2f (x);
#else
  float y;

  asm ("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#endif
}

/* A query's softmax as far as its keys are known. */
struct SngAttentionRow
{
  float most; /* of the scores, -infinity as long as no key was seen */
  float sum;  /* of 2^(score - most) */
};

/* Takes in the greatest of some more scores, all of which are still to be multiplied by scale > 0. reference is what to
 * subtract from the scaled scores; what was summed with the former one is to be multiplied by what is returned. */
static inline __device__ float
sng_attention_raise (SngAttentionRow *row, float most, float scale, float *reference)
{
  float before = row->most, correction;

  row->most = fmaxf (before, most);
  *reference = row->most == -INFINITY ? 0 : row->most * scale;
  correction = sng_attention_exp2 (fmaf (before, scale, -*reference));
  row->sum *= correction;
  return correction;
}

/* The kept log of the sum, and what the output must be multiplied with. A query that has seen no key yields zeros. */
static inline __device__ float
sng_attention_finish (const SngAttentionRow &row, float scale, float *log_sum_exp)
{
  *log_sum_exp = row.sum == 0 ? 0 : row.most * scale + log2f (row.sum);
  return row.sum == 0 ? 0 : 1 / row.sum;
}

/* The sum over n lanes side by side, a power of two. */
static inline __device__ float
sng_attention_sum (float x, int n)
{
  for (int i = 1; i < n; i *= 2)
    x += __shfl_xor_sync (0xffffffffu, x, i);
  return x;
}

static inline __device__ float
sng_attention_max (float x, int n)
{
  for (int i = 1; i < n; i *= 2)
    x = fmaxf (x, __shfl_xor_sync (0xffffffffu, x, i));
  return x;
}

/* The tensor cores' kernels keep all columns of a head in registers, and compare scores before they scale them. */
static inline bool
sng_attention_has_mma (const SngAttention *op)
{
  return op->head_size <= 128 && op->scale > 0;
}

/* Where sng_attention_has_mma(). */
void sng_attention_mma_forward  (SngDevice                   *device,
                                 const SngAttentionArguments &arguments,
                                 const SngAttention          *op,
                                 bool                         bf16);
void sng_attention_mma_backward (SngDevice                   *device,
                                 const SngAttentionArguments &arguments,
                                 const SngAttention          *op,
                                 bool                         bf16);

/* One block for each of n_tiles tiles of each head of each sequence; those behind the end of a sequence return. */
template <typename Kernel>
static inline void
sng_attention_launch (SngDevice             *device,
                      Kernel                 kernel,
                      SngAttentionArguments  arguments,
                      const SngAttention    *op,
                      gsize                  n_tiles,
                      gsize                  shared_bytes)
{
  gsize n_blocks = n_tiles * op->n_heads * op->rows.n_sequences;

  if (n_blocks == 0)
    return;
  arguments.n_tiles = (unsigned) n_tiles;
  sng_cuda_device_check (device,
                         sng_cuda_launch (kernel, dim3 ((unsigned) n_blocks), dim3 (SNG_ATTENTION_THREADS),
                                          shared_bytes, sng_cuda_device_enter (device), arguments),
                         "[cuda][attention]");
}
