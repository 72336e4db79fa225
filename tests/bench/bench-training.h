/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <sng.h>

G_BEGIN_DECLS

/* An ESM-2 in training on made-up tokens. */
typedef struct
{
  guint   n_layers;
  guint   hidden_size;
  guint   n_heads;
  guint   n_sequences; /* of a micro-batch */
  guint   n_tokens;    /* of a sequence */
  guint64 val_check_interval;
  guint64 limit_val_batches;
} BenchTraining;

SngTrainer *bench_training_new_trainer (const BenchTraining *self,
                                        SngDevice           *device);
/* All of the harness's own callbacks. */
void        bench_training_attach      (SngTrainer          *trainer,
                                        SngRecorder         *recorder);
/* The training goes on from where it stands. */
void        bench_training_run         (SngTrainer          *trainer,
                                        guint64              n_steps);

char       *bench_make_directory       (void);
void        bench_remove_directory     (const char          *path);
double      bench_median               (GArray              *values);

G_END_DECLS
