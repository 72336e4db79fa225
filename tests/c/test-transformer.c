/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "transformer-fixture.h"

#include <malloc.h>
#include <math.h>
#include <string.h>

#define STEP 1e-5
#define TOLERANCE 1e-6
#define N_SAMPLES 5 /* elements of a parameter whose gradient is checked */

/* the gradient of the whole model */

static double
loss_at (Fixture *fixture, double *place, double value)
{
  double before = *place, loss;

  *place = value;
  sng_rng_stream_set_position (fixture->dropout, 5);
  loss = fixture_forward (fixture, SNG_STAGE_TRAIN);
  *place = before;
  return loss;
}

/* How far sampled elements of the gradient are from central differences, as a share of the gradient's norm. */
static double
gradient_error (Fixture *fixture, SngParameter *parameter, double factor)
{
  SngTensor *gradient = sng_parameter_get_gradient (parameter);
  double *values = sng_tensor_get_data (sng_parameter_get_value (parameter));
  gint64 n = sng_tensor_get_n_elements (gradient);
  double norm = 0, worst = 0;

  for (gint64 i = 0; i < n; i++)
    norm += pow (sng_tensor_get_value (gradient, i), 2);
  norm = sqrt (norm);
  for (gint64 sample = 0; sample < N_SAMPLES; sample++)
    {
      gint64 i = (sample * 7919 + 3) % n;
      double numeric =
          (loss_at (fixture, &values[i], values[i] + STEP) - loss_at (fixture, &values[i], values[i] - STEP))
          / (2 * STEP);

      worst = MAX (worst, fabs (numeric - factor * sng_tensor_get_value (gradient, i)));
    }
  return worst / MAX (norm, 1e-3);
}

static void
test_gradient (gconstpointer data)
{
  g_autoptr (Fixture) fixture = fixture_new (data, SNG_DTYPE_F64, 2);
  g_autoptr (GListModel) parameters = sng_model_get_parameters (fixture->model, NULL);
  guint n_refused = 0, n_checked = 0;

  sng_rng_stream_set_position (fixture->dropout, 5);
  fixture_forward (fixture, SNG_STAGE_TRAIN);
  fixture_backward (fixture, 1);
  for (guint i = 0; i < g_list_model_get_n_items (parameters); i++)
    {
      g_autoptr (SngParameter) parameter = g_list_model_get_item (parameters, i);
      double error;

      if (sng_parameter_get_gradient (parameter) == NULL)
        continue;
      error = gradient_error (fixture, parameter, 1);
      if (error > TOLERANCE)
        g_test_message ("%s: %.1e", sng_parameter_get_name (parameter), error);
      g_assert_cmpfloat (error, <, TOLERANCE);
      n_checked++;
      n_refused += gradient_error (fixture, parameter, 1.001) > TOLERANCE;
    }
  /* A gradient that is wrong by a thousandth is refused, but for those that are zero in truth (of the keys' bias; of words
   * and positions that do not occur). */
  g_assert_cmpuint (n_refused, >=, n_checked - 4);
}

/* the same bits */

static GBytes *
train (const Variant *variant, guint n_threads, double *loss)
{
  g_autoptr (Fixture) fixture = fixture_new (variant, SNG_DTYPE_F32, n_threads);

  fixture_forward (fixture, SNG_STAGE_TRAIN);
  fixture_backward (fixture, 0.5);
  *loss = fixture_forward (fixture, SNG_STAGE_TRAIN);
  fixture_backward (fixture, 0.5);
  return fixture_dup_gradients (fixture->model);
}

static void
test_threads (gconstpointer data)
{
  double expected_loss, loss;
  g_autoptr (GBytes) expected = train (data, 1, &expected_loss);
  g_autoptr (GBytes) other = NULL;
  g_autoptr (Fixture) fixture = fixture_new (data, SNG_DTYPE_F32, 1);

  for (guint n_threads = 1; n_threads <= 3; n_threads++)
    for (guint run = 0; run < 2; run++)
      {
        g_autoptr (GBytes) gradients = train (data, n_threads, &loss);

        g_assert_true (g_bytes_equal (expected, gradients));
        g_assert_cmpint (memcmp (&expected_loss, &loss, sizeof loss), ==, 0);
      }
  fixture_forward (fixture, SNG_STAGE_TRAIN);
  fixture_backward (fixture, 1);
  other = fixture_dup_gradients (fixture->model);
  g_assert_false (g_bytes_equal (expected, other));
}

