/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Faults of the life of a training: its steps and windows, what it does between them, and its checkpoints. */

#include "harness/sng-fault-plants-private.h"

#include "train/sng-trainer-private.h"

gboolean
sng_fault_plant_needs_ranks (SngFaultContext *context, GError **error)
{
  return sng_fault_decline (context, SNG_FAULT_NOT_APPLICABLE, "the training has one rank");
}

gboolean
sng_fault_plant_counter_off (SngFaultContext *context, GError **error)
{
  return sng_fault_move_count (context, "trainer", "global_step", 1);
}

/* ---- Validation ---- */

typedef struct
{
  guint64 interval;
  guint64 restored;
} Cadence;

static gboolean
is_due (const Cadence *cadence, guint64 step)
{
  return (step - cadence->restored) % cadence->interval == 0;
}

static void
shift_validation_cb (SngTrainer *trainer, Cadence *cadence)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (trainer);

  priv->is_validation_due = is_due (cadence, priv->progress->global_step);
}

static void
cadence_free (gpointer data, GClosure *closure)
{
  g_free (data);
}

gboolean
sng_fault_plant_val_shifted (SngFaultContext *context, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_private (context->trainer);
  Cadence cadence = { priv->val_check_interval, sng_checkpoint_get_step (context->checkpoint) };

  if (cadence.interval == 0)
    return sng_fault_decline (context, SNG_FAULT_NOT_APPLICABLE, "the training does not validate");

  for (guint64 step = cadence.restored + 1; step <= priv->max_steps; step++)
    if ((step % cadence.interval == 0) != is_due (&cadence, step))
      {
        g_signal_connect_data (context->trainer, "step-end", G_CALLBACK (shift_validation_cb),
                               g_memdup2 (&cadence, sizeof cadence), cadence_free, 0);
        context->acts_later = TRUE;
        return TRUE;
      }

  return sng_fault_decline (
      context, SNG_FAULT_NOT_PLANTED,
      "nothing was lost: no validation up to step %" G_GUINT64_FORMAT " is at another step", priv->max_steps);
}

/* as one that is made anew */
gboolean
sng_fault_plant_early_stop_reset (SngFaultContext *context, GError **error)
{
  SngStateDict *fresh = sng_fault_get_fresh (context, "early-stopping");

  if (sng_fault_get_state (context, "early-stopping") != NULL && fresh != NULL)
    sng_checkpoint_set_state (context->checkpoint, "early-stopping", fresh);

  return TRUE;
}

/* ---- Accumulation ---- */

static void
forget_gradients_cb (SngTrainer *trainer,
                     SngStage stage,
                     guint micro_batch,
                     SngStateDict *batch,
                     SngStateDict *outputs,
                     gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  if (stage != SNG_STAGE_TRAIN)
    return;

  g_signal_handlers_disconnect_by_func (trainer, forget_gradients_cb, user_data);

  if (!sng_model_zero_gradients (sng_trainer_get_model (trainer), &error))
    sng_trainer_end_with_error (trainer, error);
}

/* The window goes on with nothing of its first micro-batch. */
gboolean
sng_fault_plant_accum_lost (SngFaultContext *context, GError **error)
{
  if (sng_trainer_get_private (context->trainer)->accumulate_grad_batches < 2)
    return sng_fault_decline (context, SNG_FAULT_NOT_APPLICABLE, "a window has one micro-batch");

  g_signal_connect (context->trainer, "micro-batch-end", G_CALLBACK (forget_gradients_cb), NULL);
  context->acts_later = TRUE;

  return TRUE;
}

/* ---- Checkpoints ---- */

gboolean
sng_fault_plant_torn_mixed (SngFaultContext *context, GError **error)
{
  g_autoptr (SngCheckpoint) older = NULL;
  g_autoptr (GError) local_error = NULL;
  SngStateDict *weights;

  older = sng_fault_load_older (context, &local_error);
  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }

  weights = older != NULL ? sng_checkpoint_lookup_state (older, "model") : NULL;
  if (weights != NULL)
    sng_checkpoint_set_state (context->checkpoint, "model", weights);

  return TRUE;
}

gboolean
sng_fault_plant_stale_latest (SngFaultContext *context, GError **error)
{
  g_autoptr (SngCheckpoint) older = NULL;
  g_autoptr (GError) local_error = NULL;

  older = sng_fault_load_older (context, &local_error);
  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }

  if (older != NULL)
    g_set_object (&context->checkpoint, older);

  return TRUE;
}

/* A step of which nobody hears. */
static gboolean
step_unheard (SngTrainer *trainer, GError **error)
{
  guint n_signals;
  g_autofree guint *signals = g_signal_list_ids (SNG_TYPE_TRAINER, &n_signals);
  g_autoptr (GArray) blocked = g_array_new (FALSE, FALSE, sizeof (gulong));
  gboolean succeeded;

  for (guint i = 0; i < n_signals; i++)
    {
      gulong id;

      while ((id = g_signal_handler_find (trainer, G_SIGNAL_MATCH_ID | G_SIGNAL_MATCH_UNBLOCKED, signals[i],
                                          0, NULL, NULL, NULL))
             != 0)
        {
          g_signal_handler_block (trainer, id);
          g_array_append_val (blocked, id);
        }
    }

  succeeded = sng_trainer_make_step (trainer, error);

  for (guint i = 0; i < blocked->len; i++)
    g_signal_handler_unblock (trainer, g_array_index (blocked, gulong, i));

  return succeeded;
}

/* The optimizer as it is one step later, and everything else as it should be. */
gboolean
sng_fault_plant_async_race (SngFaultContext *context, GError **error)
{
  SngOptimizer *optimizer = sng_trainer_get_optimizer (context->trainer);
  g_autoptr (SngStateDict) live = NULL;
  g_autoptr (SngStateDict) later = NULL;

  if (!context->restore (context->trainer, context->checkpoint, context->restore_data, error)
      || !step_unheard (context->trainer, error))
    return FALSE;

  live = sng_stateful_get_state (SNG_STATEFUL (optimizer), error);
  later = live != NULL ? sng_state_dict_copy (live, error) : NULL;
  if (later == NULL)
    return FALSE;

  sng_checkpoint_set_state (context->checkpoint, "optimizer", later);

  return TRUE;
}

gboolean
sng_fault_plant_silent_scratch (SngFaultContext *context, GError **error)
{
  if (sng_checkpoint_get_step (context->checkpoint) == 0)
    return sng_fault_decline (context, SNG_FAULT_NOT_PLANTED,
                              "nothing was lost: it is a checkpoint of the beginning");

  context->skips_restore = TRUE;

  return TRUE;
}
