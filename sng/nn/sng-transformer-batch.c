/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "nn/sng-transformer-private.h"

#include "sng-error.h"

/* Checks a batch, leaves its padding out, and puts what the kernels read of it on the device. */

/* ESM-2 was trained with this share of its input tokens replaced by <mask>; see SngTransformerConfig:token-dropout. */
#define ESM2_MASK_RATIO (0.15 * 0.8)

#define NO_LABEL (-100)

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

/* What a batch has, on the host wherever it was; a batch need not have all of them. */
typedef struct
{
  GBytes *ids;
  GBytes *labels;
  GBytes *mask;
} Indices;

static void
indices_clear (Indices *indices)
{
  g_clear_pointer (&indices->ids, g_bytes_unref);
  g_clear_pointer (&indices->labels, g_bytes_unref);
  g_clear_pointer (&indices->mask, g_bytes_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Indices, indices_clear)

/* NULL for what the batch does not have. */
static const gint64 *
get_values (GBytes *indices)
{
  return indices != NULL ? g_bytes_get_data (indices, NULL) : NULL;
}

/* Looks at the shape and the range of all elements, those of the padding as well. */
static GBytes *
read_indices (SngTransformer *self,
              SngTensor *tensor,
              const char *name,
              gint64 end,
              gint64 ignored, /* beside those from 0 */
              GError **error)
{
  g_autoptr (GBytes) indices = NULL;
  const gint64 *values;
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
      return NULL;
    }
  if ((indices = sng_tensor_dup_bytes (tensor, error)) == NULL)
    return NULL;

  values = get_values (indices);
  for (gint64 i = 0; i < shape[0] * shape[1]; i++)
    {
      gint64 value = values[i];

      if ((value < 0 || value >= end) && value != ignored)
        {
          g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                       "[transformer][forward] \"%s\" has %" G_GINT64_FORMAT " at [%" G_GINT64_FORMAT
                       ", %" G_GINT64_FORMAT "]; it must be at least 0 and less than %" G_GINT64_FORMAT,
                       name, value, i / shape[1], i % shape[1], end);
          return NULL;
        }
    }
  return g_steal_pointer (&indices);
}

static gboolean
indices_read (Indices *indices, SngTransformer *self, SngStateDict *batch, GError **error)
{
  SngTensor *ids = sng_state_dict_get_tensor (batch, "input_ids", error);
  SngTensor *labels = sng_state_dict_lookup_tensor (batch, "labels");
  SngTensor *mask = sng_state_dict_lookup_tensor (batch, "attention_mask");
  gint64 vocab_size = self->settings.vocab_size;

  if (ids == NULL || !read_size (self, ids, error))
    return FALSE;

  indices->ids = read_indices (self, ids, "input_ids", vocab_size, 0, error);
  return indices->ids != NULL
         && (labels == NULL
             || (indices->labels = read_indices (self, labels, "labels", vocab_size, NO_LABEL, error))
                    != NULL)
         && (mask == NULL
             || (indices->mask = read_indices (self, mask, "attention_mask", 2, 0, error)) != NULL);
}

/* Where the rows of each sequence begin: it keeps its tokens up to its last visible one. */
static gboolean
measure (SngTransformer *self, const gint64 *mask, GError **error)
{
  SngTransformerBatch *batch = &self->batch;
  gint64 *first_rows = self->host_inputs + SNG_INPUT_FIRST_ROWS;

  batch->n_rows = 0;
  batch->max_tokens = 0;
  batch->has_mask = FALSE;
  first_rows[0] = 0;
  for (gsize i = 0; i < batch->n_sequences; i++)
    {
      gsize n_visible = mask == NULL ? batch->n_tokens : 0, length = n_visible;

      for (gsize token = 0; mask != NULL && token < batch->n_tokens; token++)
        if (mask[i * batch->n_tokens + token] != 0)
          {
            n_visible++;
            length = token + 1;
          }
      if (n_visible == 0)
        {
          g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                       "[transformer][forward] \"attention_mask\" hides all %" G_GSIZE_FORMAT
                       " tokens of sequence %" G_GSIZE_FORMAT,
                       batch->n_tokens, i);
          return FALSE;
        }
      batch->has_mask = batch->has_mask || n_visible != length;
      batch->max_tokens = MAX (batch->max_tokens, length);
      batch->n_rows += length;
      first_rows[i + 1] = (gint64) batch->n_rows;
    }
  return TRUE;
}

static gint64 *
host_input (SngTransformer *self, SngTransformerInput input)
{
  return self->host_inputs + sng_transformer_input_offset (self, input);
}

static void
number_rows (SngTransformer *self)
{
  const gint64 *first_rows = self->host_inputs + SNG_INPUT_FIRST_ROWS;
  gint64 *sequences = host_input (self, SNG_INPUT_SEQUENCES);
  gint64 *tokens = host_input (self, SNG_INPUT_TOKENS);
  gint64 *logit_rows = host_input (self, SNG_INPUT_LOGIT_ROWS);

  for (gint64 i = 0; i < (gint64) self->batch.n_sequences; i++)
    for (gint64 row = first_rows[i]; row < first_rows[i + 1]; row++)
      {
        sequences[row] = i;
        tokens[row] = row - first_rows[i];
        logit_rows[row] = i * (gint64) self->batch.n_tokens + tokens[row];
      }
}

static void
pack (SngTransformer *self, const gint64 *values, SngTransformerInput input)
{
  const gint64 *places = host_input (self, SNG_INPUT_LOGIT_ROWS);
  gint64 *to = host_input (self, input);

  for (gsize row = 0; row < self->batch.n_rows; row++)
    to[row] = values[places[row]];
}

