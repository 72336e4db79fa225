/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cuda/sng-cuda-kernel.h"

#include <string.h>

#include "cuda/sng-cuda-optimizer-formulas.h"
#include "cuda/sng-cuda-private.h"

/* The optimizers, clipping and the moving average. Each call is one launch over its whole list, cut into pieces that do not
 * depend on the GPU, and passes over its memory once. Reals are floats in all of CUDA's tables. */

#define THREADS 256
#define AT_ONCE 4                         /* elements of a thread that are loaded before any is stored */
#define ELEMENTS_PER_BLOCK (THREADS * 16) /* of a piece */
#define SQUARES_THREADS 32                /* small blocks, for a model has few pieces */
#define PIECES_PER_BLOCK (SQUARES_THREADS / SNG_CUDA_SQUARES_LANES)

/* Elements first, first + THREADS, … below last, for this thread of block y of its piece. */
struct Part
{
  guint first;
  guint last;
};

static __device__ __forceinline__ Part
part_of (guint n_elements)
{
  guint begin = blockIdx.y * ELEMENTS_PER_BLOCK;
  guint end = begin + ELEMENTS_PER_BLOCK;
  Part part = { begin + threadIdx.x, end < n_elements ? end : n_elements };

  return part;
}

static __device__ __forceinline__ void
load_some (float to[AT_ONCE], const float *from, guint first, guint last)
{
  for (guint j = 0; j < AT_ONCE; j++)
    if (first + j * THREADS < last)
      to[j] = from[first + j * THREADS];
}

static __device__ __forceinline__ void
store_some (float *to, const float from[AT_ONCE], guint first, guint last)
{
  for (guint j = 0; j < AT_ONCE; j++)
    if (first + j * THREADS < last)
      to[first + j * THREADS] = from[j];
}

static __global__ void
__launch_bounds__ (THREADS) adamw_kernel (const SngCudaPiece *pieces, SngCudaAdamw adamw)
{
  SngCudaPiece piece = pieces[blockIdx.x];
  Part part = part_of (piece.n_elements);
  float g[AT_ONCE] = { 0 }, p[AT_ONCE] = { 0 }, m[AT_ONCE] = { 0 }, v[AT_ONCE] = { 0 };

  for (guint i = part.first; i < part.last; i += AT_ONCE * THREADS)
    {
      load_some (g, piece.source, i, part.last);
      load_some (p, piece.target, i, part.last);
      load_some (m, piece.buffers[0], i, part.last);
      load_some (v, piece.buffers[1], i, part.last);
      for (guint j = 0; j < AT_ONCE; j++)
        sng_cuda_adamw_element (&adamw, piece.factors, g[j], &p[j], &m[j], &v[j]);
      store_some (piece.target, p, i, part.last);
      store_some (piece.buffers[0], m, i, part.last);
      store_some (piece.buffers[1], v, i, part.last);
    }
}

static __global__ void
__launch_bounds__ (THREADS) sgd_kernel (const SngCudaPiece *pieces, SngCudaSgd sgd)
{
  SngCudaPiece piece = pieces[blockIdx.x];
  Part part = part_of (piece.n_elements);
  float g[AT_ONCE] = { 0 }, p[AT_ONCE] = { 0 }, b[AT_ONCE] = { 0 };

  for (guint i = part.first; i < part.last; i += AT_ONCE * THREADS)
    {
      load_some (g, piece.source, i, part.last);
      load_some (p, piece.target, i, part.last);
      if (sgd.has_momentum && !sgd.first)
        load_some (b, piece.buffers[0], i, part.last);
      for (guint j = 0; j < AT_ONCE; j++)
        sng_cuda_sgd_element (&sgd, piece.factors, g[j], &p[j], &b[j]);
      store_some (piece.target, p, i, part.last);
      if (sgd.has_momentum)
        store_some (piece.buffers[0], b, i, part.last);
    }
}

static __global__ void
__launch_bounds__ (THREADS) scale_kernel (const SngCudaPiece *pieces, float factor)
{
  SngCudaPiece piece = pieces[blockIdx.x];
  Part part = part_of (piece.n_elements);
  float x[AT_ONCE] = { 0 };

  for (guint i = part.first; i < part.last; i += AT_ONCE * THREADS)
    {
      load_some (x, piece.target, i, part.last);
      for (guint j = 0; j < AT_ONCE; j++)
        x[j] = sng_cuda_multiply (x[j], factor);
      store_some (piece.target, x, i, part.last);
    }
}

static __global__ void
__launch_bounds__ (THREADS) average_kernel (const SngCudaPiece *pieces)
{
  SngCudaPiece piece = pieces[blockIdx.x];
  Part part = part_of (piece.n_elements);
  float x[AT_ONCE] = { 0 }, mean[AT_ONCE] = { 0 };

  for (guint i = part.first; i < part.last; i += AT_ONCE * THREADS)
    {
      load_some (x, piece.source, i, part.last);
      load_some (mean, piece.target, i, part.last);
      for (guint j = 0; j < AT_ONCE; j++)
        mean[j] = sng_cuda_lerp (mean[j], x[j], piece.factors[0], piece.factors[1]);
      store_some (piece.target, mean, i, part.last);
    }
}