/* gradients add up */

static void
test_accumulation (void)
{
  g_autoptr (Fixture) fixture = fixture_new (&fixture_gpt, SNG_DTYPE_F64, 2);
  g_autoptr (GBytes) whole = NULL;
  g_autoptr (GBytes) halves = NULL;
  const double *a, *b;
  gsize n;
  double largest = 0;

  fixture_forward (fixture, SNG_STAGE_TRAIN);
  fixture_backward (fixture, 1);
  whole = fixture_dup_gradients (fixture->model);
  fixture_zero_gradients (fixture);
  for (guint i = 0; i < 2; i++)
    {
      fixture_forward (fixture, SNG_STAGE_TRAIN);
      fixture_backward (fixture, 0.5);
    }
  halves = fixture_dup_gradients (fixture->model);
  a = g_bytes_get_data (whole, &n);
  b = g_bytes_get_data (halves, NULL);
  for (gsize i = 0; i < n / sizeof (double); i++)
    {
      g_assert_cmpfloat_with_epsilon (a[i], b[i], 1e-12);
      largest = MAX (largest, fabs (a[i]));
    }
  g_assert_cmpfloat (largest, >, 1e-3);
}

static void
test_no_targets (gconstpointer data)
{
  g_autoptr (Fixture) fixture = fixture_new (data, SNG_DTYPE_F32, 1);
  gint64 labels[N_SEQUENCES * N_TOKENS];
  g_autoptr (GBytes) before = fixture_dup_gradients (fixture->model);
  g_autoptr (GBytes) after = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (labels); i++)
    labels[i] = -100;
  fixture_set_indices (fixture->batch, "labels", labels, N_SEQUENCES, N_TOKENS);
  g_assert_cmpfloat (fixture_forward (fixture, SNG_STAGE_TRAIN), ==, 0);
  fixture_backward (fixture, 1);
  after = fixture_dup_gradients (fixture->model);
  g_assert_true (g_bytes_equal (before, after));
}

/* stages and state */

static void
test_validation (gconstpointer data)
{
  g_autoptr (Fixture) fixture = fixture_new (data, SNG_DTYPE_F32, 2);
  g_autoptr (GBytes) before = NULL;
  g_autoptr (GBytes) after = NULL;
  g_autoptr (GError) error = NULL;
  double first, dropped;

  dropped = fixture_forward (fixture, SNG_STAGE_TRAIN);
  fixture_backward (fixture, 1);
  before = fixture_dup_gradients (fixture->model);
  g_assert_cmpuint (sng_rng_stream_get_position (fixture->dropout), ==, N_SEQUENCES);

  first = fixture_forward (fixture, SNG_STAGE_VALIDATE);
  g_assert_cmpfloat (first, ==, fixture_forward (fixture, SNG_STAGE_VALIDATE));
  g_assert_cmpfloat (first, !=, dropped);
  after = fixture_dup_gradients (fixture->model);
  g_assert_true (g_bytes_equal (before, after));
  g_assert_cmpuint (sng_rng_stream_get_position (fixture->dropout), ==, N_SEQUENCES);

  g_assert_false (sng_model_backward (fixture->model, 1, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "labels"));
}

