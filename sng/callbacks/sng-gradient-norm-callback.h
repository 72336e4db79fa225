/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "callbacks/sng-callback.h"

G_BEGIN_DECLS

#define SNG_TYPE_GRADIENT_NORM_CALLBACK (sng_gradient_norm_callback_get_type ())

SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngGradientNormCallback, sng_gradient_norm_callback, SNG, GRADIENT_NORM_CALLBACK, SngCallback)

SNG_AVAILABLE_IN_1_0
SngCallback *sng_gradient_norm_callback_new (void);

G_END_DECLS
