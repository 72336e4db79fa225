/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <math.h>
#include <sng.h>
#include <string.h>

#include "adamw-reference.h"
#include "cpu/sng-cpu-math-private.h"
#include "optimizer-fixture.h"

#define N_STEPS 10

static SngOptimizer *
optimizer_new (GListStore *parameters, double beta2)
{
  g_autoptr (GError) error = NULL;
  SngOptimizer *optimizer =
      g_object_new (SNG_TYPE_ADAMW, "parameters", parameters, "beta2", beta2, "weight-decay", 0.1, NULL);

  sng_grouped_optimizer_add_group (SNG_GROUPED_OPTIMIZER (optimizer), "no-decay", "*.bias", 0.0, 0.5, &error);
  g_assert_no_error (error);

  return optimizer;
}

static void
run_steps (SngOptimizer *optimizer, guint first, guint last)
{
  optimizer_run_steps (optimizer, first, last, 1e-2, 0.05, 0.1);
}

/* The largest difference of one tensor, relative to the expected value and, if that is larger, to @scale; moves on in the
 * expected values. */
static double
compare_tensor (SngTensor *tensor, const double **expected, SngTensor *scale)
{
  double worst = 0.0;

  for (guint i = 0; i < sng_tensor_get_n_elements (tensor); i++, (*expected)++)
    {
      double size = fabs (**expected);

      if (scale != NULL)
        size = fmax (size, sqrt (sng_tensor_get_value (scale, i)));

      worst = fmax (worst, fabs (sng_tensor_get_value (tensor, i) - **expected) / size);
    }

  return worst;
}

/* The first moment is a sum of gradients of both signs, which cancel: it is measured against the root of the second one. */
static double
compare_with_reference (SngOptimizer *optimizer, const double *expected)
{
  GListModel *parameters = sng_optimizer_get_parameters (optimizer);
  g_autoptr (SngStateDict) state = sng_stateful_get_state (SNG_STATEFUL (optimizer), NULL);
  double worst = 0.0;

  for (guint i = 0; i < OPTIMIZER_N_PARAMETERS; i++)
    {
      g_autoptr (SngParameter) parameter = g_list_model_get_item (parameters, i);
      g_autofree char *exp_avg = g_strconcat (optimizer_parameter_name (i), ".exp_avg", NULL);
      g_autofree char *exp_avg_sq = g_strconcat (optimizer_parameter_name (i), ".exp_avg_sq", NULL);

      SngTensor *second = sng_state_dict_lookup_tensor (state, exp_avg_sq);

      worst = fmax (worst, compare_tensor (sng_parameter_get_value (parameter), &expected, NULL));
      worst = fmax (worst, compare_tensor (sng_state_dict_lookup_tensor (state, exp_avg), &expected, second));
      worst = fmax (worst, compare_tensor (second, &expected, NULL));
    }

  return worst;
}

static void
test_reference (gconstpointer data)
{
  SngDtype dtype = GPOINTER_TO_INT (data);
  gboolean is_f32 = dtype == SNG_DTYPE_F32;
  const double *expected = is_f32 ? expected_f32 : expected_f64;
  double tolerance = is_f32 ? 1e-6 : 1e-13;
  g_autoptr (GListStore) parameters = optimizer_parameters_new (dtype);
  g_autoptr (GListStore) other_parameters = optimizer_parameters_new (dtype);
  g_autoptr (SngOptimizer) optimizer = optimizer_new (parameters, 0.98);
  g_autoptr (SngOptimizer) other = optimizer_new (other_parameters, 0.9801);
  double worst;

  run_steps (optimizer, 1, N_STEPS);
  worst = compare_with_reference (optimizer, expected);
  g_test_message ("largest relative difference %g", worst);
  g_assert_cmpfloat (worst, <=, tolerance);

  /* The comparison can fail. */
  run_steps (other, 1, N_STEPS);
  g_assert_cmpfloat (compare_with_reference (other, expected), >, 100 * tolerance);
}

