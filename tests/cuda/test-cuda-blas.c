/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>

#include <string.h>

#include "cublaslt-fixture.h"
#include "cuda/sng-cuda-blas-private.h"
#include "tensor/sng-device-private.h"

/* How products are asked for, kept and recorded. What they yield is the test cuda-linear's. */

#define WORKSPACE GSIZE_TO_POINTER (0x100)
#define STREAM ((cudaStream_t) GSIZE_TO_POINTER (0x200))

static SngCudaBlas *
new_blas (int major)
{
  memset (&fake, 0, sizeof fake);
  fake.n_choices = 1;
  return sng_cuda_blas_new (major, &fake_library);
}

/* [6, 4] of [6, 8] and [4, 8] transposed. */
static SngCudaProduct
some_product (void)
{
  return (SngCudaProduct){
    .m = 6,
    .n = 4,
    .k = 8,
    .operand = SNG_DTYPE_BF16,
    .real = SNG_DTYPE_F32,
    .b_transposed = TRUE,
    .a = GSIZE_TO_POINTER (0x1000),
    .b = GSIZE_TO_POINTER (0x2000),
    .result = GSIZE_TO_POINTER (0x3000),
  };
}

static void
multiply (SngCudaBlas *blas, const SngCudaProduct *product)
{
  g_autoptr (GError) error = NULL;
  SngCudaBlasResult result = sng_cuda_blas_multiply (blas, product, WORKSPACE, STREAM, &error);

  g_assert_no_error (error);
  g_assert_cmpint (result, ==, SNG_CUDA_BLAS_DONE);
}

static void
check_layout (const FakeLayout *layout, int type, guint64 n_rows, guint64 n_columns)
{
  g_assert_cmpint (layout->type, ==, type);
  g_assert_cmpuint (layout->n_rows, ==, n_rows);
  g_assert_cmpuint (layout->n_columns, ==, n_columns);
  g_assert_cmpint (layout->stride, ==, (gint64) n_rows);
}

/* What is row-major here is column-major and transposed there. */
static void
test_ask (void)
{
  g_autoptr (SngCudaBlas) blas = new_blas (9);
  SngCudaProduct product = some_product ();

  product.addend = GSIZE_TO_POINTER (0x4000);
  product.bias = GSIZE_TO_POINTER (0x5000);
  multiply (blas, &product);

  check_layout (&fake.a, SNG_CUDA_R_16BF, 8, 4);
  check_layout (&fake.b, SNG_CUDA_R_16BF, 8, 6);
  check_layout (&fake.c, SNG_CUDA_R_32F, 4, 6);
  check_layout (&fake.d, SNG_CUDA_R_32F, 4, 6);
  g_assert_cmpint (fake.operation.transposed[0], ==, SNG_CUBLAS_OP_T);
  g_assert_cmpint (fake.operation.transposed[1], ==, SNG_CUBLAS_OP_N);
  g_assert_cmpint (fake.operation.compute_type, ==, SNG_CUBLAS_COMPUTE_32F);
  g_assert_cmpint (fake.operation.scale_type, ==, SNG_CUDA_R_32F);
  g_assert_cmpuint (fake.operation.epilogue, ==, SNG_CUBLASLT_EPILOGUE_BIAS);
  g_assert_true (fake.operation.bias == product.bias);
  g_assert_true (fake.a_data == product.b && fake.b_data == product.a);
  g_assert_true (fake.c_data == product.addend && fake.d_data == product.result);
  g_assert_cmpfloat (fake.alpha, ==, 1);
  g_assert_cmpfloat (fake.beta, ==, 1);
  g_assert_true (fake.workspace == WORKSPACE && fake.stream == STREAM);
  g_assert_cmpuint (fake.workspace_size, ==, 32 << 20);
  g_assert_cmpuint (fake.algorithm, ==, 1);

  product.addend = NULL;
  product.bias = NULL;
  product.a_transposed = TRUE;
  product.b_transposed = FALSE;
  product.operand = product.real = SNG_DTYPE_F16;
  multiply (blas, &product);
  check_layout (&fake.a, SNG_CUDA_R_16F, 4, 8);
  check_layout (&fake.b, SNG_CUDA_R_16F, 6, 8);
  check_layout (&fake.d, SNG_CUDA_R_16F, 4, 6);
  g_assert_cmpint (fake.operation.transposed[0], ==, SNG_CUBLAS_OP_N);
  g_assert_cmpint (fake.operation.transposed[1], ==, SNG_CUBLAS_OP_T);
  g_assert_cmpuint (fake.operation.epilogue, ==, SNG_CUBLASLT_EPILOGUE_DEFAULT);
  g_assert_cmpfloat (fake.beta, ==, 0);
}

