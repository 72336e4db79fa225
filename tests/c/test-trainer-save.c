/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Trainings whose checkpoints are saved in the background, on disks that fail, and after kills. */

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#include "state/sng-checkpoint-private.h"
#include "state/sng-checkpoint-store-private.h"
#include "storage-fixture.h"
#include "tiny-model.h"
#include "train/sng-model-checkpoint-private.h"

#define MAX_STEPS 12

typedef struct
{
  char *directory;
  SngTrainer *trainer;
  SngModelCheckpoint *plan;
  TestDisk disk;
  GString *news; /* "saved 3, failed 4, …" */
} Fixture;

static void
checkpoint_saved_cb (SngTrainer *trainer, const char *path, Fixture *fixture)
{
  guint64 step = 0;
  g_autofree char *name = g_path_get_basename (path);

  g_assert_true (sng_checkpoint_step_from_name (name, &step));
  g_assert_cmpuint (sng_trainer_get_last_checkpoint_step (trainer), ==, step);
  g_assert_cmpuint (sng_trainer_get_global_step (trainer), >=, step);
  g_assert_true (g_file_test (path, G_FILE_TEST_IS_DIR));
  g_string_append_printf (fixture->news, "saved %d, ", (int) step);
}

static void
checkpoint_failed_cb (SngTrainer *trainer, guint64 step, GError *error, Fixture *fixture)
{
  g_autofree char *place = g_strdup_printf ("[trainer][checkpoint] step %d: ", (int) step);

  g_assert_true (g_str_has_prefix (error->message, place));
  g_string_append_printf (fixture->news, "failed %d, ", (int) step);
}

/* The properties of the plan come in pairs. */
static void
set_up (Fixture *fixture, const char *first, ...)
{
  va_list properties;
  SngCheckpointStore *store;

  fixture->news = g_string_new (NULL);
  va_start (properties, first);
  fixture->plan = SNG_MODEL_CHECKPOINT (g_object_new_valist (SNG_TYPE_MODEL_CHECKPOINT, first, properties));
  va_end (properties);
  store = sng_model_checkpoint_get_store (fixture->plan);
  test_disk_init (&fixture->disk, sng_checkpoint_store_get_storage (store));
  fixture->trainer = sng_trainer_new ();
  g_object_set (fixture->trainer, "micro-batch-size", 2, "max-steps", (guint64) MAX_STEPS, "seed",
                G_GUINT64_CONSTANT (7), "model-checkpoint", fixture->plan, NULL);
  tiny_trainer_attach (fixture->trainer);
  g_signal_connect (fixture->trainer, "checkpoint-saved", G_CALLBACK (checkpoint_saved_cb), fixture);
  g_signal_connect (fixture->trainer, "checkpoint-failed", G_CALLBACK (checkpoint_failed_cb), fixture);
}

static void
tear_down (Fixture *fixture)
{
  test_disk_clear (&fixture->disk);
  g_clear_object (&fixture->trainer);
  g_clear_object (&fixture->plan);
  g_string_free (fixture->news, TRUE);
}

/* The steps that are there. */
static char *
list (const char *directory)
{
  g_autoptr (SngCheckpointStore) store = sng_checkpoint_store_new (directory);
  g_autoptr (GArray) steps = sng_checkpoint_store_list_steps (store, NULL);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < steps->len; i++)
    g_string_append_printf (text, "%s%d", i > 0 ? " " : "", (int) g_array_index (steps, guint64, i));

  return g_string_free (text, FALSE);
}

static void
assert_kept (const char *directory, const char *expected)
{
  g_autofree char *kept = list (directory);

  g_assert_cmpstr (kept, ==, expected);
}

