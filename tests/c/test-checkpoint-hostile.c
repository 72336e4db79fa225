/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Checkpoints whose digests are right and whose contents are not: made by somebody who means harm. */

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "checkpoint-fixture.h"
#include "state/sng-checkpoint-private.h"

/* Puts other words into a manifest, and the digest that goes with them. */
static void
rewrite (const char *path, const char *from, const char *to)
{
  g_autofree char *contents = NULL;
  g_autofree char *old_end = sng_checkpoint_manifest_end ("", 0);
  g_autofree char *end = NULL;
  g_autoptr (GString) text = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (path, &contents, &length, NULL));
  text = g_string_new_len (contents, (gssize) (length - strlen (old_end)));
  if (g_string_replace (text, from, to, 1) != 1)
    g_error ("'%s' has no %s", path, from);
  end = sng_checkpoint_manifest_end (text->str, text->len);
  g_string_append (text, end);
  fixture_write (path, text->str, text->len);
}

static void
assert_refused (Fixture *fixture, int code, const char *words)
{
  g_autofree char *path = get_path (fixture, "step-00000007", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (SngCheckpoint) loaded = sng_checkpoint_load (path, &error);

  if (loaded != NULL)
    g_error ("%s: was taken", words);
  g_assert_true (g_str_has_prefix (error->message, "[checkpoint][load] "));
  g_assert_nonnull (strstr (error->message, path));
  fixture_assert_error (error, code, words);
  g_strfreev (assert_latest (fixture, 3, 30, 1));
}

typedef struct
{
  SngError code;
  const char *from;
  const char *to;
  const char *words;
} Case;

static void
test_entries (Fixture *fixture, gconstpointer data)
{
#define SHAPE "\"shape\": [2, 3]"
#define OFFSET "\"offset\": [0, 0]"
#define NO_PLACE "state 'model': tensor 'weights' has no shape and offset of whole numbers from 0"
  static const Case cases[] = {
    { SNG_ERROR_INVALID_DATA, SHAPE, "\"shape\": 7", NO_PLACE },
    { SNG_ERROR_INVALID_DATA, SHAPE, "\"shape\": null", NO_PLACE },
    { SNG_ERROR_INVALID_DATA, SHAPE, "\"size\": [2, 3]", NO_PLACE },
    { SNG_ERROR_INVALID_DATA, SHAPE, "\"shape\": [2, -3]", NO_PLACE },
    { SNG_ERROR_INVALID_DATA, SHAPE, "\"shape\": [2, 3.5]", NO_PLACE },
    { SNG_ERROR_INVALID_DATA, SHAPE, "\"shape\": [2, \"3\"]", NO_PLACE },
    { SNG_ERROR_INVALID_DATA, SHAPE, "\"shape\": [2, [3]]", NO_PLACE },
    { SNG_ERROR_INVALID_DATA, OFFSET, "\"offset\": {}", NO_PLACE },
    { SNG_ERROR_INVALID_DATA, OFFSET, "\"offset\": [0, -1]", NO_PLACE },
    { SNG_ERROR_INVALID_DATA, OFFSET, "\"offset\": [0, true]", NO_PLACE },
    { SNG_ERROR_INVALID_DATA, SHAPE, "\"shape\": [2, 3, 1]", "must have as many" },
    { SNG_ERROR_INVALID_DATA, OFFSET, "\"offset\": [0]", "must have as many" },
    { SNG_ERROR_INVALID_DATA, OFFSET, "\"offset\": [1, 0]", "tensor 'weights': [shard][new]" },
    { SNG_ERROR_INVALID_DATA, SHAPE, "\"shape\": [1, 3]", "reaches outside" },
    { SNG_ERROR_INVALID_DATA, OFFSET, "\"offset\": [123456789012345678, 0]", "reaches outside" },
    { SNG_ERROR_INVALID_DATA, SHAPE, "\"shape\": [4, 3]", "'weights' is a part of a tensor, and alone" },
    { SNG_ERROR_INVALID_DATA, "\"name\": \"flags\"", "\"name\": \"weights\"",
      "has the entry 'weights' twice" },
    { SNG_ERROR_CORRUPT, "\"name\": \"flags\", \"tensor\": \"",
      "\"name\": \"flags\", \"type\": \"x\", \"data\": \"AAAAAAAAAAA=\", \"was\": \"",
      "the file has the tensor 'flags', which is not recorded" },
    { SNG_ERROR_INVALID_DATA, "\"name\": \"flags\", \"tensor\": \"",
      "\"name\": \"flags\", \"type\": \"x\", \"was\": \"", "'flags' has neither a tensor nor a value" },
    { SNG_ERROR_INVALID_DATA, "\"header\": ", "\"headers\": ", "is not kept in 'model.safetensors'" },
    { SNG_ERROR_INVALID_DATA, "\"type\": \"a{sv}\"", "\"type\": \"zz\"", "'zz' is not the type of a value" },
  };
  g_autofree char *manifest = get_path (fixture, "step-00000007", "state.json");

  save (fixture, 3, 30);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (SngCheckpoint) checkpoint = new_checkpoint (7, 70);
      g_autofree char *path = NULL;

      sng_checkpoint_remove_state (checkpoint, "../..%/x");
      path = sng_checkpoint_store_save (fixture->store, checkpoint, NULL);
      g_assert_nonnull (path);
      rewrite (manifest, cases[i].from, cases[i].to);
      assert_refused (fixture, cases[i].code, cases[i].words);
    }
}

