/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <math.h>
#include <string.h>

#include "tiny-model.h"

static char *directory;

static void
fit (SngTrainer *trainer)
{
  g_autoptr (GError) error = NULL;

  sng_trainer_fit (trainer, &error);
  g_assert_no_error (error);
}

static char *
fingerprint_of (SngTrainer *trainer)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngCheckpoint) checkpoint =
      sng_state_registry_capture (sng_trainer_get_state_registry (trainer), 0, &error);
  g_autoptr (SngFingerprint) fingerprint = NULL;

  g_assert_no_error (error);
  fingerprint = sng_checkpoint_compute_fingerprint (checkpoint);

  return sng_fingerprint_to_string (fingerprint);
}

/* The news of a training are kept as one text, a line each. */
static void
news_cb (SngTrainer *trainer, gpointer user_data)
{
  const char *name = user_data;
  GString *text = g_object_get_data (G_OBJECT (trainer), "news");

  g_string_append_printf (text, "%s %" G_GUINT64_FORMAT "\n", name, sng_trainer_get_global_step (trainer));
}

static void
micro_batch_end_cb (SngTrainer *trainer,
                    SngStage stage,
                    guint micro_batch,
                    SngStateDict *batch,
                    SngStateDict *outputs,
                    gpointer user_data)
{
  GString *text = g_object_get_data (G_OBJECT (trainer), "news");

  g_assert_true (sng_state_dict_contains (batch, "inputs"));
  g_assert_true (sng_state_dict_contains (outputs, "loss"));
  g_string_append_printf (
      text, "micro-batch-end %s %u n=%d\n", stage == SNG_STAGE_TRAIN ? "train" : "validate", micro_batch,
      (int) sng_tensor_get_n_elements (sng_state_dict_lookup_tensor (batch, "sample_ids")));
}

static void
checkpoint_saved_cb (SngTrainer *trainer, const char *path, gpointer user_data)
{
  GString *text = g_object_get_data (G_OBJECT (trainer), "news");
  g_autofree char *name = g_path_get_basename (path);

  g_string_append_printf (text, "checkpoint-saved %s\n", name);
}

static void
interrupted_cb (SngTrainer *trainer, GError *error, gpointer user_data)
{
  GString *text = g_object_get_data (G_OBJECT (trainer), "news");

  g_string_append_printf (text, "interrupted %s\n", error->message);
}

static void
free_string (gpointer data)
{
  g_string_free (data, TRUE);
}

static GString *
listen (SngTrainer *trainer)
{
  const char *const names[] = { "fit-start",      "step-start",    "step-end", "validation-start",
                                "validation-end", "step-finished", "fit-end" };
  GString *text = g_string_new (NULL);

  g_object_set_data_full (G_OBJECT (trainer), "news", text, free_string);

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    g_signal_connect (trainer, names[i], G_CALLBACK (news_cb), (gpointer) names[i]);
  g_signal_connect (trainer, "micro-batch-end", G_CALLBACK (micro_batch_end_cb), NULL);
  g_signal_connect (trainer, "checkpoint-saved", G_CALLBACK (checkpoint_saved_cb), NULL);
  g_signal_connect (trainer, "interrupted", G_CALLBACK (interrupted_cb), NULL);

  return text;
}

