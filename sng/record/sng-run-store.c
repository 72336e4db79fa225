/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "record/sng-run-store-private.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "record/sng-metadata-private.h"
#include "record/sng-number-private.h"
#include "sng-error.h"

/* How many pages the log may hold before they are moved into the database: a move waits for the disk. */
#define CHECKPOINT_PAGES 4096

/* The columns that hold numbers have no type: SQLite would turn 1.0 and -0.0 into integers. It always turns NaN into NULL,
 * so a number's bits stand in "exact". */
#define SCHEMA                                                                                               \
 "CREATE TABLE entries (seq INTEGER PRIMARY KEY, metric TEXT NOT NULL, stage TEXT NOT NULL, step INTEGER "   \
 "NOT NULL,"                                                                                                 \
 " micro_batch INTEGER NOT NULL, rank INTEGER NOT NULL, path TEXT NOT NULL, type TEXT, value, exact TEXT,"   \
 " dtype TEXT, shape TEXT, fingerprint TEXT, minimum, maximum, mean, non_finite INTEGER, capture TEXT);"     \
 "CREATE INDEX entries_by_step ON entries (step);"                                                           \
 "CREATE TABLE metrics (position INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, flags INTEGER NOT NULL);"   \
 "CREATE TABLE info (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"

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
 * survives the end of the process by any signal. [method@Sng.RunStore.close] leaves one plain file
 * behind that may be copied.
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

  g_set_error (error, SNG_ERROR, code, "[record][%s] %s: %s", what, self->path,
               self->db != NULL ? sqlite3_errmsg (self->db) : "out of memory");
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

/* Runs a statement that yields no rows, and makes it ready again. */
static gboolean
finish_statement (SngRunStore *self, sqlite3_stmt *statement, const char *what, GError **error)
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

  return statement != NULL && finish_statement (self, statement, what, error);
}

static gboolean
execute (SngRunStore *self, const char *sql, const char *what, GError **error)
{
  return sqlite3_exec (self->db, sql, NULL, NULL, NULL) == SQLITE_OK
         || sng_run_store_fail (self, what, error);
}

