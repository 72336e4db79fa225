/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The settings of a trainer. */

#include "train/sng-trainer-private.h"

#include "train/sng-model-checkpoint-private.h"

#include "sng-enum-types.h"

enum
{
  PROP_0,
  PROP_MAX_STEPS,
  PROP_MICRO_BATCH_SIZE,
  PROP_ACCUMULATE_GRAD_BATCHES,
  PROP_VAL_CHECK_INTERVAL,
  PROP_LIMIT_VAL_BATCHES,
  PROP_GRADIENT_CLIP_NORM,
  PROP_SEED,
  PROP_PRECISION,
  PROP_GRAD_SCALER,
  PROP_MODEL_CHECKPOINT,
  PROP_EXPONENTIAL_MOVING_AVERAGE,
  PROP_EARLY_STOPPING,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

static void
sng_trainer_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (SNG_TRAINER (object));

  switch (prop_id)
    {
    case PROP_MAX_STEPS:
      g_value_set_uint64 (value, priv->max_steps);
      break;

    case PROP_MICRO_BATCH_SIZE:
      g_value_set_uint (value, priv->micro_batch_size);
      break;

    case PROP_ACCUMULATE_GRAD_BATCHES:
      g_value_set_uint (value, priv->accumulate_grad_batches);
      break;

    case PROP_VAL_CHECK_INTERVAL:
      g_value_set_uint64 (value, priv->val_check_interval);
      break;

    case PROP_LIMIT_VAL_BATCHES:
      g_value_set_uint64 (value, priv->limit_val_batches);
      break;

    case PROP_GRADIENT_CLIP_NORM:
      g_value_set_double (value, priv->gradient_clip_norm);
      break;

    case PROP_SEED:
      g_value_set_uint64 (value, priv->seed);
      break;

    case PROP_PRECISION:
      g_value_set_enum (value, priv->progress->precision);
      break;

    case PROP_GRAD_SCALER:
      g_value_set_object (value, priv->grad_scaler);
      break;

    case PROP_MODEL_CHECKPOINT:
      g_value_set_object (value, priv->model_checkpoint);
      break;

    case PROP_EXPONENTIAL_MOVING_AVERAGE:
      g_value_set_object (value, priv->average);
      break;

    case PROP_EARLY_STOPPING:
      g_value_set_object (value, priv->early_stopping);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static gboolean
has_state (SngModelCheckpoint *plan)
{
  return plan != NULL && sng_model_checkpoint_has_state (plan);
}

static gboolean
is_settled_by_attach (SngTrainerPrivate *priv, guint prop_id, const GValue *value)
{
  switch (prop_id)
    {
    case PROP_SEED:
    case PROP_PRECISION:
    case PROP_GRAD_SCALER:
    case PROP_EXPONENTIAL_MOVING_AVERAGE:
    case PROP_EARLY_STOPPING:
      return TRUE;

    case PROP_MODEL_CHECKPOINT:
      return has_state (priv->model_checkpoint) || has_state (g_value_get_object (value));

    default:
      return FALSE;
    }
}

static void
sng_trainer_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (SNG_TRAINER (object));
  g_auto (GValue) before = G_VALUE_INIT;

  /* They belong to a training as a whole, and what is attached has some of them already. */
  g_return_if_fail (!priv->is_fitting);
  g_return_if_fail (priv->model == NULL || !is_settled_by_attach (priv, prop_id, value));

  g_value_init (&before, pspec->value_type);
  sng_trainer_get_property (object, prop_id, &before, pspec);

  if (g_param_values_cmp (pspec, &before, value) == 0)
    return;

  switch (prop_id)
    {
    case PROP_MAX_STEPS:
      priv->max_steps = g_value_get_uint64 (value);
      break;

    case PROP_MICRO_BATCH_SIZE:
      priv->micro_batch_size = g_value_get_uint (value);
      break;

    case PROP_ACCUMULATE_GRAD_BATCHES:
      priv->accumulate_grad_batches = g_value_get_uint (value);
      break;

    case PROP_VAL_CHECK_INTERVAL:
      priv->val_check_interval = g_value_get_uint64 (value);
      break;

    case PROP_LIMIT_VAL_BATCHES:
      priv->limit_val_batches = g_value_get_uint64 (value);
      break;

    case PROP_GRADIENT_CLIP_NORM:
      priv->gradient_clip_norm = g_value_get_double (value);
      break;

    case PROP_SEED:
      priv->seed = g_value_get_uint64 (value);
      break;

    case PROP_PRECISION:
      priv->progress->precision = g_value_get_enum (value);
      break;

    case PROP_GRAD_SCALER:
      g_set_object (&priv->grad_scaler, g_value_get_object (value));
      break;

    case PROP_MODEL_CHECKPOINT:
      g_set_object (&priv->model_checkpoint, g_value_get_object (value));
      break;

    case PROP_EXPONENTIAL_MOVING_AVERAGE:
      g_set_object (&priv->average, g_value_get_object (value));
      break;

    case PROP_EARLY_STOPPING:
      g_set_object (&priv->early_stopping, g_value_get_object (value));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      return;
    }

  g_object_notify_by_pspec (object, pspec);
}

void
sng_trainer_install_properties (GObjectClass *object_class)
{
  const GParamFlags flags =
      G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->get_property = sng_trainer_get_property;
  object_class->set_property = sng_trainer_set_property;

  /**
   * SngTrainer:max-steps: (getter get_max_steps)
   *
   * The global step at which the training is done.
   *
   * Since: 1.0
   */
  properties[PROP_MAX_STEPS] = g_param_spec_uint64 ("max-steps", NULL, NULL, 0, G_MAXUINT64, 1000, flags);

  /**
   * SngTrainer:micro-batch-size:
   *
   * How many samples are computed at once.
   *
   * Since: 1.0
   */
  properties[PROP_MICRO_BATCH_SIZE] =
      g_param_spec_uint ("micro-batch-size", NULL, NULL, 1, G_MAXINT, 1, flags);

  /**
   * SngTrainer:accumulate-grad-batches:
   *
   * How many micro-batches make a step.
   *
   * Since: 1.0
   */
  properties[PROP_ACCUMULATE_GRAD_BATCHES] =
      g_param_spec_uint ("accumulate-grad-batches", NULL, NULL, 1, G_MAXINT, 1, flags);

  /**
   * SngTrainer:val-check-interval:
   *
   * Validation runs after each step that is a multiple of it; 0 means never.
   *
   * Since: 1.0
   */
  properties[PROP_VAL_CHECK_INTERVAL] =
      g_param_spec_uint64 ("val-check-interval", NULL, NULL, 0, G_MAXUINT64, 0, flags);

  /**
   * SngTrainer:limit-val-batches:
   *
   * How many micro-batches a validation has at most; 0 means all.
   *
   * Since: 1.0
   */
  properties[PROP_LIMIT_VAL_BATCHES] =
      g_param_spec_uint64 ("limit-val-batches", NULL, NULL, 0, G_MAXUINT64, 0, flags);

  /**
   * SngTrainer:gradient-clip-norm:
   *
   * Where the L2 norm of all gradients together is above it, they are scaled by
   * `gradient-clip-norm / (norm + 1e-6)`; 0 means that nothing is clipped.
   *
   * Since: 1.0
   */
  properties[PROP_GRADIENT_CLIP_NORM] =
      g_param_spec_double ("gradient-clip-norm", NULL, NULL, 0.0, G_MAXDOUBLE, 0.0, flags);

  /**
   * SngTrainer:seed:
   *
   * The seed of the order of the samples and of the masks. It is set before
   * [method@Sng.Trainer.attach].
   *
   * Since: 1.0
   */
  properties[PROP_SEED] = g_param_spec_uint64 ("seed", NULL, NULL, 0, G_MAXUINT64, 0, flags);

  /**
   * SngTrainer:precision: (getter get_precision)
   *
   * What the model computes in. It is set before [method@Sng.Trainer.attach],
   * which hands it to the model, see [method@Sng.Model.set_precision].
   *
   * Since: 1.0
   */
  properties[PROP_PRECISION] =
      g_param_spec_enum ("precision", NULL, NULL, SNG_TYPE_PRECISION, SNG_PRECISION_32, flags);

  /**
   * SngTrainer:grad-scaler: (getter get_grad_scaler)
   *
   * The loss scale of a training in %SNG_PRECISION_16_MIXED. It is set before
   * [method@Sng.Trainer.attach], which makes one with default settings where there
   * is none. In another precision there must be none.
   *
   * Since: 1.0
   */
  properties[PROP_GRAD_SCALER] = g_param_spec_object ("grad-scaler", NULL, NULL, SNG_TYPE_GRAD_SCALER, flags);

  /**
   * SngTrainer:model-checkpoint: (getter get_model_checkpoint)
   *
   * When and where to save, or %NULL to save nothing. One that does not keep all checkpoints, or that
   * monitors something, has a state: it is set before [method@Sng.Trainer.attach], and
   * belongs to this trainer alone.
   *
   * Since: 1.0
   */
  properties[PROP_MODEL_CHECKPOINT] =
      g_param_spec_object ("model-checkpoint", NULL, NULL, SNG_TYPE_MODEL_CHECKPOINT, flags);

  /**
   * SngTrainer:exponential-moving-average: (getter get_exponential_moving_average)
   *
   * An average of the parameters, or %NULL for none. It is set before
   * [method@Sng.Trainer.attach], and belongs to this trainer alone.
   *
   * Since: 1.0
   */
  properties[PROP_EXPONENTIAL_MOVING_AVERAGE] = g_param_spec_object (
      "exponential-moving-average", NULL, NULL, SNG_TYPE_EXPONENTIAL_MOVING_AVERAGE, flags);

  /**
   * SngTrainer:early-stopping: (getter get_early_stopping)
   *
   * What may end the training before its last step, or %NULL for nothing. It is set before
   * [method@Sng.Trainer.attach], belongs to this trainer alone, and needs a
   * [property@Sng.Trainer:val-check-interval].
   *
   * Since: 1.0
   */
  properties[PROP_EARLY_STOPPING] =
      g_param_spec_object ("early-stopping", NULL, NULL, SNG_TYPE_EARLY_STOPPING, flags);

  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}
