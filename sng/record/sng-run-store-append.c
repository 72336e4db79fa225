/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What is appended to a run store. */

#include "record/sng-run-store-private.h"

#include <string.h>

#include "record/sng-metadata-private.h"
#include "record/sng-number-private.h"

/* Each value goes into the statement, and into the digest of the row as the store is going to give it back. */
typedef struct
{
  sqlite3_stmt *statement;
  SngRowHash *hash;
} Row;

static void
bind_text (Row *row, int column, const char *text)
{
  gsize length = strlen (text);

  sng_row_hash_add_text (row->hash, column, text, length);
  sqlite3_bind_text64 (row->statement, column + 1, text, length, SQLITE_STATIC, SQLITE_UTF8);
}

static void
bind_taken_text (Row *row, int column, char *text)
{
  gsize length = strlen (text);

  sng_row_hash_add_text (row->hash, column, text, length);
  sqlite3_bind_text64 (row->statement, column + 1, text, length, g_free, SQLITE_UTF8);
}

static void
bind_integer (Row *row, int column, gint64 value)
{
  sng_row_hash_add_integer (row->hash, column, value);
  sqlite3_bind_int64 (row->statement, column + 1, value);
}

static void
bind_real (Row *row, int column, double value)
{
  sng_row_hash_add_real (row->hash, column, value);
  sqlite3_bind_double (row->statement, column + 1, value);
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
bind_value (Row *row, GVariant *value)
{
  bind_text (row, COLUMN_TYPE, g_variant_get_type_string (value));

  switch (g_variant_classify (value))
    {
    case G_VARIANT_CLASS_DOUBLE:
      bind_real (row, COLUMN_VALUE, g_variant_get_double (value));
      bind_taken_text (
          row, COLUMN_EXACT,
          g_strdup_printf ("%016" G_GINT64_MODIFIER "x", sng_number_get_bits (g_variant_get_double (value))));
      break;
    case G_VARIANT_CLASS_INT64:
      bind_integer (row, COLUMN_VALUE, g_variant_get_int64 (value));
      break;
    case G_VARIANT_CLASS_BOOLEAN:
      bind_integer (row, COLUMN_VALUE, g_variant_get_boolean (value));
      break;
    case G_VARIANT_CLASS_STRING:
      bind_text (row, COLUMN_VALUE, g_variant_get_string (value, NULL));
      break;
    default:
      bind_taken_text (row, COLUMN_VALUE, g_variant_print (value, FALSE));
      bind_taken_text (row, COLUMN_EXACT, dup_hex (value));
      break;
    }
}

static void
bind_tensor (Row *row, SngMetadata *entry)
{
  g_autoptr (GString) shape = g_string_new (NULL);

  for (guint i = 0; i < entry->n_dims; i++)
    g_string_append_printf (shape, "%s%" G_GINT64_FORMAT, i > 0 ? "," : "", entry->shape[i]);

  bind_text (row, COLUMN_DTYPE, sng_dtype_get_name (entry->dtype));
  bind_taken_text (row, COLUMN_SHAPE, g_string_free (g_steal_pointer (&shape), FALSE));
  bind_text (row, COLUMN_FINGERPRINT, entry->fingerprint);
  bind_real (row, COLUMN_MINIMUM, entry->minimum);
  bind_real (row, COLUMN_MAXIMUM, entry->maximum);
  bind_real (row, COLUMN_MEAN, entry->mean);
  bind_integer (row, COLUMN_NON_FINITE, (gint64) entry->n_non_finite);
  if (entry->capture != NULL)
    bind_text (row, COLUMN_CAPTURE, entry->capture);
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
  Row row;

  g_return_val_if_fail (SNG_IS_RUN_STORE (self), FALSE);
  g_return_val_if_fail (entry != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!sng_run_store_check_open (self, "append", TRUE, error)
      || !sng_run_store_ensure_transaction (self, "append", error))
    return FALSE;

  if (!g_hash_table_contains (self->metrics, entry->metric)
      && !sng_run_store_declare_metric (self, entry->metric, SNG_METRIC_EXPECT_CHANGE, error))
    return FALSE;

  row.hash = self->hash;
  row.statement = sng_run_store_get_statement (self, STATEMENT_APPEND, "append", error);
  if (row.statement == NULL)
    return FALSE;

  sqlite3_clear_bindings (row.statement);
  sng_row_hash_begin_row (row.hash);
  bind_integer (&row, COLUMN_SEQ, (gint64) self->next_seq);
  bind_text (&row, COLUMN_METRIC, entry->metric);
  bind_text (&row, COLUMN_STAGE, sng_stage_to_string (entry->stage));
  bind_integer (&row, COLUMN_STEP, (gint64) entry->step);
  bind_integer (&row, COLUMN_MICRO_BATCH, entry->micro_batch);
  bind_integer (&row, COLUMN_RANK, entry->rank);
  bind_text (&row, COLUMN_PATH, entry->path);
  if (entry->value != NULL)
    bind_value (&row, entry->value);
  else
    bind_tensor (&row, entry);

  if (!sng_run_store_finish_statement (self, row.statement, "append", error))
    return FALSE;

  sng_row_hash_finish_row (row.hash);
  self->next_seq++;
  return TRUE;
}
