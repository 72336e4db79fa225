/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "state/sng-stateful.h"
#include "train/sng-optimizer.h"

G_BEGIN_DECLS

#define SNG_TYPE_LR_SCHEDULER (sng_lr_scheduler_get_type ())

/* Counts its own steps (that count is its state) and sets the optimizer's learning rate to compute (count). */
SNG_AVAILABLE_IN_1_0
G_DECLARE_DERIVABLE_TYPE (SngLrScheduler, sng_lr_scheduler, SNG, LR_SCHEDULER, GObject)

struct _SngLrSchedulerClass
{
  GObjectClass parent_class;

  /* the learning rate for the step with this index (0: the first step of the training) */
  gboolean (*compute)     (SngLrScheduler  *self,
                           guint64          step,
                           double          *learning_rate,
                           GError         **error);
  /* whether the rate never changes; the default says FALSE */
  gboolean (*is_constant) (SngLrScheduler  *self,
                           GError         **error);

  gpointer _reserved[8];
};

SNG_AVAILABLE_IN_1_0
gboolean sng_lr_scheduler_compute     (SngLrScheduler  *self,
                                       guint64          step,
                                       double          *learning_rate,
                                       GError         **error);
SNG_AVAILABLE_IN_1_0
gboolean sng_lr_scheduler_is_constant (SngLrScheduler  *self,
                                       GError         **error);
SNG_AVAILABLE_IN_1_0
guint64  sng_lr_scheduler_get_count   (SngLrScheduler  *self);
SNG_AVAILABLE_IN_1_0
gboolean sng_lr_scheduler_step        (SngLrScheduler  *self,
                                       SngOptimizer    *optimizer,
                                       GError         **error);
SNG_AVAILABLE_IN_1_0
gboolean sng_lr_scheduler_apply       (SngLrScheduler  *self,
                                       SngOptimizer    *optimizer,
                                       GError         **error);

G_END_DECLS
