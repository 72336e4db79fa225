/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Saves of a state in a GPU's memory, in the background: what is saved is what was there when the save was begun, though the
 * GPU copies it later, and the training does not wait for that.
 *
 * The emulator puts off all work until somebody waits for it. So a write that does not wait for the copies comes before them as
 * soon as somebody waits for the write. */

#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

#include "twin-fixture.h"

#define N 3000

static SngDeviceClass *
ops (SngDevice *device)
{
  return SNG_DEVICE_GET_CLASS (device);
}

/* i ↦ i + salt */
static SngTensor *
new_tensor (SngDevice *device, gint64 n, float salt)
{
  g_autofree float *numbers = g_new (float, MAX (n, 1));
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (SngTensor) tensor = sng_tensor_new (SNG_DTYPE_F32, &n, 1, device, &error);

  g_assert_no_error (error);
  for (gint64 i = 0; i < n; i++)
    numbers[i] = (float) i + salt;
  bytes = g_bytes_new (numbers, (gsize) n * sizeof (float));
  g_assert_true (sng_tensor_set_bytes (tensor, bytes, &error));
  g_assert_no_error (error);

  return g_steal_pointer (&tensor);
}

/* Until the device has done all that it was told to. */
static void
synchronize (SngTensor *tensor)
{
  sng_tensor_get_value (tensor, 0);
}

/* ---- What writes to a tensor ---- */

static void
write_zero (SngTensor *tensor)
{
  SngDevice *device = sng_tensor_get_device (tensor);

  ops (device)->zero (device, sng_tensor_get_data (tensor), sng_tensor_get_n_bytes (tensor));
}

static void
write_upload (SngTensor *tensor)
{
  g_autofree guint8 *data = g_malloc (sng_tensor_get_n_bytes (tensor));
  g_autoptr (GBytes) bytes = NULL;

  memset (data, 0x7f, sng_tensor_get_n_bytes (tensor));
  bytes = g_bytes_new (data, sng_tensor_get_n_bytes (tensor));
  g_assert_true (sng_tensor_set_bytes (tensor, bytes, NULL));
}

static void
write_copy (SngTensor *tensor)
{
  g_autoptr (SngTensor) other =
      new_tensor (sng_tensor_get_device (tensor), sng_tensor_get_n_elements (tensor), -1);

  g_assert_true (sng_tensor_copy_from (tensor, other, NULL));
}

/* Every other element, in the other direction. */
static void
write_scatter (SngTensor *tensor)
{
  const gint64 n = sng_tensor_get_n_elements (tensor) / 2, stride = -2;
  g_autoptr (SngTensor) view = sng_tensor_new_view (tensor, 2 * n - 1, &n, 1, &stride, 1, NULL);

  write_upload (view);
}

/* A step of 1 against a gradient of 7. */
static SngSpan
new_span (SngTensor *tensor, SngTensor *gradient)
{
  return (SngSpan){
    .n_elements = (gsize) sng_tensor_get_n_elements (tensor),
    .learning_rate_factor = 1,
    .gradient = sng_tensor_get_data (gradient),
    .parameter = sng_tensor_get_data (tensor),
  };
}

static void
write_sgd (SngTensor *tensor)
{
  SngDevice *device = sng_tensor_get_device (tensor);
  g_autoptr (SngTensor) gradient = new_tensor (device, sng_tensor_get_n_elements (tensor), 7);
  const SngSpan span = new_span (tensor, gradient);
  const SngSgdUpdate op = { .update = { .step = 1, .learning_rate = 1, .n_spans = 1, .spans = &span } };

  ops (device)->math->f32->sgd (device, &op);
}

static void
write_adamw (SngTensor *tensor)
{
  SngDevice *device = sng_tensor_get_device (tensor);
  gint64 n = sng_tensor_get_n_elements (tensor);
  g_autoptr (SngTensor) gradient = new_tensor (device, n, 7);
  g_autoptr (SngTensor) first = new_tensor (device, n, 0);
  g_autoptr (SngTensor) second = new_tensor (device, n, 0);
  SngSpan span = new_span (tensor, gradient);
  const SngAdamwUpdate op = {
    .update = { .step = 1, .learning_rate = 1, .n_spans = 1, .spans = &span },
    .beta1 = 0.9,
    .beta2 = 0.999,
    .epsilon = 1e-8,
  };

  span.buffers[0] = sng_tensor_get_data (first);
  span.buffers[1] = sng_tensor_get_data (second);
  ops (device)->math->f32->adamw (device, &op);
}