static void
test_state (gconstpointer data)
{
  g_autoptr (Fixture) one = fixture_new (data, SNG_DTYPE_F32, 1);
  g_autoptr (Fixture) other = fixture_new (data, SNG_DTYPE_F32, 1);
  g_autoptr (SngStateDict) state = NULL;
  g_autoptr (SngStateDict) position = NULL;
  g_autoptr (GError) error = NULL;
  double loss;

  fixture_enlarge_weights (one->model, 0.7);
  fixture_forward (one, SNG_STAGE_TRAIN);
  state = sng_stateful_get_state (SNG_STATEFUL (one->model), &error);
  g_assert_no_error (error);
  position = sng_stateful_get_state (SNG_STATEFUL (one->dropout), &error);
  g_assert_no_error (error);

  g_assert_true (sng_stateful_set_state (SNG_STATEFUL (other->model), state, &error));
  g_assert_no_error (error);
  loss = fixture_forward (one, SNG_STAGE_TRAIN);
  g_assert_cmpfloat (fixture_forward (other, SNG_STAGE_TRAIN), !=, loss);
  g_assert_true (sng_stateful_set_state (SNG_STATEFUL (other->dropout), position, &error));
  g_assert_no_error (error);
  g_assert_cmpfloat (fixture_forward (other, SNG_STAGE_TRAIN), ==, loss);
}

/* The first weights are a function of seed and name alone, so another depth leaves them as they are. */
static void
test_first_weights (void)
{
  g_autoptr (SngTransformerConfig) config = fixture_new_config (&fixture_esm2, SNG_DTYPE_F32);
  g_autoptr (SngModel) one = sng_transformer_new (config, NULL, NULL);
  g_autoptr (SngModel) deeper = NULL;
  g_autoptr (SngModel) another = NULL;
  g_autoptr (SngStateDict) state = NULL;
  g_autoptr (SngStateDict) deeper_state = NULL;
  g_autoptr (SngStateDict) another_state = NULL;
  const char *name = "esm.encoder.layer.1.attention.self.key.weight";

  g_object_set (config, "n-layers", 3, NULL);
  deeper = sng_transformer_new (config, NULL, NULL);
  g_object_set (config, "seed", (guint64) 12, NULL);
  another = sng_transformer_new (config, NULL, NULL);
  state = sng_stateful_get_state (SNG_STATEFUL (one), NULL);
  deeper_state = sng_stateful_get_state (SNG_STATEFUL (deeper), NULL);
  another_state = sng_stateful_get_state (SNG_STATEFUL (another), NULL);
  g_assert_true (sng_tensor_equal (sng_state_dict_lookup_tensor (state, name),
                                   sng_state_dict_lookup_tensor (deeper_state, name)));
  g_assert_false (sng_tensor_equal (sng_state_dict_lookup_tensor (deeper_state, name),
                                    sng_state_dict_lookup_tensor (another_state, name)));
}

