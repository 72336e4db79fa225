/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "state/sng-checkpoint-private.h"

#include <string.h>

#include "sng-error.h"
#include "state/sng-json-private.h"
#include "state/sng-safetensors-private.h"
#include "state/sng-state-names-private.h"

char *
sng_checkpoint_manifest_end (const char *text, gsize length)
{
  g_autofree char *digest = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *) text, length);

  return g_strdup_printf ("  \"digest\": \"%s\"\n}\n", digest);
}

/* "data" has every bit of the value; "text" is for people and left out where there is no short one. */
static void
append_value (GString *text, GVariant *value)
{
  g_autoptr (GBytes) bytes = sng_state_value_to_bytes (value);
  gsize n_bytes;
  gconstpointer data = g_bytes_get_data (bytes, &n_bytes);
  g_autofree char *encoded = g_base64_encode (n_bytes > 0 ? data : "", n_bytes);

  g_string_append_printf (text, "\"type\": \"%s\", \"data\": \"%s\"", g_variant_get_type_string (value),
                          encoded);
  if (g_variant_type_is_basic (g_variant_get_type (value)))
    {
      g_autofree char *readable = g_variant_print (value, FALSE);

      g_string_append (text, ", \"text\": ");
      sng_json_append_string (text, readable);
    }
}

static void
append_numbers (GString *text, const char *name, const gint64 *numbers, guint n)
{
  g_string_append_printf (text, ", \"%s\": [", name);
  for (guint i = 0; i < n; i++)
    g_string_append_printf (text, "%s%" G_GINT64_FORMAT, i > 0 ? ", " : "", numbers != NULL ? numbers[i] : 0);
  g_string_append_c (text, ']');
}

/* The global shape, and where in it lies what the file has. */
static void
append_place (GString *text, SngTensor *tensor, SngShard *shard)
{
  guint n_dims;
  const gint64 *shape =
      shard != NULL ? sng_shard_get_global_shape (shard, &n_dims) : sng_tensor_get_shape (tensor, &n_dims);

  append_numbers (text, "shape", shape, n_dims);
  append_numbers (text, "offset", shard != NULL ? sng_shard_get_offset (shard, NULL) : NULL, n_dims);
}

static void
append_entries (GString *text, SngStateDict *state, GHashTable *fingerprints)
{
  const char *name;

  g_string_append (text, "      \"entries\": [");
  for (guint i = 0; (name = sng_state_dict_get_name (state, i)) != NULL; i++)
    {
      SngTensor *tensor = sng_state_dict_lookup_tensor (state, name);

      g_string_append (text, i > 0 ? ",\n        { \"name\": " : "\n        { \"name\": ");
      sng_json_append_string (text, name);
      g_string_append (text, ", ");
      if (tensor != NULL)
        {
          g_autofree char *printed = sng_fingerprint_to_string (g_hash_table_lookup (fingerprints, name));

          g_string_append_printf (text, "\"tensor\": \"%s\"", printed);
          append_place (text, tensor, sng_state_dict_lookup_shard (state, name));
        }
      else
        {
          append_value (text, sng_state_dict_lookup_value (state, name));
        }
      g_string_append (text, " }");
    }
  g_string_append (text, sng_state_dict_get_n_items (state) > 0 ? "\n      ]\n" : "]\n");
}

/* The tensors of a state, and their bytes in a file. */
static SngStateDict *
select_tensors (SngStateDict *state, gsize *n_bytes)
{
  SngStateDict *tensors = sng_state_dict_new ();
  const char *name;

  *n_bytes = 0;
  for (guint i = 0; (name = sng_state_dict_get_name (state, i)) != NULL; i++)
    {
      SngTensor *tensor = sng_state_dict_lookup_tensor (state, name);

      if (tensor == NULL)
        continue;
      sng_state_dict_set_tensor (tensors, name, tensor);
      *n_bytes += sng_tensor_get_n_bytes (tensor);
    }

  return tensors;
}

/* Writes the file of one state, if it has tensors, and appends what the manifest says about it. */
static gboolean
write_file (GString *text,
            SngStorage *storage,
            const char *directory,
            const char *name,
            SngStateDict *state,
            GHashTable *fingerprints,
            GError **error)
{
  g_autofree char *base = sng_state_name_to_file (name);
  g_autofree char *path = g_build_filename (directory, base, NULL);
  g_autofree char *digest = NULL;
  g_autoptr (SngStateDict) tensors = NULL;
  g_autoptr (SngStateFile) file = NULL;
  g_autoptr (GVariant) metadata = NULL;
  g_autoptr (GBytes) header = NULL;
  gsize n_bytes;

  tensors = select_tensors (state, &n_bytes);
  if (sng_state_dict_get_n_items (tensors) == 0)
    {
      g_string_append (text, "      \"file\": null,\n");
      return TRUE;
    }

  /* Hugging Face loads a file only where its header says so: "pt" is PyTorch. */
  metadata = g_variant_ref_sink (g_variant_new_parsed ("@a{ss} {'format': 'pt'}"));
  if ((file = sng_state_file_create (storage, path, error)) == NULL
      || (header = sng_safetensors_write (file, tensors, metadata, fingerprints, error)) == NULL
      || !sng_state_file_finish (file, error))
    return FALSE;

  digest = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, header);
  g_string_append (text, "      \"file\": ");
  sng_json_append_string (text, base);
  g_string_append_printf (text, ",\n      \"size\": %" G_GSIZE_FORMAT ",\n      \"header\": \"%s\",\n",
                          g_bytes_get_size (header) + n_bytes, digest);

  return TRUE;
}

