/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sng-emulator-private.h"

using namespace emulator;

namespace
{

/* Rows of bytes; a plain copy is one row. */
struct Area
{
  char *to;
  size_t to_pitch;
  const char *from;
  size_t from_pitch;
  size_t width;
  size_t height;

  size_t
  span (size_t pitch) const
  {
    return width == 0 || height == 0 ? 0 : pitch * (height - 1) + width;
  }
};

enum class Place
{
  DEVICE,
  PINNED,
  PAGEABLE
};

Place
find_place (const void *pointer, size_t n_bytes)
{
  return memory_device (pointer) >= 0          ? Place::DEVICE
         : memory_is_pinned (pointer, n_bytes) ? Place::PINNED
                                               : Place::PAGEABLE;
}

bool
is_kind (Place from, Place to, enum cudaMemcpyKind kind)
{
  bool from_device = from == Place::DEVICE, to_device = to == Place::DEVICE;

  switch (kind)
    {
    case cudaMemcpyHostToHost:
      return !from_device && !to_device;
    case cudaMemcpyHostToDevice:
      return !from_device && to_device;
    case cudaMemcpyDeviceToHost:
      return from_device && !to_device;
    case cudaMemcpyDeviceToDevice:
      return from_device && to_device;
    case cudaMemcpyDefault:
      return true;
    }
  return false;
}

Work
copy_work (const Area &area)
{
  int to = memory_device (area.to), from = memory_device (area.from);
  Work work;

  work.device = to < 0 ? from : from < 0 || from == to ? to : SNG_EMULATOR_ALL_DEVICES;
  work.run = [area] {
    for (size_t row = 0; row < area.height; row++)
      memmove (area.to + row * area.to_pitch, area.from + row * area.from_pitch, area.width);
  };
  return work;
}

/* As CUDA has it: from pageable memory to a device the bytes are taken at once and arrive later; a copy to pageable memory
 * has ended on return; one from or to pinned memory has not begun. */
cudaError_t
copy (Call &call, Area area, enum cudaMemcpyKind kind, cudaStream_t handle, bool waits)
{
  auto stream = stream_find (handle);
  if (stream == nullptr)
    return cudaErrorInvalidResourceHandle;
  if (area.width > area.to_pitch || area.width > area.from_pitch)
    return cudaErrorInvalidPitchValue;

  size_t n_from = area.span (area.from_pitch), n_to = area.span (area.to_pitch);
  Place from = find_place (area.from, n_from), to = find_place (area.to, n_to);
  if (!is_kind (from, to, kind))
    return cudaErrorInvalidMemcpyDirection;
  if (n_from == 0)
    return cudaSuccess;
  if ((from == Place::DEVICE && !memory_is_allocated (area.from, n_from))
      || (to == Place::DEVICE && !memory_is_allocated (area.to, n_to)))
    return cudaErrorInvalidValue;
  /* A recorded copy would read or write such memory whenever the graph runs. */
  if (stream->capture != nullptr && (waits || from == Place::PAGEABLE || to == Place::PAGEABLE))
    return capture_refuse_stream (*stream);

  Work work;
  if (from == Place::PAGEABLE && to == Place::DEVICE)
    {
      auto staged = std::make_shared<std::vector<char>> (area.from, area.from + n_from);
      area.from = staged->data ();
      work = copy_work (area);
      work.run = [staged, run = std::move (work.run)] { run (); };
    }
  else
    work = copy_work (area);

  cudaError_t status = stream_submit (stream, std::move (work));
  if (status != cudaSuccess)
    return status;
  if (to == Place::PAGEABLE || (waits && !(from == Place::DEVICE && to == Place::DEVICE)))
    return stream_run (stream_tail (stream), call.lock);
  return cudaSuccess;
}

cudaError_t
set (void *to, int value, size_t n_bytes, cudaStream_t handle)
{
  auto stream = stream_find (handle);
  Work work;

  if (stream == nullptr)
    return cudaErrorInvalidResourceHandle;
  if (n_bytes == 0)
    return cudaSuccess;
  if (!memory_is_allocated (to, n_bytes) && !memory_is_pinned (to, n_bytes))
    return cudaErrorInvalidValue;
  work.device = memory_device (to);
  work.run = [to, value, n_bytes] { memset (to, value, n_bytes); };
  return stream_submit (stream, std::move (work));
}

} // namespace

cudaError_t
cudaMemcpy (void *to, const void *from, size_t n_bytes, enum cudaMemcpyKind kind)
{
  Call call ("cudaMemcpy");

  if (call.failed ())
    return call.failure ();
  cudaError_t status = capture_refuse ();
  if (status != cudaSuccess)
    return call.end (status);
  return call.end (
      copy (call, { (char *) to, n_bytes, (const char *) from, n_bytes, n_bytes, 1 }, kind, nullptr, true));
}

cudaError_t
cudaMemcpyAsync (void *to, const void *from, size_t n_bytes, enum cudaMemcpyKind kind, cudaStream_t stream)
{
  Call call ("cudaMemcpyAsync");

  if (call.failed ())
    return call.failure ();
  return call.end (
      copy (call, { (char *) to, n_bytes, (const char *) from, n_bytes, n_bytes, 1 }, kind, stream, false));
}

cudaError_t
cudaMemcpy2DAsync (void *to,
                   size_t to_pitch,
                   const void *from,
                   size_t from_pitch,
                   size_t width,
                   size_t height,
                   enum cudaMemcpyKind kind,
                   cudaStream_t stream)
{
  Call call ("cudaMemcpy2DAsync");

  if (call.failed ())
    return call.failure ();
  return call.end (copy (call, { (char *) to, to_pitch, (const char *) from, from_pitch, width, height },
                         kind, stream, false));
}

cudaError_t
cudaMemset (void *to, int value, size_t n_bytes)
{
  Call call ("cudaMemset");

  if (call.failed ())
    return call.failure ();
  return call.end (set (to, value, n_bytes, nullptr));
}

cudaError_t
cudaMemsetAsync (void *to, int value, size_t n_bytes, cudaStream_t stream)
{
  Call call ("cudaMemsetAsync");

  if (call.failed ())
    return call.failure ();
  return call.end (set (to, value, n_bytes, stream));
}
