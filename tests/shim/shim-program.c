/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Known operations on files: shim-program SCENARIO DIRECTORY [LIMIT]. After LIMIT of them it ends as a kill ends it. */

#define _GNU_SOURCE
#undef _FILE_OFFSET_BITS

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static long limit = -1, n_done;
static const char *program;

/* The call must be an operation that succeeds. */
#define OP(call)                                                                                             \
 do                                                                                                          \
  {                                                                                                          \
   if (limit >= 0 && n_done >= limit)                                                                        \
    _exit (0);                                                                                               \
   if ((long) (call) < 0)                                                                                    \
    {                                                                                                        \
     perror (#call);                                                                                         \
     _exit (2);                                                                                              \
    }                                                                                                        \
   n_done++;                                                                                                 \
  }                                                                                                          \
 while (0)

/* The call must succeed, and is none. */
#define NO_OP(call)                                                                                          \
 do                                                                                                          \
  if ((long) (call) < 0)                                                                                     \
   {                                                                                                         \
    perror (#call);                                                                                          \
    _exit (2);                                                                                               \
   }                                                                                                         \
 while (0)

static void
descriptors (void)
{
  char one[] = "c", two[] = "dd", template[] = "m-XXXXXX";
  struct iovec parts[2] = { { one, 1 }, { two, 2 } };
  int fd, other, directory, outside;

  OP (mkdir ("d", 0755));
  OP (fd = open ("d/a", O_CREAT | O_WRONLY, 0644));
  OP (write (fd, "aaaa", 4));
  OP (pwrite (fd, "b", 1, 1));
  OP (pwrite64 (fd, "B", 1, 2));
  OP (writev (fd, parts, 2));
  OP (pwritev (fd, parts, 2, 9));
  NO_OP (other = dup (fd));
  OP (write (other, "e", 1));
  NO_OP (close (other));
  NO_OP (other = fcntl (fd, F_DUPFD_CLOEXEC, 100));
  OP (write (other, "f", 1));

  /* The number now belongs to a file outside, and back. */
  NO_OP (outside = open ("/dev/null", O_WRONLY));
  NO_OP (dup2 (outside, other));
  NO_OP (write (other, "g", 1));
  NO_OP (dup3 (fd, outside, O_CLOEXEC));
  OP (write (outside, "h", 1));
  NO_OP (close_range (outside, outside, 0));
  NO_OP (close (other));

  OP (fdatasync (fd));
  OP (ftruncate (fd, 3));
  OP (posix_fallocate (fd, 0, 100));
  OP (fallocate (fd, FALLOC_FL_KEEP_SIZE, 0, 8192));
  OP (fsync (fd));
  OP (sync_file_range (fd, 0, 3, SYNC_FILE_RANGE_WRITE));
  NO_OP (close (fd));

  OP (rename ("d/a", "d/../d/./b"));
  OP (link ("d/b", "d/c"));
  OP (symlink ("b", "d/s"));
  OP (truncate ("d/s", 1));
  OP (fd = open ("d/s", O_RDWR | O_TRUNC));
  OP (write (fd, "through the link", 16));
  NO_OP (lseek (fd, 0, SEEK_SET));
  OP (other = creat ("copy", 0600));
  OP (sendfile (other, fd, NULL, 4));
  OP (copy_file_range (fd, NULL, other, NULL, 4, 0));
  NO_OP (close (other));
  NO_OP (close (fd));

  NO_OP (directory = open ("d", O_RDONLY | O_DIRECTORY));
  OP (fd = openat (directory, "e", O_CREAT | O_EXCL | O_WRONLY, 0644));
  OP (write (fd, "e", 1));
  OP (fsync (directory));
  OP (renameat (directory, "e", AT_FDCWD, "f"));
  OP (write (fd, "after the rename", 16));
  OP (unlink ("f"));
  NO_OP (write (fd, "nobody sees this", 16));
  NO_OP (close (fd));
  OP (renameat2 (directory, "b", directory, "c", RENAME_EXCHANGE));
  OP (linkat (directory, "b", AT_FDCWD, "l", 0));
  OP (mkdirat (directory, "sub", 0755));
  OP (unlinkat (directory, "sub", AT_REMOVEDIR));
  OP (unlinkat (directory, "s", 0));
  OP (fd = mkstemp (template));
  OP (write (fd, "m", 1));
  OP (unlink (template));
  OP (mkdir ("gone/", 0755));
  OP (rmdir ("gone"));
  OP (remove ("l"));
}

/* A file without a name gets one. */
static void
unnamed (void)
{
  char name[40];
  int fd;

  if ((fd = open (".", O_TMPFILE | O_WRONLY, 0600)) < 0)
    _exit (77);
  NO_OP (close (fd));

  OP (fd = open (".", O_TMPFILE | O_WRONLY, 0600));
  NO_OP (write (fd, "named later", 11));
  snprintf (name, sizeof name, "/proc/self/fd/%d", fd);
  OP (linkat (AT_FDCWD, name, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
  OP (write (fd, " and more", 9));
}

/* A full buffer is 4096 bytes. */
static void
streams (void)
{
  static char large[10000];
  FILE *stream, *other;
  int fd;

  memset (large, 'x', sizeof large);

  OP ((stream = fopen ("a", "w")) != NULL ? 0 : -1);
  NO_OP (fprintf (stream, "%d\n", 1));
  NO_OP (fputs ("two\n", stream));
  OP (fflush (stream));
  NO_OP (fflush (stream));
  NO_OP (fwrite (large, 1, 4000, stream));
  OP (fwrite (large, 1, 200, stream));
  OP (fwrite (large, 1, 10000, stream));
  NO_OP (fputs ("three", stream));
  OP (fseek (stream, 0, SEEK_SET));
  NO_OP (fputc ('F', stream));
  OP (fclose (stream));

  OP ((stream = fopen64 ("b", "a+")) != NULL ? 0 : -1);
  NO_OP (fclose (stream));
  OP ((stream = fopen ("b", "w")) != NULL ? 0 : -1);
  OP (fwrite (large, 1, 4096, stream));
  NO_OP (fwrite (large, 1, 4096, stream));
  OP (putc_unlocked ('y', stream));
  for (int i = 1; i < 4096; i++)
    NO_OP (putc_unlocked ('y', stream));
  OP (putc_unlocked ('z', stream));
  OP (fprintf (stream, "%s %5000d", "a", 1));
  OP (fflush (NULL));
  NO_OP ((setvbuf (stream, NULL, _IONBF, 0)));
  OP (fputs ("at once", stream));
  NO_OP (fputs ("", stream));
  OP (fputc ('!', stream));
  OP ((stream = freopen ("c", "w", stream)) != NULL ? 0 : -1);
  NO_OP (setvbuf (stream, NULL, _IOLBF, 4096));
  NO_OP (fputs ("a line", stream));
  OP (fputs (" ends\n", stream));
  NO_OP (fclose (stream));

  OP (fd = open ("d", O_CREAT | O_RDWR, 0600));
  NO_OP ((other = fdopen (fd, "w")) != NULL ? 0 : -1);
  OP (dprintf (fd, "%s", "directly"));
  NO_OP (fputs ("when it ends", other));
  NO_OP ((stream = fopen ("a", "r")) != NULL ? 0 : -1);
  NO_OP (fgetc (stream));
  NO_OP (fclose (stream));
  /* As exit () does. */
  OP (limit >= 0 ? fflush (other) : 0);
}

static void *
work_thread (void *data)
{
  char name[32], other[32];

  for (int i = 0; i < 20; i++)
    {
      int fd;

      snprintf (name, sizeof name, "%s-%d.tmp", (const char *) data, i);
      snprintf (other, sizeof other, "%s-%d", (const char *) data, i);
      NO_OP (fd = open (name, O_CREAT | O_WRONLY, 0600));
      NO_OP (write (fd, name, strlen (name)));
      NO_OP (fsync (fd));
      NO_OP (close (fd));
      NO_OP (rename (name, other));
    }

  return NULL;
}

static void
threads (void)
{
  static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h" };
  pthread_t started[8];

  for (int i = 0; i < 8; i++)
    NO_OP (-pthread_create (&started[i], NULL, work_thread, (void *) names[i]));
  for (int i = 0; i < 8; i++)
    NO_OP (-pthread_join (started[i], NULL));
}

static void
wait_for (pid_t child)
{
  int status;

  NO_OP (waitpid (child, &status, 0));
  if (status != 0)
    _exit (3);
}

static void
run (const char *command, const char *argument, int out)
{
  char left[24] = "-1";
  char *const arguments[] = { (char *) program, (char *) command, (char *) argument, left, NULL };
  pid_t child;

  if (limit >= 0)
    snprintf (left, sizeof left, "%ld", limit > n_done ? limit - n_done : 0);
  child = vfork ();

  if (child == 0)
    {
      if (out >= 0)
        dup2 (out, 1);
      execv (program, arguments);
      _exit (4);
    }
  wait_for (child);
}

static void
children (void)
{
  int fd;
  pid_t child;

  OP (fd = open ("a", O_CREAT | O_WRONLY, 0600));
  OP (write (fd, "parent ", 7));
  child = fork ();
  if (child == 0)
    {
      OP (write (fd, "child ", 6));
      OP (mkdir ("b", 0700));
      _exit (0);
    }
  wait_for (child);
  n_done += 2;
  run ("print", ".", fd); /* two operations: it writes "executed " and opens "c" */
  n_done += 2;
  OP (write (fd, "parent", 6));
  /* What a child of vfork () did to its descriptors is none of ours. */
  NO_OP (fd = open ("/dev/null", O_WRONLY));
  NO_OP (write (fd, "x", 1));
}

static void
print (void)
{
  OP (write (1, "executed ", 9));
  OP (open ("c", O_CREAT | O_WRONLY, 0600));
}

/* Two threads, of which one holds up an operation until the other one comes to the next. */
static int held = -1;

static void *
slow_thread (void *data)
{
  NO_OP (held = open ("fifo", O_WRONLY));

  return NULL;
}

static void
overlap (void)
{
  pthread_t thread;
  int fd;

  NO_OP (mkfifo ("fifo", 0600));
  NO_OP (-pthread_create (&thread, NULL, slow_thread, NULL));
  usleep (200000);
  NO_OP (mkdir ("after", 0700));
  NO_OP (fd = open ("fifo", O_RDONLY));
  NO_OP (-pthread_join (thread, NULL));
  NO_OP (close (fd));
}

int
main (int argc, char *argv[])
{
  static const struct
  {
    const char *name;
    void (*run) (void);
  } scenarios[] = {
    { "descriptors", descriptors }, { "unnamed", unnamed }, { "streams", streams }, { "threads", threads },
    { "children", children },       { "print", print },     { "overlap", overlap },
  };

  program = "/proc/self/exe";
  if (argc > 3)
    limit = atol (argv[3]);
  if (chdir (argv[2]) != 0)
    return 2;
  for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++)
    if (strcmp (argv[1], scenarios[i].name) == 0)
      {
        scenarios[i].run ();
        return 0;
      }

  return 2;
}
