/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A run store whose writer ends without a farewell: before each of its system calls, in the midst of its writes, at any moment, and
 * with the machine. */

#include <sng.h>

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "run-store-fixture.h"

static char *program;

/* What a child tells while it lives, in memory that outlives it. */
typedef struct
{
  guint64 n_steps;      /* that are finished */
  guint64 n_operations; /* system calls that change a file or a lock */
  guint64 is_created;
  guint64 is_closed;
} Told;

/* ---- The child ---- */

static Told *told;
static guint64 fatal_operation = G_MAXUINT64;
static gboolean is_torn;    /* half of the fatal write is done */
static gboolean keeps_disk; /* what is on the disk is kept beside each file */

static gboolean
count (void)
{
  return ++told->n_operations == fatal_operation;
}

G_NORETURN static void
die (void)
{
  kill (getpid (), SIGKILL);
  for (;;)
    pause ();
}

typedef ssize_t (*PositionedWrite) (int, const void *, size_t, off_t);
typedef ssize_t (*Write) (int, const void *, size_t);
typedef int (*Truncate) (int, off_t);
typedef int (*Unlink) (const char *);
typedef int (*Control) (int, int, ...);

static PositionedWrite real_pwrite;
static Write real_write;
static Truncate real_ftruncate;
static Unlink real_unlink;
static Control real_fcntl;

static ssize_t
counted_pwrite (int fd, const void *data, size_t size, off_t offset)
{
  if (count ())
    {
      if (is_torn)
        real_pwrite (fd, data, size / 2, offset);
      die ();
    }

  return real_pwrite (fd, data, size, offset);
}

static ssize_t
counted_write (int fd, const void *data, size_t size)
{
  if (count ())
    die ();

  return real_write (fd, data, size);
}

static int
counted_ftruncate (int fd, off_t length)
{
  if (count ())
    die ();

  return real_ftruncate (fd, length);
}

static int
counted_unlink (const char *path)
{
  if (count ())
    die ();

  return real_unlink (path);
}

static int
counted_fcntl (int fd, int command, ...)
{
  va_list arguments;
  void *argument;

  va_start (arguments, command);
  argument = va_arg (arguments, void *);
  va_end (arguments);

  if (command == F_SETLK && count ())
    die ();

  return real_fcntl (fd, command, argument);
}

/* Keeps what the file holds now, which is what a loss of power would leave of it. */
static void
keep (int fd)
{
  g_autofree char *link = g_strdup_printf ("/proc/self/fd/%d", fd);
  g_autofree char *path = g_file_read_link (link, NULL);
  g_autofree char *kept = g_strconcat (path, ".on-disk", NULL);
  g_autofree char *contents = NULL;
  gsize length;

  if (g_file_get_contents (path, &contents, &length, NULL))
    g_assert_true (g_file_set_contents (kept, contents, (gssize) length, NULL));
}

/* Takes the place of the C library's, for SQLite too. */
int
fdatasync (int fd)
{
  if (told != NULL && count ())
    die ();
  if (keeps_disk)
    keep (fd);

  return (int) syscall (SYS_fdatasync, fd);
}

#define replace(name, type, real, counted)                                                                   \
 G_STMT_START                                                                                                \
 {                                                                                                           \
  sqlite3_syscall_ptr present = vfs->xGetSystemCall (vfs, name);                                             \
                                                                                                             \
  if (present != NULL)                                                                                       \
   {                                                                                                         \
    real = (type) present;                                                                                   \
    g_assert_cmpint (vfs->xSetSystemCall (vfs, name, (sqlite3_syscall_ptr) counted), ==, SQLITE_OK);         \
   }                                                                                                         \
 }                                                                                                           \
 G_STMT_END

