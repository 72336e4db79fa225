/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <sng.h>

#include "harness/sng-fault-private.h"

G_BEGIN_DECLS

/*
 * A real, if very small, ESM-2 training on the built-in proteins, in which every fault of the catalogue can be planted that one
 * rank can have.
 *
 * 12 proteins make 3 steps of 2 x 2: the stop after step 7 is in the middle of the epoch 2, on a slope of the schedule and
 * between two validations and two checkpoints.
 */

#define NUM_STEPS 12
#define STOP_STEP 7
#define EPOCH_STEPS 3
#define VAL_INTERVAL 4
#define MICRO_BATCH 2
#define BUFFER "buffer"

/* Low enough that no window is skipped, and it grows before the stop. */
#define INITIAL_SCALE 256.0
#define GROWTH_INTERVAL G_GUINT64_CONSTANT (2)

#define FAULT_TYPE_HARNESS (fault_harness_get_type ())
G_DECLARE_FINAL_TYPE (FaultHarness, fault_harness, FAULT, HARNESS, SngHarness)

struct _FaultHarness
{
  SngHarness parent_instance;

  SngFault *fault; /* NULL: none */
  SngFaultOutcome outcome;
  char *reason;
  gboolean swaps_groups;     /* of RESUME */
  guint resume_micro_batch;  /* 0: RESUME has windows as STOP has; else one micro-batch of this size */
  gboolean cuts_repeat_otherwise; /* REPEAT has windows of one micro-batch, so its sums are others */
  gboolean with_sgd;         /* in place of AdamW */
  gboolean looks_at_losses_only;
  guint64 restores_badly_at; /* a resume after this step goes wrong, without any fault; 0: none */
  gboolean needs_buffer;     /* the training fails where a validation was forgotten */
  guint patience;
};

/* With the fault of the id, or NULL for none. */
SngHarness *fault_harness_new  (const char         *id,
                                guint               stop_step);
SngReport  *fault_harness_run  (SngHarness         *harness);
/* That RESUME diverges first at @step, in one of @metrics. */
void        fault_check_first  (SngReport          *report,
                                const char *const  *metrics,
                                guint64             step);
/* That the diagnosis names the fault's cause. */
void        fault_check_cause  (SngReport          *report,
                                SngFault           *fault);

G_END_DECLS
