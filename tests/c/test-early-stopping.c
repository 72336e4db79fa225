/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <math.h>
#include <string.h>

#include "tiny-model.h"

static char *directory;

/* ---- The rules ---- */

/* Returns: at which of the values, from 1, it stops; 0: at none. */
static guint64
stop_at (SngEarlyStopping *self, const double *values, guint n_values)
{
  for (guint i = 0; i < n_values; i++)
    {
      gboolean stopped = sng_early_stopping_check (self, i + 1, values[i]);

      g_assert_cmpint (stopped, ==, sng_early_stopping_get_stopped_step (self) > 0);
    }

  return sng_early_stopping_get_stopped_step (self);
}

#define STOP_AT(self, ...)                                                                                   \
 stop_at (self, (const double[]) __VA_ARGS__, sizeof ((double[]) __VA_ARGS__) / sizeof (double))

static SngEarlyStopping *
create (SngMonitorMode mode, guint patience, double min_delta)
{
  return g_object_new (SNG_TYPE_EARLY_STOPPING, "mode", mode, "patience", patience, "min-delta", min_delta,
                       NULL);
}

static void
test_patience (void)
{
  g_autoptr (SngEarlyStopping) less = create (SNG_MONITOR_MODE_MIN, 2, 0.0);
  g_autoptr (SngEarlyStopping) more = create (SNG_MONITOR_MODE_MAX, 2, 0.0);

  g_assert_cmpfloat (sng_early_stopping_get_best_score (less), ==, INFINITY);
  g_assert_cmpfloat (sng_early_stopping_get_best_score (more), ==, -INFINITY);

  /* What is as good is no improvement; one improvement in between, and the waits begin anew. */
  g_assert_cmpuint (STOP_AT (less, { 5, 4, 4, 3, 3, 3.5, 1 }), ==, 6);
  g_assert_cmpfloat (sng_early_stopping_get_best_score (less), ==, 3.0);
  g_assert_cmpuint (sng_early_stopping_get_wait_count (less), ==, 2);
  g_assert_cmpuint (STOP_AT (more, { 1, 2, 2, 3, 3, 2, 9 }), ==, 6);
  g_assert_cmpfloat (sng_early_stopping_get_best_score (more), ==, 3.0);

  for (guint patience = 0; patience < 2; patience++)
    {
      g_autoptr (SngEarlyStopping) impatient = create (SNG_MONITOR_MODE_MIN, patience, 0.0);

      g_assert_cmpuint (STOP_AT (impatient, { 2, 1, 1 }), ==, 3);
    }
}

/* By more than min-delta, not by as much. */
static void
test_min_delta (void)
{
  g_autoptr (SngEarlyStopping) less = create (SNG_MONITOR_MODE_MIN, 2, 0.5);
  g_autoptr (SngEarlyStopping) more = create (SNG_MONITOR_MODE_MAX, 2, 0.5);

  g_assert_cmpuint (STOP_AT (less, { 4, 3.5, 3.25, 2.75, 3 }), ==, 5);
  g_assert_cmpfloat (sng_early_stopping_get_best_score (less), ==, 3.25);
  g_assert_cmpuint (STOP_AT (more, { 4, 4.5, 4.75, 5.25, 5 }), ==, 5);
  g_assert_cmpfloat (sng_early_stopping_get_best_score (more), ==, 4.75);
}

static void
test_threshold (void)
{
  g_autoptr (SngEarlyStopping) less = g_object_new (SNG_TYPE_EARLY_STOPPING, "stopping-threshold", 2.0, NULL);
  g_autoptr (SngEarlyStopping) more =
      g_object_new (SNG_TYPE_EARLY_STOPPING, "stopping-threshold", 0.9, "mode", SNG_MONITOR_MODE_MAX, NULL);

  g_assert_cmpuint (STOP_AT (less, { 3, 2, 1.5, 1 }), ==, 3);
  g_assert_cmpuint (STOP_AT (more, { 0.5, 0.9, 0.95 }), ==, 3);
}

