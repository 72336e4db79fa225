/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "state/sng-checkpoint-store-private.h"

#include "sng-error.h"
#include "state/sng-checkpoint-private.h"
#include "state/sng-state-file-private.h"

/* Saves in a thread. There is one at a time: the next one waits for it, so they are in order, there is one copy of the state,
 * and whoever saves faster than the disk writes notices. */

struct _SngBackgroundSave
{
  SngCheckpointStore *store;
  GThread *thread;
  SngCheckpoint *staged;
  GArray *superseded; /* guint64: the steps to remove afterwards */
  GTask *task;        /* to be told of the end, and to be held until the thread is gone; NULL: none */
  char *path;
  GError *error;
  int is_done; /* atomic */
};

static void
save_free (SngBackgroundSave *save)
{
  g_clear_object (&save->staged);
  g_clear_pointer (&save->superseded, g_array_unref);
  g_clear_object (&save->task);
  g_free (save->path);
  g_clear_error (&save->error);
  g_free (save);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SngBackgroundSave, save_free)

gboolean
sng_checkpoint_store_take_all_away (SngCheckpointStore *self, GArray *steps, GError **error)
{
  for (guint i = 0; i < steps->len; i++)
    {
      g_autoptr (GError) failure = NULL;

      if (!sng_checkpoint_store_take_away (self, g_array_index (steps, guint64, i), &failure)
          && !g_error_matches (failure, SNG_ERROR, SNG_ERROR_NOT_FOUND))
        {
          g_propagate_error (error, g_steal_pointer (&failure));
          return FALSE;
        }
    }

  return TRUE;
}

static gpointer
save_thread (gpointer data)
{
  SngBackgroundSave *save = data;

  if (sng_staging_arena_finish (save->store->arena, &save->error))
    save->path = sng_checkpoint_store_write (save->store, save->staged, &save->error);
  else
    g_prefix_error (&save->error, "[checkpoint][stage] ");
  /* What the new one takes the place of goes only now that it is durable. */
  if (save->path != NULL)
    sng_checkpoint_store_take_all_away (save->store, save->superseded, &save->error);

  g_atomic_int_set (&save->is_done, TRUE);
  if (save->task == NULL)
    return NULL;

  /* The task tells of the error, and nobody else. */
  if (save->error != NULL)
    g_task_return_error (save->task, g_steal_pointer (&save->error));
  else
    g_task_return_pointer (save->task, g_strdup (save->path), g_free);

  return NULL;
}

gboolean
sng_checkpoint_store_is_busy (SngCheckpointStore *self)
{
  return self->background != NULL && !g_atomic_int_get (&self->background->is_done);
}

gboolean
sng_checkpoint_store_collect (SngCheckpointStore *self, char **path, GError **error)
{
  g_autoptr (SngBackgroundSave) save = g_steal_pointer (&self->background);

  *path = NULL;
  if (save == NULL)
    return TRUE;

  g_thread_join (save->thread);
  *path = g_steal_pointer (&save->path);
  if (save->error == NULL)
    return TRUE;

  g_propagate_prefixed_error (error, g_steal_pointer (&save->error), "[checkpoint][background] ");

  return FALSE;
}

/**
 * sng_checkpoint_store_wait:
 * @self: a store
 * @error: return location for an error
 *
 * Waits until what is being saved in the background is durable.
 *
 * An error of [method@Sng.CheckpointStore.begin_save]'s thread is reported once: here, or by the next
 * function that saves or removes.
 *
 * Returns: %TRUE where it was saved, or nothing was being saved
 *
 * Since: 1.0
 */
gboolean
sng_checkpoint_store_wait (SngCheckpointStore *self, GError **error)
{
  g_autofree char *path = NULL;

  g_return_val_if_fail (SNG_IS_CHECKPOINT_STORE (self), FALSE);

  return sng_checkpoint_store_collect (self, &path, error);
}

void
sng_checkpoint_store_end_background (SngCheckpointStore *self)
{
  g_autoptr (GError) error = NULL;

  if (!sng_checkpoint_store_wait (self, &error))
    g_warning ("nobody has asked whether this was saved: %s", error->message);
  g_clear_pointer (&self->arena, sng_staging_arena_free);
  sng_state_file_trim ();
}

