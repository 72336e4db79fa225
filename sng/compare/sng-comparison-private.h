/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "compare/sng-divergence.h"
#include "compare/sng-tolerance.h"
#include "record/sng-run-store.h"

G_BEGIN_DECLS

/* One of the runs, with its entries of the step that is being compared. */
typedef struct
{
  SngMode      mode;
  SngRunStore *store;
  char        *directory; /* that captures are relative to */
  GPtrArray   *entries;
  gboolean     has_entries; /* from here on: over all steps */
  guint64      n_entries;
  guint64      first_step;
  guint64      last_step;
} SngComparedRun;

/* The numbers of one path that a tolerance was applied to. */
typedef struct
{
  SngMetadata *entry;   /* the first one */
  double       largest; /* the largest finite magnitude */
} SngJudgedPath;

/* What is known about one metric so far. */
typedef struct
{
  char          *name;
  SngMetricFlags flags;
  SngTolerance  *tolerance;  /* NULL: bit equality */
  GArray        *n_recorded; /* guint64 for each run */
  guint64        n_compared;
  guint64        n_different;
  guint64        n_repeat_different;
  SngDivergence *first;
  SngDivergence *first_repeat;
  GHashTable    *unchanged; /* the first entry of each path of CONTINUOUS, until one is seen to change */
  GPtrArray     *judged;         /* of SngJudgedPath, in order of recording; empty without a tolerance */
  GHashTable    *judged_by_path; /* the same, by the path of the entry */
} SngComparedMetric;

typedef struct
{
  GPtrArray  *runs;       /* of SngComparedRun: CONTINUOUS, STOP, RESUME, …, and REPEAT last where there is one */
  GPtrArray  *metrics;    /* of SngComparedMetric, in order of declaration */
  GHashTable *by_name;    /* the same, by name */
  GHashTable *tolerances; /* of SngTolerance, by metric; borrowed */
} SngComparisonWalk;

SngComparisonWalk *sng_comparison_walk_new     (GHashTable         *tolerances);
void               sng_comparison_walk_free    (SngComparisonWalk  *self);
void               sng_comparison_walk_add_run (SngComparisonWalk  *self,
                                                SngMode             mode,
                                                SngRunStore        *store);
/* Walks through all steps. The entries of one step are held at a time. */
gboolean           sng_comparison_walk_run     (SngComparisonWalk  *self,
                                                GError            **error);

/* Whether two entries of one key are equal, and in @detail, where they are not, how they differ. */
gboolean           sng_comparison_judge        (const SngTolerance *tolerance,
                                                const char         *expected_directory,
                                                SngMetadata        *expected,
                                                const char         *actual_directory,
                                                SngMetadata        *actual,
                                                gboolean           *equal,
                                                char              **detail,
                                                GError            **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SngComparisonWalk, sng_comparison_walk_free)

G_END_DECLS
