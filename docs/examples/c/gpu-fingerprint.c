/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Fingerprints one tensor in the processor's memory and in a GPU's. Ends with
 * 77 where there is no GPU, and says what is missing.
 */

#include <sng.h>

#define SKIPPED 77

static SngTensor *
new_on_gpu (SngDevice *gpu, SngTensor *tensor, GError **error)
{
  guint n_dims;
  const gint64 *shape = sng_tensor_get_shape (tensor, &n_dims);
  g_autoptr (SngTensor) copy = sng_tensor_new (sng_tensor_get_dtype (tensor), shape, n_dims, gpu, error);

  return copy != NULL && sng_tensor_copy_from (copy, tensor, error) ? g_steal_pointer (&copy) : NULL;
}

static SngTensor *
new_on_cpu (double last, GError **error)
{
  const gint64 shape[] = { 2, 3 };
  const double values[] = { 0.5, 1, -2, 3, 4, last };

  return sng_tensor_new_from_values (SNG_DTYPE_F32, shape, 2, values, G_N_ELEMENTS (values), error);
}

/* Whether a tensor and its copy on the GPU have one fingerprint, and another tensor there has another one. */
static gboolean
compare (SngDevice *gpu, gboolean *is_right, GError **error)
{
  g_autoptr (SngTensor) tensor = new_on_cpu (5, error);
  g_autoptr (SngTensor) other = tensor != NULL ? new_on_cpu (5.0000005, error) : NULL;
  g_autoptr (SngTensor) on_gpu = other != NULL ? new_on_gpu (gpu, tensor, error) : NULL;
  g_autoptr (SngTensor) other_on_gpu = on_gpu != NULL ? new_on_gpu (gpu, other, error) : NULL;
  g_autoptr (SngFingerprint) a = NULL;
  g_autoptr (SngFingerprint) b = NULL;
  g_autoptr (SngFingerprint) c = NULL;
  g_autofree char *text = NULL;

  if (other_on_gpu == NULL)
    return FALSE;

  a = sng_tensor_compute_fingerprint (tensor);
  b = sng_tensor_compute_fingerprint (on_gpu);
  c = sng_tensor_compute_fingerprint (other_on_gpu);
  text = sng_fingerprint_to_string (a);
  g_print ("cpu and gpu: %s, %s\n", text, sng_fingerprint_equal (a, b) ? "equal" : "different");
  g_print ("one bit other: %s\n", sng_fingerprint_equal (a, c) ? "equal" : "different");
  *is_right = sng_fingerprint_equal (a, b) && !sng_fingerprint_equal (a, c);
  return TRUE;
}

int
main (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngDevice) gpu = sng_device_new ("cuda", &error);
  gboolean is_right = FALSE;

  if (g_error_matches (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED))
    {
      g_print ("no GPU: %s\n", error->message);
      return SKIPPED;
    }
  if (gpu == NULL || !compare (gpu, &is_right, &error))
    {
      g_printerr ("%s\n", error->message);
      return 1;
    }

  return is_right ? 0 : 1;
}