/* Nothing but sums in a fixed order and of full precision, our workspace, and what the addresses allow. */
static void
test_preferences (void)
{
  g_autoptr (SngCudaBlas) blas = new_blas (8);
  SngCudaProduct product = some_product ();
  const guint64 *values = fake.preference.values;

  product.a = GSIZE_TO_POINTER (0x1004);
  product.b = GSIZE_TO_POINTER (0x2002);
  product.addend = GSIZE_TO_POINTER (0x4008);
  product.bias = GSIZE_TO_POINTER (0x5400);
  multiply (blas, &product);
  g_assert_cmpuint (values[SNG_CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK], ==,
                    SNG_CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE);
  g_assert_cmpuint (values[SNG_CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES], ==, 8 << 20);
  g_assert_cmpuint (sng_cuda_blas_get_workspace_size (blas), ==, 8 << 20);
  g_assert_cmpuint (values[SNG_CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES], ==, 2);
  g_assert_cmpuint (values[SNG_CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES], ==, 4);
  g_assert_cmpuint (values[SNG_CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES], ==, 8);
  g_assert_cmpuint (values[SNG_CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES], ==, 16);
  /* The search sees the alignment that every bias has, not that of this one. */
  g_assert_cmpuint (GPOINTER_TO_SIZE (fake.searched_bias), ==, 16);
  g_assert_true (fake.operation.bias == product.bias);
}

/* Each differs from the first in one thing that decides on the way of a product. */
#define N_KINDS 14
static void
make_kinds (SngCudaProduct *products)
{
  for (gsize i = 0; i < N_KINDS; i++)
    products[i] = some_product ();
  products[1].m++;
  products[2].n++;
  products[3].k++;
  products[4].operand = SNG_DTYPE_F16;
  products[5].real = SNG_DTYPE_BF16;
  products[6].a_transposed = TRUE;
  products[7].b_transposed = FALSE;
  products[8].addend = GSIZE_TO_POINTER (0x4000);
  products[9].bias = GSIZE_TO_POINTER (0x5000);
  products[10].a = GSIZE_TO_POINTER (0x1008);
  products[11].b = GSIZE_TO_POINTER (0x2008);
  products[12].result = GSIZE_TO_POINTER (0x3008);
  products[13].addend = GSIZE_TO_POINTER (0x4008);
}

/* Each of them leads to a search of its own, once. */
static void
test_search_once (void)
{
  g_autoptr (SngCudaBlas) blas = new_blas (9);
  SngCudaProduct products[N_KINDS];
  int n_objects;

  make_kinds (products);
  for (gsize i = 0; i < G_N_ELEMENTS (products); i++)
    {
      multiply (blas, &products[i]);
      g_assert_cmpuint (fake.n_searches, ==, i + 1);
    }
  n_objects = fake.n_objects;
  for (gsize i = 0; i < G_N_ELEMENTS (products); i++)
    {
      SngCudaProduct again = products[i];

      again.a = (const char *) again.a + 0x100;
      multiply (blas, &again);
      g_assert_cmpuint (fake.algorithm, ==, i + 1);
      g_assert_true (fake.b_data == again.a);
    }
  g_assert_cmpuint (fake.n_searches, ==, G_N_ELEMENTS (products));
  g_assert_cmpuint (fake.n_creates, ==, 1);
  g_assert_cmpint (fake.n_objects, ==, n_objects);
}

