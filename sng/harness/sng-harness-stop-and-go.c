/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The stop-and-go: a training that is never stopped, and one that is. */

#include "harness/sng-program-private.h"

/* ---- Which run comes next ---- */

/* The last of those done that has the mode; NULL: none. */
static SngRun *
find_last (GPtrArray *done, SngMode mode)
{
  for (guint i = done->len; i > 0; i--)
    {
      SngRun *run = g_ptr_array_index (done, i - 1);

      if (run->mode == mode)
        return run;
    }

  return NULL;
}

static guint
count_segments (GPtrArray *done)
{
  guint n = 0;

  for (guint i = 0; i < done->len; i++)
    {
      SngRun *run = g_ptr_array_index (done, i);

      n += run->mode == SNG_MODE_STOP || run->mode == SNG_MODE_RESUME;
    }

  return n;
}

static char *
dup_interrupt (SngHarness *self, guint segment)
{
  SngStopPlan *plan = sng_harness_get_private (self)->plan;

  if (segment >= sng_stop_plan_get_n_interrupts (plan))
    return NULL;

  return sng_interrupt_to_string (sng_stop_plan_get_interrupt (plan, segment));
}

/* Whether a stop leaves a checkpoint in any case. */
static gboolean
saves (const char *text)
{
  g_autoptr (SngInterrupt) interrupt = sng_interrupt_from_string (text, NULL);
  SngInterruptKind kind = interrupt != NULL ? sng_interrupt_get_kind (interrupt) : SNG_INTERRUPT_RAISE;

  return kind == SNG_INTERRUPT_PREEMPT
         || (kind == SNG_INTERRUPT_RAISE && interrupt != NULL
             && sng_interrupt_get_phase (interrupt) == SNG_PHASE_STEP_FINISHED);
}

void
sng_harness_stress_run (SngHarness *self, SngRun *run)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);

  run->stress = priv->stress;
  if ((priv->stress & SNG_STRESS_THREADS) != 0)
    run->n_threads = priv->n_threads != 1 ? 1 : 2;
}

/* STOP, or a RESUME that goes on with what the segment before has left. */
static SngRun *
create_segment (SngHarness *self, guint segment)
{
  g_autofree char *name = sng_harness_dup_segment_name (self, segment);
  SngRun *run = sng_run_new (segment == 0 ? SNG_MODE_STOP : SNG_MODE_RESUME, name);

  run->interrupt = dup_interrupt (self, segment);

  if (segment > 0)
    {
      g_autofree char *before = sng_harness_dup_segment_name (self, segment - 1);
      g_autofree char *interrupt = dup_interrupt (self, segment - 1);

      run->source = g_build_filename (before, "checkpoints", NULL);
      run->may_start_anew = !saves (interrupt);
      sng_harness_stress_run (self, run);
    }

  return run;
}

/* The segment that comes next, of a training of which those before @first were made by an earlier call. */
static gboolean
next_segment (SngHarness *self, GPtrArray *done, GPtrArray *batch, guint first, GError **error)
{
  guint n_segments = count_segments (done);
  SngRun *last = n_segments > 0 ? g_ptr_array_index (done, done->len - 1) : NULL;

  if (last == NULL && !sng_harness_resolve_stops (self, error))
    return FALSE;

  /* An interrupt that did not fire lets the training reach its end. */
  if (last == NULL || (last->interrupt != NULL && last->is_interrupted))
    g_ptr_array_add (batch, create_segment (self, first + n_segments));

  return TRUE;
}

gboolean
sng_harness_next_of_stop_and_go (SngHarness *self, GPtrArray *done, GPtrArray *batch, GError **error)
{
  if (find_last (done, SNG_MODE_CONTINUOUS) == NULL)
    g_ptr_array_add (batch, sng_run_new (SNG_MODE_CONTINUOUS, sng_mode_to_string (SNG_MODE_CONTINUOUS)));
  else if (sng_harness_get_private (self)->repeat && find_last (done, SNG_MODE_REPEAT) == NULL)
    g_ptr_array_add (batch, sng_run_new (SNG_MODE_REPEAT, sng_mode_to_string (SNG_MODE_REPEAT)));
  else
    return next_segment (self, done, batch, 0, error);

  return TRUE;
}

/* What a kill throws away is not known beforehand. */
guint64
sng_harness_count_stop_and_go (SngHarness *self)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);

  return (guint64) priv->num_steps * (priv->repeat ? 3 : 2);
}

/* ---- The programs ---- */

static gboolean
next_of_all (SngHarness *self, GPtrArray *done, GPtrArray *batch, gpointer data, GError **error)
{
  if (!sng_drill_is_begun (data) && !sng_harness_next_of_stop_and_go (self, done, batch, error))
    return FALSE;

  return batch->len > 0 || sng_drill_next (data, self, done, batch, error);
}

static gboolean
next_of_continuous (SngHarness *self, GPtrArray *done, GPtrArray *batch, gpointer data, GError **error)
{
  if (done->len == 0)
    g_ptr_array_add (batch, sng_run_new (SNG_MODE_CONTINUOUS, sng_mode_to_string (SNG_MODE_CONTINUOUS)));

  return TRUE;
}

static gboolean
next_of_stop (SngHarness *self, GPtrArray *done, GPtrArray *batch, gpointer data, GError **error)
{
  return done->len > 0 || next_segment (self, done, batch, 0, error);
}

static gboolean
next_of_resume (SngHarness *self, GPtrArray *done, GPtrArray *batch, gpointer data, GError **error)
{
  return next_segment (self, done, batch, 1, error);
}

static SngReport *
judge_all (SngHarness *self, GPtrArray *done, gpointer data, GError **error)
{
  return sng_drill_finish (data, self);
}

static guint64
count_all (SngHarness *self, gpointer data)
{
  return sng_harness_count_stop_and_go (self);
}

static guint64
count_one (SngHarness *self, gpointer data)
{
  return sng_harness_get_private (self)->num_steps;
}

const SngProgram *
sng_harness_get_stop_and_go (SngHarness *self)
{
  const SngRunner *runner = sng_harness_get_private (self)->runner;

  return runner != NULL ? runner->stop_and_go : &sng_program_stop_and_go;
}

const SngProgram sng_program_stop_and_go = { next_of_all, judge_all,     count_all,
                                             NULL,        sng_drill_new, sng_drill_free };
const SngProgram sng_program_continuous = { next_of_continuous, NULL, count_one, "nowhere" };
const SngProgram sng_program_stop = { next_of_stop, NULL, count_one, NULL };
const SngProgram sng_program_resume = { next_of_resume, NULL, count_one, NULL };
