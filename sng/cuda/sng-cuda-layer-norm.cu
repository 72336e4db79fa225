/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cuda/sng-cuda-rows.h"

/* Layer normalisation. A row lies in the registers of as many warps as it needs: read once, its mean is summed first, then
 * the variance about it. How many warps and how many quads a thread has depends on the number of columns alone, and so
 * does the order of a row's sums. A row that is too long for the registers is read again for each sum.
 *
 * Backward goes through the rows in parts of a fixed size, and sums the gradients of weight and bias over each part in
 * registers; a second kernel adds up the parts in their order. */

#define PLACE "[cuda][layer-norm]"
#define ROWS_PER_PART 8
/* of the kernel that adds up parts */
#define N_STRIPES 32
#define PARTS_AT_ONCE 8 /* of a stripe, whose loads are on their way together */

/* Groups of so many warps have a row; a block is one group or more. */
template <int WARPS>
struct Group
{
  static constexpr int N_THREADS = WARPS * SNG_CUDA_WARP;
  static constexpr int N_IN_BLOCK = WARPS == 1 ? 4 : 1;
  static constexpr int BLOCK = N_IN_BLOCK * N_THREADS;

  static __device__ __forceinline__ gsize
  number ()
  {
    return (gsize) blockIdx.x * N_IN_BLOCK + threadIdx.x / N_THREADS;
  }

  /* Which column a quad of this thread begins at. */
  static __device__ __forceinline__ unsigned
  column (int quad)
  {
    return 4 * (quad * N_THREADS + threadIdx.x % N_THREADS);
  }

  /* The tile of the warp that the quad is in. */
  static __device__ __forceinline__ SngCudaTile
  tile (gsize row, int quad)
  {
    SngCudaTile tile = { row, column (quad) - 4 * (threadIdx.x % SNG_CUDA_WARP), column (quad) };

    return tile;
  }

  static __device__ __forceinline__ float
  sum (float value)
  {
    return WARPS == 1 ? sng_warp_sum (value) : sng_block_sum (value);
  }

  static inline dim3
  grid (gsize n_groups)
  {
    return dim3 ((unsigned) ((n_groups + N_IN_BLOCK - 1) / N_IN_BLOCK));
  }
};

template <typename T, int WARPS, int QUADS>
static __global__ void __launch_bounds__ (Group<WARPS>::BLOCK)
forward_kernel (SngLayerNorm op, bool aligned)
{
  gsize row = Group<WARPS>::number ();
  unsigned n = (unsigned) op.n_columns;
  const float *input = static_cast<const float *> (op.input) + row * n;
  T *output = static_cast<T *> (op.output) + row * n;
  float values[QUADS][4], weight[4], bias[4];
  float total = 0, mean, rstd;

  if (row >= op.rows.n_rows)
    return;

  SNG_CUDA_UNROLL
  for (int quad = 0; quad < QUADS; quad++)
    {
      unsigned column = Group<WARPS>::column (quad);

      sng_cuda_load_quad (values[quad], input + column, sng_cuda_n_left (column, n), aligned);
      for (int i = 0; i < 4; i++)
        total += values[quad][i];
    }
  mean = Group<WARPS>::sum (total) / (float) n;

  total = 0;
  SNG_CUDA_UNROLL
  for (int quad = 0; quad < QUADS; quad++)
    for (unsigned i = 0; i < 4; i++)
      if (i < sng_cuda_n_left (Group<WARPS>::column (quad), n))
        total += (values[quad][i] - mean) * (values[quad][i] - mean);
  rstd = sng_cuda_layer_norm_rstd (Group<WARPS>::sum (total) / (float) n, (float) op.epsilon);

  SNG_CUDA_UNROLL
  for (int quad = 0; quad < QUADS; quad++)
    {
      unsigned column = Group<WARPS>::column (quad);
      unsigned n_left = sng_cuda_n_left (column, n);

      sng_cuda_load_quad (weight, static_cast<const float *> (op.weight) + column, n_left, aligned);
      sng_cuda_load_quad (bias, static_cast<const float *> (op.bias) + column, n_left, aligned);
      for (int i = 0; i < 4; i++)
        values[quad][i] = sng_cuda_layer_norm_output (sng_cuda_layer_norm_x (values[quad][i], mean, rstd),
                                                      weight[i], bias[i]);
      sng_cuda_store_quad (output + column, values[quad], n_left, aligned);
    }
  if (Group<WARPS>::column (0) == 0)
    {
      static_cast<float *> (op.mean)[row] = mean;
      static_cast<float *> (op.rstd)[row] = rstd;
    }
}

