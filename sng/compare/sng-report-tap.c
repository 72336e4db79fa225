/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A report as TAP, version 13. */

#include "compare/sng-report-writer-private.h"

/* A number sign would begin a directive; not all readers know that it can be escaped. */
static char *
escape_name (const char *name)
{
  return sng_report_escape_line (name, "#");
}

/* A line of the block of YAML. What is in double quotes there has JSON's rules. */
static void
append_yaml (GString *text, const char *key, const char *value)
{
  g_autofree char *line = sng_report_escape_line (value, NULL);
  g_autoptr (GString) quoted = g_string_new (line);

  g_string_replace (quoted, "\\", "\\\\", 0);
  g_string_replace (quoted, "\"", "\\\"", 0);
  g_string_append_printf (text, "  %s: \"%s\"\n", key, quoted->str);
}

static void
append_diagnostics (GString *text, const SngReportCase *entry)
{
  SngDivergence *divergence = entry->divergence;

  g_string_append (text, "  ---\n");
  append_yaml (text, "verdict", sng_verdict_to_string (entry->verdict));
  if (divergence != NULL)
    {
      g_autofree char *place = sng_divergence_dup_place (divergence);

      append_yaml (text, "place", place);
      append_yaml (text, "run", sng_mode_to_string (sng_divergence_get_mode (divergence)));
      append_yaml (text, "expected", sng_divergence_get_expected (divergence));
      append_yaml (text, "found", sng_divergence_get_actual (divergence));
      append_yaml (text, "detail", sng_divergence_get_detail (divergence));
      if (entry->cause != NULL)
        append_yaml (text, "cause", entry->cause);
    }
  else
    {
      append_yaml (text, "message", entry->message);
    }
  g_string_append (text, "  ...\n");
}

static void
append_case (GString *text, guint number, const SngReportSuite *suite, const SngReportCase *entry)
{
  gboolean passed = entry->verdict == SNG_VERDICT_PASS;
  g_autofree char *suite_name = escape_name (suite->name);
  g_autofree char *name = escape_name (entry->name);

  g_string_append_printf (text, "%sok %u - %s: %s", passed ? "" : "not ", number, suite_name, name);
  if (entry->skipped)
    {
      g_autofree char *reason = escape_name (entry->message);

      g_string_append_printf (text, " # SKIP %s", reason);
    }
  g_string_append_c (text, '\n');

  if (!passed)
    append_diagnostics (text, entry);
}

/**
 * sng_report_to_tap:
 * @self: a report
 *
 * Writes the report for test runners that read the Test Anything Protocol, version 13,
 * such as `meson test` and `prove`.
 *
 * Before them the warnings are comments. There is a line for each metric of the report and of its parts, and for each fault.
 * Only %SNG_VERDICT_PASS is `ok`; what is not has its divergence or its reason in a
 * block of YAML. A fault that was not planted is skipped. Where the verdict on the whole is
 * another one than %SNG_VERDICT_PASS, at least one line is `not ok`.
 *
 * Returns: (transfer full): the text, with a line feed at its end
 *
 * Since: 1.0
 */
char *
sng_report_to_tap (SngReport *self)
{
  g_autoptr (GString) cases = g_string_new (NULL);
  g_autoptr (GPtrArray) suites = NULL;
  g_autoptr (GString) warnings = g_string_new (NULL);
  g_auto (GStrv) lines = NULL;
  g_autofree char *summary = NULL;
  guint number = 0;

  g_return_val_if_fail (SNG_IS_REPORT (self), NULL);

  lines = sng_report_list_warnings (self);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_autofree char *line = sng_report_escape_line (lines[i], NULL);

      g_string_append_printf (warnings, "# warning: %s\n", line);
    }

  suites = sng_report_list_suites (self);
  for (guint i = 0; i < suites->len; i++)
    {
      SngReportSuite *suite = g_ptr_array_index (suites, i);

      for (guint k = 0; k < suite->cases->len; k++)
        append_case (cases, ++number, suite, g_ptr_array_index (suite->cases, k));
    }

  summary = sng_report_get_summary (self);

  return g_strdup_printf ("TAP version 13\n1..%u\n%s%s# %s\n", number, warnings->str, cases->str, summary);
}
