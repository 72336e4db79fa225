/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "state/sng-state-dict.h"

G_BEGIN_DECLS

#define SNG_TYPE_CHECKPOINT (sng_checkpoint_get_type ())

/* A whole training state at one step: named statefuls' dictionaries. In memory; SngCheckpointStore keeps it on disk. */
SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngCheckpoint, sng_checkpoint, SNG, CHECKPOINT, GObject)

SNG_AVAILABLE_IN_1_0
SngCheckpoint  *sng_checkpoint_new                 (guint64         step);
SNG_AVAILABLE_IN_1_0
SngCheckpoint  *sng_checkpoint_load                (const char     *path,
                                                    GError        **error);
SNG_AVAILABLE_IN_1_0
guint64         sng_checkpoint_get_step            (SngCheckpoint  *self);
SNG_AVAILABLE_IN_1_0
const char     *sng_checkpoint_get_path            (SngCheckpoint  *self);
SNG_AVAILABLE_IN_1_0
GVariant       *sng_checkpoint_get_metadata        (SngCheckpoint  *self);
SNG_AVAILABLE_IN_1_0
void            sng_checkpoint_set_metadata        (SngCheckpoint  *self,
                                                    GVariant       *metadata);
SNG_AVAILABLE_IN_1_0
void            sng_checkpoint_set_state           (SngCheckpoint  *self,
                                                    const char     *name,
                                                    SngStateDict   *state);
SNG_AVAILABLE_IN_1_0
SngStateDict   *sng_checkpoint_lookup_state        (SngCheckpoint  *self,
                                                    const char     *name);
SNG_AVAILABLE_IN_1_0
gboolean        sng_checkpoint_remove_state        (SngCheckpoint  *self,
                                                    const char     *name);
SNG_AVAILABLE_IN_1_0
char          **sng_checkpoint_dup_names           (SngCheckpoint  *self);
SNG_AVAILABLE_IN_1_0
SngCheckpoint  *sng_checkpoint_copy                (SngCheckpoint  *self,
                                                    GError        **error);
SNG_AVAILABLE_IN_1_0
SngFingerprint *sng_checkpoint_compute_fingerprint (SngCheckpoint  *self);

G_END_DECLS
