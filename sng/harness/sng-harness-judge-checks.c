/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* How the runs of a stop-and-go must fit together. */

#include "harness/sng-program-private.h"

#include "compare/sng-divergence-private.h"
#include "compare/sng-metric-result-private.h"
#include "compare/sng-report-private.h"
#include "record/sng-run-store-private.h"

#define CONSUMED_SAMPLES "ConsumedSamples"
#define GLOBAL_STEP_STATE "GlobalStepState"
/* Recorded once for each micro-batch of a validation. */
#define PER_VALIDATION_BATCH "ValidLoss"

/* ---- What the runs recorded ---- */

/* What the metric has as its last value under the path; -1 where it has none. */
static gint64
lookup_count (SngRunStore *store, const char *metric, guint64 first_step, guint64 last_step, const char *path)
{
  g_autoptr (GPtrArray) entries = sng_run_store_query (store, metric, first_step, last_step, NULL);
  gint64 count = -1;

  for (guint i = 0; entries != NULL && i < entries->len; i++)
    {
      SngMetadata *entry = g_ptr_array_index (entries, i);
      GVariant *value = sng_metadata_get_value (entry);

      if (!g_str_equal (sng_metadata_get_path (entry), path))
        continue;

      if (value != NULL && g_variant_is_of_type (value, G_VARIANT_TYPE_INT64))
        count = g_variant_get_int64 (value);
      if (value != NULL && g_variant_is_of_type (value, G_VARIANT_TYPE_UINT64))
        count = (gint64) g_variant_get_uint64 (value);
    }

  return count;
}

gboolean
sng_harness_lookup_info (SngRunStore *store, const char *key, guint64 *count)
{
  g_autoptr (GVariant) value = sng_run_store_get_typed_info (store, key, G_VARIANT_TYPE_UINT64);

  if (value == NULL)
    return FALSE;

  *count = g_variant_get_uint64 (value);

  return TRUE;
}

/* The newest checkpoint that the segments before this one are known to have saved. */
static guint64
lookup_newest_saved (SngJudgedRuns *runs, guint segment)
{
  guint64 newest = 0;

  for (guint i = 0; i < segment; i++)
    {
      g_autoptr (GVariant) value = sng_run_store_get_typed_info (g_ptr_array_index (runs->segments, i),
                                                                 "checkpoints", G_VARIANT_TYPE ("at"));
      gsize n_steps = 0;
      const guint64 *steps =
          value != NULL ? g_variant_get_fixed_array (value, &n_steps, sizeof (guint64)) : NULL;

      for (gsize k = 0; k < n_steps; k++)
        newest = MAX (newest, steps[k]);
    }

  return newest;
}

/* The step that a segment must begin with: that of the newest checkpoint, unless that one was refused. One that was killed may have
 * completed a checkpoint that it could not tell of any more. */
static guint64
lookup_start_step (SngJudgedRuns *runs, guint segment)
{
  SngRunStore *store = g_ptr_array_index (runs->segments, segment);
  guint64 saved, restored = 0, n_refused = 0, finished_step;

  if (segment == 0)
    return 0;

  saved = lookup_newest_saved (runs, segment);
  sng_harness_lookup_info (store, "refused-checkpoints", &n_refused);
  sng_harness_lookup_info (store, "restored-step", &restored);

  if (n_refused > 0)
    return restored;

  if (sng_harness_lookup_info (g_ptr_array_index (runs->segments, segment - 1), "saved-step", &finished_step))
    return finished_step;

  return MAX (saved, restored);
}

/* ---- GlobalStepState ---- */

/* Entries are told apart by the global step, so one that was restored wrongly makes a run's entries those of other steps,
 * and they may all be right: a training that begins anew repeats CONTINUOUS. So where a run begins is judged by itself. */
