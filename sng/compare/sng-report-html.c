/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A report for a browser: what the JSON has of it, and what only a picture can show. */

#include "compare/sng-report-page-private.h"
#include "compare/sng-report-private.h"

#include <math.h>

#include "compare/sng-metric-result-private.h"

/* Steps in a row with the same counts are one element. */
static void
add_steps (JsonObject *metric, SngMetricResult *result)
{
  GArray *steps = sng_metric_result_get_steps (result);
  JsonArray *all = json_array_new ();

  for (guint i = 0, next = 0; steps != NULL && i < steps->len; i = next)
    {
      SngMetricStep *first = &g_array_index (steps, SngMetricStep, i);
      SngMetricStep *last = first;
      JsonArray *one = json_array_new ();

      for (next = i + 1; next < steps->len; next++)
        {
          SngMetricStep *step = &g_array_index (steps, SngMetricStep, next);

          if (step->step != last->step + 1 || step->n_compared != first->n_compared
              || step->n_different != first->n_different)
            break;
          last = step;
        }

      json_array_add_int_element (one, (gint64) first->step);
      json_array_add_int_element (one, (gint64) last->step);
      json_array_add_int_element (one, (gint64) first->n_compared);
      json_array_add_int_element (one, (gint64) first->n_different);
      json_array_add_array_element (all, one);
    }

  json_object_set_array_member (metric, "steps", all);
}

/* JSON has no numbers that are not finite: they are texts. */
static void
add_number (JsonArray *array, double number)
{
  if (isfinite (number))
    json_array_add_double_element (array, number);
  else
    json_array_add_string_element (array, isnan (number) ? "nan" : number > 0.0 ? "inf" : "-inf");
}

static void
add_series (JsonObject *json, SngReportRun *run)
{
  const char *const *curves = sng_report_run_list_curves (run);
  JsonArray *series = json_array_new ();

  for (guint i = 0; curves[i] != NULL; i++)
    {
      GArray *points = sng_report_run_get_curve (run, curves[i]);
      JsonObject *one = json_object_new ();
      JsonArray *steps = json_array_new ();
      JsonArray *values = json_array_new ();

      for (guint k = 0; k < points->len; k++)
        {
          SngReportPoint *point = &g_array_index (points, SngReportPoint, k);

          json_array_add_int_element (steps, (gint64) point->step);
          add_number (values, point->value);
        }

      json_object_set_string_member (one, "name", curves[i]);
      json_object_set_array_member (one, "steps", steps);
      json_object_set_array_member (one, "values", values);
      json_array_add_object_element (series, one);
    }

  json_object_set_array_member (json, "series", series);
}

/* What a part looked at of a run, another may have looked on from. */
static void
widen (JsonObject *known, JsonObject *run)
{
  if (!json_object_has_member (run, "first_step"))
    return;

  json_object_set_int_member (known, "first_step",
                              MIN (json_object_get_int_member_with_default (known, "first_step", G_MAXINT64),
                                   json_object_get_int_member (run, "first_step")));
  json_object_set_int_member (known, "last_step",
                              MAX (json_object_get_int_member_with_default (known, "last_step", 0),
                                   json_object_get_int_member (run, "last_step")));
}

/* All runs of the report and of its parts, each once. */
static void
collect_runs (JsonArray *all, GHashTable *by_name, JsonObject *json, SngReport *report)
{
  GListModel *runs = sng_report_get_runs (report);
  GListModel *parts = sng_report_get_parts (report);

  for (guint i = 0; i < g_list_model_get_n_items (runs); i++)
    {
      g_autoptr (SngReportRun) run = g_list_model_get_item (runs, i);
      JsonObject *object = json_array_get_object_element (json_object_get_array_member (json, "runs"), i);
      JsonObject *known = g_hash_table_lookup (by_name, sng_report_run_get_name (run));

      if (known != NULL)
        {
          widen (known, object);
          continue;
        }

      add_series (object, run);
      json_array_add_object_element (all, json_object_ref (object));
      g_hash_table_insert (by_name, g_strdup (sng_report_run_get_name (run)), object);
    }

  for (guint i = 0; i < g_list_model_get_n_items (parts); i++)
    {
      g_autoptr (SngReport) part = g_list_model_get_item (parts, i);

      collect_runs (all, by_name,
                    json_array_get_object_element (json_object_get_array_member (json, "parts"), i), part);
    }
}

/**
 * sng_report_to_html:
 * @self: a report
 *
 * Writes the report as one page for a browser: the verdict and the first divergence, what each run did and when it was
 * stopped, the steps at which each metric is equal and different, the curves of loss, learning rate and norm of the
 * gradients of all runs over each other, the faults, and what differs between the environments.
 *
 * The page is whole: it needs no network and no other file. Without a script all of it is there but the
 * curves, which are drawn by Chart.js.
 *
 * Returns: (transfer full): the page, in UTF-8
 *
 * Since: 1.0
 */
char *
sng_report_to_html (SngReport *self)
{
  g_autoptr (GHashTable) by_name = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autofree char *text = NULL;
  g_autoptr (JsonNode) root = NULL;
  SngDivergence *first;
  GListModel *metrics;
  JsonObject *json;
  JsonArray *runs;

  g_return_val_if_fail (SNG_IS_REPORT (self), NULL);

  text = sng_report_to_json (self);
  root = json_from_string (text, NULL);
  json = json_node_get_object (root);

  first = sng_report_get_first_divergence (self);
  if (first != NULL)
    {
      g_autofree char *place = sng_divergence_dup_place (first);

      json_object_set_string_member (json_object_get_object_member (json, "first_divergence"), "place",
                                     place);
    }

  metrics = sng_report_get_metrics (self);
  for (guint i = 0; i < g_list_model_get_n_items (metrics); i++)
    {
      g_autoptr (SngMetricResult) result = g_list_model_get_item (metrics, i);

      add_steps (json_array_get_object_element (json_object_get_array_member (json, "metrics"), i), result);
    }

  runs = json_array_new ();
  collect_runs (runs, by_name, json, self);
  json_object_set_array_member (json, "runs", runs);

  return sng_report_page_new (json);
}
