/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cpu/sng-cpu-math-private.h"

#include <string.h>

#include "tiny-model.h"

#define N_LARGE (SNG_CPU_ELEMENTS_PER_CHUNK * 3 + 13)

/* ---- The kernels ---- */

/* Small whole numbers, which half of, or a quarter of, is exact. */
static void
fill (float *values, gsize n, guint seed)
{
  for (gsize i = 0; i < n; i++)
    values[i] = (float) ((i * 7919 + seed * 104729) % 1009) - 500.0f;
}

static void
run_average (const SngKernels *kernels, guint n_threads, double weight, gsize n, float *mean)
{
  g_autoptr (SngDevice) device = sng_device_new_cpu (n_threads);
  g_autofree float *value = g_new (float, n);
  const SngAverage op = { .n_elements = n, .weight = weight, .value = value, .average = mean };

  fill (mean, n, 1);
  fill (value, n, 2);
  kernels->average (device, 1, &op);
}

/* Of every length, with weights on both sides of one half: what the formula says, exactly. */
static void
test_average (void)
{
  const double weights[] = { 0.25, 0.5, 0.75, 1.0 };
  const SngKernels *const tables[] = { &sng_cpu_kernels_f32, sng_cpu_math_get ()->f32 };
  const gsize lengths[] = { 0, 1, 7, 8, 9, 31, N_LARGE };
  g_autofree float *mean = g_new (float, N_LARGE);
  g_autofree float *before = g_new (float, N_LARGE);
  g_autofree float *value = g_new (float, N_LARGE);

  fill (before, N_LARGE, 1);
  fill (value, N_LARGE, 2);

  for (guint i = 0; i < G_N_ELEMENTS (weights) * G_N_ELEMENTS (tables) * G_N_ELEMENTS (lengths); i++)
    {
      double weight = weights[i % 4];
      gsize n = lengths[i / 8];

      run_average (tables[i / 4 % 2], 1 + i % 2, weight, n, mean);
      for (gsize k = 0; k < n; k++)
        g_assert_cmpfloat (mean[k], ==, before[k] + weight * (value[k] - before[k]));
    }
}

/* Any number of threads and any instruction set: the same bits, where nothing is exact. */
static void
test_average_same_bits (void)
{
  g_autofree float *one = g_new (float, N_LARGE);
  g_autofree float *two = g_new (float, N_LARGE);
  g_autofree float *best = g_new (float, N_LARGE);

  run_average (&sng_cpu_kernels_f32, 1, 0.001, N_LARGE, one);
  run_average (&sng_cpu_kernels_f32, 2, 0.001, N_LARGE, two);
  run_average (sng_cpu_math_get ()->f32, 2, 0.001, N_LARGE, best);
  g_assert_cmpmem (one, N_LARGE * sizeof (float), two, N_LARGE * sizeof (float));
  g_assert_cmpmem (one, N_LARGE * sizeof (float), best, N_LARGE * sizeof (float));
}

/* Every bit changes sides, also those of what is no number. */
static void
test_exchange (void)
{
  const SngKernels *const tables[] = { &sng_cpu_kernels_f32, sng_cpu_math_get ()->f32, &sng_cpu_kernels_f64 };
  const gsize sizes[] = { sizeof (float), sizeof (float), sizeof (double) };
  g_autoptr (SngDevice) device = sng_device_new_cpu (2);

  for (guint table = 0; table < G_N_ELEMENTS (tables); table++)
    for (gsize n = 0; n <= N_LARGE; n = n < 40 ? n + 1 : n * 50)
      {
        gsize n_bytes = n * sizes[table];
        /* Nothing, for no numbers, would be no place that memcpy takes. */
        g_autofree guint8 *memory = g_malloc (4 * n_bytes + 1);
        guint8 *a = memory, *b = memory + n_bytes, *old_a = b + n_bytes, *old_b = old_a + n_bytes;

        for (gsize i = 0; i < 2 * n_bytes; i++)
          memory[i] = i % 3 == 0 ? 0xff : (guint8) (i * 37 % 251);
        memcpy (old_a, memory, 2 * n_bytes);

        tables[table]->exchange (device, n, a, b);
        g_assert_cmpmem (a, n_bytes, old_b, n_bytes);
        g_assert_cmpmem (b, n_bytes, old_a, n_bytes);
      }
}

/* ---- The average ---- */

