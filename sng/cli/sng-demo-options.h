/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "sng-demo-harness.h"
#include "sng-report-options.h"

G_BEGIN_DECLS

/* What is made of the training. */
typedef enum
{
  SNG_DEMO_STOP_AND_GO,
  SNG_DEMO_SWEEP,
  SNG_DEMO_FAULTS,
  SNG_DEMO_ACCUMULATION
} SngDemoTask;

/* What "sng demo" is asked for, checked. */
typedef struct
{
  SngDemoTask task;
  char *fasta;
  char *text;
  SngDemoOptimizer optimizer;
  double ema_decay; /* negative: no average */
  char *precision;  /* NULL: that of the harness */
  guint steps;
  guint stop_at;
  char *stops; /* NULL: one, after stop_at */
  char **faults; /* ids; NULL: all */
  char **plans;  /* of micro-batches, for SNG_DEMO_ACCUMULATION */
  guint horizon;
  guint jobs; /* 0: one a processor */
  SngStress stress;
  guint64 seed;
  guint threads; /* 0: all processors */
  char *device;        /* NULL: that of the harness */
  char *resume_device; /* NULL: the same */
  gboolean repeat;
  gboolean noise_tolerance;
  SngReportOptions report;
} SngDemoOptions;

/* FALSE where they are wrong, which is printed. */
gboolean    sng_demo_options_parse          (SngDemoOptions       *self,
                                             int                   argc,
                                             char                **argv);
void        sng_demo_options_clear          (SngDemoOptions       *self);
/* One that does what they say. */
SngHarness *sng_demo_options_create_harness (const SngDemoOptions *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SngDemoOptions, sng_demo_options_clear)

G_END_DECLS
