/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "compare/sng-tolerance.h"

#include <math.h>
#include <string.h>

/**
 * SngTolerance:
 *
 * By how much a recorded number may differ from the expected one.
 *
 * A number is accepted when |actual - expected| <= atol + rtol * |expected|. With both at
 * 0, the default everywhere, only the same bits are. A NaN is accepted
 * where a NaN is expected, an infinity where the same one is. Of complex numbers
 * the absolute values are meant, as long as all their parts are finite.
 *
 * A tolerance hides what it is not small enough for: one that is not smaller than the values that it
 * judges makes a comparison inconclusive.
 *
 * Since: 1.0
 */
struct _SngTolerance
{
  double atol;
  double rtol;
};

G_DEFINE_BOXED_TYPE (SngTolerance, sng_tolerance, sng_tolerance_copy, sng_tolerance_free)

/**
 * sng_tolerance_new:
 * @atol: the absolute part, finite and not negative
 * @rtol: the part relative to the expected value, finite and not negative
 *
 * Makes a tolerance.
 *
 * Returns: (transfer full): a new tolerance
 *
 * Since: 1.0
 */
SngTolerance *
sng_tolerance_new (double atol, double rtol)
{
  SngTolerance *self;

  g_return_val_if_fail (isfinite (atol) && atol >= 0.0, NULL);
  g_return_val_if_fail (isfinite (rtol) && rtol >= 0.0, NULL);

  self = g_new0 (SngTolerance, 1);
  self->atol = atol;
  self->rtol = rtol;

  return self;
}

/**
 * sng_tolerance_copy:
 * @self: a tolerance
 *
 * Copies a tolerance.
 *
 * Returns: (transfer full): the copy
 *
 * Since: 1.0
 */
SngTolerance *
sng_tolerance_copy (const SngTolerance *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return sng_tolerance_new (self->atol, self->rtol);
}

/**
 * sng_tolerance_free:
 * @self: (transfer full): a tolerance
 *
 * Frees a tolerance.
 *
 * Since: 1.0
 */
void
sng_tolerance_free (SngTolerance *self)
{
  g_free (self);
}

/**
 * sng_tolerance_is_exact:
 * @self: a tolerance
 *
 * Tells whether only the same bits are accepted.
 *
 * Returns: %TRUE when both parts are 0
 *
 * Since: 1.0
 */
gboolean
sng_tolerance_is_exact (const SngTolerance *self)
{
  g_return_val_if_fail (self != NULL, TRUE);

  return self->atol == 0.0 && self->rtol == 0.0;
}

/**
 * sng_tolerance_accepts:
 * @self: a tolerance
 * @expected: the expected number
 * @actual: the number that was found
 *
 * Tells whether a number is close enough to the expected one.
 *
 * Returns: %TRUE when it is
 *
 * Since: 1.0
 */
gboolean
sng_tolerance_accepts (const SngTolerance *self, double expected, double actual)
{
  g_return_val_if_fail (self != NULL, FALSE);

  if (memcmp (&expected, &actual, sizeof expected) == 0)
    return TRUE;

  if (sng_tolerance_is_exact (self))
    return FALSE;

  if (isnan (expected) || isnan (actual))
    return isnan (expected) && isnan (actual);

  if (isinf (expected) || isinf (actual))
    return expected == actual;

  return fabs (actual - expected) <= self->atol + self->rtol * fabs (expected);
}

/**
 * sng_tolerance_get_atol:
 * @self: a tolerance
 *
 * Gets the absolute part.
 *
 * Returns: the absolute tolerance
 *
 * Since: 1.0
 */
double
sng_tolerance_get_atol (const SngTolerance *self)
{
  g_return_val_if_fail (self != NULL, 0.0);

  return self->atol;
}

/**
 * sng_tolerance_get_rtol:
 * @self: a tolerance
 *
 * Gets the part that is relative to the expected value.
 *
 * Returns: the relative tolerance
 *
 * Since: 1.0
 */
double
sng_tolerance_get_rtol (const SngTolerance *self)
{
  g_return_val_if_fail (self != NULL, 0.0);

  return self->rtol;
}
