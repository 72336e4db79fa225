/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sng-shim-private.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

/* What changes the contents of an open file, or makes them durable. */

#define DEFINE(type, name, operation, fd, parameters, arguments)                                             \
 SNG_SHIM_EXPORT type name parameters                                                                        \
 {                                                                                                           \
  uint64_t number = sng_shim_begin_fd (operation, fd);                                                       \
  type result = SNG_SHIM_REAL (name) arguments;                                                              \
                                                                                                             \
  sng_shim_end (number);                                                                                     \
  return result;                                                                                             \
 }

/* clang-format off */
DEFINE (ssize_t, write, "write", fd, (int fd, const void *data, size_t n), (fd, data, n))
DEFINE (ssize_t, pwrite, "pwrite", fd, (int fd, const void *data, size_t n, off_t offset), (fd, data, n, offset))
DEFINE (ssize_t, pwrite64, "pwrite", fd, (int fd, const void *data, size_t n, off64_t offset), (fd, data, n, offset))
DEFINE (ssize_t, writev, "writev", fd, (int fd, const struct iovec *data, int n), (fd, data, n))
DEFINE (ssize_t, pwritev, "pwritev", fd, (int fd, const struct iovec *data, int n, off_t offset),
        (fd, data, n, offset))
DEFINE (ssize_t, pwritev64, "pwritev", fd, (int fd, const struct iovec *data, int n, off64_t offset),
        (fd, data, n, offset))
DEFINE (ssize_t, pwritev2, "pwritev", fd, (int fd, const struct iovec *data, int n, off_t offset, int flags),
        (fd, data, n, offset, flags))
DEFINE (ssize_t, pwritev64v2, "pwritev", fd, (int fd, const struct iovec *data, int n, off64_t offset, int flags),
        (fd, data, n, offset, flags))
DEFINE (ssize_t, sendfile, "sendfile", out, (int out, int in, off_t *offset, size_t n), (out, in, offset, n))
DEFINE (ssize_t, sendfile64, "sendfile", out, (int out, int in, off64_t *offset, size_t n), (out, in, offset, n))
DEFINE (ssize_t, copy_file_range, "copy_file_range", out,
        (int in, off64_t *in_offset, int out, off64_t *out_offset, size_t n, unsigned int flags),
        (in, in_offset, out, out_offset, n, flags))
DEFINE (ssize_t, splice, "splice", out,
        (int in, off64_t *in_offset, int out, off64_t *out_offset, size_t n, unsigned int flags),
        (in, in_offset, out, out_offset, n, flags))

DEFINE (int, ftruncate, "ftruncate", fd, (int fd, off_t length), (fd, length))
DEFINE (int, ftruncate64, "ftruncate", fd, (int fd, off64_t length), (fd, length))
DEFINE (int, fallocate, "fallocate", fd, (int fd, int mode, off_t offset, off_t length), (fd, mode, offset, length))
DEFINE (int, fallocate64, "fallocate", fd, (int fd, int mode, off64_t offset, off64_t length),
        (fd, mode, offset, length))
DEFINE (int, posix_fallocate, "fallocate", fd, (int fd, off_t offset, off_t length), (fd, offset, length))
DEFINE (int, posix_fallocate64, "fallocate", fd, (int fd, off64_t offset, off64_t length), (fd, offset, length))

DEFINE (int, fsync, "fsync", fd, (int fd), (fd))
DEFINE (int, fdatasync, "fdatasync", fd, (int fd), (fd))
DEFINE (int, syncfs, "syncfs", fd, (int fd), (fd))
DEFINE (int, sync_file_range, "sync_file_range", fd, (int fd, off64_t offset, off64_t length, unsigned int flags),
        (fd, offset, length, flags))
/* clang-format on */
