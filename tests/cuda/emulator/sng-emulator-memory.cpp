/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sng-emulator-private.h"
#include "sng-emulator-simt-private.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <csignal>
#include <sys/mman.h>
#include <unistd.h>

namespace emulator
{

namespace
{

constexpr size_t PAGE_BYTES = 4096;
constexpr size_t ALIGNMENT = 256;
constexpr size_t RANGE_BYTES = (size_t) 1 << 36;
constexpr size_t REUSE_BYTES = (size_t) 1 << 24;
constexpr int64_t DEFAULT_MEMORY = (int64_t) 4 << 30;
constexpr unsigned char CANARY = 0xa5;

size_t
round_up (size_t n_bytes, size_t unit)
{
  return (n_bytes + unit - 1) / unit * unit;
}

/* Whole pages, the allocation at their end; the page behind them is never accessible. What alignment leaves before and
 * behind the allocation holds canaries. */
struct Allocation
{
  char *pages;
  size_t n_page_bytes;
  size_t n_bytes;
  bool open;
  Allocation *next_open;
};

/* A device's memory is a range of addresses. What is not allocated in it maps an empty file: access is a SIGBUS. */
struct Range
{
  char *base = nullptr;
  size_t next = 0; /* where the search for a gap begins */
  size_t used = 0;
  std::map<char *, Allocation> allocations;
};

Range ranges[SNG_EMULATOR_MAX_DEVICES];
/* Allocations are closed. Work that runs opens those that it touches: its first access to each is a fault. So the price is
 * that of what is used, and a thread without work faults even while another one has some. */
Allocation *first_open;
thread_local int open_device = SNG_EMULATOR_NO_DEVICE;
/* Of the host, and open to all: whole pages as well, behind which access ends. What the driver has stays until the process ends,
 * also when destructors run. */
auto &pinned = *new std::map<char *, Allocation>;
int empty_file = -1;
struct sigaction previous_segv, previous_bus;

bool
protects ()
{
  static const bool value = setting ("SNG_EMULATOR_PROTECT", 1) != 0;

  return value;
}

void
protect (const Allocation &allocation, int access)
{
  if (mprotect (allocation.pages, allocation.n_page_bytes, access) != 0)
    fault ("the protection of device memory could not be changed");
}

void
close_allocations ()
{
  for (; first_open != nullptr; first_open = first_open->next_open)
    {
      first_open->open = false;
      protect (*first_open, PROT_NONE);
    }
}

/* Whether the address is in an allocation that was closed, and that the work of this thread may touch. */
bool
open_allocation (char *address, int device)
{
  if (device < 0 || (open_device != device && open_device != SNG_EMULATOR_ALL_DEVICES))
    return false;

  auto &allocations = ranges[device].allocations;
  auto after = allocations.upper_bound (address);

  /* The beginning of its first page comes before the allocation. */
  if (after != allocations.end () && address >= after->second.pages)
    after++;
  if (after == allocations.begin ())
    return false;
  Allocation &allocation = std::prev (after)->second;
  if (address >= allocation.pages + allocation.n_page_bytes || allocation.open)
    return false;
  protect (allocation, PROT_READ | PROT_WRITE);
  allocation.open = true;
  allocation.next_open = first_open;
  first_open = &allocation;
  return true;
}

/* Opens what work touches. Says what any other crash means before it takes its course. */
void
crash_handler (int number, siginfo_t *info, void *)
{
  char position[256], text[512];
  char *address = (char *) info->si_addr;
  int device = memory_device (address);

  if (number == SIGSEGV && open_allocation (address, device))
    return;
  describe_position (position, sizeof position);
  if (device >= 0)
    {
      Range &range = ranges[device];
      auto after = range.allocations.upper_bound (address);
      char beside[96] = "";

      if (after != range.allocations.begin ())
        {
          auto &[start, allocation] = *std::prev (after);
          snprintf (beside, sizeof beside, ", %zu bytes after the beginning of an allocation of %zu",
                    (size_t) (address - start), allocation.n_bytes);
        }
      snprintf (text, sizeof text, "cuda-emulator: %s%s touches %p of device %d%s\n", position,
                simt_is_running () ? "it" : "the host", (void *) address, device, beside);
    }
  else
    snprintf (text, sizeof text, "cuda-emulator: %saccess to %p\n", position, (void *) address);
  if (device >= 0 || position[0] != '\0')
    {
      ssize_t written = write (STDERR_FILENO, text, strlen (text));
      (void) written;
    }
  /* The access is tried once more. */
  sigaction (number, number == SIGBUS ? &previous_bus : &previous_segv, nullptr);
}

/* The message of a crash needs a stack of its own, since that of a kernel's thread may be what is full; a sanitizer has one
 * already. */
void
catch_crashes ()
{
  static thread_local std::unique_ptr<char[]> signal_stack;
  static bool installed;

  stack_t stack;
  if (signal_stack == nullptr && sigaltstack (nullptr, &stack) == 0 && (stack.ss_flags & SS_DISABLE) != 0)
    {
      constexpr size_t n_bytes = 64 * 1024;

      signal_stack.reset (new char[n_bytes]);
      stack = {};
      stack.ss_sp = signal_stack.get ();
      stack.ss_size = n_bytes;
      sigaltstack (&stack, nullptr);
    }
  if (!installed)
    {
      struct sigaction action = {};

      installed = true;
      action.sa_sigaction = crash_handler;
      action.sa_flags = SA_SIGINFO | SA_ONSTACK;
      sigaction (SIGSEGV, &action, &previous_segv);
      sigaction (SIGBUS, &action, &previous_bus);
    }
}

void
prepare (Range &range)
{
  if (range.base != nullptr)
    return;

  catch_crashes ();
  if (empty_file < 0)
    empty_file = memfd_create ("cuda-emulator", MFD_CLOEXEC);
  void *base = mmap (nullptr, RANGE_BYTES, PROT_NONE, MAP_SHARED | MAP_NORESERVE, empty_file, 0);
  if (empty_file < 0 || base == MAP_FAILED)
    fault ("the addresses of a device could not be reserved");
  range.base = (char *) base;
}

/* The first gap of n bytes from an offset on, or RANGE_BYTES. */
size_t
find_gap (const Range &range, size_t from, size_t n_bytes)
{
  for (auto &[start, allocation] : range.allocations)
    {
      size_t begin = (size_t) (allocation.pages - range.base);
      size_t end = begin + allocation.n_page_bytes + PAGE_BYTES;

      if (end <= from)
        continue;
      if (from + n_bytes <= begin)
        return from;
      from = end;
    }
  return from + n_bytes <= RANGE_BYTES ? from : RANGE_BYTES;
}

void
fill_canaries (char *start, const Allocation &allocation)
{
  memset (allocation.pages, CANARY, (size_t) (start - allocation.pages));
  memset (start + allocation.n_bytes, CANARY,
          (size_t) (allocation.pages + allocation.n_page_bytes - start) - allocation.n_bytes);
}

bool
is_canary (const char *from, const char *to)
{
  return std::all_of (from, to, [] (char c) { return (unsigned char) c == CANARY; });
}

cudaError_t
device_alloc (int device, void **pointer, size_t n_bytes)
{
  Range &range = ranges[device];
  size_t n_aligned = round_up (n_bytes, ALIGNMENT), n_page_bytes = round_up (n_bytes, PAGE_BYTES);

  *pointer = nullptr;
  if (n_bytes == 0)
    return cudaSuccess;
  prepare (range);
  if (n_bytes > (size_t) setting ("SNG_EMULATOR_MEMORY", DEFAULT_MEMORY)
      || range.used + n_aligned > (size_t) setting ("SNG_EMULATOR_MEMORY", DEFAULT_MEMORY))
    return cudaErrorMemoryAllocation;

  /* Addresses come back late, so that access to what was freed is found. */
  size_t limit = std::max (REUSE_BYTES, 2 * (range.used + n_page_bytes));
  size_t offset = find_gap (range, range.next, n_page_bytes + PAGE_BYTES);
  if (offset + n_page_bytes > limit)
    offset = find_gap (range, 0, n_page_bytes + PAGE_BYTES);
  if (offset == RANGE_BYTES)
    return cudaErrorMemoryAllocation;

  char *pages = range.base + offset;
  if (mmap (pages, n_page_bytes, PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0)
      == MAP_FAILED)
    return cudaErrorMemoryAllocation;
  range.next = offset + n_page_bytes + PAGE_BYTES;
  range.used += n_aligned;

  char *start = pages + n_page_bytes - n_aligned;
  Allocation allocation = { pages, n_page_bytes, n_bytes, false, nullptr };
  spoil (start, n_bytes);
  fill_canaries (start, allocation);
  range.allocations[start] = allocation;
  if (protects ())
    protect (allocation, PROT_NONE);
  *pointer = start;
  return cudaSuccess;
}

cudaError_t
device_free (int device, void *pointer)
{
  Range &range = ranges[device];
  auto found = range.allocations.find ((char *) pointer);

  if (found == range.allocations.end ())
    return cudaErrorInvalidValue;

  close_allocations ();
  Allocation allocation = found->second;
  range.used -= round_up (allocation.n_bytes, ALIGNMENT);
  range.allocations.erase (found);
  if (mmap (allocation.pages, allocation.n_page_bytes, PROT_NONE, MAP_SHARED | MAP_NORESERVE | MAP_FIXED,
            empty_file, allocation.pages - range.base)
      == MAP_FAILED)
    fault ("device memory could not be given back");
  return cudaSuccess;
}

} // namespace

void
memory_open (int device)
{
  catch_crashes ();
  if (device != open_device)
    close_allocations ();
  open_device = device;
}

void
memory_close ()
{
  close_allocations ();
  open_device = SNG_EMULATOR_NO_DEVICE;
}

void
memory_check (int device, const SngSimtLaunch &launch)
{
  for (auto &[start, allocation] : ranges[device].allocations)
    {
      /* Nothing was written to the others. */
      if (protects () && !allocation.open)
        continue;

      const char *end = start + allocation.n_bytes;
      const char *head = std::max (allocation.pages, start - ALIGNMENT);

      if (!is_canary (head, start) || !is_canary (end, allocation.pages + allocation.n_page_bytes))
        fault ("kernel %s wrote outside of the allocation of %zu bytes at %p", kernel_name (launch).c_str (),
               allocation.n_bytes, (void *) start);
    }
}

int
memory_device (const void *pointer)
{
  for (int d = 0; d < SNG_EMULATOR_MAX_DEVICES; d++)
    if (ranges[d].base != nullptr && (char *) pointer >= ranges[d].base
        && (char *) pointer < ranges[d].base + RANGE_BYTES)
      return d;
  return SNG_EMULATOR_NO_DEVICE;
}

bool
memory_is_allocated (const void *pointer, size_t n_bytes)
{
  int device = memory_device (pointer);

  if (device < 0)
    return false;
  auto after = ranges[device].allocations.upper_bound ((char *) pointer);
  if (after == ranges[device].allocations.begin ())
    return false;
  auto &[start, allocation] = *std::prev (after);
  return (char *) pointer + n_bytes <= start + allocation.n_bytes;
}

bool
memory_is_pinned (const void *pointer, size_t n_bytes)
{
  auto after = pinned.upper_bound ((char *) pointer);

  if (after == pinned.begin ())
    return false;
  auto &[start, allocation] = *std::prev (after);
  return (char *) pointer + n_bytes <= start + allocation.n_bytes;
}

} // namespace emulator

