/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What is read from a run store. */

#include "record/sng-run-store-private.h"

#include <math.h>
#include <string.h>

#include "record/sng-capture-private.h"
#include "record/sng-metadata-private.h"
#include "record/sng-number-private.h"
#include "sng-error.h"

static gboolean
refuse_row (SngRunStore *self, gint64 seq, const char *column, GError **error)
{
  g_set_error (error, SNG_ERROR, SNG_ERROR_CORRUPT,
               "[record][query] %s: entry %" G_GINT64_FORMAT ": column \"%s\" is damaged", self->path, seq,
               column);
  return FALSE;
}

static gboolean
refuse_steps (SngRunStore *self, GError **error)
{
  g_set_error (error, SNG_ERROR, SNG_ERROR_CORRUPT,
               "[record][query] %s: the steps of the entries are damaged", self->path);
  return FALSE;
}

static const char *
get_text (sqlite3_stmt *statement, int column)
{
  return (const char *) sqlite3_column_text (statement, column);
}

static gboolean
is_name (const char *text)
{
  return text != NULL && g_utf8_validate (text, -1, NULL);
}

/* As it is written: in small letters. */
static gboolean
is_fingerprint (const char *text)
{
  return text != NULL && strspn (text, "0123456789abcdef") == 32 && text[32] == '\0';
}

static gboolean
is_integer (sqlite3_stmt *statement, int column, gint64 minimum, gint64 maximum)
{
  gint64 value = sqlite3_column_int64 (statement, column);

  return sqlite3_column_type (statement, column) == SQLITE_INTEGER && value >= minimum && value <= maximum;
}

/* NaN, which SQLite cannot hold, is NULL. */
static double
get_double (sqlite3_stmt *statement, int column)
{
  return sqlite3_column_type (statement, column) == SQLITE_NULL ? NAN
                                                                : sqlite3_column_double (statement, column);
}

static gboolean
read_hex (const char *text, gsize size, guint8 *data)
{
  for (gsize i = 0; i < size; i++)
    {
      int high = g_ascii_xdigit_value (text[2 * i]), low = g_ascii_xdigit_value (text[2 * i + 1]);

      if (high < 0 || low < 0)
        return FALSE;
      data[i] = (guint8) (high << 4 | low);
    }

  return TRUE;
}

static GVariant *
read_container (const char *type, const char *exact)
{
  gsize size = exact != NULL ? strlen (exact) : 1;
  g_autofree guint8 *data = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GVariant) recorded = NULL;

  if (size % 2 != 0 || !g_variant_type_string_is_valid (type)
      || !g_variant_type_is_definite (G_VARIANT_TYPE (type)))
    return NULL;

  size /= 2;
  data = g_malloc (MAX (size, 1));
  if (!read_hex (exact, size, data))
    return NULL;

  bytes = g_bytes_new_take (g_steal_pointer (&data), size);
  value = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE (type), bytes, FALSE));
  if (!g_variant_is_normal_form (value))
    return NULL;

  /* What nobody can have recorded: a file handle, an integer of another size, a variant. */
  recorded = sng_metadata_normalise_value (value, NULL);
  if (recorded == NULL || !g_variant_is_of_type (recorded, G_VARIANT_TYPE (type)))
    return NULL;

  return G_BYTE_ORDER == G_LITTLE_ENDIAN ? g_variant_get_normal_form (value) : g_variant_byteswap (value);
}

