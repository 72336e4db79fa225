/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>

#include <math.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>

#define FINGERPRINT "00112233445566778899aabbccddeeff"

static char *program;

typedef struct
{
  char *directory;
  char *path;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->directory = g_dir_make_tmp ("sng-run-store-XXXXXX", NULL);
  fixture->path = g_build_filename (fixture->directory, "rank-00000.db", NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GDir) dir = g_dir_open (fixture->directory, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (fixture->directory, name, NULL);

      g_unlink (path);
    }
  g_rmdir (fixture->directory);
  g_free (fixture->directory);
  g_free (fixture->path);
}

static SngMetadata *
make_value (const char *metric, guint64 step, const char *path, GVariant *value)
{
  g_autoptr (GError) error = NULL;
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  SngMetadata *entry;

  g_variant_dict_insert (&dict, "metric", "s", metric);
  g_variant_dict_insert (&dict, "stage", "s", "train");
  g_variant_dict_insert (&dict, "step", "t", step);
  g_variant_dict_insert (&dict, "path", "s", path);
  g_variant_dict_insert_value (&dict, "value", value);
  entry = sng_metadata_new (g_variant_dict_end (&dict), &error);
  g_assert_no_error (error);

  return entry;
}

static void
append_value (SngRunStore *store, const char *metric, guint64 step, const char *path, GVariant *value)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngMetadata) entry = make_value (metric, step, path, value);

  sng_run_store_append (store, entry, &error);
  g_assert_no_error (error);
}

static SngRunStore *
create (const char *path)
{
  g_autoptr (GError) error = NULL;
  SngRunStore *store = sng_run_store_create (path, &error);

  g_assert_no_error (error);

  return store;
}

static SngRunStore *
reopen (SngRunStore **store, const char *path)
{
  g_autoptr (GError) error = NULL;
  SngRunStore *opened;

  if (store != NULL)
    {
      sng_run_store_close (*store, &error);
      g_assert_no_error (error);
      g_clear_object (store);
    }

  opened = sng_run_store_open (path, &error);
  g_assert_no_error (error);

  return opened;
}

static GPtrArray *
query (SngRunStore *store, const char *metric, guint64 first_step, guint64 last_step)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *entries = sng_run_store_query (store, metric, first_step, last_step, &error);

  g_assert_no_error (error);

  return entries;
}

static double
double_from_bits (guint64 bits)
{
  double number;

  memcpy (&number, &bits, sizeof number);
  return number;
}

/* What SQLite would turn into something else comes back bit for bit. */
static void
test_exact_values (Fixture *fixture, gconstpointer data)
{
  static const guint64 bits[] = {
    0x0000000000000000, 0x8000000000000000, 0x3ff0000000000000, 0xbff0000000000000, 0x0000000000000001,
    0x3fb999999999999a, 0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000000000, 0xfff8000000000000,
    0x7ff8000000000001, 0x7ff0000000000001, 0x7fefffffffffffff, 0x4340000000000001, 0x43e0000000000000,
  };
  static const char *const texts[] = {
    "int64 -9223372036854775808",
    "int64 9223372036854775807",
    "uint64 18446744073709551615",
    "true",
    "false",
    "''",
    "\"it's\"",
    "'12'",
    "'naïve'",
    "[0.1, -0.0]",
    "(1, 'x', [nan])",
    "{'a': <1>, 'b': <-0.0>}",
    "@ad []",
    "objectpath '/a'",
  };
  g_autoptr (SngRunStore) store = create (fixture->path);
  g_autoptr (SngRunStore) opened = NULL;
  g_autoptr (GPtrArray) entries = NULL;
  g_autoptr (GPtrArray) expected = g_ptr_array_new_with_free_func ((GDestroyNotify) sng_metadata_unref);

  for (gsize i = 0; i < G_N_ELEMENTS (bits); i++)
    g_ptr_array_add (expected, make_value ("M", i, "", g_variant_new_double (double_from_bits (bits[i]))));
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    g_ptr_array_add (expected, make_value ("M", i, "", g_variant_new_parsed (texts[i])));

  for (guint i = 0; i < expected->len; i++)
    sng_run_store_append (store, expected->pdata[i], NULL);

  opened = reopen (&store, fixture->path);
  entries = query (opened, NULL, 0, G_MAXUINT64);
  g_assert_cmpuint (entries->len, ==, expected->len);

  /* the order of recording, not that of the steps */
  for (guint i = 0; i < entries->len; i++)
    {
      GVariant *value = sng_metadata_get_value (entries->pdata[i]);

      g_assert_true (sng_metadata_equal (entries->pdata[i], expected->pdata[i]));
      g_assert_cmpuint (sng_metadata_get_step (entries->pdata[i]), ==,
                        sng_metadata_get_step (expected->pdata[i]));
      if (i < G_N_ELEMENTS (bits))
        {
          double number = g_variant_get_double (value);

          g_assert_cmpmem (&number, sizeof number, &bits[i], sizeof bits[i]);
        }
    }
}

