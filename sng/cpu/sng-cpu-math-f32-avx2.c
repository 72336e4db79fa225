/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cpu/sng-cpu-math-private.h"

#include <math.h>
#include <string.h>
#include "tensor/sng-philox-private.h"

#ifdef __x86_64__

/* The plain kernels once more, for processors that have AVX2. */
# ifdef __clang__
#  pragma clang attribute push(__attribute__ ((target ("avx2"))), apply_to = function)
# else
#  pragma GCC target("avx2")
# endif

#define REAL float
#define INTEGER gint32
#define SQRT sqrtf
#define LOG logf
#define GEMM sng_cpu_gemm_f32
#define TABLE sng_cpu_kernels_f32_avx2

#include "cpu/sng-cpu-math-table.inc"

# ifdef __clang__
#  pragma clang attribute pop
# endif

#endif
