/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Saves in a world where calls fail, disks are full, processes are killed and others look on. */

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checkpoint-fixture.h"
#include "state/sng-checkpoint-store-private.h"

#define N_KILLS 50 /* each with and without an exchange of names */

/* A killed process leaves hidden things: never loaded, gone after the next save. Other hidden things stay. */
static void
test_leftovers (Fixture *fixture, gconstpointer data)
{
  static const char *const hidden[] = { ".step-00000009.tmp-abc123", ".step-00000007.old", ".mine" };
  g_autofree char *pointer = get_path (fixture, ".latest.tmp-123abc", NULL);
  const char *path = sng_checkpoint_store_get_path (fixture->store);

  save (fixture, 7, 70);
  fixture_write (pointer, "step-0", 6);
  for (guint i = 0; i < G_N_ELEMENTS (hidden); i++)
    {
      g_autofree char *directory = get_path (fixture, hidden[i], "inner");
      g_autofree char *file = g_build_filename (directory, "state.json", NULL);

      g_assert_cmpint (g_mkdir_with_parents (directory, 0777), ==, 0);
      fixture_write (file, "{", 1);
    }

  g_strfreev (assert_latest (fixture, 7, 70, 0));
  save (fixture, 8, 80);
  assert_names (path, (const char *[]){ ".mine", "latest", "step-00000007", "step-00000008", NULL });
}

/* Killed between the two renames that replace a checkpoint where the file system cannot swap. */
static void
test_recovery (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = get_path (fixture, "step-00000007", NULL);
  g_autofree char *aside = get_path (fixture, ".step-00000007.old", NULL);

  save (fixture, 3, 30);
  save (fixture, 7, 70);
  g_assert_cmpint (g_rename (path, aside), ==, 0);
  g_strfreev (assert_latest (fixture, 7, 70, 0));

  g_assert_cmpint (g_rename (path, aside), ==, 0);
  save (fixture, 8, 80);
  assert_names (sng_checkpoint_store_get_path (fixture->store),
                (const char *[]){ "latest", "step-00000003", "step-00000007", "step-00000008", NULL });
}

/* How a call fails. What the system asks to be done again, or has done in part, is no failure. */
static const struct
{
  int code; /* 0: it takes only half of what is to be written */
  gboolean is_mended;
  gboolean is_full;
} failures[] = {
  { EIO, FALSE, FALSE },   { ENOSPC, FALSE, TRUE }, { EDQUOT, FALSE, TRUE },
  { EROFS, FALSE, FALSE }, { EINTR, TRUE, FALSE },  { 0, TRUE, FALSE },
};

/* Step 3 and, where it is to be replaced, step 7. */
static void
start_over (Fixture *fixture, gboolean replaces)
{
  const char *path = sng_checkpoint_store_get_path (fixture->store);

  if (g_file_test (path, G_FILE_TEST_EXISTS))
    fixture_remove (path);
  save (fixture, 3, 30);
  if (replaces)
    save (fixture, 7, 70);
}

/* What a save that failed has left: all is as it was, or, when only making the names durable failed, the new one is there. */
static void
check_failed_save (Fixture *fixture, gboolean replaces, char **before, const char *message)
{
  static const char *const after[] = { "latest", "step-00000003", "step-00000007", NULL };
  const char *path = sng_checkpoint_store_get_path (fixture->store);

  if (holds (fixture, 7, 71))
    {
      g_assert_nonnull (strstr (message, "cannot sync"));
      assert_names (path, after);
      return;
    }

  g_assert_true (replaces ? holds (fixture, 7, 70) : holds (fixture, 3, 30));
  assert_names (path, (const char *const *) before);
}

