/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "state-fixture.h"

/* Files of weights, as checkpoints have them and as transformers writes them. tests/python/test-transformers.py reads and
 * writes them with transformers itself. */

typedef struct
{
  char *directory;
  char *path;
  SngModel *model;    /* of the seed 1 */
  SngModel *other;    /* of the seed 2: the file goes into it */
  SngStateDict *file; /* what is to be written; at first the state of model */
  SngFingerprint *before;
} Fixture;

static SngModel *
new_model (SngArchitecture architecture, guint ffn_size, guint64 seed)
{
  g_autoptr (SngTransformerConfig) config = sng_transformer_config_new (architecture, 2, 16, 2);
  g_autoptr (GError) error = NULL;
  SngModel *model;

  g_object_set (config, "ffn-size", ffn_size, "max-length", 6, "max-batch-size", 1, "seed", seed, NULL);
  model = sng_transformer_new (config, NULL, &error);
  g_assert_no_error (error);
  return model;
}

static SngFingerprint *
get_fingerprint (SngModel *model)
{
  g_autoptr (SngStateDict) state = sng_stateful_get_state (SNG_STATEFUL (model), NULL);

  return sng_state_dict_compute_fingerprint (state);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  SngArchitecture architecture = GPOINTER_TO_INT (data);

  fixture->directory = fixture_make_tmp ();
  fixture->path = g_build_filename (fixture->directory, "model.safetensors", NULL);
  fixture->model = new_model (architecture, 20, 1);
  fixture->other = new_model (architecture, 20, 2);
  fixture->file = sng_stateful_get_state (SNG_STATEFUL (fixture->model), NULL);
  fixture->before = get_fingerprint (fixture->other);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_object_unref (fixture->model);
  g_object_unref (fixture->other);
  g_object_unref (fixture->file);
  sng_fingerprint_free (fixture->before);
  fixture_remove (fixture->directory);
  g_free (fixture->directory);
  g_free (fixture->path);
}

static gboolean
load (Fixture *fixture, GError **error)
{
  g_autoptr (GError) failure = NULL;

  g_remove (fixture->path);
  sng_safetensors_save (fixture->path, fixture->file, NULL, &failure);
  g_assert_no_error (failure);
  return sng_model_load_weights (fixture->other, fixture->path, error);
}

static void
assert_loads (Fixture *fixture)
{
  g_autoptr (SngFingerprint) expected = get_fingerprint (fixture->model);
  g_autoptr (SngFingerprint) loaded = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_false (sng_fingerprint_equal (fixture->before, expected));
  load (fixture, &error);
  g_assert_no_error (error);
  loaded = get_fingerprint (fixture->other);
  g_assert_true (sng_fingerprint_equal (loaded, expected));
}

