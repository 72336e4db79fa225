/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>

#include <math.h>
#include <string.h>

#include <glib/gstdio.h>

typedef struct
{
  char *directory;
  char *path;
  SngRunStore *store;
  SngRecorder *recorder;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->directory = g_dir_make_tmp ("sng-recorder-XXXXXX", NULL);
  fixture->path = g_build_filename (fixture->directory, "rank-00003.db", NULL);
  fixture->store = sng_run_store_create (fixture->path, &error);
  g_assert_no_error (error);
  fixture->recorder = sng_recorder_new (fixture->store, 3);
}

static void
remove_all (const char *directory)
{
  g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (directory, name, NULL);

      if (g_file_test (path, G_FILE_TEST_IS_DIR))
        remove_all (path);
      else
        g_unlink (path);
    }
  g_rmdir (directory);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_object_unref (fixture->recorder);
  g_object_unref (fixture->store);
  remove_all (fixture->directory);
  g_free (fixture->directory);
  g_free (fixture->path);
}

static GPtrArray *
finish (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngRunStore) reader = NULL;
  GPtrArray *entries;

  g_assert_true (sng_recorder_finish_step (fixture->recorder, &error));
  reader = sng_run_store_open (fixture->path, &error);
  g_assert_no_error (error);
  entries = sng_run_store_query (reader, NULL, 0, G_MAXUINT64, &error);
  g_assert_no_error (error);

  return entries;
}

static SngTensor *
make_tensor (void)
{
  g_autoptr (GError) error = NULL;
  SngTensor *tensor = sng_tensor_new (SNG_DTYPE_F32, (gint64[]){ 2, 3 }, 2, NULL, &error);
  float *data;

  g_assert_no_error (error);
  data = sng_tensor_get_data (tensor);
  for (guint i = 0; i < 6; i++)
    data[i] = (float) i;

  return tensor;
}

static void
test_value (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) entries = NULL;
  SngMetadata *entry;

  g_assert_true (sng_recorder_record_value (fixture->recorder, "Loss", SNG_STAGE_VALIDATE, 4, 1, "p",
                                            g_variant_new_double (0.5), &error));
  entries = finish (fixture);
  g_assert_cmpuint (entries->len, ==, 1);
  entry = entries->pdata[0];
  g_assert_cmpstr (sng_metadata_get_metric (entry), ==, "Loss");
  g_assert_cmpint (sng_metadata_get_stage (entry), ==, SNG_STAGE_VALIDATE);
  g_assert_cmpuint (sng_metadata_get_step (entry), ==, 4);
  g_assert_cmpint (sng_metadata_get_micro_batch (entry), ==, 1);
  g_assert_cmpuint (sng_metadata_get_rank (entry), ==, 3);
  g_assert_cmpstr (sng_metadata_get_path (entry), ==, "p");
  g_assert_cmpfloat (g_variant_get_double (sng_metadata_get_value (entry)), ==, 0.5);

  g_assert_false (sng_recorder_record_value (fixture->recorder, "Loss", SNG_STAGE_TRAIN, 5, -1, "here",
                                             g_variant_new_handle (1), &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA);
  g_assert_nonnull (strstr (error->message, "Loss here"));
}

/* What was recorded stays as it was: this is what makes a record worth comparing. */
static void
test_by_value (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngTensor) tensor = make_tensor ();
  g_autoptr (SngFingerprint) before = sng_tensor_compute_fingerprint (tensor);
  g_autofree char *expected = sng_fingerprint_to_string (before);
  g_autoptr (GPtrArray) entries = NULL;
  float *elements = sng_tensor_get_data (tensor);
  double minimum, maximum, mean;
  guint64 n_non_finite;

  g_assert_true (
      sng_recorder_record_tensor (fixture->recorder, "W", SNG_STAGE_TRAIN, 1, -1, "w", tensor, &error));
  elements[5] = NAN;
  g_assert_true (
      sng_recorder_record_tensor (fixture->recorder, "W", SNG_STAGE_TRAIN, 2, -1, "w", tensor, &error));

  entries = finish (fixture);
  g_assert_cmpuint (entries->len, ==, 2);
  g_assert_cmpstr (sng_metadata_get_fingerprint (entries->pdata[0]), ==, expected);
  g_assert_cmpstr (sng_metadata_get_fingerprint (entries->pdata[1]), !=, expected);
  g_assert_false (sng_metadata_equal (entries->pdata[0], entries->pdata[1]));

  sng_metadata_get_summary (entries->pdata[0], &minimum, &maximum, &mean, &n_non_finite);
  g_assert_cmpfloat (minimum, ==, 0.0);
  g_assert_cmpfloat (maximum, ==, 5.0);
  g_assert_cmpfloat (mean, ==, 2.5);
  g_assert_cmpuint (n_non_finite, ==, 0);
  sng_metadata_get_summary (entries->pdata[1], NULL, &maximum, NULL, &n_non_finite);
  g_assert_cmpfloat (maximum, ==, 4.0);
  g_assert_cmpuint (n_non_finite, ==, 1);
  g_assert_null (sng_metadata_get_capture (entries->pdata[0]));
}

