/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tiny-harness.h"

#define NUM_STEPS 10
#define STOP_STEP 7

/* ---- Help ---- */

static void
assert_error (const GError *error, int code, const char *part)
{
  g_assert_error (error, SNG_ERROR, code);
  if (strstr (error->message, part) == NULL)
    g_error ("\"%s\" does not say \"%s\"", error->message, part);
}

static SngHarness *
in_process (const char *exp_name)
{
  SngHarness *harness = tiny_harness_new (exp_name);

  g_object_set (harness, "isolation", SNG_ISOLATION_NONE, NULL);

  return harness;
}

static SngReport *
run (SngHarness *harness)
{
  g_autoptr (GError) error = NULL;
  SngReport *report = sng_harness_run_stop_and_go (harness, NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (report);

  return report;
}

static void
assert_run_fails (SngHarness *harness, int code, const char *part)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngReport) report = sng_harness_run_stop_and_go (harness, NULL, &error);

  g_assert_null (report);
  assert_error (error, code, part);
  g_assert_null (sng_harness_get_report (harness));
}

static void
assert_all_pass (SngReport *report)
{
  GListModel *metrics = sng_report_get_metrics (report);

  for (guint i = 0; i < g_list_model_get_n_items (metrics); i++)
    {
      g_autoptr (SngMetricResult) result = g_list_model_get_item (metrics, i);

      if (sng_metric_result_get_verdict (result) != SNG_VERDICT_PASS)
        g_error ("%s: %s", sng_metric_result_get_name (result), sng_metric_result_get_reason (result));
      g_assert_cmpuint (sng_metric_result_get_compared (result), >, 0);
    }

  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_PASS);
  g_assert_cmpuint (g_list_model_get_n_items (metrics), ==, 20);
}

static gboolean
has_children (void)
{
  g_autofree char *path = g_strdup_printf ("/proc/self/task/%d/children", getpid ());
  g_autofree char *text = NULL;

  return g_file_get_contents (path, &text, NULL, NULL) && *g_strstrip (text) != '\0';
}

/* ---- A restore without a fault ---- */

static void
test_pass (gconstpointer data)
{
  SngIsolation isolation = GPOINTER_TO_INT (data);
  g_autoptr (SngHarness) harness = tiny_harness_new ("clean");
  g_autoptr (SngReport) report = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) entries = NULL;
  g_autofree char *directory = NULL;
  SngCallback *callback;

  g_object_set (harness, "isolation", isolation, NULL);
  report = run (harness);
  assert_all_pass (report);
  g_assert_true (sng_harness_get_report (harness) == report);

  g_assert_true (sng_harness_check_consistency (harness, SNG_TYPE_TRAIN_LOSS_CALLBACK, &error));
  g_assert_no_error (error);
  g_assert_true (sng_harness_check_init_consumed_samples (harness, &error));
  g_assert_no_error (error);
  g_assert_true (sng_harness_check_validation_batches (harness, &error));
  g_assert_no_error (error);

  callback = sng_harness_get_callback (harness, SNG_MODE_RESUME, SNG_TYPE_TRAIN_LOSS_CALLBACK);
  g_assert_true (SNG_IS_TRAIN_LOSS_CALLBACK (callback));
  g_assert_cmpint (sng_callback_get_recorder (callback) != NULL, ==, isolation == SNG_ISOLATION_NONE);
  entries = sng_harness_get_metadata (harness, SNG_MODE_RESUME, sng_callback_get_metric (callback), &error);
  g_assert_no_error (error);
  g_assert_cmpuint (entries->len, ==, NUM_STEPS - STOP_STEP);

  directory = g_strdup (sng_harness_get_run_directory (harness));
  g_assert_true (g_file_test (directory, G_FILE_TEST_IS_DIR));
  g_clear_object (&harness);
  g_assert_false (g_file_test (directory, G_FILE_TEST_EXISTS));
}

static void
remove_tree (const char *path)
{
  char *argv[] = { (char *) "rm", (char *) "-r", (char *) path, NULL };

  g_assert_true (g_spawn_sync (NULL, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL));
}

static void
test_files (void)
{
  const char *const names[] = { "plan.json",
                                "report.json",
                                "junit.xml",
                                "report.html",
                                "continuous/rank-00000.db",
                                "continuous/checkpoints/step-00000004/state.json",
                                "stop-000007/rank-00000.db",
                                "stop-000007/output.log",
                                "stop-000007/checkpoints/step-00000004/state.json",
                                "stop-000007/checkpoints/step-00000007/state.json",
                                "resume-000007/rank-00000.db",
                                "resume-000007/checkpoints/step-00000008/state.json" };
  g_autofree char *root = g_dir_make_tmp ("test-harness-XXXXXX", NULL);
  g_autofree char *run_directory = g_build_filename (root, "clean", NULL);

  /* Twice: the second run finds what the first one has left. */
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (SngHarness) harness = tiny_harness_new ("clean");
      g_autoptr (SngReport) report = NULL;

      g_object_set (harness, "root-dir", root, NULL);
      report = run (harness);
      assert_all_pass (report);
      g_assert_cmpstr (sng_harness_get_run_directory (harness), ==, run_directory);
    }

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_build_filename (run_directory, names[i], NULL);

      if (!g_file_test (path, G_FILE_TEST_IS_REGULAR))
        g_error ("%s is missing", path);
    }

  remove_tree (root);
}

