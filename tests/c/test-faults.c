/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>

#include <math.h>
#include <string.h>

/*
 * What goes wrong with real resumes, planted one by one into a real, if very small, ESM-2 training on the built-in
 * proteins. Each fault is to be found, and found first where it first shows.
 *
 * 12 proteins make 3 steps of 2 x 2: the stop after step 7 is in the middle of the epoch 2, on a slope of the schedule and
 * between two validations and two checkpoints.
 */

#define NUM_STEPS 12
#define STOP_STEP 7
#define MICRO_BATCH 2
#define BUFFER "buffer"

/* Low enough that no window is skipped, and it grows before the stop. */
#define INITIAL_SCALE 256.0
#define GROWTH_INTERVAL G_GUINT64_CONSTANT (2)

typedef struct
{
  const char *name;
  const char *metric; /* of the first divergence */
  guint64 step;
  SngStage stage;
  gboolean (*plant) (SngTrainer *trainer,
                     SngCheckpoint *checkpoint);                /* before the restore; FALSE: there is none */
  void (*configure) (SngHarness *harness, SngTrainer *trainer); /* of RESUME */
  gboolean with_sgd;                                            /* in place of AdamW */
} Fault;

/* ---- A state in a checkpoint, changed ---- */

/* A copy of a state, for changes; sng_checkpoint_set_state() puts it in place. */
static SngStateDict *
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

/* A fault that changes nothing would be found by nobody, and must not count as planted. */
static void
set_count (SngCheckpoint *checkpoint, const char *name, const char *value, guint64 count)
{
  g_autoptr (SngStateDict) state = copy_state (checkpoint, name);

  g_assert_cmpuint (get_count (state, value), !=, count);
  sng_state_dict_set_value (state, value, g_variant_new_uint64 (count));
  sng_checkpoint_set_state (checkpoint, name, state);
}

static void
shift_count (SngCheckpoint *checkpoint, const char *name, const char *value, gint64 shift)
{
  guint64 count = get_count (sng_checkpoint_lookup_state (checkpoint, name), value);

  set_count (checkpoint, name, value, count + (guint64) shift);
}

typedef void (*ChangeFunc) (guint8 *bytes, gsize size);

static void
make_zero (guint8 *bytes, gsize size)
{
  memset (bytes, 0, size);
}

/* f32 through bf16 and back; cut off instead of rounded, which does for a fault */
static void
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

/* Changes every tensor whose name has the suffix. */
static void
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

static void
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

/* Gives one stateful the tensors that another has under the same names. */
static void
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

/* ---- The faults ---- */

static gboolean
reset_buffer (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  set_count (checkpoint, BUFFER, "position", 0);

  return TRUE;
}

static gboolean
reseed_rng (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  set_count (checkpoint, "rng/dropout", "position", 0);
  return TRUE;
}

static gboolean
reseed_masking (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  set_count (checkpoint, "rng/masking", "position", 0);
  return TRUE;
}

static gboolean
draw_once_more (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  shift_count (checkpoint, "rng/masking", "position", 1);
  return TRUE;
}

static gboolean
restart_data (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  set_count (checkpoint, "sampler", "position", 0);
  return TRUE;
}

static gboolean
skip_data (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  shift_count (checkpoint, "sampler", "position", MICRO_BATCH);
  return TRUE;
}

static gboolean
repeat_data (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  shift_count (checkpoint, "sampler", "position", -MICRO_BATCH);
  return TRUE;
}

static gboolean
shuffle_as_epoch_0 (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  set_count (checkpoint, "sampler", "epoch", 0);
  return TRUE;
}

static gboolean
drop_rest_of_data (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  shift_count (checkpoint, "sampler", "epoch", 1);
  set_count (checkpoint, "sampler", "position", 0);
  return TRUE;
}

static gboolean
reset_schedule (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  set_count (checkpoint, "scheduler", "count", 0);
  return TRUE;
}

static gboolean
delay_schedule (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  shift_count (checkpoint, "scheduler", "count", -1);
  return TRUE;
}

static gboolean
forward_schedule_twice (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  shift_count (checkpoint, "scheduler", "count", STOP_STEP);
  return TRUE;
}

static gboolean
drop_optimizer (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  change_tensors (checkpoint, "optimizer", "", make_zero);
  set_count (checkpoint, "optimizer", "step", 0);
  return TRUE;
}

