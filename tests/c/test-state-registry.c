/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <string.h>

#include "state-fixture.h"

typedef struct
{
  SngStateRegistry *registry;
  TestStateful *first;
  TestStateful *second;
  TestStateful *third;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->registry = sng_state_registry_new ();
  fixture->first = test_stateful_new (1);
  fixture->second = test_stateful_new (2);
  fixture->third = test_stateful_new (3);
  g_assert_true (
      sng_state_registry_add (fixture->registry, "trainer", SNG_STATEFUL (fixture->first), &error));
  g_assert_true (sng_state_registry_add (fixture->registry, "model", SNG_STATEFUL (fixture->second), &error));
  g_assert_true (
      sng_state_registry_add (fixture->registry, "rng/dropout", SNG_STATEFUL (fixture->third), &error));
  g_assert_no_error (error);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_clear_object (&fixture->registry);
  g_clear_object (&fixture->first);
  g_clear_object (&fixture->second);
  g_clear_object (&fixture->third);
}

static SngCheckpoint *
capture (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngCheckpoint) live = sng_state_registry_capture (fixture->registry, 7, &error);
  SngCheckpoint *copy;

  g_assert_no_error (error);
  copy = sng_checkpoint_copy (live, &error);
  g_assert_no_error (error);

  return copy;
}

static void
test_names (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    const char *name;
    const char *words;
  } wrong[] = {
    { "", "must not be empty" },
    { "model", "'model' is registered already" },
    { "new\nline", "'new\\nline' has a control character" },
    { "delete\177", "has a control character" },
    { "\xff", "'\\377' is not UTF-8" },
  };
  g_autoptr (GError) error = NULL;
  g_autofree char *longest = g_strnfill (255 - strlen (".safetensors"), 'x');
  g_autofree char *too_long = g_strconcat (longest, "x", NULL);
  g_auto (GStrv) names = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_assert_false (
          sng_state_registry_add (fixture->registry, wrong[i].name, SNG_STATEFUL (fixture->first), &error));
      fixture_assert_error (error, SNG_ERROR_INVALID_ARGUMENT, wrong[i].words);
    }
  g_assert_false (
      sng_state_registry_add (fixture->registry, too_long, SNG_STATEFUL (fixture->first), &error));
  fixture_assert_error (error, SNG_ERROR_INVALID_ARGUMENT, "256 bytes, the limit is 255");
  g_assert_true (sng_state_registry_add (fixture->registry, longest, SNG_STATEFUL (fixture->first), &error));
  g_assert_true (sng_state_registry_remove (fixture->registry, longest));
  g_assert_false (sng_state_registry_remove (fixture->registry, longest));

  names = sng_state_registry_dup_names (fixture->registry);
  g_assert_cmpstrv (names, ((const char *[]){ "trainer", "model", "rng/dropout", NULL }));
  g_assert_true (sng_state_registry_lookup (fixture->registry, "model") == SNG_STATEFUL (fixture->second));
  g_assert_null (sng_state_registry_lookup (fixture->registry, "nobody"));
}

static void
test_restore (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngCheckpoint) checkpoint = capture (fixture);
  g_autoptr (SngCheckpoint) again = NULL;
  g_autoptr (SngFingerprint) before = sng_checkpoint_compute_fingerprint (checkpoint);
  g_autoptr (SngFingerprint) after = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) names = sng_checkpoint_dup_names (checkpoint);

  g_assert_cmpuint (sng_checkpoint_get_step (checkpoint), ==, 7);
  g_assert_null (sng_checkpoint_get_path (checkpoint));
  g_assert_cmpstrv (names, ((const char *[]){ "trainer", "model", "rng/dropout", NULL }));

  fixture->second->number = 77;
  *(guint8 *) sng_tensor_get_data (fixture->third->weights) ^= 1;
  g_assert_true (sng_state_registry_restore (fixture->registry, checkpoint, &error));
  g_assert_no_error (error);
  g_assert_cmpint (fixture->second->number, ==, 2);

  again = capture (fixture);
  after = sng_checkpoint_compute_fingerprint (again);
  g_assert_true (sng_fingerprint_equal (before, after));
}

/* What was captured is live until it is copied. */
static void
test_capture_aliases (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngCheckpoint) live = sng_state_registry_capture (fixture->registry, 7, &error);
  g_autoptr (SngCheckpoint) copy = sng_checkpoint_copy (live, &error);
  g_autoptr (SngFingerprint) before = sng_checkpoint_compute_fingerprint (live);
  g_autoptr (SngFingerprint) after = NULL;
  g_autoptr (SngFingerprint) copied = NULL;

  g_assert_no_error (error);
  *(guint8 *) sng_tensor_get_data (fixture->third->weights) ^= 1;
  after = sng_checkpoint_compute_fingerprint (live);
  copied = sng_checkpoint_compute_fingerprint (copy);
  g_assert_false (sng_fingerprint_equal (before, after));
  g_assert_true (sng_fingerprint_equal (before, copied));
}

static void
assert_nothing_set (Fixture *fixture)
{
  g_assert_cmpuint (fixture->first->n_set + fixture->second->n_set + fixture->third->n_set, ==, 0);
}

