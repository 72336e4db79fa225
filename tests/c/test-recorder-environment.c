/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>

#include <signal.h>
#include <string.h>

#include <glib/gstdio.h>

static const char *const variables[] = {
  "SNG_MODE",    "SNG_RUN_DIR", "SNG_CHECKPOINT_DIR",   "SNG_STOP_AT", "SNG_STOP_KIND",
  "SNG_CAPTURE", "RANK",        "OMPI_COMM_WORLD_RANK", "PMI_RANK",    "SLURM_PROCID",
};

typedef struct
{
  char *directory;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (variables); i++)
    g_unsetenv (variables[i]);

  fixture->directory = g_dir_make_tmp ("sng-environment-XXXXXX", NULL);
  g_setenv ("SNG_RUN_DIR", fixture->directory, TRUE);
  g_setenv ("SNG_MODE", "stop", TRUE);
}

static void
remove_all (const char *directory)
{
  g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (directory, name, NULL);

      if (g_file_test (path, G_FILE_TEST_IS_DIR))
        remove_all (path);
      else
        g_unlink (path);
    }
  g_rmdir (directory);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  remove_all (fixture->directory);
  g_free (fixture->directory);
}

static SngRecorder *
make_recorder (void)
{
  g_autoptr (GError) error = NULL;
  SngRecorder *recorder = sng_recorder_new_from_environment (&error);

  g_assert_no_error (error);

  return recorder;
}

static SngRunStore *
open_store (Fixture *fixture, const char *name)
{
  g_autofree char *path = g_build_filename (fixture->directory, name, NULL);
  g_autoptr (GError) error = NULL;
  SngRunStore *store = sng_run_store_open (path, &error);

  g_assert_no_error (error);

  return store;
}

static gboolean
step (SngRecorder *recorder, guint64 number, double loss, GError **error)
{
  g_autoptr (SngStateDict) metrics = sng_state_dict_new ();
  g_autoptr (SngTensor) weight = sng_tensor_new (SNG_DTYPE_F32, (gint64[]){ 2 }, 1, NULL, NULL);

  ((float *) sng_tensor_get_data (weight))[0] = (float) number;
  sng_state_dict_set_double (metrics, "TrainLoss", loss);
  sng_state_dict_set_tensor (metrics, "ModelWeights/layer/weight", weight);

  return sng_recorder_step (recorder, number, metrics, error);
}

/* In production there is no plan, and nothing happens. */
static void
test_inactive (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngRecorder) recorder = NULL;
  g_autoptr (GDir) dir = NULL;

  g_unsetenv ("SNG_RUN_DIR");
  g_setenv ("SNG_STOP_AT", "1", TRUE);
  recorder = make_recorder ();

  g_assert_false (sng_recorder_is_active (recorder));
  g_assert_null (sng_recorder_get_store (recorder));
  g_assert_null (sng_recorder_get_checkpoint_dir (recorder));
  g_assert_cmpint (sng_recorder_get_mode (recorder), ==, SNG_MODE_CONTINUOUS);
  g_assert_true (step (recorder, 2, 0.5, &error));
  g_assert_true (step (recorder, 1, 0.5, &error));
  g_assert_true (sng_recorder_record_value (recorder, "Loss", SNG_STAGE_TRAIN, 1, -1, "",
                                            g_variant_new_double (1.0), &error));
  g_assert_true (sng_recorder_finish_step (recorder, &error));
  g_assert_true (sng_recorder_set_environment (recorder, "gpu", "Abacus 2000", &error));
  g_assert_no_error (error);

  dir = g_dir_open (fixture->directory, 0, NULL);
  g_assert_null (g_dir_read_name (dir));
}

static void
test_step (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngRecorder) recorder = NULL;
  g_autoptr (SngRunStore) store = NULL;
  g_autoptr (GPtrArray) entries = NULL;
  g_autoptr (GVariant) mode = NULL;
  SngMetadata *entry;

  g_setenv ("SNG_CHECKPOINT_DIR", "/tmp/checkpoints", TRUE);
  g_setenv ("SNG_MODE", "resume", TRUE);
  g_setenv ("RANK", "3", TRUE);
  recorder = make_recorder ();

  g_assert_true (sng_recorder_is_active (recorder));
  g_assert_cmpint (sng_recorder_get_mode (recorder), ==, SNG_MODE_RESUME);
  g_assert_cmpuint (sng_recorder_get_rank (recorder), ==, 3);
  g_assert_cmpstr (sng_recorder_get_checkpoint_dir (recorder), ==, "/tmp/checkpoints");
  g_assert_true (step (recorder, 5, 0.5, &error));
  g_assert_true (sng_recorder_step (recorder, 6, NULL, &error));
  g_assert_no_error (error);

  store = open_store (fixture, "rank-00003.db");
  mode = sng_run_store_get_info (store, "mode");
  g_assert_cmpstr (g_variant_get_string (mode, NULL), ==, "resume");
  entries = sng_run_store_query (store, NULL, 0, G_MAXUINT64, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (entries->len, ==, 4);

  entry = entries->pdata[0];
  g_assert_cmpstr (sng_metadata_get_metric (entry), ==, "GlobalStepState");
  g_assert_cmpint (g_variant_get_int64 (sng_metadata_get_value (entry)), ==, 5);
  entry = entries->pdata[2];
  g_assert_cmpstr (sng_metadata_get_metric (entry), ==, "ModelWeights");
  g_assert_cmpstr (sng_metadata_get_path (entry), ==, "layer/weight");
  g_assert_cmpuint (sng_metadata_get_rank (entry), ==, 3);
  entry = entries->pdata[3];
  g_assert_cmpuint (sng_metadata_get_step (entry), ==, 6);
}

