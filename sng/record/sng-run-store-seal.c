/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#define _GNU_SOURCE /* memmem () */

/* What tells that a store holds everything that was flushed, and as it was: SQLite itself keeps no checksum of its pages. */

#include "record/sng-run-store-private.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "sng-error.h"

/* Pages of 4 KiB each: more than a store has when it is made. */
#define FIRST_PAGES (16 * 4096)

/* All rows of a query. */
static gboolean
hash_rows (SngRunStore *self, SngRowHash *hash, const char *sql, const char *what, GError **error)
{
  sqlite3_stmt *statement = NULL;
  int rc = sqlite3_prepare_v2 (self->db, sql, -1, &statement, NULL);

  while (rc == SQLITE_OK || rc == SQLITE_ROW)
    {
      rc = sqlite3_step (statement);
      if (rc == SQLITE_ROW)
        sng_row_hash_add_row (hash, statement);
    }
  if (rc != SQLITE_DONE)
    sng_run_store_fail (self, what, error);
  sqlite3_finalize (statement);

  return rc == SQLITE_DONE;
}

/* Of the metrics and of what is known about the run: a few rows, some of which are replaced. */
static char *
compute_registry (SngRunStore *self, const char *what, GError **error)
{
  g_autoptr (SngRowHash) hash = sng_row_hash_new ();

  if (!hash_rows (self, hash, "SELECT * FROM metrics ORDER BY position", what, error)
      || !hash_rows (self, hash, "SELECT * FROM info ORDER BY key", what, error))
    return NULL;

  return sng_row_hash_to_string (hash);
}

static char *
combine (const char *run, gboolean closed, SngRowHash *entries, const char *registry)
{
  g_autoptr (SngRowHash) hash = sng_row_hash_new ();
  g_autofree char *digest = sng_row_hash_to_string (entries);

  sng_row_hash_begin_row (hash);
  sng_row_hash_add_text (hash, 0, run, strlen (run));
  sng_row_hash_add_integer (hash, 1, closed);
  sng_row_hash_add_integer (hash, 2, (gint64) sng_row_hash_get_n_rows (entries));
  sng_row_hash_add_text (hash, 3, digest, strlen (digest));
  sng_row_hash_add_text (hash, 4, registry, strlen (registry));
  sng_row_hash_finish_row (hash);

  return sng_row_hash_to_string (hash);
}

gboolean
sng_run_store_seal (SngRunStore *self, gboolean closed, const char *what, GError **error)
{
  sqlite3_stmt *statement = sng_run_store_get_statement (self, STATEMENT_SEAL, what, error);
  g_autofree char *digest = NULL;
  gboolean done;

  if (statement == NULL)
    return FALSE;

  if (self->registry == NULL)
    self->registry = compute_registry (self, what, error);
  if (self->registry == NULL)
    return FALSE;

  digest = combine (self->run, closed, self->hash, self->registry);
  sqlite3_bind_text (statement, 1, self->run, -1, SQLITE_STATIC);
  sqlite3_bind_int (statement, 2, closed);
  sqlite3_bind_int64 (statement, 3, (gint64) sng_row_hash_get_n_rows (self->hash));
  sqlite3_bind_text (statement, 4, digest, -1, SQLITE_STATIC);

  done = sqlite3_step (statement) == SQLITE_DONE || sng_run_store_fail (self, what, error);
  sqlite3_reset (statement);
  sqlite3_clear_bindings (statement);

  return done;
}

typedef struct
{
  char *run;
  gboolean closed;
  guint64 n_entries;
  char *digest;
} Seal;

static void
seal_clear (Seal *seal)
{
  g_free (seal->run);
  g_free (seal->digest);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Seal, seal_clear)

static gboolean
read_seal (SngRunStore *self, Seal *seal, GError **error)
{
  sqlite3_stmt *statement = NULL;
  int rc =
      sqlite3_prepare_v2 (self->db, "SELECT run, closed, entries, digest FROM seal", -1, &statement, NULL);

  if (rc == SQLITE_OK)
    rc = sqlite3_step (statement);
  if (rc == SQLITE_ROW)
    {
      seal->run = g_strdup ((const char *) sqlite3_column_text (statement, 0));
      seal->closed = sqlite3_column_int (statement, 1) != 0;
      seal->n_entries = (guint64) sqlite3_column_int64 (statement, 2);
      seal->digest = g_strdup ((const char *) sqlite3_column_text (statement, 3));
    }
  if (seal->run == NULL || seal->digest == NULL)
    g_set_error (error, SNG_ERROR, SNG_ERROR_CORRUPT, "[record][open] %s: the run store has no digest%s%s",
                 self->path, rc != SQLITE_ROW && rc != SQLITE_DONE ? ": " : "",
                 rc != SQLITE_ROW && rc != SQLITE_DONE ? sqlite3_errmsg (self->db) : "");
  sqlite3_finalize (statement);

  return seal->run != NULL && seal->digest != NULL;
}

/* A log is bound to its database by nothing but its name: one of another database would be taken for this one's, and put its
 * pages before these. The run's name was in the file before there was a log, in one of the first pages, which stay where
 * they are. */
static gboolean
check_same_run (SngRunStore *self, const char *log, const char *run, GError **error)
{
  g_autofree char *pages = g_malloc (FIRST_PAGES);
  int fd = g_open (self->path, O_RDONLY | O_CLOEXEC, 0);
  gssize n_bytes = fd >= 0 ? read (fd, pages, FIRST_PAGES) : -1;

  if (fd >= 0)
    close (fd);
  if (n_bytes >= 0 && g_uuid_string_is_valid (run)
      && memmem (pages, (gsize) n_bytes, run, strlen (run)) != NULL)
    return TRUE;

  g_set_error (error, SNG_ERROR, SNG_ERROR_CORRUPT,
               "[record][open] %s: the log beside it, %s, is that of another run store", self->path, log);
  return FALSE;
}

/* That the log is there which holds what was flushed last, and is this store's. */
static gboolean
check_log (SngRunStore *self, const Seal *seal, GError **error)
{
  g_autofree char *log = g_strconcat (self->path, "-wal", NULL);

  if (self->has_log)
    return sng_run_store_check_log (self, log, error) && check_same_run (self, log, seal->run, error);

  if (seal->closed)
    return TRUE;

  g_set_error (
      error, SNG_ERROR, SNG_ERROR_CORRUPT,
      "[record][open] %s: the run store was not closed, and the log that belongs beside it, %s, is missing",
      self->path, log);
  return FALSE;
}

gboolean
sng_run_store_check_seal (SngRunStore *self, GError **error)
{
  g_autoptr (SngRowHash) entries = sng_row_hash_new ();
  g_auto (Seal) seal = { NULL };
  g_autofree char *registry = NULL;
  g_autofree char *digest = NULL;

  if (!read_seal (self, &seal, error) || !check_log (self, &seal, error)
      || !hash_rows (self, entries, "SELECT * FROM entries ORDER BY seq", "open", error)
      || (registry = compute_registry (self, "open", error)) == NULL)
    return FALSE;

  digest = combine (seal.run, seal.closed, entries, registry);
  if (seal.n_entries == sng_row_hash_get_n_rows (entries) && g_str_equal (digest, seal.digest))
    return TRUE;

  g_set_error (error, SNG_ERROR, SNG_ERROR_CORRUPT,
               "[record][open] %s: the file is damaged: its digest is not that of its contents", self->path);
  return FALSE;
}
