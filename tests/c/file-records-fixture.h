/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <sng.h>

typedef struct
{
  char *directory;
  guint n_stores;
} FileRecords;

void       file_records_set_up            (FileRecords    *fixture,
                                           gconstpointer   data);
void       file_records_tear_down         (FileRecords    *fixture,
                                           gconstpointer   data);
char      *file_records_write_file        (FileRecords    *fixture,
                                           const char     *name,
                                           const void     *data,
                                           gssize          length);
/* The entries that a file makes, in a store of its own; NULL with an error. */
GPtrArray *file_records_record            (FileRecords    *fixture,
                                           const char     *file,
                                           GError        **error);
GPtrArray *file_records_record_data       (FileRecords    *fixture,
                                           const char     *name,
                                           const void     *data,
                                           gssize          length);
GPtrArray *file_records_record_reference  (FileRecords    *fixture,
                                           const char     *folder,
                                           const char     *name);
SngMetadata *file_records_look_up         (GPtrArray      *entries,
                                           const char     *path);
/* The first path whose entries differ, or that one side lacks; NULL: none. */
const char *file_records_find_difference  (GPtrArray      *a,
                                           GPtrArray      *b);
/* The same of two files of one name. */
const char *file_records_compare          (FileRecords    *fixture,
                                           const char     *name,
                                           const char     *a,
                                           const char     *b);
void       file_records_assert_tensor     (GPtrArray      *entries,
                                           const char     *path,
                                           SngDtype        dtype,
                                           const gint64   *shape,
                                           guint           n_dims);
/* Recorded by its bytes, with a reason that has this in it. */
void       file_records_assert_not_parsed (GPtrArray      *entries,
                                           const char     *reason,
                                           gint64          n_bytes);

/* The value as GVariant prints it, with its type. */
#define file_records_assert_value(entries, path, text)                                                                    \
 G_STMT_START                                                                                                \
 {                                                                                                           \
  SngMetadata *assert_entry = file_records_look_up (entries, path);                                                       \
  g_autofree char *assert_text = NULL;                                                                       \
                                                                                                             \
  g_assert_nonnull (assert_entry);                                                                           \
  g_assert_nonnull (sng_metadata_get_value (assert_entry));                                                  \
  assert_text = g_variant_print (sng_metadata_get_value (assert_entry), TRUE);                               \
  g_assert_cmpstr (assert_text, ==, text);                                                                   \
 }                                                                                                           \
 G_STMT_END
