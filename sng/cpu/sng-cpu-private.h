/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tensor/sng-device-private.h"

G_BEGIN_DECLS

/* Runs func (data, chunk) for chunk in [0, n_chunks) on the device's threads (the caller is one of them) and returns
 * when all are done. Which thread takes which chunk is open; so chunks must be cut without regard to the number of
 * threads, and then results do not depend on it. */
typedef void (*SngChunkFunc) (gpointer data,
                              guint    chunk);

void sng_cpu_parallel_for (SngDevice    *device,
                           guint         n_chunks,
                           SngChunkFunc  func,
                           gpointer      data);

G_END_DECLS
