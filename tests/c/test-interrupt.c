/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>

#include "tiny-model.h"

#define MAX_STEPS 6

/* Trains with an interrupt; returns after which step the run has ended. */
static guint64
train_until (guint64 step, guint64 every_n_steps, gboolean *has_checkpoint)
{
  g_autofree char *directory = g_dir_make_tmp ("test-interrupt-XXXXXX", NULL);
  char *argv[] = { (char *) "rm", (char *) "-r", directory, NULL };
  g_autoptr (SngTrainer) trainer = tiny_trainer_new (2, 1, MAX_STEPS, NULL);
  g_autoptr (SngModelCheckpoint) model_checkpoint = sng_model_checkpoint_new (directory, every_n_steps);
  g_autoptr (SngInterrupt) interrupt = sng_interrupt_new (SNG_INTERRUPT_RAISE, step);
  g_autoptr (SngCheckpoint) checkpoint = NULL;
  g_autoptr (GError) error = NULL;
  guint64 reached;

  g_assert_cmpint (sng_interrupt_get_kind (interrupt), ==, SNG_INTERRUPT_RAISE);
  g_assert_cmpuint (sng_interrupt_get_step (interrupt), ==, step);

  g_object_set (trainer, "model-checkpoint", model_checkpoint, NULL);
  sng_interrupt_attach (interrupt, trainer);

  if (sng_trainer_fit (trainer, &error))
    g_assert_no_error (error);
  else
    g_assert_error (error, SNG_ERROR, SNG_ERROR_STOP_AND_GO);

  reached = sng_trainer_get_global_step (trainer);
  checkpoint = sng_checkpoint_store_load_latest (sng_trainer_get_checkpoint_store (trainer), NULL, NULL);
  *has_checkpoint = checkpoint != NULL && sng_checkpoint_get_step (checkpoint) == reached;
  g_assert_true (g_spawn_sync (NULL, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL));

  return reached;
}

static void
test_at_step (void)
{
  gboolean has_checkpoint;

  g_assert_cmpuint (train_until (4, 2, &has_checkpoint), ==, 4);
  g_assert_true (has_checkpoint);

  /* Where that step saves none by itself. */
  g_assert_cmpuint (train_until (3, 2, &has_checkpoint), ==, 3);
  g_assert_true (has_checkpoint);
  g_assert_cmpuint (train_until (1, 0, &has_checkpoint), ==, 1);
  g_assert_true (has_checkpoint);
}

static void
test_first_checkpoint (void)
{
  gboolean has_checkpoint;

  g_assert_cmpuint (train_until (0, 2, &has_checkpoint), ==, 2);
  g_assert_true (has_checkpoint);
}

static void
test_never (void)
{
  gboolean has_checkpoint;

  g_assert_cmpuint (train_until (MAX_STEPS + 1, 2, &has_checkpoint), ==, MAX_STEPS);
}

/* Without a place to save to, the end of the run is that error. */
static void
test_nowhere (void)
{
  g_autoptr (SngTrainer) trainer = tiny_trainer_new (2, 1, MAX_STEPS, NULL);
  g_autoptr (SngInterrupt) interrupt = sng_interrupt_new (SNG_INTERRUPT_RAISE, 2);
  g_autoptr (GError) error = NULL;

  sng_interrupt_attach (interrupt, trainer);
  g_assert_false (sng_trainer_fit (trainer, &error));
  g_assert_nonnull (error);
  g_assert_false (g_error_matches (error, SNG_ERROR, SNG_ERROR_STOP_AND_GO));
  g_assert_cmpuint (sng_trainer_get_global_step (trainer), ==, 2);
}

int
main (int argc, char **argv)
{
  /* Nothing here depends on how fast the disk is. */
  if (g_file_test ("/dev/shm", G_FILE_TEST_IS_DIR))
    g_setenv ("TMPDIR", "/dev/shm", FALSE);

  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/interrupt/at-step", test_at_step);
  g_test_add_func ("/sng/interrupt/first-checkpoint", test_first_checkpoint);
  g_test_add_func ("/sng/interrupt/never", test_never);
  g_test_add_func ("/sng/interrupt/nowhere", test_nowhere);

  return g_test_run ();
}
