/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <math.h>

#include "bench-fast-kernels.h"
#include "bench-model.h"
#include "bench-training.h"
#include "cpu/sng-cpu-math-private.h"

/* What it costs that a step yields the same bits for any number of threads and on any processor: bench-price [CASE …] (see
 * --help).
 *
 * The engine takes turns with its own kernels as they would be if nobody asked for that: compiled with fast-math for this
 * processor, so that multiplications are fused with additions, divisions replaced and longer vectors used, and cut in
 * several ways, also by the number of threads. The fastest of these counts, by wall time for the ratio of wall times and by
 * processor time for the other one, which means more on a machine that does other work. */

#define GOAL 1.10
#define STEPS_PER_TURN 2
#define MAX_DIFFERENCE 0.01 /* of the first losses: fast may round otherwise, but it must compute the same */
#define N_VARIANTS 4        /* the engine first */

typedef struct
{
  BenchModel model;
  const SngDeviceMath *math;
  BenchCut cut;
  GArray *wall;
  GArray *processor;
} Side;

static const struct
{
  const char *name; /* as in bench-pytorch.py */
  BenchShape shape;
} cases[] = {
  { "3x128-2x512", { .n_layers = 3, .hidden_size = 128, .n_heads = 4, .n_sequences = 2, .n_tokens = 512 } },
  { "3x128-2x1024", { .n_layers = 3, .hidden_size = 128, .n_heads = 4, .n_sequences = 2, .n_tokens = 1024 } },
  { "8M-2x512", { .n_layers = 6, .hidden_size = 320, .n_heads = 20, .n_sequences = 2, .n_tokens = 512 } },
  { "8M-8x256", { .n_layers = 6, .hidden_size = 320, .n_heads = 20, .n_sequences = 8, .n_tokens = 256 } },
};

typedef struct
{
  double wall;
  double processor;
} Ratios;

typedef struct
{
  char **cases; /* NULL: all */
  char **precisions;
  int n_rounds;
  int n_threads;
} Options;

BenchCut bench_cut;

/* Models and optimizers that are made or run from now on take these kernels. */
static void
put_kernels (const Side *side)
{
  SNG_DEVICE_GET_CLASS (sng_device_get_default ())->math = side->math;
  bench_cut = side->cut;
}

static gsize
share (gsize n, int n_threads)
{
  return (n + (gsize) n_threads - 1) / (gsize) n_threads;
}

/* Each of the fast ones with the cuts of the engine, with outputs cut by the number of threads, and with all cut by it. */
static void
choose_cuts (const BenchShape *shape, BenchCut cuts[N_VARIANTS])
{
  const BenchCut own = { SNG_CPU_ROWS_PER_CHUNK, SNG_CPU_COLUMNS_PER_TILE, SNG_CPU_COLUMNS_PER_CHUNK };
  gsize rows = share ((gsize) shape->n_sequences * (gsize) shape->n_tokens, shape->n_threads);
  gsize columns = share ((gsize) shape->hidden_size, shape->n_threads);

  for (guint i = 0; i < N_VARIANTS; i++)
    cuts[i] = own;
  cuts[2].columns_per_chunk = columns;
  cuts[3] = (BenchCut){ rows, 4 * (gsize) shape->hidden_size, columns };
}

static void
side_init (Side *self, const BenchShape *shape, const SngDeviceMath *math, BenchCut cut)
{
  g_autoptr (GError) error = NULL;

  self->math = math;
  self->cut = cut;
  self->wall = g_array_new (FALSE, FALSE, sizeof (double));
  self->processor = g_array_new (FALSE, FALSE, sizeof (double));
  put_kernels (self);
  if (!bench_model_init (&self->model, shape, &error))
    g_error ("%s", error->message);
}

static void
side_clear (Side *self)
{
  bench_model_clear (&self->model);
  g_array_unref (self->wall);
  g_array_unref (self->processor);
}

static void
side_run (Side *self)
{
  put_kernels (self);
  for (guint i = 0; i < STEPS_PER_TURN; i++)
    {
      BenchTime begin = bench_time_now ();
      BenchTime time;

      bench_model_step (&self->model);
      time = bench_time_since (begin);
      g_array_append_val (self->wall, time.wall);
      g_array_append_val (self->processor, time.processor);
    }
}

/* The first step, which is not measured. */
static void
check_losses (Side sides[N_VARIANTS])
{
  double expected = 0;

  for (guint i = 0; i < N_VARIANTS; i++)
    {
      double loss;

      put_kernels (&sides[i]);
      loss = bench_model_step (&sides[i].model);
      if (i == 0)
        expected = loss;
      if (!(fabs (loss - expected) <= MAX_DIFFERENCE))
        g_error ("unlike work: the loss is %g in the engine, %g in its fast variant %u", expected, loss, i);
    }
}

