/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "test-cuda-emulator.h"

#include <thread>

static __global__ void
add (int *to, int n)
{
  *to += n;
}

static __global__ void
set (int *to, int n)
{
  *to = n;
}

static __global__ void
copy_int (int *to, const int *from)
{
  *to = *from;
}

struct Fixture
{
  cudaStream_t one, other;
  cudaEvent_t event;
  int *device; /* two numbers, 0 */
  int *pinned; /* two numbers, -1 */
};

static void
set_up (Fixture *self, gconstpointer)
{
  assert_cuda (cudaStreamCreateWithFlags (&self->one, cudaStreamNonBlocking));
  assert_cuda (cudaStreamCreateWithPriority (&self->other, cudaStreamNonBlocking, -1));
  assert_cuda (cudaEventCreateWithFlags (&self->event, cudaEventDisableTiming));
  self->device = to_device (std::vector<int> (2));
  assert_cuda (cudaMallocHost (&self->pinned, 2 * sizeof (int)));
  self->pinned[0] = self->pinned[1] = -1;
}

static void
tear_down (Fixture *self, gconstpointer)
{
  assert_cuda (cudaStreamDestroy (self->one));
  assert_cuda (cudaStreamDestroy (self->other));
  assert_cuda (cudaEventDestroy (self->event));
  assert_cuda (cudaFree (self->device));
  assert_cuda (cudaFreeHost (self->pinned));
}

static void
download (Fixture *self, int i, cudaStream_t stream)
{
  assert_cuda (
      cudaMemcpyAsync (self->pinned + i, self->device + i, sizeof (int), cudaMemcpyDeviceToHost, stream));
}

static int
number (Fixture *self, int i)
{
  return from_device (self->device, 2)[(size_t) i];
}

/* ---- streams ---- */

/* Who reads without having waited reads what was there before. */
static void
test_late (Fixture *self, gconstpointer)
{
  assert_cuda (sng_cuda_launch (add, 1, 1, 0, self->one, self->device, 7));
  assert_cuda (sng_cuda_launch (add, 1, 1, 0, self->one, self->device, 1));
  download (self, 0, self->one);
  assert_cuda (cudaEventRecord (self->event, self->one));
  assert_cuda_fails (cudaStreamQuery (self->one), cudaErrorNotReady);
  assert_cuda_fails (cudaEventQuery (self->event), cudaErrorNotReady);
  assert_cuda (sng_cuda_launch (add, 1, 1, 0, self->one, self->device, 100));
  g_assert_cmpint (self->pinned[0], ==, -1);

  /* An event runs what is before it, no more. */
  assert_cuda (cudaEventSynchronize (self->event));
  assert_cuda (cudaEventQuery (self->event));
  g_assert_cmpint (self->pinned[0], ==, 8);
  g_assert_cmpint (number (self, 0), ==, 8);
  assert_cuda_fails (cudaStreamQuery (self->one), cudaErrorNotReady);
  assert_cuda (cudaStreamSynchronize (self->one));
  assert_cuda (cudaStreamQuery (self->one));
  g_assert_cmpint (number (self, 0), ==, 108);
}

/* With the wait the second stream sees what the first one has written, without it the old value. */
static void
test_event_wait (Fixture *self, gconstpointer waits)
{
  assert_cuda (sng_cuda_launch (set, 1, 1, 0, self->one, self->device, 5));
  assert_cuda (cudaEventRecord (self->event, self->one));
  /* What comes later is not waited for. */
  assert_cuda (sng_cuda_launch (set, 1, 1, 0, self->one, self->device, 6));
  if (waits != nullptr)
    assert_cuda (cudaStreamWaitEvent (self->other, self->event));
  assert_cuda (sng_cuda_launch (copy_int, 1, 1, 0, self->other, self->device + 1, self->device));
  assert_cuda (cudaStreamSynchronize (self->other));
  g_assert_cmpint (number (self, 1), ==, waits != nullptr ? 5 : 0);
}

/* Bytes from pageable memory are taken at once, those from pinned memory when the stream comes to them. */
static void
test_host_memory (Fixture *self, gconstpointer)
{
  int pageable = 1;

  self->pinned[1] = 1;
  assert_cuda (cudaMemcpyAsync (self->device, &pageable, sizeof (int), cudaMemcpyHostToDevice, self->one));
  assert_cuda (
      cudaMemcpyAsync (self->device + 1, self->pinned + 1, sizeof (int), cudaMemcpyDefault, self->one));
  g_assert_cmpint (number (self, 0), ==, 0);
  pageable = self->pinned[1] = 2;
  assert_cuda (cudaStreamSynchronize (self->one));
  g_assert_cmpint (number (self, 0), ==, 1);
  g_assert_cmpint (number (self, 1), ==, 2);

  /* A copy to pageable memory has ended on return. */
  assert_cuda (sng_cuda_launch (set, 1, 1, 0, self->one, self->device, 3));
  assert_cuda (cudaMemcpyAsync (&pageable, self->device, sizeof (int), cudaMemcpyDeviceToHost, self->one));
  g_assert_cmpint (pageable, ==, 3);
}

