/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "state/sng-state-dict-private.h"

#include <string.h>

#include "sng-error.h"
#include "state/sng-shard-private.h"

/* Tensors of which a dictionary has a part only. */

/**
 * sng_state_dict_set_shard:
 * @self: a dictionary
 * @name: a name, non-empty UTF-8
 * @tensor: (transfer none): the part that this rank has; referenced, not copied
 * @shard: (transfer none): where it lies in the whole
 * @error: return location for an error
 *
 * Sets an entry to one rank's part of a tensor that several ranks hold together.
 *
 * [method@Sng.CheckpointStore.save_rank] keeps it, and a load of the checkpoint has the whole
 * tensor in its place. A shard that is the whole is set as any other tensor.
 *
 * Fails with %SNG_ERROR_MISMATCH where @tensor has not the shape of @shard.
 *
 * Returns: %TRUE on success
 *
 * Since: 1.0
 */
gboolean
sng_state_dict_set_shard (SngStateDict *self,
                          const char *name,
                          SngTensor *tensor,
                          SngShard *shard,
                          GError **error)
{
  const gint64 *shape, *wanted;
  guint n_dims, n_wanted;
  SngStateEntry *entry;

  g_return_val_if_fail (SNG_IS_STATE_DICT (self), FALSE);
  g_return_val_if_fail (name != NULL && name[0] != '\0' && g_utf8_validate (name, -1, NULL), FALSE);
  g_return_val_if_fail (SNG_IS_TENSOR (tensor), FALSE);
  g_return_val_if_fail (shard != NULL, FALSE);

  shape = sng_tensor_get_shape (tensor, &n_dims);
  wanted = sng_shard_get_shape (shard, &n_wanted);
  if (n_dims != n_wanted || memcmp (shape, wanted, n_dims * sizeof *shape) != 0)
    {
      g_autofree char *is = sng_tensor_describe (tensor);
      g_autofree char *should_be = sng_shard_describe (shard);

      g_set_error (error, SNG_ERROR, SNG_ERROR_MISMATCH, "[state][shard] '%s' is %s, its place is %s", name,
                   is, should_be);
      return FALSE;
    }

  sng_state_dict_set_tensor (self, name, tensor);
  if (!sng_shard_is_whole (shard))
    {
      entry = (SngStateEntry *) sng_state_dict_lookup_entry (self, name);
      entry->shard = sng_shard_ref (shard);
    }

  return TRUE;
}

/**
 * sng_state_dict_lookup_shard:
 * @self: a dictionary
 * @name: a name
 *
 * Looks up where a tensor lies in a larger one.
 *
 * Returns: (transfer none) (nullable): its place, or %NULL where the name is not there or names a
 *   value or a whole tensor
 *
 * Since: 1.0
 */
SngShard *
sng_state_dict_lookup_shard (SngStateDict *self, const char *name)
{
  const SngStateEntry *entry;

  g_return_val_if_fail (SNG_IS_STATE_DICT (self), NULL);
  g_return_val_if_fail (name != NULL, NULL);

  entry = sng_state_dict_lookup_entry (self, name);

  return entry != NULL ? entry->shard : NULL;
}
