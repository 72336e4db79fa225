/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What a run puts before the file system: it holds calls up, or waits for nothing, and changes nothing of what is written. */

#include <string.h>

#include "harness/sng-disk-private.h"
#include "record/sng-recorder-private.h"
#include "state-fixture.h"
#include "state/sng-checkpoint-store-private.h"
#include "tiny-model.h"

#define USEC 3000
#define N_STORAGES 3 /* that a run writes with */

/* Counts what comes to the file system. */
typedef struct
{
  SngStorage storage;
  guint n_calls, n_syncs, n_direct;
} Spy;

typedef struct
{
  char *directory;
  SngTrainer *trainer;
  SngCheckpointStore *store; /* beside the trainer's own */
  SngRunStore *run_store;
  SngRecorder *recorder;
  SngStorage **tops[N_STORAGES];
  Spy spies[N_STORAGES];
} Fixture;

static gint64
spy_perform (SngStorage *storage, const SngStorageCall *call)
{
  Spy *self = (Spy *) storage;

  self->n_calls++;
  self->n_syncs += call->verb == SNG_STORAGE_SYNC || call->verb == SNG_STORAGE_SYNC_DIRECTORY;
  self->n_direct += call->verb == SNG_STORAGE_WRITE && call->is_direct;

  return sng_storage_perform (storage->next, call);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngModelCheckpoint) plan = NULL;
  g_autofree char *own = NULL;
  g_autofree char *steps = NULL;
  g_autofree char *records = NULL;
  g_autoptr (GError) error = NULL;

  fixture->directory = fixture_make_tmp ();
  own = g_build_filename (fixture->directory, "own", NULL);
  steps = g_build_filename (fixture->directory, "steps", NULL);
  records = g_build_filename (fixture->directory, "rank-00000.db", NULL);
  plan = g_object_new (SNG_TYPE_MODEL_CHECKPOINT, "directory", own, NULL);
  fixture->trainer = sng_trainer_new ();
  g_object_set (fixture->trainer, "model-checkpoint", plan, NULL);
  fixture->store = sng_checkpoint_store_new (steps);
  fixture->run_store = sng_run_store_create (records, &error);
  g_assert_no_error (error);
  fixture->recorder = sng_recorder_new (fixture->run_store, 0);
  sng_recorder_set_capture (fixture->recorder, "Weights", TRUE);

  fixture->tops[0] = sng_checkpoint_store_get_storage (sng_trainer_get_checkpoint_store (fixture->trainer));
  fixture->tops[1] = sng_checkpoint_store_get_storage (fixture->store);
  fixture->tops[2] = sng_recorder_get_storage (fixture->recorder);
  for (guint i = 0; i < N_STORAGES; i++)
    {
      fixture->spies[i] = (Spy){ { spy_perform, NULL }, 0, 0, 0 };
      sng_storage_push (fixture->tops[i], &fixture->spies[i].storage);
    }
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < N_STORAGES; i++)
    sng_storage_remove (fixture->tops[i], &fixture->spies[i].storage);
  g_object_unref (fixture->recorder);
  g_object_unref (fixture->run_store);
  g_object_unref (fixture->store);
  g_object_unref (fixture->trainer);
  fixture_remove (fixture->directory);
  g_free (fixture->directory);
}

/* Large enough to be written past the page cache. */
static SngTensor *
new_tensor (void)
{
  const gint64 shape[] = { 3 << 20 };

  return fixture_tensor (SNG_DTYPE_U8, 1, shape);
}

static void
assert_holds (const char *path, SngTensor *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngStateDict) loaded = sng_safetensors_load (path, NULL, &error);

  g_assert_no_error (error);
  g_assert_true (sng_tensor_equal (sng_state_dict_lookup_tensor (loaded, sng_state_dict_get_name (loaded, 0)),
                                   expected));
}

static void
save (SngCheckpointStore *store, SngTensor *tensor)
{
  g_autoptr (SngCheckpoint) checkpoint = sng_checkpoint_new (7);
  g_autoptr (SngCheckpoint) loaded = NULL;
  g_autoptr (SngStateDict) state = sng_state_dict_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;
  g_autofree char *file = NULL;

  sng_state_dict_set_tensor (state, "weight", tensor);
  sng_checkpoint_set_state (checkpoint, "model", state);
  path = sng_checkpoint_store_save (store, checkpoint, &error);
  g_assert_no_error (error);

  loaded = sng_checkpoint_load (path, &error);
  g_assert_no_error (error);
  file = g_build_filename (path, "model.safetensors", NULL);
  assert_holds (file, tensor);
  g_assert_true (sng_checkpoint_store_remove (store, 7, &error));
}

