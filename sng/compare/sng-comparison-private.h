/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "compare/sng-metric-result-private.h"
#include "compare/sng-tolerance.h"
#include "record/sng-run-store.h"

G_BEGIN_DECLS

/* ---- The runs ---- */

#define SNG_COMPARED_N_MODES (SNG_MODE_REPEAT + 1)

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

/* ---- The entries of CONTINUOUS at one step ---- */

#define SNG_COMPARED_STEP_NONE G_MAXUINT

/* Found by their key. Those of one key are chained in the order of recording. */
typedef struct
{
  GPtrArray  *entries;
  GHashTable *heads; /* the position of a key's first entry */
  guint      *next;  /* of each entry: the next one of its key, or NONE */
  gboolean   *is_optional; /* whether the segments may lack it */
  gboolean   *is_covered;  /* whether a run has it that made the step for good */
  guint      *cursors; /* of each first entry: the one that the run's next entry of the key belongs to */
} SngComparedStep;

void     sng_compared_step_init          (SngComparedStep *self,
                                          GPtrArray       *entries);
void     sng_compared_step_clear         (SngComparedStep *self);
/* Makes optional what the segments, of SngComparedRun, do not record right after a restore at this step. */
void     sng_compared_step_expect_states (SngComparedStep *self,
                                          GPtrArray       *segments);
/* Forgets which entries the runs have. */
void     sng_compared_step_uncover       (SngComparedStep *self);
void     sng_compared_step_begin_run     (SngComparedStep *self);
/* The position of the entry that the run's next entry of a key belongs to; NONE when there is none left. */
guint    sng_compared_step_take          (SngComparedStep *self,
                                          SngMetadata     *entry);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SngComparedStep, sng_compared_step_clear)

/* ---- The metrics ---- */

/* The numbers of one path that a tolerance was applied to. */
typedef struct
{
  SngMetadata        *entry; /* the first one */
  const SngTolerance *tolerance;
  double              largest; /* the largest finite magnitude */
} SngJudgedPath;

/* How many times the noise is accepted; see sng-comparison-noise.c. */
#define SNG_NOISE_FACTOR 10

/* What two kinds of devices may round differently in one number, whatever was measured: 8 units in the last place of an F32. */
#define SNG_ROUNDING 0x1p-20

/* A path of which CONTINUOUS and REPEAT have different numbers. */
typedef struct
{
  SngMetadata  *entry;     /* the first one */
  double        floor;     /* the largest difference, above 0 */
  SngTolerance *tolerance; /* what is accepted for it */
} SngNoisyPath;

void sng_noisy_path_free (gpointer data);

/* What was counted of one metric, either between CONTINUOUS and the segments or between CONTINUOUS and REPEAT. */
typedef struct
{
  guint64        n_compared;
  guint64        n_different;
  guint64        n_missing; /* of these */
  SngDivergence *first;
  GArray        *steps; /* of SngMetricStep */
} SngComparedSide;

/* What is known about one metric so far. */
typedef struct _SngComparedMetric SngComparedMetric;

struct _SngComparedMetric
{
  char           *name;
  SngMetricFlags  flags;
  SngTolerance   *tolerance;   /* NULL: bit equality */
  gboolean        is_declared[SNG_COMPARED_N_MODES]; /* by any run of the mode */
  guint64         n_recorded[SNG_COMPARED_N_MODES];  /* entries; of CONTINUOUS, those that the segments must have */
  guint64         n_seen; /* entries of CONTINUOUS that could be seen to change */
  SngComparedSide segments;
  SngComparedSide repeat;
  GHashTable     *unchanged; /* the first entry of each path of CONTINUOUS, until one is seen to change */
  GPtrArray      *judged;         /* of SngJudgedPath, in order of recording; empty without a tolerance */
  GHashTable     *judged_by_path; /* the same, by the path of the entry */
  GPtrArray      *noisy;          /* of SngNoisyPath, in order of recording; of a walk that measures noise */
  GHashTable     *noisy_by_path;  /* the same, by the path of the entry */
  SngTolerance   *rounding; /* where there is noise, for every number; NULL: both ran on one kind of device */
  const SngComparedMetric *noise; /* the same metric where the noise was measured, or NULL; borrowed */
};

/* Of entries of one metric: the key without the micro-batch. */
guint    sng_compared_path_hash  (gconstpointer data);
gboolean sng_compared_path_equal (gconstpointer a,
                                  gconstpointer b);

SngComparedMetric *sng_compared_metric_new            (const char        *name,
                                                       SngMetricFlags     flags,
                                                       SngTolerance      *tolerance);
