/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Bytes as a .safetensors file. */

#include "fuzz.h"

#include <string.h>

/* Reads every element, and adds up how large they all are. */
static guint64
touch_tensors (SngStateDict *tensors)
{
  guint64 n_bytes = 0;

  for (guint i = 0; i < sng_state_dict_get_n_items (tensors); i++)
    {
      SngTensor *tensor = sng_state_dict_lookup_tensor (tensors, sng_state_dict_get_name (tensors, i));
      gint64 n = sng_tensor_get_n_elements (tensor);
      g_autoptr (SngFingerprint) fingerprint = sng_tensor_compute_fingerprint (tensor);
      g_autoptr (SngFingerprint) again = NULL;
      double minimum, maximum, mean;
      guint64 n_non_finite;

      again = sng_tensor_summarize (tensor, &minimum, &maximum, &mean, &n_non_finite);
      g_assert_true (sng_fingerprint_equal (fingerprint, again));
      g_assert_cmpuint (n_non_finite, <=, (guint64) n);
      g_assert_true (sng_tensor_is_read_only (tensor));
      n_bytes += sng_tensor_get_n_bytes (tensor);

      if (n > 0)
        {
          sng_tensor_get_value (tensor, 0);
          sng_tensor_get_value (tensor, n - 1);
        }
    }

  return n_bytes;
}

/* Whatever comes after the header is one tensor's or another's. */
static gsize
measure_header (const guint8 *data, gsize size)
{
  guint64 length;

  g_assert_cmpuint (size, >=, sizeof length);
  memcpy (&length, data, sizeof length);

  return sizeof length + GUINT64_FROM_LE (length);
}

static void
assert_same (SngStateDict *first, SngStateDict *second)
{
  g_assert_cmpuint (sng_state_dict_get_n_items (first), ==, sng_state_dict_get_n_items (second));
  for (guint i = 0; i < sng_state_dict_get_n_items (first); i++)
    {
      const char *name = sng_state_dict_get_name (first, i);
      SngTensor *a = sng_state_dict_lookup_tensor (first, name);
      SngTensor *b = sng_state_dict_lookup_tensor (second, name);

      g_assert_nonnull (b);
      g_assert_true (sng_tensor_same_layout (a, b));
      g_assert_true (sng_tensor_equal (a, b));
    }
}

/* The order is not part of it. */
static void
assert_same_metadata (GVariant *first, GVariant *second)
{
  GVariantIter iter;
  const char *key, *value;

  g_assert_true ((first == NULL) == (second == NULL));
  if (first == NULL)
    return;

  g_assert_cmpuint (g_variant_n_children (first), ==, g_variant_n_children (second));
  g_variant_iter_init (&iter, first);
  while (g_variant_iter_next (&iter, "{&s&s}", &key, &value))
    {
      const char *other;

      g_assert_true (g_variant_lookup (second, key, "&s", &other));
      g_assert_cmpstr (value, ==, other);
    }
}

/* What was loaded can be saved and is then the same; and there is one way to write it. */
static void
check_round_trip (const char *path, SngStateDict *tensors, GVariant *metadata)
{
  g_autofree char *saved = g_build_filename (fuzz_get_directory (), "saved.safetensors", NULL);
  g_autofree char *twice = g_build_filename (fuzz_get_directory (), "twice.safetensors", NULL);
  g_autofree char *saved_bytes = NULL;
  g_autofree char *twice_bytes = NULL;
  g_autoptr (SngStateDict) loaded = NULL;
  g_autoptr (GVariant) loaded_metadata = NULL;
  g_autoptr (GError) error = NULL;
  gsize saved_size, twice_size;

  sng_safetensors_save (saved, tensors, metadata, &error);
  g_assert_no_error (error);
  loaded = sng_safetensors_load (saved, &loaded_metadata, &error);
  g_assert_no_error (error);
  assert_same (tensors, loaded);
  assert_same_metadata (metadata, loaded_metadata);

  sng_safetensors_save (twice, loaded, loaded_metadata, &error);
  g_assert_no_error (error);
  g_file_get_contents (saved, &saved_bytes, &saved_size, &error);
  g_assert_no_error (error);
  g_file_get_contents (twice, &twice_bytes, &twice_size, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (saved_bytes, saved_size, twice_bytes, twice_size);

  fuzz_run_show (path);
  fuzz_run_diff (path, saved);
  g_assert_true (fuzz_run_verify (path));
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree char *path = fuzz_write ("input.safetensors", data, size);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) metadata = NULL;
  g_autoptr (SngStateDict) tensors = sng_safetensors_load (path, &metadata, &error);

  if (tensors == NULL)
    {
      g_assert_null (metadata);
      fuzz_assert_refused (error);
      return 0;
    }

  g_assert_no_error (error);
  fuzz_note_taken ();
  g_assert_cmpuint (touch_tensors (tensors), ==, size - measure_header (data, size));
  check_round_trip (path, tensors, metadata);

  return 0;
}
