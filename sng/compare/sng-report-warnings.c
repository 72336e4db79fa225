/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What is to be known before any number of a report is read: how the environments of its runs differ. */

#include "compare/sng-report-private.h"

#include "record/sng-environment-private.h"

#define MAX_NAMES 3

/* What is said of some runs. */
typedef struct
{
  char *text;
  gboolean is_clause; /* it has a verb of its own */
  GPtrArray *names;
} Warning;

static void
warning_free (gpointer data)
{
  Warning *self = data;

  g_free (self->text);
  g_ptr_array_unref (self->names);
  g_free (self);
}

/* Takes the text. What was said of another run already is said of both. */
static void
add (GPtrArray *warnings, const char *name, gboolean is_clause, char *text)
{
  g_autofree char *owned = text;
  Warning *warning = NULL;

  for (guint i = 0; i < warnings->len && warning == NULL; i++)
    if (g_str_equal (((Warning *) warnings->pdata[i])->text, text))
      warning = warnings->pdata[i];

  if (warning == NULL)
    {
      warning = g_new0 (Warning, 1);
      warning->text = g_steal_pointer (&owned);
      warning->is_clause = is_clause;
      warning->names = g_ptr_array_new_with_free_func (g_free);
      g_ptr_array_add (warnings, warning);
    }

  if (!g_ptr_array_find_with_equal_func (warning->names, name, g_str_equal, NULL))
    g_ptr_array_add (warning->names, g_strdup (name));
}

/* The device, and in brackets all that the other run has nothing of: a GPU's name, its driver. */
static char *
describe_device (GArray *differences, const char *device, gboolean found)
{
  g_autoptr (GString) text = g_string_new (device);
  gboolean any = FALSE;

  for (guint i = 0; i < differences->len; i++)
    {
      const SngEnvironmentDifference *difference = &g_array_index (differences, SngEnvironmentDifference, i);
      const char *own = found ? difference->found : difference->expected;
      const char *other = found ? difference->expected : difference->found;

      if (own == NULL || other != NULL)
        continue;
      g_string_append_printf (text, "%s%s %s", any ? ", " : " (", difference->key, own);
      any = TRUE;
    }
  if (any)
    g_string_append_c (text, ')');

  return g_strdup (text->str);
}

static const SngEnvironmentDifference *
find_other_kind (GArray *differences)
{
  for (guint i = 0; i < differences->len; i++)
    {
      const SngEnvironmentDifference *difference = &g_array_index (differences, SngEnvironmentDifference, i);

      if (g_str_equal (difference->key, SNG_ENVIRONMENT_DEVICE) && difference->expected != NULL
          && difference->found != NULL
          && sng_environment_is_other_kind (difference->expected, difference->found))
        return difference;
    }

  return NULL;
}

static void
add_run (GPtrArray *warnings, SngReportRun *continuous, SngReportRun *run, gboolean is_tolerant)
{
  g_autoptr (GArray) differences = sng_environment_compare (sng_report_run_get_environment (continuous),
                                                            sng_report_run_get_environment (run));
  const SngEnvironmentDifference *device = find_other_kind (differences);
  const char *name = sng_report_run_get_name (run);
  const char *expected_name = sng_report_run_get_name (continuous);

  if (device != NULL)
    {
      g_autofree char *found = describe_device (differences, device->found, TRUE);
      g_autofree char *expected = describe_device (differences, device->expected, FALSE);

      add (warnings, name, TRUE,
           g_strdup_printf ("ran on %s, %s on %s: bit equality cannot be expected; %s", found, expected_name,
                            expected, is_tolerant ? "compared to tolerance" : "no tolerance was set"));
    }

  for (guint i = 0; i < differences->len; i++)
    {
      const SngEnvironmentDifference *difference = &g_array_index (differences, SngEnvironmentDifference, i);

      if (device == NULL
          || (difference != device && difference->found != NULL && difference->expected != NULL))
        add (warnings, name, FALSE, sng_environment_difference_to_string (difference, expected_name));
    }
}

