/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "compare/sng-comparison.h"

#include "compare/sng-comparison-private.h"
#include "compare/sng-metric-result-private.h"
#include "compare/sng-report-private.h"
#include "record/sng-number-private.h"

/**
 * SngComparison:
 *
 * Compares an interrupted training with an uninterrupted one, entry by entry.
 *
 * Every entry of the interrupted runs must equal the entry of the continuous run with
 * the same metric, stage, step, micro-batch, rank and path, and every entry of the continuous run
 * must be in one of them. Entries of one key are taken in the order of recording; the order of
 * different keys does not matter. Equal means bit by bit, unless a tolerance is set.
 *
 * A second uninterrupted run ([method@Sng.Comparison.set_repeat]) serves as a control:
 * where it differs from the first the training is nondeterministic, and the resume is
 * not blamed.
 *
 * Nothing passes that could not have failed. A metric is inconclusive when nothing
 * was recorded (but for one with %SNG_METRIC_OPTIONAL), when one side lacks it altogether, when it never changed although it was
 * declared to, and when its tolerance would accept zero in place of every value of a path.
 *
 * The stores are read step by step: no more than one step's entries are in memory.
 *
 * ```c
 * g_autoptr (SngComparison) comparison = sng_comparison_new (continuous);
 *
 * sng_comparison_add_segment (comparison, SNG_MODE_STOP, stop);
 * sng_comparison_add_segment (comparison, SNG_MODE_RESUME, resume);
 * report = sng_comparison_run (comparison, &error);
 * ```
 *
 * Since: 1.0
 */
struct _SngComparison
{
  GObject parent_instance;

  SngRunStore *continuous;
  SngRunStore *repeat;
  GArray *modes;       /* of the segments */
  GPtrArray *segments; /* their stores */
  GHashTable *tolerances;
};

G_DEFINE_FINAL_TYPE (SngComparison, sng_comparison, G_TYPE_OBJECT)

static void
sng_comparison_finalize (GObject *object)
{
  SngComparison *self = SNG_COMPARISON (object);

  g_clear_object (&self->continuous);
  g_clear_object (&self->repeat);
  g_clear_pointer (&self->modes, g_array_unref);
  g_clear_pointer (&self->segments, g_ptr_array_unref);
  g_clear_pointer (&self->tolerances, g_hash_table_unref);

  G_OBJECT_CLASS (sng_comparison_parent_class)->finalize (object);
}

static void
sng_comparison_class_init (SngComparisonClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sng_comparison_finalize;
}

static void
sng_comparison_init (SngComparison *self)
{
  self->modes = g_array_new (FALSE, FALSE, sizeof (SngMode));
  self->segments = g_ptr_array_new_with_free_func (g_object_unref);
  self->tolerances =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) sng_tolerance_free);
}

/**
 * sng_comparison_new:
 * @continuous: the store of the run that was never interrupted
 *
 * Makes a comparison.
 *
 * Returns: (transfer full): a new comparison
 *
 * Since: 1.0
 */
SngComparison *
sng_comparison_new (SngRunStore *continuous)
{
  SngComparison *self;

  g_return_val_if_fail (SNG_IS_RUN_STORE (continuous), NULL);

  self = g_object_new (SNG_TYPE_COMPARISON, NULL);
  self->continuous = g_object_ref (continuous);

  return self;
}

/**
 * sng_comparison_add_segment:
 * @self: a comparison
 * @mode: %SNG_MODE_STOP or %SNG_MODE_RESUME
 * @store: the store of that run
 *
 * Adds a part of the interrupted training. The parts are added in the order in which
 * they ran.
 *
 * Since: 1.0
 */
void
sng_comparison_add_segment (SngComparison *self, SngMode mode, SngRunStore *store)
{
  g_return_if_fail (SNG_IS_COMPARISON (self));
  g_return_if_fail (mode == SNG_MODE_STOP || mode == SNG_MODE_RESUME);
  g_return_if_fail (SNG_IS_RUN_STORE (store));

  g_array_append_val (self->modes, mode);
  g_ptr_array_add (self->segments, g_object_ref (store));
}

/**
 * sng_comparison_set_repeat:
 * @self: a comparison
 * @repeat: (nullable): the store of a second uninterrupted run, or %NULL for no control
 *
 * Sets the control.
 *
 * Since: 1.0
 */
void
sng_comparison_set_repeat (SngComparison *self, SngRunStore *repeat)
{
  g_return_if_fail (SNG_IS_COMPARISON (self));
  g_return_if_fail (repeat == NULL || SNG_IS_RUN_STORE (repeat));

  g_set_object (&self->repeat, repeat);
}

