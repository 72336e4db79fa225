/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <cuda_runtime_api.h>
#include <gio/gio.h>

G_BEGIN_DECLS

/* What we use of NVIDIA's cuBLASLt, versions 12 and 13. The library is opened when the first product needs it, and its headers are in a
 * package that many installations of the compiler lack, so its interface is declared here. The test cuda-cublaslt-header holds
 * it against NVIDIA's header where there is one; the names are that header's with SNG_ before them. */

#define SNG_CUBLASLT_VALUES(VALUE) \
  VALUE (CUBLAS_STATUS_SUCCESS, 0) \
  VALUE (CUBLAS_STATUS_NOT_SUPPORTED, 15) \
  VALUE (CUDA_R_32F, 0) \
  VALUE (CUDA_R_16F, 2) \
  VALUE (CUDA_R_16BF, 14) \
  VALUE (CUBLAS_OP_N, 0) \
  VALUE (CUBLAS_OP_T, 1) \
  VALUE (CUBLAS_COMPUTE_32F, 68) \
  VALUE (CUBLASLT_EPILOGUE_DEFAULT, 1) \
  VALUE (CUBLASLT_EPILOGUE_BIAS, 4) \
  VALUE (CUBLASLT_MATMUL_DESC_TRANSA, 3) \
  VALUE (CUBLASLT_MATMUL_DESC_TRANSB, 4) \
  VALUE (CUBLASLT_MATMUL_DESC_EPILOGUE, 7) \
  VALUE (CUBLASLT_MATMUL_DESC_BIAS_POINTER, 8) \
  VALUE (CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, 1) \
  VALUE (CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, 3) \
  VALUE (CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, 5) \
  VALUE (CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, 6) \
  VALUE (CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, 7) \
  VALUE (CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, 8) \
  VALUE (CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE, 2) \
  VALUE (CUBLASLT_ALGO_CONFIG_ID, 0) \
  VALUE (CUBLASLT_ALGO_CONFIG_TILE_ID, 1) \
  VALUE (CUBLASLT_ALGO_CONFIG_SPLITK_NUM, 2) \
  VALUE (CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME, 3) \
  VALUE (CUBLASLT_ALGO_CONFIG_CTA_SWIZZLING, 4) \
  VALUE (CUBLASLT_ALGO_CONFIG_CUSTOM_OPTION, 5) \
  VALUE (CUBLASLT_ALGO_CONFIG_STAGES_ID, 6) \
  VALUE (CUBLASLT_ALGO_CONFIG_INNER_SHAPE_ID, 7) \
  VALUE (CUBLASLT_ALGO_CONFIG_CLUSTER_SHAPE_ID, 8)

#define SNG_CUBLASLT_VALUE(name, value) SNG_##name = value,
enum
{
  SNG_CUBLASLT_VALUES (SNG_CUBLASLT_VALUE)
};
#undef SNG_CUBLASLT_VALUE

typedef struct
{
  guint64 data[8];
} SngCublasltAlgorithm;

typedef struct
{
  SngCublasltAlgorithm algorithm;
  gsize                workspace_size;
  int                  state; /* a status */
  float                n_waves;
  int                  reserved[4];
} SngCublasltChoice;

/* name, result, parameters. What the library makes is opaque; statuses, types and attributes are the values above. */
#define SNG_CUBLASLT_FUNCTIONS(FUNCTION) \
  FUNCTION (cublasLtGetVersion, gsize, (void)) \
  FUNCTION (cublasLtGetStatusName, const char *, (int status)) \
  FUNCTION (cublasLtCreate, int, (gpointer *handle)) \
  FUNCTION (cublasLtDestroy, int, (gpointer handle)) \
  FUNCTION (cublasLtMatmulDescCreate, int, (gpointer *operation, int compute_type, int scale_type)) \
  FUNCTION (cublasLtMatmulDescDestroy, int, (gpointer operation)) \
  FUNCTION (cublasLtMatmulDescSetAttribute, int, \
            (gpointer operation, int attribute, gconstpointer value, gsize size)) \
  FUNCTION (cublasLtMatrixLayoutCreate, int, \
            (gpointer *layout, int type, guint64 n_rows, guint64 n_columns, gint64 stride)) \
  FUNCTION (cublasLtMatrixLayoutDestroy, int, (gpointer layout)) \
  FUNCTION (cublasLtMatmulPreferenceCreate, int, (gpointer *preference)) \
  FUNCTION (cublasLtMatmulPreferenceDestroy, int, (gpointer preference)) \
  FUNCTION (cublasLtMatmulPreferenceSetAttribute, int, \
            (gpointer preference, int attribute, gconstpointer value, gsize size)) \
  FUNCTION (cublasLtMatmulAlgoGetHeuristic, int, \
            (gpointer handle, gpointer operation, gpointer a, gpointer b, gpointer c, gpointer d, \
             gpointer preference, int n_wanted, SngCublasltChoice *choices, int *n_choices)) \
  FUNCTION (cublasLtMatmulAlgoConfigGetAttribute, int, \
            (const SngCublasltAlgorithm *algorithm, int attribute, gpointer value, gsize size, gsize *n_written)) \
  FUNCTION (cublasLtMatmul, int, \
            (gpointer handle, gpointer operation, gconstpointer alpha, gconstpointer a, gpointer a_layout, \
             gconstpointer b, gpointer b_layout, gconstpointer beta, gconstpointer c, gpointer c_layout, gpointer d, \
             gpointer d_layout, const SngCublasltAlgorithm *algorithm, gpointer workspace, gsize workspace_size, \
             cudaStream_t stream))

#define SNG_CUBLASLT_POINTER(name, result, parameters) result (*name) parameters;
typedef struct
{
  SNG_CUBLASLT_FUNCTIONS (SNG_CUBLASLT_POINTER)
} SngCublaslt;
#undef SNG_CUBLASLT_POINTER

/* The names of the library that belongs to a version of CUDA. */
GStrv    sng_cublaslt_list_names (int cuda_version);
/* The first of these libraries that is there; it stays open until the program ends. */
gboolean sng_cublaslt_open    (SngCublaslt        *self,
                               const char *const  *names,
                               GError            **error);

G_END_DECLS
