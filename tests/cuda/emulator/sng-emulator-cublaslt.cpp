/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sng-emulator-cublaslt-private.h"

#include "tensor/sng-half-private.h"

#include <algorithm>

/* Products: whether their descriptions fit each other, which algorithms there are, and what comes of them. */

using namespace emulator;

namespace
{

/* What an algorithm's words mean. The identifiers are ones that the library has, too. */
enum AlgorithmWord
{
  WORD_MAGIC,
  WORD_ID,
  WORD_TILE,
  WORD_STAGES,
  WORD_SPLIT,
  WORD_REDUCTION,
  WORD_WORKSPACE,
  WORD_ALIGNMENTS /* a byte each for a, b, c, d and the bias: the bits that are 0 in its address */
};
constexpr uint64_t MAGIC = 0x736e6765636c7401u;
constexpr uint32_t ALGORITHM_PLAIN = 66;
constexpr uint32_t ALGORITHM_SPLIT = 21;
constexpr uint32_t SPLITS = 4;

size_t
size_of (cudaDataType_t type)
{
  return type == CUDA_R_32F ? 4 : 2;
}

float
load (const void *from, cudaDataType_t type, size_t i)
{
  switch (type)
    {
    case CUDA_R_16BF:
      return sng_bf16_to_float (((const guint16 *) from)[i]);
    case CUDA_R_16F:
      return sng_f16_to_float (((const guint16 *) from)[i]);
    default:
      return ((const float *) from)[i];
    }
}

void
store (void *to, cudaDataType_t type, size_t i, float value)
{
  switch (type)
    {
    case CUDA_R_16BF:
      ((guint16 *) to)[i] = sng_bf16_from_float (value);
      break;
    case CUDA_R_16F:
      ((guint16 *) to)[i] = sng_f16_from_float (value);
      break;
    default:
      ((float *) to)[i] = value;
      break;
    }
}

/* What a product needs, copied when it is called. */
struct Product
{
  Desc desc;
  Layout a_layout, b_layout, c_layout, d_layout;
  const void *a, *b, *c;
  void *d;
  float alpha, beta;
  void *workspace;
  size_t n_workspace_bytes;

