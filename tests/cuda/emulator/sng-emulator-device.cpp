/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sng-emulator-private.h"
#include "sng-emulator-simt-private.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

namespace emulator
{

std::mutex mutex;

namespace
{

constexpr int DRIVER_VERSION = 13000;
constexpr int OLD_DRIVER_VERSION = 12040;

thread_local int thread_device;
thread_local bool has_context; /* where the thread has chosen a device; that other calls make one is not shown */
thread_local cudaError_t last_error = cudaSuccess;

std::map<std::string, unsigned> n_calls; /* by their function */

/* What SNG_EMULATOR_FAIL said at the last call, and how many calls of its function have been since. */
std::string plan;
unsigned n_planned_calls;

} // namespace

int64_t
setting (const char *name, int64_t otherwise)
{
  const char *text = getenv (name);

  return text != nullptr && *text != '\0' ? strtoll (text, nullptr, 0) : otherwise;
}

Shuffle
shuffle_from_environment ()
{
  return Shuffle ((uint64_t) setting ("SNG_EMULATOR_SEED", 0));
}

void
fault (const char *format, ...)
{
  char position[256];
  va_list arguments;

  describe_position (position, sizeof position);
  fprintf (stderr, "cuda-emulator: %s", position);
  va_start (arguments, format);
  vfprintf (stderr, format, arguments);
  va_end (arguments);
  fputc ('\n', stderr);
  abort ();
}

/* SNG_EMULATOR_FAIL is FUNCTION:N:STATUS. */
int
planted_failure (const char *function)
{
  const char *text = getenv ("SNG_EMULATOR_FAIL");

  if (text == nullptr || *text == '\0')
    {
      plan.clear ();
      return 0;
    }
  if (plan != text)
    {
      plan = text;
      n_planned_calls = 0;
    }

  size_t n_name = plan.find (':');
  unsigned n = 0;
  int status = 0;

  if (n_name == std::string::npos || sscanf (text + n_name, ":%u:%d", &n, &status) != 2)
    fault ("SNG_EMULATOR_FAIL is \"%s\", but should be FUNCTION:N:STATUS", text);
  if (plan.compare (0, n_name, function) != 0)
    return 0;
  n_planned_calls++;
  return n_planned_calls == n ? status : 0;
}

int
n_devices ()
{
  return (int) std::clamp<int64_t> (setting ("SNG_EMULATOR_DEVICES", 1), 0, SNG_EMULATOR_MAX_DEVICES);
}

cudaError_t
device_status ()
{
  int64_t n = setting ("SNG_EMULATOR_DEVICES", 1);

  return n < 0 ? cudaErrorInsufficientDriver : n == 0 ? cudaErrorNoDevice : cudaSuccess;
}

int
current_device ()
{
  return thread_device;
}

Call::Call (const char *function, bool needs_device)
    : lock (mutex), status_ ((cudaError_t) planted_failure (function))
{
  n_calls[function]++;
  if (status_ == cudaSuccess && needs_device)
    status_ = device_status ();
}

/* Whatever ran in this call, the host may not look at device memory after it. */
Call::~Call ()
{
  memory_close ();
}

cudaError_t
Call::end (cudaError_t status)
{
  if (status != cudaSuccess)
    last_error = status;
  return status;
}

} // namespace emulator

using namespace emulator;

unsigned
sng_emulator_count_calls (const char *function)
{
  std::lock_guard<std::mutex> lock (mutex);
  unsigned n = 0;

  for (auto &[name, n_of_function] : n_calls)
    if (function == nullptr || name == function)
      n += n_of_function;
  return n;
}

cudaError_t
cudaGetDeviceCount (int *count)
{
  Call call ("cudaGetDeviceCount", false);

  if (call.failed ())
    return call.failure ();
  *count = n_devices ();
  return call.end (device_status ());
}

cudaError_t
cudaSetDevice (int device)
{
  Call call ("cudaSetDevice");

  if (call.failed ())
    return call.failure ();
  if (device < 0 || device >= n_devices ())
    return call.end (cudaErrorInvalidDevice);
  thread_device = device;
  has_context = true;
  return call.end (cudaSuccess);
}

/* The driver's, of which a device's context is its number and one. */
extern "C" SNG_EMULATOR_API int
cuCtxGetCurrent (void **context)
{
  *context = (void *) (uintptr_t) (has_context ? thread_device + 1 : 0);
  return 0;
}

extern "C" SNG_EMULATOR_API int
cuCtxSetCurrent (void *context)
{
  has_context = context != nullptr;
  thread_device = has_context ? (int) (uintptr_t) context - 1 : 0;
  return 0;
}

cudaError_t
cudaGetDevice (int *device)
{
  Call call ("cudaGetDevice");

  if (call.failed ())
    return call.failure ();
  *device = thread_device;
  return call.end (cudaSuccess);
}