/* A stop between two steps changes nothing. */
static void
test_resume (void)
{
  g_autoptr (GListStore) parameters = optimizer_parameters_new (SNG_DTYPE_F32);
  g_autoptr (SngOptimizer) optimizer = optimizer_new (parameters, 0.98);
  g_autoptr (SngOptimizer) resumed = optimizer_new (parameters, 0.98);
  g_autoptr (SngStateDict) state = NULL;
  g_autoptr (GError) error = NULL;
  gint64 step;

  run_steps (optimizer, 1, 4);
  state = sng_stateful_get_state (SNG_STATEFUL (optimizer), &error);
  g_assert_no_error (error);
  g_assert_true (sng_state_dict_get_int64 (state, "step", &step, NULL));
  g_assert_cmpint (step, ==, 4);

  sng_stateful_set_state (SNG_STATEFUL (resumed), state, &error);
  g_assert_no_error (error);
  g_assert_cmpfloat (sng_optimizer_get_learning_rate (resumed), ==,
                     sng_optimizer_get_learning_rate (optimizer));
  run_steps (resumed, 5, N_STEPS);
  g_assert_cmpfloat (compare_with_reference (resumed, expected_f32), <=, 1e-6);
}

/* Nothing of the moment before is kept, not even a rounding. */
static void
test_no_first_moment (void)
{
  g_autoptr (GListStore) parameters = optimizer_parameters_new (SNG_DTYPE_F32);
  g_autoptr (SngOptimizer) optimizer =
      g_object_new (SNG_TYPE_ADAMW, "parameters", parameters, "beta1", 0.0, NULL);
  g_autoptr (SngStateDict) state = NULL;

  run_steps (optimizer, 1, 3);
  state = sng_stateful_get_state (SNG_STATEFUL (optimizer), NULL);

  for (guint i = 0; i < OPTIMIZER_N_PARAMETERS; i++)
    {
      g_autoptr (SngParameter) parameter = g_list_model_get_item (G_LIST_MODEL (parameters), i);
      g_autofree char *name = g_strconcat (optimizer_parameter_name (i), ".exp_avg", NULL);

      g_assert_true (sng_tensor_equal (sng_state_dict_lookup_tensor (state, name),
                                       sng_parameter_get_gradient (parameter)));
    }
}

/* The moments are the resumed optimizer's own. */
static void
test_restored_state_is_a_copy (void)
{
  g_autoptr (GListStore) parameters = optimizer_parameters_new (SNG_DTYPE_F32);
  g_autoptr (SngOptimizer) optimizer = optimizer_new (parameters, 0.98);
  g_autoptr (SngOptimizer) resumed = optimizer_new (parameters, 0.98);
  g_autoptr (SngStateDict) state = NULL;
  g_autoptr (SngStateDict) resumed_state = NULL;
  g_autoptr (SngStateDict) before = NULL;

  run_steps (optimizer, 1, 2);
  state = sng_stateful_get_state (SNG_STATEFUL (optimizer), NULL);
  before = sng_state_dict_copy (state, NULL);
  g_assert_true (sng_stateful_set_state (SNG_STATEFUL (resumed), state, NULL));
  run_steps (optimizer, 3, 4);
  resumed_state = sng_stateful_get_state (SNG_STATEFUL (resumed), NULL);

  g_assert_true (sng_tensor_equal (sng_state_dict_lookup_tensor (resumed_state, "layer.weight.exp_avg"),
                                   sng_state_dict_lookup_tensor (before, "layer.weight.exp_avg")));
  g_assert_false (sng_tensor_equal (sng_state_dict_lookup_tensor (state, "layer.weight.exp_avg"),
                                    sng_state_dict_lookup_tensor (before, "layer.weight.exp_avg")));
}