static SngReportRun *
find_continuous (GListModel *runs)
{
  for (guint i = 0; i < g_list_model_get_n_items (runs); i++)
    {
      g_autoptr (SngReportRun) run = g_list_model_get_item (runs, i);

      if (sng_report_run_get_mode (run) == SNG_MODE_CONTINUOUS)
        return run; /* the list keeps it */
    }

  return NULL;
}

static void
add_report (GPtrArray *warnings, SngReport *report)
{
  GListModel *runs = sng_report_get_runs (report);
  GListModel *parts = sng_report_get_parts (report);
  SngReportRun *continuous = find_continuous (runs);

  for (guint i = 0; continuous != NULL && i < g_list_model_get_n_items (runs); i++)
    {
      g_autoptr (SngReportRun) run = g_list_model_get_item (runs, i);

      if (run != continuous)
        add_run (warnings, continuous, run, sng_report_is_tolerant (report));
    }

  for (guint i = 0; i < g_list_model_get_n_items (parts); i++)
    {
      g_autoptr (SngReport) part = g_list_model_get_item (parts, i);

      add_report (warnings, part);
    }
}

GHashTable *
sng_report_collect_choices (SngReport *self)
{
  GHashTable *choices = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  GListModel *runs = sng_report_get_runs (self);
  SngReportRun *continuous = find_continuous (runs);

  for (guint i = 0; continuous != NULL && i < g_list_model_get_n_items (runs); i++)
    {
      g_autoptr (SngReportRun) run = g_list_model_get_item (runs, i);
      g_autoptr (GArray) differences = sng_environment_compare (sng_report_run_get_environment (continuous),
                                                                sng_report_run_get_environment (run));

      for (guint k = 0; k < differences->len; k++)
        {
          const char *key = g_array_index (differences, SngEnvironmentDifference, k).key;

          if (sng_environment_is_choice (key))
            g_hash_table_add (choices, g_strdup (key));
        }
    }

  return choices;
}

static char *
warning_to_string (const Warning *self)
{
  g_autoptr (GString) line = g_string_new ("environment: ");
  guint n_named = self->names->len <= MAX_NAMES + 1 ? self->names->len : MAX_NAMES;

  for (guint i = 0; i < n_named; i++)
    g_string_append_printf (line, "%s%s", i > 0 ? ", " : "", (const char *) self->names->pdata[i]);
  if (n_named < self->names->len)
    g_string_append_printf (line, " and %u others", self->names->len - n_named);
  g_string_append_printf (line, "%s%s",
                          self->is_clause         ? " "
                          : self->names->len == 1 ? " has "
                                                  : " have ",
                          self->text);

  return g_strdup (line->str);
}

/**
 * sng_report_list_warnings:
 * @self: a report
 *
 * Lists what is to be known before any number of the report is read: how the environments that the runs recorded differ from
 * that of the continuous one, such as `environment: resume-000007 has driver 580.1, continuous 570.2`.
 *
 * The verdict does not depend on it: bits that are equal under another driver are equal. Where they are not, the two runs
 * cannot be compared, and the difference may be no fault of the resume. Of a run that recorded no environment nothing is
 * said, nor of an algorithm that only one of two runs used.
 *
 * Returns: (transfer full) (array zero-terminated=1): a line each, those of the parts included; empty where nothing differs
 *
 * Since: 1.0
 */
char **
sng_report_list_warnings (SngReport *self)
{
  g_autoptr (GPtrArray) warnings = g_ptr_array_new_with_free_func (warning_free);
  g_autoptr (GStrvBuilder) lines = g_strv_builder_new ();

  g_return_val_if_fail (SNG_IS_REPORT (self), NULL);

  add_report (warnings, self);
  for (guint i = 0; i < warnings->len; i++)
    {
      g_autofree char *line = warning_to_string (warnings->pdata[i]);

      g_strv_builder_add (lines, line);
    }

  return g_strv_builder_end (lines);
}
