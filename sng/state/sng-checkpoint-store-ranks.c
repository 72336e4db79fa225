/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "state/sng-checkpoint-store-private.h"

#include "sng-error.h"
#include "state/sng-checkpoint-private.h"
#include "state/sng-state-io-private.h"

/* How several ranks save one checkpoint: each writes a directory of its own into a hidden one, and the last step, which one of
 * them makes, turns that into the checkpoint. */

static char *
get_parts_path (SngCheckpointStore *self, guint64 step)
{
  g_autofree char *name = sng_checkpoint_step_to_name (step);

  return g_strdup_printf ("%s/.%s" SNG_CHECKPOINT_RANKS, sng_checkpoint_store_get_path (self), name);
}

/* What an earlier try has left is not to be mixed with this one. Until the names are durable it may be a part of a checkpoint
 * on the disk, so it stays where they cannot be. */
static gboolean
clear_part (SngCheckpointStore *self, const char *path, GError **error)
{
  return !sng_state_io_exists (path)
         || (sng_state_io_sync_directory (self->storage, self->path, error)
             && sng_state_io_remove (self->storage, path, error));
}

/* Nobody looks for a part before the commit, which syncs the names that lead to it. */
static gboolean
make_part (SngCheckpointStore *self, const char *parts, const char *path, GError **error)
{
  return sng_state_io_make_directory (self->storage, self->path, error)
         && sng_state_io_make_child (self->storage, parts, error)
         && sng_state_io_make_child (self->storage, path, error);
}

/**
 * sng_checkpoint_store_save_rank:
 * @self: a store
 * @checkpoint: what this rank has of the checkpoint
 * @rank: which one it is, from 0
 * @n_ranks: how many there are
 * @error: return location for an error
 *
 * Saves one rank's part of a checkpoint.
 *
 * All ranks do this, in any order and side by side, each with a store of the same
 * directory. When all of them are done, which they have to tell each other, one
 * calls [method@Sng.CheckpointStore.commit_ranks]; until then there is no
 * checkpoint. When this returns, the contents of the part are on the disk; its name comes there with the commit,
 * so after a kill or a loss of power before that all ranks save again.
 *
 * A part holds the rank's shards ([method@Sng.StateDict.set_shard]) and anything
 * else. What is no shard is kept by each rank that has it, and must be the same in
 * all of them; what differs from rank to rank, such as streams of random numbers, belongs into a
 * state with a name of its own in each (`rng/dropout/rank-1`).
 *
 * On an error nothing is left of this rank's part, or what was there before where that
 * cannot be removed.
 *
 * Fails with %SNG_ERROR_IO where writing fails.
 *
 * Returns: %TRUE on success
 *
 * Since: 1.0
 */
gboolean
sng_checkpoint_store_save_rank (SngCheckpointStore *self,
                                SngCheckpoint *checkpoint,
                                guint rank,
                                guint n_ranks,
                                GError **error)
{
  g_autofree char *parts = NULL;
  g_autofree char *name = NULL;
  g_autofree char *path = NULL;
  gboolean is_saved;

  g_return_val_if_fail (SNG_IS_CHECKPOINT_STORE (self), FALSE);
  g_return_val_if_fail (SNG_IS_CHECKPOINT (checkpoint), FALSE);
  g_return_val_if_fail (rank < n_ranks, FALSE);

  if (!sng_checkpoint_store_wait (self, error))
    return FALSE;
  self->saved_step = sng_checkpoint_get_step (checkpoint);

  parts = get_parts_path (self, sng_checkpoint_get_step (checkpoint));
  name = sng_checkpoint_rank_to_name (rank);
  path = g_build_filename (parts, name, NULL);

  is_saved = clear_part (self, path, error) && make_part (self, parts, path, error);
  if (is_saved && !sng_checkpoint_write (checkpoint, self->storage, path, rank, n_ranks, error))
    {
      sng_state_io_remove (self->storage, path, NULL);
      is_saved = FALSE;
    }
  if (!is_saved)
    g_prefix_error (error, "[checkpoint][save] step-%08" G_GUINT64_FORMAT ", rank %u: ",
                    sng_checkpoint_get_step (checkpoint), rank);

  return is_saved;
}

