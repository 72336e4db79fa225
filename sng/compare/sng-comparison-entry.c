/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Two entries of one key. */

#include "compare/sng-comparison-private.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "compare/sng-elements-private.h"
#include "record/sng-capture-private.h"
#include "record/sng-metadata-private.h"
#include "record/sng-number-private.h"
#include "sng-error.h"

static char *
describe_values (SngMetadata *expected, SngMetadata *actual)
{
  GVariant *a = expected->value, *b = actual->value;

  if (!g_variant_type_equal (g_variant_get_type (a), g_variant_get_type (b)))
    return g_strdup_printf ("values of the types \"%s\" and \"%s\"", g_variant_get_type_string (a),
                            g_variant_get_type_string (b));

  if (g_variant_is_of_type (a, G_VARIANT_TYPE_DOUBLE))
    {
      double first = g_variant_get_double (a), second = g_variant_get_double (b);
      guint64 distance =
          sng_element_distance (SNG_DTYPE_F64, sng_number_get_bits (first), sng_number_get_bits (second));
      g_autofree char *apart = sng_element_print_distance (SNG_DTYPE_F64, distance);
      char text[SNG_NUMBER_BUFFER_SIZE];

      if (distance == SNG_ELEMENT_UNORDERED)
        return g_steal_pointer (&apart);

      return g_strdup_printf ("%s, difference %s", apart, sng_number_print (text, second - first));
    }

  if (g_variant_is_of_type (a, G_VARIANT_TYPE_INT64))
    return sng_element_print_distance (SNG_DTYPE_I64,
                                       sng_element_distance (SNG_DTYPE_I64, (guint64) g_variant_get_int64 (a),
                                                             (guint64) g_variant_get_int64 (b)));

  return g_strdup ("");
}

static void
append_numbers (GString *detail, const char *name, double a, double b)
{
  char first[SNG_NUMBER_BUFFER_SIZE], second[SNG_NUMBER_BUFFER_SIZE];

  if (sng_number_get_bits (a) == sng_number_get_bits (b))
    return;

  g_string_append_printf (detail, "%s%s %s and %s", detail->len > 0 ? ", " : "", name,
                          sng_number_print (first, a), sng_number_print (second, b));
}

static gboolean
same_layout (SngMetadata *a, SngMetadata *b)
{
  return a->dtype == b->dtype && a->n_dims == b->n_dims
         && memcmp (a->shape, b->shape, a->n_dims * sizeof *a->shape) == 0;
}

static char *
describe_tensors (SngMetadata *expected, SngMetadata *actual)
{
  g_autoptr (GString) detail = g_string_new (NULL);

  if (expected->dtype != actual->dtype)
    return g_strdup_printf ("dtypes %s and %s", sng_dtype_get_name (expected->dtype),
                            sng_dtype_get_name (actual->dtype));

  if (!same_layout (expected, actual))
    return g_strdup ("different shapes");

  append_numbers (detail, "minimum", expected->minimum, actual->minimum);
  append_numbers (detail, "maximum", expected->maximum, actual->maximum);
  append_numbers (detail, "mean", expected->mean, actual->mean);
  if (expected->n_non_finite != actual->n_non_finite)
    g_string_append_printf (detail, "%s%" G_GUINT64_FORMAT " and %" G_GUINT64_FORMAT " non-finite elements",
                            detail->len > 0 ? ", " : "", expected->n_non_finite, actual->n_non_finite);
  if (detail->len == 0)
    g_string_append (detail, "minimum, maximum and mean are the same");

  return g_strdup (detail->str);
}

static gboolean
are_captured (SngMetadata *a, SngMetadata *b)
{
  return a->capture != NULL && b->capture != NULL;
}

SngTensor *
sng_comparison_load_capture (const char *directory, SngMetadata *entry, GError **error)
{
  g_autofree char *path = g_build_filename (directory, entry->capture, NULL);
  g_autoptr (SngStateDict) contents = sng_capture_load (directory, entry, error);
  SngTensor *tensor;
  const gint64 *shape;
  guint n_dims;

  if (contents == NULL)
    return NULL;

  tensor = sng_state_dict_lookup_tensor (contents, SNG_METADATA_CAPTURED_TENSOR);
  shape = tensor != NULL ? sng_tensor_get_shape (tensor, &n_dims) : NULL;
  if (tensor == NULL || sng_tensor_get_dtype (tensor) != entry->dtype || n_dims != entry->n_dims
      || memcmp (shape, entry->shape, n_dims * sizeof *shape) != 0)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_CORRUPT,
                   "[compare][capture] %s: the file does not hold the tensor %s %s that was recorded", path,
                   entry->metric, entry->path);
      return NULL;
    }

  return g_object_ref (tensor);
}