static void
log_cb (const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
  g_ptr_array_add (data, g_strdup (message));
}

/* Where there is no way, our own kernel takes its place; that is no failure, no reason to search again, and said once. */
static void
test_no_way (void)
{
  g_autoptr (SngCudaBlas) blas = new_blas (9);
  g_autoptr (GPtrArray) messages = g_ptr_array_new_with_free_func (g_free);
  SngCudaProduct product = some_product ();
  guint handler = g_log_set_handler ("sng", G_LOG_LEVEL_DEBUG, log_cb, messages);

  for (int unsupported = 0; unsupported < 2; unsupported++)
    {
      product.n = 33 + unsupported;
      fake.n_choices = 0;
      fake.search_status = unsupported ? SNG_CUBLAS_STATUS_NOT_SUPPORTED : 0;
      for (int i = 0; i < 2; i++)
        {
          g_autoptr (GError) error = NULL;

          g_assert_cmpint (sng_cuda_blas_multiply (blas, &product, WORKSPACE, STREAM, &error), ==,
                           SNG_CUDA_BLAS_NO_WAY);
          g_assert_no_error (error);
        }
      g_assert_cmpuint (fake.n_searches, ==, 1 + unsupported);
      g_assert_cmpuint (messages->len, ==, 1 + unsupported);
      g_assert_true (g_str_has_prefix (g_ptr_array_index (messages, unsupported),
                                       "[cuda][product] cuBLASLt has no way for "));
      g_assert_nonnull (strstr (g_ptr_array_index (messages, unsupported), unsupported ? "x34x" : "x33x"));
    }
  g_log_remove_handler ("sng", handler);
  g_assert_cmpuint (fake.n_products, ==, 0);
}

static void
test_failures (void)
{
  static const char *const functions[] = {
    "cublasLtCreate",
    "cublasLtMatrixLayoutCreate",
    "cublasLtMatmulDescCreate",
    "cublasLtMatmulDescSetAttribute",
    "cublasLtMatmulPreferenceCreate",
    "cublasLtMatmulPreferenceSetAttribute",
    "cublasLtMatmulAlgoGetHeuristic",
    "cublasLtMatmul",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (functions); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *begin =
          g_strdup_printf ("[cuda][linear] %s: CUBLAS_STATUS_INTERNAL_ERROR", functions[i]);
      SngCudaBlas *blas = new_blas (9);
      SngCudaProduct product = some_product ();

      product.bias = GSIZE_TO_POINTER (0x5000);
      fake.failing = functions[i];
      g_assert_cmpint (sng_cuda_blas_multiply (blas, &product, WORKSPACE, STREAM, &error), ==,
                       SNG_CUDA_BLAS_FAILED);
      g_assert_error (error, SNG_ERROR, SNG_ERROR_FAILED);
      g_assert_true (g_str_has_prefix (error->message, begin));
      if (i > 0)
        g_assert_true (g_str_has_suffix (error->message, " (6x4x8 nt bf16 to f32 bias)"));

      /* Nothing half made is kept. */
      fake.failing = NULL;
      multiply (blas, &product);
      sng_cuda_blas_free (blas);
      g_assert_cmpint (fake.n_objects, ==, 0);
    }
}

