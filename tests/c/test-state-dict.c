/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <math.h>
#include <string.h>

#include "state-fixture.h"

static SngTensor *
new_tensor (SngDtype dtype, gint64 rows, gint64 columns)
{
  const gint64 shape[] = { rows, columns };

  return fixture_tensor (dtype, 2, shape);
}

static void
test_order (void)
{
  g_autoptr (SngStateDict) state = sng_state_dict_new ();
  g_autoptr (SngTensor) tensor = new_tensor (SNG_DTYPE_F32, 2, 3);
  g_auto (GStrv) names = NULL;

  g_assert_cmpuint (sng_state_dict_get_n_items (state), ==, 0);
  g_assert_null (sng_state_dict_get_name (state, 0));

  sng_state_dict_set_int64 (state, "z", 1);
  sng_state_dict_set_tensor (state, "größe/α", tensor);
  sng_state_dict_set_double (state, "a", 2.5);
  sng_state_dict_set_tensor (state, "z", tensor); /* keeps its place, changes its kind */

  names = sng_state_dict_dup_names (state);
  g_assert_cmpstrv (names, ((const char *[]){ "z", "größe/α", "a", NULL }));
  g_assert_cmpstr (sng_state_dict_get_name (state, 1), ==, "größe/α");
  g_assert_null (sng_state_dict_get_name (state, 3));
  g_assert_true (sng_state_dict_lookup_tensor (state, "z") == tensor);
  g_assert_null (sng_state_dict_lookup_value (state, "z"));
  g_assert_null (sng_state_dict_lookup_tensor (state, "a"));
  g_assert_null (sng_state_dict_lookup_tensor (state, "nobody"));
  g_assert_null (sng_state_dict_lookup_value (state, "nobody"));

  g_assert_true (sng_state_dict_remove (state, "größe/α"));
  g_assert_false (sng_state_dict_remove (state, "größe/α"));
  g_assert_false (sng_state_dict_contains (state, "größe/α"));
  g_assert_cmpuint (sng_state_dict_get_n_items (state), ==, 2);
  g_assert_cmpstr (sng_state_dict_get_name (state, 1), ==, "a");
}

/* Setting an entry to what it holds already must not drop it in between. */
static void
test_self_assignment (void)
{
  g_autoptr (SngStateDict) state = sng_state_dict_new ();
  SngTensor *tensor = new_tensor (SNG_DTYPE_U8, 1, 1);

  sng_state_dict_set_tensor (state, "t", tensor);
  g_object_unref (tensor);
  sng_state_dict_set_tensor (state, "t", sng_state_dict_lookup_tensor (state, "t"));
  g_assert_cmpint (sng_tensor_get_n_elements (sng_state_dict_lookup_tensor (state, "t")), ==, 1);

  sng_state_dict_set_int64 (state, "v", 5);
  sng_state_dict_set_value (state, "v", sng_state_dict_lookup_value (state, "v"));
  g_assert_cmpint (g_variant_get_int64 (sng_state_dict_lookup_value (state, "v")), ==, 5);
}

static void
test_numbers (void)
{
  static const char *const integers[] = { "byte 7",   "int16 7", "uint16 7", "int32 7",
                                          "uint32 7", "int64 7", "uint64 7" };
  g_autoptr (SngStateDict) state = sng_state_dict_new ();
  g_autoptr (GError) error = NULL;
  gint64 integer = -1;
  double number = -1;

  for (guint i = 0; i < G_N_ELEMENTS (integers); i++)
    {
      sng_state_dict_set_value (state, "n", g_variant_new_parsed (integers[i]));
      g_assert_true (sng_state_dict_get_int64 (state, "n", &integer, &error));
      g_assert_cmpint (integer, ==, 7);
      g_assert_true (sng_state_dict_get_double (state, "n", &number, &error));
      g_assert_cmpfloat (number, ==, 7);
      integer = -1;
      number = -1;
    }

  sng_state_dict_set_int64 (state, "least", G_MININT64);
  g_assert_true (sng_state_dict_get_int64 (state, "least", &integer, &error));
  g_assert_cmpint (integer, ==, G_MININT64);
  g_assert_false (sng_state_dict_get_double (state, "least", &number, &error));
  fixture_assert_error (error, SNG_ERROR_MISMATCH, "'least' is a value of type 'x'");

  for (int sign = -1; sign <= 1; sign += 2)
    {
      sng_state_dict_set_int64 (state, "exact", sign * (G_GINT64_CONSTANT (1) << 53));
      g_assert_true (sng_state_dict_get_double (state, "exact", &number, &error));
      g_assert_cmpfloat (number, ==, sign * 9007199254740992.0);
      sng_state_dict_set_int64 (state, "inexact", sign * ((G_GINT64_CONSTANT (1) << 53) + 1));
      g_assert_false (sng_state_dict_get_double (state, "inexact", &number, &error));
      fixture_assert_error (error, SNG_ERROR_MISMATCH, "'inexact' is a value of type 'x'");
    }
  g_assert_true (sng_state_dict_get_int64 (state, "exact", NULL, &error));

  sng_state_dict_set_double (state, "d", NAN);
  g_assert_true (sng_state_dict_get_double (state, "d", &number, &error));
  g_assert_true (isnan (number));
  g_assert_true (sng_state_dict_get_double (state, "d", NULL, NULL));
}

