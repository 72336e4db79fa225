/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Fails with SNG_ERROR_MISMATCH, listing what is missing from names and what nobody expected. Any order. */
gboolean sng_state_names_check_equal (char       **names,
                                      char       **expected,
                                      const char  *place,
                                      GError     **error);

/* A name that statefuls are registered and kept under: non-empty UTF-8 without control characters, whose file name is
 * not too long. */
gboolean sng_state_name_check        (const char  *name,
                                      GError     **error);
/* "rng/dropout" -> "rng%2Fdropout.safetensors". */
char    *sng_state_name_to_file      (const char  *name);

/* A value's bytes in normal form and little-endian: the same on every machine. The way back checks everything. */
GBytes   *sng_state_value_to_bytes   (GVariant    *value);
GVariant *sng_state_value_from_bytes (const char  *type,
                                      GBytes      *bytes,
                                      GError     **error);

G_END_DECLS
