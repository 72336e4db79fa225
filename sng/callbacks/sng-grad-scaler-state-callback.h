/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "callbacks/sng-state-callback.h"

G_BEGIN_DECLS

#define SNG_TYPE_GRAD_SCALER_STATE_CALLBACK (sng_grad_scaler_state_callback_get_type ())

SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngGradScalerStateCallback, sng_grad_scaler_state_callback, SNG, GRAD_SCALER_STATE_CALLBACK, SngStateCallback)

SNG_AVAILABLE_IN_1_0
SngCallback *sng_grad_scaler_state_callback_new (void);

G_END_DECLS
