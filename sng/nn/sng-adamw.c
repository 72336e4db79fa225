/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "nn/sng-adamw.h"

#include <float.h>

#include "nn/sng-grouped-optimizer-private.h"

/**
 * SngAdamw:
 *
 * Adam with decoupled weight decay.
 *
 * Loshchilov, Hutter: *Decoupled weight decay regularization* (ICLR 2019), with
 * the bias correction of Kingma, Ba: *Adam* (ICLR 2015). With `g` the gradient
 * and `t` the number of the step, from 1:
 *
 * ```
 * m = beta1 m + (1 - beta1) g
 * v = beta2 v + (1 - beta2) g^2
 * parameter = parameter (1 - rate decay) - rate / (1 - beta1^t) m / (sqrt (v / (1 - beta2^t)) + epsilon)
 * ```
 *
 * The state is that of [class@Sng.GroupedOptimizer]: the buffers are the moments
 * `NAME.exp_avg` and `NAME.exp_avg_sq`, the settings `beta1`, `beta2` and `epsilon`.
 *
 * Since: 1.0
 */

struct _SngAdamw
{
  SngGroupedOptimizer parent_instance;

  double beta1;
  double beta2;
  double epsilon;
};

G_DEFINE_FINAL_TYPE (SngAdamw, sng_adamw, SNG_TYPE_GROUPED_OPTIMIZER)

enum
{
  PROP_0,
  PROP_BETA1,
  PROP_BETA2,
  PROP_EPSILON,
  PROP_WEIGHT_DECAY,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

static const char *const *
sng_adamw_get_buffers (SngGroupedOptimizer *optimizer)
{
  static const char *const names[] = { "exp_avg", "exp_avg_sq", NULL };

  return names;
}

static void
sng_adamw_add_settings (SngGroupedOptimizer *optimizer, SngStateDict *state)
{
  SngAdamw *self = SNG_ADAMW (optimizer);

  sng_state_dict_set_double (state, "beta1", self->beta1);
  sng_state_dict_set_double (state, "beta2", self->beta2);
  sng_state_dict_set_double (state, "epsilon", self->epsilon);
}

static void
sng_adamw_update (SngGroupedOptimizer *optimizer,
                  SngDevice *device,
                  const SngKernels *kernels,
                  const SngUpdate *update)
{
  SngAdamw *self = SNG_ADAMW (optimizer);
  const SngAdamwUpdate adamw = {
    .update = *update,
    .beta1 = self->beta1,
    .beta2 = self->beta2,
    .epsilon = self->epsilon,
  };

  kernels->adamw (device, &adamw);
}

static const SngUpdateRule rule = {
  .name = "adamw",
  .get_buffers = sng_adamw_get_buffers,
  .add_settings = sng_adamw_add_settings,
  .update = sng_adamw_update,
};

static double *
get_setting (SngAdamw *self, guint prop_id)
{
  switch (prop_id)
    {
    case PROP_BETA1:
      return &self->beta1;

    case PROP_BETA2:
      return &self->beta2;

    case PROP_EPSILON:
      return &self->epsilon;

    case PROP_WEIGHT_DECAY:
      return sng_grouped_optimizer_get_weight_decay (SNG_GROUPED_OPTIMIZER (self));

    default:
      return NULL;
    }
}

static void
sng_adamw_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  const double *setting = get_setting (SNG_ADAMW (object), prop_id);

  if (setting != NULL)
    g_value_set_double (value, *setting);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
}

static void
sng_adamw_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  double *setting = get_setting (SNG_ADAMW (object), prop_id);

  if (setting != NULL)
    *setting = g_value_get_double (value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
}

static void
sng_adamw_class_init (SngAdamwClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;
  const double below_one = 1.0 - DBL_EPSILON;

  object_class->get_property = sng_adamw_get_property;
  object_class->set_property = sng_adamw_set_property;

  SNG_GROUPED_OPTIMIZER_CLASS (klass)->rule = &rule;

  /**
   * SngAdamw:beta1:
   *
   * The decay of the first moment, in [0, 1).
   *
   * Since: 1.0
   */
  properties[PROP_BETA1] = g_param_spec_double ("beta1", NULL, NULL, 0.0, below_one, 0.9, flags);

  /**
   * SngAdamw:beta2:
   *
   * The decay of the second moment, in [0, 1).
   *
   * Since: 1.0
   */
  properties[PROP_BETA2] = g_param_spec_double ("beta2", NULL, NULL, 0.0, below_one, 0.999, flags);

  /**
   * SngAdamw:epsilon:
   *
   * What is added to the denominator.
   *
   * Since: 1.0
   */
  properties[PROP_EPSILON] = g_param_spec_double ("epsilon", NULL, NULL, 0.0, G_MAXDOUBLE, 1e-8, flags);

  /**
   * SngAdamw:weight-decay:
   *
   * The weight decay of the group "default".
   *
   * Since: 1.0
   */
  properties[PROP_WEIGHT_DECAY] =
      g_param_spec_double ("weight-decay", NULL, NULL, 0.0, G_MAXDOUBLE, 0.01, flags);

  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
sng_adamw_init (SngAdamw *self)
{
}

/**
 * sng_adamw_new:
 * @parameters: the parameters, [class@Sng.Parameter] objects with names of their
 *   own; those of [method@Sng.Model.get_parameters]
 * @learning_rate: the learning rate
 * @weight_decay: the weight decay of the group "default"
 *
 * Creates an optimizer with `beta1` 0.9, `beta2` 0.999 and `epsilon` 1e-8. Other
 * values are construct properties.
 *
 * Returns: (transfer full) (type SngAdamw): a new optimizer
 *
 * Since: 1.0
 */
SngOptimizer *
sng_adamw_new (GListModel *parameters, double learning_rate, double weight_decay)
{
  g_return_val_if_fail (G_IS_LIST_MODEL (parameters), NULL);

  return g_object_new (SNG_TYPE_ADAMW, "parameters", parameters, "learning-rate", learning_rate,
                       "weight-decay", weight_decay, NULL);
}
