/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "state/sng-checkpoint-store.h"
#include "state/sng-stateful.h"
#include "sng-types.h"

G_BEGIN_DECLS

#define SNG_TYPE_MODEL_CHECKPOINT (sng_model_checkpoint_get_type ())

/* When and where a trainer saves, and what it keeps. Properties (construct-only): directory, every-n-train-steps (0: not by the
 * count), save-last (at the end of fit; the default), monitor (nullable), mode, save-top-k (-1, the default: all), keep-every (0: none for good),
 * save-in-background, go-on-after-error. Implements SngStateful. */
SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngModelCheckpoint, sng_model_checkpoint, SNG, MODEL_CHECKPOINT, GObject)

SNG_AVAILABLE_IN_1_0
SngModelCheckpoint *sng_model_checkpoint_new            (const char          *directory,
                                                         guint64              every_n_train_steps);
SNG_AVAILABLE_IN_1_0
SngCheckpointStore *sng_model_checkpoint_get_store      (SngModelCheckpoint  *self);
SNG_AVAILABLE_IN_1_0
gboolean            sng_model_checkpoint_is_due         (SngModelCheckpoint  *self,
                                                         guint64              step,
                                                         gboolean             is_last);
SNG_AVAILABLE_IN_1_0
guint64             sng_model_checkpoint_get_best_step  (SngModelCheckpoint  *self);
SNG_AVAILABLE_IN_1_0
double              sng_model_checkpoint_get_best_score (SngModelCheckpoint  *self);

G_END_DECLS
