/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The runs of a command: CONTINUOUS, STOP and each RESUME, and CONTINUOUS once more where they differ. */

#include "harness/sng-command-harness-private.h"

#include "harness/sng-interrupt-private.h"
#include "sng-error.h"

typedef struct
{
  SngReport *report; /* of the runs that are done; NULL: not yet judged */
  SngDrill *drill;
  gboolean drills; /* what is run now is a closer look */
} Call;

static void
call_free (gpointer data)
{
  Call *call = data;

  g_clear_object (&call->report);
  sng_drill_free (call->drill);
  g_free (call);
}

static gboolean
has_run (GPtrArray *done, SngMode mode)
{
  return sng_run_find (done, sng_mode_to_string (mode)) != NULL;
}

static guint
count_segments (GPtrArray *done)
{
  guint n = 0;

  for (guint i = 0; i < done->len; i++)
    {
      const SngRun *run = g_ptr_array_index (done, i);

      n += run->mode == SNG_MODE_STOP || run->mode == SNG_MODE_RESUME;
    }

  return n;
}

/* ---- Where it is stopped ---- */

/* What a plan has drawn for a trainer, as far as a command has it: a stop at the end of the step. */
static SngInterrupt *
adapt (SngInterrupt *interrupt)
{
  SngInterruptKind kind = sng_interrupt_get_kind (interrupt);

  if (sng_interrupt_get_phase (interrupt) == SNG_PHASE_STEP_FINISHED)
    return g_object_ref (interrupt);

  return sng_interrupt_new (kind == SNG_INTERRUPT_KILL_IN_SAVE ? SNG_INTERRUPT_KILL : kind,
                            sng_interrupt_get_step (interrupt));
}

/* One that records nothing stops by a command of its own. */
static gboolean
resolve_without_steps (SngHarness *harness, SngStopPlan *plan, GError **error)
{
  g_autoptr (SngInterrupt) somewhere = sng_interrupt_new (SNG_INTERRUPT_RAISE, 0);

  if (SNG_COMMAND_HARNESS (harness)->stop_command == NULL)
    {
      g_set_error_literal (
          error, SNG_ERROR, SNG_ERROR_NOT_RECORDED,
          "[harness][stop] the command records no steps, so nobody knows where it could be stopped: set a "
          "stop-command, which ends before the training is over, or let it be killed at its file "
          "operations (kill-dir)");
      return FALSE;
    }

  sng_stop_plan_add (plan, somewhere);

  return TRUE;
}

static gboolean
resolve_with_steps (SngHarness *harness, SngStopPlan *plan, GError **error)
{
  SngCommandHarness *self = SNG_COMMAND_HARNESS (harness);
  SngHarnessPrivate *priv = sng_harness_get_private (harness);
  g_autoptr (SngStopPlan) wanted =
      sng_stop_plan_from_string (priv->stop_plan != NULL ? priv->stop_plan : "default", error);
  g_autofree char *path = sng_harness_dup_run_store_path (harness, sng_mode_to_string (SNG_MODE_CONTINUOUS));
  g_autoptr (SngRunStore) continuous = sng_run_store_open (path, error);
  g_autoptr (SngStopPlan) resolved = NULL;
  guint64 middle = (self->first_step + self->last_step) / 2;

  if (wanted == NULL || continuous == NULL)
    return FALSE;

  if (self->first_step == self->last_step)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_OTHER_STEPS,
                   "[harness][stop] CONTINUOUS recorded step %" G_GUINT64_FORMAT
                   " only: a training that is stopped and resumed has at least 2 steps",
                   self->last_step);
      return FALSE;
    }

  resolved = sng_stop_plan_resolve (wanted, continuous, self->last_step,
                                    priv->stop_step != 0 ? priv->stop_step : middle, error);
  if (resolved == NULL)
    return FALSE;

  for (guint i = 0; i < sng_stop_plan_get_n_interrupts (resolved); i++)
    {
      g_autoptr (SngInterrupt) interrupt = adapt (sng_stop_plan_get_interrupt (resolved, i));

      sng_stop_plan_add (plan, interrupt);
    }

  return TRUE;
}

static gboolean
resolve_stops (SngHarness *harness, GError **error)
{
  SngHarnessPrivate *priv = sng_harness_get_private (harness);

  g_clear_object (&priv->plan);
  priv->plan = sng_stop_plan_new ();

  if (!(SNG_COMMAND_HARNESS (harness)->last_step == 0 ? resolve_without_steps (harness, priv->plan, error)
                                                      : resolve_with_steps (harness, priv->plan, error)))
    return FALSE;

  /* Now it is known. */
  return sng_harness_write_plan (harness, NULL, error);
}

static SngRun *
create_segment (SngHarness *harness, guint segment)
{
  SngStopPlan *plan = sng_harness_get_private (harness)->plan;
  g_autofree char *name = sng_harness_dup_segment_name (harness, segment);
  SngRun *run = sng_run_new (segment == 0 ? SNG_MODE_STOP : SNG_MODE_RESUME, name);

  if (SNG_COMMAND_HARNESS (harness)->last_step != 0 && segment < sng_stop_plan_get_n_interrupts (plan))
    run->interrupt = sng_interrupt_to_string (sng_stop_plan_get_interrupt (plan, segment));

  return run;
}

