/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The way through the steps of all runs. */

#include "compare/sng-comparison-private.h"

#include <math.h>

#include "compare/sng-divergence-private.h"
#include "record/sng-metadata-private.h"
#include "record/sng-run-store-private.h"

#define NOT_RECORDED "(not recorded)"
#define NONE G_MAXUINT

/* The entries that CONTINUOUS recorded at one step, by key. Those of one key are chained in the order of recording. */
typedef struct
{
  GPtrArray *entries;
  GHashTable *heads; /* the position of a key's first entry */
  guint *next;       /* of each entry: the next one of its key, or NONE */
  gboolean *covered;
  guint *cursors; /* of each first entry: the one that the run's next entry of the key belongs to */
} Step;

static guint
hash_key (gconstpointer data)
{
  const SngMetadata *entry = data;
  guint hash = g_str_hash (entry->metric) * 31 + g_str_hash (entry->path);

  return (hash * 31 + (guint) entry->micro_batch) * 31 + entry->rank * 2 + (guint) entry->stage;
}

static gboolean
equal_key (gconstpointer a, gconstpointer b)
{
  const SngMetadata *first = a, *second = b;

  return first->stage == second->stage && first->micro_batch == second->micro_batch
         && first->rank == second->rank && g_str_equal (first->path, second->path)
         && g_str_equal (first->metric, second->metric);
}

/* The key without the micro-batch: what should change from place to place. */
static guint
hash_path (gconstpointer data)
{
  const SngMetadata *entry = data;

  return g_str_hash (entry->path) * 31 + entry->rank * 2 + (guint) entry->stage;
}

static gboolean
equal_path (gconstpointer a, gconstpointer b)
{
  const SngMetadata *first = a, *second = b;

  return first->stage == second->stage && first->rank == second->rank
         && g_str_equal (first->path, second->path);
}

static void
compared_run_free (gpointer data)
{
  SngComparedRun *run = data;

  g_object_unref (run->store);
  g_free (run->directory);
  g_clear_pointer (&run->entries, g_ptr_array_unref);
  g_free (run);
}

static void
judged_path_free (gpointer data)
{
  SngJudgedPath *path = data;

  sng_metadata_unref (path->entry);
  g_free (path);
}

static void
compared_metric_free (gpointer data)
{
  SngComparedMetric *metric = data;

  g_free (metric->name);
  g_array_unref (metric->n_recorded);
  g_clear_object (&metric->first);
  g_clear_object (&metric->first_repeat);
  g_clear_pointer (&metric->unchanged, g_hash_table_unref);
  g_hash_table_unref (metric->judged_by_path);
  g_ptr_array_unref (metric->judged);
  g_free (metric);
}

SngComparisonWalk *
sng_comparison_walk_new (GHashTable *tolerances)
{
  SngComparisonWalk *self = g_new0 (SngComparisonWalk, 1);

  self->runs = g_ptr_array_new_with_free_func (compared_run_free);
  self->metrics = g_ptr_array_new_with_free_func (compared_metric_free);
  self->by_name = g_hash_table_new (g_str_hash, g_str_equal);
  self->tolerances = tolerances;

  return self;
}

void
sng_comparison_walk_free (SngComparisonWalk *self)
{
  g_hash_table_unref (self->by_name);
  g_ptr_array_unref (self->metrics);
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
}

static SngComparedRun *
get_run (SngComparisonWalk *self, guint position)
{
  return g_ptr_array_index (self->runs, position);
}

static SngComparedMetric *
ensure_metric (SngComparisonWalk *self, const char *name, SngRunStore *store)
{
  SngComparedMetric *metric = g_hash_table_lookup (self->by_name, name);

  if (metric != NULL)
    return metric;

  metric = g_new0 (SngComparedMetric, 1);
  metric->name = g_strdup (name);
  metric->flags = sng_run_store_get_metric_flags (store, name);
  metric->tolerance = g_hash_table_lookup (self->tolerances, name);
  metric->n_recorded = g_array_new (FALSE, TRUE, sizeof (guint64));
  g_array_set_size (metric->n_recorded, self->runs->len);
  metric->judged = g_ptr_array_new_with_free_func (judged_path_free);
  metric->judged_by_path = g_hash_table_new (hash_path, equal_path);
  if ((metric->flags & SNG_METRIC_EXPECT_CHANGE) != 0)
    metric->unchanged =
        g_hash_table_new_full (hash_path, equal_path, (GDestroyNotify) sng_metadata_unref, NULL);
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
      g_auto (GStrv) names = sng_run_store_list_metrics (get_run (self, i)->store, error);

      if (names == NULL)
        return FALSE;

      for (char **name = names; *name != NULL; name++)
        ensure_metric (self, *name, get_run (self, i)->store);
    }

  return TRUE;
}

