/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sng-shim-private.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What a path is called without links, "." and "..", nobody knows better than the kernel, which gives it back for a descriptor. */

char sng_shim_directory[PATH_MAX];
size_t sng_shim_directory_length;

/* ---- Paths ---- */

bool
sng_shim_is_path_below (const char *path)
{
  size_t n = sng_shim_directory_length;

  return n > 0 && strncmp (path, sng_shim_directory, n) == 0 && (path[n] == '/' || path[n] == '\0' || n == 1);
}

static long
read_fd_link (int fd, char *result, size_t size)
{
  char name[40] = "/proc/self/fd/", digits[12], *at = digits + sizeof digits;

  *--at = '\0';
  for (unsigned rest = (unsigned) fd; rest > 0 || *at == '\0'; rest /= 10)
    *--at = (char) ('0' + rest % 10);
  strcat (name, at);

  return syscall (SYS_readlinkat, AT_FDCWD, name, result, size);
}

bool
sng_shim_resolve_fd (int fd, char *result)
{
  long n = fd >= 0 ? read_fd_link (fd, result, PATH_MAX - 1) : -1;

  if (n <= 0)
    return false;
  result[n] = '\0';

  return result[0] == '/';
}

static bool
resolve_existing (int directory, const char *path, int flags, char *result)
{
  long fd = syscall (SYS_openat, directory, path, O_PATH | O_CLOEXEC | flags, 0);
  bool resolved;

  if (fd < 0)
    return false;
  resolved = sng_shim_resolve_fd ((int) fd, result);
  syscall (SYS_close, (int) fd);

  return resolved;
}

bool
sng_shim_resolve (int directory, const char *path, bool follow, char *result)
{
  size_t end = strlen (path), begin, length;

  while (end > 1 && path[end - 1] == '/')
    end--;
  for (begin = end; begin > 0 && path[begin - 1] != '/';)
    begin--;
  length = end - begin;
  if (length == 0 || length > NAME_MAX || end >= PATH_MAX)
    return length == 0 && end > 0 && resolve_existing (directory, path, 0, result);

  if (follow || (length <= 2 && strncmp (path + begin, "..", length) == 0))
    {
      if (resolve_existing (directory, path, 0, result))
        return true;
    }

  /* Of what is not there yet, or is a link itself: the directory that it is in. */
  memcpy (result, path, begin);
  strcpy (result + begin, ".");
  if (!resolve_existing (directory, result, O_DIRECTORY, result))
    return false;
  if (strcmp (result, "/") != 0)
    strcat (result, "/");
  strncat (result, path + begin, length);

  return true;
}

/* ---- Descriptors ---- */

enum
{
  UNKNOWN,
  OUTSIDE,
  BELOW
};

#define N_STATES 65536 /* descriptors beyond are looked up each time */

static _Atomic unsigned char states[N_STATES];

void
sng_shim_forget (int fd)
{
  if (fd >= 0 && fd < N_STATES)
    states[fd] = UNKNOWN;
}

void
sng_shim_forget_from (unsigned first, unsigned last)
{
  for (unsigned fd = first; fd < N_STATES && fd <= last; fd++)
    if (states[fd] != UNKNOWN)
      states[fd] = UNKNOWN;
}

/* As much of the path as tells it. */
static unsigned char
look_up (int fd)
{
  char path[sng_shim_directory_length + 2];
  int code = errno;
  long n = read_fd_link (fd, path, sng_shim_directory_length + 1);

  errno = code;
  if (n < 0)
    return UNKNOWN;
  path[n] = '\0';

  return sng_shim_is_path_below (path) ? BELOW : OUTSIDE;
}

bool
sng_shim_is_below (int fd)
{
  unsigned char state;

  if (sng_shim_directory_length == 0 || fd < 0)
    return false;

  state = fd < N_STATES ? states[fd] : UNKNOWN;
  if (state == UNKNOWN)
    {
      state = look_up (fd);
      if (fd < N_STATES)
        states[fd] = state;
    }

  return state == BELOW;
}
