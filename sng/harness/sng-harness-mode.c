/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "harness/sng-harness-private.h"

#include "sng-error.h"

/* What listens to the trainer of a mode beside the callbacks. */
typedef struct
{
  GCancellable *cancellable;
  SngProgressFunc progress;
  gpointer progress_data;
  guint64 last_step;
} Watch;

static void
step_finished_cb (SngTrainer *trainer, Watch *watch)
{
  g_autoptr (GError) error = NULL;

  watch->progress (sng_trainer_get_global_step (trainer), watch->last_step, watch->progress_data);

  if (g_cancellable_is_cancelled (watch->cancellable))
    {
      g_set_error_literal (&error, SNG_ERROR, SNG_ERROR_CANCELLED, "cancelled");
      sng_trainer_end_with_error (trainer, error);
    }
}

static void
capture_under_tolerance (SngHarness *self, SngRecorder *recorder, GPtrArray *callbacks)
{
  for (guint i = 0; i < callbacks->len; i++)
    {
      const char *metric = sng_callback_get_metric (g_ptr_array_index (callbacks, i));
      g_autoptr (SngTolerance) tolerance = sng_harness_dup_tolerance (self, metric);

      if (!sng_tolerance_is_exact (tolerance))
        sng_recorder_set_capture (recorder, metric, TRUE);
    }
}

static SngRecorder *
open_recorder (SngHarness *self, SngMode mode, GError **error)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);
  g_autofree char *path = sng_harness_dup_store_path (self, mode);
  g_autoptr (SngRunStore) store = sng_run_store_create (path, error);
  g_autofree char *exp_name = g_utf8_make_valid (priv->exp_name, -1);

  if (store == NULL
      || !sng_run_store_set_info (store, "mode", g_variant_new_string (sng_mode_to_string (mode)), error)
      || !sng_run_store_set_info (store, "exp-name", g_variant_new_string (exp_name), error)
      || !sng_run_store_set_info (store, "num-steps", g_variant_new_uint64 (priv->num_steps), error))
    return NULL;

  return sng_recorder_new (store, 0);
}

/* Model, data, optimizer and trainer of the mode, put together. */
static SngTrainer *
build_trainer (SngHarness *self, SngMode mode, GError **error)
{
  g_autoptr (SngSetup) setup = sng_harness_setup_model (self, mode, error);
  g_autoptr (SngTrainer) trainer = NULL;

  if (setup == NULL)
    return NULL;

  trainer = sng_harness_setup_trainer (self, mode, error);

  if (trainer == NULL
      || !sng_trainer_attach (trainer, sng_setup_get_model (setup), sng_setup_get_data_module (setup),
                              sng_setup_get_optimizer (setup), sng_setup_get_lr_scheduler (setup), error))
    return NULL;

  return g_steal_pointer (&trainer);
}

static gboolean
attach_callbacks (SngHarness *self, SngMode mode, SngTrainer *trainer, SngRecorder *recorder, GError **error)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);
  g_autoptr (GPtrArray) callbacks = sng_harness_create_callbacks (self, error);

  if (callbacks == NULL)
    return FALSE;

  capture_under_tolerance (self, recorder, callbacks);

  for (guint i = 0; i < callbacks->len; i++)
    {
      if (!sng_callback_attach (g_ptr_array_index (callbacks, i), trainer, recorder, error))
        return FALSE;
    }

  priv->callbacks[mode] = g_steal_pointer (&callbacks);

  return TRUE;
}

/* Puts STOP's newest checkpoint that is undamaged back. */
static gboolean
restore_stop (SngHarness *self, SngTrainer *trainer, SngRunStore *store, GError **error)
{
  g_autofree char *directory = sng_harness_dup_mode_directory (self, SNG_MODE_STOP);
  g_autofree char *path = g_build_filename (directory, "checkpoints", NULL);
  g_autoptr (SngCheckpointStore) checkpoints = sng_checkpoint_store_new (path);
  g_autoptr (SngCheckpoint) checkpoint = NULL;
  g_auto (GStrv) refused = NULL;
  guint64 n_refused;

  checkpoint = sng_checkpoint_store_load_latest (checkpoints, &refused, error);

  for (guint i = 0; refused != NULL && refused[i] != NULL; i++)
    {
      g_autofree char *warning =
          g_strdup_printf ("[harness][resume] a checkpoint was refused: %s", refused[i]);

      g_message ("%s", warning);
      sng_harness_add_warning (self, warning);
    }

  n_refused = refused != NULL ? g_strv_length (refused) : 0;

  return checkpoint != NULL
         && sng_run_store_set_info (store, "refused-checkpoints", g_variant_new_uint64 (n_refused), error)
         && sng_run_store_set_info (store, "restored-step",
                                    g_variant_new_uint64 (sng_checkpoint_get_step (checkpoint)), error)
         && sng_harness_restore (self, trainer, checkpoint, error);
}

