/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "record/sng-file-contents-private.h"

#include <string.h>

#include "sng-error.h"
#include "state/sng-json-private.h"

/* Comma-separated values (RFC 4180). The text is gone through twice, so that a large table costs no more memory than its columns:
 * first to learn its size and what each column holds, then for the cells. */

#define MAX_EXACT (G_GINT64_CONSTANT (1) << 53) /* up to it every integer is a double */

typedef struct
{
  const char *start;
  const char *at;
  const char *end;
} Scanner;

typedef struct
{
  const char *text; /* without the quotes around it */
  gsize length;
  gboolean has_quotes; /* in it, doubled */
  gboolean ends_row;
} Cell;

/* From the narrowest to the widest: a column is what its widest cell is. */
typedef enum
{
  KIND_INTEGER, /* of 64 bits */
  KIND_NUMBER,
  KIND_TEXT
} Kind;

typedef struct
{
  char *name;
  Kind kind;
  gboolean has_large; /* an integer that no double is */
  GByteArray *cells;  /* of a large table */
} Column;

typedef struct
{
  GArray *columns; /* Column */
  gboolean has_names;
  gsize n_rows; /* without the one of the names */
  gsize n_cells;
  gboolean is_ragged;
} Table;

static gboolean
refuse (const Scanner *self, const char *what, GError **error)
{
  gsize line = 1;

  for (const char *p = self->start; p < self->at; p++)
    line += *p == '\n';

  g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA, "no table: %s in line %" G_GSIZE_FORMAT, what, line);
  return FALSE;
}

/* ---- Cells ---- */

static gboolean
is_end_of_row (const Scanner *self, const char *at)
{
  return at == self->end || *at == '\n' || (*at == '\r' && at + 1 < self->end && at[1] == '\n');
}

/* What is between quotes, where a quote is doubled. */
static gboolean
scan_quoted (Scanner *self, Cell *cell, GError **error)
{
  const char *at = self->at + 1;

  cell->text = at;
  while ((at = memchr (at, '"', (gsize) (self->end - at))) != NULL && at + 1 < self->end && at[1] == '"')
    {
      cell->has_quotes = TRUE;
      at += 2;
    }
  if (at == NULL)
    return refuse (self, "a quote that does not end", error);

  cell->length = (gsize) (at - cell->text);
  self->at = at + 1;
  if (!is_end_of_row (self, self->at) && *self->at != ',')
    return refuse (self, "something between a quote and the next comma", error);

  return TRUE;
}

/* There is one: the scanner is not at the end, or behind a comma. */
static gboolean
scan_cell (Scanner *self, Cell *cell, GError **error)
{
  *cell = (Cell){ .text = self->at };

  if (self->at < self->end && *self->at == '"')
    {
      if (!scan_quoted (self, cell, error))
        return FALSE;
    }
  else
    {
      while (!is_end_of_row (self, self->at) && *self->at != ',' && *self->at != '"')
        self->at++;
      if (!is_end_of_row (self, self->at) && *self->at != ',')
        return refuse (self, "a quote in the midst of a cell", error);
      cell->length = (gsize) (self->at - cell->text);
    }

  cell->ends_row = is_end_of_row (self, self->at);
  if (self->at < self->end)
    self->at += *self->at == '\r' ? 2 : 1;

  return TRUE;
}

static char *
dup_text (const Cell *cell)
{
  g_autoptr (GString) text = g_string_sized_new (cell->length);

  for (gsize i = 0; i < cell->length; i++)
    {
      g_string_append_c (text, cell->text[i]);
      if (cell->has_quotes && cell->text[i] == '"')
        i++;
    }

  return g_string_free (g_steal_pointer (&text), FALSE);
}

static gboolean
is_not_finite (const char *text, gsize length)
{
  static const char *const words[] = { "nan", "inf", "infinity" };
  gsize sign = length > 0 && text[0] == '-';

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    if (length - sign == strlen (words[i]) && g_ascii_strncasecmp (text + sign, words[i], length - sign) == 0)
      return TRUE;

  return FALSE;
}

