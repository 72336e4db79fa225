/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "harness/sng-harness-private.h"

#include "compare/sng-divergence-private.h"
#include "compare/sng-metric-result-private.h"
#include "compare/sng-report-private.h"
#include "sng-error.h"

#define CONSUMED_SAMPLES "ConsumedSamples"
#define GLOBAL_STEP_STATE "GlobalStepState"
/* Recorded once for each micro-batch of a validation. */
#define PER_VALIDATION_BATCH "ValidLoss"

typedef struct
{
  SngRunStore *stores[SNG_N_MODES];
} Runs;

static void
runs_clear (Runs *runs)
{
  for (guint mode = 0; mode < SNG_N_MODES; mode++)
    g_clear_object (&runs->stores[mode]);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Runs, runs_clear)

/* As the original has it: outputs and losses under one tolerance, everything else under the other. */
SngTolerance *
sng_harness_dup_tolerance (SngHarness *self, const char *metric)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);
  const char *const outputs[] = { "TrainOutput", "TrainLoss", "ValidOutput", "ValidLoss", NULL };

  return sng_tolerance_new (
      g_strv_contains (outputs, metric) ? priv->train_val_output_atol : priv->other_output_atol, 0.0);
}

static SngRunStore *
open_store (SngHarness *self, SngMode mode, GError **error)
{
  g_autofree char *path = sng_harness_dup_store_path (self, mode);

  return sng_run_store_open (path, error);
}

static gboolean
open_runs (SngHarness *self, Runs *runs, GError **error)
{
  guint n_modes = sng_harness_get_private (self)->repeat ? SNG_N_MODES : SNG_MODE_REPEAT;

  for (guint mode = 0; mode < n_modes; mode++)
    {
      runs->stores[mode] = open_store (self, mode, error);
      if (runs->stores[mode] == NULL)
        return FALSE;
    }

  return TRUE;
}

static SngReport *
compare (SngHarness *self, Runs *runs, GError **error)
{
  g_autoptr (SngComparison) comparison = sng_comparison_new (runs->stores[SNG_MODE_CONTINUOUS]);
  g_auto (GStrv) metrics = sng_run_store_list_metrics (runs->stores[SNG_MODE_CONTINUOUS], error);

  if (metrics == NULL)
    return NULL;

  sng_comparison_add_segment (comparison, SNG_MODE_STOP, runs->stores[SNG_MODE_STOP]);
  sng_comparison_add_segment (comparison, SNG_MODE_RESUME, runs->stores[SNG_MODE_RESUME]);
  if (runs->stores[SNG_MODE_REPEAT] != NULL)
    sng_comparison_set_repeat (comparison, runs->stores[SNG_MODE_REPEAT]);

  for (guint i = 0; metrics[i] != NULL; i++)
    {
      g_autoptr (SngTolerance) tolerance = sng_harness_dup_tolerance (self, metrics[i]);

      if (!sng_tolerance_is_exact (tolerance))
        sng_comparison_set_tolerance (comparison, metrics[i], tolerance);
    }

  return sng_comparison_run (comparison, error);
}

/* ---- InitConsumedSamples ---- */

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

static gboolean
lookup_info (SngRunStore *store, const char *key, guint64 *count)
{
  g_autoptr (GVariant) value = sng_run_store_get_info (store, key);

  if (value == NULL || !g_variant_is_of_type (value, G_VARIANT_TYPE_UINT64))
    return FALSE;

  *count = g_variant_get_uint64 (value);

  return TRUE;
}

/* Where RESUME has to begin: at the last checkpoint that STOP saved. Only where that is damaged, which the harness has
 * warned of, may it be the older one that was restored in its place. */
static guint64
lookup_start_step (Runs *runs)
{
  SngRunStore *resume = runs->stores[SNG_MODE_RESUME];
  guint64 step = 0, n_refused = 0;

  lookup_info (resume, "refused-checkpoints", &n_refused);
  if (n_refused > 0 || !lookup_info (runs->stores[SNG_MODE_STOP], "saved-step", &step))
    lookup_info (resume, "restored-step", &step);

  return step;
}

/* ---- GlobalStepState ---- */

/* Entries are told apart by the global step, so one that was restored wrongly makes RESUME's entries those of other steps,
 * and they may all be right: a training that begins anew repeats CONTINUOUS. So where RESUME begins is judged by itself. */
static void
check_start (Runs *runs, SngReport *report)
{
  SngMetricResult *result = sng_report_lookup_metric (report, GLOBAL_STEP_STATE);
  g_autoptr (GPtrArray) entries =
      sng_run_store_query (runs->stores[SNG_MODE_RESUME], GLOBAL_STEP_STATE, 0, G_MAXUINT64, NULL);
  guint64 expected = lookup_start_step (runs);
  g_autoptr (SngDivergence) first = NULL;
  g_autoptr (SngMetricResult) diverged = NULL;
  g_autofree char *expected_text = NULL;
  g_autofree char *actual_text = NULL;
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
  diverged =
      sng_metric_result_new (GLOBAL_STEP_STATE, SNG_VERDICT_DIVERGED, sng_metric_result_get_compared (result),
                             sng_metric_result_get_n_different (result) + 1, first, NULL);
  sng_report_replace_result (report, diverged);
}

