/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <math.h>
#include <sng.h>
#include <string.h>

#include "cpu/sng-cpu-math-private.h"
#include "optimizer-fixture.h"
#include "sgd-reference.h"

typedef struct
{
  const char *name;
  const double *expected;
  guint n_steps;
  double rate;
  double fall;
  double column_factor;
  double weight_decay;
  double momentum;
  double dampening;
  gboolean nesterov;
  double tolerance[2]; /* of f32 and of f64, beside numbers about 1 */
} Case;

/* clang-format off */
static const Case cases[] = {
  { "plain", expected_plain, 4, 0.5, 0, 1, 0.25, 0, 0, FALSE, { 0, 0 } },
  { "momentum", expected_momentum, 4, 0.5, 0, 1, 0.25, 0.5, 0.5, FALSE, { 0, 0 } },
  { "nesterov", expected_nesterov, 4, 0.5, 0, 1, 0.25, 0.5, 0, TRUE, { 0, 0 } },
  { "long", expected_long, 10, 1e-2, 0.05, 0.1, 0.1, 0.9, 0.1, FALSE, { 1e-6, 1e-14 } },
  { "long-nesterov", expected_long_nesterov, 10, 1e-2, 0.05, 0.1, 0.1, 0.9, 0, TRUE, { 1e-6, 1e-14 } },
};
/* clang-format on */

static const Case *const nesterov = &cases[2];
static const Case *const dampened = &cases[3];

static SngOptimizer *
optimizer_new (GListStore *parameters, const Case *settings, double momentum)
{
  g_autoptr (GError) error = NULL;
  SngOptimizer *optimizer = g_object_new (SNG_TYPE_SGD, "parameters", parameters, "weight-decay",
                                          settings->weight_decay, "momentum", momentum, "dampening",
                                          settings->dampening, "nesterov", settings->nesterov, NULL);

  sng_grouped_optimizer_add_group (SNG_GROUPED_OPTIMIZER (optimizer), "no-decay", "*.bias", 0.0, 0.5, &error);
  g_assert_no_error (error);

  return optimizer;
}

static void
run_steps (SngOptimizer *optimizer, const Case *settings, guint first, guint last)
{
  optimizer_run_steps (optimizer, first, last, settings->rate, settings->fall, settings->column_factor);
}

static double
compare_tensor (SngTensor *tensor, const double **expected)
{
  double worst = 0.0;

  for (guint i = 0; i < sng_tensor_get_n_elements (tensor); i++, (*expected)++)
    worst = fmax (worst, fabs (sng_tensor_get_value (tensor, i) - **expected));

  return worst;
}

static double
compare_with_reference (SngOptimizer *optimizer, const Case *settings)
{
  GListModel *parameters = sng_optimizer_get_parameters (optimizer);
  g_autoptr (SngStateDict) state = sng_stateful_get_state (SNG_STATEFUL (optimizer), NULL);
  const double *expected = settings->expected;
  double worst = 0.0;

  for (guint i = 0; i < OPTIMIZER_N_PARAMETERS; i++)
    {
      g_autoptr (SngParameter) parameter = g_list_model_get_item (parameters, i);
      g_autofree char *name = g_strconcat (optimizer_parameter_name (i), ".momentum_buffer", NULL);

      worst = fmax (worst, compare_tensor (sng_parameter_get_value (parameter), &expected));
      if (settings->momentum > 0.0)
        worst = fmax (worst, compare_tensor (sng_state_dict_lookup_tensor (state, name), &expected));
      else
        g_assert_false (sng_state_dict_contains (state, name));
    }

  return worst;
}

static void
test_reference (gconstpointer data)
{
  const Case *settings = data;
  const SngDtype dtypes[] = { SNG_DTYPE_F32, SNG_DTYPE_F64 };

  for (guint i = 0; i < G_N_ELEMENTS (dtypes); i++)
    {
      g_autoptr (GListStore) parameters = optimizer_parameters_new (dtypes[i]);
      g_autoptr (GListStore) other_parameters = optimizer_parameters_new (dtypes[i]);
      g_autoptr (SngOptimizer) optimizer = optimizer_new (parameters, settings, settings->momentum);
      g_autoptr (SngOptimizer) other =
          optimizer_new (other_parameters, settings, settings->momentum == 0.0 ? 0.0 : 0.8999);
      double worst;

      run_steps (optimizer, settings, 1, settings->n_steps);
      worst = compare_with_reference (optimizer, settings);
      g_test_message ("largest difference %g", worst);
      g_assert_cmpfloat (worst, <=, settings->tolerance[i]);

      /* The comparison can fail: another momentum or, without one, a step less. */
      run_steps (other, settings, 1, settings->n_steps - (settings->momentum == 0.0 ? 1 : 0));
      g_assert_cmpfloat (compare_with_reference (other, settings), >, 100 * settings->tolerance[i]);
    }
}

