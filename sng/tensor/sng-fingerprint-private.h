/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tensor/sng-device-func-private.h"
#include "tensor/sng-dtype.h"
#include "tensor/sng-fingerprint.h"

G_BEGIN_DECLS

/* The definition is docs/fingerprint.md; these functions follow it step by step. */

#define SNG_FINGERPRINT_BLOCK_SIZE 4096
/* Of the summary: so many blocks' sums are added in their order, and then the sums of these groups. */
#define SNG_FINGERPRINT_GROUP_BLOCKS 64
#define SNG_TENSOR_MAX_DIMS 32

struct _SngFingerprint
{
  guint64 low;
  guint64 high;
};

/* What one pass over blocks yields. The hashes of parts that are cut at blocks add up (modulo 2^128) in any order. The
 * summary's sums are combined in the order of the blocks, so that they do not depend on the number of threads. The summary
 * is over finite elements; the bounds of nothing are +inf and -inf. */
typedef struct
{
  guint64 low;
  guint64 high;
  double  minimum;
  double  maximum;
  double  sum;
  guint64 n_non_finite;
} SngBlockSums;

static inline SNG_DEVICE_FUNC guint64
sng_fingerprint_avalanche (guint64 x)
{
  x ^= x >> 33;
  x *= G_GUINT64_CONSTANT (0xC2B2AE3D27D4EB4F);
  x ^= x >> 29;
  x *= G_GUINT64_CONSTANT (0x165667B19E3779F9);
  x ^= x >> 32;
  return x;
}

/* Adds modulo 2^128. */
static inline SNG_DEVICE_FUNC void
sng_fingerprint_add (guint64 *low,
                     guint64 *high,
                     guint64  add_low,
                     guint64  add_high)
{
  *low += add_low;
  *high += add_high + (*low < add_low);
}

/* Adds the XXH3-128 hash of a block, mixed with the block's number by a Feistel network of four rounds: for one number a
 * bijection, so that nothing of the hash is lost; for another number another one. */
static inline SNG_DEVICE_FUNC void
sng_fingerprint_add_block (guint64 *low,
                           guint64 *high,
                           guint64  hash_low,
                           guint64  hash_high,
                           guint64  block)
{
  const guint64 golden = G_GUINT64_CONSTANT (0x9E3779B97F4A7C15);
  guint64 key = 4 * block * golden;
  guint64 a = hash_low, b = hash_high;

  a ^= sng_fingerprint_avalanche (b + key + golden);
  b ^= sng_fingerprint_avalanche (a + key + 2 * golden);
  a ^= sng_fingerprint_avalanche (b + key + 3 * golden);
  b ^= sng_fingerprint_avalanche (a + key + 4 * golden);

  sng_fingerprint_add (low, high, a, b);
}

void sng_fingerprint_finish (SngFingerprint *fingerprint,
                             guint64         low,
                             guint64         high,
                             SngDtype        dtype,
                             const gint64   *shape,
                             guint           n_dims);

G_END_DECLS
