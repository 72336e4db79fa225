/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "checkpoint-fixture.h"

#include <math.h>
#include <string.h>

#include "state/sng-checkpoint-store-private.h"

void
fixture_set_up (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = NULL;

  fixture->directory = fixture_make_tmp ();
  path = g_build_filename (fixture->directory, "deep", "checkpoints", NULL);
  fixture->store = sng_checkpoint_store_new (path);
  test_disk_init (&fixture->disk, sng_checkpoint_store_get_storage (fixture->store));
  fixture->disk.can_exchange = data == NULL;
}

void
fixture_tear_down (Fixture *fixture, gconstpointer data)
{
  test_disk_clear (&fixture->disk);
  fixture_remove (fixture->directory);
  g_free (fixture->directory);
  g_object_unref (fixture->store);
}

/* A small one whose contents depend on the step and the salt. */
SngCheckpoint *
new_checkpoint (guint64 step, gint64 salt)
{
  static const char *const values[] = {
    "'text \"\\n\u00e4'", "{'a': <1>, 'b': <[1.5, 2.5]>}", "@as []", "(true, byte 0x07)", "@ms nothing",
  };
  const gint64 shape[] = { 3 };
  SngCheckpoint *checkpoint = sng_checkpoint_new (step);
  g_autoptr (TestStateful) model = test_stateful_new (salt);
  g_autoptr (SngStateDict) state = sng_stateful_get_state (SNG_STATEFUL (model), NULL);
  g_autoptr (SngStateDict) trainer = sng_state_dict_new ();
  g_autoptr (SngStateDict) nothing = sng_state_dict_new ();
  g_autoptr (SngTensor) flags = fixture_tensor (SNG_DTYPE_BOOL, 1, shape);

  ((guint8 *) sng_tensor_get_data (model->weights))[0] = (guint8) salt;
  sng_state_dict_set_tensor (state, "flags", flags);
  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    sng_state_dict_set_value (trainer, values[i], g_variant_new_parsed (values[i]));
  sng_state_dict_set_double (trainer, "not a number", -NAN);
  sng_state_dict_set_double (trainer, "infinite", -INFINITY);
  sng_state_dict_set_double (trainer, "minus zero", -0.0);
  sng_state_dict_set_double (trainer, "third", 1.0 / 3.0);

  sng_checkpoint_set_state (checkpoint, "trainer", trainer);
  sng_checkpoint_set_state (checkpoint, "model", state);
  sng_checkpoint_set_state (checkpoint, "../..%/x", state);
  sng_checkpoint_set_state (checkpoint, ".hidden", nothing);
  sng_checkpoint_set_metadata (checkpoint, g_variant_new_parsed ("{'seed': <int64 42>}"));

  return checkpoint;
}

char *
get_path (Fixture *fixture, const char *name, const char *file)
{
  return g_build_filename (sng_checkpoint_store_get_path (fixture->store), name, file, NULL);
}

void
save (Fixture *fixture, guint64 step, gint64 salt)
{
  g_autoptr (SngCheckpoint) checkpoint = new_checkpoint (step, salt);
  g_autoptr (GError) error = NULL;
  g_autofree char *path = sng_checkpoint_store_save (fixture->store, checkpoint, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (path, ==, sng_checkpoint_get_path (checkpoint));
}

/* The newest that verifies is this one, with this many others passed over. */
char **
assert_latest (Fixture *fixture, guint64 step, gint64 salt, guint n_refused)
{
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) refused = NULL;
  g_autoptr (SngCheckpoint) expected = new_checkpoint (step, salt);
  g_autoptr (SngCheckpoint) loaded = sng_checkpoint_store_load_latest (fixture->store, &refused, &error);
  g_autoptr (SngFingerprint) a = NULL;
  g_autoptr (SngFingerprint) b = NULL;

  g_assert_no_error (error);
  g_assert_cmpuint (sng_checkpoint_get_step (loaded), ==, step);
  a = sng_checkpoint_compute_fingerprint (loaded);
  b = sng_checkpoint_compute_fingerprint (expected);
  g_assert_true (sng_fingerprint_equal (a, b));
  g_assert_cmpuint (refused != NULL ? g_strv_length (refused) : 0, ==, n_refused);

  return g_steal_pointer (&refused);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

char **
list_names (const char *path)
{
  g_autoptr (GDir) directory = g_dir_open (path, 0, NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  const char *name;

  while (directory != NULL && (name = g_dir_read_name (directory)) != NULL)
    g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);
  g_ptr_array_add (names, NULL);

  return (char **) g_ptr_array_steal (names, NULL);
}

void
assert_names (const char *path, const char *const *expected)
{
  g_auto (GStrv) names = list_names (path);

  g_assert_cmpstrv (names, expected);
}

gboolean
holds (Fixture *fixture, guint64 step, gint64 salt)
{
  g_autoptr (SngCheckpoint) expected = new_checkpoint (step, salt);
  g_autoptr (SngCheckpoint) loaded = sng_checkpoint_store_load_latest (fixture->store, NULL, NULL);
  g_autoptr (SngFingerprint) a = sng_checkpoint_compute_fingerprint (expected);
  g_autoptr (SngFingerprint) b = NULL;

  g_assert_nonnull (loaded);
  b = sng_checkpoint_compute_fingerprint (loaded);

  return sng_checkpoint_get_step (loaded) == step && sng_fingerprint_equal (a, b);
}
