/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Shards by themselves, in a dictionary, and put together. */

#include <errno.h>
#include <string.h>

#include "state-fixture.h"
#include "state/sng-checkpoint-private.h"
#include "state/sng-shard-private.h"
#include "system-fixture.h"

#define GIB (G_GINT64_CONSTANT (1) << 30)

static SngShard *
new_shard (gint64 n_rows, gint64 n_columns, gint64 row, gint64 column, gint64 height, gint64 width)
{
  const gint64 global_shape[] = { n_rows, n_columns }, offset[] = { row, column },
               shape[] = { height, width };
  g_autoptr (GError) error = NULL;
  SngShard *shard = sng_shard_new (global_shape, 2, offset, 2, shape, 2, &error);

  g_assert_no_error (error);

  return shard;
}

static void
test_dimensions (void)
{
  gint64 many[33] = { 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (SngShard) nothing = NULL;

  g_assert_cmpstr (g_type_name (sng_shard_get_type ()), ==, "SngShard");
  g_assert_null (sng_shard_new (many, 33, many, 33, many, 33, &error));
  fixture_assert_error (error, SNG_ERROR_INVALID_ARGUMENT, "at most 32");
  g_assert_null (sng_shard_new (many, 2, many, 2, many, 3, &error));
  fixture_assert_error (error, SNG_ERROR_INVALID_ARGUMENT, "a shape of 3");
  g_assert_null (sng_shard_new_split (many, 33, 0, 0, 1, &error));
  fixture_assert_error (error, SNG_ERROR_INVALID_ARGUMENT, "no dimension 0 of 33");

  nothing = sng_shard_new (NULL, 0, NULL, 0, NULL, 0, &error);
  g_assert_no_error (error);
  g_assert_true (sng_shard_is_whole (nothing));
}

static void
test_relations (void)
{
  static const struct
  {
    gint64 numbers[6];
    gboolean same_whole, equal, overlaps;
  } cases[] = {
    { { 8, 8, 2, 2, 4, 4 }, TRUE, TRUE, TRUE },   { { 8, 9, 2, 2, 4, 4 }, FALSE, FALSE, TRUE },
    { { 8, 8, 3, 2, 4, 4 }, TRUE, FALSE, TRUE },  { { 8, 8, 2, 2, 4, 3 }, TRUE, FALSE, TRUE },
    { { 8, 8, 6, 2, 2, 4 }, TRUE, FALSE, FALSE }, { { 8, 8, 0, 2, 2, 4 }, TRUE, FALSE, FALSE },
    { { 8, 8, 2, 6, 4, 2 }, TRUE, FALSE, FALSE }, { { 8, 8, 2, 0, 4, 2 }, TRUE, FALSE, FALSE },
    { { 8, 8, 0, 0, 8, 8 }, TRUE, FALSE, TRUE },
  };
  const gint64 zero = 0, eight = 8;
  g_autoptr (SngShard) shard = new_shard (8, 8, 2, 2, 4, 4);
  g_autoptr (SngShard) line = sng_shard_new (&eight, 1, &zero, 1, &eight, 1, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const gint64 *n = cases[i].numbers;
      g_autoptr (SngShard) other = new_shard (n[0], n[1], n[2], n[3], n[4], n[5]);

      g_assert_cmpint (sng_shard_same_whole (shard, other), ==, cases[i].same_whole);
      g_assert_cmpint (sng_shard_equal (shard, other), ==, cases[i].equal);
      g_assert_cmpint (sng_shard_equal (other, shard), ==, cases[i].equal);
      g_assert_cmpint (sng_shard_overlaps (shard, other), ==, cases[i].overlaps);
      g_assert_cmpint (sng_shard_overlaps (other, shard), ==, cases[i].overlaps);
    }

  g_assert_false (sng_shard_equal (shard, line));
  g_assert_false (sng_shard_same_whole (shard, line));
}

static void
test_other_dimensions (void)
{
  const gint64 shape[] = { 8 };
  g_autoptr (SngShard) shard = new_shard (8, 8, 2, 2, 4, 4);
  g_autoptr (SngTensor) line = sng_tensor_new (SNG_DTYPE_F32, shape, 1, NULL, NULL);
  g_autoptr (SngStateDict) state = sng_state_dict_new ();
  g_autoptr (GError) error = NULL;

  g_assert_null (sng_shard_slice (shard, line, &error));
  fixture_assert_error (error, SNG_ERROR_MISMATCH, "cannot be taken from F32 [8]");
  g_assert_false (sng_state_dict_set_shard (state, "a", line, shard, &error));
  fixture_assert_error (error, SNG_ERROR_MISMATCH, "'a' is F32 [8], its place is");
  g_assert_null (sng_state_dict_lookup_shard (state, "a"));
}

static void
put (SngStateDict *state, SngDtype dtype, SngShard *shard)
{
  guint n_dims;
  const gint64 *shape = sng_shard_get_shape (shard, &n_dims);
  g_autoptr (SngTensor) tensor = fixture_tensor (dtype, n_dims, shape);

  g_assert_true (sng_state_dict_set_shard (state, "a", tensor, shard, NULL));
}

/* Where one side is a part, the other one is the same part, or all of it. */
static void
test_layout (void)
{
  const gint64 line[] = { 64 }, other[] = { 8, 9 };
  g_autoptr (SngShard) part = new_shard (8, 8, 2, 2, 4, 4);
  g_autoptr (SngShard) again = new_shard (8, 8, 2, 2, 4, 4);
  g_autoptr (SngShard) moved = new_shard (8, 8, 3, 2, 4, 4);
  g_autoptr (SngShard) all = new_shard (8, 8, 0, 0, 8, 8);
  g_autoptr (SngShard) alone = new_shard (4, 4, 0, 0, 4, 4);
  g_autoptr (SngStateDict) expected = sng_state_dict_new ();
  g_autoptr (SngStateDict) state = sng_state_dict_new ();
  g_autoptr (SngTensor) flat = fixture_tensor (SNG_DTYPE_F32, 1, line);
  g_autoptr (SngTensor) wide = fixture_tensor (SNG_DTYPE_F32, 2, other);
  g_autoptr (GError) error = NULL;

  put (expected, SNG_DTYPE_F32, part);
  put (state, SNG_DTYPE_F32, part);
  g_assert_true (sng_state_dict_check_layout (state, expected, &error));
  put (state, SNG_DTYPE_F32, again);
  g_assert_true (sng_state_dict_check_layout (state, expected, &error));
  put (state, SNG_DTYPE_F32, all);
  g_assert_true (sng_state_dict_check_layout (state, expected, &error));
  g_assert_no_error (error);

  put (state, SNG_DTYPE_F32, moved);
  g_assert_false (sng_state_dict_check_layout (state, expected, &error));
  fixture_assert_error (error, SNG_ERROR_MISMATCH, "'a' is");
  put (state, SNG_DTYPE_I32, all);
  g_assert_false (sng_state_dict_check_layout (state, expected, &error));
  fixture_assert_error (error, SNG_ERROR_MISMATCH, "'a' is I32 [8, 8]");
  sng_state_dict_set_tensor (state, "a", flat);
  g_assert_false (sng_state_dict_check_layout (state, expected, &error));
  fixture_assert_error (error, SNG_ERROR_MISMATCH, "'a' is F32 [64]");
  sng_state_dict_set_tensor (state, "a", wide);
  g_assert_false (sng_state_dict_check_layout (state, expected, &error));
  fixture_assert_error (error, SNG_ERROR_MISMATCH, "'a' is F32 [8, 9]");

  put (expected, SNG_DTYPE_F32, alone);
  put (state, SNG_DTYPE_F32, part);
  g_assert_false (sng_state_dict_check_layout (state, expected, &error));
  fixture_assert_error (error, SNG_ERROR_MISMATCH, "the part [4, 4] at [2, 2] of [8, 8]");
}

/* A checkpoint of one tensor; NULL: of something else. */
static SngCheckpoint *
new_part (SngShard *shard)
{
  SngCheckpoint *part = sng_checkpoint_new (7);
  g_autoptr (SngStateDict) state = sng_state_dict_new ();

  if (shard != NULL)
    put (state, SNG_DTYPE_F32, shard);
  else
    sng_state_dict_set_int64 (state, "b", 1);
  sng_checkpoint_set_state (part, "model", state);

  return part;
}

static void
assert_not_merged (SngShard *first, SngShard *second, const char *words)
{
  g_autoptr (SngCheckpoint) a = new_part (first);
  g_autoptr (SngCheckpoint) b = new_part (second);
  SngCheckpoint *parts[] = { a, b };
  g_autoptr (GError) error = NULL;

  g_assert_null (sng_checkpoint_merge (parts, 2, "somewhere", &error));
  fixture_assert_error (error, SNG_ERROR_CORRUPT, words);
}

static void
test_not_merged (void)
{
  g_autoptr (SngShard) all = new_shard (4, 4, 0, 0, 4, 4);
  g_autoptr (SngShard) half = new_shard (8, 4, 0, 0, 4, 4);
  g_autoptr (SngShard) first = new_shard (8 * GIB, 4 * GIB, 0, 0, 1, 1);
  g_autoptr (SngShard) second = new_shard (8 * GIB, 4 * GIB, 1, 0, 1, 1);

  assert_not_merged (all, half, "'a': rank 1 has another one than rank 0");
  assert_not_merged (half, all, "'a': rank 0 has a part of it, rank 1 has no part");
  assert_not_merged (half, NULL, "'a': the ranks have 16 elements of it together");

  /* More elements than there are numbers. */
  assert_not_merged (first, second, "'a': the ranks have 2 elements of it together");
}

/* One that some of the ranks have nothing of, and columns, which do not lie in one piece. */
static void
test_merged (void)
{
  g_autoptr (SngShard) left = new_shard (4, 8, 0, 0, 4, 4);
  g_autoptr (SngShard) right = new_shard (4, 8, 0, 4, 4, 4);
  g_autoptr (SngCheckpoint) a = new_part (left);
  g_autoptr (SngCheckpoint) b = new_part (NULL);
  g_autoptr (SngCheckpoint) c = new_part (right);
  SngCheckpoint *parts[] = { a, b, c };
  g_autoptr (SngCheckpoint) merged = NULL;
  g_autoptr (GError) error = NULL;
  SngTensor *whole;

  /* No memory for the whole, or for putting the columns in place. */
  for (guint n_before = 0; n_before < 2; n_before++)
    {
      test_system_fail (TEST_SYSTEM_DEVICE_ALLOC, n_before, ENOMEM);
      g_assert_null (sng_checkpoint_merge (parts, 3, "somewhere", &error));
      g_assert_true (test_system_has_failed (TEST_SYSTEM_DEVICE_ALLOC));
      g_assert_true (g_str_has_prefix (error->message, "[checkpoint][load] somewhere: state 'model': 'a': "));
      fixture_assert_error (error, SNG_ERROR_FAILED, "cannot get");
    }

  merged = sng_checkpoint_merge (parts, 3, "somewhere", &error);
  g_assert_no_error (error);
  whole = sng_state_dict_lookup_tensor (sng_checkpoint_lookup_state (merged, "model"), "a");
  for (guint rank = 0; rank < 3; rank += 2)
    {
      g_autoptr (SngTensor) slice = sng_shard_slice (rank == 0 ? left : right, whole, &error);

      g_assert_no_error (error);
      g_assert_true (sng_tensor_equal (
          slice, sng_state_dict_lookup_tensor (sng_checkpoint_lookup_state (parts[rank], "model"), "a")));
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/shard/dimensions", test_dimensions);
  g_test_add_func ("/sng/shard/relations", test_relations);
  g_test_add_func ("/sng/shard/other-dimensions", test_other_dimensions);
  g_test_add_func ("/sng/shard/layout", test_layout);
  g_test_add_func ("/sng/shard/not-merged", test_not_merged);
  g_test_add_func ("/sng/shard/merged", test_merged);

  return g_test_run ();
}
