/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "compare/sng-tensor-diff-private.h"

#include "compare/sng-elements-private.h"
#include "record/sng-metadata-private.h"
#include "record/sng-number-private.h"

/**
 * SngDiffKind:
 * @SNG_DIFF_EQUAL: both sides are the same, bit by bit
 * @SNG_DIFF_ELEMENTS: elements, or values, differ
 * @SNG_DIFF_LAYOUT: dtypes, shapes or types of value differ
 * @SNG_DIFF_ONLY_IN_FIRST: the second side has no such entry
 * @SNG_DIFF_ONLY_IN_SECOND: the first side has no such entry
 *
 * In which way two entries of one name differ.
 *
 * Since: 1.0
 */

/**
 * SngTensorDiff:
 *
 * How two tensors, or two values, of one name differ, element by element.
 *
 * Distances of floating-point numbers are in units in the last place: how many numbers of the
 * format lie from the one to the other. Two numbers of different bits are at least 1
 * apart, so 0.0 and -0.0 are.
 *
 * A complex number is shown as `(re, im)`. Its distance is that of the part that is further apart;
 * its difference is the absolute value of that of the two numbers.
 *
 * See [func@Sng.diff_state_dicts].
 *
 * Since: 1.0
 */
struct _SngTensorDiff
{
  GObject parent_instance;

  char *name;
  SngDiffKind kind;
  SngDtype dtype;
  guint64 n_elements;
  SngElementScan scan; /* a value counts as one element */
  gint64 *first_index; /* NULL for values */
  guint n_dims;
  char *first;
  char *second;
  char *first_bits; /* NULL where what differs is no number */
  char *second_bits;
  guint64 first_distance;
};

G_DEFINE_FINAL_TYPE (SngTensorDiff, sng_tensor_diff, G_TYPE_OBJECT)

static void
sng_tensor_diff_finalize (GObject *object)
{
  SngTensorDiff *self = SNG_TENSOR_DIFF (object);

  g_free (self->name);
  g_free (self->first_index);
  g_free (self->first);
  g_free (self->second);
  g_free (self->first_bits);
  g_free (self->second_bits);

  G_OBJECT_CLASS (sng_tensor_diff_parent_class)->finalize (object);
}

static void
sng_tensor_diff_class_init (SngTensorDiffClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sng_tensor_diff_finalize;
}

static void
sng_tensor_diff_init (SngTensorDiff *self)
{
}

/* An entry's value as an entry of a run: equal and described in the same way everywhere. */
static SngMetadata *
wrap_value (GVariant *value)
{
  SngMetadata *entry = sng_metadata_alloc ("", SNG_STAGE_TRAIN, 0, -1, 0, "");

  entry->value = g_variant_ref (value);

  return entry;
}

static char *
describe_side (SngTensor *tensor, GVariant *value)
{
  g_autoptr (SngMetadata) entry = NULL;

  if (tensor != NULL)
    return sng_tensor_describe (tensor);
  if (value == NULL)
    return NULL;

  entry = wrap_value (value);

  return sng_metadata_describe (entry);
}

static void
set_first_pair (SngTensorDiff *self, guint64 first, guint64 second)
{
  self->first_bits = sng_element_print_bits (self->dtype, first);
  self->second_bits = sng_element_print_bits (self->dtype, second);
  self->first_distance = sng_element_distance (self->dtype, first, second);
}

static void
compare_values (SngTensorDiff *self, GVariant *first, GVariant *second)
{
  g_autoptr (SngMetadata) a = wrap_value (first);
  g_autoptr (SngMetadata) b = wrap_value (second);
  guint64 x, y;

  if (!g_variant_type_equal (g_variant_get_type (first), g_variant_get_type (second)))
    {
      self->kind = SNG_DIFF_LAYOUT;
      return;
    }

  if (sng_metadata_equal (a, b))
    return;

  self->kind = SNG_DIFF_ELEMENTS;
  self->scan.n_different = 1;

  if (g_variant_is_of_type (first, G_VARIANT_TYPE_DOUBLE))
    {
      self->dtype = SNG_DTYPE_F64;
      x = sng_number_get_bits (g_variant_get_double (first));
      y = sng_number_get_bits (g_variant_get_double (second));
      self->scan.max_difference = ABS (g_variant_get_double (first) - g_variant_get_double (second));
    }
  else if (g_variant_is_of_type (first, G_VARIANT_TYPE_INT64))
    {
      self->dtype = SNG_DTYPE_I64;
      x = (guint64) g_variant_get_int64 (first);
      y = (guint64) g_variant_get_int64 (second);
      self->scan.max_difference = (double) sng_element_distance (SNG_DTYPE_I64, x, y);
    }
  else
    {
      return;
    }

  set_first_pair (self, x, y);
  sng_element_scan_count_distance (&self->scan, self->dtype, self->first_distance);
}

