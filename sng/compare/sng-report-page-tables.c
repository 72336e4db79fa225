/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The elements, the faults, the environments and the charts of a report's page. */

#include "compare/sng-report-page-private.h"

#include "record/sng-environment-private.h"
#include "record/sng-number-private.h"

/* ---- Elements ---- */

static void
append_bin (JsonArray *bins, const char *label, gint64 count)
{
  JsonObject *bin = json_object_new ();

  json_object_set_string_member (bin, "label", label);
  json_object_set_int_member (bin, "count", count);
  json_array_add_object_element (bins, bin);
}

static char *
print_power (guint exponent)
{
  const char *const digits[] = { "⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹" };

  return exponent < 10 ? g_strdup_printf ("10%s", digits[exponent])
                       : g_strdup_printf ("10%s%s", digits[exponent / 10], digits[exponent % 10]);
}

/* Distances of 1 to 9, of 10 to 99, and so on. */
static char *
print_decade (guint decade)
{
  const char *const first[] = { "1–9", "10–99", "100–999" };
  g_autofree char *power = print_power (decade);

  return decade < G_N_ELEMENTS (first) ? g_strdup (first[decade]) : g_strconcat ("≥ ", power, NULL);
}

static char *
print_index (JsonArray *index)
{
  g_autoptr (GString) text = g_string_new ("[");

  for (guint i = 0; i < json_array_get_length (index); i++)
    g_string_append_printf (text, "%s%" G_GINT64_FORMAT, i > 0 ? ", " : "",
                            json_array_get_int_element (index, i));
  g_string_append_c (text, ']');

  return g_strdup (text->str);
}

void
sng_report_page_add_elements (JsonObject *report)
{
  JsonObject *elements = sng_report_page_get_object (report, "elements");
  JsonArray *histogram, *index, *bins;
  gint64 unordered;

  if (elements == NULL)
    return;

  index = sng_report_page_get_array (elements, "first_index");
  if (index != NULL && json_array_get_length (index) > 0)
    {
      g_autofree char *text = print_index (index);

      json_object_set_string_member (elements, "index", text);
    }

  bins = json_array_new ();
  histogram = sng_report_page_get_array (elements, "histogram");
  for (guint i = 0; histogram != NULL && i < json_array_get_length (histogram); i++)
    {
      g_autofree char *label = print_decade (i);

      append_bin (bins, label, json_array_get_int_element (histogram, i));
    }

  unordered = json_object_get_int_member_with_default (elements, "unordered", 0);
  if (unordered > 0)
    append_bin (bins, "not a number", unordered);
  json_object_set_array_member (elements, "bins", bins);
}

/* ---- Faults ---- */

static void
add_fault (JsonObject *fault)
{
  const char *cause = sng_report_page_get_string (fault, "cause");
  const char *expected = sng_report_page_get_string (fault, "expected_cause");
  gboolean planted = json_object_get_boolean_member_with_default (fault, "planted", FALSE);
  gboolean detected = json_object_get_boolean_member_with_default (fault, "detected", FALSE);
  gboolean other = cause != NULL && expected != NULL && !g_str_equal (cause, expected);
  const char *original = "";

  if (planted)
    original =
        json_object_get_boolean_member_with_default (fault, "found_by_original", FALSE) ? "found" : "missed";

  json_object_set_string_member (fault, "class", !planted ? "not-planted" : detected ? "found" : "missed");
  json_object_set_string_member (fault, "sign", !planted ? "–" : detected ? "✓" : "✗");
  json_object_set_string_member (fault, "result", !planted ? "not planted" : detected ? "found" : "missed");
  json_object_set_string_member (fault, "original", original);
  json_object_set_boolean_member (fault, "other_cause", other);
  json_object_set_boolean_member (fault, "wrong_cause", other && !g_str_equal (cause, "unknown"));
}

static guint
count_class (JsonArray *faults, const char *class)
{
  guint count = 0;

  for (guint i = 0; i < json_array_get_length (faults); i++)
    count += g_str_equal (json_object_get_string_member (json_array_get_object_element (faults, i), "class"),
                          class);

  return count;
}

void
sng_report_page_add_faults (JsonObject *report)
{
  JsonArray *faults = sng_report_page_get_array (report, "faults");

  if (faults == NULL)
    return;

  for (guint i = 0; i < json_array_get_length (faults); i++)
    add_fault (json_array_get_object_element (faults, i));

  json_object_set_int_member (report, "n_found", count_class (faults, "found"));
  json_object_set_int_member (report, "n_missed", count_class (faults, "missed"));
  json_object_set_int_member (report, "n_not_planted", count_class (faults, "not-planted"));
}

/* ---- Kills ---- */

