/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "../c/state-fixture.h"
#include "twin-fixture.h"

#include <math.h>
#include <string.h>

/* The whole engine on a GPU: gradients beside the processor's, the same bits twice, stop and go, and from one device to the
 * other. */

#define MAX_LENGTH 24
#define N_SEQUENCES 3
#define N_STEPS 4
#define N_STOP 2

/* Of a gradient, as a share of its norm; in mixed precision both sides round to operands at other places. */
#define F32_TOLERANCE 1e-4
#define F16_TOLERANCE 2e-2
#define BF16_TOLERANCE 1e-1

typedef struct
{
  SngArchitecture architecture;
  SngPrecision precision;
} Training;

static const Training trainings[] = {
  { SNG_ARCHITECTURE_ESM2, SNG_PRECISION_32 },         { SNG_ARCHITECTURE_GPT, SNG_PRECISION_32 },
  { SNG_ARCHITECTURE_ESM2, SNG_PRECISION_BF16_MIXED }, { SNG_ARCHITECTURE_GPT, SNG_PRECISION_BF16_MIXED },
  { SNG_ARCHITECTURE_ESM2, SNG_PRECISION_16_MIXED },   { SNG_ARCHITECTURE_GPT, SNG_PRECISION_16_MIXED },
};

static char *directory;
static char *text_path;

static SngDevice *
new_cuda (void)
{
  g_autoptr (GError) error = NULL;
  SngDevice *device = sng_device_new ("cuda", &error);

  g_assert_no_error (error);
  return device;
}

static SngModel *
new_model (const Training *training, SngDevice *device)
{
  g_autoptr (SngTransformerConfig) config = sng_transformer_config_new (training->architecture, 2, 48, 3);
  g_autoptr (GError) error = NULL;
  SngModel *model;

  g_object_set (config, "max-length", MAX_LENGTH, "max-batch-size", N_SEQUENCES, "hidden-dropout", 0.1,
                "attention-dropout", 0.1, "ffn-size", 80, NULL);
  model = sng_transformer_new (config, device, &error);
  g_assert_no_error (error);
  sng_model_set_precision (model, training->precision, &error);
  g_assert_no_error (error);
  return model;
}

static void
set_indices (SngStateDict *batch, const char *name, const gint64 *values)
{
  const gint64 shape[] = { N_SEQUENCES, MAX_LENGTH };
  g_autoptr (GBytes) bytes = g_bytes_new (values, N_SEQUENCES * MAX_LENGTH * sizeof (gint64));
  g_autoptr (GError) error = NULL;
  g_autoptr (SngTensor) tensor = sng_tensor_new_from_bytes (SNG_DTYPE_I64, shape, 2, bytes, &error);

  g_assert_no_error (error);
  sng_state_dict_set_tensor (batch, name, tensor);
}

/* One sequence ends early, another has a hole in its mask. */
static SngStateDict *
new_batch (void)
{
  SngStateDict *batch = sng_state_dict_new ();
  gint64 ids[N_SEQUENCES * MAX_LENGTH], labels[N_SEQUENCES * MAX_LENGTH], mask[N_SEQUENCES * MAX_LENGTH];

  for (gint64 i = 0; i < N_SEQUENCES * MAX_LENGTH; i++)
    {
      mask[i] = !((i >= 2 * MAX_LENGTH - 7 && i < 2 * MAX_LENGTH) || i == 2 * MAX_LENGTH + 5);
      ids[i] = mask[i] == 0 ? 1 : i % 6 == 1 ? 32 : 4 + i * 7 % 20;
      labels[i] = mask[i] == 0 || i % 3 == 0 ? -100 : 4 + i * 5 % 20;
    }
  set_indices (batch, "input_ids", ids);
  set_indices (batch, "labels", labels);
  set_indices (batch, "attention_mask", mask);
  return batch;
}

/* First weights are small; larger ones bring every part of the model into play. */
static void
enlarge (SngModel *model)
{
  g_autoptr (GListModel) parameters = sng_model_get_parameters (model, NULL);

  for (guint i = 0; i < g_list_model_get_n_items (parameters); i++)
    {
      g_autoptr (SngParameter) parameter = g_list_model_get_item (parameters, i);
      SngTensor *value = sng_parameter_get_value (parameter);
      float *values = sng_tensor_get_data (value);

      for (gint64 j = 0; j < sng_tensor_get_n_elements (value); j++)
        values[j] = values[j] * 4 + 0.01f * (float) (j % 7 - 3);
    }
}

