/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sng-demo-harness.h"

#include "sng-demo-equipment.h"

/* The configuration of the original's own test of ESM-2. */
#define N_LAYERS 3
#define HIDDEN_SIZE 128
#define N_HEADS 2
#define MAX_RESIDUES 1024
#define MAX_TEXT_TOKENS 256

/* What a process for each fault can train in no time. */
#define SMALL_N_LAYERS 1
#define SMALL_HIDDEN_SIZE 16
#define SMALL_N_HEADS 2
#define SMALL_MAX_LENGTH 32
#define SMALL_LR 1e-3
#define SMALL_DROPOUT 0.1

#define BETA1 0.9
#define BETA2 0.98
#define EPSILON 1e-8
#define MOMENTUM 0.9
#define WEIGHT_DECAY 0.01

/* More than binary16 can do with: so even a short run skips windows, and grows the scale back until it does so again. */
#define INITIAL_SCALE 0x1p22
#define GROWTH_INTERVAL G_GUINT64_CONSTANT (2)

/* Low enough that it only grows: a scale that is back at its start is another one. */
#define SMALL_INITIAL_SCALE 256.0

struct _SngDemoHarness
{
  SngHarness parent_instance;

  char *fasta;
  char *text;
  SngDemoOptimizer optimizer;
  double ema_decay; /* negative: no average */
  gboolean has_everything;
};

G_DEFINE_FINAL_TYPE (SngDemoHarness, sng_demo_harness, SNG_TYPE_HARNESS)

typedef struct
{
  guint num_steps;
  guint micro_batch_size;
  guint64 seed;
  double lr;
} Settings;

static Settings
get_settings (SngDemoHarness *self)
{
  Settings settings;

  g_object_get (self, "num-steps", &settings.num_steps, "micro-batch-size", &settings.micro_batch_size,
                "seed", &settings.seed, "lr", &settings.lr, NULL);

  return settings;
}

/* Proteins have a <cls> before and an <eos> after them. */
static guint
get_max_length (SngDemoHarness *self)
{
  if (self->has_everything)
    return SMALL_MAX_LENGTH;

  return self->text != NULL ? MAX_TEXT_TOKENS : MAX_RESIDUES + 2;
}

SngDataModule *
sng_demo_harness_create_data (SngDemoHarness *self, GError **error)
{
  guint max_length = get_max_length (self);
  g_autoptr (SngDataModule) data = self->text != NULL ? sng_text_data_module_new (self->text, max_length)
                                                      : sng_fasta_data_module_new (self->fasta, max_length);

  return sng_data_module_setup (data, error) ? g_steal_pointer (&data) : NULL;
}

static SngTransformerConfig *
create_config (SngDemoHarness *self, SngArchitecture architecture)
{
  SngTransformerConfig *config;

  if (!self->has_everything)
    return sng_transformer_config_new (architecture, N_LAYERS, HIDDEN_SIZE, N_HEADS);

  config = sng_transformer_config_new (architecture, SMALL_N_LAYERS, SMALL_HIDDEN_SIZE, SMALL_N_HEADS);
  g_object_set (config, "hidden-dropout", SMALL_DROPOUT, NULL);

  return config;
}

static SngModel *
create_model (SngDemoHarness *self, SngMode mode, const Settings *settings, GError **error)
{
  SngArchitecture architecture = self->text != NULL ? SNG_ARCHITECTURE_GPT : SNG_ARCHITECTURE_ESM2;
  g_autoptr (SngTransformerConfig) config = create_config (self, architecture);
  g_autoptr (SngDevice) device = sng_harness_create_device (SNG_HARNESS (self), mode, error);

  if (device == NULL)
    return NULL;

  g_object_set (config, "max-length", get_max_length (self), "max-batch-size", settings->micro_batch_size,
                "seed", settings->seed, NULL);

  return sng_transformer_new (config, device, error);
}

static SngOptimizer *
create_optimizer (SngDemoHarness *self, const Settings *settings, GListModel *parameters)
{
  if (self->optimizer == SNG_DEMO_SGD)
    return sng_sgd_new (parameters, settings->lr, MOMENTUM, WEIGHT_DECAY);

  return g_object_new (SNG_TYPE_ADAMW, "parameters", parameters, "learning-rate", settings->lr, "beta1",
                       BETA1, "beta2", BETA2, "epsilon", EPSILON, "weight-decay", WEIGHT_DECAY, NULL);
}

