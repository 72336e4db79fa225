/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A report in one line. */

#include "compare/sng-report-writer-private.h"

#include <string.h>

static void
append_pass (GString *summary, SngReport *self)
{
  guint n_parts = g_list_model_get_n_items (sng_report_get_parts (self));
  guint n_metrics = 0;
  guint64 n_compared = 0;

  sng_report_count_compared (self, &n_metrics, &n_compared);
  if (n_parts > 0)
    g_string_append_printf (summary, "%u %s, ", n_parts, n_parts == 1 ? "part" : "parts");
  g_string_append_printf (summary, "%u %s, %" G_GUINT64_FORMAT " %s compared, none differs", n_metrics,
                          n_metrics == 1 ? "metric" : "metrics", n_compared,
                          n_compared == 1 ? "entry" : "entries");
}

static const char *
get_first_reason (SngReport *self, const char **metric)
{
  GListModel *metrics = sng_report_get_metrics (self);

  for (guint i = 0; i < g_list_model_get_n_items (metrics); i++)
    {
      g_autoptr (SngMetricResult) result = g_list_model_get_item (metrics, i);

      if (sng_metric_result_get_verdict (result) == SNG_VERDICT_INCONCLUSIVE)
        {
          *metric = sng_metric_result_get_name (result);
          return sng_metric_result_get_reason (result);
        }
    }

  return NULL;
}

/* How many of the metrics, or else of the parts, have the verdict, and where it begins. */
static void
append_trouble (GString *summary, SngReport *self, SngVerdict verdict)
{
  guint count = sng_report_count (self, verdict);
  SngReport *part = count == 0 ? sng_report_find_part (self, verdict) : NULL;
  SngDivergence *first = part == NULL ? sng_report_get_first_divergence (self) : NULL;
  const char *metric = NULL;
  const char *reason = NULL;

  if (part != NULL)
    {
      const char *title = sng_report_get_title (part);
      g_autofree char *text = sng_report_get_summary (part);

      g_string_append_printf (summary, "%u of %u parts; first %s%s%s", sng_report_count_parts (self, verdict),
                              g_list_model_get_n_items (sng_report_get_parts (self)),
                              title != NULL ? title : "", title != NULL ? ": " : "", text);
      return;
    }

  if (count == 0)
    {
      g_string_append (summary, "no metric was recorded");
      return;
    }

  g_string_append_printf (summary, "%u of %u metrics", count,
                          g_list_model_get_n_items (sng_report_get_metrics (self)));
  if (verdict == SNG_VERDICT_NONDETERMINISTIC)
    g_string_append_printf (summary, " %s between two uninterrupted runs", count == 1 ? "differs" : "differ");

  if (verdict == SNG_VERDICT_INCONCLUSIVE)
    reason = get_first_reason (self, &metric);
  if (reason != NULL)
    g_string_append_printf (summary, "; first %s: %s", metric, reason);

  if (first != NULL)
    {
      g_autofree char *place = sng_divergence_dup_place (first);

      g_string_append_printf (summary, "; first %s at %s (%s)", sng_divergence_get_metric (first), place,
                              sng_mode_to_string (sng_divergence_get_mode (first)));
    }
}

static void
append_control (GString *summary, SngReport *self, SngVerdict verdict)
{
  if (verdict == SNG_VERDICT_PASS)
    append_pass (summary, self);
  else
    append_trouble (summary, self, verdict);
}

static void
append_faults (GString *summary, SngReport *self)
{
  SngVerdict control = sng_report_get_control_verdict (self);
  guint n_faults = g_list_model_get_n_items (sng_report_get_faults (self));
  guint n_planted, n_missed;

  sng_report_count_faults (self, &n_planted, &n_missed);
  if (control != SNG_VERDICT_PASS)
    {
      g_string_append_printf (summary, "%s without a fault: ", sng_verdict_to_string (control));
      append_trouble (summary, self, control);
    }
  else if (n_planted == 0)
    {
      g_string_append_printf (summary, "none of %u %s could be planted", n_faults,
                              n_faults == 1 ? "fault" : "faults");
    }
  else if (n_missed > 0)
    {
      g_string_append_printf (summary, "%u of %u planted %s %s missed", n_missed, n_planted,
                              n_planted == 1 ? "fault" : "faults", n_missed == 1 ? "was" : "were");
    }
  else
    {
      g_string_append_printf (summary, "%u planted %s, all found; without one: ", n_planted,
                              n_planted == 1 ? "fault" : "faults");
      append_pass (summary, self);
    }
}

/* How many there are of each outcome, and the first of the worst. */
static void
append_kills (GString *summary, SngReport *self)
{
  guint n_kills = g_list_model_get_n_items (sng_report_get_kills (self));
  SngVerdict verdict = sng_report_get_verdict (self);
  SngKillResult *first = NULL;

  if (verdict != SNG_VERDICT_PASS && verdict == sng_report_get_control_verdict (self))
    {
      g_string_append (summary, "without a kill: ");
      append_trouble (summary, self, verdict);
      return;
    }

  g_string_append_printf (summary, "%u %s before a file operation", n_kills, n_kills == 1 ? "kill" : "kills");
  for (guint outcome = 0; outcome < SNG_N_KILL_OUTCOMES; outcome++)
    {
      guint count = sng_report_count_kills (self, outcome);

      if (count == 0)
        continue;
      g_string_append_printf (summary, "%s%u %s",
                              outcome == 0 || strchr (summary->str, '(') == NULL ? " (" : ", ", count,
                              sng_kill_outcome_to_string (outcome));
      if (outcome > SNG_KILL_OUTCOME_LOST_WORK)
        first = sng_report_find_kill (self, outcome);
    }
  g_string_append_c (summary, ')');

  if (first != NULL)
    {
      g_autofree char *place = sng_kill_result_dup_place (first);

      g_string_append_printf (summary, "; first %s before %s",
                              sng_kill_outcome_to_string (sng_kill_result_get_outcome (first)), place);
    }
}

/**
 * sng_report_get_summary:
 * @self: a report
 *
 * Says in one line what was found out. It begins with the verdict.
 *
 * Returns: (transfer full): a string such as `PASS: 15 metrics, 4116 entries compared,
 *   none differs` or `INCONCLUSIVE: 3 of 40 planted faults were missed`
 *
 * Since: 1.0
 */
char *
sng_report_get_summary (SngReport *self)
{
  g_autoptr (GString) summary = NULL;
  SngVerdict verdict;

  g_return_val_if_fail (SNG_IS_REPORT (self), NULL);

  verdict = sng_report_get_verdict (self);
  summary = g_string_new (sng_verdict_to_string (verdict));
  g_string_append (summary, ": ");

  if (g_list_model_get_n_items (sng_report_get_faults (self)) > 0)
    append_faults (summary, self);
  else if (g_list_model_get_n_items (sng_report_get_kills (self)) > 0)
    append_kills (summary, self);
  else
    append_control (summary, self, verdict);

  return sng_report_escape_line (summary->str, NULL);
}
