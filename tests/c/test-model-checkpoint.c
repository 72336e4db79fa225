/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "train/sng-model-checkpoint-private.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "state/sng-checkpoint-store-private.h"
#include "tiny-model.h"

static char *directory;

static void
test_plan (void)
{
  g_autoptr (SngModelCheckpoint) every_3 = sng_model_checkpoint_new (directory, 3);
  g_autoptr (SngModelCheckpoint) only_last = sng_model_checkpoint_new (directory, 0);
  g_autoptr (SngModelCheckpoint) not_last =
      g_object_new (SNG_TYPE_MODEL_CHECKPOINT, "directory", directory, "every-n-train-steps",
                    G_GUINT64_CONSTANT (3), "save-last", FALSE, NULL);

  for (guint64 step = 1; step <= 7; step++)
    {
      gboolean is_last = step == 7;

      g_assert_cmpint (sng_model_checkpoint_is_due (every_3, step, is_last), ==, step % 3 == 0 || is_last);
      g_assert_cmpint (sng_model_checkpoint_is_due (only_last, step, is_last), ==, is_last);
      g_assert_cmpint (sng_model_checkpoint_is_due (not_last, step, is_last), ==, step % 3 == 0);
    }

  g_assert_cmpstr (sng_checkpoint_store_get_path (sng_model_checkpoint_get_store (every_3)), ==, directory);
}

/* What the trainer leaves behind is what was due, and the newest one is the one to go on from. */
static void
test_saved_steps (void)
{
  g_autoptr (SngModelCheckpoint) plan = sng_model_checkpoint_new (directory, 3);
  g_autoptr (SngTrainer) trainer = tiny_trainer_new (2, 1, 7, NULL);
  SngCheckpointStore *store = sng_model_checkpoint_get_store (plan);
  g_autoptr (SngCheckpoint) latest = NULL;
  g_autoptr (GError) error = NULL;
  const guint64 expected[] = { 3, 6, 7 };
  guint n_found = 0;

  g_object_set (trainer, "model-checkpoint", plan, NULL);
  g_assert_true (sng_trainer_get_model_checkpoint (trainer) == plan);
  g_assert_true (sng_trainer_get_checkpoint_store (trainer) == store);
  sng_trainer_fit (trainer, &error);
  g_assert_no_error (error);

  for (guint64 step = 1; step <= 7; step++)
    {
      g_autofree char *name = g_strdup_printf ("step-%08" G_GUINT64_FORMAT, step);
      g_autofree char *path = g_build_filename (directory, name, NULL);

      if (g_file_test (path, G_FILE_TEST_IS_DIR))
        {
          g_assert_cmpuint (n_found, <, G_N_ELEMENTS (expected));
          g_assert_cmpuint (expected[n_found++], ==, step);
        }
    }

  g_assert_cmpuint (n_found, ==, G_N_ELEMENTS (expected));
  latest = sng_checkpoint_store_load_latest (store, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (sng_checkpoint_get_step (latest), ==, 7);
}

/* A directory that cannot be written ends the training, and the error says where and when. */
static void
test_cannot_save (void)
{
  g_autofree char *file = g_build_filename (directory, "file", NULL);
  g_autofree char *below = g_build_filename (file, "checkpoints", NULL);
  g_autoptr (SngTrainer) trainer = tiny_trainer_new (2, 1, 2, below);
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (file, "", 0, NULL));
  g_assert_false (sng_trainer_fit (trainer, &error));
  g_assert_true (error->domain == SNG_ERROR);
  g_assert_true (g_str_has_prefix (error->message, "[trainer][checkpoint] step 1: "));
  g_assert_nonnull (strstr (error->message, below));
  g_assert_cmpuint (sng_trainer_get_last_checkpoint_step (trainer), ==, 0);
}

