/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A validation: its micro-batches and what they come to. */

#include "train/sng-trainer-private.h"

#include <math.h>

typedef struct
{
  double loss; /* of all targets */
  gint64 n_targets;
} Sum;

/* The micro-batch of the validation samples from @first. */
static gboolean
validate_micro_batch (SngTrainer *self,
                      guint index,
                      guint64 first,
                      guint64 n_samples,
                      SngRngStream *rng,
                      Sum *sum,
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
  gint64 n_targets;

  for (guint64 i = 0; i < n_samples; i++)
    ids[i] = (gint64) (first + i);

  bytes = g_bytes_new_take (g_steal_pointer (&ids), n_samples * sizeof (gint64));
  sample_ids = sng_tensor_new_from_bytes (SNG_DTYPE_I64, shape, 1, bytes, error);

  if (sample_ids != NULL)
    batch = sng_data_module_load_batch (priv->data_module, SNG_STAGE_VALIDATE, sample_ids, rng, error);

  if (batch != NULL)
    outputs = sng_trainer_run_forward (self, batch, SNG_STAGE_VALIDATE, &loss, error);

  if (outputs == NULL)
    {
      g_prefix_error (error, "micro-batch %u: ", index);
      return FALSE;
    }

  n_targets = sng_trainer_get_n_targets (batch);

  if (n_targets > 0)
    {
      sum->loss += (double) n_targets * loss;
      sum->n_targets += n_targets;
    }

  sng_rng_stream_advance (rng, n_samples);
  priv->progress->consumed_samples[SNG_STAGE_VALIDATE] += n_samples;

  return sng_trainer_emit_phase_end (self, SNG_PHASE_VALIDATION, index, error)
         && sng_trainer_emit_micro_batch_end (self, SNG_STAGE_VALIDATE, index, batch, outputs, error);
}

static gboolean
validate (SngTrainer *self, Sum *sum, GError **error)
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
                                 sum, error))
        return FALSE;
    }

  return TRUE;
}

static gboolean
validate_average (SngTrainer *self, Sum *sum, GError **error)
{
  SngExponentialMovingAverage *average = sng_trainer_get_private (self)->average;
  gboolean succeeded;

  /* Whatever comes of it, the model has its parameters back afterwards. */
  sng_exponential_moving_average_exchange (average);
  succeeded = validate (self, sum, error);
  sng_exponential_moving_average_exchange (average);

  return succeeded;
}

gboolean
sng_trainer_validate (SngTrainer *self, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (self);
  gboolean is_average = priv->average != NULL && sng_exponential_moving_average_get_validate (priv->average);
  Sum sum = { 0.0, 0 };

  if (!(is_average ? validate_average : validate) (self, &sum, error))
    return FALSE;

  priv->progress->valid_loss = sum.n_targets > 0 ? sum.loss / (double) sum.n_targets : NAN;

  return TRUE;
}
