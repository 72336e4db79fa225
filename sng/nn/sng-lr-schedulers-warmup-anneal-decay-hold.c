/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "nn/sng-lr-schedulers.h"

/**
 * SngWarmupAnnealDecayHoldLr:
 *
 * A learning rate that rises, falls along a line and then stays.
 *
 * It has the values of `WarmupAnnealDecayHoldScheduler` of NVIDIA's BioNeMo
 * framework (`bionemo.llm.model.lr_scheduler`). For step `s`, from 0, `w` warm-up
 * steps and the end `e`:
 *
 * ```
 * s < w   minimum + (rate - minimum) s / w
 * else    rate max (1 - (s - w) / (e - w), anneal-percentage)
 * ```
 *
 * Mind that `minimum` is where the warm-up begins; where the decay ends is the
 * fraction `anneal-percentage` of the highest rate. Where the warm-up takes as long
 * as the whole schedule or longer, there is no decay: the rate goes from the warm-up
 * right to that fraction.
 *
 * Since: 1.0
 */

struct _SngWarmupAnnealDecayHoldLr
{
  SngLrScheduler parent_instance;

  double learning_rate;
  double minimum;
  guint64 warmup_steps;
  guint64 max_steps;
  double anneal_percentage;
};

G_DEFINE_FINAL_TYPE (SngWarmupAnnealDecayHoldLr, sng_warmup_anneal_decay_hold_lr, SNG_TYPE_LR_SCHEDULER)

enum
{
  PROP_0,
  PROP_LEARNING_RATE,
  PROP_MINIMUM,
  PROP_WARMUP_STEPS,
  PROP_MAX_STEPS,
  PROP_ANNEAL_PERCENTAGE,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

static gboolean
sng_warmup_anneal_decay_hold_lr_compute (SngLrScheduler *scheduler,
                                         guint64 step,
                                         double *learning_rate,
                                         GError **error)
{
  SngWarmupAnnealDecayHoldLr *self = SNG_WARMUP_ANNEAL_DECAY_HOLD_LR (scheduler);
  double remaining = 0.0;

  if (step < self->warmup_steps)
    {
      *learning_rate =
          self->minimum + (self->learning_rate - self->minimum) * (double) step / (double) self->warmup_steps;
      return TRUE;
    }

  if (step < self->max_steps)
    remaining = 1.0 - (double) (step - self->warmup_steps) / (double) (self->max_steps - self->warmup_steps);

  *learning_rate = self->learning_rate * MAX (remaining, self->anneal_percentage);

  return TRUE;
}

static gboolean
sng_warmup_anneal_decay_hold_lr_is_constant (SngLrScheduler *scheduler, GError **error)
{
  SngWarmupAnnealDecayHoldLr *self = SNG_WARMUP_ANNEAL_DECAY_HOLD_LR (scheduler);

  return self->warmup_steps == 0 && (self->learning_rate == 0.0 || self->anneal_percentage == 1.0);
}

static void
sng_warmup_anneal_decay_hold_lr_get_property (GObject *object,
                                              guint prop_id,
                                              GValue *value,
                                              GParamSpec *pspec)
{
  SngWarmupAnnealDecayHoldLr *self = SNG_WARMUP_ANNEAL_DECAY_HOLD_LR (object);

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

    case PROP_ANNEAL_PERCENTAGE:
      g_value_set_double (value, self->anneal_percentage);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
sng_warmup_anneal_decay_hold_lr_set_property (GObject *object,
                                              guint prop_id,
                                              const GValue *value,
                                              GParamSpec *pspec)
{
  SngWarmupAnnealDecayHoldLr *self = SNG_WARMUP_ANNEAL_DECAY_HOLD_LR (object);

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

    case PROP_ANNEAL_PERCENTAGE:
      self->anneal_percentage = g_value_get_double (value);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
sng_warmup_anneal_decay_hold_lr_class_init (SngWarmupAnnealDecayHoldLrClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  SngLrSchedulerClass *scheduler_class = SNG_LR_SCHEDULER_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  object_class->get_property = sng_warmup_anneal_decay_hold_lr_get_property;
  object_class->set_property = sng_warmup_anneal_decay_hold_lr_set_property;

  scheduler_class->compute = sng_warmup_anneal_decay_hold_lr_compute;
  scheduler_class->is_constant = sng_warmup_anneal_decay_hold_lr_is_constant;

  /**
   * SngWarmupAnnealDecayHoldLr:learning-rate:
   *
   * The highest learning rate.
   *
   * Since: 1.0
   */
  properties[PROP_LEARNING_RATE] =
      g_param_spec_double ("learning-rate", NULL, NULL, 0.0, G_MAXDOUBLE, 1e-4, flags);

  /**
   * SngWarmupAnnealDecayHoldLr:minimum:
   *
   * The learning rate at which the warm-up begins.
   *
   * Since: 1.0
   */
  properties[PROP_MINIMUM] = g_param_spec_double ("minimum", NULL, NULL, 0.0, G_MAXDOUBLE, 0.0, flags);

  /**
   * SngWarmupAnnealDecayHoldLr:warmup-steps:
   *
   * How many steps the warm-up takes.
   *
   * Since: 1.0
   */
  properties[PROP_WARMUP_STEPS] = g_param_spec_uint64 ("warmup-steps", NULL, NULL, 0, G_MAXUINT64, 0, flags);

  /**
   * SngWarmupAnnealDecayHoldLr:max-steps:
   *
   * The step at which the schedule ends.
   *
   * Since: 1.0
   */
  properties[PROP_MAX_STEPS] = g_param_spec_uint64 ("max-steps", NULL, NULL, 0, G_MAXUINT64, 1000, flags);

  /**
   * SngWarmupAnnealDecayHoldLr:anneal-percentage:
   *
   * The fraction of the highest learning rate at which the decay ends, in [0, 1].
   *
   * Since: 1.0
   */
  properties[PROP_ANNEAL_PERCENTAGE] =
      g_param_spec_double ("anneal-percentage", NULL, NULL, 0.0, 1.0, 0.1, flags);

  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
sng_warmup_anneal_decay_hold_lr_init (SngWarmupAnnealDecayHoldLr *self)
{
}

/**
 * sng_warmup_anneal_decay_hold_lr_new:
 * @learning_rate: the learning rate after the warm-up
 * @minimum: the learning rate at which the warm-up begins
 * @warmup_steps: how many steps the warm-up takes
 * @max_steps: the step at which the decay would reach 0
 * @anneal_percentage: the fraction of @learning_rate at which the decay ends, in [0, 1]
 *
 * Creates a schedule. Rates are finite and not negative.
 *
 * Returns: (transfer full) (type SngWarmupAnnealDecayHoldLr): a new schedule
 *
 * Since: 1.0
 */
SngLrScheduler *
sng_warmup_anneal_decay_hold_lr_new (double learning_rate,
                                     double minimum,
                                     guint64 warmup_steps,
                                     guint64 max_steps,
                                     double anneal_percentage)
{
  return g_object_new (SNG_TYPE_WARMUP_ANNEAL_DECAY_HOLD_LR, "learning-rate", learning_rate, "minimum",
                       minimum, "warmup-steps", warmup_steps, "max-steps", max_steps, "anneal-percentage",
                       anneal_percentage, NULL);
}
