/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tensor/sng-f8-private.h"

#include <math.h>

/* The codes from 0 to the largest stand for finite numbers from 0 up, in order. */
typedef struct
{
  guint8 largest;
  guint8 beyond;       /* what is larger than the largest */
  guint8 not_a_number; /* without its sign */
  gboolean has_sign;   /* of zero and of what is not a number, too */
} Format;

static const Format e4m3 = { 0x7e, 0x7f, 0x7f, TRUE };
static const Format e5m2 = { 0x7b, 0x7c, 0x7f, TRUE };
static const Format e8m0 = { 0xfe, 0xff, 0xff, FALSE };
static const Format fnuz = { 0x7f, 0x80, 0x80, FALSE };

float
sng_f8_to_float (SngDtype dtype, guint8 code)
{
  switch ((guint) dtype)
    {
    case SNG_DTYPE_F8_E4M3:
      return sng_f8_e4m3_to_float (code);
    case SNG_DTYPE_F8_E5M2:
      return sng_f8_e5m2_to_float (code);
    case SNG_DTYPE_F8_E8M0:
      return sng_f8_e8m0_to_float (code);
    case SNG_DTYPE_F8_E4M3FNUZ:
      return sng_f8_e4m3fnuz_to_float (code);
    case SNG_DTYPE_F8_E5M2FNUZ:
      return sng_f8_e5m2fnuz_to_float (code);
    default:
      return NAN;
    }
}

static const Format *
get_format (SngDtype dtype)
{
  switch ((guint) dtype)
    {
    case SNG_DTYPE_F8_E4M3:
      return &e4m3;
    case SNG_DTYPE_F8_E5M2:
      return &e5m2;
    case SNG_DTYPE_F8_E8M0:
      return &e8m0;
    default:
      return &fnuz;
    }
}

/* The number of a code; of the one after the largest, what it would be were the format to go on. */
static double
get_magnitude (SngDtype dtype, const Format *format, guint code)
{
  if (code <= format->largest)
    return sng_f8_to_float (dtype, (guint8) code);
  if (dtype == SNG_DTYPE_F8_E8M0)
    return ldexp (1, 128);

  return 2 * get_magnitude (dtype, format, code - 1) - get_magnitude (dtype, format, code - 2);
}

guint8
sng_f8_from_float (SngDtype dtype, float value)
{
  const Format *format = get_format (dtype);
  gboolean negative = signbit (value) != 0;
  double magnitude = fabs (value), middle;
  guint8 sign = negative ? 0x80 : 0;
  guint code = 0;

  if (isnan (value))
    return format->has_sign ? sign | format->not_a_number : format->not_a_number;

  while (code < format->largest && get_magnitude (dtype, format, code + 1) <= magnitude)
    code++;

  middle = (get_magnitude (dtype, format, code) + get_magnitude (dtype, format, code + 1)) / 2;
  if (magnitude > middle || (magnitude == middle && (code % 2 == 1 || format == &e8m0)))
    code++;

  if (code > format->largest)
    return format->has_sign ? sign | format->beyond : format->beyond;
  if (format == &e8m0 || (format == &fnuz && code == 0))
    return (guint8) code;

  return (guint8) (sign | code);
}
