/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "nn/sng-transformer-config.h"

G_BEGIN_DECLS

/* What a configuration comes to: plain values, nothing left to a default. */
typedef struct
{
  SngArchitecture architecture;
  guint           n_layers;
  guint           hidden_size;
  guint           n_heads;
  guint           head_size;
  guint           ffn_size;
  guint           vocab_size;
  guint           max_length;
  guint           max_batch_size;
  double          hidden_dropout;
  double          attention_dropout;
  double          layer_norm_epsilon;
  gboolean        token_dropout;
  SngDtype        dtype;
  guint64         seed;
} SngTransformerSettings;

/* Fails where the values do not fit together. */
gboolean sng_transformer_config_get_settings (SngTransformerConfig    *self,
                                              SngTransformerSettings  *settings,
                                              GError                 **error);

G_END_DECLS
