/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What a training consumed, across all of its stops. */

#include "compare/sng-coverage-private.h"

#include "record/sng-run-store-private.h"
#include "sng-error.h"
#define SAMPLE_IDS "SampleIds"

SngCoverageTimeline *
sng_coverage_timeline_new (void)
{
  SngCoverageTimeline *self = g_new0 (SngCoverageTimeline, 1);

  self->draws = g_array_new (FALSE, FALSE, sizeof (SngCoverageDraw));
  self->spans = g_array_new (FALSE, FALSE, sizeof (SngCoverageSpan));

  return self;
}

void
sng_coverage_timeline_free (SngCoverageTimeline *self)
{
  g_array_unref (self->draws);
  g_array_unref (self->spans);
  g_free (self);
}

static int
compare_numbers (gint64 a, gint64 b)
{
  return (a > b) - (a < b);
}

int
sng_coverage_draw_compare (const SngCoverageDraw *a, const SngCoverageDraw *b)
{
  int order = (a->step > b->step) - (a->step < b->step);

  if (order == 0)
    order = compare_numbers (a->micro_batch, b->micro_batch);
  if (order == 0)
    order = compare_numbers (a->rank, b->rank);

  return order != 0 ? order : compare_numbers (a->position, b->position);
}

static int
compare_by_sample (gconstpointer a, gconstpointer b)
{
  const SngCoverageDraw *first = a, *second = b;
  int order = compare_numbers (first->epoch, second->epoch);

  if (order == 0)
    order = compare_numbers (first->id, second->id);

  return order != 0 ? order : sng_coverage_draw_compare (first, second);
}

static gboolean
refuse_value (SngRunStore *store, SngMetadata *entry, GError **error)
{
  GVariant *value = sng_metadata_get_value (entry);

  g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA,
               "[coverage] %s: " SAMPLE_IDS " at step %" G_GUINT64_FORMAT ", micro-batch %" G_GINT64_FORMAT
               ": found is %s%s, expected is a value of type \"(tax)\": the epoch and the ids",
               sng_run_store_get_path (store), sng_metadata_get_step (entry),
               sng_metadata_get_micro_batch (entry), value != NULL ? "a value of type " : "a tensor",
               value != NULL ? g_variant_get_type_string (value) : "");

  return FALSE;
}

static gboolean
read_entry (SngCoverageTimeline *self, SngRunStore *store, SngMetadata *entry, GError **error)
{
  GVariant *value = sng_metadata_get_value (entry);
  SngCoverageDraw draw = { .step = sng_metadata_get_step (entry),
                           .micro_batch = sng_metadata_get_micro_batch (entry),
                           .rank = sng_metadata_get_rank (entry) };
  g_autoptr (GVariant) ids = NULL;
  const gint64 *numbers;
  guint64 epoch;
  gsize n;

  if (value == NULL || !g_variant_is_of_type (value, G_VARIANT_TYPE ("(tax)")))
    return refuse_value (store, entry, error);

  g_variant_get (value, "(t@ax)", &epoch, &ids);
  if (epoch > G_MAXINT64)
    return refuse_value (store, entry, error);

  draw.epoch = (gint64) epoch;
  numbers = g_variant_get_fixed_array (ids, &n, sizeof *numbers);
  for (gsize i = 0; i < n; i++)
    {
      draw.id = numbers[i];
      draw.position = (guint) i;
      g_array_append_val (self->draws, draw);
    }

  return TRUE;
}

/* The first step that the segment made: the one after the checkpoint that it went on from, if that is known. FALSE also
 * without an error: it recorded no samples. */
static gboolean
find_first_step (SngCoverageSegment *segment, guint64 *first_step, GError **error)
{
  gboolean found = FALSE;

  for (guint i = 0; i < segment->stores->len; i++)
    {
      SngRunStore *store = g_ptr_array_index (segment->stores, i);
      g_autoptr (GVariant) restored =
          sng_run_store_get_typed_info (store, "restored-step", G_VARIANT_TYPE_UINT64);
      g_autoptr (GError) local_error = NULL;
      guint64 first, last;

      if (!sng_run_store_get_step_range (store, SAMPLE_IDS, &first, &last, &local_error))
        {
          if (local_error == NULL)
            continue;

          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }

      if (restored != NULL)
        first = MIN (first, g_variant_get_uint64 (restored) + 1);
      *first_step = found ? MIN (*first_step, first) : first;
      found = TRUE;
    }

  return found;
}

/* What the segment did before the step that a later one began with. */
static gboolean
read_segment (SngCoverageTimeline *self, SngCoverageSegment *segment, guint64 end_step, GError **error)
{
  for (guint i = 0; end_step > 0 && i < segment->stores->len; i++)
    {
      SngRunStore *store = g_ptr_array_index (segment->stores, i);
      g_autoptr (GPtrArray) entries = sng_run_store_query (store, SAMPLE_IDS, 0, end_step - 1, error);

      if (entries == NULL)
        return FALSE;

      for (guint j = 0; j < entries->len; j++)
        {
          SngMetadata *entry = g_ptr_array_index (entries, j);

          if (sng_metadata_get_stage (entry) == SNG_STAGE_TRAIN && !read_entry (self, store, entry, error))
            return FALSE;
        }
    }

  return TRUE;
}

gboolean
sng_coverage_timeline_read (SngCoverageTimeline *self, GPtrArray *segments, GError **error)
{
  guint64 end_step = G_MAXUINT64;

  for (guint i = segments->len; i > 0; i--)
    {
      SngCoverageSegment *segment = g_ptr_array_index (segments, i - 1);
      SngCoverageSpan span = { .mode = segment->mode };
      g_autoptr (GError) local_error = NULL;

      if (!find_first_step (segment, &span.first_step, &local_error))
        {
          if (local_error != NULL)
            {
              g_propagate_error (error, g_steal_pointer (&local_error));
              return FALSE;
            }

          self->has_silent_segment = TRUE;
          self->silent_mode = segment->mode;
          continue;
        }

      if (!read_segment (self, segment, end_step, error))
        return FALSE;

      g_array_prepend_val (self->spans, span);
      end_step = MIN (end_step, span.first_step);
    }

  g_array_sort (self->draws, compare_by_sample);

  return TRUE;
}

SngMode
sng_coverage_timeline_get_mode (SngCoverageTimeline *self, guint64 step)
{
  SngMode mode = g_array_index (self->spans, SngCoverageSpan, 0).mode;

  for (guint i = 1; i < self->spans->len; i++)
    if (g_array_index (self->spans, SngCoverageSpan, i).first_step <= step)
      mode = g_array_index (self->spans, SngCoverageSpan, i).mode;

  return mode;
}

SngCoverageDraw *
sng_coverage_timeline_lookup (SngCoverageTimeline *self, gint64 epoch, gint64 id)
{
  const SngCoverageDraw key = { .epoch = epoch, .id = id, .micro_batch = G_MININT64 };
  guint low = 0, high = self->draws->len;
  SngCoverageDraw *draw;

  while (low < high)
    {
      guint middle = low + (high - low) / 2;

      if (compare_by_sample (&g_array_index (self->draws, SngCoverageDraw, middle), &key) < 0)
        low = middle + 1;
      else
        high = middle;
    }

  if (low == self->draws->len)
    return NULL;

  draw = &g_array_index (self->draws, SngCoverageDraw, low);

  return draw->epoch == epoch && draw->id == id ? draw : NULL;
}
