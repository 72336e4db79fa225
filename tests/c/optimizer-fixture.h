/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <sng.h>

G_BEGIN_DECLS

/* A few parameters, and gradients for each step, for tests of an optimizer against numbers of PyTorch. */
#define OPTIMIZER_N_PARAMETERS 4

const char *optimizer_parameter_name (guint parameter);

/* Numbers without a pattern, exact in any precision. */
double optimizer_value_of  (guint      parameter,
                            guint      element,
                            guint      step);
/* f32 or f64. */
void   optimizer_set_value (SngTensor *tensor,
                            guint      element,
                            double     value);

GListStore *optimizer_parameters_new (SngDtype      dtype);
/* Steps from @first (from 1) to @last with the learning rate @rate (1 - @fall (step - 1)). The gradients of the columns 0 to 3,
 * and so on, are multiplied with 1, @column_factor, @column_factor^2 and @column_factor^3. */
void        optimizer_run_steps      (SngOptimizer *optimizer,
                                      guint         first,
                                      guint         last,
                                      double        rate,
                                      double        fall,
                                      double        column_factor);

/* Something wrong in a state, and what the error says. */
typedef struct
{
  const char *name;
  GVariant   *value; /* floating; NULL: the entry is missing */
  const char *in_message;
} OptimizerFault;

/* That @optimizer refuses the state of @trained with the fault, and is not changed. */
void optimizer_check_refusal (SngOptimizer         *optimizer,
                              SngOptimizer         *trained,
                              const OptimizerFault *fault);

G_END_DECLS
