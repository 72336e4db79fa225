/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "nn/sng-grouped-optimizer.h"

G_BEGIN_DECLS

#define SNG_TYPE_ADAMW (sng_adamw_get_type ())

/* Properties: learning-rate (inherited), beta1, beta2, epsilon, weight-decay. */
SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngAdamw, sng_adamw, SNG, ADAMW, SngGroupedOptimizer)

SNG_AVAILABLE_IN_1_0
SngOptimizer *sng_adamw_new (GListModel *parameters,
                             double      learning_rate,
                             double      weight_decay);

G_END_DECLS