void               sng_compared_metric_free           (SngComparedMetric *self);
/* What an entry of CONTINUOUS tells about its metric: whether it changes, … */
void               sng_compared_metric_note_change    (SngComparedMetric *self,
                                                       SngMetadata       *entry);
/* …and how large the numbers are that the tolerance is for. */
void               sng_compared_metric_note_magnitude (SngComparedMetric *self,
                                                       SngMetadata       *entry);
void               sng_compared_metric_count_compared (SngComparedMetric *self,
                                                       SngMode            mode,
                                                       guint64            step);
/* Counts a difference at the place of @entry. */
void               sng_compared_metric_add_divergence (SngComparedMetric *self,
                                                       SngMode            mode,
                                                       SngMetadata       *entry,
                                                       guint64            order,
                                                       SngMetadata       *expected,
                                                       SngMetadata       *actual,
                                                       const char        *detail);

void                sng_compared_metric_note_noise     (SngComparedMetric       *self,
                                                        SngMetadata             *entry,
                                                        double                   difference);
/* NULL: bit equality. */
const SngTolerance *sng_compared_metric_get_tolerance  (const SngComparedMetric *self,
                                                        SngMetadata             *entry);
const SngNoisyPath *sng_compared_metric_lookup_noise   (const SngComparedMetric *self,
                                                        SngMetadata             *entry);
/* One line about the noise that was accepted; NULL for none. */
char               *sng_compared_metric_describe_noise (const SngComparedMetric *self);

/* ---- The way through the steps ---- */

typedef struct _SngComparisonWalk SngComparisonWalk;

struct _SngComparisonWalk
{
  SngComparedRun *continuous;
  SngComparedRun *repeat;   /* NULL: none */
  GPtrArray      *segments; /* of SngComparedRun, in the order in which they ran */
  GPtrArray      *runs;     /* all of them, CONTINUOUS first and REPEAT last */
  GPtrArray      *metrics;  /* of SngComparedMetric, in order of declaration */
  GHashTable     *by_name;  /* the same, by name */
  GHashTable     *tolerances; /* of SngTolerance, by metric; borrowed */
  gboolean        has_range;
  guint64         first_step;
  guint64         last_step;
  gboolean        has_two_devices; /* REPEAT ran on another kind of device than CONTINUOUS */
  gboolean        measures_noise; /* what differs by a number is noted, and no divergence */
  const SngComparisonWalk *noise; /* the one that did, or NULL; borrowed */
};

SngComparisonWalk *sng_comparison_walk_new       (GHashTable         *tolerances);
void               sng_comparison_walk_free      (SngComparisonWalk  *self);
/* CONTINUOUS first, then the segments, then REPEAT. */
void               sng_comparison_walk_add_run   (SngComparisonWalk  *self,
                                                  SngMode             mode,
                                                  SngRunStore        *store);
void               sng_comparison_walk_set_range (SngComparisonWalk  *self,
                                                  guint64             first_step,
                                                  guint64             last_step);
/* What REPEAT differs by counts as noise from now on. */
void               sng_comparison_walk_measure   (SngComparisonWalk  *self,
                                                  gboolean            has_two_devices);
/* Accepts the noise that @noise, which lives longer, has measured. */
void               sng_comparison_walk_accept    (SngComparisonWalk  *self,
                                                  const SngComparisonWalk *noise);
/* Walks through all steps. The entries of one step are held at a time. */
gboolean           sng_comparison_walk_run       (SngComparisonWalk  *self,
                                                  GError            **error);

/* The captured tensor of an entry, as it lies in its file. */
SngTensor         *sng_comparison_load_capture (const char         *directory,
                                                SngMetadata        *entry,
                                                GError            **error);
/* Whether two entries of one key are equal, and in @detail, where they are not, how they differ. */
gboolean           sng_comparison_judge          (const SngTolerance *tolerance,
                                                  const char         *expected_directory,
                                                  SngMetadata        *expected,
                                                  const char         *actual_directory,
                                                  SngMetadata        *actual,
                                                  gboolean           *equal,
                                                  char              **detail,
                                                  GError            **error);

/* How far two entries of one key are apart, both numbers or captured tensors of them. Where they are no such, or where it cannot
 * be told, @difference is not finite and @detail says why. */
gboolean           sng_comparison_measure        (const char         *expected_directory,
                                                  SngMetadata        *expected,
                                                  const char         *actual_directory,
                                                  SngMetadata        *actual,
                                                  double             *difference,
                                                  char              **detail,
                                                  GError            **error);

/* The line of a metric; NULL where it is left out. */
SngMetricResult   *sng_comparison_judge_metric   (SngComparisonWalk  *walk,
                                                  SngComparedMetric  *metric);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SngComparisonWalk, sng_comparison_walk_free)

G_END_DECLS
