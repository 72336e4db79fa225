/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "train/sng-optimizer.h"

#include "train/sng-settings-private.h"
#include "state/sng-vfunc-private.h"

/**
 * SngOptimizer:
 *
 * Changes parameters by their gradients.
 *
 * Derive from it and implement [vfunc@Sng.Optimizer.step]. An optimizer is
 * stateful: by default its state is the learning rate. One that remembers more,
 * such as moments, implements [iface@Sng.Stateful] itself; its state must hold
 * everything that the next step depends on.
 *
 * Since: 1.0
 */

/**
 * SngOptimizerClass:
 * @parent_class: the parent class
 * @step: makes one update
 *
 * The functions that an optimizer implements.
 *
 * Since: 1.0
 */

typedef struct
{
  GListModel *parameters;
  double learning_rate;
} SngOptimizerPrivate;

static void sng_optimizer_stateful_init (SngStatefulInterface *iface);

G_DEFINE_ABSTRACT_TYPE_WITH_CODE (SngOptimizer,
                                  sng_optimizer,
                                  G_TYPE_OBJECT,
                                  G_ADD_PRIVATE (SngOptimizer)
                                      G_IMPLEMENT_INTERFACE (SNG_TYPE_STATEFUL, sng_optimizer_stateful_init))

enum
{
  PROP_0,
  PROP_PARAMETERS,
  PROP_LEARNING_RATE,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

static SngStateDict *
sng_optimizer_get_state (SngStateful *stateful, GError **error)
{
  g_autoptr (SngStateDict) state = sng_state_dict_new ();

  sng_state_dict_set_double (state, "learning_rate",
                             sng_optimizer_get_learning_rate (SNG_OPTIMIZER (stateful)));

  return g_steal_pointer (&state);
}

static gboolean
read_state (SngOptimizer *self, SngStateDict *state, double *learning_rate, GError **error)
{
  const char *const varying[] = { "learning_rate", NULL };
  const char *place = "[optimizer][restore]";
  g_autoptr (SngStateDict) own = sng_optimizer_get_state (SNG_STATEFUL (self), NULL);

  return sng_settings_check (state, own, place, varying, error)
         && sng_settings_get_learning_rate (state, place, learning_rate, error);
}

static gboolean
sng_optimizer_check_state (SngStateful *stateful, SngStateDict *state, GError **error)
{
  double learning_rate;

  return read_state (SNG_OPTIMIZER (stateful), state, &learning_rate, error);
}

static gboolean
sng_optimizer_set_state (SngStateful *stateful, SngStateDict *state, GError **error)
{
  double learning_rate;

  if (!read_state (SNG_OPTIMIZER (stateful), state, &learning_rate, error))
    return FALSE;

  sng_optimizer_set_learning_rate (SNG_OPTIMIZER (stateful), learning_rate);

  return TRUE;
}

static void
sng_optimizer_stateful_init (SngStatefulInterface *iface)
{
  iface->get_state = sng_optimizer_get_state;
  iface->check_state = sng_optimizer_check_state;
  iface->set_state = sng_optimizer_set_state;
}

static void
sng_optimizer_constructed (GObject *object)
{
  SngOptimizerPrivate *priv = sng_optimizer_get_instance_private (SNG_OPTIMIZER (object));

  G_OBJECT_CLASS (sng_optimizer_parent_class)->constructed (object);

  if (priv->parameters == NULL)
    priv->parameters = G_LIST_MODEL (g_list_store_new (SNG_TYPE_PARAMETER));
}

static void
sng_optimizer_finalize (GObject *object)
{
  SngOptimizerPrivate *priv = sng_optimizer_get_instance_private (SNG_OPTIMIZER (object));

  g_clear_object (&priv->parameters);

  G_OBJECT_CLASS (sng_optimizer_parent_class)->finalize (object);
}

static void
sng_optimizer_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  SngOptimizerPrivate *priv = sng_optimizer_get_instance_private (SNG_OPTIMIZER (object));

