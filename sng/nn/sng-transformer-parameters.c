/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "nn/sng-transformer-private.h"

#include <math.h>
#include "tensor/sng-philox-private.h"

/* Names, shapes and places of the parameters, and their first values. Names and shapes are those of Hugging Face's
 * EsmForMaskedLM and GPT2LMHeadModel, so that a model.safetensors of either loads in the other place. */

#define ALIGNMENT 16 /* elements */
#define INITIAL_DEVIATION 0.02

typedef struct
{
  char *name;
  gint64 shape[2];
  guint n_dims;
  gsize offset;
  double deviation; /* of the normal distribution of the first values; 0: they are all constant */
  double constant;
  gboolean are_frequencies; /* of the rotary positions */
} Entry;

typedef struct
{
  GArray *entries; /* of Entry */
  gsize total;
} Layout;

static void
entry_clear (gpointer data)
{
  g_free (((Entry *) data)->name);
}

static gsize
add (Layout *layout,
     const char *prefix,
     const char *name,
     gsize n_rows, /* 0: a vector */
     gsize n_columns,
     double deviation,
     double constant)
{
  Entry entry = {
    .name = g_strconcat (prefix, name, NULL),
    .shape = { (gint64) (n_rows > 0 ? n_rows : n_columns), (gint64) n_columns },
    .n_dims = n_rows > 0 ? 2 : 1,
    .offset = layout->total,
    .deviation = deviation,
    .constant = constant,
  };

  layout->total += MAX (n_rows, 1) * n_columns;
  g_array_append_val (layout->entries, entry);
  return entry.offset;
}

