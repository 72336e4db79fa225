/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

#include "state/sng-state-file-private.h"

G_BEGIN_DECLS

/* Everything that the folder asks of a file system, and nothing else in it does: files and trees on top of a storage.
 * Errors are SNG_ERROR_IO, or SNG_ERROR_NOT_FOUND where there is nothing of that name; the message has the path and the
 * system's reason. A call that a signal has interrupted is made again. */

/* The contents, mapped: the file must not be cut while they are in use. */
GBytes       *sng_state_io_read           (const char     *path,
                                           GError        **error);
/* The same of a file that somebody else may have made up: a link, which could lead anywhere, is refused. */
GBytes       *sng_state_io_read_own       (const char     *path,
                                           GError        **error);
gboolean      sng_state_io_is_directory   (const char     *path);
gboolean      sng_state_io_is_link        (const char     *path);
gboolean      sng_state_io_exists         (const char     *path);
/* Of the name itself where it is a link; 0 where there is none. What takes another's place has another one. */
guint64       sng_state_io_get_inode      (const char     *path);
/* The names in a directory, sorted by bytes. */
char        **sng_state_io_list           (const char     *path,
                                           GError        **error);
/* With all its parents, and durable; fine where it is there already. */
gboolean      sng_state_io_make_directory (SngStorage     *storage,
                                           const char     *path,
                                           GError        **error);
/* In one that is there. Its name is not durable yet; fine where it is there already. */
gboolean      sng_state_io_make_child     (SngStorage     *storage,
                                           const char     *path,
                                           GError        **error);
/* A fresh directory of which nobody else knows: prefix and six characters. */
char         *sng_state_io_make_temporary (SngStorage     *storage,
                                           const char     *prefix,
                                           GError        **error);
char         *sng_state_io_temporary_name (const char     *prefix);
gboolean      sng_state_io_sync_directory (SngStorage     *storage,
                                           const char     *path,
                                           GError        **error);
/* Replaces a file, never a directory that holds something. */
gboolean      sng_state_io_rename         (SngStorage     *storage,
                                           const char     *from,
                                           const char     *to,
                                           GError        **error);
/* Swaps two names in one moment. FALSE without an error in supported where the file system cannot. */
gboolean      sng_state_io_exchange       (SngStorage     *storage,
                                           const char     *a,
                                           const char     *b,
                                           gboolean       *supported,
                                           GError        **error);
/* A file or a whole directory; links are removed, not followed. Fine where there is none. */
gboolean      sng_state_io_remove         (SngStorage     *storage,
                                           const char     *path,
                                           GError        **error);

/* A directory to of hard links to the files that are in from; of copies where the file system has no links. */
gboolean      sng_state_io_link_tree      (SngStorage     *storage,
                                           const char     *from,
                                           const char     *to,
                                           GError        **error);

/* Sets the error of a call that failed with errno. */
gboolean      sng_state_io_fail           (GError        **error,
                                           const char     *what,
                                           const char     *path,
                                           int             code);

G_END_DECLS
