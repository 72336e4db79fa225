/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cuda/sng-cuda-rows.h"

/* Embeddings of tokens and positions.
 *
 * The gradient of an id is the sum over all rows that have it, which may be two of them or, with the few ids of a protein, each
 * twentieth. A first kernel lists the owners: the first row of each id. Then a block adds up an owner's rows for some
 * columns: it looks through all ids 32 at a time, each of its warps through every N_STRIPES-th 32, and a warp adds the rows
 * that it finds in their order; at the end come the sums of the warps, in theirs. So the order of a sum is one of the
 * ids alone. The list of owners is in any order, since no two blocks add to the same row. */

#define PLACE "[cuda][embedding]"
#define N_STRIPES 16
#define QUADS 2 /* of a thread: a warp has 256 columns */
#define COLUMNS_PER_BLOCK (QUADS * SNG_CUDA_TILE)
#define ROWS_AT_ONCE 4 /* whose loads are on their way together */
#define IDS_AT_ONCE 4  /* of a thread, the same */
#define MAX_OWNER_BLOCKS 256

static __global__ void
forward_kernel (SngEmbedding op, SngCudaDropout dropout, bool aligned)
{
  unsigned n = (unsigned) op.n_columns;
  SngCudaTile tile = sng_cuda_tile (n);
  unsigned n_left = sng_cuda_n_left (tile.column, n);
  const float *row_scale = static_cast<const float *> (op.row_scale);
  float values[4], position[4] = { 0, 0, 0, 0 };
  float scale;

  if (tile.row >= op.rows.n_rows)
    return;
  scale = row_scale != NULL ? row_scale[tile.row] : 1.0f;
  sng_cuda_load_quad (values,
                      static_cast<const float *> (op.weight) + (gsize) op.ids[tile.row] * n + tile.column,
                      n_left, aligned);
  if (op.positions != NULL)
    sng_cuda_load_quad (position,
                        static_cast<const float *> (op.positions) + (gsize) op.rows.tokens[tile.row] * n
                            + tile.column,
                        n_left, aligned);
  for (int i = 0; i < 4; i++)
    values[i] = values[i] * scale + position[i];
  if (dropout.is_on)
    sng_cuda_drop_quad (values, dropout, op.rows, tile);
  sng_cuda_store_quad (static_cast<float *> (op.output) + tile.row * n + tile.column, values, n_left,
                       aligned);
}

static void
embedding_forward (SngDevice *device, const SngEmbedding *op)
{
  cudaStream_t stream;
  gsize n = op->n_columns;
  bool aligned = sng_cuda_is_aligned (n, static_cast<const float *> (op->weight))
                 && sng_cuda_is_aligned (n, static_cast<const float *> (op->positions))
                 && sng_cuda_is_aligned (n, static_cast<const float *> (op->output));

  if (op->rows.n_rows == 0)
    return;
  stream = sng_cuda_device_enter (device);
  sng_cuda_device_check (device,
                         sng_cuda_launch (forward_kernel, sng_cuda_tile_grid (op->rows.n_rows, n),
                                          sng_cuda_tile_block (), 0, stream, *op,
                                          sng_cuda_dropout (&op->dropout), aligned),
                         PLACE);
}

/* Drops d_output in place. */
static __global__ void
drop_kernel (SngEmbedding op, SngCudaDropout dropout, bool aligned)
{
  unsigned n = (unsigned) op.n_columns;
  SngCudaTile tile = sng_cuda_tile (n);
  unsigned n_left = sng_cuda_n_left (tile.column, n);
  float *d_output = static_cast<float *> (op.d_output) + tile.row * n + tile.column;
  float values[4];

  if (tile.row >= op.rows.n_rows)
    return;
  sng_cuda_load_quad (values, d_output, n_left, aligned);
  sng_cuda_drop_quad (values, dropout, op.rows, tile);
  sng_cuda_store_quad (d_output, values, n_left, aligned);
}

/* The first row of each id, listed by whichever warp comes first; [n_rows]. A warp has a row, and looks at those before. */
struct Owners
{
  unsigned *n;
  unsigned *rows;
};

static __global__ void
list_owners_kernel (SngEmbedding op, Owners owners)
{
  unsigned row = blockIdx.x * SNG_CUDA_TILES_PER_BLOCK + threadIdx.x / SNG_CUDA_WARP;
  unsigned lane = threadIdx.x % SNG_CUDA_WARP;
  gint64 id;

  if (row >= op.rows.n_rows)
    return;
  id = op.ids[row];
  if (id == op.frozen_id)
    return;
  for (unsigned first = lane; first - lane < row; first += IDS_AT_ONCE * SNG_CUDA_WARP)
    {
      bool any = false;

      SNG_CUDA_UNROLL
      for (unsigned i = 0; i < IDS_AT_ONCE; i++)
        {
          unsigned before = first + i * SNG_CUDA_WARP;

          any |= before < row && op.ids[before] == id;
        }
      if (__any_sync (SNG_CUDA_FULL_MASK, any))
        return;
    }
  if (lane == 0)
    owners.rows[atomicAdd (owners.n, 1u)] = row;
}

