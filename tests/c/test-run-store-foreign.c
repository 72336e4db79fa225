/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Run stores that somebody else has laid hands on. */

#include <sng.h>

#include <sqlite3.h>
#include <string.h>

#include <glib/gstdio.h>

#include "record/sng-run-store-private.h"
#include "run-store-seal.h"

typedef struct
{
  char *directory;
  char *path;
} Fixture;

static void
append (SngRunStore *store, guint64 step)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngMetadata) value = NULL;
  g_autoptr (SngMetadata) tensor = NULL;

  value =
      sng_metadata_new (g_variant_new_parsed ("{'metric': <'TrainLoss'>, 'stage': <'train'>, 'step': <%t>,"
                                              " 'path': <'loss'>, 'value': <[0.5]>}",
                                              step),
                        &error);
  g_assert_no_error (error);
  tensor = sng_metadata_new (g_variant_new_parsed ("{'metric': <'Weights'>, 'stage': <'train'>, 'step': <%t>,"
                                                   " 'path': <'w'>, 'dtype': <'F32'>, 'shape': <[2, 3]>,"
                                                   " 'fingerprint': <'00112233445566778899aabbccddeeff'>}",
                                                   step),
                             &error);
  g_assert_no_error (error);
  g_assert_true (sng_run_store_append (store, value, &error));
  g_assert_true (sng_run_store_append (store, tensor, &error));
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngRunStore) store = NULL;

  fixture->directory = g_dir_make_tmp ("sng-run-store-foreign-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->path = g_build_filename (fixture->directory, "rank-00000.db", NULL);

  store = sng_run_store_create (fixture->path, &error);
  g_assert_no_error (error);
  for (guint64 step = 1; step <= 3; step++)
    append (store, step);
  g_assert_true (sng_run_store_set_info (store, "finished", g_variant_new_boolean (TRUE), &error));
  g_assert_true (sng_run_store_close (store, &error));
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_unlink (fixture->path);
  g_rmdir (fixture->directory);
  g_free (fixture->directory);
  g_free (fixture->path);
}

static void
change (Fixture *fixture, const char *sql)
{
  sqlite3 *db = NULL;

  g_assert_cmpint (sqlite3_open (fixture->path, &db), ==, SQLITE_OK);
  if (sqlite3_exec (db, sql, NULL, NULL, NULL) != SQLITE_OK)
    g_error ("%s: %s", sql, sqlite3_errmsg (db));
  sqlite3_close (db);
}

/* With the digest of what is there then, so that the rows themselves are looked at. */
static void
forge (Fixture *fixture, const char *sql)
{
  sqlite3 *db = NULL;

  change (fixture, sql);
  g_assert_cmpint (sqlite3_open (fixture->path, &db), ==, SQLITE_OK);
  g_assert_true (run_store_reseal (db));
  sqlite3_close (db);
}

static void
assert_corrupt (GError *error, const char *words)
{
  g_assert_error (error, SNG_ERROR, SNG_ERROR_CORRUPT);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  if (strstr (error->message, words) == NULL)
    g_error ("\"%s\" does not say \"%s\"", error->message, words);
}

/* A view would run what it is made of, a column would be taken for another one. */
static void
test_schema (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngRunStore) store = NULL;

  change (fixture, data);
  store = sng_run_store_open (fixture->path, &error);
  g_assert_null (store);
  assert_corrupt (error, "the tables are not those of a run store");
}

/* Whoever tidies up changes the order of what is in the file, and nothing else. */
static void
test_vacuum (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngRunStore) store = NULL;
  g_autoptr (GPtrArray) entries = NULL;

  change (fixture, "PRAGMA page_size = 512; VACUUM");
  store = sng_run_store_open (fixture->path, &error);
  g_assert_no_error (error);
  entries = sng_run_store_query (store, NULL, 0, G_MAXUINT64, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (entries->len, ==, 6);
}

/* What was not recorded is not read; @data is what is set and what the message says. */
static void
test_row (Fixture *fixture, gconstpointer data)
{
  const char *const *row = data;
  g_autofree char *sql = g_strdup_printf ("UPDATE entries SET %s WHERE seq IN (3, 4)", row[0]);
  g_autoptr (GError) error = NULL;
  g_autoptr (SngRunStore) store = NULL;
  g_autoptr (GPtrArray) entries = NULL;

  forge (fixture, sql);
  store = sng_run_store_open (fixture->path, &error);
  if (store != NULL)
    entries = sng_run_store_query (store, NULL, 0, G_MAXUINT64, &error);
  g_assert_null (entries);
  assert_corrupt (error, row[1]);
}

