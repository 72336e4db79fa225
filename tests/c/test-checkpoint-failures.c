/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Whatever a store asks the system for and does not get: the checkpoints that are there stay, and the next try succeeds. */

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#include "checkpoint-fixture.h"
#include "state/sng-checkpoint-store-private.h"
#include "state/sng-state-file-private.h"
#include "system-fixture.h"

/* The error of a failure that was planted; the oldest checkpoint is there. */
static void
assert_failed (Fixture *fixture, GError **error, const char *place)
{
  g_autoptr (SngCheckpoint) loaded = NULL;
  g_autofree char *oldest = get_path (fixture, "step-00000003", NULL);

  g_assert_error (*error, SNG_ERROR, SNG_ERROR_IO);
  if (!g_str_has_prefix ((*error)->message, place))
    g_error ("\"%s\" does not begin with \"%s\"", (*error)->message, place);
  g_clear_error (error);

  loaded = sng_checkpoint_load (oldest, error);
  g_assert_no_error (*error);
  g_clear_object (&loaded);
  loaded = sng_checkpoint_store_load_latest (fixture->store, NULL, error);
  g_assert_no_error (*error);
}

static void
put_leftover (Fixture *fixture, const char *name)
{
  g_autofree char *directory = get_path (fixture, name, NULL);
  g_autofree char *file = get_path (fixture, name, "state.json");

  g_assert_cmpint (g_mkdir_with_parents (directory, 0777), ==, 0);
  fixture_write (file, "{", 1);
}

/* What kills have left, and things that only look like it. */
static void
put_leftovers (Fixture *fixture)
{
  static const char *const names[] = {
    ".step-00000005.tmp-abc123", ".step-00000003.old", ".step-00000005.ranks",
    ".step-00000009.ranks",      ".step-5.ranks",      ".step-of-mine"
  };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    put_leftover (fixture, names[i]);
}

static void
assert_clean (Fixture *fixture, const char *const *steps)
{
  g_auto (GStrv) names = list_names (sng_checkpoint_store_get_path (fixture->store));
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) expected = NULL;

  g_strv_builder_addv (
      builder, (const char *[]){ ".step-00000009.ranks", ".step-5.ranks", ".step-of-mine", "latest", NULL });
  g_strv_builder_addv (builder, (const char **) steps);
  expected = g_strv_builder_end (builder);
  g_assert_cmpstrv (names, expected);
}

/* Each call of a save that has to clear up first. */
static void
test_save (Fixture *fixture, gconstpointer data)
{
  guint n_failed = 0;

  save (fixture, 3, 30);
  for (int n = 0; n >= 0; n++)
    {
      g_autoptr (SngCheckpoint) checkpoint = new_checkpoint (7, 70);
      g_autoptr (GError) error = NULL;
      g_autofree char *path = NULL;

      put_leftovers (fixture);
      fixture->disk.calls_to_failure = n;
      path = sng_checkpoint_store_save (fixture->store, checkpoint, &error);
      if (fixture->disk.calls_to_failure >= 0)
        n = -2;
      fixture->disk.calls_to_failure = -1;
      if (path == NULL)
        {
          n_failed++;
          assert_failed (fixture, &error, "[checkpoint][save] ");
          save (fixture, 7, 70);
        }
      assert_clean (fixture, (const char *[]){ "step-00000003", "step-00000007", NULL });
      g_assert_true (sng_checkpoint_store_remove (fixture->store, 7, &error));
    }
  g_assert_cmpuint (n_failed, >, 20);
}

/* A checkpoint that a kill has left aside cannot be brought back. */
static void
test_recover (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngCheckpoint) checkpoint = new_checkpoint (9, 90);
  g_autofree char *path = get_path (fixture, "step-00000007", NULL);
  g_autofree char *aside = get_path (fixture, ".step-00000007.old", NULL);
  g_auto (GStrv) paths = NULL;
  g_autoptr (GError) error = NULL;

  save (fixture, 3, 30);
  save (fixture, 7, 70);
  g_assert_cmpint (g_rename (path, aside), ==, 0);

  fixture->disk.calls_to_failure = 0;
  g_assert_null (sng_checkpoint_store_save (fixture->store, checkpoint, &error));
  fixture_assert_error (error, SNG_ERROR_IO, "cannot rename");

  /* A list is one of those that are there. */
  fixture->disk.calls_to_failure = 0;
  paths = sng_checkpoint_store_list (fixture->store, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_strv_length (paths), ==, 1);
  g_assert_true (holds (fixture, 7, 70));
}

