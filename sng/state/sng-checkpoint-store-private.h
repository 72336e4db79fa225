/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "state/sng-checkpoint-store.h"
#include "state/sng-staging-arena-private.h"
#include "state/sng-storage-private.h"

G_BEGIN_DECLS

#define SNG_CHECKPOINT_LATEST "latest"
/* The end of the hidden directory that ranks put their parts into. */
#define SNG_CHECKPOINT_RANKS  ".ranks"

typedef struct _SngBackgroundSave SngBackgroundSave;

struct _SngCheckpointStore
{
  GObject parent_instance;

  char *path;
  SngStorage *storage;
  guint64 saved_step; /* that was begun to be saved last */

  SngStagingArena *arena;        /* where a copy is that is saved in the background; kept for the next one */
  SngBackgroundSave *background; /* that nobody has waited for yet; NULL: none */
};

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
/* What the public functions do when nothing is being saved in the background. */
char    *sng_checkpoint_store_write            (SngCheckpointStore  *self,
                                                SngCheckpoint       *checkpoint,
                                                GError             **error);
gboolean sng_checkpoint_store_take_away        (SngCheckpointStore  *self,
                                                guint64              step,
                                                GError             **error);
/* Whether there is something to wait for, and it would take time. */
gboolean sng_checkpoint_store_is_busy          (SngCheckpointStore  *self);
/* Waits for it. Where it was saved path is set, also when what it supersedes could not be removed; NULL when nothing was
 * being saved. */
gboolean sng_checkpoint_store_collect          (SngCheckpointStore  *self,
                                                char               **path,
                                                GError             **error);
/* Removes checkpoints, those that are there. */
gboolean sng_checkpoint_store_take_all_away    (SngCheckpointStore  *self,
                                                GArray              *steps,
                                                GError             **error);
/* Waits for it for the last time. */
void     sng_checkpoint_store_end_background   (SngCheckpointStore  *self);
/* Makes the store's directory, and clears away what saves that were killed have left: of ranks, those of earlier steps. */
gboolean sng_checkpoint_store_prepare          (SngCheckpointStore  *self,
                                                guint64              step,
                                                GError             **error);
/* From a complete hidden directory to the checkpoint that everybody sees. Where it fails, what is at the hidden name can be
 * removed or changed, or that is NULL: on the disk it may be what everybody sees. */
gboolean sng_checkpoint_store_publish          (SngCheckpointStore  *self,
                                                const char          *name,
                                                char               **hidden,
                                                GError             **error);

G_END_DECLS
