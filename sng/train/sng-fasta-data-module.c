/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "train/sng-fasta-data-module.h"

#include "sng-error.h"
#include "train/sng-esm2-alphabet-private.h"
#include "train/sng-fasta-file-private.h"
#include "train/sng-input-file-private.h"
#include "train/sng-sample-split-private.h"
#include "train/sng-token-batch-private.h"

/**
 * SngFastaDataModule:
 *
 * Proteins for masked language modelling, in ESM-2's alphabet.
 *
 * A sample is a sequence of a FASTA file, between the tokens `<cls>` and `<eos>`.
 * One that is longer than [property@Sng.FastaDataModule:max-length] is cropped at
 * a place that is drawn anew each time. The sequences of a batch are padded to
 * the longest of them.
 *
 * Each residue is a target with
 * [property@Sng.FastaDataModule:mask-probability]; of the targets 80 % are
 * replaced by `<mask>`, 10 % by one of the 20 standard residues and 10 % are left
 * (Devlin and others: *BERT*, NAACL 2019). `<cls>`, `<eos>` and padding never are
 * targets. All of that is drawn from the stream that
 * [method@Sng.DataModule.load_batch] is given, under the sample's number in the
 * stream and the index of the residue in the whole sequence, so it depends neither on
 * how a batch is cut nor on how it is padded.
 *
 * A batch holds, beside "sample_ids" and "n_targets", these i64 tensors of
 * [sequences, tokens]:
 *
 * | name | holds |
 * |---|---|
 * | "input_ids" | the tokens, 0 to 32 |
 * | "attention_mask" | 1, and 0 for padding |
 * | "labels" | the true token of a target, and -100 for any other |
 *
 * The file is plain or compressed by gzip. Letters are taken in either case. A
 * file that is missing, empty or binary, text before the first header, a header
 * without a sequence, and a character outside the alphabet are errors that name
 * the file and the place.
 *
 * Since: 1.0
 */

/* Which number of a residue a draw is. The place is the residue's index in the sequence; the crop has a place that no
 * residue has. */
#define LANE_IS_TARGET 0
#define LANE_REPLACEMENT 1
#define LANE_RESIDUE 2
#define PLACE_CROP G_MAXUINT32

#define PART_MASKED 0.8
#define PART_RANDOM 0.1

#define N_SPECIAL 2 /* <cls> and <eos> */

#define BUILT_IN_RESOURCE "/sng/proteins.fasta"
#define BUILT_IN_NAME "(built-in proteins)"
#define BUILT_IN_N_VALIDATION 4

struct _SngFastaDataModule
{
  SngDataModule parent_instance;

  char *path;
  guint max_length;
  gint64 n_validation;
  guint64 seed;
  double mask_probability;

  SngFastaFile *file;
  SngSampleSplit *split;
};

G_DEFINE_FINAL_TYPE (SngFastaDataModule, sng_fasta_data_module, SNG_TYPE_DATA_MODULE)

