/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "state/sng-safetensors-private.h"

#include <string.h>

#include "sng-error.h"
#include "state/sng-json-private.h"
#include "tensor/sng-device-private.h"

/* The format: https://huggingface.co/docs/safetensors. Eight bytes with the length of the header, little-endian; the
 * header, a JSON object that is filled up with spaces to a multiple of eight; the tensors' bytes without a gap. The order
 * of the tensors is not part of it: that is the one of the reference implementation in Rust (serialize in its
 * tensor.rs), so that one state has one file. */

#define PIECE (8u << 20) /* bytes that come from a device at a time */

typedef struct
{
  const char *name;
  SngTensor *tensor;
  guint rank;
} Item;

/* The order of the dtypes in a file: large alignment first. */
static const guint ranks[] = {
  /* clang-format off */
  [SNG_DTYPE_U64] = 0,
  [SNG_DTYPE_I64] = 1,
  [SNG_DTYPE_F64] = 2,
  [SNG_DTYPE_C64] = 3,
  [SNG_DTYPE_F32] = 4,
  [SNG_DTYPE_U32] = 5,
  [SNG_DTYPE_I32] = 6,
  [SNG_DTYPE_BF16] = 7,
  [SNG_DTYPE_F16] = 8,
  [SNG_DTYPE_U16] = 9,
  [SNG_DTYPE_I16] = 10,
  [SNG_DTYPE_F8_E5M2FNUZ] = 11,
  [SNG_DTYPE_F8_E4M3FNUZ] = 12,
  [SNG_DTYPE_F8_E8M0] = 13,
  [SNG_DTYPE_F8_E4M3] = 14,
  [SNG_DTYPE_F8_E5M2] = 15,
  [SNG_DTYPE_I8] = 16,
  [SNG_DTYPE_U8] = 17,
  [SNG_DTYPE_BOOL] = 18,
  /* clang-format on */
};

static int
compare_items (gconstpointer a, gconstpointer b)
{
  const Item *x = a, *y = b;

  if (x->rank != y->rank)
    return x->rank < y->rank ? -1 : 1;

  return strcmp (x->name, y->name);
}

/* The tensors in the order of the file; the names and tensors are the dictionary's. */
static GArray *
sort_tensors (SngStateDict *tensors, GError **error)
{
  guint n = sng_state_dict_get_n_items (tensors);
  g_autoptr (GArray) items = g_array_sized_new (FALSE, FALSE, sizeof (Item), n);

  for (guint i = 0; i < n; i++)
    {
      Item item = { sng_state_dict_get_name (tensors, i), NULL, 0 };

      item.tensor = sng_state_dict_lookup_tensor (tensors, item.name);
      if (item.tensor == NULL)
        {
          g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                       "[safetensors][save] '%s' is a value; the format holds tensors only", item.name);
          return NULL;
        }
      if (g_str_equal (item.name, SNG_SAFETENSORS_METADATA))
        {
          g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                       "[safetensors][save] '%s' cannot name a tensor: the format reserves it", item.name);
          return NULL;
        }
      item.rank = ranks[sng_tensor_get_dtype (item.tensor)];
      g_array_append_val (items, item);
    }
  g_array_sort (items, compare_items);

  return g_steal_pointer (&items);
}

static int
compare_keys (gconstpointer a, gconstpointer b, gpointer data)
{
  return strcmp (a, b);
}

/* In the order of the keys, so that there is one way to write them. Of a key that the variant has twice, the first
 * counts, as for g_variant_lookup (). */
static void
append_metadata (GString *text, GVariant *metadata)
{
  g_autoptr (GTree) sorted = g_tree_new_full (compare_keys, NULL, g_free, g_free);
  GVariantIter iter;
  char *key, *value;

  g_variant_iter_init (&iter, metadata);
  while (g_variant_iter_next (&iter, "{ss}", &key, &value))
    {
      if (g_tree_lookup (sorted, key) == NULL)
        {
          g_tree_insert (sorted, key, value);
          continue;
        }
      g_free (key);
      g_free (value);
    }

  sng_json_append_string (text, SNG_SAFETENSORS_METADATA);
  g_string_append (text, ":{");
  for (GTreeNode *node = g_tree_node_first (sorted); node != NULL; node = g_tree_node_next (node))
    {
      if (text->str[text->len - 1] != '{')
        g_string_append_c (text, ',');
      sng_json_append_string (text, g_tree_node_key (node));
      g_string_append_c (text, ':');
      sng_json_append_string (text, g_tree_node_value (node));
    }
  g_string_append_c (text, '}');
}

