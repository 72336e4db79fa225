/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>

#include <math.h>

static void
test_exact (void)
{
  g_autoptr (SngTolerance) exact = sng_tolerance_new (0.0, 0.0);
  g_autoptr (SngTolerance) copy = sng_tolerance_copy (exact);

  g_assert_true (sng_tolerance_is_exact (copy));
  g_assert_true (sng_tolerance_accepts (copy, 1.0, 1.0));
  g_assert_true (sng_tolerance_accepts (copy, NAN, NAN));
  g_assert_true (sng_tolerance_accepts (copy, -INFINITY, -INFINITY));
  g_assert_false (sng_tolerance_accepts (copy, 1.0, nextafter (1.0, 2.0)));
  g_assert_false (sng_tolerance_accepts (copy, 0.0, -0.0));
  g_assert_false (sng_tolerance_accepts (copy, NAN, -NAN));
}

static void
test_absolute (void)
{
  g_autoptr (SngTolerance) tolerance = sng_tolerance_new (0.25, 0.0);

  g_assert_false (sng_tolerance_is_exact (tolerance));
  g_assert_cmpfloat (sng_tolerance_get_atol (tolerance), ==, 0.25);
  g_assert_cmpfloat (sng_tolerance_get_rtol (tolerance), ==, 0.0);
  g_assert_true (sng_tolerance_accepts (tolerance, 1.0, 1.25));
  g_assert_true (sng_tolerance_accepts (tolerance, 1.0, 0.75));
  g_assert_true (sng_tolerance_accepts (tolerance, 0.0, -0.0));
  g_assert_false (sng_tolerance_accepts (tolerance, 1.0, nextafter (1.25, 2.0)));
  g_assert_false (sng_tolerance_accepts (tolerance, -1.0, 1.0));
}

/* The expected value counts, not the one that was found. */
static void
test_relative (void)
{
  g_autoptr (SngTolerance) tolerance = sng_tolerance_new (0.0, 0.5);

  g_assert_cmpfloat (sng_tolerance_get_rtol (tolerance), ==, 0.5);
  g_assert_true (sng_tolerance_accepts (tolerance, 4.0, 6.0));
  g_assert_true (sng_tolerance_accepts (tolerance, -4.0, -2.0));
  g_assert_false (sng_tolerance_accepts (tolerance, 4.0, 6.5));
  g_assert_true (sng_tolerance_accepts (tolerance, 6.0, 4.0));
  g_assert_false (sng_tolerance_accepts (tolerance, 2.0, 4.0));
  g_assert_false (sng_tolerance_accepts (tolerance, 0.0, 1e-300));
}

/* However large the tolerance, what is no number is no close number. */
static void
test_not_finite (void)
{
  g_autoptr (SngTolerance) tolerance = sng_tolerance_new (1e300, 1e300);

  g_assert_true (sng_tolerance_accepts (tolerance, NAN, -NAN));
  g_assert_false (sng_tolerance_accepts (tolerance, NAN, 1.0));
  g_assert_false (sng_tolerance_accepts (tolerance, 1.0, NAN));
  g_assert_true (sng_tolerance_accepts (tolerance, INFINITY, INFINITY));
  g_assert_false (sng_tolerance_accepts (tolerance, INFINITY, -INFINITY));
  g_assert_false (sng_tolerance_accepts (tolerance, INFINITY, 1.0));
  g_assert_false (sng_tolerance_accepts (tolerance, 1.0, INFINITY));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/tolerance/exact", test_exact);
  g_test_add_func ("/sng/tolerance/absolute", test_absolute);
  g_test_add_func ("/sng/tolerance/relative", test_relative);
  g_test_add_func ("/sng/tolerance/not-finite", test_not_finite);

  return g_test_run ();
}