/* As integers: no bit of a NaN may change on the way. */
static __global__ void
__launch_bounds__ (THREADS) exchange_kernel (gsize n_elements, guint32 *first, guint32 *second)
{
  gsize begin = (gsize) blockIdx.x * ELEMENTS_PER_BLOCK;
  gsize end = begin + ELEMENTS_PER_BLOCK < n_elements ? begin + ELEMENTS_PER_BLOCK : n_elements;

  for (gsize i = begin + threadIdx.x; i < end; i += THREADS)
    {
      guint32 kept = first[i];

      first[i] = second[i];
      second[i] = kept;
    }
}

/* Eight neighbours have the eight running sums of a piece, and add them up as the CPU does: in pairs. */
static __global__ void
__launch_bounds__ (SQUARES_THREADS) squares_kernel (const SngCudaPiece *pieces, guint n_pieces, double *sums)
{
  guint index = blockIdx.x * PIECES_PER_BLOCK + threadIdx.x / SNG_CUDA_SQUARES_LANES;
  guint lane = threadIdx.x % SNG_CUDA_SQUARES_LANES;
  double sum = 0;

  if (index < n_pieces)
    sum = sng_cuda_squares_lane (&pieces[index], lane);
  for (int distance = 1; distance < SNG_CUDA_SQUARES_LANES; distance *= 2)
    sum += __shfl_xor_sync (0xffffffff, sum, distance);
  if (index < n_pieces && lane == 0)
    sums[index] = sum;
}

/* Appends the pieces of an array. */
static void
add_pieces (GArray *pieces, gsize n_elements, const float *source, float *target, const float factors[2])
{
  for (gsize first = 0; first < n_elements; first += SNG_CUDA_PIECE_ELEMENTS)
    {
      SngCudaPiece piece = {};

      piece.source = source != NULL ? source + first : NULL;
      piece.target = target != NULL ? target + first : NULL;
      piece.n_elements = (guint32) MIN (n_elements - first, SNG_CUDA_PIECE_ELEMENTS);
      if (factors != NULL)
        memcpy (piece.factors, factors, sizeof piece.factors);
      g_array_append_val (pieces, piece);
    }
}

static GArray *
pieces_new (gsize n)
{
  return g_array_sized_new (FALSE, FALSE, sizeof (SngCudaPiece), (guint) n);
}

/* NULL also where there is nothing to do. */
static const SngCudaPiece *
upload_pieces (SngDevice *device, GArray *pieces)
{
  if (pieces->len == 0)
    return NULL;
  return (const SngCudaPiece *) sng_cuda_device_upload_arguments (device, pieces->data,
                                                                  pieces->len * sizeof (SngCudaPiece));
}

/* A column of blocks for each piece, as high as the largest one needs. */
static dim3
grid_of (GArray *pieces)
{
  guint32 largest = 0;

  for (guint i = 0; i < pieces->len; i++)
    largest = MAX (largest, g_array_index (pieces, SngCudaPiece, i).n_elements);
  return dim3 (pieces->len, MAX ((largest + ELEMENTS_PER_BLOCK - 1) / ELEMENTS_PER_BLOCK, 1));
}

static void
adamw (SngDevice *device, const SngAdamwUpdate *op)
{
  cudaStream_t stream = sng_cuda_device_enter (device);
  g_autoptr (GArray) pieces = pieces_new (op->update.n_spans);
  double correction1 = sng_cuda_adamw_correction1 (op);
  const SngCudaPiece *uploaded;

  for (gsize i = 0; i < op->update.n_spans; i++)
    {
      SngCudaPiece piece = sng_cuda_adamw_prepare_span (op, correction1, &op->update.spans[i]);

      g_array_append_val (pieces, piece);
    }

  sng_cuda_before_update (device);
  uploaded = upload_pieces (device, pieces);
  if (uploaded != NULL)
    sng_cuda_device_check (device,
                           sng_cuda_launch (adamw_kernel, grid_of (pieces), dim3 (THREADS), 0, stream,
                                            uploaded, sng_cuda_adamw_prepare (op)),
                           "[cuda][adamw]");
}

static void
sgd (SngDevice *device, const SngSgdUpdate *op)
{
  cudaStream_t stream = sng_cuda_device_enter (device);
  g_autoptr (GArray) pieces = pieces_new (op->update.n_spans);
  const SngCudaPiece *uploaded;

  for (gsize i = 0; i < op->update.n_spans; i++)
    {
      SngCudaPiece piece = sng_cuda_sgd_prepare_span (op, &op->update.spans[i]);

      g_array_append_val (pieces, piece);
    }

  sng_cuda_before_update (device);
  uploaded = upload_pieces (device, pieces);
  if (uploaded != NULL)
    sng_cuda_device_check (device,
                           sng_cuda_launch (sgd_kernel, grid_of (pieces), dim3 (THREADS), 0, stream, uploaded,
                                            sng_cuda_sgd_prepare (op)),
                           "[cuda][sgd]");
}

