/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cpu/sng-cpu-math-private.h"
#include "cpu/sng-cpu-private.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "sng-error.h"
#include "tensor/sng-dlpack-private.h"

/* The processor behind SngDevice. */

#define ALIGNMENT 64
#define HUGE_PAGE_SIZE (2u << 20)
#define MAX_THREADS 1024

#define SNG_TYPE_CPU_DEVICE (sng_cpu_device_get_type ())
G_DECLARE_FINAL_TYPE (SngCpuDevice, sng_cpu_device, SNG, CPU_DEVICE, SngDevice)

struct _SngCpuDevice
{
  SngDevice parent_instance;

  SngCpuPool *pool;
};

G_DEFINE_FINAL_TYPE (SngCpuDevice, sng_cpu_device, SNG_TYPE_DEVICE)

/* A large block is mapped by itself, at the start of a huge page: the kernel hands it out zeroed, and touching it for the
 * first time costs a quarter of what it does with small pages. */
static gpointer
map_huge (gsize n_bytes)
{
  gsize n_mapped = n_bytes + HUGE_PAGE_SIZE;
  char *mapped = mmap (NULL, n_mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  gsize before, n_pages;

  if (mapped == MAP_FAILED)
    return NULL;

  before = -(gsize) mapped % HUGE_PAGE_SIZE;
  n_pages = (n_bytes + 4095) / 4096 * 4096;
  if (before > 0)
    munmap (mapped, before);
  if (n_mapped > before + n_pages)
    munmap (mapped + before + n_pages, n_mapped - before - n_pages);
  madvise (mapped + before, n_pages, MADV_HUGEPAGE);

  return mapped + before;
}

static gpointer
sng_cpu_device_alloc (SngDevice *device, gsize n_bytes, GError **error)
{
  gpointer data = NULL;

  if (n_bytes >= HUGE_PAGE_SIZE)
    {
      if (n_bytes <= G_MAXSSIZE - HUGE_PAGE_SIZE)
        data = map_huge (n_bytes);
    }
  else
    {
      data = aligned_alloc (ALIGNMENT, MAX ((n_bytes + ALIGNMENT - 1) / ALIGNMENT, 1) * ALIGNMENT);
      if (data != NULL)
        memset (data, 0, n_bytes);
    }

  if (data == NULL)
    g_set_error (error, SNG_ERROR, SNG_ERROR_FAILED,
                 "[device][alloc] cpu: cannot get %" G_GSIZE_FORMAT " bytes of memory", n_bytes);
  return data;
}

static void
sng_cpu_device_free (SngDevice *device, gpointer data, gsize n_bytes)
{
  if (n_bytes >= HUGE_PAGE_SIZE)
    munmap (data, (n_bytes + 4095) / 4096 * 4096);
  else
    free (data);
}

static void
sng_cpu_device_zero (SngDevice *device, gpointer data, gsize n_bytes)
{
  memset (data, 0, n_bytes);
}

static void
sng_cpu_device_copy (SngDevice *device, gpointer destination, gconstpointer source, gsize n_bytes)
{
  if (n_bytes > 0)
    memmove (destination, source, n_bytes);
}

static gboolean
sng_cpu_device_transfer (SngDevice *device,
                         gpointer destination,
                         gconstpointer source,
                         gsize n_bytes,
                         GError **error)
{
  if (n_bytes > 0)
    memmove (destination, source, n_bytes);
  return TRUE;
}

static gboolean
sng_cpu_device_finish_stage (SngDevice *device, GError **error)
{
  return TRUE;
}

static void
sng_cpu_device_finalize (GObject *object)
{
  SngCpuDevice *self = SNG_CPU_DEVICE (object);

  g_clear_pointer (&self->pool, sng_cpu_pool_free);

  G_OBJECT_CLASS (sng_cpu_device_parent_class)->finalize (object);
}

static void
sng_cpu_device_class_init (SngCpuDeviceClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  SngDeviceClass *device_class = (SngDeviceClass *) klass;

  object_class->finalize = sng_cpu_device_finalize;

  device_class->name = "cpu";
  device_class->host = TRUE;
  device_class->dlpack_type = SNG_DLPACK_DEVICE_CPU;
  device_class->math = sng_cpu_math_get ();
  device_class->alloc = sng_cpu_device_alloc;
  device_class->free = sng_cpu_device_free;
  device_class->zero = sng_cpu_device_zero;
  device_class->copy = sng_cpu_device_copy;
  device_class->upload = sng_cpu_device_transfer;
  device_class->download = sng_cpu_device_transfer;
  device_class->stage = sng_cpu_stage;
  device_class->finish_stage = sng_cpu_device_finish_stage;
  device_class->alloc_staging = sng_cpu_device_alloc;
  device_class->free_staging = sng_cpu_device_free;
  device_class->gather = sng_cpu_gather;
  device_class->scatter = sng_cpu_scatter;
  device_class->fingerprint = sng_cpu_fingerprint;
}

static void
sng_cpu_device_init (SngCpuDevice *self)
{
}

/**
 * sng_device_new_cpu:
 * @n_threads: how many threads work, the calling one included; 0 for one a
 *   processor that this process may run on. There are never more than 1024, nor
 *   more than the system allows.
 *
 * Creates a device for the processor with threads of its own. With 1, no
 * thread is made. The threads sleep while there is nothing to do, and end with
 * the device.
 *
 * Returns: (transfer full): a new device
 *
 * Since: 1.0
 */
SngDevice *
sng_device_new_cpu (guint n_threads)
{
  SngCpuDevice *self = g_object_new (SNG_TYPE_CPU_DEVICE, NULL);
  SngDevice *device = SNG_DEVICE (self);

  if (n_threads == 0)
    n_threads = g_get_num_processors ();
  self->pool = sng_cpu_pool_new (MIN (n_threads, MAX_THREADS));
  device->n_threads = sng_cpu_pool_get_n_threads (self->pool);

  return device;
}

void
sng_cpu_parallel_for (SngDevice *device, guint n_chunks, SngChunkFunc func, gpointer data)
{
  sng_cpu_pool_run (SNG_CPU_DEVICE (device)->pool, n_chunks, func, data);
}
