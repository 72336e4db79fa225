/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The trainer's parts and its state: what is attached and restored. */

#include "train/sng-trainer-private.h"

#include "sng-error.h"
#include "train/sng-exponential-moving-average-private.h"
#include "train/sng-gradients-private.h"
#include "train/sng-model-checkpoint-private.h"
#include "state/sng-vfunc-private.h"

static GPtrArray *
dup_parameters (SngModel *model, GError **error)
{
  g_autoptr (GListModel) list = sng_model_get_parameters (model, error);
  g_autoptr (GPtrArray) parameters = g_ptr_array_new_with_free_func (g_object_unref);

  if (list == NULL)
    return NULL;

  for (guint i = 0; i < g_list_model_get_n_items (list); i++)
    g_ptr_array_add (parameters, g_list_model_get_item (list, i));

  return sng_gradients_check (parameters, error) ? g_steal_pointer (&parameters) : NULL;
}

/* An optimizer of another model's parameters would train, and change nothing. */
static gboolean
check_optimizer (SngOptimizer *optimizer, GPtrArray *parameters, GError **error)
{
  GListModel *list = sng_optimizer_get_parameters (optimizer);

  for (guint i = 0; i < g_list_model_get_n_items (list); i++)
    {
      g_autoptr (SngParameter) parameter = g_list_model_get_item (list, i);

      if (!g_ptr_array_find (parameters, parameter, NULL))
        {
          g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                       "the optimizer's parameter \"%s\" is none of the model's",
                       sng_parameter_get_name (parameter));
          return FALSE;
        }
    }

  return TRUE;
}

/* A part that a training may lack. */
static gboolean
register_optional (SngStateRegistry *registry, const char *name, gpointer part, GError **error)
{
  return part == NULL || sng_state_registry_add (registry, name, SNG_STATEFUL (part), error);
}

static gboolean
register_parts (SngTrainer *self,
                SngModel *model,
                SngOptimizer *optimizer,
                SngLrScheduler *scheduler,
                SngGradScaler *grad_scaler,
                SngSampler *sampler,
                SngRngStream *masking,
                GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);
  SngStateRegistry *registry = priv->registry;
  SngModelCheckpoint *plan = priv->model_checkpoint;

  return sng_state_registry_add (registry, "trainer", SNG_STATEFUL (priv->progress), error)
         && sng_state_registry_add (registry, "model", SNG_STATEFUL (model), error)
         && sng_state_registry_add (registry, "optimizer", SNG_STATEFUL (optimizer), error)
         && register_optional (registry, "scheduler", scheduler, error)
         && register_optional (registry, "grad-scaler", grad_scaler, error)
         && sng_state_registry_add (registry, "sampler", SNG_STATEFUL (sampler), error)
         && sng_state_registry_add (registry, "rng/masking", SNG_STATEFUL (masking), error)
         && register_optional (registry, "ema", priv->average, error)
         && register_optional (registry, "early-stopping", priv->early_stopping, error)
         && (plan == NULL || !sng_model_checkpoint_has_state (plan)
             || sng_state_registry_add (registry, "model-checkpoint", SNG_STATEFUL (plan), error))
         && sng_model_register_state (model, registry, error);
}

/* The user's scaler or one of the trainer's own, where the precision needs one. */
static gboolean
ensure_grad_scaler (SngTrainer *self, SngGradScaler **grad_scaler, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);
  SngPrecision precision = priv->progress->precision;

  if (precision == SNG_PRECISION_16_MIXED)
    {
      *grad_scaler = priv->grad_scaler != NULL ? g_object_ref (priv->grad_scaler) : sng_grad_scaler_new ();
      return TRUE;
    }

  if (priv->grad_scaler == NULL)
    return TRUE;

  g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
               "there is a grad-scaler, which is for the precision %s, but the precision is %s",
               sng_precision_to_string (SNG_PRECISION_16_MIXED), sng_precision_to_string (precision));

  return FALSE;
}

/* Takes away what a failed registration has left, so that nothing is half done. */
static void
unregister_all_but (SngStateRegistry *registry, const char *const *kept)
{
  g_auto (GStrv) names = sng_state_registry_dup_names (registry);

  for (guint i = 0; names[i] != NULL; i++)
    if (!g_strv_contains (kept, names[i]))
      sng_state_registry_remove (registry, names[i]);
}

