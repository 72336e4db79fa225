/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "tiny-model.h"

/* What a model, a data module and an optimizer do by default, and what their methods say about one that is written badly. */

G_DECLARE_FINAL_TYPE (BadModel, bad_model, BAD, MODEL, SngModel)
G_DECLARE_FINAL_TYPE (BadData, bad_data, BAD, DATA, SngDataModule)
G_DECLARE_FINAL_TYPE (PlainOptimizer, plain_optimizer, PLAIN, OPTIMIZER, SngOptimizer)

struct _BadModel
{
  SngModel parent_instance;

  GListModel *parameters;
};

struct _BadData
{
  SngDataModule parent_instance;

  SngStateDict *batch;
};

struct _PlainOptimizer
{
  SngOptimizer parent_instance;
};

G_DEFINE_FINAL_TYPE (BadModel, bad_model, SNG_TYPE_MODEL)
G_DEFINE_FINAL_TYPE (BadData, bad_data, SNG_TYPE_DATA_MODULE)
G_DEFINE_FINAL_TYPE (PlainOptimizer, plain_optimizer, SNG_TYPE_OPTIMIZER)

static GListModel *
bad_model_get_parameters (SngModel *model, GError **error)
{
  return BAD_MODEL (model)->parameters != NULL ? g_object_ref (BAD_MODEL (model)->parameters) : NULL;
}

static SngStateDict *
bad_model_forward (SngModel *model, SngStateDict *batch, SngStage stage, GError **error)
{
  return NULL;
}

static void
bad_model_class_init (BadModelClass *klass)
{
  SNG_MODEL_CLASS (klass)->get_parameters = bad_model_get_parameters;
  SNG_MODEL_CLASS (klass)->forward = bad_model_forward;
}

static void
bad_model_init (BadModel *self)
{
}

static SngStateDict *
bad_data_load_batch (SngDataModule *module, SngStage stage, SngTensor *ids, SngRngStream *rng, GError **error)
{
  return BAD_DATA (module)->batch != NULL ? g_object_ref (BAD_DATA (module)->batch) : NULL;
}

static void
bad_data_class_init (BadDataClass *klass)
{
  SNG_DATA_MODULE_CLASS (klass)->load_batch = bad_data_load_batch;
}

static void
bad_data_init (BadData *self)
{
}

static void
plain_optimizer_class_init (PlainOptimizerClass *klass)
{
}

static void
plain_optimizer_init (PlainOptimizer *self)
{
}

static void
check_error (GError **error, int code, const char *in_message)
{
  g_assert_error (*error, SNG_ERROR, code);
  g_assert_nonnull (strstr ((*error)->message, in_message));
  g_clear_error (error);
}

static void
test_bad_model (void)
{
  g_autoptr (BadModel) model = g_object_new (bad_model_get_type (), NULL);
  g_autoptr (TinyModel) tiny = tiny_model_new (1, 0.0);
  g_autoptr (SngStateDict) batch = sng_state_dict_new ();
  g_autoptr (GListStore) twice = g_list_store_new (SNG_TYPE_PARAMETER);
  g_autoptr (GListStore) tensors = g_list_store_new (SNG_TYPE_TENSOR);
  g_autoptr (GError) error = NULL;

  g_assert_null (sng_model_get_parameters (SNG_MODEL (model), &error));
  check_error (&error, SNG_ERROR_FAILED, "BadModel.get_parameters");
  g_assert_null (sng_stateful_get_state (SNG_STATEFUL (model), &error));
  check_error (&error, SNG_ERROR_FAILED, "BadModel.get_parameters");
  g_assert_false (sng_model_zero_gradients (SNG_MODEL (model), &error));
  check_error (&error, SNG_ERROR_FAILED, "BadModel.get_parameters");

  g_list_store_append (twice, tiny->bias);
  g_list_store_append (twice, tiny->bias);
  model->parameters = G_LIST_MODEL (twice);
  g_assert_null (sng_model_get_parameters (SNG_MODEL (model), &error));
  check_error (&error, SNG_ERROR_INVALID_ARGUMENT, "two parameters named \"bias\"");

  model->parameters = G_LIST_MODEL (tensors);
  g_assert_null (sng_model_get_parameters (SNG_MODEL (model), &error));
  check_error (&error, SNG_ERROR_INVALID_ARGUMENT, "a list of SngTensor");

  g_assert_null (sng_model_forward (SNG_MODEL (model), batch, SNG_STAGE_TRAIN, &error));
  check_error (&error, SNG_ERROR_FAILED, "BadModel.forward");
  g_assert_false (sng_model_backward (SNG_MODEL (model), 1.0, &error));
  check_error (&error, SNG_ERROR_NOT_SUPPORTED, "BadModel does not implement backward");
}