static void
test_tolerance (void)
{
  g_autoptr (SngHarness) harness = tiny_harness_new ("clean");
  g_autoptr (SngReport) report = NULL;

  g_object_set (harness, "train-val-output-atol", 1e-9, "other-output-atol", 1e-12, NULL);
  report = run (harness);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_PASS);

  g_object_set (harness, "train-val-output-atol", 1e9, NULL);
  g_clear_object (&report);
  report = run (harness);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_INCONCLUSIVE);
}

/* The child makes its harness with other settings than these: the plan tells it. */
static void
test_settings_reach_children (void)
{
  g_autoptr (SngHarness) harness = tiny_harness_new ("clean");

  for (guint stop = 2; stop < 5; stop++)
    {
      g_autoptr (SngReport) report = NULL;
      g_autoptr (GPtrArray) entries = NULL;
      g_autoptr (GError) error = NULL;

      g_object_set (harness, "num-steps", 6, "stop-step", stop, "val-check-interval", 1, "seed",
                    (guint64) stop, NULL);
      report = run (harness);
      assert_all_pass (report);

      entries = sng_harness_get_metadata (harness, SNG_MODE_RESUME, "TrainLoss", &error);
      g_assert_no_error (error);
      g_assert_cmpuint (entries->len, ==, 6 - stop);
    }
}

static void
test_metadata_dir (void)
{
  g_autofree char *directory = g_dir_make_tmp ("test-harness-XXXXXX", NULL);
  const char *const modes[] = { "stop-000007", "resume-000007", "continuous" };
  g_autoptr (SngHarness) harness = tiny_harness_new ("clean");
  g_autoptr (SngReport) report = NULL;

  g_object_set (harness, "metadata-dir", directory, NULL);
  report = run (harness);
  assert_all_pass (report);
  g_clear_object (&harness);

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_autofree char *path = g_build_filename (directory, "clean", modes[i], "rank-00000.db", NULL);

      g_assert_true (g_file_test (path, G_FILE_TEST_IS_REGULAR));
    }

  remove_tree (directory);
}

/* ---- Faults in the restore ---- */

typedef struct
{
  const char *exp_name;
  const char *metric;
  SngStage stage;
  guint64 step;
} Fault;

static const Fault faults[] = {
  { "lose-optimizer", "OptimizerState", SNG_STAGE_TRAIN, STOP_STEP },
  { "lose-rng", "RngState", SNG_STAGE_TRAIN, STOP_STEP },
  { "lose-sampler", "SampleIds", SNG_STAGE_TRAIN, STOP_STEP + 1 },
  { "lose-scheduler", "SchedulerState", SNG_STAGE_TRAIN, STOP_STEP },
};

static void
test_fault (gconstpointer data)
{
  const Fault *fault = data;
  g_autoptr (SngHarness) harness = tiny_harness_new (fault->exp_name);
  g_autoptr (SngReport) report = run (harness);
  SngDivergence *first = sng_report_get_first_divergence (report);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_DIVERGED);
  g_assert_nonnull (first);
  g_assert_cmpstr (sng_divergence_get_metric (first), ==, fault->metric);
  g_assert_cmpint (sng_divergence_get_stage (first), ==, fault->stage);
  g_assert_cmpuint (sng_divergence_get_step (first), ==, fault->step);
  g_assert_cmpint (sng_divergence_get_mode (first), ==, SNG_MODE_RESUME);

  g_assert_false (sng_harness_check_metric (harness, fault->metric, &error));
  assert_error (error, SNG_ERROR_MISMATCH, fault->metric);
  g_assert_null (strchr (error->message, '\n'));
}

/* The trainer's own counts: what the two checks of the harness are for. */
static void
test_lost_counts (void)
{
  g_autoptr (SngHarness) harness = tiny_harness_new ("lose-trainer");
  g_autoptr (SngReport) report = run (harness);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_DIVERGED);
  g_assert_false (sng_harness_check_init_consumed_samples (harness, &error));
  assert_error (error, SNG_ERROR_MISMATCH, "InitConsumedSamples");
}

static void
count_divergences_cb (SngHarness *harness, SngDivergence *divergence, GPtrArray *metrics)
{
  g_ptr_array_add (metrics, g_strdup (sng_divergence_get_metric (divergence)));
}

static void
test_divergence_signal (void)
{
  g_autoptr (SngHarness) harness = in_process ("lose-optimizer");
  g_autoptr (GPtrArray) metrics = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (SngReport) report = NULL;
  guint n_diverged = 0;

  g_signal_connect (harness, "divergence", G_CALLBACK (count_divergences_cb), metrics);
  report = run (harness);

  for (guint i = 0; i < g_list_model_get_n_items (sng_report_get_metrics (report)); i++)
    {
      g_autoptr (SngMetricResult) result = g_list_model_get_item (sng_report_get_metrics (report), i);

      if (sng_metric_result_get_first_divergence (result) != NULL)
        {
          g_assert_cmpuint (n_diverged, <, metrics->len);
          g_assert_cmpstr (g_ptr_array_index (metrics, n_diverged), ==, sng_metric_result_get_name (result));
          n_diverged++;
        }
    }

  g_assert_cmpuint (n_diverged, >, 1);
  g_assert_cmpuint (metrics->len, ==, n_diverged);
}

