/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sng-shim-private.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* What opens a file, and what gives a descriptor's number to another one. Opening for reading is no operation. */

/* What programs that were compiled with _FORTIFY_SOURCE call; no header declares them. */
int __open_2 (const char *path, int flags);
int __open64_2 (const char *path, int flags);
int __openat_2 (int directory, const char *path, int flags);
int __openat64_2 (int directory, const char *path, int flags);

static uint64_t
begin_open (int directory, const char *path, int flags)
{
  if ((flags & O_PATH) == O_PATH || ((flags & O_ACCMODE) == O_RDONLY && (flags & (O_CREAT | O_TRUNC)) == 0))
    return 0;

  return sng_shim_begin_path ("open", directory, path, (flags & (O_NOFOLLOW | O_EXCL)) == 0);
}

static int
end_open (uint64_t number, int fd)
{
  sng_shim_end (number);
  sng_shim_forget (fd);

  return fd;
}

/* The mode, where there is one. */
#define GET_MODE(flags)                                                                                      \
 ({                                                                                                          \
 mode_t given = 0;                                                                                           \
                                                                                                             \
 if (((flags) &O_CREAT) != 0 || ((flags) &O_TMPFILE) == O_TMPFILE)                                           \
  {                                                                                                          \
   va_list arguments;                                                                                        \
                                                                                                             \
   va_start (arguments, flags);                                                                              \
   given = va_arg (arguments, mode_t);                                                                       \
   va_end (arguments);                                                                                       \
  }                                                                                                          \
 given;                                                                                                      \
 })

SNG_SHIM_EXPORT int
open (const char *path, int flags, ...)
{
  mode_t mode = GET_MODE (flags);
  uint64_t number = begin_open (AT_FDCWD, path, flags);

  return end_open (number, SNG_SHIM_REAL (open) (path, flags, mode));
}

SNG_SHIM_EXPORT int
open64 (const char *path, int flags, ...)
{
  mode_t mode = GET_MODE (flags);
  uint64_t number = begin_open (AT_FDCWD, path, flags);

  return end_open (number, SNG_SHIM_REAL (open64) (path, flags, mode));
}

SNG_SHIM_EXPORT int
openat (int directory, const char *path, int flags, ...)
{
  mode_t mode = GET_MODE (flags);
  uint64_t number = begin_open (directory, path, flags);

  return end_open (number, SNG_SHIM_REAL (openat) (directory, path, flags, mode));
}

SNG_SHIM_EXPORT int
openat64 (int directory, const char *path, int flags, ...)
{
  mode_t mode = GET_MODE (flags);
  uint64_t number = begin_open (directory, path, flags);

  return end_open (number, SNG_SHIM_REAL (openat64) (directory, path, flags, mode));
}

SNG_SHIM_EXPORT int
__open_2 (const char *path, int flags)
{
  uint64_t number = begin_open (AT_FDCWD, path, flags);

  return end_open (number, SNG_SHIM_REAL (__open_2) (path, flags));
}

SNG_SHIM_EXPORT int
__open64_2 (const char *path, int flags)
{
  uint64_t number = begin_open (AT_FDCWD, path, flags);

  return end_open (number, SNG_SHIM_REAL (__open64_2) (path, flags));
}

SNG_SHIM_EXPORT int
__openat_2 (int directory, const char *path, int flags)
{
  uint64_t number = begin_open (directory, path, flags);

  return end_open (number, SNG_SHIM_REAL (__openat_2) (directory, path, flags));
}

SNG_SHIM_EXPORT int
__openat64_2 (int directory, const char *path, int flags)
{
  uint64_t number = begin_open (directory, path, flags);

  return end_open (number, SNG_SHIM_REAL (__openat64_2) (directory, path, flags));
}

SNG_SHIM_EXPORT int
creat (const char *path, mode_t mode)
{
  uint64_t number = begin_open (AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC);

  return end_open (number, SNG_SHIM_REAL (creat) (path, mode));
}

SNG_SHIM_EXPORT int
creat64 (const char *path, mode_t mode)
{
  uint64_t number = begin_open (AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC);

  return end_open (number, SNG_SHIM_REAL (creat64) (path, mode));
}

/* ---- Temporary files: the name is not known yet, so it is the template that is noted ---- */

#define TEMPORARY(name, parameters, arguments)                                                               \
 SNG_SHIM_EXPORT int name parameters                                                                         \
 {                                                                                                           \
  uint64_t number = begin_open (AT_FDCWD, template, O_CREAT | O_EXCL | O_RDWR);                              \
                                                                                                             \
  return end_open (number, SNG_SHIM_REAL (name) arguments);                                                  \
 }

/* clang-format off */
TEMPORARY (mkstemp, (char *template), (template))
TEMPORARY (mkstemp64, (char *template), (template))
TEMPORARY (mkostemp, (char *template, int flags), (template, flags))
TEMPORARY (mkostemp64, (char *template, int flags), (template, flags))
TEMPORARY (mkstemps, (char *template, int n_suffix), (template, n_suffix))
TEMPORARY (mkstemps64, (char *template, int n_suffix), (template, n_suffix))
TEMPORARY (mkostemps, (char *template, int n_suffix, int flags), (template, n_suffix, flags))
TEMPORARY (mkostemps64, (char *template, int n_suffix, int flags), (template, n_suffix, flags))
/* clang-format on */

/* ---- Descriptors ---- */

/* Forgotten before it is free, since another thread may get it at once. */
SNG_SHIM_EXPORT int
close (int fd)
{
  sng_shim_forget (fd);

  return SNG_SHIM_REAL (close) (fd);
}

SNG_SHIM_EXPORT int
close_range (unsigned int first, unsigned int last, int flags)
{
  sng_shim_forget_from (first, last);

  return SNG_SHIM_REAL (close_range) (first, last, flags);
}

SNG_SHIM_EXPORT void
closefrom (int first)
{
  sng_shim_forget_from (first > 0 ? (unsigned) first : 0, UINT_MAX);
  SNG_SHIM_REAL (closefrom) (first);
}

SNG_SHIM_EXPORT int
dup (int fd)
{
  return end_open (0, SNG_SHIM_REAL (dup) (fd));
}

SNG_SHIM_EXPORT int
dup2 (int from, int to)
{
  return end_open (0, SNG_SHIM_REAL (dup2) (from, to));
}

SNG_SHIM_EXPORT int
dup3 (int from, int to, int flags)
{
  return end_open (0, SNG_SHIM_REAL (dup3) (from, to, flags));
}

#define FCNTL(name)                                                                                          \
 SNG_SHIM_EXPORT int name (int fd, int command, ...)                                                         \
 {                                                                                                           \
  va_list arguments;                                                                                         \
  void *argument;                                                                                            \
  int result;                                                                                                \
                                                                                                             \
  va_start (arguments, command);                                                                             \
  argument = va_arg (arguments, void *);                                                                     \
  va_end (arguments);                                                                                        \
                                                                                                             \
  result = SNG_SHIM_REAL (name) (fd, command, argument);                                                     \
  if (command == F_DUPFD || command == F_DUPFD_CLOEXEC)                                                      \
   sng_shim_forget (result);                                                                                 \
                                                                                                             \
  return result;                                                                                             \
 }

/* clang-format off */
FCNTL (fcntl)
FCNTL (fcntl64)
/* clang-format on */
