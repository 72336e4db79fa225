/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>

#include <math.h>
#include <string.h>

/* exp and erf of the f32 kernels against the C library's in f64, in units of the last place. */

#define REAL float
#define INTEGER gint32

#include "cpu/sng-cpu-math-vector.inc"

#define MAX_ULP 2.0
#define STRIDE 997 /* every so manyth float is tried */

typedef double (*Exact) (double x);

static double
ulp_error (float result, double exact)
{
  double ulp = fmax (ldexp (1, ilogb (exact) - 23), ldexp (1, -149));

  return fabs ((double) result - exact) / ulp;
}

static float
float_from_bits (guint32 bits)
{
  float value;

  memcpy (&value, &bits, sizeof value);
  return value;
}

/* What is not a number, with any payload and of either sign, stays so. */
static void
assert_nan_stays (float (*function) (float))
{
  for (guint32 payload = 1; payload < 0x800000u; payload += STRIDE)
    {
      g_assert_true (isnan (function (float_from_bits (0x7f800000u | payload))));
      g_assert_true (isnan (function (float_from_bits (0xff800000u | payload))));
    }
}

static float
compute_exp (float x)
{
  return vector_exp (splat (x))[0];
}

static float
compute_erf (float x)
{
  return vector_erf (splat (x))[0];
}

/* The worst error over floats of either sign from 2^-40 to a limit; factor is 1, or what damages the result. */
static double
worst_error (float (*function) (float), Exact exact, float limit, double factor)
{
  double worst = 0;

  for (guint32 bits = 0x2b800000u; float_from_bits (bits) <= limit; bits += STRIDE)
    for (int sign = -1; sign <= 1; sign += 2)
      {
        float x = (float) sign * float_from_bits (bits);

        worst = fmax (worst, ulp_error ((float) (function (x) * factor), exact (x)));
      }
  return worst;
}

static void
test_exp (void)
{
  double worst = worst_error (compute_exp, exp, 87, 1);

  g_test_message ("exp: %.2f ulp", worst);
  g_assert_cmpfloat (worst, <=, MAX_ULP);
  g_assert_cmpfloat (worst_error (compute_exp, exp, 87, 1 + 4e-7), >, MAX_ULP);

  g_assert_cmpfloat (compute_exp (0), ==, 1);
  g_assert_cmpfloat (compute_exp (-88), ==, 0);
  g_assert_cmpfloat (compute_exp (-INFINITY), ==, 0);
  g_assert_cmpfloat (compute_exp (INFINITY), ==, compute_exp (88));
  assert_nan_stays (compute_exp);
}

static void
test_erf (void)
{
  double worst = worst_error (compute_erf, erf, 10, 1);

  g_test_message ("erf: %.2f ulp", worst);
  g_assert_cmpfloat (worst, <=, MAX_ULP);
  g_assert_cmpfloat (worst_error (compute_erf, erf, 10, 1 + 4e-7), >, MAX_ULP);

  g_assert_cmpfloat (compute_erf (0), ==, 0);
  g_assert_cmpfloat (compute_erf (INFINITY), ==, 1);
  g_assert_cmpfloat (compute_erf (-INFINITY), ==, -1);
  assert_nan_stays (compute_erf);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/cpu-functions/exp", test_exp);
  g_test_add_func ("/sng/cpu-functions/erf", test_erf);
  return g_test_run ();
}
