/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "record/sng-run-store.h"
#include "state/sng-state-dict.h"

G_BEGIN_DECLS

#define SNG_TYPE_RECORDER (sng_recorder_get_type ())

SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngRecorder, sng_recorder, SNG, RECORDER, GObject)

SNG_AVAILABLE_IN_1_0
SngRecorder *sng_recorder_new           (SngRunStore  *store,
                                         guint         rank);
SNG_AVAILABLE_IN_1_0
SngRecorder *sng_recorder_new_from_environment (GError **error);
SNG_AVAILABLE_IN_1_0
gboolean     sng_recorder_is_active     (SngRecorder  *self);
SNG_AVAILABLE_IN_1_0
SngMode      sng_recorder_get_mode      (SngRecorder  *self);
SNG_AVAILABLE_IN_1_0
const char  *sng_recorder_get_checkpoint_dir (SngRecorder *self);
SNG_AVAILABLE_IN_1_0
gboolean     sng_recorder_set_environment (SngRecorder *self,
                                         const char   *key,
                                         const char   *value,
                                         GError      **error);
SNG_AVAILABLE_IN_1_0
SngRunStore *sng_recorder_get_store     (SngRecorder  *self);
SNG_AVAILABLE_IN_1_0
guint        sng_recorder_get_rank      (SngRecorder  *self);
SNG_AVAILABLE_IN_1_0
void         sng_recorder_set_capture   (SngRecorder  *self,
                                         const char   *metric,
                                         gboolean      capture);
SNG_AVAILABLE_IN_1_0
gboolean     sng_recorder_record_value  (SngRecorder  *self,
                                         const char   *metric,
                                         SngStage      stage,
                                         guint64       step,
                                         gint64        micro_batch,
                                         const char   *path,
                                         GVariant     *value,
                                         GError      **error);
SNG_AVAILABLE_IN_1_0
gboolean     sng_recorder_record_tensor (SngRecorder  *self,
                                         const char   *metric,
                                         SngStage      stage,
                                         guint64       step,
                                         gint64        micro_batch,
                                         const char   *path,
                                         SngTensor    *tensor,
                                         GError      **error);
SNG_AVAILABLE_IN_1_0
gboolean     sng_recorder_finish_step   (SngRecorder  *self,
                                         GError      **error);
SNG_AVAILABLE_IN_1_0
gboolean     sng_recorder_record        (SngRecorder  *self,
                                         SngStage      stage,
                                         guint64       step,
                                         gint64        micro_batch,
                                         SngStateDict *metrics,
                                         GError      **error);
SNG_AVAILABLE_IN_1_0
gboolean     sng_recorder_step          (SngRecorder  *self,
                                         guint64       step,
                                         SngStateDict *metrics,
                                         GError      **error);

G_END_DECLS