/* Takes the lowest set bit out of the mask, and returns its number. */
static __device__ __forceinline__ unsigned
take_lowest (unsigned *mask)
{
  unsigned lowest = *mask & (0u - *mask);
  unsigned number = 0;

  *mask ^= lowest;
  /* each bit of the number is whether the set one is in the half that has it */
  SNG_CUDA_UNROLL
  for (unsigned bit = 0; bit < 5; bit++)
    {
      const unsigned halves[] = { 0xaaaaaaaau, 0xccccccccu, 0xf0f0f0f0u, 0xff00ff00u, 0xffff0000u };

      number |= (lowest & halves[bit]) != 0 ? 1u << bit : 0u;
    }
  return number;
}

/* Adds the rows whose bits are set, in their order, to the totals of the thread's columns. */
static __device__ __forceinline__ void
add_rows (float totals[QUADS][4],
          const SngEmbedding &op,
          gsize first_row,
          unsigned mask,
          unsigned column,
          bool aligned)
{
  unsigned n = (unsigned) op.n_columns;
  const float *row_scale = static_cast<const float *> (op.row_scale);

  while (mask != 0)
    {
      float values[ROWS_AT_ONCE][QUADS][4], scales[ROWS_AT_ONCE];

      SNG_CUDA_UNROLL
      for (int i = 0; i < ROWS_AT_ONCE; i++)
        {
          bool any = mask != 0;
          gsize row = first_row + (any ? take_lowest (&mask) : 0);

          /* A row that is none adds zeros times zero. */
          scales[i] = !any ? 0.0f : row_scale != NULL ? row_scale[row] : 1.0f;
          SNG_CUDA_UNROLL
          for (int quad = 0; quad < QUADS; quad++)
            {
              unsigned from = column + quad * SNG_CUDA_TILE;

              sng_cuda_load_quad (values[i][quad], static_cast<const float *> (op.d_output) + row * n + from,
                                  any ? sng_cuda_n_left (from, n) : 0, aligned);
            }
        }
      SNG_CUDA_UNROLL
      for (int i = 0; i < ROWS_AT_ONCE; i++)
        {
          SNG_CUDA_UNROLL
          for (int quad = 0; quad < QUADS; quad++)
            for (int k = 0; k < 4; k++)
              totals[quad][k] += values[i][quad][k] * scales[i];
        }
    }
}

/* The sum over an owner's rows for the columns of the block (blockIdx.y), of this warp's part of the ids. */
static __device__ __forceinline__ void
add_stripe (float totals[QUADS][4], const SngEmbedding &op, gsize owner, unsigned column, bool aligned)
{
  unsigned lane = threadIdx.x % SNG_CUDA_WARP, stripe = threadIdx.x / SNG_CUDA_WARP;
  gint64 id = op.ids[owner];

  /* none of its rows lies before the owner */
  for (gsize some = owner / SNG_CUDA_WARP / N_STRIPES * N_STRIPES + stripe;
       some * SNG_CUDA_WARP < op.rows.n_rows; some += IDS_AT_ONCE * N_STRIPES)
    {
      bool found[IDS_AT_ONCE];

      SNG_CUDA_UNROLL
      for (int i = 0; i < IDS_AT_ONCE; i++)
        {
          gsize row = (some + i * N_STRIPES) * SNG_CUDA_WARP + lane;

          found[i] = row < op.rows.n_rows && op.ids[row] == id;
        }
      SNG_CUDA_UNROLL
      for (int i = 0; i < IDS_AT_ONCE; i++)
        add_rows (totals, op, (some + i * N_STRIPES) * SNG_CUDA_WARP,
                  __ballot_sync (SNG_CUDA_FULL_MASK, found[i]), column, aligned);
    }
}

static __global__ void __launch_bounds__ (N_STRIPES * SNG_CUDA_WARP, 2)
d_weight_kernel (SngEmbedding op, Owners owners, bool aligned)
{
  __shared__ float sums[N_STRIPES][COLUMNS_PER_BLOCK];
  unsigned lane = threadIdx.x % SNG_CUDA_WARP, stripe = threadIdx.x / SNG_CUDA_WARP;
  unsigned first = blockIdx.y * COLUMNS_PER_BLOCK;
  float *d_weight = static_cast<float *> (op.d_weight);

  for (unsigned i = blockIdx.x; i < *owners.n; i += gridDim.x)
    {
      gsize owner = owners.rows[i];
      float totals[QUADS][4] = {};

      add_stripe (totals, op, owner, first + 4 * lane, aligned);
      for (int quad = 0; quad < QUADS; quad++)
        for (int k = 0; k < 4; k++)
          sums[stripe][quad * SNG_CUDA_TILE + 4 * lane + k] = totals[quad][k];
      __syncthreads ();
      for (unsigned column = threadIdx.x; column < COLUMNS_PER_BLOCK && first + column < op.n_columns;
           column += N_STRIPES * SNG_CUDA_WARP)
        {
          float total = 0;

          for (unsigned from = 0; from < N_STRIPES; from++)
            total += sums[from][column];
          d_weight[(gsize) op.ids[owner] * op.n_columns + first + column] += total;
        }
      __syncthreads ();
    }
}

