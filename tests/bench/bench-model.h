/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <sng.h>

G_BEGIN_DECLS

/* An ESM-2 without dropout, its optimizer and its batches: what all benchmarks of a bare step train. */
typedef struct
{
  int      n_layers;
  int      hidden_size;
  int      n_heads;
  int      n_sequences;
  int      n_tokens; /* of a sequence, with padding */
  gboolean padded;   /* the lengths vary */
  int      n_threads;
  int      n_batches; /* that take turns */
  char    *device;    /* NULL: the processor, with so many threads */
  char    *precision; /* NULL: 32 */
} BenchShape;

typedef struct
{
  SngModel     *model;
  SngOptimizer *optimizer;
  SngTensor    *changed; /* a parameter: what a step writes last */
  GPtrArray    *batches; /* of SngStateDict */
  guint         n_steps; /* made so far */
} BenchModel;

typedef struct
{
  double wall; /* seconds */
  double processor; /* of all threads of the process */
} BenchTime;

/* The 8M model at 2 x 512 in fp32 on two threads, and options for each of these. */
void        bench_shape_init        (BenchShape       *self);
void        bench_shape_add_options (BenchShape       *self,
                                     GOptionContext   *context);
char       *bench_shape_to_string   (const BenchShape *self);

gboolean    bench_model_init        (BenchModel       *self,
                                     const BenchShape *shape,
                                     GError          **error);
void        bench_model_clear       (BenchModel       *self);
/* Zeroes the gradients, forward, backward, one step of AdamW, all of it done on a GPU, too; returns the loss. */
double      bench_model_step        (BenchModel       *self);

BenchTime   bench_time_now          (void);
BenchTime   bench_time_since        (BenchTime         begin);

G_END_DECLS
