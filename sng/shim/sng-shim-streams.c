/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sng-shim-private.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio_ext.h>
#include <string.h>
#include <unistd.h>

/* Streams of the C library. What it writes by itself cannot be seen; so each function that may make it write asks first whether it
 * will: because the buffer is full, or because it is to be flushed. What lies in the buffer is lost by a kill, as it should be. */

/* What programs that were compiled with _FORTIFY_SOURCE, or with optimisation, call. */
int __fprintf_chk (FILE *stream, int flag, const char *format, ...);
int __vfprintf_chk (FILE *stream, int flag, const char *format, va_list arguments);
int __dprintf_chk (int fd, int flag, const char *format, ...);
int __vdprintf_chk (int fd, int flag, const char *format, va_list arguments);

#undef fwrite_unlocked

/* Those below the directory that may have something left when the process ends. */
#define N_STREAMS 1024

static _Atomic (FILE *) streams[N_STREAMS];

static void
track (FILE *stream)
{
  if (stream == NULL || !sng_shim_is_below (fileno (stream)) || !__fwritable (stream))
    return;

  for (unsigned i = 0; i < N_STREAMS; i++)
    {
      FILE *none = NULL;

      if (streams[i] == stream || atomic_compare_exchange_strong (&streams[i], &none, stream))
        return;
    }
}

static void
untrack (FILE *stream)
{
  for (unsigned i = 0; i < N_STREAMS; i++)
    {
      FILE *same = stream;

      atomic_compare_exchange_strong (&streams[i], &same, NULL);
    }
}

static bool
is_ours (FILE *stream)
{
  int code = errno;
  bool ours = sng_shim_directory_length > 0 && stream != NULL && sng_shim_is_below (fileno (stream));

  errno = code;

  return ours;
}

/* Where it has anything to write. */
static uint64_t
begin_flush (const char *operation, FILE *stream)
{
  return is_ours (stream) && __fpending (stream) > 0 ? sng_shim_begin_fd (operation, fileno (stream)) : 0;
}

/* Where n more bytes make it write: those that the buffer has no room for make it write what is in it, and whole blocks of them go
 * past it. */
static uint64_t
begin_put (FILE *stream, size_t n, bool has_newline)
{
  size_t size, room;

  if (!is_ours (stream) || n == 0)
    return 0;

  size = __fbufsize (stream);
  room = stream->_IO_write_end > stream->_IO_write_ptr
             ? (size_t) (stream->_IO_write_end - stream->_IO_write_ptr)
             : 0;
  if (__flbf (stream) != 0 && size > 1)
    {
      if (!has_newline && __fpending (stream) + n <= size)
        return 0;
    }
  else if (n <= room || (__fpending (stream) + room == 0 && n < (size > 0 ? size : BUFSIZ / 2) && size != 1))
    return 0;

  return sng_shim_begin_fd ("write", fileno (stream));
}

/* ---- Opening and closing ---- */

/* What freopen () opens takes the place of what was open. */
static uint64_t
begin_open (const char *path, const char *mode)
{
  return mode != NULL && strpbrk (mode, "wa+") != NULL ? sng_shim_begin_path ("open", AT_FDCWD, path, true)
                                                       : 0;
}

static FILE *
end_open (uint64_t number, FILE *stream)
{
  int code = errno;

  sng_shim_end (number);
  if (stream != NULL && sng_shim_directory_length > 0)
    {
      sng_shim_forget (fileno (stream));
      track (stream);
    }
  errno = code;

  return stream;
}

#define OPEN(name)                                                                                           \
 SNG_SHIM_EXPORT FILE *name (const char *path, const char *mode)                                             \
 {                                                                                                           \
  uint64_t number = begin_open (path, mode);                                                                 \
                                                                                                             \
  return end_open (number, SNG_SHIM_REAL (name) (path, mode));                                               \
 }

#define REOPEN(name)                                                                                         \
 SNG_SHIM_EXPORT FILE *name (const char *path, const char *mode, FILE *stream)                               \
 {                                                                                                           \
  uint64_t number;                                                                                           \
                                                                                                             \
  fflush (stream);                                                                                           \
  number = begin_open (path, mode);                                                                          \
  sng_shim_forget (fileno (stream));                                                                         \
  untrack (stream);                                                                                          \
                                                                                                             \
  return end_open (number, SNG_SHIM_REAL (name) (path, mode, stream));                                       \
 }

