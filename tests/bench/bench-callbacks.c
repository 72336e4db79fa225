/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <stdlib.h>
#include <time.h>

#include "bench-training.h"

/* What the callbacks cost: bench-callbacks [THREADS [ROUNDS]].
 *
 * Two trainings of the 8M ESM-2 take turns, one bare, one with all callbacks of the harness and a run store on the disk, so
 * that a drift of the machine meets both. The ratio of their steps is as noisy as the steps are. The time between the first
 * and the last listener of each signal, which is what the callbacks themselves need, is steadier, and the processor time of
 * all threads does not count what others do on the machine. */

#define STEPS_PER_TURN 2
#define N_REPEATS 25
#define GOAL 1.03

typedef enum
{
  WHOLE_STEP,
  MICRO_BATCH_END,
  STEP_END,
  COMMIT,
  ALL_CALLBACKS,
  N_PARTS,
} Part;

typedef struct
{
  double wall; /* seconds */
  double processor;
} Time;

typedef struct
{
  Time step_begin;
  Time signal_begin;
  Time heard; /* in this step, by all callbacks */
  GArray *wall[N_PARTS];
  GArray *processor[N_PARTS];
} Clock;

static double
read_clock (clockid_t id)
{
  struct timespec now;

  clock_gettime (id, &now);

  return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

static Time
read_time (void)
{
  return (Time){ .wall = read_clock (CLOCK_MONOTONIC), .processor = read_clock (CLOCK_PROCESS_CPUTIME_ID) };
}

static Time
time_since (Time begin)
{
  Time now = read_time ();

  return (Time){ .wall = now.wall - begin.wall, .processor = now.processor - begin.processor };
}

static void
clock_add (Clock *clock, Part part, Time time)
{
  g_array_append_val (clock->wall[part], time.wall);
  g_array_append_val (clock->processor[part], time.processor);
}

static void
begin_step_cb (SngTrainer *trainer, Clock *clock)
{
  clock->step_begin = read_time ();
  clock->heard = (Time){ 0 };
}

static void
begin_signal_cb (SngTrainer *trainer, Clock *clock)
{
  clock->signal_begin = read_time ();
}

static void
begin_micro_batch_end_cb (SngTrainer *trainer,
                          SngStage stage,
                          guint micro_batch,
                          SngStateDict *batch,
                          SngStateDict *outputs,
                          Clock *clock)
{
  begin_signal_cb (trainer, clock);
}

static void
end_signal (Clock *clock, Part part)
{
  Time time = time_since (clock->signal_begin);

  clock_add (clock, part, time);
  clock->heard.wall += time.wall;
  clock->heard.processor += time.processor;
}

static void
end_micro_batch_end_cb (SngTrainer *trainer,
                        SngStage stage,
                        guint micro_batch,
                        SngStateDict *batch,
                        SngStateDict *outputs,
                        Clock *clock)
{
  end_signal (clock, MICRO_BATCH_END);
}

static void
end_step_end_cb (SngTrainer *trainer, Clock *clock)
{
  end_signal (clock, STEP_END);
}

static void
end_step_cb (SngTrainer *trainer, Clock *clock)
{
  end_signal (clock, COMMIT);
  clock_add (clock, ALL_CALLBACKS, clock->heard);
  clock_add (clock, WHOLE_STEP, time_since (clock->step_begin));
}

static void
clock_init (Clock *clock)
{
  for (guint i = 0; i < N_PARTS; i++)
    {
      clock->wall[i] = g_array_new (FALSE, FALSE, sizeof (double));
      clock->processor[i] = g_array_new (FALSE, FALSE, sizeof (double));
    }
}

static void
clock_reset (Clock *clock)
{
  for (guint i = 0; i < N_PARTS; i++)
    {
      g_array_set_size (clock->wall[i], 0);
      g_array_set_size (clock->processor[i], 0);
    }
}

static void
clock_clear (Clock *clock)
{
  for (guint i = 0; i < N_PARTS; i++)
    {
      g_array_unref (clock->wall[i]);
      g_array_unref (clock->processor[i]);
    }
}

/* The callbacks are attached, and so heard, between these two. */
static void
clock_begin (Clock *clock, SngTrainer *trainer)
{
  g_signal_connect (trainer, "step-start", G_CALLBACK (begin_step_cb), clock);
  g_signal_connect (trainer, "micro-batch-end", G_CALLBACK (begin_micro_batch_end_cb), clock);
  g_signal_connect (trainer, "step-end", G_CALLBACK (begin_signal_cb), clock);
  g_signal_connect (trainer, "step-finished", G_CALLBACK (begin_signal_cb), clock);
}

static void
clock_end (Clock *clock, SngTrainer *trainer)
{
  g_signal_connect_after (trainer, "micro-batch-end", G_CALLBACK (end_micro_batch_end_cb), clock);
  g_signal_connect_after (trainer, "step-end", G_CALLBACK (end_step_end_cb), clock);
  g_signal_connect_after (trainer, "step-finished", G_CALLBACK (end_step_cb), clock);
}

/* The tensors of a dictionary, summarised as the recorder does: what the fingerprints alone cost. */
static guint
summarize_all (SngStateDict *state, gsize *n_bytes)
{
  guint n_tensors = 0;

  for (guint i = 0; i < sng_state_dict_get_n_items (state); i++)
    {
      SngTensor *tensor = sng_state_dict_lookup_tensor (state, sng_state_dict_get_name (state, i));
      double minimum, maximum, mean;
      guint64 n_non_finite;
      g_autoptr (SngFingerprint) fingerprint = NULL;

      if (tensor == NULL)
        continue;
      fingerprint = sng_tensor_summarize (tensor, &minimum, &maximum, &mean, &n_non_finite);
      *n_bytes += sng_tensor_get_n_elements (tensor) * sng_dtype_get_size (sng_tensor_get_dtype (tensor));
      n_tensors++;
    }

  return n_tensors;
}

static void
print_times (const char *what, GArray *wall, GArray *processor)
{
  g_print ("  %-34s %8.2f %8.2f\n", what, 1e3 * bench_median (wall), 1e3 * bench_median (processor));
}

static void
measure_fingerprints (SngTrainer *trainer, Clock *clock)
{
  gsize n_bytes = 0;
  guint n_tensors = 0;

  for (guint i = 0; i < N_REPEATS; i++)
    {
      Time begin = read_time ();
      g_autoptr (SngStateDict) model =
          sng_stateful_get_state (SNG_STATEFUL (sng_trainer_get_model (trainer)), NULL);
      g_autoptr (SngStateDict) optimizer =
          sng_stateful_get_state (SNG_STATEFUL (sng_trainer_get_optimizer (trainer)), NULL);

      n_bytes = 0;
      n_tensors = summarize_all (model, &n_bytes) + summarize_all (optimizer, &n_bytes);
      clock_add (clock, STEP_END, time_since (begin));
    }

  print_times ("fingerprints of the state", clock->wall[STEP_END], clock->processor[STEP_END]);
  g_print ("    %u tensors, %.1f MB, %.1f GB/s\n", n_tensors, (double) n_bytes / 1e6,
           (double) n_bytes / bench_median (clock->wall[STEP_END]) / 1e9);
}

/* The entries of a step once more into another store: what SQLite alone costs. */
static void
measure_store (const char *directory, SngRunStore *store, guint64 step, Clock *clock)
{
  g_autofree char *path = g_build_filename (directory, "again.db", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) entries = sng_run_store_query (store, NULL, step, step, &error);
  g_autoptr (SngRunStore) again = sng_run_store_create (path, &error);

  if (entries == NULL || again == NULL)
    g_error ("%s", error->message);

  for (guint i = 0; i < N_REPEATS; i++)
    {
      Time begin = read_time ();

      for (guint j = 0; j < entries->len; j++)
        if (!sng_run_store_append (again, g_ptr_array_index (entries, j), &error))
          g_error ("%s", error->message);
      if (!sng_run_store_flush (again, &error))
        g_error ("%s", error->message);
      clock_add (clock, COMMIT, time_since (begin));
    }

  print_times ("the store", clock->wall[COMMIT], clock->processor[COMMIT]);
  g_print ("    %u entries\n", entries->len);
}

static void
print_ratios (const char *what, GArray **bare, GArray **full)
{
  double bare_step = bench_median (bare[WHOLE_STEP]);

  g_print ("callbacks/bare, %s: %.4f by the steps, %.4f by the callbacks (goal <= %.2f)\n", what,
           bench_median (full[WHOLE_STEP]) / bare_step, 1 + bench_median (full[ALL_CALLBACKS]) / bare_step,
           GOAL);
}

static void
report (Clock *bare, Clock *full)
{
  print_ratios ("wall time", bare->wall, full->wall);
  print_ratios ("processor time", bare->processor, full->processor);
  g_print ("%-36s %8s %8s   medians of %u steps\n", "ms", "wall", "processor", bare->wall[WHOLE_STEP]->len);
  print_times ("bare step", bare->wall[WHOLE_STEP], bare->processor[WHOLE_STEP]);
  print_times ("step with callbacks", full->wall[WHOLE_STEP], full->processor[WHOLE_STEP]);
  print_times ("in the callbacks", full->wall[ALL_CALLBACKS], full->processor[ALL_CALLBACKS]);
  print_times ("  at micro-batch-end", full->wall[MICRO_BATCH_END], full->processor[MICRO_BATCH_END]);
  print_times ("  at step-end", full->wall[STEP_END], full->processor[STEP_END]);
  print_times ("  commit", full->wall[COMMIT], full->processor[COMMIT]);
  g_print ("alone, in a loop:\n");
}

int
main (int argc, char *argv[])
{
  const BenchTraining training = {
    .n_layers = 6, .hidden_size = 320, .n_heads = 20, .n_sequences = 2, .n_tokens = 512
  };
  guint n_threads = argc > 1 ? (guint) atoi (argv[1]) : 2;
  guint n_rounds = argc > 2 ? (guint) atoi (argv[2]) : 12;
  g_autofree char *directory = bench_make_directory ();
  g_autofree char *path = g_build_filename (directory, "rank-00000.db", NULL);
  g_autoptr (SngDevice) device = sng_device_new_cpu (n_threads);
  g_autoptr (SngTrainer) bare = bench_training_new_trainer (&training, device);
  g_autoptr (SngTrainer) full = bench_training_new_trainer (&training, device);
  g_autoptr (GError) error = NULL;
  g_autoptr (SngRunStore) store = sng_run_store_create (path, &error);
  g_autoptr (SngRecorder) recorder = NULL;
  Clock bare_clock, full_clock;

  if (store == NULL)
    g_error ("%s", error->message);
  recorder = sng_recorder_new (store, 0);
  clock_init (&bare_clock);
  clock_init (&full_clock);
  clock_begin (&bare_clock, bare);
  clock_end (&bare_clock, bare);
  clock_begin (&full_clock, full);
  bench_training_attach (full, recorder);
  clock_end (&full_clock, full);

  for (guint i = 0; i < n_rounds + 1; i++)
    {
      bench_training_run (i % 2 == 0 ? bare : full, STEPS_PER_TURN);
      bench_training_run (i % 2 == 0 ? full : bare, STEPS_PER_TURN);
      if (i == 0) /* warms up */
        {
          clock_reset (&bare_clock);
          clock_reset (&full_clock);
        }
    }

  report (&bare_clock, &full_clock);
  clock_reset (&full_clock);
  measure_fingerprints (full, &full_clock);
  measure_store (directory, store, 1, &full_clock); /* that no turn begins with */

  clock_clear (&bare_clock);
  clock_clear (&full_clock);
  g_clear_object (&full);
  g_clear_object (&recorder);
  g_clear_object (&store);
  bench_remove_directory (directory);

  return 0;
}
