/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <math.h>
#include <string.h>

#include "tiny-model.h"

/*
 * A training in mixed precision, on a model whose gradients overflow exactly where the loss scale is above LARGEST_SCALE:
 * with one micro-batch a step, whose weight is 1, that is known beforehand. From INITIAL_SCALE and with a growth every three
 * steps the scale is, after each of the first 13 steps:
 *
 *   step     1  2  3  4  5  6   7   8   9  10  11  12  13
 *   scale    4  4  8  8  8 16  16  16  32  16  16  32  16     the steps 10 and 13 succeed in the second attempt
 *   tracker  1  2  0  1  2  0   1   2   0   1   2   0   1
 */

#define INITIAL_SCALE 4.0
#define LARGEST_SCALE 16.0
#define GROWTH_INTERVAL G_GUINT64_CONSTANT (3)
#define MICRO_BATCH 5 /* so that an epoch is two of them, and none is without targets */
#define NUM_STEPS 13

static char *directory;

static SngGradScaler *
scaler_of (double initial_scale)
{
  return g_object_new (SNG_TYPE_GRAD_SCALER, "initial-scale", initial_scale, "growth-interval",
                       GROWTH_INTERVAL, NULL);
}

/* Without @largest_scale the model knows nothing of precisions. */
static gboolean
attach (SngTrainer *trainer, double largest_scale, GError **error)
{
  g_autoptr (TinyModel) model = tiny_model_new (7, 0.25);
  g_autoptr (TinyData) data = tiny_data_new (TRUE);
  g_autoptr (SngOptimizer) optimizer = sng_adamw_new (G_LIST_MODEL (model->parameters), 0.0, 0.01);
  g_autoptr (SngLrScheduler) scheduler = sng_cosine_lr_new (0.05, 0.001, 3, 20);

  model->largest_factor = largest_scale;

  return sng_trainer_attach (trainer, SNG_MODEL (model), SNG_DATA_MODULE (data), optimizer, scheduler, error);
}

static SngTrainer *
trainer_of (SngPrecision precision, double initial_scale, double largest_scale)
{
  g_autoptr (SngTrainer) trainer = sng_trainer_new ();
  g_autoptr (SngGradScaler) scaler = precision == SNG_PRECISION_16_MIXED ? scaler_of (initial_scale) : NULL;
  g_autoptr (GError) error = NULL;

  g_object_set (trainer, "precision", precision, "grad-scaler", scaler, "micro-batch-size", MICRO_BATCH,
                "max-steps", (guint64) NUM_STEPS, "seed", G_GUINT64_CONSTANT (7), NULL);

  attach (trainer, largest_scale, &error);
  g_assert_no_error (error);

  return g_steal_pointer (&trainer);
}

static void
fit (SngTrainer *trainer)
{
  g_autoptr (GError) error = NULL;

  sng_trainer_fit (trainer, &error);
  g_assert_no_error (error);
}

static void
check_failure (SngTrainer *trainer, const char *message)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (sng_trainer_fit (trainer, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_NON_FINITE);
  g_assert_cmpstr (error->message, ==, message);
}

/* The fingerprint of what a step changes, and nothing but that. */
static char *
fingerprint_of (SngTrainer *trainer)
{
  const char *const names[] = { "model", "optimizer", "scheduler" };
  g_autoptr (SngCheckpoint) checkpoint = sng_checkpoint_new (0);
  g_autoptr (SngFingerprint) fingerprint = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      SngStateful *part = sng_state_registry_lookup (sng_trainer_get_state_registry (trainer), names[i]);
      g_autoptr (SngStateDict) state = sng_stateful_get_state (part, NULL);

      sng_checkpoint_set_state (checkpoint, names[i], state);
    }

  fingerprint = sng_checkpoint_compute_fingerprint (checkpoint);

  return sng_fingerprint_to_string (fingerprint);
}

/* ---- The steps of a trainer ---- */

static void
note_scale_cb (SngTrainer *trainer, GString *text)
{
  SngGradScaler *scaler = sng_trainer_get_grad_scaler (trainer);

  g_string_append_printf (
      text, "%d: %g %d %d, ", (int) sng_trainer_get_global_step (trainer), sng_grad_scaler_get_scale (scaler),
      (int) sng_grad_scaler_get_growth_tracker (scaler), (int) sng_grad_scaler_get_n_skipped (scaler));
}

