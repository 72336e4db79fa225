/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Checkpoints that several ranks write, and any other number of ranks reads. */

#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "checkpoint-fixture.h"

static const gint64 table_shape[] = { 7, 3 };

/* The whole that the ranks share: I32, row by row. */
static SngTensor *
new_table (gint64 salt)
{
  g_autoptr (GError) error = NULL;
  SngTensor *table = sng_tensor_new (SNG_DTYPE_I32, table_shape, 2, NULL, &error);
  gint32 *data = sng_tensor_get_data (table);

  g_assert_no_error (error);
  for (gint32 i = 0; i < 21; i++)
    data[i] = i * 1000 + (gint32) salt;

  return table;
}

static SngTensor *
cut (SngTensor *table, SngShard *shard)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngTensor) view = sng_shard_slice (shard, table, &error);
  SngTensor *copy;

  g_assert_no_error (error);
  copy = sng_tensor_copy (view, &error);
  g_assert_no_error (error);

  return copy;
}

/* What one of the ranks has: rows of the table in "model", all of "bias" and of the values, streams of its own. */
static SngCheckpoint *
new_part (guint rank, guint n_ranks, gint64 salt)
{
  const gint64 shape[] = { 5 };
  g_autoptr (SngCheckpoint) part = sng_checkpoint_new (7);
  g_autoptr (SngStateDict) model = sng_state_dict_new ();
  g_autoptr (SngStateDict) trainer = sng_state_dict_new ();
  g_autoptr (SngStateDict) rng = sng_state_dict_new ();
  g_autoptr (SngTensor) table = new_table (salt);
  g_autoptr (SngTensor) bias = fixture_tensor (SNG_DTYPE_F32, 1, shape);
  g_autoptr (SngShard) shard = sng_shard_new_split (table_shape, 2, 0, rank, n_ranks, NULL);
  g_autoptr (SngTensor) piece = cut (table, shard);
  g_autofree char *name = g_strdup_printf ("rng/dropout/rank-%u", rank);
  g_autoptr (GError) error = NULL;

  g_assert_true (sng_state_dict_set_shard (model, "table", piece, shard, &error));
  g_assert_no_error (error);
  sng_state_dict_set_tensor (model, "bias", bias);
  sng_state_dict_set_int64 (trainer, "global_step", 7);
  sng_state_dict_set_int64 (rng, "position", 10 + rank);
  sng_checkpoint_set_state (part, "trainer", trainer);
  sng_checkpoint_set_state (part, "model", model);
  sng_checkpoint_set_state (part, name, rng);

  return g_steal_pointer (&part);
}

static void
save_parts (Fixture *fixture, guint n_ranks, gint64 salt)
{
  /* In any order. */
  for (guint rank = n_ranks; rank > 0; rank--)
    {
      g_autoptr (SngCheckpoint) part = new_part (rank - 1, n_ranks, salt);
      g_autoptr (GError) error = NULL;

      g_assert_true (sng_checkpoint_store_save_rank (fixture->store, part, rank - 1, n_ranks, &error));
      g_assert_no_error (error);
    }
}

static void
commit (Fixture *fixture, guint n_ranks)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = sng_checkpoint_store_commit_ranks (fixture->store, 7, n_ranks, &error);
  g_autofree char *expected = get_path (fixture, "step-00000007", NULL);

  g_assert_no_error (error);
  g_assert_cmpstr (path, ==, expected);
}

/* The newest checkpoint is this one, in whole. */
static void
assert_holds (Fixture *fixture, guint n_ranks, gint64 salt)
{
  g_auto (GStrv) refused = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (SngCheckpoint) loaded = sng_checkpoint_store_load_latest (fixture->store, &refused, &error);
  g_autoptr (SngTensor) expected = new_table (salt);
  g_auto (GStrv) names = NULL;
  SngStateDict *model;

  g_assert_no_error (error);
  g_assert_null (refused);
  names = sng_checkpoint_dup_names (loaded);
  g_assert_cmpuint (g_strv_length (names), ==, 2 + n_ranks);
  g_assert_cmpstr (names[0], ==, "trainer");
  g_assert_cmpstr (names[1], ==, "model");
  model = sng_checkpoint_lookup_state (loaded, "model");
  g_assert_null (sng_state_dict_lookup_shard (model, "table"));
  g_assert_true (sng_tensor_equal (sng_state_dict_lookup_tensor (model, "table"), expected));

  for (guint rank = 0; rank < n_ranks; rank++)
    {
      g_autofree char *name = g_strdup_printf ("rng/dropout/rank-%u", rank);
      gint64 position = 0;

      g_assert_true (
          sng_state_dict_get_int64 (sng_checkpoint_lookup_state (loaded, name), "position", &position, NULL));
      g_assert_cmpint (position, ==, 10 + (gint64) rank);
    }
}

