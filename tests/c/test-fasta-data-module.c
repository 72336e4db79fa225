/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <glib/gstdio.h>
#include <sng.h>
#include <string.h>

#define CLS 0
#define PAD 1
#define EOS 2
#define MASK 32

static char *directory;

static char *
write_file (const char *name, const char *contents, gssize size)
{
  g_autofree char *path = g_build_filename (directory, name, NULL);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, contents, size, &error);
  g_assert_no_error (error);

  return g_steal_pointer (&path);
}

static SngTensor *
ids_of (const gint64 *ids, gint64 n)
{
  g_autoptr (GBytes) bytes = g_bytes_new (ids, n * sizeof (gint64));

  return sng_tensor_new_from_bytes (SNG_DTYPE_I64, &n, 1, bytes, NULL);
}

static SngStateDict *
load (SngDataModule *module, SngStage stage, const gint64 *ids, gint64 n, SngRngStream *rng)
{
  g_autoptr (SngTensor) sample_ids = ids_of (ids, n);
  g_autoptr (GError) error = NULL;
  SngStateDict *batch = sng_data_module_load_batch (module, stage, sample_ids, rng, &error);

  g_assert_no_error (error);

  return batch;
}

static gint64
token_at (SngStateDict *batch, const char *name, gint64 row, gint64 column)
{
  SngTensor *tensor = sng_state_dict_lookup_tensor (batch, name);

  return sng_tensor_get_value_int64 (tensor, row * sng_tensor_get_shape (tensor, NULL)[1] + column);
}

static gint64
length_of (SngStateDict *batch)
{
  return sng_tensor_get_shape (sng_state_dict_lookup_tensor (batch, "input_ids"), NULL)[1];
}

static gint64
n_targets_of (SngStateDict *batch)
{
  gint64 n_targets = -1;

  g_assert_true (sng_state_dict_get_int64 (batch, "n_targets", &n_targets, NULL));

  return n_targets;
}

/* No masks, one sequence held out: what is left is the text itself. */
static SngDataModule *
plain_module (const char *path, guint max_length)
{
  g_autoptr (GError) error = NULL;
  SngDataModule *module = g_object_new (SNG_TYPE_FASTA_DATA_MODULE, "path", path, "max-length", max_length,
                                        "n-validation", G_GINT64_CONSTANT (0), "mask-probability", 0.0, NULL);

  sng_data_module_setup (module, &error);
  g_assert_no_error (error);

  return module;
}

static void
test_alphabet (void)
{
  const char *text = ">all, in the order of the tokens\r\nLAGVSERTIDPKQN\r\n\r\nFYMHWCXBUZO.-\r\n>lower, "
                     "with a stop\nacdw*\n";
  const gint64 ids[] = { 0, 1 };
  g_autofree char *path = write_file ("alphabet.fasta", text, -1);
  g_autoptr (SngDataModule) module = plain_module (path, 100);
  g_autoptr (SngRngStream) rng = sng_rng_stream_new (1, "masking", 0);
  g_autoptr (SngStateDict) batch = load (module, SNG_STAGE_TRAIN, ids, 2, rng);
  const gint64 lower[] = { CLS, 5, 23, 13, 22, EOS, PAD };

  g_assert_cmpuint (sng_data_module_get_n_samples (module, SNG_STAGE_TRAIN), ==, 2);
  g_assert_cmpuint (sng_data_module_get_n_samples (module, SNG_STAGE_VALIDATE), ==, 0);
  g_assert_cmpint (length_of (batch), ==, 29);
  g_assert_cmpint (token_at (batch, "input_ids", 0, 0), ==, CLS);
  g_assert_cmpint (token_at (batch, "input_ids", 0, 28), ==, EOS);

  for (gint64 i = 1; i < 28; i++)
    g_assert_cmpint (token_at (batch, "input_ids", 0, i), ==, i + 3);

  for (gint64 i = 0; i < (gint64) G_N_ELEMENTS (lower); i++)
    {
      g_assert_cmpint (token_at (batch, "input_ids", 1, i), ==, lower[i]);
      g_assert_cmpint (token_at (batch, "attention_mask", 1, i), ==, lower[i] != PAD);
      g_assert_cmpint (token_at (batch, "labels", 1, i), ==, -100);
    }

  g_assert_cmpint (n_targets_of (batch), ==, 0);
  g_remove (path);
}

