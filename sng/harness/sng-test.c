/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "harness/sng-test.h"

#include <string.h>

#include "harness/sng-child-private.h"
#include "sng-error.h"

/* The cases of one harness share one stop-and-go, which the first of them runs. */
typedef struct
{
  SngHarness *harness;
  gboolean has_run;
  GError *error;
} Suite;

typedef struct
{
  Suite *suite; /* a reference */
  char *metric;
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

static void
run_case (gconstpointer data)
{
  const Case *test_case = data;
  Suite *suite = test_case->suite;
  g_autoptr (GError) error = NULL;

  if (!suite->has_run)
    {
      SngReport *report = sng_harness_run_stop_and_go (suite->harness, NULL, &suite->error);

      g_clear_object (&report);
      suite->has_run = TRUE;
    }

  if (suite->error != NULL)
    fail_case (suite->error);
  else if (!sng_harness_check_metric (suite->harness, test_case->metric, &error))
    {
      if (g_error_matches (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED))
        g_test_skip (error->message);
      else
        fail_case (error);
    }
}

static void
add_case (Suite *suite, const char *path, const char *metric)
{
  g_autofree char *case_path = g_strdup_printf ("%s/%s", path, metric);
  Case *test_case = g_new0 (Case, 1);

  test_case->suite = g_rc_box_acquire (suite);
  test_case->metric = g_strdup (metric);
  g_test_add_data_func_full (case_path, test_case, run_case, case_free);
}

/* "/esm2/small" -> "esm2-small" */
static char *
path_to_name (const char *path)
{
  g_autofree char *name = g_strdup (path + strspn (path, "/"));

  g_strdelimit (name, "/", '-');

  return g_steal_pointer (&name);
}

/**
 * sng_test_add_harness:
 * @path: the path of the suite, such as `/esm2`; each harness of a program has its own
 * @harness_type: a type that is derived from [class@Sng.Harness] and needs no properties beyond its defaults
 *
 * Adds a test case for each metric of a harness, at `PATH/METRIC`, and one for each of its two other checks
 * (`PATH/InitConsumedSamples`, `PATH/ValidationBatches`).
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
  g_autofree char *name = NULL;
  const SngChildRequest *request = sng_child_get_request ();
  GPtrArray *callbacks;
  Suite *suite;

  g_return_if_fail (path != NULL && path[0] == '/' && path[1] != '\0');
  g_return_if_fail (g_type_is_a (harness_type, SNG_TYPE_HARNESS));

  name = path_to_name (path);
  if (request != NULL && !g_str_equal (request->exp_name, name))
    return;

  suite = g_rc_box_new0 (Suite);
  suite->harness = g_object_new (harness_type, "exp-name", name, NULL);

  if (request != NULL)
    sng_child_serve (suite->harness, NULL);

  /* Without a list the cases that every suite has fail with the reason. */
  callbacks = sng_harness_get_known_callbacks (suite->harness, &suite->error);
  suite->has_run = callbacks == NULL;

  for (guint i = 0; callbacks != NULL && i < callbacks->len; i++)
    {
      const char *metric = sng_callback_get_metric (g_ptr_array_index (callbacks, i));

      if (!g_str_equal (metric, SNG_INIT_CONSUMED_SAMPLES))
        add_case (suite, path, metric);
    }
  add_case (suite, path, SNG_INIT_CONSUMED_SAMPLES);
  add_case (suite, path, SNG_VALIDATION_BATCHES);
  g_rc_box_release_full (suite, suite_clear);
}
