/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>

#include <string.h>

#include "cuda/sng-cuda-device-private.h"

/* In somebody else's thread, and beside somebody else's capture: a device on the second GPU leaves the first one current, and
 * does what a capture forbids to other threads without harm to it. */

#define N_BYTES 5000

typedef struct
{
  SngDevice *device;
  SngDevice *other;
  guint8 *memory;
  guint8 *staging;
} Scene;

static SngDeviceClass *
ops (SngDevice *device)
{
  return SNG_DEVICE_GET_CLASS (device);
}

/* ---- What a device does ---- */

static void
make_device (Scene *scene)
{
  scene->device = sng_cuda_device_new (1, 0, NULL);
  scene->other = sng_cuda_device_new (1, 0, NULL);
  g_assert_true (scene->device != NULL && scene->other != NULL);
}

static void
describe (Scene *scene)
{
  g_autoptr (GVariant) description = sng_device_describe (scene->device);

  g_assert_nonnull (description);
}

static void
alloc (Scene *scene)
{
  scene->memory = ops (scene->device)->alloc (scene->device, N_BYTES, NULL);
  g_assert_nonnull (scene->memory);
}

static void
upload (Scene *scene)
{
  guint8 bytes[N_BYTES];

  memset (bytes, 3, N_BYTES);
  g_assert_true (ops (scene->device)->upload (scene->device, scene->memory, bytes, N_BYTES, NULL));
}

static void
zero (Scene *scene)
{
  ops (scene->device)->zero (scene->device, scene->memory, 10);
}

static void
copy (Scene *scene)
{
  ops (scene->device)->copy (scene->device, scene->memory + 100, scene->memory, 10);
}

static void
copy_overlapping (Scene *scene)
{
  ops (scene->device)->copy (scene->device, scene->memory + 200, scene->memory + 201, N_BYTES - 201);
}

static const gint64 shape[] = { 20, 10 }, strides[] = { 1, 20 };
static const SngLayout layout = { .dtype = SNG_DTYPE_U8,
                                  .n_dims = 2,
                                  .shape = shape,
                                  .strides = strides,
                                  .n_elements = 200 };

static void
gather (Scene *scene)
{
  ops (scene->device)->gather (scene->device, scene->memory + 1000, scene->memory, &layout, 0, 200);
}

static void
scatter (Scene *scene)
{
  ops (scene->device)->scatter (scene->device, scene->memory, &layout, scene->memory + 1000, 0, 200);
}

static void
fingerprint (Scene *scene)
{
  const SngRegion region = { scene->memory, &layout };
  SngBlockSums sums;

  ops (scene->device)->fingerprint (scene->device, 1, &region, TRUE, &sums);
  g_assert_cmpfloat (sums.maximum, ==, 3);
}

static void
ask_for_scratch (Scene *scene)
{
  g_assert_nonnull (sng_cuda_device_scratch (scene->device, SNG_CUDA_SCRATCH_REAL, N_BYTES));
}

static void
upload_arguments (Scene *scene)
{
  guint8 bytes[N_BYTES] = { 0 };

  g_assert_nonnull (sng_cuda_device_upload_arguments (scene->device, bytes, N_BYTES));
}

static void
use_slot (Scene *scene)
{
  SngCudaSlot *slot = sng_cuda_device_take_slot (scene->device, 10 * N_BYTES);

  g_assert_nonnull (slot);
  g_assert_true (sng_cuda_device_wait (scene->device, "[cuda][scope]"));
  sng_cuda_device_return_slot (scene->device, slot);
}

static void
zero_cb (gpointer scene)
{
  ask_for_scratch (scene);
  zero (scene);
}

static void
run (Scene *scene)
{
  for (guint i = 0; i < 3; i++)
    ops (scene->device)->run (scene->device, "key", 3, zero_cb, scene);
}

static void
alloc_staging (Scene *scene)
{
  scene->staging = ops (scene->device)->alloc_staging (scene->device, N_BYTES, NULL);
  g_assert_nonnull (scene->staging);
}

static void
stage (Scene *scene)
{
  g_assert_true (ops (scene->device)->stage (scene->device, scene->staging, scene->memory, N_BYTES, NULL));
}

static void
finish_stage (Scene *scene)
{
  g_assert_true (ops (scene->device)->finish_stage (scene->device, NULL));
  g_assert_cmpint (scene->staging[0], ==, 0);
  g_assert_cmpint (scene->staging[N_BYTES - 1], ==, 3);
}

static void
free_staging (Scene *scene)
{
  ops (scene->device)->free_staging (scene->device, scene->staging, N_BYTES);
}

static void
download (Scene *scene)
{
  guint8 bytes[N_BYTES] = { 0 };

  g_assert_true (ops (scene->device)->download (scene->device, bytes, scene->memory, N_BYTES, NULL));
  g_assert_cmpint (bytes[N_BYTES - 1], ==, 3);
}

