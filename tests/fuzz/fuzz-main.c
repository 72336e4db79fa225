/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* In place of libFuzzer: runs the files of a corpus, and what libsng itself makes, through a target, a case each. */

#include "fuzz.h"

#include <string.h>

#include "state/sng-state-io-private.h"

static void
test_input (gconstpointer data)
{
  g_autofree char *contents = NULL;
  g_autoptr (GError) error = NULL;
  gsize size;

  g_file_get_contents (data, &contents, &size, &error);
  g_assert_no_error (error);

  /* A copy of exactly this size, so that a sanitizer sees what is read beyond its end. */
  if (size > 0)
    {
      g_autofree guint8 *copy = g_memdup2 (contents, size);

      LLVMFuzzerTestOneInput (copy, size);
    }
  else
    LLVMFuzzerTestOneInput ((const guint8 *) "", 0);
}

/* Runs last. */
static void
test_taken (void)
{
  g_test_message ("%u inputs were taken", fuzz_get_n_taken ());
  g_assert_cmpuint (fuzz_get_n_taken (), >, 0);
}

static void
add_inputs (GPtrArray *paths, const char *directory, const char *target)
{
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) names = sng_state_io_list (directory, &error);

  g_assert_no_error (error);
  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autofree char *case_path = g_strdup_printf ("/sng/fuzz/%s/%s", target, names[i]);

      g_ptr_array_add (paths, g_build_filename (directory, names[i], NULL));
      g_test_add_data_func (case_path, paths->pdata[paths->len - 1], test_input);
    }
}

static char *
make_seeds (const char *target)
{
  g_autofree char *all = g_build_filename (fuzz_get_directory (), "seeds", NULL);
  char *arguments[] = { (char *) g_getenv ("SNG_FUZZ_SEEDS"), all, NULL };
  g_autoptr (GError) error = NULL;
  int status = 0;

  g_assert_nonnull (arguments[0]);
  g_spawn_sync (NULL, arguments, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL, &status, &error);
  g_assert_no_error (error);
  g_assert_cmpint (status, ==, 0);

  return g_build_filename (all, target, NULL);
}

int
main (int argc, char **argv)
{
  const char *target = g_getenv ("SNG_FUZZ_TARGET");
  g_autofree char *corpus = NULL;
  g_autofree char *seeds = NULL;
  g_autofree char *last = g_strdup_printf ("/sng/fuzz/%s/taken", target);
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  int status;

  g_test_init (&argc, &argv, NULL);
  g_assert_nonnull (target);

  corpus = g_test_build_filename (G_TEST_DIST, "fuzz", "corpus", target, NULL);
  add_inputs (paths, corpus, target);
  seeds = make_seeds (target);
  add_inputs (paths, seeds, target);
  g_test_add_func (last, test_taken);

  status = g_test_run ();
  sng_state_io_remove (fuzz_get_storage (), fuzz_get_directory (), NULL);

  return status;
}
