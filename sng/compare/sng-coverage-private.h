/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "compare/sng-coverage.h"
#include "compare/sng-divergence.h"

G_BEGIN_DECLS

#define SNG_COVERAGE_METRIC "Coverage"

/* A part of a training: one process after the other, each with a store a rank. */
typedef struct
{
  SngMode    mode;
  GPtrArray *stores; /* of its ranks */
} SngCoverageSegment;

/* A sample that was trained on, and where. */
typedef struct
{
  gint64  epoch;
  gint64  id;
  guint64 step;
  gint64  micro_batch;
  guint   rank;
  guint   position; /* within the micro-batch */
} SngCoverageDraw;

/* Which segment did the steps from there to the next one's first. */
typedef struct
{
  SngMode mode;
  guint64 first_step;
} SngCoverageSpan;

/* What a training as a whole consumed: of a step that was made more than once, what the last segment took for it. */
typedef struct
{
  GArray *draws; /* of SngCoverageDraw, by epoch, by id and then in the order in which they were taken */
  GArray *spans; /* of SngCoverageSpan, by step */
  gboolean has_silent_segment;
  SngMode silent_mode; /* of a segment that recorded no samples */
} SngCoverageTimeline;

SngCoverageTimeline *sng_coverage_timeline_new      (void);
void                 sng_coverage_timeline_free     (SngCoverageTimeline   *self);
/* Reads segments that follow one another. */
gboolean             sng_coverage_timeline_read     (SngCoverageTimeline   *self,
                                                     GPtrArray             *segments,
                                                     GError               **error);
SngMode              sng_coverage_timeline_get_mode (SngCoverageTimeline   *self,
                                                     guint64                step);
/* Where a sample was taken first in an epoch; NULL: nowhere. */
SngCoverageDraw     *sng_coverage_timeline_lookup   (SngCoverageTimeline   *self,
                                                     gint64                 epoch,
                                                     gint64                 id);
/* Negative, 0 or positive, as a was taken before, with or after b. */
int                  sng_coverage_draw_compare      (const SngCoverageDraw *a,
                                                     const SngCoverageDraw *b);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SngCoverageTimeline, sng_coverage_timeline_free)

/* The rules, and what breaks them. */
typedef struct
{
  SngCoveragePolicy policy;
  guint64           padding;
  guint64           n_samples; /* of an epoch; 0: not known */
  GArray           *ids;       /* gint64, sorted: those that there are */
  SngCoverageTimeline *continuous; /* nullable: says where a sample should have been */

  guint64         n_violations;
  SngCoverageDraw first_place;
  SngDivergence  *first;
  guint           n_complete_epochs; /* of all timelines: those in which a sample could be seen to be missing */
} SngCoverageAudit;

void sng_coverage_audit_run (SngCoverageAudit    *self,
                             SngCoverageTimeline *timeline);

G_END_DECLS