/* A directory that cannot be read, at any time. */
static void
test_unreadable (Fixture *fixture, gconstpointer data)
{
  guint n_failed = 0;

  save (fixture, 3, 30);
  for (guint n = 0; n < 2; n++)
    {
      g_autoptr (GError) error = NULL;

      test_system_fail (TEST_SYSTEM_OPENDIR, n, EMFILE);
      g_assert_null (sng_checkpoint_store_list (fixture->store, &error));
      g_assert_true (test_system_has_failed (TEST_SYSTEM_OPENDIR));
      assert_failed (fixture, &error, "[checkpoint][list] ");
    }

  for (gboolean has_failed = TRUE; has_failed; n_failed++)
    {
      g_autoptr (SngCheckpoint) checkpoint = new_checkpoint (7, 70);
      g_autoptr (GError) error = NULL;
      g_autofree char *path = NULL;

      put_leftovers (fixture);
      test_system_fail (TEST_SYSTEM_OPENDIR, n_failed, EMFILE);
      path = sng_checkpoint_store_save (fixture->store, checkpoint, &error);
      has_failed = test_system_has_failed (TEST_SYSTEM_OPENDIR);
      g_assert_cmpint (path == NULL, ==, has_failed);
      if (has_failed)
        assert_failed (fixture, &error, "[checkpoint][save] ");
    }
  g_assert_cmpuint (n_failed, >, 3);

  /* A load that does not come so far has its reason, and one in between sees to it that others change nothing. */
  for (guint n = 0; n < 4; n++)
    {
      g_autoptr (SngCheckpoint) loaded = NULL;
      g_autoptr (GError) error = NULL;
      g_auto (GStrv) refused = NULL;

      test_system_fail (TEST_SYSTEM_OPENDIR, n, EMFILE);
      loaded = sng_checkpoint_store_load_latest (fixture->store, &refused, &error);
      test_system_has_failed (TEST_SYSTEM_OPENDIR);
      g_assert_cmpint (loaded == NULL, ==, n == 1 || n == 2);
      if (loaded == NULL)
        assert_failed (fixture, &error, "[checkpoint][load] ");
    }
}

/* A store whose directory is none. */
static void
test_no_directory (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->directory, "file", NULL);
  g_autoptr (SngCheckpointStore) store = sng_checkpoint_store_new (path);
  g_autoptr (SngCheckpoint) checkpoint = new_checkpoint (7, 70);
  g_autoptr (GError) error = NULL;

  fixture_write (path, "abc", 3);
  g_assert_null (sng_checkpoint_store_list (store, &error));
  fixture_assert_error (error, SNG_ERROR_IO, path);
  g_assert_null (sng_checkpoint_store_load_latest (store, NULL, &error));
  fixture_assert_error (error, SNG_ERROR_IO, path);
  g_assert_null (sng_checkpoint_store_save (store, checkpoint, &error));
  fixture_assert_error (error, SNG_ERROR_IO, path);
}

/* Each call of a removal: the checkpoint is there in whole or not at all, and what it has left is cleared away. */
static void
remove_failing (Fixture *fixture, guint64 step, const char *const *left)
{
  guint n_failed = 0;

  for (int n = 0; n >= 0; n++)
    {
      g_autoptr (GError) error = NULL;
      gboolean removed;

      save (fixture, 5, 50);
      save (fixture, 7, 70);
      put_leftover (fixture, ".step-00000007.old");
      put_leftover (fixture, ".step-00000005.old");
      fixture->disk.calls_to_failure = n;
      removed = sng_checkpoint_store_remove (fixture->store, step, &error);
      if (fixture->disk.calls_to_failure >= 0)
        n = -2;
      fixture->disk.calls_to_failure = -1;
      if (!removed)
        {
          n_failed++;
          assert_failed (fixture, &error, "[checkpoint][remove] step-0000000");
          if (!sng_checkpoint_store_remove (fixture->store, step, &error))
            fixture_assert_error (error, SNG_ERROR_NOT_FOUND, "there is no");
        }
      g_strfreev (sng_checkpoint_store_list (fixture->store, NULL));
      save (fixture, 3, 30);
      assert_names (sng_checkpoint_store_get_path (fixture->store), left);
    }
  g_assert_cmpuint (n_failed, >, 6);
}

static void
test_remove (Fixture *fixture, gconstpointer data)
{
  save (fixture, 3, 30);
  remove_failing (fixture, 7, (const char *[]){ "latest", "step-00000003", "step-00000005", NULL });
  remove_failing (fixture, 5, (const char *[]){ "latest", "step-00000003", "step-00000007", NULL });
}

