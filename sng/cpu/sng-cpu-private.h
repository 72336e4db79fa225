/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tensor/sng-device-private.h"

G_BEGIN_DECLS

/* Runs func (data, chunk) for chunk in [0, n_chunks) on the device's threads (the caller is one of them) and returns
 * when all are done. Which thread takes which chunk is open; so chunks must be cut without regard to the number of
 * threads, and then results do not depend on it.
 *
 * It is safe to call this from several threads and from within a chunk: while the workers are busy with one call,
 * another runs all of its chunks on the calling thread.
 *
 * OpenMP, which oneDNN uses within a chunk: the workers run with one OpenMP thread. The caller's setting belongs to the
 * caller; whoever calls OpenMP code within a chunk wraps it in
 * sng_cpu_single_openmp_begin () and sng_cpu_single_openmp_end (), which cost nothing beside a matrix product. */
typedef void (*SngChunkFunc) (gpointer data,
                              guint    chunk);

void sng_cpu_parallel_for (SngDevice    *device,
                           guint         n_chunks,
                           SngChunkFunc  func,
                           gpointer      data);

/* Sets the calling thread to one OpenMP thread, and back to what begin returned. */
int  sng_cpu_single_openmp_begin (void);
void sng_cpu_single_openmp_end   (int previous);

/* The workers behind sng_cpu_parallel_for. */
typedef struct _SngCpuPool SngCpuPool;

SngCpuPool *sng_cpu_pool_new           (guint         n_threads);
void        sng_cpu_pool_free          (SngCpuPool   *pool);
guint       sng_cpu_pool_get_n_threads (SngCpuPool   *pool);
void        sng_cpu_pool_run           (SngCpuPool   *pool,
                                        guint         n_chunks,
                                        SngChunkFunc  func,
                                        gpointer      data);

/* vfuncs of the device, each in the file of its name */
gboolean sng_cpu_stage   (SngDevice       *device,
                          gpointer         host,
                          gconstpointer    source,
                          gsize            n_bytes,
                          GError         **error);
void sng_cpu_gather      (SngDevice       *device,
                          gpointer         destination,
                          gconstpointer    source,
                          const SngLayout *layout,
                          gint64           first,
                          gint64           n);
void sng_cpu_scatter     (SngDevice       *device,
                          gpointer         destination,
                          const SngLayout *layout,
                          gconstpointer    source,
                          gint64           first,
                          gint64           n);
void sng_cpu_fingerprint (SngDevice         *device,
                          gsize              n,
                          const SngRegion   *elements,
                          gboolean           summarize,
                          SngBlockSums      *sums);

G_END_DECLS
