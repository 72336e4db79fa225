/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tensor/sng-tensor-fingerprint-private.h"

#include <math.h>

#include "tensor/sng-tensor-private.h"

/* Fingerprints and summaries: of a SngTensor, and of many at a time. */

static const SngDeviceClass *
ops (SngTensor *self)
{
  return SNG_DEVICE_GET_CLASS (self->device);
}

static void
compute_sums (SngTensor *self, gboolean summarize, SngBlockSums *sums)
{
  const SngRegion elements = { self->data, &self->layout };

  ops (self)->fingerprint (self->device, 1, &elements, summarize, sums);
}

static void
finish (SngTensor *self, const SngBlockSums *sums, SngFingerprint *fingerprint)
{
  sng_fingerprint_finish (fingerprint, sums->low, sums->high, self->layout.dtype, self->layout.shape,
                          self->layout.n_dims);
}

static void
finish_summary (SngTensor *self, const SngBlockSums *sums, SngTensorSummary *summary)
{
  guint64 n_finite = (guint64) self->layout.n_elements * (sng_dtype_is_complex (self->layout.dtype) ? 2 : 1)
                     - sums->n_non_finite;

  /* Adding 0 makes 0 of -0: which of the two comes first among equals is nobody's business. */
  summary->minimum = n_finite > 0 ? sums->minimum + 0.0 : NAN;
  summary->maximum = n_finite > 0 ? sums->maximum + 0.0 : NAN;
  summary->mean = n_finite > 0 ? sums->sum / (double) n_finite + 0.0 : NAN;
  summary->n_non_finite = sums->n_non_finite;
}

/**
 * sng_tensor_compute_fingerprint:
 * @self: a tensor
 *
 * Computes 128 bits over dtype, shape and every bit of the elements, where the
 * tensor lives and with all threads of its device.
 *
 * After a failure of the device the bits mean nothing; every call on it that has a #GError fails from
 * then on. What is recorded is checked for that.
 *
 * Returns: (transfer full): the fingerprint
 *
 * Since: 1.0
 */
SngFingerprint *
sng_tensor_compute_fingerprint (SngTensor *self)
{
  SngFingerprint *fingerprint;
  SngBlockSums sums;

  g_return_val_if_fail (SNG_IS_TENSOR (self), NULL);

  compute_sums (self, FALSE, &sums);
  fingerprint = g_new (SngFingerprint, 1);
  finish (self, &sums, fingerprint);
  return fingerprint;
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
 * A failure of the device shows as with [method@Tensor.compute_fingerprint].
 *
 * Returns: (transfer full): the fingerprint
 *
 * Since: 1.0
 */
SngFingerprint *
sng_tensor_summarize (SngTensor *self, double *minimum, double *maximum, double *mean, guint64 *n_non_finite)
{
  SngTensorSummary summary;
  SngFingerprint *fingerprint;
  SngBlockSums sums;

  g_return_val_if_fail (SNG_IS_TENSOR (self), NULL);

  compute_sums (self, TRUE, &sums);
  finish_summary (self, &sums, &summary);
  if (minimum != NULL)
    *minimum = summary.minimum;
  if (maximum != NULL)
    *maximum = summary.maximum;
  if (mean != NULL)
    *mean = summary.mean;
  if (n_non_finite != NULL)
    *n_non_finite = summary.n_non_finite;

  fingerprint = g_new (SngFingerprint, 1);
  finish (self, &sums, fingerprint);
  return fingerprint;
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

/* Those from first on that live on its device and are not done yet: their places, and their elements. */
static gsize
collect (gsize n,
         SngTensor *const *tensors,
         gsize first,
         gboolean *is_done,
         gsize *places,
         SngRegion *elements)
{
  gsize n_found = 0;

  for (gsize i = first; i < n; i++)
    if (!is_done[i] && tensors[i]->device == tensors[first]->device)
      {
        is_done[i] = TRUE;
        elements[n_found] = (SngRegion){ tensors[i]->data, &tensors[i]->layout };
        places[n_found++] = i;
      }
  return n_found;
}

gboolean
sng_tensors_fingerprint (gsize n,
                         SngTensor *const *tensors,
                         SngFingerprint *fingerprints,
                         SngTensorSummary *summaries,
                         GError **error)
{
  g_autofree gboolean *is_done = g_new0 (gboolean, n);
  g_autofree gsize *places = g_new (gsize, n);
  g_autofree SngRegion *elements = g_new (SngRegion, n);
  g_autofree SngBlockSums *sums = g_new (SngBlockSums, n);

  for (gsize first = 0; first < n; first++)
    {
      SngTensor *tensor = tensors[first];
      gsize n_here;

      if (is_done[first])
        continue;

      n_here = collect (n, tensors, first, is_done, places, elements);
      ops (tensor)->fingerprint (tensor->device, n_here, elements, summaries != NULL, sums);
      if (!ops (tensor)->check (tensor->device, error))
        return FALSE;

      for (gsize i = 0; i < n_here; i++)
        {
          if (fingerprints != NULL)
            finish (tensors[places[i]], &sums[i], &fingerprints[places[i]]);
          if (summaries != NULL)
            finish_summary (tensors[places[i]], &sums[i], &summaries[places[i]]);
        }
    }
  return TRUE;
}

gboolean
sng_tensors_find_non_finite (gsize n, SngTensor *const *tensors, gsize *index, GError **error)
{
  g_autofree SngTensorSummary *summaries = g_new (SngTensorSummary, n);

  if (!sng_tensors_fingerprint (n, tensors, NULL, summaries, error))
    return FALSE;

  for (*index = 0; *index < n && summaries[*index].n_non_finite == 0; ++*index)
    continue;
  return TRUE;
}
