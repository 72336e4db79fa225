/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "train/sng-model-checkpoint.h"

G_BEGIN_DECLS

/* Whether it has anything to remember: without a rank and without a limit everything is kept. */
gboolean    sng_model_checkpoint_has_state      (SngModelCheckpoint  *self);
const char *sng_model_checkpoint_get_monitor    (SngModelCheckpoint  *self);
/* Takes in the checkpoint of a step that is due. @score is ignored where nothing is monitored. Returns: whether to save it.
 * Then its state, which the checkpoint holds, is that of after the save, and one of the two following calls comes next. */
gboolean    sng_model_checkpoint_enter          (SngModelCheckpoint  *self,
                                                 guint64              step,
                                                 double               score);
/* It could not be saved: everything is as it was. */
void        sng_model_checkpoint_revert         (SngModelCheckpoint  *self);
/* It is saved: removes those that are not kept any more. */
gboolean    sng_model_checkpoint_remove_dropped (SngModelCheckpoint  *self,
                                                 GError             **error);

G_END_DECLS
