/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cuda/sng-cuda-device-private.h"

/* Memory that kernels work in. Threads do not see each other's, since what they launch may come in any order; a thread's goes
 * when the thread ends. What a thread launches inside run comes in one piece, with or without a graph. */

typedef struct
{
  gconstpointer owner; /* the token of a thread; NULL: whoever is inside run */
  SngCudaScratch use;
  gpointer data;
  gsize n_bytes;
} Scratch;

struct _SngCudaScratches
{
  SngCudaGpu *gpu;
  cudaStream_t stream;

  GMutex mutex; /* for what follows */
  GArray *all;  /* Scratch */
};

/* Those of all devices that there are. Whoever holds this may ask for the mutex of one of them, never the other way round. */
static GMutex mutex;
static GPtrArray *known;

/* ---- Threads ---- */

static void
drop (SngCudaScratches *self, gconstpointer owner)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&self->mutex);

  for (guint i = self->all->len; i > 0; i--)
    {
      const Scratch *scratch = &g_array_index (self->all, Scratch, i - 1);

      if (scratch->owner != owner)
        continue;
      if (scratch->data != NULL)
        sng_cuda_allocator_free (self->gpu->allocator, scratch->data, self->stream);
      g_array_remove_index_fast (self->all, i - 1);
    }
}

/* Of a thread that ends. A device that goes meanwhile waits for it. */
static void
drop_all (gpointer token)
{
  g_auto (SngCudaScope) scope G_GNUC_UNUSED = sng_cuda_scope_enter ();
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&mutex);

  for (guint i = 0; i < known->len; i++)
    {
      SngCudaScratches *scratches = g_ptr_array_index (known, i);

      cudaSetDevice ((int) scratches->gpu->index);
      drop (scratches, token);
    }
  g_free (token);
}

/* Names the calling thread. Not by its GThread: that may be gone, and its address another thread's, when the token goes. */
static gconstpointer
get_token (void)
{
  static GPrivate this_thread = G_PRIVATE_INIT (drop_all);
  gpointer token = g_private_get (&this_thread);

  if (token == NULL)
    {
      token = g_new (char, 1);
      g_private_set (&this_thread, token);
    }
  return token;
}

/* ---- Of a device ---- */

SngCudaScratches *
sng_cuda_scratches_new (SngCudaGpu *gpu, cudaStream_t stream)
{
  SngCudaScratches *self = g_new0 (SngCudaScratches, 1);
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&mutex);

  self->gpu = gpu;
  self->stream = stream;
  g_mutex_init (&self->mutex);
  self->all = g_array_new (FALSE, FALSE, sizeof (Scratch));

  if (known == NULL)
    known = g_ptr_array_new ();
  g_ptr_array_add (known, self);
  return self;
}

void
sng_cuda_scratches_free (SngCudaScratches *self)
{
  g_mutex_lock (&mutex);
  g_ptr_array_remove_fast (known, self);
  g_mutex_unlock (&mutex);

  for (guint i = 0; i < self->all->len; i++)
    {
      const Scratch *scratch = &g_array_index (self->all, Scratch, i);

      if (scratch->data != NULL)
        sng_cuda_allocator_free (self->gpu->allocator, scratch->data, self->stream);
    }
  g_array_unref (self->all);
  g_mutex_clear (&self->mutex);
  g_free (self);
}

static Scratch *
find (SngCudaScratches *self, gconstpointer owner, SngCudaScratch use)
{
  Scratch scratch = { .owner = owner, .use = use };

  for (guint i = 0; i < self->all->len; i++)
    {
      Scratch *one = &g_array_index (self->all, Scratch, i);

      if (one->owner == owner && one->use == use)
        return one;
    }

  g_array_append_val (self->all, scratch);
  return &g_array_index (self->all, Scratch, self->all->len - 1);
}

static gboolean
grow (SngCudaScratches *self, SngCudaGraphs *graphs, Scratch *scratch, gsize n_bytes, GError **error)
{
  gpointer data = sng_cuda_allocator_alloc (self->gpu->allocator, n_bytes, self->stream, error);

  if (data == NULL)
    return FALSE;

  if (scratch->data != NULL)
    {
      if (scratch->owner == NULL)
        sng_cuda_graphs_clear (graphs);
      sng_cuda_allocator_free (self->gpu->allocator, scratch->data, self->stream);
    }
  scratch->data = data;
  scratch->n_bytes = n_bytes;
  return TRUE;
}

gpointer
sng_cuda_device_scratch (SngDevice *device, SngCudaScratch use, gsize n_bytes)
{
  SngCudaDevice *self = SNG_CUDA_DEVICE (device);
  SngCudaScratches *scratches = self->scratches;
  g_auto (SngCudaScope) scope G_GNUC_UNUSED = sng_cuda_scope_enter ();
  gconstpointer owner = sng_cuda_graphs_is_running (self->graphs) ? NULL : get_token ();
  GError *error = NULL;
  gpointer data = NULL;
  Scratch *scratch;

  if (!sng_cuda_device_get_failure (self, NULL))
    return NULL;

  sng_cuda_device_enter (device);
  g_mutex_lock (&scratches->mutex);
  scratch = find (scratches, owner, use);
  if ((scratch->data != NULL && scratch->n_bytes >= n_bytes)
      || grow (scratches, self->graphs, scratch, n_bytes, &error))
    data = scratch->data;
  g_mutex_unlock (&scratches->mutex);

  if (error != NULL)
    sng_cuda_device_fail (device, error);
  return data;
}
