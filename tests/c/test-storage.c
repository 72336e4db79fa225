/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What is made of what the system says. */

#define _GNU_SOURCE /* O_DIRECT */

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state-fixture.h"
#include "state/sng-state-io-private.h"
#include "system-fixture.h"

typedef struct
{
  /* Stands before the file system, and fails the calls of one kind. */
  SngStorage storage;
  SngStorageVerb verb;
  int code;      /* 0: none fails */
  guint n_codes; /* how many do */
  guint n_calls;
  gboolean performs; /* the call is made all the same */

  char *directory;
  SngStorage *top;
} Fixture;

static gint64
fixture_perform (SngStorage *storage, const SngStorageCall *call)
{
  Fixture *self = (Fixture *) storage;

  if (call->verb != self->verb || self->code == 0)
    return sng_storage_perform (storage->next, call);

  self->n_calls++;
  if (self->n_codes == 0)
    return sng_storage_perform (storage->next, call);
  self->n_codes--;
  if (self->performs)
    sng_storage_perform (storage->next, call);

  return -self->code;
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->directory = fixture_make_tmp ();
  fixture->top = sng_storage_get_posix ();
  fixture->storage.perform = fixture_perform;
  sng_storage_push (&fixture->top, &fixture->storage);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  fixture_remove (fixture->directory);
  g_free (fixture->directory);
}

static void
plant (Fixture *fixture, SngStorageVerb verb, int code, guint n_codes)
{
  fixture->verb = verb;
  fixture->code = code;
  fixture->n_codes = n_codes;
  fixture->n_calls = 0;
}

static char *
get_path (Fixture *fixture, const char *name)
{
  return g_build_filename (fixture->directory, name, NULL);
}

static int
create (const char *path)
{
  return (int) sng_storage_perform (sng_storage_get_posix (),
                                    &(SngStorageCall){ .verb = SNG_STORAGE_CREATE, .path = path });
}

/* Where a file system does not take a write past the page cache, it takes one through it. */
static void
test_direct (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = get_path (fixture, "file");
  SngStorageCall call = { .verb = SNG_STORAGE_WRITE, .path = path, .n_bytes = 4096, .is_direct = TRUE };
  g_autofree guint8 *memory = g_malloc0 (3 * 4096);
  g_autofree char *contents = NULL;
  gsize length;

  call.fd = create (path);
  g_assert_cmpint (call.fd, >=, 0);
  call.data = memory + 4096 - (gsize) memory % 4096;
  memset ((gpointer) call.data, 'a', 4096);

  g_assert_cmpint (sng_storage_perform (fixture->top, &call), ==, 4096);
  test_system_fail (TEST_SYSTEM_WRITE, 0, EINVAL);
  g_assert_cmpint (sng_storage_perform (fixture->top, &call), ==, 4096);
  g_assert_true (test_system_has_failed (TEST_SYSTEM_WRITE));
  g_assert_cmpint (fcntl (call.fd, F_GETFL) & O_DIRECT, ==, 0);
  test_system_fail (TEST_SYSTEM_FCNTL, 1, EINVAL);
  g_assert_cmpint (sng_storage_perform (fixture->top, &call), ==, 4096);
  g_assert_true (test_system_has_failed (TEST_SYSTEM_FCNTL));
  test_system_fail (TEST_SYSTEM_FCNTL, 0, EBADF);
  g_assert_cmpint (sng_storage_perform (fixture->top, &call), ==, 4096);
  g_assert_true (test_system_has_failed (TEST_SYSTEM_FCNTL));

  /* Any other failure is one. */
  test_system_fail (TEST_SYSTEM_WRITE, 0, ENOSPC);
  g_assert_cmpint (sng_storage_perform (fixture->top, &call), ==, -ENOSPC);
  g_assert_true (test_system_has_failed (TEST_SYSTEM_WRITE));

  call.verb = SNG_STORAGE_CLOSE;
  g_assert_cmpint (sng_storage_perform (fixture->top, &call), ==, 0);
  g_assert_true (g_file_get_contents (path, &contents, &length, NULL));
  g_assert_cmpuint (length, ==, 4 * 4096);
  for (gsize i = 0; i < length; i++)
    g_assert_cmpint (contents[i], ==, 'a');
}