static void
test_order_of_signals (void)
{
  g_autoptr (SngModelCheckpoint) checkpoint = sng_model_checkpoint_new (directory, 2);
  g_autoptr (SngTrainer) trainer = tiny_trainer_new (4, 2, 3, NULL);
  GString *news = listen (trainer);

  g_object_set (trainer, "model-checkpoint", checkpoint, "val-check-interval", G_GUINT64_CONSTANT (2),
                "limit-val-batches", G_GUINT64_CONSTANT (2), NULL);
  fit (trainer);

  g_assert_cmpstr (news->str, ==,
                   "fit-start 0\n"
                   "step-start 0\n"
                   "micro-batch-end train 0 n=4\n"
                   "micro-batch-end train 1 n=4\n"
                   "step-end 1\n"
                   "step-finished 1\n"
                   "step-start 1\n"
                   "micro-batch-end train 0 n=2\n"
                   "micro-batch-end train 1 n=4\n"
                   "step-end 2\n"
                   "validation-start 2\n"
                   "micro-batch-end validate 0 n=4\n"
                   "micro-batch-end validate 1 n=1\n"
                   "validation-end 2\n"
                   "checkpoint-saved step-00000002\n"
                   "step-finished 2\n"
                   "step-start 2\n"
                   "micro-batch-end train 0 n=4\n"
                   "micro-batch-end train 1 n=2\n"
                   "step-end 3\n"
                   "checkpoint-saved step-00000003\n"
                   "step-finished 3\n"
                   "fit-end 3\n");
  g_assert_cmpuint (sng_trainer_get_consumed_samples (trainer, SNG_STAGE_TRAIN), ==, 20);
  g_assert_cmpuint (sng_trainer_get_consumed_samples (trainer, SNG_STAGE_VALIDATE), ==, 5);
  g_assert_cmpuint (sng_trainer_get_epoch (trainer), ==, 2);
  g_assert_cmpuint (sng_trainer_get_last_checkpoint_step (trainer), ==, 3);

  /* What is done is done. */
  g_string_truncate (news, 0);
  fit (trainer);
  g_assert_cmpstr (news->str, ==, "fit-start 3\nfit-end 3\n");

  tiny_remove_directory (directory);
}

static void
phase_end_cb (SngTrainer *trainer, SngPhase phase, guint micro_batch, gpointer user_data)
{
  GString *text = g_object_get_data (G_OBJECT (trainer), "news");

  g_string_append_printf (text, "%s %u at %" G_GUINT64_FORMAT "\n", sng_phase_to_string (phase), micro_batch,
                          sng_trainer_get_global_step (trainer));
}

/* Each place of a step has its news. */
static void
test_phases (void)
{
  g_autoptr (SngTrainer) trainer = tiny_trainer_new (3, 2, 1, NULL);
  GString *news = listen (trainer);

  g_object_set (trainer, "val-check-interval", G_GUINT64_CONSTANT (1), NULL);
  g_signal_connect (trainer, "phase-end", G_CALLBACK (phase_end_cb), NULL);
  fit (trainer);

  g_assert_cmpstr (news->str, ==,
                   "fit-start 0\n"
                   "step-start 0\n"
                   "forward 0 at 0\n"
                   "backward 0 at 0\n"
                   "micro-batch-end train 0 n=3\n"
                   "forward 1 at 0\n"
                   "backward 1 at 0\n"
                   "micro-batch-end train 1 n=3\n"
                   "optimizer 0 at 0\n"
                   "scheduler 0 at 0\n"
                   "step-end 1\n"
                   "validation-start 1\n"
                   "validation 0 at 1\n"
                   "micro-batch-end validate 0 n=3\n"
                   "validation 1 at 1\n"
                   "micro-batch-end validate 1 n=2\n"
                   "validation-end 1\n"
                   "step-finished 1\n"
                   "fit-end 1\n");
}

static void
validation_losses_cb (SngTrainer *trainer,
                      SngStage stage,
                      guint micro_batch,
                      SngStateDict *batch,
                      SngStateDict *outputs,
                      GString *losses)
{
  double loss;

  g_assert_true (sng_state_dict_get_double (outputs, "loss", &loss, NULL));
  g_string_append_printf (losses, "%" G_GUINT64_FORMAT " %d %u %.17g\n",
                          sng_trainer_get_global_step (trainer), stage, micro_batch, loss);
}

static GString *
record_losses (SngTrainer *trainer)
{
  GString *losses = g_string_new (NULL);

  g_object_set (trainer, "val-check-interval", G_GUINT64_CONSTANT (3), NULL);
  g_signal_connect (trainer, "micro-batch-end", G_CALLBACK (validation_losses_cb), losses);

  return losses;
}