static void
test_repeat (void)
{
  g_autoptr (SngHarness) clean = tiny_harness_new ("clean");
  g_autoptr (SngHarness) drift = tiny_harness_new ("drift");
  g_autoptr (SngReport) clean_report = NULL;
  g_autoptr (SngReport) drift_report = NULL;
  g_autofree char *summary = NULL;
  g_autoptr (GError) error = NULL;

  g_object_set (clean, "repeat", TRUE, NULL);
  clean_report = run (clean);
  assert_all_pass (clean_report);

  g_object_set (drift, "repeat", TRUE, NULL);
  drift_report = run (drift);
  g_assert_cmpint (sng_report_get_verdict (drift_report), ==, SNG_VERDICT_NONDETERMINISTIC);
  summary = sng_report_get_summary (drift_report);
  g_assert_nonnull (strstr (summary, "TrainLoss"));
  g_assert_false (sng_harness_check_metric (drift, "TrainLoss", &error));
  assert_error (error, SNG_ERROR_FAILED, "TrainLoss");
}

/* What REPEAT differs by, RESUME may differ by; a fault is larger. */
static void
test_noise (void)
{
  g_autoptr (SngHarness) noise = tiny_harness_new ("noise");
  g_autoptr (SngHarness) fault = tiny_harness_new ("noise-and-fault");
  g_autoptr (SngReport) noise_report = NULL;
  g_autoptr (SngReport) fault_report = NULL;
  g_autofree char *notes = NULL;
  SngDivergence *first;

  g_object_set (noise, "noise-tolerance", TRUE, NULL);
  assert_run_fails (noise, SNG_ERROR_INVALID_ARGUMENT, "noise-tolerance needs repeat");

  g_object_set (noise, "repeat", TRUE, NULL);
  noise_report = run (noise);
  assert_all_pass (noise_report);
  notes = g_strjoinv ("\n", (char **) sng_report_get_notes (noise_report));
  g_assert_nonnull (strstr (notes, "TrainLoss: noise "));

  g_object_set (fault, "repeat", TRUE, "noise-tolerance", TRUE, NULL);
  fault_report = run (fault);
  g_assert_cmpint (sng_report_get_verdict (fault_report), ==, SNG_VERDICT_DIVERGED);
  first = sng_report_get_first_divergence (fault_report);
  g_assert_cmpstr (sng_divergence_get_metric (first), ==, "TrainLoss");
  g_assert_cmpuint (sng_divergence_get_step (first), ==, 8);
}

/* A damaged checkpoint is passed over for an older one, which is said. */
static void
test_damaged_checkpoint (void)
{
  g_autoptr (SngHarness) harness = tiny_harness_new ("clean");
  g_autoptr (GError) error = NULL;
  g_autofree char *directory = NULL;
  g_autofree char *path = NULL;
  g_autoptr (GPtrArray) entries = NULL;
  g_auto (GStrv) warnings = NULL;

  g_assert_true (sng_harness_stop (harness, NULL, &error));
  g_assert_no_error (error);
  directory = sng_harness_dup_mode_directory (harness, SNG_MODE_STOP);
  path = g_build_filename (directory, "checkpoints", "step-00000007", "model.safetensors", NULL);
  g_assert_true (g_file_set_contents (path, "damaged", -1, NULL));

  g_assert_true (sng_harness_resume (harness, NULL, &error));
  g_assert_no_error (error);
  warnings = sng_harness_dup_warnings (harness);
  g_assert_cmpuint (g_strv_length (warnings), ==, 1);
  g_assert_nonnull (strstr (warnings[0], "step-00000007"));

  entries = sng_harness_get_metadata (harness, SNG_MODE_RESUME, "TrainLoss", &error);
  g_assert_no_error (error);
  g_assert_cmpuint (entries->len, ==, NUM_STEPS - 4);
}

/* Also by a resume that is killed later. */
static void
test_damaged_before_kill (void)
{
  g_autoptr (SngHarness) harness = tiny_harness_new ("clean");
  g_autoptr (GError) error = NULL;
  g_autofree char *directory = NULL;
  g_autofree char *path = NULL;
  g_auto (GStrv) warnings = NULL;

  g_object_set (harness, "stop-plan", "7,9:kill", NULL);
  g_assert_true (sng_harness_stop (harness, NULL, &error));
  g_assert_no_error (error);
  directory = sng_harness_dup_mode_directory (harness, SNG_MODE_STOP);
  path = g_build_filename (directory, "checkpoints", "step-00000007", "model.safetensors", NULL);
  g_assert_true (g_file_set_contents (path, "damaged", -1, NULL));

  g_assert_true (sng_harness_resume (harness, NULL, &error));
  g_assert_no_error (error);
  warnings = sng_harness_dup_warnings (harness);
  g_assert_cmpuint (g_strv_length (warnings), ==, 1);
  g_assert_nonnull (strstr (warnings[0], "step-00000007"));
}

/* ---- Settings ---- */

