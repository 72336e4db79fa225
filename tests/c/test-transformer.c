/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>

#include <malloc.h>
#include <math.h>
#include <string.h>

#define N_SEQUENCES 3
#define N_TOKENS 13
#define STEP 1e-5
#define TOLERANCE 1e-6
#define N_SAMPLES 5 /* elements of a parameter whose gradient is checked */

typedef struct
{
  SngModel *model;
  SngStateDict *batch;
  SngRngStream *dropout;
} Fixture;

typedef struct
{
  SngArchitecture architecture;
  double hidden_dropout;
  double attention_dropout;
  gboolean padding;
} Variant;

static const Variant esm2 = { SNG_ARCHITECTURE_ESM2, 0, 0, TRUE };
static const Variant esm2_dropout = { SNG_ARCHITECTURE_ESM2, 0.2, 0.1, TRUE };
static const Variant gpt = { SNG_ARCHITECTURE_GPT, 0, 0, FALSE };
static const Variant gpt_dropout = { SNG_ARCHITECTURE_GPT, 0.1, 0.2, TRUE };

static SngTransformerConfig *
new_config (const Variant *variant, SngDtype dtype)
{
  SngTransformerConfig *config = sng_transformer_config_new (variant->architecture, 2, 12, 2);

  g_object_set (config, "ffn-size", 20, "max-length", N_TOKENS + 2, "max-batch-size", N_SEQUENCES + 1,
                "hidden-dropout", variant->hidden_dropout, "attention-dropout", variant->attention_dropout,
                "dtype", dtype, "seed", (guint64) 11, NULL);
  return config;
}

static SngTensor *
new_indices (const gint64 *values, gint64 n_sequences, gint64 n_tokens)
{
  const gint64 shape[] = { n_sequences, n_tokens };
  g_autoptr (GBytes) bytes = g_bytes_new (values, (gsize) (n_sequences * n_tokens) * sizeof (gint64));
  g_autoptr (GError) error = NULL;
  SngTensor *tensor = sng_tensor_new_from_bytes (SNG_DTYPE_I64, shape, 2, bytes, &error);

  g_assert_no_error (error);
  return tensor;
}

static void
set_indices (SngStateDict *batch, const char *name, const gint64 *values, gint64 n_sequences, gint64 n_tokens)
{
  g_autoptr (SngTensor) tensor = new_indices (values, n_sequences, n_tokens);

  sng_state_dict_set_tensor (batch, name, tensor);
}

/* Sequence 1 ends early, sequence 2 has a hole in its mask, some tokens are <mask>, some have no label. */
static SngStateDict *
new_batch (const Variant *variant)
{
  SngStateDict *batch = sng_state_dict_new ();
  gint64 ids[N_SEQUENCES * N_TOKENS], labels[N_SEQUENCES * N_TOKENS], mask[N_SEQUENCES * N_TOKENS];

  for (gint64 i = 0; i < N_SEQUENCES * N_TOKENS; i++)
    {
      ids[i] = i % 6 == 1 ? 32 : 4 + i * 7 % 20;
      labels[i] = i % 3 == 0 ? -100 : 4 + i * 5 % 20;
      mask[i] = !(variant->padding && ((i >= 2 * N_TOKENS - 4 && i < 2 * N_TOKENS) || i == 2 * N_TOKENS + 3));
      if (mask[i] == 0)
        {
          ids[i] = 1;
          labels[i] = -100;
        }
    }
  set_indices (batch, "input_ids", ids, N_SEQUENCES, N_TOKENS);
  set_indices (batch, "labels", labels, N_SEQUENCES, N_TOKENS);
  if (variant->padding)
    set_indices (batch, "attention_mask", mask, N_SEQUENCES, N_TOKENS);
  return batch;
}

/* The first weights are small; larger ones bring every part of the model into play. */
static void
enlarge_weights (SngModel *model, double factor)
{
  g_autoptr (GListModel) parameters = sng_model_get_parameters (model, NULL);

  for (guint i = 0; i < g_list_model_get_n_items (parameters); i++)
    {
      g_autoptr (SngParameter) parameter = g_list_model_get_item (parameters, i);
      SngTensor *value = sng_parameter_get_value (parameter);
      gint64 n = sng_tensor_get_n_elements (value);

      for (gint64 j = 0; j < n; j++)
        if (sng_tensor_get_dtype (value) == SNG_DTYPE_F32)
          ((float *) sng_tensor_get_data (value))[j] *= (float) (factor + 0.01 * (double) (j % 7));
        else
          ((double *) sng_tensor_get_data (value))[j] =
              ((double *) sng_tensor_get_data (value))[j] * factor + 0.02 * (double) (j % 7 - 3);
    }
}

