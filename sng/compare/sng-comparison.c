/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "compare/sng-comparison.h"

#include "compare/sng-comparison-private.h"
#include "compare/sng-report-private.h"

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
 * An interrupted training has as many segments as it had runs. One that was killed ends anywhere, also in the midst of a step,
 * and the next one begins at any step before that: what it does once more is compared once more.
 *
 * A second uninterrupted run ([method@Sng.Comparison.set_repeat]) serves as a control:
 * where it differs from the first the training is nondeterministic, and the resume is
 * not blamed.
 *
 * Nothing passes that could not have failed. A metric is inconclusive when nothing
 * was recorded (but for one with %SNG_METRIC_OPTIONAL), when one side lacks it altogether, when the
 * stopped or the resumed runs do not know it, when nothing of it was due after the stop, when it never
 * changed although it was declared to, and when its tolerance would accept zero in place of every value of a path.
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
  gboolean has_range;
  guint64 first_step;
  guint64 last_step;
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
 * they ran; there may be several of either mode.
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

/**
 * sng_comparison_set_range:
 * @self: a comparison
 * @first_step: the global step that the segments were restored at
 * @last_step: the last global step that they have done, not before @first_step
 *
 * Looks at some steps only, for segments that are not meant to be the whole training, such as one that goes on from
 * a checkpoint of the continuous run for a step or two.
 *
 * Of @first_step only that has to be there which the segments record right after their restore:
 * the states. Of a metric they record there everything has to be. Later steps have to be
 * there as a whole, and nothing is said about any other step. A metric of which neither the continuous
 * run nor a segment has anything there is left out of the report. Whether a metric changes that
 * is expected to is judged over the whole continuous run.
 *
 * Since: 1.0
 */
void
sng_comparison_set_range (SngComparison *self, guint64 first_step, guint64 last_step)
{
  g_return_if_fail (SNG_IS_COMPARISON (self));
  g_return_if_fail (first_step <= last_step);

  self->has_range = TRUE;
  self->first_step = first_step;
  self->last_step = last_step;
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

  if (self->has_range)
    sng_comparison_walk_set_range (walk, self->first_step, self->last_step);

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

      if ((metric->flags & SNG_METRIC_PER_RUN) != 0)
        continue;

      result = sng_comparison_judge_metric (walk, metric);
      if (result != NULL)
        sng_report_add_result (report, result);
    }

  return g_steal_pointer (&report);
}
