/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What a file is made of, and what keeps it from being made. */

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#include "far-device.h"
#include "state-fixture.h"
#include "state/sng-safetensors-private.h"
#include "state/sng-state-file-private.h"
#include "storage-fixture.h"
#include "system-fixture.h"

typedef struct
{
  char *directory;
  char *path;
  SngStateDict *state; /* an I16 of [2, 3] */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  const gint64 shape[] = { 2, 3 };
  g_autoptr (SngTensor) tensor = fixture_tensor (SNG_DTYPE_I16, 2, shape);

  fixture->directory = fixture_make_tmp ();
  fixture->path = g_build_filename (fixture->directory, "a.safetensors", NULL);
  fixture->state = sng_state_dict_new ();
  sng_state_dict_set_tensor (fixture->state, "a", tensor);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  fixture_remove (fixture->directory);
  g_free (fixture->directory);
  g_free (fixture->path);
  g_object_unref (fixture->state);
}

static void
assert_nothing_left (Fixture *fixture)
{
  g_autoptr (GDir) directory = g_dir_open (fixture->directory, 0, NULL);

  g_assert_null (g_dir_read_name (directory));
}

/* By the order of the keys, and of a key that is there twice the first value. */
static void
test_metadata (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GVariant) metadata = g_variant_ref_sink (
      g_variant_new_parsed ("@a{ss} {'b': '1', 'c': '\"', 'a': '2', 'b': '3', 'a': '4'}"));
  g_autoptr (SngStateDict) loaded = NULL;
  g_autoptr (GVariant) found = NULL;
  g_autofree char *contents = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (sng_safetensors_save (fixture->path, fixture->state, metadata, &error));
  g_assert_no_error (error);
  g_assert_true (g_file_get_contents (fixture->path, &contents, NULL, NULL));
  g_assert_true (g_str_has_prefix (
      contents + 8, "{\"__metadata__\":{\"a\":\"2\",\"b\":\"1\",\"c\":\"\\\"\"},\"a\":{\"dtype\":\"I16\""));
  loaded = sng_safetensors_load (fixture->path, &found, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_variant_n_children (found), ==, 3);
}

/* No reader takes a header above the limit, so none is written. */
static void
test_header_limit (Fixture *fixture, gconstpointer data)
{
  g_autofree char *text = g_malloc (SNG_SAFETENSORS_MAX_HEADER + 1);
  g_autoptr (GVariant) metadata = NULL;
  g_autoptr (GError) error = NULL;
  GVariant *entry;

  memset (text, 'a', SNG_SAFETENSORS_MAX_HEADER);
  text[SNG_SAFETENSORS_MAX_HEADER] = '\0';
  entry = g_variant_new_dict_entry (g_variant_new_string ("k"),
                                    g_variant_new_take_string (g_steal_pointer (&text)));
  metadata = g_variant_ref_sink (g_variant_new_array (NULL, &entry, 1));

  g_assert_false (sng_safetensors_save (fixture->path, fixture->state, metadata, &error));
  fixture_assert_error (error, SNG_ERROR_INVALID_ARGUMENT, "the limit is 100000000");
  assert_nothing_left (fixture);
}

/* Each call that a file takes fails once. */
static void
test_failing_calls (Fixture *fixture, gconstpointer data)
{
  guint n_failed = 0;
  SngStorage *top = sng_storage_get_posix ();
  TestDisk disk;

  test_disk_init (&disk, &top);
  for (int n = 0; n >= 0; n++)
    {
      g_autoptr (GError) error = NULL;
      gboolean is_saved, is_renamed;

      disk.calls_to_failure = n;
      is_saved = sng_safetensors_save_to (top, fixture->path, fixture->state, NULL, &error);
      if (disk.calls_to_failure >= 0)
        n = -2;
      disk.calls_to_failure = -1;
      is_renamed = g_file_test (fixture->path, G_FILE_TEST_EXISTS);
      if (is_renamed)
        g_unlink (fixture->path);
      assert_nothing_left (fixture);
      if (is_saved)
        continue;
      n_failed++;
      g_assert_cmpint (is_renamed, ==, g_strrstr (error->message, "cannot sync") != NULL && n_failed == 6);
      fixture_assert_error (error, SNG_ERROR_IO, g_strerror (EIO));
    }
  g_assert_cmpuint (n_failed, ==, 6);
  test_disk_clear (&disk);
}

