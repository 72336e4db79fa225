/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "record/sng-file-contents-private.h"

static void
content_free (gpointer data)
{
  SngFileContent *content = data;

  g_free (content->path);
  g_clear_pointer (&content->value, g_variant_unref);
  g_clear_object (&content->tensor);
  g_free (content);
}

GPtrArray *
sng_file_contents_new (void)
{
  return g_ptr_array_new_with_free_func (content_free);
}

static SngFileContent *
add (GPtrArray *self, const char *path)
{
  SngFileContent *content = g_new0 (SngFileContent, 1);

  content->path = g_strdup (path);
  g_ptr_array_add (self, content);

  return content;
}

void
sng_file_contents_add_value (GPtrArray *self, const char *path, GVariant *value)
{
  add (self, path)->value = g_variant_ref_sink (value);
}

void
sng_file_contents_add_tensor (GPtrArray *self, const char *path, SngTensor *tensor)
{
  add (self, path)->tensor = g_object_ref (tensor);
}

void
sng_file_contents_add_bytes (GPtrArray *self, const char *path, SngDtype dtype, GBytes *bytes)
{
  gint64 size = (gint64) (g_bytes_get_size (bytes) / sng_dtype_get_size (dtype));
  g_autoptr (SngTensor) tensor = sng_tensor_new_from_bytes (dtype, &size, 1, bytes, NULL);

  sng_file_contents_add_tensor (self, path, tensor);
}

GVariant *
sng_file_contents_integer (const char *text, gsize length)
{
  g_autofree char *digits = g_strndup (text, length);
  guint64 large;
  gint64 small;

  if (g_ascii_string_to_signed (digits, 10, G_MININT64, G_MAXINT64, &small, NULL))
    return g_variant_new_int64 (small);
  if (g_ascii_string_to_unsigned (digits, 10, 0, G_MAXUINT64, &large, NULL))
    return g_variant_new_uint64 (large);

  return g_variant_new ("(s)", digits);
}
