/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cuda/sng-cuda-device-private.h"
#include "cuda/sng-cuda-product-private.h"

#include "tensor/sng-dlpack-private.h"

/* A GPU and a stream behind SngDevice. */

G_DEFINE_FINAL_TYPE (SngCudaDevice, sng_cuda_device, SNG_TYPE_DEVICE)

cudaStream_t
sng_cuda_device_enter (SngDevice *device)
{
  SngCudaDevice *self = SNG_CUDA_DEVICE (device);
  cudaStream_t recording = sng_cuda_graphs_get_recording (self->graphs);

  sng_cuda_device_check_call (device, cudaSetDevice ((int) device->index), "[cuda][device]");
  return recording != NULL ? recording : self->stream;
}

void
sng_cuda_device_fail (SngDevice *device, GError *error)
{
  SngCudaDevice *self = SNG_CUDA_DEVICE (device);
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&self->mutex);

  if (self->failure == NULL)
    self->failure = error;
  else
    g_error_free (error);
}

gboolean
sng_cuda_device_check_call (SngDevice *device, cudaError_t status, const char *place)
{
  SngCudaDevice *self = SNG_CUDA_DEVICE (device);
  GError *error = NULL;

  if (status == cudaSuccess)
    return TRUE;

  if (status >= cudaErrorStreamCaptureUnsupported && status <= cudaErrorStreamCaptureWrongThread
      && sng_cuda_graphs_get_recording (self->graphs) != NULL)
    {
      cudaGetLastError ();
      sng_cuda_graphs_spoil (self->graphs);
      return FALSE;
    }

  sng_cuda_check_after (status, device->index, place, g_atomic_pointer_get (&self->last), &error);
  sng_cuda_device_fail (device, error);
  return FALSE;
}

gboolean
sng_cuda_device_check (SngDevice *device, cudaError_t status, const char *place)
{
  if (!sng_cuda_device_check_call (device, status, place))
    return FALSE;

  g_atomic_pointer_set (&SNG_CUDA_DEVICE (device)->last, place);
  return TRUE;
}

gboolean
sng_cuda_device_get_failure (SngCudaDevice *self, GError **error)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&self->mutex);

  if (self->failure == NULL)
    return TRUE;

  if (error != NULL)
    *error = g_error_copy (self->failure);
  return FALSE;
}

static gboolean
sng_cuda_device_report (SngDevice *device, GError **error)
{
  return sng_cuda_device_get_failure (SNG_CUDA_DEVICE (device), error);
}

static gpointer
sng_cuda_device_alloc (SngDevice *device, gsize n_bytes, GError **error)
{
  g_auto (SngCudaScope) scope G_GNUC_UNUSED = sng_cuda_scope_enter ();
  SngCudaDevice *self = SNG_CUDA_DEVICE (device);
  cudaStream_t stream = sng_cuda_device_enter (device);
  gpointer data;

  g_return_val_if_fail (!sng_cuda_graphs_is_running (self->graphs), NULL);

  if (!sng_cuda_device_get_failure (self, error))
    return NULL;

  data = sng_cuda_allocator_alloc (self->gpu->allocator, n_bytes, stream, error);
  if (data == NULL
      || sng_cuda_device_check (device, cudaMemsetAsync (data, 0, n_bytes, stream), "[cuda][alloc]"))
    return data;

  sng_cuda_allocator_free (self->gpu->allocator, data, stream);
  sng_cuda_device_get_failure (self, error);
  return NULL;
}

static void
sng_cuda_device_free (SngDevice *device, gpointer data, gsize n_bytes)
{
  g_auto (SngCudaScope) scope G_GNUC_UNUSED = sng_cuda_scope_enter ();
  SngCudaDevice *self = SNG_CUDA_DEVICE (device);

  g_return_if_fail (!sng_cuda_graphs_is_running (self->graphs));

  /* Who gets it next writes to it. */
  sng_cuda_before_write (device, data, n_bytes);
  sng_cuda_allocator_free (self->gpu->allocator, data, sng_cuda_device_enter (device));
}

static void
sng_cuda_device_zero (SngDevice *device, gpointer data, gsize n_bytes)
{
  g_auto (SngCudaScope) scope G_GNUC_UNUSED = sng_cuda_scope_enter ();

  if (n_bytes == 0)
    return;

  sng_cuda_before_write (device, data, n_bytes);
  sng_cuda_device_check (device, cudaMemsetAsync (data, 0, n_bytes, sng_cuda_device_enter (device)),
                         "[cuda][zero]");
}

static cudaError_t
copy (gpointer destination, gconstpointer source, gsize n_bytes, cudaStream_t stream)
{
  return cudaMemcpyAsync (destination, source, n_bytes, cudaMemcpyDeviceToDevice, stream);
}

