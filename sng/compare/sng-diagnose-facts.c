/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What a diagnosis looks up in the runs. */

#include "compare/sng-diagnose-private.h"

#include "record/sng-run-store-private.h"

static GPtrArray *
new_entries (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) sng_metadata_unref);
}

GPtrArray *
sng_facts_query (SngRunStore *store, const char *metric, SngStage stage, guint64 step)
{
  g_autoptr (GPtrArray) all = sng_run_store_query (store, metric, step, step, NULL);
  GPtrArray *entries = new_entries ();

  for (guint i = 0; all != NULL && i < all->len; i++)
    {
      SngMetadata *entry = g_ptr_array_index (all, i);

      if (entry->stage == stage)
        g_ptr_array_add (entries, sng_metadata_ref (entry));
    }

  return entries;
}

SngMetadata *
sng_facts_lookup (GPtrArray *entries, SngMetadata *like)
{
  for (guint i = 0; i < entries->len; i++)
    {
      SngMetadata *entry = g_ptr_array_index (entries, i);

      if (entry->stage == like->stage && entry->micro_batch == like->micro_batch && entry->rank == like->rank
          && g_str_equal (entry->path, like->path) && g_str_equal (entry->metric, like->metric))
        return entry;
    }

  return NULL;
}

SngMetadata *
sng_facts_find_entry (SngRunStore *store, SngDivergence *place)
{
  g_autoptr (GPtrArray) entries =
      sng_facts_query (store, sng_divergence_get_metric (place), sng_divergence_get_stage (place),
                       sng_divergence_get_step (place));

  for (guint i = 0; i < entries->len; i++)
    {
      SngMetadata *entry = g_ptr_array_index (entries, i);

      if (entry->micro_batch == sng_divergence_get_micro_batch (place)
          && entry->rank == sng_divergence_get_rank (place)
          && g_str_equal (entry->path, sng_divergence_get_path (place)))
        return sng_metadata_ref (entry);
    }

  return NULL;
}

SngRunStore *
sng_facts_find_run (SngDivergence *first, SngRunStore *continuous, GPtrArray *segments)
{
  g_autoptr (SngMetadata) expected = sng_facts_find_entry (continuous, first);

  for (guint i = 0; i < segments->len; i++)
    {
      g_autoptr (SngMetadata) found = sng_facts_find_entry (g_ptr_array_index (segments, i), first);

      if (found != NULL && (expected == NULL || !sng_metadata_equal (found, expected)))
        return g_ptr_array_index (segments, i);
    }

  return g_ptr_array_index (segments,
                            sng_divergence_get_mode (first) == SNG_MODE_STOP ? 0 : segments->len - 1);
}

GPtrArray *
sng_facts_find_equal (SngRunStore *store, SngMetadata *entry)
{
  GPtrArray *entries = sng_run_store_find_equal (store, entry, NULL);

  return entries != NULL ? entries : new_entries ();
}

static void
add_pair (SngStateDiff *diff, SngMetadata *found, SngMetadata *expected)
{
  g_ptr_array_add (diff->found, found != NULL ? sng_metadata_ref (found) : NULL);
  g_ptr_array_add (diff->expected, expected != NULL ? sng_metadata_ref (expected) : NULL);
}

static void
unref_entry (gpointer entry)
{
  if (entry != NULL)
    sng_metadata_unref (entry);
}

void
sng_facts_diff_state (const SngFacts *facts, const char *metric, guint64 step, SngStateDiff *diff)
{
  g_autoptr (GPtrArray) found = sng_facts_query (facts->run, metric, SNG_STAGE_TRAIN, step);
  g_autoptr (GPtrArray) expected = sng_facts_query (facts->continuous, metric, SNG_STAGE_TRAIN, step);

  diff->found = g_ptr_array_new_with_free_func (unref_entry);
  diff->expected = g_ptr_array_new_with_free_func (unref_entry);
  diff->n_entries = expected->len;

  for (guint i = 0; i < expected->len; i++)
    {
      SngMetadata *entry = g_ptr_array_index (expected, i);
      SngMetadata *other = sng_facts_lookup (found, entry);

      if (other == NULL || !sng_metadata_equal (other, entry))
        add_pair (diff, other, entry);
    }

  for (guint i = 0; i < found->len; i++)
    if (sng_facts_lookup (expected, g_ptr_array_index (found, i)) == NULL)
      add_pair (diff, g_ptr_array_index (found, i), NULL);
}

void
sng_state_diff_clear (SngStateDiff *diff)
{
  g_clear_pointer (&diff->found, g_ptr_array_unref);
  g_clear_pointer (&diff->expected, g_ptr_array_unref);
}

gboolean
sng_facts_has_all (SngRunStore *store, GPtrArray *entries, guint64 step)
{
  const SngMetadata *any = entries->len > 0 ? g_ptr_array_index (entries, 0) : NULL;
  g_autoptr (GPtrArray) others = NULL;

  if (any == NULL)
    return FALSE;

  others = sng_facts_query (store, any->metric, any->stage, step);
  for (guint i = 0; i < entries->len; i++)
    {
      SngMetadata *entry = g_ptr_array_index (entries, i);
      SngMetadata *other = entry != NULL ? sng_facts_lookup (others, entry) : NULL;

      if (other == NULL || !sng_metadata_equal (entry, other))
        return FALSE;
    }

  return TRUE;
}

static guint64
get_distance (guint64 a, guint64 b)
{
  return a > b ? a - b : b - a;
}

gboolean
sng_facts_find_step (const SngFacts *facts, GPtrArray *entries, guint64 except, guint64 *step)
{
  g_autoptr (GPtrArray) candidates = NULL;
  gboolean has_found = FALSE;

  if (entries->len == 0 || g_ptr_array_index (entries, 0) == NULL)
    return FALSE;

  candidates = sng_facts_find_equal (facts->continuous, g_ptr_array_index (entries, 0));
  for (guint i = 0; i < candidates->len; i++)
    {
      const SngMetadata *candidate = g_ptr_array_index (candidates, i);

      if (candidate->step == except
          || (has_found && get_distance (candidate->step, except) >= get_distance (*step, except))
          || !sng_facts_has_all (facts->continuous, entries, candidate->step))
        continue;

      *step = candidate->step;
      has_found = TRUE;
    }

  return has_found;
}

guint64
sng_facts_get_origin (const SngFacts *facts)
{
  guint64 origin = 0;

  sng_run_store_get_step_range (facts->continuous, NULL, &origin, NULL, NULL);

  return origin;
}

gboolean
sng_facts_has_diverged (const SngFacts *facts, const char *metric)
{
  SngMetricResult *result = sng_report_lookup_metric (facts->report, metric);

  return result != NULL && sng_metric_result_get_verdict (result) == SNG_VERDICT_DIVERGED;
}

void
sng_facts_add_pair (SngDiagnosis *diagnosis, SngMetadata *found, SngMetadata *expected)
{
  SngMetadata *any = found != NULL ? found : expected;
  g_autofree char *found_text = found != NULL ? sng_metadata_describe (found) : g_strdup ("(not recorded)");
  g_autofree char *expected_text =
      expected != NULL ? sng_metadata_describe (expected) : g_strdup ("(not recorded)");
  g_autofree char *line =
      g_strdup_printf ("%s at step %" G_GUINT64_FORMAT "%s%s: expected %s, found %s", any->metric, any->step,
                       *any->path != '\0' ? ", " : "", any->path, expected_text, found_text);

  sng_diagnosis_add_evidence (diagnosis, line);
}
