/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "record/sng-file-contents-private.h"

#include <math.h>
#include <string.h>

#include "sng-error.h"
#include "state/sng-json-private.h"

/* Any JSON document (RFC 8259), with the NaN and Infinity that Python writes. The scanners are those of the manifests; json-glib
 * would round or refuse integers beyond 64 bits, which the states of random number generators are made of. */

#define MAX_DEPTH 100

typedef enum
{
  KIND_OBJECT,
  KIND_ARRAY,
  KIND_STRING,
  KIND_INTEGER,
  KIND_FLOAT,
  KIND_WORD
} Kind;

typedef struct _Node Node;

struct _Node
{
  Kind kind;
  const char *text; /* of a leaf: in the document */
  gsize length;
  char *name;          /* of a member: decoded */
  GPtrArray *children; /* members are in the order of their names */
  gsize n_leaves;      /* below it, or 1 */
};

typedef struct
{
  const char *start;
  const char *at;
  const char *end;
} Parser;

static void
node_free (gpointer data)
{
  Node *node = data;

  g_free (node->name);
  g_clear_pointer (&node->children, g_ptr_array_unref);
  g_free (node);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Node, node_free)

static gpointer
refuse (Parser *self, const char *what, GError **error)
{
  g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA, "not JSON: %s at byte %" G_GSIZE_FORMAT, what,
               (gsize) (self->at - self->start));
  return NULL;
}

static void
skip_space (Parser *self)
{
  while (self->at < self->end
         && (*self->at == ' ' || *self->at == '\t' || *self->at == '\n' || *self->at == '\r'))
    self->at++;
}

static gboolean
take (Parser *self, char character)
{
  skip_space (self);
  if (self->at == self->end || *self->at != character)
    return FALSE;

  self->at++;
  return TRUE;
}

/* ---- Parsing ---- */

static gsize
scan_number (const char *text, const char *end)
{
  static const char *const words[] = { "NaN", "Infinity", "-Infinity" };

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    if ((gsize) (end - text) >= strlen (words[i]) && memcmp (text, words[i], strlen (words[i])) == 0)
      return strlen (words[i]);

  return sng_json_scan_number (text, end);
}

static Kind
get_number_kind (const char *text, gsize length)
{
  for (gsize i = 0; i < length; i++)
    if (text[i] != '-' && !g_ascii_isdigit (text[i]))
      return KIND_FLOAT;

  return KIND_INTEGER;
}

static Node *
parse_leaf (Parser *self, GError **error)
{
  g_autoptr (Node) node = g_new0 (Node, 1);
  gboolean has_zero = FALSE;

  node->text = self->at;
  node->n_leaves = 1;
  if (self->at < self->end && *self->at == '"')
    {
      node->kind = KIND_STRING;
      node->length = sng_json_scan_string (self->at, self->end, &has_zero);
    }
  else if ((node->length = sng_json_scan_word (self->at, self->end)) > 0)
    node->kind = KIND_WORD;
  else
    {
      node->length = scan_number (self->at, self->end);
      node->kind = get_number_kind (self->at, node->length);
    }

  if (node->length == 0)
    return refuse (self, self->at == self->end ? "it ends" : "no value", error);
  if (has_zero)
    return refuse (self, "a string with a zero character, which is not read,", error);

  self->at += node->length;
  return g_steal_pointer (&node);
}

static Node *parse_value (Parser *self, guint depth, GError **error);

/* A value, of an object with its name before it. */
static Node *
parse_child (Parser *self, Kind kind, guint depth, GError **error)
{
  g_autofree char *name = NULL;
  g_autoptr (Node) node = NULL;

  if (kind == KIND_OBJECT)
    {
      gboolean has_zero = FALSE;
      gsize n;

      skip_space (self);
      n = self->at < self->end && *self->at == '"' ? sng_json_scan_string (self->at, self->end, &has_zero)
                                                   : 0;
      if (n == 0 || has_zero)
        return refuse (self, "no name of a member", error);
      name = sng_json_decode_string (self->at, n);
      self->at += n;
      if (!take (self, ':'))
        return refuse (self, "no colon", error);
    }

  if ((node = parse_value (self, depth, error)) == NULL)
    return NULL;
  node->name = g_steal_pointer (&name);

  return g_steal_pointer (&node);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp ((*(const Node *const *) a)->name, (*(const Node *const *) b)->name);
}

