/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "test-cuda-emulator.h"

#include "cublasLt.h"

#define assert_blas(call) g_assert_cmpstr (cublasLtGetStatusName (call), ==, "CUBLAS_STATUS_SUCCESS")
#define assert_blas_fails(call, status) g_assert_cmpstr (cublasLtGetStatusName (call), ==, #status)

/* d (5 x 3) = op (a) op (b), with 4 in between; leading dimensions are larger than they need be. */
enum
{
  N_ROWS = 5,
  N_COLUMNS = 3,
  N_INNER = 4,
  LD = 7
};

template <typename T> struct Type;
template <> struct Type<float>
{
  static constexpr cudaDataType_t id = CUDA_R_32F;
};
template <> struct Type<SngBf16>
{
  static constexpr cudaDataType_t id = CUDA_R_16BF;
};
template <> struct Type<SngF16>
{
  static constexpr cudaDataType_t id = CUDA_R_16F;
};

struct Problem
{
  cublasLtHandle_t handle;
  cublasLtMatmulDesc_t desc;
  cublasLtMatrixLayout_t a, b, d;
  cublasLtMatmulPreference_t preference;
};

static Problem
make_problem (bool transposed_a, bool transposed_b, cudaDataType_t type, cudaDataType_t out)
{
  Problem problem;
  int32_t op_a = transposed_a ? CUBLAS_OP_T : CUBLAS_OP_N, op_b = transposed_b ? CUBLAS_OP_T : CUBLAS_OP_N;

  assert_blas (cublasLtCreate (&problem.handle));
  assert_blas (cublasLtMatmulDescCreate (&problem.desc, CUBLAS_COMPUTE_32F, CUDA_R_32F));
  assert_blas (
      cublasLtMatmulDescSetAttribute (problem.desc, CUBLASLT_MATMUL_DESC_TRANSA, &op_a, sizeof op_a));
  assert_blas (
      cublasLtMatmulDescSetAttribute (problem.desc, CUBLASLT_MATMUL_DESC_TRANSB, &op_b, sizeof op_b));
  assert_blas (cublasLtMatrixLayoutCreate (&problem.a, type, transposed_a ? N_INNER : N_ROWS,
                                           transposed_a ? N_ROWS : N_INNER, LD));
  assert_blas (cublasLtMatrixLayoutCreate (&problem.b, type, transposed_b ? N_COLUMNS : N_INNER,
                                           transposed_b ? N_INNER : N_COLUMNS, LD));
  assert_blas (cublasLtMatrixLayoutCreate (&problem.d, out, N_ROWS, N_COLUMNS, LD));
  assert_blas (cublasLtMatmulPreferenceCreate (&problem.preference));
  return problem;
}

static void
free_problem (Problem &problem)
{
  assert_blas (cublasLtMatmulPreferenceDestroy (problem.preference));
  assert_blas (cublasLtMatrixLayoutDestroy (problem.a));
  assert_blas (cublasLtMatrixLayoutDestroy (problem.b));
  assert_blas (cublasLtMatrixLayoutDestroy (problem.d));
  assert_blas (cublasLtMatmulDescDestroy (problem.desc));
  assert_blas (cublasLtDestroy (problem.handle));
}

/* Small whole numbers: every product and sum is exact in every type. */
template <typename T>
static std::vector<T>
matrix (int seed)
{
  std::vector<T> values (LD * LD);

  for (size_t i = 0; i < values.size (); i++)
    values[i] = sng_from_real<T> ((float) (((int) i * 5 + seed) % 7 - 3));
  return values;
}

