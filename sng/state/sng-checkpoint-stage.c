/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "state/sng-checkpoint-private.h"

#include "state/sng-state-dict-private.h"

/* A checkpoint's copy that lies in an arena, which the next one uses again. */

/* Those that will be staged, in that order. */
static GPtrArray *
list_tensors (SngCheckpoint *self)
{
  g_auto (GStrv) names = sng_checkpoint_dup_names (self);
  GPtrArray *tensors = g_ptr_array_new ();

  for (guint i = 0; names[i] != NULL; i++)
    {
      SngStateDict *state = sng_checkpoint_lookup_state (self, names[i]);
      const SngStateEntry *entry;

      for (guint k = 0; (entry = sng_state_dict_get_entry (state, k)) != NULL; k++)
        if (entry->tensor != NULL)
          g_ptr_array_add (tensors, entry->tensor);
    }

  return tensors;
}

static SngStateDict *
stage_state (SngStateDict *state, SngStagingArena *arena, GError **error)
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

      if ((tensor = sng_staging_arena_stage (arena, entry->tensor, error)) == NULL)
        {
          g_prefix_error (error, "'%s': ", entry->name);
          return NULL;
        }
      if (entry->shard != NULL)
        sng_state_dict_set_shard (staged, entry->name, tensor, entry->shard, NULL);
      else
        sng_state_dict_set_tensor (staged, entry->name, tensor);
    }

  return g_steal_pointer (&staged);
}

SngCheckpoint *
sng_checkpoint_stage (SngCheckpoint *self, SngStagingArena *arena, GError **error)
{
  g_autoptr (SngCheckpoint) staged = sng_checkpoint_new (sng_checkpoint_get_step (self));
  g_autoptr (GPtrArray) tensors = list_tensors (self);
  g_auto (GStrv) names = sng_checkpoint_dup_names (self);

  if (!sng_staging_arena_reserve (arena, tensors, error))
    return NULL;

  sng_checkpoint_set_metadata (staged, sng_checkpoint_get_metadata (self));
  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autoptr (SngStateDict) state =
          stage_state (sng_checkpoint_lookup_state (self, names[i]), arena, error);

      if (state == NULL)
        {
          g_prefix_error (error, "%s: ", names[i]);
          sng_staging_arena_finish (arena, NULL);
          return NULL;
        }
      sng_checkpoint_set_state (staged, names[i], state);
    }

  return g_steal_pointer (&staged);
}
