/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "sng-emulator-private.h"
#include "cublasLt.h"

struct cublasLtContext
{
  int device;
};

struct cublasLtMatmulDescOpaque
{
  cublasComputeType_t compute;
  cudaDataType_t scale;
  bool device_scalars;
  bool transposed_a, transposed_b;
  cublasLtEpilogue_t epilogue;
  const void *bias;
  int32_t bias_type; /* -1: that of d */
};

struct cublasLtMatrixLayoutOpaque
{
  cudaDataType_t type;
  uint64_t n_rows, n_columns;
  int64_t ld;
};

struct cublasLtMatmulPreferenceOpaque
{
  uint64_t max_workspace;
  uint32_t reduction_mask;
  uint32_t alignments[4]; /* of a, b, c and d */
};

namespace emulator
{

using Desc = cublasLtMatmulDescOpaque;
using Layout = cublasLtMatrixLayoutOpaque;

/* A failure that was planted in this call; the call holds the lock. */
struct BlasCall
{
  explicit BlasCall (const char *function)
      : lock (mutex), status ((cublasStatus_t) planted_failure (function))
  {
  }
  ~BlasCall ()
  {
    memory_close ();
  }

  std::unique_lock<std::mutex> lock;
  cublasStatus_t status;
};

} // namespace emulator
