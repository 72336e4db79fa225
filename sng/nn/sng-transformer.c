/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "nn/sng-transformer-private.h"

#include "sng-error.h"

/**
 * SngTransformer:
 *
 * A language model: ESM-2 on proteins or GPT on text.
 *
 * It computes what Hugging Face's `EsmForMaskedLM` and `GPT2LMHeadModel` compute,
 * under the same parameter names and shapes.
 *
 * A batch for [method@Sng.Model.forward] holds these tensors, all i64 of the
 * shape [sequences, tokens]:
 *
 * - `input_ids`, each in [0, vocab-size);
 * - `attention_mask` (optional): 1 for a token, 0 for padding. Each sequence
 *   needs a token;
 * - `labels` (optional): the token to predict at each place, -100 where there is
 *   none. They are used as they are: for a causal model the data module has
 *   shifted them. In the padding behind the last token of a sequence there is
 *   nothing to predict: a label there is an error.
 *
 * The padding behind the last token of a sequence costs nothing: it is left out
 * before the first layer, and which ids it has does not matter.
 *
 * The outputs hold `logits`, [sequences, tokens, vocab-size] in the model's dtype,
 * with zeros in the padding that was left out, a view into the model's memory that
 * is valid until the next forward; and, with labels, `loss`: the mean cross entropy
 * over the labels, 0 where there is none.
 *
 * A forward in %SNG_STAGE_TRAIN keeps what [method@Sng.Model.backward] needs, until
 * the next forward of either stage. It advances the stream `rng/dropout`, which
 * the model registers with [method@Sng.Model.register_state], by the number of
 * sequences, whether anything is dropped or not. A forward in %SNG_STAGE_VALIDATE
 * drops nothing and changes neither the stream nor a gradient.
 *
 * With [method@Sng.Model.set_precision] a model of dtype %SNG_DTYPE_F32 computes in
 * mixed precision: weights and what is kept of the activations are rounded to
 * 16 bits where they go into a product, and products are summed in 32. The
 * residual stream, statistics, logits, parameters, gradients and the state stay in
 * 32 bits.
 *
 * Its state is that of `EsmForMaskedLM` or `GPT2LMHeadModel` too, where what is tied is there
 * once. Two parts of it have no gradient: ESM-2's head that predicts contacts, and
 * `esm.rotary_embeddings.inv_freq`, the frequencies of its rotary positions, which are always
 * those of the base 10000. So a `model.safetensors` of a checkpoint loads there, and
 * [method@Sng.Model.load_weights] takes a file that `save_pretrained` wrote: with or without the
 * prefix of the model below the head, with LayerNorms' `gamma` and `beta`, with tied tensors twice
 * if they are equal, and with buffers that follow from the configuration. One of another base is
 * refused.
 *
 * All memory is planned when the model is made or its precision is set, for
 * [property@Sng.TransformerConfig:max-batch-size] sequences of
 * [property@Sng.TransformerConfig:max-length] tokens. The parameters lie in one
 * piece of memory and their gradients in another.
 *
 * The same inputs yield the same bits for any number of threads. A model is used by
 * one thread at a time.
 *
 * ```c
 * g_autoptr (SngTransformerConfig) config = sng_transformer_config_new (SNG_ARCHITECTURE_ESM2, 6, 320, 20);
 * g_autoptr (SngModel) model = sng_transformer_new (config, NULL, &error);
 * g_autoptr (SngStateDict) outputs = sng_model_forward (model, batch, SNG_STAGE_TRAIN, &error);
 * ```
 *
 * Since: 1.0
 */

