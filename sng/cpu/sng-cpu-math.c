/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cpu/sng-cpu-math-private.h"

#include <stdlib.h>

/* What all tables share: the choice among them, scratch memory. */

const SngDeviceMath *
sng_cpu_math_get (void)
{
  static const SngDeviceMath plain = {
    .f32 = &sng_cpu_kernels_f32,
    .bf16 = &sng_cpu_kernels_bf16,
    .f16 = &sng_cpu_kernels_f16,
    .f64 = &sng_cpu_kernels_f64,
  };
#ifdef SNG_HAVE_AVX2
  static const SngDeviceMath avx2 = {
    .f32 = &sng_cpu_kernels_f32_avx2,
    .bf16 = &sng_cpu_kernels_bf16_avx2,
    .f16 = &sng_cpu_kernels_f16_avx2,
    .f64 = &sng_cpu_kernels_f64,
  };

#endif
#ifdef SNG_HAVE_AVX512
  static const SngDeviceMath avx512 = {
    .f32 = &sng_cpu_kernels_f32_avx512,
    .bf16 = &sng_cpu_kernels_bf16_avx512,
    .f16 = &sng_cpu_kernels_f16_avx512,
    .f64 = &sng_cpu_kernels_f64,
  };

  if (__builtin_cpu_supports ("avx512vl") && __builtin_cpu_supports ("avx512bw")
      && __builtin_cpu_supports ("avx512dq"))
    return &avx512;
#endif
#ifdef SNG_HAVE_AVX2
  /* Every processor with AVX2 has F16C. */
  if (__builtin_cpu_supports ("avx2"))
    return &avx2;
#endif
  return &plain;
}

typedef struct
{
  gpointer data;
  gsize n_bytes;
} Scratch;

static void
scratches_free (gpointer data)
{
  Scratch *scratches = data;

  for (guint i = 0; i < SNG_CPU_N_SCRATCHES; i++)
    free (scratches[i].data);
  g_free (scratches);
}

gpointer
sng_cpu_scratch (SngCpuScratchUse use, gsize n_bytes)
{
  static GPrivate key = G_PRIVATE_INIT (scratches_free);
  Scratch *scratches = g_private_get (&key);
  Scratch *scratch;

  if (scratches == NULL)
    {
      scratches = g_new0 (Scratch, SNG_CPU_N_SCRATCHES);
      g_private_set (&key, scratches);
    }
  scratch = &scratches[use];
  if (scratch->n_bytes < n_bytes)
    {
      gsize rounded = (n_bytes + 4095) & ~(gsize) 4095;

      free (scratch->data);
      scratch->data = aligned_alloc (64, rounded);
      if (scratch->data == NULL)
        g_error ("[cpu][scratch] no memory for %" G_GSIZE_FORMAT " bytes", rounded);
      scratch->n_bytes = rounded;
    }
  return scratch->data;
}
