/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include <gio/gio.h>

#include "state/sng-checkpoint.h"

G_BEGIN_DECLS

#define SNG_TYPE_CHECKPOINT_STORE (sng_checkpoint_store_get_type ())

SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngCheckpointStore, sng_checkpoint_store, SNG, CHECKPOINT_STORE, GObject)

SNG_AVAILABLE_IN_1_0
SngCheckpointStore *sng_checkpoint_store_new         (const char          *path);
SNG_AVAILABLE_IN_1_0
const char         *sng_checkpoint_store_get_path    (SngCheckpointStore  *self);
SNG_AVAILABLE_IN_1_0
char               *sng_checkpoint_store_save        (SngCheckpointStore  *self,
                                                      SngCheckpoint       *checkpoint,
                                                      GError             **error);
SNG_AVAILABLE_IN_1_0
gboolean            sng_checkpoint_store_begin_save  (SngCheckpointStore  *self,
                                                      SngCheckpoint       *checkpoint,
                                                      const guint64       *superseded,
                                                      gsize                n_superseded,
                                                      GError             **error);
SNG_AVAILABLE_IN_1_0
gboolean            sng_checkpoint_store_wait        (SngCheckpointStore  *self,
                                                      GError             **error);
SNG_AVAILABLE_IN_1_0
void                sng_checkpoint_store_save_async  (SngCheckpointStore  *self,
                                                      SngCheckpoint       *checkpoint,
                                                      GCancellable        *cancellable,
                                                      GAsyncReadyCallback  callback,
                                                      gpointer             user_data);
SNG_AVAILABLE_IN_1_0
char               *sng_checkpoint_store_save_finish (SngCheckpointStore  *self,
                                                      GAsyncResult        *result,
                                                      GError             **error);
SNG_AVAILABLE_IN_1_0
gboolean            sng_checkpoint_store_save_rank   (SngCheckpointStore  *self,
                                                      SngCheckpoint       *checkpoint,
                                                      guint                rank,
                                                      guint                n_ranks,
                                                      GError             **error);
SNG_AVAILABLE_IN_1_0
char               *sng_checkpoint_store_commit_ranks
                                                     (SngCheckpointStore  *self,
                                                      guint64              step,
                                                      guint                n_ranks,
                                                      GError             **error);
SNG_AVAILABLE_IN_1_0
char              **sng_checkpoint_store_list        (SngCheckpointStore  *self,
                                                      GError             **error);
SNG_AVAILABLE_IN_1_0
SngCheckpoint      *sng_checkpoint_store_load_latest (SngCheckpointStore  *self,
                                                      char              ***refused,
                                                      GError             **error);
SNG_AVAILABLE_IN_1_0
gboolean            sng_checkpoint_store_remove      (SngCheckpointStore  *self,
                                                      guint64              step,
                                                      GError             **error);

G_END_DECLS
