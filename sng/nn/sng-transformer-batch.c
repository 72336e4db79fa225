/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "nn/sng-transformer-private.h"

#include "sng-error.h"

/* Checks a batch, and puts what the kernels read of it on the device. */

/* ESM-2 was trained with this share of its input tokens replaced by <mask>; see SngTransformerConfig:token-dropout. */
#define ESM2_MASK_RATIO (0.15 * 0.8)

/* input_ids decides the size of the batch */
static gboolean
read_size (SngTransformer *self, SngTensor *ids, GError **error)
{
  guint n_dims;
  const gint64 *shape = sng_tensor_get_shape (ids, &n_dims);

  if (sng_tensor_get_dtype (ids) != SNG_DTYPE_I64 || n_dims != 2 || shape[0] < 1 || shape[1] < 1)
    {
      g_autofree char *text = sng_tensor_describe (ids);

      g_set_error (error, SNG_ERROR, SNG_ERROR_MISMATCH,
                   "[transformer][forward] \"input_ids\" is %s; it must be I64 [sequences, tokens]", text);
      return FALSE;
    }
  if (shape[0] > self->settings.max_batch_size)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "[transformer][forward] the batch has %" G_GINT64_FORMAT
                   " sequences; max-batch-size is %u",
                   shape[0], self->settings.max_batch_size);
      return FALSE;
    }
  if (shape[1] > self->settings.max_length)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "[transformer][forward] the sequences have %" G_GINT64_FORMAT " tokens; max-length is %u",
                   shape[1], self->settings.max_length);
      return FALSE;
    }
  self->batch.n_sequences = (gsize) shape[0];
  self->batch.n_tokens = (gsize) shape[1];
  return TRUE;
}

/* Copies a tensor of the shape of input_ids and checks its range. */
static gboolean
read_indices (SngTransformer *self,
              SngTensor *tensor,
              const char *name,
              gint64 least, /* beside ignored */
              gint64 end,
              gint64 ignored,
              gint64 *to,
              GError **error)
{
  gsize n_rows = self->batch.n_sequences * self->batch.n_tokens;
  guint n_dims;
  const gint64 *shape = sng_tensor_get_shape (tensor, &n_dims);

  if (sng_tensor_get_dtype (tensor) != SNG_DTYPE_I64 || n_dims != 2
      || shape[0] != (gint64) self->batch.n_sequences || shape[1] != (gint64) self->batch.n_tokens)
    {
      g_autofree char *text = sng_tensor_describe (tensor);

      g_set_error (error, SNG_ERROR, SNG_ERROR_MISMATCH,
                   "[transformer][forward] \"%s\" is %s; \"input_ids\" is I64 [%" G_GSIZE_FORMAT
                   ", %" G_GSIZE_FORMAT "]",
                   name, text, self->batch.n_sequences, self->batch.n_tokens);
      return FALSE;
    }
  for (gsize row = 0; row < n_rows; row++)
    {
      to[row] = sng_tensor_get_value_int64 (tensor, (gint64) row);
      if ((to[row] < least || to[row] >= end) && to[row] != ignored)
        {
          g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                       "[transformer][forward] \"%s\" has %" G_GINT64_FORMAT " at [%" G_GSIZE_FORMAT
                       ", %" G_GSIZE_FORMAT "]; it must be at least %" G_GINT64_FORMAT
                       " and less than %" G_GINT64_FORMAT,
                       name, to[row], row / self->batch.n_tokens, row % self->batch.n_tokens, least, end);
          return FALSE;
        }
    }
  return TRUE;
}

/* How far the keys of each sequence reach, and whether some are hidden before that. */
static gboolean
read_mask (SngTransformer *self, gint64 *mask, gint64 *n_keys, GError **error)
{
  self->batch.has_mask = FALSE;
  for (gsize i = 0; i < self->batch.n_sequences; i++)
    {
      const gint64 *row = mask + i * self->batch.n_tokens;
      gsize n_visible = 0;

      n_keys[i] = 0;
      for (gsize token = 0; token < self->batch.n_tokens; token++)
        if (row[token] != 0)
          {
            n_visible++;
            n_keys[i] = (gint64) token + 1;
          }
      if (n_visible == 0)
        {
          g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                       "[transformer][forward] \"attention_mask\" hides all %" G_GSIZE_FORMAT
                       " tokens of sequence %" G_GSIZE_FORMAT,
                       self->batch.n_tokens, i);
          return FALSE;
        }
      if ((gint64) n_visible != n_keys[i])
        self->batch.has_mask = TRUE;
    }
  return TRUE;
}