/* One save whose n-th call fails; FALSE where there are not so many calls. */
static gboolean
check_failing_call (Fixture *fixture, gboolean replaces, int n, guint failure)
{
  g_auto (GStrv) before = list_names (sng_checkpoint_store_get_path (fixture->store));
  g_autoptr (SngCheckpoint) checkpoint = new_checkpoint (7, 71);
  g_autoptr (GError) error = NULL;
  g_autofree char *saved = NULL;
  guint n_descriptors = test_count_descriptors ();
  gboolean failed;

  fixture->disk.failure = failures[failure].code;
  fixture->disk.is_full = failures[failure].is_full;
  fixture->disk.calls_to_failure = n;
  saved = sng_checkpoint_store_save (fixture->store, checkpoint, &error);
  failed = fixture->disk.calls_to_failure < 0;
  fixture->disk.is_full = FALSE;
  fixture->disk.calls_to_failure = -1;
  g_assert_cmpuint (test_count_descriptors (), ==, n_descriptors);

  if (saved != NULL)
    {
      g_assert_no_error (error);
      g_assert_true (holds (fixture, 7, 71));
      return failed;
    }

  g_assert_true (failed && !failures[failure].is_mended);
  g_assert_null (sng_checkpoint_get_path (checkpoint));
  check_failed_save (fixture, replaces, before, error->message);
  g_assert_nonnull (strstr (error->message, "[checkpoint][save] "));
  fixture_assert_error (error, SNG_ERROR_IO, g_strerror (failures[failure].code));

  return TRUE;
}

/* Each call of a save fails in each way. */
static void
check_failing_calls (Fixture *fixture, gboolean replaces)
{
  for (guint failure = 0; failure < G_N_ELEMENTS (failures); failure++)
    {
      int n = -1;

      do
        start_over (fixture, replaces);
      while (check_failing_call (fixture, replaces, ++n, failure));
      g_test_message ("%s: %d calls failed one by one", g_strerror (failures[failure].code), n);
      g_assert_cmpint (n, >=, 18);
    }
}

static void
test_failing_calls (Fixture *fixture, gconstpointer data)
{
  check_failing_calls (fixture, FALSE);
}

static void
test_failing_calls_replace (Fixture *fixture, gconstpointer data)
{
  check_failing_calls (fixture, TRUE);
}

/* A checkpoint that cannot be written. */
static void
test_refused_save (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngCheckpoint) checkpoint = new_checkpoint (7, 71);
  g_autoptr (GError) error = NULL;
  SngStateDict *state = sng_checkpoint_lookup_state (checkpoint, "model");

  save (fixture, 7, 70);
  sng_state_dict_set_tensor (state, "__metadata__", sng_state_dict_lookup_tensor (state, "weights"));
  g_assert_null (sng_checkpoint_store_save (fixture->store, checkpoint, &error));
  fixture_assert_error (error, SNG_ERROR_INVALID_ARGUMENT, "model: [safetensors][save] '__metadata__'");
  g_strfreev (assert_latest (fixture, 7, 70, 0));
  assert_names (sng_checkpoint_store_get_path (fixture->store),
                (const char *[]){ "latest", "step-00000007", NULL });
}

static void
test_read_only (Fixture *fixture, gconstpointer data)
{
  const char *path = sng_checkpoint_store_get_path (fixture->store);
  g_autoptr (SngCheckpoint) checkpoint = new_checkpoint (7, 71);
  g_autoptr (GError) error = NULL;

  if (geteuid () == 0)
    {
      g_test_skip ("root may write to a read-only directory");
      return;
    }

  save (fixture, 7, 70);
  g_assert_cmpint (g_chmod (path, 0555), ==, 0);
  g_assert_null (sng_checkpoint_store_save (fixture->store, checkpoint, &error));
  fixture_assert_error (error, SNG_ERROR_IO, "[checkpoint][save]");
  g_strfreev (assert_latest (fixture, 7, 70, 0));
  g_assert_cmpint (g_chmod (path, 0755), ==, 0);
}

/* A load in between takes the save for killed, as often as it likes. */
static void
test_brought_back (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngCheckpoint) checkpoint = new_checkpoint (7, 72);
  g_autoptr (GError) error = NULL;

  save (fixture, 7, 70);
  fixture->disk.n_brought_back = 3;
  save (fixture, 7, 71);
  g_assert_cmpuint (fixture->disk.n_brought_back, ==, 0);
  g_strfreev (assert_latest (fixture, 7, 71, 0));

  fixture->disk.n_brought_back = 1000;
  g_assert_null (sng_checkpoint_store_save (fixture->store, checkpoint, &error));
  fixture->disk.n_brought_back = 0;
  fixture_assert_error (error, SNG_ERROR_IO, "step-00000007");
  g_strfreev (assert_latest (fixture, 7, 71, 0));
  assert_names (sng_checkpoint_store_get_path (fixture->store),
                (const char *[]){ "latest", "step-00000007", NULL });
}

