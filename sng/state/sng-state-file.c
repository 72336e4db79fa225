/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#define _GNU_SOURCE /* MADV_HUGEPAGE */

#include "state/sng-state-io-private.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* Past the page cache a disk is written to at its full rate while the processor does something else, but only in large
 * pieces, from aligned memory, and at aligned places of the file. So the contents are copied to one of two buffers while the
 * other one is being written; tests/bench/bench-checkpoint.py has what that is worth. */

#define SMALL (64u << 10) /* bytes of the first buffer: most files are smaller */
#define LARGE                                                                                                \
 (64u << 20) /* of those that are written in a thread; at half of it the disk is a fifth slower */
#define FIRST (16u << 20) /* after which the disk begins */
#define BLOCK 4096u       /* what a disk's own blocks are a part of */
#define MIN_DIRECT (1u << 20)

struct _SngStateFile
{
  SngStorage *storage;
  char *path;
  int fd;

  guint8 *buffer; /* being gathered */
  gsize capacity; /* SMALL or LARGE */
  gsize limit;    /* up to which it is filled */
  gsize n_bytes;

  GThread *thread; /* that writes a full buffer; NULL: none */
  guint8 *full;
  gsize n_full;

  gboolean finished;
};

/* ---- Buffers ---- */

/* Memory that is touched for the first time costs more than what is done with it. */
static GMutex pool_mutex;
static guint8 *pool[2];

