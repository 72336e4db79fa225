/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cuda/sng-cuda-kernel.h"
#include "cuda/sng-cuda-formulas.h"
#include "cuda/sng-cuda-product-private.h"

/* Linear layers: products by sng_cuda_product(), and around them what it cannot do.
 *
 * Bytes decide where a product goes. What it can end itself (the bias, the residual) it does; what needs a further kernel lies
 * where its result will be, or in scratch where that is taken. */

#define PLACE "[cuda][linear]"
#define N_THREADS 256
#define N_BYTES 16 /* of a load */

/* N neighbours, loaded 16 bytes at a time. */
template <typename T, int N> struct alignas (N * sizeof (T) < N_BYTES ? N * sizeof (T) : N_BYTES) Pack
{
  T values[N];
};

static gboolean
is_aligned (gconstpointer data)
{
  return (gsize) data % N_BYTES == 0;
}

/* ---- output = function (a, b) for each element; output may be a or b ---- */

/* of what is stored of the sum */
template <typename T> struct Gelu
{
  using A = T;
  using B = T;
  using Output = T;
  SngGeluKind kind;

  __device__ __forceinline__ float
  operator() (float a, float) const
  {
    return sng_cuda_gelu (kind, a);
  }
};

/* the gradient of GELU's output, and its input */
template <typename T, typename D> struct GeluGradient
{
  using A = D;
  using B = T;
  using Output = D;
  SngGeluKind kind;

  __device__ __forceinline__ float
  operator() (float a, float b) const
  {
    return a * sng_cuda_gelu_slope (kind, b);
  }
};

template <typename T> struct Narrow
{
  using A = float;
  using B = float;
  using Output = T;

  __device__ __forceinline__ float
  operator() (float a, float) const
  {
    return a;
  }
};

template <int N, typename F, typename A, typename B, typename Output>
__global__ void
__launch_bounds__ (N_THREADS) map_kernel (gsize n, F function, const A *a, const B *b, Output *output)
{
  gsize first = ((gsize) blockIdx.x * N_THREADS + threadIdx.x) * N;

  if (first + N <= n)
    {
      Pack<A, N> x = *(const Pack<A, N> *) (a + first);
      Pack<B, N> y = *(const Pack<B, N> *) (b + first);
      Pack<Output, N> z;

      for (int i = 0; i < N; i++)
        z.values[i] = sng_from_real<Output> (function (sng_to_real (x.values[i]), sng_to_real (y.values[i])));
      *(Pack<Output, N> *) (output + first) = z;
    }
  else
    for (gsize i = first; i < n; i++)
      output[i] = sng_from_real<Output> (function (sng_to_real (a[i]), sng_to_real (b[i])));
}

template <int N, typename F>
static cudaError_t
launch_map (gsize n, F function, gconstpointer a, gconstpointer b, gpointer output, cudaStream_t stream)
{
  using A = typename F::A;
  using B = typename F::B;
  using Output = typename F::Output;
  gsize n_blocks = (n + (gsize) N_THREADS * N - 1) / ((gsize) N_THREADS * N);

  return sng_cuda_launch (map_kernel<N, F, A, B, Output>, dim3 ((unsigned) n_blocks), dim3 (N_THREADS), 0,
                          stream, n, function, (const A *) a, (const B *) b, (Output *) output);
}

/* As many elements for a thread as the smallest type has in 16 bytes. */
template <typename F>
static void
map (SngDevice *device, gsize n, F function, gconstpointer a, gconstpointer b, gpointer output)
{
  constexpr gsize one =
      sizeof (typename F::A) < sizeof (typename F::B) ? sizeof (typename F::A) : sizeof (typename F::B);
  constexpr gsize smallest = one < sizeof (typename F::Output) ? one : sizeof (typename F::Output);
  cudaStream_t stream = sng_cuda_device_enter (device);
  cudaError_t status;

  if (n == 0)
    return;
  if (is_aligned (a) && is_aligned (b) && is_aligned (output))
    status = launch_map<N_BYTES / smallest, F> (n, function, a, b, output, stream);
  else
    status = launch_map<1, F> (n, function, a, b, output, stream);
  sng_cuda_device_check (device, status, PLACE);
}

