/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>

#include <math.h>
#include <string.h>

#include <glib/gstdio.h>

#define N_STEPS 6
#define STOP_AT 3

typedef struct
{
  char *directory;
  SngRunStore *stores[SNG_MODE_REPEAT + 1];
  SngRecorder *recorders[SNG_MODE_REPEAT + 1];
  gboolean has_repeat;
  double atol; /* for "Loss" and "Weights" */
  double rtol;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->directory = g_dir_make_tmp ("sng-comparison-XXXXXX", NULL);

  for (guint mode = SNG_MODE_STOP; mode <= SNG_MODE_REPEAT; mode++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *directory = g_build_filename (fixture->directory, sng_mode_to_string (mode), NULL);
      g_autofree char *path = g_build_filename (directory, "rank-00000.db", NULL);

      g_assert_cmpint (g_mkdir (directory, 0755), ==, 0);
      fixture->stores[mode] = sng_run_store_create (path, &error);
      g_assert_no_error (error);
      fixture->recorders[mode] = sng_recorder_new (fixture->stores[mode], 0);
    }
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
  for (guint mode = SNG_MODE_STOP; mode <= SNG_MODE_REPEAT; mode++)
    {
      g_object_unref (fixture->recorders[mode]);
      g_object_unref (fixture->stores[mode]);
    }
  remove_all (fixture->directory);
  g_free (fixture->directory);
}

static void
record (Fixture *fixture,
        SngMode mode,
        const char *metric,
        SngStage stage,
        guint64 step,
        gint64 micro_batch,
        const char *path,
        GVariant *value)
{
  g_autoptr (GError) error = NULL;

  sng_recorder_record_value (fixture->recorders[mode], metric, stage, step, micro_batch, path, value, &error);
  g_assert_no_error (error);
}

static SngTensor *
make_tensor (SngDtype dtype, gint64 rows, gint64 columns, double seed)
{
  g_autoptr (GError) error = NULL;
  SngTensor *tensor = sng_tensor_new (dtype, (gint64[]){ rows, columns }, 2, NULL, &error);

  g_assert_no_error (error);
  for (gint64 i = 0; i < rows * columns; i++)
    {
      if (dtype == SNG_DTYPE_F32)
        ((float *) sng_tensor_get_data (tensor))[i] = (float) (seed + (double) i);
      else
        ((gint32 *) sng_tensor_get_data (tensor))[i] = (gint32) (seed * 100) + (gint32) i;
    }

  return tensor;
}

static void
record_tensor (Fixture *fixture, SngMode mode, guint64 step, SngTensor *tensor)
{
  g_autoptr (GError) error = NULL;

  sng_recorder_record_tensor (fixture->recorders[mode], "Weights", SNG_STAGE_TRAIN, step, -1, "w", tensor,
                              &error);
  g_assert_no_error (error);
}

/* What a planted fault changes. The hook is asked before each entry of a run and may record something else. */
typedef gboolean (*Fault) (Fixture *fixture,
                           SngMode mode,
                           const char *metric,
                           SngStage stage,
                           guint64 step,
                           gint64 micro_batch);

static void
record_state (Fixture *fixture, SngMode mode, guint64 step, Fault fault)
{
  if (fault == NULL || !fault (fixture, mode, "Weights", SNG_STAGE_TRAIN, step, -1))
    {
      g_autoptr (SngTensor) tensor = make_tensor (SNG_DTYPE_F32, 2, 3, (double) step + 1.0);

      record_tensor (fixture, mode, step, tensor);
    }
}

/* A run as the callbacks record it: state at the start and after each step, two micro-batches a step, and a validation
 * every second step. */
static void
record_run (Fixture *fixture, SngMode mode, guint64 first_step, guint64 last_step, Fault fault)
{
  sng_run_store_declare_metric (fixture->stores[mode], "Loss", SNG_METRIC_EXPECT_CHANGE, NULL);
  sng_run_store_declare_metric (fixture->stores[mode], "Weights", SNG_METRIC_EXPECT_CHANGE, NULL);
  sng_run_store_declare_metric (fixture->stores[mode], "ValidLoss", SNG_METRIC_EXPECT_CHANGE, NULL);
  sng_run_store_declare_metric (fixture->stores[mode], "Start", SNG_METRIC_PER_RUN, NULL);
  record (fixture, mode, "Start", SNG_STAGE_TRAIN, first_step - 1, -1, "", g_variant_new_uint64 (first_step));
  record_state (fixture, mode, first_step - 1, fault);

  for (guint64 step = first_step; step <= last_step; step++)
    {
      for (gint64 i = 0; i < 2; i++)
        if (fault == NULL || !fault (fixture, mode, "Loss", SNG_STAGE_TRAIN, step, i))
          record (fixture, mode, "Loss", SNG_STAGE_TRAIN, step, i, "",
                  g_variant_new_double (1.0 / (double) (step + (guint64) i)));
      record_state (fixture, mode, step, fault);
      for (gint64 i = 0; i < 2 && step % 2 == 0; i++)
        if (fault == NULL || !fault (fixture, mode, "ValidLoss", SNG_STAGE_VALIDATE, step, i))
          record (fixture, mode, "ValidLoss", SNG_STAGE_VALIDATE, step, i, "",
                  g_variant_new_double (2.0 / (double) (step + (guint64) i)));
      sng_recorder_finish_step (fixture->recorders[mode], NULL);
    }
}