static void
test_other_settings_are_refused (void)
{
  const OptimizerFault faults[] = {
    { "beta2", g_variant_new_double (0.5), "beta2: the checkpoint has 0.5, this run has 0.98" },
    { "group.no-decay.weight_decay", g_variant_new_double (0.1), "group.no-decay.weight_decay" },
    { "group.default.pattern", NULL,
      "group.default.pattern: the checkpoint has no such value, this run has '*'" },
    { "step", g_variant_new_int64 (-1), "step: the checkpoint has -1" },
    { "step", NULL, "step" },
    { "learning_rate", g_variant_new_double (NAN), "learning_rate" },
    { "layer.bias.exp_avg", NULL, "layer.bias.exp_avg: the checkpoint has no such tensor" },
    { "unknown", g_variant_new_double (1), "unknown: the checkpoint has it" },
  };
  g_autoptr (GListStore) parameters = optimizer_parameters_new (SNG_DTYPE_F32);
  g_autoptr (SngOptimizer) optimizer = optimizer_new (parameters, 0.98);
  g_autoptr (SngOptimizer) resumed = optimizer_new (parameters, 0.98);

  run_steps (optimizer, 1, 2);
  for (guint i = 0; i < G_N_ELEMENTS (faults); i++)
    optimizer_check_refusal (resumed, optimizer, &faults[i]);
}

static void
test_groups (void)
{
  g_autoptr (GListStore) parameters = optimizer_parameters_new (SNG_DTYPE_F32);
  g_autoptr (SngOptimizer) optimizer = optimizer_new (parameters, 0.98);
  SngGroupedOptimizer *grouped = SNG_GROUPED_OPTIMIZER (optimizer);
  g_autoptr (GError) error = NULL;

  g_assert_false (sng_grouped_optimizer_add_group (grouped, "no-decay", "norm.*", 0.0, 1.0, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "no-decay"));
  g_clear_error (&error);

  g_assert_false (sng_grouped_optimizer_add_group (grouped, "typo", "nrom.*", 0.0, 1.0, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "nrom.*"));
  g_clear_error (&error);

  g_assert_false (sng_grouped_optimizer_add_group (grouped, "negative", "norm.*", -0.5, 1.0, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "-0.5"));
  g_clear_error (&error);

  run_steps (optimizer, 1, 1);
  g_assert_false (sng_grouped_optimizer_add_group (grouped, "late", "norm.*", 0.0, 1.0, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "late"));
}

static void
test_no_gradient (void)
{
  const gint64 n = 4;
  g_autoptr (GListStore) parameters = g_list_store_new (SNG_TYPE_PARAMETER);
  g_autoptr (SngTensor) value = sng_tensor_new (SNG_DTYPE_F32, &n, 1, NULL, NULL);
  g_autoptr (SngTensor) before = NULL;
  g_autoptr (SngParameter) parameter = sng_parameter_new ("frozen", value, NULL);
  g_autoptr (SngOptimizer) optimizer = NULL;
  g_autoptr (SngStateDict) state = NULL;

  optimizer_set_value (value, 1, 0.5);
  before = sng_tensor_copy (value, NULL);
  g_list_store_append (parameters, parameter);
  optimizer = sng_adamw_new (G_LIST_MODEL (parameters), 0.1, 0.5);
  g_assert_true (sng_optimizer_step (optimizer, NULL));
  state = sng_stateful_get_state (SNG_STATEFUL (optimizer), NULL);

  g_assert_true (sng_tensor_equal (value, before));
  g_assert_false (sng_state_dict_contains (state, "frozen.exp_avg"));
}

