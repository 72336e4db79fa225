/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "tiny-harness.h"
#include "tiny-model.h"

/* Trainings that are stopped more than once, in the midst of a step, by a signal, by a kill; and after every step. */

#define NUM_STEPS 10

static SngHarness *
new_harness (const char *exp_name, const char *stop_plan)
{
  SngHarness *harness = tiny_harness_new (exp_name);

  g_object_set (harness, "stop-plan", stop_plan, NULL);

  return harness;
}

static SngReport *
run (SngHarness *harness)
{
  g_autoptr (GError) error = NULL;
  SngReport *report = sng_harness_run_stop_and_go (harness, NULL, &error);

  g_assert_no_error (error);

  return report;
}

static void
assert_verdict (SngReport *report, SngVerdict verdict)
{
  g_autofree char *text = sng_report_to_text (report);

  if (sng_report_get_verdict (report) != verdict)
    g_error ("the verdict is not %s:\n%s", sng_verdict_to_string (verdict), text);
}

static void
assert_no_children (void)
{
  g_autofree char *path = g_strdup_printf ("/proc/self/task/%d/children", getpid ());
  g_autofree char *text = NULL;

  if (g_file_get_contents (path, &text, NULL, NULL))
    g_assert_cmpstr (g_strstrip (text), ==, "");
}

/* ---- Faithful resumes ---- */

static const char *const plans[] = {
  "7",
  "3,5,7",           /* twice within an epoch of 3 steps, and once more */
  "7:raise@forward", /* in the midst of a step: it goes back to the checkpoint of step 4 */
  "6:raise@optimizer",
  "8:raise@validation", /* in the midst of one that comes again */
  "5:preempt",
  "5:preempt=usr1@backward",
  "7:kill",
  "7:kill@step-start",
  "6:kill@backward",
  "8:kill@validation",
  "8:kill-in-save=1",
  "8:kill-in-save=7",
  "2:kill,6,9:kill", /* the first one before there is any checkpoint */
  "8:kill@forward,8:kill-in-save=3,8:kill@optimizer",
  "boundaries",
  "random:1:4",
};

static void
test_clean (gconstpointer data)
{
  g_autoptr (SngHarness) harness = new_harness ("clean", data);
  g_autoptr (SngReport) report = run (harness);

  assert_verdict (report, SNG_VERDICT_PASS);
  assert_no_children ();
}

