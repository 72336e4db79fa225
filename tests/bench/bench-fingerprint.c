/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* How fast a tensor is fingerprinted, beside how fast its memory can be read at all and beside SHA-1.
 *
 * bench-fingerprint [MEBIBYTES [THREADS [REPETITIONS]]]
 *
 * The repetitions of the candidates take turns, so that a noisy machine is noisy to all; the medians are compared. */

#include <stdlib.h>
#include <sng.h>
#include "cpu/sng-cpu-private.h"

#define CHUNK_SIZE (256 * 1024)
#define SHA1_SIZE (16 * 1024 * 1024)

typedef struct
{
  SngDevice *device;
  SngTensor *tensor;
  guint64 *partial; /* one a chunk */
  guint64 sink;     /* keeps the compiler from leaving work out */
} Bench;

typedef guint64 U64x8 __attribute__ ((vector_size (64)));

#define PREFETCH_DISTANCE 2048

/* The plainest thing that touches every byte: adds up 64-bit words, over chunks like the library's. */
__attribute__ ((target_clones ("avx2", "default"))) static void
read_chunk (gpointer data, guint chunk)
{
  Bench *bench = data;
  const U64x8 *words = __builtin_assume_aligned (
      (const char *) sng_tensor_get_data (bench->tensor) + (gsize) chunk * CHUNK_SIZE, 64);
  U64x8 sum[4] = { { 0 } };
  guint64 total = 0;

  for (gsize i = 0; i < CHUNK_SIZE / sizeof *words; i += 4)
    {
      for (gsize line = 0; line < 4; line++)
        __builtin_prefetch ((const char *) &words[i + line] + PREFETCH_DISTANCE);
      sum[0] += words[i];
      sum[1] += words[i + 1];
      sum[2] += words[i + 2];
      sum[3] += words[i + 3];
    }

  sum[0] += sum[1] + sum[2] + sum[3];
  for (guint lane = 0; lane < 8; lane++)
    total += sum[0][lane];
  bench->partial[chunk] = total;
}

static void
run_read (Bench *bench)
{
  guint n_chunks = sng_tensor_get_n_bytes (bench->tensor) / CHUNK_SIZE;

  sng_cpu_parallel_for (bench->device, n_chunks, read_chunk, bench);
  for (guint i = 0; i < n_chunks; i++)
    bench->sink += bench->partial[i];
}

static void
run_fingerprint (Bench *bench)
{
  g_autoptr (SngFingerprint) fingerprint = sng_tensor_compute_fingerprint (bench->tensor);

  bench->sink += (gsize) fingerprint;
}

static void
run_summarize (Bench *bench)
{
  g_autoptr (SngFingerprint) fingerprint = sng_tensor_summarize (bench->tensor, NULL, NULL, NULL, NULL);

  bench->sink += (gsize) fingerprint;
}

static void
run_sha1 (Bench *bench)
{
  g_autofree char *digest =
      g_compute_checksum_for_data (G_CHECKSUM_SHA1, sng_tensor_get_data (bench->tensor), SHA1_SIZE);

  bench->sink += digest[0];
}

static const struct
{
  const char *name;
  void (*run) (Bench *bench);
  gsize n_bytes; /* 0 for the whole tensor */
} candidates[] = {
  { "memory read", run_read, 0 },
  { "fingerprint", run_fingerprint, 0 },
  { "summarize (F32)", run_summarize, 0 },
  { "SHA-1", run_sha1, SHA1_SIZE },
};

