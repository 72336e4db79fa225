/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sng-report-options.h"

#include <glib/gstdio.h>
#include <unistd.h>

#include "sng-cli-private.h"

GOptionEntry *
sng_report_options_get_entries (SngReportOptions *self)
{
  const GOptionEntry entries[] = {
    { "output", 0, 0, G_OPTION_ARG_FILENAME, &self->output,
      N_ ("keep the runs in this new or empty directory"), N_ ("DIR") },
    { "json", 0, 0, G_OPTION_ARG_NONE, &self->json, N_ ("print only the report, as JSON"), NULL },
    { "tap", 0, 0, G_OPTION_ARG_NONE, &self->tap, N_ ("print only the report, as TAP"), NULL },
    { "html", 0, 0, G_OPTION_ARG_FILENAME, &self->html, N_ ("write the report as a page for a browser"),
      N_ ("FILE") },
    { "junit", 0, 0, G_OPTION_ARG_FILENAME, &self->junit, N_ ("write the report as JUnit XML"), N_ ("FILE") },
    { NULL },
  };

  return g_memdup2 (entries, sizeof entries);
}

/* GLib takes a relative path for one below / where the current directory was removed. */
static gboolean
is_nowhere (const char *path)
{
  g_autofree char *current = getcwd (NULL, 0);

  return current == NULL && !g_path_is_absolute (path);
}

/* A child finds the directory as the parent has made it. */
static gboolean
check_output (const char *output)
{
  g_autoptr (GDir) dir = NULL;
  g_autoptr (GError) error = NULL;

  if (output != NULL && *output == '\0')
    {
      sng_cli_fail (_ ("--output: the name of the directory is empty"));
      return FALSE;
    }

  if (output != NULL && is_nowhere (output))
    {
      sng_cli_fail (_ ("--output %s: the current directory does not exist any more"), output);
      return FALSE;
    }

  if (output == NULL || sng_harness_is_child () || !g_file_test (output, G_FILE_TEST_EXISTS))
    return TRUE;

  dir = g_dir_open (output, 0, &error);
  if (dir == NULL)
    {
      sng_cli_fail ("--output: %s", error->message);
      return FALSE;
    }

  if (g_dir_read_name (dir) != NULL)
    {
      sng_cli_fail (_ ("--output: the directory %s is not empty"), output);
      return FALSE;
    }

  return TRUE;
}

/* A report that cannot be written is better told of before a long run. */
static gboolean
check_file (const char *name, const char *path)
{
  g_autofree char *directory = path != NULL ? g_path_get_dirname (path) : NULL;

  if (path == NULL)
    return TRUE;

  if (*path == '\0' || g_file_test (path, G_FILE_TEST_IS_DIR))
    sng_cli_fail (_ ("--%s \"%s\": this is no name of a file"), name, path);
  else if (!g_file_test (directory, G_FILE_TEST_IS_DIR) || g_access (directory, W_OK) != 0)
    sng_cli_fail (_ ("--%s %s: nothing can be written in the directory %s"), name, path, directory);
  else
    return TRUE;

  return FALSE;
}

gboolean
sng_report_options_check (const SngReportOptions *self)
{
  if (self->json && self->tap)
    {
      sng_cli_fail (_ ("%s and %s: only one of them can be had"), "--json", "--tap");
      return FALSE;
    }

  return check_output (self->output) && check_file ("html", self->html) && check_file ("junit", self->junit);
}

void
sng_report_options_apply (const SngReportOptions *self, SngHarness *harness)
{
  g_autofree char *path = self->output != NULL ? g_canonicalize_filename (self->output, NULL) : NULL;
  g_autofree char *parent = path != NULL ? g_path_get_dirname (path) : NULL;
  g_autofree char *name = path != NULL ? g_path_get_basename (path) : NULL;

  /* The run directory is the one that was named. */
  if (path != NULL)
    g_object_set (harness, "root-dir", parent, "exp-name", name, NULL);
}

static char *
format_report (const SngReportOptions *self, SngReport *report)
{
  if (self->json)
    return sng_report_to_json (report);
  if (self->tap)
    return sng_report_to_tap (report);

  return sng_report_to_text (report);
}

static gboolean
save_report (SngReport *report, const char *path, SngReportFormat format)
{
  g_autoptr (GError) error = NULL;

  if (path == NULL || sng_report_save (report, path, format, &error))
    return TRUE;

  sng_cli_fail ("%s", error->message);

  return FALSE;
}

int
sng_report_options_print (const SngReportOptions *self, SngReport *report)
{
  g_autofree char *text = format_report (self, report);

  g_print ("%s%s", text, g_str_has_suffix (text, "\n") ? "" : "\n");

  if (!save_report (report, self->html, SNG_REPORT_FORMAT_HTML)
      || !save_report (report, self->junit, SNG_REPORT_FORMAT_JUNIT))
    return SNG_EXIT_ERROR;

  switch (sng_report_get_verdict (report))
    {
    case SNG_VERDICT_PASS:
      return SNG_EXIT_PASS;
    case SNG_VERDICT_DIVERGED:
      return SNG_EXIT_DIFFERENT;
    case SNG_VERDICT_NONDETERMINISTIC:
    case SNG_VERDICT_INCONCLUSIVE:
    default:
      return SNG_EXIT_INCONCLUSIVE;
    }
}

void
sng_report_options_clear (SngReportOptions *self)
{
  g_free (self->output);
  g_free (self->html);
  g_free (self->junit);
}
