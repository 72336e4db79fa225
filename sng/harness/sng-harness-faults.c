/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The check of a check: a stop-and-go, and its last resume again and again with a fault in it. */

#include "harness/sng-harness-faults-private.h"

#include "compare/sng-report-private.h"
#include "harness/sng-stop-plan-private.h"
#include "state/sng-checkpoint-private.h"
#include "state/sng-state-io-private.h"

/* So many runs with a fault are judged together, and their captures removed. */
#define BATCH 16

/* Faults that are not given by their ids, about: for the length of a progress bar. */
#define N_DEFAULT_FAULTS 80

/* Steps after the restore, at least: what a fault does to the gradients shows in the second loss. */
#define N_STEPS 2

/* Where the training is stopped for the faults that need it. */
typedef struct
{
  SngRun *run;      /* which gets there; NULL: the stop-and-go stopped there anyway */
  SngRun *control;  /* resumes there without a fault */
  char *divergence; /* of the control; NULL: none */
} Stop;

typedef struct
{
  char **ids;       /* NULL: all that there are */
  GPtrArray *list;  /* SngFault */
  guint next;       /* of these */
  guint n_base;     /* the runs of the stop-and-go; 0: they are not done yet */
  guint n_judged;   /* runs */
  guint64 restored; /* where its last resume began */
  Stop stops[SNG_FAULT_AT_SECOND_STOP + 1];
  GPtrArray *parts; /* SngReport: of the controls that diverge */
  GPtrArray *results;
} Faults;

static void
faults_free (gpointer data)
{
  Faults *self = data;

  g_strfreev (self->ids);
  g_ptr_array_unref (self->list);
  for (guint i = 0; i < G_N_ELEMENTS (self->stops); i++)
    g_free (self->stops[i].divergence);
  g_ptr_array_unref (self->parts);
  g_ptr_array_unref (self->results);
  g_free (self);
}

static Faults *
faults_new (const char *const *ids)
{
  Faults *self = g_new0 (Faults, 1);

  self->ids = g_strdupv ((char **) ids);
  self->list = g_ptr_array_new_with_free_func (g_object_unref);
  self->parts = g_ptr_array_new_with_free_func (g_object_unref);
  self->results = g_ptr_array_new_with_free_func (g_object_unref);

  return self;
}

/* ---- Which faults ---- */

static gboolean
is_listed (Faults *self, const char *id)
{
  for (guint i = 0; i < self->list->len; i++)
    if (g_str_equal (sng_fault_get_id (g_ptr_array_index (self->list, i)), id))
      return TRUE;

  return FALSE;
}

static gboolean
list_given (Faults *self, GError **error)
{
  for (guint i = 0; self->ids[i] != NULL; i++)
    {
      SngFault *fault = sng_fault_lookup (self->ids[i], error);

      if (fault == NULL)
        return FALSE;

      if (is_listed (self, self->ids[i]))
        g_object_unref (fault);
      else
        g_ptr_array_add (self->list, fault);
    }

  return TRUE;
}

static void
take_all (Faults *self, GListModel *faults)
{
  for (guint i = 0; i < g_list_model_get_n_items (faults); i++)
    g_ptr_array_add (self->list, g_list_model_get_item (faults, i));

  g_object_unref (faults);
}

/* The catalogue, and the generic ones on every state of the checkpoint. */
static gboolean
list_all (SngHarness *harness, Faults *self, SngRun *resume, GError **error)
{
  g_autofree char *step = sng_checkpoint_step_to_name (self->restored);
  g_autofree char *name = g_build_filename (resume->source, step, NULL);
  g_autofree char *path = sng_harness_dup_run_path (harness, name);
  g_autoptr (SngCheckpoint) checkpoint = sng_checkpoint_load (path, error);
  g_auto (GStrv) states = checkpoint != NULL ? sng_checkpoint_dup_names (checkpoint) : NULL;

  if (checkpoint == NULL)
    return FALSE;

  take_all (self, sng_fault_list ());

  for (guint i = 0; states[i] != NULL; i++)
    {
      GListStore *generic = g_list_store_new (SNG_TYPE_FAULT);

      sng_fault_list_generic (states[i], sng_checkpoint_lookup_state (checkpoint, states[i]), generic);
      take_all (self, G_LIST_MODEL (generic));
    }

  return TRUE;
}

