/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Whether a training kept the rules, epoch by epoch. */

#include "compare/sng-coverage-private.h"

#include "compare/sng-divergence-private.h"

/* The draws of one epoch. */
typedef struct
{
  SngCoverageTimeline *timeline;
  SngCoverageDraw *draws; /* by sample and then in their order */
  guint n;
  guint64 n_ids;         /* different ones */
  guint64 last_new_step; /* in which a sample was taken for the first time */
  SngCoverageDraw *last; /* the one taken last */
} Epoch;

static char *
print_place (SngCoverageTimeline *timeline, const SngCoverageDraw *draw)
{
  const char *mode = sng_mode_to_string (sng_coverage_timeline_get_mode (timeline, draw->step));

  return g_strdup_printf ("step %" G_GUINT64_FORMAT ", micro-batch %" G_GINT64_FORMAT ", rank %u (%s)",
                          draw->step, draw->micro_batch, draw->rank, mode);
}

/* Takes the path and what was found. */
static void
add_violation (SngCoverageAudit *self,
               SngCoverageTimeline *timeline,
               const SngCoverageDraw *place,
               char *path,
               const char *expected,
               char *actual,
               const char *detail)
{
  g_autofree char *owned_path = path;
  g_autofree char *owned_actual = actual;
  SngMode mode = sng_coverage_timeline_get_mode (timeline, place->step);

  self->n_violations++;
  if (self->first != NULL && sng_coverage_draw_compare (&self->first_place, place) <= 0)
    return;

  g_clear_object (&self->first);
  self->first_place = *place;
  /* It follows from what was trained on, so it is named after everything else of its step. */
  self->first =
      sng_divergence_new (mode, SNG_COVERAGE_METRIC, SNG_STAGE_TRAIN, place->step, place->micro_batch,
                          place->rank, owned_path, G_MAXUINT64, expected, owned_actual, detail);
}

static char *
print_sample (gint64 epoch, gint64 id)
{
  return g_strdup_printf ("epoch %" G_GINT64_FORMAT ", sample %" G_GINT64_FORMAT, epoch, id);
}

static void
add_repeat (SngCoverageAudit *self,
            SngCoverageTimeline *timeline,
            const SngCoverageDraw *draw,
            const SngCoverageDraw *first)
{
  g_autofree char *place = print_place (timeline, first);
  g_autofree char *padding =
      self->padding > 0 ? g_strdup_printf (
          "; %" G_GUINT64_FORMAT " at the end of an epoch are declared padding", self->padding)
                        : g_strdup ("");
  g_autofree char *detail = g_strconcat ("first taken in ", place, padding, NULL);

  add_violation (self, timeline, draw, print_sample (draw->epoch, draw->id), "once",
                 draw->rank != first->rank ? g_strdup_printf ("once more, by rank %u", draw->rank)
                                           : g_strdup ("once more"),
                 detail);
}

static void
add_missing (SngCoverageAudit *self, Epoch *epoch, gint64 id)
{
  gint64 number = epoch->draws[0].epoch;
  SngCoverageDraw *expected =
      self->continuous != NULL ? sng_coverage_timeline_lookup (self->continuous, number, id) : NULL;

  add_violation (self, epoch->timeline, expected != NULL ? expected : epoch->last, print_sample (number, id),
                 self->policy == SNG_COVERAGE_POLICY_EXACTLY_ONCE ? "once" : "at least once",
                 g_strdup ("never"),
                 expected != NULL ? "where the continuous run takes it" : "the epoch ends here");
}

static guint64
count_expected (SngCoverageAudit *self)
{
  return MAX (self->n_samples, self->ids->len);
}

/* Padding fills the last steps of an epoch up, when all samples have been taken. */
static gboolean
is_padding (SngCoverageAudit *self, Epoch *epoch, const SngCoverageDraw *draw)
{
  return epoch->n_ids >= count_expected (self) && draw->step >= epoch->last_new_step;
}

typedef struct
{
  SngCoverageDraw draw;
  SngCoverageDraw first;
} Repeat;

static int
compare_repeats (gconstpointer a, gconstpointer b)
{
  return sng_coverage_draw_compare (&((const Repeat *) a)->draw, &((const Repeat *) b)->draw);
}

