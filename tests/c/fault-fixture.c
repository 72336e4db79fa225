/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "fault-fixture.h"

G_DEFINE_FINAL_TYPE (FaultHarness, fault_harness, SNG_TYPE_HARNESS)

/* One that matches two patterns changes its group with the order of the groups. */
static gboolean
add_groups (SngOptimizer *optimizer, gboolean swapped, GError **error)
{
  const char *const names[] = { "biases", "norms" };
  const char *const patterns[] = { "*.bias", "*ayer*orm*" };

  for (guint i = 0; i < 2; i++)
    {
      guint k = swapped ? 1 - i : i;

      if (!sng_grouped_optimizer_add_group (SNG_GROUPED_OPTIMIZER (optimizer), names[k], patterns[k], 0.1 * k,
                                            1.0, error))
        return FALSE;
    }

  return TRUE;
}

static SngSetup *
fault_harness_setup_model (SngHarness *harness, SngMode mode, GError **error)
{
  g_autoptr (SngTransformerConfig) config = sng_transformer_config_new (SNG_ARCHITECTURE_ESM2, 1, 16, 2);
  g_autoptr (SngDataModule) data = sng_fasta_data_module_new (NULL, 32);
  g_autoptr (SngDevice) device = sng_device_new_cpu (1);
  g_autoptr (SngModel) model = NULL;
  g_autoptr (GListModel) parameters = NULL;
  g_autoptr (SngOptimizer) optimizer = NULL;
  g_autoptr (SngLrScheduler) scheduler = sng_warmup_anneal_decay_hold_lr_new (1e-3, 1e-5, 2, 20, 0.1);

  g_object_set (config, "max-length", 32, "max-batch-size", 2 * MICRO_BATCH, "hidden-dropout", 0.1, NULL);
  model = sng_transformer_new (config, device, error);
  if (model == NULL)
    return NULL;

  parameters = sng_model_get_parameters (model, error);
  optimizer = FAULT_HARNESS (harness)->with_sgd ? sng_sgd_new (parameters, 1e-1, 0.9, 0.01)
                                                : sng_adamw_new (parameters, 1e-3, 0.01);
  if (!add_groups (optimizer, FAULT_HARNESS (harness)->swaps_groups && mode == SNG_MODE_RESUME, error))
    return NULL;

  return sng_setup_new (model, data, optimizer, scheduler);
}

static void
move_buffer_cb (SngTrainer *trainer, SngRngStream *buffer)
{
  sng_rng_stream_advance (buffer, 1);
}

static void
check_buffer_cb (SngTrainer *trainer, SngRngStream *buffer)
{
  g_autoptr (GError) error = NULL;

  if (sng_rng_stream_get_position (buffer) == sng_trainer_get_global_step (trainer) / VAL_INTERVAL)
    return;

  g_set_error_literal (&error, SNG_ERROR, SNG_ERROR_FAILED, "a validation was forgotten");
  sng_trainer_end_with_error (trainer, error);
}

/* What a model with running statistics or an early stopping has: state that only a validation changes. Any stateful does. */
static gboolean
register_buffer (SngTrainer *trainer, gboolean is_needed, GError **error)
{
  g_autoptr (SngRngStream) buffer = sng_rng_stream_new (0, BUFFER, 0);

  g_signal_connect_data (trainer, "validation-end", G_CALLBACK (move_buffer_cb), g_object_ref (buffer),
                         (GClosureNotify) (void (*) (void)) g_object_unref, 0);
  if (is_needed)
    g_signal_connect (trainer, "step-finished", G_CALLBACK (check_buffer_cb), buffer);

  return sng_state_registry_add (sng_trainer_get_state_registry (trainer), BUFFER, SNG_STATEFUL (buffer),
                                 error);
}

static void
add_ema (SngTrainer *trainer)
{
  g_autoptr (SngExponentialMovingAverage) ema =
      g_object_new (SNG_TYPE_EXPONENTIAL_MOVING_AVERAGE, "decay", 0.9, "warm-up", TRUE, NULL);

  g_object_set (trainer, "exponential-moving-average", ema, NULL);
}

