/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A step of the training: its window of micro-batches and its update. */

#include "train/sng-trainer-private.h"

#include <math.h>

#include "sng-error.h"
#include "train/sng-gradients-private.h"

/* As torch.nn.utils.clip_grad_norm_ has it: keeps the quotient finite. */
#define CLIP_EPSILON 1e-6

gboolean
sng_trainer_emit_micro_batch_end (SngTrainer *self,
                                  SngStage stage,
                                  guint micro_batch,
                                  SngStateDict *batch,
                                  SngStateDict *outputs,
                                  GError **error)
{
  g_signal_emit (self, sng_trainer_signals[SNG_TRAINER_MICRO_BATCH_END], 0, stage, micro_batch, batch,
                 outputs);

  return sng_trainer_check_end (self, error);
}

/* data_module.load_batch has checked that it is there and not negative. */
static gint64
get_n_targets (SngStateDict *batch)
{
  gint64 n_targets = 0;

  sng_state_dict_get_int64 (batch, "n_targets", &n_targets, NULL);

  return n_targets;
}

SngStateDict *
sng_trainer_run_forward (SngTrainer *self, SngStateDict *batch, SngStage stage, double *loss, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);
  g_autoptr (SngStateDict) outputs = sng_model_forward (priv->model, batch, stage, error);

  if (outputs == NULL || !sng_state_dict_get_double (outputs, "loss", loss, error))
    return NULL;

  if (get_n_targets (batch) > 0 && !isfinite (*loss))
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_NON_FINITE, "[model] the loss is %g", *loss);
      return NULL;
    }

  return g_steal_pointer (&outputs);
}

/* The next micro-batch of the training; counts its samples in *n_samples. */
static SngStateDict *
load_micro_batch (SngTrainer *self, guint64 *n_samples, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);
  g_autoptr (SngTensor) ids = sng_sampler_next (priv->sampler, priv->micro_batch_size, error);
  g_autoptr (SngStateDict) batch = NULL;

  if (ids == NULL)
    return NULL;

  batch = sng_data_module_load_batch (priv->data_module, SNG_STAGE_TRAIN, ids, priv->masking, error);

  if (batch == NULL)
    return NULL;

  sng_rng_stream_advance (priv->masking, sng_tensor_get_n_elements (ids));
  *n_samples += sng_tensor_get_n_elements (ids);

  return g_steal_pointer (&batch);
}

/* All micro-batches of a step: their weights need the sum of their targets. */
static gboolean
load_window (SngTrainer *self, guint64 *n_samples, gint64 *n_targets, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);

  for (guint i = 0; i < priv->accumulate_grad_batches; i++)
    {
      SngStateDict *batch = load_micro_batch (self, n_samples, error);

      if (batch == NULL)
        {
          g_prefix_error (error, "micro-batch %u: ", i);
          return FALSE;
        }

      g_ptr_array_add (priv->window, batch);
      *n_targets += get_n_targets (batch);
    }

  return TRUE;
}

/* Forward and backward of one micro-batch, which weighs n_i / N in the window. One without targets weighs nothing. */
static gboolean
train_micro_batch (SngTrainer *self, guint index, gint64 n_targets, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);
  SngStateDict *batch = g_ptr_array_index (priv->window, index);
  gint64 own_targets = get_n_targets (batch);
  g_autoptr (SngStateDict) outputs = NULL;
  double loss;

  outputs = sng_trainer_run_forward (self, batch, SNG_STAGE_TRAIN, &loss, error);

  if (outputs == NULL)
    {
      g_prefix_error (error, "micro-batch %u: ", index);
      return FALSE;
    }

  if (own_targets > 0)
    {
      double weight = (double) own_targets / (double) n_targets;

      if (!sng_model_backward (priv->model, weight, error))
        {
          g_prefix_error (error, "micro-batch %u: ", index);
          return FALSE;
        }

      priv->loss += weight * loss;
    }

  return sng_trainer_emit_micro_batch_end (self, SNG_STAGE_TRAIN, index, batch, outputs, error);
}

/* Clips, and moves parameters, moments, schedule and counters to the next step. */
static gboolean
update (SngTrainer *self, guint64 n_samples, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);

  if (!sng_gradients_compute_norm (priv->parameters, &priv->gradient_norm, error))
    return FALSE;

  if (priv->gradient_clip_norm > 0.0)
    {
      double factor = priv->gradient_clip_norm / (priv->gradient_norm + CLIP_EPSILON);

      if (factor < 1.0)
        sng_gradients_scale (priv->parameters, factor);
    }

  if (!sng_optimizer_step (priv->optimizer, error))
    return FALSE;

  if (priv->average != NULL)
    sng_exponential_moving_average_update (priv->average);

  if (priv->scheduler != NULL && !sng_lr_scheduler_step (priv->scheduler, priv->optimizer, error))
    return FALSE;

  priv->progress->global_step++;
  priv->progress->consumed_samples[SNG_STAGE_TRAIN] += n_samples;

  return TRUE;
}

static gboolean
is_multiple (guint64 step, guint64 interval)
{
  return interval > 0 && step % interval == 0;
}

gboolean
sng_trainer_make_step (SngTrainer *self, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);
  guint64 n_samples = 0;
  gint64 n_targets = 0;

  priv->is_within_step = TRUE;
  priv->loss = 0.0;
  g_ptr_array_set_size (priv->window, 0);

  if (!load_window (self, &n_samples, &n_targets, error) || !sng_model_zero_gradients (priv->model, error))
    return FALSE;

  for (guint i = 0; i < priv->window->len; i++)
    if (!train_micro_batch (self, i, n_targets, error))
      return FALSE;

  g_ptr_array_set_size (priv->window, 0);

  if (!update (self, n_samples, error))
    return FALSE;

  priv->is_within_step = FALSE;
  priv->is_validation_due = is_multiple (priv->progress->global_step, priv->val_check_interval);

  return TRUE;
}
