/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "compare/sng-report-private.h"

#include "compare/sng-divergence-private.h"
#include "sng-error.h"

/**
 * SngReport:
 *
 * What a stop-and-go check found out.
 *
 * There is a [class@Sng.MetricResult] for each metric, in the order in which the
 * continuous run declared them, and a verdict on the whole: %SNG_VERDICT_NONDETERMINISTIC
 * when two uninterrupted runs differ, else %SNG_VERDICT_DIVERGED when any metric
 * diverged, else %SNG_VERDICT_INCONCLUSIVE when any is inconclusive or there is none,
 * else %SNG_VERDICT_PASS.
 *
 * ```c
 * g_autoptr (SngReport) report = sng_comparison_run (comparison, &error);
 * g_autofree char *text = sng_report_to_text (report);
 *
 * g_print ("%s", text);
 * ```
 *
 * Since: 1.0
 */
struct _SngReport
{
  GObject parent_instance;

  GListStore *metrics;
  GArray *runs;
};

G_DEFINE_FINAL_TYPE (SngReport, sng_report, G_TYPE_OBJECT)

static void
sng_report_finalize (GObject *object)
{
  SngReport *self = SNG_REPORT (object);

  g_clear_object (&self->metrics);
  g_clear_pointer (&self->runs, g_array_unref);

  G_OBJECT_CLASS (sng_report_parent_class)->finalize (object);
}

static void
sng_report_class_init (SngReportClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sng_report_finalize;
}

static void
sng_report_init (SngReport *self)
{
  self->metrics = g_list_store_new (SNG_TYPE_METRIC_RESULT);
  self->runs = g_array_new (FALSE, FALSE, sizeof (SngReportRun));
}

SngReport *
sng_report_new (void)
{
  return g_object_new (SNG_TYPE_REPORT, NULL);
}

void
sng_report_add_result (SngReport *self, SngMetricResult *result)
{
  g_list_store_append (self->metrics, result);
}

void
sng_report_replace_result (SngReport *self, SngMetricResult *result)
{
  guint position;

  if (g_list_store_find (self->metrics, sng_report_lookup_metric (self, sng_metric_result_get_name (result)),
                         &position))
    g_list_store_splice (self->metrics, position, 1, (gpointer *) &result, 1);
}

void
sng_report_add_run (SngReport *self, SngMode mode, guint64 n_entries, guint64 first_step, guint64 last_step)
{
  SngReportRun run = { mode, n_entries, first_step, last_step };

  g_array_append_val (self->runs, run);
}

GArray *
sng_report_get_runs (SngReport *self)
{
  return self->runs;
}

guint
sng_report_count (SngReport *self, SngVerdict verdict)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->metrics));
  guint count = 0;

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (SngMetricResult) result = g_list_model_get_item (G_LIST_MODEL (self->metrics), i);

      count += sng_metric_result_get_verdict (result) == verdict;
    }

  return count;
}

/**
 * sng_report_get_verdict:
 * @self: a report
 *
 * Gets the verdict on the whole.
 *
 * Returns: the verdict
 *
 * Since: 1.0
 */
SngVerdict
sng_report_get_verdict (SngReport *self)
{
  g_return_val_if_fail (SNG_IS_REPORT (self), SNG_VERDICT_INCONCLUSIVE);

  if (sng_report_count (self, SNG_VERDICT_NONDETERMINISTIC) > 0)
    return SNG_VERDICT_NONDETERMINISTIC;

  if (sng_report_count (self, SNG_VERDICT_DIVERGED) > 0)
    return SNG_VERDICT_DIVERGED;

  if (sng_report_count (self, SNG_VERDICT_INCONCLUSIVE) > 0
      || g_list_model_get_n_items (G_LIST_MODEL (self->metrics)) == 0)
    return SNG_VERDICT_INCONCLUSIVE;

  return SNG_VERDICT_PASS;
}

/**
 * sng_report_get_metrics:
 * @self: a report
 *
 * Gets what was found out about each metric.
 *
 * Returns: (transfer none): a list of [class@Sng.MetricResult], in the order of
 *   declaration
 *
 * Since: 1.0
 */
GListModel *
sng_report_get_metrics (SngReport *self)
{
  g_return_val_if_fail (SNG_IS_REPORT (self), NULL);

  return G_LIST_MODEL (self->metrics);
}

/**
 * sng_report_lookup_metric:
 * @self: a report
 * @name: a metric's name
 *
 * Looks up what was found out about one metric.
 *
 * Returns: (transfer none) (nullable): the result, or %NULL when the report has none
 *   of this name
 *
 * Since: 1.0
 */
SngMetricResult *
sng_report_lookup_metric (SngReport *self, const char *name)
{
  guint n;

  g_return_val_if_fail (SNG_IS_REPORT (self), NULL);
  g_return_val_if_fail (name != NULL, NULL);

  n = g_list_model_get_n_items (G_LIST_MODEL (self->metrics));
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (SngMetricResult) result = g_list_model_get_item (G_LIST_MODEL (self->metrics), i);

      /* the list keeps it alive */
      if (g_strcmp0 (sng_metric_result_get_name (result), name) == 0)
        return result;
    }

  return NULL;
}

/**
 * sng_report_get_first_divergence:
 * @self: a report
 *
 * Gets where the runs differ first: at the earliest step, and within it at the
 * entry that the continuous run recorded first. Of a nondeterministic training it is where
 * the two uninterrupted runs differ.
 *
 * Returns: (transfer none) (nullable): the divergence, or %NULL when there is none
 *
 * Since: 1.0
 */
SngDivergence *
sng_report_get_first_divergence (SngReport *self)
{
  SngDivergence *first = NULL;
  SngVerdict verdict;
  guint n;

  g_return_val_if_fail (SNG_IS_REPORT (self), NULL);

  verdict = sng_report_get_verdict (self);
  n = g_list_model_get_n_items (G_LIST_MODEL (self->metrics));
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (SngMetricResult) result = g_list_model_get_item (G_LIST_MODEL (self->metrics), i);
      SngDivergence *divergence = sng_metric_result_get_first_divergence (result);

      if (divergence == NULL || sng_metric_result_get_verdict (result) != verdict)
        continue;
      if (first == NULL || sng_divergence_compare (divergence, first) < 0)
        first = divergence;
    }

  return first;
}

/**
 * sng_report_save:
 * @self: a report
 * @path: (type filename): the file to write, which is replaced
 * @error: return location for a #GError
 *
 * Writes the report as JSON, as [method@Sng.Report.to_json] gives it.
 *
 * Returns: %TRUE, or %FALSE with %SNG_ERROR_IO; the file is then as it was
 *
 * Since: 1.0
 */
gboolean
sng_report_save (SngReport *self, const char *path, GError **error)
{
  g_autofree char *json = NULL;
  g_autoptr (GError) local_error = NULL;

  g_return_val_if_fail (SNG_IS_REPORT (self), FALSE);
  g_return_val_if_fail (path != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  json = sng_report_to_json (self);
  if (g_file_set_contents (path, json, -1, &local_error))
    return TRUE;

  g_set_error (error, SNG_ERROR, SNG_ERROR_IO, "[report][save] %s: %s", path, local_error->message);
  return FALSE;
}
