/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <string.h>

#include "tiny-model.h"

#define N_STEPS 16

/* A training that is recorded as a harness does it. */
static SngRunStore *
record (const char *directory, guint accumulate, guint64 n_steps, guint64 val_check_interval, gboolean mixed)
{
  SngCallback *(*const create[]) (void) = {
    sng_sample_ids_callback_new, sng_consumed_samples_callback_new,  sng_learning_rate_callback_new,
    sng_train_loss_callback_new, sng_grad_scaler_state_callback_new, sng_valid_loss_callback_new,
  };
  g_autofree char *path = g_build_filename (directory, "rank-00000.db", NULL);
  g_autoptr (SngGradScaler) scaler = g_object_new (SNG_TYPE_GRAD_SCALER, "initial-scale", 8.0,
                                                   "growth-interval", G_GUINT64_CONSTANT (7), NULL);
  g_autoptr (SngTrainer) trainer =
      g_object_new (SNG_TYPE_TRAINER, "micro-batch-size", 2, "accumulate-grad-batches", accumulate,
                    "max-steps", n_steps, "val-check-interval", val_check_interval, "precision",
                    mixed ? SNG_PRECISION_16_MIXED : SNG_PRECISION_32, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (SngRunStore) store = sng_run_store_create (path, &error);
  g_autoptr (SngRecorder) recorder = NULL;

  g_assert_no_error (error);
  recorder = sng_recorder_new (store, 0);
  if (mixed)
    g_object_set (trainer, "grad-scaler", scaler, NULL);
  tiny_trainer_attach (trainer);

  for (guint i = 0; i < G_N_ELEMENTS (create); i++)
    {
      g_autoptr (SngCallback) callback = create[i]();

      sng_callback_attach (callback, trainer, recorder, &error);
      g_assert_no_error (error);
    }

  sng_trainer_fit (trainer, &error);
  g_assert_no_error (error);
  sng_run_store_close (store, &error);
  g_assert_no_error (error);
  g_clear_object (&store);

  store = sng_run_store_open (path, &error);
  g_assert_no_error (error);

  return g_steal_pointer (&store);
}

static char *
resolve (const char *text, SngRunStore *store, guint64 n_steps, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (SngStopPlan) plan = sng_stop_plan_from_string (text, &local_error);
  g_autoptr (SngStopPlan) resolved = NULL;
  g_autofree char *again = NULL;

  g_assert_no_error (local_error);
  again = sng_stop_plan_to_string (plan);
  g_assert_cmpstr (again, ==, text);

  resolved = sng_stop_plan_resolve (plan, store, n_steps, 8, error);

  return resolved != NULL ? sng_stop_plan_to_string (resolved) : NULL;
}

static void
assert_resolved (const char *text, SngRunStore *store, guint64 n_steps, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *plan = resolve (text, store, n_steps, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (plan, ==, expected);
}

static void
assert_unresolved (const char *text, SngRunStore *store, const char *what)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *start = g_strdup_printf ("[stop-plan] \"%s\": ", text);

  g_assert_null (resolve (text, store, N_STEPS, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT);
  if (!g_str_has_prefix (error->message, start) || strstr (error->message, what) == NULL)
    g_error ("%s", error->message);
}

static void
test_lists (void)
{
  g_autoptr (SngStopPlan) plan = sng_stop_plan_new ();
  g_autoptr (SngInterrupt) interrupt = sng_interrupt_new (SNG_INTERRUPT_KILL, 3);
  g_autofree char *empty = sng_stop_plan_to_string (plan);
  g_autofree char *text = NULL;

  g_assert_cmpstr (empty, ==, "");
  g_assert_cmpuint (sng_stop_plan_get_n_interrupts (plan), ==, 0);
  g_assert_null (sng_stop_plan_get_interrupt (plan, 0));
  sng_stop_plan_add (plan, interrupt);
  g_assert_true (sng_stop_plan_get_interrupt (plan, 0) == interrupt);
  text = sng_stop_plan_to_string (plan);
  g_assert_cmpstr (text, ==, "3:kill");

  assert_resolved ("default", NULL, N_STEPS, "8");
  assert_resolved ("7", NULL, N_STEPS, "7");

  /* In the order of the training, each once; what is beyond its end stays, so that somebody complains. */
  assert_resolved ("7,3,99", NULL, N_STEPS, "3,7,99");
  assert_resolved ("5,5:kill,5,5:kill@forward.1", NULL, N_STEPS, "5:kill@forward.1,5,5:kill");
  assert_resolved (
      "5,5:kill-in-save=3,5@validation.1,5@validation,5@scheduler,5@optimizer,5@backward.1,5@backward,"
      "5@forward.1,5@forward,5@step-start,4",
      NULL, N_STEPS,
      "4,5@step-start,5@forward,5@backward,5@forward.1,5@backward.1,5@optimizer,5@scheduler,5@validation,"
      "5@validation.1,5:kill-in-save=3,5");
}

static void
test_bad_text (void)
{
  static const struct
  {
    const char *text;
    const char *what;
  } texts[] = {
    { "", "there is no interrupt in it" },
    { "7,", "[interrupt] \"\": the step" },
    { "7,8:kil", "[interrupt] \"8:kil\": there is no kind \"kil\"" },
    { "boundary", "[interrupt] \"boundary\": the step" },
    { "default,7", "[interrupt] \"default\"" },
    { "random:1", "random:SEED:N" },
    { "random:1:0", "random:SEED:N" },
    { "random:x:1", "random:SEED:N" },
    { "random:1:2:3", "random:SEED:N" },
    { "random:", "random:SEED:N" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *start = g_strdup_printf ("[stop-plan] \"%s\": ", texts[i].text);

      g_assert_null (sng_stop_plan_from_string (texts[i].text, &error));
      g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT);
      if (!g_str_has_prefix (error->message, start) || strstr (error->message, texts[i].what) == NULL)
        g_error ("\"%s\": %s", texts[i].text, error->message);
    }

  {
    g_autoptr (SngStopPlan) spaced = sng_stop_plan_from_string (" 7, 8:kill ", NULL);
    g_autofree char *text = sng_stop_plan_to_string (spaced);

    g_assert_cmpstr (text, ==, "7,8:kill");
  }
}

static void
test_every (void)
{
  g_autofree char *directory = g_dir_make_tmp ("test-stop-plan-XXXXXX", NULL);
  g_autoptr (SngRunStore) store = record (directory, 1, 5, 0, FALSE);

  assert_resolved ("every", store, 5, "1,2,3,4");
  assert_resolved ("every", store, 3, "1,2");
  assert_unresolved ("every", NULL, "nothing is recorded");
  tiny_remove_directory (directory);
}

static void
test_boundaries (void)
{
  g_autofree char *directory = g_dir_make_tmp ("test-stop-plan-XXXXXX", NULL);
  g_autoptr (SngRunStore) store = NULL;

  /* Five steps an epoch; the rate turns after the third step of its warm-up. */
  store = record (directory, 1, N_STEPS, 0, FALSE);
  assert_resolved ("boundaries", store, N_STEPS, "2,4,5,10,15");
  assert_resolved ("boundaries", store, 10, "2,4,5");
  g_clear_object (&store);
  tiny_remove_directory (directory);

  /* With validations: the last one of the first training is at its end, that of the second one right before. */
  g_mkdir_with_parents (directory, 0777);
  store = record (directory, 1, N_STEPS, 8, FALSE);
  assert_resolved ("boundaries", store, N_STEPS, "2,4,5,7,9,10,15");
  g_clear_object (&store);
  tiny_remove_directory (directory);
  g_mkdir_with_parents (directory, 0777);
  store = record (directory, 1, N_STEPS, 5, FALSE);
  assert_resolved ("boundaries", store, N_STEPS, "2,4,5,6,9,10,11,14,15");
  g_clear_object (&store);
  tiny_remove_directory (directory);

  /* Windows of two, so that an epoch ends within one too; the scale grows after 7 and 14 steps. */
  g_mkdir_with_parents (directory, 0777);
  store = record (directory, 2, N_STEPS, 0, TRUE);
  assert_resolved ("boundaries", store, N_STEPS, "2,3,4,5,6,8,10,13,15");
  g_clear_object (&store);
  tiny_remove_directory (directory);

  /* Nothing that is special before the last step. */
  g_mkdir_with_parents (directory, 0777);
  store = record (directory, 1, 2, 0, FALSE);
  assert_unresolved ("boundaries", store, "no end of an epoch");
  assert_unresolved ("boundaries", NULL, "nothing is recorded");
  g_clear_object (&store);
  tiny_remove_directory (directory);
}

static void
test_random (void)
{
  g_autofree char *directory = g_dir_make_tmp ("test-stop-plan-XXXXXX", NULL);
  g_autoptr (SngRunStore) store = record (directory, 2, N_STEPS, 3, FALSE);
  guint n_kinds[SNG_INTERRUPT_KILL_IN_SAVE + 1] = { 0 }, n_phases[SNG_PHASE_SAVE + 1] = { 0 };

  /* For ever: a report may name the seed. */
  assert_resolved ("random:1:3", store, N_STEPS, "2:preempt=usr2@scheduler,5@backward,9");

  for (guint64 seed = 0; seed < 60; seed++)
    {
      guint n = 1 + seed % (N_STEPS - 1);
      g_autofree char *text = g_strdup_printf ("random:%" G_GUINT64_FORMAT ":%u", seed, n);
      g_autofree char *first = resolve (text, store, N_STEPS, NULL);
      g_autofree char *second = resolve (text, store, N_STEPS, NULL);
      g_autoptr (SngStopPlan) plan = sng_stop_plan_from_string (first, NULL);
      guint64 previous = 0;

      g_assert_cmpstr (first, ==, second);
      g_assert_cmpuint (sng_stop_plan_get_n_interrupts (plan), ==, n);

      for (guint i = 0; i < n; i++)
        {
          SngInterrupt *interrupt = sng_stop_plan_get_interrupt (plan, i);
          guint64 step = sng_interrupt_get_step (interrupt);
          SngPhase phase = sng_interrupt_get_phase (interrupt);

          g_assert_cmpuint (step, >, previous);
          g_assert_cmpuint (step, <, N_STEPS);
          g_assert_cmpuint (sng_interrupt_get_index (interrupt), <, phase == SNG_PHASE_VALIDATION ? 3 : 2);
          g_assert_true (phase != SNG_PHASE_VALIDATION || step % 3 == 0);
          n_kinds[sng_interrupt_get_kind (interrupt)]++;
          n_phases[phase]++;
          previous = step;
        }
    }

  for (guint i = 0; i < G_N_ELEMENTS (n_kinds); i++)
    g_assert_cmpuint (n_kinds[i], >, 60);
  for (guint i = 0; i < G_N_ELEMENTS (n_phases); i++)
    g_assert_cmpuint (n_phases[i], >, 10);

  assert_unresolved ("random:1:16", store, "a training of 16 steps can be stopped in 15 of them, not in 16");
  assert_unresolved ("random:1:3", NULL, "nothing is recorded");

  g_clear_object (&store);
  tiny_remove_directory (directory);
}

int
main (int argc, char **argv)
{
  /* Nothing here depends on how fast the disk is. */
  if (g_file_test ("/dev/shm", G_FILE_TEST_IS_DIR))
    g_setenv ("TMPDIR", "/dev/shm", FALSE);

  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/stop-plan/lists", test_lists);
  g_test_add_func ("/sng/stop-plan/bad-text", test_bad_text);
  g_test_add_func ("/sng/stop-plan/boundaries", test_boundaries);
  g_test_add_func ("/sng/stop-plan/every", test_every);
  g_test_add_func ("/sng/stop-plan/random", test_random);

  return g_test_run ();
}
