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

#define SNG_TYPE_DIAGNOSIS (sng_diagnosis_get_type ())

SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngDiagnosis, sng_diagnosis, SNG, DIAGNOSIS, GObject)

SNG_AVAILABLE_IN_1_0
SngCause           sng_diagnosis_get_cause    (SngDiagnosis *self);
SNG_AVAILABLE_IN_1_0
const char        *sng_diagnosis_get_sentence (SngDiagnosis *self);
SNG_AVAILABLE_IN_1_0
const char *const *sng_diagnosis_get_evidence (SngDiagnosis *self);
SNG_AVAILABLE_IN_1_0
char              *sng_diagnosis_to_string    (SngDiagnosis *self);

G_END_DECLS
