/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tensor/sng-device-math-private.h"

/* The engine's kernels, compiled with fast-math for this very processor (and with BENCH_FAST_KERNELS). How they are cut is
 * set while the program runs, so that it may follow the number of threads. */
typedef struct
{
  gsize rows_per_chunk;
  gsize columns_per_tile;
  gsize columns_per_chunk;
} BenchCut;

extern BenchCut bench_cut;
extern const SngKernels bench_fast_f32;
extern const SngKernels bench_fast_bf16;

#ifdef BENCH_FAST_KERNELS
# define SNG_CPU_ROWS_PER_CHUNK bench_cut.rows_per_chunk
# define SNG_CPU_COLUMNS_PER_TILE bench_cut.columns_per_tile
# define SNG_CPU_COLUMNS_PER_CHUNK bench_cut.columns_per_chunk
#endif