/* By hand: 1, with the gradients 1, then 2, rate 0.5, momentum 0.5. */
static void
test_by_hand (void)
{
  const double gradients[] = { 1, 2, 0 };
  const double buffers[] = { 1, 2.5, 1.25 };      /* the gradient; 0.5 + 2; 1.25 */
  const double values[] = { 0.5, -0.75, -1.375 }; /* 1 - 0.5; - 1.25; - 0.625 */
  const gint64 n = 1;
  g_autoptr (GListStore) parameters = g_list_store_new (SNG_TYPE_PARAMETER);
  g_autoptr (SngTensor) value = sng_tensor_new (SNG_DTYPE_F32, &n, 1, NULL, NULL);
  g_autoptr (SngTensor) gradient = sng_tensor_new (SNG_DTYPE_F32, &n, 1, NULL, NULL);
  g_autoptr (SngParameter) parameter = sng_parameter_new ("weight", value, gradient);
  g_autoptr (SngOptimizer) optimizer = NULL;

  g_list_store_append (parameters, parameter);
  optimizer = sng_sgd_new (G_LIST_MODEL (parameters), 0.5, 0.5, 0.0);
  optimizer_set_value (value, 0, 1);

  for (guint i = 0; i < G_N_ELEMENTS (gradients); i++)
    {
      g_autoptr (SngStateDict) state = NULL;

      optimizer_set_value (gradient, 0, gradients[i]);
      g_assert_true (sng_optimizer_step (optimizer, NULL));
      state = sng_stateful_get_state (SNG_STATEFUL (optimizer), NULL);

      g_assert_cmpfloat (sng_tensor_get_value (value, 0), ==, values[i]);
      g_assert_cmpfloat (
          sng_tensor_get_value (sng_state_dict_lookup_tensor (state, "weight.momentum_buffer"), 0), ==,
          buffers[i]);
    }
}

/* A stop between two steps changes not a bit: not after the first one, before which there is no momentum, and not later. */
static void
test_resume (void)
{
  for (guint stop = 0; stop < dampened->n_steps; stop++)
    {
      g_autoptr (GListStore) parameters = optimizer_parameters_new (SNG_DTYPE_F32);
      g_autoptr (GListStore) whole_parameters = optimizer_parameters_new (SNG_DTYPE_F32);
      g_autoptr (SngOptimizer) optimizer = optimizer_new (parameters, dampened, 0.9);
      g_autoptr (SngOptimizer) resumed = optimizer_new (parameters, dampened, 0.9);
      g_autoptr (SngOptimizer) whole = optimizer_new (whole_parameters, dampened, 0.9);
      g_autoptr (SngStateDict) state = NULL;
      g_autoptr (GError) error = NULL;
      gint64 step;

      run_steps (whole, dampened, 1, dampened->n_steps);

      run_steps (optimizer, dampened, 1, stop);
      state = sng_stateful_get_state (SNG_STATEFUL (optimizer), &error);
      g_assert_no_error (error);
      g_assert_true (sng_state_dict_get_int64 (state, "step", &step, NULL));
      g_assert_cmpint (step, ==, stop);
      sng_stateful_set_state (SNG_STATEFUL (resumed), state, &error);
      g_assert_no_error (error);
      run_steps (resumed, dampened, stop + 1, dampened->n_steps);

      for (guint i = 0; i < OPTIMIZER_N_PARAMETERS; i++)
        {
          g_autoptr (SngParameter) a = g_list_model_get_item (G_LIST_MODEL (parameters), i);
          g_autoptr (SngParameter) b = g_list_model_get_item (G_LIST_MODEL (whole_parameters), i);

          g_assert_true (sng_tensor_equal (sng_parameter_get_value (a), sng_parameter_get_value (b)));
        }
    }
}

static void
test_other_settings_are_refused (void)
{
  const OptimizerFault faults[] = {
    { "momentum", g_variant_new_double (0.75),
      "[sgd][restore] momentum: the checkpoint has 0.75, this run has 0.5" },
    { "dampening", g_variant_new_double (0.5), "dampening: the checkpoint has 0.5, this run has 0" },
    { "nesterov", g_variant_new_boolean (FALSE), "nesterov: the checkpoint has false, this run has true" },
    { "group.no-decay.learning_rate_factor", g_variant_new_double (1),
      "group.no-decay.learning_rate_factor" },
    { "step", g_variant_new_int64 (-1), "step: the checkpoint has -1" },
    { "step", NULL, "step" },
    { "norm.weight.momentum_buffer", NULL,
      "norm.weight.momentum_buffer: the checkpoint has no such tensor, this run has F32 [7]" },
    { "beta1", g_variant_new_double (0.9), "beta1: the checkpoint has it, this run does not know it" },
  };
  g_autoptr (GListStore) parameters = optimizer_parameters_new (SNG_DTYPE_F32);
  g_autoptr (SngOptimizer) optimizer = optimizer_new (parameters, nesterov, 0.5);
  g_autoptr (SngOptimizer) resumed = optimizer_new (parameters, nesterov, 0.5);

  run_steps (optimizer, nesterov, 1, 2);
  for (guint i = 0; i < G_N_ELEMENTS (faults); i++)
    optimizer_check_refusal (resumed, optimizer, &faults[i]);
}