static void
write_average (SngTensor *tensor)
{
  SngDevice *device = sng_tensor_get_device (tensor);
  g_autoptr (SngTensor) other = new_tensor (device, sng_tensor_get_n_elements (tensor), 1000);
  const SngAverage step = {
    .n_elements = (gsize) sng_tensor_get_n_elements (tensor),
    .weight = 0.5,
    .value = sng_tensor_get_data (other),
    .average = sng_tensor_get_data (tensor),
  };

  ops (device)->math->f32->average (device, 1, &step);
}

static void
write_exchange (SngTensor *tensor)
{
  SngDevice *device = sng_tensor_get_device (tensor);
  g_autoptr (SngTensor) other = new_tensor (device, sng_tensor_get_n_elements (tensor), 1000);

  ops (device)->math->f32->exchange (device, (gsize) sng_tensor_get_n_elements (tensor),
                                     sng_tensor_get_data (other), sng_tensor_get_data (tensor));
}

static void
write_scale (SngTensor *tensor)
{
  SngDevice *device = sng_tensor_get_device (tensor);
  const SngArray array = { (gsize) sng_tensor_get_n_elements (tensor), sng_tensor_get_data (tensor) };

  ops (device)->math->f32->scale (device, 1, &array, 3);
}

static const struct
{
  const char *name;
  void (*write) (SngTensor *tensor);
} writers[] = {
  { "zero", write_zero },       { "upload", write_upload },     { "copy", write_copy },
  { "scatter", write_scatter }, { "sgd", write_sgd },           { "adamw", write_adamw },
  { "average", write_average }, { "exchange", write_exchange }, { "scale", write_scale },
};

/* ---- The seam ---- */

/* As sng_tensor_dup_bytes(), later. */
typedef struct
{
  SngDevice *device;
  gsize n_bytes;
  guint8 *host;
} Staged;

static Staged
stage (SngTensor *tensor)
{
  SngDevice *device = sng_tensor_get_device (tensor);
  Staged staged = { device, sng_tensor_get_n_bytes (tensor), NULL };
  g_autoptr (GError) error = NULL;

  staged.host = ops (device)->alloc_staging (device, staged.n_bytes, &error);
  g_assert_no_error (error);
  g_assert_cmpuint ((gsize) staged.host % 64, ==, 0);
  memset (staged.host, 0xee, staged.n_bytes);
  g_assert_true (
      ops (device)->stage (device, staged.host, sng_tensor_get_data (tensor), staged.n_bytes, &error));
  g_assert_no_error (error);

  return staged;
}

static void
staged_clear (Staged *staged)
{
  ops (staged->device)->free_staging (staged->device, staged->host, staged->n_bytes);
}

/* Nobody has copied anything yet. */
static gboolean
is_untouched (const Staged *staged)
{
  for (gsize i = 0; i < staged->n_bytes; i++)
    if (staged->host[i] != 0xee)
      return FALSE;

  return TRUE;
}

static gboolean
holds (const Staged *staged, GBytes *expected)
{
  return g_bytes_get_size (expected) == staged->n_bytes
         && memcmp (staged->host, g_bytes_get_data (expected, NULL), staged->n_bytes) == 0;
}

static void
test_writer (gconstpointer data)
{
  guint which = GPOINTER_TO_UINT (data);
  SngDevice *device = twin_cuda ();
  g_autoptr (SngTensor) tensor = new_tensor (device, N, 5);
  g_autoptr (GBytes) before = sng_tensor_dup_bytes (tensor, NULL);
  g_autoptr (GBytes) after = NULL;
  g_autoptr (GError) error = NULL;
  Staged staged = stage (tensor);

  writers[which].write (tensor);
  synchronize (tensor);
  after = sng_tensor_dup_bytes (tensor, NULL);
  g_assert_false (g_bytes_equal (before, after));

  g_assert_true (ops (device)->finish_stage (device, &error));
  g_assert_no_error (error);
  g_assert_true (holds (&staged, before));
  staged_clear (&staged);
}

/* What does not write to it goes on beside the copy. */
static void
test_beside (void)
{
  SngDevice *device = twin_cuda ();
  g_autoptr (SngTensor) tensor = new_tensor (device, N, 5);
  g_autoptr (SngTensor) other = new_tensor (device, N, 6);
  g_autoptr (GBytes) before = sng_tensor_dup_bytes (tensor, NULL);
  Staged staged = stage (tensor);

  if (g_getenv ("SNG_PLUGIN_DIR") == NULL)
    {
      g_test_skip ("only the emulator puts off what nobody waits for");
      staged_clear (&staged);
      return;
    }

  write_zero (other);
  write_upload (other);
  synchronize (other);
  synchronize (tensor);
  g_assert_true (is_untouched (&staged));

  write_zero (tensor);
  g_assert_true (is_untouched (&staged));
  synchronize (other);
  g_assert_true (holds (&staged, before));
  staged_clear (&staged);
}

