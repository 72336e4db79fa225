/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "train/sng-fasta-file-private.h"

#include <string.h>

#include "sng-error.h"
#include "train/sng-esm2-alphabet-private.h"

/*
 * FASTA: a line that begins with ">" is a header, the lines up to the next one are its sequence. Empty lines, spaces at
 * the end of a line, either end of line and a byte-order mark are accepted, and so is one "*" at the end of a sequence,
 * the sign of a stop codon.
 */

typedef struct
{
  SngFastaFile *file;
  const char *name;
  guint line;

  guint header_line; /* of the sequence at work; 0: there was no header yet */
  gsize first;       /* where it begins in the tokens */
  guint stop_line;   /* where its "*" was; 0: there was none */
  guint stop_column;
} Parser;

static gboolean
fail (const Parser *parser, guint line, guint column, GError **error, const char *message)
{
  if (column > 0)
    g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA, "[fasta] %s:%u:%u: %s", parser->name, line, column,
                 message);
  else
    g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA, "[fasta] %s:%u: %s", parser->name, line, message);

  return FALSE;
}

static gboolean
fail_at_letter (const Parser *parser, guint column, char letter, GError **error)
{
  g_autofree char *message =
      g_ascii_isprint (letter)
          ? g_strdup_printf ("'%c' is no letter of the protein alphabet (" SNG_ESM2_LETTERS ")", letter)
          : g_strdup_printf ("the byte 0x%02x is no letter of the protein alphabet (" SNG_ESM2_LETTERS ")",
                             (guint8) letter);

  return fail (parser, parser->line, column, error, message);
}

static gboolean
end_sequence (Parser *parser, GError **error)
{
  gsize end = parser->file->tokens->len;

  if (parser->header_line == 0)
    return TRUE;

  if (end == parser->first)
    return fail (parser, parser->header_line, 0, error, "there is no sequence after this header");

  g_array_append_val (parser->file->ends, end);
  parser->first = end;
  parser->stop_line = 0;

  return TRUE;
}

static gboolean
parse_sequence_line (Parser *parser, const char *text, gsize length, GError **error)
{
  if (parser->header_line == 0)
    return fail (parser, parser->line, 0, error,
                 "a sequence without a header: expected is a line that begins with '>'");

  for (gsize i = 0; i < length; i++)
    {
      int token = sng_esm2_alphabet_look_up (text[i]);
      guint8 byte = (guint8) token;

      if (parser->stop_line != 0)
        return fail (parser, parser->stop_line, parser->stop_column, error,
                     "'*' may only be at the end of a sequence");

      if (text[i] == '*')
        {
          parser->stop_line = parser->line;
          parser->stop_column = (guint) i + 1;
          continue;
        }

      if (token < 0)
        return fail_at_letter (parser, (guint) i + 1, text[i], error);

      g_byte_array_append (parser->file->tokens, &byte, 1);
    }

  return TRUE;
}

static gboolean
parse_line (Parser *parser, const char *text, gsize length, GError **error)
{
  while (length > 0 && g_ascii_isspace (text[length - 1]))
    length--;

  if (length == 0)
    return TRUE;

  if (text[0] != '>')
    return parse_sequence_line (parser, text, length, error);

  if (!end_sequence (parser, error))
    return FALSE;

  parser->header_line = parser->line;

  return TRUE;
}

SngFastaFile *
sng_fasta_file_parse (GBytes *bytes, const char *name, GError **error)
{
  g_autoptr (SngFastaFile) self = g_new0 (SngFastaFile, 1);
  Parser parser = { .file = self, .name = name };
  gsize size;
  const char *text = g_bytes_get_data (bytes, &size);
  const char *end = text + size;

  /* GByteArray counts with 32 bits. */
  if (size > G_MAXINT)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED, "[fasta] %s: the file is larger than 2 GiB",
                   name);
      return NULL;
    }

  self->tokens = g_byte_array_new ();
  self->ends = g_array_new (FALSE, FALSE, sizeof (gsize));

  if (size >= 3 && memcmp (text, "\xef\xbb\xbf", 3) == 0)
    text += 3;

  while (text < end)
    {
      const char *line_end = memchr (text, '\n', (gsize) (end - text));

      if (line_end == NULL)
        line_end = end;

      parser.line++;

      if (!parse_line (&parser, text, (gsize) (line_end - text), error))
        return NULL;

      text = line_end < end ? line_end + 1 : end;
    }

  if (!end_sequence (&parser, error))
    return NULL;

  if (self->ends->len == 0)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA, "[fasta] %s: there is no sequence in this file",
                   name);
      return NULL;
    }

  return g_steal_pointer (&self);
}

void
sng_fasta_file_free (SngFastaFile *self)
{
  if (self == NULL)
    return;

  g_clear_pointer (&self->tokens, g_byte_array_unref);
  g_clear_pointer (&self->ends, g_array_unref);
  g_free (self);
}

gsize
sng_fasta_file_get_n (SngFastaFile *self)
{
  return self->ends->len;
}

const guint8 *
sng_fasta_file_get_sequence (SngFastaFile *self, gsize index, gsize *length)
{
  gsize first = index > 0 ? g_array_index (self->ends, gsize, index - 1) : 0;

  *length = g_array_index (self->ends, gsize, index) - first;

  return self->tokens->data + first;
}
