/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "transformer-fixture.h"

#include <math.h>
#include <string.h>

/* What a sequence yields depends neither on the other sequences nor on the padding, dropout included. */
static void
test_batching (void)
{
  g_autoptr (Fixture) fixture = fixture_new (&fixture_esm2_dropout, SNG_DTYPE_F64, 1);
  gint64 ids[2 * (N_TOKENS + 2)], labels[2 * (N_TOKENS + 2)], mask[2 * (N_TOKENS + 2)];
  double together, first, second, again;

  for (gint64 i = 0; i < 2 * (N_TOKENS + 2); i++)
    {
      ids[i] = 4 + i % 11;
      labels[i] = 5 + i % 7;
      mask[i] = 1;
    }
  fixture_set_indices (fixture->batch, "input_ids", ids, 2, N_TOKENS);
  fixture_set_indices (fixture->batch, "labels", labels, 2, N_TOKENS);
  fixture_set_indices (fixture->batch, "attention_mask", mask, 2, N_TOKENS);
  together = fixture_forward (fixture, SNG_STAGE_TRAIN);
  g_assert_cmpuint (sng_rng_stream_get_position (fixture->dropout), ==, 2);

  sng_rng_stream_set_position (fixture->dropout, 0);
  fixture_set_indices (fixture->batch, "attention_mask", mask, 1, N_TOKENS);
  fixture_set_indices (fixture->batch, "input_ids", ids, 1, N_TOKENS);
  fixture_set_indices (fixture->batch, "labels", labels, 1, N_TOKENS);
  first = fixture_forward (fixture, SNG_STAGE_TRAIN);
  fixture_set_indices (fixture->batch, "input_ids", ids + N_TOKENS, 1, N_TOKENS);
  fixture_set_indices (fixture->batch, "labels", labels + N_TOKENS, 1, N_TOKENS);
  second = fixture_forward (fixture, SNG_STAGE_TRAIN);
  g_assert_cmpfloat_with_epsilon (together, (first + second) / 2, 1e-12);

  for (gint64 i = N_TOKENS; i < N_TOKENS + 2; i++)
    {
      ids[N_TOKENS + i] = 1;
      labels[N_TOKENS + i] = -100;
      mask[i] = 0;
    }
  sng_rng_stream_set_position (fixture->dropout, 1);
  fixture_set_indices (fixture->batch, "input_ids", ids + N_TOKENS, 1, N_TOKENS + 2);
  fixture_set_indices (fixture->batch, "labels", labels + N_TOKENS, 1, N_TOKENS + 2);
  fixture_set_indices (fixture->batch, "attention_mask", mask, 1, N_TOKENS + 2);
  again = fixture_forward (fixture, SNG_STAGE_TRAIN);
  g_assert_cmpfloat_with_epsilon (second, again, 1e-12);

  again = fixture_forward (fixture, SNG_STAGE_TRAIN);
  g_assert_cmpfloat (fabs (second - again), >, 1e-6);
}

/* padding */

static const gint64 lengths[N_SEQUENCES] = { 13, 9, 11 };

/* Sequences of these lengths, from the first or only one of them, in a batch of so many tokens each. A token of the last one is hidden.
 * What is in the padding depends on its size. */
static void
set_padded_batch (Fixture *fixture, gint64 first, gint64 n, gint64 n_tokens)
{
  gint64 ids[N_SEQUENCES * (N_TOKENS + 2)], labels[G_N_ELEMENTS (ids)], mask[G_N_ELEMENTS (ids)];

  for (gint64 i = 0; i < n * n_tokens; i++)
    {
      gint64 sequence = first + i / n_tokens, token = i % n_tokens, place = sequence * N_TOKENS + token;
      gboolean is_padding = token >= lengths[sequence];

      ids[i] = is_padding ? n_tokens : place % 6 == 1 ? 32 : 4 + place * 7 % 20;
      labels[i] = is_padding || place % 3 == 0 ? -100 : 4 + place * 5 % 20;
      mask[i] = !is_padding && !(sequence == 2 && token == 3);
    }
  fixture_set_indices (fixture->batch, "input_ids", ids, n, n_tokens);
  fixture_set_indices (fixture->batch, "labels", labels, n, n_tokens);
  fixture_set_indices (fixture->batch, "attention_mask", mask, n, n_tokens);
}

static gsize
n_labels (gint64 sequence)
{
  gsize n = 0;

  for (gint64 token = 0; token < lengths[sequence]; token++)
    n += (sequence * N_TOKENS + token) % 3 != 0;
  return n;
}

