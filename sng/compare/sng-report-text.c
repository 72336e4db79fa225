/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A report for people. */

#include "compare/sng-report-writer-private.h"

#include <string.h>

/* ---- tables ---- */

typedef struct
{
  const char *title;
  int width; /* at least */
  gboolean is_number;
} Column;

typedef struct
{
  const Column *columns;
  guint n_columns;
  GPtrArray *cells; /* row by row, NULL for an empty one */
} Table;

static void
table_init (Table *table, const Column *columns, guint n_columns)
{
  table->columns = columns;
  table->n_columns = n_columns;
  table->cells = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < n_columns; i++)
    g_ptr_array_add (table->cells, g_strdup (columns[i].title));
}

static void
table_clear (Table *table)
{
  g_ptr_array_unref (table->cells);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Table, table_clear)

static void
table_add (Table *table, const char *cell)
{
  g_ptr_array_add (table->cells, cell != NULL ? sng_report_escape_line (cell, NULL) : NULL);
}

static void
table_add_number (Table *table, guint64 number)
{
  g_ptr_array_add (table->cells, g_strdup_printf ("%" G_GUINT64_FORMAT, number));
}

static const char *
table_get (const Table *table, guint row, guint column)
{
  const char *cell = g_ptr_array_index (table->cells, row * table->n_columns + column);

  return cell != NULL ? cell : "";
}

static int
table_get_width (const Table *table, guint column)
{
  int width = table->columns[column].width;

  for (guint row = 0; row < table->cells->len / table->n_columns; row++)
    width = MAX (width, (int) g_utf8_strlen (table_get (table, row, column), -1));

  return width;
}

/* Without spaces at the end of a line. */
static void
table_print (const Table *table, GString *text)
{
  guint n_rows = table->cells->len / table->n_columns;
  g_autofree int *widths = g_new (int, table->n_columns);

  for (guint column = 0; column < table->n_columns; column++)
    widths[column] = table_get_width (table, column);

  for (guint row = 0; row < n_rows; row++)
    {
      for (guint column = 0; column < table->n_columns; column++)
        {
          const char *cell = table_get (table, row, column);
          int missing = widths[column] - (int) g_utf8_strlen (cell, -1);
          gboolean is_number = table->columns[column].is_number;

          g_string_append_printf (text, "%s%*s%s%*s", column > 0 ? "  " : "", is_number ? missing : 0, "",
                                  cell, is_number ? 0 : missing, "");
        }
      while (text->len > 0 && text->str[text->len - 1] == ' ')
        g_string_truncate (text, text->len - 1);
      g_string_append_c (text, '\n');
    }
}

/* ---- metrics and parts ---- */

static char *
describe_metric (SngMetricResult *result)
{
  guint64 n_different = sng_metric_result_get_n_different (result);

  if (sng_metric_result_get_reason (result) != NULL)
    return g_strdup (sng_metric_result_get_reason (result));

  return n_different == 0 ? NULL
                          : g_strdup_printf ("%" G_GUINT64_FORMAT " %s", n_different,
                                             n_different == 1 ? "differs" : "differ");
}

static void
append_metrics (GString *text, SngReport *self)
{
  const Column columns[] = {
    { "metric", 0, FALSE }, { "entries", 8, TRUE }, { "verdict", 16, FALSE }, { "" }
  };
  GListModel *metrics = sng_report_get_metrics (self);
  g_auto (Table) table = { 0 };

  table_init (&table, columns, G_N_ELEMENTS (columns));
  for (guint i = 0; i < g_list_model_get_n_items (metrics); i++)
    {
      g_autoptr (SngMetricResult) result = g_list_model_get_item (metrics, i);
      g_autofree char *note = describe_metric (result);

      table_add (&table, sng_metric_result_get_name (result));
      table_add_number (&table, sng_metric_result_get_compared (result));
      table_add (&table, sng_verdict_to_string (sng_metric_result_get_verdict (result)));
      table_add (&table, note);
    }
  table_print (&table, text);
}

/* What a part has to say beside its verdict: all of its summary but the verdict. */
static char *
describe_part (SngReport *part)
{
  SngDivergence *first = sng_report_get_first_divergence (part);
  g_autofree char *summary = NULL;

  if (first != NULL)
    {
      g_autofree char *place = sng_divergence_dup_place (first);

      return g_strdup_printf ("%s at %s", sng_divergence_get_metric (first), place);
    }

  if (sng_report_get_verdict (part) == SNG_VERDICT_PASS)
    return NULL;

  summary = sng_report_get_summary (part);

  return g_strdup (strchr (summary, ' ') + 1);
}

