/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "train/sng-parameter.h"

/**
 * SngParameter:
 *
 * A trainable tensor with its name and its gradient.
 *
 * A [class@Sng.Model] makes its parameters once and hands out the same ones
 * ever after. An optimizer changes the value in place, and the backward pass
 * adds to the gradient in place: neither tensor is ever exchanged.
 *
 * The value is contiguous, floating-point and writable; the gradient has the
 * same dtype, shape and device. A parameter without gradient is part of the
 * model's state, but training does not touch it.
 *
 * Since: 1.0
 */

struct _SngParameter
{
  GObject parent_instance;

  char *name;
  SngTensor *value;
  SngTensor *gradient;
};

G_DEFINE_FINAL_TYPE (SngParameter, sng_parameter, G_TYPE_OBJECT)

enum
{
  PROP_0,
  PROP_NAME,
  PROP_VALUE,
  PROP_GRADIENT,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

static void
sng_parameter_finalize (GObject *object)
{
  SngParameter *self = SNG_PARAMETER (object);

  g_clear_pointer (&self->name, g_free);
  g_clear_object (&self->value);
  g_clear_object (&self->gradient);

  G_OBJECT_CLASS (sng_parameter_parent_class)->finalize (object);
}

static void
sng_parameter_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  SngParameter *self = SNG_PARAMETER (object);

  switch (prop_id)
    {
    case PROP_NAME:
      g_value_set_string (value, self->name);
      break;

    case PROP_VALUE:
      g_value_set_object (value, self->value);
      break;

    case PROP_GRADIENT:
      g_value_set_object (value, self->gradient);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
sng_parameter_class_init (SngParameterClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = sng_parameter_finalize;
  object_class->get_property = sng_parameter_get_property;

  /**
   * SngParameter:name: (getter get_name)
   *
   * The name, unique within the model, as "esm.encoder.layer.0.output.dense.weight".
   *
   * Since: 1.0
   */
  properties[PROP_NAME] =
      g_param_spec_string ("name", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * SngParameter:value: (getter get_value)
   *
   * The trainable tensor.
   *
   * Since: 1.0
   */
  properties[PROP_VALUE] =
      g_param_spec_object ("value", NULL, NULL, SNG_TYPE_TENSOR, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * SngParameter:gradient: (getter get_gradient)
   *
   * The gradient of the loss, or %NULL where training does not touch the value.
   *
   * Since: 1.0
   */
  properties[PROP_GRADIENT] = g_param_spec_object ("gradient", NULL, NULL, SNG_TYPE_TENSOR,
                                                   G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
sng_parameter_init (SngParameter *self)
{
}

/* Updates are made in place, element by element in memory. */
static gboolean
can_be_updated (SngTensor *tensor)
{
  return sng_tensor_is_contiguous (tensor) && !sng_tensor_is_read_only (tensor);
}

/**
 * sng_parameter_new:
 * @name: the name, unique within the model
 * @value: the trainable tensor: floating-point, contiguous and writable
 * @gradient: (nullable): the gradient, laid out and placed as @value, or %NULL
 *
 * Creates a parameter. It keeps a reference to both tensors, which are used in
 * place.
 *
 * Returns: (transfer full): a new parameter
 *
 * Since: 1.0
 */
SngParameter *
sng_parameter_new (const char *name, SngTensor *value, SngTensor *gradient)
{
  SngParameter *self;

  g_return_val_if_fail (name != NULL && *name != '\0', NULL);
  g_return_val_if_fail (SNG_IS_TENSOR (value), NULL);
  g_return_val_if_fail (sng_dtype_is_floating (sng_tensor_get_dtype (value)), NULL);
  g_return_val_if_fail (can_be_updated (value), NULL);
  g_return_val_if_fail (gradient == NULL || SNG_IS_TENSOR (gradient), NULL);
  g_return_val_if_fail (gradient == NULL || sng_tensor_same_layout (value, gradient), NULL);
  g_return_val_if_fail (gradient == NULL || can_be_updated (gradient), NULL);
  g_return_val_if_fail (gradient == NULL || sng_tensor_get_device (value) == sng_tensor_get_device (gradient),
                        NULL);

  self = g_object_new (SNG_TYPE_PARAMETER, NULL);
  self->name = g_strdup (name);
  self->value = g_object_ref (value);
  g_set_object (&self->gradient, gradient);

  return self;
}

/**
 * sng_parameter_get_name: (get-property name)
 * @self: a parameter
 *
 * Gets the name.
 *
 * Returns: (transfer none): the name
 *
 * Since: 1.0
 */
const char *
sng_parameter_get_name (SngParameter *self)
{
  g_return_val_if_fail (SNG_IS_PARAMETER (self), NULL);

  return self->name;
}

/**
 * sng_parameter_get_value: (get-property value)
 * @self: a parameter
 *
 * Gets the trainable tensor. It is the live one: the next optimizer step changes it.
 *
 * Returns: (transfer none): the value
 *
 * Since: 1.0
 */
SngTensor *
sng_parameter_get_value (SngParameter *self)
{
  g_return_val_if_fail (SNG_IS_PARAMETER (self), NULL);

  return self->value;
}

/**
 * sng_parameter_get_gradient: (get-property gradient)
 * @self: a parameter
 *
 * Gets the gradient. It is the live one: a backward pass adds to it.
 *
 * Returns: (transfer none) (nullable): the gradient, or %NULL where training
 *   does not touch the parameter
 *
 * Since: 1.0
 */
SngTensor *
sng_parameter_get_gradient (SngParameter *self)
{
  g_return_val_if_fail (SNG_IS_PARAMETER (self), NULL);

  return self->gradient;
}