/* The last one of all, which latest named. */
static void
test_remove_last (Fixture *fixture, gconstpointer data)
{
  guint n_failed = 0;

  for (int n = 0; n >= 0; n++)
    {
      g_autoptr (GError) error = NULL;
      g_auto (GStrv) paths = NULL;

      save (fixture, 7, 70);
      fixture->disk.calls_to_failure = n;
      if (!sng_checkpoint_store_remove (fixture->store, 7, &error))
        {
          n_failed++;
          g_assert_true (g_str_has_prefix (error->message, "[checkpoint][remove] step-00000007: "));
          fixture_assert_error (error, SNG_ERROR_IO, g_strerror (EIO));
        }
      if (fixture->disk.calls_to_failure >= 0)
        n = -2;
      fixture->disk.calls_to_failure = -1;
      paths = sng_checkpoint_store_list (fixture->store, &error);
      g_assert_no_error (error);
      if (paths[0] != NULL)
        g_assert_true (holds (fixture, 7, 70));
    }
  g_assert_cmpuint (n_failed, >, 4);
}

/* Where latest does not name it, names nothing, or cannot be made to name another one. */
static void
test_remove_pointer (Fixture *fixture, gconstpointer data)
{
  g_autofree char *latest = get_path (fixture, "latest", NULL);
  g_autoptr (GError) error = NULL;

  save (fixture, 3, 30);
  save (fixture, 5, 50);
  save (fixture, 7, 70);
  test_system_fail (TEST_SYSTEM_OPENDIR, 0, EMFILE);
  g_assert_false (sng_checkpoint_store_remove (fixture->store, 7, &error));
  g_assert_true (test_system_has_failed (TEST_SYSTEM_OPENDIR));
  assert_failed (fixture, &error, "[checkpoint][remove] step-00000007: ");
  g_assert_true (holds (fixture, 7, 70));

  g_assert_true (sng_checkpoint_store_remove (fixture->store, 5, &error));
  g_assert_true (holds (fixture, 7, 70));
  g_assert_cmpint (g_unlink (latest), ==, 0);
  g_assert_true (sng_checkpoint_store_remove (fixture->store, 7, &error));
  g_assert_no_error (error);
  assert_names (sng_checkpoint_store_get_path (fixture->store), (const char *[]){ "step-00000003", NULL });
}

/* Fails every call from one on, as a disk does that is gone. */
typedef struct
{
  SngStorage storage;
  guint n_left;
} Dying;

static gint64
dying_perform (SngStorage *storage, const SngStorageCall *call)
{
  Dying *self = (Dying *) storage;

  if (self->n_left == 0)
    {
      if (call->verb == SNG_STORAGE_CLOSE)
        sng_storage_perform (storage->next, call);
      return -EIO;
    }
  self->n_left--;

  return sng_storage_perform (storage->next, call);
}

/* Of two ranks, and what more of them have left. */
static void
save_parts (Fixture *fixture)
{
  for (guint rank = 0; rank < 2; rank++)
    {
      g_autoptr (SngCheckpoint) part = new_checkpoint (7, 70);
      g_autoptr (GError) error = NULL;

      g_assert_true (sng_checkpoint_store_save_rank (fixture->store, part, rank, 2, &error));
      g_assert_no_error (error);
    }
  put_leftover (fixture, ".step-00000007.ranks/rank-00002");
}

static gboolean
commit (Fixture *fixture, GError **error)
{
  g_autofree char *path = sng_checkpoint_store_commit_ranks (fixture->store, 7, 2, error);

  return path != NULL;
}

/* A disk that is gone in the midst of a commit that replaces a checkpoint: nothing can be taken back, and yet one or the
 * other is there when the disk is. */
static void
test_commit_dies (Fixture *fixture, gconstpointer data)
{
  SngStorage **top = sng_checkpoint_store_get_storage (fixture->store);
  guint n = 0;

  save (fixture, 3, 30);
  for (gboolean committed = FALSE; !committed; n++)
    {
      Dying dying = { { dying_perform, NULL }, n };
      g_autoptr (GError) error = NULL;

      save (fixture, 7, 70);
      save (fixture, 3, 30);
      save_parts (fixture);
      sng_storage_push (top, &dying.storage);
      committed = commit (fixture, &error);
      sng_storage_remove (top, &dying.storage);
      if (!committed)
        assert_failed (fixture, &error, "[checkpoint][commit] step-00000007: ");
    }
  g_assert_cmpuint (n, >, 15);
}

/* Each call of a commit fails by itself, and each look into a directory. */
static void
test_commit_fails (Fixture *fixture, gconstpointer data)
{
  guint n_failed = 0;

  save (fixture, 3, 30);
  for (int n = 0; n >= 0; n++)
    {
      g_autoptr (GError) error = NULL;

      save_parts (fixture);
      fixture->disk.calls_to_failure = n;
      if (!commit (fixture, &error))
        assert_failed (fixture, &error, "[checkpoint][commit] step-00000007: ");
      if (fixture->disk.calls_to_failure >= 0)
        n = -2;
      fixture->disk.calls_to_failure = -1;
    }

  for (gboolean committed = FALSE; !committed; n_failed++)
    {
      g_autoptr (GError) error = NULL;

      save_parts (fixture);
      test_system_fail (TEST_SYSTEM_OPENDIR, n_failed, EMFILE);
      committed = commit (fixture, &error);
      if (!committed)
        {
          g_assert_true (test_system_has_failed (TEST_SYSTEM_OPENDIR));
          assert_failed (fixture, &error, "[checkpoint][commit] step-00000007: ");
        }
      test_system_has_failed (TEST_SYSTEM_OPENDIR);
    }
  g_assert_cmpuint (n_failed, >, 2);
}

