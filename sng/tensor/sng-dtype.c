/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tensor/sng-dtype.h"

/**
 * SngDtype:
 * @SNG_DTYPE_F64: IEEE 754 binary64
 * @SNG_DTYPE_F32: IEEE 754 binary32
 * @SNG_DTYPE_BF16: bfloat16, the upper half of a binary32
 * @SNG_DTYPE_F16: IEEE 754 binary16
 * @SNG_DTYPE_I64: signed, 64 bits
 * @SNG_DTYPE_I32: signed, 32 bits
 * @SNG_DTYPE_I16: signed, 16 bits
 * @SNG_DTYPE_I8: signed, 8 bits
 * @SNG_DTYPE_U8: unsigned, 8 bits
 * @SNG_DTYPE_BOOL: a byte, 0 for false and 1 for true
 *
 * What the elements of a [class@Tensor] are.
 *
 * Since: 1.0
 */

/* The names are those of the safetensors format; they are part of the definition of a fingerprint. */
static const struct
{
  const char *name;
  gsize size;
  gboolean floating;
} dtypes[] = {
  /* clang-format off */
  [SNG_DTYPE_F64] = { "F64", 8, TRUE },
  [SNG_DTYPE_F32] = { "F32", 4, TRUE },
  [SNG_DTYPE_BF16] = { "BF16", 2, TRUE },
  [SNG_DTYPE_F16] = { "F16", 2, TRUE },
  [SNG_DTYPE_I64] = { "I64", 8, FALSE },
  [SNG_DTYPE_I32] = { "I32", 4, FALSE },
  [SNG_DTYPE_I16] = { "I16", 2, FALSE },
  [SNG_DTYPE_I8] = { "I8", 1, FALSE },
  [SNG_DTYPE_U8] = { "U8", 1, FALSE },
  [SNG_DTYPE_BOOL] = { "BOOL", 1, FALSE },
  /* clang-format on */
};

/**
 * sng_dtype_get_size:
 * @dtype: a dtype
 *
 * The size of one element.
 *
 * Returns: the size in bytes
 *
 * Since: 1.0
 */
gsize
sng_dtype_get_size (SngDtype dtype)
{
  g_return_val_if_fail ((guint) dtype < G_N_ELEMENTS (dtypes), 0);

  return dtypes[dtype].size;
}

/**
 * sng_dtype_get_name:
 * @dtype: a dtype
 *
 * The name of @dtype in a safetensors file, such as `BF16`.
 *
 * Returns: the name
 *
 * Since: 1.0
 */
const char *
sng_dtype_get_name (SngDtype dtype)
{
  g_return_val_if_fail ((guint) dtype < G_N_ELEMENTS (dtypes), NULL);

  return dtypes[dtype].name;
}

/**
 * sng_dtype_from_name:
 * @name: a name, as [func@Sng.Dtype.get_name] gives it
 * @dtype: (out) (optional): where to put the dtype; left alone when there is
 *   none of that name
 *
 * Looks up a dtype by its name. Upper and lower case differ.
 *
 * Returns: whether there is a dtype of that name
 *
 * Since: 1.0
 */
gboolean
sng_dtype_from_name (const char *name, SngDtype *dtype)
{
  g_return_val_if_fail (name != NULL, FALSE);

  for (guint i = 0; i < G_N_ELEMENTS (dtypes); i++)
    if (g_str_equal (dtypes[i].name, name))
      {
        if (dtype != NULL)
          *dtype = (SngDtype) i;
        return TRUE;
      }

  return FALSE;
}

/**
 * sng_dtype_is_floating:
 * @dtype: a dtype
 *
 * Whether elements of @dtype are floating point numbers, which may be infinite
 * or not a number.
 *
 * Returns: whether @dtype is a floating point type
 *
 * Since: 1.0
 */
gboolean
sng_dtype_is_floating (SngDtype dtype)
{
  g_return_val_if_fail ((guint) dtype < G_N_ELEMENTS (dtypes), FALSE);

  return dtypes[dtype].floating;
}
