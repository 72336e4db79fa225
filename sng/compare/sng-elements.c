/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "compare/sng-elements-private.h"

#include <math.h>
#include <string.h>

#include "record/sng-number-private.h"
#include "tensor/sng-f8-private.h"
#include "tensor/sng-tensor-host-private.h"

/* A complex element is two numbers: the lower half of its bits is the real part, the upper half the imaginary one. */
#define PART SNG_DTYPE_F32
#define REAL(bits) ((bits) &G_MAXUINT32)
#define IMAGINARY(bits) ((bits) >> 32)

/* Equal stretches are passed over this many bytes at a time; a multiple of every element's size. */
#define STRETCH 65536

gboolean
sng_elements_init (SngElements *self, SngTensor *tensor, GError **error)
{
  memset (self, 0, sizeof *self);

  self->tensor = sng_tensor_ref_host (tensor, error);
  if (self->tensor == NULL)
    return FALSE;

  self->dtype = sng_tensor_get_dtype (tensor);
  self->element_size = sng_dtype_get_size (self->dtype);
  self->n_elements = sng_tensor_get_n_elements (tensor);
  self->data = sng_tensor_get_data (self->tensor);

  return TRUE;
}

void
sng_elements_clear (SngElements *self)
{
  g_clear_object (&self->tensor);
  self->data = NULL;
}

guint64
sng_elements_get_bits (const SngElements *self, gint64 position)
{
  const char *element = self->data + (gsize) position * self->element_size;
  guint64 bits = 0;

  memcpy (&bits, element, self->element_size);

  return bits;
}

/* A number of a floating point dtype that is not complex. */
static double
to_double (SngDtype dtype, guint64 bits)
{
  switch ((guint) dtype)
    {
    case SNG_DTYPE_F64:
      return sng_number_from_bits (bits);
    case SNG_DTYPE_F32:
      return sng_float_from_bits ((guint32) bits);
    case SNG_DTYPE_BF16:
      return sng_bf16_to_float ((guint16) bits);
    case SNG_DTYPE_F16:
      return sng_f16_to_float ((guint16) bits);
    default:
      return sng_f8_to_float (dtype, (guint8) bits);
    }
}

static gboolean
is_signed_integer (SngDtype dtype)
{
  return dtype == SNG_DTYPE_I64 || dtype == SNG_DTYPE_I32 || dtype == SNG_DTYPE_I16 || dtype == SNG_DTYPE_I8;
}

static gint64
to_int64 (SngDtype dtype, guint64 bits)
{
  guint shift = 64 - 8 * (guint) sng_dtype_get_size (dtype);

  return (gint64) (bits << shift) >> shift;
}

/* Puts the bit patterns of a floating-point format in the order of the numbers that they stand for, -0 before 0, so that
 * neighbours are 1 apart (Bruce Dawson, Comparing floating point numbers, 2012 edition). */
static guint64
order_bits (SngDtype dtype, guint64 bits)
{
  guint64 sign = G_GUINT64_CONSTANT (1) << (8 * sng_dtype_get_size (dtype) - 1);
  guint64 mask = sign | (sign - 1);

  if (dtype == SNG_DTYPE_F8_E8M0) /* has no sign */
    return bits;
  if ((bits & sign) == 0)
    return bits | sign;

  /* Where there is no -0, what is below 0 moves up to it. */
  return (~bits & mask) + (dtype == SNG_DTYPE_F8_E4M3FNUZ || dtype == SNG_DTYPE_F8_E5M2FNUZ);
}

guint64
sng_element_distance (SngDtype dtype, guint64 a, guint64 b)
{
  if (a == b)
    return 0;

  if (sng_dtype_is_complex (dtype))
    return MAX (sng_element_distance (PART, REAL (a), REAL (b)),
                sng_element_distance (PART, IMAGINARY (a), IMAGINARY (b)));

  if (sng_dtype_is_floating (dtype))
    {
      if (isnan (to_double (dtype, a)) || isnan (to_double (dtype, b)))
        return SNG_ELEMENT_UNORDERED;

      a = order_bits (dtype, a);
      b = order_bits (dtype, b);

      return a > b ? a - b : b - a;
    }

  if (is_signed_integer (dtype))
    {
      gint64 first = to_int64 (dtype, a), second = to_int64 (dtype, b);

      return first > second ? (guint64) first - (guint64) second : (guint64) second - (guint64) first;
    }

  return a > b ? a - b : b - a;
}

char *
sng_element_print_distance (SngDtype dtype, guint64 distance)
{
  if (!sng_dtype_is_floating (dtype))
    return g_strdup_printf ("differ by %" G_GUINT64_FORMAT, distance);

  if (distance == SNG_ELEMENT_UNORDERED)
    return g_strdup ("one is not a number");

  return g_strdup_printf ("%" G_GUINT64_FORMAT " ULP apart", distance);
}

char *
sng_element_print_bits (SngDtype dtype, guint64 bits)
{
  if (sng_dtype_is_complex (dtype))
    return g_strdup_printf ("0x%08x, 0x%08x", (guint) REAL (bits), (guint) IMAGINARY (bits));

  return g_strdup_printf ("0x%0*" G_GINT64_MODIFIER "x", 2 * (int) sng_dtype_get_size (dtype), bits);
}