static void
append_tensor (GString *text, const Item *item, guint64 begin, guint64 end)
{
  guint n_dims;
  const gint64 *shape = sng_tensor_get_shape (item->tensor, &n_dims);

  if (text->str[text->len - 1] == '}')
    g_string_append_c (text, ',');
  sng_json_append_string (text, item->name);
  g_string_append_printf (text, ":{\"dtype\":\"%s\",\"shape\":[",
                          sng_dtype_get_name (sng_tensor_get_dtype (item->tensor)));
  for (guint i = 0; i < n_dims; i++)
    g_string_append_printf (text, "%s%" G_GINT64_FORMAT, i > 0 ? "," : "", shape[i]);
  g_string_append_printf (text, "],\"data_offsets\":[%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT "]}", begin,
                          end);
}

/* All that comes before the data. */
static GBytes *
build_header (GArray *items, GVariant *metadata, GError **error)
{
  g_autoptr (GString) text = g_string_new ("\1\1\1\1\1\1\1\1{");
  guint64 begin = 0, length;

  if (metadata != NULL)
    append_metadata (text, metadata);
  for (guint i = 0; i < items->len; i++)
    {
      const Item *item = &g_array_index (items, Item, i);
      guint64 end = begin + sng_tensor_get_n_bytes (item->tensor);

      append_tensor (text, item, begin, end);
      begin = end;
    }
  g_string_append_c (text, '}');
  while (text->len % 8 != 0)
    g_string_append_c (text, ' ');

  if (text->len - 8 > SNG_SAFETENSORS_MAX_HEADER)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "[safetensors][save] the header would have %" G_GSIZE_FORMAT " bytes, the limit is %d",
                   text->len - 8, SNG_SAFETENSORS_MAX_HEADER);
      return NULL;
    }
  length = GUINT64_TO_LE (text->len - 8);
  memcpy (text->str, &length, sizeof length);

  return g_string_free_to_bytes (g_steal_pointer (&text));
}

/* Host memory through which the tensors of a device go into the file, for as long as they come from the same one. */
typedef struct
{
  SngDevice *device;
  gpointer data;
} Passage;

static void
passage_clear (Passage *passage)
{
  if (passage->data != NULL)
    SNG_DEVICE_GET_CLASS (passage->device)->free_staging (passage->device, passage->data, PIECE);
  passage->data = NULL;
  g_clear_object (&passage->device);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Passage, passage_clear)

static gboolean
passage_open (Passage *passage, SngDevice *device, GError **error)
{
  if (passage->device != device)
    {
      passage_clear (passage);
      passage->device = g_object_ref (device);
      passage->data = SNG_DEVICE_GET_CLASS (device)->alloc_staging (device, PIECE, error);
    }

  return passage->data != NULL;
}

/* What fails here and is not the file's fault. */
static gboolean
blame (const Item *item, GError **error)
{
  g_prefix_error (error, "[safetensors][save] '%s': ", item->name);

  return FALSE;
}

/* Piece by piece: there may be less memory here than on the device. */
static gboolean
write_from_device (SngStateFile *file, Passage *passage, const Item *item, SngTensor *tensor, GError **error)
{
  SngDevice *device = sng_tensor_get_device (tensor);
  const char *from = sng_tensor_get_data (tensor);
  gsize n_left = sng_tensor_get_n_bytes (tensor);

  if (!passage_open (passage, device, error))
    return blame (item, error);

  while (n_left > 0)
    {
      gsize n = MIN (n_left, PIECE);

      if (!SNG_DEVICE_GET_CLASS (device)->download (device, passage->data, from, n, error))
        return blame (item, error);
      if (!sng_state_file_write (file, passage->data, n, error))
        return FALSE;
      from += n;
      n_left -= n;
    }

  return TRUE;
}

static gboolean
write_tensor (SngStateFile *file, Passage *passage, const Item *item, GError **error)
{
  SngTensor *tensor = item->tensor;
  g_autoptr (SngTensor) copy = NULL;

  if (!sng_tensor_is_contiguous (tensor) && (tensor = copy = sng_tensor_copy (tensor, error)) == NULL)
    return blame (item, error);

  /* Straight from where it lies, if the processor can read it there. */
  return SNG_DEVICE_GET_CLASS (sng_tensor_get_device (tensor))->host
             ? sng_state_file_write (file, sng_tensor_get_data (tensor), sng_tensor_get_n_bytes (tensor),
                                     error)
             : write_from_device (file, passage, item, tensor, error);
}

