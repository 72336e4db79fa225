/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <glib/gstdio.h>
#include <sng.h>
#include <string.h>

static char *path;

static void
write_text (const char *contents, gssize size)
{
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, contents, size, &error);
  g_assert_no_error (error);
}

static SngStateDict *
load_one (SngDataModule *module, SngStage stage, gint64 id)
{
  const gint64 n = 1;
  g_autoptr (GBytes) bytes = g_bytes_new (&id, sizeof id);
  g_autoptr (SngTensor) ids = sng_tensor_new_from_bytes (SNG_DTYPE_I64, &n, 1, bytes, NULL);
  g_autoptr (SngRngStream) rng = sng_rng_stream_new (1, "masking", 0);
  g_autoptr (GError) error = NULL;
  SngStateDict *batch = sng_data_module_load_batch (module, stage, ids, rng, &error);

  g_assert_no_error (error);

  return batch;
}

/* Every window is in exactly one stage, with the text's bytes, and the next byte as the label. */
static void
test_windows (void)
{
  const char *text = "abcdefghijklmnopqrstuvwxyz";
  g_autoptr (SngDataModule) module = NULL;
  g_autoptr (GError) error = NULL;
  guint seen = 0;

  write_text (text, -1);
  module = g_object_new (SNG_TYPE_TEXT_DATA_MODULE, "path", path, "max-length", 4, "n-validation",
                         G_GINT64_CONSTANT (2), NULL);
  sng_data_module_setup (module, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (sng_data_module_get_n_samples (module, SNG_STAGE_TRAIN), ==, 4);
  g_assert_cmpuint (sng_data_module_get_n_samples (module, SNG_STAGE_VALIDATE), ==, 2);

  for (int stage = 0; stage < 2; stage++)
    for (guint i = 0; i < sng_data_module_get_n_samples (module, stage); i++)
      {
        g_autoptr (SngStateDict) batch = load_one (module, stage, i);
        SngTensor *input_ids = sng_state_dict_lookup_tensor (batch, "input_ids");
        gint64 first = sng_tensor_get_value_int64 (input_ids, 0) - 'a';
        gint64 n_targets;

        g_assert_cmpint (first % 4, ==, 0);
        seen |= 1u << first / 4;
        g_assert_true (sng_state_dict_get_int64 (batch, "n_targets", &n_targets, NULL));
        g_assert_cmpint (n_targets, ==, 4);

        for (gint64 j = 0; j < 4; j++)
          {
            g_assert_cmpint (sng_tensor_get_value_int64 (input_ids, j), ==, text[first + j]);
            g_assert_cmpint (sng_tensor_get_value_int64 (sng_state_dict_lookup_tensor (batch, "labels"), j),
                             ==, text[first + j + 1]);
            g_assert_cmpint (
                sng_tensor_get_value_int64 (sng_state_dict_lookup_tensor (batch, "attention_mask"), j), ==,
                1);
          }
      }

  g_assert_cmpuint (seen, ==, 0x3f);
}

/* Bytes, not characters: none is beyond 255. */
static void
test_any_encoding (void)
{
  g_autoptr (SngDataModule) module = NULL;
  g_autoptr (SngStateDict) batch = NULL;

  write_text ("\xff\xfe\x80\xc3\xa4", 5);
  module = g_object_new (SNG_TYPE_TEXT_DATA_MODULE, "path", path, "max-length", 4, "n-validation",
                         G_GINT64_CONSTANT (0), NULL);
  g_assert_true (sng_data_module_setup (module, NULL));
  batch = load_one (module, SNG_STAGE_TRAIN, 0);
  g_assert_cmpint (sng_tensor_get_value_int64 (sng_state_dict_lookup_tensor (batch, "input_ids"), 0), ==,
                   0xff);
  g_assert_cmpint (sng_tensor_get_value_int64 (sng_state_dict_lookup_tensor (batch, "labels"), 3), ==, 0xa4);
}

static void
check_bad (int code, const char *in_message)
{
  g_autoptr (SngDataModule) module = sng_text_data_module_new (path, 4);
  g_autoptr (GError) error = NULL;

  g_assert_false (sng_data_module_setup (module, &error));
  g_assert_error (error, SNG_ERROR, code);
  g_assert_true (g_str_has_prefix (error->message, "[text] "));
  g_assert_nonnull (strstr (error->message, path));
  g_assert_nonnull (strstr (error->message, in_message));
}

static void
test_bad_files (void)
{
  g_autoptr (SngDataModule) module = NULL;

  g_remove (path);
  check_bad (SNG_ERROR_NOT_FOUND, "");
  write_text ("", 0);
  check_bad (SNG_ERROR_INVALID_DATA, "the file is empty");
  write_text ("one\ntwo\n\0three", 14);
  check_bad (SNG_ERROR_INVALID_DATA, ":3: there is a zero byte");

  /* 8 bytes are one window with its labels, 9 are two: one to train on and one to hold out. */
  write_text ("12345678", -1);
  check_bad (SNG_ERROR_INVALID_DATA, "8 bytes make windows of 4 bytes: 1 windows");
  write_text ("123456789", -1);
  module = sng_text_data_module_new (path, 4);
  g_assert_true (sng_data_module_setup (module, NULL));
}

int
main (int argc, char *argv[])
{
  g_autofree char *directory = NULL;
  int status;

  g_test_init (&argc, &argv, NULL);
  directory = g_dir_make_tmp ("sng-text-XXXXXX", NULL);
  path = g_build_filename (directory, "text.txt", NULL);

  g_test_add_func ("/sng/text-data-module/windows", test_windows);
  g_test_add_func ("/sng/text-data-module/any-encoding", test_any_encoding);
  g_test_add_func ("/sng/text-data-module/bad-files", test_bad_files);

  status = g_test_run ();
  g_remove (path);
  g_rmdir (directory);
  g_free (path);

  return status;
}
