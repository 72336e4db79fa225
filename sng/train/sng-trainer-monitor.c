/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What a trainer offers to those that watch over a training, and who they are. */

#include "train/sng-trainer-private.h"

#include "sng-error.h"
#include "train/sng-model-checkpoint-private.h"

#define VALID_LOSS "valid_loss"

/* The one list of what can be monitored. */
static const struct
{
  const char *name;
  double (*get) (SngTrainer *self);
} monitored[] = {
  { VALID_LOSS, sng_trainer_get_valid_loss },
  { "train_loss", sng_trainer_get_loss },
  { "gradient_norm", sng_trainer_get_gradient_norm },
};

/**
 * sng_trainer_get_valid_loss:
 * @self: a trainer
 *
 * Gets the loss of the newest validation: the mean over all its targets. It is part of the state, so a
 * resumed training knows it.
 *
 * Returns: the loss; NaN where there was no validation yet, or one without targets
 *
 * Since: 1.0
 */
double
sng_trainer_get_valid_loss (SngTrainer *self)
{
  g_return_val_if_fail (SNG_IS_TRAINER (self), 0.0);

  return sng_trainer_get_private (self)->progress->valid_loss;
}

/**
 * sng_trainer_get_monitored:
 * @self: a trainer
 * @name: a name
 * @value: (out): where to put the value
 * @error: return location for a #GError
 *
 * Gets one of the values that [class@Sng.EarlyStopping] and [class@Sng.ModelCheckpoint] can
 * monitor:
 *
 * - `valid_loss`: [method@Sng.Trainer.get_valid_loss]
 * - `train_loss`: [method@Sng.Trainer.get_loss]
 * - `gradient_norm`: [method@Sng.Trainer.get_gradient_norm]
 *
 * Returns: %TRUE, or %FALSE with %SNG_ERROR_NOT_FOUND where there is none of this name
 *
 * Since: 1.0
 */
gboolean
sng_trainer_get_monitored (SngTrainer *self, const char *name, double *value, GError **error)
{
  g_autoptr (GString) known = g_string_new (NULL);

  g_return_val_if_fail (SNG_IS_TRAINER (self), FALSE);
  g_return_val_if_fail (name != NULL, FALSE);
  g_return_val_if_fail (value != NULL, FALSE);

  for (guint i = 0; i < G_N_ELEMENTS (monitored); i++)
    {
      if (g_str_equal (monitored[i].name, name))
        {
          *value = monitored[i].get (self);
          return TRUE;
        }

      g_string_append_printf (known, "%s%s", i > 0 ? ", " : "", monitored[i].name);
    }

  g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_FOUND,
               "[trainer][monitor] there is no \"%s\": what can be monitored is %s", name, known->str);

  return FALSE;
}

/* Whether there is, or will be, what @who monitors. */
static gboolean
check_monitor (SngTrainer *self, const char *who, const char *monitor, GError **error)
{
  double value;

  if (g_str_equal (monitor, VALID_LOSS) && sng_trainer_get_private (self)->val_check_interval == 0)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "%s monitors \"%s\", but val-check-interval is 0: there are no validations", who, monitor);
      return FALSE;
    }

  if (!sng_trainer_get_monitored (self, monitor, &value, error))
    {
      g_prefix_error (error, "%s: ", who);
      return FALSE;
    }

  return TRUE;
}

gboolean
sng_trainer_check_monitors (SngTrainer *self, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);
  const char *monitor =
      priv->model_checkpoint != NULL ? sng_model_checkpoint_get_monitor (priv->model_checkpoint) : NULL;

  if (monitor != NULL && !check_monitor (self, "model-checkpoint", monitor, error))
    return FALSE;

  if (priv->early_stopping == NULL)
    return TRUE;

  if (priv->val_check_interval == 0)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "early-stopping looks at each validation, but val-check-interval is 0: there are no "
                   "validations");
      return FALSE;
    }

  return check_monitor (self, "early-stopping", sng_early_stopping_get_monitor (priv->early_stopping), error);
}

gboolean
sng_trainer_ask_early_stopping (SngTrainer *self, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);
  double value;

  if (priv->early_stopping == NULL)
    return TRUE;

  if (!sng_trainer_get_monitored (self, sng_early_stopping_get_monitor (priv->early_stopping), &value, error))
    return FALSE;

  sng_early_stopping_check (priv->early_stopping, priv->progress->global_step, value);

  return TRUE;
}

gboolean
sng_trainer_is_done (SngTrainer *self)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);

  return priv->progress->global_step >= priv->max_steps
         || (priv->early_stopping != NULL && sng_early_stopping_get_stopped_step (priv->early_stopping) > 0);
}

/**
 * sng_trainer_get_early_stopping: (get-property early-stopping)
 * @self: a trainer
 *
 * Gets what may end the training before its last step.
 *
 * Returns: (transfer none) (nullable): the early stopping, or %NULL where there is none
 *
 * Since: 1.0
 */
SngEarlyStopping *
sng_trainer_get_early_stopping (SngTrainer *self)
{
  g_return_val_if_fail (SNG_IS_TRAINER (self), NULL);

  return sng_trainer_get_private (self)->early_stopping;
}
