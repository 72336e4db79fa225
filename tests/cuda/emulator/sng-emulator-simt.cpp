/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sng-emulator-private.h"
#include "sng-emulator-simt-private.h"

#include <boost/context/fiber.hpp>
#include <boost/context/preallocated.hpp>

#include <climits>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <link.h>
#include <sys/mman.h>

#ifndef __has_feature
# define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
# include <sanitizer/common_interface_defs.h>
# define SNG_EMULATOR_ASAN
#elif defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
# include <sanitizer/tsan_interface.h>
# define SNG_EMULATOR_TSAN
#endif

SngSimtPosition sng_simt_position;

namespace emulator
{

namespace
{

constexpr size_t STACK_BYTES = 128 * 1024;
constexpr size_t PAGE_BYTES = 4096;
constexpr unsigned MAX_THREADS = 1024;
constexpr size_t MAX_SHARED_BYTES = 227 * 1024;
constexpr size_t DEFAULT_SHARED_BYTES = 48 * 1024;
/* What one block changed of the static shared memory is kept in steps of this size. */
constexpr size_t STATICS_STEP = 256;

namespace context = boost::context;

struct Block
{
  const SngSimtLaunch *launch = nullptr;
  unsigned n_threads = 0;
  unsigned n_warps = 0;
  unsigned n_live = 0;
  unsigned n_at_barrier = 0;
};

/* What runs on a stack of its own, and what a sanitizer must be told of each switch: AddressSanitizer of the stack, and of the frames
 * that it keeps elsewhere while another one runs; ThreadSanitizer which thread that is to it. */
struct Fiber
{
  context::fiber context;
  const void *stack = nullptr;
  size_t n_stack_bytes = 0;
  void *sanitizer = nullptr;
};

/* Fibers and their stacks are kept from launch to launch. They are never taken down: a stack cannot be unwound from
 * outside. */
std::vector<Fiber> *fibers;
Thread *threads;
Warp *warps;
Thread *running; /* NULL: no kernel runs */
Block block;
char *dynamic_end;
std::map<const void *, size_t> shared_limits;

/* The warp whose turn it is, and those of its lanes that will run before any other is looked for. */
struct Turn
{
  Warp *warp;
  unsigned lanes;
  unsigned start;
};

Turn turn;
Shuffle shuffle (0);
Fiber scheduler;
/* The one that was left by the last switch. */
Fiber *left;

/* Every stack has an inaccessible page below it. Tops differ in their place in a page, or all of them would compete for the same
 * lines of the processor's cache. */
class StackAllocator
{
public:
  explicit StackAllocator (unsigned index) : index_ (index), offset_ (index % (PAGE_BYTES / 64) * 64)
  {
  }
  context::stack_context
  allocate ()
  {
    context::stack_context stack;
    char *memory = (char *) mmap (nullptr, STACK_BYTES + PAGE_BYTES, PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (memory == MAP_FAILED || mprotect (memory, PAGE_BYTES, PROT_NONE) != 0)
      fault ("no memory for the stack of a thread");
    stack.size = STACK_BYTES - offset_;
    stack.sp = memory + PAGE_BYTES + STACK_BYTES - offset_;
    (*fibers)[index_].stack = memory + PAGE_BYTES;
    (*fibers)[index_].n_stack_bytes = stack.size;
    return stack;
  }
  void
  deallocate (context::stack_context &)
  {
  }

private:
  unsigned index_;
  size_t offset_;
};

/* The first that a fiber does after each switch to it. */
void
arrive (Fiber &self, context::fiber &&last)
{
  left->context = std::move (last);
#ifdef SNG_EMULATOR_ASAN
  __sanitizer_finish_switch_fiber (self.sanitizer, &left->stack, &left->n_stack_bytes);
#endif
}

void
switch_context (Fiber &from, Fiber &to)
{
  left = &from;
#ifdef SNG_EMULATOR_ASAN
  __sanitizer_start_switch_fiber (&from.sanitizer, to.stack, to.n_stack_bytes);
#elif defined(SNG_EMULATOR_TSAN)
  from.sanitizer = __tsan_get_current_fiber ();
  if (to.sanitizer == nullptr)
    to.sanitizer = __tsan_create_fiber (0);
  __tsan_switch_to_fiber (to.sanitizer, 0);
#endif
  arrive (from, std::move (to.context).resume ());
}

/* The lane of this warp that runs next, or NULL if all of them wait for something else than the warp. */
Thread *
next_lane ()
{
  if (turn.lanes == 0)
    {
      turn.lanes = turn.warp->ready;
      turn.warp->ready = 0;
      turn.start = shuffle.natural () ? 0 : (unsigned) shuffle.next (SNG_SIMT_WARP);
    }
  if (turn.lanes == 0)
    return nullptr;

  unsigned later = turn.lanes >> turn.start << turn.start;
  unsigned lane = (unsigned) __builtin_ctz (later != 0 ? later : turn.lanes);

  turn.lanes &= ~(1u << lane);
  return turn.warp->first + lane;
}

void make_fiber (unsigned index);

/* Goes on with the next lane of the warp, or with the scheduler; a thread goes straight to the next one. */
void
leave (Fiber &from)
{
  running = next_lane ();
  if (running == nullptr)
    {
      if (&from != &scheduler)
        switch_context (from, scheduler);
      return;
    }

  Fiber &to = (*fibers)[running->index];

  sng_simt_position.thread = running->position;
  sng_simt_position.lane = running->lane;
  if (to.stack == nullptr)
    make_fiber (running->index);
  switch_context (from, to);
}

void
end_thread (Thread &thread)
{
  Warp &warp = *thread.warp;

  thread.state = State::DONE;
  block.n_live--;
  warp.n_live--;
  /* The others may have waited for this one only. */
  if (warp.n_arrived > 0 && warp.n_arrived == warp.n_live)
    warp_complete (warp);
}

void
make_fiber (unsigned index)
{
  Fiber &self = (*fibers)[index];

  self.context = context::fiber (std::allocator_arg, StackAllocator (index), [&self] (context::fiber &&last) {
    arrive (self, std::move (last));
    for (;;)
      {
        block.launch->invoke (block.launch->function, block.launch->arguments.get ());
        end_thread (*running);
        leave (self);
      }
    return context::fiber ();
  });
}

void
prepare_once ()
{
  if (fibers != nullptr)
    return;

  threads = new Thread[MAX_THREADS];
  warps = new Warp[MAX_THREADS / SNG_SIMT_WARP];
  fibers = new std::vector<Fiber> (MAX_THREADS);

  /* Dynamic shared memory ends where access ends. */
  size_t n_bytes = (MAX_SHARED_BYTES + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
  char *memory = (char *) mmap (nullptr, n_bytes + PAGE_BYTES, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED || mprotect (memory + n_bytes, PAGE_BYTES, PROT_NONE) != 0)
    fault ("no memory for shared memory");
  dynamic_end = memory + n_bytes;
}

void
start_block (dim3 dims)
{
  block.n_live = block.n_threads;
  block.n_at_barrier = 0;
  for (unsigned w = 0; w < block.n_warps; w++)
    {
      unsigned n_lanes = std::min (block.n_threads - w * SNG_SIMT_WARP, (unsigned) SNG_SIMT_WARP);

      warps[w].first = &threads[w * SNG_SIMT_WARP];
      warps[w].n_live = n_lanes;
      warps[w].n_arrived = 0;
      warps[w].ready = n_lanes == 32 ? 0xffffffffu : (1u << n_lanes) - 1u;
      warps[w].current = 0;
      warps[w].slots[0].lanes = warps[w].slots[1].lanes = 0;
    }
  for (unsigned i = 0; i < block.n_threads; i++)
    {
      Thread &thread = threads[i];

      thread.index = i;
      thread.warp = &warps[i / SNG_SIMT_WARP];
      thread.lane = i % SNG_SIMT_WARP;
      thread.position = { i % dims.x, i / dims.x % dims.y, i / dims.x / dims.y };
      thread.state = State::READY;
      thread.place = {};
      thread.copies.clear ();
      thread.groups.clear ();
    }
}

[[noreturn]] void
report_divergence (const Thread &one, const Thread &other)
{
  const char *doing = other.state == State::DONE ? "has ended" : "waits";

  running = const_cast<Thread *> (&one);
  sng_simt_position.thread = one.position;
  fault ("divergence: it waits at %s (%s:%d), but thread (%u,%u,%u) %s at %s (%s:%d)", one.place.what,
         one.place.file, one.place.line, other.position.x, other.position.y, other.position.z, doing,
         other.place.what, other.place.file, other.place.line);
}

/* All live threads wait. Either that is one barrier, or they have diverged. */
void
pass_barrier ()
{
  const Thread *first = nullptr;

  for (unsigned i = 0; i < block.n_threads; i++)
    if (threads[i].state != State::DONE)
      {
        if (first == nullptr)
          first = &threads[i];
        else if (threads[i].state != first->state || !same_place (threads[i].place, first->place))
          report_divergence (threads[i], *first);
      }
  if (first == nullptr || first->state != State::AT_BARRIER)
    fault ("the emulator lost the threads of a block");

  block.n_at_barrier = 0;
  for (unsigned i = 0; i < block.n_threads; i++)
    if (threads[i].state == State::AT_BARRIER)
      {
        threads[i].state = State::READY;
        threads[i].warp->ready |= 1u << threads[i].lane;
      }
}

void
run_block ()
{
  unsigned order[MAX_THREADS / SNG_SIMT_WARP];

  for (unsigned w = 0; w < block.n_warps; w++)
    order[w] = w;
  while (block.n_live > 0)
    {
      bool moved = false;

      shuffle.permute (order, block.n_warps);
      for (unsigned w = 0; w < block.n_warps; w++)
        {
          turn = { &warps[order[w]], 0, 0 };
          moved |= turn.warp->ready != 0;
          leave (scheduler);
        }
      if (!moved)
        pass_barrier ();
    }
}

/* A module's block of thread-local memory, relative to something in it. */
struct StaticsPlace
{
  const char *something;
  size_t offset;
  size_t n_bytes;
};

int
find_place (struct dl_phdr_info *info, size_t, void *data)
{
  StaticsPlace *place = (StaticsPlace *) data;
  const char *begin = (const char *) info->dlpi_tls_data;

  for (int i = 0; begin != nullptr && i < info->dlpi_phnum; i++)
    if (info->dlpi_phdr[i].p_type == PT_TLS && place->something >= begin
        && place->something < begin + info->dlpi_phdr[i].p_memsz)
      {
        place->offset = (size_t) (place->something - begin);
        place->n_bytes = info->dlpi_phdr[i].p_memsz;
        return 1;
      }
  return 0;
}

/* The static shared memory of a kernel's module. It is that of all kernels of the module, so only what this launch has
 * changed is spoiled for its next block. */
class Statics
{
public:
  void
  start (const SngSimtLaunch &launch)
  {
    StaticsPlace &place = places_[launch.find_statics];

    place.something = launch.find_statics ();
    if (place.n_bytes == 0 && dl_iterate_phdr (find_place, &place) == 0)
      fault ("the static shared memory of the kernel cannot be found");
    begin_ = const_cast<char *> (place.something) - place.offset;
    n_bytes_ = place.n_bytes;
    changed_.clear ();
    spoil (begin_, n_bytes_);
  }

  void
  spoil_again ()
  {
    for (size_t offset : changed_)
      spoil (begin_ + offset, std::min (STATICS_STEP, n_bytes_ - offset));
  }

  /* After the first block. */
  void
  look ()
  {
    static const std::vector<char> clean (STATICS_STEP, (char) 0xff);

    for (size_t offset = 0; offset < n_bytes_; offset += STATICS_STEP)
      if (memcmp (begin_ + offset, clean.data (), std::min (STATICS_STEP, n_bytes_ - offset)) != 0)
        changed_.push_back (offset);
  }

  bool
  contains (const char *from, const char *to) const
  {
    return from >= begin_ && to <= begin_ + n_bytes_;
  }

private:
  char *begin_ = nullptr;
  size_t n_bytes_ = 0;
  std::vector<size_t> changed_;

  std::map<const char *(*) (), StaticsPlace> places_;
};

Statics statics;

} // namespace

void
thread_wait (State state, const SngSimtPlace &place)
{
  Thread *self = running;

  self->state = state;
  self->place = place;
  leave ((*fibers)[self->index]);
}

Thread &
thread_running ()
{
  if (running == nullptr)
    fault ("a function of kernels was called outside of a kernel");
  return *running;
}

bool
shared_contains (const void *pointer, size_t n_bytes)
{
  const char *from = (const char *) pointer, *to = from + n_bytes;

  return (from >= sng_simt_position.dynamic_shared && to <= dynamic_end) || statics.contains (from, to);
}

bool
simt_is_running ()
{
  return block.launch != nullptr;
}

/* The launch's name begins with the kernel's, which may have commas in its template arguments only. */
std::string
kernel_name (const SngSimtLaunch &launch)
{
  int depth = 0;
  size_t n = 0;

  for (; launch.name[n] != '\0'; n++)
    {
      char c = launch.name[n];

      depth += (c == '<' || c == '(') - (c == '>' || c == ')');
      if (c == ',' && depth <= 0)
        break;
    }
  return std::string (launch.name, n);
}

void
describe_position (char *text, size_t n_bytes)
{
  text[0] = '\0';
  if (block.launch == nullptr)
    return;

  const uint3 &b = sng_simt_position.block, &t = sng_simt_position.thread;
  snprintf (text, n_bytes,
            "kernel %s, block (%u,%u,%u), thread (%u,%u,%u): ", kernel_name (*block.launch).c_str (), b.x,
            b.y, b.z, t.x, t.y, t.z);
}

cudaError_t
simt_check (const SngSimtLaunch &launch)
{
  uint64_t n_threads = (uint64_t) launch.block.x * launch.block.y * launch.block.z;
  auto limit = shared_limits.find (launch.function);

  if (launch.grid.x == 0 || launch.grid.y == 0 || launch.grid.z == 0 || launch.grid.x > INT_MAX
      || launch.grid.y > 65535 || launch.grid.z > 65535 || n_threads == 0 || n_threads > MAX_THREADS
      || launch.block.z > 64)
    return cudaErrorInvalidConfiguration;
  if (launch.n_shared_bytes > (limit == shared_limits.end () ? DEFAULT_SHARED_BYTES : limit->second))
    return cudaErrorInvalidValue;
  return cudaSuccess;
}

cudaError_t
simt_set_shared_limit (const void *function, int n_bytes)
{
  if (n_bytes < 0 || (size_t) n_bytes > MAX_SHARED_BYTES)
    return cudaErrorInvalidValue;
  shared_limits[function] = std::max ((size_t) n_bytes, DEFAULT_SHARED_BYTES);
  return cudaSuccess;
}

void
simt_run (const SngSimtLaunch &launch)
{
  size_t n_blocks = (size_t) launch.grid.x * launch.grid.y * launch.grid.z;
  size_t n_shared_bytes = (launch.n_shared_bytes + 15) / 16 * 16;
  std::vector<unsigned> order;

  prepare_once ();
  shuffle = shuffle_from_environment ();
  block.launch = &launch;
  block.n_threads = launch.block.x * launch.block.y * launch.block.z;
  block.n_warps = (block.n_threads + SNG_SIMT_WARP - 1) / SNG_SIMT_WARP;
  sng_simt_position.block_dim = launch.block;
  sng_simt_position.grid_dim = launch.grid;
  sng_simt_position.dynamic_shared = dynamic_end - n_shared_bytes;

  if (!shuffle.natural ())
    {
      order.resize (n_blocks);
      for (size_t i = 0; i < n_blocks; i++)
        order[i] = (unsigned) i;
      shuffle.permute (order.data (), n_blocks);
    }

  statics.start (launch);
  for (size_t i = 0; i < n_blocks; i++)
    {
      size_t index = shuffle.natural () ? i : order[i];

      sng_simt_position.block = { (unsigned) (index % launch.grid.x),
                                  (unsigned) (index / launch.grid.x % launch.grid.y),
                                  (unsigned) (index / launch.grid.x / launch.grid.y) };
      spoil (sng_simt_position.dynamic_shared, n_shared_bytes);
      if (i > 0)
        statics.spoil_again ();
      start_block (launch.block);
      run_block ();
      if (i == 0)
        statics.look ();
    }
  block.launch = nullptr;
}

} // namespace emulator

void
sng_simt_barrier (SngSimtPlace place)
{
  emulator::thread_running ();
  emulator::thread_wait (emulator::State::AT_BARRIER, place);
}
