/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tensor/sng-dtype.h"
#include "tensor/sng-fingerprint.h"

G_BEGIN_DECLS

#define SNG_FINGERPRINT_BLOCK_SIZE 4096

struct _SngFingerprint
{
  guint64 low;
  guint64 high;
};

/* What one pass over a contiguous run of blocks yields. Sums of partial results add up (modulo 2^128) in any order;
 * the summary's sums are combined in block order, so that they do not depend on the number of threads. */
typedef struct
{
  guint64 low;
  guint64 high;
  double  minimum;
  double  maximum;
  double  sum;
  guint64 n_non_finite;
} SngBlockSums;

void sng_fingerprint_finish (SngFingerprint *fingerprint,
                             guint64         low,
                             guint64         high,
                             SngDtype        dtype,
                             const gint64   *shape,
                             guint           n_dims);

G_END_DECLS