/* A quad of the input and of d_output. */
static __device__ __forceinline__ void
load_input_and_d (float input[4], float d[4], const SngLayerNorm &op, gsize row, unsigned column, bool aligned)
{
  unsigned n = (unsigned) op.n_columns, n_left = sng_cuda_n_left (column, n);

  sng_cuda_load_quad (input, static_cast<const float *> (op.input) + row * n + column, n_left, aligned);
  sng_cuda_load_quad (d, static_cast<const float *> (op.d_output) + row * n + column, n_left, aligned);
}

/* A quad of d_input, and what becomes of it in the branch. All lanes of the warp, which has the tile, call it. */
template <typename T>
static __device__ __forceinline__ void
store_quad (const SngLayerNorm &op,
            const SngCudaDropout &dropout,
            const SngCudaTile &tile,
            float values[4],
            bool aligned)
{
  unsigned n = (unsigned) op.n_columns, n_left = sng_cuda_n_left (tile.column, n);
  gsize place = tile.row * n + tile.column;

  sng_cuda_store_quad (static_cast<float *> (op.d_input) + place, values, n_left, aligned);
  if (op.d_branch == NULL)
    return;
  if (dropout.is_on && tile.first < n)
    sng_cuda_drop_quad (values, dropout, op.rows, tile);
  sng_cuda_store_quad (static_cast<T *> (op.d_branch) + place, values, n_left, aligned);
}

/* d_input and d_branch of a row, of which x (the normalised input) and d (d_output) are in registers. */
template <typename T, int WARPS, int QUADS>
static __device__ __forceinline__ void
store_gradients (const SngLayerNorm &op,
                 const SngCudaDropout &dropout,
                 gsize row,
                 const float x[QUADS][4],
                 const float d[QUADS][4],
                 bool aligned)
{
  unsigned n = (unsigned) op.n_columns;
  const float *d_input = static_cast<const float *> (op.d_input) + row * n;
  float rstd = static_cast<const float *> (op.rstd)[row];
  float weight[4], before[QUADS][4] = {}, values[4];
  float g_mean = 0, gx_mean = 0;

  SNG_CUDA_UNROLL
  for (int quad = 0; quad < QUADS; quad++)
    {
      unsigned column = Group<WARPS>::column (quad);
      unsigned n_left = sng_cuda_n_left (column, n);

      /* on its way while the row is summed */
      if (op.add_to_d_input)
        sng_cuda_load_quad (before[quad], d_input + column, n_left, aligned);
      sng_cuda_load_quad (weight, static_cast<const float *> (op.weight) + column, n_left, aligned);
      for (int i = 0; i < 4; i++)
        {
          float g = d[quad][i] * weight[i];

          g_mean += g;
          gx_mean += g * x[quad][i];
        }
    }
  g_mean = Group<WARPS>::sum (g_mean) / (float) n;
  gx_mean = Group<WARPS>::sum (gx_mean) / (float) n;

  SNG_CUDA_UNROLL
  for (int quad = 0; quad < QUADS; quad++)
    {
      unsigned column = Group<WARPS>::column (quad);
      unsigned n_left = sng_cuda_n_left (column, n);

      sng_cuda_load_quad (weight, static_cast<const float *> (op.weight) + column, n_left, aligned);
      for (int i = 0; i < 4; i++)
        values[i] = sng_cuda_layer_norm_d_input (x[quad][i], d[quad][i] * weight[i], g_mean, gx_mean, rstd);
      for (int i = 0; i < 4 && op.add_to_d_input; i++)
        values[i] = before[quad][i] + values[i];
      store_quad<T> (op, dropout, Group<WARPS>::tile (row, quad), values, aligned);
    }
}

