/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sng-shim-private.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* What changes the names in a directory. */

#define PERFORM(begin, call)                                                                                 \
 ({                                                                                                          \
 uint64_t number = begin;                                                                                    \
 __typeof__ (call) result = call;                                                                            \
                                                                                                             \
 sng_shim_end (number);                                                                                      \
 result;                                                                                                     \
 })

SNG_SHIM_EXPORT int
rename (const char *from, const char *to)
{
  return PERFORM (sng_shim_begin_paths ("rename", AT_FDCWD, from, AT_FDCWD, to),
                  SNG_SHIM_REAL (rename) (from, to));
}

SNG_SHIM_EXPORT int
renameat (int directory, const char *from, int other, const char *to)
{
  return PERFORM (sng_shim_begin_paths ("rename", directory, from, other, to),
                  SNG_SHIM_REAL (renameat) (directory, from, other, to));
}

SNG_SHIM_EXPORT int
renameat2 (int directory, const char *from, int other, const char *to, unsigned int flags)
{
  return PERFORM (
      sng_shim_begin_paths (flags & RENAME_EXCHANGE ? "exchange" : "rename", directory, from, other, to),
      SNG_SHIM_REAL (renameat2) (directory, from, other, to, flags));
}

SNG_SHIM_EXPORT int
link (const char *from, const char *to)
{
  return PERFORM (sng_shim_begin_paths ("link", AT_FDCWD, from, AT_FDCWD, to),
                  SNG_SHIM_REAL (link) (from, to));
}

SNG_SHIM_EXPORT int
linkat (int directory, const char *from, int other, const char *to, int flags)
{
  return PERFORM (sng_shim_begin_paths ("link", directory, from, other, to),
                  SNG_SHIM_REAL (linkat) (directory, from, other, to, flags));
}

SNG_SHIM_EXPORT int
symlink (const char *target, const char *path)
{
  return PERFORM (sng_shim_begin_path ("symlink", AT_FDCWD, path, false),
                  SNG_SHIM_REAL (symlink) (target, path));
}

SNG_SHIM_EXPORT int
symlinkat (const char *target, int directory, const char *path)
{
  return PERFORM (sng_shim_begin_path ("symlink", directory, path, false),
                  SNG_SHIM_REAL (symlinkat) (target, directory, path));
}

SNG_SHIM_EXPORT int
unlink (const char *path)
{
  return PERFORM (sng_shim_begin_path ("unlink", AT_FDCWD, path, false), SNG_SHIM_REAL (unlink) (path));
}

SNG_SHIM_EXPORT int
unlinkat (int directory, const char *path, int flags)
{
  return PERFORM (sng_shim_begin_path (flags & AT_REMOVEDIR ? "rmdir" : "unlink", directory, path, false),
                  SNG_SHIM_REAL (unlinkat) (directory, path, flags));
}

SNG_SHIM_EXPORT int
remove (const char *path)
{
  return PERFORM (sng_shim_begin_path ("remove", AT_FDCWD, path, false), SNG_SHIM_REAL (remove) (path));
}

SNG_SHIM_EXPORT int
rmdir (const char *path)
{
  return PERFORM (sng_shim_begin_path ("rmdir", AT_FDCWD, path, false), SNG_SHIM_REAL (rmdir) (path));
}

SNG_SHIM_EXPORT int
mkdir (const char *path, mode_t mode)
{
  return PERFORM (sng_shim_begin_path ("mkdir", AT_FDCWD, path, false), SNG_SHIM_REAL (mkdir) (path, mode));
}

SNG_SHIM_EXPORT int
mkdirat (int directory, const char *path, mode_t mode)
{
  return PERFORM (sng_shim_begin_path ("mkdir", directory, path, false),
                  SNG_SHIM_REAL (mkdirat) (directory, path, mode));
}

/* The name that it will get is not known yet. */
SNG_SHIM_EXPORT char *
mkdtemp (char *template)
{
  return PERFORM (sng_shim_begin_path ("mkdir", AT_FDCWD, template, false),
                  SNG_SHIM_REAL (mkdtemp) (template));
}

SNG_SHIM_EXPORT int
truncate (const char *path, off_t length)
{
  return PERFORM (sng_shim_begin_path ("truncate", AT_FDCWD, path, true),
                  SNG_SHIM_REAL (truncate) (path, length));
}

SNG_SHIM_EXPORT int
truncate64 (const char *path, off64_t length)
{
  return PERFORM (sng_shim_begin_path ("truncate", AT_FDCWD, path, true),
                  SNG_SHIM_REAL (truncate64) (path, length));
}