static gboolean
begin (SngCheckpointStore *self, SngCheckpoint *checkpoint, GArray *superseded, GTask *task, GError **error)
{
  g_autoptr (SngBackgroundSave) save = g_new0 (SngBackgroundSave, 1);
  g_autoptr (GError) failure = NULL;

  save->store = self;
  save->superseded = g_array_ref (superseded);
  if (self->arena == NULL)
    self->arena = sng_staging_arena_new ();
  save->staged = sng_checkpoint_stage (checkpoint, self->arena, error);
  if (save->staged == NULL)
    {
      g_prefix_error (error, "[checkpoint][stage] ");
      return FALSE;
    }

  g_set_object (&save->task, task);
  save->thread = g_thread_try_new ("sng-save", save_thread, save, &failure);
  if (save->thread == NULL)
    {
      sng_staging_arena_finish (self->arena, NULL);
      g_set_error (error, SNG_ERROR, SNG_ERROR_FAILED, "[checkpoint][background] %s", failure->message);
      return FALSE;
    }
  self->background = g_steal_pointer (&save);

  return TRUE;
}

/**
 * sng_checkpoint_store_begin_save:
 * @self: a store
 * @checkpoint: the checkpoint to save
 * @superseded: (array length=n_superseded) (nullable): the steps of checkpoints to remove when this one is durable; those
 *   that are not there are passed over
 * @n_superseded: how many
 * @error: return location for an error
 *
 * Begins to save a checkpoint, which a thread then does as
 * [method@Sng.CheckpointStore.save] would.
 *
 * When this returns, what the checkpoint was captured from may change: the whole state was copied, or
 * is being copied by the device that it lies on, where what is written to it later waits for that. If the device fails to,
 * the save fails.
 * The memory of the copy is kept for the next one. The checkpoint is durable after
 * [method@Sng.CheckpointStore.wait]. Until then all that was there before is there, also what it
 * supersedes.
 *
 * There is one such save at a time: an earlier one that is not done is waited for. If it has failed, its error is reported
 * here, and nothing is begun; call again to save all the same.
 *
 * Returns: %TRUE where the save was begun
 *
 * Since: 1.0
 */
gboolean
sng_checkpoint_store_begin_save (SngCheckpointStore *self,
                                 SngCheckpoint *checkpoint,
                                 const guint64 *superseded,
                                 gsize n_superseded,
                                 GError **error)
{
  g_autoptr (GArray) steps = NULL;

  g_return_val_if_fail (SNG_IS_CHECKPOINT_STORE (self), FALSE);
  g_return_val_if_fail (SNG_IS_CHECKPOINT (checkpoint), FALSE);
  g_return_val_if_fail (superseded != NULL || n_superseded == 0, FALSE);

  if (!sng_checkpoint_store_wait (self, error))
    return FALSE;

  steps = g_array_new (FALSE, FALSE, sizeof (guint64));
  g_array_append_vals (steps, superseded, (guint) n_superseded);

  return begin (self, checkpoint, steps, NULL, error);
}

/**
 * sng_checkpoint_store_save_async:
 * @self: a store
 * @checkpoint: the checkpoint to save
 * @cancellable: (nullable): cancels it as long as nothing was written
 * @callback: (scope async): called when it is durable, or has failed; it has to call
 *   [method@Sng.CheckpointStore.save_finish]
 * @user_data: (closure): for @callback
 *
 * Saves a checkpoint in the background.
 *
 * When this returns, the state may change, as after
 * [method@Sng.CheckpointStore.begin_save]; an earlier save that is not done is waited for before.
 *
 * Since: 1.0
 */
void
sng_checkpoint_store_save_async (SngCheckpointStore *self,
                                 SngCheckpoint *checkpoint,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GArray) none = NULL;
  g_autoptr (GError) error = NULL;

  g_return_if_fail (SNG_IS_CHECKPOINT_STORE (self));
  g_return_if_fail (SNG_IS_CHECKPOINT (checkpoint));
  g_return_if_fail (callback != NULL);

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, sng_checkpoint_store_save_async);
  /* What was written is there, whoever has lost interest. */
  g_task_set_check_cancellable (task, FALSE);

  none = g_array_new (FALSE, FALSE, sizeof (guint64));
  if (g_task_return_error_if_cancelled (task))
    return;
  if (!sng_checkpoint_store_wait (self, &error) || !begin (self, checkpoint, none, task, &error))
    g_task_return_error (task, g_steal_pointer (&error));
}

/**
 * sng_checkpoint_store_save_finish:
 * @self: a store
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Gets the result of [method@Sng.CheckpointStore.save_async].
 *
 * Fails as [method@Sng.CheckpointStore.save] does.
 *
 * Returns: (transfer full) (type filename): the directory of the checkpoint
 *
 * Since: 1.0
 */
char *
sng_checkpoint_store_save_finish (SngCheckpointStore *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (SNG_IS_CHECKPOINT_STORE (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  /* The thread has told, and holds nothing any more. */
  if (self->background != NULL && self->background->task == G_TASK (result))
    sng_checkpoint_store_wait (self, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