static void
lead (Scene *scene)
{
  guint64 stream = sng_device_get_stream (scene->other);

  g_assert_true (ops (scene->device)->lead (scene->device, stream, NULL));
}

static void
follow (Scene *scene)
{
  ops (scene->device)->follow (scene->device, sng_device_get_stream (scene->other));
}

static void
free_memory (Scene *scene)
{
  ops (scene->device)->free (scene->device, scene->memory, N_BYTES);
}

static void
end_device (Scene *scene)
{
  g_autoptr (GError) error = NULL;

  ops (scene->device)->check (scene->device, &error);
  g_assert_no_error (error);
  g_clear_object (&scene->device);
  g_clear_object (&scene->other);
}

static const struct
{
  const char *name;
  void (*func) (Scene *scene);
} steps[] = {
  { "new", make_device },
  { "describe", describe },
  { "alloc", alloc },
  { "upload", upload },
  { "zero", zero },
  { "copy", copy },
  { "copy-overlapping", copy_overlapping },
  { "gather", gather },
  { "scatter", scatter },
  { "fingerprint", fingerprint },
  { "scratch", ask_for_scratch },
  { "arguments", upload_arguments },
  { "slot", use_slot },
  { "run", run },
  { "alloc-staging", alloc_staging },
  { "stage", stage },
  { "finish-stage", finish_stage },
  { "free-staging", free_staging },
  { "download", download },
  { "lead", lead },
  { "follow", follow },
  { "free", free_memory },
  { "finalize", end_device },
};

static void
play (void (*check) (const char *step, gpointer data), gpointer data)
{
  Scene scene = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    {
      steps[i].func (&scene);
      check (steps[i].name, data);
    }
}

/* ---- The thread's GPU ---- */

static int
get_current (void)
{
  int current = -1;

  g_assert_cmpint (cudaGetDevice (&current), ==, cudaSuccess);
  return current;
}

static void
check_current (const char *step, gpointer data)
{
  if (get_current () != 0)
    g_error ("after %s cuda:%d is the current one", step, get_current ());
}

static void
test_current_gpu (void)
{
  g_assert_cmpint (cudaSetDevice (0), ==, cudaSuccess);
  play (check_current, NULL);
}

static gpointer
alloc_thread (gpointer device)
{
  gpointer data = ops (device)->alloc (device, N_BYTES, NULL);
  int current = get_current ();

  ops (device)->free (device, data, N_BYTES);
  return GINT_TO_POINTER (current);
}

/* To make the first GPU current again would be to make a context there. */
static void
test_unused_thread (void)
{
  g_autoptr (SngDevice) device = sng_cuda_device_new (1, 0, NULL);
  GThread *thread = g_thread_new ("alloc", alloc_thread, device);

  g_assert_cmpint (GPOINTER_TO_INT (g_thread_join (thread)), ==, 1);
}

/* ---- Captures of others ---- */

typedef struct
{
  GMutex mutex;
  GCond changed;
  cudaStream_t stream;
  gboolean is_capturing;
  gboolean may_end;
  cudaError_t status;
} Capture;

static gpointer
capture_thread (gpointer data)
{
  Capture *capture = data;
  cudaGraph_t graph = NULL;

  g_mutex_lock (&capture->mutex);
  g_assert_cmpint (cudaStreamCreateWithFlags (&capture->stream, cudaStreamNonBlocking), ==, cudaSuccess);
  g_assert_cmpint (cudaStreamBeginCapture (capture->stream, cudaStreamCaptureModeGlobal), ==, cudaSuccess);
  capture->is_capturing = TRUE;
  g_cond_broadcast (&capture->changed);
  while (!capture->may_end)
    g_cond_wait (&capture->changed, &capture->mutex);
  capture->status = cudaStreamEndCapture (capture->stream, &graph);
  if (graph != NULL)
    cudaGraphDestroy (graph);
  cudaStreamDestroy (capture->stream);
  g_mutex_unlock (&capture->mutex);
  return NULL;
}

static GThread *
begin_capture (Capture *capture)
{
  GThread *thread;

  g_mutex_init (&capture->mutex);
  g_cond_init (&capture->changed);
  thread = g_thread_new ("capture", capture_thread, capture);
  g_mutex_lock (&capture->mutex);
  while (!capture->is_capturing)
    g_cond_wait (&capture->changed, &capture->mutex);
  g_mutex_unlock (&capture->mutex);
  return thread;
}

static cudaError_t
end_capture (Capture *capture, GThread *thread)
{
  g_mutex_lock (&capture->mutex);
  capture->may_end = TRUE;
  g_cond_broadcast (&capture->changed);
  g_mutex_unlock (&capture->mutex);
  g_thread_join (thread);
  g_mutex_clear (&capture->mutex);
  g_cond_clear (&capture->changed);
  return capture->status;
}

