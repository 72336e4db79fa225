/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "cuda/sng-cuda-private.h"

G_BEGIN_DECLS

/* result = op (a) op (b) + addend + bias, summed in f32 and rounded once; all are row-major without gaps. */
typedef struct
{
  gsize         m;
  gsize         n;
  gsize         k;
  SngDtype      operand;      /* of a and b: f32, bf16 or f16 */
  SngDtype      real;         /* of the others: f32 or that of the operands */
  gboolean      a_transposed; /* a is [k, m], else [m, k] */
  gboolean      b_transposed; /* b is [n, k], else [k, n] */
  gconstpointer a;
  gconstpointer b;
  gconstpointer addend;       /* [m, n], nullable; may be result */
  gconstpointer bias;         /* [n], nullable; aligned to 16 bytes */
  gpointer      result;       /* [m, n] */
} SngCudaProduct;

/* sng-cuda-product.c: by cuBLASLt, or where that has no way for the product's shape, by our own kernel. */
void         sng_cuda_product          (SngDevice            *device,
                                        const SngCudaProduct *product);

/* Adds to a{ss} what products depend on: see sng_cuda_blas_describe(). */
void         sng_cuda_product_describe (SngDevice            *device,
                                        GVariantBuilder      *builder);

/* sng-cuda-simple-product.cu: any shape and alignment, not fast. */
cudaError_t  sng_cuda_simple_product   (const SngCudaProduct *product,
                                        cudaStream_t          stream);

G_END_DECLS