/* The host adds up the sums of an array's pieces, in their order. */
static void
add_up_pieces (gsize n_arrays, const SngArray *arrays, const double *of_pieces, double *sums)
{
  gsize next = 0;

  for (gsize i = 0; i < n_arrays; i++)
    for (gsize first = 0; first < arrays[i].n_elements; first += SNG_CUDA_PIECE_ELEMENTS)
      sums[i] += of_pieces[next++];
}

static void
sum_of_squares (SngDevice *device, gsize n_arrays, const SngArray *arrays, double *sums)
{
  cudaStream_t stream = sng_cuda_device_enter (device);
  g_autoptr (GArray) pieces = pieces_new (n_arrays);
  const SngCudaPiece *uploaded;
  SngCudaSlot *slot;
  double *results;

  for (gsize i = 0; i < n_arrays; i++)
    {
      sums[i] = 0;
      add_pieces (pieces, arrays[i].n_elements, (const float *) arrays[i].values, NULL, NULL);
    }

  uploaded = upload_pieces (device, pieces);
  if (uploaded == NULL)
    return;
  slot = sng_cuda_device_take_slot (device, pieces->len * sizeof *results);
  if (slot == NULL)
    return;

  results = (double *) sng_cuda_slot_get_data (slot);
  if (sng_cuda_device_check (
          device,
          sng_cuda_launch (squares_kernel, dim3 ((pieces->len + PIECES_PER_BLOCK - 1) / PIECES_PER_BLOCK),
                           dim3 (SQUARES_THREADS), 0, stream, uploaded, pieces->len, results),
          "[cuda][sum-of-squares]")
      && sng_cuda_device_wait (device, "[cuda][sum-of-squares]"))
    add_up_pieces (n_arrays, arrays, results, sums);
  sng_cuda_device_return_slot (device, slot);
}

static void
scale (SngDevice *device, gsize n_arrays, const SngArray *arrays, double factor)
{
  cudaStream_t stream = sng_cuda_device_enter (device);
  g_autoptr (GArray) pieces = pieces_new (n_arrays);
  const SngCudaPiece *uploaded;

  for (gsize i = 0; i < n_arrays; i++)
    {
      sng_cuda_before_write (device, arrays[i].values, arrays[i].n_elements * sizeof (float));
      add_pieces (pieces, arrays[i].n_elements, NULL, (float *) arrays[i].values, NULL);
    }

  uploaded = upload_pieces (device, pieces);
  if (uploaded != NULL)
    sng_cuda_device_check (
        device,
        sng_cuda_launch (scale_kernel, grid_of (pieces), dim3 (THREADS), 0, stream, uploaded, (float) factor),
        "[cuda][scale]");
}

static void
average (SngDevice *device, gsize n_averages, const SngAverage *averages)
{
  cudaStream_t stream = sng_cuda_device_enter (device);
  g_autoptr (GArray) pieces = pieces_new (n_averages);
  const SngCudaPiece *uploaded;

  for (gsize i = 0; i < n_averages; i++)
    {
      const float factors[2] = { (float) averages[i].weight, (float) (1.0 - averages[i].weight) };

      add_pieces (pieces, averages[i].n_elements, (const float *) averages[i].value,
                  (float *) averages[i].average, factors);
    }

  sng_cuda_before_update (device);
  uploaded = upload_pieces (device, pieces);
  if (uploaded != NULL)
    sng_cuda_device_check (
        device, sng_cuda_launch (average_kernel, grid_of (pieces), dim3 (THREADS), 0, stream, uploaded),
        "[cuda][average]");
}

static void
exchange (SngDevice *device, gsize n_elements, gpointer first, gpointer second)
{
  cudaStream_t stream = sng_cuda_device_enter (device);

  sng_cuda_before_update (device);
  if (n_elements > 0)
    sng_cuda_device_check (
        device,
        sng_cuda_launch (exchange_kernel,
                         dim3 ((guint) ((n_elements + ELEMENTS_PER_BLOCK - 1) / ELEMENTS_PER_BLOCK)),
                         dim3 (THREADS), 0, stream, n_elements, (guint32 *) first, (guint32 *) second),
        "[cuda][exchange]");
}

extern "C" void
sng_cuda_add_optimizer (SngKernels *f32, SngKernels *bf16, SngKernels *f16)
{
  SngKernels *const tables[] = { f32, bf16, f16 };

  for (SngKernels *table : tables)
    {
      table->adamw = adamw;
      table->sgd = sgd;
      table->sum_of_squares = sum_of_squares;
      table->scale = scale;
      table->average = average;
      table->exchange = exchange;
    }
}