/* Which of two members of one name counts, readers do not agree about. */
static gboolean
sort_members (Parser *self, Node *node, GError **error)
{
  g_ptr_array_sort (node->children, compare_names);
  for (guint i = 1; i < node->children->len; i++)
    if (compare_names (&node->children->pdata[i - 1], &node->children->pdata[i]) == 0)
      {
        g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA,
                     "not JSON: '%s' is twice in the object before byte %" G_GSIZE_FORMAT,
                     ((Node *) node->children->pdata[i])->name, (gsize) (self->at - self->start));
        return FALSE;
      }

  return TRUE;
}

static Node *
parse_container (Parser *self, Kind kind, guint depth, GError **error)
{
  g_autoptr (Node) node = g_new0 (Node, 1);
  char close = kind == KIND_OBJECT ? '}' : ']';

  if (depth == MAX_DEPTH)
    return refuse (self, "nested too deep", error);

  node->kind = kind;
  node->children = g_ptr_array_new_with_free_func (node_free);
  if (take (self, close))
    {
      node->n_leaves = 1; /* that it is empty is content, too */
      return g_steal_pointer (&node);
    }

  do
    {
      Node *child = parse_child (self, kind, depth + 1, error);

      if (child == NULL)
        return NULL;
      g_ptr_array_add (node->children, child);
      node->n_leaves += child->n_leaves;
    }
  while (take (self, ','));

  if (!take (self, close))
    return refuse (self, self->at == self->end ? "it ends" : "no comma", error);
  if (kind == KIND_OBJECT && !sort_members (self, node, error))
    return NULL;

  return g_steal_pointer (&node);
}

static Node *
parse_value (Parser *self, guint depth, GError **error)
{
  if (take (self, '{'))
    return parse_container (self, KIND_OBJECT, depth, error);
  if (take (self, '['))
    return parse_container (self, KIND_ARRAY, depth, error);

  return parse_leaf (self, error);
}

/* ---- Contents ---- */

static double
get_double (const Node *node)
{
  g_autofree char *text = g_strndup (node->text, node->length);

  if (g_str_equal (text, "NaN"))
    return NAN;
  if (strstr (text, "Infinity") != NULL)
    return text[0] == '-' ? -INFINITY : INFINITY;

  return g_ascii_strtod (text, NULL);
}

static GVariant *
get_value (const Node *node)
{
  g_autofree char *string = NULL;

  switch (node->kind)
    {
    case KIND_STRING:
      string = sng_json_decode_string (node->text, node->length);
      return g_variant_new_string (string);
    case KIND_INTEGER:
      return sng_file_contents_integer (node->text, node->length);
    case KIND_FLOAT:
      return g_variant_new_double (get_double (node));
    case KIND_WORD:
      return node->text[0] == 'n' ? g_variant_new_maybe (G_VARIANT_TYPE_STRING, NULL)
                                  : g_variant_new_boolean (node->text[0] == 't');
    case KIND_OBJECT:
      return g_variant_new_array (G_VARIANT_TYPE ("{sv}"), NULL, 0);
    case KIND_ARRAY:
    default:
      return g_variant_new_array (G_VARIANT_TYPE_VARIANT, NULL, 0);
    }
}

/* The path of a child. What would read like another one, such as a name with a dot, or of digits only, which the place in an array
 * looks like, is quoted: a["b.c"]. */
static char *
make_path (const char *parent, const Node *child, guint place)
{
  g_autoptr (GString) quoted = NULL;
  const char *name = child->name;

  if (name == NULL)
    return *parent != '\0' ? g_strdup_printf ("%s.%u", parent, place) : g_strdup_printf ("%u", place);
  if (*name != '\0' && strpbrk (name, ".[]\"") == NULL && strspn (name, "0123456789") < strlen (name))
    return *parent != '\0' ? g_strdup_printf ("%s.%s", parent, name) : g_strdup (name);

  quoted = g_string_new (parent);
  g_string_append_c (quoted, '[');
  sng_json_append_string (quoted, name);
  g_string_append_c (quoted, ']');

  return g_string_free (g_steal_pointer (&quoted), FALSE);
}

