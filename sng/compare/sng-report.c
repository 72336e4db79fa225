/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "compare/sng-report-private.h"

#include "compare/sng-divergence-private.h"

/**
 * SngReport:
 *
 * What a check found out.
 *
 * There is a [class@Sng.MetricResult] for each metric, in the order in which the
 * continuous run declared them, and a verdict on the whole: %SNG_VERDICT_NONDETERMINISTIC
 * when two uninterrupted runs differ, else %SNG_VERDICT_DIVERGED when any metric
 * diverged, else %SNG_VERDICT_INCONCLUSIVE when any is inconclusive or there is none,
 * else %SNG_VERDICT_PASS.
 *
 * A check of several parts, such as one of every stop point, has a report for each of
 * them in [method@Sng.Report.get_parts], and the verdict on the whole takes them in: it
 * is the worst of all, in the order above.
 *
 * A check by planted faults has a [class@Sng.FaultResult] for each in
 * [method@Sng.Report.get_faults]. Its metrics and parts are then those of the control,
 * the same check without a fault. The verdict is %SNG_VERDICT_PASS when the control
 * passes and every fault that was planted is found, and there is one; otherwise
 * %SNG_VERDICT_INCONCLUSIVE, for a check that misses a fault proves little by passing.
 *
 * A check by kills before file operations has a [class@Sng.KillResult] for each in
 * [method@Sng.Report.get_kills]. Its metrics, where it has any, are those of the control: two runs that nothing
 * ended. The verdict is that of these unless they pass, and else %SNG_VERDICT_DIVERGED when any kill made the
 * training fail or differ.
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

  char *title;
  GListStore *metrics;
  GListStore *parts;
  GListStore *runs;
  GListStore *faults;
  GListStore *kills;
  GPtrArray *notes; /* with a NULL at its end */
  SngDiagnosis *diagnosis;
  SngTensorDiff *elements;
  gboolean is_tolerant;
};

G_DEFINE_FINAL_TYPE (SngReport, sng_report, G_TYPE_OBJECT)

static void
sng_report_finalize (GObject *object)
{
  SngReport *self = SNG_REPORT (object);

  g_free (self->title);
  g_clear_object (&self->metrics);
  g_clear_object (&self->parts);
  g_clear_object (&self->runs);
  g_clear_object (&self->faults);
  g_clear_object (&self->kills);
  g_clear_pointer (&self->notes, g_ptr_array_unref);
  g_clear_object (&self->diagnosis);
  g_clear_object (&self->elements);

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
  self->parts = g_list_store_new (SNG_TYPE_REPORT);
  self->runs = g_list_store_new (SNG_TYPE_REPORT_RUN);
  self->faults = g_list_store_new (SNG_TYPE_FAULT_RESULT);
  self->kills = g_list_store_new (SNG_TYPE_KILL_RESULT);
  self->notes = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (self->notes, NULL);
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
sng_report_set_title (SngReport *self, const char *title)
{
  char *copy = g_strdup (title);

  g_free (self->title);
  self->title = copy;
}

void
sng_report_add_part (SngReport *self, SngReport *part)
{
  g_list_store_append (self->parts, part);
}

void
sng_report_add_run (SngReport *self, SngReportRun *run)
{
  g_list_store_append (self->runs, run);
}

void
sng_report_add_fault (SngReport *self, SngFaultResult *fault)
{
  g_list_store_append (self->faults, fault);
}

void
sng_report_add_kill (SngReport *self, SngKillResult *kill)
{
  g_list_store_append (self->kills, kill);
}

void
sng_report_add_note (SngReport *self, const char *note)
{
  g_ptr_array_insert (self->notes, (int) self->notes->len - 1, g_strdup (note));
}

void
sng_report_set_tolerant (SngReport *self, gboolean is_tolerant)
{
  self->is_tolerant = is_tolerant;
}

gboolean
sng_report_is_tolerant (SngReport *self)
{
  return self->is_tolerant;
}

void
sng_report_set_diagnosis (SngReport *self, SngDiagnosis *diagnosis)
{
  g_set_object (&self->diagnosis, diagnosis);
}

void
sng_report_set_elements (SngReport *self, SngTensorDiff *elements)
{
  g_set_object (&self->elements, elements);
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

guint
sng_report_count_parts (SngReport *self, SngVerdict verdict)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->parts));
  guint count = 0;

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (SngReport) part = g_list_model_get_item (G_LIST_MODEL (self->parts), i);

      count += sng_report_get_verdict (part) == verdict;
    }

  return count;
}

void
sng_report_count_faults (SngReport *self, guint *n_planted, guint *n_missed)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->faults));

  *n_planted = 0;
  *n_missed = 0;
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (SngFaultResult) fault = g_list_model_get_item (G_LIST_MODEL (self->faults), i);

      *n_planted += sng_fault_result_get_planted (fault);
      *n_missed += sng_fault_result_get_planted (fault) && !sng_fault_result_get_detected (fault);
    }
}