static gboolean
compare_tensors (SngTensorDiff *self, SngTensor *first, SngTensor *second, GError **error)
{
  g_auto (SngElements) a = { NULL };
  g_auto (SngElements) b = { NULL };
  gint64 position;
  const gint64 *shape;

  self->dtype = sng_tensor_get_dtype (first);
  if (!sng_tensor_same_layout (first, second))
    {
      self->kind = SNG_DIFF_LAYOUT;
      return TRUE;
    }

  if (!sng_elements_init (&a, first, error) || !sng_elements_init (&b, second, error))
    return FALSE;

  sng_elements_scan (&a, &b, NULL, &self->scan);
  if (self->scan.n_different == 0)
    return TRUE;

  position = self->scan.first;
  self->kind = SNG_DIFF_ELEMENTS;
  set_first_pair (self, sng_elements_get_bits (&a, position), sng_elements_get_bits (&b, position));

  g_free (self->first);
  g_free (self->second);
  self->first = sng_elements_print (&a, position);
  self->second = sng_elements_print (&b, position);

  shape = sng_tensor_get_shape (first, &self->n_dims);
  self->first_index = g_new0 (gint64, MAX (self->n_dims, 1));
  for (guint i = self->n_dims; i > 0; i--)
    {
      self->first_index[i - 1] = position % shape[i - 1];
      position /= shape[i - 1];
    }

  return TRUE;
}

SngTensorDiff *
sng_tensor_diff_new (const char *shown_name,
                     SngStateDict *first,
                     SngStateDict *second,
                     const char *name,
                     GError **error)
{
  g_autoptr (SngTensorDiff) self = g_object_new (SNG_TYPE_TENSOR_DIFF, NULL);
  SngTensor *a = sng_state_dict_lookup_tensor (first, name);
  SngTensor *b = sng_state_dict_lookup_tensor (second, name);
  GVariant *x = a == NULL ? sng_state_dict_lookup_value (first, name) : NULL;
  GVariant *y = b == NULL ? sng_state_dict_lookup_value (second, name) : NULL;

  self->name = g_strdup (shown_name);
  self->first = describe_side (a, x);
  self->second = describe_side (b, y);
  if (a != NULL || b != NULL)
    self->n_elements = (guint64) sng_tensor_get_n_elements (a != NULL ? a : b);
  else
    self->n_elements = 1;

  if (self->first == NULL || self->second == NULL)
    {
      self->kind = self->second == NULL ? SNG_DIFF_ONLY_IN_FIRST : SNG_DIFF_ONLY_IN_SECOND;
    }
  else if (a != NULL && b != NULL)
    {
      if (!compare_tensors (self, a, b, error))
        return NULL;
    }
  else if (x != NULL && y != NULL)
    {
      compare_values (self, x, y);
    }
  else
    {
      self->kind = SNG_DIFF_LAYOUT;
    }

  return g_steal_pointer (&self);
}

/**
 * sng_tensor_diff_get_name:
 * @self: a difference
 *
 * Gets the name under which the two sides were looked up.
 *
 * Returns: (transfer none): the name
 *
 * Since: 1.0
 */
const char *
sng_tensor_diff_get_name (SngTensorDiff *self)
{
  g_return_val_if_fail (SNG_IS_TENSOR_DIFF (self), NULL);

  return self->name;
}

/**
 * sng_tensor_diff_get_kind:
 * @self: a difference
 *
 * Gets in which way the two sides differ.
 *
 * Returns: the kind
 *
 * Since: 1.0
 */
SngDiffKind
sng_tensor_diff_get_kind (SngTensorDiff *self)
{
  g_return_val_if_fail (SNG_IS_TENSOR_DIFF (self), SNG_DIFF_EQUAL);

  return self->kind;
}

/**
 * sng_tensor_diff_get_n_elements:
 * @self: a difference
 *
 * Gets how many elements the first side has, or the second where it alone has any.
 *
 * Returns: the number of elements; 1 for a value
 *
 * Since: 1.0
 */
guint64
sng_tensor_diff_get_n_elements (SngTensorDiff *self)
{
  g_return_val_if_fail (SNG_IS_TENSOR_DIFF (self), 0);

  return self->n_elements;
}

/**
 * sng_tensor_diff_get_n_different:
 * @self: a difference
 *
 * Gets how many elements differ in their bits.
 *
 * Returns: the number of elements; 0 unless both sides have the same layout
 *
 * Since: 1.0
 */
guint64
sng_tensor_diff_get_n_different (SngTensorDiff *self)
{
  g_return_val_if_fail (SNG_IS_TENSOR_DIFF (self), 0);

  return self->scan.n_different;
}

