/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <sng.h>

#include "tensor/sng-device-math-private.h"

/* The same arrays on the processor and on a GPU, real or emulated: a kernel is run on both sides, and both are compared.
 *
 * The plug-in is linked with the shared library, so a test of it is, too: what is private is reached through the classes. */

/* Both live as long as the program. Where there is no GPU the program ends here, as a test that was skipped. */
SngDevice *twin_cpu  (void);
SngDevice *twin_cuda (void);
/* Whether that is the emulator: it can be told to fail, and puts off what nobody waits for. */
gboolean   twin_is_emulated (void);

/* The tables that both sides have, by index: those of f32, bf16 and f16. */
#define TWIN_N_TABLES 3
const SngKernels *twin_cpu_kernels  (guint table);
const SngKernels *twin_cuda_kernels (guint table);

typedef struct
{
  SngDtype dtype;
  gsize    n;
  gpointer host;
  gpointer device;
} Twin;

/* zeros */
Twin twin_new      (SngDtype      dtype,
                    gsize         n);
/* Numbers of bf16 between -2 and 2, which the other types hold as well; sums of them are not exact. */
Twin twin_random   (SngDtype      dtype,
                    gsize         n,
                    guint32       seed);
Twin twin_from     (SngDtype      dtype,
                    gsize         n,
                    gconstpointer values);
void twin_clear    (Twin         *twin);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Twin, twin_clear)

/* Of the host's side; twin_upload() brings what was set to the device. */
double twin_get    (const Twin   *twin,
                    gsize         i);
void   twin_set    (const Twin   *twin,
                    gsize         i,
                    double        value);
void   twin_upload (const Twin   *twin);

/* The device's side. */
GBytes *twin_dup_device_bytes (const Twin *twin);

/* The L2 norm of the difference as a share of the host's. */
double twin_difference (const Twin *twin);
/* The difference is below the tolerance, and would not be if the device's side were off by four tolerances. */
void   twin_check      (const Twin *twin,
                        double      tolerance,
                        const char *what);
/* All bits are equal. */
void   twin_check_equal (const Twin *twin,
                         const char *what);

/* What a GPU's results may differ by, where both sides have rounded to the table's operands on their way. */
double twin_tolerance  (const SngKernels *kernels);

/* The tokens of sequences of these lengths, laid behind each other, for either side. */
typedef struct
{
  SngRows host;
  SngRows device;
  Twin    numbers;
} TwinRows;

TwinRows *twin_rows_new  (const gsize *lengths,
                          gsize        n_sequences);
void      twin_rows_free (TwinRows    *rows);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TwinRows, twin_rows_free)