static void
test_schedule_of_the_scale (void)
{
  g_autoptr (SngTrainer) trainer = trainer_of (SNG_PRECISION_16_MIXED, INITIAL_SCALE, LARGEST_SCALE);
  g_autoptr (GString) text = g_string_new (NULL);

  g_signal_connect (trainer, "step-end", G_CALLBACK (note_scale_cb), text);
  fit (trainer);
  g_assert_cmpstr (text->str, ==,
                   "1: 4 1 0, 2: 4 2 0, 3: 8 0 0, 4: 8 1 0, 5: 8 2 0, 6: 16 0 0, 7: 16 1 0, 8: 16 2 0, "
                   "9: 32 0 0, 10: 16 1 1, 11: 16 2 1, 12: 32 0 1, 13: 16 1 2, ");

  /* What was skipped was consumed. */
  g_assert_cmpuint (sng_trainer_get_consumed_samples (trainer, SNG_STAGE_TRAIN), ==,
                    (NUM_STEPS + 2) * MICRO_BATCH);
  g_assert_cmpuint (sng_trainer_get_epoch (trainer), ==, 7);
}

/* A power of two as scale changes not a bit of what comes out, with and without clipping and accumulation. */
static void
test_scale_changes_nothing (void)
{
  const double clip_norms[] = { 0.0, 0.1 };

  for (guint i = 0; i < G_N_ELEMENTS (clip_norms); i++)
    for (guint k = 1; k <= 2; k++)
      {
        g_autoptr (SngTrainer) plain = trainer_of (SNG_PRECISION_32, 0.0, 0.0);
        g_autoptr (SngTrainer) mixed = trainer_of (SNG_PRECISION_16_MIXED, INITIAL_SCALE, LARGEST_SCALE);
        SngTrainer *trainers[] = { plain, mixed };
        g_autofree char *expected = NULL;
        g_autofree char *found = NULL;

        for (guint j = 0; j < 2; j++)
          {
            g_object_set (trainers[j], "max-steps", G_GUINT64_CONSTANT (9), "gradient-clip-norm",
                          clip_norms[i], "accumulate-grad-batches", k, NULL);
            fit (trainers[j]);
          }

        expected = fingerprint_of (plain);
        found = fingerprint_of (mixed);
        g_assert_cmpstr (found, ==, expected);
        g_assert_cmpfloat (sng_trainer_get_gradient_norm (mixed), ==, sng_trainer_get_gradient_norm (plain));
        g_assert_cmpfloat (sng_trainer_get_loss (mixed), ==, sng_trainer_get_loss (plain));
      }
}

/* ---- A skipped attempt ---- */

static void
note_cb (SngTrainer *trainer, gpointer name)
{
  g_string_append_printf (g_object_get_data (G_OBJECT (trainer), "news"), "%s %d\n", (const char *) name,
                          (int) sng_trainer_get_global_step (trainer));
}

static void
note_micro_batch_cb (SngTrainer *trainer,
                     SngStage stage,
                     guint micro_batch,
                     SngStateDict *batch,
                     SngStateDict *outputs,
                     GString *text)
{
  g_string_append_printf (text, "micro-batch-end %s %u\n", sng_stage_to_string (stage), micro_batch);
}

static void
keep_fingerprint_cb (SngTrainer *trainer, gpointer user_data)
{
  g_object_set_data_full (G_OBJECT (trainer), "before", fingerprint_of (trainer), g_free);
}

/* All is as it was before the step, and none of it can be saved. */
static void
step_skipped_cb (SngTrainer *trainer, guint n_skipped, GString *text)
{
  g_autofree char *now = fingerprint_of (trainer);
  g_autoptr (GError) error = NULL;

  g_string_append_printf (text, "step-skipped %u\n", n_skipped);
  g_assert_cmpstr (now, ==, g_object_get_data (G_OBJECT (trainer), "before"));
  g_assert_null (sng_trainer_save_checkpoint (trainer, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "step 0: the next step is half done"));
}