/* A tiny model whose weight is 1, 2, 3 and whose bias is 8. */
static TinyModel *
create_model (void)
{
  TinyModel *model = tiny_model_new (7, 0.0);
  double *weight = sng_tensor_get_data (sng_parameter_get_value (model->weight));
  double *bias = sng_tensor_get_data (sng_parameter_get_value (model->bias));

  for (guint i = 0; i < TINY_N_INPUTS; i++)
    weight[i] = i + 1;
  bias[0] = 8.0;

  return model;
}

static void
set_bias (TinyModel *model, double value)
{
  *(double *) sng_tensor_get_data (sng_parameter_get_value (model->bias)) = value;
}

static double
get_average (SngExponentialMovingAverage *ema, const char *name, gint64 index)
{
  return sng_tensor_get_value (sng_exponential_moving_average_lookup (ema, name), index);
}

static void
attach (SngExponentialMovingAverage *ema, TinyModel *model)
{
  g_autoptr (GError) error = NULL;

  sng_exponential_moving_average_attach (ema, G_LIST_MODEL (model->parameters), &error);
  g_assert_no_error (error);
}

static void
test_decay (void)
{
  g_autoptr (TinyModel) model = create_model ();
  g_autoptr (SngExponentialMovingAverage) ema = sng_exponential_moving_average_new (0.75);

  g_assert_null (sng_exponential_moving_average_lookup (ema, "bias"));
  attach (ema, model);
  g_assert_null (sng_exponential_moving_average_lookup (ema, "nobody"));
  g_assert_cmpfloat (get_average (ema, "weight", 2), ==, 3.0);
  g_assert_cmpfloat (get_average (ema, "bias", 0), ==, 8.0);

  set_bias (model, 16.0);
  sng_exponential_moving_average_update (ema);
  g_assert_cmpfloat (get_average (ema, "bias", 0), ==, 10.0);
  set_bias (model, 2.0);
  sng_exponential_moving_average_update (ema);
  g_assert_cmpfloat (get_average (ema, "bias", 0), ==, 8.0);
  g_assert_cmpfloat (get_average (ema, "weight", 2), ==, 3.0);
  g_assert_cmpuint (sng_exponential_moving_average_get_n_updates (ema), ==, 2);
}

/* min (decay, (1 + n) / (10 + n)) */
static void
test_warm_up (void)
{
  const double decays[] = { 1.0 / 10.0, 2.0 / 11.0, 3.0 / 12.0, 4.0 / 13.0, 0.32, 0.32 };
  g_autoptr (TinyModel) model = create_model ();
  g_autoptr (SngExponentialMovingAverage) ema =
      g_object_new (SNG_TYPE_EXPONENTIAL_MOVING_AVERAGE, "decay", 0.32, "warm-up", TRUE, NULL);
  double expected = 8.0;

  attach (ema, model);
  for (guint n = 0; n < G_N_ELEMENTS (decays); n++)
    {
      double weight = 1.0 - decays[n], value = n * n;

      set_bias (model, value);
      sng_exponential_moving_average_update (ema);
      expected = value - (value - expected) * (1.0 - weight);
      g_assert_cmpfloat (get_average (ema, "bias", 0), ==, expected);
    }
}

static SngStateDict *
get_state (SngExponentialMovingAverage *ema)
{
  g_autoptr (GError) error = NULL;
  SngStateDict *state = sng_stateful_get_state (SNG_STATEFUL (ema), &error);

  g_assert_no_error (error);

  return state;
}

static char *
fingerprint (SngExponentialMovingAverage *ema)
{
  g_autoptr (SngStateDict) state = get_state (ema);
  g_autoptr (SngFingerprint) result = sng_state_dict_compute_fingerprint (state);

  return sng_fingerprint_to_string (result);
}

