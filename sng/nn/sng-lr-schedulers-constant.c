/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "nn/sng-lr-schedulers.h"

/**
 * SngConstantLr:
 *
 * The same learning rate for every step.
 *
 * Since: 1.0
 */

struct _SngConstantLr
{
  SngLrScheduler parent_instance;

  double learning_rate;
};

G_DEFINE_FINAL_TYPE (SngConstantLr, sng_constant_lr, SNG_TYPE_LR_SCHEDULER)

enum
{
  PROP_0,
  PROP_LEARNING_RATE,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

static gboolean
sng_constant_lr_compute (SngLrScheduler *scheduler, guint64 step, double *learning_rate, GError **error)
{
  SngConstantLr *self = SNG_CONSTANT_LR (scheduler);

  *learning_rate = self->learning_rate;

  return TRUE;
}

static gboolean
sng_constant_lr_is_constant (SngLrScheduler *scheduler, GError **error)
{
  return TRUE;
}

static void
sng_constant_lr_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  SngConstantLr *self = SNG_CONSTANT_LR (object);

  switch (prop_id)
    {
    case PROP_LEARNING_RATE:
      g_value_set_double (value, self->learning_rate);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
sng_constant_lr_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  SngConstantLr *self = SNG_CONSTANT_LR (object);

  switch (prop_id)
    {
    case PROP_LEARNING_RATE:
      self->learning_rate = g_value_get_double (value);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
sng_constant_lr_class_init (SngConstantLrClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  SngLrSchedulerClass *scheduler_class = SNG_LR_SCHEDULER_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  object_class->get_property = sng_constant_lr_get_property;
  object_class->set_property = sng_constant_lr_set_property;

  scheduler_class->compute = sng_constant_lr_compute;
  scheduler_class->is_constant = sng_constant_lr_is_constant;

  /**
   * SngConstantLr:learning-rate:
   *
   * The learning rate.
   *
   * Since: 1.0
   */
  properties[PROP_LEARNING_RATE] =
      g_param_spec_double ("learning-rate", NULL, NULL, 0.0, G_MAXDOUBLE, 1e-4, flags);

  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
sng_constant_lr_init (SngConstantLr *self)
{
}

/**
 * sng_constant_lr_new:
 * @learning_rate: the learning rate
 *
 * Creates a schedule. Rates are finite and not negative.
 *
 * Returns: (transfer full) (type SngConstantLr): a new schedule
 *
 * Since: 1.0
 */
SngLrScheduler *
sng_constant_lr_new (double learning_rate)
{
  return g_object_new (SNG_TYPE_CONSTANT_LR, "learning-rate", learning_rate, NULL);
}
