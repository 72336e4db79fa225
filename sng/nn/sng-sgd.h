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

#define SNG_TYPE_SGD (sng_sgd_get_type ())

/* Properties: learning-rate (inherited), momentum, dampening, nesterov, weight-decay. */
SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngSgd, sng_sgd, SNG, SGD, SngGroupedOptimizer)

SNG_AVAILABLE_IN_1_0
SngOptimizer *sng_sgd_new (GListModel *parameters,
                           double      learning_rate,
                           double      momentum,
                           double      weight_decay);

G_END_DECLS