static void
test_not_finite (void)
{
  const double odd[] = { NAN, INFINITY, -INFINITY };

  for (guint i = 0; i < G_N_ELEMENTS (odd); i++)
    {
      g_autoptr (SngEarlyStopping) strict = create (SNG_MONITOR_MODE_MIN, 3, 0.0);

      g_assert_cmpuint (STOP_AT (strict, { 3, odd[i], 1 }), ==, 2);
      g_assert_cmpfloat (sng_early_stopping_get_best_score (strict), ==, 3.0);
    }

  {
    g_autoptr (SngEarlyStopping) lenient =
        g_object_new (SNG_TYPE_EARLY_STOPPING, "check-finite", FALSE, "patience", 2, NULL);

    g_assert_cmpuint (STOP_AT (lenient, { 3, NAN, 2, NAN, NAN, 1 }), ==, 5);
    g_assert_cmpfloat (sng_early_stopping_get_best_score (lenient), ==, 2.0);
  }
}

static SngStateDict *
get_state (gpointer stateful)
{
  g_autoptr (GError) error = NULL;
  SngStateDict *state = sng_stateful_get_state (stateful, &error);

  g_assert_no_error (error);

  return state;
}

/* Restored in between, it stops where it would have stopped. */
static void
test_state (void)
{
  const double values[] = { 5, 4, 4, 3, 3, 3.5, 1 };

  for (guint k = 0; k < G_N_ELEMENTS (values); k++)
    {
      g_autoptr (SngEarlyStopping) first = create (SNG_MONITOR_MODE_MIN, 2, 0.0);
      g_autoptr (SngEarlyStopping) second = create (SNG_MONITOR_MODE_MIN, 2, 0.0);
      g_autoptr (SngStateDict) state = NULL;
      g_autoptr (GError) error = NULL;

      stop_at (first, values, k);
      state = get_state (first);
      g_assert_true (sng_stateful_set_state (SNG_STATEFUL (second), state, &error));
      for (guint i = k; i < G_N_ELEMENTS (values); i++)
        sng_early_stopping_check (second, i + 1, values[i]);
      g_assert_cmpuint (sng_early_stopping_get_stopped_step (second), ==, 6);
    }
}

static void
check_refused (SngEarlyStopping *self, SngStateDict *state, const char *message)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (sng_stateful_check_state (SNG_STATEFUL (self), state, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_MISMATCH);
  g_assert_cmpstr (error->message, ==, message);
  g_clear_error (&error);
  g_assert_false (sng_stateful_set_state (SNG_STATEFUL (self), state, &error));
  g_assert_cmpfloat (sng_early_stopping_get_best_score (self), ==, INFINITY);
}

static void
test_other_state_is_refused (void)
{
  g_autoptr (SngEarlyStopping) self = create (SNG_MONITOR_MODE_MIN, 2, 0.0);
  g_autoptr (SngEarlyStopping) other = create (SNG_MONITOR_MODE_MAX, 2, 0.0);
  g_autoptr (SngStateDict) state = get_state (other);

  check_refused (self, state, "[early-stopping][restore] mode: the checkpoint has 'max', this run has 'min'");
  sng_state_dict_set_value (state, "mode", g_variant_new_string ("min"));
  sng_state_dict_set_double (state, "min_delta", 0.5);
  check_refused (self, state, "[early-stopping][restore] min_delta: the checkpoint has 0.5, this run has 0");
  sng_state_dict_set_double (state, "min_delta", 0.0);
  sng_state_dict_set_int64 (state, "wait_count", -1);
  check_refused (self, state,
                 "[early-stopping][restore] wait_count: the checkpoint has -1, expected is a count");
  sng_state_dict_set_int64 (state, "wait_count", G_MAXINT64);
  check_refused (
      self, state,
      "[early-stopping][restore] wait_count: the checkpoint has 9223372036854775807, which is more "
      "than 4294967295");
}

/* ---- In a training ---- */

