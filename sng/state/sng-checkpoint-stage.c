/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "state/sng-checkpoint-private.h"

#include <string.h>

#include "state/sng-state-dict-private.h"
#include "tensor/sng-device-private.h"

/* A checkpoint's copy that lies in one piece of memory, which the next one uses again: fresh memory costs several times
 * what the copying does. */

#define ALIGNMENT 64 /* bytes, of each tensor */

static gsize
align (gsize n_bytes)
{
  return (n_bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static gsize
count_bytes (SngCheckpoint *self)
{
  g_auto (GStrv) names = sng_checkpoint_dup_names (self);
  gsize n_bytes = 0;

  for (guint i = 0; names[i] != NULL; i++)
    {
      SngStateDict *state = sng_checkpoint_lookup_state (self, names[i]);
      const SngStateEntry *entry;

      for (guint k = 0; (entry = sng_state_dict_get_entry (state, k)) != NULL; k++)
        if (entry->tensor != NULL)
          n_bytes += align (sng_tensor_get_n_bytes (entry->tensor));
    }

  return n_bytes;
}

static gboolean
copy_bytes (guint8 *to, SngTensor *tensor, GError **error)
{
  SngDevice *device = sng_tensor_get_device (tensor);
  g_autoptr (GBytes) bytes = NULL;

  if (sng_tensor_get_n_bytes (tensor) == 0)
    return TRUE;

  /* Straight from where it lies, if it lies there in one piece. */
  if (sng_tensor_is_contiguous (tensor))
    return SNG_DEVICE_GET_CLASS (device)->stage (device, to, sng_tensor_get_data (tensor),
                                                 sng_tensor_get_n_bytes (tensor), error);

  if ((bytes = sng_tensor_dup_bytes (tensor, error)) == NULL)
    return FALSE;
  memcpy (to, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));

  return TRUE;
}

static SngTensor *
stage_tensor (SngTensor *tensor, SngTensor *arena, gsize offset, GError **error)
{
  guint8 *to = (guint8 *) sng_tensor_get_data (arena) + offset;
  g_autoptr (GBytes) bytes = NULL;
  const gint64 *shape;
  guint n_dims;

  if (!copy_bytes (to, tensor, error))
    return NULL;

  shape = sng_tensor_get_shape (tensor, &n_dims);
  bytes =
      g_bytes_new_with_free_func (to, sng_tensor_get_n_bytes (tensor), g_object_unref, g_object_ref (arena));

  return sng_tensor_new_from_bytes (sng_tensor_get_dtype (tensor), shape, n_dims, bytes, error);
}

static SngStateDict *
stage_state (SngStateDict *state, SngTensor *arena, gsize *offset, GError **error)
{
  g_autoptr (SngStateDict) staged = sng_state_dict_new ();
  const SngStateEntry *entry;

  for (guint i = 0; (entry = sng_state_dict_get_entry (state, i)) != NULL; i++)
    {
      g_autoptr (SngTensor) tensor = NULL;

      if (entry->tensor == NULL)
        {
          sng_state_dict_set_value (staged, entry->name, entry->value);
          continue;
        }

      if ((tensor = stage_tensor (entry->tensor, arena, *offset, error)) == NULL)
        {
          g_prefix_error (error, "'%s': ", entry->name);
          return NULL;
        }
      *offset += align (sng_tensor_get_n_bytes (tensor));
      if (entry->shard != NULL)
        sng_state_dict_set_shard (staged, entry->name, tensor, entry->shard, NULL);
      else
        sng_state_dict_set_tensor (staged, entry->name, tensor);
    }

  return g_steal_pointer (&staged);
}

static gboolean
ensure_arena (SngTensor **arena, gsize n_bytes, GError **error)
{
  const gint64 shape = (gint64) n_bytes;

  if (*arena != NULL && sng_tensor_get_n_bytes (*arena) >= n_bytes)
    return TRUE;

  g_clear_object (arena);
  *arena = sng_tensor_new (SNG_DTYPE_U8, &shape, 1, NULL, error);

  return *arena != NULL;
}

SngCheckpoint *
sng_checkpoint_stage (SngCheckpoint *self, SngTensor **arena, GError **error)
{
  g_autoptr (SngCheckpoint) staged = sng_checkpoint_new (sng_checkpoint_get_step (self));
  g_auto (GStrv) names = sng_checkpoint_dup_names (self);
  gsize offset = 0;

  if (!ensure_arena (arena, count_bytes (self), error))
    return NULL;

  sng_checkpoint_set_metadata (staged, sng_checkpoint_get_metadata (self));
  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autoptr (SngStateDict) state =
          stage_state (sng_checkpoint_lookup_state (self, names[i]), *arena, &offset, error);

      if (state == NULL)
        {
          g_prefix_error (error, "%s: ", names[i]);
          return NULL;
        }
      sng_checkpoint_set_state (staged, names[i], state);
    }

  return g_steal_pointer (&staged);
}