/* As torch.optim.SGD has it. */
static void
test_nesterov_needs_momentum (void)
{
  const double settings[][2] = { { 0.0, 0.0 }, { 0.5, 0.25 } }; /* momentum, dampening */

  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    {
      g_autoptr (GListStore) parameters = optimizer_parameters_new (SNG_DTYPE_F32);
      g_autoptr (SngOptimizer) optimizer =
          g_object_new (SNG_TYPE_SGD, "parameters", parameters, "momentum", settings[i][0], "dampening",
                        settings[i][1], "nesterov", TRUE, NULL);
      g_autoptr (SngStateDict) state = NULL;
      g_autoptr (GError) error = NULL;

      g_assert_false (sng_optimizer_step (optimizer, &error));
      g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT);
      g_assert_nonnull (strstr (error->message, "[sgd] nesterov: the momentum is 0"));
      g_clear_error (&error);

      state = sng_stateful_get_state (SNG_STATEFUL (optimizer), &error);
      g_assert_null (state);
      g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT);
    }
}

static void
test_properties (void)
{
  g_autoptr (GListStore) parameters = optimizer_parameters_new (SNG_DTYPE_F32);
  g_autoptr (SngOptimizer) optimizer = sng_sgd_new (G_LIST_MODEL (parameters), 0.5, 0.25, 0.125);
  double learning_rate, momentum, dampening, weight_decay;
  gboolean is_nesterov;

  g_object_get (optimizer, "learning-rate", &learning_rate, "momentum", &momentum, "dampening", &dampening,
                "nesterov", &is_nesterov, "weight-decay", &weight_decay, NULL);
  g_assert_cmpfloat (learning_rate, ==, 0.5);
  g_assert_cmpfloat (momentum, ==, 0.25);
  g_assert_cmpfloat (dampening, ==, 0.0);
  g_assert_false (is_nesterov);
  g_assert_cmpfloat (weight_decay, ==, 0.125);
}

#define N_SPANS 5
#define N_LARGE (N_SPANS * SNG_SPAN_ELEMENTS - 3)
#define N_ARRAYS 3

/* Parameter, gradient and buffer after a step over several spans. */
static void
run_kernel (const SngKernels *kernels, guint n_threads, float *const *arrays)
{
  g_autoptr (SngDevice) device = sng_device_new_cpu (n_threads);
  SngSpan spans[N_SPANS];
  const SngSgdUpdate op = {
    .update = { .step = 2, .learning_rate = 0.1, .n_spans = N_SPANS, .spans = spans },
    .momentum = 0.9,
    .dampening = 0.3,
  };

  for (guint i = 0; i < N_ARRAYS; i++)
    for (gsize j = 0; j < N_LARGE; j++)
      arrays[i][j] = (float) ((j * 7919 + i * 104729) % 10007) / 5000.0f - 1.0f;

  for (gsize i = 0; i < N_SPANS; i++)
    spans[i] = (SngSpan){
      .n_elements = MIN (SNG_SPAN_ELEMENTS, N_LARGE - i * SNG_SPAN_ELEMENTS),
      .learning_rate_factor = i == 2 ? 0.3 : 1.0,
      .weight_decay = i == 2 ? 0.0 : 0.1,
      .parameter = arrays[0] + i * SNG_SPAN_ELEMENTS,
      .gradient = arrays[1] + i * SNG_SPAN_ELEMENTS,
      .buffers = { arrays[2] + i * SNG_SPAN_ELEMENTS, NULL },
    };

  kernels->sgd (device, &op);
}

/* Any number of threads and any instruction set: the same bits. */
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
  g_autofree float *memory = g_new (float, 2 * N_ARRAYS * (gsize) N_LARGE);
  float *arrays[2][N_ARRAYS];

  for (guint i = 0; i < 2 * N_ARRAYS; i++)
    arrays[i / N_ARRAYS][i % N_ARRAYS] = memory + i * (gsize) N_LARGE;

  run_kernel (runs[0].kernels, runs[0].n_threads, arrays[0]);
  for (guint i = 1; i < G_N_ELEMENTS (runs); i++)
    {
      run_kernel (runs[i].kernels, runs[i].n_threads, arrays[1]);
      for (guint j = 0; j < N_ARRAYS; j++)
        g_assert_cmpmem (arrays[1][j], N_LARGE * sizeof (float), arrays[0][j], N_LARGE * sizeof (float));
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/sng/sgd/reference/", cases[i].name, NULL);

      g_test_add_data_func (path, &cases[i], test_reference);
    }

  g_test_add_func ("/sng/sgd/by-hand", test_by_hand);
  g_test_add_func ("/sng/sgd/resume", test_resume);
  g_test_add_func ("/sng/sgd/other-settings-are-refused", test_other_settings_are_refused);
  g_test_add_func ("/sng/sgd/nesterov-needs-momentum", test_nesterov_needs_momentum);
  g_test_add_func ("/sng/sgd/properties", test_properties);
  g_test_add_func ("/sng/sgd/kernels", test_kernels);

  return g_test_run ();
}
