/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "fault-fixture.h"

#include <string.h>

/* ---- A state in a checkpoint, changed ---- */

SngStateDict *
copy_state (SngCheckpoint *checkpoint, const char *name)
{
  g_autoptr (GError) error = NULL;
  SngStateDict *copy = sng_state_dict_copy (sng_checkpoint_lookup_state (checkpoint, name), &error);

  g_assert_no_error (error);

  return copy;
}

static guint64
get_count (SngStateDict *state, const char *value)
{
  GVariant *variant = sng_state_dict_lookup_value (state, value);

  g_assert_nonnull (variant);

  return g_variant_is_of_type (variant, G_VARIANT_TYPE_UINT64) ? g_variant_get_uint64 (variant)
                                                               : (guint64) g_variant_get_int64 (variant);
}

void
set_count (SngCheckpoint *checkpoint, const char *name, const char *value, guint64 count)
{
  g_autoptr (SngStateDict) state = copy_state (checkpoint, name);

  g_assert_cmpuint (get_count (state, value), !=, count);
  sng_state_dict_set_value (state, value, g_variant_new_uint64 (count));
  sng_checkpoint_set_state (checkpoint, name, state);
}

void
shift_count (SngCheckpoint *checkpoint, const char *name, const char *value, gint64 shift)
{
  guint64 count = get_count (sng_checkpoint_lookup_state (checkpoint, name), value);

  set_count (checkpoint, name, value, count + (guint64) shift);
}

void
make_zero (guint8 *bytes, gsize size)
{
  memset (bytes, 0, size);
}

void
make_bf16 (guint8 *bytes, gsize size)
{
  for (gsize i = 0; i < size; i += sizeof (guint32))
    {
      guint32 bits;

      memcpy (&bits, bytes + i, sizeof bits);
      bits &= 0xffff0000u;
      memcpy (bytes + i, &bits, sizeof bits);
    }
}

void
change_tensors (SngCheckpoint *checkpoint, const char *name, const char *suffix, ChangeFunc change)
{
  g_autoptr (SngStateDict) state = copy_state (checkpoint, name);
  gboolean changed = FALSE;

  for (guint i = 0; i < sng_state_dict_get_n_items (state); i++)
    {
      const char *key = sng_state_dict_get_name (state, i);
      SngTensor *tensor = sng_state_dict_lookup_tensor (state, key);
      g_autofree guint8 *before = NULL;
      gsize size;

      if (tensor == NULL || !g_str_has_suffix (key, suffix))
        continue;

      size = sng_tensor_get_n_bytes (tensor);
      before = g_memdup2 (sng_tensor_get_data (tensor), size);
      change (sng_tensor_get_data (tensor), size);
      changed |= memcmp (before, sng_tensor_get_data (tensor), size) != 0;
    }

  g_assert_true (changed);
  sng_checkpoint_set_state (checkpoint, name, state);
}

void
swap_tensors (SngCheckpoint *checkpoint, const char *name, const char *first, const char *second)
{
  g_autoptr (SngStateDict) state = copy_state (checkpoint, name);
  g_autoptr (SngTensor) a = g_object_ref (sng_state_dict_lookup_tensor (state, first));
  g_autoptr (SngTensor) b = g_object_ref (sng_state_dict_lookup_tensor (state, second));

  g_assert_true (sng_tensor_same_layout (a, b));
  g_assert_cmpint (memcmp (sng_tensor_get_data (a), sng_tensor_get_data (b), sng_tensor_get_n_bytes (a)), !=,
                   0);
  sng_state_dict_set_tensor (state, first, b);
  sng_state_dict_set_tensor (state, second, a);
  sng_checkpoint_set_state (checkpoint, name, state);
}

void
copy_tensors (SngCheckpoint *checkpoint, const char *from, const char *to)
{
  SngStateDict *source = sng_checkpoint_lookup_state (checkpoint, from);
  g_autoptr (SngStateDict) state = copy_state (checkpoint, to);
  gboolean changed = FALSE;

  for (guint i = 0; i < sng_state_dict_get_n_items (source); i++)
    {
      const char *key = sng_state_dict_get_name (source, i);
      SngTensor *tensor = sng_state_dict_lookup_tensor (source, key);

      if (tensor == NULL)
        continue;

      changed |= !sng_tensor_equal (sng_state_dict_lookup_tensor (state, key), tensor);
      sng_state_dict_set_tensor (state, key, tensor);
    }

  g_assert_true (changed);
  sng_checkpoint_set_state (checkpoint, to, state);
}

