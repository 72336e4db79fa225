/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "test-cuda-emulator.h"

/* Device memory, devices, and calls that fail. */

static __global__ void
write_at (char *memory, long offset)
{
  memory[offset] = 1;
}

static char *
alloc (size_t n_bytes)
{
  char *memory;

  assert_cuda (cudaMalloc (&memory, n_bytes));
  return memory;
}

static void
run_write (char *memory, long offset)
{
  assert_cuda (sng_cuda_launch (write_at, 1, 1, 0, nullptr, memory, offset));
  assert_cuda (cudaDeviceSynchronize ());
}

static void
test_fresh (void)
{
  for (size_t n_bytes : { 1, 255, 256, 4096, 5000, 100000 })
    {
      char *memory = alloc (n_bytes);

      g_assert_cmpuint ((uintptr_t) memory % 256, ==, 0);
      for (char c : from_device (memory, n_bytes))
        g_assert_cmphex ((unsigned char) c, ==, 0xff);
      /* Its first and its last byte are its own. */
      run_write (memory, 0);
      run_write (memory, (long) n_bytes - 1);
      assert_cuda (cudaMemset (memory, 0, n_bytes));
      g_assert_true (from_device (memory, n_bytes) == std::vector<char> (n_bytes));
      assert_cuda (cudaFree (memory));
    }
}

static void
test_capacity (void)
{
  size_t n_free, total;
  void *memory, *more;

  g_setenv ("SNG_EMULATOR_MEMORY", "1048576", TRUE);
  assert_cuda (cudaMalloc (&memory, 1000000));
  assert_cuda_fails (cudaMalloc (&more, 100000), cudaErrorMemoryAllocation);
  g_assert_null (more);
  assert_cuda (cudaMemGetInfo (&n_free, &total));
  g_assert_cmpuint (total, ==, 1048576);
  g_assert_cmpuint (n_free, ==, 1048576 - 1000192);
  assert_cuda (cudaFree (memory));
  assert_cuda (cudaMalloc (&more, 100000));
  assert_cuda (cudaFree (more));
  g_unsetenv ("SNG_EMULATOR_MEMORY");
}

static void
test_attributes (void)
{
  struct cudaPointerAttributes attributes;
  char *device = alloc (64), *pinned, pageable;

  assert_cuda (cudaMallocHost (&pinned, 64));
  assert_cuda (cudaPointerGetAttributes (&attributes, device + 10));
  g_assert_cmpint (attributes.type, ==, cudaMemoryTypeDevice);
  g_assert_cmpint (attributes.device, ==, 0);
  assert_cuda (cudaPointerGetAttributes (&attributes, pinned));
  g_assert_cmpint (attributes.type, ==, cudaMemoryTypeHost);
  assert_cuda (cudaPointerGetAttributes (&attributes, &pageable));
  g_assert_cmpint (attributes.type, ==, cudaMemoryTypeUnregistered);
  assert_cuda (cudaFree (device));
  assert_cuda (cudaFreeHost (pinned));
}

