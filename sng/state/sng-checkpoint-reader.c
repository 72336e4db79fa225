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

static gboolean G_GNUC_PRINTF (4, 5)
    refuse (GError **error, SngError code, const char *path, const char *format, ...)
{
  g_autofree char *what = NULL;
  va_list arguments;

  va_start (arguments, format);
  what = g_strdup_vprintf (format, arguments);
  va_end (arguments);

  g_set_error (error, SNG_ERROR, code, "[checkpoint][load] %s: %s", path, what);

  return FALSE;
}

/* Maps the manifest and checks its digest. */
static GBytes *
read_manifest (const char *directory, const char *path, GError **error)
{
  g_autoptr (GBytes) contents = NULL;
  g_autoptr (GError) failure = NULL;
  g_autofree char *end = NULL;
  const char *text;
  gsize length, end_length;

  if (!sng_state_io_is_directory (directory))
    {
      refuse (error, SNG_ERROR_NOT_FOUND, directory, "there is no such checkpoint");
      return NULL;
    }
  if ((contents = sng_state_io_read_own (path, &failure)) == NULL)
    {
      if (g_error_matches (failure, SNG_ERROR, SNG_ERROR_NOT_FOUND))
        refuse (error, SNG_ERROR_INVALID_DATA, directory,
                "not a checkpoint: it has no " SNG_CHECKPOINT_MANIFEST);
      else
        g_propagate_prefixed_error (error, g_steal_pointer (&failure), "[checkpoint][load] ");
      return NULL;
    }

  text = g_bytes_get_data (contents, &length);
  if (length < strlen (SNG_CHECKPOINT_START)
      || memcmp (text, SNG_CHECKPOINT_START, strlen (SNG_CHECKPOINT_START)) != 0)
    {
      refuse (error, SNG_ERROR_INVALID_DATA, path, "not a checkpoint of libsng");
      return NULL;
    }

  end = sng_checkpoint_manifest_end (text, 0);
  end_length = strlen (end);
  if (length > end_length)
    {
      g_free (end);
      end = sng_checkpoint_manifest_end (text, length - end_length);
      if (memcmp (text + length - end_length, end, end_length) == 0)
        return g_steal_pointer (&contents);
    }
  refuse (error, SNG_ERROR_CORRUPT, path, "damaged: its digest is not that of its contents");

  return NULL;
}

static gboolean
read_step (JsonObject *root, const char *directory, const char *path, guint64 *step, GError **error)
{
  const char *text = sng_json_get_string (root, "step");
  g_autofree char *base = g_path_get_basename (directory);
  guint64 version, named;

  if (!sng_json_get_unsigned (root, "version", &version))
    return refuse (error, SNG_ERROR_INVALID_DATA, path, "has no version");
  if (version != SNG_CHECKPOINT_VERSION)
    return refuse (error, SNG_ERROR_NOT_SUPPORTED, path, "version %" G_GUINT64_FORMAT ", only %d is known",
                   version, SNG_CHECKPOINT_VERSION);
  if (text == NULL || !g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT64, step, NULL))
    return refuse (error, SNG_ERROR_INVALID_DATA, path, "has no step");
  if (sng_checkpoint_step_from_name (base, &named) && named != *step)
    return refuse (error, SNG_ERROR_CORRUPT, path,
                   "is of step %" G_GUINT64_FORMAT ", its directory of step %" G_GUINT64_FORMAT, *step,
                   named);

  return TRUE;
}

static GVariant *
read_value (JsonObject *object, const char *path, const char *name, GError **error)
{
  const char *type = sng_json_get_string (object, "type");
  const char *encoded = sng_json_get_string (object, "data");
  g_autoptr (GBytes) bytes = NULL;
  GVariant *value;
  guchar *data;
  gsize n_bytes;

  if (type == NULL || encoded == NULL)
    {
      refuse (error, SNG_ERROR_INVALID_DATA, path, "'%s' has neither a tensor nor a value", name);
      return NULL;
    }

  data = g_base64_decode (encoded, &n_bytes);
  bytes = g_bytes_new_take (data, n_bytes);
  value = sng_state_value_from_bytes (type, bytes, error);
  if (value == NULL)
    g_prefix_error (error, "[checkpoint][load] %s: '%s': ", path, name);

  return value;
}

