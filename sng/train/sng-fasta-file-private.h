/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The sequences of a FASTA file as tokens of ESM-2's alphabet, one behind the other. */
typedef struct
{
  GByteArray *tokens;
  GArray     *ends; /* of gsize: where each sequence ends in tokens */
} SngFastaFile;

/* @name is what errors call the file. */
SngFastaFile *sng_fasta_file_parse        (GBytes        *bytes,
                                           const char    *name,
                                           GError       **error);
void          sng_fasta_file_free         (SngFastaFile  *self);
gsize         sng_fasta_file_get_n        (SngFastaFile  *self);
const guint8 *sng_fasta_file_get_sequence (SngFastaFile  *self,
                                           gsize          index,
                                           gsize         *length);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SngFastaFile, sng_fasta_file_free)

G_END_DECLS
