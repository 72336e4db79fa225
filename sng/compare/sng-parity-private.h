/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "compare/sng-report.h"
#include "record/sng-run-store.h"

G_BEGIN_DECLS

/* Whether the same samples, cut into micro-batches in two ways, make the same step. What a step made of its micro-batches is
 * the metric "Accumulation"; see the callback of that name. */

/* A run under one plan of micro-batches. */
typedef struct
{
  const char  *name;            /* such as "4x2" */
  guint        n_micro_batches; /* of a window */
  SngRunStore *store;
} SngParityPlan;

/* A report with a line a phase of the step. What differs by no more than @tolerance of its norm is taken for sums in another
 * order. */
SngReport *sng_parity_compare (const SngParityPlan *expected,
                               const SngParityPlan *actual,
                               double               tolerance,
                               GError             **error);

/* A trained tensor: which elements of all are its. */
typedef struct
{
  char  *name;
  guint  first;
  guint  n;
  double epsilon; /* the distance from 1 to the next number of its type */
} SngParityParameter;

/* GPtrArray of SngParityParameter. */
GPtrArray *sng_parity_read_parameters (const SngParityPlan *plan,
                                       GError             **error);

/* sng-parity-step.c: what a run recorded of one step. */
typedef struct
{
  const SngParityPlan *plan;
  char       *directory; /* that captures are relative to */
  guint64     step;
  gint64      first_micro_batch; /* of the window that was not skipped */
  guint       n_micro_batches;   /* of it */
  GPtrArray  *entries;           /* SngMetadata */
  GArray     *samples;           /* gint64: epoch and id of each, those of skipped windows with them */
} SngParityStep;

SngParityStep *sng_parity_step_read   (const SngParityPlan *plan,
                                       guint64              step,
                                       GError             **error);
void           sng_parity_step_free   (SngParityStep       *self);
SngMetadata   *sng_parity_step_lookup (SngParityStep       *self,
                                       gint64               micro_batch,
                                       const char          *path);
/* NaN where there is none. */
double         sng_parity_step_lookup_double (SngParityStep *self,
                                              gint64         micro_batch,
                                              const char    *path);
/* A tensor as numbers, GArray of double; an error where it is not there whole. */
GArray        *sng_parity_step_load   (SngParityStep       *self,
                                       gint64               micro_batch,
                                       const char          *path,
                                       GError             **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SngParityStep, sng_parity_step_free)

/* sng-parity-gradients.c: the gradients of two plans, as they were before they were clipped. */
typedef struct
{
  GArray  *values[2];  /* of the plans, as the optimizer got them */
  double   factors[2]; /* by which each has to be multiplied to undo the clipping */
  gboolean is_equal;   /* bit by bit */
  double   norm;       /* of the expected one */
  double   difference; /* relative to it */
} SngParityGradients;

SngParityGradients *sng_parity_gradients_compare (SngParityStep      *expected,
                                                  SngParityStep      *actual,
                                                  GError            **error);
void                sng_parity_gradients_free    (SngParityGradients *self);
/* How the gradient of the other plan is made of what each micro-batch of @parts contributed to its own: what would have to be
 * done to their weights. @position is that of @parts in the comparison, 0 or 1. NULL without an error: nothing, or it is made
 * of something else. */
char               *sng_parity_gradients_explain (SngParityGradients *self,
                                                  SngParityStep      *parts,
                                                  guint               position,
                                                  double              tolerance,
                                                  GError            **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SngParityGradients, sng_parity_gradients_free)

G_END_DECLS
