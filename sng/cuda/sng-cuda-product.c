/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cuda/sng-cuda-blas-private.h"
#include "cuda/sng-cuda-device-private.h"

static SngCudaBlas *
get_blas (SngDevice *device)
{
  SngCudaGpu *gpu = SNG_CUDA_DEVICE (device)->gpu;
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&gpu->mutex);

  if (gpu->blas == NULL)
    gpu->blas = sng_cuda_blas_new (gpu->properties.major, NULL);
  return gpu->blas;
}

/* cuBLASLt has no status of its own for what cannot be recorded. What fails for another reason fails when it is launched, too. */
static void
fail (SngDevice *device, GError *error)
{
  SngCudaGraphs *graphs = SNG_CUDA_DEVICE (device)->graphs;

  if (sng_cuda_graphs_get_recording (graphs) == NULL)
    {
      sng_cuda_device_fail (device, error);
      return;
    }

  g_debug ("[cuda][product] while it is recorded: %s", error->message);
  sng_cuda_graphs_spoil (graphs);
  g_error_free (error);
}

void
sng_cuda_product (SngDevice *device, const SngCudaProduct *product)
{
  g_autoptr (GError) error = NULL;
  cudaStream_t stream = sng_cuda_device_enter (device);
  SngCudaBlas *blas = get_blas (device);
  gpointer workspace =
      sng_cuda_device_scratch (device, SNG_CUDA_SCRATCH_PRODUCT, sng_cuda_blas_get_workspace_size (blas));

  if (workspace == NULL)
    return;

  switch (sng_cuda_blas_multiply (blas, product, workspace, stream, &error))
    {
    case SNG_CUDA_BLAS_DONE:
      sng_cuda_device_check (device, cudaSuccess, "[cuda][linear]");
      break;
    case SNG_CUDA_BLAS_NO_WAY:
      sng_cuda_device_check (device, sng_cuda_simple_product (product, stream), "[cuda][linear]");
      break;
    case SNG_CUDA_BLAS_FAILED:
      fail (device, g_steal_pointer (&error));
      break;
    }
}

void
sng_cuda_product_describe (SngDevice *device, GVariantBuilder *builder)
{
  sng_cuda_device_enter (device);
  sng_cuda_blas_describe (get_blas (device), builder);
}