static void
test_wrong_entries (void)
{
  g_autoptr (SngStateDict) state = sng_state_dict_new ();
  g_autoptr (SngTensor) tensor = new_tensor (SNG_DTYPE_BF16, 4, 5);
  g_autoptr (GError) error = NULL;
  gint64 integer = -1;
  double number = -1;

  sng_state_dict_set_tensor (state, "weights", tensor);
  sng_state_dict_set_value (state, "huge", g_variant_new_uint64 (G_MAXUINT64));
  sng_state_dict_set_value (state, "text", g_variant_new_string ("7"));
  sng_state_dict_set_double (state, "rate", 7.0);

  g_assert_null (sng_state_dict_get_tensor (state, "nobody", &error));
  fixture_assert_error (error, SNG_ERROR_NOT_FOUND, "[state][get] there is no entry 'nobody'");
  g_assert_null (sng_state_dict_get_tensor (state, "text", &error));
  fixture_assert_error (error, SNG_ERROR_MISMATCH, "'text' is a value of type 's', not a tensor");
  g_assert_false (sng_state_dict_get_int64 (state, "weights", &integer, &error));
  fixture_assert_error (error, SNG_ERROR_MISMATCH, "'weights' is BF16 [4, 5], not an integer");
  g_assert_false (sng_state_dict_get_int64 (state, "huge", &integer, &error));
  fixture_assert_error (error, SNG_ERROR_MISMATCH, "'huge'");
  g_assert_false (sng_state_dict_get_int64 (state, "rate", &integer, &error));
  fixture_assert_error (error, SNG_ERROR_MISMATCH, "'rate' is a value of type 'd'");
  g_assert_false (sng_state_dict_get_int64 (state, "nobody", &integer, &error));
  fixture_assert_error (error, SNG_ERROR_NOT_FOUND, "'nobody'");
  g_assert_false (sng_state_dict_get_double (state, "weights", &number, &error));
  fixture_assert_error (error, SNG_ERROR_MISMATCH, "'weights' is BF16 [4, 5], not a number");
  g_assert_false (sng_state_dict_get_double (state, "text", &number, &error));
  fixture_assert_error (error, SNG_ERROR_MISMATCH, "'text'");
  g_assert_false (sng_state_dict_get_double (state, "nobody", &number, &error));
  fixture_assert_error (error, SNG_ERROR_NOT_FOUND, "'nobody'");

  g_assert_cmpint (integer, ==, -1);
  g_assert_cmpfloat (number, ==, -1);
}

static SngStateDict *
new_state (void)
{
  SngStateDict *state = sng_state_dict_new ();
  g_autoptr (SngTensor) read_only = new_tensor (SNG_DTYPE_F32, 2, 3);
  g_autoptr (SngTensor) tensor = sng_tensor_copy (read_only, NULL);

  sng_state_dict_set_tensor (state, "weights", tensor);
  sng_state_dict_set_double (state, "rate", 0.5);
  sng_state_dict_set_int64 (state, "step", 7);

  return state;
}

static void
test_copy (void)
{
  g_autoptr (SngStateDict) state = new_state ();
  g_autoptr (GError) error = NULL;
  g_autoptr (SngStateDict) copy = sng_state_dict_copy (state, &error);
  g_autoptr (SngFingerprint) before = sng_state_dict_compute_fingerprint (state);
  g_autoptr (SngFingerprint) after = NULL;
  g_autoptr (SngFingerprint) copied = NULL;
  g_auto (GStrv) names = sng_state_dict_dup_names (copy);

  g_assert_no_error (error);
  g_assert_cmpstrv (names, ((const char *[]){ "weights", "rate", "step", NULL }));

  *(guint8 *) sng_tensor_get_data (sng_state_dict_lookup_tensor (state, "weights")) ^= 1;
  after = sng_state_dict_compute_fingerprint (state);
  copied = sng_state_dict_compute_fingerprint (copy);
  g_assert_false (sng_fingerprint_equal (before, after));
  g_assert_true (sng_fingerprint_equal (before, copied));
}

static void
assert_layout_refused (SngStateDict *state, SngStateDict *expected, const char *words)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (sng_state_dict_check_layout (state, expected, &error));
  fixture_assert_error (error, SNG_ERROR_MISMATCH, words);
}

