/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "record/sng-run-store-private.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "sng-error.h"

/* How many pages the log may hold before they are moved into the file: a move waits for the disk. */
#define LOG_PAGES 4096

/* The columns that hold numbers have no type: SQLite would turn 1.0 and -0.0 into integers. It always turns NaN into NULL,
 * so a number's bits stand in "exact". */
const char *const sng_run_store_schema[] = {
  ("CREATE TABLE entries (seq INTEGER PRIMARY KEY, metric TEXT NOT NULL, stage TEXT NOT NULL, step INTEGER "
   "NOT NULL,"
   " micro_batch INTEGER NOT NULL, rank INTEGER NOT NULL, path TEXT NOT NULL, type TEXT, value, exact TEXT,"
   " dtype TEXT, shape TEXT, fingerprint TEXT, minimum, maximum, mean, non_finite INTEGER, capture TEXT)"),
  "CREATE INDEX entries_by_step ON entries (step)",
  "CREATE TABLE info (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
  "CREATE TABLE metrics (position INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, flags INTEGER NOT NULL)",
  ("CREATE TABLE seal (id INTEGER PRIMARY KEY, run TEXT NOT NULL, closed INTEGER NOT NULL, entries INTEGER "
   "NOT NULL, digest TEXT NOT NULL)"),
  NULL,
};

static const char *const statements[N_STATEMENTS] = {
  [STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
  [STATEMENT_COMMIT] = "COMMIT",
  [STATEMENT_APPEND] = "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
  [STATEMENT_DECLARE] = ("INSERT INTO metrics (name, flags) VALUES (?1, ?2)"
                         " ON CONFLICT (name) DO UPDATE SET flags = ?2"),
  [STATEMENT_LIST_METRICS] = "SELECT name FROM metrics ORDER BY position",
  [STATEMENT_GET_FLAGS] = "SELECT flags FROM metrics WHERE name = ?1",
  [STATEMENT_SET_INFO] = "INSERT OR REPLACE INTO info VALUES (?1, ?2)",
  [STATEMENT_GET_INFO] = "SELECT value FROM info WHERE key = ?1",
  [STATEMENT_QUERY] =
      "SELECT * FROM entries WHERE step BETWEEN ?1 AND ?2 AND (?3 IS NULL OR metric = ?3) ORDER BY seq",
  [STATEMENT_FIND_EQUAL] =
      ("SELECT * FROM entries WHERE metric = ?1 AND stage = ?2 AND rank = ?3 AND path = ?4"
       " AND fingerprint IS ?5 ORDER BY seq"),
  /* of one aggregate each, so that both are looked up in the index: together they scan the table */
  [STATEMENT_STEP_RANGE] = "SELECT (SELECT min (step) FROM entries WHERE ?1 IS NULL OR metric = ?1),"
                           " (SELECT max (step) FROM entries WHERE ?1 IS NULL OR metric = ?1)",
  [STATEMENT_SEAL] = "INSERT OR REPLACE INTO seal VALUES (1, ?1, ?2, ?3, ?4)",
  [STATEMENT_FIND_STEP] = "SELECT min (step) FROM entries WHERE step >= ?1",
};

/**
 * SngRunStore:
 *
 * The entries of one run, in one SQLite file.
 *
 * Each entry is a row of the table `entries`, with the metric, the place and what
 * was recorded in columns of their own, so any tool for SQLite can read it. Every
 * value comes back bit for bit: beside a number, `exact` holds its bits.
 * The table `metrics` says how each metric is judged, `info` holds what else is to
 * be known about the run.
 *
 * What is appended is kept once [method@Sng.RunStore.flush] has returned: it then
 * survives the end of the process by any signal, at any moment. It stands in a log beside the file
 * first, of the file's name and `-wal`, which belongs to it until the store is closed:
 * without it a store is refused. [method@Sng.RunStore.close] leaves one plain file behind that may be copied.
 *
 * A flush does not wait for the disk. When the machine itself goes down, what is kept is what
 * [method@Sng.RunStore.close] has closed, or what was moved from the log into the file, about every 16 MiB; of
 * what was flushed since, the last steps may be lost, or the store be refused as damaged.
 *
 * SQLite has no checksums, so the table `seal` holds a digest of all the others, renewed at each flush and checked when the
 * store is opened: one that was damaged, or changed by another tool, is refused and never
 * compared. This tells accidents, not forgery: whoever may write the file may write the digest, too.
 *
 * A store is written by the one that created it, and must be used by one thread at
 * a time. Other processes may read it meanwhile.
 *
 * ```c
 * g_autoptr (SngRunStore) store = sng_run_store_open ("continuous/rank-00000.db", &error);
 * g_autoptr (GPtrArray) entries = sng_run_store_query (store, "TrainLoss", 1, 10, &error);
 * ```
 *
 * Since: 1.0
 */
G_DEFINE_FINAL_TYPE (SngRunStore, sng_run_store, G_TYPE_OBJECT)

gboolean
sng_run_store_fail (SngRunStore *self, const char *what, GError **error)
{
  int rc = self->db != NULL ? sqlite3_errcode (self->db) : SQLITE_NOMEM;
  SngError code = rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB ? SNG_ERROR_CORRUPT : SNG_ERROR_IO;
  /* It may quote what is in a damaged file. */
  g_autofree char *message =
      g_utf8_make_valid (self->db != NULL ? sqlite3_errmsg (self->db) : "out of memory", -1);

  g_set_error (error, SNG_ERROR, code, "[record][%s] %s: %s", what, self->path, message);
  return FALSE;
}

gboolean
sng_run_store_check_open (SngRunStore *self, const char *what, gboolean to_write, GError **error)
{
  if (self->db != NULL && (self->writable || !to_write))
    return TRUE;

  g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT, "[record][%s] %s: the run store %s", what,
               self->path, self->db == NULL ? "is closed" : "was opened for reading");
  return FALSE;
}