/* Any number of ranks writes, any other number reads its own. */
static void
test_any_number (Fixture *fixture, gconstpointer data)
{
  for (guint n_ranks = 1; n_ranks <= 8; n_ranks++)
    {
      save_parts (fixture, n_ranks, n_ranks);
      commit (fixture, n_ranks);
      assert_holds (fixture, n_ranks, n_ranks);

      for (guint n_readers = 1; n_readers <= 8; n_readers++)
        for (guint rank = 0; rank < n_readers; rank++)
          {
            g_autoptr (SngCheckpoint) loaded = sng_checkpoint_store_load_latest (fixture->store, NULL, NULL);
            g_autoptr (SngCheckpoint) own = new_part (rank, n_readers, n_ranks);
            SngStateDict *state = sng_checkpoint_lookup_state (loaded, "model");
            SngStateDict *expected = sng_checkpoint_lookup_state (own, "model");
            g_autoptr (SngTensor) slice = NULL;
            g_autoptr (GError) error = NULL;
            SngShard *shard = sng_state_dict_lookup_shard (expected, "table");

            g_assert_true (sng_state_dict_check_layout (state, expected, &error));
            g_assert_no_error (error);
            if (shard == NULL)
              continue;
            slice = sng_shard_slice (shard, sng_state_dict_lookup_tensor (state, "table"), &error);
            g_assert_no_error (error);
            g_assert_true (sng_tensor_equal (slice, sng_state_dict_lookup_tensor (expected, "table")));
          }
    }
}

/* Nothing is seen before the commit, and what was there stays until then. */
static void
test_commit (Fixture *fixture, gconstpointer data)
{
  const char *path = sng_checkpoint_store_get_path (fixture->store);

  save (fixture, 3, 30);
  save_parts (fixture, 4, 1);
  g_assert_true (holds (fixture, 3, 30));

  /* Fewer ranks than the last time: what the others left is none of it. */
  save_parts (fixture, 2, 2);
  commit (fixture, 2);
  assert_holds (fixture, 2, 2);
  assert_names (path, (const char *[]){ "latest", "step-00000003", "step-00000007", NULL });

  /* In place of it, and by one process alone again. */
  save_parts (fixture, 3, 3);
  assert_holds (fixture, 2, 2);
  commit (fixture, 3);
  assert_holds (fixture, 3, 3);
  save (fixture, 7, 70);
  g_assert_true (holds (fixture, 7, 70));

  /* Parts of an earlier step are cleared away, those of a later one may be on their way. */
  save_parts (fixture, 2, 5);
  save (fixture, 6, 60);
  commit (fixture, 2);
  save_parts (fixture, 2, 6);
  save (fixture, 8, 80);
  assert_names (path, (const char *[]){ "latest", "step-00000003", "step-00000006", "step-00000007",
                                        "step-00000008", NULL });
}

static void
assert_not_committed (Fixture *fixture, guint n_ranks, int code, const char *words)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (sng_checkpoint_store_commit_ranks (fixture->store, 7, n_ranks, &error));
  g_assert_true (g_str_has_prefix (error->message, "[checkpoint][commit] step-00000007: "));
  fixture_assert_error (error, code, words);
  g_assert_true (holds (fixture, 3, 30));
}

static void
test_missing_rank (Fixture *fixture, gconstpointer data)
{
  g_autofree char *manifest = get_path (fixture, ".step-00000007.ranks", "rank-00001/state.json");

  save (fixture, 3, 30);
  assert_not_committed (fixture, 2, SNG_ERROR_NOT_FOUND, "rank 0 of 2 has not saved");
  save_parts (fixture, 3, 1);
  g_assert_cmpint (g_unlink (manifest), ==, 0);
  assert_not_committed (fixture, 3, SNG_ERROR_NOT_FOUND, "rank 1 of 3 has not saved");

  /* The part is saved, and the commit made again. */
  save_parts (fixture, 3, 1);
  commit (fixture, 3);
  assert_holds (fixture, 3, 1);
}

