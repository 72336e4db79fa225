/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The trainer's checkpoints: when it may save, and what it saved. */

#include "train/sng-trainer-private.h"

#include "sng-error.h"
#include "state/sng-checkpoint-store-private.h"
#include "train/sng-model-checkpoint-private.h"

gboolean
sng_trainer_check_whole (SngTrainer *self, const char *place, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);

  if (!priv->is_within_step && !priv->is_validation_due)
    return TRUE;

  g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
               "%s step %" G_GUINT64_FORMAT ": %s: no training could go on from here", place,
               priv->progress->global_step,
               priv->is_within_step ? "the next step is half done" : "its validation is not done");

  return FALSE;
}

static void
tell_saved (SngTrainer *self, guint64 step, const char *path)
{
  sng_trainer_get_private (self)->last_checkpoint_step = step;
  g_signal_emit (self, sng_trainer_signals[SNG_TRAINER_CHECKPOINT_SAVED], 0, path);
}

/* Tells of a checkpoint of the plan that could not be saved, or whose predecessors could not be removed. Returns: whether the
 * training goes on all the same. */
static gboolean
tell_failed (SngTrainer *self, guint64 step, GError *failure, GError **error)
{
  SngModelCheckpoint *plan = sng_trainer_get_private (self)->model_checkpoint;
  g_autoptr (GError) owned = failure;

  g_prefix_error (&owned, "[trainer][checkpoint] step %" G_GUINT64_FORMAT ": ", step);
  g_signal_emit (self, sng_trainer_signals[SNG_TRAINER_CHECKPOINT_FAILED], 0, step, owned);
  if (plan->go_on_after_error)
    return TRUE;

  g_propagate_error (error, g_steal_pointer (&owned));

  return FALSE;
}

static SngCheckpoint *
capture (SngTrainer *self, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);

  return sng_state_registry_capture (priv->registry, priv->progress->global_step, error);
}

/* Saves everything as it is now. */
static char *
save (SngTrainer *self, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);
  guint64 step = priv->progress->global_step;
  g_autoptr (SngCheckpoint) checkpoint = capture (self, error);
  g_autofree char *path = NULL;

  if (checkpoint != NULL)
    path = sng_checkpoint_store_save (sng_model_checkpoint_get_store (priv->model_checkpoint), checkpoint,
                                      error);
  if (path != NULL)
    tell_saved (self, step, path);

  return g_steal_pointer (&path);
}

/* Whether the plan has yet to hear of a checkpoint of this step. */
static gboolean
is_due (SngTrainer *self)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);

  return priv->is_checkpoint_due && priv->model_checkpoint != NULL
         && sng_model_checkpoint_is_due (priv->model_checkpoint, priv->progress->global_step,
                                         sng_trainer_is_done (self));
}

/* Tells the plan of the checkpoint that is due, and asks whether it wants it saved. */
static gboolean
enter (SngTrainer *self, gboolean *wanted, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);
  const char *monitor = sng_model_checkpoint_get_monitor (priv->model_checkpoint);
  double score = 0.0;

  if (monitor != NULL && !sng_trainer_get_monitored (self, monitor, &score, error))
    return FALSE;

  *wanted = sng_model_checkpoint_enter (priv->model_checkpoint, priv->progress->global_step, score);
  priv->is_checkpoint_due = FALSE;

  return TRUE;
}

/* Saves what the plan has been told of, and then removes what it does not keep any more. */
static char *
save_entered (SngTrainer *self, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);
  SngModelCheckpoint *plan = priv->model_checkpoint;
  g_autofree char *path = save (self, error);
  g_autoptr (GArray) superseded = NULL;
  gboolean is_removed;

  if (path == NULL)
    {
      sng_model_checkpoint_revert (plan);
      priv->is_checkpoint_due = TRUE;
      return NULL;
    }

  superseded = sng_model_checkpoint_dup_superseded (plan);
  is_removed = sng_checkpoint_store_take_all_away (sng_model_checkpoint_get_store (plan), superseded, error);
  sng_model_checkpoint_settle (plan, is_removed);

  return is_removed ? g_steal_pointer (&path) : NULL;
}

/* The same, as far as it must be done before the training goes on. */
static gboolean
begin_entered (SngTrainer *self, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);
  SngModelCheckpoint *plan = priv->model_checkpoint;
  g_autoptr (GArray) superseded = sng_model_checkpoint_dup_superseded (plan);
  g_autoptr (SngCheckpoint) checkpoint = capture (self, error);

  if (checkpoint == NULL
      || !sng_checkpoint_store_begin_save (sng_model_checkpoint_get_store (plan), checkpoint,
                                           (const guint64 *) (gconstpointer) superseded->data,
                                           superseded->len, error))
    {
      sng_model_checkpoint_revert (plan);
      priv->is_checkpoint_due = TRUE;
      return FALSE;
    }

  priv->pending_step = priv->progress->global_step;
  sng_model_checkpoint_settle (plan, FALSE);

  return TRUE;
}

gboolean
sng_trainer_settle_checkpoint (SngTrainer *self, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);
  guint64 step = priv->pending_step;
  g_autofree char *path = NULL;
  g_autoptr (GError) failure = NULL;

  if (step == 0)
    return TRUE;

  priv->pending_step = 0;
  sng_checkpoint_store_collect (sng_model_checkpoint_get_store (priv->model_checkpoint), &path, &failure);
  if (failure == NULL)
    sng_model_checkpoint_settle (priv->model_checkpoint, TRUE);
  else if (path == NULL)
    sng_model_checkpoint_revert (priv->model_checkpoint);
  if (path != NULL)
    tell_saved (self, step, path);

  return failure == NULL || tell_failed (self, step, g_steal_pointer (&failure), error);
}

