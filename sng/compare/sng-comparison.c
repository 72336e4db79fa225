/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "compare/sng-comparison.h"

#include "compare/sng-comparison-private.h"
#include "compare/sng-report-private.h"
#include "record/sng-environment-private.h"
#include "record/sng-run-store-private.h"

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
 * and the next one begins at any step before that: what it does once more is compared once more, and has to be there
 * once more.
 *
 * A second uninterrupted run ([method@Sng.Comparison.set_repeat]) serves as a control:
 * where it differs from the first the training is nondeterministic, and the resume is
 * not blamed. With [method@Sng.Comparison.set_noise_tolerance] it tells how much noise there is in the training, and so
 * much is accepted of the interrupted runs.
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
  gboolean noise_tolerance;
  SngComparisonWalk *noise; /* once it was measured */
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
  g_clear_pointer (&self->noise, sng_comparison_walk_free);
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
 * sng_comparison_clear_segments:
 * @self: a comparison
 *
 * Forgets the parts that were added, so that another interrupted training may be compared with
 * the same continuous run. Noise that was measured once is not measured again.
 *
 * Since: 1.0
 */
void
sng_comparison_clear_segments (SngComparison *self)
{
  g_return_if_fail (SNG_IS_COMPARISON (self));

  g_array_set_size (self->modes, 0);
  g_ptr_array_set_size (self->segments, 0);
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

  if (g_set_object (&self->repeat, repeat))
    g_clear_pointer (&self->noise, sng_comparison_walk_free);
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

  g_clear_pointer (&self->noise, sng_comparison_walk_free);
  if (tolerance == NULL || sng_tolerance_is_exact (tolerance))
    g_hash_table_remove (self->tolerances, metric);
  else
    g_hash_table_insert (self->tolerances, g_strdup (metric), sng_tolerance_copy (tolerance));
}

/**
 * sng_comparison_set_noise_tolerance:
 * @self: a comparison
 * @noise_tolerance: whether to accept noise
 *
 * Sets whether the interrupted runs may differ from the continuous one by as much as the repeat run does, for a
 * training that cannot be made deterministic. It must have a repeat run
 * ([method@Sng.Comparison.set_repeat]); without one everything is compared bit by bit.
 *
 * First the noise of each path of a metric is measured: the largest difference, over all steps, between a floating-point value
 * or an element of a floating-point tensor in the continuous run and in the repeat run. Then ten times that is accepted of
 * the interrupted runs. Of a path without noise nothing is accepted, nor of anything that is no
 * floating-point number, nor of shapes, dtypes and missing entries: where the repeat run differs in these
 * the metric is inconclusive. So it is where the noise is not smaller than the
 * values. A metric that has a tolerance of its own is judged by that, the repeat run's as well: where that is beyond it, the metric
 * is inconclusive.
 *
 * Where the repeat run was made on another kind of device, as its environment says, each floating-point number of a metric that has noise
 * may be off by 8 units in the last place of an F32 as well: rounding differs at other places there than in the interrupted
 * runs.
 *
 * Faults above the noise are found all the same: the order of a sum makes differences of 1e-8, while the smallest known faults
 * make such of 1e-4. Tensors have to be captured ([method@Sng.Recorder.set_capture]) in all runs. The report's notes say how much
 * noise there was; %SNG_VERDICT_NONDETERMINISTIC is no verdict of such a comparison.
 *
 * Since: 1.0
 */
