/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checkpoint-fixture.h"
#include "state/sng-checkpoint-private.h"

static void
assert_refused (const char *path, int code, const char *words)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngCheckpoint) loaded = sng_checkpoint_load (path, &error);

  g_assert_null (loaded);
  fixture_assert_error (error, code, words);
}

static void
test_round_trip (Fixture *fixture, gconstpointer data)
{
  static const char *const expected_names[] = { "trainer", "model", "../..%/x", ".hidden", NULL };
  g_autoptr (SngCheckpoint) expected = new_checkpoint (7, 70);
  g_autoptr (SngCheckpoint) loaded = NULL;
  g_autoptr (SngStateDict) tensors = NULL;
  g_autoptr (GVariant) metadata = NULL;
  g_autoptr (GVariant) for_pytorch = g_variant_ref_sink (g_variant_new_parsed ("{'format': 'pt'}"));
  g_autoptr (GError) error = NULL;
  g_autofree char *path = get_path (fixture, "step-00000007", NULL);
  g_autofree char *model = get_path (fixture, "step-00000007", "model.safetensors");
  g_autofree char *latest = get_path (fixture, "latest", NULL);
  g_autofree char *latest_text = NULL;
  g_auto (GStrv) names = NULL;
  g_auto (GStrv) refused = NULL;

  save (fixture, 7, 70);
  refused = assert_latest (fixture, 7, 70, 0);
  g_assert_null (refused);

  loaded = sng_checkpoint_load (path, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (sng_checkpoint_get_path (loaded), ==, path);
  g_assert_true (
      g_variant_equal (sng_checkpoint_get_metadata (loaded), sng_checkpoint_get_metadata (expected)));
  names = sng_checkpoint_dup_names (loaded);
  g_assert_cmpstrv (names, expected_names);
  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autoptr (SngFingerprint) a =
          sng_state_dict_compute_fingerprint (sng_checkpoint_lookup_state (loaded, names[i]));
      g_autoptr (SngFingerprint) b =
          sng_state_dict_compute_fingerprint (sng_checkpoint_lookup_state (expected, names[i]));
      g_auto (GStrv) entries = sng_state_dict_dup_names (sng_checkpoint_lookup_state (loaded, names[i]));
      g_auto (GStrv) expected_entries =
          sng_state_dict_dup_names (sng_checkpoint_lookup_state (expected, names[i]));

      g_assert_true (sng_fingerprint_equal (a, b));
      g_assert_cmpstrv (entries, expected_entries);
    }

  assert_names (path,
                (const char *[]){ "%2E.%2F..%25%2Fx.safetensors", "model.safetensors", "state.json", NULL });
  assert_names (sng_checkpoint_store_get_path (fixture->store),
                (const char *[]){ "latest", "step-00000007", NULL });
  g_assert_true (g_file_get_contents (latest, &latest_text, NULL, NULL));
  g_assert_cmpstr (latest_text, ==, "step-00000007\n");

  tensors = sng_safetensors_load (model, &metadata, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (sng_state_dict_get_n_items (tensors), ==, 2);
  g_assert_cmpstr (g_variant_get_type_string (metadata), ==, "a{ss}");
  g_assert_true (g_variant_equal (metadata, for_pytorch));
}

/* Every bit of a number comes back, whatever it is. */
static void
test_numbers (Fixture *fixture, gconstpointer data)
{
  static const guint64 bits[] = {
    0,
    G_GUINT64_CONSTANT (0x8000000000000000),
    1,
    G_GUINT64_CONSTANT (0x7ff0000000000000),
    G_GUINT64_CONSTANT (0xfff0000000000000),
    G_GUINT64_CONSTANT (0x7ff8000000000000),
    G_GUINT64_CONSTANT (0xfff8000000000123),
    G_GUINT64_CONSTANT (0x7ff0000000000001),
    G_GUINT64_CONSTANT (0x3fd5555555555555),
    G_GUINT64_CONSTANT (0x7fefffffffffffff),
  };
  g_autoptr (SngCheckpoint) checkpoint = sng_checkpoint_new (G_MAXUINT64);
  g_autoptr (SngCheckpoint) loaded = NULL;
  g_autoptr (SngStateDict) state = sng_state_dict_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (bits); i++)
    {
      g_autofree char *name = g_strdup_printf ("%u", i);
      double number;

      memcpy (&number, &bits[i], sizeof number);
      sng_state_dict_set_double (state, name, number);
    }
  sng_checkpoint_set_state (checkpoint, "numbers", state);
  path = sng_checkpoint_store_save (fixture->store, checkpoint, &error);
  g_assert_no_error (error);
  loaded = sng_checkpoint_load (path, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (sng_checkpoint_get_step (loaded), ==, G_MAXUINT64);

  for (guint i = 0; i < G_N_ELEMENTS (bits); i++)
    {
      g_autofree char *name = g_strdup_printf ("%u", i);
      double number = 0;

      g_assert_true (
          sng_state_dict_get_double (sng_checkpoint_lookup_state (loaded, "numbers"), name, &number, NULL));
      g_assert_cmpmem (&number, sizeof number, &bits[i], sizeof bits[i]);
    }
}

/* One state has one set of files. */
static void
test_deterministic (Fixture *fixture, gconstpointer data)
{
  static const char *const files[] = { "state.json", "model.safetensors", "%2E.%2F..%25%2Fx.safetensors" };
  g_autofree char *other_path = g_build_filename (fixture->directory, "other", NULL);
  g_autoptr (SngCheckpointStore) other = sng_checkpoint_store_new (other_path);
  g_autoptr (SngCheckpoint) checkpoint = new_checkpoint (7, 70);
  g_autofree char *saved = sng_checkpoint_store_save (other, checkpoint, NULL);

  save (fixture, 7, 70);
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *path = get_path (fixture, "step-00000007", files[i]);
      g_autofree char *again_path = g_build_filename (saved, files[i], NULL);
      g_autofree char *contents = NULL;
      g_autofree char *again = NULL;
      gsize length, again_length;

      g_assert_true (g_file_get_contents (path, &contents, &length, NULL));
      g_assert_true (g_file_get_contents (again_path, &again, &again_length, NULL));
      g_assert_cmpmem (contents, length, again, again_length);
    }
}

