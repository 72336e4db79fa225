/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "state/sng-safetensors-private.h"

#include <string.h>

#include "sng-error.h"
#include "state/sng-safetensors-header-private.h"

typedef struct
{
  GBytes *contents;
  const char *path;
  gsize header_size; /* with the eight bytes of its length */
  gsize data_size;
  SngSafetensorsHeader *header;
} Reader;

#define refuse(error, reader, tensor, ...)                                                                   \
 sng_safetensors_refuse (error, SNG_ERROR_INVALID_DATA, (reader)->path, tensor, __VA_ARGS__)

/* Finds the header and parses it. */
static SngSafetensorsHeader *
read_header (Reader *reader, GError **error)
{
  gsize size;
  const char *data = g_bytes_get_data (reader->contents, &size);
  guint64 length;

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

  return sng_safetensors_header_parse (data + sizeof length, (gsize) length, reader->path, error);
}

/* Whether the offsets are in the data, and dtype and shape ask for as many bytes. The product is taken in the order of
 * the dimensions: behind a 0 nothing overflows. */
static gboolean
check_item (const Reader *reader, const SngSafetensorsItem *item, GError **error)
{
  guint64 n_bytes = 1;

  if (item->end < item->begin)
    return refuse (error, reader, item->name,
                   "ends at offset %" G_GUINT64_FORMAT ", before its begin at %" G_GUINT64_FORMAT, item->end,
                   item->begin);
  if (item->end > reader->data_size)
    return refuse (error, reader, item->name,
                   "ends at offset %" G_GUINT64_FORMAT ", but the data has %" G_GSIZE_FORMAT " bytes",
                   item->end, reader->data_size);

  for (guint i = 0; i < item->n_dims; i++)
    {
      guint64 size = g_array_index (reader->header->dims, guint64, item->first_dim + i);

      if (!g_uint64_checked_mul (&n_bytes, n_bytes, size))
        return refuse (error, reader, item->name, "the shape overflows at dimension %u, %" G_GUINT64_FORMAT,
                       i, size);
    }

  if (!g_uint64_checked_mul (&n_bytes, n_bytes, sng_dtype_get_size (item->dtype))
      || n_bytes != item->end - item->begin)
    return refuse (error, reader, item->name,
                   "dtype and shape ask for %" G_GUINT64_FORMAT " bytes, the offsets for %" G_GUINT64_FORMAT,
                   n_bytes, item->end - item->begin);

  return TRUE;
}

/* By offset; an empty tensor lies before the one that begins where it does. */
static int
compare_items (gconstpointer a, gconstpointer b)
{
  const SngSafetensorsItem *x = a, *y = b;

  if (x->begin != y->begin)
    return x->begin < y->begin ? -1 : 1;
  if (x->end != y->end)
    return x->end < y->end ? -1 : 1;

  return (x->position > y->position) - (x->position < y->position);
}

static gboolean
check_no_gaps (const Reader *reader, GError **error)
{
  guint64 end = 0;

  for (guint i = 0; i < reader->header->items->len; i++)
    {
      const SngSafetensorsItem *item = &g_array_index (reader->header->items, SngSafetensorsItem, i);

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

/* Checks the tensors and puts them into the order of their data. */
static gboolean
check_items (const Reader *reader, GError **error)
{
  GArray *items = reader->header->items;

  for (guint i = 0; i < items->len; i++)
    if (!check_item (reader, &g_array_index (items, SngSafetensorsItem, i), error))
      return FALSE;

  g_array_sort (items, compare_items);

  return check_no_gaps (reader, error);
}

static SngTensor *
make_tensor (const Reader *reader, const SngSafetensorsItem *item, GError **error)
{
  const gint64 *shape = (const gint64 *) (gconstpointer) reader->header->dims->data + item->first_dim;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) failure = NULL;
  SngTensor *tensor;

  for (guint i = 0; i < item->n_dims; i++)
    if (shape[i] < 0)
      {
        sng_safetensors_refuse (error, SNG_ERROR_NOT_SUPPORTED, reader->path, item->name,
                                "dimension %u, %" G_GUINT64_FORMAT ", is above what a tensor can have", i,
                                (guint64) shape[i]);
        return NULL;
      }

  /* What the format allows and a tensor cannot be, such as too many dimensions. */
  bytes =
      g_bytes_new_from_bytes (reader->contents, reader->header_size + item->begin, item->end - item->begin);
  tensor = sng_tensor_new_from_bytes (item->dtype, shape, item->n_dims, bytes, &failure);
  if (tensor == NULL)
    sng_safetensors_refuse (error, SNG_ERROR_NOT_SUPPORTED, reader->path, item->name, "%s", failure->message);

  return tensor;
}

SngStateDict *
sng_safetensors_read (GBytes *contents,
                      const char *path,
                      GBytes **header,
                      GVariant **metadata,
                      GError **error)
{
  Reader reader = { contents, path, 0, 0, NULL };
  g_autoptr (SngSafetensorsHeader) found = NULL;
  g_autoptr (SngStateDict) tensors = NULL;

  if ((found = reader.header = read_header (&reader, error)) == NULL || !check_items (&reader, error))
    return NULL;

  tensors = sng_state_dict_new ();
  for (guint i = 0; i < found->items->len; i++)
    {
      const SngSafetensorsItem *item = &g_array_index (found->items, SngSafetensorsItem, i);
      g_autoptr (SngTensor) tensor = make_tensor (&reader, item, error);

      if (tensor == NULL)
        return NULL;
      sng_state_dict_set_tensor (tensors, item->name, tensor);
    }

  if (header != NULL)
    *header = g_bytes_new_from_bytes (contents, 0, reader.header_size);
  if (metadata != NULL)
    *metadata = g_steal_pointer (&found->metadata);

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
 * tensor and what is wrong, with the two numbers that do not agree. What the
 * format's reference implementation refuses is refused. What it takes is read,
 * members that describe a tensor in ways of their own are passed over; but a name
 * that is there twice is refused, since readers differ in which one they take.
 *
 * Fails with %SNG_ERROR_INVALID_DATA where the file is not what the format asks
 * for, with %SNG_ERROR_NOT_SUPPORTED for what the format has and a
 * [class@Sng.Tensor] or its name has not (a dtype whose elements do not fill whole
 * bytes, more than 32 dimensions, an empty name, a zero character), with %SNG_ERROR_NOT_FOUND where there is no
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
