/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "state/sng-json-private.h"

#include <string.h>

#include "sng-error.h"

/* json-glib does the parsing, but it takes more than JSON (comments, assignments, several documents), recurses as deep
 * as the text says, wraps numbers that are too large and lets the last of several members of one name win. So the text is
 * looked over first, and the members are counted as they come. */

#define MAX_DEPTH 16
#define LARGEST "9223372036854775807" /* G_MAXINT64 */

static gboolean
refuse (GError **error, gsize at, const char *what)
{
  g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA, "%s at byte %" G_GSIZE_FORMAT, what, at);
  return FALSE;
}

/* The number of four hexadecimal digits behind "\u", or -1. */
static gint32
scan_unit (const char *text, const char *end)
{
  gint32 unit = 0;

  if (end - text < 6 || text[0] != '\\' || text[1] != 'u')
    return -1;
  for (guint i = 2; i < 6; i++)
    {
      if (!g_ascii_isxdigit (text[i]))
        return -1;
      unit = unit * 16 + g_ascii_xdigit_value (text[i]);
    }

  return unit;
}

/* The length of "\n", "\u00e9" and the like, or 0. A surrogate needs its other half. */
static gsize
scan_escape (const char *text, const char *end, gunichar *character)
{
  static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
  gint32 first, second;

  if (end - text >= 2 && text[1] != '\0' && strchr (letters, text[1]) != NULL)
    {
      *character = (guchar) meanings[strchr (letters, text[1]) - letters];
      return 2;
    }

  if ((first = scan_unit (text, end)) < 0)
    return 0;
  *character = (gunichar) first;
  if (first < 0xd800 || first > 0xdfff)
    return 6;
  if (first >= 0xdc00 || (second = scan_unit (text + 6, end)) < 0xdc00 || second > 0xdfff)
    return 0;
  *character = 0x10000u + ((gunichar) (first - 0xd800) << 10) + (gunichar) (second - 0xdc00);

  return 12;
}

gsize
sng_json_scan_string (const char *text, const char *end, gboolean *has_zero)
{
  const char *p = text + 1;

  *has_zero = FALSE;
  while (p < end && *p != '"')
    {
      gunichar character = 1;
      gsize n = *p == '\\' ? scan_escape (p, end, &character) : (guchar) *p >= 0x20;

      if (n == 0)
        return 0;
      if (character == 0)
        *has_zero = TRUE;
      p += n;
    }

  return p < end ? (gsize) (p + 1 - text) : 0;
}

char *
sng_json_decode_string (const char *text, gsize length)
{
  const char *end = text + length - 1;
  GString *string;

  text++;
  if (memchr (text, '\\', (gsize) (end - text)) == NULL)
    return g_strndup (text, (gsize) (end - text));

  string = g_string_new (NULL);
  while (text < end)
    {
      gunichar character = (guchar) *text;

      if (*text != '\\')
        {
          g_string_append_c (string, *text++);
          continue;
        }
      text += scan_escape (text, end, &character);
      if (character == 0)
        break;
      g_string_append_unichar (string, character);
    }

  return g_string_free (string, FALSE);
}

static gsize
scan_digits (const char *text, const char *end)
{
  const char *p = text;

  while (p < end && g_ascii_isdigit (*p))
    p++;

  return (gsize) (p - text);
}

gsize
sng_json_scan_number (const char *text, const char *end)
{
  const char *p = text < end ? text + (*text == '-') : text;
  gsize n = scan_digits (p, end);

  if (n == 0 || (*p == '0' && n > 1))
    return 0;
  p += n;

  if (p < end && *p == '.')
    {
      if ((n = scan_digits (p + 1, end)) == 0)
        return 0;
      p += 1 + n;
    }
  if (p < end && (*p == 'e' || *p == 'E'))
    {
      p += 1 + (p + 1 < end && (p[1] == '+' || p[1] == '-'));
      if ((n = scan_digits (p, end)) == 0)
        return 0;
      p += n;
    }

  return (gsize) (p - text);
}

gsize
sng_json_scan_word (const char *text, const char *end)
{
  static const char *const words[] = { "true", "false", "null" };

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    {
      gsize n = strlen (words[i]);

      if ((gsize) (end - text) >= n && memcmp (text, words[i], n) == 0)
        return n;
    }

  return 0;
}

/* json-glib keeps strings as C does, and integers in a gint64. */
static gsize
scan_kept_string (const char *text, const char *end)
{
  gboolean has_zero;
  gsize n = sng_json_scan_string (text, end, &has_zero);

  return has_zero ? 0 : n;
}

static gsize
scan_kept_number (const char *text, const char *end)
{
  const char *digits = text + (*text == '-');
  gsize n = scan_digits (digits, end);

  if (n > strlen (LARGEST) || (n == strlen (LARGEST) && memcmp (digits, LARGEST, n) > 0))
    return 0;

  return sng_json_scan_number (text, end);
}

