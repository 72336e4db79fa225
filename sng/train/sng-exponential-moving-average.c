/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "train/sng-exponential-moving-average-private.h"

#include <float.h>

#include "sng-error.h"
#include "tensor/sng-device-math-private.h"
#include "train/sng-parameter.h"
#include "train/sng-settings-private.h"

/**
 * SngExponentialMovingAverage:
 *
 * An average of a model's parameters that follows them slowly.
 *
 * Polyak, Juditsky: *Acceleration of stochastic approximation by averaging*
 * (1992), in the exponential form that is in use today. It begins as a copy of the
 * parameters. After each optimizer step, with `n` the number of updates before:
 *
 * ```
 * d = decay, or with warm-up: min (decay, (1 + n) / (10 + n))
 * average = average + (1 - d) (parameter - average)
 * ```
 *
 * The warm-up is that of TensorFlow's `tf.train.ExponentialMovingAverage` with
 * `num_updates`, the order of operations that of `torch.lerp`.
 *
 * `torch.optim.swa_utils.AveragedModel` begins otherwise: it takes the parameters over as they are after
 * the first step. Here they are averaged from where the training began, which is when the trainer is
 * attached: weights that are to be loaded are loaded before.
 *
 * ```c
 * g_autoptr (SngExponentialMovingAverage) average = sng_exponential_moving_average_new (0.999);
 *
 * g_object_set (trainer, "exponential-moving-average", average, NULL);
 * ```
 *
 * The trainer attaches it to its model's parameters, updates it after each step that
 * was really made, and registers it as "ema". By default validations run with the
 * average in place of the parameters, as those of Lightning's `WeightAveraging` do.
 * Unlike there, `model.safetensors` of a checkpoint has the parameters also then: what a
 * [class@Sng.ModelCheckpoint] ranks by its `valid_loss` is the average, in `ema.safetensors`.
 *
 * The averages have the dtype of their parameters, f32 or f64, and are on
 * the same device.
 *
 * The state is the average of each parameter under the parameter's name, so that
 * `ema.safetensors` of a checkpoint loads like `model.safetensors`; `n_updates`; and
 * the settings `decay` and `warm_up`. Other settings than one's own are refused.
 *
 * Since: 1.0
 */

struct _SngExponentialMovingAverage
{
  GObject parent_instance;

  double decay;
  gboolean warm_up;
  gboolean validate;

  GPtrArray *parameters;  /* NULL before it is attached */
  SngStateDict *averages; /* in the order of the parameters */
  guint64 n_updates;
};

