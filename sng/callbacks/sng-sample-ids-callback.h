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

#define SNG_TYPE_SAMPLE_IDS_CALLBACK (sng_sample_ids_callback_get_type ())

SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngSampleIdsCallback, sng_sample_ids_callback, SNG, SAMPLE_IDS_CALLBACK, SngCallback)

SNG_AVAILABLE_IN_1_0
SngCallback *sng_sample_ids_callback_new (void);

G_END_DECLS