/* NULL when the row does not hold what its type says. */
static GVariant *
read_value (sqlite3_stmt *statement)
{
  const char *type = get_text (statement, COLUMN_TYPE);
  const char *exact = get_text (statement, COLUMN_EXACT);
  int stored = sqlite3_column_type (statement, COLUMN_VALUE);
  guint64 bits;

  if (strcmp (type, "d") == 0)
    {
      if (exact == NULL || strlen (exact) != 16
          || !g_ascii_string_to_unsigned (exact, 16, 0, G_MAXUINT64, &bits, NULL))
        return NULL;
      return g_variant_ref_sink (g_variant_new_double (sng_number_from_bits (bits)));
    }

  if (strcmp (type, "x") == 0)
    return stored == SQLITE_INTEGER
               ? g_variant_ref_sink (g_variant_new_int64 (sqlite3_column_int64 (statement, COLUMN_VALUE)))
               : NULL;

  if (strcmp (type, "b") == 0)
    return stored == SQLITE_INTEGER ? g_variant_ref_sink (
               g_variant_new_boolean (sqlite3_column_int (statement, COLUMN_VALUE) != 0))
                                    : NULL;

  if (strcmp (type, "s") == 0)
    {
      const char *text = stored == SQLITE_TEXT ? get_text (statement, COLUMN_VALUE) : NULL;

      return text != NULL && g_utf8_validate (text, -1, NULL)
                 ? g_variant_ref_sink (g_variant_new_string (text))
                 : NULL;
    }

  return read_container (type, exact);
}

static gboolean
read_shape (const char *text, SngMetadata *entry)
{
  g_auto (GStrv) sizes = text != NULL ? g_strsplit (text, ",", -1) : NULL;

  if (sizes == NULL)
    return FALSE;

  entry->n_dims = g_strv_length (sizes);
  entry->shape = g_new0 (gint64, MAX (entry->n_dims, 1));

  for (guint i = 0; i < entry->n_dims; i++)
    if (!g_ascii_string_to_signed (sizes[i], 10, 0, G_MAXINT64, &entry->shape[i], NULL))
      return FALSE;

  return TRUE;
}

/* A store that comes from elsewhere may name any file at all. */
static gboolean
read_capture (SngRunStore *self, sqlite3_stmt *statement, gint64 seq, SngMetadata *entry, GError **error)
{
  const char *capture = get_text (statement, COLUMN_CAPTURE);

  if (capture == NULL)
    return TRUE;

  if (!is_name (capture))
    return refuse_row (self, seq, "capture", error);

  if (!sng_capture_is_inside (capture))
    {
      g_autofree char *shown = g_strescape (capture, NULL);

      g_set_error (error, SNG_ERROR, SNG_ERROR_CORRUPT,
                   "[record][query] %s: entry %" G_GINT64_FORMAT
                   ": the captured tensor's file \"%s\" is not within the run's directory",
                   self->path, seq, shown);
      return FALSE;
    }

  entry->capture = g_strdup (capture);

  return TRUE;
}

static gboolean
read_tensor (SngRunStore *self, sqlite3_stmt *statement, gint64 seq, SngMetadata *entry, GError **error)
{
  const char *dtype = get_text (statement, COLUMN_DTYPE);

  if (dtype == NULL || !sng_dtype_from_name (dtype, &entry->dtype))
    return refuse_row (self, seq, "dtype", error);

  if (!read_shape (get_text (statement, COLUMN_SHAPE), entry))
    return refuse_row (self, seq, "shape", error);

  if (!is_fingerprint (get_text (statement, COLUMN_FINGERPRINT)))
    return refuse_row (self, seq, "fingerprint", error);

  if (!is_integer (statement, COLUMN_NON_FINITE, 0, G_MAXINT64))
    return refuse_row (self, seq, "non_finite", error);

  entry->fingerprint = g_strdup (get_text (statement, COLUMN_FINGERPRINT));
  entry->minimum = get_double (statement, COLUMN_MINIMUM);
  entry->maximum = get_double (statement, COLUMN_MAXIMUM);
  entry->mean = get_double (statement, COLUMN_MEAN);
  entry->n_non_finite = (guint64) sqlite3_column_int64 (statement, COLUMN_NON_FINITE);

  return read_capture (self, statement, seq, entry, error);
}

