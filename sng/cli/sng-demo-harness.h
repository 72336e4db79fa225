/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <sng.h>

G_BEGIN_DECLS

/* What "sng demo" trains: a small ESM-2 on proteins, or a small GPT on a text. */
#define SNG_TYPE_DEMO_HARNESS (sng_demo_harness_get_type ())
G_DECLARE_FINAL_TYPE (SngDemoHarness, sng_demo_harness, SNG, DEMO_HARNESS, SngHarness)

typedef enum
{
  SNG_DEMO_ADAMW,
  SNG_DEMO_SGD
} SngDemoOptimizer;

/* The properties, and a fasta file or a text or neither (for the built-in proteins). */
SngHarness    *sng_demo_harness_new             (const char        *fasta,
                                                 const char        *text,
                                                 SngDemoOptimizer   optimizer);
/* Averages the weights with this decay, in [0, 1). */
void           sng_demo_harness_set_ema_decay   (SngDemoHarness    *self,
                                                 double             decay);
/* Trains a model that is as small as can be, with all that a training can remember, so that there is something to plant every
 * fault in, in little time. */
void           sng_demo_harness_prepare_faults  (SngDemoHarness    *self);
/* The data that the harness trains on; fails where the file cannot be used. */
SngDataModule *sng_demo_harness_create_data     (SngDemoHarness    *self,
                                                 GError           **error);

G_END_DECLS