static SngRngStream *
find_dropout (SngModel *model)
{
  g_autoptr (SngStateRegistry) registry = sng_state_registry_new ();
  g_autoptr (GError) error = NULL;
  SngStateful *stream;

  g_assert_true (sng_model_register_state (model, registry, &error));
  g_assert_no_error (error);
  stream = sng_state_registry_lookup (registry, "rng/dropout");
  g_assert_true (SNG_IS_RNG_STREAM (stream));
  return SNG_RNG_STREAM (g_object_ref (stream));
}

static Fixture *
fixture_new (const Variant *variant, SngDtype dtype, guint n_threads)
{
  Fixture *fixture = g_new0 (Fixture, 1);
  g_autoptr (SngTransformerConfig) config = new_config (variant, dtype);
  g_autoptr (SngDevice) device = sng_device_new_cpu (n_threads);
  g_autoptr (GError) error = NULL;

  fixture->model = sng_transformer_new (config, device, &error);
  g_assert_no_error (error);
  enlarge_weights (fixture->model, 8);
  fixture->batch = new_batch (variant);
  fixture->dropout = find_dropout (fixture->model);
  return fixture;
}

static void
fixture_free (Fixture *fixture)
{
  g_object_unref (fixture->model);
  g_object_unref (fixture->batch);
  g_object_unref (fixture->dropout);
  g_free (fixture);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fixture, fixture_free)

static double
forward (Fixture *fixture, SngStage stage)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngStateDict) outputs = sng_model_forward (fixture->model, fixture->batch, stage, &error);
  double loss;

  g_assert_no_error (error);
  g_assert_true (sng_state_dict_get_double (outputs, "loss", &loss, &error));
  return loss;
}

static void
backward (Fixture *fixture, double scale)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (sng_model_backward (fixture->model, scale, &error));
  g_assert_no_error (error);
}

static void
zero_gradients (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (sng_model_zero_gradients (fixture->model, &error));
}

/* All gradients behind each other. */
static GBytes *
dup_gradients (SngModel *model)
{
  g_autoptr (GListModel) parameters = sng_model_get_parameters (model, NULL);
  g_autoptr (GByteArray) all = g_byte_array_new ();

  for (guint i = 0; i < g_list_model_get_n_items (parameters); i++)
    {
      g_autoptr (SngParameter) parameter = g_list_model_get_item (parameters, i);
      SngTensor *gradient = sng_parameter_get_gradient (parameter);

      if (gradient != NULL)
        g_byte_array_append (all, sng_tensor_get_data (gradient), (guint) sng_tensor_get_n_bytes (gradient));
    }
  return g_byte_array_free_to_bytes (g_steal_pointer (&all));
}

/* the gradient of the whole model */

static double
loss_at (Fixture *fixture, double *place, double value)
{
  double before = *place, loss;

  *place = value;
  sng_rng_stream_set_position (fixture->dropout, 5);
  loss = forward (fixture, SNG_STAGE_TRAIN);
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
  forward (fixture, SNG_STAGE_TRAIN);
  backward (fixture, 1);
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

  forward (fixture, SNG_STAGE_TRAIN);
  backward (fixture, 0.5);
  *loss = forward (fixture, SNG_STAGE_TRAIN);
  backward (fixture, 0.5);
  return dup_gradients (fixture->model);
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
  forward (fixture, SNG_STAGE_TRAIN);
  backward (fixture, 1);
  other = dup_gradients (fixture->model);
  g_assert_false (g_bytes_equal (expected, other));
}

/* What a sequence yields depends neither on the other sequences nor on the padding, dropout included. */
static void
test_batching (void)
{
  g_autoptr (Fixture) fixture = fixture_new (&esm2_dropout, SNG_DTYPE_F64, 1);
  gint64 ids[2 * (N_TOKENS + 2)], labels[2 * (N_TOKENS + 2)], mask[2 * (N_TOKENS + 2)];
  double together, first, second, again;

  for (gint64 i = 0; i < 2 * (N_TOKENS + 2); i++)
    {
      ids[i] = 4 + i % 11;
      labels[i] = 5 + i % 7;
      mask[i] = 1;
    }
  set_indices (fixture->batch, "input_ids", ids, 2, N_TOKENS);
  set_indices (fixture->batch, "labels", labels, 2, N_TOKENS);
  set_indices (fixture->batch, "attention_mask", mask, 2, N_TOKENS);
  together = forward (fixture, SNG_STAGE_TRAIN);
  g_assert_cmpuint (sng_rng_stream_get_position (fixture->dropout), ==, 2);

  sng_rng_stream_set_position (fixture->dropout, 0);
  set_indices (fixture->batch, "attention_mask", mask, 1, N_TOKENS);
  set_indices (fixture->batch, "input_ids", ids, 1, N_TOKENS);
  set_indices (fixture->batch, "labels", labels, 1, N_TOKENS);
  first = forward (fixture, SNG_STAGE_TRAIN);
  set_indices (fixture->batch, "input_ids", ids + N_TOKENS, 1, N_TOKENS);
  set_indices (fixture->batch, "labels", labels + N_TOKENS, 1, N_TOKENS);
  second = forward (fixture, SNG_STAGE_TRAIN);
  g_assert_cmpfloat_with_epsilon (together, (first + second) / 2, 1e-12);

  for (gint64 i = N_TOKENS; i < N_TOKENS + 2; i++)
    {
      ids[N_TOKENS + i] = 1;
      labels[N_TOKENS + i] = -100;
      mask[i] = 0;
    }
  sng_rng_stream_set_position (fixture->dropout, 1);
  set_indices (fixture->batch, "input_ids", ids + N_TOKENS, 1, N_TOKENS + 2);
  set_indices (fixture->batch, "labels", labels + N_TOKENS, 1, N_TOKENS + 2);
  set_indices (fixture->batch, "attention_mask", mask, 1, N_TOKENS + 2);
  again = forward (fixture, SNG_STAGE_TRAIN);
  g_assert_cmpfloat_with_epsilon (second, again, 1e-12);

  again = forward (fixture, SNG_STAGE_TRAIN);
  g_assert_cmpfloat (fabs (second - again), >, 1e-6);
}