static void
test_restore_names (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngCheckpoint) checkpoint = capture (fixture);
  g_autoptr (SngStateDict) state = sng_state_dict_new ();
  g_autoptr (GError) error = NULL;

  sng_checkpoint_set_state (checkpoint, "scheduler", state);
  g_assert_false (sng_state_registry_restore (fixture->registry, checkpoint, &error));
  fixture_assert_error (error, SNG_ERROR_MISMATCH, "[registry][restore] unexpected: 'scheduler'");

  g_assert_true (sng_checkpoint_remove_state (checkpoint, "model"));
  g_assert_false (sng_checkpoint_remove_state (checkpoint, "model"));
  g_assert_null (sng_checkpoint_lookup_state (checkpoint, "model"));
  g_assert_false (sng_state_registry_restore (fixture->registry, checkpoint, &error));
  fixture_assert_error (error, SNG_ERROR_MISMATCH, "missing: 'model'; unexpected: 'scheduler'");

  g_assert_true (sng_checkpoint_remove_state (checkpoint, "scheduler"));
  g_assert_false (sng_state_registry_restore (fixture->registry, checkpoint, &error));
  fixture_assert_error (error, SNG_ERROR_MISMATCH, "[registry][restore] missing: 'model'");
  assert_nothing_set (fixture);
}

/* The last of them refuses, so the first is not touched. */
static void
test_restore_is_atomic (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngCheckpoint) checkpoint = capture (fixture);
  g_autoptr (GError) error = NULL;

  fixture->first->number = 11;
  fixture->third->fault = FAULT_CHECK;
  g_assert_false (sng_state_registry_restore (fixture->registry, checkpoint, &error));
  fixture_assert_error (error, SNG_ERROR_INVALID_DATA,
                        "[registry][restore] rng/dropout: [test] planted fault");
  assert_nothing_set (fixture);

  fixture->third->fault = FAULT_CHECK_SILENT;
  g_assert_false (sng_state_registry_restore (fixture->registry, checkpoint, &error));
  fixture_assert_error (error, SNG_ERROR_FAILED, "TestStateful.check_state failed without an error");
  assert_nothing_set (fixture);

  fixture->third->fault = FAULT_NONE;
  sng_state_dict_set_int64 (sng_checkpoint_lookup_state (checkpoint, "rng/dropout"), "position", 1);
  g_assert_false (sng_state_registry_restore (fixture->registry, checkpoint, &error));
  fixture_assert_error (error, SNG_ERROR_MISMATCH, "rng/dropout: [state][layout] unexpected: 'position'");
  assert_nothing_set (fixture);
  g_assert_cmpint (fixture->first->number, ==, 11);
}

static void
test_failures_name_the_stateful (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngCheckpoint) checkpoint = capture (fixture);
  g_autoptr (GError) error = NULL;

  fixture->second->fault = FAULT_GET_SILENT;
  g_assert_null (sng_state_registry_capture (fixture->registry, 8, &error));
  fixture_assert_error (error, SNG_ERROR_FAILED, "[registry][capture] model: [vfunc] TestStateful.get_state");

  fixture->second->fault = FAULT_SET;
  g_assert_false (sng_state_registry_restore (fixture->registry, checkpoint, &error));
  fixture_assert_error (error, SNG_ERROR_INVALID_DATA,
                        "[registry][restore] model (already set: trainer): [test]");
  g_assert_cmpuint (fixture->third->n_set, ==, 0);

  fixture->first->fault = FAULT_SET;
  g_assert_false (sng_state_registry_restore (fixture->registry, checkpoint, &error));
  fixture_assert_error (error, SNG_ERROR_INVALID_DATA,
                        "[registry][restore] trainer (already set: nothing): [test]");
}

static void
test_metadata (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngCheckpoint) checkpoint = capture (fixture);
  g_autoptr (SngCheckpoint) copy = NULL;
  g_autoptr (SngFingerprint) before = sng_checkpoint_compute_fingerprint (checkpoint);
  g_autoptr (SngFingerprint) after = NULL;
  g_autoptr (GVariant) metadata = NULL;
  guint64 step;

  sng_checkpoint_set_metadata (checkpoint, g_variant_new_parsed ("{'seed': <int64 42>}"));
  copy = sng_checkpoint_copy (checkpoint, NULL);
  g_object_get (copy, "metadata", &metadata, "step", &step, NULL);
  g_assert_true (g_variant_equal (metadata, sng_checkpoint_get_metadata (checkpoint)));
  g_assert_cmpuint (step, ==, 7);

  after = sng_checkpoint_compute_fingerprint (copy);
  g_assert_true (sng_fingerprint_equal (before, after));
  sng_checkpoint_set_metadata (checkpoint, NULL);
  g_assert_null (sng_checkpoint_get_metadata (checkpoint));
}

#define ADD(path, function)                                                                                  \
 g_test_add ("/sng/state-registry/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  ADD ("names", test_names);
  ADD ("restore", test_restore);
  ADD ("capture-aliases", test_capture_aliases);
  ADD ("restore-names", test_restore_names);
  ADD ("restore-is-atomic", test_restore_is_atomic);
  ADD ("failures-name-the-stateful", test_failures_name_the_stateful);
  ADD ("metadata", test_metadata);

  return g_test_run ();
}