static void
test_settings (void)
{
  const struct
  {
    const char *name;
    const char *value;
    int code;
    const char *part;
  } cases[] = {
    { "stop-step", "10", SNG_ERROR_INVALID_ARGUMENT, "stop-step is 10 and num-steps 10" },
    { "num-steps", "7", SNG_ERROR_INVALID_ARGUMENT, "stop-step is 7 and num-steps 7" },
    { "num-steps", "1", SNG_ERROR_INVALID_ARGUMENT, "num-steps is 1" },
    { "precision", "fp8", SNG_ERROR_INVALID_ARGUMENT, "\"fp8\", there are 32, bf16-mixed, 16-mixed" },
    { "precision", "", SNG_ERROR_INVALID_ARGUMENT, "\"\"" },
    { "precision", "bf16-mixed", SNG_ERROR_NOT_SUPPORTED,
      "TinyModel does not compute in precision bf16-mixed" },
    { "exp-name", "a/b", SNG_ERROR_INVALID_ARGUMENT, "\"a/b\"" },
    { "exp-name", "..", SNG_ERROR_INVALID_ARGUMENT, "\"..\"" },
    { "metadata-dir", "", SNG_ERROR_INVALID_ARGUMENT, "metadata-dir" },
    { "resume-device", "cuda", SNG_ERROR_INVALID_ARGUMENT, "the resume-device is cuda:0 and the device cpu" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (SngHarness) harness = tiny_harness_new ("clean");

      if (g_ascii_isdigit (cases[i].value[0]))
        g_object_set (harness, cases[i].name, atoi (cases[i].value), NULL);
      else
        g_object_set (harness, cases[i].name, cases[i].value, NULL);

      assert_run_fails (harness, cases[i].code, cases[i].part);
      g_assert_null (sng_harness_get_run_directory (harness));
    }
}

/* ---- Devices ---- */

static void
assert_no_device (SngHarness *harness, SngMode mode, const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngDevice) device = sng_harness_create_device (harness, mode, &error);

  g_assert_null (device);
  g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, name));
}

