/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "harness/sng-test.h"

#include <string.h>

#include "compare/sng-coverage-private.h"
#include "harness/sng-child-private.h"
#include "sng-error.h"

/* The cases of one harness share one call of it, which the first of them makes. */
typedef struct
{
  SngHarness *harness;
  SngReport *(*run) (SngHarness *harness, GCancellable *cancellable, GError **error);
  gboolean has_run;
  GError *error;
} Suite;

typedef struct
{
  Suite *suite; /* a reference */
  char *metric;
  guint part; /* of the report */
} Case;

static void
suite_clear (gpointer data)
{
  Suite *suite = data;

  g_clear_object (&suite->harness);
  g_clear_error (&suite->error);
}

static void
case_free (gpointer data)
{
  Case *test_case = data;

  g_rc_box_release_full (test_case->suite, suite_clear);
  g_free (test_case->metric);
  g_free (test_case);
}

/* TAP has one line for a result; what does not fit is a comment before it. */
static void
fail_case (const GError *error)
{
  g_autofree char *line = g_strndup (error->message, strcspn (error->message, "\n"));

  g_test_message ("%s", error->message);
  g_test_fail_printf ("%s", line);
}

/* Whether there is a report. */
static gboolean
ensure_report (Suite *suite)
{
  if (!suite->has_run)
    {
      SngReport *report = suite->run (suite->harness, NULL, &suite->error);

      g_clear_object (&report);
      suite->has_run = TRUE;
    }

  if (suite->error != NULL)
    fail_case (suite->error);

  return suite->error == NULL;
}

static void
run_metric_case (gconstpointer data)
{
  const Case *test_case = data;
  g_autoptr (GError) error = NULL;

  if (!ensure_report (test_case->suite)
      || sng_harness_check_metric (test_case->suite->harness, test_case->metric, &error))
    return;

  if (g_error_matches (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED))
    g_test_skip (error->message);
  else
    fail_case (error);
}

static void
run_part_case (gconstpointer data)
{
  const Case *test_case = data;
  g_autoptr (SngReport) part = NULL;
  g_autofree char *summary = NULL;
  g_autofree char *text = NULL;

  if (!ensure_report (test_case->suite))
    return;

  part = g_list_model_get_item (sng_report_get_parts (sng_harness_get_report (test_case->suite->harness)),
                                test_case->part);
  if (part == NULL)
    {
      g_test_skip ("the training ended before this stop");
      return;
    }

  if (sng_report_get_verdict (part) == SNG_VERDICT_PASS)
    return;

  text = sng_report_to_text (part);
  summary = sng_report_get_summary (part);
  g_test_message ("%s", text);
  g_test_fail_printf ("%s", summary);
}

static void
add_metric_case (Suite *suite, const char *path, const char *metric)
{
  g_autofree char *case_path = g_strdup_printf ("%s/%s", path, metric);
  Case *test_case = g_new0 (Case, 1);

  test_case->suite = g_rc_box_acquire (suite);
  test_case->metric = g_strdup (metric);
  g_test_add_data_func_full (case_path, test_case, run_metric_case, case_free);
}

static void
add_part_case (Suite *suite, const char *path, guint part)
{
  g_autofree char *case_path = g_strdup_printf ("%s/stop-%06u", path, part + 1);
  Case *test_case = g_new0 (Case, 1);

  test_case->suite = g_rc_box_acquire (suite);
  test_case->part = part;
  g_test_add_data_func_full (case_path, test_case, run_part_case, case_free);
}

/* "/esm2/small" -> "esm2-small" */
static char *
path_to_name (const char *path)
{
  g_autofree char *name = g_strdup (path + strspn (path, "/"));

  g_strdelimit (name, "/", '-');

  return g_steal_pointer (&name);
}

