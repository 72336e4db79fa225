/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <math.h>
#include <string.h>
#include <sng.h>
#include <glib/gstdio.h>
#include "state/sng-state-dict-private.h"
#include "tensor/sng-device-private.h"
#include "tensor/sng-tensor-fingerprint-private.h"

/* Tensors on two devices, whose calls are counted, and one of which may have failed. */
typedef struct
{
  SngDevice *devices[2];
  GPtrArray *tensors;
} Fixture;

static void (*real_fingerprint) (SngDevice *self,
                                 gsize n,
                                 const SngRegion *elements,
                                 gboolean summarize,
                                 SngBlockSums *sums);
static guint n_calls;
static SngDevice *failed;

static void
counted_fingerprint (SngDevice *self,
                     gsize n,
                     const SngRegion *elements,
                     gboolean summarize,
                     SngBlockSums *sums)
{
  n_calls++;
  real_fingerprint (self, n, elements, summarize, sums);
}

static gboolean
check (SngDevice *self, GError **error)
{
  if (self != failed)
    return TRUE;
  g_set_error (error, SNG_ERROR, SNG_ERROR_FAILED, "[test][device] gone");
  return FALSE;
}

/* F32 or I64 */
static void
set_element (SngTensor *tensor, gint64 i, double value)
{
  gpointer data = sng_tensor_get_data (tensor);

  if (sng_tensor_get_dtype (tensor) == SNG_DTYPE_F32)
    ((float *) data)[i] = (float) value;
  else
    ((gint64 *) data)[i] = (gint64) value;
}

static SngTensor *
new_tensor (SngDevice *device, SngDtype dtype, gint64 n, double begin)
{
  g_autoptr (GError) error = NULL;
  SngTensor *tensor = sng_tensor_new (dtype, &n, 1, device, &error);

  g_assert_no_error (error);
  for (gint64 i = 0; i < n; i++)
    set_element (tensor, i, begin + (double) i);
  return tensor;
}

static void
fixture_set_up (Fixture *fixture, gconstpointer data)
{
  const gint64 sizes[] = { 1, 0, 3, 70000, 1024, 5 };
  SngDeviceClass *klass;

  fixture->tensors = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < 2; i++)
    fixture->devices[i] = sng_device_new_cpu (i + 1);
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    g_ptr_array_add (fixture->tensors, new_tensor (fixture->devices[i % 3 % 2],
                                                   i % 2 ? SNG_DTYPE_F32 : SNG_DTYPE_I64, sizes[i], i));
  set_element (fixture->tensors->pdata[3], 69999, NAN);

  klass = SNG_DEVICE_GET_CLASS (fixture->devices[0]);
  real_fingerprint = klass->fingerprint;
  klass->fingerprint = counted_fingerprint;
  klass->check = check;
  n_calls = 0;
  failed = NULL;
}

static void
fixture_tear_down (Fixture *fixture, gconstpointer data)
{
  SNG_DEVICE_GET_CLASS (fixture->devices[0])->fingerprint = real_fingerprint;
  failed = NULL;
  g_ptr_array_unref (fixture->tensors);
  for (guint i = 0; i < 2; i++)
    g_object_unref (fixture->devices[i]);
}

static SngTensor *const *
get_tensors (Fixture *fixture)
{
  return (SngTensor *const *) fixture->tensors->pdata;
}