/* parts is [n_parts, 2, n_columns]: the gradients of weight and of bias of each part of the rows. */
template <typename T, int WARPS, int QUADS>
static __global__ void __launch_bounds__ (Group<WARPS>::BLOCK)
backward_kernel (SngLayerNorm op, SngCudaDropout dropout, float *parts, bool aligned)
{
  gsize part = Group<WARPS>::number ();
  gsize first = part * ROWS_PER_PART;
  unsigned n = (unsigned) op.n_columns;
  float d_weight[QUADS][4] = {}, d_bias[QUADS][4] = {}, x[QUADS][4], d[QUADS][4];

  for (gsize row = first; row < first + ROWS_PER_PART && row < op.rows.n_rows; row++)
    {
      float mean = static_cast<const float *> (op.mean)[row];
      float rstd = static_cast<const float *> (op.rstd)[row];

      /* all on their way before the first is used */
      SNG_CUDA_UNROLL
      for (int quad = 0; quad < QUADS; quad++)
        load_input_and_d (x[quad], d[quad], op, row, Group<WARPS>::column (quad), aligned);
      SNG_CUDA_UNROLL
      for (int quad = 0; quad < QUADS; quad++)
        for (int i = 0; i < 4; i++)
          {
            x[quad][i] = sng_cuda_layer_norm_x (x[quad][i], mean, rstd);
            d_weight[quad][i] += d[quad][i] * x[quad][i];
            d_bias[quad][i] += d[quad][i];
          }
      store_gradients<T, WARPS, QUADS> (op, dropout, row, x, d, aligned);
    }

  if (first >= op.rows.n_rows)
    return;
  SNG_CUDA_UNROLL
  for (int quad = 0; quad < QUADS; quad++)
    {
      unsigned column = Group<WARPS>::column (quad);
      unsigned n_left = sng_cuda_n_left (column, n);

      sng_cuda_store_quad (parts + 2 * part * n + column, d_weight[quad], n_left, aligned);
      sng_cuda_store_quad (parts + (2 * part + 1) * n + column, d_bias[quad], n_left, aligned);
    }
}

/* Adds the parts to d_weight (blockIdx.y = 0) or d_bias: a lane has a column, a warp every N_STRIPES-th part. */
static __global__ void __launch_bounds__ (N_STRIPES * SNG_CUDA_WARP, 1)
add_parts_kernel (SngLayerNorm op, const float *parts, gsize n_parts)
{
  __shared__ float sums[N_STRIPES][SNG_CUDA_WARP];
  unsigned lane = threadIdx.x % SNG_CUDA_WARP, stripe = threadIdx.x / SNG_CUDA_WARP;
  unsigned column = blockIdx.x * SNG_CUDA_WARP + lane;
  float *gradient = static_cast<float *> (blockIdx.y == 0 ? op.d_weight : op.d_bias);
  float total = 0;

  if (column < op.n_columns)
    for (gsize first = stripe; first < n_parts; first += PARTS_AT_ONCE * N_STRIPES)
      {
        float values[PARTS_AT_ONCE];

        /* behind the last part it is loaded again, in vain: no load depends on another one */
        SNG_CUDA_UNROLL
        for (unsigned i = 0; i < PARTS_AT_ONCE; i++)
          values[i] =
              parts[(2 * MIN (first + i * N_STRIPES, n_parts - 1) + blockIdx.y) * op.n_columns + column];
        SNG_CUDA_UNROLL
        for (unsigned i = 0; i < PARTS_AT_ONCE; i++)
          total += first + i * N_STRIPES < n_parts ? values[i] : 0.0f;
      }
  sums[stripe][lane] = total;
  __syncthreads ();
  if (stripe != 0 || column >= op.n_columns)
    return;
  for (unsigned i = 1; i < N_STRIPES; i++)
    total += sums[i][lane];
  gradient[column] += total;
}

/* ---- rows that are too long for the registers of a block, which goes over them a turn at a time ---- */

#define WIDE_WARPS 16

using Wide = Group<WIDE_WARPS>;

static __device__ __forceinline__ int
n_turns (unsigned n)
{
  return (int) ((n + 4 * Wide::N_THREADS - 1) / (4 * Wide::N_THREADS));
}

template <typename T>
static __global__ void __launch_bounds__ (Wide::BLOCK)
wide_forward_kernel (SngLayerNorm op, bool aligned)
{
  gsize row = Wide::number ();
  unsigned n = (unsigned) op.n_columns;
  const float *input = static_cast<const float *> (op.input) + row * n;
  T *output = static_cast<T *> (op.output) + row * n;
  float values[4], weight[4], bias[4];
  float total = 0, mean, rstd;

  for (int turn = 0; turn < n_turns (n); turn++)
    {
      unsigned column = Wide::column (turn);

      sng_cuda_load_quad (values, input + column, sng_cuda_n_left (column, n), aligned);
      for (int i = 0; i < 4; i++)
        total += values[i];
    }
  mean = Wide::sum (total) / (float) n;

  total = 0;
  for (int turn = 0; turn < n_turns (n); turn++)
    {
      unsigned column = Wide::column (turn), n_left = sng_cuda_n_left (column, n);

      sng_cuda_load_quad (values, input + column, n_left, aligned);
      for (unsigned i = 0; i < 4; i++)
        if (i < n_left)
          total += (values[i] - mean) * (values[i] - mean);
    }
  rstd = sng_cuda_layer_norm_rstd (Wide::sum (total) / (float) n, (float) op.epsilon);

  for (int turn = 0; turn < n_turns (n); turn++)
    {
      unsigned column = Wide::column (turn), n_left = sng_cuda_n_left (column, n);

      sng_cuda_load_quad (values, input + column, n_left, aligned);
      sng_cuda_load_quad (weight, static_cast<const float *> (op.weight) + column, n_left, aligned);
      sng_cuda_load_quad (bias, static_cast<const float *> (op.bias) + column, n_left, aligned);
      for (int i = 0; i < 4; i++)
        values[i] =
            sng_cuda_layer_norm_output (sng_cuda_layer_norm_x (values[i], mean, rstd), weight[i], bias[i]);
      sng_cuda_store_quad (output + column, values, n_left, aligned);
    }
  if (threadIdx.x == 0)
    {
      static_cast<float *> (op.mean)[row] = mean;
      static_cast<float *> (op.rstd)[row] = rstd;
    }
}

