/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#define _GNU_SOURCE /* renameat2 () */

#include "state/sng-state-io-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sng-error.h"

#define MAX_WRITE (64u << 20) /* bytes in one call */

struct _SngStateFile
{
  char *path;
  int fd;
  gboolean finished;
};

typedef struct
{
  SngStateIoHook func;
  gpointer data;
} Hook;

/* Held while hooks are called: so one that is removed is not in use. */
static GRecMutex hooks_mutex;
static GList *hooks; /* of Hook, in the order in which they were added */
static int slow;     /* microseconds; atomic */
static int passing;  /* whether nothing is made durable; atomic */

void
sng_state_io_add_hook (SngStateIoHook func, gpointer data)
{
  Hook *hook = g_new (Hook, 1);

  *hook = (Hook){ func, data };
  g_rec_mutex_lock (&hooks_mutex);
  hooks = g_list_append (hooks, hook);
  g_rec_mutex_unlock (&hooks_mutex);
}

void
sng_state_io_remove_hook (SngStateIoHook func, gpointer data)
{
  g_rec_mutex_lock (&hooks_mutex);
  for (GList *l = hooks; l != NULL; l = l->next)
    {
      Hook *hook = l->data;

      if (hook->func == func && hook->data == data)
        {
          hooks = g_list_delete_link (hooks, l);
          g_free (hook);
          break;
        }
    }
  g_rec_mutex_unlock (&hooks_mutex);
}

void
sng_state_io_set_slow (guint usec)
{
  g_atomic_int_set (&slow, (int) usec);
}

void
sng_state_io_set_passing (gboolean is_passing)
{
  g_atomic_int_set (&passing, is_passing);
}

/* What comes before each operation that changes the file system. */
static void
announce (const char *operation, const char *path)
{
  int usec = g_atomic_int_get (&slow);
  GList *next;

  if (usec > 0)
    g_usleep ((gulong) usec);

  g_rec_mutex_lock (&hooks_mutex);
  for (GList *l = hooks; l != NULL; l = next)
    {
      Hook *hook = l->data;

      next = l->next;
      hook->func (operation, path, hook->data);
    }
  g_rec_mutex_unlock (&hooks_mutex);
}

/* Waits for the disk, where that is wanted. */
static int
make_durable (int fd, const char *operation, const char *path)
{
  if (g_atomic_int_get (&passing))
    return 0;

  announce (operation, path);

  return fsync (fd);
}

/* Sets the error of a call that failed with errno. */
static gboolean
fail (GError **error, const char *what, const char *path, int code)
{
  g_set_error (error, SNG_ERROR, code == ENOENT ? SNG_ERROR_NOT_FOUND : SNG_ERROR_IO,
               "[state][io] cannot %s '%s': %s", what, path, g_strerror (code));
  return FALSE;
}

SngStateFile *
sng_state_file_create (const char *path, GError **error)
{
  SngStateFile *self;
  int fd;

  announce ("create", path);
  fd = g_open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0)
    {
      fail (error, "create", path, errno);
      return NULL;
    }

  self = g_new0 (SngStateFile, 1);
  self->path = g_strdup (path);
  self->fd = fd;

  return self;
}

gboolean
sng_state_file_write (SngStateFile *self, gconstpointer data, gsize n_bytes, GError **error)
{
  const char *p = data;

  while (n_bytes > 0)
    {
      ssize_t n;

      announce ("write", self->path);
      n = write (self->fd, p, MIN (n_bytes, MAX_WRITE));
      if (n < 0 && errno != EINTR)
        return fail (error, "write", self->path, errno);
      if (n > 0)
        {
          p += n;
          n_bytes -= (gsize) n;
        }
    }

  return TRUE;
}

gboolean
sng_state_file_finish (SngStateFile *self, GError **error)
{
  int fd = self->fd;

  if (make_durable (fd, "sync", self->path) != 0)
    return fail (error, "sync", self->path, errno);

  announce ("close", self->path);
  self->fd = -1;
  if (close (fd) != 0 && errno != EINTR)
    return fail (error, "close", self->path, errno);

  self->finished = TRUE;

  return TRUE;
}

void
sng_state_file_free (SngStateFile *self)
{
  if (self->fd >= 0)
    close (self->fd);
  if (!self->finished)
    {
      announce ("remove", self->path);
      g_unlink (self->path);
    }
  g_free (self->path);
  g_free (self);
}

