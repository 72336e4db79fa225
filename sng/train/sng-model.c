/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "train/sng-model.h"

#include "sng-error.h"
#include "tensor/sng-device-private.h"
#include "state/sng-safetensors.h"
#include "state/sng-vfunc-private.h"
#include "tensor/sng-tensor-fingerprint-private.h"

/**
 * SngModel:
 *
 * What is trained: parameters, a forward and a backward pass.
 *
 * Derive from it to train a model of your own, and implement at least
 * [vfunc@Sng.Model.get_parameters], [vfunc@Sng.Model.forward] and
 * [vfunc@Sng.Model.backward].
 *
 * A model is stateful: its state is the value of each parameter under the
 * parameter's name. Whatever else must survive a stop, such as a stream for
 * dropout or running statistics, it registers itself, see
 * [vfunc@Sng.Model.register_state].
 *
 * The methods check what an implementation hands back; an implementation that
 * fails without an error, as an uncaught exception in Python does, becomes an
 * error that names the type and the function.
 *
 * A model is used by one thread at a time.
 *
 * Since: 1.0
 */

/**
 * SngModelClass:
 * @parent_class: the parent class
 * @get_parameters: lists the parameters, always the same ones in the same order
 * @forward: computes the outputs of a batch
 * @backward: adds the gradient of the last training forward
 * @zero_gradients: sets every gradient to zero
 * @register_state: registers further state
 * @set_precision: says what to compute in; without it a model knows
 *   %SNG_PRECISION_32 only
 * @find_non_finite: names the first tensor with a NaN or an infinity
 * @import_weights: makes a state of the tensors of a file
 *
 * The functions that a model implements.
 *
 * Since: 1.0
 */

typedef struct
{
  gboolean parameters_are_checked;
} SngModelPrivate;

static void sng_model_stateful_init (SngStatefulInterface *iface);

G_DEFINE_ABSTRACT_TYPE_WITH_CODE (SngModel,
                                  sng_model,
                                  G_TYPE_OBJECT,
                                  G_ADD_PRIVATE (SngModel)
                                      G_IMPLEMENT_INTERFACE (SNG_TYPE_STATEFUL, sng_model_stateful_init))

static SngStateDict *
sng_model_get_state (SngStateful *stateful, GError **error)
{
  g_autoptr (GListModel) parameters = sng_model_get_parameters (SNG_MODEL (stateful), error);
  g_autoptr (SngStateDict) state = NULL;

  if (parameters == NULL)
    return NULL;

  state = sng_state_dict_new ();

  for (guint i = 0; i < g_list_model_get_n_items (parameters); i++)
    {
      g_autoptr (SngParameter) parameter = g_list_model_get_item (parameters, i);

      sng_state_dict_set_tensor (state, sng_parameter_get_name (parameter),
                                 sng_parameter_get_value (parameter));
    }

  return g_steal_pointer (&state);
}

static gboolean
sng_model_check_state (SngStateful *stateful, SngStateDict *state, GError **error)
{
  g_autoptr (SngStateDict) own = sng_model_get_state (stateful, error);

  return own != NULL && sng_state_dict_check_layout (state, own, error);
}

static gboolean
sng_model_set_state (SngStateful *stateful, SngStateDict *state, GError **error)
{
  g_autoptr (SngStateDict) own = sng_model_get_state (stateful, error);

  if (own == NULL || !sng_state_dict_check_layout (state, own, error))
    return FALSE;

  for (guint i = 0; i < sng_state_dict_get_n_items (own); i++)
    {
      const char *name = sng_state_dict_get_name (own, i);

      if (!sng_tensor_copy_from (sng_state_dict_lookup_tensor (own, name),
                                 sng_state_dict_lookup_tensor (state, name), error))
        return FALSE;
    }

  return TRUE;
}

static void
sng_model_stateful_init (SngStatefulInterface *iface)
{
  iface->get_state = sng_model_get_state;
  iface->check_state = sng_model_check_state;
  iface->set_state = sng_model_set_state;
}

static gboolean
sng_model_real_zero_gradients (SngModel *self, GError **error)
{
  g_autoptr (GListModel) parameters = sng_model_get_parameters (self, error);

  if (parameters == NULL)
    return FALSE;

  for (guint i = 0; i < g_list_model_get_n_items (parameters); i++)
    {
      g_autoptr (SngParameter) parameter = g_list_model_get_item (parameters, i);
      SngTensor *gradient = sng_parameter_get_gradient (parameter);

      if (gradient != NULL)
        {
          SngDevice *device = sng_tensor_get_device (gradient);

          SNG_DEVICE_GET_CLASS (device)->zero (device, sng_tensor_get_data (gradient),
                                               sng_tensor_get_n_bytes (gradient));
        }
    }

  return TRUE;
}

