/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "nn/sng-sgd.h"

#include "nn/sng-grouped-optimizer-private.h"
#include "sng-error.h"

/**
 * SngSgd:
 *
 * Stochastic gradient descent with momentum.
 *
 * In the form of Sutskever, Martens, Dahl, Hinton: *On the importance of
 * initialization and momentum in deep learning* (ICML 2013) that `torch.optim.SGD`
 * has. With `g` the gradient:
 *
 * ```
 * g = g + decay parameter
 * buffer = momentum buffer + (1 - dampening) g, in the first step g
 * parameter = parameter - rate buffer, with nesterov - rate (g + momentum buffer)
 * ```
 *
 * The state is that of [class@Sng.GroupedOptimizer]: the buffer is
 * `NAME.momentum_buffer`, which is not there where the momentum is 0, and the settings are
 * `momentum`, `dampening` and `nesterov`.
 *
 * Nesterov's momentum needs a momentum and no dampening: with other settings a step, and whatever asks for
 * the state, fails with %SNG_ERROR_INVALID_ARGUMENT.
 *
 * Since: 1.0
 */

struct _SngSgd
{
  SngGroupedOptimizer parent_instance;

  double momentum;
  double dampening;
  gboolean nesterov;
};

G_DEFINE_FINAL_TYPE (SngSgd, sng_sgd, SNG_TYPE_GROUPED_OPTIMIZER)

enum
{
  PROP_0,
  PROP_MOMENTUM,
  PROP_DAMPENING,
  PROP_NESTEROV,
  PROP_WEIGHT_DECAY,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

static const char *const *
sng_sgd_get_buffers (SngGroupedOptimizer *optimizer)
{
  static const char *const names[] = { "momentum_buffer", NULL };
  const guint n_absent = SNG_SGD (optimizer)->momentum == 0.0 ? 1 : 0;

  return names + n_absent;
}

static gboolean
sng_sgd_check_settings (SngGroupedOptimizer *optimizer, GError **error)
{
  SngSgd *self = SNG_SGD (optimizer);

  if (!self->nesterov || (self->momentum > 0.0 && self->dampening == 0.0))
    return TRUE;

  g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
               "[sgd] nesterov: the momentum is %g and the dampening %g, but it needs a momentum above 0 and "
               "no dampening",
               self->momentum, self->dampening);

  return FALSE;
}

static void
sng_sgd_add_settings (SngGroupedOptimizer *optimizer, SngStateDict *state)
{
  SngSgd *self = SNG_SGD (optimizer);

  sng_state_dict_set_double (state, "momentum", self->momentum);
  sng_state_dict_set_double (state, "dampening", self->dampening);
  sng_state_dict_set_value (state, "nesterov", g_variant_new_boolean (self->nesterov));
}

static void
sng_sgd_update (SngGroupedOptimizer *optimizer,
                SngDevice *device,
                const SngKernels *kernels,
                const SngUpdate *update)
{
  SngSgd *self = SNG_SGD (optimizer);
  const SngSgdUpdate sgd = {
    .update = *update,
    .momentum = self->momentum,
    .dampening = self->dampening,
    .nesterov = self->nesterov,
  };

  kernels->sgd (device, &sgd);
}

static const SngUpdateRule rule = {
  .name = "sgd",
  .get_buffers = sng_sgd_get_buffers,
  .check_settings = sng_sgd_check_settings,
  .add_settings = sng_sgd_add_settings,
  .update = sng_sgd_update,
};

static void
sng_sgd_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  SngSgd *self = SNG_SGD (object);

  switch (prop_id)
    {
    case PROP_MOMENTUM:
      g_value_set_double (value, self->momentum);
      break;

    case PROP_DAMPENING:
      g_value_set_double (value, self->dampening);
      break;

    case PROP_NESTEROV:
      g_value_set_boolean (value, self->nesterov);
      break;

    case PROP_WEIGHT_DECAY:
      g_value_set_double (value, *sng_grouped_optimizer_get_weight_decay (SNG_GROUPED_OPTIMIZER (self)));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
sng_sgd_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  SngSgd *self = SNG_SGD (object);

  switch (prop_id)
    {
    case PROP_MOMENTUM:
      self->momentum = g_value_get_double (value);
      break;

    case PROP_DAMPENING:
      self->dampening = g_value_get_double (value);
      break;

    case PROP_NESTEROV:
      self->nesterov = g_value_get_boolean (value);
      break;

    case PROP_WEIGHT_DECAY:
      *sng_grouped_optimizer_get_weight_decay (SNG_GROUPED_OPTIMIZER (self)) = g_value_get_double (value);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
sng_sgd_class_init (SngSgdClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  object_class->get_property = sng_sgd_get_property;
  object_class->set_property = sng_sgd_set_property;

  SNG_GROUPED_OPTIMIZER_CLASS (klass)->rule = &rule;

  /**
   * SngSgd:momentum:
   *
   * What is kept of the buffer in each step, from 0. With 0 there is no buffer.
   *
   * Since: 1.0
   */
  properties[PROP_MOMENTUM] = g_param_spec_double ("momentum", NULL, NULL, 0.0, G_MAXDOUBLE, 0.0, flags);

  /**
   * SngSgd:dampening:
   *
   * The share of the gradient that does not go into the buffer, in [0, 1].
   *
   * Since: 1.0
   */
  properties[PROP_DAMPENING] = g_param_spec_double ("dampening", NULL, NULL, 0.0, 1.0, 0.0, flags);

  /**
   * SngSgd:nesterov:
   *
   * Whether a step looks ahead by the momentum (Nesterov).
   *
   * Since: 1.0
   */
  properties[PROP_NESTEROV] = g_param_spec_boolean ("nesterov", NULL, NULL, FALSE, flags);

  /**
   * SngSgd:weight-decay:
   *
   * The weight decay of the group "default", added to the gradient.
   *
   * Since: 1.0
   */
  properties[PROP_WEIGHT_DECAY] =
      g_param_spec_double ("weight-decay", NULL, NULL, 0.0, G_MAXDOUBLE, 0.0, flags);

  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
sng_sgd_init (SngSgd *self)
{
}

/**
 * sng_sgd_new:
 * @parameters: the parameters, [class@Sng.Parameter] objects with names of their
 *   own; those of [method@Sng.Model.get_parameters]
 * @learning_rate: the learning rate
 * @momentum: what is kept of the buffer in each step, from 0
 * @weight_decay: the weight decay of the group "default"
 *
 * Creates an optimizer without dampening and without Nesterov's momentum. Other values
 * are construct properties.
 *
 * Returns: (transfer full) (type SngSgd): a new optimizer
 *
 * Since: 1.0
 */
SngOptimizer *
sng_sgd_new (GListModel *parameters, double learning_rate, double momentum, double weight_decay)
{
  g_return_val_if_fail (G_IS_LIST_MODEL (parameters), NULL);

  return g_object_new (SNG_TYPE_SGD, "parameters", parameters, "learning-rate", learning_rate, "momentum",
                       momentum, "weight-decay", weight_decay, NULL);
}
