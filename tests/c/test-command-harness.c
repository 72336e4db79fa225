/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The command that is checked is this program itself: with the argument --train it makes a small training with a loop and a checkpoint
 * of its own, and what else is in its arguments it does wrong. */

#include <sng.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "tiny-model.h"

#define N_STEPS 10

static const char *program;

/* ---- The training ---- */

typedef struct
{
  double weight;
  double momentum;
  guint64 step;
} Training;

static int n_preemptions = 0;

static void
preempted (int number)
{
  n_preemptions++;
}

static char *
dup_path (void)
{
  return g_build_filename (g_getenv ("TRAIN_DIR") != NULL ? g_getenv ("TRAIN_DIR")
                                                          : g_getenv ("SNG_CHECKPOINT_DIR"),
                           "state.txt", NULL);
}

static void
save (const Training *training)
{
  g_autofree char *path = dup_path ();
  g_autofree char *directory = g_path_get_dirname (path);
  g_autofree char *text =
      g_strdup_printf ("%a %a %" G_GUINT64_FORMAT "\n", training->weight, training->momentum, training->step);

  g_mkdir_with_parents (directory, 0777);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static void
load (Training *training)
{
  g_autofree char *path = dup_path ();
  g_autofree char *text = NULL;

  if (g_file_get_contents (path, &text, NULL, NULL))
    g_assert_cmpint (
        sscanf (text, "%la %la %" G_GUINT64_FORMAT, &training->weight, &training->momentum, &training->step),
        ==, 3);
}

/* The number behind a fault such as "fail=3", or 0. */
static guint64
get_fault (char **faults, const char *name)
{
  for (; *faults != NULL; faults++)
    if (g_str_has_prefix (*faults, name))
      return (*faults)[strlen (name)] == '=' ? g_ascii_strtoull (*faults + strlen (name) + 1, NULL, 10) : 1;

  return 0;
}

/* With the first sample of the epoch in the place of the one that is due, if it is repeated. */
static GVariant *
create_sample_ids (guint64 position, gboolean is_repeated)
{
  gint64 id = is_repeated ? 0 : (gint64) (position % 4);

  return g_variant_new ("(t@ax)", position / 4,
                        g_variant_new_fixed_array (G_VARIANT_TYPE_INT64, &id, 1, sizeof id));
}

static gboolean
record (SngRecorder *recorder, const Training *training, char **faults, GError **error)
{
  g_autoptr (SngStateDict) metrics = sng_state_dict_new ();
  g_autoptr (SngTensor) weight = sng_tensor_new (SNG_DTYPE_F64, (gint64[]){ 1 }, 1, NULL, NULL);
  double *data = sng_tensor_get_data (weight);

  if (get_fault (faults, "steps-only"))
    return sng_recorder_step (recorder, training->step, NULL, error);

  data[0] = training->weight;
  if (get_fault (faults, "weights-only"))
    {
      sng_state_dict_set_tensor (metrics, "ModelWeights/weight", weight);
      return sng_recorder_step (recorder, training->step, metrics, error);
    }

  sng_state_dict_set_double (metrics, "TrainLoss", training->weight * training->weight);
  /* Epochs of four samples, one a step. */
  if (get_fault (faults, "samples"))
    sng_state_dict_set_value (
        metrics, "SampleIds",
        create_sample_ids (training->step - 1, get_fault (faults, "never") == training->step));
  sng_state_dict_set_double (metrics, "OptimizerState/momentum", training->momentum);
  sng_state_dict_set_tensor (metrics, "ModelWeights/weight", weight);
  if (get_fault (faults, "two-types") && training->step > 2)
    sng_state_dict_set_int64 (metrics, "TrainLoss", 1);

  return sng_recorder_step (recorder, training->step, metrics, error);
}

static int
train (char **faults)
{
  Training training = { 1.0, 0.0, 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (SngRecorder) recorder = NULL;
  gboolean resumes = g_strcmp0 (g_getenv ("SNG_MODE"), "resume") == 0;
  guint64 n_steps = get_fault (faults, "fewer") && !resumes && g_getenv ("SNG_STOP_AT") ? 3 : N_STEPS;

  if (get_fault (faults, "silent"))
    return EXIT_SUCCESS;

  recorder = sng_recorder_new_from_environment (&error);
  g_assert_no_error (error);
  if (!get_fault (faults, "anew"))
    load (&training);
  if (get_fault (faults, "forget") && resumes)
    training.momentum = 0.0;
  if (get_fault (faults, "preemptible"))
    signal (SIGTERM, preempted);

  while (training.step < n_steps && n_preemptions == 0)
    {
      training.momentum = 0.9 * training.momentum + 2.0 * (training.weight - 0.3);
      training.weight -= 0.05 * training.momentum;
      if (get_fault (faults, "random"))
        training.weight += g_random_double () * 1e-3;
      training.step += get_fault (faults, "skip") && resumes && training.step == 6 ? 2 : 1;
      if (training.step % MAX (get_fault (faults, "cadence"), 1) == 0)
        save (&training);
      if (!record (recorder, &training, faults, &error)
          && !(get_fault (faults, "stubborn") && g_error_matches (error, SNG_ERROR, SNG_ERROR_STOP_AND_GO)))
        {
          g_printerr ("%s\n", error->message);
          return EXIT_FAILURE;
        }
      g_clear_error (&error);
      if (training.step == get_fault (faults, "fail"))
        {
          g_printerr ("the disk is on fire\n");
          return 7;
        }
      if (training.step == get_fault (faults, "hang"))
        sleep (1000);
    }

  return EXIT_SUCCESS;
}

/* ---- The checks ---- */

typedef struct
{
  char *directory;
  SngHarness *harness;
} Fixture;

/* With these faults, and a NULL. */
static void
set_command (Fixture *fixture, const char *first, ...)
{
  g_autoptr (GPtrArray) command = g_ptr_array_new ();
  va_list arguments;

  g_ptr_array_add (command, (gpointer) program);
  g_ptr_array_add (command, (gpointer) "--train");
  va_start (arguments, first);
  for (const char *argument = first; argument != NULL; argument = va_arg (arguments, const char *))
    g_ptr_array_add (command, (gpointer) argument);
  va_end (arguments);
  g_ptr_array_add (command, NULL);

  g_object_set (fixture->harness, "command", command->pdata, NULL);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  const char *const command[] = { program, "--train", NULL };

  fixture->directory = g_dir_make_tmp ("test-command-harness-XXXXXX", NULL);
  fixture->harness = sng_command_harness_new (command);
  g_object_set (fixture->harness, "root-dir", fixture->directory, "exp-name", "run", NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_object_unref (fixture->harness);
  tiny_remove_directory (fixture->directory);
  g_free (fixture->directory);
}

static SngReport *
check (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  SngReport *report = sng_harness_run_stop_and_go (fixture->harness, NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (report);

  return report;
}

/* The message has each of the parts, up to a NULL. */
static void
assert_fails (Fixture *fixture, int code, const char *first, ...)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngReport) report = sng_harness_run_stop_and_go (fixture->harness, NULL, &error);
  va_list parts;

  g_assert_null (report);
  g_assert_error (error, SNG_ERROR, code);
  va_start (parts, first);
  for (const char *part = first; part != NULL; part = va_arg (parts, const char *))
    {
      if (strstr (error->message, part) == NULL)
        g_error ("\"%s\" is not in: %s", part, error->message);
    }
  va_end (parts);
}

static void
assert_verdict (SngReport *report, const char *metric, SngVerdict verdict)
{
  SngMetricResult *result = sng_report_lookup_metric (report, metric);

  g_assert_nonnull (result);
  g_assert_cmpint (sng_metric_result_get_verdict (result), ==, verdict);
}

static gboolean
has_run (Fixture *fixture, const char *name)
{
  g_autofree char *path = g_build_filename (fixture->directory, "run", name, "output.log", NULL);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

static void
test_clean (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = check (fixture);
  g_autofree char *kept =
      g_build_filename (fixture->directory, "run", "resume-000005", "checkpoints", "state.txt", NULL);

  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_PASS);
  assert_verdict (report, "ModelWeights", SNG_VERDICT_PASS);
  assert_verdict (report, "Stops", SNG_VERDICT_PASS);

  /* Stopped in the middle; no control is needed where nothing differs. */
  g_assert_true (has_run (fixture, "continuous"));
  g_assert_true (has_run (fixture, "stop-000005"));
  g_assert_true (has_run (fixture, "resume-000005"));
  g_assert_false (has_run (fixture, "repeat"));
  g_assert_true (g_file_test (kept, G_FILE_TEST_EXISTS));
}

/* Every kind of stop, from checkpoints that are older than the stop, too. */
static void
test_stops (Fixture *fixture, gconstpointer data)
{
  const char *const plans[] = { "3,7", "4:kill,6:kill", "5:preempt", "every", "random:1:4", "9:kill" };

  for (guint i = 0; i < G_N_ELEMENTS (plans); i++)
    {
      g_autoptr (SngReport) report = NULL;

      g_object_set (fixture->harness, "stop-plan", plans[i], NULL);
      set_command (fixture, "preemptible", "cadence=2", NULL);
      report = check (fixture);
      g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_PASS);
      assert_verdict (report, "Stops", SNG_VERDICT_PASS);
    }
}

/* From which checkpoint it went on shows in the report. */
static void
test_restored_step (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;
  g_autoptr (SngReportRun) resume = NULL;

  g_object_set (fixture->harness, "stop-plan", "7:kill", NULL);
  set_command (fixture, "cadence=3", NULL);
  report = check (fixture);
  resume = g_list_model_get_item (sng_report_get_runs (report), 2);
  g_assert_cmpint (sng_report_run_get_mode (resume), ==, SNG_MODE_RESUME);
  g_assert_cmpint (sng_report_run_get_restored_step (resume), ==, 6);
}

static void
test_forgets (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;
  SngDivergence *first;

  set_command (fixture, "forget", NULL);
  report = check (fixture);
  first = sng_report_get_first_divergence (report);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_DIVERGED);
  g_assert_cmpuint (sng_divergence_get_step (first), ==, 6);
  assert_verdict (report, "OptimizerState", SNG_VERDICT_DIVERGED);

  /* The control was made, and clears the training. */
  g_assert_true (has_run (fixture, "repeat"));
}