/* The engine's time over that of its fastest variant. */
static double
get_ratio (const double times[N_VARIANTS])
{
  double best = times[1];

  for (guint i = 2; i < N_VARIANTS; i++)
    best = MIN (best, times[i]);

  return times[0] / best;
}

static Ratios
measure (const char *name, const BenchShape *shape, const SngDeviceMath *engine, guint n_rounds)
{
  SngDeviceMath fast = *engine;
  BenchCut cuts[N_VARIANTS];
  Side sides[N_VARIANTS] = { 0 };
  double wall[N_VARIANTS], processor[N_VARIANTS];
  Ratios ratios;

  fast.f32 = &bench_fast_f32;
  fast.bf16 = &bench_fast_bf16;
  choose_cuts (shape, cuts);
  for (guint i = 0; i < N_VARIANTS; i++)
    side_init (&sides[i], shape, i == 0 ? engine : &fast, cuts[i]);
  check_losses (sides);
  for (guint round = 0; round < n_rounds; round++)
    for (guint i = 0; i < N_VARIANTS; i++)
      side_run (&sides[(round + i) % N_VARIANTS]);

  put_kernels (&sides[0]);
  for (guint i = 0; i < N_VARIANTS; i++)
    {
      wall[i] = bench_median (sides[i].wall);
      processor[i] = bench_median (sides[i].processor);
      side_clear (&sides[i]);
    }
  ratios.wall = get_ratio (wall);
  ratios.processor = get_ratio (processor);
  g_print ("%-14s %-10s %9.1f %9.1f %9.1f %9.1f %8.2f %9.2f\n", name, shape->precision, 1e3 * wall[0],
           1e3 * wall[1], 1e3 * wall[2], 1e3 * wall[3], ratios.wall, ratios.processor);

  return ratios;
}

static gboolean
is_chosen (char *const *chosen, const char *name)
{
  return chosen == NULL || g_strv_contains ((const char *const *) chosen, name);
}

static void
print_head (const Options *options)
{
  g_print ("ms of a step, medians of %d rounds; fast: by cut\n", options->n_rounds);
  g_print ("%-14s %-10s %9s %9s %9s %9s %8s %9s\n", "", "precision", "engine", "own", "columns", "all",
           "price", "processor");
}

/* Measures all chosen cases and returns how many these are. */
static guint
compare (const Options *options)
{
  static char *precisions[] = { (char *) "32", (char *) "bf16-mixed" };
  const SngDeviceMath *engine = SNG_DEVICE_GET_CLASS (sng_device_get_default ())->math;
  Ratios logarithms = { 0 };
  guint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    for (guint j = 0; j < G_N_ELEMENTS (precisions); j++)
      if (is_chosen (options->cases, cases[i].name) && is_chosen (options->precisions, precisions[j]))
        {
          BenchShape shape = cases[i].shape;
          Ratios ratios;

          if (n == 0)
            print_head (options);
          shape.n_threads = options->n_threads;
          shape.precision = precisions[j];
          ratios = measure (cases[i].name, &shape, engine, (guint) options->n_rounds);
          logarithms.wall += log (ratios.wall);
          logarithms.processor += log (ratios.processor);
          n++;
        }
  if (n > 0)
    g_print ("geometric mean: %.3f, by processor time %.3f (goal <= %.2f each)\n", exp (logarithms.wall / n),
             exp (logarithms.processor / n), GOAL);

  return n;
}

int
main (int argc, char *argv[])
{
  Options options = { .n_rounds = 10, .n_threads = 2 };
  const GOptionEntry entries[] = {
    { "precision", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.precisions, "32 or bf16-mixed (both)", "P" },
    { "rounds", 0, 0, G_OPTION_ARG_INT, &options.n_rounds, "Rounds of two steps each (10)", "N" },
    { "threads", 0, 0, G_OPTION_ARG_INT, &options.n_threads, "Threads (2)", "N" },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.cases, NULL, "[CASE …]" },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("- the price of determinism");
  g_autoptr (GError) error = NULL;

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    {
      g_printerr ("%s\n", error->message);
      return 2;
    }
  if (compare (&options) == 0)
    {
      g_printerr ("there is no such case or precision\n");
      return 2;
    }
  g_strfreev (options.cases);
  g_strfreev (options.precisions);

  return 0;
}