/* A warp has a tile of one position, and goes through the sequences that are long enough. */
static __global__ void
d_positions_kernel (SngEmbedding op, bool aligned)
{
  unsigned n = (unsigned) op.n_columns;
  SngCudaTile tile = sng_cuda_tile (n);
  unsigned n_left = sng_cuda_n_left (tile.column, n);
  float *d_position = static_cast<float *> (op.d_positions) + tile.row * n + tile.column;
  float totals[4];

  if (tile.row >= op.rows.max_tokens)
    return;
  sng_cuda_load_quad (totals, d_position, n_left, aligned);
  for (gsize sequence = 0; sequence < op.rows.n_sequences; sequence++)
    {
      gsize row = (gsize) op.rows.first_rows[sequence] + tile.row;
      float values[4];

      if (row >= (gsize) op.rows.first_rows[sequence + 1])
        continue;
      sng_cuda_load_quad (values, static_cast<const float *> (op.d_output) + row * n + tile.column, n_left,
                          aligned);
      for (int i = 0; i < 4; i++)
        totals[i] += values[i];
    }
  sng_cuda_store_quad (d_position, totals, n_left, aligned);
}

static void
drop (SngDevice *device, const SngEmbedding *op)
{
  cudaStream_t stream = sng_cuda_device_enter (device);
  bool aligned = sng_cuda_is_aligned (op->n_columns, static_cast<const float *> (op->d_output));

  sng_cuda_device_check (device,
                         sng_cuda_launch (drop_kernel, sng_cuda_tile_grid (op->rows.n_rows, op->n_columns),
                                          sng_cuda_tile_block (), 0, stream, *op,
                                          sng_cuda_dropout (&op->dropout), aligned),
                         PLACE);
}

static void
add_to_weight (SngDevice *device, const SngEmbedding *op)
{
  cudaStream_t stream = sng_cuda_device_enter (device);
  gsize n_rows = op->rows.n_rows;
  dim3 listing ((unsigned) ((n_rows + SNG_CUDA_TILES_PER_BLOCK - 1) / SNG_CUDA_TILES_PER_BLOCK));
  dim3 adding ((unsigned) MIN (n_rows, MAX_OWNER_BLOCKS),
               (unsigned) ((op->n_columns + COLUMNS_PER_BLOCK - 1) / COLUMNS_PER_BLOCK));
  bool aligned = sng_cuda_is_aligned (op->n_columns, static_cast<const float *> (op->d_output));
  Owners owners;

  owners.n = static_cast<unsigned *> (
      sng_cuda_device_scratch (device, SNG_CUDA_SCRATCH_KERNEL, (1 + n_rows) * sizeof (unsigned)));
  if (owners.n == NULL)
    return;
  owners.rows = owners.n + 1;
  if (sng_cuda_device_check (device, cudaMemsetAsync (owners.n, 0, sizeof (unsigned), stream), PLACE)
      && sng_cuda_device_check (
          device,
          sng_cuda_launch (list_owners_kernel, listing, sng_cuda_tile_block (), 0, stream, *op, owners),
          PLACE))
    sng_cuda_device_check (device,
                           sng_cuda_launch (d_weight_kernel, adding, dim3 (N_STRIPES * SNG_CUDA_WARP), 0,
                                            stream, *op, owners, aligned),
                           PLACE);
}

static void
add_to_positions (SngDevice *device, const SngEmbedding *op)
{
  cudaStream_t stream = sng_cuda_device_enter (device);
  bool aligned = sng_cuda_is_aligned (op->n_columns, static_cast<const float *> (op->d_output))
                 && sng_cuda_is_aligned (op->n_columns, static_cast<const float *> (op->d_positions));

  sng_cuda_device_check (device,
                         sng_cuda_launch (d_positions_kernel,
                                          sng_cuda_tile_grid (op->rows.max_tokens, op->n_columns),
                                          sng_cuda_tile_block (), 0, stream, *op, aligned),
                         PLACE);
}

static void
embedding_backward (SngDevice *device, const SngEmbedding *op)
{
  if (op->rows.n_rows == 0)
    return;
  if (op->dropout.rate > 0)
    drop (device, op);
  add_to_weight (device, op);
  if (op->d_positions != NULL)
    add_to_positions (device, op);
}

extern "C" void
sng_cuda_add_embedding (SngKernels *f32, SngKernels *bf16, SngKernels *f16)
{
  f32->embedding_forward = bf16->embedding_forward = f16->embedding_forward = embedding_forward;
  f32->embedding_backward = bf16->embedding_backward = f16->embedding_backward = embedding_backward;
}