static gboolean
drop_second_moment (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  change_tensors (checkpoint, "optimizer", ".exp_avg_sq", make_zero);
  return TRUE;
}

static gboolean
shift_optimizer_step (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  shift_count (checkpoint, "optimizer", "step", 1);
  return TRUE;
}

static gboolean
reset_scaler (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  g_autoptr (SngStateDict) state = copy_state (checkpoint, "grad-scaler");
  double scale = 0.0;

  g_assert_true (sng_state_dict_get_double (state, "scale", &scale, NULL));
  g_assert_cmpfloat (scale, !=, INITIAL_SCALE);
  sng_state_dict_set_double (state, "scale", INITIAL_SCALE);
  sng_checkpoint_set_state (checkpoint, "grad-scaler", state);

  return TRUE;
}

static gboolean
reset_growth (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  set_count (checkpoint, "grad-scaler", "growth_tracker", 0);
  return TRUE;
}

static gboolean
round_optimizer (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  change_tensors (checkpoint, "optimizer", "", make_bf16);
  return TRUE;
}

static gboolean
swap_moments (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  swap_tensors (checkpoint, "optimizer", "esm.encoder.layer.0.attention.self.query.weight.exp_avg",
                "esm.encoder.layer.0.attention.self.key.weight.exp_avg");
  return TRUE;
}

static gboolean
drop_momentum (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  change_tensors (checkpoint, "optimizer", ".momentum_buffer", make_zero);
  return TRUE;
}

static gboolean
forget_optimizer_steps (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  set_count (checkpoint, "optimizer", "step", 0);
  return TRUE;
}

static gboolean
swap_momentum (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  swap_tensors (checkpoint, "optimizer", "esm.encoder.layer.0.attention.self.query.weight.momentum_buffer",
                "esm.encoder.layer.0.attention.self.key.weight.momentum_buffer");
  return TRUE;
}

static gboolean
round_weights (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  change_tensors (checkpoint, "model", "", make_bf16);
  return TRUE;
}

/* as one that is made anew from the restored model */
static gboolean
restart_ema (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  copy_tensors (checkpoint, "model", "ema");
  set_count (checkpoint, "ema", "n_updates", 0);
  return TRUE;
}

static gboolean
reset_ema_counter (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  set_count (checkpoint, "ema", "n_updates", 0);
  return TRUE;
}

static gboolean
take_ema_for_weights (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  copy_tensors (checkpoint, "ema", "model");
  return TRUE;
}

/* as one that is made anew */
static gboolean
restart_early_stopping (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  g_autoptr (SngStateDict) state = copy_state (checkpoint, "early-stopping");
  double best_score;

  g_assert_true (sng_state_dict_get_double (state, "best_score", &best_score, NULL));
  g_assert_true (isfinite (best_score));
  sng_state_dict_set_double (state, "best_score", INFINITY);
  sng_checkpoint_set_state (checkpoint, "early-stopping", state);

  return TRUE;
}

static gboolean
reset_wait_count (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  set_count (checkpoint, "early-stopping", "wait_count", 0);
  return TRUE;
}

/* as one that keeps no list: what it saved before is never removed */
static gboolean
forget_best (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  g_autoptr (SngStateDict) state = copy_state (checkpoint, "model-checkpoint");

  g_assert_cmpuint (g_variant_n_children (sng_state_dict_lookup_value (state, "best")), >, 0);
  sng_state_dict_set_value (state, "best", g_variant_new ("a(td)", NULL));
  sng_checkpoint_set_state (checkpoint, "model-checkpoint", state);

  return TRUE;
}

/* as from a trainer that does not keep it */
static gboolean
forget_valid_loss (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  g_autoptr (SngStateDict) state = copy_state (checkpoint, "trainer");

  sng_state_dict_set_double (state, "valid_loss", NAN);
  sng_checkpoint_set_state (checkpoint, "trainer", state);

  return TRUE;
}

static gboolean
shift_global_step (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  shift_count (checkpoint, "trainer", "global_step", 1);
  return TRUE;
}

static gboolean
ignore_checkpoint (SngTrainer *trainer, SngCheckpoint *checkpoint)
{
  return FALSE;
}

/* validates 4 steps after the resume */
static void
validate_from_resume (SngHarness *harness, SngTrainer *trainer)
{
  g_object_set (trainer, "val-check-interval", (guint64) STOP_STEP + 4, NULL);
}

