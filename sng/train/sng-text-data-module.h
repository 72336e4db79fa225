/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "train/sng-data-module.h"

G_BEGIN_DECLS

#define SNG_TYPE_TEXT_DATA_MODULE (sng_text_data_module_get_type ())

/* The bytes of any text file in windows of max-length tokens, for causal language modelling: "input_ids", "labels"
 * (shifted by one by the data module), "attention_mask". */
SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngTextDataModule, sng_text_data_module, SNG, TEXT_DATA_MODULE, SngDataModule)

SNG_AVAILABLE_IN_1_0
SngDataModule *sng_text_data_module_new (const char *path,
                                         guint       max_length);

G_END_DECLS
