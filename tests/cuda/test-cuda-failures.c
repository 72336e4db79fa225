/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>

#include <math.h>
#include <string.h>

#include "cuda/sng-cuda-device-private.h"
#include "cuda/sng-cuda-product-private.h"

/* Each call of CUDA fails once, wherever it comes: the next call of the device that can says so and names what failed, and so
 * do all after it; or nothing was lost, and the results are right. */

#define N_BYTES 70000
#define N_RUNS 3
#define N_SLOTS 16 /* of sng-cuda-slots.c */
#define STATUS 700
#define STATUS_TEXT                                                                                          \
 "cuda:0: cudaErrorIllegalAddress (an illegal memory access was encountered) in work queued before"

typedef struct
{
  SngDevice *device;
  guint8 *memory[3];
  GError *error;
} Scenario;

static SngDeviceClass *
ops (SngDevice *device)
{
  return SNG_DEVICE_GET_CLASS (device);
}

static void
pass_func (gpointer data)
{
  Scenario *scenario = data;
  SngDevice *device = scenario->device;
  gpointer between = sng_cuda_device_scratch (device, SNG_CUDA_SCRATCH_KERNEL, N_BYTES);

  if (between == NULL)
    return;
  ops (device)->zero (device, scenario->memory[1], N_BYTES);
  ops (device)->copy (device, between, scenario->memory[0], N_BYTES);
  ops (device)->copy (device, scenario->memory[1], between, N_BYTES);
}

/* One tensor of one group of blocks and one of several; nothing, or what the processor has. */
static void
fingerprint (Scenario *scenario, const guint8 *host)
{
  SngDevice *device = scenario->device, *cpu = sng_device_get_default ();
  const gint64 shape[] = { 5, N_BYTES }, strides[] = { 0, 1 };
  const SngLayout layouts[] = {
    { SNG_DTYPE_U8, 1, shape + 1, strides + 1, N_BYTES, TRUE },
    { SNG_DTYPE_U8, 2, shape, strides, 5 * N_BYTES, FALSE },
  };
  SngRegion there[] = { { scenario->memory[0], &layouts[0] }, { scenario->memory[0], &layouts[1] } };
  SngRegion here[] = { { (gpointer) host, &layouts[0] }, { (gpointer) host, &layouts[1] } };
  SngBlockSums sums[2], expected[2];
  gboolean failed;

  ops (cpu)->fingerprint (cpu, 2, here, TRUE, expected);
  ops (device)->fingerprint (device, 2, there, TRUE, sums);
  failed = !ops (device)->check (device, NULL);
  for (guint i = 0; i < 2; i++)
    {
      if (failed && sums[i].low == 0)
        expected[i] = (SngBlockSums){ 0, 0, INFINITY, -INFINITY, 0, 0 };
      g_assert_cmpmem (&sums[i], sizeof sums[i], &expected[i], sizeof expected[i]);
    }
}

static void
square (Scenario *scenario, const guint8 *host)
{
  SngDevice *device = scenario->device, *cpu = sng_device_get_default ();
  SngArray there = { .values = scenario->memory[0], .n_elements = N_BYTES / sizeof (float) };
  SngArray here = { .values = (gpointer) host, .n_elements = N_BYTES / sizeof (float) };
  double sum, expected;

  ops (cpu)->math->f32->sum_of_squares (cpu, 1, &here, &expected);
  ops (device)->math->f32->sum_of_squares (device, 1, &there, &sum);
  if (sum != 0 || ops (device)->check (device, NULL))
    g_assert_cmpfloat (sum, ==, expected);
}

/* Whatever failed, no thread has kept a slot. */
static void
take_all_slots (SngDevice *device)
{
  SngCudaSlot *slots[N_SLOTS];
  guint n = 0;

  while (n < N_SLOTS && sng_cuda_slots_take (SNG_CUDA_DEVICE (device)->slots, 1, &slots[n]) == cudaSuccess)
    n++;
  while (n > 0)
    sng_cuda_slots_put_back (SNG_CUDA_DEVICE (device)->slots, slots[--n]);
}

static gboolean
work (Scenario *scenario, guint8 *host)
{
  SngDevice *device = scenario->device;
  SngDeviceClass *klass = ops (device);
  GError **error = &scenario->error;
  gconstpointer arguments;
  gpointer staging;
  gboolean done;

  for (guint i = 0; i < G_N_ELEMENTS (scenario->memory); i++)
    {
      scenario->memory[i] = klass->alloc (device, N_BYTES, error);
      if (scenario->memory[i] == NULL)
        return FALSE;
    }
  klass->follow (device, 1);
  /* Each slot once, and the first one again. */
  for (guint i = 0; i <= N_SLOTS; i++)
    if (!klass->upload (device, scenario->memory[0], host, N_BYTES, error))
      return FALSE;
  fingerprint (scenario, host);
  square (scenario, host);
  for (guint i = 0; i < N_RUNS; i++)
    klass->run (device, "key", 3, pass_func, scenario);
  klass->copy (device, scenario->memory[1] + 10, scenario->memory[1], N_BYTES - 10);
  arguments = sng_cuda_device_upload_arguments (device, host, N_BYTES);
  if (arguments != NULL)
    klass->copy (device, scenario->memory[2], arguments, N_BYTES);
  if (!klass->check (device, error))
    return FALSE;

  memset (host, 0, N_BYTES);
  staging = klass->alloc_staging (device, N_BYTES, error);
  if (staging == NULL)
    return FALSE;
  done = klass->stage (device, staging, scenario->memory[2], N_BYTES, error)
         && klass->finish_stage (device, error) && memcmp (staging, "abc", 3) == 0
         && klass->download (device, host, scenario->memory[1], N_BYTES, error);
  klass->free_staging (device, staging, N_BYTES);
  return done;
}

