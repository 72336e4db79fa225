/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What a file must be to be read as a run store. */

#include "record/sng-run-store-private.h"

#include "sng-error.h"

/* What SQLite advises for files that may come from anyone, https://sqlite.org/security.html. Values may be as long as the
 * file, since whole arrays are recorded. */
static gboolean
distrust (SngRunStore *self, GError **error)
{
  static const struct
  {
    int option, value;
  } options[] = {
    { SQLITE_DBCONFIG_DEFENSIVE, 1 },
    { SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
    { SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 },
    { SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
    { SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0 },
  };
  static const struct
  {
    int limit, value;
  } limits[] = {
    { SQLITE_LIMIT_SQL_LENGTH, 100000 },  { SQLITE_LIMIT_COLUMN, 100 },
    { SQLITE_LIMIT_EXPR_DEPTH, 20 },      { SQLITE_LIMIT_COMPOUND_SELECT, 3 },
    { SQLITE_LIMIT_VDBE_OP, 25000 },      { SQLITE_LIMIT_FUNCTION_ARG, 8 },
    { SQLITE_LIMIT_ATTACHED, 0 },         { SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50 },
    { SQLITE_LIMIT_VARIABLE_NUMBER, 20 }, { SQLITE_LIMIT_TRIGGER_DEPTH, 1 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (options); i++)
    if (sqlite3_db_config (self->db, options[i].option, options[i].value, NULL) != SQLITE_OK)
      return sng_run_store_fail (self, "open", error);
  for (guint i = 0; i < G_N_ELEMENTS (limits); i++)
    sqlite3_limit (self->db, limits[i].limit, limits[i].value);

  return sqlite3_exec (self->db, "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0", NULL, NULL, NULL)
             == SQLITE_OK
         || sng_run_store_fail (self, "open", error);
}

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

/* A page that is missing or damaged would otherwise show up as an error far away, or not at all; an index that does not agree
 * with its table hides entries. */
static gboolean
check_pages (SngRunStore *self, GError **error)
{
  sqlite3_stmt *statement = NULL;
  gboolean sound = FALSE;

  if (sqlite3_prepare_v2 (self->db, "PRAGMA integrity_check (1)", -1, &statement, NULL) == SQLITE_OK
      && sqlite3_step (statement) == SQLITE_ROW)
    {
      g_autofree char *answer = g_strdup ((const char *) sqlite3_column_text (statement, 0));

      sound = g_strcmp0 (answer, "ok") == 0;
      if (answer != NULL)
        g_strdelimit (answer, "\n", ' ');
      if (!sound)
        {
          g_autofree char *shown = g_utf8_make_valid (answer != NULL ? answer : "", -1);

          g_set_error (error, SNG_ERROR, SNG_ERROR_CORRUPT, "[record][open] %s: the file is damaged: %s",
                       self->path, shown);
        }
    }
  else
    {
      sng_run_store_fail (self, "open", error);
    }

  sqlite3_finalize (statement);

  return sound;
}

/* Nothing but what was made with the store: a view or a trigger in the place of a table would run, columns would be taken for
 * others. */
static gboolean
check_schema (SngRunStore *self, GError **error)
{
  static const char *const sql = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name";
  const char *const *expected = sng_run_store_schema;
  sqlite3_stmt *statement = NULL;
  gboolean same = TRUE;
  int rc = sqlite3_prepare_v2 (self->db, sql, -1, &statement, NULL);

  while (rc == SQLITE_OK || (rc == SQLITE_ROW && same))
    {
      rc = sqlite3_step (statement);
      if (rc == SQLITE_ROW)
        same = *expected != NULL
               && g_strcmp0 ((const char *) sqlite3_column_text (statement, 0), *expected++) == 0;
    }

  if (rc != SQLITE_ROW && rc != SQLITE_DONE)
    same = sng_run_store_fail (self, "open", error);
  else if (!same || *expected != NULL)
    g_set_error (error, SNG_ERROR, SNG_ERROR_CORRUPT,
                 "[record][open] %s: the tables are not those of a run store", self->path);
  sqlite3_finalize (statement);

  return same && *expected == NULL;
}

/* What is at no step would be found by no query. */
static gboolean
check_steps (SngRunStore *self, GError **error)
{
  gint64 n_nowhere = 0;

  if (!read_number (self, "SELECT count (*) FROM entries WHERE step < 0 OR step > 9223372036854775807",
                    &n_nowhere, error))
    return FALSE;

  if (n_nowhere > 0)
    g_set_error (error, SNG_ERROR, SNG_ERROR_CORRUPT,
                 "[record][open] %s: the file is damaged: %" G_GINT64_FORMAT " entries belong to no step",
                 self->path, n_nowhere);

  return n_nowhere == 0;
}

static gboolean
check_format (SngRunStore *self, GError **error)
{
  gint64 application_id = 0, version = 0;

  if (!read_number (self, "PRAGMA application_id", &application_id, error)
      || !read_number (self, "PRAGMA user_version", &version, error))
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

  return check_schema (self, error) && check_pages (self, error) && sng_run_store_check_seal (self, error)
         && check_steps (self, error);
}

/* In one transaction, so that a writer at work changes nothing in between. */
static gboolean
check (SngRunStore *self, GError **error)
{
  gboolean sound;

  if (sqlite3_exec (self->db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK)
    return sng_run_store_fail (self, "open", error);

  sound = check_format (self, error);
  if (!sound && error != NULL && sqlite3_errcode (self->db) == SQLITE_NOTADB)
    (*error)->code = SNG_ERROR_INVALID_DATA;
  sqlite3_exec (self->db, "COMMIT", NULL, NULL, NULL);

  return sound;
}

static gboolean
has_log (const char *path)
{
  g_autofree char *log = g_strconcat (path, "-wal", NULL);

  return g_file_test (log, G_FILE_TEST_EXISTS);
}

/* A store has no log only when its writer has ended; SQLite would make an empty one for a store that was copied without its own,
 * and nobody could tell the next time. */
static gboolean
connect_to_read (SngRunStore *self, GError **error)
{
  g_autofree char *escaped = g_uri_escape_string (self->path, "/", FALSE);
  g_autofree char *uri =
      g_strconcat (*escaped == '/' ? "file://" : "file:", escaped, self->has_log ? "" : "?immutable=1", NULL);

  return sqlite3_open_v2 (uri, &self->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI, NULL)
             == SQLITE_OK
         || sng_run_store_fail (self, "open", error);
}

/**
 * sng_run_store_open:
 * @path: (type filename): a run store's file
 * @error: return location for a #GError
 *
 * Opens a run store to read it. One whose writer was killed holds what was flushed.
 *
 * All of it is read once and held against its digest, so a store that is opened holds exactly what was
 * recorded. It may come from anywhere: nothing in it is executed, and nothing beside it is opened but
 * the files of SQLite (`-wal`, `-shm`), where they are regular files.
 *
 * Returns: (transfer full): the store, or %NULL with %SNG_ERROR_NOT_FOUND when there is
 *   no such file, %SNG_ERROR_INVALID_DATA when it is something else,
 *   %SNG_ERROR_MISMATCH when it was written by another version of libsng,
 *   %SNG_ERROR_CORRUPT when it, or the log beside it, is damaged, or %SNG_ERROR_IO
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
      gboolean exists = g_file_test (path, G_FILE_TEST_EXISTS);

      g_set_error (error, SNG_ERROR, exists ? SNG_ERROR_INVALID_DATA : SNG_ERROR_NOT_FOUND,
                   "[record][open] %s: %s", path,
                   exists ? "this is no regular file, and so no run store" : "there is no such file");
      return NULL;
    }

  self = g_object_new (SNG_TYPE_RUN_STORE, NULL);
  self->path = g_strdup (path);
  if (!sng_run_store_check_companions (self, error))
    return NULL;

  self->has_log = has_log (path);
  if (!connect_to_read (self, error))
    return NULL;
  sqlite3_busy_timeout (self->db, 5000);

  if (!distrust (self, error) || !check (self, error))
    return NULL;

  return g_steal_pointer (&self);
}
