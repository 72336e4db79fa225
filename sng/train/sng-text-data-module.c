/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "train/sng-text-data-module.h"

#include "sng-error.h"
#include "train/sng-input-file-private.h"
#include "train/sng-sample-split-private.h"
#include "train/sng-token-batch-private.h"

/**
 * SngTextDataModule:
 *
 * The bytes of a text for causal language modelling.
 *
 * A sample is a window of [property@Sng.TextDataModule:max-length] bytes; the
 * windows stand side by side, and what remains at the end is left out. Each byte
 * is a token, 0 to 255, and the label of each is the one that follows.
 *
 * A batch holds, beside "sample_ids" and "n_targets", these i64 tensors of
 * [windows, tokens]:
 *
 * | name | holds |
 * |---|---|
 * | "input_ids" | the bytes |
 * | "attention_mask" | 1 |
 * | "labels" | the byte that follows |
 *
 * The text is in any encoding that has no zero bytes, plain or compressed by
 * gzip. A file that is missing, empty, binary or too short is an error that names
 * it.
 *
 * Since: 1.0
 */

struct _SngTextDataModule
{
  SngDataModule parent_instance;

  char *path;
  guint max_length;
  gint64 n_validation;
  guint64 seed;

  GBytes *text;
  SngSampleSplit *split;
};

G_DEFINE_FINAL_TYPE (SngTextDataModule, sng_text_data_module, SNG_TYPE_DATA_MODULE)

enum
{
  PROP_0,
  PROP_PATH,
  PROP_MAX_LENGTH,
  PROP_N_VALIDATION,
  PROP_SEED,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

static gboolean
sng_text_data_module_setup (SngDataModule *module, GError **error)
{
  SngTextDataModule *self = SNG_TEXT_DATA_MODULE (module);
  g_autoptr (GBytes) text = NULL;

  if (self->path == NULL)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT, "[text] there is no path to read from");
      return FALSE;
    }

  text = sng_input_file_read (self->path, "[text]", error);

  if (text == NULL)
    return FALSE;

  /* The last byte of a window has a label too. */
  self->split = sng_sample_split_new ((g_bytes_get_size (text) - 1) / self->max_length, self->n_validation,
                                      self->seed, "windows", error);

  if (self->split == NULL)
    {
      g_prefix_error (error, "[text] %s: %" G_GSIZE_FORMAT " bytes make windows of %u bytes: ", self->path,
                      g_bytes_get_size (text), self->max_length);
      return FALSE;
    }

  self->text = g_steal_pointer (&text);

  return TRUE;
}

static guint64
sng_text_data_module_get_n_samples (SngDataModule *module, SngStage stage)
{
  SngTextDataModule *self = SNG_TEXT_DATA_MODULE (module);

  return self->split != NULL ? self->split->items[stage]->len : 0;
}

static SngStateDict *
sng_text_data_module_load_batch (SngDataModule *module,
                                 SngStage stage,
                                 SngTensor *sample_ids,
                                 SngRngStream *rng,
                                 GError **error)
{
  SngTextDataModule *self = SNG_TEXT_DATA_MODULE (module);
  g_autoptr (GArray) items = NULL;
  const guint8 *bytes;
  SngTokenBatch batch;

  if (self->split == NULL)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT, "[text] the data module is not set up");
      return NULL;
    }

  items = sng_sample_split_look_up (self->split, stage, sample_ids, error);

  if (items == NULL)
    {
      g_prefix_error (error, "[text] ");
      return NULL;
    }

  bytes = g_bytes_get_data (self->text, NULL);
  sng_token_batch_init (&batch, items->len, self->max_length, 0);

  for (guint i = 0; i < items->len; i++)
    {
      const guint8 *window = bytes + g_array_index (items, gsize, i) * self->max_length;

      for (gsize j = 0; j < self->max_length; j++)
        {
          batch.input_ids[i * batch.length + j] = window[j];
          batch.labels[i * batch.length + j] = window[j + 1];
          batch.attention_mask[i * batch.length + j] = 1;
        }
    }

  return sng_token_batch_finish (&batch, sample_ids, error);
}

