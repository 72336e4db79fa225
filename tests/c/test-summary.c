/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <math.h>
#include <string.h>
#include <sng.h>

#define N_DTYPES (SNG_DTYPE_C64 + 1)

/* The summary against the plainest computation, for lengths around the ends of blocks and lanes. */
static void
check_summary (SngDtype dtype, gint64 n, gboolean special)
{
  g_autoptr (SngTensor) tensor = sng_tensor_new (dtype, &n, 1, NULL, NULL);
  g_autoptr (SngFingerprint) fingerprint = NULL;
  g_autoptr (SngFingerprint) alone = NULL;
  double minimum, maximum, mean, low = INFINITY, high = -INFINITY, sum = 0, magnitude = 0;
  guint64 n_non_finite, n_special = 0;
  gsize size = sng_dtype_get_size (dtype);
  guint8 *data = sng_tensor_get_data (tensor);
  /* Bits that make a number of moderate size in each format. */
  guint64 sign = G_GUINT64_CONSTANT (1) << (size * 8 - 1);
  guint64 mask = dtype == SNG_DTYPE_BOOL         ? 1
                 : sng_dtype_is_floating (dtype) ? ~(sign >> 1)
                                                 : ~G_GUINT64_CONSTANT (0);

  for (gint64 i = 0; i < n; i++)
    {
      guint64 bits = ((guint64) (guint32) g_test_rand_int () << 32 | (guint32) g_test_rand_int ()) & mask;

      if (special && sng_dtype_is_floating (dtype) && g_test_rand_int_range (0, 50) == 0)
        bits |= (sign - 1) & ~(sign >> 3);
      if (special && sng_dtype_is_floating (dtype) && g_test_rand_int_range (0, 50) == 0)
        bits = ~G_GUINT64_CONSTANT (0);
      memcpy (data + i * size, &bits, size);
    }

  if (sng_dtype_is_complex (dtype))
    n *= 2; /* from here on these are values */
  for (gint64 i = 0; i < n; i++)
    {
      double value = sng_tensor_get_value (tensor, i);

      if (!isfinite (value))
        {
          n_special++;
          continue;
        }
      low = fmin (low, value);
      high = fmax (high, value);
      sum += value;
      magnitude += fabs (value);
    }

  fingerprint = sng_tensor_summarize (tensor, &minimum, &maximum, &mean, &n_non_finite);
  alone = sng_tensor_compute_fingerprint (tensor);
  g_assert_true (sng_fingerprint_equal (fingerprint, alone));
  g_assert_cmpuint (n_non_finite, ==, n_special);
  g_assert_cmpint (sng_tensor_is_finite (tensor), ==, n_special == 0);
  if (n_special == (guint64) n)
    {
      g_assert_true (isnan (minimum) && isnan (maximum) && isnan (mean));
      return;
    }
  g_assert_cmpfloat (minimum, ==, low);
  g_assert_cmpfloat (maximum, ==, high);
  g_assert_cmpfloat (fabs (mean * (double) (n - n_special) - sum), <=, 1e-12 * magnitude);
}

static void
test_values (void)
{
  static const gint64 sizes[] = { 0, 1, 7, 15, 16, 17, 511, 512, 513, 1024, 1025, 2049, 4097, 70000 };

  for (SngDtype dtype = 0; dtype < N_DTYPES; dtype++)
    for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
      {
        check_summary (dtype, sizes[i], FALSE);
        check_summary (dtype, sizes[i], TRUE);
      }
}

/* Each code of the 8-bit formats, alone among ones: all ways through a block agree on what it is. */
static void
test_f8_codes (void)
{
  static const struct
  {
    SngDtype dtype;
    guint8 one;
    guint n_non_finite;
    double minimum;
    double maximum;
  } formats[] = {
    { SNG_DTYPE_F8_E4M3, 0x38, 2, -448, 448 },         { SNG_DTYPE_F8_E5M2, 0x3c, 8, -57344, 57344 },
    { SNG_DTYPE_F8_E8M0, 0x7f, 1, 0x1p-127, 0x1p127 }, { SNG_DTYPE_F8_E4M3FNUZ, 0x40, 1, -240, 240 },
    { SNG_DTYPE_F8_E5M2FNUZ, 0x40, 1, -57344, 57344 },
  };
  gint64 n = 64;

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      g_autoptr (SngTensor) tensor = sng_tensor_new (formats[i].dtype, &n, 1, NULL, NULL);
      guint8 *data = sng_tensor_get_data (tensor);
      double lowest = INFINITY, highest = -INFINITY;
      guint n_special = 0;

      for (guint code = 0; code < 256; code++)
        {
          g_autoptr (SngFingerprint) fingerprint = NULL;
          double minimum, maximum, mean, value;
          guint64 n_non_finite;

          memset (data, formats[i].one, (gsize) n);
          data[code % (guint) n] = (guint8) code;
          fingerprint = sng_tensor_summarize (tensor, &minimum, &maximum, &mean, &n_non_finite);
          value = sng_tensor_get_value (tensor, code % n);
          g_assert_cmpfloat (sng_tensor_get_value (tensor, (code + 1) % n), ==, 1);
          g_assert_cmpuint (n_non_finite, ==, !isfinite (value));
          n_special += n_non_finite > 0;
          if (n_non_finite > 0)
            continue;

          g_assert_cmpfloat (minimum, ==, MIN (value, 1));
          g_assert_cmpfloat (maximum, ==, MAX (value, 1));
          g_assert_cmpfloat (fabs (mean - (value + 63) / 64), <=, 1e-15 * fabs (value) + 1e-15);
          lowest = MIN (lowest, value);
          highest = MAX (highest, value);
        }
      g_assert_cmpuint (n_special, ==, formats[i].n_non_finite);
      g_assert_cmpfloat (lowest, ==, formats[i].minimum);
      g_assert_cmpfloat (highest, ==, formats[i].maximum);
    }
}