static void
test_state (void)
{
  g_autoptr (TinyModel) model = tiny_model_new (1, 0.0);
  g_autoptr (TinyModel) other = tiny_model_new (1, 0.0);
  const gint64 n = 2;
  g_autoptr (SngTensor) short_weight = sng_tensor_new (SNG_DTYPE_F64, &n, 1, NULL, NULL);
  g_autoptr (SngStateDict) state = NULL;
  g_autoptr (GError) error = NULL;
  double *weight = sng_tensor_get_data (sng_parameter_get_value (model->weight));

  weight[1] = 42.0;
  state = sng_stateful_get_state (SNG_STATEFUL (model), &error);
  g_assert_no_error (error);
  sng_stateful_set_state (SNG_STATEFUL (other), state, &error);
  g_assert_no_error (error);
  g_assert_cmpfloat (sng_tensor_get_value (sng_parameter_get_value (other->weight), 1), ==, 42.0);

  /* "weight" would fit, "bias" is missing: then "weight" stays as it is. */
  weight[1] = 43.0;
  sng_state_dict_remove (state, "bias");
  g_assert_false (sng_stateful_set_state (SNG_STATEFUL (other), state, &error));
  check_error (&error, SNG_ERROR_MISMATCH, "bias");
  g_assert_cmpfloat (sng_tensor_get_value (sng_parameter_get_value (other->weight), 1), ==, 42.0);

  sng_state_dict_set_tensor (state, "bias", sng_parameter_get_value (model->bias));
  g_assert_true (sng_stateful_check_state (SNG_STATEFUL (other), state, NULL));
  sng_state_dict_set_tensor (state, "weight", short_weight);
  g_assert_false (sng_stateful_check_state (SNG_STATEFUL (other), state, &error));
  check_error (&error, SNG_ERROR_MISMATCH, "weight");
}