/* The average and the precision. A model that accepts the latter has changed, so that comes last. */
static gboolean
attach_to_model (SngTrainer *self, SngModel *model, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);
  g_autoptr (GListModel) parameters = NULL;

  if (priv->average == NULL)
    return sng_model_set_precision (model, priv->progress->precision, error);

  parameters = sng_model_get_parameters (model, error);

  if (parameters == NULL || !sng_exponential_moving_average_attach (priv->average, parameters, error))
    return FALSE;

  if (!sng_model_set_precision (model, priv->progress->precision, error))
    {
      sng_exponential_moving_average_detach (priv->average);
      return FALSE;
    }

  return TRUE;
}

static gboolean
attach (SngTrainer *self,
        SngModel *model,
        SngDataModule *data_module,
        SngOptimizer *optimizer,
        SngLrScheduler *scheduler,
        GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);
  g_auto (GStrv) kept = sng_state_registry_dup_names (priv->registry);
  g_autoptr (GPtrArray) parameters = NULL;
  g_autoptr (SngGradScaler) grad_scaler = NULL;
  g_autoptr (SngSampler) sampler = NULL;
  g_autoptr (SngRngStream) masking = NULL;
  guint64 n_samples;

  parameters = dup_parameters (model, error);

  if (parameters == NULL || !check_optimizer (optimizer, parameters, error)
      || !ensure_grad_scaler (self, &grad_scaler, error) || !sng_data_module_setup (data_module, error))
    return FALSE;

  n_samples = sng_data_module_get_n_samples (data_module, SNG_STAGE_TRAIN);

  if (n_samples == 0)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT, "%s has no samples to train on",
                   G_OBJECT_TYPE_NAME (data_module));
      return FALSE;
    }

  sampler = sng_sampler_new (n_samples, priv->seed, TRUE);
  masking = sng_rng_stream_new (priv->seed, "masking", 0);

  if (!register_parts (self, model, optimizer, scheduler, grad_scaler, sampler, masking, error)
      || !attach_to_model (self, model, error))
    {
      unregister_all_but (priv->registry, (const char *const *) kept);
      return FALSE;
    }

  g_set_object (&priv->model, model);
  g_set_object (&priv->data_module, data_module);
  g_set_object (&priv->optimizer, optimizer);
  g_set_object (&priv->scheduler, scheduler);

  if (g_set_object (&priv->grad_scaler, grad_scaler))
    g_object_notify (G_OBJECT (self), "grad-scaler");

  priv->sampler = g_steal_pointer (&sampler);
  priv->masking = g_steal_pointer (&masking);
  priv->parameters = g_steal_pointer (&parameters);

  return TRUE;
}

/**
 * sng_trainer_attach:
 * @self: a trainer without parts
 * @model: the model
 * @data_module: where the batches come from; it is set up here
 * @optimizer: an optimizer of the model's parameters
 * @scheduler: (nullable): a learning-rate scheduler, or %NULL to leave the
 *   optimizer's rate alone
 * @error: return location for a #GError
 *
 * Gives the trainer its parts, once, registers their state, and tells the model
 * the [property@Sng.Trainer:precision]. Where it fails, nothing is attached.
 *
 * Returns: whether it worked; otherwise @error is set
 *
 * Since: 1.0
 */
gboolean
sng_trainer_attach (SngTrainer *self,
                    SngModel *model,
                    SngDataModule *data_module,
                    SngOptimizer *optimizer,
                    SngLrScheduler *scheduler,
                    GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);

  g_return_val_if_fail (SNG_IS_TRAINER (self), FALSE);
  g_return_val_if_fail (priv->model == NULL, FALSE);
  g_return_val_if_fail (SNG_IS_MODEL (model), FALSE);
  g_return_val_if_fail (SNG_IS_DATA_MODULE (data_module), FALSE);
  g_return_val_if_fail (SNG_IS_OPTIMIZER (optimizer), FALSE);
  g_return_val_if_fail (scheduler == NULL || SNG_IS_LR_SCHEDULER (scheduler), FALSE);

  if (!attach (self, model, data_module, optimizer, scheduler, error))
    {
      g_prefix_error (error, "[trainer][attach] ");
      return FALSE;
    }

  return TRUE;
}

/* The trainer's own state says first what does not fit: another precision is the reason why other names are registered. */
gboolean
sng_trainer_real_restore (SngTrainer *self, SngCheckpoint *checkpoint, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);
  SngStateDict *own = sng_checkpoint_lookup_state (checkpoint, "trainer");

  return (own == NULL || sng_stateful_check_state (SNG_STATEFUL (priv->progress), own, error))
         && sng_state_registry_restore (priv->registry, checkpoint, error);
}