/* Each part counts for itself. */
static void
test_complex (void)
{
  const double values[] = { 1, -2, NAN, 4, INFINITY, -INFINITY, 3, 0.5 };
  gint64 shape = 4;
  g_autoptr (SngTensor) tensor = sng_tensor_new_from_values (SNG_DTYPE_C64, &shape, 1, values, 8, NULL);
  g_autoptr (SngFingerprint) fingerprint = NULL;
  double minimum, maximum, mean;
  guint64 n_non_finite;

  fingerprint = sng_tensor_summarize (tensor, &minimum, &maximum, &mean, &n_non_finite);
  g_assert_cmpfloat (minimum, ==, -2);
  g_assert_cmpfloat (maximum, ==, 4);
  g_assert_cmpfloat (mean, ==, 1.3);
  g_assert_cmpuint (n_non_finite, ==, 3);
  g_assert_false (sng_tensor_is_finite (tensor));
}

static void
test_nothing_finite (void)
{
  static const SngDtype floats[] = { SNG_DTYPE_F64, SNG_DTYPE_F32, SNG_DTYPE_BF16, SNG_DTYPE_F16 };
  const double values[] = { NAN, INFINITY, -INFINITY };
  const double zeros[] = { -0.0, -0.0, -0.0 };
  gint64 shape = 3;

  for (guint i = 0; i < G_N_ELEMENTS (floats); i++)
    {
      g_autoptr (SngTensor) nothing = sng_tensor_new_from_values (floats[i], &shape, 1, values, 3, NULL);
      g_autoptr (SngTensor) zero = sng_tensor_new_from_values (floats[i], &shape, 1, zeros, 3, NULL);
      g_autoptr (SngFingerprint) of_nothing = NULL;
      g_autoptr (SngFingerprint) of_zero = NULL;
      double minimum, maximum, mean;
      guint64 n_non_finite;

      of_nothing = sng_tensor_summarize (nothing, &minimum, &maximum, &mean, &n_non_finite);
      g_assert_true (isnan (minimum) && isnan (maximum) && isnan (mean));
      g_assert_cmpuint (n_non_finite, ==, 3);

      of_zero = sng_tensor_summarize (zero, &minimum, &maximum, &mean, &n_non_finite);
      g_assert_true (minimum == 0 && maximum == 0 && mean == 0);
      g_assert_false (signbit (minimum) || signbit (maximum) || signbit (mean));
      g_assert_cmpuint (n_non_finite, ==, 0);
    }
}

/* The sums of a large tensor do not depend on the number of threads. */
static void
test_threads (void)
{
  gint64 n = 300001;
  double means[3];

  for (guint n_threads = 1; n_threads <= 3; n_threads++)
    {
      g_autoptr (SngDevice) device = sng_device_new_cpu (n_threads);
      g_autoptr (SngTensor) tensor = sng_tensor_new (SNG_DTYPE_F32, &n, 1, device, NULL);
      g_autoptr (SngFingerprint) fingerprint = NULL;
      float *data = sng_tensor_get_data (tensor);

      for (gint64 i = 0; i < n; i++)
        data[i] = sinf (i) * expf (i % 80 - 40);
      fingerprint = sng_tensor_summarize (tensor, NULL, NULL, &means[n_threads - 1], NULL);
    }

  g_assert_cmpmem (&means[0], sizeof (double), &means[1], sizeof (double));
  g_assert_cmpmem (&means[0], sizeof (double), &means[2], sizeof (double));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/summary/values", test_values);
  g_test_add_func ("/sng/summary/f8-codes", test_f8_codes);
  g_test_add_func ("/sng/summary/complex", test_complex);
  g_test_add_func ("/sng/summary/nothing-finite", test_nothing_finite);
  g_test_add_func ("/sng/summary/threads", test_threads);

  return g_test_run ();
}