/* A cropped sequence is a part of the whole one, and the parts differ. */
static void
test_crop (void)
{
  g_autofree char *path = write_file ("crop.fasta", ">one\nLAGVSERTID\n", -1);
  g_autoptr (SngDataModule) module = plain_module (path, 6);
  g_autoptr (SngRngStream) rng = sng_rng_stream_new (1, "masking", 0);
  const gint64 ids[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
  g_autoptr (SngStateDict) batch = load (module, SNG_STAGE_TRAIN, ids, 16, rng);
  guint seen = 0;

  g_assert_cmpint (length_of (batch), ==, 6);

  for (gint64 row = 0; row < 16; row++)
    {
      gint64 first = token_at (batch, "input_ids", row, 1);

      for (gint64 i = 1; i < 5; i++)
        g_assert_cmpint (token_at (batch, "input_ids", row, i), ==, first + i - 1);

      g_assert_cmpint (token_at (batch, "input_ids", row, 5), ==, EOS);
      g_assert_true (first >= 4 && first <= 10);
      seen |= 1u << (first - 4);
    }

  g_assert_cmpuint (seen, !=, seen & -seen);
  g_remove (path);
}

static void
test_masks (void)
{
  g_autoptr (GString) text = g_string_new (">long\n");
  g_autofree char *path = NULL;
  g_autoptr (SngDataModule) module = NULL;
  g_autoptr (SngDataModule) plain = NULL;
  g_autoptr (SngRngStream) rng = sng_rng_stream_new (3, "masking", 0);
  g_autoptr (SngStateDict) batch = NULL;
  g_autoptr (SngStateDict) original = NULL;
  g_autoptr (GError) error = NULL;
  const gint64 id = 0;
  const gint64 n_residues = 20000;
  gint64 n_targets = 0, n_masked = 0, n_changed = 0;

  for (gint64 i = 0; i < n_residues; i++)
    g_string_append_c (text, "LAGVSERTIDPKQNFYMHWC"[i * 7 % 20]);

  path = write_file ("long.fasta", text->str, -1);
  plain = plain_module (path, 30000);
  module = g_object_new (SNG_TYPE_FASTA_DATA_MODULE, "path", path, "max-length", 30000, "n-validation",
                         G_GINT64_CONSTANT (0), NULL);
  sng_data_module_setup (module, &error);
  g_assert_no_error (error);
  batch = load (module, SNG_STAGE_TRAIN, &id, 1, rng);
  original = load (plain, SNG_STAGE_TRAIN, &id, 1, rng);

  for (gint64 i = 0; i < n_residues + 2; i++)
    {
      gint64 token = token_at (batch, "input_ids", 0, i);
      gint64 label = token_at (batch, "labels", 0, i);
      gint64 truth = token_at (original, "input_ids", 0, i);

      if (label == -100)
        {
          g_assert_cmpint (token, ==, truth);
          continue;
        }

      g_assert_cmpint (label, ==, truth);
      g_assert_true (i > 0 && i <= n_residues);
      g_assert_true (token == MASK || (token >= 4 && token < 24));
      n_targets++;
      n_masked += token == MASK;
      n_changed += token != MASK && token != truth;
    }

  /* Five standard deviations. Of the random residues one in 20 is the true one. */
  g_assert_cmpint (n_targets, ==, n_targets_of (batch));
  g_assert_cmpfloat_with_epsilon ((double) n_targets, 3000.0, 253.0);
  g_assert_cmpfloat_with_epsilon ((double) n_masked / (double) n_targets, 0.8, 0.037);
  g_assert_cmpfloat_with_epsilon ((double) n_changed / (double) n_targets, 0.095, 0.027);
  g_remove (path);
}

/* A sample's masks are its own: they depend neither on the batch around it nor on the padding; but on the stream. */
static void
test_masks_are_the_samples_own (void)
{
  g_autoptr (SngDataModule) module = sng_fasta_data_module_new (NULL, 64);
  g_autoptr (SngRngStream) rng = sng_rng_stream_new (3, "masking", 0);
  g_autoptr (SngRngStream) other = sng_rng_stream_new (4, "masking", 0);
  g_autoptr (GError) error = NULL;
  const gint64 ids[] = { 0, 3, 5, 7 };
  g_autoptr (SngStateDict) together = NULL;
  g_autoptr (SngStateDict) elsewhere = NULL;

  sng_data_module_setup (module, &error);
  g_assert_no_error (error);
  together = load (module, SNG_STAGE_TRAIN, ids, 4, rng);
  g_assert_cmpuint (sng_rng_stream_get_position (rng), ==, 0);
  elsewhere = load (module, SNG_STAGE_TRAIN, ids, 4, other);
  g_assert_false (sng_tensor_equal (sng_state_dict_lookup_tensor (together, "input_ids"),
                                    sng_state_dict_lookup_tensor (elsewhere, "input_ids")));

  for (gint64 row = 0; row < 4; row++)
    {
      g_autoptr (SngStateDict) alone = NULL;

      sng_rng_stream_set_position (rng, row);
      alone = load (module, SNG_STAGE_TRAIN, ids + row, 1, rng);

      for (gint64 i = 0; i < length_of (together); i++)
        {
          gboolean inside = i < length_of (alone);

          g_assert_cmpint (token_at (together, "input_ids", row, i), ==,
                           inside ? token_at (alone, "input_ids", 0, i) : PAD);
          g_assert_cmpint (token_at (together, "labels", row, i), ==,
                           inside ? token_at (alone, "labels", 0, i) : -100);
        }
    }
}

static void
test_built_in (void)
{
  g_autoptr (SngDataModule) module = sng_fasta_data_module_new (NULL, 1024);
  g_autoptr (SngDataModule) again = sng_fasta_data_module_new (NULL, 1024);
  g_autoptr (SngDataModule) reseeded =
      g_object_new (SNG_TYPE_FASTA_DATA_MODULE, "seed", G_GUINT64_CONSTANT (5), NULL);
  g_autoptr (SngRngStream) rng = sng_rng_stream_new (3, "masking", 0);
  const gint64 ids[] = { 0, 1, 2, 3 };
  g_autoptr (SngStateDict) batch = NULL;
  g_autoptr (SngStateDict) batch_again = NULL;
  g_autoptr (SngStateDict) batch_reseeded = NULL;

  g_assert_cmpuint (sng_data_module_get_n_samples (module, SNG_STAGE_TRAIN), ==, 0);
  g_assert_true (sng_data_module_setup (module, NULL));
  g_assert_true (sng_data_module_setup (module, NULL));
  g_assert_true (sng_data_module_setup (again, NULL));
  g_assert_true (sng_data_module_setup (reseeded, NULL));
  g_assert_cmpuint (sng_data_module_get_n_samples (module, SNG_STAGE_TRAIN), ==, 12);
  g_assert_cmpuint (sng_data_module_get_n_samples (module, SNG_STAGE_VALIDATE), ==, 4);

  batch = load (module, SNG_STAGE_VALIDATE, ids, 4, rng);
  batch_again = load (again, SNG_STAGE_VALIDATE, ids, 4, rng);
  batch_reseeded = load (reseeded, SNG_STAGE_VALIDATE, ids, 4, rng);
  g_assert_cmpint (n_targets_of (batch), >, 0);
  g_assert_true (sng_tensor_equal (sng_state_dict_lookup_tensor (batch, "input_ids"),
                                   sng_state_dict_lookup_tensor (batch_again, "input_ids")));
  g_assert_false (sng_tensor_equal (sng_state_dict_lookup_tensor (batch, "input_ids"),
                                    sng_state_dict_lookup_tensor (batch_reseeded, "input_ids")));
}

static void
test_gzip (void)
{
  const char *text = ">a\nLAGV\n>b\nSERT\n";
  g_autofree char *path = g_build_filename (directory, "small.fasta.gz", NULL);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GConverter) compressor = G_CONVERTER (g_zlib_compressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP, -1));
  g_autoptr (GError) error = NULL;
  g_autoptr (SngDataModule) module = NULL;
  g_autoptr (SngDataModule) damaged = NULL;
  g_autofree char *contents = NULL;
  g_autofree char *twice = NULL;
  gsize size;

  {
    g_autoptr (GFileOutputStream) base = g_file_replace (file, NULL, FALSE, 0, NULL, &error);
    g_autoptr (GOutputStream) stream = g_converter_output_stream_new (G_OUTPUT_STREAM (base), compressor);

    g_output_stream_write_all (stream, text, strlen (text), NULL, NULL, &error);
    g_assert_no_error (error);
    g_assert_true (g_output_stream_close (stream, NULL, NULL));
  }

  module = plain_module (path, 10);
  g_assert_cmpuint (sng_data_module_get_n_samples (module, SNG_STAGE_TRAIN), ==, 2);

  /* Several members behind each other are one file, and what is behind them is none. */
  g_assert_true (g_file_get_contents (path, &contents, &size, NULL));
  twice = g_malloc (2 * size);
  memcpy (twice, contents, size);
  memcpy (twice + size, contents, size);
  g_assert_true (g_file_set_contents (path, twice, (gssize) (2 * size), NULL));
  g_clear_object (&module);
  module = plain_module (path, 10);
  g_assert_cmpuint (sng_data_module_get_n_samples (module, SNG_STAGE_TRAIN), ==, 4);
  g_assert_true (g_file_set_contents (path, twice, (gssize) size + 5, NULL));
  damaged = sng_fasta_data_module_new (path, 10);
  g_assert_false (sng_data_module_setup (damaged, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA);
  g_clear_error (&error);
  g_clear_object (&damaged);

  g_assert_true (g_file_set_contents (path, contents, (gssize) size / 2, NULL));
  damaged = sng_fasta_data_module_new (path, 10);
  g_assert_false (sng_data_module_setup (damaged, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA);
  g_assert_nonnull (strstr (error->message, "small.fasta.gz"));
  g_remove (path);
}

typedef struct
{
  const char *name;
  const char *contents; /* NULL: there is no such file */
  gssize size;
  int code;
  const char *in_message;
} BadFile;

static void
test_bad_files (void)
{
  const BadFile files[] = {
    { "missing.fasta", NULL, 0, SNG_ERROR_NOT_FOUND, "missing.fasta" },
    { "empty.fasta", "", 0, SNG_ERROR_INVALID_DATA, "empty.fasta: the file is empty" },
    { "binary.fasta", ">a\nLAG\0V\n", 9, SNG_ERROR_INVALID_DATA, "binary.fasta:2: there is a zero byte" },
    { "blank.fasta", "\n \r\n\n", -1, SNG_ERROR_INVALID_DATA, "blank.fasta: there is no sequence" },
    { "headless.fasta", "\nLAGV\n>a\nLAGV\n", -1, SNG_ERROR_INVALID_DATA,
      "headless.fasta:2: a sequence without a header" },
    { "bodiless.fasta", ">a\nLAGV\n>b\n\n>c\nLAGV\n", -1, SNG_ERROR_INVALID_DATA,
      "bodiless.fasta:3: there is no sequence after" },
    { "last.fasta", ">a\nLAGV\n>b", -1, SNG_ERROR_INVALID_DATA, "last.fasta:3: there is no sequence after" },
    { "only-stop.fasta", ">a\n*\n>b\nLAGV\n", -1, SNG_ERROR_INVALID_DATA,
      "only-stop.fasta:1: there is no sequence after" },
    { "letter.fasta", ">a\nLAGV\nLAJV\n", -1, SNG_ERROR_INVALID_DATA, "letter.fasta:3:3: 'J' is no letter" },
    { "digit.fasta", ">a\nLA GV\n", -1, SNG_ERROR_INVALID_DATA, "digit.fasta:2:3: ' ' is no letter" },
    { "latin.fasta", ">a\nLA\xe4V\n", -1, SNG_ERROR_INVALID_DATA,
      "latin.fasta:2:3: the byte 0xe4 is no letter" },
    { "stop.fasta", ">a\nLA*\nGV\n", -1, SNG_ERROR_INVALID_DATA,
      "stop.fasta:2:3: '*' may only be at the end" },
    { "stops.fasta", ">a\nLA**\n", -1, SNG_ERROR_INVALID_DATA,
      "stops.fasta:2:3: '*' may only be at the end" },
    { "single.fasta", ">a\nLAGV\n", -1, SNG_ERROR_INVALID_DATA, "single.fasta: 1 sequences, of which 1 are" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *path = files[i].contents != NULL
                                  ? write_file (files[i].name, files[i].contents, files[i].size)
                                  : g_build_filename (directory, files[i].name, NULL);
      g_autoptr (SngDataModule) module = sng_fasta_data_module_new (path, 10);
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", files[i].name);
      g_assert_false (sng_data_module_setup (module, &error));
      g_assert_error (error, SNG_ERROR, files[i].code);
      g_assert_true (g_str_has_prefix (error->message, "[fasta] "));
      g_assert_nonnull (strstr (error->message, files[i].in_message));
      g_assert_cmpuint (sng_data_module_get_n_samples (module, SNG_STAGE_TRAIN), ==, 0);
      g_remove (path);
    }
}

static void
test_bad_samples (void)
{
  g_autoptr (SngDataModule) module = sng_fasta_data_module_new (NULL, 16);
  g_autoptr (SngRngStream) rng = sng_rng_stream_new (3, "masking", 0);
  const gint64 ids[] = { 3, 4 };
  const gint64 negative = -1;
  g_autoptr (SngTensor) too_many = ids_of (ids, 2);
  g_autoptr (SngTensor) below = ids_of (&negative, 1);
  g_autoptr (SngTensor) none = ids_of (NULL, 0);
  SngTensor *const bad[] = { too_many, below, none };
  const char *const in_message[] = { "sample 4 of stage \"validate\", which has 4", "sample -1",
                                     "not empty" };

  g_assert_null (sng_data_module_load_batch (module, SNG_STAGE_TRAIN, below, rng, NULL));
  g_assert_true (sng_data_module_setup (module, NULL));

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (sng_data_module_load_batch (module, SNG_STAGE_VALIDATE, bad[i], rng, &error));
      g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT);
      g_assert_nonnull (strstr (error->message, in_message[i]));
    }
}

int
main (int argc, char *argv[])
{
  int status;

  g_test_init (&argc, &argv, NULL);
  directory = g_dir_make_tmp ("sng-fasta-XXXXXX", NULL);

  g_test_add_func ("/sng/fasta-data-module/alphabet", test_alphabet);
  g_test_add_func ("/sng/fasta-data-module/crop", test_crop);
  g_test_add_func ("/sng/fasta-data-module/masks", test_masks);
  g_test_add_func ("/sng/fasta-data-module/masks-are-the-samples-own", test_masks_are_the_samples_own);
  g_test_add_func ("/sng/fasta-data-module/built-in", test_built_in);
  g_test_add_func ("/sng/fasta-data-module/gzip", test_gzip);
  g_test_add_func ("/sng/fasta-data-module/bad-files", test_bad_files);
  g_test_add_func ("/sng/fasta-data-module/bad-samples", test_bad_samples);

  status = g_test_run ();
  g_rmdir (directory);
  g_free (directory);

  return status;
}