/* Where a kill came before the first checkpoint a training begins anew, as it must. One that does so each time goes on with nothing. */
static gboolean
check_resumed (SngCommandHarness *self, GPtrArray *done, GError **error)
{
  const SngRun *last = NULL;

  for (guint i = 0; i < done->len; i++)
    {
      const SngRun *run = g_ptr_array_index (done, i);

      if (run->mode == SNG_MODE_RESUME && run->first_step != self->first_step)
        return TRUE;
      if (run->mode == SNG_MODE_RESUME)
        last = run;
    }

  if (last == NULL || self->first_step == 0)
    return TRUE;

  g_set_error (
      error, SNG_ERROR, SNG_ERROR_NOT_RESUMED,
      "%s began with step %" G_GUINT64_FORMAT
      " as if nothing had been there: either no checkpoint had been saved before the stop (save "
      "earlier, or stop later), or the command does not look for one. SNG_MODE is \"resume\" then, and "
      "SNG_CHECKPOINT_DIR has what STOP left; a command that needs an option to resume is set as "
      "resume-command",
      last->name, last->first_step);

  return FALSE;
}

/* ---- A closer look ---- */

/* Ended after the step of the place, if not before. */
static SngRun *
create_drill_run (Call *call, const SngRun *like, gboolean is_last)
{
  SngRun *run = sng_drill_create_run (call->drill, like->mode, like->name);

  if (is_last)
    run->interrupt = g_strdup_printf ("%" G_GUINT64_FORMAT ":kill", run->capture_step);
  else
    run->interrupt = g_strdup (like->interrupt);

  return run;
}

/* CONTINUOUS once more, and the training that differs, with all the stops that it had before. They are made in this order. */
static void
begin_drill (SngHarness *harness, GPtrArray *done, GPtrArray *batch, Call *call)
{
  const SngRun *other = sng_drill_look (call->drill, harness, call->report, done);
  SngRun *continuous;

  call->drills = TRUE;
  if (other == NULL)
    return;

  continuous = create_drill_run (call, sng_run_find (done, sng_mode_to_string (SNG_MODE_CONTINUOUS)), TRUE);
  g_ptr_array_add (batch, continuous);

  for (guint i = 0; i < done->len; i++)
    {
      const SngRun *run = g_ptr_array_index (done, i);

      if (run == other
          || (other->mode == SNG_MODE_RESUME && (run->mode == SNG_MODE_STOP || run->mode == SNG_MODE_RESUME)))
        g_ptr_array_add (batch, create_drill_run (call, run, run == other));
      if (run == other)
        break;
    }

  sng_drill_set_runs (call->drill, continuous, g_ptr_array_index (batch, batch->len - 1));
}

/* ---- The program ---- */

/* Once the interrupted training is over: where it differs, is it the resume or the training? */
static gboolean
next_after_all (SngHarness *harness, GPtrArray *done, GPtrArray *batch, Call *call, GError **error)
{
  if (!check_resumed (SNG_COMMAND_HARNESS (harness), done, error))
    return FALSE;

  g_clear_object (&call->report);
  call->report = sng_command_judge (harness, done, error);
  if (call->report == NULL)
    return FALSE;

  if (sng_report_get_verdict (call->report) == SNG_VERDICT_DIVERGED && !has_run (done, SNG_MODE_REPEAT))
    g_ptr_array_add (batch, sng_run_new (SNG_MODE_REPEAT, sng_mode_to_string (SNG_MODE_REPEAT)));
  else if (SNG_COMMAND_HARNESS (harness)->last_step != 0
           && g_list_model_get_n_items (sng_report_get_parts (call->report)) == 0)
    begin_drill (harness, done, batch, call);

  return TRUE;
}

static gboolean
next (SngHarness *harness, GPtrArray *done, GPtrArray *batch, gpointer data, GError **error)
{
  SngCommandHarness *self = SNG_COMMAND_HARNESS (harness);
  SngRun *last = done->len > 0 ? g_ptr_array_index (done, done->len - 1) : NULL;
  guint n_segments = count_segments (done);
  Call *call = data;

  /* What the closer look has left is of no use to anybody. */
  if (call->drills)
    return sng_command_clear_checkpoints (self, error);

  if (last == NULL)
    {
      g_ptr_array_add (batch, sng_run_new (SNG_MODE_CONTINUOUS, sng_mode_to_string (SNG_MODE_CONTINUOUS)));
      return TRUE;
    }

  if (last->mode == SNG_MODE_STOP && !sng_command_note_stop (self, last, error))
    return FALSE;
  if (!last->is_interrupted && !sng_command_take_results (self, last, error))
    return FALSE;

  if (sng_harness_get_private (harness)->repeat && !has_run (done, SNG_MODE_REPEAT))
    g_ptr_array_add (batch, sng_run_new (SNG_MODE_REPEAT, sng_mode_to_string (SNG_MODE_REPEAT)));
  else if (n_segments == 0 && !resolve_stops (harness, error))
    return FALSE;
  else if (n_segments == 0 || last->is_interrupted)
    g_ptr_array_add (batch, create_segment (harness, n_segments));
  else
    return next_after_all (harness, done, batch, call, error);

  return TRUE;
}

static SngReport *
judge (SngHarness *harness, GPtrArray *done, gpointer data, GError **error)
{
  Call *call = data;

  return call->drills ? sng_drill_finish (call->drill, harness) : g_steal_pointer (&call->report);
}

static guint64
count_steps (SngHarness *harness, gpointer data)
{
  SngHarnessPrivate *priv = sng_harness_get_private (harness);

  return (guint64) priv->num_steps * (priv->repeat ? 3 : 2);
}

static gpointer
create_call (void)
{
  Call *call = g_new0 (Call, 1);

  call->drill = sng_drill_new ();

  return call;
}

const SngProgram sng_command_stop_and_go = { next, judge, count_steps, NULL, create_call, call_free };