static void
test_layout (void)
{
  g_autoptr (SngStateDict) state = new_state ();
  g_autoptr (SngStateDict) other = new_state ();
  g_autoptr (SngTensor) transposed = new_tensor (SNG_DTYPE_F32, 3, 2);
  g_autoptr (SngTensor) rounded = new_tensor (SNG_DTYPE_BF16, 2, 3);
  g_autoptr (SngTensor) same = new_tensor (SNG_DTYPE_F32, 2, 3);
  g_autoptr (GError) error = NULL;

  /* Other contents and another order are the same layout. */
  sng_state_dict_remove (other, "rate");
  sng_state_dict_set_double (other, "rate", 9.0);
  g_assert_true (sng_state_dict_check_layout (state, other, &error));
  g_assert_no_error (error);

  sng_state_dict_set_tensor (other, "weights", transposed);
  assert_layout_refused (state, other, "'weights' is F32 [2, 3], expected is F32 [3, 2]");
  sng_state_dict_set_tensor (other, "weights", rounded);
  assert_layout_refused (state, other, "'weights' is F32 [2, 3], expected is BF16 [2, 3]");
  sng_state_dict_set_int64 (other, "weights", 1);
  assert_layout_refused (state, other, "'weights' is F32 [2, 3], expected is a value of type 'x'");
  assert_layout_refused (other, state, "'weights' is a value of type 'x', expected is F32 [2, 3]");
  sng_state_dict_set_tensor (other, "weights", same);
  sng_state_dict_set_int64 (other, "rate", 1);
  assert_layout_refused (state, other, "'rate' is a value of type 'd', expected is a value of type 'x'");

  sng_state_dict_remove (other, "rate");
  assert_layout_refused (state, other, "[state][layout] unexpected: 'rate'");
  assert_layout_refused (other, state, "[state][layout] missing: 'rate'");
  sng_state_dict_set_int64 (other, "beta", 1);
  assert_layout_refused (other, state, "missing: 'rate'; unexpected: 'beta'");
  for (guint i = 0; i < 12; i++)
    {
      g_autofree char *name = g_strdup_printf ("extra-%02u", i);

      sng_state_dict_set_int64 (other, name, i);
    }
  assert_layout_refused (other, state, "'extra-06' and 5 more");
}

/* Every way in which two states can differ must change the fingerprint. */
static void
test_fingerprint (void)
{
  static const char *const changes[] = {
    "int64 8", "int32 7", "'7'", "7.0", "-0.0", "0.0", "@ax [7]", "(7, )", "[byte 0x07]", "''", "@as []",
  };
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (SngStateDict) state = new_state ();
  g_autoptr (SngStateDict) renamed = new_state ();
  g_autoptr (SngStateDict) sorted = sng_state_dict_new ();
  g_autoptr (SngFingerprint) first = sng_state_dict_compute_fingerprint (state);
  g_autoptr (SngFingerprint) second = NULL;
  g_autoptr (SngFingerprint) third = NULL;

  sng_state_dict_set_int64 (sorted, "step", 7);
  sng_state_dict_set_double (sorted, "rate", 0.5);
  sng_state_dict_set_tensor (sorted, "weights", sng_state_dict_lookup_tensor (state, "weights"));
  second = sng_state_dict_compute_fingerprint (sorted);
  g_assert_true (sng_fingerprint_equal (first, second));

  sng_state_dict_remove (renamed, "step");
  sng_state_dict_set_int64 (renamed, "steps", 7);
  third = sng_state_dict_compute_fingerprint (renamed);
  g_assert_false (sng_fingerprint_equal (first, third));

  g_hash_table_add (seen, sng_fingerprint_to_string (first));
  for (guint i = 0; i < G_N_ELEMENTS (changes); i++)
    {
      g_autoptr (SngFingerprint) changed = NULL;

      sng_state_dict_set_value (state, "step", g_variant_new_parsed (changes[i]));
      changed = sng_state_dict_compute_fingerprint (state);
      if (!g_hash_table_add (seen, sng_fingerprint_to_string (changed)))
        g_error ("%s has the fingerprint of another state", changes[i]);
    }
}

/* Where one entry ends and the next begins is part of the fingerprint. */
static void
test_fingerprint_boundaries (void)
{
  g_autoptr (SngStateDict) a = sng_state_dict_new ();
  g_autoptr (SngStateDict) b = sng_state_dict_new ();
  g_autoptr (SngFingerprint) x = NULL;
  g_autoptr (SngFingerprint) y = NULL;

  sng_state_dict_set_value (a, "as", g_variant_new_string ("b"));
  sng_state_dict_set_value (b, "a", g_variant_new_string ("sb"));
  x = sng_state_dict_compute_fingerprint (a);
  y = sng_state_dict_compute_fingerprint (b);
  g_assert_false (sng_fingerprint_equal (x, y));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/state-dict/order", test_order);
  g_test_add_func ("/sng/state-dict/self-assignment", test_self_assignment);
  g_test_add_func ("/sng/state-dict/numbers", test_numbers);
  g_test_add_func ("/sng/state-dict/wrong-entries", test_wrong_entries);
  g_test_add_func ("/sng/state-dict/copy", test_copy);
  g_test_add_func ("/sng/state-dict/layout", test_layout);
  g_test_add_func ("/sng/state-dict/fingerprint", test_fingerprint);
  g_test_add_func ("/sng/state-dict/fingerprint-boundaries", test_fingerprint_boundaries);

  return g_test_run ();
}