static void
test_state (void)
{
  g_autoptr (TinyModel) model = create_model ();
  g_autoptr (SngExponentialMovingAverage) ema = sng_exponential_moving_average_new (0.75);
  g_autoptr (SngExponentialMovingAverage) other = sng_exponential_moving_average_new (0.75);
  g_autoptr (SngStateDict) state = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *before = NULL, *moved = NULL, *after = NULL;

  attach (ema, model);
  attach (other, model);
  set_bias (model, 16.0);
  sng_exponential_moving_average_update (ema);

  state = get_state (ema);
  g_assert_cmpuint (sng_state_dict_get_n_items (state), ==, 5);
  g_assert_true (sng_state_dict_lookup_tensor (state, "bias")
                 == sng_exponential_moving_average_lookup (ema, "bias"));

  before = fingerprint (ema);
  g_assert_true (sng_stateful_set_state (SNG_STATEFUL (other), state, &error));
  g_assert_no_error (error);
  after = fingerprint (other);
  g_assert_cmpstr (after, ==, before);

  /* It is a copy, and the counter goes on where it was. */
  sng_exponential_moving_average_update (ema);
  g_assert_cmpfloat (get_average (other, "bias", 0), ==, 10.0);
  g_assert_cmpuint (sng_exponential_moving_average_get_n_updates (other), ==, 1);
  moved = fingerprint (ema);
  g_assert_cmpstr (moved, !=, before);
}

static void
check_refused (SngExponentialMovingAverage *ema, SngStateDict *state, const char *message)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *before = fingerprint (ema);
  g_autofree char *after = NULL;

  g_assert_false (sng_stateful_check_state (SNG_STATEFUL (ema), state, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_MISMATCH);
  g_assert_nonnull (strstr (error->message, message));
  g_clear_error (&error);
  g_assert_false (sng_stateful_set_state (SNG_STATEFUL (ema), state, &error));
  after = fingerprint (ema);
  g_assert_cmpstr (after, ==, before);
}

static void
test_other_state_is_refused (void)
{
  const gint64 shape[] = { 4 };
  g_autoptr (TinyModel) model = create_model ();
  g_autoptr (SngExponentialMovingAverage) ema = sng_exponential_moving_average_new (0.75);
  g_autoptr (SngExponentialMovingAverage) faster = sng_exponential_moving_average_new (0.5);
  g_autoptr (SngTensor) longer = sng_tensor_new (SNG_DTYPE_F64, shape, 1, NULL, NULL);
  g_autoptr (SngStateDict) state = NULL;

  attach (ema, model);
  attach (faster, model);
  set_bias (model, 1.0);
  sng_exponential_moving_average_update (faster);

  state = get_state (faster);
  check_refused (ema, state, "[ema][restore] decay: the checkpoint has 0.5, this run has 0.75");
  sng_state_dict_set_double (state, "decay", 0.75);
  sng_state_dict_set_tensor (state, "weight", longer);
  check_refused (ema, state, "[ema][restore] weight: the checkpoint has F64 [4], this run has F64 [3]");
  sng_state_dict_remove (state, "weight");
  check_refused (ema, state, "[ema][restore] weight: the checkpoint has no such tensor");
  sng_state_dict_set_tensor (state, "weight", sng_parameter_get_value (model->weight));
  sng_state_dict_set_int64 (state, "n_updates", -1);
  check_refused (ema, state, "[ema][restore] n_updates: the checkpoint has -1, expected is a count");
}

static void
check_not_attached (GListModel *parameters, int code, const char *message)
{
  g_autoptr (SngExponentialMovingAverage) ema = sng_exponential_moving_average_new (0.75);
  g_autoptr (TinyModel) model = create_model ();
  g_autoptr (GError) error = NULL;

  g_assert_false (sng_exponential_moving_average_attach (ema, parameters, &error));
  g_assert_error (error, SNG_ERROR, code);
  g_assert_cmpstr (error->message, ==, message);
  g_assert_null (sng_exponential_moving_average_lookup (ema, "weight"));
  attach (ema, model);
}

static SngParameter *
create_parameter (const char *name, SngDtype dtype)
{
  const gint64 shape[] = { 2 };
  g_autoptr (SngTensor) value = sng_tensor_new (dtype, shape, 1, NULL, NULL);

  return sng_parameter_new (name, value, NULL);
}

/* Of which the one is a part of the other. */
static void
test_shared_memory (void)
{
  const gint64 shape[] = { 4 }, two[] = { 2 };
  g_autoptr (SngTensor) whole = sng_tensor_new (SNG_DTYPE_F32, shape, 1, NULL, NULL);
  g_autoptr (SngTensor) part = sng_tensor_new_view (whole, 2, two, 1, NULL, 0, NULL);
  g_autoptr (SngParameter) weight = sng_parameter_new ("weight", whole, NULL);
  g_autoptr (SngParameter) tied = sng_parameter_new ("tied", part, NULL);
  g_autoptr (GListStore) parameters = g_list_store_new (SNG_TYPE_PARAMETER);

  g_list_store_append (parameters, weight);
  g_list_store_append (parameters, tied);
  check_not_attached (
      G_LIST_MODEL (parameters), SNG_ERROR_INVALID_ARGUMENT,
      "[ema][attach] tied: it shares its memory with weight, of which there can be one average only");
}