static void
replace_system_calls (void)
{
  sqlite3_vfs *vfs;

  sqlite3_initialize ();
  vfs = sqlite3_vfs_find (NULL);
  replace ("pwrite", PositionedWrite, real_pwrite, counted_pwrite);
  replace ("pwrite64", PositionedWrite, real_pwrite, counted_pwrite);
  replace ("write", Write, real_write, counted_write);
  replace ("ftruncate", Truncate, real_ftruncate, counted_ftruncate);
  replace ("unlink", Unlink, real_unlink, counted_unlink);
  replace ("fcntl", Control, real_fcntl, counted_fcntl);
  g_assert_nonnull (real_pwrite);
}

static Told *
map_told (const char *path)
{
  int fd = g_open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  void *memory;

  g_assert_cmpint (ftruncate (fd, sizeof (Told)), ==, 0);
  memory = mmap (NULL, sizeof (Told), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  g_assert_true (memory != MAP_FAILED);
  close (fd);

  return memory;
}

/* How it records: as it should, or in one of the ways that would lose steps. */
static const char *const ways[] = { "sound", "unflushed", "boastful", "long", NULL };

/* --record PATH TOLD STEPS WAY FATAL TORN KEEP */
static int
record (char **arguments)
{
  guint64 n_steps = g_ascii_strtoull (arguments[2], NULL, 10);
  const char *way = arguments[3];
  g_autoptr (SngRunStore) store = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (g_strv_contains (ways, way));
  told = map_told (arguments[1]);
  fatal_operation = g_ascii_strtoull (arguments[4], NULL, 10);
  is_torn = g_str_equal (arguments[5], "torn");
  keeps_disk = g_str_equal (arguments[6], "keep");
  replace_system_calls ();

  store = run_store_create (arguments[0]);
  told->is_created = TRUE;

  for (guint64 step = 1; step <= n_steps; step++)
    {
      run_store_append_step (store, step);
      if (g_str_equal (way, "long"))
        {
          g_autofree char *text = g_strnfill (3 << 20, 'x');

          sng_run_store_set_info (store, "padding", g_variant_new_string (text), &error);
          g_assert_no_error (error);
        }
      if (g_str_equal (way, "boastful"))
        told->n_steps = step;
      if (!g_str_equal (way, "unflushed"))
        sng_run_store_flush (store, &error);
      g_assert_no_error (error);
      told->n_steps = step;
    }

  sng_run_store_close (store, &error);
  g_assert_no_error (error);
  told->is_closed = TRUE;

  return 0;
}

/* ---- The parent ---- */

typedef struct
{
  const char *way;
  guint64 n_steps;
  guint64 fatal;
  gboolean torn;
  gboolean keep;
} Plan;

static char *
name_beside (const char *path, const char *suffix)
{
  return g_strconcat (path, suffix, NULL);
}

static void
remove_store (const char *path)
{
  static const char *const suffixes[] = {
    "", "-wal", "-shm", "-journal", ".told", ".on-disk", "-wal.on-disk", "-journal.on-disk",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      g_autofree char *name = name_beside (path, suffixes[i]);

      g_unlink (name);
    }
}

static GSubprocess *
start (const char *path, const Plan *plan)
{
  g_autofree char *told_path = name_beside (path, ".told");
  g_autofree char *n_steps = g_strdup_printf ("%" G_GUINT64_FORMAT, plan->n_steps);
  g_autofree char *fatal = g_strdup_printf ("%" G_GUINT64_FORMAT, plan->fatal);
  g_autoptr (GError) error = NULL;
  GSubprocess *child = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, &error, program, "--record", path,
                                         told_path, n_steps, plan->way, fatal, plan->torn ? "torn" : "whole",
                                         plan->keep ? "keep" : "forget", NULL);

  g_assert_no_error (error);

  return child;
}

/* Lets a child record until it ends; what it told. */
static Told
run (const char *path, const Plan *plan)
{
  g_autofree char *told_path = name_beside (path, ".told");
  g_autoptr (GSubprocess) child = start (path, plan);
  Told *memory = map_told (told_path);
  Told result;

  g_assert_true (g_subprocess_wait (child, NULL, NULL));
  result = *memory;
  munmap (memory, sizeof *memory);
  if (plan->fatal <= result.n_operations)
    g_assert_cmpint (g_subprocess_get_if_signaled (child) ? g_subprocess_get_term_sig (child) : 0, ==,
                     SIGKILL);
  else
    g_assert_true (g_subprocess_get_successful (child));

  return result;
}

