/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Bytes as a result file: the first one says of which format, the others are the file. */

#include "fuzz.h"

#include <string.h>

#include "record/sng-file-contents-private.h"
#include "record/sng-metadata-private.h"

static GPtrArray *(*const readers[]) (GBytes *contents, GError **error) = { sng_npy_read,
                                                                            sng_json_records_read,
                                                                            sng_csv_records_read };

/* In memory of its own size, so that a byte behind it is seen to be read. */
static GPtrArray *
read_contents (const guint8 *data, gsize size, GError **error)
{
  guint8 *copy = g_memdup2 (data + 1, size - 1);
  g_autoptr (GBytes) contents = g_bytes_new_take (copy, size - 1);

  return readers[data[0] % G_N_ELEMENTS (readers)](contents, error);
}

static void
look_at (const SngFileContent *content)
{
  g_assert_true (g_utf8_validate (content->path, -1, NULL));
  g_assert_true ((content->value == NULL) != (content->tensor == NULL));
  if (content->value != NULL)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) value = sng_metadata_normalise_value (content->value, &error);

      g_assert_no_error (error);
      g_assert_nonnull (value);
      g_assert_true (g_variant_is_normal_form (content->value));
    }
  else
    {
      g_autoptr (SngFingerprint) fingerprint = sng_tensor_compute_fingerprint (content->tensor);

      g_assert_nonnull (fingerprint);
    }
}

/* Read once more it is the same, and no two entries have one path. */
static void
compare (GPtrArray *first, GPtrArray *second)
{
  g_autoptr (GHashTable) paths = g_hash_table_new (g_str_hash, g_str_equal);

  g_assert_cmpuint (first->len, ==, second->len);
  for (guint i = 0; i < first->len; i++)
    {
      const SngFileContent *a = first->pdata[i], *b = second->pdata[i];

      g_assert_true (g_hash_table_add (paths, a->path));
      g_assert_cmpstr (a->path, ==, b->path);
      if (a->value != NULL)
        g_assert_cmpmem (g_variant_get_data (a->value), g_variant_get_size (a->value),
                         g_variant_get_data (b->value), g_variant_get_size (b->value));
      else
        g_assert_true (sng_tensor_equal (a->tensor, b->tensor));
    }
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) found = NULL;
  g_autoptr (GPtrArray) again = NULL;

  if (size == 0)
    return 0;

  found = read_contents (data, size, &error);
  if (found == NULL)
    {
      g_assert_true (error != NULL && error->domain == SNG_ERROR);
      g_assert_true (g_utf8_validate (error->message, -1, NULL));
      return 0;
    }

  g_assert_no_error (error);
  fuzz_note_taken ();
  g_assert_cmpuint (found->len, <=, SNG_FILE_CONTENTS_MAX_ENTRIES + 1);
  for (guint i = 0; i < found->len; i++)
    look_at (found->pdata[i]);
  again = read_contents (data, size, NULL);
  compare (found, again);

  return 0;
}