static void
forget_accumulation (SngHarness *harness, SngTrainer *trainer)
{
  g_object_set (trainer, "accumulate-grad-batches", 1, NULL);
}

static void
cut_windows_differently (SngHarness *harness, SngTrainer *trainer)
{
  g_object_set (trainer, "accumulate-grad-batches", 1, "micro-batch-size", 2 * MICRO_BATCH, NULL);
}

static void
name_older_checkpoint (SngHarness *harness, SngTrainer *trainer)
{
  g_autofree char *directory = sng_harness_dup_mode_directory (harness, SNG_MODE_STOP);
  g_autofree char *path = g_build_filename (directory, "checkpoints", "latest", NULL);
  g_autofree char *latest = NULL;
  char *digit;

  g_assert_true (g_file_get_contents (path, &latest, NULL, NULL));
  digit = strrchr (latest, '7');
  g_assert_nonnull (digit);
  *digit = '4';
  g_assert_true (g_file_set_contents (path, latest, -1, NULL));
}

static const Fault faults[] = {
  { "rng-reseeded", "RngState", STOP_STEP, SNG_STAGE_TRAIN, reseed_rng, NULL },
  { "rng-reseeded-masking", "RngState", STOP_STEP, SNG_STAGE_TRAIN, reseed_masking, NULL },
  { "rng-extra-draw", "RngState", STOP_STEP, SNG_STAGE_TRAIN, draw_once_more, NULL },
  { "data-restart", "TrainInput", STOP_STEP + 1, SNG_STAGE_TRAIN, restart_data, NULL },
  { "data-skip", "TrainInput", STOP_STEP + 1, SNG_STAGE_TRAIN, skip_data, NULL },
  { "data-repeat", "TrainInput", STOP_STEP + 1, SNG_STAGE_TRAIN, repeat_data, NULL },
  { "data-wrong-permutation", "TrainInput", STOP_STEP + 1, SNG_STAGE_TRAIN, shuffle_as_epoch_0, NULL },
  { "data-rest-dropped", "TrainInput", STOP_STEP + 1, SNG_STAGE_TRAIN, drop_rest_of_data, NULL },
  { "lr-reset", "SchedulerState", STOP_STEP, SNG_STAGE_TRAIN, reset_schedule, NULL },
  { "lr-off-by-one", "SchedulerState", STOP_STEP, SNG_STAGE_TRAIN, delay_schedule, NULL },
  { "lr-double-forward", "SchedulerState", STOP_STEP, SNG_STAGE_TRAIN, forward_schedule_twice, NULL },
  { "opt-dropped", "OptimizerState", STOP_STEP, SNG_STAGE_TRAIN, drop_optimizer, NULL },
  { "opt-second-moment", "OptimizerState", STOP_STEP, SNG_STAGE_TRAIN, drop_second_moment, NULL },
  { "opt-step-off", "OptimizerState", STOP_STEP, SNG_STAGE_TRAIN, shift_optimizer_step, NULL },
  { "opt-bf16", "OptimizerState", STOP_STEP, SNG_STAGE_TRAIN, round_optimizer, NULL },
  { "opt-swapped", "OptimizerState", STOP_STEP, SNG_STAGE_TRAIN, swap_moments, NULL },
  { "sgd-momentum-dropped", "OptimizerState", STOP_STEP, SNG_STAGE_TRAIN, drop_momentum, NULL, TRUE },
  { "sgd-step-off", "OptimizerState", STOP_STEP, SNG_STAGE_TRAIN, shift_optimizer_step, NULL, TRUE },
  { "sgd-step-dropped", "OptimizerState", STOP_STEP, SNG_STAGE_TRAIN, forget_optimizer_steps, NULL, TRUE },
  { "sgd-bf16", "OptimizerState", STOP_STEP, SNG_STAGE_TRAIN, round_optimizer, NULL, TRUE },
  { "sgd-swapped", "OptimizerState", STOP_STEP, SNG_STAGE_TRAIN, swap_momentum, NULL, TRUE },
  { "scaler-reset", "GradScalerState", STOP_STEP, SNG_STAGE_TRAIN, reset_scaler, NULL },
  { "scaler-growth", "GradScalerState", STOP_STEP, SNG_STAGE_TRAIN, reset_growth, NULL },
  { "weights-bf16", "ModelWeights", STOP_STEP, SNG_STAGE_TRAIN, round_weights, NULL },
  { "ema-reset", "EmaState", STOP_STEP, SNG_STAGE_TRAIN, restart_ema, NULL },
  { "ema-counter", "EmaState", STOP_STEP, SNG_STAGE_TRAIN, reset_ema_counter, NULL },
  { "ema-as-weights", "ModelWeights", STOP_STEP, SNG_STAGE_TRAIN, take_ema_for_weights, NULL },
  { "early-stop-reset", "RegisteredState", STOP_STEP, SNG_STAGE_TRAIN, restart_early_stopping, NULL },
  { "best-checkpoints-lost", "RegisteredState", STOP_STEP, SNG_STAGE_TRAIN, forget_best, NULL },
  { "valid-loss-lost", "RegisteredState", STOP_STEP, SNG_STAGE_TRAIN, forget_valid_loss, NULL },
  { "buffer-reset", "RegisteredState", STOP_STEP, SNG_STAGE_TRAIN, reset_buffer, NULL },
  { "counter-off", "GlobalStepState", STOP_STEP, SNG_STAGE_TRAIN, shift_global_step, NULL },
  { "silent-scratch", "GlobalStepState", STOP_STEP, SNG_STAGE_TRAIN, ignore_checkpoint, NULL },
  { "stale-latest", "GlobalStepState", STOP_STEP, SNG_STAGE_TRAIN, NULL, name_older_checkpoint },
  { "val-shifted", "ValidationBatches", 8, SNG_STAGE_VALIDATE, NULL, validate_from_resume },
  { "accum-forgotten", "TrainInput", STOP_STEP + 1, SNG_STAGE_TRAIN, NULL, forget_accumulation },
  { "accum-cut", "TrainInput", STOP_STEP + 1, SNG_STAGE_TRAIN, NULL, cut_windows_differently },
};

