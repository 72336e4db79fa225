/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>
#include <string.h>

/* The next @n_calls micro-batches as text, one a line. */
static char *
take (SngSampler *sampler, guint n, guint n_calls)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < n_calls; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (SngTensor) ids = sng_sampler_next (sampler, n, &error);

      g_assert_no_error (error);
      g_assert_cmpint (sng_tensor_get_dtype (ids), ==, SNG_DTYPE_I64);
      for (gint64 j = 0; j < sng_tensor_get_n_elements (ids); j++)
        g_string_append_printf (text, "%" G_GINT64_FORMAT " ", sng_tensor_get_value_int64 (ids, j));
      g_string_append_c (text, '\n');
    }

  return g_string_free (text, FALSE);
}

static void
test_in_order (void)
{
  g_autoptr (SngSampler) sampler = sng_sampler_new (5, 1, FALSE);
  g_autofree char *text = take (sampler, 2, 4);

  g_assert_cmpstr (text, ==, "0 1 \n2 3 \n4 \n0 1 \n");
  g_assert_cmpuint (sng_sampler_get_epoch (sampler), ==, 1);
  g_assert_cmpuint (sng_sampler_get_position (sampler), ==, 2);
}

/* Each epoch has every sample once, in an order of its own. */
static void
test_permutations (void)
{
  g_autoptr (SngSampler) sampler = sng_sampler_new (50, 1, TRUE);
  g_autoptr (SngSampler) reseeded = sng_sampler_new (50, 2, TRUE);
  g_autofree char *previous = take (reseeded, 50, 1);

  for (guint epoch = 0; epoch < 3; epoch++)
    {
      g_autofree char *text = NULL;
      gboolean seen[50] = { FALSE };
      char *cursor;

      g_assert_cmpuint (sng_sampler_get_epoch (sampler), ==, epoch);
      text = take (sampler, 50, 1);
      cursor = text;

      for (guint i = 0; i < 50; i++)
        {
          guint64 id = g_ascii_strtoull (cursor, &cursor, 10);

          g_assert_cmpuint (id, <, 50);
          g_assert_false (seen[id]);
          seen[id] = TRUE;
        }

      g_assert_cmpstr (text, !=, previous);
      g_free (previous);
      previous = g_steal_pointer (&text);
    }
}

/* All permutations of three are as likely: 6000 epochs, five standard deviations. */
static void
test_unbiased (void)
{
  g_autoptr (SngSampler) sampler = sng_sampler_new (3, 4, TRUE);
  guint counts[27] = { 0 };
  guint n_permutations = 0;

  for (guint epoch = 0; epoch < 6000; epoch++)
    {
      g_autoptr (SngTensor) ids = sng_sampler_next (sampler, 3, NULL);

      counts[sng_tensor_get_value_int64 (ids, 0) * 9 + sng_tensor_get_value_int64 (ids, 1) * 3
             + sng_tensor_get_value_int64 (ids, 2)]++;
    }

  for (guint i = 0; i < 27; i++)
    if (counts[i] > 0)
      {
        n_permutations++;
        g_assert_cmpuint (counts[i], >, 1000 - 145);
        g_assert_cmpuint (counts[i], <, 1000 + 145);
      }

  g_assert_cmpuint (n_permutations, ==, 6);
}

/* From every position of three epochs, another sampler goes on with the same samples. */
static void
test_resume (void)
{
  for (guint stop = 0; stop < 12; stop++)
    {
      g_autoptr (SngSampler) sampler = sng_sampler_new (7, 1, TRUE);
      g_autoptr (SngSampler) resumed = sng_sampler_new (7, 1, TRUE);
      g_autofree char *before G_GNUC_UNUSED = take (sampler, 2, stop);
      g_autofree char *before_resumed G_GNUC_UNUSED = take (resumed, 3, 5);
      g_autoptr (SngStateDict) state = sng_stateful_get_state (SNG_STATEFUL (sampler), NULL);
      g_autofree char *after = NULL;
      g_autofree char *after_resumed = NULL;
      g_autoptr (GError) error = NULL;

      sng_stateful_set_state (SNG_STATEFUL (resumed), state, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (sng_sampler_get_epoch (resumed), ==, stop / 4);
      g_assert_cmpuint (sng_sampler_get_position (resumed), ==, stop % 4 * 2);
      after = take (sampler, 2, 9);
      after_resumed = take (resumed, 2, 9);
      g_assert_cmpstr (after_resumed, ==, after);
    }
}

static void
test_other_sampler_is_refused (void)
{
  g_autoptr (SngSampler) sampler = sng_sampler_new (7, 1, TRUE);
  SngSampler *others[] = { sng_sampler_new (8, 1, TRUE), sng_sampler_new (7, 2, TRUE),
                           sng_sampler_new (7, 1, FALSE), sng_sampler_new (7, 1, TRUE) };
  const char *const in_message[] = { "n_samples: the checkpoint has 8, this run has 7",
                                     "seed: the checkpoint has 2, this run has 1",
                                     "shuffle: the checkpoint has false, this run has true",
                                     "position: the checkpoint has 7, this run has an epoch of 7 samples" };

  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    {
      g_autoptr (SngStateDict) state = sng_stateful_get_state (SNG_STATEFUL (others[i]), NULL);
      g_autoptr (GError) error = NULL;

      if (i == 3)
        sng_state_dict_set_int64 (state, "position", 7);

      g_assert_false (sng_stateful_check_state (SNG_STATEFUL (sampler), state, NULL));
      g_assert_false (sng_stateful_set_state (SNG_STATEFUL (sampler), state, &error));
      g_assert_error (error, SNG_ERROR, SNG_ERROR_MISMATCH);
      g_assert_nonnull (strstr (error->message, in_message[i]));
      g_clear_object (&others[i]);
    }
}

static void
test_nothing (void)
{
  g_autoptr (SngSampler) sampler = sng_sampler_new (0, 1, TRUE);
  g_autoptr (GError) error = NULL;

  g_assert_null (sng_sampler_next (sampler, 1, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "n-samples is 0"));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/sampler/in-order", test_in_order);
  g_test_add_func ("/sng/sampler/permutations", test_permutations);
  g_test_add_func ("/sng/sampler/unbiased", test_unbiased);
  g_test_add_func ("/sng/sampler/resume", test_resume);
  g_test_add_func ("/sng/sampler/other-sampler-is-refused", test_other_sampler_is_refused);
  g_test_add_func ("/sng/sampler/nothing", test_nothing);

  return g_test_run ();
}