/* ---- Where they are planted ---- */

/* The last one of the stop-and-go, which goes on to the end; NULL: it has none. */
static SngRun *
get_resume (Faults *self, GPtrArray *done)
{
  SngRun *last = g_ptr_array_index (done, self->n_base - 1);

  return last->mode == SNG_MODE_RESUME && last->interrupt == NULL ? last : NULL;
}

static SngRun *
create_resume (SngHarness *harness, const SngRun *resume, const char *name)
{
  SngRun *run = sng_run_new (SNG_MODE_RESUME, name);

  run->source = g_strdup (resume->source);
  run->may_start_anew = resume->may_start_anew;
  sng_harness_stress_run (harness, run);

  return run;
}

static gboolean
needs_stop (Faults *self, SngFaultStop stop)
{
  for (guint i = 0; i < self->list->len; i++)
    if (sng_fault_get_stop (g_ptr_array_index (self->list, i)) == stop)
      return TRUE;

  return FALSE;
}

static void
add_stop (SngHarness *harness,
          Faults *self,
          SngRun *resume,
          SngFaultStop stop,
          guint64 step,
          GPtrArray *batch)
{
  static const char *const names[] = { NULL, "faults/at-epoch-end", "faults/at-second-stop" };
  SngRun *run;

  if (!needs_stop (self, stop))
    return;

  run = create_resume (harness, resume, names[stop]);
  run->interrupt = g_strdup_printf ("%" G_GUINT64_FORMAT, step);
  self->stops[stop].run = run;
  g_ptr_array_add (batch, run);
}

/* The training goes on to the next end of an epoch, and by one step where that does not end the epoch. */
static gboolean
add_stops (SngHarness *harness,
           Faults *self,
           GPtrArray *done,
           SngRun *resume,
           GPtrArray *batch,
           GError **error)
{
  g_autoptr (SngStopPlan) ends = sng_stop_plan_new ();
  g_auto (SngJudgedRuns) runs = { 0 };
  guint64 num_steps = sng_harness_get_private (harness)->num_steps;
  guint64 next_end = G_MAXUINT64;
  gboolean is_end = FALSE;

  if (!sng_judged_runs_open (&runs, harness, done, 0, error)
      || !sng_stop_plan_add_epoch_ends (ends, runs.continuous, num_steps, error))
    return FALSE;

  for (guint i = 0; i < sng_stop_plan_get_n_interrupts (ends); i++)
    {
      guint64 end = sng_interrupt_get_step (sng_stop_plan_get_interrupt (ends, i));

      is_end |= end == self->restored;
      if (end > self->restored)
        next_end = MIN (next_end, end);
    }

  if (!is_end && next_end != G_MAXUINT64)
    add_stop (harness, self, resume, SNG_FAULT_AT_EPOCH_END, next_end, batch);
  if (!is_end && self->restored + 1 < MIN (next_end, num_steps))
    add_stop (harness, self, resume, SNG_FAULT_AT_SECOND_STOP, self->restored + 1, batch);

  return TRUE;
}

/* Two steps, and over the next validation that is not due with the first of them. */
static guint64
get_last_step (SngHarness *harness, guint64 restored)
{
  SngHarnessPrivate *priv = sng_harness_get_private (harness);
  guint64 last_step = restored + N_STEPS;
  guint64 interval = priv->val_check_interval;

  if (interval > 0)
    last_step = MAX (last_step, (restored / interval + 1) * interval);

  return MIN (last_step, priv->num_steps);
}

static guint64
get_restored_step (Faults *self, SngFaultStop stop)
{
  g_autoptr (SngInterrupt) interrupt = NULL;

  if (self->stops[stop].run == NULL)
    return self->restored;

  interrupt = sng_interrupt_from_string (self->stops[stop].run->interrupt, NULL);

  return sng_interrupt_get_step (interrupt);
}

