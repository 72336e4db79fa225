/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cpu/sng-cpu-math-private.h"

#include <math.h>
#include <string.h>
#include "tensor/sng-philox-private.h"

#define SNG_CPU_MATH_F64
#define REAL double
#define INTEGER gint64
#define REAL_DTYPE SNG_DTYPE_F64
#define OPERAND double
#define OPERAND_IS_REAL 1
#define OPERAND_DTYPE SNG_DTYPE_F64
#define SQRT sqrt
#define LOG log
#define GEMM sng_cpu_gemm_f64
#define TABLE sng_cpu_kernels_f64

#include "cpu/sng-cpu-math-table.inc"
