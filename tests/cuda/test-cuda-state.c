/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What reads and writes a state does so wherever it lies. The emulator lets nobody read a GPU's memory but what works there, so
 * whoever forgets that ends this program. */

#include <string.h>

#include "../c/state-fixture.h"
#include "tensor-fixture.h"
#include "twin-fixture.h"

static const gint64 shape[] = { 7, 5 };

static double
value_of (gint64 i, double salt)
{
  return (double) i * 0.25 - salt;
}

static SngTensor *
new_host (SngDtype dtype, double salt)
{
  double values[7 * 5];
  g_autoptr (GError) error = NULL;
  SngTensor *tensor;

  for (gint64 i = 0; i < 7 * 5; i++)
    values[i] = sng_dtype_is_floating (dtype) ? value_of (i, salt) : (double) (i % 2);
  tensor = sng_tensor_new_from_values (dtype, shape, 2, values, G_N_ELEMENTS (values), &error);
  g_assert_no_error (error);

  return tensor;
}

static SngTensor *
to_device (SngTensor *host, SngDevice *device)
{
  g_autoptr (GError) error = NULL;
  guint n_dims;
  const gint64 *own_shape = sng_tensor_get_shape (host, &n_dims);
  SngTensor *tensor = sng_tensor_new (sng_tensor_get_dtype (host), own_shape, n_dims, device, &error);

  g_assert_no_error (error);
  g_assert_true (sng_tensor_copy_from (tensor, host, &error));
  g_assert_no_error (error);

  return tensor;
}

static SngTensor *
turn (SngTensor *tensor)
{
  const gint64 turned[] = { 5, 7 }, strides[] = { 1, 5 };
  g_autoptr (GError) error = NULL;
  SngTensor *view = sng_tensor_new_view (tensor, 0, turned, 2, strides, 2, &error);

  g_assert_no_error (error);

  return view;
}

static void
assert_same_fingerprint (SngFingerprint *a, SngFingerprint *b)
{
  g_assert_true (sng_fingerprint_equal (a, b));
  sng_fingerprint_free (a);
  sng_fingerprint_free (b);
}

/* ---- Tensors ---- */

static void
test_tensor (void)
{
  for (SngDtype dtype = SNG_DTYPE_F64; dtype <= SNG_DTYPE_BOOL; dtype++)
    {
      g_autoptr (SngTensor) host = new_host (dtype, 1);
      g_autoptr (SngTensor) tensor = to_device (host, twin_cuda ());
      g_autoptr (SngTensor) copy = sng_tensor_copy (tensor, NULL);
      g_autoptr (SngTensor) host_turned = turn (host);
      g_autoptr (SngTensor) turned = turn (tensor);
      g_autofree double *expected = NULL;
      g_autofree double *values = NULL;
      gsize n;

      g_assert_true (sng_tensor_equal (tensor, host));
      g_assert_true (sng_tensor_equal (host, tensor));
      g_assert_true (sng_tensor_equal (tensor, copy));
      g_assert_true (sng_tensor_equal (turned, host_turned));
      expected = sng_tensor_dup_values (host_turned, &n);
      values = sng_tensor_dup_values (turned, &n);
      g_assert_cmpmem (values, n * sizeof *values, expected, n * sizeof *expected);
      g_assert_cmpfloat (sng_tensor_get_value (turned, 8), ==, sng_tensor_get_value (host_turned, 8));
      if (!sng_dtype_is_floating (dtype))
        g_assert_cmpint (sng_tensor_get_value_int64 (turned, 8), ==,
                         sng_tensor_get_value_int64 (host_turned, 8));
      assert_same_fingerprint (sng_tensor_compute_fingerprint (turned),
                               sng_tensor_compute_fingerprint (host_turned));

      SNG_DEVICE_GET_CLASS (twin_cuda ())
          ->zero (twin_cuda (), sng_tensor_get_data (copy), sng_tensor_get_n_bytes (copy));
      g_assert_false (sng_tensor_equal (tensor, copy));
      g_assert_false (sng_tensor_equal (copy, host));
    }
}

