/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sng-emulator-private.h"

#include <map>

namespace emulator
{

struct Node
{
  Work work;
  std::set<size_t> before; /* the nodes that it depends on; they have lower numbers */
};

struct Graph
{
  std::vector<Node> nodes;
};

struct Capture
{
  cudaStreamCaptureMode mode;
  std::thread::id thread;
  bool spoiled = false;
  bool ended = false;
  std::shared_ptr<Graph> graph = std::make_shared<Graph> ();
  std::vector<std::shared_ptr<Stream>> streams; /* the first one is where it began */
};

namespace
{

std::vector<std::shared_ptr<Capture>> captures;
std::map<cudaGraph_t, std::shared_ptr<Graph>> graphs;
std::map<cudaGraphExec_t, std::shared_ptr<Graph>> execs;
thread_local cudaStreamCaptureMode thread_mode = cudaStreamCaptureModeGlobal;

/* Whether all work of a stream that joined is something that the first stream waits for. */
bool
is_joined (const Capture &capture)
{
  const Graph &graph = *capture.graph;
  std::set<size_t> reached, next = capture.streams[0]->capture_tails;

  while (!next.empty ())
    {
      size_t node = *next.begin ();

      next.erase (next.begin ());
      if (reached.insert (node).second)
        next.insert (graph.nodes[node].before.begin (), graph.nodes[node].before.end ());
    }
  for (auto &stream : capture.streams)
    for (size_t node : stream->capture_tails)
      if (reached.count (node) == 0)
        return false;
  return true;
}

} // namespace

bool
capture_is_active (const Stream &stream)
{
  return stream.capture != nullptr;
}

cudaError_t
capture_refuse ()
{
  if (thread_mode == cudaStreamCaptureModeRelaxed)
    return cudaSuccess;

  for (auto &capture : captures)
    if (capture->thread == std::this_thread::get_id ()
            ? capture->mode != cudaStreamCaptureModeRelaxed
            : capture->mode == cudaStreamCaptureModeGlobal && thread_mode == cudaStreamCaptureModeGlobal)
      {
        capture->spoiled = true;
        return cudaErrorStreamCaptureUnsupported;
      }
  return cudaSuccess;
}

cudaError_t
capture_refuse_stream (Stream &stream)
{
  stream.capture->spoiled = true;
  return cudaErrorStreamCaptureUnsupported;
}

cudaError_t
capture_add (Stream &stream, Work work)
{
  std::vector<Node> &nodes = stream.capture->graph->nodes;

  if (stream.capture->spoiled)
    return cudaErrorStreamCaptureInvalidated;
  nodes.push_back ({ std::move (work), stream.capture_tails });
  stream.capture_tails = { nodes.size () - 1 };
  return cudaSuccess;
}

/* A stream that waits for an event of a capture becomes a part of it. */
cudaError_t
capture_wait (const std::shared_ptr<Stream> &stream, const Event &event)
{
  if (event.capture == nullptr)
    {
      /* Never recorded: nothing to wait for. Else the graph would depend on what is outside of it. */
      if (event.point.stream == nullptr)
        return cudaSuccess;
      stream->capture->spoiled = true;
      return cudaErrorStreamCaptureIsolation;
    }
  if (event.capture->ended)
    {
      if (stream->capture != nullptr)
        stream->capture->spoiled = true;
      return cudaErrorCapturedEvent;
    }
  if (stream->capture != nullptr && stream->capture != event.capture)
    {
      stream->capture->spoiled = event.capture->spoiled = true;
      return cudaErrorStreamCaptureMerge;
    }
  if (event.capture->spoiled)
    return cudaErrorStreamCaptureInvalidated;
  if (stream->capture == nullptr)
    {
      stream->capture = event.capture;
      stream->capture_tails.clear ();
      event.capture->streams.push_back (stream);
    }
  stream->capture_tails.insert (event.capture_nodes.begin (), event.capture_nodes.end ());
  return cudaSuccess;
}

/* In the order of the capture, or with a seed in any other one that the dependencies allow. */
void
graph_run (const Graph &graph, std::unique_lock<std::mutex> &lock)
{
  Shuffle shuffle = shuffle_from_environment ();
  std::vector<size_t> ready, missing (graph.nodes.size ());
  std::vector<std::vector<size_t>> after (graph.nodes.size ());

  if (shuffle.natural ())
    {
      for (const Node &node : graph.nodes)
        run_work (node.work, lock);
      return;
    }
  for (size_t i = 0; i < graph.nodes.size (); i++)
    {
      missing[i] = graph.nodes[i].before.size ();
      if (missing[i] == 0)
        ready.push_back (i);
      for (size_t before : graph.nodes[i].before)
        after[before].push_back (i);
    }
  while (!ready.empty ())
    {
      size_t place = shuffle.next (ready.size ());
      size_t node = ready[place];

      ready.erase (ready.begin () + (std::ptrdiff_t) place);
      run_work (graph.nodes[node].work, lock);
      for (size_t next : after[node])
        if (--missing[next] == 0)
          ready.push_back (next);
    }
}

} // namespace emulator

using namespace emulator;