cudaError_t
cudaGetDeviceProperties (struct cudaDeviceProp *properties, int device)
{
  Call call ("cudaGetDeviceProperties");

  if (call.failed ())
    return call.failure ();
  if (device < 0 || device >= n_devices ())
    return call.end (cudaErrorInvalidDevice);

  *properties = {};
  strcpy (properties->name, "Emulated GPU");
  memcpy (properties->uuid.bytes, "sng-emulated-gpu", 16);
  properties->uuid.bytes[15] = (char) ('0' + device);
  properties->totalGlobalMem = (size_t) setting ("SNG_EMULATOR_MEMORY", (int64_t) 4 << 30);
  properties->sharedMemPerBlock = 48 * 1024;
  properties->sharedMemPerBlockOptin = 227 * 1024;
  properties->sharedMemPerMultiprocessor = 228 * 1024;
  properties->regsPerBlock = 65536;
  properties->warpSize = SNG_SIMT_WARP;
  properties->maxThreadsPerBlock = 1024;
  properties->major = 9;
  properties->minor = 0;
  properties->multiProcessorCount = 132;
  properties->concurrentKernels = 1;
  properties->asyncEngineCount = 3;
  properties->ECCEnabled = 1;
  properties->unifiedAddressing = 1;
  properties->memoryBusWidth = 5120;
  properties->l2CacheSize = 50 * 1024 * 1024;
  properties->pciBusID = 1 + device;
  return call.end (cudaSuccess);
}

cudaError_t
cudaDeviceGetAttribute (int *value, enum cudaDeviceAttr attribute, int device)
{
  Call call ("cudaDeviceGetAttribute");

  if (call.failed ())
    return call.failure ();
  if (device < 0 || device >= n_devices ())
    return call.end (cudaErrorInvalidDevice);
  switch (attribute)
    {
    case cudaDevAttrMaxThreadsPerBlock:
      *value = 1024;
      break;
    case cudaDevAttrWarpSize:
      *value = SNG_SIMT_WARP;
      break;
    case cudaDevAttrMultiProcessorCount:
      *value = 132;
      break;
    case cudaDevAttrComputeCapabilityMajor:
      *value = 9;
      break;
    case cudaDevAttrComputeCapabilityMinor:
      *value = 0;
      break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      *value = 227 * 1024;
      break;
    default:
      return call.end (cudaErrorInvalidValue);
    }
  return call.end (cudaSuccess);
}

cudaError_t
cudaDeviceGetPCIBusId (char *id, int length, int device)
{
  Call call ("cudaDeviceGetPCIBusId");

  if (call.failed ())
    return call.failure ();
  if (device < 0 || device >= n_devices ())
    return call.end (cudaErrorInvalidDevice);
  snprintf (id, (size_t) length, "0000:%02x:00.0", 1 + device);
  return call.end (cudaSuccess);
}

cudaError_t
cudaDeviceGetStreamPriorityRange (int *least, int *greatest)
{
  Call call ("cudaDeviceGetStreamPriorityRange");

  if (call.failed ())
    return call.failure ();
  *least = 0;
  *greatest = -5;
  return call.end (cudaSuccess);
}

cudaError_t
cudaDriverGetVersion (int *version)
{
  Call call ("cudaDriverGetVersion", false);

  if (call.failed ())
    return call.failure ();
  *version = device_status () == cudaErrorInsufficientDriver ? OLD_DRIVER_VERSION : DRIVER_VERSION;
  return call.end (cudaSuccess);
}

cudaError_t
cudaRuntimeGetVersion (int *version)
{
  Call call ("cudaRuntimeGetVersion", false);

  if (call.failed ())
    return call.failure ();
  *version = CUDART_VERSION;
  return call.end (cudaSuccess);
}

cudaError_t
cudaFuncSetAttribute (const void *function, enum cudaFuncAttribute attribute, int value)
{
  Call call ("cudaFuncSetAttribute");

  if (call.failed ())
    return call.failure ();
  if (attribute == cudaFuncAttributeMaxDynamicSharedMemorySize)
    return call.end (simt_set_shared_limit (function, value));
  return call.end (attribute == cudaFuncAttributePreferredSharedMemoryCarveout ? cudaSuccess
                                                                               : cudaErrorInvalidValue);
}

cudaError_t
cudaGetLastError (void)
{
  cudaError_t status = last_error;

  last_error = cudaSuccess;
  return status;
}

cudaError_t
cudaPeekAtLastError (void)
{
  return last_error;
}

#define ERROR_NAME(name, value, text)                                                                        \
 case name:                                                                                                  \
  return #name;
#define ERROR_TEXT(name, value, text)                                                                        \
 case name:                                                                                                  \
  return text;

const char *
cudaGetErrorName (cudaError_t error)
{
  switch (error)
    {
      SNG_EMULATOR_ERRORS (ERROR_NAME)
    }
  return "unrecognized error code";
}

const char *
cudaGetErrorString (cudaError_t error)
{
  switch (error)
    {
      SNG_EMULATOR_ERRORS (ERROR_TEXT)
    }
  return "unrecognized error code";
}