/* Changes the part of rank 1 of 2. */
typedef void (*Spoil) (SngCheckpoint *part);

static void
put_table (SngCheckpoint *part,
           SngDtype dtype,
           const gint64 *global_shape,
           gint64 offset,
           gint64 n_rows,
           guint8 byte)
{
  const gint64 shape[] = { n_rows, global_shape[1] };
  const gint64 from[] = { offset, 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (SngTensor) piece = sng_tensor_new (dtype, shape, 2, NULL, &error);
  g_autoptr (SngShard) shard = sng_shard_new (global_shape, 2, from, 2, shape, 2, &error);

  g_assert_no_error (error);
  memset (sng_tensor_get_data (piece), byte, sng_tensor_get_n_bytes (piece));
  g_assert_true (
      sng_state_dict_set_shard (sng_checkpoint_lookup_state (part, "model"), "table", piece, shard, &error));
}

static void
spoil_hole (SngCheckpoint *part)
{
  put_table (part, SNG_DTYPE_I32, table_shape, 5, 2, 1);
}

static void
spoil_overlap (SngCheckpoint *part)
{
  put_table (part, SNG_DTYPE_I32, table_shape, 3, 4, 1);
}

static void
spoil_copy (SngCheckpoint *part)
{
  put_table (part, SNG_DTYPE_I32, table_shape, 0, 4, 1);
}

static void
spoil_dtype (SngCheckpoint *part)
{
  put_table (part, SNG_DTYPE_F32, table_shape, 4, 3, 1);
}

static void
spoil_shape (SngCheckpoint *part)
{
  put_table (part, SNG_DTYPE_I32, (const gint64[]){ 8, 3 }, 4, 3, 1);
}

static void
spoil_size (SngCheckpoint *part)
{
  put_table (part, SNG_DTYPE_I32, (const gint64[]){ G_GINT64_CONSTANT (1) << 59, 3 }, 4, 3, 1);
}

static void
spoil_whole (SngCheckpoint *part)
{
  g_autoptr (SngTensor) table = new_table (1);

  sng_state_dict_set_tensor (sng_checkpoint_lookup_state (part, "model"), "table", table);
}

static void
spoil_replica (SngCheckpoint *part)
{
  SngTensor *bias = sng_state_dict_lookup_tensor (sng_checkpoint_lookup_state (part, "model"), "bias");

  *(guint8 *) sng_tensor_get_data (bias) ^= 1;
}

static void
spoil_value (SngCheckpoint *part)
{
  sng_state_dict_set_int64 (sng_checkpoint_lookup_state (part, "trainer"), "global_step", 8);
}

static void
spoil_kind (SngCheckpoint *part)
{
  sng_state_dict_set_int64 (sng_checkpoint_lookup_state (part, "model"), "bias", 8);
}

/* Parts that do not go together are no checkpoint. */
static void
test_spoiled (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    Spoil spoil;
    const char *words;
  } cases[] = {
    { spoil_hole, "state 'model': 'table': the ranks have 18 elements of it together" },
    { spoil_overlap, "'table': [4, 3] at [0, 0] of [7, 3] and [4, 3] at [3, 0] of [7, 3] overlap" },
    { spoil_copy, "two ranks have the part [4, 3] at [0, 0] of [7, 3], and not the same" },
    { spoil_dtype, "are not of one tensor" },
    { spoil_shape, "are not of one tensor" },
    { spoil_size, "are not of one tensor" },
    { spoil_whole, "rank 0 has a part of it, rank 1 has no part" },
    { spoil_replica, "'bias': rank 1 has another one than rank 0" },
    { spoil_value, "state 'trainer': 'global_step': rank 1 has another one than rank 0" },
    { spoil_kind, "'bias': rank 1 has another one than rank 0" },
  };

  save (fixture, 3, 30);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (SngCheckpoint) part = new_part (1, 2, 1);
      g_autoptr (GError) error = NULL;

      save_parts (fixture, 2, 1);
      cases[i].spoil (part);
      g_assert_true (sng_checkpoint_store_save_rank (fixture->store, part, 1, 2, &error));
      assert_not_committed (fixture, 2, SNG_ERROR_CORRUPT, cases[i].words);
    }
}

