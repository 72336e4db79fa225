/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <sng.h>

G_BEGIN_DECLS

/*
 * What goes wrong with real resumes, planted one by one into a real, if very small, ESM-2 training on the built-in
 * proteins. Each fault is to be found, and found first where it first shows.
 *
 * 12 proteins make 3 steps of 2 x 2: the stop after step 7 is in the middle of the epoch 2, on a slope of the schedule and
 * between two validations and two checkpoints.
 */

#define NUM_STEPS 12
#define STOP_STEP 7
#define MICRO_BATCH 2
#define BUFFER "buffer"

/* Low enough that no window is skipped, and it grows before the stop. */
#define INITIAL_SCALE 256.0
#define GROWTH_INTERVAL G_GUINT64_CONSTANT (2)

typedef struct
{
  const char *name;
  const char *metric; /* of the first divergence */
  guint64 step;
  SngStage stage;
  gboolean (*plant) (SngTrainer *trainer,
                     SngCheckpoint *checkpoint);                /* before the restore; FALSE: there is none */
  void (*configure) (SngHarness *harness, SngTrainer *trainer); /* of RESUME */
  gboolean with_sgd;                                            /* in place of AdamW */
} Fault;

#define FAULT_TYPE_HARNESS (fault_harness_get_type ())
G_DECLARE_FINAL_TYPE (FaultHarness, fault_harness, FAULT, HARNESS, SngHarness)

struct _FaultHarness
{
  SngHarness parent_instance;

  const Fault *fault; /* NULL: none */
  gboolean swaps_groups;
  gboolean with_sgd;
  guint patience;
};

SngHarness *fault_harness_new  (const Fault  *fault);
SngReport  *fault_harness_run  (SngHarness   *harness);

/* A test for each fault, that it is found where it says. */
void        fault_add_tests    (const Fault  *faults,
                                guint         n_faults);

/* Each changes a state in a checkpoint. A fault that changes nothing would be found by nobody, and must not count as planted. */

/* A copy of a state, for changes; sng_checkpoint_set_state() puts it in place. */
SngStateDict *copy_state     (SngCheckpoint *checkpoint,
                              const char    *name);
void          set_count      (SngCheckpoint *checkpoint,
                              const char    *name,
                              const char    *value,
                              guint64        count);
void          shift_count    (SngCheckpoint *checkpoint,
                              const char    *name,
                              const char    *value,
                              gint64         shift);

typedef void (*ChangeFunc) (guint8 *bytes,
                            gsize   size);

void          make_zero      (guint8        *bytes,
                              gsize          size);
/* f32 through bf16 and back; cut off instead of rounded, which does for a fault */
void          make_bf16      (guint8        *bytes,
                              gsize          size);
/* Changes every tensor whose name has the suffix. */
void          change_tensors (SngCheckpoint *checkpoint,
                              const char    *name,
                              const char    *suffix,
                              ChangeFunc     change);
void          swap_tensors   (SngCheckpoint *checkpoint,
                              const char    *name,
                              const char    *first,
                              const char    *second);
/* Gives one stateful the tensors that another has under the same names. */
void          copy_tensors   (SngCheckpoint *checkpoint,
                              const char    *from,
                              const char    *to);

G_END_DECLS
