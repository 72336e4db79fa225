/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What is to be said about a metric when all steps have been compared. */

#include "compare/sng-comparison-private.h"
#include "compare/sng-divergence-private.h"
#include "record/sng-number-private.h"

static gboolean
has_runs (SngComparisonWalk *walk, SngMode mode)
{
  for (guint i = 0; i < walk->runs->len; i++)
    if (((SngComparedRun *) walk->runs->pdata[i])->mode == mode)
      return TRUE;

  return FALSE;
}

/* Whether a run of the mode recorded anything, of any metric. */
static gboolean
has_entries (SngComparisonWalk *walk, SngMode mode)
{
  for (guint i = 0; i < walk->runs->len; i++)
    {
      SngComparedRun *run = walk->runs->pdata[i];

      if (run->mode == mode && run->has_entries)
        return TRUE;
    }

  return FALSE;
}

/* Whether the training went on after the stop, or had come to its end there. */
static gboolean
goes_on (SngComparisonWalk *walk)
{
  for (guint i = 0; i < walk->segments->len; i++)
    {
      SngComparedRun *run = walk->segments->pdata[i];

      if (run->mode == SNG_MODE_RESUME && run->has_entries && run->last_step > run->first_step)
        return TRUE;
    }

  return FALSE;
}

static gboolean
lacks_repeat (SngComparisonWalk *walk, SngComparedMetric *metric)
{
  return walk->repeat != NULL && metric->n_recorded[SNG_MODE_REPEAT] == 0;
}

/* Why one side has nothing to compare, or NULL. Within a range a metric may be due once, so where a run listened and heard
 * nothing this is no lack but a difference. */
static char *
find_lack (SngComparisonWalk *walk, SngComparedMetric *metric)
{
  const SngMode modes[] = { SNG_MODE_STOP, SNG_MODE_RESUME };
  guint64 n_interrupted = metric->n_recorded[SNG_MODE_STOP] + metric->n_recorded[SNG_MODE_RESUME];
  gboolean is_declared = metric->is_declared[SNG_MODE_STOP] || metric->is_declared[SNG_MODE_RESUME];

  if (metric->n_seen == 0 && n_interrupted == 0)
    return g_strdup ("nothing was recorded");
  if (metric->n_seen == 0)
    return g_strdup ("the continuous run recorded nothing of it");
  if (n_interrupted == 0 && !(walk->has_range && is_declared))
    return g_strdup ("only the continuous run recorded anything of it");

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    if (has_entries (walk, modes[i]) && !metric->is_declared[modes[i]]
        && metric->segments.n_different == metric->segments.n_missing)
      return g_strdup_printf ("the %s run has no such metric", sng_mode_to_string (modes[i]));

  return NULL;
}

/* Why there is no saying what noise is and what is not, or NULL. */
static char *
find_other_noise (SngComparedMetric *metric)
{
  SngDivergence *first = metric->noise != NULL ? metric->noise->repeat.first : NULL;
  g_autofree char *place = NULL;

  if (first == NULL)
    return NULL;

  place = sng_divergence_dup_place (first);

  return g_strdup_printf ("the repeat run differs by %s at %s: expected %s, found %s; %s",
                          metric->tolerance != NULL ? "more than the tolerance" : "something else than noise",
                          place, sng_divergence_get_expected (first), sng_divergence_get_actual (first),
                          sng_divergence_get_detail (first));
}

