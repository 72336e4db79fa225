/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "state/sng-safetensors-private.h"

#include <string.h>

#include "sng-error.h"
#include "state/sng-json-private.h"

/* One tensor as the header describes it. */
typedef struct
{
  const char *name;
  guint position; /* in the header */
  SngDtype dtype;
  GArray *shape;
  guint64 begin;
  guint64 end;
} Item;

typedef struct
{
  GBytes *contents;
  const char *path;
  gsize header_size; /* with the eight bytes of its length */
  gsize data_size;
} Reader;

static void
item_free (gpointer data)
{
  Item *item = data;

  g_array_unref (item->shape);
  g_free (item);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Item, item_free)

static gboolean G_GNUC_PRINTF (4, 5)
    refuse (GError **error, const Reader *reader, const char *tensor, const char *format, ...)
{
  g_autofree char *what = NULL;
  va_list arguments;

  va_start (arguments, format);
  what = g_strdup_vprintf (format, arguments);
  va_end (arguments);

  if (tensor != NULL)
    g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA, "[safetensors][load] %s: tensor '%s': %s",
                 reader->path, tensor, what);
  else
    g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA, "[safetensors][load] %s: %s", reader->path, what);

  return FALSE;
}

/* Finds the header and parses it. */
static JsonNode *
read_header (Reader *reader, GError **error)
{
  gsize size;
  const char *data = g_bytes_get_data (reader->contents, &size);
  guint64 length;
  JsonNode *root;

  if (size < sizeof length)
    {
      refuse (error, reader, NULL,
              "%" G_GSIZE_FORMAT " bytes are too few: the length of the header alone has 8", size);
      return NULL;
    }

  memcpy (&length, data, sizeof length);
  length = GUINT64_FROM_LE (length);
  if (length > SNG_SAFETENSORS_MAX_HEADER)
    {
      refuse (error, reader, NULL, "a header of %" G_GUINT64_FORMAT " bytes is above the limit of %d", length,
              SNG_SAFETENSORS_MAX_HEADER);
      return NULL;
    }
  if (length > size - sizeof length)
    {
      refuse (error, reader, NULL,
              "the header should have %" G_GUINT64_FORMAT " bytes, but only %" G_GSIZE_FORMAT " follow",
              length, size - sizeof length);
      return NULL;
    }

  reader->header_size = sizeof length + (gsize) length;
  reader->data_size = size - reader->header_size;

  root = sng_json_parse_object (data + sizeof length, (gsize) length, error);
  if (root == NULL)
    g_prefix_error (error, "[safetensors][load] %s: header: ", reader->path);

  return root;
}

static GVariant *
read_metadata (const Reader *reader, JsonObject *root, GError **error)
{
  JsonObject *object = sng_json_get_object (root, SNG_SAFETENSORS_METADATA);
  g_autoptr (GList) keys = NULL;
  GVariantBuilder builder;

  if (object == NULL)
    {
      refuse (error, reader, NULL, "header: '" SNG_SAFETENSORS_METADATA "' is not an object");
      return NULL;
    }

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{ss}"));
  keys = json_object_get_members (object);
  for (GList *key = keys; key != NULL; key = key->next)
    {
      const char *value = sng_json_get_string (object, key->data);

      if (value == NULL)
        {
          g_variant_builder_clear (&builder);
          refuse (error, reader, NULL, "header: '%s' in '" SNG_SAFETENSORS_METADATA "' is not a string",
                  (const char *) key->data);
          return NULL;
        }
      g_variant_builder_add (&builder, "{ss}", key->data, value);
    }

  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

static gboolean
read_dtype (const Reader *reader, JsonObject *object, Item *item, GError **error)
{
  static const char *const known[] = { "U16",     "U32",     "U64", "F8_E5M2", "F8_E4M3", "F8_E8M0",
                                       "F6_E2M3", "F6_E3M2", "F4",  "C64",     NULL };
  const char *name = sng_json_get_string (object, "dtype");

  if (name == NULL)
    return refuse (error, reader, item->name, "has no dtype");
  if (sng_dtype_from_name (name, &item->dtype))
    return TRUE;
  if (!g_strv_contains (known, name))
    return refuse (error, reader, item->name, "unknown dtype '%s'", name);

  g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED,
               "[safetensors][load] %s: tensor '%s': dtype '%s' is not supported", reader->path, item->name,
               name);

  return FALSE;
}