static void
save_ranks (Fixture *fixture)
{
  g_autofree char *path = NULL;

  for (guint rank = 0; rank < 2; rank++)
    {
      g_autoptr (SngCheckpoint) part = new_checkpoint (7, 70);

      g_assert_true (sng_checkpoint_store_save_rank (fixture->store, part, rank, 2, NULL));
    }
  path = sng_checkpoint_store_commit_ranks (fixture->store, 7, 2, NULL);
  g_assert_nonnull (path);
}

static void
test_index (Fixture *fixture, gconstpointer data)
{
  static const Case cases[] = {
    { SNG_ERROR_INVALID_DATA, "\"ranks\": [", "\"ranks\": [ 7,", "rank 0 is not kept in 'rank-00000'" },
    { SNG_ERROR_INVALID_DATA, "\"ranks\": [", "\"ranks\": [ {},", "rank 0 is not kept in 'rank-00000'" },
    { SNG_ERROR_INVALID_DATA, "\"ranks\": [", "\"ranks\": [], \"others\": [", "has no rank" },
    { SNG_ERROR_INVALID_DATA, "\"ranks\": [", "\"ranks\": {}, \"others\": [", "has no list of states" },
    { SNG_ERROR_INVALID_DATA, "\"rank-00001\"", "\"rank-00000\"", "rank 1 is not kept in 'rank-00001'" },
    { SNG_ERROR_INVALID_DATA, "\"rank-00001\"", "\"../step-00000003\"",
      "rank 1 is not kept in 'rank-00001'" },
    { SNG_ERROR_INVALID_DATA, "\"manifest\"", "\"manifests\"", "rank 0 is not kept in 'rank-00000'" },
    { SNG_ERROR_CORRUPT, "\"manifest\": \"", "\"manifest\": \"0", "is not the one that was there" },
  };
  g_autofree char *index = get_path (fixture, "step-00000007", "state.json");

  save (fixture, 3, 30);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      save_ranks (fixture);
      rewrite (index, cases[i].from, cases[i].to);
      assert_refused (fixture, cases[i].code, cases[i].words);
    }
}

static char *
compute_digest (const char *path)
{
  g_autofree char *contents = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (path, &contents, &length, NULL));

  return g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *) contents, length);
}

