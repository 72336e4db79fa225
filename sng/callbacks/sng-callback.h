/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "record/sng-recorder.h"
#include "train/sng-trainer.h"

G_BEGIN_DECLS

#define SNG_TYPE_CALLBACK (sng_callback_get_type ())

SNG_AVAILABLE_IN_1_0
G_DECLARE_DERIVABLE_TYPE (SngCallback, sng_callback, SNG, CALLBACK, GObject)

struct _SngCallbackClass
{
  GObjectClass parent_class;

  SngMetricFlags (*get_flags)       (SngCallback   *self,
                                     SngTrainer    *trainer,
                                     GError       **error);
  gboolean       (*fit_start)       (SngCallback   *self,
                                     SngTrainer    *trainer,
                                     GError       **error);
  gboolean       (*step_start)      (SngCallback   *self,
                                     SngTrainer    *trainer,
                                     GError       **error);
  gboolean       (*micro_batch_end) (SngCallback   *self,
                                     SngTrainer    *trainer,
                                     SngStage       stage,
                                     guint          micro_batch,
                                     SngStateDict  *batch,
                                     SngStateDict  *outputs,
                                     GError       **error);
  gboolean       (*step_end)        (SngCallback   *self,
                                     SngTrainer    *trainer,
                                     GError       **error);
  gboolean       (*validation_end)  (SngCallback   *self,
                                     SngTrainer    *trainer,
                                     GError       **error);
  gboolean       (*step_finished)   (SngCallback   *self,
                                     SngTrainer    *trainer,
                                     GError       **error);

  gpointer _reserved[8];
};

SNG_AVAILABLE_IN_1_0
const char  *sng_callback_get_metric    (SngCallback   *self);
SNG_AVAILABLE_IN_1_0
SngRecorder *sng_callback_get_recorder  (SngCallback   *self);
SNG_AVAILABLE_IN_1_0
gboolean     sng_callback_attach        (SngCallback   *self,
                                         SngTrainer    *trainer,
                                         SngRecorder   *recorder,
                                         GError       **error);
SNG_AVAILABLE_IN_1_0
gboolean     sng_callback_record_value  (SngCallback   *self,
                                         SngStage       stage,
                                         guint64        step,
                                         gint64         micro_batch,
                                         const char    *path,
                                         GVariant      *value,
                                         GError       **error);
SNG_AVAILABLE_IN_1_0
gboolean     sng_callback_record_tensor (SngCallback   *self,
                                         SngStage       stage,
                                         guint64        step,
                                         gint64         micro_batch,
                                         const char    *path,
                                         SngTensor     *tensor,
                                         GError       **error);
SNG_AVAILABLE_IN_1_0
gboolean     sng_callback_record_state  (SngCallback   *self,
                                         SngStage       stage,
                                         guint64        step,
                                         gint64         micro_batch,
                                         const char    *prefix,
                                         SngStateDict  *state,
                                         GError       **error);

G_END_DECLS
