/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A run store that is damaged, or that somebody made to do harm: an error that names it, or all of what was recorded. */

#include <sng.h>

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "compare/sng-comparison-private.h"
#include "record/sng-run-store-private.h"
#include "run-store-fixture.h"
#include "run-store-seal.h"

static const char *const companions[] = { "-wal", "-shm", "-journal" };

/* ---- Damage ---- */

/* The store tells what it told before, or is refused by name. */
static gboolean
is_refused (const char *path, const char *expected, gsize place)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *dump = run_store_dump (path, &error);

  if (dump == NULL)
    {
      run_store_assert_refused (error, path);
      return TRUE;
    }
  if (!g_str_equal (dump, expected))
    g_error ("%s: another store after damage at %" G_GSIZE_FORMAT, path, place);

  return FALSE;
}

static void
remove_companions (const char *path)
{
  for (gsize i = 0; i < G_N_ELEMENTS (companions); i++)
    {
      g_autofree char *name = g_strconcat (path, companions[i], NULL);

      g_unlink (name);
    }
}

static void
write_byte (int fd, gsize place, guint8 byte)
{
  g_assert_cmpint (pwrite (fd, &byte, 1, (off_t) place), ==, 1);
}

/* Where nothing is but zeros most places are left out, and one bit of each byte is enough unless there is time. */
static gboolean
is_tried (const char *contents, gsize length, gsize place, guint bit)
{
  gsize from = place < 8 ? 0 : place - 8;
  gsize to = MIN (place + 9, length);

  if (g_test_slow ())
    return TRUE;

  for (gsize i = from; i < to; i++)
    if (contents[i] != 0)
      return bit == (place * 5 + place / 8) % 8;

  return place % 61 == 0 && bit == place % 8;
}

/* Each bit of the file, one at a time. */
static void
test_bits (RunStoreFixture *fixture, gconstpointer data)
{
  g_autofree char *expected = NULL;
  g_autofree char *contents = NULL;
  guint n_tried = 0, n_refused = 0;
  gsize length;
  int fd;

  run_store_fill (fixture->path, 2);
  expected = run_store_dump (fixture->path, NULL);
  g_assert_nonnull (expected);
  g_assert_true (g_file_get_contents (fixture->path, &contents, &length, NULL));
  fd = g_open (fixture->path, O_WRONLY | O_CLOEXEC, 0);

  for (gsize place = 0; place < length; place++)
    for (guint bit = 0; bit < 8; bit++)
      {
        if (!is_tried (contents, length, place, bit))
          continue;

        write_byte (fd, place, (guint8) (contents[place] ^ (1 << bit)));
        n_tried++;
        n_refused += is_refused (fixture->path, expected, place);
        remove_companions (fixture->path);
        write_byte (fd, place, (guint8) contents[place]);
      }
  close (fd);

  g_test_message ("%u of %u flipped bits refused", n_refused, n_tried);
  g_assert_cmpuint (n_refused, >, n_tried / 4);
  g_assert_false (is_refused (fixture->path, expected, length));
}

static void
test_lengths (RunStoreFixture *fixture, gconstpointer data)
{
  g_autofree char *expected = NULL;
  GStatBuf info;
  gsize stride = g_test_slow () ? 1 : 29;

  run_store_fill (fixture->path, 2);
  expected = run_store_dump (fixture->path, NULL);
  g_assert_cmpint (g_stat (fixture->path, &info), ==, 0);

  for (gsize length = (gsize) info.st_size - 1; length < (gsize) info.st_size; length -= stride)
    {
      g_assert_cmpint (truncate (fixture->path, (off_t) length), ==, 0);
      g_assert_true (is_refused (fixture->path, expected, length));
    }
}

