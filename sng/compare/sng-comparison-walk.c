/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The way through the steps of all runs. */

#include "compare/sng-comparison-private.h"

#include <math.h>

#include "record/sng-metadata-private.h"
#include "record/sng-number-private.h"
#include "record/sng-run-store-private.h"

static void
compared_run_free (gpointer data)
{
  SngComparedRun *run = data;

  g_object_unref (run->store);
  g_free (run->directory);
  g_clear_pointer (&run->entries, g_ptr_array_unref);
  g_free (run);
}

SngComparisonWalk *
sng_comparison_walk_new (GHashTable *tolerances)
{
  SngComparisonWalk *self = g_new0 (SngComparisonWalk, 1);

  self->runs = g_ptr_array_new_with_free_func (compared_run_free);
  self->segments = g_ptr_array_new ();
  self->metrics = g_ptr_array_new_with_free_func ((GDestroyNotify) sng_compared_metric_free);
  self->by_name = g_hash_table_new (g_str_hash, g_str_equal);
  self->tolerances = tolerances;
  self->last_step = G_MAXUINT64;

  return self;
}

void
sng_comparison_walk_free (SngComparisonWalk *self)
{
  g_hash_table_unref (self->by_name);
  g_ptr_array_unref (self->metrics);
  g_ptr_array_unref (self->segments);
  g_ptr_array_unref (self->runs);
  g_free (self);
}

void
sng_comparison_walk_add_run (SngComparisonWalk *self, SngMode mode, SngRunStore *store)
{
  SngComparedRun *run = g_new0 (SngComparedRun, 1);

  run->mode = mode;
  run->store = g_object_ref (store);
  run->directory = g_path_get_dirname (sng_run_store_get_path (store));
  g_ptr_array_add (self->runs, run);

  if (mode == SNG_MODE_CONTINUOUS)
    self->continuous = run;
  else if (mode == SNG_MODE_REPEAT)
    self->repeat = run;
  else
    g_ptr_array_add (self->segments, run);
}

void
sng_comparison_walk_set_range (SngComparisonWalk *self, guint64 first_step, guint64 last_step)
{
  self->has_range = TRUE;
  self->first_step = first_step;
  self->last_step = last_step;
}

void
sng_comparison_walk_measure (SngComparisonWalk *self, gboolean has_two_devices)
{
  self->measures_noise = TRUE;
  self->has_two_devices = has_two_devices;
}

void
sng_comparison_walk_accept (SngComparisonWalk *self, const SngComparisonWalk *noise)
{
  self->noise = noise;
}

static SngComparedMetric *
ensure_metric (SngComparisonWalk *self, const char *name, SngRunStore *store)
{
  SngComparedMetric *metric = g_hash_table_lookup (self->by_name, name);

  if (metric != NULL)
    return metric;

  metric = sng_compared_metric_new (name, sng_run_store_get_metric_flags (store, name),
                                    g_hash_table_lookup (self->tolerances, name));
  if (self->has_two_devices)
    metric->rounding = sng_tolerance_new (0.0, SNG_ROUNDING);
  if (self->noise != NULL)
    metric->noise = g_hash_table_lookup (self->noise->by_name, name);
  g_hash_table_insert (self->by_name, metric->name, metric);
  g_ptr_array_add (self->metrics, metric);

  return metric;
}

/* CONTINUOUS says how a metric is judged; the others only for what it does not know. */
static gboolean
list_metrics (SngComparisonWalk *self, GError **error)
{
  for (guint i = 0; i < self->runs->len; i++)
    {
      SngComparedRun *run = self->runs->pdata[i];
      g_auto (GStrv) names = sng_run_store_list_metrics (run->store, error);

      if (names == NULL)
        return FALSE;

      for (char **name = names; *name != NULL; name++)
        ensure_metric (self, *name, run->store)->is_declared[run->mode] = TRUE;
    }

  return TRUE;
}

static gboolean
read_step_ranges (SngComparisonWalk *self, GError **error)
{
  for (guint i = 0; i < self->runs->len; i++)
    {
      SngComparedRun *run = self->runs->pdata[i];
      g_autoptr (GError) local_error = NULL;

      run->has_entries =
          sng_run_store_get_step_range (run->store, NULL, &run->first_step, &run->last_step, &local_error);
      if (local_error != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }
    }

  return TRUE;
}