static void
test_tensor (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngRunStore) store = create (fixture->path);
  g_autoptr (SngRunStore) opened = NULL;
  g_autoptr (GPtrArray) entries = NULL;
  g_autoptr (SngMetadata) full = sng_metadata_new (
      g_variant_new_parsed ("{'metric': <'W'>, 'stage': <'validate'>, 'step': <4>, 'path': <'w'>,"
                            " 'micro-batch': <1>, 'rank': <2>, 'dtype': <'BF16'>,"
                            " 'shape': <[3, 0, 5]>, 'fingerprint': <'" FINGERPRINT "'>,"
                            " 'minimum': <-0.0>, 'maximum': <1.0>, 'mean': <0.1>,"
                            " 'non-finite': <3>, 'capture': <'captures/1.safetensors'>}"),
      &error);
  g_autoptr (SngMetadata) scalar = sng_metadata_new (
      g_variant_new_parsed ("{'metric': <'W'>, 'stage': <'train'>, 'step': <5>, 'path': <'s'>,"
                            " 'dtype': <'I64'>, 'shape': <@ax []>,"
                            " 'fingerprint': <'" FINGERPRINT "'>}"),
      &error);
  double minimum, maximum, mean;
  guint64 n_non_finite;
  guint n_dims;

  g_assert_no_error (error);
  sng_run_store_append (store, full, &error);
  sng_run_store_append (store, scalar, &error);
  g_assert_no_error (error);

  opened = reopen (&store, fixture->path);
  entries = query (opened, "W", 0, 10);
  g_assert_cmpuint (entries->len, ==, 2);
  g_assert_true (sng_metadata_equal (entries->pdata[0], full));
  g_assert_true (sng_metadata_equal (entries->pdata[1], scalar));
  g_assert_cmpint (sng_metadata_get_stage (entries->pdata[0]), ==, SNG_STAGE_VALIDATE);
  g_assert_cmpint (sng_metadata_get_micro_batch (entries->pdata[0]), ==, 1);
  g_assert_cmpuint (sng_metadata_get_rank (entries->pdata[0]), ==, 2);
  g_assert_cmpstr (sng_metadata_get_capture (entries->pdata[0]), ==, "captures/1.safetensors");

  sng_metadata_get_summary (entries->pdata[0], &minimum, &maximum, &mean, &n_non_finite);
  g_assert_true (minimum == 0.0 && signbit (minimum));
  g_assert_cmpfloat (maximum, ==, 1.0);
  g_assert_cmpfloat (mean, ==, 0.1);
  g_assert_cmpuint (n_non_finite, ==, 3);

  sng_metadata_get_shape (entries->pdata[1], &n_dims);
  g_assert_cmpuint (n_dims, ==, 0);
  sng_metadata_get_summary (entries->pdata[1], &minimum, NULL, NULL, NULL);
  g_assert_true (isnan (minimum));
}

