/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "harness/sng-harness-private.h"

#include <time.h>

#include "callbacks/sng-accumulation-callback-private.h"
#include "harness/sng-disk-private.h"
#include "harness/sng-fault-private.h"
#include "record/sng-environment-private.h"
#include "record/sng-recorder-private.h"
#include "record/sng-run-store-private.h"
#include "sng-error.h"
#include "state/sng-checkpoint-private.h"
#include "state/sng-checkpoint-store-private.h"
#include "tensor/sng-device-private.h"

#define SLOW_USEC 200 /* by which a slow disk holds up every call */

/* What listens to the trainer of a run beside the callbacks. */
typedef struct
{
  SngHarness *harness;
  SngRun *run;
  SngRunStore *store;
  SngCheckpointStore *steps; /* of every step; NULL: none */
  GCancellable *cancellable;
  SngProgressFunc progress;
  SngInterruptedFunc interrupted;
  gpointer user_data;
  guint64 last_step;
  GArray *checkpoints; /* guint64: the steps that were saved */
  gboolean is_left;    /* after the step that it was to be left after */
  gboolean is_over;    /* before its first step */
} Watch;

static gboolean
save_step (Watch *watch, SngTrainer *trainer, GError **error)
{
  guint64 step = sng_trainer_get_global_step (trainer);
  g_autoptr (SngCheckpoint) checkpoint = NULL;
  g_autofree char *path = NULL;

  if (watch->steps == NULL)
    return TRUE;

  checkpoint = sng_state_registry_capture (sng_trainer_get_state_registry (trainer), step, error);
  if (checkpoint != NULL)
    path = sng_checkpoint_store_save (watch->steps, checkpoint, error);

  return path != NULL;
}

static void
leave (Watch *watch, SngTrainer *trainer)
{
  g_autoptr (GError) error = g_error_new (SNG_ERROR, SNG_ERROR_STOP_AND_GO,
                                          "[harness] the training was left after step %" G_GUINT64_FORMAT
                                          ", as far as it was wanted",
                                          sng_trainer_get_global_step (trainer));

  watch->is_left = TRUE;
  sng_trainer_end_with_error (trainer, error);
}

static void
fit_start_cb (SngTrainer *trainer, Watch *watch)
{
  if (watch->run->is_left && sng_trainer_get_global_step (trainer) >= watch->last_step)
    leave (watch, trainer);
}

static void
step_finished_cb (SngTrainer *trainer, Watch *watch)
{
  g_autoptr (GError) error = NULL;

  watch->progress (sng_trainer_get_global_step (trainer), watch->last_step, watch->user_data);

  if (g_cancellable_is_cancelled (watch->cancellable))
    g_set_error_literal (&error, SNG_ERROR, SNG_ERROR_CANCELLED, "cancelled");
  else
    save_step (watch, trainer, &error);

  if (error != NULL)
    sng_trainer_end_with_error (trainer, error);
  else if (watch->run->is_left && sng_trainer_get_global_step (trainer) >= watch->last_step)
    leave (watch, trainer);
}

static void
checkpoint_saved_cb (SngTrainer *trainer, const char *path, Watch *watch)
{
  guint64 step = sng_trainer_get_last_checkpoint_step (trainer);
  g_autoptr (GError) error = NULL;

  g_array_append_val (watch->checkpoints, step);
  if (!sng_run_store_set_info (watch->store, "checkpoints",
                               g_variant_new_fixed_array (G_VARIANT_TYPE_UINT64, watch->checkpoints->data,
                                                          watch->checkpoints->len, sizeof step),
                               &error))
    sng_trainer_end_with_error (trainer, error);
}

static void
fired_cb (SngInterrupt *interrupt, Watch *watch)
{
  watch->run->is_interrupted = TRUE;
  if (watch->interrupted != NULL)
    watch->interrupted (watch->user_data);
}

