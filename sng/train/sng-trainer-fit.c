/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "train/sng-trainer-private.h"

#include <math.h>

#include "sng-error.h"
#include "train/sng-gradients-private.h"

/* As torch.nn.utils.clip_grad_norm_ has it: keeps the quotient finite. */
#define CLIP_EPSILON 1e-6

/* News first, then the question whether a listener wants the training to end. */
static gboolean
emit (SngTrainer *self, guint signal, GError **error)
{
  g_signal_emit (self, sng_trainer_signals[signal], 0);

  return sng_trainer_check_end (self, error);
}

static gboolean
emit_micro_batch_end (SngTrainer *self,
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

/* Forward of one micro-batch. Where it has targets, its loss is finite. */
static SngStateDict *
run_forward (SngTrainer *self, SngStateDict *batch, SngStage stage, double *loss, GError **error)
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

  outputs = run_forward (self, batch, SNG_STAGE_TRAIN, &loss, error);

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

  return emit_micro_batch_end (self, SNG_STAGE_TRAIN, index, batch, outputs, error);
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

static gboolean
train_step (SngTrainer *self, GError **error)
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

/* The micro-batch of the validation samples from @first. */
static gboolean
validate_micro_batch (SngTrainer *self,
                      guint index,
                      guint64 first,
                      guint64 n_samples,
                      SngRngStream *rng,
                      GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);
  const gint64 shape[1] = { (gint64) n_samples };
  g_autofree gint64 *ids = g_new (gint64, n_samples);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (SngTensor) sample_ids = NULL;
  g_autoptr (SngStateDict) batch = NULL;
  g_autoptr (SngStateDict) outputs = NULL;
  double loss;

  for (guint64 i = 0; i < n_samples; i++)
    ids[i] = (gint64) (first + i);

  bytes = g_bytes_new_take (g_steal_pointer (&ids), n_samples * sizeof (gint64));
  sample_ids = sng_tensor_new_from_bytes (SNG_DTYPE_I64, shape, 1, bytes, error);

  if (sample_ids != NULL)
    batch = sng_data_module_load_batch (priv->data_module, SNG_STAGE_VALIDATE, sample_ids, rng, error);

  if (batch != NULL)
    outputs = run_forward (self, batch, SNG_STAGE_VALIDATE, &loss, error);

  if (outputs == NULL)
    {
      g_prefix_error (error, "micro-batch %u: ", index);
      return FALSE;
    }

  sng_rng_stream_advance (rng, n_samples);
  priv->progress->consumed_samples[SNG_STAGE_VALIDATE] += n_samples;

  return emit_micro_batch_end (self, SNG_STAGE_VALIDATE, index, batch, outputs, error);
}

/* Always the same samples with the same random numbers; the only training state that it touches is the count of its samples. */
static gboolean
validate (SngTrainer *self, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);
  guint64 n_samples = sng_data_module_get_n_samples (priv->data_module, SNG_STAGE_VALIDATE);
  g_autoptr (SngRngStream) rng = sng_rng_stream_new (priv->seed, "validation", 0);
  guint index = 0;

  for (guint64 first = 0; first < n_samples; first += priv->micro_batch_size, index++)
    {
      if (priv->limit_val_batches > 0 && index == priv->limit_val_batches)
        break;

      if (!validate_micro_batch (self, index, first, MIN (priv->micro_batch_size, n_samples - first), rng,
                                 error))
        return FALSE;
    }

  return TRUE;
}

static gboolean
maybe_validate (SngTrainer *self, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);

  if (!priv->is_validation_due)
    return TRUE;

  if (!emit (self, SNG_TRAINER_VALIDATION_START, error))
    return FALSE;

  if (!validate (self, error))
    {
      g_prefix_error (error, "[trainer][validate] step %" G_GUINT64_FORMAT ": ", priv->progress->global_step);
      return FALSE;
    }

  priv->is_validation_due = FALSE;

  return emit (self, SNG_TRAINER_VALIDATION_END, error);
}

static gboolean
maybe_save_checkpoint (SngTrainer *self, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);
  guint64 step = priv->progress->global_step;
  g_autofree char *path = NULL;

  if (priv->model_checkpoint == NULL
      || !sng_model_checkpoint_is_due (priv->model_checkpoint, step, step >= priv->max_steps))
    return TRUE;

  path = sng_trainer_save_checkpoint (self, error);

  return path != NULL;
}

static gboolean
run_step (SngTrainer *self, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);

  if (!emit (self, SNG_TRAINER_STEP_START, error))
    return FALSE;

  if (!train_step (self, error))
    {
      g_prefix_error (error, "[trainer][fit] step %" G_GUINT64_FORMAT ": ", priv->progress->global_step + 1);
      return FALSE;
    }

  return emit (self, SNG_TRAINER_STEP_END, error) && maybe_validate (self, error)
         && maybe_save_checkpoint (self, error) && emit (self, SNG_TRAINER_STEP_FINISHED, error);
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

  if (priv->scheduler != NULL && !sng_lr_scheduler_apply (priv->scheduler, priv->optimizer, error))
    {
      g_prefix_error (error, "[trainer][fit] ");
      return FALSE;
    }

  return TRUE;
}

gboolean
sng_trainer_real_fit (SngTrainer *self, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);

  if (!prepare (self, error) || !emit (self, SNG_TRAINER_FIT_START, error))
    return FALSE;

  while (priv->progress->global_step < priv->max_steps)
    if (!run_step (self, error))
      return FALSE;

  return emit (self, SNG_TRAINER_FIT_END, error);
}