static void
test_sync_directory (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    int code;
    gboolean is_fine;
  } cases[] = { { EINVAL, TRUE }, { ENOTSUP, TRUE }, { EIO, FALSE }, { ENOSPC, FALSE } };
  g_autofree char *missing = get_path (fixture, "missing");
  g_autoptr (GError) error = NULL;

  g_assert_true (sng_state_io_sync_directory (fixture->top, fixture->directory, &error));
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      test_system_fail (TEST_SYSTEM_FSYNC, 0, cases[i].code);
      g_assert_cmpint (sng_state_io_sync_directory (fixture->top, fixture->directory, &error), ==,
                       cases[i].is_fine);
      g_assert_true (test_system_has_failed (TEST_SYSTEM_FSYNC));
      if (!cases[i].is_fine)
        fixture_assert_error (error, SNG_ERROR_IO, g_strerror (cases[i].code));
      g_assert_no_error (error);
    }

  g_assert_false (sng_state_io_sync_directory (fixture->top, missing, &error));
  fixture_assert_error (error, SNG_ERROR_NOT_FOUND, missing);
}

static void
test_no_such_call (Fixture *fixture, gconstpointer data)
{
  g_test_expect_message ("sng", G_LOG_LEVEL_CRITICAL, "*perform_call*");
  errno = ENOSYS;
  g_assert_cmpint (sng_storage_perform (fixture->top, &(SngStorageCall){ .verb = (SngStorageVerb) 99 }), <,
                   0);
  g_test_assert_expected_messages ();
}

/* A signal interrupts a call, and it is made again; but not a close, after which the descriptor may be another's. */
static void
test_interrupted (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = get_path (fixture, "new");

  plant (fixture, SNG_STORAGE_MAKE_DIRECTORY, EINTR, 3);
  g_assert_true (sng_state_io_make_directory (fixture->top, path, NULL));
  g_assert_cmpuint (fixture->n_calls, ==, 4);

  plant (fixture, SNG_STORAGE_CLOSE, EINTR, 3);
  g_assert_cmpint (sng_storage_insist (fixture->top, (SngStorageCall){ .verb = SNG_STORAGE_CLOSE, .fd = -1 }),
                   ==, -EINTR);
  g_assert_cmpuint (fixture->n_calls, ==, 1);
}

static void
test_remove_absent (void)
{
  SngStorage first = { NULL, NULL }, second = { NULL, NULL }, *top = &first;

  sng_storage_remove (&top, &second);
  g_assert_true (top == &first);
  sng_storage_remove (&top, &first);
  g_assert_null (top);
}

static void
test_read (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = get_path (fixture, "file");
  g_autofree char *pipe = get_path (fixture, "pipe");
  g_autoptr (GError) error = NULL;

  fixture_write (path, "abc", 3);
  test_system_fail (TEST_SYSTEM_FSTAT, 0, EOVERFLOW);
  g_assert_null (sng_state_io_read (path, &error));
  g_assert_true (test_system_has_failed (TEST_SYSTEM_FSTAT));
  fixture_assert_error (error, SNG_ERROR_IO, g_strerror (EOVERFLOW));

  test_system_fail (TEST_SYSTEM_MMAP, 0, ENOMEM);
  g_assert_null (sng_state_io_read (path, &error));
  g_assert_true (test_system_has_failed (TEST_SYSTEM_MMAP));
  fixture_assert_error (error, SNG_ERROR_IO, "cannot read");

  g_assert_null (sng_state_io_read (fixture->directory, &error));
  fixture_assert_error (error, SNG_ERROR_IO, g_strerror (EISDIR));
  g_assert_cmpint (mkfifo (pipe, 0666), ==, 0);
  g_assert_null (sng_state_io_read (pipe, &error));
  fixture_assert_error (error, SNG_ERROR_IO, g_strerror (EINVAL));
}

static void
test_list (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = get_path (fixture, "file");
  g_autofree char *missing = get_path (fixture, "missing");
  g_autoptr (GError) error = NULL;

  fixture_write (path, "abc", 3);
  g_assert_null (sng_state_io_list (path, &error));
  fixture_assert_error (error, SNG_ERROR_IO, path);
  g_assert_null (sng_state_io_list (missing, &error));
  fixture_assert_error (error, SNG_ERROR_NOT_FOUND, missing);
}

static void
test_make_directory (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = get_path (fixture, "a/b");
  g_autofree char *file = get_path (fixture, "file");
  g_autofree char *below = get_path (fixture, "file/a");
  g_autoptr (GError) error = NULL;

  /* Another process is faster. */
  plant (fixture, SNG_STORAGE_MAKE_DIRECTORY, EEXIST, 2);
  fixture->performs = TRUE;
  g_assert_true (sng_state_io_make_directory (fixture->top, path, &error));
  g_assert_no_error (error);
  g_assert_true (g_file_test (path, G_FILE_TEST_IS_DIR));
  fixture->performs = FALSE;
  plant (fixture, SNG_STORAGE_MAKE_DIRECTORY, 0, 0);

  fixture_write (file, "abc", 3);
  g_assert_false (sng_state_io_make_directory (fixture->top, below, &error));
  fixture_assert_error (error, SNG_ERROR_IO, g_strerror (ENOTDIR));
}

