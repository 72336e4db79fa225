/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What a GPU's memory allows, and what libsng does with it: one JSON object a line for tests/gpu/run, which makes ratios of
 * them. Times are medians in seconds. "host_seconds" is by the clock of the host, from the call until it has the results.
 * "seconds" is by events on the stream of the device, for what only puts work there; of a save, until the caller goes on.
 *
 * bench-gpu [--device NAME] [--repetitions N] [--small] DIRECTORY
 *
 *   read, copy, to-host   the ceilings: a plain kernel, a copy on the device, and one to pinned memory
 *   fingerprint           of one tensor, of a list of large ones, of 100 small ones, of a model's whole state
 *   save                  what begin_save() takes of the caller's time, and how long until the state is on the host */

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sng.h>

#include "bench-gpu-kernels.h"
#include "tensor/sng-device-private.h"

#define N_BLOCKS 2112 /* 16 for each of the 132 multiprocessors of a Hopper */
#define MAX_REPETITIONS 1000
#define N_SAVES 3 /* behind a first one: each writes some 2 GB */

typedef struct
{
  SngDevice *device;
  cudaStream_t stream;
  cudaEvent_t begin, end;
  guint n_repetitions;
  gsize mebibyte;      /* less with --small */
  int n_blocks;        /* of the plain kernel */
  SngTensor **tensors; /* that take turns, so that no cache holds what is read next */
  guint n_tensors;
  SngRegion *elements; /* of the tensors, and what their fingerprints need beside */
  SngLayout *layouts;
  SngBlockSums *sums;
  unsigned *sink; /* of the plain kernel; pinned */
} Bench;

typedef void (*Work) (Bench *self, guint repetition);

static void
check (cudaError_t status, const char *what)
{
  if (status != cudaSuccess)
    g_error ("%s: %s", what, cudaGetErrorString (status));
}