static void
check_capture (const char *step, gpointer data)
{
  Capture *capture = data;
  enum cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;

  g_assert_cmpint (cudaStreamIsCapturing (capture->stream, &status), ==, cudaSuccess);
  if (status != cudaStreamCaptureStatusActive)
    g_error ("%s has spoiled the capture", step);
}

static enum cudaStreamCaptureMode
exchange_mode (enum cudaStreamCaptureMode mode)
{
  g_assert_cmpint (cudaThreadExchangeStreamCaptureMode (&mode), ==, cudaSuccess);
  return mode;
}

static void
test_capture (void)
{
  Capture capture = { 0 };
  GThread *thread = begin_capture (&capture);

  play (check_capture, &capture);
  g_assert_cmpint (end_capture (&capture, thread), ==, cudaSuccess);
}

/* The thread's own, in which somebody lets go of a tensor. */
static void
test_own_capture (void)
{
  Capture capture = { 0 };
  cudaGraph_t graph = NULL;

  g_assert_cmpint (cudaSetDevice (0), ==, cudaSuccess);
  g_assert_cmpint (cudaStreamCreateWithFlags (&capture.stream, cudaStreamNonBlocking), ==, cudaSuccess);
  g_assert_cmpint (cudaStreamBeginCapture (capture.stream, cudaStreamCaptureModeThreadLocal), ==,
                   cudaSuccess);
  play (check_capture, &capture);
  g_assert_cmpint (cudaStreamEndCapture (capture.stream, &graph), ==, cudaSuccess);
  g_assert_cmpint (cudaGraphDestroy (graph), ==, cudaSuccess);
  g_assert_cmpint (cudaStreamDestroy (capture.stream), ==, cudaSuccess);
}

/* The emulator's fault, without which the test above shows nothing. */
static void
test_capture_forbids (void)
{
  Capture capture = { 0 };
  GThread *thread = begin_capture (&capture);
  gpointer memory = NULL;

  g_assert_cmpint (exchange_mode (cudaStreamCaptureModeThreadLocal), ==, cudaStreamCaptureModeGlobal);
  g_assert_cmpint (cudaMalloc (&memory, 10), ==, cudaSuccess);
  g_assert_cmpint (exchange_mode (cudaStreamCaptureModeGlobal), ==, cudaStreamCaptureModeThreadLocal);
  check_capture ("an allocation that is permitted", &capture);
  g_assert_cmpint (cudaMalloc (&memory, 10), ==, cudaErrorStreamCaptureUnsupported);
  g_assert_cmpint (end_capture (&capture, thread), ==, cudaErrorStreamCaptureInvalidated);
  cudaGetLastError ();
}

static void
check_mode (const char *step, gpointer data)
{
  enum cudaStreamCaptureMode mode = exchange_mode (cudaStreamCaptureModeGlobal);

  if (mode != cudaStreamCaptureModeThreadLocal)
    g_error ("after %s the mode is %d", step, mode);
  exchange_mode (mode);
}

static void
test_mode (void)
{
  exchange_mode (cudaStreamCaptureModeThreadLocal);
  play (check_mode, NULL);
  exchange_mode (cudaStreamCaptureModeGlobal);
}

/* A stream that is being captured does nothing now, and to wait for it would take part in the capture. */
static void
test_follow_capture (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngDevice) device = sng_cuda_device_new (1, 0, NULL);
  enum cudaStreamCaptureStatus status = cudaStreamCaptureStatusActive;
  Capture capture = { 0 };
  GThread *thread = begin_capture (&capture);
  cudaStream_t own = (cudaStream_t) sng_device_get_stream (device);

  ops (device)->follow (device, (guint64) capture.stream);
  g_assert_cmpint (cudaStreamIsCapturing (own, &status), ==, cudaSuccess);
  g_assert_cmpint (status, ==, cudaStreamCaptureStatusNone);
  g_assert_cmpint (end_capture (&capture, thread), ==, cudaSuccess);
  ops (device)->check (device, &error);
  g_assert_no_error (error);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_setenv ("SNG_EMULATOR_DEVICES", "2", TRUE);

  g_test_add_func ("/sng/cuda/scope/current-gpu", test_current_gpu);
  g_test_add_func ("/sng/cuda/scope/unused-thread", test_unused_thread);
  g_test_add_func ("/sng/cuda/scope/capture", test_capture);
  g_test_add_func ("/sng/cuda/scope/own-capture", test_own_capture);
  g_test_add_func ("/sng/cuda/scope/capture-forbids", test_capture_forbids);
  g_test_add_func ("/sng/cuda/scope/mode", test_mode);
  g_test_add_func ("/sng/cuda/scope/follow-capture", test_follow_capture);

  return g_test_run ();
}