static void
append_parts (GString *text, SngReport *self)
{
  const Column columns[] = {
    { "part", 0, FALSE }, { "metrics", 0, TRUE }, { "entries", 8, TRUE }, { "verdict", 16, FALSE }, { "" },
  };
  GListModel *parts = sng_report_get_parts (self);
  g_auto (Table) table = { 0 };

  table_init (&table, columns, G_N_ELEMENTS (columns));
  for (guint i = 0; i < g_list_model_get_n_items (parts); i++)
    {
      g_autoptr (SngReport) part = g_list_model_get_item (parts, i);
      g_autofree char *note = describe_part (part);
      g_autofree char *number = g_strdup_printf ("%u", i + 1);
      const char *title = sng_report_get_title (part);
      guint64 n_compared = 0;
      guint n_metrics = 0;

      sng_report_count_compared (part, &n_metrics, &n_compared);
      table_add (&table, title != NULL ? title : number);
      table_add_number (&table, n_metrics);
      table_add_number (&table, n_compared);
      table_add (&table, sng_verdict_to_string (sng_report_get_verdict (part)));
      table_add (&table, note);
    }
  table_print (&table, text);
}

/* ---- faults ---- */

static char *
describe_fault (SngFaultResult *fault)
{
  SngCause cause = sng_fault_result_get_cause (fault);
  SngCause expected = sng_fault_result_get_expected_cause (fault);
  const char *sentence = sng_fault_result_get_diagnosis (fault);
  gboolean is_wrong;

  if (!sng_fault_result_get_planted (fault))
    return g_strdup (sng_fault_result_get_reason (fault));

  if (!sng_fault_result_get_detected (fault))
    return g_strdup (sng_fault_result_get_title (fault));

  is_wrong = cause != SNG_CAUSE_UNKNOWN && cause != expected;

  return g_strconcat (sng_cause_to_string (cause), is_wrong ? " (not " : "",
                      is_wrong ? sng_cause_to_string (expected) : "", is_wrong ? ")" : "",
                      sentence != NULL ? ": " : "", sentence, NULL);
}

static void
add_fault (Table *table, SngFaultResult *fault)
{
  gboolean planted = sng_fault_result_get_planted (fault);
  gboolean detected = sng_fault_result_get_detected (fault);
  g_autofree char *note = describe_fault (fault);

  table_add (table, sng_fault_result_get_id (fault));
  table_add (table, sng_fault_result_get_state (fault));
  table_add (table, detected ? "found" : planted ? "MISSED" : "not planted");
  table_add (table, sng_fault_result_get_found_by (fault));
  if (sng_fault_result_get_step (fault) >= 0)
    table_add_number (table, (guint64) sng_fault_result_get_step (fault));
  else
    table_add (table, NULL);
  table_add (table, !planted ? NULL : sng_fault_result_get_found_by_original (fault) ? "found" : "missed");
  table_add (table, note);
}

static void
append_faults (GString *text, SngReport *self)
{
  const Column columns[] = {
    { "fault", 0, FALSE },  { "state", 0, FALSE },    { "result", 0, FALSE },    { "found by", 0, FALSE },
    { "at step", 0, TRUE }, { "original", 0, FALSE }, { "diagnosis", 0, FALSE },
  };
  GListModel *faults = sng_report_get_faults (self);
  g_auto (Table) table = { 0 };

  table_init (&table, columns, G_N_ELEMENTS (columns));
  for (guint i = 0; i < g_list_model_get_n_items (faults); i++)
    {
      g_autoptr (SngFaultResult) fault = g_list_model_get_item (faults, i);

      add_fault (&table, fault);
    }
  table_print (&table, text);
}

/* ---- kills ---- */

static void
append_kills (GString *text, SngReport *self)
{
  const Column columns[] = {
    { "killed before", 0, TRUE }, { "operation", 0, FALSE }, { "file", 0, FALSE },
    { "outcome", 0, FALSE },      { "", 0, FALSE },
  };
  GListModel *kills = sng_report_get_kills (self);
  g_auto (Table) table = { 0 };

  table_init (&table, columns, G_N_ELEMENTS (columns));
  for (guint i = 0; i < g_list_model_get_n_items (kills); i++)
    {
      g_autoptr (SngKillResult) kill = g_list_model_get_item (kills, i);
      const char *other = sng_kill_result_get_other_path (kill);
      g_autofree char *file =
          g_strconcat (sng_kill_result_get_path (kill), other != NULL ? " to " : NULL, other, NULL);

      table_add_number (&table, sng_kill_result_get_number (kill));
      table_add (&table, sng_kill_result_get_operation (kill));
      table_add (&table, file);
      table_add (&table, sng_kill_outcome_to_string (sng_kill_result_get_outcome (kill)));
      table_add (&table, sng_kill_result_get_detail (kill));
    }
  table_print (&table, text);
}

