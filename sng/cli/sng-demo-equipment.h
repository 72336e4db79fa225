/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <sng.h>

G_BEGIN_DECLS

/* All that a training can remember, so that every fault has something to damage: parameters in groups that differ, an average of
 * the weights, a patience, and a state that only validations change. */

/* Two groups beside that of all other parameters. */
gboolean sng_demo_equip_optimizer (SngOptimizer  *optimizer,
                                   GError       **error);
/* What is there already stays. */
gboolean sng_demo_equip_trainer   (SngTrainer    *trainer,
                                   GError       **error);

G_END_DECLS
