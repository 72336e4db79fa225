/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Files that are gathered in one buffer while another one is written by a thread. */

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#include "state-fixture.h"
#include "state/sng-state-file-private.h"
#include "storage-fixture.h"
#include "system-fixture.h"

#define MIB (1u << 20)
#define FIRST (16 * MIB) /* what a thread writes first */
#define LARGE (64 * MIB) /* and then at a time */

/* Takes what is written and keeps nothing of it, except that one of the calls of a kind fails. */
typedef struct
{
  SngStorage storage;
  SngStorageVerb verb;
  int calls_to_failure; /* below 0: none fails */
  gint64 result;        /* of that call */
  gboolean keeps;       /* all is written as it is */
  gsize n_written;
} Sink;

typedef struct
{
  char *directory;
  char *path;
  guint8 *data; /* 1 MiB */
  SngStorage *top;
  Sink sink;
  guint n_descriptors;
} Fixture;

static gint64
sink_perform (SngStorage *storage, const SngStorageCall *call)
{
  Sink *self = (Sink *) storage;

  if (call->verb == self->verb && g_atomic_int_add (&self->calls_to_failure, -1) == 0)
    {
      if (call->verb == SNG_STORAGE_CLOSE)
        sng_storage_perform (storage->next, call);
      return self->result;
    }
  if (call->verb == SNG_STORAGE_SYNC)
    return 0;
  if (call->verb != SNG_STORAGE_WRITE || self->keeps)
    return sng_storage_perform (storage->next, call);
  self->n_written += call->n_bytes;

  return (gint64) call->n_bytes;
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->directory = fixture_make_tmp ();
  fixture->path = g_build_filename (fixture->directory, "file", NULL);
  fixture->data = g_malloc (MIB);
  for (guint i = 0; i < MIB; i++)
    fixture->data[i] = (guint8) (i * 2654435761u >> 16);
  fixture->top = sng_storage_get_posix ();
  fixture->sink.storage.perform = sink_perform;
  fixture->sink.calls_to_failure = -1;
  sng_storage_push (&fixture->top, &fixture->sink.storage);
  fixture->n_descriptors = test_count_descriptors ();
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpuint (test_count_descriptors (), ==, fixture->n_descriptors);
  sng_state_file_trim ();
  fixture_remove (fixture->directory);
  g_free (fixture->directory);
  g_free (fixture->path);
  g_free (fixture->data);
}

static void
plant (Fixture *fixture, SngStorageVerb verb, guint n_before, gint64 result)
{
  fixture->sink.verb = verb;
  fixture->sink.calls_to_failure = (int) n_before;
  fixture->sink.result = result;
}

static SngStateFile *
create (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  SngStateFile *file = sng_state_file_create (fixture->top, fixture->path, &error);

  g_assert_no_error (error);

  return file;
}

/* So many bytes, in pieces of which none is as large as the last one. */
static gboolean
write_bytes (Fixture *fixture, SngStateFile *file, gsize n_bytes, GError **error)
{
  for (gsize n; n_bytes > 0; n_bytes -= n)
    {
      n = MIN (n_bytes, MIB);
      if (!sng_state_file_write (file, fixture->data, n, error))
        return FALSE;
    }

  return TRUE;
}

static void
assert_contents (Fixture *fixture, gsize n_bytes)
{
  g_autoptr (GMappedFile) file = g_mapped_file_new (fixture->path, FALSE, NULL);

  g_assert_nonnull (file);
  g_assert_cmpuint (g_mapped_file_get_length (file), ==, n_bytes);
  for (gsize at = 0; at < n_bytes; at += MIB)
    if (memcmp (g_mapped_file_get_contents (file) + at, fixture->data, MIN (n_bytes - at, MIB)) != 0)
      g_error ("the file is another one from byte %" G_GSIZE_FORMAT, at);
}

/* The file is gone, and so is its descriptor. */
static void
assert_failed (Fixture *fixture, SngStateFile *file, GError *error, const char *words)
{
  g_assert_error (error, SNG_ERROR, SNG_ERROR_IO);
  g_assert_nonnull (strstr (error->message, fixture->path));
  g_assert_nonnull (strstr (error->message, words));
  g_error_free (error);
  sng_state_file_free (file);
  g_assert_false (g_file_test (fixture->path, G_FILE_TEST_EXISTS));
  g_assert_cmpuint (test_count_descriptors (), ==, fixture->n_descriptors);
}

/* As it was written, whether a thread could be had for every buffer, for some, or for none. */
static void
test_large (Fixture *fixture, gconstpointer data)
{
  const gsize n_bytes = FIRST + LARGE + 3 * MIB + 5;

  fixture->sink.keeps = TRUE;
  for (guint n_threads = 0; n_threads < 3; n_threads++)
    {
      g_autoptr (SngStateFile) file = create (fixture);
      g_autoptr (GError) error = NULL;

      test_system_fail (TEST_SYSTEM_PTHREAD_CREATE, n_threads, EAGAIN);
      g_assert_true (write_bytes (fixture, file, n_bytes, &error));
      g_assert_no_error (error);
      g_assert_cmpint (test_system_has_failed (TEST_SYSTEM_PTHREAD_CREATE), ==, n_threads < 2);
      g_assert_true (sng_state_file_finish (file, &error));
      g_assert_no_error (error);
      assert_contents (fixture, n_bytes);
      g_assert_cmpint (g_unlink (fixture->path), ==, 0);
    }
}

