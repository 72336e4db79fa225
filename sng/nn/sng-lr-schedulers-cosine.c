/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "nn/sng-lr-schedulers.h"

#include <math.h>

/**
 * SngCosineLr:
 *
 * A learning rate that rises and then falls along half a cosine.
 *
 * Loshchilov, Hutter: *SGDR: Stochastic gradient descent with warm restarts* (ICLR
 * 2017), without restarts and after a linear warm-up. For step `s`, from 0, `w`
 * warm-up steps and the end `e`:
 *
 * ```
 * s < w   rate s / w
 * s < e   minimum + (rate - minimum) (1 + cos (pi (s - w) / (e - w))) / 2
 * else    minimum
 * ```
 *
 * Since: 1.0
 */

struct _SngCosineLr
{
  SngLrScheduler parent_instance;

  double learning_rate;
  double minimum;
  guint64 warmup_steps;
  guint64 max_steps;
};

G_DEFINE_FINAL_TYPE (SngCosineLr, sng_cosine_lr, SNG_TYPE_LR_SCHEDULER)

enum
{
  PROP_0,
  PROP_LEARNING_RATE,
  PROP_MINIMUM,
  PROP_WARMUP_STEPS,
  PROP_MAX_STEPS,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

static gboolean
sng_cosine_lr_compute (SngLrScheduler *scheduler, guint64 step, double *learning_rate, GError **error)
{
  SngCosineLr *self = SNG_COSINE_LR (scheduler);
  double progress;

  if (step < self->warmup_steps)
    {
      *learning_rate = self->learning_rate * ((double) step / (double) self->warmup_steps);
      return TRUE;
    }

  if (step >= self->max_steps)
    {
      *learning_rate = self->minimum;
      return TRUE;
    }

  progress = (double) (step - self->warmup_steps) / (double) (self->max_steps - self->warmup_steps);
  *learning_rate =
      self->minimum + (self->learning_rate - self->minimum) * 0.5 * (1.0 + cos (M_PI * progress));

  return TRUE;
}

static gboolean
sng_cosine_lr_is_constant (SngLrScheduler *scheduler, GError **error)
{
  SngCosineLr *self = SNG_COSINE_LR (scheduler);

  return self->warmup_steps == 0 && self->learning_rate == self->minimum;
}

static void
sng_cosine_lr_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  SngCosineLr *self = SNG_COSINE_LR (object);

  switch (prop_id)
    {
    case PROP_LEARNING_RATE:
      g_value_set_double (value, self->learning_rate);
      break;

    case PROP_MINIMUM:
      g_value_set_double (value, self->minimum);
      break;

    case PROP_WARMUP_STEPS:
      g_value_set_uint64 (value, self->warmup_steps);
      break;

    case PROP_MAX_STEPS:
      g_value_set_uint64 (value, self->max_steps);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
sng_cosine_lr_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  SngCosineLr *self = SNG_COSINE_LR (object);

  switch (prop_id)
    {
    case PROP_LEARNING_RATE:
      self->learning_rate = g_value_get_double (value);
      break;

    case PROP_MINIMUM:
      self->minimum = g_value_get_double (value);
      break;

    case PROP_WARMUP_STEPS:
      self->warmup_steps = g_value_get_uint64 (value);
      break;

    case PROP_MAX_STEPS:
      self->max_steps = g_value_get_uint64 (value);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
sng_cosine_lr_class_init (SngCosineLrClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  SngLrSchedulerClass *scheduler_class = SNG_LR_SCHEDULER_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  object_class->get_property = sng_cosine_lr_get_property;
  object_class->set_property = sng_cosine_lr_set_property;

  scheduler_class->compute = sng_cosine_lr_compute;
  scheduler_class->is_constant = sng_cosine_lr_is_constant;

  /**
   * SngCosineLr:learning-rate:
   *
   * The highest learning rate.
   *
   * Since: 1.0
   */
  properties[PROP_LEARNING_RATE] =
      g_param_spec_double ("learning-rate", NULL, NULL, 0.0, G_MAXDOUBLE, 1e-4, flags);

  /**
   * SngCosineLr:minimum:
   *
   * The lowest learning rate.
   *
   * Since: 1.0
   */
  properties[PROP_MINIMUM] = g_param_spec_double ("minimum", NULL, NULL, 0.0, G_MAXDOUBLE, 0.0, flags);

  /**
   * SngCosineLr:warmup-steps:
   *
   * How many steps the warm-up takes.
   *
   * Since: 1.0
   */
  properties[PROP_WARMUP_STEPS] = g_param_spec_uint64 ("warmup-steps", NULL, NULL, 0, G_MAXUINT64, 0, flags);

  /**
   * SngCosineLr:max-steps:
   *
   * The step at which the schedule ends.
   *
   * Since: 1.0
   */
  properties[PROP_MAX_STEPS] = g_param_spec_uint64 ("max-steps", NULL, NULL, 0, G_MAXUINT64, 1000, flags);

  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
sng_cosine_lr_init (SngCosineLr *self)
{
}

/**
 * sng_cosine_lr_new:
 * @learning_rate: the learning rate after the warm-up
 * @minimum: the learning rate from the end on
 * @warmup_steps: how many steps the warm-up takes
 * @max_steps: the step at which the schedule ends
 *
 * Creates a schedule. Rates are finite and not negative.
 *
 * Returns: (transfer full) (type SngCosineLr): a new schedule
 *
 * Since: 1.0
 */
SngLrScheduler *
sng_cosine_lr_new (double learning_rate, double minimum, guint64 warmup_steps, guint64 max_steps)
{
  return g_object_new (SNG_TYPE_COSINE_LR, "learning-rate", learning_rate, "minimum", minimum, "warmup-steps",
                       warmup_steps, "max-steps", max_steps, NULL);
}
