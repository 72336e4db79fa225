/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#define _GNU_SOURCE /* RTLD_NEXT */

#include <sng.h>

#include <dlfcn.h>
#include <string.h>

#include "cuda/sng-cuda-device-private.h"
#include "cuda/sng-cuda-product-private.h"

/* What run records, when, and what becomes of it. */

#define N_BYTES 400

static guint n_launches;

/* These stand before the emulator's. */
cudaError_t
cudaMemcpyAsync (void *to, const void *from, gsize n_bytes, enum cudaMemcpyKind kind, cudaStream_t stream)
{
  cudaError_t (*copy) (void *, const void *, gsize, enum cudaMemcpyKind, cudaStream_t) = (cudaError_t (*) (
      void *, const void *, gsize, enum cudaMemcpyKind, cudaStream_t)) dlsym (RTLD_NEXT, "cudaMemcpyAsync");

  /* A GPU may copy such bytes in any order. */
  g_assert_true ((const char *) to + n_bytes <= (const char *) from
                 || (const char *) from + n_bytes <= (const char *) to);
  return copy (to, from, n_bytes, kind, stream);
}

cudaError_t
cudaGraphLaunch (cudaGraphExec_t graph, cudaStream_t stream)
{
  cudaError_t (*launch) (cudaGraphExec_t, cudaStream_t) =
      (cudaError_t (*) (cudaGraphExec_t, cudaStream_t)) dlsym (RTLD_NEXT, "cudaGraphLaunch");

  n_launches++;
  return launch (graph, stream);
}

/* A pass copies its input, by way of scratch memory, to its output. */
typedef struct _Pass Pass;

struct _Pass
{
  SngDevice *device;
  guint8 *input;
  guint8 *output;
  gsize n_scratch;
  guint n_calls;
  void (*meanwhile) (Pass *self);
  void (*then) (Pass *self);
};

static SngDeviceClass *
ops (SngDevice *device)
{
  return SNG_DEVICE_GET_CLASS (device);
}

static guint8 *
alloc (SngDevice *device, gsize n_bytes)
{
  g_autoptr (GError) error = NULL;
  guint8 *data = ops (device)->alloc (device, n_bytes, &error);

  g_assert_no_error (error);
  return data;
}

static Pass
pass_new (void)
{
  g_autoptr (GError) error = NULL;
  SngDevice *device = sng_cuda_device_new (0, 0, &error);

  g_assert_no_error (error);
  n_launches = 0;
  return (Pass){
    .device = device,
    .input = alloc (device, N_BYTES),
    .output = alloc (device, N_BYTES),
    .n_scratch = N_BYTES,
  };
}

static void
pass_clear (Pass *pass)
{
  ops (pass->device)->free (pass->device, pass->input, N_BYTES);
  ops (pass->device)->free (pass->device, pass->output, N_BYTES);
  g_clear_object (&pass->device);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Pass, pass_clear)

static void
pass_func (gpointer data)
{
  Pass *pass = data;
  gpointer between = sng_cuda_device_scratch (pass->device, SNG_CUDA_SCRATCH_KERNEL, pass->n_scratch);

  pass->n_calls++;
  if (between == NULL)
    return;
  ops (pass->device)->zero (pass->device, between, pass->n_scratch);
  ops (pass->device)->copy (pass->device, between, pass->input, N_BYTES);
  if (pass->meanwhile != NULL)
    pass->meanwhile (pass);
  ops (pass->device)->copy (pass->device, pass->output, between, N_BYTES);
  if (pass->then != NULL)
    pass->then (pass);
}

static void
assert_filled (SngDevice *device, const guint8 *data, guint8 value)
{
  g_autoptr (GError) error = NULL;
  guint8 host[N_BYTES];

  ops (device)->download (device, host, data, N_BYTES, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < N_BYTES; i++)
    g_assert_cmpuint (host[i], ==, value);
}

static void
fill (SngDevice *device, guint8 *data, guint8 value)
{
  g_autoptr (GError) error = NULL;
  guint8 host[N_BYTES];

  memset (host, value, N_BYTES);
  ops (device)->upload (device, data, host, N_BYTES, &error);
  g_assert_no_error (error);
}

