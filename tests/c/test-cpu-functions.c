/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>

#include <math.h>
#include <string.h>

/* The functions of the f32 kernels against the C library's in f64. */

#define REAL float
#define INTEGER gint32
#define OPERAND float
#define OPERAND_IS_REAL 1

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
compute_exp2 (float x)
{
  return vector_exp2 (splat (x))[0];
}

static float
compute_density (float x)
{
  Vector density, below;

  normal_distribution (splat (x), &density, &below);
  return density[0];
}

static float
compute_below (float x)
{
  Vector density, below;

  normal_distribution (splat (x), &density, &below);
  return below[0];
}

static double
exact_density (double x)
{
  return exp (-0.5 * x * x) / sqrt (2 * G_PI);
}

static double
exact_below (double x)
{
  return 0.5 * erfc (-x / G_SQRT2);
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
test_exp2 (void)
{
  double worst = worst_error (compute_exp2, exp2, 126, 1);

  g_test_message ("exp2: %.2f ulp", worst);
  g_assert_cmpfloat (worst, <=, MAX_ULP);
  g_assert_cmpfloat (worst_error (compute_exp2, exp2, 126, 1 + 4e-7), >, MAX_ULP);

  g_assert_cmpfloat (compute_exp2 (0), ==, 1);
  g_assert_cmpfloat (compute_exp2 (127), ==, ldexp (1, 127));
  g_assert_cmpfloat (compute_exp2 (-126), ==, ldexp (1, -126));
  g_assert_cmpfloat (compute_exp2 (-127), ==, 0);
  g_assert_cmpfloat (compute_exp2 (-1e30f), ==, 0);
  g_assert_cmpfloat (compute_exp2 (-INFINITY), ==, 0);
  assert_nan_stays (compute_exp2);
}

/* The worst error on a fine grid. */
static double
worst_normal_error (float (*function) (float), Exact exact, double factor)
{
  double worst = 0;

  for (double x = -40; x <= 40; x += 1.0 / 1024)
    worst = fmax (worst, fabs (function ((float) x) * factor - exact (x)));
  return worst;
}

static void
test_normal_distribution (void)
{
  static const struct
  {
    const char *name;
    float (*function) (float);
    Exact exact;
  } halves[] = { { "density", compute_density, exact_density }, { "below", compute_below, exact_below } };

  for (guint i = 0; i < G_N_ELEMENTS (halves); i++)
    {
      double worst = worst_normal_error (halves[i].function, halves[i].exact, 1);

      g_test_message ("%s: %.1e", halves[i].name, worst);
      g_assert_cmpfloat (worst, <=, 2e-7);
      g_assert_cmpfloat (worst_normal_error (halves[i].function, halves[i].exact, 1 + 1e-6), >, 2e-7);
      assert_nan_stays (halves[i].function);
    }

  g_assert_cmpfloat (compute_below (0), ==, 0.5f);
  g_assert_cmpfloat (compute_below (INFINITY), ==, 1);
  g_assert_cmpfloat (compute_below (-INFINITY), ==, 0);
  g_assert_cmpfloat (compute_density (INFINITY), ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/cpu-functions/exp", test_exp);
  g_test_add_func ("/sng/cpu-functions/exp2", test_exp2);
  g_test_add_func ("/sng/cpu-functions/normal-distribution", test_normal_distribution);
  return g_test_run ();
}