static void
test_order_of_signals (void)
{
  const char *const names[] = { "step-start", "step-end", "step-finished", "validation-start" };
  g_autoptr (SngTrainer) trainer = trainer_of (SNG_PRECISION_16_MIXED, 4 * LARGEST_SCALE, LARGEST_SCALE);
  g_autoptr (SngModelCheckpoint) checkpoint = sng_model_checkpoint_new (directory, 1);
  g_autoptr (GString) text = g_string_new (NULL);

  g_object_set (trainer, "max-steps", G_GUINT64_CONSTANT (2), "accumulate-grad-batches", 2,
                "val-check-interval", G_GUINT64_CONSTANT (1), "model-checkpoint", checkpoint, NULL);
  /* The larger one of two micro-batches has more than half of the targets, so that 64 and 32 are too much, and 16 is not. */
  g_object_set_data (G_OBJECT (trainer), "news", text);
  g_signal_connect (trainer, "step-start", G_CALLBACK (keep_fingerprint_cb), NULL);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    g_signal_connect (trainer, names[i], G_CALLBACK (note_cb), (gpointer) names[i]);
  g_signal_connect (trainer, "micro-batch-end", G_CALLBACK (note_micro_batch_cb), text);
  g_signal_connect (trainer, "step-skipped", G_CALLBACK (step_skipped_cb), text);
  fit (trainer);

  g_assert_cmpstr (text->str, ==,
                   "step-start 0\n"
                   "micro-batch-end train 0\n"
                   "micro-batch-end train 1\n"
                   "step-skipped 1\n"
                   "micro-batch-end train 2\n"
                   "micro-batch-end train 3\n"
                   "step-skipped 2\n"
                   "micro-batch-end train 4\n"
                   "micro-batch-end train 5\n"
                   "step-end 1\n"
                   "validation-start 1\n"
                   "micro-batch-end validate 0\n"
                   "step-finished 1\n"
                   "step-start 1\n"
                   "micro-batch-end train 0\n"
                   "micro-batch-end train 1\n"
                   "step-end 2\n"
                   "validation-start 2\n"
                   "micro-batch-end validate 0\n"
                   "step-finished 2\n");
  tiny_remove_directory (directory);
}

static void
end_cb (SngTrainer *trainer, guint n_skipped, gpointer user_data)
{
  g_autoptr (GError) error = g_error_new (SNG_ERROR, SNG_ERROR_STOP_AND_GO, "[test] enough");

  sng_trainer_end_with_error (trainer, error);
}