/* The numbers of a path are all 0 where nothing has touched them yet; what a tolerance accepts there says little. */
static gboolean
is_hidden (SngJudgedPath *path)
{
  return path->largest > 0.0 && sng_tolerance_accepts (path->tolerance, path->largest, 0.0);
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

      if (!is_hidden (path))
        continue;
      if (first == NULL)
        first = path;
      n_hidden++;
    }

  if (first == NULL)
    return NULL;

  if (sng_tolerance_get_rtol (first->tolerance) >= 1.0)
    return g_strdup_printf (
        "the relative tolerance %s is not smaller than 1, so it accepts zero for any value",
        sng_number_print (rtol, sng_tolerance_get_rtol (first->tolerance)));

  reason = g_string_new (NULL);
  if (metric->tolerance == NULL)
    g_string_append_printf (reason, "%d times the noise, ", SNG_NOISE_FACTOR);
  else
    g_string_append (reason, "tolerance ");
  g_string_append (reason, sng_number_print (atol, sng_tolerance_get_atol (first->tolerance)));
  if (sng_tolerance_get_rtol (first->tolerance) > 0.0)
    g_string_append_printf (reason, " + |value| * %s",
                            sng_number_print (rtol, sng_tolerance_get_rtol (first->tolerance)));
  g_string_append_printf (reason, "%s is not smaller than the largest recorded value %s",
                          metric->tolerance == NULL ? "," : "", sng_number_print (largest, first->largest));
  if (metric->judged->len > 1)
    g_string_append_printf (reason, " of \"%s\"; so for %u of %u paths", sng_metadata_get_path (first->entry),
                            n_hidden, metric->judged->len);

  return g_strdup (reason->str);
}

/* Why the comparison could not have failed, or NULL. */
static char *
find_weakness (SngComparisonWalk *walk, SngComparedMetric *metric)
{
  const SngMode modes[] = { SNG_MODE_STOP, SNG_MODE_RESUME, SNG_MODE_REPEAT };

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    if (has_runs (walk, modes[i]) && !has_entries (walk, modes[i]))
      return g_strdup_printf ("the %s run recorded nothing at all", sng_mode_to_string (modes[i]));

  if (!walk->has_range && goes_on (walk) && metric->n_recorded[SNG_MODE_RESUME] == 0)
    return g_strdup ("the resume run recorded nothing of it, as nothing was due after the stop");

  if (lacks_repeat (walk, metric))
    return g_strdup ("the repeat run recorded nothing of it");

  if (metric->unchanged != NULL && metric->n_seen == 1)
    return g_strdup ("it was recorded only once, so it could not be seen to change");

  if (metric->unchanged != NULL)
    return g_strdup_printf ("it never changed in %" G_GUINT64_FORMAT " entries, and is expected to",
                            metric->n_seen);

  return find_hidden_path (metric);
}

/* Whether there is nothing to say: nobody has what only some trainings have, or it has no part in the range. */
static gboolean
is_left_out (SngComparisonWalk *walk, SngComparedMetric *metric)
{
  guint64 n_recorded = metric->n_seen;

  if (walk->has_range && metric->n_seen > 0)
    return metric->segments.steps->len == 0;

  for (guint mode = 0; mode < SNG_COMPARED_N_MODES; mode++)
    n_recorded += metric->n_recorded[mode];

  return (metric->flags & SNG_METRIC_OPTIONAL) != 0 && n_recorded == 0;
}

SngMetricResult *
sng_comparison_judge_metric (SngComparisonWalk *walk, SngComparedMetric *metric)
{
  g_autofree char *reason = NULL;
  SngComparedSide *side = &metric->segments;
  SngDivergence *first = NULL;
  SngVerdict verdict = SNG_VERDICT_INCONCLUSIVE;
  SngMetricResult *result;

  if (is_left_out (walk, metric))
    return NULL;

  reason = find_lack (walk, metric);
  if (reason == NULL)
    reason = find_other_noise (metric);

  if (reason == NULL && metric->repeat.first != NULL && !lacks_repeat (walk, metric))
    {
      verdict = SNG_VERDICT_NONDETERMINISTIC;
      side = &metric->repeat;
      first = side->first;
    }
  else if (reason == NULL && side->first != NULL)
    {
      verdict = SNG_VERDICT_DIVERGED;
      first = side->first;
    }
  else if (reason == NULL)
    {
      reason = find_weakness (walk, metric);
      verdict = reason != NULL ? SNG_VERDICT_INCONCLUSIVE : SNG_VERDICT_PASS;
    }

  result = sng_metric_result_new (metric->name, verdict, side->n_compared,
                                  first != NULL ? side->n_different : 0, first, reason);
  sng_metric_result_set_steps (result, side->steps);

  return result;
}
