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

#define SNG_TYPE_FAULT_RESULT (sng_fault_result_get_type ())

SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngFaultResult, sng_fault_result, SNG, FAULT_RESULT, GObject)

SNG_AVAILABLE_IN_1_0
const char *sng_fault_result_get_id                (SngFaultResult *self);
SNG_AVAILABLE_IN_1_0
const char *sng_fault_result_get_title             (SngFaultResult *self);
SNG_AVAILABLE_IN_1_0
const char *sng_fault_result_get_state             (SngFaultResult *self);
SNG_AVAILABLE_IN_1_0
SngCause    sng_fault_result_get_expected_cause    (SngFaultResult *self);
SNG_AVAILABLE_IN_1_0
gboolean    sng_fault_result_get_planted           (SngFaultResult *self);
SNG_AVAILABLE_IN_1_0
gboolean    sng_fault_result_get_detected          (SngFaultResult *self);
SNG_AVAILABLE_IN_1_0
const char *sng_fault_result_get_reason            (SngFaultResult *self);
SNG_AVAILABLE_IN_1_0
const char *sng_fault_result_get_found_by          (SngFaultResult *self);
SNG_AVAILABLE_IN_1_0
const char *sng_fault_result_get_metric            (SngFaultResult *self);
SNG_AVAILABLE_IN_1_0
gint64      sng_fault_result_get_step              (SngFaultResult *self);
SNG_AVAILABLE_IN_1_0
SngCause    sng_fault_result_get_cause             (SngFaultResult *self);
SNG_AVAILABLE_IN_1_0
const char *sng_fault_result_get_diagnosis         (SngFaultResult *self);
SNG_AVAILABLE_IN_1_0
gboolean    sng_fault_result_get_found_by_original (SngFaultResult *self);

G_END_DECLS