/* Copies a store whose writer is at work, with the log: what is left when that is killed. */
static void
copy_files (const char *from, const char *to, gboolean with_log)
{
  static const char *const suffixes[] = { "", "-wal" };

  for (gsize i = 0; i < (with_log ? 2 : 1); i++)
    {
      g_autofree char *source = g_strconcat (from, suffixes[i], NULL);
      g_autofree char *target = g_strconcat (to, suffixes[i], NULL);
      g_autofree char *contents = NULL;
      gsize length;

      g_assert_true (g_file_get_contents (source, &contents, &length, NULL));
      g_assert_true (g_file_set_contents (target, contents, (gssize) length, NULL));
    }
}

static SngRunStore *
begin (const char *path, guint n_steps)
{
  SngRunStore *store = run_store_create (path);

  for (guint step = 1; step <= n_steps; step++)
    {
      run_store_append_step (store, step);
      g_assert_true (sng_run_store_flush (store, NULL));
    }

  return store;
}

/* SQLite takes a log for shorter than it is from the first wrong bit on. */
static void
test_log_bits (RunStoreFixture *fixture, gconstpointer data)
{
  g_autoptr (SngRunStore) writer = begin (fixture->path, 2);
  g_autofree char *copy = g_build_filename (fixture->directory, "copy.db", NULL);
  g_autofree char *log = g_strconcat (copy, "-wal", NULL);
  g_autofree char *index = g_strconcat (copy, "-shm", NULL);
  g_autofree char *expected = NULL;
  g_autofree char *contents = NULL;
  guint n_tried = 0, n_refused = 0;
  gsize length;

  copy_files (sng_run_store_get_path (writer), copy, TRUE);
  expected = run_store_dump (copy, NULL);
  g_assert_nonnull (expected);
  g_assert_true (g_file_get_contents (log, &contents, &length, NULL));

  for (gsize place = 0; place < length; place++)
    for (guint bit = 0; bit < 8; bit++)
      {
        int fd;

        if (!is_tried (contents, length, place, bit))
          continue;

        fd = g_open (log, O_WRONLY | O_CLOEXEC, 0);
        write_byte (fd, place, (guint8) (contents[place] ^ (1 << bit)));
        n_tried++;
        n_refused += is_refused (copy, expected, place);
        write_byte (fd, place, (guint8) contents[place]);
        close (fd);
        g_unlink (index);
      }

  g_test_message ("%u of %u flipped bits refused", n_refused, n_tried);
  g_assert_cmpuint (n_refused, >, n_tried * 9 / 10);
  g_assert_false (is_refused (copy, expected, length));
}

/* One that was cut is one whose writer was killed earlier: whole steps. */
static void
test_log_lengths (RunStoreFixture *fixture, gconstpointer data)
{
  g_autoptr (SngRunStore) writer = begin (fixture->path, 3);
  g_autofree char *copy = g_build_filename (fixture->directory, "copy.db", NULL);
  g_autofree char *log = g_strconcat (copy, "-wal", NULL);
  GStatBuf info;
  gsize stride = g_test_slow () ? 1 : 97;

  copy_files (sng_run_store_get_path (writer), copy, TRUE);
  g_assert_cmpint (g_stat (log, &info), ==, 0);

  for (gsize length = (gsize) info.st_size; length <= (gsize) info.st_size; length -= stride)
    {
      g_autofree char *fault = NULL;

      g_assert_cmpint (truncate (log, (off_t) length), ==, 0);
      fault = run_store_find_fault (copy, length == (gsize) info.st_size ? 3 : 0, 3);
      g_assert_cmpstr (fault, ==, NULL);
    }
}

static void
test_log_of_another (RunStoreFixture *fixture, gconstpointer data)
{
  g_autofree char *other = g_build_filename (fixture->directory, "other.db", NULL);
  g_autofree char *copy = g_build_filename (fixture->directory, "copy.db", NULL);
  g_autofree char *log = g_strconcat (fixture->path, "-wal", NULL);
  g_autofree char *other_log = g_strconcat (other, "-wal", NULL);
  g_autofree char *lost_log = g_strconcat (copy, "-wal", NULL);
  g_autofree char *contents = NULL;
  g_autoptr (SngRunStore) writer = begin (other, 5);
  gsize length;

  run_store_fill (fixture->path, 2);
  g_assert_true (g_file_get_contents (other_log, &contents, &length, NULL));
  g_assert_true (g_file_set_contents (log, contents, (gssize) length, NULL));
  {
    g_autoptr (GError) error = NULL;
    g_autofree char *dump = run_store_dump (fixture->path, &error);

    g_assert_cmpstr (dump, ==, NULL);
    run_store_assert_refused (error, log);
  }

  /* copied without the log, a store would be one of which nothing is left */
  copy_files (sng_run_store_get_path (writer), copy, FALSE);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *dump = run_store_dump (copy, &error);

      g_assert_null (dump);
      run_store_assert_refused (error, lost_log);
      g_assert_nonnull (strstr (error->message, "missing"));
    }
}

