/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A restore with a fault in it. */

#include "harness/sng-fault-private.h"

#include "sng-error.h"
#include "state/sng-checkpoint-private.h"
#include "state/sng-checkpoint-store-private.h"

static void
sng_fault_context_clear (SngFaultContext *context)
{
  g_clear_object (&context->checkpoint);
  g_clear_object (&context->fresh);
  g_clear_pointer (&context->reason, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SngFaultContext, sng_fault_context_clear)

gboolean
sng_fault_decline (SngFaultContext *context, SngFaultOutcome outcome, const char *format, ...)
{
  va_list arguments;

  if (context->outcome != SNG_FAULT_PLANTED)
    return TRUE;

  context->outcome = outcome;
  va_start (arguments, format);
  context->reason = g_strdup_vprintf (format, arguments);
  va_end (arguments);

  return TRUE;
}

SngStateDict *
sng_fault_get_state (SngFaultContext *context, const char *name)
{
  SngStateDict *state = sng_checkpoint_lookup_state (context->checkpoint, name);

  if (state == NULL)
    sng_fault_decline (context, SNG_FAULT_NOT_APPLICABLE, "there is no state \"%s\"", name);

  return state;
}

SngStateDict *
sng_fault_get_fresh (SngFaultContext *context, const char *name)
{
  return sng_checkpoint_lookup_state (context->fresh, name);
}

gboolean
sng_fault_put_count (SngFaultContext *context, const char *state, const char *name, guint64 count)
{
  SngStateDict *dict = sng_fault_get_state (context, state);

  return dict == NULL || sng_fault_set_count (dict, name, count)
         || sng_fault_decline (context, SNG_FAULT_NOT_APPLICABLE, "%s has no count \"%s\"", state, name);
}

gboolean
sng_fault_move_count (SngFaultContext *context, const char *state, const char *name, gint64 shift)
{
  SngStateDict *dict = sng_fault_get_state (context, state);

  return dict == NULL || sng_fault_shift_count (dict, name, shift)
         || sng_fault_decline (context, SNG_FAULT_NOT_APPLICABLE, "%s has no count \"%s\"", state, name);
}

SngCheckpoint *
sng_fault_load_older (SngFaultContext *context, GError **error)
{
  guint64 step = sng_checkpoint_get_step (context->checkpoint);
  g_autoptr (GArray) steps = sng_checkpoint_store_list_steps (context->checkpoints, error);
  g_autofree char *name = NULL;
  g_autofree char *path = NULL;

  if (steps == NULL)
    return NULL;

  for (guint i = steps->len; i > 0; i--)
    {
      guint64 older = g_array_index (steps, guint64, i - 1);

      if (older >= step)
        continue;

      name = sng_checkpoint_step_to_name (older);
      path = g_build_filename (sng_checkpoint_store_get_path (context->checkpoints), name, NULL);
      return sng_checkpoint_load (path, error);
    }

  sng_fault_decline (context, SNG_FAULT_NOT_APPLICABLE,
                     "there is no older checkpoint than that of step %" G_GUINT64_FORMAT, step);

  return NULL;
}

/* The live tensors of what is registered would follow the restore. */
static SngCheckpoint *
capture_copy (SngTrainer *trainer, GError **error)
{
  g_autoptr (SngCheckpoint) live =
      sng_state_registry_capture (sng_trainer_get_state_registry (trainer), 0, error);

  return live != NULL ? sng_checkpoint_copy (live, error) : NULL;
}

static gboolean
plant (SngFaultContext *context, GError **error)
{
  g_autoptr (SngFingerprint) before = sng_checkpoint_compute_fingerprint (context->checkpoint);
  g_autoptr (SngFingerprint) after = NULL;

  if (!sng_fault_get_plant (context->fault) (context, error))
    return FALSE;

  if (context->outcome != SNG_FAULT_PLANTED || context->skips_restore || context->acts_later)
    return TRUE;

  after = sng_checkpoint_compute_fingerprint (context->checkpoint);
  if (sng_fingerprint_equal (before, after))
    sng_fault_decline (context, SNG_FAULT_NOT_PLANTED,
                       "nothing was lost: the state is what it would be anyway");

  return TRUE;
}

/* That an undamaged checkpoint is refused is no doing of the fault; that a damaged one is, finds it. */
static gboolean
restore (SngFaultContext *context, SngCheckpoint *checkpoint, GError **error)
{
  g_autoptr (GError) local_error = NULL;

  if (context->outcome == SNG_FAULT_NOT_APPLICABLE || context->skips_restore)
    return TRUE;

  if (context->outcome == SNG_FAULT_NOT_PLANTED || context->acts_later)
    return context->restore (context->trainer, checkpoint, context->restore_data, error);

  if (!context->restore (context->trainer, context->checkpoint, context->restore_data, &local_error))
    sng_fault_decline (context, SNG_FAULT_REFUSED, "%s", local_error->message);

  return TRUE;
}

gboolean
sng_fault_restore (SngFault *self,
                   SngTrainer *trainer,
                   SngCheckpointStore *checkpoints,
                   SngCheckpoint *checkpoint,
                   SngFaultRestoreFunc restore_func,
                   gpointer user_data,
                   SngFaultOutcome *outcome,
                   char **reason,
                   GError **error)
{
  g_auto (SngFaultContext) context = { .fault = self,
                                       .trainer = trainer,
                                       .checkpoints = checkpoints,
                                       .restore = restore_func,
                                       .restore_data = user_data };

  context.checkpoint = sng_checkpoint_copy (checkpoint, error);
  context.fresh = context.checkpoint != NULL ? capture_copy (trainer, error) : NULL;

  if (context.fresh == NULL || !plant (&context, error) || !restore (&context, checkpoint, error))
    {
      g_prefix_error (error, "[fault][%s] ", sng_fault_get_id (self));
      return FALSE;
    }

  *outcome = context.outcome;
  *reason = g_steal_pointer (&context.reason);

  return TRUE;
}
