/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

/* The part of cuBLASLt that the backend uses, with the names and values of version 13, as the emulator offers it. */

#include "cuda_runtime_api.h"

#include <stdint.h>

#define CUBLAS_VER_MAJOR 13
#define CUBLAS_VER_MINOR 0
#define CUBLAS_VER_PATCH 0

/* name, value, text */
#define SNG_EMULATOR_CUBLAS_STATUSES(STATUS) \
  STATUS (CUBLAS_STATUS_SUCCESS, 0, "success") \
  STATUS (CUBLAS_STATUS_NOT_INITIALIZED, 1, "the library was not initialized") \
  STATUS (CUBLAS_STATUS_ALLOC_FAILED, 3, "the resource allocation failed") \
  STATUS (CUBLAS_STATUS_INVALID_VALUE, 7, "an invalid value was given") \
  STATUS (CUBLAS_STATUS_ARCH_MISMATCH, 8, "an absent device architectural feature is required") \
  STATUS (CUBLAS_STATUS_MAPPING_ERROR, 11, "an access to GPU memory space failed") \
  STATUS (CUBLAS_STATUS_EXECUTION_FAILED, 13, "the GPU program failed to execute") \
  STATUS (CUBLAS_STATUS_INTERNAL_ERROR, 14, "an internal operation failed") \
  STATUS (CUBLAS_STATUS_NOT_SUPPORTED, 15, "the requested functionality is not supported") \
  STATUS (CUBLAS_STATUS_LICENSE_ERROR, 16, "a license error was detected")

#define SNG_EMULATOR_CUBLAS_VALUE(name, value, text) name = value,
typedef enum
{
  SNG_EMULATOR_CUBLAS_STATUSES (SNG_EMULATOR_CUBLAS_VALUE)
} cublasStatus_t;
#undef SNG_EMULATOR_CUBLAS_VALUE

typedef enum cudaDataType_t
{
  CUDA_R_32F = 0,
  CUDA_R_64F = 1,
  CUDA_R_16F = 2,
  CUDA_R_16BF = 14
} cudaDataType_t;
typedef cudaDataType_t cudaDataType;

typedef enum
{
  CUBLAS_OP_N = 0,
  CUBLAS_OP_T = 1
} cublasOperation_t;

typedef enum
{
  CUBLAS_COMPUTE_32F = 68,
  CUBLAS_COMPUTE_32F_PEDANTIC = 69,
  CUBLAS_COMPUTE_32F_FAST_TF32 = 77
} cublasComputeType_t;

typedef enum
{
  CUBLASLT_POINTER_MODE_HOST = 0,
  CUBLASLT_POINTER_MODE_DEVICE = 1
} cublasLtPointerMode_t;

typedef enum
{
  CUBLASLT_ORDER_COL = 0,
  CUBLASLT_ORDER_ROW = 1
} cublasLtOrder_t;

typedef enum
{
  CUBLASLT_EPILOGUE_DEFAULT = 1,
  CUBLASLT_EPILOGUE_BIAS = 4
} cublasLtEpilogue_t;

typedef enum
{
  CUBLASLT_REDUCTION_SCHEME_NONE = 0,
  CUBLASLT_REDUCTION_SCHEME_INPLACE = 1,
  CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE = 2,
  CUBLASLT_REDUCTION_SCHEME_OUTPUT_TYPE = 4,
  CUBLASLT_REDUCTION_SCHEME_MASK = 7
} cublasLtReductionScheme_t;

typedef enum
{
  CUBLASLT_MATMUL_DESC_COMPUTE_TYPE = 0,
  CUBLASLT_MATMUL_DESC_SCALE_TYPE = 1,
  CUBLASLT_MATMUL_DESC_POINTER_MODE = 2,
  CUBLASLT_MATMUL_DESC_TRANSA = 3,
  CUBLASLT_MATMUL_DESC_TRANSB = 4,
  CUBLASLT_MATMUL_DESC_EPILOGUE = 7,
  CUBLASLT_MATMUL_DESC_BIAS_POINTER = 8,
  CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE = 26
} cublasLtMatmulDescAttributes_t;

typedef enum
{
  CUBLASLT_MATRIX_LAYOUT_TYPE = 0,
  CUBLASLT_MATRIX_LAYOUT_ORDER = 1,
  CUBLASLT_MATRIX_LAYOUT_ROWS = 2,
  CUBLASLT_MATRIX_LAYOUT_COLS = 3,
  CUBLASLT_MATRIX_LAYOUT_LD = 4
} cublasLtMatrixLayoutAttribute_t;

typedef enum
{
  CUBLASLT_MATMUL_PREF_SEARCH_MODE = 0,
  CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES = 1,
  CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK = 3,
  CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES = 5,
  CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES = 6,
  CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES = 7,
  CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES = 8
} cublasLtMatmulPreferenceAttributes_t;