/**
 * sng_tensor_diff_get_first:
 * @self: a difference
 *
 * Gets what the first side holds: the first element that differs, or the dtype and the
 * shape where not the elements are what differs.
 *
 * Returns: (transfer none) (nullable): a string for people to read, with
 *   the bits of a number, or %NULL where the first side has no such entry
 *
 * Since: 1.0
 */
const char *
sng_tensor_diff_get_first (SngTensorDiff *self)
{
  g_return_val_if_fail (SNG_IS_TENSOR_DIFF (self), NULL);

  return self->first;
}

/**
 * sng_tensor_diff_get_second:
 * @self: a difference
 *
 * Gets what the second side holds: the first element that differs, or the dtype and the
 * shape where not the elements are what differs.
 *
 * Returns: (transfer none) (nullable): a string for people to read, with
 *   the bits of a number, or %NULL where the second side has no such entry
 *
 * Since: 1.0
 */
const char *
sng_tensor_diff_get_second (SngTensorDiff *self)
{
  g_return_val_if_fail (SNG_IS_TENSOR_DIFF (self), NULL);

  return self->second;
}

/**
 * sng_tensor_diff_get_first_bits:
 * @self: a difference
 *
 * Gets the bits that the first side holds where the two differ first.
 *
 * Returns: (transfer none) (nullable): a hexadecimal number with as many digits as the dtype
 *   has, such as `0x3f800000`, of a complex one two with a comma between them, or %NULL where
 *   no numbers differ
 *
 * Since: 1.0
 */
const char *
sng_tensor_diff_get_first_bits (SngTensorDiff *self)
{
  g_return_val_if_fail (SNG_IS_TENSOR_DIFF (self), NULL);

  return self->first_bits;
}

/**
 * sng_tensor_diff_get_second_bits:
 * @self: a difference
 *
 * Gets the bits that the second side holds where the two differ first.
 *
 * Returns: (transfer none) (nullable): a hexadecimal number with as many digits as the dtype
 *   has, such as `0x3f800001`, of a complex one two with a comma between them, or %NULL where
 *   no numbers differ
 *
 * Since: 1.0
 */
const char *
sng_tensor_diff_get_second_bits (SngTensorDiff *self)
{
  g_return_val_if_fail (SNG_IS_TENSOR_DIFF (self), NULL);

  return self->second_bits;
}

/**
 * sng_tensor_diff_get_histogram:
 * @self: a difference
 * @n_decades: (out): the number of counts
 *
 * Gets how far apart the elements that differ are: how many pairs have a distance of 1 to 9, of 10
 * to 99, of 100 to 999, and so on.
 *
 * Distances are in units in the last place, of integers absolute differences. Pairs with one
 * that is not a number have none; see [method@Sng.TensorDiff.get_n_unordered].
 *
 * Returns: (transfer none) (array length=n_decades): the counts, up to the last one that is
 *   not 0
 *
 * Since: 1.0
 */
const guint64 *
sng_tensor_diff_get_histogram (SngTensorDiff *self, guint *n_decades)
{
  guint n = SNG_ELEMENT_N_DECADES;

  g_return_val_if_fail (SNG_IS_TENSOR_DIFF (self), NULL);
  g_return_val_if_fail (n_decades != NULL, NULL);

  while (n > 0 && self->scan.decades[n - 1] == 0)
    n--;
  *n_decades = n;

  return self->scan.decades;
}

/**
 * sng_tensor_diff_get_n_unordered:
 * @self: a difference
 *
 * Gets how many of the pairs that differ have one that is not a number, so that they
 * have no distance.
 *
 * Returns: the number of pairs
 *
 * Since: 1.0
 */
guint64
sng_tensor_diff_get_n_unordered (SngTensorDiff *self)
{
  g_return_val_if_fail (SNG_IS_TENSOR_DIFF (self), 0);

  return self->scan.n_unordered;
}

/**
 * sng_tensor_diff_get_first_distance:
 * @self: a difference
 *
 * Gets how far apart the first elements that differ are.
 *
 * Returns: the distance in units in the last place, of integers the absolute
 *   difference; %G_MAXUINT64 when one is not a number
 *
 * Since: 1.0
 */
guint64
sng_tensor_diff_get_first_distance (SngTensorDiff *self)
{
  g_return_val_if_fail (SNG_IS_TENSOR_DIFF (self), 0);

  return self->first_distance;
}

/**
 * sng_tensor_diff_get_max_distance:
 * @self: a difference
 *
 * Gets how far apart any two elements are at most.
 *
 * Returns: the distance in units in the last place, of integers the absolute
 *   difference; %G_MAXUINT64 when one of a pair is not a number
 *
 * Since: 1.0
 */
guint64
sng_tensor_diff_get_max_distance (SngTensorDiff *self)
{
  g_return_val_if_fail (SNG_IS_TENSOR_DIFF (self), 0);

  return self->scan.max_distance;
}

