/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A step of the training: its window of micro-batches and its update. */

#include "train/sng-trainer-private.h"

#include <math.h>

#include "sng-error.h"
#include "tensor/sng-tensor-fingerprint-private.h"
#include "train/sng-gradients-private.h"

/* As torch.nn.utils.clip_grad_norm_ has it: keeps the quotient finite. */
#define CLIP_EPSILON 1e-6

gboolean
sng_trainer_emit_phase_end (SngTrainer *self, SngPhase phase, guint micro_batch, GError **error)
{
  g_signal_emit (self, sng_trainer_signals[SNG_TRAINER_PHASE_END], 0, phase, micro_batch);

  return sng_trainer_check_end (self, error);
}

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

/* NULL where all are finite, or with @error set. */
static char *
dup_first_non_finite (SngStateDict *dict, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autoptr (GPtrArray) tensors = g_ptr_array_new ();
  gsize index;

  for (guint i = 0; i < sng_state_dict_get_n_items (dict); i++)
    {
      const char *name = sng_state_dict_get_name (dict, i);
      SngTensor *tensor = sng_state_dict_lookup_tensor (dict, name);

      if (tensor != NULL)
        {
          g_ptr_array_add (names, (gpointer) name);
          g_ptr_array_add (tensors, tensor);
        }
    }

  if (!sng_tensors_find_non_finite (tensors->len, (SngTensor *const *) tensors->pdata, &index, error)
      || index == tensors->len)
    return NULL;

  return g_strdup (names->pdata[index]);
}

/* What is wrong with a loss that is no number, told by where it came from: the first tensor, in the order of computation,
 * that is not finite. */
static char *
describe_origin (SngModel *model, SngStateDict *batch, SngStateDict *outputs)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *name = dup_first_non_finite (batch, &error);

  if (name != NULL)
    return g_strdup_printf ("\"%s\" of the batch is the first tensor that is not finite", name);

  if (error == NULL)
    name = sng_model_find_non_finite (model, &error);

  if (name != NULL)
    return g_strdup_printf ("\"%s\" of the model is the first tensor that is not finite", name);

  if (error == NULL)
    name = dup_first_non_finite (outputs, &error);

  if (name != NULL)
    return g_strdup_printf ("\"%s\" of the outputs is the first tensor that is not finite", name);

  if (error != NULL)
    return g_strdup_printf ("the search for the first tensor that is not finite failed: %s", error->message);

  return g_strdup ("all tensors of batch, model and outputs are finite");
}

/* data_module.load_batch has checked that it is there and not negative. */
gint64
sng_trainer_get_n_targets (SngStateDict *batch)
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

  if (sng_trainer_get_n_targets (batch) > 0 && !isfinite (*loss))
    {
      g_autofree char *origin = describe_origin (priv->model, batch, outputs);

      /* The sign of what is no number depends on the processor. */
      g_set_error (error, SNG_ERROR, SNG_ERROR_NON_FINITE, "[model] the loss is %g: %s",
                   isnan (*loss) ? fabs (*loss) : *loss, origin);
      return NULL;
    }

  return g_steal_pointer (&outputs);
}

static double
get_loss_scale (SngTrainer *self)
{
  SngGradScaler *grad_scaler = sng_trainer_get_private (self)->grad_scaler;

  return grad_scaler != NULL ? sng_grad_scaler_get_scale (grad_scaler) : 1.0;
}

/* The next micro-batch of the training; counts its samples in *n_samples. When it is computed the sampler is at the end of
 * the window already, so the batch itself says of which epoch it is. */
static SngStateDict *
load_micro_batch (SngTrainer *self, guint64 *n_samples, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);
  guint64 epoch = sng_sampler_get_epoch (priv->sampler);
  g_autoptr (SngTensor) ids = sng_sampler_next (priv->sampler, priv->micro_batch_size, error);
  g_autoptr (SngStateDict) batch = NULL;

  if (ids == NULL)
    return NULL;

  batch = sng_data_module_load_batch (priv->data_module, SNG_STAGE_TRAIN, ids, priv->masking, error);

  if (batch == NULL)
    return NULL;

  sng_state_dict_set_int64 (batch, "epoch", (gint64) epoch);
  sng_rng_stream_advance (priv->masking, sng_tensor_get_n_elements (ids));
  *n_samples += sng_tensor_get_n_elements (ids);

  return g_steal_pointer (&batch);
}

/* A window of micro-batches, whose weights need the sum of their targets. A skipped window is followed by another one, in
 * which the index of the micro-batches counts on. */
typedef struct
{
  guint first; /* the index of the first micro-batch within the step */
  guint64 n_samples;
  gint64 n_targets;
} Window;

