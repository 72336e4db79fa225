/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <stdlib.h>

#include "bench-training.h"

/* What checkpoints cost a training: bench-saving [THREADS [ROUNDS]].
 *
 * Three trainings of the 8M ESM-2 take turns of ten steps: one without a checkpoint, one that waits for each, and one that
 * saves in the background. A checkpoint is due in the middle of a turn, so that what is saved in the background costs the
 * training that it belongs to. */

#define STEPS_PER_TURN 10
#define GOAL 1.03

typedef enum
{
  NONE,
  WAITS,
  BACKGROUND,
  N_KINDS
} Kind;

static SngTrainer *
new_trainer (Kind kind, SngDevice *device, const char *directory)
{
  static const BenchTraining training = {
    .n_layers = 6, .hidden_size = 320, .n_heads = 20, .n_sequences = 2, .n_tokens = 512
  };
  SngTrainer *trainer = bench_training_new_trainer (&training, device);
  g_autofree char *path = g_strdup_printf ("%s/%d", directory, kind);
  g_autoptr (SngModelCheckpoint) plan = NULL;

  if (kind == NONE)
    return trainer;

  plan = g_object_new (SNG_TYPE_MODEL_CHECKPOINT, "directory", path, "every-n-train-steps",
                       (guint64) STEPS_PER_TURN, "save-last", FALSE, "save-in-background", kind == BACKGROUND,
                       NULL);
  g_object_set (trainer, "model-checkpoint", plan, NULL);

  return trainer;
}

int
main (int argc, char **argv)
{
  static const char *const names[] = { "no checkpoint", "a checkpoint that is waited for",
                                       "in the background" };
  guint n_threads = argc > 1 ? (guint) atoi (argv[1]) : 2;
  guint n_rounds = argc > 2 ? (guint) atoi (argv[2]) : 5;
  g_autofree char *directory = bench_make_directory ();
  g_autoptr (SngDevice) device = sng_device_new_cpu (n_threads);
  SngTrainer *trainers[N_KINDS];
  GArray *times[N_KINDS];

  for (Kind kind = NONE; kind < N_KINDS; kind++)
    {
      trainers[kind] = new_trainer (kind, device, directory);
      times[kind] = g_array_new (FALSE, FALSE, sizeof (double));
      bench_training_run (trainers[kind], STEPS_PER_TURN / 2);
    }

  for (guint round = 0; round <= n_rounds; round++)
    for (guint turn = 0; turn < N_KINDS; turn++)
      {
        Kind kind = (Kind) ((round + turn) % N_KINDS);
        gint64 begin = g_get_monotonic_time ();
        double seconds;

        bench_training_run (trainers[kind], STEPS_PER_TURN);
        seconds = (double) (g_get_monotonic_time () - begin) / 1e6;
        if (round > 0) /* the first one warms up */
          g_array_append_val (times[kind], seconds);
      }

  for (Kind kind = NONE; kind < N_KINDS; kind++)
    {
      g_print ("%-32s %8.3f s for %d steps, median of %u\n", names[kind], bench_median (times[kind]),
               STEPS_PER_TURN, times[kind]->len);
      g_object_unref (trainers[kind]);
    }
  g_print ("waited for / none: %.4f; in the background / none: %.4f (goal <= %.2f)\n",
           bench_median (times[WAITS]) / bench_median (times[NONE]),
           bench_median (times[BACKGROUND]) / bench_median (times[NONE]), GOAL);

  for (Kind kind = NONE; kind < N_KINDS; kind++)
    g_array_unref (times[kind]);
  bench_remove_directory (directory);

  return 0;
}
