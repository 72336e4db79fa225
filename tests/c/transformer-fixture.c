/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "transformer-fixture.h"

#include <math.h>

const Variant fixture_esm2 = { SNG_ARCHITECTURE_ESM2, 0, 0, TRUE };
const Variant fixture_esm2_dropout = { SNG_ARCHITECTURE_ESM2, 0.2, 0.1, TRUE };
const Variant fixture_gpt = { SNG_ARCHITECTURE_GPT, 0, 0, FALSE };
const Variant fixture_gpt_dropout = { SNG_ARCHITECTURE_GPT, 0.1, 0.2, TRUE };

SngTransformerConfig *
fixture_new_config (const Variant *variant, SngDtype dtype)
{
  SngTransformerConfig *config = sng_transformer_config_new (variant->architecture, 2, 12, 2);

  g_object_set (config, "ffn-size", 20, "max-length", N_TOKENS + 2, "max-batch-size", N_SEQUENCES + 1,
                "hidden-dropout", variant->hidden_dropout, "attention-dropout", variant->attention_dropout,
                "dtype", dtype, "seed", (guint64) 11, NULL);
  return config;
}

static SngTensor *
new_indices (const gint64 *values, gint64 n_sequences, gint64 n_tokens)
{
  const gint64 shape[] = { n_sequences, n_tokens };
  g_autoptr (GBytes) bytes = g_bytes_new (values, (gsize) (n_sequences * n_tokens) * sizeof (gint64));
  g_autoptr (GError) error = NULL;
  SngTensor *tensor = sng_tensor_new_from_bytes (SNG_DTYPE_I64, shape, 2, bytes, &error);

  g_assert_no_error (error);
  return tensor;
}

void
fixture_set_indices (SngStateDict *batch,
                     const char *name,
                     const gint64 *values,
                     gint64 n_sequences,
                     gint64 n_tokens)
{
  g_autoptr (SngTensor) tensor = new_indices (values, n_sequences, n_tokens);

  sng_state_dict_set_tensor (batch, name, tensor);
}

/* Sequence 1 ends early, sequence 2 has a hole in its mask, some tokens are <mask>, some have no label. */
static SngStateDict *
new_batch (const Variant *variant)
{
  SngStateDict *batch = sng_state_dict_new ();
  gint64 ids[N_SEQUENCES * N_TOKENS], labels[N_SEQUENCES * N_TOKENS], mask[N_SEQUENCES * N_TOKENS];

  for (gint64 i = 0; i < N_SEQUENCES * N_TOKENS; i++)
    {
      ids[i] = i % 6 == 1 ? 32 : 4 + i * 7 % 20;
      labels[i] = i % 3 == 0 ? -100 : 4 + i * 5 % 20;
      mask[i] = !(variant->padding && ((i >= 2 * N_TOKENS - 4 && i < 2 * N_TOKENS) || i == 2 * N_TOKENS + 3));
      if (mask[i] == 0)
        {
          ids[i] = 1;
          labels[i] = -100;
        }
    }
  fixture_set_indices (batch, "input_ids", ids, N_SEQUENCES, N_TOKENS);
  fixture_set_indices (batch, "labels", labels, N_SEQUENCES, N_TOKENS);
  if (variant->padding)
    fixture_set_indices (batch, "attention_mask", mask, N_SEQUENCES, N_TOKENS);
  return batch;
}

/* The first weights are small; larger ones bring every part of the model into play. */
void
fixture_enlarge_weights (SngModel *model, double factor)
{
  g_autoptr (GListModel) parameters = sng_model_get_parameters (model, NULL);

  for (guint i = 0; i < g_list_model_get_n_items (parameters); i++)
    {
      g_autoptr (SngParameter) parameter = g_list_model_get_item (parameters, i);
      SngTensor *value = sng_parameter_get_value (parameter);
      gint64 n = sng_tensor_get_n_elements (value);

      for (gint64 j = 0; j < n; j++)
        if (sng_tensor_get_dtype (value) == SNG_DTYPE_F32)
          ((float *) sng_tensor_get_data (value))[j] *= (float) (factor + 0.01 * (double) (j % 7));
        else
          ((double *) sng_tensor_get_data (value))[j] =
              ((double *) sng_tensor_get_data (value))[j] * factor + 0.02 * (double) (j % 7 - 3);
    }
}

static SngRngStream *
find_dropout (SngModel *model)
{
  g_autoptr (SngStateRegistry) registry = sng_state_registry_new ();
  g_autoptr (GError) error = NULL;
  SngStateful *stream;

  g_assert_true (sng_model_register_state (model, registry, &error));
  g_assert_no_error (error);
  stream = sng_state_registry_lookup (registry, "rng/dropout");
  g_assert_true (SNG_IS_RNG_STREAM (stream));
  return SNG_RNG_STREAM (g_object_ref (stream));
}

Fixture *
fixture_new (const Variant *variant, SngDtype dtype, guint n_threads)
{
  Fixture *fixture = g_new0 (Fixture, 1);
  g_autoptr (SngTransformerConfig) config = fixture_new_config (variant, dtype);
  g_autoptr (SngDevice) device = sng_device_new_cpu (n_threads);
  g_autoptr (GError) error = NULL;

  fixture->model = sng_transformer_new (config, device, &error);
  g_assert_no_error (error);
  fixture_enlarge_weights (fixture->model, 8);
  fixture->batch = new_batch (variant);
  fixture->dropout = find_dropout (fixture->model);
  return fixture;
}

void
fixture_free (Fixture *fixture)
{
  g_object_unref (fixture->model);
  g_object_unref (fixture->batch);
  g_object_unref (fixture->dropout);
  g_free (fixture);
}

double
fixture_forward (Fixture *fixture, SngStage stage)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngStateDict) outputs = sng_model_forward (fixture->model, fixture->batch, stage, &error);
  double loss;

  g_assert_no_error (error);
  g_assert_true (sng_state_dict_get_double (outputs, "loss", &loss, &error));
  return loss;
}

void
fixture_backward (Fixture *fixture, double scale)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (sng_model_backward (fixture->model, scale, &error));
  g_assert_no_error (error);
}

void
fixture_zero_gradients (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (sng_model_zero_gradients (fixture->model, &error));
}

/* All gradients behind each other. */
GBytes *
fixture_dup_gradients (SngModel *model)
{
  g_autoptr (GListModel) parameters = sng_model_get_parameters (model, NULL);
  g_autoptr (GByteArray) all = g_byte_array_new ();

  for (guint i = 0; i < g_list_model_get_n_items (parameters); i++)
    {
      g_autoptr (SngParameter) parameter = g_list_model_get_item (parameters, i);
      SngTensor *gradient = sng_parameter_get_gradient (parameter);

      if (gradient != NULL)
        g_byte_array_append (all, sng_tensor_get_data (gradient), (guint) sng_tensor_get_n_bytes (gradient));
    }
  return g_byte_array_free_to_bytes (g_steal_pointer (&all));
}
