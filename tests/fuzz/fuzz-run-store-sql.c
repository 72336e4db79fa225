/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Bytes as SQL that changes a sound run store, which is then read: so the fuzzer gets at rows and tables without
 * knowing what SQLite's pages look like. What the digest tells of is looked at once more with a digest that belongs to it. */

#include "fuzz.h"

#include <sqlite3.h>
#include <string.h>

#define MAX_INSTRUCTIONS 20000

static int
progress_cb (void *data)
{
  return 1;
}

/* Whatever leaves the file, or gives something else each time. */
static int
authorise_cb (void *data,
              int action,
              const char *first,
              const char *second,
              const char *third,
              const char *fourth)
{
  static const char *const pragmas[] = { "writable_schema",           "application_id",      "user_version",
                                         "reverse_unordered_selects", "case_sensitive_like", NULL };

  if (action == SQLITE_ATTACH || action == SQLITE_DETACH || action == SQLITE_CREATE_VTABLE
      || action == SQLITE_DROP_VTABLE)
    return SQLITE_DENY;
  if (action == SQLITE_PRAGMA && !g_strv_contains (pragmas, first))
    return SQLITE_DENY;
  if (action == SQLITE_FUNCTION
      && (g_str_has_prefix (second, "random") || g_str_has_prefix (second, "current_")
          || strstr (second, "date") != NULL || strstr (second, "time") != NULL
          || strstr (second, "julian") != NULL))
    return SQLITE_DENY;

  return SQLITE_OK;
}

static void
change (const char *path, const char *sql)
{
  sqlite3 *db = NULL;

  g_assert_cmpint (sqlite3_open_v2 (path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL), ==,
                   SQLITE_OK);
  sqlite3_limit (db, SQLITE_LIMIT_LENGTH, 65536);
  sqlite3_limit (db, SQLITE_LIMIT_SQL_LENGTH, 16384);
  sqlite3_limit (db, SQLITE_LIMIT_WORKER_THREADS, 0);
  sqlite3_progress_handler (db, MAX_INSTRUCTIONS, progress_cb, NULL);
  sqlite3_set_authorizer (db, authorise_cb, NULL);
  sqlite3_exec (db, "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF", NULL, NULL, NULL);
  sqlite3_exec (db, sql, NULL, NULL, NULL);
  sqlite3_close (db);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  static char *template;
  static gsize template_size;
  g_autofree char *sql = g_strndup ((const char *) data, size);
  g_autofree char *path = NULL;

  if (template == NULL)
    {
      g_autofree char *made = g_build_filename (fuzz_get_directory (), "template.db", NULL);
      g_autoptr (GError) error = NULL;

      fuzz_make_run_store (made);
      g_file_get_contents (made, &template, &template_size, &error);
      g_assert_no_error (error);
    }

  path = fuzz_write ("input.db", template, template_size);
  change (path, sql);
  if (!fuzz_look_at_store (path))
    {
      fuzz_reseal_store (path);
      fuzz_look_at_store (path);
    }

  return 0;
}