/* That of the harness, and where there is another one for what is resumed, that in RESUME and REPEAT alone. */
static void
test_device (void)
{
  g_autoptr (SngHarness) harness = tiny_harness_new ("clean");
  g_autoptr (GError) error = NULL;
  g_autoptr (SngDevice) device = NULL;
  g_autoptr (SngDevice) other = NULL;

  g_object_set (harness, "n-threads", 3, NULL);
  device = sng_harness_create_device (harness, SNG_MODE_RESUME, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (sng_device_get_name (device), ==, "cpu");
  g_assert_cmpuint (sng_device_get_n_threads (device), ==, 3);

  g_object_set (harness, "resume-device", "abacus", NULL);
  other = sng_harness_create_device (harness, SNG_MODE_STOP, &error);
  g_assert_no_error (error);
  assert_no_device (harness, SNG_MODE_RESUME, "\"abacus\"");
  assert_no_device (harness, SNG_MODE_REPEAT, "\"abacus\"");

  g_object_set (harness, "device", "slide-rule", "resume-device", NULL, NULL);
  assert_no_device (harness, SNG_MODE_CONTINUOUS, "\"slide-rule\"");
  assert_no_device (harness, SNG_MODE_RESUME, "\"slide-rule\"");
}

/* Two names of one device are no two devices, of which the bits would differ. */
static void
test_device_names (void)
{
  static const struct
  {
    const char *device;
    const char *resume_device;
    gboolean is_one;
  } cases[] = {
    { "cuda", "cuda:0", TRUE }, { "cuda:01", "cuda:1", TRUE }, { NULL, "cpu", TRUE },
    { NULL, NULL, TRUE },       { "cuda", "cuda:1", FALSE },   { "cuda", "cudax", FALSE },
    { "cpu", "", FALSE },       { "cuda:0", "cpu", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (SngHarness) harness = in_process ("clean");

      g_object_set (harness, "device", cases[i].device, "resume-device", cases[i].resume_device, NULL);
      if (cases[i].is_one)
        {
          g_autoptr (SngReport) report = run (harness);

          assert_all_pass (report);
        }
      else
        assert_run_fails (harness, SNG_ERROR_INVALID_ARGUMENT, "the resume-device is");
    }
}

/* Of the device that the model lies on, whatever the settings say. */
static void
test_environment (void)
{
  g_autoptr (SngHarness) harness = tiny_harness_new ("clean");
  g_autoptr (SngReport) report = NULL;
  g_autoptr (SngReportRun) first = NULL;
  g_auto (GStrv) warnings = NULL;
  GVariant *environment;
  const char *value = NULL;

  /* STOP, RESUME and CONTINUOUS, in this process. */
  g_object_set (harness, "device", "slide-rule", "isolation", SNG_ISOLATION_NONE, NULL);
  sng_harness_set_environment (harness, "beads", "9");
  sng_harness_set_environment (harness, "beads", "10");
  report = run (harness);
  assert_all_pass (report);
  first = g_list_model_get_item (sng_report_get_runs (report), 0);
  environment = sng_report_run_get_environment (first);

  g_assert_true (g_variant_lookup (environment, "device", "&s", &value));
  g_assert_cmpstr (value, ==, "cpu");
  g_assert_true (g_variant_lookup (environment, "beads", "&s", &value));
  g_assert_cmpstr (value, ==, "10");
  g_assert_true (g_variant_lookup (environment, "libsng", "&s", &value));
  g_assert_true (g_variant_lookup (environment, "OMP_WAIT_POLICY", "&s", &value));
  warnings = sng_report_list_warnings (report);
  g_assert_cmpuint (g_strv_length (warnings), ==, 0);
}

/* One harness run again: what was changed in between counts, and nothing of the earlier run is taken for the later one's. */
static void
test_run_again (void)
{
  g_autofree char *root = g_dir_make_tmp ("test-harness-XXXXXX", NULL);
  g_autofree char *kept = g_build_filename (root, "renamed", NULL);
  g_autofree char *report_path = g_build_filename (kept, "report.json", NULL);
  g_autofree char *first_directory = NULL;
  g_autoptr (SngHarness) harness = in_process ("clean");
  g_autoptr (SngReport) first = run (harness);
  g_autoptr (SngReport) second = NULL;
  g_autoptr (SngReport) third = NULL;
  SngCallback *callback;

  assert_all_pass (first);
  first_directory = g_strdup (sng_harness_get_run_directory (harness));

  g_object_set (harness, "exp-name", "renamed", "stop-step", 5, "isolation", SNG_ISOLATION_PROCESS, NULL);
  second = run (harness);
  assert_all_pass (second);
  g_assert_true (g_str_has_suffix (sng_harness_get_run_directory (harness), "/renamed"));
  g_assert_false (g_file_test (first_directory, G_FILE_TEST_EXISTS));
  callback = sng_harness_get_callback (harness, SNG_MODE_RESUME, SNG_TYPE_TRAIN_LOSS_CALLBACK);
  g_assert_null (sng_callback_get_recorder (callback));

  g_object_set (harness, "root-dir", root, NULL);
  third = run (harness);
  assert_all_pass (third);
  g_assert_cmpstr (sng_harness_get_run_directory (harness), ==, kept);
  g_assert_true (g_file_test (report_path, G_FILE_TEST_EXISTS));

  g_object_set (harness, "command", (const char *[]){ "false", NULL }, NULL);
  assert_run_fails (harness, SNG_ERROR_CHILD_FAILED, "never reached");
  g_assert_false (g_file_test (report_path, G_FILE_TEST_EXISTS));

  remove_tree (root);
}

static void
test_first_checkpoint (void)
{
  g_autoptr (SngHarness) harness = in_process ("clean");
  g_autoptr (SngReport) report = NULL;
  g_autofree char *directory = NULL;

  g_object_set (harness, "stop-step", 0, NULL);
  report = run (harness);
  assert_all_pass (report);
  directory = sng_harness_dup_mode_directory (harness, SNG_MODE_STOP);
  g_assert_true (g_str_has_suffix (directory, "stop-000004"));

  g_object_set (harness, "val-check-interval", 0, NULL);
  assert_run_fails (harness, SNG_ERROR_INVALID_ARGUMENT, "val-check-interval 0 and num-steps 10");
}

static void
notified_cb (SngHarness *harness, GParamSpec *pspec, int *n)
{
  (*n)++;
}

static void
test_properties (void)
{
  g_autoptr (SngHarness) harness = g_object_new (TINY_TYPE_HARNESS, NULL);
  g_auto (GStrv) command = g_strsplit ("a b", " ", 0);
  g_autofree char *exp_name = NULL;
  int n = 0;

  g_object_get (harness, "exp-name", &exp_name, NULL);
  g_assert_cmpstr (exp_name, ==, "TinyHarness");
  g_object_set (harness, "stop-step", 0, "seed", (guint64) 0, NULL);

  g_signal_connect (harness, "notify", G_CALLBACK (notified_cb), &n);
  for (guint i = 0; i < 2; i++)
    {
      g_object_set (harness, "num-steps", 5, "lr", 0.5, "precision", "64", "repeat", TRUE, "command", command,
                    "seed", (guint64) 3, "isolation", SNG_ISOLATION_NONE, NULL);
      g_assert_cmpint (n, ==, 7);
    }
}

/* ---- What users may get wrong ---- */

#define BARE_TYPE_HARNESS (bare_harness_get_type ())
G_DECLARE_FINAL_TYPE (BareHarness, bare_harness, BARE, HARNESS, SngHarness)
struct _BareHarness
{
  SngHarness parent_instance;
};
G_DEFINE_FINAL_TYPE (BareHarness, bare_harness, SNG_TYPE_HARNESS)

static void
bare_harness_class_init (BareHarnessClass *klass)
{
}

static void
bare_harness_init (BareHarness *self)
{
}

static void
test_no_model (void)
{
  g_autoptr (SngHarness) harness = g_object_new (BARE_TYPE_HARNESS, "exp-name", "bare", NULL);

  assert_run_fails (harness, SNG_ERROR_NOT_SUPPORTED,
                    "[harness][continuous] [vfunc] BareHarness does not implement setup_model");
  g_object_set (harness, "isolation", SNG_ISOLATION_NONE, NULL);
  assert_run_fails (harness, SNG_ERROR_NOT_SUPPORTED,
                    "[harness][continuous] [vfunc] BareHarness does not implement setup_model");
}

static void
test_failing_vfuncs (gconstpointer data)
{
  SngIsolation isolation = GPOINTER_TO_INT (data);
  const char *const vfuncs[] = {
    "setup", "teardown", "setup_model", "setup_trainer", "get_default_callbacks", "restore"
  };

  for (guint i = 0; i < G_N_ELEMENTS (vfuncs); i++)
    {
      g_autofree char *exp_name = g_strdup_printf ("fail-%s", vfuncs[i]);
      g_autofree char *part = g_strdup_printf ("TinyHarness.%s", vfuncs[i]);
      g_autoptr (SngHarness) harness = tiny_harness_new (exp_name);

      g_object_set (harness, "isolation", isolation, NULL);
      assert_run_fails (harness, SNG_ERROR_FAILED, part);
      g_assert_null (sng_harness_get_run_directory (harness));
    }
}

/* A training without a schedule has nothing to say of one, which is neither a pass nor a failure. */
static void
test_no_scheduler (void)
{
  g_autoptr (SngHarness) harness = in_process ("no-scheduler");
  g_autoptr (SngReport) report = run (harness);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_PASS);
  g_assert_null (sng_report_lookup_metric (report, "SchedulerState"));
  g_assert_false (sng_harness_check_metric (harness, "SchedulerState", &error));
  assert_error (error, SNG_ERROR_NOT_SUPPORTED, "SchedulerState");
  g_assert_true (sng_harness_check_metric (harness, "LearningRate", NULL));
}

/* A trainer that knows nothing of the harness: it trains without a validation, which is said. */
static void
test_own_trainer (void)
{
  g_autoptr (SngHarness) bare = in_process ("bare-trainer");
  g_autoptr (SngHarness) shorter = in_process ("short");
  g_autoptr (SngReport) report = run (bare);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_INCONCLUSIVE);
  g_assert_true (sng_harness_check_metric (bare, "TrainLoss", &error));
  g_assert_no_error (error);
  g_assert_false (sng_harness_check_validation_batches (bare, &error));
  assert_error (error, SNG_ERROR_FAILED, "ValidationBatches");

  assert_run_fails (shorter, SNG_ERROR_INVALID_ARGUMENT, "max-steps 9, but num-steps of the harness is 10");
}