static guint8 *
take_buffer (void)
{
  guint8 *buffer = NULL;

  g_mutex_lock (&pool_mutex);
  for (guint i = 0; i < G_N_ELEMENTS (pool) && buffer == NULL; i++)
    buffer = g_steal_pointer (&pool[i]);
  g_mutex_unlock (&pool_mutex);
  if (buffer != NULL)
    return buffer;

  buffer = mmap (NULL, LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (buffer == MAP_FAILED)
    return NULL;
  madvise (buffer, LARGE, MADV_HUGEPAGE);

  return buffer;
}

static void
give_buffer (guint8 *buffer)
{
  g_mutex_lock (&pool_mutex);
  for (guint i = 0; i < G_N_ELEMENTS (pool) && buffer != NULL; i++)
    if (pool[i] == NULL)
      pool[i] = g_steal_pointer (&buffer);
  g_mutex_unlock (&pool_mutex);

  if (buffer != NULL)
    munmap (buffer, LARGE);
}

void
sng_state_file_trim (void)
{
  g_mutex_lock (&pool_mutex);
  for (guint i = 0; i < G_N_ELEMENTS (pool); i++)
    if (pool[i] != NULL)
      munmap (g_steal_pointer (&pool[i]), LARGE);
  g_mutex_unlock (&pool_mutex);
}

static void
drop_buffer (SngStateFile *self)
{
  if (self->capacity == LARGE)
    give_buffer (g_steal_pointer (&self->buffer));
  else
    g_clear_pointer (&self->buffer, g_free);
}

/* ---- Files ---- */

SngStateFile *
sng_state_file_create (SngStorage *storage, const char *path, GError **error)
{
  SngStateFile *self;
  gint64 fd = sng_storage_insist (storage, (SngStorageCall){ .verb = SNG_STORAGE_CREATE, .path = path });

  if (fd < 0)
    {
      sng_state_io_fail (error, "create", path, (int) -fd);
      return NULL;
    }

  self = g_new0 (SngStateFile, 1);
  self->storage = storage;
  self->path = g_strdup (path);
  self->fd = (int) fd;
  self->capacity = self->limit = SMALL;
  self->buffer = g_malloc (SMALL);

  return self;
}

/* All of it, however often the system takes only a part. Returns: 0, or an errno. */
static int
write_all (SngStateFile *self, const guint8 *data, gsize n_bytes, gboolean is_direct)
{
  SngStorageCall call = {
    .verb = SNG_STORAGE_WRITE, .path = self->path, .fd = self->fd, .is_direct = is_direct
  };

  while (n_bytes > 0)
    {
      gint64 n;

      call.data = data;
      call.n_bytes = n_bytes;
      n = sng_storage_insist (self->storage, call);
      if (n <= 0)
        return n < 0 ? (int) -n : ENOSPC;
      data += n;
      n_bytes -= (gsize) n;
    }

  return 0;
}

static gpointer
write_thread (gpointer data)
{
  SngStateFile *self = data;

  return GINT_TO_POINTER (write_all (self, self->full, self->n_full, TRUE));
}

/* Waits for the buffer that is being written. Returns: 0, or an errno. */
static int
join (SngStateFile *self)
{
  int code;

  if (self->thread == NULL)
    return 0;

  code = GPOINTER_TO_INT (g_thread_join (g_steal_pointer (&self->thread)));
  give_buffer (g_steal_pointer (&self->full));

  return code;
}

/* Has the full buffer written, while another one is gathered. Where there is no thread to be had it is written at once. */
static int
hand_over (SngStateFile *self)
{
  int code = join (self);

  if (code != 0)
    return code;

  self->full = g_steal_pointer (&self->buffer);
  self->n_full = self->n_bytes;
  self->n_bytes = 0;
  self->limit = LARGE;
  self->thread = g_thread_try_new ("sng-write", write_thread, self, NULL);
  if (self->thread == NULL)
    {
      self->buffer = g_steal_pointer (&self->full);
      return write_all (self, self->buffer, self->n_full, TRUE);
    }
  self->buffer = take_buffer ();

  return self->buffer != NULL ? 0 : ENOMEM;
}

/* Makes room in the buffer. */
static int
make_room (SngStateFile *self)
{
  g_autofree guint8 *small = NULL;

  if (self->capacity == LARGE)
    return hand_over (self);

  small = g_steal_pointer (&self->buffer);
  self->buffer = take_buffer ();
  self->capacity = LARGE;
  self->limit = FIRST;
  if (self->buffer == NULL)
    return ENOMEM;
  memcpy (self->buffer, small, self->n_bytes);

  return 0;
}

gboolean
sng_state_file_write (SngStateFile *self, gconstpointer data, gsize n_bytes, GError **error)
{
  const guint8 *from = data;

  while (n_bytes > 0)
    {
      int code = self->n_bytes == self->limit ? make_room (self) : 0;
      gsize n;

      if (code != 0)
        return sng_state_io_fail (error, "write", self->path, code);

      n = MIN (n_bytes, self->limit - self->n_bytes);
      memcpy (self->buffer + self->n_bytes, from, n);
      self->n_bytes += n;
      from += n;
      n_bytes -= n;
    }

  return TRUE;
}

/* What is left: whole blocks past the page cache, where there are enough of them, and the rest through it. */
static int
flush (SngStateFile *self)
{
  gsize n_direct = self->n_bytes / BLOCK * BLOCK;
  int code = join (self);

  if (n_direct < MIN_DIRECT)
    n_direct = 0;
  if (code == 0)
    code = write_all (self, self->buffer, n_direct, TRUE);
  if (code == 0)
    code = write_all (self, self->buffer + n_direct, self->n_bytes - n_direct, FALSE);

  return code;
}

/* The descriptor is gone, whatever the result. */
static int
close_file (SngStateFile *self)
{
  int fd = self->fd;

  self->fd = -1;

  return (int) -sng_storage_insist (
      self->storage, (SngStorageCall){ .verb = SNG_STORAGE_CLOSE, .path = self->path, .fd = fd });
}

gboolean
sng_state_file_finish (SngStateFile *self, GError **error)
{
  SngStorageCall sync = { .verb = SNG_STORAGE_SYNC, .path = self->path, .fd = self->fd };
  int code = flush (self);

  if (code != 0)
    return sng_state_io_fail (error, "write", self->path, code);

  /* Once: after a sync that failed the system may take for written what is not. */
  code = (int) -sng_storage_insist (self->storage, sync);
  if (code != 0)
    return sng_state_io_fail (error, "sync", self->path, code);

  /* What was synced is safe even where a signal comes in between. */
  code = close_file (self);
  if (code != 0 && code != EINTR)
    return sng_state_io_fail (error, "close", self->path, code);

  self->finished = TRUE;

  return TRUE;
}

void
sng_state_file_free (SngStateFile *self)
{
  join (self);
  if (self->fd >= 0)
    close_file (self);
  if (!self->finished)
    sng_storage_insist (self->storage, (SngStorageCall){ .verb = SNG_STORAGE_REMOVE, .path = self->path });
  drop_buffer (self);
  g_free (self->path);
  g_free (self);
}