/* From each place and order to each; between two devices of a GPU, too, of which neither waits for the other by itself. */
static void
test_copy (void)
{
  g_autoptr (SngDevice) second = sng_device_new ("cuda", NULL);
  SngDevice *devices[] = { sng_device_get_default (), twin_cuda (), second };

  for (guint from = 0; from < G_N_ELEMENTS (devices); from++)
    for (guint to = 0; to < G_N_ELEMENTS (devices); to++)
      for (guint order = 0; order < 4; order++)
        {
          g_autoptr (SngTensor) host = new_host (SNG_DTYPE_F32, 1);
          g_autoptr (SngTensor) other = new_host (SNG_DTYPE_F32, 2);
          g_autoptr (SngTensor) source = to_device (host, devices[from]);
          g_autoptr (SngTensor) target = to_device (other, devices[to]);
          g_autoptr (SngTensor) source_view = order & 1 ? turn (source) : g_object_ref (source);
          g_autoptr (SngTensor) expected = order & 1 ? turn (host) : g_object_ref (host);
          const gint64 turned[] = { 5, 7 };
          g_autoptr (SngTensor) target_view =
              order & 1 ? sng_tensor_new_view (target, 0, turned, 2, order & 2 ? (gint64[]){ 1, 5 } : NULL,
                                               order & 2 ? 2 : 0, NULL)
                        : g_object_ref (target);
          g_autoptr (GError) error = NULL;

          g_assert_true (sng_tensor_copy_from (target_view, source_view, &error));
          g_assert_no_error (error);
          g_assert_true (sng_tensor_equal (target_view, expected));
        }
}

/* ---- States ---- */

static SngStateDict *
new_state (SngDevice *device, double salt)
{
  SngStateDict *state = sng_state_dict_new ();
  const SngDtype dtypes[] = { SNG_DTYPE_F32, SNG_DTYPE_BF16, SNG_DTYPE_I64, SNG_DTYPE_BOOL };
  g_autoptr (SngTensor) first = NULL;
  g_autoptr (SngTensor) turned = NULL;
  const gint64 nothing[] = { 0, 3 };
  g_autoptr (SngTensor) empty = sng_tensor_new (SNG_DTYPE_F32, nothing, 2, device, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (dtypes); i++)
    {
      g_autoptr (SngTensor) host = new_host (dtypes[i], salt);
      g_autoptr (SngTensor) tensor = to_device (host, device);

      sng_state_dict_set_tensor (state, sng_dtype_get_name (dtypes[i]), tensor);
      if (i == 0)
        first = g_object_ref (tensor);
    }
  turned = turn (first);
  sng_state_dict_set_tensor (state, "turned", turned);
  sng_state_dict_set_tensor (state, "empty", empty);

  return state;
}

static void
test_state (void)
{
  g_autoptr (SngStateDict) host = new_state (NULL, 1);
  g_autoptr (SngStateDict) state = new_state (twin_cuda (), 1);
  g_autoptr (GError) error = NULL;
  g_autoptr (SngStateDict) copy = sng_state_dict_copy (state, &error);
  SngTensor *tensor = sng_state_dict_lookup_tensor (state, "F32");

  g_assert_no_error (error);
  g_assert_true (sng_state_dict_check_layout (state, host, &error));
  assert_same_fingerprint (sng_state_dict_compute_fingerprint (state),
                           sng_state_dict_compute_fingerprint (host));
  SNG_DEVICE_GET_CLASS (twin_cuda ())->zero (twin_cuda (), sng_tensor_get_data (tensor), 4);
  assert_same_fingerprint (sng_state_dict_compute_fingerprint (copy),
                           sng_state_dict_compute_fingerprint (host));
  g_assert_true (sng_tensor_get_device (sng_state_dict_lookup_tensor (copy, "F32")) == twin_cuda ());
}

/* One file, from wherever it comes. */
static void
test_safetensors (void)
{
  g_autofree char *directory = fixture_make_tmp ();
  char *contents[2] = { NULL, NULL };
  gsize lengths[2];

  for (guint i = 0; i < 2; i++)
    {
      g_autofree char *path = g_strdup_printf ("%s/%u", directory, i);
      g_autoptr (SngStateDict) state = new_state (i == 0 ? NULL : twin_cuda (), 1);
      g_autoptr (GError) error = NULL;

      g_assert_true (sng_safetensors_save (path, state, NULL, &error));
      g_assert_no_error (error);
      g_assert_true (g_file_get_contents (path, &contents[i], &lengths[i], NULL));
    }
  g_assert_cmpmem (contents[0], lengths[0], contents[1], lengths[1]);
  for (guint i = 0; i < 2; i++)
    g_free (contents[i]);
  fixture_remove (directory);
}