/* While somebody reads, a log that is long enough is not emptied; what is left of it afterwards is no damage. */
static void
test_log_with_reader (RunStoreFixture *fixture, gconstpointer data)
{
  g_autoptr (SngRunStore) writer = begin (fixture->path, 1);
  g_autofree char *copy = g_build_filename (fixture->directory, "copy.db", NULL);
  g_autofree char *index = g_strconcat (copy, "-shm", NULL);
  g_autofree char *text = g_strnfill (3 << 20, 'x');
  sqlite3 *reader = NULL;

  g_assert_cmpint (sqlite3_open (fixture->path, &reader), ==, SQLITE_OK);
  for (guint64 step = 2; step <= 12; step++)
    {
      const char *sql = step % 8 == 2 ? "BEGIN; SELECT count (*) FROM entries" : step % 8 == 0 ? "END" : "";
      g_autofree char *fault = NULL;

      g_assert_cmpint (sqlite3_exec (reader, sql, NULL, NULL, NULL), ==, SQLITE_OK);
      run_store_append_step (writer, step);
      g_assert_true (sng_run_store_set_info (writer, "padding", g_variant_new_string (text), NULL));
      g_assert_true (sng_run_store_flush (writer, NULL));

      copy_files (sng_run_store_get_path (writer), copy, TRUE);
      g_unlink (index);
      fault = run_store_find_fault (copy, step, step);
      g_assert_cmpstr (fault, ==, NULL);
      g_free (fault);
      fault = run_store_find_fault (fixture->path, step, step);
      g_assert_cmpstr (fault, ==, NULL);
    }
  sqlite3_close (reader);
}

/* An index of the log that is nothing of the kind is made anew. */
static void
test_index (RunStoreFixture *fixture, gconstpointer data)
{
  g_autofree char *copy = g_build_filename (fixture->directory, "copy.db", NULL);
  g_autofree char *index = g_strconcat (copy, "-shm", NULL);
  g_autofree char *garbage = g_strnfill (40000, '\x5a');
  g_autoptr (SngRunStore) writer = begin (fixture->path, 3);
  g_autofree char *fault = NULL;

  copy_files (sng_run_store_get_path (writer), copy, TRUE);
  g_assert_true (g_file_set_contents (index, garbage, 40000, NULL));
  fault = run_store_find_fault (copy, 3, 3);
  g_assert_cmpstr (fault, ==, NULL);
}

/* ---- Foreign files ---- */

static void
assert_not_opened (const char *path, int code, const char *words)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngRunStore) store = sng_run_store_open (path, &error);

  g_assert_null (store);
  run_store_assert_refused (error, path);
  if (error->code != code || strstr (error->message, words) == NULL)
    g_error ("code %d: %s", error->code, error->message);
}

static void
test_foreign (RunStoreFixture *fixture, gconstpointer data)
{
  g_autofree char *pipe = g_build_filename (fixture->directory, "pipe.db", NULL);
  g_autofree char *noise = g_build_filename (fixture->directory, "noise.db", NULL);
  g_autofree char *other = g_build_filename (fixture->directory, "other.db", NULL);
  guint8 bytes[20000];

  g_assert_cmpint (mkfifo (pipe, 0600), ==, 0);
  assert_not_opened (pipe, SNG_ERROR_INVALID_DATA, "no regular file");

  for (gsize i = 0; i < sizeof bytes; i++)
    bytes[i] = (guint8) g_test_rand_int ();
  g_assert_true (g_file_set_contents (noise, (const char *) bytes, sizeof bytes, NULL));
  assert_not_opened (noise, SNG_ERROR_INVALID_DATA, "not a database");

  run_store_execute (other,
                     "PRAGMA application_id = 1; CREATE TABLE entries (x); INSERT INTO entries VALUES (1)");
  assert_not_opened (other, SNG_ERROR_INVALID_DATA, "no run store");
}

