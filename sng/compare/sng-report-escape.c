/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "compare/sng-report-writer-private.h"

#include <string.h>

static gboolean
is_invisible (gunichar c)
{
  /* what Unicode has for no character at all */
  if ((c & 0xfffe) == 0xfffe)
    return TRUE;

  switch ((int) g_unichar_type (c))
    {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
      return TRUE;
    default:
      return FALSE;
    }
}

static void
append_escaped (GString *line, gunichar c)
{
  if (c == '\n')
    g_string_append (line, "\\n");
  else if (c == '\r')
    g_string_append (line, "\\r");
  else if (c == '\t')
    g_string_append (line, "\\t");
  else
    g_string_append_printf (line, c < 0x80 ? "\\x%02x" : "\\u%04x", c);
}

char *
sng_report_escape_line (const char *text, const char *special)
{
  g_autoptr (GString) line = g_string_new (NULL);

  while (*text != '\0')
    {
      gunichar c = g_utf8_get_char_validated (text, -1);

      if (c == (gunichar) -1 || c == (gunichar) -2)
        {
          g_string_append_printf (line, "\\x%02x", (guint8) *text);
          text++;
          continue;
        }

      if (is_invisible (c) || (special != NULL && c < 0x80 && strchr (special, (char) c) != NULL))
        append_escaped (line, c);
      else
        g_string_append_unichar (line, c);
      text = g_utf8_next_char (text);
    }

  return g_strdup (line->str);
}

/* The production Char of XML 1.0. */
static gboolean
is_xml (gunichar c)
{
  return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c != 0xfffe && c != 0xffff);
}

char *
sng_report_escape_xml (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  g_autoptr (GString) xml = g_string_new (NULL);

  for (const char *p = valid; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (c == '&')
        g_string_append (xml, "&amp;");
      else if (c == '<')
        g_string_append (xml, "&lt;");
      else if (c == '>')
        g_string_append (xml, "&gt;");
      else if (c == '"')
        g_string_append (xml, "&quot;");
      else if (c == '\'')
        g_string_append (xml, "&#39;");
      /* as they are, an attribute would make them spaces */
      else if (c == '\t' || c == '\n' || c == '\r')
        g_string_append_printf (xml, "&#%u;", c);
      else
        g_string_append_unichar (xml, is_xml (c) ? c : 0xfffd);
    }

  return g_strdup (xml->str);
}
