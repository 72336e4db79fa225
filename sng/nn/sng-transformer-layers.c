/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "nn/sng-transformer-private.h"

#include <math.h>

/* The memory of a model, planned once for the largest batch, and the layers as descriptions over it. */

#define ALIGNMENT 16 /* elements */

static gsize
take (gsize *total, gsize n)
{
  gsize offset = *total;

  *total += (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  return offset;
}

static void
plan_block (SngTransformer *self, SngBlockActivations *block, gsize *total)
{
  gsize n_rows = sng_transformer_max_rows (self);
  gsize hidden = n_rows * self->settings.hidden_size;
  gsize ffn = n_rows * self->settings.ffn_size;

  block->input = take (total, hidden);
  block->norm1 = take (total, hidden);
  block->mean1 = take (total, n_rows);
  block->rstd1 = take (total, n_rows);
  block->qkv = take (total, 3 * hidden);
  block->context = take (total, hidden);
  block->log_sum_exp = take (total, n_rows * self->settings.n_heads);
  block->middle = take (total, hidden);
  block->norm2 = take (total, hidden);
  block->mean2 = take (total, n_rows);
  block->rstd2 = take (total, n_rows);
  block->up = take (total, ffn);
  block->gelu = take (total, ffn);
}

static gsize
plan_arena (SngTransformer *self)
{
  SngTransformerActivations *a = &self->activations;
  const SngTransformerSettings *s = &self->settings;
  gsize n_rows = sng_transformer_max_rows (self);
  gsize hidden = n_rows * s->hidden_size;
  gsize total = 0;

  a->cosine = take (&total, (gsize) s->max_length * (s->head_size / 2));
  a->sine = take (&total, (gsize) s->max_length * (s->head_size / 2));
  a->row_scale = take (&total, n_rows);
  a->blocks = g_new0 (SngBlockActivations, s->n_layers);
  for (guint i = 0; i < s->n_layers; i++)
    plan_block (self, &a->blocks[i], &total);
  a->last = take (&total, hidden);
  a->final_norm = take (&total, hidden);
  a->final_mean = take (&total, n_rows);
  a->final_rstd = take (&total, n_rows);
  if (s->architecture == SNG_ARCHITECTURE_ESM2)
    {
      a->dense = take (&total, hidden);
      a->gelu = take (&total, hidden);
      a->head_norm = take (&total, hidden);
      a->head_mean = take (&total, n_rows);
      a->head_rstd = take (&total, n_rows);
    }
  a->logits = take (&total, n_rows * s->vocab_size);
  a->log_sum_exp = take (&total, n_rows);
  a->branch = take (&total, hidden);

  a->d_hidden = take (&total, hidden);
  a->d_branch = take (&total, hidden);
  a->d_norm = take (&total, hidden);
  a->d_qkv = take (&total, 3 * hidden);
  a->d_up = take (&total, n_rows * s->ffn_size);
  a->d_logits = take (&total, n_rows * s->vocab_size);
  return total;
}

/* In f32 the angles are computed in f32, as the reference implementation of ESM-2 does: at position 1000 that is 3e-5 away
 * from the exact angle. */
static gboolean
fill_rotary_tables (SngTransformer *self, GError **error)
{
  gsize half = self->settings.head_size / 2;
  gsize n = self->settings.max_length * half;
  gsize size = sng_dtype_get_size (self->settings.dtype);
  g_autofree char *cosine = g_malloc0 (MAX (n, 1) * size);
  g_autofree char *sine = g_malloc0 (MAX (n, 1) * size);

  for (gsize i = 0; i < n; i++)
    {
      gsize token = i / half;
      gsize pair = i % half;

      if (self->settings.dtype == SNG_DTYPE_F32)
        {
          float angle = (float) token * (float) sng_transformer_rotary_frequency (self, pair);

          ((float *) (gpointer) cosine)[i] = cosf (angle);
          ((float *) (gpointer) sine)[i] = sinf (angle);
        }
      else
        {
          double angle = (double) token * sng_transformer_rotary_frequency (self, pair);

          ((double *) (gpointer) cosine)[i] = cos (angle);
          ((double *) (gpointer) sine)[i] = sin (angle);
        }
    }
  return sng_transformer_device_class (self)->upload (
             self->device, sng_transformer_address (self, self->arena, self->activations.cosine), cosine,
             n * size, error)
         && sng_transformer_device_class (self)->upload (
             self->device, sng_transformer_address (self, self->arena, self->activations.sine), sine,
             n * size, error);
}

gboolean
sng_transformer_plan_memory (SngTransformer *self, GError **error)
{
  gsize n_rows = sng_transformer_max_rows (self);
  gint64 n_elements = (gint64) plan_arena (self);
  gint64 n_indices = (gint64) (3 * n_rows + self->settings.max_batch_size);
  gint64 n_losses = (gint64) n_rows;

  self->arena = sng_tensor_new (self->settings.dtype, &n_elements, 1, self->device, error);
  if (self->arena == NULL)
    return FALSE;
  self->indices = sng_tensor_new (SNG_DTYPE_I64, &n_indices, 1, self->device, error);
  if (self->indices == NULL)
    return FALSE;
  self->losses = sng_tensor_new (SNG_DTYPE_F64, &n_losses, 1, self->device, error);
  if (self->losses == NULL)
    return FALSE;

  self->host_indices = g_new0 (gint64, n_indices);
  self->host_row_scale = g_malloc0 (n_rows * sng_dtype_get_size (self->settings.dtype));
  self->host_losses = g_new0 (double, n_rows);
  return fill_rotary_tables (self, error);
}

static gsize
n_rows_of_batch (SngTransformer *self)
{
  return self->batch.n_sequences * self->batch.n_tokens;
}

static gpointer
activation (SngTransformer *self, gsize offset)
{
  return sng_transformer_address (self, self->arena, offset);
}

static SngLinear
linear (SngTransformer *self,
        const SngAffine *affine,
        gsize n_inputs,
        gsize n_outputs,
        gsize input,
        gsize output,
        gsize d_input,
        gsize d_output)
{
  gboolean has_bias = affine->bias != SNG_NO_OFFSET;

  return (SngLinear){
    .n_rows = n_rows_of_batch (self),
    .n_inputs = n_inputs,
    .n_outputs = n_outputs,
    .transposed = self->settings.architecture == SNG_ARCHITECTURE_GPT,
    .input = activation (self, input),
    .weight = sng_transformer_address (self, self->values, affine->weight),
    .bias = has_bias ? sng_transformer_address (self, self->values, affine->bias) : NULL,
    .output = activation (self, output),
    .d_output = activation (self, d_output),
    .d_input = activation (self, d_input),
    .d_weight = sng_transformer_address (self, self->gradients, affine->weight),
    .d_bias = has_bias ? sng_transformer_address (self, self->gradients, affine->bias) : NULL,
  };
}

static SngLayerNorm
layer_norm (SngTransformer *self,
            const SngAffine *affine,
            gsize input,
            gsize output,
            gsize mean,
            gsize rstd,
            gsize d_input)
{
  return (SngLayerNorm){
    .n_rows = n_rows_of_batch (self),
    .n_columns = self->settings.hidden_size,
    .epsilon = self->settings.layer_norm_epsilon,
    .input = activation (self, input),
    .weight = sng_transformer_address (self, self->values, affine->weight),
    .bias = sng_transformer_address (self, self->values, affine->bias),
    .output = activation (self, output),
    .mean = activation (self, mean),
    .rstd = activation (self, rstd),
    .d_output = activation (self, self->activations.d_norm),
    .d_input = activation (self, d_input),
    .d_weight = sng_transformer_address (self, self->gradients, affine->weight),
    .d_bias = sng_transformer_address (self, self->gradients, affine->bias),
  };
}

static SngGelu
gelu (SngTransformer *self, gsize n_columns, gsize input, gsize output, gsize gradient)
{
  return (SngGelu){
    .n_elements = n_rows_of_batch (self) * n_columns,
    .kind = self->settings.architecture == SNG_ARCHITECTURE_GPT ? SNG_GELU_TANH : SNG_GELU_ERF,
    .input = activation (self, input),
    .output = activation (self, output),
    .d_output = activation (self, gradient),
    .d_input = activation (self, gradient),
  };
}

static SngDropout
dropout (SngTransformer *self, double rate, guint32 operation)
{
  return (SngDropout){
    .rate = self->batch.training ? rate : 0,
    .key = sng_rng_stream_get_key (self->dropout),
    .first_ordinal = self->batch.first_ordinal,
    .operation = operation,
  };
}

static SngResidual
residual (SngTransformer *self, gsize input, gsize stream, gsize output, guint32 operation)
{
  return (SngResidual){
    .n_rows = n_rows_of_batch (self),
    .n_tokens = self->batch.n_tokens,
    .n_columns = self->settings.hidden_size,
    .dropout = dropout (self, self->settings.hidden_dropout, operation),
    .input = activation (self, input),
    .residual = stream != SNG_NO_OFFSET ? activation (self, stream) : NULL,
    .output = activation (self, output),
  };
}

/* Operations of dropout: 0 is the embedding; then each block has one for either branch and one for each head. */
static guint32
operation_of_block (SngTransformer *self, guint index, guint which)
{
  return 1 + index * (2 + self->settings.n_heads) + which;
}

static gsize
indices_offset (SngTransformer *self, guint which)
{
  return which * sng_transformer_max_rows (self);
}

static const gint64 *
indices (SngTransformer *self, guint which)
{
  return (const gint64 *) sng_tensor_get_data (self->indices) + indices_offset (self, which);
}

static void
describe_attention (SngTransformer *self, const SngBlockActivations *a, guint index, SngBlock *block)
{
  const SngTransformerSettings *s = &self->settings;
  gboolean is_gpt = s->architecture == SNG_ARCHITECTURE_GPT;
  double scale = 1 / sqrt (s->head_size);

  block->rotary = (SngRotary){
    .n_rows = n_rows_of_batch (self),
    .n_tokens = self->batch.n_tokens,
    .n_heads = s->n_heads,
    .head_size = s->head_size,
    .query_scale = scale,
    .cosine = activation (self, self->activations.cosine),
    .sine = activation (self, self->activations.sine),
    .qkv = activation (self, a->qkv),
  };
  block->attention = (SngAttention){
    .n_sequences = self->batch.n_sequences,
    .n_tokens = self->batch.n_tokens,
    .n_heads = s->n_heads,
    .head_size = s->head_size,
    .scale = is_gpt ? scale : 1,
    .causal = is_gpt,
    .n_keys = indices (self, 3),
    .mask = self->batch.has_mask ? indices (self, 2) : NULL,
    .dropout = dropout (self, s->attention_dropout, operation_of_block (self, index, 2)),
    .qkv = activation (self, a->qkv),
    .output = activation (self, a->context),
    .log_sum_exp = activation (self, a->log_sum_exp),
    .d_output = activation (self, self->activations.d_norm),
    .d_qkv = activation (self, self->activations.d_qkv),
  };
}

void
sng_transformer_describe_block (SngTransformer *self, guint index, SngBlock *block)
{
  const SngTransformerSettings *s = &self->settings;
  const SngTransformerActivations *all = &self->activations;
  const SngBlockActivations *a = &all->blocks[index];
  const SngBlockParameters *p = &self->layout.blocks[index];
  gsize output = index + 1 < s->n_layers ? all->blocks[index + 1].input : all->last;
  /* Without dropout the gradient of a branch is that of the stream it joins. */
  gsize d_branch = self->batch.training && s->hidden_dropout > 0 ? all->d_branch : all->d_hidden;

  block->norm1 = layer_norm (self, &p->norm1, a->input, a->norm1, a->mean1, a->rstd1, all->d_hidden);
  block->norm1.add_to_d_input = TRUE;
  block->qkv =
      linear (self, &p->qkv, s->hidden_size, 3 * s->hidden_size, a->norm1, a->qkv, all->d_norm, all->d_qkv);
  describe_attention (self, a, index, block);
  block->projection = linear (self, &p->projection, s->hidden_size, s->hidden_size, a->context, all->branch,
                              all->d_norm, d_branch);
  block->attention_residual =
      residual (self, all->branch, a->input, a->middle, operation_of_block (self, index, 0));
  block->norm2 = layer_norm (self, &p->norm2, a->middle, a->norm2, a->mean2, a->rstd2, all->d_hidden);
  block->norm2.add_to_d_input = TRUE;
  block->up = linear (self, &p->up, s->hidden_size, s->ffn_size, a->norm2, a->up, all->d_norm, all->d_up);
  block->gelu = gelu (self, s->ffn_size, a->up, a->gelu, all->d_up);
  block->down =
      linear (self, &p->down, s->ffn_size, s->hidden_size, a->gelu, all->branch, all->d_up, d_branch);
  block->ffn_residual = residual (self, all->branch, a->middle, output, operation_of_block (self, index, 1));
}

static void
describe_embedding (SngTransformer *self, SngFrame *frame)
{
  const SngTransformerActivations *a = &self->activations;
  gboolean is_gpt = self->settings.architecture == SNG_ARCHITECTURE_GPT;
  gsize positions = self->layout.positions;

  frame->embedding = (SngEmbedding){
    .n_rows = n_rows_of_batch (self),
    .n_tokens = self->batch.n_tokens,
    .n_columns = self->settings.hidden_size,
    .ids = indices (self, 0),
    .weight = sng_transformer_address (self, self->values, self->layout.words),
    .row_scale = is_gpt ? NULL : activation (self, a->row_scale),
    .positions = is_gpt ? sng_transformer_address (self, self->values, positions) : NULL,
    .output = activation (self, a->blocks[0].input),
    .d_output = activation (self, a->d_hidden),
    .d_weight = sng_transformer_address (self, self->gradients, self->layout.words),
    .d_positions = is_gpt ? sng_transformer_address (self, self->gradients, positions) : NULL,
    .frozen_id = is_gpt ? -1 : SNG_ESM2_PAD,
  };
  frame->embedding_dropout = residual (self, a->blocks[0].input, SNG_NO_OFFSET, a->blocks[0].input, 0);
}

void
sng_transformer_describe_frame (SngTransformer *self, SngFrame *frame)
{
  const SngTransformerSettings *s = &self->settings;
  const SngTransformerActivations *a = &self->activations;
  gboolean is_gpt = s->architecture == SNG_ARCHITECTURE_GPT;
  SngAffine decoder = { self->layout.words, is_gpt ? SNG_NO_OFFSET : self->layout.decoder_bias };

  describe_embedding (self, frame);
  frame->final_norm = layer_norm (self, &self->layout.final_norm, a->last, a->final_norm, a->final_mean,
                                  a->final_rstd, a->d_hidden);
  if (!is_gpt)
    {
      frame->dense = linear (self, &self->layout.dense, s->hidden_size, s->hidden_size, a->final_norm,
                             a->dense, a->d_norm, a->d_branch);
      frame->gelu = gelu (self, s->hidden_size, a->dense, a->gelu, a->d_branch);
      frame->head_norm = layer_norm (self, &self->layout.head_norm, a->gelu, a->head_norm, a->head_mean,
                                     a->head_rstd, a->d_branch);
    }
  frame->decoder = linear (self, &decoder, s->hidden_size, s->vocab_size,
                           is_gpt ? a->final_norm : a->head_norm, a->logits, a->d_norm, a->d_logits);
  frame->decoder.transposed = FALSE; /* the decoder's weight is the embedding */
  frame->cross_entropy = (SngCrossEntropy){
    .n_rows = n_rows_of_batch (self),
    .n_classes = s->vocab_size,
    .labels = indices (self, 1),
    .logits = activation (self, a->logits),
    .losses = sng_tensor_get_data (self->losses),
    .log_sum_exp = activation (self, a->log_sum_exp),
    .d_logits = activation (self, a->d_logits),
  };
}
