/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sng-emulator-private.h"
#include "sng-emulator-simt-private.h"

#include <chrono>
#include <map>

namespace emulator
{

namespace
{

/* Until the process ends, as all that the driver has. */
auto &streams = *new std::map<cudaStream_t, std::shared_ptr<Stream>>;
std::map<cudaEvent_t, std::unique_ptr<Event>> events;
std::shared_ptr<Stream> defaults[SNG_EMULATOR_MAX_DEVICES];
/* Some function of the host that was called without the lock has returned. */
std::condition_variable returned;

double
now ()
{
  using namespace std::chrono;

  return duration<double, std::milli> (steady_clock::now ().time_since_epoch ()).count ();
}

bool
is_default (const Stream &stream)
{
  return defaults[stream.device].get () == &stream;
}

/* The default stream waits for the blocking streams of its device, and they for it. */
cudaError_t
wait_for_default (Stream &stream, Work &work)
{
  if (!is_default (stream))
    {
      if ((stream.flags & cudaStreamNonBlocking) == 0 && defaults[stream.device] != nullptr)
        work.waits.push_back (stream_tail (defaults[stream.device]));
      return cudaSuccess;
    }
  for (auto &[handle, other] : streams)
    if (other->device == stream.device && (other->flags & cudaStreamNonBlocking) == 0)
      {
        if (capture_is_active (*other))
          return cudaErrorStreamCaptureImplicit;
        work.waits.push_back (stream_tail (other));
      }
  return cudaSuccess;
}

cudaError_t
stream_create (Call &call, cudaStream_t *handle, unsigned flags, int priority)
{
  if (call.failed ())
    return call.failure ();
  auto stream = std::make_shared<Stream> ();
  stream->device = current_device ();
  stream->flags = flags;
  stream->priority = priority;
  *handle = (cudaStream_t) stream.get ();
  streams[*handle] = stream;
  return call.end (cudaSuccess);
}

Event *
event_find (cudaEvent_t handle)
{
  auto found = events.find (handle);

  return found == events.end () ? nullptr : found->second.get ();
}

bool
is_reached (const Point &point)
{
  return point.stream == nullptr || point.stream->n_done >= point.position;
}

} // namespace

std::shared_ptr<Stream>
stream_default (int device)
{
  if (defaults[device] == nullptr)
    {
      defaults[device] = std::make_shared<Stream> ();
      defaults[device]->device = device;
    }
  return defaults[device];
}

std::shared_ptr<Stream>
stream_find (cudaStream_t handle)
{
  if (handle == nullptr || handle == cudaStreamLegacy)
    return stream_default (current_device ());
  auto found = streams.find (handle);
  return found == streams.end () ? nullptr : found->second;
}

Point
stream_tail (const std::shared_ptr<Stream> &stream)
{
  return { stream, stream->n_queued };
}

cudaError_t
stream_submit (const std::shared_ptr<Stream> &stream, Work work)
{
  if (stream->capture != nullptr)
    return capture_add (*stream, std::move (work));

  cudaError_t status = wait_for_default (*stream, work);
  if (status != cudaSuccess)
    return status;
  stream->queue.push_back (std::move (work));
  stream->n_queued++;
  return cudaSuccess;
}

void
run_work (const Work &work, std::unique_lock<std::mutex> &lock)
{
  if (!work.run)
    return;
  if (work.on_host)
    {
      memory_close ();
      lock.unlock ();
      work.run ();
      lock.lock ();
    }
  else
    {
      if (work.device != SNG_EMULATOR_NO_DEVICE)
        memory_open (work.device);
      work.run ();
    }
}

cudaError_t
stream_run (const Point &point, std::unique_lock<std::mutex> &lock)
{
  Stream &stream = *point.stream;
  cudaError_t status = cudaSuccess;

  while (stream.n_done < point.position && status == cudaSuccess)
    {
      if (stream.running)
        {
          /* A function of the host that waits for its own stream would wait forever. */
          if (stream.runner == std::this_thread::get_id ())
            return cudaErrorNotPermitted;
          memory_close ();
          returned.wait (lock);
          continue;
        }

      Work work = std::move (stream.queue.front ());
      stream.queue.pop_front ();
      stream.running = true;
      stream.runner = std::this_thread::get_id ();
      for (size_t i = 0; i < work.waits.size () && status == cudaSuccess; i++)
        status = stream_run (work.waits[i], lock);
      if (status == cudaSuccess)
        work.graph != nullptr ? graph_run (*work.graph, lock) : run_work (work, lock);
      stream.n_done++;
      stream.running = false;
      returned.notify_all ();
    }
  return status;
}

cudaError_t
device_run (int device, std::unique_lock<std::mutex> &lock)
{
  std::vector<Point> points;
  cudaError_t status = cudaSuccess;

  for (auto &[handle, stream] : streams)
    if (stream->device == device)
      points.push_back (stream_tail (stream));
  points.push_back (stream_tail (stream_default (device)));
  for (size_t i = 0; i < points.size () && status == cudaSuccess; i++)
    status = stream_run (points[i], lock);
  return status;
}

} // namespace emulator