static void
test_no_plan (void)
{
  g_autoptr (SngTrainer) trainer = tiny_trainer_new (2, 1, 2, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (sng_trainer_get_checkpoint_store (trainer));
  g_assert_null (sng_trainer_save_checkpoint (trainer, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "model-checkpoint"));
}

/* ---- What is kept ---- */

/* The steps that are there, as "2 5 6", with the one that `latest` names last, as in "2 5 6 -> 6". */
static char *
list (SngModelCheckpoint *plan)
{
  SngCheckpointStore *store = sng_model_checkpoint_get_store (plan);
  g_autofree char *pointer = g_build_filename (sng_checkpoint_store_get_path (store), "latest", NULL);
  g_autofree char *latest = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) paths = sng_checkpoint_store_list (store, &error);
  GString *text = g_string_new (NULL);

  g_assert_no_error (error);
  for (guint i = 0; paths[i] != NULL; i++)
    g_string_append_printf (text, "%d ", atoi (strrchr (paths[i], '-') + 1));
  if (g_file_get_contents (pointer, &latest, NULL, NULL))
    g_string_append_printf (text, "-> %d", atoi (strrchr (latest, '-') + 1));

  return g_string_free (text, FALSE);
}

static void
save (SngModelCheckpoint *plan, guint64 step, double score)
{
  g_autoptr (SngCheckpoint) checkpoint = sng_checkpoint_new (step);
  g_autoptr (SngStateDict) state = sng_stateful_get_state (SNG_STATEFUL (plan), NULL);
  g_autoptr (GArray) superseded = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;

  if (!sng_model_checkpoint_enter (plan, step, score))
    return;

  sng_checkpoint_set_state (checkpoint, "model-checkpoint", state);
  path = sng_checkpoint_store_save (sng_model_checkpoint_get_store (plan), checkpoint, &error);
  g_assert_no_error (error);
  superseded = sng_model_checkpoint_dup_superseded (plan);
  g_assert_true (
      sng_checkpoint_store_take_all_away (sng_model_checkpoint_get_store (plan), superseded, &error));
  g_assert_no_error (error);
  sng_model_checkpoint_settle (plan, TRUE);
}

#define N_SCORES 7

static const struct
{
  const char *name;
  const char *monitor;
  SngMonitorMode mode;
  int save_top_k;
  gboolean save_last;
  double scores[N_SCORES]; /* of the steps 1 to 7 */
  const char *kept[N_SCORES];
  guint64 best_step;
} rules[] = {
  /* clang-format off */
  { "best", "valid_loss", SNG_MONITOR_MODE_MIN, 2, FALSE, { 5, 4, 6, 4, 3, NAN, 3 },
    { "1 -> 1", "1 2 -> 2", "1 2 -> 2", "2 4 -> 4", "2 5 -> 5", "2 5 -> 5", "5 7 -> 7" }, 5 },
  { "best-and-last", "valid_loss", SNG_MONITOR_MODE_MIN, 2, TRUE, { 5, 4, 6, 4, 3, NAN, 3 },
    { "1 -> 1", "1 2 -> 2", "1 2 3 -> 3", "2 4 -> 4", "2 5 -> 5", "2 5 6 -> 6", "5 7 -> 7" }, 5 },
  { "most", "valid_loss", SNG_MONITOR_MODE_MAX, 1, TRUE, { 1, 3, 3, 2, 4, -INFINITY, INFINITY },
    { "1 -> 1", "2 -> 2", "2 3 -> 3", "2 4 -> 4", "5 -> 5", "5 6 -> 6", "7 -> 7" }, 7 },
  { "no-number", "valid_loss", SNG_MONITOR_MODE_MIN, 1, FALSE, { NAN, NAN, INFINITY, INFINITY, 0, -0.0, -1 },
    { "1 -> 1", "1 -> 1", "3 -> 3", "3 -> 3", "5 -> 5", "5 -> 5", "7 -> 7" }, 7 },
  { "newest", NULL, SNG_MONITOR_MODE_MIN, 2, FALSE, { 1, 2, 3, 4, 5, 6, 7 },
    { "1 -> 1", "1 2 -> 2", "2 3 -> 3", "3 4 -> 4", "4 5 -> 5", "5 6 -> 6", "6 7 -> 7" }, 7 },
  { "last", "valid_loss", SNG_MONITOR_MODE_MIN, 0, TRUE, { 1, 2, 3, 4, 5, 6, 7 },
    { "1 -> 1", "2 -> 2", "3 -> 3", "4 -> 4", "5 -> 5", "6 -> 6", "7 -> 7" }, 0 },
  { "none", "valid_loss", SNG_MONITOR_MODE_MIN, 0, FALSE, { 1, 2, 3, 4, 5, 6, 7 },
    { "", "", "", "", "", "", "" }, 0 },
  { "all", "valid_loss", SNG_MONITOR_MODE_MIN, -1, FALSE, { 7, 3, 2, 2, 9, 8, NAN },
    { "1 -> 1", "1 2 -> 2", "1 2 3 -> 3", "1 2 3 4 -> 4", "1 2 3 4 5 -> 5", "1 2 3 4 5 6 -> 6",
      "1 2 3 4 5 6 7 -> 7" }, 3 },
  /* clang-format on */
};

