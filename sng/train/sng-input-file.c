/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "train/sng-input-file-private.h"

#include <string.h>

#include "sng-error.h"

/* RFC 1952 */
static gboolean
is_gzip (const guint8 *data, gsize size)
{
  return size >= 2 && data[0] == 0x1f && data[1] == 0x8b;
}

/* All members of the file: a block-compressed one (bgzip), as sequences often are, has many. */
static GBytes *
decompress (const guint8 *data, gsize size, GError **error)
{
  g_autoptr (GConverter) decompressor = G_CONVERTER (g_zlib_decompressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP));
  g_autoptr (GOutputStream) output = g_memory_output_stream_new_resizable ();
  GConverterResult result = G_CONVERTER_CONVERTED;

  while (result != G_CONVERTER_FINISHED || size > 0)
    {
      guint8 buffer[65536];
      gsize n_read, n_written;

      if (result == G_CONVERTER_FINISHED)
        g_converter_reset (decompressor);

      result = g_converter_convert (decompressor, data, size, buffer, sizeof buffer, G_CONVERTER_INPUT_AT_END,
                                    &n_read, &n_written, error);
      if (result == G_CONVERTER_ERROR
          || !g_output_stream_write_all (output, buffer, n_written, NULL, NULL, error))
        return NULL;

      data += n_read;
      size -= n_read;
    }

  g_output_stream_close (output, NULL, NULL);

  return g_memory_output_stream_steal_as_bytes (G_MEMORY_OUTPUT_STREAM (output));
}

static GBytes *
read_bytes (const char *path, const char *place, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GBytes) raw = NULL;
  g_autoptr (GBytes) bytes = NULL;
  const guint8 *data;
  char *contents;
  gsize size;

  if (!g_file_get_contents (path, &contents, &size, &local_error))
    {
      g_set_error (error, SNG_ERROR,
                   g_error_matches (local_error, G_FILE_ERROR, G_FILE_ERROR_NOENT) ? SNG_ERROR_NOT_FOUND
                                                                                   : SNG_ERROR_IO,
                   "%s %s: %s", place, path, local_error->message);
      return NULL;
    }

  raw = g_bytes_new_take (contents, size);

  data = g_bytes_get_data (raw, NULL);

  if (!is_gzip (data, size))
    return g_steal_pointer (&raw);

  bytes = decompress (data, size, &local_error);

  if (bytes == NULL)
    g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA, "%s %s: the compressed data are damaged: %s",
                 place, path, local_error->message);

  return g_steal_pointer (&bytes);
}

GBytes *
sng_input_file_read (const char *path, const char *place, GError **error)
{
  g_autoptr (GBytes) bytes = read_bytes (path, place, error);
  const char *data, *zero;
  gsize size;

  if (bytes == NULL)
    return NULL;

  data = g_bytes_get_data (bytes, &size);

  if (size == 0)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA, "%s %s: the file is empty", place, path);
      return NULL;
    }

  zero = memchr (data, 0, size);

  if (zero != NULL)
    {
      guint line = 1;

      for (const char *c = data; c < zero; c++)
        line += *c == '\n';

      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA,
                   "%s %s:%u: there is a zero byte, so this is no text but a binary file", place, path, line);
      return NULL;
    }

  return g_steal_pointer (&bytes);
}
