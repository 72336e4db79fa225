/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "state/sng-checkpoint.h"
#include "state/sng-staging-arena-private.h"
#include "state/sng-storage-private.h"

G_BEGIN_DECLS

/* state.json: one line a member or entry, and a last member with the SHA-256 of all bytes before its line. So every
 * byte of it is covered, and so is every byte of the other files: their sizes, the SHA-256 of their headers and the
 * fingerprints of their tensors stand in it.
 *
 * Of a checkpoint that several ranks wrote it has the ranks in place of the states: a directory each, and the digest of the
 * manifest in it, which has the states as far as that rank has them. */
#define SNG_CHECKPOINT_MANIFEST "state.json"
#define SNG_CHECKPOINT_FORMAT   "libsng checkpoint"
#define SNG_CHECKPOINT_VERSION  1
#define SNG_CHECKPOINT_START    "{\n  \"format\": \"" SNG_CHECKPOINT_FORMAT "\",\n"

/* The last lines of a manifest, for the bytes that come before them. */
char    *sng_checkpoint_manifest_end   (const char     *text,
                                        gsize           length);

/* Writes all files into an empty directory and makes them durable. With n_ranks above 0 it is one rank's part of
 * the checkpoint. */
gboolean sng_checkpoint_write          (SngCheckpoint  *self,
                                        SngStorage     *storage,
                                        const char     *directory,
                                        guint           rank,
                                        guint           n_ranks,
                                        GError        **error);
/* The manifest of a checkpoint whose parts are in the directory already, and has them checked against each other. */
gboolean sng_checkpoint_write_index    (SngStorage     *storage,
                                        const char     *directory,
                                        guint64         step,
                                        guint           n_ranks,
                                        GError        **error);
/* "rank-00001". */
char    *sng_checkpoint_rank_to_name   (guint           rank);
/* One checkpoint of the parts of all ranks. */
SngCheckpoint *sng_checkpoint_merge    (SngCheckpoint **parts,
                                        guint           n_parts,
                                        const char     *path,
                                        GError        **error);
/* The first entry that is a shard; FALSE where there is none. */
gboolean sng_checkpoint_find_shard     (SngCheckpoint  *self,
                                        const char    **state,
                                        const char    **name);
void     sng_checkpoint_set_path       (SngCheckpoint  *self,
                                        const char     *path);

/* A copy of all tensors in the arena. Its tensors are read-only, and may be read after sng_staging_arena_finish (). */
SngCheckpoint *sng_checkpoint_stage    (SngCheckpoint    *self,
                                        SngStagingArena  *arena,
                                        GError          **error);

/* 7 <-> "step-00000007". */
char    *sng_checkpoint_step_to_name   (guint64         step);
gboolean sng_checkpoint_step_from_name (const char     *name,
                                        guint64        *step);

G_END_DECLS
