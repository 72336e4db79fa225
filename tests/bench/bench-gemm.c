/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cpu/sng-cpu-math-private.h"
#include "tensor/sng-half-private.h"

#include <dnnl.h>
#include <time.h>

#ifdef SNG_HAVE_OPENBLAS
# include <cblas.h>
#endif

/* oneDNN's matrix products beside OpenBLAS's, in one thread, at the shapes that the transformer cuts its layers into. Where
 * meson found no OpenBLAS only the rates of oneDNN are printed. Where the processor has them, the products of bf16 follow.
 *
 * They take turns, and each counts with its best turn of processor time: that is what the work of others on the machine
 * disturbs least. */

#define N_TURNS 40
#define TURN_FLOP 1e8

extern void omp_set_num_threads (int n_threads);

typedef struct
{
  const char *name;
  gboolean transpose_a, transpose_b;
  gint64 m, n, k; /* row-major C = A B */
} Product;

/* a and b are of floats, or of bf16 */
typedef void (*ProductFunc) (const Product *product, gconstpointer a, gconstpointer b, float *c);

static const Product products[] = {
  { "6 x 320: query, key, value", FALSE, TRUE, 128, 960, 320 },
  { "6 x 320: projection", FALSE, TRUE, 128, 320, 320 },
  { "6 x 320: up", FALSE, TRUE, 128, 1280, 320 },
  { "6 x 320: down", FALSE, TRUE, 128, 320, 1280 },
  { "6 x 320: gradient of up's input", FALSE, FALSE, 128, 320, 1280 },
  { "6 x 320: gradient of up's weight", TRUE, FALSE, 64, 320, 1024 },
  { "6 x 320: gradient of down's weight", TRUE, FALSE, 64, 1280, 1024 },
  { "3 x 128: projection", FALSE, TRUE, 128, 128, 128 },
  { "3 x 128: gradient of up's weight", TRUE, FALSE, 64, 128, 1024 },
  { "3 x 128: gradient of down's weight", TRUE, FALSE, 64, 512, 1024 },
  { "head of 16: scores", FALSE, TRUE, 64, 512, 16 },
  { "head of 16: values", FALSE, FALSE, 64, 16, 512 },
  { "head of 16: gradient of keys", TRUE, FALSE, 512, 16, 64 },
  { "head of 32: scores", FALSE, TRUE, 64, 512, 32 },
  { "decoder", FALSE, TRUE, 128, 33, 320 },
};

static void
multiply_onednn (const Product *product, gconstpointer a, gconstpointer b, float *c)
{
  dnnl_sgemm (product->transpose_a ? 'T' : 'N', product->transpose_b ? 'T' : 'N', product->m, product->n,
              product->k, 1, a, product->transpose_a ? product->m : product->k, b,
              product->transpose_b ? product->k : product->n, 0, c, product->n);
}

static gboolean
multiply_if_bf16 (const Product *product, const guint16 *a, const guint16 *b, float *c)
{
  gsize m = (gsize) product->m, n = (gsize) product->n, k = (gsize) product->k;

  return sng_cpu_gemm_bf16 (product->transpose_a ? 'T' : 'N', product->transpose_b ? 'T' : 'N', m, n, k, 1, a,
                            product->transpose_a ? m : k, b, product->transpose_b ? k : n, 0, c, n);
}

static void
multiply_bf16 (const Product *product, gconstpointer a, gconstpointer b, float *c)
{
  multiply_if_bf16 (product, a, b, c);
}

#ifdef SNG_HAVE_OPENBLAS
static void
multiply_openblas (const Product *product, gconstpointer a, gconstpointer b, float *c)
{
  int m = (int) product->m, n = (int) product->n, k = (int) product->k;

  cblas_sgemm (CblasRowMajor, product->transpose_a ? CblasTrans : CblasNoTrans,
               product->transpose_b ? CblasTrans : CblasNoTrans, m, n, k, 1, a, product->transpose_a ? m : k,
               b, product->transpose_b ? k : n, 0, c, n);
}
#endif

static float *
new_matrix (gint64 n_rows, gint64 n_columns)
{
  float *matrix = g_new (float, (gsize) (n_rows * n_columns));

  for (gint64 i = 0; i < n_rows * n_columns; i++)
    matrix[i] = (float) (i % 17) / 17 - 0.5f;

  return matrix;
}

static guint16 *
new_bf16 (const float *matrix, gint64 n)
{
  guint16 *rounded = g_new (guint16, (gsize) n);

  for (gint64 i = 0; i < n; i++)
    rounded[i] = sng_bf16_from_float (matrix[i]);

  return rounded;
}

static double
read_clock (void)
{
  struct timespec now;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);

  return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

static double
count_operations (const Product *product)
{
  return 2.0 * (double) product->m * (double) product->n * (double) product->k;
}

/* GFLOP/s */
static double
take_turn (ProductFunc multiply, const Product *product, gconstpointer a, gconstpointer b, float *c)
{
  double operations = count_operations (product);
  guint n = (guint) MAX (TURN_FLOP / operations, 1);
  double start = read_clock ();

  for (guint i = 0; i < n; i++)
    multiply (product, a, b, c);

  return operations * n / (read_clock () - start) / 1e9;
}

static void
measure (const Product *product)
{
  g_autofree float *a = new_matrix (product->m, product->k);
  g_autofree float *b = new_matrix (product->k, product->n);
  g_autofree float *c = new_matrix (product->m, product->n);
  g_autofree guint16 *a_bf16 = new_bf16 (a, product->m * product->k);
  g_autofree guint16 *b_bf16 = new_bf16 (b, product->k * product->n);
  gboolean has_bf16 = multiply_if_bf16 (product, a_bf16, b_bf16, c);
  double onednn = 0, openblas = 0, bf16 = 0;

  for (guint i = 0; i < N_TURNS; i++)
    {
      onednn = MAX (onednn, take_turn (multiply_onednn, product, a, b, c));
#ifdef SNG_HAVE_OPENBLAS
      openblas = MAX (openblas, take_turn (multiply_openblas, product, a, b, c));
#endif
      if (has_bf16)
        bf16 = MAX (bf16, take_turn (multiply_bf16, product, a_bf16, b_bf16, c));
    }

  g_print ("%-36s %4d x %4d x %4d: oneDNN %5.1f GFLOP/s", product->name, (int) product->m, (int) product->n,
           (int) product->k, onednn);
  if (openblas > 0)
    g_print (", OpenBLAS %5.1f, oneDNN/OpenBLAS %.2f", openblas, onednn / openblas);
  if (has_bf16)
    g_print (", bf16 %5.1f, bf16/f32 %.2f", bf16, bf16 / onednn);
  g_print ("\n");
}

int
main (void)
{
  omp_set_num_threads (1);
#ifdef SNG_HAVE_OPENBLAS
  openblas_set_num_threads (1);
#endif

  for (guint i = 0; i < G_N_ELEMENTS (products); i++)
    measure (&products[i]);

  return 0;
}