static void sng_exponential_moving_average_stateful_init (SngStatefulInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (SngExponentialMovingAverage,
                               sng_exponential_moving_average,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (SNG_TYPE_STATEFUL,
                                                      sng_exponential_moving_average_stateful_init))

enum
{
  PROP_0,
  PROP_DECAY,
  PROP_WARM_UP,
  PROP_VALIDATE,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

static SngStateDict *
sng_exponential_moving_average_get_state (SngStateful *stateful, GError **error)
{
  SngExponentialMovingAverage *self = SNG_EXPONENTIAL_MOVING_AVERAGE (stateful);
  g_autoptr (SngStateDict) state = sng_state_dict_new ();

  sng_state_dict_set_value (state, "n_updates", g_variant_new_uint64 (self->n_updates));
  sng_state_dict_set_double (state, "decay", self->decay);
  sng_state_dict_set_value (state, "warm_up", g_variant_new_boolean (self->warm_up));

  for (guint i = 0; i < sng_state_dict_get_n_items (self->averages); i++)
    {
      const char *name = sng_state_dict_get_name (self->averages, i);

      sng_state_dict_set_tensor (state, name, sng_state_dict_lookup_tensor (self->averages, name));
    }

  return g_steal_pointer (&state);
}

static gboolean
read_state (SngExponentialMovingAverage *self, SngStateDict *state, guint64 *n_updates, GError **error)
{
  const char *const varying[] = { "n_updates", NULL };
  const char *place = "[ema][restore]";
  g_autoptr (SngStateDict) own = sng_exponential_moving_average_get_state (SNG_STATEFUL (self), NULL);

  return sng_settings_check (state, own, place, varying, error)
         && sng_settings_get_uint64 (state, place, "n_updates", n_updates, error);
}

static gboolean
sng_exponential_moving_average_check_state (SngStateful *stateful, SngStateDict *state, GError **error)
{
  guint64 n_updates;

  return read_state (SNG_EXPONENTIAL_MOVING_AVERAGE (stateful), state, &n_updates, error);
}

static gboolean
sng_exponential_moving_average_set_state (SngStateful *stateful, SngStateDict *state, GError **error)
{
  SngExponentialMovingAverage *self = SNG_EXPONENTIAL_MOVING_AVERAGE (stateful);
  guint64 n_updates;

  if (!read_state (self, state, &n_updates, error))
    return FALSE;

  for (guint i = 0; i < sng_state_dict_get_n_items (self->averages); i++)
    {
      const char *name = sng_state_dict_get_name (self->averages, i);

      if (!sng_tensor_copy_from (sng_state_dict_lookup_tensor (self->averages, name),
                                 sng_state_dict_lookup_tensor (state, name), error))
        return FALSE;
    }

  self->n_updates = n_updates;

  return TRUE;
}

static void
sng_exponential_moving_average_stateful_init (SngStatefulInterface *iface)
{
  iface->get_state = sng_exponential_moving_average_get_state;
  iface->check_state = sng_exponential_moving_average_check_state;
  iface->set_state = sng_exponential_moving_average_set_state;
}

static void
sng_exponential_moving_average_finalize (GObject *object)
{
  SngExponentialMovingAverage *self = SNG_EXPONENTIAL_MOVING_AVERAGE (object);

  g_clear_pointer (&self->parameters, g_ptr_array_unref);
  g_clear_object (&self->averages);

  G_OBJECT_CLASS (sng_exponential_moving_average_parent_class)->finalize (object);
}

static void
sng_exponential_moving_average_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  SngExponentialMovingAverage *self = SNG_EXPONENTIAL_MOVING_AVERAGE (object);

  switch (prop_id)
    {
    case PROP_DECAY:
      g_value_set_double (value, self->decay);
      break;

    case PROP_WARM_UP:
      g_value_set_boolean (value, self->warm_up);
      break;

    case PROP_VALIDATE:
      g_value_set_boolean (value, self->validate);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
sng_exponential_moving_average_set_property (GObject *object,
                                             guint prop_id,
                                             const GValue *value,
                                             GParamSpec *pspec)
{
  SngExponentialMovingAverage *self = SNG_EXPONENTIAL_MOVING_AVERAGE (object);

  switch (prop_id)
    {
    case PROP_DECAY:
      self->decay = g_value_get_double (value);
      break;

    case PROP_WARM_UP:
      self->warm_up = g_value_get_boolean (value);
      break;

    case PROP_VALIDATE:
      self->validate = g_value_get_boolean (value);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
sng_exponential_moving_average_class_init (SngExponentialMovingAverageClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  object_class->finalize = sng_exponential_moving_average_finalize;
  object_class->get_property = sng_exponential_moving_average_get_property;
  object_class->set_property = sng_exponential_moving_average_set_property;

  /**
   * SngExponentialMovingAverage:decay:
   *
   * How much of the average stays in an update, in [0, 1).
   *
   * Since: 1.0
   */
  properties[PROP_DECAY] = g_param_spec_double ("decay", NULL, NULL, 0.0, 1.0 - DBL_EPSILON, 0.999, flags);

  /**
   * SngExponentialMovingAverage:warm-up:
   *
   * Whether the decay begins at 0.1 and grows up to
   * [property@Sng.ExponentialMovingAverage:decay], so that the average soon forgets what
   * the training began with.
   *
   * Since: 1.0
   */
  properties[PROP_WARM_UP] = g_param_spec_boolean ("warm-up", NULL, NULL, FALSE, flags);

  /**
   * SngExponentialMovingAverage:validate: (getter get_validate)
   *
   * Whether the trainer validates with the average in place of the parameters.
   *
   * Since: 1.0
   */
  properties[PROP_VALIDATE] = g_param_spec_boolean ("validate", NULL, NULL, TRUE, flags);

  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
sng_exponential_moving_average_init (SngExponentialMovingAverage *self)
{
  self->averages = sng_state_dict_new ();
}

/**
 * sng_exponential_moving_average_new:
 * @decay: how much of the average stays in an update, in [0, 1)
 *
 * Creates an average without a warm-up, with which the trainer validates. Other
 * settings are construct properties.
 *
 * Returns: (transfer full): a new average
 *
 * Since: 1.0
 */
SngExponentialMovingAverage *
sng_exponential_moving_average_new (double decay)
{
  g_return_val_if_fail (decay >= 0.0 && decay < 1.0, NULL);

  return g_object_new (SNG_TYPE_EXPONENTIAL_MOVING_AVERAGE, "decay", decay, NULL);
}

/* An exchange of the same memory twice would be none. */
static gboolean
check_own_memory (SngParameter *parameter, GPtrArray *others, GError **error)
{
  SngTensor *value = sng_parameter_get_value (parameter);
  const guint8 *begin = sng_tensor_get_data (value);

  for (guint i = 0; i < others->len; i++)
    {
      SngParameter *other = g_ptr_array_index (others, i);
      SngTensor *other_value = sng_parameter_get_value (other);
      const guint8 *other_begin = sng_tensor_get_data (other_value);

      if (begin < other_begin + sng_tensor_get_n_bytes (other_value)
          && other_begin < begin + sng_tensor_get_n_bytes (value))
        {
          g_set_error (
              error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
              "[ema][attach] %s: it shares its memory with %s, of which there can be one average only",
              sng_parameter_get_name (parameter), sng_parameter_get_name (other));
          return FALSE;
        }
    }

  return TRUE;
}

/* Makes the average of one parameter: a copy of it. */
static gboolean
add_parameter (SngParameter *parameter, SngStateDict *state, SngStateDict *averages, GError **error)
{
  const char *name = sng_parameter_get_name (parameter);
  SngTensor *value = sng_parameter_get_value (parameter);
  g_autoptr (SngTensor) average = NULL;

  if (sng_state_dict_contains (state, name) || sng_state_dict_contains (averages, name))
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "[ema][attach] %s: the state has this name already, so no parameter can have it", name);
      return FALSE;
    }

  if (sng_device_get_kernels (sng_tensor_get_device (value), sng_tensor_get_dtype (value)) == NULL)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED,
                   "[ema][attach] %s: there is no arithmetic for %s on device \"%s\"", name,
                   sng_dtype_get_name (sng_tensor_get_dtype (value)),
                   sng_device_get_name (sng_tensor_get_device (value)));
      return FALSE;
    }

  average = sng_tensor_copy (value, error);

  if (average == NULL)
    return FALSE;

  sng_state_dict_set_tensor (averages, name, average);

  return TRUE;
}

/**
 * sng_exponential_moving_average_attach:
 * @self: an average that is not attached
 * @parameters: the parameters, [class@Sng.Parameter] objects with names of their
 *   own; those of [method@Sng.Model.get_parameters]
 * @error: return location for a #GError
 *
 * Begins the average with a copy of the parameters. A trainer does so in
 * [method@Sng.Trainer.attach].
 *
 * Where it fails, nothing has changed: with %SNG_ERROR_INVALID_ARGUMENT where it is
 * attached already, or where two names or two parameters' memory are the same, with
 * %SNG_ERROR_NOT_SUPPORTED where a parameter is neither f32 nor f64.
 *
 * Returns: whether it worked; otherwise @error is set
 *
 * Since: 1.0
 */
gboolean
sng_exponential_moving_average_attach (SngExponentialMovingAverage *self,
                                       GListModel *parameters,
                                       GError **error)
{
  g_autoptr (SngStateDict) state = NULL;
  g_autoptr (SngStateDict) averages = sng_state_dict_new ();
  g_autoptr (GPtrArray) array = g_ptr_array_new_with_free_func (g_object_unref);

  g_return_val_if_fail (SNG_IS_EXPONENTIAL_MOVING_AVERAGE (self), FALSE);
  g_return_val_if_fail (G_IS_LIST_MODEL (parameters), FALSE);

  if (self->parameters != NULL)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "[ema][attach] it is the average of another model's parameters already");
      return FALSE;
    }

  state = sng_exponential_moving_average_get_state (SNG_STATEFUL (self), NULL);

  for (guint i = 0; i < g_list_model_get_n_items (parameters); i++)
    {
      g_autoptr (SngParameter) parameter = g_list_model_get_item (parameters, i);

      if (!add_parameter (parameter, state, averages, error) || !check_own_memory (parameter, array, error))
        return FALSE;

      g_ptr_array_add (array, g_steal_pointer (&parameter));
    }

  self->parameters = g_steal_pointer (&array);
  g_set_object (&self->averages, averages);

  return TRUE;
}

