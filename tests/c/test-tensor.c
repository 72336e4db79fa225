/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <math.h>
#include <string.h>
#include <sng.h>

static const SngDtype floats[] = { SNG_DTYPE_F64, SNG_DTYPE_F32, SNG_DTYPE_BF16, SNG_DTYPE_F16 };

#define SHAPE(...) ((gint64[]){ __VA_ARGS__ }), (sizeof ((gint64[]){ __VA_ARGS__ }) / sizeof (gint64))

/* 0, 1, 2, … */
static SngTensor *
new_range (SngDtype dtype, const gint64 *shape, guint n_dims)
{
  g_autoptr (GError) error = NULL;
  g_autofree double *values = NULL;
  SngTensor *tensor;
  gsize n = 1;

  for (guint i = 0; i < n_dims; i++)
    n *= shape[i];
  values = g_new (double, MAX (n, 1));
  for (gsize i = 0; i < n; i++)
    values[i] = i;

  tensor = sng_tensor_new_from_values (dtype, shape, n_dims, values, n, &error);
  g_assert_no_error (error);
  return tensor;
}

static void
assert_values (SngTensor *tensor, const double *expected, gsize n_expected)
{
  gsize n_values;
  g_autofree double *values = sng_tensor_dup_values (tensor, &n_values);

  g_assert_cmpmem (values, n_values * sizeof *values, expected, n_expected * sizeof *expected);
}

#define assert_tensor(tensor, ...)                                                                           \
 assert_values (tensor, (double[]){ __VA_ARGS__ }, sizeof ((double[]){ __VA_ARGS__ }) / sizeof (double))

static void
test_new (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngDevice) device = sng_device_new_cpu (1);
  g_autoptr (SngTensor) tensor = sng_tensor_new (SNG_DTYPE_F32, SHAPE (3, 128), device, &error);
  g_autofree char *text = sng_tensor_describe (tensor);
  const gint64 *strides;
  guint n_dims;

  g_assert_no_error (error);
  g_assert_cmpstr (text, ==, "F32 [3, 128]");
  g_assert_cmpint (sng_tensor_get_dtype (tensor), ==, SNG_DTYPE_F32);
  g_assert_cmpuint (sng_tensor_get_n_dims (tensor), ==, 2);
  g_assert_cmpint (sng_tensor_get_shape (tensor, &n_dims)[1], ==, 128);
  g_assert_cmpuint (n_dims, ==, 2);
  strides = sng_tensor_get_strides (tensor, NULL);
  g_assert_cmpint (strides[0], ==, 128);
  g_assert_cmpint (strides[1], ==, 1);
  g_assert_cmpint (sng_tensor_get_n_elements (tensor), ==, 384);
  g_assert_cmpuint (sng_tensor_get_n_bytes (tensor), ==, 1536);
  g_assert_true (sng_tensor_is_contiguous (tensor));
  g_assert_false (sng_tensor_is_read_only (tensor));
  g_assert_true (sng_tensor_get_device (tensor) == device);
  g_assert_cmpuint ((gsize) sng_tensor_get_data (tensor) % 64, ==, 0);
  for (guint i = 0; i < 384; i++)
    g_assert_cmpfloat (sng_tensor_get_value (tensor, i), ==, 0);
}

static void
test_scalar_and_empty (void)
{
  g_autoptr (SngTensor) scalar = new_range (SNG_DTYPE_I32, NULL, 0);
  g_autoptr (SngTensor) empty = new_range (SNG_DTYPE_I32, SHAPE (3, 0, 2));
  g_autoptr (SngTensor) empty_copy = sng_tensor_copy (empty, NULL);
  g_autoptr (GBytes) bytes = sng_tensor_dup_bytes (empty, NULL);
  g_autoptr (SngTensor) empty_bytes = sng_tensor_new_from_bytes (SNG_DTYPE_F64, SHAPE (0), bytes, NULL);
  g_autofree char *text = sng_tensor_describe (scalar);

  g_assert_cmpstr (text, ==, "I32 []");
  g_assert_cmpint (sng_tensor_get_n_elements (scalar), ==, 1);
  assert_tensor (scalar, 0);

  g_assert_cmpint (sng_tensor_get_n_elements (empty), ==, 0);
  g_assert_true (sng_tensor_is_contiguous (empty));
  g_assert_true (sng_tensor_equal (empty, empty_copy));
  g_assert_cmpuint (g_bytes_get_size (bytes), ==, 0);
  g_assert_true (sng_tensor_set_bytes (empty, bytes, NULL));
  g_assert_cmpint (sng_tensor_get_n_elements (empty_bytes), ==, 0);
}