static SngReport *
compare (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngComparison) comparison = sng_comparison_new (fixture->stores[SNG_MODE_CONTINUOUS]);
  g_autoptr (SngTolerance) tolerance = sng_tolerance_new (fixture->atol, fixture->rtol);
  SngReport *report;

  sng_comparison_add_segment (comparison, SNG_MODE_STOP, fixture->stores[SNG_MODE_STOP]);
  sng_comparison_add_segment (comparison, SNG_MODE_RESUME, fixture->stores[SNG_MODE_RESUME]);
  if (fixture->has_repeat)
    sng_comparison_set_repeat (comparison, fixture->stores[SNG_MODE_REPEAT]);
  sng_comparison_set_tolerance (comparison, "Loss", tolerance);
  sng_comparison_set_tolerance (comparison, "Weights", tolerance);
  report = sng_comparison_run (comparison, &error);
  g_assert_no_error (error);

  return report;
}

static SngReport *
record_and_compare (Fixture *fixture, Fault fault)
{
  for (guint mode = SNG_MODE_STOP; mode <= SNG_MODE_REPEAT; mode++)
    if (fixture->atol + fixture->rtol > 0.0)
      sng_recorder_set_capture (fixture->recorders[mode], "Weights", TRUE);

  record_run (fixture, SNG_MODE_CONTINUOUS, 1, N_STEPS, fault);
  record_run (fixture, SNG_MODE_STOP, 1, STOP_AT, fault);
  record_run (fixture, SNG_MODE_RESUME, STOP_AT + 1, N_STEPS, fault);
  if (fixture->has_repeat)
    record_run (fixture, SNG_MODE_REPEAT, 1, N_STEPS, fault);

  return compare (fixture);
}

static SngDivergence *
assert_diverged (SngReport *report, const char *metric, guint64 step, gint64 micro_batch, SngMode mode)
{
  SngMetricResult *result = sng_report_lookup_metric (report, metric);
  SngDivergence *first = sng_report_get_first_divergence (report);

  g_assert_nonnull (result);
  g_assert_cmpint (sng_report_get_verdict (report), ==, sng_metric_result_get_verdict (result));
  g_assert_true (first == sng_metric_result_get_first_divergence (result));
  g_assert_cmpuint (sng_metric_result_get_n_different (result), >, 0);
  g_assert_cmpstr (sng_divergence_get_metric (first), ==, metric);
  g_assert_cmpuint (sng_divergence_get_step (first), ==, step);
  g_assert_cmpint (sng_divergence_get_micro_batch (first), ==, micro_batch);
  g_assert_cmpint (sng_divergence_get_mode (first), ==, mode);

  return first;
}

static void
assert_inconclusive (SngReport *report, const char *metric, const char *reason)
{
  SngMetricResult *result = sng_report_lookup_metric (report, metric);

  g_assert_nonnull (result);
  g_assert_cmpint (sng_metric_result_get_verdict (result), ==, SNG_VERDICT_INCONCLUSIVE);
  g_assert_cmpstr (sng_metric_result_get_reason (result), ==, reason);
  g_assert_null (sng_metric_result_get_first_divergence (result));
}