#define N_STEPS 12

/* At every step: stop, restore in a new trainer, go on; all losses, and the whole state at the end, are the same bits. */
static void
test_resume_everywhere (void)
{
  g_autoptr (SngTrainer) continuous = tiny_trainer_new (2, 2, N_STEPS, directory);
  g_autoptr (GString) losses = record_losses (continuous);
  g_autofree char *state = NULL;

  fit (continuous);
  state = fingerprint_of (continuous);

  for (guint stop = 1; stop <= N_STEPS; stop++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (SngTrainer) resumed = tiny_trainer_new (2, 2, N_STEPS, NULL);
      g_autoptr (GString) resumed_losses = record_losses (resumed);
      g_autofree char *path = g_strdup_printf ("%s/step-%08u", directory, stop);
      g_autoptr (SngCheckpoint) checkpoint = sng_checkpoint_load (path, &error);
      g_autofree char *resumed_state = NULL;

      g_assert_no_error (error);
      sng_trainer_restore (resumed, checkpoint, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (sng_trainer_get_global_step (resumed), ==, stop);
      g_assert_cmpuint (sng_trainer_get_last_checkpoint_step (resumed), ==, stop);
      fit (resumed);

      resumed_state = fingerprint_of (resumed);
      g_assert_cmpstr (resumed_state, ==, state);
      g_assert_true (g_str_has_suffix (losses->str, resumed_losses->str));
      g_assert_true (stop == N_STEPS || resumed_losses->len > 0);
    }

  tiny_remove_directory (directory);
}

/* A stateful that the restore forgets changes the outcome: so each one is needed, and the test above sees it. */
static void
test_forgotten_state (void)
{
  const char *const names[] = { "trainer", "model",       "optimizer",  "scheduler",
                                "sampler", "rng/masking", "rng/dropout" };
  g_autoptr (SngTrainer) continuous = tiny_trainer_new (2, 2, N_STEPS, directory);
  g_autofree char *state = NULL;

  fit (continuous);
  state = fingerprint_of (continuous);

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (SngTrainer) resumed = tiny_trainer_new (2, 2, N_STEPS, NULL);
      g_autofree char *path = g_strdup_printf ("%s/step-%08u", directory, 6);
      g_autoptr (SngCheckpoint) checkpoint = sng_checkpoint_load (path, &error);
      SngStateful *stateful = sng_state_registry_lookup (sng_trainer_get_state_registry (resumed), names[i]);
      g_autoptr (SngStateDict) fresh = NULL;
      g_autofree char *resumed_state = NULL;

      g_assert_no_error (error);
      fresh = sng_stateful_get_state (stateful, &error);
      g_assert_no_error (error);
      sng_checkpoint_set_state (checkpoint, names[i], fresh);
      sng_trainer_restore (resumed, checkpoint, &error);
      g_assert_no_error (error);
      fit (resumed);

      resumed_state = fingerprint_of (resumed);
      g_assert_cmpstr (resumed_state, !=, state);
    }

  tiny_remove_directory (directory);
}

/* The samples of a step, cut in three ways. Neither dropout nor the order of the sums matters to more than rounding. */
static void
test_accumulation (void)
{
  const guint plans[][2] = { { 4, 1 }, { 2, 2 }, { 1, 4 } };
  double losses[3], norms[3], weights[3];

  for (guint i = 0; i < G_N_ELEMENTS (plans); i++)
    {
      g_autoptr (SngTrainer) trainer = tiny_trainer_new (plans[i][0], plans[i][1], 2, NULL);
      TinyModel *model = TINY_MODEL (sng_trainer_get_model (trainer));

      fit (trainer);
      losses[i] = sng_trainer_get_loss (trainer);
      norms[i] = sng_trainer_get_gradient_norm (trainer);
      weights[i] = sng_tensor_get_value (sng_parameter_get_value (model->weight), 0);
      g_assert_cmpuint (sng_trainer_get_consumed_samples (trainer, SNG_STAGE_TRAIN), ==, 8);
    }

  for (guint i = 1; i < G_N_ELEMENTS (plans); i++)
    {
      g_assert_cmpfloat (fabs (losses[i] - losses[0]), <=, 1e-14 * losses[0]);
      g_assert_cmpfloat (fabs (norms[i] - norms[0]), <=, 1e-14 * norms[0]);
      g_assert_cmpfloat (fabs (weights[i] - weights[0]), <=, 1e-13);
    }
}

