/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "record/sng-file-records-private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <gio/gio.h>
#include <glib/gstdio.h>

#include "record/sng-file-contents-private.h"
#include "sng-error.h"
#include "state/sng-safetensors-private.h"

static GPtrArray *
read_safetensors (GBytes *contents, GError **error)
{
  g_autoptr (GPtrArray) found = sng_file_contents_new ();
  g_autoptr (SngStateDict) tensors = NULL;
  g_autoptr (GVariant) metadata = NULL;
  GVariantIter iter;
  const char *key, *text;

  tensors = sng_safetensors_read (contents, "the file", NULL, &metadata, error);
  if (tensors == NULL)
    return NULL;

  for (guint i = 0; i < sng_state_dict_get_n_items (tensors); i++)
    {
      const char *name = sng_state_dict_get_name (tensors, i);

      sng_file_contents_add_tensor (found, name, sng_state_dict_lookup_tensor (tensors, name));
    }
  if (metadata == NULL)
    return g_steal_pointer (&found);

  g_variant_iter_init (&iter, metadata);
  while (g_variant_iter_next (&iter, "{&s&s}", &key, &text))
    {
      g_autofree char *path = g_strconcat (SNG_SAFETENSORS_METADATA ".", key, NULL);

      sng_file_contents_add_value (found, path, g_variant_new_string (text));
    }

  return g_steal_pointer (&found);
}

static const struct
{
  const char *suffix;
  GPtrArray *(*read) (GBytes *contents, GError **error);
  gboolean is_text;
} formats[] = {
  { ".safetensors", read_safetensors, FALSE },
  { ".npy", sng_npy_read, FALSE },
  { ".json", sng_json_records_read, TRUE },
  { ".csv", sng_csv_records_read, TRUE },
};

static gboolean
has_suffix (const char *file, const char *suffix)
{
  gsize n = strlen (file), n_suffix = strlen (suffix);

  return n > n_suffix && g_ascii_strcasecmp (file + n - n_suffix, suffix) == 0;
}

/* NULL where there is no reader for such a file, or, with @problem set, where it is not what its name says. */
static GPtrArray *
read_contents (const char *file, GBytes *contents, GError **problem)
{
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      if (!has_suffix (file, formats[i].suffix))
        continue;
      if (formats[i].is_text && g_bytes_get_size (contents) > SNG_FILE_CONTENTS_MAX_TEXT)
        {
          g_set_error (problem, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED, "larger than %u MiB",
                       SNG_FILE_CONTENTS_MAX_TEXT >> 20);
          return NULL;
        }
      return formats[i].read (contents, problem);
    }

  return NULL;
}

static GPtrArray *
read_any (const char *file, GBytes *contents)
{
  g_autoptr (GError) problem = NULL;
  GPtrArray *found = read_contents (file, contents, &problem);

  if (found != NULL)
    return found;

  found = sng_file_contents_new ();
  if (problem != NULL)
    sng_file_contents_add_value (found, "not-parsed", g_variant_new_string (problem->message));
  sng_file_contents_add_bytes (found, "", SNG_DTYPE_U8, contents);

  return found;
}

static gboolean
refuse (GError **error, SngError code, const char *file, const char *what)
{
  g_set_error (error, SNG_ERROR, code, "[record][file] %s: %s", file, what);
  return FALSE;
}

/* Where a link leads: to a file below the directory that the link is in, or nowhere that is looked at. */
static char *
follow (const char *file, GError **error)
{
  g_autofree char *parent = g_path_get_dirname (file);
  g_autofree char *directory = realpath (parent, NULL);
  g_autofree char *target = realpath (file, NULL);
  gsize n = directory != NULL ? strlen (directory) : 0;

  if (target == NULL || directory == NULL)
    {
      g_autofree char *what = g_strdup_printf ("a link that leads nowhere: %s", g_strerror (errno));

      refuse (error, SNG_ERROR_NOT_FOUND, file, what);
      return NULL;
    }
  if (strncmp (target, directory, n) != 0 || (target[n] != '/' && !g_str_equal (directory, "/")))
    {
      g_autofree char *what = g_strdup_printf (
          "a link to %s, out of its directory, is not followed: compare the file that it leads to", target);

      refuse (error, SNG_ERROR_NOT_SUPPORTED, file, what);
      return NULL;
    }

  return g_steal_pointer (&target);
}

/* The contents, and where it is a link what it leads to. */
static GBytes *
read_file (const char *file, char **link, GError **error)
{
  g_autofree char *target = NULL;
  g_autoptr (GError) failure = NULL;
  GBytes *contents;
  GStatBuf info;

  *link = NULL;
  if (g_lstat (file, &info) == 0 && S_ISLNK (info.st_mode))
    {
      if ((target = follow (file, error)) == NULL)
        return NULL;
      *link = g_file_read_link (file, NULL);
    }
  else
    target = g_strdup (file);

  if (g_lstat (target, &info) == 0 && !S_ISREG (info.st_mode))
    {
      refuse (error, SNG_ERROR_NOT_SUPPORTED, file,
              S_ISDIR (info.st_mode) ? "a directory, not a file: name the files in it"
                                     : "no regular file but a pipe, a socket or a device");
      return NULL;
    }

  contents = sng_state_io_read_own (target, &failure);
  if (contents == NULL)
    g_propagate_prefixed_error (error, g_steal_pointer (&failure), "[record][file] ");

  return contents;
}

gboolean
sng_recorder_record_file (SngRecorder *self,
                          const char *metric,
                          guint64 step,
                          const char *file,
                          GError **error)
{
  g_autofree char *link = NULL;
  g_autofree char *text = NULL;
  g_autoptr (GBytes) contents = read_file (file, &link, error);
  g_autoptr (GPtrArray) found = NULL;

  if (contents == NULL)
    return FALSE;

  found = read_any (file, contents);
  if (link != NULL)
    {
      text = g_utf8_make_valid (link, -1);
      sng_file_contents_add_value (found, ".link", g_variant_new_string (text));
    }

  for (guint i = 0; i < found->len; i++)
    {
      const SngFileContent *content = found->pdata[i];
      gboolean recorded = content->tensor != NULL
                              ? sng_recorder_record_tensor (self, metric, SNG_STAGE_TRAIN, step, -1,
                                                            content->path, content->tensor, error)
                              : sng_recorder_record_value (self, metric, SNG_STAGE_TRAIN, step, -1,
                                                           content->path, content->value, error);

      if (!recorded)
        {
          g_prefix_error (error, "[record][file] %s: ", file);
          return FALSE;
        }
    }

  return TRUE;
}
