/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The files of captured tensors, of which a run store that comes from elsewhere has the names. */

#include "record/sng-capture-private.h"

#include <sys/stat.h>

#include "record/sng-metadata-private.h"
#include "sng-error.h"
#include "state/sng-safetensors.h"

gboolean
sng_capture_is_inside (const char *capture)
{
  g_auto (GStrv) parts = g_strsplit (capture, "/", -1);

  for (char **part = parts; *part != NULL; part++)
    if (**part == '\0' || g_str_equal (*part, ".") || g_str_equal (*part, ".."))
      return FALSE;

  return *parts != NULL;
}

static gboolean
refuse (GError **error, SngError code, SngMetadata *entry, const char *path, const char *why)
{
  g_set_error (error, SNG_ERROR, (int) code, "[record][capture] %s: the captured tensor of %s %s %s", path,
               entry->metric, entry->path, why);
  return FALSE;
}

/* Every part of the name is itself what it seems to be. */
static gboolean
check_parts (const char *directory, SngMetadata *entry, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (entry->capture, "/", -1);
  g_autofree char *path = g_strdup (directory);

  for (char **part = parts; *part != NULL; part++)
    {
      g_autofree char *parent = g_steal_pointer (&path);
      struct stat info;

      path = g_build_filename (parent, *part, NULL);
      if (lstat (path, &info) != 0)
        return refuse (error, SNG_ERROR_NOT_FOUND, entry, path, "is missing");
      if (S_ISLNK (info.st_mode))
        return refuse (error, SNG_ERROR_CORRUPT, entry, path,
                       "is behind a symbolic link, which is not followed");
      if (part[1] == NULL && !S_ISREG (info.st_mode))
        return refuse (error, SNG_ERROR_CORRUPT, entry, path, "is no regular file");
    }

  return TRUE;
}

SngStateDict *
sng_capture_load (const char *directory, SngMetadata *entry, GError **error)
{
  g_autofree char *path = g_build_filename (directory, entry->capture, NULL);

  if (!sng_capture_is_inside (entry->capture))
    {
      refuse (error, SNG_ERROR_CORRUPT, entry, path, "is not within the run's directory");
      return NULL;
    }

  return check_parts (directory, entry, error) ? sng_safetensors_load (path, NULL, error) : NULL;
}