/* Why the store is not what its writer has told; one that was never made may not be there, and may be refused. */
static char *
find_fault (const char *path, const Told *what)
{
  g_autofree char *fault = run_store_find_fault (path, what->n_steps, what->n_steps + 1);

  if (fault != NULL && !what->is_created && strstr (fault, path) != NULL)
    return NULL;

  return g_steal_pointer (&fault);
}

static void
assert_sound (const char *path, const Told *what, guint64 fatal)
{
  g_autofree char *fault = find_fault (path, what);

  if (fault != NULL)
    g_error ("killed before system call %" G_GUINT64_FORMAT ", after %" G_GUINT64_FORMAT " steps: %s", fatal,
             what->n_steps, fault);
}

/* Before each system call, and in the midst of each write. */
static void
test_every_operation (RunStoreFixture *fixture, gconstpointer data)
{
  Plan plan = { "sound", 4, G_MAXUINT64, FALSE, FALSE };
  Told whole = run (fixture->path, &plan);
  guint64 n_killed_between = 0;

  g_assert_cmpuint (whole.n_steps, ==, 4);
  g_assert_true (whole.is_closed);
  assert_sound (fixture->path, &whole, 0);
  remove_store (fixture->path);

  for (plan.fatal = 1; plan.fatal <= whole.n_operations; plan.fatal++)
    for (guint torn = 0; torn < 2; torn++)
      {
        Told what;

        plan.torn = torn == 1;
        what = run (fixture->path, &plan);
        assert_sound (fixture->path, &what, plan.fatal);
        /* nor is anything done to it by being read */
        assert_sound (fixture->path, &what, plan.fatal);
        n_killed_between += what.is_created && what.n_steps < 4;
        remove_store (fixture->path);
      }

  g_test_message ("%" G_GUINT64_FORMAT " system calls, %" G_GUINT64_FORMAT " kills while steps were recorded",
                  whole.n_operations, n_killed_between);
  g_assert_cmpuint (n_killed_between, >, 20);
}

/* While a log that has become long is moved into the file. */
static void
test_moved_log (RunStoreFixture *fixture, gconstpointer data)
{
  Plan plan = { "long", 6, G_MAXUINT64, FALSE, FALSE };
  Told whole = run (fixture->path, &plan);
  guint64 stride = g_test_slow () ? 1 : whole.n_operations / 19;

  assert_sound (fixture->path, &whole, 0);
  remove_store (fixture->path);

  for (plan.fatal = whole.n_operations / 3; plan.fatal <= whole.n_operations; plan.fatal += stride)
    {
      Told what = run (fixture->path, &plan);

      assert_sound (fixture->path, &what, plan.fatal);
      remove_store (fixture->path);
    }
}

/* Whenever it happens. */
static void
test_any_moment (RunStoreFixture *fixture, gconstpointer data)
{
  const Plan plan = { "sound", G_MAXINT64, G_MAXUINT64, FALSE, FALSE };
  g_autofree char *told_path = name_beside (fixture->path, ".told");
  guint64 most = 0;

  for (guint i = 0; i < 200; i++)
    {
      Told *memory = map_told (told_path);
      g_autoptr (GSubprocess) child = start (fixture->path, &plan);
      guint64 n_steps = (guint64) g_test_rand_int_range (0, 30);
      Told what;

      while (((volatile Told *) memory)->n_steps < n_steps)
        g_usleep (50);
      g_usleep ((gulong) g_test_rand_int_range (0, 800));
      g_subprocess_force_exit (child);
      g_assert_true (g_subprocess_wait (child, NULL, NULL));
      what = *memory;
      munmap (memory, sizeof *memory);

      assert_sound (fixture->path, &what, 0);
      most = MAX (most, what.n_steps);
      remove_store (fixture->path);
    }

  g_assert_cmpuint (most, >, 3);
}

