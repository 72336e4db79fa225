/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cuda/sng-cuda-device-private.h"

#include <string.h>

/* What goes to or from a GPU without waiting must lie in pinned memory, which takes long to get. So small copies and results go
 * through slots of it, one after the other: a slot is used again when its last upload is done. For anything else somebody has waited
 * before the slot comes back. */

#define N_SLOTS 16
#define MIN_BYTES (64u << 10)

struct _SngCudaSlot
{
  char *data;
  gsize n_bytes;
  cudaEvent_t event;
  gboolean uploads; /* until the event has come */
  gboolean taken;   /* by a thread */
};

struct _SngCudaSlots
{
  GMutex mutex;
  GCond returned;
  SngCudaSlot slots[N_SLOTS];
  guint next;
};

SngCudaSlots *
sng_cuda_slots_new (void)
{
  SngCudaSlots *self = g_new0 (SngCudaSlots, 1);

  g_mutex_init (&self->mutex);
  g_cond_init (&self->returned);
  return self;
}

void
sng_cuda_slots_free (SngCudaSlots *self)
{
  for (guint i = 0; i < N_SLOTS; i++)
    {
      if (self->slots[i].event != NULL)
        cudaEventDestroy (self->slots[i].event);
      if (self->slots[i].data != NULL)
        cudaFreeHost (self->slots[i].data);
    }
  g_cond_clear (&self->returned);
  g_mutex_clear (&self->mutex);
  g_free (self);
}

/* The one that was used longest ago. */
static SngCudaSlot *
pick (SngCudaSlots *self)
{
  for (guint i = 0; i < N_SLOTS; i++)
    {
      guint index = (self->next + i) % N_SLOTS;

      if (!self->slots[index].taken)
        {
          self->next = index + 1;
          return &self->slots[index];
        }
    }

  return NULL;
}

static SngCudaSlot *
take (SngCudaSlots *self)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&self->mutex);
  SngCudaSlot *slot;

  while ((slot = pick (self)) == NULL)
    g_cond_wait (&self->returned, &self->mutex);
  slot->taken = TRUE;
  return slot;
}

/* Waits for the slot's last upload, and makes room for what comes next. */
static cudaError_t
prepare (SngCudaSlot *slot, gsize n_bytes)
{
  cudaError_t status = slot->uploads ? cudaEventSynchronize (slot->event) : cudaSuccess;
  gsize wanted = MIN_BYTES;

  if (status != cudaSuccess)
    return status;
  slot->uploads = FALSE;
  if (slot->n_bytes >= n_bytes)
    return cudaSuccess;

  while (wanted < n_bytes)
    wanted *= 2;
  if (slot->data != NULL)
    cudaFreeHost (slot->data);
  slot->data = NULL;
  slot->n_bytes = 0;
  status = cudaHostAlloc ((void **) &slot->data, wanted, cudaHostAllocPortable);
  if (status == cudaSuccess)
    slot->n_bytes = wanted;
  return status;
}

cudaError_t
sng_cuda_slots_take (SngCudaSlots *self, gsize n_bytes, SngCudaSlot **slot)
{
  cudaError_t status;

  *slot = take (self);
  status = prepare (*slot, n_bytes);
  if (status != cudaSuccess)
    sng_cuda_slots_put_back (self, *slot);
  return status;
}

void
sng_cuda_slots_put_back (SngCudaSlots *self, SngCudaSlot *slot)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&self->mutex);

  slot->taken = FALSE;
  g_cond_signal (&self->returned);
}

gpointer
sng_cuda_slot_get_data (SngCudaSlot *slot)
{
  return slot->data;
}

static cudaError_t
upload_slot (SngCudaSlot *slot, gpointer destination, gconstpointer host, gsize n_bytes, cudaStream_t stream)
{
  cudaError_t status = cudaSuccess;

  if (slot->event == NULL)
    status = cudaEventCreateWithFlags (&slot->event, cudaEventDisableTiming);
  if (status != cudaSuccess)
    return status;

  memcpy (slot->data, host, n_bytes);
  status = cudaMemcpyAsync (destination, slot->data, n_bytes, cudaMemcpyHostToDevice, stream);
  if (status == cudaSuccess)
    status = cudaEventRecord (slot->event, stream);
  slot->uploads = status == cudaSuccess;
  if (status != cudaSuccess)
    cudaStreamSynchronize (stream); /* what was put there may still read the slot */
  return status;
}

cudaError_t
sng_cuda_slots_upload (SngCudaSlots *self,
                       gpointer destination,
                       gconstpointer host,
                       gsize n_bytes,
                       cudaStream_t stream)
{
  cudaError_t status;
  SngCudaSlot *slot;

  if (n_bytes > SNG_CUDA_SLOT_BYTES)
    {
      status = cudaMemcpyAsync (destination, host, n_bytes, cudaMemcpyHostToDevice, stream);
      return status == cudaSuccess ? cudaStreamSynchronize (stream) : status;
    }

  status = sng_cuda_slots_take (self, n_bytes, &slot);
  if (status != cudaSuccess)
    return status;
  status = upload_slot (slot, destination, host, n_bytes, stream);
  sng_cuda_slots_put_back (self, slot);
  return status;
}

cudaError_t
sng_cuda_slots_download (SngCudaSlots *self,
                         gpointer host,
                         gconstpointer source,
                         gsize n_bytes,
                         cudaStream_t stream)
{
  cudaError_t status;
  SngCudaSlot *slot;

  if (n_bytes > SNG_CUDA_SLOT_BYTES)
    {
      status = cudaMemcpyAsync (host, source, n_bytes, cudaMemcpyDeviceToHost, stream);
      return status == cudaSuccess ? cudaStreamSynchronize (stream) : status;
    }

  status = sng_cuda_slots_take (self, n_bytes, &slot);
  if (status != cudaSuccess)
    return status;
  status = cudaMemcpyAsync (slot->data, source, n_bytes, cudaMemcpyDeviceToHost, stream);
  if (status == cudaSuccess)
    status = cudaStreamSynchronize (stream);
  if (status == cudaSuccess)
    memcpy (host, slot->data, n_bytes);
  sng_cuda_slots_put_back (self, slot);
  return status;
}
