/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "cuda_runtime.h"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#define SNG_EMULATOR_MAX_DEVICES 8
#define SNG_EMULATOR_ALL_DEVICES (-1)
#define SNG_EMULATOR_NO_DEVICE (-2)

namespace emulator
{

/* ---- one lock, failures ---- */

extern std::mutex mutex;

/* A call of the API: it holds the lock, fails where SNG_EMULATOR_FAIL or the lack of a device says so, and keeps the
 * thread's last error. */
class Call
{
public:
  explicit Call (const char *function, bool needs_device = true);
  ~Call ();
  Call (const Call &) = delete;

  bool
  failed () const
  {
    return status_ != cudaSuccess;
  }
  cudaError_t
  failure ()
  {
    return end (status_);
  }
  cudaError_t end (cudaError_t status);

  std::unique_lock<std::mutex> lock;

private:
  cudaError_t status_;
};

/* The status that SNG_EMULATOR_FAIL wants from this call, or 0. */
int planted_failure (const char *function);

/* Ends the program. Inside a kernel the message names the kernel, the block and the thread. */
[[noreturn]] void fault (const char *format, ...) __attribute__ ((format (printf, 1, 2)));

int         n_devices ();
int         current_device ();
cudaError_t device_status ();
/* The number in an environment variable. */
int64_t     setting (const char *name, int64_t otherwise);

/* ---- memory ---- */

/* Host access to device memory is a crash except between these; device -1 is all. */
void memory_open (int device);
void memory_close ();
/* Looks for writes beyond the end or before the beginning of an allocation. */
void memory_check (int device, const SngSimtLaunch &launch);
/* The device that owns the address, or SNG_EMULATOR_NO_DEVICE for the host's. */
int  memory_device (const void *pointer);
/* Whether the bytes lie in one allocation of the device, or of pinned memory. */
bool memory_is_allocated (const void *pointer, size_t n_bytes);
bool memory_is_pinned (const void *pointer, size_t n_bytes);

/* ---- queues ---- */

struct Graph;
struct Capture;
struct Stream;

/* A point in a stream: all that was queued before it. */
struct Point
{
  std::shared_ptr<Stream> stream;
  uint64_t                position = 0;
};

struct Work
{
  int                    device = SNG_EMULATOR_NO_DEVICE; /* whose memory it touches */
  bool                   on_host = false;                   /* a function of the host, called without the lock */
  std::function<void ()> run;                                /* empty: it only waits */
  std::vector<Point>     waits;
  std::shared_ptr<Graph> graph; /* in place of run */
};

struct Stream : std::enable_shared_from_this<Stream>
{
  int              device = 0;
  unsigned         flags = 0;
  int              priority = 0;
  std::deque<Work> queue;
  uint64_t         n_queued = 0;
  uint64_t         n_done = 0;
  bool             running = false;
  std::thread::id  runner;

  std::shared_ptr<Capture> capture;
  std::set<size_t>         capture_tails; /* the nodes that the next one depends on */
};

struct Event
{
  unsigned                 flags = 0;
  Point                    point; /* no stream: never recorded */
  std::shared_ptr<double>  time;  /* in milliseconds, when it was reached */
  std::shared_ptr<Capture> capture;
  std::set<size_t>         capture_nodes;
};

/* Names a stream's object; NULL where there is no such stream. */
std::shared_ptr<Stream> stream_find (cudaStream_t stream);
std::shared_ptr<Stream> stream_default (int device);
/* Queues work, or adds it to the graph that the stream captures. */
cudaError_t             stream_submit (const std::shared_ptr<Stream> &stream, Work work);
/* Runs what was queued before the point, and what that waits for. Lets go of the lock in functions of the host. */
cudaError_t             stream_run (const Point &point, std::unique_lock<std::mutex> &lock);
cudaError_t             device_run (int device, std::unique_lock<std::mutex> &lock);
void                    run_work (const Work &work, std::unique_lock<std::mutex> &lock);
Point                   stream_tail (const std::shared_ptr<Stream> &stream);

/* ---- capture ---- */

/* For calls that CUDA holds for unsafe while a graph is captured: fails, and spoils the capture, unless the thread's mode
 * permits them. */
cudaError_t capture_refuse ();
cudaError_t capture_refuse_stream (Stream &stream);
cudaError_t capture_add (Stream &stream, Work work);
cudaError_t capture_wait (const std::shared_ptr<Stream> &stream, const Event &event);
void        graph_run (const Graph &graph, std::unique_lock<std::mutex> &lock);
bool        capture_is_active (const Stream &stream);

/* ---- kernels ---- */

void simt_run (const SngSimtLaunch &launch);
cudaError_t simt_check (const SngSimtLaunch &launch);
bool        simt_is_running ();
std::string kernel_name (const SngSimtLaunch &launch);

/* Fills with values that are not a number in every format. */
static inline void
spoil (void *memory, size_t n_bytes)
{
  memset (memory, 0xff, n_bytes);
}

/* A small generator for the orders that SNG_EMULATOR_SEED asks for; seed 0 keeps the natural order. */
class Shuffle
{
public:
  explicit Shuffle (uint64_t seed)
      : seed_ (seed), state_ (seed)
  {
  }
  bool
  natural () const
  {
    return seed_ == 0;
  }
  /* a number below n */
  size_t
  next (size_t n)
  {
    state_ += 0x9e3779b97f4a7c15u;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (size_t) ((z ^ (z >> 31)) % n);
  }
  template <typename T>
  void
  permute (T *values, size_t n)
  {
    if (!natural ())
      for (size_t i = n; i > 1; i--)
        std::swap (values[i - 1], values[next (i)]);
  }

private:
  uint64_t seed_;
  uint64_t state_;
};

Shuffle shuffle_from_environment ();

} // namespace emulator