/* Of a tensor only the fingerprint is recorded: both trainings are made once more up to the place, and tell its elements. */
static void
test_looks_closer (Fixture *fixture, gconstpointer data)
{
  g_autofree char *left = g_build_filename (fixture->directory, "run", "checkpoints", NULL);
  g_autoptr (SngReport) report = NULL;
  SngTensorDiff *elements;

  set_command (fixture, "weights-only", "forget", NULL);
  g_object_set (fixture->harness, "stop-plan", "3,6:kill", NULL);
  report = check (fixture);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_DIVERGED);
  elements = sng_report_get_elements (report);
  g_assert_nonnull (elements);
  g_assert_cmpuint (sng_tensor_diff_get_n_different (elements), ==, 1);
  g_assert_true (has_run (fixture, "drill/continuous"));
  g_assert_false (g_file_test (left, G_FILE_TEST_EXISTS));
  g_assert_true (has_run (fixture, "drill/resume-000003"));
}

static void
test_nondeterministic (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  set_command (fixture, "random", NULL);
  report = check (fixture);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_NONDETERMINISTIC);
}

static void
test_skipped_step (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  set_command (fixture, "skip", NULL);
  report = check (fixture);
  assert_verdict (report, "GlobalStepState", SNG_VERDICT_DIVERGED);
}

