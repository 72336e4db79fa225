/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "harness/sng-fault.h"
#include "state/sng-checkpoint-store.h"
#include "train/sng-trainer.h"

G_BEGIN_DECLS

/* What came of a fault. */
typedef enum
{
  SNG_FAULT_PLANTED,
  SNG_FAULT_NOT_PLANTED,    /* nothing was lost: what it damages is as if nothing had happened to it */
  SNG_FAULT_NOT_APPLICABLE, /* the training has nothing that it could damage */
  SNG_FAULT_REFUSED         /* the restore noticed it, and failed */
} SngFaultOutcome;

/* Where the run store of a run with a fault has its outcome, by name, and the reason. */
#define SNG_FAULT_OUTCOME_INFO "fault-outcome"
#define SNG_FAULT_REASON_INFO "fault-reason"

const char      *sng_fault_outcome_to_string   (SngFaultOutcome  outcome);
/* FALSE: there is none of this name. */
gboolean         sng_fault_outcome_from_string (const char       *name,
                                                SngFaultOutcome  *outcome);

/* Where a training must be when it is stopped, so that the fault can be planted. */
typedef enum
{
  SNG_FAULT_AT_ANY_STOP,
  SNG_FAULT_AT_EPOCH_END,
  SNG_FAULT_AT_SECOND_STOP /* of one epoch */
} SngFaultStop;

typedef gboolean (*SngFaultRestoreFunc) (SngTrainer     *trainer,
                                         SngCheckpoint  *checkpoint,
                                         gpointer        user_data,
                                         GError        **error);

/* A fault that is being planted. */
typedef struct
{
  SngFault *fault;
  SngTrainer *trainer;
  SngCheckpointStore *checkpoints; /* where the checkpoint lies, and older ones may */
  SngCheckpoint *checkpoint;       /* owned: a copy of the one to restore, for changes */
  SngCheckpoint *fresh;            /* owned: the training as it is without a restore */
  SngFaultRestoreFunc restore;
  gpointer restore_data;

  gboolean skips_restore;
  gboolean acts_later; /* in the training: the checkpoint need not differ */

  SngFaultOutcome outcome;
  char *reason; /* of any outcome but SNG_FAULT_PLANTED */
} SngFaultContext;

/* Changes the checkpoint, or prepares what happens later. FALSE: it could not be tried, and the error is set. */
typedef gboolean (*SngFaultPlantFunc) (SngFaultContext *context, GError **error);

/* A line of the catalogue. */
typedef struct
{
  const char *id;
  const char *title;
  const char *needs;
  SngCause cause;
  SngFaultPlace place;
  const char *metrics[3]; /* that see it first; none: the restore refuses it, or it is not applicable */
  SngFaultPlantFunc plant;
  SngFaultStop stop;
} SngFaultSpec;

/* sng-fault.c */
SngFault     *sng_fault_new_for_spec (const SngFaultSpec  *spec);
/* A generic one: @id is @kind, a colon and @target. */
SngFault     *sng_fault_new_generic  (const char          *kind,
                                      const char          *title,
                                      const char          *needs,
                                      SngFaultPlantFunc    plant,
                                      const char          *target);
SngFaultStop  sng_fault_get_stop     (SngFault            *self);
/* What a generic fault damages: the name of a state, or that, a slash and the name of what is in it. NULL: it is none. */
const char   *sng_fault_get_target   (SngFault            *self);
SngFaultPlantFunc
              sng_fault_get_plant    (SngFault            *self);
/* What the loss of a state comes to, by its name: up to the end, a slash or a colon. */
SngCause      sng_fault_get_cause_of_state (const char    *name);

/* sng-fault-catalogue.c and sng-fault-generic.c */
const SngFaultSpec *sng_fault_catalogue     (guint       *n_specs);
/* NULL: the part before the colon is no kind, or there is no target. */
SngFault           *sng_fault_parse_generic (const char  *id);
/* Those on a state that fit what is in it. */
void                sng_fault_list_generic  (const char    *name,
                                             SngStateDict  *state,
                                             GListStore    *faults);
/* "drop, stale, ..." */
char               *sng_fault_dup_kinds     (void);

/* sng-fault-restore.c: what a run with a fault does in the place of @restore. FALSE: it failed for a reason other than the
 * fault. Otherwise *@outcome tells what came of it, and *@reason, if it is not planted, why. Only after SNG_FAULT_PLANTED and
 * SNG_FAULT_NOT_PLANTED is there something to go on from. */
gboolean sng_fault_restore (SngFault             *self,
                            SngTrainer           *trainer,
                            SngCheckpointStore   *checkpoints,
                            SngCheckpoint        *checkpoint,
                            SngFaultRestoreFunc   restore,
                            gpointer              user_data,
                            SngFaultOutcome      *outcome,
                            char                **reason,
                            GError              **error);

/* For those that plant. Each declines where there is nothing to damage; what declines returns TRUE, as a plant does, and the
 * first reason stays. */
gboolean      sng_fault_decline      (SngFaultContext  *context,
                                      SngFaultOutcome   outcome,
                                      const char       *format,
                                      ...) G_GNUC_PRINTF (3, 4);
/* A state of the checkpoint; NULL: there is none, and the fault is declined. */
SngStateDict *sng_fault_get_state    (SngFaultContext  *context,
                                      const char       *name);
/* The state of a training that just began. */
SngStateDict *sng_fault_get_fresh    (SngFaultContext  *context,
                                      const char       *name);
/* Changes an integer in a state of the checkpoint. */
gboolean      sng_fault_put_count    (SngFaultContext  *context,
                                      const char       *state,
                                      const char       *name,
                                      guint64           count);
gboolean      sng_fault_move_count   (SngFaultContext  *context,
                                      const char       *state,
                                      const char       *name,
                                      gint64            shift);
/* The newest checkpoint before the one that is restored; NULL: there is none, and the fault is declined, or the error is set. */
SngCheckpoint *sng_fault_load_older  (SngFaultContext  *context,
                                      GError          **error);

/* sng-fault-state.c: changes of a state. */
gboolean sng_fault_same_entry    (SngStateDict  *a,
                                  SngStateDict  *b,
                                  const char    *name);
/* Takes over what @from has under the name. */
void     sng_fault_copy_entry    (SngStateDict  *state,
                                  SngStateDict  *from,
                                  const char    *name);
/* An integer of any type. FALSE: it is none. */
gboolean sng_fault_get_count     (SngStateDict  *state,
                                  const char    *name,
                                  guint64       *count);
/* Keeps its type. FALSE: there is no such integer. */
gboolean sng_fault_set_count     (SngStateDict  *state,
                                  const char    *name,
                                  guint64        count);
gboolean sng_fault_shift_count   (SngStateDict  *state,
                                  const char    *name,
                                  gint64         shift);
/* Of these three FALSE means that it cannot be changed: its device does not do it, or for the second that it has no element. */
gboolean sng_fault_zero_tensor   (SngTensor     *tensor);
gboolean sng_fault_flip_tensor   (SngTensor     *tensor);
/* Or its elements are no floating-point numbers, or no longer ones than bf16. */
gboolean sng_fault_round_to_bf16 (SngTensor     *tensor);
/* Exchanges the first two tensors from @first on (NULL: from the first one) that have one layout and the same end of their
 * names, and differ. FALSE: there are none. */
gboolean sng_fault_swap_tensors  (SngStateDict  *state,
                                  const char    *first);

G_END_DECLS