static void
capture_metrics (SngHarness *self, const SngRun *run, SngRecorder *recorder, GPtrArray *callbacks)
{
  for (guint i = 0; i < callbacks->len; i++)
    {
      const char *metric = sng_callback_get_metric (g_ptr_array_index (callbacks, i));
      g_autoptr (SngTolerance) tolerance = sng_harness_dup_tolerance (self, metric);

      if (sng_harness_get_private (self)->noise_tolerance || !sng_tolerance_is_exact (tolerance)
          || (run->captures_original && sng_harness_is_original_metric (metric)))
        sng_recorder_set_capture (recorder, metric, TRUE);
    }

  if (run->capture != NULL)
    sng_recorder_capture_place (recorder, run->capture, run->capture_path, run->capture_step);
}

/* Returns: (transfer full): what the trainer's model lies on, wherever that comes from; NULL for one without parameters. */
static SngDevice *
find_device (SngTrainer *trainer)
{
  g_autoptr (GListModel) parameters = sng_model_get_parameters (sng_trainer_get_model (trainer), NULL);
  g_autoptr (SngParameter) first = parameters != NULL ? g_list_model_get_item (parameters, 0) : NULL;

  return first != NULL ? g_object_ref (sng_tensor_get_device (sng_parameter_get_value (first))) : NULL;
}

static gboolean
describe_run (SngHarness *self, const SngRun *run, SngTrainer *trainer, SngRunStore *store, GError **error)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);
  g_autoptr (SngDevice) device = find_device (trainer);
  g_autoptr (GVariant) environment = sng_harness_describe_environment (self, device);
  g_autofree char *exp_name = g_utf8_make_valid (priv->exp_name, -1);

  return sng_run_store_set_info (store, "mode", g_variant_new_string (sng_mode_to_string (run->mode)), error)
         && sng_run_store_set_info (store, "name", g_variant_new_string (run->name), error)
         && sng_run_store_set_info (store, "exp-name", g_variant_new_string (exp_name), error)
         && sng_run_store_set_info (store, "num-steps", g_variant_new_uint64 (priv->num_steps), error)
         && sng_run_store_set_info (store, SNG_ENVIRONMENT_INFO, environment, error)
         && (run->interrupt == NULL
             || sng_run_store_set_info (store, "interrupt", g_variant_new_string (run->interrupt), error))
         && (run->fault == NULL
             || sng_run_store_set_info (store, "fault", g_variant_new_string (run->fault), error));
}

/* What the device has chosen while it trained. All else stays as it was when the run began, for a run that was killed has that. */
static gboolean
add_choices (SngTrainer *trainer, SngRunStore *store, GError **error)
{
  g_autoptr (SngDevice) device = find_device (trainer);
  g_autoptr (GVariant) described = device != NULL ? sng_device_describe (device) : NULL;
  g_autoptr (GVariant) known =
      sng_run_store_get_typed_info (store, SNG_ENVIRONMENT_INFO, G_VARIANT_TYPE ("a{ss}"));

  return described == NULL || known == NULL
         || sng_run_store_set_info (store, SNG_ENVIRONMENT_INFO, sng_environment_merge (described, known),
                                    error);
}

static SngRecorder *
open_recorder (SngHarness *self, const SngRun *run, SngTrainer *trainer, GError **error)
{
  g_autofree char *path = sng_harness_dup_run_store_path (self, run->name);
  g_autoptr (SngRunStore) store = sng_run_store_create (path, error);

  if (store == NULL || !describe_run (self, run, trainer, store, error))
    return NULL;

  return sng_recorder_new (store, 0);
}