/* A tensor larger than all memory, of which nobody has more than a row. */
static void
test_no_allocation (Fixture *fixture, gconstpointer data)
{
  save (fixture, 3, 30);
  for (guint rank = 0; rank < 2; rank++)
    {
      g_autoptr (SngCheckpoint) part = new_part (rank, 2, 1);

      put_table (part, SNG_DTYPE_U8, (const gint64[]){ G_GINT64_CONSTANT (1) << 50, 64 }, rank, 1, 1);
      g_assert_true (sng_checkpoint_store_save_rank (fixture->store, part, rank, 2, NULL));
    }
  assert_not_committed (fixture, 2, SNG_ERROR_CORRUPT, "the ranks have 128 elements of it together");
}

/* Several ranks that have the same part, as where data and tensors are split at once. */
static void
test_replicated (Fixture *fixture, gconstpointer data)
{
  for (guint rank = 0; rank < 4; rank++)
    {
      g_autoptr (SngCheckpoint) part = new_part (rank / 2, 2, 1);
      g_autofree char *name = g_strdup_printf ("rng/dropout/rank-%u", rank / 2);
      g_autofree char *own = g_strdup_printf ("rng/dropout/rank-%u", rank);
      g_autoptr (SngStateDict) rng = sng_state_dict_new ();

      sng_checkpoint_remove_state (part, name);
      sng_state_dict_set_int64 (rng, "position", 10 + rank);
      sng_checkpoint_set_state (part, own, rng);
      g_assert_true (sng_checkpoint_store_save_rank (fixture->store, part, rank, 4, NULL));
    }
  commit (fixture, 4);
  assert_holds (fixture, 4, 1);
}

/* Only each rank can save its own part. */
static void
test_plain_save (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngCheckpoint) part = new_part (1, 2, 1);
  g_autofree char *rank = NULL;
  g_autoptr (GError) error = NULL;

  save (fixture, 3, 30);
  g_assert_null (sng_checkpoint_store_save (fixture->store, part, &error));
  fixture_assert_error (error, SNG_ERROR_INVALID_ARGUMENT, "model: 'table' is one rank's part");
  g_assert_true (holds (fixture, 3, 30));

  /* And a part alone is no checkpoint. */
  save_parts (fixture, 2, 1);
  commit (fixture, 2);
  rank = get_path (fixture, "step-00000007", "rank-00001");
  g_assert_null (sng_checkpoint_load (rank, &error));
  fixture_assert_error (error, SNG_ERROR_INVALID_DATA, "'table' is a part of a tensor");
}

static void
assert_refused (Fixture *fixture, const char *words)
{
  g_autofree char *path = get_path (fixture, "step-00000007", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (SngCheckpoint) loaded = sng_checkpoint_load (path, &error);

  if (loaded != NULL)
    g_error ("%s: damage was not found", words);
  g_assert_true (error->code == SNG_ERROR_CORRUPT || error->code == SNG_ERROR_INVALID_DATA);
  if (strstr (error->message, path) == NULL || strstr (error->message, words) == NULL)
    g_error ("\"%s\" does not say \"%s\"", error->message, words);
  g_assert_true (holds (fixture, 3, 30));
}

/* Every bit of every file, each length of it, and files in each other's place. */
static void
test_damage (Fixture *fixture, gconstpointer data)
{
  static const char *const files[] = { "state.json", "rank-00000/state.json",
                                       "rank-00001/model.safetensors" };
  g_autofree char *first = get_path (fixture, "step-00000007", "rank-00000");
  g_autofree char *second = get_path (fixture, "step-00000007", "rank-00001");
  g_autofree char *aside = get_path (fixture, "step-00000007", "aside");

  save (fixture, 3, 30);
  save_parts (fixture, 2, 1);
  commit (fixture, 2);

  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *path = get_path (fixture, "step-00000007", files[i]);
      g_autofree char *contents = NULL;
      gsize length;

      g_assert_true (g_file_get_contents (path, &contents, &length, NULL));
      for (gsize bit = 0; bit < 8 * length; bit += bit < 64 || i == 2 ? 1 : 13)
        {
          contents[bit / 8] ^= (char) (1 << bit % 8);
          fixture_write (path, contents, length);
          assert_refused (fixture, "step-00000007");
          contents[bit / 8] ^= (char) (1 << bit % 8);
        }
      for (gsize n = 0; n < length; n += n % 7 + 1)
        {
          fixture_write (path, contents, n);
          assert_refused (fixture, "step-00000007");
        }
      fixture_write (path, contents, length);
    }
  assert_holds (fixture, 2, 1);

  /* The state of each rank on the other one. */
  g_assert_cmpint (g_rename (first, aside), ==, 0);
  g_assert_cmpint (g_rename (second, first), ==, 0);
  g_assert_cmpint (g_rename (aside, second), ==, 0);
  assert_refused (fixture, "rank-00000/state.json: is not the one that was there");
  g_assert_cmpint (g_rename (first, aside), ==, 0);
  assert_refused (fixture, "this is no directory");
  g_assert_cmpint (symlink ("aside", first), ==, 0);
  assert_refused (fixture, "this is a link");
}