/* The tensors of one state, from a file of the recorded size and header. */
static SngStateDict *
read_tensors (JsonObject *object,
              const char *manifest,
              const char *directory,
              const char *name,
              GError **error)
{
  g_autofree char *base = sng_state_name_to_file (name);
  g_autofree char *path = g_build_filename (directory, base, NULL);
  g_autofree char *digest = NULL;
  const char *recorded = sng_json_get_string (object, "header");
  g_autoptr (GBytes) contents = NULL;
  g_autoptr (GBytes) header = NULL;
  g_autoptr (GError) failure = NULL;
  g_autoptr (SngStateDict) tensors = NULL;
  guint64 size;

  /* The name of the file is never taken from the manifest, so it cannot lead anywhere else. */
  if (json_object_has_member (object, "file") && json_object_get_null_member (object, "file"))
    return sng_state_dict_new ();
  if (g_strcmp0 (sng_json_get_string (object, "file"), base) != 0 || recorded == NULL
      || !sng_json_get_unsigned (object, "size", &size))
    {
      refuse (error, SNG_ERROR_INVALID_DATA, manifest, "'%s' is not kept in '%s' with a size and a header",
              name, base);
      return NULL;
    }

  if ((contents = sng_state_io_read_own (path, &failure)) == NULL)
    {
      refuse (error, SNG_ERROR_CORRUPT, directory, "%s", failure->message);
      return NULL;
    }
  if (g_bytes_get_size (contents) != size)
    {
      refuse (error, SNG_ERROR_CORRUPT, path,
              "has %" G_GSIZE_FORMAT " bytes, recorded are %" G_GUINT64_FORMAT, g_bytes_get_size (contents),
              size);
      return NULL;
    }
  if ((tensors = sng_safetensors_read (contents, path, &header, NULL, &failure)) == NULL)
    {
      refuse (error, SNG_ERROR_CORRUPT, directory, "%s", failure->message);
      return NULL;
    }

  digest = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, header);
  if (!g_str_equal (digest, recorded))
    {
      refuse (error, SNG_ERROR_CORRUPT, path, "the header's digest is %s, recorded is %s", digest, recorded);
      return NULL;
    }

  return g_steal_pointer (&tensors);
}

static gboolean
check_fingerprint (SngTensor *tensor,
                   const char *path,
                   const char *name,
                   const char *recorded,
                   GError **error)
{
  g_autoptr (SngFingerprint) fingerprint = sng_tensor_compute_fingerprint (tensor);
  g_autofree char *computed = sng_fingerprint_to_string (fingerprint);

  if (g_str_equal (computed, recorded))
    return TRUE;

  return refuse (error, SNG_ERROR_CORRUPT, path, "tensor '%s' has the fingerprint %s, recorded is %s", name,
                 computed, recorded);
}

static gboolean
read_numbers (JsonObject *object, const char *name, GArray *numbers)
{
  JsonArray *array = sng_json_get_array (object, name);

  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++)
    {
      guint64 number;

      if (!sng_json_node_unsigned (json_array_get_element (array, i), &number))
        return FALSE;
      g_array_append_val (numbers, number);
    }

  return array != NULL;
}

/* Where in the whole a tensor of the file lies. */
static SngShard *
read_place (JsonObject *object, SngTensor *tensor, const char *path, const char *name, GError **error)
{
  g_autoptr (GArray) global_shape = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_autoptr (GArray) offset = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_autoptr (GError) failure = NULL;
  SngShard *shard;
  guint n_dims;
  const gint64 *shape = sng_tensor_get_shape (tensor, &n_dims);

  if (!read_numbers (object, "shape", global_shape) || !read_numbers (object, "offset", offset))
    {
      refuse (error, SNG_ERROR_INVALID_DATA, path,
              "tensor '%s' has no shape and offset of whole numbers from 0", name);
      return NULL;
    }

  shard = sng_shard_new ((const gint64 *) (gconstpointer) global_shape->data, global_shape->len,
                         (const gint64 *) (gconstpointer) offset->data, offset->len, shape, n_dims, &failure);
  if (shard == NULL)
    refuse (error, SNG_ERROR_INVALID_DATA, path, "tensor '%s': %s", name, failure->message);

  return shard;
}

