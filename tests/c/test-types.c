/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>

static void
test_names (void)
{
  g_assert_cmpstr (sng_mode_to_string (SNG_MODE_REPEAT), ==, "repeat");
  g_assert_cmpstr (sng_stage_to_string (SNG_STAGE_VALIDATE), ==, "validate");
  g_assert_cmpstr (sng_verdict_to_string (SNG_VERDICT_INCONCLUSIVE), ==, "INCONCLUSIVE");
}

/* The names are also the nicks, which builders and bindings use. */
static void
test_precision (void)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (SNG_TYPE_PRECISION);
  const char *const names[] = { "32", "bf16-mixed", "16-mixed" };
  SngPrecision precision = SNG_PRECISION_BF16_MIXED;
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (klass->n_values, ==, G_N_ELEMENTS (names));

  for (guint i = 0; i < klass->n_values; i++)
    {
      g_assert_cmpstr (klass->values[i].value_nick, ==, names[i]);
      g_assert_cmpstr (sng_precision_to_string ((SngPrecision) klass->values[i].value), ==, names[i]);
      g_assert_true (sng_precision_from_string (names[i], &precision, &error));
      g_assert_no_error (error);
      g_assert_cmpint (precision, ==, klass->values[i].value);
    }

  g_assert_true (sng_precision_from_string ("32", NULL, NULL));
  g_assert_false (sng_precision_from_string ("fp8", &precision, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT);
  g_assert_cmpstr (error->message, ==, "[precision] there is no \"fp8\", there are 32, bf16-mixed, 16-mixed");
  g_assert_cmpint (precision, ==, SNG_PRECISION_16_MIXED);
}

/* The names of the causes are their nicks as well. */
static void
test_causes (void)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (SNG_TYPE_CAUSE);

  g_assert_cmpuint (klass->n_values, ==, SNG_CAUSE_ENVIRONMENT + 1);

  for (guint i = 0; i < klass->n_values; i++)
    g_assert_cmpstr (sng_cause_to_string ((SngCause) i), ==, klass->values[i].value_nick);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sng/types/names", test_names);
  g_test_add_func ("/sng/types/precision", test_precision);
  g_test_add_func ("/sng/types/causes", test_causes);

  return g_test_run ();
}