static void
sum_losses_cb (SngTrainer *trainer,
               SngStage stage,
               guint micro_batch,
               SngStateDict *batch,
               SngStateDict *outputs,
               double *sums)
{
  gint64 n_targets;
  double loss;

  g_assert_true (sng_state_dict_get_int64 (batch, "n_targets", &n_targets, NULL));
  g_assert_true (sng_state_dict_get_double (outputs, "loss", &loss, NULL));
  sums[0] += (double) n_targets * loss;
  sums[1] += (double) n_targets;
  sums[2] += loss / 4.0;
}

/* It is the mean over the targets, not over the micro-batches: the two differ, or this would show nothing. */
static void
test_loss_is_weighted (void)
{
  g_autoptr (SngTrainer) trainer = tiny_trainer_new (1, 4, 1, NULL);
  double sums[3] = { 0 };

  g_signal_connect (trainer, "micro-batch-end", G_CALLBACK (sum_losses_cb), sums);
  fit (trainer);
  g_assert_cmpfloat_with_epsilon (sng_trainer_get_loss (trainer), sums[0] / sums[1], 1e-14);
  g_assert_cmpfloat (fabs (sng_trainer_get_loss (trainer) - sums[2]), >, 1e-4);
}

static void
count_targets_cb (SngTrainer *trainer,
                  SngStage stage,
                  guint micro_batch,
                  SngStateDict *batch,
                  SngStateDict *outputs,
                  gint64 *n_targets)
{
  g_assert_true (sng_state_dict_get_int64 (batch, "n_targets", n_targets, NULL));
}

static void
check_loss_cb (SngTrainer *trainer, gint64 *n_targets)
{
  g_assert_cmpint (isnan (sng_trainer_get_loss (trainer)), ==, *n_targets == 0);
}

/* A window without targets has no loss: 0 would be the best that whoever monitors it ever sees. */
static void
test_no_loss (void)
{
  g_autoptr (SngTrainer) trainer = tiny_trainer_new (1, 1, TINY_N_SAMPLES, NULL);
  gint64 n_targets = -1;

  g_signal_connect (trainer, "micro-batch-end", G_CALLBACK (count_targets_cb), &n_targets);
  g_signal_connect (trainer, "step-end", G_CALLBACK (check_loss_cb), &n_targets);
  fit (trainer);
}

static void
read_gradient_cb (SngTrainer *trainer, double *norm)
{
  TinyModel *model = TINY_MODEL (sng_trainer_get_model (trainer));
  double sum = pow (sng_tensor_get_value (sng_parameter_get_gradient (model->bias), 0), 2.0);

  for (guint i = 0; i < TINY_N_INPUTS; i++)
    sum += pow (sng_tensor_get_value (sng_parameter_get_gradient (model->weight), i), 2.0);

  *norm = sqrt (sum);
}