static void
test_metrics_and_info (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngRunStore) store = create (fixture->path);
  g_autoptr (SngRunStore) opened = NULL;
  g_auto (GStrv) metrics = NULL;
  g_autoptr (GVariant) seed = NULL;
  g_autoptr (GVariant) rate = NULL;
  g_autoptr (GVariant) expected = NULL;

  sng_run_store_declare_metric (store, "Z", SNG_METRIC_NONE, &error);
  sng_run_store_declare_metric (store, "A", SNG_METRIC_PER_RUN, &error);
  append_value (store, "M", 1, "", g_variant_new_int32 (1));
  sng_run_store_declare_metric (store, "Z", SNG_METRIC_PER_RUN | SNG_METRIC_EXPECT_CHANGE, &error);
  g_assert_true (sng_run_store_set_info (store, "seed", g_variant_new_int64 (1), &error));
  g_assert_true (sng_run_store_set_info (store, "seed", g_variant_new_uint64 (G_MAXUINT64), &error));
  g_assert_true (sng_run_store_set_info (store, "rate", g_variant_new_parsed ("[0.1, -0.0]"), &error));
  g_assert_no_error (error);

  opened = reopen (&store, fixture->path);
  metrics = sng_run_store_list_metrics (opened, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_strv_length (metrics), ==, 3);
  g_assert_cmpstr (metrics[0], ==, "Z");
  g_assert_cmpstr (metrics[1], ==, "A");
  g_assert_cmpstr (metrics[2], ==, "M");
  g_assert_cmpint (sng_run_store_get_metric_flags (opened, "Z"), ==,
                   SNG_METRIC_PER_RUN | SNG_METRIC_EXPECT_CHANGE);
  g_assert_cmpint (sng_run_store_get_metric_flags (opened, "A"), ==, SNG_METRIC_PER_RUN);
  g_assert_cmpint (sng_run_store_get_metric_flags (opened, "M"), ==, SNG_METRIC_EXPECT_CHANGE);

  seed = sng_run_store_get_info (opened, "seed");
  g_assert_cmpuint (g_variant_get_uint64 (seed), ==, G_MAXUINT64);
  rate = sng_run_store_get_info (opened, "rate");
  expected = g_variant_ref_sink (g_variant_new_parsed ("[0.1, -0.0]"));
  g_assert_true (g_variant_equal (rate, expected));
  g_assert_null (sng_run_store_get_info (opened, "speed"));
}

static void
test_query (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngRunStore) store = create (fixture->path);
  guint64 first = 99, last = 99;

  g_assert_false (sng_run_store_get_step_range (store, NULL, &first, &last, &error));
  g_assert_no_error (error);

  for (guint step = 3; step <= 7; step++)
    for (guint i = 0; i < 2; i++)
      append_value (store, i == 0 ? "A" : "B", step + 10 * i, "", g_variant_new_uint32 (step));

  /* a writer sees what it has not flushed */
  {
    g_autoptr (GPtrArray) all = query (store, NULL, 0, G_MAXUINT64);
    g_autoptr (GPtrArray) some = query (store, "A", 4, 5);
    g_autoptr (GPtrArray) both = query (store, NULL, 7, 13);
    g_autoptr (GPtrArray) none = query (store, "C", 0, G_MAXUINT64);

    g_assert_cmpuint (all->len, ==, 10);
    g_assert_cmpuint (some->len, ==, 2);
    g_assert_cmpuint (sng_metadata_get_step (some->pdata[0]), ==, 4);
    g_assert_cmpuint (both->len, ==, 2);
    g_assert_cmpstr (sng_metadata_get_metric (both->pdata[0]), ==, "B");
    g_assert_cmpuint (none->len, ==, 0);
  }

  g_assert_true (sng_run_store_get_step_range (store, "B", &first, &last, &error));
  g_assert_cmpuint (first, ==, 13);
  g_assert_cmpuint (last, ==, 17);
  g_assert_true (sng_run_store_get_step_range (store, NULL, &first, NULL, &error));
  g_assert_cmpuint (first, ==, 3);
  g_assert_false (sng_run_store_get_step_range (store, "C", &first, &last, &error));
  g_assert_no_error (error);
}