void
sng_harness_check_start (SngReport *report, SngRunStore *store, guint64 expected)
{
  SngMetricResult *result = sng_report_lookup_metric (report, GLOBAL_STEP_STATE);
  g_autoptr (GPtrArray) entries = sng_run_store_query (store, GLOBAL_STEP_STATE, 0, G_MAXUINT64, NULL);
  g_autoptr (SngDivergence) first = NULL;
  g_autoptr (SngMetricResult) diverged = NULL;
  g_autofree char *expected_text = NULL;
  g_autofree char *actual_text = NULL;
  SngDivergence *known;
  guint64 actual;

  if (result == NULL || sng_metric_result_get_verdict (result) == SNG_VERDICT_NONDETERMINISTIC
      || entries == NULL || entries->len == 0)
    return;

  actual = sng_metadata_get_step (g_ptr_array_index (entries, 0));
  if (actual == expected)
    return;

  expected_text = g_strdup_printf ("%" G_GUINT64_FORMAT, expected);
  actual_text = g_strdup_printf ("%" G_GUINT64_FORMAT, actual);
  first = sng_divergence_new (SNG_MODE_RESUME, GLOBAL_STEP_STATE, SNG_STAGE_TRAIN, expected, -1, 0, "", 0,
                              expected_text, actual_text, "the global step right after the restore");
  known = sng_metric_result_get_first_divergence (result);
  diverged = sng_metric_result_new (
      GLOBAL_STEP_STATE, SNG_VERDICT_DIVERGED, sng_metric_result_get_compared (result),
      sng_metric_result_get_n_different (result) + 1,
      known != NULL && sng_divergence_compare (known, first) < 0 ? known : first, NULL);
  sng_report_replace_result (report, diverged);
}

void
sng_harness_check_starts (SngJudgedRuns *runs, SngReport *report)
{
  for (guint segment = 1; segment < runs->segments->len; segment++)
    sng_harness_check_start (report, g_ptr_array_index (runs->segments, segment),
                             lookup_start_step (runs, segment));
}

/* ---- InitConsumedSamples ---- */

/* Counts that were compared. */
typedef struct
{
  guint64 n_compared;
  guint64 n_different;
  SngDivergence *first;
} Tally;

static void
tally_clear (Tally *tally)
{
  g_clear_object (&tally->first);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Tally, tally_clear)

/* Takes the divergence; NULL: the counts are equal. */
static void
tally_add (Tally *tally, SngDivergence *divergence)
{
  tally->n_compared++;
  if (divergence == NULL)
    return;

  tally->n_different++;
  if (tally->first == NULL)
    tally->first = divergence;
  else
    g_object_unref (divergence);
}

static SngMetricResult *
tally_to_result (Tally *tally, const char *name)
{
  return sng_metric_result_new (name, tally->first != NULL ? SNG_VERDICT_DIVERGED : SNG_VERDICT_PASS,
                                tally->n_compared, tally->n_different, tally->first, NULL);
}

/* One count at the start of a run. */
static void
check_count (Tally *tally, SngMode mode, SngRunStore *store, guint64 step, const char *path, gint64 expected)
{
  gint64 actual = lookup_count (store, SNG_INIT_CONSUMED_SAMPLES, 0, G_MAXUINT64, path);
  g_autofree char *expected_text = g_strdup_printf ("%" G_GINT64_FORMAT, expected);
  g_autofree char *actual_text =
      actual >= 0 ? g_strdup_printf ("%" G_GINT64_FORMAT, actual) : g_strdup ("nothing");

  tally_add (tally, actual == expected ? NULL
                                       : sng_divergence_new (mode, SNG_INIT_CONSUMED_SAMPLES, SNG_STAGE_TRAIN,
                                                             step, -1, 0, path, 0, expected_text, actual_text,
                                                             "consumed samples at the start of the run"));
}

/* A run begins with what CONTINUOUS had consumed when the step of the checkpoint was over; one from the start, with nothing.
 * Returns: FALSE where CONTINUOUS does not tell */