  switch (prop_id)
    {
    case PROP_PARAMETERS:
      g_value_set_object (value, priv->parameters);
      break;

    case PROP_LEARNING_RATE:
      g_value_set_double (value, priv->learning_rate);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
sng_optimizer_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  SngOptimizer *self = SNG_OPTIMIZER (object);
  SngOptimizerPrivate *priv = sng_optimizer_get_instance_private (self);

  switch (prop_id)
    {
    case PROP_PARAMETERS:
      priv->parameters = g_value_dup_object (value);
      break;

    case PROP_LEARNING_RATE:
      sng_optimizer_set_learning_rate (self, g_value_get_double (value));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
sng_optimizer_class_init (SngOptimizerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = sng_optimizer_constructed;
  object_class->finalize = sng_optimizer_finalize;
  object_class->get_property = sng_optimizer_get_property;
  object_class->set_property = sng_optimizer_set_property;

  /**
   * SngOptimizer:parameters: (getter get_parameters)
   *
   * The parameters that the optimizer changes, [class@Sng.Parameter] objects.
   *
   * Since: 1.0
   */
  properties[PROP_PARAMETERS] =
      g_param_spec_object ("parameters", NULL, NULL, G_TYPE_LIST_MODEL,
                           G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * SngOptimizer:learning-rate: (getter get_learning_rate) (setter set_learning_rate)
   *
   * The learning rate of the next step. A [class@Sng.LrScheduler] sets it.
   *
   * Since: 1.0
   */
  properties[PROP_LEARNING_RATE] = g_param_spec_double (
      "learning-rate", NULL, NULL, 0.0, G_MAXDOUBLE, 1e-3,
      G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
sng_optimizer_init (SngOptimizer *self)
{
}

/**
 * sng_optimizer_get_parameters: (get-property parameters)
 * @self: an optimizer
 *
 * Lists the parameters that the optimizer changes.
 *
 * Returns: (transfer none): a list of [class@Sng.Parameter]
 *
 * Since: 1.0
 */
GListModel *
sng_optimizer_get_parameters (SngOptimizer *self)
{
  SngOptimizerPrivate *priv = sng_optimizer_get_instance_private (self);

  g_return_val_if_fail (SNG_IS_OPTIMIZER (self), NULL);

  return priv->parameters;
}

/**
 * sng_optimizer_get_learning_rate: (get-property learning-rate)
 * @self: an optimizer
 *
 * Gets the learning rate of the next step.
 *
 * Returns: the learning rate
 *
 * Since: 1.0
 */
double
sng_optimizer_get_learning_rate (SngOptimizer *self)
{
  SngOptimizerPrivate *priv = sng_optimizer_get_instance_private (self);

  g_return_val_if_fail (SNG_IS_OPTIMIZER (self), 0.0);

  return priv->learning_rate;
}

/**
 * sng_optimizer_set_learning_rate: (set-property learning-rate)
 * @self: an optimizer
 * @learning_rate: the learning rate of the next step, finite and not negative
 *
 * Sets the learning rate of the next step.
 *
 * Since: 1.0
 */
void
sng_optimizer_set_learning_rate (SngOptimizer *self, double learning_rate)
{
  SngOptimizerPrivate *priv = sng_optimizer_get_instance_private (self);

  g_return_if_fail (SNG_IS_OPTIMIZER (self));
  g_return_if_fail (learning_rate >= 0.0 && learning_rate <= G_MAXDOUBLE);

  if (priv->learning_rate == learning_rate)
    return;

  priv->learning_rate = learning_rate;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_LEARNING_RATE]);
}

/**
 * sng_optimizer_step:
 * @self: an optimizer
 * @error: return location for a #GError
 *
 * Changes each parameter once, by its gradient and the current learning rate.
 *
 * Returns: whether it worked; otherwise @error is set
 *
 * Since: 1.0
 */
gboolean
sng_optimizer_step (SngOptimizer *self, GError **error)
{
  SngOptimizerClass *klass;
  gboolean succeeded;
  GError *local_error = NULL;

  g_return_val_if_fail (SNG_IS_OPTIMIZER (self), FALSE);

  klass = SNG_OPTIMIZER_GET_CLASS (self);

  if (!sng_vfunc_check_implemented (self, "step", klass->step != NULL, error))
    return FALSE;

  succeeded = klass->step (self, &local_error);

  if (!sng_vfunc_check_result (self, "step", succeeded, &local_error))
    {
      g_propagate_error (error, local_error);
      return FALSE;
    }

  return TRUE;
}
