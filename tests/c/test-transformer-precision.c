/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "transformer-fixture.h"

#include <math.h>
#include <string.h>
#include "nn/sng-transformer-private.h"
#include "tensor/sng-half-private.h"

typedef struct
{
  const Variant *variant;
  SngPrecision precision;
} Mixed;

static void
set_precision (SngModel *model, SngPrecision precision)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (sng_model_set_precision (model, precision, &error));
  g_assert_no_error (error);
}

static double
train (Fixture *fixture, double scale, GBytes **gradients)
{
  double loss;

  sng_rng_stream_set_position (fixture->dropout, 5);
  fixture_zero_gradients (fixture);
  loss = fixture_forward (fixture, SNG_STAGE_TRAIN);
  fixture_backward (fixture, scale);
  *gradients = fixture_dup_gradients (fixture->model);
  return loss;
}

/* How far n elements of two gradients are apart, and the norm of the first ones. */
static double
distance (const float *exact, const float *rounded, gsize n, double scale, double *norm)
{
  double squares = 0, difference = 0;

  for (gsize i = 0; i < n; i++)
    {
      difference += pow (exact[i] - rounded[i] / scale, 2);
      squares += (double) exact[i] * exact[i];
    }
  *norm = sqrt (squares);
  return sqrt (difference);
}

/* The parameter whose gradient is furthest off, by its norm, or by a hundredth of the whole gradient's where it has less: that of
 * the keys' bias is zero in truth. */
static double
worst_parameter (SngModel *model, GBytes *exact, GBytes *rounded, double scale, double whole_norm)
{
  g_autoptr (GListModel) parameters = sng_model_get_parameters (model, NULL);
  const float *a = g_bytes_get_data (exact, NULL), *b = g_bytes_get_data (rounded, NULL);
  double worst = 0;

  for (guint i = 0; i < g_list_model_get_n_items (parameters); i++)
    {
      g_autoptr (SngParameter) parameter = g_list_model_get_item (parameters, i);
      gsize n = (gsize) sng_tensor_get_n_elements (sng_parameter_get_value (parameter));
      double norm, off;

      if (sng_parameter_get_gradient (parameter) == NULL)
        continue;
      off = distance (a, b, n, scale, &norm);
      worst = MAX (worst, off / MAX (norm, 0.01 * whole_norm));
      a += n;
      b += n;
    }
  return worst;
}

/* Half a unit in the last place is 2^-9 of a value in bf16 and 2^-12 in f16. Some thirty products stand behind each other,
 * whose roundings are independent, so the gradient is off by some five of these units; ten are allowed, and twenty for a single
 * parameter. f16 needs a scale, since small gradients have few bits near its end. */
static void
test_gradient (gconstpointer data)
{
  const Mixed *mixed = data;
  gboolean is_bf16 = mixed->precision == SNG_PRECISION_BF16_MIXED;
  double unit = is_bf16 ? 0x1p-9 : 0x1p-12, scale = is_bf16 ? 1 : 1024;
  g_autoptr (Fixture) fixture = fixture_new (mixed->variant, SNG_DTYPE_F32, 2);
  g_autoptr (GBytes) exact = NULL;
  g_autoptr (GBytes) rounded = NULL;
  g_autoptr (GBytes) again = NULL;
  double exact_loss, loss, norm, off, worst;

  fixture_enlarge_weights (fixture->model, 0.25);
  exact_loss = train (fixture, 1, &exact);
  set_precision (fixture->model, mixed->precision);
  loss = train (fixture, scale, &rounded);
  off = distance (g_bytes_get_data (exact, NULL), g_bytes_get_data (rounded, NULL),
                  g_bytes_get_size (exact) / sizeof (float), scale, &norm)
        / norm;
  worst = worst_parameter (fixture->model, exact, rounded, scale, norm);
  g_test_message ("loss %.6f, in f32 %.6f; gradient off by %.1f units, of a parameter by up to %.1f", loss,
                  exact_loss, off / unit, worst / unit);
  g_assert_cmpfloat (fabs (loss - exact_loss), <, unit * exact_loss);
  g_assert_cmpfloat (off, <, 10 * unit);
  g_assert_cmpfloat (worst, <, 20 * unit);
  g_assert_cmpfloat (off, >, unit / 4);

  set_precision (fixture->model, SNG_PRECISION_32);
  g_assert_cmpfloat (train (fixture, 1, &again), ==, exact_loss);
  g_assert_true (g_bytes_equal (exact, again));
}