static void
add_kill (JsonObject *kill)
{
  const char *outcome = sng_report_page_get_string (kill, "outcome");
  gboolean lost = g_strcmp0 (outcome, "LOST WORK") == 0;
  gboolean passed = lost || g_strcmp0 (outcome, "PASS") == 0;

  json_object_set_string_member (kill, "class", !passed ? "missed" : lost ? "not-planted" : "found");
  json_object_set_string_member (kill, "sign", !passed ? "✗" : lost ? "–" : "✓");
}

void
sng_report_page_add_kills (JsonObject *report)
{
  static const char *const outcomes[] = { "PASS", "LOST WORK", "HARD FAIL", "SILENT DIVERGENCE" };
  static const char *const names[] = { "n_kills_passed", "n_lost_work", "n_hard_fail", "n_silent" };
  JsonArray *kills = sng_report_page_get_array (report, "kills");

  if (kills == NULL)
    return;

  for (guint i = 0; i < json_array_get_length (kills); i++)
    add_kill (json_array_get_object_element (kills, i));

  for (guint i = 0; i < G_N_ELEMENTS (outcomes); i++)
    {
      guint count = 0;

      for (guint k = 0; k < json_array_get_length (kills); k++)
        count += g_strcmp0 (sng_report_page_get_string (json_array_get_object_element (kills, k), "outcome"),
                            outcomes[i])
                 == 0;
      json_object_set_int_member (report, names[i], count);
    }
}

/* ---- Environment ---- */

/* What a run has under the key; a run that lacks it differs from one that has it, but not in a choice (NULL). */
static const char *
get_setting (JsonObject *run, const char *key)
{
  const char *value = sng_report_page_get_string (json_object_get_object_member (run, "environment"), key);

  return value != NULL || sng_environment_is_choice (key) ? value : "(none)";
}

static gboolean
has_environment (JsonObject *run)
{
  JsonObject *environment = sng_report_page_get_object (run, "environment");

  return environment != NULL && json_object_get_size (environment) > 0;
}

static int
compare_kinds (gconstpointer a, gconstpointer b)
{
  return sng_environment_is_choice (*(const char *const *) a)
         - sng_environment_is_choice (*(const char *const *) b);
}

/* All keys that any run has, in the order in which they are met, but choices last: they follow from the rest. */
static GPtrArray *
list_settings (GPtrArray *runs)
{
  g_autoptr (GHashTable) known = g_hash_table_new (g_str_hash, g_str_equal);
  GPtrArray *keys = g_ptr_array_new ();

  for (guint i = 0; i < runs->len; i++)
    {
      JsonObject *environment = json_object_get_object_member (runs->pdata[i], "environment");
      g_autoptr (GList) names = json_object_get_members (environment);

      for (GList *name = names; name != NULL; name = name->next)
        if (g_hash_table_add (known, name->data))
          g_ptr_array_add (keys, name->data);
    }
  g_ptr_array_sort (keys, compare_kinds);

  return keys;
}

/* A line for each value that the setting has in any run, with the names of these runs. */
static JsonArray *
list_values (GPtrArray *runs, const char *key)
{
  JsonArray *values = json_array_new ();

  for (guint i = 0; i < runs->len; i++)
    {
      const char *value = get_setting (runs->pdata[i], key);
      const char *name = json_object_get_string_member (runs->pdata[i], "name");
      JsonObject *line = NULL;
      g_autofree char *names = NULL;

      if (value == NULL)
        continue;

      for (guint k = 0; k < json_array_get_length (values) && line == NULL; k++)
        {
          JsonObject *other = json_array_get_object_element (values, k);

          if (g_str_equal (json_object_get_string_member (other, "value"), value))
            line = other;
        }

      if (line == NULL)
        {
          line = json_object_new ();
          json_object_set_string_member (line, "key", key);
          json_object_set_string_member (line, "value", value);
          json_array_add_object_element (values, line);
          names = g_strdup (name);
        }
      else
        {
          names = g_strdup_printf ("%s, %s", json_object_get_string_member (line, "names"), name);
        }

      json_object_set_string_member (line, "names", names);
    }

  return values;
}

void
sng_report_page_add_environment (JsonObject *report)
{
  JsonArray *all = sng_report_page_get_array (report, "runs");
  g_autoptr (GPtrArray) runs = g_ptr_array_new ();
  g_autoptr (GPtrArray) keys = NULL;
  JsonObject *environment;
  JsonArray *same, *different;

  for (guint i = 0; all != NULL && i < json_array_get_length (all); i++)
    if (has_environment (json_array_get_object_element (all, i)))
      g_ptr_array_add (runs, json_array_get_object_element (all, i));
  if (runs->len == 0)
    return;

  environment = json_object_new ();
  same = json_array_new ();
  different = json_array_new ();
  keys = list_settings (runs);

  for (guint i = 0; i < keys->len; i++)
    {
      JsonArray *values = list_values (runs, keys->pdata[i]);

      if (json_array_get_length (values) == 1)
        {
          json_array_add_object_element (same, json_object_ref (json_array_get_object_element (values, 0)));
          json_array_unref (values);
        }
      else
        {
          JsonObject *setting = json_object_new ();

          json_object_set_array_member (setting, "values", values);
          json_array_add_object_element (different, setting);
        }
    }

  json_object_set_array_member (environment, "same", same);
  json_object_set_array_member (environment, "different", different);
  json_object_set_object_member (report, "environment", environment);
}