static void
test_end_in_a_skip (void)
{
  g_autoptr (SngTrainer) trainer = trainer_of (SNG_PRECISION_16_MIXED, 4 * LARGEST_SCALE, LARGEST_SCALE);
  g_autoptr (GError) error = NULL;

  g_signal_connect (trainer, "step-skipped", G_CALLBACK (end_cb), NULL);
  g_assert_false (sng_trainer_fit (trainer, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_STOP_AND_GO);
  g_assert_cmpuint (sng_grad_scaler_get_n_skipped (sng_trainer_get_grad_scaler (trainer)), ==, 1);
  g_assert_cmpuint (sng_trainer_get_global_step (trainer), ==, 0);
}

/* ---- What ends a training ---- */

static void
test_no_scale_helps (void)
{
  g_autoptr (SngTrainer) mixed = trainer_of (SNG_PRECISION_16_MIXED, INITIAL_SCALE, 1e-30);
  g_autoptr (SngTrainer) later = trainer_of (SNG_PRECISION_16_MIXED, INITIAL_SCALE, LARGEST_SCALE);
  g_autoptr (SngTrainer) bf16 = trainer_of (SNG_PRECISION_BF16_MIXED, 0.0, 0.5);
  g_autoptr (SngTrainer) plain = trainer_of (SNG_PRECISION_32, 0.0, 0.5);

  check_failure (
      mixed, "[trainer][fit] step 1: after 26 skipped attempts in a row: [gradient] weight: the norm of the "
             "gradient is not finite: [grad-scaler] the scale is 5.96046e-08 and cannot fall below 2^-24");
  g_assert_cmpuint (sng_trainer_get_consumed_samples (mixed, SNG_STAGE_TRAIN), ==, 27 * MICRO_BATCH);

  /* Where there is no scale to blame, the first one is the last one. */
  check_failure (bf16, "[trainer][fit] step 1: [gradient] weight: the norm of the gradient is not finite");
  check_failure (plain, "[trainer][fit] step 1: [gradient] weight: the norm of the gradient is not finite");

  /* A loss that is no number is no matter of the scale. */
  TINY_MODEL (sng_trainer_get_model (later))->poison = NAN;
  check_failure (later,
                 "[trainer][fit] step 1: micro-batch 0: [model] the loss is nan: all tensors of batch, model "
                 "and outputs are finite");
}

static double *
weight_of (SngTrainer *trainer)
{
  return sng_tensor_get_data (sng_parameter_get_value (TINY_MODEL (sng_trainer_get_model (trainer))->weight));
}

static void
poison_weight_cb (SngTrainer *trainer, gpointer user_data)
{
  if (sng_trainer_get_global_step (trainer) == 2)
    weight_of (trainer)[1] = NAN;
}

/* A module whose fourth batch has an infinite input. */
G_DECLARE_FINAL_TYPE (BadData, bad_data, BAD, DATA, SngDataModule)

struct _BadData
{
  SngDataModule parent_instance;

  TinyData *source;
  guint n_loaded;
};

G_DEFINE_FINAL_TYPE (BadData, bad_data, SNG_TYPE_DATA_MODULE)

static guint64
bad_data_get_n_samples (SngDataModule *module, SngStage stage)
{
  return sng_data_module_get_n_samples (SNG_DATA_MODULE (BAD_DATA (module)->source), stage);
}

static SngStateDict *
bad_data_load_batch (SngDataModule *module, SngStage stage, SngTensor *ids, SngRngStream *rng, GError **error)
{
  BadData *self = BAD_DATA (module);
  SngStateDict *batch = sng_data_module_load_batch (SNG_DATA_MODULE (self->source), stage, ids, rng, error);

  if (++self->n_loaded == 4)
    *(double *) sng_tensor_get_data (sng_state_dict_lookup_tensor (batch, "inputs")) = INFINITY;

  return batch;
}

static void
bad_data_finalize (GObject *object)
{
  g_clear_object (&BAD_DATA (object)->source);

  G_OBJECT_CLASS (bad_data_parent_class)->finalize (object);
}

static void
bad_data_class_init (BadDataClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = bad_data_finalize;
  SNG_DATA_MODULE_CLASS (klass)->get_n_samples = bad_data_get_n_samples;
  SNG_DATA_MODULE_CLASS (klass)->load_batch = bad_data_load_batch;
}

static void
bad_data_init (BadData *self)
{
  self->source = tiny_data_new (FALSE);
}

/* The error names the tensor in which the trouble began: the weight, not the predictions that come of it. */
static void
test_origin_of_a_loss (void)
{
  g_autoptr (SngTrainer) of_weight = trainer_of (SNG_PRECISION_32, 0.0, 0.0);
  g_autoptr (SngTrainer) of_batch = sng_trainer_new ();
  g_autoptr (SngTrainer) of_predictions = trainer_of (SNG_PRECISION_32, 0.0, 0.0);
  g_autoptr (TinyModel) model = tiny_model_new (7, 0.0);
  g_autoptr (BadData) data = g_object_new (bad_data_get_type (), NULL);
  g_autoptr (SngOptimizer) optimizer = sng_adamw_new (G_LIST_MODEL (model->parameters), 0.01, 0.0);
  g_autoptr (GError) error = NULL;

  g_signal_connect (of_weight, "step-start", G_CALLBACK (poison_weight_cb), NULL);
  check_failure (of_weight,
                 "[trainer][fit] step 3: micro-batch 0: [model] the loss is nan: \"weight\" of the model is "
                 "the first tensor that is not finite");

  g_object_set (of_batch, "micro-batch-size", MICRO_BATCH, "accumulate-grad-batches", 2, NULL);
  sng_trainer_attach (of_batch, SNG_MODEL (model), SNG_DATA_MODULE (data), optimizer, NULL, &error);
  g_assert_no_error (error);
  check_failure (of_batch,
                 "[trainer][fit] step 2: micro-batch 1: [model] the loss is inf: \"inputs\" of the batch is "
                 "the first tensor that is not finite");

  weight_of (of_predictions)[0] = weight_of (of_predictions)[1] = weight_of (of_predictions)[2] = 1.7e308;
  check_failure (of_predictions,
                 "[trainer][fit] step 1: micro-batch 0: [model] the loss is inf: \"predictions\" of "
                 "the outputs is the first tensor that is not finite");
}

/* ---- Attach and restore ---- */

static void
check_attach_fails (SngTrainer *trainer, double largest_scale, int code, const char *message)
{
  g_auto (GStrv) names = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_false (attach (trainer, largest_scale, &error));
  g_assert_error (error, SNG_ERROR, code);
  g_assert_cmpstr (error->message, ==, message);
  names = sng_state_registry_dup_names (sng_trainer_get_state_registry (trainer));
  g_assert_cmpuint (g_strv_length (names), ==, 0);
  g_assert_null (sng_trainer_get_model (trainer));
}

static void
test_attach (void)
{
  g_autoptr (SngTrainer) trainer = sng_trainer_new ();
  g_autoptr (SngGradScaler) scaler = sng_grad_scaler_new ();
  g_auto (GStrv) names = NULL;
  g_autofree char *joined = NULL;
  g_autoptr (GError) error = NULL;

  g_object_set (trainer, "precision", SNG_PRECISION_16_MIXED, NULL);
  g_assert_cmpint (sng_trainer_get_precision (trainer), ==, SNG_PRECISION_16_MIXED);
  check_attach_fails (
      trainer, 0.0, SNG_ERROR_NOT_SUPPORTED,
      "[trainer][attach] [model] TinyModel does not compute in precision 16-mixed, only in 32");
  g_assert_null (sng_trainer_get_grad_scaler (trainer));

  g_object_set (trainer, "precision", SNG_PRECISION_BF16_MIXED, "grad-scaler", scaler, NULL);
  check_attach_fails (
      trainer, LARGEST_SCALE, SNG_ERROR_INVALID_ARGUMENT,
      "[trainer][attach] there is a grad-scaler, which is for the precision 16-mixed, but the precision is "
      "bf16-mixed");
  g_assert_true (sng_trainer_get_grad_scaler (trainer) == scaler);

  /* Without one of the user's there is one by default. */
  g_object_set (trainer, "precision", SNG_PRECISION_16_MIXED, "grad-scaler", NULL, NULL);
  attach (trainer, LARGEST_SCALE, &error);
  g_assert_no_error (error);
  g_assert_cmpfloat (sng_grad_scaler_get_scale (sng_trainer_get_grad_scaler (trainer)), ==, 65536.0);
  names = sng_state_registry_dup_names (sng_trainer_get_state_registry (trainer));
  joined = g_strjoinv (" ", names);
  g_assert_cmpstr (joined, ==,
                   "trainer model optimizer scheduler grad-scaler sampler rng/masking rng/dropout");
}

/* A checkpoint of another precision is refused by name, before another reason is. */
static void
test_restore_of_another (void)
{
  const SngPrecision precisions[] = { SNG_PRECISION_32, SNG_PRECISION_BF16_MIXED, SNG_PRECISION_16_MIXED };

  for (guint i = 0; i < G_N_ELEMENTS (precisions); i++)
    for (guint j = 0; j < G_N_ELEMENTS (precisions); j++)
      {
        g_autoptr (SngTrainer) saved = trainer_of (precisions[i], INITIAL_SCALE, LARGEST_SCALE);
        g_autoptr (SngTrainer) restored = trainer_of (precisions[j], INITIAL_SCALE, LARGEST_SCALE);
        g_autoptr (SngCheckpoint) checkpoint = NULL;
        g_autofree char *before = NULL;
        g_autofree char *after = NULL;
        g_autofree char *message = NULL;
        g_autoptr (GError) error = NULL;

        fit (saved);
        checkpoint = sng_state_registry_capture (sng_trainer_get_state_registry (saved), NUM_STEPS, &error);
        g_assert_no_error (error);
        before = fingerprint_of (restored);
        sng_trainer_restore (restored, checkpoint, &error);
        after = fingerprint_of (restored);

        if (i == j)
          {
            g_assert_no_error (error);
            g_assert_cmpstr (after, !=, before);
            continue;
          }

        message = g_strdup_printf ("[trainer][restore] step 13: [trainer][restore] precision: the checkpoint "
                                   "has '%s', this run has '%s'",
                                   sng_precision_to_string (precisions[i]),
                                   sng_precision_to_string (precisions[j]));
        g_assert_error (error, SNG_ERROR, SNG_ERROR_MISMATCH);
        g_assert_cmpstr (error->message, ==, message);
        g_assert_cmpstr (after, ==, before);
      }
}

/* ---- Stopped and resumed ---- */

#define MIXED_TYPE_HARNESS (mixed_harness_get_type ())
G_DECLARE_FINAL_TYPE (MixedHarness, mixed_harness, MIXED, HARNESS, SngHarness)

struct _MixedHarness
{
  SngHarness parent_instance;

  const char *lost; /* what of the scaler's state RESUME has as at the start; NULL: nothing */
  double largest_scale_of_resume;
};

G_DEFINE_FINAL_TYPE (MixedHarness, mixed_harness, SNG_TYPE_HARNESS)

static SngSetup *
mixed_harness_setup_model (SngHarness *harness, SngMode mode, GError **error)
{
  g_autoptr (TinyModel) model = tiny_model_new (7, 0.25);
  g_autoptr (TinyData) data = tiny_data_new (TRUE);
  g_autoptr (SngOptimizer) optimizer = sng_adamw_new (G_LIST_MODEL (model->parameters), 0.05, 0.01);
  g_autoptr (SngLrScheduler) scheduler = sng_cosine_lr_new (0.05, 0.001, 3, 20);

  model->largest_factor =
      mode == SNG_MODE_RESUME ? MIXED_HARNESS (harness)->largest_scale_of_resume : LARGEST_SCALE;

  return sng_setup_new (SNG_MODEL (model), SNG_DATA_MODULE (data), optimizer, scheduler);
}

static SngTrainer *
mixed_harness_setup_trainer (SngHarness *harness, SngMode mode, GError **error)
{
  SngTrainer *trainer = SNG_HARNESS_CLASS (mixed_harness_parent_class)->setup_trainer (harness, mode, error);
  g_autoptr (SngGradScaler) scaler = scaler_of (INITIAL_SCALE);

  /* a validation after each step, so that one is due after any stop */
  g_object_set (trainer, "precision", SNG_PRECISION_16_MIXED, "grad-scaler", scaler, "val-check-interval",
                G_GUINT64_CONSTANT (1), NULL);

  return trainer;
}

static gboolean
mixed_harness_restore (SngHarness *harness, SngTrainer *trainer, SngCheckpoint *checkpoint, GError **error)
{
  const char *lost = MIXED_HARNESS (harness)->lost;
  SngGradScaler *scaler = sng_trainer_get_grad_scaler (trainer);

  if (lost != NULL)
    {
      g_autoptr (SngStateDict) fresh = sng_stateful_get_state (SNG_STATEFUL (scaler), error);
      g_autoptr (SngStateDict) state =
          sng_state_dict_copy (sng_checkpoint_lookup_state (checkpoint, "grad-scaler"), error);
      GVariant *initial = sng_state_dict_lookup_value (fresh, lost);

      g_assert_false (g_variant_equal (initial, sng_state_dict_lookup_value (state, lost)));
      sng_state_dict_set_value (state, lost, initial);
      sng_checkpoint_set_state (checkpoint, "grad-scaler", state);
    }

  return SNG_HARNESS_CLASS (mixed_harness_parent_class)->restore (harness, trainer, checkpoint, error);
}

static void
mixed_harness_class_init (MixedHarnessClass *klass)
{
  SngHarnessClass *harness_class = SNG_HARNESS_CLASS (klass);

  harness_class->setup_model = mixed_harness_setup_model;
  harness_class->setup_trainer = mixed_harness_setup_trainer;
  harness_class->restore = mixed_harness_restore;
}

static void
mixed_harness_init (MixedHarness *self)
{
  self->largest_scale_of_resume = LARGEST_SCALE;
}

static SngReport *
run (MixedHarness *harness, guint stop_step)
{
  g_autoptr (GError) error = NULL;
  SngReport *report = NULL;

  g_object_set (harness, "exp-name", "mixed", "num-steps", NUM_STEPS, "stop-step", stop_step,
                "micro-batch-size", MICRO_BATCH, "seed", G_GUINT64_CONSTANT (7), "isolation",
                SNG_ISOLATION_NONE, NULL);
  report = sng_harness_run_stop_and_go (SNG_HARNESS (harness), NULL, &error);
  g_assert_no_error (error);

  return report;
}

/* Stopped right before and after a growth (3, 9, 12) and a step that is skipped at first (10, 13). */
static void
test_resume (void)
{
  const guint stops[] = { 2, 3, 8, 9, 10, 11, 12 };

  for (guint i = 0; i < G_N_ELEMENTS (stops); i++)
    {
      g_autoptr (MixedHarness) harness = g_object_new (MIXED_TYPE_HARNESS, NULL);
      g_autoptr (SngReport) report = run (harness, stops[i]);
      g_autofree char *summary = sng_report_get_summary (report);
      SngMetricResult *result = sng_report_lookup_metric (report, "GradScalerState");

      if (sng_report_get_verdict (report) != SNG_VERDICT_PASS)
        g_error ("stopped at %u: %s", stops[i], summary);
      g_assert_nonnull (result);
      /* 6 values at the start of each of two runs and at the end of each of their steps, but for those of the start */
      g_assert_cmpuint (sng_metric_result_get_compared (result), ==, 6 * (NUM_STEPS + 2));
    }
}

static void
check_divergence (MixedHarness *harness, guint stop_step, const char *metric, guint64 step)
{
  g_autoptr (SngReport) report = run (harness, stop_step);
  SngDivergence *first = sng_report_get_first_divergence (report);
  SngMetricResult *result = sng_report_lookup_metric (report, "GradScalerState");

  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_DIVERGED);
  g_assert_cmpstr (sng_divergence_get_metric (first), ==, metric);
  g_assert_cmpuint (sng_divergence_get_step (first), ==, step);
  g_assert_cmpint (sng_divergence_get_mode (first), ==, SNG_MODE_RESUME);
  g_assert_cmpint (sng_metric_result_get_verdict (result), ==, SNG_VERDICT_DIVERGED);
}

