/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Bytes as the log beside a run store that was never closed: as they are, with the sums that belong to them, since no fuzzer
 * finds those by chance, and then with the digest of the rows, too. */

#include "fuzz.h"

#include <string.h>

/* https://www.sqlite.org/fileformat2.html#walformat */
#define HEADER_SIZE 32
#define FRAME_HEADER_SIZE 24
#define BIG_ENDIAN_MAGIC 0x377f0683u

typedef struct
{
  guint8 *data;
  gsize size;
  gboolean is_big_endian;
  guint32 sums[2];
} Log;

static guint32
read_word (const guint8 *data, gboolean is_big_endian)
{
  guint32 word;

  memcpy (&word, data, sizeof word);

  return is_big_endian ? GUINT32_FROM_BE (word) : GUINT32_FROM_LE (word);
}

static void
write_word (guint8 *data, guint32 word)
{
  guint32 big = GUINT32_TO_BE (word);

  memcpy (data, &big, sizeof big);
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

static void
write_sums (const Log *log, guint8 *place)
{
  write_word (place, log->sums[0]);
  write_word (place + 4, log->sums[1]);
}

/* Frames of an older log, whose first salt is one less, stay as they are. */
static void
correct_sums (Log *log)
{
  guint32 page_size, salt;

  if (log->size < HEADER_SIZE)
    return;

  log->is_big_endian = read_word (log->data, TRUE) == BIG_ENDIAN_MAGIC;
  add_to_sums (log, log->data, 24);
  write_sums (log, log->data + 24);

  page_size = read_word (log->data + 8, TRUE);
  salt = read_word (log->data + 16, TRUE);
  if (page_size < 8 || page_size > 65536 || page_size % 8 != 0)
    return;

  for (gsize at = HEADER_SIZE; at + FRAME_HEADER_SIZE + page_size <= log->size;
       at += FRAME_HEADER_SIZE + page_size)
    {
      guint8 *frame = log->data + at;

      if (read_word (frame + 8, TRUE) == salt - 1)
        continue;
      memcpy (frame + 8, log->data + 16, 8);
      add_to_sums (log, frame, 8);
      add_to_sums (log, frame + FRAME_HEADER_SIZE, page_size);
      write_sums (log, frame + 16);
    }
}

static char *
write_store (gconstpointer log, gsize size)
{
  static char *template;
  static gsize template_size;

  if (template == NULL)
    {
      g_autofree char *made = g_build_filename (fuzz_get_directory (), "template.db", NULL);
      g_autoptr (GError) error = NULL;

      fuzz_make_open_store (made);
      g_file_get_contents (made, &template, &template_size, &error);
      g_assert_no_error (error);
    }

  fuzz_remove ("input.db-shm");
  g_free (fuzz_write ("input.db-wal", log, size));

  return fuzz_write ("input.db", template, template_size);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree guint8 *corrected = g_memdup2 (size > 0 ? data : (const guint8 *) "", MAX (size, 1));
  Log log = { .data = corrected, .size = size };
  g_autofree char *path = write_store (data, size);

  if (fuzz_look_at_store (path))
    return 0;

  correct_sums (&log);
  g_free (write_store (corrected, size));
  if (fuzz_look_at_store (path))
    return 0;

  fuzz_reseal_store (path);
  fuzz_look_at_store (path);

  return 0;
}