/* A target in the padding would be dropped without a word, and the mean be one over others than the caller counted. */
static gboolean
check_no_label_in_padding (SngTransformer *self, const gint64 *labels, GError **error)
{
  const gint64 *first_rows = self->host_inputs + SNG_INPUT_FIRST_ROWS;

  for (gsize i = 0; i < self->batch.n_sequences; i++)
    for (gsize token = (gsize) (first_rows[i + 1] - first_rows[i]); token < self->batch.n_tokens; token++)
      {
        gint64 label = labels[i * self->batch.n_tokens + token];

        if (label >= 0)
          {
            g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                         "[transformer][forward] \"labels\" has %" G_GINT64_FORMAT " at [%" G_GSIZE_FORMAT
                         ", %" G_GSIZE_FORMAT "], where \"attention_mask\" has padding; it must be %d there",
                         label, i, token, NO_LABEL);
            return FALSE;
          }
      }
  return TRUE;
}

static gboolean
read_labels (SngTransformer *self, const gint64 *labels, GError **error)
{
  const gint64 *packed = host_input (self, SNG_INPUT_LABELS);

  self->batch.has_labels = labels != NULL;
  self->batch.n_targets = 0;
  if (labels == NULL)
    return TRUE;
  if (!check_no_label_in_padding (self, labels, error))
    return FALSE;
  pack (self, labels, SNG_INPUT_LABELS);
  for (gsize row = 0; row < self->batch.n_rows; row++)
    self->batch.n_targets += packed[row] >= 0;
  return TRUE;
}

static void
set_row_scale (SngTransformer *self, gsize row, double scale)
{
  gpointer row_scale = host_input (self, SNG_N_INPUTS);

  if (self->settings.dtype == SNG_DTYPE_F32)
    ((float *) row_scale)[row] = (float) scale;
  else
    ((double *) row_scale)[row] = scale;
}

/* ESM-2: the factor on each embedding. What is hidden is 0; with token dropout so is <mask>, and the rest make up for the share
 * of <mask> that differs from that of the training. */
static void
compute_row_scale (SngTransformer *self)
{
  const gint64 *first_rows = self->host_inputs + SNG_INPUT_FIRST_ROWS;
  const gint64 *ids = host_input (self, SNG_INPUT_IDS);
  const gint64 *mask = host_input (self, SNG_INPUT_MASK);

  for (gsize i = 0; i < self->batch.n_sequences; i++)
    {
      gsize first = (gsize) first_rows[i], end = (gsize) first_rows[i + 1];
      double n_masked = 0, n_visible = 0, scale = 1;

      for (gsize row = first; row < end; row++)
        {
          n_masked += ids[row] == SNG_ESM2_MASK;
          n_visible += mask[row] != 0;
        }
      if (self->settings.token_dropout)
        scale = (1 - ESM2_MASK_RATIO) / (1 - n_masked / n_visible);
      for (gsize row = first; row < end; row++)
        {
          gboolean dropped = self->settings.token_dropout && ids[row] == SNG_ESM2_MASK;

          set_row_scale (self, row, dropped || mask[row] == 0 ? 0 : scale);
        }
    }
}

static gsize
n_bytes_of_inputs (SngTransformer *self)
{
  return sng_transformer_input_offset (self, SNG_N_INPUTS) * sizeof (gint64)
         + self->batch.n_rows * sng_dtype_get_size (self->settings.dtype);
}

gboolean
sng_transformer_make_inputs (SngTransformer *self, GError **error)
{
  gint64 n_losses = (gint64) sng_transformer_max_rows (self);
  gint64 n_inputs;

  self->batch.n_sequences = self->settings.max_batch_size;
  self->batch.n_rows = sng_transformer_max_rows (self);
  n_inputs = (gint64) ((n_bytes_of_inputs (self) + sizeof (gint64) - 1) / sizeof (gint64));
  self->inputs = sng_tensor_new (SNG_DTYPE_I64, &n_inputs, 1, self->device, error);
  if (self->inputs == NULL)
    return FALSE;
  self->losses = sng_tensor_new (SNG_DTYPE_F64, &n_losses, 1, self->device, error);
  if (self->losses == NULL)
    return FALSE;
  self->host_inputs = g_new0 (gint64, n_inputs);
  self->host_losses = g_new0 (double, n_losses);
  self->batch = (SngTransformerBatch){ 0 };
  return TRUE;
}

gboolean
sng_transformer_load_batch (SngTransformer *self, SngStateDict *batch, SngStage stage, GError **error)
{
  g_auto (Indices) indices = { NULL };
  gint64 *packed_mask;

  self->batch.has_activations = FALSE;
  self->batch.can_go_back = FALSE;
  if (!indices_read (&indices, self, batch, error) || !measure (self, get_values (indices.mask), error))
    return FALSE;

  number_rows (self);
  pack (self, get_values (indices.ids), SNG_INPUT_IDS);
  packed_mask = host_input (self, SNG_INPUT_MASK);
  if (indices.mask != NULL)
    pack (self, get_values (indices.mask), SNG_INPUT_MASK);
  for (gsize row = 0; indices.mask == NULL && row < self->batch.n_rows; row++)
    packed_mask[row] = 1;
  if (!read_labels (self, get_values (indices.labels), error))
    return FALSE;

  if (self->settings.architecture == SNG_ARCHITECTURE_ESM2)
    compute_row_scale (self);
  self->batch.training = stage == SNG_STAGE_TRAIN;
  self->host_inputs[SNG_INPUT_ORDINAL] = (gint64) sng_rng_stream_get_position (self->dropout);
  return sng_transformer_device_class (self)->upload (self->device, sng_tensor_get_data (self->inputs),
                                                      self->host_inputs, n_bytes_of_inputs (self), error);
}
