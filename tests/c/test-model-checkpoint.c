/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <glib/gstdio.h>
#include <string.h>

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

  status = g_test_run ();
  tiny_remove_directory (directory);
  g_free (directory);

  return status;
}