enum
{
  PROP_0,
  PROP_PATH,
  PROP_MAX_LENGTH,
  PROP_N_VALIDATION,
  PROP_SEED,
  PROP_MASK_PROBABILITY,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

static gboolean
sng_fasta_data_module_setup (SngDataModule *module, GError **error)
{
  SngFastaDataModule *self = SNG_FASTA_DATA_MODULE (module);
  const char *name = self->path != NULL ? self->path : BUILT_IN_NAME;
  gint64 n_validation = self->n_validation;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (SngFastaFile) file = NULL;

  if (self->path != NULL)
    bytes = sng_input_file_read (self->path, "[fasta]", error);
  else
    bytes = g_resources_lookup_data (BUILT_IN_RESOURCE, G_RESOURCE_LOOKUP_FLAGS_NONE, error);

  if (bytes == NULL)
    return FALSE;

  file = sng_fasta_file_parse (bytes, name, error);

  if (file == NULL)
    return FALSE;

  if (self->path == NULL && n_validation < 0)
    n_validation = BUILT_IN_N_VALIDATION;

  self->split =
      sng_sample_split_new (sng_fasta_file_get_n (file), n_validation, self->seed, "sequences", error);

  if (self->split == NULL)
    {
      g_prefix_error (error, "[fasta] %s: ", name);
      return FALSE;
    }

  self->file = g_steal_pointer (&file);

  return TRUE;
}

static guint64
sng_fasta_data_module_get_n_samples (SngDataModule *module, SngStage stage)
{
  SngFastaDataModule *self = SNG_FASTA_DATA_MODULE (module);

  return self->split != NULL ? self->split->items[stage]->len : 0;
}

/* The part of a sequence that fits between the special tokens. */
static gsize
get_cropped_length (SngFastaDataModule *self, gsize length)
{
  return MIN (length, self->max_length - N_SPECIAL);
}

static gsize
draw_crop (SngFastaDataModule *self, SngRngStream *rng, guint64 sample, gsize length)
{
  gsize n_places = length - get_cropped_length (self, length) + 1;

  return (gsize) (sng_rng_stream_uniform (rng, sample, PLACE_CROP, 0) * (double) n_places);
}

/* Makes the residue a target or not. */
static void
mask_residue (SngFastaDataModule *self,
              SngRngStream *rng,
              guint64 sample,
              guint32 place,
              gint64 *input_id,
              gint64 *label)
{
  double replacement;

  if (sng_rng_stream_uniform (rng, sample, place, LANE_IS_TARGET) >= self->mask_probability)
    return;

  *label = *input_id;
  replacement = sng_rng_stream_uniform (rng, sample, place, LANE_REPLACEMENT);

  if (replacement < PART_MASKED)
    *input_id = SNG_ESM2_MASK;
  else if (replacement < PART_MASKED + PART_RANDOM)
    *input_id = SNG_ESM2_FIRST_RESIDUE
                + (gint64) (sng_rng_stream_uniform (rng, sample, place, LANE_RESIDUE) * SNG_ESM2_N_RESIDUES);
}

static void
fill_sequence (SngFastaDataModule *self,
               SngTokenBatch *batch,
               gsize row,
               gsize index,
               SngRngStream *rng,
               guint64 sample)
{
  gsize whole_length;
  const guint8 *tokens = sng_fasta_file_get_sequence (self->file, index, &whole_length);
  gsize length = get_cropped_length (self, whole_length);
  gsize first = draw_crop (self, rng, sample, whole_length);
  gint64 *input_ids = batch->input_ids + row * batch->length;
  gint64 *labels = batch->labels + row * batch->length;
  gint64 *attention_mask = batch->attention_mask + row * batch->length;

  input_ids[0] = SNG_ESM2_CLS;
  input_ids[length + 1] = SNG_ESM2_EOS;

  for (gsize i = 0; i < length; i++)
    {
      input_ids[i + 1] = tokens[first + i];
      mask_residue (self, rng, sample, (guint32) (first + i), &input_ids[i + 1], &labels[i + 1]);
    }

  for (gsize i = 0; i < length + N_SPECIAL; i++)
    attention_mask[i] = 1;
}

static SngStateDict *
sng_fasta_data_module_load_batch (SngDataModule *module,
                                  SngStage stage,
                                  SngTensor *sample_ids,
                                  SngRngStream *rng,
                                  GError **error)
{
  SngFastaDataModule *self = SNG_FASTA_DATA_MODULE (module);
  guint64 first = sng_rng_stream_get_position (rng);
  g_autoptr (GArray) items = NULL;
  SngTokenBatch batch;
  gsize longest = 0;

  if (self->split == NULL)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT, "[fasta] the data module is not set up");
      return NULL;
    }

  items = sng_sample_split_look_up (self->split, stage, sample_ids, error);

  if (items == NULL)
    {
      g_prefix_error (error, "[fasta] ");
      return NULL;
    }

  for (guint i = 0; i < items->len; i++)
    {
      gsize length;

      sng_fasta_file_get_sequence (self->file, g_array_index (items, gsize, i), &length);
      longest = MAX (longest, get_cropped_length (self, length));
    }

  sng_token_batch_init (&batch, items->len, longest + N_SPECIAL, SNG_ESM2_PAD);

  for (guint i = 0; i < items->len; i++)
    fill_sequence (self, &batch, i, g_array_index (items, gsize, i), rng, first + i);

  return sng_token_batch_finish (&batch, sample_ids, error);
}