/* One count at the start of a mode. NULL where it is as it must be. */
static SngDivergence *
check_count (SngMode mode, guint64 step, const char *path, gint64 expected, gint64 actual)
{
  g_autofree char *expected_text = g_strdup_printf ("%" G_GINT64_FORMAT, expected);
  g_autofree char *actual_text =
      actual >= 0 ? g_strdup_printf ("%" G_GINT64_FORMAT, actual) : g_strdup ("nothing");

  if (actual == expected)
    return NULL;

  return sng_divergence_new (mode, SNG_INIT_CONSUMED_SAMPLES, SNG_STAGE_TRAIN, step, -1, 0, path, 0,
                             expected_text, actual_text, "consumed samples at the start of the mode");
}

/* STOP and CONTINUOUS begin with nothing consumed; RESUME with what CONTINUOUS had consumed when its step of the checkpoint
 * was over. */
static SngMetricResult *
check_init_consumed_samples (Runs *runs)
{
  guint64 restored = lookup_start_step (runs);
  gint64 at_restored =
      lookup_count (runs->stores[SNG_MODE_CONTINUOUS], CONSUMED_SAMPLES, restored, restored, "train");
  gint64 validated =
      lookup_count (runs->stores[SNG_MODE_CONTINUOUS], CONSUMED_SAMPLES, 0, restored, "validate");
  const struct
  {
    SngMode mode;
    const char *path;
    gint64 expected;
  } rules[] = {
    { SNG_MODE_STOP, "train", 0 },
    { SNG_MODE_STOP, "validate", 0 },
    { SNG_MODE_RESUME, "train", at_restored },
    { SNG_MODE_RESUME, "validate", MAX (validated, 0) },
    { SNG_MODE_CONTINUOUS, "train", 0 },
    { SNG_MODE_CONTINUOUS, "validate", 0 },
  };
  g_autoptr (SngDivergence) first = NULL;
  guint n_different = 0;

  if (lookup_count (runs->stores[SNG_MODE_CONTINUOUS], SNG_INIT_CONSUMED_SAMPLES, 0, G_MAXUINT64, "train")
      < 0)
    return sng_metric_result_new (SNG_INIT_CONSUMED_SAMPLES, SNG_VERDICT_INCONCLUSIVE, 0, 0, NULL,
                                  "it was not recorded");

  if (at_restored <= 0)
    return sng_metric_result_new (SNG_INIT_CONSUMED_SAMPLES, SNG_VERDICT_INCONCLUSIVE, 0, 0, NULL,
                                  "the continuous run has no consumed samples at the step of the checkpoint");

  for (guint i = 0; i < G_N_ELEMENTS (rules); i++)
    {
      SngRunStore *store = runs->stores[rules[i].mode];
      guint64 step = rules[i].mode == SNG_MODE_RESUME ? restored : 0;
      gint64 actual = lookup_count (store, SNG_INIT_CONSUMED_SAMPLES, 0, G_MAXUINT64, rules[i].path);
      g_autoptr (SngDivergence) divergence =
          check_count (rules[i].mode, step, rules[i].path, rules[i].expected, actual);

      if (divergence != NULL)
        n_different++;
      if (first == NULL)
        first = g_steal_pointer (&divergence);
    }

  return sng_metric_result_new (SNG_INIT_CONSUMED_SAMPLES,
                                first != NULL ? SNG_VERDICT_DIVERGED : SNG_VERDICT_PASS, G_N_ELEMENTS (rules),
                                n_different, first, NULL);
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

/* The validations up to the restored step are STOP's, the later ones RESUME's; a step that both have done, both must have
 * done like CONTINUOUS. */
static SngMetricResult *
check_validation_batches (Runs *runs, guint num_steps)
{
  g_autoptr (GHashTable) continuous = count_validation_batches (runs->stores[SNG_MODE_CONTINUOUS]);
  g_autoptr (SngDivergence) first = NULL;
  guint64 restored = lookup_start_step (runs);
  guint64 compared = 0;
  guint64 n_different = 0;

  for (SngMode mode = SNG_MODE_STOP; mode <= SNG_MODE_RESUME; mode++)
    {
      g_autoptr (GHashTable) counts = count_validation_batches (runs->stores[mode]);

      for (guint64 step = 0; step <= num_steps; step++)
        {
          guint64 actual = get_count (counts, step);
          gboolean is_due = mode == SNG_MODE_STOP ? step <= restored : step > restored;
          guint64 expected = is_due || actual > 0 ? get_count (continuous, step) : 0;

          if (expected == 0 && actual == 0)
            continue;

          compared++;
          if (actual == expected)
            continue;

          n_different++;
          if (first == NULL)
            first = new_batches_divergence (mode, step, expected, actual);
        }
    }

  if (compared == 0)
    return sng_metric_result_new (SNG_VALIDATION_BATCHES, SNG_VERDICT_INCONCLUSIVE, 0, 0, NULL,
                                  "no validation was recorded");

  return sng_metric_result_new (SNG_VALIDATION_BATCHES,
                                first != NULL ? SNG_VERDICT_DIVERGED : SNG_VERDICT_PASS, compared,
                                n_different, first, NULL);
}

SngReport *
sng_harness_judge (SngHarness *self, GError **error)
{
  g_auto (Runs) runs = { 0 };
  g_autoptr (SngReport) report = NULL;
  g_autoptr (SngMetricResult) init_consumed_samples = NULL;
  g_autoptr (SngMetricResult) validation_batches = NULL;

  if (!open_runs (self, &runs, error))
    return NULL;

  report = compare (self, &runs, error);
  if (report == NULL)
    return NULL;

  check_start (&runs, report);
  init_consumed_samples = check_init_consumed_samples (&runs);
  sng_report_add_result (report, init_consumed_samples);
  validation_batches = check_validation_batches (&runs, sng_harness_get_private (self)->num_steps);
  sng_report_add_result (report, validation_batches);

  return g_steal_pointer (&report);
}
