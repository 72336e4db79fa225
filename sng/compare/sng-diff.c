/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "compare/sng-diff.h"

#include "compare/sng-tensor-diff-private.h"
#include "state/sng-safetensors.h"

/* Appends what one dictionary of each side holds: the names of the first in its order, then those of the second alone. */
static gboolean
append_dicts (GListStore *diffs,
              const char *prefix,
              SngStateDict *first,
              SngStateDict *second,
              GError **error)
{
  SngStateDict *sides[] = { first, second };

  for (guint side = 0; side < 2; side++)
    {
      guint n = sng_state_dict_get_n_items (sides[side]);

      for (guint i = 0; i < n; i++)
        {
          const char *name = sng_state_dict_get_name (sides[side], i);
          g_autofree char *shown = prefix != NULL ? g_strconcat (prefix, "/", name, NULL) : g_strdup (name);
          g_autoptr (SngTensorDiff) diff = NULL;

          if (side == 1 && sng_state_dict_contains (first, name))
            continue;

          diff = sng_tensor_diff_new (shown, first, second, name, error);
          if (diff == NULL)
            return FALSE;
          g_list_store_append (diffs, diff);
        }
    }

  return TRUE;
}

/**
 * sng_diff_state_dicts:
 * @first: a dictionary
 * @second: a dictionary
 * @error: return location for a #GError
 *
 * Compares two dictionaries entry by entry, and their tensors element by element, bit
 * by bit. What is equal is in the list, too.
 *
 * Returns: (transfer full): a list of [class@Sng.TensorDiff], in the order of @first,
 *   followed by what @second alone has; or %NULL with @error set
 *
 * Since: 1.0
 */
GListModel *
sng_diff_state_dicts (SngStateDict *first, SngStateDict *second, GError **error)
{
  g_autoptr (GListStore) diffs = NULL;

  g_return_val_if_fail (SNG_IS_STATE_DICT (first), NULL);
  g_return_val_if_fail (SNG_IS_STATE_DICT (second), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  diffs = g_list_store_new (SNG_TYPE_TENSOR_DIFF);
  if (!append_dicts (diffs, NULL, first, second, error))
    return NULL;

  return G_LIST_MODEL (g_steal_pointer (&diffs));
}

/**
 * sng_diff_checkpoints:
 * @first: a checkpoint
 * @second: a checkpoint
 * @error: return location for a #GError
 *
 * Compares two checkpoints entry by entry. The name of an entry has that of its
 * dictionary before it, as in `optimizer/exp_avg.weight`.
 *
 * Returns: (transfer full): a list of [class@Sng.TensorDiff], in the order of @first,
 *   followed by what @second alone has; or %NULL with @error set
 *
 * Since: 1.0
 */
GListModel *
sng_diff_checkpoints (SngCheckpoint *first, SngCheckpoint *second, GError **error)
{
  g_autoptr (GListStore) diffs = NULL;
  g_autoptr (SngStateDict) nothing = NULL;
  g_auto (GStrv) first_names = NULL;
  g_auto (GStrv) second_names = NULL;

  g_return_val_if_fail (SNG_IS_CHECKPOINT (first), NULL);
  g_return_val_if_fail (SNG_IS_CHECKPOINT (second), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  diffs = g_list_store_new (SNG_TYPE_TENSOR_DIFF);
  nothing = sng_state_dict_new ();
  first_names = sng_checkpoint_dup_names (first);
  second_names = sng_checkpoint_dup_names (second);

  for (char **name = first_names; *name != NULL; name++)
    {
      SngStateDict *other = sng_checkpoint_lookup_state (second, *name);

      if (!append_dicts (diffs, *name, sng_checkpoint_lookup_state (first, *name),
                         other != NULL ? other : nothing, error))
        return NULL;
    }

  for (char **name = second_names; *name != NULL; name++)
    if (sng_checkpoint_lookup_state (first, *name) == NULL
        && !append_dicts (diffs, *name, nothing, sng_checkpoint_lookup_state (second, *name), error))
      return NULL;

  return G_LIST_MODEL (g_steal_pointer (&diffs));
}

/**
 * sng_diff_files:
 * @first: (type filename): a safetensors file
 * @second: (type filename): a safetensors file
 * @error: return location for a #GError
 *
 * Compares two safetensors files tensor by tensor. They are read as they are compared, so they may
 * be larger than the memory.
 *
 * Returns: (transfer full): a list of [class@Sng.TensorDiff], in the order of @first,
 *   followed by what @second alone has; or %NULL with the error of
 *   [func@Sng.safetensors_load]
 *
 * Since: 1.0
 */
GListModel *
sng_diff_files (const char *first, const char *second, GError **error)
{
  g_autoptr (SngStateDict) a = NULL;
  g_autoptr (SngStateDict) b = NULL;

  g_return_val_if_fail (first != NULL, NULL);
  g_return_val_if_fail (second != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  a = sng_safetensors_load (first, NULL, error);
  b = a != NULL ? sng_safetensors_load (second, NULL, error) : NULL;

  return b != NULL ? sng_diff_state_dicts (a, b, error) : NULL;
}