/**
 * sng_trainer_restore:
 * @self: a trainer with its parts attached
 * @checkpoint: a checkpoint of the same training
 * @error: return location for a #GError
 *
 * Puts everything registered back to where it was at the checkpoint, and the
 * optimizer's learning rate to what the scheduler says for that step.
 * [method@Sng.Trainer.fit] then goes on from there.
 *
 * A checkpoint that does not fit, by a name, a shape or a setting, is refused
 * before anything has changed.
 *
 * Returns: whether it worked; otherwise @error is set
 *
 * Since: 1.0
 */
gboolean
sng_trainer_restore (SngTrainer *self, SngCheckpoint *checkpoint, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);
  gboolean succeeded;
  GError *local_error = NULL;

  g_return_val_if_fail (SNG_IS_TRAINER (self), FALSE);
  g_return_val_if_fail (SNG_IS_CHECKPOINT (checkpoint), FALSE);
  g_return_val_if_fail (!priv->is_fitting, FALSE);

  succeeded = SNG_TRAINER_GET_CLASS (self)->restore (self, checkpoint, &local_error);
  succeeded =
      sng_vfunc_check_result (self, "restore", succeeded, &local_error)
      && (priv->scheduler == NULL || sng_lr_scheduler_apply (priv->scheduler, priv->optimizer, &local_error));

  if (!succeeded)
    {
      g_propagate_prefixed_error (error, local_error, "[trainer][restore] step %" G_GUINT64_FORMAT ": ",
                                  sng_checkpoint_get_step (checkpoint));
      return FALSE;
    }

  priv->is_within_step = FALSE;
  priv->is_validation_due = FALSE;
  priv->is_checkpoint_due = FALSE;
  priv->last_checkpoint_step = sng_checkpoint_get_step (checkpoint);

  return TRUE;
}

/**
 * sng_trainer_get_model:
 * @self: a trainer
 *
 * Gets the model.
 *
 * Returns: (transfer none) (nullable): the model, or %NULL before
 *   [method@Sng.Trainer.attach]
 *
 * Since: 1.0
 */
SngModel *
sng_trainer_get_model (SngTrainer *self)
{
  g_return_val_if_fail (SNG_IS_TRAINER (self), NULL);

  return sng_trainer_get_private (self)->model;
}

/**
 * sng_trainer_get_data_module:
 * @self: a trainer
 *
 * Gets the data module.
 *
 * Returns: (transfer none) (nullable): the data module, or %NULL before
 *   [method@Sng.Trainer.attach]
 *
 * Since: 1.0
 */
SngDataModule *
sng_trainer_get_data_module (SngTrainer *self)
{
  g_return_val_if_fail (SNG_IS_TRAINER (self), NULL);

  return sng_trainer_get_private (self)->data_module;
}

/**
 * sng_trainer_get_optimizer:
 * @self: a trainer
 *
 * Gets the optimizer.
 *
 * Returns: (transfer none) (nullable): the optimizer, or %NULL before
 *   [method@Sng.Trainer.attach]
 *
 * Since: 1.0
 */
SngOptimizer *
sng_trainer_get_optimizer (SngTrainer *self)
{
  g_return_val_if_fail (SNG_IS_TRAINER (self), NULL);

  return sng_trainer_get_private (self)->optimizer;
}

/**
 * sng_trainer_get_lr_scheduler:
 * @self: a trainer
 *
 * Gets the learning-rate scheduler.
 *
 * Returns: (transfer none) (nullable): the scheduler, or %NULL where there is
 *   none
 *
 * Since: 1.0
 */
SngLrScheduler *
sng_trainer_get_lr_scheduler (SngTrainer *self)
{
  g_return_val_if_fail (SNG_IS_TRAINER (self), NULL);

  return sng_trainer_get_private (self)->scheduler;
}

/**
 * sng_trainer_get_grad_scaler: (get-property grad-scaler)
 * @self: a trainer
 *
 * Gets the loss scale.
 *
 * Returns: (transfer none) (nullable): the scaler, or %NULL where there is none
 *
 * Since: 1.0
 */
SngGradScaler *
sng_trainer_get_grad_scaler (SngTrainer *self)
{
  g_return_val_if_fail (SNG_IS_TRAINER (self), NULL);

  return sng_trainer_get_private (self)->grad_scaler;
}