/* Only what was flushed is visible elsewhere, and a closed store is one file that can be copied. */
static void
test_flush_and_close (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngRunStore) store = create (fixture->path);
  g_autoptr (SngRunStore) reader = NULL;
  g_autoptr (SngRunStore) copied = NULL;
  g_autofree char *copy = g_build_filename (fixture->directory, "copy.db", NULL);
  g_autofree char *contents = NULL;
  g_autofree char *log = g_strconcat (fixture->path, "-wal", NULL);
  gsize length;

  append_value (store, "M", 1, "", g_variant_new_int32 (1));
  g_assert_true (sng_run_store_flush (store, &error));
  g_assert_true (sng_run_store_flush (store, &error));
  append_value (store, "M", 2, "", g_variant_new_int32 (2));

  reader = reopen (NULL, fixture->path);
  {
    g_autoptr (GPtrArray) entries = query (reader, NULL, 0, 10);

    g_assert_cmpuint (entries->len, ==, 1);
  }
  g_assert_true (sng_run_store_close (reader, &error));

  g_assert_true (sng_run_store_close (store, &error));
  g_assert_true (sng_run_store_close (store, &error));
  g_assert_no_error (error);
  g_assert_false (g_file_test (log, G_FILE_TEST_EXISTS));

  g_assert_true (g_file_get_contents (fixture->path, &contents, &length, NULL));
  g_assert_true (g_file_set_contents (copy, contents, (gssize) length, NULL));
  copied = reopen (NULL, copy);
  {
    g_autoptr (GPtrArray) entries = query (copied, NULL, 0, 10);

    g_assert_cmpuint (entries->len, ==, 2);
  }
}

static void
assert_refused (gboolean done, GError *error, SngError code, const char *path, const char *words)
{
  g_assert_false (done);
  g_assert_error (error, SNG_ERROR, (int) code);
  g_assert_true (g_str_has_prefix (error->message, "[record]["));
  g_assert_nonnull (strstr (error->message, path));
  g_assert_nonnull (strstr (error->message, words));
  g_error_free (error);
}

/* A closed store, or one that was opened to be read, is no store to write to. */
static void
test_wrong_use (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngRunStore) store = create (fixture->path);
  g_autoptr (SngRunStore) opened = NULL;
  g_autoptr (SngMetadata) entry = make_value ("M", 1, "", g_variant_new_int32 (1));
  GError *error = NULL;
  gboolean done;

  sng_run_store_close (store, NULL);
  done = sng_run_store_append (store, entry, &error);
  assert_refused (done, g_steal_pointer (&error), SNG_ERROR_INVALID_ARGUMENT, fixture->path, "closed");
  done = sng_run_store_query (store, NULL, 0, 1, &error) != NULL;
  assert_refused (done, g_steal_pointer (&error), SNG_ERROR_INVALID_ARGUMENT, fixture->path, "closed");

  opened = reopen (NULL, fixture->path);
  done = sng_run_store_append (opened, entry, &error);
  assert_refused (done, g_steal_pointer (&error), SNG_ERROR_INVALID_ARGUMENT, fixture->path, "reading");
  done = sng_run_store_set_info (opened, "k", g_variant_new_int32 (1), &error);
  assert_refused (done, g_steal_pointer (&error), SNG_ERROR_INVALID_ARGUMENT, fixture->path, "reading");

  /* nothing is ever overwritten */
  done = sng_run_store_create (fixture->path, &error) != NULL;
  assert_refused (done, g_steal_pointer (&error), SNG_ERROR_INVALID_ARGUMENT, fixture->path, "exists");
  g_assert_true (g_file_test (fixture->path, G_FILE_TEST_EXISTS));
}