/* The number without the spaces around it, in a buffer of its own, or NULL. */
static char *
dup_number (const Cell *cell, Kind *kind)
{
  const char *text = cell->text, *end = text + cell->length;
  char *number;
  gsize length;

  while (text < end && *text == ' ')
    text++;
  while (text < end && end[-1] == ' ')
    end--;
  length = (gsize) (end - text);
  if (length == 0 || (sng_json_scan_number (text, end) != length && !is_not_finite (text, length)))
    return NULL;

  number = g_strndup (text, length);
  *kind = strspn (number, "-0123456789") < length ? KIND_NUMBER : KIND_INTEGER;

  return number;
}

static GVariant *
get_value (const Cell *cell)
{
  Kind kind;
  g_autofree char *number = dup_number (cell, &kind);
  g_autofree char *text = number == NULL ? dup_text (cell) : NULL;

  if (number == NULL)
    return g_variant_new_string (text);
  if (kind == KIND_NUMBER)
    return g_variant_new_double (g_ascii_strtod (number, NULL));

  return sng_file_contents_integer (number, strlen (number));
}

/* ---- The table ---- */

static void
column_clear (gpointer data)
{
  Column *column = data;

  g_free (column->name);
  g_clear_pointer (&column->cells, g_byte_array_unref);
}

static void
table_clear (Table *self)
{
  g_clear_pointer (&self->columns, g_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Table, table_clear)

static Column *
get_column (Table *self, gsize index)
{
  if (index == self->columns->len)
    {
      Column column = { .name = g_strdup_printf ("%" G_GSIZE_FORMAT, index) };

      g_array_append_val (self->columns, column);
    }

  return &g_array_index (self->columns, Column, index);
}

/* Columns are known by the cells of the first row where none of these is a number: by its number one that has no name, or the name of
 * another. */
static gboolean
read_names (Table *self, Scanner *scanner, GError **error)
{
  g_autoptr (GHashTable) known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  Scanner ahead = *scanner;
  Cell cell = { NULL };

  self->has_names = scanner->at < scanner->end;
  while (ahead.at < ahead.end && self->has_names && !cell.ends_row)
    {
      Kind kind;
      g_autofree char *number = NULL;

      if (!scan_cell (&ahead, &cell, error))
        return FALSE;
      number = dup_number (&cell, &kind);
      self->has_names = number == NULL;
    }
  if (!self->has_names)
    return TRUE;

  do
    {
      Column *column = get_column (self, self->columns->len);
      g_autofree char *name = NULL;

      scan_cell (scanner, &cell, NULL);
      name = dup_text (&cell);
      if (*name == '\0' || g_hash_table_contains (known, name))
        continue;
      g_free (column->name);
      column->name = g_strdup (name);
      g_hash_table_add (known, g_steal_pointer (&name));
    }
  while (!cell.ends_row);

  return TRUE;
}

/* Makes the column as wide as the cell. */
static void
widen (Column *column, const Cell *cell)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (get_value (cell));

  if (g_variant_is_of_type (value, G_VARIANT_TYPE_INT64))
    column->has_large |= g_variant_get_int64 (value) > MAX_EXACT || g_variant_get_int64 (value) < -MAX_EXACT;
  else
    column->kind =
        MAX (column->kind, g_variant_is_of_type (value, G_VARIANT_TYPE_DOUBLE) ? KIND_NUMBER : KIND_TEXT);
}

static gboolean
measure (Table *self, Scanner scanner, GError **error)
{
  gsize width = self->columns->len;

  while (scanner.at < scanner.end)
    {
      Cell cell = { NULL };
      gsize i;

      for (i = 0; !cell.ends_row; i++)
        {
          Column *column = get_column (self, i);

          if (!scan_cell (&scanner, &cell, error))
            return FALSE;
          widen (column, &cell);
        }
      if (self->n_rows > 0 || self->has_names)
        self->is_ragged |= i != width;
      width = i;
      self->n_rows++;
      self->n_cells += i;
    }

  return TRUE;
}