/* Every call of a rank's save and of the commit fails once: the old checkpoint is there, and a second try succeeds. */
static void
test_failing_calls (Fixture *fixture, gconstpointer data)
{
  guint n_failed = 0;

  save (fixture, 3, 30);
  for (int n = 0; n >= 0; n++)
    {
      g_autoptr (SngCheckpoint) part = new_part (0, 2, 1);
      g_autoptr (GError) error = NULL;
      g_autofree char *path = NULL;
      gboolean saved;

      save_parts (fixture, 2, 1);
      fixture->disk.calls_to_failure = n;
      saved = sng_checkpoint_store_save_rank (fixture->store, part, 0, 2, &error);
      if (saved)
        path = sng_checkpoint_store_commit_ranks (fixture->store, 7, 2, &error);
      if (fixture->disk.calls_to_failure >= 0)
        n = -2;
      fixture->disk.calls_to_failure = -1;

      if (path == NULL)
        {
          n_failed++;
          g_assert_nonnull (strstr (error->message, saved ? "[checkpoint][commit] step-00000007: "
                                                          : "[checkpoint][save] step-00000007, rank 0: "));
          if (strstr (error->message, "cannot sync") == NULL)
            g_assert_true (holds (fixture, 3, 30));
          fixture_assert_error (error, SNG_ERROR_IO, g_strerror (EIO));
          save_parts (fixture, 2, 1);
          commit (fixture, 2);
        }
      assert_holds (fixture, 2, 1);
      g_assert_true (sng_checkpoint_store_remove (fixture->store, 7, NULL));
      g_assert_true (holds (fixture, 3, 30));
    }
  g_test_message ("%u calls failed one by one", n_failed);
  g_assert_cmpuint (n_failed, >, 20);
}

/* The same where there is not even the store's directory, and where something else has the place of one. */
static void
test_no_directory (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngCheckpoint) part = new_part (0, 2, 1);
  g_autofree char *parts = get_path (fixture, ".step-00000007.ranks", NULL);
  g_autofree char *rank = g_build_filename (parts, "rank-00000", NULL);
  g_autofree char *deep = g_build_filename (fixture->directory, "deep", NULL);
  g_autoptr (GError) error = NULL;
  int n = 0;

  for (;; n++)
    {
      gboolean saved;

      fixture->disk.calls_to_failure = n;
      saved = sng_checkpoint_store_save_rank (fixture->store, part, 0, 2, &error);
      if (fixture->disk.calls_to_failure >= 0)
        break;
      g_assert_false (saved);
      fixture_assert_error (error, SNG_ERROR_IO, "[checkpoint][save] step-00000007, rank 0: ");
      g_assert_false (g_file_test (rank, G_FILE_TEST_EXISTS));
      if (g_file_test (deep, G_FILE_TEST_EXISTS))
        fixture_remove (deep);
    }
  fixture->disk.calls_to_failure = -1;
  g_assert_no_error (error);
  g_assert_cmpint (n, >, 10);

  fixture_remove (parts);
  fixture_write (parts, "", 0);
  g_assert_false (sng_checkpoint_store_save_rank (fixture->store, part, 0, 2, &error));
  fixture_assert_error (error, SNG_ERROR_IO, g_strerror (ENOTDIR));
}