/* Runs it on an input of its own, and says how many calls and launches that took. */
static void
run (Pass *pass, const char *key, guint n_calls, guint n_graph_launches)
{
  static guint8 value;
  g_autoptr (GError) error = NULL;
  guint calls_before = pass->n_calls, launches_before = n_launches;

  fill (pass->device, pass->input, ++value);
  ops (pass->device)->run (pass->device, key, strlen (key), pass_func, pass);
  assert_filled (pass->device, pass->output, value);
  g_assert_true (ops (pass->device)->check (pass->device, &error));
  g_assert_cmpuint (pass->n_calls - calls_before, ==, n_calls);
  g_assert_cmpuint (n_launches - launches_before, ==, n_graph_launches);
}

#define PLAIN 1, 0
#define RECORDED 1, 1
#define REPLAYED 0, 1
#define NOT_RECORDED 2, 0

static void
test_replay (void)
{
  g_auto (Pass) pass = pass_new ();

  run (&pass, "a", PLAIN);
  run (&pass, "a", RECORDED);
  run (&pass, "a", REPLAYED);
  run (&pass, "b", PLAIN);
  run (&pass, "ab", PLAIN);
  run (&pass, "a", REPLAYED);
  run (&pass, "ab", RECORDED);
  run (&pass, "ab", REPLAYED);
}

static void
test_off (void)
{
  g_setenv ("SNG_CUDA_GRAPHS", "0", TRUE);
  {
    g_auto (Pass) pass = pass_new ();

    for (guint i = 0; i < 4; i++)
      run (&pass, "a", PLAIN);
  }
  g_unsetenv ("SNG_CUDA_GRAPHS");
}

/* There are 16 at most, and the one that goes is the one that was not used for the longest time. */
static void
test_many_keys (void)
{
  g_auto (Pass) pass = pass_new ();

  run (&pass, "first", PLAIN);
  run (&pass, "second", PLAIN);
  run (&pass, "first", RECORDED);
  run (&pass, "second", RECORDED);
  for (guint i = 0; i < 14; i++)
    run (&pass, (char[]){ (char) ('a' + i), '\0' }, PLAIN);
  run (&pass, "first", REPLAYED);
  run (&pass, "one more", PLAIN);
  run (&pass, "first", REPLAYED);
  run (&pass, "second", PLAIN);
  run (&pass, "one more", RECORDED);
}

/* Where a graph cannot be had, the results are the same, and nobody tries again. */
static void
test_no_graph (gconstpointer function)
{
  g_auto (Pass) pass = pass_new ();
  g_autofree char *plan = g_strdup_printf ("%s:1:801", (const char *) function);
  guint n_calls = strcmp (function, "cudaStreamBeginCapture") == 0 ? 1 : 2;

  run (&pass, "a", PLAIN);
  g_setenv ("SNG_EMULATOR_FAIL", plan, TRUE);
  run (&pass, "a", n_calls, 0);
  g_unsetenv ("SNG_EMULATOR_FAIL");
  run (&pass, "a", PLAIN);
  run (&pass, "b", PLAIN);
  run (&pass, "b", RECORDED);
  run (&pass, "b", REPLAYED);
}

static void
wait_for_stream (Pass *pass)
{
  cudaStream_t stream = sng_cuda_device_enter (pass->device);

  sng_cuda_device_check (pass->device, cudaStreamSynchronize (stream), "[test]");
}

static void
test_not_recordable (void)
{
  g_auto (Pass) pass = pass_new ();

  pass.then = wait_for_stream;
  run (&pass, "a", PLAIN);
  run (&pass, "a", NOT_RECORDED);
  run (&pass, "a", PLAIN);
  pass.then = NULL;
  run (&pass, "b", PLAIN);
  run (&pass, "b", RECORDED);
}

static void
multiply (Pass *pass)
{
  const SngCudaProduct product = {
    .m = 4,
    .n = 4,
    .k = 4,
    .operand = SNG_DTYPE_F32,
    .real = SNG_DTYPE_F32,
    .a = pass->input,
    .b = pass->input + 64,
    .result = pass->input + 128,
  };

  sng_cuda_product (pass->device, &product);
}