/* SQLite ends a transaction by itself after some errors, so the connection is asked and no flag kept. */
static gboolean
ensure_transaction (SngRunStore *self, const char *what, GError **error)
{
  return !sqlite3_get_autocommit (self->db) || run_statement (self, STATEMENT_BEGIN, what, error);
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

static gboolean
set_up (SngRunStore *self, GError **error)
{
  g_autofree char *sql =
      g_strdup_printf ("PRAGMA application_id = %d; PRAGMA user_version = %d;"
                       "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                       "PRAGMA wal_autocheckpoint = %d; BEGIN; " SCHEMA " COMMIT;",
                       SNG_RUN_STORE_APPLICATION_ID, SNG_RUN_STORE_SCHEMA_VERSION, CHECKPOINT_PAGES);

  if (sqlite3_open_v2 (self->path, &self->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
    return sng_run_store_fail (self, "create", error);

  sqlite3_extended_result_codes (self->db, FALSE);

  return execute (self, sql, "create", error);
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

static void
bind_text (sqlite3_stmt *statement, int column, const char *text)
{
  sqlite3_bind_text (statement, column + 1, text, -1, SQLITE_STATIC);
}

/* What a container holds, byte by byte in little-endian order. */
static char *
dup_hex (GVariant *value)
{
  static const char digits[] = "0123456789abcdef";
  g_autoptr (GVariant) little =
      G_BYTE_ORDER == G_LITTLE_ENDIAN ? g_variant_ref (value) : g_variant_byteswap (value);
  const guint8 *data = g_variant_get_data (little);
  gsize size = g_variant_get_size (little);
  char *hex = g_malloc (2 * size + 1);

  for (gsize i = 0; i < size; i++)
    {
      hex[2 * i] = digits[data[i] >> 4];
      hex[2 * i + 1] = digits[data[i] & 15];
    }
  hex[2 * size] = '\0';

  return hex;
}

static void
bind_value (sqlite3_stmt *statement, GVariant *value)
{
  char bits[17];

  bind_text (statement, COLUMN_TYPE, g_variant_get_type_string (value));

  switch (g_variant_classify (value))
    {
    case G_VARIANT_CLASS_DOUBLE:
      g_snprintf (bits, sizeof bits, "%016" G_GINT64_MODIFIER "x",
                  sng_number_get_bits (g_variant_get_double (value)));
      sqlite3_bind_double (statement, COLUMN_VALUE + 1, g_variant_get_double (value));
      sqlite3_bind_text (statement, COLUMN_EXACT + 1, bits, 16, SQLITE_TRANSIENT);
      break;
    case G_VARIANT_CLASS_INT64:
      sqlite3_bind_int64 (statement, COLUMN_VALUE + 1, g_variant_get_int64 (value));
      break;
    case G_VARIANT_CLASS_BOOLEAN:
      sqlite3_bind_int (statement, COLUMN_VALUE + 1, g_variant_get_boolean (value));
      break;
    case G_VARIANT_CLASS_STRING:
      bind_text (statement, COLUMN_VALUE, g_variant_get_string (value, NULL));
      break;
    default:
      sqlite3_bind_text (statement, COLUMN_VALUE + 1, g_variant_print (value, FALSE), -1, g_free);
      sqlite3_bind_text (statement, COLUMN_EXACT + 1, dup_hex (value), -1, g_free);
      break;
    }
}

static void
bind_tensor (sqlite3_stmt *statement, SngMetadata *entry)
{
  g_autoptr (GString) shape = g_string_new (NULL);

  for (guint i = 0; i < entry->n_dims; i++)
    g_string_append_printf (shape, "%s%" G_GINT64_FORMAT, i > 0 ? "," : "", entry->shape[i]);

  bind_text (statement, COLUMN_DTYPE, sng_dtype_get_name (entry->dtype));
  sqlite3_bind_text (statement, COLUMN_SHAPE + 1, shape->str, (int) shape->len, SQLITE_TRANSIENT);
  bind_text (statement, COLUMN_FINGERPRINT, entry->fingerprint);
  sqlite3_bind_double (statement, COLUMN_MINIMUM + 1, entry->minimum);
  sqlite3_bind_double (statement, COLUMN_MAXIMUM + 1, entry->maximum);
  sqlite3_bind_double (statement, COLUMN_MEAN + 1, entry->mean);
  sqlite3_bind_int64 (statement, COLUMN_NON_FINITE + 1, (gint64) entry->n_non_finite);
  if (entry->capture != NULL)
    bind_text (statement, COLUMN_CAPTURE, entry->capture);
}

/**
 * sng_run_store_append:
 * @self: a run store to write to
 * @entry: an entry
 * @error: return location for a #GError
 *
 * Appends an entry. It is lost when the process ends before
 * [method@Sng.RunStore.flush].
 *
 * A metric that was not declared is declared by its first entry, as one that is expected
 * to change.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
sng_run_store_append (SngRunStore *self, SngMetadata *entry, GError **error)
{
  sqlite3_stmt *statement;

  g_return_val_if_fail (SNG_IS_RUN_STORE (self), FALSE);
  g_return_val_if_fail (entry != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!sng_run_store_check_open (self, "append", TRUE, error) || !ensure_transaction (self, "append", error))
    return FALSE;

  if (!g_hash_table_contains (self->metrics, entry->metric)
      && !sng_run_store_declare_metric (self, entry->metric, SNG_METRIC_EXPECT_CHANGE, error))
    return FALSE;

  statement = sng_run_store_get_statement (self, STATEMENT_APPEND, "append", error);
  if (statement == NULL)
    return FALSE;

  sqlite3_clear_bindings (statement);
  sqlite3_bind_int64 (statement, COLUMN_SEQ + 1, (gint64) self->next_seq);
  bind_text (statement, COLUMN_METRIC, entry->metric);
  bind_text (statement, COLUMN_STAGE, sng_stage_to_string (entry->stage));
  sqlite3_bind_int64 (statement, COLUMN_STEP + 1, (gint64) entry->step);
  sqlite3_bind_int64 (statement, COLUMN_MICRO_BATCH + 1, entry->micro_batch);
  sqlite3_bind_int64 (statement, COLUMN_RANK + 1, entry->rank);
  bind_text (statement, COLUMN_PATH, entry->path);
  if (entry->value != NULL)
    bind_value (statement, entry->value);
  else
    bind_tensor (statement, entry);

  if (!finish_statement (self, statement, "append", error))
    return FALSE;

  self->next_seq++;
  return TRUE;
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
         && (sqlite3_get_autocommit (self->db) || run_statement (self, STATEMENT_COMMIT, "flush", error));
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
      closed = sng_run_store_flush (self, error);

      for (guint i = 0; i < N_STATEMENTS; i++)
        g_clear_pointer (&self->prepared[i], sqlite3_finalize);

      /* Leaves the log empty and removes it. A reader at work is no error: then the log stays beside the file. */
      if (closed && sqlite3_exec (self->db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL) != SQLITE_OK
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
      || !ensure_transaction (self, "declare", error))
    return FALSE;

  statement = sng_run_store_get_statement (self, STATEMENT_DECLARE, "declare", error);
  if (statement == NULL)
    return FALSE;

  sqlite3_bind_text (statement, 1, metric, -1, SQLITE_STATIC);
  sqlite3_bind_int64 (statement, 2, flags);
  if (!finish_statement (self, statement, "declare", error))
    return FALSE;

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

  if (!sng_run_store_check_open (self, "info", TRUE, error) || !ensure_transaction (self, "info", error))
    return FALSE;

  statement = sng_run_store_get_statement (self, STATEMENT_SET_INFO, "info", error);
  if (statement == NULL)
    return FALSE;

  text = g_variant_print (owned, TRUE);
  sqlite3_bind_text (statement, 1, key, -1, SQLITE_STATIC);
  sqlite3_bind_text (statement, 2, text, -1, SQLITE_STATIC);

  return finish_statement (self, statement, "info", error);
}
