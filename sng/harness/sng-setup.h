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

#define SNG_TYPE_SETUP (sng_setup_get_type ())

SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngSetup, sng_setup, SNG, SETUP, GObject)

SNG_AVAILABLE_IN_1_0
SngSetup       *sng_setup_new              (SngModel       *model,
                                            SngDataModule  *data_module,
                                            SngOptimizer   *optimizer,
                                            SngLrScheduler *scheduler);
SNG_AVAILABLE_IN_1_0
SngModel       *sng_setup_get_model        (SngSetup       *self);
SNG_AVAILABLE_IN_1_0
SngDataModule  *sng_setup_get_data_module  (SngSetup       *self);
SNG_AVAILABLE_IN_1_0
SngOptimizer   *sng_setup_get_optimizer    (SngSetup       *self);
SNG_AVAILABLE_IN_1_0
SngLrScheduler *sng_setup_get_lr_scheduler (SngSetup       *self);

G_END_DECLS