static void
test_other_dtype (void)
{
  const gint64 n = 4;
  g_autoptr (GListStore) parameters = g_list_store_new (SNG_TYPE_PARAMETER);
  g_autoptr (SngTensor) value = sng_tensor_new (SNG_DTYPE_BF16, &n, 1, NULL, NULL);
  g_autoptr (SngTensor) gradient = sng_tensor_new (SNG_DTYPE_BF16, &n, 1, NULL, NULL);
  g_autoptr (SngParameter) parameter = sng_parameter_new ("half", value, gradient);
  g_autoptr (SngOptimizer) optimizer = NULL;
  g_autoptr (GError) error = NULL;

  g_list_store_append (parameters, parameter);
  optimizer = sng_adamw_new (G_LIST_MODEL (parameters), 0.1, 0.5);
  g_assert_false (sng_optimizer_step (optimizer, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED);
  g_assert_nonnull (strstr (error->message, "half"));
}

/* Sizes of parameters: below a vector, around a span, beyond several spans. */
static const gsize sizes[] = { 3, SNG_SPAN_ELEMENTS,     1,  SNG_SPAN_ELEMENTS * 3 + 13,
                               8, SNG_SPAN_ELEMENTS + 1, 320 };

#define N_LARGE (SNG_SPAN_ELEMENTS * 5 + 346)

static void
fill (float *values, gsize n, guint seed)
{
  for (gsize i = 0; i < n; i++)
    values[i] = (float) ((i * 7919 + seed * 104729) % 10007) / 5000.0f - 1.0f;
}

typedef struct
{
  float *arrays[4]; /* parameter, gradient, exp_avg, exp_avg_sq: those of all sizes behind each other */
  double sum;
} Outcome;

static void
outcome_init (Outcome *outcome)
{
  for (guint i = 0; i < 4; i++)
    {
      outcome->arrays[i] = g_new (float, N_LARGE);
      fill (outcome->arrays[i], N_LARGE, i);
    }
  for (gsize i = 0; i < N_LARGE; i++)
    outcome->arrays[3][i] *= outcome->arrays[3][i];
}

static const SngAdamwUpdate settings = {
  .update = { .step = 3, .learning_rate = 1e-2 },
  .beta1 = 0.9,
  .beta2 = 0.98,
  .epsilon = 1e-8,
};

/* Parameters of odd numbers belong to another group. */
static double
factor_of (guint parameter)
{
  return parameter % 2 == 1 ? 0.3 : 1.0;
}

static double
decay_of (guint parameter)
{
  return parameter % 2 == 1 ? 0.0 : 0.1;
}

/* The formula, element by element and parameter by parameter. */
static void
run_formula (Outcome *outcome)
{
  gsize i = 0;

  outcome_init (outcome);

  for (guint parameter = 0; parameter < G_N_ELEMENTS (sizes); parameter++)
    {
      double rate = settings.update.learning_rate * factor_of (parameter);
      float decay = (float) (1.0 - rate * decay_of (parameter));
      float step_size = (float) (rate / (1.0 - pow (settings.beta1, 3)));
      float correction = (float) sqrt (1.0 - pow (settings.beta2, 3));

      for (gsize end = i + sizes[parameter]; i < end; i++)
        {
          float *p = &outcome->arrays[0][i], *m = &outcome->arrays[2][i], *v = &outcome->arrays[3][i];
          float *g = &outcome->arrays[1][i];

          *g *= 0.7f;
          *m = *m + (*g - *m) * (float) (1.0 - settings.beta1);
          *v = *v * (float) settings.beta2 + *g * (float) (1.0 - settings.beta2) * *g;
          *p = *p * decay - *m * step_size / (sqrtf (*v) / correction + (float) settings.epsilon);
        }
    }

  g_assert_cmpuint (i, ==, N_LARGE);
}

static void
run_kernels (Outcome *outcome, const SngKernels *kernels, guint n_threads)
{
  g_autoptr (SngDevice) device = sng_device_new_cpu (n_threads);
  g_autoptr (GArray) spans = g_array_new (FALSE, FALSE, sizeof (SngSpan));
  SngAdamwUpdate op = settings;
  SngArray gradient = { .n_elements = N_LARGE };
  gsize first = 0;

  outcome_init (outcome);
  gradient.values = outcome->arrays[1];

  for (guint parameter = 0; parameter < G_N_ELEMENTS (sizes); parameter++)
    for (gsize end = first + sizes[parameter]; first < end;)
      {
        SngSpan span = {
          .n_elements = MIN (SNG_SPAN_ELEMENTS, end - first),
          .learning_rate_factor = factor_of (parameter),
          .weight_decay = decay_of (parameter),
          .gradient = outcome->arrays[1] + first,
          .parameter = outcome->arrays[0] + first,
          .buffers = { outcome->arrays[2] + first, outcome->arrays[3] + first },
        };

        g_array_append_val (spans, span);
        first += span.n_elements;
      }

  op.update.n_spans = spans->len;
  op.update.spans = &g_array_index (spans, SngSpan, 0);

  kernels->scale (device, 1, &gradient, 0.7);
  kernels->sum_of_squares (device, 1, &gradient, &outcome->sum);
  kernels->adamw (device, &op);
}

static void
check_equal (const Outcome *a, const Outcome *b)
{
  for (guint i = 0; i < 4; i++)
    g_assert_cmpmem (a->arrays[i], N_LARGE * sizeof (float), b->arrays[i], N_LARGE * sizeof (float));
}

static void
outcome_clear (Outcome *outcome)
{
  for (guint i = 0; i < 4; i++)
    g_free (outcome->arrays[i]);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Outcome, outcome_clear)

/* Any number of threads and any instruction set: the same bits, those of the formula. */
static void
test_kernels (void)
{
  const struct
  {
    const SngKernels *kernels;
    guint n_threads;
  } runs[] = {
    { &sng_cpu_kernels_f32, 1 },
    { &sng_cpu_kernels_f32, 2 },
    { sng_cpu_math_get ()->f32, 1 },
    { sng_cpu_math_get ()->f32, 3 },
  };
  g_auto (Outcome) expected = { 0 };
  double sum = 0.0, first_sum = 0.0;

  run_formula (&expected);
  for (gsize i = 0; i < N_LARGE; i++)
    sum += (double) expected.arrays[1][i] * (double) expected.arrays[1][i];

  for (guint i = 0; i < G_N_ELEMENTS (runs); i++)
    {
      g_auto (Outcome) outcome = { 0 };

      run_kernels (&outcome, runs[i].kernels, runs[i].n_threads);
      check_equal (&outcome, &expected);
      g_assert_cmpfloat_with_epsilon (outcome.sum, sum, 1e-10 * sum);
      if (i == 0)
        first_sum = outcome.sum;
      g_assert_cmpmem (&outcome.sum, sizeof outcome.sum, &first_sum, sizeof first_sum);
    }
}

/* Tensors anywhere in memory, of both dtypes and on two devices, come out as each by itself. */
static void
test_scattered (void)
{
  const gint64 n = SNG_SPAN_ELEMENTS + 77;
  const SngDtype dtypes[] = { SNG_DTYPE_F32, SNG_DTYPE_F64, SNG_DTYPE_F32, SNG_DTYPE_F64 };
  g_autoptr (SngDevice) device = sng_device_new_cpu (2);
  g_autoptr (GListStore) together = g_list_store_new (SNG_TYPE_PARAMETER);
  g_autoptr (GPtrArray) alone = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (SngOptimizer) optimizer = NULL;

  for (guint i = 0; i < 2 * G_N_ELEMENTS (dtypes); i++)
    {
      guint kind = i / 2;
      SngDevice *place = kind < 2 ? NULL : device;
      g_autofree char *name = g_strdup_printf ("parameter-%u", i);
      g_autoptr (SngTensor) value = sng_tensor_new (dtypes[kind], &n, 1, place, NULL);
      g_autoptr (SngTensor) gradient = sng_tensor_new (dtypes[kind], &n, 1, place, NULL);
      g_autoptr (SngParameter) parameter = sng_parameter_new (name, value, gradient);

      for (guint j = 0; j < n; j++)
        {
          optimizer_set_value (value, j, optimizer_value_of (kind, j, 0));
          optimizer_set_value (gradient, j, optimizer_value_of (kind, j, 1));
        }

      if (i % 2 == 0)
        g_list_store_append (together, parameter);
      else
        g_ptr_array_add (alone, g_steal_pointer (&parameter));
    }

  optimizer = sng_adamw_new (G_LIST_MODEL (together), 0.1, 0.5);
  g_assert_true (sng_optimizer_step (optimizer, NULL));
  g_assert_true (sng_optimizer_step (optimizer, NULL));

  for (guint i = 0; i < alone->len; i++)
    {
      SngParameter *parameter = g_ptr_array_index (alone, i);
      g_autoptr (SngParameter) other = g_list_model_get_item (G_LIST_MODEL (together), i);
      g_autoptr (GListStore) parameters = g_list_store_new (SNG_TYPE_PARAMETER);
      g_autoptr (SngOptimizer) single = NULL;

      g_list_store_append (parameters, parameter);
      single = sng_adamw_new (G_LIST_MODEL (parameters), 0.1, 0.5);
      g_assert_true (sng_optimizer_step (single, NULL));
      g_assert_false (
          sng_tensor_equal (sng_parameter_get_value (other), sng_parameter_get_value (parameter)));
      g_assert_true (sng_optimizer_step (single, NULL));
      g_assert_true (sng_tensor_equal (sng_parameter_get_value (other), sng_parameter_get_value (parameter)));
    }
}

/* Two parameters over the same elements would be changed at the same time. */
static void
test_shared_memory (void)
{
  const gint64 n = 8, n_part = 4, stride = 1;
  g_autoptr (SngTensor) value = sng_tensor_new (SNG_DTYPE_F32, &n, 1, NULL, NULL);

  for (gint64 offset = 3; offset <= 4; offset++)
    {
      g_autoptr (GListStore) parameters = g_list_store_new (SNG_TYPE_PARAMETER);
      g_autoptr (SngOptimizer) optimizer = NULL;
      g_autoptr (GError) error = NULL;

      for (guint i = 0; i < 2; i++)
        {
          g_autoptr (SngTensor) part =
              sng_tensor_new_view (value, i == 0 ? 0 : offset, &n_part, 1, &stride, 1, NULL);
          g_autoptr (SngTensor) gradient = sng_tensor_new (SNG_DTYPE_F32, &n_part, 1, NULL, NULL);
          g_autoptr (SngParameter) parameter =
              sng_parameter_new (i == 0 ? "input" : "output", part, gradient);

          g_list_store_append (parameters, parameter);
        }

      optimizer = sng_adamw_new (G_LIST_MODEL (parameters), 0.1, 0.5);
      if (offset == n_part)
        g_assert_true (sng_optimizer_step (optimizer, NULL));
      else
        {
          g_assert_false (sng_optimizer_step (optimizer, &error));
          g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT);
          g_assert_nonnull (strstr (error->message, "output and input share memory"));
        }
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_data_func ("/sng/adamw/reference/f32", GINT_TO_POINTER (SNG_DTYPE_F32), test_reference);
  g_test_add_data_func ("/sng/adamw/reference/f64", GINT_TO_POINTER (SNG_DTYPE_F64), test_reference);
  g_test_add_func ("/sng/adamw/resume", test_resume);
  g_test_add_func ("/sng/adamw/no-first-moment", test_no_first_moment);
  g_test_add_func ("/sng/adamw/restored-state-is-a-copy", test_restored_state_is_a_copy);
  g_test_add_func ("/sng/adamw/other-settings-are-refused", test_other_settings_are_refused);
  g_test_add_func ("/sng/adamw/groups", test_groups);
  g_test_add_func ("/sng/adamw/no-gradient", test_no_gradient);
  g_test_add_func ("/sng/adamw/other-dtype", test_other_dtype);
  g_test_add_func ("/sng/adamw/kernels", test_kernels);
  g_test_add_func ("/sng/adamw/scattered", test_scattered);
  g_test_add_func ("/sng/adamw/shared-memory", test_shared_memory);

  return g_test_run ();
}
