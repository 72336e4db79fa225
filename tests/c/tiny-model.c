/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tiny-model.h"

#include <glib/gstdio.h>
#include <math.h>

#define SEED 7

G_DEFINE_FINAL_TYPE (TinyModel, tiny_model, SNG_TYPE_MODEL)
G_DEFINE_FINAL_TYPE (TinyData, tiny_data, SNG_TYPE_DATA_MODULE)

static SngTensor *
tensor_of (const double *values, gint64 n)
{
  g_autoptr (SngTensor) tensor = sng_tensor_new (SNG_DTYPE_F64, &n, 1, NULL, NULL);
  double *data = sng_tensor_get_data (tensor);

  for (gint64 i = 0; i < n; i++)
    data[i] = values != NULL ? values[i] : 0.0;

  return g_steal_pointer (&tensor);
}

static GListModel *
tiny_model_get_parameters (SngModel *model, GError **error)
{
  return g_object_ref (G_LIST_MODEL (TINY_MODEL (model)->parameters));
}

/* The loss is the mean of (prediction - target)^2 over the targets; a sample with n targets counts n times. */
static SngStateDict *
tiny_model_forward (SngModel *model, SngStateDict *batch, SngStage stage, GError **error)
{
  TinyModel *self = TINY_MODEL (model);
  SngTensor *inputs = sng_state_dict_lookup_tensor (batch, "inputs");
  SngTensor *targets = sng_state_dict_lookup_tensor (batch, "targets");
  SngTensor *counts = sng_state_dict_lookup_tensor (batch, "counts");
  const double *weight = sng_tensor_get_data (sng_parameter_get_value (self->weight));
  const double *bias = sng_tensor_get_data (sng_parameter_get_value (self->bias));
  gint64 n_samples = sng_tensor_get_n_elements (targets);
  g_autoptr (SngStateDict) outputs = sng_state_dict_new ();
  g_autoptr (SngTensor) predictions = tensor_of (NULL, n_samples);
  gint64 n_targets = 0;
  double loss = 0.0;
  guint64 first = 0;

  if (++self->n_forwards == self->fail_at)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_FAILED, "[tiny] planted");
      return NULL;
    }

  g_assert_true (sng_state_dict_get_int64 (batch, "n_targets", &n_targets, NULL));

  if (stage == SNG_STAGE_TRAIN)
    {
      first = sng_rng_stream_advance (self->dropout, n_samples);
      memset (self->gradient, 0, sizeof self->gradient);
    }

  for (gint64 i = 0; i < n_samples; i++)
    {
      double x[TINY_N_INPUTS], difference, share;

      if (n_targets == 0)
        break;

      share = sng_tensor_get_value (counts, i) / (double) n_targets;
      difference = bias[0] - sng_tensor_get_value (targets, i);

      for (guint j = 0; j < TINY_N_INPUTS; j++)
        {
          x[j] = sng_tensor_get_value (inputs, i * TINY_N_INPUTS + j);

          if (stage == SNG_STAGE_TRAIN && self->rate > 0.0)
            x[j] *= sng_rng_stream_uniform (self->dropout, first + i, j, 0) < self->rate
                        ? 0.0
                        : 1.0 / (1.0 - self->rate);
          difference += weight[j] * x[j];
        }

      ((double *) sng_tensor_get_data (predictions))[i] = difference + sng_tensor_get_value (targets, i);
      loss += share * difference * difference;

      if (stage == SNG_STAGE_TRAIN)
        {
          for (guint j = 0; j < TINY_N_INPUTS; j++)
            self->gradient[j] += share * 2.0 * difference * x[j];
          self->gradient[TINY_N_INPUTS] += share * 2.0 * difference;
        }
    }

  sng_state_dict_set_tensor (outputs, "predictions", predictions);
  sng_state_dict_set_double (outputs, "loss", loss + self->poison);

  return g_steal_pointer (&outputs);
}

static gboolean
tiny_model_backward (SngModel *model, double scale, GError **error)
{
  TinyModel *self = TINY_MODEL (model);
  double *weight = sng_tensor_get_data (sng_parameter_get_gradient (self->weight));
  double *bias = sng_tensor_get_data (sng_parameter_get_gradient (self->bias));

  for (guint j = 0; j < TINY_N_INPUTS; j++)
    weight[j] += scale * self->gradient[j];
  if (self->largest_factor > 0.0 && scale > self->largest_factor)
    weight[1] = INFINITY;
  bias[0] += scale * self->gradient[TINY_N_INPUTS];

  return TRUE;
}

/* The precision changes nothing but what the gradients' scale may be. */
static gboolean
tiny_model_set_precision (SngModel *model, SngPrecision precision, GError **error)
{
  return TINY_MODEL (model)->largest_factor > 0.0
         || SNG_MODEL_CLASS (tiny_model_parent_class)->set_precision (model, precision, error);
}

static gboolean
tiny_model_register_state (SngModel *model, SngStateRegistry *registry, GError **error)
{
  return sng_state_registry_add (registry, "rng/dropout", SNG_STATEFUL (TINY_MODEL (model)->dropout), error);
}

static void
tiny_model_finalize (GObject *object)
{
  TinyModel *self = TINY_MODEL (object);

  g_clear_object (&self->parameters);
  g_clear_object (&self->weight);
  g_clear_object (&self->bias);
  g_clear_object (&self->dropout);

  G_OBJECT_CLASS (tiny_model_parent_class)->finalize (object);
}

static void
tiny_model_class_init (TinyModelClass *klass)
{
  SngModelClass *model_class = SNG_MODEL_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = tiny_model_finalize;

  model_class->get_parameters = tiny_model_get_parameters;
  model_class->forward = tiny_model_forward;
  model_class->backward = tiny_model_backward;
  model_class->register_state = tiny_model_register_state;
  model_class->set_precision = tiny_model_set_precision;
}

