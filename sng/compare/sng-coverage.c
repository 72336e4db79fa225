/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "compare/sng-coverage.h"

#include "compare/sng-coverage-private.h"
#include "compare/sng-metric-result-private.h"
#include "record/sng-run-store-private.h"

/**
 * SngCoverage:
 *
 * Audits which samples a training consumed, epoch by epoch and across all of its stops.
 *
 * That a resumed training sees what an uninterrupted one sees says nothing yet about either: a
 * sampler that leaves out the same sample in both, or two ranks that train on the same one, pass every
 * comparison. So the ids that were recorded as the metric `SampleIds` ([class@Sng.SampleIdsCallback]) are held against
 * a [enum@Sng.CoveragePolicy].
 *
 * The segments STOP, RESUME, … make one training together. Of a step that was made again after a
 * kill, it counts what the later segment took for it: that is what the weights come from. A continuous run and its
 * repetition are trainings of their own. The order of the samples is not judged.
 *
 * An epoch is looked through for samples that are missing when the training has gone on to a later
 * one. The last one may be cut short by the end of the training.
 *
 * ```c
 * g_autoptr (SngCoverage) coverage = sng_coverage_new (SNG_COVERAGE_POLICY_EXACTLY_ONCE);
 *
 * sng_coverage_add_segment (coverage, SNG_MODE_CONTINUOUS, continuous);
 * sng_coverage_add_segment (coverage, SNG_MODE_STOP, stop);
 * sng_coverage_add_segment (coverage, SNG_MODE_RESUME, resume);
 * result = sng_coverage_audit (coverage, &error);
 * ```
 *
 * What was consumed is held in memory: 40 bytes a sample and epoch.
 *
 * Since: 1.0
 */

/**
 * SngCoveragePolicy:
 * @SNG_COVERAGE_POLICY_EXACTLY_ONCE: an epoch takes each sample once; only as many as are declared
 *   as padding ([method@Sng.Coverage.set_padding]) may come a second time
 * @SNG_COVERAGE_POLICY_AT_LEAST_ONCE: an epoch takes each sample once or more often
 * @SNG_COVERAGE_POLICY_NO_OVERLAP: no sample of an epoch is taken by two ranks; some may be left
 *   out, and a rank may take one more than once
 *
 * How often an epoch takes each of its samples.
 *
 * Since: 1.0
 */
struct _SngCoverage
{
  GObject parent_instance;

  SngCoveragePolicy policy;
  guint64 n_samples;
  guint64 padding;
  GPtrArray *segments; /* of SngCoverageSegment */
};

G_DEFINE_FINAL_TYPE (SngCoverage, sng_coverage, G_TYPE_OBJECT)

static void
segment_free (gpointer data)
{
  SngCoverageSegment *segment = data;

  g_ptr_array_unref (segment->stores);
  g_free (segment);
}

static void
sng_coverage_finalize (GObject *object)
{
  SngCoverage *self = SNG_COVERAGE (object);

  g_ptr_array_unref (self->segments);

  G_OBJECT_CLASS (sng_coverage_parent_class)->finalize (object);
}

static void
sng_coverage_class_init (SngCoverageClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sng_coverage_finalize;
}

static void
sng_coverage_init (SngCoverage *self)
{
  self->segments = g_ptr_array_new_with_free_func (segment_free);
}

/**
 * sng_coverage_new:
 * @policy: how often an epoch takes each of its samples
 *
 * Makes an audit.
 *
 * Returns: (transfer full): a new audit
 *
 * Since: 1.0
 */
SngCoverage *
sng_coverage_new (SngCoveragePolicy policy)
{
  SngCoverage *self = g_object_new (SNG_TYPE_COVERAGE, NULL);

  self->policy = policy;

  return self;
}

/**
 * sng_coverage_set_n_samples:
 * @self: an audit
 * @n_samples: how many samples an epoch has, over all ranks; 0: what the stores say
 *
 * Sets how many samples there are.
 *
 * By default it is the information `n-samples` of the first store that has it, where
 * [class@Sng.SampleIdsCallback] leaves it. Where nobody knows, an epoch is held against all samples that
 * were ever seen.
 *
 * Since: 1.0
 */
void
sng_coverage_set_n_samples (SngCoverage *self, guint64 n_samples)
{
  g_return_if_fail (SNG_IS_COVERAGE (self));

  self->n_samples = n_samples;
}