template <typename T>
static void
narrow (SngDevice *device, gsize n_elements, gconstpointer reals, gpointer operands)
{
  map (device, n_elements, Narrow<T>{}, reals, reals, operands);
}

/* ---- stream = residual + dropout (sums + bias) ---- */

struct StreamArguments
{
  gsize n_rows;
  gsize n_columns;
  const gint64 *sequences;
  const gint64 *tokens;
  SngCudaDropout dropout;
  const float *sums;
  const float *bias; /* nullable */
  const float *residual;
  float *stream;
};

/* A thread draws from four counters side by side, which decide on four columns in each quarter of a group. */
#define N_DRAWS 4

/* aligned: all four are inside, and a load of 16 bytes may begin here. */
template <bool aligned>
static __device__ __forceinline__ void
load_four (const float *from, gsize n_left, float to[N_DRAWS])
{
  if (aligned)
    *(Pack<float, N_DRAWS> *) to = *(const Pack<float, N_DRAWS> *) from;
  else
    for (unsigned i = 0; i < N_DRAWS; i++)
      to[i] = i < n_left ? from[i] : 0.0f;
}

template <bool aligned>
static __device__ __forceinline__ void
store_four (float *to, gsize n_left, const float from[N_DRAWS])
{
  if (aligned)
    *(Pack<float, N_DRAWS> *) to = *(const Pack<float, N_DRAWS> *) from;
  else
    for (unsigned i = 0; i < N_DRAWS; i++)
      if (i < n_left)
        to[i] = from[i];
}

template <bool aligned>
static __device__ __forceinline__ void
join_four (const StreamArguments &op, gsize row, gsize column, const float factors[N_DRAWS])
{
  gsize place = row * op.n_columns + column, n_left = op.n_columns - column;
  alignas (N_BYTES) float sums[N_DRAWS], residual[N_DRAWS], bias[N_DRAWS] = {};

  load_four<aligned> (op.sums + place, n_left, sums);
  load_four<aligned> (op.residual + place, n_left, residual);
  if (op.bias != NULL)
    load_four<aligned> (op.bias + column, n_left, bias);
  for (unsigned i = 0; i < N_DRAWS; i++)
    sums[i] = residual[i] + (sums[i] + bias[i]) * factors[i];
  store_four<aligned> (op.stream + place, n_left, sums);
}

template <bool aligned>
__global__ void
__launch_bounds__ (N_THREADS) stream_kernel (StreamArguments op)
{
  gsize threads_per_row = (op.n_columns + SNG_CUDA_DROPOUT_GROUP - 1) / SNG_CUDA_DROPOUT_GROUP * 2;
  gsize thread = (gsize) blockIdx.x * N_THREADS + threadIdx.x;
  gsize row = thread / threads_per_row, half = thread % threads_per_row;
  gsize first = half / 2 * SNG_CUDA_DROPOUT_GROUP + half % 2 * N_DRAWS;
  guint32 words[N_DRAWS][4];
  guint64 ordinal;

  if (row >= op.n_rows)
    return;
  ordinal = *op.dropout.first_ordinal + (guint64) op.sequences[row];
  for (unsigned i = 0; i < N_DRAWS; i++)
    sng_cuda_dropout_draw (&op.dropout, ordinal, (guint32) op.tokens[row], op.dropout.operation,
                           sng_cuda_dropout_counter (first) + i, words[i]);

  for (unsigned quarter = 0; quarter < 4; quarter++)
    {
      gsize column = first + quarter * 8;
      float factors[N_DRAWS];

      for (unsigned i = 0; i < N_DRAWS; i++)
        factors[i] = sng_cuda_dropout_factor (&op.dropout, words[i][quarter]);
      if (column < op.n_columns)
        join_four<aligned> (op, row, column, factors);
    }
}

