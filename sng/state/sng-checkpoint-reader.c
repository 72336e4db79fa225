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
  if ((contents = sng_state_io_read (path, &failure)) == NULL)
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

  if ((contents = sng_state_io_read (path, &failure)) == NULL)
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

/* Puts one entry into the state. */
static gboolean
read_entry (JsonNode *node, SngStateDict *tensors, SngStateDict *state, const char *path, GError **error)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  const char *name = object != NULL ? sng_json_get_string (object, "name") : NULL;
  const char *fingerprint = object != NULL ? sng_json_get_string (object, "tensor") : NULL;
  g_autoptr (GVariant) value = NULL;
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
  if (!check_fingerprint (tensor, path, name, fingerprint, error))
    return FALSE;
  sng_state_dict_set_tensor (state, name, tensor);

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
  JsonArray *states;
  const char *text;
  gsize length;
  guint64 step;

  g_return_val_if_fail (path != NULL, NULL);

  manifest = g_build_filename (path, SNG_CHECKPOINT_MANIFEST, NULL);
  if ((contents = read_manifest (path, manifest, error)) == NULL)
    return NULL;
  text = g_bytes_get_data (contents, &length);
  if ((node = sng_json_parse_object (text, length, error)) == NULL)
    {
      g_prefix_error (error, "[checkpoint][load] %s: ", manifest);
      return NULL;
    }

  root = json_node_get_object (node);
  if (!read_step (root, path, manifest, &step, error))
    return NULL;
  if ((states = sng_json_get_array (root, "states")) == NULL)
    {
      refuse (error, SNG_ERROR_INVALID_DATA, manifest, "has no list of states");
      return NULL;
    }

  checkpoint = sng_checkpoint_new (step);
  if (!read_metadata (root, checkpoint, manifest, error))
    return NULL;
  for (guint i = 0; i < json_array_get_length (states); i++)
    if (!read_state (json_array_get_element (states, i), checkpoint, manifest, path, error))
      return NULL;
  sng_checkpoint_set_path (checkpoint, path);

  return g_steal_pointer (&checkpoint);
}