/* What both trainings do wrong in the same way, no comparison sees. */
static void
test_samples (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;
  g_autoptr (SngReport) wrong = NULL;

  set_command (fixture, "samples", NULL);
  g_object_set (fixture->harness, "stop-plan", "3,6:kill", NULL);
  report = check (fixture);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_PASS);
  assert_verdict (report, "Coverage", SNG_VERDICT_PASS);

  set_command (fixture, "samples", "never=7", NULL);
  wrong = check (fixture);
  assert_verdict (wrong, "SampleIds", SNG_VERDICT_PASS);
  assert_verdict (wrong, "Coverage", SNG_VERDICT_DIVERGED);
}

/* A check that could not have failed is no pass. */
static void
test_records_too_little (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  set_command (fixture, "steps-only", NULL);
  report = check (fixture);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_INCONCLUSIVE);
  assert_verdict (report, "Records", SNG_VERDICT_INCONCLUSIVE);
}

static void
test_stop_after_the_end (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  g_object_set (fixture->harness, "stop-plan", "10:kill", NULL);
  set_command (fixture, "cadence=5", NULL);
  assert_fails (fixture, SNG_ERROR_OTHER_STEPS, "[resume]", "nothing had been left to do", NULL);

  set_command (fixture, "cadence=4", NULL);
  report = check (fixture);
  assert_verdict (report, "Stops", SNG_VERDICT_INCONCLUSIVE);
}

