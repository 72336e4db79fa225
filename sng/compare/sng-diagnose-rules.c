/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What shows only after the restore: the learning rate, the samples, the validations. */

#include "compare/sng-diagnose-private.h"

#include <string.h>

/* Recorded once for each micro-batch of a validation. */
#define PER_VALIDATION_BATCH "ValidLoss"
/* The audit of the samples: what is wrong with all runs alike shows there only. */
#define COVERAGE "Coverage"

/* As many learning rates must agree before they are said to be those of other steps. */
#define N_RATES 3

/* ---- The schedule ---- */

static SngMetadata *
lookup_rate (SngRunStore *store, guint64 step)
{
  g_autoptr (GPtrArray) entries = sng_facts_query (store, METRIC_LEARNING_RATE, SNG_STAGE_TRAIN, step);

  return entries->len > 0 ? sng_metadata_ref (g_ptr_array_index (entries, 0)) : NULL;
}

/* The first step from the restore on whose learning rate is not CONTINUOUS's. */
static gboolean
find_other_rate (const SngFacts *facts, guint64 *step)
{
  for (*step = facts->start;; (*step)++)
    {
      g_autoptr (SngMetadata) found = lookup_rate (facts->run, *step);
      g_autoptr (SngMetadata) expected = lookup_rate (facts->continuous, *step);

      if (found == NULL || expected == NULL)
        return FALSE;
      if (!sng_metadata_equal (found, expected))
        return TRUE;
    }
}

/* Whether the learning rates from @step on are CONTINUOUS's from @other on, as far as both go. */
static gboolean
follows (const SngFacts *facts, guint64 step, guint64 other)
{
  for (guint i = 0; i < N_RATES; i++)
    {
      g_autoptr (SngMetadata) found = lookup_rate (facts->run, step + i);
      g_autoptr (SngMetadata) expected = lookup_rate (facts->continuous, other + i);

      if (found != NULL && expected != NULL && !sng_metadata_equal (found, expected))
        return FALSE;
    }

  return TRUE;
}

/* Of which step of CONTINUOUS the learning rate is; of several that fit, a start over before the nearest. */
static gboolean
find_step_of_rate (const SngFacts *facts, guint64 step, guint64 *other)
{
  g_autoptr (SngMetadata) rate = lookup_rate (facts->run, step);
  g_autoptr (GPtrArray) equal = sng_facts_find_equal (facts->continuous, rate);
  guint64 anew = step - facts->start + sng_facts_get_origin (facts);
  gboolean has_found = FALSE;

  for (guint i = 0; i < equal->len; i++)
    {
      guint64 candidate = ((SngMetadata *) g_ptr_array_index (equal, i))->step;
      guint64 distance = candidate > step ? candidate - step : step - candidate;

      if (!follows (facts, step, candidate))
        continue;
      if (candidate == anew)
        {
          *other = anew;
          return TRUE;
        }
      if (!has_found || distance < (*other > step ? *other - step : step - *other))
        *other = candidate;
      has_found = TRUE;
    }

  return has_found;
}

SngDiagnosis *
sng_rule_schedule (const SngFacts *facts)
{
  const char *const metrics[] = { METRIC_SCHEDULER, METRIC_LEARNING_RATE, NULL };
  g_autofree char *conclusion = NULL;
  guint64 step = 0, other = 0, distance;
  SngDiagnosis *diagnosis;

  if (!g_strv_contains (metrics, sng_divergence_get_metric (facts->first)) || !find_other_rate (facts, &step)
      || !find_step_of_rate (facts, step, &other))
    return NULL;

  distance = other > step ? other - step : step - other;
  if (other == step - facts->start + sng_facts_get_origin (facts))
    conclusion = g_strdup ("started over");
  else
    conclusion = g_strdup_printf ("is %" G_GUINT64_FORMAT " %s %s", distance,
                                  distance == 1 ? "step" : "steps", other < step ? "behind" : "ahead");

  diagnosis = sng_diagnosis_new (SNG_CAUSE_SCHEDULE,
                                 "the learning rate at step %" G_GUINT64_FORMAT
                                 " equals CONTINUOUS's at step %" G_GUINT64_FORMAT ": the schedule %s",
                                 step, other, conclusion);
  {
    g_autoptr (SngMetadata) found = lookup_rate (facts->run, step);
    g_autoptr (SngMetadata) expected = lookup_rate (facts->continuous, step);

    sng_facts_add_pair (diagnosis, found, expected);
  }

  return diagnosis;
}