static void
test_clipping (void)
{
  const double limits[] = { 0.0, 1e-3, 1e3 };
  double norms[3], clipped[3];

  for (guint i = 0; i < G_N_ELEMENTS (limits); i++)
    {
      g_autoptr (SngTrainer) trainer = tiny_trainer_new (4, 1, 1, NULL);

      g_object_set (trainer, "gradient-clip-norm", limits[i], NULL);
      g_signal_connect (trainer, "step-end", G_CALLBACK (read_gradient_cb), &clipped[i]);
      fit (trainer);
      norms[i] = sng_trainer_get_gradient_norm (trainer);
    }

  /* The norm is that before the clipping, and the same bits whether clipped or not. */
  g_assert_cmpfloat (norms[0], >, 0.1);
  g_assert_cmpmem (&norms[0], sizeof (double), &norms[1], sizeof (double));
  g_assert_cmpfloat_with_epsilon (clipped[0], norms[0], 1e-15);
  g_assert_cmpfloat_with_epsilon (clipped[1], 1e-3 * norms[0] / (norms[0] + 1e-6), 1e-15);
  g_assert_cmpfloat_with_epsilon (clipped[2], norms[0], 1e-15);
}

/* Of any signal: the arguments behind the trainer are of no interest. */
static void
end_cb (SngTrainer *trainer)
{
  const char *signal = g_object_get_data (G_OBJECT (trainer), "end-at");
  g_autoptr (GError) first = g_error_new (SNG_ERROR, SNG_ERROR_STOP_AND_GO, "[test] %s", signal);
  g_autoptr (GError) second = g_error_new (SNG_ERROR, SNG_ERROR_FAILED, "[test] too late");

  sng_trainer_end_with_error (trainer, first);
  sng_trainer_end_with_error (trainer, second);
}

/* From every signal: the last news are those of that signal and fit fails with that error. Where a step is left as a whole, it
 * can be saved, and the next fit is not affected; anywhere else both are refused. */