using namespace emulator;

cudaError_t
cudaStreamCreate (cudaStream_t *stream)
{
  Call call ("cudaStreamCreate");

  return stream_create (call, stream, cudaStreamDefault, 0);
}

cudaError_t
cudaStreamCreateWithFlags (cudaStream_t *stream, unsigned int flags)
{
  Call call ("cudaStreamCreateWithFlags");

  return stream_create (call, stream, flags, 0);
}

cudaError_t
cudaStreamCreateWithPriority (cudaStream_t *stream, unsigned int flags, int priority)
{
  Call call ("cudaStreamCreateWithPriority");

  return stream_create (call, stream, flags, priority);
}

cudaError_t
cudaStreamDestroy (cudaStream_t handle)
{
  Call call ("cudaStreamDestroy");

  if (call.failed ())
    return call.failure ();
  auto found = streams.find (handle);
  if (found == streams.end ())
    return call.end (cudaErrorInvalidResourceHandle);
  std::shared_ptr<Stream> stream = found->second;
  if (stream->capture != nullptr)
    return call.end (capture_refuse_stream (*stream));
  cudaError_t status = stream_run (stream_tail (stream), call.lock);
  streams.erase (handle);
  return call.end (status);
}

cudaError_t
cudaStreamSynchronize (cudaStream_t handle)
{
  Call call ("cudaStreamSynchronize");

  if (call.failed ())
    return call.failure ();
  auto stream = stream_find (handle);
  if (stream == nullptr)
    return call.end (cudaErrorInvalidResourceHandle);
  if (stream->capture != nullptr)
    return call.end (capture_refuse_stream (*stream));
  cudaError_t status = capture_refuse ();
  if (status != cudaSuccess)
    return call.end (status);
  if (!is_default (*stream))
    return call.end (stream_run (stream_tail (stream), call.lock));
  /* What the default stream waits for counts even where nothing is in it. */
  status = stream_submit (stream, {});
  return call.end (status != cudaSuccess ? status : stream_run (stream_tail (stream), call.lock));
}

cudaError_t
cudaStreamQuery (cudaStream_t handle)
{
  Call call ("cudaStreamQuery");

  if (call.failed ())
    return call.failure ();
  auto stream = stream_find (handle);
  if (stream == nullptr)
    return call.end (cudaErrorInvalidResourceHandle);
  if (stream->capture != nullptr)
    return call.end (capture_refuse_stream (*stream));
  cudaError_t status = capture_refuse ();
  if (status != cudaSuccess)
    return call.end (status);
  return call.end (is_reached (stream_tail (stream)) ? cudaSuccess : cudaErrorNotReady);
}

cudaError_t
cudaDeviceSynchronize (void)
{
  Call call ("cudaDeviceSynchronize");

  if (call.failed ())
    return call.failure ();
  cudaError_t status = capture_refuse ();
  return call.end (status != cudaSuccess ? status : device_run (current_device (), call.lock));
}

cudaError_t
cudaStreamWaitEvent (cudaStream_t handle, cudaEvent_t event_handle, unsigned int)
{
  Call call ("cudaStreamWaitEvent");

  if (call.failed ())
    return call.failure ();
  auto stream = stream_find (handle);
  Event *event = event_find (event_handle);
  if (stream == nullptr || event == nullptr)
    return call.end (cudaErrorInvalidResourceHandle);
  if (stream->capture != nullptr || event->capture != nullptr)
    return call.end (capture_wait (stream, *event));
  if (event->point.stream == nullptr)
    return call.end (cudaSuccess);

  Work work;
  work.waits.push_back (event->point);
  return call.end (stream_submit (stream, std::move (work)));
}

cudaError_t
cudaLaunchHostFunc (cudaStream_t handle, cudaHostFn_t function, void *data)
{
  Call call ("cudaLaunchHostFunc");

  if (call.failed ())
    return call.failure ();
  auto stream = stream_find (handle);
  if (stream == nullptr)
    return call.end (cudaErrorInvalidResourceHandle);

  Work work;
  work.on_host = true;
  work.run = [function, data] { function (data); };
  return call.end (stream_submit (stream, std::move (work)));
}

