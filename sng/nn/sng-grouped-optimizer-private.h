/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "nn/sng-grouped-optimizer.h"
#include "tensor/sng-device-math-private.h"

G_BEGIN_DECLS

/* What makes an optimizer, as its class has it under `rule`. */
typedef struct
{
  const char *name; /* the place of its errors */

  /* The names of what it keeps of each parameter, SNG_SPAN_BUFFERS at most, then NULL. */
  const char *const *(*get_buffers)    (SngGroupedOptimizer  *self);
  /* Whether the settings go together; where they always do, NULL. */
  gboolean           (*check_settings) (SngGroupedOptimizer  *self,
                                        GError              **error);
  void               (*add_settings)   (SngGroupedOptimizer  *self,
                                        SngStateDict         *state);
  void               (*update)         (SngGroupedOptimizer  *self,
                                        SngDevice            *device,
                                        const SngKernels     *kernels,
                                        const SngUpdate      *update);
} SngUpdateRule;

/* The weight decay of the group "default". It is a property of the subclass, which knows its default value. */
double *sng_grouped_optimizer_get_weight_decay (SngGroupedOptimizer *self);

G_END_DECLS