/* Whether all went well. */
static gboolean
play (void)
{
  Scenario scenario = { 0 };
  g_autofree guint8 *host = g_malloc (N_BYTES);
  gboolean done;

  for (guint i = 0; i < N_BYTES; i++)
    host[i] = (guint8) ('a' + i % 100);

  scenario.device = sng_cuda_device_new (0, 0, &scenario.error);
  done = scenario.device != NULL && work (&scenario, host);

  if (done)
    {
      g_assert_no_error (scenario.error);
      for (guint i = 0; i < N_BYTES; i++)
        g_assert_cmpuint (host[i], ==, 'a' + (i < 10 ? i : i - 10) % 100);
    }
  else
    {
      g_autoptr (GError) again = NULL;

      g_assert_error (scenario.error, SNG_ERROR, SNG_ERROR_FAILED);
      g_assert_true (g_str_has_prefix (scenario.error->message, "[cuda][")
                     || g_str_has_prefix (scenario.error->message, "[device][alloc] "));
      if (strstr (scenario.error->message, STATUS_TEXT) == NULL)
        g_error ("\"%s\" has no \"%s\"", scenario.error->message, STATUS_TEXT);

      /* What an allocation alone needs may be had the next time. */
      if (scenario.device != NULL && !ops (scenario.device)->check (scenario.device, &again))
        g_assert_cmpstr (again->message, ==, scenario.error->message);
    }

  if (scenario.device != NULL)
    take_all_slots (scenario.device);
  for (guint i = 0; i < G_N_ELEMENTS (scenario.memory); i++)
    if (scenario.memory[i] != NULL)
      ops (scenario.device)->free (scenario.device, scenario.memory[i], N_BYTES);
  g_clear_object (&scenario.device);
  g_clear_error (&scenario.error);
  return done;
}

static gsize
count_used (void)
{
  gsize n_free, total;

  g_assert_cmpint (cudaMemGetInfo (&n_free, &total), ==, cudaSuccess);
  return total - n_free;
}

typedef struct
{
  const char *function;
  guint n_needed; /* so many calls at least cannot be done without */
  guint n_blocks; /* of memory that are got in place of others */
} Case;

static const Case cases[] = {
  { "cudaSetDevice", N_SLOTS + 10 },
  { "cudaLaunchKernel", 1 + 1 },
  { "cudaMemsetAsync", 3 + 1 + 2 },
  { "cudaMemcpyAsync", N_SLOTS + 1 + 1 + 4 + 2 + 2 + 1 },
  { "cudaStreamSynchronize", 1 + 1 + 1 },
  { "cudaStreamCreateWithFlags", 1 + 1 },
  { "cudaEventSynchronize", 1 + 4 },
  { "cudaHostAlloc", N_SLOTS + 1 },
  { "cudaGraphLaunch", N_RUNS - 1 },
  { "cudaMalloc", 0 },
  { "cudaFree", 0 },
  { "cudaFreeHost", 0 },
  { "cudaEventCreateWithFlags", N_SLOTS + 1 + 2 },
  { "cudaEventRecord", N_SLOTS + 1 + 1 + 2 },
  { "cudaStreamWaitEvent", 1 + 1 },
  { "cudaStreamIsCapturing", 1 },
  { "cudaThreadExchangeStreamCaptureMode", 0 },
  { "cudaEventQuery", 0, 2 },
  { "cudaEventDestroy", 0 },
  { "cudaStreamDestroy", 0 },
  { "cudaStreamBeginCapture", 0 },
  { "cudaStreamEndCapture", 0 },
  { "cudaGraphInstantiate", 0 },
  { "cudaGraphDestroy", 0 },
  { "cudaGraphExecDestroy", 0 },
};

static void
test_each_call (gconstpointer data)
{
  const Case *one = data;
  guint n_failed = 0, n_calls = 0;
  gsize n_used;

  g_assert_true (play ());
  n_used = count_used ();

  for (guint i = 1; n_calls >= i - 1; i++)
    {
      g_autofree char *plan = g_strdup_printf ("%s:%u:%d", one->function, i, STATUS);
      guint n_before = sng_emulator_count_calls (one->function);

      g_setenv ("SNG_EMULATOR_FAIL", plan, TRUE);
      if (!play ())
        n_failed++;
      n_calls = sng_emulator_count_calls (one->function) - n_before;
    }
  g_unsetenv ("SNG_EMULATOR_FAIL");

  g_test_message ("%s: %u failures were seen", one->function, n_failed);
  g_assert_cmpuint (n_failed, >=, one->n_needed);
  g_assert_true (play ());
  g_assert_cmpuint (count_used (), <=, n_used + one->n_blocks * (gsize) (N_BYTES + 512));
}

