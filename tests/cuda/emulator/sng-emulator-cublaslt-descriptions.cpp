/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sng-emulator-cublaslt-private.h"

/* The library's handle and its texts, and what describes a product: only kept here. */

using namespace emulator;

namespace
{

template <typename T>
bool
read (T *to, const void *value, size_t n_bytes)
{
  if (value == nullptr || n_bytes != sizeof *to)
    return false;
  memcpy (to, value, sizeof *to);
  return true;
}

cublasStatus_t
status_of (bool good)
{
  return good ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}

} // namespace

cublasStatus_t
cublasLtCreate (cublasLtHandle_t *handle)
{
  BlasCall call ("cublasLtCreate");

  if (call.status != CUBLAS_STATUS_SUCCESS)
    return call.status;
  if (device_status () != cudaSuccess)
    return CUBLAS_STATUS_NOT_INITIALIZED;
  *handle = new cublasLtContext{ current_device () };
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t
cublasLtDestroy (cublasLtHandle_t handle)
{
  BlasCall call ("cublasLtDestroy");

  if (call.status == CUBLAS_STATUS_SUCCESS)
    delete handle;
  return call.status;
}

size_t
cublasLtGetVersion (void)
{
  return CUBLAS_VER_MAJOR * 10000 + CUBLAS_VER_MINOR * 100 + CUBLAS_VER_PATCH;
}

size_t
cublasLtGetCudartVersion (void)
{
  return CUDART_VERSION;
}

#define STATUS_NAME(name, value, text)                                                                       \
 case name:                                                                                                  \
  return #name;
#define STATUS_TEXT(name, value, text)                                                                       \
 case name:                                                                                                  \
  return text;

const char *
cublasLtGetStatusName (cublasStatus_t status)
{
  switch (status)
    {
      SNG_EMULATOR_CUBLAS_STATUSES (STATUS_NAME)
    }
  return "CUBLAS_STATUS_UNKNOWN";
}

const char *
cublasLtGetStatusString (cublasStatus_t status)
{
  switch (status)
    {
      SNG_EMULATOR_CUBLAS_STATUSES (STATUS_TEXT)
    }
  return "unknown status";
}

cublasStatus_t
cublasLtMatmulDescCreate (cublasLtMatmulDesc_t *desc, cublasComputeType_t compute, cudaDataType_t scale)
{
  BlasCall call ("cublasLtMatmulDescCreate");

  if (call.status == CUBLAS_STATUS_SUCCESS)
    *desc = new Desc{ compute, scale, false, false, false, CUBLASLT_EPILOGUE_DEFAULT, nullptr, -1 };
  return call.status;
}

cublasStatus_t
cublasLtMatmulDescDestroy (cublasLtMatmulDesc_t desc)
{
  BlasCall call ("cublasLtMatmulDescDestroy");

  if (call.status == CUBLAS_STATUS_SUCCESS)
    delete desc;
  return call.status;
}

cublasStatus_t
cublasLtMatmulDescSetAttribute (cublasLtMatmulDesc_t desc,
                                cublasLtMatmulDescAttributes_t attribute,
                                const void *value,
                                size_t n_bytes)
{
  BlasCall call ("cublasLtMatmulDescSetAttribute");
  int32_t number = 0;

  if (call.status != CUBLAS_STATUS_SUCCESS)
    return call.status;
  if (attribute == CUBLASLT_MATMUL_DESC_BIAS_POINTER)
    return status_of (read (&desc->bias, value, n_bytes));
  if (!read (&number, value, n_bytes))
    return CUBLAS_STATUS_INVALID_VALUE;
  switch (attribute)
    {
    case CUBLASLT_MATMUL_DESC_POINTER_MODE:
      desc->device_scalars = number == CUBLASLT_POINTER_MODE_DEVICE;
      break;
    case CUBLASLT_MATMUL_DESC_TRANSA:
      desc->transposed_a = number == CUBLAS_OP_T;
      break;
    case CUBLASLT_MATMUL_DESC_TRANSB:
      desc->transposed_b = number == CUBLAS_OP_T;
      break;
    case CUBLASLT_MATMUL_DESC_EPILOGUE:
      desc->epilogue = (cublasLtEpilogue_t) number;
      break;
    case CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE:
      desc->bias_type = number;
      break;
    default:
      return CUBLAS_STATUS_INVALID_VALUE;
    }
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t
cublasLtMatrixLayoutCreate (cublasLtMatrixLayout_t *layout,
                            cudaDataType_t type,
                            uint64_t n_rows,
                            uint64_t n_columns,
                            int64_t ld)
{
  BlasCall call ("cublasLtMatrixLayoutCreate");

  if (call.status == CUBLAS_STATUS_SUCCESS)
    *layout = new Layout{ type, n_rows, n_columns, ld };
  return call.status;
}

cublasStatus_t
cublasLtMatrixLayoutDestroy (cublasLtMatrixLayout_t layout)
{
  BlasCall call ("cublasLtMatrixLayoutDestroy");

  if (call.status == CUBLAS_STATUS_SUCCESS)
    delete layout;
  return call.status;
}

cublasStatus_t
cublasLtMatrixLayoutSetAttribute (cublasLtMatrixLayout_t layout,
                                  cublasLtMatrixLayoutAttribute_t attribute,
                                  const void *value,
                                  size_t n_bytes)
{
  BlasCall call ("cublasLtMatrixLayoutSetAttribute");
  int32_t number = 0;

  if (call.status != CUBLAS_STATUS_SUCCESS)
    return call.status;
  switch (attribute)
    {
    case CUBLASLT_MATRIX_LAYOUT_ROWS:
      return status_of (read (&layout->n_rows, value, n_bytes));
    case CUBLASLT_MATRIX_LAYOUT_COLS:
      return status_of (read (&layout->n_columns, value, n_bytes));
    case CUBLASLT_MATRIX_LAYOUT_LD:
      return status_of (read (&layout->ld, value, n_bytes));
    case CUBLASLT_MATRIX_LAYOUT_ORDER:
      return status_of (read (&number, value, n_bytes) && number == CUBLASLT_ORDER_COL);
    default:
      return CUBLAS_STATUS_INVALID_VALUE;
    }
}

cublasStatus_t
cublasLtMatmulPreferenceCreate (cublasLtMatmulPreference_t *preference)
{
  BlasCall call ("cublasLtMatmulPreferenceCreate");

  if (call.status == CUBLAS_STATUS_SUCCESS)
    *preference =
        new cublasLtMatmulPreferenceOpaque{ 0, CUBLASLT_REDUCTION_SCHEME_MASK, { 256, 256, 256, 256 } };
  return call.status;
}

cublasStatus_t
cublasLtMatmulPreferenceDestroy (cublasLtMatmulPreference_t preference)
{
  BlasCall call ("cublasLtMatmulPreferenceDestroy");

  if (call.status == CUBLAS_STATUS_SUCCESS)
    delete preference;
  return call.status;
}

cublasStatus_t
cublasLtMatmulPreferenceSetAttribute (cublasLtMatmulPreference_t preference,
                                      cublasLtMatmulPreferenceAttributes_t attribute,
                                      const void *value,
                                      size_t n_bytes)
{
  BlasCall call ("cublasLtMatmulPreferenceSetAttribute");
  uint32_t number = 0;

  if (call.status != CUBLAS_STATUS_SUCCESS)
    return call.status;
  switch (attribute)
    {
    case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES:
      return status_of (read (&preference->max_workspace, value, n_bytes));
    case CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK:
      return status_of (read (&preference->reduction_mask, value, n_bytes));
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES:
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES:
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES:
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES:
      return status_of (read (&preference->alignments[attribute - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES],
                              value, n_bytes));
    default:
      return status_of (read (&number, value, n_bytes));
    }
}