/* It sees what was written before, though nobody has waited for that. */
static void
test_after (void)
{
  SngDevice *device = twin_cuda ();
  g_autoptr (SngTensor) tensor = new_tensor (device, N, 5);
  g_autoptr (SngTensor) host = new_tensor (NULL, N, 5);
  g_autoptr (GBytes) expected = sng_tensor_dup_bytes (host, NULL);
  g_autoptr (GError) error = NULL;
  Staged staged = stage (tensor);

  g_assert_true (ops (device)->finish_stage (device, &error));
  g_assert_no_error (error);
  g_assert_true (holds (&staged, expected));
  staged_clear (&staged);
}

/* Nobody gets its memory before it was read. */
static void
test_life (void)
{
  SngDevice *device = twin_cuda ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) before = NULL;
  const gint64 n = 200001; /* no other test has a block of that size */
  gpointer address;
  Staged staged;

  {
    g_autoptr (SngTensor) tensor = new_tensor (device, n, 5);

    before = sng_tensor_dup_bytes (tensor, NULL);
    write_zero (tensor);
    g_clear_object (&tensor);
    tensor = new_tensor (device, n, 5);
    address = sng_tensor_get_data (tensor);
    staged = stage (tensor);
  }
  {
    g_autoptr (SngTensor) next = new_tensor (device, n, 99);

    g_assert_true (sng_tensor_get_data (next) == address);
    synchronize (next);
  }
  g_assert_true (ops (device)->finish_stage (device, &error));
  g_assert_no_error (error);
  g_assert_true (holds (&staged, before));
  staged_clear (&staged);
}

/* What somebody else puts on a stream of theirs comes after the copies as well. */
static void
test_foreign (void)
{
  SngDevice *owner = twin_cuda ();
  g_autoptr (SngDevice) other = sng_device_new ("cuda", NULL);
  g_autoptr (SngTensor) tensor = new_tensor (owner, N, 5);
  g_autoptr (GBytes) before = sng_tensor_dup_bytes (tensor, NULL);
  g_autoptr (GError) error = NULL;
  gint64 stream = (gint64) sng_device_get_stream (other);
  gpointer managed = sng_tensor_to_dlpack_on (tensor, TRUE, FALSE, stream, &error);
  g_autoptr (SngTensor) shared = sng_tensor_new_from_dlpack_on (managed, TRUE, stream, &error);
  SngDevice *device = sng_tensor_get_device (shared);
  Staged staged;

  g_assert_no_error (error);
  g_assert_true (device != other && device != owner);
  g_assert_cmpint ((gint64) sng_device_get_stream (device), ==, stream);
  staged = stage (shared);
  ops (other)->zero (other, sng_tensor_get_data (tensor), sng_tensor_get_n_bytes (tensor));
  synchronize (shared);
  g_assert_cmpfloat (sng_tensor_get_value (shared, 7), ==, 0);
  g_assert_true (ops (device)->finish_stage (device, &error));
  g_assert_no_error (error);
  g_assert_true (holds (&staged, before));
  staged_clear (&staged);
}