/* Only the first failure counts. */
static void
test_first (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngDevice) device = sng_cuda_device_new (0, 0, &error);

  g_assert_no_error (error);
  g_assert_true (sng_cuda_device_check (device, cudaSuccess, "[cuda][nothing]"));
  g_assert_true (ops (device)->check (device, &error));
  g_assert_false (sng_cuda_device_check (device, cudaErrorLaunchTimeout, "[cuda][layer-norm]"));
  g_assert_false (sng_cuda_device_check (device, cudaSetDevice (99), "[cuda][attention]"));
  sng_cuda_device_fail (device,
                        g_error_new_literal (SNG_ERROR, SNG_ERROR_NOT_SUPPORTED, "[cuda][linear] cuBLASLt"));

  g_assert_false (ops (device)->check (device, NULL));
  g_assert_false (ops (device)->finish_stage (device, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_FAILED);
  g_assert_cmpstr (
      error->message, ==,
      "[cuda][layer-norm] cuda:0: cudaErrorLaunchTimeout (the launch timed out and was terminated) in work "
      "queued before, the last of which was [cuda][nothing]");
  g_assert_cmpint (cudaPeekAtLastError (), ==, cudaSuccess);
}

/* All of it zeros. */
static void
multiply (SngDevice *device, guint8 *data)
{
  const SngCudaProduct product = {
    .m = 4,
    .n = 4,
    .k = 4,
    .operand = SNG_DTYPE_F32,
    .real = SNG_DTYPE_F32,
    .a = data,
    .b = data,
    .result = data + 1024,
  };

  sng_cuda_product (device, &product);
}

/* What failed on the GPU is said by whatever call comes next, which names what may have failed: not itself, and no call that
 * puts nothing on the GPU. What a call does wrong by itself is its own. */
static void
test_late (void)
{
  static const struct
  {
    const char *plan;
    gboolean multiplies;
    const char *message;
  } faults[] = {
    { "cudaSetDevice:1:700", TRUE, "[cuda][device] " STATUS_TEXT ", the last of which was [cuda][linear]" },
    { "cudaSetDevice:1:700", FALSE, "[cuda][device] " STATUS_TEXT ", the last of which was [cuda][zero]" },
    { "cudaMemcpyAsync:1:700", FALSE,
      "[cuda][download] " STATUS_TEXT ", the last of which was [cuda][zero]" },
    { "cudaSetDevice:1:999", FALSE, "[cuda][device] cuda:0: cudaErrorUnknown (unknown error)" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (faults); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (SngDevice) device = sng_cuda_device_new (0, 0, &error);
      gpointer data = ops (device)->alloc (device, N_BYTES, &error);
      guint8 host[4];

      g_assert_no_error (error);
      ops (device)->zero (device, data, N_BYTES);
      if (faults[i].multiplies)
        multiply (device, data);
      ops (device)->free_staging (device, ops (device)->alloc_staging (device, 1, NULL), 1);
      g_setenv ("SNG_EMULATOR_FAIL", faults[i].plan, TRUE);
      g_assert_false (ops (device)->download (device, host, data, sizeof host, &error));
      g_unsetenv ("SNG_EMULATOR_FAIL");
      g_assert_error (error, SNG_ERROR, SNG_ERROR_FAILED);
      g_assert_cmpstr (error->message, ==, faults[i].message);
      ops (device)->free (device, data, N_BYTES);
    }
}

/* Memory that the driver does not have is asked for once more, when what was kept is given back. */
static void
test_memory (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngDevice) device = sng_cuda_device_new (0, 0, &error);
  gpointer kept, data;
  gsize n_used;

  g_assert_no_error (error);
  kept = ops (device)->alloc (device, 11 << 20, NULL);
  n_used = count_used ();
  ops (device)->free (device, kept, 11 << 20);
  g_assert_cmpuint (count_used (), ==, n_used);

  g_setenv ("SNG_EMULATOR_FAIL", "cudaMalloc:1:2", TRUE);
  data = ops (device)->alloc (device, 3 << 20, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (count_used (), <=, n_used - (8 << 20));

  g_setenv ("SNG_EMULATOR_FAIL", "cudaMalloc:1:700", TRUE);
  g_assert_null (ops (device)->alloc (device, 5 << 20, &error));
  g_unsetenv ("SNG_EMULATOR_FAIL");
  g_assert_error (error, SNG_ERROR, SNG_ERROR_FAILED);
  g_assert_cmpstr (error->message, ==, "[device][alloc] " STATUS_TEXT);
  ops (device)->free (device, data, 3 << 20);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/cuda/failures/first", test_first);
  g_test_add_func ("/sng/cuda/failures/late", test_late);
  g_test_add_func ("/sng/cuda/failures/memory", test_memory);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/sng/cuda/failures/%s", cases[i].function);

      g_test_add_data_func (path, &cases[i], test_each_call);
    }

  return g_test_run ();
}
