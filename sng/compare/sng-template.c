/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "compare/sng-template-private.h"

#include <string.h>

#include "record/sng-number-private.h"

/* A tag without its braces. */
typedef struct
{
  char kind; /* '#', '?', '^', '/', '{', or 0 for an escaped value */
  char *name;
  const char *end; /* what follows it */
} Tag;

static void
tag_clear (Tag *tag)
{
  g_free (tag->name);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Tag, tag_clear)

/* @start is at "{{". Templates are part of the library: one that is broken is a mistake of ours. */
static void
tag_init (Tag *tag, const char *start)
{
  const char *name = start + 2;
  const char *closing;

  tag->kind = strchr ("#?^/{", *name) != NULL ? *name++ : 0;
  closing = tag->kind == '{' ? "}}}" : "}}";
  tag->end = strstr (name, closing);
  g_assert (tag->end != NULL);

  tag->name = g_strndup (name, (gsize) (tag->end - name));
  tag->end += strlen (closing);
  if (tag->kind != 0 && tag->kind != '{' && *tag->end == '\n')
    tag->end++;
}

static JsonNode *
look_up (GPtrArray *scopes, const char *name)
{
  if (g_str_equal (name, "."))
    return scopes->pdata[scopes->len - 1];

  for (guint i = scopes->len; i > 0; i--)
    {
      JsonNode *scope = scopes->pdata[i - 1];

      if (JSON_NODE_HOLDS_OBJECT (scope) && json_object_has_member (json_node_get_object (scope), name))
        return json_object_get_member (json_node_get_object (scope), name);
    }

  return NULL;
}

static gboolean
is_there (JsonNode *node)
{
  if (node == NULL || JSON_NODE_HOLDS_NULL (node))
    return FALSE;
  if (JSON_NODE_HOLDS_ARRAY (node))
    return json_array_get_length (json_node_get_array (node)) > 0;
  if (JSON_NODE_HOLDS_OBJECT (node))
    return TRUE;
  if (json_node_get_value_type (node) == G_TYPE_STRING)
    return *json_node_get_string (node) != '\0';

  return json_node_get_value_type (node) != G_TYPE_BOOLEAN || json_node_get_boolean (node);
}

static char *
print_value (JsonNode *node)
{
  char buffer[SNG_NUMBER_BUFFER_SIZE];

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node))
    return g_strdup ("");
  if (json_node_get_value_type (node) == G_TYPE_INT64)
    return g_strdup_printf ("%" G_GINT64_FORMAT, json_node_get_int (node));
  if (json_node_get_value_type (node) == G_TYPE_DOUBLE)
    return g_strdup (sng_number_print (buffer, json_node_get_double (node)));
  if (json_node_get_value_type (node) == G_TYPE_BOOLEAN)
    return g_strdup (json_node_get_boolean (node) ? "true" : "false");

  return json_node_dup_string (node);
}

static void
append_value (GString *page, JsonNode *node, gboolean as_it_is)
{
  g_autofree char *value = print_value (node);
  g_autofree char *valid = NULL;
  g_autofree char *escaped = NULL;

  if (as_it_is)
    {
      g_string_append (page, value);
      return;
    }

  valid = g_utf8_make_valid (value, -1);
  escaped = g_markup_escape_text (valid, -1);
  g_string_append (page, escaped);
}

static const char *expand (GString *page, const char *text, const char *section, GPtrArray *scopes);

/* The section with this value innermost. */
static const char *
expand_with (GString *page, const Tag *tag, GPtrArray *scopes, JsonNode *value)
{
  const char *end;

  g_ptr_array_add (scopes, value);
  end = expand (page, tag->end, tag->name, scopes);
  g_ptr_array_set_size (scopes, (int) scopes->len - 1);

  return end;
}

static const char *
expand_section (GString *page, const Tag *tag, GPtrArray *scopes)
{
  JsonNode *value = look_up (scopes, tag->name);
  const char *end = NULL;

  /* without a page only the end is found */
  if (is_there (value) == (tag->kind == '^'))
    page = NULL;
  if (page == NULL || tag->kind != '#')
    return expand (page, tag->end, tag->name, scopes);
  if (!JSON_NODE_HOLDS_ARRAY (value))
    return expand_with (page, tag, scopes, value);

  for (guint i = 0; i < json_array_get_length (json_node_get_array (value)); i++)
    end = expand_with (page, tag, scopes, json_array_get_element (json_node_get_array (value), i));

  return end;
}

/* Goes on to the end of the open section, or of the text, and returns what follows. */
static const char *
expand (GString *page, const char *text, const char *section, GPtrArray *scopes)
{
  for (;;)
    {
      const char *start = strstr (text, "{{");
      g_auto (Tag) tag = { 0 };

      if (page != NULL)
        g_string_append_len (page, text, start != NULL ? start - text : -1);
      if (start == NULL)
        {
          g_assert (section == NULL);
          return NULL;
        }

      tag_init (&tag, start);
      text = tag.end;
      if (tag.kind == '/')
        {
          g_assert (g_strcmp0 (tag.name, section) == 0);
          return text;
        }

      if (tag.kind != 0 && tag.kind != '{')
        text = expand_section (page, &tag, scopes);
      else if (page != NULL)
        append_value (page, look_up (scopes, tag.name), tag.kind == '{');
    }
}

char *
sng_template_expand (const char *text, JsonNode *data)
{
  g_autoptr (GPtrArray) scopes = g_ptr_array_new ();
  g_autoptr (GString) page = g_string_new (NULL);

  g_ptr_array_add (scopes, data);
  expand (page, text, NULL, scopes);

  return g_string_free (g_steal_pointer (&page), FALSE);
}