/* The first validation is an improvement, the others are none. */
static SngTrainer *
create_trainer (guint patience, guint64 max_steps)
{
  g_autoptr (SngEarlyStopping) early_stopping = create (SNG_MONITOR_MODE_MIN, patience, 1e6);
  g_autoptr (SngModelCheckpoint) plan = sng_model_checkpoint_new (directory, 0);
  SngTrainer *trainer =
      g_object_new (SNG_TYPE_TRAINER, "early-stopping", early_stopping, "max-steps", max_steps,
                    "val-check-interval", (guint64) 2, "micro-batch-size", 2, "model-checkpoint", plan, NULL);

  tiny_trainer_attach (trainer);
  g_assert_true (sng_trainer_get_early_stopping (trainer) == early_stopping);

  return trainer;
}

static void
heard_cb (SngTrainer *trainer, guint *n_heard)
{
  (*n_heard)++;
}

static SngCheckpoint *
load_latest (void)
{
  g_autoptr (SngCheckpointStore) store = sng_checkpoint_store_new (directory);
  g_autoptr (GError) error = NULL;
  SngCheckpoint *checkpoint = sng_checkpoint_store_load_latest (store, NULL, &error);

  g_assert_no_error (error);

  return checkpoint;
}

/* It ends after a validation, with a checkpoint and as a training ends, and does not begin again. */
static void
test_end (void)
{
  g_autoptr (SngTrainer) trainer = create_trainer (2, 100);
  g_autoptr (SngTrainer) resumed = create_trainer (2, 100);
  g_autoptr (SngCheckpoint) checkpoint = NULL;
  g_autoptr (GError) error = NULL;
  guint n_ends = 0, n_steps = 0;

  g_signal_connect (trainer, "fit-end", G_CALLBACK (heard_cb), &n_ends);
  g_assert_true (sng_trainer_fit (trainer, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (sng_trainer_get_global_step (trainer), ==, 6);
  g_assert_cmpuint (sng_trainer_get_last_checkpoint_step (trainer), ==, 6);
  g_assert_cmpuint (n_ends, ==, 1);

  checkpoint = load_latest ();
  g_assert_true (sng_trainer_restore (resumed, checkpoint, &error));
  g_signal_connect (resumed, "step-start", G_CALLBACK (heard_cb), &n_steps);
  g_assert_true (sng_trainer_fit (resumed, &error));
  g_assert_cmpuint (sng_trainer_get_global_step (resumed), ==, 6);
  g_assert_cmpuint (n_steps, ==, 0);
  tiny_remove_directory (directory);
}

/* Stopped anywhere before, it ends where it would have ended. */
static void
test_resume (void)
{
  for (guint64 stop = 1; stop < 8; stop++)
    {
      g_autoptr (SngTrainer) trainer = create_trainer (3, stop);
      g_autoptr (SngTrainer) resumed = create_trainer (3, 100);
      g_autoptr (SngCheckpoint) checkpoint = NULL;
      g_autoptr (GError) error = NULL;

      g_assert_true (sng_trainer_fit (trainer, &error));
      g_assert_cmpuint (sng_trainer_get_global_step (trainer), ==, stop);
      checkpoint = load_latest ();
      g_assert_true (sng_trainer_restore (resumed, checkpoint, &error));
      g_assert_true (sng_trainer_fit (resumed, &error));
      g_assert_cmpuint (sng_trainer_get_global_step (resumed), ==, 8);
      tiny_remove_directory (directory);
    }
}

static void
test_cannot_monitor (void)
{
  g_autoptr (SngEarlyStopping) typo = sng_early_stopping_new ("val_loss", SNG_MONITOR_MODE_MIN, 1);
  g_autoptr (SngEarlyStopping) blind = sng_early_stopping_new ("train_loss", SNG_MONITOR_MODE_MIN, 1);
  g_autoptr (SngTrainer) misled =
      g_object_new (SNG_TYPE_TRAINER, "early-stopping", typo, "val-check-interval", (guint64) 1, NULL);
  g_autoptr (SngTrainer) blinded = g_object_new (SNG_TYPE_TRAINER, "early-stopping", blind, NULL);
  g_autoptr (GError) error = NULL;

  tiny_trainer_attach (misled);
  g_assert_false (sng_trainer_fit (misled, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_NOT_FOUND);
  g_assert_cmpstr (
      error->message, ==,
      "[trainer][fit] early-stopping: [trainer][monitor] there is no \"val_loss\": what can be monitored is "
      "valid_loss, train_loss, gradient_norm");
  g_clear_error (&error);

  tiny_trainer_attach (blinded);
  g_assert_false (sng_trainer_fit (blinded, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "val-check-interval is 0"));
}

/* ---- What is monitored ---- */

typedef struct
{
  double loss;
  gint64 n_targets;
} Sum;

static void
micro_batch_end_cb (SngTrainer *trainer,
                    SngStage stage,
                    guint micro_batch,
                    SngStateDict *batch,
                    SngStateDict *outputs,
                    Sum *sum)
{
  gint64 n_targets;
  double loss;

  g_assert_true (sng_state_dict_get_int64 (batch, "n_targets", &n_targets, NULL));
  g_assert_true (sng_state_dict_get_double (outputs, "loss", &loss, NULL));
  if (stage == SNG_STAGE_VALIDATE)
    {
      sum->loss += (double) n_targets * loss;
      sum->n_targets += n_targets;
    }
}

/* The mean over all targets of the newest validation, also between two of them and after a restore. */
static void
test_valid_loss (void)
{
  g_autoptr (SngTrainer) trainer = tiny_trainer_new (2, 1, 5, directory);
  g_autoptr (SngTrainer) resumed = tiny_trainer_new (2, 1, 5, directory);
  g_autoptr (SngCheckpoint) checkpoint = NULL;
  g_autoptr (GError) error = NULL;
  Sum sum = { 0.0, 0 };
  double value;

  g_assert_true (isnan (sng_trainer_get_valid_loss (trainer)));
  g_object_set (trainer, "val-check-interval", (guint64) 4, NULL);
  g_signal_connect (trainer, "micro-batch-end", G_CALLBACK (micro_batch_end_cb), &sum);
  g_assert_true (sng_trainer_fit (trainer, &error));
  g_assert_cmpint (sum.n_targets, >, 0);
  g_assert_cmpfloat (sng_trainer_get_valid_loss (trainer), ==, sum.loss / (double) sum.n_targets);

  g_assert_true (sng_trainer_get_monitored (trainer, "valid_loss", &value, &error));
  g_assert_cmpfloat (value, ==, sng_trainer_get_valid_loss (trainer));
  g_assert_true (sng_trainer_get_monitored (trainer, "train_loss", &value, &error));
  g_assert_cmpfloat (value, ==, sng_trainer_get_loss (trainer));
  g_assert_true (sng_trainer_get_monitored (trainer, "gradient_norm", &value, &error));
  g_assert_cmpfloat (value, ==, sng_trainer_get_gradient_norm (trainer));

  checkpoint = load_latest ();
  g_assert_true (sng_trainer_restore (resumed, checkpoint, &error));
  g_assert_cmpfloat (sng_trainer_get_valid_loss (resumed), ==, sng_trainer_get_valid_loss (trainer));
  tiny_remove_directory (directory);
}

int
main (int argc, char *argv[])
{
  int status;

  g_test_init (&argc, &argv, NULL);
  directory = g_dir_make_tmp ("sng-early-stopping-XXXXXX", NULL);

  g_test_add_func ("/sng/early-stopping/patience", test_patience);
  g_test_add_func ("/sng/early-stopping/min-delta", test_min_delta);
  g_test_add_func ("/sng/early-stopping/threshold", test_threshold);
  g_test_add_func ("/sng/early-stopping/not-finite", test_not_finite);
  g_test_add_func ("/sng/early-stopping/state", test_state);
  g_test_add_func ("/sng/early-stopping/other-state-is-refused", test_other_state_is_refused);
  g_test_add_func ("/sng/early-stopping/end", test_end);
  g_test_add_func ("/sng/early-stopping/resume", test_resume);
  g_test_add_func ("/sng/early-stopping/cannot-monitor", test_cannot_monitor);
  g_test_add_func ("/sng/early-stopping/valid-loss", test_valid_loss);

  status = g_test_run ();
  tiny_remove_directory (directory);
  g_free (directory);

  return status;
}