  uint64_t
  n_inner () const
  {
    return desc.transposed_a ? a_layout.n_rows : a_layout.n_columns;
  }
};

/* Shapes and types that fit each other. */
cublasStatus_t
check (const Desc &desc, const Layout &a, const Layout &b, const Layout &c, const Layout &d)
{
  uint64_t a_rows = desc.transposed_a ? a.n_columns : a.n_rows,
           a_columns = desc.transposed_a ? a.n_rows : a.n_columns;
  uint64_t b_rows = desc.transposed_b ? b.n_columns : b.n_rows,
           b_columns = desc.transposed_b ? b.n_rows : b.n_columns;

  for (const Layout *layout : { &a, &b, &c, &d })
    if (layout->n_rows == 0 || layout->n_columns == 0 || layout->ld < (int64_t) layout->n_rows)
      return CUBLAS_STATUS_INVALID_VALUE;
  if (a_rows != d.n_rows || b_columns != d.n_columns || a_columns != b_rows || c.n_rows != d.n_rows
      || c.n_columns != d.n_columns)
    return CUBLAS_STATUS_INVALID_VALUE;
  if (desc.scale != CUDA_R_32F || a.type != b.type || c.type != d.type
      || (d.type != a.type && d.type != CUDA_R_32F)
      || (a.type != CUDA_R_32F && a.type != CUDA_R_16BF && a.type != CUDA_R_16F)
      || (desc.compute != CUBLAS_COMPUTE_32F && desc.compute != CUBLAS_COMPUTE_32F_PEDANTIC))
    return CUBLAS_STATUS_NOT_SUPPORTED;
  if (desc.epilogue == CUBLASLT_EPILOGUE_BIAS && desc.bias_type >= 0 && desc.bias_type != d.type)
    return CUBLAS_STATUS_NOT_SUPPORTED;
  return CUBLAS_STATUS_SUCCESS;
}

/* Sums in f32 by ascending k. The columns of a are made contiguous, so that the inner loop is over independent sums. */
void
multiply (const Product &product)
{
  const Layout &a = product.a_layout, &b = product.b_layout, &d = product.d_layout;
  size_t n_rows = d.n_rows, n_inner = product.n_inner ();
  std::vector<float> columns (n_rows * n_inner), sums (n_rows);

  /* The library may write there whatever it likes. */
  if (product.n_workspace_bytes > 0)
    spoil (product.workspace, product.n_workspace_bytes);
  for (size_t k = 0; k < n_inner; k++)
    for (size_t i = 0; i < n_rows; i++)
      columns[k * n_rows + i] =
          load (product.a, a.type, product.desc.transposed_a ? i * (size_t) a.ld + k : k * (size_t) a.ld + i);
  for (size_t j = 0; j < d.n_columns; j++)
    {
      std::fill (sums.begin (), sums.end (), 0.0f);
      for (size_t k = 0; k < n_inner; k++)
        {
          float factor = load (product.b, b.type,
                               product.desc.transposed_b ? k * (size_t) b.ld + j : j * (size_t) b.ld + k);

          for (size_t i = 0; i < n_rows; i++)
            sums[i] += columns[k * n_rows + i] * factor;
        }
      for (size_t i = 0; i < n_rows; i++)
        {
          float value = product.alpha * sums[i];

          if (product.beta != 0.0f)
            value +=
                product.beta * load (product.c, product.c_layout.type, j * (size_t) product.c_layout.ld + i);
          if (product.desc.epilogue == CUBLASLT_EPILOGUE_BIAS)
            value += load (product.desc.bias, d.type, i);
          store (product.d, d.type, j * (size_t) d.ld + i, value);
        }
    }
}

bool
is_device_matrix (const void *pointer, const Layout &layout)
{
  return memory_is_allocated (pointer, ((layout.n_columns - 1) * (size_t) layout.ld + layout.n_rows)
                                           * size_of (layout.type));
}

/* What the addresses may be, as the search was told: of matrices by the preference, of the bias by its own. */
uint64_t
alignment_bits (const cublasLtMatmulPreferenceOpaque &preference, const void *bias)
{
  uint64_t bias_address = (uint64_t) bias | 256;
  uint64_t bits = (((bias_address & -bias_address) - 1) & 255) << 32;

  for (int i = 0; i < 4; i++)
    bits |= (uint64_t) ((preference.alignments[i] - 1) & 255) << 8 * i;
  return bits;
}

bool
is_aligned (const cublasLtMatmulAlgo_t *algo, int i, const void *address)
{
  return algo == nullptr || ((uint64_t) address & (algo->data[WORD_ALIGNMENTS] >> 8 * i & 255)) == 0;
}

cublasLtMatmulAlgo_t
make_algorithm (uint32_t id, uint32_t n_splits, uint64_t n_workspace_bytes, uint64_t alignments)
{
  cublasLtMatmulAlgo_t algo = {};

  algo.data[WORD_MAGIC] = MAGIC;
  algo.data[WORD_ID] = id;
  algo.data[WORD_TILE] = (uint64_t) setting ("SNG_EMULATOR_TILE", 20);
  algo.data[WORD_STAGES] = 8;
  algo.data[WORD_SPLIT] = n_splits;
  algo.data[WORD_REDUCTION] =
      n_splits > 1 ? CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE : CUBLASLT_REDUCTION_SCHEME_NONE;
  algo.data[WORD_WORKSPACE] = n_workspace_bytes;
  algo.data[WORD_ALIGNMENTS] = alignments;
  return algo;
}

} // namespace

/* Two algorithms as a library would have them: one that splits the inner dimension and needs memory for that comes first,
 * where the preference allows it. */
