/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The write-ahead log of a run store whose writer was killed, or is at work. */

#include "record/sng-run-store-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "sng-error.h"

/* As https://www.sqlite.org/fileformat2.html#walformat lays it down. */
#define HEADER_SIZE 32
#define FRAME_HEADER_SIZE 24
#define MAGIC 0x377f0682u /* + 1: the sums are over big-endian words */

typedef struct
{
  guint32 page_size;
  guint8 salts[8];
  gboolean is_big_endian;
  guint32 sums[2];
  gboolean has_commit;
} Log;

static guint32
read_word (const guint8 *data, gboolean is_big_endian)
{
  guint32 word;

  memcpy (&word, data, sizeof word);

  return is_big_endian ? GUINT32_FROM_BE (word) : GUINT32_FROM_LE (word);
}

static void
add_to_sums (Log *log, const guint8 *data, gsize n_bytes)
{
  for (gsize i = 0; i < n_bytes; i += 8)
    {
      log->sums[0] += read_word (data + i, log->is_big_endian) + log->sums[1];
      log->sums[1] += read_word (data + i + 4, log->is_big_endian) + log->sums[0];
    }
}

static gboolean
has_sums (const Log *log, const guint8 *data)
{
  return read_word (data, TRUE) == log->sums[0] && read_word (data + 4, TRUE) == log->sums[1];
}

static gboolean
read_header (Log *log, const guint8 *data)
{
  guint32 magic = read_word (data, TRUE);

  log->is_big_endian = magic == MAGIC + 1;
  log->page_size = read_word (data + 8, TRUE);
  memcpy (log->salts, data + 16, sizeof log->salts);
  add_to_sums (log, data, 24);

  return (magic == MAGIC || magic == MAGIC + 1) && log->page_size >= 512 && log->page_size <= 65536
         && (log->page_size & (log->page_size - 1)) == 0 && has_sums (log, data + 24);
}

static gboolean
read_fully (int fd, guint8 *data, gsize n_bytes)
{
  gsize n_read = 0;

  while (n_read < n_bytes)
    {
      gssize n = read (fd, data + n_read, n_bytes - n_read);

      if (n <= 0 && (n == 0 || errno != EINTR))
        return FALSE;
      n_read += (gsize) MAX (n, 0);
    }

  return TRUE;
}

/* A frame of the log that this one was begun over. The log is emptied instead of begun anew, unless somebody has read it at that
 * time; then the rest of the old one is there until the first commit cuts it off. */
static gboolean
is_older (const Log *log, const guint8 *frame)
{
  return !log->has_commit && read_word (frame + 8, TRUE) == read_word (log->salts, TRUE) - 1
         && memcmp (frame + 12, log->salts + 4, 4) != 0;
}

/* SQLite takes the first frame that is not as its sums say for the end, and what follows for the rest of an older log: a bit
 * that flipped would take back steps that were finished. The log only ever grows until it is emptied, so a process
 * that is killed leaves its last frame short, and none that is whole and wrong. */
static gboolean
is_sound (int fd, gsize n_bytes)
{
  guint8 header[HEADER_SIZE];
  g_autofree guint8 *frame = NULL;
  gboolean has_ended = FALSE;
  Log log = { 0 };
  gsize size;

  if (n_bytes < sizeof header)
    return TRUE;
  if (!read_fully (fd, header, sizeof header) || !read_header (&log, header))
    return FALSE;

  size = FRAME_HEADER_SIZE + log.page_size;
  frame = g_malloc (size);

  for (gsize at = sizeof header; at + size <= n_bytes; at += size)
    {
      if (!read_fully (fd, frame, size))
        return FALSE;

      if (is_older (&log, frame))
        {
          has_ended = TRUE;
          continue;
        }

      add_to_sums (&log, frame, 8);
      add_to_sums (&log, frame + FRAME_HEADER_SIZE, log.page_size);
      if (has_ended || memcmp (frame + 8, log.salts, sizeof log.salts) != 0 || !has_sums (&log, frame + 16))
        return FALSE;
      log.has_commit |= read_word (frame + 4, TRUE) != 0;
    }

  return TRUE;
}

gboolean
sng_run_store_check_log (SngRunStore *self, const char *path, GError **error)
{
  int fd = g_open (path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
  struct stat info;
  gboolean sound;

  /* its writer has closed the store since */
  if (fd < 0 && errno == ENOENT)
    return TRUE;

  if (fd < 0 || fstat (fd, &info) != 0)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_IO, "[record][open] %s: the log beside it, %s: %s", self->path,
                   path, g_strerror (errno));
      if (fd >= 0)
        close (fd);
      return FALSE;
    }

  sound = is_sound (fd, (gsize) info.st_size);
  close (fd);
  if (!sound)
    g_set_error (error, SNG_ERROR, SNG_ERROR_CORRUPT, "[record][open] %s: the log beside it, %s, is damaged",
                 self->path, path);

  return sound;
}

/* SQLite opens what has one of these names to write to it. */
gboolean
sng_run_store_check_companions (SngRunStore *self, GError **error)
{
  static const char *const suffixes[] = { "-wal", "-shm", "-journal" };

  for (gsize i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      g_autofree char *path = g_strconcat (self->path, suffixes[i], NULL);
      struct stat info;

      if (lstat (path, &info) == 0 && !S_ISREG (info.st_mode))
        {
          g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA,
                       "[record][open] %s: what is beside it, %s, is no regular file", self->path, path);
          return FALSE;
        }
    }

  return TRUE;
}
