/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "state/sng-checkpoint.h"
#include "state/sng-stateful.h"

G_BEGIN_DECLS

#define SNG_TYPE_STATE_REGISTRY (sng_state_registry_get_type ())

/* Everything that must survive a stop, by name, in order of registration. */
SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngStateRegistry, sng_state_registry, SNG, STATE_REGISTRY, GObject)

SNG_AVAILABLE_IN_1_0
SngStateRegistry *sng_state_registry_new       (void);
SNG_AVAILABLE_IN_1_0
gboolean          sng_state_registry_add       (SngStateRegistry  *self,
                                                const char        *name,
                                                SngStateful       *stateful,
                                                GError           **error);
SNG_AVAILABLE_IN_1_0
gboolean          sng_state_registry_remove    (SngStateRegistry  *self,
                                                const char        *name);
SNG_AVAILABLE_IN_1_0
SngStateful      *sng_state_registry_lookup    (SngStateRegistry  *self,
                                                const char        *name);
SNG_AVAILABLE_IN_1_0
char            **sng_state_registry_dup_names (SngStateRegistry  *self);
SNG_AVAILABLE_IN_1_0
SngCheckpoint    *sng_state_registry_capture   (SngStateRegistry  *self,
                                                guint64            step,
                                                GError           **error);
SNG_AVAILABLE_IN_1_0
gboolean          sng_state_registry_restore   (SngStateRegistry  *self,
                                                SngCheckpoint     *checkpoint,
                                                GError           **error);

G_END_DECLS
