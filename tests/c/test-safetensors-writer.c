/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What a file is made of, and what keeps it from being made. */

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#include "state-fixture.h"
#include "state/sng-safetensors-private.h"
#include "storage-fixture.h"
#include "system-fixture.h"
#include "tensor/sng-device-private.h"

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

/* A device whose addresses are not those of the host: these are off by one. */
typedef SngDevice FarDevice;
typedef SngDeviceClass FarDeviceClass;

static GType far_device_get_type (void);

G_DEFINE_TYPE (FarDevice, far_device, SNG_TYPE_DEVICE)

static gpointer
far_device_alloc (SngDevice *self, gsize n_bytes, GError **error)
{
  return (char *) g_malloc0 (n_bytes) + 1;
}

static void
far_device_free (SngDevice *self, gpointer data, gsize n_bytes)
{
  g_free ((char *) data - 1);
}

static gboolean
far_device_upload (SngDevice *self, gpointer destination, gconstpointer host, gsize n_bytes, GError **error)
{
  memcpy ((char *) destination - 1, host, n_bytes);
  return TRUE;
}

static gboolean
far_device_download (SngDevice *self, gpointer host, gconstpointer source, gsize n_bytes, GError **error)
{
  memcpy (host, (const char *) source - 1, n_bytes);
  return TRUE;
}

static void
far_device_class_init (FarDeviceClass *klass)
{
  klass->name = "far";
  klass->alloc = far_device_alloc;
  klass->free = far_device_free;
  klass->upload = far_device_upload;
  klass->download = far_device_download;
}

static void
far_device_init (FarDevice *self)
{
}

static void
test_far (Fixture *fixture, gconstpointer data)
{
  const gint64 shape[] = { 2, 3 };
  g_autoptr (SngDevice) device = g_object_new (far_device_get_type (), NULL);
  g_autoptr (SngTensor) far = sng_tensor_new (SNG_DTYPE_I16, shape, 2, device, NULL);
  g_autoptr (SngTensor) near = g_object_ref (sng_state_dict_lookup_tensor (fixture->state, "a"));
  g_autoptr (GBytes) bytes = sng_tensor_dup_bytes (near, NULL);
  g_autoptr (SngStateDict) loaded = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (sng_tensor_set_bytes (far, bytes, &error));
  sng_state_dict_set_tensor (fixture->state, "a", far);
  g_assert_true (sng_safetensors_save (fixture->path, fixture->state, NULL, &error));
  g_assert_no_error (error);
  loaded = sng_safetensors_load (fixture->path, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (sng_tensor_equal (sng_state_dict_lookup_tensor (loaded, "a"), near));
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

  return g_test_run ();
}
