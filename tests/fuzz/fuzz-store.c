/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Everything that can be asked of a run store's file. */

#include "fuzz.h"

#include "../c/run-store-seal.h"
#include "record/sng-run-store-private.h"

/* Of a new digest: as much as takes no time. */
#define MAX_INSTRUCTIONS 100000
#define MAX_VALUE_BYTES 1000000

/* What a harness notes about a run. */
static const char *const infos[] = {
  "mode",       "name",     "exp-name",    "num-steps",     "environment",
  "interrupt",  "fault",    "checkpoints", "restored-step", "refused-checkpoints",
  "saved-step", "finished", "n-samples",   "planted",
};

static void
look_at_infos (SngRunStore *store)
{
  for (guint i = 0; i < G_N_ELEMENTS (infos); i++)
    {
      g_autoptr (GVariant) value = sng_run_store_get_info (store, infos[i]);

      if (value == NULL)
        continue;
      g_assert_true (g_variant_is_normal_form (value));
      g_free (g_variant_print (value, TRUE));
    }
}

/* What is read could have been recorded, and its own kind finds it again. */
static void
look_at_entry (SngRunStore *store, SngMetadata *entry)
{
  g_autoptr (GVariant) dictionary = sng_metadata_to_variant (entry);
  g_autoptr (GError) error = NULL;
  g_autoptr (SngMetadata) again = sng_metadata_new (dictionary, &error);
  g_autoptr (GPtrArray) equal = NULL;

  g_assert_no_error (error);
  g_assert_true (sng_metadata_equal (entry, again));
  g_free (sng_metadata_describe (entry));

  equal = sng_run_store_find_equal (store, entry, &error);
  if (equal == NULL)
    fuzz_assert_refused (error);
}

static void
look_at_entries (SngRunStore *store, const char *metric, gsize file_size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) entries = sng_run_store_query (store, metric, 0, G_MAXUINT64, &error);
  guint64 first = 0, last = 0;

  if (entries == NULL)
    {
      fuzz_assert_refused (error);
      return;
    }

  g_assert_no_error (error);
  g_assert_cmpuint (entries->len, <, file_size);
  if (!sng_run_store_get_step_range (store, metric, &first, &last, &error))
    {
      if (error != NULL)
        fuzz_assert_refused (error);
      return;
    }

  g_assert_cmpuint (first, <=, last);
  for (guint i = 0; i < entries->len; i++)
    if (metric == NULL)
      look_at_entry (store, entries->pdata[i]);
}

/* The way that a comparison takes: always forwards. */
static void
walk_steps (SngRunStore *store, gsize file_size)
{
  g_autoptr (GError) error = NULL;
  guint64 step = 0, at_least = 0;
  gsize n_steps = 0;

  while (sng_run_store_find_step (store, at_least, &step, &error))
    {
      g_assert_cmpuint (step, >=, at_least);
      g_assert_cmpuint (n_steps++, <, file_size);
      at_least = step + 1;
    }
  if (error != NULL)
    fuzz_assert_refused (error);
}

static void
audit (SngRunStore *store)
{
  g_autoptr (SngCoverage) coverage = sng_coverage_new (SNG_COVERAGE_POLICY_EXACTLY_ONCE);
  g_autoptr (SngMetricResult) result = NULL;
  g_autoptr (GError) error = NULL;

  sng_coverage_add_segment (coverage, SNG_MODE_CONTINUOUS, store);
  sng_coverage_add_segment (coverage, SNG_MODE_RESUME, store);
  /* Without an error where nothing was recorded that it looks at. */
  result = sng_coverage_audit (coverage, &error);
  if (error != NULL)
    fuzz_assert_refused (error);
  g_assert_true (result == NULL || error == NULL);
}

static void
compare (SngRunStore *store)
{
  g_autoptr (SngComparison) comparison = sng_comparison_new (store);
  g_autoptr (SngReport) report = NULL;
  g_autoptr (GError) error = NULL;

  sng_comparison_add_segment (comparison, SNG_MODE_RESUME, store);
  report = sng_comparison_run (comparison, &error);
  if (report == NULL)
    {
      fuzz_assert_refused (error);
      return;
    }

  g_free (sng_report_to_text (report));
  g_free (sng_report_to_json (report));
  g_free (sng_report_to_junit (report));
}

static int
progress_cb (void *data)
{
  return 1;
}

void
fuzz_reseal_store (const char *path)
{
  g_autofree char *log = g_strconcat (path, "-wal", NULL);
  gboolean has_log = g_file_test (log, G_FILE_TEST_EXISTS);
  sqlite3 *db = NULL;

  if (sqlite3_open_v2 (path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK)
    {
      sqlite3_db_config (db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, has_log, NULL);
      sqlite3_db_config (db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
      sqlite3_db_config (db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
      sqlite3_limit (db, SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES);
      sqlite3_limit (db, SQLITE_LIMIT_WORKER_THREADS, 0);
      sqlite3_progress_handler (db, MAX_INSTRUCTIONS, progress_cb, NULL);
      sqlite3_exec (db, "PRAGMA synchronous = OFF", NULL, NULL, NULL);
      if (!has_log)
        sqlite3_exec (db, "PRAGMA journal_mode = MEMORY", NULL, NULL, NULL);
      run_store_reseal (db);
    }
  sqlite3_close (db);
}

gboolean
fuzz_look_at_store (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngRunStore) store = sng_run_store_open (path, &error);
  g_autofree char *contents = NULL;
  g_auto (GStrv) metrics = NULL;
  gsize file_size;

  if (store == NULL)
    {
      fuzz_assert_refused (error);
      return FALSE;
    }

  g_assert_no_error (error);
  fuzz_note_taken ();
  g_file_get_contents (path, &contents, &file_size, &error);
  g_assert_no_error (error);
  /* One transaction instead of hundreds, so that the fuzzer gets on. */
  g_assert_cmpint (sqlite3_exec (store->db, "BEGIN", NULL, NULL, NULL), ==, SQLITE_OK);

  metrics = sng_run_store_list_metrics (store, &error);
  if (metrics == NULL)
    {
      fuzz_assert_refused (error);
      g_clear_error (&error);
    }
  for (guint i = 0; metrics != NULL && metrics[i] != NULL; i++)
    {
      g_assert_true (g_utf8_validate (metrics[i], -1, NULL));
      sng_run_store_get_metric_flags (store, metrics[i]);
      look_at_entries (store, metrics[i], file_size);
    }

  look_at_entries (store, NULL, file_size);
  look_at_infos (store);
  walk_steps (store, file_size);
  audit (store);
  compare (store);

  g_assert_true (sng_run_store_close (store, &error));
  fuzz_run_show (path);
  fuzz_run_verify (path);

  return TRUE;
}