cudaError_t
sng_simt_queue (const SngSimtLaunch &launch, cudaStream_t handle)
{
  Call call ("cudaLaunchKernel");

  if (call.failed ())
    return call.failure ();
  auto stream = stream_find (handle);
  if (stream == nullptr || stream->device != current_device ())
    return call.end (cudaErrorInvalidResourceHandle);
  cudaError_t status = simt_check (launch);
  if (status != cudaSuccess)
    return call.end (status);

  Work work;
  int device = work.device = stream->device;
  work.run = [launch, device] {
    simt_run (launch);
    memory_check (device, launch);
  };
  return call.end (stream_submit (stream, std::move (work)));
}

/* ---- events ---- */

cudaError_t
cudaEventCreateWithFlags (cudaEvent_t *handle, unsigned int flags)
{
  Call call ("cudaEventCreateWithFlags");

  if (call.failed ())
    return call.failure ();
  auto event = std::make_unique<Event> ();
  event->flags = flags;
  *handle = (cudaEvent_t) event.get ();
  events[*handle] = std::move (event);
  return call.end (cudaSuccess);
}

cudaError_t
cudaEventCreate (cudaEvent_t *handle)
{
  return cudaEventCreateWithFlags (handle, cudaEventDefault);
}

cudaError_t
cudaEventDestroy (cudaEvent_t handle)
{
  Call call ("cudaEventDestroy");

  if (call.failed ())
    return call.failure ();
  return call.end (events.erase (handle) == 1 ? cudaSuccess : cudaErrorInvalidResourceHandle);
}

cudaError_t
cudaEventRecord (cudaEvent_t event_handle, cudaStream_t handle)
{
  Call call ("cudaEventRecord");

  if (call.failed ())
    return call.failure ();
  auto stream = stream_find (handle);
  Event *event = event_find (event_handle);
  if (stream == nullptr || event == nullptr)
    return call.end (cudaErrorInvalidResourceHandle);
  if (stream->capture != nullptr)
    {
      event->point = {};
      event->capture = stream->capture;
      event->capture_nodes = stream->capture_tails;
      return call.end (cudaSuccess);
    }

  Work work;
  auto time = std::make_shared<double> (0.0);
  work.run = [time] { *time = now (); };
  cudaError_t status = stream_submit (stream, std::move (work));
  if (status == cudaSuccess)
    {
      event->point = stream_tail (stream);
      event->time = time;
      event->capture = nullptr;
    }
  return call.end (status);
}

cudaError_t
cudaEventSynchronize (cudaEvent_t handle)
{
  Call call ("cudaEventSynchronize");

  if (call.failed ())
    return call.failure ();
  Event *event = event_find (handle);
  if (event == nullptr)
    return call.end (cudaErrorInvalidResourceHandle);
  if (event->capture != nullptr)
    return call.end (cudaErrorCapturedEvent);
  cudaError_t status = capture_refuse ();
  if (status != cudaSuccess || event->point.stream == nullptr)
    return call.end (status);
  Point point = event->point;
  return call.end (stream_run (point, call.lock));
}

cudaError_t
cudaEventQuery (cudaEvent_t handle)
{
  Call call ("cudaEventQuery");

  if (call.failed ())
    return call.failure ();
  Event *event = event_find (handle);
  if (event == nullptr)
    return call.end (cudaErrorInvalidResourceHandle);
  if (event->capture != nullptr)
    return call.end (cudaErrorCapturedEvent);
  cudaError_t status = capture_refuse ();
  if (status != cudaSuccess)
    return call.end (status);
  return call.end (is_reached (event->point) ? cudaSuccess : cudaErrorNotReady);
}

cudaError_t
cudaEventElapsedTime (float *milliseconds, cudaEvent_t start_handle, cudaEvent_t end_handle)
{
  Call call ("cudaEventElapsedTime");

  if (call.failed ())
    return call.failure ();
  Event *start = event_find (start_handle), *end = event_find (end_handle);
  if (start == nullptr || end == nullptr || ((start->flags | end->flags) & cudaEventDisableTiming) != 0
      || start->time == nullptr || end->time == nullptr)
    return call.end (cudaErrorInvalidResourceHandle);
  if (!is_reached (start->point) || !is_reached (end->point))
    return call.end (cudaErrorNotReady);
  *milliseconds = (float) (*end->time - *start->time);
  return call.end (cudaSuccess);
}