static void
test_list (Fixture *fixture, gconstpointer data)
{
  static const guint64 steps[] = { 20, 3, 100000000, 0 };
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) empty = sng_checkpoint_store_list (fixture->store, &error);
  g_auto (GStrv) paths = NULL;

  g_assert_no_error (error);
  g_assert_cmpuint (g_strv_length (empty), ==, 0);

  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    save (fixture, steps[i], 1);
  paths = sng_checkpoint_store_list (fixture->store, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_strv_length (paths), ==, 4);
  g_assert_true (g_str_has_suffix (paths[0], "/step-00000000"));
  g_assert_true (g_str_has_suffix (paths[1], "/step-00000003"));
  g_assert_true (g_str_has_suffix (paths[2], "/step-00000020"));
  g_assert_true (g_str_has_suffix (paths[3], "/step-100000000"));

  /* The one saved last, not the one with the highest step. */
  g_strfreev (assert_latest (fixture, 0, 1, 0));
}

static void
test_remove (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngCheckpoint) loaded = NULL;
  g_autoptr (SngFingerprint) before = NULL;
  g_autoptr (SngFingerprint) after = NULL;
  g_autoptr (GError) error = NULL;

  save (fixture, 3, 30);
  save (fixture, 5, 50);
  save (fixture, 7, 70);
  loaded = sng_checkpoint_store_load_latest (fixture->store, NULL, &error);
  before = sng_checkpoint_compute_fingerprint (loaded);

  g_assert_true (sng_checkpoint_store_remove (fixture->store, 3, &error));
  g_strfreev (assert_latest (fixture, 7, 70, 0));
  g_assert_true (sng_checkpoint_store_remove (fixture->store, 7, &error));
  g_strfreev (assert_latest (fixture, 5, 50, 0));
  g_assert_false (sng_checkpoint_store_remove (fixture->store, 7, &error));
  fixture_assert_error (error, SNG_ERROR_NOT_FOUND, "step-00000007");
  g_assert_true (sng_checkpoint_store_remove (fixture->store, 5, &error));
  g_assert_no_error (error);
  assert_names (sng_checkpoint_store_get_path (fixture->store), (const char *[]){ NULL });

  /* What was loaded from it is still there. */
  after = sng_checkpoint_compute_fingerprint (loaded);
  g_assert_true (sng_fingerprint_equal (before, after));
}

static void
test_nothing (Fixture *fixture, gconstpointer data)
{
  g_autofree char *missing = get_path (fixture, "step-00000007", NULL);
  g_autoptr (SngCheckpoint) loaded = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) refused = NULL;

  loaded = sng_checkpoint_store_load_latest (fixture->store, &refused, &error);
  g_assert_null (loaded);
  fixture_assert_error (error, SNG_ERROR_NOT_FOUND, "[checkpoint][load] there is no checkpoint in");
  assert_refused (missing, SNG_ERROR_NOT_FOUND, "step-00000007: there is no such checkpoint");

  save (fixture, 7, 70);
  g_assert_true (sng_checkpoint_store_remove (fixture->store, 7, &error));
  loaded = sng_checkpoint_store_load_latest (fixture->store, &refused, &error);
  g_assert_null (loaded);
  g_assert_null (refused);
  fixture_assert_error (error, SNG_ERROR_NOT_FOUND, "there is no checkpoint");
}

