/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cuda/sng-cuda-kernel.h"
#include "cuda/sng-cuda-product-private.h"

/* A product for what cuBLASLt has no way for. Its documentation demands nothing of shapes and strides for our types, but says
 * of no shape that there is one. A block computes a tile of the result, a thread 4 x 4 elements of it, each summed in the
 * order of k. */

#define TILE 64
#define TILE_K 16
#define PADDING 4 /* columns, against bank conflicts of the stores */
#define N_THREADS 256
#define N_MINE 4

/* An operand as a matrix of lines, each of k elements: the rows of a or the columns of b. */
template <typename T> struct Lines
{
  const T *values;
  gsize n_lines;
  gsize k;
  gboolean across; /* neighbours in memory are in neighbouring lines */
};

/* lines[p][i] = element first_k + p of line first + i, and 0 outside */
template <typename T>
static __device__ __forceinline__ void
load_tile (const Lines<T> &from, gsize first, gsize first_k, float lines[TILE_K][TILE + PADDING])
{
  for (unsigned e = threadIdx.x; e < TILE * TILE_K; e += N_THREADS)
    {
      unsigned i = from.across ? e % TILE : e / TILE_K;
      unsigned p = from.across ? e / TILE : e % TILE_K;
      gsize line = first + i, place = first_k + p;
      gboolean inside = line < from.n_lines && place < from.k;

      lines[p][i] =
          inside
              ? sng_to_real (from.values[from.across ? place * from.n_lines + line : line * from.k + place])
              : 0.0f;
    }
}

static __device__ __forceinline__ void
add_products (const float a[TILE_K][TILE + PADDING],
              const float b[TILE_K][TILE + PADDING],
              unsigned row,
              unsigned column,
              float sums[N_MINE][N_MINE])
{
  for (unsigned p = 0; p < TILE_K; p++)
    {
      float x[N_MINE], y[N_MINE];

      for (unsigned i = 0; i < N_MINE; i++)
        {
          x[i] = a[p][row + i];
          y[i] = b[p][column + i];
        }
      for (unsigned i = 0; i < N_MINE; i++)
        for (unsigned j = 0; j < N_MINE; j++)
          sums[i][j] = fmaf (x[i], y[j], sums[i][j]);
    }
}

template <typename T, typename R>
__global__ void
__launch_bounds__ (N_THREADS)
    simple_product_kernel (Lines<T> a, Lines<T> b, const R *addend, const R *bias, R *result)
{
  __shared__ float a_tile[TILE_K][TILE + PADDING], b_tile[TILE_K][TILE + PADDING];
  gsize n_across = (b.n_lines + TILE - 1) / TILE;
  gsize first_row = blockIdx.x / n_across * TILE, first_column = blockIdx.x % n_across * TILE;
  unsigned row = threadIdx.x / (TILE / N_MINE) * N_MINE, column = threadIdx.x % (TILE / N_MINE) * N_MINE;
  float sums[N_MINE][N_MINE] = {};

  for (gsize p = 0; p < a.k; p += TILE_K)
    {
      load_tile (a, first_row, p, a_tile);
      load_tile (b, first_column, p, b_tile);
      __syncthreads ();
      add_products (a_tile, b_tile, row, column, sums);
      __syncthreads ();
    }

  for (unsigned i = 0; i < N_MINE; i++)
    for (unsigned j = 0; j < N_MINE; j++)
      {
        gsize my_row = first_row + row + i, my_column = first_column + column + j;
        gsize place = my_row * b.n_lines + my_column;
        float sum = sums[i][j];

        if (my_row >= a.n_lines || my_column >= b.n_lines)
          continue;
        if (addend != NULL)
          sum += sng_to_real (addend[place]);
        if (bias != NULL)
          sum += sng_to_real (bias[my_column]);
        result[place] = sng_from_real<R> (sum);
      }
}

template <typename T>
static Lines<T>
make_lines (gconstpointer values, gsize n_lines, gsize k, gboolean across)
{
  Lines<T> lines;

  lines.values = (const T *) values;
  lines.n_lines = n_lines;
  lines.k = k;
  lines.across = across;
  return lines;
}

template <typename T, typename R>
static cudaError_t
launch (const SngCudaProduct *product, cudaStream_t stream)
{
  gsize n_tiles = (product->m + TILE - 1) / TILE * ((product->n + TILE - 1) / TILE);

  return sng_cuda_launch (simple_product_kernel<T, R>, dim3 ((unsigned) n_tiles), dim3 (N_THREADS), 0, stream,
                          make_lines<T> (product->a, product->m, product->k, product->a_transposed),
                          make_lines<T> (product->b, product->n, product->k, !product->b_transposed),
                          (const R *) product->addend, (const R *) product->bias, (R *) product->result);
}

template <typename T>
static cudaError_t
launch_for_real (const SngCudaProduct *product, cudaStream_t stream)
{
  return product->real == SNG_DTYPE_F32 ? launch<T, float> (product, stream) : launch<T, T> (product, stream);
}

cudaError_t
sng_cuda_simple_product (const SngCudaProduct *product, cudaStream_t stream)
{
  switch (product->operand)
    {
    case SNG_DTYPE_BF16:
      return launch_for_real<SngBf16> (product, stream);
    case SNG_DTYPE_F16:
      return launch_for_real<SngF16> (product, stream);
    default:
      return launch<float, float> (product, stream);
    }
}
