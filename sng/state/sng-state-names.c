/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "state/sng-state-names-private.h"

#include <string.h>

#include "sng-error.h"

#define SUFFIX ".safetensors"
#define MAX_FILE_LENGTH 255 /* bytes, NAME_MAX of every file system that matters */
#define MAX_LISTED 8        /* names in one message */

/* Those of names that are not among others: "'a', 'b' and 3 more", or NULL where there are none. */
static char *
list_absent (char **names, char **others)
{
  g_autoptr (GHashTable) index = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GString) text = g_string_new (NULL);
  guint n_absent = 0;

  for (guint i = 0; others[i] != NULL; i++)
    g_hash_table_add (index, others[i]);

  for (guint i = 0; names[i] != NULL; i++)
    {
      if (g_hash_table_contains (index, names[i]))
        continue;
      if (n_absent++ < MAX_LISTED)
        g_string_append_printf (text, "%s'%s'", n_absent > 1 ? ", " : "", names[i]);
    }

  if (n_absent == 0)
    return NULL;
  if (n_absent > MAX_LISTED)
    g_string_append_printf (text, " and %u more", n_absent - MAX_LISTED);

  return g_string_free (g_steal_pointer (&text), FALSE);
}

gboolean
sng_state_names_check_equal (char **names, char **expected, const char *place, GError **error)
{
  g_autofree char *missing = list_absent (expected, names);
  g_autofree char *unexpected = list_absent (names, expected);

  if (missing == NULL && unexpected == NULL)
    return TRUE;

  if (unexpected == NULL)
    g_set_error (error, SNG_ERROR, SNG_ERROR_MISMATCH, "%s missing: %s", place, missing);
  else if (missing == NULL)
    g_set_error (error, SNG_ERROR, SNG_ERROR_MISMATCH, "%s unexpected: %s", place, unexpected);
  else
    g_set_error (error, SNG_ERROR, SNG_ERROR_MISMATCH, "%s missing: %s; unexpected: %s", place, missing,
                 unexpected);

  return FALSE;
}

gboolean
sng_state_name_check (const char *name, GError **error)
{
  g_autofree char *file = NULL;

  if (name[0] == '\0')
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT, "[state][name] a name must not be empty");
      return FALSE;
    }

  if (!g_utf8_validate (name, -1, NULL))
    {
      g_autofree char *shown = g_strescape (name, NULL);

      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT, "[state][name] '%s' is not UTF-8", shown);
      return FALSE;
    }

  for (const char *p = name; *p != '\0'; p = g_utf8_next_char (p))
    if (g_unichar_iscntrl (g_utf8_get_char (p)))
      {
        g_autofree char *shown = g_strescape (name, NULL);

        g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                     "[state][name] '%s' has a control character", shown);
        return FALSE;
      }

  file = sng_state_name_to_file (name);
  if (strlen (file) > MAX_FILE_LENGTH)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "[state][name] '%s' is too long: its file name would have %" G_GSIZE_FORMAT
                   " bytes, the limit is %d",
                   name, strlen (file), MAX_FILE_LENGTH);
      return FALSE;
    }

  return TRUE;
}

char *
sng_state_name_to_file (const char *name)
{
  GString *file = g_string_new (NULL);

  for (const char *p = name; *p != '\0'; p++)
    {
      if (*p == '/' || *p == '%' || (*p == '.' && p == name))
        g_string_append_printf (file, "%%%02X", (guint) *p);
      else
        g_string_append_c (file, *p);
    }
  g_string_append (file, SUFFIX);

  return g_string_free (file, FALSE);
}

GBytes *
sng_state_value_to_bytes (GVariant *value)
{
  g_autoptr (GVariant) normal = g_variant_get_normal_form (value);

#if G_BYTE_ORDER == G_BIG_ENDIAN
  g_autoptr (GVariant) swapped = g_variant_byteswap (normal);

  return g_variant_get_data_as_bytes (swapped);
#else
  return g_variant_get_data_as_bytes (normal);
#endif
}

GVariant *
sng_state_value_from_bytes (const char *type, GBytes *bytes, GError **error)
{
  g_autoptr (GVariant) value = NULL;

  if (!g_variant_type_string_is_valid (type) || !g_variant_type_is_definite ((const GVariantType *) type))
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA, "[state][value] '%s' is not the type of a value",
                   type);
      return NULL;
    }

  value = g_variant_ref_sink (g_variant_new_from_bytes ((const GVariantType *) type, bytes, FALSE));
  if (!g_variant_is_normal_form (value))
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA,
                   "[state][value] %" G_GSIZE_FORMAT " bytes are not a value of type '%s'",
                   g_bytes_get_size (bytes), type);
      return NULL;
    }

#if G_BYTE_ORDER == G_BIG_ENDIAN
  return g_variant_byteswap (value);
#else
  return g_steal_pointer (&value);
#endif
}