/* Damage of one file: refused by itself, and passed over for an older one. */
static void
assert_damage_found (Fixture *fixture, const char *path, const char *file, const char *what, gsize at)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngCheckpoint) loaded = sng_checkpoint_load (path, &error);
  g_auto (GStrv) refused = NULL;

  if (loaded != NULL)
    g_error ("%s: %s at %" G_GSIZE_FORMAT " was not found", file, what, at);
  g_assert_true (g_error_matches (error, SNG_ERROR, SNG_ERROR_CORRUPT)
                 || g_error_matches (error, SNG_ERROR, SNG_ERROR_INVALID_DATA));
  g_assert_nonnull (strstr (error->message, path));

  /* Once a file is enough for the way back: the reason is the same for every byte. */
  if (at % 64 != 0)
    return;
  refused = assert_latest (fixture, 3, 30, 1);
  g_assert_true (g_str_has_prefix (refused[0], "step-00000007: [checkpoint][load] "));
}

static void
put_byte (int fd, gsize at, char byte)
{
  g_assert_cmpint (pwrite (fd, &byte, 1, (off_t) at), ==, 1);
}

static void
damage_file (Fixture *fixture, const char *directory, const char *name)
{
  g_autofree char *path = g_build_filename (directory, name, NULL);
  g_autofree char *contents = NULL;
  gsize length;
  int fd = g_open (path, O_WRONLY | O_CLOEXEC, 0);

  g_assert_cmpint (fd, >=, 0);
  g_assert_true (g_file_get_contents (path, &contents, &length, NULL));

  for (gsize i = 0; i < length; i++)
    {
      for (guint bit = 0; bit < 8; bit++)
        {
          put_byte (fd, i, (char) (contents[i] ^ (1 << bit)));
          assert_damage_found (fixture, directory, name, "a wrong bit", i);
        }
      put_byte (fd, i, contents[i]);
    }

  put_byte (fd, length, '\n');
  assert_damage_found (fixture, directory, name, "a byte more", length);
  for (gsize i = length; i > 0; i--)
    {
      g_assert_cmpint (ftruncate (fd, (off_t) i - 1), ==, 0);
      assert_damage_found (fixture, directory, name, "a cut", i - 1);
    }
  g_assert_true (g_close (fd, NULL));

  g_assert_cmpint (g_unlink (path), ==, 0);
  assert_damage_found (fixture, directory, name, "a missing file", 0);
  fixture_write (path, contents, length);
}

/* Every bit of every file, and every length of it. */
static void
test_damage (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = get_path (fixture, "step-00000007", NULL);

  save (fixture, 3, 30);
  save (fixture, 7, 70);
  damage_file (fixture, path, "state.json");
  damage_file (fixture, path, "model.safetensors");
  damage_file (fixture, path, "%2E.%2F..%25%2Fx.safetensors");
  g_strfreev (assert_latest (fixture, 7, 70, 0));
}

/* Two files of one checkpoint, each whole, that do not belong together. */
static void
test_mixed (Fixture *fixture, gconstpointer data)
{
  g_autofree char *old = get_path (fixture, "step-00000003", "model.safetensors");
  g_autofree char *new = get_path (fixture, "step-00000007", "model.safetensors");
  g_autofree char *path = get_path (fixture, "step-00000007", NULL);
  g_autofree char *contents = NULL;
  gsize length;

  save (fixture, 3, 30);
  save (fixture, 7, 70);
  g_assert_true (g_file_get_contents (old, &contents, &length, NULL));
  fixture_write (new, contents, length);
  assert_refused (path, SNG_ERROR_CORRUPT, "state 'model': tensor 'weights' has the fingerprint");
  g_strfreev (assert_latest (fixture, 3, 30, 1));
}