/**
 * sng_comparison_set_tolerance:
 * @self: a comparison
 * @metric: a metric's name
 * @tolerance: (nullable): the tolerance, or %NULL for bit equality
 *
 * Sets by how much the floating-point numbers of a metric may differ. It applies to
 * values, and to tensors that were captured whole
 * ([method@Sng.Recorder.set_capture]); everything else is compared bit by bit all
 * the same.
 *
 * Since: 1.0
 */
void
sng_comparison_set_tolerance (SngComparison *self, const char *metric, SngTolerance *tolerance)
{
  g_return_if_fail (SNG_IS_COMPARISON (self));
  g_return_if_fail (metric != NULL);

  if (tolerance == NULL || sng_tolerance_is_exact (tolerance))
    g_hash_table_remove (self->tolerances, metric);
  else
    g_hash_table_insert (self->tolerances, g_strdup (metric), sng_tolerance_copy (tolerance));
}

/* How many entries of the metric the runs recorded that play this part, and whether any of these runs recorded nothing
 * at all, of any metric. */
static guint64
count_recorded (SngComparisonWalk *walk, SngComparedMetric *metric, gboolean repeat, SngComparedRun **empty)
{
  guint64 count = 0;

  for (guint i = 1; i < walk->runs->len; i++)
    {
      SngComparedRun *run = g_ptr_array_index (walk->runs, i);

      if ((run->mode == SNG_MODE_REPEAT) != repeat)
        continue;

      count += g_array_index (metric->n_recorded, guint64, i);
      if (!run->has_entries && empty != NULL && *empty == NULL)
        *empty = run;
    }

  return count;
}

/* Why one side has nothing to compare, or NULL. */
static char *
find_lack (SngComparedMetric *metric, guint64 n_interrupted)
{
  guint64 n_continuous = g_array_index (metric->n_recorded, guint64, 0);

  if (n_continuous == 0 && n_interrupted == 0)
    return g_strdup ("nothing was recorded");
  if (n_continuous == 0)
    return g_strdup ("the continuous run recorded nothing of it");
  if (n_interrupted == 0)
    return g_strdup ("only the continuous run recorded anything of it");

  return NULL;
}

/* The numbers of a path are all 0 where nothing has touched them yet; what a tolerance accepts there says little. */
static gboolean
is_hidden (SngComparedMetric *metric, SngJudgedPath *path)
{
  return path->largest > 0.0 && sng_tolerance_accepts (metric->tolerance, path->largest, 0.0);
}

/* Why the tolerance hides the values of a path, or NULL: it would accept zero in place of each. A tolerance is for a metric,
 * whose paths may be of quite different sizes, such as a weight and its second moment. */
static char *
find_hidden_path (SngComparedMetric *metric)
{
  char atol[SNG_NUMBER_BUFFER_SIZE], rtol[SNG_NUMBER_BUFFER_SIZE], largest[SNG_NUMBER_BUFFER_SIZE];
  g_autoptr (GString) reason = NULL;
  SngJudgedPath *first = NULL;
  guint n_hidden = 0;

  for (guint i = 0; i < metric->judged->len; i++)
    {
      SngJudgedPath *path = g_ptr_array_index (metric->judged, i);

      if (!is_hidden (metric, path))
        continue;
      if (first == NULL)
        first = path;
      n_hidden++;
    }

  if (first == NULL)
    return NULL;

  if (sng_tolerance_get_rtol (metric->tolerance) >= 1.0)
    return g_strdup_printf (
        "the relative tolerance %s is not smaller than 1, so it accepts zero for any value",
        sng_number_print (rtol, sng_tolerance_get_rtol (metric->tolerance)));

  reason = g_string_new ("tolerance ");
  g_string_append (reason, sng_number_print (atol, sng_tolerance_get_atol (metric->tolerance)));
  if (sng_tolerance_get_rtol (metric->tolerance) > 0.0)
    g_string_append_printf (reason, " + |value| * %s",
                            sng_number_print (rtol, sng_tolerance_get_rtol (metric->tolerance)));
  g_string_append_printf (reason, " is not smaller than the largest recorded value %s",
                          sng_number_print (largest, first->largest));
  if (metric->judged->len > 1)
    g_string_append_printf (reason, " of \"%s\"; so for %u of %u paths", sng_metadata_get_path (first->entry),
                            n_hidden, metric->judged->len);

  return g_strdup (reason->str);
}

