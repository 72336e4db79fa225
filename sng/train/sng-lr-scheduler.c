/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "train/sng-lr-scheduler.h"

#include "sng-error.h"
#include "train/sng-settings-private.h"
#include "state/sng-vfunc-private.h"

/**
 * SngLrScheduler:
 *
 * The learning rate as a function of the step.
 *
 * Derive from it and implement [vfunc@Sng.LrScheduler.compute], a pure function
 * of the step. The scheduler counts its own steps and sets the optimizer's
 * learning rate to `compute (count)`: right at the start of a training, after
 * a restore, and after each step.
 *
 * A scheduler is stateful. Its state is `count` and its settings: `schedule`,
 * the name of its type, and every construct-only property of a number, boolean
 * or string. A checkpoint with other settings is refused, since it would
 * continue another schedule.
 *
 * Since: 1.0
 */

/**
 * SngLrSchedulerClass:
 * @parent_class: the parent class
 * @compute: computes the learning rate of a step
 * @is_constant: tells whether the rate never changes
 *
 * The functions that a learning-rate scheduler implements.
 *
 * Since: 1.0
 */

typedef struct
{
  guint64 count;
} SngLrSchedulerPrivate;

static void sng_lr_scheduler_stateful_init (SngStatefulInterface *iface);

G_DEFINE_ABSTRACT_TYPE_WITH_CODE (SngLrScheduler,
                                  sng_lr_scheduler,
                                  G_TYPE_OBJECT,
                                  G_ADD_PRIVATE (SngLrScheduler)
                                      G_IMPLEMENT_INTERFACE (SNG_TYPE_STATEFUL,
                                                             sng_lr_scheduler_stateful_init))

enum
{
  PROP_0,
  PROP_COUNT,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

/* Returns: a floating value, or NULL for a property that is no setting. */
static GVariant *
dup_setting (SngLrScheduler *self, GParamSpec *pspec)
{
  g_auto (GValue) value = G_VALUE_INIT;

  if ((pspec->flags & (G_PARAM_CONSTRUCT_ONLY | G_PARAM_READABLE))
      != (G_PARAM_CONSTRUCT_ONLY | G_PARAM_READABLE))
    return NULL;

  g_object_get_property (G_OBJECT (self), pspec->name, &value);

  switch (G_TYPE_FUNDAMENTAL (pspec->value_type))
    {
    case G_TYPE_BOOLEAN:
      return g_variant_new_boolean (g_value_get_boolean (&value));

    case G_TYPE_INT:
      return g_variant_new_int64 (g_value_get_int (&value));

    case G_TYPE_INT64:
      return g_variant_new_int64 (g_value_get_int64 (&value));

    case G_TYPE_UINT:
      return g_variant_new_uint64 (g_value_get_uint (&value));

    case G_TYPE_UINT64:
      return g_variant_new_uint64 (g_value_get_uint64 (&value));

    case G_TYPE_FLOAT:
      return g_variant_new_double (g_value_get_float (&value));

    case G_TYPE_DOUBLE:
      return g_variant_new_double (g_value_get_double (&value));

    case G_TYPE_STRING:
      return g_variant_new_string (g_value_get_string (&value) != NULL ? g_value_get_string (&value) : "");

    default:
      return NULL;
    }
}

static SngStateDict *
sng_lr_scheduler_get_state (SngStateful *stateful, GError **error)
{
  SngLrScheduler *self = SNG_LR_SCHEDULER (stateful);
  SngLrSchedulerPrivate *priv = sng_lr_scheduler_get_instance_private (self);
  g_autoptr (SngStateDict) state = sng_state_dict_new ();
  g_autofree GParamSpec **pspecs = NULL;
  guint n_pspecs;

  sng_state_dict_set_value (state, "count", g_variant_new_uint64 (priv->count));
  sng_state_dict_set_value (state, "schedule", g_variant_new_string (G_OBJECT_TYPE_NAME (self)));

  pspecs = g_object_class_list_properties (G_OBJECT_GET_CLASS (self), &n_pspecs);

  for (guint i = 0; i < n_pspecs; i++)
    {
      GVariant *setting = dup_setting (self, pspecs[i]);

      if (setting != NULL)
        sng_state_dict_set_value (state, pspecs[i]->name, setting);
    }

  return g_steal_pointer (&state);
}

static gboolean
read_state (SngLrScheduler *self, SngStateDict *state, guint64 *count, GError **error)
{
  const char *const varying[] = { "count", NULL };
  g_autoptr (SngStateDict) own = sng_lr_scheduler_get_state (SNG_STATEFUL (self), NULL);

  return sng_settings_check (state, own, "[lr-scheduler][restore]", varying, error)
         && sng_settings_get_uint64 (state, "[lr-scheduler][restore]", "count", count, error);
}

static gboolean
sng_lr_scheduler_check_state (SngStateful *stateful, SngStateDict *state, GError **error)
{
  guint64 count;

  return read_state (SNG_LR_SCHEDULER (stateful), state, &count, error);
}

static void
set_count (SngLrScheduler *self, guint64 count)
{
  SngLrSchedulerPrivate *priv = sng_lr_scheduler_get_instance_private (self);

  if (priv->count == count)
    return;

  priv->count = count;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_COUNT]);
}