static void
test_end_with_error (void)
{
  const struct
  {
    const char *signal;
    const char *last_news;
    const char *refusal;
  } ends[] = {
    { "fit-start", "fit-start 0\n" },
    { "step-start", "step-start 0\n" },
    { "phase-end", "step-start 0\n", "step 0: the next step is half done" },
    { "micro-batch-end", "micro-batch-end train 0 n=2\n", "step 0: the next step is half done" },
    { "step-end", "step-end 1\n", "step 1: its validation is not done" },
    { "validation-start", "validation-start 1\n", "step 1: its validation is not done" },
    { "validation-end", "validation-end 1\n" },
    { "checkpoint-saved", "checkpoint-saved step-00000001\nstep-finished 1\n" },
    { "step-finished", "step-finished 1\n" },
    { "fit-end", "fit-end 2\n" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
    {
      g_autoptr (SngTrainer) trainer = tiny_trainer_new (2, 1, 2, directory);
      GString *news = listen (trainer);
      g_autofree char *tail =
          g_strdup_printf ("%sinterrupted [test] %s\n", ends[i].last_news, ends[i].signal);
      g_autoptr (GError) error = NULL;
      g_autoptr (GError) save_error = NULL;
      g_autoptr (GError) fit_error = NULL;
      g_autofree char *path = NULL;
      gulong handler;

      g_object_set (trainer, "val-check-interval", G_GUINT64_CONSTANT (1), NULL);
      g_object_set_data (G_OBJECT (trainer), "end-at", (gpointer) ends[i].signal);
      handler = g_signal_connect (trainer, ends[i].signal, G_CALLBACK (end_cb), NULL);
      g_signal_connect (trainer, "interrupted", G_CALLBACK (end_cb), NULL);
      g_assert_false (sng_trainer_fit (trainer, &error));
      g_assert_error (error, SNG_ERROR, SNG_ERROR_STOP_AND_GO);
      g_assert_true (g_str_has_suffix (news->str, tail));

      g_signal_handler_disconnect (trainer, handler);

      path = sng_trainer_save_checkpoint (trainer, &save_error);

      if (ends[i].refusal != NULL)
        {
          g_assert_error (save_error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT);
          g_assert_nonnull (strstr (save_error->message, ends[i].refusal));
          g_assert_false (sng_trainer_fit (trainer, &fit_error));
          g_assert_error (fit_error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT);
          g_assert_nonnull (strstr (fit_error->message, ends[i].refusal));
          tiny_remove_directory (directory);
          continue;
        }

      g_assert_no_error (save_error);
      fit (trainer);
      g_assert_cmpuint (sng_trainer_get_global_step (trainer), ==, 2);
      tiny_remove_directory (directory);
    }
}

static void
check_failure (SngTrainer *trainer, int code, const char *prefix, const char *in_message)
{
  GString *news = listen (trainer);
  g_autoptr (GError) error = NULL;
  g_autofree char *tail = NULL;

  g_assert_false (sng_trainer_fit (trainer, &error));
  g_assert_error (error, SNG_ERROR, code);
  g_assert_true (g_str_has_prefix (error->message, prefix));
  g_assert_nonnull (strstr (error->message, in_message));
  tail = g_strdup_printf ("interrupted %s\n", error->message);
  g_assert_true (g_str_has_suffix (news->str, tail));
}

static void
test_failing_forward (void)
{
  g_autoptr (SngTrainer) trainer = tiny_trainer_new (2, 2, 5, NULL);
  g_autoptr (SngTrainer) validating = tiny_trainer_new (2, 2, 5, NULL);

  TINY_MODEL (sng_trainer_get_model (trainer))->fail_at = 4;
  check_failure (trainer, SNG_ERROR_FAILED, "[trainer][fit] step 2: micro-batch 1: ", "[tiny] planted");
  g_assert_cmpuint (sng_trainer_get_global_step (trainer), ==, 1);

  TINY_MODEL (sng_trainer_get_model (validating))->fail_at = 6;
  g_object_set (validating, "val-check-interval", G_GUINT64_CONSTANT (2), NULL);
  check_failure (validating, SNG_ERROR_FAILED,
                 "[trainer][validate] step 2: micro-batch 1: ", "[tiny] planted");
}

static void
test_non_finite (void)
{
  g_autoptr (SngTrainer) poisoned = tiny_trainer_new (4, 1, 2, NULL);
  g_autoptr (SngTrainer) overflowing = tiny_trainer_new (4, 1, 2, NULL);
  TinyModel *model = TINY_MODEL (sng_trainer_get_model (overflowing));

  TINY_MODEL (sng_trainer_get_model (poisoned))->poison = copysign (NAN, -1.0);
  check_failure (poisoned, SNG_ERROR_NON_FINITE, "[trainer][fit] step 1: micro-batch 0: ", "the loss is nan");

  /* The loss is finite still, the square of the gradient is not. */
  *(double *) sng_tensor_get_data (sng_parameter_get_value (model->bias)) = 1.2e154;
  model->poison = 0.0;
  check_failure (overflowing, SNG_ERROR_NON_FINITE,
                 "[trainer][fit] step 1: ", "the norm of the gradient is not finite");
}

static void
count_notify_cb (SngTrainer *trainer, GParamSpec *pspec, guint *n)
{
  (*n)++;
}

/* A setting is news only where it changes. */
static void
test_properties (void)
{
  g_autoptr (SngTrainer) trainer = sng_trainer_new ();
  g_autoptr (SngModelCheckpoint) plan = sng_model_checkpoint_new (directory, 3);
  guint n = 0;

  g_signal_connect (trainer, "notify", G_CALLBACK (count_notify_cb), &n);

  for (guint i = 0; i < 2; i++)
    {
      g_object_set (trainer, "max-steps", G_GUINT64_CONSTANT (9), "micro-batch-size", 3,
                    "accumulate-grad-batches", 2, "val-check-interval", G_GUINT64_CONSTANT (4),
                    "limit-val-batches", G_GUINT64_CONSTANT (5), "gradient-clip-norm", 0.5, "seed",
                    G_GUINT64_CONSTANT (7), "model-checkpoint", plan, NULL);
      g_assert_cmpuint (n, ==, 8);
    }

  g_assert_cmpuint (sng_trainer_get_max_steps (trainer), ==, 9);
  g_assert_true (sng_trainer_get_model_checkpoint (trainer) == plan);
}

static void
test_nothing_attached (void)
{
  g_autoptr (SngTrainer) trainer = sng_trainer_new ();
  g_autoptr (SngTrainer) unvalidated = tiny_trainer_new (2, 2, 5, NULL);

  check_failure (trainer, SNG_ERROR_INVALID_ARGUMENT, "[trainer][fit] ", "sng_trainer_attach");

  TINY_DATA (sng_trainer_get_data_module (unvalidated))->n_validation = 0;
  g_object_set (unvalidated, "val-check-interval", G_GUINT64_CONSTANT (2), NULL);
  check_failure (unvalidated, SNG_ERROR_INVALID_ARGUMENT, "[trainer][fit] val-check-interval is 2",
                 "TinyData");
}

/* An attachment that fails leaves nothing behind, and the next one works. */
static void
test_attach (void)
{
  g_autoptr (SngTrainer) trainer = sng_trainer_new ();
  SngStateRegistry *registry = sng_trainer_get_state_registry (trainer);
  g_autoptr (TinyModel) model = tiny_model_new (1, 0.0);
  g_autoptr (TinyModel) other_model = tiny_model_new (1, 0.0);
  g_autoptr (TinyData) data = tiny_data_new (FALSE);
  g_autoptr (SngOptimizer) optimizer = sng_adamw_new (G_LIST_MODEL (model->parameters), 0.1, 0.0);
  g_autoptr (SngOptimizer) other_optimizer = sng_adamw_new (G_LIST_MODEL (other_model->parameters), 0.1, 0.0);
  g_autoptr (SngRngStream) user_state = sng_rng_stream_new (1, "user", 0);
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) names = NULL;
  g_autofree char *joined = NULL;

  g_assert_false (
      sng_trainer_attach (trainer, SNG_MODEL (model), SNG_DATA_MODULE (data), other_optimizer, NULL, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT);
  g_assert_true (g_str_has_prefix (error->message, "[trainer][attach] "));
  g_assert_nonnull (strstr (error->message, "\"weight\""));
  g_clear_error (&error);

  /* The model's stream comes last: all the others are registered by then. */
  g_assert_true (sng_state_registry_add (registry, "rng/dropout", SNG_STATEFUL (user_state), NULL));
  g_assert_false (
      sng_trainer_attach (trainer, SNG_MODEL (model), SNG_DATA_MODULE (data), optimizer, NULL, &error));
  g_assert_true (g_str_has_prefix (error->message, "[trainer][attach] "));
  g_assert_nonnull (strstr (error->message, "rng/dropout"));
  g_clear_error (&error);
  names = sng_state_registry_dup_names (registry);
  joined = g_strjoinv (" ", names);
  g_assert_cmpstr (joined, ==, "rng/dropout");
  g_assert_null (sng_trainer_get_model (trainer));

  g_assert_true (sng_state_registry_remove (registry, "rng/dropout"));
  sng_trainer_attach (trainer, SNG_MODEL (model), SNG_DATA_MODULE (data), optimizer, NULL, &error);
  g_assert_no_error (error);
  g_clear_pointer (&names, g_strfreev);
  g_clear_pointer (&joined, g_free);
  names = sng_state_registry_dup_names (registry);
  joined = g_strjoinv (" ", names);
  g_assert_cmpstr (joined, ==, "trainer model optimizer sampler rng/masking rng/dropout");
  g_assert_null (sng_trainer_get_lr_scheduler (trainer));
}

/* A checkpoint of another training is refused, and nothing has changed. */
static void
test_restore_of_another (void)
{
  g_autoptr (SngTrainer) trainer = tiny_trainer_new (2, 2, 3, directory);
  g_autoptr (SngTrainer) other = tiny_trainer_new (2, 2, 3, NULL);
  g_autoptr (SngRngStream) more = sng_rng_stream_new (1, "more", 0);
  g_autofree char *before = fingerprint_of (other);
  g_autofree char *after = NULL;
  g_autoptr (SngCheckpoint) checkpoint = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (
      sng_state_registry_add (sng_trainer_get_state_registry (trainer), "more", SNG_STATEFUL (more), NULL));
  fit (trainer);
  checkpoint = sng_checkpoint_store_load_latest (sng_trainer_get_checkpoint_store (trainer), NULL, &error);
  g_assert_no_error (error);
  g_assert_false (sng_trainer_restore (other, checkpoint, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_MISMATCH);
  g_assert_true (g_str_has_prefix (error->message, "[trainer][restore] step 3: "));
  g_assert_nonnull (strstr (error->message, "more"));
  after = fingerprint_of (other);
  g_assert_cmpstr (after, ==, before);
  g_assert_cmpuint (sng_trainer_get_last_checkpoint_step (other), ==, 0);
  tiny_remove_directory (directory);
}

/* A vfunc that fails and does not say why, as an exception in a binding leaves it. */
G_DECLARE_FINAL_TYPE (MuteTrainer, mute_trainer, MUTE, TRAINER, SngTrainer)

struct _MuteTrainer
{
  SngTrainer parent_instance;
};

G_DEFINE_FINAL_TYPE (MuteTrainer, mute_trainer, SNG_TYPE_TRAINER)

static gboolean
mute_trainer_fit (SngTrainer *trainer, GError **error)
{
  return FALSE;
}

static gboolean
mute_trainer_restore (SngTrainer *trainer, SngCheckpoint *checkpoint, GError **error)
{
  return FALSE;
}

static void
mute_trainer_class_init (MuteTrainerClass *klass)
{
  SNG_TRAINER_CLASS (klass)->fit = mute_trainer_fit;
  SNG_TRAINER_CLASS (klass)->restore = mute_trainer_restore;
}

static void
mute_trainer_init (MuteTrainer *self)
{
}

static void
test_mute_vfuncs (void)
{
  g_autoptr (SngTrainer) trainer = g_object_new (mute_trainer_get_type (), NULL);
  g_autoptr (SngCheckpoint) checkpoint = sng_checkpoint_new (5);
  g_autoptr (GError) error = NULL;

  g_assert_false (sng_trainer_fit (trainer, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "MuteTrainer.fit"));
  g_clear_error (&error);
  g_assert_false (sng_trainer_restore (trainer, checkpoint, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "MuteTrainer.restore"));
}

int
main (int argc, char *argv[])
{
  int status;

  g_test_init (&argc, &argv, NULL);
  directory = g_dir_make_tmp ("sng-trainer-XXXXXX", NULL);

  g_test_add_func ("/sng/trainer/order-of-signals", test_order_of_signals);
  g_test_add_func ("/sng/trainer/phases", test_phases);
  g_test_add_func ("/sng/trainer/resume-everywhere", test_resume_everywhere);
  g_test_add_func ("/sng/trainer/forgotten-state", test_forgotten_state);
  g_test_add_func ("/sng/trainer/accumulation", test_accumulation);
  g_test_add_func ("/sng/trainer/loss-is-weighted", test_loss_is_weighted);
  g_test_add_func ("/sng/trainer/no-loss", test_no_loss);
  g_test_add_func ("/sng/trainer/clipping", test_clipping);
  g_test_add_func ("/sng/trainer/properties", test_properties);
  g_test_add_func ("/sng/trainer/end-with-error", test_end_with_error);
  g_test_add_func ("/sng/trainer/failing-forward", test_failing_forward);
  g_test_add_func ("/sng/trainer/non-finite", test_non_finite);
  g_test_add_func ("/sng/trainer/nothing-attached", test_nothing_attached);
  g_test_add_func ("/sng/trainer/attach", test_attach);
  g_test_add_func ("/sng/trainer/restore-of-another", test_restore_of_another);
  g_test_add_func ("/sng/trainer/mute-vfuncs", test_mute_vfuncs);

  status = g_test_run ();
  tiny_remove_directory (directory);
  g_free (directory);

  return status;
}