static void
test_parameters (void)
{
  static const struct
  {
    const Variant *variant;
    const char *name;
    gint64 shape[2];
    guint n_dims;
    gboolean trained;
  } expected[] = {
    { &fixture_esm2, "esm.embeddings.word_embeddings.weight", { 33, 12 }, 2, TRUE },
    { &fixture_esm2, "esm.encoder.layer.1.intermediate.dense.weight", { 20, 12 }, 2, TRUE },
    { &fixture_esm2, "esm.contact_head.regression.weight", { 1, 4 }, 2, FALSE },
    { &fixture_esm2, "esm.contact_head.regression.bias", { 1 }, 1, FALSE },
    { &fixture_esm2, "esm.rotary_embeddings.inv_freq", { 3 }, 1, FALSE },
    { &fixture_esm2, "lm_head.bias", { 33 }, 1, TRUE },
    { &fixture_gpt, "transformer.wpe.weight", { N_TOKENS + 2, 12 }, 2, TRUE },
    { &fixture_gpt, "transformer.h.0.attn.c_attn.weight", { 12, 36 }, 2, TRUE },
    { &fixture_gpt, "transformer.h.1.mlp.c_proj.bias", { 12 }, 1, TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    {
      g_autoptr (SngTransformerConfig) config = fixture_new_config (expected[i].variant, SNG_DTYPE_F32);
      g_autoptr (SngModel) model = sng_transformer_new (config, NULL, NULL);
      g_autoptr (GListModel) parameters = sng_model_get_parameters (model, NULL);
      gboolean found = FALSE;

      for (guint j = 0; j < g_list_model_get_n_items (parameters); j++)
        {
          g_autoptr (SngParameter) parameter = g_list_model_get_item (parameters, j);
          guint n_dims;
          const gint64 *shape = sng_tensor_get_shape (sng_parameter_get_value (parameter), &n_dims);

          if (g_strcmp0 (sng_parameter_get_name (parameter), expected[i].name) != 0)
            continue;
          found = TRUE;
          g_assert_cmpmem (shape, n_dims * sizeof (gint64), expected[i].shape,
                           expected[i].n_dims * sizeof (gint64));
          g_assert_cmpint (sng_parameter_get_gradient (parameter) != NULL, ==, expected[i].trained);
        }
      g_assert_true (found);
    }
}

/* settings that must be refused */

static void
expect_refused_config (const char *property, guint value, int code, const char *first, const char *second)
{
  g_autoptr (SngTransformerConfig) config = fixture_new_config (&fixture_esm2, SNG_DTYPE_F32);
  g_autoptr (GError) error = NULL;
  g_autoptr (SngModel) model = NULL;

  g_object_set (config, property, value, NULL);
  model = sng_transformer_new (config, NULL, &error);
  g_assert_null (model);
  g_assert_error (error, SNG_ERROR, code);
  g_assert_nonnull (strstr (error->message, first));
  g_assert_nonnull (strstr (error->message, second));
}

static void
test_bad_configs (void)
{
  expect_refused_config ("n-heads", 5, SNG_ERROR_INVALID_ARGUMENT, "hidden-size 12", "n-heads 5");
  expect_refused_config ("n-heads", 4, SNG_ERROR_INVALID_ARGUMENT, "rotary", "is 3");
  expect_refused_config ("vocab-size", 32, SNG_ERROR_INVALID_ARGUMENT, "vocab-size 32", "33");
  expect_refused_config ("dtype", SNG_DTYPE_BF16, SNG_ERROR_NOT_SUPPORTED, "dtype", "BF16");
}

/* memory */

/* With one thread: another may come to its first chunk, and its scratch memory, in any step. */
static void
test_memory (gconstpointer data)
{
  g_autoptr (Fixture) fixture = fixture_new (data, SNG_DTYPE_F32, 1);
  gsize before = 0;

  for (guint step = 0; step < 30; step++)
    {
      fixture_forward (fixture, SNG_STAGE_TRAIN);
      fixture_backward (fixture, 1);
      fixture_forward (fixture, SNG_STAGE_VALIDATE);
      if (step == 9)
        before = mallinfo2 ().uordblks;
    }
  g_assert_cmpuint (mallinfo2 ().uordblks, <=, before);
}

static void
add (const char *name, const Variant *variant, const char *variant_name, GTestDataFunc func)
{
  g_autofree char *path = g_strdup_printf ("/sng/transformer/%s/%s", name, variant_name);

  g_test_add_data_func (path, variant, func);
}

static void
add_for_all (const char *name, GTestDataFunc func)
{
  add (name, &fixture_esm2, "esm2", func);
  add (name, &fixture_esm2_dropout, "esm2-dropout", func);
  add (name, &fixture_gpt, "gpt", func);
  add (name, &fixture_gpt_dropout, "gpt-dropout", func);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add_for_all ("gradient", test_gradient);
  add_for_all ("threads", test_threads);
  add_for_all ("no-targets", test_no_targets);
  add_for_all ("memory", test_memory);
  add ("validation", &fixture_esm2_dropout, "esm2-dropout", test_validation);
  add ("validation", &fixture_gpt_dropout, "gpt-dropout", test_validation);
  add ("state", &fixture_esm2_dropout, "esm2-dropout", test_state);
  add ("state", &fixture_gpt_dropout, "gpt-dropout", test_state);
  g_test_add_func ("/sng/transformer/accumulation", test_accumulation);
  g_test_add_func ("/sng/transformer/first-weights", test_first_weights);
  g_test_add_func ("/sng/transformer/parameters", test_parameters);
  g_test_add_func ("/sng/transformer/bad-configs", test_bad_configs);
  return g_test_run ();
}
