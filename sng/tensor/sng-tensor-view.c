/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tensor/sng-tensor-private.h"

#include "sng-error.h"

/* Tensors that look at another one's elements. */

gboolean
sng_layout_get_extent (const SngLayout *self, gint64 *lowest, gint64 *highest)
{
  *lowest = 0;
  *highest = 0;

  for (guint i = 0; i < self->n_dims; i++)
    {
      gint64 reach;
      gint64 *end = self->strides[i] < 0 ? lowest : highest;

      if (__builtin_mul_overflow (self->shape[i] - 1, self->strides[i], &reach)
          || __builtin_add_overflow (*end, reach, end))
        return FALSE;
    }

  return TRUE;
}

/* Whether all elements of a view lie between the first and the last one of its base. */
static gboolean
fits_into (const SngLayout *view, gint64 offset, const SngLayout *base)
{
  gint64 lowest, highest, base_lowest, base_highest;

  if (view->n_elements == 0)
    return TRUE;

  return base->n_elements > 0 && sng_layout_get_extent (base, &base_lowest, &base_highest)
         && sng_layout_get_extent (view, &lowest, &highest)
         && !__builtin_add_overflow (lowest, offset, &lowest)
         && !__builtin_add_overflow (highest, offset, &highest) && lowest >= base_lowest
         && highest <= base_highest;
}

/**
 * sng_tensor_new_view:
 * @base: the tensor whose elements are seen
 * @offset: where the first element is, in elements from @base's first one
 * @shape: (array length=n_dims) (nullable): the size of each dimension; %NULL
 *   only when @n_dims is 0
 * @n_dims: the number of dimensions, at most 32
 * @strides: (array length=n_strides) (nullable): how many elements apart
 *   neighbours in each dimension are in memory, negative or 0 where wanted;
 *   %NULL for row-major without gaps
 * @n_strides: the number of strides: @n_dims, or 0 without @strides
 * @error: return location for an error
 *
 * Creates a tensor that shares @base's memory and dtype. It keeps @base alive
 * and is read-only where @base is. Distances are counted in memory: for a
 * @base that is a view itself, along what that one looks at.
 *
 * Fails with %SNG_ERROR_INVALID_ARGUMENT when the shape cannot be, the number
 * of strides is another one, or an element would lie outside of @base.
 *
 * Returns: (transfer full): a new tensor
 *
 * Since: 1.0
 */
SngTensor *
sng_tensor_new_view (SngTensor *base,
                     gint64 offset,
                     const gint64 *shape,
                     guint n_dims,
                     const gint64 *strides,
                     guint n_strides,
                     GError **error)
{
  g_autoptr (SngTensor) self = NULL;

  g_return_val_if_fail (SNG_IS_TENSOR (base), NULL);
  g_return_val_if_fail (shape != NULL || n_dims == 0, NULL);
  g_return_val_if_fail (strides != NULL || n_strides == 0, NULL);

  if (strides != NULL && n_strides != n_dims)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "[tensor][view] %u strides do not fit %u dimensions", n_strides, n_dims);
      return NULL;
    }

  self = sng_tensor_new_layout (base->layout.dtype, shape, strides, n_dims, error);
  if (self == NULL)
    return NULL;

  if (!fits_into (&self->layout, offset, &base->layout))
    {
      g_autofree char *text = sng_tensor_describe (self);
      g_autofree char *base_text = sng_tensor_describe (base);

      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "[tensor][view] %s at %" G_GINT64_FORMAT " reaches outside of its base %s", text, offset,
                   base_text);
      return NULL;
    }

  self->base = g_object_ref (base);
  self->device = g_object_ref (base->device);
  self->data = base->data;
  if (self->layout.n_elements > 0)
    self->data += offset * (gint64) sng_dtype_get_size (base->layout.dtype);
  self->read_only = base->read_only;

  return g_steal_pointer (&self);
}