static char *
describe (const char *directory, guint64 step)
{
  g_autofree char *name = sng_checkpoint_step_to_name (step);
  g_autofree char *path = g_build_filename (directory, name, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (SngCheckpoint) checkpoint = sng_checkpoint_load (path, &error);
  g_autoptr (SngFingerprint) fingerprint = NULL;

  g_assert_no_error (error);
  fingerprint = sng_checkpoint_compute_fingerprint (checkpoint);

  return sng_fingerprint_to_string (fingerprint);
}

/* In the background the same checkpoints come to be, and each is heard of once and in order. */
static void
test_background (void)
{
  g_autofree char *parent = g_dir_make_tmp ("test-trainer-save-XXXXXX", NULL);
  const char *const names[] = { "waits", "background" };
  char *texts[2][MAX_STEPS + 1] = { { NULL } };
  Fixture fixture;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *directory = g_build_filename (parent, names[i], NULL);
      g_autoptr (GError) error = NULL;

      set_up (&fixture, "directory", directory, "every-n-train-steps", G_GUINT64_CONSTANT (2), "save-top-k",
              3, "save-in-background", i == 1, NULL);
      g_assert_true (sng_trainer_fit (fixture.trainer, &error));
      g_assert_no_error (error);
      g_assert_cmpstr (fixture.news->str, ==, "saved 2, saved 4, saved 6, saved 8, saved 10, saved 12, ");
      assert_kept (directory, "8 10 12");
      for (guint64 step = 8; step <= 12; step += 2)
        texts[i][step] = describe (directory, step);
      tear_down (&fixture);
    }

  for (guint step = 8; step <= 12; step += 2)
    {
      g_assert_cmpstr (texts[0][step], ==, texts[1][step]);
      g_free (texts[0][step]);
      g_free (texts[1][step]);
    }
  tiny_remove_directory (parent);
}

/* Before the disk is changed under it. */
static void
wait_for_save (Fixture *fixture)
{
  while (sng_checkpoint_store_is_busy (sng_model_checkpoint_get_store (fixture->plan)))
    g_usleep (100);
}

/* A disk that is full from the second checkpoint on, and has room again for the fifth. */
static void
fill_disk_cb (SngTrainer *trainer, Fixture *fixture)
{
  guint64 step = sng_trainer_get_global_step (trainer);

  wait_for_save (fixture);

  fixture->disk.failure = ENOSPC;
  fixture->disk.is_full = step >= 3 && step < 9;
  fixture->disk.calls_to_failure = -1;
}

static void
test_full_disk (gconstpointer data)
{
  gboolean in_background = data != NULL;

  for (guint goes_on = 0; goes_on < 2; goes_on++)
    {
      g_autofree char *directory = g_dir_make_tmp ("test-trainer-save-XXXXXX", NULL);
      g_autoptr (GError) error = NULL;
      Fixture fixture;

      set_up (&fixture, "directory", directory, "every-n-train-steps", G_GUINT64_CONSTANT (2), "save-top-k",
              1, "save-in-background", in_background, "go-on-after-error", goes_on, NULL);
      g_signal_connect (fixture.trainer, "step-end", G_CALLBACK (fill_disk_cb), &fixture);

      if (goes_on)
        {
          g_assert_true (sng_trainer_fit (fixture.trainer, &error));
          g_assert_no_error (error);
          g_assert_cmpstr (fixture.news->str, ==,
                           "saved 2, failed 4, failed 6, failed 8, saved 10, saved 12, ");
          assert_kept (directory, "12");
        }
      else
        {
          g_assert_false (sng_trainer_fit (fixture.trainer, &error));
          g_assert_error (error, SNG_ERROR, SNG_ERROR_IO);
          g_assert_nonnull (strstr (error->message, "[trainer][checkpoint] step 4: "));
          g_assert_nonnull (strstr (error->message, g_strerror (ENOSPC)));
          g_assert_cmpstr (fixture.news->str, ==, "saved 2, failed 4, ");
          assert_kept (directory, "2");
        }
      tear_down (&fixture);
      tiny_remove_directory (directory);
    }
}