static void
test_pass (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  fixture->has_repeat = TRUE;
  report = record_and_compare (fixture, NULL);

  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_PASS);
  g_assert_null (sng_report_get_first_divergence (report));
  g_assert_cmpuint (g_list_model_get_n_items (sng_report_get_metrics (report)), ==, 3);
  g_assert_cmpuint (sng_metric_result_get_compared (sng_report_lookup_metric (report, "Loss")), ==,
                    2 * N_STEPS);
  /* the state at the stop is compared for both runs */
  g_assert_cmpuint (sng_metric_result_get_compared (sng_report_lookup_metric (report, "Weights")), ==,
                    N_STEPS + 2);
  g_assert_cmpuint (sng_metric_result_get_compared (sng_report_lookup_metric (report, "ValidLoss")), ==,
                    N_STEPS);
  g_assert_null (sng_report_lookup_metric (report, "Start"));
  g_assert_null (sng_metric_result_get_reason (sng_report_lookup_metric (report, "Loss")));
}

static gboolean
other_value (Fixture *fixture,
             SngMode mode,
             const char *metric,
             SngStage stage,
             guint64 step,
             gint64 micro_batch)
{
  if (mode != SNG_MODE_RESUME || step != 5 || micro_batch != 1 || strcmp (metric, "Loss") != 0)
    return FALSE;

  record (fixture, mode, metric, stage, step, micro_batch, "",
          g_variant_new_double (nextafter (1.0 / 6.0, 1.0)));
  return TRUE;
}

static void
test_value (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = record_and_compare (fixture, other_value);
  SngDivergence *first = assert_diverged (report, "Loss", 5, 1, SNG_MODE_RESUME);

  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_DIVERGED);
  g_assert_cmpint (sng_divergence_get_stage (first), ==, SNG_STAGE_TRAIN);
  g_assert_cmpstr (sng_divergence_get_expected (first), ==, "0.16666666666666666 (0x3fc5555555555555)");
  g_assert_cmpstr (sng_divergence_get_actual (first), ==, "0.16666666666666669 (0x3fc5555555555556)");
  g_assert_true (g_str_has_prefix (sng_divergence_get_detail (first), "1 ULP apart"));
  g_assert_cmpuint (sng_metric_result_get_n_different (sng_report_lookup_metric (report, "Loss")), ==, 1);
  g_assert_cmpint (sng_metric_result_get_verdict (sng_report_lookup_metric (report, "Weights")), ==,
                   SNG_VERDICT_PASS);
}

static gboolean
zeros (Fixture *fixture, SngMode mode, const char *metric, SngStage stage, guint64 step, gint64 micro_batch)
{
  if (step != 4 || micro_batch != 0 || strcmp (metric, "Loss") != 0)
    return FALSE;

  record (fixture, mode, metric, stage, step, micro_batch, "",
          g_variant_new_double (mode == SNG_MODE_RESUME ? -0.0 : 0.0));
  return TRUE;
}

static void
test_negative_zero (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = record_and_compare (fixture, zeros);

  assert_diverged (report, "Loss", 4, 0, SNG_MODE_RESUME);
}

static gboolean
nans (Fixture *fixture, SngMode mode, const char *metric, SngStage stage, guint64 step, gint64 micro_batch)
{
  if (step != 4 || micro_batch != 0 || strcmp (metric, "Loss") != 0)
    return FALSE;

  record (fixture, mode, metric, stage, step, micro_batch, "", g_variant_new_double (NAN));
  return TRUE;
}

static void
test_equal_nan (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  fixture->atol = 1e-6;
  report = record_and_compare (fixture, nans);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_PASS);
}

static gboolean
nan_once (Fixture *fixture,
          SngMode mode,
          const char *metric,
          SngStage stage,
          guint64 step,
          gint64 micro_batch)
{
  return mode == SNG_MODE_RESUME && nans (fixture, mode, metric, stage, step, micro_batch);
}

static void
test_nan (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  fixture->atol = 1e-6;
  report = record_and_compare (fixture, nan_once);
  assert_diverged (report, "Loss", 4, 0, SNG_MODE_RESUME);
}

static gboolean
missing_entry (Fixture *fixture,
               SngMode mode,
               const char *metric,
               SngStage stage,
               guint64 step,
               gint64 micro_batch)
{
  return mode == SNG_MODE_STOP && step == 2 && micro_batch == 1 && strcmp (metric, "Loss") == 0;
}

static void
test_missing (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = record_and_compare (fixture, missing_entry);
  SngDivergence *first = assert_diverged (report, "Loss", 2, 1, SNG_MODE_STOP);

  g_assert_cmpstr (sng_divergence_get_actual (first), ==, "(not recorded)");
}

static gboolean
missing_at_end (Fixture *fixture,
                SngMode mode,
                const char *metric,
                SngStage stage,
                guint64 step,
                gint64 micro_batch)
{
  return mode == SNG_MODE_RESUME && step == N_STEPS;
}

