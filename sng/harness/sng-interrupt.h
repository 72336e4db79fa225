/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "train/sng-trainer.h"

G_BEGIN_DECLS

typedef enum
{
  SNG_INTERRUPT_RAISE,
  SNG_INTERRUPT_PREEMPT,
  SNG_INTERRUPT_KILL,
  SNG_INTERRUPT_KILL_IN_SAVE
} SngInterruptKind;

#define SNG_TYPE_INTERRUPT (sng_interrupt_get_type ())

/* Signals: fired (). */
SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngInterrupt, sng_interrupt, SNG, INTERRUPT, GObject)

SNG_AVAILABLE_IN_1_0
SngInterrupt     *sng_interrupt_new           (SngInterruptKind   kind,
                                               guint64            step);
SNG_AVAILABLE_IN_1_0
SngInterrupt     *sng_interrupt_from_string   (const char        *text,
                                               GError           **error);
SNG_AVAILABLE_IN_1_0
char             *sng_interrupt_to_string     (SngInterrupt      *self);
SNG_AVAILABLE_IN_1_0
SngInterruptKind  sng_interrupt_get_kind      (SngInterrupt      *self);
SNG_AVAILABLE_IN_1_0
guint64           sng_interrupt_get_step      (SngInterrupt      *self);
SNG_AVAILABLE_IN_1_0
SngPhase          sng_interrupt_get_phase     (SngInterrupt      *self);
SNG_AVAILABLE_IN_1_0
guint             sng_interrupt_get_index     (SngInterrupt      *self);
SNG_AVAILABLE_IN_1_0
int               sng_interrupt_get_signal    (SngInterrupt      *self);
SNG_AVAILABLE_IN_1_0
guint             sng_interrupt_get_operation (SngInterrupt      *self);
SNG_AVAILABLE_IN_1_0
void              sng_interrupt_attach        (SngInterrupt      *self,
                                               SngTrainer        *trainer);

G_END_DECLS