using namespace emulator;

cudaError_t
cudaMalloc (void **pointer, size_t n_bytes)
{
  Call call ("cudaMalloc");

  if (call.failed ())
    return call.failure ();
  cudaError_t status = capture_refuse ();
  return call.end (status != cudaSuccess ? status : device_alloc (current_device (), pointer, n_bytes));
}

cudaError_t
cudaFree (void *pointer)
{
  Call call ("cudaFree");

  if (call.failed ())
    return call.failure ();
  cudaError_t status = capture_refuse ();
  if (status != cudaSuccess || pointer == nullptr)
    return call.end (status);
  int device = memory_device (pointer);
  if (device < 0)
    return call.end (cudaErrorInvalidValue);
  status = device_run (device, call.lock);
  return call.end (status != cudaSuccess ? status : device_free (device, pointer));
}

static cudaError_t
host_alloc (Call &call, void **pointer, size_t n_bytes)
{
  if (call.failed ())
    return call.failure ();
  cudaError_t status = capture_refuse ();
  if (status != cudaSuccess)
    return call.end (status);
  *pointer = nullptr;
  if (n_bytes == 0)
    return call.end (cudaSuccess);

  size_t n_page_bytes = round_up (n_bytes, PAGE_BYTES);
  char *pages =
      (char *) mmap (nullptr, n_page_bytes + PAGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  if (pages == MAP_FAILED || mprotect (pages, n_page_bytes, PROT_READ | PROT_WRITE) != 0)
    return call.end (cudaErrorMemoryAllocation);
  catch_crashes ();
  *pointer = pages + n_page_bytes - round_up (n_bytes, ALIGNMENT);
  spoil (*pointer, n_bytes);
  pinned[(char *) *pointer] = { pages, n_page_bytes, n_bytes, true, nullptr };
  return call.end (cudaSuccess);
}

cudaError_t
cudaMallocHost (void **pointer, size_t n_bytes)
{
  Call call ("cudaMallocHost");

  return host_alloc (call, pointer, n_bytes);
}

cudaError_t
cudaHostAlloc (void **pointer, size_t n_bytes, unsigned int)
{
  Call call ("cudaHostAlloc");

  return host_alloc (call, pointer, n_bytes);
}

cudaError_t
cudaFreeHost (void *pointer)
{
  Call call ("cudaFreeHost");

  if (call.failed ())
    return call.failure ();
  cudaError_t status = capture_refuse ();
  if (status != cudaSuccess || pointer == nullptr)
    return call.end (status);
  auto found = pinned.find ((char *) pointer);
  if (found == pinned.end ())
    return call.end (cudaErrorInvalidValue);
  for (int d = 0; d < n_devices () && status == cudaSuccess; d++)
    status = device_run (d, call.lock);
  /* The memory goes, and nobody gets the addresses, so whoever comes late does not find something else there. */
  mmap (found->second.pages, found->second.n_page_bytes, PROT_NONE,
        MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  pinned.erase (found);
  return call.end (status);
}

cudaError_t
cudaMemGetInfo (size_t *n_free, size_t *total)
{
  Call call ("cudaMemGetInfo");

  if (call.failed ())
    return call.failure ();
  *total = (size_t) setting ("SNG_EMULATOR_MEMORY", DEFAULT_MEMORY);
  *n_free = *total - std::min (*total, ranges[current_device ()].used);
  return call.end (cudaSuccess);
}

cudaError_t
cudaPointerGetAttributes (struct cudaPointerAttributes *attributes, const void *pointer)
{
  Call call ("cudaPointerGetAttributes");

  if (call.failed ())
    return call.failure ();
  *attributes = { cudaMemoryTypeUnregistered, -2, nullptr, const_cast<void *> (pointer) };
  if (memory_is_allocated (pointer, 0))
    *attributes = { cudaMemoryTypeDevice, memory_device (pointer), const_cast<void *> (pointer), nullptr };
  else if (memory_is_pinned (pointer, 0))
    *attributes = { cudaMemoryTypeHost, current_device (), const_cast<void *> (pointer),
                    const_cast<void *> (pointer) };
  return call.end (cudaSuccess);
}
