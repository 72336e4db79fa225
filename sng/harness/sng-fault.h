/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include <gio/gio.h>
#include "sng-types.h"

G_BEGIN_DECLS

#define SNG_TYPE_FAULT (sng_fault_get_type ())

SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngFault, sng_fault, SNG, FAULT, GObject)

typedef enum
{
  SNG_FAULT_PLACE_ANYWHERE,
  SNG_FAULT_PLACE_RESTORE,
  SNG_FAULT_PLACE_NEXT_STEP,
  SNG_FAULT_PLACE_NEXT_VALIDATION
} SngFaultPlace;

SNG_AVAILABLE_IN_1_0
GListModel         *sng_fault_list                 (void);
SNG_AVAILABLE_IN_1_0
SngFault           *sng_fault_lookup               (const char  *id,
                                                    GError     **error);
SNG_AVAILABLE_IN_1_0
const char         *sng_fault_get_id               (SngFault    *self);
SNG_AVAILABLE_IN_1_0
const char         *sng_fault_get_title            (SngFault    *self);
SNG_AVAILABLE_IN_1_0
const char         *sng_fault_get_needs            (SngFault    *self);
SNG_AVAILABLE_IN_1_0
SngCause            sng_fault_get_cause            (SngFault    *self);
SNG_AVAILABLE_IN_1_0
const char * const *sng_fault_get_expected_metrics (SngFault    *self);
SNG_AVAILABLE_IN_1_0
SngFaultPlace       sng_fault_get_expected_place   (SngFault    *self);

SNG_AVAILABLE_IN_1_0
const char         *sng_fault_place_to_string      (SngFaultPlace  place);

G_END_DECLS