/* The statement, ready for its parameters. */
sqlite3_stmt *
sng_run_store_get_statement (SngRunStore *self, StatementId id, const char *what, GError **error)
{
  if (self->prepared[id] == NULL
      && sqlite3_prepare_v3 (self->db, statements[id], -1, SQLITE_PREPARE_PERSISTENT, &self->prepared[id],
                             NULL)
             != SQLITE_OK)
    {
      sng_run_store_fail (self, what, error);
      return NULL;
    }

  return self->prepared[id];
}

gboolean
sng_run_store_finish_statement (SngRunStore *self, sqlite3_stmt *statement, const char *what, GError **error)
{
  int rc = sqlite3_step (statement);
  gboolean done = rc == SQLITE_DONE || sng_run_store_fail (self, what, error);

  sqlite3_reset (statement);

  return done;
}

static gboolean
run_statement (SngRunStore *self, StatementId id, const char *what, GError **error)
{
  sqlite3_stmt *statement = sng_run_store_get_statement (self, id, what, error);

  return statement != NULL && sng_run_store_finish_statement (self, statement, what, error);
}

static gboolean
execute (SngRunStore *self, const char *sql, const char *what, GError **error)
{
  return sqlite3_exec (self->db, sql, NULL, NULL, NULL) == SQLITE_OK
         || sng_run_store_fail (self, what, error);
}

/* SQLite takes a transaction back by itself after some errors, such as a full disk. What was appended to it is lost then, and must
 * not be missing in a store that goes on. */
static gboolean
check_transaction (SngRunStore *self, const char *what, GError **error)
{
  if (!self->in_transaction || !sqlite3_get_autocommit (self->db))
    return TRUE;

  g_set_error (error, SNG_ERROR, SNG_ERROR_IO,
               "[record][%s] %s: what was recorded since the last flush is lost after an earlier error", what,
               self->path);
  return FALSE;
}

gboolean
sng_run_store_ensure_transaction (SngRunStore *self, const char *what, GError **error)
{
  if (self->in_transaction)
    return check_transaction (self, what, error);

  self->in_transaction = run_statement (self, STATEMENT_BEGIN, what, error);

  return self->in_transaction;
}

/* Ends with what is appended being durable in the sense of flush. */
static gboolean
commit (SngRunStore *self, gboolean closed, const char *what, GError **error)
{
  if (!check_transaction (self, what, error) || !sng_run_store_seal (self, closed, what, error)
      || !run_statement (self, STATEMENT_COMMIT, what, error))
    return FALSE;

  self->in_transaction = FALSE;

  return TRUE;
}

/* Moves a log that has grown long into the file. It is emptied, not begun anew from its start, so that nothing is ever written over:
 * see sng_run_store_check_log (). While somebody reads it stays as it is, and the next commit tries again. */
static int
move_log (gpointer data, sqlite3 *db, const char *name, int n_pages)
{
  if (n_pages >= LOG_PAGES)
    sqlite3_wal_checkpoint_v2 (db, name, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);

  return SQLITE_OK;
}

