/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>
#include <string.h>

#include "tensor/sng-device-func-private.h"

G_BEGIN_DECLS

/* The 16-bit floating point formats, to and from binary32. Narrowing rounds to the nearest, ties to even; a value that
 * is not a number stays one (quiet, with the upper bits of its payload). Plain integer arithmetic, so that every
 * compiler and every device gives the same bits. */

static inline SNG_DEVICE_FUNC float
sng_float_from_bits (guint32 bits)
{
  float value;

  memcpy (&value, &bits, sizeof value);
  return value;
}

static inline SNG_DEVICE_FUNC guint32
sng_float_to_bits (float value)
{
  guint32 bits;

  memcpy (&bits, &value, sizeof bits);
  return bits;
}

static inline SNG_DEVICE_FUNC float
sng_bf16_to_float (guint16 half)
{
  return sng_float_from_bits ((guint32) half << 16);
}

static inline SNG_DEVICE_FUNC guint16
sng_bf16_from_float (float value)
{
  guint32 bits = sng_float_to_bits (value);

  if ((bits & 0x7fffffffu) > 0x7f800000u)
    return (guint16) ((bits >> 16) | 0x40u);

  return (guint16) ((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

static inline SNG_DEVICE_FUNC float
sng_f16_to_float (guint16 half)
{
  guint32 sign = (guint32) (half & 0x8000u) << 16;
  guint32 rest = (guint32) (half & 0x7fffu) << 13;

  if (rest >= 0x0f800000u) /* infinite or not a number */
    return sng_float_from_bits (sign | 0x7f800000u | rest);
  if (rest >= 0x00800000u) /* normal: the exponents' biases are 15 and 127 */
    return sng_float_from_bits (sign | (rest + ((127u - 15u) << 23)));

  /* Subnormal: a multiple of 2^-24, which binary32 holds exactly. */
  return sng_float_from_bits (sign | sng_float_to_bits ((float) (half & 0x7fffu) * (1.0f / 16777216.0f)));
}

static inline SNG_DEVICE_FUNC guint16
sng_f16_from_float (float value)
{
  guint32 bits = sng_float_to_bits (value);
  guint32 sign = (bits >> 16) & 0x8000u;
  guint32 rest = bits & 0x7fffffffu;
  guint32 shift, significand, kept;

  if (rest > 0x7f800000u)
    return (guint16) (sign | 0x7e00u | ((rest >> 13) & 0x3ffu));
  if (rest >= 0x477ff000u) /* rounds to 65536 or more */
    return (guint16) (sign | 0x7c00u);
  if (rest >= 0x38800000u) /* normal: at least 2^-14 */
    return (guint16) (sign | ((rest - ((127u - 15u) << 23) + 0xfffu + ((rest >> 13) & 1u)) >> 13));
  if (rest < 0x33000000u) /* below 2^-25 */
    return (guint16) sign;

  /* Subnormal: shift the significand to a multiple of 2^-24 and round what falls off. */
  shift = 126u - (rest >> 23);
  significand = (rest & 0x7fffffu) | 0x800000u;
  kept = significand >> shift;
  kept += (significand & ((1u << shift) - 1u)) + (kept & 1u) > (1u << (shift - 1u));
  return (guint16) (sign | kept);
}

G_END_DECLS
