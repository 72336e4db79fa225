/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What became of a training that was killed before a file operation, and resumed. */

#include "harness/sng-command-kills-private.h"

#include <string.h>

#include "compare/sng-metric-result-private.h"
#include "record/sng-recorder-private.h"
#include "sng-error.h"

/* The steps that a run has finished, by its first rank; 0: none. */
typedef struct
{
  guint64 first;
  guint64 last;
} Steps;

static Steps
read_steps (SngCommandHarness *self, const SngRun *run)
{
  g_autofree char *path = sng_harness_dup_run_store_path (SNG_HARNESS (self), run->name);
  g_autoptr (SngRunStore) store = sng_run_store_open (path, NULL);
  Steps steps = { 0 };

  /* A kill may come before there is any. */
  if (store != NULL)
    sng_run_store_get_step_range (store, SNG_GLOBAL_STEP_METRIC, &steps.first, &steps.last, NULL);

  return steps;
}

/* ---- What was recorded ---- */

/* The records of one process of the run beside those of CONTINUOUS, in these steps; with the state right after the restore before
 * them. */
static SngReport *
compare_records (SngCommandHarness *self,
                 const SngRun *continuous,
                 const SngRun *run,
                 guint rank,
                 Steps steps,
                 GError **error)
{
  g_autoptr (GPtrArray) both = g_ptr_array_new ();
  g_auto (SngJudgedRuns) runs = { 0 };
  g_autoptr (SngComparison) comparison = NULL;

  g_ptr_array_add (both, (gpointer) continuous);
  g_ptr_array_add (both, (gpointer) run);
  if (!sng_judged_runs_open (&runs, SNG_HARNESS (self), both, rank, error)
      || (comparison = sng_harness_create_comparison (SNG_HARNESS (self), &runs, error)) == NULL)
    return NULL;

  sng_comparison_add_segment (comparison, SNG_MODE_RESUME, g_ptr_array_index (runs.segments, 0));
  sng_comparison_set_range (comparison, steps.first - 1, steps.last);

  return sng_comparison_run (comparison, error);
}

static gboolean
has_rank (SngCommandHarness *self, const SngRun *run, guint rank)
{
  g_autofree char *path = sng_harness_dup_rank_store_path (SNG_HARNESS (self), run->name, rank);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

/* As if it were a resume, whatever it is. */
static SngReport *
compare_files (SngCommandHarness *self, const SngRun *continuous, const SngRun *run, GError **error)
{
  g_autoptr (GPtrArray) both = g_ptr_array_new ();
  SngRun as_resume = *run;

  as_resume.mode = SNG_MODE_RESUME;
  as_resume.is_interrupted = FALSE;
  g_ptr_array_add (both, (gpointer) continuous);
  g_ptr_array_add (both, &as_resume);

  return sng_command_judge_files (self, both, error);
}

/* Reports of every process's records, and of the files. */
static GPtrArray *
compare_all (SngCommandHarness *self,
             const SngRun *continuous,
             const SngRun *run,
             Steps steps,
             GError **error)
{
  g_autoptr (GPtrArray) reports = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GError) failure = NULL;
  SngReport *report;

  for (guint rank = 0; steps.first > 0 && has_rank (self, continuous, rank); rank++)
    {
      report = compare_records (self, continuous, run, rank, steps, error);
      if (report == NULL)
        return NULL;
      g_ptr_array_add (reports, report);
    }

  report = compare_files (self, continuous, run, &failure);
  if (failure != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return NULL;
    }
  if (report != NULL)
    g_ptr_array_add (reports, report);

  return g_steal_pointer (&reports);
}

/* ---- One kill ---- */

/* The first and the last line of what the failure and the output of the command say. */
static char *
describe_failure (const char *failure)
{
  g_auto (GStrv) lines = g_strsplit (failure, "\n", -1);
  const char *last = NULL;

  for (guint i = 1; lines[0] != NULL && lines[i] != NULL; i++)
    if (*g_strstrip (lines[i]) != '\0')
      last = lines[i];

  return last != NULL ? g_strdup_printf ("%s %s", lines[0], last) : g_strdup (failure);
}

/* What shows without a look at the values; NULL: nothing. A step that was saved and not yet recorded when the kill came is in
 * neither run. */
static char *
find_missing_steps (SngCommandHarness *self, Steps stop, Steps resume)
{
  guint64 done = stop.last > 0 ? stop.last : self->first_step - 1;

  if (self->last_step == 0)
    return NULL;

  if (resume.first == 0 && done + 1 < self->last_step)
    return g_strdup_printf ("RESUME ended well without any step, after step %" G_GUINT64_FORMAT
                            " of %" G_GUINT64_FORMAT,
                            done, self->last_step);
  if (resume.first > done + 2)
    return g_strdup_printf ("RESUME went on with step %" G_GUINT64_FORMAT " after step %" G_GUINT64_FORMAT,
                            resume.first, done);
  if (resume.first > 0 && resume.last != self->last_step)
    return g_strdup_printf ("RESUME ended well after step %" G_GUINT64_FORMAT ", and CONTINUOUS after step "
                            "%" G_GUINT64_FORMAT,
                            resume.last, self->last_step);

  return NULL;
}