/* A scale that is a power of two goes through every product and sum exactly, where nothing leaves the range of bf16. */
static void
test_scale (gconstpointer data)
{
  g_autoptr (Fixture) fixture = fixture_new (data, SNG_DTYPE_F32, 2);
  g_autoptr (GBytes) once = NULL;
  g_autoptr (GBytes) scaled = NULL;
  double norm;

  set_precision (fixture->model, SNG_PRECISION_BF16_MIXED);
  train (fixture, 1, &once);
  train (fixture, 65536, &scaled);
  g_assert_cmpfloat (distance (g_bytes_get_data (once, NULL), g_bytes_get_data (scaled, NULL),
                               g_bytes_get_size (once) / sizeof (float), 65536, &norm),
                     ==, 0);
}

static void
assert_rounded (SngTransformer *self, SngPrecision precision)
{
  const float *values = sng_tensor_get_data (self->values);
  const guint16 *operands = sng_tensor_get_data (self->operands);
  gint64 n = sng_tensor_get_n_elements (self->operands);

  g_assert_cmpint (n, ==, sng_tensor_get_n_elements (self->gradients));
  for (gint64 i = 0; i < n; i++)
    g_assert_cmpuint (operands[i], ==,
                      precision == SNG_PRECISION_BF16_MIXED ? sng_bf16_from_float (values[i])
                                                            : sng_f16_from_float (values[i]));
}

/* Each forward sees the weights as they are. */
static void
test_rounding (gconstpointer data)
{
  const Mixed *mixed = data;
  g_autoptr (Fixture) fixture = fixture_new (mixed->variant, SNG_DTYPE_F32, 2);
  SngTransformer *self = SNG_TRANSFORMER (fixture->model);
  double first;

  g_assert_null (self->operands);
  set_precision (fixture->model, mixed->precision);
  first = fixture_forward (fixture, SNG_STAGE_VALIDATE);
  assert_rounded (self, mixed->precision);
  fixture_enlarge_weights (fixture->model, 1.5);
  g_assert_cmpfloat (fixture_forward (fixture, SNG_STAGE_VALIDATE), !=, first);
  assert_rounded (self, mixed->precision);
}

/* The precision is no part of the state. */
static void
test_state (gconstpointer data)
{
  const Mixed *mixed = data;
  g_autoptr (Fixture) fixture = fixture_new (mixed->variant, SNG_DTYPE_F32, 1);
  g_autoptr (SngStateDict) state = sng_stateful_get_state (SNG_STATEFUL (fixture->model), NULL);
  g_autoptr (SngFingerprint) before = sng_state_dict_compute_fingerprint (state);
  g_autoptr (SngStateDict) later_state = NULL;
  g_autoptr (SngFingerprint) after = NULL;

  set_precision (fixture->model, mixed->precision);
  fixture_forward (fixture, SNG_STAGE_TRAIN);
  later_state = sng_stateful_get_state (SNG_STATEFUL (fixture->model), NULL);
  after = sng_state_dict_compute_fingerprint (later_state);
  g_assert_true (sng_fingerprint_equal (before, after));
}

