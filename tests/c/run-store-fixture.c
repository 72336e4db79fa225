/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "run-store-fixture.h"

#include <string.h>

#include <glib/gstdio.h>

void
run_store_fixture_set_up (RunStoreFixture *fixture, gconstpointer data)
{
  fixture->directory = g_dir_make_tmp ("sng-run-store-XXXXXX", NULL);
  fixture->path = g_build_filename (fixture->directory, "rank-00000.db", NULL);
}

static void
remove_all (const char *path)
{
  g_autoptr (GDir) dir = g_file_test (path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *below = g_build_filename (path, name, NULL);

      remove_all (below);
    }
  g_remove (path);
}

void
run_store_fixture_tear_down (RunStoreFixture *fixture, gconstpointer data)
{
  remove_all (fixture->directory);
  g_free (fixture->directory);
  g_free (fixture->path);
}

static const char *const values[RUN_STORE_ENTRIES] = {
  "'dtype': <'F32'>, 'shape': <[int64 %u, 3]>, 'fingerprint': <'00112233445566778899aabbccddeeff'>,"
  " 'minimum': <-0.0>, 'maximum': <%u.5>, 'mean': <nan>, 'non-finite': <int64 2>,"
  " 'capture': <'captures/1.safetensors'>",
  "'value': <0.1%u>",
  "'value': <-0.0>",
  "'value': <nan>",
  "'value': <int64 %u>",
  "'value': <true>",
  "'value': <'the text of step %u'>",
  "'value': <[%u.25, 2.0]>",
  "'value': <{'a': <uint64 %u>, 'b': <'x'>}>",
};

SngMetadata *
run_store_make_entry (guint64 step, guint i)
{
  g_auto (GStrv) parts = g_strsplit (values[i], "%u", -1);
  g_autofree char *number = g_strdup_printf ("%" G_GUINT64_FORMAT, step);
  g_autofree char *value = g_strjoinv (number, parts);
  g_autofree char *text =
      g_strdup_printf ("{'metric': <'M%u'>, 'stage': <'%s'>, 'step': <int64 %" G_GUINT64_FORMAT
                       ">, 'path': <'p%u'>, 'micro-batch': <int64 %d>, %s}",
                       i % 4, i % 2 == 0 ? "train" : "validate", step, i, (int) i - 1, value);
  g_autoptr (GError) error = NULL;
  SngMetadata *entry = sng_metadata_new (g_variant_new_parsed (text), &error);

  g_assert_no_error (error);

  return entry;
}

SngRunStore *
run_store_create (const char *path)
{
  g_autoptr (GError) error = NULL;
  SngRunStore *store = sng_run_store_create (path, &error);

  g_assert_no_error (error);

  return store;
}

void
run_store_append_step (SngRunStore *store, guint64 step)
{
  for (guint i = 0; i < RUN_STORE_ENTRIES; i++)
    {
      g_autoptr (SngMetadata) entry = run_store_make_entry (step, i);
      g_autoptr (GError) error = NULL;

      sng_run_store_append (store, entry, &error);
      g_assert_no_error (error);
    }
}

void
run_store_fill (const char *path, guint n_steps)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngRunStore) store = run_store_create (path);

  sng_run_store_set_info (store, "name", g_variant_new_string ("continuous"), &error);
  g_assert_no_error (error);
  for (guint step = 1; step <= n_steps; step++)
    {
      run_store_append_step (store, step);
      sng_run_store_flush (store, &error);
      g_assert_no_error (error);
    }
  sng_run_store_close (store, &error);
  g_assert_no_error (error);
}

