/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "harness/sng-interrupt.h"
#include "record/sng-run-store.h"

G_BEGIN_DECLS

#define SNG_TYPE_STOP_PLAN (sng_stop_plan_get_type ())

SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngStopPlan, sng_stop_plan, SNG, STOP_PLAN, GObject)

SNG_AVAILABLE_IN_1_0
SngStopPlan  *sng_stop_plan_new              (void);
SNG_AVAILABLE_IN_1_0
SngStopPlan  *sng_stop_plan_from_string      (const char    *text,
                                              GError       **error);
SNG_AVAILABLE_IN_1_0
char         *sng_stop_plan_to_string        (SngStopPlan   *self);
SNG_AVAILABLE_IN_1_0
void          sng_stop_plan_add              (SngStopPlan   *self,
                                              SngInterrupt  *interrupt);
SNG_AVAILABLE_IN_1_0
guint         sng_stop_plan_get_n_interrupts (SngStopPlan   *self);
SNG_AVAILABLE_IN_1_0
SngInterrupt *sng_stop_plan_get_interrupt    (SngStopPlan   *self,
                                              guint          position);
SNG_AVAILABLE_IN_1_0
SngStopPlan  *sng_stop_plan_resolve          (SngStopPlan   *self,
                                              SngRunStore   *continuous,
                                              guint64        n_steps,
                                              guint64        default_stop,
                                              GError       **error);

G_END_DECLS
