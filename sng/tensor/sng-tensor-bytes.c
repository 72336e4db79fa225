/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tensor/sng-tensor-private.h"

#include <math.h>
#include <string.h>

#include "sng-error.h"

/* The elements of SngTensor as bytes: in and out, comparison, fingerprint. */

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

  if (self->layout.contiguous && source->layout.contiguous && ops (self) == ops (source))
    {
      ops (self)->copy (self->device, self->data, source->data, self->n_bytes);
      return TRUE;
    }

  bytes = sng_tensor_dup_bytes (source, error);
  return bytes != NULL && sng_tensor_set_bytes (self, bytes, error);
}

/**
 * sng_tensor_equal:
 * @a: a tensor
 * @b: another
 *
 * Compares dtype, shape and every bit of the elements. So 0 and -0 differ, and
 * what is not a number equals itself. How the elements lie in memory does not
 * matter.
 *
 * Returns: whether both are equal
 *
 * Since: 1.0
 */
gboolean
sng_tensor_equal (SngTensor *a, SngTensor *b)
{
  g_autoptr (GBytes) a_bytes = NULL;
  g_autoptr (GBytes) b_bytes = NULL;

  g_return_val_if_fail (SNG_IS_TENSOR (a) && SNG_IS_TENSOR (b), FALSE);

  if (a == b)
    return TRUE;
  if (!sng_tensor_same_layout (a, b))
    return FALSE;

  if (a->layout.contiguous && b->layout.contiguous && ops (a)->host && ops (b)->host)
    return a->n_bytes == 0 || memcmp (a->data, b->data, a->n_bytes) == 0;

  a_bytes = sng_tensor_dup_bytes (a, NULL);
  b_bytes = sng_tensor_dup_bytes (b, NULL);
  return a_bytes != NULL && b_bytes != NULL && g_bytes_equal (a_bytes, b_bytes);
}

static void
compute_sums (SngTensor *self, gboolean summarize, SngBlockSums *sums)
{
  const SngElements elements = { self->data, &self->layout };

  ops (self)->fingerprint (self->device, 1, &elements, summarize, sums);
}

static SngFingerprint *
finish (SngTensor *self, const SngBlockSums *sums)
{
  SngFingerprint *fingerprint = g_new (SngFingerprint, 1);

  sng_fingerprint_finish (fingerprint, sums->low, sums->high, self->layout.dtype, self->layout.shape,
                          self->layout.n_dims);
  return fingerprint;
}

/**
 * sng_tensor_compute_fingerprint:
 * @self: a tensor
 *
 * Computes 128 bits over dtype, shape and every bit of the elements, where the
 * tensor lives and with all threads of its device.
 *
 * Returns: (transfer full): the fingerprint
 *
 * Since: 1.0
 */
SngFingerprint *
sng_tensor_compute_fingerprint (SngTensor *self)
{
  SngBlockSums sums;

  g_return_val_if_fail (SNG_IS_TENSOR (self), NULL);

  compute_sums (self, FALSE, &sums);
  return finish (self, &sums);
}

/**
 * sng_tensor_summarize:
 * @self: a tensor
 * @minimum: (out) (optional): the least of the finite elements
 * @maximum: (out) (optional): the greatest of the finite elements
 * @mean: (out) (optional): the mean of the finite elements, summed in F64
 * @n_non_finite: (out) (optional): how many elements are infinite or not a
 *   number; 0 for integers
 *
 * Computes the fingerprint and a summary in one pass over the elements. Where
 * no element is finite, @minimum, @maximum and @mean are not a number.
 *
 * The mean of F64 elements is infinite where their sum overflows. I64 and U64
 * elements beyond 2^53 are rounded. Of complex elements the summary is that of
 * all their real and imaginary parts, and each part counts for itself.
 *
 * Returns: (transfer full): the fingerprint
 *
 * Since: 1.0
 */
SngFingerprint *
sng_tensor_summarize (SngTensor *self, double *minimum, double *maximum, double *mean, guint64 *n_non_finite)
{
  SngBlockSums sums;
  guint64 n_finite;

  g_return_val_if_fail (SNG_IS_TENSOR (self), NULL);

  compute_sums (self, TRUE, &sums);
  n_finite = (guint64) self->layout.n_elements * (sng_dtype_is_complex (self->layout.dtype) ? 2 : 1)
             - sums.n_non_finite;

  /* Adding 0 makes 0 of -0: which of the two comes first among equals is nobody's business. */
  if (minimum != NULL)
    *minimum = n_finite > 0 ? sums.minimum + 0.0 : NAN;
  if (maximum != NULL)
    *maximum = n_finite > 0 ? sums.maximum + 0.0 : NAN;
  if (mean != NULL)
    *mean = n_finite > 0 ? sums.sum / (double) n_finite + 0.0 : NAN;
  if (n_non_finite != NULL)
    *n_non_finite = sums.n_non_finite;

  return finish (self, &sums);
}

/**
 * sng_tensor_is_finite:
 * @self: a tensor
 *
 * Whether no element is infinite or not a number. Integers never are.
 *
 * Returns: whether all elements are finite
 *
 * Since: 1.0
 */
gboolean
sng_tensor_is_finite (SngTensor *self)
{
  SngBlockSums sums;

  g_return_val_if_fail (SNG_IS_TENSOR (self), FALSE);

  if (!sng_dtype_is_floating (self->layout.dtype))
    return TRUE;

  compute_sums (self, TRUE, &sums);

  return sums.n_non_finite == 0;
}