/* Short enough that the rate rises and falls within the run, and is never the same for two steps around the stop. */
static SngLrScheduler *
create_scheduler (const Settings *settings)
{
  return sng_warmup_anneal_decay_hold_lr_new (settings->lr, settings->lr / 10,
                                              MAX (settings->num_steps / 5, 1), settings->num_steps, 0.1);
}

static SngSetup *
sng_demo_harness_setup_model (SngHarness *harness, SngMode mode, GError **error)
{
  SngDemoHarness *self = SNG_DEMO_HARNESS (harness);
  Settings settings = get_settings (self);
  g_autoptr (SngDataModule) data = sng_demo_harness_create_data (self, error);
  g_autoptr (SngModel) model = NULL;
  g_autoptr (GListModel) parameters = NULL;
  g_autoptr (SngOptimizer) optimizer = NULL;
  g_autoptr (SngLrScheduler) scheduler = create_scheduler (&settings);

  if (data == NULL)
    return NULL;

  model = create_model (self, mode, &settings, error);
  if (model == NULL)
    return NULL;

  parameters = sng_model_get_parameters (model, error);
  if (parameters == NULL)
    return NULL;

  optimizer = create_optimizer (self, &settings, parameters);
  if (self->has_everything && !sng_demo_equip_optimizer (optimizer, error))
    return NULL;

  return sng_setup_new (model, data, optimizer, scheduler);
}

static SngTrainer *
sng_demo_harness_setup_trainer (SngHarness *harness, SngMode mode, GError **error)
{
  SngDemoHarness *self = SNG_DEMO_HARNESS (harness);
  g_autoptr (SngTrainer) trainer =
      SNG_HARNESS_CLASS (sng_demo_harness_parent_class)->setup_trainer (harness, mode, error);

  if (trainer != NULL && sng_trainer_get_precision (trainer) == SNG_PRECISION_16_MIXED)
    {
      g_autoptr (SngGradScaler) scaler = g_object_new (
          SNG_TYPE_GRAD_SCALER, "initial-scale", self->has_everything ? SMALL_INITIAL_SCALE : INITIAL_SCALE,
          "growth-interval", GROWTH_INTERVAL, NULL);

      g_object_set (trainer, "grad-scaler", scaler, NULL);
    }

  if (trainer != NULL && self->ema_decay >= 0.0)
    {
      g_autoptr (SngExponentialMovingAverage) average = sng_exponential_moving_average_new (self->ema_decay);

      g_object_set (trainer, "exponential-moving-average", average, NULL);
    }

  if (trainer != NULL && self->has_everything && !sng_demo_equip_trainer (trainer, error))
    return NULL;

  return g_steal_pointer (&trainer);
}

static void
sng_demo_harness_finalize (GObject *object)
{
  SngDemoHarness *self = SNG_DEMO_HARNESS (object);

  g_free (self->fasta);
  g_free (self->text);

  G_OBJECT_CLASS (sng_demo_harness_parent_class)->finalize (object);
}

static void
sng_demo_harness_class_init (SngDemoHarnessClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sng_demo_harness_finalize;
  SNG_HARNESS_CLASS (klass)->setup_model = sng_demo_harness_setup_model;
  SNG_HARNESS_CLASS (klass)->setup_trainer = sng_demo_harness_setup_trainer;
}

/* In the middle of the second epoch of the built-in proteins, and between two validations. */
static void
sng_demo_harness_init (SngDemoHarness *self)
{
  self->ema_decay = -1.0;
  g_object_set (self, "stop-step", 7, NULL);
}

SngHarness *
sng_demo_harness_new (const char *fasta, const char *text, SngDemoOptimizer optimizer)
{
  SngDemoHarness *self = g_object_new (SNG_TYPE_DEMO_HARNESS, "exp-name", "sng-demo", NULL);

  self->fasta = g_strdup (fasta);
  self->text = g_strdup (text);
  self->optimizer = optimizer;

  return SNG_HARNESS (self);
}

void
sng_demo_harness_set_ema_decay (SngDemoHarness *self, double decay)
{
  self->ema_decay = decay;
}

void
sng_demo_harness_prepare_faults (SngDemoHarness *self)
{
  self->has_everything = TRUE;
  g_object_set (self, "lr", SMALL_LR, "accumulate-grad-batches", 2, NULL);
}