static void
test_default_stream (Fixture *self, gconstpointer)
{
  cudaStream_t blocking;

  assert_cuda (cudaStreamCreate (&blocking));
  assert_cuda (sng_cuda_launch (set, 1, 1, 0, blocking, self->device, 1));
  assert_cuda (sng_cuda_launch (set, 1, 1, 0, self->one, self->device + 1, 1));
  /* A blocking stream is waited for, another one is not; and the other way round. */
  g_assert_cmpint (number (self, 0), ==, 1);
  g_assert_cmpint (number (self, 1), ==, 0);
  assert_cuda (sng_cuda_launch (set, 1, 1, 0, nullptr, self->device, 2));
  assert_cuda (sng_cuda_launch (copy_int, 1, 1, 0, self->one, self->device + 1, self->device));
  assert_cuda (cudaStreamSynchronize (self->one));
  assert_cuda (sng_cuda_launch (add, 1, 1, 0, blocking, self->device, 10));
  assert_cuda (cudaStreamSynchronize (blocking));
  g_assert_cmpint (number (self, 0), ==, 12);
  g_assert_cmpint (number (self, 1), ==, 1);
  assert_cuda (cudaStreamDestroy (blocking));
}

struct Called
{
  int *seen;
  int value;
  cudaStream_t stream;
  cudaError_t status;
};

static void
called (void *data)
{
  Called *self = (Called *) data;

  self->value = *self->seen;
  self->status = cudaStreamSynchronize (self->stream);
}

static void
test_host_function (Fixture *self, gconstpointer)
{
  Called data = { self->pinned, 0, self->one, cudaSuccess };

  assert_cuda (sng_cuda_launch (set, 1, 1, 0, self->one, self->device, 4));
  download (self, 0, self->one);
  assert_cuda (cudaLaunchHostFunc (self->one, called, &data));
  g_assert_cmpint (data.value, ==, 0);
  assert_cuda (cudaStreamSynchronize (self->one));
  g_assert_cmpint (data.value, ==, 4);
  /* It may not wait for its own stream. */
  assert_cuda_fails (data.status, cudaErrorNotPermitted);
}

static void
test_threads (Fixture *self, gconstpointer)
{
  auto work = [self] (int i) {
    cudaStream_t stream;

    assert_cuda (cudaStreamCreateWithFlags (&stream, cudaStreamNonBlocking));
    for (int n = 0; n < 200; n++)
      {
        assert_cuda (sng_cuda_launch (add, 1, 1, 0, stream, self->device + i, 1));
        download (self, i, stream);
        if (n % 10 == 0)
          {
            assert_cuda (cudaStreamSynchronize (stream));
            g_assert_cmpint (self->pinned[i], ==, n + 1);
          }
      }
    assert_cuda (cudaStreamDestroy (stream));
  };
  std::thread thread (work, 1);

  work (0);
  thread.join ();
  g_assert_cmpint (self->pinned[0], ==, 200);
  g_assert_cmpint (self->pinned[1], ==, 200);
}

static void
test_elapsed_time (Fixture *self, gconstpointer)
{
  cudaEvent_t start, end;
  float milliseconds = -1.0f;

  assert_cuda (cudaEventCreate (&start));
  assert_cuda (cudaEventCreate (&end));
  assert_cuda (cudaEventRecord (start, self->one));
  assert_cuda (cudaEventRecord (end, self->one));
  assert_cuda_fails (cudaEventElapsedTime (&milliseconds, start, end), cudaErrorNotReady);
  assert_cuda (cudaEventSynchronize (end));
  assert_cuda (cudaEventElapsedTime (&milliseconds, start, end));
  g_assert_cmpfloat (milliseconds, >=, 0.0f);
  assert_cuda_fails (cudaEventElapsedTime (&milliseconds, start, self->event),
                     cudaErrorInvalidResourceHandle);
  assert_cuda (cudaEventDestroy (start));
  assert_cuda (cudaEventDestroy (end));
}

/* ---- graphs ---- */

static cudaGraphExec_t
end_capture (Fixture *self)
{
  cudaGraph_t graph;
  cudaGraphExec_t exec;

  assert_cuda (cudaStreamEndCapture (self->one, &graph));
  assert_cuda (cudaGraphInstantiate (&exec, graph));
  assert_cuda (cudaGraphDestroy (graph));
  return exec;
}