static void
execute (const char *path, const char *sql)
{
  sqlite3 *db = NULL;

  g_assert_cmpint (sqlite3_open (path, &db), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
  sqlite3_close (db);
}

static void
fill (const char *path)
{
  g_autoptr (SngRunStore) store = create (path);

  for (guint step = 0; step < 200; step++)
    append_value (store, "M", step, "a path that is long enough to fill some pages",
                  g_variant_new_double (0.1 * step));
}

static void
assert_not_opened (const char *path, SngError code, const char *words)
{
  GError *error = NULL;
  g_autoptr (SngRunStore) store = sng_run_store_open (path, &error);

  assert_refused (store != NULL, error, code, path, words);
}

static void
test_foreign (Fixture *fixture, gconstpointer data)
{
  g_autofree char *missing = g_build_filename (fixture->directory, "missing.db", NULL);
  g_autofree char *text = g_build_filename (fixture->directory, "text.db", NULL);
  g_autofree char *empty = g_build_filename (fixture->directory, "empty.db", NULL);
  g_autofree char *other = g_build_filename (fixture->directory, "other.db", NULL);
  g_autofree char *nowhere = g_build_filename (fixture->directory, "nowhere", "a.db", NULL);
  GError *error = NULL;
  gboolean done;

  assert_not_opened (missing, SNG_ERROR_NOT_FOUND, "no such file");
  assert_not_opened (fixture->directory, SNG_ERROR_INVALID_DATA, "no regular file");

  g_file_set_contents (
      text,
      "This is a letter to nobody, and it is a good deal longer than one hundred bytes, so that "
      "it cannot be taken for the start of a database.",
      -1, NULL);
  assert_not_opened (text, SNG_ERROR_INVALID_DATA, "not a database");

  g_file_set_contents (empty, "", 0, NULL);
  assert_not_opened (empty, SNG_ERROR_INVALID_DATA, "no run store");

  execute (other, "CREATE TABLE entries (x)");
  assert_not_opened (other, SNG_ERROR_INVALID_DATA, "no run store");

  fill (fixture->path);
  execute (fixture->path, "PRAGMA user_version = 1");
  assert_not_opened (fixture->path, SNG_ERROR_MISMATCH, "version 1");

  done = sng_run_store_create (nowhere, &error) != NULL;
  assert_refused (done, error, SNG_ERROR_IO, nowhere, "No such file");
}

static void
damage (const char *path, gsize offset, gsize n_bytes, gsize keep)
{
  g_autofree char *contents = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (path, &contents, &length, NULL));
  g_assert_cmpuint (offset + n_bytes, <=, length);
  memset (contents + offset, 0xa5, n_bytes);
  g_assert_true (g_file_set_contents (path, contents, (gssize) (keep > 0 ? keep : length), NULL));
}

static void
test_damaged (Fixture *fixture, gconstpointer data)
{
  fill (fixture->path);
  damage (fixture->path, 0, 0, 3 * 4096);
  assert_not_opened (fixture->path, SNG_ERROR_CORRUPT, "");
  g_unlink (fixture->path);

  fill (fixture->path);
  damage (fixture->path, 4 * 4096, 4096, 0);
  assert_not_opened (fixture->path, SNG_ERROR_CORRUPT, "");
  g_unlink (fixture->path);

  fill (fixture->path);
  execute (fixture->path, "DROP TABLE metrics");
  assert_not_opened (fixture->path, SNG_ERROR_CORRUPT, "table");
}

/* The child: flushes five steps, writes half of the sixth, tells so and waits to be killed. */
G_NORETURN static void
write_and_wait (const char *path)
{
  g_autoptr (SngRunStore) store = create (path);

  for (guint step = 1; step <= 6; step++)
    {
      append_value (store, "M", step, "", g_variant_new_uint32 (step));
      if (step <= 5)
        sng_run_store_flush (store, NULL);
    }

  g_print ("ready\n");
  for (;;)
    pause ();
}

/* The child: records until no more fits, as on a disk that is full; what was taken back must not go unnoticed at a flush that has room
 * again. */
G_NORETURN static void
write_beyond_limit (const char *path)
{
  g_autoptr (SngRunStore) store = create (path);
  g_autofree char *text = g_strnfill (100000, 'x');
  struct rlimit limit = { 300000, RLIM_INFINITY };
  g_autoptr (GError) error = NULL;
  gboolean failed = FALSE;

  signal (SIGXFSZ, SIG_IGN);
  append_value (store, "M", 1, "", g_variant_new_uint32 (1));
  g_assert_true (sng_run_store_flush (store, NULL));

  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  for (guint step = 2; step < 12 && !failed; step++)
    {
      append_value (store, "M", step, "", g_variant_new_string (text));
      failed = !sng_run_store_flush (store, &error);
    }
  g_assert_error (error, SNG_ERROR, SNG_ERROR_IO);

  limit.rlim_cur = RLIM_INFINITY;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  {
    g_autoptr (SngMetadata) entry = make_value ("M", 20, "", g_variant_new_uint32 (1));
    gboolean appended = sng_run_store_append (store, entry, NULL);

    _exit (sng_run_store_flush (store, NULL) ? (appended ? 10 : 11) : 12);
  }
}

