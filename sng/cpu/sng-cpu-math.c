/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cpu/sng-cpu-math-private.h"

#include <stdlib.h>

/* What all tables share: the choice among them, scratch memory. */

#define VARIANT(suffix)                                                                                      \
 {                                                                                                           \
  .f32 = &SNG_CPU_TABLE_OF (f32, suffix), .bf16 = &SNG_CPU_TABLE_OF (bf16, suffix),                          \
  .f16 = &SNG_CPU_TABLE_OF (f16, suffix), .f64 = &sng_cpu_kernels_f64                                        \
 }

/* from the plain one to the one that needs most */
static const SngDeviceMath variants[] = {
  VARIANT (),
#ifdef SNG_HAVE_AVX2
  VARIANT (_avx2),
#endif
#ifdef SNG_HAVE_AVX512
  VARIANT (_avx512),
#endif
};

static guint
count_variants (void)
{
  guint n = 1;

#ifdef SNG_HAVE_AVX2
  /* Every processor with AVX2 has F16C. */
  n += __builtin_cpu_supports ("avx2") ? 1 : 0;
#endif
#ifdef SNG_HAVE_AVX512
  n += __builtin_cpu_supports ("avx512vl") && __builtin_cpu_supports ("avx512bw")
               && __builtin_cpu_supports ("avx512dq")
           ? 1
           : 0;
#endif
  return n;
}

const SngDeviceMath *
sng_cpu_math_get_variant (guint index)
{
  return index < count_variants () ? &variants[index] : NULL;
}

const SngDeviceMath *
sng_cpu_math_get (void)
{
  return &variants[count_variants () - 1];
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