GBytes *
sng_state_io_read (const char *path, GError **error)
{
  /* A pipe must not block the open, and a device is no file of ours. */
  int fd = g_open (path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
  g_autoptr (GMappedFile) file = NULL;
  g_autoptr (GError) failure = NULL;
  struct stat info;
  int code = 0;

  if (fd < 0)
    {
      fail (error, "read", path, errno);
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
    fail (error, "read", path, code);
  else if (file == NULL)
    g_set_error (error, SNG_ERROR, SNG_ERROR_IO, "[state][io] cannot read '%s': %s", path, failure->message);

  return file != NULL ? g_mapped_file_get_bytes (file) : NULL;
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
make_directory (const char *path, const char *wanted, GError **error)
{
  g_autofree char *parent = NULL;

  if (sng_state_io_is_directory (path))
    return TRUE;

  parent = g_path_get_dirname (path);
  if (!make_directory (parent, wanted, error))
    return FALSE;
  announce ("mkdir", path);
  if (g_mkdir (path, 0777) != 0)
    {
      int code = errno;

      if (!sng_state_io_is_directory (path))
        return fail (error, "make the directory", wanted, code == EEXIST ? ENOTDIR : code);
    }

  return sng_state_io_sync_directory (parent, error);
}

gboolean
sng_state_io_make_directory (const char *path, GError **error)
{
  return make_directory (path, path, error);
}

char *
sng_state_io_make_temporary (const char *prefix, GError **error)
{
  g_autofree char *path = g_strconcat (prefix, "XXXXXX", NULL);

  announce ("mkdir", path);
  if (g_mkdtemp_full (path, 0777) == NULL)
    {
      fail (error, "make the directory", path, errno);
      return NULL;
    }

  return g_steal_pointer (&path);
}

char *
sng_state_io_temporary_name (const char *prefix)
{
  return g_strdup_printf ("%s%06x", prefix, g_random_int () & 0xffffffu);
}

gboolean
sng_state_io_sync_directory (const char *path, GError **error)
{
  int fd = g_open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  int code = 0;

  if (fd < 0)
    return fail (error, "open", path, errno);

  /* Some file systems have no such call for directories, and need none. */
  if (make_durable (fd, "sync-directory", path) != 0 && errno != EINVAL && errno != ENOTSUP)
    code = errno;
  close (fd);

  return code == 0 || fail (error, "sync", path, code);
}

gboolean
sng_state_io_rename (const char *from, const char *to, GError **error)
{
  announce ("rename", from);
  if (g_rename (from, to) != 0)
    return fail (error, "rename to", to, errno);

  return TRUE;
}

gboolean
sng_state_io_exchange (const char *a, const char *b, gboolean *supported, GError **error)
{
  *supported = TRUE;
  announce ("exchange", a);
  if (renameat2 (AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) == 0)
    return TRUE;

  *supported = errno != EINVAL && errno != ENOSYS && errno != ENOTSUP;

  return *supported ? fail (error, "exchange", b, errno) : FALSE;
}

gboolean
sng_state_io_remove (const char *path, GError **error)
{
  GStatBuf info;

  if (g_lstat (path, &info) != 0)
    return errno == ENOENT || fail (error, "remove", path, errno);

  if (S_ISDIR (info.st_mode))
    {
      g_auto (GStrv) names = sng_state_io_list (path, error);

      if (names == NULL)
        return FALSE;
      for (guint i = 0; names[i] != NULL; i++)
        {
          g_autofree char *child = g_build_filename (path, names[i], NULL);

          if (!sng_state_io_remove (child, error))
            return FALSE;
        }
    }

  announce ("remove", path);
  if (g_remove (path) != 0 && errno != ENOENT)
    return fail (error, "remove", path, errno);

  return TRUE;
}

static gboolean
link_file (const char *from, const char *to, GError **error)
{
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (SngStateFile) file = NULL;

  announce ("link", to);
  if (link (from, to) == 0)
    return TRUE;
  if (errno != EPERM && errno != EXDEV && errno != EMLINK && errno != ENOTSUP)
    return fail (error, "link", to, errno);

  return (bytes = sng_state_io_read (from, error)) != NULL
         && (file = sng_state_file_create (to, error)) != NULL
         && sng_state_file_write (file, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), error)
         && sng_state_file_finish (file, error);
}

gboolean
sng_state_io_link_tree (const char *from, const char *to, GError **error)
{
  g_auto (GStrv) names = sng_state_io_list (from, error);

  if (names == NULL || !sng_state_io_make_directory (to, error))
    return FALSE;

  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autofree char *source = g_build_filename (from, names[i], NULL);
      g_autofree char *target = g_build_filename (to, names[i], NULL);

      if (sng_state_io_is_directory (source) ? !sng_state_io_link_tree (source, target, error)
                                             : !link_file (source, target, error))
        return FALSE;
    }

  return TRUE;
}
