/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "nn/sng-transformer-private.h"

#include "sng-error.h"

static void
backward_head (SngTransformer *self, const SngFrame *frame)
{
  const SngKernels *k = self->kernels;

  k->cross_entropy_backward (self->device, &frame->cross_entropy);
  k->linear_backward (self->device, &frame->decoder);
  if (self->settings.architecture == SNG_ARCHITECTURE_ESM2)
    {
      k->layer_norm_backward (self->device, &frame->head_norm);
      k->gelu_backward (self->device, &frame->gelu);
      k->linear_backward (self->device, &frame->dense);
    }
  k->layer_norm_backward (self->device, &frame->final_norm);
}

static void
backward_rotary (SngTransformer *self, const SngRotary *rotary)
{
  SngRotary gradient = *rotary;

  gradient.qkv = sng_transformer_activation (self, self->activations.d_qkv);
  gradient.inverse = TRUE;
  self->kernels->rotary (self->device, &gradient);
}

static void
backward_block (SngTransformer *self, guint index)
{
  const SngKernels *k = self->kernels;
  SngBlock block;

  sng_transformer_describe_block (self, index, &block);
  k->linear_backward (self->device, &block.down);
  k->linear_backward (self->device, &block.up);
  k->layer_norm_backward (self->device, &block.norm2);
  k->linear_backward (self->device, &block.projection);
  k->attention_backward (self->device, &block.attention);
  if (self->settings.architecture == SNG_ARCHITECTURE_ESM2)
    backward_rotary (self, &block.rotary);
  k->linear_backward (self->device, &block.qkv);
  k->layer_norm_backward (self->device, &block.norm1);
}

static void
backward_pass (gpointer data)
{
  SngTransformer *self = data;
  SngFrame frame;

  sng_transformer_describe_frame (self, &frame);
  backward_head (self, &frame);
  for (guint i = self->settings.n_layers; i > 0; i--)
    backward_block (self, i - 1);
  self->kernels->embedding_backward (self->device, &frame.embedding);
}

gboolean
sng_transformer_backward (SngModel *model, double scale, GError **error)
{
  SngTransformer *self = SNG_TRANSFORMER (model);
  double d_loss;

  if (!self->batch.can_go_back)
    {
      g_set_error_literal (
          error, SNG_ERROR, SNG_ERROR_FAILED,
          "[transformer][backward] the last forward was not one that trains with \"labels\"");
      return FALSE;
    }
  if (self->batch.n_targets == 0)
    return TRUE;

  d_loss = scale / (double) self->batch.n_targets;
  if (!sng_transformer_device_class (self)->upload (
          self->device, (double *) sng_tensor_get_data (self->inputs) + SNG_INPUT_D_LOSS, &d_loss,
          sizeof d_loss, error))
    return FALSE;

  return sng_transformer_run_pass (self, backward_pass, TRUE, error);
}
