/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "train/sng-optimizer.h"

G_BEGIN_DECLS

#define SNG_TYPE_GROUPED_OPTIMIZER (sng_grouped_optimizer_get_type ())

/* Parameters are in groups by name; each has a weight decay of its own and a factor on the learning rate. Not derivable by
 * users, who have SngOptimizer: what a subclass fills is in sng-grouped-optimizer-private.h. */
SNG_AVAILABLE_IN_1_0
G_DECLARE_DERIVABLE_TYPE (SngGroupedOptimizer, sng_grouped_optimizer, SNG, GROUPED_OPTIMIZER, SngOptimizer)

struct _SngGroupedOptimizerClass
{
  SngOptimizerClass parent_class;

  /*< private >*/
  gconstpointer rule;

  gpointer _reserved[8];
};

SNG_AVAILABLE_IN_1_0
gboolean sng_grouped_optimizer_add_group (SngGroupedOptimizer  *self,
                                          const char           *name,
                                          const char           *pattern,
                                          double                weight_decay,
                                          double                learning_rate_factor,
                                          GError              **error);

G_END_DECLS
