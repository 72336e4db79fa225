/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>

#include <glib/gstdio.h>
#include <string.h>

#include "state-fixture.h"
#include "tensor/sng-device-private.h"

/* Small trainings of both architectures with dropout, through SngTrainer, in each precision. */

#define N_STEPS 14
#define N_STOP 5
#define MAX_LENGTH 40

typedef struct
{
  SngArchitecture architecture;
  SngPrecision precision;
} Training;

static char *directory;
static char *text_path;

static SngModel *
new_model (SngArchitecture architecture, guint n_layers, guint hidden_size, guint n_heads, guint n_threads)
{
  g_autoptr (SngTransformerConfig) config =
      sng_transformer_config_new (architecture, n_layers, hidden_size, n_heads);
  g_autoptr (SngDevice) device = sng_device_new_cpu (n_threads);
  g_autoptr (GError) error = NULL;
  SngModel *model;

  g_object_set (config, "max-length", MAX_LENGTH, "max-batch-size", 3, "hidden-dropout", 0.1,
                "attention-dropout", 0.1, NULL);
  model = sng_transformer_new (config, device, &error);
  g_assert_no_error (error);
  return model;
}

/* Attaches a data module, AdamW and a schedule. */
static SngTrainer *
new_trainer_of (SngModel *model, SngArchitecture architecture, SngPrecision precision)
{
  g_autoptr (SngDataModule) data_module = architecture == SNG_ARCHITECTURE_GPT
                                              ? sng_text_data_module_new (text_path, MAX_LENGTH)
                                              : sng_fasta_data_module_new (NULL, MAX_LENGTH);
  g_autoptr (GListModel) parameters = sng_model_get_parameters (model, NULL);
  g_autoptr (SngOptimizer) optimizer = sng_adamw_new (parameters, 1e-3, 0.01);
  g_autoptr (SngLrScheduler) scheduler = sng_linear_warmup_lr_new (1e-3, 4);
  g_autoptr (GError) error = NULL;
  SngTrainer *trainer = sng_trainer_new ();

  g_object_set (trainer, "seed", (guint64) 5, "micro-batch-size", 3, "accumulate-grad-batches", 2,
                "max-steps", (guint64) N_STEPS, "gradient-clip-norm", 1.0, "precision", precision, NULL);
  sng_trainer_attach (trainer, model, data_module, optimizer, scheduler, &error);
  g_assert_no_error (error);
  return trainer;
}

static SngTrainer *
new_trainer (const Training *training, guint n_threads)
{
  g_autoptr (SngModel) model = new_model (training->architecture, 2, 48, 4, n_threads);

  return new_trainer_of (model, training->architecture, training->precision);
}

static void
fit (SngTrainer *trainer)
{
  g_autoptr (GError) error = NULL;

  sng_trainer_fit (trainer, &error);
  g_assert_no_error (error);
}

/* Of everything that a checkpoint has: parameters, moments, streams. */
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
train (const Training *training, guint n_threads)
{
  g_autoptr (SngTrainer) trainer = new_trainer (training, n_threads);

  fit (trainer);
  return fingerprint_of (trainer);
}

static void
test_threads (gconstpointer data)
{
  const Training *training = data;
  g_autofree char *expected = train (training, 1);
  Training another = { training->architecture, (training->precision + 1) % (SNG_PRECISION_16_MIXED + 1) };
  g_autofree char *in_another = train (&another, 1);

  for (guint n_threads = 2; n_threads <= 4; n_threads++)
    {
      g_autofree char *fingerprint = train (training, n_threads);

      g_assert_cmpstr (fingerprint, ==, expected);
    }
  g_assert_cmpstr (in_another, !=, expected);
}

/* Chunks in another order, and threads that are held up at random, change no bit. */
static void
test_jitter (gconstpointer data)
{
  const Training *training = data;
  g_autofree char *expected = train (training, 1);

  for (guint n_threads = 1; n_threads <= 3; n_threads++)
    {
      g_autofree char *fingerprint = NULL;

      sng_device_set_jitter (n_threads);
      fingerprint = train (training, n_threads);
      sng_device_set_jitter (0);
      g_assert_cmpstr (fingerprint, ==, expected);
    }
}

