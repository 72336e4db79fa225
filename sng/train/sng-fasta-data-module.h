/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "train/sng-data-module.h"
#include <gio/gio.h>

G_BEGIN_DECLS

#define SNG_TYPE_FASTA_DATA_MODULE (sng_fasta_data_module_get_type ())

/* Proteins for masked language modelling, in ESM-2's alphabet. Properties (construct): path (nullable: the built-in 16
 * proteins), max-length (tokens, with <cls> and <eos>), n-validation (how many sequences are held out; -1: 4 of the built-in
 * ones, else a tenth), seed,
 * mask-probability (0.15). Batch: "input_ids", "attention_mask", "labels" (i64 [batch, length]; labels -100 where not a target). */
SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngFastaDataModule, sng_fasta_data_module, SNG, FASTA_DATA_MODULE, SngDataModule)

SNG_AVAILABLE_IN_1_0
SngDataModule *sng_fasta_data_module_new (const char *path,
                                          guint       max_length);

G_END_DECLS
