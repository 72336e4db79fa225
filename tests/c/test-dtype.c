/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <math.h>
#include <sng.h>
#include "tensor/sng-f8-private.h"
#include "tensor/sng-half-private.h"

static void
test_names (void)
{
  static const struct
  {
    SngDtype dtype;
    const char *name;
    gsize size;
    gboolean floating;
  } all[] = {
    { SNG_DTYPE_F64, "F64", 8, TRUE },
    { SNG_DTYPE_F32, "F32", 4, TRUE },
    { SNG_DTYPE_BF16, "BF16", 2, TRUE },
    { SNG_DTYPE_F16, "F16", 2, TRUE },
    { SNG_DTYPE_I64, "I64", 8, FALSE },
    { SNG_DTYPE_I32, "I32", 4, FALSE },
    { SNG_DTYPE_I16, "I16", 2, FALSE },
    { SNG_DTYPE_I8, "I8", 1, FALSE },
    { SNG_DTYPE_U8, "U8", 1, FALSE },
    { SNG_DTYPE_BOOL, "BOOL", 1, FALSE },
    { SNG_DTYPE_U16, "U16", 2, FALSE },
    { SNG_DTYPE_U32, "U32", 4, FALSE },
    { SNG_DTYPE_U64, "U64", 8, FALSE },
    { SNG_DTYPE_F8_E4M3, "F8_E4M3", 1, TRUE },
    { SNG_DTYPE_F8_E5M2, "F8_E5M2", 1, TRUE },
    { SNG_DTYPE_F8_E8M0, "F8_E8M0", 1, TRUE },
    { SNG_DTYPE_F8_E4M3FNUZ, "F8_E4M3FNUZ", 1, TRUE },
    { SNG_DTYPE_F8_E5M2FNUZ, "F8_E5M2FNUZ", 1, TRUE },
    { SNG_DTYPE_C64, "C64", 8, TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    {
      SngDtype dtype;

      g_assert_cmpstr (sng_dtype_get_name (all[i].dtype), ==, all[i].name);
      g_assert_cmpuint (sng_dtype_get_size (all[i].dtype), ==, all[i].size);
      g_assert_cmpint (sng_dtype_is_floating (all[i].dtype), ==, all[i].floating);
      g_assert_true (sng_dtype_from_name (all[i].name, &dtype));
      g_assert_cmpint (dtype, ==, all[i].dtype);
      g_assert_cmpint (dtype, ==, i); /* files keep these numbers */
      g_assert_cmpint (sng_dtype_is_complex (dtype), ==, dtype == SNG_DTYPE_C64);
    }
}

static void
test_unknown_name (void)
{
  static const char *names[] = { "", "f32", "F4", "F6_E2M3", "F8_E4M3FN", "F322", "F3" };
  SngDtype dtype = SNG_DTYPE_I16;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    g_assert_false (sng_dtype_from_name (names[i], &dtype));
  g_assert_cmpint (dtype, ==, SNG_DTYPE_I16);
}

/* What a 16-bit number with so many bits of significand says, by its definition. */
static double
reference_value (guint16 half, int significand_bits)
{
  int exponent_bits = 15 - significand_bits;
  int bias = (1 << (exponent_bits - 1)) - 1;
  int exponent = (half & 0x7fff) >> significand_bits;
  int significand = half & ((1 << significand_bits) - 1);
  double sign = half & 0x8000 ? -1 : 1;

  if (exponent == (1 << exponent_bits) - 1)
    return significand == 0 ? sign * INFINITY : NAN;
  if (exponent == 0)
    return sign * ldexp (significand, 1 - bias - significand_bits);
  return sign * ldexp (significand + (1 << significand_bits), exponent - bias - significand_bits);
}

typedef struct
{
  int significand_bits;
  float (*to_float) (guint16 half);
  guint16 (*from_float) (float value);
} Format;

static const Format bf16 = { 7, sng_bf16_to_float, sng_bf16_from_float };
static const Format f16 = { 10, sng_f16_to_float, sng_f16_from_float };

/* All 65536 values go to binary32 and back. */
static void
test_half_values (gconstpointer data)
{
  const Format *format = data;

  for (guint half = 0; half < 65536; half++)
    {
      double expected = reference_value (half, format->significand_bits);
      float value = format->to_float (half);

      if (isnan (expected))
        {
          g_assert_true (isnan (value));
          g_assert_true (isnan (format->to_float (format->from_float (value))));
          continue;
        }
      g_assert_true (value == expected);
      g_assert_true (!signbit (value) == !signbit (expected));
      g_assert_cmphex (format->from_float (value), ==, half);
    }
}

/* Between two neighbours the nearer one is taken, in the middle the even one; what is beyond the last is
 * infinite. */
static void
test_half_rounding (gconstpointer data)
{
  const Format *format = data;
  guint last = (0x7fff >> format->significand_bits << format->significand_bits) - 1;

  for (guint half = 0; half <= last; half++)
    {
      double low = reference_value (half, format->significand_bits);
      double high = half < last ? reference_value (half + 1, format->significand_bits)
                                : 2 * low - reference_value (half - 1, format->significand_bits);
      float middle = (low + high) / 2;

      if (isinf (middle) || (low + high) / 2 != middle) /* BF16's smallest are binary32's */
        continue;
      g_assert_cmphex (format->from_float (middle), ==, half % 2 == 0 ? half : half + 1);
      g_assert_cmphex (format->from_float (nextafterf (middle, 0)), ==, half);
      g_assert_cmphex (format->from_float (nextafterf (middle, INFINITY)), ==, half + 1);
      g_assert_cmphex (format->from_float (-nextafterf (middle, INFINITY)), ==, 0x8000 | (half + 1));
    }

  g_assert_cmphex (format->from_float (G_MAXFLOAT), ==, last + 1);
}

/* What an 8-bit number with so many bits of significand and such a bias says, were there nothing special. */
static double
reference_f8 (guint code, int significand_bits, int bias)
{
  int exponent = (int) (code & 0x7f) >> significand_bits;
  int significand = (int) code & ((1 << significand_bits) - 1);
  double sign = code & 0x80 ? -1 : 1;

  if (exponent == 0)
    return sign * ldexp (significand, 1 - bias - significand_bits);
  return sign * ldexp (significand + (1 << significand_bits), exponent - bias - significand_bits);
}

/* The special values as the specifications list them. */
static double
define_f8 (SngDtype dtype, guint code)
{
  switch ((guint) dtype)
    {
    case SNG_DTYPE_F8_E4M3:
      return (code & 0x7f) == 0x7f ? NAN : reference_f8 (code, 3, 7);
    case SNG_DTYPE_F8_E5M2:
      if ((code & 0x7f) > 0x7c)
        return NAN;
      return (code & 0x7f) == 0x7c ? (code & 0x80 ? -INFINITY : INFINITY) : reference_f8 (code, 2, 15);
    case SNG_DTYPE_F8_E8M0:
      return code == 0xff ? NAN : ldexp (1, (int) code - 127);
    case SNG_DTYPE_F8_E4M3FNUZ:
      return code == 0x80 ? NAN : reference_f8 (code, 3, 8);
    default:
      return code == 0x80 ? NAN : reference_f8 (code, 2, 16);
    }
}

static const SngDtype f8_dtypes[] = { SNG_DTYPE_F8_E4M3, SNG_DTYPE_F8_E5M2, SNG_DTYPE_F8_E8M0,
                                      SNG_DTYPE_F8_E4M3FNUZ, SNG_DTYPE_F8_E5M2FNUZ };

/* All 256 values go to binary32 and back. */
static void
test_f8_values (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (f8_dtypes); i++)
    for (guint code = 0; code < 256; code++)
      {
        double expected = define_f8 (f8_dtypes[i], code);
        float value = sng_f8_to_float (f8_dtypes[i], (guint8) code);

        if (isnan (expected))
          {
            g_assert_true (isnan (value));
            g_assert_true (isnan (sng_f8_to_float (f8_dtypes[i], sng_f8_from_float (f8_dtypes[i], value))));
            continue;
          }
        g_assert_true (value == expected);
        g_assert_true (!signbit (value) == !signbit (expected));
        g_assert_cmphex (sng_f8_from_float (f8_dtypes[i], value), ==, code);
      }
}

/* As of the 16-bit formats. */
static void
test_f8_rounding (void)
{
  static const guint last[] = { 0x7e, 0x7b, 0xfe, 0x7f, 0x7f };
  static const guint beyond[] = { 0x7f, 0x7c, 0xff, 0x80, 0x80 };

  for (guint i = 0; i < G_N_ELEMENTS (f8_dtypes); i++)
    {
      SngDtype dtype = f8_dtypes[i];
      gboolean has_sign = dtype == SNG_DTYPE_F8_E4M3 || dtype == SNG_DTYPE_F8_E5M2;

      for (guint code = 0; code <= last[i]; code++)
        {
          double low = define_f8 (dtype, code);
          double high = code < last[i]               ? define_f8 (dtype, code + 1)
                        : dtype == SNG_DTYPE_F8_E8M0 ? 2 * low
                                                     : 2 * low - define_f8 (dtype, code - 1);
          float middle = (float) ((low + high) / 2);
          guint upper = code < last[i] ? code + 1 : beyond[i];
          gboolean up = dtype == SNG_DTYPE_F8_E8M0 || code % 2 == 1;

          g_assert_cmphex (sng_f8_from_float (dtype, middle), ==, up ? upper : code);
          g_assert_cmphex (sng_f8_from_float (dtype, nextafterf (middle, 0)), ==, code);
          g_assert_cmphex (sng_f8_from_float (dtype, nextafterf (middle, INFINITY)), ==, upper);
          if (dtype != SNG_DTYPE_F8_E8M0 && code > 0)
            g_assert_cmphex (sng_f8_from_float (dtype, -nextafterf (middle, 0)), ==, 0x80 | code);
        }

      g_assert_cmphex (sng_f8_from_float (dtype, INFINITY), ==, beyond[i]);
      g_assert_cmphex (sng_f8_from_float (dtype, -INFINITY), ==, has_sign ? 0x80 | beyond[i] : beyond[i]);
      if (dtype != SNG_DTYPE_F8_E8M0)
        g_assert_cmphex (sng_f8_from_float (dtype, -1e-30f), ==, has_sign ? 0x80 : 0);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/dtype/names", test_names);
  g_test_add_func ("/sng/dtype/unknown-name", test_unknown_name);
  g_test_add_data_func ("/sng/dtype/bf16/values", &bf16, test_half_values);
  g_test_add_data_func ("/sng/dtype/bf16/rounding", &bf16, test_half_rounding);
  g_test_add_data_func ("/sng/dtype/f16/values", &f16, test_half_values);
  g_test_add_data_func ("/sng/dtype/f16/rounding", &f16, test_half_rounding);
  g_test_add_func ("/sng/dtype/f8/values", test_f8_values);
  g_test_add_func ("/sng/dtype/f8/rounding", test_f8_rounding);

  return g_test_run ();
}
