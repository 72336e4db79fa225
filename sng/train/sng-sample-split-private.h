/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "sng-types.h"
#include "tensor/sng-tensor.h"

G_BEGIN_DECLS

/* Which items of an input are held out for validation: a pure function of the seed and the numbers. */
typedef struct
{
  GArray *items[2]; /* of gsize, by SngStage, ascending */
} SngSampleSplit;

/* n_validation -1 stands for a tenth, at least one. At least one item is left for training; where that is not possible,
 * the error says how many @things there are. */
SngSampleSplit *sng_sample_split_new     (gsize            n_items,
                                          gint64           n_validation,
                                          guint64          seed,
                                          const char      *things,
                                          GError         **error);
void            sng_sample_split_free    (SngSampleSplit  *self);
/* The items behind an i64 vector of samples of a stage, or NULL with an error that names the first one that is out of range. */
GArray         *sng_sample_split_look_up (SngSampleSplit  *self,
                                          SngStage         stage,
                                          SngTensor       *sample_ids,
                                          GError         **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SngSampleSplit, sng_sample_split_free)

G_END_DECLS
