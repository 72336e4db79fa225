/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "train/sng-token-batch-private.h"

void
sng_token_batch_init (SngTokenBatch *self, gsize n_sequences, gsize length, gint64 padding)
{
  gsize n_tokens = n_sequences * length;

  self->n_sequences = n_sequences;
  self->length = length;
  self->input_ids = g_new (gint64, n_tokens);
  self->attention_mask = g_new0 (gint64, n_tokens);
  self->labels = g_new (gint64, n_tokens);

  for (gsize i = 0; i < n_tokens; i++)
    {
      self->input_ids[i] = padding;
      self->labels[i] = SNG_LABEL_NONE;
    }
}

static gboolean
take_array (SngTokenBatch *self, SngStateDict *batch, const char *name, gint64 **array, GError **error)
{
  const gint64 shape[2] = { (gint64) self->n_sequences, (gint64) self->length };
  g_autoptr (GBytes) bytes =
      g_bytes_new_take (g_steal_pointer (array), self->n_sequences * self->length * sizeof (gint64));
  g_autoptr (SngTensor) tensor = sng_tensor_new_from_bytes (SNG_DTYPE_I64, shape, 2, bytes, error);

  if (tensor == NULL)
    return FALSE;

  sng_state_dict_set_tensor (batch, name, tensor);

  return TRUE;
}

SngStateDict *
sng_token_batch_finish (SngTokenBatch *self, SngTensor *sample_ids, GError **error)
{
  g_autoptr (SngStateDict) batch = sng_state_dict_new ();
  gint64 n_targets = 0;
  gboolean succeeded;

  for (gsize i = 0; i < self->n_sequences * self->length; i++)
    n_targets += self->labels[i] != SNG_LABEL_NONE;

  succeeded = take_array (self, batch, "input_ids", &self->input_ids, error)
              && take_array (self, batch, "attention_mask", &self->attention_mask, error)
              && take_array (self, batch, "labels", &self->labels, error);
  g_clear_pointer (&self->input_ids, g_free);
  g_clear_pointer (&self->attention_mask, g_free);
  g_clear_pointer (&self->labels, g_free);

  if (!succeeded)
    return NULL;

  sng_state_dict_set_tensor (batch, "sample_ids", sample_ids);
  sng_state_dict_set_int64 (batch, "n_targets", n_targets);

  return g_steal_pointer (&batch);
}