/* Checks the tokens and the depth; that they make up an object is for the parser to find out. */
static gboolean
check_tokens (const char *text, gsize length, GError **error)
{
  const char *end = text + length;
  guint depth = 0;
  gboolean closed = FALSE;

  for (const char *p = text; p < end;)
    {
      gsize at = (gsize) (p - text);
      gsize n = 1;

      if (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')
        ;
      else if (closed)
        return refuse (error, at, "something follows the JSON object");
      else if (depth == 0 && *p != '{')
        return refuse (error, at, "not a JSON object");
      else if (*p == '{' || *p == '[')
        {
          if (++depth > MAX_DEPTH)
            return refuse (error, at, "JSON nested too deep");
        }
      else if (*p == '}' || *p == ']')
        closed = --depth == 0;
      else if (*p == '"')
        {
          if ((n = scan_kept_string (p, end)) == 0)
            return refuse (error, at, "a malformed JSON string");
        }
      else if (*p == '-' || g_ascii_isdigit (*p))
        {
          if ((n = scan_kept_number (p, end)) == 0)
            return refuse (error, at, "a malformed or too long number");
        }
      else if (*p != ',' && *p != ':' && (n = sng_json_scan_word (p, end)) == 0)
        return refuse (error, at, "not JSON");

      p += n;
    }

  if (!closed)
    return refuse (error, length, "the JSON object does not end");

  return TRUE;
}

typedef struct
{
  GHashTable *n_members; /* JsonObject -> how many members the text gave it so far */
  char *duplicate;
} Members;

static void
object_member_cb (JsonParser *parser, JsonObject *object, const char *name, gpointer data)
{
  Members *members = data;
  guint n = GPOINTER_TO_UINT (g_hash_table_lookup (members->n_members, object)) + 1;

  if (n > json_object_get_size (object) && members->duplicate == NULL)
    members->duplicate = g_strdup (name);
  g_hash_table_insert (members->n_members, object, GUINT_TO_POINTER (n));
}

JsonNode *
sng_json_parse_object (const char *text, gsize length, GError **error)
{
  g_autoptr (JsonParser) parser = NULL;
  g_autoptr (GHashTable) n_members = NULL;
  g_autofree char *duplicate = NULL;
  g_autoptr (GError) failure = NULL;
  Members members = { NULL, NULL };
  gboolean parsed;

  if (!g_utf8_validate_len (text, length, NULL))
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA, "not UTF-8 text");
      return NULL;
    }
  if (!check_tokens (text, length, error))
    return NULL;

  parser = json_parser_new_immutable ();
  n_members = members.n_members = g_hash_table_new (NULL, NULL);
  g_signal_connect (parser, "object-member", G_CALLBACK (object_member_cb), &members);
  parsed = json_parser_load_from_data (parser, text, (gssize) length, &failure);
  duplicate = members.duplicate;

  if (!parsed)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA, "not JSON: %s", failure->message);
      return NULL;
    }
  if (duplicate != NULL)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA, "'%s' is there twice", duplicate);
      return NULL;
    }

  return json_parser_steal_root (parser);
}

/* The member where it has this type. */
static JsonNode *
get_member (JsonObject *object, const char *name, JsonNodeType type)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && json_node_get_node_type (node) == type ? node : NULL;
}

JsonObject *
sng_json_get_object (JsonObject *object, const char *name)
{
  JsonNode *node = get_member (object, name, JSON_NODE_OBJECT);

  return node != NULL ? json_node_get_object (node) : NULL;
}

JsonArray *
sng_json_get_array (JsonObject *object, const char *name)
{
  JsonNode *node = get_member (object, name, JSON_NODE_ARRAY);

  return node != NULL ? json_node_get_array (node) : NULL;
}

const char *
sng_json_get_string (JsonObject *object, const char *name)
{
  JsonNode *node = get_member (object, name, JSON_NODE_VALUE);

  return node != NULL && json_node_get_value_type (node) == G_TYPE_STRING ? json_node_get_string (node)
                                                                          : NULL;
}

gboolean
sng_json_node_unsigned (JsonNode *node, guint64 *value)
{
  gint64 number;

  if (json_node_get_node_type (node) != JSON_NODE_VALUE || json_node_get_value_type (node) != G_TYPE_INT64)
    return FALSE;

  number = json_node_get_int (node);
  *value = (guint64) number;

  return number >= 0;
}

gboolean
sng_json_get_unsigned (JsonObject *object, const char *name, guint64 *value)
{
  JsonNode *node = get_member (object, name, JSON_NODE_VALUE);

  return node != NULL && sng_json_node_unsigned (node, value);
}

void
sng_json_append_string (GString *text, const char *string)
{
  static const char letters[] = "btn?fr"; /* of the characters 8 to 13; 11 has none */

  g_string_append_c (text, '"');
  for (const char *p = string; *p != '\0'; p++)
    {
      guchar c = (guchar) *p;

      if (c == '"' || c == '\\')
        g_string_append_printf (text, "\\%c", c);
      else if (c >= 8 && c <= 13 && c != 11)
        g_string_append_printf (text, "\\%c", letters[c - 8]);
      else if (c < 0x20)
        g_string_append_printf (text, "\\u%04x", c);
      else
        g_string_append_c (text, *p);
    }
  g_string_append_c (text, '"');
}