static void
test_same (Fixture *fixture, gconstpointer data)
{
  guint n = fixture->tensors->len;
  g_autofree SngFingerprint *fingerprints = g_new0 (SngFingerprint, n);
  g_autofree SngTensorSummary *summaries = g_new0 (SngTensorSummary, n);
  g_autoptr (GError) error = NULL;

  g_assert_true (sng_tensors_fingerprint (n, get_tensors (fixture), fingerprints, summaries, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (n_calls, ==, 2);

  for (guint i = 0; i < n; i++)
    {
      double minimum, maximum, mean;
      guint64 n_non_finite;
      g_autoptr (SngFingerprint) one =
          sng_tensor_summarize (fixture->tensors->pdata[i], &minimum, &maximum, &mean, &n_non_finite);

      g_assert_true (sng_fingerprint_equal (one, &fingerprints[i]));
      g_assert_cmpmem (&minimum, sizeof minimum, &summaries[i].minimum, sizeof minimum);
      g_assert_cmpmem (&maximum, sizeof maximum, &summaries[i].maximum, sizeof maximum);
      g_assert_cmpmem (&mean, sizeof mean, &summaries[i].mean, sizeof mean);
      g_assert_cmpuint (n_non_finite, ==, summaries[i].n_non_finite);
    }
}

static void
test_nothing (Fixture *fixture, gconstpointer data)
{
  gsize index = 7;
  g_autoptr (GError) error = NULL;

  g_assert_true (sng_tensors_fingerprint (0, NULL, NULL, NULL, &error));
  g_assert_true (sng_tensors_find_non_finite (0, NULL, &index, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (index, ==, 0);
  g_assert_cmpuint (n_calls, ==, 0);
}

static void
test_non_finite (Fixture *fixture, gconstpointer data)
{
  gsize index;

  g_assert_true (sng_tensors_find_non_finite (fixture->tensors->len, get_tensors (fixture), &index, NULL));
  g_assert_cmpuint (index, ==, 3);
  set_element (fixture->tensors->pdata[3], 69999, 0);
  g_assert_true (sng_tensors_find_non_finite (fixture->tensors->len, get_tensors (fixture), &index, NULL));
  g_assert_cmpuint (index, ==, fixture->tensors->len);
}

static void
test_failure (Fixture *fixture, gconstpointer data)
{
  SngFingerprint fingerprints[6];
  gsize index;
  g_autoptr (GError) error = NULL;

  failed = fixture->devices[1];
  g_assert_false (sng_tensors_fingerprint (6, get_tensors (fixture), fingerprints, NULL, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_FAILED);
  g_clear_error (&error);
  g_assert_false (sng_tensors_find_non_finite (6, get_tensors (fixture), &index, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_FAILED);
}

/* The states of the fixture: tensors, and values between them. */
static SngStateDict *
new_state (Fixture *fixture)
{
  SngStateDict *state = sng_state_dict_new ();

  for (guint i = 0; i < fixture->tensors->len; i++)
    {
      g_autofree char *name = g_strdup_printf ("Metric/z%u", 9 - i);
      g_autofree char *value = g_strdup_printf ("Metric/value%u", i);

      sng_state_dict_set_tensor (state, name, fixture->tensors->pdata[i]);
      sng_state_dict_set_int64 (state, value, i);
    }
  return state;
}

static void
test_state (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngStateDict) state = new_state (fixture);
  g_autoptr (SngFingerprint) before = sng_state_dict_compute_fingerprint (state);
  g_autoptr (SngFingerprint) after = NULL;

  g_assert_cmpuint (n_calls, ==, 2);
  set_element (fixture->tensors->pdata[5], 4, -1);
  after = sng_state_dict_compute_fingerprint (state);
  g_assert_false (sng_fingerprint_equal (before, after));
}

static SngRecorder *
new_recorder (char **directory)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngRunStore) store = NULL;
  g_autofree char *path = NULL;

  *directory = g_dir_make_tmp ("sng-tensor-list-XXXXXX", NULL);
  path = g_build_filename (*directory, "rank-00000.db", NULL);
  store = sng_run_store_create (path, &error);
  g_assert_no_error (error);
  return sng_recorder_new (store, 0);
}

static void
remove_recorder (SngRecorder *recorder, const char *directory)
{
  const char *names[] = { "rank-00000.db", "rank-00000.db-wal", "rank-00000.db-shm" };

  g_object_unref (recorder);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_build_filename (directory, names[i], NULL);

      g_remove (path);
    }
  g_assert_cmpint (g_rmdir (directory), ==, 0);
}

/* One call for each device, and every entry at its place with its own tensor. */
static void
test_record (Fixture *fixture, gconstpointer data)
{
  g_autofree char *directory = NULL;
  SngRecorder *recorder = new_recorder (&directory);
  g_autoptr (SngStateDict) state = new_state (fixture);
  g_autoptr (GPtrArray) entries = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (sng_recorder_record (recorder, SNG_STAGE_TRAIN, 1, -1, state, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (n_calls, ==, 2);
  g_assert_true (sng_recorder_finish_step (recorder, &error));

  entries = sng_run_store_query (sng_recorder_get_store (recorder), "Metric", 0, G_MAXINT64, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (entries->len, ==, sng_state_dict_get_n_items (state));
  for (guint i = 0; i < entries->len; i++)
    {
      const char *name = sng_state_dict_get_name (state, i);
      SngTensor *tensor = sng_state_dict_lookup_tensor (state, name);
      g_autoptr (SngFingerprint) fingerprint =
          tensor != NULL ? sng_tensor_compute_fingerprint (tensor) : NULL;
      g_autofree char *text = fingerprint != NULL ? sng_fingerprint_to_string (fingerprint) : NULL;

      g_assert_cmpstr (sng_metadata_get_path (entries->pdata[i]), ==, name + strlen ("Metric/"));
      g_assert_cmpstr (sng_metadata_get_fingerprint (entries->pdata[i]), ==, text);
    }
  remove_recorder (recorder, directory);
}

/* What a device that has failed says is in no record. */
static void
test_record_failure (Fixture *fixture, gconstpointer data)
{
  g_autofree char *directory = NULL;
  SngRecorder *recorder = new_recorder (&directory);
  g_autoptr (SngStateDict) state = new_state (fixture);
  g_autoptr (GPtrArray) entries = NULL;
  g_autoptr (GError) error = NULL;

  failed = fixture->devices[0];
  g_assert_false (sng_recorder_record (recorder, SNG_STAGE_TRAIN, 1, -1, state, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_FAILED);
  g_clear_error (&error);
  g_assert_false (sng_recorder_record_tensor (recorder, "Metric", SNG_STAGE_TRAIN, 1, -1, "one",
                                              fixture->tensors->pdata[0], &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_FAILED);
  g_clear_error (&error);

  entries = sng_run_store_query (sng_recorder_get_store (recorder), "Metric", 0, G_MAXINT64, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (entries->len, ==, 0);
  remove_recorder (recorder, directory);
}

#define ADD(path, func)                                                                                      \
 g_test_add ("/sng/tensor-list/" path, Fixture, NULL, fixture_set_up, func, fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("same", test_same);
  ADD ("nothing", test_nothing);
  ADD ("non-finite", test_non_finite);
  ADD ("failure", test_failure);
  ADD ("state", test_state);
  ADD ("record", test_record);
  ADD ("record-failure", test_record_failure);

  return g_test_run ();
}
