/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "bench-training.h"

#include <glib/gstdio.h>
#include <stdlib.h>

#define N_SAMPLES 4096
#define N_RESIDUES 20
#define FIRST_RESIDUE 4
#define MASK 32
#define TARGET_EVERY 7

#define BENCH_TYPE_DATA_MODULE (bench_data_module_get_type ())
G_DECLARE_FINAL_TYPE (BenchDataModule, bench_data_module, BENCH, DATA_MODULE, SngDataModule)

struct _BenchDataModule
{
  SngDataModule parent_instance;
  gint64 n_tokens;
};

G_DEFINE_FINAL_TYPE (BenchDataModule, bench_data_module, SNG_TYPE_DATA_MODULE)

static gboolean
bench_data_module_setup (SngDataModule *module, GError **error)
{
  return TRUE;
}

static guint64
bench_data_module_get_n_samples (SngDataModule *module, SngStage stage)
{
  return N_SAMPLES;
}

static void
fill_sample (gint64 sample, gint64 n_tokens, gint64 *ids, gint64 *mask, gint64 *labels)
{
  guint64 state = (guint64) sample + 1;

  for (gint64 i = 0; i < n_tokens; i++)
    {
      gint64 residue;

      state = state * 6364136223846793005 + 1442695040888963407;
      residue = FIRST_RESIDUE + (gint64) ((state >> 33) % N_RESIDUES);
      ids[i] = i % TARGET_EVERY == 0 ? MASK : residue;
      labels[i] = i % TARGET_EVERY == 0 ? residue : -100;
      mask[i] = 1;
    }
}

static SngStateDict *
bench_data_module_load_batch (SngDataModule *module,
                              SngStage stage,
                              SngTensor *sample_ids,
                              SngRngStream *rng,
                              GError **error)
{
  gint64 n_tokens = ((BenchDataModule *) module)->n_tokens;
  gint64 n_sequences = (gint64) sng_tensor_get_n_elements (sample_ids);
  const gint64 shape[] = { n_sequences, n_tokens };
  const gint64 *samples = sng_tensor_get_data (sample_ids);
  g_autoptr (SngStateDict) batch = sng_state_dict_new ();
  g_autoptr (SngTensor) ids = sng_tensor_new (SNG_DTYPE_I64, shape, 2, NULL, NULL);
  g_autoptr (SngTensor) mask = sng_tensor_new (SNG_DTYPE_I64, shape, 2, NULL, NULL);
  g_autoptr (SngTensor) labels = sng_tensor_new (SNG_DTYPE_I64, shape, 2, NULL, NULL);

  for (gint64 i = 0; i < n_sequences; i++)
    fill_sample (samples[i], n_tokens, (gint64 *) sng_tensor_get_data (ids) + i * n_tokens,
                 (gint64 *) sng_tensor_get_data (mask) + i * n_tokens,
                 (gint64 *) sng_tensor_get_data (labels) + i * n_tokens);

  sng_state_dict_set_tensor (batch, "input_ids", ids);
  sng_state_dict_set_tensor (batch, "attention_mask", mask);
  sng_state_dict_set_tensor (batch, "labels", labels);
  sng_state_dict_set_tensor (batch, "sample_ids", sample_ids);
  sng_state_dict_set_int64 (batch, "n_targets", n_sequences * ((n_tokens + TARGET_EVERY - 1) / TARGET_EVERY));

  return g_steal_pointer (&batch);
}

static void
bench_data_module_class_init (BenchDataModuleClass *klass)
{
  SngDataModuleClass *module_class = SNG_DATA_MODULE_CLASS (klass);

  module_class->setup = bench_data_module_setup;
  module_class->get_n_samples = bench_data_module_get_n_samples;
  module_class->load_batch = bench_data_module_load_batch;
}

static void
bench_data_module_init (BenchDataModule *self)
{
}

/* Only to be asked for its callbacks. */
#define BENCH_TYPE_HARNESS (bench_harness_get_type ())
G_DECLARE_FINAL_TYPE (BenchHarness, bench_harness, BENCH, HARNESS, SngHarness)

struct _BenchHarness
{
  SngHarness parent_instance;
};

G_DEFINE_FINAL_TYPE (BenchHarness, bench_harness, SNG_TYPE_HARNESS)

static void
bench_harness_class_init (BenchHarnessClass *klass)
{
}

static void
bench_harness_init (BenchHarness *self)
{
}

SngTrainer *
bench_training_new_trainer (const BenchTraining *self, SngDevice *device)
{
  g_autoptr (SngTransformerConfig) config = NULL;
  g_autoptr (BenchDataModule) data_module = g_object_new (BENCH_TYPE_DATA_MODULE, NULL);
  g_autoptr (SngModel) model = NULL;
  g_autoptr (GListModel) parameters = NULL;
  g_autoptr (SngOptimizer) optimizer = NULL;
  g_autoptr (SngLrScheduler) scheduler = sng_linear_warmup_lr_new (1e-4, 100);
  SngTrainer *trainer = sng_trainer_new ();
  g_autoptr (GError) error = NULL;

  data_module->n_tokens = self->n_tokens;
  config =
      sng_transformer_config_new (SNG_ARCHITECTURE_ESM2, self->n_layers, self->hidden_size, self->n_heads);
  g_object_set (config, "max-length", self->n_tokens, "max-batch-size", self->n_sequences, NULL);
  model = sng_transformer_new (config, device, &error);
  if (model == NULL)
    g_error ("%s", error->message);
  parameters = sng_model_get_parameters (model, &error);
  if (parameters == NULL)
    g_error ("%s", error->message);
  optimizer = sng_adamw_new (parameters, 1e-4, 0.01);

  g_object_set (trainer, "micro-batch-size", self->n_sequences, "val-check-interval",
                self->val_check_interval, "limit-val-batches", self->limit_val_batches, "gradient-clip-norm",
                1.0, NULL);
  if (!sng_trainer_attach (trainer, model, SNG_DATA_MODULE (data_module), optimizer, scheduler, &error))
    g_error ("%s", error->message);

  return trainer;
}

void
bench_training_attach (SngTrainer *trainer, SngRecorder *recorder)
{
  g_autoptr (SngHarness) harness = g_object_new (BENCH_TYPE_HARNESS, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GListModel) callbacks = sng_harness_get_default_callbacks (harness, &error);

  if (callbacks == NULL)
    g_error ("%s", error->message);

  for (guint i = 0; i < g_list_model_get_n_items (callbacks); i++)
    {
      g_autoptr (SngCallback) callback = g_list_model_get_item (callbacks, i);

      if (!sng_callback_attach (callback, trainer, recorder, &error))
        g_error ("%s", error->message);
    }
}

void
bench_training_run (SngTrainer *trainer, guint64 n_steps)
{
  g_autoptr (GError) error = NULL;

  g_object_set (trainer, "max-steps", sng_trainer_get_global_step (trainer) + n_steps, NULL);
  if (!sng_trainer_fit (trainer, &error))
    g_error ("%s", error->message);
}

char *
bench_make_directory (void)
{
  g_autoptr (GError) error = NULL;
  char *path = g_dir_make_tmp ("sng-bench-XXXXXX", &error);

  if (path == NULL)
    g_error ("%s", error->message);

  return path;
}

void
bench_remove_directory (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *file = g_build_filename (path, name, NULL);

      g_unlink (file);
    }
  g_rmdir (path);
}

static int
compare_doubles (gconstpointer a, gconstpointer b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

double
bench_median (GArray *values)
{
  if (values->len == 0)
    return 0;
  g_array_sort (values, compare_doubles);

  return g_array_index (values, double, values->len / 2);
}
