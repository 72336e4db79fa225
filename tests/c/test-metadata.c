/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>

#include <math.h>
#include <string.h>

#define FINGERPRINT "00112233445566778899aabbccddeeff"

static SngMetadata *
parse (const char *text, GError **error)
{
  return sng_metadata_new (g_variant_new_parsed (text), error);
}

static SngMetadata *
with_value (GVariant *value)
{
  g_autoptr (GError) error = NULL;
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  SngMetadata *entry;

  g_variant_dict_insert (&dict, "metric", "s", "M");
  g_variant_dict_insert (&dict, "stage", "s", "train");
  g_variant_dict_insert (&dict, "step", "i", 1);
  g_variant_dict_insert (&dict, "path", "s", "");
  g_variant_dict_insert_value (&dict, "value", value);

  entry = sng_metadata_new (g_variant_dict_end (&dict), &error);
  g_assert_no_error (error);

  return entry;
}

static double
double_from_bits (guint64 bits)
{
  double number;

  memcpy (&number, &bits, sizeof number);
  return number;
}

static void
test_value (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngMetadata) entry =
      parse ("{'metric': <'Loss'>, 'stage': <'validate'>, 'step': <byte 7>, 'micro-batch': <uint16 2>,"
             " 'rank': <uint64 3>, 'path': <'a/b'>, 'value': <1.5>}",
             &error);
  g_autoptr (GVariant) variant = NULL;
  g_autoptr (SngMetadata) again = NULL;
  guint n_dims = 1;

  g_assert_no_error (error);
  g_assert_cmpstr (sng_metadata_get_metric (entry), ==, "Loss");
  g_assert_cmpint (sng_metadata_get_stage (entry), ==, SNG_STAGE_VALIDATE);
  g_assert_cmpuint (sng_metadata_get_step (entry), ==, 7);
  g_assert_cmpint (sng_metadata_get_micro_batch (entry), ==, 2);
  g_assert_cmpuint (sng_metadata_get_rank (entry), ==, 3);
  g_assert_cmpstr (sng_metadata_get_path (entry), ==, "a/b");
  g_assert_false (sng_metadata_is_tensor (entry));
  g_assert_null (sng_metadata_get_fingerprint (entry));
  g_assert_null (sng_metadata_get_capture (entry));
  g_assert_null (sng_metadata_get_shape (entry, &n_dims));
  g_assert_cmpuint (n_dims, ==, 0);
  g_assert_cmpfloat (g_variant_get_double (sng_metadata_get_value (entry)), ==, 1.5);

  variant = sng_metadata_to_variant (entry);
  again = sng_metadata_new (variant, &error);
  g_assert_no_error (error);
  g_assert_true (sng_metadata_equal (entry, again));
  g_assert_cmpstr (sng_metadata_get_path (again), ==, "a/b");
}

static void
test_tensor (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngMetadata) entry =
      parse ("{'metric': <'W'>, 'stage': <'train'>, 'step': <0>, 'path': <'w'>, 'dtype': <'F32'>,"
             " 'shape': <[3, 128]>, 'fingerprint': <'" FINGERPRINT "'>, 'minimum': <-1>, 'maximum': <2.5>,"
             " 'non-finite': <4>, 'capture': <'captures/1.safetensors'>}",
             &error);
  g_autofree char *description = NULL;
  g_autoptr (GVariant) variant = NULL;
  g_autoptr (SngMetadata) again = NULL;
  const gint64 *shape;
  guint n_dims;
  double minimum, maximum, mean;
  guint64 n_non_finite;

  g_assert_no_error (error);
  g_assert_true (sng_metadata_is_tensor (entry));
  g_assert_null (sng_metadata_get_value (entry));
  g_assert_cmpint (sng_metadata_get_dtype (entry), ==, SNG_DTYPE_F32);
  g_assert_cmpint (sng_metadata_get_micro_batch (entry), ==, -1);
  shape = sng_metadata_get_shape (entry, &n_dims);
  g_assert_cmpuint (n_dims, ==, 2);
  g_assert_cmpint (shape[0], ==, 3);
  g_assert_cmpint (shape[1], ==, 128);
  g_assert_cmpstr (sng_metadata_get_fingerprint (entry), ==, FINGERPRINT);
  g_assert_cmpstr (sng_metadata_get_capture (entry), ==, "captures/1.safetensors");
  sng_metadata_get_summary (entry, &minimum, &maximum, &mean, &n_non_finite);
  g_assert_cmpfloat (minimum, ==, -1.0);
  g_assert_cmpfloat (maximum, ==, 2.5);
  g_assert_true (isnan (mean));
  g_assert_cmpuint (n_non_finite, ==, 4);

  description = sng_metadata_describe (entry);
  g_assert_cmpstr (description, ==, "F32 [3, 128] fingerprint " FINGERPRINT);

  variant = sng_metadata_to_variant (entry);
  again = sng_metadata_new (variant, &error);
  g_assert_no_error (error);
  g_assert_true (sng_metadata_equal (entry, again));
}

