/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>

#include <string.h>

#include "tiny-model.h"

/*
 * One bit of one weight is another. Which run gets it is in the harness's name, which a child knows as well:
 *   resume      RESUME, at its restore
 *   any-resume  every run that restores, so that no checkpoint of CONTINUOUS leads back to what it recorded
 *   stop        STOP, from its start
 *   repeat      REPEAT, from its start
 *   random      each run that starts has another bit (in one process)
 */

#define ELEMENT 2

typedef struct
{
  SngHarness parent_instance;

  SngMode mode;
  guint n_starts;
} FlipHarness;

typedef SngHarnessClass FlipHarnessClass;

static GType flip_harness_get_type (void);
G_DEFINE_TYPE (FlipHarness, flip_harness, SNG_TYPE_HARNESS)

static gboolean
is_named (FlipHarness *self, const char *name)
{
  g_autofree char *exp_name = NULL;

  g_object_get (self, "exp-name", &exp_name, NULL);

  return g_str_equal (exp_name, name);
}

static void
flip (SngTensor *tensor, guint bit)
{
  guint64 *bits = sng_tensor_get_data (tensor);

  g_assert_cmpint (sng_tensor_get_dtype (tensor), ==, SNG_DTYPE_F64);
  bits[ELEMENT] ^= G_GUINT64_CONSTANT (1) << bit;
}

static SngSetup *
flip_harness_setup_model (SngHarness *harness, SngMode mode, GError **error)
{
  FlipHarness *self = (FlipHarness *) harness;
  g_autoptr (TinyModel) model = tiny_model_new (7, 0.25);
  g_autoptr (TinyData) data = tiny_data_new (TRUE);
  g_autoptr (SngOptimizer) optimizer = sng_adamw_new (G_LIST_MODEL (model->parameters), 0.05, 0.01);
  g_autoptr (SngLrScheduler) scheduler = sng_cosine_lr_new (0.05, 0.001, 3, 20);
  g_autoptr (SngParameter) parameter = g_list_model_get_item (G_LIST_MODEL (model->parameters), 0);

  self->mode = mode;
  if (is_named (self, "random"))
    flip (sng_parameter_get_value (parameter), self->n_starts++ % 8);
  else if ((mode == SNG_MODE_STOP && is_named (self, "stop"))
           || (mode == SNG_MODE_REPEAT && is_named (self, "repeat")))
    flip (sng_parameter_get_value (parameter), 0);

  return sng_setup_new (SNG_MODEL (model), SNG_DATA_MODULE (data), optimizer, scheduler);
}

static gboolean
flip_harness_restore (SngHarness *harness, SngTrainer *trainer, SngCheckpoint *checkpoint, GError **error)
{
  FlipHarness *self = (FlipHarness *) harness;

  if (is_named (self, "any-resume") || (self->mode == SNG_MODE_RESUME && is_named (self, "resume")))
    {
      g_autoptr (SngStateDict) state =
          sng_state_dict_copy (sng_checkpoint_lookup_state (checkpoint, "model"), error);

      g_assert_nonnull (state);
      flip (sng_state_dict_lookup_tensor (state, sng_state_dict_get_name (state, 0)), 0);
      sng_checkpoint_set_state (checkpoint, "model", state);
    }

  return SNG_HARNESS_CLASS (flip_harness_parent_class)->restore (harness, trainer, checkpoint, error);
}

static void
flip_harness_class_init (FlipHarnessClass *klass)
{
  klass->setup_model = flip_harness_setup_model;
  klass->restore = flip_harness_restore;
}

static void
flip_harness_init (FlipHarness *self)
{
}

static SngHarness *
flip_harness_new (const char *name)
{
  return g_object_new (flip_harness_get_type (), "exp-name", name, "stop-step", 7, "seed", (guint64) 7, NULL);
}

static SngReport *
run (SngHarness *harness)
{
  g_autoptr (GError) error = NULL;
  SngReport *report = sng_harness_run_stop_and_go (harness, NULL, &error);

  g_assert_no_error (error);

  return report;
}