/* gradients add up */

static void
test_accumulation (void)
{
  g_autoptr (Fixture) fixture = fixture_new (&gpt, SNG_DTYPE_F64, 2);
  g_autoptr (GBytes) whole = NULL;
  g_autoptr (GBytes) halves = NULL;
  const double *a, *b;
  gsize n;
  double largest = 0;

  forward (fixture, SNG_STAGE_TRAIN);
  backward (fixture, 1);
  whole = dup_gradients (fixture->model);
  zero_gradients (fixture);
  for (guint i = 0; i < 2; i++)
    {
      forward (fixture, SNG_STAGE_TRAIN);
      backward (fixture, 0.5);
    }
  halves = dup_gradients (fixture->model);
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
  g_autoptr (GBytes) before = dup_gradients (fixture->model);
  g_autoptr (GBytes) after = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (labels); i++)
    labels[i] = -100;
  set_indices (fixture->batch, "labels", labels, N_SEQUENCES, N_TOKENS);
  g_assert_cmpfloat (forward (fixture, SNG_STAGE_TRAIN), ==, 0);
  backward (fixture, 1);
  after = dup_gradients (fixture->model);
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

  dropped = forward (fixture, SNG_STAGE_TRAIN);
  backward (fixture, 1);
  before = dup_gradients (fixture->model);
  g_assert_cmpuint (sng_rng_stream_get_position (fixture->dropout), ==, N_SEQUENCES);

  first = forward (fixture, SNG_STAGE_VALIDATE);
  g_assert_cmpfloat (first, ==, forward (fixture, SNG_STAGE_VALIDATE));
  g_assert_cmpfloat (first, !=, dropped);
  after = dup_gradients (fixture->model);
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

  enlarge_weights (one->model, 0.7);
  forward (one, SNG_STAGE_TRAIN);
  state = sng_stateful_get_state (SNG_STATEFUL (one->model), &error);
  g_assert_no_error (error);
  position = sng_stateful_get_state (SNG_STATEFUL (one->dropout), &error);
  g_assert_no_error (error);

  g_assert_true (sng_stateful_set_state (SNG_STATEFUL (other->model), state, &error));
  g_assert_no_error (error);
  loss = forward (one, SNG_STAGE_TRAIN);
  g_assert_cmpfloat (forward (other, SNG_STAGE_TRAIN), !=, loss);
  g_assert_true (sng_stateful_set_state (SNG_STATEFUL (other->dropout), position, &error));
  g_assert_no_error (error);
  g_assert_cmpfloat (forward (other, SNG_STAGE_TRAIN), ==, loss);
}