static gboolean
check_counts (Tally *tally, SngJudgedRuns *runs, SngMode mode, SngRunStore *store, guint64 step)
{
  gint64 trained = lookup_count (runs->continuous, CONSUMED_SAMPLES, step, step, "train");
  gint64 validated = lookup_count (runs->continuous, CONSUMED_SAMPLES, 0, step, "validate");

  if (step > 0 && trained <= 0)
    return FALSE;

  check_count (tally, mode, store, step, "train", step > 0 ? trained : 0);
  check_count (tally, mode, store, step, "validate", step > 0 ? MAX (validated, 0) : 0);

  return TRUE;
}

SngMetricResult *
sng_harness_judge_init_consumed_samples (SngJudgedRuns *runs)
{
  g_auto (Tally) tally = { 0 };

  if (lookup_count (runs->continuous, SNG_INIT_CONSUMED_SAMPLES, 0, G_MAXUINT64, "train") < 0)
    return sng_metric_result_new (SNG_INIT_CONSUMED_SAMPLES, SNG_VERDICT_INCONCLUSIVE, 0, 0, NULL,
                                  "it was not recorded");

  for (guint segment = 0; segment < runs->segments->len; segment++)
    if (!check_counts (&tally, runs, segment == 0 ? SNG_MODE_STOP : SNG_MODE_RESUME,
                       g_ptr_array_index (runs->segments, segment), lookup_start_step (runs, segment)))
      return sng_metric_result_new (
          SNG_INIT_CONSUMED_SAMPLES, SNG_VERDICT_INCONCLUSIVE, 0, 0, NULL,
          "the continuous run has no consumed samples at the step of the checkpoint");

  check_counts (&tally, runs, SNG_MODE_CONTINUOUS, runs->continuous, 0);

  return tally_to_result (&tally, SNG_INIT_CONSUMED_SAMPLES);
}

/* ---- ValidationBatches ---- */

/* How many micro-batches the validation after each step had: a table of guint64 to guint64. */
static GHashTable *
count_validation_batches (SngRunStore *store)
{
  GHashTable *counts = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  g_autoptr (GPtrArray) entries = sng_run_store_query (store, PER_VALIDATION_BATCH, 0, G_MAXUINT64, NULL);

  for (guint i = 0; entries != NULL && i < entries->len; i++)
    {
      SngMetadata *entry = g_ptr_array_index (entries, i);
      guint64 step = sng_metadata_get_step (entry);
      guint64 n = (guint64) sng_metadata_get_micro_batch (entry) + 1;
      guint64 *known = g_hash_table_lookup (counts, &step);

      if (known == NULL)
        {
          known = g_new0 (guint64, 1);
          g_hash_table_insert (counts, g_memdup2 (&step, sizeof step), known);
        }

      *known = MAX (*known, n);
    }

  return counts;
}

static guint64
get_count (GHashTable *counts, guint64 step)
{
  guint64 *n = g_hash_table_lookup (counts, &step);

  return n != NULL ? *n : 0;
}

static SngDivergence *
new_batches_divergence (SngMode mode, guint64 step, guint64 expected, guint64 actual)
{
  g_autofree char *expected_text = g_strdup_printf ("%" G_GUINT64_FORMAT, expected);
  g_autofree char *actual_text = g_strdup_printf ("%" G_GUINT64_FORMAT, actual);

  return sng_divergence_new (mode, SNG_VALIDATION_BATCHES, SNG_STAGE_VALIDATE, step, -1, 0, "", 0,
                             expected_text, actual_text, "micro-batches of the validation after this step");
}

/* The validations between the start of a segment and that of the next one are its own. Of those that it has done beyond, which the
 * next one repeats, only the last may have been broken off. */