/* A name that somebody has is not taken; but there is an end to it. */
static void
test_make_temporary (Fixture *fixture, gconstpointer data)
{
  g_autofree char *prefix = get_path (fixture, "new-");
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;

  plant (fixture, SNG_STORAGE_MAKE_DIRECTORY, EEXIST, 99);
  path = sng_state_io_make_temporary (fixture->top, prefix, &error);
  g_assert_no_error (error);
  g_assert_true (g_file_test (path, G_FILE_TEST_IS_DIR));

  plant (fixture, SNG_STORAGE_MAKE_DIRECTORY, EEXIST, 1000);
  g_assert_null (sng_state_io_make_temporary (fixture->top, prefix, &error));
  fixture_assert_error (error, SNG_ERROR_IO, g_strerror (EEXIST));
  g_assert_cmpuint (fixture->n_calls, ==, 100);

  plant (fixture, SNG_STORAGE_MAKE_DIRECTORY, EACCES, 1000);
  g_assert_null (sng_state_io_make_temporary (fixture->top, prefix, &error));
  fixture_assert_error (error, SNG_ERROR_IO, g_strerror (EACCES));
  g_assert_cmpuint (fixture->n_calls, ==, 1);
}

static void
test_exchange (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    int code;
    gboolean supported;
  } cases[] = { { EINVAL, FALSE }, { ENOSYS, FALSE }, { ENOTSUP, FALSE }, { EIO, TRUE } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      gboolean supported;

      plant (fixture, SNG_STORAGE_EXCHANGE, cases[i].code, 1);
      g_assert_false (sng_state_io_exchange (fixture->top, "a", "b", &supported, &error));
      g_assert_cmpint (supported, ==, cases[i].supported);
      g_assert_cmpint (error != NULL, ==, cases[i].supported);
    }
}

static void
test_remove (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = get_path (fixture, "file");
  g_autofree char *below = get_path (fixture, "file/a");
  g_autofree char *directory = get_path (fixture, "directory");
  g_autofree char *inner = get_path (fixture, "directory/inner");
  g_autoptr (GError) error = NULL;

  fixture_write (path, "abc", 3);
  g_assert_false (sng_state_io_remove (fixture->top, below, &error));
  fixture_assert_error (error, SNG_ERROR_IO, g_strerror (ENOTDIR));
  g_assert_true (sng_state_io_remove (fixture->top, directory, &error));

  /* Another process is faster. */
  plant (fixture, SNG_STORAGE_REMOVE, ENOENT, 1);
  g_assert_true (sng_state_io_remove (fixture->top, path, &error));
  plant (fixture, SNG_STORAGE_REMOVE, EACCES, 1);
  g_assert_false (sng_state_io_remove (fixture->top, path, &error));
  fixture_assert_error (error, SNG_ERROR_IO, g_strerror (EACCES));

  g_assert_cmpint (g_mkdir (directory, 0777), ==, 0);
  fixture_write (inner, "abc", 3);
  test_system_fail (TEST_SYSTEM_OPENDIR, 0, EMFILE);
  g_assert_false (sng_state_io_remove (fixture->top, directory, &error));
  g_assert_true (test_system_has_failed (TEST_SYSTEM_OPENDIR));
  fixture_assert_error (error, SNG_ERROR_IO, directory);
  plant (fixture, SNG_STORAGE_REMOVE, EACCES, 1);
  g_assert_false (sng_state_io_remove (fixture->top, directory, &error));
  fixture_assert_error (error, SNG_ERROR_IO, inner);
  g_assert_true (sng_state_io_remove (fixture->top, directory, &error));
  g_assert_false (g_file_test (directory, G_FILE_TEST_EXISTS));
}

/* A tree with a file in a directory. */
static void
make_tree (Fixture *fixture, char **from, char **file)
{
  *from = get_path (fixture, "from");
  *file = get_path (fixture, "from/inner/file");

  g_assert_cmpint (g_mkdir (*from, 0777), ==, 0);
  {
    g_autofree char *inner = get_path (fixture, "from/inner");

    g_assert_cmpint (g_mkdir (inner, 0777), ==, 0);
  }
  fixture_write (*file, "contents", 8);
}

