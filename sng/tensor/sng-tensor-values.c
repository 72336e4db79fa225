/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tensor/sng-tensor-private.h"

#include <math.h>
#include <string.h>

#include "sng-error.h"
#include "tensor/sng-f8-private.h"
#include "tensor/sng-tensor-host-private.h"

/* The elements of SngTensor as numbers. A complex element is two of them. */

static gint64
count_values (SngTensor *self)
{
  return self->layout.n_elements * (sng_dtype_is_complex (self->layout.dtype) ? 2 : 1);
}

/* Brings one element to the host. The index is in row-major order. */
static gboolean
read_item (SngTensor *self, gint64 index, guint64 *item)
{
  gsize size = sng_dtype_get_size (self->layout.dtype);
  gint64 offset = 0;

  for (guint i = self->layout.n_dims; i-- > 0;)
    {
      offset += index % self->layout.shape[i] * self->layout.strides[i];
      index /= self->layout.shape[i];
    }

  *item = 0;
  return SNG_DEVICE_GET_CLASS (self->device)
      ->download (self->device, item, self->data + offset * (gint64) size, size, NULL);
}

static gint64
item_to_int64 (SngDtype dtype, guint64 item)
{
  switch (dtype)
    {
    case SNG_DTYPE_I64:
      return (gint64) item;
    case SNG_DTYPE_I32:
      return (gint32) item;
    case SNG_DTYPE_I16:
      return (gint16) item;
    case SNG_DTYPE_I8:
      return (gint8) item;
    default: /* read_item () leaves zeros above an unsigned one */
      return (gint64) item;
    }
}

static double
item_to_double (SngDtype dtype, guint64 item)
{
  double value;

  switch (dtype)
    {
    case SNG_DTYPE_F64:
      memcpy (&value, &item, sizeof value);
      return value;
    case SNG_DTYPE_F32:
      return sng_float_from_bits ((guint32) item);
    case SNG_DTYPE_BF16:
      return sng_bf16_to_float ((guint16) item);
    case SNG_DTYPE_F16:
      return sng_f16_to_float ((guint16) item);
    case SNG_DTYPE_U64:
      return (double) item;
    default:
      return sng_dtype_is_floating (dtype) ? sng_f8_to_float (dtype, (guint8) item)
                                           : (double) item_to_int64 (dtype, item);
    }
}

/* The bits behind a NaN's sign mean something else to interpreters that keep their objects in such bits, as that of JavaScript does. */
static double
drop_payload (double value)
{
  return isnan (value) ? copysign (NAN, value) : value;
}

/**
 * sng_tensor_get_value:
 * @self: a tensor
 * @index: the number of the value in row-major order
 *
 * One element of any dtype as a number. Integers beyond 2^53 are rounded: see
 * [method@Tensor.get_value_int64]. What is no number (NaN) keeps its sign and no other
 * bit: [method@Tensor.dup_bytes] has all of them.
 *
 * An element of a complex dtype is two values, first the real part and then the
 * imaginary one: element `i` has the values `2 i` and `2 i + 1`.
 *
 * Returns: the value
 *
 * Since: 1.0
 */
double
sng_tensor_get_value (SngTensor *self, gint64 index)
{
  guint64 item;

  g_return_val_if_fail (SNG_IS_TENSOR (self), NAN);
  g_return_val_if_fail (index >= 0 && index < count_values (self), NAN);

  if (sng_dtype_is_complex (self->layout.dtype))
    return read_item (self, index / 2, &item)
               ? drop_payload (sng_float_from_bits ((guint32) (item >> (index % 2 * 32))))
               : NAN;

  return read_item (self, index, &item) ? drop_payload (item_to_double (self->layout.dtype, item)) : NAN;
}

/**
 * sng_tensor_get_value_int64:
 * @self: a tensor of integers or booleans
 * @index: the number of the element in row-major order
 *
 * One element of an integer dtype, exactly. One of U64 above 2^63 - 1 comes out
 * as the negative number of the same bits, so that a cast to `guint64` gives it
 * back.
 *
 * Returns: the value
 *
 * Since: 1.0
 */
gint64
sng_tensor_get_value_int64 (SngTensor *self, gint64 index)
{
  guint64 item;

  g_return_val_if_fail (SNG_IS_TENSOR (self), 0);
  g_return_val_if_fail (!sng_dtype_is_floating (self->layout.dtype), 0);
  g_return_val_if_fail (index >= 0 && index < self->layout.n_elements, 0);

  return read_item (self, index, &item) ? item_to_int64 (self->layout.dtype, item) : 0;
}

static gboolean
is_unsigned (SngDtype dtype)
{
  return dtype == SNG_DTYPE_U8 || dtype == SNG_DTYPE_U16 || dtype == SNG_DTYPE_U32 || dtype == SNG_DTYPE_U64;
}

/* Whether an integer dtype holds the value exactly. */
static gboolean
fits_integer (SngDtype dtype, double value)
{
  double limit;

  if (dtype == SNG_DTYPE_BOOL)
    return value == 0 || value == 1;

  limit = ldexp (1, (int) sng_dtype_get_size (dtype) * 8);
  if (is_unsigned (dtype))
    return value >= 0 && value < limit && value == floor (value);

  limit /= 2;
  return value >= -limit && value < limit && value == floor (value);
}