guint
sng_report_count_kills (SngReport *self, SngKillOutcome outcome)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->kills));
  guint count = 0;

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (SngKillResult) kill = g_list_model_get_item (G_LIST_MODEL (self->kills), i);

      count += sng_kill_result_get_outcome (kill) == outcome;
    }

  return count;
}

SngKillResult *
sng_report_find_kill (SngReport *self, SngKillOutcome outcome)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->kills));

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (SngKillResult) kill = g_list_model_get_item (G_LIST_MODEL (self->kills), i);

      if (sng_kill_result_get_outcome (kill) == outcome)
        return kill; /* the list keeps it */
    }

  return NULL;
}

void
sng_report_count_compared (SngReport *self, guint *n_metrics, guint64 *n_compared)
{
  GListModel *metrics = G_LIST_MODEL (self->metrics);
  GListModel *parts = G_LIST_MODEL (self->parts);

  *n_metrics += g_list_model_get_n_items (metrics);
  for (guint i = 0; i < g_list_model_get_n_items (metrics); i++)
    {
      g_autoptr (SngMetricResult) result = g_list_model_get_item (metrics, i);

      *n_compared += sng_metric_result_get_compared (result);
    }

  for (guint i = 0; i < g_list_model_get_n_items (parts); i++)
    {
      g_autoptr (SngReport) part = g_list_model_get_item (parts, i);

      sng_report_count_compared (part, n_metrics, n_compared);
    }
}

SngVerdict
sng_report_get_control_verdict (SngReport *self)
{
  const SngVerdict verdicts[] = { SNG_VERDICT_NONDETERMINISTIC, SNG_VERDICT_DIVERGED,
                                  SNG_VERDICT_INCONCLUSIVE };

  for (guint i = 0; i < G_N_ELEMENTS (verdicts); i++)
    {
      if (sng_report_count (self, verdicts[i]) > 0 || sng_report_count_parts (self, verdicts[i]) > 0)
        return verdicts[i];
    }

  return g_list_model_get_n_items (G_LIST_MODEL (self->metrics)) == 0
                 && g_list_model_get_n_items (G_LIST_MODEL (self->parts)) == 0
             ? SNG_VERDICT_INCONCLUSIVE
             : SNG_VERDICT_PASS;
}

/* Without metrics and parts there was no need of a control. */
static SngVerdict
get_verdict_on_kills (SngReport *self, SngVerdict control)
{
  gboolean has_control = g_list_model_get_n_items (G_LIST_MODEL (self->metrics)) > 0
                         || g_list_model_get_n_items (G_LIST_MODEL (self->parts)) > 0;

  if (has_control && control != SNG_VERDICT_PASS)
    return control;

  return sng_report_count_kills (self, SNG_KILL_OUTCOME_HARD_FAIL) > 0
                 || sng_report_count_kills (self, SNG_KILL_OUTCOME_SILENT_DIVERGENCE) > 0
             ? SNG_VERDICT_DIVERGED
             : SNG_VERDICT_PASS;
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
  SngVerdict control;
  guint n_planted, n_missed;

  g_return_val_if_fail (SNG_IS_REPORT (self), SNG_VERDICT_INCONCLUSIVE);

  control = sng_report_get_control_verdict (self);
  if (g_list_model_get_n_items (G_LIST_MODEL (self->kills)) > 0)
    return get_verdict_on_kills (self, control);
  if (g_list_model_get_n_items (G_LIST_MODEL (self->faults)) == 0)
    return control;

  sng_report_count_faults (self, &n_planted, &n_missed);

  return control == SNG_VERDICT_PASS && n_planted > 0 && n_missed == 0 ? SNG_VERDICT_PASS
                                                                       : SNG_VERDICT_INCONCLUSIVE;
}

/**
 * sng_report_get_title:
 * @self: a report
 *
 * Gets what was checked. The title of a part tells it apart from the others.
 *
 * Returns: (transfer none) (nullable): a string in one line, such as `stop after step 3`, or
 *   %NULL
 *
 * Since: 1.0
 */