static SngTensor *
train_padded (Fixture *fixture, gint64 n_tokens, double *loss, GBytes **gradients)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngStateDict) outputs = NULL;

  set_padded_batch (fixture, 0, N_SEQUENCES, n_tokens);
  sng_rng_stream_set_position (fixture->dropout, 4);
  fixture_zero_gradients (fixture);
  outputs = sng_model_forward (fixture->model, fixture->batch, SNG_STAGE_TRAIN, &error);
  g_assert_no_error (error);
  g_assert_true (sng_state_dict_get_double (outputs, "loss", loss, &error));
  fixture_backward (fixture, 1);
  *gradients = fixture_dup_gradients (fixture->model);
  return g_object_ref (sng_state_dict_lookup_tensor (outputs, "logits"));
}

/* More padding is the same rows in the same order, so it changes no bit, whatever ids it has. */
static void
test_padding (gconstpointer data)
{
  g_autoptr (Fixture) fixture = fixture_new (data, SNG_DTYPE_F32, 2);
  g_autoptr (Fixture) wide = fixture_new (data, SNG_DTYPE_F32, 2);
  g_autoptr (GBytes) gradients = NULL;
  g_autoptr (GBytes) wide_gradients = NULL;
  g_autoptr (SngTensor) logits = NULL;
  g_autoptr (SngTensor) wide_logits = NULL;
  double loss, wide_loss;
  gint64 n_classes;

  logits = train_padded (fixture, N_TOKENS, &loss, &gradients);
  wide_logits = train_padded (wide, N_TOKENS + 2, &wide_loss, &wide_gradients);
  g_assert_cmpint (memcmp (&loss, &wide_loss, sizeof loss), ==, 0);
  g_assert_true (g_bytes_equal (gradients, wide_gradients));

  n_classes = sng_tensor_get_shape (logits, NULL)[2];
  for (gint64 i = 0; i < N_SEQUENCES * (N_TOKENS + 2) * n_classes; i++)
    {
      gint64 sequence = i / n_classes / (N_TOKENS + 2), token = i / n_classes % (N_TOKENS + 2);
      gint64 narrow = (sequence * N_TOKENS + token) * n_classes + i % n_classes;
      double value = sng_tensor_get_value (wide_logits, i);

      if (token >= lengths[sequence])
        g_assert_cmpfloat (value, ==, 0);
      else
        g_assert_cmpfloat (value, ==, sng_tensor_get_value (logits, narrow));
      if (token < N_TOKENS && token >= lengths[sequence])
        g_assert_cmpfloat (sng_tensor_get_value (logits, narrow), ==, 0);
    }
}

/* Each sequence alone, without padding, dropout included. The sums over rows have another order, no more; so f64 agrees to its
 * rounding, 1e-13 of the whole gradient. */
static void
test_sequences_alone (gconstpointer data)
{
  g_autoptr (Fixture) fixture = fixture_new (data, SNG_DTYPE_F64, 2);
  g_autoptr (GBytes) together = NULL;
  g_autoptr (GBytes) alone = NULL;
  g_autoptr (SngTensor) logits = NULL;
  double loss, last = 0, sum = 0, n_targets = 0, difference = 0, norm = 0;
  const double *a, *b;
  gsize n_bytes;

  logits = train_padded (fixture, N_TOKENS + 2, &loss, &together);
  fixture_zero_gradients (fixture);
  for (gint64 i = 0; i < N_SEQUENCES; i++)
    n_targets += (double) n_labels (i);
  for (gint64 i = 0; i < N_SEQUENCES; i++)
    {
      double weight = (double) n_labels (i) / n_targets;

      set_padded_batch (fixture, i, 1, lengths[i]);
      sng_rng_stream_set_position (fixture->dropout, 4 + (guint64) i);
      last = fixture_forward (fixture, SNG_STAGE_TRAIN);
      sum += weight * last;
      fixture_backward (fixture, weight);
    }
  alone = fixture_dup_gradients (fixture->model);
  g_assert_cmpfloat_with_epsilon (loss, sum, 1e-13 * loss);
  a = g_bytes_get_data (together, &n_bytes);
  b = g_bytes_get_data (alone, NULL);
  for (gsize i = 0; i < n_bytes / sizeof (double); i++)
    {
      difference += pow (a[i] - b[i], 2);
      norm += a[i] * a[i];
    }
  g_assert_cmpfloat (sqrt (difference), <, 1e-13 * sqrt (norm));

  sng_rng_stream_set_position (fixture->dropout, 3);
  if (((const Variant *) data)->hidden_dropout > 0)
    g_assert_cmpfloat (fabs (fixture_forward (fixture, SNG_STAGE_TRAIN) - last), >, 1e-6);
}

/* inputs that must be refused */

static void
expect_refusal (Fixture *fixture, int code, const char *first, const char *second)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngStateDict) outputs =
      sng_model_forward (fixture->model, fixture->batch, SNG_STAGE_TRAIN, &error);

  g_assert_null (outputs);
  g_assert_error (error, SNG_ERROR, code);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, first));
  g_assert_nonnull (strstr (error->message, second));
  g_assert_cmpuint (sng_rng_stream_get_position (fixture->dropout), ==, 0);
}