/* Model, data, optimizer and trainer of a mode, put together. */
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
attach_callbacks (SngHarness *self,
                  const SngRun *run,
                  SngTrainer *trainer,
                  SngRecorder *recorder,
                  GError **error)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);
  g_autoptr (GPtrArray) callbacks = sng_harness_create_callbacks (self, error);

  if (callbacks == NULL)
    return FALSE;

  /* before the others, since it is about what they are made of */
  if (g_strcmp0 (run->capture, SNG_ACCUMULATION_METRIC) == 0)
    g_ptr_array_insert (callbacks, 0, sng_accumulation_callback_new ());

  capture_metrics (self, run, recorder, callbacks);

  for (guint i = 0; i < callbacks->len; i++)
    {
      if (!sng_callback_attach (g_ptr_array_index (callbacks, i), trainer, recorder, error))
        return FALSE;
    }

  priv->callbacks[run->mode] = g_steal_pointer (&callbacks);

  return TRUE;
}

/* ---- Where a run begins ---- */

static void
warn_of_refused (SngHarness *self, char **refused)
{
  for (guint i = 0; refused != NULL && refused[i] != NULL; i++)
    {
      g_autofree char *warning =
          g_strdup_printf ("[harness][resume] a checkpoint was refused: %s", refused[i]);

      g_message ("%s", warning);
      sng_harness_add_warning (self, warning);
    }
}

/* What the run begins with: of one step all that another run has left, else its own copy. */
static SngCheckpointStore *
open_checkpoints (SngHarness *self, const SngRun *run)
{
  g_autofree char *directory =
      run->source_step != 0 ? g_strdup (run->source) : g_build_filename (run->name, "checkpoints", NULL);
  g_autofree char *path = sng_harness_dup_run_path (self, directory);

  return sng_checkpoint_store_new (path);
}

/* The checkpoint of one step, or the newest one that is undamaged. */
static SngCheckpoint *
load_checkpoint (SngCheckpointStore *checkpoints, guint64 step, char ***refused, GError **error)
{
  g_autofree char *name = NULL;
  g_autofree char *path = NULL;

  if (step == 0)
    return sng_checkpoint_store_load_latest (checkpoints, refused, error);

  name = sng_checkpoint_step_to_name (step);
  path = g_build_filename (sng_checkpoint_store_get_path (checkpoints), name, NULL);

  return sng_checkpoint_load (path, error);
}

static gboolean
restore_cb (SngTrainer *trainer, SngCheckpoint *checkpoint, gpointer user_data, GError **error)
{
  return sng_harness_restore (user_data, trainer, checkpoint, error);
}

/* With the fault of the run. Where it is not planted, there is nothing to see in the training. */
static gboolean
restore_with_fault (Watch *watch,
                    SngTrainer *trainer,
                    SngCheckpointStore *checkpoints,
                    SngCheckpoint *checkpoint,
                    GError **error)
{
  g_autoptr (SngFault) fault = sng_fault_lookup (watch->run->fault, error);
  g_autofree char *reason = NULL;
  SngFaultOutcome outcome;

  if (fault == NULL
      || !sng_fault_restore (fault, trainer, checkpoints, checkpoint, restore_cb, watch->harness, &outcome,
                             &reason, error))
    return FALSE;

  watch->is_over = outcome != SNG_FAULT_PLANTED;

  return sng_run_store_set_info (watch->store, SNG_FAULT_OUTCOME_INFO,
                                 g_variant_new_string (sng_fault_outcome_to_string (outcome)), error)
         && sng_run_store_set_info (watch->store, SNG_FAULT_REASON_INFO,
                                    g_variant_new_string (reason != NULL ? reason : ""), error);
}

