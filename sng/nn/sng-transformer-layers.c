/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "nn/sng-transformer-private.h"

#include <math.h>

/* The layers as descriptions over the memory of the model. */

static gpointer
activation (SngTransformer *self, gsize offset)
{
  return sng_transformer_activation (self, offset);
}

static const gint64 *
input (SngTransformer *self, SngTransformerInput which)
{
  return (const gint64 *) sng_tensor_get_data (self->inputs) + sng_transformer_input_offset (self, which);
}

static SngRows
rows (SngTransformer *self)
{
  return (SngRows){
    .n_sequences = self->batch.n_sequences,
    .n_rows = self->batch.n_rows,
    .max_tokens = self->batch.max_tokens,
    .first_rows = (const gint64 *) sng_tensor_get_data (self->inputs) + SNG_INPUT_FIRST_ROWS,
    .sequences = input (self, SNG_INPUT_SEQUENCES),
    .tokens = input (self, SNG_INPUT_TOKENS),
  };
}

static SngGeluKind
gelu_kind (SngTransformer *self)
{
  return self->settings.architecture == SNG_ARCHITECTURE_GPT ? SNG_GELU_TANH : SNG_GELU_ERF;
}

/* What comes in, and the gradient that comes back; the ends are the caller's. */
static SngLinear
linear (SngTransformer *self,
        const SngAffine *affine,
        gsize n_inputs,
        gsize n_outputs,
        gsize from,
        gsize d_input,
        gsize d_output)
{
  gboolean has_bias = affine->bias != SNG_NO_OFFSET;
  SngTensor *weights = self->operands != NULL ? self->operands : self->values;

  return (SngLinear){
    .rows = rows (self),
    .n_inputs = n_inputs,
    .n_outputs = n_outputs,
    .transposed = self->settings.architecture == SNG_ARCHITECTURE_GPT,
    .input = activation (self, from),
    .weight = sng_transformer_parameter (weights, affine->weight),
    .bias = has_bias ? sng_transformer_parameter (self->values, affine->bias) : NULL,
    .gelu_kind = gelu_kind (self),
    .d_output = activation (self, d_output),
    .d_input = activation (self, d_input),
    .d_weight = sng_transformer_parameter (self->gradients, affine->weight),
    .d_bias = has_bias ? sng_transformer_parameter (self->gradients, affine->bias) : NULL,
  };
}

static SngLayerNorm
layer_norm (SngTransformer *self,
            const SngAffine *affine,
            gsize from,
            gsize output,
            gsize mean,
            gsize rstd,
            gsize d_input)
{
  return (SngLayerNorm){
    .rows = rows (self),
    .n_columns = self->settings.hidden_size,
    .epsilon = self->settings.layer_norm_epsilon,
    .input = activation (self, from),
    .weight = sng_transformer_parameter (self->values, affine->weight),
    .bias = sng_transformer_parameter (self->values, affine->bias),
    .output = activation (self, output),
    .mean = activation (self, mean),
    .rstd = activation (self, rstd),
    .d_output = activation (self, self->activations.d_norm),
    .d_input = activation (self, d_input),
    .d_weight = sng_transformer_parameter (self->gradients, affine->weight),
    .d_bias = sng_transformer_parameter (self->gradients, affine->bias),
  };
}

static SngDropout
dropout (SngTransformer *self, double rate, guint32 operation)
{
  return (SngDropout){
    .rate = self->batch.training ? rate : 0,
    .key = sng_rng_stream_get_key (self->dropout),
    .first_ordinal = (const guint64 *) sng_tensor_get_data (self->inputs) + SNG_INPUT_ORDINAL,
    .operation = operation,
  };
}

/* Operations of dropout: 0 is the embedding; then each block has one for either branch and one for each head. */
static guint32
operation_of_block (SngTransformer *self, guint index, guint which)
{
  return 1 + index * (2 + self->settings.n_heads) + which;
}

