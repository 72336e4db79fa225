/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "cpu/sng-cpu-math-private.h"

/* A kernel is a case: its forward and its backward over buffers of the types that the table of kernels asks for. Each case
 * is judged in five ways: its gradients in f64 against central differences, f32, bf16 and f16 against f64 from the
 * same inputs (which all types hold exactly), the tables for AVX2 against those for any processor, bit by bit, and any
 * number of threads against one, bit by bit. */

#define MAX_INPUTS 3

typedef enum
{
  REALS,
  OPERANDS
} Kind;

typedef struct
{
  SngDtype dtype;
  gsize n;
  gpointer data;
} Values;

typedef struct
{
  Values in[MAX_INPUTS];
  Values gradient[MAX_INPUTS];
  Values out;
  Values d_out;
  Values saved[2];
} Buffers;

typedef void (*KernelFunc) (const SngKernels *kernels, SngDevice *device, const Buffers *b);

typedef struct
{
  const char *name;
  KernelFunc forward;
  KernelFunc backward;
  gsize n_in[MAX_INPUTS];
  Kind in[MAX_INPUTS];
  Kind gradient[MAX_INPUTS];
  gsize n_out;
  Kind out;
  Kind d_out;
  gsize n_saved;     /* reals */
  gboolean composed; /* of several kernels: reals then come from operands that were rounded */
} Case;

void cpu_math_add_cases (const char *suite,
                         const Case *cases,
                         guint       n_cases);

/* The tables of this machine by index, and NULL behind the last. */
const SngKernels *cpu_math_kernels (guint i);

double values_get   (const Values *values,
                     gsize         i);
void   values_set   (const Values *values,
                     gsize         i,
                     double        value);
Values values_new   (SngDtype      dtype,
                     gsize         n);
Values values_random (SngDtype     dtype,
                      gsize        n,
                      guint32      seed);
void   values_clear (Values       *values);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Values, values_clear)

/* The difference of two as a share of the norm of b. */
double values_difference (const Values *a,
                          const Values *b);

/* The tokens of sequences of these lengths, laid behind each other. */
SngRows *rows_new  (const gsize *lengths,
                    gsize        n_sequences);
void     rows_free (SngRows     *rows);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SngRows, rows_free)