static void
sng_text_data_module_finalize (GObject *object)
{
  SngTextDataModule *self = SNG_TEXT_DATA_MODULE (object);

  g_clear_pointer (&self->path, g_free);
  g_clear_pointer (&self->text, g_bytes_unref);
  g_clear_pointer (&self->split, sng_sample_split_free);

  G_OBJECT_CLASS (sng_text_data_module_parent_class)->finalize (object);
}

static void
sng_text_data_module_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  SngTextDataModule *self = SNG_TEXT_DATA_MODULE (object);

  switch (prop_id)
    {
    case PROP_PATH:
      g_value_set_string (value, self->path);
      break;

    case PROP_MAX_LENGTH:
      g_value_set_uint (value, self->max_length);
      break;

    case PROP_N_VALIDATION:
      g_value_set_int64 (value, self->n_validation);
      break;

    case PROP_SEED:
      g_value_set_uint64 (value, self->seed);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
sng_text_data_module_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  SngTextDataModule *self = SNG_TEXT_DATA_MODULE (object);

  switch (prop_id)
    {
    case PROP_PATH:
      self->path = g_value_dup_string (value);
      break;

    case PROP_MAX_LENGTH:
      self->max_length = g_value_get_uint (value);
      break;

    case PROP_N_VALIDATION:
      self->n_validation = g_value_get_int64 (value);
      break;

    case PROP_SEED:
      self->seed = g_value_get_uint64 (value);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
sng_text_data_module_class_init (SngTextDataModuleClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  SngDataModuleClass *module_class = SNG_DATA_MODULE_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  object_class->finalize = sng_text_data_module_finalize;
  object_class->get_property = sng_text_data_module_get_property;
  object_class->set_property = sng_text_data_module_set_property;

  module_class->setup = sng_text_data_module_setup;
  module_class->get_n_samples = sng_text_data_module_get_n_samples;
  module_class->load_batch = sng_text_data_module_load_batch;

  /**
   * SngTextDataModule:path:
   *
   * The text file.
   *
   * Since: 1.0
   */
  properties[PROP_PATH] = g_param_spec_string ("path", NULL, NULL, NULL, flags);

  /**
   * SngTextDataModule:max-length:
   *
   * How many bytes a window has.
   *
   * Since: 1.0
   */
  properties[PROP_MAX_LENGTH] = g_param_spec_uint ("max-length", NULL, NULL, 1, G_MAXINT, 256, flags);

  /**
   * SngTextDataModule:n-validation:
   *
   * How many windows are held out for validation; -1 means a tenth, but at
   * least one.
   *
   * Since: 1.0
   */
  properties[PROP_N_VALIDATION] = g_param_spec_int64 ("n-validation", NULL, NULL, -1, G_MAXINT64, -1, flags);

  /**
   * SngTextDataModule:seed:
   *
   * The seed of the choice of the windows that are held out.
   *
   * Since: 1.0
   */
  properties[PROP_SEED] = g_param_spec_uint64 ("seed", NULL, NULL, 0, G_MAXUINT64, 0, flags);

  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
sng_text_data_module_init (SngTextDataModule *self)
{
}

/**
 * sng_text_data_module_new:
 * @path: a text file, plain or compressed by gzip
 * @max_length: how many bytes a window has, at least one
 *
 * Creates a data module. The file is read by [method@Sng.DataModule.setup].
 *
 * Returns: (transfer full) (type SngTextDataModule): a new data module
 *
 * Since: 1.0
 */
SngDataModule *
sng_text_data_module_new (const char *path, guint max_length)
{
  g_return_val_if_fail (path != NULL, NULL);
  g_return_val_if_fail (max_length > 0, NULL);

  return g_object_new (SNG_TYPE_TEXT_DATA_MODULE, "path", path, "max-length", max_length, NULL);
}