/* For the norm of a residual stream that the branch with this operation has just joined. */
static void
add_branch (SngTransformer *self, SngLayerNorm *norm, guint32 operation)
{
  if (self->activations.d_branch == self->activations.d_hidden)
    return;
  norm->d_branch = activation (self, self->activations.d_branch);
  norm->dropout = dropout (self, self->settings.hidden_dropout, operation);
}

/* The last layer of a branch, and the residual stream that it joins. */
static SngLinear
branch_linear (SngTransformer *self,
               const SngAffine *affine,
               gsize n_inputs,
               gsize from,
               gsize d_input,
               gsize residual,
               gsize stream,
               guint32 operation)
{
  SngLinear layer =
      linear (self, affine, n_inputs, self->settings.hidden_size, from, d_input, self->activations.d_branch);

  layer.residual = activation (self, residual);
  layer.stream = activation (self, stream);
  layer.dropout = dropout (self, self->settings.hidden_dropout, operation);
  return layer;
}

static void
describe_attention (SngTransformer *self, const SngBlockActivations *a, guint index, SngBlock *block)
{
  const SngTransformerSettings *s = &self->settings;
  gboolean is_gpt = s->architecture == SNG_ARCHITECTURE_GPT;
  double scale = 1 / sqrt (s->head_size);

  block->rotary = (SngRotary){
    .rows = rows (self),
    .n_heads = s->n_heads,
    .head_size = s->head_size,
    .query_scale = scale,
    .cosine = activation (self, self->activations.cosine),
    .sine = activation (self, self->activations.sine),
    .qkv = activation (self, a->qkv),
  };
  block->attention = (SngAttention){
    .rows = rows (self),
    .n_heads = s->n_heads,
    .head_size = s->head_size,
    .scale = is_gpt ? scale : 1,
    .causal = is_gpt,
    .mask = self->batch.has_mask ? input (self, SNG_INPUT_MASK) : NULL,
    .dropout = dropout (self, s->attention_dropout, operation_of_block (self, index, 2)),
    .qkv = activation (self, a->qkv),
    .output = activation (self, a->context),
    .log_sum_exp = activation (self, a->log_sum_exp),
    .d_output = activation (self, self->activations.d_context),
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

  block->norm1 = layer_norm (self, &p->norm1, a->input, a->norm1, a->mean1, a->rstd1, all->d_hidden);
  block->norm1.add_to_d_input = TRUE;
  if (index > 0)
    add_branch (self, &block->norm1, operation_of_block (self, index - 1, 1));
  block->qkv = linear (self, &p->qkv, s->hidden_size, 3 * s->hidden_size, a->norm1, all->d_norm, all->d_qkv);
  block->qkv.output = activation (self, a->qkv);
  block->qkv.real_d_input = TRUE;
  describe_attention (self, a, index, block);
  block->projection = branch_linear (self, &p->projection, s->hidden_size, a->context, all->d_context,
                                     a->input, a->middle, operation_of_block (self, index, 0));

  block->norm2 = layer_norm (self, &p->norm2, a->middle, a->norm2, a->mean2, a->rstd2, all->d_hidden);
  block->norm2.add_to_d_input = TRUE;
  add_branch (self, &block->norm2, operation_of_block (self, index, 0));
  block->up = linear (self, &p->up, s->hidden_size, s->ffn_size, a->norm2, all->d_norm, all->d_up);
  block->up.output = activation (self, a->up);
  block->up.gelu = activation (self, a->gelu);
  block->up.real_d_input = TRUE;
  block->down = branch_linear (self, &p->down, s->ffn_size, a->gelu, all->d_up, a->middle, output,
                               operation_of_block (self, index, 1));
  block->down.before_gelu = activation (self, a->up);
}

static void
describe_embedding (SngTransformer *self, SngFrame *frame)
{
  const SngTransformerActivations *a = &self->activations;
  gboolean is_gpt = self->settings.architecture == SNG_ARCHITECTURE_GPT;
  gsize positions = self->layout.positions;

  frame->embedding = (SngEmbedding){
    .rows = rows (self),
    .n_columns = self->settings.hidden_size,
    .ids = input (self, SNG_INPUT_IDS),
    .weight = sng_transformer_parameter (self->values, self->layout.words),
    .row_scale = is_gpt ? NULL : input (self, SNG_N_INPUTS),
    .positions = is_gpt ? sng_transformer_parameter (self->values, positions) : NULL,
    .dropout = dropout (self, is_gpt ? self->settings.hidden_dropout : 0, 0),
    .output = activation (self, a->blocks[0].input),
    .d_output = activation (self, a->d_hidden),
    .d_weight = sng_transformer_parameter (self->gradients, self->layout.words),
    .d_positions = is_gpt ? sng_transformer_parameter (self->gradients, positions) : NULL,
    .frozen_id = is_gpt ? -1 : SNG_ESM2_PAD,
  };
}

/* The head of ESM-2. Its GELU goes into a norm, not into a product, so it stays a real. */
static void
describe_esm2_head (SngTransformer *self, SngFrame *frame)
{
  const SngTransformerActivations *a = &self->activations;
  gsize n = self->settings.hidden_size;

  frame->dense = linear (self, &self->layout.dense, n, n, a->final_norm, a->d_norm, a->d_dense);
  frame->dense.output = activation (self, a->dense);
  frame->dense.real_output = TRUE;
  frame->dense.gelu = activation (self, a->gelu);
  frame->dense.real_d_input = TRUE;
  frame->gelu = (SngGelu){
    .n_elements = self->batch.n_rows * n,
    .kind = gelu_kind (self),
    .input = activation (self, a->dense),
    .d_output = activation (self, a->d_gelu),
    .d_input = activation (self, a->d_dense),
  };
  frame->head_norm = layer_norm (self, &self->layout.head_norm, a->gelu, a->head_norm, a->head_mean,
                                 a->head_rstd, a->d_gelu);
}

static void
describe_loss (SngTransformer *self, SngFrame *frame)
{
  const SngTransformerActivations *a = &self->activations;
  gsize n_target_rows = self->batch.n_sequences * self->batch.n_tokens;
  const gint64 *logit_rows = input (self, SNG_INPUT_LOGIT_ROWS);

  frame->cross_entropy = (SngCrossEntropy){
    .n_rows = self->batch.n_rows,
    .n_classes = self->settings.vocab_size,
    .labels = input (self, SNG_INPUT_LABELS),
    .logits = activation (self, a->logits),
    .logit_rows = self->batch.n_rows < n_target_rows ? logit_rows : NULL,
    .losses = sng_tensor_get_data (self->losses),
    .log_sum_exp = activation (self, a->log_sum_exp),
    .d_loss = (const double *) sng_tensor_get_data (self->inputs) + SNG_INPUT_D_LOSS,
    .d_logits = activation (self, a->d_logits),
  };
  frame->spread = (SngSpread){
    .n_rows = self->batch.n_rows,
    .n_target_rows = n_target_rows,
    .n_columns = self->settings.vocab_size,
    .targets = logit_rows,
    .values = activation (self, a->logits),
  };
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
  add_branch (self, &frame->final_norm, operation_of_block (self, s->n_layers - 1, 1));
  if (!is_gpt)
    describe_esm2_head (self, frame);
  frame->decoder = linear (self, &decoder, s->hidden_size, s->vocab_size,
                           is_gpt ? a->final_norm : a->head_norm, a->d_norm, a->d_logits);
  frame->decoder.transposed = FALSE; /* the decoder's weight is the embedding */
  frame->decoder.output = activation (self, a->logits);
  frame->decoder.real_output = TRUE;
  frame->decoder.real_d_input = TRUE;
  describe_loss (self, frame);
}
