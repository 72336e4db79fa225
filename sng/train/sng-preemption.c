/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "train/sng-preemption.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>

#include "sng-error.h"
#include "sng-signal-name-private.h"
#include "train/sng-trainer-private.h"

/**
 * SngPreemption:
 *
 * Ends a training when a signal asks for it, with a checkpoint to go on from.
 *
 * This is how a training leaves a machine that is wanted back: schedulers of clusters send
 * SIGTERM, SIGUSR1 or SIGUSR2 some time before they kill. While the trainer
 * fits, such a signal does nothing but leave a note. When the step that it came in is finished, with its validation and its
 * checkpoint, one is saved unless the step has one, and
 * [method@Sng.Trainer.fit] fails with %SNG_ERROR_PREEMPTED. The program ends then, and
 * a later one restores the checkpoint. Further signals meanwhile, in a save too, change
 * nothing. Where the step was the last one, the training is done, and
 * [method@Sng.Trainer.fit] succeeds.
 *
 * ```c
 * g_autoptr (SngPreemption) preemption = sng_preemption_new ();
 *
 * sng_preemption_attach (preemption, trainer);
 *
 * if (!sng_trainer_fit (trainer, &error) && g_error_matches (error, SNG_ERROR, SNG_ERROR_PREEMPTED))
 *   return EXIT_SUCCESS;
 * ```
 *
 * The handlers of signals belong to the process. They are there from
 * [signal@Sng.Trainer::fit-start] on, in the place of those that the program had, which are put back when
 * the training ends, however it ends. Several trainers may train at the same time, each with its own; a signal
 * is meant for all of them that handle it. Nothing is done in a handler but what is safe there.
 *
 * Since: 1.0
 */

/* What a handler may touch. */
static _Atomic guint n_received[SNG_N_SIGNALS];

/* Whoever handles a signal, and what it meant before the first of them. */
static GMutex handlers_mutex;
static guint n_handlers[SNG_N_SIGNALS];
static struct sigaction previous[SNG_N_SIGNALS];

struct _SngPreemption
{
  GObject parent_instance;

  gboolean handles[SNG_N_SIGNALS];
  gboolean installed[SNG_N_SIGNALS];
  guint before[SNG_N_SIGNALS]; /* how many had been received when this began */
  int received;
};

G_DEFINE_FINAL_TYPE (SngPreemption, sng_preemption, G_TYPE_OBJECT)

static void
note_signal (int signal_number)
{
  atomic_fetch_add (&n_received[signal_number], 1);
}

/* Returns 0, or errno. */
static int
install (int signal_number)
{
  /* Nobody who reads or writes meanwhile is to notice. */
  struct sigaction action = { .sa_handler = note_signal, .sa_flags = SA_RESTART };
  int code = 0;

  sigemptyset (&action.sa_mask);
  g_mutex_lock (&handlers_mutex);
  if (n_handlers[signal_number] == 0 && sigaction (signal_number, &action, &previous[signal_number]) != 0)
    code = errno;
  else
    n_handlers[signal_number]++;
  g_mutex_unlock (&handlers_mutex);

  return code;
}

static void
uninstall (int signal_number)
{
  g_mutex_lock (&handlers_mutex);
  if (--n_handlers[signal_number] == 0)
    sigaction (signal_number, &previous[signal_number], NULL);
  g_mutex_unlock (&handlers_mutex);
}

static void
look_for_signals (SngPreemption *self)
{
  for (int i = SNG_N_SIGNALS - 1; i > 0; i--)
    if (self->installed[i] && atomic_load (&n_received[i]) != self->before[i])
      self->received = i;
}

static void
end (SngPreemption *self)
{
  look_for_signals (self);

  for (int i = 1; i < SNG_N_SIGNALS; i++)
    {
      if (self->installed[i])
        uninstall (i);
      self->installed[i] = FALSE;
    }
}

static void
fit_end_cb (SngTrainer *trainer, SngPreemption *self)
{
  end (self);
}

static void
interrupted_cb (SngTrainer *trainer, GError *error, SngPreemption *self)
{
  end (self);
}

static gboolean
begin (SngPreemption *self, SngTrainer *trainer, GError **error)
{
  self->received = 0;

  if (sng_trainer_get_model_checkpoint (trainer) == NULL)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "[preemption] the trainer has no model-checkpoint to save with when a signal comes");
      return FALSE;
    }

  for (int i = 1; i < SNG_N_SIGNALS; i++)
    {
      int code;

      if (!self->handles[i])
        continue;

      self->before[i] = atomic_load (&n_received[i]);
      code = install (i);
      if (code != 0)
        {
          g_autofree char *name = sng_signal_to_name (i);

          g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                       "[preemption] signal %s cannot be handled: %s", name, g_strerror (code));
          return FALSE;
        }
      self->installed[i] = TRUE;
    }

  return TRUE;
}

