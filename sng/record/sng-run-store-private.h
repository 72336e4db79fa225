/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <sqlite3.h>

#include "record/sng-row-hash-private.h"
#include "record/sng-run-store.h"

G_BEGIN_DECLS

#define SNG_RUN_STORE_APPLICATION_ID 0x534e4752 /* "SNGR" */
#define SNG_RUN_STORE_SCHEMA_VERSION 2

/* The columns of the table entries: from 0 in SELECT, from 1 in INSERT. */
enum
{
  COLUMN_SEQ,
  COLUMN_METRIC,
  COLUMN_STAGE,
  COLUMN_STEP,
  COLUMN_MICRO_BATCH,
  COLUMN_RANK,
  COLUMN_PATH,
  COLUMN_TYPE,
  COLUMN_VALUE,
  COLUMN_EXACT,
  COLUMN_DTYPE,
  COLUMN_SHAPE,
  COLUMN_FINGERPRINT,
  COLUMN_MINIMUM,
  COLUMN_MAXIMUM,
  COLUMN_MEAN,
  COLUMN_NON_FINITE,
  COLUMN_CAPTURE,
};

typedef enum
{
  STATEMENT_BEGIN,
  STATEMENT_COMMIT,
  STATEMENT_APPEND,
  STATEMENT_DECLARE,
  STATEMENT_LIST_METRICS,
  STATEMENT_GET_FLAGS,
  STATEMENT_SET_INFO,
  STATEMENT_GET_INFO,
  STATEMENT_QUERY,
  STATEMENT_FIND_EQUAL,
  STATEMENT_STEP_RANGE,
  STATEMENT_FIND_STEP,
  STATEMENT_SEAL,
  N_STATEMENTS,
} StatementId;

struct _SngRunStore
{
  GObject parent_instance;

  char         *path;
  sqlite3      *db; /* NULL once closed */
  sqlite3_stmt *prepared[N_STATEMENTS];
  gboolean      writable;
  gboolean      has_log; /* of a reader: there was one when it was opened */
  guint64       next_seq;
  /* of a writer */
  GHashTable   *metrics;        /* those in the table */
  gboolean      in_transaction; /* something is there to be committed */
  char         *run;            /* tells this store from any other */
  SngRowHash   *hash;           /* of all entries */
  char         *registry;       /* the digest of the other tables; NULL once they have changed */
};

/* What makes the tables, statement by statement, as SQLite keeps it in the file and in the order of the names;
 * NULL at the end. */
extern const char *const sng_run_store_schema[];

gboolean      sng_run_store_fail          (SngRunStore  *self,
                                           const char   *what,
                                           GError      **error);
gboolean      sng_run_store_check_open    (SngRunStore  *self,
                                           const char   *what,
                                           gboolean      to_write,
                                           GError      **error);
/* The statement, ready for its parameters; whoever runs it resets it. */
sqlite3_stmt *sng_run_store_get_statement (SngRunStore  *self,
                                           StatementId   id,
                                           const char   *what,
                                           GError      **error);

/* Runs a statement that yields no rows, and makes it ready again. */
gboolean      sng_run_store_finish_statement (SngRunStore  *self,
                                              sqlite3_stmt *statement,
                                              const char   *what,
                                              GError      **error);
gboolean      sng_run_store_ensure_transaction (SngRunStore *self,
                                                const char  *what,
                                                GError     **error);

/* Writes the digest of everything that was written until now. */
gboolean      sng_run_store_seal          (SngRunStore  *self,
                                           gboolean      closed,
                                           const char   *what,
                                           GError      **error);
/* That the store holds what was sealed, with the log that belongs to it. */
gboolean      sng_run_store_check_seal    (SngRunStore  *self,
                                           GError      **error);
/* That no bit of the log @path has changed. What was cut off at its end was never finished, as far as it tells. */
gboolean      sng_run_store_check_log     (SngRunStore  *self,
                                           const char   *path,
                                           GError      **error);
/* That the files beside the store are such, before SQLite opens them. */
gboolean      sng_run_store_check_companions (SngRunStore *self,
                                              GError     **error);

/* What is noted about the run; NULL also where it is of another type. */
GVariant *sng_run_store_get_typed_info (SngRunStore        *self,
                                        const char         *key,
                                        const GVariantType *type);
/* The next step from @at_least on that has entries; FALSE without an error when there is none. */
gboolean sng_run_store_find_step    (SngRunStore  *self,
                                     guint64       at_least,
                                     guint64      *step,
                                     GError      **error);
/* The entries that have the metric, stage, rank and path of @entry and recorded the same, wherever in the run; an array of
 * SngMetadata in the order of recording. */
GPtrArray *sng_run_store_find_equal (SngRunStore *self,
                                     SngMetadata  *entry,
                                     GError      **error);
/* The number that the next appended entry gets, from 1. */
guint64  sng_run_store_get_next_seq (SngRunStore  *self);

G_END_DECLS
