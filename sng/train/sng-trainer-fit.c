/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The training as a whole: its steps with their signals, validations and checkpoints. */

#include "train/sng-trainer-private.h"

#include "sng-error.h"

/* News first, then the question whether a listener wants the training to end. */
static gboolean
emit (SngTrainer *self, guint signal, GError **error)
{
  g_signal_emit (self, sng_trainer_signals[signal], 0);

  return sng_trainer_check_end (self, error);
}

static gboolean
maybe_validate (SngTrainer *self, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);

  if (!priv->is_validation_due)
    return TRUE;

  if (!emit (self, SNG_TRAINER_VALIDATION_START, error))
    return FALSE;

  if (!sng_trainer_validate (self, error))
    {
      g_prefix_error (error, "[trainer][validate] step %" G_GUINT64_FORMAT ": ", priv->progress->global_step);
      return FALSE;
    }

  priv->is_validation_due = FALSE;

  return sng_trainer_ask_early_stopping (self, error) && emit (self, SNG_TRAINER_VALIDATION_END, error);
}

static gboolean
run_step (SngTrainer *self, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);

  if (!emit (self, SNG_TRAINER_STEP_START, error))
    return FALSE;

  if (!sng_trainer_make_step (self, error))
    {
      g_prefix_error (error, "[trainer][fit] step %" G_GUINT64_FORMAT ": ", priv->progress->global_step + 1);
      return FALSE;
    }

  return emit (self, SNG_TRAINER_STEP_END, error) && maybe_validate (self, error)
         && sng_trainer_maybe_save_checkpoint (self, error) && emit (self, SNG_TRAINER_STEP_FINISHED, error);
}

static gboolean
prepare (SngTrainer *self, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);

  if (priv->model == NULL)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "[trainer][fit] nothing to train: call sng_trainer_attach() first");
      return FALSE;
    }

  if (!sng_trainer_check_whole (self, "[trainer][fit]", error))
    return FALSE;

  if (priv->val_check_interval > 0
      && sng_data_module_get_n_samples (priv->data_module, SNG_STAGE_VALIDATE) == 0)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "[trainer][fit] val-check-interval is %" G_GUINT64_FORMAT
                   ", but %s has no samples to validate on",
                   priv->val_check_interval, G_OBJECT_TYPE_NAME (priv->data_module));
      return FALSE;
    }

  if (!sng_trainer_check_monitors (self, error)
      || (priv->scheduler != NULL && !sng_lr_scheduler_apply (priv->scheduler, priv->optimizer, error)))
    {
      g_prefix_error (error, "[trainer][fit] ");
      return FALSE;
    }

  return TRUE;
}

gboolean
sng_trainer_real_fit (SngTrainer *self, GError **error)
{
  if (!prepare (self, error) || !emit (self, SNG_TRAINER_FIT_START, error))
    return FALSE;

  while (!sng_trainer_is_done (self))
    if (!run_step (self, error))
      return FALSE;

  return sng_trainer_settle_checkpoint (self, error) && emit (self, SNG_TRAINER_FIT_END, error);
}
