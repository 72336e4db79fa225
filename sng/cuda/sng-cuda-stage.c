/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cuda/sng-cuda-device-private.h"

/* Copies to the host that a device makes beside its work. They are on a stream of their own, which waits for what was put on
 * the device's stream before; what is put on that later does not wait, unless it writes to memory that is being copied. So the
 * next step's forward and backward pass run beside the copies, and its optimizer after them.
 *
 * Of a stream that somebody else gave, nobody tells what is put on it. There the copies are a part of that stream. */

/* Addresses. */
typedef struct
{
  gsize begin;
  gsize end;
} Range;

struct _SngCudaStager
{
  GMutex mutex;
  cudaStream_t stream; /* of the copies */
  cudaEvent_t written; /* on the device's stream, before a copy */
  cudaEvent_t copied;  /* behind the copies */
  guint64 n_copies;
  guint64 n_recorded; /* so many of them copied is behind */
  GArray *ranges;     /* Range: what is being copied, and not to be written to yet */
};

/* ---- The stager of a device ---- */

void
sng_cuda_stager_free (SngCudaStager *stager)
{
  if (stager->stream != NULL)
    {
      cudaStreamSynchronize (stager->stream);
      cudaStreamDestroy (stager->stream);
    }
  if (stager->written != NULL)
    cudaEventDestroy (stager->written);
  if (stager->copied != NULL)
    cudaEventDestroy (stager->copied);
  g_array_unref (stager->ranges);
  g_mutex_clear (&stager->mutex);
  g_free (stager);
}

static SngCudaStager *
stager_new (SngCudaDevice *device, GError **error)
{
  SngCudaStager *stager = g_new0 (SngCudaStager, 1);
  cudaError_t status =
      cudaEventCreateWithFlags (&stager->copied, cudaEventBlockingSync | cudaEventDisableTiming);

  g_mutex_init (&stager->mutex);
  stager->ranges = g_array_new (FALSE, FALSE, sizeof (Range));
  if (status == cudaSuccess && device->own_stream)
    status = cudaEventCreateWithFlags (&stager->written, cudaEventDisableTiming);
  if (status == cudaSuccess && device->own_stream)
    status = cudaStreamCreateWithFlags (&stager->stream, cudaStreamNonBlocking);

  if (!sng_cuda_check (status, device->gpu->index, "[cuda][stage]", error))
    {
      sng_cuda_stager_free (stager);
      return NULL;
    }

  return stager;
}

static SngCudaStager *
ensure_stager (SngCudaDevice *self, GError **error)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&self->mutex);

  if (self->stager == NULL)
    g_atomic_pointer_set (&self->stager, stager_new (self, error));

  return self->stager;
}

static cudaStream_t
get_stream (SngCudaDevice *self, SngCudaStager *stager)
{
  return self->own_stream ? stager->stream : self->stream;
}

static cudaError_t
record (SngCudaDevice *self, SngCudaStager *stager)
{
  cudaError_t status;

  if (stager->n_recorded == stager->n_copies)
    return cudaSuccess;

  status = cudaEventRecord (stager->copied, get_stream (self, stager));
  if (status == cudaSuccess)
    stager->n_recorded = stager->n_copies;

  return status;
}

/* ---- Copies ---- */

static cudaError_t
put_copy (SngCudaDevice *self, SngCudaStager *stager, gpointer host, gconstpointer source, gsize n_bytes)
{
  const Range range = { (gsize) source, (gsize) source + n_bytes };
  cudaError_t status = cudaSuccess;

  if (self->own_stream)
    {
      status = cudaEventRecord (stager->written, self->stream);
      if (status == cudaSuccess)
        status = cudaStreamWaitEvent (stager->stream, stager->written, 0);
      if (status != cudaSuccess)
        return status;
      g_array_append_val (stager->ranges, range);
    }

  stager->n_copies++;
  status = cudaMemcpyAsync (host, source, n_bytes, cudaMemcpyDeviceToHost, get_stream (self, stager));

  /* Before others go on there. */
  return status == cudaSuccess && !self->own_stream ? record (self, stager) : status;
}