typedef enum
{
  CUBLASLT_ALGO_CONFIG_ID = 0,
  CUBLASLT_ALGO_CONFIG_TILE_ID = 1,
  CUBLASLT_ALGO_CONFIG_SPLITK_NUM = 2,
  CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME = 3,
  CUBLASLT_ALGO_CONFIG_CTA_SWIZZLING = 4,
  CUBLASLT_ALGO_CONFIG_CUSTOM_OPTION = 5,
  CUBLASLT_ALGO_CONFIG_STAGES_ID = 6,
  CUBLASLT_ALGO_CONFIG_INNER_SHAPE_ID = 7,
  CUBLASLT_ALGO_CONFIG_CLUSTER_SHAPE_ID = 8
} cublasLtMatmulAlgoConfigAttributes_t;

typedef struct
{
  uint64_t data[8];
} cublasLtMatmulAlgo_t;

typedef struct
{
  cublasLtMatmulAlgo_t algo;
  size_t               workspaceSize;
  cublasStatus_t       state;
  float                wavesCount;
  int                  reserved[4];
} cublasLtMatmulHeuristicResult_t;

typedef struct cublasLtContext *cublasLtHandle_t;
typedef struct cublasLtMatmulDescOpaque *cublasLtMatmulDesc_t;
typedef struct cublasLtMatrixLayoutOpaque *cublasLtMatrixLayout_t;
typedef struct cublasLtMatmulPreferenceOpaque *cublasLtMatmulPreference_t;

#ifdef __cplusplus
extern "C" {
#endif

SNG_EMULATOR_API cublasStatus_t cublasLtCreate (cublasLtHandle_t *handle);
SNG_EMULATOR_API cublasStatus_t cublasLtDestroy (cublasLtHandle_t handle);
SNG_EMULATOR_API size_t cublasLtGetVersion (void);
SNG_EMULATOR_API size_t cublasLtGetCudartVersion (void);
SNG_EMULATOR_API const char *cublasLtGetStatusName (cublasStatus_t status);
SNG_EMULATOR_API const char *cublasLtGetStatusString (cublasStatus_t status);

SNG_EMULATOR_API cublasStatus_t cublasLtMatmulDescCreate (cublasLtMatmulDesc_t *desc,
                                                          cublasComputeType_t compute, cudaDataType_t scale);
SNG_EMULATOR_API cublasStatus_t cublasLtMatmulDescDestroy (cublasLtMatmulDesc_t desc);
SNG_EMULATOR_API cublasStatus_t cublasLtMatmulDescSetAttribute (cublasLtMatmulDesc_t desc,
                                                                cublasLtMatmulDescAttributes_t attribute,
                                                                const void *value, size_t n_bytes);
SNG_EMULATOR_API cublasStatus_t cublasLtMatrixLayoutCreate (cublasLtMatrixLayout_t *layout,
                                                            cudaDataType_t type, uint64_t n_rows,
                                                            uint64_t n_columns, int64_t ld);
SNG_EMULATOR_API cublasStatus_t cublasLtMatrixLayoutDestroy (cublasLtMatrixLayout_t layout);
SNG_EMULATOR_API cublasStatus_t cublasLtMatrixLayoutSetAttribute (cublasLtMatrixLayout_t layout,
                                                                  cublasLtMatrixLayoutAttribute_t attribute,
                                                                  const void *value, size_t n_bytes);
SNG_EMULATOR_API cublasStatus_t cublasLtMatmulPreferenceCreate (cublasLtMatmulPreference_t *preference);
SNG_EMULATOR_API cublasStatus_t cublasLtMatmulPreferenceDestroy (cublasLtMatmulPreference_t preference);
SNG_EMULATOR_API cublasStatus_t cublasLtMatmulPreferenceSetAttribute (cublasLtMatmulPreference_t preference,
                                                                      cublasLtMatmulPreferenceAttributes_t attribute,
                                                                      const void *value, size_t n_bytes);
SNG_EMULATOR_API cublasStatus_t cublasLtMatmulAlgoGetHeuristic (cublasLtHandle_t handle,
                                                                cublasLtMatmulDesc_t desc,
                                                                cublasLtMatrixLayout_t a,
                                                                cublasLtMatrixLayout_t b,
                                                                cublasLtMatrixLayout_t c,
                                                                cublasLtMatrixLayout_t d,
                                                                cublasLtMatmulPreference_t preference,
                                                                int n_wanted,
                                                                cublasLtMatmulHeuristicResult_t *results,
                                                                int *n_results);
SNG_EMULATOR_API cublasStatus_t cublasLtMatmulAlgoConfigGetAttribute (const cublasLtMatmulAlgo_t *algo,
                                                                      cublasLtMatmulAlgoConfigAttributes_t attribute,
                                                                      void *value, size_t n_bytes,
                                                                      size_t *n_written);
SNG_EMULATOR_API cublasStatus_t cublasLtMatmul (cublasLtHandle_t handle, cublasLtMatmulDesc_t desc,
                                                const void *alpha, const void *a,
                                                cublasLtMatrixLayout_t a_layout, const void *b,
                                                cublasLtMatrixLayout_t b_layout, const void *beta,
                                                const void *c, cublasLtMatrixLayout_t c_layout, void *d,
                                                cublasLtMatrixLayout_t d_layout,
                                                const cublasLtMatmulAlgo_t *algo, void *workspace,
                                                size_t n_workspace_bytes, cudaStream_t stream);

#ifdef __cplusplus
}
#endif