/* Killed before the old one was taken away: it must not come back when the new one is removed. */
static void
test_removed_stays_away (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = get_path (fixture, "step-00000007", NULL);
  g_autofree char *aside = get_path (fixture, ".step-00000007.old", NULL);
  g_autoptr (GError) error = NULL;

  save (fixture, 3, 30);
  save (fixture, 7, 70);
  g_assert_cmpint (g_rename (path, aside), ==, 0);
  g_assert_cmpint (g_mkdir (path, 0777), ==, 0);
  g_assert_true (sng_checkpoint_store_remove (fixture->store, 7, &error));
  g_assert_no_error (error);
  g_strfreev (assert_latest (fixture, 3, 30, 0));
  assert_names (sng_checkpoint_store_get_path (fixture->store),
                (const char *[]){ "latest", "step-00000003", NULL });
}

/* Each directory on the way that is new is made durable in its parent. */
static void
test_new_directories (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->directory, "a", "b", "c", "d", NULL);
  g_autoptr (SngCheckpointStore) store = sng_checkpoint_store_new (path);
  TestDisk disk;
  guint n[2];

  test_disk_init (&disk, sng_checkpoint_store_get_storage (store));
  for (guint i = 0; i < G_N_ELEMENTS (n); i++)
    {
      g_autoptr (SngCheckpoint) checkpoint = new_checkpoint (7 + i, 70);
      g_autofree char *saved = NULL;

      disk.n_syncs = 0;
      saved = sng_checkpoint_store_save (store, checkpoint, NULL);
      g_assert_nonnull (saved);
      n[i] = disk.n_syncs;
    }
  test_disk_clear (&disk);
  g_assert_cmpuint (n[0], ==, n[1] + 4);
}

/* A real one, filled up to the last so many pages before each save. */
static void
test_full_disk (Fixture *fixture, gconstpointer data)
{
  const char *path = sng_checkpoint_store_get_path (fixture->store);
  g_autofree char *filler = get_path (fixture, "filler", NULL);
  guint n_failed = 0, n_saved = 0;

  g_assert_cmpint (g_mkdir_with_parents (path, 0777), ==, 0);
  if (mount ("tmpfs", path, "tmpfs", 0, "size=256k") != 0)
    {
      g_test_skip_printf ("cannot mount a small file system: %s", g_strerror (errno));
      return;
    }

  save (fixture, 7, 0);
  for (gsize n_pages = 0; n_pages < 16; n_pages++)
    {
      g_autoptr (SngCheckpoint) checkpoint = new_checkpoint (7, 1 + (gint64) n_pages);
      g_autofree char *saved = NULL;
      g_autofree char *zeros = g_malloc0 (256 << 10);
      g_autoptr (GError) error = NULL;
      g_auto (GStrv) before = NULL;
      FILE *file = fopen (filler, "w");

      setvbuf (file, NULL, _IONBF, 0);
      fwrite (zeros, 1, 256 << 10, file);
      fflush (file);
      g_assert_cmpint (
          ftruncate (fileno (file), (lseek (fileno (file), 0, SEEK_CUR) / 4096 - (off_t) n_pages) * 4096), ==,
          0);
      fclose (file);

      before = list_names (path);
      saved = sng_checkpoint_store_save (fixture->store, checkpoint, &error);
      if (saved == NULL)
        {
          n_failed++;
          g_assert_cmpuint (n_saved, ==, 0);
          fixture_assert_error (error, SNG_ERROR_IO, g_strerror (ENOSPC));
          g_assert_true (holds (fixture, 7, 0));
        }
      else
        {
          n_saved++;
          g_assert_true (holds (fixture, 7, 1 + (gint64) n_pages));
        }
      assert_names (path, (const char *const *) before);
      g_assert_cmpint (g_unlink (filler), ==, 0);
    }
  g_test_message ("%u saves failed, %u did not", n_failed, n_saved);
  g_assert_cmpuint (n_failed, >, 2);
  g_assert_cmpuint (n_saved, >, 2);
  g_assert_cmpint (umount2 (path, MNT_DETACH), ==, 0);
}