/* A tensor that does not lie as the file wants it is put in order first, which takes memory. */
static void
test_no_memory (Fixture *fixture, gconstpointer data)
{
  const gint64 turned[] = { 3, 2 }, strides[] = { 1, 3 };
  SngTensor *tensor = sng_state_dict_lookup_tensor (fixture->state, "a");
  g_autoptr (SngTensor) view = sng_tensor_new_view (tensor, 0, turned, 2, strides, 2, NULL);
  g_autoptr (GError) error = NULL;

  sng_state_dict_set_tensor (fixture->state, "turned", view);
  test_system_fail (TEST_SYSTEM_DEVICE_ALLOC, 0, ENOMEM);
  g_assert_false (sng_safetensors_save (fixture->path, fixture->state, NULL, &error));
  g_assert_true (test_system_has_failed (TEST_SYSTEM_DEVICE_ALLOC));
  fixture_assert_error (error, SNG_ERROR_FAILED, "[safetensors][save] 'turned': ");
  assert_nothing_left (fixture);
}

/* More than comes from it at a time. */
static void
test_far (Fixture *fixture, gconstpointer data)
{
  const gint64 shape[] = { 2617, 2003 };
  g_autoptr (SngDevice) device = far_device_new ();
  g_autoptr (SngTensor) far = sng_tensor_new (SNG_DTYPE_I16, shape, 2, device, NULL);
  gsize n_bytes = sng_tensor_get_n_bytes (far);
  guint8 *numbers = g_malloc (n_bytes);
  g_autoptr (GBytes) bytes = g_bytes_new_take (numbers, n_bytes);
  g_autoptr (SngTensor) near = sng_tensor_new_from_bytes (SNG_DTYPE_I16, shape, 2, bytes, NULL);
  g_autoptr (SngStateDict) loaded = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (n_bytes, >, 8u << 20);
  for (gsize i = 0; i < n_bytes; i++)
    numbers[i] = (guint8) (i % 251); /* no two pieces are the same */
  g_assert_true (sng_tensor_set_bytes (far, bytes, &error));
  sng_state_dict_set_tensor (fixture->state, "a", far);
  g_assert_true (sng_safetensors_save (fixture->path, fixture->state, NULL, &error));
  g_assert_no_error (error);
  loaded = sng_safetensors_load (fixture->path, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (sng_tensor_equal (sng_state_dict_lookup_tensor (loaded, "a"), near));
}

/* Each of its calls fails, and then the system's for what takes the bytes. */
static void
test_far_fails (Fixture *fixture, gconstpointer data)
{
  const gint64 shape[] = { 2617, 2003 };
  g_autoptr (SngDevice) device = far_device_new ();
  g_autoptr (SngTensor) far = sng_tensor_new (SNG_DTYPE_I16, shape, 2, device, NULL);
  gboolean has_failed = TRUE;
  guint n_failed = 0;

  sng_state_dict_set_tensor (fixture->state, "a", far);
  while (has_failed)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (SngStateFile) file = sng_state_file_create (sng_storage_get_posix (), fixture->path, NULL);
      g_autoptr (GHashTable) fingerprints =
          g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) sng_fingerprint_free);
      g_autoptr (GBytes) header = NULL;

      far_device_fail (n_failed);
      header = sng_safetensors_write (file, fixture->state, NULL, fingerprints, &error);
      has_failed = far_device_has_failed ();
      g_assert_true (has_failed == (header == NULL));
      if (has_failed)
        {
          n_failed++;
          fixture_assert_error (error, SNG_ERROR_FAILED, "[safetensors][save] 'a': [far] lost");
        }
    }
  g_assert_cmpuint (n_failed, ==, 4); /* memory, two pieces, and whether all was well */

  {
    g_autoptr (GError) error = NULL;

    sng_state_file_trim ();
    test_system_fail (TEST_SYSTEM_MMAP, 0, ENOMEM);
    g_assert_false (sng_safetensors_save (fixture->path, fixture->state, NULL, &error));
    g_assert_true (test_system_has_failed (TEST_SYSTEM_MMAP));
    fixture_assert_error (error, SNG_ERROR_IO, "[state][io] cannot write");
  }
  assert_nothing_left (fixture);
}

#define ADD(path, function)                                                                                  \
 g_test_add ("/sng/safetensors-writer/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  ADD ("metadata", test_metadata);
  ADD ("header-limit", test_header_limit);
  ADD ("failing-calls", test_failing_calls);
  ADD ("no-memory", test_no_memory);
  ADD ("far", test_far);
  ADD ("far-fails", test_far_fails);

  return g_test_run ();
}