static void
assert_refused (SngTensor *tensor, GError **error, SngError code, const char *name)
{
  g_assert_null (tensor);
  g_assert_error (*error, SNG_ERROR, (int) code);
  g_assert_true (g_str_has_prefix ((*error)->message, "["));
  if (strstr ((*error)->message, name) == NULL)
    g_error ("\"%s\" does not name %s", (*error)->message, name);
  g_clear_error (error);
}

static void
test_bad_shapes (void)
{
  gint64 many[33];
  GError *error = NULL;

  for (guint i = 0; i < 33; i++)
    many[i] = 1;

  assert_refused (sng_tensor_new (SNG_DTYPE_F32, SHAPE (2, -1), NULL, &error), &error,
                  SNG_ERROR_INVALID_ARGUMENT, "F32 [2, -1]");
  assert_refused (sng_tensor_new (SNG_DTYPE_U8, SHAPE (G_MAXINT64, 2), NULL, &error), &error,
                  SNG_ERROR_INVALID_ARGUMENT, "U8 [9223372036854775807, 2]");
  assert_refused (sng_tensor_new (SNG_DTYPE_F64, SHAPE (G_MAXINT64 / 4), NULL, &error), &error,
                  SNG_ERROR_INVALID_ARGUMENT, "F64 [2305843009213693951]");
  assert_refused (sng_tensor_new (SNG_DTYPE_F64, SHAPE (0, G_MAXINT64, 3), NULL, &error), &error,
                  SNG_ERROR_INVALID_ARGUMENT, "F64 [0, 9223372036854775807, 3]");
  assert_refused (sng_tensor_new (SNG_DTYPE_F64, many, 33, NULL, &error), &error, SNG_ERROR_INVALID_ARGUMENT,
                  "33 dimensions");
  assert_refused (sng_tensor_new (SNG_DTYPE_U8, SHAPE (G_MAXINT64 - 8192), NULL, &error), &error,
                  SNG_ERROR_FAILED, "9223372036854767615 bytes");
}

static void
test_from_bytes (void)
{
  static const float values[] = { 1, 2, 3, 4, 5, 6 };
  g_autoptr (GBytes) bytes = g_bytes_new_static (values, sizeof values);
  g_autoptr (SngTensor) tensor = sng_tensor_new_from_bytes (SNG_DTYPE_F32, SHAPE (2, 3), bytes, NULL);
  g_autoptr (GBytes) back = sng_tensor_dup_bytes (tensor, NULL);
  GError *error = NULL;

  g_assert_true (sng_tensor_get_data (tensor) == (gpointer) values);
  g_assert_true (sng_tensor_is_read_only (tensor));
  assert_tensor (tensor, 1, 2, 3, 4, 5, 6);
  g_assert_true (g_bytes_equal (bytes, back));

  g_assert_false (sng_tensor_set_bytes (tensor, bytes, &error));
  assert_refused (NULL, &error, SNG_ERROR_INVALID_ARGUMENT, "F32 [2, 3] is read-only");
  assert_refused (sng_tensor_new_from_bytes (SNG_DTYPE_F32, SHAPE (2, 4), bytes, &error), &error,
                  SNG_ERROR_MISMATCH, "F32 [2, 4] takes 32 bytes, not 24");
}

/* Bytes at an odd address, such as a piece of a mapped file, are moved to a better one. */
static void
test_from_unaligned_bytes (void)
{
  g_autofree guint8 *memory = g_malloc0 (17);
  g_autoptr (GBytes) whole = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (SngTensor) tensor = NULL;
  double values[] = { 0.5, -2 };

  memcpy (memory + 1, values, sizeof values);
  whole = g_bytes_new_static (memory, 17);
  bytes = g_bytes_new_from_bytes (whole, 1, 16);
  tensor = sng_tensor_new_from_bytes (SNG_DTYPE_F64, SHAPE (2), bytes, NULL);

  g_assert_cmpuint ((gsize) sng_tensor_get_data (tensor) % 8, ==, 0);
  assert_tensor (tensor, 0.5, -2);
}