/* A resume that ends too early is seen, and blamed. */
static void
test_missing_at_end (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = record_and_compare (fixture, missing_at_end);

  assert_diverged (report, "Loss", N_STEPS, 0, SNG_MODE_RESUME);
}

static gboolean
extra_entry (Fixture *fixture,
             SngMode mode,
             const char *metric,
             SngStage stage,
             guint64 step,
             gint64 micro_batch)
{
  if (mode == SNG_MODE_RESUME && step == 5 && micro_batch == 1 && strcmp (metric, "Loss") == 0)
    record (fixture, mode, metric, stage, step, 2, "", g_variant_new_double (0.25));

  return FALSE;
}

static void
test_extra (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = record_and_compare (fixture, extra_entry);
  SngDivergence *first = assert_diverged (report, "Loss", 5, 2, SNG_MODE_RESUME);

  g_assert_cmpstr (sng_divergence_get_expected (first), ==, "(not recorded)");
}

static gboolean
extra_validation (Fixture *fixture,
                  SngMode mode,
                  const char *metric,
                  SngStage stage,
                  guint64 step,
                  gint64 micro_batch)
{
  if (mode == SNG_MODE_RESUME && step == 4 && micro_batch == 0 && strcmp (metric, "ValidLoss") == 0)
    record (fixture, mode, metric, stage, step, 2, "", g_variant_new_double (0.25));

  return FALSE;
}

static void
test_validation_batches (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = record_and_compare (fixture, extra_validation);
  SngDivergence *first = assert_diverged (report, "ValidLoss", 4, 2, SNG_MODE_RESUME);

  g_assert_cmpint (sng_divergence_get_stage (first), ==, SNG_STAGE_VALIDATE);
}

/* Micro-batch 1 before micro-batch 0: other keys in another order are no difference. */
static gboolean
swapped_keys (Fixture *fixture,
              SngMode mode,
              const char *metric,
              SngStage stage,
              guint64 step,
              gint64 micro_batch)
{
  if (mode != SNG_MODE_RESUME || strcmp (metric, "Loss") != 0)
    return FALSE;

  record (fixture, mode, metric, stage, step, 1 - micro_batch, "",
          g_variant_new_double (1.0 / (double) (step + (guint64) (1 - micro_batch))));
  return TRUE;
}

static void
test_order_of_keys (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = record_and_compare (fixture, swapped_keys);

  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_PASS);
}

/* Three entries of one key: they are compared in the order of recording. */
static gboolean
same_key (Fixture *fixture,
          SngMode mode,
          const char *metric,
          SngStage stage,
          guint64 step,
          gint64 micro_batch)
{
  if (strcmp (metric, "Loss") != 0 || step != 5)
    return FALSE;

  for (int i = 0; i < 3 && micro_batch == 0; i++)
    record (fixture, mode, metric, stage, step, 0, "", g_variant_new_int32 (i));
  return TRUE;
}

static gboolean
same_key_swapped (Fixture *fixture,
                  SngMode mode,
                  const char *metric,
                  SngStage stage,
                  guint64 step,
                  gint64 micro_batch)
{
  if (mode != SNG_MODE_RESUME)
    return same_key (fixture, mode, metric, stage, step, micro_batch);

  if (strcmp (metric, "Loss") != 0 || step != 5)
    return FALSE;

  for (int i = 2; i >= 0 && micro_batch == 0; i--)
    record (fixture, mode, metric, stage, step, 0, "", g_variant_new_int32 (i));
  return TRUE;
}

static gboolean
same_key_short (Fixture *fixture,
                SngMode mode,
                const char *metric,
                SngStage stage,
                guint64 step,
                gint64 micro_batch)
{
  if (mode != SNG_MODE_RESUME)
    return same_key (fixture, mode, metric, stage, step, micro_batch);

  if (strcmp (metric, "Loss") != 0 || step != 5)
    return FALSE;

  for (int i = 0; i < 2 && micro_batch == 0; i++)
    record (fixture, mode, metric, stage, step, 0, "", g_variant_new_int32 (i));
  return TRUE;
}

static void
test_same_key (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = record_and_compare (fixture, same_key);

  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_PASS);
}

static void
test_same_key_swapped (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = record_and_compare (fixture, same_key_swapped);
  SngDivergence *first = assert_diverged (report, "Loss", 5, 0, SNG_MODE_RESUME);

  g_assert_cmpstr (sng_divergence_get_expected (first), ==, "0");
  g_assert_cmpstr (sng_divergence_get_actual (first), ==, "2");
  g_assert_cmpstr (sng_divergence_get_detail (first), ==, "differ by 2");
  g_assert_cmpuint (sng_metric_result_get_n_different (sng_report_lookup_metric (report, "Loss")), ==, 2);
}