cublasStatus_t
cublasLtMatmulAlgoGetHeuristic (cublasLtHandle_t,
                                cublasLtMatmulDesc_t desc,
                                cublasLtMatrixLayout_t a,
                                cublasLtMatrixLayout_t b,
                                cublasLtMatrixLayout_t c,
                                cublasLtMatrixLayout_t d,
                                cublasLtMatmulPreference_t preference,
                                int n_wanted,
                                cublasLtMatmulHeuristicResult_t *results,
                                int *n_results)
{
  BlasCall call ("cublasLtMatmulAlgoGetHeuristic");

  *n_results = 0;
  if (call.status == CUBLAS_STATUS_SUCCESS)
    call.status = n_wanted < 1 ? CUBLAS_STATUS_INVALID_VALUE : check (*desc, *a, *b, *c, *d);
  if (call.status != CUBLAS_STATUS_SUCCESS)
    return call.status;

  uint64_t n_bytes = SPLITS * 4 * d->n_rows * d->n_columns;
  uint64_t alignments = alignment_bits (*preference, desc->bias);
  auto add = [&] (uint32_t id, uint32_t n_splits, uint64_t n_workspace_bytes) {
    if (*n_results < n_wanted)
      results[(*n_results)++] = { make_algorithm (id, n_splits, n_workspace_bytes, alignments),
                                  n_workspace_bytes,
                                  CUBLAS_STATUS_SUCCESS,
                                  1.0f,
                                  {} };
  };
  if ((preference->reduction_mask & CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE) != 0
      && n_bytes <= preference->max_workspace)
    add (ALGORITHM_SPLIT, SPLITS, n_bytes);
  add (ALGORITHM_PLAIN, 1, 0);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t
cublasLtMatmulAlgoConfigGetAttribute (const cublasLtMatmulAlgo_t *algo,
                                      cublasLtMatmulAlgoConfigAttributes_t attribute,
                                      void *value,
                                      size_t n_bytes,
                                      size_t *n_written)
{
  BlasCall call ("cublasLtMatmulAlgoConfigGetAttribute");
  uint64_t number = 0;

  if (call.status != CUBLAS_STATUS_SUCCESS)
    return call.status;
  switch (attribute)
    {
    case CUBLASLT_ALGO_CONFIG_ID:
      number = algo->data[WORD_ID];
      break;
    case CUBLASLT_ALGO_CONFIG_TILE_ID:
      number = algo->data[WORD_TILE];
      break;
    case CUBLASLT_ALGO_CONFIG_SPLITK_NUM:
      number = algo->data[WORD_SPLIT];
      break;
    case CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME:
      number = algo->data[WORD_REDUCTION];
      break;
    case CUBLASLT_ALGO_CONFIG_STAGES_ID:
      number = algo->data[WORD_STAGES];
      break;
    case CUBLASLT_ALGO_CONFIG_CTA_SWIZZLING:
    case CUBLASLT_ALGO_CONFIG_CUSTOM_OPTION:
    case CUBLASLT_ALGO_CONFIG_INNER_SHAPE_ID:
    case CUBLASLT_ALGO_CONFIG_CLUSTER_SHAPE_ID:
      break;
    default:
      return CUBLAS_STATUS_INVALID_VALUE;
    }

  bool is_short =
      attribute == CUBLASLT_ALGO_CONFIG_INNER_SHAPE_ID || attribute == CUBLASLT_ALGO_CONFIG_CLUSTER_SHAPE_ID;
  size_t size = is_short ? 2 : 4;
  if (n_written != nullptr)
    *n_written = size;
  if (n_bytes != size)
    return CUBLAS_STATUS_INVALID_VALUE;
  memcpy (value, &number, size);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t
cublasLtMatmul (cublasLtHandle_t handle,
                cublasLtMatmulDesc_t desc,
                const void *alpha,
                const void *a,
                cublasLtMatrixLayout_t a_layout,
                const void *b,
                cublasLtMatrixLayout_t b_layout,
                const void *beta,
                const void *c,
                cublasLtMatrixLayout_t c_layout,
                void *d,
                cublasLtMatrixLayout_t d_layout,
                const cublasLtMatmulAlgo_t *algo,
                void *workspace,
                size_t n_workspace_bytes,
                cudaStream_t stream_handle)
{
  BlasCall call ("cublasLtMatmul");
  auto stream = stream_find (stream_handle);

  if (call.status == CUBLAS_STATUS_SUCCESS)
    call.status = check (*desc, *a_layout, *b_layout, *c_layout, *d_layout);
  if (call.status != CUBLAS_STATUS_SUCCESS)
    return call.status;
  if (stream == nullptr || stream->device != handle->device || desc->device_scalars
      || (algo != nullptr && algo->data[WORD_MAGIC] != MAGIC))
    return CUBLAS_STATUS_INVALID_VALUE;

  Product product = { *desc,
                      *a_layout,
                      *b_layout,
                      *c_layout,
                      *d_layout,
                      a,
                      b,
                      c,
                      d,
                      *(const float *) alpha,
                      *(const float *) beta,
                      workspace,
                      algo != nullptr ? algo->data[WORD_WORKSPACE] : 0 };
  if (product.n_workspace_bytes > n_workspace_bytes || !is_device_matrix (a, *a_layout)
      || !is_device_matrix (b, *b_layout) || !is_device_matrix (d, *d_layout)
      || (product.beta != 0.0f && !is_device_matrix (c, *c_layout))
      || (product.n_workspace_bytes > 0 && !memory_is_allocated (workspace, product.n_workspace_bytes))
      || (desc->epilogue == CUBLASLT_EPILOGUE_BIAS
          && !memory_is_allocated (desc->bias, d_layout->n_rows * size_of (d_layout->type))))
    return CUBLAS_STATUS_INVALID_VALUE;
  /* A library that was told otherwise would fail when it loads from there. */
  if (!is_aligned (algo, 0, a) || !is_aligned (algo, 1, b)
      || (product.beta != 0.0f && !is_aligned (algo, 2, c)) || !is_aligned (algo, 3, d)
      || (desc->epilogue == CUBLASLT_EPILOGUE_BIAS && !is_aligned (algo, 4, desc->bias)))
    return CUBLAS_STATUS_EXECUTION_FAILED;

  Work work;
  work.device = stream->device;
  work.run = [product] { multiply (product); };
  return stream_submit (stream, std::move (work)) == cudaSuccess ? CUBLAS_STATUS_SUCCESS
                                                                 : CUBLAS_STATUS_EXECUTION_FAILED;
}
