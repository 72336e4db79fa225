/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <math.h>
#include <sng.h>

#include "compare/sng-elements-private.h"

static guint64
count_different (SngDtype dtype, const double *a, const double *b, gsize n_values, double atol, double rtol)
{
  gint64 n = (gint64) n_values / (sng_dtype_is_complex (dtype) ? 2 : 1);
  g_autoptr (SngTensor) first = sng_tensor_new_from_values (dtype, &n, 1, a, n_values, NULL);
  g_autoptr (SngTensor) second = sng_tensor_new_from_values (dtype, &n, 1, b, n_values, NULL);
  g_autoptr (SngTolerance) tolerance = sng_tolerance_new (atol, rtol);
  g_auto (SngElements) x = { NULL };
  g_auto (SngElements) y = { NULL };
  SngElementScan scan;

  g_assert_true (sng_elements_init (&x, first, NULL) && sng_elements_init (&y, second, NULL));
  sng_elements_scan (&x, &y, tolerance, &scan);

  return scan.n_different;
}

/* A tolerance is for the distance in the plane, unless a part is not finite. */
static void
test_complex_tolerance (void)
{
  static const struct
  {
    double a[2], b[2];
    double atol, rtol;
    gboolean accepted;
  } cases[] = {
    { { 1, 1 }, { 4, 5 }, 5, 0, TRUE },
    { { 1, 1 }, { 4, 5 }, 4.99, 0, FALSE },    /* and yet each part is within */
    { { 300, 0 }, { 300, 1 }, 0, 0.01, TRUE }, /* and yet the imaginary part is not */
    { { 300, 0 }, { 300, 4 }, 0, 0.01, FALSE },
    { { 0, 0 }, { -0.0, 0 }, 0, 0, FALSE },
    { { 0, 0 }, { -0.0, 0 }, 1e-9, 0, TRUE },
    { { INFINITY, 1 }, { INFINITY, 1.5 }, 1, 0, TRUE },
    { { INFINITY, 1 }, { INFINITY, 3 }, 1, 0, FALSE },
    { { INFINITY, 1 }, { -INFINITY, 1 }, 1, 1, FALSE },
    { { INFINITY, 1 }, { 5, 1 }, 1, 1, FALSE },
    { { NAN, 1 }, { NAN, 1.5 }, 1, 0, TRUE },
    { { NAN, 1 }, { 1, NAN }, 1, 1, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpuint (
        count_different (SNG_DTYPE_C64, cases[i].a, cases[i].b, 2, cases[i].atol, cases[i].rtol), ==,
        !cases[i].accepted);
}

static void
test_f8_tolerance (void)
{
  const double a[] = { 1, 2, 4, 8 }, b[] = { 2, 2, 2, 4 };

  g_assert_cmpuint (count_different (SNG_DTYPE_F8_E8M0, a, b, 4, 0, 0), ==, 3);
  g_assert_cmpuint (count_different (SNG_DTYPE_F8_E8M0, a, b, 4, 2, 0), ==, 1);
  g_assert_cmpuint (count_different (SNG_DTYPE_F8_E4M3, a, b, 4, 0, 0.5), ==, 1);
  /* Integers are never let off. */
  g_assert_cmpuint (count_different (SNG_DTYPE_U32, a, b, 4, 100, 0), ==, 3);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/elements/complex-tolerance", test_complex_tolerance);
  g_test_add_func ("/sng/elements/f8-tolerance", test_f8_tolerance);

  return g_test_run ();
}