/**
 * sng_trainer_get_state_registry:
 * @self: a trainer
 *
 * Gets the registry of everything that must survive a stop.
 *
 * Returns: (transfer none): the registry
 *
 * Since: 1.0
 */
SngStateRegistry *
sng_trainer_get_state_registry (SngTrainer *self)
{
  g_return_val_if_fail (SNG_IS_TRAINER (self), NULL);

  return sng_trainer_get_private (self)->registry;
}

/**
 * sng_trainer_get_exponential_moving_average: (get-property exponential-moving-average)
 * @self: a trainer
 *
 * Gets the average of the parameters.
 *
 * Returns: (transfer none) (nullable): the average, or %NULL where there is none
 *
 * Since: 1.0
 */
SngExponentialMovingAverage *
sng_trainer_get_exponential_moving_average (SngTrainer *self)
{
  g_return_val_if_fail (SNG_IS_TRAINER (self), NULL);

  return sng_trainer_get_private (self)->average;
}

/**
 * sng_trainer_get_global_step:
 * @self: a trainer
 *
 * Gets how many steps the training has made, over all its resumes.
 *
 * Returns: the global step
 *
 * Since: 1.0
 */
guint64
sng_trainer_get_global_step (SngTrainer *self)
{
  g_return_val_if_fail (SNG_IS_TRAINER (self), 0);

  return sng_trainer_get_private (self)->progress->global_step;
}

/**
 * sng_trainer_get_max_steps: (get-property max-steps)
 * @self: a trainer
 *
 * Gets the global step at which the training is done.
 *
 * Returns: the last step
 *
 * Since: 1.0
 */
guint64
sng_trainer_get_max_steps (SngTrainer *self)
{
  g_return_val_if_fail (SNG_IS_TRAINER (self), 0);

  return sng_trainer_get_private (self)->max_steps;
}

/**
 * sng_trainer_get_precision: (get-property precision)
 * @self: a trainer
 *
 * Gets what the model computes in.
 *
 * Returns: the precision
 *
 * Since: 1.0
 */
SngPrecision
sng_trainer_get_precision (SngTrainer *self)
{
  g_return_val_if_fail (SNG_IS_TRAINER (self), SNG_PRECISION_32);

  return sng_trainer_get_private (self)->progress->precision;
}

/**
 * sng_trainer_get_consumed_samples:
 * @self: a trainer
 * @stage: a stage
 *
 * Gets how many samples the training has consumed in a stage, over all its
 * resumes. Those of a window count when its gradients are computed, also where it is
 * then skipped.
 *
 * Returns: the number of samples
 *
 * Since: 1.0
 */
guint64
sng_trainer_get_consumed_samples (SngTrainer *self, SngStage stage)
{
  g_return_val_if_fail (SNG_IS_TRAINER (self), 0);
  g_return_val_if_fail (stage == SNG_STAGE_TRAIN || stage == SNG_STAGE_VALIDATE, 0);

  return sng_trainer_get_private (self)->progress->consumed_samples[stage];
}

/**
 * sng_trainer_get_epoch:
 * @self: a trainer
 *
 * Gets the epoch of the next sample.
 *
 * Returns: the number of the epoch, from 0
 *
 * Since: 1.0
 */
guint64
sng_trainer_get_epoch (SngTrainer *self)
{
  SngSampler *sampler;

  g_return_val_if_fail (SNG_IS_TRAINER (self), 0);

  sampler = sng_trainer_get_private (self)->sampler;

  return sampler != NULL ? sng_sampler_get_epoch (sampler) : 0;
}

/**
 * sng_trainer_get_loss:
 * @self: a trainer
 *
 * Gets the loss of the newest step: the mean over all targets of its window.
 *
 * Returns: the loss; NaN where the window has no targets, 0 where this trainer has made no step yet
 *
 * Since: 1.0
 */
double
sng_trainer_get_loss (SngTrainer *self)
{
  g_return_val_if_fail (SNG_IS_TRAINER (self), 0.0);

  return sng_trainer_get_private (self)->loss;
}

/**
 * sng_trainer_get_gradient_norm:
 * @self: a trainer
 *
 * Gets the L2 norm of all gradients of the newest step together, before they
 * were clipped.
 *
 * Returns: the norm; 0 where this trainer has made no step yet
 *
 * Since: 1.0
 */
double
sng_trainer_get_gradient_norm (SngTrainer *self)
{
  g_return_val_if_fail (SNG_IS_TRAINER (self), 0.0);

  return sng_trainer_get_private (self)->gradient_norm;
}