static void
test_bad_callbacks (void)
{
  g_autoptr (SngHarness) same = in_process ("same-metric");
  g_autoptr (SngHarness) bad = in_process ("bad-list");

  assert_run_fails (same, SNG_ERROR_INVALID_ARGUMENT, "TrainLoss");
  assert_run_fails (bad, SNG_ERROR_INVALID_ARGUMENT, "TinyModel");
}

static GVariant *
double_step (SngTrainer *trainer, gpointer user_data, GError **error)
{
  return g_variant_new_uint64 (2 * sng_trainer_get_global_step (trainer));
}

static GVariant *
fail_to_compute (SngTrainer *trainer, gpointer user_data, GError **error)
{
  return NULL;
}

static void
test_extra_metric (void)
{
  g_autoptr (SngHarness) harness = in_process ("clean");
  g_autoptr (SngHarness) failing = in_process ("clean");
  g_autoptr (SngReport) report = NULL;
  g_autoptr (GError) error = NULL;

  sng_harness_add_metric (harness, "DoubleStep", double_step, NULL, NULL);
  report = run (harness);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_PASS);
  g_assert_cmpuint (sng_metric_result_get_compared (sng_report_lookup_metric (report, "DoubleStep")), ==,
                    NUM_STEPS);
  g_assert_true (sng_harness_check_metric (harness, "DoubleStep", &error));
  g_assert_false (sng_harness_check_metric (harness, "Nothing", &error));
  assert_error (error, SNG_ERROR_NOT_FOUND, "Nothing");

  sng_harness_add_metric (failing, "Failing", fail_to_compute, NULL, NULL);
  assert_run_fails (failing, SNG_ERROR_FAILED, "Failing");
}

/* ---- Child processes ---- */

static void
test_crash (void)
{
  g_autoptr (SngHarness) crash = tiny_harness_new ("crash");
  g_autoptr (SngHarness) exiting = tiny_harness_new ("exit");

  assert_run_fails (crash, SNG_ERROR_CHILD_FAILED,
                    "[harness][continuous] the child was ended by signal 9 (Killed)");
  assert_run_fails (crash, SNG_ERROR_CHILD_FAILED, "last words");
  assert_run_fails (exiting, SNG_ERROR_CHILD_FAILED,
                    "[harness][continuous] the child exited with status 7 before");
  g_assert_false (has_children ());
}

static void
test_never_reached (void)
{
  const char *const nothing[] = { "/bin/true", NULL };
  const char *const missing[] = { "/nowhere/program", NULL };
  const char *const empty[] = { NULL };
  g_autoptr (SngHarness) harness = tiny_harness_new ("clean");
  g_autoptr (SngHarness) mismatch = tiny_harness_new ("mismatch");

  g_object_set (harness, "command", nothing, NULL);
  assert_run_fails (harness, SNG_ERROR_CHILD_FAILED,
                    "[harness][continuous] the child never reached the harness");
  g_object_set (harness, "command", missing, NULL);
  assert_run_fails (harness, SNG_ERROR_CHILD_FAILED, "/nowhere/program");
  g_object_set (harness, "command", empty, NULL);
  assert_run_fails (harness, SNG_ERROR_INVALID_ARGUMENT, "command");

  assert_run_fails (mismatch, SNG_ERROR_CHILD_FAILED,
                    "started to make the run continuous of the harness mismatch, not of clean");
}

typedef struct
{
  GCancellable *cancellable;
  char *run_directory;
  int child;
} Cancelling;

static void
cancel_cb (SngHarness *harness, SngMode mode, guint64 step, guint64 n_steps, Cancelling *cancelling)
{
  g_free (cancelling->run_directory);
  cancelling->run_directory = g_strdup (sng_harness_get_run_directory (harness));
  g_cancellable_cancel (cancelling->cancellable);
}

