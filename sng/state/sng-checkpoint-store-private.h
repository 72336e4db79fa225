/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "state/sng-checkpoint-store.h"
#include "state/sng-storage-private.h"

G_BEGIN_DECLS

#define SNG_CHECKPOINT_LATEST "latest"
/* The end of the hidden directory that ranks put their parts into. */
#define SNG_CHECKPOINT_RANKS  ".ranks"

/* What it writes to; others can be put before it as long as nothing is being saved. */
SngStorage **sng_checkpoint_store_get_storage (SngCheckpointStore *self);
/* Hidden names, unlike any other, begin with this. */
char    *sng_checkpoint_store_temporary_prefix (SngCheckpointStore  *self,
                                                const char          *name);
/* Where a checkpoint waits while another takes its place, on file systems that cannot swap two names. */
char    *sng_checkpoint_store_aside_path       (SngCheckpointStore  *self,
                                                const char          *name);
/* Brings back, among these names in the directory, what was put aside by a save that was killed before its successor
 * was in place. */
gboolean sng_checkpoint_store_recover          (SngCheckpointStore  *self,
                                                char               **names,
                                                GError             **error);
/* All steps, ascending; empty where there is no directory yet. */
GArray  *sng_checkpoint_store_list_steps       (SngCheckpointStore  *self,
                                                GError             **error);
/* The step that latest names. Without such a file there is none and no error. */
gboolean sng_checkpoint_store_read_latest      (SngCheckpointStore  *self,
                                                guint64             *step,
                                                GError             **error);
/* Writes a pointer that can be renamed to SNG_CHECKPOINT_LATEST. */
gboolean sng_checkpoint_store_write_latest     (SngCheckpointStore  *self,
                                                const char          *name,
                                                char               **temporary,
                                                GError             **error);
/* Makes the store's directory, and clears away what saves that were killed have left: of ranks, those of earlier steps. */
gboolean sng_checkpoint_store_prepare          (SngCheckpointStore  *self,
                                                guint64              step,
                                                GError             **error);
/* From a complete hidden directory to the checkpoint that everybody sees. */
gboolean sng_checkpoint_store_publish          (SngCheckpointStore  *self,
                                                const char          *name,
                                                const char          *directory,
                                                GError             **error);

G_END_DECLS
