/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What whoever waits for a run has to do in any case. */

#include "harness/sng-child-private.h"

#include <string.h>

/* How much of it an error quotes. */
#define MAX_OUTPUT_LINES 20
#define MAX_OUTPUT_BYTES 4096

char *
sng_child_dup_output_path (const char *directory)
{
  return g_build_filename (directory, "output.log", NULL);
}

char *
sng_child_dup_output_tail (const char *directory)
{
  g_autofree char *path = sng_child_dup_output_path (directory);
  g_autofree char *text = NULL;
  g_autofree char *valid = NULL;
  gsize length = 0;
  const char *start;
  guint n_lines = 0;

  if (!g_file_get_contents (path, &text, &length, NULL))
    return g_strdup ("");

  start = text + length - MIN (length, MAX_OUTPUT_BYTES);
  valid = g_utf8_make_valid (start, -1);
  g_strchomp (valid);
  if (*valid == '\0')
    return g_strdup ("");

  start = valid + strlen (valid);
  while (start > valid && (start[-1] != '\n' || ++n_lines < MAX_OUTPUT_LINES))
    start--;

  return g_strdup_printf ("; it printed at last:\n%s", start);
}

/* An exception in Python is printed, and known to nobody else. */
void
sng_child_add_output_tail (const char *directory, GError *error)
{
  g_autofree char *tail = sng_child_dup_output_tail (directory);
  g_autofree char *message = g_steal_pointer (&error->message);

  error->message = g_strconcat (message, tail, NULL);
}

void
sng_child_destroy_source (GSource **source)
{
  if (*source != NULL)
    {
      g_source_destroy (*source);
      g_clear_pointer (source, g_source_unref);
    }
}