static void
zero_weights (SngModel *model)
{
  g_autoptr (GListModel) parameters = sng_model_get_parameters (model, NULL);

  for (guint i = 0; i < g_list_model_get_n_items (parameters); i++)
    {
      g_autoptr (SngParameter) parameter = g_list_model_get_item (parameters, i);
      SngTensor *value = sng_parameter_get_value (parameter);

      memset (sng_tensor_get_data (value), 0, sng_tensor_get_n_bytes (value));
    }
}

/* Stopped after N_STOP steps, the checkpoint on disk, and resumed in a model whose weights were others. */
static char *
stop_and_go (const Training *training, guint64 dropped)
{
  g_autoptr (SngModelCheckpoint) plan = sng_model_checkpoint_new (directory, 0);
  g_autoptr (SngTrainer) trainer = new_trainer (training, 2);
  g_autoptr (SngTrainer) resumed = new_trainer (training, 2);
  g_autoptr (SngCheckpoint) checkpoint = NULL;
  g_autoptr (GError) error = NULL;
  SngStateful *dropout = sng_state_registry_lookup (sng_trainer_get_state_registry (resumed), "rng/dropout");

  g_object_set (trainer, "max-steps", (guint64) N_STOP, "model-checkpoint", plan, NULL);
  fit (trainer);
  zero_weights (sng_trainer_get_model (resumed));
  checkpoint = sng_checkpoint_store_load_latest (sng_trainer_get_checkpoint_store (trainer), NULL, &error);
  g_assert_no_error (error);
  sng_trainer_restore (resumed, checkpoint, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (sng_trainer_get_global_step (resumed), ==, N_STOP);
  g_assert_cmpuint (sng_rng_stream_get_position (SNG_RNG_STREAM (dropout)), >, 0);
  sng_rng_stream_set_position (SNG_RNG_STREAM (dropout),
                               sng_rng_stream_get_position (SNG_RNG_STREAM (dropout)) - dropped);
  fit (resumed);
  sng_rng_stream_set_position (SNG_RNG_STREAM (dropout),
                               sng_rng_stream_get_position (SNG_RNG_STREAM (dropout)) + dropped);
  return fingerprint_of (resumed);
}

static void
test_stop_and_go (gconstpointer data)
{
  g_autofree char *continuous = train (data, 2);
  g_autofree char *resumed = stop_and_go (data, 0);
  g_autofree char *damaged = stop_and_go (data, 1);

  g_assert_cmpstr (resumed, ==, continuous);
  /* A stream of dropout that is one sample behind is found. */
  g_assert_cmpstr (damaged, !=, continuous);
}

static double
last_loss (const Training *training)
{
  g_autoptr (SngTrainer) trainer = new_trainer (training, 2);

  g_object_set (trainer, "max-steps", (guint64) 40, NULL);
  fit (trainer);
  return sng_trainer_get_loss (trainer);
}

/* It learns, and in each precision about as well: the losses after 40 steps are within half a percent. */
static void
test_learns (gconstpointer data)
{
  SngArchitecture architecture = GPOINTER_TO_UINT (data);
  double first = architecture == SNG_ARCHITECTURE_GPT ? 5.5 : 3.5, expected = 0;

  for (SngPrecision precision = SNG_PRECISION_32; precision <= SNG_PRECISION_16_MIXED; precision++)
    {
      const Training training = { architecture, precision };
      double loss = last_loss (&training);

      g_test_message ("%s: %.5f", sng_precision_to_string (precision), loss);
      if (precision == SNG_PRECISION_32)
        expected = loss;
      g_assert_cmpfloat (loss, <, 0.95 * first);
      g_assert_cmpfloat_with_epsilon (loss, expected, 0.005 * expected);
    }
}

/* checkpoints that do not fit */

static void
expect_refusal (SngModel *from,
                SngArchitecture architecture,
                SngModel *to,
                SngArchitecture to_architecture,
                const char *first,
                const char *second)
{
  g_autoptr (SngTrainer) trainer = new_trainer_of (from, architecture, SNG_PRECISION_32);
  g_autoptr (SngTrainer) other = new_trainer_of (to, to_architecture, SNG_PRECISION_32);
  g_autofree char *before = fingerprint_of (other);
  g_autofree char *after = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (SngCheckpoint) checkpoint =
      sng_state_registry_capture (sng_trainer_get_state_registry (trainer), 0, &error);

  g_assert_no_error (error);
  g_assert_false (sng_trainer_restore (other, checkpoint, &error));
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, first));
  fixture_assert_error (error, SNG_ERROR_MISMATCH, second);
  after = fingerprint_of (other);
  g_assert_cmpstr (after, ==, before);
}

