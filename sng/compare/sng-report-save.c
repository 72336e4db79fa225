/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "compare/sng-report.h"

#include "sng-error.h"

/**
 * SngReportFormat:
 * @SNG_REPORT_FORMAT_TEXT: for people, see [method@Sng.Report.to_text]
 * @SNG_REPORT_FORMAT_JSON: for programs, see [method@Sng.Report.to_json]
 * @SNG_REPORT_FORMAT_JUNIT: for servers of continuous integration, see
 *   [method@Sng.Report.to_junit]
 * @SNG_REPORT_FORMAT_TAP: for test runners, see [method@Sng.Report.to_tap]
 * @SNG_REPORT_FORMAT_HTML: for a browser, see [method@Sng.Report.to_html]
 *
 * How a report is written.
 *
 * Since: 1.0
 */

static char *
write_report (SngReport *self, SngReportFormat format)
{
  switch (format)
    {
    case SNG_REPORT_FORMAT_TEXT:
      return sng_report_to_text (self);
    case SNG_REPORT_FORMAT_JSON:
      return sng_report_to_json (self);
    case SNG_REPORT_FORMAT_JUNIT:
      return sng_report_to_junit (self);
    case SNG_REPORT_FORMAT_TAP:
      return sng_report_to_tap (self);
    case SNG_REPORT_FORMAT_HTML:
      return sng_report_to_html (self);
    default:
      g_return_val_if_reached (NULL);
    }
}

/**
 * sng_report_save:
 * @self: a report
 * @path: (type filename): the file to write, which is replaced
 * @format: how to write it
 * @error: return location for a #GError
 *
 * Writes the report into a file.
 *
 * Returns: %TRUE, or %FALSE with %SNG_ERROR_IO; the file is then as it was
 *
 * Since: 1.0
 */
gboolean
sng_report_save (SngReport *self, const char *path, SngReportFormat format, GError **error)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) local_error = NULL;

  g_return_val_if_fail (SNG_IS_REPORT (self), FALSE);
  g_return_val_if_fail (path != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  text = write_report (self, format);
  g_return_val_if_fail (text != NULL, FALSE);

  if (g_file_set_contents (path, text, -1, &local_error))
    return TRUE;

  g_set_error (error, SNG_ERROR, SNG_ERROR_IO, "[report][save] %s: %s", path, local_error->message);
  return FALSE;
}
