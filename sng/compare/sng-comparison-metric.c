/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What is learnt about one metric on the way through the steps. */

#include "compare/sng-comparison-private.h"

#include <math.h>

#include "compare/sng-divergence-private.h"
#include "record/sng-metadata-private.h"

#define NOT_RECORDED "(not recorded)"

guint
sng_compared_path_hash (gconstpointer data)
{
  const SngMetadata *entry = data;

  return g_str_hash (entry->path) * 31 + entry->rank * 2 + (guint) entry->stage;
}

gboolean
sng_compared_path_equal (gconstpointer a, gconstpointer b)
{
  const SngMetadata *first = a, *second = b;

  return first->stage == second->stage && first->rank == second->rank
         && g_str_equal (first->path, second->path);
}

static void
judged_path_free (gpointer data)
{
  SngJudgedPath *path = data;

  sng_metadata_unref (path->entry);
  g_free (path);
}

static void
side_init (SngComparedSide *side)
{
  side->steps = g_array_new (FALSE, FALSE, sizeof (SngMetricStep));
}

static void
side_clear (SngComparedSide *side)
{
  g_clear_object (&side->first);
  g_array_unref (side->steps);
}

SngComparedMetric *
sng_compared_metric_new (const char *name, SngMetricFlags flags, SngTolerance *tolerance)
{
  SngComparedMetric *self = g_new0 (SngComparedMetric, 1);

  self->name = g_strdup (name);
  self->flags = flags;
  self->tolerance = tolerance;
  side_init (&self->segments);
  side_init (&self->repeat);
  self->judged = g_ptr_array_new_with_free_func (judged_path_free);
  self->judged_by_path = g_hash_table_new (sng_compared_path_hash, sng_compared_path_equal);
  self->noisy = g_ptr_array_new_with_free_func (sng_noisy_path_free);
  self->noisy_by_path = g_hash_table_new (sng_compared_path_hash, sng_compared_path_equal);
  if ((flags & SNG_METRIC_EXPECT_CHANGE) != 0)
    self->unchanged = g_hash_table_new_full (sng_compared_path_hash, sng_compared_path_equal,
                                             (GDestroyNotify) sng_metadata_unref, NULL);

  return self;
}

void
sng_compared_metric_free (SngComparedMetric *self)
{
  g_free (self->name);
  side_clear (&self->segments);
  side_clear (&self->repeat);
  g_clear_pointer (&self->unchanged, g_hash_table_unref);
  g_hash_table_unref (self->judged_by_path);
  g_ptr_array_unref (self->judged);
  g_hash_table_unref (self->noisy_by_path);
  g_ptr_array_unref (self->noisy);
  g_clear_pointer (&self->rounding, sng_tolerance_free);
  g_free (self);
}

void
sng_compared_metric_note_change (SngComparedMetric *self, SngMetadata *entry)
{
  SngMetadata *first;

  self->n_seen++;
  if (self->unchanged == NULL)
    return;

  if (!g_hash_table_lookup_extended (self->unchanged, entry, (gpointer *) &first, NULL))
    g_hash_table_add (self->unchanged, sng_metadata_ref (entry));
  else if (!sng_metadata_equal (first, entry))
    g_clear_pointer (&self->unchanged, g_hash_table_unref);
}

static void
raise_magnitude (SngComparedMetric *self, SngMetadata *entry, const SngTolerance *tolerance, double magnitude)
{
  SngJudgedPath *path = g_hash_table_lookup (self->judged_by_path, entry);

  if (path == NULL)
    {
      path = g_new0 (SngJudgedPath, 1);
      path->entry = sng_metadata_ref (entry);
      path->tolerance = tolerance;
      g_ptr_array_add (self->judged, path);
      g_hash_table_insert (self->judged_by_path, entry, path);
    }
  if (isfinite (magnitude))
    path->largest = MAX (path->largest, magnitude);
}

void
sng_compared_metric_note_magnitude (SngComparedMetric *self, SngMetadata *entry)
{
  const SngTolerance *tolerance = sng_compared_metric_get_tolerance (self, entry);

  if (tolerance == NULL)
    return;

  if (entry->value != NULL && g_variant_is_of_type (entry->value, G_VARIANT_TYPE_DOUBLE))
    raise_magnitude (self, entry, tolerance, fabs (g_variant_get_double (entry->value)));
  else if (entry->value == NULL && entry->capture != NULL && sng_dtype_is_floating (entry->dtype))
    raise_magnitude (self, entry, tolerance, fmax (fabs (entry->minimum), fabs (entry->maximum)));
}

static SngComparedSide *
get_side (SngComparedMetric *self, SngMode mode)
{
  return mode == SNG_MODE_REPEAT ? &self->repeat : &self->segments;
}

/* Steps come in order, so the one that is at work is the last. */
static SngMetricStep *
ensure_step (SngComparedSide *side, guint64 step)
{
  SngMetricStep counts = { .step = step };

  if (side->steps->len == 0 || g_array_index (side->steps, SngMetricStep, side->steps->len - 1).step != step)
    g_array_append_val (side->steps, counts);

  return &g_array_index (side->steps, SngMetricStep, side->steps->len - 1);
}

void
sng_compared_metric_count_compared (SngComparedMetric *self, SngMode mode, guint64 step)
{
  SngComparedSide *side = get_side (self, mode);

  side->n_compared++;
  ensure_step (side, step)->n_compared++;
}

void
sng_compared_metric_add_divergence (SngComparedMetric *self,
                                    SngMode mode,
                                    SngMetadata *entry,
                                    guint64 order,
                                    SngMetadata *expected,
                                    SngMetadata *actual,
                                    const char *detail)
{
  SngComparedSide *side = get_side (self, mode);
  g_autofree char *expected_text = NULL;
  g_autofree char *actual_text = NULL;
  g_autoptr (SngDivergence) divergence = NULL;

  side->n_different++;
  side->n_missing += actual == NULL;
  ensure_step (side, entry->step)->n_different++;

  /* steps come in order, so only one of this step can be before the first */
  if (side->first != NULL && sng_divergence_get_step (side->first) < entry->step)
    return;

  expected_text = expected != NULL ? sng_metadata_describe (expected) : g_strdup (NOT_RECORDED);
  actual_text = actual != NULL ? sng_metadata_describe (actual) : g_strdup (NOT_RECORDED);
  divergence =
      sng_divergence_new (mode, entry->metric, entry->stage, entry->step, entry->micro_batch, entry->rank,
                          entry->path, order, expected_text, actual_text, detail != NULL ? detail : "");
  if (side->first == NULL || sng_divergence_compare (divergence, side->first) < 0)
    g_set_object (&side->first, divergence);
}
