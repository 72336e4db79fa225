/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <cuda_runtime_api.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Reads n_bytes, a multiple of 16, and leaves a word for each block in sink, which may be the host's pinned memory. */
cudaError_t bench_gpu_read (cudaStream_t  stream,
                            const void   *values,
                            size_t        n_bytes,
                            int           n_blocks,
                            unsigned     *sink);

#ifdef __cplusplus
}
#endif
