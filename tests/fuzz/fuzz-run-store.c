/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Bytes as the file of a run store: as they are, and with the digest of the rows that they hold. */

#include "fuzz.h"

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree char *path = fuzz_write ("input.db", data, size);

  if (!fuzz_look_at_store (path))
    {
      fuzz_reseal_store (path);
      fuzz_look_at_store (path);
    }
  /* SQLite makes these beside a file that says so. */
  fuzz_remove ("input.db-wal");
  fuzz_remove ("input.db-shm");
  fuzz_remove ("input.db-journal");

  return 0;
}