/* One element, with its place, both values and all their bits. */
static void
check_elements (SngReport *report)
{
  SngTensorDiff *elements = sng_report_get_elements (report);
  g_autofree char *text = sng_report_to_text (report);
  guint64 first = 0, second = 0;
  const gint64 *index;
  guint n_dims;

  g_assert_nonnull (elements);
  g_assert_cmpint (sng_tensor_diff_get_kind (elements), ==, SNG_DIFF_ELEMENTS);
  g_assert_cmpuint (sng_tensor_diff_get_n_different (elements), ==, 1);
  g_assert_cmpuint (sng_tensor_diff_get_first_distance (elements), ==, 1);

  index = sng_tensor_diff_get_first_index (elements, &n_dims);
  g_assert_cmpuint (n_dims, >, 0);
  g_assert_cmpint (index[n_dims - 1], ==, ELEMENT);

  g_ascii_string_to_unsigned (sng_tensor_diff_get_first_bits (elements) + 2, 16, 0, G_MAXUINT64, &first,
                              NULL);
  g_ascii_string_to_unsigned (sng_tensor_diff_get_second_bits (elements) + 2, 16, 0, G_MAXUINT64, &second,
                              NULL);
  g_assert_cmphex (first ^ second, ==, 1);
  g_assert_nonnull (strstr (text, "  elements  1 of "));
  g_assert_nonnull (strstr (text, sng_tensor_diff_get_first (elements)));
  g_assert_nonnull (strstr (text, sng_tensor_diff_get_second (elements)));
}

