/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>
#include <string.h>
#include <xxhash.h>

#include "tensor/sng-philox-private.h"

/* The key and the counter are as the documentation has them: they are part of the format of a checkpoint. */
static void
test_layout (void)
{
  const guint8 message[] = { 0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01,
                             0x0c, 0x0b, 0x0a, 0x00, 'm',  'a',  's',  'k' };
  const guint64 sample = G_GUINT64_CONSTANT (0x1122334455667788);
  g_autoptr (SngRngStream) stream =
      sng_rng_stream_new (G_GUINT64_CONSTANT (0x0102030405060708), "mask", 0x0a0b0c);
  guint64 key = XXH3_64bits (message, sizeof message);

  g_assert_cmpuint (sng_rng_stream_get_key (stream), ==, key);

  for (guint lane = 0; lane < 9; lane++)
    {
      const guint32 counter[4] = { lane / 4, 77, 0x55667788, 0x11223344 };
      guint32 words[4];

      sng_philox4x32 (key, counter, words);
      g_assert_cmpfloat (sng_rng_stream_uniform (stream, sample, 77, lane), ==,
                         sng_philox_uniform (words[lane % 4]));
    }
}

static void
test_keys_differ (void)
{
  SngRngStream *streams[] = {
    sng_rng_stream_new (1, "masking", 0), sng_rng_stream_new (2, "masking", 0),
    sng_rng_stream_new (1, "dropout", 0), sng_rng_stream_new (1, "masking", 1),
    sng_rng_stream_new (1, "", 0),
  };

  for (guint i = 0; i < G_N_ELEMENTS (streams); i++)
    for (guint j = 0; j < i; j++)
      g_assert_cmpuint (sng_rng_stream_get_key (streams[i]), !=, sng_rng_stream_get_key (streams[j]));

  for (guint i = 0; i < G_N_ELEMENTS (streams); i++)
    g_clear_object (&streams[i]);
}

static void
test_position (void)
{
  g_autoptr (SngRngStream) stream = sng_rng_stream_new (1, "masking", 0);
  double drawn = sng_rng_stream_uniform (stream, 5, 0, 0);
  guint64 position;

  g_assert_cmpuint (sng_rng_stream_advance (stream, 3), ==, 0);
  g_assert_cmpuint (sng_rng_stream_advance (stream, 0), ==, 3);
  g_assert_cmpuint (sng_rng_stream_advance (stream, 2), ==, 3);
  g_assert_cmpuint (sng_rng_stream_get_position (stream), ==, 5);
  g_assert_cmpfloat (sng_rng_stream_uniform (stream, 5, 0, 0), ==, drawn);
  sng_rng_stream_set_position (stream, 1);
  g_object_get (stream, "position", &position, NULL);
  g_assert_cmpuint (position, ==, 1);
}

/* Mean and variance of a uniform distribution, over each coordinate alone. */
static void
test_uniform (void)
{
  g_autoptr (SngRngStream) stream = sng_rng_stream_new (9, "masking", 0);
  const guint n = 40000;

  for (guint coordinate = 0; coordinate < 3; coordinate++)
    {
      double sum = 0.0, squares = 0.0;

      for (guint i = 0; i < n; i++)
        {
          double x = sng_rng_stream_uniform (stream, coordinate == 0 ? i : 3, coordinate == 1 ? i : 5,
                                             coordinate == 2 ? i : 1);

          g_assert_true (x >= 0.0 && x < 1.0);
          sum += x;
          squares += x * x;
        }

      g_assert_cmpfloat_with_epsilon (sum / n, 0.5, 0.0075);
      g_assert_cmpfloat_with_epsilon (squares / n, 1.0 / 3.0, 0.0075);
    }
}

static void
test_state (void)
{
  g_autoptr (SngRngStream) stream = sng_rng_stream_new (G_MAXUINT64, "masking", 2);
  g_autoptr (SngRngStream) resumed = sng_rng_stream_new (G_MAXUINT64, "masking", 2);
  g_autoptr (SngStateDict) state = NULL;
  g_autoptr (GError) error = NULL;

  sng_rng_stream_advance (stream, 123);
  state = sng_stateful_get_state (SNG_STATEFUL (stream), &error);
  g_assert_no_error (error);
  sng_stateful_set_state (SNG_STATEFUL (resumed), state, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (sng_rng_stream_get_position (resumed), ==, 123);

  /* Python hands out a signed integer. */
  sng_state_dict_set_int64 (state, "position", 7);
  g_assert_true (sng_stateful_set_state (SNG_STATEFUL (resumed), state, NULL));
  g_assert_cmpuint (sng_rng_stream_get_position (resumed), ==, 7);
}

static void
check_refused (SngStateDict *state, const char *in_message)
{
  g_autoptr (SngRngStream) stream = sng_rng_stream_new (1, "masking", 0);
  g_autoptr (GError) error = NULL;

  g_assert_false (sng_stateful_check_state (SNG_STATEFUL (stream), state, NULL));
  g_assert_false (sng_stateful_set_state (SNG_STATEFUL (stream), state, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_MISMATCH);
  g_assert_nonnull (strstr (error->message, "\"masking\" of rank 0"));
  g_assert_nonnull (strstr (error->message, in_message));
  g_assert_cmpuint (sng_rng_stream_get_position (stream), ==, 0);
}

static void
test_other_stream_is_refused (void)
{
  const struct
  {
    guint64 seed;
    const char *purpose;
    guint rank;
    const char *in_message;
  } others[] = {
    { 2, "masking", 0, "seed: the checkpoint has 2, this run has 1" },
    { 1, "dropout", 0, "purpose: the checkpoint has 'dropout', this run has 'masking'" },
    { 1, "masking", 3, "rank: the checkpoint has 3, this run has 0" },
  };
  g_autoptr (SngRngStream) same = sng_rng_stream_new (1, "masking", 0);
  g_autoptr (SngStateDict) state = sng_stateful_get_state (SNG_STATEFUL (same), NULL);

  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    {
      g_autoptr (SngRngStream) other = sng_rng_stream_new (others[i].seed, others[i].purpose, others[i].rank);
      g_autoptr (SngStateDict) other_state = sng_stateful_get_state (SNG_STATEFUL (other), NULL);

      check_refused (other_state, others[i].in_message);
    }

  sng_state_dict_set_value (state, "position", g_variant_new_uint64 (G_MAXUINT64));
  check_refused (state, "position");
  sng_state_dict_remove (state, "position");
  check_refused (state, "position: the checkpoint has no such value");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/rng-stream/layout", test_layout);
  g_test_add_func ("/sng/rng-stream/keys-differ", test_keys_differ);
  g_test_add_func ("/sng/rng-stream/position", test_position);
  g_test_add_func ("/sng/rng-stream/uniform", test_uniform);
  g_test_add_func ("/sng/rng-stream/state", test_state);
  g_test_add_func ("/sng/rng-stream/other-stream-is-refused", test_other_stream_is_refused);

  return g_test_run ();
}