/* The first step from @at_least on at which any run has entries. */
static gboolean
find_step (SngComparisonWalk *self, guint64 at_least, guint64 *step, GError **error)
{
  gboolean found = FALSE;

  for (guint i = 0; i < self->runs->len; i++)
    {
      SngComparedRun *run = self->runs->pdata[i];
      g_autoptr (GError) local_error = NULL;
      guint64 candidate = 0;

      if (sng_run_store_find_step (run->store, at_least, &candidate, &local_error))
        {
          *step = found ? MIN (*step, candidate) : candidate;
          found = TRUE;
        }
      else if (local_error != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }
    }

  return found;
}

static void
note_expected (SngComparisonWalk *self, SngComparedStep *step)
{
  for (guint i = 0; i < step->entries->len; i++)
    {
      SngMetadata *entry = step->entries->pdata[i];
      SngComparedMetric *metric = ensure_metric (self, entry->metric, self->continuous->store);

      self->continuous->n_entries++;
      if ((metric->flags & SNG_METRIC_PER_RUN) != 0)
        continue;

      metric->n_recorded[SNG_MODE_CONTINUOUS] += !step->is_optional[i];
      sng_compared_metric_note_change (metric, entry);
      sng_compared_metric_note_magnitude (metric, entry);
    }
}

/* Compares two entries of one key, or measures how far they are apart; under a tolerance of its own no noise is accepted. */
static gboolean
compare_entries (SngComparisonWalk *self,
                 SngComparedMetric *metric,
                 SngMetadata *expected,
                 SngComparedRun *run,
                 SngMetadata *entry,
                 gboolean *equal,
                 char **detail,
                 GError **error)
{
  const char *directory = self->continuous->directory;
  double difference;

  if (!self->measures_noise || metric->tolerance != NULL)
    return sng_comparison_judge (sng_compared_metric_get_tolerance (metric, expected), directory, expected,
                                 run->directory, entry, equal, detail, error);

  if (!sng_comparison_measure (directory, expected, run->directory, entry, &difference, detail, error))
    return FALSE;

  *equal = isfinite (difference);
  if (*equal && difference > 0.0)
    sng_compared_metric_note_noise (metric, expected, difference);

  return TRUE;
}

/* What else is to be said where an entry differs. */
static char *
complete_detail (SngComparisonWalk *self,
                 SngComparedMetric *metric,
                 SngComparedRun *run,
                 SngMetadata *entry,
                 const char *detail)
{
  const SngNoisyPath *noisy = sng_compared_metric_lookup_noise (metric, entry);
  char text[SNG_NUMBER_BUFFER_SIZE];

  if (noisy != NULL && metric->tolerance == NULL)
    return g_strdup_printf ("%s; the noise there is %s", detail, sng_number_print (text, noisy->floor));

  if (run == self->repeat && !self->measures_noise && entry->value == NULL && entry->capture == NULL)
    return g_strdup_printf ("%s; only fingerprints were recorded, the elements come from the drill-down",
                            detail);

  return g_strdup (detail);
}

static gboolean
compare_run (SngComparisonWalk *self, SngComparedStep *step, SngComparedRun *run, GError **error)
{
  guint64 previous = 0;

  sng_compared_step_begin_run (step);

  for (guint i = 0; i < run->entries->len; i++)
    {
      SngMetadata *entry = run->entries->pdata[i];
      SngComparedMetric *metric = ensure_metric (self, entry->metric, run->store);
      g_autofree char *detail = NULL;
      g_autofree char *whole_detail = NULL;
      gboolean equal;
      guint position;

      run->n_entries++;
      if ((metric->flags & SNG_METRIC_PER_RUN) != 0)
        continue;

      metric->n_recorded[run->mode]++;
      position = sng_compared_step_take (step, entry);
      if (position == SNG_COMPARED_STEP_NONE)
        {
          sng_compared_metric_add_divergence (metric, run->mode, entry, 2 * previous + 1, NULL, entry,
                                              "the continuous run has no such entry");
          continue;
        }

      previous = position;
      if (!compare_entries (self, metric, step->entries->pdata[position], run, entry, &equal, &detail, error))
        return FALSE;

      sng_compared_metric_count_compared (metric, run->mode, entry->step);
      if (equal)
        continue;

      whole_detail = complete_detail (self, metric, run, entry, detail);
      sng_compared_metric_add_divergence (metric, run->mode, entry, 2 * (guint64) position,
                                          step->entries->pdata[position], entry, whole_detail);
    }

  return TRUE;
}

/* The segment that should have recorded what none did: of those that did this step, or were to do it, the last, since one that was
 * killed may have ended in the midst of it; else one that began at it; else the last of all. */