static void
test_faults (void)
{
  const struct
  {
    const char *lost;
    guint stop_step;
  } faults[] = {
    { "scale", 4 }, { "scale", 9 }, { "growth_tracker", 2 }, { "growth_tracker", 11 }, { "n_skipped", 10 }
  };

  for (guint i = 0; i < G_N_ELEMENTS (faults); i++)
    {
      g_autoptr (MixedHarness) harness = g_object_new (MIXED_TYPE_HARNESS, NULL);

      harness->lost = faults[i].lost;
      check_divergence (harness, faults[i].stop_step, "GradScalerState", faults[i].stop_step);
    }
}

/* A step that is skipped in one run only: one of them has seen more samples. */
static void
test_other_skips (void)
{
  g_autoptr (MixedHarness) harness = g_object_new (MIXED_TYPE_HARNESS, NULL);

  harness->largest_scale_of_resume = LARGEST_SCALE / 2;
  check_divergence (harness, 7, "SampleIds", 8);
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  directory = g_dir_make_tmp ("sng-precision-XXXXXX", NULL);

  g_test_add_func ("/sng/precision/schedule-of-the-scale", test_schedule_of_the_scale);
  g_test_add_func ("/sng/precision/scale-changes-nothing", test_scale_changes_nothing);
  g_test_add_func ("/sng/precision/order-of-signals", test_order_of_signals);
  g_test_add_func ("/sng/precision/end-in-a-skip", test_end_in_a_skip);
  g_test_add_func ("/sng/precision/no-scale-helps", test_no_scale_helps);
  g_test_add_func ("/sng/precision/origin-of-a-loss", test_origin_of_a_loss);
  g_test_add_func ("/sng/precision/attach", test_attach);
  g_test_add_func ("/sng/precision/restore-of-another", test_restore_of_another);
  g_test_add_func ("/sng/precision/resume", test_resume);
  g_test_add_func ("/sng/precision/faults", test_faults);
  g_test_add_func ("/sng/precision/other-skips", test_other_skips);

  status = g_test_run ();
  tiny_remove_directory (directory);
  g_free (directory);

  return status;
}
