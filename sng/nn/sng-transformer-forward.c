/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "nn/sng-transformer-private.h"

static void
forward_block (SngTransformer *self, guint index)
{
  const SngKernels *k = self->kernels;
  SngBlock block;

  sng_transformer_describe_block (self, index, &block);
  k->layer_norm_forward (self->device, &block.norm1);
  k->linear_forward (self->device, &block.qkv);
  if (self->settings.architecture == SNG_ARCHITECTURE_ESM2)
    k->rotary (self->device, &block.rotary);
  k->attention_forward (self->device, &block.attention);
  k->linear_forward (self->device, &block.projection);
  k->layer_norm_forward (self->device, &block.norm2);
  k->linear_forward (self->device, &block.up);
  k->linear_forward (self->device, &block.down);
}

static void
forward_head (SngTransformer *self, const SngFrame *frame)
{
  const SngKernels *k = self->kernels;

  k->layer_norm_forward (self->device, &frame->final_norm);
  if (self->settings.architecture == SNG_ARCHITECTURE_ESM2)
    {
      k->linear_forward (self->device, &frame->dense);
      k->layer_norm_forward (self->device, &frame->head_norm);
    }
  k->linear_forward (self->device, &frame->decoder);
}

static void
forward_pass (gpointer data)
{
  SngTransformer *self = data;
  SngFrame frame;

  sng_transformer_refresh_operands (self);
  sng_transformer_describe_frame (self, &frame);
  self->kernels->embedding_forward (self->device, &frame.embedding);
  for (guint i = 0; i < self->settings.n_layers; i++)
    forward_block (self, i);
  forward_head (self, &frame);
  if (self->batch.has_labels)
    self->kernels->cross_entropy_forward (self->device, &frame.cross_entropy);
  /* The loss and its gradient know where the rows are; who reads the outputs expects them in the batch's places. */
  if (self->batch.n_rows < self->batch.n_sequences * self->batch.n_tokens)
    self->kernels->spread (self->device, &frame.spread);
}

gboolean
sng_transformer_run_pass (SngTransformer *self, SngDeviceFunc func, gboolean backward, GError **error)
{
  SngDeviceClass *device_class = sng_transformer_device_class (self);
  const SngTransformerBatch *batch = &self->batch;
  const SngTransformerPass pass = {
    .plan = self->plan,
    .dropout_key = sng_rng_stream_get_key (self->dropout),
    .n_sequences = batch->n_sequences,
    .n_tokens = batch->n_tokens,
    .n_rows = batch->n_rows,
    .max_tokens = batch->max_tokens,
    .has_labels = batch->has_labels,
    .has_mask = batch->has_mask,
    .training = batch->training,
    .backward = backward,
  };

  device_class->run (self->device, &pass, sizeof pass, func, self);
  return device_class->check (self->device, error);
}

/* The mean over the targets; 0 where there is none. Rows are added in their order. */
static gboolean
read_loss (SngTransformer *self, double *loss, GError **error)
{
  gsize n_rows = self->batch.n_rows;
  double total = 0;

  if (!sng_transformer_device_class (self)->download (self->device, self->host_losses,
                                                      sng_tensor_get_data (self->losses),
                                                      n_rows * sizeof (double), error))
    return FALSE;
  for (gsize row = 0; row < n_rows; row++)
    total += self->host_losses[row];
  *loss = self->batch.n_targets > 0 ? total / (double) self->batch.n_targets : 0;
  return TRUE;
}

static SngStateDict *
make_outputs (SngTransformer *self, GError **error)
{
  g_autoptr (SngStateDict) outputs = sng_state_dict_new ();
  g_autoptr (SngTensor) logits = NULL;
  const gint64 shape[] = { (gint64) self->batch.n_sequences, (gint64) self->batch.n_tokens,
                           self->settings.vocab_size };
  const gint64 strides[] = { shape[1] * shape[2], shape[2], 1 };
  gint64 offset = (gint64) (self->activations.logits / sng_dtype_get_size (self->kernels->real));

  if (self->batch.has_labels)
    {
      double loss;

      if (!read_loss (self, &loss, error))
        return NULL;
      sng_state_dict_set_double (outputs, "loss", loss);
    }
  logits = sng_tensor_new_view (self->arena, offset, shape, 3, strides, 3, error);
  if (logits == NULL)
    return NULL;
  sng_state_dict_set_tensor (outputs, "logits", logits);
  return g_steal_pointer (&outputs);
}

SngStateDict *
sng_transformer_forward (SngModel *model, SngStateDict *batch, SngStage stage, GError **error)
{
  SngTransformer *self = SNG_TRANSFORMER (model);
  g_autoptr (SngStateDict) outputs = NULL;

  if (!sng_transformer_load_batch (self, batch, stage, error))
    return NULL;

  if (!sng_transformer_run_pass (self, forward_pass, FALSE, error)
      || (outputs = make_outputs (self, error)) == NULL)
    return NULL;
  if (stage == SNG_STAGE_TRAIN)
    sng_rng_stream_advance (self->dropout, self->batch.n_sequences);
  self->batch.has_activations = TRUE;
  self->batch.can_go_back = stage == SNG_STAGE_TRAIN && self->batch.has_labels;
  return g_steal_pointer (&outputs);
}
