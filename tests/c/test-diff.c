/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>

#include <math.h>
#include <string.h>

#include <glib/gstdio.h>

static SngTensor *
make_tensor (SngDtype dtype, gint64 rows, gint64 columns, const void *data)
{
  g_autoptr (GError) error = NULL;
  gsize size = (gsize) (rows * columns) * sng_dtype_get_size (dtype);
  g_autoptr (GBytes) bytes = g_bytes_new (data, size);
  SngTensor *tensor = sng_tensor_new_from_bytes (dtype, (gint64[]){ rows, columns }, 2, bytes, &error);

  g_assert_no_error (error);

  return tensor;
}

/* The difference of two tensors of two rows. */
static SngTensorDiff *
diff_tensors (SngTensor *a, SngTensor *b)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngStateDict) first = sng_state_dict_new ();
  g_autoptr (SngStateDict) second = sng_state_dict_new ();
  g_autoptr (GListModel) diffs = NULL;

  sng_state_dict_set_tensor (first, "t", a);
  sng_state_dict_set_tensor (second, "t", b);
  diffs = sng_diff_state_dicts (first, second, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_list_model_get_n_items (diffs), ==, 1);

  return g_list_model_get_item (diffs, 0);
}

static SngTensorDiff *
diff_data (SngDtype dtype, gint64 columns, const void *a, const void *b)
{
  g_autoptr (SngTensor) first = make_tensor (dtype, 2, columns, a);
  g_autoptr (SngTensor) second = make_tensor (dtype, 2, columns, b);

  return diff_tensors (first, second);
}

static void
assert_text (SngTensorDiff *diff, const char *expected)
{
  g_autofree char *text = sng_tensor_diff_to_string (diff);

  g_assert_cmpstr (text, ==, expected);
}

static void
test_floats (void)
{
  const float a[] = { 1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f };
  const float b[] = { 1.0f, 2.0f, 3.0f, 4.0f, nextafterf (5.0f, 6.0f), 6.5f };
  g_autoptr (SngTensorDiff) diff = diff_data (SNG_DTYPE_F32, 3, a, b);
  g_autoptr (SngTensorDiff) none = diff_data (SNG_DTYPE_F32, 3, a, a);
  const gint64 *index;
  guint n_dims;

  g_assert_cmpstr (sng_tensor_diff_get_name (diff), ==, "t");
  g_assert_cmpint (sng_tensor_diff_get_kind (diff), ==, SNG_DIFF_ELEMENTS);
  g_assert_cmpuint (sng_tensor_diff_get_n_elements (diff), ==, 6);
  g_assert_cmpuint (sng_tensor_diff_get_n_different (diff), ==, 2);
  index = sng_tensor_diff_get_first_index (diff, &n_dims);
  g_assert_cmpuint (n_dims, ==, 2);
  g_assert_cmpint (index[0], ==, 1);
  g_assert_cmpint (index[1], ==, 1);
  g_assert_cmpstr (sng_tensor_diff_get_first (diff), ==, "5 (0x40a00000)");
  g_assert_cmpuint (sng_tensor_diff_get_first_distance (diff), ==, 1);
  g_assert_cmpuint (sng_tensor_diff_get_max_distance (diff), ==, 0x100000);
  g_assert_cmpfloat (sng_tensor_diff_get_max_difference (diff), ==, 0.5);

  g_assert_cmpint (sng_tensor_diff_get_kind (none), ==, SNG_DIFF_EQUAL);
  g_assert_cmpuint (sng_tensor_diff_get_n_different (none), ==, 0);
  g_assert_null (sng_tensor_diff_get_first_index (none, &n_dims));
}

static void
assert_bits (const char *text, SngDtype dtype, guint64 bits)
{
  guint64 number;

  g_assert_nonnull (text);
  g_assert_cmpuint (strlen (text), ==, 2 + 2 * sng_dtype_get_size (dtype));
  g_assert_true (g_ascii_string_to_unsigned (text + 2, 16, 0, G_MAXUINT64, &number, NULL));
  g_assert_cmphex (number, ==, bits);
}