static gboolean
read_shape (const Reader *reader, JsonObject *object, Item *item, GError **error)
{
  JsonArray *shape = sng_json_get_array (object, "shape");
  guint64 n_bytes = sng_dtype_get_size (item->dtype);

  if (shape == NULL)
    return refuse (error, reader, item->name, "has no shape");

  for (guint i = 0; i < json_array_get_length (shape); i++)
    {
      guint64 size;

      if (!sng_json_node_unsigned (json_array_get_element (shape, i), &size))
        return refuse (error, reader, item->name, "dimension %u of the shape is not a whole number from 0",
                       i);
      if (!g_uint64_checked_mul (&n_bytes, n_bytes, size) || n_bytes > G_MAXINT64)
        return refuse (error, reader, item->name, "the shape overflows at dimension %u, %" G_GUINT64_FORMAT,
                       i, size);
      g_array_append_val (item->shape, size);
    }

  if (n_bytes != item->end - item->begin)
    return refuse (error, reader, item->name,
                   "dtype and shape ask for %" G_GUINT64_FORMAT " bytes, the offsets for %" G_GUINT64_FORMAT,
                   n_bytes, item->end - item->begin);

  return TRUE;
}

static gboolean
read_offsets (const Reader *reader, JsonObject *object, Item *item, GError **error)
{
  JsonArray *offsets = sng_json_get_array (object, "data_offsets");

  if (offsets == NULL || json_array_get_length (offsets) != 2
      || !sng_json_node_unsigned (json_array_get_element (offsets, 0), &item->begin)
      || !sng_json_node_unsigned (json_array_get_element (offsets, 1), &item->end))
    return refuse (error, reader, item->name, "data_offsets are not two whole numbers from 0");
  if (item->end < item->begin)
    return refuse (error, reader, item->name,
                   "ends at offset %" G_GUINT64_FORMAT ", before its begin at %" G_GUINT64_FORMAT, item->end,
                   item->begin);
  if (item->end > reader->data_size)
    return refuse (error, reader, item->name,
                   "ends at offset %" G_GUINT64_FORMAT ", but the data has %" G_GSIZE_FORMAT " bytes",
                   item->end, reader->data_size);

  return TRUE;
}

static Item *
read_item (const Reader *reader, JsonObject *root, const char *name, guint position, GError **error)
{
  JsonObject *object = sng_json_get_object (root, name);
  g_autoptr (Item) item = g_new0 (Item, 1);

  item->name = name;
  item->position = position;
  item->shape = g_array_new (FALSE, FALSE, sizeof (gint64));

  if (name[0] == '\0')
    {
      refuse (error, reader, NULL, "header: a tensor has no name");
      return NULL;
    }
  if (object == NULL)
    {
      refuse (error, reader, name, "is not described by an object");
      return NULL;
    }
  if (json_object_get_size (object) != 3)
    {
      refuse (error, reader, name, "has %u members instead of dtype, shape and data_offsets",
              json_object_get_size (object));
      return NULL;
    }
  if (!read_dtype (reader, object, item, error) || !read_offsets (reader, object, item, error)
      || !read_shape (reader, object, item, error))
    return NULL;

  return g_steal_pointer (&item);
}

/* By offset; an empty tensor lies before the one that begins where it does. */
static int
compare_items (gconstpointer a, gconstpointer b)
{
  const Item *x = *(const Item *const *) a, *y = *(const Item *const *) b;

  if (x->begin != y->begin)
    return x->begin < y->begin ? -1 : 1;
  if (x->end != y->end)
    return x->end < y->end ? -1 : 1;

  return x->position < y->position ? -1 : x->position > y->position;
}

static gboolean
check_no_gaps (const Reader *reader, GPtrArray *items, GError **error)
{
  guint64 end = 0;

  for (guint i = 0; i < items->len; i++)
    {
      const Item *item = items->pdata[i];

      if (item->begin != end)
        return refuse (error, reader, item->name,
                       "begins at offset %" G_GUINT64_FORMAT
                       ", which leaves %s: the data before it ends at %" G_GUINT64_FORMAT,
                       item->begin, item->begin > end ? "a hole" : "an overlap", end);
      end = item->end;
    }

  if (end != reader->data_size)
    return refuse (error, reader, NULL,
                   "%" G_GUINT64_FORMAT " bytes follow the last tensor: the data has %" G_GSIZE_FORMAT
                   " bytes, the tensors end at %" G_GUINT64_FORMAT,
                   reader->data_size - end, reader->data_size, end);

  return TRUE;
}