/* The step from which the run of the drill-down began, or -1 for its start. */
static gint64
get_restored_step (SngHarness *harness, const char *name)
{
  g_autofree char *path =
      g_build_filename (sng_harness_get_run_directory (harness), "drill", name, "rank-00000.db", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (SngRunStore) store = sng_run_store_open (path, &error);
  g_autoptr (GVariant) step = NULL;

  g_assert_no_error (error);
  step = sng_run_store_get_info (store, "restored-step");

  return step != NULL ? (gint64) g_variant_get_uint64 (step) : -1;
}

static void
check_place (SngReport *report, SngVerdict verdict, SngMode mode, guint64 step)
{
  SngDivergence *first = sng_report_get_first_divergence (report);

  g_assert_cmpint (sng_report_get_verdict (report), ==, verdict);
  g_assert_cmpstr (sng_divergence_get_metric (first), ==, "ModelWeights");
  g_assert_cmpint (sng_divergence_get_mode (first), ==, mode);
  g_assert_cmpuint (sng_divergence_get_step (first), ==, step);
}

/* CONTINUOUS has a checkpoint of step 4 at the latest that is of use, so it need not begin anew. */
static void
test_resume (gconstpointer data)
{
  g_autoptr (SngHarness) harness = flip_harness_new ("resume");
  g_autoptr (SngReport) report = NULL;

  g_object_set (harness, "isolation", GPOINTER_TO_INT (data), NULL);
  report = run (harness);
  check_place (report, SNG_VERDICT_DIVERGED, SNG_MODE_RESUME, 7);
  check_elements (report);
  g_assert_cmpint (get_restored_step (harness, "continuous"), ==, 4);
  g_assert_cmpint (get_restored_step (harness, "resume-000007"), ==, 7);
  g_assert_cmpstr (sng_report_get_notes (report)[0], ==, NULL);
}

static void
test_from_start (void)
{
  g_autoptr (SngHarness) harness = flip_harness_new ("any-resume");
  g_autoptr (SngReport) report = NULL;

  g_object_set (harness, "isolation", SNG_ISOLATION_NONE, NULL);
  report = run (harness);
  check_place (report, SNG_VERDICT_DIVERGED, SNG_MODE_RESUME, 7);
  check_elements (report);
  g_assert_cmpint (get_restored_step (harness, "continuous"), ==, -1);
}

static void
test_stop (void)
{
  g_autoptr (SngHarness) harness = flip_harness_new ("stop");
  g_autoptr (SngReport) report = NULL;

  g_object_set (harness, "isolation", SNG_ISOLATION_NONE, NULL);
  report = run (harness);
  check_place (report, SNG_VERDICT_DIVERGED, SNG_MODE_STOP, 0);
  check_elements (report);
}

static void
test_repeat (void)
{
  g_autoptr (SngHarness) harness = flip_harness_new ("repeat");
  g_autoptr (SngReport) report = NULL;

  g_object_set (harness, "isolation", SNG_ISOLATION_NONE, "repeat", TRUE, NULL);
  report = run (harness);
  check_place (report, SNG_VERDICT_NONDETERMINISTIC, SNG_MODE_REPEAT, 0);
  check_elements (report);
}

/* What is never twice the same is not what was recorded when it is looked at again, and the report says so. */
static void
test_random (void)
{
  g_autoptr (SngHarness) harness = flip_harness_new ("random");
  g_autoptr (SngReport) report = NULL;

  g_object_set (harness, "isolation", SNG_ISOLATION_NONE, "repeat", TRUE, NULL);
  report = run (harness);
  check_place (report, SNG_VERDICT_NONDETERMINISTIC, SNG_MODE_REPEAT, 0);
  g_assert_nonnull (sng_report_get_elements (report));
  g_assert_nonnull (sng_report_get_notes (report)[0]);
  g_assert_nonnull (strstr (sng_report_get_notes (report)[0], "came out otherwise"));
}

static void
test_off (void)
{
  g_autoptr (SngHarness) harness = flip_harness_new ("resume");
  g_autoptr (SngReport) report = NULL;
  g_autofree char *directory = NULL;

  g_object_set (harness, "isolation", SNG_ISOLATION_NONE, "drill-down", FALSE, NULL);
  report = run (harness);
  check_place (report, SNG_VERDICT_DIVERGED, SNG_MODE_RESUME, 7);
  g_assert_null (sng_report_get_elements (report));
  directory = g_build_filename (sng_harness_get_run_directory (harness), "drill", NULL);
  g_assert_false (g_file_test (directory, G_FILE_TEST_EXISTS));
}

/* What a tolerance has captured already is not run again. */
static void
test_tolerance (void)
{
  g_autoptr (SngHarness) harness = flip_harness_new ("resume");
  g_autoptr (SngReport) report = NULL;
  g_autofree char *directory = NULL;

  g_object_set (harness, "isolation", SNG_ISOLATION_NONE, "other-output-atol", 1e-30, NULL);
  report = run (harness);
  check_place (report, SNG_VERDICT_DIVERGED, SNG_MODE_RESUME, 7);
  check_elements (report);
  directory = g_build_filename (sng_harness_get_run_directory (harness), "drill", NULL);
  g_assert_false (g_file_test (directory, G_FILE_TEST_EXISTS));
}

static void
test_pass (void)
{
  g_autoptr (SngHarness) harness = flip_harness_new ("nothing");
  g_autoptr (SngReport) report = NULL;

  g_object_set (harness, "isolation", SNG_ISOLATION_NONE, NULL);
  report = run (harness);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_PASS);
  g_assert_null (sng_report_get_elements (report));
}

int
main (int argc, char **argv)
{
  if (sng_harness_is_child ())
    {
      g_autoptr (SngHarness) harness = flip_harness_new (g_getenv ("SNG_CHILD_HARNESS"));

      g_object_unref (run (harness));
      return 1;
    }

  g_test_init (&argc, &argv, NULL);

  g_test_add_data_func ("/sng/drill/resume/process", GINT_TO_POINTER (SNG_ISOLATION_PROCESS), test_resume);
  g_test_add_data_func ("/sng/drill/resume/none", GINT_TO_POINTER (SNG_ISOLATION_NONE), test_resume);
  g_test_add_func ("/sng/drill/from-start", test_from_start);
  g_test_add_func ("/sng/drill/stop", test_stop);
  g_test_add_func ("/sng/drill/repeat", test_repeat);
  g_test_add_func ("/sng/drill/random", test_random);
  g_test_add_func ("/sng/drill/off", test_off);
  g_test_add_func ("/sng/drill/tolerance", test_tolerance);
  g_test_add_func ("/sng/drill/pass", test_pass);

  return g_test_run ();
}
