/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A report as test runners see one: suites of cases that pass, fail or are skipped. */

#include "compare/sng-report-writer-private.h"

static void
case_free (gpointer data)
{
  SngReportCase *self = data;

  g_free (self->name);
  g_free (self->message);
  g_free (self->cause);
  g_clear_object (&self->divergence);
  g_free (self);
}

static void
suite_free (gpointer data)
{
  SngReportSuite *self = data;

  g_free (self->name);
  g_ptr_array_unref (self->cases);
  g_free (self);
}

static SngReportSuite *
suite_new (const char *name)
{
  SngReportSuite *suite = g_new0 (SngReportSuite, 1);

  suite->name = g_strdup (name);
  suite->cases = g_ptr_array_new_with_free_func (case_free);

  return suite;
}

/* Takes the message. */
static SngReportCase *
add_case (SngReportSuite *suite, const char *name, SngVerdict verdict, char *message)
{
  SngReportCase *entry = g_new0 (SngReportCase, 1);

  entry->name = g_strdup (name);
  entry->verdict = verdict;
  entry->message = message;
  g_ptr_array_add (suite->cases, entry);

  return entry;
}

static void
add_metrics (SngReportSuite *suite, SngReport *report)
{
  GListModel *metrics = sng_report_get_metrics (report);
  SngDiagnosis *diagnosis = sng_report_get_diagnosis (report);

  for (guint i = 0; i < g_list_model_get_n_items (metrics); i++)
    {
      g_autoptr (SngMetricResult) result = g_list_model_get_item (metrics, i);
      SngDivergence *first = sng_metric_result_get_first_divergence (result);
      const char *reason = sng_metric_result_get_reason (result);
      char *message =
          first != NULL ? sng_divergence_to_string (first) : g_strdup (reason != NULL ? reason : "");
      SngReportCase *entry = add_case (suite, sng_metric_result_get_name (result),
                                       sng_metric_result_get_verdict (result), message);

      g_set_object (&entry->divergence, first);
      if (diagnosis != NULL && first != NULL && first == sng_report_get_first_divergence (report))
        entry->cause = sng_diagnosis_to_string (diagnosis);
    }
}

static void
add_fault (SngReportSuite *suite, SngFaultResult *fault)
{
  const char *id = sng_fault_result_get_id (fault);
  const char *title = sng_fault_result_get_title (fault);

  if (!sng_fault_result_get_planted (fault))
    add_case (suite, id, SNG_VERDICT_PASS,
              g_strdup_printf ("not planted: %s", sng_fault_result_get_reason (fault)))
        ->skipped = TRUE;
  else if (sng_fault_result_get_detected (fault))
    add_case (suite, id, SNG_VERDICT_PASS, g_strdup (""));
  else
    add_case (suite, id, SNG_VERDICT_INCONCLUSIVE,
              g_strdup_printf ("the fault was planted and missed%s%s", title != NULL ? ": " : "",
                               title != NULL ? title : ""));
}

/* Of one that is no failure there is nothing but its name to tell what it is. */
static void
add_kill (SngReportSuite *suite, SngKillResult *kill)
{
  SngKillOutcome outcome = sng_kill_result_get_outcome (kill);
  SngVerdict verdict = sng_kill_result_get_verdict (kill);
  const char *detail = sng_kill_result_get_detail (kill);
  const char *text = sng_kill_outcome_to_string (outcome);
  g_autofree char *place = sng_kill_result_dup_place (kill);
  g_autofree char *name = outcome == SNG_KILL_OUTCOME_LOST_WORK
                              ? g_strdup_printf ("killed before %s (%s)", place, text)
                              : g_strdup_printf ("killed before %s", place);

  add_case (suite, name, verdict,
            g_strdup_printf ("%s%s%s", text, detail != NULL ? ": " : "", detail != NULL ? detail : ""));
}

static void
add_kills (GPtrArray *suites, GListModel *kills, const char *name)
{
  g_autofree char *kills_name = g_strconcat (name, ", kills", NULL);
  SngReportSuite *suite = suite_new (kills_name);

  g_ptr_array_add (suites, suite);
  for (guint i = 0; i < g_list_model_get_n_items (kills); i++)
    {
      g_autoptr (SngKillResult) kill = g_list_model_get_item (kills, i);

      add_kill (suite, kill);
    }
}

static double
sum_seconds (SngReport *report)
{
  GListModel *runs = sng_report_get_runs (report);
  double seconds = 0.0;

  for (guint i = 0; i < g_list_model_get_n_items (runs); i++)
    {
      g_autoptr (SngReportRun) run = g_list_model_get_item (runs, i);

      seconds += sng_report_run_get_seconds (run);
    }

  return seconds;
}

static gboolean
all_pass (GPtrArray *suites, guint from)
{
  for (guint i = from; i < suites->len; i++)
    {
      SngReportSuite *suite = g_ptr_array_index (suites, i);

      for (guint k = 0; k < suite->cases->len; k++)
        {
          if (((SngReportCase *) g_ptr_array_index (suite->cases, k))->verdict != SNG_VERDICT_PASS)
            return FALSE;
        }
    }

  return TRUE;
}

static void
add_suites (GPtrArray *suites, SngReport *report, const char *prefix)
{
  const char *title = sng_report_get_title (report) != NULL ? sng_report_get_title (report) : "stop-and-go";
  g_autofree char *name = g_strconcat (prefix, *prefix != '\0' ? ", " : "", title, NULL);
  GListModel *parts = sng_report_get_parts (report);
  GListModel *faults = sng_report_get_faults (report);
  SngVerdict verdict = sng_report_get_verdict (report);
  SngReportSuite *own = suite_new (name);
  guint position = suites->len;

  own->seconds = sum_seconds (report);
  add_metrics (own, report);
  g_ptr_array_add (suites, own);

  for (guint i = 0; i < g_list_model_get_n_items (parts); i++)
    {
      g_autoptr (SngReport) part = g_list_model_get_item (parts, i);

      add_suites (suites, part, sng_report_get_title (report) != NULL ? name : prefix);
    }

  if (g_list_model_get_n_items (faults) > 0)
    {
      g_autofree char *faults_name = g_strconcat (name, ", faults", NULL);
      SngReportSuite *suite = suite_new (faults_name);

      g_ptr_array_add (suites, suite);
      for (guint i = 0; i < g_list_model_get_n_items (faults); i++)
        {
          g_autoptr (SngFaultResult) fault = g_list_model_get_item (faults, i);

          add_fault (suite, fault);
        }
    }

  if (g_list_model_get_n_items (sng_report_get_kills (report)) > 0)
    add_kills (suites, sng_report_get_kills (report), name);

  if (verdict != SNG_VERDICT_PASS && all_pass (suites, position))
    add_case (own, "verdict", verdict, sng_report_get_summary (report));
  if (own->cases->len == 0)
    g_ptr_array_remove_index (suites, position);
}

GPtrArray *
sng_report_list_suites (SngReport *self)
{
  GPtrArray *suites = g_ptr_array_new_with_free_func (suite_free);

  add_suites (suites, self, "");

  return suites;
}
