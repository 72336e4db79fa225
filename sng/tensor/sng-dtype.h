/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include <glib-object.h>
#include "sng-version.h"

G_BEGIN_DECLS

typedef enum
{
  SNG_DTYPE_F64,
  SNG_DTYPE_F32,
  SNG_DTYPE_BF16,
  SNG_DTYPE_F16,
  SNG_DTYPE_I64,
  SNG_DTYPE_I32,
  SNG_DTYPE_I16,
  SNG_DTYPE_I8,
  SNG_DTYPE_U8,
  SNG_DTYPE_BOOL,
  SNG_DTYPE_U16,
  SNG_DTYPE_U32,
  SNG_DTYPE_U64,
  SNG_DTYPE_F8_E4M3,
  SNG_DTYPE_F8_E5M2,
  SNG_DTYPE_F8_E8M0,
  SNG_DTYPE_F8_E4M3FNUZ,
  SNG_DTYPE_F8_E5M2FNUZ,
  SNG_DTYPE_C64
} SngDtype;

SNG_AVAILABLE_IN_1_0
gsize       sng_dtype_get_size    (SngDtype    dtype);
SNG_AVAILABLE_IN_1_0
const char *sng_dtype_get_name    (SngDtype    dtype);
SNG_AVAILABLE_IN_1_0
gboolean    sng_dtype_from_name   (const char *name,
                                   SngDtype   *dtype);
SNG_AVAILABLE_IN_1_0
gboolean    sng_dtype_is_floating (SngDtype    dtype);
SNG_AVAILABLE_IN_1_0
gboolean    sng_dtype_is_complex  (SngDtype    dtype);

G_END_DECLS
