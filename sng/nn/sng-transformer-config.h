/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "tensor/sng-device.h"
#include "tensor/sng-dtype.h"

G_BEGIN_DECLS

typedef enum
{
  SNG_ARCHITECTURE_ESM2,
  SNG_ARCHITECTURE_GPT
} SngArchitecture;

#define SNG_TYPE_TRANSFORMER_CONFIG (sng_transformer_config_get_type ())

/* Properties: architecture, n-layers, hidden-size, n-heads, ffn-size, vocab-size, max-length, max-batch-size,
 * hidden-dropout, attention-dropout, layer-norm-epsilon, token-dropout, dtype (f32 or f64), seed. */
SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngTransformerConfig, sng_transformer_config, SNG, TRANSFORMER_CONFIG, GObject)

SNG_AVAILABLE_IN_1_0
SngTransformerConfig *sng_transformer_config_new (SngArchitecture architecture,
                                                  guint           n_layers,
                                                  guint           hidden_size,
                                                  guint           n_heads);

G_END_DECLS