static void
test_views (void)
{
  g_autoptr (SngTensor) base = new_range (SNG_DTYPE_I16, SHAPE (3, 4));
  g_autoptr (SngTensor) turned =
      sng_tensor_new_view (base, 0, (gint64[]){ 4, 3 }, 2, (gint64[]){ 1, 4 }, 2, NULL);
  g_autoptr (SngTensor) backwards =
      sng_tensor_new_view (base, 11, (gint64[]){ 12 }, 1, (gint64[]){ -1 }, 1, NULL);
  g_autoptr (SngTensor) repeated =
      sng_tensor_new_view (base, 5, (gint64[]){ 2, 2 }, 2, (gint64[]){ 0, 1 }, 2, NULL);
  g_autoptr (SngTensor) row = sng_tensor_new_view (base, 4, (gint64[]){ 4 }, 1, NULL, 0, NULL);
  g_autoptr (SngTensor) of_view =
      sng_tensor_new_view (turned, 1, (gint64[]){ 2 }, 1, (gint64[]){ 4 }, 1, NULL);
  g_autoptr (GBytes) bytes = sng_tensor_dup_bytes (turned, NULL);
  g_autoptr (SngTensor) copy = sng_tensor_copy (turned, NULL);

  assert_tensor (turned, 0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11);
  assert_tensor (backwards, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  assert_tensor (repeated, 5, 6, 5, 6);
  assert_tensor (row, 4, 5, 6, 7);
  assert_tensor (of_view, 1, 5);
  g_assert_false (sng_tensor_is_contiguous (turned));
  g_assert_true (sng_tensor_is_contiguous (row));
  g_assert_cmpint (((const gint16 *) g_bytes_get_data (bytes, NULL))[1], ==, 4);
  g_assert_true (sng_tensor_equal (copy, turned));
  g_assert_true (sng_tensor_is_contiguous (copy));

  /* The view keeps the base, and both see what is written. */
  g_clear_object (&base);
  g_assert_true (sng_tensor_copy_from (turned, copy, NULL));
  assert_tensor (row, 4, 5, 6, 7);
  ((gint16 *) sng_tensor_get_data (row))[0] = 99;
  g_assert_cmpfloat (sng_tensor_get_value (turned, 1), ==, 99);
}

static void
test_bad_views (void)
{
  g_autoptr (SngTensor) base = new_range (SNG_DTYPE_F32, SHAPE (3, 4));
  g_autoptr (SngTensor) column = sng_tensor_new_view (base, 1, (gint64[]){ 3 }, 1, (gint64[]){ 4 }, 1, NULL);
  static const struct
  {
    gint64 offset;
    gint64 size;
    gint64 stride;
  } bad[] = {
    { 0, 13, 1 },         { 1, 12, 1 },          { -1, 1, 1 },         { 12, 1, 1 },
    { 0, 2, -1 },         { 0, 2, G_MAXINT64 },  { 0, 3, G_MAXINT64 }, { 5, 4, 3 },
    { G_MAXINT64, 2, 1 }, { G_MININT64, 2, -1 }, { 11, 2, 1 },         { 0, 3, G_MININT64 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      GError *error = NULL;

      assert_refused (sng_tensor_new_view (base, bad[i].offset, &bad[i].size, 1, &bad[i].stride, 1, &error),
                      &error, SNG_ERROR_INVALID_ARGUMENT, "outside of its base F32 [3, 4]");
    }

  {
    gint64 strides[] = { 4, 1 };
    GError *error = NULL;

    assert_refused (sng_tensor_new_view (base, 0, (gint64[]){ 12 }, 1, strides, 2, &error), &error,
                    SNG_ERROR_INVALID_ARGUMENT, "2 strides do not fit 1 dimensions");
  }

  /* A view of a view stays between the ends of that view. */
  for (gint64 offset = -1; offset < 10; offset++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (SngTensor) view = sng_tensor_new_view (column, offset, NULL, 0, NULL, 0, &error);

      g_assert_cmpint (view != NULL, ==, offset >= 0 && offset <= 8);
    }
}

static void
test_set_bytes (void)
{
  static const gint32 values[] = { 6, 5, 4, 3, 2, 1 };
  g_autoptr (GBytes) bytes = g_bytes_new_static (values, sizeof values);
  g_autoptr (GBytes) less = g_bytes_new_static (values, sizeof values - 1);
  g_autoptr (SngTensor) tensor = new_range (SNG_DTYPE_I32, SHAPE (2, 3));
  g_autoptr (SngTensor) turned =
      sng_tensor_new_view (tensor, 0, (gint64[]){ 3, 2 }, 2, (gint64[]){ 1, 3 }, 2, NULL);
  GError *error = NULL;

  g_assert_false (sng_tensor_set_bytes (tensor, less, &error));
  assert_refused (NULL, &error, SNG_ERROR_MISMATCH, "I32 [2, 3] takes 24 bytes, not 23");
  assert_tensor (tensor, 0, 1, 2, 3, 4, 5);

  g_assert_true (sng_tensor_set_bytes (tensor, bytes, NULL));
  assert_tensor (tensor, 6, 5, 4, 3, 2, 1);
  g_assert_true (sng_tensor_set_bytes (turned, bytes, NULL));
  assert_tensor (turned, 6, 5, 4, 3, 2, 1);
  assert_tensor (tensor, 6, 4, 2, 5, 3, 1);
}

static void
test_copy_from (void)
{
  g_autoptr (SngTensor) source = new_range (SNG_DTYPE_F16, SHAPE (2, 3));
  g_autoptr (SngTensor) target = sng_tensor_new (SNG_DTYPE_F16, SHAPE (2, 3), NULL, NULL);
  g_autoptr (SngTensor) other_shape = sng_tensor_new (SNG_DTYPE_F16, SHAPE (3, 2), NULL, NULL);
  g_autoptr (SngTensor) other_dtype = sng_tensor_new (SNG_DTYPE_BF16, SHAPE (2, 3), NULL, NULL);
  g_autoptr (SngTensor) back =
      sng_tensor_new_view (source, 5, (gint64[]){ 2, 3 }, 2, (gint64[]){ -3, -1 }, 2, NULL);
  GError *error = NULL;

  g_assert_true (sng_tensor_copy_from (target, source, NULL));
  g_assert_true (sng_tensor_equal (target, source));
  g_assert_true (sng_tensor_copy_from (target, back, NULL));
  assert_tensor (target, 5, 4, 3, 2, 1, 0);
  /* Overlapping: the source is read as a whole first. */
  g_assert_true (sng_tensor_copy_from (source, back, NULL));
  assert_tensor (source, 5, 4, 3, 2, 1, 0);

  g_assert_false (sng_tensor_copy_from (other_shape, source, &error));
  assert_refused (NULL, &error, SNG_ERROR_MISMATCH, "F16 [3, 2] cannot take the elements of F16 [2, 3]");
  g_assert_false (sng_tensor_copy_from (other_dtype, source, &error));
  assert_refused (NULL, &error, SNG_ERROR_MISMATCH, "BF16 [2, 3]");
}

/* Bit by bit: 0 is not -0, and what is not a number equals itself. */
static void
test_equal (void)
{
  const double values[] = { 0, 1, NAN }, other[] = { -0.0, 1, NAN };

  for (guint i = 0; i < G_N_ELEMENTS (floats); i++)
    {
      g_autoptr (SngTensor) a = sng_tensor_new_from_values (floats[i], SHAPE (3), values, 3, NULL);
      g_autoptr (SngTensor) b = sng_tensor_new_from_values (floats[i], SHAPE (3), values, 3, NULL);
      g_autoptr (SngTensor) c = sng_tensor_new_from_values (floats[i], SHAPE (3), other, 3, NULL);
      g_autoptr (SngTensor) d = sng_tensor_new_from_values (floats[i], SHAPE (1, 3), values, 3, NULL);

      g_assert_true (sng_tensor_equal (a, a));
      g_assert_true (sng_tensor_equal (a, b));
      g_assert_false (sng_tensor_equal (a, c));
      g_assert_false (sng_tensor_equal (a, d));
      g_assert_true (sng_tensor_same_layout (a, c));
      g_assert_false (sng_tensor_same_layout (a, d));
    }
}

static void
test_values (void)
{
  static const struct
  {
    SngDtype dtype;
    double lowest;
    double highest;
  } limits[] = {
    { SNG_DTYPE_I64, -0x1p63, 0x1p63 - 1024 }, { SNG_DTYPE_I32, G_MININT32, G_MAXINT32 },
    { SNG_DTYPE_I16, G_MININT16, G_MAXINT16 }, { SNG_DTYPE_I8, G_MININT8, G_MAXINT8 },
    { SNG_DTYPE_U8, 0, G_MAXUINT8 },           { SNG_DTYPE_BOOL, 0, 1 },
    { SNG_DTYPE_U16, 0, G_MAXUINT16 },         { SNG_DTYPE_U32, 0, G_MAXUINT32 },
    { SNG_DTYPE_U64, 0, 0x1p64 - 2048 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (limits); i++)
    {
      const double good[] = { limits[i].lowest, limits[i].highest };
      const double bad[] = { limits[i].lowest - 2048, limits[i].highest + 2048, 0.5, NAN, INFINITY };
      g_autoptr (SngTensor) tensor = sng_tensor_new_from_values (limits[i].dtype, SHAPE (2), good, 2, NULL);

      assert_tensor (tensor, good[0], good[1]);
      g_assert_true (sng_tensor_get_value_int64 (tensor, 0) == (gint64) good[0]);
      if (limits[i].dtype == SNG_DTYPE_U64)
        g_assert_true ((guint64) sng_tensor_get_value_int64 (tensor, 1) == (guint64) good[1]);
      else
        g_assert_true (sng_tensor_get_value_int64 (tensor, 1) == (gint64) good[1]);

      for (guint k = 0; k < G_N_ELEMENTS (bad); k++)
        {
          const double values[] = { 0, bad[k] };
          GError *error = NULL;

          assert_refused (sng_tensor_new_from_values (limits[i].dtype, SHAPE (2), values, 2, &error), &error,
                          SNG_ERROR_INVALID_ARGUMENT, "value 1");
        }
    }

  for (guint i = 0; i < G_N_ELEMENTS (floats); i++)
    {
      const double values[] = { 1.5, -0.0078125, INFINITY, 0 };
      g_autoptr (SngTensor) tensor = sng_tensor_new_from_values (floats[i], SHAPE (4), values, 4, NULL);

      assert_values (tensor, values, 4);
    }
}

/* Of a NaN the sign comes out, and no other bit. */
static void
test_nan_payload (void)
{
  const guint64 bits[] = { G_MAXUINT64, G_MAXUINT64 >> 1 };
  const double expected[] = { copysign (NAN, -1), NAN };
  g_autoptr (GBytes) bytes = g_bytes_new (bits, sizeof bits);
  g_autoptr (SngTensor) tensor = sng_tensor_new_from_bytes (SNG_DTYPE_F64, SHAPE (2), bytes, NULL);
  g_autoptr (SngTensor) complex = sng_tensor_new_from_bytes (SNG_DTYPE_C64, SHAPE (2), bytes, NULL);
  gsize n_values;
  g_autofree double *values = sng_tensor_dup_values (tensor, &n_values);
  const double part = sng_tensor_get_value (complex, 1);

  g_assert_cmpmem (values, n_values * sizeof *values, expected, sizeof expected);
  g_assert_cmpmem (&part, sizeof part, &expected[0], sizeof part);
}

static void
test_f8_values (void)
{
  const double numbers[] = { 1.0625, -0.0078125, 1e6, 0, NAN };
  const double e4m3[] = { 1, -0.0078125, NAN, 0, NAN }, e5m2[] = { 1, -0.0078125, INFINITY, 0, NAN };
  const double bad[] = { 0, -0.0, -1, -INFINITY };
  g_autoptr (SngTensor) first = sng_tensor_new_from_values (SNG_DTYPE_F8_E4M3, SHAPE (5), numbers, 5, NULL);
  g_autoptr (SngTensor) second = sng_tensor_new_from_values (SNG_DTYPE_F8_E5M2, SHAPE (5), numbers, 5, NULL);
  g_autoptr (SngTensor) third = sng_tensor_new_from_values (SNG_DTYPE_F8_E8M0, SHAPE (1), numbers, 1, NULL);

  assert_values (first, e4m3, 5);
  assert_values (second, e5m2, 5);
  assert_values (third, e4m3, 1);

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      const double values[] = { 2, bad[i] };
      GError *error = NULL;

      assert_refused (sng_tensor_new_from_values (SNG_DTYPE_F8_E8M0, SHAPE (2), values, 2, &error), &error,
                      SNG_ERROR_INVALID_ARGUMENT, "does not fit into F8_E8M0");
    }
}

/* The two parts are values one after the other, in a view as well. */
static void
test_complex_values (void)
{
  const double values[] = { 1, 2, 3, 4, -5, NAN, 7, -INFINITY },
               turned[] = { 1, 2, -5, NAN, 3, 4, 7, -INFINITY };
  const gint64 shape[] = { 2, 2 }, strides[] = { 1, 2 };
  g_autoptr (SngTensor) tensor = sng_tensor_new_from_values (SNG_DTYPE_C64, SHAPE (2, 2), values, 8, NULL);
  g_autoptr (SngTensor) view = sng_tensor_new_view (tensor, 0, shape, 2, strides, 2, NULL);
  GError *error = NULL;

  g_assert_cmpint (sng_tensor_get_n_elements (tensor), ==, 4);
  g_assert_cmpuint (sng_tensor_get_n_bytes (tensor), ==, 32);
  assert_values (tensor, values, 8);
  assert_values (view, turned, 8);
  assert_refused (sng_tensor_new_from_values (SNG_DTYPE_C64, SHAPE (2, 2), values, 4, &error), &error,
                  SNG_ERROR_MISMATCH, "C64 [2, 2] takes 8 values, not 4");
}

static void
test_number_of_values (void)
{
  const double values[] = { 1, 2, 3 };
  GError *error = NULL;

  assert_refused (sng_tensor_new_from_values (SNG_DTYPE_F32, SHAPE (2, 2), values, 3, &error), &error,
                  SNG_ERROR_MISMATCH, "F32 [2, 2] takes 4 values, not 3");
}

/* 2^53 + 1 is no F64. */
static void
test_exact_int64 (void)
{
  static const gint64 value = (G_GINT64_CONSTANT (1) << 53) + 1;
  g_autoptr (GBytes) bytes = g_bytes_new_static (&value, sizeof value);
  g_autoptr (SngTensor) tensor = sng_tensor_new_from_bytes (SNG_DTYPE_I64, NULL, 0, bytes, NULL);

  g_assert_true (sng_tensor_get_value_int64 (tensor, 0) == value);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/tensor/new", test_new);
  g_test_add_func ("/sng/tensor/scalar-and-empty", test_scalar_and_empty);
  g_test_add_func ("/sng/tensor/bad-shapes", test_bad_shapes);
  g_test_add_func ("/sng/tensor/from-bytes", test_from_bytes);
  g_test_add_func ("/sng/tensor/from-unaligned-bytes", test_from_unaligned_bytes);
  g_test_add_func ("/sng/tensor/views", test_views);
  g_test_add_func ("/sng/tensor/bad-views", test_bad_views);
  g_test_add_func ("/sng/tensor/set-bytes", test_set_bytes);
  g_test_add_func ("/sng/tensor/copy-from", test_copy_from);
  g_test_add_func ("/sng/tensor/equal", test_equal);
  g_test_add_func ("/sng/tensor/values", test_values);
  g_test_add_func ("/sng/tensor/nan-payload", test_nan_payload);
  g_test_add_func ("/sng/tensor/f8-values", test_f8_values);
  g_test_add_func ("/sng/tensor/complex-values", test_complex_values);
  g_test_add_func ("/sng/tensor/number-of-values", test_number_of_values);
  g_test_add_func ("/sng/tensor/exact-int64", test_exact_int64);

  return g_test_run ();
}