static void
test_graph (Fixture *self, gconstpointer)
{
  cudaStreamCaptureStatus status;
  int argument = 3;

  assert_cuda (cudaStreamBeginCapture (self->one, cudaStreamCaptureModeThreadLocal));
  assert_cuda (cudaStreamIsCapturing (self->one, &status));
  g_assert_cmpint (status, ==, cudaStreamCaptureStatusActive);
  assert_cuda (sng_cuda_launch (add, 1, 1, 0, self->one, self->device, argument));
  assert_cuda (
      cudaMemcpyAsync (self->device + 1, self->device, sizeof (int), cudaMemcpyDeviceToDevice, self->one));
  argument = 1000;
  cudaGraphExec_t exec = end_capture (self);
  assert_cuda (cudaStreamSynchronize (self->one));
  g_assert_cmpint (number (self, 0), ==, 0);

  for (int i = 1; i <= 3; i++)
    {
      assert_cuda (cudaGraphLaunch (exec, self->one));
      assert_cuda_fails (cudaStreamQuery (self->one), cudaErrorNotReady);
      assert_cuda (cudaStreamSynchronize (self->one));
      g_assert_cmpint (number (self, 0), ==, 3 * i);
      g_assert_cmpint (number (self, 1), ==, 3 * i);
    }
  assert_cuda (cudaGraphExecDestroy (exec));
}

/* A second stream takes part: it sets the number that the first one adds to, if the first one waits for it. */
static void
test_graph_fork (Fixture *self, gconstpointer waits)
{
  cudaGraph_t graph;
  gboolean wrong = FALSE;

  assert_cuda (cudaStreamBeginCapture (self->one, cudaStreamCaptureModeRelaxed));
  assert_cuda (cudaEventRecord (self->event, self->one));
  assert_cuda (cudaStreamWaitEvent (self->other, self->event));
  assert_cuda (sng_cuda_launch (set, 1, 1, 0, self->other, self->device, 10));
  assert_cuda_fails (cudaEventQuery (self->event), cudaErrorCapturedEvent);
  assert_cuda (cudaEventRecord (self->event, self->other));
  if (waits != nullptr)
    assert_cuda (cudaStreamWaitEvent (self->one, self->event));
  assert_cuda (sng_cuda_launch (add, 1, 1, 0, self->one, self->device, 1));
  assert_cuda (cudaStreamWaitEvent (self->one, self->event));
  cudaGraphExec_t exec = end_capture (self);
  assert_cuda_fails (cudaStreamWaitEvent (self->other, self->event), cudaErrorCapturedEvent);
  for (int seed = 0; seed < 8; seed++)
    {
      g_autofree char *text = g_strdup_printf ("%d", seed);

      g_setenv ("SNG_EMULATOR_SEED", text, TRUE);
      assert_cuda (cudaGraphLaunch (exec, self->one));
      assert_cuda (cudaStreamSynchronize (self->one));
      wrong |= number (self, 0) != 11;
    }
  g_unsetenv ("SNG_EMULATOR_SEED");
  assert_cuda (cudaGraphExecDestroy (exec));
  g_assert_true (wrong == (waits == nullptr));

  /* Without the last wait the other stream's work would be lost. */
  assert_cuda (cudaStreamBeginCapture (self->one, cudaStreamCaptureModeRelaxed));
  assert_cuda (cudaEventRecord (self->event, self->one));
  assert_cuda (cudaStreamWaitEvent (self->other, self->event));
  assert_cuda (sng_cuda_launch (set, 1, 1, 0, self->other, self->device, 10));
  assert_cuda_fails (cudaStreamEndCapture (self->one, &graph), cudaErrorStreamCaptureUnjoined);
}

/* Calls that wait or allocate spoil the capture. */
static void
test_graph_refusals (Fixture *self, gconstpointer)
{
  cudaGraph_t graph;
  void *memory;
  int pageable = 0;

  for (int i = 0; i < 4; i++)
    {
      assert_cuda (cudaStreamBeginCapture (self->one, cudaStreamCaptureModeThreadLocal));
      assert_cuda_fails (i == 0   ? cudaMalloc (&memory, 16)
                         : i == 1 ? cudaStreamSynchronize (self->one)
                         : i == 2
                             ? cudaMemcpyAsync (&pageable, self->device, 4, cudaMemcpyDeviceToHost, self->one)
                             : cudaFree (self->device),
                         cudaErrorStreamCaptureUnsupported);
      g_assert_cmpint (sng_cuda_launch (set, 1, 1, 0, self->one, self->device, 1), ==,
                       cudaErrorStreamCaptureInvalidated);
      assert_cuda_fails (cudaStreamEndCapture (self->one, &graph), cudaErrorStreamCaptureInvalidated);
    }

  /* What is recorded may not wait for what is not. */
  assert_cuda (cudaEventRecord (self->event, self->other));
  assert_cuda (cudaStreamBeginCapture (self->one, cudaStreamCaptureModeThreadLocal));
  assert_cuda_fails (cudaStreamWaitEvent (self->one, self->event), cudaErrorStreamCaptureIsolation);
  assert_cuda_fails (cudaStreamEndCapture (self->one, &graph), cudaErrorStreamCaptureInvalidated);
  /* Another thread's calls count in the global mode only. */
  assert_cuda (cudaStreamBeginCapture (self->one, cudaStreamCaptureModeThreadLocal));
  std::thread ([] {
    void *others;

    assert_cuda (cudaMalloc (&others, 16));
    assert_cuda (cudaFree (others));
  }).join ();
  assert_cuda (cudaStreamEndCapture (self->one, &graph));
  assert_cuda (cudaGraphDestroy (graph));
}