static void
test_renamed (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = get_path (fixture, "step-00000007", NULL);
  g_autofree char *wrong = get_path (fixture, "step-00000008", NULL);
  g_autofree char *best = get_path (fixture, "best", NULL);
  g_autoptr (SngCheckpoint) loaded = NULL;
  g_auto (GStrv) refused = NULL;

  save (fixture, 3, 30);
  save (fixture, 7, 70);
  g_assert_cmpint (g_rename (path, wrong), ==, 0);
  assert_refused (wrong, SNG_ERROR_CORRUPT, "is of step 7, its directory of step 8");
  refused = assert_latest (fixture, 3, 30, 2);
  g_assert_cmpstr (refused[0], ==, "latest: step 7, which it names, is not there");

  g_assert_cmpint (g_rename (wrong, best), ==, 0);
  loaded = sng_checkpoint_load (best, NULL);
  g_assert_cmpuint (sng_checkpoint_get_step (loaded), ==, 7);
}

static void
test_none_verifies (Fixture *fixture, gconstpointer data)
{
  g_autofree char *first = get_path (fixture, "step-00000003", "state.json");
  g_autofree char *second = get_path (fixture, "step-00000007", "state.json");
  g_autoptr (SngCheckpoint) loaded = NULL;
  g_auto (GStrv) refused = NULL;
  g_autoptr (GError) error = NULL;

  save (fixture, 3, 30);
  save (fixture, 7, 70);
  fixture_write (first, "{}", 2);
  g_assert_cmpint (g_unlink (second), ==, 0);
  loaded = sng_checkpoint_store_load_latest (fixture->store, &refused, &error);
  g_assert_null (loaded);
  g_assert_null (refused);
  g_assert_nonnull (strstr (error->message, "step-00000003/state.json: not a checkpoint of libsng"));
  fixture_assert_error (error, SNG_ERROR_CORRUPT, "step-00000007: not a checkpoint: it has no state.json");
}

static void
test_latest (Fixture *fixture, gconstpointer data)
{
  static const char *const garbage[] = {
    "", "\n", "step-7\n", "step-00000007", "../step-00000007\n", "x", "step-+0000007\n"
  };
  g_autofree char *latest = get_path (fixture, "latest", NULL);
  g_auto (GStrv) refused = NULL;

  save (fixture, 7, 70);
  save (fixture, 3, 30);
  g_strfreev (assert_latest (fixture, 3, 30, 0));

  for (guint i = 0; i < G_N_ELEMENTS (garbage); i++)
    {
      g_auto (GStrv) reasons = NULL;

      fixture_write (latest, garbage[i], strlen (garbage[i]));
      reasons = assert_latest (fixture, 7, 70, 1);
      g_assert_cmpstr (reasons[0], ==, "latest: does not name a checkpoint");
    }

  fixture_write (latest, "step-00000005\n", 14);
  refused = assert_latest (fixture, 7, 70, 1);
  g_assert_cmpstr (refused[0], ==, "latest: step 5, which it names, is not there");
  g_assert_cmpint (g_unlink (latest), ==, 0);
  g_strfreev (assert_latest (fixture, 7, 70, 0));
  g_assert_cmpint (g_mkdir (latest, 0777), ==, 0);
  g_strfreev (assert_latest (fixture, 7, 70, 1));
}