static void
join_stream (SngDevice *device, const SngLinear *op, gconstpointer sums)
{
  cudaStream_t stream = sng_cuda_device_enter (device);
  gsize threads_per_row = (op->n_outputs + SNG_CUDA_DROPOUT_GROUP - 1) / SNG_CUDA_DROPOUT_GROUP * 2;
  gsize n_blocks = (op->rows.n_rows * threads_per_row + N_THREADS - 1) / N_THREADS;
  gboolean aligned = op->n_outputs % N_DRAWS == 0 && is_aligned (sums) && is_aligned (op->bias)
                     && is_aligned (op->residual) && is_aligned (op->stream);
  StreamArguments arguments = {};

  arguments.n_rows = op->rows.n_rows;
  arguments.n_columns = op->n_outputs;
  arguments.sequences = op->rows.sequences;
  arguments.tokens = op->rows.tokens;
  arguments.dropout = sng_cuda_dropout (&op->dropout);
  arguments.sums = (const float *) sums;
  arguments.bias = (const float *) op->bias;
  arguments.residual = (const float *) op->residual;
  arguments.stream = (float *) op->stream;
  sng_cuda_device_check (device,
                         sng_cuda_launch (aligned ? stream_kernel<true> : stream_kernel<false>,
                                          dim3 ((unsigned) n_blocks), dim3 (N_THREADS), 0, stream, arguments),
                         PLACE);
}

/* ---- sums of columns ---- */

/* So many rows are summed by one block, whatever the GPU; then the sums of the blocks, in the same way. */
#define ROWS_PER_BLOCK 128
#define LANES 32
#define N_LINES (N_THREADS / LANES) /* line i takes rows i, i + N_LINES, … */
#define ROWS_AT_ONCE 8              /* of a line, whose loads are on their way together */

/* to[block of rows][column] = or += the sum of that column in these rows; a thread sums N columns side by side. */
template <typename T, int N>
__global__ void
__launch_bounds__ (N_THREADS, 2) column_sums_kernel (gsize n_rows,
                                                     gsize n_columns,
                                                     gsize rows_per_block,
                                                     const T *from,
                                                     float *to,
                                                     gboolean add)
{
  __shared__ float sums[N_LINES][LANES * N];
  unsigned lane = threadIdx.x % LANES, line = threadIdx.x / LANES;
  unsigned n_across = (unsigned) ((n_columns + LANES * N - 1) / (LANES * N));
  gsize block = blockIdx.x / n_across;
  gsize first_column = (gsize) (blockIdx.x % n_across) * LANES * N, column = first_column + lane * N;
  gsize first_row = block * rows_per_block;
  gsize end = n_rows - first_row < rows_per_block ? n_rows : first_row + rows_per_block;
  float mine[N] = {};

  if (column < n_columns)
    for (gsize row = first_row + line; row < end; row += ROWS_AT_ONCE * N_LINES)
      {
        Pack<T, N> values[ROWS_AT_ONCE];

        /* behind the last row it is loaded again, in vain: no load depends on another one */
#pragma unroll
        for (unsigned j = 0; j < ROWS_AT_ONCE; j++)
          values[j] = *(const Pack<T, N> *) (from + MIN (row + j * N_LINES, end - 1) * n_columns + column);
#pragma unroll
        for (unsigned j = 0; j < ROWS_AT_ONCE; j++)
          for (int i = 0; i < N; i++)
            mine[i] += row + j * N_LINES < end ? sng_to_real (values[j].values[i]) : 0.0f;
      }
  for (int i = 0; i < N; i++)
    sums[line][lane * N + i] = mine[i];
  __syncthreads ();

  for (unsigned i = threadIdx.x; i < LANES * N && first_column + i < n_columns; i += N_THREADS)
    {
      float *place = to + block * n_columns + first_column + i;
      float sum = 0.0f;

      for (unsigned j = 0; j < N_LINES; j++)
        sum += sums[j][i];
      *place = add ? *place + sum : sum;
    }
}

