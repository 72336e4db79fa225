/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What is drawn along a line of steps, or of parts: places are in per cent of its length. */

#include "compare/sng-report-page-private.h"

#include <math.h>

#include "record/sng-number-private.h"

/* Above this many fields in a line, neighbours that look the same become one. */
#define MAX_FIELDS 120
#define MAX_TICKS 10

/* A line of fields, each for one number. */
typedef struct
{
  gint64 first;
  gint64 last;
} Axis;

static double
to_percent (const Axis *axis, double fields)
{
  return round (fields / (double) (axis->last - axis->first + 1) * 100000.0) / 1000.0;
}

/* Whether the fields are too many for each to be seen. */
static gboolean
is_fine (const Axis *axis)
{
  return axis->last - axis->first >= MAX_FIELDS;
}

/* Where the field of the number begins. */
static double
locate (const Axis *axis, gint64 number)
{
  return to_percent (axis, (double) (number - axis->first));
}

static JsonArray *
add_array (JsonObject *object, const char *name)
{
  JsonArray *array = json_array_new ();

  json_object_set_array_member (object, name, array);

  return array;
}

static JsonObject *
append_object (JsonArray *array)
{
  JsonObject *object = json_object_new ();

  json_array_add_object_element (array, object);

  return object;
}

/* Round numbers, at the middles of their fields. */
static void
add_ticks (JsonObject *report, const char *name, const Axis *axis)
{
  JsonArray *ticks = add_array (report, name);
  const gint64 factors[] = { 1, 2, 5 };
  gint64 distance = 1;
  gint64 power = 1;

  for (guint i = 0; (axis->last - axis->first) / distance >= MAX_TICKS; i++)
    {
      power *= i > 0 && i % G_N_ELEMENTS (factors) == 0 ? 10 : 1;
      distance = factors[i % G_N_ELEMENTS (factors)] * power;
    }

  for (gint64 number = (axis->first + distance - 1) / distance * distance; number <= axis->last;
       number += distance)
    {
      JsonObject *tick = append_object (ticks);

      json_object_set_double_member (tick, "x", to_percent (axis, (double) (number - axis->first) + 0.5));
      json_object_set_int_member (tick, "label", number);
    }
}

/* The steps that any run has, or any metric was compared at. */
static Axis
find_steps (JsonObject *report)
{
  JsonArray *runs = sng_report_page_get_array (report, "runs");
  JsonArray *metrics = sng_report_page_get_array (report, "metrics");
  Axis axis = { G_MAXINT64, 0 };

  for (guint i = 0; runs != NULL && i < json_array_get_length (runs); i++)
    {
      JsonObject *run = json_array_get_object_element (runs, i);

      axis.first = MIN (axis.first, json_object_get_int_member_with_default (run, "first_step", G_MAXINT64));
      axis.last = MAX (axis.last, json_object_get_int_member_with_default (run, "last_step", 0));
    }

  for (guint i = 0; metrics != NULL && i < json_array_get_length (metrics); i++)
    {
      JsonArray *steps = sng_report_page_get_array (json_array_get_object_element (metrics, i), "steps");
      guint n = steps != NULL ? json_array_get_length (steps) : 0;

      if (n == 0)
        continue;

      axis.first = MIN (axis.first, json_array_get_int_element (json_array_get_array_element (steps, 0), 0));
      axis.last =
          MAX (axis.last, json_array_get_int_element (json_array_get_array_element (steps, n - 1), 1));
    }

  axis.first = MIN (axis.first, axis.last);

  return axis;
}

/* ---- Metrics ---- */

typedef struct
{
  gint64 first;
  gint64 last;
  gint64 compared;
  gint64 different;
} Field;

