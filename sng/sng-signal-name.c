/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#define _GNU_SOURCE /* sigabbrev_np () */

#include "sng-signal-name-private.h"

#include <string.h>

char *
sng_signal_to_name (int signal_number)
{
  const char *name = sigabbrev_np (signal_number);

  return name != NULL ? g_strconcat ("SIG", name, NULL) : g_strdup_printf ("%d", signal_number);
}

gboolean
sng_signal_from_name (const char *name, int *signal_number)
{
  guint64 number;

  if (g_ascii_string_to_unsigned (name, 10, 1, SNG_N_SIGNALS - 1, &number, NULL))
    {
      *signal_number = (int) number;
      return TRUE;
    }

  if (g_ascii_strncasecmp (name, "SIG", strlen ("SIG")) == 0)
    name += strlen ("SIG");

  for (int i = 1; i < SNG_N_SIGNALS; i++)
    {
      const char *other = sigabbrev_np (i);

      if (other != NULL && g_ascii_strcasecmp (name, other) == 0)
        {
          *signal_number = i;
          return TRUE;
        }
    }

  return FALSE;
}
