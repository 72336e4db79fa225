/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include <glib.h>

#include "sng-version.h"

G_BEGIN_DECLS

#define SNG_ERROR (sng_error_quark ())

typedef enum
{
  SNG_ERROR_FAILED,
  SNG_ERROR_INVALID_ARGUMENT,
  SNG_ERROR_NOT_FOUND,
  SNG_ERROR_INVALID_DATA,
  SNG_ERROR_CORRUPT,
  SNG_ERROR_MISMATCH,
  SNG_ERROR_NOT_SUPPORTED,
  SNG_ERROR_IO,
  SNG_ERROR_STOP_AND_GO,
  SNG_ERROR_NON_FINITE,
  SNG_ERROR_CHILD_FAILED,
  SNG_ERROR_CANCELLED,
  SNG_ERROR_PREEMPTED,
  SNG_ERROR_TIMED_OUT,
  SNG_ERROR_NOT_RECORDED,
  SNG_ERROR_OTHER_STEPS,
  SNG_ERROR_NOT_RESUMED,
} SngError;

SNG_AVAILABLE_IN_1_0
GQuark sng_error_quark (void);

G_END_DECLS