/* The distance of each floating-point format: neighbours are 1 apart, across zero and at the end of the range too. */
static void
test_distance (void)
{
  const struct
  {
    SngDtype dtype;
    guint64 a;
    guint64 b;
    guint64 distance;
  } cases[] = {
    { SNG_DTYPE_F64, 0x3ff0000000000000, 0x3ff0000000000001, 1 },
    { SNG_DTYPE_F64, 0x8000000000000000, 0x0000000000000000, 1 },
    { SNG_DTYPE_F64, 0x8000000000000001, 0x0000000000000001, 3 },
    { SNG_DTYPE_F64, 0x7fefffffffffffff, 0x7ff0000000000000, 1 },
    { SNG_DTYPE_F64, 0x3ff0000000000000, 0x7ff8000000000000, G_MAXUINT64 },
    { SNG_DTYPE_F64, 0x7ff8000000000001, 0x7ff8000000000000, G_MAXUINT64 },
    { SNG_DTYPE_F32, 0x3f800000, 0x3f800002, 2 },
    { SNG_DTYPE_F32, 0x80000000, 0x00000000, 1 },
    { SNG_DTYPE_F32, 0xbf800000, 0x3f800000, 2 * G_GUINT64_CONSTANT (0x3f800000) + 1 },
    { SNG_DTYPE_BF16, 0x3f80, 0x3f83, 3 },
    { SNG_DTYPE_BF16, 0x8000, 0x0000, 1 },
    { SNG_DTYPE_BF16, 0x7fc0, 0x3f80, G_MAXUINT64 },
    { SNG_DTYPE_F16, 0x3c00, 0x3bff, 1 },
    { SNG_DTYPE_F16, 0x7bff, 0x7c00, 1 },
    { SNG_DTYPE_F16, 0x7e00, 0x3c00, G_MAXUINT64 },
    { SNG_DTYPE_I64, 0x8000000000000000, 0x7fffffffffffffff, G_MAXUINT64 },
    { SNG_DTYPE_I32, 0xffffffff, 2, 3 },
    { SNG_DTYPE_I16, 0xffff, 0x0001, 2 },
    { SNG_DTYPE_I8, 0x80, 0x7f, 255 },
    { SNG_DTYPE_U8, 0xff, 0x00, 255 },
    { SNG_DTYPE_BOOL, 0x01, 0x00, 1 },
    { SNG_DTYPE_U16, 0xffff, 0x0000, 65535 },
    { SNG_DTYPE_U32, 0x80000000, 0x7fffffff, 1 },
    { SNG_DTYPE_U64, 0xffffffffffffffff, 0x0000000000000001, G_MAXUINT64 - 1 },
    { SNG_DTYPE_F8_E4M3, 0x80, 0x00, 1 },
    { SNG_DTYPE_F8_E4M3, 0x7e, 0x00, 126 },
    { SNG_DTYPE_F8_E4M3, 0x7f, 0x7e, G_MAXUINT64 },
    { SNG_DTYPE_F8_E5M2, 0x7b, 0x7c, 1 },
    { SNG_DTYPE_F8_E5M2, 0x7c, 0x7d, G_MAXUINT64 },
    { SNG_DTYPE_F8_E8M0, 0x7f, 0x80, 1 },
    { SNG_DTYPE_F8_E8M0, 0x00, 0xfe, 254 },
    { SNG_DTYPE_F8_E8M0, 0xff, 0xfe, G_MAXUINT64 },
    { SNG_DTYPE_F8_E4M3FNUZ, 0x81, 0x00, 1 },
    { SNG_DTYPE_F8_E4M3FNUZ, 0x81, 0x01, 2 },
    { SNG_DTYPE_F8_E4M3FNUZ, 0x80, 0x00, G_MAXUINT64 },
    { SNG_DTYPE_F8_E5M2FNUZ, 0xff, 0x00, 127 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      guint64 a[2] = { 0 }, b[2] = { 0 };
      g_autoptr (SngTensorDiff) diff = NULL;

      memcpy (a, &cases[i].a, sng_dtype_get_size (cases[i].dtype));
      memcpy (b, &cases[i].b, sng_dtype_get_size (cases[i].dtype));
      diff = diff_data (cases[i].dtype, 1, a, b);
      g_assert_cmpuint (sng_tensor_diff_get_n_different (diff), ==, 1);
      g_assert_cmpuint (sng_tensor_diff_get_first_distance (diff), ==, cases[i].distance);
      g_assert_cmpuint (sng_tensor_diff_get_max_distance (diff), ==, cases[i].distance);
      assert_bits (sng_tensor_diff_get_first_bits (diff), cases[i].dtype, cases[i].a);
      assert_bits (sng_tensor_diff_get_second_bits (diff), cases[i].dtype, cases[i].b);
    }
}

static void
assert_histogram (SngTensorDiff *diff, const guint64 *expected, guint n_expected, guint64 n_unordered)
{
  guint n_decades;
  const guint64 *counts = sng_tensor_diff_get_histogram (diff, &n_decades);

  g_assert_cmpmem (counts, n_decades * sizeof *counts, expected, n_expected * sizeof *expected);
  g_assert_cmpuint (sng_tensor_diff_get_n_unordered (diff), ==, n_unordered);
}

/* The part that is further apart says how far; the difference is that in the plane. */
static void
test_complex (void)
{
  const float a[] = { 1, 2, 3, -0.0f }, b[] = { 1, nextafterf (2, 3), 6, 4 };
  const float c[] = { NAN, 1, 5, 7 }, d[] = { NAN, 2, NAN, 7 };
  g_autoptr (SngTensorDiff) diff = diff_data (SNG_DTYPE_C64, 1, a, b);
  g_autoptr (SngTensorDiff) special = diff_data (SNG_DTYPE_C64, 1, c, d);

  g_assert_cmpuint (sng_tensor_diff_get_n_elements (diff), ==, 2);
  g_assert_cmpuint (sng_tensor_diff_get_max_distance (diff), ==, 0x40800001);
  g_assert_cmpfloat (sng_tensor_diff_get_max_difference (diff), ==, 5);
  g_assert_cmpstr (sng_tensor_diff_get_first (diff), ==, "(1, 2) (0x3f800000, 0x40000000)");
  g_assert_cmpstr (sng_tensor_diff_get_second (diff), ==, "(1, 2.000000238418579) (0x3f800000, 0x40000001)");
  g_assert_cmpstr (sng_tensor_diff_get_second_bits (diff), ==, "0x3f800000, 0x40000001");
  g_assert_cmpuint (sng_tensor_diff_get_first_distance (diff), ==, 1);

  /* A NaN on both sides is no difference, one on one side has no distance. */
  assert_histogram (special, (guint64[]){ [6] = 1 }, 7, 1);
  g_assert_cmpfloat (sng_tensor_diff_get_max_difference (special), ==, 1);
}

/* What has no sign is not printed with one. */
static void
test_unsigned (void)
{
  const guint64 a[] = { G_MAXUINT64, 1 }, b[] = { G_MAXUINT64 - 7, 1 };
  const guint16 c[] = { 65535, 1 }, d[] = { 65535, 3 };
  g_autoptr (SngTensorDiff) wide = diff_data (SNG_DTYPE_U64, 1, a, b);
  g_autoptr (SngTensorDiff) narrow = diff_data (SNG_DTYPE_U16, 1, c, d);

  assert_text (wide, "1 of 2 elements differ, first [0, 0]: 18446744073709551615 and 18446744073709551608, "
                     "differ by 7");
  assert_text (narrow, "1 of 2 elements differ, first [1, 0]: 1 and 3, differ by 2");
}

/* Each pair counts at the length of its distance, the longest too, and what is not a number has none. */
static void
test_histogram (void)
{
  const guint32 a[] = { 0x3f800000, 0x3f800000, 0x3f800000, 0x3f800000, 0x3f800000, 0x7fc00000 };
  const guint32 b[] = { 0x3f800000, 0x3f800009, 0x3f80000a, 0x3f7fffff, 0x3f8186a0, 0x3f800000 };
  const gint64 c[] = { 0, 1, 5, G_MININT64 };
  const gint64 d[] = { 0, 1, -5, G_MAXINT64 };
  g_autoptr (SngTensorDiff) floats = diff_data (SNG_DTYPE_F32, 3, a, b);
  g_autoptr (SngTensorDiff) integers = diff_data (SNG_DTYPE_I64, 2, c, d);
  g_autoptr (SngTensorDiff) none = diff_data (SNG_DTYPE_F32, 3, a, a);

  assert_histogram (floats, (guint64[]){ 2, 1, 0, 0, 0, 1 }, 6, 1);
  g_assert_cmpstr (sng_tensor_diff_get_first_bits (floats), ==, "0x3f800000");
  g_assert_cmpstr (sng_tensor_diff_get_second_bits (floats), ==, "0x3f800009");
  assert_text (
      floats,
      "5 of 6 elements differ, first [0, 1]: 1 (0x3f800000) and 1.000001072883606 (0x3f800009), 9 ULP "
      "apart; difference 0.011920928955078125; distances 1-9: 2, 10-99: 1, 1e5-1e6: 1, NaN: 1");

  assert_histogram (integers, (guint64[]){ [1] = 1, [19] = 1 }, 20, 0);
  g_assert_cmpstr (sng_tensor_diff_get_first_bits (integers), ==, "0x0000000000000005");
  g_assert_cmpstr (sng_tensor_diff_get_second_bits (integers), ==, "0xfffffffffffffffb");

  assert_histogram (none, NULL, 0, 0);
  g_assert_null (sng_tensor_diff_get_first_bits (none));
  g_assert_null (sng_tensor_diff_get_second_bits (none));
}

/* A single bit anywhere in a tensor of many stretches is found, and the place is right. */
static void
test_place (void)
{
  const gint64 n = 50000;
  const gint64 places[] = { 0, 16383, 16384, 40001, 99999 };
  g_autofree float *data = g_new0 (float, 2 * n);

  for (gsize i = 0; i < G_N_ELEMENTS (places); i++)
    {
      g_autofree float *other = g_memdup2 (data, (gsize) (2 * n) * sizeof (float));
      g_autoptr (SngTensorDiff) diff = NULL;
      const gint64 *index;
      guint n_dims;

      other[places[i]] = -0.0f;
      diff = diff_data (SNG_DTYPE_F32, n, data, other);
      g_assert_cmpuint (sng_tensor_diff_get_n_different (diff), ==, 1);
      index = sng_tensor_diff_get_first_index (diff, &n_dims);
      g_assert_cmpint (index[0] * n + index[1], ==, places[i]);
    }
}

static void
test_strided (void)
{
  g_autoptr (GError) error = NULL;
  const float data[] = { 1.0f, 2.0f, 3.0f, 4.0f };
  const float other[] = { 1.0f, 3.0f, 2.5f, 4.0f };
  g_autoptr (SngTensor) base = make_tensor (SNG_DTYPE_F32, 2, 2, data);
  g_autoptr (SngTensor) transposed =
      sng_tensor_new_view (base, 0, (gint64[]){ 2, 2 }, 2, (gint64[]){ 1, 2 }, 2, &error);
  g_autoptr (SngTensor) plain = make_tensor (SNG_DTYPE_F32, 2, 2, other);
  g_autoptr (SngTensorDiff) diff = NULL;

  g_assert_no_error (error);
  diff = diff_tensors (transposed, plain);
  assert_text (
      diff, "1 of 4 elements differ, first [1, 0]: 2 (0x40000000) and 2.5 (0x40200000), 2097152 ULP apart");
}

static void
test_layout (void)
{
  const double data[6] = { 0.0 };
  g_autoptr (SngTensor) a = make_tensor (SNG_DTYPE_F64, 2, 3, data);
  g_autoptr (SngTensor) b = make_tensor (SNG_DTYPE_F64, 3, 2, data);
  g_autoptr (SngTensor) c = make_tensor (SNG_DTYPE_I64, 2, 3, data);
  g_autoptr (SngTensorDiff) shape = diff_tensors (a, b);
  g_autoptr (SngTensorDiff) dtype = diff_tensors (a, c);

  g_assert_cmpint (sng_tensor_diff_get_kind (shape), ==, SNG_DIFF_LAYOUT);
  g_assert_nonnull (strstr (sng_tensor_diff_get_first (shape), "2, 3"));
  g_assert_nonnull (strstr (sng_tensor_diff_get_second (shape), "3, 2"));
  g_assert_cmpint (sng_tensor_diff_get_kind (dtype), ==, SNG_DIFF_LAYOUT);
  g_assert_nonnull (strstr (sng_tensor_diff_get_second (dtype), "I64"));
}

static SngTensorDiff *
get (GListModel *diffs, guint position, const char *name, SngDiffKind kind)
{
  SngTensorDiff *diff = g_list_model_get_item (diffs, position);

  g_assert_nonnull (diff);
  g_assert_cmpstr (sng_tensor_diff_get_name (diff), ==, name);
  g_assert_cmpint (sng_tensor_diff_get_kind (diff), ==, kind);

  return diff;
}

static SngStateDict *
make_dict (double rate, gint64 count, const char *only)
{
  const float data[] = { 1.0f, 2.0f };
  g_autoptr (SngTensor) tensor = make_tensor (SNG_DTYPE_F32, 1, 2, data);
  SngStateDict *dict = sng_state_dict_new ();

  sng_state_dict_set_tensor (dict, "w", tensor);
  sng_state_dict_set_double (dict, "rate", rate);
  sng_state_dict_set_int64 (dict, "count", count);
  sng_state_dict_set_tensor (dict, only, tensor);

  return dict;
}

static void
test_dicts (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngStateDict) first = make_dict (0.0, 5, "old");
  g_autoptr (SngStateDict) second = make_dict (-0.0, 9, "new");
  g_autoptr (GListModel) diffs = sng_diff_state_dicts (first, second, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (g_list_model_get_n_items (diffs), ==, 5);

  g_object_unref (get (diffs, 0, "w", SNG_DIFF_EQUAL));
  {
    g_autoptr (SngTensorDiff) rate = get (diffs, 1, "rate", SNG_DIFF_ELEMENTS);
    g_autoptr (SngTensorDiff) count = get (diffs, 2, "count", SNG_DIFF_ELEMENTS);
    g_autoptr (SngTensorDiff) old = get (diffs, 3, "old", SNG_DIFF_ONLY_IN_FIRST);
    g_autoptr (SngTensorDiff) new = get (diffs, 4, "new", SNG_DIFF_ONLY_IN_SECOND);

    assert_text (rate, "0 (0x0000000000000000) and -0 (0x8000000000000000), 1 ULP apart");
    assert_text (count, "5 and 9, differ by 4");
    g_assert_cmpstr (sng_tensor_diff_get_first_bits (rate), ==, "0x0000000000000000");
    g_assert_cmpstr (sng_tensor_diff_get_second_bits (rate), ==, "0x8000000000000000");
    assert_histogram (count, (guint64[]){ 1 }, 1, 0);
    g_assert_null (sng_tensor_diff_get_second (old));
    g_assert_null (sng_tensor_diff_get_first (new));
  }

  sng_state_dict_set_double (second, "w", 1.0);
  sng_state_dict_set_value (second, "count", g_variant_new_string ("9"));
  g_clear_object (&diffs);
  diffs = sng_diff_state_dicts (first, second, &error);
  g_assert_no_error (error);
  g_object_unref (get (diffs, 0, "w", SNG_DIFF_LAYOUT));
  g_object_unref (get (diffs, 2, "count", SNG_DIFF_LAYOUT));
}

static void
test_checkpoints (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngCheckpoint) first = sng_checkpoint_new (1);
  g_autoptr (SngCheckpoint) second = sng_checkpoint_new (1);
  g_autoptr (SngStateDict) a = make_dict (0.5, 1, "x");
  g_autoptr (SngStateDict) b = make_dict (0.5, 2, "x");
  g_autoptr (GListModel) diffs = NULL;

  sng_checkpoint_set_state (first, "model", a);
  sng_checkpoint_set_state (second, "model", b);
  sng_checkpoint_set_state (first, "gone", a);
  sng_checkpoint_set_state (second, "new", a);

  diffs = sng_diff_checkpoints (first, second, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_list_model_get_n_items (diffs), ==, 12);
  g_object_unref (get (diffs, 0, "model/w", SNG_DIFF_EQUAL));
  g_object_unref (get (diffs, 2, "model/count", SNG_DIFF_ELEMENTS));
  g_object_unref (get (diffs, 4, "gone/w", SNG_DIFF_ONLY_IN_FIRST));
  g_object_unref (get (diffs, 11, "new/x", SNG_DIFF_ONLY_IN_SECOND));
}

