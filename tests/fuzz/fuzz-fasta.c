/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Bytes as a FASTA file, which may be compressed. */

#include "fuzz.h"

#include "train/sng-fasta-file-private.h"
#include "train/sng-input-file-private.h"

#define N_TOKENS 33 /* of ESM-2's alphabet */

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree char *path = fuzz_write ("input.fasta", data, size);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) text = sng_input_file_read (path, "[fasta]", &error);
  g_autoptr (SngFastaFile) file = NULL;
  gsize n_tokens = 0;

  if (text != NULL)
    file = sng_fasta_file_parse (text, path, &error);
  if (file == NULL)
    {
      fuzz_assert_refused (error);
      return 0;
    }

  g_assert_no_error (error);
  fuzz_note_taken ();
  g_assert_cmpuint (sng_fasta_file_get_n (file), >, 0);
  for (gsize i = 0; i < sng_fasta_file_get_n (file); i++)
    {
      gsize length;
      const guint8 *sequence = sng_fasta_file_get_sequence (file, i, &length);

      g_assert_cmpuint (length, >, 0);
      for (gsize j = 0; j < length; j++)
        g_assert_cmpuint (sequence[j], <, N_TOKENS);
      n_tokens += length;
    }
  g_assert_cmpuint (n_tokens, <, g_bytes_get_size (text));

  return 0;
}