static void
test_capture (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngTensor) tensor = make_tensor ();
  g_autoptr (SngTensor) copy = sng_tensor_copy (tensor, NULL);
  g_autoptr (SngTensor) column = NULL;
  g_autoptr (GPtrArray) entries = NULL;
  g_autofree char *path = NULL;
  g_autofree char *column_path = NULL;
  g_autoptr (SngStateDict) captured = NULL;
  g_autoptr (SngStateDict) captured_column = NULL;

  sng_recorder_set_capture (fixture->recorder, "W", TRUE);
  g_assert_true (
      sng_recorder_record_tensor (fixture->recorder, "W", SNG_STAGE_TRAIN, 1, -1, "w", tensor, &error));
  column = sng_tensor_new_view (tensor, 1, (gint64[]){ 2 }, 1, (gint64[]){ 3 }, 1, &error);
  g_assert_true (
      sng_recorder_record_tensor (fixture->recorder, "W", SNG_STAGE_TRAIN, 1, -1, "column", column, &error));
  g_assert_true (
      sng_recorder_record_tensor (fixture->recorder, "V", SNG_STAGE_TRAIN, 1, -1, "w", tensor, &error));
  sng_recorder_set_capture (fixture->recorder, "W", FALSE);
  g_assert_true (
      sng_recorder_record_tensor (fixture->recorder, "W", SNG_STAGE_TRAIN, 2, -1, "w", tensor, &error));
  g_assert_no_error (error);
  ((float *) sng_tensor_get_data (tensor))[0] = 7.0f;

  entries = finish (fixture);
  g_assert_cmpuint (entries->len, ==, 4);
  g_assert_null (sng_metadata_get_capture (entries->pdata[2]));
  g_assert_null (sng_metadata_get_capture (entries->pdata[3]));

  path = g_build_filename (fixture->directory, sng_metadata_get_capture (entries->pdata[0]), NULL);
  captured = sng_safetensors_load (path, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (sng_tensor_equal (sng_state_dict_lookup_tensor (captured, "tensor"), copy));

  column_path = g_build_filename (fixture->directory, sng_metadata_get_capture (entries->pdata[1]), NULL);
  captured_column = sng_safetensors_load (column_path, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpfloat (sng_tensor_get_value (sng_state_dict_lookup_tensor (captured_column, "tensor"), 1), ==,
                     4.0);
}

/* A tensor that cannot be kept is an error, and leaves no entry behind that says it was. */
static void
test_capture_fails (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngTensor) tensor = make_tensor ();
  g_autofree char *captures = g_build_filename (fixture->directory, "captures", NULL);
  g_autoptr (GPtrArray) entries = NULL;

  g_assert_true (g_file_set_contents (captures, "in the way", -1, NULL));
  sng_recorder_set_capture (fixture->recorder, "W", TRUE);
  g_assert_false (
      sng_recorder_record_tensor (fixture->recorder, "W", SNG_STAGE_TRAIN, 1, -1, "w", tensor, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_IO);
  g_assert_nonnull (strstr (error->message, captures));

  entries = finish (fixture);
  g_assert_cmpuint (entries->len, ==, 0);
}

#define add(name, function) g_test_add ("/sng/recorder/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add ("value", test_value);
  add ("by-value", test_by_value);
  add ("capture", test_capture);
  add ("capture-fails", test_capture_fails);

  return g_test_run ();
}
