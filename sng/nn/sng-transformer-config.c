/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "nn/sng-transformer-config-private.h"

#include "sng-enum-types.h"
#include "sng-error.h"
#include "train/sng-esm2-alphabet-private.h"

/**
 * SngTransformerConfig:
 *
 * The shape of a [class@Sng.Transformer].
 *
 * [ctor@Sng.TransformerConfig.new] takes what has no sensible default; the other
 * properties may be set before the model is made. The model takes a copy of the
 * values: a change afterwards has no effect on it.
 *
 * ```c
 * g_autoptr (SngTransformerConfig) config = sng_transformer_config_new (SNG_ARCHITECTURE_ESM2, 6, 320, 20);
 *
 * g_object_set (config, "max-length", 1026, "max-batch-size", 2, "seed", (guint64) 42, NULL);
 * ```
 *
 * Since: 1.0
 */

/**
 * SngArchitecture:
 * @SNG_ARCHITECTURE_ESM2: the protein language model of Lin and others
 *   (*Evolutionary-scale prediction of atomic-level protein structure with a
 *   language model*, Science 2023): bidirectional, rotary positions, trained on
 *   masked tokens
 * @SNG_ARCHITECTURE_GPT: the language model of Radford and others (*Language
 *   models are unsupervised multitask learners*, 2019): causal, learned positions
 *
 * The kinds of transformer.
 *
 * Since: 1.0
 */

struct _SngTransformerConfig
{
  GObject parent_instance;

  /* as set: a size of 0 and a dropout below 0 stand for the architecture's default */
  SngTransformerSettings set;
};

enum
{
  PROP_0,
  PROP_ARCHITECTURE,
  PROP_N_LAYERS,
  PROP_HIDDEN_SIZE,
  PROP_N_HEADS,
  PROP_FFN_SIZE,
  PROP_VOCAB_SIZE,
  PROP_MAX_LENGTH,
  PROP_MAX_BATCH_SIZE,
  PROP_HIDDEN_DROPOUT,
  PROP_ATTENTION_DROPOUT,
  PROP_LAYER_NORM_EPSILON,
  PROP_TOKEN_DROPOUT,
  PROP_DTYPE,
  PROP_SEED,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

G_DEFINE_FINAL_TYPE (SngTransformerConfig, sng_transformer_config, G_TYPE_OBJECT)

#define GPT_VOCAB_SIZE 256
#define GPT_DROPOUT 0.1
#define MAX_OPERATIONS (1u << 20) /* of dropout, see SngDropout */

/* The values with the defaults filled in. */
static SngTransformerSettings
resolve (SngTransformerConfig *self)
{
  SngTransformerSettings settings = self->set;
  gboolean is_gpt = settings.architecture == SNG_ARCHITECTURE_GPT;

  if (settings.ffn_size == 0)
    settings.ffn_size = 4 * settings.hidden_size;
  if (settings.vocab_size == 0)
    settings.vocab_size = is_gpt ? GPT_VOCAB_SIZE : SNG_ESM2_N_TOKENS;
  if (settings.hidden_dropout < 0)
    settings.hidden_dropout = is_gpt ? GPT_DROPOUT : 0;
  if (settings.attention_dropout < 0)
    settings.attention_dropout = is_gpt ? GPT_DROPOUT : 0;
  settings.head_size = settings.n_heads > 0 ? settings.hidden_size / settings.n_heads : 0;
  return settings;
}

static gboolean
check_heads (const SngTransformerSettings *settings, GError **error)
{
  if (settings->hidden_size % settings->n_heads != 0)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "[transformer][config] hidden-size %u is not a multiple of n-heads %u",
                   settings->hidden_size, settings->n_heads);
      return FALSE;
    }
  if (settings->architecture == SNG_ARCHITECTURE_ESM2 && settings->head_size % 2 != 0)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "[transformer][config] rotary positions need heads of an even size; hidden-size %u by "
                   "n-heads %u is %u",
                   settings->hidden_size, settings->n_heads, settings->head_size);
      return FALSE;
    }
  if ((guint64) settings->n_layers * (settings->n_heads + 2) + 1 >= MAX_OPERATIONS)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "[transformer][config] n-layers %u with n-heads %u is more than the %u operations that "
                   "dropout can tell apart",
                   settings->n_layers, settings->n_heads, MAX_OPERATIONS);
      return FALSE;
    }
  return TRUE;
}

