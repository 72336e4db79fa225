/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

#include "tensor/sng-device-func-private.h"

G_BEGIN_DECLS

/* Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3; SC 2011): 128 random bits
 * as a pure function of a 64-bit key and a 128-bit counter. Shared by the CPU and CUDA kernels. */

#define SNG_PHILOX_ROUNDS 10
#define SNG_PHILOX_FACTOR0 0xD2511F53u
#define SNG_PHILOX_FACTOR1 0xCD9E8D57u
#define SNG_PHILOX_WEYL0 0x9E3779B9u
#define SNG_PHILOX_WEYL1 0xBB67AE85u

static inline SNG_DEVICE_FUNC void
sng_philox4x32 (guint64       key,
                const guint32 counter[4],
                guint32       output[4])
{
  guint32 k0 = (guint32) key, k1 = (guint32) (key >> 32);
  guint32 c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];

  for (int round = 0; round < SNG_PHILOX_ROUNDS; round++)
    {
      guint64 p0 = (guint64) SNG_PHILOX_FACTOR0 * c0;
      guint64 p1 = (guint64) SNG_PHILOX_FACTOR1 * c2;

      c0 = (guint32) (p1 >> 32) ^ c1 ^ k0;
      c1 = (guint32) p1;
      c2 = (guint32) (p0 >> 32) ^ c3 ^ k1;
      c3 = (guint32) p0;
      k0 += SNG_PHILOX_WEYL0;
      k1 += SNG_PHILOX_WEYL1;
    }

  output[0] = c0;
  output[1] = c1;
  output[2] = c2;
  output[3] = c3;
}

/* [0, 1), 24 bits: exact in f32 and f64. */
static inline SNG_DEVICE_FUNC float
sng_philox_uniform (guint32 bits)
{
  return (float) (bits >> 8) * (1.0f / 16777216.0f);
}

G_END_DECLS
