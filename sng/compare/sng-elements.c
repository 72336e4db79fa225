/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "compare/sng-elements-private.h"

#include <math.h>
#include <string.h>

#include "record/sng-number-private.h"
#include "tensor/sng-half-private.h"

/* Equal stretches are passed over this many bytes at a time; a multiple of every element's size. */
#define STRETCH 65536

gboolean
sng_elements_init (SngElements *self, SngTensor *tensor, GError **error)
{
  memset (self, 0, sizeof *self);

  if (sng_tensor_is_contiguous (tensor)
      && strcmp (sng_device_get_name (sng_tensor_get_device (tensor)), "cpu") == 0)
    {
      self->tensor = g_object_ref (tensor);
    }
  else
    {
      g_autoptr (GBytes) bytes = sng_tensor_dup_bytes (tensor, error);
      const gint64 *shape;
      guint n_dims;

      if (bytes == NULL)
        return FALSE;

      shape = sng_tensor_get_shape (tensor, &n_dims);
      self->tensor = sng_tensor_new_from_bytes (sng_tensor_get_dtype (tensor), shape, n_dims, bytes, error);
      if (self->tensor == NULL)
        return FALSE;
    }

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

static double
to_double (SngDtype dtype, guint64 bits)
{
  switch (dtype)
    {
    case SNG_DTYPE_F64:
      return sng_number_from_bits (bits);
    case SNG_DTYPE_F32:
      return sng_float_from_bits ((guint32) bits);
    case SNG_DTYPE_BF16:
      return sng_bf16_to_float ((guint16) bits);
    case SNG_DTYPE_F16:
      return sng_f16_to_float ((guint16) bits);
    case SNG_DTYPE_I64:
    case SNG_DTYPE_I32:
    case SNG_DTYPE_I16:
    case SNG_DTYPE_I8:
    case SNG_DTYPE_U8:
    case SNG_DTYPE_BOOL:
    default:
      return NAN;
    }
}

static gint64
to_int64 (SngDtype dtype, guint64 bits)
{
  guint shift = 64 - 8 * (guint) sng_dtype_get_size (dtype);

  if (dtype == SNG_DTYPE_U8 || dtype == SNG_DTYPE_BOOL)
    return (gint64) bits;

  return (gint64) (bits << shift) >> shift;
}

/* Puts the bit patterns of a floating-point format in the order of the numbers that they stand for, -0 before 0, so that
 * neighbours are 1 apart (Bruce Dawson, Comparing floating point numbers, 2012 edition). */
static guint64
order_bits (guint64 bits, guint n_bits)
{
  guint64 sign = G_GUINT64_CONSTANT (1) << (n_bits - 1);
  guint64 mask = sign | (sign - 1);

  return (bits & sign) != 0 ? ~bits & mask : bits | sign;
}

guint64
sng_element_distance (SngDtype dtype, guint64 a, guint64 b)
{
  guint n_bits = 8 * (guint) sng_dtype_get_size (dtype);

  if (a == b)
    return 0;

  if (sng_dtype_is_floating (dtype))
    {
      if (isnan (to_double (dtype, a)) || isnan (to_double (dtype, b)))
        return SNG_ELEMENT_UNORDERED;

      a = order_bits (a, n_bits);
      b = order_bits (b, n_bits);

      return a > b ? a - b : b - a;
    }

  {
    gint64 first = to_int64 (dtype, a), second = to_int64 (dtype, b);

    return first > second ? (guint64) first - (guint64) second : (guint64) second - (guint64) first;
  }
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
  return g_strdup_printf ("0x%0*" G_GINT64_MODIFIER "x", 2 * (int) sng_dtype_get_size (dtype), bits);
}

char *
sng_elements_print (const SngElements *self, gint64 position)
{
  guint64 bits = sng_elements_get_bits (self, position);
  g_autofree char *pattern = NULL;
  char text[SNG_NUMBER_BUFFER_SIZE];

  if (!sng_dtype_is_floating (self->dtype))
    return g_strdup_printf ("%" G_GINT64_FORMAT, to_int64 (self->dtype, bits));

  pattern = sng_element_print_bits (self->dtype, bits);

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

  if (sng_dtype_is_floating (expected->dtype))
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