/* The same text for the same content: numbers and strings in one form, members in the order of their names. */
static void
append_text (GString *text, const Node *node)
{
  if (node->children == NULL || node->children->len == 0)
    {
      g_autoptr (GVariant) value = g_variant_ref_sink (get_value (node));
      guint64 bits;
      double number;

      if (node->kind == KIND_STRING)
        sng_json_append_string (text, g_variant_get_string (value, NULL));
      else if (node->kind == KIND_FLOAT)
        {
          number = g_variant_get_double (value);
          memcpy (&bits, &number, sizeof bits);
          g_string_append_printf (text, "%016" G_GINT64_MODIFIER "x", bits);
        }
      else if (node->kind == KIND_INTEGER || node->kind == KIND_WORD)
        g_string_append_len (text, node->text, (gssize) node->length);
      else
        g_string_append (text, node->kind == KIND_OBJECT ? "{}" : "[]");
      return;
    }

  g_string_append_c (text, node->kind == KIND_OBJECT ? '{' : '[');
  for (guint i = 0; i < node->children->len; i++)
    {
      const Node *child = node->children->pdata[i];

      if (i > 0)
        g_string_append_c (text, ',');
      if (child->name != NULL)
        {
          sng_json_append_string (text, child->name);
          g_string_append_c (text, ':');
        }
      append_text (text, child);
    }
  g_string_append_c (text, node->kind == KIND_OBJECT ? '}' : ']');
}

/* The elements of an array that are all 64-bit integers, or all floats; else NULL. */
static GBytes *
get_numbers (const Node *node, SngDtype *dtype)
{
  Kind kind = ((const Node *) node->children->pdata[0])->kind;
  const GVariantType *type = kind == KIND_INTEGER ? G_VARIANT_TYPE_INT64 : G_VARIANT_TYPE_DOUBLE;
  g_autoptr (GByteArray) numbers = g_byte_array_new ();

  if (node->kind != KIND_ARRAY || (kind != KIND_INTEGER && kind != KIND_FLOAT))
    return NULL;

  for (guint i = 0; i < node->children->len; i++)
    {
      const Node *child = node->children->pdata[i];
      g_autoptr (GVariant) value = child->kind == kind ? g_variant_ref_sink (get_value (child)) : NULL;

      if (value == NULL || !g_variant_is_of_type (value, type))
        return NULL;
      g_byte_array_append (numbers, g_variant_get_data (value), sizeof (gint64));
    }

  *dtype = kind == KIND_INTEGER ? SNG_DTYPE_I64 : SNG_DTYPE_F64;
  return g_byte_array_free_to_bytes (g_steal_pointer (&numbers));
}

static void
add_tensor (GPtrArray *found, const Node *node, const char *path)
{
  SngDtype dtype = SNG_DTYPE_U8;
  g_autoptr (GBytes) bytes = get_numbers (node, &dtype);

  if (bytes == NULL)
    {
      GString *text = g_string_new (NULL);

      append_text (text, node);
      bytes = g_string_free_to_bytes (text);
    }

  sng_file_contents_add_bytes (found, path, dtype, bytes);
}

/* With at most @budget entries, which is at least 1. Where the leaves are more, each child gets its share of them; where the children
 * are more, they are one tensor: of the numbers of an array, or of a text. */
static void
add_node (GPtrArray *found, const Node *node, const char *path, gsize budget)
{
  gsize n_children = node->children != NULL ? node->children->len : 0;
  gsize share = node->n_leaves <= budget ? budget : budget / MAX (n_children, 1);

  if (n_children == 0)
    {
      sng_file_contents_add_value (found, path, get_value (node));
      return;
    }
  if (n_children > budget)
    {
      add_tensor (found, node, path);
      return;
    }

  for (guint i = 0; i < n_children; i++)
    {
      const Node *child = node->children->pdata[i];
      g_autofree char *child_path = make_path (path, child, i);

      add_node (found, child, child_path, share);
    }
}

GPtrArray *
sng_json_records_read (GBytes *contents, GError **error)
{
  g_autoptr (GPtrArray) found = sng_file_contents_new ();
  g_autoptr (Node) root = NULL;
  gsize size;
  const char *data = g_bytes_get_data (contents, &size);
  const char *text = data != NULL ? data : "";
  Parser parser = { text, text, text + size };

  if (!g_utf8_validate_len (text, size, &parser.at))
    return refuse (&parser, "no UTF-8 text, or a zero byte,", error);
  parser.at = text;

  if ((root = parse_value (&parser, 0, error)) == NULL)
    return NULL;
  skip_space (&parser);
  if (parser.at < parser.end)
    return refuse (&parser, "something follows", error);

  add_node (found, root, "", SNG_FILE_CONTENTS_MAX_ENTRIES);

  return g_steal_pointer (&found);
}