static gboolean
restore (SngHarness *self, Watch *watch, SngTrainer *trainer, GError **error)
{
  const SngRun *run = watch->run;
  SngRunStore *store = watch->store;
  g_autoptr (SngCheckpointStore) checkpoints = open_checkpoints (self, run);
  g_autoptr (SngCheckpoint) checkpoint = NULL;
  g_autoptr (GError) local_error = NULL;
  g_auto (GStrv) refused = NULL;
  guint64 n_refused;

  checkpoint = load_checkpoint (checkpoints, run->source_step, &refused, &local_error);
  warn_of_refused (self, refused);
  n_refused = refused != NULL ? g_strv_length (refused) : 0;

  if (!sng_run_store_set_info (store, "refused-checkpoints", g_variant_new_uint64 (n_refused), error))
    return FALSE;

  if (checkpoint == NULL && n_refused == 0 && run->may_start_anew
      && g_error_matches (local_error, SNG_ERROR, SNG_ERROR_NOT_FOUND))
    return TRUE;

  if (checkpoint == NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }

  return sng_run_store_set_info (store, "restored-step",
                                 g_variant_new_uint64 (sng_checkpoint_get_step (checkpoint)), error)
         && (run->fault != NULL ? restore_with_fault (watch, trainer, checkpoints, checkpoint, error)
                                : sng_harness_restore (self, trainer, checkpoint, error));
}

/* ---- The run itself ---- */

/* Whether an end of fit() is the one that was wanted. Others may interrupt a training as well, and take its end from it. */
static gboolean
is_wanted_end (const Watch *watch, const GError *end)
{
  if (!watch->run->is_interrupted && !watch->is_left)
    return FALSE;

  return g_error_matches (end, SNG_ERROR, SNG_ERROR_STOP_AND_GO)
         || g_error_matches (end, SNG_ERROR, SNG_ERROR_PREEMPTED);
}

/* That an interrupt never fired is for whoever judges. */
static gboolean
fit (const Watch *watch, SngTrainer *trainer, GError **error)
{
  g_autoptr (GError) local_error = NULL;

  if (sng_trainer_fit (trainer, &local_error) || is_wanted_end (watch, local_error))
    return TRUE;

  if (local_error == NULL)
    g_set_error (&local_error, SNG_ERROR, SNG_ERROR_FAILED, "[vfunc] %s.fit failed without an error",
                 G_OBJECT_TYPE_NAME (trainer));
  g_propagate_error (error, g_steal_pointer (&local_error));

  return FALSE;
}

/* After the callbacks, which commit what they have recorded in a step at the end of it. */
static gboolean
attach_watch (Watch *watch, SngTrainer *trainer, GError **error)
{
  g_autoptr (SngInterrupt) interrupt = NULL;

  g_signal_connect (trainer, "checkpoint-saved", G_CALLBACK (checkpoint_saved_cb), watch);
  g_signal_connect_after (trainer, "fit-start", G_CALLBACK (fit_start_cb), watch);
  g_signal_connect_after (trainer, "step-finished", G_CALLBACK (step_finished_cb), watch);

  if (watch->run->interrupt == NULL)
    return TRUE;

  interrupt = sng_interrupt_from_string (watch->run->interrupt, error);
  if (interrupt == NULL)
    return FALSE;

  g_signal_connect (interrupt, "fired", G_CALLBACK (fired_cb), watch);
  sng_interrupt_attach (interrupt, trainer);

  return TRUE;
}

static gboolean
train (SngHarness *self, Watch *watch, SngTrainer *trainer, SngRecorder *recorder, GError **error)
{
  return attach_callbacks (self, watch->run, trainer, recorder, error)
         && (watch->run->source == NULL || restore (self, watch, trainer, error))
         && (watch->is_over || (attach_watch (watch, trainer, error) && fit (watch, trainer, error)))
         && add_choices (trainer, watch->store, error)
         && sng_run_store_set_info (watch->store, "saved-step",
                                    g_variant_new_uint64 (sng_trainer_get_last_checkpoint_step (trainer)),
                                    error)
         && sng_run_store_set_info (watch->store, "finished", g_variant_new_boolean (TRUE), error);
}