/**
 * sng_tensor_diff_get_max_difference:
 * @self: a difference
 *
 * Gets the largest absolute difference of two elements.
 *
 * Returns: the difference; pairs with one that is not a number do not count
 *
 * Since: 1.0
 */
double
sng_tensor_diff_get_max_difference (SngTensorDiff *self)
{
  g_return_val_if_fail (SNG_IS_TENSOR_DIFF (self), 0.0);

  return self->scan.max_difference;
}

/**
 * sng_tensor_diff_get_first_index:
 * @self: a difference
 * @n_dims: (out): the number of dimensions
 *
 * Gets where the first element that differs is, in row-major order.
 *
 * Returns: (transfer none) (nullable) (array length=n_dims): an index for each
 *   dimension, or %NULL where no element of a tensor differs
 *
 * Since: 1.0
 */
const gint64 *
sng_tensor_diff_get_first_index (SngTensorDiff *self, guint *n_dims)
{
  g_return_val_if_fail (SNG_IS_TENSOR_DIFF (self), NULL);
  g_return_val_if_fail (n_dims != NULL, NULL);

  *n_dims = self->n_dims;

  return self->first_index;
}

/* As many as there are at each length of the distance: "; distances 1-9: 3, 10-99: 12, 1e5-1e6: 4, NaN: 1". */
static void
append_histogram (SngTensorDiff *self, GString *string)
{
  static const char *const small[] = { "1-9", "10-99", "100-999" };
  const char *separator = "; distances ";

  for (guint i = 0; i < SNG_ELEMENT_N_DECADES; i++)
    {
      if (self->scan.decades[i] == 0)
        continue;

      if (i < G_N_ELEMENTS (small))
        g_string_append_printf (string, "%s%s", separator, small[i]);
      else
        g_string_append_printf (string, "%s1e%u-1e%u", separator, i, i + 1);
      g_string_append_printf (string, ": %" G_GUINT64_FORMAT, self->scan.decades[i]);
      separator = ", ";
    }

  if (self->scan.n_unordered > 0)
    g_string_append_printf (string, "%sNaN: %" G_GUINT64_FORMAT, separator, self->scan.n_unordered);
}

static void
append_elements (SngTensorDiff *self, GString *string)
{
  g_autofree char *apart = sng_element_print_distance (self->dtype, self->first_distance);

  if (self->first_index == NULL)
    {
      g_string_append_printf (string, "%s and %s", self->first, self->second);
      if (self->first_distance > 0)
        g_string_append_printf (string, ", %s", apart);
      return;
    }

  g_string_append_printf (string, "%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " elements differ, first [",
                          self->scan.n_different, self->n_elements);
  for (guint i = 0; i < self->n_dims; i++)
    g_string_append_printf (string, "%s%" G_GINT64_FORMAT, i > 0 ? ", " : "", self->first_index[i]);
  g_string_append_printf (string, "]: %s and %s, %s", self->first, self->second, apart);

  if (self->scan.n_different > 1)
    {
      g_autofree char *most = sng_element_print_distance (self->dtype, self->scan.max_distance);
      char text[SNG_NUMBER_BUFFER_SIZE];

      g_string_append (string, "; ");
      if (self->scan.n_unordered == 0)
        g_string_append_printf (string, "at most %s, ", most);
      g_string_append_printf (string, "difference %s", sng_number_print (text, self->scan.max_difference));
      append_histogram (self, string);
    }
}

/**
 * sng_tensor_diff_to_string:
 * @self: a difference
 *
 * Describes the difference in one line, without the name.
 *
 * Returns: (transfer full): a string such as `3 of 128 elements differ, first [0, 5]: 1
 *   (0x3f800000) and 1.0000001 (0x3f800001), 1 ULP apart; at most 20 ULP apart,
 *   difference 2.384185791015625e-06; distances 1-9: 2, 10-99: 1`
 *
 * Since: 1.0
 */
char *
sng_tensor_diff_to_string (SngTensorDiff *self)
{
  g_autoptr (GString) string = NULL;

  g_return_val_if_fail (SNG_IS_TENSOR_DIFF (self), NULL);

  string = g_string_new (NULL);
  switch (self->kind)
    {
    case SNG_DIFF_ELEMENTS:
      append_elements (self, string);
      break;
    case SNG_DIFF_LAYOUT:
      g_string_append_printf (string, "%s and %s", self->first, self->second);
      break;
    case SNG_DIFF_ONLY_IN_FIRST:
      g_string_append_printf (string, "only in the first: %s", self->first);
      break;
    case SNG_DIFF_ONLY_IN_SECOND:
      g_string_append_printf (string, "only in the second: %s", self->second);
      break;
    case SNG_DIFF_EQUAL:
    default:
      g_string_append_printf (string, "equal: %s", self->first);
      break;
    }

  return g_strdup (string->str);
}