static gboolean
sng_model_real_register_state (SngModel *self, SngStateRegistry *registry, GError **error)
{
  return TRUE;
}

static gboolean
sng_model_real_set_precision (SngModel *self, SngPrecision precision, GError **error)
{
  if (precision == SNG_PRECISION_32)
    return TRUE;

  g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED,
               "[model] %s does not compute in precision %s, only in %s", G_OBJECT_TYPE_NAME (self),
               sng_precision_to_string (precision), sng_precision_to_string (SNG_PRECISION_32));

  return FALSE;
}

static char *
sng_model_real_find_non_finite (SngModel *self, GError **error)
{
  g_autoptr (GListModel) parameters = sng_model_get_parameters (self, error);
  g_autoptr (GPtrArray) values = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (SngParameter) found = NULL;
  gsize index;

  for (guint i = 0; parameters != NULL && i < g_list_model_get_n_items (parameters); i++)
    {
      g_autoptr (SngParameter) parameter = g_list_model_get_item (parameters, i);

      g_ptr_array_add (values, g_object_ref (sng_parameter_get_value (parameter)));
    }

  if (parameters == NULL
      || !sng_tensors_find_non_finite (values->len, (SngTensor *const *) values->pdata, &index, error)
      || index == values->len)
    return NULL;

  found = g_list_model_get_item (parameters, (guint) index);
  return g_strdup (sng_parameter_get_name (found));
}

static SngStateDict *
sng_model_real_import_weights (SngModel *self, SngStateDict *tensors, GError **error)
{
  return g_object_ref (tensors);
}

static void
sng_model_class_init (SngModelClass *klass)
{
  klass->zero_gradients = sng_model_real_zero_gradients;
  klass->register_state = sng_model_real_register_state;
  klass->set_precision = sng_model_real_set_precision;
  klass->find_non_finite = sng_model_real_find_non_finite;
  klass->import_weights = sng_model_real_import_weights;
}

static void
sng_model_init (SngModel *self)
{
}

/* Two parameters of one name would be one entry in a checkpoint. */
static gboolean
check_parameters (SngModel *self, GListModel *parameters, GError **error)
{
  g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  if (!g_type_is_a (g_list_model_get_item_type (parameters), SNG_TYPE_PARAMETER))
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "[model] %s.get_parameters returned a list of %s instead of SngParameter",
                   G_OBJECT_TYPE_NAME (self), g_type_name (g_list_model_get_item_type (parameters)));
      return FALSE;
    }

  for (guint i = 0; i < g_list_model_get_n_items (parameters); i++)
    {
      g_autoptr (SngParameter) parameter = g_list_model_get_item (parameters, i);
      const char *name = sng_parameter_get_name (parameter);

      if (!g_hash_table_add (names, g_strdup (name)))
        {
          g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                       "[model] %s.get_parameters returned two parameters named \"%s\"",
                       G_OBJECT_TYPE_NAME (self), name);
          return FALSE;
        }
    }

  return TRUE;
}

/**
 * sng_model_get_parameters:
 * @self: a model
 * @error: return location for a #GError
 *
 * Lists the parameters: [class@Sng.Parameter] objects with names of their own,
 * always the same ones in the same order.
 *
 * Returns: (transfer full) (nullable): the parameters, or %NULL with @error set
 *
 * Since: 1.0
 */
GListModel *
sng_model_get_parameters (SngModel *self, GError **error)
{
  SngModelPrivate *priv = sng_model_get_instance_private (self);
  SngModelClass *klass;
  g_autoptr (GListModel) parameters = NULL;
  GError *local_error = NULL;

  g_return_val_if_fail (SNG_IS_MODEL (self), NULL);

  klass = SNG_MODEL_GET_CLASS (self);

  if (!sng_vfunc_check_implemented (self, "get_parameters", klass->get_parameters != NULL, error))
    return NULL;

  parameters = klass->get_parameters (self, &local_error);

  if (!sng_vfunc_check_result (self, "get_parameters", parameters != NULL, &local_error))
    {
      g_propagate_error (error, local_error);
      return NULL;
    }

  /* They are the same ones ever after. */
  if (!priv->parameters_are_checked && !check_parameters (self, parameters, error))
    return NULL;

  priv->parameters_are_checked = TRUE;

  return g_steal_pointer (&parameters);
}