/* What a command does wrong has a code and a message of its own, with what it printed. */
static void
test_fails (Fixture *fixture, gconstpointer data)
{
  set_command (fixture, "fail=3", NULL);
  assert_fails (fixture, SNG_ERROR_CHILD_FAILED, "[continuous]", "status 7", "the disk is on fire", NULL);

  g_object_set (fixture->harness, "command", (const char *const[]){ "/no/such/program", NULL }, NULL);
  assert_fails (fixture, SNG_ERROR_CHILD_FAILED, "/no/such/program", NULL);
}

static void
test_times_out (Fixture *fixture, gconstpointer data)
{
  set_command (fixture, "hang=4", NULL);
  g_object_set (fixture->harness, "timeout", 1, NULL);
  assert_fails (fixture, SNG_ERROR_TIMED_OUT, "within 1 s", "step 4", NULL);
}

static void
test_never_records (Fixture *fixture, gconstpointer data)
{
  set_command (fixture, "silent", NULL);
  assert_fails (fixture, SNG_ERROR_NOT_RECORDED, "made no recorder", "sng_recorder_step", NULL);
}

static void
test_other_steps (Fixture *fixture, gconstpointer data)
{
  set_command (fixture, "fewer", NULL);
  assert_fails (fixture, SNG_ERROR_OTHER_STEPS, "[stop]", "to be stopped at 5", "after step 3", NULL);

  set_command (fixture, NULL);
  g_object_set (fixture->harness, "num-steps", 12, NULL);
  assert_fails (fixture, SNG_ERROR_OTHER_STEPS, "is 10", "to have 12", NULL);
}

static void
test_does_not_resume (Fixture *fixture, gconstpointer data)
{
  set_command (fixture, "anew", NULL);
  assert_fails (fixture, SNG_ERROR_NOT_RESUMED, "resume-000005 began with step 1", "SNG_MODE", NULL);

  /* Nor can it, where nothing was saved before the stop. */
  set_command (fixture, "cadence=8", NULL);
  assert_fails (fixture, SNG_ERROR_NOT_RESUMED, "save earlier, or stop later", NULL);
}

/* Whoever catches the error and goes on gets it again, and was stopped nevertheless. */
static void
test_stubborn (Fixture *fixture, gconstpointer data)
{
  set_command (fixture, "stubborn", "cadence=20", NULL);
  assert_fails (fixture, SNG_ERROR_NOT_RESUMED, NULL, NULL);
}