static SngModelCheckpoint *
create_plan (gsize i)
{
  return g_object_new (SNG_TYPE_MODEL_CHECKPOINT, "directory", directory, "monitor", rules[i].monitor, "mode",
                       rules[i].mode, "save-top-k", rules[i].save_top_k, "save-last", rules[i].save_last,
                       NULL);
}

/* After each save, with one plan all through, and with a new one that takes the state over before each save. */
static void
test_rule (gconstpointer data)
{
  gsize rule = GPOINTER_TO_SIZE (data);

  for (guint resumes = 0; resumes < 2; resumes++)
    {
      g_autoptr (SngModelCheckpoint) plan = create_plan (rule);

      g_assert_true (sng_model_checkpoint_has_state (plan));
      g_assert_cmpuint (sng_model_checkpoint_get_best_step (plan), ==, 0);
      g_assert_true (isnan (sng_model_checkpoint_get_best_score (plan)));

      for (guint i = 0; i < N_SCORES; i++)
        {
          g_autoptr (SngStateDict) state = sng_stateful_get_state (SNG_STATEFUL (plan), NULL);
          g_autofree char *kept = NULL;

          if (resumes)
            {
              g_object_unref (plan);
              plan = create_plan (rule);
              g_assert_true (sng_stateful_set_state (SNG_STATEFUL (plan), state, NULL));
            }

          save (plan, i + 1, rules[rule].scores[i]);
          kept = list (plan);
          g_assert_cmpstr (kept, ==, rules[rule].kept[i]);
        }

      g_assert_cmpuint (sng_model_checkpoint_get_best_step (plan), ==, rules[rule].best_step);
      if (rules[rule].best_step > 0 && rules[rule].monitor != NULL)
        g_assert_cmpfloat (sng_model_checkpoint_get_best_score (plan), ==,
                           rules[rule].scores[rules[rule].best_step - 1]);
      tiny_remove_directory (directory);
    }
}

static char *
describe_state (SngModelCheckpoint *plan)
{
  g_autoptr (SngStateDict) state = sng_stateful_get_state (SNG_STATEFUL (plan), NULL);
  g_autofree char *best = g_variant_print (sng_state_dict_lookup_value (state, "best"), FALSE);
  g_autofree char *last = g_variant_print (sng_state_dict_lookup_value (state, "last_step"), FALSE);

  return g_strconcat (best, " ", last, NULL);
}

static void
check_refused (SngModelCheckpoint *plan, SngStateDict *state, const char *message)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *before = describe_state (plan);
  g_autofree char *after = NULL;

  g_assert_false (sng_stateful_check_state (SNG_STATEFUL (plan), state, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_MISMATCH);
  g_assert_nonnull (strstr (error->message, message));
  g_clear_error (&error);
  g_assert_false (sng_stateful_set_state (SNG_STATEFUL (plan), state, &error));
  after = describe_state (plan);
  g_assert_cmpstr (after, ==, before);
}

static void
test_other_state_is_refused (void)
{
  const char *const wrong[] = { "[(1, 0.5), (2, 0.5), (3, 0.5)]", "[(2, 0.5), (1, 0.5)]",
                                "[(2, 0.5), (2, 0.5)]" };
  g_autoptr (SngModelCheckpoint) plan = create_plan (0);
  g_autoptr (SngModelCheckpoint) other = create_plan (2);
  g_autoptr (SngStateDict) state = sng_stateful_get_state (SNG_STATEFUL (other), NULL);

  sng_model_checkpoint_enter (plan, 1, 0.5);
  check_refused (plan, state,
                 "[model-checkpoint][restore] mode: the checkpoint has 'max', this run has 'min'");
  g_clear_object (&state);
  state = sng_stateful_get_state (SNG_STATEFUL (plan), NULL);

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autoptr (GVariant) best = g_variant_parse (G_VARIANT_TYPE ("a(td)"), wrong[i], NULL, NULL, NULL);

      sng_state_dict_set_value (state, "best", best);
      check_refused (plan, state, "expected are up to 2 ascending steps, each with its score");
    }

  sng_state_dict_set_value (state, "best", g_variant_new_int64 (1));
  check_refused (plan, state, "[model-checkpoint][restore] best: the checkpoint has 1, expected");
}