/* A part that the index knows, and that is not the one it should be. */
static void
test_parts (Fixture *fixture, gconstpointer data)
{
#define NOT_THIS "rank-00001/state.json: is not rank 1 of 2 at step 7"
  static const Case cases[] = {
    { SNG_ERROR_CORRUPT, "\"rank\": 1,", "\"rank\": 0,", NOT_THIS },
    { SNG_ERROR_CORRUPT, "\"rank\": 1,", "\"rank\": \"1\",", NOT_THIS },
    { SNG_ERROR_CORRUPT, "\"rank\": 1,", "", NOT_THIS },
    { SNG_ERROR_CORRUPT, "\"n_ranks\": 2,", "\"n_ranks\": 3,", NOT_THIS },
    { SNG_ERROR_CORRUPT, "\"n_ranks\": 2,", "\"n_ranks\": -2,", NOT_THIS },
    { SNG_ERROR_CORRUPT, "\"step\": \"7\"", "\"step\": \"8\"", NOT_THIS },
    { SNG_ERROR_INVALID_DATA, "\"step\": \"7\"", "\"step\": 7", "has no step" },
    { SNG_ERROR_NOT_SUPPORTED, "\"version\": 1", "\"version\": 9", "version 9" },
    { SNG_ERROR_INVALID_DATA, "\"version\": 1", "version: 1", "not JSON" },
    { SNG_ERROR_INVALID_DATA, "\"states\": [", "\"states\": {}, \"others\": [", "has no list of states" },
    { SNG_ERROR_INVALID_DATA, "\"states\": [", "\"states\": [7,", "has a state without a name" },
  };
  g_autofree char *index = get_path (fixture, "step-00000007", "state.json");
  g_autofree char *part = get_path (fixture, "step-00000007", "rank-00001/state.json");

  save (fixture, 3, 30);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *old_digest = NULL;
      g_autofree char *digest = NULL;

      save_ranks (fixture);
      old_digest = compute_digest (part);
      rewrite (part, cases[i].from, cases[i].to);
      digest = compute_digest (part);
      rewrite (index, old_digest, digest);
      assert_refused (fixture, cases[i].code, cases[i].words);
    }
}

/* A part whose manifest leads elsewhere is not committed. */
static void
test_linked_part (Fixture *fixture, gconstpointer data)
{
  g_autofree char *manifest = get_path (fixture, ".step-00000007.ranks", "rank-00001/state.json");
  g_autoptr (GError) error = NULL;

  save (fixture, 3, 30);
  for (guint rank = 0; rank < 2; rank++)
    {
      g_autoptr (SngCheckpoint) part = new_checkpoint (7, 70);

      g_assert_true (sng_checkpoint_store_save_rank (fixture->store, part, rank, 2, NULL));
    }
  g_assert_cmpint (g_unlink (manifest), ==, 0);
  g_assert_cmpint (symlink ("../rank-00000/state.json", manifest), ==, 0);
  g_assert_null (sng_checkpoint_store_commit_ranks (fixture->store, 7, 2, &error));
  fixture_assert_error (error, SNG_ERROR_CORRUPT, "is a link");
  g_assert_true (holds (fixture, 3, 30));
}

/* A checkpoint that leads elsewhere is passed over, and so is a pointer that is too long to be one. */
static void
test_store (Fixture *fixture, gconstpointer data)
{
  g_autofree char *linked = get_path (fixture, "step-00000009", NULL);
  g_autofree char *latest = get_path (fixture, "latest", NULL);
  g_autofree char *text = g_strdup_printf ("step-%080d\n", 3);
  g_auto (GStrv) refused = NULL;
  g_auto (GStrv) again = NULL;

  save (fixture, 3, 30);
  g_assert_cmpint (symlink ("step-00000003", linked), ==, 0);
  fixture_write (latest, "step-00000009\n", 14);
  refused = assert_latest (fixture, 3, 30, 1);
  g_assert_cmpstr (refused[0], ==, "step-00000009: is a link, which a store has none of: it is not followed");

  g_assert_cmpint (g_unlink (linked), ==, 0);
  fixture_write (latest, text, strlen (text));
  again = assert_latest (fixture, 3, 30, 1);
  g_assert_cmpstr (again[0], ==, "latest: does not name a checkpoint");
}

#define ADD(path, function)                                                                                  \
 g_test_add ("/sng/checkpoint-hostile/" path, Fixture, NULL, fixture_set_up, function, fixture_tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  ADD ("entries", test_entries);
  ADD ("index", test_index);
  ADD ("parts", test_parts);
  ADD ("linked-part", test_linked_part);
  ADD ("store", test_store);

  return g_test_run ();
}
