/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench-training.h"

/* How memory grows in a training with all callbacks of the harness and a run store on the disk: bench-memory [STEPS].
 *
 * For two sizes of model: what grows with the steps must not grow with the model either. The first quarter of the steps
 * warms up. */

#define N_POINTS 4
#define GOAL 1.0

typedef struct
{
  double resident; /* MB: what the system says */
  double in_use;   /* MB: what the allocator has given out */
} Memory;

static Memory
read_memory (void)
{
  struct mallinfo2 info = mallinfo2 ();
  Memory memory = { .in_use = (double) (info.uordblks + info.hblkhd) / 1e6 };
  FILE *file = fopen ("/proc/self/statm", "r");
  unsigned long n_pages = 0;

  if (file == NULL || fscanf (file, "%*u %lu", &n_pages) != 1)
    g_error ("/proc/self/statm cannot be read");
  fclose (file);
  memory.resident = (double) n_pages * (double) sysconf (_SC_PAGESIZE) / 1e6;

  return memory;
}

static void
measure (guint n_layers, guint hidden_size, guint64 n_steps, SngDevice *device)
{
  const BenchTraining training = {
    .n_layers = n_layers,
    .hidden_size = hidden_size,
    .n_heads = 4,
    .n_sequences = 2,
    .n_tokens = 16,
    .val_check_interval = 10,
    .limit_val_batches = 2,
  };
  g_autofree char *directory = bench_make_directory ();
  g_autofree char *path = g_build_filename (directory, "rank-00000.db", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (SngTrainer) trainer = bench_training_new_trainer (&training, device);
  g_autoptr (SngRunStore) store = sng_run_store_create (path, &error);
  g_autoptr (SngRecorder) recorder = NULL;
  Memory points[N_POINTS];
  double per_thousand;

  if (store == NULL)
    g_error ("%s", error->message);
  recorder = sng_recorder_new (store, 0);
  bench_training_attach (trainer, recorder);

  g_print ("%u x %u:", n_layers, hidden_size);
  for (guint i = 0; i < N_POINTS; i++)
    {
      bench_training_run (trainer, n_steps / N_POINTS);
      points[i] = read_memory ();
      g_print (" step %" G_GUINT64_FORMAT ": %.2f MB (%.3f in use)", sng_trainer_get_global_step (trainer),
               points[i].resident, points[i].in_use);
    }

  per_thousand = 1000.0 / ((double) n_steps * (N_POINTS - 1) / N_POINTS);
  g_print ("\n  growth in 1,000 steps: %.3f MB resident, %.3f MB in use (goal <= %.0f)\n",
           (points[N_POINTS - 1].resident - points[0].resident) * per_thousand,
           (points[N_POINTS - 1].in_use - points[0].in_use) * per_thousand, GOAL);

  g_clear_object (&trainer);
  g_clear_object (&recorder);
  g_clear_object (&store);
  bench_remove_directory (directory);
}

int
main (int argc, char *argv[])
{
  guint64 n_steps = argc > 1 ? g_ascii_strtoull (argv[1], NULL, 10) : 2000;
  g_autoptr (SngDevice) device = sng_device_new_cpu (2);

  measure (2, 64, n_steps, device);
  measure (4, 128, n_steps, device);

  return 0;
}