/**
 * sng_model_forward:
 * @self: a model
 * @batch: the batch, from [method@Sng.DataModule.load_batch]
 * @stage: whether to train or to validate; dropout is off in %SNG_STAGE_VALIDATE
 * @error: return location for a #GError
 *
 * Computes the outputs of a batch. They hold at least "loss", a double: the
 * mean over the batch's targets. In %SNG_STAGE_TRAIN the model keeps what
 * [method@Sng.Model.backward] needs.
 *
 * The tensors of the outputs may alias memory of the model: they are valid
 * until the next forward.
 *
 * Returns: (transfer full) (nullable): the outputs, or %NULL with @error set
 *
 * Since: 1.0
 */
SngStateDict *
sng_model_forward (SngModel *self, SngStateDict *batch, SngStage stage, GError **error)
{
  SngModelClass *klass;
  g_autoptr (SngStateDict) outputs = NULL;
  GError *local_error = NULL;

  g_return_val_if_fail (SNG_IS_MODEL (self), NULL);
  g_return_val_if_fail (SNG_IS_STATE_DICT (batch), NULL);

  klass = SNG_MODEL_GET_CLASS (self);

  if (!sng_vfunc_check_implemented (self, "forward", klass->forward != NULL, error))
    return NULL;

  outputs = klass->forward (self, batch, stage, &local_error);

  if (!sng_vfunc_check_result (self, "forward", outputs != NULL, &local_error))
    {
      g_propagate_error (error, local_error);
      return NULL;
    }

  return g_steal_pointer (&outputs);
}

/**
 * sng_model_backward:
 * @self: a model
 * @scale: the factor on the gradient
 * @error: return location for a #GError
 *
 * Adds @scale times the gradient of the last training forward's loss to the
 * gradient of every parameter.
 *
 * Returns: whether it worked; otherwise @error is set
 *
 * Since: 1.0
 */
gboolean
sng_model_backward (SngModel *self, double scale, GError **error)
{
  SngModelClass *klass;
  gboolean succeeded;
  GError *local_error = NULL;

  g_return_val_if_fail (SNG_IS_MODEL (self), FALSE);

  klass = SNG_MODEL_GET_CLASS (self);

  if (!sng_vfunc_check_implemented (self, "backward", klass->backward != NULL, error))
    return FALSE;

  succeeded = klass->backward (self, scale, &local_error);

  if (!sng_vfunc_check_result (self, "backward", succeeded, &local_error))
    {
      g_propagate_error (error, local_error);
      return FALSE;
    }

  return TRUE;
}

/**
 * sng_model_zero_gradients:
 * @self: a model
 * @error: return location for a #GError
 *
 * Sets every gradient to zero. The default implementation does that for each
 * parameter.
 *
 * Returns: whether it worked; otherwise @error is set
 *
 * Since: 1.0
 */
gboolean
sng_model_zero_gradients (SngModel *self, GError **error)
{
  gboolean succeeded;
  GError *local_error = NULL;

  g_return_val_if_fail (SNG_IS_MODEL (self), FALSE);

  succeeded = SNG_MODEL_GET_CLASS (self)->zero_gradients (self, &local_error);

  if (!sng_vfunc_check_result (self, "zero_gradients", succeeded, &local_error))
    {
      g_propagate_error (error, local_error);
      return FALSE;
    }

  return TRUE;
}

/**
 * sng_model_register_state:
 * @self: a model
 * @registry: where to register
 * @error: return location for a #GError
 *
 * Registers what must survive a stop beside the parameters, under names of its
 * own, such as "rng/dropout". The trainer has registered the model itself. The
 * default implementation registers nothing.
 *
 * Returns: whether it worked; otherwise @error is set
 *
 * Since: 1.0
 */
gboolean
sng_model_register_state (SngModel *self, SngStateRegistry *registry, GError **error)
{
  gboolean succeeded;
  GError *local_error = NULL;

  g_return_val_if_fail (SNG_IS_MODEL (self), FALSE);
  g_return_val_if_fail (SNG_IS_STATE_REGISTRY (registry), FALSE);

  succeeded = SNG_MODEL_GET_CLASS (self)->register_state (self, registry, &local_error);

  if (!sng_vfunc_check_result (self, "register_state", succeeded, &local_error))
    {
      g_propagate_error (error, local_error);
      return FALSE;
    }

  return TRUE;
}

/**
 * sng_model_set_precision:
 * @self: a model
 * @precision: what to compute in
 * @error: return location for a #GError
 *
 * Says what the model computes in, from the next forward on. It is called before
 * a training; [class@Sng.Trainer] does so when the model is attached, with its
 * [property@Sng.Trainer:precision].
 *
 * In a mixed precision the operands of products are rounded to the 16-bit type
 * (to nearest, ties to even). Sums, parameters, gradients and moments stay in
 * binary32, and so does the model's state: a state says nothing about the
 * precision.
 *
 * The default implementation accepts %SNG_PRECISION_32 only. What a model cannot
 * do is %SNG_ERROR_NOT_SUPPORTED, and then nothing has changed.
 *
 * Returns: whether it worked; otherwise @error is set
 *
 * Since: 1.0
 */
