/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>
#include <sqlite3.h>

G_BEGIN_DECLS

/* The XXH3-128 of rows of a table, one after the other: every column that is not NULL with its number, type and contents. */
typedef struct _SngRowHash SngRowHash;

SngRowHash *sng_row_hash_new         (void);
void        sng_row_hash_free        (SngRowHash   *self);
/* The columns of a row, in ascending order; nothing counts before the row is finished. */
void        sng_row_hash_begin_row   (SngRowHash   *self);
void        sng_row_hash_add_integer (SngRowHash   *self,
                                      int           column,
                                      gint64        value);
/* NaN is NULL, as it is for SQLite. */
void        sng_row_hash_add_real    (SngRowHash   *self,
                                      int           column,
                                      double        value);
void        sng_row_hash_add_text    (SngRowHash   *self,
                                      int           column,
                                      const char   *text,
                                      gsize         n_bytes);
void        sng_row_hash_finish_row  (SngRowHash   *self);
/* The whole row that the statement is at. */
void        sng_row_hash_add_row     (SngRowHash   *self,
                                      sqlite3_stmt *statement);
guint64     sng_row_hash_get_n_rows  (SngRowHash   *self);
/* Of all rows until now; more may follow. */
char       *sng_row_hash_to_string   (SngRowHash   *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SngRowHash, sng_row_hash_free)

G_END_DECLS
