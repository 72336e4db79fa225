/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "record/sng-number-private.h"

#include <math.h>
#include <string.h>

const char *
sng_number_print (char *buffer, double number)
{
  static const char *const formats[] = { "%.15g", "%.16g", "%.17g" };

  if (isnan (number))
    return strcpy (buffer, "nan");

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      g_ascii_formatd (buffer, SNG_NUMBER_BUFFER_SIZE, formats[i], number);
      if (g_ascii_strtod (buffer, NULL) == number)
        break;
    }

  return buffer;
}

guint64
sng_number_get_bits (double number)
{
  guint64 bits;

  memcpy (&bits, &number, sizeof bits);

  return bits;
}

double
sng_number_from_bits (guint64 bits)
{
  double number;

  memcpy (&number, &bits, sizeof number);

  return number;
}