/* As memmove does it: what overlaps goes by way of other memory, which no graph may keep. */
static void
sng_cuda_device_copy (SngDevice *device, gpointer destination, gconstpointer source, gsize n_bytes)
{
  g_auto (SngCudaScope) scope G_GNUC_UNUSED = sng_cuda_scope_enter ();
  SngCudaDevice *self = SNG_CUDA_DEVICE (device);
  gsize distance = (gsize) destination - (gsize) source;
  gboolean overlaps = distance < n_bytes || -distance < n_bytes;
  cudaStream_t stream = sng_cuda_device_enter (device);
  g_autoptr (GError) error = NULL;
  gpointer between;

  if (n_bytes == 0 || distance == 0)
    return;
  g_return_if_fail (!overlaps || !sng_cuda_graphs_is_running (self->graphs));

  sng_cuda_before_write (device, destination, n_bytes);
  if (!overlaps)
    {
      sng_cuda_device_check (device, copy (destination, source, n_bytes, stream), "[cuda][copy]");
      return;
    }

  between = sng_cuda_allocator_alloc (self->gpu->allocator, n_bytes, stream, &error);
  if (between == NULL)
    {
      sng_cuda_device_fail (device, g_steal_pointer (&error));
      return;
    }
  if (sng_cuda_device_check (device, copy (between, source, n_bytes, stream), "[cuda][copy]"))
    sng_cuda_device_check (device, copy (destination, between, n_bytes, stream), "[cuda][copy]");
  sng_cuda_allocator_free (self->gpu->allocator, between, stream);
}

static gboolean
sng_cuda_device_upload (SngDevice *device,
                        gpointer destination,
                        gconstpointer host,
                        gsize n_bytes,
                        GError **error)
{
  g_auto (SngCudaScope) scope G_GNUC_UNUSED = sng_cuda_scope_enter ();
  SngCudaDevice *self = SNG_CUDA_DEVICE (device);
  cudaStream_t stream = sng_cuda_device_enter (device);

  g_return_val_if_fail (!sng_cuda_graphs_is_running (self->graphs), FALSE);

  if (!sng_cuda_device_get_failure (self, error))
    return FALSE;

  sng_cuda_before_write (device, destination, n_bytes);
  return n_bytes == 0
         || sng_cuda_device_check (device,
                                   sng_cuda_slots_upload (self->slots, destination, host, n_bytes, stream),
                                   "[cuda][upload]")
         || sng_cuda_device_get_failure (self, error);
}

static gboolean
sng_cuda_device_download (SngDevice *device,
                          gpointer host,
                          gconstpointer source,
                          gsize n_bytes,
                          GError **error)
{
  g_auto (SngCudaScope) scope G_GNUC_UNUSED = sng_cuda_scope_enter ();
  SngCudaDevice *self = SNG_CUDA_DEVICE (device);
  cudaStream_t stream = sng_cuda_device_enter (device);

  g_return_val_if_fail (!sng_cuda_graphs_is_running (self->graphs), FALSE);

  if (!sng_cuda_device_get_failure (self, error))
    return FALSE;

  return n_bytes == 0
         || sng_cuda_device_check (
             device, sng_cuda_slots_download (self->slots, host, source, n_bytes, stream), "[cuda][download]")
         || sng_cuda_device_get_failure (self, error);
}

SngCudaSlot *
sng_cuda_device_take_slot (SngDevice *device, gsize n_bytes)
{
  g_auto (SngCudaScope) scope G_GNUC_UNUSED = sng_cuda_scope_enter ();
  SngCudaDevice *self = SNG_CUDA_DEVICE (device);
  SngCudaSlot *slot;

  sng_cuda_device_enter (device);
  g_return_val_if_fail (!sng_cuda_graphs_is_running (self->graphs), NULL);

  if (!sng_cuda_device_get_failure (self, NULL)
      || !sng_cuda_device_check (device, sng_cuda_slots_take (self->slots, n_bytes, &slot),
                                 "[cuda][results]"))
    return NULL;
  return slot;
}

void
sng_cuda_device_return_slot (SngDevice *device, SngCudaSlot *slot)
{
  sng_cuda_slots_put_back (SNG_CUDA_DEVICE (device)->slots, slot);
}

gboolean
sng_cuda_device_wait (SngDevice *device, const char *place)
{
  g_auto (SngCudaScope) scope G_GNUC_UNUSED = sng_cuda_scope_enter ();
  cudaStream_t stream = sng_cuda_device_enter (device);

  return sng_cuda_device_check (device, cudaStreamSynchronize (stream), place);
}

