/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The trainer's checkpoints: when it may save, and what it saved. */

#include "train/sng-trainer-private.h"

#include "sng-error.h"

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
 * Returns: (transfer full) (nullable): the checkpoint's directory, or %NULL with
 *   @error set
 *
 * Since: 1.0
 */
char *
sng_trainer_save_checkpoint (SngTrainer *self, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);
  g_autoptr (SngCheckpoint) checkpoint = NULL;
  g_autofree char *path = NULL;
  guint64 step;

  g_return_val_if_fail (SNG_IS_TRAINER (self), NULL);

  step = priv->progress->global_step;

  if (priv->model_checkpoint == NULL)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "[trainer][checkpoint] step %" G_GUINT64_FORMAT ": the trainer has no model-checkpoint",
                   step);
      return NULL;
    }

  if (!sng_trainer_check_whole (self, "[trainer][checkpoint]", error))
    return NULL;

  checkpoint = sng_state_registry_capture (priv->registry, step, error);

  if (checkpoint != NULL)
    path = sng_checkpoint_store_save (sng_model_checkpoint_get_store (priv->model_checkpoint), checkpoint,
                                      error);

  if (path == NULL)
    {
      g_prefix_error (error, "[trainer][checkpoint] step %" G_GUINT64_FORMAT ": ", step);
      return NULL;
    }

  priv->last_checkpoint_step = step;
  g_signal_emit (self, sng_trainer_signals[SNG_TRAINER_CHECKPOINT_SAVED], 0, path);

  return g_steal_pointer (&path);
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