/* From the stop, as far as what a fault does there can show. */
static SngRun *
create_run (SngHarness *harness, Faults *self, SngRun *resume, SngFaultStop stop, const char *name)
{
  SngRun *run = create_resume (harness, resume, name);

  if (self->stops[stop].run != NULL)
    {
      g_free (run->source);
      run->source = g_build_filename (self->stops[stop].run->name, "checkpoints", NULL);
    }

  run->is_left = TRUE;
  run->last_step = get_last_step (harness, get_restored_step (self, stop));
  run->captures_original = TRUE;

  return run;
}

static SngRun *
create_run_with_fault (SngHarness *harness, Faults *self, SngRun *resume, SngFault *fault)
{
  g_autofree char *id = g_strdelimit (g_strdup (sng_fault_get_id (fault)), "/", '.');
  g_autofree char *name = g_build_filename ("faults", id, NULL);
  SngRun *run = create_run (harness, self, resume, sng_fault_get_stop (fault), name);

  run->fault = g_strdup (sng_fault_get_id (fault));

  return run;
}

/* The stop-and-go is the control of its own stops only. */
static void
add_controls (SngHarness *harness, Faults *self, GPtrArray *done, GPtrArray *batch)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->stops); i++)
    {
      Stop *stop = &self->stops[i];
      g_autofree char *name = NULL;

      if (stop->run == NULL || stop->control != NULL)
        continue;

      name = g_strconcat (stop->run->name, "-control", NULL);
      stop->control = create_run (harness, self, get_resume (self, done), (SngFaultStop) i, name);
      g_ptr_array_add (batch, stop->control);
    }
}

/* ---- The program ---- */

/* CONTINUOUS and all that was made of the training before the fault was planted. */
static GPtrArray *
list_before (Faults *self, GPtrArray *done, SngFaultStop stop)
{
  GPtrArray *before = g_ptr_array_new ();

  for (guint i = 0; i + 1 < self->n_base; i++)
    g_ptr_array_add (before, g_ptr_array_index (done, i));
  if (self->stops[stop].run != NULL)
    g_ptr_array_add (before, self->stops[stop].run);

  return before;
}

static void
remove_captures (SngHarness *harness, SngRun *run)
{
  g_autofree char *store = sng_harness_dup_run_store_path (harness, run->name);
  g_autofree char *directory = g_path_get_dirname (store);
  g_autofree char *captures = g_build_filename (directory, "captures", NULL);
  g_autoptr (GError) error = NULL;

  if (!sng_state_io_remove (sng_storage_get_posix (), captures, &error))
    sng_harness_add_warning (harness, error->message);
}

static gboolean
judge_control (SngHarness *harness, Faults *self, GPtrArray *done, SngFaultStop stop, GError **error)
{
  static const char *const titles[] = { NULL, "resume at the end of an epoch",
                                        "resume at a second stop in an epoch" };
  SngRun *control = self->stops[stop].control;
  g_autoptr (GPtrArray) before = list_before (self, done, stop);
  g_autoptr (SngReport) report = sng_harness_judge_control (harness, before, control, error);
  SngDivergence *first;
  g_autofree char *place = NULL;

  if (report == NULL)
    return FALSE;

  remove_captures (harness, control);
  first = sng_report_find_divergence (report, SNG_VERDICT_DIVERGED);
  if (first == NULL)
    return TRUE;

  place = sng_divergence_dup_place (first);
  self->stops[stop].divergence =
      g_strdup_printf ("the resume at this stop diverges without a fault as well: %s at %s",
                       sng_divergence_get_metric (first), place);
  sng_report_set_title (report, titles[stop]);
  g_ptr_array_add (self->parts, g_steal_pointer (&report));

  return TRUE;
}

static gboolean
judge_run_without_fault (SngHarness *harness, Faults *self, GPtrArray *done, SngRun *run, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->stops); i++)
    if (self->stops[i].control == run)
      return judge_control (harness, self, done, (SngFaultStop) i, error);

  return TRUE;
}

