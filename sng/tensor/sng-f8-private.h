/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tensor/sng-dtype.h"
#include "tensor/sng-half-private.h"

G_BEGIN_DECLS

/* The 8-bit floating point formats. E4M3 (finite: one not-a-number of each sign, no infinities), E5M2 and E8M0 (a power of
 * two, no sign and no zero) are those of the OCP specifications OFP8 and MX; the FNUZ ones have one not-a-number where the
 * negative zero would be, no infinities, and a bias that is higher by one. Every value is a binary32. */

static inline float
sng_f8_widen (guint8 code, guint significand_bits, int bias)
{
  guint32 sign = (guint32) (code & 0x80u) << 24;
  guint32 rest = (guint32) (code & 0x7fu) << (23 - significand_bits);

  if (rest >= 0x00800000u)
    return sng_float_from_bits (sign | (rest + ((guint32) (127 - bias) << 23)));

  /* Subnormal: a multiple of the smallest number, which is a power of two. */
  return sng_float_from_bits (sign
                              | sng_float_to_bits ((float) (code & 0x7fu)
                                                   * sng_float_from_bits ((guint32) (128 - bias - (int) significand_bits) << 23)));
}

static inline float
sng_f8_not_a_number (guint8 code)
{
  return sng_float_from_bits ((guint32) (code & 0x80u) << 24 | 0x7fc00000u);
}

static inline float
sng_f8_e4m3_to_float (guint8 code)
{
  return (code & 0x7fu) == 0x7fu ? sng_f8_not_a_number (code) : sng_f8_widen (code, 3, 7);
}

static inline float
sng_f8_e5m2_to_float (guint8 code)
{
  if ((code & 0x7fu) == 0x7cu)
    return sng_float_from_bits ((guint32) (code & 0x80u) << 24 | 0x7f800000u);

  return (code & 0x7fu) > 0x7cu ? sng_f8_not_a_number (code) : sng_f8_widen (code, 2, 15);
}

static inline float
sng_f8_e8m0_to_float (guint8 code)
{
  if (code == 0xffu)
    return sng_f8_not_a_number (0);

  return sng_float_from_bits (code > 0 ? (guint32) code << 23 : 0x00400000u);
}

static inline float
sng_f8_e4m3fnuz_to_float (guint8 code)
{
  return code == 0x80u ? sng_f8_not_a_number (0) : sng_f8_widen (code, 3, 8);
}

static inline float
sng_f8_e5m2fnuz_to_float (guint8 code)
{
  return code == 0x80u ? sng_f8_not_a_number (0) : sng_f8_widen (code, 2, 16);
}

/* What an element of one of the formats is; not a number for any other dtype. */
float  sng_f8_to_float   (SngDtype dtype,
                          guint8   code);
/* The nearest element: of two, the even one; of E8M0, the higher one. What is beyond the largest is infinite where the
 * format has that, else not a number. E8M0 wants a number above 0. */
guint8 sng_f8_from_float (SngDtype dtype,
                          float    value);

G_END_DECLS