static void
check_repeats (SngCoverageAudit *self, Epoch *epoch)
{
  g_autoptr (GArray) padding = g_array_new (FALSE, FALSE, sizeof (Repeat));
  SngCoverageDraw *first = epoch->draws;

  for (guint i = 1; i < epoch->n; i++)
    {
      SngCoverageDraw *draw = epoch->draws + i;

      if (draw->id != first->id)
        first = draw;
      else if (self->policy == SNG_COVERAGE_POLICY_NO_OVERLAP && draw->rank == first->rank)
        continue;
      else if (is_padding (self, epoch, draw))
        g_array_append_val (padding, ((Repeat){ .draw = *draw, .first = *first }));
      else
        add_repeat (self, epoch->timeline, draw, first);
    }

  g_array_sort (padding, compare_repeats);
  for (guint64 i = self->padding; i < padding->len; i++)
    add_repeat (self, epoch->timeline, &g_array_index (padding, Repeat, i).draw,
                &g_array_index (padding, Repeat, i).first);
}

/* Both the draws and the ids are sorted. */
static void
check_missing (SngCoverageAudit *self, Epoch *epoch)
{
  guint next = 0;

  for (guint i = 0; i < self->ids->len; i++)
    {
      gint64 id = g_array_index (self->ids, gint64, i);

      while (next < epoch->n && epoch->draws[next].id < id)
        next++;
      if (next == epoch->n || epoch->draws[next].id > id)
        add_missing (self, epoch, id);
    }

  /* some have never been seen, so they have no names */
  if (self->n_samples > self->ids->len)
    {
      g_autofree char *expected = g_strdup_printf ("%" G_GUINT64_FORMAT " samples", self->n_samples);

      add_violation (self, epoch->timeline, epoch->last,
                     g_strdup_printf ("epoch %" G_GINT64_FORMAT, epoch->draws[0].epoch), expected,
                     g_strdup_printf ("%" G_GUINT64_FORMAT, epoch->n_ids), "the epoch ends here");
    }
}

static void
epoch_init (Epoch *epoch, SngCoverageTimeline *timeline, guint begin, guint end)
{
  epoch->timeline = timeline;
  epoch->draws = &g_array_index (timeline->draws, SngCoverageDraw, begin);
  epoch->n = end - begin;
  epoch->n_ids = 0;
  epoch->last_new_step = 0;
  epoch->last = epoch->draws;

  for (guint i = 0; i < epoch->n; i++)
    {
      SngCoverageDraw *draw = epoch->draws + i;

      if (sng_coverage_draw_compare (draw, epoch->last) > 0)
        epoch->last = draw;

      if (i > 0 && draw->id == draw[-1].id)
        continue;

      epoch->n_ids++;
      epoch->last_new_step = MAX (epoch->last_new_step, draw->step);
    }
}

/* Epochs of which there is nothing between two of which there is. */
static void
check_gap (SngCoverageAudit *self, SngCoverageTimeline *timeline, guint begin)
{
  const SngCoverageDraw *draws = &g_array_index (timeline->draws, SngCoverageDraw, 0);
  gint64 left = draws[begin - 1].epoch + 1;
  const SngCoverageDraw *earliest = draws + begin;
  g_autofree char *expected = g_strdup_printf ("%" G_GUINT64_FORMAT " samples", count_expected (self));
  g_autofree char *detail = NULL;

  if (draws[begin].epoch == left)
    return;

  for (guint i = begin; i < timeline->draws->len && draws[i].epoch == draws[begin].epoch; i++)
    if (sng_coverage_draw_compare (draws + i, earliest) < 0)
      earliest = draws + i;

  detail = g_strdup_printf ("epoch %" G_GINT64_FORMAT " begins here", draws[begin].epoch);
  add_violation (self, timeline, earliest, g_strdup_printf ("epoch %" G_GINT64_FORMAT, left), expected,
                 g_strdup ("none"), detail);
}

/* A training that was resumed from elsewhere begins in the midst of an epoch, and each ends in the midst of one: what is not
 * there of these two may be elsewhere. */
void
sng_coverage_audit_run (SngCoverageAudit *self, SngCoverageTimeline *timeline)
{
  const SngCoverageDraw *draws = (gconstpointer) timeline->draws->data; /* NULL where there are none */
  gboolean begins_late =
      timeline->spans->len > 0 && g_array_index (timeline->spans, SngCoverageSpan, 0).first_step > 1;
  gboolean can_miss = self->policy != SNG_COVERAGE_POLICY_NO_OVERLAP;
  guint end;

  for (guint begin = 0; begin < timeline->draws->len; begin = end)
    {
      Epoch epoch;

      for (end = begin + 1; end < timeline->draws->len && draws[end].epoch == draws[begin].epoch;)
        end++;

      if (can_miss && begin > 0)
        check_gap (self, timeline, begin);

      epoch_init (&epoch, timeline, begin, end);
      if (self->policy != SNG_COVERAGE_POLICY_AT_LEAST_ONCE)
        check_repeats (self, &epoch);

      if (can_miss && end < timeline->draws->len && (begin > 0 || !begins_late))
        {
          check_missing (self, &epoch);
          self->n_complete_epochs++;
        }
    }
}
