/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "cuda_runtime_api.h"

/* A C file gets the runtime only, a C++ file also what kernels use. */
#ifdef __cplusplus
# include "sng-simt.h"

template <typename T>
static inline cudaError_t
cudaMalloc (T **pointer, size_t n_bytes)
{
  return cudaMalloc ((void **) pointer, n_bytes);
}

template <typename T>
static inline cudaError_t
cudaMallocHost (T **pointer, size_t n_bytes)
{
  return cudaMallocHost ((void **) pointer, n_bytes);
}
#endif