static void
test_two_types (Fixture *fixture, gconstpointer data)
{
  set_command (fixture, "two-types", NULL);
  assert_fails (fixture, SNG_ERROR_CHILD_FAILED, "TrainLoss is an integer at step 3",
                "was a floating-point number before", NULL);
}

/* A command that always writes to the same place. Nothing of it is left there. */
static void
test_checkpoint_dir (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->directory, "out", NULL);
  g_autofree char *other = g_build_filename (path, "other.txt", NULL);
  g_autoptr (SngReport) report = NULL;
  g_autoptr (GDir) dir = NULL;

  g_setenv ("TRAIN_DIR", path, TRUE);

  /* Without a word about it, STOP finds what CONTINUOUS has left. */
  assert_fails (fixture, SNG_ERROR_OTHER_STEPS, "[stop]", "did not start anew", "SNG_CHECKPOINT_DIR", NULL);
  tiny_remove_directory (path);

  g_object_set (fixture->harness, "checkpoint-dir", path, NULL);
  report = check (fixture);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_PASS);
  dir = g_dir_open (path, 0, NULL);
  g_assert_null (g_dir_read_name (dir));

  /* What somebody else has there is not touched. */
  g_assert_true (g_file_set_contents (other, "precious", -1, NULL));
  assert_fails (fixture, SNG_ERROR_INVALID_ARGUMENT, path, "not empty", "other.txt", NULL);
  g_assert_true (g_file_test (other, G_FILE_TEST_EXISTS));
  g_unsetenv ("TRAIN_DIR");
}