/* Either the step that did not fit is in the store after all, or the writer knows that it is not. */
static void
test_full (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) child =
      g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, &error, program, "--fill", fixture->path, NULL);
  g_autoptr (SngRunStore) store = NULL;
  g_autoptr (GPtrArray) entries = NULL;
  int status;

  g_assert_no_error (error);
  g_assert_true (g_subprocess_wait (child, NULL, NULL));
  status = g_subprocess_get_exit_status (child);
  g_assert_true (status == 10 || status == 12);

  store = reopen (NULL, fixture->path);
  entries = query (store, NULL, 0, G_MAXUINT64);
  g_assert_cmpuint (entries->len, >, 1);
  for (guint i = 0; i < entries->len; i++)
    g_assert_cmpuint (sng_metadata_get_step (entries->pdata[i]), ==,
                      status == 10 && i + 1 == entries->len ? 20 : i + 1);
}

static void
test_killed (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) child =
      g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, program, "--write", fixture->path, NULL);
  g_autoptr (GDataInputStream) output = NULL;
  g_autofree char *line = NULL;
  g_autoptr (SngRunStore) store = NULL;
  g_autoptr (GPtrArray) entries = NULL;

  g_assert_no_error (error);
  output = g_data_input_stream_new (g_subprocess_get_stdout_pipe (child));
  line = g_data_input_stream_read_line (output, NULL, NULL, &error);
  g_assert_cmpstr (line, ==, "ready");
  g_subprocess_force_exit (child);
  g_assert_true (g_subprocess_wait (child, NULL, &error));
  g_assert_true (g_subprocess_get_if_signaled (child));
  g_assert_cmpint (g_subprocess_get_term_sig (child), ==, SIGKILL);

  store = reopen (NULL, fixture->path);
  entries = query (store, "M", 0, G_MAXUINT64);
  g_assert_cmpuint (entries->len, ==, 5);
  g_assert_cmpuint (sng_metadata_get_step (entries->pdata[4]), ==, 5);
}

/* Any tool for SQLite reads the entries. */
static void
test_readable (Fixture *fixture, gconstpointer data)
{
  sqlite3 *db = NULL;
  sqlite3_stmt *statement = NULL;

  fill (fixture->path);
  g_assert_cmpint (sqlite3_open (fixture->path, &db), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_prepare_v2 (db,
                                       "SELECT metric, stage, micro_batch, value FROM entries WHERE step = 1",
                                       -1, &statement, NULL),
                   ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_step (statement), ==, SQLITE_ROW);
  g_assert_cmpstr ((const char *) sqlite3_column_text (statement, 0), ==, "M");
  g_assert_cmpstr ((const char *) sqlite3_column_text (statement, 1), ==, "train");
  g_assert_cmpint (sqlite3_column_int (statement, 2), ==, -1);
  g_assert_cmpfloat (sqlite3_column_double (statement, 3), ==, 0.1);
  g_assert_cmpint (sqlite3_step (statement), ==, SQLITE_DONE);
  sqlite3_finalize (statement);
  sqlite3_close (db);
}

#define add(name, function) g_test_add ("/sng/run-store/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  if (argc == 3 && strcmp (argv[1], "--write") == 0)
    write_and_wait (argv[2]);
  if (argc == 3 && strcmp (argv[1], "--fill") == 0)
    write_beyond_limit (argv[2]);

  g_test_init (&argc, &argv, NULL);
  program = argv[0];

  add ("exact-values", test_exact_values);
  add ("tensor", test_tensor);
  add ("metrics-and-info", test_metrics_and_info);
  add ("query", test_query);
  add ("flush-and-close", test_flush_and_close);
  add ("wrong-use", test_wrong_use);
  add ("foreign", test_foreign);
  add ("damaged", test_damaged);
  add ("full", test_full);
  add ("killed", test_killed);
  add ("readable", test_readable);

  return g_test_run ();
}
