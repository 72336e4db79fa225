/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Saves in the background, of a store alone: what is saved is what was there when the save was begun. */

#include <errno.h>
#include <string.h>

#include "checkpoint-fixture.h"
#include "far-device.h"
#include "state/sng-checkpoint-private.h"
#include "state/sng-checkpoint-store-private.h"
#include "tensor/sng-device-private.h"
#include "system-fixture.h"

/* Lets nothing through until it is opened. */
typedef struct
{
  SngStorage storage;
  GMutex mutex;
  GCond cond;
  gboolean is_open;
} Gate;

static gint64
gate_perform (SngStorage *storage, const SngStorageCall *call)
{
  Gate *gate = (Gate *) storage;

  g_mutex_lock (&gate->mutex);
  while (!gate->is_open)
    g_cond_wait (&gate->cond, &gate->mutex);
  g_mutex_unlock (&gate->mutex);

  return sng_storage_perform (storage->next, call);
}

static void
gate_open (Gate *gate)
{
  g_mutex_lock (&gate->mutex);
  gate->is_open = TRUE;
  g_cond_broadcast (&gate->cond);
  g_mutex_unlock (&gate->mutex);
}

static void
gate_init (Gate *gate, Fixture *fixture)
{
  *gate = (Gate){ .storage = { gate_perform, NULL } };
  sng_storage_push (sng_checkpoint_store_get_storage (fixture->store), &gate->storage);
}

static void
gate_clear (Gate *gate, Fixture *fixture)
{
  sng_storage_remove (sng_checkpoint_store_get_storage (fixture->store), &gate->storage);
  g_mutex_clear (&gate->mutex);
  g_cond_clear (&gate->cond);
}

/* What a step of the training would do to the state. */
static void
overwrite (SngCheckpoint *checkpoint)
{
  g_auto (GStrv) names = sng_checkpoint_dup_names (checkpoint);

  for (guint i = 0; names[i] != NULL; i++)
    {
      SngStateDict *state = sng_checkpoint_lookup_state (checkpoint, names[i]);
      const char *name;

      for (guint k = 0; (name = sng_state_dict_get_name (state, k)) != NULL; k++)
        {
          SngTensor *tensor = sng_state_dict_lookup_tensor (state, name);

          if (tensor != NULL && sng_tensor_get_n_bytes (tensor) > 0)
            memset (sng_tensor_get_data (tensor), 0xff, sng_tensor_get_n_bytes (tensor));
        }
    }
}

static void
begin (Fixture *fixture, guint64 step, gint64 salt, guint64 superseded)
{
  g_autoptr (SngCheckpoint) checkpoint = new_checkpoint (step, salt);
  g_autoptr (GError) error = NULL;

  g_assert_true (
      sng_checkpoint_store_begin_save (fixture->store, checkpoint, &superseded, superseded > 0, &error));
  g_assert_no_error (error);
  overwrite (checkpoint);
}

static void
wait_for (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (sng_checkpoint_store_wait (fixture->store, &error));
  g_assert_no_error (error);
}

/* The training goes on before the first byte is written, and nothing of that is saved. */
static void
test_snapshot (Fixture *fixture, gconstpointer data)
{
  Gate gate;

  save (fixture, 3, 30);
  gate_init (&gate, fixture);
  begin (fixture, 7, 70, 3);
  g_assert_true (sng_checkpoint_store_is_busy (fixture->store));
  g_assert_true (holds (fixture, 3, 30));
  gate_open (&gate);
  wait_for (fixture);
  g_assert_false (sng_checkpoint_store_is_busy (fixture->store));
  g_strfreev (assert_latest (fixture, 7, 70, 0));
  assert_names (sng_checkpoint_store_get_path (fixture->store),
                (const char *[]){ "latest", "step-00000007", NULL });
  gate_clear (&gate, fixture);
}

typedef struct
{
  SngCheckpointStore *store;
  SngCheckpoint *checkpoint;
} Careless;

static gpointer
careless_thread (gpointer data)
{
  Careless *careless = data;

  return sng_checkpoint_store_write (careless->store, careless->checkpoint, NULL);
}