/* Puts one entry into the state. */
static gboolean
read_entry (JsonNode *node, SngStateDict *tensors, SngStateDict *state, const char *path, GError **error)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  const char *name = object != NULL ? sng_json_get_string (object, "name") : NULL;
  const char *fingerprint = object != NULL ? sng_json_get_string (object, "tensor") : NULL;
  g_autoptr (GVariant) value = NULL;
  g_autoptr (SngShard) shard = NULL;
  SngTensor *tensor;

  if (name == NULL || name[0] == '\0')
    return refuse (error, SNG_ERROR_INVALID_DATA, path, "has an entry without a name");
  if (sng_state_dict_contains (state, name))
    return refuse (error, SNG_ERROR_INVALID_DATA, path, "has the entry '%s' twice", name);

  if (fingerprint == NULL)
    {
      if ((value = read_value (object, path, name, error)) == NULL)
        return FALSE;
      sng_state_dict_set_value (state, name, value);
      return TRUE;
    }

  if ((tensor = sng_state_dict_lookup_tensor (tensors, name)) == NULL)
    return refuse (error, SNG_ERROR_CORRUPT, path, "the file lacks the tensor '%s'", name);
  if ((shard = read_place (object, tensor, path, name, error)) == NULL)
    return FALSE;

  if (!check_fingerprint (tensor, path, name, fingerprint, error))
    return FALSE;
  sng_state_dict_set_shard (state, name, tensor, shard, NULL); /* its shape is the tensor's */

  return TRUE;
}

static SngStateDict *
read_entries (JsonObject *object, SngStateDict *tensors, const char *path, GError **error)
{
  g_autoptr (SngStateDict) state = sng_state_dict_new ();
  JsonArray *entries = sng_json_get_array (object, "entries");
  const char *name;

  if (entries == NULL)
    {
      refuse (error, SNG_ERROR_INVALID_DATA, path, "has no list of entries");
      return NULL;
    }

  for (guint i = 0; i < json_array_get_length (entries); i++)
    if (!read_entry (json_array_get_element (entries, i), tensors, state, path, error))
      return NULL;

  for (guint i = 0; (name = sng_state_dict_get_name (tensors, i)) != NULL; i++)
    if (sng_state_dict_lookup_tensor (state, name) == NULL)
      {
        refuse (error, SNG_ERROR_CORRUPT, path, "the file has the tensor '%s', which is not recorded", name);
        return NULL;
      }

  return g_steal_pointer (&state);
}

static gboolean
read_state (JsonNode *node,
            SngCheckpoint *checkpoint,
            const char *manifest,
            const char *directory,
            GError **error)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  const char *name = object != NULL ? sng_json_get_string (object, "name") : NULL;
  g_autofree char *place = NULL;
  g_autoptr (SngStateDict) tensors = NULL;
  g_autoptr (SngStateDict) state = NULL;

  if (name == NULL)
    return refuse (error, SNG_ERROR_INVALID_DATA, manifest, "has a state without a name");
  if (!sng_state_name_check (name, NULL))
    {
      g_autofree char *shown = g_strescape (name, NULL);

      return refuse (error, SNG_ERROR_INVALID_DATA, manifest, "'%s' is not the name of a state", shown);
    }
  if (sng_checkpoint_lookup_state (checkpoint, name) != NULL)
    return refuse (error, SNG_ERROR_INVALID_DATA, manifest, "has the state '%s' twice", name);

  place = g_strdup_printf ("%s: state '%s'", directory, name);
  if ((tensors = read_tensors (object, manifest, directory, name, error)) == NULL
      || (state = read_entries (object, tensors, place, error)) == NULL)
    return FALSE;
  sng_checkpoint_set_state (checkpoint, name, state);

  return TRUE;
}

