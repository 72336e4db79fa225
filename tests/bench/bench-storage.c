/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#define _GNU_SOURCE /* O_DIRECT */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sng.h>

/* libsng's side of bench-checkpoint.py, which starts it and tells it on the standard input what to do; the answer is a line with
 * the seconds that it took. bench-storage DIRECTORY MIB holds a state of so many MiB: the tensors of a model and, for each of
 * them, two moments.
 *
 *   save            a checkpoint, durable
 *   load            the checkpoint, verified
 *   load-file       the model's file alone, which is mapped
 *   stage           the part of a save in the background that the training waits for
 *   write MIB       plainly as many bytes in calls of so many MiB, and fsync
 *   direct MIB      the same past the page cache
 *   read            plainly the checkpoint's files, into memory that is there already
 *   copy            one memcpy of as many bytes
 *   forget          drops the checkpoint's files from the page cache
 *   files           the sum of the sizes of the checkpoint's files (no time)
 *
 * It ends with its input. */

#define N_LAYERS 24
#define CHUNK (8u << 20)

typedef struct
{
  const char *directory;
  SngCheckpointStore *store;
  SngCheckpoint *checkpoint;
  guint8 *source; /* aligned, and as large as the state */
  guint8 *target;
  guint8 *copied[2]; /* by copy, and by nobody else, as the other side's memory is */
  gsize n_bytes;
} Bench;

static gint64 start;

static void
answer (void)
{
  printf ("%.6f\n", (double) (g_get_monotonic_time () - start) / 1e6);
}

static guint8 *
allocate (gsize n_bytes)
{
  guint8 *data =
      mmap (NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  guint64 *words = (guint64 *) (gpointer) data;

  g_assert_true (data != MAP_FAILED);
  for (gsize i = 0; i < n_bytes / 8; i++)
    words[i] = i * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);

  return data;
}

/* In each layer a few large tensors and a few small ones. */
static SngStateDict *
new_state (gsize n_bytes, const char *suffix)
{
  static const guint parts[] = { 32, 16, 16, 16, 16, 1, 1, 1, 1 }; /* of 100 */
  SngStateDict *state = sng_state_dict_new ();

  for (guint layer = 0; layer < N_LAYERS; layer++)
    for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
      {
        const gint64 shape[] = { (gint64) (n_bytes / N_LAYERS * parts[i] / 100 / 4) };
        g_autofree char *name = g_strdup_printf ("layers.%u.weight%u%s", layer, i, suffix);
        g_autoptr (SngTensor) tensor = sng_tensor_new (SNG_DTYPE_F32, shape, 1, NULL, NULL);
        guint32 *data = sng_tensor_get_data (tensor);

        for (gint64 k = 0; k < shape[0]; k++)
          data[k] = (guint32) k * 2654435761u;
        sng_state_dict_set_tensor (state, name, tensor);
      }

  return state;
}

static void
set_up (Bench *bench, const char *directory, gsize n_bytes)
{
  g_autofree char *path = g_build_filename (directory, "checkpoints", NULL);
  const char *const names[] = { "model", "exp_avg", "exp_avg_sq" };

  bench->directory = directory;
  bench->store = sng_checkpoint_store_new (path);
  bench->checkpoint = sng_checkpoint_new (1);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (SngStateDict) state = new_state (n_bytes / 3, "");

      sng_checkpoint_set_state (bench->checkpoint, names[i], state);
    }
  bench->n_bytes = n_bytes;
  bench->source = allocate (n_bytes);
  bench->target = allocate (n_bytes);
  for (guint i = 0; i < G_N_ELEMENTS (bench->copied); i++)
    bench->copied[i] = allocate (n_bytes);
}

static void
save (Bench *bench)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;

  /* A place of its own each time, as in a training. */
  sng_checkpoint_store_remove (bench->store, 1, NULL);
  sync ();
  start = g_get_monotonic_time ();
  path = sng_checkpoint_store_save (bench->store, bench->checkpoint, &error);
  answer ();
  if (path == NULL)
    g_error ("%s", error->message);
}

static void
load (Bench *bench)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngCheckpoint) loaded = NULL;

  start = g_get_monotonic_time ();
  loaded = sng_checkpoint_store_load_latest (bench->store, NULL, &error);
  answer ();
  if (loaded == NULL)
    g_error ("%s", error->message);
}

