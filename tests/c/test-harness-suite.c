/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The suite that users get from sng_test_add_harness(), with a real model: the ESM-2 that "sng demo" trains. */

#include <sng.h>

#include <string.h>

#include "../../sng/cli/sng-demo-harness.h"
#include "tiny-harness.h"

#define STOP_STEP 7

typedef struct
{
  const char *exp_name; /* "lose-" and what the checkpoint loses */
  const char *metric;
  guint64 step;
} Fault;

static const Fault faults[] = {
  { "lose-optimizer", "OptimizerState", STOP_STEP },
  { "lose-rng", "RngState", STOP_STEP },
  { "lose-sampler", "SampleIds", STOP_STEP + 1 },
  { "lose-scheduler", "SchedulerState", STOP_STEP },
};

static gboolean
restore_with_fault (SngHarness *harness, SngTrainer *trainer, SngCheckpoint *checkpoint, GError **error)
{
  g_autofree char *exp_name = NULL;

  g_object_get (harness, "exp-name", &exp_name, NULL);
  damage_checkpoint (trainer, checkpoint, exp_name + strlen ("lose-"));

  return sng_trainer_restore (trainer, checkpoint, error);
}

static SngReport *
run_fault (const char *exp_name)
{
  g_autoptr (SngHarness) harness = g_object_new (SNG_TYPE_DEMO_HARNESS, "exp-name", exp_name, NULL);
  g_autoptr (GError) error = NULL;
  SngHarnessClass *klass = SNG_HARNESS_GET_CLASS (harness);
  gboolean (*restore) (SngHarness *, SngTrainer *, SngCheckpoint *, GError **) = klass->restore;
  SngReport *report;

  klass->restore = restore_with_fault;
  report = sng_harness_run_stop_and_go (harness, NULL, &error);
  klass->restore = restore;
  g_assert_no_error (error);

  return report;
}

static void
test_fault (gconstpointer data)
{
  const Fault *fault = data;
  g_autoptr (SngReport) report = run_fault (fault->exp_name);
  SngDivergence *first = sng_report_get_first_divergence (report);

  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_DIVERGED);
  g_assert_cmpstr (sng_divergence_get_metric (first), ==, fault->metric);
  g_assert_cmpint (sng_divergence_get_stage (first), ==, SNG_STAGE_TRAIN);
  g_assert_cmpuint (sng_divergence_get_step (first), ==, fault->step);
  g_assert_cmpint (sng_divergence_get_mode (first), ==, SNG_MODE_RESUME);
}

/* Runs this program with an option; the standard output of it. */
static char *
run_suite (const char *option)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process =
      g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, program, option, "-k", NULL);
  char *output = NULL;

  g_assert_no_error (error);
  g_assert_true (g_subprocess_communicate_utf8 (process, NULL, NULL, &output, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (g_subprocess_get_if_exited (process));
  g_assert_cmpint (g_subprocess_get_exit_status (process), ==, 1);

  return output;
}

/* A suite with a fault in it, run on its own: the right cases fail, and say what they have found. */
static void
test_failing_suite (void)
{
  g_autofree char *output = run_suite ("--with-fault");
  g_auto (GStrv) lines = NULL;
  guint n_passed = 0;
  guint n_failed = 0;

  lines = g_strsplit (output, "\n", 0);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      n_passed += g_str_has_prefix (lines[i], "ok ");
      n_failed += g_str_has_prefix (lines[i], "not ok ");

      if (strstr (lines[i], "/lose-optimizer/TrainInput") != NULL)
        g_assert_true (g_str_has_prefix (lines[i], "ok "));
      if (strstr (lines[i], "/lose-optimizer/OptimizerState") != NULL)
        {
          g_assert_true (g_str_has_prefix (lines[i], "not ok "));
          g_assert_nonnull (strstr (lines[i], "step 7"));
        }
      if (strstr (lines[i], "/lose-rng/stop-000003") != NULL)
        {
          g_assert_true (g_str_has_prefix (lines[i], "not ok "));
          g_assert_nonnull (strstr (lines[i], "first RngState at step 3"));
        }
    }

  g_assert_cmpuint (n_passed, >, 0);
  g_assert_cmpuint (n_failed, >, 0);
  g_assert_cmpuint (n_passed + n_failed, ==, 22 + 9);
}

/* One whose list of callbacks cannot be had: each case says why. */
static void
test_suite_without_list (void)
{
  g_autofree char *output = run_suite ("--without-list");

  g_assert_nonnull (strstr (output, "not ok 1 /fail-get_default_callbacks/InitConsumedSamples"));
  g_assert_nonnull (strstr (output, "not ok 2 /fail-get_default_callbacks/ValidationBatches"));
  g_assert_nonnull (strstr (output, "TinyHarness.get_default_callbacks failed"));
}

/* What "sng demo" plants faults in: all of it is there, and without a fault nothing differs. */
static void
test_everything (void)
{
  const char *const metrics[] = { "EmaState", "GradScalerState", "RegisteredState", "OptimizerState" };
  g_autoptr (SngHarness) harness = sng_demo_harness_new (NULL, NULL, SNG_DEMO_ADAMW);
  g_autoptr (SngReport) report = NULL;
  g_autoptr (GError) error = NULL;

  sng_demo_harness_prepare_faults (SNG_DEMO_HARNESS (harness));
  g_object_set (harness, "num-steps", 12, "precision", "16-mixed", "isolation", SNG_ISOLATION_NONE, NULL);
  report = sng_harness_run_stop_and_go (harness, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_PASS);

  for (guint i = 0; i < G_N_ELEMENTS (metrics); i++)
    g_assert_nonnull (sng_report_lookup_metric (report, metrics[i]));
}

int
main (int argc, char **argv)
{
  gboolean with_fault = argc > 1 && g_str_equal (argv[1], "--with-fault");
  gboolean without_list = argc > 1 && g_str_equal (argv[1], "--without-list");

  /* Nothing here depends on how fast the disk is. */
  if (g_file_test ("/dev/shm", G_FILE_TEST_IS_DIR))
    g_setenv ("TMPDIR", "/dev/shm", FALSE);

  g_test_init (&argc, &argv, NULL);

  if (with_fault)
    {
      sng_test_add_harness ("/lose-optimizer", TINY_TYPE_HARNESS);
      sng_test_add_sweep ("/lose-rng", TINY_TYPE_HARNESS);
      return g_test_run ();
    }

  if (without_list)
    {
      sng_test_add_harness ("/fail-get_default_callbacks", TINY_TYPE_HARNESS);
      return g_test_run ();
    }

  sng_test_add_harness ("/esm2", SNG_TYPE_DEMO_HARNESS);
  sng_test_add_sweep ("/tiny/every-step", TINY_TYPE_HARNESS);
  if (sng_harness_is_child ())
    run_fault (g_getenv ("SNG_CHILD_HARNESS"));

  for (guint i = 0; i < G_N_ELEMENTS (faults); i++)
    {
      g_autofree char *path = g_strdup_printf ("/sng/harness-suite/%s", faults[i].exp_name);

      g_test_add_data_func (path, &faults[i], test_fault);
    }
  g_test_add_func ("/sng/harness-suite/everything", test_everything);
  g_test_add_func ("/sng/harness-suite/failing", test_failing_suite);
  g_test_add_func ("/sng/harness-suite/without-list", test_suite_without_list);

  return g_test_run ();
}
