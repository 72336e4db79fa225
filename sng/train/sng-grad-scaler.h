/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "state/sng-stateful.h"

G_BEGIN_DECLS

#define SNG_TYPE_GRAD_SCALER (sng_grad_scaler_get_type ())

/* Properties, all construct-only: initial-scale (65536), growth-factor (2), backoff-factor (0.5), growth-interval (2000). */
SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngGradScaler, sng_grad_scaler, SNG, GRAD_SCALER, GObject)

SNG_AVAILABLE_IN_1_0
SngGradScaler *sng_grad_scaler_new                (void);
SNG_AVAILABLE_IN_1_0
gboolean       sng_grad_scaler_update             (SngGradScaler  *self,
                                                   gboolean        found_non_finite,
                                                   GError        **error);
SNG_AVAILABLE_IN_1_0
double         sng_grad_scaler_get_scale          (SngGradScaler  *self);
SNG_AVAILABLE_IN_1_0
guint64        sng_grad_scaler_get_growth_tracker (SngGradScaler  *self);
SNG_AVAILABLE_IN_1_0
guint64        sng_grad_scaler_get_n_skipped      (SngGradScaler  *self);

G_END_DECLS