static void
tiny_model_init (TinyModel *self)
{
  const double start[] = { 0.5, -0.25, 0.125 };
  g_autoptr (SngTensor) weight = tensor_of (start, TINY_N_INPUTS);
  g_autoptr (SngTensor) bias = tensor_of (NULL, 1);
  g_autoptr (SngTensor) d_weight = tensor_of (NULL, TINY_N_INPUTS);
  g_autoptr (SngTensor) d_bias = tensor_of (NULL, 1);

  self->weight = sng_parameter_new ("weight", weight, d_weight);
  self->bias = sng_parameter_new ("bias", bias, d_bias);
  self->parameters = g_list_store_new (SNG_TYPE_PARAMETER);
  g_list_store_append (self->parameters, self->weight);
  g_list_store_append (self->parameters, self->bias);
}

TinyModel *
tiny_model_new (guint64 seed, double dropout)
{
  TinyModel *self = g_object_new (tiny_model_get_type (), NULL);

  self->dropout = sng_rng_stream_new (seed, "dropout", 0);
  self->rate = dropout;

  return self;
}

static guint64
tiny_data_get_n_samples (SngDataModule *module, SngStage stage)
{
  return stage == SNG_STAGE_TRAIN ? TINY_N_SAMPLES : TINY_DATA (module)->n_validation;
}

static SngStateDict *
tiny_data_load_batch (SngDataModule *module,
                      SngStage stage,
                      SngTensor *sample_ids,
                      SngRngStream *rng,
                      GError **error)
{
  TinyData *self = TINY_DATA (module);
  gint64 n = sng_tensor_get_n_elements (sample_ids);
  g_autoptr (SngStateDict) batch = sng_state_dict_new ();
  g_autoptr (SngTensor) inputs = tensor_of (NULL, n * TINY_N_INPUTS);
  g_autoptr (SngTensor) targets = tensor_of (NULL, n);
  g_autoptr (SngTensor) counts = tensor_of (NULL, n);
  double *x = sng_tensor_get_data (inputs);
  double *y = sng_tensor_get_data (targets);
  double *c = sng_tensor_get_data (counts);
  gint64 n_targets = 0;

  for (gint64 i = 0; i < n; i++)
    {
      gint64 id = sng_tensor_get_value_int64 (sample_ids, i) + (stage == SNG_STAGE_TRAIN ? 0 : 1000);

      for (guint j = 0; j < TINY_N_INPUTS; j++)
        {
          x[i * TINY_N_INPUTS + j] = (double) ((id * 7 + j * 5) % 11) / 11.0;

          if (self->noisy)
            x[i * TINY_N_INPUTS + j] +=
                0.1 * sng_rng_stream_uniform (rng, sng_rng_stream_get_position (rng) + i, j, 0);
        }

      y[i] = (double) (id % 5) / 5.0;
      c[i] = (double) (id % 3);
      n_targets += id % 3;
    }

  sng_state_dict_set_tensor (batch, "inputs", inputs);
  sng_state_dict_set_tensor (batch, "targets", targets);
  sng_state_dict_set_tensor (batch, "counts", counts);
  sng_state_dict_set_tensor (batch, "sample_ids", sample_ids);
  sng_state_dict_set_int64 (batch, "n_targets", n_targets);

  return g_steal_pointer (&batch);
}

static void
tiny_data_class_init (TinyDataClass *klass)
{
  SngDataModuleClass *module_class = SNG_DATA_MODULE_CLASS (klass);

  module_class->get_n_samples = tiny_data_get_n_samples;
  module_class->load_batch = tiny_data_load_batch;
}

static void
tiny_data_init (TinyData *self)
{
  self->n_validation = TINY_N_VALIDATION;
}

TinyData *
tiny_data_new (gboolean noisy)
{
  TinyData *self = g_object_new (tiny_data_get_type (), NULL);

  self->noisy = noisy;

  return self;
}

void
tiny_trainer_attach (SngTrainer *trainer)
{
  g_autoptr (TinyModel) model = tiny_model_new (SEED, 0.25);
  g_autoptr (TinyData) data = tiny_data_new (TRUE);
  g_autoptr (SngOptimizer) optimizer = sng_adamw_new (G_LIST_MODEL (model->parameters), 0.0, 0.01);
  g_autoptr (SngLrScheduler) scheduler = sng_cosine_lr_new (0.05, 0.001, 3, 20);
  g_autoptr (GError) error = NULL;

  if (sng_trainer_get_precision (trainer) != SNG_PRECISION_32)
    model->largest_factor = G_MAXDOUBLE;

  sng_trainer_attach (trainer, SNG_MODEL (model), SNG_DATA_MODULE (data), optimizer, scheduler, &error);
  g_assert_no_error (error);
}

SngTrainer *
tiny_trainer_new (guint micro_batch_size,
                  guint accumulate_grad_batches,
                  guint64 max_steps,
                  const char *directory)
{
  g_autoptr (SngTrainer) trainer = sng_trainer_new ();
  g_autoptr (SngModelCheckpoint) checkpoint = NULL;

  if (directory != NULL)
    checkpoint = sng_model_checkpoint_new (directory, 1);

  g_object_set (trainer, "micro-batch-size", micro_batch_size, "accumulate-grad-batches",
                accumulate_grad_batches, "max-steps", max_steps, "seed", (guint64) SEED, "model-checkpoint",
                checkpoint, NULL);
  tiny_trainer_attach (trainer);

  return g_steal_pointer (&trainer);
}

void
tiny_remove_directory (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      tiny_remove_directory (child);
    }

  g_remove (path);
}
