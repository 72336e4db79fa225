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
 * @SNG_DTYPE_U16: unsigned, 16 bits
 * @SNG_DTYPE_U32: unsigned, 32 bits
 * @SNG_DTYPE_U64: unsigned, 64 bits
 * @SNG_DTYPE_F8_E4M3: 8 bits with 4 of exponent and 3 of significand, without
 *   infinities: E4M3 of the OCP's OFP8, PyTorch's `float8_e4m3fn`
 * @SNG_DTYPE_F8_E5M2: 8 bits with 5 of exponent and 2 of significand: E5M2 of
 *   the OCP's OFP8
 * @SNG_DTYPE_F8_E8M0: a power of two from 2^-127 to 2^127 in 8 bits, or not a
 *   number: the scale of the OCP's MX formats
 * @SNG_DTYPE_F8_E4M3FNUZ: as E4M3, with one value that is not a number, no
 *   negative zero, and exponents lower by one
 * @SNG_DTYPE_F8_E5M2FNUZ: as E5M2, without infinities, with one value that is
 *   not a number, no negative zero, and exponents lower by one
 * @SNG_DTYPE_C64: a complex number of two IEEE 754 binary32, the real part first
 *
 * What the elements of a [class@Tensor] are: all that the safetensors format has
 * and that fill whole bytes.
 *
 * Tensors of every dtype can be loaded, saved, recorded and compared. The
 * reference engine trains in some of the floating point ones only.
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
  [SNG_DTYPE_U16] = { "U16", 2, FALSE },
  [SNG_DTYPE_U32] = { "U32", 4, FALSE },
  [SNG_DTYPE_U64] = { "U64", 8, FALSE },
  [SNG_DTYPE_F8_E4M3] = { "F8_E4M3", 1, TRUE },
  [SNG_DTYPE_F8_E5M2] = { "F8_E5M2", 1, TRUE },
  [SNG_DTYPE_F8_E8M0] = { "F8_E8M0", 1, TRUE },
  [SNG_DTYPE_F8_E4M3FNUZ] = { "F8_E4M3FNUZ", 1, TRUE },
  [SNG_DTYPE_F8_E5M2FNUZ] = { "F8_E5M2FNUZ", 1, TRUE },
  [SNG_DTYPE_C64] = { "C64", 8, TRUE },
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
 * or not a number, or are made of them, as complex ones are.
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

/**
 * sng_dtype_is_complex:
 * @dtype: a dtype
 *
 * Whether an element of @dtype is two numbers, a real and an imaginary part.
 *
 * Returns: whether @dtype is a complex type
 *
 * Since: 1.0
 */
gboolean
sng_dtype_is_complex (SngDtype dtype)
{
  g_return_val_if_fail ((guint) dtype < G_N_ELEMENTS (dtypes), FALSE);

  return dtype == SNG_DTYPE_C64;
}
