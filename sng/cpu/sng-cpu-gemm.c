/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cpu/sng-cpu-math-private.h"

#include <dnnl.h>

/* Matrix products: oneDNN's, and plain loops in f64. */

/* c = beta * c: what is left of a product that sums up nothing. oneDNN would not touch c, not even where beta is 0. */
static void
scale_product (gsize m, gsize n, float beta, float *c, gsize c_stride)
{
  for (gsize i = 0; i < m; i++)
    for (gsize j = 0; j < n; j++)
      c[i * c_stride + j] = beta == 0 ? 0 : beta * c[i * c_stride + j];
}

static void
check_status (dnnl_status_t status, gsize m, gsize n, gsize k)
{
  if (status != dnnl_success)
    g_error ("[cpu][gemm] oneDNN refuses a product of %" G_GSIZE_FORMAT " x %" G_GSIZE_FORMAT
             " x %" G_GSIZE_FORMAT ": %d",
             m, n, k, (int) status);
}

void
sng_cpu_gemm_f32 (char transpose_a,
                  char transpose_b,
                  gsize m,
                  gsize n,
                  gsize k,
                  float alpha,
                  const float *a,
                  gsize a_stride,
                  const float *b,
                  gsize b_stride,
                  float beta,
                  float *c,
                  gsize c_stride)
{
  int n_openmp_threads;
  dnnl_status_t status;

  if (k == 0)
    {
      scale_product (m, n, beta, c, c_stride);
      return;
    }

  n_openmp_threads = sng_cpu_single_openmp_begin ();
  status = dnnl_sgemm (transpose_a, transpose_b, (dnnl_dim_t) m, (dnnl_dim_t) n, (dnnl_dim_t) k, alpha, a,
                       (dnnl_dim_t) a_stride, b, (dnnl_dim_t) b_stride, beta, c, (dnnl_dim_t) c_stride);
  sng_cpu_single_openmp_end (n_openmp_threads);
  check_status (status, m, n, k);
}

#ifdef SNG_HAVE_DNNL_GEMM_BF16

/* exported, but not declared in dnnl.h */
extern dnnl_status_t dnnl_gemm_bf16bf16f32 (char transpose_a,
                                            char transpose_b,
                                            dnnl_dim_t m,
                                            dnnl_dim_t n,
                                            dnnl_dim_t k,
                                            float alpha,
                                            const guint16 *a,
                                            dnnl_dim_t a_stride,
                                            const guint16 *b,
                                            dnnl_dim_t b_stride,
                                            float beta,
                                            float *c,
                                            dnnl_dim_t c_stride);

/* oneDNN would also emulate the product, but more slowly than the f32 one is. It may use less than the processor has: see
 * ONEDNN_MAX_CPU_ISA. */
static gboolean
have_bf16 (void)
{
  static gsize answer = 0;

  if (g_once_init_enter (&answer))
    {
      const guint16 one = 0x3f80;
      float product = 0;
      gboolean have =
          (dnnl_get_effective_cpu_isa () & dnnl_cpu_isa_avx512_core_bf16) == dnnl_cpu_isa_avx512_core_bf16
          && dnnl_gemm_bf16bf16f32 ('N', 'N', 1, 1, 1, 1, &one, 1, &one, 1, 0, &product, 1) == dnnl_success;

      g_once_init_leave (&answer, have ? 1 : 2);
    }
  return answer == 1;
}

#endif

gboolean
sng_cpu_gemm_bf16 (char transpose_a,
                   char transpose_b,
                   gsize m,
                   gsize n,
                   gsize k,
                   float alpha,
                   const guint16 *a,
                   gsize a_stride,
                   const guint16 *b,
                   gsize b_stride,
                   float beta,
                   float *c,
                   gsize c_stride)
{
#ifdef SNG_HAVE_DNNL_GEMM_BF16
  int n_openmp_threads;
  dnnl_status_t status;

  if (!have_bf16 ())
    return FALSE;
  if (k == 0)
    {
      scale_product (m, n, beta, c, c_stride);
      return TRUE;
    }

  n_openmp_threads = sng_cpu_single_openmp_begin ();
  status = dnnl_gemm_bf16bf16f32 (transpose_a, transpose_b, (dnnl_dim_t) m, (dnnl_dim_t) n, (dnnl_dim_t) k,
                                  alpha, a, (dnnl_dim_t) a_stride, b, (dnnl_dim_t) b_stride, beta, c,
                                  (dnnl_dim_t) c_stride);
  sng_cpu_single_openmp_end (n_openmp_threads);
  check_status (status, m, n, k);
  return TRUE;
#else
  return FALSE;
#endif
}

void
sng_cpu_gemm_f64 (char transpose_a,
                  char transpose_b,
                  gsize m,
                  gsize n,
                  gsize k,
                  double alpha,
                  const double *a,
                  gsize a_stride,
                  const double *b,
                  gsize b_stride,
                  double beta,
                  double *c,
                  gsize c_stride)
{
  gsize a_row = transpose_a == 'T' ? 1 : a_stride;
  gsize a_column = transpose_a == 'T' ? a_stride : 1;
  gsize b_row = transpose_b == 'T' ? 1 : b_stride;
  gsize b_column = transpose_b == 'T' ? b_stride : 1;

  for (gsize i = 0; i < m; i++)
    for (gsize j = 0; j < n; j++)
      {
        double sum = 0;

        for (gsize p = 0; p < k; p++)
          sum += a[i * a_row + p * a_column] * b[p * b_row + j * b_column];
        c[i * c_stride + j] = alpha * sum + (beta == 0 ? 0 : beta * c[i * c_stride + j]);
      }
}