static SngCheckpoint *
new_checkpoint (SngDevice *device, double salt)
{
  SngCheckpoint *checkpoint = sng_checkpoint_new (7);
  g_autoptr (SngStateDict) model = new_state (device, salt);
  g_autoptr (SngStateDict) sampler = new_state (NULL, salt);

  sng_checkpoint_set_state (checkpoint, "model", model);
  sng_checkpoint_set_state (checkpoint, "sampler", sampler);

  return checkpoint;
}

static void
test_checkpoint (void)
{
  g_autofree char *directory = fixture_make_tmp ();
  g_autoptr (SngCheckpointStore) store = sng_checkpoint_store_new (directory);
  g_autoptr (SngCheckpoint) checkpoint = new_checkpoint (twin_cuda (), 1);
  g_autoptr (SngCheckpoint) host = new_checkpoint (NULL, 1);
  g_autoptr (GError) error = NULL;
  g_autofree char *path = sng_checkpoint_store_save (store, checkpoint, &error);
  g_autoptr (SngCheckpoint) loaded = NULL;

  g_assert_no_error (error);
  g_assert_nonnull (path);
  loaded = sng_checkpoint_store_load_latest (store, NULL, &error);
  g_assert_no_error (error);
  assert_same_fingerprint (sng_checkpoint_compute_fingerprint (loaded),
                           sng_checkpoint_compute_fingerprint (checkpoint));
  assert_same_fingerprint (sng_checkpoint_compute_fingerprint (loaded),
                           sng_checkpoint_compute_fingerprint (host));
  g_clear_object (&store);
  fixture_remove (directory);
}

/* Each rank has the half of a tensor. */
static void
test_shards (void)
{
  const gint64 whole[] = { 14, 5 };
  g_autofree char *directory = fixture_make_tmp ();
  g_autoptr (SngCheckpointStore) store = sng_checkpoint_store_new (directory);
  g_autoptr (GError) error = NULL;
  g_autoptr (SngCheckpoint) loaded = NULL;
  g_autofree char *path = NULL;
  SngTensor *tensor;

  for (guint rank = 0; rank < 2; rank++)
    {
      g_autoptr (SngCheckpoint) checkpoint = sng_checkpoint_new (3);
      g_autoptr (SngStateDict) state = sng_state_dict_new ();
      g_autoptr (SngTensor) host = new_host (SNG_DTYPE_F32, rank);
      g_autoptr (SngTensor) part = to_device (host, twin_cuda ());
      g_autoptr (SngShard) shard = sng_shard_new_split (whole, 2, 0, rank, 2, &error);

      g_assert_true (sng_state_dict_set_shard (state, "weight", part, shard, &error));
      sng_checkpoint_set_state (checkpoint, "model", state);
      g_assert_true (sng_checkpoint_store_save_rank (store, checkpoint, rank, 2, &error));
      g_assert_no_error (error);
    }
  path = sng_checkpoint_store_commit_ranks (store, 3, 2, &error);
  g_assert_no_error (error);
  loaded = sng_checkpoint_store_load_latest (store, NULL, &error);
  g_assert_no_error (error);
  tensor = sng_state_dict_lookup_tensor (sng_checkpoint_lookup_state (loaded, "model"), "weight");
  for (gint64 i = 0; i < 70; i++)
    g_assert_cmpfloat (sng_tensor_get_value (tensor, i), ==, value_of (i % 35, i < 35 ? 0 : 1));
  g_clear_object (&store);
  fixture_remove (directory);
}

static guint64
count_different (SngStateDict *first, SngStateDict *second, const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GListModel) diffs = sng_diff_state_dicts (first, second, &error);
  guint64 n_different = 0;

  g_assert_no_error (error);
  for (guint i = 0; i < g_list_model_get_n_items (diffs); i++)
    {
      g_autoptr (SngTensorDiff) diff = g_list_model_get_item (diffs, i);

      if (name == NULL || g_str_equal (sng_tensor_diff_get_name (diff), name))
        n_different += sng_tensor_diff_get_n_different (diff);
    }

  return n_different;
}

