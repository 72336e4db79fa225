/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <cuda_runtime_api.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BENCH_GPU_WARPS 8 /* of a block; each writes a word to the sink */

/* Reads n_bytes, a multiple of 16. */
cudaError_t bench_gpu_read (cudaStream_t  stream,
                            const void   *values,
                            size_t        n_bytes,
                            int           n_blocks,
                            unsigned     *sink);

#ifdef __cplusplus
}
#endif