static void
test_checkpoint_of_another (void)
{
  const SngArchitecture esm2 = SNG_ARCHITECTURE_ESM2, gpt = SNG_ARCHITECTURE_GPT;
  g_autoptr (SngModel) small = new_model (esm2, 3, 128, 4, 1);
  g_autoptr (SngModel) large = new_model (esm2, 6, 320, 20, 1);
  g_autoptr (SngModel) wide = new_model (esm2, 3, 320, 20, 1);
  g_autoptr (SngModel) text = new_model (gpt, 3, 128, 4, 1);

  expect_refusal (small, esm2, text, gpt, "esm.embeddings.word_embeddings.weight", "transformer.wte.weight");
  expect_refusal (text, gpt, small, esm2, "transformer.wte.weight", "esm.embeddings.word_embeddings.weight");
  expect_refusal (small, esm2, large, esm2, "esm.encoder.layer.3.attention.LayerNorm.weight", "missing");
  expect_refusal (small, esm2, wide, esm2, "'esm.embeddings.word_embeddings.weight' is F32 [33, 128]",
                  "expected is F32 [33, 320]");
}

static void
add_for_all (const char *name, GTestDataFunc func)
{
  static const Training all[] = {
    { SNG_ARCHITECTURE_ESM2, SNG_PRECISION_32 },         { SNG_ARCHITECTURE_GPT, SNG_PRECISION_32 },
    { SNG_ARCHITECTURE_ESM2, SNG_PRECISION_BF16_MIXED }, { SNG_ARCHITECTURE_GPT, SNG_PRECISION_BF16_MIXED },
    { SNG_ARCHITECTURE_ESM2, SNG_PRECISION_16_MIXED },   { SNG_ARCHITECTURE_GPT, SNG_PRECISION_16_MIXED },
  };

  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    {
      g_autofree char *path = g_strdup_printf ("/sng/transformer/training/%s/%s/%s", name,
                                               all[i].architecture == SNG_ARCHITECTURE_GPT ? "gpt" : "esm2",
                                               sng_precision_to_string (all[i].precision));

      g_test_add_data_func (path, &all[i], func);
    }
}

static void
write_text (void)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 400; i++)
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
  directory = fixture_make_tmp ();
  write_text ();

  add_for_all ("threads", test_threads);
  add_for_all ("jitter", test_jitter);
  add_for_all ("stop-and-go", test_stop_and_go);
  g_test_add_data_func ("/sng/transformer/training/learns/esm2", GUINT_TO_POINTER (SNG_ARCHITECTURE_ESM2),
                        test_learns);
  g_test_add_data_func ("/sng/transformer/training/learns/gpt", GUINT_TO_POINTER (SNG_ARCHITECTURE_GPT),
                        test_learns);
  g_test_add_func ("/sng/transformer/training/checkpoint-of-another", test_checkpoint_of_another);
  status = g_test_run ();
  fixture_remove (directory);
  g_free (text_path);
  g_free (directory);
  return status;
}