/**
 * sng_trainer_save_checkpoint:
 * @self: a trainer with a [property@Sng.Trainer:model-checkpoint]
 * @error: return location for a #GError
 *
 * Saves everything registered, as it is now, and emits
 * [signal@Sng.Trainer::checkpoint-saved]. From the first micro-batch of a step
 * until [signal@Sng.Trainer::step-end] or, where a validation follows, until that
 * is done, and after a training that ended in between, there is no state to go on
 * from: that is an error.
 *
 * When this returns the checkpoint is durable, also where those that are due are saved in the background; one that is on
 * its way is waited for first.
 *
 * Such a checkpoint is one more than those that are due: it has no rank among them and is never
 * removed. But a step has one checkpoint: where that of the plan is due at this step, it is this one, with
 * its rank.
 *
 * Returns: (transfer full) (nullable): the checkpoint's directory, or %NULL with
 *   @error set
 *
 * Since: 1.0
 */
char *
sng_trainer_save_checkpoint (SngTrainer *self, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);
  g_autofree char *path = NULL;
  gboolean wanted;

  g_return_val_if_fail (SNG_IS_TRAINER (self), NULL);

  if (priv->model_checkpoint == NULL)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "[trainer][checkpoint] step %" G_GUINT64_FORMAT ": the trainer has no model-checkpoint",
                   priv->progress->global_step);
      return NULL;
    }

  if (!sng_trainer_check_whole (self, "[trainer][checkpoint]", error)
      || !sng_trainer_settle_checkpoint (self, error))
    return NULL;

  if (!is_due (self))
    path = save (self, error);
  else if (enter (self, &wanted, error))
    path = save_entered (self, error);

  if (path == NULL)
    g_prefix_error (error, "[trainer][checkpoint] step %" G_GUINT64_FORMAT ": ", priv->progress->global_step);

  return g_steal_pointer (&path);
}

gboolean
sng_trainer_ensure_checkpoint (SngTrainer *self, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);
  g_autofree char *path = NULL;

  if (!sng_trainer_settle_checkpoint (self, error))
    return FALSE;
  if (priv->last_checkpoint_step == priv->progress->global_step)
    return TRUE;

  path = sng_trainer_save_checkpoint (self, error);

  return path != NULL;
}

gboolean
sng_trainer_maybe_save_checkpoint (SngTrainer *self, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);
  gboolean due = is_due (self);
  gboolean wanted, saved;
  g_autofree char *path = NULL;
  g_autoptr (GError) failure = NULL;

  /* Only who is due waits for the one before. */
  if (priv->pending_step != 0
      && (due || !sng_checkpoint_store_is_busy (sng_model_checkpoint_get_store (priv->model_checkpoint)))
      && !sng_trainer_settle_checkpoint (self, error))
    return FALSE;

  if (!due)
    return TRUE;
  if (!enter (self, &wanted, error))
    {
      g_prefix_error (error, "[trainer][checkpoint] step %" G_GUINT64_FORMAT ": ",
                      priv->progress->global_step);
      return FALSE;
    }
  if (!wanted)
    return TRUE;

  if (priv->model_checkpoint->save_in_background)
    saved = begin_entered (self, &failure);
  else
    saved = (path = save_entered (self, &failure)) != NULL;

  return saved || tell_failed (self, priv->progress->global_step, g_steal_pointer (&failure), error);
}

/**
 * sng_trainer_get_model_checkpoint: (get-property model-checkpoint)
 * @self: a trainer
 *
 * Gets when and where the trainer saves.
 *
 * Returns: (transfer none) (nullable): the plan, or %NULL where nothing is saved
 *
 * Since: 1.0
 */
SngModelCheckpoint *
sng_trainer_get_model_checkpoint (SngTrainer *self)
{
  g_return_val_if_fail (SNG_IS_TRAINER (self), NULL);

  return sng_trainer_get_private (self)->model_checkpoint;
}

/**
 * sng_trainer_get_checkpoint_store:
 * @self: a trainer
 *
 * Gets the store of the trainer's checkpoints.
 *
 * Returns: (transfer none) (nullable): the store of
 *   [property@Sng.Trainer:model-checkpoint], or %NULL where nothing is saved
 *
 * Since: 1.0
 */
SngCheckpointStore *
sng_trainer_get_checkpoint_store (SngTrainer *self)
{
  SngModelCheckpoint *model_checkpoint;

  g_return_val_if_fail (SNG_IS_TRAINER (self), NULL);

  model_checkpoint = sng_trainer_get_private (self)->model_checkpoint;

  return model_checkpoint != NULL ? sng_model_checkpoint_get_store (model_checkpoint) : NULL;
}

/**
 * sng_trainer_get_last_checkpoint_step:
 * @self: a trainer
 *
 * Gets the step of the newest checkpoint that this trainer has saved or
 * restored.
 *
 * Returns: the step; 0 where there was none
 *
 * Since: 1.0
 */
guint64
sng_trainer_get_last_checkpoint_step (SngTrainer *self)
{
  g_return_val_if_fail (SNG_IS_TRAINER (self), 0);

  return sng_trainer_get_private (self)->last_checkpoint_step;
}
