/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Writes a report of each kind in each format: write-reports DIRECTORY. Prints names and verdicts. */

#include "report-fixture.h"

int
main (int argc, char *argv[])
{
  const struct
  {
    const char *suffix;
    SngReportFormat format;
  } formats[] = {
    { "txt", SNG_REPORT_FORMAT_TEXT },
    { "json", SNG_REPORT_FORMAT_JSON },
    { "xml", SNG_REPORT_FORMAT_JUNIT },
    { "tap", SNG_REPORT_FORMAT_TAP },
  };

  for (guint i = 0; report_kinds[i].name != NULL; i++)
    {
      g_autoptr (SngReport) report = report_kinds[i].make ();

      g_print ("%s %s\n", report_kinds[i].name, sng_verdict_to_string (report_kinds[i].verdict));
      for (guint k = 0; k < G_N_ELEMENTS (formats); k++)
        {
          g_autofree char *path =
              g_strdup_printf ("%s/%s.%s", argv[1], report_kinds[i].name, formats[k].suffix);
          g_autoptr (GError) error = NULL;

          if (!sng_report_save (report, path, formats[k].format, &error))
            g_error ("%s", error->message);
        }
    }

  return 0;
}
