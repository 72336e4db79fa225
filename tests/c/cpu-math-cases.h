/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "cpu/sng-cpu-math-private.h"

/* Each kernel is a case: its forward and its backward over buffers of any dtype. */

#define MAX_INPUTS 3

typedef struct
{
  gpointer in[MAX_INPUTS];
  gpointer gradient[MAX_INPUTS];
  gpointer out;
  gpointer d_out;
  gpointer saved[2];
  gsize size; /* of an element */
} Buffers;

typedef void (*KernelFunc) (const SngKernels *kernels, SngDevice *device, const Buffers *b);

typedef struct
{
  const char *name;
  gsize n_in[MAX_INPUTS];
  gsize n_out;
  gsize n_saved;
  KernelFunc forward;
  KernelFunc backward;
} Case;

extern const Case cpu_math_cases[];
extern const guint n_cpu_math_cases;

/* once, before the first case runs */
void cpu_math_cases_init (void);