/* cuBLASLt says in words of its own that something cannot be recorded. */
static void
test_product_not_recordable (void)
{
  g_auto (Pass) pass = pass_new ();
  g_autoptr (GError) error = NULL;

  pass.then = multiply;
  run (&pass, "a", PLAIN);
  g_setenv ("SNG_EMULATOR_FAIL", "cublasLtMatmul:1:14", TRUE);
  g_test_expect_message ("sng", G_LOG_LEVEL_DEBUG, "?cuda??product? while it is recorded: *cublasLtMatmul*");
  run (&pass, "a", NOT_RECORDED);
  g_test_assert_expected_messages ();
  g_unsetenv ("SNG_EMULATOR_FAIL");
  run (&pass, "a", PLAIN);
  run (&pass, "b", PLAIN);
  run (&pass, "b", RECORDED);

  /* What fails in earnest does so when it is launched. */
  g_setenv ("SNG_EMULATOR_FAIL", "cublasLtMatmul:1:14", TRUE);
  ops (pass.device)->run (pass.device, "a", 1, pass_func, &pass);
  g_unsetenv ("SNG_EMULATOR_FAIL");
  g_assert_false (ops (pass.device)->check (pass.device, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "cublasLtMatmul"));
}

/* A failure of what is recorded is one of the device. */
static void
test_failure (void)
{
  g_auto (Pass) pass = pass_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) same = NULL;

  run (&pass, "a", PLAIN);
  g_setenv ("SNG_EMULATOR_FAIL", "cudaMemsetAsync:1:701", TRUE);
  ops (pass.device)->run (pass.device, "a", 1, pass_func, &pass);
  g_unsetenv ("SNG_EMULATOR_FAIL");
  g_assert_false (ops (pass.device)->check (pass.device, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_FAILED);
  g_assert_cmpstr (
      error->message, ==,
      "[cuda][zero] cuda:0: cudaErrorLaunchOutOfResources (too many resources requested for launch)");
  g_assert_null (ops (pass.device)->alloc (pass.device, 1, &same));
  g_assert_cmpstr (same->message, ==, error->message);
}

/* Graphs that have seen scratch memory which moved are made anew, and what was it is free for others. */
static void
test_scratch (void)
{
  g_auto (Pass) pass = pass_new ();
  guint8 *others[4];

  run (&pass, "a", PLAIN);
  run (&pass, "a", RECORDED);
  pass.n_scratch = 100 * N_BYTES;
  run (&pass, "b", PLAIN);
  pass.n_scratch = N_BYTES;
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    {
      others[i] = alloc (pass.device, N_BYTES);
      fill (pass.device, others[i], 99);
    }

  run (&pass, "a", RECORDED);
  run (&pass, "a", REPLAYED);
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    {
      assert_filled (pass.device, others[i], 99);
      ops (pass.device)->free (pass.device, others[i], N_BYTES);
    }
}

/* It moves while a graph is recorded that has seen it already. */
static void
grow_scratch (Pass *pass)
{
  sng_cuda_device_scratch (pass->device, SNG_CUDA_SCRATCH_KERNEL, 1000 * N_BYTES);
}

static void
test_scratch_while_recording (void)
{
  g_auto (Pass) pass = pass_new ();

  run (&pass, "a", PLAIN);
  pass.then = grow_scratch;
  run (&pass, "a", NOT_RECORDED);
  run (&pass, "a", PLAIN);
}

static guint8 *watched;

static gpointer
zero_thread (gpointer device)
{
  ops (device)->zero (device, watched, N_BYTES);
  return NULL;
}

static void
zero_elsewhere (Pass *pass)
{
  g_thread_join (g_thread_new ("zero", zero_thread, pass->device));
}

