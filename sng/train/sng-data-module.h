/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "state/sng-state-dict.h"
#include "train/sng-rng-stream.h"
#include "sng-types.h"

G_BEGIN_DECLS

#define SNG_TYPE_DATA_MODULE (sng_data_module_get_type ())

SNG_AVAILABLE_IN_1_0
G_DECLARE_DERIVABLE_TYPE (SngDataModule, sng_data_module, SNG, DATA_MODULE, GObject)

struct _SngDataModuleClass
{
  GObjectClass parent_class;

  /* reads files and splits; called once before the first batch */
  gboolean      (*setup)         (SngDataModule  *self,
                                  GError        **error);
  guint64       (*get_n_samples) (SngDataModule  *self,
                                  SngStage        stage);
  /* the batch of these samples (an i64 tensor of sample indices within the stage). rng is at the position of the first of
   * them. The batch holds the model's inputs, "sample_ids" (that tensor) and "n_targets" (an int64: by how much the
   * batch weighs in the mean loss of an accumulation window). */
  SngStateDict *(*load_batch)    (SngDataModule  *self,
                                  SngStage        stage,
                                  SngTensor      *sample_ids,
                                  SngRngStream   *rng,
                                  GError        **error);

  gpointer _reserved[8];
};

SNG_AVAILABLE_IN_1_0
gboolean      sng_data_module_setup         (SngDataModule  *self,
                                             GError        **error);
SNG_AVAILABLE_IN_1_0
guint64       sng_data_module_get_n_samples (SngDataModule  *self,
                                             SngStage        stage);
SNG_AVAILABLE_IN_1_0
SngStateDict *sng_data_module_load_batch    (SngDataModule  *self,
                                             SngStage        stage,
                                             SngTensor      *sample_ids,
                                             SngRngStream   *rng,
                                             GError        **error);

G_END_DECLS