/* Where there are no links, or no more of them, there are copies. */
static void
test_copied_tree (Fixture *fixture, gconstpointer data)
{
  static const int codes[] = { EPERM, EXDEV, EMLINK, ENOTSUP };
  g_autofree char *from = NULL;
  g_autofree char *file = NULL;

  make_tree (fixture, &from, &file);
  for (guint i = 0; i < G_N_ELEMENTS (codes); i++)
    {
      g_autofree char *to = g_strdup_printf ("%s/to-%u", fixture->directory, i);
      g_autofree char *copy = g_build_filename (to, "inner", "file", NULL);
      g_autofree char *contents = NULL;
      g_autoptr (GError) error = NULL;

      plant (fixture, SNG_STORAGE_LINK, codes[i], 1);
      g_assert_true (sng_state_io_link_tree (fixture->top, from, to, &error));
      g_assert_no_error (error);
      g_assert_cmpuint (fixture->n_calls, ==, 1);
      g_assert_cmpuint (sng_state_io_get_inode (copy), !=, sng_state_io_get_inode (file));
      g_assert_true (g_file_get_contents (copy, &contents, NULL, NULL));
      g_assert_cmpstr (contents, ==, "contents");
    }
}

/* Fails the copy, whose link has failed before. */
typedef struct
{
  SngStorage storage;
  SngStorageVerb verb;
} Broken;

static gint64
broken_perform (SngStorage *storage, const SngStorageCall *call)
{
  Broken *self = (Broken *) storage;

  return call->verb == self->verb ? -EIO : sng_storage_perform (storage->next, call);
}

static void
test_failed_tree (Fixture *fixture, gconstpointer data)
{
  static const SngStorageVerb verbs[] = { SNG_STORAGE_MAKE_DIRECTORY, SNG_STORAGE_CREATE, SNG_STORAGE_WRITE,
                                          SNG_STORAGE_SYNC, SNG_STORAGE_CLOSE };
  g_autofree char *from = NULL;
  g_autofree char *file = NULL;
  g_autofree char *to = get_path (fixture, "to");
  g_autofree char *dangling = get_path (fixture, "from/dangling");
  g_autoptr (GError) error = NULL;

  make_tree (fixture, &from, &file);
  plant (fixture, SNG_STORAGE_LINK, EIO, 1);
  g_assert_false (sng_state_io_link_tree (fixture->top, from, to, &error));
  fixture_assert_error (error, SNG_ERROR_IO, "cannot link");
  fixture_remove (to);

  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++)
    {
      Broken broken = { { broken_perform, NULL }, verbs[i] };

      plant (fixture, SNG_STORAGE_LINK, EPERM, 1);
      sng_storage_push (&fixture->top, &broken.storage);
      g_assert_false (sng_state_io_link_tree (fixture->top, from, to, &error));
      sng_storage_remove (&fixture->top, &broken.storage);
      fixture_assert_error (error, SNG_ERROR_IO, g_strerror (EIO));
      g_assert_true (sng_state_io_remove (fixture->top, to, NULL));
    }

  /* What cannot be read cannot be copied. */
  g_assert_cmpint (symlink ("nowhere", dangling), ==, 0);
  plant (fixture, SNG_STORAGE_LINK, EPERM, 1);
  g_assert_false (sng_state_io_link_tree (fixture->top, from, to, &error));
  fixture_assert_error (error, SNG_ERROR_NOT_FOUND, dangling);
}

/* A large file that is copied, and no memory for it. */
static void
test_failed_copy (Fixture *fixture, gconstpointer data)
{
  g_autofree char *from = NULL;
  g_autofree char *file = NULL;
  g_autofree char *to = get_path (fixture, "to");
  g_autofree char *contents = g_malloc0 (1 << 20);
  g_autoptr (GError) error = NULL;

  make_tree (fixture, &from, &file);
  fixture_write (file, contents, 1 << 20);
  plant (fixture, SNG_STORAGE_LINK, EXDEV, 1);
  test_system_fail (TEST_SYSTEM_MMAP, 1, ENOMEM);
  g_assert_false (sng_state_io_link_tree (fixture->top, from, to, &error));
  g_assert_true (test_system_has_failed (TEST_SYSTEM_MMAP));
  fixture_assert_error (error, SNG_ERROR_IO, "cannot write");
}

#define ADD(path, function) g_test_add ("/sng/storage/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  ADD ("direct", test_direct);
  ADD ("sync-directory", test_sync_directory);
  ADD ("no-such-call", test_no_such_call);
  ADD ("interrupted", test_interrupted);
  g_test_add_func ("/sng/storage/remove-absent", test_remove_absent);
  ADD ("read", test_read);
  ADD ("list", test_list);
  ADD ("make-directory", test_make_directory);
  ADD ("make-temporary", test_make_temporary);
  ADD ("exchange", test_exchange);
  ADD ("remove", test_remove);
  ADD ("copied-tree", test_copied_tree);
  ADD ("failed-tree", test_failed_tree);
  ADD ("failed-copy", test_failed_copy);

  return g_test_run ();
}