/* A key that is damaged is found, and named. */
static void
test_refused (void)
{
  static const struct
  {
    const char *text;
    const char *key;
  } cases[] = {
    { "{'stage': <'train'>, 'step': <1>, 'path': <''>, 'value': <1>}", "\"metric\"" },
    { "{'metric': <''>, 'stage': <'train'>, 'step': <1>, 'path': <''>, 'value': <1>}", "\"metric\"" },
    { "{'metric': <3>, 'stage': <'train'>, 'step': <1>, 'path': <''>, 'value': <1>}", "\"metric\"" },
    { "{'metric': <'m'>, 'stage': <'Train'>, 'step': <1>, 'path': <''>, 'value': <1>}", "\"stage\"" },
    { "{'metric': <'m'>, 'stage': <'train'>, 'step': <-1>, 'path': <''>, 'value': <1>}", "\"step\"" },
    { "{'metric': <'m'>, 'stage': <'train'>, 'step': <1.0>, 'path': <''>, 'value': <1>}", "\"step\"" },
    { "{'metric': <'m'>, 'stage': <'train'>, 'step': <uint64 0xffffffffffffffff>, 'path': <''>, 'value': "
      "<1>}",
      "\"step\"" },
    { "{'metric': <'m'>, 'stage': <'train'>, 'step': <1>, 'micro_batch': <1>, 'path': <''>, 'value': <1>}",
      "\"micro_batch\"" },
    { "{'metric': <'m'>, 'stage': <'train'>, 'step': <1>, 'micro-batch': <-2>, 'path': <''>, 'value': <1>}",
      "\"micro-batch\"" },
    { "{'metric': <'m'>, 'stage': <'train'>, 'step': <1>, 'rank': <-1>, 'path': <''>, 'value': <1>}",
      "\"rank\"" },
    { "{'metric': <'m'>, 'stage': <'train'>, 'step': <1>, 'value': <1>}", "\"path\"" },
    { "{'metric': <'m'>, 'stage': <'train'>, 'step': <1>, 'path': <''>, 'value': <1>, 'dtype': <'F32'>}",
      "\"dtype\"" },
    { "{'metric': <'m'>, 'stage': <'train'>, 'step': <1>, 'path': <''>, 'value': <handle 1>}", "\"value\"" },
    { "{'metric': <'m'>, 'stage': <'train'>, 'step': <1>, 'path': <''>, 'value': <1>, 'version': <2>}",
      "\"version\"" },
    { "{'metric': <'m'>, 'stage': <'train'>, 'step': <1>, 'path': <''>}", "\"dtype\"" },
    { "{'metric': <'m'>, 'stage': <'train'>, 'step': <1>, 'path': <''>, 'dtype': <'F33'>, 'shape': <[1]>,"
      " 'fingerprint': <'" FINGERPRINT "'>}",
      "\"dtype\"" },
    { "{'metric': <'m'>, 'stage': <'train'>, 'step': <1>, 'path': <''>, 'dtype': <'F32'>, 'shape': <[-1]>,"
      " 'fingerprint': <'" FINGERPRINT "'>}",
      "\"shape\"" },
    { "{'metric': <'m'>, 'stage': <'train'>, 'step': <1>, 'path': <''>, 'dtype': <'F32'>, 'shape': <'x'>,"
      " 'fingerprint': <'" FINGERPRINT "'>}",
      "\"shape\"" },
    { "{'metric': <'m'>, 'stage': <'train'>, 'step': <1>, 'path': <''>, 'dtype': <'F32'>, 'shape': <[1]>,"
      " 'fingerprint': <'xyz'>}",
      "\"fingerprint\"" },
    { "{'metric': <'m'>, 'stage': <'train'>, 'step': <1>, 'path': <''>, 'dtype': <'F32'>, 'shape': <[1]>,"
      " 'fingerprint': <'" FINGERPRINT "'>, 'mean': <'x'>}",
      "\"mean\"" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (parse (cases[i].text, &error));
      g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA);
      g_assert_true (g_str_has_prefix (error->message, "[record][metadata] "));
      g_assert_nonnull (strstr (error->message, cases[i].key));
    }
}

