/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

/* Each function and its twin for large files are defined by their own names, and none by a macro or inline. */
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE
#ifndef __NO_INLINE__
# define __NO_INLINE__ 1
#endif
#ifndef _GNU_SOURCE
# define _GNU_SOURCE
#endif

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* The library is preloaded into programs that know nothing of it. In front of what changes files below a directory it counts the
 * operation, notes it in a log, and where it is the one that was asked for, kills the process. Whatever is called in here can be
 * called in a signal handler, in a child between fork () or vfork () and exec (), and in many threads: there are no locks, no
 * allocation, and system calls are made by syscall (), past the functions that are replaced.
 *
 *   SNG_SHIM_DIR         the directory; without it nothing is counted
 *   SNG_SHIM_COUNTER     a file that is mapped: the number of the last operation, in 8 bytes of the machine's order; then how many
 *                        have ended, and which process was killed. Threads and processes share it.
 *   SNG_SHIM_LOG         a file to which "N OPERATION PATH [PATH]" is appended before operation N. Blanks, control characters and
 *                        backslashes in a path are written as \OOO, the octal value of the byte. Where operations overlap, lines
 *                        may not be in the order of the numbers.
 *   SNG_SHIM_KILL_AT     the number before which the process is killed; those before have ended by then
 *   SNG_SHIM_KILL_GROUP  where it is set to anything, all of the process group is
 *
 * What it does not see: system calls that are not made by functions of the C library (statically linked programs, Go, some crates of
 * Rust: that of safetensors opens and writes by the C library, and renames without it), writes to a shared mapping, io_uring, and what the C library itself writes to a stream other than where sng-shim-streams.c looks. */

#define SNG_SHIM_EXPORT __attribute__ ((visibility ("default")))

/* The function that is replaced. The first caller may come before the constructors. */
#define SNG_SHIM_REAL(name)                                                                                  \
 ({                                                                                                          \
  static _Atomic (void *) found;                                                                             \
  void *real_function = found;                                                                               \
                                                                                                             \
  if (real_function == NULL)                                                                                 \
   found = real_function = dlsym (RTLD_NEXT, #name);                                                         \
  (__typeof__ (&name)) real_function;                                                                        \
 })

/* Before an operation. Returns its number, or 0 where it is none of ours; does not return where it is the one to be killed at. */
uint64_t sng_shim_begin_fd    (const char *operation,
                               int         fd);
/* With follow, path is where a link leads to; else the link itself. */
uint64_t sng_shim_begin_path  (const char *operation,
                               int         directory,
                               const char *path,
                               bool        follow);
uint64_t sng_shim_begin_paths (const char *operation,
                               int         directory,
                               const char *path,
                               int         other_directory,
                               const char *other);
/* After it. errno stays what it is. */
void     sng_shim_end         (uint64_t    number);

/* Whether a descriptor is of a file below the directory. It is looked up once a descriptor, until that is forgotten: whatever may
 * give the number to another file says so. */
bool     sng_shim_is_below    (int         fd);
void     sng_shim_forget      (int         fd);
void     sng_shim_forget_from (unsigned    first,
                               unsigned    last);

/* The directory, without links and without a slash at its end; length 0: nothing is counted. */
extern char   sng_shim_directory[PATH_MAX];
extern size_t sng_shim_directory_length;

/* Puts the absolute path into result, which has room for PATH_MAX; FALSE where it cannot be. */
bool     sng_shim_resolve     (int         directory,
                               const char *path,
                               bool        follow,
                               char       *result);
bool     sng_shim_resolve_fd  (int         fd,
                               char       *result);
bool     sng_shim_is_path_below (const char *path);
