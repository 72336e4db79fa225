/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "train/sng-esm2-alphabet-private.h"

#include <string.h>

int
sng_esm2_alphabet_look_up (char letter)
{
  const char *found = letter != '\0' ? strchr (SNG_ESM2_LETTERS, g_ascii_toupper (letter)) : NULL;

  return found != NULL ? SNG_ESM2_FIRST_RESIDUE + (int) (found - SNG_ESM2_LETTERS) : -1;
}