static SngMode
find_absent (SngComparisonWalk *self, guint64 step)
{
  SngMode mode = SNG_MODE_RESUME;
  gboolean was_done = FALSE;

  for (guint i = 0; i < self->segments->len && !was_done; i++)
    {
      SngComparedRun *run = self->segments->pdata[self->segments->len - 1 - i];

      was_done = run->has_entries && run->first_step < step && (i == 0 || step <= run->last_step);
      if (i == 0 || was_done || (run->has_entries && run->first_step == step))
        mode = run->mode;
    }

  return mode;
}

static void
add_missing (SngComparisonWalk *self, SngComparedStep *step, SngMode mode)
{
  for (guint i = 0; i < step->entries->len; i++)
    {
      SngMetadata *entry = step->entries->pdata[i];
      SngComparedMetric *metric = g_hash_table_lookup (self->by_name, entry->metric);
      gboolean is_due = mode == SNG_MODE_REPEAT || !step->is_optional[i];

      if (is_due && !step->is_covered[i] && (metric->flags & SNG_METRIC_PER_RUN) == 0)
        sng_compared_metric_add_divergence (metric, mode, entry, 2 * (guint64) i, entry, NULL,
                                            "the entry is missing");
    }

  sng_compared_step_uncover (step);
}

static gboolean
compare_step (SngComparisonWalk *self, guint64 number, GError **error)
{
  g_auto (SngComparedStep) step = { NULL };

  for (guint i = 0; i < self->runs->len; i++)
    {
      SngComparedRun *run = self->runs->pdata[i];

      g_clear_pointer (&run->entries, g_ptr_array_unref);
      run->entries = sng_run_store_query (run->store, NULL, number, number, error);
      if (run->entries == NULL)
        return FALSE;
    }

  sng_compared_step_init (&step, self->continuous->entries);
  if (self->has_range && number == self->first_step)
    sng_compared_step_expect_states (&step, self->segments);
  note_expected (self, &step);

  for (guint i = 0; i < self->segments->len; i++)
    {
      SngComparedRun *run = self->segments->pdata[i];

      /* what the weights come from is the step as it was made last, so an earlier one makes up for nothing */
      if (run->has_entries && run->first_step < number)
        sng_compared_step_uncover (&step);
      if (!compare_run (self, &step, run, error))
        return FALSE;
    }
  if (self->segments->len > 0)
    add_missing (self, &step, find_absent (self, number));

  if (self->repeat != NULL)
    {
      if (!compare_run (self, &step, self->repeat, error))
        return FALSE;
      add_missing (self, &step, SNG_MODE_REPEAT);
    }

  return TRUE;
}

/* Looks through some more steps of CONTINUOUS for a change of the metric. */
static gboolean
look_for_change (SngComparisonWalk *self,
                 SngComparedMetric *metric,
                 guint64 first_step,
                 guint64 last_step,
                 GError **error)
{
  g_autoptr (GPtrArray) entries =
      sng_run_store_query (self->continuous->store, metric->name, first_step, last_step, error);

  if (entries == NULL)
    return FALSE;

  for (guint i = 0; i < entries->len; i++)
    sng_compared_metric_note_change (metric, entries->pdata[i]);

  return TRUE;
}

/* What does not change within the range, or is not there, may change or be there outside. */
static gboolean
look_beyond_range (SngComparisonWalk *self, GError **error)
{
  for (guint i = 0; i < self->metrics->len; i++)
    {
      SngComparedMetric *metric = self->metrics->pdata[i];

      if ((metric->flags & SNG_METRIC_PER_RUN) != 0 || (metric->unchanged == NULL && metric->n_seen > 0))
        continue;

      if (self->first_step > 0 && !look_for_change (self, metric, 0, self->first_step - 1, error))
        return FALSE;
      if (self->last_step < G_MAXUINT64
          && !look_for_change (self, metric, self->last_step + 1, G_MAXUINT64, error))
        return FALSE;
    }

  return TRUE;
}

gboolean
sng_comparison_walk_run (SngComparisonWalk *self, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  guint64 step = self->first_step;

  if (!list_metrics (self, error) || !read_step_ranges (self, error))
    return FALSE;

  while (find_step (self, step, &step, &local_error) && step <= self->last_step)
    {
      if (!compare_step (self, step, error))
        return FALSE;
      step++;
    }

  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }

  return !self->has_range || look_beyond_range (self, error);
}