/* Whole by its digest, and made by somebody who means harm. */
static void
test_hostile (Fixture *fixture, gconstpointer data)
{
#define STATES(text) "  \"version\": 1, \"step\": \"7\", \"states\": [" text "],\n"
#define STATE(rest) STATES ("{\"name\": \"model\", " rest "}")
#define ENTRY(text) STATE ("\"file\": null, \"entries\": [{" text "}]")
  static const struct
  {
    SngError code;
    const char *body;
    const char *words;
  } cases[] = {
    { SNG_ERROR_INVALID_DATA, ",\n", "not JSON" },
    { SNG_ERROR_INVALID_DATA, "  \"step\": \"7\",\n", "has no version" },
    { SNG_ERROR_NOT_SUPPORTED, "  \"version\": 2,\n", "version 2, only 1 is known" },
    { SNG_ERROR_INVALID_DATA, "  \"version\": 1, \"step\": 7,\n", "has no step" },
    { SNG_ERROR_INVALID_DATA, "  \"version\": 1, \"step\": \"-7\",\n", "has no step" },
    { SNG_ERROR_INVALID_DATA, "  \"version\": 1, \"step\": \"7\",\n", "has no list of states" },
    { SNG_ERROR_INVALID_DATA, STATES ("], \"ranks\": ["), "has both states and ranks" },
    { SNG_ERROR_INVALID_DATA, STATES ("], \"ranks\": 2, \"more\": ["), "has both states and ranks" },
    { SNG_ERROR_CORRUPT, "  \"version\": 1, \"step\": \"8\",\n", "is of step 8, its directory of step 7" },
    { SNG_ERROR_INVALID_DATA, STATES ("7"), "has a state without a name" },
    { SNG_ERROR_INVALID_DATA, STATES ("{\"name\": \"\"}"), "'' is not the name of a state" },
    { SNG_ERROR_INVALID_DATA, STATES ("{\"name\": \"a\\nb\"}"), "'a\\nb' is not the name of a state" },
    { SNG_ERROR_INVALID_DATA, STATE ("\"file\": \"../../etc/passwd\""),
      "is not kept in 'model.safetensors'" },
    { SNG_ERROR_INVALID_DATA, STATE ("\"file\": \"model.safetensors\", \"size\": -1, \"header\": \"\""),
      "is not kept in" },
    { SNG_ERROR_INVALID_DATA, STATE ("\"entries\": []"), "is not kept in 'model.safetensors'" },
    { SNG_ERROR_INVALID_DATA, STATE ("\"file\": null"), "state 'model': has no list of entries" },
    { SNG_ERROR_CORRUPT, STATE ("\"file\": \"model.safetensors\", \"size\": 3, \"header\": \"\""),
      "recorded are 3" },
    { SNG_ERROR_INVALID_DATA, STATES ("{\"name\":\"a\",\"file\":null,\"entries\":[]},{\"name\":\"a\"}"),
      "the state 'a' twice" },
    { SNG_ERROR_INVALID_DATA, STATE ("\"file\": null, \"entries\": [7]"), "has an entry without a name" },
    { SNG_ERROR_INVALID_DATA, ENTRY ("\"name\": \"\""), "has an entry without a name" },
    { SNG_ERROR_INVALID_DATA, ENTRY ("\"name\": \"n\""), "'n' has neither a tensor nor a value" },
    { SNG_ERROR_CORRUPT, ENTRY ("\"name\": \"n\", \"tensor\": \"00\""), "the file lacks the tensor 'n'" },
    { SNG_ERROR_INVALID_DATA, ENTRY ("\"name\": \"n\", \"type\": \"zz\", \"data\": \"\""),
      "'zz' is not the type of a value" },
    { SNG_ERROR_INVALID_DATA, ENTRY ("\"name\": \"n\", \"type\": \"*\", \"data\": \"\""),
      "'*' is not the type of a value" },
    { SNG_ERROR_INVALID_DATA, ENTRY ("\"name\": \"n\", \"type\": \"x\", \"data\": \"AAAA\""),
      "3 bytes are not a value of type 'x'" },
    { SNG_ERROR_INVALID_DATA, ENTRY ("\"name\": \"n\", \"type\": \"s\", \"data\": \"/wA=\""),
      "2 bytes are not a value of type 's'" },
    { SNG_ERROR_INVALID_DATA, ENTRY ("\"name\": \"n\", \"type\": \"v\", \"data\": \"AHYAdgB2AHY=\""),
      "not a value of type 'v'" },
    { SNG_ERROR_INVALID_DATA, "  \"version\": 1, \"step\": \"7\", \"states\": [], \"metadata\": 7,\n",
      "the metadata is not a value" },
    { SNG_ERROR_INVALID_DATA,
      "  \"version\": 1, \"step\": \"7\", \"states\": [], \"metadata\": {\"type\": \"b\", \"data\": "
      "\"AQ==\"},\n",
      "the metadata is of type 'b'" },
  };
  g_autofree char *path = get_path (fixture, "step-00000007", NULL);
  g_autofree char *manifest = get_path (fixture, "step-00000007", "state.json");

  save (fixture, 7, 70);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = g_strconcat (SNG_CHECKPOINT_START, cases[i].body, NULL);
      g_autofree char *end = sng_checkpoint_manifest_end (text, strlen (text));
      g_autofree char *whole = g_strconcat (text, end, NULL);

      fixture_write (manifest, whole, strlen (whole));
      assert_refused (path, cases[i].code, cases[i].words);
    }
}

#define ADD(path, function)                                                                                  \
 g_test_add ("/sng/checkpoint-store/" path, Fixture, NULL, fixture_set_up, function, fixture_tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  ADD ("round-trip", test_round_trip);
  ADD ("numbers", test_numbers);
  ADD ("deterministic", test_deterministic);
  ADD ("list", test_list);
  ADD ("remove", test_remove);
  ADD ("nothing", test_nothing);
  ADD ("damage", test_damage);
  ADD ("mixed", test_mixed);
  ADD ("renamed", test_renamed);
  ADD ("none-verifies", test_none_verifies);
  ADD ("latest", test_latest);
  ADD ("hostile", test_hostile);

  return g_test_run ();
}
