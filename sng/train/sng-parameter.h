/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "tensor/sng-tensor.h"

G_BEGIN_DECLS

#define SNG_TYPE_PARAMETER (sng_parameter_get_type ())

/* A trainable tensor, its gradient (same shape; NULL for one that training does not touch), and its name. */
SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngParameter, sng_parameter, SNG, PARAMETER, GObject)

SNG_AVAILABLE_IN_1_0
SngParameter *sng_parameter_new          (const char   *name,
                                          SngTensor    *value,
                                          SngTensor    *gradient);
SNG_AVAILABLE_IN_1_0
const char   *sng_parameter_get_name     (SngParameter *self);
SNG_AVAILABLE_IN_1_0
SngTensor    *sng_parameter_get_value    (SngParameter *self);
SNG_AVAILABLE_IN_1_0
SngTensor    *sng_parameter_get_gradient (SngParameter *self);

G_END_DECLS
