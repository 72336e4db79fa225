/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "cpu/sng-cpu-private.h"
#include "tensor/sng-device-math-private.h"

G_BEGIN_DECLS

/* Every chunk is cut by one of these and never by the number of threads, so results do not depend on it. The benchmark of
 * what that costs puts other cuts in their place. */
#ifndef SNG_CPU_ROWS_PER_CHUNK
# define SNG_CPU_ROWS_PER_CHUNK 128   /* of a matrix product or a row-wise kernel */
# define SNG_CPU_COLUMNS_PER_TILE 512 /* of the rows of a matrix product: its sums stay in the cache */
# define SNG_CPU_COLUMNS_PER_CHUNK 64 /* of a sum over all rows */
#endif
#define SNG_CPU_ELEMENTS_PER_CHUNK 32768
#define SNG_CPU_QUERIES_PER_BLOCK 64

/* The same source (sng-cpu-math-*.inc) compiled for each table, all but f64 also for AVX2 with F16C, and once more for AVX-512's
 * masks and registers. All tables of a kind yield the same bits: the lanes of a sum are written out, and no multiplication is
 * fused with an addition. */
extern const SngKernels sng_cpu_kernels_f32;
extern const SngKernels sng_cpu_kernels_f32_avx2;
extern const SngKernels sng_cpu_kernels_f32_avx512;
extern const SngKernels sng_cpu_kernels_bf16;
extern const SngKernels sng_cpu_kernels_bf16_avx2;
extern const SngKernels sng_cpu_kernels_bf16_avx512;
extern const SngKernels sng_cpu_kernels_f16;
extern const SngKernels sng_cpu_kernels_f16_avx2;
extern const SngKernels sng_cpu_kernels_f16_avx512;
extern const SngKernels sng_cpu_kernels_f64;

/* The name of the table that is being compiled; meson.build sets the suffix. */
#ifndef SNG_CPU_SUFFIX
# define SNG_CPU_SUFFIX
#endif
#define SNG_CPU_PASTE(kind, suffix) sng_cpu_kernels_##kind##suffix
#define SNG_CPU_TABLE_OF(kind, suffix) SNG_CPU_PASTE (kind, suffix)
#define SNG_CPU_TABLE(kind) SNG_CPU_TABLE_OF (kind, SNG_CPU_SUFFIX)

/* The tables for the most that this processor has. */
const SngDeviceMath *sng_cpu_math_get         (void);
/* Those that it can run: 0 are the plain ones, NULL stands behind the last. */
const SngDeviceMath *sng_cpu_math_get_variant (guint index);

/* Scratch memory of the calling thread, one for each use, so that a kernel may hold its own while it asks for products. */
typedef enum
{
  SNG_CPU_SCRATCH_KERNEL,
  SNG_CPU_SCRATCH_PRODUCT, /* the products' own */
  SNG_CPU_N_SCRATCHES
} SngCpuScratchUse;

/* Aligned to 64 bytes, not zeroed. It grows to the largest size asked for, stays until the thread ends, and is valid until
 * the thread's next call with the same use. */
gpointer sng_cpu_scratch (SngCpuScratchUse use,
                          gsize            n_bytes);

/* c = alpha * a b + beta * c, row-major, a is [m, k] and b [k, n] after the transposition that 'T' asks for; in the
 * calling thread alone. */
void sng_cpu_gemm_f32 (char         transpose_a,
                       char         transpose_b,
                       gsize        m,
                       gsize        n,
                       gsize        k,
                       float        alpha,
                       const float *a,
                       gsize        a_stride,
                       const float *b,
                       gsize        b_stride,
                       float        beta,
                       float       *c,
                       gsize        c_stride);
void sng_cpu_gemm_f64 (char          transpose_a,
                       char          transpose_b,
                       gsize         m,
                       gsize         n,
                       gsize         k,
                       double        alpha,
                       const double *a,
                       gsize         a_stride,
                       const double *b,
                       gsize         b_stride,
                       double        beta,
                       double       *c,
                       gsize         c_stride);

/* The same of bf16, summed in f32. FALSE where oneDNN or the processor has no such product; then nothing was done. */
gboolean sng_cpu_gemm_bf16 (char           transpose_a,
                            char           transpose_b,
                            gsize          m,
                            gsize          n,
                            gsize          k,
                            float          alpha,
                            const guint16 *a,
                            gsize          a_stride,
                            const guint16 *b,
                            gsize          b_stride,
                            float          beta,
                            float         *c,
                            gsize          c_stride);

static inline guint
sng_cpu_n_chunks (gsize n,
                  gsize per_chunk)
{
  return (guint) ((n + per_chunk - 1) / per_chunk);
}

G_END_DECLS