/* No validation after the first one is good enough. */
static void
add_early_stopping (SngTrainer *trainer, guint patience)
{
  g_autoptr (SngEarlyStopping) early_stopping =
      g_object_new (SNG_TYPE_EARLY_STOPPING, "patience", patience, "min-delta", 1e6, NULL);

  g_object_set (trainer, "early-stopping", early_stopping, NULL);
}

/* Where RESUME looks for it; of the three that are due, the best two stay. */
static void
add_model_checkpoint (SngHarness *harness, SngMode mode, SngTrainer *trainer)
{
  g_autofree char *mode_directory = sng_harness_dup_mode_directory (harness, mode);
  g_autofree char *directory = g_build_filename (mode_directory, "checkpoints", NULL);
  g_autoptr (SngModelCheckpoint) plan =
      g_object_new (SNG_TYPE_MODEL_CHECKPOINT, "directory", directory, "every-n-train-steps", (guint64) 4,
                    "monitor", "valid_loss", "save-top-k", 2, NULL);

  g_object_set (trainer, "model-checkpoint", plan, NULL);
}

static void
add_grad_scaler (SngTrainer *trainer)
{
  g_autoptr (SngGradScaler) scaler = g_object_new (SNG_TYPE_GRAD_SCALER, "initial-scale", INITIAL_SCALE,
                                                   "growth-interval", GROWTH_INTERVAL, NULL);

  g_object_set (trainer, "grad-scaler", scaler, NULL);
}

static SngTrainer *
fault_harness_setup_trainer (SngHarness *harness, SngMode mode, GError **error)
{
  g_autoptr (SngTrainer) trainer =
      SNG_HARNESS_CLASS (fault_harness_parent_class)->setup_trainer (harness, mode, error);

  if (trainer == NULL || !register_buffer (trainer, FAULT_HARNESS (harness)->needs_buffer, error))
    return NULL;

  if (sng_trainer_get_precision (trainer) == SNG_PRECISION_16_MIXED)
    add_grad_scaler (trainer);
  add_ema (trainer);
  add_model_checkpoint (harness, mode, trainer);
  add_early_stopping (trainer, FAULT_HARNESS (harness)->patience);

  if (mode == SNG_MODE_RESUME && FAULT_HARNESS (harness)->resume_micro_batch > 0)
    g_object_set (trainer, "accumulate-grad-batches", 1, "micro-batch-size",
                  FAULT_HARNESS (harness)->resume_micro_batch, NULL);
  if (mode == SNG_MODE_REPEAT && FAULT_HARNESS (harness)->cuts_repeat_otherwise)
    g_object_set (trainer, "accumulate-grad-batches", 1, "micro-batch-size", 2 * MICRO_BATCH, NULL);

  return g_steal_pointer (&trainer);
}

static gboolean
restore_cb (SngTrainer *trainer, SngCheckpoint *checkpoint, gpointer user_data, GError **error)
{
  if (!SNG_HARNESS_CLASS (fault_harness_parent_class)
           ->restore (SNG_HARNESS (user_data), trainer, checkpoint, error))
    return FALSE;

  if (FAULT_HARNESS (user_data)->restores_badly_at == sng_trainer_get_global_step (trainer))
    move_buffer_cb (trainer, SNG_RNG_STREAM (sng_state_registry_lookup (
                                 sng_trainer_get_state_registry (trainer), BUFFER)));

  return TRUE;
}

static gboolean
fault_harness_restore (SngHarness *harness, SngTrainer *trainer, SngCheckpoint *checkpoint, GError **error)
{
  FaultHarness *self = FAULT_HARNESS (harness);
  g_autofree char *directory = sng_harness_dup_mode_directory (harness, SNG_MODE_STOP);
  g_autofree char *path = g_build_filename (directory, "checkpoints", NULL);
  g_autoptr (SngCheckpointStore) checkpoints = sng_checkpoint_store_new (path);

  if (self->fault == NULL)
    return restore_cb (trainer, checkpoint, harness, error);

  g_clear_pointer (&self->reason, g_free);

  return sng_fault_restore (self->fault, trainer, checkpoints, checkpoint, restore_cb, harness,
                            &self->outcome, &self->reason, error);
}

