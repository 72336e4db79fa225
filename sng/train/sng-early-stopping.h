/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "state/sng-stateful.h"
#include "sng-types.h"

G_BEGIN_DECLS

#define SNG_TYPE_EARLY_STOPPING (sng_early_stopping_get_type ())

/* Implements SngStateful: the best score, the wait count and the step at which it stopped. */
SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngEarlyStopping, sng_early_stopping, SNG, EARLY_STOPPING, GObject)

SNG_AVAILABLE_IN_1_0
SngEarlyStopping *sng_early_stopping_new              (const char        *monitor,
                                                       SngMonitorMode     mode,
                                                       guint              patience);
SNG_AVAILABLE_IN_1_0
gboolean          sng_early_stopping_check            (SngEarlyStopping  *self,
                                                       guint64            step,
                                                       double             value);
SNG_AVAILABLE_IN_1_0
const char       *sng_early_stopping_get_monitor      (SngEarlyStopping  *self);
SNG_AVAILABLE_IN_1_0
double            sng_early_stopping_get_best_score   (SngEarlyStopping  *self);
SNG_AVAILABLE_IN_1_0
guint             sng_early_stopping_get_wait_count   (SngEarlyStopping  *self);
SNG_AVAILABLE_IN_1_0
guint64           sng_early_stopping_get_stopped_step (SngEarlyStopping  *self);

G_END_DECLS
