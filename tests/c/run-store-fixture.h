/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <sng.h>
#include <sqlite3.h>

G_BEGIN_DECLS

#define RUN_STORE_ENTRIES 9

typedef struct
{
  char *directory;
  char *path; /* of a run store that is not there yet */
} RunStoreFixture;

void         run_store_fixture_set_up    (RunStoreFixture *fixture,
                                          gconstpointer    data);
/* Removes everything that is in the directory. */
void         run_store_fixture_tear_down (RunStoreFixture *fixture,
                                          gconstpointer    data);

/* The entry i, of RUN_STORE_ENTRIES, of a step: values of all types and a tensor. */
SngMetadata *run_store_make_entry        (guint64          step,
                                          guint            i);
SngRunStore *run_store_create            (const char      *path);
void         run_store_append_step       (SngRunStore     *store,
                                          guint64          step);
/* A closed store of so many steps. */
void         run_store_fill              (const char      *path,
                                          guint            n_steps);

/* Everything that a store tells, as text. */
char        *run_store_dump              (const char      *path,
                                          GError         **error);
/* Why the store is not one of from at_least to at_most whole steps, from 1 on; NULL where it is. */
char        *run_store_find_fault        (const char      *path,
                                          guint64          at_least,
                                          guint64          at_most);
/* An error of libsng that names the path. */
void         run_store_assert_refused    (GError          *error,
                                          const char      *path);
void         run_store_execute           (const char      *path,
                                          const char      *sql);

G_END_DECLS