/* ---- In a training ---- */

#define N_STEPS 8

static SngTrainer *
create_trainer (const char *where, int save_top_k, guint64 max_steps)
{
  g_autoptr (SngModelCheckpoint) plan =
      g_object_new (SNG_TYPE_MODEL_CHECKPOINT, "directory", where, "every-n-train-steps", (guint64) 1,
                    "save-top-k", save_top_k, "monitor", "gradient_norm", NULL);
  SngTrainer *trainer = g_object_new (SNG_TYPE_TRAINER, "model-checkpoint", plan, "max-steps", max_steps,
                                      "micro-batch-size", 2, NULL);

  tiny_trainer_attach (trainer);

  return trainer;
}

static void
manual_cb (SngTrainer *trainer, gpointer user_data)
{
  g_autofree char *path = NULL;

  if (sng_trainer_get_global_step (trainer) == 3)
    path = sng_trainer_save_checkpoint (trainer, NULL);
}

/* Stopped anywhere, also by a checkpoint beside the plan, and going on in a directory of its own: the same list in the end,
 * and there is no error about those that lie elsewhere. */
static void
test_resume (void)
{
  g_autofree char *whole = g_build_filename (directory, "whole", NULL);
  g_autoptr (SngTrainer) trainer = create_trainer (whole, 2, N_STEPS);
  SngModelCheckpoint *plan = sng_trainer_get_model_checkpoint (trainer);
  g_autoptr (GError) error = NULL;
  g_autofree char *expected = NULL;

  g_assert_true (sng_trainer_fit (trainer, &error));
  g_assert_no_error (error);
  expected = describe_state (plan);
  g_assert_cmpuint (sng_model_checkpoint_get_best_step (plan), >, 0);

  for (guint64 stop = 1; stop < N_STEPS; stop++)
    {
      g_autofree char *first = g_strdup_printf ("%s/first-%d", directory, (int) stop);
      g_autofree char *second = g_strdup_printf ("%s/second-%d", directory, (int) stop);
      g_autoptr (SngTrainer) stopped = create_trainer (first, 2, stop);
      g_autoptr (SngTrainer) resumed = create_trainer (second, 2, N_STEPS);
      g_autoptr (SngCheckpoint) checkpoint = NULL;
      g_autofree char *actual = NULL;

      g_signal_connect (stopped, "step-end", G_CALLBACK (manual_cb), NULL);
      g_assert_true (sng_trainer_fit (stopped, &error));
      checkpoint =
          sng_checkpoint_store_load_latest (sng_trainer_get_checkpoint_store (stopped), NULL, &error);
      g_assert_true (sng_trainer_restore (resumed, checkpoint, &error));
      g_assert_true (sng_trainer_fit (resumed, &error));
      g_assert_no_error (error);
      actual = describe_state (sng_trainer_get_model_checkpoint (resumed));
      g_assert_cmpstr (actual, ==, expected);
    }

  tiny_remove_directory (directory);
}

static void
save_cb (SngTrainer *trainer, gpointer user_data)
{
  g_autofree char *path = NULL;

  if (sng_trainer_get_global_step (trainer) % 2 == 1)
    path = sng_trainer_save_checkpoint (trainer, NULL);
}