/* What SQLite would open beside the file, and write to. */
static void
test_companions (RunStoreFixture *fixture, gconstpointer data)
{
  g_autofree char *victim = g_build_filename (fixture->directory, "victim", NULL);
  g_autofree char *contents = NULL;

  run_store_fill (fixture->path, 2);
  g_assert_true (g_file_set_contents (victim, "mine", -1, NULL));

  for (gsize i = 0; i < G_N_ELEMENTS (companions); i++)
    {
      g_autofree char *name = g_strconcat (fixture->path, companions[i], NULL);

      g_assert_cmpint (symlink (victim, name), ==, 0);
      assert_not_opened (fixture->path, SNG_ERROR_INVALID_DATA, name);
      g_assert_cmpint (g_unlink (name), ==, 0);

      g_assert_cmpint (mkfifo (name, 0600), ==, 0);
      assert_not_opened (fixture->path, SNG_ERROR_INVALID_DATA, name);
      g_assert_cmpint (g_unlink (name), ==, 0);
    }

  g_assert_true (g_file_get_contents (victim, &contents, NULL, NULL));
  g_assert_cmpstr (contents, ==, "mine");
}

static void
test_schema (RunStoreFixture *fixture, gconstpointer data)
{
  static const char *const sql[] = {
    "DROP TABLE metrics",
    "DROP INDEX entries_by_step",
    "CREATE TABLE more (x)",
    "CREATE TRIGGER t AFTER INSERT ON entries BEGIN DELETE FROM entries; END",
    "ALTER TABLE entries RENAME TO real; CREATE VIEW entries AS SELECT * FROM real LIMIT 1",
    "ALTER TABLE entries ADD COLUMN more",
    "ALTER TABLE entries RENAME COLUMN minimum TO maximum2",
    "DROP TABLE info; CREATE TABLE info (key, value)",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (sql); i++)
    {
      run_store_fill (fixture->path, 2);
      run_store_execute (fixture->path, sql[i]);
      assert_not_opened (fixture->path, SNG_ERROR_CORRUPT, "tables");
      g_unlink (fixture->path);
    }
}

/* ---- What somebody wrote who writes the digest, too ---- */

static void
forge (const char *path, const char *sql)
{
  sqlite3 *db = NULL;

  run_store_execute (path, sql);
  g_assert_cmpint (sqlite3_open (path, &db), ==, SQLITE_OK);
  g_assert_true (run_store_reseal (db));
  sqlite3_close (db);
}

