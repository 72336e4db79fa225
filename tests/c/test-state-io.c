/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* In which order a store changes the file system, and what its files are made of. */

#include <glib/gstdio.h>
#include <string.h>

#include "state/sng-checkpoint-store-private.h"
#include "state/sng-state-io-private.h"
#include "storage-fixture.h"
#include "tiny-model.h"

static char *directory;

/* What was noted since the last time. */
static char *
take_calls (TestDisk *disk)
{
  char *text = test_disk_describe (disk, directory);

  g_ptr_array_set_size (disk->calls, 0);

  return text;
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

static const char first_save[] = "make-directory \n"
                                 "sync-directory ?\n"
                                 "make-directory /.step-00000007.tmp-\n"
                                 "create /.step-00000007.tmp-/model.safetensors\n"
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
  g_autoptr (GError) error = NULL;
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  g_autofree char *first_calls = NULL;
  g_autofree char *second_calls = NULL;
  g_autofree char *removal = NULL;
  TestDisk disk;

  test_disk_init (&disk, sng_checkpoint_store_get_storage (store));
  disk.is_noting = TRUE;
  first = save (store);
  first_calls = take_calls (&disk);
  g_assert_cmpstr (first_calls, ==, first_save);

  /* The second one takes the place of the first, which is removed. The pointer is right already. */
  second = save (store);
  second_calls = take_calls (&disk);
  g_assert_true (g_str_has_prefix (second_calls, "make-directory /.step-00000007.tmp-\n"));
  if (strstr (second_calls, "exchange ") != NULL)
    g_assert_cmpstr (strstr (second_calls, "exchange "), ==,
                     "exchange /.step-00000007.tmp-\n"
                     "sync-directory \n"
                     "remove /.step-00000007.tmp-/model.safetensors\n"
                     "remove /.step-00000007.tmp-/state.json\n"
                     "remove-directory /.step-00000007.tmp-\n");

  g_assert_true (sng_checkpoint_store_remove (store, 7, &error));
  g_assert_no_error (error);
  removal = take_calls (&disk);
  g_assert_cmpstr (removal, ==,
                   "remove /latest\n"
                   "sync-directory \n"
                   "rename /step-00000007\n"
                   "sync-directory \n"
                   "remove /.step-00000007.tmp-/model.safetensors\n"
                   "remove /.step-00000007.tmp-/state.json\n"
                   "remove-directory /.step-00000007.tmp-\n");

  test_disk_clear (&disk);
  tiny_remove_directory (directory);
}

/* A file that is not finished takes itself away, with whatever it had gathered. */
static void
test_unfinished (void)
{
  g_autofree char *path = g_build_filename (directory, "file", NULL);
  g_autofree char *calls = NULL;
  g_autoptr (SngStateFile) file = NULL;
  g_autoptr (GError) error = NULL;
  SngStorage *top = sng_storage_get_posix ();
  TestDisk disk;

  g_assert_true (sng_state_io_make_directory (top, directory, &error));
  test_disk_init (&disk, &top);
  disk.is_noting = TRUE;
  file = sng_state_file_create (top, path, &error);
  g_assert_no_error (error);
  g_assert_true (sng_state_file_write (file, "abc", 3, &error));
  g_clear_pointer (&file, sng_state_file_free);
  calls = take_calls (&disk);
  g_assert_cmpstr (calls, ==, "create /file\nclose /file\nremove /file\n");
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  test_disk_clear (&disk);
  tiny_remove_directory (directory);
}

/* However the bytes come, and however few of them the system takes at a time, they are in the file in order. */
static void
test_pieces (void)
{
  const gsize sizes[] = { 1, 70000, 65535, 65536, 65537, 3, 20u << 20, 0, 5 };
  g_autofree char *path = g_build_filename (directory, "file", NULL);
  g_autofree char *found = NULL;
  g_autoptr (GByteArray) expected = g_byte_array_new ();
  g_autoptr (SngStateFile) file = NULL;
  g_autoptr (GError) error = NULL;
  SngStorage *top = sng_storage_get_posix ();
  TestDisk disk;
  gsize length;

  g_assert_true (sng_state_io_make_directory (top, directory, &error));
  test_disk_init (&disk, &top);
  disk.failure = 0;
  file = sng_state_file_create (top, path, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      gsize before = expected->len;

      g_byte_array_set_size (expected, (guint) (before + sizes[i]));
      for (gsize k = before; k < expected->len; k++)
        expected->data[k] = (guint8) (k * 2654435761u >> 16);
      disk.calls_to_failure = 0;
      g_assert_true (sng_state_file_write (file, expected->data + before, sizes[i], &error));
    }
  g_assert_true (sng_state_file_finish (file, &error));
  g_assert_no_error (error);
  test_disk_clear (&disk);

  g_assert_true (g_file_get_contents (path, &found, &length, &error));
  g_assert_cmpmem (found, length, expected->data, expected->len);
  tiny_remove_directory (directory);
}

/* All of them hear of a call, the last one that was put there first, and one goes wherever it is. */
static void
test_several (void)
{
  g_autoptr (GError) error = NULL;
  SngStorage *top = sng_storage_get_posix ();
  TestDisk disks[3];

  for (guint i = 0; i < G_N_ELEMENTS (disks); i++)
    test_disk_init (&disks[i], &top);
  g_assert_true (top == &disks[2].storage);
  g_assert_true (sng_state_io_make_directory (top, directory, &error));
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (disks); i++)
    g_assert_cmpuint (disks[i].n_calls, ==, 2 - (i < 2)); /* the uppermost does not hand the sync on */

  test_disk_clear (&disks[1]);
  sng_storage_remove (&top, &disks[1].storage);
  g_assert_true (sng_state_io_remove (top, directory, &error));
  g_assert_cmpuint (disks[0].n_calls, ==, 2);
  g_assert_cmpuint (disks[1].n_calls, ==, 1);
  g_assert_cmpuint (disks[2].n_calls, ==, 3);

  test_disk_clear (&disks[0]);
  test_disk_clear (&disks[2]);
  g_assert_true (top == sng_storage_get_posix ());
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
  g_autofree char *calls = NULL;
  g_autoptr (GError) error = NULL;
  SngStorage *top = sng_storage_get_posix ();
  TestDisk disk;

  g_assert_nonnull (path);
  g_assert_cmpint (g_mkdir (remains, 0777), ==, 0);
  g_assert_true (g_file_set_contents (file, "half", -1, NULL));
  test_disk_init (&disk, &top);
  disk.is_noting = TRUE;
  g_assert_true (sng_state_io_link_tree (top, directory, copy, &error));
  calls = take_calls (&disk);
  test_disk_clear (&disk);
  g_assert_no_error (error);
  g_assert_nonnull (strstr (calls, "link -copy/step-00000007/model.safetensors\n"));
  g_assert_cmpuint (sng_state_io_get_inode (file), ==, sng_state_io_get_inode (linked));

  tiny_remove_directory (directory);
  checkpoint = sng_checkpoint_store_load_latest (second, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (sng_checkpoint_get_step (checkpoint), ==, 7);
  g_assert_true (g_file_test (linked, G_FILE_TEST_EXISTS));

  g_assert_false (sng_state_io_link_tree (top, missing, directory, &error));
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
  g_test_add_func ("/sng/state-io/pieces", test_pieces);
  g_test_add_func ("/sng/state-io/link-tree", test_link_tree);

  status = g_test_run ();
  tiny_remove_directory (parent);
  g_free (directory);

  return status;
}