/* What is no file in the place of one: never waited for, never followed to no end. */
static void
test_foreign_files (Fixture *fixture, gconstpointer data)
{
  static const char *const names[] = { "step-00000007/state.json", "step-00000007/model.safetensors",
                                       "latest" };
  static const char *const targets[] = { "fifo",     "directory",  "/dev/zero",
                                         "/nowhere", "state.json", "model.safetensors" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    for (guint k = 0; k < G_N_ELEMENTS (targets); k++)
      {
        g_autofree char *path = get_path (fixture, names[i], NULL);

        save (fixture, 3, 30);
        save (fixture, 7, 70);
        g_assert_cmpint (g_unlink (path), ==, 0);
        if (k == 0)
          g_assert_cmpint (mkfifo (path, 0666), ==, 0);
        else if (k == 1)
          g_assert_cmpint (g_mkdir (path, 0777), ==, 0);
        else
          g_assert_cmpint (symlink (targets[k], path), ==, 0);

        g_strfreev (assert_latest (fixture, i == 2 ? 7 : 3, i == 2 ? 70 : 30, 1));
        fixture_remove (path);
      }
}

/* A link out of the store is replaced or removed itself: what it leads to stays. */
static void
test_links (Fixture *fixture, gconstpointer data)
{
  g_autofree char *outside = g_build_filename (fixture->directory, "outside", NULL);
  g_autofree char *file = g_build_filename (outside, "mine", NULL);
  const char *const names[] = { "step-00000007", ".step-00000008.old", ".step-00000008.tmp-123456",
                                "step-00000009" };
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_mkdir (outside, 0777), ==, 0);
  fixture_write (file, "mine", 4);
  save (fixture, 8, 80);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = get_path (fixture, names[i], NULL);

      g_assert_cmpint (symlink (outside, path), ==, 0);
    }
  save (fixture, 7, 70);
  g_assert_true (sng_checkpoint_store_remove (fixture->store, 9, &error));
  g_assert_no_error (error);
  assert_names (sng_checkpoint_store_get_path (fixture->store),
                (const char *[]){ "latest", "step-00000007", "step-00000008", NULL });
  assert_names (outside, (const char *[]){ "mine", NULL });
}

typedef struct
{
  Fixture *fixture;
  int quit;
  int n_loads;
  guint n_saves;
} Saver;

static gpointer
saver_thread (gpointer data)
{
  Saver *saver = data;

  while (!g_atomic_int_get (&saver->quit))
    {
      guint64 step = 10 + saver->n_saves / 2;
      int n_loads = g_atomic_int_get (&saver->n_loads);

      save (saver->fixture, step, saver->n_saves);
      if (saver->n_saves++ % 2 == 0 && step > 10)
        g_assert_true (sng_checkpoint_store_remove (saver->fixture->store, step - 1, NULL));

      /* Under whoever never rests a slow load finds nothing in place, however often it tries. */
      while (g_atomic_int_get (&saver->n_loads) == n_loads && !g_atomic_int_get (&saver->quit))
        g_thread_yield ();
    }
  return NULL;
}

/* Loads while another saves, replaces and removes: always a whole one, and nothing is said to be damaged. */
static void
test_concurrent (Fixture *fixture, gconstpointer data)
{
  Saver saver = { .fixture = fixture };
  g_autoptr (GThread) thread = NULL;
  guint64 previous = 10;

  save (fixture, 10, 0);
  thread = g_thread_new ("saver", saver_thread, &saver);
  for (guint i = 0; i < 400; i++)
    {
      g_auto (GStrv) refused = NULL;
      g_autoptr (GError) error = NULL;
      g_autoptr (SngCheckpoint) loaded = sng_checkpoint_store_load_latest (fixture->store, &refused, &error);

      g_assert_no_error (error);
      if (refused != NULL)
        g_error ("load %u, step %" G_GUINT64_FORMAT ": refused %s", i, sng_checkpoint_get_step (loaded),
                 refused[0]);
      g_assert_cmpuint (sng_checkpoint_get_step (loaded), >=, previous);
      previous = sng_checkpoint_get_step (loaded);
      g_atomic_int_inc (&saver.n_loads);
    }
  g_atomic_int_set (&saver.quit, TRUE);
  g_thread_join (g_steal_pointer (&thread));
  g_test_message ("%u saves", saver.n_saves);
}

static const char *program;

/* What the saving process and the one that kills it share. Save number n is of step n, or of step 0 where the numbers in
 * between replace one checkpoint; its salt is n. */
typedef struct
{
  volatile gint64 started;
  volatile gint64 done;
  gboolean replace;
} Counts;