/* Both captured tensors, element by element. */
static gboolean
scan_captures (const SngTolerance *tolerance,
               const char *expected_directory,
               SngMetadata *expected,
               const char *actual_directory,
               SngMetadata *actual,
               SngElementScan *scan,
               char **detail,
               GError **error)
{
  g_autoptr (SngTensor) first = sng_comparison_load_capture (expected_directory, expected, error);
  g_autoptr (SngTensor) second =
      first != NULL ? sng_comparison_load_capture (actual_directory, actual, error) : NULL;
  g_auto (SngElements) a = { NULL };
  g_auto (SngElements) b = { NULL };
  g_autofree char *place = NULL;
  g_autofree char *expected_text = NULL;
  g_autofree char *actual_text = NULL;
  g_autofree char *apart = NULL;
  char largest[SNG_NUMBER_BUFFER_SIZE];

  if (second == NULL || !sng_elements_init (&a, first, error) || !sng_elements_init (&b, second, error))
    return FALSE;

  sng_elements_scan (&a, &b, tolerance, scan);
  if (scan->n_different == 0)
    return TRUE;

  place = sng_tensor_print_position (first, scan->first);
  expected_text = sng_elements_print (&a, scan->first);
  actual_text = sng_elements_print (&b, scan->first);
  apart = sng_element_print_distance (a.dtype,
                                      sng_element_distance (a.dtype, sng_elements_get_bits (&a, scan->first),
                                                            sng_elements_get_bits (&b, scan->first)));
  *detail = g_strdup_printf ("%" G_GUINT64_FORMAT " of %" G_GINT64_FORMAT
                             " elements %s, first %s: %s and %s, %s; difference at most %s",
                             scan->n_different, a.n_elements,
                             tolerance != NULL ? "are beyond the tolerance" : "differ", place, expected_text,
                             actual_text, apart, sng_number_print (largest, scan->max_difference));

  return TRUE;
}

gboolean
sng_comparison_judge (const SngTolerance *tolerance,
                      const char *expected_directory,
                      SngMetadata *expected,
                      const char *actual_directory,
                      SngMetadata *actual,
                      gboolean *equal,
                      char **detail,
                      GError **error)
{
  gboolean tensors = expected->value == NULL;

  *detail = NULL;
  *equal = sng_metadata_equal (expected, actual);
  if (*equal)
    return TRUE;

  if (tensors != (actual->value == NULL))
    {
      *detail = g_strdup ("one is a tensor, the other a value");
      return TRUE;
    }

  if (tolerance != NULL && !tensors && g_variant_is_of_type (expected->value, G_VARIANT_TYPE_DOUBLE)
      && g_variant_is_of_type (actual->value, G_VARIANT_TYPE_DOUBLE))
    *equal = sng_tolerance_accepts (tolerance, g_variant_get_double (expected->value),
                                    g_variant_get_double (actual->value));

  if (tensors && same_layout (expected, actual) && are_captured (expected, actual))
    {
      const SngTolerance *applied = sng_dtype_is_floating (expected->dtype) ? tolerance : NULL;
      SngElementScan scan;

      if (!scan_captures (applied, expected_directory, expected, actual_directory, actual, &scan, detail,
                          error))
        return FALSE;
      *equal = applied != NULL && scan.n_different == 0;
    }
  else if (tolerance != NULL && tensors && sng_dtype_is_floating (expected->dtype)
           && same_layout (expected, actual))
    *detail = g_strdup ("the tensors were not captured, so the tolerance cannot be applied");

  if (!*equal && *detail == NULL)
    *detail = tensors ? describe_tensors (expected, actual) : describe_values (expected, actual);

  return TRUE;
}

gboolean
sng_comparison_measure (const char *expected_directory,
                        SngMetadata *expected,
                        const char *actual_directory,
                        SngMetadata *actual,
                        double *difference,
                        char **detail,
                        GError **error)
{
  gboolean equal;
  SngElementScan scan;

  *difference = INFINITY;
  *detail = NULL;

  if (sng_metadata_equal (expected, actual))
    {
      *difference = 0.0;
      return TRUE;
    }

  if (expected->value != NULL && actual->value != NULL
      && g_variant_is_of_type (expected->value, G_VARIANT_TYPE_DOUBLE)
      && g_variant_is_of_type (actual->value, G_VARIANT_TYPE_DOUBLE))
    *difference = fabs (g_variant_get_double (actual->value) - g_variant_get_double (expected->value));

  if (expected->value == NULL && actual->value == NULL && sng_dtype_is_floating (expected->dtype)
      && same_layout (expected, actual))
    {
      if (!are_captured (expected, actual))
        {
          *detail = g_strdup ("the tensors were not captured, so the noise cannot be measured");
          return TRUE;
        }

      if (!scan_captures (NULL, expected_directory, expected, actual_directory, actual, &scan, detail, error))
        return FALSE;
      *difference = scan.n_unordered == 0 ? scan.max_difference : INFINITY;
    }

  if (isfinite (*difference))
    {
      /* zeros of different signs are not the same, and yet apart by nothing */
      *difference = fmax (*difference, DBL_TRUE_MIN);
      g_clear_pointer (detail, g_free);
      return TRUE;
    }

  return *detail != NULL
         || sng_comparison_judge (NULL, expected_directory, expected, actual_directory, actual, &equal,
                                  detail, error);
}