gconstpointer
sng_cuda_device_upload_arguments (SngDevice *device, gconstpointer host, gsize n_bytes)
{
  g_auto (SngCudaScope) scope G_GNUC_UNUSED = sng_cuda_scope_enter ();
  SngCudaDevice *self = SNG_CUDA_DEVICE (device);
  cudaStream_t stream = sng_cuda_device_enter (device);
  gpointer data;

  g_return_val_if_fail (!sng_cuda_graphs_is_running (self->graphs), NULL);

  data = sng_cuda_device_scratch (device, SNG_CUDA_SCRATCH_ARGUMENTS, n_bytes);
  if (data == NULL
      || !sng_cuda_device_check (device, sng_cuda_slots_upload (self->slots, data, host, n_bytes, stream),
                                 "[cuda][arguments]"))
    return NULL;
  return data;
}

/* The event is gone when both streams are past it. */
static cudaError_t
put_behind (cudaStream_t stream, cudaStream_t other)
{
  cudaEvent_t event;
  cudaError_t status = cudaEventCreateWithFlags (&event, cudaEventDisableTiming);

  if (status != cudaSuccess)
    return status;

  status = cudaEventRecord (event, other);
  if (status == cudaSuccess)
    status = cudaStreamWaitEvent (stream, event, 0);
  cudaEventDestroy (event);
  return status;
}

static gboolean
sng_cuda_device_lead (SngDevice *device, guint64 stream, GError **error)
{
  g_auto (SngCudaScope) scope G_GNUC_UNUSED = sng_cuda_scope_enter ();
  cudaStream_t own = sng_cuda_device_enter (device);

  return sng_cuda_device_get_failure (SNG_CUDA_DEVICE (device), error)
         && sng_cuda_check (put_behind ((cudaStream_t) stream, own), device->index, "[cuda][lead]", error);
}

/* Where that stream is being captured, what is on it is not done now, and to wait for it would make us a part of the capture. */
static void
sng_cuda_device_follow (SngDevice *device, guint64 stream)
{
  g_auto (SngCudaScope) scope G_GNUC_UNUSED = sng_cuda_scope_enter ();
  SngCudaDevice *self = SNG_CUDA_DEVICE (device);
  enum cudaStreamCaptureStatus capture = cudaStreamCaptureStatusNone;
  cudaStream_t other = (cudaStream_t) stream;
  cudaError_t status;

  if (other == self->stream)
    return;

  sng_cuda_device_enter (device);
  status = cudaStreamIsCapturing (other, &capture);
  if (status == cudaSuccess && capture == cudaStreamCaptureStatusNone)
    status = put_behind (self->stream, other);
  sng_cuda_device_check (device, status, "[cuda][follow]");
}

static void
sng_cuda_device_gather (SngDevice *device,
                        gpointer destination,
                        gconstpointer source,
                        const SngLayout *layout,
                        gint64 first,
                        gint64 n)
{
  g_auto (SngCudaScope) scope G_GNUC_UNUSED = sng_cuda_scope_enter ();

  sng_cuda_gather (device, destination, source, layout, first, n);
}

static void
sng_cuda_device_scatter (SngDevice *device,
                         gpointer destination,
                         const SngLayout *layout,
                         gconstpointer source,
                         gint64 first,
                         gint64 n)
{
  g_auto (SngCudaScope) scope G_GNUC_UNUSED = sng_cuda_scope_enter ();

  sng_cuda_scatter (device, destination, layout, source, first, n);
}

static void
sng_cuda_device_fingerprint (SngDevice *device,
                             gsize n,
                             const SngRegion *elements,
                             gboolean summarize,
                             SngBlockSums *sums)
{
  g_auto (SngCudaScope) scope G_GNUC_UNUSED = sng_cuda_scope_enter ();

  sng_cuda_fingerprint (device, n, elements, summarize, sums);
}

static void
add_setting (GVariantBuilder *builder, const char *name)
{
  const char *value = g_getenv (name);

  if (value != NULL)
    g_variant_builder_add (builder, "{ss}", name, value);
}

static void
add_version (GVariantBuilder *builder, const char *key, int version)
{
  g_autofree char *text = g_strdup_printf ("%d.%d", version / 1000, version % 1000 / 10);

  g_variant_builder_add (builder, "{ss}", key, text);
}