/* What follows starts on a boundary. What is added without this in between lies behind each other. */
static void
align (Layout *layout)
{
  layout->total = (layout->total + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static gsize
add_matrix (Layout *layout, const char *prefix, const char *name, gsize n_rows, gsize n_columns)
{
  align (layout);
  return add (layout, prefix, name, n_rows, n_columns, INITIAL_DEVIATION, 0);
}

static gsize
add_vector (Layout *layout, const char *prefix, const char *name, gsize n, double value)
{
  align (layout);
  return add (layout, prefix, name, 0, n, 0, value);
}

static SngAffine
add_norm (Layout *layout, const char *prefix, const char *name, gsize n)
{
  g_autofree char *full = g_strconcat (prefix, name, NULL);
  SngAffine affine;

  affine.weight = add_vector (layout, full, ".weight", n, 1);
  affine.bias = add_vector (layout, full, ".bias", n, 0);
  return affine;
}

/* [outputs, inputs], as torch.nn.Linear */
static SngAffine
add_linear (Layout *layout, const char *prefix, const char *name, gsize n_inputs, gsize n_outputs)
{
  g_autofree char *full = g_strconcat (prefix, name, NULL);
  SngAffine affine;

  affine.weight = add_matrix (layout, full, ".weight", n_outputs, n_inputs);
  affine.bias = add_vector (layout, full, ".bias", n_outputs, 0);
  return affine;
}

/* [inputs, outputs], as GPT-2's Conv1D */
static SngAffine
add_conv1d (Layout *layout,
            const char *prefix,
            const char *name,
            gsize n_inputs,
            gsize n_outputs,
            double deviation)
{
  g_autofree char *full = g_strconcat (prefix, name, NULL);
  SngAffine affine;

  align (layout);
  affine.weight = add (layout, full, ".weight", n_inputs, n_outputs, deviation, 0);
  affine.bias = add_vector (layout, full, ".bias", n_outputs, 0);
  return affine;
}

/* What the names of a block's parameters begin with. */
char *
sng_transformer_dup_block_prefix (SngTransformer *self, guint index)
{
  return g_strdup_printf (self->settings.architecture == SNG_ARCHITECTURE_GPT ? "transformer.h.%u."
                                                                              : "esm.encoder.layer.%u.",
                          index);
}

static void
lay_out_esm2_block (SngTransformer *self, Layout *layout, guint index)
{
  g_autofree char *prefix = sng_transformer_dup_block_prefix (self, index);
  SngBlockParameters *block = &self->layout.blocks[index];
  gsize n = self->settings.hidden_size;

  block->norm1 = add_norm (layout, prefix, "attention.LayerNorm", n);
  block->qkv.weight = add_matrix (layout, prefix, "attention.self.query.weight", n, n);
  add (layout, prefix, "attention.self.key.weight", n, n, INITIAL_DEVIATION, 0);
  add (layout, prefix, "attention.self.value.weight", n, n, INITIAL_DEVIATION, 0);
  block->qkv.bias = add_vector (layout, prefix, "attention.self.query.bias", n, 0);
  add (layout, prefix, "attention.self.key.bias", 0, n, 0, 0);
  add (layout, prefix, "attention.self.value.bias", 0, n, 0, 0);
  block->projection = add_linear (layout, prefix, "attention.output.dense", n, n);
  block->norm2 = add_norm (layout, prefix, "LayerNorm", n);
  block->up = add_linear (layout, prefix, "intermediate.dense", n, self->settings.ffn_size);
  block->down = add_linear (layout, prefix, "output.dense", self->settings.ffn_size, n);
}

static void
lay_out_esm2 (SngTransformer *self, Layout *layout)
{
  const SngTransformerSettings *s = &self->settings;

  self->layout.words =
      add_matrix (layout, "", "esm.embeddings.word_embeddings.weight", s->vocab_size, s->hidden_size);
  for (guint i = 0; i < s->n_layers; i++)
    lay_out_esm2_block (self, layout, i);
  self->layout.final_norm = add_norm (layout, "", "esm.encoder.emb_layer_norm_after", s->hidden_size);
  self->layout.decoder_bias = add_vector (layout, "", "lm_head.bias", s->vocab_size, 0);
  self->layout.dense = add_linear (layout, "", "lm_head.dense", s->hidden_size, s->hidden_size);
  self->layout.head_norm = add_norm (layout, "", "lm_head.layer_norm", s->hidden_size);
}

/* The head that predicts contacts is part of the published model; language modelling does not train it. */
static void
lay_out_esm2_untrained (SngTransformer *self, Layout *layout)
{
  add_vector (layout, "", SNG_ROTARY_FREQUENCIES, self->settings.head_size / 2, 0);
  g_array_index (layout->entries, Entry, layout->entries->len - 1).are_frequencies = TRUE;
  add_linear (layout, "", "esm.contact_head.regression",
              (gsize) self->settings.n_layers * self->settings.n_heads, 1);
}

/* Radford and others (2019) scale what is added to the residual stream by the square root of how often that happens. */
static void
lay_out_gpt_block (SngTransformer *self, Layout *layout, guint index)
{
  g_autofree char *prefix = sng_transformer_dup_block_prefix (self, index);
  SngBlockParameters *block = &self->layout.blocks[index];
  gsize n = self->settings.hidden_size;
  double residual_deviation = INITIAL_DEVIATION / sqrt (2.0 * self->settings.n_layers);

  block->norm1 = add_norm (layout, prefix, "ln_1", n);
  block->qkv = add_conv1d (layout, prefix, "attn.c_attn", n, 3 * n, INITIAL_DEVIATION);
  block->projection = add_conv1d (layout, prefix, "attn.c_proj", n, n, residual_deviation);
  block->norm2 = add_norm (layout, prefix, "ln_2", n);
  block->up = add_conv1d (layout, prefix, "mlp.c_fc", n, self->settings.ffn_size, INITIAL_DEVIATION);
  block->down = add_conv1d (layout, prefix, "mlp.c_proj", self->settings.ffn_size, n, residual_deviation);
}

static void
lay_out_gpt (SngTransformer *self, Layout *layout)
{
  const SngTransformerSettings *s = &self->settings;

  self->layout.words = add_matrix (layout, "", "transformer.wte.weight", s->vocab_size, s->hidden_size);
  self->layout.positions = add_matrix (layout, "", "transformer.wpe.weight", s->max_length, s->hidden_size);
  for (guint i = 0; i < s->n_layers; i++)
    lay_out_gpt_block (self, layout, i);
  self->layout.final_norm = add_norm (layout, "", "transformer.ln_f", s->hidden_size);
}

double
sng_transformer_rotary_frequency (SngTransformer *self, gsize pair)
{
  double exponent = (double) (2 * pair) / self->settings.head_size;

  return self->settings.dtype == SNG_DTYPE_F32 ? 1.0f / powf ((float) SNG_ROTARY_BASE, (float) exponent)
                                               : 1.0 / pow (SNG_ROTARY_BASE, exponent);
}

/* Four normal numbers from four words (Box, Muller: A note on the generation of random normal deviates, 1958). */
static void
draw_normals (guint64 key, guint64 index, double normals[4])
{
  const guint32 counter[4] = { (guint32) index, (guint32) (index >> 32), 0, 0x80000000u };
  guint32 words[4];

  sng_philox4x32 (key, counter, words);
  for (int i = 0; i < 4; i += 2)
    {
      double radius = sqrt (-2 * log ((words[i] + 0.5) / 4294967296.0));
      double angle = 2 * G_PI * (words[i + 1] / 4294967296.0);

      normals[i] = radius * cos (angle);
      normals[i + 1] = radius * sin (angle);
    }
}

/* A pure function of seed and name. */
static void
draw_first_values (SngTransformer *self, const Entry *entry, gpointer values, gsize n)
{
  g_autofree char *purpose = g_strconcat ("init/", entry->name, NULL);
  g_autoptr (SngRngStream) stream = sng_rng_stream_new (self->settings.seed, purpose, 0);
  guint64 key = sng_rng_stream_get_key (stream);
  double normals[4] = { 0 };

  for (gsize i = 0; i < n; i++)
    {
      double value = entry->constant;

      if (entry->deviation > 0)
        {
          if (i % 4 == 0)
            draw_normals (key, i / 4, normals);
          value = entry->deviation * normals[i % 4];
        }
      else if (entry->are_frequencies)
        {
          value = sng_transformer_rotary_frequency (self, i);
        }
      if (self->settings.dtype == SNG_DTYPE_F32)
        ((float *) values)[i] = (float) value;
      else
        ((double *) values)[i] = value;
    }
}

static SngTensor *
make_view (SngTensor *flat, const Entry *entry, GError **error)
{
  const gint64 strides[] = { entry->n_dims == 2 ? entry->shape[1] : 1, 1 };

  return sng_tensor_new_view (flat, (gint64) entry->offset, entry->shape, entry->n_dims, strides,
                              entry->n_dims, error);
}

static gboolean
make_parameter (SngTransformer *self, const Entry *entry, gsize n_trained, GError **error)
{
  gsize n = (gsize) (entry->shape[0] * (entry->n_dims == 2 ? entry->shape[1] : 1));
  gsize n_bytes = n * sng_dtype_get_size (self->settings.dtype);
  g_autofree gpointer values = g_malloc (n_bytes);
  g_autoptr (SngTensor) value = make_view (self->values, entry, error);
  g_autoptr (SngTensor) gradient = NULL;
  g_autoptr (SngParameter) parameter = NULL;

  if (value == NULL)
    return FALSE;
  if (entry->offset < n_trained)
    {
      gradient = make_view (self->gradients, entry, error);
      if (gradient == NULL)
        return FALSE;
    }
  draw_first_values (self, entry, values, n);
  if (!sng_transformer_device_class (self)->upload (self->device, sng_tensor_get_data (value), values,
                                                    n_bytes, error))
    return FALSE;

  parameter = sng_parameter_new (entry->name, value, gradient);
  g_list_store_append (self->parameters, parameter);
  return TRUE;
}

gboolean
sng_transformer_make_parameters (SngTransformer *self, GError **error)
{
  g_autoptr (GArray) entries = g_array_new (FALSE, FALSE, sizeof (Entry));
  Layout layout = { .entries = entries };
  gint64 n_trained, n_values;

  g_array_set_clear_func (entries, entry_clear);
  self->layout.blocks = g_new0 (SngBlockParameters, self->settings.n_layers);
  if (self->settings.architecture == SNG_ARCHITECTURE_GPT)
    lay_out_gpt (self, &layout);
  else
    lay_out_esm2 (self, &layout);
  align (&layout);
  n_trained = (gint64) layout.total;
  if (self->settings.architecture == SNG_ARCHITECTURE_ESM2)
    lay_out_esm2_untrained (self, &layout);
  n_values = (gint64) layout.total;

  self->values = sng_tensor_new (self->settings.dtype, &n_values, 1, self->device, error);
  if (self->values == NULL)
    return FALSE;
  self->gradients = sng_tensor_new (self->settings.dtype, &n_trained, 1, self->device, error);
  if (self->gradients == NULL)
    return FALSE;

  self->parameters = g_list_store_new (SNG_TYPE_PARAMETER);
  for (guint i = 0; i < entries->len; i++)
    if (!make_parameter (self, &g_array_index (entries, Entry, i), (gsize) n_trained, error))
      return FALSE;
  return TRUE;
}
