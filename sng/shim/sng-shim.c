/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sng-shim-private.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* How long the others are waited for: something that blocks must not keep the process alive for ever. */
#define PATIENCE 5000 /* ms */

/* What all threads and processes share. */
typedef struct
{
  _Atomic uint64_t last;  /* the number of the last operation that has begun */
  _Atomic uint64_t ended; /* how many have ended */
  _Atomic int64_t killed; /* the process that is killed, or its group below 0 */
} Page;

/* Too much for the small stacks that threads and signal handlers can have. */
typedef struct
{
  char path[PATH_MAX + NAME_MAX];
  char other[PATH_MAX + NAME_MAX];
  char line[2 * PATH_MAX];
} Arena;

static Page *page;
static char log_path[PATH_MAX];
static uint64_t kill_at;
static bool kill_group;

static Arena *
arena_new (void)
{
  void *arena = (void *) syscall (SYS_mmap, NULL, sizeof (Arena), PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L);

  return arena != MAP_FAILED ? arena : NULL;
}

static void
arena_free (Arena *arena)
{
  if (arena != NULL)
    syscall (SYS_munmap, arena, sizeof *arena);
}

/* ---- The log ---- */

static char *
append (char *at, char *end, const char *text, bool escape)
{
  for (; *text != '\0' && at + 4 < end; text++)
    {
      unsigned char c = (unsigned char) *text;

      if (!escape || (c > ' ' && c != 127 && c != '\\'))
        {
          *at++ = *text;
          continue;
        }
      *at++ = '\\';
      *at++ = (char) ('0' + (c >> 6));
      *at++ = (char) ('0' + (c >> 3 & 7));
      *at++ = (char) ('0' + (c & 7));
    }

  return at;
}

/* The file is opened for each line: a program may close every descriptor that it does not know. */
static void
write_log (Arena *arena, uint64_t number, const char *operation, bool has_other)
{
  char *at = arena->line, *end = at + sizeof arena->line - 1;
  char digits[24], *digit = digits + sizeof digits;
  long fd, n;

  if (log_path[0] == '\0')
    return;

  *--digit = '\0';
  for (uint64_t rest = number; rest > 0 || *digit == '\0'; rest /= 10)
    *--digit = (char) ('0' + rest % 10);

  at = append (at, end, digit, false);
  at = append (at, end, " ", false);
  at = append (at, end, operation, false);
  at = append (at, end, " ", false);
  at = append (at, end, arena->path, true);
  if (has_other)
    {
      at = append (at, end, " ", false);
      at = append (at, end, arena->other, true);
    }
  *at++ = '\n';

  fd = syscall (SYS_openat, AT_FDCWD, log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd < 0)
    return;
  do
    n = syscall (SYS_write, (int) fd, arena->line, (size_t) (at - arena->line));
  while (n < 0 && errno == EINTR);
  syscall (SYS_close, (int) fd);
}

/* ---- Kills ---- */

static void
sleep_a_little (void)
{
  struct timespec time = { 0, 200000 };

  syscall (SYS_nanosleep, &time, NULL);
}

/* What has begun in other threads and processes is let end, so that the disk has exactly the operations before this one. */
static _Noreturn void
kill_before (uint64_t number)
{
  page->killed = kill_group ? -syscall (SYS_getpgid, 0) : syscall (SYS_getpid);

  for (int i = 0; i < 5 * PATIENCE && page->ended < number - 1; i++)
    sleep_a_little ();
  for (;;)
    {
      syscall (SYS_kill, kill_group ? 0 : (int) syscall (SYS_getpid), SIGKILL);
      sleep_a_little ();
    }
}

/* An operation behind the one to be killed at waits for the kill where that will hit it. */
static void
wait_for_kill (void)
{
  for (int i = 0; i < 10 * PATIENCE; i++)
    {
      int64_t killed = page->killed;

      if (killed > 0 && killed != syscall (SYS_getpid))
        return;
      if (killed < 0 && -killed != syscall (SYS_getpgid, 0))
        return;
      sleep_a_little ();
    }
}

/* ---- Operations ---- */

static uint64_t
begin (Arena *arena, const char *operation, bool has_other)
{
  uint64_t number = ++page->last;

  write_log (arena, number, operation, has_other);
  if (number == kill_at)
    kill_before (number);
  if (kill_at > 0 && number > kill_at)
    wait_for_kill ();

  return number;
}