static double
forward_and_back (SngModel *model)
{
  g_autoptr (SngStateDict) batch = new_batch ();
  g_autoptr (SngStateDict) outputs = NULL;
  g_autoptr (GError) error = NULL;
  double loss = NAN;

  sng_model_zero_gradients (model, &error);
  g_assert_no_error (error);
  outputs = sng_model_forward (model, batch, SNG_STAGE_TRAIN, &error);
  g_assert_no_error (error);
  g_assert_true (sng_state_dict_get_double (outputs, "loss", &loss, &error));
  sng_model_backward (model, 1, &error);
  g_assert_no_error (error);
  return loss;
}

static double
compare_tensors (SngTensor *tensor, SngTensor *expected, double factor)
{
  double difference = 0, norm = 0;

  for (gint64 i = 0; i < sng_tensor_get_n_elements (tensor); i++)
    {
      double x = sng_tensor_get_value (tensor, i) * factor, y = sng_tensor_get_value (expected, i);

      difference += (x - y) * (x - y);
      norm += y * y;
    }
  return sqrt (difference / norm);
}

static double
get_tolerance (SngPrecision precision)
{
  return precision == SNG_PRECISION_32           ? F32_TOLERANCE
         : precision == SNG_PRECISION_BF16_MIXED ? BF16_TOLERANCE
                                                 : F16_TOLERANCE;
}

/* The bias of the keys has no gradient but what rounding leaves: it moves all scores of a query alike. */
static gboolean
is_noise (const char *name)
{
  return g_str_has_suffix (name, ".key.bias");
}

/* The least norm of one gradient is that of all, times this: below it is rounding. */
static void
compare_gradients (SngModel *model, SngModel *expected, double tolerance)
{
  g_autoptr (GListModel) ours = sng_model_get_parameters (model, NULL);
  g_autoptr (GListModel) theirs = sng_model_get_parameters (expected, NULL);
  double worst = 0;

  for (guint i = 0; i < g_list_model_get_n_items (ours); i++)
    {
      g_autoptr (SngParameter) parameter = g_list_model_get_item (ours, i);
      g_autoptr (SngParameter) other = g_list_model_get_item (theirs, i);
      SngTensor *gradient = sng_parameter_get_gradient (parameter);
      g_autoptr (SngTensor) on_host = NULL;
      g_autoptr (GBytes) bytes = NULL;
      g_autoptr (GError) error = NULL;
      const gint64 *shape;
      guint n_dims;
      double error_of_all;

      if (gradient == NULL || is_noise (sng_parameter_get_name (parameter)))
        continue;

      bytes = sng_tensor_dup_bytes (gradient, &error);
      g_assert_no_error (error);
      shape = sng_tensor_get_shape (gradient, &n_dims);
      on_host = sng_tensor_new_from_bytes (SNG_DTYPE_F32, shape, n_dims, bytes, &error);
      g_assert_no_error (error);

      error_of_all = compare_tensors (on_host, sng_parameter_get_gradient (other), 1);
      worst = MAX (worst, error_of_all);
      if (!(error_of_all < tolerance))
        g_error ("%s: the gradient differs by %.1e, more than %.1e", sng_parameter_get_name (parameter),
                 error_of_all, tolerance);
      g_assert_cmpfloat (compare_tensors (on_host, sng_parameter_get_gradient (other), 1 + 4 * tolerance), >,
                         tolerance);
    }
  g_test_message ("worst: %.1e", worst);
  g_assert_cmpfloat (worst, >, 0);
}

static void
test_gradients (gconstpointer data)
{
  const Training *training = data;
  double tolerance = get_tolerance (training->precision);
  g_autoptr (SngDevice) cuda = new_cuda ();
  g_autoptr (SngModel) expected = new_model (training, twin_cpu ());
  g_autoptr (SngModel) model = new_model (training, cuda);
  g_autoptr (SngStateDict) state = NULL;
  g_autoptr (GError) error = NULL;

  enlarge (expected);
  state = sng_stateful_get_state (SNG_STATEFUL (expected), &error);
  g_assert_no_error (error);
  g_assert_true (sng_stateful_set_state (SNG_STATEFUL (model), state, &error));

  /* The second time the dropout's stream is further, and the pass is recorded; the third time it is played again. */
  for (guint i = 0; i < 3; i++)
    {
      double theirs = forward_and_back (expected), ours = forward_and_back (model);

      g_assert_cmpfloat_with_epsilon (ours, theirs, tolerance * theirs);
      compare_gradients (model, expected, tolerance);
    }
}