static void
sng_fasta_data_module_finalize (GObject *object)
{
  SngFastaDataModule *self = SNG_FASTA_DATA_MODULE (object);

  g_clear_pointer (&self->path, g_free);
  g_clear_pointer (&self->file, sng_fasta_file_free);
  g_clear_pointer (&self->split, sng_sample_split_free);

  G_OBJECT_CLASS (sng_fasta_data_module_parent_class)->finalize (object);
}

static void
sng_fasta_data_module_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  SngFastaDataModule *self = SNG_FASTA_DATA_MODULE (object);

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

    case PROP_MASK_PROBABILITY:
      g_value_set_double (value, self->mask_probability);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
sng_fasta_data_module_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  SngFastaDataModule *self = SNG_FASTA_DATA_MODULE (object);

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

    case PROP_MASK_PROBABILITY:
      self->mask_probability = g_value_get_double (value);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
sng_fasta_data_module_class_init (SngFastaDataModuleClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  SngDataModuleClass *module_class = SNG_DATA_MODULE_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  object_class->finalize = sng_fasta_data_module_finalize;
  object_class->get_property = sng_fasta_data_module_get_property;
  object_class->set_property = sng_fasta_data_module_set_property;

  module_class->setup = sng_fasta_data_module_setup;
  module_class->get_n_samples = sng_fasta_data_module_get_n_samples;
  module_class->load_batch = sng_fasta_data_module_load_batch;

  /**
   * SngFastaDataModule:path:
   *
   * The FASTA file, or %NULL for 16 well-known proteins that are built in.
   *
   * Since: 1.0
   */
  properties[PROP_PATH] = g_param_spec_string ("path", NULL, NULL, NULL, flags);

  /**
   * SngFastaDataModule:max-length:
   *
   * How many tokens a sequence has at most, `<cls>` and `<eos>` among them.
   *
   * Since: 1.0
   */
  properties[PROP_MAX_LENGTH] =
      g_param_spec_uint ("max-length", NULL, NULL, N_SPECIAL + 1, G_MAXINT, 1024, flags);

  /**
   * SngFastaDataModule:n-validation:
   *
   * How many sequences are held out for validation; -1 means 4 of the built-in
   * ones, and a tenth but at least one of a file's.
   *
   * Since: 1.0
   */
  properties[PROP_N_VALIDATION] = g_param_spec_int64 ("n-validation", NULL, NULL, -1, G_MAXINT64, -1, flags);

  /**
   * SngFastaDataModule:seed:
   *
   * The seed of the choice of the sequences that are held out.
   *
   * Since: 1.0
   */
  properties[PROP_SEED] = g_param_spec_uint64 ("seed", NULL, NULL, 0, G_MAXUINT64, 0, flags);

  /**
   * SngFastaDataModule:mask-probability:
   *
   * How likely a residue is a target.
   *
   * Since: 1.0
   */
  properties[PROP_MASK_PROBABILITY] =
      g_param_spec_double ("mask-probability", NULL, NULL, 0.0, 1.0, 0.15, flags);

  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
sng_fasta_data_module_init (SngFastaDataModule *self)
{
}

/**
 * sng_fasta_data_module_new:
 * @path: (nullable): a FASTA file, plain or compressed by gzip, or %NULL for the
 *   built-in proteins
 * @max_length: how many tokens a sequence has at most, at least 3
 *
 * Creates a data module. The file is read by [method@Sng.DataModule.setup].
 *
 * Returns: (transfer full) (type SngFastaDataModule): a new data module
 *
 * Since: 1.0
 */
SngDataModule *
sng_fasta_data_module_new (const char *path, guint max_length)
{
  g_return_val_if_fail (max_length > N_SPECIAL, NULL);

  return g_object_new (SNG_TYPE_FASTA_DATA_MODULE, "path", path, "max-length", max_length, NULL);
}