static void
append_entry (GString *dump, SngMetadata *entry)
{
  g_autofree char *what = sng_metadata_describe (entry);

  g_string_append_printf (dump, "%s %d %" G_GUINT64_FORMAT " %" G_GINT64_FORMAT " %u %s: %s",
                          sng_metadata_get_metric (entry), (int) sng_metadata_get_stage (entry),
                          sng_metadata_get_step (entry), sng_metadata_get_micro_batch (entry),
                          sng_metadata_get_rank (entry), sng_metadata_get_path (entry), what);
  if (sng_metadata_is_tensor (entry))
    {
      double numbers[3];
      guint64 n;

      sng_metadata_get_summary (entry, &numbers[0], &numbers[1], &numbers[2], &n);
      for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
        g_string_append_printf (dump, " %a", numbers[i]);
      g_string_append_printf (dump, " %" G_GUINT64_FORMAT " %s", n, sng_metadata_get_capture (entry));
    }
  g_string_append_c (dump, '\n');
}

char *
run_store_dump (const char *path, GError **error)
{
  g_autoptr (SngRunStore) store = sng_run_store_open (path, error);
  g_auto (GStrv) metrics = store != NULL ? sng_run_store_list_metrics (store, error) : NULL;
  g_autoptr (GPtrArray) entries =
      metrics != NULL ? sng_run_store_query (store, NULL, 0, G_MAXUINT64, error) : NULL;
  g_autoptr (GString) dump = g_string_new (NULL);
  g_autoptr (GVariant) name = NULL;
  guint64 last = 0;

  if (entries == NULL)
    return NULL;

  for (guint i = 0; metrics[i] != NULL; i++)
    g_string_append_printf (dump, "%s %d\n", metrics[i],
                            (int) sng_run_store_get_metric_flags (store, metrics[i]));
  if ((name = sng_run_store_get_info (store, "name")) != NULL)
    g_string_append_printf (dump, "name %s\n", g_variant_get_string (name, NULL));
  for (guint i = 0; i < entries->len; i++)
    append_entry (dump, entries->pdata[i]);

  /* what is found by the index */
  if (sng_run_store_get_step_range (store, NULL, NULL, &last, NULL))
    for (guint64 step = 0; step <= last; step++)
      {
        g_autoptr (GPtrArray) some = sng_run_store_query (store, NULL, step, step, error);

        if (some == NULL)
          return NULL;
        for (guint i = 0; i < some->len; i++)
          append_entry (dump, some->pdata[i]);
      }

  return g_strdup (dump->str);
}

char *
run_store_find_fault (const char *path, guint64 at_least, guint64 at_most)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngRunStore) store = sng_run_store_open (path, &error);
  g_autoptr (GPtrArray) entries =
      store != NULL ? sng_run_store_query (store, NULL, 0, G_MAXUINT64, &error) : NULL;

  if (entries == NULL)
    return g_strdup (error->message);

  if (entries->len % RUN_STORE_ENTRIES != 0)
    return g_strdup_printf ("half of a step: %u entries", entries->len);

  if (entries->len / RUN_STORE_ENTRIES < at_least || entries->len / RUN_STORE_ENTRIES > at_most)
    return g_strdup_printf ("%u steps, not from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT,
                            entries->len / RUN_STORE_ENTRIES, at_least, at_most);

  for (guint i = 0; i < entries->len; i++)
    {
      g_autoptr (SngMetadata) expected =
          run_store_make_entry (i / RUN_STORE_ENTRIES + 1, i % RUN_STORE_ENTRIES);
      g_autoptr (GString) a = g_string_new (NULL);
      g_autoptr (GString) b = g_string_new (NULL);

      append_entry (a, entries->pdata[i]);
      append_entry (b, expected);
      if (!sng_metadata_equal (expected, entries->pdata[i]) || !g_string_equal (a, b))
        return g_strdup_printf ("entry %u: %s, not %s", i, a->str, b->str);
    }

  return NULL;
}

void
run_store_assert_refused (GError *error, const char *path)
{
  g_assert_nonnull (error);
  if (error->domain != SNG_ERROR || strstr (error->message, path) == NULL
      || !g_str_has_prefix (error->message, "[record]["))
    g_error ("%s: %s", path, error->message);
}

void
run_store_execute (const char *path, const char *sql)
{
  sqlite3 *db = NULL;

  g_assert_cmpint (sqlite3_open (path, &db), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
  sqlite3_close (db);
}