static gboolean
sng_lr_scheduler_set_state (SngStateful *stateful, SngStateDict *state, GError **error)
{
  SngLrScheduler *self = SNG_LR_SCHEDULER (stateful);
  guint64 count;

  if (!read_state (self, state, &count, error))
    return FALSE;

  set_count (self, count);

  return TRUE;
}

static void
sng_lr_scheduler_stateful_init (SngStatefulInterface *iface)
{
  iface->get_state = sng_lr_scheduler_get_state;
  iface->check_state = sng_lr_scheduler_check_state;
  iface->set_state = sng_lr_scheduler_set_state;
}

static gboolean
sng_lr_scheduler_real_is_constant (SngLrScheduler *self, GError **error)
{
  return FALSE;
}

static void
sng_lr_scheduler_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  switch (prop_id)
    {
    case PROP_COUNT:
      g_value_set_uint64 (value, sng_lr_scheduler_get_count (SNG_LR_SCHEDULER (object)));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
sng_lr_scheduler_class_init (SngLrSchedulerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = sng_lr_scheduler_get_property;

  klass->is_constant = sng_lr_scheduler_real_is_constant;

  /**
   * SngLrScheduler:count: (getter get_count)
   *
   * How many steps the scheduler has made.
   *
   * Since: 1.0
   */
  properties[PROP_COUNT] =
      g_param_spec_uint64 ("count", NULL, NULL, 0, G_MAXUINT64, 0,
                           G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
sng_lr_scheduler_init (SngLrScheduler *self)
{
}

/**
 * sng_lr_scheduler_compute:
 * @self: a scheduler
 * @step: the index of a step; 0 is the first one of the training
 * @learning_rate: (out): return location for the learning rate
 * @error: return location for a #GError
 *
 * Computes the learning rate of a step. It depends on nothing but the settings
 * and @step. A rate that is negative or not finite is an error.
 *
 * Returns: whether it worked; otherwise @error is set
 *
 * Since: 1.0
 */
gboolean
sng_lr_scheduler_compute (SngLrScheduler *self, guint64 step, double *learning_rate, GError **error)
{
  SngLrSchedulerClass *klass;
  gboolean succeeded;
  double computed = -1.0;
  GError *local_error = NULL;

  g_return_val_if_fail (SNG_IS_LR_SCHEDULER (self), FALSE);
  g_return_val_if_fail (learning_rate != NULL, FALSE);

  klass = SNG_LR_SCHEDULER_GET_CLASS (self);

  if (!sng_vfunc_check_implemented (self, "compute", klass->compute != NULL, error))
    return FALSE;

  succeeded = klass->compute (self, step, &computed, &local_error);

  if (!sng_vfunc_check_result (self, "compute", succeeded, &local_error))
    {
      g_propagate_error (error, local_error);
      return FALSE;
    }

  if (!(computed >= 0.0 && computed <= G_MAXDOUBLE))
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "[lr-scheduler] %s.compute gave the learning rate %g for step %" G_GUINT64_FORMAT
                   ", expected is a finite value from 0",
                   G_OBJECT_TYPE_NAME (self), computed, step);
      return FALSE;
    }

  *learning_rate = computed;

  return TRUE;
}

/**
 * sng_lr_scheduler_is_constant:
 * @self: a scheduler
 * @error: return location for a #GError
 *
 * Tells whether the rate never changes, so that nobody waits for it to. The
 * default implementation says that it may.
 *
 * Returns: whether the rate is the same for every step; %FALSE also where
 *   @error is set
 *
 * Since: 1.0
 */
gboolean
sng_lr_scheduler_is_constant (SngLrScheduler *self, GError **error)
{
  gboolean is_constant;
  GError *local_error = NULL;

  g_return_val_if_fail (SNG_IS_LR_SCHEDULER (self), FALSE);

  is_constant = SNG_LR_SCHEDULER_GET_CLASS (self)->is_constant (self, &local_error);

  if (!sng_vfunc_check_result (self, "is_constant", TRUE, &local_error))
    {
      g_propagate_error (error, local_error);
      return FALSE;
    }

  return is_constant;
}

/**
 * sng_lr_scheduler_get_count: (get-property count)
 * @self: a scheduler
 *
 * Gets how many steps the scheduler has made.
 *
 * Returns: the count
 *
 * Since: 1.0
 */
guint64
sng_lr_scheduler_get_count (SngLrScheduler *self)
{
  SngLrSchedulerPrivate *priv = sng_lr_scheduler_get_instance_private (self);

  g_return_val_if_fail (SNG_IS_LR_SCHEDULER (self), 0);

  return priv->count;
}

static gboolean
apply_count (SngLrScheduler *self, guint64 count, SngOptimizer *optimizer, GError **error)
{
  double learning_rate;

  if (!sng_lr_scheduler_compute (self, count, &learning_rate, error))
    return FALSE;

  sng_optimizer_set_learning_rate (optimizer, learning_rate);

  return TRUE;
}

/**
 * sng_lr_scheduler_step:
 * @self: a scheduler
 * @optimizer: the optimizer whose learning rate to set
 * @error: return location for a #GError
 *
 * Counts a step and sets the learning rate of the next one. Where it fails,
 * nothing has changed.
 *
 * Returns: whether it worked; otherwise @error is set
 *
 * Since: 1.0
 */
gboolean
sng_lr_scheduler_step (SngLrScheduler *self, SngOptimizer *optimizer, GError **error)
{
  SngLrSchedulerPrivate *priv = sng_lr_scheduler_get_instance_private (self);

  g_return_val_if_fail (SNG_IS_LR_SCHEDULER (self), FALSE);
  g_return_val_if_fail (SNG_IS_OPTIMIZER (optimizer), FALSE);

  if (!apply_count (self, priv->count + 1, optimizer, error))
    return FALSE;

  set_count (self, priv->count + 1);

  return TRUE;
}

/**
 * sng_lr_scheduler_apply:
 * @self: a scheduler
 * @optimizer: the optimizer whose learning rate to set
 * @error: return location for a #GError
 *
 * Sets the learning rate of the next step without counting one: at the start of
 * a training and after a restore.
 *
 * Returns: whether it worked; otherwise @error is set
 *
 * Since: 1.0
 */
gboolean
sng_lr_scheduler_apply (SngLrScheduler *self, SngOptimizer *optimizer, GError **error)
{
  SngLrSchedulerPrivate *priv = sng_lr_scheduler_get_instance_private (self);

  g_return_val_if_fail (SNG_IS_LR_SCHEDULER (self), FALSE);
  g_return_val_if_fail (SNG_IS_OPTIMIZER (optimizer), FALSE);

  return apply_count (self, priv->count, optimizer, error);
}
