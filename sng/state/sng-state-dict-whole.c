/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "state/sng-state-dict-private.h"

#include <string.h>
#include <xxhash.h>

#include "sng-error.h"
#include "state/sng-shard-private.h"
#include "state/sng-state-names-private.h"
#include "tensor/sng-fingerprint-private.h"

/* What is done with a dictionary as a whole. */

/**
 * sng_state_dict_copy:
 * @self: a dictionary
 * @error: return location for an error
 *
 * Copies a dictionary and every tensor in it.
 *
 * The copy shares no memory with what @self was made of, so it stays what it
 * is whatever happens to that.
 *
 * Fails where a tensor cannot be copied, for want of memory.
 *
 * Returns: (transfer full): the copy, in the same order
 *
 * Since: 1.0
 */
SngStateDict *
sng_state_dict_copy (SngStateDict *self, GError **error)
{
  g_autoptr (SngStateDict) copy = NULL;
  const SngStateEntry *entry;

  g_return_val_if_fail (SNG_IS_STATE_DICT (self), NULL);

  copy = sng_state_dict_new ();
  for (guint i = 0; (entry = sng_state_dict_get_entry (self, i)) != NULL; i++)
    {
      if (entry->tensor != NULL)
        {
          g_autoptr (SngTensor) tensor = sng_tensor_copy (entry->tensor, error);

          if (tensor == NULL)
            {
              g_prefix_error (error, "[state][copy] '%s': ", entry->name);
              return NULL;
            }
          if (entry->shard != NULL)
            sng_state_dict_set_shard (copy, entry->name, tensor, entry->shard, NULL);
          else
            sng_state_dict_set_tensor (copy, entry->name, tensor);
        }
      else
        {
          sng_state_dict_set_value (copy, entry->name, entry->value);
        }
    }

  return g_steal_pointer (&copy);
}

static gboolean
entry_fits (const SngStateEntry *entry, const SngStateEntry *expected)
{
  const gint64 *shape, *global_shape;
  guint n_dims, n_global;

  if (entry->tensor == NULL || expected->tensor == NULL)
    return entry->tensor == expected->tensor
           && g_variant_is_of_type (entry->value, g_variant_get_type (expected->value));

  if (expected->shard == NULL || entry->shard != NULL)
    return sng_tensor_same_layout (entry->tensor, expected->tensor)
           && (entry->shard == expected->shard
               || (expected->shard != NULL && sng_shard_equal (entry->shard, expected->shard)));

  shape = sng_tensor_get_shape (entry->tensor, &n_dims);
  global_shape = sng_shard_get_global_shape (expected->shard, &n_global);

  return sng_tensor_get_dtype (entry->tensor) == sng_tensor_get_dtype (expected->tensor) && n_dims == n_global
         && memcmp (shape, global_shape, n_dims * sizeof *shape) == 0;
}

/**
 * sng_state_dict_check_layout:
 * @self: a dictionary, say one that was loaded
 * @expected: the dictionary whose layout @self must have
 * @error: return location for an error
 *
 * Checks that two dictionaries hold the same things, whatever their contents.
 *
 * They must have the same names, in any order, and under each the same kind: a
 * tensor of the same dtype and shape, or a value of the same type. Where a shard is expected, the whole
 * tensor that it is a part of fits too. This is what
 * most [vfunc@Sng.Stateful.check_state] need.
 *
 * Fails with %SNG_ERROR_MISMATCH; the message has the names that are missing
 * and those that nobody expected, or the first entry that differs with both its
 * sides.
 *
 * Returns: %TRUE where the layouts are the same
 *
 * Since: 1.0
 */
gboolean
sng_state_dict_check_layout (SngStateDict *self, SngStateDict *expected, GError **error)
{
  g_auto (GStrv) names = NULL;
  g_auto (GStrv) expected_names = NULL;
  const SngStateEntry *wanted;

  g_return_val_if_fail (SNG_IS_STATE_DICT (self), FALSE);
  g_return_val_if_fail (SNG_IS_STATE_DICT (expected), FALSE);

  names = sng_state_dict_dup_names (self);
  expected_names = sng_state_dict_dup_names (expected);
  if (!sng_state_names_check_equal (names, expected_names, "[state][layout]", error))
    return FALSE;

  for (guint i = 0; (wanted = sng_state_dict_get_entry (expected, i)) != NULL; i++)
    {
      const SngStateEntry *entry = sng_state_dict_lookup_entry (self, wanted->name);

      if (!entry_fits (entry, wanted))
        {
          g_autofree char *is = sng_state_entry_describe (entry);
          g_autofree char *should_be = sng_state_entry_describe (wanted);

          g_set_error (error, SNG_ERROR, SNG_ERROR_MISMATCH, "[state][layout] '%s' is %s, expected is %s",
                       wanted->name, is, should_be);
          return FALSE;
        }
    }

  return TRUE;
}

static int
compare_entries (gconstpointer a, gconstpointer b)
{
  return strcmp ((*(const SngStateEntry *const *) a)->name, (*(const SngStateEntry *const *) b)->name);
}