static void
test_same_key_short (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = record_and_compare (fixture, same_key_short);
  SngDivergence *first = assert_diverged (report, "Loss", 5, 0, SNG_MODE_RESUME);

  g_assert_cmpstr (sng_divergence_get_expected (first), ==, "2");
  g_assert_cmpstr (sng_divergence_get_actual (first), ==, "(not recorded)");
}

/* Tensors that differ in one element, in dtype, in shape, and one that is a value on the other side. */
static int tensor_fault;

static gboolean
other_tensor (Fixture *fixture,
              SngMode mode,
              const char *metric,
              SngStage stage,
              guint64 step,
              gint64 micro_batch)
{
  g_autoptr (SngTensor) tensor = NULL;

  if (mode != SNG_MODE_RESUME || step != 4 || strcmp (metric, "Weights") != 0)
    return FALSE;

  if (tensor_fault == 3)
    {
      record (fixture, mode, "Weights", stage, step, -1, "w", g_variant_new_double (1.0));
      return TRUE;
    }

  tensor = make_tensor (tensor_fault == 1 ? SNG_DTYPE_I32 : SNG_DTYPE_F32, tensor_fault == 2 ? 3 : 2,
                        tensor_fault == 2 ? 2 : 3, 5.0);
  if (tensor_fault == 0)
    ((float *) sng_tensor_get_data (tensor))[4] = 9.5f;
  record_tensor (fixture, mode, step, tensor);
  return TRUE;
}

static void
test_tensor (Fixture *fixture, gconstpointer data)
{
  static const char *const details[] = { "mean 7.5 and 7.583333333333333", "dtypes F32 and I32",
                                         "different shapes", "one is a tensor, the other a value" };
  g_autoptr (SngReport) report = NULL;
  SngDivergence *first;

  tensor_fault = GPOINTER_TO_INT (data);
  report = record_and_compare (fixture, other_tensor);
  first = assert_diverged (report, "Weights", 4, -1, SNG_MODE_RESUME);
  g_assert_cmpstr (sng_divergence_get_path (first), ==, "w");
  g_assert_true (g_str_has_prefix (sng_divergence_get_expected (first), "F32 [2, 3] fingerprint "));
  g_assert_cmpstr (sng_divergence_get_detail (first), ==, details[tensor_fault]);
}

/* The loss of step 4 and the weights after it differ: the loss came first, though its micro-batch is 1 and theirs -1. */
static gboolean
cause_and_effect (Fixture *fixture,
                  SngMode mode,
                  const char *metric,
                  SngStage stage,
                  guint64 step,
                  gint64 micro_batch)
{
  if (mode != SNG_MODE_RESUME || step < 4)
    return FALSE;

  if (strcmp (metric, "Loss") == 0 && (micro_batch == 1 || step > 4))
    {
      record (fixture, mode, metric, stage, step, micro_batch, "", g_variant_new_double (7.0));
      return TRUE;
    }

  tensor_fault = 0;
  return other_tensor (fixture, mode, metric, stage, step, micro_batch);
}

static void
test_first (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = record_and_compare (fixture, cause_and_effect);

  assert_diverged (report, "Loss", 4, 1, SNG_MODE_RESUME);
  g_assert_cmpuint (sng_metric_result_get_n_different (sng_report_lookup_metric (report, "Loss")), ==, 5);
  g_assert_cmpint (sng_metric_result_get_verdict (sng_report_lookup_metric (report, "Weights")), ==,
                   SNG_VERDICT_DIVERGED);
}

static gboolean
other_restore (Fixture *fixture,
               SngMode mode,
               const char *metric,
               SngStage stage,
               guint64 step,
               gint64 micro_batch)
{
  g_autoptr (SngTensor) tensor = NULL;

  if (mode != SNG_MODE_RESUME || step != STOP_AT || strcmp (metric, "Weights") != 0)
    return FALSE;

  tensor = make_tensor (SNG_DTYPE_F32, 2, 3, 0.0);
  record_tensor (fixture, mode, step, tensor);
  return TRUE;
}

/* The state right after the restore is compared, though the stopped run has recorded the same key. */
static void
test_restored_state (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = record_and_compare (fixture, other_restore);

  assert_diverged (report, "Weights", STOP_AT, -1, SNG_MODE_RESUME);
}