/* A save that does not copy is what the one above would find. */
static void
test_without_copy (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngCheckpoint) checkpoint = new_checkpoint (7, 70);
  Careless careless = { fixture->store, checkpoint };
  g_autofree char *path = NULL;
  GThread *thread;
  Gate gate;

  gate_init (&gate, fixture);
  thread = g_thread_new ("careless", careless_thread, &careless);
  overwrite (checkpoint);
  gate_open (&gate);
  path = g_thread_join (thread);
  g_assert_nonnull (path);
  g_assert_false (holds (fixture, 7, 70));
  gate_clear (&gate, fixture);
}

/* One after the other, in one piece of memory, and what is superseded goes last. */
static void
test_order (Fixture *fixture, gconstpointer data)
{
  gpointer block = NULL;

  fixture->disk.is_noting = TRUE;
  for (guint64 step = 1; step <= 9; step++)
    {
      begin (fixture, step, (gint64) step, step - 1);
      g_assert_true (block == NULL || block == sng_staging_arena_get_block (fixture->store->arena, 0));
      block = sng_staging_arena_get_block (fixture->store->arena, 0);
    }
  wait_for (fixture);
  g_strfreev (assert_latest (fixture, 9, 9, 0));
  assert_names (sng_checkpoint_store_get_path (fixture->store),
                (const char *[]){ "latest", "step-00000009", NULL });

  /* And a save that waits is in order with them. */
  begin (fixture, 10, 10, 0);
  save (fixture, 11, 11);
  begin (fixture, 12, 12, 0);
  g_assert_true (sng_checkpoint_store_remove (fixture->store, 12, NULL));
  g_strfreev (assert_latest (fixture, 11, 11, 0));
}

/* What a strided tensor, a shard, an empty one and every dtype look like is kept. */
static void
test_stage (Fixture *fixture, gconstpointer data)
{
  const gint64 shape[] = { 3, 4 }, strides[] = { 1, 3 }, nothing[] = { 0, 4 }, offset[] = { 3, 0 };
  const gint64 global_shape[] = { 6, 4 };
  g_autoptr (SngCheckpoint) checkpoint = sng_checkpoint_new (5);
  g_autoptr (SngCheckpoint) staged = NULL;
  g_autoptr (SngStateDict) state = sng_state_dict_new ();
  g_autoptr (SngTensor) base = fixture_tensor (SNG_DTYPE_F32, 2, shape);
  g_autoptr (SngTensor) view = sng_tensor_new_view (base, 0, shape, 2, strides, 2, NULL);
  g_autoptr (SngTensor) empty = fixture_tensor (SNG_DTYPE_I64, 2, nothing);
  g_autoptr (SngShard) shard = sng_shard_new (global_shape, 2, offset, 2, shape, 2, NULL);
  g_autoptr (SngStagingArena) arena = sng_staging_arena_new ();
  g_autoptr (SngFingerprint) a = NULL;
  g_autoptr (SngFingerprint) b = NULL;
  g_autoptr (SngFingerprint) c = NULL;
  g_autoptr (GError) error = NULL;
  SngStateDict *copy;

  sng_state_dict_set_tensor (state, "strided", view);
  sng_state_dict_set_tensor (state, "empty", empty);
  g_assert_true (sng_state_dict_set_shard (state, "shard", base, shard, &error));
  sng_state_dict_set_double (state, "value", -0.0);
  for (SngDtype dtype = SNG_DTYPE_F64; dtype <= SNG_DTYPE_BOOL; dtype++)
    {
      g_autoptr (SngTensor) tensor = fixture_tensor (dtype, 2, shape);

      sng_state_dict_set_tensor (state, sng_dtype_get_name (dtype), tensor);
    }
  sng_checkpoint_set_state (checkpoint, "model", state);
  sng_checkpoint_set_metadata (checkpoint, g_variant_new_parsed ("{'seed': <int64 42>}"));

  staged = sng_checkpoint_stage (checkpoint, arena, &error);
  g_assert_no_error (error);
  a = sng_checkpoint_compute_fingerprint (checkpoint);
  b = sng_checkpoint_compute_fingerprint (staged);
  g_assert_true (sng_fingerprint_equal (a, b));
  g_assert_true (
      g_variant_equal (sng_checkpoint_get_metadata (staged), sng_checkpoint_get_metadata (checkpoint)));

  copy = sng_checkpoint_lookup_state (staged, "model");
  g_assert_true (sng_tensor_is_read_only (sng_state_dict_lookup_tensor (copy, "F32")));
  g_assert_true (sng_shard_equal (sng_state_dict_lookup_shard (copy, "shard"), shard));
  overwrite (checkpoint);
  c = sng_checkpoint_compute_fingerprint (staged);
  g_assert_true (sng_fingerprint_equal (a, c));
}

