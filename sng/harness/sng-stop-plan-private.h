/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "harness/sng-stop-plan.h"

G_BEGIN_DECLS

/* The named plans, sng-stop-plan-named.c: they add interrupts before the last step of what was recorded, in any order. */

/* Only the first kind of boundaries. */
gboolean sng_stop_plan_add_epoch_ends (SngStopPlan  *self,
                                       SngRunStore  *continuous,
                                       guint64       last_step,
                                       GError      **error);
gboolean sng_stop_plan_add_boundaries (SngStopPlan  *self,
                                       SngRunStore  *continuous,
                                       guint64       last_step,
                                       GError      **error);
/* After each step that was recorded, but the last. */
gboolean sng_stop_plan_add_every      (SngStopPlan  *self,
                                       SngRunStore  *continuous,
                                       guint64       last_step,
                                       GError      **error);
/* Each in a step of its own. */
gboolean sng_stop_plan_add_random     (SngStopPlan  *self,
                                       SngRunStore  *continuous,
                                       guint64       last_step,
                                       guint64       seed,
                                       guint64       n,
                                       GError      **error);

G_END_DECLS