/* ---- The samples ---- */

static guint
count_micro_batches (SngRunStore *store, const char *metric, guint64 step)
{
  g_autoptr (GPtrArray) entries = sng_facts_query (store, metric, SNG_STAGE_TRAIN, step);
  gint64 last = -1;

  for (guint i = 0; i < entries->len; i++)
    last = MAX (last, ((SngMetadata *) g_ptr_array_index (entries, i))->micro_batch);

  return (guint) (last + 1);
}

/* How many entries with the path of @entry CONTINUOUS has from the one place up to the other. */
static guint
count_between (SngRunStore *store, SngMetadata *entry, const SngMetadata *from, const SngMetadata *to)
{
  g_autoptr (GPtrArray) entries = sng_run_store_query (store, entry->metric, from->step, to->step, NULL);
  guint count = 0;

  for (guint i = 0; entries != NULL && i < entries->len; i++)
    {
      const SngMetadata *other = g_ptr_array_index (entries, i);

      if (other->stage == entry->stage && other->rank == entry->rank && g_str_equal (other->path, entry->path)
          && (other->step > from->step || other->micro_batch >= from->micro_batch)
          && (other->step < to->step || other->micro_batch < to->micro_batch))
        count++;
    }

  return count;
}

static gboolean
is_before (const SngMetadata *a, const SngMetadata *b)
{
  return a->step != b->step ? a->step < b->step : a->micro_batch < b->micro_batch;
}

/* What the run had in the place of the samples that are told by their ids, or by what a batch holds. NULL where it had the
 * right ones, or where nothing of the kind was recorded. */
static SngMetadata *
find_wrong_samples (const SngFacts *facts, const char *metric, const char *path)
{
  guint64 step = sng_divergence_get_step (facts->first);
  g_autoptr (GPtrArray) found = sng_facts_query (facts->run, metric, SNG_STAGE_TRAIN, step);
  g_autoptr (GPtrArray) expected = sng_facts_query (facts->continuous, metric, SNG_STAGE_TRAIN, step);

  for (guint i = 0; i < found->len; i++)
    {
      SngMetadata *entry = g_ptr_array_index (found, i);
      SngMetadata *other = sng_facts_lookup (expected, entry);

      if ((path == NULL || g_str_equal (entry->path, path)) && other != NULL
          && !sng_metadata_equal (entry, other))
        return sng_metadata_ref (entry);
    }

  return NULL;
}

static gboolean
has_entries (SngRunStore *store, const char *metric, guint64 step, const char *path)
{
  g_autoptr (GPtrArray) entries = sng_facts_query (store, metric, SNG_STAGE_TRAIN, step);

  for (guint i = 0; i < entries->len; i++)
    if (path == NULL || g_str_equal (((SngMetadata *) g_ptr_array_index (entries, i))->path, path))
      return TRUE;

  return FALSE;
}

/* Of SampleIds, whose values begin with the epoch; -1 for anything else. */
static gint64
get_epoch (SngMetadata *entry)
{
  guint64 epoch;

  if (entry == NULL || entry->value == NULL || !g_variant_is_of_type (entry->value, G_VARIANT_TYPE ("(tax)")))
    return -1;

  g_variant_get_child (entry->value, 0, "t", &epoch);

  return (gint64) epoch;
}

/* Whether CONTINUOUS's epoch begins at the place. */
static gboolean
begins_epoch (const SngFacts *facts, SngMetadata *place)
{
  g_autoptr (GPtrArray) entries = sng_run_store_query (
      facts->continuous, place->metric, place->step > 0 ? place->step - 1 : 0, place->step, NULL);
  SngMetadata *previous = NULL;

  for (guint i = 0; entries != NULL && i < entries->len; i++)
    if (is_before (g_ptr_array_index (entries, i), place))
      previous = g_ptr_array_index (entries, i);

  return previous == NULL || get_epoch (previous) != get_epoch (place);
}

