/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The emulator of CUDA: that it computes what a GPU computes, and that it finds the faults that it is for. */

#include "test-cuda-emulator.h"

int
main (int argc, char *argv[])
{
  /* The settings are those of each test. */
  for (const char *name : { "SNG_EMULATOR_SEED", "SNG_EMULATOR_PROTECT", "SNG_EMULATOR_DEVICES",
                            "SNG_EMULATOR_FAIL", "SNG_EMULATOR_MEMORY", "SNG_EMULATOR_TILE" })
    g_unsetenv (name);
  g_test_init (&argc, &argv, NULL);
  add_kernel_tests ();
  add_stream_tests ();
  add_memory_tests ();
  add_blas_tests ();
  return g_test_run ();
}