/* ---- The harness ---- */

#define FAULT_TYPE_HARNESS (fault_harness_get_type ())
G_DECLARE_FINAL_TYPE (FaultHarness, fault_harness, FAULT, HARNESS, SngHarness)

struct _FaultHarness
{
  SngHarness parent_instance;

  const Fault *fault; /* NULL: none */
  gboolean swaps_groups;
  gboolean with_sgd;
  guint patience;
};

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

static SngHarness *
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

/* ---- The tests ---- */

static SngReport *
run (SngHarness *harness)
{
  g_autoptr (GError) error = NULL;
  SngReport *report = sng_harness_run_stop_and_go (harness, NULL, &error);

  g_assert_no_error (error);

  return report;
}

static void
check_passes (SngHarness *harness)
{
  g_autoptr (SngReport) report = run (harness);
  g_autofree char *summary = sng_report_get_summary (report);

  if (sng_report_get_verdict (report) != SNG_VERDICT_PASS)
    g_error ("%s", summary);
}

/* Without a fault nothing is found, wherever the stop is: at an epoch's end as well as right before, at and after a
 * validation and a checkpoint. */
static void
test_clean (gconstpointer data)
{
  g_autoptr (SngHarness) harness = fault_harness_new (NULL);

  g_object_set (harness, "stop-step", GPOINTER_TO_UINT (data), NULL);
  check_passes (harness);
}

static void
test_clean_sgd (void)
{
  g_autoptr (SngHarness) harness = fault_harness_new (NULL);

  FAULT_HARNESS (harness)->with_sgd = TRUE;
  check_passes (harness);
}

static void
test_fault (gconstpointer data)
{
  const Fault *fault = data;
  g_autoptr (SngHarness) harness = fault_harness_new (fault);
  g_autoptr (SngReport) report = run (harness);
  SngDivergence *first = sng_report_get_first_divergence (report);

  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_DIVERGED);
  g_assert_nonnull (first);
  g_assert_cmpstr (sng_divergence_get_metric (first), ==, fault->metric);
  g_assert_cmpint (sng_divergence_get_stage (first), ==, fault->stage);
  g_assert_cmpuint (sng_divergence_get_step (first), ==, fault->step);
  g_assert_cmpint (sng_divergence_get_mode (first), ==, SNG_MODE_RESUME);
}

static SngVerdict
get_verdict (SngReport *report, const char *metric)
{
  return sng_metric_result_get_verdict (sng_report_lookup_metric (report, metric));
}