/* ---- the rest ---- */

static void
append_field (GString *text, const char *name, const char *value)
{
  g_autofree char *line = value != NULL ? sng_report_escape_line (value, NULL) : NULL;

  if (line != NULL && *line != '\0')
    g_string_append_printf (text, "  %-8s  %s\n", name, line);
}

static void
append_reason (GString *text, SngReport *source)
{
  SngTensorDiff *elements = sng_report_get_elements (source);
  SngDiagnosis *diagnosis = sng_report_get_diagnosis (source);

  if (elements != NULL)
    {
      g_autofree char *difference = sng_tensor_diff_to_string (elements);

      append_field (text, "elements", difference);
    }

  if (diagnosis != NULL)
    {
      g_autofree char *cause = sng_diagnosis_to_string (diagnosis);

      append_field (text, "cause", cause);
    }
}

static void
append_divergence (GString *text, SngReport *self)
{
  SngReport *source = sng_report_find_first_source (self);
  SngDivergence *first;
  const char *title;
  g_autofree char *place = NULL;
  g_autofree char *line = NULL;
  g_autofree char *escaped = NULL;

  if (source == NULL)
    return;

  first = sng_report_get_first_divergence (source);
  title = source != self ? sng_report_get_title (source) : NULL;
  place = sng_divergence_dup_place (first);
  line = g_strdup_printf ("%s at %s (%s)%s%s", sng_divergence_get_metric (first), place,
                          sng_mode_to_string (sng_divergence_get_mode (first)), title != NULL ? ", " : "",
                          title != NULL ? title : "");
  escaped = sng_report_escape_line (line, NULL);
  g_string_append_printf (text, "\nFirst divergence: %s\n", escaped);
  append_field (text, "expected", sng_divergence_get_expected (first));
  append_field (text, "found", sng_divergence_get_actual (first));
  append_field (text, "detail", sng_divergence_get_detail (first));
  append_reason (text, source);
}

static void
append_lines (GString *text, const char *prefix, const char *const *lines)
{
  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_autofree char *line = sng_report_escape_line (lines[i], NULL);

      g_string_append_printf (text, "%s%s\n", prefix, line);
    }
}

/**
 * sng_report_to_text:
 * @self: a report
 *
 * Writes the report for people: the warnings; a table of metric, number of entries compared and
 * verdict, one with a line for each part and one with a line for each fault or kill, each where there are any; where the runs
 * differ first; the notes; and the summary in the last line.
 *
 * What cannot be seen in a name or a value is escaped, such as `\n` for a line feed.
 *
 * Returns: (transfer full): the text, in UTF-8, with a line feed at its end
 *
 * Since: 1.0
 */
char *
sng_report_to_text (SngReport *self)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *summary = NULL;
  g_auto (GStrv) warnings = NULL;
  const char *const *notes;
  guint n_parts, n_faults, n_kills;

  g_return_val_if_fail (SNG_IS_REPORT (self), NULL);

  n_parts = g_list_model_get_n_items (sng_report_get_parts (self));
  n_faults = g_list_model_get_n_items (sng_report_get_faults (self));
  n_kills = g_list_model_get_n_items (sng_report_get_kills (self));

  warnings = sng_report_list_warnings (self);
  append_lines (text, "warning: ", (const char *const *) warnings);

  if (g_list_model_get_n_items (sng_report_get_metrics (self)) > 0 || n_parts + n_faults + n_kills == 0)
    {
      g_string_append (text, text->len > 0 ? "\n" : "");
      append_metrics (text, self);
    }

  if (n_parts > 0)
    {
      g_string_append (text, text->len > 0 ? "\n" : "");
      append_parts (text, self);
    }

  if (n_faults > 0)
    {
      g_string_append (text, text->len > 0 ? "\n" : "");
      append_faults (text, self);
    }

  if (n_kills > 0)
    {
      g_string_append (text, text->len > 0 ? "\n" : "");
      append_kills (text, self);
    }

  append_divergence (text, self);

  notes = sng_report_get_notes (self);
  g_string_append (text, notes[0] != NULL ? "\n" : "");
  append_lines (text, "", notes);

  summary = sng_report_get_summary (self);
  g_string_append_printf (text, "\n%s\n", summary);

  return g_strdup (text->str);
}
