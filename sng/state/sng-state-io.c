/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "state/sng-state-io-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sng-error.h"

#define MAX_ATTEMPTS 100 /* at a name that nobody has */

gboolean
sng_state_io_fail (GError **error, const char *what, const char *path, int code)
{
  g_set_error (error, SNG_ERROR, code == ENOENT ? SNG_ERROR_NOT_FOUND : SNG_ERROR_IO,
               "[state][io] cannot %s '%s': %s", what, path, g_strerror (code));
  return FALSE;
}

static GBytes *
read_file (const char *path, int flags, GError **error)
{
  /* A pipe must not block the open, and a device is no file of ours. */
  int fd = g_open (path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | flags, 0);
  g_autoptr (GMappedFile) file = NULL;
  g_autoptr (GError) failure = NULL;
  struct stat info;
  int code = 0;

  if (fd < 0)
    {
      sng_state_io_fail (error, "read", path, errno);
      return NULL;
    }

  if (fstat (fd, &info) != 0)
    code = errno;
  else if (!S_ISREG (info.st_mode))
    code = S_ISDIR (info.st_mode) ? EISDIR : EINVAL;
  else
    file = g_mapped_file_new_from_fd (fd, FALSE, &failure);
  close (fd);

  if (code != 0)
    sng_state_io_fail (error, "read", path, code);
  else if (file == NULL)
    g_set_error (error, SNG_ERROR, SNG_ERROR_IO, "[state][io] cannot read '%s': %s", path, failure->message);

  return file != NULL ? g_mapped_file_get_bytes (file) : NULL;
}

GBytes *
sng_state_io_read (const char *path, GError **error)
{
  return read_file (path, 0, error);
}

GBytes *
sng_state_io_read_own (const char *path, GError **error)
{
  if (sng_state_io_is_link (path))
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_CORRUPT,
                   "[state][io] '%s' is a link, which a checkpoint has none of: it is not followed", path);
      return NULL;
    }

  return read_file (path, O_NOFOLLOW, error);
}

gboolean
sng_state_io_is_link (const char *path)
{
  return g_file_test (path, G_FILE_TEST_IS_SYMLINK);
}

gboolean
sng_state_io_is_directory (const char *path)
{
  return g_file_test (path, G_FILE_TEST_IS_DIR);
}

gboolean
sng_state_io_exists (const char *path)
{
  return sng_state_io_get_inode (path) != 0;
}

guint64
sng_state_io_get_inode (const char *path)
{
  GStatBuf info;

  return g_lstat (path, &info) == 0 ? info.st_ino : 0;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

char **
sng_state_io_list (const char *path, GError **error)
{
  g_autoptr (GDir) directory = NULL;
  g_autoptr (GPtrArray) names = NULL;
  g_autoptr (GError) failure = NULL;
  const char *name;

  directory = g_dir_open (path, 0, &failure);
  if (directory == NULL)
    {
      g_set_error (error, SNG_ERROR,
                   g_error_matches (failure, G_FILE_ERROR, G_FILE_ERROR_NOENT) ? SNG_ERROR_NOT_FOUND
                                                                               : SNG_ERROR_IO,
                   "[state][io] %s", failure->message);
      return NULL;
    }

  names = g_ptr_array_new_with_free_func (g_free);
  while ((name = g_dir_read_name (directory)) != NULL)
    g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);
  g_ptr_array_add (names, NULL);

  return (char **) g_ptr_array_steal (names, NULL);
}

/* Makes one of the directories that lead to what is wanted. */
static gboolean
make_one (SngStorage *storage, const char *path, const char *wanted, GError **error)
{
  int code = (int) -sng_storage_insist (storage,
                                        (SngStorageCall){ .verb = SNG_STORAGE_MAKE_DIRECTORY, .path = path });

  if (code == 0 || sng_state_io_is_directory (path))
    return TRUE;

  return sng_state_io_fail (error, "make the directory", wanted, code == EEXIST ? ENOTDIR : code);
}

static gboolean
make_directory (SngStorage *storage, const char *path, const char *wanted, GError **error)
{
  g_autofree char *parent = NULL;

  if (sng_state_io_is_directory (path))
    return TRUE;

  parent = g_path_get_dirname (path);

  return make_directory (storage, parent, wanted, error) && make_one (storage, path, wanted, error)
         && sng_state_io_sync_directory (storage, parent, error);
}

gboolean
sng_state_io_make_child (SngStorage *storage, const char *path, GError **error)
{
  return make_one (storage, path, path, error);
}