static Counts *
map_counts (const char *path)
{
  int fd = g_open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  Counts *counts;

  g_assert_cmpint (ftruncate (fd, sizeof *counts), ==, 0);
  counts = mmap (NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  g_assert_true (counts != MAP_FAILED);
  close (fd);

  return counts;
}

static guint64
step_of (Counts *counts, gint64 number)
{
  return counts->replace ? 0 : (guint64) number;
}

static void G_GNUC_NORETURN
save_until_killed (const char *directory, const char *exchange)
{
  g_autofree char *store = g_build_filename (directory, "deep", "checkpoints", NULL);
  g_autofree char *path = g_build_filename (directory, "counts", NULL);
  Fixture fixture = { .directory = (char *) directory, .store = sng_checkpoint_store_new (store) };
  Counts *counts = map_counts (path);

  test_disk_init (&fixture.disk, sng_checkpoint_store_get_storage (fixture.store));
  fixture.disk.can_exchange = g_str_equal (exchange, "yes");
  for (;;)
    {
      counts->started++;
      save (&fixture, step_of (counts, counts->started), counts->started);
      counts->done = counts->started;
    }
}

/* SIGKILL at any moment of a save: what loads then is the last checkpoint or the one that was being saved. */
static void
test_killed (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->directory, "counts", NULL);
  char *argv[] = { (char *) program, (char *) "--save-until-killed", fixture->directory,
                   (char *) (fixture->disk.can_exchange ? "yes" : "no"), NULL };
  Counts *counts = map_counts (path);
  guint n_old = 0, n_new = 0;

  save (fixture, 0, 0);
  for (guint i = 0; i < N_KILLS; i++)
    {
      gint64 before = counts->started;
      g_autoptr (GError) error = NULL;
      gboolean is_old, is_new;
      GPid pid;

      /* From here on the steps are those of the other way. */
      counts->replace = i % 2;
      g_assert_true (g_spawn_async (NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid, &error));
      g_assert_no_error (error);
      while (counts->started < before + 2)
        g_usleep (200);
      g_usleep ((gulong) g_test_rand_int_range (0, 10000));
      kill (pid, SIGKILL);
      g_assert_cmpint (waitpid (pid, NULL, 0), ==, pid);

      is_old = holds (fixture, step_of (counts, counts->done), counts->done);
      is_new = counts->started != counts->done
               && holds (fixture, step_of (counts, counts->started), counts->started);
      if (!is_old && !is_new)
        g_error ("kill %u: neither save %" G_GINT64_FORMAT " nor %" G_GINT64_FORMAT " is there", i,
                 counts->done, counts->started);
      n_old += is_old;
      n_new += is_new;
      g_assert_false (holds (fixture, step_of (counts, counts->started), counts->started + 1));
    }
  g_test_message ("%u times the last one, %u times the one before", n_new, n_old);
  munmap (counts, sizeof *counts);
}

#define ADD(path, function)                                                                                  \
 g_test_add ("/sng/checkpoint-save/" path, Fixture, NULL, fixture_set_up, function, fixture_tear_down)
/* On a file system that cannot swap two names. */
#define ADD_PLAIN(path, function)                                                                            \
 g_test_add ("/sng/checkpoint-save/" path "/no-exchange", Fixture, "", fixture_set_up, function,             \
             fixture_tear_down)

int
main (int argc, char *argv[])
{
  if (argc == 4 && g_str_equal (argv[1], "--save-until-killed"))
    save_until_killed (argv[2], argv[3]);
  program = argv[0];
  g_test_init (&argc, &argv, NULL);

  ADD ("leftovers", test_leftovers);
  ADD ("recovery", test_recovery);
  ADD ("failing-calls", test_failing_calls);
  ADD ("failing-calls-replace", test_failing_calls_replace);
  ADD_PLAIN ("failing-calls", test_failing_calls);
  ADD_PLAIN ("failing-calls-replace", test_failing_calls_replace);
  ADD_PLAIN ("brought-back", test_brought_back);
  ADD ("removed-stays-away", test_removed_stays_away);
  ADD ("refused-save", test_refused_save);
  ADD ("read-only", test_read_only);
  ADD ("new-directories", test_new_directories);
  ADD ("full-disk", test_full_disk);
  ADD ("foreign-files", test_foreign_files);
  ADD ("links", test_links);
  ADD ("concurrent", test_concurrent);
  ADD_PLAIN ("concurrent", test_concurrent);
  ADD ("killed", test_killed);
  ADD_PLAIN ("killed", test_killed);

  return g_test_run ();
}