/* Seconds, finer than GLib's microseconds. */
static double
read_clock (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

static int
compare_doubles (gconstpointer a, gconstpointer b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

static double
find_median (double *values, guint n)
{
  qsort (values, n, sizeof *values, compare_doubles);
  return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static double
measure_on_host (Bench *self, Work work, gboolean waits)
{
  double seconds[MAX_REPETITIONS];

  for (guint i = 0; i < self->n_repetitions; i++)
    {
      double before = read_clock ();

      work (self, i + 1);
      if (!waits)
        check (cudaStreamSynchronize (self->stream), "synchronize");
      seconds[i] = read_clock () - before;
    }
  return find_median (seconds, self->n_repetitions);
}

static double
measure_on_stream (Bench *self, Work work)
{
  double seconds[MAX_REPETITIONS];

  for (guint i = 0; i < self->n_repetitions; i++)
    {
      float milliseconds;

      check (cudaEventRecord (self->begin, self->stream), "record");
      work (self, i + 1);
      check (cudaEventRecord (self->end, self->stream), "record");
      check (cudaEventSynchronize (self->end), "synchronize");
      check (cudaEventElapsedTime (&milliseconds, self->begin, self->end), "elapsed time");
      seconds[i] = milliseconds / 1e3;
    }
  return find_median (seconds, self->n_repetitions);
}

static void
print_figure (const char *name, const char *what, gsize n_bytes, double on_host)
{
  g_print ("{\"name\": \"%s\", \"case\": \"%s\", \"bytes\": %" G_GSIZE_FORMAT ", \"host_seconds\": %.9g}\n",
           name, what, n_bytes, on_host);
}

static void
print_figures (const char *name, const char *what, gsize n_bytes, double on_host, double seconds)
{
  g_print ("{\"name\": \"%s\", \"case\": \"%s\", \"bytes\": %" G_GSIZE_FORMAT
           ", \"host_seconds\": %.9g, \"seconds\": %.9g}\n",
           name, what, n_bytes, on_host, seconds);
}

/* Of what only puts work on the stream. */
static void
measure (Bench *self, const char *name, const char *what, gsize n_bytes, Work work)
{
  work (self, 0);
  check (cudaStreamSynchronize (self->stream), "synchronize");
  print_figures (name, what, n_bytes, measure_on_host (self, work, FALSE), measure_on_stream (self, work));
}

/* Of what returns when the host has the results: a fingerprint. The plain read leaves its results in the host's memory, too, and
 * is waited for; so by the host's clock both have a launch and a wait, and what differs is the kernel. By events it would not be
 * so: the wait of a fingerprint lies between them, and that of the read behind them. */
static void
measure_waiting (Bench *self, const char *name, const char *what, gsize n_bytes, Work work)
{
  work (self, 0);
  print_figure (name, what, n_bytes, measure_on_host (self, work, TRUE));
}

static SngTensor *
get_tensor (Bench *self, guint repetition)
{
  return self->tensors[repetition % self->n_tensors];
}

static void
fill (SngTensor *tensor, guint32 seed)
{
  gsize n_bytes = sng_tensor_get_n_bytes (tensor);
  g_autofree guint32 *words = g_malloc (n_bytes + sizeof (guint32));
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  guint32 state = seed * 2654435761u + 1;

  /* Finite floats of either sign. */
  for (gsize i = 0; i <= n_bytes / sizeof (guint32); i++)
    {
      state = state * 1664525u + 1013904223u;
      words[i] = (state & 0x807fffffu) | 0x3f000000u;
    }
  bytes = g_bytes_new_take (g_steal_pointer (&words), n_bytes);
  if (!sng_tensor_set_bytes (tensor, bytes, &error))
    g_error ("%s", error->message);
}

static SngTensor *
new_tensor (Bench *self, gsize n_bytes)
{
  const gint64 n = (gint64) (n_bytes / sizeof (float));
  g_autoptr (GError) error = NULL;
  SngTensor *tensor = sng_tensor_new (SNG_DTYPE_F32, &n, 1, self->device, &error);

  if (tensor == NULL)
    g_error ("%s", error->message);
  return tensor;
}

static void
add_tensor (Bench *self, gsize n_bytes)
{
  guint i = self->n_tensors++;
  SngTensor *tensor = self->tensors[i] = new_tensor (self, n_bytes);

  fill (tensor, i);
  self->layouts[i] = (SngLayout){
    .dtype = sng_tensor_get_dtype (tensor),
    .shape = sng_tensor_get_shape (tensor, NULL),
    .n_dims = sng_tensor_get_n_dims (tensor),
    .strides = sng_tensor_get_strides (tensor, NULL),
    .n_elements = sng_tensor_get_n_elements (tensor),
    .contiguous = TRUE,
  };
  self->elements[i] = (SngRegion){ sng_tensor_get_data (tensor), &self->layouts[i] };
}

static void
begin_tensors (Bench *self, guint n)
{
  self->tensors = g_new (SngTensor *, n);
  self->elements = g_new (SngRegion, n);
  self->layouts = g_new (SngLayout, n);
  self->sums = g_new (SngBlockSums, n);
}

static void
make_tensors (Bench *self, guint n, gsize n_bytes)
{
  begin_tensors (self, n);
  for (guint i = 0; i < n; i++)
    add_tensor (self, n_bytes);
}

static void
drop_tensors (Bench *self)
{
  while (self->n_tensors > 0)
    g_object_unref (self->tensors[--self->n_tensors]);
  g_clear_pointer (&self->tensors, g_free);
  g_clear_pointer (&self->elements, g_free);
  g_clear_pointer (&self->layouts, g_free);
  g_clear_pointer (&self->sums, g_free);
}

static void
do_read (Bench *self, guint repetition)
{
  SngTensor *tensor = get_tensor (self, repetition);

  check (bench_gpu_read (self->stream, sng_tensor_get_data (tensor), sng_tensor_get_n_bytes (tensor),
                         self->n_blocks, self->sink),
         "read");
}

static void
do_copy (Bench *self, guint repetition)
{
  SngTensor *from = get_tensor (self, repetition), *to = get_tensor (self, repetition + 1);

  check (cudaMemcpyAsync (sng_tensor_get_data (to), sng_tensor_get_data (from), sng_tensor_get_n_bytes (from),
                          cudaMemcpyDeviceToDevice, self->stream),
         "copy");
}

/* n tensors from one on, in one call. */
static void
fingerprint (Bench *self, guint first, guint n, gboolean summarize)
{
  SNG_DEVICE_GET_CLASS (self->device)
      ->fingerprint (self->device, n, self->elements + first % self->n_tensors, summarize, self->sums);
}

static void
do_fingerprint (Bench *self, guint repetition)
{
  fingerprint (self, repetition, 1, FALSE);
}

static void
do_summary (Bench *self, guint repetition)
{
  fingerprint (self, repetition, 1, TRUE);
}

static void
do_fingerprint_all (Bench *self, guint repetition)
{
  fingerprint (self, 0, self->n_tensors, FALSE);
}

static void
do_summary_all (Bench *self, guint repetition)
{
  fingerprint (self, 0, self->n_tensors, TRUE);
}

static void
do_read_all (Bench *self, guint repetition)
{
  for (guint i = 0; i < self->n_tensors; i++)
    do_read (self, i);
}

static void
measure_one_size (Bench *self, gsize mebibytes)
{
  gsize n_bytes = mebibytes * self->mebibyte;
  g_autofree char *what = g_strdup_printf ("%" G_GSIZE_FORMAT " MiB", mebibytes);
  g_autofree char *list = g_strdup_printf ("4 x %s", what);

  make_tensors (self, 4, n_bytes);
  measure (self, "read", what, n_bytes, do_read);
  measure (self, "copy", what, n_bytes, do_copy);
  measure_waiting (self, "fingerprint", what, n_bytes, do_fingerprint);
  measure_waiting (self, "summary", what, n_bytes, do_summary);
  measure (self, "read", list, 4 * n_bytes, do_read_all);
  measure_waiting (self, "fingerprint", list, 4 * n_bytes, do_fingerprint_all);
  drop_tensors (self);
}

static void
measure_small (Bench *self)
{
  make_tensors (self, 100, 4096);
  measure_waiting (self, "fingerprint", "100 x 4 KiB", 100 * 4096, do_fingerprint_all);
  measure_waiting (self, "summary", "100 x 4 KiB", 100 * 4096, do_summary_all);
  drop_tensors (self);
}

/* Parameters and both moments of AdamW, as many tensors and bytes as those of an ESM-2. */
static gsize
make_state (Bench *self, gsize n_layers, gsize hidden)
{
  const gsize sizes[] = { hidden * hidden,
                          hidden * hidden,
                          hidden * hidden,
                          hidden * hidden,
                          4 * hidden * hidden,
                          4 * hidden * hidden,
                          hidden,
                          hidden,
                          hidden,
                          hidden,
                          hidden,
                          hidden,
                          hidden,
                          hidden,
                          4 * hidden,
                          hidden };
  const guint n_of_layer = G_N_ELEMENTS (sizes), n = 3 * (guint) n_layers * n_of_layer;
  gsize n_bytes = 0;

  begin_tensors (self, n);
  for (guint i = 0; i < n; i++)
    {
      add_tensor (self, sizes[i % n_of_layer] * sizeof (float));
      n_bytes += sng_tensor_get_n_bytes (self->tensors[i]);
    }
  return n_bytes;
}

static gpointer to_host; /* as large as the state, pinned */

static void
do_to_host (Bench *self, guint repetition)
{
  char *to = to_host;

  for (guint i = 0; i < self->n_tensors; i++)
    {
      gsize n_bytes = sng_tensor_get_n_bytes (self->tensors[i]);

      check (cudaMemcpyAsync (to, sng_tensor_get_data (self->tensors[i]), n_bytes, cudaMemcpyDeviceToHost,
                              self->stream),
             "copy to the host");
      to += n_bytes;
    }
}

static SngCheckpoint *
new_checkpoint (Bench *self, guint64 step)
{
  SngCheckpoint *checkpoint = sng_checkpoint_new (step);
  g_autoptr (SngStateDict) state = sng_state_dict_new ();

  for (guint i = 0; i < self->n_tensors; i++)
    {
      g_autofree char *name = g_strdup_printf ("%04u", i);

      sng_state_dict_set_tensor (state, name, self->tensors[i]);
    }
  sng_checkpoint_set_state (checkpoint, "model", state);
  return checkpoint;
}

/* What the caller waits for, and when all is on the disk. */
static void
measure_save (Bench *self, gsize n_bytes, const char *directory)
{
  guint n = MIN (self->n_repetitions, N_SAVES);
  double blocking[N_SAVES], whole[N_SAVES];
  g_autoptr (GError) error = NULL;
  g_autoptr (SngCheckpointStore) store = sng_checkpoint_store_new (directory);

  for (guint i = 0; i < n + 1; i++)
    {
      g_autoptr (SngCheckpoint) checkpoint = new_checkpoint (self, i + 1);
      guint64 before = i;
      double begin;

      check (cudaStreamSynchronize (self->stream), "synchronize");
      begin = read_clock ();
      if (!sng_checkpoint_store_begin_save (store, checkpoint, &before, i > 0 ? 1 : 0, &error))
        g_error ("%s", error->message);
      if (i > 0)
        blocking[i - 1] = read_clock () - begin;
      if (!sng_checkpoint_store_wait (store, &error))
        g_error ("%s", error->message);
      if (i > 0)
        whole[i - 1] = read_clock () - begin;
    }
  print_figures ("save", "state", n_bytes, find_median (whole, n), find_median (blocking, n));
}

static void
measure_state (Bench *self, gsize n_layers, gsize hidden, const char *directory)
{
  gsize n_bytes = make_state (self, n_layers, hidden);

  measure_waiting (self, "fingerprint", "state", n_bytes, do_fingerprint_all);
  measure_waiting (self, "summary", "state", n_bytes, do_summary_all);
  check (cudaHostAlloc (&to_host, n_bytes, cudaHostAllocDefault), "host memory");
  measure (self, "to-host", "state", n_bytes, do_to_host);
  check (cudaFreeHost (to_host), "host memory");
  measure_save (self, n_bytes, directory);
  drop_tensors (self);
}

static void
run (Bench *self, gboolean small, const char *directory)
{
  check (cudaEventCreateWithFlags (&self->begin, cudaEventDefault), "event");
  check (cudaEventCreateWithFlags (&self->end, cudaEventDefault), "event");
  self->stream = (cudaStream_t) (gsize) sng_device_get_stream (self->device);
  check (cudaHostAlloc ((gpointer *) &self->sink, N_BLOCKS * sizeof *self->sink, cudaHostAllocDefault),
         "host memory");

  self->n_blocks = small ? 4 : N_BLOCKS;
  self->mebibyte = (gsize) 1 << (small ? 10 : 20);
  measure_one_size (self, 64);
  measure_one_size (self, 512);
  measure_small (self);
  measure_state (self, small ? 1 : 30, small ? 16 : 640, directory);

  check (cudaFreeHost (self->sink), "host memory");
  check (cudaEventDestroy (self->begin), "event");
  check (cudaEventDestroy (self->end), "event");
}

int
main (int argc, char *argv[])
{
  Bench bench = { 0 };
  int n_repetitions = 50;
  gboolean small = FALSE;
  g_autofree char *name = NULL;
  const GOptionEntry entries[] = {
    { "device", 0, 0, G_OPTION_ARG_STRING, &name, "Such as cuda:1 (cuda)", "NAME" },
    { "repetitions", 0, 0, G_OPTION_ARG_INT, &n_repetitions, "Of each measurement (50)", "N" },
    { "small", 0, 0, G_OPTION_ARG_NONE, &small, "KiB for MiB, which only shows that everything runs", NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context =
      g_option_context_new ("DIRECTORY - for tests/gpu/run; checkpoints go to DIRECTORY");
  g_autoptr (GError) error = NULL;

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc != 2 || n_repetitions < 1
      || n_repetitions > MAX_REPETITIONS)
    {
      g_printerr ("bench-gpu: %s\n", error != NULL ? error->message : "wrong arguments, see --help");
      return 2;
    }
  bench.n_repetitions = (guint) n_repetitions;
  bench.device = sng_device_new (name != NULL ? name : "cuda", &error);
  if (bench.device == NULL)
    {
      g_printerr ("bench-gpu: %s\n", error->message);
      return 77;
    }
  run (&bench, small, argv[1]);
  g_clear_object (&bench.device);
  return 0;
}