/* Shards as such. */
static void
test_places (void)
{
  static const struct
  {
    gint64 global_shape, offset, shape;
  } outside[] = { { 4, -1, 2 }, { 4, 0, -1 }, { 4, 3, 2 },
                  { 4, 5, 0 },  { -1, 0, 0 }, { 4, G_MAXINT64, G_MAXINT64 } };
  g_autoptr (GError) error = NULL;
  g_autoptr (SngTensor) table = new_table (0);
  g_autoptr (SngTensor) piece = NULL;
  g_autoptr (SngShard) shard = NULL;
  g_autoptr (SngStateDict) state = sng_state_dict_new ();

  for (guint i = 0; i < G_N_ELEMENTS (outside); i++)
    {
      g_assert_null (
          sng_shard_new (&outside[i].global_shape, 1, &outside[i].offset, 1, &outside[i].shape, 1, &error));
      fixture_assert_error (error, SNG_ERROR_INVALID_ARGUMENT, "reaches outside");
    }
  g_assert_null (sng_shard_new (table_shape, 2, table_shape, 1, table_shape, 2, &error));
  fixture_assert_error (error, SNG_ERROR_INVALID_ARGUMENT, "an offset of 1");
  g_assert_null (sng_shard_new_split (table_shape, 2, 2, 0, 1, &error));
  fixture_assert_error (error, SNG_ERROR_INVALID_ARGUMENT, "no dimension 2");
  g_assert_null (sng_shard_new_split (table_shape, 2, 0, 2, 2, &error));
  fixture_assert_error (error, SNG_ERROR_INVALID_ARGUMENT, "no rank 2 of 2");

  shard = sng_shard_new_split (table_shape, 2, 1, 1, 2, &error);
  g_assert_no_error (error);
  piece = cut (table, shard);
  g_assert_cmpint (sng_tensor_get_n_elements (piece), ==, 7);
  g_assert_cmpint (sng_tensor_get_value_int64 (piece, 3), ==, 11000);
  g_assert_null (sng_shard_slice (shard, piece, &error));
  fixture_assert_error (error, SNG_ERROR_MISMATCH, "[7, 1] at [0, 2] of [7, 3] cannot be taken from");
  g_assert_false (sng_state_dict_set_shard (state, "table", table, shard, &error));
  fixture_assert_error (error, SNG_ERROR_MISMATCH, "'table' is");
  g_assert_cmpuint (sng_state_dict_get_n_items (state), ==, 0);
}

/* A place takes part in what a dictionary is. */
static void
test_dictionary (void)
{
  g_autoptr (SngCheckpoint) part = new_part (0, 2, 1);
  g_autoptr (SngCheckpoint) other = new_part (0, 2, 1);
  g_autoptr (SngCheckpoint) copy = sng_checkpoint_copy (part, NULL);
  SngStateDict *state = sng_checkpoint_lookup_state (part, "model");
  SngStateDict *moved = sng_checkpoint_lookup_state (other, "model");
  g_autoptr (SngTensor) piece = g_object_ref (sng_state_dict_lookup_tensor (moved, "table"));
  const gint64 offset[] = { 3, 0 }, shape[] = { 4, 3 };
  g_autoptr (SngShard) shard = sng_shard_new (table_shape, 2, offset, 2, shape, 2, NULL);
  g_autoptr (SngFingerprint) a = sng_checkpoint_compute_fingerprint (part);
  g_autoptr (SngFingerprint) b = sng_checkpoint_compute_fingerprint (copy);
  g_autoptr (SngFingerprint) c = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (sng_fingerprint_equal (a, b));
  g_assert_true (sng_state_dict_set_shard (moved, "table", piece, shard, NULL));
  c = sng_checkpoint_compute_fingerprint (other);
  g_assert_false (sng_fingerprint_equal (a, c));

  g_assert_false (sng_state_dict_check_layout (state, moved, &error));
  fixture_assert_error (error, SNG_ERROR_MISMATCH, "the part [4, 3] at [3, 0] of [7, 3]");
  sng_state_dict_set_tensor (moved, "table", piece);
  g_assert_null (sng_state_dict_lookup_shard (moved, "table"));
  g_assert_false (sng_state_dict_check_layout (state, moved, &error));
  g_clear_error (&error);
  g_assert_false (sng_state_dict_check_layout (moved, state, &error));
}

#define ADD(path, function)                                                                                  \
 g_test_add ("/sng/shards/" path, Fixture, NULL, fixture_set_up, function, fixture_tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/shards/places", test_places);
  g_test_add_func ("/sng/shards/dictionary", test_dictionary);
  ADD ("any-number", test_any_number);
  ADD ("commit", test_commit);
  ADD ("missing-rank", test_missing_rank);
  ADD ("spoiled", test_spoiled);
  ADD ("no-allocation", test_no_allocation);
  ADD ("replicated", test_replicated);
  ADD ("plain-save", test_plain_save);
  ADD ("damage", test_damage);
  ADD ("failing-calls", test_failing_calls);
  ADD ("no-directory", test_no_directory);

  return g_test_run ();
}