static void
add_names (Table *self, GPtrArray *found)
{
  g_auto (GVariantBuilder) names = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_STRING_ARRAY);

  for (guint i = 0; i < self->columns->len; i++)
    g_variant_builder_add (&names, "s", get_column (self, i)->name);

  sng_file_contents_add_value (found, "columns", g_variant_builder_end (&names));
}

static void
add_cells (Table *self, Scanner scanner, GPtrArray *found)
{
  for (gsize row = 0; row < self->n_rows; row++)
    {
      Cell cell = { NULL };

      for (gsize i = 0; !cell.ends_row; i++)
        {
          g_autofree char *path = g_strdup_printf ("%" G_GSIZE_FORMAT ".%s", row, get_column (self, i)->name);

          scan_cell (&scanner, &cell, NULL);
          sng_file_contents_add_value (found, path, get_value (&cell));
        }
    }
}

static void
append_cell (Column *column, const Cell *cell)
{
  g_autoptr (GVariant) value = NULL;
  g_autofree char *text = NULL;
  double number;

  if (column->kind == KIND_TEXT)
    {
      text = dup_text (cell);
      g_byte_array_append (column->cells, (const guint8 *) text, (guint) strlen (text) + 1);
      return;
    }

  value = g_variant_ref_sink (get_value (cell));
  if (column->kind == KIND_INTEGER || g_variant_is_of_type (value, G_VARIANT_TYPE_DOUBLE))
    {
      g_byte_array_append (column->cells, g_variant_get_data (value), sizeof number);
      return;
    }
  number = (double) g_variant_get_int64 (value);
  g_byte_array_append (column->cells, (const guint8 *) &number, sizeof number);
}

static void
add_columns (Table *self, Scanner scanner, GPtrArray *found)
{
  static const SngDtype dtypes[] = { SNG_DTYPE_I64, SNG_DTYPE_F64, SNG_DTYPE_U8 };

  for (gsize i = 0; i < self->columns->len; i++)
    {
      Column *column = get_column (self, i);

      column->cells = g_byte_array_new ();
      if (column->kind == KIND_NUMBER && column->has_large)
        column->kind = KIND_TEXT;
    }

  for (gsize row = 0; row < self->n_rows; row++)
    for (gsize i = 0; i < self->columns->len; i++)
      {
        Cell cell;

        scan_cell (&scanner, &cell, NULL);
        append_cell (get_column (self, i), &cell);
      }

  for (gsize i = 0; i < self->columns->len; i++)
    {
      Column *column = get_column (self, i);
      g_autoptr (GBytes) bytes = g_byte_array_free_to_bytes (g_steal_pointer (&column->cells));
      g_autofree char *path = g_strconcat ("column.", column->name, NULL);

      sng_file_contents_add_bytes (found, path, dtypes[column->kind], bytes);
    }
}

GPtrArray *
sng_csv_records_read (GBytes *contents, GError **error)
{
  g_autoptr (GPtrArray) found = sng_file_contents_new ();
  g_auto (Table) table = { .columns = g_array_new (FALSE, TRUE, sizeof (Column)) };
  gsize size;
  const char *data = g_bytes_get_data (contents, &size);
  const char *text = data != NULL ? data : "";
  Scanner scanner = { text, text, text + size };

  g_array_set_clear_func (table.columns, column_clear);
  if (!g_utf8_validate_len (text, size, &scanner.at))
    {
      refuse (&scanner, "no UTF-8 text, or a zero byte,", error);
      return NULL;
    }
  scanner.at = text + (size >= 3 && memcmp (text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0);

  if (!read_names (&table, &scanner, error) || !measure (&table, scanner, error))
    return NULL;

  add_names (&table, found);
  if (table.n_cells <= SNG_FILE_CONTENTS_MAX_ENTRIES)
    add_cells (&table, scanner, found);
  else if (table.is_ragged || table.columns->len > SNG_FILE_CONTENTS_MAX_ENTRIES)
    {
      refuse (&scanner, "too large for rows of several lengths, or for so many columns,", error);
      return NULL;
    }
  else
    add_columns (&table, scanner, found);

  return g_steal_pointer (&found);
}