/* A quad of the normalised input and of d_output. */
static __device__ __forceinline__ void
load_x_and_d (float x[4], float d[4], const SngLayerNorm &op, gsize row, unsigned column, bool aligned)
{
  float mean = static_cast<const float *> (op.mean)[row];
  float rstd = static_cast<const float *> (op.rstd)[row];

  load_input_and_d (x, d, op, row, column, aligned);
  for (int i = 0; i < 4; i++)
    x[i] = sng_cuda_layer_norm_x (x[i], mean, rstd);
}

template <typename T>
static __device__ __forceinline__ void
store_wide_gradients (const SngLayerNorm &op, const SngCudaDropout &dropout, gsize row, bool aligned)
{
  unsigned n = (unsigned) op.n_columns;
  const float *d_input = static_cast<const float *> (op.d_input) + row * n;
  float rstd = static_cast<const float *> (op.rstd)[row];
  float x[4], d[4], weight[4], before[4], values[4];
  float g_mean = 0, gx_mean = 0;

  for (int turn = 0; turn < n_turns (n); turn++)
    {
      unsigned column = Wide::column (turn);

      load_x_and_d (x, d, op, row, column, aligned);
      sng_cuda_load_quad (weight, static_cast<const float *> (op.weight) + column,
                          sng_cuda_n_left (column, n), aligned);
      for (int i = 0; i < 4; i++)
        {
          g_mean += d[i] * weight[i];
          gx_mean += d[i] * weight[i] * x[i];
        }
    }
  g_mean = Wide::sum (g_mean) / (float) n;
  gx_mean = Wide::sum (gx_mean) / (float) n;

  for (int turn = 0; turn < n_turns (n); turn++)
    {
      unsigned column = Wide::column (turn), n_left = sng_cuda_n_left (column, n);

      load_x_and_d (x, d, op, row, column, aligned);
      sng_cuda_load_quad (weight, static_cast<const float *> (op.weight) + column, n_left, aligned);
      for (int i = 0; i < 4; i++)
        values[i] = sng_cuda_layer_norm_d_input (x[i], d[i] * weight[i], g_mean, gx_mean, rstd);
      if (op.add_to_d_input)
        {
          sng_cuda_load_quad (before, d_input + column, n_left, aligned);
          for (int i = 0; i < 4; i++)
            values[i] = before[i] + values[i];
        }
      store_quad<T> (op, dropout, Wide::tile (row, turn), values, aligned);
    }
}

template <typename T>
static __global__ void __launch_bounds__ (Wide::BLOCK)
wide_backward_kernel (SngLayerNorm op, SngCudaDropout dropout, float *parts, bool aligned)
{
  gsize part = Wide::number ();
  gsize first = part * ROWS_PER_PART, last = MIN (first + ROWS_PER_PART, op.rows.n_rows);
  unsigned n = (unsigned) op.n_columns;

  for (gsize row = first; row < last; row++)
    store_wide_gradients<T> (op, dropout, row, aligned);

  for (int turn = 0; turn < n_turns (n); turn++)
    {
      unsigned column = Wide::column (turn), n_left = sng_cuda_n_left (column, n);
      float d_weight[4] = {}, d_bias[4] = {}, x[4], d[4];

      for (gsize row = first; row < last; row++)
        {
          load_x_and_d (x, d, op, row, column, aligned);
          for (int i = 0; i < 4; i++)
            {
              d_weight[i] += d[i] * x[i];
              d_bias[i] += d[i];
            }
        }
      sng_cuda_store_quad (parts + 2 * part * n + column, d_weight, n_left, aligned);
      sng_cuda_store_quad (parts + (2 * part + 1) * n + column, d_bias, n_left, aligned);
    }
}

/* ---- launch ---- */

/* One size of a row: the kernels for up to this many columns. */
template <typename T>
struct Forward
{
  const SngLayerNorm *op;
  cudaStream_t stream;
  bool aligned;