static SngMetadata *
read_row (SngRunStore *self, sqlite3_stmt *statement, GError **error)
{
  gint64 seq = sqlite3_column_int64 (statement, COLUMN_SEQ);
  g_autoptr (SngMetadata) entry = NULL;
  SngStage stage = SNG_STAGE_TRAIN;

  if (!is_name (get_text (statement, COLUMN_METRIC)) || *get_text (statement, COLUMN_METRIC) == '\0'
      || !is_name (get_text (statement, COLUMN_PATH)))
    {
      refuse_row (self, seq, "metric or path", error);
      return NULL;
    }

  if (!is_integer (statement, COLUMN_STEP, 0, G_MAXINT64)
      || !is_integer (statement, COLUMN_MICRO_BATCH, -1, G_MAXINT64)
      || !is_integer (statement, COLUMN_RANK, 0, G_MAXUINT))
    {
      refuse_row (self, seq, "step, micro_batch or rank", error);
      return NULL;
    }

  if (!sng_metadata_parse_stage (get_text (statement, COLUMN_STAGE), &stage))
    {
      refuse_row (self, seq, "stage", error);
      return NULL;
    }

  if (!is_integer (statement, COLUMN_STEP, 0, G_MAXINT64)
      || !is_integer (statement, COLUMN_MICRO_BATCH, -1, G_MAXINT64)
      || !is_integer (statement, COLUMN_RANK, 0, G_MAXUINT))
    {
      refuse_row (self, seq, "step, micro_batch or rank", error);
      return NULL;
    }

  entry = sng_metadata_alloc (
      get_text (statement, COLUMN_METRIC), stage, (guint64) sqlite3_column_int64 (statement, COLUMN_STEP),
      sqlite3_column_int64 (statement, COLUMN_MICRO_BATCH),
      (guint) sqlite3_column_int64 (statement, COLUMN_RANK), get_text (statement, COLUMN_PATH));

  if (sqlite3_column_type (statement, COLUMN_TYPE) == SQLITE_NULL)
    return read_tensor (self, statement, seq, entry, error) ? g_steal_pointer (&entry) : NULL;

  entry->value = read_value (statement);
  if (entry->value == NULL)
    {
      refuse_row (self, seq, "value", error);
      return NULL;
    }

  return g_steal_pointer (&entry);
}

/* What the statement finds, and resets it; of that only what recorded the same as @like, unless that is NULL. */
static GPtrArray *
read_rows (SngRunStore *self, sqlite3_stmt *statement, SngMetadata *like, GError **error)
{
  g_autoptr (GPtrArray) entries = g_ptr_array_new_with_free_func ((GDestroyNotify) sng_metadata_unref);
  int rc;

  while ((rc = sqlite3_step (statement)) == SQLITE_ROW)
    {
      g_autoptr (SngMetadata) entry = read_row (self, statement, error);

      if (entry == NULL)
        break;
      if (like == NULL || sng_metadata_equal (entry, like))
        g_ptr_array_add (entries, g_steal_pointer (&entry));
    }

  if (rc != SQLITE_DONE && rc != SQLITE_ROW)
    sng_run_store_fail (self, "query", error);
  sqlite3_reset (statement);

  return rc == SQLITE_DONE ? g_steal_pointer (&entries) : NULL;
}

/**
 * sng_run_store_query:
 * @self: a run store
 * @metric: (nullable): a metric's name, or %NULL for all of them
 * @first_step: the first global step
 * @last_step: the last global step, itself included
 * @error: return location for a #GError
 *
 * Reads the entries of some steps. To walk through a long run, ask for
 * a few steps at a time.
 *
 * Returns: (transfer container) (element-type SngMetadata): the entries in the
 *   order of recording, or %NULL with @error set; %SNG_ERROR_CORRUPT says which entry is
 *   damaged
 *
 * Since: 1.0
 */
