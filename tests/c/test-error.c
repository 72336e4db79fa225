/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>

static void
test_quark (void)
{
  g_assert_cmpstr (g_quark_to_string (SNG_ERROR), ==, "sng-error-quark");
  g_assert_true (SNG_ERROR == sng_error_quark ());
}

/* Bindings find the domain's codes by this type. */
static void
test_type (void)
{
  g_autoptr (GEnumClass) codes = g_type_class_ref (SNG_TYPE_ERROR);
  GEnumValue *code;

  g_assert_cmpstr (g_type_name (SNG_TYPE_ERROR), ==, "SngError");
  g_assert_cmpint (codes->minimum, ==, SNG_ERROR_FAILED);
  g_assert_cmpint (codes->maximum, ==, SNG_ERROR_NOT_RESUMED);
  g_assert_cmpint (codes->n_values, ==, SNG_ERROR_NOT_RESUMED + 1);

  code = g_enum_get_value_by_nick (codes, "stop-and-go");
  g_assert_nonnull (code);
  g_assert_cmpint (code->value, ==, SNG_ERROR_STOP_AND_GO);
}

static void
test_message (void)
{
  g_autoptr (GError) error = NULL;

  g_set_error (&error, SNG_ERROR, SNG_ERROR_CORRUPT, "[checkpoint][load] %s: digest differs",
               "model.safetensors");

  g_assert_error (error, SNG_ERROR, SNG_ERROR_CORRUPT);
  g_assert_false (g_error_matches (error, SNG_ERROR, SNG_ERROR_MISMATCH));
  g_assert_cmpstr (error->message, ==, "[checkpoint][load] model.safetensors: digest differs");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/error/quark", test_quark);
  g_test_add_func ("/sng/error/type", test_type);
  g_test_add_func ("/sng/error/message", test_message);

  return g_test_run ();
}