/* Who walks through the steps must come to an end. Text as a step is noticed before that. */
static void
test_steps (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngRunStore) store = NULL;
  guint64 step;

  forge (fixture, "UPDATE entries SET step = 'next' WHERE step = 3");
  store = sng_run_store_open (fixture->path, &error);
  g_assert_null (store);
  assert_corrupt (error, "2 entries belong to no step");
  g_clear_error (&error);

  forge (fixture, "UPDATE entries SET step = 3.5 WHERE step = 'next'");
  store = sng_run_store_open (fixture->path, &error);
  g_assert_no_error (error);

  g_assert_true (sng_run_store_find_step (store, 0, &step, &error));
  g_assert_cmpuint (step, ==, 1);
  g_assert_false (sng_run_store_find_step (store, 3, &step, &error));
  assert_corrupt (error, "steps");
  g_clear_error (&error);
  g_assert_false (sng_run_store_get_step_range (store, NULL, NULL, NULL, &error));
  assert_corrupt (error, "steps");
}

static void
test_names (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngRunStore) store = NULL;
  g_auto (GStrv) metrics = NULL;

  forge (fixture, "UPDATE metrics SET name = CAST (x'41ff' AS TEXT) WHERE position = 2;"
                  "UPDATE info SET value = CAST (x'27ff27' AS TEXT)");
  store = sng_run_store_open (fixture->path, &error);
  g_assert_no_error (error);

  metrics = sng_run_store_list_metrics (store, &error);
  g_assert_null (metrics);
  assert_corrupt (error, "metric");
  g_assert_null (sng_run_store_get_info (store, "finished"));
}

/* SQLite quotes the schema in its messages. */
static void
test_message (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngRunStore) store = NULL;

  change (fixture,
          "PRAGMA writable_schema = ON;"
          "UPDATE sqlite_schema SET name = CAST (x'ff' AS TEXT), sql = 'CREATE nothing' WHERE name = 'info'");
  store = sng_run_store_open (fixture->path, &error);
  g_assert_null (store);
  assert_corrupt (error, "malformed");
}

int
main (int argc, char **argv)
{
  static const char *const schemas[] = {
    "ALTER TABLE entries RENAME TO old; CREATE VIEW entries AS SELECT * FROM old",
    "CREATE TRIGGER t AFTER INSERT ON info BEGIN DELETE FROM entries; END",
    "CREATE INDEX i ON entries (printf ('%.*c', 100, metric))",
    "ALTER TABLE metrics ADD COLUMN more",
    "DROP TABLE info",
  };
  static const char *const rows[][2] = {
    { "micro_batch = -2", "micro_batch" },
    { "rank = 4294967296", "rank" },
    { "rank = 'a'", "rank" },
    { "metric = ''", "metric" },
    { "path = CAST (x'ff' AS TEXT)", "path" },
    { "type = 'h', exact = '00000000'", "value" },
    { "type = 'i', exact = '00000000'", "value" },
    { "type = NULL, dtype = 'F32', shape = '1', fingerprint = 'FF'", "fingerprint" },
    { "type = NULL, dtype = 'F32', shape = '1', fingerprint = '00112233445566778899aabbccddeeff', non_finite "
      "= -1",
      "non_finite" },
  };

  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (schemas); i++)
    {
      g_autofree char *path = g_strdup_printf ("/sng/run-store-foreign/schema/%u", i);

      g_test_add (path, Fixture, schemas[i], set_up, test_schema, tear_down);
    }
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strdup_printf ("/sng/run-store-foreign/row/%u", i);

      g_test_add (path, Fixture, rows[i], set_up, test_row, tear_down);
    }
  g_test_add ("/sng/run-store-foreign/vacuum", Fixture, NULL, set_up, test_vacuum, tear_down);
  g_test_add ("/sng/run-store-foreign/steps", Fixture, NULL, set_up, test_steps, tear_down);
  g_test_add ("/sng/run-store-foreign/names", Fixture, NULL, set_up, test_names, tear_down);
  g_test_add ("/sng/run-store-foreign/message", Fixture, NULL, set_up, test_message, tear_down);

  return g_test_run ();
}
