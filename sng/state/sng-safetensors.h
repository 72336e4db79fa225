/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "state/sng-state-dict.h"

G_BEGIN_DECLS

SNG_AVAILABLE_IN_1_0
gboolean      sng_safetensors_save (const char    *path,
                                    SngStateDict  *tensors,
                                    GVariant      *metadata,
                                    GError       **error);
SNG_AVAILABLE_IN_1_0
SngStateDict *sng_safetensors_load (const char    *path,
                                    GVariant     **metadata,
                                    GError       **error);

G_END_DECLS