/* clang-format off */
OPEN (fopen)
OPEN (fopen64)
REOPEN (freopen)
REOPEN (freopen64)
/* clang-format on */

SNG_SHIM_EXPORT FILE *
fdopen (int fd, const char *mode)
{
  FILE *stream = SNG_SHIM_REAL (fdopen) (fd, mode);

  track (stream);

  return stream;
}

SNG_SHIM_EXPORT int
fclose (FILE *stream)
{
  uint64_t number = begin_flush ("fclose", stream);
  int result, code = errno;

  if (sng_shim_directory_length > 0)
    {
      sng_shim_forget (fileno (stream));
      untrack (stream);
    }
  errno = code;
  result = SNG_SHIM_REAL (fclose) (stream);
  sng_shim_end (number);

  return result;
}

/* ---- Flushing ---- */

static void
flush_all (const char *operation)
{
  for (unsigned i = 0; i < N_STREAMS; i++)
    {
      FILE *stream = streams[i];
      uint64_t number = stream != NULL ? begin_flush (operation, stream) : 0;

      if (number > 0)
        SNG_SHIM_REAL (fflush) (stream);
      sng_shim_end (number);
    }
}

#define FLUSH(name)                                                                                          \
 SNG_SHIM_EXPORT int name (FILE *stream)                                                                     \
 {                                                                                                           \
  uint64_t number = 0;                                                                                       \
  int result;                                                                                                \
                                                                                                             \
  if (stream == NULL)                                                                                        \
   flush_all ("fflush");                                                                                     \
  else                                                                                                       \
   number = begin_flush ("fflush", stream);                                                                  \
  result = SNG_SHIM_REAL (name) (stream);                                                                    \
  sng_shim_end (number);                                                                                     \
                                                                                                             \
  return result;                                                                                             \
 }

/* clang-format off */
FLUSH (fflush)
FLUSH (fflush_unlocked)
/* clang-format on */

/* The C library flushes when the process ends; where that could be a kill, it is done before. */
static __attribute__ ((destructor)) void
finish (void)
{
  flush_all ("fflush");
}

/* A stream is flushed before its place changes. */
#define SEEK(type, name, parameters, arguments)                                                              \
 SNG_SHIM_EXPORT type name parameters                                                                        \
 {                                                                                                           \
  uint64_t number = begin_flush ("write", stream);                                                           \
  type result = SNG_SHIM_REAL (name) arguments;                                                              \
                                                                                                             \
  sng_shim_end (number);                                                                                     \
  return result;                                                                                             \
 }

/* clang-format off */
SEEK (int, fseek, (FILE *stream, long offset, int whence), (stream, offset, whence))
SEEK (int, fseeko, (FILE *stream, off_t offset, int whence), (stream, offset, whence))
SEEK (int, fseeko64, (FILE *stream, off64_t offset, int whence), (stream, offset, whence))
SEEK (int, fsetpos, (FILE *stream, const fpos_t *place), (stream, place))
SEEK (int, fsetpos64, (FILE *stream, const fpos64_t *place), (stream, place))
/* clang-format on */

SNG_SHIM_EXPORT void
rewind (FILE *stream)
{
  uint64_t number = begin_flush ("write", stream);

  SNG_SHIM_REAL (rewind) (stream);
  sng_shim_end (number);
}

/* ---- Writing ---- */

#define PUT(type, name, n, has_newline, parameters, arguments)                                               \
 SNG_SHIM_EXPORT type name parameters                                                                        \
 {                                                                                                           \
  uint64_t number = is_ours (stream) ? begin_put (stream, n, has_newline) : 0;                               \
  type result = SNG_SHIM_REAL (name) arguments;                                                              \
                                                                                                             \
  sng_shim_end (number);                                                                                     \
  return result;                                                                                             \
 }

