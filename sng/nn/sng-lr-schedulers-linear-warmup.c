/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "nn/sng-lr-schedulers.h"

/**
 * SngLinearWarmupLr:
 *
 * A learning rate that rises and then stays.
 *
 * For step `s`, from 0, and `w` warm-up steps it is `rate min (1, s / w)`: the
 * first step of a training that warms up changes nothing but the moments. The
 * "constant schedule with warm-up" of Hugging Face transformers has the same
 * values.
 *
 * Since: 1.0
 */

struct _SngLinearWarmupLr
{
  SngLrScheduler parent_instance;

  double learning_rate;
  guint64 warmup_steps;
};

G_DEFINE_FINAL_TYPE (SngLinearWarmupLr, sng_linear_warmup_lr, SNG_TYPE_LR_SCHEDULER)

enum
{
  PROP_0,
  PROP_LEARNING_RATE,
  PROP_WARMUP_STEPS,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

static gboolean
sng_linear_warmup_lr_compute (SngLrScheduler *scheduler, guint64 step, double *learning_rate, GError **error)
{
  SngLinearWarmupLr *self = SNG_LINEAR_WARMUP_LR (scheduler);
  double progress = step < self->warmup_steps ? (double) step / (double) self->warmup_steps : 1.0;

  *learning_rate = self->learning_rate * progress;

  return TRUE;
}

static gboolean
sng_linear_warmup_lr_is_constant (SngLrScheduler *scheduler, GError **error)
{
  SngLinearWarmupLr *self = SNG_LINEAR_WARMUP_LR (scheduler);

  return self->warmup_steps == 0 || self->learning_rate == 0.0;
}

static void
sng_linear_warmup_lr_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  SngLinearWarmupLr *self = SNG_LINEAR_WARMUP_LR (object);

  switch (prop_id)
    {
    case PROP_LEARNING_RATE:
      g_value_set_double (value, self->learning_rate);
      break;

    case PROP_WARMUP_STEPS:
      g_value_set_uint64 (value, self->warmup_steps);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
sng_linear_warmup_lr_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  SngLinearWarmupLr *self = SNG_LINEAR_WARMUP_LR (object);

  switch (prop_id)
    {
    case PROP_LEARNING_RATE:
      self->learning_rate = g_value_get_double (value);
      break;

    case PROP_WARMUP_STEPS:
      self->warmup_steps = g_value_get_uint64 (value);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
sng_linear_warmup_lr_class_init (SngLinearWarmupLrClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  SngLrSchedulerClass *scheduler_class = SNG_LR_SCHEDULER_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  object_class->get_property = sng_linear_warmup_lr_get_property;
  object_class->set_property = sng_linear_warmup_lr_set_property;

  scheduler_class->compute = sng_linear_warmup_lr_compute;
  scheduler_class->is_constant = sng_linear_warmup_lr_is_constant;

  /**
   * SngLinearWarmupLr:learning-rate:
   *
   * The highest learning rate.
   *
   * Since: 1.0
   */
  properties[PROP_LEARNING_RATE] =
      g_param_spec_double ("learning-rate", NULL, NULL, 0.0, G_MAXDOUBLE, 1e-4, flags);

  /**
   * SngLinearWarmupLr:warmup-steps:
   *
   * How many steps the warm-up takes.
   *
   * Since: 1.0
   */
  properties[PROP_WARMUP_STEPS] = g_param_spec_uint64 ("warmup-steps", NULL, NULL, 0, G_MAXUINT64, 0, flags);

  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
sng_linear_warmup_lr_init (SngLinearWarmupLr *self)
{
}

/**
 * sng_linear_warmup_lr_new:
 * @learning_rate: the learning rate after the warm-up
 * @warmup_steps: how many steps the warm-up takes
 *
 * Creates a schedule. Rates are finite and not negative.
 *
 * Returns: (transfer full) (type SngLinearWarmupLr): a new schedule
 *
 * Since: 1.0
 */
SngLrScheduler *
sng_linear_warmup_lr_new (double learning_rate, guint64 warmup_steps)
{
  return g_object_new (SNG_TYPE_LINEAR_WARMUP_LR, "learning-rate", learning_rate, "warmup-steps",
                       warmup_steps, NULL);
}
