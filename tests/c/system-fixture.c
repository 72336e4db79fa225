/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#define _GNU_SOURCE /* RTLD_NEXT */

#include "system-fixture.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sng-error.h"
#include "tensor/sng-device-private.h"

/* With 64 bits for the place in a file, the headers give some functions another name. */
#if defined(_FILE_OFFSET_BITS) && _FILE_OFFSET_BITS == 64
# define LARGE_FILES(name) name "64"
#else
# define LARGE_FILES(name) name
#endif

/* Each is read at every call, also before main () and by any thread. */
static struct
{
  int calls_to_failure; /* 0: the next one; below: none */
  int code;
  gboolean is_planted;
  void (*watch) (gpointer data);
  gpointer data;
} plants[TEST_N_SYSTEM_CALLS];

static gboolean
is_to_fail (TestSystemCall call)
{
  if (plants[call].watch != NULL)
    plants[call].watch (plants[call].data);
  if (!plants[call].is_planted || g_atomic_int_add (&plants[call].calls_to_failure, -1) != 0)
    return FALSE;

  errno = plants[call].code;

  return TRUE;
}

/* Of the device itself: a checker of memory has an aligned_alloc () of its own, before every other one. */
static gpointer (*real_alloc) (SngDevice *self, gsize n_bytes, GError **error);

static gpointer
device_alloc (SngDevice *self, gsize n_bytes, GError **error)
{
  if (!is_to_fail (TEST_SYSTEM_DEVICE_ALLOC))
    return real_alloc (self, n_bytes, error);

  g_set_error (error, SNG_ERROR, SNG_ERROR_FAILED, "[test] cannot get %" G_GSIZE_FORMAT " bytes", n_bytes);

  return NULL;
}

void
test_system_fail (TestSystemCall call, guint n_before, int code)
{
  if (call == TEST_SYSTEM_DEVICE_ALLOC && real_alloc == NULL)
    {
      SngDeviceClass *klass = SNG_DEVICE_GET_CLASS (sng_device_get_default ());

      real_alloc = klass->alloc;
      klass->alloc = klass->alloc_staging = device_alloc;
    }
  plants[call].calls_to_failure = (int) n_before;
  plants[call].code = code;
  plants[call].is_planted = TRUE;
}

gboolean
test_system_has_failed (TestSystemCall call)
{
  gboolean has_failed = plants[call].is_planted && g_atomic_int_get (&plants[call].calls_to_failure) < 0;

  plants[call].is_planted = FALSE;

  return has_failed;
}

void
test_system_watch (TestSystemCall call, void (*watch) (gpointer data), gpointer data)
{
  plants[call].watch = watch;
  plants[call].data = data;
}

#define REAL(name, symbol) ((__typeof__ (&name)) dlsym (RTLD_NEXT, symbol))

/* The commands in use have no argument, or an int. */
int
fcntl (int fd, int command, ...)
{
  va_list arguments;
  int argument;

  va_start (arguments, command);
  argument = va_arg (arguments, int);
  va_end (arguments);

  return is_to_fail (TEST_SYSTEM_FCNTL) ? -1 : REAL (fcntl, LARGE_FILES ("fcntl")) (fd, command, argument);
}

int
fstat (int fd, struct stat *info)
{
  return is_to_fail (TEST_SYSTEM_FSTAT) ? -1 : REAL (fstat, LARGE_FILES ("fstat")) (fd, info);
}

int
fsync (int fd)
{
  return is_to_fail (TEST_SYSTEM_FSYNC) ? -1 : REAL (fsync, "fsync") (fd);
}

void *
mmap (void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
  return is_to_fail (TEST_SYSTEM_MMAP)
             ? MAP_FAILED
             : REAL (mmap, LARGE_FILES ("mmap")) (address, length, protection, flags, fd, offset);
}

DIR *
opendir (const char *path)
{
  return is_to_fail (TEST_SYSTEM_OPENDIR) ? NULL : REAL (opendir, "opendir") (path);
}

int
pthread_create (pthread_t *thread, const pthread_attr_t *attributes, void *(*start) (void *), void *argument)
{
  return is_to_fail (TEST_SYSTEM_PTHREAD_CREATE)
             ? errno
             : REAL (pthread_create, "pthread_create") (thread, attributes, start, argument);
}

ssize_t
write (int fd, const void *data, size_t n_bytes)
{
  return is_to_fail (TEST_SYSTEM_WRITE) ? -1 : REAL (write, "write") (fd, data, n_bytes);
}