/**
 * sng_coverage_set_padding:
 * @self: an audit
 * @padding: how many samples of an epoch may come a second time, over all ranks; 0 by default
 *
 * Declares padding: samples that fill up the last step of an epoch, so that all ranks and
 * micro-batches have as many. It is taken for padding only when all samples of the epoch have been
 * taken by the end of that step.
 *
 * Since: 1.0
 */
void
sng_coverage_set_padding (SngCoverage *self, guint64 padding)
{
  g_return_if_fail (SNG_IS_COVERAGE (self));

  self->padding = padding;
}

/**
 * sng_coverage_add_segment:
 * @self: an audit
 * @mode: the mode of that run
 * @store: its store; where it has several ranks, that of one of them
 *
 * Adds a run. The parts of an interrupted training, %SNG_MODE_STOP and %SNG_MODE_RESUME,
 * are added in the order in which they ran. Each begins after the step of its store's
 * information `restored-step`, or else with the first step that it recorded.
 *
 * A training that goes on from the midst of a continuous run is audited as a whole when that run is added
 * once more, as its %SNG_MODE_STOP.
 *
 * Since: 1.0
 */
void
sng_coverage_add_segment (SngCoverage *self, SngMode mode, SngRunStore *store)
{
  SngCoverageSegment *segment;

  g_return_if_fail (SNG_IS_COVERAGE (self));
  g_return_if_fail (SNG_IS_RUN_STORE (store));

  segment = g_new0 (SngCoverageSegment, 1);
  segment->mode = mode;
  segment->stores = g_ptr_array_new_with_free_func (g_object_unref);
  g_ptr_array_add (segment->stores, g_object_ref (store));
  g_ptr_array_add (self->segments, segment);
}

/**
 * sng_coverage_add_rank:
 * @self: an audit with a segment
 * @store: a store
 *
 * Adds the store of another rank to the segment that was added last.
 *
 * Since: 1.0
 */
void
sng_coverage_add_rank (SngCoverage *self, SngRunStore *store)
{
  SngCoverageSegment *segment;

  g_return_if_fail (SNG_IS_COVERAGE (self));
  g_return_if_fail (SNG_IS_RUN_STORE (store));
  g_return_if_fail (self->segments->len > 0);

  segment = g_ptr_array_index (self->segments, self->segments->len - 1);
  g_ptr_array_add (segment->stores, g_object_ref (store));
}

static guint64
lookup_n_samples (SngCoverage *self)
{
  for (guint i = 0; i < self->segments->len; i++)
    {
      SngCoverageSegment *segment = g_ptr_array_index (self->segments, i);

      for (guint j = 0; j < segment->stores->len; j++)
        {
          g_autoptr (GVariant) value =
              sng_run_store_get_typed_info (segment->stores->pdata[j], "n-samples", G_VARIANT_TYPE_UINT64);

          if (value != NULL)
            return g_variant_get_uint64 (value);
        }
    }

  return 0;
}

/* The trainings: the continuous run, the interrupted one, the repetition; none without segments. */
static gboolean
read_timelines (SngCoverage *self, GPtrArray *timelines, SngCoverageTimeline **continuous, GError **error)
{
  const SngMode modes[] = { SNG_MODE_CONTINUOUS, SNG_MODE_STOP, SNG_MODE_REPEAT };

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_autoptr (GPtrArray) segments = g_ptr_array_new ();
      g_autoptr (SngCoverageTimeline) timeline = sng_coverage_timeline_new ();

      for (guint j = 0; j < self->segments->len; j++)
        {
          SngCoverageSegment *segment = g_ptr_array_index (self->segments, j);

          if ((segment->mode == SNG_MODE_RESUME ? SNG_MODE_STOP : segment->mode) == modes[i])
            g_ptr_array_add (segments, segment);
        }

      if (segments->len == 0)
        continue;

      if (!sng_coverage_timeline_read (timeline, segments, error))
        return FALSE;

      if (modes[i] == SNG_MODE_CONTINUOUS)
        *continuous = timeline;
      g_ptr_array_add (timelines, g_steal_pointer (&timeline));
    }

  return TRUE;
}

static int
compare_ids (gconstpointer a, gconstpointer b)
{
  gint64 first = *(const gint64 *) a, second = *(const gint64 *) b;

  return (first > second) - (first < second);
}