/* What another thread does while a graph is recorded is done at once, and once. */
static void
test_other_thread (void)
{
  g_auto (Pass) pass = pass_new ();

  watched = alloc (pass.device, N_BYTES);
  run (&pass, "a", PLAIN);
  pass.meanwhile = zero_elsewhere;
  fill (pass.device, watched, 7);
  run (&pass, "a", RECORDED);
  assert_filled (pass.device, watched, 0);
  fill (pass.device, watched, 7);
  run (&pass, "a", REPLAYED);
  assert_filled (pass.device, watched, 7);
  ops (pass.device)->free (pass.device, watched, N_BYTES);
}

static gpointer
pass_thread (gpointer pass)
{
  pass_func (pass);
  return NULL;
}

static void
pass_elsewhere (Pass *pass)
{
  Pass other = *pass;

  other.input = watched;
  other.output = watched + N_BYTES;
  other.meanwhile = NULL;
  g_thread_join (g_thread_new ("pass", pass_thread, &other));
}

/* A kernel finds in scratch memory what the one before it left there, whatever another thread launches meanwhile. */
static void
test_scratch_of_others (void)
{
  g_auto (Pass) pass = pass_new ();

  watched = alloc (pass.device, 2 * N_BYTES);
  fill (pass.device, watched, 99);
  pass.meanwhile = pass_elsewhere;
  for (guint i = 0; i < 3; i++)
    {
      fill (pass.device, watched + N_BYTES, 0);
      if (i == 0)
        {
          fill (pass.device, pass.input, 55);
          pass_func (&pass);
          assert_filled (pass.device, pass.output, 55);
        }
      else
        run (&pass, "a", 1, i - 1);
      assert_filled (pass.device, watched + N_BYTES, 99);
    }
  ops (pass.device)->free (pass.device, watched, 2 * N_BYTES);
}

#define N_ROUNDS 60

static gpointer
run_thread (gpointer data)
{
  Pass *pass = data;
  SngDeviceClass *klass = ops (pass->device);
  gboolean right = TRUE;

  for (guint i = 0; i < N_ROUNDS; i++)
    {
      char key[2] = { pass->n_scratch == N_BYTES ? 'a' : 'b', (char) ('a' + i % 3) };
      guint8 host[N_BYTES];

      memset (host, (int) i, N_BYTES);
      klass->upload (pass->device, pass->input, host, N_BYTES, NULL);
      if (i % 4 == 3)
        pass_func (pass);
      else
        klass->run (pass->device, key, 2, pass_func, pass);
      memset (host, 0, N_BYTES);
      klass->download (pass->device, host, pass->output, N_BYTES, NULL);
      for (guint j = 0; j < N_BYTES; j++)
        right &= host[j] == (guint8) i;
    }
  return GINT_TO_POINTER (right);
}

/* Several threads at once, with and without graphs, on one device: none sees another's scratch memory. */
static void
test_threads (void)
{
  g_auto (Pass) first = pass_new ();
  Pass second = first;
  GThread *threads[2];

  second.input = alloc (first.device, N_BYTES);
  second.output = alloc (first.device, N_BYTES);
  second.n_scratch = 3 * N_BYTES;
  threads[0] = g_thread_new ("first", run_thread, &first);
  threads[1] = g_thread_new ("second", run_thread, &second);
  g_assert_true (GPOINTER_TO_INT (g_thread_join (threads[0])));
  g_assert_true (GPOINTER_TO_INT (g_thread_join (threads[1])));
  g_assert_cmpuint (n_launches, >, N_ROUNDS);
  ops (first.device)->free (first.device, second.input, N_BYTES);
  ops (first.device)->free (first.device, second.output, N_BYTES);
}

/* Arguments have a place of their own for each thread, and keep it for the kernels of a call. */
static void
test_arguments (void)
{
  g_auto (Pass) pass = pass_new ();
  guint8 host[N_BYTES];
  const guint8 *arguments[2];

  for (guint i = 0; i < 2; i++)
    {
      memset (host, (int) (i + 1), N_BYTES);
      arguments[i] = sng_cuda_device_upload_arguments (pass.device, host, N_BYTES);
      memset (host, 0, N_BYTES);
      ops (pass.device)->copy (pass.device, i == 0 ? pass.input : pass.output, arguments[i], N_BYTES);
    }
  g_assert_true (arguments[0] == arguments[1]);
  assert_filled (pass.device, pass.input, 1);
  assert_filled (pass.device, pass.output, 2);

  sng_cuda_device_check (pass.device, cudaErrorLaunchFailure, "[test]");
  g_assert_null (sng_cuda_device_scratch (pass.device, SNG_CUDA_SCRATCH_KERNEL, 1));
  g_assert_null (sng_cuda_device_upload_arguments (pass.device, host, N_BYTES));
}