/* A block of memory for each device that there are tensors of, kept for as long as that is so. */
static void
test_devices (Fixture *fixture, gconstpointer data)
{
  const gint64 shape[] = { 3, 4 };
  SngDevice *devices[] = { sng_device_new_cpu (1), far_device_new () };
  g_autoptr (SngStagingArena) arena = sng_staging_arena_new ();
  gpointer blocks[2] = { NULL, NULL };

  for (guint round = 0; round < 3; round++)
    {
      g_autoptr (SngCheckpoint) checkpoint = sng_checkpoint_new (5);
      g_autoptr (SngCheckpoint) staged = NULL;
      g_autoptr (SngStateDict) state = sng_state_dict_new ();
      g_autoptr (GError) error = NULL;

      for (guint i = 0; i < (round < 2 ? 4 : 1); i++)
        {
          g_autofree char *name = g_strdup_printf ("%u", i);
          g_autoptr (SngTensor) numbers = fixture_tensor (SNG_DTYPE_I32, 2, shape);
          g_autoptr (SngTensor) tensor = sng_tensor_new (SNG_DTYPE_I32, shape, 2, devices[i % 2], NULL);

          *(gint32 *) sng_tensor_get_data (numbers) = (gint32) i;
          g_assert_true (sng_tensor_copy_from (tensor, numbers, NULL));
          sng_state_dict_set_tensor (state, name, tensor);
        }
      sng_checkpoint_set_state (checkpoint, "model", state);
      staged = sng_checkpoint_stage (checkpoint, arena, &error);
      g_assert_no_error (error);
      g_assert_true (sng_staging_arena_finish (arena, &error));
      for (guint i = 0; i < 2; i++)
        {
          gpointer block = sng_staging_arena_get_block (arena, i);

          g_assert_true (round != 1 || block == blocks[i]);
          g_assert_true ((block != NULL) == (round < 2 || i == 0));
          blocks[i] = block;
        }
      for (guint i = 0; i < sng_state_dict_get_n_items (state); i++)
        g_assert_true (
            sng_tensor_equal (sng_state_dict_lookup_tensor (sng_checkpoint_lookup_state (staged, "model"),
                                                            sng_state_dict_get_name (state, i)),
                              sng_state_dict_lookup_tensor (state, sng_state_dict_get_name (state, i))));
    }

  for (guint i = 0; i < 2; i++)
    g_object_unref (devices[i]);
}

/* All are waited for, and the first that fails is the one that is told of. */
static void
test_devices_fail (Fixture *fixture, gconstpointer data)
{
  const gint64 shape[] = { 3, 4 };
  g_autoptr (SngDevice) first = far_device_new ();
  g_autoptr (SngDevice) second = far_device_new ();
  g_autoptr (SngTensor) a = sng_tensor_new (SNG_DTYPE_I32, shape, 2, first, NULL);
  g_autoptr (SngTensor) b = sng_tensor_new (SNG_DTYPE_I32, shape, 2, second, NULL);
  const struct
  {
    guint n_before;
    const char *message;
  } cases[] = {
    { 0, "[far] lost" },             /* memory */
    { 2, "model: 'a': [far] lost" }, /* a copy */
    { 1, "model: 'b': [far] lost" }, /* with the memory of the one before */
    { 2, "[far] lost" },             /* the wait for the first device */
  };
  g_autoptr (SngStagingArena) arena = sng_staging_arena_new ();
  g_autoptr (SngCheckpoint) checkpoint = sng_checkpoint_new (5);
  g_autoptr (SngStateDict) state = sng_state_dict_new ();

  sng_state_dict_set_tensor (state, "a", a);
  sng_state_dict_set_tensor (state, "b", b);
  sng_checkpoint_set_state (checkpoint, "model", state);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (SngCheckpoint) staged = NULL;

      far_device_fail (cases[i].n_before);
      staged = sng_checkpoint_stage (checkpoint, arena, &error);
      if (staged != NULL)
        g_assert_false (sng_staging_arena_finish (arena, &error));
      g_assert_true (far_device_has_failed ());
      g_assert_error (error, SNG_ERROR, SNG_ERROR_FAILED);
      g_assert_cmpstr (error->message, ==, cases[i].message);
      g_assert_true ((staged != NULL) == (i == 3));
    }
}