static void
test_diff (void)
{
  g_autoptr (SngStateDict) host = new_state (NULL, 1);
  g_autoptr (SngStateDict) state = new_state (twin_cuda (), 1);
  SngTensor *tensor = sng_state_dict_lookup_tensor (state, "F32");

  g_assert_cmpuint (count_different (host, state, NULL), ==, 0);
  SNG_DEVICE_GET_CLASS (twin_cuda ())->zero (twin_cuda (), sng_tensor_get_data (tensor), 4);
  g_assert_cmpuint (count_different (host, state, "F32"), ==, 1);
  g_assert_cmpuint (count_different (state, host, "turned"), ==, 1);
  g_assert_cmpuint (count_different (host, state, NULL), ==, 2);
}

/* ---- What a training keeps ---- */

static GListModel *
new_parameters (SngDevice *device)
{
  GListStore *parameters = g_list_store_new (SNG_TYPE_PARAMETER);

  for (guint i = 0; i < 2; i++)
    {
      g_autofree char *name = g_strdup_printf ("weight-%u", i);
      g_autoptr (SngTensor) value_host = new_host (SNG_DTYPE_F32, i);
      g_autoptr (SngTensor) gradient_host = new_host (SNG_DTYPE_F32, i + 0.5);
      g_autoptr (SngTensor) value = to_device (value_host, device);
      g_autoptr (SngTensor) gradient = to_device (gradient_host, device);
      g_autoptr (SngParameter) parameter = sng_parameter_new (name, value, gradient);

      g_list_store_append (parameters, parameter);
    }

  return G_LIST_MODEL (parameters);
}

static SngStateDict *
get_state (gpointer stateful)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngStateDict) state = sng_stateful_get_state (stateful, &error);
  SngStateDict *copy;

  g_assert_no_error (error);
  copy = sng_state_dict_copy (state, &error);
  g_assert_no_error (error);

  return copy;
}

/* The state goes from the GPU into one on the processor, and back into another one on the GPU. */
static void
hand_over (gpointer from, gpointer host, gpointer to)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngStateDict) state = get_state (from);
  g_autoptr (SngStateDict) host_state = NULL;
  g_autoptr (SngStateDict) last = NULL;

  g_assert_true (sng_stateful_set_state (host, state, &error));
  g_assert_no_error (error);
  host_state = get_state (host);
  assert_same_fingerprint (sng_state_dict_compute_fingerprint (host_state),
                           sng_state_dict_compute_fingerprint (state));
  g_assert_true (sng_stateful_set_state (to, host_state, &error));
  g_assert_no_error (error);
  last = get_state (to);
  assert_same_fingerprint (sng_state_dict_compute_fingerprint (last),
                           sng_state_dict_compute_fingerprint (state));
}

static void
test_optimizer (void)
{
  SngDevice *devices[] = { twin_cuda (), NULL, twin_cuda () };
  SngOptimizer *optimizers[3];
  GListModel *parameters[3];

  for (guint i = 0; i < 3; i++)
    {
      parameters[i] = new_parameters (devices[i]);
      optimizers[i] = sng_adamw_new (parameters[i], 1e-2, 0.1);
    }
  sng_optimizer_step (optimizers[0], NULL);
  hand_over (optimizers[0], optimizers[1], optimizers[2]);
  for (guint i = 0; i < 3; i++)
    {
      g_object_unref (optimizers[i]);
      g_object_unref (parameters[i]);
    }
}

