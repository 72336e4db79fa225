/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "state/sng-safetensors-header-private.h"

#include <math.h>
#include <string.h>

#include "state/sng-json-private.h"

/* Reads the JSON of a header as the format's reference implementation in Rust does, whose parser is serde_json: numbers of
 * 64 bits without a sign are exact, and members that nobody asked for are passed over. A generic parser does neither, and
 * takes several times as long for a header of many tensors.
 *
 * A name that is there twice is refused even where the other reader lets the last one win: there are readers that
 * take the first. */

#define MAX_DEPTH 127 /* of objects and arrays within each other; that of serde_json */

typedef struct
{
  const char *path;
  const char *text;
  const char *end;
  const char *at;
  SngSafetensorsHeader *header;
} Parser;

gboolean
sng_safetensors_refuse (GError **error,
                        SngError code,
                        const char *path,
                        const char *tensor,
                        const char *format,
                        ...)
{
  g_autofree char *what = NULL;
  va_list arguments;

  va_start (arguments, format);
  what = g_strdup_vprintf (format, arguments);
  va_end (arguments);

  if (tensor != NULL)
    g_set_error (error, SNG_ERROR, code, "[safetensors][load] %s: tensor '%s': %s", path, tensor, what);
  else
    g_set_error (error, SNG_ERROR, code, "[safetensors][load] %s: %s", path, what);

  return FALSE;
}

#define refuse_tensor(parser, error, tensor, ...)                                                            \
 sng_safetensors_refuse (error, SNG_ERROR_INVALID_DATA, (parser)->path, tensor, __VA_ARGS__)

static gboolean
refuse_text (Parser *self, GError **error, const char *what)
{
  gsize at = (gsize) (self->at - self->text);

  return sng_safetensors_refuse (error, SNG_ERROR_INVALID_DATA, self->path, NULL,
                                 "header: %s at byte %" G_GSIZE_FORMAT,
                                 self->at < self->end ? what : "the JSON object does not end", at);
}

static void
skip_space (Parser *self)
{
  while (self->at < self->end
         && (*self->at == ' ' || *self->at == '\t' || *self->at == '\n' || *self->at == '\r'))
    self->at++;
}

/* Steps over this character where it comes next. */
static gboolean
take (Parser *self, char character)
{
  skip_space (self);
  if (self->at == self->end || *self->at != character)
    return FALSE;

  self->at++;
  return TRUE;
}

/* Whether this character comes next. */
static gboolean
peek (Parser *self, char character)
{
  skip_space (self);
  return self->at < self->end && *self->at == character;
}

/* Between the members of an object or an array: FALSE at its end, and where something else comes, with an error. */
static gboolean
take_next (Parser *self, char close, gboolean *first, gboolean *failed, GError **error)
{
  if (take (self, close))
    return FALSE;
  if (!*first && !take (self, ','))
    {
      *failed = TRUE;
      return refuse_text (self, error, "not JSON");
    }

  *first = FALSE;
  return TRUE;
}

/* A string; NULL with an error. With a zero character in it, which no string in C can have, it is cut there and
 * *cut is TRUE. */
static char *
parse_string (Parser *self, gboolean *cut, GError **error)
{
  gsize n;
  char *string;

  skip_space (self);
  if (self->at == self->end || *self->at != '"')
    {
      refuse_text (self, error, "not JSON");
      return NULL;
    }
  if ((n = sng_json_scan_string (self->at, self->end, cut)) == 0)
    {
      sng_safetensors_refuse (error, SNG_ERROR_INVALID_DATA, self->path, NULL,
                              "header: a malformed JSON string at byte %" G_GSIZE_FORMAT,
                              (gsize) (self->at - self->text));
      return NULL;
    }

  string = sng_json_decode_string (self->at, n);
  self->at += n;

  return string;
}

/* The name of a member with the colon behind it. */
static char *
parse_name (Parser *self, gboolean *cut, GError **error)
{
  g_autofree char *name = parse_string (self, cut, error);

  if (name == NULL)
    return NULL;
  if (!take (self, ':'))
    {
      refuse_text (self, error, "not JSON");
      return NULL;
    }

  return g_steal_pointer (&name);
}

static gboolean
skip_number (Parser *self, GError **error)
{
  gsize n = sng_json_scan_number (self->at, self->end);
  g_autofree char *number = g_strndup (self->at, n);

  if (n == 0)
    return refuse_text (self, error, "a malformed number");
  if (isinf (g_ascii_strtod (number, NULL)))
    return refuse_text (self, error, "a number out of range");

  self->at += n;
  return TRUE;
}