static gboolean
read_ranges (SngComparisonWalk *self, GError **error)
{
  for (guint i = 0; i < self->runs->len; i++)
    {
      SngComparedRun *run = get_run (self, i);
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
      g_autoptr (GError) local_error = NULL;
      guint64 candidate = 0;

      if (sng_run_store_find_step (get_run (self, i)->store, at_least, &candidate, &local_error))
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
add_divergence (SngComparedMetric *metric,
                SngMode mode,
                SngMetadata *entry,
                guint64 order,
                SngMetadata *expected,
                SngMetadata *actual,
                const char *detail)
{
  SngDivergence **first = mode == SNG_MODE_REPEAT ? &metric->first_repeat : &metric->first;
  g_autofree char *expected_text = NULL;
  g_autofree char *actual_text = NULL;
  g_autoptr (SngDivergence) divergence = NULL;

  if (mode == SNG_MODE_REPEAT)
    metric->n_repeat_different++;
  else
    metric->n_different++;

  /* steps come in order, so only one of this step can be before the first */
  if (*first != NULL && sng_divergence_get_step (*first) < entry->step)
    return;

  expected_text = expected != NULL ? sng_metadata_describe (expected) : g_strdup (NOT_RECORDED);
  actual_text = actual != NULL ? sng_metadata_describe (actual) : g_strdup (NOT_RECORDED);
  divergence =
      sng_divergence_new (mode, entry->metric, entry->stage, entry->step, entry->micro_batch, entry->rank,
                          entry->path, order, expected_text, actual_text, detail != NULL ? detail : "");
  if (*first == NULL || sng_divergence_compare (divergence, *first) < 0)
    g_set_object (first, divergence);
}

static void
note_magnitude (SngComparedMetric *metric, SngMetadata *entry, double magnitude)
{
  SngJudgedPath *path = g_hash_table_lookup (metric->judged_by_path, entry);

  if (path == NULL)
    {
      path = g_new0 (SngJudgedPath, 1);
      path->entry = sng_metadata_ref (entry);
      g_ptr_array_add (metric->judged, path);
      g_hash_table_insert (metric->judged_by_path, entry, path);
    }
  if (isfinite (magnitude))
    path->largest = MAX (path->largest, magnitude);
}

/* What an entry of CONTINUOUS tells about its metric: whether it changes, and how large it is. */
static void
note_expected (SngComparedMetric *metric, SngMetadata *entry)
{
  SngMetadata *first;

  if (metric->unchanged != NULL)
    {
      if (!g_hash_table_lookup_extended (metric->unchanged, entry, (gpointer *) &first, NULL))
        g_hash_table_add (metric->unchanged, sng_metadata_ref (entry));
      else if (!sng_metadata_equal (first, entry))
        g_clear_pointer (&metric->unchanged, g_hash_table_unref);
    }

  if (metric->tolerance == NULL)
    return;

  if (entry->value != NULL && g_variant_is_of_type (entry->value, G_VARIANT_TYPE_DOUBLE))
    note_magnitude (metric, entry, fabs (g_variant_get_double (entry->value)));
  else if (entry->value == NULL && entry->capture != NULL && sng_dtype_is_floating (entry->dtype))
    note_magnitude (metric, entry, fmax (fabs (entry->minimum), fabs (entry->maximum)));
}

static void
step_clear (Step *step)
{
  g_clear_pointer (&step->heads, g_hash_table_unref);
  g_clear_pointer (&step->next, g_free);
  g_clear_pointer (&step->covered, g_free);
  g_clear_pointer (&step->cursors, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Step, step_clear)

static void
step_init (Step *step, GPtrArray *entries)
{
  g_autofree guint *last = g_new (guint, entries->len + 1);

  step->entries = entries;
  step->heads = g_hash_table_new (hash_key, equal_key);
  step->next = g_new (guint, entries->len + 1);
  step->covered = g_new0 (gboolean, entries->len + 1);
  step->cursors = g_new (guint, entries->len + 1);

  for (guint i = 0; i < entries->len; i++)
    {
      gpointer head;

      step->next[i] = NONE;
      if (g_hash_table_lookup_extended (step->heads, entries->pdata[i], NULL, &head))
        {
          step->next[last[GPOINTER_TO_UINT (head)]] = i;
          last[GPOINTER_TO_UINT (head)] = i;
        }
      else
        {
          g_hash_table_insert (step->heads, entries->pdata[i], GUINT_TO_POINTER (i));
          last[i] = i;
        }
    }
}

/* The position of the entry of CONTINUOUS that a run's next entry of a key belongs to; NONE when there is none left. */
static guint
take_expected (Step *step, SngMetadata *entry)
{
  gpointer head;
  guint position;

  if (!g_hash_table_lookup_extended (step->heads, entry, NULL, &head))
    return NONE;

  position = step->cursors[GPOINTER_TO_UINT (head)];
  if (position != NONE)
    step->cursors[GPOINTER_TO_UINT (head)] = step->next[position];

  return position;
}

static gboolean
compare_run (SngComparisonWalk *self, Step *step, guint run_position, GError **error)
{
  SngComparedRun *continuous = get_run (self, 0);
  SngComparedRun *run = get_run (self, run_position);
  guint64 previous = 0;

  for (guint i = 0; i < step->entries->len; i++)
    step->cursors[i] = i;

  for (guint i = 0; i < run->entries->len; i++)
    {
      SngMetadata *entry = run->entries->pdata[i];
      SngComparedMetric *metric = ensure_metric (self, entry->metric, run->store);
      guint position;
      gboolean equal;
      g_autofree char *detail = NULL;

      run->n_entries++;
      if ((metric->flags & SNG_METRIC_PER_RUN) != 0)
        continue;

      g_array_index (metric->n_recorded, guint64, run_position)++;
      position = take_expected (step, entry);
      if (position == NONE)
        {
          add_divergence (metric, run->mode, entry, 2 * previous + 1, NULL, entry,
                          "the continuous run has no such entry");
          continue;
        }

      previous = position;
      step->covered[position] = TRUE;
      if (!sng_comparison_judge (metric->tolerance, continuous->directory, step->entries->pdata[position],
                                 run->directory, entry, &equal, &detail, error))
        return FALSE;

      metric->n_compared += run->mode != SNG_MODE_REPEAT;
      if (!equal)
        add_divergence (metric, run->mode, entry, 2 * (guint64) position, step->entries->pdata[position],
                        entry, detail);
    }

  return TRUE;
}

/* The run that should have recorded what none did: the first that got as far as this step, or else the last. */
static SngMode
find_absent (SngComparisonWalk *self, guint64 step)
{
  SngMode mode = SNG_MODE_RESUME;

  for (guint i = 1; i < self->runs->len; i++)
    {
      SngComparedRun *run = get_run (self, i);

      if (run->mode == SNG_MODE_REPEAT)
        continue;

      mode = run->mode;
      if (run->has_entries && run->last_step >= step)
        break;
    }

  return mode;
}

static void
add_missing (SngComparisonWalk *self, Step *step, SngMode mode)
{
  for (guint i = 0; i < step->entries->len; i++)
    {
      SngMetadata *entry = step->entries->pdata[i];
      SngComparedMetric *metric = g_hash_table_lookup (self->by_name, entry->metric);

      if (!step->covered[i] && (metric->flags & SNG_METRIC_PER_RUN) == 0)
        add_divergence (metric, mode, entry, 2 * (guint64) i, entry, NULL, "the entry is missing");
      step->covered[i] = FALSE;
    }
}

static gboolean
compare_step (SngComparisonWalk *self, guint64 number, GError **error)
{
  SngComparedRun *continuous = get_run (self, 0);
  g_auto (Step) step = { NULL };
  gboolean has_segments = FALSE;

  for (guint i = 0; i < self->runs->len; i++)
    {
      SngComparedRun *run = get_run (self, i);

      g_clear_pointer (&run->entries, g_ptr_array_unref);
      run->entries = sng_run_store_query (run->store, NULL, number, number, error);
      if (run->entries == NULL)
        return FALSE;
    }

  step_init (&step, continuous->entries);
  for (guint i = 0; i < continuous->entries->len; i++)
    {
      SngMetadata *entry = continuous->entries->pdata[i];
      SngComparedMetric *metric = ensure_metric (self, entry->metric, continuous->store);

      continuous->n_entries++;
      g_array_index (metric->n_recorded, guint64, 0)++;
      if ((metric->flags & SNG_METRIC_PER_RUN) == 0)
        note_expected (metric, entry);
    }

  for (guint i = 1; i < self->runs->len; i++)
    {
      SngComparedRun *run = get_run (self, i);

      /* REPEAT comes last: what the interrupted runs lack is found before it */
      if (run->mode == SNG_MODE_REPEAT && has_segments)
        add_missing (self, &step, find_absent (self, number));
      if (!compare_run (self, &step, i, error))
        return FALSE;
      if (run->mode == SNG_MODE_REPEAT)
        add_missing (self, &step, SNG_MODE_REPEAT);
      else
        has_segments = TRUE;
    }

  if (has_segments && get_run (self, self->runs->len - 1)->mode != SNG_MODE_REPEAT)
    add_missing (self, &step, find_absent (self, number));

  return TRUE;
}

gboolean
sng_comparison_walk_run (SngComparisonWalk *self, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  guint64 step = 0;

  if (!list_metrics (self, error) || !read_ranges (self, error))
    return FALSE;

  while (find_step (self, step, &step, &local_error))
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

  return TRUE;
}