/* Attaches a data module, AdamW and a schedule. */
static SngTrainer *
new_trainer (const Training *training, SngDevice *device)
{
  g_autoptr (SngModel) model = new_model (training, device);
  g_autoptr (SngDataModule) data_module = training->architecture == SNG_ARCHITECTURE_GPT
                                              ? sng_text_data_module_new (text_path, MAX_LENGTH)
                                              : sng_fasta_data_module_new (NULL, MAX_LENGTH);
  g_autoptr (GListModel) parameters = sng_model_get_parameters (model, NULL);
  g_autoptr (SngOptimizer) optimizer = sng_adamw_new (parameters, 1e-3, 0.01);
  g_autoptr (SngLrScheduler) scheduler = sng_linear_warmup_lr_new (1e-3, 4);
  g_autoptr (SngExponentialMovingAverage) average = sng_exponential_moving_average_new (0.9);
  g_autoptr (GError) error = NULL;
  SngTrainer *trainer = sng_trainer_new ();

  g_object_set (trainer, "seed", (guint64) 5, "micro-batch-size", N_SEQUENCES, "accumulate-grad-batches", 2,
                "max-steps", (guint64) N_STEPS, "gradient-clip-norm", 1.0, "precision", training->precision,
                "exponential-moving-average", average, NULL);
  sng_trainer_attach (trainer, model, data_module, optimizer, scheduler, &error);
  g_assert_no_error (error);
  return trainer;
}

static void
fit (SngTrainer *trainer)
{
  g_autoptr (GError) error = NULL;

  sng_trainer_fit (trainer, &error);
  g_assert_no_error (error);
}

/* Of everything that a checkpoint has: parameters, moments, averages, streams. */
static char *
fingerprint_of (SngTrainer *trainer)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngCheckpoint) checkpoint =
      sng_state_registry_capture (sng_trainer_get_state_registry (trainer), 0, &error);
  g_autoptr (SngFingerprint) fingerprint = NULL;

  g_assert_no_error (error);
  fingerprint = sng_checkpoint_compute_fingerprint (checkpoint);
  return sng_fingerprint_to_string (fingerprint);
}

static char *
train (const Training *training)
{
  g_autoptr (SngDevice) device = new_cuda ();
  g_autoptr (SngTrainer) trainer = new_trainer (training, device);

  fit (trainer);
  return fingerprint_of (trainer);
}