/* STOP ends by its interruption and nothing else. */
static gboolean
fit (SngHarness *self, SngMode mode, SngTrainer *trainer, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  gboolean finished = sng_trainer_fit (trainer, &local_error);

  if (mode == SNG_MODE_STOP && finished)
    {
      SngEarlyStopping *early_stopping = sng_trainer_get_early_stopping (trainer);

      g_set_error (error, SNG_ERROR, SNG_ERROR_FAILED,
                   "the training reached step %" G_GUINT64_FORMAT " without being stopped after step %u%s",
                   sng_trainer_get_global_step (trainer), sng_harness_get_effective_stop (self),
                   early_stopping != NULL && sng_early_stopping_get_stopped_step (early_stopping) > 0
                       ? ": its early stopping ended it"
                       : "");
      return FALSE;
    }

  if (finished || (mode == SNG_MODE_STOP && g_error_matches (local_error, SNG_ERROR, SNG_ERROR_STOP_AND_GO)))
    return TRUE;

  if (local_error == NULL)
    g_set_error (&local_error, SNG_ERROR, SNG_ERROR_FAILED, "[vfunc] %s.fit failed without an error",
                 G_OBJECT_TYPE_NAME (trainer));
  g_propagate_error (error, g_steal_pointer (&local_error));

  return FALSE;
}

static gboolean
train (SngHarness *self,
       SngMode mode,
       SngTrainer *trainer,
       SngRecorder *recorder,
       Watch *watch,
       GError **error)
{
  SngRunStore *store = sng_recorder_get_store (recorder);

  if (!attach_callbacks (self, mode, trainer, recorder, error)
      || (mode == SNG_MODE_RESUME && !restore_stop (self, trainer, store, error)))
    return FALSE;

  /* After the callbacks, which commit what they have recorded in a step at the end of it. */
  g_signal_connect_after (trainer, "step-finished", G_CALLBACK (step_finished_cb), watch);

  if (mode == SNG_MODE_STOP)
    {
      g_autoptr (SngInterrupt) interrupt =
          sng_interrupt_new (SNG_INTERRUPT_RAISE, sng_harness_get_effective_stop (self));

      sng_interrupt_attach (interrupt, trainer);
    }

  return fit (self, mode, trainer, error)
         && sng_run_store_set_info (store, "saved-step",
                                    g_variant_new_uint64 (sng_trainer_get_last_checkpoint_step (trainer)),
                                    error)
         && sng_run_store_set_info (store, "finished", g_variant_new_boolean (TRUE), error);
}

gboolean
sng_harness_run_mode (SngHarness *self,
                      SngMode mode,
                      SngProgressFunc progress,
                      gpointer progress_data,
                      GCancellable *cancellable,
                      GError **error)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);
  g_autoptr (SngTrainer) trainer = NULL;
  g_autoptr (SngRecorder) recorder = NULL;
  Watch watch = { 0 };
  gboolean succeeded;

  trainer = build_trainer (self, mode, error);
  if (trainer == NULL)
    return FALSE;

  recorder = open_recorder (self, mode, error);
  if (recorder == NULL)
    return FALSE;

  watch.cancellable = cancellable;
  watch.progress = progress;
  watch.progress_data = progress_data;
  watch.last_step = mode == SNG_MODE_STOP ? sng_harness_get_effective_stop (self) : priv->num_steps;

  succeeded = train (self, mode, trainer, recorder, &watch, error);
  g_signal_handlers_disconnect_by_data (trainer, &watch);

  return sng_run_store_close (sng_recorder_get_store (recorder), succeeded ? error : NULL) && succeeded;
}