static void
fit_start_cb (SngTrainer *trainer, SngPreemption *self)
{
  g_autoptr (GError) error = NULL;

  if (!begin (self, trainer, &error))
    sng_trainer_end_with_error (trainer, error);
}

static void
step_finished_cb (SngTrainer *trainer, SngPreemption *self)
{
  guint64 step = sng_trainer_get_global_step (trainer);
  g_autoptr (GError) error = NULL;

  look_for_signals (self);

  if (self->received == 0 || sng_trainer_is_done (trainer))
    return;

  if (sng_trainer_ensure_checkpoint (trainer, &error))
    {
      g_autofree char *name = sng_signal_to_name (self->received);

      g_set_error (&error, SNG_ERROR, SNG_ERROR_PREEMPTED,
                   "[preemption] signal %s has ended the training after step %" G_GUINT64_FORMAT
                   ", whose state is saved",
                   name, step);
    }
  sng_trainer_end_with_error (trainer, error);
}

static void
sng_preemption_class_init (SngPreemptionClass *klass)
{
}

static void
sng_preemption_init (SngPreemption *self)
{
  self->handles[SIGTERM] = TRUE;
  self->handles[SIGUSR1] = TRUE;
  self->handles[SIGUSR2] = TRUE;
}

/**
 * sng_preemption_new:
 *
 * Creates a preemption by SIGTERM, SIGUSR1 and SIGUSR2. It does nothing before
 * [method@Sng.Preemption.attach].
 *
 * Returns: (transfer full): a new preemption
 *
 * Since: 1.0
 */
SngPreemption *
sng_preemption_new (void)
{
  return g_object_new (SNG_TYPE_PREEMPTION, NULL);
}

/**
 * sng_preemption_set_handles:
 * @self: a preemption
 * @signal_number: the number of a signal, such as SIGINT
 * @handles: whether it ends the training
 *
 * Chooses whether a signal ends the training. It counts from the next
 * [method@Sng.Trainer.fit] on, which fails with %SNG_ERROR_INVALID_ARGUMENT where the system lets nobody handle the
 * signal, as SIGKILL.
 *
 * Since: 1.0
 */
void
sng_preemption_set_handles (SngPreemption *self, int signal_number, gboolean handles)
{
  g_return_if_fail (SNG_IS_PREEMPTION (self));
  g_return_if_fail (signal_number > 0 && signal_number < SNG_N_SIGNALS);

  self->handles[signal_number] = handles;
}

/**
 * sng_preemption_get_handles:
 * @self: a preemption
 * @signal_number: the number of a signal
 *
 * Tells whether a signal ends the training.
 *
 * Returns: whether it does
 *
 * Since: 1.0
 */
gboolean
sng_preemption_get_handles (SngPreemption *self, int signal_number)
{
  g_return_val_if_fail (SNG_IS_PREEMPTION (self), FALSE);
  g_return_val_if_fail (signal_number > 0 && signal_number < SNG_N_SIGNALS, FALSE);

  return self->handles[signal_number];
}

/**
 * sng_preemption_get_received:
 * @self: a preemption
 *
 * Tells which signal was received while the trainer fitted last, once that is over. It may be one that came too late
 * to end anything, when the last step was made.
 *
 * Returns: the number of the signal, the smallest of several; 0: none
 *
 * Since: 1.0
 */
int
sng_preemption_get_received (SngPreemption *self)
{
  g_return_val_if_fail (SNG_IS_PREEMPTION (self), 0);

  return self->received;
}

/**
 * sng_preemption_attach:
 * @self: a preemption that is attached to no other trainer
 * @trainer: a trainer with a [property@Sng.Trainer:model-checkpoint], which need not be there before it fits
 *
 * Makes the preemption listen to @trainer, which holds a reference to it from
 * then on.
 *
 * Since: 1.0
 */
void
sng_preemption_attach (SngPreemption *self, SngTrainer *trainer)
{
  g_return_if_fail (SNG_IS_PREEMPTION (self));
  g_return_if_fail (SNG_IS_TRAINER (trainer));

  g_signal_connect_data (trainer, "fit-start", G_CALLBACK (fit_start_cb), g_object_ref (self),
                         (GClosureNotify) (void (*) (void)) g_object_unref, 0);
  g_signal_connect_after (trainer, "step-finished", G_CALLBACK (step_finished_cb), self);
  g_signal_connect_after (trainer, "fit-end", G_CALLBACK (fit_end_cb), self);
  g_signal_connect_after (trainer, "interrupted", G_CALLBACK (interrupted_cb), self);
}