static void
test_cannot_attach (void)
{
  const char *const names[] = { "weight", "n_updates", "half" };
  const SngDtype dtypes[] = { SNG_DTYPE_F32, SNG_DTYPE_F32, SNG_DTYPE_F16 };
  const int codes[] = { SNG_ERROR_INVALID_ARGUMENT, SNG_ERROR_INVALID_ARGUMENT, SNG_ERROR_NOT_SUPPORTED };
  const char *const messages[] = {
    "[ema][attach] weight: the state has this name already, so no parameter can have it",
    "[ema][attach] n_updates: the state has this name already, so no parameter can have it",
    "[ema][attach] half: there is no arithmetic for F16 on device \"cpu\"",
  };
  g_autoptr (SngExponentialMovingAverage) twice = sng_exponential_moving_average_new (0.75);
  g_autoptr (TinyModel) model = create_model ();
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GListStore) parameters = g_list_store_new (SNG_TYPE_PARAMETER);
      g_autoptr (SngParameter) first = create_parameter ("weight", SNG_DTYPE_F32);
      g_autoptr (SngParameter) second = create_parameter (names[i], dtypes[i]);

      g_list_store_append (parameters, first);
      g_list_store_append (parameters, second);
      check_not_attached (G_LIST_MODEL (parameters), codes[i], messages[i]);
    }

  attach (twice, model);
  g_assert_false (sng_exponential_moving_average_attach (twice, G_LIST_MODEL (model->parameters), &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT);
}

/* ---- The average of a training ---- */

#define N_STEPS 8
#define VAL_CHECK_INTERVAL 4

static SngTrainer *
create_trainer (SngExponentialMovingAverage *ema, guint64 max_steps, TinyModel **model)
{
  SngTrainer *trainer =
      g_object_new (SNG_TYPE_TRAINER, "exponential-moving-average", ema, "max-steps", max_steps,
                    "micro-batch-size", 2, "val-check-interval", (guint64) VAL_CHECK_INTERVAL, NULL);

  tiny_trainer_attach (trainer);
  *model = TINY_MODEL (sng_trainer_get_model (trainer));

  return trainer;
}

/* What a validation sees of the weights. */
typedef struct
{
  GString *seen;
  gboolean ends; /* the training there */
} Watch;

static void
append_weights (GString *text, TinyModel *model)
{
  const double *weight = sng_tensor_get_data (sng_parameter_get_value (model->weight));
  const double *bias = sng_tensor_get_data (sng_parameter_get_value (model->bias));

  g_string_append_printf (text, " %a %a %a %a", weight[0], weight[1], weight[2], bias[0]);
}

static void
append_averages (GString *text, SngExponentialMovingAverage *ema)
{
  for (gint64 i = 0; i < 4; i++)
    g_string_append_printf (text, " %a", get_average (ema, i < 3 ? "weight" : "bias", i % 3));
}

static void
micro_batch_end_cb (SngTrainer *trainer,
                    SngStage stage,
                    guint micro_batch,
                    SngStateDict *batch,
                    SngStateDict *outputs,
                    Watch *watch)
{
  g_autoptr (GError) error = NULL;

  if (stage != SNG_STAGE_VALIDATE || micro_batch != 1)
    return;

  append_weights (watch->seen, TINY_MODEL (sng_trainer_get_model (trainer)));
  g_set_error (&error, SNG_ERROR, SNG_ERROR_CANCELLED, "planted");
  if (watch->ends)
    sng_trainer_end_with_error (trainer, error);
}