/* Takes away what is none of the parts: of a try with more ranks, or of one that could not be taken back. */
static gboolean
keep_parts_only (SngCheckpointStore *self, const char *parts, guint n_ranks, GError **error)
{
  g_auto (GStrv) names = sng_state_io_list (parts, error);
  g_autoptr (GHashTable) wanted = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  gboolean is_durable = FALSE;

  for (guint rank = 0; rank < n_ranks; rank++)
    g_hash_table_add (wanted, sng_checkpoint_rank_to_name (rank));

  for (guint i = 0; names != NULL && names[i] != NULL; i++)
    {
      g_autofree char *path = g_build_filename (parts, names[i], NULL);

      if (g_hash_table_contains (wanted, names[i]))
        continue;
      if (!is_durable && !sng_state_io_sync_directory (self->storage, self->path, error))
        return FALSE;
      is_durable = TRUE;
      if (!sng_state_io_remove (self->storage, path, error))
        return FALSE;
    }

  return names != NULL;
}

static gboolean
check_complete (const char *parts, guint n_ranks, GError **error)
{
  for (guint rank = 0; rank < n_ranks; rank++)
    {
      g_autofree char *name = sng_checkpoint_rank_to_name (rank);
      g_autofree char *path = g_build_filename (parts, name, SNG_CHECKPOINT_MANIFEST, NULL);

      if (!sng_state_io_exists (path))
        {
          g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_FOUND, "rank %u of %u has not saved its part", rank,
                       n_ranks);
          return FALSE;
        }
    }

  return TRUE;
}

/* Of an index that nobody has seen. */
static void
remove_index (SngCheckpointStore *self, const char *parts)
{
  g_autofree char *path = g_build_filename (parts, SNG_CHECKPOINT_MANIFEST, NULL);

  sng_state_io_remove (self->storage, path, NULL);
}

/* A checkpoint that nobody sees yet, and that loads. */
static gboolean
complete (SngCheckpointStore *self, const char *parts, guint64 step, guint n_ranks, GError **error)
{
  g_autoptr (SngCheckpoint) checkpoint = NULL;

  if (!check_complete (parts, n_ranks, error) || !sng_checkpoint_store_prepare (self, step, error)
      || !keep_parts_only (self, parts, n_ranks, error))
    return FALSE;

  if (sng_checkpoint_write_index (self->storage, parts, step, n_ranks, error))
    checkpoint = sng_checkpoint_load (parts, error);
  if (checkpoint == NULL)
    remove_index (self, parts);

  return checkpoint != NULL;
}

/* What could not be taken back is not touched: on the disk it may be what everybody sees. */
static gboolean
complete_and_publish (SngCheckpointStore *self, const char *name, guint64 step, guint n_ranks, GError **error)
{
  g_autofree char *parts = get_parts_path (self, step);

  if (!complete (self, parts, step, n_ranks, error))
    return FALSE;
  if (sng_checkpoint_store_publish (self, name, &parts, error))
    return TRUE;
  if (parts != NULL)
    remove_index (self, parts);

  return FALSE;
}

/**
 * sng_checkpoint_store_commit_ranks:
 * @self: a store
 * @step: the step whose parts all ranks have saved
 * @n_ranks: how many ranks there are
 * @error: return location for an error
 *
 * Makes a checkpoint of the parts of all ranks, in place of one of this step that is there
 * already, and makes `latest` name it.
 *
 * All parts are read back and verified before, and must go together: what is no shard
 * is the same in each rank that has it, and the shards of a tensor make it up without a
 * hole and without an overlap. Shards that several ranks have must be the same.
 *
 * When this returns the checkpoint is durable. On an error everything that was there before is
 * intact, the parts too, so that what is missing can be saved and this be called again. As with
 * [method@Sng.CheckpointStore.save], where all is in place and the system then fails to make the names
 * durable, the new checkpoint stays.
 *
 * Fails with %SNG_ERROR_NOT_FOUND where a rank has not saved its part, with
 * %SNG_ERROR_CORRUPT where the parts do not verify or do not go together, with %SNG_ERROR_IO
 * where writing fails.
 *
 * Returns: (transfer full) (type filename): the directory of the checkpoint
 *
 * Since: 1.0
 */
char *
sng_checkpoint_store_commit_ranks (SngCheckpointStore *self, guint64 step, guint n_ranks, GError **error)
{
  g_autofree char *name = NULL;

  g_return_val_if_fail (SNG_IS_CHECKPOINT_STORE (self), NULL);
  g_return_val_if_fail (n_ranks > 0, NULL);

  if (!sng_checkpoint_store_wait (self, error))
    return NULL;
  self->saved_step = step;

  name = sng_checkpoint_step_to_name (step);
  if (!complete_and_publish (self, name, step, n_ranks, error))
    {
      g_prefix_error (error, "[checkpoint][commit] %s: ", name);
      return NULL;
    }

  return g_build_filename (sng_checkpoint_store_get_path (self), name, NULL);
}