/* Names that are the model's own need no translation. */
static void
test_load_weights (void)
{
  g_autoptr (TinyModel) model = tiny_model_new (1, 0.0);
  g_autoptr (TinyModel) other = tiny_model_new (1, 0.0);
  g_autoptr (SngStateDict) state = sng_stateful_get_state (SNG_STATEFUL (model), NULL);
  g_autofree char *directory = g_dir_make_tmp ("sng-test-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (directory, "weights.safetensors", NULL);
  g_autoptr (GError) error = NULL;

  ((double *) sng_tensor_get_data (sng_parameter_get_value (model->weight)))[1] = 42.0;
  g_assert_true (sng_safetensors_save (path, state, NULL, NULL));
  sng_model_load_weights (SNG_MODEL (other), path, &error);
  g_assert_no_error (error);
  g_assert_cmpfloat (sng_tensor_get_value (sng_parameter_get_value (other->weight), 1), ==, 42.0);

  g_remove (path);
  sng_state_dict_remove (state, "bias");
  sng_state_dict_set_tensor (state, "scale", sng_parameter_get_value (model->bias));
  ((double *) sng_tensor_get_data (sng_parameter_get_value (model->weight)))[1] = 43.0;
  g_assert_true (sng_safetensors_save (path, state, NULL, NULL));
  g_assert_false (sng_model_load_weights (SNG_MODEL (other), path, &error));
  check_error (&error, SNG_ERROR_MISMATCH, "missing: 'bias'; unexpected: 'scale'");
  g_assert_cmpfloat (sng_tensor_get_value (sng_parameter_get_value (other->weight), 1), ==, 42.0);

  g_remove (path);
  g_rmdir (directory);
}

static void
test_zero_gradients (void)
{
  g_autoptr (TinyModel) model = tiny_model_new (1, 0.0);
  double *gradient = sng_tensor_get_data (sng_parameter_get_gradient (model->weight));

  gradient[0] = gradient[2] = 1.0;
  g_assert_true (sng_model_zero_gradients (SNG_MODEL (model), NULL));

  for (guint i = 0; i < TINY_N_INPUTS; i++)
    g_assert_cmpfloat (gradient[i], ==, 0.0);
}

/* What a model does that knows nothing of either. */
static void
test_precision (void)
{
  g_autoptr (TinyModel) model = tiny_model_new (1, 0.0);
  g_autoptr (GError) error = NULL;

  g_assert_true (sng_model_set_precision (SNG_MODEL (model), SNG_PRECISION_32, &error));
  g_assert_no_error (error);
  g_assert_false (sng_model_set_precision (SNG_MODEL (model), SNG_PRECISION_BF16_MIXED, &error));
  check_error (&error, SNG_ERROR_NOT_SUPPORTED,
               "TinyModel does not compute in precision bf16-mixed, only in 32");
  g_assert_false (sng_model_set_precision (SNG_MODEL (model), SNG_PRECISION_16_MIXED, &error));
  check_error (&error, SNG_ERROR_NOT_SUPPORTED, "TinyModel does not compute in precision 16-mixed");
}

static void
test_find_non_finite (void)
{
  g_autoptr (TinyModel) model = tiny_model_new (1, 0.0);
  g_autoptr (BadModel) bad = g_object_new (bad_model_get_type (), NULL);
  double *weight = sng_tensor_get_data (sng_parameter_get_value (model->weight));
  double *bias = sng_tensor_get_data (sng_parameter_get_value (model->bias));
  g_autofree char *in_bias = NULL;
  g_autofree char *in_both = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_null (sng_model_find_non_finite (SNG_MODEL (model), &error));
  g_assert_no_error (error);

  bias[0] = -INFINITY;
  in_bias = sng_model_find_non_finite (SNG_MODEL (model), &error);
  g_assert_cmpstr (in_bias, ==, "bias");

  weight[2] = NAN;
  in_both = sng_model_find_non_finite (SNG_MODEL (model), &error);
  g_assert_cmpstr (in_both, ==, "weight");
  g_assert_no_error (error);

  g_assert_null (sng_model_find_non_finite (SNG_MODEL (bad), &error));
  check_error (&error, SNG_ERROR_FAILED, "BadModel.get_parameters");
}

static void
test_bad_data (void)
{
  g_autoptr (BadData) data = g_object_new (bad_data_get_type (), NULL);
  SngDataModule *module = SNG_DATA_MODULE (data);
  const gint64 n = 1;
  g_autoptr (SngTensor) ids = sng_tensor_new (SNG_DTYPE_I64, &n, 1, NULL, NULL);
  g_autoptr (SngRngStream) rng = sng_rng_stream_new (1, "masking", 0);
  g_autoptr (SngStateDict) batch = sng_state_dict_new ();
  g_autoptr (GError) error = NULL;

  g_assert_true (sng_data_module_setup (module, NULL));
  g_assert_cmpuint (sng_data_module_get_n_samples (module, SNG_STAGE_TRAIN), ==, 0);

  g_assert_null (sng_data_module_load_batch (module, SNG_STAGE_TRAIN, ids, rng, &error));
  check_error (&error, SNG_ERROR_FAILED, "BadData.load_batch");

  data->batch = batch;
  g_assert_null (sng_data_module_load_batch (module, SNG_STAGE_TRAIN, ids, rng, &error));
  check_error (&error, SNG_ERROR_NOT_FOUND, "sample_ids");
  sng_state_dict_set_tensor (batch, "sample_ids", ids);
  g_assert_null (sng_data_module_load_batch (module, SNG_STAGE_TRAIN, ids, rng, &error));
  check_error (&error, SNG_ERROR_NOT_FOUND, "n_targets");
  sng_state_dict_set_int64 (batch, "n_targets", -3);
  g_assert_null (sng_data_module_load_batch (module, SNG_STAGE_TRAIN, ids, rng, &error));
  check_error (&error, SNG_ERROR_INVALID_DATA, "n_targets is -3");
}

/* Without memory of its own an optimizer has but its learning rate to keep. */
static void
test_plain_optimizer (void)
{
  g_autoptr (SngOptimizer) optimizer =
      g_object_new (plain_optimizer_get_type (), "learning-rate", 0.25, NULL);
  g_autoptr (SngOptimizer) resumed = g_object_new (plain_optimizer_get_type (), NULL);
  g_autoptr (SngStateDict) state = sng_stateful_get_state (SNG_STATEFUL (optimizer), NULL);
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (g_list_model_get_n_items (sng_optimizer_get_parameters (optimizer)), ==, 0);
  g_assert_true (sng_stateful_set_state (SNG_STATEFUL (resumed), state, NULL));
  g_assert_cmpfloat (sng_optimizer_get_learning_rate (resumed), ==, 0.25);

  sng_state_dict_set_double (state, "learning_rate", -1.0);
  g_assert_false (sng_stateful_set_state (SNG_STATEFUL (resumed), state, &error));
  check_error (&error, SNG_ERROR_MISMATCH, "learning_rate: the checkpoint has -1");
  g_assert_cmpfloat (sng_optimizer_get_learning_rate (resumed), ==, 0.25);

  /* what another kind of optimizer has kept */
  sng_state_dict_set_double (state, "learning_rate", 0.5);
  sng_state_dict_set_int64 (state, "step", 3);
  g_assert_false (sng_stateful_check_state (SNG_STATEFUL (resumed), state, &error));
  check_error (&error, SNG_ERROR_MISMATCH, "step: the checkpoint has it, this run does not know it");

  g_assert_false (sng_optimizer_step (optimizer, &error));
  check_error (&error, SNG_ERROR_NOT_SUPPORTED, "PlainOptimizer does not implement step");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/model/bad-model", test_bad_model);
  g_test_add_func ("/sng/model/state", test_state);
  g_test_add_func ("/sng/model/load-weights", test_load_weights);
  g_test_add_func ("/sng/model/zero-gradients", test_zero_gradients);
  g_test_add_func ("/sng/model/precision", test_precision);
  g_test_add_func ("/sng/model/find-non-finite", test_find_non_finite);
  g_test_add_func ("/sng/model/bad-data", test_bad_data);
  g_test_add_func ("/sng/model/plain-optimizer", test_plain_optimizer);

  return g_test_run ();
}