/* Any value, which is checked and forgotten. The depth is that of what it is in. */
static gboolean
skip_value (Parser *self, guint depth, GError **error)
{
  gboolean first = TRUE, failed = FALSE, cut;
  gboolean object = peek (self, '{');
  gsize n;

  if (peek (self, '"'))
    {
      g_autofree char *string = parse_string (self, &cut, error);

      return string != NULL;
    }
  if (peek (self, '-') || (self->at < self->end && g_ascii_isdigit (*self->at)))
    return skip_number (self, error);
  if ((n = sng_json_scan_word (self->at, self->end)) > 0)
    {
      self->at += n;
      return TRUE;
    }
  if (!object && !peek (self, '['))
    return refuse_text (self, error, "not JSON");
  if (depth >= MAX_DEPTH)
    return refuse_text (self, error, "JSON nested too deep");

  self->at++;
  while (take_next (self, object ? '}' : ']', &first, &failed, error))
    {
      g_autofree char *name = object ? parse_name (self, &cut, error) : NULL;

      if ((object && name == NULL) || !skip_value (self, depth + 1, error))
        return FALSE;
    }

  return !failed;
}

/* A number that is an integer from 0 to 2^64 - 1 and written as one. */
static gboolean
parse_unsigned (Parser *self, guint64 *value)
{
  gsize n, n_digits = 0;

  skip_space (self);
  n = sng_json_scan_number (self->at, self->end);
  for (*value = 0; n_digits < n && g_ascii_isdigit (self->at[n_digits]); n_digits++)
    if (!g_uint64_checked_mul (value, *value, 10)
        || !g_uint64_checked_add (value, *value, (guint64) (self->at[n_digits] - '0')))
      return FALSE;

  self->at += n_digits;
  return n > 0 && n_digits == n;
}

static gboolean
parse_dtype (Parser *self, SngSafetensorsItem *item, GError **error)
{
  static const char *const parts_of_bytes[] = { "F4", "F6_E2M3", "F6_E3M2", NULL };
  g_autofree char *name = NULL;
  gboolean cut;

  if (!peek (self, '"'))
    return refuse_tensor (self, error, item->name, "dtype is not a string");
  if ((name = parse_string (self, &cut, error)) == NULL)
    return FALSE;
  if (!cut && sng_dtype_from_name (name, &item->dtype))
    return TRUE;
  if (cut || !g_strv_contains (parts_of_bytes, name))
    return refuse_tensor (self, error, item->name, "unknown dtype '%s'", name);

  return sng_safetensors_refuse (error, SNG_ERROR_NOT_SUPPORTED, self->path, item->name,
                                 "dtype '%s' is not supported: its elements do not fill whole bytes", name);
}

static gboolean
parse_shape (Parser *self, SngSafetensorsItem *item, GError **error)
{
  gboolean first = TRUE, failed = FALSE;
  guint64 size;

  item->first_dim = self->header->dims->len;
  if (!take (self, '['))
    return refuse_tensor (self, error, item->name, "shape is not an array");

  while (take_next (self, ']', &first, &failed, error))
    {
      if (!parse_unsigned (self, &size))
        return refuse_tensor (self, error, item->name,
                              "dimension %u of the shape is not a whole number from 0 to 2^64 - 1",
                              item->n_dims);
      g_array_append_val (self->header->dims, size);
      item->n_dims++;
    }

  return !failed;
}

static gboolean
parse_offsets (Parser *self, SngSafetensorsItem *item, GError **error)
{
  if (take (self, '[') && parse_unsigned (self, &item->begin) && take (self, ',')
      && parse_unsigned (self, &item->end) && take (self, ']'))
    return TRUE;

  return refuse_tensor (self, error, item->name, "data_offsets are not two whole numbers from 0 to 2^64 - 1");
}

/* What a tensor's description is made of. */
static const struct
{
  const char *name;
  gboolean (*parse) (Parser *self, SngSafetensorsItem *item, GError **error);
} members[] = {
  { "dtype", parse_dtype },
  { "shape", parse_shape },
  { "data_offsets", parse_offsets },
};

static gboolean
parse_member (Parser *self, SngSafetensorsItem *item, guint *seen, GError **error)
{
  gboolean cut;
  g_autofree char *name = parse_name (self, &cut, error);

  if (name == NULL)
    return FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (members); i++)
    if (!cut && g_str_equal (name, members[i].name))
      {
        if (*seen & 1u << i)
          return refuse_tensor (self, error, item->name, "'%s' is there twice", name);
        *seen |= 1u << i;
        return members[i].parse (self, item, error);
      }

  return skip_value (self, 2, error);
}

static gboolean
parse_description (Parser *self, SngSafetensorsItem *item, GError **error)
{
  gboolean first = TRUE, failed = FALSE;
  guint seen = 0;

  if (!take (self, '{'))
    return refuse_tensor (self, error, item->name, "is not described by an object");

  while (take_next (self, '}', &first, &failed, error))
    if (!parse_member (self, item, &seen, error))
      return FALSE;
  if (failed)
    return FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (members); i++)
    if ((seen & 1u << i) == 0)
      return refuse_tensor (self, error, item->name, "has no %s", members[i].name);

  return TRUE;
}

static gboolean
refuse_zero_character (Parser *self, GError **error)
{
  return sng_safetensors_refuse (error, SNG_ERROR_NOT_SUPPORTED, self->path, NULL,
                                 "header: a string with a zero character, before byte %" G_GSIZE_FORMAT
                                 ", is not supported",
                                 (gsize) (self->at - self->text));
}

