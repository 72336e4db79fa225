/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "comparison-fixture.h"

#include <math.h>
#include <string.h>

/* What differs, and what is found of it. */

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

  g_test_add (path, Fixture, data, fixture_set_up, function, fixture_tear_down);
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
  add ("unreadable", test_unreadable, NULL);

  return g_test_run ();
}