static gboolean
random_loss (Fixture *fixture,
             SngMode mode,
             const char *metric,
             SngStage stage,
             guint64 step,
             gint64 micro_batch)
{
  if (strcmp (metric, "Loss") != 0 || step < 2)
    return FALSE;

  record (fixture, mode, metric, stage, step, micro_batch, "", g_variant_new_double ((double) mode));
  return TRUE;
}

/* When two uninterrupted runs differ the resume is not blamed. */
static void
test_nondeterministic (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  fixture->has_repeat = TRUE;
  report = record_and_compare (fixture, random_loss);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_NONDETERMINISTIC);
  assert_diverged (report, "Loss", 2, 0, SNG_MODE_REPEAT);
  g_assert_cmpint (sng_metric_result_get_verdict (sng_report_lookup_metric (report, "Weights")), ==,
                   SNG_VERDICT_PASS);
}

static gboolean
repeat_is_short (Fixture *fixture,
                 SngMode mode,
                 const char *metric,
                 SngStage stage,
                 guint64 step,
                 gint64 micro_batch)
{
  return mode == SNG_MODE_REPEAT && step == N_STEPS;
}

static void
test_repeat_is_short (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  fixture->has_repeat = TRUE;
  report = record_and_compare (fixture, repeat_is_short);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_NONDETERMINISTIC);
  assert_diverged (report, "Loss", N_STEPS, 0, SNG_MODE_REPEAT);
}

/* A loss that is off by 1e-7 of itself, and weights that are off by less than 1e-5 */
static gboolean
slightly_off (Fixture *fixture,
              SngMode mode,
              const char *metric,
              SngStage stage,
              guint64 step,
              gint64 micro_batch)
{
  if (mode != SNG_MODE_RESUME)
    return FALSE;

  if (strcmp (metric, "Loss") == 0)
    {
      record (fixture, mode, metric, stage, step, micro_batch, "",
              g_variant_new_double ((1.0 + 1e-7) / (double) (step + (guint64) micro_batch)));
      return TRUE;
    }

  if (strcmp (metric, "Weights") == 0)
    {
      g_autoptr (SngTensor) tensor = make_tensor (SNG_DTYPE_F32, 2, 3, (double) step + 1.0);

      ((float *) sng_tensor_get_data (tensor))[5] += 5e-6f;
      record_tensor (fixture, mode, step, tensor);
      return TRUE;
    }

  return FALSE;
}

static void
test_tolerance (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  fixture->atol = 1e-5;
  report = record_and_compare (fixture, slightly_off);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_PASS);
}

static void
test_tolerance_too_small (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;
  SngDivergence *first;

  fixture->atol = 1e-6;
  report = record_and_compare (fixture, slightly_off);
  g_assert_cmpint (sng_metric_result_get_verdict (sng_report_lookup_metric (report, "Loss")), ==,
                   SNG_VERDICT_PASS);
  first = assert_diverged (report, "Weights", STOP_AT, -1, SNG_MODE_RESUME);
  g_assert_nonnull (strstr (sng_divergence_get_detail (first), "1 of 6 elements"));
  g_assert_nonnull (strstr (sng_divergence_get_detail (first), "first [1, 2]: 9 (0x41100000)"));
}

/* A tolerance cannot be applied to a tensor of which only the fingerprint is known. */
static void
test_not_captured (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;
  SngDivergence *first;

  record_run (fixture, SNG_MODE_CONTINUOUS, 1, N_STEPS, slightly_off);
  record_run (fixture, SNG_MODE_STOP, 1, STOP_AT, slightly_off);
  record_run (fixture, SNG_MODE_RESUME, STOP_AT + 1, N_STEPS, slightly_off);
  fixture->atol = 1e-5;
  report = compare (fixture);
  first = assert_diverged (report, "Weights", STOP_AT, -1, SNG_MODE_RESUME);
  g_assert_nonnull (strstr (sng_divergence_get_detail (first), "not captured"));
}

static void
test_capture_is_gone (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngComparison) comparison = sng_comparison_new (fixture->stores[SNG_MODE_CONTINUOUS]);
  g_autoptr (SngTolerance) tolerance = sng_tolerance_new (1e-5, 0.0);
  g_autoptr (SngReport) report = NULL;
  g_autofree char *captures = g_build_filename (fixture->directory, "resume", "captures", NULL);

  fixture->atol = 1e-5;
  g_object_unref (record_and_compare (fixture, slightly_off));
  remove_all (captures);

  sng_comparison_add_segment (comparison, SNG_MODE_RESUME, fixture->stores[SNG_MODE_RESUME]);
  sng_comparison_set_tolerance (comparison, "Weights", tolerance);
  report = sng_comparison_run (comparison, &error);
  g_assert_null (report);
  g_assert_error (error, SNG_ERROR, SNG_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, captures));
}