static void
hash_bytes (XXH3_state_t *hash, gconstpointer data, gsize n_bytes)
{
  guint64 length = GUINT64_TO_LE (n_bytes);

  XXH3_128bits_update (hash, &length, sizeof length);
  if (n_bytes > 0)
    XXH3_128bits_update (hash, data, n_bytes);
}

/* Takes the next of the tensors' fingerprints. */
static void
hash_entry (XXH3_state_t *hash, const SngStateEntry *entry, const SngFingerprint **fingerprints)
{
  hash_bytes (hash, entry->name, strlen (entry->name));

  if (entry->tensor != NULL)
    {
      const SngFingerprint *fingerprint = (*fingerprints)++;
      g_autofree char *place = entry->shard != NULL ? sng_shard_describe (entry->shard) : NULL;
      guint64 words[2] = { GUINT64_TO_LE (fingerprint->low), GUINT64_TO_LE (fingerprint->high) };

      /* What no type of a value looks like. */
      hash_bytes (hash, place != NULL ? place : "", place != NULL ? strlen (place) : 0);
      hash_bytes (hash, words, sizeof words);
    }
  else
    {
      g_autoptr (GBytes) bytes = sng_state_value_to_bytes (entry->value);
      const char *type = g_variant_get_type_string (entry->value);
      gsize n_bytes;
      gconstpointer data = g_bytes_get_data (bytes, &n_bytes);

      hash_bytes (hash, type, strlen (type));
      hash_bytes (hash, data, n_bytes);
    }
}

/* Of entries, those that are tensors; they stay the entries' own. */
static GPtrArray *
list_tensors (GPtrArray *entries)
{
  GPtrArray *tensors = g_ptr_array_new ();

  for (guint i = 0; i < entries->len; i++)
    if (((const SngStateEntry *) entries->pdata[i])->tensor != NULL)
      g_ptr_array_add (tensors, ((const SngStateEntry *) entries->pdata[i])->tensor);
  return tensors;
}

static GPtrArray *
list_entries (SngStateDict *self)
{
  GPtrArray *entries = g_ptr_array_new ();
  const SngStateEntry *entry;

  for (guint i = 0; (entry = sng_state_dict_get_entry (self, i)) != NULL; i++)
    g_ptr_array_add (entries, (gpointer) entry);
  return entries;
}

gboolean
sng_state_dict_fingerprint_tensors (SngStateDict *self,
                                    SngFingerprint **fingerprints,
                                    SngTensorSummary **summaries,
                                    GError **error)
{
  g_autoptr (GPtrArray) entries = list_entries (self);
  g_autoptr (GPtrArray) tensors = list_tensors (entries);

  *fingerprints = g_new (SngFingerprint, tensors->len);
  if (summaries != NULL)
    *summaries = g_new (SngTensorSummary, tensors->len);

  return sng_tensors_fingerprint (tensors->len, (SngTensor *const *) tensors->pdata, *fingerprints,
                                  summaries != NULL ? *summaries : NULL, error);
}

/**
 * sng_state_dict_compute_fingerprint:
 * @self: a dictionary
 *
 * Computes one fingerprint over everything in a dictionary.
 *
 * It covers each entry's name, its kind, and its tensor's fingerprint
 * with its place where it is a shard, or its value with the type, in the order of the names: the order of insertion
 * does not matter, every bit of the contents does. Taken by XXH3-128 over the
 * length-prefixed parts.
 *
 * A failure of a device shows as with [method@Tensor.compute_fingerprint].
 *
 * Returns: (transfer full): the fingerprint
 *
 * Since: 1.0
 */
SngFingerprint *
sng_state_dict_compute_fingerprint (SngStateDict *self)
{
  g_autoptr (GPtrArray) sorted = NULL;
  g_autoptr (GPtrArray) tensors = NULL;
  g_autofree SngFingerprint *fingerprints = NULL;
  const SngFingerprint *next;
  SngFingerprint fingerprint;
  XXH3_state_t *hash;
  XXH128_hash_t digest;

  g_return_val_if_fail (SNG_IS_STATE_DICT (self), NULL);

  sorted = list_entries (self);
  g_ptr_array_sort (sorted, compare_entries);

  /* A device that has failed says so to the next caller who can be told. */
  tensors = list_tensors (sorted);
  fingerprints = g_new0 (SngFingerprint, tensors->len);
  sng_tensors_fingerprint (tensors->len, (SngTensor *const *) tensors->pdata, fingerprints, NULL, NULL);
  next = fingerprints;

  hash = XXH3_createState ();
  XXH3_128bits_reset (hash);
  for (guint i = 0; i < sorted->len; i++)
    hash_entry (hash, sorted->pdata[i], &next);
  digest = XXH3_128bits_digest (hash);
  XXH3_freeState (hash);

  fingerprint.low = digest.low64;
  fingerprint.high = digest.high64;

  return sng_fingerprint_copy (&fingerprint);
}
