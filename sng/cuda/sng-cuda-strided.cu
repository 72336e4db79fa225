/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cuda/sng-cuda-kernel.h"
#include "cuda/sng-cuda-private.h"
#include "cuda/sng-cuda-view.h"

/* Elements of any layout to a contiguous block, and back. Threads side by side have units side by side of the block, so that its
 * side of the copy is always in whole lines, and the other where its last dimension has no gaps. */

namespace
{

constexpr unsigned THREADS = 256;
constexpr unsigned UNITS_PER_THREAD = 4; /* so many loads are under way at a time */

typedef enum
{
  GATHER,
  SCATTER
} Direction;

template <typename Unit, Direction direction>
__global__ void __launch_bounds__ (THREADS)
copy_kernel (char *block, char *strided, SngCudaView view, guint64 first, guint64 n)
{
  guint64 begin = (guint64) blockIdx.x * THREADS * UNITS_PER_THREAD + threadIdx.x;
  Unit units[UNITS_PER_THREAD];
  Unit *targets[UNITS_PER_THREAD];

#pragma unroll
  for (unsigned i = 0; i < UNITS_PER_THREAD; i++)
    {
      guint64 index = begin + i * THREADS;
      Unit *inner = reinterpret_cast<Unit *> (block) + index;
      Unit *outer = nullptr;

      targets[i] = nullptr;
      if (index >= n)
        continue;
      outer = reinterpret_cast<Unit *> (strided + sng_cuda_view_offset (view.dims, view.n_dims, first + index));
      units[i] = direction == GATHER ? *outer : *inner;
      targets[i] = direction == GATHER ? inner : outer;
    }

#pragma unroll
  for (unsigned i = 0; i < UNITS_PER_THREAD; i++)
    if (targets[i] != nullptr)
      *targets[i] = units[i];
}

template <Direction direction>
cudaError_t
launch (cudaStream_t stream, char *block, char *strided, const SngCudaView *view, guint64 first, guint64 n)
{
  guint64 per_block = THREADS * UNITS_PER_THREAD;
  dim3 grid ((unsigned) ((n + per_block - 1) / per_block));

  switch (view->unit)
    {
    case 1:
      return sng_cuda_launch (copy_kernel<guint8, direction>, grid, dim3 (THREADS), 0, stream, block, strided, *view, first, n);
    case 2:
      return sng_cuda_launch (copy_kernel<guint16, direction>, grid, dim3 (THREADS), 0, stream, block, strided, *view, first, n);
    case 4:
      return sng_cuda_launch (copy_kernel<guint32, direction>, grid, dim3 (THREADS), 0, stream, block, strided, *view, first, n);
    case 8:
      return sng_cuda_launch (copy_kernel<uint2, direction>, grid, dim3 (THREADS), 0, stream, block, strided, *view, first, n);
    default:
      return sng_cuda_launch (copy_kernel<uint4, direction>, grid, dim3 (THREADS), 0, stream, block, strided, *view, first, n);
    }
}

/* A grid has at most 2^31 blocks, which is more than any GPU has memory for, even of single bytes. */
template <Direction direction>
void
copy (SngDevice *device, char *block, char *strided, const SngLayout *layout, gint64 first, gint64 n, const char *place)
{
  gsize item_size = sng_dtype_get_size (layout->dtype);
  guint64 begin = (guint64) first * item_size, n_bytes = (guint64) n * item_size;
  cudaStream_t stream = sng_cuda_device_enter (device);
  SngCudaView view;

  if (n == 0)
    return;

  sng_cuda_view_init (&view, layout, item_size, (guint64) (gsize) block | (guint64) (gsize) strided | begin | n_bytes, sizeof (uint4));
  sng_cuda_device_check (device,
                         launch<direction> (stream, block, strided, &view, begin / view.unit, n_bytes / view.unit),
                         place);
}

} // namespace

extern "C" void
sng_cuda_gather (SngDevice *device,
                 gpointer destination,
                 gconstpointer source,
                 const SngLayout *layout,
                 gint64 first,
                 gint64 n)
{
  copy<GATHER> (device, static_cast<char *> (destination), static_cast<char *> (const_cast<gpointer> (source)), layout, first, n,
                "[cuda][gather]");
}

extern "C" void
sng_cuda_scatter (SngDevice *device,
                  gpointer destination,
                  const SngLayout *layout,
                  gconstpointer source,
                  gint64 first,
                  gint64 n)
{
  /* Some of a state that has gaps. */
  sng_cuda_before_update (device);
  copy<SCATTER> (device, static_cast<char *> (const_cast<gpointer> (source)), static_cast<char *> (destination), layout, first, n,
                 "[cuda][scatter]");
}
