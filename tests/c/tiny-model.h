/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <sng.h>

G_BEGIN_DECLS

/* The smallest training that has everything that can be lost: a linear regression with dropout, on samples with noise
 * (from the masking stream) and with 0 to 2 targets each. */

#define TINY_N_INPUTS 3
#define TINY_N_SAMPLES 10
#define TINY_N_VALIDATION 5

G_DECLARE_FINAL_TYPE (TinyModel, tiny_model, TINY, MODEL, SngModel)
G_DECLARE_FINAL_TYPE (TinyData, tiny_data, TINY, DATA, SngDataModule)

struct _TinyModel
{
  SngModel parent_instance;

  GListStore   *parameters; /* "weight" [3] and "bias" [1] */
  SngParameter *weight;
  SngParameter *bias;
  SngRngStream *dropout;
  double        rate;

  double gradient[TINY_N_INPUTS + 1]; /* of the last training forward */
  double poison;                      /* added to every loss */
  int    fail_at;                     /* the forward (from 1) that fails; 0: none */
  int    n_forwards;
  double largest_factor; /* backward with a larger one overflows, as binary16 does; 0: none, and no precision but 32 */
};

struct _TinyData
{
  SngDataModule parent_instance;

  gboolean noisy;
  guint64  n_validation;
};

TinyModel *tiny_model_new (guint64 seed,
                           double  dropout);
TinyData  *tiny_data_new  (gboolean noisy);

/* A trainer with all that tiny_trainer_attach() attaches. The seed is 7. */
SngTrainer *tiny_trainer_new (guint       micro_batch_size,
                              guint       accumulate_grad_batches,
                              guint64     max_steps,
                              const char *directory);

/* Attaches a tiny model, AdamW and a cosine schedule to a trainer. */
void tiny_trainer_attach (SngTrainer *trainer);

/* With everything in it. */
void tiny_remove_directory (const char *path);

G_END_DECLS