template <typename T, typename Out>
static void
check_product (bool transposed_a, bool transposed_b, bool with_bias)
{
  Problem problem = make_problem (transposed_a, transposed_b, Type<T>::id, Type<Out>::id);
  std::vector<T> a = matrix<T> (1), b = matrix<T> (2);
  std::vector<Out> c = matrix<Out> (3), bias = matrix<Out> (4);
  T *a_device = to_device (a), *b_device = to_device (b);
  Out *d_device = to_device (c), *bias_device = to_device (bias);
  float alpha = 2.0f, beta = -1.0f;
  int32_t epilogue = CUBLASLT_EPILOGUE_BIAS;

  if (with_bias)
    {
      assert_blas (cublasLtMatmulDescSetAttribute (problem.desc, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue,
                                                   sizeof epilogue));
      assert_blas (cublasLtMatmulDescSetAttribute (problem.desc, CUBLASLT_MATMUL_DESC_BIAS_POINTER,
                                                   &bias_device, sizeof bias_device));
    }
  assert_blas (cublasLtMatmul (problem.handle, problem.desc, &alpha, a_device, problem.a, b_device, problem.b,
                               &beta, d_device, problem.d, d_device, problem.d, nullptr, nullptr, 0,
                               nullptr));
  alpha = 100.0f;
  std::vector<Out> d = from_device (d_device, LD * LD);

  for (size_t row = 0; row < LD; row++)
    for (size_t column = 0; column < N_COLUMNS; column++)
      {
        size_t i = column * LD + row;
        float expected = sng_to_real (c[i]);

        if (row < N_ROWS)
          {
            expected *= -1.0f;
            for (size_t k = 0; k < N_INNER; k++)
              expected += 2.0f * sng_to_real (a[transposed_a ? row * LD + k : k * LD + row])
                          * sng_to_real (b[transposed_b ? k * LD + column : column * LD + k]);
            if (with_bias)
              expected += sng_to_real (bias[row]);
          }
        g_assert_cmpfloat (sng_to_real (d[i]), ==, expected);
      }
  assert_cuda (cudaFree (a_device));
  assert_cuda (cudaFree (b_device));
  assert_cuda (cudaFree (d_device));
  assert_cuda (cudaFree (bias_device));
  free_problem (problem);
}

static void
test_products (void)
{
  for (int variant = 0; variant < 8; variant++)
    {
      bool transposed_a = (variant & 1) != 0, transposed_b = (variant & 2) != 0,
           with_bias = (variant & 4) != 0;

      check_product<float, float> (transposed_a, transposed_b, with_bias);
      check_product<SngBf16, SngBf16> (transposed_a, transposed_b, with_bias);
      check_product<SngBf16, float> (transposed_a, transposed_b, with_bias);
      check_product<SngF16, SngF16> (transposed_a, transposed_b, with_bias);
      check_product<SngF16, float> (transposed_a, transposed_b, with_bias);
    }
}

/* A preference for no reduction, or for little memory, leaves the algorithm that needs neither. */
static void
test_heuristic (void)
{
  Problem problem = make_problem (false, false, CUDA_R_32F, CUDA_R_32F);
  cublasLtMatmulHeuristicResult_t results[4];
  uint64_t n_bytes = 1 << 20;
  uint32_t mask = CUBLASLT_REDUCTION_SCHEME_NONE;
  int32_t id;
  uint32_t n_splits, tile;
  size_t n_written;
  int n;

  auto ask = [&] {
    assert_blas (cublasLtMatmulAlgoGetHeuristic (problem.handle, problem.desc, problem.a, problem.b,
                                                 problem.d, problem.d, problem.preference, 4, results, &n));
  };
  ask ();
  g_assert_cmpint (n, ==, 1);
  assert_blas (cublasLtMatmulPreferenceSetAttribute (
      problem.preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &n_bytes, sizeof n_bytes));
  ask ();
  g_assert_cmpint (n, ==, 2);
  g_assert_cmpuint (results[0].workspaceSize, ==, 4 * 4 * N_ROWS * N_COLUMNS);
  assert_blas (cublasLtMatmulAlgoConfigGetAttribute (&results[0].algo, CUBLASLT_ALGO_CONFIG_SPLITK_NUM,
                                                     &n_splits, sizeof n_splits, &n_written));
  g_assert_cmpuint (n_splits, ==, 4);
  g_assert_cmpuint (n_written, ==, 4);

  /* The workspace is overwritten; without it there is no product. */
  std::vector<float> values = matrix<float> (1);
  float *a = to_device (values), *d = to_device (values), *workspace = to_device (values);
  float one = 1.0f, zero = 0.0f;
  auto multiply = [&] (size_t n_workspace_bytes) {
    return cublasLtMatmul (problem.handle, problem.desc, &one, a, problem.a, a, problem.b, &zero, nullptr,
                           problem.d, d, problem.d, &results[0].algo, workspace, n_workspace_bytes, nullptr);
  };
  assert_cuda (cudaFree (workspace));
  assert_cuda (cudaMalloc (&workspace, 1024));
  assert_cuda (cudaMemset (workspace, 0, 1024));
  assert_blas_fails (multiply (16), CUBLAS_STATUS_INVALID_VALUE);
  assert_blas (multiply (1024));
  g_assert_true (from_device (workspace, 1)[0] != 0.0f);
  assert_cuda (cudaFree (a));
  assert_cuda (cudaFree (d));
  assert_cuda (cudaFree (workspace));

  assert_blas (cublasLtMatmulPreferenceSetAttribute (
      problem.preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &mask, sizeof mask));
  ask ();
  g_assert_cmpint (n, ==, 1);
  assert_blas (cublasLtMatmulAlgoConfigGetAttribute (&results[0].algo, CUBLASLT_ALGO_CONFIG_ID, &id,
                                                     sizeof id, &n_written));
  g_assert_cmpint (id, ==, 66);

  g_setenv ("SNG_EMULATOR_TILE", "18", TRUE);
  ask ();
  g_unsetenv ("SNG_EMULATOR_TILE");
  assert_blas (cublasLtMatmulAlgoConfigGetAttribute (&results[0].algo, CUBLASLT_ALGO_CONFIG_TILE_ID, &tile,
                                                     sizeof tile, &n_written));
  g_assert_cmpuint (tile, ==, 18);
  free_problem (problem);
}