gboolean
sng_model_set_precision (SngModel *self, SngPrecision precision, GError **error)
{
  gboolean succeeded;
  GError *local_error = NULL;

  g_return_val_if_fail (SNG_IS_MODEL (self), FALSE);
  g_return_val_if_fail ((guint) precision <= SNG_PRECISION_16_MIXED, FALSE);

  succeeded = SNG_MODEL_GET_CLASS (self)->set_precision (self, precision, &local_error);

  if (!sng_vfunc_check_result (self, "set_precision", succeeded, &local_error))
    {
      g_propagate_error (error, local_error);
      return FALSE;
    }

  return TRUE;
}

/**
 * sng_model_find_non_finite:
 * @self: a model
 * @error: return location for a #GError
 *
 * Looks for the origin of a loss that is NaN or infinite: the first tensor, in
 * the order in which the last forward computed, that holds a NaN or an infinity.
 * An implementation that sees its activations goes from the parameters of a layer
 * to its outputs; the default one goes over the values of the parameters.
 *
 * It is for diagnosis and may take as long as a forward.
 *
 * Returns: (transfer full) (nullable): the tensor's name, such as that of a
 *   parameter, or %NULL where all that it sees is finite, or with @error set
 *
 * Since: 1.0
 */
char *
sng_model_find_non_finite (SngModel *self, GError **error)
{
  char *name;
  GError *local_error = NULL;

  g_return_val_if_fail (SNG_IS_MODEL (self), NULL);

  name = SNG_MODEL_GET_CLASS (self)->find_non_finite (self, &local_error);

  if (local_error == NULL)
    return name;

  g_free (name);
  sng_vfunc_check_result (self, "find_non_finite", FALSE, &local_error);
  g_propagate_error (error, local_error);

  return NULL;
}

/**
 * sng_model_import_weights:
 * @self: a model
 * @tensors: the tensors of a file
 * @error: return location for a #GError
 *
 * Makes a state of this model from tensors that may have other names, or may be
 * there twice, because another library wrote them. Nothing is set; whether the
 * state fits is not looked at.
 *
 * The default implementation hands @tensors back.
 *
 * Returns: (transfer full) (nullable): a state, or %NULL with @error set
 *
 * Since: 1.0
 */
SngStateDict *
sng_model_import_weights (SngModel *self, SngStateDict *tensors, GError **error)
{
  g_autoptr (SngStateDict) state = NULL;
  GError *local_error = NULL;

  g_return_val_if_fail (SNG_IS_MODEL (self), NULL);
  g_return_val_if_fail (SNG_IS_STATE_DICT (tensors), NULL);

  state = SNG_MODEL_GET_CLASS (self)->import_weights (self, tensors, &local_error);

  if (!sng_vfunc_check_result (self, "import_weights", state != NULL, &local_error))
    {
      g_propagate_error (error, local_error);
      return NULL;
    }

  return g_steal_pointer (&state);
}

/**
 * sng_model_load_weights:
 * @self: a model
 * @path: (type filename): a safetensors file
 * @error: return location for a #GError
 *
 * Sets the model's state to that of a file: the `model.safetensors` of a checkpoint,
 * or what another library wrote and [vfunc@Sng.Model.import_weights] understands.
 * Streams and other things that the model registers stay as they are.
 * So does a [class@Sng.ExponentialMovingAverage] that is attached to it already: load before
 * [method@Sng.Trainer.attach].
 *
 * All that the model has must be in the file, and nothing else, with the same
 * dtypes and shapes; otherwise nothing changes and %SNG_ERROR_MISMATCH names what is
 * missing and what is unexpected, or both sides of what differs. Fails as
 * [func@Sng.safetensors_load] does where the file cannot be read.
 *
 * Returns: whether it worked; otherwise @error is set
 *
 * Since: 1.0
 */
gboolean
sng_model_load_weights (SngModel *self, const char *path, GError **error)
{
  g_autoptr (SngStateDict) tensors = NULL;
  g_autoptr (SngStateDict) state = NULL;

  g_return_val_if_fail (SNG_IS_MODEL (self), FALSE);
  g_return_val_if_fail (path != NULL, FALSE);

  tensors = sng_safetensors_load (path, NULL, error);
  if (tensors == NULL)
    return FALSE;

  state = sng_model_import_weights (self, tensors, error);
  if (state == NULL || !sng_stateful_set_state (SNG_STATEFUL (self), state, error))
    {
      g_prefix_error (error, "[model][load] %s: ", path);
      return FALSE;
    }

  return TRUE;
}
