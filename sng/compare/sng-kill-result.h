/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "sng-types.h"

G_BEGIN_DECLS

typedef enum
{
  SNG_KILL_OUTCOME_PASS,
  SNG_KILL_OUTCOME_LOST_WORK,
  SNG_KILL_OUTCOME_HARD_FAIL,
  SNG_KILL_OUTCOME_SILENT_DIVERGENCE
} SngKillOutcome;

SNG_AVAILABLE_IN_1_0
const char *sng_kill_outcome_to_string (SngKillOutcome outcome);

#define SNG_TYPE_KILL_RESULT (sng_kill_result_get_type ())

SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngKillResult, sng_kill_result, SNG, KILL_RESULT, GObject)

SNG_AVAILABLE_IN_1_0
guint64        sng_kill_result_get_number     (SngKillResult *self);
SNG_AVAILABLE_IN_1_0
const char    *sng_kill_result_get_operation  (SngKillResult *self);
SNG_AVAILABLE_IN_1_0
const char    *sng_kill_result_get_path       (SngKillResult *self);
SNG_AVAILABLE_IN_1_0
const char    *sng_kill_result_get_other_path (SngKillResult *self);
SNG_AVAILABLE_IN_1_0
SngKillOutcome sng_kill_result_get_outcome    (SngKillResult *self);
SNG_AVAILABLE_IN_1_0
const char    *sng_kill_result_get_detail     (SngKillResult *self);

G_END_DECLS