template <typename T>
static void
launch_column_sums (SngDevice *device,
                    gsize n_rows,
                    gsize n_columns,
                    gsize rows_per_block,
                    gconstpointer from,
                    float *to,
                    gboolean add)
{
  constexpr gsize many = N_BYTES / sizeof (T);
  gboolean aligned = n_columns % many == 0 && is_aligned (from);
  gsize columns_per_block = aligned ? LANES * many : LANES;
  /* in one dimension, as the others of a grid have 65535 blocks at most */
  gsize n_blocks = (n_rows + rows_per_block - 1) / rows_per_block
                   * ((n_columns + columns_per_block - 1) / columns_per_block);

  sng_cuda_device_check (device,
                         sng_cuda_launch (aligned ? column_sums_kernel<T, many> : column_sums_kernel<T, 1>,
                                          dim3 ((unsigned) n_blocks), dim3 (N_THREADS), 0,
                                          sng_cuda_device_enter (device), n_rows, n_columns, rows_per_block,
                                          (const T *) from, to, add),
                         PLACE);
}

/* to[column] += the sum of the column */
template <typename T>
static void
add_column_sums (SngDevice *device, gsize n_rows, gsize n_columns, gconstpointer from, gpointer to)
{
  gsize n_blocks = (n_rows + ROWS_PER_BLOCK - 1) / ROWS_PER_BLOCK;
  float *sums;

  if (n_blocks == 1)
    {
      launch_column_sums<T> (device, n_rows, n_columns, n_rows, from, (float *) to, TRUE);
      return;
    }
  sums = (float *) sng_cuda_device_scratch (device, SNG_CUDA_SCRATCH_KERNEL,
                                            n_blocks * n_columns * sizeof (float));
  if (sums == NULL)
    return;
  launch_column_sums<T> (device, n_rows, n_columns, ROWS_PER_BLOCK, from, sums, FALSE);
  launch_column_sums<float> (device, n_blocks, n_columns, n_blocks, sums, (float *) to, TRUE);
}

/* ---- the layer ---- */

template <typename T> static constexpr SngDtype dtype = SNG_DTYPE_F32;
template <> constexpr SngDtype dtype<SngBf16> = SNG_DTYPE_BF16;
template <> constexpr SngDtype dtype<SngF16> = SNG_DTYPE_F16;

/* What a product takes for a bias: of the result's type, which cuBLASLt demands, and at an address that a load of 16 bytes may
 * have. So a layer that yields operands rounds its bias like its weights. FALSE after a failure, which is noted. */
template <typename T>
static gboolean
take_bias (SngDevice *device, const SngLinear *op, SngDtype real, SngCudaProduct *product)
{
  gpointer bias;

  product->bias = op->bias;
  if (op->bias == NULL || (real == SNG_DTYPE_F32 && is_aligned (op->bias)))
    return TRUE;

  bias = sng_cuda_device_scratch (device, SNG_CUDA_SCRATCH_KERNEL, op->n_outputs * sizeof (float));
  if (bias == NULL)
    return FALSE;
  if (real == SNG_DTYPE_F32)
    narrow<float> (device, op->n_outputs, op->bias, bias);
  else
    narrow<T> (device, op->n_outputs, op->bias, bias);
  product->bias = bias;
  return TRUE;
}

template <typename T>
static SngCudaProduct
forward_product (const SngLinear *op, SngDtype real, gpointer result)
{
  SngCudaProduct product = {};

  product.m = op->rows.n_rows;
  product.n = op->n_outputs;
  product.k = op->n_inputs;
  product.operand = dtype<T>;
  product.real = real;
  product.b_transposed = !op->transposed;
  product.a = op->input;
  product.b = op->weight;
  product.result = result;
  return product;
}

template <typename T>
static void
forward_output (SngDevice *device, const SngLinear *op)
{
  SngDtype real = op->real_output ? SNG_DTYPE_F32 : dtype<T>;
  SngCudaProduct product = forward_product<T> (op, real, op->output);
  gsize n = op->rows.n_rows * op->n_outputs;

  if (!take_bias<T> (device, op, real, &product))
    return;
  sng_cuda_product (device, &product);
  if (op->gelu == NULL)
    return;
  if (real == SNG_DTYPE_F32)
    map (device, n, Gelu<float>{ op->gelu_kind }, op->output, op->output, op->gelu);
  else
    map (device, n, Gelu<T>{ op->gelu_kind }, op->output, op->output, op->gelu);
}