/* Saves in the background at N_STOP on one device, and goes on from there on the other. */
static SngTrainer *
stop_and_go (const Training *training, SngDevice *from, SngDevice *to, guint64 dropped)
{
  g_autoptr (SngModelCheckpoint) plan =
      g_object_new (SNG_TYPE_MODEL_CHECKPOINT, "directory", directory, "save-in-background", TRUE, NULL);
  g_autoptr (SngTrainer) trainer = new_trainer (training, from);
  g_autoptr (SngTrainer) resumed = new_trainer (training, to);
  g_autoptr (SngCheckpoint) checkpoint = NULL;
  g_autoptr (GError) error = NULL;
  SngRngStream *dropout =
      SNG_RNG_STREAM (sng_state_registry_lookup (sng_trainer_get_state_registry (resumed), "rng/dropout"));

  g_object_set (trainer, "max-steps", (guint64) N_STOP, "model-checkpoint", plan, NULL);
  fit (trainer);
  checkpoint = sng_checkpoint_store_load_latest (sng_trainer_get_checkpoint_store (trainer), NULL, &error);
  g_assert_no_error (error);
  sng_trainer_restore (resumed, checkpoint, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (sng_trainer_get_global_step (resumed), ==, N_STOP);
  sng_rng_stream_set_position (dropout, sng_rng_stream_get_position (dropout) - dropped);
  fit (resumed);
  sng_rng_stream_set_position (dropout, sng_rng_stream_get_position (dropout) + dropped);
  return g_steal_pointer (&resumed);
}

static void
test_stop_and_go (gconstpointer data)
{
  g_autofree char *continuous = train (data);
  g_autofree char *again = train (data);
  g_autofree char *resumed = NULL;
  g_autofree char *damaged = NULL;

  for (guint64 dropped = 0; dropped < 2; dropped++)
    {
      g_autoptr (SngDevice) device = new_cuda ();
      g_autoptr (SngTrainer) trainer = stop_and_go (data, device, device, dropped);

      *(dropped == 0 ? &resumed : &damaged) = fingerprint_of (trainer);
    }

  g_assert_cmpstr (again, ==, continuous);
  g_assert_cmpstr (resumed, ==, continuous);
  /* A stream of dropout that is one sample behind is found. */
  g_assert_cmpstr (damaged, !=, continuous);
}

/* Without graphs every kernel is launched by itself. */
static void
test_graphs (gconstpointer data)
{
  g_autofree char *with = train (data);
  g_autofree char *without = NULL;

  g_setenv ("SNG_CUDA_GRAPHS", "0", TRUE);
  without = train (data);
  g_unsetenv ("SNG_CUDA_GRAPHS");
  g_assert_cmpstr (without, ==, with);
}

static double
compare_parameters (SngTrainer *trainer, SngTrainer *expected)
{
  g_autoptr (GListModel) ours = sng_model_get_parameters (sng_trainer_get_model (trainer), NULL);
  g_autoptr (GListModel) theirs = sng_model_get_parameters (sng_trainer_get_model (expected), NULL);
  double difference = 0, norm = 0;

  for (guint i = 0; i < g_list_model_get_n_items (ours); i++)
    {
      g_autoptr (SngParameter) parameter = g_list_model_get_item (ours, i);
      g_autoptr (SngParameter) other = g_list_model_get_item (theirs, i);

      for (gint64 j = 0; j < sng_tensor_get_n_elements (sng_parameter_get_value (parameter)); j += 17)
        {
          double x = sng_tensor_get_value (sng_parameter_get_value (parameter), j);
          double y = sng_tensor_get_value (sng_parameter_get_value (other), j);

          difference += (x - y) * (x - y);
          norm += y * y;
        }
    }
  return sqrt (difference / norm);
}

/* From the processor to the GPU, and from there back. */
static void
test_other_device (gconstpointer data)
{
  g_autoptr (SngDevice) cuda = new_cuda ();
  g_autoptr (SngTrainer) continuous = new_trainer (data, twin_cpu ());
  g_autoptr (SngTrainer) there = stop_and_go (data, twin_cpu (), cuda, 0);
  g_autoptr (SngTrainer) back = stop_and_go (data, cuda, twin_cpu (), 0);
  g_autoptr (SngTrainer) damaged = stop_and_go (data, twin_cpu (), cuda, 1);

  fit (continuous);
  g_test_message ("%.1e there, %.1e back, %.1e damaged", compare_parameters (there, continuous),
                  compare_parameters (back, continuous), compare_parameters (damaged, continuous));
  g_assert_cmpfloat (compare_parameters (there, continuous), <, 1e-4);
  g_assert_cmpfloat (compare_parameters (back, continuous), <, 1e-4);
  g_assert_cmpfloat (compare_parameters (damaged, continuous), >, 1e-3);
}

static void
add_for (const char *name, GTestDataFunc func, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *path =
          g_strdup_printf ("/sng/cuda/training/%s/%s/%s", name,
                           trainings[i].architecture == SNG_ARCHITECTURE_GPT ? "gpt" : "esm2",
                           sng_precision_to_string (trainings[i].precision));

      g_test_add_data_func (path, &trainings[i], func);
    }
}

static void
write_text (void)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 100; i++)
    g_string_append_printf (text, "%u and %u make %u. ", i % 13, i % 7, i % 13 + i % 7);
  text_path = g_build_filename (directory, "text", NULL);
  g_file_set_contents (text_path, text->str, (gssize) text->len, &error);
  g_assert_no_error (error);
}

int
main (int argc, char *argv[])
{
  int status;

  g_test_init (&argc, &argv, NULL);
  twin_cuda ();
  directory = fixture_make_tmp ();
  write_text ();

  add_for ("gradients", test_gradients, G_N_ELEMENTS (trainings));
  add_for ("stop-and-go", test_stop_and_go, G_N_ELEMENTS (trainings));
  add_for ("graphs", test_graphs, 2);
  add_for ("other-device", test_other_device, 2);
  status = g_test_run ();
  fixture_remove (directory);
  g_free (directory);
  g_free (text_path);
  return status;
}
