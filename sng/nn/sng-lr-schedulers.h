/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "train/sng-lr-scheduler.h"

G_BEGIN_DECLS

SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngConstantLr, sng_constant_lr, SNG, CONSTANT_LR, SngLrScheduler)
#define SNG_TYPE_CONSTANT_LR (sng_constant_lr_get_type ())
SNG_AVAILABLE_IN_1_0
SngLrScheduler *sng_constant_lr_new (double learning_rate);

SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngLinearWarmupLr, sng_linear_warmup_lr, SNG, LINEAR_WARMUP_LR, SngLrScheduler)
#define SNG_TYPE_LINEAR_WARMUP_LR (sng_linear_warmup_lr_get_type ())
SNG_AVAILABLE_IN_1_0
SngLrScheduler *sng_linear_warmup_lr_new (double  learning_rate,
                                          guint64 warmup_steps);

SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngCosineLr, sng_cosine_lr, SNG, COSINE_LR, SngLrScheduler)
#define SNG_TYPE_COSINE_LR (sng_cosine_lr_get_type ())
SNG_AVAILABLE_IN_1_0
SngLrScheduler *sng_cosine_lr_new (double  learning_rate,
                                   double  minimum,
                                   guint64 warmup_steps,
                                   guint64 max_steps);

SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngWarmupAnnealDecayHoldLr, sng_warmup_anneal_decay_hold_lr, SNG, WARMUP_ANNEAL_DECAY_HOLD_LR, SngLrScheduler)
#define SNG_TYPE_WARMUP_ANNEAL_DECAY_HOLD_LR (sng_warmup_anneal_decay_hold_lr_get_type ())
SNG_AVAILABLE_IN_1_0
SngLrScheduler *sng_warmup_anneal_decay_hold_lr_new (double  learning_rate,
                                                     double  minimum,
                                                     guint64 warmup_steps,
                                                     guint64 max_steps,
                                                     double  anneal_percentage);

G_END_DECLS
