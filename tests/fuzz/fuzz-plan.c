/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Bytes as plan.json and report.json of a run directory: the text before the first zero byte, and what comes after it. */

#include "fuzz.h"

#include <string.h>

#include <glib/gstdio.h>

#define PLAN                                                                                                 \
 "{\"steps\": 20, \"stops\": \"7\", \"seed\": 1, \"settings\": {\"precision\": \"32\"}, \"environment\": "   \
 "{\"a\": 1}}"

static char *
make_run (const char *name)
{
  char *run = g_build_filename (fuzz_get_directory (), name, NULL);
  g_autofree char *mode = g_build_filename (run, "continuous", NULL);
  g_autofree char *store = g_build_filename (mode, "rank-00000.db", NULL);

  g_assert_cmpint (g_mkdir_with_parents (mode, 0700), ==, 0);
  fuzz_make_run_store (store);

  return run;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  static char *run, *other;
  const guint8 *zero = size > 0 ? memchr (data, 0, size) : NULL;
  gsize length = zero != NULL ? (gsize) (zero - data) : size;

  if (run == NULL)
    {
      run = make_run ("run");
      other = make_run ("other");
      g_free (fuzz_write ("other/plan.json", PLAN, strlen (PLAN)));
    }

  g_free (fuzz_write ("run/plan.json", data, length));
  fuzz_remove ("run/report.json");
  if (zero != NULL)
    g_free (fuzz_write ("run/report.json", zero + 1, size - length - 1));

  if (fuzz_run_show (run))
    fuzz_note_taken ();
  fuzz_run_diff (run, other);
  fuzz_run_diff (other, run);

  return 0;
}
