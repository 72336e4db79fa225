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

#define SNG_TYPE_COMMAND_HARNESS (sng_command_harness_get_type ())

SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngCommandHarness, sng_command_harness, SNG, COMMAND_HARNESS, SngHarness)

SNG_AVAILABLE_IN_1_0
SngHarness *sng_command_harness_new              (const char *const   *command);
SNG_AVAILABLE_IN_1_0
SngReport  *sng_command_harness_run_kills        (SngCommandHarness   *self,
                                                  GCancellable        *cancellable,
                                                  GError             **error);
SNG_AVAILABLE_IN_1_0
void        sng_command_harness_run_kills_async  (SngCommandHarness   *self,
                                                  GCancellable        *cancellable,
                                                  GAsyncReadyCallback  callback,
                                                  gpointer             user_data);
SNG_AVAILABLE_IN_1_0
SngReport  *sng_command_harness_run_kills_finish (SngCommandHarness   *self,
                                                  GAsyncResult        *result,
                                                  GError             **error);

G_END_DECLS