/* What nobody has asked for is listed only where it could be planted. */
static gboolean
judge_done (SngHarness *harness, Faults *self, GPtrArray *done, GError **error)
{
  for (; self->n_judged < done->len; self->n_judged++)
    {
      SngRun *run = g_ptr_array_index (done, self->n_judged);
      g_autoptr (SngFault) fault = run->fault != NULL ? sng_fault_lookup (run->fault, error) : NULL;
      g_autoptr (GPtrArray) before = NULL;
      SngFaultOutcome outcome;
      SngFaultResult *result;

      if (run->fault == NULL && !judge_run_without_fault (harness, self, done, run, error))
        return FALSE;
      if (run->fault == NULL)
        continue;

      before = list_before (self, done, sng_fault_get_stop (fault));
      result = sng_harness_judge_fault (harness, before, run, fault, &outcome, error);
      if (result == NULL)
        return FALSE;

      remove_captures (harness, run);
      if (self->ids == NULL && sng_fault_get_target (fault) != NULL && outcome == SNG_FAULT_NOT_APPLICABLE)
        g_object_unref (result);
      else
        g_ptr_array_add (self->results, result);
    }

  return TRUE;
}

static gboolean
begin (SngHarness *harness, Faults *self, GPtrArray *done, GPtrArray *batch, GError **error)
{
  SngRun *resume;
  g_autofree char *path = NULL;
  g_autoptr (SngRunStore) store = NULL;

  self->n_base = done->len;
  self->n_judged = done->len;
  resume = get_resume (self, done);
  if (resume == NULL)
    return TRUE;

  path = sng_harness_dup_run_store_path (harness, resume->name);
  store = sng_run_store_open (path, error);
  if (store == NULL)
    return FALSE;

  if (!sng_harness_lookup_info (store, "restored-step", &self->restored))
    return TRUE;

  return (self->ids != NULL || list_all (harness, self, resume, error))
         && add_stops (harness, self, done, resume, batch, error);
}

/* Where the control diverges, whatever is found would be found without the fault, so it is not planted. */
static void
skip_fault (Faults *self, SngFault *fault)
{
  SngFaultResult *result = sng_fault_result_new (sng_fault_get_id (fault), sng_fault_get_title (fault),
                                                 sng_fault_get_target (fault), sng_fault_get_cause (fault));

  sng_fault_result_set_not_planted (result, self->stops[sng_fault_get_stop (fault)].divergence);
  g_ptr_array_add (self->results, result);
}

/* The results are in the order of the faults: what is skipped waits for the runs before it. */
static void
add_runs (SngHarness *harness, Faults *self, GPtrArray *done, GPtrArray *batch)
{
  SngRun *resume = get_resume (self, done);

  for (; resume != NULL && self->restored > 0 && self->next < self->list->len && batch->len < BATCH;
       self->next++)
    {
      SngFault *fault = g_ptr_array_index (self->list, self->next);

      if (self->stops[sng_fault_get_stop (fault)].divergence == NULL)
        g_ptr_array_add (batch, create_run_with_fault (harness, self, resume, fault));
      else if (batch->len == 0)
        skip_fault (self, fault);
      else
        break;
    }
}

static gboolean
next_of_base (SngHarness *harness, Faults *self, GPtrArray *done, GPtrArray *batch, GError **error)
{
  if (done->len == 0 && self->ids != NULL && !list_given (self, error))
    return FALSE;

  if (!sng_harness_next_of_stop_and_go (harness, done, batch, error))
    return FALSE;

  for (guint i = 0; i < batch->len; i++)
    {
      SngRun *run = g_ptr_array_index (batch, i);

      run->captures_original = run->mode == SNG_MODE_CONTINUOUS;
    }

  return batch->len > 0 || begin (harness, self, done, batch, error);
}

static gboolean
faults_next (SngHarness *harness, GPtrArray *done, GPtrArray *batch, gpointer data, GError **error)
{
  Faults *self = data;

  if (!(self->n_base == 0 ? next_of_base (harness, self, done, batch, error)
                          : judge_done (harness, self, done, error)))
    return FALSE;

  if (self->n_base > 0 && batch->len == 0)
    add_controls (harness, self, done, batch);
  if (self->n_base > 0 && batch->len == 0)
    add_runs (harness, self, done, batch);

  return TRUE;
}