/* The first weights are a function of seed and name alone, so another depth leaves them as they are. */
static void
test_first_weights (void)
{
  g_autoptr (SngTransformerConfig) config = new_config (&esm2, SNG_DTYPE_F32);
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
    { &esm2, "esm.embeddings.word_embeddings.weight", { 33, 12 }, 2, TRUE },
    { &esm2, "esm.encoder.layer.1.intermediate.dense.weight", { 20, 12 }, 2, TRUE },
    { &esm2, "esm.contact_head.regression.weight", { 1, 4 }, 2, FALSE },
    { &esm2, "esm.contact_head.regression.bias", { 1 }, 1, FALSE },
    { &esm2, "esm.rotary_embeddings.inv_freq", { 3 }, 1, FALSE },
    { &esm2, "lm_head.bias", { 33 }, 1, TRUE },
    { &gpt, "transformer.wpe.weight", { N_TOKENS + 2, 12 }, 2, TRUE },
    { &gpt, "transformer.h.0.attn.c_attn.weight", { 12, 36 }, 2, TRUE },
    { &gpt, "transformer.h.1.mlp.c_proj.bias", { 12 }, 1, TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    {
      g_autoptr (SngTransformerConfig) config = new_config (expected[i].variant, SNG_DTYPE_F32);
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
  g_autoptr (Fixture) fixture = fixture_new (&gpt, SNG_DTYPE_F32, 1);
  gint64 values[(N_SEQUENCES + 2) * (N_TOKENS + 3)] = { 0 };
  const gint64 shape[] = { N_SEQUENCES, N_TOKENS };
  g_autoptr (SngTensor) floats = sng_tensor_new (SNG_DTYPE_F32, shape, 2, NULL, NULL);

  values[N_TOKENS + 2] = 256;
  set_indices (fixture->batch, "input_ids", values, N_SEQUENCES, N_TOKENS);
  expect_refusal (fixture, SNG_ERROR_INVALID_ARGUMENT, "input_ids", "256 at [1, 2]");
  values[N_TOKENS + 2] = -1;
  set_indices (fixture->batch, "input_ids", values, N_SEQUENCES, N_TOKENS);
  expect_refusal (fixture, SNG_ERROR_INVALID_ARGUMENT, "-1 at [1, 2]", "less than 256");
  values[N_TOKENS + 2] = 0;
  set_indices (fixture->batch, "input_ids", values, N_SEQUENCES, N_TOKENS);
  values[0] = -99;
  set_indices (fixture->batch, "labels", values, N_SEQUENCES, N_TOKENS);
  expect_refusal (fixture, SNG_ERROR_INVALID_ARGUMENT, "labels", "-99 at [0, 0]");
  values[0] = 0;
  set_indices (fixture->batch, "labels", values, N_SEQUENCES, N_TOKENS - 1);
  expect_refusal (fixture, SNG_ERROR_MISMATCH, "[3, 12]", "[3, 13]");
  set_indices (fixture->batch, "labels", values, N_SEQUENCES, N_TOKENS);
  set_indices (fixture->batch, "attention_mask", values, N_SEQUENCES, N_TOKENS);
  expect_refusal (fixture, SNG_ERROR_INVALID_ARGUMENT, "attention_mask", "sequence 0");
  sng_state_dict_remove (fixture->batch, "attention_mask");
  sng_state_dict_set_tensor (fixture->batch, "input_ids", floats);
  expect_refusal (fixture, SNG_ERROR_MISMATCH, "F32", "I64");
  set_indices (fixture->batch, "input_ids", values, N_SEQUENCES + 2, N_TOKENS);
  expect_refusal (fixture, SNG_ERROR_INVALID_ARGUMENT, "5 sequences", "max-batch-size is 4");
  set_indices (fixture->batch, "input_ids", values, N_SEQUENCES, N_TOKENS + 3);
  expect_refusal (fixture, SNG_ERROR_INVALID_ARGUMENT, "16 tokens", "max-length is 15");
  sng_state_dict_remove (fixture->batch, "input_ids");
  expect_refusal (fixture, SNG_ERROR_NOT_FOUND, "input_ids", "input_ids");
}

static void
expect_refused_config (const char *property, guint value, int code, const char *first, const char *second)
{
  g_autoptr (SngTransformerConfig) config = new_config (&esm2, SNG_DTYPE_F32);
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
      forward (fixture, SNG_STAGE_TRAIN);
      backward (fixture, 1);
      forward (fixture, SNG_STAGE_VALIDATE);
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
  add (name, &esm2, "esm2", func);
  add (name, &esm2_dropout, "esm2-dropout", func);
  add (name, &gpt, "gpt", func);
  add (name, &gpt_dropout, "gpt-dropout", func);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add_for_all ("gradient", test_gradient);
  add_for_all ("threads", test_threads);
  add_for_all ("no-targets", test_no_targets);
  add_for_all ("memory", test_memory);
  add ("validation", &esm2_dropout, "esm2-dropout", test_validation);
  add ("validation", &gpt_dropout, "gpt-dropout", test_validation);
  add ("state", &esm2_dropout, "esm2-dropout", test_state);
  add ("state", &gpt_dropout, "gpt-dropout", test_state);
  g_test_add_func ("/sng/transformer/batching", test_batching);
  g_test_add_func ("/sng/transformer/accumulation", test_accumulation);
  g_test_add_func ("/sng/transformer/first-weights", test_first_weights);
  g_test_add_func ("/sng/transformer/parameters", test_parameters);
  g_test_add_func ("/sng/transformer/bad-batches", test_bad_batches);
  g_test_add_func ("/sng/transformer/bad-configs", test_bad_configs);
  return g_test_run ();
}