/* A device that works by itself may have failed meanwhile; then the fingerprint is of nothing. */
static gboolean
add_fingerprint (GHashTable *fingerprints, const Item *item, GError **error)
{
  SngDevice *device = sng_tensor_get_device (item->tensor);

  g_hash_table_insert (fingerprints, g_strdup (item->name), sng_tensor_compute_fingerprint (item->tensor));

  return SNG_DEVICE_GET_CLASS (device)->check (device, error) || blame (item, error);
}

GBytes *
sng_safetensors_write (SngStateFile *file,
                       SngStateDict *tensors,
                       GVariant *metadata,
                       GHashTable *fingerprints,
                       GError **error)
{
  g_autoptr (GArray) items = NULL;
  g_autoptr (GBytes) header = NULL;
  g_auto (Passage) passage = { NULL, NULL };

  if ((items = sort_tensors (tensors, error)) == NULL
      || (header = build_header (items, metadata, error)) == NULL
      || !sng_state_file_write (file, g_bytes_get_data (header, NULL), g_bytes_get_size (header), error))
    return NULL;

  for (guint i = 0; i < items->len; i++)
    {
      const Item *item = &g_array_index (items, Item, i);

      if (!write_tensor (file, &passage, item, error)
          || (fingerprints != NULL && !add_fingerprint (fingerprints, item, error)))
        return NULL;
    }

  return g_steal_pointer (&header);
}

gboolean
sng_safetensors_save_to (SngStorage *storage,
                         const char *path,
                         SngStateDict *tensors,
                         GVariant *metadata,
                         GError **error)
{
  g_autoptr (SngStateFile) file = NULL;
  g_autoptr (GBytes) header = NULL;
  g_autofree char *directory = NULL;
  g_autofree char *base = NULL;
  g_autofree char *prefix = NULL;
  g_autofree char *temporary = NULL;

  directory = g_path_get_dirname (path);
  base = g_path_get_basename (path);
  prefix = g_strdup_printf ("%s/.%s.tmp-", directory, base);
  temporary = sng_state_io_temporary_name (prefix);

  if ((file = sng_state_file_create (storage, temporary, error)) == NULL
      || (header = sng_safetensors_write (file, tensors, metadata, NULL, error)) == NULL
      || !sng_state_file_finish (file, error))
    return FALSE;

  if (!sng_state_io_rename (storage, temporary, path, error))
    {
      sng_state_io_remove (storage, temporary, NULL);
      return FALSE;
    }

  return sng_state_io_sync_directory (storage, directory, error);
}

/**
 * sng_safetensors_save:
 * @path: (type filename): the file to write
 * @tensors: a dictionary of tensors, without values
 * @metadata: (nullable): a dictionary `a{ss}` to keep in the header, or %NULL
 * @error: return location for an error
 *
 * Writes tensors to a [safetensors](https://huggingface.co/docs/safetensors) file.
 *
 * The bytes of the file depend on names, contents and metadata alone: tensors
 * are ordered by the alignment of their dtype and then by name, metadata by
 * key, and the header is laid out as that of the format's reference
 * implementation. A strided tensor is written contiguous.
 *
 * The file appears under its name complete and durable, in place of one that was
 * there; on an error nothing changes.
 *
 * Fails with %SNG_ERROR_INVALID_ARGUMENT where an entry is a value or is named
 * `__metadata__`, and with %SNG_ERROR_IO where writing fails.
 *
 * Returns: %TRUE on success
 *
 * Since: 1.0
 */
gboolean
sng_safetensors_save (const char *path, SngStateDict *tensors, GVariant *metadata, GError **error)
{
  gboolean is_saved;

  g_return_val_if_fail (path != NULL, FALSE);
  g_return_val_if_fail (SNG_IS_STATE_DICT (tensors), FALSE);
  g_return_val_if_fail (metadata == NULL || g_variant_is_of_type (metadata, G_VARIANT_TYPE ("a{ss}")), FALSE);

  is_saved = sng_safetensors_save_to (sng_storage_get_posix (), path, tensors, metadata, error);
  sng_state_file_trim ();

  return is_saved;
}