static void
disconnect (SngRunStore *self)
{
  for (guint i = 0; i < N_STATEMENTS; i++)
    g_clear_pointer (&self->prepared[i], sqlite3_finalize);

  g_clear_pointer (&self->db, sqlite3_close);
}

static void
sng_run_store_finalize (GObject *object)
{
  SngRunStore *self = SNG_RUN_STORE (object);
  g_autoptr (GError) error = NULL;

  if (!sng_run_store_close (self, &error))
    g_warning ("%s", error->message);

  g_clear_pointer (&self->metrics, g_hash_table_unref);
  g_clear_pointer (&self->hash, sng_row_hash_free);
  g_free (self->registry);
  g_free (self->run);
  g_clear_pointer (&self->path, g_free);

  G_OBJECT_CLASS (sng_run_store_parent_class)->finalize (object);
}

static void
sng_run_store_class_init (SngRunStoreClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sng_run_store_finalize;
}

static void
sng_run_store_init (SngRunStore *self)
{
  self->next_seq = 1;
}

/* All of it in one transaction of the file itself, before there is a log: see check_same_run (). */
static gboolean
create_tables (SngRunStore *self, GError **error)
{
  g_autofree char *sql = g_strdup_printf ("PRAGMA synchronous = NORMAL; BEGIN;"
                                          "PRAGMA application_id = %d; PRAGMA user_version = %d;",
                                          SNG_RUN_STORE_APPLICATION_ID, SNG_RUN_STORE_SCHEMA_VERSION);

  if (!execute (self, sql, "create", error))
    return FALSE;

  for (const char *const *table = sng_run_store_schema; *table != NULL; table++)
    if (!execute (self, *table, "create", error))
      return FALSE;

  self->in_transaction = TRUE;

  return commit (self, FALSE, "create", error);
}