static gboolean
fail_to_finish (SngDevice *device, GError **error)
{
  g_set_error (error, SNG_ERROR, SNG_ERROR_FAILED, "[test] lost on the way");
  return FALSE;
}

/* A device that copies by itself says in the end that it could not: nothing is saved, and the next save is in order. */
static void
test_device_fails (Fixture *fixture, gconstpointer data)
{
  SngDeviceClass *klass = SNG_DEVICE_GET_CLASS (sng_device_get_default ());
  gboolean (*finish_stage) (SngDevice *, GError **) = klass->finish_stage;
  g_autoptr (GError) error = NULL;

  save (fixture, 3, 30);
  klass->finish_stage = fail_to_finish;
  begin (fixture, 7, 70, 3);
  g_assert_false (sng_checkpoint_store_wait (fixture->store, &error));
  fixture_assert_error (error, SNG_ERROR_FAILED,
                        "[checkpoint][background] [checkpoint][stage] [test] lost on the way");
  klass->finish_stage = finish_stage;
  g_strfreev (assert_latest (fixture, 3, 30, 0));
  assert_names (sng_checkpoint_store_get_path (fixture->store),
                (const char *[]){ "latest", "step-00000003", NULL });

  begin (fixture, 8, 80, 3);
  wait_for (fixture);
  g_assert_true (holds (fixture, 8, 80));
}

/* How the error of a save comes to be known. */
typedef void (*Report) (Fixture *fixture, GError **error);

static void
report_by_wait (Fixture *fixture, GError **error)
{
  g_assert_false (sng_checkpoint_store_wait (fixture->store, error));
}

static void
report_by_begin (Fixture *fixture, GError **error)
{
  g_autoptr (SngCheckpoint) checkpoint = new_checkpoint (8, 80);

  g_assert_false (sng_checkpoint_store_begin_save (fixture->store, checkpoint, NULL, 0, error));
}

static void
report_by_save (Fixture *fixture, GError **error)
{
  g_autoptr (SngCheckpoint) checkpoint = new_checkpoint (8, 80);

  g_assert_null (sng_checkpoint_store_save (fixture->store, checkpoint, error));
}

static void
report_by_remove (Fixture *fixture, GError **error)
{
  g_assert_false (sng_checkpoint_store_remove (fixture->store, 3, error));
}

static void
report_by_rank (Fixture *fixture, GError **error)
{
  g_autoptr (SngCheckpoint) checkpoint = new_checkpoint (8, 80);

  g_assert_false (sng_checkpoint_store_save_rank (fixture->store, checkpoint, 0, 1, error));
}

static void
report_by_commit (Fixture *fixture, GError **error)
{
  g_assert_null (sng_checkpoint_store_commit_ranks (fixture->store, 8, 1, error));
}