/* What is unsafe beside a capture: each call, by its number. */
#define N_UNSAFE 10

static cudaError_t
call_unsafe (Fixture *self, int i)
{
  static void *memory, *host;
  int pageable = 0;

  switch (i)
    {
    case 0:
      return cudaMalloc (&memory, 16);
    case 1:
      return cudaFree (memory);
    case 2:
      return cudaHostAlloc (&host, 16, cudaHostAllocDefault);
    case 3:
      return cudaFreeHost (host);
    case 4:
      return cudaEventQuery (self->event);
    case 5:
      return cudaEventSynchronize (self->event);
    case 6:
      return cudaStreamQuery (self->other);
    case 7:
      return cudaStreamSynchronize (self->other);
    case 8:
      return cudaDeviceSynchronize ();
    default:
      return cudaMemcpy (&pageable, self->device, sizeof pageable, cudaMemcpyDeviceToHost);
    }
}

/* A call is permitted unless the capture's mode and the thread's forbid it: the capture may be this thread's own. */
static void
test_graph_modes (Fixture *self, gconstpointer)
{
  const cudaStreamCaptureMode modes[] = { cudaStreamCaptureModeGlobal, cudaStreamCaptureModeThreadLocal,
                                          cudaStreamCaptureModeRelaxed };

  for (cudaStreamCaptureMode of_capture : modes)
    for (cudaStreamCaptureMode of_thread : modes)
      for (bool own : { true, false })
        for (int i = 0; i < N_UNSAFE; i++)
          {
            bool permitted =
                of_thread == cudaStreamCaptureModeRelaxed
                || (own ? of_capture == cudaStreamCaptureModeRelaxed
                        : of_capture != cudaStreamCaptureModeGlobal || of_thread != cudaStreamCaptureModeGlobal);
            auto call = [=] {
              cudaStreamCaptureMode mode = of_thread;

              assert_cuda (cudaThreadExchangeStreamCaptureMode (&mode));
              if (permitted)
                assert_cuda (call_unsafe (self, i));
              else
                assert_cuda_fails (call_unsafe (self, i), cudaErrorStreamCaptureUnsupported);
              assert_cuda (cudaThreadExchangeStreamCaptureMode (&mode));
              g_assert_cmpint (mode, ==, of_thread);
            };
            cudaGraph_t graph = nullptr;

            assert_cuda (cudaStreamBeginCapture (self->one, of_capture));
            if (own)
              call ();
            else
              std::thread (call).join ();
            g_assert_cmpint (cudaStreamEndCapture (self->one, &graph), ==,
                             permitted ? cudaSuccess : cudaErrorStreamCaptureInvalidated);
            cudaGetLastError ();
            if (graph != nullptr)
              assert_cuda (cudaGraphDestroy (graph));
          }
}

void
add_stream_tests (void)
{
  struct
  {
    const char *path;
    void (*test) (Fixture *, gconstpointer);
    int variant;
  } tests[] = {
    { "stream/late", test_late, 0 },
    { "stream/event-wait", test_event_wait, 1 },
    { "stream/event-wait/missing", test_event_wait, 0 },
    { "stream/host-memory", test_host_memory, 0 },
    { "stream/default", test_default_stream, 0 },
    { "stream/host-function", test_host_function, 0 },
    { "stream/threads", test_threads, 0 },
    { "stream/elapsed-time", test_elapsed_time, 0 },
    { "graph/replay", test_graph, 0 },
    { "graph/fork", test_graph_fork, 1 },
    { "graph/fork/missing-wait", test_graph_fork, 0 },
    { "graph/refusals", test_graph_refusals, 0 },
    { "graph/modes", test_graph_modes, 0 },
  };

  for (auto &test : tests)
    {
      g_autofree char *path = g_strconcat ("/sng/cuda-emulator/", test.path, NULL);

      g_test_add (path, Fixture, test.variant != 0 ? "yes" : nullptr, set_up, test.test, tear_down);
    }
}