/* Without dropout the product ends with all of it. */
template <typename T>
static void
forward_stream (SngDevice *device, const SngLinear *op)
{
  gsize n_bytes = op->rows.n_rows * op->n_outputs * sizeof (float);
  SngCudaProduct product = forward_product<T> (op, SNG_DTYPE_F32, op->stream);

  if (op->dropout.rate == 0)
    {
      product.addend = op->residual;
      if (take_bias<T> (device, op, SNG_DTYPE_F32, &product))
        sng_cuda_product (device, &product);
      return;
    }

  if (op->stream == op->residual)
    product.result = sng_cuda_device_scratch (device, SNG_CUDA_SCRATCH_REAL, n_bytes);
  if (product.result == NULL)
    return;
  sng_cuda_product (device, &product);
  join_stream (device, op, product.result);
}

template <typename T>
static void
linear_forward (SngDevice *device, const SngLinear *op)
{
  if (op->rows.n_rows == 0)
    return;
  if (op->output != NULL)
    forward_output<T> (device, op);
  if (op->stream != NULL)
    forward_stream<T> (device, op);
}

template <typename T>
static void
weight_gradient (SngDevice *device, const SngLinear *op)
{
  SngCudaProduct product = {};

  product.m = op->transposed ? op->n_inputs : op->n_outputs;
  product.n = op->transposed ? op->n_outputs : op->n_inputs;
  product.k = op->rows.n_rows;
  product.operand = dtype<T>;
  product.real = SNG_DTYPE_F32;
  product.a_transposed = TRUE;
  product.a = op->transposed ? op->input : op->d_output;
  product.b = op->transposed ? op->d_output : op->input;
  product.addend = op->d_weight;
  product.result = op->d_weight;
  sng_cuda_product (device, &product);
}

/* The gradient of GELU's output has the type of d_input, and its place, unless before_gelu is there. */
template <typename T>
static void
input_gradient (SngDevice *device, const SngLinear *op)
{
  SngDtype real = op->real_d_input ? SNG_DTYPE_F32 : dtype<T>;
  gsize n = op->rows.n_rows * op->n_inputs;
  SngCudaProduct product = {};

  product.m = op->rows.n_rows;
  product.n = op->n_inputs;
  product.k = op->n_outputs;
  product.operand = dtype<T>;
  product.real = real;
  product.b_transposed = op->transposed;
  product.a = op->d_output;
  product.b = op->weight;
  product.result = op->d_input;
  if (op->d_input == op->before_gelu)
    product.result = sng_cuda_device_scratch (device, SNG_CUDA_SCRATCH_REAL, n * sizeof (float));
  if (product.result == NULL)
    return;
  sng_cuda_product (device, &product);

  if (op->before_gelu == NULL)
    return;
  if (real == SNG_DTYPE_F32)
    map (device, n, GeluGradient<T, float>{ op->gelu_kind }, product.result, op->before_gelu, op->d_input);
  else
    map (device, n, GeluGradient<T, T>{ op->gelu_kind }, product.result, op->before_gelu, op->d_input);
}

template <typename T>
static void
linear_backward (SngDevice *device, const SngLinear *op)
{
  if (op->rows.n_rows == 0)
    return;
  weight_gradient<T> (device, op);
  if (op->d_bias != NULL)
    add_column_sums<T> (device, op->rows.n_rows, op->n_outputs, op->d_output, op->d_bias);
  if (op->d_input != NULL)
    input_gradient<T> (device, op);
}

template <typename T>
static void
fill (SngKernels *kernels)
{
  kernels->linear_forward = linear_forward<T>;
  kernels->linear_backward = linear_backward<T>;
}

extern "C" void
sng_cuda_add_linear (SngKernels *f32, SngKernels *bf16, SngKernels *f16)
{
  fill<float> (f32);
  fill<SngBf16> (bf16);
  fill<SngF16> (f16);
  bf16->narrow = narrow<SngBf16>;
  f16->narrow = narrow<SngF16>;
}