gboolean
sng_state_io_make_directory (SngStorage *storage, const char *path, GError **error)
{
  return make_directory (storage, path, path, error);
}

char *
sng_state_io_make_temporary (SngStorage *storage, const char *prefix, GError **error)
{
  for (guint attempt = 1;; attempt++)
    {
      g_autofree char *path = sng_state_io_temporary_name (prefix);
      int code = (int) -sng_storage_insist (
          storage, (SngStorageCall){ .verb = SNG_STORAGE_MAKE_DIRECTORY, .path = path });

      if (code == 0)
        return g_steal_pointer (&path);
      if (code != EEXIST || attempt == MAX_ATTEMPTS)
        {
          sng_state_io_fail (error, "make the directory", path, code);
          return NULL;
        }
    }
}

char *
sng_state_io_temporary_name (const char *prefix)
{
  return g_strdup_printf ("%s%06x", prefix, g_random_int () & 0xffffffu);
}

gboolean
sng_state_io_sync_directory (SngStorage *storage, const char *path, GError **error)
{
  int code = (int) -sng_storage_insist (storage,
                                        (SngStorageCall){ .verb = SNG_STORAGE_SYNC_DIRECTORY, .path = path });

  if (code != 0)
    return sng_state_io_fail (error, "sync", path, code);

  return TRUE;
}

gboolean
sng_state_io_rename (SngStorage *storage, const char *from, const char *to, GError **error)
{
  int code = (int) -sng_storage_insist (
      storage, (SngStorageCall){ .verb = SNG_STORAGE_RENAME, .path = from, .other = to });

  if (code != 0)
    return sng_state_io_fail (error, "rename to", to, code);

  return TRUE;
}

gboolean
sng_state_io_exchange (SngStorage *storage, const char *a, const char *b, gboolean *supported, GError **error)
{
  int code = (int) -sng_storage_insist (
      storage, (SngStorageCall){ .verb = SNG_STORAGE_EXCHANGE, .path = a, .other = b });

  *supported = code != EINVAL && code != ENOSYS && code != ENOTSUP;
  if (code == 0 || !*supported)
    return code == 0;

  return sng_state_io_fail (error, "exchange", b, code);
}

gboolean
sng_state_io_remove (SngStorage *storage, const char *path, GError **error)
{
  SngStorageCall call = { .verb = SNG_STORAGE_REMOVE, .path = path };
  GStatBuf info;
  int code = g_lstat (path, &info) == 0 ? 0 : errno;

  if (code == 0 && S_ISDIR (info.st_mode))
    {
      g_auto (GStrv) names = sng_state_io_list (path, error);

      if (names == NULL)
        return FALSE;
      for (guint i = 0; names[i] != NULL; i++)
        {
          g_autofree char *child = g_build_filename (path, names[i], NULL);

          if (!sng_state_io_remove (storage, child, error))
            return FALSE;
        }
      call.verb = SNG_STORAGE_REMOVE_DIRECTORY;
    }

  if (code == 0)
    code = (int) -sng_storage_insist (storage, call);
  if (code != 0 && code != ENOENT)
    return sng_state_io_fail (error, "remove", path, code);

  return TRUE;
}

static gboolean
link_file (SngStorage *storage, const char *from, const char *to, GError **error)
{
  int code = (int) -sng_storage_insist (
      storage, (SngStorageCall){ .verb = SNG_STORAGE_LINK, .path = from, .other = to });
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (SngStateFile) file = NULL;

  if (code == 0)
    return TRUE;
  if (code != EPERM && code != EXDEV && code != EMLINK && code != ENOTSUP)
    return sng_state_io_fail (error, "link", to, code);

  return (bytes = sng_state_io_read (from, error)) != NULL
         && (file = sng_state_file_create (storage, to, error)) != NULL
         && sng_state_file_write (file, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), error)
         && sng_state_file_finish (file, error);
}

gboolean
sng_state_io_link_tree (SngStorage *storage, const char *from, const char *to, GError **error)
{
  g_auto (GStrv) names = sng_state_io_list (from, error);

  if (names == NULL || !sng_state_io_make_directory (storage, to, error))
    return FALSE;

  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autofree char *source = g_build_filename (from, names[i], NULL);
      g_autofree char *target = g_build_filename (to, names[i], NULL);

      if (sng_state_io_is_directory (source) ? !sng_state_io_link_tree (storage, source, target, error)
                                             : !link_file (storage, source, target, error))
        return FALSE;
    }

  return TRUE;
}
