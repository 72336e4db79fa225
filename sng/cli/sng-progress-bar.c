/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sng-progress-bar.h"

#include <glib/gi18n.h>
#include <inttypes.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define BAR_WIDTH 24
#define DEFAULT_COLUMNS 80
#define LONGEST_IN_SECONDS 120

struct _SngProgressBar
{
  gboolean is_shown;
  gint64 start;
};

SngProgressBar *
sng_progress_bar_new (void)
{
  SngProgressBar *self = g_new0 (SngProgressBar, 1);

  self->is_shown = isatty (STDERR_FILENO) && g_strcmp0 (g_getenv ("TERM"), "dumb") != 0;
  self->start = g_get_monotonic_time ();

  return self;
}

void
sng_progress_bar_free (SngProgressBar *self)
{
  sng_progress_bar_clear (self);
  g_free (self);
}

static glong
get_columns (void)
{
  struct winsize size;

  return ioctl (STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : DEFAULT_COLUMNS;
}

/* "", or how long the rest will take if it goes on like this. */
static char *
dup_estimate (SngProgressBar *self, guint64 done, guint64 total)
{
  gint64 elapsed = g_get_monotonic_time () - self->start;
  gint64 left;

  if (done == 0 || done >= total)
    return g_strdup ("");

  left = (gint64) ((double) elapsed / (double) done * (double) (total - done) / G_USEC_PER_SEC + 0.5);

  if (left > LONGEST_IN_SECONDS)
    return g_strdup_printf (_ (", about %" PRId64 " min left"), (left + 30) / 60);

  return g_strdup_printf (_ (", about %" PRId64 " s left"), left);
}

/* The start of the line that has room: a character of Chinese or Japanese takes two columns. */
static char *
dup_fitting (const char *line, glong n_columns)
{
  const char *end = line;

  for (; *end != '\0'; end = g_utf8_next_char (end))
    {
      n_columns -= g_unichar_iswide (g_utf8_get_char (end)) ? 2 : 1;
      if (n_columns < 0)
        break;
    }

  return g_strndup (line, (gsize) (end - line));
}

void
sng_progress_bar_update (SngProgressBar *self, const char *activity, guint64 done, guint64 total)
{
  char bar[BAR_WIDTH + 1];
  guint filled = total == 0 ? 0 : (guint) (MIN (done, total) * BAR_WIDTH / total);
  g_autofree char *estimate = NULL;
  g_autofree char *line = NULL;
  g_autofree char *fitting = NULL;

  if (!self->is_shown)
    return;

  for (guint i = 0; i < BAR_WIDTH; i++)
    bar[i] = i < filled ? '#' : '-';
  bar[BAR_WIDTH] = '\0';

  estimate = dup_estimate (self, done, total);
  line = g_strdup_printf ("[%s] %s%s", bar, activity, estimate);
  fitting = dup_fitting (line, get_columns () - 1);
  g_printerr ("\r\033[K%s", fitting);
}

void
sng_progress_bar_clear (SngProgressBar *self)
{
  if (self->is_shown)
    g_printerr ("\r\033[K");
}
