/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "callbacks/sng-callback.h"

G_BEGIN_DECLS

/* Record what belongs to a micro-batch of a step or a validation. */
gboolean sng_batch_record_tensors (SngCallback   *callback,
                                   SngTrainer    *trainer,
                                   SngStage       stage,
                                   guint          micro_batch,
                                   SngStateDict  *tensors,
                                   GError       **error);
gboolean sng_batch_record_loss    (SngCallback   *callback,
                                   SngTrainer    *trainer,
                                   SngStage       stage,
                                   guint          micro_batch,
                                   SngStateDict  *outputs,
                                   GError       **error);

G_END_DECLS