/* The error of the last save comes when there is no further one: at the end. */
static void
fail_last_cb (SngTrainer *trainer, Fixture *fixture)
{
  if (sng_trainer_get_global_step (trainer) != MAX_STEPS)
    return;

  wait_for_save (fixture);
  fixture->disk.calls_to_failure = 3;
}

static void
end_cb (SngTrainer *trainer, gpointer data)
{
  g_autoptr (GError) error = g_error_new (SNG_ERROR, SNG_ERROR_STOP_AND_GO, "enough");

  if (sng_trainer_get_global_step (trainer) == MAX_STEPS)
    sng_trainer_end_with_error (trainer, error);
}

static void
test_last (void)
{
  g_autofree char *directory = g_dir_make_tmp ("test-trainer-save-XXXXXX", NULL);
  g_autoptr (GError) error = NULL;
  Fixture fixture;

  set_up (&fixture, "directory", directory, "every-n-train-steps", G_GUINT64_CONSTANT (5),
          "save-in-background", TRUE, NULL);
  g_signal_connect (fixture.trainer, "step-end", G_CALLBACK (fail_last_cb), &fixture);
  g_assert_false (sng_trainer_fit (fixture.trainer, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_IO);
  g_assert_nonnull (strstr (error->message, "step 12: "));
  g_assert_cmpstr (fixture.news->str, ==, "saved 5, saved 10, failed 12, ");
  assert_kept (directory, "5 10");
  tear_down (&fixture);

  /* Whoever ends the training ends it with a checkpoint that is whole. */
  g_clear_error (&error);
  set_up (&fixture, "directory", directory, "every-n-train-steps", G_GUINT64_CONSTANT (4),
          "save-in-background", TRUE, NULL);
  g_signal_connect (fixture.trainer, "step-finished", G_CALLBACK (end_cb), NULL);
  g_assert_false (sng_trainer_fit (fixture.trainer, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_STOP_AND_GO);
  g_assert_cmpstr (fixture.news->str, ==, "saved 4, saved 8, saved 12, ");
  tear_down (&fixture);
  tiny_remove_directory (directory);
}

/* Some are kept for good, whatever their rank. */
static void
test_keep_every (void)
{
  for (guint in_background = 0; in_background < 2; in_background++)
    {
      g_autofree char *directory = g_dir_make_tmp ("test-trainer-save-XXXXXX", NULL);
      g_autoptr (GError) error = NULL;
      Fixture fixture;

      set_up (&fixture, "directory", directory, "every-n-train-steps", G_GUINT64_CONSTANT (1), "save-top-k",
              2, "keep-every", G_GUINT64_CONSTANT (4), "save-in-background", in_background, NULL);
      g_assert_true (sng_trainer_fit (fixture.trainer, &error));
      g_assert_no_error (error);
      assert_kept (directory, "4 8 11 12");
      tear_down (&fixture);
      tiny_remove_directory (directory);
    }
}

/* Ends the training as a kill would before the first removal of the save of step 6: nothing is changed after that. */
typedef struct
{
  SngStorage storage;
  SngCheckpointStore *store;
  gboolean is_dead;
} Death;

static gint64
death_perform (SngStorage *storage, const SngStorageCall *call)
{
  Death *death = (Death *) storage;

  if (death->store->saved_step == 6 && call->verb == SNG_STORAGE_RENAME
      && strstr (call->path, "/step-00000004") != NULL)
    death->is_dead = TRUE;

  return death->is_dead ? -EIO : sng_storage_perform (storage->next, call);
}

static void
test_killed_before_removal (gconstpointer data)
{
  gboolean in_background = data != NULL;
  g_autofree char *directory = g_dir_make_tmp ("test-trainer-save-XXXXXX", NULL);
  g_autoptr (SngCheckpoint) checkpoint = NULL;
  g_autoptr (GError) error = NULL;
  Death death = { .storage = { death_perform, NULL } };
  Fixture fixture;
  SngCheckpointStore *store;

  set_up (&fixture, "directory", directory, "every-n-train-steps", G_GUINT64_CONSTANT (2), "save-top-k", 1,
          "save-in-background", in_background, NULL);
  store = death.store = sng_model_checkpoint_get_store (fixture.plan);
  sng_storage_push (sng_checkpoint_store_get_storage (store), &death.storage);
  g_assert_false (sng_trainer_fit (fixture.trainer, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_IO);
  g_assert_cmpstr (fixture.news->str, ==, "saved 2, saved 4, saved 6, failed 6, ");
  assert_kept (directory, "4 6");
  sng_storage_remove (sng_checkpoint_store_get_storage (store), &death.storage);
  tear_down (&fixture);

  /* The one that goes on has one checkpoint too many, until its next save. */
  g_clear_error (&error);
  set_up (&fixture, "directory", directory, "every-n-train-steps", G_GUINT64_CONSTANT (2), "save-top-k", 1,
          "save-in-background", in_background, NULL);
  store = sng_model_checkpoint_get_store (fixture.plan);
  checkpoint = sng_checkpoint_store_load_latest (store, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (sng_trainer_restore (fixture.trainer, checkpoint, &error));
  g_assert_no_error (error);
  g_object_set (fixture.trainer, "max-steps", G_GUINT64_CONSTANT (8), NULL);
  g_assert_true (sng_trainer_fit (fixture.trainer, &error));
  g_assert_no_error (error);
  assert_kept (directory, "8");
  tear_down (&fixture);
  tiny_remove_directory (directory);
}

/* Where removing fails, or the save that was to supersede, what was to go is not forgotten, and what was to stay is kept. */
static void
test_removal_fails (void)
{
  g_autofree char *directory = g_dir_make_tmp ("test-trainer-save-XXXXXX", NULL);
  g_autoptr (GError) error = NULL;
  Death death = { .storage = { death_perform, NULL } };
  Fixture fixture;
  SngCheckpointStore *store;

  set_up (&fixture, "directory", directory, "every-n-train-steps", G_GUINT64_CONSTANT (2), "save-top-k", 1,
          "go-on-after-error", TRUE, "save-in-background", TRUE, NULL);
  store = death.store = sng_model_checkpoint_get_store (fixture.plan);
  sng_storage_push (sng_checkpoint_store_get_storage (store), &death.storage);
  g_object_set (fixture.trainer, "max-steps", G_GUINT64_CONSTANT (8), NULL);
  g_assert_true (sng_trainer_fit (fixture.trainer, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (fixture.news->str, ==, "saved 2, saved 4, saved 6, failed 6, failed 8, ");
  assert_kept (directory, "4 6");

  death.is_dead = FALSE;
  g_object_set (fixture.trainer, "max-steps", G_GUINT64_CONSTANT (10), NULL);
  g_assert_true (sng_trainer_fit (fixture.trainer, &error));
  g_assert_no_error (error);
  assert_kept (directory, "10");
  sng_storage_remove (sng_checkpoint_store_get_storage (store), &death.storage);
  tear_down (&fixture);
  tiny_remove_directory (directory);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/trainer-save/background", test_background);
  g_test_add_data_func ("/sng/trainer-save/full-disk", NULL, test_full_disk);
  g_test_add_data_func ("/sng/trainer-save/full-disk/background", "", test_full_disk);
  g_test_add_func ("/sng/trainer-save/last", test_last);
  g_test_add_func ("/sng/trainer-save/keep-every", test_keep_every);
  g_test_add_data_func ("/sng/trainer-save/killed-before-removal", NULL, test_killed_before_removal);
  g_test_add_data_func ("/sng/trainer-save/killed-before-removal/background", "", test_killed_before_removal);
  g_test_add_func ("/sng/trainer-save/removal-fails", test_removal_fails);

  return g_test_run ();
}