enum
{
  PROP_0,
  PROP_CONFIG,
  PROP_DEVICE,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

static void sng_transformer_initable_init (GInitableIface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (SngTransformer,
                               sng_transformer,
                               SNG_TYPE_MODEL,
                               G_IMPLEMENT_INTERFACE (G_TYPE_INITABLE, sng_transformer_initable_init))

static gboolean
sng_transformer_initable_real_init (GInitable *initable, GCancellable *cancellable, GError **error)
{
  SngTransformer *self = SNG_TRANSFORMER (initable);

  if (self->config == NULL)
    {
      g_set_error_literal (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                           "[transformer][new] there is no config");
      return FALSE;
    }
  if (self->device == NULL)
    self->device = g_object_ref (sng_device_get_default ());
  if (!sng_transformer_config_get_settings (self->config, &self->settings, error))
    return FALSE;

  self->dropout = sng_rng_stream_new (self->settings.seed, "dropout", 0);
  return sng_transformer_make_parameters (self, error) && sng_transformer_make_inputs (self, error)
         && sng_transformer_set_precision (SNG_MODEL (self), SNG_PRECISION_32, error);
}

static void
sng_transformer_initable_init (GInitableIface *iface)
{
  iface->init = sng_transformer_initable_real_init;
}

static GListModel *
sng_transformer_get_parameters (SngModel *model, GError **error)
{
  return G_LIST_MODEL (g_object_ref (SNG_TRANSFORMER (model)->parameters));
}

static gboolean
sng_transformer_zero_gradients (SngModel *model, GError **error)
{
  SngTransformer *self = SNG_TRANSFORMER (model);

  sng_transformer_device_class (self)->zero (self->device, sng_tensor_get_data (self->gradients),
                                             sng_tensor_get_n_bytes (self->gradients));
  return TRUE;
}

static gboolean
sng_transformer_register_state (SngModel *model, SngStateRegistry *registry, GError **error)
{
  return sng_state_registry_add (registry, "rng/dropout", SNG_STATEFUL (SNG_TRANSFORMER (model)->dropout),
                                 error);
}

static void
sng_transformer_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  SngTransformer *self = SNG_TRANSFORMER (object);

  switch (prop_id)
    {
    case PROP_CONFIG:
      g_value_set_object (value, self->config);
      break;
    case PROP_DEVICE:
      g_value_set_object (value, self->device);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
sng_transformer_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  SngTransformer *self = SNG_TRANSFORMER (object);

  switch (prop_id)
    {
    case PROP_CONFIG:
      self->config = g_value_dup_object (value);
      break;
    case PROP_DEVICE:
      self->device = g_value_dup_object (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
sng_transformer_finalize (GObject *object)
{
  SngTransformer *self = SNG_TRANSFORMER (object);

  g_clear_object (&self->parameters);
  g_clear_object (&self->values);
  g_clear_object (&self->gradients);
  g_clear_object (&self->arena);
  g_clear_object (&self->operands);
  g_clear_object (&self->inputs);
  g_clear_object (&self->losses);
  g_clear_object (&self->dropout);
  g_clear_object (&self->config);
  g_clear_object (&self->device);
  g_free (self->layout.blocks);
  g_free (self->activations.blocks);
  g_free (self->host_inputs);
  g_free (self->host_losses);

  G_OBJECT_CLASS (sng_transformer_parent_class)->finalize (object);
}

static void
sng_transformer_class_init (SngTransformerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  SngModelClass *model_class = SNG_MODEL_CLASS (klass);

  object_class->get_property = sng_transformer_get_property;
  object_class->set_property = sng_transformer_set_property;
  object_class->finalize = sng_transformer_finalize;
  model_class->get_parameters = sng_transformer_get_parameters;
  model_class->forward = sng_transformer_forward;
  model_class->backward = sng_transformer_backward;
  model_class->zero_gradients = sng_transformer_zero_gradients;
  model_class->register_state = sng_transformer_register_state;
  model_class->set_precision = sng_transformer_set_precision;
  model_class->find_non_finite = sng_transformer_find_non_finite;
  model_class->import_weights = sng_transformer_import_weights;

  /**
   * SngTransformer:config: (getter get_config)
   *
   * The configuration that the model was made from.
   *
   * Since: 1.0
   */
  properties[PROP_CONFIG] =
      g_param_spec_object ("config", NULL, NULL, SNG_TYPE_TRANSFORMER_CONFIG,
                           G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * SngTransformer:device:
   *
   * The device that the model computes on.
   *
   * Since: 1.0
   */
  properties[PROP_DEVICE] =
      g_param_spec_object ("device", NULL, NULL, SNG_TYPE_DEVICE,
                           G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
sng_transformer_init (SngTransformer *self)
{
}

/**
 * sng_transformer_new:
 * @config: the shape of the model
 * @device: (nullable): the device to compute on, or %NULL for the default one
 * @error: return location for a #GError
 *
 * Creates a model. The weights are drawn from normal distributions, and depend on
 * nothing but [property@Sng.TransformerConfig:seed] and the parameter's name.
 *
 * Fails with %SNG_ERROR_INVALID_ARGUMENT where the values of @config do not fit
 * together, and with %SNG_ERROR_NOT_SUPPORTED where the device does not compute in
 * its dtype.
 *
 * Returns: (transfer full) (nullable): a new model, or %NULL with @error set
 *
 * Since: 1.0
 */
SngModel *
sng_transformer_new (SngTransformerConfig *config, SngDevice *device, GError **error)
{
  g_return_val_if_fail (SNG_IS_TRANSFORMER_CONFIG (config), NULL);

  return g_initable_new (SNG_TYPE_TRANSFORMER, NULL, error, "config", config, "device", device, NULL);
}

/**
 * sng_transformer_get_config: (get-property config)
 * @self: a transformer
 *
 * Gets the configuration that the model was made from.
 *
 * Returns: (transfer none): the configuration
 *
 * Since: 1.0
 */
SngTransformerConfig *
sng_transformer_get_config (SngTransformer *self)
{
  g_return_val_if_fail (SNG_IS_TRANSFORMER (self), NULL);

  return self->config;
}
