/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "file-records-fixture.h"

#include <string.h>

#include "record/sng-file-records-private.h"

void
file_records_set_up (FileRecords *fixture, gconstpointer data)
{
  fixture->directory = g_dir_make_tmp ("sng-file-records-XXXXXX", NULL);
}

void
file_records_tear_down (FileRecords *fixture, gconstpointer data)
{
  g_autofree char *command = g_strdup_printf ("rm -rf '%s'", fixture->directory);

  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL));
  g_free (fixture->directory);
}

char *
file_records_write_file (FileRecords *fixture, const char *name, const void *data, gssize length)
{
  char *path = g_build_filename (fixture->directory, name, NULL);

  g_assert_true (g_file_set_contents (path, data, length, NULL));

  return path;
}

/* The entries that a file makes, in a store of its own; NULL with an error. */
GPtrArray *
file_records_record (FileRecords *fixture, const char *file, GError **error)
{
  g_autofree char *name = g_strdup_printf ("%u.db", fixture->n_stores++);
  g_autofree char *path = g_build_filename (fixture->directory, name, NULL);
  g_autoptr (SngRunStore) store = sng_run_store_create (path, NULL);
  g_autoptr (SngRecorder) recorder = sng_recorder_new (store, 0);
  g_autoptr (SngRunStore) reader = NULL;
  GPtrArray *entries;

  if (!sng_recorder_record_file (recorder, "Results", 7, file, error))
    return NULL;

  g_assert_true (sng_recorder_finish_step (recorder, NULL));
  reader = sng_run_store_open (path, NULL);
  entries = sng_run_store_query (reader, "Results", 0, G_MAXUINT64, NULL);
  for (guint i = 0; i < entries->len; i++)
    {
      g_assert_cmpint (sng_metadata_get_stage (entries->pdata[i]), ==, SNG_STAGE_TRAIN);
      g_assert_cmpuint (sng_metadata_get_step (entries->pdata[i]), ==, 7);
      g_assert_cmpint (sng_metadata_get_micro_batch (entries->pdata[i]), ==, -1);
    }

  return entries;
}

GPtrArray *
file_records_record_data (FileRecords *fixture, const char *name, const void *data, gssize length)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = file_records_write_file (fixture, name, data, length);
  GPtrArray *entries = file_records_record (fixture, path, &error);

  g_assert_no_error (error);

  return entries;
}

GPtrArray *
file_records_record_reference (FileRecords *fixture, const char *folder, const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "data", folder, name, NULL);
  GPtrArray *entries = file_records_record (fixture, path, &error);

  g_assert_no_error (error);

  return entries;
}

SngMetadata *
file_records_look_up (GPtrArray *entries, const char *path)
{
  for (guint i = 0; i < entries->len; i++)
    if (g_str_equal (sng_metadata_get_path (entries->pdata[i]), path))
      return entries->pdata[i];

  return NULL;
}

/* The first path whose entries differ, or that one side lacks; NULL: none. */
const char *
file_records_find_difference (GPtrArray *a, GPtrArray *b)
{
  for (guint i = 0; i < a->len; i++)
    {
      const char *path = sng_metadata_get_path (a->pdata[i]);
      SngMetadata *other = file_records_look_up (b, path);

      if (other == NULL || !sng_metadata_equal (a->pdata[i], other))
        return path;
    }
  for (guint i = 0; i < b->len; i++)
    if (file_records_look_up (a, sng_metadata_get_path (b->pdata[i])) == NULL)
      return sng_metadata_get_path (b->pdata[i]);

  return NULL;
}

/* The texts are two files of one name. */
const char *
file_records_compare (FileRecords *fixture, const char *name, const char *a, const char *b)
{
  g_autoptr (GPtrArray) first = file_records_record_data (fixture, name, a, -1);
  g_autoptr (GPtrArray) second = file_records_record_data (fixture, name, b, -1);

  return g_intern_string (file_records_find_difference (first, second));
}

void
file_records_assert_tensor (GPtrArray *entries,
                            const char *path,
                            SngDtype dtype,
                            const gint64 *shape,
                            guint n_dims)
{
  SngMetadata *entry = file_records_look_up (entries, path);
  const gint64 *found;
  guint n_found;

  g_assert_nonnull (entry);
  g_assert_true (sng_metadata_is_tensor (entry));
  g_assert_cmpint (sng_metadata_get_dtype (entry), ==, dtype);
  found = sng_metadata_get_shape (entry, &n_found);
  g_assert_cmpmem (found, n_found * sizeof *found, shape, n_dims * sizeof *shape);
}

/* Recorded by its bytes, with a reason that has this in it. */
void
file_records_assert_not_parsed (GPtrArray *entries, const char *reason, gint64 n_bytes)
{
  SngMetadata *note = file_records_look_up (entries, "not-parsed");

  g_assert_cmpuint (entries->len, ==, 2);
  g_assert_nonnull (note);
  g_assert_nonnull (strstr (g_variant_get_string (sng_metadata_get_value (note), NULL), reason));
  file_records_assert_tensor (entries, "", SNG_DTYPE_U8, &n_bytes, 1);
}