static gboolean
write_states (GString *text,
              SngCheckpoint *checkpoint,
              SngStorage *storage,
              const char *directory,
              GError **error)
{
  g_auto (GStrv) names = sng_checkpoint_dup_names (checkpoint);

  g_string_append (text, "  \"states\": [");
  for (guint i = 0; names[i] != NULL; i++)
    {
      SngStateDict *state = sng_checkpoint_lookup_state (checkpoint, names[i]);
      g_autoptr (GHashTable) fingerprints =
          g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) sng_fingerprint_free);

      g_string_append (text, i > 0 ? ",\n    {\n      \"name\": " : "\n    {\n      \"name\": ");
      sng_json_append_string (text, names[i]);
      g_string_append (text, ",\n");
      if (!write_file (text, storage, directory, names[i], state, fingerprints, error))
        {
          g_prefix_error (error, "%s: ", names[i]);
          return FALSE;
        }
      append_entries (text, state, fingerprints);
      g_string_append (text, "    }");
    }
  g_string_append (text, names[0] != NULL ? "\n  ],\n" : "],\n");

  return TRUE;
}

static gboolean
write_manifest (GString *text, SngStorage *storage, const char *directory, GError **error)
{
  g_autofree char *path = g_build_filename (directory, SNG_CHECKPOINT_MANIFEST, NULL);
  g_autofree char *end = sng_checkpoint_manifest_end (text->str, text->len);
  g_autoptr (SngStateFile) file = NULL;

  g_string_append (text, end);

  return (file = sng_state_file_create (storage, path, error)) != NULL
         && sng_state_file_write (file, text->str, text->len, error) && sng_state_file_finish (file, error);
}

static GString *
begin_manifest (guint64 step)
{
  GString *text = g_string_new (SNG_CHECKPOINT_START);

  g_string_append_printf (text, "  \"version\": %d,\n  \"step\": \"%" G_GUINT64_FORMAT "\",\n",
                          SNG_CHECKPOINT_VERSION, step);

  return text;
}

gboolean
sng_checkpoint_write (SngCheckpoint *self,
                      SngStorage *storage,
                      const char *directory,
                      guint rank,
                      guint n_ranks,
                      GError **error)
{
  g_autoptr (GString) text = begin_manifest (sng_checkpoint_get_step (self));
  GVariant *metadata = sng_checkpoint_get_metadata (self);
  const char *state, *name;

  if (n_ranks == 0 && sng_checkpoint_find_shard (self, &state, &name))
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "%s: '%s' is one rank's part of a tensor: each rank has to save its own", state, name);
      return FALSE;
    }

  if (n_ranks > 0)
    g_string_append_printf (text, "  \"rank\": %u,\n  \"n_ranks\": %u,\n", rank, n_ranks);
  if (metadata != NULL)
    {
      g_string_append (text, "  \"metadata\": { ");
      append_value (text, metadata);
      g_string_append (text, " },\n");
    }

  return write_states (text, self, storage, directory, error)
         && write_manifest (text, storage, directory, error)
         && sng_state_io_sync_directory (storage, directory, error);
}

gboolean
sng_checkpoint_write_index (SngStorage *storage,
                            const char *directory,
                            guint64 step,
                            guint n_ranks,
                            GError **error)
{
  g_autoptr (GString) text = begin_manifest (step);

  g_string_append (text, "  \"ranks\": [");
  for (guint rank = 0; rank < n_ranks; rank++)
    {
      g_autofree char *name = sng_checkpoint_rank_to_name (rank);
      g_autofree char *path = g_build_filename (directory, name, SNG_CHECKPOINT_MANIFEST, NULL);
      g_autoptr (GBytes) contents = sng_state_io_read_own (path, error);
      g_autofree char *digest = NULL;

      if (contents == NULL)
        return FALSE;
      digest = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, contents);
      g_string_append_printf (text, "%s\n    { \"directory\": \"%s\", \"manifest\": \"%s\" }",
                              rank > 0 ? "," : "", name, digest);
    }
  g_string_append (text, "\n  ],\n");

  return write_manifest (text, storage, directory, error)
         && sng_state_io_sync_directory (storage, directory, error);
}