/* Of the stream 2 each thread has one of its own. */
static void
test_thread_stream (void)
{
  g_autoptr (SngTensor) tensor = new_tensor (twin_cuda (), 4, 5);
  g_autoptr (SngTensor) on_default = NULL;
  g_autoptr (GError) error = NULL;
  gpointer managed = sng_tensor_to_dlpack_on (tensor, TRUE, FALSE, 1, &error);

  g_assert_no_error (error);
  g_assert_null (sng_tensor_new_from_dlpack_on (managed, TRUE, 2, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED);
  g_assert_nonnull (strstr (error->message, "[device][stream] "));
  g_clear_error (&error);
  on_default = sng_tensor_new_from_dlpack_on (managed, TRUE, 1, &error);
  g_assert_no_error (error);
}

static void
test_nothing (void)
{
  g_autoptr (SngDevice) device = sng_device_new ("cuda", NULL);
  g_autoptr (SngTensor) empty = new_tensor (device, 0, 0);
  g_autoptr (GError) error = NULL;
  Staged staged;

  g_assert_true (ops (device)->finish_stage (device, &error));
  staged = stage (empty);
  g_assert_true (ops (device)->finish_stage (device, &error));
  g_assert_true (ops (device)->finish_stage (device, &error));
  g_assert_no_error (error);
  staged_clear (&staged);
}

/* ---- Saves ---- */

typedef struct
{
  char *directory;
  SngCheckpointStore *store;
  SngDevice *device;
  SngTensor *tensors[4]; /* those of the state that lie on the device */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->directory = g_dir_make_tmp ("sng-cuda-stage-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->store = sng_checkpoint_store_new (fixture->directory);
}

static void
remove_tree (const char *path)
{
  g_autoptr (GDir) directory = g_dir_open (path, 0, NULL);
  const char *name;

  while (directory != NULL && (name = g_dir_read_name (directory)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      remove_tree (child);
    }
  g_assert_cmpint (g_remove (path), ==, 0);
}

static void
drop_state (Fixture *fixture)
{
  for (guint i = 0; i < G_N_ELEMENTS (fixture->tensors); i++)
    g_clear_object (&fixture->tensors[i]);
  g_clear_object (&fixture->device);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_clear_object (&fixture->store);
  drop_state (fixture);
  remove_tree (fixture->directory);
  g_free (fixture->directory);
}

/* On the GPU, whole, empty and in other orders, and on the processor. */
static SngCheckpoint *
new_checkpoint (Fixture *fixture, guint64 step)
{
  const gint64 turned[] = { 60, 50 }, strides[] = { 1, 60 }, backwards = -3, n_backwards = N / 3;
  float salt = (float) step;
  SngCheckpoint *checkpoint = sng_checkpoint_new (step);
  g_autoptr (SngStateDict) model = sng_state_dict_new ();
  g_autoptr (SngStateDict) sampler = sng_state_dict_new ();
  g_autoptr (SngTensor) host = new_tensor (NULL, 77, salt);
  g_autoptr (SngTensor) view = NULL;
  g_autoptr (SngTensor) reverse = NULL;
  g_autoptr (GError) error = NULL;

  drop_state (fixture);
  fixture->device = sng_device_new ("cuda", &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 3; i++)
    {
      fixture->tensors[i] = new_tensor (fixture->device, N, salt + (float) i);
      sng_state_dict_set_tensor (model, (const char *[]){ "a", "b", "c" }[i], fixture->tensors[i]);
    }
  fixture->tensors[3] = new_tensor (fixture->device, 0, 0);
  sng_state_dict_set_tensor (model, "empty", fixture->tensors[3]);
  sng_state_dict_set_tensor (model, "host", host);
  view = sng_tensor_new_view (fixture->tensors[0], 0, turned, 2, strides, 2, &error);
  g_assert_no_error (error);
  reverse = sng_tensor_new_view (fixture->tensors[1], N - 1, &n_backwards, 1, &backwards, 1, &error);
  g_assert_no_error (error);
  sng_state_dict_set_tensor (model, "turned", view);
  sng_state_dict_set_tensor (model, "reverse", reverse);
  sng_state_dict_set_tensor (sampler, "position", host);
  sng_state_dict_set_double (sampler, "share", 0.5);
  sng_checkpoint_set_state (checkpoint, "model", model);
  sng_checkpoint_set_state (checkpoint, "sampler", sampler);

  return checkpoint;
}

/* What the state of the checkpoint was when it was made. */
static SngFingerprint *
expect (guint64 step)
{
  Fixture other = { 0 };
  g_autoptr (SngCheckpoint) checkpoint = new_checkpoint (&other, step);
  SngFingerprint *fingerprint = sng_checkpoint_compute_fingerprint (checkpoint);

  drop_state (&other);

  return fingerprint;
}

static void
assert_latest (Fixture *fixture, guint64 step)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngCheckpoint) loaded = sng_checkpoint_store_load_latest (fixture->store, NULL, &error);
  g_autoptr (SngFingerprint) expected = expect (step);
  g_autoptr (SngFingerprint) fingerprint = NULL;

  g_assert_no_error (error);
  g_assert_cmpuint (sng_checkpoint_get_step (loaded), ==, step);
  fingerprint = sng_checkpoint_compute_fingerprint (loaded);
  g_assert_true (sng_fingerprint_equal (fingerprint, expected));
}

static void
overwrite (Fixture *fixture)
{
  write_upload (fixture->tensors[0]);
  write_zero (fixture->tensors[1]);
  write_copy (fixture->tensors[2]);
  for (guint i = 0; i < 3; i++)
    synchronize (fixture->tensors[i]);
}

/* The saving thread waits for the training to have gone on. */
static GMutex gate;
static gboolean (*real_finish_stage) (SngDevice *device, GError **error);

static gboolean
finish_stage_late (SngDevice *device, GError **error)
{
  g_mutex_lock (&gate);
  g_mutex_unlock (&gate);

  return real_finish_stage (device, error);
}

static void
test_save (Fixture *fixture, gconstpointer data)
{
  SngDeviceClass *klass = ops (twin_cuda ());
  g_autoptr (GError) error = NULL;

  real_finish_stage = klass->finish_stage;
  klass->finish_stage = finish_stage_late;
  for (guint64 step = 1; step <= 4; step++)
    {
      g_autoptr (SngCheckpoint) checkpoint = new_checkpoint (fixture, step);
      guint64 last = step - 1;

      g_mutex_lock (&gate);
      g_assert_true (sng_checkpoint_store_begin_save (fixture->store, checkpoint, &last, step > 1, &error));
      g_assert_no_error (error);
      overwrite (fixture);
      g_mutex_unlock (&gate);
      g_assert_true (sng_checkpoint_store_wait (fixture->store, &error));
      g_assert_no_error (error);
      assert_latest (fixture, step);
    }
  klass->finish_stage = real_finish_stage;
}

static void
test_save_in_foreground (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngCheckpoint) checkpoint = new_checkpoint (fixture, 3);
  g_autoptr (GError) error = NULL;
  g_autofree char *path = sng_checkpoint_store_save (fixture->store, checkpoint, &error);

  g_assert_no_error (error);
  assert_latest (fixture, 3);
}

