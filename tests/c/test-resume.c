/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A training that has everything, ended at every place where it may be, and more than once. */

#include <string.h>

#include "tiny-model.h"

#define N_STEPS 14
#define LARGEST_FACTOR 12.0 /* the scale grows beyond it again and again, and falls back */

static char *directory;

/* Windows that are skipped, an average with a warm-up, validations with it, the best two checkpoints by their loss, and an
 * end before the last step. */
static SngTrainer *
create_trainer (const char *where, int save_top_k)
{
  g_autoptr (SngModelCheckpoint) plan =
      g_object_new (SNG_TYPE_MODEL_CHECKPOINT, "directory", where, "every-n-train-steps", (guint64) 2,
                    "monitor", "valid_loss", "save-top-k", save_top_k, NULL);
  g_autoptr (SngGradScaler) scaler = g_object_new (SNG_TYPE_GRAD_SCALER, "initial-scale", 16.0,
                                                   "growth-interval", G_GUINT64_CONSTANT (2), NULL);
  g_autoptr (SngExponentialMovingAverage) average =
      g_object_new (SNG_TYPE_EXPONENTIAL_MOVING_AVERAGE, "decay", 0.9, "warm-up", TRUE, NULL);
  g_autoptr (SngEarlyStopping) early_stopping =
      g_object_new (SNG_TYPE_EARLY_STOPPING, "patience", 2, "min-delta", 0.05, NULL);
  SngTrainer *trainer = g_object_new (
      SNG_TYPE_TRAINER, "model-checkpoint", plan, "precision", SNG_PRECISION_16_MIXED, "grad-scaler", scaler,
      "exponential-moving-average", average, "early-stopping", early_stopping, "micro-batch-size", 2,
      "accumulate-grad-batches", 2, "max-steps", (guint64) N_STEPS, "val-check-interval", (guint64) 3, NULL);

  tiny_trainer_attach (trainer);
  TINY_MODEL (sng_trainer_get_model (trainer))->largest_factor = LARGEST_FACTOR;

  return trainer;
}

static char *
describe (SngTrainer *trainer)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngCheckpoint) checkpoint =
      sng_state_registry_capture (sng_trainer_get_state_registry (trainer), 0, &error);
  g_autoptr (SngFingerprint) fingerprint = NULL;
  g_autoptr (SngStateDict) kept = NULL;
  g_autofree char *best = NULL, *bits = NULL;

  g_assert_no_error (error);
  fingerprint = sng_checkpoint_compute_fingerprint (checkpoint);
  bits = sng_fingerprint_to_string (fingerprint);
  kept = sng_stateful_get_state (SNG_STATEFUL (sng_trainer_get_model_checkpoint (trainer)), &error);
  best = g_variant_print (sng_state_dict_lookup_value (kept, "best"), FALSE);

  return g_strdup_printf ("step %" G_GUINT64_FORMAT ", skipped %" G_GUINT64_FORMAT ", best %s, %s",
                          sng_trainer_get_global_step (trainer),
                          sng_grad_scaler_get_n_skipped (sng_trainer_get_grad_scaler (trainer)), best, bits);
}

/* The names of the checkpoints, which a directory does not give in an order. */
static char *
list (SngTrainer *trainer)
{
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) paths = sng_checkpoint_store_list (sng_trainer_get_checkpoint_store (trainer), &error);
  GString *names = g_string_new (NULL);

  g_assert_no_error (error);
  for (guint i = 0; paths[i] != NULL; i++)
    {
      g_autofree char *name = g_path_get_basename (paths[i]);

      g_string_append_printf (names, "%s ", name);
    }

  return g_string_free (names, FALSE);
}

typedef struct
{
  const char *signal;
  guint64 step;
} Stop;

static void
stop_cb (SngTrainer *trainer, const Stop *stop)
{
  g_autoptr (GError) error = g_error_new (SNG_ERROR, SNG_ERROR_STOP_AND_GO, "stop");

  if (sng_trainer_get_global_step (trainer) == stop->step)
    sng_trainer_end_with_error (trainer, error);
}

static void
stop_saved_cb (SngTrainer *trainer, const char *path, const Stop *stop)
{
  stop_cb (trainer, stop);
}

static SngTrainer *
go_on (SngTrainer *stopped, const char *where, int save_top_k)
{
  SngTrainer *trainer = create_trainer (where, save_top_k);
  g_autoptr (GError) error = NULL;
  g_autoptr (SngCheckpoint) checkpoint =
      sng_checkpoint_store_load_latest (sng_trainer_get_checkpoint_store (stopped), NULL, &error);

  g_assert_no_error (error);
  sng_trainer_restore (trainer, checkpoint, &error);
  g_assert_no_error (error);

  return trainer;
}

