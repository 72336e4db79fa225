/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What an interrupt does to the trainer that it is attached to. */

#include "harness/sng-interrupt-private.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "sng-error.h"
#include "state/sng-checkpoint-store-private.h"
#include "train/sng-preemption.h"
#include "train/sng-trainer-private.h"

gboolean
sng_interrupt_kills (SngInterrupt *self)
{
  return self->kind == SNG_INTERRUPT_KILL || self->kind == SNG_INTERRUPT_KILL_IN_SAVE;
}

/* The step at work: the trainer counts it when the schedule has made its step. */
static gboolean
is_at_step (SngInterrupt *self)
{
  guint64 step = sng_trainer_get_global_step (self->trainer);

  if (self->phase < SNG_PHASE_STEP_FINISHED)
    step++;

  return self->step == 0 || self->step == step;
}

static void
end_on_purpose (SngInterrupt *self)
{
  g_autofree char *text = sng_interrupt_to_string (self);
  g_autoptr (GError) error = NULL;

  if (self->phase != SNG_PHASE_STEP_FINISHED || sng_trainer_ensure_checkpoint (self->trainer, &error))
    g_set_error (&error, SNG_ERROR, SNG_ERROR_STOP_AND_GO,
                 "[interrupt] the training was stopped on purpose, by \"%s\"", text);

  sng_trainer_end_with_error (self->trainer, error);
}

static void
fire (SngInterrupt *self)
{
  if (self->fired)
    return;

  self->fired = TRUE;
  sng_interrupt_emit_fired (self);

  switch (self->kind)
    {
    case SNG_INTERRUPT_RAISE:
      end_on_purpose (self);
      break;
    case SNG_INTERRUPT_PREEMPT:
      /* In this thread, so that it is received before this returns. */
      raise (self->signal_number);
      break;
    case SNG_INTERRUPT_KILL:
    case SNG_INTERRUPT_KILL_IN_SAVE:
      kill (getpid (), SIGKILL);
      break;
    default:
      g_assert_not_reached ();
    }
}

static void
step_start_cb (SngTrainer *trainer, SngInterrupt *self)
{
  if (is_at_step (self))
    fire (self);
}

static void
phase_end_cb (SngTrainer *trainer, SngPhase phase, guint micro_batch, SngInterrupt *self)
{
  if (phase == self->phase && is_at_step (self)
      && (!sng_phase_has_micro_batches (phase) || micro_batch == self->index))
    fire (self);
}

static void
step_finished_cb (SngTrainer *trainer, SngInterrupt *self)
{
  guint64 step = sng_trainer_get_global_step (trainer);
  gboolean saved = sng_trainer_get_last_checkpoint_step (trainer) == step
                   || sng_trainer_get_private (trainer)->pending_step == step;

  if (is_at_step (self) && (self->step != 0 || saved))
    fire (self);
}

static gint64
storage_perform (SngStorage *storage, const SngStorageCall *call)
{
  SngInterrupt *self =
      (SngInterrupt *) (gpointer) ((char *) storage - G_STRUCT_OFFSET (SngInterrupt, storage));
  SngCheckpointStore *store = sng_trainer_get_checkpoint_store (self->trainer);

  /* In the background the training may be at a later step. */
  if ((self->step == 0 || store->saved_step == self->step) && ++self->n_operations == self->operation)
    fire (self);

  return sng_storage_perform (storage->next, call);
}

/* A step in which nobody has saved is saved for the sake of the interrupt. */
static void
save_cb (SngTrainer *trainer, SngInterrupt *self)
{
  g_autoptr (GError) error = NULL;

  if (self->step != 0 && is_at_step (self) && !sng_trainer_ensure_checkpoint (trainer, &error))
    sng_trainer_end_with_error (trainer, error);
}

static void
fit_start_cb (SngTrainer *trainer, SngInterrupt *self)
{
  SngCheckpointStore *store = sng_trainer_get_checkpoint_store (trainer);

  self->storage.perform = storage_perform;
  if (store != NULL)
    sng_storage_push (sng_checkpoint_store_get_storage (store), &self->storage);
}

static void
leave_storage (SngInterrupt *self)
{
  SngCheckpointStore *store = sng_trainer_get_checkpoint_store (self->trainer);

  if (store != NULL)
    sng_storage_remove (sng_checkpoint_store_get_storage (store), &self->storage);
}

static void
fit_end_cb (SngTrainer *trainer, SngInterrupt *self)
{
  leave_storage (self);
}

static void
interrupted_cb (SngTrainer *trainer, GError *error, SngInterrupt *self)
{
  leave_storage (self);
}

static void
listen (SngInterrupt *self, const char *signal, GCallback callback)
{
  g_signal_connect_data (self->trainer, signal, callback, g_object_ref (self),
                         (GClosureNotify) (void (*) (void)) g_object_unref, G_CONNECT_AFTER);
}

/**
 * sng_interrupt_attach:
 * @self: an interrupt that is not attached
 * @trainer: the trainer whose run it ends
 *
 * Makes the interrupt listen to @trainer, which holds a reference to it from
 * then on.
 *
 * Since: 1.0
 */
void
sng_interrupt_attach (SngInterrupt *self, SngTrainer *trainer)
{
  g_return_if_fail (SNG_IS_INTERRUPT (self));
  g_return_if_fail (SNG_IS_TRAINER (trainer));
  g_return_if_fail (self->trainer == NULL);

  self->trainer = trainer;

  switch (self->phase)
    {
    case SNG_PHASE_STEP_START:
      listen (self, "step-start", G_CALLBACK (step_start_cb));
      break;
    case SNG_PHASE_STEP_FINISHED:
      listen (self, "step-finished", G_CALLBACK (step_finished_cb));
      break;
    case SNG_PHASE_SAVE:
      listen (self, "fit-start", G_CALLBACK (fit_start_cb));
      listen (self, "step-finished", G_CALLBACK (save_cb));
      listen (self, "fit-end", G_CALLBACK (fit_end_cb));
      listen (self, "interrupted", G_CALLBACK (interrupted_cb));
      break;
    default:
      listen (self, "phase-end", G_CALLBACK (phase_end_cb));
    }

  /* After the above: the step in whose end the signal is raised is the one that is saved. */
  if (self->kind == SNG_INTERRUPT_PREEMPT)
    {
      g_autoptr (SngPreemption) preemption = sng_preemption_new ();

      sng_preemption_set_handles (preemption, self->signal_number, TRUE);
      sng_preemption_attach (preemption, trainer);
    }
}
