/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The library to be preloaded that counts file operations (sng/shim/): what the environment variable SNG_SHIM names, that in the
 * directory "sng" beside libsng, so that an installation can be moved, or the one that was installed. SNG_ERROR_NOT_FOUND
 * where there is none. */
char *sng_shim_find_file (GError **error);

G_END_DECLS