static int
compare_doubles (gconstpointer a, gconstpointer b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

/* Two chunks that wait for each other: the time until a second thread works and until the caller knows that it is done. */
static void
meet_chunk (gpointer data, guint chunk)
{
  int *n_arrived = data;

  g_atomic_int_inc (n_arrived);
  while (g_atomic_int_get (n_arrived) % 2 != 0)
    ;
}

static double
measure_dispatch (SngDevice *device)
{
  const guint n_per_sample = 20;
  double samples[1001];
  int n_arrived = 0;

  for (guint i = 0; i < G_N_ELEMENTS (samples); i++)
    {
      gint64 start = g_get_monotonic_time ();

      for (guint k = 0; k < n_per_sample; k++)
        sng_cpu_parallel_for (device, 2, meet_chunk, &n_arrived);
      samples[i] = (double) (g_get_monotonic_time () - start) / n_per_sample;
    }

  qsort (samples, G_N_ELEMENTS (samples), sizeof *samples, compare_doubles);
  return samples[G_N_ELEMENTS (samples) / 2];
}

static double
measure_small (SngDevice *device)
{
  const guint n = 20000;
  gint64 shape[] = { 64 };
  g_autoptr (SngTensor) tensor = sng_tensor_new (SNG_DTYPE_F32, shape, 1, device, NULL);
  Bench bench = { .device = device, .tensor = tensor };
  gint64 start = g_get_monotonic_time ();

  for (guint i = 0; i < n; i++)
    run_fingerprint (&bench);

  return (double) (g_get_monotonic_time () - start) / n;
}

int
main (int argc, char *argv[])
{
  gsize n_mebibytes = argc > 1 ? MAX (strtoul (argv[1], NULL, 10), 16) : 512;
  guint n_threads = argc > 2 ? strtoul (argv[2], NULL, 10) : 2;
  guint n_repetitions = argc > 3 ? strtoul (argv[3], NULL, 10) : 11;
  gint64 shape[] = { n_mebibytes * 1024 * 1024 / sizeof (float) };
  g_autoptr (SngDevice) device = sng_device_new_cpu (n_threads);
  g_autoptr (SngTensor) tensor = sng_tensor_new (SNG_DTYPE_F32, shape, 1, device, NULL);
  g_autofree guint64 *partial = g_new (guint64, n_mebibytes * 4);
  g_autofree double *times = g_new (double, G_N_ELEMENTS (candidates) * n_repetitions);
  Bench bench = { .device = device, .tensor = tensor, .partial = partial };
  float *values = sng_tensor_get_data (tensor);
  double rates[G_N_ELEMENTS (candidates)];

  for (gint64 i = 0; i < shape[0]; i++)
    values[i] = (float) ((i * 2654435761u) & 0xffffff) - 8388608.0f;

  for (guint repetition = 0; repetition < n_repetitions; repetition++)
    for (guint i = 0; i < G_N_ELEMENTS (candidates); i++)
      {
        gint64 start = g_get_monotonic_time ();

        candidates[i].run (&bench);
        times[i * n_repetitions + repetition] = (double) (g_get_monotonic_time () - start);
      }

  g_print ("%" G_GSIZE_FORMAT " MiB of F32, %u threads, median of %u\n", n_mebibytes, n_threads,
           n_repetitions);
  for (guint i = 0; i < G_N_ELEMENTS (candidates); i++)
    {
      double *own = times + i * n_repetitions;
      gsize n_bytes = candidates[i].n_bytes > 0 ? candidates[i].n_bytes : n_mebibytes * 1024 * 1024;

      qsort (own, n_repetitions, sizeof *own, compare_doubles);
      rates[i] = (double) n_bytes / own[n_repetitions / 2] / 1000;
      g_print ("%-18s %7.2f GB/s\n", candidates[i].name, rates[i]);
    }

  g_print ("fingerprint/read        %5.2f  (goal 0.8)\n", rates[1] / rates[0]);
  g_print ("fingerprint/SHA-1       %5.2f  (goal 5)\n", rates[1] / rates[3]);
  g_print ("summarize/fingerprint   %5.2f  (goal 0.5)\n", rates[2] / rates[1]);
  if (n_threads > 1)
    g_print ("dispatch                %5.2f us (goal 10)\n", measure_dispatch (device));
  g_print ("fingerprint of 256 B    %5.2f us\n", measure_small (device));

  return bench.sink == 0;
}
