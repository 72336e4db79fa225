/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Checks that a small ESM-2, trained on the proteins that come with libsng, comes
 * out the same when it is stopped and resumed: one test case for each metric.
 */

#include <sng.h>

/* A metric that needs the batch: how many residues each micro-batch predicts. */
#define MY_TYPE_TARGETS_CALLBACK (my_targets_callback_get_type ())
G_DECLARE_FINAL_TYPE (MyTargetsCallback, my_targets_callback, MY, TARGETS_CALLBACK, SngCallback)

struct _MyTargetsCallback
{
  SngCallback parent_instance;
};

G_DEFINE_FINAL_TYPE (MyTargetsCallback, my_targets_callback, SNG_TYPE_CALLBACK)

static gboolean
my_targets_callback_micro_batch_end (SngCallback *callback,
                                     SngTrainer *trainer,
                                     SngStage stage,
                                     guint micro_batch,
                                     SngStateDict *batch,
                                     SngStateDict *outputs,
                                     GError **error)
{
  guint64 step = sng_trainer_get_global_step (trainer) + (stage == SNG_STAGE_TRAIN ? 1 : 0);
  gint64 n_targets;

  return sng_state_dict_get_int64 (batch, "n_targets", &n_targets, error)
         && sng_callback_record_value (callback, stage, step, micro_batch, "",
                                       g_variant_new_int64 (n_targets), error);
}

static void
my_targets_callback_class_init (MyTargetsCallbackClass *klass)
{
  SNG_CALLBACK_CLASS (klass)->micro_batch_end = my_targets_callback_micro_batch_end;
}

static void
my_targets_callback_init (MyTargetsCallback *self)
{
}

/* The check: what is trained. All the rest has a default. */
#define MY_TYPE_HARNESS (my_harness_get_type ())
G_DECLARE_FINAL_TYPE (MyHarness, my_harness, MY, HARNESS, SngHarness)

struct _MyHarness
{
  SngHarness parent_instance;
};

G_DEFINE_FINAL_TYPE (MyHarness, my_harness, SNG_TYPE_HARNESS)

static SngSetup *
my_harness_setup_model (SngHarness *harness, SngMode mode, GError **error)
{
  g_autoptr (SngTransformerConfig) config = sng_transformer_config_new (SNG_ARCHITECTURE_ESM2, 2, 32, 4);
  g_autoptr (SngDataModule) data = sng_fasta_data_module_new (NULL, 64);
  g_autoptr (SngLrScheduler) scheduler = sng_cosine_lr_new (1e-3, 1e-5, 2, 10);
  g_autoptr (SngOptimizer) optimizer = NULL;
  g_autoptr (SngModel) model = NULL;
  g_autoptr (GListModel) parameters = NULL;

  g_object_set (config, "max-length", 64, NULL);
  model = sng_transformer_new (config, NULL, error);
  parameters = model != NULL ? sng_model_get_parameters (model, error) : NULL;
  if (parameters == NULL)
    return NULL;

  optimizer = sng_adamw_new (parameters, 1e-3, 0.01);
  return sng_setup_new (model, data, optimizer, scheduler);
}

static GListModel *
my_harness_get_default_callbacks (SngHarness *harness, GError **error)
{
  GListModel *callbacks = SNG_HARNESS_CLASS (my_harness_parent_class)->get_default_callbacks (harness, error);
  g_autoptr (SngCallback) targets = g_object_new (MY_TYPE_TARGETS_CALLBACK, "metric", "Targets", NULL);

  if (callbacks != NULL)
    g_list_store_append (G_LIST_STORE (callbacks), targets);
  return callbacks;
}

/* A metric that needs only the trainer. */
static GVariant *
epoch_cb (SngTrainer *trainer, gpointer user_data, GError **error)
{
  return g_variant_new_uint64 (sng_trainer_get_epoch (trainer));
}

static void
my_harness_class_init (MyHarnessClass *klass)
{
  SNG_HARNESS_CLASS (klass)->setup_model = my_harness_setup_model;
  SNG_HARNESS_CLASS (klass)->get_default_callbacks = my_harness_get_default_callbacks;
}

static void
my_harness_init (MyHarness *self)
{
  g_object_set (self, "num-steps", 10, "stop-step", 5, NULL);
  sng_harness_add_metric (SNG_HARNESS (self), "Epoch", epoch_cb, NULL, NULL);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  sng_test_add_harness ("/esm2", MY_TYPE_HARNESS);
  return g_test_run ();
}