/* NULL in a child of another harness. Does not come back in one of this. */
static Suite *
create_suite (const char *path,
              GType harness_type,
              SngReport *(*run) (SngHarness *harness, GCancellable *cancellable, GError **error))
{
  g_autofree char *name = path_to_name (path);
  const SngChildRequest *request = sng_child_get_request ();
  Suite *suite;

  if (request != NULL && !g_str_equal (request->exp_name, name))
    return NULL;

  suite = g_rc_box_new0 (Suite);
  suite->harness = g_object_new (harness_type, "exp-name", name, NULL);
  suite->run = run;

  if (request != NULL)
    sng_child_serve (suite->harness, NULL);

  return suite;
}

/**
 * sng_test_add_harness:
 * @path: the path of the suite, such as `/esm2`; each harness of a program has its own
 * @harness_type: a type that is derived from [class@Sng.Harness] and needs no properties beyond its defaults
 *
 * Adds a test case for each metric of a harness, at `PATH/METRIC`, and one for each of its other checks
 * (`PATH/InitConsumedSamples`, `PATH/ValidationBatches`, `PATH/Coverage`, `PATH/Stops`).
 *
 * Call it after g_test_init() and before g_test_run(). The first case that is run runs the
 * stop-and-go; each case fails with the first divergence of its own metric, and is skipped where the metric does not
 * apply, such as that of a scheduler in a training without. The
 * [property@Sng.Harness:exp-name] is made of @path.
 *
 * ```c
 * int
 * main (int argc, char **argv)
 * {
 *   g_test_init (&argc, &argv, NULL);
 *   sng_test_add_harness ("/esm2", MY_TYPE_HARNESS);
 *
 *   return g_test_run ();
 * }
 * ```
 *
 * In a child process of that harness (see [class@Sng.Harness]) this runs one mode and does not
 * return.
 *
 * Since: 1.0
 */
void
sng_test_add_harness (const char *path, GType harness_type)
{
  const char *const checks[] = { SNG_INIT_CONSUMED_SAMPLES, SNG_VALIDATION_BATCHES, SNG_COVERAGE_METRIC,
                                 SNG_STOPS };
  GPtrArray *callbacks;
  Suite *suite;

  g_return_if_fail (path != NULL && path[0] == '/' && path[1] != '\0');
  g_return_if_fail (g_type_is_a (harness_type, SNG_TYPE_HARNESS));

  suite = create_suite (path, harness_type, sng_harness_run_stop_and_go);
  if (suite == NULL)
    return;

  /* Without a list the cases that every suite has fail with the reason. */
  callbacks = sng_harness_get_known_callbacks (suite->harness, &suite->error);
  suite->has_run = callbacks == NULL;

  for (guint i = 0; callbacks != NULL && i < callbacks->len; i++)
    {
      const char *metric = sng_callback_get_metric (g_ptr_array_index (callbacks, i));

      if (!g_str_equal (metric, SNG_INIT_CONSUMED_SAMPLES))
        add_metric_case (suite, path, metric);
    }
  for (guint i = 0; i < G_N_ELEMENTS (checks); i++)
    add_metric_case (suite, path, checks[i]);
  g_rc_box_release_full (suite, suite_clear);
}

/**
 * sng_test_add_sweep:
 * @path: the path of the suite, such as `/esm2/every-step`; each harness of a program has its own
 * @harness_type: a type that is derived from [class@Sng.Harness] and needs no properties beyond its defaults
 *
 * Adds a test case for each step that the training of a harness can be stopped after, at `PATH/stop-000001`
 * and so on, which [method@Sng.Harness.run_sweep] does.
 *
 * Otherwise like [func@Sng.test_add_harness]. A case says in its failure which metrics differ.
 *
 * Since: 1.0
 */
void
sng_test_add_sweep (const char *path, GType harness_type)
{
  Suite *suite;

  g_return_if_fail (path != NULL && path[0] == '/' && path[1] != '\0');
  g_return_if_fail (g_type_is_a (harness_type, SNG_TYPE_HARNESS));

  suite = create_suite (path, harness_type, sng_harness_run_sweep);
  if (suite == NULL)
    return;

  for (guint part = 0; part + 1 < sng_harness_get_private (suite->harness)->num_steps; part++)
    add_part_case (suite, path, part);
  g_rc_box_release_full (suite, suite_clear);
}