static void
test_files (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *directory = g_dir_make_tmp ("sng-diff-XXXXXX", NULL);
  g_autofree char *first = g_build_filename (directory, "a.safetensors", NULL);
  g_autofree char *second = g_build_filename (directory, "b.safetensors", NULL);
  const float data[] = { 1.0f, 2.0f, 3.0f, 4.0f };
  const float other[] = { 1.0f, 2.0f, 3.0f, NAN };
  g_autoptr (SngTensor) a = make_tensor (SNG_DTYPE_F32, 2, 2, data);
  g_autoptr (SngTensor) b = make_tensor (SNG_DTYPE_F32, 2, 2, other);
  g_autoptr (SngStateDict) dict = sng_state_dict_new ();
  g_autoptr (GListModel) diffs = NULL;
  g_autoptr (SngTensorDiff) diff = NULL;

  sng_state_dict_set_tensor (dict, "t", a);
  sng_safetensors_save (first, dict, NULL, &error);
  sng_state_dict_set_tensor (dict, "t", b);
  sng_safetensors_save (second, dict, NULL, &error);
  g_assert_no_error (error);

  diffs = sng_diff_files (first, second, &error);
  g_assert_no_error (error);
  diff = get (diffs, 0, "t", SNG_DIFF_ELEMENTS);
  assert_text (
      diff, "1 of 4 elements differ, first [1, 1]: 4 (0x40800000) and nan (0x7fc00000), one is not a number");

  g_unlink (second);
  g_assert_null (sng_diff_files (first, second, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, second));

  g_unlink (first);
  g_rmdir (directory);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/diff/floats", test_floats);
  g_test_add_func ("/sng/diff/distance", test_distance);
  g_test_add_func ("/sng/diff/complex", test_complex);
  g_test_add_func ("/sng/diff/unsigned", test_unsigned);
  g_test_add_func ("/sng/diff/histogram", test_histogram);
  g_test_add_func ("/sng/diff/place", test_place);
  g_test_add_func ("/sng/diff/strided", test_strided);
  g_test_add_func ("/sng/diff/layout", test_layout);
  g_test_add_func ("/sng/diff/dicts", test_dicts);
  g_test_add_func ("/sng/diff/checkpoints", test_checkpoints);
  g_test_add_func ("/sng/diff/files", test_files);

  return g_test_run ();
}
