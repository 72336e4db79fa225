/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cuda/sng-cuda-device-private.h"

#include "sng-error.h"

#define PLACE "[cuda][new]"
#define STUB_LIBRARY 34  /* cudaErrorStubLibrary */
#define MIN_CAPABILITY 8 /* what the kernels are compiled for */

static void set_missing (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
set_missing (GError **error, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);

  g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED, PLACE " %s", text);
}

/* Without a driver its version is 0. */
static void
set_driver_missing (GError **error)
{
  int driver = 0, runtime = 0;

  cudaDriverGetVersion (&driver);
  cudaRuntimeGetVersion (&runtime);
  if (driver == 0)
    set_missing (error, "there is no NVIDIA driver (libcuda.so.1)");
  else
    set_missing (
        error,
        "the NVIDIA driver knows CUDA %d.%d, and libsng was built with CUDA %d.%d: install a newer one",
        driver / 1000, driver % 1000 / 10, runtime / 1000, runtime % 1000 / 10);
}

/* Whether there is a GPU of this number. */
static gboolean
check_count (guint index, GError **error)
{
  int n_gpus = 0;
  cudaError_t status = cudaGetDeviceCount (&n_gpus);
  const char *visible = g_getenv ("CUDA_VISIBLE_DEVICES");

  if (status == cudaErrorInsufficientDriver)
    set_driver_missing (error);
  else if ((int) status == STUB_LIBRARY)
    set_missing (error, "the NVIDIA driver that was found is a stub to link with, and drives nothing");
  else if (status == cudaErrorNoDevice || (status == cudaSuccess && n_gpus == 0))
    set_missing (error, "there is no GPU that CUDA can use%s%s%s",
                 visible != NULL ? " (CUDA_VISIBLE_DEVICES is \"" : "", visible != NULL ? visible : "",
                 visible != NULL ? "\")" : "");
  else if (status == cudaSuccess && index >= (guint) n_gpus)
    set_missing (error, "there is no cuda:%u: the number of GPUs is %d", index, n_gpus);
  else
    return sng_cuda_check (status, index, PLACE, error);

  cudaGetLastError ();
  return FALSE;
}

static SngCudaGpu *
open_gpu (guint index, GError **error)
{
  g_autofree SngCudaGpu *self = g_new0 (SngCudaGpu, 1);

  if (!check_count (index, error)
      || !sng_cuda_check (cudaGetDeviceProperties (&self->properties, (int) index), index, PLACE, error)
      || !sng_cuda_check (cudaDriverGetVersion (&self->driver_version), index, PLACE, error)
      || !sng_cuda_check (cudaRuntimeGetVersion (&self->runtime_version), index, PLACE, error))
    return NULL;

  if (self->properties.major < MIN_CAPABILITY)
    {
      set_missing (error, "cuda:%u, %s, has compute capability %d.%d: libsng needs %d.0", index,
                   self->properties.name, self->properties.major, self->properties.minor, MIN_CAPABILITY);
      return NULL;
    }

  self->index = index;
  self->allocator = sng_cuda_allocator_new (index);
  g_mutex_init (&self->mutex);
  return g_steal_pointer (&self);
}

SngCudaGpu *
sng_cuda_gpu_get (guint index, GError **error)
{
  static GMutex mutex;
  static GPtrArray *known;
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&mutex);
  SngCudaGpu *self;

  if (known == NULL)
    known = g_ptr_array_new ();
  for (guint i = 0; i < known->len; i++)
    {
      self = g_ptr_array_index (known, i);
      if (self->index == index)
        return self;
    }

  self = open_gpu (index, error);
  if (self != NULL)
    g_ptr_array_add (known, self);
  return self;
}