static void
check_segment_validations (Tally *tally,
                           SngJudgedRuns *runs,
                           GHashTable *continuous,
                           guint segment,
                           guint64 num_steps)
{
  gboolean is_last = segment + 1 == runs->segments->len;
  SngRunStore *store = g_ptr_array_index (runs->segments, segment);
  g_autoptr (GHashTable) counts = count_validation_batches (store);
  guint64 start = lookup_start_step (runs, segment);
  guint64 end = is_last ? num_steps : lookup_start_step (runs, segment + 1);
  guint64 last_step = 0;

  sng_run_store_get_step_range (store, NULL, NULL, &last_step, NULL);

  for (guint64 step = 0; step <= num_steps; step++)
    {
      guint64 actual = get_count (counts, step);
      guint64 wanted = get_count (continuous, step);
      gboolean is_own = step <= end && (segment == 0 || step > start);
      gboolean is_broken_off = !is_own && step == last_step && actual < wanted;

      if ((is_own ? wanted == 0 && actual == 0 : actual == 0) || is_broken_off)
        continue;

      tally_add (tally, actual == wanted
                            ? NULL
                            : new_batches_divergence (segment == 0 ? SNG_MODE_STOP : SNG_MODE_RESUME, step,
                                                      wanted, actual));
    }
}

SngMetricResult *
sng_harness_judge_validation_batches (SngJudgedRuns *runs, guint num_steps)
{
  g_autoptr (GHashTable) continuous = count_validation_batches (runs->continuous);
  g_auto (Tally) tally = { 0 };

  for (guint segment = 0; segment < runs->segments->len; segment++)
    check_segment_validations (&tally, runs, continuous, segment, num_steps);

  if (tally.n_compared == 0)
    return sng_metric_result_new (SNG_VALIDATION_BATCHES, SNG_VERDICT_INCONCLUSIVE, 0, 0, NULL,
                                  "no validation was recorded");

  return tally_to_result (&tally, SNG_VALIDATION_BATCHES);
}

/* ---- Stops ---- */

/* Whether the training was over when it was interrupted, or when it was restored. Of a run that was killed only the latter is
 * known. */
static gboolean
was_over (const SngRun *run, SngRunStore *store, guint64 restored, guint64 end)
{
  g_autoptr (GVariant) finished = sng_run_store_get_info (store, "finished");

  return restored >= end || (run->interrupt != NULL && finished != NULL && restored + run->n_steps >= end);
}

/* Why the stops prove nothing; NULL where they do. The training may end before its time. */
static char *
find_weak_stop (SngJudgedRuns *runs)
{
  gboolean any_restored = FALSE;
  guint64 last_step = 0, end = 0;

  sng_run_store_get_step_range (runs->continuous, NULL, NULL, &end, NULL);

  for (guint segment = 0; segment < runs->segments->len; segment++)
    {
      SngRun *run = g_ptr_array_index (runs->runs, segment);
      SngRunStore *store = g_ptr_array_index (runs->segments, segment);
      guint64 restored = 0;

      sng_run_store_get_step_range (store, NULL, NULL, &last_step, NULL);
      if (run->interrupt != NULL && !run->is_interrupted)
        return g_strdup_printf ("the interrupt %s never fired: the training ended at step %" G_GUINT64_FORMAT,
                                run->interrupt, last_step);

      any_restored |= sng_harness_lookup_info (store, "restored-step", &restored);
      if (was_over (run, store, restored, end))
        return g_strdup_printf ("the training was stopped after its last step %" G_GUINT64_FORMAT
                                ": nothing was left to resume",
                                end);
    }

  return any_restored ? NULL : g_strdup ("no checkpoint was saved before a stop, so none was restored");
}

SngMetricResult *
sng_harness_judge_stops (SngJudgedRuns *runs)
{
  g_autofree char *reason = find_weak_stop (runs);

  return sng_metric_result_new (SNG_STOPS, reason != NULL ? SNG_VERDICT_INCONCLUSIVE : SNG_VERDICT_PASS,
                                runs->segments->len - 1, 0, NULL, reason);
}
