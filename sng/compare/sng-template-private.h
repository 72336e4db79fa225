/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* The text with the data filled in, by the part of Mustache that a page of tables needs:
 *
 *   {{name}}             the value, escaped for HTML
 *   {{{name}}}           the value as it is
 *   {{.}}                the element that the section is at
 *   {{#name}}…{{/name}}  for each element of an array; once for an object, a text, a number or true
 *   {{?name}}…{{/name}}  once where there is such a value, which is not null, false, "" or an empty array
 *   {{^name}}…{{/name}}  once where there is none
 *
 * A name is looked for in the innermost object of the open sections first. A line feed after the tag of a section belongs to
 * the tag. What comes out is valid UTF-8, whatever the values hold, but for those that are taken as they are. */
char *sng_template_expand (const char *text,
                           JsonNode   *data);

G_END_DECLS