/* With all that a run writes with. */
static void
write_all (Fixture *fixture, gint64 step)
{
  g_autoptr (SngTensor) tensor = new_tensor ();
  g_autofree char *path = g_strdup_printf ("%s/captures", fixture->directory);
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) captures = NULL;
  const char *name;

  for (guint i = 0; i < N_STORAGES; i++)
    fixture->spies[i].n_calls = fixture->spies[i].n_syncs = fixture->spies[i].n_direct = 0;

  save (sng_trainer_get_checkpoint_store (fixture->trainer), tensor);
  save (fixture->store, tensor);
  g_assert_true (sng_recorder_record_tensor (fixture->recorder, "Weights", SNG_STAGE_TRAIN, (guint64) step,
                                             -1, "w", tensor, &error));
  g_assert_no_error (error);

  captures = g_dir_open (path, 0, &error);
  g_assert_no_error (error);
  while ((name = g_dir_read_name (captures)) != NULL)
    {
      g_autofree char *file = g_build_filename (path, name, NULL);

      assert_holds (file, tensor);
    }
}

/* Where nothing stands in between. */
static void
assert_plain (Fixture *fixture)
{
  for (guint i = 0; i < N_STORAGES; i++)
    g_assert_true (*fixture->tops[i] == &fixture->spies[i].storage);
}

/* Calls that take no time by themselves. */
static void
assert_holds_up (Fixture *fixture, gint64 usec)
{
  g_autofree char *nothing = g_build_filename (fixture->directory, "nothing", NULL);
  const SngStorageCall call = { .verb = SNG_STORAGE_REMOVE, .path = nothing };

  for (guint i = 0; i < N_STORAGES; i++)
    {
      gint64 began = g_get_monotonic_time ();

      for (guint k = 0; k < 10; k++)
        sng_storage_perform (*fixture->tops[i], &call);
      g_assert_cmpint (g_get_monotonic_time () - began, >=, 10 * usec);
    }
}

/* Each call takes at least so long, and none is left out. */
static void
test_slow (Fixture *fixture, gconstpointer data)
{
  SngDisk disks[SNG_N_DISKS];
  Spy plain[N_STORAGES];

  write_all (fixture, 1);
  write_all (fixture, 2);
  memcpy (plain, fixture->spies, sizeof plain);

  sng_disks_add (disks, fixture->trainer, fixture->store, fixture->recorder, USEC, FALSE);
  assert_holds_up (fixture, USEC);
  write_all (fixture, 3);
  sng_disks_remove (disks);
  assert_plain (fixture);

  for (guint i = 0; i < N_STORAGES; i++)
    {
      g_assert_cmpuint (fixture->spies[i].n_calls, ==, plain[i].n_calls);
      g_assert_cmpuint (fixture->spies[i].n_syncs, ==, plain[i].n_syncs);
      g_assert_cmpuint (fixture->spies[i].n_direct, ==, plain[i].n_direct);
      g_assert_cmpuint (fixture->spies[i].n_syncs, >, 0);
      g_assert_cmpuint (fixture->spies[i].n_direct, >, 0);
    }
}

/* Nothing waits for the disk: neither by a sync nor by a write past the page cache. */
static void
test_passing (Fixture *fixture, gconstpointer data)
{
  SngDisk disks[SNG_N_DISKS];
  Spy plain[N_STORAGES];

  write_all (fixture, 1);
  write_all (fixture, 2);
  memcpy (plain, fixture->spies, sizeof plain);

  sng_disks_add (disks, fixture->trainer, fixture->store, fixture->recorder, 0, TRUE);
  write_all (fixture, 3);
  sng_disks_remove (disks);
  assert_plain (fixture);

  for (guint i = 0; i < N_STORAGES; i++)
    {
      g_assert_cmpuint (fixture->spies[i].n_syncs, ==, 0);
      g_assert_cmpuint (fixture->spies[i].n_direct, ==, 0);
      g_assert_cmpuint (fixture->spies[i].n_calls, ==, plain[i].n_calls - plain[i].n_syncs);
    }

  /* As before. */
  write_all (fixture, 4);
  for (guint i = 0; i < N_STORAGES; i++)
    g_assert_cmpuint (fixture->spies[i].n_syncs, ==, plain[i].n_syncs);
}

/* A run that saves nothing has no more than a recorder. */
static void
test_few (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngTrainer) trainer = sng_trainer_new ();
  SngDisk disks[SNG_N_DISKS];

  sng_disks_add (disks, trainer, NULL, fixture->recorder, USEC, TRUE);
  g_assert_true (*fixture->tops[2] != &fixture->spies[2].storage);
  sng_disks_remove (disks);
  assert_plain (fixture);
}

#define ADD(path, function) g_test_add ("/sng/disk/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  ADD ("slow", test_slow);
  ADD ("passing", test_passing);
  ADD ("few", test_few);

  return g_test_run ();
}
