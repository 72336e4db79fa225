/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

/* Stands before a function that the compiler of a device's kernels compiles for the device as well; nothing to any other. */
#ifdef __CUDACC__
# define SNG_DEVICE_FUNC __host__ __device__
#else
# define SNG_DEVICE_FUNC
#endif