static void
test_missing (void)
{
  static const char *const missing[] = { "libsng-none-1.so", "libsng-none-2.so", NULL };
  static const char *const other[] = { "libsng-none-1.so", "libglib-2.0.so.0", NULL };
  g_autoptr (GError) error = NULL;
  SngCublaslt library;

  g_assert_false (sng_cublaslt_open (&library, missing, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED);
  g_assert_nonnull (strstr (error->message, "[cuda][linear]"));
  g_assert_nonnull (strstr (error->message, "cuBLASLt, version 13,"));
  g_assert_nonnull (strstr (error->message, missing[0]));
  g_assert_nonnull (strstr (error->message, missing[1]));
  g_clear_error (&error);

  g_assert_false (sng_cublaslt_open (&library, other, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED);
  g_assert_nonnull (strstr (error->message, other[1]));
  g_assert_nonnull (strstr (error->message, "has no cublasLtGetVersion"));
}

/* The one that belongs to the toolkit comes first. */
static void
test_names (void)
{
  static const struct
  {
    int version;
    const char *first;
  } cases[] = { { 12000, "libcublasLt.so.12" },
                { 12090, "libcublasLt.so.12" },
                { 13000, "libcublasLt.so.13" } };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (GStrv) names = sng_cublaslt_list_names (cases[i].version);

      g_assert_cmpuint (g_strv_length (names), ==, 2);
      g_assert_cmpstr (names[0], ==, cases[i].first);
      g_assert_cmpstr (names[1], ==, "libcublasLt.so");
    }
}

/* The library is looked for with the first product, not before. */
static void
test_missing_at_first_product (void)
{
  g_autoptr (SngCudaBlas) blas = sng_cuda_blas_new (9, NULL);
  g_autoptr (GError) error = NULL;
  SngCudaProduct product = some_product ();

  g_assert_cmpint (sng_cuda_blas_multiply (blas, &product, WORKSPACE, STREAM, &error), ==,
                   SNG_CUDA_BLAS_FAILED);
  g_assert_error (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED);
  g_assert_nonnull (strstr (error->message, SNG_CUDA_BLAS_LIBRARY));
}

static GVariant *
describe (SngCudaBlas *blas)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a{ss}"));

  sng_cuda_blas_describe (blas, &builder);
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

static void
test_describe (void)
{
  g_autoptr (SngCudaBlas) blas = new_blas (9);
  g_autoptr (GVariant) before = describe (blas);
  g_autoptr (GVariant) overridden = NULL;
  const char *text;

  g_assert_true (g_variant_lookup (before, "cublaslt", "&s", &text));
  g_assert_cmpstr (text, ==, "130002");
  g_assert_true (g_variant_lookup (before, "cublaslt-algorithms", "&s", &text));
  g_assert_cmpstr (text, ==, "heuristic in 32 MiB");
  g_assert_false (g_variant_lookup (before, "NVIDIA_TF32_OVERRIDE", "&s", &text));

  g_setenv ("NVIDIA_TF32_OVERRIDE", "1", TRUE);
  overridden = describe (blas);
  g_unsetenv ("NVIDIA_TF32_OVERRIDE");
  g_assert_true (g_variant_lookup (overridden, "NVIDIA_TF32_OVERRIDE", "&s", &text));
  g_assert_cmpstr (text, ==, "1");
}

static void
assert_described (SngCudaBlas *blas, const char *product, const char *expected)
{
  g_autoptr (GVariant) description = describe (blas);
  g_autofree char *key = g_strconcat (SNG_DEVICE_CHOICE, product, NULL);
  const char *text = NULL;

  g_variant_lookup (description, key, "&s", &text);
  g_assert_cmpstr (text, ==, expected);
}

/* What was chosen for each kind of product that there was so far, once, and told from all others. */
static void
test_describe_choices (void)
{
  g_autoptr (SngCudaBlas) blas = new_blas (9);
  g_autoptr (GVariant) before = describe (blas);
  g_autoptr (GVariant) after = NULL;
  g_autoptr (GHashTable) keys = g_hash_table_new (g_str_hash, g_str_equal);
  SngCudaProduct products[N_KINDS];
  const char *key;
  GVariantIter iter;

  make_kinds (products);
  for (gsize i = 0; i < 2 * N_KINDS; i++)
    multiply (blas, &products[i % N_KINDS]);
  after = describe (blas);
  g_assert_cmpuint (g_variant_n_children (after), ==, g_variant_n_children (before) + N_KINDS);
  g_variant_iter_init (&iter, after);
  while (g_variant_iter_next (&iter, "{&s&s}", &key, NULL))
    g_assert_true (g_hash_table_add (keys, (gpointer) key));

  assert_described (blas, "6x4x8 nt bf16 to f32", "algorithm 1");
  assert_described (blas, "6x4x8 nt bf16 to f32 added", "algorithm 9");
  assert_described (blas, "6x4x8 nt bf16 to f32 bias", "algorithm 10");
  assert_described (blas, "6x4x8 nt bf16 to f32 aligned 8,16,16,16", "algorithm 11");
  assert_described (blas, "6x4x8 nt bf16 to f32 added aligned 16,16,8,16", "algorithm 14");

  for (int i = 0; i < FAKE_N_SETTINGS; i++)
    fake.settings[i] = 70000 + i;
  fake.settings[SNG_CUBLASLT_ALGO_CONFIG_INNER_SHAPE_ID] = 300;
  fake.settings[SNG_CUBLASLT_ALGO_CONFIG_CLUSTER_SHAPE_ID] = 400;
  assert_described (blas, "6x4x8 nt bf16 to f32",
                    "algorithm 70000 tile 70001 stages 70006 split 70002 reduction 70003 swizzling 70004 "
                    "option 70005 inner-shape 300 cluster-shape 400");
}

/* That libsng's own kernel takes over is a choice as well. What cannot be read is no failure, and not in the record. */
static void
test_describe_without (void)
{
  g_autoptr (SngCudaBlas) blas = new_blas (9);
  g_autoptr (GError) error = NULL;
  SngCudaProduct product = some_product ();

  multiply (blas, &product);
  fake.settings[SNG_CUBLASLT_ALGO_CONFIG_TILE_ID] = 20;
  fake.settings[SNG_CUBLASLT_ALGO_CONFIG_STAGES_ID] = -1;
  assert_described (blas, "6x4x8 nt bf16 to f32", "algorithm 1 tile 20");
  fake.failing = "cublasLtMatmulAlgoConfigGetAttribute";
  assert_described (blas, "6x4x8 nt bf16 to f32", NULL);

  product.n = 33;
  fake.n_choices = 0;
  g_assert_cmpint (sng_cuda_blas_multiply (blas, &product, WORKSPACE, STREAM, &error), ==,
                   SNG_CUDA_BLAS_NO_WAY);
  assert_described (blas, "6x33x8 nt bf16 to f32", "none, a kernel of libsng");
}

#define N_THREADS 4
#define N_PRODUCTS 2000

static gpointer
multiply_thread (gpointer data)
{
  static gsize n = 0;
  SngCudaProduct product = some_product ();

  product.bias = product.result = GSIZE_TO_POINTER (0x10000 * (1 + g_atomic_pointer_add (&n, 1)));
  for (int i = 0; i < N_PRODUCTS; i++)
    multiply (data, &product);
  return NULL;
}

/* The bias of a product is that of the call, also where others use the same way at once. */
static void
test_threads (void)
{
  g_autoptr (SngCudaBlas) blas = new_blas (9);
  GThread *threads[N_THREADS];

  fake.expects_bias_of_result = TRUE;
  for (gsize i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("multiply", multiply_thread, blas);
  for (gsize i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  g_assert_cmpuint (fake.n_products, ==, N_THREADS * N_PRODUCTS);
  g_assert_cmpuint (fake.n_searches, ==, 1);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/cuda-blas/ask", test_ask);
  g_test_add_func ("/sng/cuda-blas/preferences", test_preferences);
  g_test_add_func ("/sng/cuda-blas/search-once", test_search_once);
  g_test_add_func ("/sng/cuda-blas/no-way", test_no_way);
  g_test_add_func ("/sng/cuda-blas/failures", test_failures);
  g_test_add_func ("/sng/cuda-blas/missing", test_missing);
  g_test_add_func ("/sng/cuda-blas/names", test_names);
  g_test_add_func ("/sng/cuda-blas/missing-at-first-product", test_missing_at_first_product);
  g_test_add_func ("/sng/cuda-blas/describe", test_describe);
  g_test_add_func ("/sng/cuda-blas/describe-choices", test_describe_choices);
  g_test_add_func ("/sng/cuda-blas/describe-without", test_describe_without);
  g_test_add_func ("/sng/cuda-blas/threads", test_threads);

  return g_test_run ();
}