static void
test_tolerance_too_large (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  fixture->atol = 1.0;
  report = record_and_compare (fixture, NULL);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_INCONCLUSIVE);
  assert_inconclusive (report, "Loss", "tolerance 1 is not smaller than the largest recorded value 1");
  g_assert_cmpint (sng_metric_result_get_verdict (sng_report_lookup_metric (report, "Weights")), ==,
                   SNG_VERDICT_PASS);
}

static void
test_tolerance_too_large_for_tensors (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  fixture->atol = 12.0;
  report = record_and_compare (fixture, NULL);
  assert_inconclusive (report, "Weights", "tolerance 12 is not smaller than the largest recorded value 12");
}

/* A hook that alters nothing: it records a second path of the metric, whose values are as small as second moments are, and
 * a third of zeros, such as a bias that nothing has touched. */
static gboolean
further_paths (Fixture *fixture,
               SngMode mode,
               const char *metric,
               SngStage stage,
               guint64 step,
               gint64 micro_batch)
{
  if (g_str_equal (metric, "Loss"))
    {
      record (fixture, mode, metric, stage, step, micro_batch, "moment", g_variant_new_double (1e-8));
      record (fixture, mode, metric, stage, step, micro_batch, "untouched", g_variant_new_double (0.0));
    }

  return FALSE;
}

static void
test_tolerance_too_large_for_a_path (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  fixture->atol = 1e-4;
  report = record_and_compare (fixture, further_paths);
  assert_inconclusive (report, "Loss",
                       "tolerance 0.0001 is not smaller than the largest recorded value 1e-08 of \"moment\"; "
                       "so for 1 of 3 paths");
}

static void
test_relative_tolerance_too_large (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  fixture->rtol = 1.0;
  report = record_and_compare (fixture, NULL);
  assert_inconclusive (report, "Loss",
                       "the relative tolerance 1 is not smaller than 1, so it accepts zero for any value");
}

static gboolean
constant_loss (Fixture *fixture,
               SngMode mode,
               const char *metric,
               SngStage stage,
               guint64 step,
               gint64 micro_batch)
{
  if (strcmp (metric, "Loss") == 0)
    record (fixture, mode, metric, stage, step, micro_batch, "", g_variant_new_double (0.5));

  return strcmp (metric, "Loss") == 0;
}

static void
test_never_changes (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = record_and_compare (fixture, constant_loss);

  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_INCONCLUSIVE);
  assert_inconclusive (report, "Loss", "it never changed in 12 entries, and is expected to");
}

static void
test_may_stay (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  g_object_unref (record_and_compare (fixture, constant_loss));
  sng_run_store_declare_metric (fixture->stores[SNG_MODE_CONTINUOUS], "Loss", SNG_METRIC_NONE, NULL);
  report = compare (fixture);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_PASS);
}

static gboolean
no_loss (Fixture *fixture, SngMode mode, const char *metric, SngStage stage, guint64 step, gint64 micro_batch)
{
  return strcmp (metric, "Loss") == 0;
}

static gboolean
no_loss_continuous (Fixture *fixture,
                    SngMode mode,
                    const char *metric,
                    SngStage stage,
                    guint64 step,
                    gint64 micro_batch)
{
  return mode == SNG_MODE_CONTINUOUS && strcmp (metric, "Loss") == 0;
}

static gboolean
only_loss_continuous (Fixture *fixture,
                      SngMode mode,
                      const char *metric,
                      SngStage stage,
                      guint64 step,
                      gint64 micro_batch)
{
  return mode != SNG_MODE_CONTINUOUS && strcmp (metric, "Loss") == 0;
}

static gboolean
no_loss_repeat (Fixture *fixture,
                SngMode mode,
                const char *metric,
                SngStage stage,
                guint64 step,
                gint64 micro_batch)
{
  return mode == SNG_MODE_REPEAT && strcmp (metric, "Loss") == 0;
}

static gboolean
one_loss (Fixture *fixture,
          SngMode mode,
          const char *metric,
          SngStage stage,
          guint64 step,
          gint64 micro_batch)
{
  return strcmp (metric, "Loss") == 0 && (step != 5 || micro_batch != 0);
}