static void
test_wrong_calls (void)
{
  char *memory = alloc (64);
  char host[128] = "";

  assert_cuda_fails (cudaMemcpy (memory, host, 65, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  assert_cuda_fails (cudaMemcpy (host, memory + 1, 64, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  assert_cuda_fails (cudaMemcpy (memory, host, 64, cudaMemcpyDeviceToHost), cudaErrorInvalidMemcpyDirection);
  assert_cuda_fails (cudaMemset (memory, 0, 65), cudaErrorInvalidValue);
  assert_cuda_fails (cudaFree (memory + 1), cudaErrorInvalidValue);
  assert_cuda_fails (cudaFree (host), cudaErrorInvalidValue);
  assert_cuda_fails (cudaFreeHost (host), cudaErrorInvalidValue);
  assert_cuda_fails (cudaStreamSynchronize ((cudaStream_t) host), cudaErrorInvalidResourceHandle);
  assert_cuda (cudaFree (memory));
  assert_cuda_fails (cudaFree (memory), cudaErrorInvalidValue);
}

/* Rows of 3 bytes from a pitch of 4 to one of 5. */
static void
test_copy_2d (void)
{
  std::vector<char> from = { 1, 2, 3, 0, 4, 5, 6, 0 };
  char *memory = to_device (std::vector<char> (10)), *source = to_device (from);

  assert_cuda (cudaMemcpy2DAsync (memory, 5, source, 4, 3, 2, cudaMemcpyDeviceToDevice));
  g_assert_true (from_device (memory, 10) == (std::vector<char>{ 1, 2, 3, 0, 0, 4, 5, 6, 0, 0 }));
  assert_cuda_fails (cudaMemcpy2DAsync (memory, 2, source, 4, 3, 2, cudaMemcpyDeviceToDevice),
                     cudaErrorInvalidPitchValue);
  assert_cuda (cudaFree (memory));
  assert_cuda (cudaFree (source));
}

/* ---- access that is a fault ---- */

static void
test_host_access (void)
{
  if (g_test_subprocess ())
    {
      char *memory = alloc (100);

      /* A kernel's access does not leave it open. */
      run_write (memory, 0);
      *(volatile char *) (memory + 3) = 1;
      return;
    }
  assert_dies (
      "*cuda-emulator: the host touches *of device 0, 3 bytes after the beginning of an allocation of 100*");
}

/* While the work of a stream is done, its functions on the host are on the host. */
static void
test_host_function_access (void)
{
  if (g_test_subprocess ())
    {
      char *memory = alloc (100);

      run_write (memory, 0);
      assert_cuda (cudaLaunchHostFunc (
          nullptr, [] (void *data) { *(volatile char *) data = 1; }, memory));
      assert_cuda (cudaDeviceSynchronize ());
      return;
    }
  assert_dies ("*cuda-emulator: the host touches *of device 0, 0 bytes after*");
}

static void
test_unprotected (void)
{
  if (g_test_subprocess ())
    {
      g_setenv ("SNG_EMULATOR_PROTECT", "0", TRUE);
      volatile char *memory = alloc (100);

      memory[3] = 1;
      g_assert_cmpint (memory[3], ==, 1);
      return;
    }
  g_test_trap_subprocess (NULL, 0, (GTestSubprocessFlags) 0);
  g_test_trap_assert_passed ();
}

static void
test_guard (void)
{
  if (g_test_subprocess ())
    {
      run_write (alloc (512), 512);
      return;
    }
  assert_dies (
      "*kernel write_at, block (0,0,0), thread (0,0,0): it touches *of device 0, 512 bytes after*of 512*");
}

static void
test_canary_behind (void)
{
  if (g_test_subprocess ())
    {
      run_write (alloc (100), 100);
      return;
    }
  assert_dies ("*kernel write_at wrote outside of the allocation of 100 bytes*");
}

static void
test_canary_before (void)
{
  if (g_test_subprocess ())
    {
      run_write (alloc (100), -1);
      return;
    }
  assert_dies ("*kernel write_at wrote outside of the allocation of 100 bytes*");
}

static void
test_use_after_free (void)
{
  if (g_test_subprocess ())
    {
      char *memory = alloc (512);

      alloc (512);
      assert_cuda (cudaFree (memory));
      run_write (memory, 0);
      return;
    }
  assert_dies ("*kernel write_at, *it touches*of device 0*");
}

static void
test_other_device (void)
{
  if (g_test_subprocess ())
    {
      g_setenv ("SNG_EMULATOR_DEVICES", "2", TRUE);
      char *memory = alloc (512);

      assert_cuda (cudaSetDevice (1));
      run_write (memory, 0);
      return;
    }
  assert_dies ("*kernel write_at, *it touches*of device 0, 0 bytes after*");
}

static __global__ void
overrun_shared (void)
{
  sng_cuda_shared<volatile char> ()[64] = 1;
}

/* A kernel's writes to pinned memory are there when somebody has waited. */
static void
test_pinned (void)
{
  char *pinned;

  assert_cuda (cudaMallocHost (&pinned, 5000));
  pinned[4999] = 0;
  assert_cuda (sng_cuda_launch (write_at, 1, 1, 0, nullptr, pinned, 4999));
  g_assert_cmpint (pinned[4999], ==, 0);
  assert_cuda (cudaStreamSynchronize (nullptr));
  g_assert_cmpint (pinned[4999], ==, 1);
  assert_cuda (cudaFreeHost (pinned));
}

static void
test_pinned_guard (void)
{
  if (g_test_subprocess ())
    {
      char *pinned;

      assert_cuda (cudaMallocHost (&pinned, 8192));
      run_write (pinned, 8192);
      return;
    }
  assert_dies ("*kernel write_at, *access to*");
}

static void
test_pinned_after_free (void)
{
  if (g_test_subprocess ())
    {
      char *pinned;

      assert_cuda (cudaMallocHost (&pinned, 8192));
      assert_cuda (cudaFreeHost (pinned));
      run_write (pinned, 0);
      return;
    }
  assert_dies ("*kernel write_at, *access to*");
}

static void
test_shared_guard (void)
{
  if (g_test_subprocess ())
    {
      sng_cuda_launch (overrun_shared, 1, 1, 64, nullptr);
      cudaDeviceSynchronize ();
      return;
    }
  assert_dies ("*kernel overrun_shared, *access to*");
}

/* ---- devices and failures ---- */

static void
test_devices (void)
{
  struct cudaDeviceProp properties;
  int n = -1, version;
  void *memory;

  g_setenv ("SNG_EMULATOR_DEVICES", "0", TRUE);
  assert_cuda_fails (cudaGetDeviceCount (&n), cudaErrorNoDevice);
  g_assert_cmpint (n, ==, 0);
  assert_cuda_fails (cudaMalloc (&memory, 1), cudaErrorNoDevice);
  g_setenv ("SNG_EMULATOR_DEVICES", "-1", TRUE);
  assert_cuda_fails (cudaGetDeviceCount (&n), cudaErrorInsufficientDriver);
  assert_cuda (cudaDriverGetVersion (&version));
  g_assert_cmpint (version, <, CUDART_VERSION);

  g_setenv ("SNG_EMULATOR_DEVICES", "2", TRUE);
  assert_cuda (cudaGetDeviceCount (&n));
  g_assert_cmpint (n, ==, 2);
  assert_cuda_fails (cudaSetDevice (2), cudaErrorInvalidDevice);
  assert_cuda (cudaGetDeviceProperties (&properties, 1));
  g_assert_cmpstr (properties.name, ==, "Emulated GPU");
  g_assert_cmpint (properties.major, ==, 9);
  g_assert_cmpint (properties.multiProcessorCount, ==, 132);

  /* A stream belongs to the device that was current when it was made. */
  cudaStream_t stream;
  assert_cuda (cudaStreamCreate (&stream));
  assert_cuda (cudaSetDevice (1));
  g_assert_cmpint (sng_cuda_launch (write_at, 1, 1, 0, stream, nullptr, 0), ==,
                   cudaErrorInvalidResourceHandle);
  char *there = to_device (std::vector<char>{ 1, 2 });
  assert_cuda (cudaSetDevice (0));
  char *here = alloc (2);
  assert_cuda (cudaMemcpy (here, there, 2, cudaMemcpyDeviceToDevice));
  g_assert_true (from_device (here, 2) == (std::vector<char>{ 1, 2 }));
  assert_cuda (cudaFree (here));
  assert_cuda (cudaFree (there));
  assert_cuda (cudaStreamDestroy (stream));
  g_unsetenv ("SNG_EMULATOR_DEVICES");
}

static void
test_planted_failures (void)
{
  char *memory = nullptr, *other;

  g_setenv ("SNG_EMULATOR_FAIL", "cudaMalloc:2:2", TRUE);
  memory = alloc (16);
  assert_cuda_fails (cudaMalloc (&other, 16), cudaErrorMemoryAllocation);
  assert_cuda_fails (cudaPeekAtLastError (), cudaErrorMemoryAllocation);
  assert_cuda_fails (cudaGetLastError (), cudaErrorMemoryAllocation);
  assert_cuda (cudaGetLastError ());
  assert_cuda (cudaMalloc (&other, 16));
  assert_cuda (cudaFree (other));

  g_setenv ("SNG_EMULATOR_FAIL", "cudaLaunchKernel:1:719", TRUE);
  g_assert_cmpint (sng_cuda_launch (write_at, 1, 1, 0, nullptr, memory, 0), ==, cudaErrorLaunchFailure);
  run_write (memory, 0);
  g_setenv ("SNG_EMULATOR_FAIL", "cudaStreamSynchronize:1:700", TRUE);
  assert_cuda_fails (cudaStreamSynchronize (nullptr), cudaErrorIllegalAddress);
  g_unsetenv ("SNG_EMULATOR_FAIL");
  assert_cuda (cudaFree (memory));
  g_assert_cmpstr (cudaGetErrorString (cudaErrorMemoryAllocation), ==, "out of memory");
}

static void
test_counted_calls (void)
{
  unsigned all = sng_emulator_count_calls (nullptr);
  unsigned launches = sng_emulator_count_calls ("cudaLaunchKernel");
  char *memory = alloc (16);

  run_write (memory, 0);
  assert_cuda (cudaFree (memory));
  g_assert_cmpuint (sng_emulator_count_calls ("cudaLaunchKernel"), ==, launches + 1);
  g_assert_cmpuint (sng_emulator_count_calls (nullptr), ==, all + 4);
  g_assert_cmpuint (sng_emulator_count_calls ("cudaNothing"), ==, 0);
}

#define add(path, function) g_test_add_func ("/sng/cuda-emulator/" path, function)

void
add_memory_tests (void)
{
  add ("memory/fresh", test_fresh);
  add ("memory/capacity", test_capacity);
  add ("memory/attributes", test_attributes);
  add ("memory/wrong-calls", test_wrong_calls);
  add ("memory/copy-2d", test_copy_2d);
  add ("memory/host-access", test_host_access);
  add ("memory/host-function-access", test_host_function_access);
  add ("memory/unprotected", test_unprotected);
  add ("memory/guard", test_guard);
  add ("memory/canary-behind", test_canary_behind);
  add ("memory/canary-before", test_canary_before);
  add ("memory/use-after-free", test_use_after_free);
  add ("memory/other-device", test_other_device);
  add ("memory/pinned", test_pinned);
  add ("memory/pinned-guard", test_pinned_guard);
  add ("memory/pinned-after-free", test_pinned_after_free);
  add ("memory/shared-guard", test_shared_guard);
  add ("device/devices", test_devices);
  add ("device/planted-failures", test_planted_failures);
  add ("device/counted-calls", test_counted_calls);
}