/* Whether there is an element for the value. Floating point dtypes round, but E8M0 has neither zero nor sign. */
static gboolean
fits (SngDtype dtype, double value)
{
  if (dtype == SNG_DTYPE_F8_E8M0)
    return value > 0 || isnan (value);

  return sng_dtype_is_floating (dtype) || fits_integer (dtype, value);
}

/* The low bytes are what is stored; of a complex element, this is one part. */
static guint64
item_from_double (SngDtype dtype, double value)
{
  guint64 item;

  switch (dtype)
    {
    case SNG_DTYPE_F64:
      memcpy (&item, &value, sizeof item);
      return item;
    case SNG_DTYPE_F32:
    case SNG_DTYPE_C64:
      return sng_float_to_bits ((float) value);
    case SNG_DTYPE_BF16:
      return sng_bf16_from_float ((float) value);
    case SNG_DTYPE_F16:
      return sng_f16_from_float ((float) value);
    case SNG_DTYPE_U64:
      return (guint64) value;
    default:
      return sng_dtype_is_floating (dtype) ? sng_f8_from_float (dtype, (float) value)
                                           : (guint64) (gint64) value;
    }
}

/**
 * sng_tensor_new_from_values:
 * @dtype: the dtype of the elements
 * @shape: (array length=n_dims) (nullable): the size of each dimension; %NULL
 *   only when @n_dims is 0
 * @n_dims: the number of dimensions, at most 32
 * @values: (array length=n_values) (nullable): the elements in row-major order
 * @n_values: the number of values
 * @error: return location for an error
 *
 * Creates a tensor on the default device from numbers. This is for small
 * tensors, above all in languages without arrays of their own; large ones go by
 * [ctor@Tensor.new_from_bytes].
 *
 * Floating point dtypes round each value to the nearest, those of 16 and of 8
 * bits by way of F32. What is too large for one without infinities is then not a
 * number; E8M0 takes numbers above 0 only. Integers must be given exactly. An
 * element of a complex dtype takes two values, its real and its imaginary part.
 *
 * Fails with %SNG_ERROR_INVALID_ARGUMENT when the shape cannot be or the dtype
 * does not hold one of the values, with %SNG_ERROR_MISMATCH when the number of
 * values is not what the elements take, and with %SNG_ERROR_FAILED when the memory
 * cannot be had.
 *
 * Returns: (transfer full): a new tensor
 *
 * Since: 1.0
 */
SngTensor *
sng_tensor_new_from_values (SngDtype dtype,
                            const gint64 *shape,
                            guint n_dims,
                            const double *values,
                            gsize n_values,
                            GError **error)
{
  g_autoptr (SngTensor) self = NULL;
  gsize size = sng_dtype_is_complex (dtype) ? sng_dtype_get_size (dtype) / 2 : sng_dtype_get_size (dtype);

  g_return_val_if_fail (size > 0, NULL);
  g_return_val_if_fail (shape != NULL || n_dims == 0, NULL);
  g_return_val_if_fail (values != NULL || n_values == 0, NULL);

  self = sng_tensor_new (dtype, shape, n_dims, NULL, error);
  if (self == NULL)
    return NULL;

  if ((guint64) count_values (self) != n_values)
    {
      g_autofree char *text = sng_tensor_describe (self);

      g_set_error (error, SNG_ERROR, SNG_ERROR_MISMATCH,
                   "[tensor][values] %s takes %" G_GINT64_FORMAT " values, not %" G_GSIZE_FORMAT, text,
                   count_values (self), n_values);
      return NULL;
    }

  for (gsize i = 0; i < n_values; i++)
    {
      guint64 item;

      if (!fits (dtype, values[i]))
        {
          g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                       "[tensor][values] value %" G_GSIZE_FORMAT ", %.17g, does not fit into %s", i,
                       values[i], sng_dtype_get_name (dtype));
          return NULL;
        }

      item = item_from_double (dtype, values[i]);
      memcpy (self->data + i * size, &item, size);
    }

  return g_steal_pointer (&self);
}

/**
 * sng_tensor_dup_values:
 * @self: a tensor
 * @n_values: (out): the number of values
 *
 * All elements in row-major order as numbers. This is for small tensors; large
 * ones go by [method@Tensor.dup_bytes]. Integers beyond 2^53 are rounded; an
 * element of a complex dtype is two values, its real and its imaginary part.
 *
 * Returns: (array length=n_values) (transfer full): the values
 *
 * Since: 1.0
 */
double *
sng_tensor_dup_values (SngTensor *self, gsize *n_values)
{
  g_autoptr (SngTensor) host = NULL;
  double *values;

  g_return_val_if_fail (SNG_IS_TENSOR (self), NULL);
  g_return_val_if_fail (n_values != NULL, NULL);

  /* From a device all at once. */
  if ((host = sng_tensor_ref_host (self, NULL)) != NULL)
    self = host;

  *n_values = (gsize) count_values (self);
  values = g_new (double, MAX (*n_values, 1));
  for (gsize i = 0; i < *n_values; i++)
    values[i] = sng_tensor_get_value (self, i);

  return values;
}