void
sng_exponential_moving_average_detach (SngExponentialMovingAverage *self)
{
  g_autoptr (SngStateDict) none = sng_state_dict_new ();

  g_clear_pointer (&self->parameters, g_ptr_array_unref);
  g_set_object (&self->averages, none);
}

static double
compute_decay (SngExponentialMovingAverage *self)
{
  double n = (double) self->n_updates;

  return self->warm_up ? MIN (self->decay, (1.0 + n) / (10.0 + n)) : self->decay;
}

/**
 * sng_exponential_moving_average_update:
 * @self: an average that is attached
 *
 * Moves the average towards the parameters. A trainer does so after each optimizer
 * step; who drives a loop of their own calls it there.
 *
 * Since: 1.0
 */
void
sng_exponential_moving_average_update (SngExponentialMovingAverage *self)
{
  g_autofree SngAverage *steps = NULL;
  SngDevice *device = NULL;
  const SngKernels *kernels = NULL;
  double weight;
  guint n = 0;

  g_return_if_fail (SNG_IS_EXPONENTIAL_MOVING_AVERAGE (self));
  g_return_if_fail (self->parameters != NULL);

  steps = g_new (SngAverage, self->parameters->len);
  weight = 1.0 - compute_decay (self);

  /* Those that one device computes with at once. */
  for (guint i = 0; i < self->parameters->len; i++)
    {
      SngParameter *parameter = g_ptr_array_index (self->parameters, i);
      SngTensor *value = sng_parameter_get_value (parameter);
      SngTensor *average = sng_state_dict_lookup_tensor (self->averages, sng_parameter_get_name (parameter));
      const SngKernels *own =
          sng_device_get_kernels (sng_tensor_get_device (value), sng_tensor_get_dtype (value));

      if (n > 0 && (sng_tensor_get_device (value) != device || own != kernels))
        {
          kernels->average (device, n, steps);
          n = 0;
        }
      device = sng_tensor_get_device (value);
      kernels = own;
      steps[n++] = (SngAverage){
        .n_elements = (gsize) sng_tensor_get_n_elements (value),
        .weight = weight,
        .value = sng_tensor_get_data (value),
        .average = sng_tensor_get_data (average),
      };
    }
  if (n > 0)
    kernels->average (device, n, steps);

  self->n_updates++;
}