static SngReport *
faults_judge (SngHarness *harness, GPtrArray *done, gpointer data, GError **error)
{
  Faults *self = data;
  g_autoptr (GPtrArray) base = g_ptr_array_new ();
  SngReport *report;

  for (guint i = 0; i < self->n_base; i++)
    g_ptr_array_add (base, g_ptr_array_index (done, i));

  report = sng_harness_judge (harness, base, error);

  for (guint i = 0; report != NULL && i < self->parts->len; i++)
    sng_report_add_part (report, g_ptr_array_index (self->parts, i));
  for (guint i = 0; report != NULL && i < self->results->len; i++)
    sng_report_add_fault (report, g_ptr_array_index (self->results, i));

  return report;
}

static guint64
faults_count_steps (SngHarness *harness, gpointer data)
{
  Faults *self = data;
  guint64 n_faults = self->ids != NULL ? g_strv_length (self->ids) : N_DEFAULT_FAULTS;
  guint64 stop = sng_harness_get_effective_stop (harness);

  return sng_harness_count_stop_and_go (harness)
         + n_faults * (get_last_step (harness, stop) - MIN (stop, get_last_step (harness, stop)));
}

static const SngProgram faults = { faults_next, faults_judge, faults_count_steps, NULL };

/**
 * sng_harness_run_faults:
 * @self: a harness
 * @ids: (nullable) (array zero-terminated=1): the ids of faults, see [func@Sng.Fault.lookup], or %NULL for the
 *   catalogue and the generic faults of every registered state
 * @cancellable: (nullable): ends the runs
 * @error: return location for a #GError
 *
 * Checks the check itself: whether this harness would notice what goes wrong with real resumes, and the loss of each piece of the
 * state of its training.
 *
 * First comes a stop-and-go, which is the control: it must pass. Then the last resume is made once more for each fault, with that
 * planted, up to [property@Sng.Harness:jobs] of them side by side; each makes two steps and goes on over the next validation. Some faults need the end of an
 * epoch, or a second stop in one: the training is stopped there as well, where it has such, and resumed without a fault
 * first, as a control of that stop. When that diverges, its faults are not planted, and the report does not pass: it has that
 * control as a part.
 *
 * The report has the metrics of the control, and for each fault whether it was planted, which metric found it first and at
 * which step, and whether the rule of the original (1e-4 + 1e-4 of the value, 1e-3 for outputs and losses, in ten metrics) finds it
 * in the same recorded values. Of the generic faults that nobody asked for by an id, it leaves out those that a state has nothing for. It passes when the control
 * does and every fault that was planted was found.
 *
 * Otherwise this is like [method@Sng.Harness.run_stop_and_go].
 *
 * Returns: (transfer full): the report
 *
 * Since: 1.0
 */
SngReport *
sng_harness_run_faults (SngHarness *self, const char *const *ids, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (SNG_IS_HARNESS (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return sng_program_run (&faults, self, faults_new (ids), faults_free, cancellable, error);
}

/**
 * sng_harness_run_faults_async:
 * @self: a harness
 * @ids: (nullable) (array zero-terminated=1): the ids of faults, or %NULL
 * @cancellable: (nullable): ends the runs
 * @callback: (scope async) (closure user_data): called when the report is there
 * @user_data: data for @callback
 *
 * Starts what [method@Sng.Harness.run_faults] does.
 *
 * Since: 1.0
 */
void
sng_harness_run_faults_async (SngHarness *self,
                              const char *const *ids,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data)
{
  g_return_if_fail (SNG_IS_HARNESS (self));

  sng_program_start (&faults, self, faults_new (ids), faults_free, sng_harness_run_faults_async, cancellable,
                     callback, user_data);
}

/**
 * sng_harness_run_faults_finish:
 * @self: a harness
 * @result: what the callback was given
 * @error: return location for a #GError
 *
 * Ends what [method@Sng.Harness.run_faults_async] started.
 *
 * Returns: (transfer full): the report
 *
 * Since: 1.0
 */
SngReport *
sng_harness_run_faults_finish (SngHarness *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, sng_harness_run_faults_async), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
