/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "nn/sng-transformer-private.h"

/* Where a NaN or an infinity comes from: every tensor of the last forward in the order of its computation. */

typedef struct
{
  const char *name;
  gsize offset; /* in the arena */
  gsize n_columns;
  SngDtype dtype;
} Activation;

static gboolean
is_finite (SngTransformer *self, gconstpointer data, gsize n, SngDtype dtype)
{
  const gint64 shape = (gint64) n, stride = 1;
  SngLayout layout = { dtype, 1, &shape, &stride, shape, TRUE };
  const SngRegion elements = { data, &layout };
  SngBlockSums sums;

  sng_transformer_device_class (self)->fingerprint (self->device, 1, &elements, TRUE, &sums);
  return sums.n_non_finite == 0;
}

/* Vectors and GPT's positions are only added. */
static gboolean
goes_into_products (SngTransformer *self, SngTensor *value, gsize offset)
{
  guint n_dims;

  sng_tensor_get_shape (value, &n_dims);
  return n_dims == 2
         && !(self->settings.architecture == SNG_ARCHITECTURE_GPT && offset == self->layout.positions);
}

/* A value may be finite where the operand that it is rounded to is not: f16 ends at 65504. */
static char *
find_in_parameters (SngTransformer *self)
{
  const char *values = sng_tensor_get_data (self->values);

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->parameters)); i++)
    {
      g_autoptr (SngParameter) parameter = g_list_model_get_item (G_LIST_MODEL (self->parameters), i);
      SngTensor *value = sng_parameter_get_value (parameter);
      const char *data = sng_tensor_get_data (value);
      gsize n = (gsize) sng_tensor_get_n_elements (value);
      gsize offset = (gsize) (data - values) / sng_dtype_get_size (self->kernels->real);

      if (!is_finite (self, data, n, self->kernels->real))
        return g_strdup (sng_parameter_get_name (parameter));
      if (self->operands != NULL && sng_parameter_get_gradient (parameter) != NULL
          && goes_into_products (self, value, offset)
          && !is_finite (self, sng_transformer_parameter (self->operands, offset), n, self->kernels->operand))
        return g_strdup_printf ("%s rounded to %s", sng_parameter_get_name (parameter),
                                sng_dtype_get_name (self->kernels->operand));
    }
  return NULL;
}

static char *
find_in_activations (SngTransformer *self, const char *prefix, const Activation *activations, guint n)
{
  for (guint i = 0; i < n; i++)
    if (!is_finite (self, sng_transformer_activation (self, activations[i].offset),
                    self->batch.n_rows * activations[i].n_columns, activations[i].dtype))
      return g_strconcat (prefix, activations[i].name, NULL);
  return NULL;
}

static char *
find_in_block (SngTransformer *self, guint index)
{
  const SngTransformerSettings *s = &self->settings;
  const SngTransformerActivations *all = &self->activations;
  const SngBlockActivations *a = &all->blocks[index];
  gsize output = index + 1 < s->n_layers ? all->blocks[index + 1].input : all->last;
  SngDtype real = self->kernels->real, operand = self->kernels->operand;
  const Activation activations[] = {
    { "attention norm", a->norm1, s->hidden_size, operand },
    { "attention query, key, value", a->qkv, 3 * s->hidden_size, operand },
    { "attention context", a->context, s->hidden_size, operand },
    { "residual stream behind attention", a->middle, s->hidden_size, real },
    { "feed-forward norm", a->norm2, s->hidden_size, operand },
    { "feed-forward before GELU", a->up, s->ffn_size, operand },
    { "feed-forward behind GELU", a->gelu, s->ffn_size, operand },
    { "residual stream behind feed-forward", output, s->hidden_size, real },
  };
  g_autofree char *prefix = sng_transformer_dup_block_prefix (self, index);

  return find_in_activations (self, prefix, activations, G_N_ELEMENTS (activations));
}

static char *
find_in_head (SngTransformer *self)
{
  const SngTransformerActivations *a = &self->activations;
  gsize n = self->settings.hidden_size;
  SngDtype real = self->kernels->real, operand = self->kernels->operand;
  const Activation final_norm = { "final norm", a->final_norm, n, operand };
  const Activation esm2[] = {
    { "dense before GELU", a->dense, n, real },
    { "dense behind GELU", a->gelu, n, real },
    { "norm", a->head_norm, n, operand },
  };
  /* Spread to the places of the batch, with zeros between them. */
  gsize n_logits = self->batch.n_sequences * self->batch.n_tokens * self->settings.vocab_size;
  char *name = find_in_activations (self, "", &final_norm, 1);

  if (name == NULL && self->settings.architecture == SNG_ARCHITECTURE_ESM2)
    name = find_in_activations (self, "lm_head.", esm2, G_N_ELEMENTS (esm2));
  if (name == NULL && !is_finite (self, sng_transformer_activation (self, a->logits), n_logits, real))
    name = g_strdup ("logits");
  return name;
}

char *
sng_transformer_find_non_finite (SngModel *model, GError **error)
{
  SngTransformer *self = SNG_TRANSFORMER (model);
  const Activation embeddings = { "embeddings", self->activations.blocks[0].input, self->settings.hidden_size,
                                  self->kernels->real };
  char *name = find_in_parameters (self);

  if (name != NULL || !self->batch.has_activations)
    return name;
  name = find_in_activations (self, "", &embeddings, 1);
  for (guint i = 0; name == NULL && i < self->settings.n_layers; i++)
    name = find_in_block (self, i);
  return name != NULL ? name : find_in_head (self);
}