/* Each call of a save fails: the old checkpoint and what was to be superseded are there, and the error is told once. */
static void
test_errors (Fixture *fixture, gconstpointer data)
{
  static const Report reports[] = { report_by_wait,   report_by_begin, report_by_save,
                                    report_by_remove, report_by_rank,  report_by_commit };
  static const int failures[] = { ENOSPC, EIO };
  int n = 0;

  for (gboolean failed = TRUE; failed; n++)
    {
      g_autoptr (GError) error = NULL;

      fixture_remove (fixture->directory);
      save (fixture, 3, 30);
      fixture->disk.failure = failures[n % 2];
      fixture->disk.is_full = n % 2 == 0;
      fixture->disk.calls_to_failure = n;
      begin (fixture, 7, 70, 3);
      while (sng_checkpoint_store_is_busy (fixture->store))
        g_usleep (100);
      failed = fixture->disk.calls_to_failure < 0;
      fixture->disk.is_full = FALSE;
      fixture->disk.calls_to_failure = -1;
      if (!failed)
        break;

      reports[n % G_N_ELEMENTS (reports)](fixture, &error);
      g_assert_true (g_str_has_prefix (error->message, "[checkpoint][background] [checkpoint]["));
      if (!holds (fixture, 7, 70))
        g_assert_true (holds (fixture, 3, 30));
      fixture_assert_error (error, SNG_ERROR_IO, g_strerror (fixture->disk.failure));

      /* Once. */
      wait_for (fixture);
      begin (fixture, 8, 80, 0);
      wait_for (fixture);
      g_assert_true (holds (fixture, 8, 80));
    }
  g_test_message ("%d calls failed one by one", n);
  g_assert_cmpint (n, >, 20);
}

/* An error that nobody has asked for is not lost either. */
static void
test_unasked (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->directory, "other", NULL);
  SngCheckpointStore *store = sng_checkpoint_store_new (path);
  g_autoptr (SngCheckpoint) checkpoint = new_checkpoint (7, 70);
  TestDisk disk;

  test_disk_init (&disk, sng_checkpoint_store_get_storage (store));
  disk.calls_to_failure = 6;
  g_assert_true (sng_checkpoint_store_begin_save (store, checkpoint, NULL, 0, NULL));
  g_test_expect_message ("sng", G_LOG_LEVEL_WARNING,
                         "nobody has asked whether this was saved: *step-00000007*");
  g_object_unref (store);
  g_test_assert_expected_messages ();
  g_clear_pointer (&disk.calls, g_ptr_array_unref);
}

typedef struct
{
  GMainLoop *loop;
  char *path;
  GError *error;
} Result;

static void
saved_cb (GObject *object, GAsyncResult *result, gpointer data)
{
  Result *got = data;

  got->path = sng_checkpoint_store_save_finish (SNG_CHECKPOINT_STORE (object), result, &got->error);
  g_main_loop_quit (got->loop);
}

/* With a main loop. */
static void
test_async (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngCheckpoint) checkpoint = new_checkpoint (7, 70);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autofree char *expected = get_path (fixture, "step-00000007", NULL);
  Result result = { loop, NULL, NULL };
  guint n_references;

  sng_checkpoint_store_save_async (fixture->store, checkpoint, cancellable, saved_cb, &result);
  overwrite (checkpoint);
  g_main_loop_run (loop);
  g_assert_no_error (result.error);
  g_assert_cmpstr (result.path, ==, expected);
  g_clear_pointer (&result.path, g_free);
  g_assert_true (holds (fixture, 7, 70));

  fixture->disk.calls_to_failure = 4;
  sng_checkpoint_store_save_async (fixture->store, checkpoint, NULL, saved_cb, &result);
  g_main_loop_run (loop);
  g_assert_null (result.path);
  fixture_assert_error (result.error, SNG_ERROR_IO, "[checkpoint][save]");
  wait_for (fixture);
  g_assert_true (holds (fixture, 7, 70));

  fixture->disk.n_calls = 0;
  g_cancellable_cancel (cancellable);
  sng_checkpoint_store_save_async (fixture->store, checkpoint, cancellable, saved_cb, &result);
  g_main_loop_run (loop);
  g_assert_null (result.path);
  g_assert_error (result.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&result.error);
  g_assert_cmpuint (fixture->disk.n_calls, ==, 0);

  /* Nothing holds the store any more. */
  while (g_main_context_iteration (NULL, FALSE))
    ;
  n_references = G_OBJECT (fixture->store)->ref_count;
  g_assert_cmpuint (n_references, ==, 1);
}