/* What a script gets wrong is told by name, and nothing of the kind is recorded. */
static void
test_wrong_calls (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngRecorder) recorder = make_recorder ();
  g_autoptr (SngStateDict) metrics = sng_state_dict_new ();
  g_autoptr (SngStateDict) nameless = sng_state_dict_new ();

  g_assert_true (step (recorder, 1, 0.0, &error));
  g_assert_no_error (error);

  g_assert_false (step (recorder, 1, 0.0, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "step 1 is finished after step 1"));
  g_clear_error (&error);

  sng_state_dict_set_int64 (metrics, "TrainLoss", 0);
  g_assert_false (sng_recorder_step (recorder, 2, metrics, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_MISMATCH);
  g_assert_nonnull (strstr (error->message, "TrainLoss is an integer at step 2"));
  g_assert_nonnull (strstr (error->message, "was a floating-point number before"));
  g_clear_error (&error);

  sng_state_dict_set_int64 (nameless, "/weight", 0);
  g_assert_false (sng_recorder_record (recorder, SNG_STAGE_VALIDATE, 2, 0, nameless, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "/weight"));
}

static void
test_wrong_dtype (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngRecorder) recorder = make_recorder ();
  g_autoptr (SngStateDict) metrics = sng_state_dict_new ();
  g_autoptr (SngTensor) tensor = sng_tensor_new (SNG_DTYPE_F64, (gint64[]){ 2 }, 1, NULL, NULL);

  g_assert_true (step (recorder, 1, 0.0, &error));
  sng_state_dict_set_tensor (metrics, "ModelWeights/layer/weight", tensor);
  g_assert_false (sng_recorder_step (recorder, 2, metrics, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_MISMATCH);
  g_assert_nonnull (strstr (error->message, "F64"));
  g_assert_nonnull (strstr (error->message, "F32"));
}

static void
test_second_recorder (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngRecorder) recorder = make_recorder ();

  g_assert_true (sng_recorder_is_active (recorder));
  g_assert_null (sng_recorder_new_from_environment (&error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "rank 0 of a run has one recorder"));
}

static void
test_wrong_variables (Fixture *fixture, gconstpointer data)
{
  const struct
  {
    const char *name;
    const char *value;
  } wrong[] = {
    { "SNG_MODE", "pause" },           { "SNG_STOP_AT", "0" },
    { "SNG_STOP_AT", "soon" },         { "SNG_STOP_KIND", "kill-in-save" },
    { "SNG_STOP_KIND", "preempt=no" }, { "RANK", "-1" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *old = g_strdup (g_getenv (wrong[i].name));

      g_setenv ("SNG_STOP_AT", "3", TRUE);
      g_setenv (wrong[i].name, wrong[i].value, TRUE);
      g_assert_null (sng_recorder_new_from_environment (&error));
      g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT);
      g_assert_nonnull (strstr (error->message, wrong[i].name));
      g_assert_nonnull (strstr (error->message, wrong[i].value));
      if (old != NULL)
        g_setenv (wrong[i].name, old, TRUE);
      else
        g_unsetenv (wrong[i].name);
    }
}

static void
assert_stopped (Fixture *fixture, guint64 wanted)
{
  g_autoptr (SngRunStore) store = open_store (fixture, "rank-00000.db");
  g_autoptr (GVariant) at = sng_run_store_get_info (store, "stopped-at");
  g_autoptr (GError) error = NULL;
  guint64 first, last;

  g_assert_nonnull (at);
  g_assert_cmpuint (g_variant_get_uint64 (at), ==, wanted);
  g_assert_true (sng_run_store_get_step_range (store, NULL, &first, &last, &error));
  g_assert_cmpuint (first, ==, 1);
  g_assert_cmpuint (last, ==, wanted);
}