/* What is lost of the average never reaches the training. */
static void
test_ema_in_validation (void)
{
  static const Fault fault = { .name = "ema-reset", .plant = restart_ema };
  g_autoptr (SngHarness) harness = fault_harness_new (&fault);
  g_autoptr (SngReport) report = run (harness);

  g_assert_cmpint (get_verdict (report, "EmaState"), ==, SNG_VERDICT_DIVERGED);
  g_assert_cmpint (get_verdict (report, "ValidOutput"), ==, SNG_VERDICT_DIVERGED);
  g_assert_cmpint (get_verdict (report, "ValidLoss"), ==, SNG_VERDICT_DIVERGED);
  g_assert_cmpint (get_verdict (report, "TrainLoss"), ==, SNG_VERDICT_PASS);
  g_assert_cmpint (get_verdict (report, "ModelWeights"), ==, SNG_VERDICT_PASS);
}

/* Of all that wait, only the count of the waits is lost. */
static void
test_wait_count (void)
{
  static const Fault fault = { .name = "early-stop-reset", .plant = reset_wait_count };
  g_autoptr (SngHarness) harness = fault_harness_new (&fault);
  g_autoptr (SngReport) report = NULL;
  SngDivergence *first;

  g_object_set (harness, "stop-step", 9, NULL);
  report = run (harness);
  first = sng_report_get_first_divergence (report);
  g_assert_nonnull (first);
  g_assert_cmpstr (sng_divergence_get_metric (first), ==, "RegisteredState");
  g_assert_cmpstr (sng_divergence_get_path (first), ==, "early-stopping/wait_count");
  g_assert_cmpuint (sng_divergence_get_step (first), ==, 9);
}

/* A training that ends before its last step: by itself after the stop, at it, and not when the best score is lost. */
static void
test_stopped_early (void)
{
  static const Fault reset = { .name = "early-stop-reset", .plant = restart_early_stopping };
  const guint stops[] = { 7, 8, 7 };

  for (guint i = 0; i < G_N_ELEMENTS (stops); i++)
    {
      g_autoptr (SngHarness) harness = fault_harness_new (i == 2 ? &reset : NULL);
      g_autoptr (SngReport) report = NULL;
      g_autofree char *summary = NULL;

      g_object_set (harness, "stop-step", stops[i], NULL);
      FAULT_HARNESS (harness)->patience = 1;
      report = run (harness);
      summary = sng_report_get_summary (report);
      g_test_message ("%s", summary);
      g_assert_cmpint (sng_report_get_verdict (report), ==, i == 2 ? SNG_VERDICT_DIVERGED : SNG_VERDICT_PASS);
    }
}

/* One that matches two patterns would change its group with the order of the groups. */
static void
test_swapped_groups (void)
{
  g_autoptr (SngHarness) harness = fault_harness_new (NULL);
  g_autoptr (SngReport) report = NULL;
  g_autoptr (GError) error = NULL;

  FAULT_HARNESS (harness)->swaps_groups = TRUE;
  report = sng_harness_run_stop_and_go (harness, NULL, &error);

  g_assert_null (report);
  g_assert_error (error, SNG_ERROR, SNG_ERROR_MISMATCH);
  g_assert_nonnull (strstr (error->message, ".position: the checkpoint has "));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_data_func ("/faults/none", GUINT_TO_POINTER (STOP_STEP), test_clean);
  g_test_add_data_func ("/faults/none/epoch-end", GUINT_TO_POINTER (6), test_clean);
  g_test_add_data_func ("/faults/none/validation", GUINT_TO_POINTER (8), test_clean);
  g_test_add_data_func ("/faults/none/after-validation", GUINT_TO_POINTER (9), test_clean);
  g_test_add_func ("/faults/none/sgd", test_clean_sgd);
  for (guint i = 0; i < G_N_ELEMENTS (faults); i++)
    {
      g_autofree char *path = g_strconcat ("/faults/", faults[i].name, NULL);

      g_test_add_data_func (path, &faults[i], test_fault);
    }

  g_test_add_func ("/faults/ema-reset/validation", test_ema_in_validation);
  g_test_add_func ("/faults/early-stop-reset/wait-count", test_wait_count);
  g_test_add_func ("/faults/none/stopped-early", test_stopped_early);
  g_test_add_func ("/faults/opt-groups", test_swapped_groups);

  return g_test_run ();
}