/* What fails in the thread is seen where the next buffer is handed over, where the file is finished, or by nobody. */
static void
test_thread_fails (Fixture *fixture, gconstpointer data)
{
  GError *error = NULL;
  SngStateFile *file = create (fixture);

  plant (fixture, SNG_STORAGE_WRITE, 0, -EIO);
  g_assert_true (write_bytes (fixture, file, LARGE + MIB, &error));
  g_assert_false (write_bytes (fixture, file, LARGE, &error));
  assert_failed (fixture, file, g_steal_pointer (&error), g_strerror (EIO));

  file = create (fixture);
  plant (fixture, SNG_STORAGE_WRITE, 0, -ENOSPC);
  g_assert_true (write_bytes (fixture, file, LARGE + MIB, &error));
  g_assert_false (sng_state_file_finish (file, &error));
  assert_failed (fixture, file, g_steal_pointer (&error), g_strerror (ENOSPC));

  file = create (fixture);
  plant (fixture, SNG_STORAGE_WRITE, 0, -EIO);
  g_assert_true (write_bytes (fixture, file, LARGE + MIB, &error));
  sng_state_file_free (file);
  g_assert_false (g_file_test (fixture->path, G_FILE_TEST_EXISTS));

  /* Without a thread it is seen at once. */
  file = create (fixture);
  plant (fixture, SNG_STORAGE_WRITE, 0, -EIO);
  test_system_fail (TEST_SYSTEM_PTHREAD_CREATE, 0, EAGAIN);
  g_assert_false (write_bytes (fixture, file, LARGE + MIB, &error));
  g_assert_true (test_system_has_failed (TEST_SYSTEM_PTHREAD_CREATE));
  assert_failed (fixture, file, g_steal_pointer (&error), g_strerror (EIO));
}

/* Past the page cache goes what fills blocks, the rest goes through it: two writes, each of which can fail. */
static void
test_end_fails (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    SngStorageVerb verb;
    guint n_before;
    gint64 result;
    const char *words;
    int code;
  } cases[] = {
    { SNG_STORAGE_WRITE, 0, -EIO, "cannot write", EIO },
    { SNG_STORAGE_WRITE, 1, -EIO, "cannot write", EIO },
    { SNG_STORAGE_WRITE, 0, 0, "cannot write", ENOSPC },
    { SNG_STORAGE_SYNC, 0, -EIO, "cannot sync", EIO },
    { SNG_STORAGE_CLOSE, 0, -EDQUOT, "cannot close", EDQUOT },
  };
  g_autoptr (GError) ignored = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      SngStateFile *file = create (fixture);
      GError *error = NULL;

      plant (fixture, cases[i].verb, cases[i].n_before, cases[i].result);
      g_assert_true (write_bytes (fixture, file, 2 * MIB + 7, &error));
      g_assert_false (sng_state_file_finish (file, &error));
      g_assert_nonnull (strstr (error->message, cases[i].words));
      assert_failed (fixture, file, error, g_strerror (cases[i].code));
    }

  /* What is synced is safe; and a signal takes nothing back. */
  {
    g_autoptr (SngStateFile) file = create (fixture);

    fixture->sink.keeps = TRUE;
    plant (fixture, SNG_STORAGE_CLOSE, 0, -EINTR);
    g_assert_true (write_bytes (fixture, file, 2 * MIB + 7, &ignored));
    g_assert_true (sng_state_file_finish (file, &ignored));
    g_assert_no_error (ignored);
    assert_contents (fixture, 2 * MIB + 7);
  }

  plant (fixture, SNG_STORAGE_CREATE, 0, -EACCES);
  g_assert_null (sng_state_file_create (fixture->top, fixture->path, &ignored));
  fixture_assert_error (ignored, SNG_ERROR_IO, "cannot create");
}

/* No memory for the first buffer, or for the second one. */
static void
test_no_memory (Fixture *fixture, gconstpointer data)
{
  for (guint n_before = 0; n_before < 2; n_before++)
    {
      SngStateFile *file = create (fixture);
      GError *error = NULL;

      sng_state_file_trim ();
      test_system_fail (TEST_SYSTEM_MMAP, n_before, ENOMEM);
      g_assert_false (write_bytes (fixture, file, 2 * LARGE, &error));
      g_assert_true (test_system_has_failed (TEST_SYSTEM_MMAP));
      assert_failed (fixture, file, error, g_strerror (ENOMEM));
    }
}

/* Buffers are used again, as many as one file needs; what several at a time have had goes. */
static void
test_buffers (Fixture *fixture, gconstpointer data)
{
  SngStateFile *files[3];
  g_autoptr (SngStateFile) file = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *path = g_strdup_printf ("%s-%u", fixture->path, i);

      files[i] = sng_state_file_create (fixture->top, path, &error);
      g_assert_true (write_bytes (fixture, files[i], MIB, &error));
    }
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_assert_true (sng_state_file_finish (files[i], &error));
      g_clear_pointer (&files[i], sng_state_file_free);
    }
  g_assert_no_error (error);

  /* Both that are left are taken, and there is no need of a third one. */
  file = create (fixture);
  test_system_fail (TEST_SYSTEM_MMAP, 0, ENOMEM);
  g_assert_true (write_bytes (fixture, file, 3 * LARGE, &error));
  g_assert_false (test_system_has_failed (TEST_SYSTEM_MMAP));
}

#define ADD(path, function) g_test_add ("/sng/state-file/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  ADD ("large", test_large);
  ADD ("thread-fails", test_thread_fails);
  ADD ("end-fails", test_end_fails);
  ADD ("no-memory", test_no_memory);
  ADD ("buffers", test_buffers);

  return g_test_run ();
}