/* Whoever catches the error and goes on gets it again. */
static void
test_raise (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngRecorder) recorder = NULL;
  g_autoptr (GError) error = NULL;

  g_setenv ("SNG_STOP_AT", "2", TRUE);
  g_setenv ("SNG_STOP_KIND", "raise", TRUE);
  recorder = make_recorder ();

  g_assert_true (step (recorder, 1, 0.5, &error));
  g_assert_false (step (recorder, 2, 0.25, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_STOP_AND_GO);
  g_clear_error (&error);
  g_assert_false (step (recorder, 3, 0.25, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_STOP_AND_GO);

  assert_stopped (fixture, 2);
}

/* In a process of its own, which is told what to do by the environment alone. */
static void
train (void)
{
  g_autoptr (SngRecorder) recorder = make_recorder ();
  g_autoptr (GError) error = NULL;

  for (guint64 number = 1; number <= 5; number++)
    {
      g_assert_true (step (recorder, number, 1.0 / (double) number, &error));
      g_assert_no_error (error);
    }
}

static void
test_kill (Fixture *fixture, gconstpointer data)
{
  g_setenv ("SNG_STOP_AT", "3", TRUE);
  g_setenv ("SNG_STOP_KIND", "kill", TRUE);
  g_test_trap_subprocess ("/sng/recorder-environment/subprocess/train", 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_failed ();
  assert_stopped (fixture, 3);
}

/* A signal with a handler lets the training go on, and is raised once. */
static int n_signals = 0;

static void
count_signal (int number)
{
  n_signals++;
}

static void
test_preempt (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngRecorder) recorder = NULL;
  g_autoptr (GError) error = NULL;

  g_setenv ("SNG_STOP_AT", "2", TRUE);
  g_setenv ("SNG_STOP_KIND", "preempt=usr1", TRUE);
  signal (SIGUSR1, count_signal);
  recorder = make_recorder ();

  g_assert_true (step (recorder, 1, 0.5, &error));
  g_assert_cmpint (n_signals, ==, 0);
  g_assert_true (step (recorder, 2, 0.25, &error));
  g_assert_cmpint (n_signals, ==, 1);
  assert_stopped (fixture, 2);
  g_assert_true (step (recorder, 3, 0.125, &error));
  g_assert_cmpint (n_signals, ==, 1);
  signal (SIGUSR1, SIG_DFL);
}

static void
test_capture (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngRecorder) recorder = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (SngRunStore) store = NULL;
  g_autoptr (GPtrArray) entries = NULL;

  g_setenv ("SNG_CAPTURE", "*", TRUE);
  recorder = make_recorder ();
  g_assert_true (step (recorder, 1, 0.5, &error));
  store = open_store (fixture, "rank-00000.db");
  entries = sng_run_store_query (store, "ModelWeights", 0, G_MAXUINT64, &error);
  g_assert_cmpuint (entries->len, ==, 1);
  g_assert_nonnull (sng_metadata_get_capture (entries->pdata[0]));
}

/* What the recorder knows itself, and what the script adds; the last value counts. */
static void
test_set_environment (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngRecorder) recorder = NULL;
  g_autoptr (SngRunStore) store = NULL;
  g_autoptr (GVariant) environment = NULL;
  g_autoptr (GError) error = NULL;
  const char *last = "", *key, *value;
  GVariantIter iter;

  g_setenv ("NVIDIA_TF32_OVERRIDE", "0", TRUE);
  recorder = make_recorder ();
  g_assert_true (sng_recorder_set_environment (recorder, "torch", "2.8", &error));
  g_assert_true (sng_recorder_set_environment (recorder, "gpu", "Abacus 2000", &error));
  g_assert_true (sng_recorder_set_environment (recorder, "torch", "2.9", &error));
  g_assert_no_error (error);
  g_assert_true (step (recorder, 1, 0.5, &error));
  g_unsetenv ("NVIDIA_TF32_OVERRIDE");

  store = open_store (fixture, "rank-00000.db");
  environment = sng_run_store_get_info (store, "environment");
  g_assert_true (g_variant_lookup (environment, "torch", "&s", &value));
  g_assert_cmpstr (value, ==, "2.9");
  g_assert_true (g_variant_lookup (environment, "gpu", "&s", &value));
  g_assert_cmpstr (value, ==, "Abacus 2000");
  g_assert_true (g_variant_lookup (environment, "NVIDIA_TF32_OVERRIDE", "&s", &value));
  g_assert_cmpstr (value, ==, "0");
  g_assert_true (g_variant_lookup (environment, "libsng", "&s", &value));

  g_variant_iter_init (&iter, environment);
  while (g_variant_iter_next (&iter, "{&s&s}", &key, &value))
    {
      g_assert_cmpstr (last, <, key);
      last = key;
    }
}

#define add(name, function)                                                                                  \
 g_test_add ("/sng/recorder-environment/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add ("inactive", test_inactive);
  add ("step", test_step);
  add ("wrong-calls", test_wrong_calls);
  add ("wrong-dtype", test_wrong_dtype);
  add ("second-recorder", test_second_recorder);
  add ("wrong-variables", test_wrong_variables);
  add ("raise", test_raise);
  add ("kill", test_kill);
  add ("preempt", test_preempt);
  add ("capture", test_capture);
  add ("set-environment", test_set_environment);
  g_test_add_func ("/sng/recorder-environment/subprocess/train", train);

  return g_test_run ();
}
