/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cpu/sng-cpu-math-private.h"

#include <dnnl.h>
#include <stdlib.h>

/* What all dtypes share: the choice of the kernels, matrix products, scratch memory. */

const SngDeviceMath *
sng_cpu_math_get (void)
{
  static const SngDeviceMath plain = { .f32 = &sng_cpu_kernels_f32, .f64 = &sng_cpu_kernels_f64 };
#ifdef SNG_HAVE_AVX2
  static const SngDeviceMath avx2 = { .f32 = &sng_cpu_kernels_f32_avx2, .f64 = &sng_cpu_kernels_f64 };

  if (__builtin_cpu_supports ("avx2"))
    return &avx2;
#endif
  return &plain;
}

typedef struct
{
  gpointer data;
  gsize n_bytes;
} Scratch;

static void
scratch_free (gpointer data)
{
  Scratch *scratch = data;

  free (scratch->data);
  g_free (scratch);
}

gpointer
sng_cpu_scratch (gsize n_bytes)
{
  static GPrivate key = G_PRIVATE_INIT (scratch_free);
  Scratch *scratch = g_private_get (&key);

  if (scratch == NULL)
    {
      scratch = g_new0 (Scratch, 1);
      g_private_set (&key, scratch);
    }
  if (scratch->n_bytes < n_bytes)
    {
      gsize rounded = (n_bytes + 4095) & ~(gsize) 4095;

      free (scratch->data);
      scratch->data = aligned_alloc (64, rounded);
      if (scratch->data == NULL)
        g_error ("[cpu][scratch] no memory for %" G_GSIZE_FORMAT " bytes", rounded);
      scratch->n_bytes = rounded;
    }
  return scratch->data;
}

/* c = beta * c: what is left of a product that sums up nothing. oneDNN would not touch c, not even where beta is 0. */
static void
scale_product (gsize m, gsize n, float beta, float *c, gsize c_stride)
{
  for (gsize i = 0; i < m; i++)
    for (gsize j = 0; j < n; j++)
      c[i * c_stride + j] = beta == 0 ? 0 : beta * c[i * c_stride + j];
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
  if (status != dnnl_success)
    g_error ("[cpu][gemm] oneDNN refuses a product of %" G_GSIZE_FORMAT " x %" G_GSIZE_FORMAT
             " x %" G_GSIZE_FORMAT ": %d",
             m, n, k, (int) status);
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
