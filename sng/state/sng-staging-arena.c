/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "state/sng-staging-arena-private.h"

#include "tensor/sng-device-private.h"

/* Fresh memory costs several times what the copying does, memory that a device can copy to by itself far more: so it is kept. */

#define ALIGNMENT 64 /* bytes, of each tensor */

/* Held by the arena, and by each tensor in it. */
typedef struct
{
  SngDevice *device;
  guint8 *data;
  gsize n_bytes;
  gsize n_used;
} Block;

static void
block_clear (gpointer data)
{
  Block *self = data;

  if (self->data != NULL)
    SNG_DEVICE_GET_CLASS (self->device)->free_staging (self->device, self->data, self->n_bytes);
  g_object_unref (self->device);
}

static void
block_unref (gpointer self)
{
  g_atomic_rc_box_release_full (self, block_clear);
}

static Block *
find_block (GPtrArray *blocks, SngDevice *device)
{
  for (guint i = 0; i < blocks->len; i++)
    if (((Block *) blocks->pdata[i])->device == device)
      return blocks->pdata[i];

  return NULL;
}

static Block *
add_block (GPtrArray *blocks, SngDevice *device)
{
  Block *block = g_atomic_rc_box_new0 (Block);

  block->device = g_object_ref (device);
  g_ptr_array_add (blocks, block);

  return block;
}

static gsize
align (gsize n_bytes)
{
  return (n_bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* Blocks without memory that say how much each device needs. */
static GPtrArray *
count_bytes (GPtrArray *tensors)
{
  GPtrArray *blocks = g_ptr_array_new_with_free_func (block_unref);

  for (guint i = 0; i < tensors->len; i++)
    {
      SngTensor *tensor = tensors->pdata[i];
      Block *block = find_block (blocks, sng_tensor_get_device (tensor));

      if (block == NULL)
        block = add_block (blocks, sng_tensor_get_device (tensor));
      block->n_bytes += align (sng_tensor_get_n_bytes (tensor));
    }

  return blocks;
}

SngStagingArena *
sng_staging_arena_new (void)
{
  SngStagingArena *self = g_new (SngStagingArena, 1);

  self->blocks = g_ptr_array_new_with_free_func (block_unref);
  self->sources = g_ptr_array_new_with_free_func (g_object_unref);

  return self;
}

void
sng_staging_arena_free (SngStagingArena *self)
{
  g_ptr_array_unref (self->blocks);
  g_ptr_array_unref (self->sources);
  g_free (self);
}

gpointer
sng_staging_arena_get_block (SngStagingArena *self, guint position)
{
  return position < self->blocks->len ? ((Block *) self->blocks->pdata[position])->data : NULL;
}

gboolean
sng_staging_arena_reserve (SngStagingArena *self, GPtrArray *tensors, GError **error)
{
  g_autoptr (GPtrArray) blocks = count_bytes (tensors);

  /* What is large enough is taken over. The rest goes before new memory is taken, so that there is never more than is needed. */
  for (guint i = 0; i < blocks->len; i++)
    {
      Block *needed = blocks->pdata[i];
      Block *kept = find_block (self->blocks, needed->device);

      if (kept == NULL || kept->n_bytes < needed->n_bytes)
        continue;
      kept->n_used = 0;
      blocks->pdata[i] = g_atomic_rc_box_acquire (kept);
      block_unref (needed);
    }
  g_ptr_array_set_size (self->blocks, 0);

  for (guint i = 0; i < blocks->len; i++)
    {
      Block *block = blocks->pdata[i];

      if (block->data != NULL)
        continue;
      block->data =
          SNG_DEVICE_GET_CLASS (block->device)->alloc_staging (block->device, block->n_bytes, error);
      if (block->data == NULL)
        return FALSE;
    }
  g_ptr_array_unref (self->blocks);
  self->blocks = g_steal_pointer (&blocks);

  return TRUE;
}

static gboolean
stage_bytes (SngStagingArena *self, guint8 *to, SngTensor *tensor, GError **error)
{
  SngDevice *device = sng_tensor_get_device (tensor);
  gsize n_bytes = sng_tensor_get_n_bytes (tensor);
  g_autoptr (SngTensor) source = NULL;

  if (n_bytes == 0)
    return TRUE;

  /* Straight from where it lies, if it lies there in one piece. */
  source = sng_tensor_is_contiguous (tensor) ? g_object_ref (tensor) : sng_tensor_copy (tensor, error);
  if (source == NULL
      || !SNG_DEVICE_GET_CLASS (device)->stage (device, to, sng_tensor_get_data (source), n_bytes, error))
    return FALSE;

  /* It goes when nobody reads it any more. */
  if (!SNG_DEVICE_GET_CLASS (device)->host)
    g_ptr_array_add (self->sources, g_steal_pointer (&source));

  return TRUE;
}

SngTensor *
sng_staging_arena_stage (SngStagingArena *self, SngTensor *tensor, GError **error)
{
  Block *block = find_block (self->blocks, sng_tensor_get_device (tensor));
  guint8 *to = block->data + block->n_used;
  gsize n_bytes = sng_tensor_get_n_bytes (tensor);
  g_autoptr (GBytes) bytes = NULL;
  const gint64 *shape;
  guint n_dims;

  g_return_val_if_fail (block->n_bytes - block->n_used >= n_bytes, NULL);

  if (!stage_bytes (self, to, tensor, error))
    return NULL;

  block->n_used += align (n_bytes);
  shape = sng_tensor_get_shape (tensor, &n_dims);
  bytes = g_bytes_new_with_free_func (to, n_bytes, block_unref, g_atomic_rc_box_acquire (block));

  return sng_tensor_new_from_bytes (sng_tensor_get_dtype (tensor), shape, n_dims, bytes, error);
}

gboolean
sng_staging_arena_finish (SngStagingArena *self, GError **error)
{
  gboolean is_done = TRUE;

  for (guint i = 0; i < self->blocks->len; i++)
    {
      SngDevice *device = ((Block *) self->blocks->pdata[i])->device;

      if (!SNG_DEVICE_GET_CLASS (device)->finish_stage (device, is_done ? error : NULL))
        is_done = FALSE;
    }
  g_ptr_array_set_size (self->sources, 0);

  return is_done;
}
