/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What all targets share. */

#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include <glib/gstdio.h>

#include "state/sng-state-io-private.h"

static guint n_taken;

/* What GLib does of itself is SIGTRAP, of which libFuzzer keeps no input. */
static void
log_cb (const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
  if ((level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING)) == 0)
    return;

  fprintf (stderr, "%s: %s\n", domain != NULL ? domain : "", message);
  abort ();
}

const char *
fuzz_get_directory (void)
{
  static char *directory;

  if (directory == NULL)
    {
      g_autoptr (GError) error = NULL;

      g_log_set_default_handler (log_cb, NULL);
      directory = g_dir_make_tmp ("sng-fuzz-XXXXXX", &error);
      g_assert_no_error (error);
    }

  return directory;
}

char *
fuzz_write (const char *name, gconstpointer data, gsize size)
{
  char *path = g_build_filename (fuzz_get_directory (), name, NULL);
  FILE *file;

  g_unlink (path);
  file = g_fopen (path, "wb");
  if (file == NULL || fwrite (size > 0 ? data : "", 1, size, file) != size || fclose (file) != 0)
    {
      perror (path);
      exit (2);
    }

  return path;
}

void
fuzz_remove (const char *name)
{
  g_autofree char *path = g_build_filename (fuzz_get_directory (), name, NULL);

  sng_state_io_remove (fuzz_get_storage (), path, NULL);
}

static gint64
passing_perform (SngStorage *self, const SngStorageCall *call)
{
  SngStorageCall passing = *call;

  passing.is_direct = FALSE;

  return call->verb == SNG_STORAGE_SYNC || call->verb == SNG_STORAGE_SYNC_DIRECTORY
             ? 0
             : sng_storage_perform (self->next, &passing);
}

SngStorage *
fuzz_get_storage (void)
{
  static SngStorage passing = { passing_perform, NULL };

  passing.next = sng_storage_get_posix ();

  return &passing;
}

void
fuzz_free_string (gpointer string)
{
  g_string_free (string, TRUE);
}

void
fuzz_assert_refused (GError *error)
{
  g_assert_nonnull (error);
  if (error->domain != SNG_ERROR || error->message[0] != '[' || !g_utf8_validate (error->message, -1, NULL))
    g_error ("not an error of libsng with a place: %s, \"%s\"", g_quark_to_string (error->domain),
             error->message);
}

void
fuzz_note_taken (void)
{
  n_taken++;
}

guint
fuzz_get_n_taken (void)
{
  return n_taken;
}
