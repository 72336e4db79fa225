/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>

#include <dnnl.h>
#include <stdlib.h>
#include <time.h>

/* How long a training step (forward and backward) takes, and which share of the machine's rate of
 * matrix products it reaches: bench-step [THREADS]. */

#define N_STEPS 12
#define GEMM_SIZE 768

extern void omp_set_num_threads (int n_threads);

static int
compare_doubles (gconstpointer a, gconstpointer b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

static double
median (double *values, guint n)
{
  qsort (values, n, sizeof (double), compare_doubles);
  return values[n / 2];
}

static double
thread_seconds (void)
{
  struct timespec now;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return (double) now.tv_sec + 1e-9 * (double) now.tv_nsec;
}

/* The limit: the rate of a large product in a thread, while as many threads do the same. By processor time, so that other
 * work on the machine matters less. */
static gpointer
gemm_thread (gpointer data)
{
  gsize n = GEMM_SIZE * GEMM_SIZE;
  g_autofree float *a = g_new0 (float, n);
  g_autofree float *b = g_new0 (float, n);
  g_autofree float *c = g_new0 (float, n);
  double *rate = data;
  double times[9];

  omp_set_num_threads (1);
  for (guint i = 0; i < G_N_ELEMENTS (times); i++)
    {
      double start = thread_seconds ();

      dnnl_sgemm ('N', 'N', GEMM_SIZE, GEMM_SIZE, GEMM_SIZE, 1, a, GEMM_SIZE, b, GEMM_SIZE, 0, c, GEMM_SIZE);
      times[i] = thread_seconds () - start;
    }
  *rate = 2.0 * GEMM_SIZE * GEMM_SIZE * GEMM_SIZE / median (times, G_N_ELEMENTS (times)) / 1e9;
  return NULL;
}

static double
measure_limit (guint n_threads)
{
  g_autofree double *rates = g_new0 (double, n_threads);
  g_autofree GThread **threads = g_new0 (GThread *, n_threads);
  double total = 0;

  for (guint i = 0; i < n_threads; i++)
    threads[i] = g_thread_new ("gemm", gemm_thread, &rates[i]);
  for (guint i = 0; i < n_threads; i++)
    {
      g_thread_join (threads[i]);
      total += rates[i];
    }
  return total / n_threads;
}

static SngStateDict *
new_batch (gint64 n_sequences, gint64 n_tokens)
{
  const gint64 shape[] = { n_sequences, n_tokens };
  SngStateDict *batch = sng_state_dict_new ();
  g_autoptr (SngTensor) ids = sng_tensor_new (SNG_DTYPE_I64, shape, 2, NULL, NULL);
  g_autoptr (SngTensor) labels = sng_tensor_new (SNG_DTYPE_I64, shape, 2, NULL, NULL);

  for (gint64 i = 0; i < n_sequences * n_tokens; i++)
    {
      ((gint64 *) sng_tensor_get_data (ids))[i] = i % 8 == 0 ? 32 : 4 + i % 20;
      ((gint64 *) sng_tensor_get_data (labels))[i] = i % 7 == 0 ? 4 + i % 20 : -100;
    }
  sng_state_dict_set_tensor (batch, "input_ids", ids);
  sng_state_dict_set_tensor (batch, "labels", labels);
  return batch;
}

/* Two operations a multiply-add; backward is twice the forward. Attention has five products
 * of the scores' size in backward, where the scores are computed anew; a causal one needs half of all of them. */
static double
count_operations (gboolean causal, gint64 layers, gint64 hidden, gint64 sequences, gint64 tokens)
{
  double rows = (double) (sequences * tokens);
  double weights = (double) (layers * 12 * hidden * hidden + hidden * hidden + 33 * hidden);
  double attention =
      (double) layers * (double) sequences * (double) tokens * (double) tokens * (double) hidden;

  return 6 * rows * weights + 2 * (causal ? 3.5 : 7) * attention;
}

static void
measure (SngArchitecture architecture,
         guint n_threads,
         double limit,
         guint layers,
         guint hidden,
         guint heads,
         gint64 sequences,
         gint64 tokens)
{
  g_autoptr (SngTransformerConfig) config = sng_transformer_config_new (architecture, layers, hidden, heads);
  g_autoptr (SngDevice) device = sng_device_new_cpu (n_threads);
  g_autoptr (SngStateDict) batch = new_batch (sequences, tokens);
  g_autoptr (SngModel) model = NULL;
  g_autoptr (GError) error = NULL;
  double times[N_STEPS], forward_times[N_STEPS], cpu_times[N_STEPS], operations, step, cpu;

  g_object_set (config, "max-length", (guint) tokens, "max-batch-size", (guint) sequences, NULL);
  model = sng_transformer_new (config, device, &error);
  if (model == NULL)
    g_error ("%s", error->message);
  for (guint i = 0; i < N_STEPS; i++)
    {
      gint64 start = g_get_monotonic_time ();
      clock_t cpu_start = clock ();
      g_autoptr (SngStateDict) outputs = sng_model_forward (model, batch, SNG_STAGE_TRAIN, &error);

      forward_times[i] = (double) (g_get_monotonic_time () - start);
      if (outputs == NULL || !sng_model_backward (model, 1, &error)
          || !sng_model_zero_gradients (model, &error))
        g_error ("%s", error->message);
      times[i] = (double) (g_get_monotonic_time () - start);
      cpu_times[i] = (double) (clock () - cpu_start) / CLOCKS_PER_SEC;
    }
  operations = count_operations (architecture == SNG_ARCHITECTURE_GPT, layers, hidden, sequences, tokens);
  step = median (times, N_STEPS);
  cpu = median (cpu_times, N_STEPS);
  g_print ("%-5s %u x %3u, %" G_GINT64_FORMAT " x %4" G_GINT64_FORMAT " tokens, %u threads: %6.1f ms a step "
           "(forward %5.1f), %5.1f GFLOP/s; processor time %6.1f ms, %2.0f %% of the limit\n",
           architecture == SNG_ARCHITECTURE_GPT ? "GPT" : "ESM-2", layers, hidden, sequences, tokens,
           n_threads, step / 1e3, median (forward_times, N_STEPS) / 1e3, operations / step / 1e3, 1e3 * cpu,
           100 * operations / cpu / 1e9 / limit);
}

int
main (int argc, char *argv[])
{
  guint n_threads = argc > 1 ? (guint) atoi (argv[1]) : 2;
  double limit = measure_limit (n_threads);

  g_print ("limit (products of %d x %d): %.1f GFLOP/s in a thread\n", GEMM_SIZE, GEMM_SIZE, limit);
  measure (SNG_ARCHITECTURE_ESM2, n_threads, limit, 3, 128, 4, 2, 512);
  measure (SNG_ARCHITECTURE_ESM2, n_threads, limit, 3, 128, 4, 2, 1024);
  measure (SNG_ARCHITECTURE_ESM2, n_threads, limit, 6, 320, 20, 2, 512);
  measure (SNG_ARCHITECTURE_GPT, n_threads, limit, 6, 320, 20, 2, 512);
  return 0;
}