static guint64
get_last_step (SngHarness *self, const SngRun *run)
{
  guint64 num_steps = sng_harness_get_private (self)->num_steps;
  g_autoptr (SngInterrupt) interrupt = NULL;

  if (run->is_left)
    return run->last_step;

  if (run->interrupt != NULL)
    interrupt = sng_interrupt_from_string (run->interrupt, NULL);

  /* Of a stop at the first place of a kind nobody knows in which step that is. */
  return interrupt != NULL && sng_interrupt_get_step (interrupt) != 0
             ? MIN (sng_interrupt_get_step (interrupt), num_steps)
             : num_steps;
}

/* Of all threads of this process. */
static double
get_processor_seconds (void)
{
  struct timespec time = { 0 };

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &time);

  return (double) time.tv_sec + (double) time.tv_nsec * 1e-9;
}

static gboolean
make_run (SngHarness *self, Watch *watch, GError **error)
{
  SngMode mode = watch->run->mode;
  g_autoptr (SngTrainer) trainer = build_trainer (self, mode, error);
  g_autoptr (SngRecorder) recorder = NULL;
  SngDisk disks[SNG_N_DISKS];
  gboolean succeeded;

  if (trainer == NULL)
    return FALSE;

  recorder = open_recorder (self, watch->run, trainer, error);
  if (recorder == NULL)
    return FALSE;

  watch->store = sng_recorder_get_store (recorder);
  /* What is captured for the original's rule are many files, which nobody reads after the call. */
  sng_disks_add (disks, trainer, watch->steps, recorder,
                 (watch->run->stress & SNG_STRESS_SLOW_DISK) != 0 ? SLOW_USEC : 0,
                 watch->run->captures_original);
  watch->run->start_processor_seconds = get_processor_seconds ();
  succeeded = train (self, watch, trainer, recorder, error);
  watch->run->processor_seconds = get_processor_seconds () - watch->run->start_processor_seconds;
  g_signal_handlers_disconnect_by_data (trainer, watch);
  sng_disks_remove (disks);

  return sng_run_store_close (watch->store, succeeded ? error : NULL) && succeeded;
}

/* The settings that a run has in place of the harness's. What they were is in @saved. */
static void
exchange_settings (SngHarness *self, const SngRun *run, guint saved[3])
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);
  guint *settings[] = { &priv->n_threads, &priv->micro_batch_size, &priv->accumulate_grad_batches };
  const guint wanted[] = { run->n_threads, run->micro_batch_size, run->accumulate_grad_batches };

  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    {
      saved[i] = *settings[i];
      if (wanted[i] != 0)
        *settings[i] = wanted[i];
    }
}

static void
put_settings_back (SngHarness *self, const guint saved[3])
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);

  priv->n_threads = saved[0];
  priv->micro_batch_size = saved[1];
  priv->accumulate_grad_batches = saved[2];
}

gboolean
sng_harness_run_mode (SngHarness *self,
                      SngRun *run,
                      SngProgressFunc progress,
                      SngInterruptedFunc interrupted,
                      gpointer user_data,
                      GCancellable *cancellable,
                      GError **error)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);
  g_autofree char *path = sng_harness_dup_run_path (self, run->name);
  g_autofree char *steps_path = g_build_filename (path, "steps", NULL);
  g_autoptr (SngCheckpointStore) steps = run->saves_steps ? sng_checkpoint_store_new (steps_path) : NULL;
  g_autoptr (GArray) checkpoints = g_array_new (FALSE, FALSE, sizeof (guint64));
  Watch watch = { .harness = self,
                  .run = run,
                  .steps = steps,
                  .cancellable = cancellable,
                  .progress = progress,
                  .interrupted = interrupted,
                  .user_data = user_data,
                  .last_step = get_last_step (self, run),
                  .checkpoints = checkpoints };
  guint saved[3];
  gboolean succeeded;

  priv->run = run;
  exchange_settings (self, run, saved);
  sng_device_set_jitter ((run->stress & SNG_STRESS_JITTER) != 0 ? 1 : 0);
  succeeded = make_run (self, &watch, error);
  sng_device_set_jitter (0);
  put_settings_back (self, saved);
  priv->run = NULL;

  return succeeded;
}
