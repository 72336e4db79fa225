/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cuda/sng-cuda-rows.h"

/* Cross entropy of the softmax over the classes, by row, and the way of logits from packed rows to padded ones. Rows of
 * logits begin at any multiple of four bytes (33 classes, 50257), so threads that are neighbours read elements that are. */

#define CROSS_ENTROPY "[cuda][cross-entropy]"
#define SPREAD "[cuda][spread]"
#define FEW_CLASSES 1024 /* up to so many a warp has a row, else a block */
#define BLOCK 256
#define AT_ONCE 4                     /* elements of a thread whose loads are on their way together */
#define CLASSES_PER_BLOCK (8 * BLOCK) /* of backward */
#define SPREAD_COLUMNS_PER_BLOCK (4 * BLOCK)
/* How much of the logits is moved at a time. */
#ifndef SNG_CUDA_EMULATOR
# define SPREAD_BYTES (64u << 20)
#else
# define SPREAD_BYTES 4096u /* so that tests see it done in several */
#endif

/* The sum of exp (x - most) over what was seen, where most is the largest of it; in one pass, as a larger one scales the sum
 * anew (Milakov, Gimelshein: Online normalizer calculation for softmax, 2018). */
struct Exponentials
{
  float most;
  float sum;
};

static __device__ __forceinline__ void
exponentials_add (Exponentials *self, const float x[AT_ONCE])
{
  float most = x[0];

  for (int i = 1; i < AT_ONCE; i++)
    most = fmaxf (most, x[i]);
  if (most > self->most)
    {
      self->sum *= expf (self->most - most);
      self->most = most;
    }
  /* -infinity adds nothing, even where there is nothing else yet */
  for (int i = 0; i < AT_ONCE; i++)
    self->sum += x[i] == -INFINITY ? 0.0f : expf (x[i] - self->most);
}

/* log (sum exp x) of all lanes of a warp, or of all threads of a block. */
template <int N_THREADS>
static __device__ __forceinline__ float
combine (const Exponentials &mine)
{
  float most = sng_warp_max (mine.most), sum;

  if (N_THREADS > SNG_CUDA_WARP)
    {
      __shared__ float maxima[SNG_CUDA_WARP];

      if (threadIdx.x % SNG_CUDA_WARP == 0)
        maxima[threadIdx.x / SNG_CUDA_WARP] = most;
      __syncthreads ();
      for (int i = 0; i < N_THREADS / SNG_CUDA_WARP; i++)
        most = fmaxf (most, maxima[i]);
    }
  sum = mine.most == -INFINITY ? mine.sum : mine.sum * expf (mine.most - most);
  sum = N_THREADS > SNG_CUDA_WARP ? sng_block_sum (sum) : sng_warp_sum (sum);
  return most + logf (sum);
}

template <int N_THREADS>
static __global__ void __launch_bounds__ (BLOCK)
forward_kernel (SngCrossEntropy op)
{
  gsize row = (gsize) blockIdx.x * (BLOCK / N_THREADS) + threadIdx.x / N_THREADS;
  unsigned n = (unsigned) op.n_classes, thread = threadIdx.x % N_THREADS;
  const float *logits = static_cast<const float *> (op.logits) + row * n;
  Exponentials mine = { -INFINITY, 0 };
  float log_sum_exp;

  if (row >= op.n_rows)
    return;
  if (op.labels[row] < 0)
    {
      if (thread == 0)
        op.losses[row] = 0;
      return;
    }
  for (unsigned first = thread; first < n; first += AT_ONCE * N_THREADS)
    {
      float x[AT_ONCE];

      SNG_CUDA_UNROLL
      for (unsigned i = 0; i < AT_ONCE; i++)
        x[i] = first + i * N_THREADS < n ? logits[first + i * N_THREADS] : -INFINITY;
      exponentials_add (&mine, x);
    }
  log_sum_exp = combine<N_THREADS> (mine);
  if (thread == 0)
    {
      static_cast<float *> (op.log_sum_exp)[row] = log_sum_exp;
      op.losses[row] = log_sum_exp - logits[op.labels[row]];
    }
}

static void
cross_entropy_forward (SngDevice *device, const SngCrossEntropy *op)
{
  cudaStream_t stream;
  cudaError_t status;

  if (op->n_rows == 0)
    return;
  stream = sng_cuda_device_enter (device);
  if (op->n_classes <= FEW_CLASSES)
    status = sng_cuda_launch (forward_kernel<SNG_CUDA_WARP>,
                              dim3 ((unsigned) ((op->n_rows * SNG_CUDA_WARP + BLOCK - 1) / BLOCK)),
                              dim3 (BLOCK), 0, stream, *op);
  else
    status =
        sng_cuda_launch (forward_kernel<BLOCK>, dim3 ((unsigned) op->n_rows), dim3 (BLOCK), 0, stream, *op);
  sng_cuda_device_check (device, status, CROSS_ENTROPY);
}

/* A row has n_threads threads of the block for up to CLASSES_PER_BLOCK of its classes. */
template <typename T>
static __global__ void
backward_kernel (SngCrossEntropy op, unsigned n_threads)
{
  gsize row = (gsize) blockIdx.x * (BLOCK / n_threads) + threadIdx.x / n_threads;
  unsigned first = blockIdx.y * CLASSES_PER_BLOCK;
  unsigned last = MIN (first + CLASSES_PER_BLOCK, (unsigned) op.n_classes);
  gsize logit_row;
  const float *logits;
  T *d_logits = static_cast<T *> (op.d_logits) + row * op.n_classes;
  gint64 label;
  float log_sum_exp, d_loss;

  if (row >= op.n_rows)
    return;
  label = op.labels[row];
  logit_row = op.logit_rows != NULL ? (gsize) op.logit_rows[row] : row;
  logits = static_cast<const float *> (op.logits) + logit_row * op.n_classes;
  log_sum_exp = label < 0 ? 0 : static_cast<const float *> (op.log_sum_exp)[row];
  d_loss = (float) *op.d_loss;
  for (unsigned i = first + threadIdx.x % n_threads; i < last; i += n_threads)
    d_logits[i] = sng_from_real<T> (
        label < 0 ? 0.0f
                  : sng_cuda_cross_entropy_d_logit (logits[i], log_sum_exp, d_loss, i == (gsize) label));
}

