/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "twin-fixture.h"

/* A run of a kernel on the GPU, over and over. */

typedef void (*RepeatFunc) (const SngKernels *kernels,
                            SngDevice        *device,
                            gpointer          data);

/* Calls the function on the GPU's side a few times, each time from the same contents of what it changes (twins, ended by NULL),
 * and sees the same bits come out. The emulator has blocks and threads run in another order each time. */
void repeat_on_cuda (guint         table,
                     RepeatFunc    func,
                     gpointer      data,
                     Twin *const  *twins);
