/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Saves of a state in a GPU's memory, in the background: what is saved is what was there when the save was begun, though the
 * GPU copies it later, and the training does not wait for that. */

#include <stdlib.h>
#include <string.h>

#include "../c/state-fixture.h"
#include "tensor-fixture.h"
#include "twin-fixture.h"

#define N 3000

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
  fixture->directory = fixture_make_tmp ();
  fixture->store = sng_checkpoint_store_new (fixture->directory);
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
  fixture_remove (fixture->directory);
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
  g_autoptr (SngTensor) host = tensor_fixture_new (NULL, 77, salt);
  g_autoptr (SngTensor) view = NULL;
  g_autoptr (SngTensor) reverse = NULL;
  g_autoptr (GError) error = NULL;

  drop_state (fixture);
  fixture->device = sng_device_new ("cuda", &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 3; i++)
    {
      fixture->tensors[i] = tensor_fixture_new (fixture->device, N, salt + (float) i);
      sng_state_dict_set_tensor (model, (const char *[]){ "a", "b", "c" }[i], fixture->tensors[i]);
    }
  fixture->tensors[3] = tensor_fixture_new (fixture->device, 0, 0);
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
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (SngTensor) other = tensor_fixture_new (fixture->device, N, -1);

      g_assert_true (sng_tensor_copy_from (fixture->tensors[i], other, NULL));
      tensor_fixture_synchronize (fixture->tensors[i]);
    }
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
  SngDeviceClass *klass = SNG_DEVICE_GET_CLASS (twin_cuda ());
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
  g_assert_nonnull (path);
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
  if (!twin_is_emulated ())
    {
      g_test_skip ("a failure can be planted in the emulator only");
      return;
    }

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

          tensor_fixture_synchronize (fixture->tensors[0]);
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

  g_test_add ("/sng/cuda/save/background", Fixture, NULL, set_up, test_save, tear_down);
  g_test_add ("/sng/cuda/save/foreground", Fixture, NULL, set_up, test_save_in_foreground, tear_down);
  g_test_add ("/sng/cuda/save/failures", Fixture, NULL, set_up, test_failures, tear_down);

  return g_test_run ();
}
