/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

/* First, as in every file with kernels. */
#include "cuda/sng-cuda-kernel.h"

#include <glib.h>
#include <vector>

#define assert_cuda(call) g_assert_cmpstr (cudaGetErrorName (call), ==, "cudaSuccess")
#define assert_cuda_fails(call, status) g_assert_cmpstr (cudaGetErrorName (call), ==, #status)

/* Device memory with a copy of some values. */
template <typename T>
static inline T *
to_device (const std::vector<T> &values)
{
  T *device;

  assert_cuda (cudaMalloc (&device, values.size () * sizeof (T)));
  assert_cuda (cudaMemcpy (device, values.data (), values.size () * sizeof (T), cudaMemcpyHostToDevice));
  return device;
}

template <typename T>
static inline std::vector<T>
from_device (const T *device, size_t n)
{
  std::vector<T> values (n);

  assert_cuda (cudaMemcpy (values.data (), device, n * sizeof (T), cudaMemcpyDeviceToHost));
  return values;
}

/* The message that ends the program in a test which is a subprocess. */
#define assert_dies(...) \
  G_STMT_START \
    { \
      g_test_trap_subprocess (NULL, 0, (GTestSubprocessFlags) 0); \
      g_test_trap_assert_failed (); \
      for (const char *pattern_ : { __VA_ARGS__ }) \
        g_test_trap_assert_stderr (pattern_); \
    } \
  G_STMT_END

void add_kernel_tests (void);
void add_stream_tests (void);
void add_memory_tests (void);
void add_blas_tests (void);
