/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cuda/sng-cuda-device-private.h"

/* A training launches some hundred small kernels a step, the same each time. When run comes with a key for the second time,
 * what it launches is recorded as a CUDA graph, and from then on all of it is launched at once.
 *
 * It is recorded on a stream of its own, so that what other threads put on the device's stream meanwhile is not taken for a
 * part of it. What cannot be recorded is launched one by one, as the first time. */

#define MAX_ENTRIES 16

typedef struct
{
  GBytes *key;
  cudaGraphExec_t graph;
  gboolean plain; /* it was tried to record it, in vain */
  guint64 last_used;
} Entry;

struct _SngCudaGraphs
{
  SngCudaDevice *device;
  gboolean enabled;
  GMutex mutex;     /* held inside run */
  GThread *running; /* whoever holds it */

  /* For the thread inside run only. */
  GPtrArray *entries;
  guint64 n_runs;
  cudaStream_t stream;
  gboolean recording;
  gboolean spoilt;
};

static void
forget_graph (Entry *entry)
{
  if (entry->graph != NULL)
    cudaGraphExecDestroy (entry->graph);
  entry->graph = NULL;
}

static void
free_entry (gpointer data)
{
  Entry *entry = data;

  forget_graph (entry);
  g_bytes_unref (entry->key);
  g_free (entry);
}

SngCudaGraphs *
sng_cuda_graphs_new (SngCudaDevice *device)
{
  SngCudaGraphs *self = g_new0 (SngCudaGraphs, 1);

  self->device = device;
  self->enabled = g_strcmp0 (g_getenv ("SNG_CUDA_GRAPHS"), "0") != 0;
  g_mutex_init (&self->mutex);
  self->entries = g_ptr_array_new_with_free_func (free_entry);
  return self;
}

/* The stream of a recording that failed may still be in it; the next one gets another. */
static void
forget_stream (SngCudaGraphs *self)
{
  if (self->stream != NULL)
    cudaStreamDestroy (self->stream);
  self->stream = NULL;
}

void
sng_cuda_graphs_free (SngCudaGraphs *self)
{
  g_ptr_array_unref (self->entries);
  forget_stream (self);
  g_mutex_clear (&self->mutex);
  g_free (self);
}

gboolean
sng_cuda_graphs_is_running (SngCudaGraphs *self)
{
  return g_atomic_pointer_get (&self->running) == g_thread_self ();
}

cudaStream_t
sng_cuda_graphs_get_recording (SngCudaGraphs *self)
{
  return sng_cuda_graphs_is_running (self) && self->recording ? self->stream : NULL;
}

void
sng_cuda_graphs_spoil (SngCudaGraphs *self)
{
  self->spoilt = TRUE;
}

void
sng_cuda_graphs_clear (SngCudaGraphs *self)
{
  self->spoilt = TRUE;
  for (guint i = 0; i < self->entries->len; i++)
    forget_graph (g_ptr_array_index (self->entries, i));
}

static Entry *
find_entry (SngCudaGraphs *self, GBytes *key)
{
  for (guint i = 0; i < self->entries->len; i++)
    {
      Entry *entry = g_ptr_array_index (self->entries, i);

      if (g_bytes_equal (entry->key, key))
        return entry;
    }

  return NULL;
}

/* In place of the one that was not used for the longest time, where there are many. */
static Entry *
add_entry (SngCudaGraphs *self, GBytes *key)
{
  Entry *entry = g_new0 (Entry, 1);

  if (self->entries->len == MAX_ENTRIES)
    {
      guint oldest = 0;

      for (guint i = 1; i < self->entries->len; i++)
        if (((Entry *) g_ptr_array_index (self->entries, i))->last_used
            < ((Entry *) g_ptr_array_index (self->entries, oldest))->last_used)
          oldest = i;
      g_ptr_array_remove_index (self->entries, oldest);
    }

  entry->key = g_bytes_new (g_bytes_get_data (key, NULL), g_bytes_get_size (key));
  g_ptr_array_add (self->entries, entry);
  return entry;
}

static cudaError_t
capture (SngCudaGraphs *self, SngDeviceFunc func, gpointer data, cudaGraph_t *graph)
{
  cudaError_t status = cudaSuccess;

  if (self->stream == NULL)
    status = cudaStreamCreateWithFlags (&self->stream, cudaStreamNonBlocking);
  if (status == cudaSuccess)
    status = cudaStreamBeginCapture (self->stream, cudaStreamCaptureModeRelaxed);
  if (status != cudaSuccess)
    return status;

  self->spoilt = FALSE;
  self->recording = TRUE;
  func (data);
  self->recording = FALSE;

  status = cudaStreamEndCapture (self->stream, graph);
  return status == cudaSuccess && self->spoilt ? cudaErrorStreamCaptureInvalidated : status;
}

static gboolean
record (SngCudaGraphs *self, Entry *entry, SngDeviceFunc func, gpointer data)
{
  cudaGraph_t graph = NULL;
  cudaError_t status = capture (self, func, data, &graph);

  if (status == cudaSuccess)
    status = cudaGraphInstantiate (&entry->graph, graph, 0);
  if (graph != NULL)
    cudaGraphDestroy (graph);
  if (status == cudaSuccess)
    return TRUE;

  cudaGetLastError ();
  forget_stream (self);
  entry->graph = NULL;
  entry->plain = TRUE;
  g_debug ("[cuda][run] this cannot be recorded, and is launched one by one from now on: %s (%s)",
           cudaGetErrorName (status), cudaGetErrorString (status));
  return FALSE;
}

static void
run_entry (SngCudaGraphs *self, GBytes *key, SngDeviceFunc func, gpointer data)
{
  SngDevice *device = SNG_DEVICE (self->device);
  Entry *entry = find_entry (self, key);
  gboolean first = entry == NULL;

  if (first)
    entry = add_entry (self, key);
  entry->last_used = ++self->n_runs;

  if (!first && !entry->plain && (entry->graph != NULL || record (self, entry, func, data)))
    sng_cuda_device_check (device, cudaGraphLaunch (entry->graph, sng_cuda_device_enter (device)),
                           "[cuda][run]");
  else
    func (data);
}

void
sng_cuda_run (SngDevice *device, gconstpointer key, gsize key_size, SngDeviceFunc func, gpointer data)
{
  g_auto (SngCudaScope) scope G_GNUC_UNUSED = sng_cuda_scope_enter ();
  SngCudaGraphs *self = SNG_CUDA_DEVICE (device)->graphs;
  g_autoptr (GBytes) bytes = NULL;

  if (!self->enabled || sng_cuda_graphs_is_running (self))
    {
      func (data);
      return;
    }

  bytes = g_bytes_new_static (key, key_size);
  g_mutex_lock (&self->mutex);
  g_atomic_pointer_set (&self->running, g_thread_self ());
  sng_cuda_device_enter (device);
  run_entry (self, bytes, func, data);
  g_atomic_pointer_set (&self->running, NULL);
  g_mutex_unlock (&self->mutex);
}