GPtrArray *
sng_run_store_query (SngRunStore *self,
                     const char *metric,
                     guint64 first_step,
                     guint64 last_step,
                     GError **error)
{
  sqlite3_stmt *statement;

  g_return_val_if_fail (SNG_IS_RUN_STORE (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!sng_run_store_check_open (self, "query", FALSE, error))
    return NULL;

  if (first_step > G_MAXINT64)
    return g_ptr_array_new_with_free_func ((GDestroyNotify) sng_metadata_unref);

  statement = sng_run_store_get_statement (self, STATEMENT_QUERY, "query", error);
  if (statement == NULL)
    return NULL;

  sqlite3_bind_int64 (statement, 1, (gint64) first_step);
  sqlite3_bind_int64 (statement, 2, (gint64) MIN (last_step, G_MAXINT64));
  sqlite3_bind_text (statement, 3, metric, -1, SQLITE_STATIC);

  return read_rows (self, statement, NULL, error);
}

GPtrArray *
sng_run_store_find_equal (SngRunStore *self, SngMetadata *entry, GError **error)
{
  sqlite3_stmt *statement;

  if (!sng_run_store_check_open (self, "query", FALSE, error))
    return NULL;

  statement = sng_run_store_get_statement (self, STATEMENT_FIND_EQUAL, "query", error);
  if (statement == NULL)
    return NULL;

  sqlite3_bind_text (statement, 1, entry->metric, -1, SQLITE_STATIC);
  sqlite3_bind_text (statement, 2, sng_stage_to_string (entry->stage), -1, SQLITE_STATIC);
  sqlite3_bind_int64 (statement, 3, entry->rank);
  sqlite3_bind_text (statement, 4, entry->path, -1, SQLITE_STATIC);
  sqlite3_bind_text (statement, 5, entry->fingerprint, -1, SQLITE_STATIC);

  return read_rows (self, statement, entry, error);
}

/**
 * sng_run_store_get_step_range:
 * @self: a run store
 * @metric: (nullable): a metric's name, or %NULL for all of them
 * @first_step: (out) (optional): the first global step that has entries
 * @last_step: (out) (optional): the last one
 * @error: return location for a #GError
 *
 * Finds which steps have entries.
 *
 * Returns: %TRUE; %FALSE without @error when there are none at all, and with
 *   @error set when the store cannot be read
 *
 * Since: 1.0
 */
gboolean
sng_run_store_get_step_range (SngRunStore *self,
                              const char *metric,
                              guint64 *first_step,
                              guint64 *last_step,
                              GError **error)
{
  sqlite3_stmt *statement;
  gboolean found = FALSE;
  int rc;

  g_return_val_if_fail (SNG_IS_RUN_STORE (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!sng_run_store_check_open (self, "query", FALSE, error))
    return FALSE;

  statement = sng_run_store_get_statement (self, STATEMENT_STEP_RANGE, "query", error);
  if (statement == NULL)
    return FALSE;

  sqlite3_bind_text (statement, 1, metric, -1, SQLITE_STATIC);
  rc = sqlite3_step (statement);
  if (rc != SQLITE_ROW)
    {
      sng_run_store_fail (self, "query", error);
    }
  else if (sqlite3_column_type (statement, 0) != SQLITE_NULL)
    {
      found = (is_integer (statement, 0, 0, G_MAXINT64)
               && is_integer (statement, 1, sqlite3_column_int64 (statement, 0), G_MAXINT64))
              || refuse_steps (self, error);
      if (found && first_step != NULL)
        *first_step = (guint64) sqlite3_column_int64 (statement, 0);
      if (found && last_step != NULL)
        *last_step = (guint64) sqlite3_column_int64 (statement, 1);
    }
  sqlite3_reset (statement);

  return found;
}

gboolean
sng_run_store_find_step (SngRunStore *self, guint64 at_least, guint64 *step, GError **error)
{
  sqlite3_stmt *statement;
  gboolean found = FALSE;

  if (!sng_run_store_check_open (self, "query", FALSE, error))
    return FALSE;

  statement = sng_run_store_get_statement (self, STATEMENT_FIND_STEP, "query", error);
  if (statement == NULL || at_least > G_MAXINT64)
    return FALSE;

  sqlite3_bind_int64 (statement, 1, (gint64) at_least);
  if (sqlite3_step (statement) != SQLITE_ROW)
    {
      sng_run_store_fail (self, "query", error);
    }
  else if (sqlite3_column_type (statement, 0) != SQLITE_NULL)
    {
      /* Of a damaged index anything may come, and whoever walks through the steps must get on. */
      found = is_integer (statement, 0, (gint64) at_least, G_MAXINT64) || refuse_steps (self, error);
      if (found)
        *step = (guint64) sqlite3_column_int64 (statement, 0);
    }
  sqlite3_reset (statement);

  return found;
}

/**
 * sng_run_store_list_metrics:
 * @self: a run store
 * @error: return location for a #GError
 *
 * Lists the metrics that were declared or recorded.
 *
 * Returns: (transfer full) (array zero-terminated=1): the names in order of
 *   declaration, or %NULL with @error set
 *
 * Since: 1.0
 */
char **
sng_run_store_list_metrics (SngRunStore *self, GError **error)
{
  g_autoptr (GStrvBuilder) names = NULL;
  sqlite3_stmt *statement;
  int rc;

  g_return_val_if_fail (SNG_IS_RUN_STORE (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!sng_run_store_check_open (self, "list", FALSE, error))
    return NULL;

  statement = sng_run_store_get_statement (self, STATEMENT_LIST_METRICS, "list", error);
  if (statement == NULL)
    return NULL;

  names = g_strv_builder_new ();
  while ((rc = sqlite3_step (statement)) == SQLITE_ROW && is_name (get_text (statement, 0)))
    g_strv_builder_add (names, get_text (statement, 0));

  if (rc == SQLITE_ROW)
    g_set_error (error, SNG_ERROR, SNG_ERROR_CORRUPT, "[record][list] %s: the name of a metric is damaged",
                 self->path);
  else if (rc != SQLITE_DONE)
    sng_run_store_fail (self, "list", error);
  sqlite3_reset (statement);

  return rc == SQLITE_DONE ? g_strv_builder_end (names) : NULL;
}

/**
 * sng_run_store_get_metric_flags:
 * @self: a run store
 * @metric: a metric's name
 *
 * Gets how a metric is judged.
 *
 * Returns: the flags; %SNG_METRIC_EXPECT_CHANGE for a metric that the store does not
 *   know
 *
 * Since: 1.0
 */
SngMetricFlags
sng_run_store_get_metric_flags (SngRunStore *self, const char *metric)
{
  SngMetricFlags flags = SNG_METRIC_EXPECT_CHANGE;
  sqlite3_stmt *statement;

  g_return_val_if_fail (SNG_IS_RUN_STORE (self), flags);
  g_return_val_if_fail (metric != NULL, flags);

  statement =
      self->db != NULL ? sng_run_store_get_statement (self, STATEMENT_GET_FLAGS, "flags", NULL) : NULL;
  if (statement == NULL)
    return flags;

  sqlite3_bind_text (statement, 1, metric, -1, SQLITE_STATIC);
  if (sqlite3_step (statement) == SQLITE_ROW)
    flags = (SngMetricFlags) sqlite3_column_int64 (statement, 0);
  sqlite3_reset (statement);

  return flags;
}

/**
 * sng_run_store_get_info:
 * @self: a run store
 * @key: what it is about
 *
 * Gets what was noted about the run.
 *
 * Returns: (transfer full) (nullable): the value, or %NULL when there is none
 *
 * Since: 1.0
 */
GVariant *
sng_run_store_get_info (SngRunStore *self, const char *key)
{
  GVariant *value = NULL;
  sqlite3_stmt *statement;

  g_return_val_if_fail (SNG_IS_RUN_STORE (self), NULL);
  g_return_val_if_fail (key != NULL, NULL);

  statement = self->db != NULL ? sng_run_store_get_statement (self, STATEMENT_GET_INFO, "info", NULL) : NULL;
  if (statement == NULL)
    return NULL;

  sqlite3_bind_text (statement, 1, key, -1, SQLITE_STATIC);
  if (sqlite3_step (statement) == SQLITE_ROW && is_name (get_text (statement, 0)))
    value = g_variant_parse (NULL, get_text (statement, 0), NULL, NULL, NULL);
  sqlite3_reset (statement);

  return value;
}

GVariant *
sng_run_store_get_typed_info (SngRunStore *self, const char *key, const GVariantType *type)
{
  g_autoptr (GVariant) value = sng_run_store_get_info (self, key);

  return value != NULL && g_variant_is_of_type (value, type) ? g_steal_pointer (&value) : NULL;
}