char *
sng_elements_print (const SngElements *self, gint64 position)
{
  guint64 bits = sng_elements_get_bits (self, position);
  g_autofree char *pattern = NULL;
  char text[SNG_NUMBER_BUFFER_SIZE], second[SNG_NUMBER_BUFFER_SIZE];

  if (is_signed_integer (self->dtype))
    return g_strdup_printf ("%" G_GINT64_FORMAT, to_int64 (self->dtype, bits));
  if (!sng_dtype_is_floating (self->dtype))
    return g_strdup_printf ("%" G_GUINT64_FORMAT, bits);

  pattern = sng_element_print_bits (self->dtype, bits);

  if (sng_dtype_is_complex (self->dtype))
    return g_strdup_printf ("(%s, %s) (%s)", sng_number_print (text, to_double (PART, REAL (bits))),
                            sng_number_print (second, to_double (PART, IMAGINARY (bits))), pattern);

  return g_strdup_printf ("%s (%s)", sng_number_print (text, to_double (self->dtype, bits)), pattern);
}

char *
sng_tensor_print_position (SngTensor *tensor, gint64 position)
{
  g_autoptr (GString) string = g_string_new ("]");
  const gint64 *shape;
  guint n_dims;

  shape = sng_tensor_get_shape (tensor, &n_dims);
  for (guint i = n_dims; i > 0; i--)
    {
      g_autofree char *index =
          g_strdup_printf ("%s%" G_GINT64_FORMAT, i > 1 ? ", " : "", position % shape[i - 1]);

      g_string_prepend (string, index);
      position /= shape[i - 1];
    }
  g_string_prepend_c (string, '[');

  return g_strdup (string->str);
}

void
sng_element_scan_count_distance (SngElementScan *scan, SngDtype dtype, guint64 distance)
{
  guint decade = 0;

  scan->max_distance = MAX (scan->max_distance, distance);
  if (sng_dtype_is_floating (dtype) && distance == SNG_ELEMENT_UNORDERED)
    {
      scan->n_unordered++;
      return;
    }

  for (; distance >= 10; distance /= 10)
    decade++;
  scan->decades[decade]++;
}

static double
subtract_parts (guint64 a, guint64 b)
{
  return a == b ? 0 : to_double (PART, a) - to_double (PART, b);
}

/* Complex numbers are as far apart as they are in their plane, and that is what a tolerance is for; where a part is not
 * finite, it is for each part. */
static gboolean
accepts_complex (const SngTolerance *tolerance, guint64 a, guint64 b, double *difference)
{
  double re = to_double (PART, REAL (a)), im = to_double (PART, IMAGINARY (a));
  double re_apart = subtract_parts (REAL (a), REAL (b)),
         im_apart = subtract_parts (IMAGINARY (a), IMAGINARY (b));

  /* hypot () forgets what is not a number beside an infinity. */
  *difference = isnan (re_apart) || isnan (im_apart) ? NAN : hypot (re_apart, im_apart);

  if (tolerance == NULL || sng_tolerance_is_exact (tolerance))
    return FALSE;
  if (isfinite (*difference) && isfinite (re) && isfinite (im))
    return *difference
           <= sng_tolerance_get_atol (tolerance) + sng_tolerance_get_rtol (tolerance) * hypot (re, im);

  return sng_tolerance_accepts (tolerance, re, to_double (PART, REAL (b)))
         && sng_tolerance_accepts (tolerance, im, to_double (PART, IMAGINARY (b)));
}

static void
compare_element (const SngElements *expected,
                 const SngElements *actual,
                 gint64 position,
                 const SngTolerance *tolerance,
                 SngElementScan *scan)
{
  guint64 a = sng_elements_get_bits (expected, position);
  guint64 b = sng_elements_get_bits (actual, position);
  guint64 distance;
  double difference;

  if (a == b)
    return;

  distance = sng_element_distance (expected->dtype, a, b);

  if (sng_dtype_is_complex (expected->dtype))
    {
      if (accepts_complex (tolerance, a, b, &difference))
        return;
    }
  else if (sng_dtype_is_floating (expected->dtype))
    {
      double first = to_double (expected->dtype, a), second = to_double (expected->dtype, b);

      if (tolerance != NULL && sng_tolerance_accepts (tolerance, first, second))
        return;
      difference = fabs (first - second);
    }
  else
    {
      difference = (double) distance;
    }

  if (scan->n_different == 0)
    scan->first = position;
  scan->n_different++;
  sng_element_scan_count_distance (scan, expected->dtype, distance);
  if (difference > scan->max_difference)
    scan->max_difference = difference;
}

void
sng_elements_scan (const SngElements *expected,
                   const SngElements *actual,
                   const SngTolerance *tolerance,
                   SngElementScan *scan)
{
  gint64 n_stretch = STRETCH / (gint64) expected->element_size;

  *scan = (SngElementScan){ .first = -1 };

  for (gint64 start = 0; start < expected->n_elements; start += n_stretch)
    {
      gint64 end = MIN (start + n_stretch, expected->n_elements);
      gsize offset = (gsize) start * expected->element_size;
      gsize n_bytes = (gsize) (end - start) * expected->element_size;

      if (memcmp (expected->data + offset, actual->data + offset, n_bytes) == 0)
        continue;

      for (gint64 i = start; i < end; i++)
        compare_element (expected, actual, i, tolerance, scan);
    }
}
