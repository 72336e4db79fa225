/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "state/sng-checkpoint-store-private.h"

#include <string.h>

#include "state/sng-checkpoint-private.h"
#include "state/sng-state-io-private.h"

/* How a checkpoint gets into a store. */

#define MAX_ATTEMPTS 16

static gboolean
is_leftover (const char *name, guint64 step)
{
  g_autofree char *checkpoint = NULL;
  guint64 parts_step;

  if (g_str_has_prefix (name, ".step-") && g_str_has_suffix (name, SNG_CHECKPOINT_RANKS))
    {
      /* The others may be at a later step already. */
      checkpoint = g_strndup (name + 1, strlen (name) - 1 - strlen (SNG_CHECKPOINT_RANKS));
      return sng_checkpoint_step_from_name (checkpoint, &parts_step) && parts_step < step;
    }

  return (g_str_has_prefix (name, ".step-")
          && (g_str_has_suffix (name, ".old") || strstr (name, ".tmp-") != NULL))
         || g_str_has_prefix (name, "." SNG_CHECKPOINT_LATEST ".tmp-");
}

/* A kill does not wait for the disk: what lies under a hidden name by now may still be there under the name of a checkpoint,
 * until the names are durable. */
gboolean
sng_checkpoint_store_prepare (SngCheckpointStore *self, guint64 step, GError **error)
{
  SngStorage *storage = self->storage;
  const char *directory = self->path;
  gboolean is_durable = FALSE;
  g_auto (GStrv) names = NULL;

  if (!sng_state_io_make_directory (storage, directory, error)
      || (names = sng_state_io_list (directory, error)) == NULL
      || !sng_checkpoint_store_recover (self, names, error))
    return FALSE;

  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autofree char *path = g_build_filename (directory, names[i], NULL);

      if (!is_leftover (names[i], step) || !sng_state_io_exists (path))
        continue;
      if (!is_durable && !sng_state_io_sync_directory (storage, directory, error))
        return FALSE;
      is_durable = TRUE;
      if (!sng_state_io_remove (storage, path, error))
        return FALSE;
    }

  return TRUE;
}

/* Between the two renames a load may take the save for killed, and bring back what is aside. Then again. */
static gboolean
replace_by_two_renames (SngStorage *storage,
                        const char *from,
                        const char *path,
                        const char *aside,
                        GError **error)
{
  for (guint attempt = 1;; attempt++)
    {
      g_autoptr (GError) failure = NULL;

      if (!sng_state_io_rename (storage, path, aside, error))
        return FALSE;
      if (sng_state_io_rename (storage, from, path, &failure))
        return TRUE;
      if (attempt == MAX_ATTEMPTS || !sng_state_io_exists (path))
        {
          sng_state_io_rename (storage, aside, path, NULL);
          g_propagate_error (error, g_steal_pointer (&failure));
          return FALSE;
        }
    }
}

/* Moves what lies at from to path. What was there before is then at replaced, or at its place still if this fails. */
static gboolean
put_in_place (SngStorage *storage,
              const char *from,
              const char *path,
              const char *aside,
              char **replaced,
              GError **error)
{
  gboolean supported;

  if (!sng_state_io_exists (path))
    return sng_state_io_rename (storage, from, path, error);

  if (sng_state_io_exchange (storage, from, path, &supported, error))
    {
      *replaced = g_strdup (from);
      return TRUE;
    }
  if (supported || !replace_by_two_renames (storage, from, path, aside, error))
    return FALSE;
  *replaced = g_strdup (aside);

  return TRUE;
}

/* Undoes put_in_place (): what was moved to path is at from again. FALSE where that is not so, or not durable. */
static gboolean
take_back (SngStorage *storage,
           const char *directory,
           const char *from,
           const char *path,
           const char *replaced)
{
  g_autofree char *undone = NULL;

  if (replaced == NULL ? !sng_state_io_rename (storage, path, from, NULL)
                       : !put_in_place (storage, replaced, path, from, &undone, NULL))
    return FALSE;

  return sng_state_io_sync_directory (storage, directory, NULL);
}