/* What somebody saves beside the plan has no rank, and stays. */
static void
test_manual (void)
{
  g_autoptr (SngModelCheckpoint) plan =
      g_object_new (SNG_TYPE_MODEL_CHECKPOINT, "directory", directory, "every-n-train-steps", (guint64) 2,
                    "save-top-k", 1, NULL);
  g_autoptr (SngTrainer) trainer =
      g_object_new (SNG_TYPE_TRAINER, "model-checkpoint", plan, "max-steps", (guint64) 6, NULL);
  g_autofree char *kept = NULL;

  tiny_trainer_attach (trainer);
  g_signal_connect (trainer, "step-finished", G_CALLBACK (save_cb), NULL);
  g_assert_true (sng_trainer_fit (trainer, NULL));
  kept = list (plan);
  g_assert_cmpstr (kept, ==, "1 3 5 6 -> 6");
  tiny_remove_directory (directory);
}

/* One that cannot be saved has taken nobody's place. */
static void
test_cannot_save_ranked (void)
{
  g_autofree char *where = g_build_filename (directory, "run", NULL);
  g_autofree char *aside = g_build_filename (directory, "aside", NULL);
  g_autoptr (SngTrainer) trainer = create_trainer (where, 1, 2);
  SngModelCheckpoint *plan = sng_trainer_get_model_checkpoint (trainer);
  g_autoptr (GError) error = NULL;
  g_autofree char *before = NULL, *after = NULL;

  g_assert_true (sng_trainer_fit (trainer, &error));
  before = describe_state (plan);

  g_assert_cmpint (g_rename (where, aside), ==, 0);
  g_assert_true (g_file_set_contents (where, "", 0, NULL));
  g_object_set (trainer, "max-steps", (guint64) 4, NULL);
  g_assert_false (sng_trainer_fit (trainer, &error));
  g_assert_true (g_str_has_prefix (error->message, "[trainer][checkpoint] step 3: "));
  after = describe_state (plan);
  g_assert_cmpstr (after, ==, before);
  tiny_remove_directory (directory);
}

static void
test_cannot_monitor (void)
{
  const char *const monitors[] = { "valid_loss", "accuracy" };
  const char *const messages[] = {
    "[trainer][fit] model-checkpoint monitors \"valid_loss\", but val-check-interval is 0: there are no "
    "validations",
    "[trainer][fit] model-checkpoint: [trainer][monitor] there is no \"accuracy\": what can be monitored is "
    "valid_loss, train_loss, gradient_norm"
  };

  for (guint i = 0; i < G_N_ELEMENTS (monitors); i++)
    {
      g_autoptr (SngModelCheckpoint) plan =
          g_object_new (SNG_TYPE_MODEL_CHECKPOINT, "directory", directory, "monitor", monitors[i], NULL);
      g_autoptr (SngTrainer) trainer = g_object_new (SNG_TYPE_TRAINER, "model-checkpoint", plan, NULL);
      g_autoptr (GError) error = NULL;

      tiny_trainer_attach (trainer);
      g_assert_false (sng_trainer_fit (trainer, &error));
      g_assert_nonnull (error);
      g_assert_cmpstr (error->message, ==, messages[i]);
    }
}

int
main (int argc, char *argv[])
{
  int status;

  g_test_init (&argc, &argv, NULL);
  directory = g_dir_make_tmp ("sng-model-checkpoint-XXXXXX", NULL);

  g_test_add_func ("/sng/model-checkpoint/plan", test_plan);
  g_test_add_func ("/sng/model-checkpoint/saved-steps", test_saved_steps);
  g_test_add_func ("/sng/model-checkpoint/cannot-save", test_cannot_save);
  g_test_add_func ("/sng/model-checkpoint/no-plan", test_no_plan);

  for (gsize i = 0; i < G_N_ELEMENTS (rules); i++)
    {
      g_autofree char *path = g_strconcat ("/sng/model-checkpoint/rule/", rules[i].name, NULL);

      g_test_add_data_func (path, GSIZE_TO_POINTER (i), test_rule);
    }

  g_test_add_func ("/sng/model-checkpoint/other-state-is-refused", test_other_state_is_refused);
  g_test_add_func ("/sng/model-checkpoint/resume", test_resume);
  g_test_add_func ("/sng/model-checkpoint/manual", test_manual);
  g_test_add_func ("/sng/model-checkpoint/cannot-save-ranked", test_cannot_save_ranked);
  g_test_add_func ("/sng/model-checkpoint/cannot-monitor", test_cannot_monitor);

  status = g_test_run ();
  tiny_remove_directory (directory);
  g_free (directory);

  return status;
}
