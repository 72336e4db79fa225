/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "state/sng-checkpoint-private.h"

#include "sng-error.h"
#include "state/sng-shard-private.h"
#include "state/sng-state-dict-private.h"

/* How the parts that ranks have written become one checkpoint. What is not a shard is the same in every rank that has it, and
 * the shards of a tensor make it up without a hole and without an overlap; one that several ranks have is the same in each. */

typedef struct
{
  SngCheckpoint **parts;
  guint n_parts;
  const char *path;
} Merger;

/* What the ranks have under one name, from the first one that has it. */
typedef struct
{
  const char *state;
  const char *name;
  guint first_rank;
} Place;

static gboolean G_GNUC_PRINTF (4, 5)
    refuse (GError **error, const Merger *merger, const Place *place, const char *format, ...)
{
  g_autofree char *what = NULL;
  va_list arguments;

  va_start (arguments, format);
  what = g_strdup_vprintf (format, arguments);
  va_end (arguments);

  g_set_error (error, SNG_ERROR, SNG_ERROR_CORRUPT, "[checkpoint][load] %s: state '%s': '%s': %s",
               merger->path, place->state, place->name, what);

  return FALSE;
}

static const SngStateEntry *
lookup (const Merger *merger, const Place *place, guint rank)
{
  SngStateDict *state = sng_checkpoint_lookup_state (merger->parts[rank], place->state);

  return state != NULL ? sng_state_dict_lookup_entry (state, place->name) : NULL;
}

/* Whether another rank's entry is the same, to the last bit, as one that is no shard. */
static gboolean
is_same (const SngStateEntry *a, const SngStateEntry *b)
{
  if (a->tensor == NULL || b->tensor == NULL)
    return a->tensor == b->tensor && g_variant_equal (a->value, b->value);

  return b->shard == NULL && sng_tensor_equal (a->tensor, b->tensor);
}

static gboolean
merge_whole (const Merger *merger, const Place *place, SngStateDict *state, GError **error)
{
  const SngStateEntry *first = lookup (merger, place, place->first_rank);

  for (guint rank = place->first_rank + 1; rank < merger->n_parts; rank++)
    {
      const SngStateEntry *entry = lookup (merger, place, rank);

      if (entry != NULL && !is_same (first, entry))
        return refuse (error, merger, place, "rank %u has another one than rank %u", rank, place->first_rank);
    }

  if (first->tensor != NULL)
    sng_state_dict_set_tensor (state, place->name, first->tensor);
  else
    sng_state_dict_set_value (state, place->name, first->value);

  return TRUE;
}

/* Whether a piece can stand beside another one; a copy of it need not be counted. */
static gboolean
check_pair (const Merger *merger,
            const Place *place,
            const SngStateEntry *a,
            const SngStateEntry *b,
            gboolean *is_copy,
            GError **error)
{
  g_autofree char *first = sng_shard_describe (a->shard);
  g_autofree char *second = sng_shard_describe (b->shard);

  if (!sng_shard_same_whole (a->shard, b->shard)
      || sng_tensor_get_dtype (a->tensor) != sng_tensor_get_dtype (b->tensor))
    return refuse (error, merger, place, "%s and %s are not of one tensor", first, second);

  *is_copy = sng_shard_equal (a->shard, b->shard);
  if (*is_copy && !sng_tensor_equal (a->tensor, b->tensor))
    return refuse (error, merger, place, "two ranks have the part %s, and not the same", first);
  if (!*is_copy && sng_shard_overlaps (a->shard, b->shard))
    return refuse (error, merger, place, "%s and %s overlap", first, second);

  return TRUE;
}

/* All different pieces of a tensor. */
static GPtrArray *
gather_pieces (const Merger *merger, const Place *place, GError **error)
{
  g_autoptr (GPtrArray) pieces = g_ptr_array_new ();

  for (guint rank = place->first_rank; rank < merger->n_parts; rank++)
    {
      const SngStateEntry *entry = lookup (merger, place, rank);
      gboolean is_copy = entry == NULL;

      if (entry != NULL && entry->shard == NULL)
        {
          refuse (error, merger, place, "rank %u has a part of it, rank %u has no part", place->first_rank,
                  rank);
          return NULL;
        }
      for (guint i = 0; !is_copy && i < pieces->len; i++)
        if (!check_pair (merger, place, pieces->pdata[i], entry, &is_copy, error))
          return NULL;
      if (!is_copy)
        g_ptr_array_add (pieces, (gpointer) entry);
    }

  return g_steal_pointer (&pieces);
}