/* ---- Charts ---- */

/* These have a place on the page in any case. */
static const char *const expected_series[] = { "TrainLoss", "LearningRate", "GradientNorm" };

static JsonObject *
append_chart (JsonArray *charts, const char *name)
{
  JsonObject *chart = json_object_new ();

  json_object_set_string_member (chart, "name", name);
  json_object_set_array_member (chart, "runs", json_array_new ());
  json_array_add_object_element (charts, chart);

  return chart;
}

static JsonObject *
get_chart (JsonArray *charts, const char *name)
{
  for (guint i = 0; i < json_array_get_length (charts); i++)
    {
      JsonObject *chart = json_array_get_object_element (charts, i);

      if (g_str_equal (json_object_get_string_member (chart, "name"), name))
        return chart;
    }

  return append_chart (charts, name);
}

static void
add_series (JsonArray *charts, JsonObject *run)
{
  JsonArray *series = sng_report_page_get_array (run, "series");

  for (guint i = 0; series != NULL && i < json_array_get_length (series); i++)
    {
      JsonObject *one = json_array_get_object_element (series, i);
      JsonObject *chart = get_chart (charts, json_object_get_string_member (one, "name"));
      JsonArray *steps = json_object_get_array_member (one, "steps");
      JsonObject *line;

      if (json_array_get_length (steps) == 0)
        continue;

      line = json_object_new ();
      json_object_set_string_member (line, "name", json_object_get_string_member (run, "name"));
      json_object_set_string_member (line, "mode", json_object_get_string_member (run, "mode"));
      json_object_set_array_member (line, "steps", json_array_ref (steps));
      json_object_set_array_member (line, "values",
                                    json_array_ref (json_object_get_array_member (one, "values")));
      json_array_add_object_element (json_object_get_array_member (chart, "runs"), line);
    }
}

/* What is not finite is a text. */
static char *
print_point (JsonArray *values, guint i)
{
  char buffer[SNG_NUMBER_BUFFER_SIZE];
  JsonNode *node = json_array_get_element (values, i);

  return json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_dup_string (node)
             : g_strdup (sng_number_print (buffer, json_node_get_double (node)));
}

/* What the plot shows, for who cannot see it. */
static char *
describe_chart (JsonObject *chart)
{
  JsonArray *runs = json_object_get_array_member (chart, "runs");
  g_autoptr (GString) text = g_string_new (json_object_get_string_member (chart, "name"));

  for (guint i = 0; i < json_array_get_length (runs); i++)
    {
      JsonObject *run = json_array_get_object_element (runs, i);
      JsonArray *steps = json_object_get_array_member (run, "steps");
      JsonArray *values = json_object_get_array_member (run, "values");
      guint last = json_array_get_length (steps) - 1;
      g_autofree char *first_value = print_point (values, 0);
      g_autofree char *last_value = print_point (values, last);

      g_string_append_printf (
          text, "; %s from %s at step %" G_GINT64_FORMAT " to %s at step %" G_GINT64_FORMAT,
          json_object_get_string_member (run, "name"), first_value, json_array_get_int_element (steps, 0),
          last_value, json_array_get_int_element (steps, last));
    }

  return g_strdup (text->str);
}

/* One for each metric that is one number a step, with all runs in it. */
void
sng_report_page_add_charts (JsonObject *report)
{
  JsonArray *runs = sng_report_page_get_array (report, "runs");
  JsonArray *charts;

  if (runs == NULL || json_array_get_length (runs) == 0)
    return;

  charts = json_array_new ();
  for (guint i = 0; i < G_N_ELEMENTS (expected_series); i++)
    append_chart (charts, expected_series[i]);
  for (guint i = 0; i < json_array_get_length (runs); i++)
    add_series (charts, json_array_get_object_element (runs, i));

  for (guint i = 0; i < json_array_get_length (charts); i++)
    {
      JsonObject *chart = json_array_get_object_element (charts, i);
      g_autofree char *text = describe_chart (chart);

      json_object_set_string_member (chart, "text", text);
      json_object_set_boolean_member (
          chart, "has_values", json_array_get_length (json_object_get_array_member (chart, "runs")) > 0);
    }

  json_object_set_array_member (report, "charts", charts);
}
