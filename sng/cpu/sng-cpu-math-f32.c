/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cpu/sng-cpu-math-private.h"

#include <math.h>
#include <string.h>
#ifdef __AVX2__
# include <immintrin.h>
#endif
#include "tensor/sng-philox-private.h"

#define REAL float
#define INTEGER gint32
#define REAL_DTYPE SNG_DTYPE_F32
#define OPERAND float
#define OPERAND_IS_REAL 1
#define OPERAND_DTYPE SNG_DTYPE_F32
#define SQRT sqrtf
#define LOG logf
#define GEMM sng_cpu_gemm_f32
#define TABLE SNG_CPU_TABLE (f32)

#include "cpu/sng-cpu-math-table.inc"
