/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "train/sng-sample-split-private.h"

#include "sng-error.h"
#include "train/sng-sampler.h"

/* The held-out items are the first ones of the order that a sampler of this seed gives to all items. */
static gboolean
mark_held_out (gboolean *held_out, gsize n_items, gsize n_validation, guint64 seed, GError **error)
{
  g_autoptr (SngSampler) sampler = sng_sampler_new (n_items, seed, TRUE);

  for (gsize i = 0; i < n_validation; i++)
    {
      g_autoptr (SngTensor) item = sng_sampler_next (sampler, 1, error);

      if (item == NULL)
        return FALSE;

      held_out[sng_tensor_get_value_int64 (item, 0)] = TRUE;
    }

  return TRUE;
}

SngSampleSplit *
sng_sample_split_new (gsize n_items, gint64 n_validation, guint64 seed, const char *things, GError **error)
{
  g_autoptr (SngSampleSplit) self = NULL;
  g_autofree gboolean *held_out = NULL;

  if (n_validation < 0)
    n_validation = (gint64) MAX (n_items / 10, 1);

  if (n_items == 0 || (guint64) n_validation >= n_items)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA,
                   "%" G_GSIZE_FORMAT " %s, of which %" G_GINT64_FORMAT
                   " are to be held out for validation: there is nothing left to train on",
                   n_items, things, n_validation);
      return NULL;
    }

  held_out = g_new0 (gboolean, n_items);

  if (!mark_held_out (held_out, n_items, (gsize) n_validation, seed, error))
    return NULL;

  self = g_new0 (SngSampleSplit, 1);
  self->items[SNG_STAGE_TRAIN] = g_array_new (FALSE, FALSE, sizeof (gsize));
  self->items[SNG_STAGE_VALIDATE] = g_array_new (FALSE, FALSE, sizeof (gsize));

  for (gsize i = 0; i < n_items; i++)
    g_array_append_val (self->items[held_out[i] ? SNG_STAGE_VALIDATE : SNG_STAGE_TRAIN], i);

  return g_steal_pointer (&self);
}

void
sng_sample_split_free (SngSampleSplit *self)
{
  if (self == NULL)
    return;

  g_clear_pointer (&self->items[SNG_STAGE_TRAIN], g_array_unref);
  g_clear_pointer (&self->items[SNG_STAGE_VALIDATE], g_array_unref);
  g_free (self);
}

GArray *
sng_sample_split_look_up (SngSampleSplit *self, SngStage stage, SngTensor *sample_ids, GError **error)
{
  gint64 n_samples = sng_tensor_get_n_elements (sample_ids);
  g_autoptr (GArray) items = NULL;

  if (sng_tensor_get_dtype (sample_ids) != SNG_DTYPE_I64 || sng_tensor_get_n_dims (sample_ids) != 1
      || n_samples == 0)
    {
      g_autofree char *description = sng_tensor_describe (sample_ids);

      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "sample_ids are %s, expected is a vector of i64 that is not empty", description);
      return NULL;
    }

  items = g_array_sized_new (FALSE, FALSE, sizeof (gsize), (guint) n_samples);

  for (gint64 i = 0; i < n_samples; i++)
    {
      gint64 sample = sng_tensor_get_value_int64 (sample_ids, i);

      if (sample < 0 || sample >= (gint64) self->items[stage]->len)
        {
          g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                       "sample %" G_GINT64_FORMAT " of stage \"%s\", which has %u samples", sample,
                       sng_stage_to_string (stage), self->items[stage]->len);
          return NULL;
        }

      g_array_append_val (items, g_array_index (self->items[stage], gsize, sample));
    }

  return g_steal_pointer (&items);
}