gboolean
sng_transformer_config_get_settings (SngTransformerConfig *self,
                                     SngTransformerSettings *settings,
                                     GError **error)
{
  *settings = resolve (self);

  if (!check_heads (settings, error))
    return FALSE;
  if (settings->architecture == SNG_ARCHITECTURE_ESM2 && settings->vocab_size < SNG_ESM2_N_TOKENS)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "[transformer][config] vocab-size %u is less than the %d tokens of ESM-2's alphabet",
                   settings->vocab_size, SNG_ESM2_N_TOKENS);
      return FALSE;
    }
  if (settings->dtype != SNG_DTYPE_F32 && settings->dtype != SNG_DTYPE_F64)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED,
                   "[transformer][config] dtype is %s; a transformer computes in F32 or F64",
                   sng_dtype_get_name (settings->dtype));
      return FALSE;
    }
  return TRUE;
}

static void
sng_transformer_config_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  SngTransformerSettings settings = resolve (SNG_TRANSFORMER_CONFIG (object));

  switch (prop_id)
    {
    case PROP_ARCHITECTURE:
      g_value_set_enum (value, settings.architecture);
      break;
    case PROP_N_LAYERS:
      g_value_set_uint (value, settings.n_layers);
      break;
    case PROP_HIDDEN_SIZE:
      g_value_set_uint (value, settings.hidden_size);
      break;
    case PROP_N_HEADS:
      g_value_set_uint (value, settings.n_heads);
      break;
    case PROP_FFN_SIZE:
      g_value_set_uint (value, settings.ffn_size);
      break;
    case PROP_VOCAB_SIZE:
      g_value_set_uint (value, settings.vocab_size);
      break;
    case PROP_MAX_LENGTH:
      g_value_set_uint (value, settings.max_length);
      break;
    case PROP_MAX_BATCH_SIZE:
      g_value_set_uint (value, settings.max_batch_size);
      break;
    case PROP_HIDDEN_DROPOUT:
      g_value_set_double (value, settings.hidden_dropout);
      break;
    case PROP_ATTENTION_DROPOUT:
      g_value_set_double (value, settings.attention_dropout);
      break;
    case PROP_LAYER_NORM_EPSILON:
      g_value_set_double (value, settings.layer_norm_epsilon);
      break;
    case PROP_TOKEN_DROPOUT:
      g_value_set_boolean (value, settings.token_dropout);
      break;
    case PROP_DTYPE:
      g_value_set_enum (value, settings.dtype);
      break;
    case PROP_SEED:
      g_value_set_uint64 (value, settings.seed);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static gboolean
set_uint (guint *field, const GValue *value)
{
  guint before = *field;

  *field = g_value_get_uint (value);
  return *field != before;
}

static gboolean
set_double (double *field, const GValue *value)
{
  double before = *field;

  *field = g_value_get_double (value);
  return *field != before;
}

static gboolean
set_enum (int *field, const GValue *value)
{
  int before = *field;

  *field = g_value_get_enum (value);
  return *field != before;
}

static gboolean
set_boolean (gboolean *field, const GValue *value)
{
  gboolean before = *field;

  *field = g_value_get_boolean (value);
  return *field != before;
}

static gboolean
set_uint64 (guint64 *field, const GValue *value)
{
  guint64 before = *field;

  *field = g_value_get_uint64 (value);
  return *field != before;
}

static void
sng_transformer_config_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  SngTransformerSettings *set = &SNG_TRANSFORMER_CONFIG (object)->set;
  gboolean changed = FALSE;

  switch (prop_id)
    {
    case PROP_ARCHITECTURE:
      changed = set_enum ((int *) &set->architecture, value);
      break;
    case PROP_N_LAYERS:
      changed = set_uint (&set->n_layers, value);
      break;
    case PROP_HIDDEN_SIZE:
      changed = set_uint (&set->hidden_size, value);
      break;
    case PROP_N_HEADS:
      changed = set_uint (&set->n_heads, value);
      break;
    case PROP_FFN_SIZE:
      changed = set_uint (&set->ffn_size, value);
      break;
    case PROP_VOCAB_SIZE:
      changed = set_uint (&set->vocab_size, value);
      break;
    case PROP_MAX_LENGTH:
      changed = set_uint (&set->max_length, value);
      break;
    case PROP_MAX_BATCH_SIZE:
      changed = set_uint (&set->max_batch_size, value);
      break;
    case PROP_HIDDEN_DROPOUT:
      changed = set_double (&set->hidden_dropout, value);
      break;
    case PROP_ATTENTION_DROPOUT:
      changed = set_double (&set->attention_dropout, value);
      break;
    case PROP_LAYER_NORM_EPSILON:
      changed = set_double (&set->layer_norm_epsilon, value);
      break;
    case PROP_TOKEN_DROPOUT:
      changed = set_boolean (&set->token_dropout, value);
      break;
    case PROP_DTYPE:
      changed = set_enum ((int *) &set->dtype, value);
      break;
    case PROP_SEED:
      changed = set_uint64 (&set->seed, value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }

  if (changed)
    g_object_notify_by_pspec (object, pspec);
}

#define FLAGS (G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS)
#define MAX_SIZE (1u << 24) /* kernels count columns in 32 bits, and blocks of a thousand of them in 16 */

static void
install_sizes (void)
{
  /**
   * SngTransformerConfig:n-layers:
   *
   * How many blocks of attention and feed-forward.
   *
   * Since: 1.0
   */
  properties[PROP_N_LAYERS] = g_param_spec_uint ("n-layers", NULL, NULL, 1, 4096, 3, FLAGS);

  /**
   * SngTransformerConfig:hidden-size:
   *
   * The width of a token, a multiple of [property@Sng.TransformerConfig:n-heads].
   *
   * Since: 1.0
   */
  properties[PROP_HIDDEN_SIZE] = g_param_spec_uint ("hidden-size", NULL, NULL, 1, MAX_SIZE, 128, FLAGS);

  /**
   * SngTransformerConfig:n-heads:
   *
   * How many heads the attention has.
   *
   * Since: 1.0
   */
  properties[PROP_N_HEADS] = g_param_spec_uint ("n-heads", NULL, NULL, 1, 65536, 4, FLAGS);

  /**
   * SngTransformerConfig:ffn-size:
   *
   * The width of the feed-forward layer; 0 for four times the hidden size.
   *
   * Since: 1.0
   */
  properties[PROP_FFN_SIZE] = g_param_spec_uint ("ffn-size", NULL, NULL, 0, MAX_SIZE, 0, FLAGS);

  /**
   * SngTransformerConfig:vocab-size:
   *
   * How many tokens there are; 0 for the architecture's own: 33 for ESM-2, 256
   * (the bytes) for GPT.
   *
   * Since: 1.0
   */
  properties[PROP_VOCAB_SIZE] = g_param_spec_uint ("vocab-size", NULL, NULL, 0, MAX_SIZE, 0, FLAGS);

  /**
   * SngTransformerConfig:max-length:
   *
   * The longest sequence, in tokens. Memory is planned for it.
   *
   * Since: 1.0
   */
  properties[PROP_MAX_LENGTH] = g_param_spec_uint ("max-length", NULL, NULL, 1, MAX_SIZE, 1024, FLAGS);

  /**
   * SngTransformerConfig:max-batch-size:
   *
   * The most sequences in a batch. Memory is planned for it.
   *
   * Since: 1.0
   */
  properties[PROP_MAX_BATCH_SIZE] = g_param_spec_uint ("max-batch-size", NULL, NULL, 1, MAX_SIZE, 2, FLAGS);
}

static void
install_settings (void)
{
  /**
   * SngTransformerConfig:architecture:
   *
   * The kind of transformer.
   *
   * Since: 1.0
   */
  properties[PROP_ARCHITECTURE] =
      g_param_spec_enum ("architecture", NULL, NULL, SNG_TYPE_ARCHITECTURE, SNG_ARCHITECTURE_ESM2, FLAGS);

  /**
   * SngTransformerConfig:hidden-dropout:
   *
   * The share of the elements of each branch that training drops before it joins
   * the residual stream, below 1; with GPT also of the embeddings. A negative
   * value stands for the architecture's own: 0 for ESM-2, 0.1 for GPT.
   *
   * Since: 1.0
   */
  properties[PROP_HIDDEN_DROPOUT] = g_param_spec_double ("hidden-dropout", NULL, NULL, -1, 0.999, -1, FLAGS);

  /**
   * SngTransformerConfig:attention-dropout:
   *
   * The share of the attention probabilities that training drops, below 1. A
   * negative value stands for the architecture's own: 0 for ESM-2, 0.1 for GPT.
   *
   * Since: 1.0
   */
  properties[PROP_ATTENTION_DROPOUT] =
      g_param_spec_double ("attention-dropout", NULL, NULL, -1, 0.999, -1, FLAGS);

  /**
   * SngTransformerConfig:layer-norm-epsilon:
   *
   * What is added to the variance in layer normalisation.
   *
   * Since: 1.0
   */
  properties[PROP_LAYER_NORM_EPSILON] =
      g_param_spec_double ("layer-norm-epsilon", NULL, NULL, 0, 1, 1e-5, FLAGS);

  /**
   * SngTransformerConfig:token-dropout:
   *
   * Whether ESM-2 takes `<mask>` tokens as dropped inputs: zeros, with the other
   * tokens of the sequence scaled to make up for them. GPT has no such thing.
   *
   * Since: 1.0
   */
  properties[PROP_TOKEN_DROPOUT] = g_param_spec_boolean ("token-dropout", NULL, NULL, TRUE, FLAGS);

  /**
   * SngTransformerConfig:dtype:
   *
   * What the model computes in: %SNG_DTYPE_F32, or %SNG_DTYPE_F64 to check
   * gradients numerically.
   *
   * Since: 1.0
   */
  properties[PROP_DTYPE] = g_param_spec_enum ("dtype", NULL, NULL, SNG_TYPE_DTYPE, SNG_DTYPE_F32, FLAGS);

  /**
   * SngTransformerConfig:seed:
   *
   * The seed of the initial weights and of dropout.
   *
   * Since: 1.0
   */
  properties[PROP_SEED] = g_param_spec_uint64 ("seed", NULL, NULL, 0, G_MAXUINT64, 0, FLAGS);
}

static void
sng_transformer_config_class_init (SngTransformerConfigClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = sng_transformer_config_get_property;
  object_class->set_property = sng_transformer_config_set_property;

  install_sizes ();
  install_settings ();
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
sng_transformer_config_init (SngTransformerConfig *self)
{
}

/**
 * sng_transformer_config_new:
 * @architecture: the kind of transformer
 * @n_layers: how many blocks
 * @hidden_size: the width of a token, a multiple of @n_heads
 * @n_heads: how many heads the attention has
 *
 * Creates a configuration with defaults for everything else.
 *
 * Returns: (transfer full): a new configuration
 *
 * Since: 1.0
 */
SngTransformerConfig *
sng_transformer_config_new (SngArchitecture architecture, guint n_layers, guint hidden_size, guint n_heads)
{
  return g_object_new (SNG_TYPE_TRANSFORMER_CONFIG, "architecture", architecture, "n-layers", n_layers,
                       "hidden-size", hidden_size, "n-heads", n_heads, NULL);
}
