/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What is told of the operations that change the file system, and a disk that is slow. */

#define _GNU_SOURCE /* strchrnul () */
#include <glib/gstdio.h>
#include <string.h>

#include "state/sng-state-io-private.h"
#include "tiny-model.h"

static char *directory;

/* Notes an operation, with the path below the directory, where random names are cut. */
static void
note_cb (const char *operation, const char *path, gpointer data)
{
  GString *news = data;
  const char *name = g_str_has_prefix (path, directory) ? path + strlen (directory) : "?";
  const char *random = strstr (name, ".tmp-");

  g_string_append_printf (news, "%s %.*s%s\n", operation,
                          random != NULL ? (int) (random + strlen (".tmp-") - name) : (int) strlen (name),
                          name, random != NULL ? strchrnul (random, '/') : "");
}

static SngCheckpoint *
new_checkpoint (void)
{
  const gint64 shape[1] = { 3 };
  SngCheckpoint *checkpoint = sng_checkpoint_new (7);
  g_autoptr (SngStateDict) state = sng_state_dict_new ();
  g_autoptr (SngTensor) tensor = sng_tensor_new (SNG_DTYPE_F32, shape, 1, NULL, NULL);

  sng_state_dict_set_tensor (state, "weight", tensor);
  sng_checkpoint_set_state (checkpoint, "model", state);

  return checkpoint;
}

static char *
save (SngCheckpointStore *store)
{
  g_autoptr (SngCheckpoint) checkpoint = new_checkpoint ();
  g_autoptr (GError) error = NULL;
  char *path = sng_checkpoint_store_save (store, checkpoint, &error);

  g_assert_no_error (error);

  return path;
}

static const char first_save[] = "mkdir \n"
                                 "mkdir /.step-00000007.tmp-\n"
                                 "create /.step-00000007.tmp-/model.safetensors\n"
                                 "write /.step-00000007.tmp-/model.safetensors\n"
                                 "write /.step-00000007.tmp-/model.safetensors\n"
                                 "sync /.step-00000007.tmp-/model.safetensors\n"
                                 "close /.step-00000007.tmp-/model.safetensors\n"
                                 "create /.step-00000007.tmp-/state.json\n"
                                 "write /.step-00000007.tmp-/state.json\n"
                                 "sync /.step-00000007.tmp-/state.json\n"
                                 "close /.step-00000007.tmp-/state.json\n"
                                 "sync-directory /.step-00000007.tmp-\n"
                                 "create /.latest.tmp-\n"
                                 "write /.latest.tmp-\n"
                                 "write /.latest.tmp-\n"
                                 "sync /.latest.tmp-\n"
                                 "close /.latest.tmp-\n"
                                 "rename /.step-00000007.tmp-\n"
                                 "sync-directory \n"
                                 "rename /.latest.tmp-\n"
                                 "sync-directory \n";