gboolean
sng_cuda_stage (SngDevice *device, gpointer host, gconstpointer source, gsize n_bytes, GError **error)
{
  g_auto (SngCudaScope) scope G_GNUC_UNUSED = sng_cuda_scope_enter ();
  SngCudaDevice *self = SNG_CUDA_DEVICE (device);
  SngCudaStager *stager;
  cudaError_t status;

  sng_cuda_device_enter (device);
  if (!sng_cuda_device_get_failure (self, error) || (stager = ensure_stager (self, error)) == NULL)
    return FALSE;
  if (n_bytes == 0)
    return TRUE;

  g_mutex_lock (&stager->mutex);
  status = put_copy (self, stager, host, source, n_bytes);
  g_mutex_unlock (&stager->mutex);

  return sng_cuda_check (status, self->gpu->index, "[cuda][stage]", error);
}

gboolean
sng_cuda_finish_stage (SngDevice *device, GError **error)
{
  g_auto (SngCudaScope) scope G_GNUC_UNUSED = sng_cuda_scope_enter ();
  SngCudaDevice *self = SNG_CUDA_DEVICE (device);
  SngCudaStager *stager = g_atomic_pointer_get (&self->stager);
  guint64 n_finished;
  cudaError_t status;

  sng_cuda_device_enter (device);
  if (stager != NULL)
    {
      g_mutex_lock (&stager->mutex);
      status = record (self, stager);
      n_finished = stager->n_recorded;
      g_mutex_unlock (&stager->mutex);

      if (status == cudaSuccess)
        status = cudaEventSynchronize (stager->copied);

      /* What others have staged meanwhile is not done, even where they have recorded it. */
      g_mutex_lock (&stager->mutex);
      if (status == cudaSuccess && stager->n_copies == n_finished)
        g_array_set_size (stager->ranges, 0);
      g_mutex_unlock (&stager->mutex);

      if (!sng_cuda_check (status, self->gpu->index, "[cuda][stage]", error))
        return FALSE;
    }

  /* What was copied may be what a kernel that failed has left. */
  return sng_cuda_device_get_failure (self, error);
}

static gboolean
overlaps (GArray *ranges, gconstpointer data, gsize n_bytes)
{
  gsize begin = (gsize) data, end = begin + n_bytes;

  for (guint i = 0; i < ranges->len; i++)
    {
      const Range *range = &g_array_index (ranges, Range, i);

      if (begin < range->end && range->begin < end)
        return TRUE;
    }

  return FALSE;
}

/* The stream is behind all copies then. */
static cudaError_t
hold (SngCudaDevice *self, SngCudaStager *stager)
{
  cudaStream_t stream = sng_cuda_device_enter (SNG_DEVICE (self));
  cudaError_t status = record (self, stager);

  if (status == cudaSuccess)
    status = cudaStreamWaitEvent (stream, stager->copied, 0);
  if (status == cudaSuccess)
    g_array_set_size (stager->ranges, 0);

  return status;
}

void
sng_cuda_before_write (SngDevice *device, gconstpointer data, gsize n_bytes)
{
  SngCudaDevice *self = SNG_CUDA_DEVICE (device);
  SngCudaStager *stager = g_atomic_pointer_get (&self->stager);
  cudaError_t status;

  if (stager == NULL)
    return;

  g_mutex_lock (&stager->mutex);
  status = overlaps (stager->ranges, data, n_bytes) ? hold (self, stager) : cudaSuccess;
  g_mutex_unlock (&stager->mutex);

  sng_cuda_device_check_call (device, status, "[cuda][stage]");
}

void
sng_cuda_before_update (SngDevice *device)
{
  /* All that there is. */
  sng_cuda_before_write (device, NULL, G_MAXSIZE);
}

/* ---- Memory ---- */

gpointer
sng_cuda_alloc_staging (SngDevice *device, gsize n_bytes, GError **error)
{
  g_auto (SngCudaScope) scope G_GNUC_UNUSED = sng_cuda_scope_enter ();
  g_autofree char *place = g_strdup_printf ("[cuda][alloc-staging] %" G_GSIZE_FORMAT " bytes:", n_bytes);
  gpointer host = NULL;

  sng_cuda_device_enter (device);
  /* So that the GPUs of other devices can copy to it as well. */
  if (!sng_cuda_check (cudaHostAlloc (&host, MAX (n_bytes, 1), cudaHostAllocPortable), device->index, place,
                       error))
    return NULL;

  return host;
}

void
sng_cuda_free_staging (SngDevice *device, gpointer host, gsize n_bytes)
{
  g_auto (SngCudaScope) scope G_GNUC_UNUSED = sng_cuda_scope_enter ();

  sng_cuda_device_enter (device);
  sng_cuda_device_check_call (device, cudaFreeHost (host), "[cuda][stage]");
}
