/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "state/sng-safetensors.h"
#include "state/sng-state-io-private.h"

G_BEGIN_DECLS

#define SNG_SAFETENSORS_MAX_HEADER 100000000 /* bytes; what other readers of the format allow as well */
#define SNG_SAFETENSORS_METADATA   "__metadata__"

/* sng_safetensors_save () to a storage. */
gboolean      sng_safetensors_save_to (SngStorage     *storage,
                                       const char     *path,
                                       SngStateDict   *tensors,
                                       GVariant       *metadata,
                                       GError        **error);
/* Writes a dictionary of tensors; hands the header back, which is all of the file before the data. Into fingerprints,
 * where it is not NULL, goes that of each tensor (name -> SngFingerprint): while one is taken the disk is at work. */
GBytes       *sng_safetensors_write   (SngStateFile   *file,
                                       SngStateDict   *tensors,
                                       GVariant       *metadata,
                                       GHashTable     *fingerprints,
                                       GError        **error);
/* Reads what a file holds; path is for the messages only. The tensors keep contents alive. */
SngStateDict *sng_safetensors_read    (GBytes         *contents,
                                       const char     *path,
                                       GBytes        **header,
                                       GVariant      **metadata,
                                       GError        **error);

G_END_DECLS
