/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The whole contents of a text file, plain or compressed by gzip (known by its first bytes, not by its name). A file that is missing, empty
 * or binary, that is one with a zero byte, is an error that names it. @place begins the message. */
GBytes *sng_input_file_read (const char  *path,
                             const char  *place,
                             GError     **error);

G_END_DECLS