/* Validations see the average where that is wanted, else the weights; the training sees nothing of either. */
static void
test_validation (void)
{
  g_autoptr (SngTrainer) plain = NULL;
  g_autoptr (GString) expected_weights = g_string_new (NULL);
  TinyModel *plain_model;

  plain = create_trainer (NULL, N_STEPS, &plain_model);
  g_assert_true (sng_trainer_fit (plain, NULL));
  append_weights (expected_weights, plain_model);

  for (guint validate = 0; validate < 2; validate++)
    {
      g_autoptr (SngExponentialMovingAverage) ema =
          g_object_new (SNG_TYPE_EXPONENTIAL_MOVING_AVERAGE, "decay", 0.5, "validate", validate, NULL);
      g_autoptr (SngTrainer) trainer = NULL;
      g_autoptr (GString) seen = g_string_new (NULL);
      g_autoptr (GString) averages = g_string_new (NULL);
      g_autoptr (GString) weights = g_string_new (NULL);
      Watch watch = { .seen = seen };
      TinyModel *model;

      trainer = create_trainer (ema, VAL_CHECK_INTERVAL, &model);
      g_signal_connect (trainer, "micro-batch-end", G_CALLBACK (micro_batch_end_cb), &watch);
      g_assert_true (sng_trainer_fit (trainer, NULL));
      append_averages (averages, ema);
      append_weights (weights, model);
      g_assert_cmpstr (averages->str, !=, weights->str);
      g_assert_cmpstr (seen->str, ==, validate ? averages->str : weights->str);

      g_object_set (trainer, "max-steps", (guint64) N_STEPS, NULL);
      g_assert_true (sng_trainer_fit (trainer, NULL));
      g_string_truncate (weights, 0);
      append_weights (weights, model);
      g_assert_cmpstr (weights->str, ==, expected_weights->str);
      g_assert_cmpuint (sng_exponential_moving_average_get_n_updates (ema), ==, N_STEPS);
    }
}

/* A validation that fails, or that somebody ends, leaves the weights as they were and the average as it was. */
static void
test_failed_validation (void)
{
  const int codes[] = { SNG_ERROR_FAILED, SNG_ERROR_CANCELLED };
  g_autoptr (SngExponentialMovingAverage) good = sng_exponential_moving_average_new (0.5);
  g_autoptr (SngTrainer) faithful = NULL;
  g_autoptr (GString) expected = g_string_new (NULL);
  TinyModel *model;

  faithful = create_trainer (good, VAL_CHECK_INTERVAL, &model);
  g_assert_true (sng_trainer_fit (faithful, NULL));
  append_weights (expected, model);
  append_averages (expected, good);

  for (guint i = 0; i < G_N_ELEMENTS (codes); i++)
    {
      g_autoptr (SngExponentialMovingAverage) ema = sng_exponential_moving_average_new (0.5);
      g_autoptr (SngTrainer) trainer = create_trainer (ema, VAL_CHECK_INTERVAL, &model);
      g_autoptr (GString) seen = g_string_new (NULL);
      g_autoptr (GString) actual = g_string_new (NULL);
      g_autoptr (GError) error = NULL;
      Watch watch = { .seen = seen, .ends = i == 1 };

      if (i == 0) /* the model fails, otherwise a listener does */
        model->fail_at = VAL_CHECK_INTERVAL + 2;
      g_signal_connect (trainer, "micro-batch-end", G_CALLBACK (micro_batch_end_cb), &watch);
      g_assert_false (sng_trainer_fit (trainer, &error));
      g_assert_true (g_error_matches (error, SNG_ERROR, codes[i]));
      append_weights (actual, model);
      append_averages (actual, ema);
      g_assert_cmpstr (actual->str, ==, expected->str);
    }
}

/* Stopped at any step and resumed in new objects: the same average as without a stop. */
static void
test_resume (void)
{
  g_autoptr (SngExponentialMovingAverage) whole =
      g_object_new (SNG_TYPE_EXPONENTIAL_MOVING_AVERAGE, "decay", 0.9, "warm-up", TRUE, NULL);
  g_autoptr (SngTrainer) trainer = NULL;
  g_autofree char *expected = NULL;
  TinyModel *model;

  trainer = create_trainer (whole, N_STEPS, &model);
  g_assert_true (sng_trainer_fit (trainer, NULL));
  expected = fingerprint (whole);

  for (guint64 stop = 1; stop < N_STEPS; stop++)
    {
      g_autoptr (SngExponentialMovingAverage) first =
          g_object_new (SNG_TYPE_EXPONENTIAL_MOVING_AVERAGE, "decay", 0.9, "warm-up", TRUE, NULL);
      g_autoptr (SngExponentialMovingAverage) second =
          g_object_new (SNG_TYPE_EXPONENTIAL_MOVING_AVERAGE, "decay", 0.9, "warm-up", TRUE, NULL);
      g_autoptr (SngTrainer) stopped = create_trainer (first, stop, &model);
      g_autoptr (SngTrainer) resumed = create_trainer (second, N_STEPS, &model);
      g_autoptr (SngCheckpoint) checkpoint = NULL;
      g_autoptr (GError) error = NULL;
      g_autofree char *actual = NULL;

      g_assert_true (sng_trainer_fit (stopped, &error));
      checkpoint = sng_state_registry_capture (sng_trainer_get_state_registry (stopped), stop, &error);
      g_assert_true (sng_trainer_restore (resumed, checkpoint, &error));
      g_assert_true (sng_trainer_fit (resumed, &error));
      actual = fingerprint (second);
      g_assert_cmpstr (actual, ==, expected);
    }
}

