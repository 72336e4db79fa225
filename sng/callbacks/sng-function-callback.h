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

/**
 * SngMetricFunc:
 * @trainer: the trainer, after a step
 * @user_data: data that was given with the function
 * @error: return location for a #GError
 *
 * Computes the value of an extra metric after each training step.
 *
 * Returns: (transfer full) (nullable): the value (a number, a boolean, a string or anything made of them), or %NULL with
 *   @error set
 *
 * Since: 1.0
 */
typedef GVariant *(*SngMetricFunc) (SngTrainer  *trainer,
                                    gpointer     user_data,
                                    GError     **error);

#define SNG_TYPE_FUNCTION_CALLBACK (sng_function_callback_get_type ())

SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngFunctionCallback, sng_function_callback, SNG, FUNCTION_CALLBACK, SngCallback)

SNG_AVAILABLE_IN_1_0
SngCallback *sng_function_callback_new (const char     *metric,
                                        SngMetricFunc   func,
                                        gpointer        user_data,
                                        GDestroyNotify  user_data_free);

G_END_DECLS
