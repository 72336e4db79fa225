/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Checkpoints in memory. */

#include <errno.h>
#include <string.h>

#include "state-fixture.h"
#include "state/sng-checkpoint-private.h"
#include "system-fixture.h"

static SngCheckpoint *
new_checkpoint (gint64 n_elements, gboolean is_turned)
{
  const gint64 shape[] = { n_elements, 2 }, turned[] = { 2, n_elements }, strides[] = { 1, 2 };
  g_autoptr (SngTensor) tensor = sng_tensor_new (SNG_DTYPE_F32, shape, 2, NULL, NULL);
  g_autoptr (SngTensor) view = sng_tensor_new_view (tensor, 0, turned, 2, strides, 2, NULL);
  g_autoptr (SngStateDict) state = sng_state_dict_new ();
  SngCheckpoint *checkpoint = sng_checkpoint_new (7);

  for (gint64 i = 0; i < 2 * n_elements; i++)
    ((float *) sng_tensor_get_data (tensor))[i] = (float) i;
  sng_state_dict_set_tensor (state, "weight", is_turned ? view : tensor);
  sng_state_dict_set_int64 (state, "number", n_elements);
  sng_checkpoint_set_state (checkpoint, "model", state);

  return checkpoint;
}

static void
assert_same (SngCheckpoint *a, SngCheckpoint *b)
{
  g_autoptr (SngFingerprint) x = sng_checkpoint_compute_fingerprint (a);
  g_autoptr (SngFingerprint) y = sng_checkpoint_compute_fingerprint (b);

  g_assert_true (sng_fingerprint_equal (x, y));
}

static void
count_cb (GObject *object, GParamSpec *pspec, guint *n)
{
  (*n)++;
}

static void
test_properties (void)
{
  g_autoptr (SngCheckpoint) checkpoint = g_object_new (SNG_TYPE_CHECKPOINT, "step", (guint64) 7, NULL);
  g_autoptr (GVariant) metadata = g_variant_ref_sink (g_variant_new_parsed ("{'seed': <int64 42>}"));
  g_autoptr (GVariant) found = NULL;
  g_autofree char *path = NULL;
  guint64 step;
  guint n_path = 0, n_metadata = 0;

  g_signal_connect (checkpoint, "notify::path", G_CALLBACK (count_cb), &n_path);
  g_signal_connect (checkpoint, "notify::metadata", G_CALLBACK (count_cb), &n_metadata);
  g_object_set (checkpoint, "metadata", metadata, NULL);
  g_object_set (checkpoint, "metadata", metadata, NULL);
  sng_checkpoint_set_path (checkpoint, "somewhere");
  sng_checkpoint_set_path (checkpoint, "somewhere");
  g_object_get (checkpoint, "step", &step, "path", &path, "metadata", &found, NULL);
  g_assert_cmpuint (step, ==, 7);
  g_assert_cmpstr (path, ==, "somewhere");
  g_assert_true (found == metadata);
  g_assert_cmpuint (n_path, ==, 1);
  g_assert_cmpuint (n_metadata, ==, 1);

  sng_checkpoint_set_metadata (checkpoint, NULL);
  g_assert_null (sng_checkpoint_get_metadata (checkpoint));
  g_assert_cmpuint (n_metadata, ==, 2);
}

static void
test_store_properties (void)
{
  g_autoptr (SngCheckpointStore) store = g_object_new (SNG_TYPE_CHECKPOINT_STORE, "path", "somewhere", NULL);
  g_autofree char *path = NULL;

  g_object_get (store, "path", &path, NULL);
  g_assert_cmpstr (path, ==, "somewhere");
  g_assert_cmpstr (sng_checkpoint_store_get_path (store), ==, "somewhere");
}

/* What a class does not know it warns of. */
static void
test_no_such_property (void)
{
  const GType types[] = { SNG_TYPE_CHECKPOINT, SNG_TYPE_CHECKPOINT_STORE };

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      g_autoptr (GObject) object = g_object_new (types[i], NULL);
      GObjectClass *klass = G_OBJECT_GET_CLASS (object);
      GParamSpec *pspec = g_object_class_find_property (klass, "path");
      g_auto (GValue) value = G_VALUE_INIT;

      g_value_init (&value, G_TYPE_STRING);
      g_test_expect_message ("sng", G_LOG_LEVEL_WARNING, "*invalid property id 99*");
      klass->get_property (object, 99, &value, pspec);
      g_test_expect_message ("sng", G_LOG_LEVEL_WARNING, "*invalid property id 99*");
      klass->set_property (object, 99, &value, pspec);
      g_test_assert_expected_messages ();
    }
}