/* clang-format off */
PUT (size_t, fwrite, size * n, memchr (data, '\n', size * n) != NULL,
     (const void *data, size_t size, size_t n, FILE *stream), (data, size, n, stream))
PUT (size_t, fwrite_unlocked, size * n, memchr (data, '\n', size * n) != NULL,
     (const void *data, size_t size, size_t n, FILE *stream), (data, size, n, stream))
PUT (int, fputs, strlen (text), strchr (text, '\n') != NULL, (const char *text, FILE *stream), (text, stream))
PUT (int, fputs_unlocked, strlen (text), strchr (text, '\n') != NULL, (const char *text, FILE *stream), (text, stream))
PUT (int, fputc, 1, character == '\n', (int character, FILE *stream), (character, stream))
PUT (int, fputc_unlocked, 1, character == '\n', (int character, FILE *stream), (character, stream))
PUT (int, putc, 1, character == '\n', (int character, FILE *stream), (character, stream))
PUT (int, putc_unlocked, 1, character == '\n', (int character, FILE *stream), (character, stream))
PUT (int, __overflow, 1, character == '\n', (FILE *stream, int character), (stream, character))
/* clang-format on */

/* How long it gets is only known by printing it. */
static uint64_t __attribute__ ((format (printf, 2, 0)))
begin_print (FILE *stream, const char *format, va_list arguments)
{
  va_list copy;
  int n;

  if (!is_ours (stream))
    return 0;

  va_copy (copy, arguments);
  n = vsnprintf (NULL, 0, format, copy);
  va_end (copy);

  return n > 0 ? begin_put (stream, (size_t) n, true) : 0;
}

SNG_SHIM_EXPORT __attribute__ ((format (printf, 2, 0))) int
vfprintf (FILE *stream, const char *format, va_list arguments)
{
  uint64_t number = begin_print (stream, format, arguments);
  int result = SNG_SHIM_REAL (vfprintf) (stream, format, arguments);

  sng_shim_end (number);

  return result;
}

SNG_SHIM_EXPORT __attribute__ ((format (printf, 3, 0))) int
__vfprintf_chk (FILE *stream, int flag, const char *format, va_list arguments)
{
  uint64_t number = begin_print (stream, format, arguments);
  int result = SNG_SHIM_REAL (__vfprintf_chk) (stream, flag, format, arguments);

  sng_shim_end (number);

  return result;
}

SNG_SHIM_EXPORT __attribute__ ((format (printf, 2, 3))) int
fprintf (FILE *stream, const char *format, ...)
{
  va_list arguments;
  int result;

  va_start (arguments, format);
  result = vfprintf (stream, format, arguments);
  va_end (arguments);

  return result;
}

SNG_SHIM_EXPORT __attribute__ ((format (printf, 3, 4))) int
__fprintf_chk (FILE *stream, int flag, const char *format, ...)
{
  va_list arguments;
  int result;

  va_start (arguments, format);
  result = __vfprintf_chk (stream, flag, format, arguments);
  va_end (arguments);

  return result;
}

SNG_SHIM_EXPORT int
vdprintf (int fd, const char *format, va_list arguments)
{
  uint64_t number = sng_shim_begin_fd ("write", fd);
  int result = SNG_SHIM_REAL (vdprintf) (fd, format, arguments);

  sng_shim_end (number);

  return result;
}

SNG_SHIM_EXPORT int
__vdprintf_chk (int fd, int flag, const char *format, va_list arguments)
{
  uint64_t number = sng_shim_begin_fd ("write", fd);
  int result = SNG_SHIM_REAL (__vdprintf_chk) (fd, flag, format, arguments);

  sng_shim_end (number);

  return result;
}

SNG_SHIM_EXPORT int
dprintf (int fd, const char *format, ...)
{
  va_list arguments;
  int result;

  va_start (arguments, format);
  result = vdprintf (fd, format, arguments);
  va_end (arguments);

  return result;
}

SNG_SHIM_EXPORT int
__dprintf_chk (int fd, int flag, const char *format, ...)
{
  va_list arguments;
  int result;

  va_start (arguments, format);
  result = __vdprintf_chk (fd, flag, format, arguments);
  va_end (arguments);

  return result;
}