static void
append_field (JsonArray *cells, const Axis *axis, const Field *field)
{
  JsonObject *cell = append_object (cells);
  g_autofree char *steps =
      field->first == field->last
          ? g_strdup_printf ("step %" G_GINT64_FORMAT, field->first)
          : g_strdup_printf ("steps %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, field->first, field->last);
  g_autofree char *title = g_strdup_printf ("%s: %" G_GINT64_FORMAT " compared, %" G_GINT64_FORMAT " differ",
                                            steps, field->compared, field->different);

  json_object_set_double_member (cell, "x", locate (axis, field->first));
  json_object_set_double_member (cell, "width", to_percent (axis, (double) (field->last - field->first + 1)));
  json_object_set_string_member (cell, "class", field->different > 0 ? "different" : "equal");
  json_object_set_string_member (cell, "title", title);
}

static void
add_cells (JsonObject *metric, const Axis *axis)
{
  JsonArray *steps = sng_report_page_get_array (metric, "steps");
  JsonArray *cells = add_array (metric, "cells");
  gboolean merge = is_fine (axis);
  Field open = { 0 };

  json_object_set_boolean_member (metric, "fine", merge);

  for (guint i = 0; steps != NULL && i < json_array_get_length (steps); i++)
    {
      JsonArray *counts = json_array_get_array_element (steps, i);
      Field field = { json_array_get_int_element (counts, 0), json_array_get_int_element (counts, 1),
                      json_array_get_int_element (counts, 2), json_array_get_int_element (counts, 3) };
      gint64 n = field.last - field.first + 1;

      if (merge)
        {
          field.compared *= n;
          field.different *= n;
          if (i > 0 && open.last + 1 == field.first && (open.different > 0) == (field.different > 0))
            {
              open.last = field.last;
              open.compared += field.compared;
              open.different += field.different;
              continue;
            }
          if (i > 0)
            append_field (cells, axis, &open);
          open = field;
          continue;
        }

      for (gint64 step = field.first; step <= field.last; step++)
        append_field (cells, axis, &(Field){ step, step, field.compared, field.different });
    }

  if (merge && steps != NULL && json_array_get_length (steps) > 0)
    append_field (cells, axis, &open);
}

static char *
describe_metric (JsonObject *metric)
{
  const char *reason = sng_report_page_get_string (metric, "reason");
  gint64 compared = json_object_get_int_member_with_default (metric, "compared", 0);
  gint64 different = json_object_get_int_member_with_default (metric, "different", 0);

  if (reason != NULL)
    return g_strdup (reason);

  if (different == 0)
    return g_strdup_printf ("%" G_GINT64_FORMAT " compared", compared);

  return g_strdup_printf ("%" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " %s", different, compared,
                          different == 1 ? "differs" : "differ");
}

void
sng_report_page_add_strips (JsonObject *report)
{
  JsonArray *metrics = sng_report_page_get_array (report, "metrics");
  Axis axis = find_steps (report);

  for (guint i = 0; metrics != NULL && i < json_array_get_length (metrics); i++)
    {
      JsonObject *metric = json_array_get_object_element (metrics, i);
      g_autofree char *text = describe_metric (metric);

      sng_report_page_add_verdict (metric);
      json_object_set_string_member (metric, "text", text);
      add_cells (metric, &axis);
    }
}

/* ---- Runs ---- */

/* The text form of an interrupt: STEP[:KIND[=ARGUMENT]][@PHASE[.INDEX]]. */
typedef struct
{
  gint64 step;
  char *kind;
  char *argument;
  char *phase;
} Interrupt;

static void
interrupt_clear (Interrupt *interrupt)
{
  g_free (interrupt->kind);
  g_free (interrupt->argument);
  g_free (interrupt->phase);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Interrupt, interrupt_clear)

static void
interrupt_parse (Interrupt *interrupt, const char *text)
{
  g_auto (GStrv) at = g_strsplit (text, "@", 2);
  g_auto (GStrv) colon = g_strsplit (at[0] != NULL ? at[0] : "", ":", 2);
  g_auto (GStrv) equals = g_strsplit (g_strv_length (colon) > 1 ? colon[1] : "raise", "=", 2);

  interrupt->step = g_ascii_strtoll (text, NULL, 10);
  interrupt->kind = g_strdup (equals[0]);
  interrupt->argument = g_strdup (equals[1]);
  interrupt->phase = g_strdup (g_strv_length (at) > 1 ? at[1] : NULL);
}

static const char *
interrupt_describe_kind (const Interrupt *interrupt)
{
  if (g_str_equal (interrupt->kind, "kill"))
    return "killed";
  if (g_str_equal (interrupt->kind, "kill-in-save"))
    return "killed in a save";
  if (g_str_equal (interrupt->kind, "preempt"))
    return "signalled";

  return "stopped";
}

static const char *
interrupt_get_shape (const Interrupt *interrupt)
{
  const char *const shapes[] = { "kill", "kill-in-save", "preempt", NULL };

  return g_strv_contains (shapes, interrupt->kind) ? interrupt->kind : "raise";
}

static char *
interrupt_describe (const Interrupt *interrupt)
{
  g_autoptr (GString) text = g_string_new (interrupt_describe_kind (interrupt));

  g_string_append_printf (text, " at step %" G_GINT64_FORMAT, interrupt->step);
  if (interrupt->argument != NULL)
    g_string_append_printf (text, " (%s)", interrupt->argument);
  if (interrupt->phase != NULL)
    g_string_append_printf (text, ", %s", interrupt->phase);

  return g_strdup (text->str);
}

/* Before the step, in the midst of it, or, as what is saved and validated, after it. */
static double
interrupt_locate (const Interrupt *interrupt, const Axis *axis)
{
  const char *const midst[] = { "forward", "backward", "optimizer", "scheduler", NULL };
  g_auto (GStrv) phase = g_strsplit (interrupt->phase != NULL ? interrupt->phase : "", ".", 2);
  double fields = (double) (interrupt->step - axis->first);

  if (phase[0] == NULL || !g_str_equal (phase[0], "step-start"))
    fields += phase[0] != NULL && g_strv_contains (midst, phase[0]) ? 0.5 : 1.0;

  return to_percent (axis, fields);
}

static void
append_mark (JsonArray *marks, const char *shape, const char *class, double x, const char *title)
{
  JsonObject *mark = append_object (marks);

  json_object_set_string_member (mark, "shape", shape);
  json_object_set_string_member (mark, "class", class);
  json_object_set_double_member (mark, "x", x);
  json_object_set_string_member (mark, "title", title);
}

/* One mark after each of these steps. */
static void
append_marks (JsonArray *marks, JsonArray *steps, const Axis *axis, const char *shape, const char *title)
{
  for (guint i = 0; steps != NULL && i < json_array_get_length (steps); i++)
    {
      gint64 step = json_array_get_int_element (steps, i);
      g_autofree char *text = g_strdup_printf ("%s after step %" G_GINT64_FORMAT, title, step);

      append_mark (marks, shape, shape, locate (axis, step + 1), text);
    }
}

static void
append_phrase (GString *text, const char *phrase)
{
  g_string_append_printf (text, "%s%s", text->len > 0 ? ", " : "", phrase);
}

/* From where it was restored to its end. */
static void
add_bar (JsonObject *lane, JsonObject *run, const Axis *axis, double end)
{
  gint64 first = json_object_get_int_member_with_default (run, "restored_step", -1);
  double x =
      first >= 0 ? locate (axis, first + 1) : locate (axis, json_object_get_int_member (run, "first_step"));
  JsonObject *bar = json_object_new ();

  json_object_set_double_member (bar, "x", x);
  json_object_set_double_member (bar, "width", MAX (end - x, 0.0));
  json_object_set_object_member (lane, "bar", bar);
}

static void
add_lane (JsonArray *lanes, JsonObject *run, const Axis *axis)
{
  JsonObject *lane = append_object (lanes);
  JsonArray *marks = add_array (lane, "marks");
  const char *mode = sng_report_page_get_string (run, "mode");
  const char *name = sng_report_page_get_string (run, "name");
  const char *interrupt_text = sng_report_page_get_string (run, "interrupt");
  gint64 restored = json_object_get_int_member_with_default (run, "restored_step", -1);
  gint64 last = json_object_get_int_member_with_default (run, "last_step", -1);
  g_autoptr (GString) text = g_string_new (NULL);
  g_auto (Interrupt) interrupt = { 0 };
  double end = locate (axis, last + 1);

  append_marks (marks, sng_report_page_get_array (run, "validations"), axis, "validation", "validation");
  append_marks (marks, sng_report_page_get_array (run, "checkpoints"), axis, "checkpoint", "checkpoint");

  if (restored >= 0)
    {
      g_autofree char *title = g_strdup_printf ("restored after step %" G_GINT64_FORMAT, restored);

      append_mark (marks, "restore", "restore", locate (axis, restored + 1), title);
      append_phrase (text, title);
    }

  interrupt_parse (&interrupt, interrupt_text != NULL ? interrupt_text : "");
  if (interrupt_text != NULL && last <= interrupt.step)
    {
      g_autofree char *title = interrupt_describe (&interrupt);

      end = interrupt_locate (&interrupt, axis);
      append_mark (marks, interrupt_get_shape (&interrupt), "stop", end, title);
      append_phrase (text, title);
    }

  if (last < 0)
    append_phrase (text, "nothing was recorded");
  else
    add_bar (lane, run, axis, end);
  if (text->len == 0)
    append_phrase (text, "from its start to its end");
  if (json_object_has_member (run, "seconds"))
    {
      char seconds[G_ASCII_DTOSTR_BUF_SIZE];

      g_ascii_formatd (seconds, sizeof seconds, "%.1f s", json_object_get_double_member (run, "seconds"));
      append_phrase (text, seconds);
    }

  json_object_set_string_member (lane, "name", name != NULL ? name : mode);
  json_object_set_string_member (lane, "mode", mode);
  json_object_set_string_member (lane, "text", text->str);
}

void
sng_report_page_add_lanes (JsonObject *report)
{
  JsonArray *runs = sng_report_page_get_array (report, "runs");
  JsonArray *lanes = add_array (report, "lanes");
  Axis axis = find_steps (report);

  json_object_set_int_member (report, "first_step", axis.first);
  json_object_set_int_member (report, "last_step", axis.last);
  add_ticks (report, "ticks", &axis);

  for (guint i = 0; runs != NULL && i < json_array_get_length (runs); i++)
    add_lane (lanes, json_array_get_object_element (runs, i), &axis);
}

/* ---- Parts ---- */

static const char *
get_class (const char *verdict)
{
  if (g_str_equal (verdict, "PASS"))
    return "equal";

  return g_str_equal (verdict, "INCONCLUSIVE") ? "unsure" : "different";
}

/* The line of the metric, which is made where it is new. */
static JsonObject *
get_line (JsonArray *lines, GHashTable *by_name, const char *name)
{
  JsonObject *line = g_hash_table_lookup (by_name, name);

  if (line != NULL)
    return line;

  line = append_object (lines);
  json_object_set_string_member (line, "name", name);
  add_array (line, "cells");
  g_hash_table_insert (by_name, (char *) json_object_get_string_member (line, "name"), line);

  return line;
}

static void
add_part_cells (JsonArray *lines, GHashTable *by_name, JsonObject *part, guint number, const Axis *axis)
{
  JsonArray *metrics = sng_report_page_get_array (part, "metrics");

  for (guint i = 0; metrics != NULL && i < json_array_get_length (metrics); i++)
    {
      JsonObject *metric = json_array_get_object_element (metrics, i);
      const char *verdict = json_object_get_string_member (metric, "verdict");
      JsonObject *line = get_line (lines, by_name, json_object_get_string_member (metric, "name"));
      JsonObject *cell = append_object (json_object_get_array_member (line, "cells"));
      g_autofree char *counts = describe_metric (metric);
      g_autofree char *title = g_strdup_printf (
          "%u, %s: %s, %s", number, json_object_get_string_member (part, "title"), verdict, counts);
      gboolean passed = g_str_equal (verdict, "PASS");

      json_object_set_double_member (cell, "x", locate (axis, number));
      json_object_set_double_member (cell, "width", to_percent (axis, 1.0));
      json_object_set_string_member (cell, "class", get_class (verdict));
      json_object_set_string_member (cell, "title", title);
      json_object_set_int_member (line, "judged",
                                  json_object_get_int_member_with_default (line, "judged", 0) + 1);
      json_object_set_int_member (line, "passed",
                                  json_object_get_int_member_with_default (line, "passed", 0) + passed);
    }
}

static void
add_part (JsonObject *report, JsonObject *part, guint number)
{
  const char *verdict = json_object_get_string_member (part, "verdict");
  const char *list = g_str_equal (verdict, "PASS") ? "parts_passed" : "parts_not_passed";

  sng_report_page_add_verdict (part);
  json_object_set_int_member (part, "number", number);
  if (sng_report_page_get_string (part, "title") == NULL)
    json_object_set_string_member (part, "title", "");
  json_array_add_object_element (json_object_get_array_member (report, list), json_object_ref (part));
}

/* All parts beside each other: a line for each metric, with a field for each part. */
void
sng_report_page_add_parts (JsonObject *report)
{
  JsonArray *parts = sng_report_page_get_array (report, "parts");
  guint n = parts != NULL ? json_array_get_length (parts) : 0;
  JsonArray *lines = add_array (report, "part_metrics");
  JsonArray *passed = add_array (report, "parts_passed");
  g_autoptr (GHashTable) by_name = g_hash_table_new (g_str_hash, g_str_equal);
  Axis axis = { 1, MAX (n, 1) };

  add_array (report, "parts_not_passed");
  for (guint i = 0; i < n; i++)
    {
      JsonObject *part = json_array_get_object_element (parts, i);

      add_part (report, part, i + 1);
      add_part_cells (lines, by_name, part, i + 1, &axis);
    }

  for (guint i = 0; i < json_array_get_length (lines); i++)
    {
      JsonObject *line = json_array_get_object_element (lines, i);
      g_autofree char *text = g_strdup_printf ("%" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " passed",
                                               json_object_get_int_member (line, "passed"),
                                               json_object_get_int_member (line, "judged"));

      json_object_set_string_member (line, "text", text);
      json_object_set_boolean_member (line, "fine", is_fine (&axis));
    }

  json_object_set_int_member (report, "n_parts", n);
  json_object_set_int_member (report, "n_parts_passed", json_array_get_length (passed));
  add_ticks (report, "part_ticks", &axis);
}