static void
test_operations (void)
{
  g_autoptr (SngCheckpointStore) store = sng_checkpoint_store_new (directory);
  g_autoptr (GString) news = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  char *tail;

  sng_state_io_add_hook (note_cb, news);
  first = save (store);

  /* After the directory itself its parent is made durable, which lies outside. */
  g_assert_true (g_str_has_prefix (news->str, "mkdir \nsync-directory ?\n"));
  g_string_erase (news, strlen ("mkdir \n"), strlen ("sync-directory ?\n"));
  g_assert_cmpstr (news->str, ==, first_save);

  /* The second one takes the place of the first, which is removed. */
  g_string_truncate (news, 0);
  second = save (store);
  g_assert_true (g_str_has_prefix (news->str, "mkdir /.step-00000007.tmp-\n"));
  tail = strstr (news->str, "exchange ");
  if (tail != NULL)
    g_assert_cmpstr (tail, ==,
                     "exchange /.step-00000007.tmp-\n"
                     "sync-directory \n"
                     "rename /.latest.tmp-\n"
                     "remove /.step-00000007.tmp-/model.safetensors\n"
                     "remove /.step-00000007.tmp-/state.json\n"
                     "remove /.step-00000007.tmp-\n"
                     "sync-directory \n");

  g_string_truncate (news, 0);
  g_assert_true (sng_checkpoint_store_remove (store, 7, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (news->str, ==,
                   "remove /latest\n"
                   "sync-directory \n"
                   "rename /step-00000007\n"
                   "sync-directory \n"
                   "remove /.step-00000007.tmp-/model.safetensors\n"
                   "remove /.step-00000007.tmp-/state.json\n"
                   "remove /.step-00000007.tmp-\n");

  /* A hook that is gone hears nothing, and it is fine to take it away again. */
  sng_state_io_remove_hook (note_cb, news);
  sng_state_io_remove_hook (note_cb, news);
  g_string_truncate (news, 0);
  g_free (g_steal_pointer (&first));
  first = save (store);
  g_assert_cmpstr (news->str, ==, "");
  tiny_remove_directory (directory);
}

/* A file that is not finished takes itself away. */
static void
test_unfinished (void)
{
  g_autofree char *path = g_build_filename (directory, "file", NULL);
  g_autoptr (GString) news = g_string_new (NULL);
  g_autoptr (SngStateFile) file = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (sng_state_io_make_directory (directory, &error));
  sng_state_io_add_hook (note_cb, news);
  file = sng_state_file_create (path, &error);
  g_assert_no_error (error);
  g_assert_true (sng_state_file_write (file, "abc", 3, &error));
  g_clear_pointer (&file, sng_state_file_free);
  g_assert_cmpstr (news->str, ==, "create /file\nwrite /file\nremove /file\n");
  sng_state_io_remove_hook (note_cb, news);
  tiny_remove_directory (directory);
}

static void
once_cb (const char *operation, const char *path, gpointer data)
{
  ++*(guint *) data;
  sng_state_io_remove_hook (once_cb, data);
}

static void
count_cb (const char *operation, const char *path, gpointer data)
{
  ++*(guint *) data;
}

/* All of them hear of it, also where one takes itself away. */
static void
test_several (void)
{
  guint n_once = 0, n_before = 0, n_after = 0;
  g_autoptr (GError) error = NULL;

  sng_state_io_add_hook (count_cb, &n_before);
  sng_state_io_add_hook (once_cb, &n_once);
  sng_state_io_add_hook (count_cb, &n_after);
  g_assert_true (sng_state_io_make_directory (directory, &error));
  g_assert_true (sng_state_io_remove (directory, &error));
  g_assert_no_error (error);
  sng_state_io_remove_hook (count_cb, &n_before);
  sng_state_io_remove_hook (count_cb, &n_after);

  g_assert_cmpuint (n_once, ==, 1);
  g_assert_cmpuint (n_before, ==, 3);
  g_assert_cmpuint (n_after, ==, 3);
}

/* Each operation takes at least so long; what is written is the same. */
static void
test_slow (void)
{
  const guint usec = 2000;
  g_autoptr (SngCheckpointStore) store = sng_checkpoint_store_new (directory);
  g_autofree char *first = save (store);
  g_autofree char *second = NULL;
  g_autofree char *manifest = g_build_filename (first, "state.json", NULL);
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  guint n = 0;
  gint64 start;

  g_assert_true (g_file_get_contents (manifest, &before, NULL, NULL));
  sng_state_io_add_hook (count_cb, &n);
  sng_state_io_set_slow (usec);
  start = g_get_monotonic_time ();
  second = save (store);
  g_assert_cmpint (g_get_monotonic_time () - start, >=, (gint64) n * usec);
  sng_state_io_set_slow (0);
  sng_state_io_remove_hook (count_cb, &n);

  g_assert_cmpuint (n, >, 20);
  g_assert_true (g_file_get_contents (manifest, &after, NULL, NULL));
  g_assert_cmpstr (after, ==, before);
  tiny_remove_directory (directory);
}

static void
count_sync_cb (const char *operation, const char *path, gpointer data)
{
  guint *n = data;

  *n += g_str_has_prefix (operation, "sync");
}

/* What need not last is saved all the same. */
static void
test_passing (void)
{
  g_autoptr (SngCheckpointStore) store = sng_checkpoint_store_new (directory);
  const gboolean passing[] = { TRUE, FALSE };
  guint n[] = { 0, 0 };

  for (guint i = 0; i < G_N_ELEMENTS (passing); i++)
    {
      g_autofree char *path = NULL;
      g_autoptr (SngCheckpoint) checkpoint = NULL;
      g_autoptr (GError) error = NULL;

      sng_state_io_set_passing (passing[i]);
      sng_state_io_add_hook (count_sync_cb, &n[i]);
      path = save (store);
      sng_state_io_remove_hook (count_sync_cb, &n[i]);
      checkpoint = sng_checkpoint_load (path, &error);
      g_assert_no_error (error);
    }

  g_assert_cmpuint (n[0], ==, 0);
  g_assert_cmpuint (n[1], >, 3);
  tiny_remove_directory (directory);
}

/* Either tree can be changed by its owner. */
static void
test_link_tree (void)
{
  g_autoptr (SngCheckpointStore) store = sng_checkpoint_store_new (directory);
  g_autofree char *copy = g_strconcat (directory, "-copy", NULL);
  g_autofree char *missing = g_build_filename (directory, "missing", NULL);
  g_autofree char *file = g_build_filename (directory, ".step-00000008.tmp-1", "model.safetensors", NULL);
  g_autofree char *linked = g_build_filename (copy, ".step-00000008.tmp-1", "model.safetensors", NULL);
  g_autofree char *remains = g_path_get_dirname (file);
  g_autofree char *path = save (store);
  g_autoptr (SngCheckpointStore) second = sng_checkpoint_store_new (copy);
  g_autoptr (SngCheckpoint) checkpoint = NULL;
  g_autoptr (GString) news = g_string_new (NULL);
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (path);
  g_assert_cmpint (g_mkdir (remains, 0777), ==, 0);
  g_assert_true (g_file_set_contents (file, "half", -1, NULL));
  sng_state_io_add_hook (note_cb, news);
  g_assert_true (sng_state_io_link_tree (directory, copy, &error));
  sng_state_io_remove_hook (note_cb, news);
  g_assert_no_error (error);
  g_assert_nonnull (strstr (news->str, "link -copy/step-00000007/model.safetensors\n"));
  g_assert_cmpuint (sng_state_io_get_inode (file), ==, sng_state_io_get_inode (linked));

  tiny_remove_directory (directory);
  checkpoint = sng_checkpoint_store_load_latest (second, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (sng_checkpoint_get_step (checkpoint), ==, 7);
  g_assert_true (g_file_test (linked, G_FILE_TEST_EXISTS));

  g_assert_false (sng_state_io_link_tree (missing, directory, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, missing));
  tiny_remove_directory (copy);
}

int
main (int argc, char **argv)
{
  g_autofree char *parent = NULL;
  int status;

  g_test_init (&argc, &argv, NULL);
  parent = g_dir_make_tmp ("test-state-io-XXXXXX", NULL);
  directory = g_build_filename (parent, "checkpoints", NULL);

  g_test_add_func ("/sng/state-io/operations", test_operations);
  g_test_add_func ("/sng/state-io/unfinished", test_unfinished);
  g_test_add_func ("/sng/state-io/several", test_several);
  g_test_add_func ("/sng/state-io/slow", test_slow);
  g_test_add_func ("/sng/state-io/passing", test_passing);
  g_test_add_func ("/sng/state-io/link-tree", test_link_tree);

  status = g_test_run ();
  tiny_remove_directory (parent);
  g_free (directory);

  return status;
}