/* With a message that has both, and nothing changed. */
static void
assert_refused (Fixture *fixture, const char *first, const char *second)
{
  g_autoptr (SngFingerprint) after = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_false (load (fixture, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_MISMATCH);
  g_test_message ("%s", error->message);
  g_assert_true (g_str_has_prefix (error->message, "[model][load] "));
  g_assert_nonnull (strstr (error->message, fixture->path));
  g_assert_nonnull (strstr (error->message, first));
  g_assert_nonnull (strstr (error->message, second));

  after = get_fingerprint (fixture->other);
  g_assert_true (sng_fingerprint_equal (after, fixture->before));
}

static void
move (Fixture *fixture, const char *from, const char *to)
{
  g_autoptr (SngTensor) tensor = g_object_ref (sng_state_dict_lookup_tensor (fixture->file, from));

  sng_state_dict_remove (fixture->file, from);
  sng_state_dict_set_tensor (fixture->file, to, tensor);
}

static void
add_copy (Fixture *fixture, const char *from, const char *to)
{
  g_autoptr (SngTensor) copy = sng_tensor_copy (sng_state_dict_lookup_tensor (fixture->file, from), NULL);

  sng_state_dict_set_tensor (fixture->file, to, copy);
}

static void
add_numbers (Fixture *fixture, const char *name)
{
  const gint64 n = 8;
  g_autoptr (SngTensor) tensor = fixture_tensor (SNG_DTYPE_I64, 1, &n);

  sng_state_dict_set_tensor (fixture->file, name, tensor);
}

/* Where a prefix stood, there is none; and what ended in one way, ends in another. */
static void
rename_all (Fixture *fixture, const char *prefix, const char *infix, const char *from, const char *to)
{
  g_auto (GStrv) names = sng_state_dict_dup_names (fixture->file);

  for (char **name = names; *name != NULL; name++)
    {
      g_autofree char *renamed = NULL;

      if (!g_str_has_prefix (*name, prefix) || !g_str_has_suffix (*name, from)
          || strstr (*name, infix) == NULL)
        continue;
      renamed = g_strdup_printf ("%.*s%s", (int) (strlen (*name) - strlen (prefix) - strlen (from)),
                                 *name + strlen (prefix), to);
      move (fixture, *name, renamed);
    }
}

static void
test_own_file (Fixture *fixture, gconstpointer data)
{
  assert_loads (fixture);
}

static void
test_save_pretrained_esm2 (Fixture *fixture, gconstpointer data)
{
  const char *frequencies = "esm.rotary_embeddings.inv_freq";

  rename_all (fixture, "", ".LayerNorm", "weight", "gamma");
  rename_all (fixture, "", ".LayerNorm", "bias", "beta");
  g_assert_true (sng_state_dict_contains (fixture->file, "esm.encoder.layer.0.attention.LayerNorm.gamma"));
  add_copy (fixture, frequencies, "esm.encoder.layer.0.attention.self.rotary_embeddings.inv_freq");
  move (fixture, frequencies, "esm.encoder.layer.1.attention.self.rotary_embeddings.inv_freq");
  add_copy (fixture, "esm.embeddings.word_embeddings.weight", "lm_head.decoder.weight");
  add_copy (fixture, "lm_head.bias", "lm_head.decoder.bias");
  add_numbers (fixture, "esm.embeddings.position_ids");
  add_numbers (fixture, "esm.embeddings.position_embeddings.weight");
  assert_loads (fixture);
}

static void
test_save_pretrained_gpt (Fixture *fixture, gconstpointer data)
{
  add_copy (fixture, "transformer.wte.weight", "lm_head.weight");
  rename_all (fixture, "transformer.", "", "", "");
  g_assert_true (sng_state_dict_contains (fixture->file, "h.1.attn.c_attn.bias"));
  add_numbers (fixture, "h.0.attn.bias");
  add_numbers (fixture, "h.1.attn.masked_bias");
  assert_loads (fixture);
}

static void
test_names (Fixture *fixture, gconstpointer data)
{
  move (fixture, "lm_head.dense.bias", "lm_head.dens.bias");
  assert_refused (fixture, "missing: 'lm_head.dense.bias'", "unexpected: 'lm_head.dens.bias'");
}

static void
test_tied (Fixture *fixture, gconstpointer data)
{
  add_copy (fixture, "esm.embeddings.word_embeddings.weight", "lm_head.decoder.weight");
  ((float *) sng_tensor_get_data (
      sng_state_dict_lookup_tensor (fixture->file, "lm_head.decoder.weight")))[7] += 1e-6f;
  assert_refused (fixture, "'lm_head.decoder.weight'", "'esm.embeddings.word_embeddings.weight'");
}

static void
test_frequencies (Fixture *fixture, gconstpointer data)
{
  SngTensor *frequencies = sng_state_dict_lookup_tensor (fixture->file, "esm.rotary_embeddings.inv_freq");
  float *values = sng_tensor_get_data (frequencies);

  g_assert_cmpint (sng_tensor_get_n_elements (frequencies), ==, 4);
  g_assert_cmpfloat (values[0], ==, 1.0f);
  g_assert_cmpfloat (values[2], ==, 0.01f);

  values[2] = nextafterf (values[2], 1.0f); /* as other libraries round */
  g_assert_true (load (fixture, NULL));
  sng_fingerprint_free (fixture->before);
  fixture->before = get_fingerprint (fixture->other);

  values[2] = 0.0100001f;
  assert_refused (fixture, "'esm.rotary_embeddings.inv_freq' is 0.0100001", "expected is 0.00999999");
}

static void
test_shapes (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngModel) wide = new_model (SNG_ARCHITECTURE_ESM2, 24, 1);

  g_clear_object (&fixture->file);
  fixture->file = sng_stateful_get_state (SNG_STATEFUL (wide), NULL);
  assert_refused (fixture, "F32 [24, 16]", "F32 [20, 16]");
}

static void
test_other_architecture (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngModel) gpt = new_model (SNG_ARCHITECTURE_GPT, 20, 1);

  g_clear_object (&fixture->file);
  fixture->file = sng_stateful_get_state (SNG_STATEFUL (gpt), NULL);
  assert_refused (fixture, "missing: 'esm.embeddings.word_embeddings.weight'",
                  "unexpected: 'transformer.h.0.attn.c_attn.bias'");
}

static void
test_no_file (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (sng_model_load_weights (fixture->other, fixture->path, &error));
  fixture_assert_error (error, SNG_ERROR_NOT_FOUND, fixture->path);
  fixture_write (fixture->path, "short", 5);
  g_assert_false (sng_model_load_weights (fixture->other, fixture->path, &error));
  fixture_assert_error (error, SNG_ERROR_INVALID_DATA, fixture->path);
}

static void
add (const char *path, SngArchitecture architecture, void (*test) (Fixture *, gconstpointer))
{
  g_test_add (path, Fixture, GINT_TO_POINTER (architecture), set_up, test, tear_down);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add ("/sng/transformer-weights/own-file/esm2", SNG_ARCHITECTURE_ESM2, test_own_file);
  add ("/sng/transformer-weights/own-file/gpt", SNG_ARCHITECTURE_GPT, test_own_file);
  add ("/sng/transformer-weights/save-pretrained/esm2", SNG_ARCHITECTURE_ESM2, test_save_pretrained_esm2);
  add ("/sng/transformer-weights/save-pretrained/gpt", SNG_ARCHITECTURE_GPT, test_save_pretrained_gpt);
  add ("/sng/transformer-weights/names", SNG_ARCHITECTURE_ESM2, test_names);
  add ("/sng/transformer-weights/tied", SNG_ARCHITECTURE_ESM2, test_tied);
  add ("/sng/transformer-weights/frequencies", SNG_ARCHITECTURE_ESM2, test_frequencies);
  add ("/sng/transformer-weights/shapes", SNG_ARCHITECTURE_ESM2, test_shapes);
  add ("/sng/transformer-weights/other-architecture", SNG_ARCHITECTURE_ESM2, test_other_architecture);
  add ("/sng/transformer-weights/no-file", SNG_ARCHITECTURE_ESM2, test_no_file);

  return g_test_run ();
}