/* All that were seen; where these are numbers below n_samples, and as many that they may be all of them, all of these. */
static GArray *
list_ids (GPtrArray *timelines, guint64 n_samples)
{
  g_autoptr (GArray) seen = g_array_new (FALSE, FALSE, sizeof (gint64));
  GArray *ids = g_array_new (FALSE, FALSE, sizeof (gint64));
  gboolean are_indices = n_samples > 0;

  for (guint i = 0; i < timelines->len; i++)
    {
      SngCoverageTimeline *timeline = g_ptr_array_index (timelines, i);

      for (guint j = 0; j < timeline->draws->len; j++)
        {
          gint64 id = g_array_index (timeline->draws, SngCoverageDraw, j).id;

          are_indices = are_indices && id >= 0 && (guint64) id < n_samples;
          g_array_append_val (seen, id);
        }
    }

  are_indices = are_indices && n_samples <= seen->len;
  for (gint64 id = 0; are_indices && (guint64) id < n_samples; id++)
    g_array_append_val (ids, id);

  g_array_sort (seen, compare_ids);
  for (guint i = 0; !are_indices && i < seen->len; i++)
    if (i == 0 || g_array_index (seen, gint64, i) != g_array_index (seen, gint64, i - 1))
      g_array_append_val (ids, g_array_index (seen, gint64, i));

  return ids;
}

static gboolean
has_ranks (GPtrArray *timelines)
{
  for (guint i = 0; i < timelines->len; i++)
    {
      GArray *draws = ((SngCoverageTimeline *) g_ptr_array_index (timelines, i))->draws;

      for (guint j = 0; j < draws->len; j++)
        if (g_array_index (draws, SngCoverageDraw, j).rank != g_array_index (draws, SngCoverageDraw, 0).rank)
          return TRUE;
    }

  return FALSE;
}

/* Why nothing could have been found, or NULL. */
static char *
find_weakness (SngCoverage *self, GPtrArray *timelines, SngCoverageAudit *audit)
{
  for (guint i = 0; i < timelines->len; i++)
    {
      SngCoverageTimeline *timeline = g_ptr_array_index (timelines, i);

      if (timeline->has_silent_segment)
        return g_strdup_printf ("the %s run recorded no sample ids",
                                sng_mode_to_string (timeline->silent_mode));
    }

  if (self->policy == SNG_COVERAGE_POLICY_AT_LEAST_ONCE && audit->n_complete_epochs == 0)
    return g_strdup ("no epoch came to its end, so no sample could be seen to be missing");
  if (self->policy == SNG_COVERAGE_POLICY_NO_OVERLAP && !has_ranks (timelines))
    return g_strdup ("there is one rank only, so there could be no overlap");

  return NULL;
}

/**
 * sng_coverage_audit:
 * @self: an audit
 * @error: return location for a #GError
 *
 * Audits. That a training broke the policy is no error, but what the result says: the
 * verdict is %SNG_VERDICT_DIVERGED, and its first divergence names the run, the step, the epoch and the
 * sample. A sample that is missing is named at the step in which the continuous run takes it, if that
 * is known, or else where its epoch ends.
 *
 * Returns: (transfer full) (nullable): a line `Coverage` for a report, which counts
 *   samples; %NULL without @error when no run recorded sample ids, and with @error set when
 *   a store cannot be read
 *
 * Since: 1.0
 */
SngMetricResult *
sng_coverage_audit (SngCoverage *self, GError **error)
{
  g_autoptr (GPtrArray) timelines = NULL;
  g_autoptr (GArray) ids = NULL;
  g_autoptr (SngDivergence) first = NULL;
  g_autofree char *reason = NULL;
  SngCoverageAudit audit = { 0 };
  SngVerdict verdict = SNG_VERDICT_PASS;
  guint64 n_draws = 0;

  g_return_val_if_fail (SNG_IS_COVERAGE (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  timelines = g_ptr_array_new_with_free_func ((GDestroyNotify) sng_coverage_timeline_free);
  if (!read_timelines (self, timelines, &audit.continuous, error))
    return NULL;

  audit.policy = self->policy;
  audit.padding = self->padding;
  audit.n_samples = self->n_samples > 0 ? self->n_samples : lookup_n_samples (self);
  audit.ids = ids = list_ids (timelines, audit.n_samples);

  for (guint i = 0; i < timelines->len; i++)
    {
      SngCoverageTimeline *timeline = g_ptr_array_index (timelines, i);

      sng_coverage_audit_run (&audit, timeline);
      n_draws += timeline->draws->len;
    }

  if (n_draws == 0)
    return NULL;

  first = audit.first;
  reason = first == NULL ? find_weakness (self, timelines, &audit) : NULL;
  if (first != NULL)
    verdict = SNG_VERDICT_DIVERGED;
  else if (reason != NULL)
    verdict = SNG_VERDICT_INCONCLUSIVE;

  return sng_metric_result_new (SNG_COVERAGE_METRIC, verdict, n_draws, audit.n_violations, first, reason);
}
