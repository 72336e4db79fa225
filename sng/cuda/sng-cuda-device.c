/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cuda/sng-cuda-device-private.h"
#include "cuda/sng-cuda-product-private.h"

#include "tensor/sng-dlpack-private.h"

/* A GPU and a stream behind SngDevice. */

typedef struct
{
  GThread *owner; /* NULL: whoever is inside run */
  SngCudaScratch use;
  gpointer data;
  gsize n_bytes;
} Scratch;

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
  SngCudaDevice *self = SNG_CUDA_DEVICE (device);

  /* Who gets it next writes to it. */
  sng_cuda_before_write (device, data, n_bytes);
  sng_cuda_allocator_free (self->gpu->allocator, data, sng_cuda_device_enter (device));
}

static void
sng_cuda_device_zero (SngDevice *device, gpointer data, gsize n_bytes)
{
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

/* As memmove does it: what overlaps goes by way of other memory. */
static void
sng_cuda_device_copy (SngDevice *device, gpointer destination, gconstpointer source, gsize n_bytes)
{
  SngCudaDevice *self = SNG_CUDA_DEVICE (device);
  gsize distance = (gsize) destination - (gsize) source;
  gboolean overlaps = distance < n_bytes || -distance < n_bytes;
  cudaStream_t stream = sng_cuda_device_enter (device);
  g_autoptr (GError) error = NULL;
  gpointer between;

  if (n_bytes == 0 || distance == 0)
    return;

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
  cudaStream_t stream = sng_cuda_device_enter (device);

  return sng_cuda_device_check (device, cudaStreamSynchronize (stream), place);
}

static Scratch *
find_scratch (SngCudaDevice *self, GThread *owner, SngCudaScratch use)
{
  Scratch scratch = { .owner = owner, .use = use };

  for (guint i = 0; i < self->scratches->len; i++)
    {
      Scratch *known = &g_array_index (self->scratches, Scratch, i);

      if (known->owner == owner && known->use == use)
        return known;
    }

  g_array_append_val (self->scratches, scratch);
  return &g_array_index (self->scratches, Scratch, self->scratches->len - 1);
}

static gboolean
grow_scratch (SngCudaDevice *self, Scratch *scratch, gsize n_bytes, GError **error)
{
  gpointer data = sng_cuda_allocator_alloc (self->gpu->allocator, n_bytes, self->stream, error);

  if (data == NULL)
    return FALSE;

  if (scratch->data != NULL)
    {
      if (scratch->owner == NULL)
        sng_cuda_graphs_clear (self->graphs);
      sng_cuda_allocator_free (self->gpu->allocator, scratch->data, self->stream);
    }
  scratch->data = data;
  scratch->n_bytes = n_bytes;
  return TRUE;
}

/* Threads do not see each other's, since what they launch may come in any order. What a thread launches inside run comes in
 * one piece, with or without a graph. */
gpointer
sng_cuda_device_scratch (SngDevice *device, SngCudaScratch use, gsize n_bytes)
{
  SngCudaDevice *self = SNG_CUDA_DEVICE (device);
  gpointer data = NULL;
  GError *error = NULL;

  sng_cuda_device_enter (device);
  g_mutex_lock (&self->mutex);
  if (self->failure == NULL)
    {
      GThread *owner = sng_cuda_graphs_is_running (self->graphs) ? NULL : g_thread_self ();
      Scratch *scratch = find_scratch (self, owner, use);

      if (scratch->data != NULL && scratch->n_bytes >= n_bytes)
        data = scratch->data;
      else if (grow_scratch (self, scratch, n_bytes, &error))
        data = scratch->data;
    }
  g_mutex_unlock (&self->mutex);

  if (error != NULL)
    sng_cuda_device_fail (device, error);
  return data;
}

gconstpointer
sng_cuda_device_upload_arguments (SngDevice *device, gconstpointer host, gsize n_bytes)
{
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
static gboolean
sng_cuda_device_lead (SngDevice *device, guint64 stream, GError **error)
{
  cudaStream_t own = sng_cuda_device_enter (device);
  cudaEvent_t event;
  cudaError_t status;

  if (!sng_cuda_device_get_failure (SNG_CUDA_DEVICE (device), error)
      || !sng_cuda_check (cudaEventCreateWithFlags (&event, cudaEventDisableTiming), device->index,
                          "[cuda][lead]", error))
    return FALSE;

  status = cudaEventRecord (event, own);
  if (status == cudaSuccess)
    status = cudaStreamWaitEvent ((cudaStream_t) stream, event, 0);
  cudaEventDestroy (event);

  return sng_cuda_check (status, device->index, "[cuda][lead]", error);
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
  SngCudaDevice *self = SNG_CUDA_DEVICE (object);

  if (self->gpu != NULL)
    {
      cudaSetDevice ((int) self->gpu->index);
      if (self->stream != NULL)
        cudaStreamSynchronize (self->stream);
      g_clear_pointer (&self->stager, sng_cuda_stager_free);
      for (guint i = 0; i < self->scratches->len; i++)
        {
          const Scratch *scratch = &g_array_index (self->scratches, Scratch, i);

          if (scratch->data != NULL)
            sng_cuda_allocator_free (self->gpu->allocator, scratch->data, self->stream);
        }
      if (self->own_stream && self->stream != NULL)
        cudaStreamDestroy (self->stream);
    }
  g_clear_pointer (&self->graphs, sng_cuda_graphs_free);
  g_clear_pointer (&self->slots, sng_cuda_slots_free);
  g_clear_pointer (&self->scratches, g_array_unref);
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
  device_class->gather = sng_cuda_gather;
  device_class->scatter = sng_cuda_scatter;
  device_class->fingerprint = sng_cuda_fingerprint;
  device_class->run = sng_cuda_run;
  device_class->check = sng_cuda_device_report;
  device_class->lead = sng_cuda_device_lead;
  device_class->describe = sng_cuda_device_describe;
}

static void
sng_cuda_device_init (SngCudaDevice *self)
{
  g_mutex_init (&self->mutex);
  self->slots = sng_cuda_slots_new ();
  self->graphs = sng_cuda_graphs_new (self);
  self->scratches = g_array_new (FALSE, FALSE, sizeof (Scratch));
}

SngDevice *
sng_cuda_device_new (guint index, guint64 stream, GError **error)
{
  g_autoptr (SngCudaDevice) self = NULL;
  SngDevice *device;
  SngCudaGpu *gpu = sng_cuda_gpu_get (index, error);

  if (gpu == NULL)
    return NULL;

  self = g_object_new (SNG_TYPE_CUDA_DEVICE, NULL);
  self->gpu = gpu;
  self->own_stream = stream == 0;
  self->stream = (cudaStream_t) stream;
  if (!sng_cuda_check (cudaSetDevice ((int) index), index, "[cuda][new]", error)
      || (self->own_stream
          && !sng_cuda_check (cudaStreamCreateWithFlags (&self->stream, cudaStreamNonBlocking), index,
                              "[cuda][new]", error)))
    return NULL;

  device = SNG_DEVICE (self);
  device->index = index;
  device->stream = (guint64) self->stream;
  return SNG_DEVICE (g_steal_pointer (&self));
}