static void
test_not_a_dictionary (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (sng_metadata_new (g_variant_new_int32 (1), &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA);
  g_assert_nonnull (strstr (error->message, "\"i\""));
}

static void
assert_equal (GVariant *a, GVariant *b, gboolean equal)
{
  g_autoptr (SngMetadata) first = with_value (a);
  g_autoptr (SngMetadata) second = with_value (b);

  g_assert_true (sng_metadata_equal (first, second) == equal);
  g_assert_true (sng_metadata_equal (second, first) == equal);
}

static void
test_equal (void)
{
  assert_equal (g_variant_new_double (0.5), g_variant_new_double (0.5), TRUE);
  assert_equal (g_variant_new_double (0.5), g_variant_new_double (nextafter (0.5, 1.0)), FALSE);
  assert_equal (g_variant_new_double (0.0), g_variant_new_double (-0.0), FALSE);
  assert_equal (g_variant_new_double (NAN), g_variant_new_double (NAN), TRUE);
  assert_equal (g_variant_new_double (double_from_bits (0x7ff8000000000001)),
                g_variant_new_double (double_from_bits (0x7ff8000000000002)), FALSE);
  assert_equal (g_variant_new_double (1.0), g_variant_new_int32 (1), FALSE);

  /* the width of an integer is the language's choice */
  assert_equal (g_variant_new_int32 (5), g_variant_new_uint64 (5), TRUE);
  assert_equal (g_variant_new_byte (5), g_variant_new_variant (g_variant_new_int16 (5)), TRUE);
  assert_equal (g_variant_new_int64 (-1), g_variant_new_uint64 (G_MAXUINT64), FALSE);
  assert_equal (g_variant_new_boolean (TRUE), g_variant_new_int32 (1), FALSE);

  assert_equal (g_variant_new_string ("a"), g_variant_new_string ("a"), TRUE);
  assert_equal (g_variant_new_string ("a"), g_variant_new_string ("b"), FALSE);
  assert_equal (g_variant_new_parsed ("[1.0, 0.0]"), g_variant_new_parsed ("[1.0, 0.0]"), TRUE);
  assert_equal (g_variant_new_parsed ("[1.0, 0.0]"), g_variant_new_parsed ("[1.0, -0.0]"), FALSE);
}

static void
test_equal_tensor (void)
{
  static const char *const others[] = {
    ("{'metric': <'W'>, 'stage': <'train'>, 'step': <9>, 'path': <'w'>, 'dtype': <'F64'>, 'shape': <[2, 3]>,"
     " 'fingerprint': <'" FINGERPRINT "'>}"),
    ("{'metric': <'W'>, 'stage': <'train'>, 'step': <9>, 'path': <'w'>, 'dtype': <'F32'>, 'shape': <[3, 2]>,"
     " 'fingerprint': <'" FINGERPRINT "'>}"),
    ("{'metric': <'W'>, 'stage': <'train'>, 'step': <9>, 'path': <'w'>, 'dtype': <'F32'>, 'shape': <[2]>,"
     " 'fingerprint': <'" FINGERPRINT "'>}"),
    ("{'metric': <'W'>, 'stage': <'train'>, 'step': <9>, 'path': <'w'>, 'dtype': <'F32'>, 'shape': <[2, 3]>,"
     " 'fingerprint': <'10112233445566778899aabbccddeeff'>}"),
    "{'metric': <'W'>, 'stage': <'train'>, 'step': <9>, 'path': <'w'>, 'value': <1.0>}",
  };
  g_autoptr (SngMetadata) entry = parse (
      "{'metric': <'W'>, 'stage': <'train'>, 'step': <0>, 'path': <'w'>, 'dtype': <'F32'>, 'shape': <[2, 3]>,"
      " 'fingerprint': <'" FINGERPRINT "'>}",
      NULL);
  g_autoptr (SngMetadata) same =
      parse ("{'metric': <'V'>, 'stage': <'validate'>, 'step': <1>, 'path': <'v'>, 'dtype': <'F32'>,"
             " 'shape': <[2, 3]>, 'fingerprint': <'" FINGERPRINT "'>}",
             NULL);

  g_assert_true (sng_metadata_equal (entry, same));

  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    {
      g_autoptr (SngMetadata) other = parse (others[i], NULL);

      g_assert_false (sng_metadata_equal (entry, other));
    }
}

static void
assert_description (GVariant *value, const char *expected)
{
  g_autoptr (SngMetadata) entry = with_value (value);
  g_autofree char *description = sng_metadata_describe (entry);

  g_assert_cmpstr (description, ==, expected);
}

static void
test_describe (void)
{
  assert_description (g_variant_new_double (9.2e-05), "9.2e-05 (0x3f181e03f705857b)");
  assert_description (g_variant_new_double (-0.0), "-0 (0x8000000000000000)");
  assert_description (g_variant_new_double (double_from_bits (0x7ff8000000000001)),
                      "nan (0x7ff8000000000001)");
  assert_description (g_variant_new_double (INFINITY), "inf (0x7ff0000000000000)");
  assert_description (g_variant_new_double (0.1 + 0.2), "0.30000000000000004 (0x3fd3333333333334)");
  assert_description (g_variant_new_uint16 (7), "7");
  assert_description (g_variant_new_string ("x"), "'x'");
  assert_description (g_variant_new_boolean (TRUE), "true");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/metadata/value", test_value);
  g_test_add_func ("/sng/metadata/tensor", test_tensor);
  g_test_add_func ("/sng/metadata/refused", test_refused);
  g_test_add_func ("/sng/metadata/not-a-dictionary", test_not_a_dictionary);
  g_test_add_func ("/sng/metadata/equal", test_equal);
  g_test_add_func ("/sng/metadata/equal-tensor", test_equal_tensor);
  g_test_add_func ("/sng/metadata/describe", test_describe);

  return g_test_run ();
}