  template <int WARPS, int QUADS>
  cudaError_t
  launch () const
  {
    return sng_cuda_launch (forward_kernel<T, WARPS, QUADS>, Group<WARPS>::grid (op->rows.n_rows),
                            dim3 (Group<WARPS>::BLOCK), 0, stream, *op, aligned);
  }

  cudaError_t
  launch_wide () const
  {
    return sng_cuda_launch (wide_forward_kernel<T>, Wide::grid (op->rows.n_rows), dim3 (Wide::BLOCK), 0, stream,
                            *op, aligned);
  }
};

template <typename T>
struct Backward
{
  const SngLayerNorm *op;
  cudaStream_t stream;
  bool aligned;
  float *parts;
  gsize n_parts;

  template <int WARPS, int QUADS>
  cudaError_t
  launch () const
  {
    return sng_cuda_launch (backward_kernel<T, WARPS, QUADS>, Group<WARPS>::grid (n_parts),
                            dim3 (Group<WARPS>::BLOCK), 0, stream, *op, sng_cuda_dropout (&op->dropout),
                            parts, aligned);
  }

  cudaError_t
  launch_wide () const
  {
    return sng_cuda_launch (wide_backward_kernel<T>, Wide::grid (n_parts), dim3 (Wide::BLOCK), 0, stream, *op,
                            sng_cuda_dropout (&op->dropout), parts, aligned);
  }
};

template <typename Pass>
static cudaError_t
launch_for (gsize n_columns, const Pass &pass)
{
  return n_columns <= 128    ? pass.template launch<1, 1> ()
         : n_columns <= 512  ? pass.template launch<1, 4> ()
         : n_columns <= 1024 ? pass.template launch<2, 4> ()
         : n_columns <= 2048 ? pass.template launch<4, 4> ()
         : n_columns <= 4096 ? pass.template launch<8, 4> ()
         : n_columns <= 8192 ? pass.template launch<16, 4> ()
                             : pass.launch_wide ();
}

template <typename... Pointers>
static bool
are_aligned (gsize n_columns, Pointers... pointers)
{
  return (sng_cuda_is_aligned (n_columns, static_cast<const float *> (pointers)) && ...);
}

template <typename T>
static void
layer_norm_forward (SngDevice *device, const SngLayerNorm *op)
{
  Forward<T> pass = {};

  if (op->rows.n_rows == 0)
    return;
  pass.op = op;
  pass.stream = sng_cuda_device_enter (device);
  pass.aligned = are_aligned (op->n_columns, op->input, op->weight, op->bias)
                 && sng_cuda_is_aligned (op->n_columns, static_cast<const T *> (op->output));
  sng_cuda_device_check (device, launch_for (op->n_columns, pass), PLACE);
}

template <typename T>
static void
layer_norm_backward (SngDevice *device, const SngLayerNorm *op)
{
  Backward<T> pass = {};
  dim3 grid ((unsigned) ((op->n_columns + SNG_CUDA_WARP - 1) / SNG_CUDA_WARP), 2);

  if (op->rows.n_rows == 0)
    return;
  pass.op = op;
  pass.stream = sng_cuda_device_enter (device);
  pass.aligned = are_aligned (op->n_columns, op->input, op->weight, op->d_output, op->d_input)
                 && sng_cuda_is_aligned (op->n_columns, static_cast<const T *> (op->d_branch));
  pass.n_parts = (op->rows.n_rows + ROWS_PER_PART - 1) / ROWS_PER_PART;
  pass.parts = static_cast<float *> (sng_cuda_device_scratch (
      device, SNG_CUDA_SCRATCH_KERNEL, pass.n_parts * 2 * op->n_columns * sizeof (float)));
  if (pass.parts == NULL || !sng_cuda_device_check (device, launch_for (op->n_columns, pass), PLACE))
    return;
  sng_cuda_device_check (device,
                         sng_cuda_launch (add_parts_kernel, grid, dim3 (N_STRIPES * SNG_CUDA_WARP), 0,
                                          pass.stream, *op, (const float *) pass.parts, pass.n_parts),
                         PLACE);
}

template <typename T>
static void
add_layer_norm (SngKernels *kernels)
{
  kernels->layer_norm_forward = layer_norm_forward<T>;
  kernels->layer_norm_backward = layer_norm_backward<T>;
}

extern "C" void
sng_cuda_add_layer_norm (SngKernels *f32, SngKernels *bf16, SngKernels *f16)
{
  add_layer_norm<float> (f32);
  add_layer_norm<SngBf16> (bf16);
  add_layer_norm<SngF16> (f16);
}