void
sng_shim_end (uint64_t number)
{
  if (number > 0)
    page->ended++;
}

uint64_t
sng_shim_begin_fd (const char *operation, int fd)
{
  int code = errno;
  struct stat info;
  Arena *arena;
  uint64_t number = 0;

  if (!sng_shim_is_below (fd))
    return 0;

  /* Of a file that has no name any more nothing is left after a kill. */
  arena = arena_new ();
  if (arena != NULL && sng_shim_resolve_fd (fd, arena->path) && sng_shim_is_path_below (arena->path)
      && fstat (fd, &info) == 0 && info.st_nlink > 0)
    number = begin (arena, operation, false);
  arena_free (arena);
  errno = code;

  return number;
}

uint64_t
sng_shim_begin_path (const char *operation, int directory, const char *path, bool follow)
{
  int code = errno;
  Arena *arena;
  uint64_t number = 0;

  if (sng_shim_directory_length == 0 || path == NULL)
    return 0;

  arena = arena_new ();
  if (arena != NULL && sng_shim_resolve (directory, path, follow, arena->path)
      && sng_shim_is_path_below (arena->path))
    number = begin (arena, operation, false);
  arena_free (arena);
  errno = code;

  return number;
}

/* A path that leads nowhere, as that of a file without a name does, is noted as it is. */
static bool
resolve_or_copy (int directory, const char *path, char *result)
{
  if (sng_shim_resolve (directory, path, false, result))
    return sng_shim_is_path_below (result);

  result[0] = '\0';
  strncat (result, path, PATH_MAX - 1);

  return false;
}

uint64_t
sng_shim_begin_paths (const char *operation,
                      int directory,
                      const char *path,
                      int other_directory,
                      const char *other)
{
  int code = errno;
  Arena *arena;
  uint64_t number = 0;

  if (sng_shim_directory_length == 0 || path == NULL || other == NULL)
    return 0;

  arena = arena_new ();
  if (arena != NULL)
    {
      bool from = resolve_or_copy (directory, path, arena->path);
      bool to = resolve_or_copy (other_directory, other, arena->other);

      if (from || to)
        number = begin (arena, operation, true);
      if (to && !from) /* descriptors of what is renamed are of a file below now */
        sng_shim_forget_from (0, UINT_MAX);
    }
  arena_free (arena);
  errno = code;

  return number;
}

/* ---- Start ---- */

static void
map_page (const char *path)
{
  long fd = -1;
  void *mapped;

  if (path != NULL)
    {
      fd = syscall (SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
      if (fd < 0 || syscall (SYS_ftruncate, (int) fd, (long) sizeof (Page)) != 0)
        return;
    }

  mapped = (void *) syscall (SYS_mmap, NULL, sizeof (Page), PROT_READ | PROT_WRITE,
                             fd >= 0 ? MAP_SHARED : MAP_SHARED | MAP_ANONYMOUS, (int) fd, 0L);
  if (fd >= 0)
    syscall (SYS_close, (int) fd);
  if (mapped != MAP_FAILED)
    page = mapped;
}

static __attribute__ ((constructor)) void
start (void)
{
  const char *directory = getenv ("SNG_SHIM_DIR");
  const char *log = getenv ("SNG_SHIM_LOG");
  const char *number = getenv ("SNG_SHIM_KILL_AT");
  size_t length;

  if (directory == NULL || directory[0] != '/' || strlen (directory) >= sizeof sng_shim_directory)
    return;
  map_page (getenv ("SNG_SHIM_COUNTER"));
  if (page == NULL)
    return;

  if (log != NULL && strlen (log) < sizeof log_path)
    strcpy (log_path, log);
  kill_at = number != NULL ? strtoull (number, NULL, 10) : 0;
  kill_group = getenv ("SNG_SHIM_KILL_GROUP") != NULL;

  if (!sng_shim_resolve (AT_FDCWD, directory, true, sng_shim_directory))
    strcpy (sng_shim_directory, directory);
  for (length = strlen (sng_shim_directory); length > 1 && sng_shim_directory[length - 1] == '/';)
    sng_shim_directory[--length] = '\0';
  sng_shim_directory_length = length;
}
