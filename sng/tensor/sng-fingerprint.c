/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tensor/sng-fingerprint-private.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "sng-error.h"

/**
 * SngFingerprint:
 *
 * 128 bits that stand for a tensor: for its dtype, its shape and every bit of
 * its elements at their places.
 *
 * Two tensors of the same fingerprint are taken for equal. It is no digest
 * against forgery: whoever wants to can construct two tensors that have the
 * same one.
 *
 * The fingerprint is the same on every device, for any number of threads and
 * however the elements lie in memory. Its definition is part of the
 * documentation.
 *
 * It is immutable, so it may be read from several threads.
 *
 * Since: 1.0
 */

/* clang-format off */
G_DEFINE_BOXED_TYPE (SngFingerprint, sng_fingerprint, sng_fingerprint_copy, sng_fingerprint_free)
/* clang-format on */

#define N_DIGITS 32

/**
 * sng_fingerprint_new_from_string:
 * @string: 32 hexadecimal digits
 * @error: return location for an error
 *
 * Reads what [method@Fingerprint.to_string] wrote. The digits `a` to `f` may be
 * of either case.
 *
 * Fails with %SNG_ERROR_INVALID_DATA when @string is anything else.
 *
 * Returns: (transfer full): a new fingerprint
 *
 * Since: 1.0
 */
SngFingerprint *
sng_fingerprint_new_from_string (const char *string, GError **error)
{
  SngFingerprint *self;
  guint64 halves[2] = { 0, 0 };

  g_return_val_if_fail (string != NULL, NULL);

  if (strspn (string, "0123456789abcdefABCDEF") != N_DIGITS || string[N_DIGITS] != '\0')
    {
      g_autofree char *shown = g_strescape (string, NULL);

      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA,
                   "[fingerprint][parse] \"%s\" is not %d hexadecimal digits", shown, N_DIGITS);
      return NULL;
    }

  for (guint i = 0; i < N_DIGITS; i++)
    halves[i / 16] = halves[i / 16] << 4 | (guint64) g_ascii_xdigit_value (string[i]);

  self = g_new (SngFingerprint, 1);
  self->high = halves[0];
  self->low = halves[1];
  return self;
}

/**
 * sng_fingerprint_copy:
 * @self: a fingerprint
 *
 * Copies a fingerprint.
 *
 * Returns: (transfer full): a new fingerprint that equals @self
 *
 * Since: 1.0
 */
SngFingerprint *
sng_fingerprint_copy (const SngFingerprint *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return g_memdup2 (self, sizeof *self);
}

/**
 * sng_fingerprint_free:
 * @self: (transfer full): a fingerprint
 *
 * Frees a fingerprint.
 *
 * Since: 1.0
 */
void
sng_fingerprint_free (SngFingerprint *self)
{
  g_free (self);
}

/**
 * sng_fingerprint_equal:
 * @a: a fingerprint
 * @b: another
 *
 * Compares all 128 bits.
 *
 * Returns: whether the two are equal
 *
 * Since: 1.0
 */
gboolean
sng_fingerprint_equal (const SngFingerprint *a, const SngFingerprint *b)
{
  g_return_val_if_fail (a != NULL && b != NULL, FALSE);

  return a->low == b->low && a->high == b->high;
}

/**
 * sng_fingerprint_to_string:
 * @self: a fingerprint
 *
 * Writes a fingerprint as 32 lower-case hexadecimal digits, the most
 * significant one first.
 *
 * Returns: (transfer full): the digits
 *
 * Since: 1.0
 */
char *
sng_fingerprint_to_string (const SngFingerprint *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return g_strdup_printf ("%016" G_GINT64_MODIFIER "x%016" G_GINT64_MODIFIER "x", self->high, self->low);
}

/* Hashes the header of the definition: the sum of the blocks, the dtype and the shape. The length in bytes
 * follows from the last two. Where the name of the dtype takes a second word, that is larger than any number of
 * dimensions, so no two headers are the same. */
void
sng_fingerprint_finish (SngFingerprint *fingerprint,
                        guint64 low,
                        guint64 high,
                        SngDtype dtype,
                        const gint64 *shape,
                        guint n_dims)
{
  guint64 header[2 + 2 + 1 + SNG_TENSOR_MAX_DIMS] = { low, high };
  const char *name = sng_dtype_get_name (dtype);
  gsize n = strlen (name), n_words = 2;
  XXH128_hash_t hash;

  g_assert (n_dims <= SNG_TENSOR_MAX_DIMS && n <= 2 * sizeof *header);

  memcpy (header + n_words, name, n);
  n_words += (n + sizeof *header - 1) / sizeof *header;
  header[n_words++] = n_dims;
  for (guint i = 0; i < n_dims; i++)
    header[n_words++] = (guint64) shape[i];

  hash = XXH3_128bits (header, n_words * sizeof *header);
  fingerprint->low = hash.low64;
  fingerprint->high = hash.high64;
}
