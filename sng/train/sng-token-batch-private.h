/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "state/sng-state-dict.h"

G_BEGIN_DECLS

#define SNG_LABEL_NONE (-100) /* the label of a token that is no target */

/* The inputs of a language model while they are filled in: three arrays of [n_sequences, length]. */
typedef struct
{
  gsize   n_sequences;
  gsize   length;
  gint64 *input_ids;
  gint64 *attention_mask;
  gint64 *labels;
} SngTokenBatch;

/* All padding: no token is attended to, none is a target. */
void          sng_token_batch_init   (SngTokenBatch  *self,
                                      gsize           n_sequences,
                                      gsize           length,
                                      gint64          padding);
/* Makes a batch of it, with "sample_ids" and "n_targets", and leaves the struct empty. */
SngStateDict *sng_token_batch_finish (SngTokenBatch  *self,
                                      SngTensor      *sample_ids,
                                      GError        **error);

G_END_DECLS