/* Any change is noticed by the digest; with the digest, what a row cannot hold is noticed by the row. */
static void
test_rows (RunStoreFixture *fixture, gconstpointer data)
{
  static const char *const sql[] = {
    "UPDATE entries SET exact = 'zz' WHERE seq = 2",
    "UPDATE entries SET exact = NULL WHERE seq = 2",
    "UPDATE entries SET type = 'x' WHERE seq = 2",
    "UPDATE entries SET type = 'nonsense' WHERE seq = 2",
    "UPDATE entries SET type = hex (zeroblob (40000)) WHERE seq = 2",
    "UPDATE entries SET stage = 'rehearsal' WHERE seq = 2",
    "UPDATE entries SET type = NULL WHERE seq = 2",
    "UPDATE entries SET type = 'b', value = 'x' WHERE seq = 2",
    "UPDATE entries SET type = 's', value = NULL WHERE seq = 2",
    "UPDATE entries SET type = 'as', exact = 'ff' WHERE seq = 2",
    "UPDATE entries SET type = NULL, dtype = 'F32', shape = 'x' WHERE seq = 2",
    "UPDATE entries SET type = NULL, dtype = 'F32', shape = '1' WHERE seq = 2",
    "UPDATE entries SET type = NULL, dtype = 'F33', shape = '1', fingerprint = 'a' WHERE seq = 2",
    "UPDATE entries SET type = NULL, dtype = 'F32', shape = '-1', fingerprint = 'a' WHERE seq = 2",
    "UPDATE entries SET type = NULL, dtype = 'F32', shape = '1', fingerprint = x'ff' WHERE seq = 2",
    "UPDATE entries SET step = -1 WHERE seq = 2",
    "UPDATE entries SET step = 'now' WHERE seq = 2",
    "UPDATE entries SET micro_batch = -2 WHERE seq = 2",
    "UPDATE entries SET rank = 4294967296 WHERE seq = 2",
    "UPDATE entries SET metric = CAST (x'ff' AS TEXT) WHERE seq = 2",
    "UPDATE entries SET path = CAST (x'c328' AS TEXT) WHERE seq = 2",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (sql); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *dump = NULL;

      run_store_fill (fixture->path, 2);
      run_store_execute (fixture->path, sql[i]);
      assert_not_opened (fixture->path, SNG_ERROR_CORRUPT, "");

      forge (fixture->path, sql[i]);
      dump = run_store_dump (fixture->path, &error);
      if (dump != NULL)
        g_error ("%s: %s", sql[i], dump);
      run_store_assert_refused (error, fixture->path);
      g_assert_error (error, SNG_ERROR, SNG_ERROR_CORRUPT);
      if (strstr (error->message, "entry 2:") == NULL && strstr (error->message, "damaged: ") == NULL)
        g_error ("%s: %s", sql[i], error->message);
      g_unlink (fixture->path);
    }
}

/* Rows that were taken out, or put into the place of others, are those of a store that was never sealed. */
static void
test_missing_rows (RunStoreFixture *fixture, gconstpointer data)
{
  static const char *const sql[] = {
    "DELETE FROM entries",
    "DELETE FROM entries WHERE seq = 3",
    "DELETE FROM entries WHERE step = 2",
    "UPDATE entries SET step = 3 WHERE step = 2",
    "UPDATE entries SET maximum = 8.0 WHERE seq = 1",
    "UPDATE entries SET exact = '3ff0000000000000' WHERE seq = 2",
    "UPDATE metrics SET flags = 4",
    "DELETE FROM info",
    "DELETE FROM seal",
    "UPDATE seal SET digest = lower (hex (zeroblob (16)))",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (sql); i++)
    {
      run_store_fill (fixture->path, 2);
      run_store_execute (fixture->path, sql[i]);
      assert_not_opened (fixture->path, SNG_ERROR_CORRUPT, "digest");
      g_unlink (fixture->path);
    }
}

/* Of the information about a run, too, nothing is taken for what it is not. */
static void
test_info (RunStoreFixture *fixture, gconstpointer data)
{
  static const char *const sql[] = {
    "UPDATE info SET value = 'nonsense ['",
    "UPDATE info SET value = CAST (x'27ff27' AS TEXT)",
    "UPDATE info SET value = replace (hex (zeroblob (100000)), '0', '[')",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (sql); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (SngRunStore) store = NULL;

      run_store_fill (fixture->path, 1);
      forge (fixture->path, sql[i]);
      store = sng_run_store_open (fixture->path, &error);
      g_assert_no_error (error);
      g_assert_null (sng_run_store_get_info (store, "name"));
      g_clear_object (&store);
      g_unlink (fixture->path);
    }
}

/* ---- Captured tensors ---- */