static void
load_file (Bench *bench)
{
  g_autofree char *path =
      g_build_filename (sng_checkpoint_get_path (bench->checkpoint), "model.safetensors", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (SngStateDict) loaded = NULL;

  start = g_get_monotonic_time ();
  loaded = sng_safetensors_load (path, NULL, &error);
  answer ();
  if (loaded == NULL)
    g_error ("%s", error->message);
}

static void
stage (Bench *bench)
{
  g_autoptr (GError) error = NULL;

  sync ();
  start = g_get_monotonic_time ();
  if (!sng_checkpoint_store_begin_save (bench->store, bench->checkpoint, NULL, 0, &error))
    g_error ("%s", error->message);
  answer ();
  if (!sng_checkpoint_store_wait (bench->store, &error))
    g_error ("%s", error->message);
}

static void
write_plainly (Bench *bench, gsize chunk, int flags)
{
  g_autofree char *path = g_build_filename (bench->directory, "plain", NULL);
  gsize n_bytes = bench->n_bytes / 4096 * 4096;
  int fd;

  unlink (path);
  sync ();
  start = g_get_monotonic_time ();
  fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | flags, 0666);
  for (gsize done = 0; done < n_bytes;)
    {
      ssize_t n = write (fd, bench->source + done, MIN (chunk, n_bytes - done));

      if (n <= 0)
        break;
      done += (gsize) n;
    }
  if (fd < 0 || fsync (fd) != 0 || close (fd) != 0)
    printf ("none\n"); /* not every file system can do everything */
  else
    answer ();
  unlink (path);
}

typedef void (*FileFunc) (Bench *bench, int fd, gsize size, gsize *done);

static void
read_file (Bench *bench, int fd, gsize size, gsize *done)
{
  ssize_t n;

  while (*done < bench->n_bytes
         && (n = read (fd, bench->target + *done, MIN (CHUNK, bench->n_bytes - *done))) > 0)
    *done += (gsize) n;
}

static void
forget_file (Bench *bench, int fd, gsize size, gsize *done)
{
  g_assert_cmpint (posix_fadvise (fd, 0, 0, POSIX_FADV_DONTNEED), ==, 0);
}

static void
count_file (Bench *bench, int fd, gsize size, gsize *done)
{
  *done += size;
}

static gsize
each_file (Bench *bench, FileFunc func)
{
  const char *path = sng_checkpoint_get_path (bench->checkpoint);
  g_autoptr (GDir) directory = g_dir_open (path, 0, NULL);
  const char *name;
  gsize done = 0;

  while ((name = g_dir_read_name (directory)) != NULL)
    {
      g_autofree char *file = g_build_filename (path, name, NULL);
      int fd = open (file, O_RDONLY | O_CLOEXEC);

      g_assert_cmpint (fd, >=, 0);
      func (bench, fd, (gsize) lseek (fd, 0, SEEK_END), &done);
      close (fd);
    }

  return done;
}

static void
read_plainly (Bench *bench)
{
  const char *path = sng_checkpoint_get_path (bench->checkpoint);
  g_autoptr (GDir) directory = g_dir_open (path, 0, NULL);
  const char *name;
  gsize done = 0;

  start = g_get_monotonic_time ();
  while ((name = g_dir_read_name (directory)) != NULL)
    {
      g_autofree char *file = g_build_filename (path, name, NULL);
      int fd = open (file, O_RDONLY | O_CLOEXEC);

      read_file (bench, fd, 0, &done);
      close (fd);
    }
  answer ();
  g_assert_cmpuint (done, >, bench->n_bytes / 10 * 9);
}

static void
copy (Bench *bench)
{
  sync ();
  start = g_get_monotonic_time ();
  memcpy (bench->copied[0], bench->copied[1], bench->n_bytes);
  answer ();
}

static gboolean
obey (Bench *bench, const char *command)
{
  gsize chunk = strchr (command, ' ') != NULL ? (gsize) atoi (strchr (command, ' ')) << 20 : CHUNK;

  if (g_str_equal (command, "save"))
    save (bench);
  else if (g_str_equal (command, "load"))
    load (bench);
  else if (g_str_equal (command, "load-file"))
    load_file (bench);
  else if (g_str_equal (command, "stage"))
    stage (bench);
  else if (g_str_equal (command, "read"))
    read_plainly (bench);
  else if (g_str_equal (command, "copy"))
    copy (bench);
  else if (g_str_has_prefix (command, "write "))
    write_plainly (bench, chunk, 0);
  else if (g_str_has_prefix (command, "direct "))
    write_plainly (bench, chunk, O_DIRECT);
  else if (g_str_equal (command, "forget"))
    printf ("%d\n", (int) each_file (bench, forget_file));
  else if (g_str_equal (command, "files"))
    printf ("%" G_GSIZE_FORMAT "\n", each_file (bench, count_file));
  else
    return FALSE;

  return fflush (stdout) == 0;
}

int
main (int argc, char **argv)
{
  Bench bench = { NULL };
  char line[64];

  if (argc != 3 || atoi (argv[2]) < 1)
    {
      fprintf (stderr, "Usage: bench-storage DIRECTORY MIB\n");
      return 2;
    }

  set_up (&bench, argv[1], (gsize) atoi (argv[2]) << 20);
  printf ("ready\n");
  fflush (stdout);
  while (fgets (line, sizeof line, stdin) != NULL)
    if (!obey (&bench, g_strchomp (line)))
      g_error ("there is no command '%s'", line);

  return 0;
}