/* What became of the data whose samples were CONTINUOUS's at another place. */
static char *
conclude (const SngFacts *facts, SngMetadata *wrong, SngMetadata *place)
{
  g_autoptr (GPtrArray) expected =
      sng_facts_query (facts->continuous, wrong->metric, SNG_STAGE_TRAIN, wrong->step);
  gint64 epoch = get_epoch (wrong), right_epoch = get_epoch (sng_facts_lookup (expected, wrong));
  gboolean is_back = is_before (place, wrong);
  guint n = is_back ? count_between (facts->continuous, wrong, place, wrong)
                    : count_between (facts->continuous, wrong, wrong, place);

  if (place->step == sng_facts_get_origin (facts) + 1 && place->micro_batch == 0)
    return g_strdup ("the data started over");
  if (epoch >= 0 && epoch == right_epoch && is_back && begins_epoch (facts, place))
    return g_strdup_printf ("epoch %" G_GINT64_FORMAT " started over", epoch);
  if (epoch > right_epoch && begins_epoch (facts, place))
    return g_strdup_printf ("the rest of epoch %" G_GINT64_FORMAT " was left out", right_epoch);
  if (epoch < right_epoch)
    return g_strdup_printf ("the data is that of epoch %" G_GINT64_FORMAT " in place of %" G_GINT64_FORMAT,
                            epoch, right_epoch);

  return g_strdup_printf ("the data %s %u %s", is_back ? "went back by" : "skipped", n,
                          n == 1 ? "micro-batch" : "micro-batches");
}

/* Where in CONTINUOUS the samples are, if they are at one place only. */
static SngDiagnosis *
explain_samples (const SngFacts *facts, SngMetadata *wrong)
{
  g_autoptr (GPtrArray) places = sng_facts_find_equal (facts->continuous, wrong);
  g_autofree char *conclusion = NULL;
  SngMetadata *place;

  if (places->len != 1)
    return sng_diagnosis_new (SNG_CAUSE_DATA,
                              "the samples of step %" G_GUINT64_FORMAT ", micro-batch %" G_GINT64_FORMAT
                              " are others than CONTINUOUS's: the order or the position of the data is wrong",
                              wrong->step, wrong->micro_batch);

  place = g_ptr_array_index (places, 0);
  conclusion = conclude (facts, wrong, place);

  return sng_diagnosis_new (SNG_CAUSE_DATA,
                            "the samples at step %" G_GUINT64_FORMAT ", micro-batch %" G_GINT64_FORMAT
                            " are CONTINUOUS's at step %" G_GUINT64_FORMAT ", micro-batch %" G_GINT64_FORMAT
                            ": %s",
                            wrong->step, wrong->micro_batch, place->step, place->micro_batch, conclusion);
}

/* Another number of micro-batches. */
static SngDiagnosis *
explain_windows (const SngFacts *facts, const char *metric)
{
  guint64 step = sng_divergence_get_step (facts->first);
  guint n_found = count_micro_batches (facts->run, metric, step);
  guint n_expected = count_micro_batches (facts->continuous, metric, step);

  if (n_found == 0 || n_found == n_expected)
    return NULL;

  return sng_diagnosis_new (SNG_CAUSE_DATA,
                            "step %" G_GUINT64_FORMAT
                            " has %u micro-%s, CONTINUOUS's has %u: the windows are cut "
                            "in another way",
                            step, n_found, n_found == 1 ? "batch" : "batches", n_expected);
}

SngDiagnosis *
sng_rule_inputs (const SngFacts *facts)
{
  const char *metric = sng_divergence_get_metric (facts->first);
  guint64 step = sng_divergence_get_step (facts->first);
  const struct
  {
    const char *metric;
    const char *path;
  } ids[] = { { METRIC_SAMPLE_IDS, NULL }, { METRIC_TRAIN_INPUT, PATH_SAMPLE_IDS } };
  gboolean has_ids = FALSE;
  SngDiagnosis *diagnosis;

  if (!g_str_equal (metric, METRIC_TRAIN_INPUT) && !g_str_equal (metric, METRIC_SAMPLE_IDS))
    return NULL;

  diagnosis = explain_windows (facts, metric);
  if (diagnosis != NULL)
    return diagnosis;

  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      g_autoptr (SngMetadata) wrong = find_wrong_samples (facts, ids[i].metric, ids[i].path);

      if (wrong != NULL)
        return explain_samples (facts, wrong);
      has_ids |= has_entries (facts->run, ids[i].metric, step, ids[i].path);
    }

  if (has_ids)
    return sng_diagnosis_new (
        SNG_CAUSE_RNG,
        "the samples at step %" G_GUINT64_FORMAT
        " are CONTINUOUS's, but \"%s\" is not: they were masked or augmented by other random numbers",
        step, sng_divergence_get_path (facts->first));

  {
    g_autoptr (SngMetadata) wrong =
        find_wrong_samples (facts, METRIC_TRAIN_INPUT, sng_divergence_get_path (facts->first));
    g_autoptr (GPtrArray) places = wrong != NULL ? sng_facts_find_equal (facts->continuous, wrong) : NULL;

    return places != NULL && places->len == 1 ? explain_samples (facts, wrong) : NULL;
  }
}

