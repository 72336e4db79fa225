/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "harness/sng-interrupt.h"
#include "state/sng-storage-private.h"

G_BEGIN_DECLS

/* What the files of SngInterrupt share: sng-interrupt.c is the type, -text.c its form as text, -attach.c what it does. */
struct _SngInterrupt
{
  GObject parent_instance;

  SngInterruptKind kind;
  guint64          step;
  SngPhase         phase;
  guint            index;
  int              signal_number;
  guint            operation;

  SngStorage  storage;      /* stands before that of the checkpoints in SNG_PHASE_SAVE */
  SngTrainer *trainer;      /* that it is attached to, which holds it */
  guint       n_operations; /* of the save that it waits in */
  gboolean    fired;
};

void     sng_interrupt_emit_fired     (SngInterrupt  *self);
/* Whether it ends the process that it acts in. */
gboolean sng_interrupt_kills          (SngInterrupt  *self);
/* Whether an index tells the places of a phase apart. */
gboolean sng_phase_has_micro_batches  (SngPhase       phase);
/* The order in which they come in a training; 0: they are the same. */
int      sng_interrupt_compare        (SngInterrupt  *a,
                                       SngInterrupt  *b);

G_END_DECLS