static gboolean
load_window (SngTrainer *self, Window *window, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);

  for (guint i = 0; i < priv->accumulate_grad_batches; i++)
    {
      SngStateDict *batch = load_micro_batch (self, &window->n_samples, error);

      if (batch == NULL)
        {
          g_prefix_error (error, "micro-batch %u: ", window->first + i);
          return FALSE;
        }

      g_ptr_array_add (priv->window, batch);
      window->n_targets += sng_trainer_get_n_targets (batch);
    }

  return TRUE;
}

/* Forward and backward of one micro-batch, which weighs n_i / N in the window. One without targets weighs nothing. */
static gboolean
train_micro_batch (SngTrainer *self, const Window *window, guint position, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);
  SngStateDict *batch = g_ptr_array_index (priv->window, position);
  guint index = window->first + position;
  gint64 own_targets = sng_trainer_get_n_targets (batch);
  g_autoptr (SngStateDict) outputs = NULL;
  double loss;

  outputs = sng_trainer_run_forward (self, batch, SNG_STAGE_TRAIN, &loss, error);

  if (outputs == NULL)
    {
      g_prefix_error (error, "micro-batch %u: ", index);
      return FALSE;
    }

  if (!sng_trainer_emit_phase_end (self, SNG_PHASE_FORWARD, index, error))
    return FALSE;

  if (own_targets > 0)
    {
      double weight = (double) own_targets / (double) window->n_targets;

      if (!sng_model_backward (priv->model, weight * get_loss_scale (self), error))
        {
          g_prefix_error (error, "micro-batch %u: ", index);
          return FALSE;
        }

      priv->loss += weight * loss;
    }

  return sng_trainer_emit_phase_end (self, SNG_PHASE_BACKWARD, index, error)
         && sng_trainer_emit_micro_batch_end (self, SNG_STAGE_TRAIN, index, batch, outputs, error);
}

/* The gradients of the window, computed under the loss scale that there is. */
static gboolean
compute_gradients (SngTrainer *self, Window *window, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);

  g_ptr_array_set_size (priv->window, 0);

  if (!load_window (self, window, error) || !sng_model_zero_gradients (priv->model, error))
    return FALSE;

  priv->loss = window->n_targets > 0 ? 0.0 : NAN;

  for (guint i = 0; i < priv->window->len; i++)
    if (!train_micro_batch (self, window, i, error))
      return FALSE;

  g_ptr_array_set_size (priv->window, 0);
  priv->progress->consumed_samples[SNG_STAGE_TRAIN] += window->n_samples;

  return TRUE;
}

/* Takes the loss scale back out of the gradients, and their norm. With a scale, a gradient that is not finite is no error
 * but a reason to skip the window. */
static gboolean
unscale (SngTrainer *self, gboolean *skips, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);
  g_autoptr (GError) local_error = NULL;

  if (priv->grad_scaler != NULL)
    sng_gradients_scale (priv->parameters, 1.0 / get_loss_scale (self));

  *skips = FALSE;

  if (sng_gradients_compute_norm (priv->parameters, &priv->gradient_norm, &local_error))
    return priv->grad_scaler == NULL || sng_grad_scaler_update (priv->grad_scaler, FALSE, error);

  if (priv->grad_scaler == NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }

  if (!sng_grad_scaler_update (priv->grad_scaler, TRUE, error))
    {
      g_prefix_error (error, "after %u skipped attempts in a row: %s: ", priv->n_skipped,
                      local_error->message);
      return FALSE;
    }

  *skips = TRUE;

  return TRUE;
}

/* News of a window that was skipped, and whether the training may go on. */
static gboolean
skip (SngTrainer *self, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);

  priv->n_skipped++;
  g_signal_emit (self, sng_trainer_signals[SNG_TRAINER_STEP_SKIPPED], 0, priv->n_skipped);

  return sng_trainer_check_end (self, error);
}

/* Clips, and moves parameters, moments, schedule and the count of steps to the next one. */
static gboolean
update (SngTrainer *self, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);

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

  if (!sng_trainer_emit_phase_end (self, SNG_PHASE_OPTIMIZER, 0, error))
    return FALSE;

  if (priv->scheduler != NULL && !sng_lr_scheduler_step (priv->scheduler, priv->optimizer, error))
    return FALSE;

  if (!sng_trainer_emit_phase_end (self, SNG_PHASE_SCHEDULER, 0, error))
    return FALSE;

  priv->progress->global_step++;

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
  gboolean skips;

  priv->is_within_step = TRUE;
  priv->n_skipped = 0;

  do
    {
      Window window = { .first = priv->n_skipped * priv->accumulate_grad_batches };

      if (!compute_gradients (self, &window, error) || !unscale (self, &skips, error)
          || (skips && !skip (self, error)))
        return FALSE;
    }
  while (skips);

  if (!update (self, error))
    return FALSE;

  priv->is_within_step = FALSE;
  priv->is_validation_due = is_multiple (priv->progress->global_step, priv->val_check_interval);
  priv->is_checkpoint_due = TRUE;

  return TRUE;
}