static void
test_forward_before_backward (gconstpointer data)
{
  const Mixed *mixed = data;
  g_autoptr (Fixture) fixture = fixture_new (mixed->variant, SNG_DTYPE_F32, 1);
  g_autoptr (GError) error = NULL;

  fixture_forward (fixture, SNG_STAGE_TRAIN);
  set_precision (fixture->model, mixed->precision);
  g_assert_false (sng_model_backward (fixture->model, 1, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_FAILED);
}

static void
test_refused (void)
{
  g_autoptr (Fixture) fixture = fixture_new (&fixture_esm2, SNG_DTYPE_F64, 1);
  double loss = fixture_forward (fixture, SNG_STAGE_VALIDATE);
  const SngPrecision precisions[] = { SNG_PRECISION_BF16_MIXED, SNG_PRECISION_16_MIXED };

  for (guint i = 0; i < G_N_ELEMENTS (precisions); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (sng_model_set_precision (fixture->model, precisions[i], &error));
      g_assert_error (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED);
      g_assert_nonnull (strstr (error->message, "F64"));
      g_assert_nonnull (strstr (error->message, sng_precision_to_string (precisions[i])));
      g_assert_cmpfloat (fixture_forward (fixture, SNG_STAGE_VALIDATE), ==, loss);
    }
  set_precision (fixture->model, SNG_PRECISION_32);
  g_assert_cmpfloat (fixture_forward (fixture, SNG_STAGE_VALIDATE), ==, loss);
}

/* Sizes whose bytes, as a number of 64 bits, come to 0: 2^24 x 2^24 rows of 2^24 columns, and rows of 2^14 statistics. */
static void
test_too_large (void)
{
  g_autoptr (Fixture) fixture = fixture_new (&fixture_gpt, SNG_DTYPE_F32, 1);
  SngTransformer *model = SNG_TRANSFORMER (fixture->model);
  SngTransformerSettings settings = model->settings;
  double loss = fixture_forward (fixture, SNG_STAGE_VALIDATE);
  g_autoptr (GError) error = NULL;

  model->settings.n_layers = 1;
  model->settings.max_batch_size = model->settings.max_length = 1u << 24;
  model->settings.hidden_size = model->settings.ffn_size = 1u << 24;
  model->settings.n_heads = (1u << 14) - 7;
  model->settings.vocab_size = 1u << 15;
  g_assert_false (sng_model_set_precision (fixture->model, SNG_PRECISION_BF16_MIXED, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "max-length 16777216"));

  model->settings = settings;
  g_assert_cmpfloat (fixture_forward (fixture, SNG_STAGE_VALIDATE), ==, loss);
}

/* where a NaN or an infinity comes from */

static float *
parameter_values (SngModel *model, const char *name)
{
  g_autoptr (GListModel) parameters = sng_model_get_parameters (model, NULL);

  for (guint i = 0; i < g_list_model_get_n_items (parameters); i++)
    {
      g_autoptr (SngParameter) parameter = g_list_model_get_item (parameters, i);

      if (g_strcmp0 (sng_parameter_get_name (parameter), name) == 0)
        return sng_tensor_get_data (sng_parameter_get_value (parameter));
    }
  g_assert_not_reached ();
}

typedef struct
{
  const Variant *variant;
  SngPrecision precision;
  const char *parameter;
  float poison; /* each value of the parameter's first row becomes this */
  const char *found;
} Poison;

static const Poison poisons[] = {
  { &fixture_esm2, SNG_PRECISION_32, "lm_head.bias", NAN, "lm_head.bias" },
  { &fixture_esm2, SNG_PRECISION_32, "esm.encoder.layer.1.attention.LayerNorm.weight", 3e38f,
    "esm.encoder.layer.1.attention norm" },
  { &fixture_esm2, SNG_PRECISION_32, "esm.encoder.layer.1.attention.self.query.bias", 3e38f,
    "esm.encoder.layer.1.attention context" },
  { &fixture_esm2, SNG_PRECISION_32, "lm_head.layer_norm.weight", 3e38f, "lm_head.norm" },
  { &fixture_gpt, SNG_PRECISION_32, "transformer.ln_f.weight", 3e38f, "final norm" },
  { &fixture_gpt_dropout, SNG_PRECISION_32, "transformer.ln_f.bias", 3e38f, "logits" },
  { &fixture_gpt, SNG_PRECISION_BF16_MIXED, "transformer.h.1.ln_2.weight", 3.39e38f,
    "transformer.h.1.feed-forward norm" },
  { &fixture_gpt, SNG_PRECISION_16_MIXED, "transformer.h.0.attn.c_attn.weight", 65520,
    "transformer.h.0.attn.c_attn.weight rounded to F16" },
  { &fixture_gpt, SNG_PRECISION_16_MIXED, "transformer.h.0.mlp.c_fc.bias", 1e5f,
    "transformer.h.0.feed-forward before GELU" },
  { &fixture_gpt, SNG_PRECISION_16_MIXED, "transformer.wpe.weight", 1e9f, NULL }, /* only added */
  { &fixture_esm2, SNG_PRECISION_16_MIXED, "esm.encoder.emb_layer_norm_after.bias", 1e5f, "final norm" },
};

static void
test_non_finite (gconstpointer data)
{
  const Poison *poison = data;
  g_autoptr (Fixture) fixture = fixture_new (poison->variant, SNG_DTYPE_F32, 2);
  float *values = parameter_values (fixture->model, poison->parameter);
  g_autoptr (GError) error = NULL;
  g_autofree char *before = NULL;
  g_autofree char *found = NULL;

  set_precision (fixture->model, poison->precision);
  g_assert_null (sng_model_find_non_finite (fixture->model, &error));
  fixture_forward (fixture, SNG_STAGE_TRAIN);
  fixture_backward (fixture, 1);
  before = sng_model_find_non_finite (fixture->model, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (before, ==, NULL);

  for (guint i = 0; i < 12; i++)
    values[i] = poison->poison;
  fixture_forward (fixture, SNG_STAGE_TRAIN);
  found = sng_model_find_non_finite (fixture->model, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (found, ==, poison->found);
}

/* Rows of an earlier, larger batch are not looked at. */
static void
test_non_finite_rows (void)
{
  g_autoptr (Fixture) fixture = fixture_new (&fixture_gpt, SNG_DTYPE_F32, 1);
  SngTransformer *self = SNG_TRANSFORMER (fixture->model);
  const gint64 ids[] = { 4, 5, 6 };
  float *context;
  g_autofree char *found = NULL;

  fixture_forward (fixture, SNG_STAGE_TRAIN);
  context = (float *) sng_transformer_activation (self, self->activations.blocks[1].context);
  fixture_set_indices (fixture->batch, "input_ids", ids, 1, 3);
  fixture_set_indices (fixture->batch, "labels", ids, 1, 3);
  fixture_forward (fixture, SNG_STAGE_TRAIN);
  context[3 * 12] = NAN;
  g_assert_null (sng_model_find_non_finite (fixture->model, NULL));
  context[3 * 12 - 1] = INFINITY;
  found = sng_model_find_non_finite (fixture->model, NULL);
  g_assert_cmpstr (found, ==, "transformer.h.1.attention context");
}

static void
add_for_all (const char *name, GTestDataFunc func)
{
  static const Mixed all[] = {
    { &fixture_esm2, SNG_PRECISION_BF16_MIXED },         { &fixture_esm2, SNG_PRECISION_16_MIXED },
    { &fixture_esm2_dropout, SNG_PRECISION_BF16_MIXED }, { &fixture_esm2_dropout, SNG_PRECISION_16_MIXED },
    { &fixture_gpt, SNG_PRECISION_BF16_MIXED },          { &fixture_gpt, SNG_PRECISION_16_MIXED },
    { &fixture_gpt_dropout, SNG_PRECISION_BF16_MIXED },  { &fixture_gpt_dropout, SNG_PRECISION_16_MIXED },
  };

  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    {
      g_autofree char *path = g_strdup_printf (
          "/sng/transformer/precision/%s/%s%s/%s", name,
          all[i].variant->architecture == SNG_ARCHITECTURE_GPT ? "gpt" : "esm2",
          all[i].variant->hidden_dropout > 0 ? "-dropout" : "", sng_precision_to_string (all[i].precision));

      g_test_add_data_func (path, &all[i], func);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add_for_all ("gradient", test_gradient);
  add_for_all ("rounding", test_rounding);
  add_for_all ("state", test_state);
  add_for_all ("forward-before-backward", test_forward_before_backward);
  g_test_add_data_func ("/sng/transformer/precision/scale/esm2", &fixture_esm2_dropout, test_scale);
  g_test_add_data_func ("/sng/transformer/precision/scale/gpt", &fixture_gpt_dropout, test_scale);
  g_test_add_func ("/sng/transformer/precision/refused", test_refused);
  g_test_add_func ("/sng/transformer/precision/too-large", test_too_large);
  for (guint i = 0; i < G_N_ELEMENTS (poisons); i++)
    {
      g_autofree char *path =
          g_strdup_printf ("/sng/transformer/precision/non-finite/%s", poisons[i].parameter);

      g_test_add_data_func (path, &poisons[i], test_non_finite);
    }
  g_test_add_func ("/sng/transformer/precision/non-finite-rows", test_non_finite_rows);
  return g_test_run ();
}