/* A training that ends by itself before its time, and one that keeps few checkpoints. */
static void
test_equipped (void)
{
  const struct
  {
    const char *exp_name, *plan;
  } cases[] = {
    { "early-stop", "3,7:kill" },
    { "early-stop", "8:kill@validation" }, /* the one that ends it */
    { "top-k", "3,5:kill,9" },
    { "top-k", "6:kill-in-save=4,7:raise@save,9:preempt" },
    { "top-k", "4:kill-in-save=15,8:kill@forward" },
    { "background", "3,5:kill,9" },
    { "background", "6:kill-in-save=4,7:raise@save,9:preempt" },
    { "background", "4:kill-in-save=15,8:kill@forward" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (SngHarness) harness = new_harness (cases[i].exp_name, cases[i].plan);
      g_autoptr (SngReport) report = run (harness);

      assert_verdict (report, SNG_VERDICT_PASS);
    }
}

/* The report tells what a name came to; a list says it by itself. */
static void
test_notes (void)
{
  const struct
  {
    const char *plan, *note;
  } cases[] = { { "boundaries", "stopped at " }, { "3,7", NULL } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (SngHarness) harness = new_harness ("clean", cases[i].plan);
      g_autoptr (SngReport) report = run (harness);
      const char *const *notes = sng_report_get_notes (report);

      if (cases[i].note != NULL)
        g_assert_true (g_str_has_prefix (notes[0], cases[i].note));
      else
        g_assert_null (notes[0]);
    }
}

/* ---- Names, and what is found where ---- */

static gboolean
has_run (SngHarness *harness, const char *name)
{
  g_autofree char *path =
      g_build_filename (sng_harness_get_run_directory (harness), name, "rank-00000.db", NULL);

  return g_file_test (path, G_FILE_TEST_IS_REGULAR);
}

static void
assert_directory (SngHarness *harness, const char *name)
{
  if (!has_run (harness, name))
    g_error ("%s is missing", name);
}

static void
test_names (void)
{
  g_autoptr (SngHarness) harness = new_harness ("clean", "5:kill,5:kill@forward,9");
  g_autoptr (SngReport) report = run (harness);

  assert_verdict (report, SNG_VERDICT_PASS);
  assert_directory (harness, "continuous");
  assert_directory (harness, "stop-000005");
  assert_directory (harness, "resume-000005");
  assert_directory (harness, "resume-000005-2");
  assert_directory (harness, "resume-000009");
}

/* Nobody takes the runs of an earlier call for those of the last one. What others have put beside them stays. */
static void
test_earlier_runs (void)
{
  g_autofree char *root = g_dir_make_tmp ("test-stops-XXXXXX", NULL);
  g_autofree char *stores = g_build_filename (root, "stores", NULL);
  g_autofree char *old_store = g_build_filename (stores, "clean", "resume-000005", NULL);
  g_autofree char *new_store = g_build_filename (stores, "clean", "resume-000007", NULL);
  g_autofree char *other = g_build_filename (root, "clean", "stop-sign", NULL);
  g_autoptr (SngHarness) harness = new_harness ("clean", "5,6:kill");
  g_autoptr (SngReport) first = NULL;
  g_autoptr (SngReport) second = NULL;

  g_object_set (harness, "root-dir", root, NULL);
  first = run (harness);
  assert_directory (harness, "resume-000006");
  g_assert_cmpint (g_mkdir (other, 0777), ==, 0);

  g_object_set (harness, "stop-plan", "7", NULL);
  second = run (harness);
  assert_directory (harness, "continuous");
  assert_directory (harness, "resume-000007");
  g_assert_false (has_run (harness, "stop-000005"));
  g_assert_false (has_run (harness, "resume-000005"));
  g_assert_false (has_run (harness, "resume-000006"));
  g_assert_true (g_file_test (other, G_FILE_TEST_IS_DIR));

  g_clear_object (&first);
  g_object_set (harness, "stop-plan", "5", "metadata-dir", stores, NULL);
  first = run (harness);
  g_assert_true (g_file_test (old_store, G_FILE_TEST_IS_DIR));
  g_clear_object (&second);
  g_object_set (harness, "stop-plan", "7", NULL);
  second = run (harness);
  g_assert_false (g_file_test (old_store, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (new_store, G_FILE_TEST_IS_DIR));

  tiny_remove_directory (root);
}

/* A mode by itself goes on with what the calls before have left, wherever the plan has them. */
static void
test_modes (void)
{
  g_autoptr (SngHarness) harness = new_harness ("clean", "boundaries");
  g_autofree char *directory = NULL;
  g_autofree char *name = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (sng_harness_continuous (harness, NULL, &error));
  g_assert_no_error (error);
  directory = sng_harness_dup_mode_directory (harness, SNG_MODE_STOP);
  name = g_path_get_basename (directory);
  g_assert_cmpstr (name, ==, "stop-000002");

  g_assert_true (sng_harness_stop (harness, NULL, &error));
  g_assert_no_error (error);
  assert_directory (harness, "stop-000002");
  g_assert_true (sng_harness_resume (harness, NULL, &error));
  g_assert_no_error (error);
  assert_directory (harness, "continuous");
  assert_directory (harness, "resume-000002");
}

/* Which of several is told. */
static void
test_failing (void)
{
  g_autoptr (SngHarness) harness = new_harness ("fail-restore", "3:kill,5");
  g_autoptr (GError) error = NULL;

  g_assert_null (sng_harness_run_stop_and_go (harness, NULL, &error));
  g_assert_nonnull (error);
  if (!g_str_has_prefix (error->message, "[harness][resume-000005] "))
    g_error ("%s", error->message);
}

/* What is lost at a resume is found at the one that lost it, with all kinds of stops. */
static void
test_faults (void)
{
  const struct
  {
    const char *exp_name, *plan, *metric;
    guint64 step;
  } faults[] = {
    { "lose-rng", "5,8", "RngState", 5 },
    { "lose-optimizer", "7:kill", "OptimizerState", 4 },
    { "lose-scheduler", "6:preempt", "SchedulerState", 6 },
    { "lose-sampler", "7:raise@forward", "SampleIds", 5 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (faults); i++)
    {
      g_autoptr (SngHarness) harness = new_harness (faults[i].exp_name, faults[i].plan);
      g_autoptr (SngReport) report = run (harness);
      SngDivergence *first;

      assert_verdict (report, SNG_VERDICT_DIVERGED);
      first = sng_report_get_first_divergence (report);
      g_assert_cmpstr (sng_divergence_get_metric (first), ==, faults[i].metric);
      g_assert_cmpuint (sng_divergence_get_step (first), ==, faults[i].step);
    }
}

/* ---- Cancelled, and side by side ---- */

static void
note_directory_cb (SngHarness *harness, SngMode mode, char **directory)
{
  g_free (*directory);
  *directory = g_strdup (sng_harness_get_run_directory (harness));
}

static gpointer
cancel_thread (gpointer cancellable)
{
  g_usleep (GPOINTER_TO_UINT (g_object_get_data (cancellable, "usec")));
  g_cancellable_cancel (cancellable);

  return NULL;
}

/* From another thread, at whatever moment: before, between and after kills, or when all is done. */
static void
test_cancelled (void)
{
  for (guint usec = 0; usec < 240000; usec += 20000)
    {
      g_autoptr (SngHarness) harness = new_harness ("clean", "2:kill,5:kill-in-save=6,7");
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autofree char *directory = NULL;
      g_autoptr (SngReport) report = NULL;
      g_autoptr (GError) error = NULL;
      GThread *thread;

      g_object_set_data (G_OBJECT (cancellable), "usec", GUINT_TO_POINTER (usec));
      g_signal_connect (harness, "mode-started", G_CALLBACK (note_directory_cb), &directory);
      thread = g_thread_new ("cancel", cancel_thread, cancellable);
      report = sng_harness_run_stop_and_go (harness, cancellable, &error);
      g_thread_join (thread);

      assert_no_children ();
      if (report != NULL)
        continue;
      g_assert_error (error, SNG_ERROR, SNG_ERROR_CANCELLED);
      g_assert_null (sng_harness_get_run_directory (harness));
      g_assert_false (directory != NULL && g_file_test (directory, G_FILE_TEST_EXISTS));
    }
}

static void
result_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GAsyncResult **place = user_data;

  *place = g_object_ref (result);
}

/* Two harnesses at once do not take each other's runs or ends. */
static void
test_two_harnesses (void)
{
  const char *const two_plans[] = { "5:kill,7", "7:preempt" };
  const char *const exp_names[] = { "clean", "lose-rng" };
  SngHarness *harnesses[2];
  GAsyncResult *results[2] = { NULL, NULL };

  for (guint i = 0; i < 2; i++)
    {
      harnesses[i] = new_harness (exp_names[i], two_plans[i]);
      sng_harness_run_stop_and_go_async (harnesses[i], NULL, result_cb, &results[i]);
    }
  while (results[0] == NULL || results[1] == NULL)
    g_main_context_iteration (NULL, TRUE);

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (SngReport) report = sng_harness_run_stop_and_go_finish (harnesses[i], results[i], &error);

      g_assert_no_error (error);
      assert_verdict (report, i == 0 ? SNG_VERDICT_PASS : SNG_VERDICT_DIVERGED);
      g_object_unref (results[i]);
      g_object_unref (harnesses[i]);
    }
}

static void
progress_cb (SngHarness *harness, SngMode mode, guint64 step, guint64 n_steps, guint *n)
{
  g_assert_cmpuint (step, <=, n_steps);
  (*n)++;
}

/* Of a stop at whichever step comes first, nobody knows which one that is. */
static void
test_first_step (void)
{
  g_autoptr (SngHarness) harness = new_harness ("clean", "0,9:kill");
  g_autoptr (SngReport) report = NULL;
  guint n = 0;

  g_signal_connect (harness, "progress", G_CALLBACK (progress_cb), &n);
  report = run (harness);
  assert_verdict (report, SNG_VERDICT_PASS);
  g_assert_cmpuint (n, >=, 2 * NUM_STEPS);
}

/* ---- Stops that prove nothing ---- */

static void
test_inconclusive (void)
{
  const struct
  {
    const char *exp_name, *plan, *reason;
  } cases[] = {
    { "clean", "12", "the interrupt 12 never fired: the training ended at step 10" },
    { "clean", "10", "stopped after its last step 10: nothing was left to resume" },
    { "clean", "10:preempt", "stopped after its last step 10: nothing was left to resume" },
    { "clean", "7@validation", "never fired" },
    { "clean", "2:kill", "no checkpoint was saved before a stop" },
    { "early-stop", "3,8", "stopped after its last step 8: nothing was left to resume" },
    { "early-stop", "8:kill", "stopped after its last step 8: nothing was left to resume" },
    { "early-stop", "8:preempt@forward", "stopped after its last step 8: nothing was left to resume" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (SngHarness) harness = new_harness (cases[i].exp_name, cases[i].plan);
      g_autoptr (SngReport) report = run (harness);
      SngMetricResult *stops = sng_report_lookup_metric (report, "Stops");

      assert_verdict (report, SNG_VERDICT_INCONCLUSIVE);
      g_assert_nonnull (stops);
      g_assert_cmpint (sng_metric_result_get_verdict (stops), ==, SNG_VERDICT_INCONCLUSIVE);
      if (strstr (sng_metric_result_get_reason (stops), cases[i].reason) == NULL)
        g_error ("%s: %s", cases[i].plan, sng_metric_result_get_reason (stops));
    }
}

static void
test_refused (void)
{
  const struct
  {
    const char *plan;
    SngIsolation isolation;
    const char *part;
  } cases[] = {
    { "7:explode", SNG_ISOLATION_PROCESS, "explode" },
    { "bounds", SNG_ISOLATION_PROCESS, "none of the plans default, boundaries, every and random:SEED:N" },
    { "", SNG_ISOLATION_PROCESS, "stop-plan" },
    { "4,7:kill", SNG_ISOLATION_NONE, "7:kill kills the process" },
    { "random:1:9", SNG_ISOLATION_NONE, "kills the process" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (SngHarness) harness = new_harness ("clean", cases[i].plan);
      g_autoptr (SngReport) report = NULL;
      g_autoptr (GError) error = NULL;

      g_object_set (harness, "isolation", cases[i].isolation, NULL);
      report = sng_harness_run_stop_and_go (harness, NULL, &error);
      g_assert_null (report);
      g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT);
      if (strstr (error->message, cases[i].part) == NULL)
        g_error ("%s", error->message);
    }
}

/* What ends a run that its interrupt was to end, but was not that interrupt, is no stop. */
static void
test_foreign_ends (void)
{
  const struct
  {
    const char *exp_name, *plan;
    int code;
    const char *part;
  } cases[] = {
    { "killed", "7", SNG_ERROR_CHILD_FAILED, "[harness][stop] the child was ended by signal 9" },
    { "killed", "7:preempt", SNG_ERROR_CHILD_FAILED, "[harness][stop] the child was ended by signal 9" },
    { "traced", "7", SNG_ERROR_CHILD_FAILED, "[harness][stop] the child was ended by signal 9" },
    { "preempted", "7", SNG_ERROR_PREEMPTED, "after step 3" },
    { "preempted", "7:kill", SNG_ERROR_PREEMPTED, "after step 3" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (SngHarness) harness = new_harness (cases[i].exp_name, cases[i].plan);
      g_autoptr (SngReport) report = NULL;
      g_autoptr (GError) error = NULL;

      report = sng_harness_run_stop_and_go (harness, NULL, &error);
      g_assert_null (report);
      g_assert_error (error, SNG_ERROR, cases[i].code);
      if (strstr (error->message, cases[i].part) == NULL)
        g_error ("%s", error->message);
      assert_no_children ();
    }
}

/* ---- One process ---- */

static void
test_in_process (void)
{
  const char *const stops[] = { "7", "3,5,7", "7:raise@forward", "5:preempt" };

  for (guint i = 0; i < G_N_ELEMENTS (stops); i++)
    {
      g_autoptr (SngHarness) harness = new_harness ("clean", stops[i]);
      g_autoptr (SngReport) report = NULL;

      g_object_set (harness, "isolation", SNG_ISOLATION_NONE, NULL);
      report = run (harness);
      assert_verdict (report, SNG_VERDICT_PASS);
    }
}

/* ---- Stress ---- */

static void
test_stress (void)
{
  g_autoptr (SngHarness) harness = new_harness ("clean", "7");
  g_autoptr (SngReport) report = NULL;

  g_object_set (harness, "stress", SNG_STRESS_THREADS | SNG_STRESS_JITTER | SNG_STRESS_SLOW_DISK, NULL);
  report = run (harness);
  assert_verdict (report, SNG_VERDICT_PASS);
}

/* ---- The sweep ---- */

static SngReport *
sweep (SngHarness *harness)
{
  g_autoptr (GError) error = NULL;
  SngReport *report = sng_harness_run_sweep (harness, NULL, &error);

  g_assert_no_error (error);

  return report;
}

static void
test_sweep (gconstpointer data)
{
  g_autoptr (SngHarness) harness = new_harness ("clean", NULL);
  g_autoptr (SngReport) report = NULL;
  GListModel *parts;
  guint n_results = 0;

  g_object_set (harness, "isolation", GPOINTER_TO_INT (data), NULL);
  report = sweep (harness);
  assert_verdict (report, SNG_VERDICT_PASS);
  parts = sng_report_get_parts (report);
  g_assert_cmpuint (g_list_model_get_n_items (parts), ==, NUM_STEPS - 1);

  for (guint i = 0; i < g_list_model_get_n_items (parts); i++)
    {
      g_autoptr (SngReport) part = g_list_model_get_item (parts, i);
      g_autofree char *title = g_strdup_printf ("stop after step %u", i + 1);

      g_assert_cmpstr (sng_report_get_title (part), ==, title);
      assert_verdict (part, SNG_VERDICT_PASS);
      n_results += g_list_model_get_n_items (sng_report_get_metrics (part));
    }

  g_assert_cmpuint (n_results, >=, 10 * (NUM_STEPS - 1));
  assert_no_children ();
}

/* A sweep finds what is lost at every stop at which there is something to lose. */
static void
test_sweep_faults (void)
{
  const struct
  {
    const char *exp_name, *metric;
  } faults[] = {
    { "lose-rng", "RngState" },
    { "lose-optimizer", "OptimizerState" },
    { "lose-scheduler", "SchedulerState" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (faults); i++)
    {
      g_autoptr (SngHarness) harness = new_harness (faults[i].exp_name, NULL);
      g_autoptr (SngReport) report = sweep (harness);
      GListModel *parts = sng_report_get_parts (report);

      assert_verdict (report, SNG_VERDICT_DIVERGED);
      for (guint k = 0; k < g_list_model_get_n_items (parts); k++)
        {
          g_autoptr (SngReport) part = g_list_model_get_item (parts, k);
          SngDivergence *first = sng_report_get_first_divergence (part);

          assert_verdict (part, SNG_VERDICT_DIVERGED);
          g_assert_cmpstr (sng_divergence_get_metric (first), ==, faults[i].metric);
          g_assert_cmpuint (sng_divergence_get_step (first), ==, k + 1);
        }
    }
}

static void
test_sweep_horizon (void)
{
  g_autoptr (SngHarness) harness = new_harness ("lose-sampler", NULL);
  g_autoptr (SngReport) report = NULL;

  g_object_set (harness, "horizon", 3, NULL);
  report = sweep (harness);
  assert_verdict (report, SNG_VERDICT_DIVERGED);
  g_assert_cmpstr (sng_divergence_get_metric (sng_report_get_first_divergence (report)), ==, "SampleIds");
}

/* It stops after every step, whatever the settings say of stops. */
static void
test_sweep_stops (void)
{
  g_autoptr (SngHarness) harness = new_harness ("clean", NULL);
  g_autoptr (SngReport) report = NULL;
  g_autoptr (GError) error = NULL;

  g_object_set (harness, "num-steps", 3, "stop-step", 7, "val-check-interval", 2, NULL);
  report = sweep (harness);
  assert_verdict (report, SNG_VERDICT_PASS);
  g_assert_cmpuint (g_list_model_get_n_items (sng_report_get_parts (report)), ==, 2);

  g_assert_null (sng_harness_run_stop_and_go (harness, NULL, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT);
}

typedef struct
{
  GCancellable *cancellable;
  char *run_directory;
  guint n_running;
} Cancelling;

static void
cancel_started_cb (SngHarness *harness, SngMode mode, Cancelling *cancelling)
{
  if (mode != SNG_MODE_RESUME || ++cancelling->n_running < 2)
    return;

  cancelling->run_directory = g_strdup (sng_harness_get_run_directory (harness));
  g_cancellable_cancel (cancelling->cancellable);
}

/* Several of them are at work when it is cancelled: none is left, nor is a file, and no other one starts. */
static void
test_sweep_cancelled (void)
{
  g_autoptr (SngHarness) harness = new_harness ("clean", NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  Cancelling cancelling = { .cancellable = cancellable };

  g_object_set (harness, "jobs", 3, NULL);
  g_signal_connect (harness, "mode-started", G_CALLBACK (cancel_started_cb), &cancelling);
  g_assert_null (sng_harness_run_sweep (harness, cancellable, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_CANCELLED);
  g_assert_cmpuint (cancelling.n_running, ==, 2);
  g_assert_false (g_file_test (cancelling.run_directory, G_FILE_TEST_EXISTS));
  assert_no_children ();
  g_free (cancelling.run_directory);
}

/* One child of several that fails ends the others, and the error is its own. */
static void
test_sweep_failing (void)
{
  g_autoptr (SngHarness) harness = new_harness ("fail-restore", NULL);
  g_autoptr (GError) error = NULL;

  g_object_set (harness, "jobs", 4, NULL);
  g_assert_null (sng_harness_run_sweep (harness, NULL, &error));
  g_assert_nonnull (error);
  if (!g_str_has_prefix (error->message, "[harness][sweep/resume-00000"))
    g_error ("%s", error->message);
  assert_no_children ();
}

/* What a child does: the run that it was started for. */
static int
serve (void)
{
  g_autoptr (SngHarness) harness = tiny_harness_new (g_getenv ("SNG_CHILD_HARNESS"));

  g_object_unref (run (harness));

  return 1;
}

int
main (int argc, char **argv)
{
  if (sng_harness_is_child ())
    return serve ();

  /* Nothing here depends on how fast the disk is. */
  if (g_file_test ("/dev/shm", G_FILE_TEST_IS_DIR))
    g_setenv ("TMPDIR", "/dev/shm", FALSE);

  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (plans); i++)
    {
      g_autofree char *path = g_strdup_printf ("/sng/stops/clean/%s", plans[i]);

      g_test_add_data_func (path, plans[i], test_clean);
    }
  g_test_add_func ("/sng/stops/equipped", test_equipped);
  g_test_add_func ("/sng/stops/notes", test_notes);
  g_test_add_func ("/sng/stops/names", test_names);
  g_test_add_func ("/sng/stops/earlier-runs", test_earlier_runs);
  g_test_add_func ("/sng/stops/modes", test_modes);
  g_test_add_func ("/sng/stops/failing", test_failing);
  g_test_add_func ("/sng/stops/faults", test_faults);
  g_test_add_func ("/sng/stops/cancelled", test_cancelled);
  g_test_add_func ("/sng/stops/two-harnesses", test_two_harnesses);
  g_test_add_func ("/sng/stops/first-step", test_first_step);
  g_test_add_func ("/sng/stops/inconclusive", test_inconclusive);
  g_test_add_func ("/sng/stops/refused", test_refused);
  g_test_add_func ("/sng/stops/foreign-ends", test_foreign_ends);
  g_test_add_func ("/sng/stops/in-process", test_in_process);
  g_test_add_func ("/sng/stops/stress", test_stress);
  g_test_add_data_func ("/sng/sweep/processes", GINT_TO_POINTER (SNG_ISOLATION_PROCESS), test_sweep);
  g_test_add_data_func ("/sng/sweep/in-process", GINT_TO_POINTER (SNG_ISOLATION_NONE), test_sweep);
  g_test_add_func ("/sng/sweep/faults", test_sweep_faults);
  g_test_add_func ("/sng/sweep/horizon", test_sweep_horizon);
  g_test_add_func ("/sng/sweep/stops", test_sweep_stops);
  g_test_add_func ("/sng/sweep/cancelled", test_sweep_cancelled);
  g_test_add_func ("/sng/sweep/failing", test_sweep_failing);

  return g_test_run ();
}
