/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#define _GNU_SOURCE /* renameat2 (), O_DIRECT */

#include "state/sng-storage-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <unistd.h>

gint64
sng_storage_perform (SngStorage *self, const SngStorageCall *call)
{
  return self->perform (self, call);
}

gint64
sng_storage_insist (SngStorage *self, SngStorageCall call)
{
  gint64 result;

  do
    result = sng_storage_perform (self, &call);
  while (result == -EINTR && call.verb != SNG_STORAGE_CLOSE);

  return result;
}

void
sng_storage_push (SngStorage **top, SngStorage *storage)
{
  storage->next = *top;
  *top = storage;
}

void
sng_storage_remove (SngStorage **top, SngStorage *storage)
{
  SngStorage **place = top;

  while (*place != NULL && *place != storage)
    place = &(*place)->next;
  if (*place == storage)
    *place = storage->next;
}

const char *
sng_storage_verb_name (SngStorageVerb verb)
{
  static const char *const names[] = {
    [SNG_STORAGE_CREATE] = "create",
    [SNG_STORAGE_WRITE] = "write",
    [SNG_STORAGE_SYNC] = "sync",
    [SNG_STORAGE_CLOSE] = "close",
    [SNG_STORAGE_LINK] = "link",
    [SNG_STORAGE_MAKE_DIRECTORY] = "make-directory",
    [SNG_STORAGE_RENAME] = "rename",
    [SNG_STORAGE_EXCHANGE] = "exchange",
    [SNG_STORAGE_REMOVE] = "remove",
    [SNG_STORAGE_REMOVE_DIRECTORY] = "remove-directory",
    [SNG_STORAGE_SYNC_DIRECTORY] = "sync-directory",
  };

  return names[verb];
}

/* Says how the descriptor is to write; FALSE where it cannot be so. */
static gboolean
set_direct (int fd, gboolean is_direct)
{
  int flags = fcntl (fd, F_GETFL);

  if (flags < 0)
    return FALSE;
  if (((flags & O_DIRECT) != 0) == is_direct)
    return TRUE;

  return fcntl (fd, F_SETFL, is_direct ? flags | O_DIRECT : flags & ~O_DIRECT) == 0;
}

static gint64
write_bytes (const SngStorageCall *call)
{
  if (call->is_direct && set_direct (call->fd, TRUE))
    {
      ssize_t n = write (call->fd, call->data, call->n_bytes);

      /* Not every file system can, and not every one says so before. */
      if (n >= 0 || errno != EINVAL)
        return n;
    }
  set_direct (call->fd, FALSE);

  return write (call->fd, call->data, call->n_bytes);
}

static int
sync_directory (const char *path)
{
  int fd = g_open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  int result, code;

  if (fd < 0)
    return -1;

  result = fsync (fd);
  code = errno;
  close (fd);
  errno = code;

  /* Some file systems have no such call for directories, and need none. */
  return result != 0 && (code == EINVAL || code == ENOTSUP) ? 0 : result;
}

static gint64
perform_call (const SngStorageCall *call)
{
  switch (call->verb)
    {
    case SNG_STORAGE_CREATE:
      return g_open (call->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    case SNG_STORAGE_WRITE:
      return write_bytes (call);
    case SNG_STORAGE_SYNC:
      return fsync (call->fd);
    case SNG_STORAGE_CLOSE:
      return close (call->fd);
    case SNG_STORAGE_LINK:
      return link (call->path, call->other);
    case SNG_STORAGE_MAKE_DIRECTORY:
      return g_mkdir (call->path, 0777);
    case SNG_STORAGE_RENAME:
      return g_rename (call->path, call->other);
    case SNG_STORAGE_EXCHANGE:
      return renameat2 (AT_FDCWD, call->path, AT_FDCWD, call->other, RENAME_EXCHANGE);
    case SNG_STORAGE_REMOVE:
      return g_unlink (call->path);
    case SNG_STORAGE_REMOVE_DIRECTORY:
      return g_rmdir (call->path);
    case SNG_STORAGE_SYNC_DIRECTORY:
      return sync_directory (call->path);
    default:
      g_return_val_if_reached (-1);
    }
}

static gint64
posix_perform (SngStorage *self, const SngStorageCall *call)
{
  gint64 result = perform_call (call);

  return result < 0 ? -errno : result;
}

SngStorage *
sng_storage_get_posix (void)
{
  static SngStorage posix = { posix_perform, NULL };

  return &posix;
}