SngDiagnosis *
sng_rule_coverage (const SngFacts *facts)
{
  if (!g_str_equal (sng_divergence_get_metric (facts->first), COVERAGE))
    return NULL;

  return sng_diagnosis_new (
      SNG_CAUSE_DATA, "the samples up to step %" G_GUINT64_FORMAT " are not those that the policy wants: %s",
      sng_divergence_get_step (facts->first), sng_divergence_get_detail (facts->first));
}

/* ---- The validations ---- */

/* The first step after @step at which the run validated; 0 for none. */
static guint64
find_validation (SngRunStore *store, guint64 step)
{
  g_autoptr (GPtrArray) entries =
      sng_run_store_query (store, PER_VALIDATION_BATCH, step + 1, G_MAXUINT64, NULL);

  return entries != NULL && entries->len > 0 ? ((SngMetadata *) g_ptr_array_index (entries, 0))->step : 0;
}

SngDiagnosis *
sng_rule_validation (const SngFacts *facts)
{
  guint64 found, expected, interval;

  if (sng_divergence_get_stage (facts->first) != SNG_STAGE_VALIDATE)
    return NULL;

  found = find_validation (facts->run, facts->start);
  expected = find_validation (facts->continuous, facts->start);
  interval = find_validation (facts->continuous, 0);
  if (found == expected || expected == 0)
    return NULL;

  if (found == 0)
    return sng_diagnosis_new (
        SNG_CAUSE_COUNTERS,
        "no validation follows the restore; CONTINUOUS's next is after step %" G_GUINT64_FORMAT, expected);

  return sng_diagnosis_new (SNG_CAUSE_COUNTERS,
                            "the first validation after the restore is after step %" G_GUINT64_FORMAT
                            ", CONTINUOUS's after step %" G_GUINT64_FORMAT "%s",
                            found, expected,
                            found == facts->start + interval ? ": its interval is counted from the resume"
                                                             : ": its interval is another");
}

/* ---- What was right after the restore and is not later ---- */

/* The gradients were those of CONTINUOUS when the moments are, which are made of them; and the settings are recorded. */
static gboolean
has_same_update (const SngFacts *facts, guint64 step)
{
  g_auto (SngStateDiff) diff = { NULL };
  g_autoptr (GPtrArray) entries = sng_facts_query (facts->run, METRIC_OPTIMIZER, SNG_STAGE_TRAIN, step);
  gboolean has_moments = FALSE, has_settings = FALSE;

  sng_facts_diff_state (facts, METRIC_OPTIMIZER, step, &diff);
  for (guint i = 0; i < entries->len; i++)
    {
      const SngMetadata *entry = g_ptr_array_index (entries, i);

      has_moments |= entry->value == NULL;
      has_settings |= strstr (entry->path, "weight_decay") != NULL;
    }

  return has_moments && has_settings && diff.found->len == 0;
}

SngDiagnosis *
sng_rule_later (const SngFacts *facts)
{
  const struct
  {
    const char *metric;
    SngCause cause;
    const char *what;
  } kinds[] = {
    { METRIC_LEARNING_RATE, SNG_CAUSE_SCHEDULE, "the learning rate" },
    { METRIC_SCHEDULER, SNG_CAUSE_SCHEDULE, "the schedule" },
    { "GradScalerState", SNG_CAUSE_SCALER, "the loss scale" },
    { METRIC_RNG, SNG_CAUSE_RNG, "the state of the random numbers" },
    { METRIC_AVERAGE, SNG_CAUSE_AVERAGES, "the moving average" },
  };
  const char *metric = sng_divergence_get_metric (facts->first);
  guint64 step = sng_divergence_get_step (facts->first);

  if (step == facts->start || sng_divergence_get_stage (facts->first) != SNG_STAGE_TRAIN)
    return NULL;

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (g_str_equal (kinds[i].metric, metric))
      return sng_diagnosis_new (kinds[i].cause,
                                "%s differs first at step %" G_GUINT64_FORMAT
                                ", with everything that was recorded before it equal",
                                kinds[i].what, step);

  if (g_str_equal (metric, METRIC_WEIGHTS) && has_same_update (facts, step))
    return sng_diagnosis_new (
        SNG_CAUSE_WEIGHTS,
        "the weights differ after step %" G_GUINT64_FORMAT
        ", but the optimizer's state does not: it updated other weights than those that the model had",
        step);

  return NULL;
}
