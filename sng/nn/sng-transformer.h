/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "nn/sng-transformer-config.h"
#include "train/sng-model.h"

G_BEGIN_DECLS

#define SNG_TYPE_TRANSFORMER (sng_transformer_get_type ())

SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngTransformer, sng_transformer, SNG, TRANSFORMER, SngModel)

SNG_AVAILABLE_IN_1_0
SngModel             *sng_transformer_new        (SngTransformerConfig  *config,
                                                  SngDevice             *device,
                                                  GError               **error);
SNG_AVAILABLE_IN_1_0
SngTransformerConfig *sng_transformer_get_config (SngTransformer        *self);

G_END_DECLS