static GListModel *
fault_harness_get_default_callbacks (SngHarness *harness, GError **error)
{
  const GType types[] = { SNG_TYPE_CONSUMED_SAMPLES_CALLBACK, SNG_TYPE_TRAIN_LOSS_CALLBACK,
                          SNG_TYPE_VALID_LOSS_CALLBACK, SNG_TYPE_INIT_CONSUMED_SAMPLES_CALLBACK };
  GListStore *losses;

  if (!FAULT_HARNESS (harness)->looks_at_losses_only)
    return SNG_HARNESS_CLASS (fault_harness_parent_class)->get_default_callbacks (harness, error);

  losses = g_list_store_new (SNG_TYPE_CALLBACK);

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      g_autoptr (SngCallback) callback = g_object_new (types[i], NULL);

      g_list_store_append (losses, callback);
    }

  return G_LIST_MODEL (losses);
}

static void
fault_harness_finalize (GObject *object)
{
  FaultHarness *self = FAULT_HARNESS (object);

  g_clear_object (&self->fault);
  g_free (self->reason);

  G_OBJECT_CLASS (fault_harness_parent_class)->finalize (object);
}

static void
fault_harness_class_init (FaultHarnessClass *klass)
{
  SngHarnessClass *harness_class = SNG_HARNESS_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = fault_harness_finalize;
  harness_class->setup_model = fault_harness_setup_model;
  harness_class->setup_trainer = fault_harness_setup_trainer;
  harness_class->restore = fault_harness_restore;
  harness_class->get_default_callbacks = fault_harness_get_default_callbacks;
}

static void
fault_harness_init (FaultHarness *self)
{
  self->patience = 100;
}

SngHarness *
fault_harness_new (const char *id, guint stop_step)
{
  FaultHarness *self =
      g_object_new (FAULT_TYPE_HARNESS, "exp-name", "faults", "num-steps", NUM_STEPS, "stop-step", stop_step,
                    "val-check-interval", VAL_INTERVAL, "limit-val-batches", 1, "micro-batch-size",
                    MICRO_BATCH, "accumulate-grad-batches", 2, "seed", (guint64) 7, "isolation",
                    SNG_ISOLATION_NONE, "drill-down", FALSE, "precision", "16-mixed", NULL);
  g_autoptr (GError) error = NULL;

  if (id != NULL)
    self->fault = sng_fault_lookup (id, &error);
  g_assert_no_error (error);

  return SNG_HARNESS (self);
}

SngReport *
fault_harness_run (SngHarness *harness)
{
  g_autoptr (GError) error = NULL;
  SngReport *report = sng_harness_run_stop_and_go (harness, NULL, &error);

  g_assert_no_error (error);

  return report;
}

void
fault_check_first (SngReport *report, const char *const *metrics, guint64 step)
{
  SngDivergence *first = sng_report_get_first_divergence (report);

  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_DIVERGED);
  g_assert_nonnull (first);
  if (!g_strv_contains (metrics, sng_divergence_get_metric (first)))
    g_error ("found by %s in place of %s", sng_divergence_get_metric (first), metrics[0]);
  g_assert_cmpuint (sng_divergence_get_step (first), ==, step);
  g_assert_cmpint (sng_divergence_get_mode (first), ==, SNG_MODE_RESUME);
}

void
fault_check_cause (SngReport *report, SngFault *fault)
{
  SngDiagnosis *diagnosis = sng_report_get_diagnosis (report);
  g_autofree char *text = NULL;

  g_assert_nonnull (diagnosis);
  text = sng_diagnosis_to_string (diagnosis);
  g_test_message ("%s: %s", sng_fault_get_id (fault), text);

  /* of a state that nobody but its owner knows, the records tell that it is as at the start, and no more */
  g_assert_cmpint (sng_diagnosis_get_cause (diagnosis), ==,
                   g_str_equal (sng_fault_get_id (fault), "buffer-reset") ? SNG_CAUSE_UNKNOWN
                                                                          : sng_fault_get_cause (fault));
}