/* Each time that somebody looks, something new is there. */
static void
watch_cb (gpointer data)
{
  static guint n;
  g_autofree char *name = g_strdup_printf ("new-%u", n++);
  g_autofree char *path = get_path (data, name, NULL);

  fixture_write (path, "", 0);
}

/* A load does not wait for others to come to rest. */
static void
test_never_at_rest (Fixture *fixture, gconstpointer data)
{
  g_autofree char *manifest = get_path (fixture, "step-00000007", "state.json");

  save (fixture, 3, 30);
  save (fixture, 7, 70);
  fixture_write (manifest, "{}", 2);
  test_system_watch (TEST_SYSTEM_OPENDIR, watch_cb, fixture);
  g_strfreev (assert_latest (fixture, 3, 30, 1));
  test_system_watch (TEST_SYSTEM_OPENDIR, NULL, NULL);
}

/* What is written in large pieces, and no memory for them. */
static void
test_no_memory (Fixture *fixture, gconstpointer data)
{
  const gint64 large[] = { 1 << 20 }, small[] = { 1 };
  g_autoptr (SngTensor) element = fixture_tensor (SNG_DTYPE_U8, 1, small);
  g_autoptr (SngTensor) bytes = fixture_tensor (SNG_DTYPE_U8, 1, large);

  save (fixture, 3, 30);
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (SngCheckpoint) checkpoint = sng_checkpoint_new (7);
      g_autoptr (SngStateDict) state = sng_state_dict_new ();
      g_autoptr (GError) error = NULL;
      g_autofree char *path = NULL;

      /* A large tensor, a large header, a large manifest. */
      if (i == 0)
        sng_state_dict_set_tensor (state, "bytes", bytes);
      for (guint k = 0; i > 0 && k < 2000; k++)
        {
          g_autofree char *name = g_strdup_printf ("%u", k);

          if (i == 1)
            sng_state_dict_set_tensor (state, name, element);
          else
            sng_state_dict_set_int64 (state, name, k);
        }
      sng_checkpoint_set_state (checkpoint, "model", state);

      sng_state_file_trim ();
      test_system_fail (TEST_SYSTEM_MMAP, 0, ENOMEM);
      g_assert_null (sng_checkpoint_store_save (fixture->store, checkpoint, &error));
      g_assert_true (test_system_has_failed (TEST_SYSTEM_MMAP));
      g_assert_nonnull (strstr (error->message, g_strerror (ENOMEM)));
      assert_failed (fixture, &error, "[checkpoint][save] step-00000007: ");
      g_assert_true (holds (fixture, 3, 30));

      path = sng_checkpoint_store_save (fixture->store, checkpoint, &error);
      g_assert_no_error (error);
      g_assert_true (sng_checkpoint_store_remove (fixture->store, 7, NULL));
    }
}

/* A checkpoint of nothing is one. */
static void
test_no_state (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngCheckpoint) checkpoint = sng_checkpoint_new (7);
  g_autoptr (SngCheckpoint) loaded = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = sng_checkpoint_store_save (fixture->store, checkpoint, &error);
  g_auto (GStrv) names = NULL;

  g_assert_no_error (error);
  loaded = sng_checkpoint_load (path, &error);
  g_assert_no_error (error);
  names = sng_checkpoint_dup_names (loaded);
  g_assert_cmpuint (g_strv_length (names), ==, 0);
}

#define ADD(path, function)                                                                                  \
 g_test_add ("/sng/checkpoint-failures/" path, Fixture, NULL, fixture_set_up, function, fixture_tear_down)
#define ADD_PLAIN(path, function)                                                                            \
 g_test_add ("/sng/checkpoint-failures/no-exchange/" path, Fixture, "no exchange", fixture_set_up, function, \
             fixture_tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  ADD ("save", test_save);
  ADD ("recover", test_recover);
  ADD ("unreadable", test_unreadable);
  ADD ("no-directory", test_no_directory);
  ADD ("remove", test_remove);
  ADD ("remove-last", test_remove_last);
  ADD ("remove-pointer", test_remove_pointer);
  ADD ("commit-dies", test_commit_dies);
  ADD_PLAIN ("commit-dies", test_commit_dies);
  ADD ("commit-fails", test_commit_fails);
  ADD ("never-at-rest", test_never_at_rest);
  ADD ("no-memory", test_no_memory);
  ADD ("no-state", test_no_state);

  return g_test_run ();
}