/* ---- The harness ---- */

G_DEFINE_FINAL_TYPE (FaultHarness, fault_harness, SNG_TYPE_HARNESS)

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

/* What a model with running statistics or an early stopping has: state that only a validation changes. Any stateful does. */
static gboolean
register_buffer (SngTrainer *trainer, GError **error)
{
  g_autoptr (SngRngStream) buffer = sng_rng_stream_new (0, BUFFER, 0);

  g_signal_connect_data (trainer, "validation-end", G_CALLBACK (move_buffer_cb), g_object_ref (buffer),
                         (GClosureNotify) (void (*) (void)) g_object_unref, 0);

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
  const Fault *fault = FAULT_HARNESS (harness)->fault;
  g_autoptr (SngTrainer) trainer =
      SNG_HARNESS_CLASS (fault_harness_parent_class)->setup_trainer (harness, mode, error);

  if (trainer == NULL || !register_buffer (trainer, error))
    return NULL;

  add_grad_scaler (trainer);
  add_ema (trainer);
  add_model_checkpoint (harness, mode, trainer);
  add_early_stopping (trainer, FAULT_HARNESS (harness)->patience);

  if (mode == SNG_MODE_RESUME && fault != NULL && fault->configure != NULL)
    fault->configure (harness, trainer);

  return g_steal_pointer (&trainer);
}

static gboolean
fault_harness_restore (SngHarness *harness, SngTrainer *trainer, SngCheckpoint *checkpoint, GError **error)
{
  const Fault *fault = FAULT_HARNESS (harness)->fault;

  if (fault != NULL && fault->plant != NULL && !fault->plant (trainer, checkpoint))
    return TRUE;

  return SNG_HARNESS_CLASS (fault_harness_parent_class)->restore (harness, trainer, checkpoint, error);
}

static void
fault_harness_class_init (FaultHarnessClass *klass)
{
  SngHarnessClass *harness_class = SNG_HARNESS_CLASS (klass);

  harness_class->setup_model = fault_harness_setup_model;
  harness_class->setup_trainer = fault_harness_setup_trainer;
  harness_class->restore = fault_harness_restore;
}

static void
fault_harness_init (FaultHarness *self)
{
  self->patience = 100;
}

SngHarness *
fault_harness_new (const Fault *fault)
{
  FaultHarness *self =
      g_object_new (FAULT_TYPE_HARNESS, "exp-name", "faults", "num-steps", NUM_STEPS, "stop-step", STOP_STEP,
                    "val-check-interval", 4, "limit-val-batches", 1, "micro-batch-size", MICRO_BATCH,
                    "accumulate-grad-batches", 2, "seed", (guint64) 7, "isolation", SNG_ISOLATION_NONE,
                    "precision", "16-mixed", NULL);

  self->fault = fault;
  self->with_sgd = fault != NULL && fault->with_sgd;

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

static void
test_fault (gconstpointer data)
{
  const Fault *fault = data;
  g_autoptr (SngHarness) harness = fault_harness_new (fault);
  g_autoptr (SngReport) report = fault_harness_run (harness);
  SngDivergence *first = sng_report_get_first_divergence (report);

  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_DIVERGED);
  g_assert_nonnull (first);
  g_assert_cmpstr (sng_divergence_get_metric (first), ==, fault->metric);
  g_assert_cmpint (sng_divergence_get_stage (first), ==, fault->stage);
  g_assert_cmpuint (sng_divergence_get_step (first), ==, fault->step);
  g_assert_cmpint (sng_divergence_get_mode (first), ==, SNG_MODE_RESUME);
}

void
fault_add_tests (const Fault *faults, guint n_faults)
{
  for (guint i = 0; i < n_faults; i++)
    {
      g_autofree char *path = g_strconcat ("/faults/", faults[i].name, NULL);

      g_test_add_data_func (path, &faults[i], test_fault);
    }
}