/* Trains up to @stop. Returns: whether there is a state to go on from, which is saved then. */
static gboolean
train_until (SngTrainer *trainer, const Stop *stop)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;
  gboolean saves = g_str_equal (stop->signal, "checkpoint-saved");

  g_signal_connect (trainer, stop->signal, saves ? G_CALLBACK (stop_saved_cb) : G_CALLBACK (stop_cb),
                    (gpointer) stop);

  if (sng_trainer_fit (trainer, &error))
    return FALSE;

  g_assert_error (error, SNG_ERROR, SNG_ERROR_STOP_AND_GO);
  g_clear_error (&error);

  if (saves)
    return TRUE;

  path = sng_trainer_save_checkpoint (trainer, &error);

  return path != NULL;
}

static void
fit (SngTrainer *trainer)
{
  g_autoptr (GError) error = NULL;

  sng_trainer_fit (trainer, &error);
  g_assert_no_error (error);
}

/* @data: how many checkpoints are kept. */
static void
test_every_place (gconstpointer data)
{
  const char *const signals[] = { "step-start",     "step-end",         "validation-start",
                                  "validation-end", "checkpoint-saved", "step-finished" };
  int save_top_k = GPOINTER_TO_INT (data);
  g_autofree char *whole = g_build_filename (directory, "whole", NULL);
  g_autofree char *parts = g_build_filename (directory, "parts", NULL);
  g_autoptr (SngTrainer) continuous = create_trainer (whole, save_top_k);
  g_autofree char *expected = NULL;
  guint n_resumes = 0;

  fit (continuous);
  expected = describe (continuous);
  g_assert_cmpuint (sng_trainer_get_global_step (continuous), <, N_STEPS);
  g_assert_cmpuint (sng_grad_scaler_get_n_skipped (sng_trainer_get_grad_scaler (continuous)), >, 1);

  for (guint i = 0; i < G_N_ELEMENTS (signals); i++)
    for (guint64 step = 1; step < sng_trainer_get_global_step (continuous); step++)
      {
        const Stop first = { signals[i], step };
        const Stop second = { "step-finished", step + 1 };
        g_autoptr (SngTrainer) stopped = create_trainer (parts, save_top_k);
        g_autoptr (SngTrainer) resumed = NULL;
        g_autofree char *actual = NULL;

        if (train_until (stopped, &first))
          {
            resumed = go_on (stopped, parts, save_top_k);
            if (train_until (resumed, &second))
              {
                SngTrainer *again = go_on (resumed, parts, save_top_k);

                g_object_unref (resumed);
                resumed = again;
                fit (resumed);
              }
            actual = describe (resumed);
            if (g_strcmp0 (actual, expected) != 0)
              g_test_message ("stopped at %s of step %d and again", signals[i], (int) step);
            g_assert_cmpstr (actual, ==, expected);
            n_resumes++;
          }

        tiny_remove_directory (parts);
      }

  g_assert_cmpuint (n_resumes, >, 20);
  tiny_remove_directory (directory);
}

/* Ended while the newest checkpoint is there and what it replaces as well: the same ones are kept in the end. */
static void
test_kept (void)
{
  g_autofree char *whole = g_build_filename (directory, "whole", NULL);
  g_autofree char *parts = g_build_filename (directory, "parts", NULL);
  g_autoptr (SngTrainer) continuous = create_trainer (whole, 2);
  g_autofree char *expected = NULL;

  fit (continuous);
  expected = list (continuous);

  for (guint64 step = 2; step < sng_trainer_get_global_step (continuous); step += 2)
    {
      const Stop stop = { "checkpoint-saved", step };
      g_autoptr (SngTrainer) stopped = create_trainer (parts, 2);
      g_autoptr (SngTrainer) resumed = NULL;
      g_autofree char *actual = NULL;

      g_assert_true (train_until (stopped, &stop));
      resumed = go_on (stopped, parts, 2);
      fit (resumed);
      actual = list (resumed);
      g_assert_cmpstr (actual, ==, expected);
      tiny_remove_directory (parts);
    }

  tiny_remove_directory (directory);
}

int
main (int argc, char *argv[])
{
  int status;

  g_test_init (&argc, &argv, NULL);
  directory = g_dir_make_tmp ("sng-resume-XXXXXX", NULL);
  g_assert_nonnull (directory);

  g_test_add_data_func ("/sng/resume/every-place/best", GINT_TO_POINTER (1), test_every_place);
  g_test_add_data_func ("/sng/resume/every-place/all", GINT_TO_POINTER (-1), test_every_place);
  g_test_add_func ("/sng/resume/kept", test_kept);

  status = g_test_run ();
  tiny_remove_directory (directory);
  g_free (directory);

  return status;
}
