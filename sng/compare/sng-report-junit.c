/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A report as JUnit's XML. */

#include "compare/sng-report-writer-private.h"

typedef struct
{
  guint n_cases;
  guint n_failures;
  guint n_errors;
  guint n_skipped;
} Counts;

/* A difference that was seen is a failure. That a check could not have failed is an error of the check. */
static gboolean
is_error (const SngReportCase *entry)
{
  return entry->verdict == SNG_VERDICT_INCONCLUSIVE;
}

static Counts
count_cases (const SngReportSuite *suite)
{
  Counts counts = { .n_cases = suite->cases->len };

  for (guint i = 0; i < suite->cases->len; i++)
    {
      const SngReportCase *entry = g_ptr_array_index (suite->cases, i);

      counts.n_skipped += entry->skipped;
      counts.n_errors += is_error (entry);
      counts.n_failures += entry->verdict != SNG_VERDICT_PASS && !is_error (entry);
    }

  return counts;
}

static void
append_attribute (GString *xml, const char *name, const char *value)
{
  g_autofree char *escaped = sng_report_escape_xml (value);

  g_string_append_printf (xml, " %s=\"%s\"", name, escaped);
}

static void
append_counts (GString *xml, const char *name, const Counts *counts, double seconds)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  append_attribute (xml, "name", name);
  g_string_append_printf (xml, " tests=\"%u\" failures=\"%u\" errors=\"%u\" skipped=\"%u\"", counts->n_cases,
                          counts->n_failures, counts->n_errors, counts->n_skipped);
  if (seconds > 0.0)
    append_attribute (xml, "time", g_ascii_formatd (text, sizeof text, "%.3f", seconds));
}

static void
append_line (GString *text, const char *title, const char *value)
{
  g_autofree char *line = sng_report_escape_line (value, NULL);
  g_autofree char *escaped = sng_report_escape_xml (line);

  if (*escaped != '\0')
    g_string_append_printf (text, "\n%-9s %s", title, escaped);
}

/* What stands in the element beside its message. */
static void
append_description (GString *xml, const SngReportCase *entry)
{
  SngDivergence *divergence = entry->divergence;
  g_autofree char *place = NULL;

  g_string_append (xml, sng_verdict_to_string (entry->verdict));
  if (divergence == NULL)
    {
      append_line (xml, "reason", entry->message);
      return;
    }

  place = sng_divergence_dup_place (divergence);
  append_line (xml, "place", place);
  append_line (xml, "run", sng_mode_to_string (sng_divergence_get_mode (divergence)));
  append_line (xml, "expected", sng_divergence_get_expected (divergence));
  append_line (xml, "found", sng_divergence_get_actual (divergence));
  append_line (xml, "detail", sng_divergence_get_detail (divergence));
  if (entry->cause != NULL)
    append_line (xml, "cause", entry->cause);
}

static void
append_case (GString *xml, const SngReportSuite *suite, const SngReportCase *entry)
{
  const char *element = entry->skipped ? "skipped" : is_error (entry) ? "error" : "failure";

  g_string_append (xml, "    <testcase");
  append_attribute (xml, "classname", suite->name);
  append_attribute (xml, "name", entry->name);

  if (entry->verdict == SNG_VERDICT_PASS && !entry->skipped)
    {
      g_string_append (xml, "/>\n");
      return;
    }

  g_string_append_printf (xml, ">\n      <%s", element);
  append_attribute (xml, "message", entry->message);
  if (entry->skipped)
    {
      g_string_append (xml, "/>\n    </testcase>\n");
      return;
    }

  append_attribute (xml, "type", sng_verdict_to_string (entry->verdict));
  g_string_append_c (xml, '>');
  append_description (xml, entry);
  g_string_append_printf (xml, "</%s>\n    </testcase>\n", element);
}

/* Those of the whole report, in its first suite: a file has no other place for them that all readers know. */
static void
append_warnings (GString *xml, char **warnings)
{
  if (warnings[0] == NULL)
    return;

  g_string_append (xml, "    <properties>\n");
  for (guint i = 0; warnings[i] != NULL; i++)
    {
      g_string_append (xml, "      <property name=\"warning\"");
      append_attribute (xml, "value", warnings[i]);
      g_string_append (xml, "/>\n");
    }
  g_string_append (xml, "    </properties>\n");
}

/* @warnings: NULL: they are in another one */
static void
append_suite (GString *xml, const SngReportSuite *suite, char **warnings)
{
  Counts counts = count_cases (suite);

  g_string_append (xml, "  <testsuite");
  append_counts (xml, suite->name, &counts, suite->seconds);
  g_string_append (xml, ">\n");
  if (warnings != NULL)
    append_warnings (xml, warnings);
  for (guint i = 0; i < suite->cases->len; i++)
    append_case (xml, suite, g_ptr_array_index (suite->cases, i));
  g_string_append (xml, "  </testsuite>\n");
}

/**
 * sng_report_to_junit:
 * @self: a report
 *
 * Writes the report for servers of continuous integration, which read the XML of
 * JUnit.
 *
 * The metrics of the report are one test suite, those of each part are another one,
 * and so are the faults. A case is a failure where something differs, with
 * %SNG_VERDICT_DIVERGED or %SNG_VERDICT_NONDETERMINISTIC as its type; it is an error
 * where it is %SNG_VERDICT_INCONCLUSIVE, for then nothing is known to be wrong, but
 * the check could not have told, as with a fault that it missed. A fault that was not planted is skipped.
 * Where the verdict on the whole is another one than %SNG_VERDICT_PASS, there is at least one failure
 * or error.
 *
 * Warnings are properties of the first suite, by the name `warning`. Times are those of the runs, in seconds, where they are known. Characters that XML
 * cannot hold are replaced.
 *
 * Returns: (transfer full): the text, in UTF-8, with a line feed at its end
 *
 * Since: 1.0
 */
char *
sng_report_to_junit (SngReport *self)
{
  g_autoptr (GString) xml = g_string_new ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites");
  g_autoptr (GPtrArray) suites = NULL;
  g_auto (GStrv) warnings = NULL;
  const char *title;
  Counts total = { 0 };
  double seconds = 0.0;

  g_return_val_if_fail (SNG_IS_REPORT (self), NULL);

  warnings = sng_report_list_warnings (self);
  suites = sng_report_list_suites (self);
  for (guint i = 0; i < suites->len; i++)
    {
      const SngReportSuite *suite = g_ptr_array_index (suites, i);
      Counts counts = count_cases (suite);

      total.n_cases += counts.n_cases;
      total.n_failures += counts.n_failures;
      total.n_errors += counts.n_errors;
      total.n_skipped += counts.n_skipped;
      seconds += suite->seconds;
    }

  title = sng_report_get_title (self);
  append_counts (xml, title != NULL ? title : "stop-and-go", &total, seconds);
  g_string_append (xml, ">\n");
  for (guint i = 0; i < suites->len; i++)
    append_suite (xml, g_ptr_array_index (suites, i), i == 0 ? warnings : NULL);
  g_string_append (xml, "</testsuites>\n");

  return g_strdup (xml->str);
}