static gboolean
set_up (SngRunStore *self, GError **error)
{
  if (sqlite3_open_v2 (self->path, &self->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
    return sng_run_store_fail (self, "create", error);

  sqlite3_extended_result_codes (self->db, FALSE);

  /* Pages that are written before they are committed would be written over. The log is there once something was read. */
  if (!create_tables (self, error)
      || !execute (self,
                   "PRAGMA journal_mode = WAL; PRAGMA journal_size_limit = 0; PRAGMA cache_spill = OFF;"
                   "SELECT id FROM seal",
                   "create", error))
    return FALSE;
  sqlite3_wal_hook (self->db, move_log, NULL);

  return TRUE;
}

/**
 * sng_run_store_create:
 * @path: (type filename): the file to make; its directory must exist
 * @error: return location for a #GError
 *
 * Makes a new run store to write to.
 *
 * Returns: (transfer full): the store, or %NULL with %SNG_ERROR_INVALID_ARGUMENT when
 *   the file exists, which is never overwritten, or with %SNG_ERROR_IO
 *
 * Since: 1.0
 */
SngRunStore *
sng_run_store_create (const char *path, GError **error)
{
  g_autoptr (SngRunStore) self = NULL;
  int fd;

  g_return_val_if_fail (path != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  fd = g_open (path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
  if (fd < 0)
    {
      int saved_errno = errno;

      g_set_error (error, SNG_ERROR, saved_errno == EEXIST ? SNG_ERROR_INVALID_ARGUMENT : SNG_ERROR_IO,
                   "[record][create] %s: %s", path,
                   saved_errno == EEXIST ? "the file exists already, and a run is never overwritten"
                                         : g_strerror (saved_errno));
      return NULL;
    }
  close (fd);

  self = g_object_new (SNG_TYPE_RUN_STORE, NULL);
  self->path = g_strdup (path);
  self->writable = TRUE;
  self->metrics = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->hash = sng_row_hash_new ();
  self->run = g_uuid_string_random ();

  if (!set_up (self, error))
    {
      disconnect (self);
      g_unlink (path);
      return NULL;
    }

  return g_steal_pointer (&self);
}

/**
 * sng_run_store_get_path:
 * @self: a run store
 *
 * Gets the name of the file.
 *
 * Returns: (transfer none) (type filename): the path that was given
 *
 * Since: 1.0
 */
const char *
sng_run_store_get_path (SngRunStore *self)
{
  g_return_val_if_fail (SNG_IS_RUN_STORE (self), NULL);

  return self->path;
}

guint64
sng_run_store_get_next_seq (SngRunStore *self)
{
  return self->next_seq;
}

/**
 * sng_run_store_flush:
 * @self: a run store to write to
 * @error: return location for a #GError
 *
 * Commits what was appended, declared and set since the last time. From then on it
 * survives the end of the process, however it comes.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
sng_run_store_flush (SngRunStore *self, GError **error)
{
  g_return_val_if_fail (SNG_IS_RUN_STORE (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return sng_run_store_check_open (self, "flush", TRUE, error)
         && (!self->in_transaction || commit (self, FALSE, "flush", error));
}

/**
 * sng_run_store_close:
 * @self: a run store
 * @error: return location for a #GError
 *
 * Commits what is left and closes the file. It is then complete by itself:
 * no file beside it is needed. Closing twice does nothing; the last unref closes, too.
 *
 * Returns: %TRUE, or %FALSE with @error set; the store is closed all the same
 *
 * Since: 1.0
 */
gboolean
sng_run_store_close (SngRunStore *self, GError **error)
{
  gboolean closed = TRUE;

  g_return_val_if_fail (SNG_IS_RUN_STORE (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (self->db != NULL && self->writable)
    {
      closed = sng_run_store_ensure_transaction (self, "close", error) && commit (self, TRUE, "close", error);

      for (guint i = 0; i < N_STATEMENTS; i++)
        g_clear_pointer (&self->prepared[i], sqlite3_finalize);

      /* Moves the log into the file and removes it. A reader at work is no error: then the log stays beside the file. What is left
       * to write is one page; a journal of that on the disk, left by a kill, could not be undone by those who only read. */
      if (closed && sqlite3_exec (self->db, "PRAGMA journal_mode = MEMORY", NULL, NULL, NULL) != SQLITE_OK
          && sqlite3_errcode (self->db) != SQLITE_BUSY && sqlite3_errcode (self->db) != SQLITE_LOCKED)
        closed = sng_run_store_fail (self, "close", error);
    }

  disconnect (self);

  return closed;
}

/**
 * sng_run_store_declare_metric:
 * @self: a run store to write to
 * @metric: the metric's name, not empty
 * @flags: how it is judged
 * @error: return location for a #GError
 *
 * Notes that a metric is going to be recorded, so that one of which nothing
 * was recorded can be told from one that nobody asked for. A second declaration
 * changes the flags.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
sng_run_store_declare_metric (SngRunStore *self, const char *metric, SngMetricFlags flags, GError **error)
{
  sqlite3_stmt *statement;

  g_return_val_if_fail (SNG_IS_RUN_STORE (self), FALSE);
  g_return_val_if_fail (metric != NULL && *metric != '\0', FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!sng_run_store_check_open (self, "declare", TRUE, error)
      || !sng_run_store_ensure_transaction (self, "declare", error))
    return FALSE;

  statement = sng_run_store_get_statement (self, STATEMENT_DECLARE, "declare", error);
  if (statement == NULL)
    return FALSE;

  sqlite3_bind_text (statement, 1, metric, -1, SQLITE_STATIC);
  sqlite3_bind_int64 (statement, 2, flags);
  if (!sng_run_store_finish_statement (self, statement, "declare", error))
    return FALSE;

  g_clear_pointer (&self->registry, g_free);
  g_hash_table_add (self->metrics, g_strdup (metric));
  return TRUE;
}

/**
 * sng_run_store_set_info:
 * @self: a run store to write to
 * @key: what it is about
 * @value: the value, of any type; a floating reference is taken
 * @error: return location for a #GError
 *
 * Notes something about the run as a whole. A second value for a key replaces the first.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
sng_run_store_set_info (SngRunStore *self, const char *key, GVariant *value, GError **error)
{
  g_autoptr (GVariant) owned = NULL;
  g_autofree char *text = NULL;
  sqlite3_stmt *statement;

  g_return_val_if_fail (SNG_IS_RUN_STORE (self), FALSE);
  g_return_val_if_fail (key != NULL, FALSE);
  g_return_val_if_fail (value != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  owned = g_variant_ref_sink (value);

  if (!sng_run_store_check_open (self, "info", TRUE, error)
      || !sng_run_store_ensure_transaction (self, "info", error))
    return FALSE;

  statement = sng_run_store_get_statement (self, STATEMENT_SET_INFO, "info", error);
  if (statement == NULL)
    return FALSE;

  g_clear_pointer (&self->registry, g_free);
  text = g_variant_print (owned, TRUE);
  sqlite3_bind_text (statement, 1, key, -1, SQLITE_STATIC);
  sqlite3_bind_text (statement, 2, text, -1, SQLITE_STATIC);

  return sng_run_store_finish_statement (self, statement, "info", error);
}