static gboolean
add_metadata (Parser *self, GVariantBuilder *builder, GHashTable *keys, GError **error)
{
  gboolean cut_key = FALSE, cut = FALSE;
  g_autofree char *key = parse_name (self, &cut_key, error);
  g_autofree char *value = NULL;

  if (key == NULL)
    return FALSE;
  if (!peek (self, '"'))
    return refuse_tensor (self, error, NULL, "header: '%s' in '" SNG_SAFETENSORS_METADATA "' is not a string",
                          key);
  if ((value = parse_string (self, &cut, error)) == NULL)
    return FALSE;
  if (cut_key || cut)
    return refuse_zero_character (self, error);
  if (g_hash_table_contains (keys, key))
    return refuse_tensor (self, error, NULL, "header: '%s' in '" SNG_SAFETENSORS_METADATA "' is there twice",
                          key);

  g_variant_builder_add (builder, "{ss}", key, value);
  g_hash_table_add (keys, g_steal_pointer (&key));

  return TRUE;
}

static gboolean
parse_metadata (Parser *self, GError **error)
{
  g_autoptr (GHashTable) keys = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a{ss}"));
  gboolean first = TRUE, failed = FALSE;

  if (peek (self, 'n') && sng_json_scan_word (self->at, self->end) > 0)
    {
      self->at += strlen ("null");
      return TRUE;
    }
  if (!take (self, '{'))
    return refuse_tensor (self, error, NULL, "header: '" SNG_SAFETENSORS_METADATA "' is not an object");

  while (take_next (self, '}', &first, &failed, error))
    if (!add_metadata (self, &builder, keys, error))
      return FALSE;
  if (failed)
    return FALSE;

  self->header->metadata = g_variant_ref_sink (g_variant_builder_end (&builder));

  return TRUE;
}

/* Whether this can be the name of a tensor, and is not there yet. */
static gboolean
check_name (Parser *self, const char *name, gboolean cut, GHashTable *names, GError **error)
{
  if (cut)
    return refuse_zero_character (self, error);
  if (name[0] == '\0')
    return sng_safetensors_refuse (error, SNG_ERROR_NOT_SUPPORTED, self->path, NULL,
                                   "header: a tensor without a name is not supported");
  if (g_hash_table_contains (names, name))
    return refuse_tensor (self, error, NULL, "header: '%s' is there twice", name);

  return TRUE;
}

/* A tensor, or the metadata. The names belong to the items. */
static gboolean
parse_entry (Parser *self, GHashTable *names, GError **error)
{
  gboolean cut;
  g_autofree char *name = parse_name (self, &cut, error);
  SngSafetensorsItem *item;

  if (name == NULL || !check_name (self, name, cut, names, error))
    return FALSE;

  if (g_str_equal (name, SNG_SAFETENSORS_METADATA))
    {
      g_hash_table_add (names, (gpointer) SNG_SAFETENSORS_METADATA);
      return parse_metadata (self, error);
    }

  g_array_set_size (self->header->items, self->header->items->len + 1);
  item = &g_array_index (self->header->items, SngSafetensorsItem, self->header->items->len - 1);
  *item = (SngSafetensorsItem){ .name = g_steal_pointer (&name), .position = self->header->items->len - 1 };
  g_hash_table_add (names, item->name);

  return parse_description (self, item, error);
}

static void
clear_item (gpointer data)
{
  g_free (((SngSafetensorsItem *) data)->name);
}

void
sng_safetensors_header_free (SngSafetensorsHeader *self)
{
  g_array_unref (self->items);
  g_array_unref (self->dims);
  g_clear_pointer (&self->metadata, g_variant_unref);
  g_free (self);
}

SngSafetensorsHeader *
sng_safetensors_header_parse (const char *text, gsize length, const char *path, GError **error)
{
  g_autoptr (SngSafetensorsHeader) header = g_new0 (SngSafetensorsHeader, 1);
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);
  Parser parser = { path, text, text + length, text, header };
  gboolean first = TRUE, failed = FALSE;
  const char *wrong;

  header->items = g_array_new (FALSE, FALSE, sizeof (SngSafetensorsItem));
  g_array_set_clear_func (header->items, clear_item);
  header->dims = g_array_new (FALSE, FALSE, sizeof (guint64));

  if (!g_utf8_validate_len (text, length, &wrong))
    {
      parser.at = wrong;
      refuse_text (&parser, error, "not UTF-8 text");
      return NULL;
    }
  if (!take (&parser, '{'))
    {
      refuse_text (&parser, error, "not a JSON object");
      return NULL;
    }

  while (take_next (&parser, '}', &first, &failed, error))
    if (!parse_entry (&parser, names, error))
      return NULL;

  skip_space (&parser);
  if (!failed && parser.at < parser.end)
    failed = !refuse_text (&parser, error, "something follows the JSON object");

  return failed ? NULL : g_steal_pointer (&header);
}