const char *
sng_report_get_title (SngReport *self)
{
  g_return_val_if_fail (SNG_IS_REPORT (self), NULL);

  return self->title;
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
 * sng_report_get_parts:
 * @self: a report
 *
 * Gets the reports on the parts of the check, such as the stop points of a sweep.
 *
 * Returns: (transfer none): a list of [class@Sng.Report], which is empty for a check of one
 *   part
 *
 * Since: 1.0
 */
GListModel *
sng_report_get_parts (SngReport *self)
{
  g_return_val_if_fail (SNG_IS_REPORT (self), NULL);

  return G_LIST_MODEL (self->parts);
}

/**
 * sng_report_get_runs:
 * @self: a report
 *
 * Gets the runs that were compared. Those of a part are in the part.
 *
 * Returns: (transfer none): a list of [class@Sng.ReportRun], the continuous one first
 *
 * Since: 1.0
 */
GListModel *
sng_report_get_runs (SngReport *self)
{
  g_return_val_if_fail (SNG_IS_REPORT (self), NULL);

  return G_LIST_MODEL (self->runs);
}

/**
 * sng_report_get_kills:
 * @self: a report
 *
 * Gets what became of the training after a kill before each of its file operations.
 *
 * Returns: (transfer none): a list of [class@Sng.KillResult], in the order of the operations; empty for a check
 *   without such kills
 *
 * Since: 1.0
 */
GListModel *
sng_report_get_kills (SngReport *self)
{
  g_return_val_if_fail (SNG_IS_REPORT (self), NULL);

  return G_LIST_MODEL (self->kills);
}

/**
 * sng_report_get_faults:
 * @self: a report
 *
 * Gets what became of the faults that were planted.
 *
 * Returns: (transfer none): a list of [class@Sng.FaultResult], which is empty for a check
 *   without faults
 *
 * Since: 1.0
 */
GListModel *
sng_report_get_faults (SngReport *self)
{
  g_return_val_if_fail (SNG_IS_REPORT (self), NULL);

  return G_LIST_MODEL (self->faults);
}

/**
 * sng_report_get_notes:
 * @self: a report
 *
 * Gets what else is to be said, such as what a sweep cost. Notes are the one thing in a
 * report, beside [method@Sng.ReportRun.get_seconds], that may be another one each time.
 *
 * Returns: (transfer none) (array zero-terminated=1): the notes, a line each
 *
 * Since: 1.0
 */
const char *const *
sng_report_get_notes (SngReport *self)
{
  g_return_val_if_fail (SNG_IS_REPORT (self), NULL);

  return (const char *const *) self->notes->pdata;
}

/**
 * sng_report_get_diagnosis:
 * @self: a report
 *
 * Gets why the runs differ, as far as the records tell. [class@Sng.Harness] sees to it; a report of
 * [class@Sng.Comparison] has none, and [func@Sng.diagnose_report] makes one of it.
 *
 * Returns: (transfer none) (nullable): the diagnosis, or %NULL where nothing differs or nobody has
 *   looked for the reason
 *
 * Since: 1.0
 */
SngDiagnosis *
sng_report_get_diagnosis (SngReport *self)
{
  g_return_val_if_fail (SNG_IS_REPORT (self), NULL);

  return self->diagnosis;
}

/**
 * sng_report_get_elements:
 * @self: a report
 *
 * Gets how the elements of the tensor differ in which the runs differ first.
 *
 * Returns: (transfer none) (nullable): the comparison of its elements, the continuous run's
 *   first; %NULL when nothing differs or the tensor was not looked into
 *
 * Since: 1.0
 */
SngTensorDiff *
sng_report_get_elements (SngReport *self)
{
  g_return_val_if_fail (SNG_IS_REPORT (self), NULL);

  return self->elements;
}

SngDivergence *
sng_report_find_divergence (SngReport *self, SngVerdict verdict)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->metrics));
  SngDivergence *first = NULL;

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

SngReport *
sng_report_find_part (SngReport *self, SngVerdict verdict)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->parts));

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (SngReport) part = g_list_model_get_item (G_LIST_MODEL (self->parts), i);

      /* the list keeps it alive */
      if (sng_report_get_verdict (part) == verdict)
        return part;
    }

  return NULL;
}

SngReport *
sng_report_find_first_source (SngReport *self)
{
  SngVerdict verdict = sng_report_get_control_verdict (self);
  SngReport *part;

  if (sng_report_find_divergence (self, verdict) != NULL)
    return self;

  part = sng_report_find_part (self, verdict);

  return part != NULL ? sng_report_find_first_source (part) : NULL;
}

/**
 * sng_report_get_first_divergence:
 * @self: a report
 *
 * Gets where the runs differ first: at the earliest step, and within it at the
 * entry that the continuous run recorded first. Of a nondeterministic training it is where
 * the two uninterrupted runs differ. Where only parts differ, it is that of the first of
 * them in the order of the report.
 *
 * Returns: (transfer none) (nullable): the divergence, or %NULL when there is none
 *
 * Since: 1.0
 */
SngDivergence *
sng_report_get_first_divergence (SngReport *self)
{
  SngReport *source;

  g_return_val_if_fail (SNG_IS_REPORT (self), NULL);

  source = sng_report_find_first_source (self);

  return source != NULL ? sng_report_find_divergence (source, sng_report_get_control_verdict (source)) : NULL;
}