static void
sng_cuda_device_describe (SngDevice *device, GVariantBuilder *builder)
{
  g_auto (SngCudaScope) scope G_GNUC_UNUSED = sng_cuda_scope_enter ();
  const SngCudaGpu *gpu = SNG_CUDA_DEVICE (device)->gpu;
  g_autofree char *capability = g_strdup_printf ("%d.%d", gpu->properties.major, gpu->properties.minor);
  g_autofree char *multiprocessors = g_strdup_printf ("%d", gpu->properties.multiProcessorCount);
  g_autofree char *driver = NULL;

  g_variant_builder_add (builder, "{ss}", "gpu", gpu->properties.name);
  g_variant_builder_add (builder, "{ss}", "compute-capability", capability);
  g_variant_builder_add (builder, "{ss}", "multiprocessors", multiprocessors);
  add_version (builder, "cuda-driver", gpu->driver_version);
  add_version (builder, "cuda-toolkit", gpu->runtime_version);
  g_variant_builder_add (builder, "{ss}", "cuda-compiler", SNG_CUDA_COMPILER);
  if (g_file_get_contents ("/sys/module/nvidia/version", &driver, NULL, NULL))
    g_variant_builder_add (builder, "{ss}", "nvidia-driver", g_strchomp (driver));
  add_setting (builder, "CUBLAS_WORKSPACE_CONFIG");
  sng_cuda_product_describe (device, builder);
}

static void
sng_cuda_device_finalize (GObject *object)
{
  g_auto (SngCudaScope) scope G_GNUC_UNUSED = sng_cuda_scope_enter ();
  SngCudaDevice *self = SNG_CUDA_DEVICE (object);

  if (self->gpu != NULL)
    {
      cudaSetDevice ((int) self->gpu->index);
      if (self->stream != NULL)
        cudaStreamSynchronize (self->stream);
      g_clear_pointer (&self->stager, sng_cuda_stager_free);
      g_clear_pointer (&self->scratches, sng_cuda_scratches_free);
      if (self->own_stream && self->stream != NULL)
        cudaStreamDestroy (self->stream);
    }
  g_clear_pointer (&self->graphs, sng_cuda_graphs_free);
  g_clear_pointer (&self->slots, sng_cuda_slots_free);
  g_clear_error (&self->failure);
  g_mutex_clear (&self->mutex);

  G_OBJECT_CLASS (sng_cuda_device_parent_class)->finalize (object);
}

static void
sng_cuda_device_class_init (SngCudaDeviceClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  SngDeviceClass *device_class = (SngDeviceClass *) klass;

  object_class->finalize = sng_cuda_device_finalize;

  device_class->name = "cuda";
  device_class->host = FALSE;
  device_class->dlpack_type = SNG_DLPACK_DEVICE_CUDA;
  device_class->math = sng_cuda_math_get ();
  device_class->alloc = sng_cuda_device_alloc;
  device_class->free = sng_cuda_device_free;
  device_class->zero = sng_cuda_device_zero;
  device_class->copy = sng_cuda_device_copy;
  device_class->upload = sng_cuda_device_upload;
  device_class->download = sng_cuda_device_download;
  device_class->stage = sng_cuda_stage;
  device_class->finish_stage = sng_cuda_finish_stage;
  device_class->alloc_staging = sng_cuda_alloc_staging;
  device_class->free_staging = sng_cuda_free_staging;
  device_class->gather = sng_cuda_device_gather;
  device_class->scatter = sng_cuda_device_scatter;
  device_class->fingerprint = sng_cuda_device_fingerprint;
  device_class->run = sng_cuda_run;
  device_class->check = sng_cuda_device_report;
  device_class->lead = sng_cuda_device_lead;
  device_class->follow = sng_cuda_device_follow;
  device_class->describe = sng_cuda_device_describe;
}

static void
sng_cuda_device_init (SngCudaDevice *self)
{
  g_mutex_init (&self->mutex);
  self->slots = sng_cuda_slots_new ();
  self->graphs = sng_cuda_graphs_new (self);
}

SngDevice *
sng_cuda_device_new (guint index, guint64 stream, GError **error)
{
  g_autoptr (SngCudaDevice) self = NULL;
  SngDevice *device;
  SngCudaGpu *gpu = sng_cuda_gpu_get (index, error);
  g_auto (SngCudaScope) scope G_GNUC_UNUSED = { 0 };

  if (gpu == NULL)
    return NULL;

  scope = sng_cuda_scope_enter ();
  self = g_object_new (SNG_TYPE_CUDA_DEVICE, NULL);
  self->gpu = gpu;
  self->own_stream = stream == 0;
  self->stream = (cudaStream_t) stream;
  if (!sng_cuda_check (cudaSetDevice ((int) index), index, "[cuda][new]", error)
      || (self->own_stream
          && !sng_cuda_check (cudaStreamCreateWithFlags (&self->stream, cudaStreamNonBlocking), index,
                              "[cuda][new]", error)))
    return NULL;

  self->scratches = sng_cuda_scratches_new (gpu, self->stream);
  device = SNG_DEVICE (self);
  device->index = index;
  device->stream = (guint64) self->stream;
  return SNG_DEVICE (g_steal_pointer (&self));
}