static void
set_row_scale (SngTransformer *self, gsize row, double scale)
{
  if (self->settings.dtype == SNG_DTYPE_F32)
    ((float *) self->host_row_scale)[row] = (float) scale;
  else
    ((double *) self->host_row_scale)[row] = scale;
}

/* ESM-2: the factor on each embedding. Padding is 0; with token dropout so is <mask>, and the rest make up for the share of
 * <mask> that differs from that of the training. */
static void
compute_row_scale (SngTransformer *self, const gint64 *ids, const gint64 *mask)
{
  for (gsize i = 0; i < self->batch.n_sequences; i++)
    {
      gsize first = i * self->batch.n_tokens;
      gsize last = first + self->batch.n_tokens;
      double n_masked = 0, n_visible = 0, scale = 1;

      for (gsize row = first; row < last; row++)
        {
          n_masked += ids[row] == SNG_ESM2_MASK;
          n_visible += mask[row] != 0;
        }
      if (self->settings.token_dropout)
        scale = (1 - ESM2_MASK_RATIO) / (1 - n_masked / n_visible);
      for (gsize row = first; row < last; row++)
        {
          gboolean dropped = self->settings.token_dropout && ids[row] == SNG_ESM2_MASK;

          set_row_scale (self, row, dropped || mask[row] == 0 ? 0 : scale);
        }
    }
}

static gboolean
upload (SngTransformer *self, GError **error)
{
  SngDeviceClass *device_class = sng_transformer_device_class (self);
  gsize n_rows = self->batch.n_sequences * self->batch.n_tokens;
  gsize max_rows = sng_transformer_max_rows (self);
  gint64 *to = sng_tensor_get_data (self->indices);

  for (gsize i = 0; i < 3; i++)
    if (!device_class->upload (self->device, to + i * max_rows, self->host_indices + i * max_rows,
                               n_rows * sizeof (gint64), error))
      return FALSE;
  if (!device_class->upload (self->device, to + 3 * max_rows, self->host_indices + 3 * max_rows,
                             self->batch.n_sequences * sizeof (gint64), error))
    return FALSE;
  return self->settings.architecture != SNG_ARCHITECTURE_ESM2
         || device_class->upload (
             self->device, sng_transformer_address (self, self->arena, self->activations.row_scale),
             self->host_row_scale, n_rows * sng_dtype_get_size (self->settings.dtype), error);
}

static gboolean
read_labels (SngTransformer *self, SngStateDict *batch, gint64 *labels, GError **error)
{
  gsize n_rows = self->batch.n_sequences * self->batch.n_tokens;
  SngTensor *tensor = sng_state_dict_lookup_tensor (batch, "labels");

  self->batch.has_labels = tensor != NULL;
  self->batch.n_targets = 0;
  if (tensor == NULL)
    return TRUE;
  if (!read_indices (self, tensor, "labels", 0, self->settings.vocab_size, -100, labels, error))
    return FALSE;
  for (gsize row = 0; row < n_rows; row++)
    self->batch.n_targets += labels[row] >= 0;
  return TRUE;
}

gboolean
sng_transformer_load_batch (SngTransformer *self, SngStateDict *batch, SngStage stage, GError **error)
{
  gsize max_rows = sng_transformer_max_rows (self);
  gint64 *ids = self->host_indices;
  gint64 *labels = ids + max_rows;
  gint64 *mask = labels + max_rows;
  gint64 *n_keys = mask + max_rows;
  SngTensor *tensor = sng_state_dict_get_tensor (batch, "input_ids", error);

  self->batch.can_go_back = FALSE;
  if (tensor == NULL || !read_size (self, tensor, error)
      || !read_indices (self, tensor, "input_ids", 0, self->settings.vocab_size, 0, ids, error)
      || !read_labels (self, batch, labels, error))
    return FALSE;

  tensor = sng_state_dict_lookup_tensor (batch, "attention_mask");
  if (tensor == NULL)
    for (gsize row = 0; row < self->batch.n_sequences * self->batch.n_tokens; row++)
      mask[row] = 1;
  else if (!read_indices (self, tensor, "attention_mask", 0, 2, 0, mask, error))
    return FALSE;
  if (!read_mask (self, mask, n_keys, error))
    return FALSE;

  compute_row_scale (self, ids, mask);
  self->batch.training = stage == SNG_STAGE_TRAIN;
  self->batch.first_ordinal = sng_rng_stream_get_position (self->dropout);
  return upload (self, error);
}
