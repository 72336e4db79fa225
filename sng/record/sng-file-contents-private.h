/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tensor/sng-tensor.h"

G_BEGIN_DECLS

/* So many entries a table or a JSON document has at most; a larger one is recorded in tensors. */
#define SNG_FILE_CONTENTS_MAX_ENTRIES 10000
/* Beyond it a text is recorded by its bytes. */
#define SNG_FILE_CONTENTS_MAX_TEXT (256u << 20)

/* Something that a file holds: a value or a tensor. */
typedef struct
{
  char      *path;
  GVariant  *value;
  SngTensor *tensor;
} SngFileContent;

/* An array of SngFileContent. */
GPtrArray *sng_file_contents_new        (void);
/* A floating value is sunk. */
void       sng_file_contents_add_value  (GPtrArray    *self,
                                         const char   *path,
                                         GVariant     *value);
void       sng_file_contents_add_tensor (GPtrArray    *self,
                                         const char   *path,
                                         SngTensor    *tensor);
/* One dimension. */
void       sng_file_contents_add_bytes  (GPtrArray    *self,
                                         const char   *path,
                                         SngDtype      dtype,
                                         GBytes       *bytes);

/* An integer in decimal digits: as "x" or "t" where it fits, and else its text, as "(s)", which no string in a file is. */
GVariant  *sng_file_contents_integer    (const char   *text,
                                         gsize         length);

/* Readers of a format. They fail with SNG_ERROR_INVALID_DATA, or _NOT_SUPPORTED for what the format has and a tensor has not;
 * the message says what is wrong and where, and begins with no place. Nothing in the file is taken on trust. */
GPtrArray *sng_npy_read                 (GBytes       *contents,
                                         GError      **error);
GPtrArray *sng_json_records_read        (GBytes       *contents,
                                         GError      **error);
GPtrArray *sng_csv_records_read         (GBytes       *contents,
                                         GError      **error);

G_END_DECLS
