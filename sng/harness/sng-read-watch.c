/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "harness/sng-read-watch-private.h"

#include <errno.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "state/sng-state-io-private.h"

struct _SngReadWatch
{
  int fd;
  GHashTable *directories; /* watch to path */
  GHashTable *files;       /* the paths that were there */
  gboolean has_read;
};

/* FALSE where not all of it can be watched. */
static gboolean
add_tree (SngReadWatch *self, const char *directory)
{
  g_auto (GStrv) names = sng_state_io_list (directory, NULL);
  int watch = names != NULL ? inotify_add_watch (self->fd, directory, IN_CLOSE_NOWRITE) : -1;

  if (watch < 0)
    return FALSE;

  g_hash_table_insert (self->directories, GINT_TO_POINTER (watch), g_strdup (directory));

  for (guint i = 0; names[i] != NULL; i++)
    {
      char *path = g_build_filename (directory, names[i], NULL);
      gboolean is_directory = sng_state_io_is_directory (path) && !sng_state_io_is_link (path);

      g_hash_table_add (self->files, path);
      if (is_directory && !add_tree (self, path))
        return FALSE;
    }

  return TRUE;
}

SngReadWatch *
sng_read_watch_new (const char *directory)
{
  g_autoptr (SngReadWatch) self = g_new0 (SngReadWatch, 1);

  self->fd = inotify_init1 (IN_NONBLOCK | IN_CLOEXEC);
  self->directories = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  self->files = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  return self->fd >= 0 && add_tree (self, directory) ? g_steal_pointer (&self) : NULL;
}

void
sng_read_watch_free (SngReadWatch *self)
{
  if (self->fd >= 0)
    close (self->fd);
  g_hash_table_unref (self->directories);
  g_hash_table_unref (self->files);
  g_free (self);
}

/* A file that was made since and read is none of those that were there; so many events that some were lost may have hidden one. */
static void
take_event (SngReadWatch *self, const struct inotify_event *event)
{
  const char *directory = g_hash_table_lookup (self->directories, GINT_TO_POINTER (event->wd));
  g_autofree char *path = NULL;

  if ((event->mask & IN_Q_OVERFLOW) != 0)
    self->has_read = TRUE;

  if (directory == NULL || event->len == 0 || (event->mask & IN_ISDIR) != 0)
    return;

  path = g_build_filename (directory, event->name, NULL);
  self->has_read |= g_hash_table_contains (self->files, path);
}

gboolean
sng_read_watch_has_read (SngReadWatch *self)
{
  char buffer[4096] __attribute__ ((aligned (__alignof__(struct inotify_event))));
  gssize n;

  while ((n = read (self->fd, buffer, sizeof buffer)) > 0 || (n < 0 && errno == EINTR))
    {
      for (gssize at = 0; at < n;)
        {
          const struct inotify_event *event = (const struct inotify_event *) (gconstpointer) (buffer + at);

          take_event (self, event);
          at += (gssize) (sizeof *event + event->len);
        }
    }

  return self->has_read;
}
