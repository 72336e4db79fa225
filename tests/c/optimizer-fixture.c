/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "optimizer-fixture.h"

#include <math.h>
#include <string.h>

static const struct
{
  const char *name;
  guint n_dims;
  gint64 shape[2];
} layout[OPTIMIZER_N_PARAMETERS] = {
  { "layer.weight", 2, { 3, 4 } },
  { "layer.bias", 1, { 5 } },
  { "norm.weight", 1, { 7 } },
  { "head.bias", 1, { 1 } },
};

const char *
optimizer_parameter_name (guint parameter)
{
  return layout[parameter].name;
}

double
optimizer_value_of (guint parameter, guint element, guint step)
{
  return (double) ((parameter * 31 + element * 17 + step * 13) % 101) / 64.0 - 0.75;
}

void
optimizer_set_value (SngTensor *tensor, guint element, double value)
{
  gpointer data = sng_tensor_get_data (tensor);

  if (sng_tensor_get_dtype (tensor) == SNG_DTYPE_F32)
    ((float *) data)[element] = (float) value;
  else
    ((double *) data)[element] = value;
}

GListStore *
optimizer_parameters_new (SngDtype dtype)
{
  GListStore *parameters = g_list_store_new (SNG_TYPE_PARAMETER);

  for (guint i = 0; i < OPTIMIZER_N_PARAMETERS; i++)
    {
      g_autoptr (SngTensor) value = sng_tensor_new (dtype, layout[i].shape, layout[i].n_dims, NULL, NULL);
      g_autoptr (SngTensor) gradient = sng_tensor_new (dtype, layout[i].shape, layout[i].n_dims, NULL, NULL);
      g_autoptr (SngParameter) parameter = sng_parameter_new (layout[i].name, value, gradient);

      for (guint j = 0; j < sng_tensor_get_n_elements (value); j++)
        optimizer_set_value (value, j, optimizer_value_of (i, j, 0));

      g_list_store_append (parameters, parameter);
    }

  return parameters;
}

void
optimizer_run_steps (SngOptimizer *optimizer,
                     guint first,
                     guint last,
                     double rate,
                     double fall,
                     double column_factor)
{
  GListModel *parameters = sng_optimizer_get_parameters (optimizer);
  g_autoptr (GError) error = NULL;

  for (guint step = first; step <= last; step++)
    {
      for (guint i = 0; i < OPTIMIZER_N_PARAMETERS; i++)
        {
          g_autoptr (SngParameter) parameter = g_list_model_get_item (parameters, i);
          SngTensor *gradient = sng_parameter_get_gradient (parameter);

          for (guint j = 0; j < sng_tensor_get_n_elements (gradient); j++)
            optimizer_set_value (gradient, j, optimizer_value_of (i, j, step) * pow (column_factor, j % 4));
        }

      sng_optimizer_set_learning_rate (optimizer, rate * (1.0 - fall * (step - 1)));
      sng_optimizer_step (optimizer, &error);
      g_assert_no_error (error);
    }
}

static void
check_equal_states (SngStateDict *a, SngStateDict *b)
{
  g_autoptr (SngFingerprint) first = sng_state_dict_compute_fingerprint (a);
  g_autoptr (SngFingerprint) second = sng_state_dict_compute_fingerprint (b);

  g_assert_true (sng_fingerprint_equal (first, second));
}

void
optimizer_check_refusal (SngOptimizer *optimizer, SngOptimizer *trained, const OptimizerFault *fault)
{
  g_autoptr (SngStateDict) state = sng_stateful_get_state (SNG_STATEFUL (trained), NULL);
  g_autoptr (SngStateDict) live = sng_stateful_get_state (SNG_STATEFUL (optimizer), NULL);
  g_autoptr (SngStateDict) before = sng_state_dict_copy (live, NULL);
  g_autoptr (SngStateDict) after = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (sng_stateful_check_state (SNG_STATEFUL (optimizer), state, NULL));

  sng_state_dict_remove (state, fault->name);
  if (fault->value != NULL)
    sng_state_dict_set_value (state, fault->name, fault->value);

  g_assert_false (sng_stateful_check_state (SNG_STATEFUL (optimizer), state, NULL));
  g_assert_false (sng_stateful_set_state (SNG_STATEFUL (optimizer), state, &error));
  g_assert_true (error->domain == SNG_ERROR);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, fault->in_message));

  after = sng_stateful_get_state (SNG_STATEFUL (optimizer), NULL);
  check_equal_states (after, before);
}
