/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What a file must be to be read as a run store. */

#include "record/sng-run-store-private.h"

#include "sng-error.h"

static gboolean
read_number (SngRunStore *self, const char *sql, gint64 *number, GError **error)
{
  sqlite3_stmt *statement = NULL;
  gboolean read;

  read = sqlite3_prepare_v2 (self->db, sql, -1, &statement, NULL) == SQLITE_OK
         && sqlite3_step (statement) == SQLITE_ROW;
  if (read)
    *number = sqlite3_column_int64 (statement, 0);
  else
    sng_run_store_fail (self, "open", error);

  sqlite3_finalize (statement);

  return read;
}

/* A page that is missing or damaged would otherwise show up as an error far away, or not at all. */
static gboolean
check_pages (SngRunStore *self, GError **error)
{
  sqlite3_stmt *statement = NULL;
  gboolean sound = FALSE;

  if (sqlite3_prepare_v2 (self->db, "PRAGMA quick_check (1)", -1, &statement, NULL) == SQLITE_OK
      && sqlite3_step (statement) == SQLITE_ROW)
    {
      const char *answer = (const char *) sqlite3_column_text (statement, 0);

      sound = g_strcmp0 (answer, "ok") == 0;
      if (!sound)
        g_set_error (error, SNG_ERROR, SNG_ERROR_CORRUPT, "[record][open] %s: the file is damaged: %s",
                     self->path, answer);
    }
  else
    {
      sng_run_store_fail (self, "open", error);
    }

  sqlite3_finalize (statement);

  return sound;
}

static gboolean
check_format (SngRunStore *self, GError **error)
{
  gint64 application_id = 0, version = 0, n_tables = 0;

  if (!read_number (self, "PRAGMA application_id", &application_id, error)
      || !read_number (self, "PRAGMA user_version", &version, error)
      || !read_number (self,
                       "SELECT count (*) FROM sqlite_schema WHERE type = 'table' AND name IN ('entries', "
                       "'metrics', 'info')",
                       &n_tables, error))
    return FALSE;

  if (application_id != SNG_RUN_STORE_APPLICATION_ID)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA,
                   "[record][open] %s: this is no run store of libsng", self->path);
      return FALSE;
    }

  if (version != SNG_RUN_STORE_SCHEMA_VERSION)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_MISMATCH,
                   "[record][open] %s: the run store has version %" G_GINT64_FORMAT
                   ", this libsng reads version %d",
                   self->path, version, SNG_RUN_STORE_SCHEMA_VERSION);
      return FALSE;
    }

  if (n_tables != 3)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_CORRUPT,
                   "[record][open] %s: a table of the run store is missing", self->path);
      return FALSE;
    }

  return check_pages (self, error);
}

/**
 * sng_run_store_open:
 * @path: (type filename): a run store's file
 * @error: return location for a #GError
 *
 * Opens a run store to read it. One whose writer was killed holds what was flushed.
 *
 * Returns: (transfer full): the store, or %NULL with %SNG_ERROR_NOT_FOUND when there is
 *   no such file, %SNG_ERROR_INVALID_DATA when it is something else,
 *   %SNG_ERROR_MISMATCH when it was written by a newer libsng,
 *   %SNG_ERROR_CORRUPT when it is damaged, or %SNG_ERROR_IO
 *
 * Since: 1.0
 */
SngRunStore *
sng_run_store_open (const char *path, GError **error)
{
  g_autoptr (SngRunStore) self = NULL;

  g_return_val_if_fail (path != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!g_file_test (path, G_FILE_TEST_IS_REGULAR))
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_FOUND, "[record][open] %s: there is no such file", path);
      return NULL;
    }

  self = g_object_new (SNG_TYPE_RUN_STORE, NULL);
  self->path = g_strdup (path);

  if (sqlite3_open_v2 (path, &self->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
    {
      sng_run_store_fail (self, "open", error);
      return NULL;
    }
  sqlite3_busy_timeout (self->db, 5000);

  if (!check_format (self, error))
    {
      if (error != NULL && g_error_matches (*error, SNG_ERROR, SNG_ERROR_CORRUPT) && self->db != NULL
          && sqlite3_errcode (self->db) == SQLITE_NOTADB)
        (*error)->code = SNG_ERROR_INVALID_DATA;
      return NULL;
    }

  return g_steal_pointer (&self);
}