static void
test_cancel (gconstpointer data)
{
  SngIsolation isolation = GPOINTER_TO_INT (data);
  g_autoptr (SngHarness) harness = tiny_harness_new ("slow");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  Cancelling cancelling = { .cancellable = cancellable };
  gint64 start = g_get_monotonic_time ();

  g_object_set (harness, "isolation", isolation, NULL);
  g_signal_connect (harness, "progress", G_CALLBACK (cancel_cb), &cancelling);
  g_assert_null (sng_harness_run_stop_and_go (harness, cancellable, &error));
  assert_error (error, SNG_ERROR_CANCELLED, "cancelled");

  g_assert_false (has_children ());
  g_assert_nonnull (cancelling.run_directory);
  g_assert_false (g_file_test (cancelling.run_directory, G_FILE_TEST_EXISTS));
  g_assert_null (sng_harness_get_run_directory (harness));
  g_assert_cmpint (g_get_monotonic_time () - start, <, 60 * G_USEC_PER_SEC);
  g_free (cancelling.run_directory);

  g_clear_error (&error);
  g_assert_null (sng_harness_run_stop_and_go (harness, cancellable, &error));
  assert_error (error, SNG_ERROR_CANCELLED, "cancelled");
}

/* ---- Signals and the asynchronous calls ---- */

typedef struct
{
  GThread *thread;
  GString *modes;
  guint64 last_step;
  guint64 first_step;
  guint n_progress;
  gboolean is_running;
} News;

static void
news_started_cb (SngHarness *harness, SngMode mode, News *news)
{
  g_assert_true (g_thread_self () == news->thread);
  g_assert_false (news->is_running);
  g_string_append_printf (news->modes, "%s ", sng_mode_to_string (mode));
  news->is_running = TRUE;
  news->last_step = 0;
  news->first_step = 0;
  news->n_progress = 0;
}

static void
news_progress_cb (SngHarness *harness, SngMode mode, guint64 step, guint64 n_steps, News *news)
{
  g_assert_true (g_thread_self () == news->thread);
  g_assert_true (news->is_running);
  g_assert_cmpuint (step, >, news->last_step);
  g_assert_cmpuint (step, <=, n_steps);
  g_assert_cmpuint (n_steps, ==, mode == SNG_MODE_STOP ? STOP_STEP : NUM_STEPS);
  news->first_step = news->first_step != 0 ? news->first_step : step;
  news->last_step = step;
  news->n_progress++;
}

static void
news_finished_cb (SngHarness *harness, SngMode mode, gboolean success, News *news)
{
  g_assert_true (g_thread_self () == news->thread);
  g_assert_true (news->is_running);
  g_assert_true (success);
  g_assert_cmpuint (news->first_step, ==, mode == SNG_MODE_RESUME ? STOP_STEP + 1 : 1);
  g_assert_cmpuint (news->last_step, ==, mode == SNG_MODE_STOP ? STOP_STEP : NUM_STEPS);
  g_assert_cmpuint (news->n_progress, ==, news->last_step - news->first_step + 1);
  news->is_running = FALSE;
}

static void
listen (SngHarness *harness, News *news)
{
  news->thread = g_thread_self ();
  news->modes = g_string_new (NULL);
  g_signal_connect (harness, "mode-started", G_CALLBACK (news_started_cb), news);
  g_signal_connect (harness, "progress", G_CALLBACK (news_progress_cb), news);
  g_signal_connect (harness, "mode-finished", G_CALLBACK (news_finished_cb), news);
}

static void
test_signals (gconstpointer data)
{
  g_autoptr (SngHarness) harness = tiny_harness_new ("clean");
  g_autoptr (SngReport) report = NULL;
  News news = { 0 };

  g_object_set (harness, "isolation", (SngIsolation) GPOINTER_TO_INT (data), "repeat", TRUE, NULL);
  listen (harness, &news);
  report = run (harness);
  g_assert_cmpstr (news.modes->str, ==, "continuous repeat stop resume ");
  g_string_free (news.modes, TRUE);
}

static void
result_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

static GAsyncResult *
wait_for (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);

  return *result;
}

static void
test_async (gconstpointer data)
{
  g_autoptr (SngHarness) harness = tiny_harness_new ("clean");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GAsyncResult) second = NULL;
  g_autoptr (SngReport) report = NULL;
  g_autoptr (GError) error = NULL;
  News news = { 0 };

  g_object_set (harness, "isolation", (SngIsolation) GPOINTER_TO_INT (data), NULL);
  listen (harness, &news);
  sng_harness_run_stop_and_go_async (harness, NULL, result_cb, &result);
  g_assert_null (result);

  sng_harness_stop_async (harness, NULL, result_cb, &second);
  g_assert_false (sng_harness_stop_finish (harness, wait_for (&second), &error));
  assert_error (error, SNG_ERROR_INVALID_ARGUMENT, "under way");
  g_clear_error (&error);

  report = sng_harness_run_stop_and_go_finish (harness, wait_for (&result), &error);
  g_assert_no_error (error);
  assert_all_pass (report);
  g_string_free (news.modes, TRUE);
}

