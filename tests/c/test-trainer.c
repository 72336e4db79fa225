/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <glib/gstdio.h>
#include <math.h>

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

static void
remove_directory (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      remove_directory (child);
    }

  g_remove (path);
}

/* The news of a training as one text. */
typedef struct
{
  SngTrainer *trainer;
  GString *text;
} News;

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

  remove_directory (directory);
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

  remove_directory (directory);
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

  remove_directory (directory);
}

int
main (int argc, char *argv[])
{
  int status;

  g_test_init (&argc, &argv, NULL);
  directory = g_dir_make_tmp ("sng-trainer-XXXXXX", NULL);

  g_test_add_func ("/sng/trainer/order-of-signals", test_order_of_signals);
  g_test_add_func ("/sng/trainer/resume-everywhere", test_resume_everywhere);
  g_test_add_func ("/sng/trainer/forgotten-state", test_forgotten_state);

  status = g_test_run ();
  remove_directory (directory);
  g_free (directory);

  return status;
}