static void
test_bad_batches (void)
{
  g_autoptr (Fixture) fixture = fixture_new (&fixture_gpt, SNG_DTYPE_F32, 1);
  gint64 values[(N_SEQUENCES + 2) * (N_TOKENS + 3)] = { 0 };
  const gint64 shape[] = { N_SEQUENCES, N_TOKENS };
  g_autoptr (SngTensor) floats = sng_tensor_new (SNG_DTYPE_F32, shape, 2, NULL, NULL);

  values[N_TOKENS + 2] = 256;
  fixture_set_indices (fixture->batch, "input_ids", values, N_SEQUENCES, N_TOKENS);
  expect_refusal (fixture, SNG_ERROR_INVALID_ARGUMENT, "input_ids", "256 at [1, 2]");
  values[N_TOKENS + 2] = -1;
  fixture_set_indices (fixture->batch, "input_ids", values, N_SEQUENCES, N_TOKENS);
  expect_refusal (fixture, SNG_ERROR_INVALID_ARGUMENT, "-1 at [1, 2]", "less than 256");
  values[N_TOKENS + 2] = 0;
  fixture_set_indices (fixture->batch, "input_ids", values, N_SEQUENCES, N_TOKENS);
  values[0] = -99;
  fixture_set_indices (fixture->batch, "labels", values, N_SEQUENCES, N_TOKENS);
  expect_refusal (fixture, SNG_ERROR_INVALID_ARGUMENT, "labels", "-99 at [0, 0]");
  values[0] = 0;
  fixture_set_indices (fixture->batch, "labels", values, N_SEQUENCES, N_TOKENS - 1);
  expect_refusal (fixture, SNG_ERROR_MISMATCH, "[3, 12]", "[3, 13]");
  fixture_set_indices (fixture->batch, "labels", values, N_SEQUENCES, N_TOKENS);
  fixture_set_indices (fixture->batch, "attention_mask", values, N_SEQUENCES, N_TOKENS);
  expect_refusal (fixture, SNG_ERROR_INVALID_ARGUMENT, "attention_mask", "sequence 0");
  for (guint i = 0; i < N_SEQUENCES * N_TOKENS; i++)
    values[i] = i % N_TOKENS < 12 ? 1 : 0;
  fixture_set_indices (fixture->batch, "attention_mask", values, N_SEQUENCES, N_TOKENS);
  values[2 * N_TOKENS - 1] = 7;
  for (guint i = 0; i < N_SEQUENCES * N_TOKENS; i++)
    values[i] = values[i] == 7 ? 7 : -100;
  fixture_set_indices (fixture->batch, "labels", values, N_SEQUENCES, N_TOKENS);
  expect_refusal (fixture, SNG_ERROR_INVALID_ARGUMENT, "\"labels\" has 7 at [1, 12]", "padding");
  memset (values, 0, sizeof values);
  sng_state_dict_remove (fixture->batch, "attention_mask");
  sng_state_dict_set_tensor (fixture->batch, "input_ids", floats);
  expect_refusal (fixture, SNG_ERROR_MISMATCH, "F32", "I64");
  fixture_set_indices (fixture->batch, "input_ids", values, N_SEQUENCES + 2, N_TOKENS);
  expect_refusal (fixture, SNG_ERROR_INVALID_ARGUMENT, "5 sequences", "max-batch-size is 4");
  fixture_set_indices (fixture->batch, "input_ids", values, N_SEQUENCES, N_TOKENS + 3);
  expect_refusal (fixture, SNG_ERROR_INVALID_ARGUMENT, "16 tokens", "max-length is 15");
  sng_state_dict_remove (fixture->batch, "input_ids");
  expect_refusal (fixture, SNG_ERROR_NOT_FOUND, "input_ids", "input_ids");
}

static void
add_for_all (const char *name, GTestDataFunc func)
{
  static const struct
  {
    const char *name;
    const Variant *variant;
  } variants[] = {
    { "esm2", &fixture_esm2 },
    { "esm2-dropout", &fixture_esm2_dropout },
    { "gpt", &fixture_gpt },
    { "gpt-dropout", &fixture_gpt_dropout },
  };

  for (guint i = 0; i < G_N_ELEMENTS (variants); i++)
    {
      g_autofree char *path = g_strdup_printf ("/sng/transformer/batch/%s/%s", name, variants[i].name);

      g_test_add_data_func (path, variants[i].variant, func);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/transformer/batch/batching", test_batching);
  add_for_all ("padding", test_padding);
  add_for_all ("sequences-alone", test_sequences_alone);
  g_test_add_func ("/sng/transformer/batch/refused", test_bad_batches);
  return g_test_run ();
}