template <typename T>
static void
cross_entropy_backward (SngDevice *device, const SngCrossEntropy *op)
{
  unsigned n_threads = op->n_classes <= FEW_CLASSES ? SNG_CUDA_WARP : BLOCK;
  gsize n_rows_per_block = BLOCK / n_threads;
  dim3 grid ((unsigned) ((op->n_rows + n_rows_per_block - 1) / n_rows_per_block),
             (unsigned) ((op->n_classes + CLASSES_PER_BLOCK - 1) / CLASSES_PER_BLOCK));
  cudaStream_t stream;

  if (op->n_rows == 0)
    return;
  stream = sng_cuda_device_enter (device);
  sng_cuda_device_check (device,
                         sng_cuda_launch (backward_kernel<T>, grid, dim3 (BLOCK), 0, stream, *op, n_threads),
                         CROSS_ENTROPY);
}

/* Fills some columns of rows with zeros. */
static __device__ __forceinline__ void
clear_rows (const SngSpread &op, gsize first_row, gsize last_row, gsize first, gsize last)
{
  for (gsize row = first_row; row < last_row; row++)
    for (gsize i = first + threadIdx.x; i < last; i += BLOCK)
      static_cast<float *> (op.values)[row * op.n_columns + i] = 0;
}

/* A block brings one row from its copy to its target, and clears from there to the next target; the first row's also clears
 * what lies before its target. */
static __global__ void
spread_kernel (SngSpread op, gsize first_row, const float *copies)
{
  gsize row = first_row + blockIdx.x;
  gsize first = (gsize) blockIdx.y * SPREAD_COLUMNS_PER_BLOCK;
  gsize last = MIN (first + SPREAD_COLUMNS_PER_BLOCK, op.n_columns);
  gsize target = (gsize) op.targets[row];
  gsize next = row + 1 < op.n_rows ? (gsize) op.targets[row + 1] : op.n_target_rows;
  const float *from = copies + (gsize) blockIdx.x * op.n_columns;
  float *to = static_cast<float *> (op.values) + target * op.n_columns;

  for (gsize i = first + threadIdx.x; i < last; i += BLOCK)
    to[i] = from[i];
  clear_rows (op, target + 1, next, first, last);
  if (row == 0)
    clear_rows (op, 0, target, first, last);
}

/* Some rows: a target lies in places that these rows had, which are copied before, or behind them, where the rows have left. */
static gboolean
spread_some (SngDevice *device, cudaStream_t stream, const SngSpread *op, gsize first, gsize n, float *copies)
{
  const float *rows = static_cast<const float *> (op->values) + first * op->n_columns;
  dim3 grid ((unsigned) n,
             (unsigned) ((op->n_columns + SPREAD_COLUMNS_PER_BLOCK - 1) / SPREAD_COLUMNS_PER_BLOCK));

  return sng_cuda_device_check (device,
                                cudaMemcpyAsync (copies, rows, n * op->n_columns * sizeof (float),
                                                 cudaMemcpyDeviceToDevice, stream),
                                SPREAD)
         && sng_cuda_device_check (device,
                                   sng_cuda_launch (spread_kernel, grid, dim3 (BLOCK), 0, stream, *op, first,
                                                    (const float *) copies),
                                   SPREAD);
}

static void
spread (SngDevice *device, const SngSpread *op)
{
  gsize row_bytes = op->n_columns * sizeof (float);
  gsize n_at_once = MAX (1, SPREAD_BYTES / MAX (row_bytes, 1));
  gsize n_some;
  cudaStream_t stream;
  float *copies;

  /* as targets ascend, all rows are there where there are no others */
  if (op->n_rows == op->n_target_rows || row_bytes == 0)
    return;
  stream = sng_cuda_device_enter (device);
  if (op->n_rows == 0)
    {
      sng_cuda_device_check (device, cudaMemsetAsync (op->values, 0, op->n_target_rows * row_bytes, stream),
                             SPREAD);
      return;
    }
  copies = static_cast<float *> (
      sng_cuda_device_scratch (device, SNG_CUDA_SCRATCH_KERNEL, MIN (n_at_once, op->n_rows) * row_bytes));
  if (copies == NULL)
    return;
  for (gsize last = op->n_rows; last > 0; last -= n_some)
    {
      n_some = MIN (n_at_once, last);
      if (!spread_some (device, stream, op, last - n_some, n_some, copies))
        return;
    }
}

extern "C" void
sng_cuda_add_cross_entropy (SngKernels *f32, SngKernels *bf16, SngKernels *f16)
{
  f32->cross_entropy_forward = bf16->cross_entropy_forward = f16->cross_entropy_forward =
      cross_entropy_forward;
  f32->cross_entropy_backward = cross_entropy_backward<float>;
  bf16->cross_entropy_backward = cross_entropy_backward<SngBf16>;
  f16->cross_entropy_backward = cross_entropy_backward<SngF16>;
  f32->spread = bf16->spread = f16->spread = spread;
}
