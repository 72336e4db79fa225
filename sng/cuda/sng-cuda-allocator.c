/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cuda/sng-cuda-device-private.h"

#include "sng-error.h"

/* A GPU's memory. To get it from the driver, and to give it back, waits for all that the GPU does; so blocks are kept.
 *
 * A block that was freed is used again on its stream at once, since the stream keeps the order; on another one when the event
 * that its stream reached after the last use has come. */

#define PLACE "[device][alloc]"
#define SMALL_UNIT 512u
#define LARGE_UNIT (2u << 20)
#define LARGE (1u << 20)

typedef struct
{
  gpointer data;
  gsize n_bytes;
  cudaStream_t stream; /* of the last use */
  cudaEvent_t event;   /* after the last use */
} Block;

struct _SngCudaAllocator
{
  guint gpu;
  GMutex mutex;
  GHashTable *used; /* address to Block */
  GSequence *kept;  /* Block by size */
};

SngCudaAllocator *
sng_cuda_allocator_new (guint gpu)
{
  SngCudaAllocator *self = g_new0 (SngCudaAllocator, 1);

  self->gpu = gpu;
  g_mutex_init (&self->mutex);
  self->used = g_hash_table_new (NULL, NULL);
  self->kept = g_sequence_new (NULL);
  return self;
}

/* 0 where there is no such size. */
static gsize
round_up (gsize n_bytes)
{
  gsize unit = n_bytes < LARGE ? SMALL_UNIT : LARGE_UNIT;

  if (n_bytes > G_MAXSSIZE - unit)
    return 0;
  return MAX ((n_bytes + unit - 1) / unit, 1) * unit;
}

/* One that is looked for comes before its equals. */
static int
compare_sizes (gconstpointer a, gconstpointer b, gpointer wanted)
{
  const Block *a_block = a, *b_block = b;

  if (a_block->n_bytes != b_block->n_bytes)
    return a_block->n_bytes < b_block->n_bytes ? -1 : 1;
  return a == wanted ? -1 : b == wanted ? 1 : 0;
}

static gboolean
is_usable (const Block *block, cudaStream_t stream)
{
  if (block->stream == stream)
    return TRUE;
  if (cudaEventQuery (block->event) == cudaSuccess)
    return TRUE;

  cudaGetLastError ();
  return FALSE;
}

/* The smallest that is large enough, and at most a quarter larger. */
static Block *
take_kept (SngCudaAllocator *self, gsize n_bytes, cudaStream_t stream)
{
  Block wanted = { .n_bytes = n_bytes };
  GSequenceIter *iter = g_sequence_search (self->kept, &wanted, compare_sizes, &wanted);

  for (; !g_sequence_iter_is_end (iter); iter = g_sequence_iter_next (iter))
    {
      Block *block = g_sequence_get (iter);

      if (block->n_bytes > n_bytes + n_bytes / 4)
        return NULL;
      if (is_usable (block, stream))
        {
          g_sequence_remove (iter);
          return block;
        }
    }

  return NULL;
}

static void
give_back (Block *block)
{
  if (block->event != NULL)
    {
      cudaEventSynchronize (block->event);
      cudaEventDestroy (block->event);
    }
  cudaFree (block->data);
  g_free (block);
}

/* To the driver, all that is kept. */
static void
give_all_back (SngCudaAllocator *self)
{
  GSequenceIter *iter;

  while (iter = g_sequence_get_begin_iter (self->kept), !g_sequence_iter_is_end (iter))
    {
      give_back (g_sequence_get (iter));
      g_sequence_remove (iter);
    }
}

static Block *
get_new (SngCudaAllocator *self, gsize n_bytes, GError **error)
{
  gpointer data = NULL;
  cudaError_t status = cudaMalloc (&data, n_bytes);
  Block *block;

  if (status == cudaErrorMemoryAllocation)
    {
      cudaGetLastError ();
      give_all_back (self);
      status = cudaMalloc (&data, n_bytes);
    }

  if (status == cudaErrorMemoryAllocation)
    {
      gsize n_free = 0, total = 0;

      cudaGetLastError ();
      cudaMemGetInfo (&n_free, &total);
      g_set_error (error, SNG_ERROR, SNG_ERROR_FAILED,
                   PLACE " cuda:%u: cannot get %" G_GSIZE_FORMAT " bytes of memory: %" G_GSIZE_FORMAT
                         " of %" G_GSIZE_FORMAT " bytes are free",
                   self->gpu, n_bytes, n_free, total);
      return NULL;
    }
  if (!sng_cuda_check (status, self->gpu, PLACE, error))
    return NULL;

  block = g_new0 (Block, 1);
  block->data = data;
  block->n_bytes = n_bytes;
  return block;
}

gpointer
sng_cuda_allocator_alloc (SngCudaAllocator *self, gsize n_bytes, cudaStream_t stream, GError **error)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&self->mutex);
  gsize rounded = round_up (n_bytes);
  Block *block;

  if (rounded == 0)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_FAILED,
                   PLACE " cuda:%u: cannot get %" G_GSIZE_FORMAT " bytes of memory", self->gpu, n_bytes);
      return NULL;
    }

  block = take_kept (self, rounded, stream);
  if (block == NULL)
    block = get_new (self, rounded, error);
  if (block == NULL)
    return NULL;

  g_hash_table_insert (self->used, block->data, block);
  return block->data;
}

static gboolean
mark_last_use (Block *block, cudaStream_t stream)
{
  cudaError_t status = cudaSuccess;

  block->stream = stream;
  if (block->event == NULL)
    status = cudaEventCreateWithFlags (&block->event, cudaEventDisableTiming);
  if (status == cudaSuccess)
    status = cudaEventRecord (block->event, stream);
  if (status == cudaSuccess)
    return TRUE;

  cudaGetLastError ();
  return FALSE;
}

/* A block whose last use nobody can wait for goes back to the driver, which waits for everything. */
void
sng_cuda_allocator_free (SngCudaAllocator *self, gpointer data, cudaStream_t stream)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&self->mutex);
  Block *block = NULL;

  if (!g_hash_table_steal_extended (self->used, data, NULL, (gpointer *) &block))
    g_return_if_reached ();

  if (mark_last_use (block, stream))
    g_sequence_insert_sorted (self->kept, block, compare_sizes, NULL);
  else
    give_back (block);
}