void
sng_comparison_set_noise_tolerance (SngComparison *self, gboolean noise_tolerance)
{
  g_return_if_fail (SNG_IS_COMPARISON (self));

  self->noise_tolerance = noise_tolerance;
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

static gboolean
has_two_devices (SngRunStore *continuous, SngRunStore *repeat)
{
  const GVariantType *type = G_VARIANT_TYPE ("a{ss}");
  g_autoptr (GVariant) expected = sng_run_store_get_typed_info (continuous, SNG_ENVIRONMENT_INFO, type);
  g_autoptr (GVariant) found = sng_run_store_get_typed_info (repeat, SNG_ENVIRONMENT_INFO, type);
  const char *a = NULL, *b = NULL;

  return expected != NULL && found != NULL && g_variant_lookup (expected, SNG_ENVIRONMENT_DEVICE, "&s", &a)
         && g_variant_lookup (found, SNG_ENVIRONMENT_DEVICE, "&s", &b)
         && sng_environment_is_other_kind (a, b);
}

/* Walks along CONTINUOUS and REPEAT alone, unless that was done before. */
static gboolean
measure_noise (SngComparison *self, GError **error)
{
  g_autoptr (SngComparisonWalk) walk = NULL;

  if (!self->noise_tolerance || self->repeat == NULL || self->noise != NULL)
    return TRUE;

  walk = sng_comparison_walk_new (self->tolerances);
  sng_comparison_walk_add_run (walk, SNG_MODE_CONTINUOUS, self->continuous);
  sng_comparison_walk_add_run (walk, SNG_MODE_REPEAT, self->repeat);
  sng_comparison_walk_measure (walk, has_two_devices (self->continuous, self->repeat));
  if (!sng_comparison_walk_run (walk, error))
    return FALSE;

  self->noise = g_steal_pointer (&walk);

  return TRUE;
}

static SngComparisonWalk *
walk_along_segments (SngComparison *self, GError **error)
{
  g_autoptr (SngComparisonWalk) walk = sng_comparison_walk_new (self->tolerances);

  sng_comparison_walk_add_run (walk, SNG_MODE_CONTINUOUS, self->continuous);
  for (guint i = 0; i < self->segments->len; i++)
    sng_comparison_walk_add_run (walk, g_array_index (self->modes, SngMode, i), self->segments->pdata[i]);

  if (self->noise_tolerance && self->noise != NULL)
    sng_comparison_walk_accept (walk, self->noise);
  else if (self->repeat != NULL)
    sng_comparison_walk_add_run (walk, SNG_MODE_REPEAT, self->repeat);

  if (self->has_range)
    sng_comparison_walk_set_range (walk, self->first_step, self->last_step);

  return sng_comparison_walk_run (walk, error) ? g_steal_pointer (&walk) : NULL;
}

static gboolean
report_run (SngReport *report, SngComparedRun *run, GError **error)
{
  g_autoptr (SngReportRun) reported = sng_report_run_new (run->mode, NULL);

  if (!sng_report_run_read (reported, run->store, error))
    return FALSE;

  sng_report_run_set_entries (reported, run->n_entries, run->first_step, run->last_step);
  sng_report_add_run (report, reported);

  return TRUE;
}

static void
report_metric (SngReport *report, SngComparisonWalk *walk, SngComparedMetric *metric)
{
  g_autoptr (SngMetricResult) result = sng_comparison_judge_metric (walk, metric);
  g_autofree char *note = sng_compared_metric_describe_noise (metric);

  if (result == NULL)
    return;

  sng_report_add_result (report, result);
  if (note != NULL)
    sng_report_add_note (report, note);
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

  if (!measure_noise (self, error) || (walk = walk_along_segments (self, error)) == NULL)
    return NULL;

  report = sng_report_new ();
  sng_report_set_tolerant (report, walk->noise != NULL || g_hash_table_size (self->tolerances) > 0);
  for (guint i = 0; i < walk->runs->len; i++)
    if (!report_run (report, walk->runs->pdata[i], error))
      return NULL;
  if (walk->noise != NULL && !report_run (report, walk->noise->repeat, error))
    return NULL;

  for (guint i = 0; i < walk->metrics->len; i++)
    {
      SngComparedMetric *metric = walk->metrics->pdata[i];

      if ((metric->flags & SNG_METRIC_PER_RUN) == 0)
        report_metric (report, walk, metric);
    }

  return g_steal_pointer (&report);
}