/* Why the comparison could not have failed, or NULL. */
static char *
find_weakness (SngComparedMetric *metric, SngComparedRun *empty, gboolean lacks_repeat)
{
  guint64 n_continuous = g_array_index (metric->n_recorded, guint64, 0);

  if (empty != NULL)
    return g_strdup_printf ("the %s run recorded nothing at all", sng_mode_to_string (empty->mode));

  if (lacks_repeat)
    return g_strdup ("the repeat run recorded nothing of it");

  if (metric->unchanged != NULL && n_continuous == 1)
    return g_strdup ("it was recorded only once, so it could not be seen to change");

  if (metric->unchanged != NULL)
    return g_strdup_printf ("it never changed in %" G_GUINT64_FORMAT " entries, and is expected to",
                            n_continuous);

  return find_hidden_path (metric);
}

/* Whether nobody has what only some trainings have. */
static gboolean
is_absent (SngComparedMetric *metric)
{
  guint64 n_recorded = 0;

  for (guint i = 0; i < metric->n_recorded->len; i++)
    n_recorded += g_array_index (metric->n_recorded, guint64, i);

  return (metric->flags & SNG_METRIC_OPTIONAL) != 0 && n_recorded == 0;
}

static SngMetricResult *
judge_metric (SngComparison *self, SngComparisonWalk *walk, SngComparedMetric *metric)
{
  SngComparedRun *empty = NULL;
  guint64 n_interrupted = count_recorded (walk, metric, FALSE, &empty);
  gboolean lacks_repeat = self->repeat != NULL && count_recorded (walk, metric, TRUE, NULL) == 0;
  g_autofree char *reason = find_lack (metric, n_interrupted);
  SngDivergence *first = NULL;
  guint64 n_different = 0;
  SngVerdict verdict;

  if (reason != NULL)
    {
      verdict = SNG_VERDICT_INCONCLUSIVE;
    }
  else if (metric->first_repeat != NULL && !lacks_repeat)
    {
      verdict = SNG_VERDICT_NONDETERMINISTIC;
      first = metric->first_repeat;
      n_different = metric->n_repeat_different;
    }
  else if (metric->first != NULL)
    {
      verdict = SNG_VERDICT_DIVERGED;
      first = metric->first;
      n_different = metric->n_different;
    }
  else
    {
      reason = find_weakness (metric, empty, lacks_repeat);
      verdict = reason != NULL ? SNG_VERDICT_INCONCLUSIVE : SNG_VERDICT_PASS;
    }

  return sng_metric_result_new (metric->name, verdict, metric->n_compared, n_different, first, reason);
}

/**
 * sng_comparison_run:
 * @self: a comparison
 * @error: return location for a #GError
 *
 * Compares. That the runs differ is no error, but what the report says.
 *
 * Returns: (transfer full): the report, or %NULL with @error set when a store or a captured
 *   tensor cannot be read
 *
 * Since: 1.0
 */
SngReport *
sng_comparison_run (SngComparison *self, GError **error)
{
  g_autoptr (SngComparisonWalk) walk = NULL;
  g_autoptr (SngReport) report = NULL;

  g_return_val_if_fail (SNG_IS_COMPARISON (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  walk = sng_comparison_walk_new (self->tolerances);
  sng_comparison_walk_add_run (walk, SNG_MODE_CONTINUOUS, self->continuous);
  for (guint i = 0; i < self->segments->len; i++)
    sng_comparison_walk_add_run (walk, g_array_index (self->modes, SngMode, i), self->segments->pdata[i]);
  if (self->repeat != NULL)
    sng_comparison_walk_add_run (walk, SNG_MODE_REPEAT, self->repeat);

  if (!sng_comparison_walk_run (walk, error))
    return NULL;

  report = sng_report_new ();
  for (guint i = 0; i < walk->runs->len; i++)
    {
      SngComparedRun *run = g_ptr_array_index (walk->runs, i);
      g_autoptr (SngReportRun) reported = sng_report_run_new (run->mode, NULL);

      if (!sng_report_run_read (reported, run->store, error))
        return NULL;
      sng_report_run_set_entries (reported, run->n_entries, run->first_step, run->last_step);
      sng_report_add_run (report, reported);
    }
  for (guint i = 0; i < walk->metrics->len; i++)
    {
      SngComparedMetric *metric = g_ptr_array_index (walk->metrics, i);
      g_autoptr (SngMetricResult) result = NULL;

      if ((metric->flags & SNG_METRIC_PER_RUN) != 0 || is_absent (metric))
        continue;

      result = judge_metric (self, walk, metric);
      sng_report_add_result (report, result);
    }

  return g_steal_pointer (&report);
}
