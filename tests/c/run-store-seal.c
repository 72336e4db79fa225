/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "run-store-seal.h"

#include <string.h>

#include "record/sng-row-hash-private.h"

/* Takes the row hash of a query's rows, as the writer does. */
static gboolean
hash_query (sqlite3 *db, SngRowHash *hash, const char *sql)
{
  sqlite3_stmt *statement = NULL;
  int rc = sqlite3_prepare_v2 (db, sql, -1, &statement, NULL);

  while (rc == SQLITE_OK || rc == SQLITE_ROW)
    {
      rc = sqlite3_step (statement);
      if (rc == SQLITE_ROW)
        sng_row_hash_add_row (hash, statement);
    }
  sqlite3_finalize (statement);

  return rc == SQLITE_DONE;
}

static gboolean
write_seal (sqlite3 *db, guint64 n_entries, const char *digest)
{
  sqlite3_stmt *statement = NULL;
  gboolean written = FALSE;

  if (sqlite3_prepare_v2 (db, "UPDATE seal SET entries = ?1, digest = ?2", -1, &statement, NULL) == SQLITE_OK)
    {
      sqlite3_bind_int64 (statement, 1, (gint64) n_entries);
      sqlite3_bind_text (statement, 2, digest, -1, SQLITE_STATIC);
      written = sqlite3_step (statement) == SQLITE_DONE && sqlite3_changes (db) > 0;
    }
  sqlite3_finalize (statement);

  return written;
}

/* The name of the run and whether it is closed stay as they are. */
static gboolean
read_seal (sqlite3 *db, char **run, gboolean *closed)
{
  sqlite3_stmt *statement = NULL;

  if (sqlite3_prepare_v2 (db, "SELECT run, closed FROM seal", -1, &statement, NULL) == SQLITE_OK
      && sqlite3_step (statement) == SQLITE_ROW)
    {
      *run = g_strdup ((const char *) sqlite3_column_text (statement, 0));
      *closed = sqlite3_column_int (statement, 1) != 0;
    }
  sqlite3_finalize (statement);

  return *run != NULL;
}

gboolean
run_store_reseal (sqlite3 *db)
{
  g_autoptr (SngRowHash) entries = sng_row_hash_new ();
  g_autoptr (SngRowHash) registry = sng_row_hash_new ();
  g_autoptr (SngRowHash) whole = sng_row_hash_new ();
  g_autofree char *entries_digest = NULL;
  g_autofree char *registry_digest = NULL;
  g_autofree char *digest = NULL;
  g_autofree char *run = NULL;
  gboolean closed = FALSE;

  if (!hash_query (db, entries, "SELECT * FROM entries ORDER BY seq")
      || !hash_query (db, registry, "SELECT * FROM metrics ORDER BY position")
      || !hash_query (db, registry, "SELECT * FROM info ORDER BY key") || !read_seal (db, &run, &closed))
    return FALSE;

  entries_digest = sng_row_hash_to_string (entries);
  registry_digest = sng_row_hash_to_string (registry);
  sng_row_hash_begin_row (whole);
  sng_row_hash_add_text (whole, 0, run, strlen (run));
  sng_row_hash_add_integer (whole, 1, closed);
  sng_row_hash_add_integer (whole, 2, (gint64) sng_row_hash_get_n_rows (entries));
  sng_row_hash_add_text (whole, 3, entries_digest, strlen (entries_digest));
  sng_row_hash_add_text (whole, 4, registry_digest, strlen (registry_digest));
  sng_row_hash_finish_row (whole);
  digest = sng_row_hash_to_string (whole);

  return write_seal (db, sng_row_hash_get_n_rows (entries), digest);
}