/* A training that cannot begin leaves the average to another one. */
static void
test_refused_precision (void)
{
  g_autoptr (SngExponentialMovingAverage) ema = sng_exponential_moving_average_new (0.5);
  g_autoptr (SngTrainer) refused = g_object_new (SNG_TYPE_TRAINER, "exponential-moving-average", ema,
                                                 "precision", SNG_PRECISION_BF16_MIXED, NULL);
  g_autoptr (TinyModel) model = create_model ();
  g_autoptr (TinyData) data = tiny_data_new (FALSE);
  g_autoptr (SngOptimizer) optimizer = sng_adamw_new (G_LIST_MODEL (model->parameters), 0.1, 0.0);
  g_autoptr (SngTrainer) trainer = NULL;
  g_autoptr (GError) error = NULL;
  TinyModel *other;

  g_assert_false (
      sng_trainer_attach (refused, SNG_MODEL (model), SNG_DATA_MODULE (data), optimizer, NULL, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED);
  trainer = create_trainer (ema, 1, &other);
  g_assert_true (sng_trainer_get_exponential_moving_average (trainer) == ema);
}

/* One average cannot serve two trainings, and the second one is as it was before. */
static void
test_two_trainings (void)
{
  g_autoptr (SngExponentialMovingAverage) ema = sng_exponential_moving_average_new (0.5);
  g_autoptr (SngTrainer) second = g_object_new (SNG_TYPE_TRAINER, "exponential-moving-average", ema, NULL);
  g_autoptr (TinyModel) model = create_model ();
  g_autoptr (TinyData) data = tiny_data_new (FALSE);
  g_autoptr (SngOptimizer) optimizer = sng_adamw_new (G_LIST_MODEL (model->parameters), 0.1, 0.0);
  g_autoptr (SngTrainer) first = NULL;
  g_auto (GStrv) names = NULL;
  g_autoptr (GError) error = NULL;
  TinyModel *first_model;

  first = create_trainer (ema, 1, &first_model);
  g_assert_true (sng_trainer_get_exponential_moving_average (first) == ema);
  g_assert_true (sng_state_registry_lookup (sng_trainer_get_state_registry (first), "ema")
                 == SNG_STATEFUL (ema));
  g_assert_false (
      sng_trainer_attach (second, SNG_MODEL (model), SNG_DATA_MODULE (data), optimizer, NULL, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT);
  g_assert_null (sng_trainer_get_model (second));
  names = sng_state_registry_dup_names (sng_trainer_get_state_registry (second));
  g_assert_cmpuint (g_strv_length (names), ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/exponential-moving-average/kernel", test_average);
  g_test_add_func ("/sng/exponential-moving-average/kernel/same-bits", test_average_same_bits);
  g_test_add_func ("/sng/exponential-moving-average/kernel/exchange", test_exchange);
  g_test_add_func ("/sng/exponential-moving-average/decay", test_decay);
  g_test_add_func ("/sng/exponential-moving-average/warm-up", test_warm_up);
  g_test_add_func ("/sng/exponential-moving-average/state", test_state);
  g_test_add_func ("/sng/exponential-moving-average/other-state-is-refused", test_other_state_is_refused);
  g_test_add_func ("/sng/exponential-moving-average/cannot-attach", test_cannot_attach);
  g_test_add_func ("/sng/exponential-moving-average/shared-memory", test_shared_memory);
  g_test_add_func ("/sng/exponential-moving-average/validation", test_validation);
  g_test_add_func ("/sng/exponential-moving-average/failed-validation", test_failed_validation);
  g_test_add_func ("/sng/exponential-moving-average/resume", test_resume);
  g_test_add_func ("/sng/exponential-moving-average/refused-precision", test_refused_precision);
  g_test_add_func ("/sng/exponential-moving-average/two-trainings", test_two_trainings);

  return g_test_run ();
}
