/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <sng.h>

G_BEGIN_DECLS

/* Small transformers of both architectures, with and without dropout, and a batch for them. */

#define N_SEQUENCES 3
#define N_TOKENS 13

typedef struct
{
  SngArchitecture architecture;
  double          hidden_dropout;
  double          attention_dropout;
  gboolean        padding;
} Variant;

extern const Variant fixture_esm2;
extern const Variant fixture_esm2_dropout;
extern const Variant fixture_gpt;
extern const Variant fixture_gpt_dropout;

typedef struct
{
  SngModel     *model;
  SngStateDict *batch;
  SngRngStream *dropout;
} Fixture;

SngTransformerConfig *fixture_new_config (const Variant *variant,
                                          SngDtype       dtype);

/* The weights are larger than first weights, and bring every part of the model into play. */
Fixture *fixture_new             (const Variant *variant,
                                  SngDtype       dtype,
                                  guint          n_threads);
void     fixture_free            (Fixture       *fixture);
void     fixture_set_indices     (SngStateDict  *batch,
                                  const char    *name,
                                  const gint64  *values,
                                  gint64         n_sequences,
                                  gint64         n_tokens);
void     fixture_enlarge_weights (SngModel      *model,
                                  double         factor);

/* Returns: the loss */
double   fixture_forward         (Fixture       *fixture,
                                  SngStage       stage);
void     fixture_backward        (Fixture       *fixture,
                                  double         scale);
void     fixture_zero_gradients  (Fixture       *fixture);
/* All gradients behind each other. */
GBytes  *fixture_dup_gradients   (SngModel      *model);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fixture, fixture_free)

G_END_DECLS