/* Where the resumed training differs first; NULL: it does not. */
static char *
find_difference (GPtrArray *reports)
{
  for (guint i = 0; i < reports->len; i++)
    {
      SngDivergence *first = sng_report_find_divergence (reports->pdata[i], SNG_VERDICT_DIVERGED);

      if (first != NULL)
        return sng_divergence_to_string (first);
    }

  return NULL;
}

/* Making a directory that is there already and removing what a kill has left is no work. */
static guint
count_work (GPtrArray *operations, guint64 before)
{
  static const char *const tidying[] = { "mkdir", "rmdir", "unlink", "remove", NULL };
  guint n = 0;

  for (guint i = 0; i < operations->len; i++)
    {
      const SngCommandOperation *operation = operations->pdata[i];

      n += operation->number < before && !g_strv_contains (tidying, operation->name);
    }

  return n;
}

/* What was done once more; NULL: nothing. Without records of steps it shows in the number of operations. */
static char *
describe_lost_work (SngCommandHarness *self,
                    const SngRun *run,
                    Steps stop,
                    Steps resume,
                    guint64 number,
                    GPtrArray *operations)
{
  g_autoptr (GPtrArray) made_after = NULL;
  guint64 n_made, n_all, n;

  if (self->last_step != 0)
    {
      if (stop.last == 0 || resume.first == 0 || resume.first > stop.last)
        return NULL;
      n = stop.last - resume.first + 1;
      return g_strdup_printf ("%s%" G_GUINT64_FORMAT " %s made once more",
                              resume.first == self->first_step ? "it began anew: " : "", n,
                              n == 1 ? "step was" : "steps were");
    }

  made_after = sng_command_list_operations (self, run);
  n_made = count_work (operations, number) + count_work (made_after, G_MAXUINT64);
  n_all = count_work (operations, G_MAXUINT64);
  if (n_made <= n_all)
    return NULL;
  n = n_made - n_all;

  return g_strdup_printf ("%" G_GUINT64_FORMAT " file %s made once more", n,
                          n == 1 ? "operation was" : "operations were");
}

SngKillResult *
sng_command_judge_kill (SngCommandHarness *self,
                        const SngRun *continuous,
                        const SngRun *stop,
                        const SngRun *resume,
                        GPtrArray *operations,
                        guint place,
                        GError **error)
{
  const SngCommandOperation *operation = operations->pdata[place];
  g_autoptr (SngKillResult) result =
      sng_kill_result_new (operation->number, operation->name, operation->path, operation->other);
  Steps stopped = read_steps (self, stop), resumed = read_steps (self, resume);
  g_autoptr (GPtrArray) reports = NULL;
  g_autofree char *detail = NULL;

  if (resume->failure != NULL)
    {
      detail = describe_failure (resume->failure);
      sng_kill_result_set_outcome (result, SNG_KILL_OUTCOME_HARD_FAIL, detail);
      return g_steal_pointer (&result);
    }

  reports = compare_all (self, continuous, resume, resumed, error);
  if (reports == NULL)
    return NULL;

  detail = find_missing_steps (self, stopped, resumed);
  if (detail == NULL)
    detail = find_difference (reports);
  if (detail != NULL)
    {
      sng_kill_result_set_outcome (result, SNG_KILL_OUTCOME_SILENT_DIVERGENCE, detail);
      return g_steal_pointer (&result);
    }

  detail = describe_lost_work (self, resume, stopped, resumed, operation->number, operations);
  if (detail != NULL)
    sng_kill_result_set_outcome (result, SNG_KILL_OUTCOME_LOST_WORK, detail);

  return g_steal_pointer (&result);
}

/* ---- The control ---- */

static void
add_metrics (SngReport *control, SngReport *report)
{
  GListModel *metrics = sng_report_get_metrics (report);

  for (guint i = 0; i < g_list_model_get_n_items (metrics); i++)
    {
      g_autoptr (SngMetricResult) metric = g_list_model_get_item (metrics, i);
      gboolean differs = sng_metric_result_get_verdict (metric) == SNG_VERDICT_DIVERGED;

      if (differs)
        sng_harness_take_result (
            control, sng_metric_result_new (sng_metric_result_get_name (metric), SNG_VERDICT_NONDETERMINISTIC,
                                            sng_metric_result_get_compared (metric),
                                            sng_metric_result_get_n_different (metric),
                                            sng_metric_result_get_first_divergence (metric), NULL));
      else if (sng_metric_result_get_verdict (metric) == SNG_VERDICT_PASS)
        sng_report_add_result (control, metric);
    }
}

SngReport *
sng_command_judge_repeat (SngCommandHarness *self,
                          const SngRun *continuous,
                          const SngRun *repeat,
                          GError **error)
{
  SngRun as_resume = *repeat;
  g_autoptr (SngReport) control = sng_report_new ();
  g_autoptr (GPtrArray) reports = NULL;

  as_resume.mode = SNG_MODE_RESUME;
  reports = compare_all (self, continuous, &as_resume, read_steps (self, continuous), error);
  if (reports == NULL)
    return NULL;

  for (guint i = 0; i < reports->len; i++)
    add_metrics (control, reports->pdata[i]);

  return g_steal_pointer (&control);
}
