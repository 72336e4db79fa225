/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "record/sng-row-hash-private.h"

#include <math.h>
#include <string.h>
#include <xxhash.h>

#include "record/sng-number-private.h"

struct _SngRowHash
{
  XXH3_state_t *state;
  GByteArray *row;
  guint64 n_rows;
};

SngRowHash *
sng_row_hash_new (void)
{
  SngRowHash *self = g_new0 (SngRowHash, 1);

  self->state = XXH3_createState ();
  XXH3_128bits_reset (self->state);
  self->row = g_byte_array_new ();

  return self;
}

void
sng_row_hash_free (SngRowHash *self)
{
  XXH3_freeState (self->state);
  g_byte_array_unref (self->row);
  g_free (self);
}

void
sng_row_hash_begin_row (SngRowHash *self)
{
  g_byte_array_set_size (self->row, 0);
}

/* A number, which is the length of what follows, or all there is. */
static void
add (SngRowHash *self, int column, int type, guint64 number)
{
  guint64 little = GUINT64_TO_LE (number);
  guint8 head[2 + sizeof little] = { (guint8) column, (guint8) type };

  memcpy (head + 2, &little, sizeof little);
  g_byte_array_append (self->row, head, sizeof head);
}

void
sng_row_hash_add_integer (SngRowHash *self, int column, gint64 value)
{
  add (self, column, SQLITE_INTEGER, (guint64) value);
}

void
sng_row_hash_add_real (SngRowHash *self, int column, double value)
{
  if (!isnan (value))
    add (self, column, SQLITE_FLOAT, sng_number_get_bits (value));
}

void
sng_row_hash_add_text (SngRowHash *self, int column, const char *text, gsize n_bytes)
{
  add (self, column, SQLITE_TEXT, n_bytes);
  g_byte_array_append (self->row, (const guint8 *) text, (guint) n_bytes);
}

void
sng_row_hash_finish_row (SngRowHash *self)
{
  guint64 length = GUINT64_TO_LE ((guint64) self->row->len);

  XXH3_128bits_update (self->state, &length, sizeof length);
  XXH3_128bits_update (self->state, self->row->data, self->row->len);
  self->n_rows++;
}

void
sng_row_hash_add_row (SngRowHash *self, sqlite3_stmt *statement)
{
  sng_row_hash_begin_row (self);

  for (int i = 0; i < sqlite3_column_count (statement); i++)
    switch (sqlite3_column_type (statement, i))
      {
      case SQLITE_INTEGER:
        sng_row_hash_add_integer (self, i, sqlite3_column_int64 (statement, i));
        break;
      case SQLITE_FLOAT:
        sng_row_hash_add_real (self, i, sqlite3_column_double (statement, i));
        break;
      case SQLITE_NULL:
        break;
      case SQLITE_TEXT:
        {
          /* the text first: asking for it may change its length */
          const char *text = (const char *) sqlite3_column_text (statement, i);

          sng_row_hash_add_text (self, i, text,
                                 text != NULL ? (gsize) sqlite3_column_bytes (statement, i) : 0);
          break;
        }
      default:
        /* of a type that is never written */
        add (self, i, SQLITE_BLOB, (guint64) sqlite3_column_bytes (statement, i));
        break;
      }

  sng_row_hash_finish_row (self);
}

guint64
sng_row_hash_get_n_rows (SngRowHash *self)
{
  return self->n_rows;
}

char *
sng_row_hash_to_string (SngRowHash *self)
{
  XXH128_hash_t digest = XXH3_128bits_digest (self->state);

  return g_strdup_printf ("%016" G_GINT64_MODIFIER "x%016" G_GINT64_MODIFIER "x", (guint64) digest.high64,
                          (guint64) digest.low64);
}