/* As they do not overlap they are the whole where they have as many elements. So nothing is allocated that the files have not. */
static gboolean
check_whole (const Merger *merger, const Place *place, GPtrArray *pieces, GError **error)
{
  const SngStateEntry *first = pieces->pdata[0];
  gint64 n_elements = 0, n_wanted = 1;
  gboolean overflows = FALSE;
  guint n_dims;
  const gint64 *shape = sng_shard_get_global_shape (first->shard, &n_dims);

  for (guint i = 0; i < pieces->len; i++)
    n_elements += sng_tensor_get_n_elements (((const SngStateEntry *) pieces->pdata[i])->tensor);
  for (guint i = 0; i < n_dims; i++)
    overflows |= __builtin_mul_overflow (n_wanted, shape[i], &n_wanted);

  if (overflows || n_elements != n_wanted)
    {
      g_autofree char *text = sng_shard_describe (first->shard);

      return refuse (error, merger, place,
                     "the ranks have %" G_GINT64_FORMAT " elements of it together, beginning with %s",
                     n_elements, text);
    }

  return TRUE;
}

static gboolean
merge_shards (const Merger *merger, const Place *place, SngStateDict *state, GError **error)
{
  g_autoptr (GPtrArray) pieces = gather_pieces (merger, place, error);
  g_autoptr (SngTensor) whole = NULL;
  const SngStateEntry *first;
  const gint64 *shape;
  guint n_dims;

  if (pieces == NULL || !check_whole (merger, place, pieces, error))
    return FALSE;

  first = pieces->pdata[0];
  shape = sng_shard_get_global_shape (first->shard, &n_dims);
  whole = sng_tensor_new (sng_tensor_get_dtype (first->tensor), shape, n_dims, NULL, error);
  for (guint i = 0; whole != NULL && i < pieces->len; i++)
    {
      const SngStateEntry *piece = pieces->pdata[i];
      /* All pieces are of one shape, and that is the whole's. */
      g_autoptr (SngTensor) view = sng_shard_slice (piece->shard, whole, NULL);

      if (!sng_tensor_copy_from (view, piece->tensor, error))
        g_clear_object (&whole);
    }
  if (whole == NULL)
    {
      g_prefix_error (error, "[checkpoint][load] %s: state '%s': '%s': ", merger->path, place->state,
                      place->name);
      return FALSE;
    }
  sng_state_dict_set_tensor (state, place->name, whole);

  return TRUE;
}

/* What one rank has of a state and no rank before it. */
static gboolean
merge_state (const Merger *merger, SngCheckpoint *checkpoint, const char *name, guint rank, GError **error)
{
  SngStateDict *part = sng_checkpoint_lookup_state (merger->parts[rank], name);
  SngStateDict *state = sng_checkpoint_lookup_state (checkpoint, name);
  const SngStateEntry *entry;

  if (state == NULL)
    {
      g_autoptr (SngStateDict) made = sng_state_dict_new ();

      sng_checkpoint_set_state (checkpoint, name, made);
      state = sng_checkpoint_lookup_state (checkpoint, name);
    }

  for (guint i = 0; (entry = sng_state_dict_get_entry (part, i)) != NULL; i++)
    {
      const Place place = { name, entry->name, rank };

      if (sng_state_dict_contains (state, entry->name))
        continue;
      if (!(entry->shard != NULL ? merge_shards (merger, &place, state, error)
                                 : merge_whole (merger, &place, state, error)))
        return FALSE;
    }

  return TRUE;
}

SngCheckpoint *
sng_checkpoint_merge (SngCheckpoint **parts, guint n_parts, const char *path, GError **error)
{
  const Merger merger = { parts, n_parts, path };
  g_autoptr (SngCheckpoint) checkpoint = sng_checkpoint_new (sng_checkpoint_get_step (parts[0]));

  sng_checkpoint_set_metadata (checkpoint, sng_checkpoint_get_metadata (parts[0]));
  for (guint rank = 0; rank < n_parts; rank++)
    {
      g_auto (GStrv) names = sng_checkpoint_dup_names (parts[rank]);

      for (guint i = 0; names[i] != NULL; i++)
        if (!merge_state (&merger, checkpoint, names[i], rank, error))
          return NULL;
    }

  return g_steal_pointer (&checkpoint);
}