static gboolean
read_metadata (JsonObject *root, SngCheckpoint *checkpoint, const char *path, GError **error)
{
  JsonObject *object = sng_json_get_object (root, "metadata");
  g_autoptr (GVariant) metadata = NULL;

  if (!json_object_has_member (root, "metadata"))
    return TRUE;
  if (object == NULL)
    return refuse (error, SNG_ERROR_INVALID_DATA, path, "the metadata is not a value");
  if ((metadata = read_value (object, path, "metadata", error)) == NULL)
    return FALSE;
  if (!g_variant_is_of_type (metadata, G_VARIANT_TYPE_VARDICT))
    return refuse (error, SNG_ERROR_INVALID_DATA, path, "the metadata is of type '%s', not 'a{sv}'",
                   g_variant_get_type_string (metadata));

  sng_checkpoint_set_metadata (checkpoint, metadata);

  return TRUE;
}

static JsonNode *
parse_manifest (GBytes *contents, const char *path, GError **error)
{
  gsize length;
  const char *text = g_bytes_get_data (contents, &length);
  g_autoptr (JsonNode) node = sng_json_parse_object (text, length, error);
  JsonObject *root;

  if (node == NULL)
    {
      g_prefix_error (error, "[checkpoint][load] %s: ", path);
      return NULL;
    }

  /* Of both, one would be passed over. */
  root = json_node_get_object (node);
  if (json_object_has_member (root, "states") && json_object_has_member (root, "ranks"))
    {
      refuse (error, SNG_ERROR_INVALID_DATA, path, "has both states and ranks");
      return NULL;
    }

  return g_steal_pointer (&node);
}

/* What one process has written. */
static SngCheckpoint *
read_states (JsonObject *root, guint64 step, const char *directory, const char *manifest, GError **error)
{
  g_autoptr (SngCheckpoint) checkpoint = sng_checkpoint_new (step);
  JsonArray *states = sng_json_get_array (root, "states");

  if (states == NULL)
    {
      refuse (error, SNG_ERROR_INVALID_DATA, manifest, "has no list of states");
      return NULL;
    }
  if (!read_metadata (root, checkpoint, manifest, error))
    return NULL;

  for (guint i = 0; i < json_array_get_length (states); i++)
    if (!read_state (json_array_get_element (states, i), checkpoint, manifest, directory, error))
      return NULL;

  return g_steal_pointer (&checkpoint);
}

/* One rank's part, whose manifest is the one that the index knows. */
static SngCheckpoint *
read_part (JsonNode *node, guint rank, guint n_ranks, guint64 step, const char *index, GError **error)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  g_autofree char *name = sng_checkpoint_rank_to_name (rank);
  g_autofree char *parent = g_path_get_dirname (index);
  g_autofree char *directory = g_build_filename (parent, name, NULL);
  g_autofree char *manifest = g_build_filename (directory, SNG_CHECKPOINT_MANIFEST, NULL);
  g_autofree char *digest = NULL;
  g_autoptr (GBytes) contents = NULL;
  g_autoptr (JsonNode) root = NULL;
  guint64 own_step, own_rank, own_n_ranks;

  if (object == NULL || g_strcmp0 (sng_json_get_string (object, "directory"), name) != 0
      || sng_json_get_string (object, "manifest") == NULL)
    {
      refuse (error, SNG_ERROR_INVALID_DATA, index, "rank %u is not kept in '%s' with a manifest", rank,
              name);
      return NULL;
    }
  if (sng_state_io_is_link (directory) || !sng_state_io_is_directory (directory))
    {
      refuse (error, SNG_ERROR_CORRUPT, directory, "the part of rank %u is not there: this is %s", rank,
              sng_state_io_is_link (directory) ? "a link, which is not followed" : "no directory");
      return NULL;
    }

  if ((contents = read_manifest (directory, manifest, error)) == NULL)
    return NULL;
  digest = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, contents);
  if (!g_str_equal (digest, sng_json_get_string (object, "manifest")))
    {
      refuse (error, SNG_ERROR_CORRUPT, manifest,
              "is not the one that was there when the checkpoint was made");
      return NULL;
    }

  if ((root = parse_manifest (contents, manifest, error)) == NULL
      || !read_step (json_node_get_object (root), directory, manifest, &own_step, error))
    return NULL;
  if (own_step != step || !sng_json_get_unsigned (json_node_get_object (root), "rank", &own_rank)
      || !sng_json_get_unsigned (json_node_get_object (root), "n_ranks", &own_n_ranks) || own_rank != rank
      || own_n_ranks != n_ranks)
    {
      refuse (error, SNG_ERROR_CORRUPT, manifest, "is not rank %u of %u at step %" G_GUINT64_FORMAT, rank,
              n_ranks, step);
      return NULL;
    }

  return read_states (json_node_get_object (root), step, directory, manifest, error);
}

