/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "state/sng-stateful.h"
#include "train/sng-model.h"

G_BEGIN_DECLS

#define SNG_TYPE_OPTIMIZER (sng_optimizer_get_type ())

/* Owns references to the parameters it updates. Implements SngStateful through its subclass. */
SNG_AVAILABLE_IN_1_0
G_DECLARE_DERIVABLE_TYPE (SngOptimizer, sng_optimizer, SNG, OPTIMIZER, GObject)

struct _SngOptimizerClass
{
  GObjectClass parent_class;

  /* one update from the parameters' gradients with the current learning rate */
  gboolean (*step) (SngOptimizer  *self,
                    GError       **error);

  gpointer _reserved[8];
};

SNG_AVAILABLE_IN_1_0
GListModel *sng_optimizer_get_parameters    (SngOptimizer  *self);
SNG_AVAILABLE_IN_1_0
double      sng_optimizer_get_learning_rate (SngOptimizer  *self);
SNG_AVAILABLE_IN_1_0
void        sng_optimizer_set_learning_rate (SngOptimizer  *self,
                                             double         learning_rate);
SNG_AVAILABLE_IN_1_0
gboolean    sng_optimizer_step              (SngOptimizer  *self,
                                             GError       **error);

G_END_DECLS