static void
test_overlap (void)
{
  g_auto (Pass) pass = pass_new ();
  guint8 *data = alloc (pass.device, 2 * N_BYTES);

  fill (pass.device, data, 1);
  fill (pass.device, data + N_BYTES, 2);
  ops (pass.device)->copy (pass.device, data + N_BYTES / 2, data + N_BYTES, N_BYTES);
  ops (pass.device)->copy (pass.device, data, data + N_BYTES / 2, N_BYTES);
  assert_filled (pass.device, data, 2);
  fill (pass.device, data + N_BYTES, 3);
  ops (pass.device)->copy (pass.device, data + N_BYTES, data + N_BYTES / 2, N_BYTES);
  ops (pass.device)->copy (pass.device, data + N_BYTES, data + N_BYTES, N_BYTES);
  assert_filled (pass.device, data, 2);
  ops (pass.device)->free (pass.device, data, 2 * N_BYTES);
}

static void
copy_overlapping (Pass *pass)
{
  ops (pass->device)->copy (pass->device, pass->input + 1, pass->input, N_BYTES - 1);
}

static void
free_input (Pass *pass)
{
  ops (pass->device)->free (pass->device, pass->input, N_BYTES);
}

/* A graph would go on using memory that is somebody else's by then. */
static void
test_memory_inside_run (gconstpointer func)
{
  g_auto (Pass) pass = pass_new ();

  pass.meanwhile = func == NULL ? copy_overlapping : free_input;
  for (guint i = 0; i < 2; i++)
    {
      g_test_expect_message ("sng", G_LOG_LEVEL_CRITICAL, "*!*sng_cuda_graphs_is_running*");
      run (&pass, "a", 1, i);
      g_test_assert_expected_messages ();
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/cuda/graphs/replay", test_replay);
  g_test_add_func ("/sng/cuda/graphs/off", test_off);
  g_test_add_func ("/sng/cuda/graphs/many-keys", test_many_keys);
  g_test_add_data_func ("/sng/cuda/graphs/no-graph/begin", "cudaStreamBeginCapture", test_no_graph);
  g_test_add_data_func ("/sng/cuda/graphs/no-graph/end", "cudaStreamEndCapture", test_no_graph);
  g_test_add_data_func ("/sng/cuda/graphs/no-graph/instantiate", "cudaGraphInstantiate", test_no_graph);
  g_test_add_func ("/sng/cuda/graphs/not-recordable", test_not_recordable);
  g_test_add_func ("/sng/cuda/graphs/product-not-recordable", test_product_not_recordable);
  g_test_add_func ("/sng/cuda/graphs/failure", test_failure);
  g_test_add_func ("/sng/cuda/graphs/scratch", test_scratch);
  g_test_add_func ("/sng/cuda/graphs/scratch-while-recording", test_scratch_while_recording);
  g_test_add_func ("/sng/cuda/graphs/other-thread", test_other_thread);
  g_test_add_func ("/sng/cuda/graphs/scratch-of-others", test_scratch_of_others);
  g_test_add_func ("/sng/cuda/graphs/threads", test_threads);
  g_test_add_func ("/sng/cuda/graphs/overlap", test_overlap);
  g_test_add_data_func ("/sng/cuda/graphs/overlap-inside-run", NULL, test_memory_inside_run);
  g_test_add_data_func ("/sng/cuda/graphs/free-inside-run", "free", test_memory_inside_run);
  g_test_add_func ("/sng/cuda/graphs/arguments", test_arguments);

  return g_test_run ();
}
