/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "harness/sng-harness.h"

G_BEGIN_DECLS

SNG_AVAILABLE_IN_1_0
void sng_test_add_harness (const char *path,
                           GType       harness_type);
SNG_AVAILABLE_IN_1_0
void sng_test_add_sweep   (const char *path,
                           GType       harness_type);

G_END_DECLS