/* A state takes another's place, and keeps it in the order. */
static void
test_states (void)
{
  static const char *const names[] = { "model", "trainer", NULL };
  g_autoptr (SngCheckpoint) checkpoint = new_checkpoint (3, FALSE);
  g_autoptr (SngStateDict) trainer = sng_state_dict_new ();
  g_autoptr (SngStateDict) model = sng_state_dict_new ();
  g_auto (GStrv) found = NULL;

  sng_checkpoint_set_state (checkpoint, "trainer", trainer);
  sng_checkpoint_set_state (checkpoint, "model", model);
  g_assert_true (sng_checkpoint_lookup_state (checkpoint, "model") == model);
  found = sng_checkpoint_dup_names (checkpoint);
  g_assert_cmpstrv (found, names);
  g_assert_false (sng_checkpoint_remove_state (checkpoint, "none"));
  g_assert_true (sng_checkpoint_remove_state (checkpoint, "model"));
  g_assert_null (sng_checkpoint_lookup_state (checkpoint, "model"));
}

static void
test_copy_fails (void)
{
  g_autoptr (SngCheckpoint) checkpoint = new_checkpoint (3, FALSE);
  g_autoptr (SngCheckpoint) copy = NULL;
  g_autoptr (GError) error = NULL;

  test_system_fail (TEST_SYSTEM_DEVICE_ALLOC, 0, ENOMEM);
  g_assert_null (sng_checkpoint_copy (checkpoint, &error));
  g_assert_true (test_system_has_failed (TEST_SYSTEM_DEVICE_ALLOC));
  g_assert_true (g_str_has_prefix (error->message, "[checkpoint][copy] model: [state][copy] 'weight': "));
  fixture_assert_error (error, SNG_ERROR_FAILED, "cannot get 24 bytes");

  copy = sng_checkpoint_copy (checkpoint, &error);
  g_assert_no_error (error);
  assert_same (copy, checkpoint);
}

/* The memory of the last one is used again where it is large enough, and another one taken where it is not. */
static void
test_stage (void)
{
  g_autoptr (SngStagingArena) arena = sng_staging_arena_new ();
  g_autoptr (SngCheckpoint) last = NULL; /* holds on to its memory, so that no other has the same address */
  const gint64 sizes[] = { 3, 100, 5, 1000 };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (SngCheckpoint) checkpoint = new_checkpoint (sizes[i], i % 2 == 0);
      g_autoptr (SngCheckpoint) staged = NULL;
      g_autoptr (GError) error = NULL;
      gpointer before = sng_staging_arena_get_block (arena, 0);

      staged = sng_checkpoint_stage (checkpoint, arena, &error);
      g_assert_no_error (error);
      assert_same (staged, checkpoint);
      g_assert_cmpint (before == sng_staging_arena_get_block (arena, 0), ==, sizes[i] == 5);
      g_set_object (&last, staged);
    }
}

/* No memory for the copy, or for putting in order what lies in another one. */
static void
test_stage_fails (void)
{
  for (guint n_before = 0; n_before < 2; n_before++)
    {
      g_autoptr (SngCheckpoint) checkpoint = new_checkpoint (3, TRUE);
      g_autoptr (SngStagingArena) arena = sng_staging_arena_new ();
      g_autoptr (GError) error = NULL;

      test_system_fail (TEST_SYSTEM_DEVICE_ALLOC, n_before, ENOMEM);
      g_assert_null (sng_checkpoint_stage (checkpoint, arena, &error));
      g_assert_true (test_system_has_failed (TEST_SYSTEM_DEVICE_ALLOC));
      g_assert_cmpint (g_str_has_prefix (error->message, "model: 'weight': "), ==, n_before == 1);
      fixture_assert_error (error, SNG_ERROR_FAILED, "cannot get");
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/checkpoint/properties", test_properties);
  g_test_add_func ("/sng/checkpoint/store-properties", test_store_properties);
  g_test_add_func ("/sng/checkpoint/no-such-property", test_no_such_property);
  g_test_add_func ("/sng/checkpoint/states", test_states);
  g_test_add_func ("/sng/checkpoint/copy-fails", test_copy_fails);
  g_test_add_func ("/sng/checkpoint/stage", test_stage);
  g_test_add_func ("/sng/checkpoint/stage-fails", test_stage_fails);

  return g_test_run ();
}