cudaError_t
cudaStreamBeginCapture (cudaStream_t handle, enum cudaStreamCaptureMode mode)
{
  Call call ("cudaStreamBeginCapture");

  if (call.failed ())
    return call.failure ();
  auto stream = stream_find (handle);
  if (stream == nullptr)
    return call.end (cudaErrorInvalidResourceHandle);
  if (stream == stream_default (stream->device))
    return call.end (cudaErrorStreamCaptureUnsupported);
  if (stream->capture != nullptr)
    return call.end (cudaErrorInvalidValue);

  auto capture = std::make_shared<Capture> ();
  capture->mode = mode;
  capture->thread = std::this_thread::get_id ();
  capture->streams.push_back (stream);
  stream->capture = capture;
  stream->capture_tails.clear ();
  captures.push_back (capture);
  return call.end (cudaSuccess);
}

cudaError_t
cudaStreamEndCapture (cudaStream_t handle, cudaGraph_t *graph)
{
  Call call ("cudaStreamEndCapture");

  if (call.failed ())
    return call.failure ();
  auto stream = stream_find (handle);
  if (stream == nullptr)
    return call.end (cudaErrorInvalidResourceHandle);
  if (stream->capture == nullptr)
    return call.end (cudaErrorInvalidValue);

  std::shared_ptr<Capture> capture = stream->capture;
  cudaError_t status = cudaSuccess;

  *graph = nullptr;
  if (capture->mode != cudaStreamCaptureModeRelaxed && capture->thread != std::this_thread::get_id ())
    return call.end (cudaErrorStreamCaptureWrongThread);
  if (capture->streams[0] != stream)
    {
      capture->spoiled = true;
      return call.end (cudaErrorStreamCaptureUnmatched);
    }
  if (capture->spoiled)
    status = cudaErrorStreamCaptureInvalidated;
  else if (!is_joined (*capture))
    status = cudaErrorStreamCaptureUnjoined;

  capture->ended = true;
  for (auto &member : capture->streams)
    {
      member->capture = nullptr;
      member->capture_tails.clear ();
    }
  for (size_t i = 0; i < captures.size (); i++)
    if (captures[i] == capture)
      captures.erase (captures.begin () + (std::ptrdiff_t) i--);
  if (status == cudaSuccess)
    {
      *graph = (cudaGraph_t) capture->graph.get ();
      graphs[*graph] = capture->graph;
    }
  return call.end (status);
}

cudaError_t
cudaStreamIsCapturing (cudaStream_t handle, enum cudaStreamCaptureStatus *status)
{
  Call call ("cudaStreamIsCapturing");

  if (call.failed ())
    return call.failure ();
  auto stream = stream_find (handle);
  if (stream == nullptr)
    return call.end (cudaErrorInvalidResourceHandle);
  *status = stream->capture == nullptr ? cudaStreamCaptureStatusNone
            : stream->capture->spoiled ? cudaStreamCaptureStatusInvalidated
                                       : cudaStreamCaptureStatusActive;
  return call.end (cudaSuccess);
}

cudaError_t
cudaThreadExchangeStreamCaptureMode (enum cudaStreamCaptureMode *mode)
{
  Call call ("cudaThreadExchangeStreamCaptureMode");

  if (call.failed ())
    return call.failure ();
  if (*mode < cudaStreamCaptureModeGlobal || *mode > cudaStreamCaptureModeRelaxed)
    return call.end (cudaErrorInvalidValue);
  std::swap (*mode, thread_mode);
  return call.end (cudaSuccess);
}

/* Only their number. */
cudaError_t
cudaGraphGetNodes (cudaGraph_t handle, cudaGraphNode_t *nodes, size_t *n_nodes)
{
  Call call ("cudaGraphGetNodes");

  if (call.failed ())
    return call.failure ();
  auto found = graphs.find (handle);
  if (found == graphs.end () || nodes != nullptr)
    return call.end (cudaErrorInvalidValue);
  *n_nodes = found->second->nodes.size ();
  return call.end (cudaSuccess);
}

cudaError_t
cudaGraphInstantiate (cudaGraphExec_t *exec, cudaGraph_t handle, unsigned long long)
{
  Call call ("cudaGraphInstantiate");

  if (call.failed ())
    return call.failure ();
  auto found = graphs.find (handle);
  if (found == graphs.end ())
    return call.end (cudaErrorInvalidValue);

  auto copy = std::make_shared<Graph> (*found->second);
  *exec = (cudaGraphExec_t) copy.get ();
  execs[*exec] = copy;
  return call.end (cudaSuccess);
}

cudaError_t
cudaGraphLaunch (cudaGraphExec_t exec, cudaStream_t handle)
{
  Call call ("cudaGraphLaunch");

  if (call.failed ())
    return call.failure ();
  auto stream = stream_find (handle);
  auto found = execs.find (exec);
  if (stream == nullptr)
    return call.end (cudaErrorInvalidResourceHandle);
  if (found == execs.end ())
    return call.end (cudaErrorInvalidValue);
  if (stream->capture != nullptr)
    return call.end (capture_refuse_stream (*stream));

  Work work;
  work.graph = found->second;
  return call.end (stream_submit (stream, std::move (work)));
}

cudaError_t
cudaGraphDestroy (cudaGraph_t graph)
{
  Call call ("cudaGraphDestroy");

  if (call.failed ())
    return call.failure ();
  return call.end (graphs.erase (graph) == 1 ? cudaSuccess : cudaErrorInvalidValue);
}

cudaError_t
cudaGraphExecDestroy (cudaGraphExec_t exec)
{
  Call call ("cudaGraphExecDestroy");

  if (call.failed ())
    return call.failure ();
  return call.end (execs.erase (exec) == 1 ? cudaSuccess : cudaErrorInvalidValue);
}