static void
test_capture_names (RunStoreFixture *fixture, gconstpointer data)
{
  static const char *const names[] = {
    "../captures/1.safetensors",
    "captures/../../x",
    "/etc/passwd",
    "",
    "captures/",
    "./x",
    "captures//x",
    "..",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *sql = g_strdup_printf ("UPDATE entries SET capture = '%s' WHERE seq = 1", names[i]);
      g_autofree char *dump = NULL;

      run_store_fill (fixture->path, 2);
      forge (fixture->path, sql);
      dump = run_store_dump (fixture->path, &error);
      g_assert_null (dump);
      run_store_assert_refused (error, fixture->path);
      g_assert_nonnull (strstr (error->message, "entry 1: the captured tensor's file"));
      g_assert_nonnull (strstr (error->message, names[i]));
      g_unlink (fixture->path);
    }
}

static void
assert_not_loaded (const char *directory, int code, const char *words)
{
  g_autoptr (SngMetadata) entry = run_store_make_entry (1, 0);
  g_autoptr (GError) error = NULL;
  g_autoptr (SngTensor) tensor = sng_comparison_load_capture (directory, entry, &error);

  g_assert_null (tensor);
  g_assert_error (error, SNG_ERROR, code);
  if (strstr (error->message, words) == NULL || strstr (error->message, directory) == NULL)
    g_error ("%s", error->message);
}

/* The file that is captured is itself in the directory. */
static void
test_capture_links (RunStoreFixture *fixture, gconstpointer data)
{
  g_autofree char *captures = g_build_filename (fixture->directory, "captures", NULL);
  g_autofree char *elsewhere = g_build_filename (fixture->directory, "elsewhere", NULL);
  g_autofree char *target = g_build_filename (elsewhere, "1.safetensors", NULL);
  g_autofree char *name = g_build_filename (captures, "1.safetensors", NULL);
  g_autoptr (SngStateDict) tensors = sng_state_dict_new ();
  const gint64 shape[] = { 1, 3 };
  const double values[] = { 0.0, 1.0, 2.0 };
  g_autoptr (SngTensor) tensor = sng_tensor_new_from_values (SNG_DTYPE_F32, shape, 2, values, 3, NULL);
  g_autoptr (SngMetadata) entry = run_store_make_entry (1, 0);
  g_autoptr (SngTensor) loaded = NULL;
  g_autoptr (GError) error = NULL;

  sng_state_dict_set_tensor (tensors, "tensor", tensor);
  assert_not_loaded (fixture->directory, SNG_ERROR_NOT_FOUND, "missing");

  g_mkdir (elsewhere, 0700);
  sng_safetensors_save (target, tensors, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (symlink (elsewhere, captures), ==, 0);
  assert_not_loaded (fixture->directory, SNG_ERROR_CORRUPT, "symbolic link");
  g_unlink (captures);

  g_mkdir (captures, 0700);
  g_assert_cmpint (symlink (target, name), ==, 0);
  assert_not_loaded (fixture->directory, SNG_ERROR_CORRUPT, "symbolic link");
  g_unlink (name);

  g_assert_cmpint (mkfifo (name, 0600), ==, 0);
  assert_not_loaded (fixture->directory, SNG_ERROR_CORRUPT, "no regular file");
  g_unlink (name);

  /* the same file is fine where it belongs */
  sng_safetensors_save (name, tensors, NULL, &error);
  g_assert_no_error (error);
  loaded = sng_comparison_load_capture (fixture->directory, entry, &error);
  g_assert_no_error (error);
  g_assert_nonnull (loaded);
}

#define add(name, function)                                                                                  \
 g_test_add ("/sng/run-store-damage/" name, RunStoreFixture, NULL, run_store_fixture_set_up, function,       \
             run_store_fixture_tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add ("bits", test_bits);
  add ("lengths", test_lengths);
  add ("log-bits", test_log_bits);
  add ("log-lengths", test_log_lengths);
  add ("log-of-another", test_log_of_another);
  add ("log-with-reader", test_log_with_reader);
  add ("index", test_index);
  add ("foreign", test_foreign);
  add ("companions", test_companions);
  add ("schema", test_schema);
  add ("rows", test_rows);
  add ("missing-rows", test_missing_rows);
  add ("info", test_info);
  add ("capture-names", test_capture_names);
  add ("capture-links", test_capture_links);

  return g_test_run ();
}
