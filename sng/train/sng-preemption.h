/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "train/sng-trainer.h"

G_BEGIN_DECLS

#define SNG_TYPE_PREEMPTION (sng_preemption_get_type ())

SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngPreemption, sng_preemption, SNG, PREEMPTION, GObject)

SNG_AVAILABLE_IN_1_0
SngPreemption *sng_preemption_new          (void);
SNG_AVAILABLE_IN_1_0
void           sng_preemption_set_handles  (SngPreemption *self,
                                            int            signal_number,
                                            gboolean       handles);
SNG_AVAILABLE_IN_1_0
gboolean       sng_preemption_get_handles  (SngPreemption *self,
                                            int            signal_number);
SNG_AVAILABLE_IN_1_0
int            sng_preemption_get_received (SngPreemption *self);
SNG_AVAILABLE_IN_1_0
void           sng_preemption_attach       (SngPreemption *self,
                                            SngTrainer    *trainer);

G_END_DECLS