/**
 * sng_exponential_moving_average_exchange:
 * @self: an average that is attached
 *
 * Exchanges the average with the parameters, bit by bit: the model then computes with
 * the average, and a second call puts everything back. In between, the state is
 * neither to be saved nor to be updated.
 *
 * Since: 1.0
 */
void
sng_exponential_moving_average_exchange (SngExponentialMovingAverage *self)
{
  g_return_if_fail (SNG_IS_EXPONENTIAL_MOVING_AVERAGE (self));
  g_return_if_fail (self->parameters != NULL);

  for (guint i = 0; i < self->parameters->len; i++)
    {
      SngParameter *parameter = g_ptr_array_index (self->parameters, i);
      SngTensor *value = sng_parameter_get_value (parameter);
      SngDevice *device = sng_tensor_get_device (value);
      SngTensor *average = sng_state_dict_lookup_tensor (self->averages, sng_parameter_get_name (parameter));

      sng_device_get_kernels (device, sng_tensor_get_dtype (value))
          ->exchange (device, (gsize) sng_tensor_get_n_elements (value), sng_tensor_get_data (value),
                      sng_tensor_get_data (average));
    }
}

/**
 * sng_exponential_moving_average_get_n_updates:
 * @self: an average
 *
 * Gets how many updates there were, over all resumes.
 *
 * Returns: the number of updates
 *
 * Since: 1.0
 */
guint64
sng_exponential_moving_average_get_n_updates (SngExponentialMovingAverage *self)
{
  g_return_val_if_fail (SNG_IS_EXPONENTIAL_MOVING_AVERAGE (self), 0);

  return self->n_updates;
}

/**
 * sng_exponential_moving_average_lookup:
 * @self: an average
 * @name: the name of a parameter
 *
 * Looks the average of a parameter up. It is the live one: the next update changes it.
 *
 * Returns: (transfer none) (nullable): the average, or %NULL where there is no such
 *   parameter
 *
 * Since: 1.0
 */
SngTensor *
sng_exponential_moving_average_lookup (SngExponentialMovingAverage *self, const char *name)
{
  g_return_val_if_fail (SNG_IS_EXPONENTIAL_MOVING_AVERAGE (self), NULL);
  g_return_val_if_fail (name != NULL, NULL);

  return sng_state_dict_lookup_tensor (self->averages, name);
}

/**
 * sng_exponential_moving_average_get_validate: (get-property validate)
 * @self: an average
 *
 * Tells whether the trainer validates with the average in place of the parameters.
 *
 * Returns: whether it does
 *
 * Since: 1.0
 */
gboolean
sng_exponential_moving_average_get_validate (SngExponentialMovingAverage *self)
{
  g_return_val_if_fail (SNG_IS_EXPONENTIAL_MOVING_AVERAGE (self), FALSE);

  return self->validate;
}