/* What keeps a save from being begun is told where its end would be. */
static void
test_async_not_begun (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngCheckpoint) checkpoint = new_checkpoint (7, 70);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  Result result = { loop, NULL, NULL };

  /* The one before has failed. */
  save (fixture, 3, 30);
  fixture->disk.calls_to_failure = 4;
  begin (fixture, 5, 50, 0);
  sng_checkpoint_store_save_async (fixture->store, checkpoint, NULL, saved_cb, &result);
  g_main_loop_run (loop);
  g_assert_null (result.path);
  fixture_assert_error (result.error, SNG_ERROR_IO, "[checkpoint][background] [checkpoint][save]");
  g_assert_true (holds (fixture, 3, 30));
}

static void
test_no_memory (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngCheckpoint) checkpoint = new_checkpoint (7, 70);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GError) error = NULL;
  Result result = { loop, NULL, NULL };

  save (fixture, 3, 30);
  test_system_fail (TEST_SYSTEM_DEVICE_ALLOC, 0, ENOMEM);
  g_assert_false (sng_checkpoint_store_begin_save (fixture->store, checkpoint, NULL, 0, &error));
  g_assert_true (test_system_has_failed (TEST_SYSTEM_DEVICE_ALLOC));
  fixture_assert_error (error, SNG_ERROR_FAILED, "[checkpoint][stage] ");

  test_system_fail (TEST_SYSTEM_PTHREAD_CREATE, 0, EAGAIN);
  g_assert_false (sng_checkpoint_store_begin_save (fixture->store, checkpoint, NULL, 0, &error));
  g_assert_true (test_system_has_failed (TEST_SYSTEM_PTHREAD_CREATE));
  fixture_assert_error (error, SNG_ERROR_FAILED, "[checkpoint][background] ");

  test_system_fail (TEST_SYSTEM_PTHREAD_CREATE, 0, EAGAIN);
  sng_checkpoint_store_save_async (fixture->store, checkpoint, NULL, saved_cb, &result);
  g_assert_true (test_system_has_failed (TEST_SYSTEM_PTHREAD_CREATE));
  g_main_loop_run (loop);
  g_assert_null (result.path);
  fixture_assert_error (result.error, SNG_ERROR_FAILED, "[checkpoint][background] ");

  /* Nothing of it is left. */
  wait_for (fixture);
  g_assert_true (holds (fixture, 3, 30));
  begin (fixture, 8, 80, 0);
  wait_for (fixture);
  g_assert_true (holds (fixture, 8, 80));
}

typedef struct
{
  Fixture *fixture;
  Result result;
} Late;

static void
late_cb (GObject *object, GAsyncResult *result, gpointer data)
{
  Late *late = data;

  late->fixture->disk.calls_to_failure = 4;
  begin (late->fixture, 8, 80, 0);
  saved_cb (object, result, &late->result);
}

/* The next one may have begun before anybody asks how it was; and what becomes of that one is not asked yet. */
static void
test_late_finish (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngCheckpoint) checkpoint = new_checkpoint (7, 70);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autofree char *expected = get_path (fixture, "step-00000007", NULL);
  g_autoptr (GError) error = NULL;
  Late late = { fixture, { loop, NULL, NULL } };

  sng_checkpoint_store_save_async (fixture->store, checkpoint, NULL, late_cb, &late);
  g_main_loop_run (loop);
  g_assert_no_error (late.result.error);
  g_assert_cmpstr (late.result.path, ==, expected);
  g_free (late.result.path);
  g_assert_false (sng_checkpoint_store_wait (fixture->store, &error));
  fixture_assert_error (error, SNG_ERROR_IO, "step-00000008");
  g_assert_true (holds (fixture, 7, 70));
}

#define ADD(path, function)                                                                                  \
 g_test_add ("/sng/background-save/" path, Fixture, NULL, fixture_set_up, function, fixture_tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  ADD ("snapshot", test_snapshot);
  ADD ("without-copy", test_without_copy);
  ADD ("order", test_order);
  ADD ("stage", test_stage);
  ADD ("devices", test_devices);
  ADD ("devices-fail", test_devices_fail);
  ADD ("device-fails", test_device_fails);
  ADD ("errors", test_errors);
  ADD ("unasked", test_unasked);
  ADD ("async", test_async);
  ADD ("async-not-begun", test_async_not_begun);
  ADD ("no-memory", test_no_memory);
  ADD ("late-finish", test_late_finish);

  return g_test_run ();
}