/* What several ranks have written. */
static SngCheckpoint *
read_parts (JsonArray *ranks, guint64 step, const char *directory, const char *manifest, GError **error)
{
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func (g_object_unref);
  guint n_ranks = json_array_get_length (ranks);

  if (n_ranks == 0)
    {
      refuse (error, SNG_ERROR_INVALID_DATA, manifest, "has no rank");
      return NULL;
    }

  for (guint rank = 0; rank < n_ranks; rank++)
    {
      SngCheckpoint *part =
          read_part (json_array_get_element (ranks, rank), rank, n_ranks, step, manifest, error);

      if (part == NULL)
        return NULL;
      g_ptr_array_add (parts, part);
    }

  return sng_checkpoint_merge ((SngCheckpoint **) parts->pdata, n_ranks, directory, error);
}

/* A shard is nothing that a training could go on from. */
static gboolean
check_whole (SngCheckpoint *checkpoint, const char *path, GError **error)
{
  const char *state, *name;

  if (sng_checkpoint_find_shard (checkpoint, &state, &name))
    return refuse (error, SNG_ERROR_INVALID_DATA, path, "state '%s': '%s' is a part of a tensor, and alone",
                   state, name);

  return TRUE;
}

/**
 * sng_checkpoint_load:
 * @path: (type filename): the directory of one checkpoint
 * @error: return location for an error
 *
 * Loads one checkpoint and verifies all of it.
 *
 * Every byte of its files is covered by a digest, and every digest is checked.
 * The tensors are read-only and refer to the mapped files, which must
 * not be cut or written to in place while they live; that they are replaced or
 * removed does no harm.
 *
 * Fails with %SNG_ERROR_NOT_FOUND where there is no such directory, with
 * %SNG_ERROR_INVALID_DATA where it is not a checkpoint, with %SNG_ERROR_CORRUPT
 * where it is damaged, and with %SNG_ERROR_NOT_SUPPORTED where a newer libsng
 * wrote it. The message has the file and what is wrong with it.
 *
 * Returns: (transfer full): the checkpoint
 *
 * Since: 1.0
 */
SngCheckpoint *
sng_checkpoint_load (const char *path, GError **error)
{
  g_autoptr (SngCheckpoint) checkpoint = NULL;
  g_autoptr (GBytes) contents = NULL;
  g_autoptr (JsonNode) node = NULL;
  g_autofree char *manifest = NULL;
  JsonObject *root;
  JsonArray *ranks;
  guint64 step;

  g_return_val_if_fail (path != NULL, NULL);

  manifest = g_build_filename (path, SNG_CHECKPOINT_MANIFEST, NULL);
  if ((contents = read_manifest (path, manifest, error)) == NULL
      || (node = parse_manifest (contents, manifest, error)) == NULL)
    return NULL;

  root = json_node_get_object (node);
  if (!read_step (root, path, manifest, &step, error))
    return NULL;

  ranks = sng_json_get_array (root, "ranks");
  checkpoint = ranks != NULL ? read_parts (ranks, step, path, manifest, error)
                             : read_states (root, step, path, manifest, error);
  if (checkpoint == NULL || !check_whole (checkpoint, manifest, error))
    return NULL;
  sng_checkpoint_set_path (checkpoint, path);

  return g_steal_pointer (&checkpoint);
}
