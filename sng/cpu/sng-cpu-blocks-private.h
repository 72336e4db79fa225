/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tensor/sng-fingerprint-private.h"

G_BEGIN_DECLS

/* Hashes n_bytes contiguous bytes that start with block first_block and adds to sums; where summarize, takes the
 * summary of each block while it is in the nearest cache. Only the last block of a tensor may be short.
 * sng-cpu-blocks.c is compiled once for any x86-64 and once for AVX2; both give the same results. */
typedef void (*SngCpuBlocksFunc) (const guint8 *data,
                                  gsize         n_bytes,
                                  guint64       first_block,
                                  SngDtype      dtype,
                                  gboolean      summarize,
                                  SngBlockSums *sums);

void sng_cpu_blocks_plain (const guint8 *data,
                           gsize         n_bytes,
                           guint64       first_block,
                           SngDtype      dtype,
                           gboolean      summarize,
                           SngBlockSums *sums);
void sng_cpu_blocks_avx2  (const guint8 *data,
                           gsize         n_bytes,
                           guint64       first_block,
                           SngDtype      dtype,
                           gboolean      summarize,
                           SngBlockSums *sums);

/* The best one for this machine. */
SngCpuBlocksFunc sng_cpu_blocks_choose (void);

G_END_DECLS