static void
test_async_modes (void)
{
  g_autoptr (SngHarness) harness = tiny_harness_new ("clean");
  g_autoptr (GAsyncResult) stop = NULL;
  g_autoptr (GAsyncResult) resume = NULL;
  g_autoptr (GAsyncResult) continuous = NULL;
  g_autoptr (GError) error = NULL;

  sng_harness_stop_async (harness, NULL, result_cb, &stop);
  g_assert_true (sng_harness_stop_finish (harness, wait_for (&stop), &error));
  sng_harness_resume_async (harness, NULL, result_cb, &resume);
  g_assert_true (sng_harness_resume_finish (harness, wait_for (&resume), &error));
  sng_harness_continuous_async (harness, NULL, result_cb, &continuous);
  g_assert_true (sng_harness_continuous_finish (harness, wait_for (&continuous), &error));
  g_assert_no_error (error);
}

static void
test_resume_without_stop (void)
{
  g_autoptr (SngHarness) harness = in_process ("clean");
  g_autoptr (GError) error = NULL;

  g_assert_false (sng_harness_resume (harness, NULL, &error));
  assert_error (error, SNG_ERROR_NOT_FOUND, "[harness][resume]");
}

/* A child of one of these tests: it runs the one mode and does not come back. */
static int
run_child (const char *exp_name)
{
  g_autoptr (SngHarness) harness = NULL;
  g_autoptr (SngReport) report = NULL;
  g_autoptr (GError) error = NULL;

  if (g_str_equal (exp_name, "bare"))
    harness = g_object_new (BARE_TYPE_HARNESS, "exp-name", exp_name, NULL);
  else
    harness = tiny_harness_new (g_str_equal (exp_name, "mismatch") ? "clean" : exp_name);

  report = sng_harness_run_stop_and_go (harness, NULL, &error);
  g_assert_null (report);
  g_printerr ("%s\n", error->message);

  return g_error_matches (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED) ? 5 : 6;
}

int
main (int argc, char **argv)
{
  const gpointer process = GINT_TO_POINTER (SNG_ISOLATION_PROCESS);
  const gpointer none = GINT_TO_POINTER (SNG_ISOLATION_NONE);

  if (sng_harness_is_child ())
    return run_child (g_getenv ("SNG_CHILD_HARNESS"));

  /* Nothing here depends on how fast the disk is. */
  if (g_file_test ("/dev/shm", G_FILE_TEST_IS_DIR))
    g_setenv ("TMPDIR", "/dev/shm", FALSE);

  g_test_init (&argc, &argv, NULL);

  g_test_add_data_func ("/sng/harness/pass/process", process, test_pass);
  g_test_add_data_func ("/sng/harness/pass/in-process", none, test_pass);
  g_test_add_func ("/sng/harness/files", test_files);
  g_test_add_func ("/sng/harness/settings-reach-children", test_settings_reach_children);
  g_test_add_func ("/sng/harness/metadata-dir", test_metadata_dir);
  g_test_add_func ("/sng/harness/tolerance", test_tolerance);

  for (guint i = 0; i < G_N_ELEMENTS (faults); i++)
    {
      g_autofree char *path = g_strdup_printf ("/sng/harness/%s", faults[i].exp_name);

      g_test_add_data_func (path, &faults[i], test_fault);
    }

  g_test_add_func ("/sng/harness/lose-counts", test_lost_counts);
  g_test_add_func ("/sng/harness/divergence-signal", test_divergence_signal);
  g_test_add_func ("/sng/harness/repeat", test_repeat);
  g_test_add_func ("/sng/harness/noise", test_noise);
  g_test_add_func ("/sng/harness/damaged-checkpoint", test_damaged_checkpoint);
  g_test_add_func ("/sng/harness/damaged-before-kill", test_damaged_before_kill);
  g_test_add_func ("/sng/harness/settings", test_settings);
  g_test_add_func ("/sng/harness/device", test_device);
  g_test_add_func ("/sng/harness/device-names", test_device_names);
  g_test_add_func ("/sng/harness/environment", test_environment);
  g_test_add_func ("/sng/harness/run-again", test_run_again);
  g_test_add_func ("/sng/harness/first-checkpoint", test_first_checkpoint);
  g_test_add_func ("/sng/harness/properties", test_properties);
  g_test_add_func ("/sng/harness/no-model", test_no_model);
  g_test_add_data_func ("/sng/harness/failing-vfuncs/process", process, test_failing_vfuncs);
  g_test_add_data_func ("/sng/harness/failing-vfuncs/in-process", none, test_failing_vfuncs);
  g_test_add_func ("/sng/harness/no-scheduler", test_no_scheduler);
  g_test_add_func ("/sng/harness/own-trainer", test_own_trainer);
  g_test_add_func ("/sng/harness/bad-callbacks", test_bad_callbacks);
  g_test_add_func ("/sng/harness/extra-metric", test_extra_metric);
  g_test_add_func ("/sng/harness/crash", test_crash);
  g_test_add_func ("/sng/harness/never-reached", test_never_reached);
  g_test_add_data_func ("/sng/harness/cancel/process", process, test_cancel);
  g_test_add_data_func ("/sng/harness/cancel/in-process", none, test_cancel);
  g_test_add_data_func ("/sng/harness/signals/process", process, test_signals);
  g_test_add_data_func ("/sng/harness/signals/in-process", none, test_signals);
  g_test_add_data_func ("/sng/harness/async/process", process, test_async);
  g_test_add_data_func ("/sng/harness/async/in-process", none, test_async);
  g_test_add_func ("/sng/harness/async/modes", test_async_modes);
  g_test_add_func ("/sng/harness/resume-without-stop", test_resume_without_stop);

  return g_test_run ();
}