/* All tensors in the order of their data. */
static GPtrArray *
read_items (const Reader *reader, JsonObject *root, GError **error)
{
  g_autoptr (GPtrArray) items = g_ptr_array_new_with_free_func (item_free);
  g_autoptr (GList) names = json_object_get_members (root);

  for (GList *name = names; name != NULL; name = name->next)
    {
      Item *item;

      if (g_str_equal (name->data, SNG_SAFETENSORS_METADATA))
        continue;
      if ((item = read_item (reader, root, name->data, items->len, error)) == NULL)
        return NULL;
      g_ptr_array_add (items, item);
    }
  g_ptr_array_sort (items, compare_items);

  return check_no_gaps (reader, items, error) ? g_steal_pointer (&items) : NULL;
}

static SngTensor *
make_tensor (const Reader *reader, const Item *item, GError **error)
{
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) failure = NULL;
  SngTensor *tensor;

  bytes =
      g_bytes_new_from_bytes (reader->contents, reader->header_size + item->begin, item->end - item->begin);

  /* What the format allows and a tensor cannot be, such as too many dimensions. */
  tensor = sng_tensor_new_from_bytes (item->dtype, (const gint64 *) (gconstpointer) item->shape->data,
                                      item->shape->len, bytes, &failure);
  if (tensor == NULL)
    g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED, "[safetensors][load] %s: tensor '%s': %s",
                 reader->path, item->name, failure->message);

  return tensor;
}

SngStateDict *
sng_safetensors_read (GBytes *contents,
                      const char *path,
                      GBytes **header,
                      GVariant **metadata,
                      GError **error)
{
  Reader reader = { contents, path, 0, 0 };
  g_autoptr (JsonNode) root = NULL;
  g_autoptr (GVariant) found_metadata = NULL;
  g_autoptr (GPtrArray) items = NULL;
  g_autoptr (SngStateDict) tensors = NULL;
  JsonObject *object;

  if ((root = read_header (&reader, error)) == NULL)
    return NULL;

  object = json_node_get_object (root);
  if (json_object_has_member (object, SNG_SAFETENSORS_METADATA)
      && (found_metadata = read_metadata (&reader, object, error)) == NULL)
    return NULL;
  if ((items = read_items (&reader, object, error)) == NULL)
    return NULL;

  tensors = sng_state_dict_new ();
  for (guint i = 0; i < items->len; i++)
    {
      const Item *item = items->pdata[i];
      g_autoptr (SngTensor) tensor = make_tensor (&reader, item, error);

      if (tensor == NULL)
        return NULL;
      sng_state_dict_set_tensor (tensors, item->name, tensor);
    }

  if (header != NULL)
    *header = g_bytes_new_from_bytes (contents, 0, reader.header_size);
  if (metadata != NULL)
    *metadata = g_steal_pointer (&found_metadata);

  return g_steal_pointer (&tensors);
}

/**
 * sng_safetensors_load:
 * @path: (type filename): the file to read
 * @metadata: (out) (optional) (nullable) (transfer full): return location for the metadata of the header, a dictionary
 *   `a{ss}`, or %NULL where there is none
 * @error: return location for an error
 *
 * Reads a [safetensors](https://huggingface.co/docs/safetensors) file.
 *
 * The file is mapped and the tensors refer to it: they are read-only, come
 * in the order of their data, and cost no memory until they are looked at. So the
 * file must not be cut or written to in place while they live; that it is
 * replaced or removed does no harm. A tensor that does not lie at a multiple of its
 * element's size is copied.
 *
 * Everything in the file is checked. The message of an error has the file, the
 * tensor and what is wrong, with the two numbers that do not agree.
 *
 * Fails with %SNG_ERROR_INVALID_DATA where the file is not what the format asks
 * for, with %SNG_ERROR_NOT_SUPPORTED for a dtype or a number of dimensions that a
 * [class@Sng.Tensor] does not have, with %SNG_ERROR_NOT_FOUND where there is no
 * such file and with %SNG_ERROR_IO where it cannot be read.
 *
 * Returns: (transfer full): the tensors
 *
 * Since: 1.0
 */
SngStateDict *
sng_safetensors_load (const char *path, GVariant **metadata, GError **error)
{
  g_autoptr (GBytes) contents = NULL;

  g_return_val_if_fail (path != NULL, NULL);

  if (metadata != NULL)
    *metadata = NULL;

  contents = sng_state_io_read (path, error);
  if (contents == NULL)
    {
      g_prefix_error (error, "[safetensors][load] ");
      return NULL;
    }

  return sng_safetensors_read (contents, path, NULL, metadata, error);
}
