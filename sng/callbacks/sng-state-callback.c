/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "callbacks/sng-state-callback-private.h"

#include "sng-error.h"
#include "state/sng-vfunc-private.h"

/**
 * SngStateCallback:
 *
 * Records the state of something: at the start of the training, and at the end
 * of each step.
 *
 * Both times the entries carry the trainer's global step. So what a resumed training records
 * at its start, right after the restore, is compared with what the uninterrupted one
 * recorded at the end of that step.
 *
 * A subclass implements [vfunc@Sng.StateCallback.record].
 *
 * Since: 1.0
 */

/**
 * SngStateCallbackClass:
 * @parent_class: the parent class
 * @record: records the state under the given step, in %SNG_STAGE_TRAIN and without a
 *   micro-batch
 *
 * The function that a state callback implements.
 *
 * Since: 1.0
 */

G_DEFINE_ABSTRACT_TYPE (SngStateCallback, sng_state_callback, SNG_TYPE_CALLBACK)

static gboolean
sng_state_callback_record (SngCallback *callback, SngTrainer *trainer, GError **error)
{
  SngStateCallbackClass *klass = SNG_STATE_CALLBACK_GET_CLASS (callback);
  gboolean done;

  if (!sng_vfunc_check_implemented (callback, "record", klass->record != NULL, error))
    return FALSE;

  done = klass->record (SNG_STATE_CALLBACK (callback), trainer, sng_trainer_get_global_step (trainer), error);

  return sng_vfunc_check_result (callback, "record", done, error);
}

static void
sng_state_callback_class_init (SngStateCallbackClass *klass)
{
  SngCallbackClass *callback_class = SNG_CALLBACK_CLASS (klass);

  callback_class->fit_start = sng_state_callback_record;
  callback_class->step_end = sng_state_callback_record;
}

static void
sng_state_callback_init (SngStateCallback *self)
{
}

gboolean
sng_state_callback_record_part (SngStateCallback *self,
                                gpointer part,
                                const char *prefix,
                                guint64 step,
                                GError **error)
{
  g_autoptr (SngStateDict) state = NULL;

  if (!SNG_IS_STATEFUL (part))
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "[callback][%s] %s has no state: it is no SngStateful",
                   sng_callback_get_metric (SNG_CALLBACK (self)), G_OBJECT_TYPE_NAME (part));
      return FALSE;
    }

  state = sng_stateful_get_state (part, error);

  return state != NULL
         && sng_callback_record_state (SNG_CALLBACK (self), SNG_STAGE_TRAIN, step, -1, prefix, state, error);
}
