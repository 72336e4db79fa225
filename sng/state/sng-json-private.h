/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Parses one JSON object (RFC 8259) that may come from anywhere. Fails with SNG_ERROR_INVALID_DATA; the message says
 * where, and begins with no place: the caller prefixes it. */
JsonNode   *sng_json_parse_object  (const char *text,
                                    gsize       length,
                                    GError    **error);

/* Members of an object that must have a type; NULL or FALSE where they are absent or have another one. */
JsonObject *sng_json_get_object    (JsonObject *object,
                                    const char *name);
JsonArray  *sng_json_get_array     (JsonObject *object,
                                    const char *name);
const char *sng_json_get_string    (JsonObject *object,
                                    const char *name);
gboolean    sng_json_get_unsigned  (JsonObject *object,
                                    const char *name,
                                    guint64    *value);
/* A node that is an integer, not below zero. */
gboolean    sng_json_node_unsigned (JsonNode   *node,
                                    guint64    *value);

/* The length of the string with both quotes, of the number, or of true, false or null that begins here, up to end; 0 where it
 * is malformed. A string may have the zero character, as \u0000: then *has_zero is TRUE. */
gsize       sng_json_scan_string   (const char *text,
                                    const char *end,
                                    gboolean   *has_zero);
gsize       sng_json_scan_number   (const char *text,
                                    const char *end);
gsize       sng_json_scan_word     (const char *text,
                                    const char *end);
/* The content of a string that was scanned and is of this length, up to the first zero character. */
char       *sng_json_decode_string (const char *text,
                                    gsize       length);

/* Appends a string with its quotes, escaping only what JSON asks for. */
void        sng_json_append_string (GString    *text,
                                    const char *string);

G_END_DECLS