static const struct
{
  const char *name;
  Fault fault;
  const char *reason;
} lacks[] = {
  { "nothing", no_loss, "nothing was recorded" },
  { "continuous", no_loss_continuous, "the continuous run recorded nothing of it" },
  { "interrupted", only_loss_continuous, "only the continuous run recorded anything of it" },
  { "repeat", no_loss_repeat, "the repeat run recorded nothing of it" },
  { "once", one_loss, "it was recorded only once, so it could not be seen to change" },
};

static void
test_lack (Fixture *fixture, gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE (data);
  g_autoptr (SngReport) report = NULL;

  fixture->has_repeat = lacks[i].fault == no_loss_repeat;
  report = record_and_compare (fixture, lacks[i].fault);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_INCONCLUSIVE);
  assert_inconclusive (report, "Loss", lacks[i].reason);
}

/* The stop came after the last step, so nothing was resumed. */
static void
test_empty_resume (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  record_run (fixture, SNG_MODE_CONTINUOUS, 1, N_STEPS, NULL);
  record_run (fixture, SNG_MODE_STOP, 1, N_STEPS, NULL);
  report = compare (fixture);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_INCONCLUSIVE);
  assert_inconclusive (report, "Weights", "the resume run recorded nothing at all");
}

static void
test_nothing_at_all (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = compare (fixture);

  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_INCONCLUSIVE);
  g_assert_cmpuint (g_list_model_get_n_items (sng_report_get_metrics (report)), ==, 0);
}

static void
test_unreadable (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngComparison) comparison = sng_comparison_new (fixture->stores[SNG_MODE_CONTINUOUS]);

  record_run (fixture, SNG_MODE_CONTINUOUS, 1, N_STEPS, NULL);
  sng_run_store_close (fixture->stores[SNG_MODE_RESUME], NULL);
  sng_comparison_add_segment (comparison, SNG_MODE_RESUME, fixture->stores[SNG_MODE_RESUME]);
  g_assert_null (sng_comparison_run (comparison, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "resume"));
}

static void
add (const char *name, void (*function) (Fixture *, gconstpointer), gconstpointer data)
{
  g_autofree char *path = g_strconcat ("/sng/comparison/", name, NULL);

  g_test_add (path, Fixture, data, set_up, function, tear_down);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add ("pass", test_pass, NULL);
  add ("value", test_value, NULL);
  add ("negative-zero", test_negative_zero, NULL);
  add ("nan", test_nan, NULL);
  add ("equal-nan", test_equal_nan, NULL);
  add ("missing", test_missing, NULL);
  add ("missing-at-end", test_missing_at_end, NULL);
  add ("extra", test_extra, NULL);
  add ("validation-batches", test_validation_batches, NULL);
  add ("order-of-keys", test_order_of_keys, NULL);
  add ("same-key", test_same_key, NULL);
  add ("same-key-swapped", test_same_key_swapped, NULL);
  add ("same-key-short", test_same_key_short, NULL);
  add ("tensor/element", test_tensor, GINT_TO_POINTER (0));
  add ("tensor/dtype", test_tensor, GINT_TO_POINTER (1));
  add ("tensor/shape", test_tensor, GINT_TO_POINTER (2));
  add ("tensor/value", test_tensor, GINT_TO_POINTER (3));
  add ("first", test_first, NULL);
  add ("restored-state", test_restored_state, NULL);
  add ("nondeterministic", test_nondeterministic, NULL);
  add ("repeat-is-short", test_repeat_is_short, NULL);
  add ("tolerance/accepts", test_tolerance, NULL);
  add ("tolerance/too-small", test_tolerance_too_small, NULL);
  add ("tolerance/not-captured", test_not_captured, NULL);
  add ("tolerance/capture-is-gone", test_capture_is_gone, NULL);
  add ("tolerance/too-large", test_tolerance_too_large, NULL);
  add ("tolerance/too-large-for-tensors", test_tolerance_too_large_for_tensors, NULL);
  add ("tolerance/too-large-for-a-path", test_tolerance_too_large_for_a_path, NULL);
  add ("tolerance/relative-too-large", test_relative_tolerance_too_large, NULL);
  add ("never-changes", test_never_changes, NULL);
  add ("may-stay", test_may_stay, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (lacks); i++)
    {
      g_autofree char *name = g_strconcat ("lack/", lacks[i].name, NULL);

      add (name, test_lack, GSIZE_TO_POINTER (i));
    }
  add ("empty-resume", test_empty_resume, NULL);
  add ("nothing-at-all", test_nothing_at_all, NULL);
  add ("unreadable", test_unreadable, NULL);

  return g_test_run ();
}