/* Each call of the runtime that a save makes fails once: then either nothing of it is there, and the error says what it was, or
 * all of it. */
static void
test_failures (Fixture *fixture, gconstpointer data)
{
  static const char *const functions[] = {
    "cudaEventCreateWithFlags", "cudaStreamCreateWithFlags", "cudaEventRecord", "cudaStreamWaitEvent",
    "cudaMemcpyAsync",          "cudaEventSynchronize",      "cudaHostAlloc",
  };
  guint64 saved = 1;
  g_autoptr (GError) error = NULL;
  g_autoptr (SngCheckpoint) first = new_checkpoint (fixture, saved);
  g_autofree char *path = sng_checkpoint_store_save (fixture->store, first, &error);

  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (functions); i++)
    {
      guint n_failed = 0;

      for (guint n = 1; n <= 4; n++)
        {
          guint64 step = saved + 1;
          g_autoptr (SngCheckpoint) checkpoint = new_checkpoint (fixture, step);
          g_autofree char *plan = g_strdup_printf ("%s:%u:999", functions[i], n);
          g_autoptr (GError) failure = NULL;
          gboolean is_saved;

          synchronize (fixture->tensors[0]);
          setenv ("SNG_EMULATOR_FAIL", plan, TRUE);
          is_saved = sng_checkpoint_store_begin_save (fixture->store, checkpoint, NULL, 0, &failure)
                     && sng_checkpoint_store_wait (fixture->store, &failure);
          unsetenv ("SNG_EMULATOR_FAIL");
          if (is_saved)
            saved = step;
          else
            {
              n_failed++;
              g_assert_error (failure, SNG_ERROR, SNG_ERROR_FAILED);
              g_assert_nonnull (strstr (failure->message, "[checkpoint]["));
              g_assert_nonnull (strstr (failure->message, "cudaErrorUnknown"));
            }
          assert_latest (fixture, saved);
        }
      g_test_message ("%s: %u saves failed", functions[i], n_failed);
      g_assert_cmpuint (n_failed, >, 0);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  twin_cuda ();

  for (guint i = 0; i < G_N_ELEMENTS (writers); i++)
    {
      g_autofree char *path = g_strdup_printf ("/sng/cuda/stage/before/%s", writers[i].name);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_writer);
    }
  g_test_add_func ("/sng/cuda/stage/beside", test_beside);
  g_test_add_func ("/sng/cuda/stage/after", test_after);
  g_test_add_func ("/sng/cuda/stage/life", test_life);
  g_test_add_func ("/sng/cuda/stage/foreign", test_foreign);
  g_test_add_func ("/sng/cuda/stage/thread-stream", test_thread_stream);
  g_test_add_func ("/sng/cuda/stage/nothing", test_nothing);
  g_test_add ("/sng/cuda/stage/save", Fixture, NULL, set_up, test_save, tear_down);
  g_test_add ("/sng/cuda/stage/save-in-foreground", Fixture, NULL, set_up, test_save_in_foreground,
              tear_down);
  g_test_add ("/sng/cuda/stage/failures", Fixture, NULL, set_up, test_failures, tear_down);

  return g_test_run ();
}
