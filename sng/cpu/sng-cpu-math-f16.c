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
#include "tensor/sng-half-private.h"
#include "tensor/sng-philox-private.h"

#define REAL float
#define INTEGER gint32
#define REAL_DTYPE SNG_DTYPE_F32
#define OPERAND guint16
#define OPERAND_IS_REAL 0
#define OPERAND_F16
#define OPERAND_DTYPE SNG_DTYPE_F16
#define SQRT sqrtf
#define LOG logf
#define GEMM gemm_operands
#define TABLE SNG_CPU_TABLE (f16)

#include "cpu/sng-cpu-math-table.inc"
