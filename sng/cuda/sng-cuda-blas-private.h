/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "cuda/sng-cublaslt-private.h"
#include "cuda/sng-cuda-product-private.h"

G_BEGIN_DECLS

/* cuBLASLt on one GPU, and how each product is to be computed. That is decided once for every kind of product and stays so:
 * cuBLASLt's own choice for a shape, among the ways that sum in one sequence. */
typedef struct _SngCudaBlas SngCudaBlas;

typedef enum
{
  SNG_CUDA_BLAS_DONE,
  SNG_CUDA_BLAS_NO_WAY, /* cuBLASLt has none for this product */
  SNG_CUDA_BLAS_FAILED  /* with an error */
} SngCudaBlasResult;

/* The library is cuBLASLt as installed, opened with the first product, or what the caller has. */
SngCudaBlas       *sng_cuda_blas_new                (int                    compute_capability_major,
                                                     const SngCublaslt     *library);
void               sng_cuda_blas_free               (SngCudaBlas           *self);
/* Of the memory at workspace, aligned to 256 bytes. */
gsize              sng_cuda_blas_get_workspace_size (SngCudaBlas           *self);
/* Puts the product on the stream, of a GPU that is the thread's current one. Allocates nothing on the device. Any thread. */
SngCudaBlasResult  sng_cuda_blas_multiply           (SngCudaBlas           *self,
                                                     const SngCudaProduct  *product,
                                                     gpointer               workspace,
                                                     cudaStream_t           stream,
                                                     GError               **error);
/* Adds to a{ss} the library's version, settings in the process's environment that change results, and as a choice of the device
 * how each kind of product is computed that there was so far. */
void               sng_cuda_blas_describe           (SngCudaBlas           *self,
                                                     GVariantBuilder       *builder);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SngCudaBlas, sng_cuda_blas_free)

G_END_DECLS