static void
test_settings (Fixture *fixture, gconstpointer data)
{
  const char *const plans[] = { "4@backward", "4:kill-in-save=3", "0:kill", "soon" };
  g_autoptr (GError) error = NULL;
  g_autofree char *directory = g_get_current_dir ();

  for (guint i = 0; i < G_N_ELEMENTS (plans); i++)
    {
      g_object_set (fixture->harness, "stop-plan", plans[i], NULL);
      assert_fails (fixture, SNG_ERROR_INVALID_ARGUMENT, "stop-plan", NULL);
    }
  g_object_set (fixture->harness, "stop-plan", NULL, NULL);

  g_object_set (fixture->harness, "compare", (const char *const[]){ "*.json", NULL }, NULL);
  assert_fails (fixture, SNG_ERROR_INVALID_ARGUMENT, directory, "a directory of its own", NULL);
  g_object_set (fixture->harness, "compare", (const char *const[]){ "a/*.json", "b/*.json", NULL }, NULL);
  assert_fails (fixture, SNG_ERROR_INVALID_ARGUMENT, "b/*.json is not below", NULL);
  g_object_set (fixture->harness, "compare", NULL, NULL);

  g_object_set (fixture->harness, "num-steps", 5, "stop-step", 5, NULL);
  assert_fails (fixture, SNG_ERROR_INVALID_ARGUMENT, "stop-step is 5", NULL);
  g_object_set (fixture->harness, "num-steps", 0, "stop-step", 0, NULL);

  g_object_set (fixture->harness, "command", (const char *const[]){ NULL }, NULL);
  assert_fails (fixture, SNG_ERROR_INVALID_ARGUMENT, "no command", NULL);

  /* What takes a trainer. */
  g_assert_null (sng_harness_run_sweep (fixture->harness, NULL, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED);
}

static void
cancel_cb (SngHarness *harness, SngMode mode, guint64 step, guint64 n_steps, GCancellable *cancellable)
{
  g_cancellable_cancel (cancellable);
}

static void
test_cancel (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  set_command (fixture, "hang=2", NULL);
  g_signal_connect (fixture->harness, "progress", G_CALLBACK (cancel_cb), cancellable);
  g_assert_null (sng_harness_run_stop_and_go (fixture->harness, cancellable, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_CANCELLED);
}

/* ---- Several processes, and files ---- */

/* A rank behind a shell that starts them as a launcher does. */
static void
set_ranks (Fixture *fixture, const char *fault)
{
  g_autofree char *script = g_strdup_printf ("for rank in 0 1; do mkdir -p $SNG_CHECKPOINT_DIR/$rank; "
                                             "RANK=$rank TRAIN_DIR=$SNG_CHECKPOINT_DIR/$rank \"$0\" --train "
                                             "$(test $rank = 1 && echo %s) & done; wait",
                                             fault);

  g_object_set (fixture->harness, "command", (const char *const[]){ "/bin/sh", "-c", script, program, NULL },
                NULL);
}

static void
test_ranks (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;
  g_autoptr (SngReport) wrong = NULL;
  g_autoptr (SngReport) part = NULL;

  set_ranks (fixture, "");
  report = check (fixture);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_PASS);
  g_assert_cmpuint (g_list_model_get_n_items (sng_report_get_parts (report)), ==, 2);

  /* That only one of them goes wrong is seen, and which. */
  set_ranks (fixture, "forget");
  wrong = check (fixture);
  g_assert_cmpint (sng_report_get_verdict (wrong), ==, SNG_VERDICT_DIVERGED);
  part = g_list_model_get_item (sng_report_get_parts (wrong), 0);
  g_assert_cmpint (sng_report_get_verdict (part), ==, SNG_VERDICT_PASS);
  g_clear_object (&part);
  part = g_list_model_get_item (sng_report_get_parts (wrong), 1);
  g_assert_cmpint (sng_report_get_verdict (part), ==, SNG_VERDICT_DIVERGED);
  g_assert_cmpstr (sng_report_get_title (part), ==, "rank 1");
}

static void
test_compare (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;
  g_autoptr (SngReport) wrong = NULL;

  g_object_set (fixture->harness, "compare", (const char *const[]){ "{checkpoint-dir}/*.txt", NULL }, NULL);
  report = check (fixture);
  assert_verdict (report, "Files", SNG_VERDICT_PASS);
  assert_verdict (report, "state.txt", SNG_VERDICT_PASS);

  /* Nothing but the file tells. */
  set_command (fixture, "steps-only", "forget", NULL);
  wrong = check (fixture);
  g_assert_cmpint (sng_report_get_verdict (wrong), ==, SNG_VERDICT_DIVERGED);
  assert_verdict (wrong, "state.txt", SNG_VERDICT_DIVERGED);
  assert_verdict (wrong, "GlobalStepState", SNG_VERDICT_PASS);
  g_assert_nonnull (sng_report_get_elements (wrong));

  g_object_set (fixture->harness, "compare", (const char *const[]){ "{checkpoint-dir}/*.npy", NULL }, NULL);
  assert_fails (fixture, SNG_ERROR_NOT_RECORDED, "no file that is to be compared", "*.npy", NULL);
}

#define add(name, function)                                                                                  \
 g_test_add ("/sng/command-harness/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  if (argc > 1 && g_str_equal (argv[1], "--train"))
    return train (argv + 2);

  program = argv[0];
  g_test_init (&argc, &argv, NULL);

  add ("clean", test_clean);
  add ("stops", test_stops);
  add ("restored-step", test_restored_step);
  add ("forgets", test_forgets);
  add ("looks-closer", test_looks_closer);
  add ("nondeterministic", test_nondeterministic);
  add ("skipped-step", test_skipped_step);
  add ("samples", test_samples);
  add ("records-too-little", test_records_too_little);
  add ("stop-after-the-end", test_stop_after_the_end);
  add ("fails", test_fails);
  add ("times-out", test_times_out);
  add ("never-records", test_never_records);
  add ("other-steps", test_other_steps);
  add ("does-not-resume", test_does_not_resume);
  add ("stubborn", test_stubborn);
  add ("two-types", test_two_types);
  add ("checkpoint-dir", test_checkpoint_dir);
  add ("settings", test_settings);
  add ("cancel", test_cancel);
  add ("ranks", test_ranks);
  add ("compare", test_compare);

  return g_test_run ();
}