/* A writer that does not flush, or tells of a step before it has: the tests above would notice. */
static void
test_planted (RunStoreFixture *fixture, gconstpointer data)
{
  static const char *const bad_ways[] = { "unflushed", "boastful" };

  for (gsize i = 0; i < G_N_ELEMENTS (bad_ways); i++)
    {
      Plan plan = { bad_ways[i], 4, G_MAXUINT64, FALSE, FALSE };
      Told whole = run (fixture->path, &plan);
      guint n_found = 0;

      remove_store (fixture->path);
      for (plan.fatal = 1; plan.fatal <= whole.n_operations; plan.fatal += 2)
        {
          Told what = run (fixture->path, &plan);
          g_autofree char *fault = find_fault (fixture->path, &what);

          n_found += fault != NULL;
          remove_store (fixture->path);
        }
      g_test_message ("%s: noticed at %u of %" G_GUINT64_FORMAT " kills", bad_ways[i], n_found,
                      (whole.n_operations + 1) / 2);
      g_assert_cmpuint (n_found, >, 0);
    }
}

/* Only what was on the disk is left of the file and its log. */
static void
lose_power (const char *path)
{
  static const char *const names[] = { "", "-wal" };
  g_autofree char *index = name_beside (path, "-shm");

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *name = name_beside (path, names[i]);
      g_autofree char *kept = name_beside (name, ".on-disk");

      if (g_file_test (kept, G_FILE_TEST_EXISTS) && g_file_test (name, G_FILE_TEST_EXISTS))
        g_assert_cmpint (g_rename (kept, name), ==, 0);
      else
        g_unlink (name);
    }
  g_unlink (index);
}

/* A store that was closed is on the disk; of one that was not, whole steps are, or it is refused. */
static void
test_power (RunStoreFixture *fixture, gconstpointer data)
{
  Plan plan = { "long", 6, G_MAXUINT64, FALSE, TRUE };
  Told whole = run (fixture->path, &plan);
  guint n_opened = 0, n_with_steps = 0;

  g_assert_true (whole.is_closed);
  lose_power (fixture->path);
  assert_sound (fixture->path, &whole, 0);
  remove_store (fixture->path);

  /* as if nothing had been made durable at the end */
  plan.keep = FALSE;
  run (fixture->path, &plan);
  lose_power (fixture->path);
  {
    g_autofree char *fault = find_fault (fixture->path, &whole);

    g_assert_nonnull (fault);
  }
  remove_store (fixture->path);

  plan.keep = TRUE;
  for (plan.fatal = whole.n_operations - 1; plan.fatal > 200;
       plan.fatal -= MIN (plan.fatal, whole.n_operations / 9))
    {
      Told what = run (fixture->path, &plan);
      g_autofree char *fault = NULL;
      g_autofree char *with_steps = NULL;

      lose_power (fixture->path);
      fault = run_store_find_fault (fixture->path, 0, what.n_steps + 1);
      with_steps = run_store_find_fault (fixture->path, 1, what.n_steps + 1);
      g_assert_true (fault == NULL || strstr (fault, fixture->path) != NULL);
      n_opened += fault == NULL;
      n_with_steps += with_steps == NULL;
      remove_store (fixture->path);
    }

  g_test_message ("%u opened, %u with steps", n_opened, n_with_steps);
  g_assert_cmpuint (n_with_steps, >, 0);
}

#define add(name, function)                                                                                  \
 g_test_add ("/sng/run-store-kill/" name, RunStoreFixture, NULL, run_store_fixture_set_up, function,         \
             run_store_fixture_tear_down)

int
main (int argc, char *argv[])
{
  if (argc == 9 && strcmp (argv[1], "--record") == 0)
    return record (argv + 2);

  g_test_init (&argc, &argv, NULL);
  program = argv[0];

  add ("every-operation", test_every_operation);
  add ("moved-log", test_moved_log);
  add ("any-moment", test_any_moment);
  add ("planted", test_planted);
  add ("power", test_power);

  return g_test_run ();
}