static void
test_average (void)
{
  SngDevice *devices[] = { twin_cuda (), NULL, twin_cuda () };
  SngExponentialMovingAverage *averages[3];
  GListModel *parameters[3];
  g_autoptr (SngParameter) first = NULL;

  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (GError) error = NULL;

      parameters[i] = new_parameters (devices[i]);
      averages[i] = sng_exponential_moving_average_new (0.5);
      g_assert_true (sng_exponential_moving_average_attach (averages[i], parameters[i], &error));
      g_assert_no_error (error);
    }
  first = g_list_model_get_item (parameters[0], 0);
  SNG_DEVICE_GET_CLASS (twin_cuda ())
      ->zero (twin_cuda (), sng_tensor_get_data (sng_parameter_get_value (first)), 4 * 35);
  sng_exponential_moving_average_update (averages[0]);
  g_assert_cmpfloat (
      sng_tensor_get_value (sng_exponential_moving_average_lookup (averages[0], "weight-0"), 4), ==,
      value_of (4, 0) / 2);
  hand_over (averages[0], averages[1], averages[2]);
  sng_exponential_moving_average_exchange (averages[0]);
  g_assert_cmpfloat (sng_tensor_get_value (sng_parameter_get_value (first), 4), ==, value_of (4, 0) / 2);
  for (guint i = 0; i < 3; i++)
    {
      g_object_unref (averages[i]);
      g_object_unref (parameters[i]);
    }
}

/* ---- Records ---- */

static SngMetadata *
record (const char *directory, const char *name, SngTensor *tensor)
{
  g_autofree char *path = g_strdup_printf ("%s/%s.db", directory, name);
  g_autoptr (GError) error = NULL;
  g_autoptr (SngRunStore) store = sng_run_store_create (path, &error);
  g_autoptr (SngRecorder) recorder = sng_recorder_new (store, 0);
  g_autoptr (SngRunStore) reader = NULL;
  g_autoptr (GPtrArray) entries = NULL;

  g_assert_no_error (error);
  sng_recorder_set_capture (recorder, "W", TRUE);
  g_assert_true (sng_recorder_record_tensor (recorder, "W", SNG_STAGE_TRAIN, 1, -1, name, tensor, &error));
  g_assert_no_error (error);
  g_assert_true (sng_recorder_finish_step (recorder, &error));
  g_assert_no_error (error);
  reader = sng_run_store_open (path, &error);
  g_assert_no_error (error);
  entries = sng_run_store_query (reader, NULL, 0, G_MAXUINT64, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (entries->len, ==, 1);

  return sng_metadata_ref (entries->pdata[0]);
}

static void
test_record (void)
{
  g_autofree char *directory = fixture_make_tmp ();
  g_autoptr (SngTensor) host = new_host (SNG_DTYPE_BF16, 1);
  g_autoptr (SngTensor) tensor = to_device (host, twin_cuda ());
  g_autoptr (SngTensor) turned_host = turn (host);
  g_autoptr (SngTensor) turned = turn (tensor);
  g_autoptr (SngMetadata) expected = record (directory, "host", turned_host);
  g_autoptr (SngMetadata) entry = record (directory, "device", turned);
  g_autofree char *path = g_build_filename (directory, sng_metadata_get_capture (entry), NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (SngStateDict) captured = sng_safetensors_load (path, NULL, &error);
  double minimum, maximum, mean, expected_mean;

  g_assert_no_error (error);
  g_assert_true (sng_tensor_equal (sng_state_dict_lookup_tensor (captured, "tensor"), turned_host));
  g_assert_cmpstr (sng_metadata_get_fingerprint (entry), ==, sng_metadata_get_fingerprint (expected));
  sng_metadata_get_summary (expected, NULL, NULL, &expected_mean, NULL);
  sng_metadata_get_summary (entry, &minimum, &maximum, &mean, NULL);
  g_assert_cmpfloat (minimum, ==, value_of (0, 1));
  g_assert_cmpfloat (maximum, ==, value_of (34, 1));
  g_assert_cmpfloat (mean, ==, expected_mean);
  fixture_remove (directory);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  twin_cuda ();

  g_test_add_func ("/sng/cuda/state/tensor", test_tensor);
  g_test_add_func ("/sng/cuda/state/copy", test_copy);
  g_test_add_func ("/sng/cuda/state/state", test_state);
  g_test_add_func ("/sng/cuda/state/safetensors", test_safetensors);
  g_test_add_func ("/sng/cuda/state/checkpoint", test_checkpoint);
  g_test_add_func ("/sng/cuda/state/shards", test_shards);
  g_test_add_func ("/sng/cuda/state/diff", test_diff);
  g_test_add_func ("/sng/cuda/state/optimizer", test_optimizer);
  g_test_add_func ("/sng/cuda/state/average", test_average);
  g_test_add_func ("/sng/cuda/state/record", test_record);

  return g_test_run ();
}
