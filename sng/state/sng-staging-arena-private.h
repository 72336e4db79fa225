/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tensor/sng-tensor.h"

G_BEGIN_DECLS

/* Host memory for a copy of many tensors: one block for each device that they lie on, which is that device's to copy to. What
 * is in it when the next copy is made is used again. For one thread at a time. */
typedef struct
{
  GPtrArray *blocks;
  GPtrArray *sources; /* SngTensor: what devices read from until they are done */
} SngStagingArena;

SngStagingArena *sng_staging_arena_new     (void);
/* All that was staged was waited for. */
void             sng_staging_arena_free    (SngStagingArena  *self);
/* Begins a copy of these tensors: makes sure of a block for each of their devices. */
gboolean         sng_staging_arena_reserve (SngStagingArena  *self,
                                            GPtrArray        *tensors,
                                            GError          **error);
/* A read-only tensor in the arena with the elements of one of them. They are there when sng_staging_arena_finish () has
 * returned; from now on the tensor may change. */
SngTensor       *sng_staging_arena_stage   (SngStagingArena  *self,
                                            SngTensor        *tensor,
                                            GError          **error);
/* Waits for all copies, also where one of them has failed. */
gboolean         sng_staging_arena_finish  (SngStagingArena  *self,
                                            GError          **error);
/* The addresses of its blocks, in the order in which their devices came. */
gpointer         sng_staging_arena_get_block (SngStagingArena *self,
                                              guint            position);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SngStagingArena, sng_staging_arena_free)

G_END_DECLS
