/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tensor/sng-tensor-private.h"

#include <string.h>

#include "sng-error.h"
#include "tensor/sng-tensor-host-private.h"

/* The elements of SngTensor as bytes: in and out, comparison. */

static const SngDeviceClass *
ops (SngTensor *self)
{
  return SNG_DEVICE_GET_CLASS (self->device);
}

static gboolean
check_writable (SngTensor *self, GError **error)
{
  g_autofree char *text = NULL;

  if (!self->read_only)
    return TRUE;

  text = sng_tensor_describe (self);
  g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT, "[tensor][write] %s is read-only", text);
  return FALSE;
}

/**
 * sng_tensor_dup_bytes:
 * @self: a tensor
 * @error: return location for an error
 *
 * The elements in row-major order without gaps, little-endian. The bytes are
 * the caller's own: they do not change with @self.
 *
 * Fails with %SNG_ERROR_FAILED when the memory cannot be had or the device
 * does not hand out its own.
 *
 * Returns: (transfer full): the bytes
 *
 * Since: 1.0
 */
GBytes *
sng_tensor_dup_bytes (SngTensor *self, GError **error)
{
  g_autofree char *host = NULL;
  g_autoptr (SngTensor) copy = NULL;

  g_return_val_if_fail (SNG_IS_TENSOR (self), NULL);

  if (self->bytes != NULL)
    return g_bytes_ref (self->bytes);

  host = g_try_malloc (MAX (self->n_bytes, 1));
  if (host == NULL)
    {
      g_autofree char *text = sng_tensor_describe (self);

      g_set_error (error, SNG_ERROR, SNG_ERROR_FAILED, "[tensor][bytes] no memory for a copy of %s", text);
      return NULL;
    }

  if (!self->layout.contiguous)
    {
      copy = sng_tensor_copy (self, error);
      if (copy == NULL)
        return NULL;
      self = copy;
    }

  if (!ops (self)->download (self->device, host, self->data, self->n_bytes, error))
    return NULL;

  return g_bytes_new_take (g_steal_pointer (&host), self->n_bytes);
}

SngTensor *
sng_tensor_ref_host (SngTensor *self, GError **error)
{
  g_autoptr (GBytes) bytes = NULL;

  if (ops (self)->host && self->layout.contiguous)
    return g_object_ref (self);

  bytes = sng_tensor_dup_bytes (self, error);

  return bytes != NULL ? sng_tensor_new_from_bytes (self->layout.dtype, self->layout.shape,
                                                    self->layout.n_dims, bytes, error)
                       : NULL;
}

/**
 * sng_tensor_set_bytes:
 * @self: a tensor
 * @bytes: the elements in row-major order without gaps, little-endian
 * @error: return location for an error
 *
 * Replaces all elements.
 *
 * Fails with %SNG_ERROR_INVALID_ARGUMENT when @self is read-only and with
 * %SNG_ERROR_MISMATCH when @bytes has another size than
 * [method@Tensor.get_n_bytes]; nothing is changed then.
 *
 * Returns: whether the elements were replaced
 *
 * Since: 1.0
 */
gboolean
sng_tensor_set_bytes (SngTensor *self, GBytes *bytes, GError **error)
{
  g_autoptr (SngTensor) staged = NULL;
  gconstpointer data;
  gsize size;

  g_return_val_if_fail (SNG_IS_TENSOR (self), FALSE);
  g_return_val_if_fail (bytes != NULL, FALSE);

  if (!check_writable (self, error))
    return FALSE;

  data = g_bytes_get_data (bytes, &size);
  if (size != self->n_bytes)
    {
      g_autofree char *text = sng_tensor_describe (self);

      g_set_error (error, SNG_ERROR, SNG_ERROR_MISMATCH,
                   "[tensor][bytes] %s takes %" G_GSIZE_FORMAT " bytes, not %" G_GSIZE_FORMAT, text,
                   self->n_bytes, size);
      return FALSE;
    }

  if (self->layout.contiguous)
    return ops (self)->upload (self->device, self->data, data, size, error);

  staged = sng_tensor_new (self->layout.dtype, self->layout.shape, self->layout.n_dims, self->device, error);
  if (staged == NULL || !ops (self)->upload (self->device, staged->data, data, size, error))
    return FALSE;

  ops (self)->scatter (self->device, self->data, &self->layout, staged->data, 0, self->layout.n_elements);
  return TRUE;
}

/**
 * sng_tensor_copy_from:
 * @self: a tensor
 * @source: a tensor of the same dtype and shape
 * @error: return location for an error
 *
 * Replaces all elements by those of @source, which may lie otherwise in memory
 * and on another device.
 *
 * Fails with %SNG_ERROR_INVALID_ARGUMENT when @self is read-only and with
 * %SNG_ERROR_MISMATCH when dtype or shape differ; nothing is changed then.
 *
 * Returns: whether the elements were replaced
 *
 * Since: 1.0
 */
gboolean
sng_tensor_copy_from (SngTensor *self, SngTensor *source, GError **error)
{
  g_autoptr (GBytes) bytes = NULL;

  g_return_val_if_fail (SNG_IS_TENSOR (self), FALSE);
  g_return_val_if_fail (SNG_IS_TENSOR (source), FALSE);

  if (!check_writable (self, error))
    return FALSE;

  if (!sng_tensor_same_layout (self, source))
    {
      g_autofree char *text = sng_tensor_describe (self);
      g_autofree char *source_text = sng_tensor_describe (source);

      g_set_error (error, SNG_ERROR, SNG_ERROR_MISMATCH, "[tensor][copy] %s cannot take the elements of %s",
                   text, source_text);
      return FALSE;
    }

  /* What two devices do has no order, unless both are the processor. */
  if (self->layout.contiguous && source->layout.contiguous
      && (self->device == source->device || (ops (self)->host && ops (source)->host)))
    {
      ops (self)->copy (self->device, self->data, source->data, self->n_bytes);
      return TRUE;
    }
  if (self->layout.contiguous && source->layout.contiguous && ops (source)->host)
    return ops (self)->upload (self->device, self->data, source->data, self->n_bytes, error);
  if (self->layout.contiguous && source->layout.contiguous && ops (self)->host)
    return ops (source)->download (source->device, self->data, source->data, self->n_bytes, error);

  bytes = sng_tensor_dup_bytes (source, error);
  return bytes != NULL && sng_tensor_set_bytes (self, bytes, error);
}

/**
 * sng_tensor_equal:
 * @a: a tensor
 * @b: another
 *
 * Compares dtype, shape and every bit of the elements. So 0 and -0 differ, and
 * what is not a number equals itself. How and where the elements lie in memory
 * does not matter; those of a device that does not hand out its own equal none.
 *
 * Returns: whether both are equal
 *
 * Since: 1.0
 */
gboolean
sng_tensor_equal (SngTensor *a, SngTensor *b)
{
  g_autoptr (SngTensor) a_host = NULL;
  g_autoptr (SngTensor) b_host = NULL;

  g_return_val_if_fail (SNG_IS_TENSOR (a) && SNG_IS_TENSOR (b), FALSE);

  if (a == b)
    return TRUE;
  if (!sng_tensor_same_layout (a, b))
    return FALSE;

  if (a->n_bytes == 0)
    return TRUE;

  a_host = sng_tensor_ref_host (a, NULL);
  b_host = sng_tensor_ref_host (b, NULL);

  return a_host != NULL && b_host != NULL && memcmp (a_host->data, b_host->data, a->n_bytes) == 0;
}