/* An algorithm takes the addresses that the search was told of, and no worse ones. */
static void
test_alignment (void)
{
  Problem problem = make_problem (false, false, CUDA_R_32F, CUDA_R_32F);
  cublasLtMatmulHeuristicResult_t result;
  std::vector<float> values = matrix<float> (1);
  std::vector<float> more (2 * values.size ());
  float *a = to_device (more), *d = to_device (more), *bias = a + 4;
  float one = 1.0f, zero = 0.0f;
  uint32_t alignment = 8;
  int32_t epilogue = CUBLASLT_EPILOGUE_BIAS;
  int n;

  auto set_bias = [&] (const float *to) {
    assert_blas (
        cublasLtMatmulDescSetAttribute (problem.desc, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &to, sizeof to));
  };
  auto multiply = [&] (const float *from, float *to) {
    return cublasLtMatmul (problem.handle, problem.desc, &one, from, problem.a, a, problem.b, &zero, nullptr,
                           problem.d, to, problem.d, &result.algo, nullptr, 0, nullptr);
  };
  assert_blas (cublasLtMatmulDescSetAttribute (problem.desc, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue,
                                               sizeof epilogue));
  set_bias (bias);
  assert_blas (cublasLtMatmulPreferenceSetAttribute (
      problem.preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, &alignment, sizeof alignment));
  assert_blas (cublasLtMatmulAlgoGetHeuristic (problem.handle, problem.desc, problem.a, problem.b, problem.d,
                                               problem.d, problem.preference, 1, &result, &n));
  assert_blas (multiply (a, d));
  assert_blas (multiply (a + 2, d));
  assert_blas_fails (multiply (a + 1, d), CUBLAS_STATUS_EXECUTION_FAILED);
  assert_blas_fails (multiply (a, d + 2), CUBLAS_STATUS_EXECUTION_FAILED);
  set_bias (bias + 2);
  assert_blas_fails (multiply (a, d), CUBLAS_STATUS_EXECUTION_FAILED);
  assert_cuda (cudaFree (a));
  assert_cuda (cudaFree (d));
  free_problem (problem);
}

static void
test_refusals (void)
{
  Problem problem = make_problem (false, true, CUDA_R_32F, CUDA_R_16BF);
  cublasLtMatmulHeuristicResult_t result;
  cublasLtHandle_t handle;
  int n;

  auto ask = [&] (cublasLtMatrixLayout_t b) {
    return cublasLtMatmulAlgoGetHeuristic (problem.handle, problem.desc, problem.a, b, problem.d, problem.d,
                                           problem.preference, 1, &result, &n);
  };
  assert_blas_fails (ask (problem.b), CUBLAS_STATUS_NOT_SUPPORTED);
  assert_blas_fails (ask (problem.a), CUBLAS_STATUS_INVALID_VALUE);
  free_problem (problem);

  g_setenv ("SNG_EMULATOR_FAIL", "cublasLtCreate:1:3", TRUE);
  assert_blas_fails (cublasLtCreate (&handle), CUBLAS_STATUS_ALLOC_FAILED);
  g_unsetenv ("SNG_EMULATOR_FAIL");
}

void
add_blas_tests (void)
{
  g_test_add_func ("/sng/cuda-emulator/blas/products", test_products);
  g_test_add_func ("/sng/cuda-emulator/blas/heuristic", test_heuristic);
  g_test_add_func ("/sng/cuda-emulator/blas/alignment", test_alignment);
  g_test_add_func ("/sng/cuda-emulator/blas/refusals", test_refusals);
}