/* With a complete hidden pointer too, or none where the one that is there will do. */
static gboolean
put_both_in_place (SngCheckpointStore *self,
                   const char *name,
                   char **hidden,
                   const char *hidden_latest,
                   GError **error)
{
  SngStorage *storage = self->storage;
  g_autofree char *path = g_build_filename (self->path, name, NULL);
  g_autofree char *latest = g_build_filename (self->path, SNG_CHECKPOINT_LATEST, NULL);
  g_autofree char *aside = sng_checkpoint_store_aside_path (self, name);
  g_autofree char *replaced = NULL;
  gboolean is_durable;

  if (!put_in_place (storage, *hidden, path, aside, &replaced, error))
    return FALSE;

  /* A pointer that came to the disk before its checkpoint would lead to nothing, or to the one that is replaced. */
  if (!sng_state_io_sync_directory (storage, self->path, error)
      || (hidden_latest != NULL && !sng_state_io_rename (storage, hidden_latest, latest, error)))
    {
      if (!take_back (storage, self->path, *hidden, path, replaced))
        g_clear_pointer (hidden, g_free);
      return FALSE;
    }

  /* The new one counts. What cannot be removed now is removed by the next save. */
  is_durable = hidden_latest == NULL || sng_state_io_sync_directory (storage, self->path, error);
  if (replaced != NULL)
    sng_state_io_remove (storage, replaced, NULL);

  return is_durable;
}

gboolean
sng_checkpoint_store_publish (SngCheckpointStore *self, const char *name, char **hidden, GError **error)
{
  g_autofree char *latest = NULL;
  guint64 step = 0, named;
  gboolean is_named;

  sng_checkpoint_step_from_name (name, &step);
  is_named = sng_checkpoint_store_read_latest (self, &named, NULL) && named == step;
  if (!is_named && !sng_checkpoint_store_write_latest (self, name, &latest, error))
    return FALSE;
  if (put_both_in_place (self, name, hidden, latest, error))
    return TRUE;

  if (latest != NULL)
    sng_state_io_remove (self->storage, latest, NULL);

  return FALSE;
}

char *
sng_checkpoint_store_write (SngCheckpointStore *self, SngCheckpoint *checkpoint, GError **error)
{
  SngStorage *storage = self->storage;
  g_autofree char *name = NULL;
  g_autofree char *prefix = NULL;
  g_autofree char *temporary = NULL;

  self->saved_step = sng_checkpoint_get_step (checkpoint);
  name = sng_checkpoint_step_to_name (sng_checkpoint_get_step (checkpoint));
  prefix = sng_checkpoint_store_temporary_prefix (self, name);
  if (!sng_checkpoint_store_prepare (self, sng_checkpoint_get_step (checkpoint), error)
      || (temporary = sng_state_io_make_temporary (storage, prefix, error)) == NULL)
    {
      g_prefix_error (error, "[checkpoint][save] ");
      return NULL;
    }

  if (!sng_checkpoint_write (checkpoint, storage, temporary, 0, 0, error)
      || !sng_checkpoint_store_publish (self, name, &temporary, error))
    {
      g_prefix_error (error, "[checkpoint][save] %s: ", name);
      if (temporary != NULL)
        sng_state_io_remove (storage, temporary, NULL);
      return NULL;
    }

  return g_build_filename (self->path, name, NULL);
}

/**
 * sng_checkpoint_store_save:
 * @self: a store
 * @checkpoint: the checkpoint to save
 * @error: return location for an error
 *
 * Saves a checkpoint under its step, in place of one that is there already,
 * and makes `latest` name it.
 *
 * When this returns, the checkpoint is durable and
 * [property@Sng.Checkpoint:path] is where it is. The contents of the files depend
 * on the checkpoint alone.
 *
 * On an error nothing is left behind and everything that was there before is
 * intact. There is one exception: where all is in place and the system then
 * fails to make the names durable, the new checkpoint stays.
 *
 * A save in the background is waited for; where it has failed its error is reported here, and
 * nothing is saved.
 *
 * Fails with %SNG_ERROR_IO where writing fails.
 *
 * Returns: (transfer full) (type filename): the directory of the checkpoint
 *
 * Since: 1.0
 */
char *
sng_checkpoint_store_save (SngCheckpointStore *self, SngCheckpoint *checkpoint, GError **error)
{
  g_autofree char *path = NULL;

  g_return_val_if_fail (SNG_IS_CHECKPOINT_STORE (self), NULL);
  g_return_val_if_fail (SNG_IS_CHECKPOINT (checkpoint), NULL);

  if (!sng_checkpoint_store_wait (self, error)
      || (path = sng_checkpoint_store_write (self, checkpoint, error)) == NULL)
    return NULL;
  sng_checkpoint_set_path (checkpoint, path);

  return g_steal_pointer (&path);
}
